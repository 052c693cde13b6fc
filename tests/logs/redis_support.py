"""What the tests of the log on Redis share."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from typing import Self
from uuid import uuid4

from redis.asyncio import Redis

from rtstate.logs.redis import RedisLog
from tests.servers import RedisServer

NAMES = ["a", "{a}", "}{", "a}b{c", "%7B", "a}:events", "}:events", "ü 🎧", "*", "x" * 255]
"""Names that are hard to keep apart in keys."""

NEVER = 1000.0
"""How long a tail waits that must not have to look for itself."""


def prefix() -> str:
    return f"test-{uuid4()}"


def log_on(server: RedisServer, prefix_: str | None = None, look: float = NEVER) -> RedisLog:
    return RedisLog.from_url(server.url, prefix=prefix_ or prefix(), look=look)


@contextlib.asynccontextmanager
async def asking(server: RedisServer) -> AsyncIterator[Redis]:
    """A client beside those of the log."""
    async with Redis(host="127.0.0.1", port=server.port) as client:
        yield client


async def kept(server: RedisServer, prefix: str) -> set[bytes]:
    """All keys of a log."""
    async with asking(server) as client:
        return {key async for key in client.scan_iter(f"{prefix}:*")}


class Proxy:
    """Stands between a log and its server, and loses answers: ``lose`` tells which requests' answers."""

    def __init__(self, server: RedisServer) -> None:
        self.lose: Callable[[bytes], bool] = lambda request: False
        self.lost = 0
        self._server = server
        self._doors: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        assert self._doors is not None
        return f"redis://127.0.0.1:{self._doors.sockets[0].getsockname()[1]}"

    def log(self, prefix: str, options: str = "") -> RedisLog:
        return RedisLog.from_url(self.url + options, prefix=prefix)

    async def __aenter__(self) -> Self:
        self._doors = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._doors is not None
        self._doors.close()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, inside: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        answers, forth = await asyncio.open_connection("127.0.0.1", self._server.port)
        answering = asyncio.create_task(self._pass(answers, back))
        try:
            while request := await inside.read(1 << 20):
                losing = self.lose(request)
                if losing:
                    answering.cancel()
                    await asyncio.gather(answering, return_exceptions=True)
                forth.write(request)
                await forth.drain()
                if losing:  # the server has done it, and the connection ends
                    await answers.read(1)
                    self.lost += 1
                    return
        finally:
            self._tasks.discard(task)
            answering.cancel()
            for each in (forth, back):
                each.close()
            with contextlib.suppress(OSError, asyncio.CancelledError):
                for each in (forth, back):
                    await each.wait_closed()

    async def _pass(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await source.read(1 << 20):
                sink.write(data)
                await sink.drain()
