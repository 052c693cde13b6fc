"""Streams: what changes, as Server-Sent Events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import ExitStack, aclosing, suppress
from typing import Final, TypeVar

from sse_starlette import EventSourceResponse, ServerSentEvent
from sse_starlette.sse import SendTimeoutError
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from rtstate.server._errors import refuse
from rtstate.server._place import Place
from rtstate.server._state import State, choice, client_of, expect, number, state_of

T = TypeVar("T")
RATES: Final = (1, 60)
_GRACE: Final = 2.0  # sse-starlette sees a signal first, and would cut off streams that are about to end


def _keep_alive() -> ServerSentEvent:
    return ServerSentEvent(comment="", sep="\n")


class _Stream(EventSourceResponse):
    """A stream that was begun already, so that what goes wrong at its start is an answer of its own."""

    def __init__(
        self, state: State, first: bytes, rest: AsyncGenerator[bytes], leaving: ExitStack, **headers: str
    ) -> None:
        limits = state.limits
        super().__init__(  # pyright: ignore[reportUnknownMemberType]
            _from(first, rest),
            ping=limits.keep_alive,
            sep="\n",
            ping_message_factory=_keep_alive,
            send_timeout=limits.send_timeout,
            shutdown_grace_period=_GRACE,
            headers=headers,
        )
        self._state, self._leaving, self._rest = state, leaving, rest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send it; drop who does not read."""
        try:
            await super().__call__(scope, receive, send)
        except SendTimeoutError:
            self._state.metrics.dropped.inc()
        finally:
            self._leaving.close()
            await self._rest.aclose()


async def _from(first: bytes, rest: AsyncGenerator[bytes]) -> AsyncGenerator[bytes]:
    yield first
    async with aclosing(rest):
        async for each in rest:
            yield each


async def begin(request: Request, frames: AsyncGenerator[bytes]) -> Response:
    """Return a stream of frames; raise what the first of them raises, or 503, 429 for too many."""
    state = state_of(request)
    if state.stopping.is_set():
        raise refuse(503, "the server is stopping", retry_after=1)
    with ExitStack() as counted:
        counted.enter_context(state.streams.one(client_of(request)))
        try:
            first = await anext(frames)
        except BaseException:
            await frames.aclose()
            raise
        return _Stream(state, first, frames, counted.pop_all())


async def changes(request: Request) -> Response:
    """Follow a conversation: a snapshot, or what changed since a revision, then what changes."""
    query, state = request.query_params, state_of(request)
    append = choice(query, "patch", "append", "rfc6902") == "append"
    rate = number(query, "rate", 20, *RATES) or 1
    since = since_of(request)
    name, _ = await expect(request)
    return await begin(request, state.feeds.follow(name, append, rate, since))


def since_of(request: Request) -> Place | None:
    """Return where a follower is: at its last event, or where it says; raise 400 for what is no place."""
    told = request.headers.get("last-event-id") or request.query_params.get("since")
    if told is None:
        return None
    place = Place.read(told)
    if place is None:
        raise refuse(400, f"since is the id of an event, or a revision, not {told!r:.60}")
    return place


async def until(stopping: asyncio.Event, updates: AsyncGenerator[T]) -> AsyncGenerator[T]:
    """Yield what something yields, until the server stops."""
    stopped = asyncio.create_task(stopping.wait())
    try:
        while True:
            update = asyncio.create_task(_next(updates))
            try:
                await asyncio.wait({update, stopped}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                if not update.done():
                    update.cancel()
                    await asyncio.wait([update])
            if update.cancelled() or stopped.done():
                return
            try:
                told = update.result()
            except StopAsyncIteration:
                return
            yield told
    finally:
        stopped.cancel()
        await updates.aclose()


async def _next(updates: AsyncGenerator[T]) -> T:
    return await anext(updates)


async def stop(state: State) -> None:
    """End all streams, and let them go."""
    state.stopping.set()
    state.feeds.stop()
    await asyncio.sleep(0)
    with suppress(TimeoutError):  # what is kept is told of before the sockets are closed
        await asyncio.wait_for(state.fed(), _GRACE)
