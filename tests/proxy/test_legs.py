"""What crosses is what was sent: frame by frame, byte by byte, in order, and no faster than it is read."""

import asyncio
import os
import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.server import ServerConnection
from websockets.frames import Opcode

from rtstate.proxy import Limits
from tests.proxy.support import (
    SOON,
    Part,
    SeeingClient,
    SeeingServer,
    dial,
    proxied,
    silent,
    until,
)

pytestmark = pytest.mark.anyio

FRAGMENTS = st.lists(st.binary(max_size=300), min_size=1, max_size=4)
TEXTS = st.text(max_size=100).map(lambda text: [text.encode()])
MESSAGES = st.lists(
    st.tuples(st.just(Opcode.TEXT), TEXTS | FRAGMENTS) | st.tuples(st.just(Opcode.BINARY), FRAGMENTS),
    max_size=8,
)


def parts(messages: list[tuple[Opcode, list[bytes]]]) -> list[Part]:
    return [
        (kind if number == 0 else Opcode.CONT, data, number == len(fragments) - 1)
        for kind, fragments in messages
        for number, data in enumerate(fragments)
    ]


async def crossed(up: list[Part], down: list[Part], compress: bool) -> tuple[list[Part], list[Part]]:
    """Send frames both ways at once; return what arrived on each side."""
    arrived: list[Part] = []

    async def upstream(connection: ServerConnection) -> None:
        assert isinstance(connection, SeeingServer)
        await connection.send_parts(down)
        arrived.extend(await connection.saw(len(up)))
        await connection.close()

    compression = "deflate" if compress else None
    options = {"create_connection": SeeingServer, "compression": compression}
    async with proxied(upstream, upstream=options, compress=compress) as call:
        async with dial(call.url, create_connection=SeeingClient, compression=compression) as client:
            assert isinstance(client, SeeingClient)
            await client.send_parts(up)
            got = list(await client.saw(len(down)))
            await client.wait_closed()
        await call.over()
        names = [name async for name in call.log.names()]
        kept = [entry.raw for name in names for entry in [each async for each in call.log.read(name)]]
        assert sorted(kept) == sorted(whole(up) + whole(down))
    return arrived, got


def whole(sent: list[Part]) -> list[bytes]:
    messages: list[bytes] = []
    for opcode, data, _ in sent:
        if opcode is Opcode.CONT:
            messages[-1] += data
        else:
            messages.append(data)
    return messages


@given(MESSAGES, MESSAGES, st.booleans())
def test_frames_cross_as_they_are_both_ways(
    up: list[tuple[Opcode, list[bytes]]], down: list[tuple[Opcode, list[bytes]]], compress: bool
) -> None:
    sent = parts(up), parts(down)
    assert asyncio.run(crossed(*sent, compress)) == sent


async def test_large_frames_cross() -> None:
    large = os.urandom(3 << 20).hex().encode()
    async with proxied() as call, dial(call.url) as client:
        await client.send(large, text=True)
        assert await client.recv(decode=False) == large


async def test_a_message_beyond_the_limit_ends_the_call_and_says_so() -> None:
    closed: list[object] = []

    async def upstream(connection: ServerConnection) -> None:
        await connection.wait_closed()
        closed.append((connection.close_code, connection.close_reason))

    async with proxied(upstream, limits=Limits(message=1000, close=2)) as call:
        async with dial(call.url) as client:
            await client.send("x" * 1001)
            await client.wait_closed()
            assert client.close_code == 1009
        await until(lambda: closed)
    [(code, reason)] = closed  # type: ignore[misc]
    assert code == 1001
    assert "the connection to the client was lost: " in str(reason)


async def test_pings_are_answered_on_each_side() -> None:
    async def upstream(connection: ServerConnection) -> None:
        await asyncio.wait_for(await connection.ping(b"from the server"), SOON)
        await connection.send("answered")
        await connection.wait_closed()

    async with proxied(upstream) as call, dial(call.url) as client:
        await asyncio.wait_for(await client.ping(b"from the client"), SOON)
        assert await client.recv() == "answered"


@pytest.mark.parametrize("slow", ["client", "server"])
async def test_who_reads_slowly_slows_the_other_side_and_takes_no_memory(slow: str) -> None:
    """The fast side is stopped by full sockets, not by a queue that grows; then all arrives, in order."""
    size, count = 50_000, 1_000
    begin = asyncio.Event()
    sent = 0
    arrived: list[bytes] = []

    async def pour(connection: object) -> None:
        nonlocal sent
        for number in range(count):
            await connection.send(b"%06d" % number + bytes(size), text=False)  # type: ignore[attr-defined]
            sent += 1

    async def sip(connection: object) -> None:
        await begin.wait()
        while len(arrived) < count:
            arrived.append((await connection.recv(decode=False))[:6])  # type: ignore[attr-defined]

    async def upstream(connection: ServerConnection) -> None:
        await (pour if slow == "client" else sip)(connection)
        await connection.wait_closed()

    async with proxied(upstream, upstream={"ping_interval": None}) as call:  # noqa: SIM117
        async with dial(call.url, ping_interval=None) as client:
            tracemalloc.start()
            working = asyncio.create_task((sip if slow == "client" else pour)(client))
            before = -1
            while before != sent:  # until nothing moves any more
                before = sent
                await asyncio.sleep(0.3)
            assert 0 < sent < count * 3 / 4
            _, peak = tracemalloc.get_traced_memory()
            tracemalloc.stop()
            assert peak < 45_000_000  # 16 MB of them the recorder's, and what sockets and tests hold
            begin.set()
            async with asyncio.timeout(SOON):
                await working
                await until(lambda: len(arrived) == count)
    assert arrived == [b"%06d" % number for number in range(count)]


async def test_what_comes_with_the_handshake_is_not_lost() -> None:
    """A server greets in the packet of its handshake, before the proxy has the client."""

    async def upstream(connection: ServerConnection) -> None:
        for number in range(100):
            await connection.send(str(number))
        await connection.wait_closed()

    async with proxied(upstream) as call:
        for _ in range(20):
            async with dial(call.url) as client:
                assert [await client.recv() for _ in range(100)] == [str(number) for number in range(100)]


async def test_a_client_that_never_reads_is_let_go_of() -> None:
    async def upstream(connection: ServerConnection) -> None:
        for _ in range(400):
            await connection.send(bytes(100_000))

    async with proxied(upstream, limits=Limits(close=0.5, finish=5), upstream={"close_timeout": 0.5}) as call:
        client = await dial(call.url, max_queue=1, ping_interval=None)
        await until(lambda: call.proxy.calls == 1)
        await call.proxy.stop()  # which waits for no more than its close timeout
        assert call.proxy.calls == 0
        client.transport.abort()


async def test_silence_is_kept() -> None:
    async with proxied(silent) as call:
        async with dial(call.url):
            pass
        await call.over()
        assert [name async for name in call.log.names()] == []
        assert "events: 0 of the client, 0 of the server" in call.lines[-1]
