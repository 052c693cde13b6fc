"""The logs that are measured, each in a folder or on a server of its own."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable, Coroutine, Generator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final, TypeVar

import attrs

from benchmarks._harness import Task
from benchmarks._peers import on_the_wire
from rtstate import simulate
from rtstate.hub import Hub
from rtstate.logs import Log, MemoryLog, Record

if TYPE_CHECKING:
    from tests.servers import RedisServer

Result = TypeVar("Result")

MEMORY: Final = "MemoryLog"
NORMAL: Final = "SqliteLog, normal"
FULL: Final = "SqliteLog, full"
REDIS: Final = "RedisLog, nothing kept"
ALWAYS: Final = "RedisLog, AOF always"

AOF: Final = {"appendonly": "yes", "appendfsync": "always"}
TYPE: Final = "response.output_audio_transcript.delta"


def event(number: int, size: int = 200) -> Record:
    """Return an event of so many bytes, as a log keeps it."""
    begin, end = f'{{"type":"{TYPE}","event_id":"event_{number:012}","delta":"'.encode(), b'"}'
    return Record(begin + b"x" * (size - len(begin) - len(end)) + end, TYPE, 1_760_000_000.123 + number)


def speaking(size: int = 200) -> Generator[bytes]:
    """Yield the events of a legal session that never ends: after its first few, text deltas of one size."""
    events = simulate.text_stream(1)
    at = next(at for at, each in enumerate(events) if each["type"].endswith("text.delta"))
    yield from on_the_wire(events[:at])
    delta = {
        key: value for key, value in events[at].items() if key not in {"event_id", "delta", "obfuscation"}
    }
    [begin] = on_the_wire([delta])
    begin = begin[:-1] + b',"event_id":"event_'
    for number in count(at):
        middle = b'%012d","delta":"' % number
        yield begin + middle + b"x" * (size - len(begin) - len(middle) - 2) + b'"}'


def has_redis() -> bool:
    """Tell whether there is a Redis server to start; where the tests of a change run it has to be there."""
    from tests.servers import PROGRAM  # with pytest, which processes that only write can do without

    return PROGRAM is not None or bool(os.environ.get("CI"))


@attrs.frozen
class Engine:
    """One log that is open, and the loop that it belongs to."""

    name: str
    log: Log
    runner: asyncio.Runner
    folder: Path
    server: RedisServer | None = None
    hubs: dict[str, Hub] = attrs.field(factory=dict[str, Hub])

    async def new_hub(self, purpose: str) -> Hub:
        """Return a hub that holds nothing, and stop the one before it that had the same purpose."""
        if before := self.hubs.pop(purpose, None):
            await before.stop()
        hub = self.hubs[purpose] = Hub(self.log)
        return hub

    async def close(self) -> None:
        """Stop the hubs, and close the log."""
        for hub in self.hubs.values():
            await hub.stop()
        await self.log.close()

    def run(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Run something to its end in the log's loop."""
        return self.runner.run(work)

    def timed(
        self,
        work: Callable[[Any], Coroutine[Any, Any, object]],
        count: int,
        prepare: Callable[[], Any] = lambda: None,
    ) -> Task:
        """Return the task of such work, by the clock on the wall: most of it is waiting for others."""

        async def clocked(prepared: Any) -> float:
            started = perf_counter()
            await work(prepared)
            return perf_counter() - started

        return Task(lambda prepared: self.run(clocked(prepared)), count, prepare)


@contextmanager
def engines(*names: str) -> Generator[Sequence[Engine]]:
    """Open some logs; those on Redis are left out where there is none."""
    with ExitStack() as stack:
        yield [stack.enter_context(open_engine(name)) for name in names if "Redis" not in name or has_redis()]


@contextmanager
def open_engine(name: str) -> Generator[Engine]:
    """Open one of the logs, in a loop of its own, with nothing in it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True)))
        server = stack.enter_context(redis_server(folder, name)) if "Redis" in name else None
        runner = stack.enter_context(asyncio.Runner())

        async def opened() -> Log:
            return open_log(name, folder, server.url if server else "")

        engine = Engine(name, runner.run(opened()), runner, folder, server)
        stack.callback(lambda: engine.run(engine.close()))
        yield engine


@contextmanager
def redis_server(folder: Path, name: str = REDIS) -> Generator[RedisServer]:
    """Start a server that keeps nothing, or for ``ALWAYS`` everything at once."""
    from tests.servers import RedisServer

    server = RedisServer(folder, **(AOF if name == ALWAYS else {})).start()
    try:
        yield server
    finally:
        server.stop()


def open_log(name: str, folder: Path, url: str) -> Log:
    """Open one of the logs, which may be open elsewhere too."""
    if name == MEMORY:
        return MemoryLog()
    if "Redis" in name:
        from rtstate.logs.redis import RedisLog

        return RedisLog.from_url(url)
    from rtstate.logs.sqlite import SqliteLog

    return SqliteLog(folder / "log.db", synchronous="full" if name == FULL else "normal")
