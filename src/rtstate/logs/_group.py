"""Doing together what is asked for at the same time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, Generic, TypeVar

Job = TypeVar("Job")

MOST: Final = 512
"""How many jobs are done together at most."""


class Group(Generic[Job]):
    """Gather jobs while others are being done, and do them together: one commit or one round trip for all.

    ``run`` takes some jobs and returns for each its result, or the exception that is its own; what it raises
    is everybody's. Jobs are done in the order in which they are asked for. A caller that is cancelled does
    not take its job back.
    """

    def __init__(self, run: Callable[[Sequence[Job]], Awaitable[Sequence[Any]]]) -> None:
        self._run = run
        self._waiting: deque[tuple[Job, asyncio.Future[Any]]] = deque()
        self._running: asyncio.Task[None] | None = None

    async def do(self, job: Job) -> Any:
        """Do a job with those that come meanwhile, and return or raise what came of it."""
        done = asyncio.get_running_loop().create_future()
        self._waiting.append((job, done))
        if self._running is None:
            self._running = asyncio.create_task(self._work())
        return await done

    async def finish(self) -> None:
        """Wait until all jobs are done."""
        while self._running is not None:
            await asyncio.wait([self._running])

    async def _work(self) -> None:
        try:
            while self._waiting:
                batch = [self._waiting.popleft() for _ in range(min(len(self._waiting), MOST))]
                try:
                    results = await self._run([job for job, _ in batch])
                    if len(results) != len(batch):
                        raise RuntimeError(f"{len(batch)} jobs came to {len(results)} results")
                except Exception as error:
                    results = [error] * len(batch)  # raised where the jobs came from
                for (_, done), result in zip(batch, results, strict=True):
                    if done.done():  # its caller was cancelled
                        continue
                    if isinstance(result, BaseException):
                        done.set_exception(result)
                    else:
                        done.set_result(result)
        finally:
            self._running = None
