"""Events in: a request with one or many, or a WebSocket with one a message."""

from __future__ import annotations

import asyncio
import time
from codecs import BOM_UTF8
from collections import deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

import attrs
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from rtstate._change import Change
from rtstate.errors import RtstateError
from rtstate.recording import unwrap_raw
from rtstate.server._errors import refuse, told
from rtstate.server._json import Json, dumps
from rtstate.server._state import State, client_of, name_of, state_of
from rtstate.wire import Raw

_BATCH: Final = 100  # events written together, so that others come in between
_WAITING: Final = 1 << 20  # bytes of a WebSocket's events that wait to be written
_ANOMALIES: Final = 100
_ONE, _MANY = "application/json", ("application/x-ndjson", "application/jsonl", "application/ndjson")
_Event = tuple[Raw, float | None]


async def post_events(request: Request) -> Response:
    """Take events, one as JSON or one a line, and tell what they did."""
    state, name = state_of(request), name_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != _ONE and kind not in _MANY:
        raise refuse(415, f"events come as {_ONE}, or one a line as {_MANY[0]}")
    if request.headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise refuse(415, "events come as they are, without a Content-Encoding")
    try:
        async with asyncio.timeout(state.limits.body_timeout):
            body = await _body(request, state.limits.body)
    except TimeoutError:
        raise refuse(408, f"a request has {state.limits.body_timeout:g} s to arrive") from None
    body = body.removeprefix(BOM_UTF8)
    lines = [body] if kind == _ONE else body.split(b"\n")
    lines = [line for line in lines if line.strip()]
    if not lines:
        raise refuse(400, "there is no event in this request")
    longest = max(map(len, lines))
    if longest > state.limits.event:
        raise refuse(413, f"an event of {longest:,} bytes; one may have {state.limits.event:,}")
    await _is_there(state, name)
    state.pace.take(client_of(request), len(lines))
    return Json(await _feed(state, name, lines))


async def ingest(socket: WebSocket) -> None:
    """Take events from a WebSocket, one a message, and tell of each batch once it is kept."""
    state, name = state_of(socket), name_of(socket)
    await _is_there(state, name)
    with state.streams.one(client_of(socket)):
        await socket.accept()
        await _Ingest(socket, state, name).run()


async def _body(request: Request, most: int) -> bytes:
    """Return the body; raise 413 as soon as it is too long, however it is sent."""
    length = request.headers.get("content-length", "")
    size, chunks = 0, list[bytes]()
    if length.isdigit() and int(length) > most:
        raise refuse(413, f"a request may have {most:,} bytes; send the rest in another")
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > most:
                raise refuse(413, f"a request may have {most:,} bytes; send the rest in another")
            chunks.append(chunk)
    except ClientDisconnect:
        raise refuse(400, "the client was gone before the end of its request") from None
    return b"".join(chunks)


async def _is_there(state: State, name: str) -> bool:
    """Tell whether there is such a conversation; raise 507 where there is none and none may begin."""
    if state.hub.place(name) or await state.log.summary(name) is not None:
        return True
    if name not in state.beginning and state.begun + len(state.beginning) >= state.limits.conversations:
        raise refuse(507, f"this server has begun {state.begun:,} conversations, and begins no more")
    return False


@asynccontextmanager
async def _beginning(state: State, name: str) -> AsyncGenerator[None]:
    """Count a conversation that begins, once its first events are kept; raise 507 for too many."""
    if await _is_there(state, name) or name in state.beginning:
        yield
        return
    state.beginning.add(name)
    try:
        yield
        state.begun += 1
    finally:
        state.beginning.discard(name)


def _events(lines: Sequence[bytes]) -> Iterator[_Event]:
    """Return events as they came, with their times or that at which they came, as ``rtstate record``."""
    now = time.time()
    for line in lines:
        event, at = unwrap_raw(line.strip())
        yield event, now if at is None else at


async def _kept(state: State, name: str, lines: Sequence[bytes]) -> list[Change]:
    """Feed a batch, and count it."""
    state.feeds.note_fed(name, time.monotonic())
    async with _beginning(state, name):
        changes = await state.hub.feed_all(name, list(_events(lines)))
    state.metrics.events.inc(len(lines))
    state.metrics.bytes.inc(sum(map(len, lines)))
    return changes


async def _feed(state: State, name: str, lines: Sequence[bytes]) -> dict[str, Any]:
    """Feed all, some at a time; where that fails in the middle, say how many were kept."""
    anomalies = list[dict[str, Any]]()
    kept = changed = revision = 0
    for start in range(0, len(lines), _BATCH):
        try:
            changes = await _kept(state, name, lines[start : start + _BATCH])
        except RtstateError as error:
            if not kept:
                raise
            failed = told(error)
            failed.headers = {**(failed.headers or {}), "Events-Kept": str(kept)}
            failed.detail += f"; the first {kept:,} of these {len(lines):,} events were kept"
            raise failed from None
        kept += len(changes)
        changed += sum(map(bool, changes))
        revision = changes[-1].revision
        anomalies += [attrs.asdict(each) for change in changes for each in change.anomalies]
        if start + _BATCH < len(lines):
            await asyncio.sleep(0)
    return {"events": kept, "changed": changed, "revision": revision, "anomalies": anomalies[:_ANOMALIES]}


class _Ingest:
    """One WebSocket: what comes while a batch is written goes with the next."""

    def __init__(self, socket: WebSocket, state: State, name: str) -> None:
        self._socket, self._state, self._name = socket, state, name
        self._lines: deque[bytes] = deque()
        self._size = 0
        self._came, self._room = asyncio.Event(), asyncio.Event()
        self._ended = False

    async def run(self) -> None:
        """Read and write until the client is done, the server stops, or an event is refused."""
        reading = asyncio.create_task(self._read())
        writing = asyncio.create_task(self._write())
        stopping = asyncio.create_task(self._state.stopping.wait())
        try:
            with self._state.feeding():
                await asyncio.wait({reading, writing, stopping}, return_when=asyncio.FIRST_COMPLETED)
                stops = not reading.done()
                reading.cancel()
                await asyncio.wait({reading})
                self._ended = True
                self._came.set()
                await writing  # what came is kept, and told of, whatever is said then
                if stops:
                    await self._close(1012, "the server stops")
                else:
                    reading.result()
        except WebSocketDisconnect:
            pass
        except HTTPException as error:
            await self._close(1013 if error.status_code in (429, 503) else 1008, error.detail)
        except RtstateError as error:
            failed = told(error)
            await self._close(1013 if failed.status_code == 503 else 1008, failed.detail)
        finally:
            for task in (reading, writing, stopping):
                task.cancel()
            await asyncio.gather(reading, writing, stopping, return_exceptions=True)

    async def _close(self, code: int, reason: str) -> None:
        with suppress(RuntimeError, OSError, WebSocketDisconnect):  # it is closed already
            await self._socket.close(code, reason.encode()[:120].decode(errors="ignore"))

    async def _read(self) -> None:
        client = client_of(self._socket)
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            line: bytes = message.get("bytes") or (message.get("text") or "").encode("utf-8", "replace")
            if not line.strip():
                continue
            if len(line) > self._state.limits.event:
                raise refuse(413, f"an event may have {self._state.limits.event:,} bytes")
            self._state.pace.take(client, 1)
            self._lines.append(line)
            self._size += len(line)
            self._came.set()
            while self._size > _WAITING:
                self._room.clear()
                await self._room.wait()

    async def _write(self) -> None:
        while True:
            while not self._lines:
                if self._ended:
                    return
                self._came.clear()
                await self._came.wait()
            batch = [self._lines.popleft() for _ in range(min(_BATCH, len(self._lines)))]
            changes = await _kept(self._state, self._name, batch)
            self._size -= sum(map(len, batch))
            self._room.set()
            place = self._state.hub.place(self._name)
            answer = {"events": len(batch), "seq": place, "revision": changes[-1].revision}
            with suppress(
                RuntimeError, OSError, WebSocketDisconnect
            ):  # gone, and the rest is kept all the same
                await self._socket.send_text(dumps(answer).decode())
