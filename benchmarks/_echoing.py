"""A process of its own: a Realtime server that echoes, or the proxy in front of one."""

from __future__ import annotations

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed

from benchmarks._engines import open_log
from rtstate.hub import Hub
from rtstate.proxy import Proxy


async def echo() -> None:
    """Echo every message."""

    async def echoing(connection: ServerConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await connection.send(await connection.recv(decode=False), text=True)

    async with serve(echoing, "127.0.0.1", 0, compression=None) as server:
        print(f"ws://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.to_thread(sys.stdin.readline)


async def proxy(log: str, upstream: str) -> None:
    """Pass on, and record into one of the logs."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        async with (
            open_log(log, Path(folder), "") as kept,
            Hub(kept) as hub,
            Proxy(hub, kept, upstream, told=lambda _: None) as passing,
        ):
            await passing.start("127.0.0.1", 0)
            print(passing.url, flush=True)
            await asyncio.to_thread(sys.stdin.readline)


if __name__ == "__main__":
    asyncio.run(proxy(*sys.argv[1:3]) if len(sys.argv) > 1 else echo())
