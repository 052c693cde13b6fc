"""Conversations as resources: the list, the document, its past, what is read out of it, and its end."""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Callable, Mapping
from math import isfinite
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from rtstate import Snapshot, exports, views
from rtstate.logs import Log, Summary
from rtstate.logs._log import summaries_of
from rtstate.server._errors import refuse
from rtstate.server._json import Json
from rtstate.server._place import birth_of, place_of
from rtstate.server._state import choice, expect, number, state_of

_MOST: Final = 5_000  # of a list
_JSON: Final[Mapping[str, Callable[[Snapshot], Any]]] = {
    "chat": exports.chat_messages,
    "responses": exports.responses_input,
    "agents": exports.agents_items,
    "livekit": exports.livekit_chat_context,
    "agui": exports.agui_messages,
    "json": exports.transcript_json,
}
_TEXTS: Final[Mapping[str, tuple[Callable[[Snapshot], str], str]]] = {
    "markdown": (exports.markdown, "text/markdown"),
    "text": (exports.plain_text, "text/plain"),
    "vtt": (exports.webvtt, "text/vtt"),
    "srt": (exports.srt, "application/x-subrip"),
}
FORMS: Final = (*_JSON, *_TEXTS)


async def conversations(request: Request) -> Response:
    """List conversations by name or the newest first, a page at a time, and tell how many there are.

    Cost: their number. By name the page's summaries are read besides, the newest first all of them.
    """
    log, query = state_of(request).log, request.query_params
    limit = number(query, "limit", 100, 1, _MOST) or 1
    after = query.get("after", "")
    list_them = _newest if choice(query, "order", "name", "newest") == "newest" else _by_name
    page, following, total = await list_them(log, limit, after)
    return Json({"conversations": list(map(_listed, page)), "next": following, "total": total})


async def _by_name(log: Log, limit: int, after: str) -> tuple[list[Summary], str | None, int]:
    """Return a page, what comes after it, and how many there are."""
    names = [name async for name in log.names()]
    page = heapq.nsmallest(limit + 1, (name for name in names if name > after))
    told = [each async for each in summaries_of(log, page[:limit])]
    return told, page[limit - 1] if page[limit:] else None, len(names)


async def _newest(log: Log, limit: int, after: str) -> tuple[list[Summary], str | None, int]:
    """Return the same of those that began last; those of one moment come by name."""
    every: list[Summary] = []
    async for each in summaries_of(log):
        every.append(each)
        if len(every) % 1_000 == 0:  # a log in memory waits for nothing, and others come in between
            await asyncio.sleep(0)
    place = _read_place(after) if after else None
    page = heapq.nsmallest(
        limit + 1, every if place is None else (each for each in every if _age(each) > place), key=_age
    )
    following = f"{page[limit - 1].started!r} {page[limit - 1].name}" if page[limit:] else None
    return page[:limit], following, len(every)


def _age(each: Summary) -> tuple[float, str]:
    return -each.started, each.name


def _read_place(after: str) -> tuple[float, str]:
    """Return where a page ended, as its ``next`` told it; raise 400 for what never was one."""
    started, space, name = after.partition(" ")
    try:
        when = float(started)
    except ValueError:
        when = float("nan")
    if not (space and isfinite(when)):
        raise refuse(
            400,
            f"after is what next was in an answer of the same order, not {after!r:.60}; without it is first",
        )
    return -when, name


def _listed(each: Summary) -> dict[str, Any]:
    return {
        "id": each.name,
        "events": each.last,
        "first": each.first,
        "last": each.last,
        "checkpoint": each.checkpoint,
        "bytes": each.size,
        "started": each.started,
        "updated": each.updated,
        "writing": each.holder is not None,
    }


async def document(request: Request) -> Response:
    """Return the document, as it is or as it stood at a revision."""
    snapshot, summary = await _stood(request)
    tag = f'"{place_of(snapshot.revision, birth_of(summary.started))}"'
    headers = {"ETag": tag}
    if _matches(request.headers.get("if-none-match", ""), tag):
        return Response(status_code=304, headers=headers)
    return Json(snapshot.to_dict(), headers=headers)


def _matches(header: str, tag: str) -> bool:
    tags = [each.strip().removeprefix("W/") for each in header.split(",")]
    return tag in tags or "*" in tags


async def _snapshot(request: Request) -> Snapshot:
    """Return the state that is asked for: the last one, or that of a ``revision``."""
    return (await _stood(request))[0]


async def _stood(request: Request) -> tuple[Snapshot, Summary]:
    state = state_of(request)
    revision = number(request.query_params, "revision", None)
    name, summary = await expect(request)
    if revision is None:
        return await state.hub.snapshot(name), summary
    return await state.pasts.document(name, summary, revision), summary


async def delete(request: Request) -> Response:
    """Delete a conversation."""
    name, _ = await expect(request)
    state = state_of(request)
    state.pasts.forget(name)
    if not await state.hub.delete(name):
        raise refuse(404, f"there is no conversation {name!r}")
    return Response(status_code=204)


async def events(request: Request) -> Response:
    """Tell what events changed."""
    query = request.query_params
    after, before = number(query, "after", None), number(query, "before", None, 1)
    limit = number(query, "limit", 200, 1, 1_000) or 1
    if after is not None and before is not None:
        raise refuse(400, "events are asked for after one, or before one, not both")
    raw = choice(query, "raw", "0", "1") == "1"
    name, summary = await expect(request)
    return Json(await state_of(request).pasts.events(name, summary, after, before, limit, raw))


async def transcript(request: Request) -> Response:
    """Tell who said what."""
    return Json(exports.transcript_json(await _snapshot(request)))


async def timing(request: Request) -> Response:
    """Tell how long answers took."""
    return Json(views.timing(await _snapshot(request)).to_dict())


async def tools(request: Request) -> Response:
    """Tell which tools were called, and what came of it; as ``rtstate tools --json``."""
    snapshot = await _snapshot(request)
    return Json(
        {
            "tool_calls": [each.to_dict() for each in views.tool_calls(snapshot)],
            "mcp_approvals": [each.to_dict() for each in views.mcp_approvals(snapshot)],
            "mcp_tools": {label: each.to_dict() for label, each in views.mcp_tools(snapshot).items()},
        }
    )


async def usage(request: Request) -> Response:
    """Tell what was used; with a ``model`` what it cost, where genai-prices is there."""
    used = views.usage(await _snapshot(request))
    told = used.to_dict()
    model = request.query_params.get("model")
    if model is None:
        return Json(told)
    from rtstate.cost import GenaiPricer, cost

    try:
        spent = cost(used, GenaiPricer(), model=model).to_dict()
    except ImportError as missing:
        raise refuse(501, str(missing)) from None
    return Json({**told, "entries": spent.pop("entries"), "cost": spent})


async def export(request: Request) -> Response:
    """Return the conversation in a form that something else takes."""
    form = request.path_params["format"]
    if form not in FORMS:
        raise refuse(404, f"there is no form {form!r:.60}; there are {', '.join(FORMS)}")
    snapshot = await _snapshot(request)
    if form in _JSON:
        return Json(_JSON[form](snapshot))
    make, kind = _TEXTS[form]
    try:
        text = make(snapshot)
    except ModuleNotFoundError as missing:
        raise refuse(501, str(missing)) from None
    return PlainTextResponse(text.encode("utf-8", "replace"), media_type=kind)


async def health(request: Request) -> Response:
    """Tell that it lives, and whether it takes more."""
    stopping = state_of(request).stopping.is_set()
    return Json({"status": "stopping" if stopping else "ok"}, 503 if stopping else 200)


async def metrics(request: Request) -> Response:
    """Return what was counted, as Prometheus reads it."""
    text = state_of(request).metrics.text()
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")
