"""A draft made from a snapshot alone: as much of the hidden state as the document lets one infer.

A snapshot does not tell which ids were deleted, which events were seen, what waits for an anchor, what the
client has asked for. It is taken that nothing is; whoever needs better keeps a checkpoint.
"""

# Frozen copies are handed on as they are:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from typing import Any

from rtstate._draft import Draft
from rtstate._draft.parts import DEFAULT_BYTES_PER_SECOND
from rtstate._draft.saving import load, save
from rtstate._model import Item, Part, Response, plain
from rtstate._types import IN_PROGRESS, Dialect, Json
from rtstate.document import Snapshot


def revive(snapshot: Snapshot, dialect: Dialect = "auto") -> Draft:
    """Return a draft that stands where a snapshot does and shares what it holds. Cost: its size."""
    items = [item for item, _ in snapshot._items]
    ordered = set(snapshot.order)
    saved = save(Draft("measure", dialect))
    saved.update(
        revision=snapshot.revision,
        conversation_id=snapshot.conversation_id,
        is_named=snapshot.conversation_id is not None,
        session=plain(snapshot.session),
        has_session=snapshot.session is not None,
        input_audio=snapshot.input_audio.to_dict(),
        rate_limits=plain(snapshot.rate_limits),
        errors=plain(snapshot.errors),
        translation={} if snapshot.translation is None else snapshot.translation.to_dict(),
        usage=snapshot.usage.to_dict(),
        items=[_item(item, placed=item.id in ordered) for item in items],
        responses=[_response(each) for each in snapshot.responses],
        calls={item.call_id: item.id for item in reversed(items) if _is_call(item)},
    )
    saved["order"].update(
        ids=list(snapshot.order),
        hangers={item.id: [] for item in items if item.id in ordered and _is_provisional(item)},
    )
    draft = load(saved)
    for item in items:
        work = draft.items[item.id]
        work.frozen = work.base = item
        for part, frozen in zip(work.parts, item.content, strict=True):
            part.frozen = frozen
    for response in snapshot.responses:
        draft.responses[response.id].frozen = response
    return draft


def _item(item: Item, *, placed: bool) -> dict[str, Json]:
    return {
        "id": item.id,
        "type": item.type,
        **_told(
            status=item.status,
            response_id=item.response_id,
            previous_item_id=item.previous_item_id,
            role=item.role,
            call_id=item.call_id,
            name=item.name,
            arguments=item.arguments,
            output=plain(item.output),
        ),
        "typed": True,
        "anchored": item.previous_item_id is not None,
        "parts": [_part(part) for part in item.content],
        "arguments_final": item.status != IN_PROGRESS,
        "ready": item.ready,
        "placed": placed,
        "mcp": plain(item._mcp),
        "extra": plain(item.extra),
    }


def _part(part: Part) -> dict[str, Json]:
    cut, transcription = part.truncated, part.transcription
    transcript = part.transcript if cut is None else cut.generated_transcript
    segments: Any = part.extra.get("segments")
    saved: dict[str, Json] = {
        "type": part.type,
        **_told(
            text=part.text,
            transcript=transcript,
            audio_ms=part.audio_ms,
            image_url=part.image_url,
            detail=part.detail,
            transcription=transcription and transcription.to_dict(),
        ),
        "final": part.final,
        "marks": {} if cut is None else {"": cut.audio_end_ms},
        "segments": [each["id"] for each in segments or () if isinstance(each, dict) and "id" in each],  # pyright: ignore[reportUnknownVariableType]
        "extra": plain(part.extra),
        "streamed": part.text is not None or transcript is not None,
        "billed": "priced" if transcription is not None and transcription.status == "final" else "",
    }
    if part.audio_ms is not None:
        size = part.audio_ms * DEFAULT_BYTES_PER_SECOND // 1000
        rate = DEFAULT_BYTES_PER_SECOND
        saved["audio"] = {"source": "", "bytes_per_second": rate, "size": size, "chunks": None}
    return saved


def _response(response: Response) -> dict[str, Json]:
    ended = response.status != IN_PROGRESS
    return {
        "id": response.id,
        **_told(
            status=response.status,
            status_details=plain(response.status_details),
            conversation_id=response.conversation_id,
            metadata=plain(response.metadata),
            usage=plain(response.usage),
        ),
        "output": list(response.output),
        "indexes": list(range(len(response.output))),
        "extra": plain(response.extra),
        "out_of_band": response.out_of_band,
        "ended": ended,
        "billed": ("priced" if response.usage else "counted") if ended else "",
    }


def _told(**fields: Json) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def _is_call(item: Item) -> bool:
    return item.type in ("function_call", "mcp_call") and item.call_id is not None


def _is_provisional(item: Item) -> bool:
    """Tell whether an announcement that says where an item goes may yet come."""
    return item.previous_item_id is None and item.status == IN_PROGRESS
