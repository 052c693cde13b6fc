"""Either side may die: the other is told, the record is whole, and the proxy takes the next call."""

import asyncio
import socket
import struct
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import pytest
from websockets.asyncio.server import ServerConnection
from websockets.exceptions import ConnectionClosed

from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.proxy import Limits, Proxy
from tests.proxy.support import SOON, dial, proxied, until

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def talker(*words: str) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """Start one side in a process of its own; give it with the first line it prints."""
    command = (sys.executable, "-m", "tests.proxy.talker", *words)
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), SOON)
        yield process, line.decode().strip()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_a_client_that_is_killed() -> None:
    ends: list[object] = []

    async def upstream(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())
        await connection.wait_closed()
        ends.append((connection.close_code, connection.close_reason))

    async with proxied(upstream) as call:
        async with talker("client", call.url) as (process, said):
            assert said == "talking"
            process.kill()
            await until(lambda: ends)
        assert ends == [(1001, "the connection to the client was lost")]
        await call.over()
        assert [entry.type for entry in await call.kept()] == ["ping", "ping"]
        assert call.lines[-1].endswith("; the connection to the client was lost")


async def test_a_server_that_is_killed() -> None:
    async with MemoryLog() as log, Hub(log) as hub, talker("server") as (process, port):  # noqa: SIM117
        async with Proxy(hub, log, f"ws://127.0.0.1:{port}") as proxy:
            await proxy.start("127.0.0.1", 0)
            client = await dial(proxy.url)
            await client.send('{"type": "ping"}')
            await client.recv()
            process.kill()
            await asyncio.wait_for(client.wait_closed(), SOON)
            assert (client.close_code, client.close_reason) == (1011, "the connection to the server was lost")
            await until(lambda: not proxy.calls)
            [name] = [name async for name in log.names()]
            assert [entry.type async for entry in log.read(name)] == ["ping", "ping"]
            with pytest.raises(Exception, match="HTTP 502"):
                await dial(proxy.url)


@pytest.mark.parametrize("dies", ["client", "server"])
async def test_a_connection_that_is_reset(dies: str) -> None:
    ends: list[int | None] = []
    reset = struct.pack("ii", 1, 0)

    def kill(connection: object) -> None:
        transport = connection.transport  # type: ignore[attr-defined]
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)
        transport.abort()

    async def upstream(connection: ServerConnection) -> None:
        await connection.recv()
        if dies == "server":
            kill(connection)
        await connection.wait_closed()
        ends.append(connection.close_code)

    async with proxied(upstream) as call:
        client = await dial(call.url)
        await client.send('{"type": "ping"}')
        if dies == "client":
            await until(lambda: call.hub.stats.events)
            kill(client)
        await asyncio.wait_for(client.wait_closed(), SOON)
        await until(lambda: ends)
        assert (ends[0] if dies == "client" else client.close_code) == (1001 if dies == "client" else 1011)
        await call.over()
        assert [entry.type for entry in await call.kept()] == ["ping"]


@pytest.mark.parametrize("dies", ["client", "server"])
async def test_a_side_that_says_nothing_any_more(dies: str) -> None:
    """Half open: the other end is gone without a word, as with a cable that was pulled."""
    ends: list[object] = []
    over = asyncio.Event()

    async def upstream(connection: ServerConnection) -> None:
        await connection.send(await connection.recv())
        if dies == "server":
            connection.transport.pause_reading()  # so that it answers no ping
            await over.wait()
            connection.transport.abort()
            return
        await connection.wait_closed()
        ends.append(connection.close_code)

    limits = Limits(silence=0.3, close=0.3, beat=0.2)
    async with proxied(upstream, limits=limits, upstream={"ping_interval": None}) as call:
        client = await dial(call.url, ping_interval=None)
        await client.send('{"type": "ping"}')
        await client.recv()
        if dies == "client":
            client.transport.pause_reading()
            await until(lambda: ends)
            assert ends == [1001]
            client.transport.abort()
        else:
            await asyncio.wait_for(client.wait_closed(), SOON)
            assert client.close_code == 1011
            assert "lost" in str(client.close_reason)
            over.set()
        await call.over()
        assert f"the connection to the {dies} was lost" in call.lines[-1]


async def test_nonsense_in_place_of_frames() -> None:
    """A side that breaks the protocol ends its own call, and no other."""
    async with proxied() as call:
        other = await dial(call.url)
        client = await dial(call.url)
        client.transport.write(b"\xff\xff\xff\xff")
        await asyncio.wait_for(client.wait_closed(), SOON)
        assert client.close_code == 1002
        await until(lambda: call.proxy.calls == 1)
        assert "the connection to the client was lost: " in call.lines[-1]
        await other.send("still here")
        assert await other.recv() == "still here"
        await other.close()


async def test_nonsense_in_place_of_a_request() -> None:
    async with proxied() as call:
        host, _, port = call.proxy.url.removeprefix("ws://").partition(":")
        for nonsense in (b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00", b"GET /\r\n\r\n", b"G"):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(nonsense)
            writer.write_eof()
            await asyncio.wait_for(reader.read(), SOON)
            writer.close()
        async with dial(call.url) as client:
            await client.send("well")
            assert await client.recv() == "well"


async def test_a_client_that_dies_while_the_server_is_held_back() -> None:
    """The server is read again then, so that its end is seen at once and not when patience is at an end."""

    async def upstream(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(bytes(100_000))

    async with proxied(upstream, limits=Limits(close=60), upstream={"ping_interval": None}) as call:
        client = await dial(call.url, max_queue=1, ping_interval=None)
        held = next(iter(call.proxy._calls)).upstream
        assert held is not None
        await until(lambda: not held.transport.is_reading())
        client.transport.abort()
        await call.over()
        assert "the connection to the client was lost" in call.lines[-1]
