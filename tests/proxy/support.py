"""A Realtime server of our own behind a proxy, and what it saw."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import attrs
from websockets.asyncio.client import ClientConnection, connect
from websockets.asyncio.connection import Connection
from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.http11 import Request, Response

from rtstate.hub import Hub
from rtstate.logs import Entry, Log, MemoryLog
from rtstate.proxy import Limits, Proxy

Handler = Callable[[ServerConnection], Awaitable[None]]
KEY = "sk-proj-0123456789abcdef"
AUTHORIZED = {"Authorization": f"Bearer {KEY}"}
Part = tuple[Opcode, bytes, bool]
SOON = 20
"""Seconds after which a test that waits has failed."""


def part(frame: Frame) -> Part:
    return frame.opcode, bytes(frame.data), frame.fin


class Seeing(Connection):
    """A connection that keeps the frames it gets as they are."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.seen: list[Part] = []
        self.news = asyncio.Event()
        super().connection_made(transport)

    def process_event(self, event: Request | Response | Frame) -> None:
        if isinstance(event, Frame) and event.opcode in DATA_OPCODES:
            self.seen.append(part(event))
            self.news.set()
        else:
            super().process_event(event)

    async def saw(self, count: int) -> list[Part]:
        async with asyncio.timeout(SOON):
            while len(self.seen) < count:
                self.news.clear()
                await self.news.wait()
        return self.seen

    async def send_parts(self, parts: list[Part]) -> None:
        for opcode, data, fin in parts:
            if opcode is Opcode.TEXT:
                self.protocol.send_text(data, fin)
            elif opcode is Opcode.BINARY:
                self.protocol.send_binary(data, fin)
            else:
                self.protocol.send_continuation(data, fin)
            self.send_data()
            await self.drain()


class SeeingClient(Seeing, ClientConnection):
    pass


class SeeingServer(Seeing, ServerConnection):
    pass


@attrs.define
class Call:
    """A proxy, what is behind it, and what was told."""

    proxy: Proxy
    log: Log
    hub: Hub
    upstream: str
    requests: list[Request]
    lines: list[str]

    @property
    def url(self) -> str:
        return f"{self.proxy.url}/v1"

    async def over(self) -> None:
        """Wait until all calls have been written down."""
        await until(lambda: not self.proxy.calls)

    async def kept(self) -> list[Entry]:
        """All events in the log, of the only conversation there is."""
        names = [name async for name in self.log.names()]
        assert len(names) == 1, names
        return [entry async for entry in self.log.read(names[0])]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON):
        while not condition():
            await asyncio.sleep(0.005)


async def echo(connection: ServerConnection) -> None:
    try:
        while True:
            text = await connection.recv()
            await connection.send(text)
    except ConnectionClosed:
        pass


async def silent(connection: ServerConnection) -> None:
    await connection.wait_closed()


@asynccontextmanager
async def proxied(
    handler: Handler = echo, *, log: Log | None = None, upstream: dict[str, Any] | None = None, **options: Any
) -> AsyncGenerator[Call]:
    """Start a server and a proxy before it."""
    requests: list[Request] = []
    lines: list[str] = []

    async def noted(connection: ServerConnection) -> None:
        assert connection.request is not None
        requests.append(connection.request)
        await handler(connection)

    given = {"compression": None, "max_size": None, "process_request": None, **(upstream or {})}
    async with serve(noted, "127.0.0.1", 0, **given) as server, log or MemoryLog() as kept:
        address = f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        async with Hub(kept) as hub:
            options.setdefault("limits", Limits(finish=5, close=5))
            async with Proxy(hub, kept, f"{address}/v1", **{"told": lines.append, **options}) as proxy:
                await proxy.start("127.0.0.1", 0)
                yield Call(proxy, kept, hub, address, requests, lines)


def dial(url: str, **options: Any) -> connect:
    given = {"additional_headers": AUTHORIZED, "compression": None, "max_size": None, "proxy": None}
    return connect(url, **{**given, **options})


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])
