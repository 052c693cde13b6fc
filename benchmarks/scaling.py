"""What more writer processes add.

One, two and four processes, each a hub with 250 conversations of its own, feed one event of 200 bytes after
the other to each, as fast as they can: into one Redis server, which keeps nothing or everything at once, or
into one SQLite file. An event's time is that on the wall, divided by the events of all: 1,000,000 ÷ that is
how many a second all write together. Beside it is the processor time that an event takes in its writer and in
the server: where the two together come near the cores' time on the wall, the machine is busy, and more
processes add nothing.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks._engines import ALWAYS, FULL, NORMAL, REDIS, has_redis, redis_server
from benchmarks._harness import Figure, Rounds, Size, question

if TYPE_CHECKING:
    from tests.servers import RedisServer

ROOT: Final = Path(__file__).parents[1]
CPU: Final = re.compile(rb"used_cpu_(?:user|sys):([\d.]+)")
WRITER: Final = "processor, in the writer"
SERVER: Final = "processor, in the server"


@question
def scaling(size: Size) -> Iterator[Figure]:
    counts = (1, 2) if size.name == "tiny" else (1, 2, 4)
    names = [name for name in (REDIS, ALWAYS, NORMAL, FULL) if "Redis" not in name or has_redis()]
    for name in names[: size.pick(1, 4)]:
        samples: dict[str, list[float]] = {}
        for _ in range(size.pick(2, 3, 7)):
            for count in counts:
                for what, value in _measured(size, name, count).items():
                    samples.setdefault(what, []).append(value)
        rounds = Rounds(f"{name}, {size.pick(5, 250)} conversations each", samples)
        one, *more = map(_together, counts)
        for each in more:
            yield rounds.figure(each, one)
        for count in counts:
            together = _together(count)
            for where in (WRITER, SERVER) if "Redis" in name else (WRITER,):
                yield rounds.figure(f"{together}: {where}", together)


def _together(count: int) -> str:
    return f"{count} process{'es' if count > 1 else ''}"


def _measured(size: Size, name: str, count: int) -> dict[str, float]:
    """Return the µs per event of so many processes together, and of the processor for it."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        server = stack.enter_context(redis_server(Path(folder), name)) if "Redis" in name else None
        url = server.url if server else "-"
        arguments = [str(size.pick(5, 250)), "0.1" if size.name == "tiny" else "4"]
        writers = [
            stack.enter_context(
                subprocess.Popen(
                    [sys.executable, "-m", "benchmarks._writer", name, folder, url, str(number), *arguments],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    cwd=ROOT,
                )
            )
            for number in range(count)
        ]
        for writer in writers:
            _line(writer)
        before = _busy(server)
        for writer in writers:
            _go(writer)
        done: list[dict[str, Any]] = [json.loads(_line(writer)) for writer in writers]
        busy = _busy(server) - before
        for writer in writers:
            _go(writer)
    events = sum(each["events"] for each in done)
    rate = sum(each["events"] / each["seconds"] for each in done)
    together = _together(count)
    found = {together: 1e6 / rate, f"{together}: {WRITER}": sum(each["busy"] for each in done) / events * 1e6}
    return {**found, f"{together}: {SERVER}": busy / events * 1e6} if server else found


def _busy(server: RedisServer | None) -> float:
    """Return how many seconds of processor time a server has used."""
    return sum(map(float, CPU.findall(server.ask("INFO", "cpu")))) if server else 0.0


def _line(writer: subprocess.Popen[bytes]) -> bytes:
    assert writer.stdout is not None
    return writer.stdout.readline()


def _go(writer: subprocess.Popen[bytes]) -> None:
    assert writer.stdin is not None
    writer.stdin.write(b"\n")
    writer.stdin.flush()
