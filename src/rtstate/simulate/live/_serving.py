"""Serve simulated sessions over WebSockets, one per connection, in the dialect that its client speaks."""

from __future__ import annotations

import asyncio
import hmac
import json
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import parse_qs, urlsplit

from rtstate.simulate._checks import Refusal
from rtstate.simulate._playback import Playback, lines_of, read_recording
from rtstate.simulate._requests import parse
from rtstate.simulate._service import Service
from rtstate.simulate._trouble import Endpoint, Trouble
from rtstate.simulate._truth import Event
from rtstate.simulate.live._websockets import websockets

if TYPE_CHECKING:
    from websockets.asyncio.server import Server, ServerConnection
    from websockets.http11 import Request, Response
    from websockets.typing import Subprotocol

Choice = Literal["auto", "ga", "beta"]
_PATH = "/v1/realtime"
_BETA_PROTOCOL = "openai-beta.realtime-v1"
_KEY_PROTOCOL = "openai-insecure-api-key."
_LARGEST = 24 << 20  # bytes of a message: 15 MB of audio as base64, and some room
_FOR_CLIENTS = 5.0  # seconds that a recording waits for an event of the client's
_PATIENCE = 0.25  # seconds that a busy machine may be late before the session's time waits for it


@dataclass(slots=True)
class Call:
    """Hold one connection: what crossed it, both ways, with the seconds since it began."""

    number: int
    dialect: Literal["ga", "beta"]
    path: str
    timed: list[tuple[float, Event]] = field(default_factory=list[tuple[float, Event]])
    sent: int = 0
    received: int = 0
    seconds: float = 0.0
    """How long it lasted, once it is closed."""

    @property
    def events(self) -> list[Event]:
        """Give the events without their times, in the order in which they crossed the socket."""
        return [event for _, event in self.timed]

    def lines(self) -> list[str]:
        """Give the call as the lines of a recording."""
        return list(lines_of(self.timed))


@dataclass(slots=True)
class FakeServer:
    """Say where a server listens, and what its calls were, the first one first."""

    host: str
    port: int
    calls: list[Call] = field(default_factory=list[Call])

    @property
    def url(self) -> str:
        """Give the URL to connect to; any other path does as well."""
        return f"{self.base_url}/realtime"

    @property
    def base_url(self) -> str:
        """Give the URL that the OpenAI SDK takes as `websocket_base_url`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"ws://{host}:{self.port}{_PATH.removesuffix('/realtime')}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Options:
    dialect: Choice
    seed: int
    speed: float
    replies: tuple[str, ...]
    recording: tuple[Any, ...] | None
    expire_after: float | None
    key: str | None
    duplicate: float
    late: float
    keep: bool
    on_open: Callable[[Call], object]
    on_close: Callable[[Call], object]


def _nothing(_call: Call) -> None:
    pass


@asynccontextmanager
async def serve_fake(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    dialect: Choice = "auto",
    seed: int = 7,
    speed: float = 1.0,
    replies: Iterable[str] = (),
    recording: Iterable[str] | None = None,
    expire_after: float | None = None,
    key: str | None = None,
    duplicate: float = 0.0,
    late: float = 0.0,
    keep: bool = True,
    on_open: Callable[[Call], object] = _nothing,
    on_close: Callable[[Call], object] = _nothing,
) -> AsyncGenerator[FakeServer, None]:
    """Serve a Realtime API while the block runs; every connection is a session of its own.

    Port 0 is any free one. A client speaks beta if it says so (`OpenAI-Beta: realtime=v1`), else GA, unless
    `dialect` decides. The same `seed` gives the same answers, `replies` are said first. `speed` 2 is twice as
    fast as life, and 0 does not wait at all. `recording` are lines to play back instead; it waits five
    seconds for an event of the client's, at speed 0 for ever. After `expire_after` seconds of its own time a
    session expires. With a `key` others are refused, as 401. A share `duplicate` of the
    events comes twice, a share `late` of them late. Unless `keep` is false, `calls` hold all events.

    Raises ValueError for what cannot be, OSError where the port is taken, ModuleNotFoundError without the
    extra.
    """
    if dialect not in ("auto", "ga", "beta"):
        raise ValueError(f"dialect is 'auto', 'ga' or 'beta', not {dialect!r}")
    if not 0 <= speed < float("inf"):
        raise ValueError(f"speed is 0, for no waiting, or how many times as fast as life, not {speed!r}")
    if expire_after is not None and not expire_after > 0:
        raise ValueError(f"a session expires after more than 0 seconds, not {expire_after!r}")
    if expire_after is not None and not speed:
        raise ValueError(
            "a session that does not wait would expire at once: give expire_after a speed above 0"
        )
    options = _Options(
        dialect=dialect,
        seed=seed,
        speed=speed,
        replies=tuple(replies),
        recording=None if recording is None else tuple(read_recording(recording)),
        expire_after=expire_after,
        key=key,
        duplicate=duplicate,
        late=late,
        keep=keep,
        on_open=on_open,
        on_close=on_close,
    )
    Trouble(Playback(()), Random(seed), duplicate=duplicate, late=late)  # says now what is wrong with them
    server = FakeServer(host, port)

    async def handle(connection: ServerConnection) -> None:
        await _handle(connection, server, options)

    def admit(connection: ServerConnection, request: Request) -> Response | None:
        return _admit(connection, request, options.key)

    serving: Server = await websockets().asyncio.server.serve(
        handle,
        host,
        port,
        process_request=admit,
        select_subprotocol=_select,
        max_size=_LARGEST,
        compression=None,
    )
    async with serving:
        server.port = serving.sockets[0].getsockname()[1]
        yield server


# the handshake


def _offered(request: Request) -> list[str]:
    found = ",".join(request.headers.get_all("Sec-WebSocket-Protocol"))
    return [each.strip() for each in found.split(",") if each.strip()]


def _select(_connection: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    return next((each for each in offered if each == "realtime"), None)


def _admit(connection: ServerConnection, request: Request, key: str | None) -> Response | None:
    """Refuse a client that does not have the key, as the API does."""
    if key is None:
        return None
    bearer = request.headers.get("Authorization", "").removeprefix("Bearer ").strip()
    named = [each.removeprefix(_KEY_PROTOCOL) for each in _offered(request) if each.startswith(_KEY_PROTOCOL)]
    given = [each for each in (bearer, request.headers.get("api-key", ""), *named) if each]
    if any(hmac.compare_digest(each.encode(), key.encode()) for each in given):
        return None
    message = (
        "Incorrect API key provided."
        if given
        else "You didn't provide an API key. Send it as `Authorization: Bearer KEY`."
    )
    error = {"message": message, "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}
    response = connection.respond(HTTPStatus.UNAUTHORIZED, json.dumps({"error": error}))
    del response.headers["Content-Type"]
    response.headers["Content-Type"] = "application/json"
    return response


def _dialect(request: Request, choice: Choice) -> Literal["ga", "beta"]:
    if choice != "auto":
        return choice
    named = ",".join(request.headers.get_all("OpenAI-Beta"))
    return "beta" if "realtime=v1" in named or _BETA_PROTOCOL in _offered(request) else "ga"


# the session


class _Pace:
    """Tell a session's time: `speed` times as fast as life; with 0 it is when the next event is due.

    On a machine too busy to keep up, time waits: else all that was due would go out at once, and nobody could
    interrupt it.
    """

    def __init__(self, speed: float) -> None:
        self._speed = speed
        self._start = time.monotonic()
        self._reached = 0.0

    def now(self, due: float | None) -> float:
        if self._speed:
            now = (time.monotonic() - self._start) * self._speed
            if due is not None and now - due > _PATIENCE * self._speed:
                self._start += (now - due) / self._speed
                now = due
            self._reached = max(self._reached, now)
        return self._reached

    def pause(self, due: float | None) -> float | None:
        """Give the real seconds until then."""
        if due is None or not self._speed:
            return due and 0.0
        return max(0.0, self._start + due / self._speed - time.monotonic())

    def reach(self, due: float | None) -> None:
        """Note that nothing else came before then."""
        if due is not None and not self._speed:
            self._reached = max(self._reached, due)


async def _handle(connection: ServerConnection, server: FakeServer, options: _Options) -> None:
    assert connection.request is not None
    request = connection.request
    call = Call(len(server.calls) + 1, _dialect(request, options.dialect), request.path)
    server.calls.append(call)
    options.on_open(call)
    start = time.monotonic()
    try:
        await _converse(connection, call, _endpoint(call, options), options)
    except websockets().exceptions.ConnectionClosed:
        pass
    finally:
        call.seconds = time.monotonic() - start
        options.on_close(call)


def _endpoint(call: Call, options: _Options) -> Endpoint:
    seed = f"{options.seed} {call.number}"
    endpoint: Endpoint
    if options.recording is not None:
        endpoint = Playback(options.recording, patience=_FOR_CLIENTS if options.speed else None)
    else:
        model = parse_qs(urlsplit(call.path).query).get("model", [None])[0]
        endpoint = Service(
            dialect=call.dialect,
            seed=seed,
            replies=options.replies,
            model=model,
            expire_after=options.expire_after,
            epoch=time.time(),
        )
    if options.duplicate or options.late:
        return Trouble(endpoint, Random(seed), duplicate=options.duplicate, late=options.late)
    return endpoint


async def _converse(connection: ServerConnection, call: Call, endpoint: Endpoint, options: _Options) -> None:
    pace = _Pace(options.speed)
    while True:
        now = pace.now(endpoint.due)
        for event in endpoint.run(now):
            call.sent += 1
            if options.keep:
                call.timed.append((round(now, 3), event))
            await connection.send(json.dumps(event))
        if endpoint.ended is not None:
            await connection.close(*endpoint.ended)
            return
        due = endpoint.due
        try:
            async with asyncio.timeout(pace.pause(due)):
                frame = await connection.recv()
        except TimeoutError:
            pace.reach(due)
            continue
        now = pace.now(endpoint.due)
        call.received += 1
        if options.keep:
            _keep(call, now, frame)
        endpoint.take(frame, now)


def _keep(call: Call, now: float, frame: str | bytes) -> None:
    try:
        event = parse(frame)
    except Refusal:
        return
    call.timed.append((round(now, 3), event))
