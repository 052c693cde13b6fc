"""One side of a call, to be killed: ``python -m tests.proxy.talker client URL`` or ``server``."""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.asyncio.server import ServerConnection, serve


async def client(url: str) -> None:
    """Send something, wait for the answer, say so, and stay."""
    async with connect(url, proxy=None) as connection:
        await connection.send('{"type": "ping"}')
        await connection.recv()
        print("talking", flush=True)
        await asyncio.sleep(60)


async def server() -> None:
    """Say where it is, and echo."""

    async def echo(connection: ServerConnection) -> None:
        async for message in connection:
            await connection.send(message)

    async with serve(echo, "127.0.0.1", 0) as serving:
        print(serving.sockets[0].getsockname()[1], flush=True)
        await asyncio.sleep(60)


if __name__ == "__main__":
    asyncio.run(client(sys.argv[2]) if sys.argv[1] == "client" else server())
