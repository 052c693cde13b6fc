"""What the parts of a server share, and what they read from a request."""

from __future__ import annotations

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import Any, cast
from urllib.parse import unquote_to_bytes

import attrs
from starlette.requests import HTTPConnection

from rtstate.hub import Hub
from rtstate.logs import Log, Summary
from rtstate.server._errors import refuse
from rtstate.server._feed import Feeds
from rtstate.server._limits import Limits, Pace, Streams
from rtstate.server._metrics import Metrics
from rtstate.server._past import Pasts


@attrs.define(eq=False)
class State:
    """What every endpoint uses; ``stopping`` is set when the server stops, and streams end."""

    hub: Hub
    log: Log
    limits: Limits
    feeds: Feeds
    pasts: Pasts
    pace: Pace
    streams: Streams
    metrics: Metrics
    stopping: asyncio.Event = attrs.field(factory=asyncio.Event)
    begun: int = 0
    """How many conversations this server began."""
    beginning: set[str] = attrs.field(factory=set[str])
    """Those whose first events are being kept."""
    _feeding: int = 0
    _fed: asyncio.Event = attrs.field(factory=asyncio.Event)

    @contextmanager
    def feeding(self) -> Generator[None]:
        """Count a WebSocket that feeds."""
        self._feeding += 1
        try:
            yield
        finally:
            self._feeding -= 1
            self._fed.set()

    async def fed(self) -> None:
        """Wait until no WebSocket feeds."""
        while self._feeding:
            self._fed.clear()
            await self._fed.wait()


def state_of(connection: HTTPConnection) -> State:
    """Return what the endpoints of this app share."""
    return cast(State, connection.app.state.rtstate)


def client_of(connection: HTTPConnection) -> str:
    """Return who asks: an address."""
    return connection.client.host if connection.client else "?"


def name_of(connection: HTTPConnection) -> str:
    """Return the conversation's name in the path; raise 400 for what cannot be one."""
    state = state_of(connection)
    encoded: str = connection.path_params["id"]
    try:
        name = unquote_to_bytes(encoded).decode()
        state.log.check_name(name)
    except ValueError:
        raise refuse(400, "a conversation's name is printable text, percent-encoded as UTF-8") from None
    if name in (".", ".."):  # which every browser takes for a folder
        raise refuse(400, f"a conversation cannot be called {name!r}: no address leads there")
    if len(name) > state.limits.name:
        raise refuse(400, f"a conversation's name has at most {state.limits.name} characters here")
    return name


async def expect(connection: HTTPConnection) -> tuple[str, Summary]:
    """Return the conversation's name, and what the log knows of it; raise 404 where there is none."""
    name = name_of(connection)
    summary = await state_of(connection).log.summary(name)
    if summary is None:
        raise refuse(404, f"there is no conversation {name!r}; GET /conversations lists those there are")
    return name, summary


def number(
    query: Mapping[str, Any], key: str, default: int | None, low: int = 0, high: int = 1 << 53
) -> int | None:
    """Return a whole number of the query; raise 400 for what is none, or not within its bounds."""
    told = query.get(key)
    if told is None:
        return default
    if not (told.isascii() and told.isdigit() and len(told) < 17 and low <= int(told) <= high):
        upper = f"to {high:,}" if high < 1 << 53 else "or more"
        raise refuse(400, f"{key} is a whole number, {low:,} {upper}, not {told!r:.60}")
    return int(told)


def choice(query: Mapping[str, Any], key: str, *choices: str) -> str:
    """Return one of some words of the query, the first where it has none; raise 400 for any other."""
    told: str = query.get(key, choices[0])
    if told not in choices:
        raise refuse(400, f"{key} is one of {', '.join(choices)}, not {told!r:.60}")
    return told
