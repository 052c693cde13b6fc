"""The app: its routes, and what they share."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import BaseRoute, Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from rtstate._hosts import hosts_of, origins_of
from rtstate.errors import RtstateError
from rtstate.hub import Hub
from rtstate.logs import Log
from rtstate.server import _agui, _ingest, _openapi, _resources, _streams
from rtstate.server._errors import on_http, on_ours
from rtstate.server._feed import Feeds
from rtstate.server._guard import Guard, Token, own_path
from rtstate.server._limits import Limits, Pace, Streams
from rtstate.server._metrics import Metrics
from rtstate.server._past import Pasts
from rtstate.server._state import State

PAGE: Final = Path(__file__).parent / "page"
_ONE: Final = "/conversations/{id}"


def create_app(
    hub: Hub,
    log: Log,
    *,
    token: str | None = None,
    hosts: Iterable[str] = (),
    origins: Iterable[str] = (),
    limits: Limits | None = None,
) -> Starlette:
    """Return the server's app, over a hub and its log; both stay the caller's to stop and close.

    ``token`` is asked of everybody, but for the page itself, which holds nothing. ``hosts`` are the names
    beside this machine's own that it answers to, ``origins`` the pages elsewhere that may use it, as
    ``https://desk.example``. Run it with :func:`serve`, or mount it. Raises ValueError for an empty token,
    and for a name or a page that no browser would ever send.

    >>> import asyncio, httpx
    >>> from rtstate.logs import MemoryLog
    >>> async def listed():
    ...     async with MemoryLog() as log, Hub(log) as hub:
    ...         transport = httpx.ASGITransport(create_app(hub, log))
    ...         async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
    ...             return (await client.get("/conversations")).json()
    >>> asyncio.run(listed())
    {'conversations': [], 'next': None, 'total': 0}
    """
    if token is not None and not (token and token.isascii() and token.isprintable() and " " not in token):
        raise ValueError("a token is some printable ASCII characters, without spaces; None is no token")
    limits = limits or Limits()
    streams = Streams(limits)
    metrics = Metrics(hub, streams)
    feeds, pasts = Feeds(hub, metrics), Pasts(hub, log, limits)
    app = Starlette(
        routes=routes(),
        middleware=[Middleware(Counted, metrics=metrics), *_guarded(token, hosts, origins)],
        exception_handlers={HTTPException: on_http, RtstateError: on_ours},
        lifespan=_lifespan,
    )
    app.state.rtstate = State(hub, log, limits, feeds, pasts, Pace(limits), streams, metrics)
    return app


def _guarded(token: str | None, hosts: Iterable[str], origins: Iterable[str]) -> list[Middleware]:
    """Return what is asked before an endpoint is: a browser asks without the token whether it may ask."""
    allowed = origins_of(origins)
    guards = [Middleware(Guard, hosts=hosts_of(hosts), origins=allowed)]
    if allowed:
        guards.append(
            Middleware(
                CORSMiddleware,
                allow_origins=allowed,
                allow_methods=("GET", "POST", "DELETE"),
                allow_headers=("Authorization", "Content-Type", "If-None-Match", "Last-Event-ID"),
                expose_headers=("ETag", "Retry-After", "Events-Kept"),
            )
        )
    return guards if token is None else [*guards, Middleware(Token, token=token)]


def routes() -> list[BaseRoute]:
    """Return the routes."""
    reading: dict[str, Callable[[Request], Any]] = {
        "transcript": _resources.transcript,
        "usage": _resources.usage,
        "timing": _resources.timing,
        "tools": _resources.tools,
        "exports/{format}": _resources.export,
    }
    return [
        Route("/", _page),
        Mount("/page", StaticFiles(directory=PAGE)),
        Route("/healthz", _resources.health),
        Route("/metrics", _resources.metrics),
        Route("/openapi.json", _openapi.openapi),
        Route("/conversations", _resources.conversations),
        Route(_ONE, _resources.document, methods=["GET"]),
        Route(_ONE, _resources.delete, methods=["DELETE"]),
        Route(f"{_ONE}/events", _resources.events, methods=["GET"]),
        Route(f"{_ONE}/events", _ingest.post_events, methods=["POST"]),
        WebSocketRoute(f"{_ONE}/ingest", _ingest.ingest),
        Route(f"{_ONE}/changes", _streams.changes),
        Route(f"{_ONE}/agui", _agui.agui),
        *(Route(f"{_ONE}/{path}", endpoint) for path, endpoint in reading.items()),
    ]


async def _page(_: Request) -> Response:
    return FileResponse(PAGE / "index.html")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncGenerator[None]:
    yield
    await _streams.stop(app.state.rtstate)


class Counted:
    """Middleware that counts requests, by the route they took: never by a path, which may be anything."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._count = app, metrics.requests

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and count what is answered."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def sending(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._count.labels(_route(scope), _method(scope), str(message["status"])).inc()
            await send(message)

        await self._app(scope, receive, sending)


def _route(scope: Scope) -> str:
    path = own_path(scope)
    parts = path.split("/")
    if path.startswith("/page/"):
        return "/page"
    if parts[1:2] == ["conversations"] and len(parts) > 2:
        return "/".join(["/conversations/{id}", *parts[3:4]]) if _known(parts[3:4]) else "other"
    return path if path in ("/", "/conversations", "/healthz", "/metrics", "/openapi.json") else "other"


def _known(rest: list[str]) -> bool:
    return not rest or rest[0] in (
        *("events", "changes", "agui", "ingest", "transcript", "usage", "timing", "tools", "exports"),
    )


def _method(scope: Scope) -> str:
    return scope["method"] if scope["method"] in ("GET", "HEAD", "POST", "DELETE", "OPTIONS") else "other"
