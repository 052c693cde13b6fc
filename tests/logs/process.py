"""What another process does to a log: `python -m tests.logs.process WHAT FOLDER-OR-URL …`."""

import asyncio
import subprocess
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from typing import Any

from rtstate.errors import LogUnavailable, StaleWriter
from rtstate.logs import open_log
from rtstate.logs.sqlite import SqliteLog
from tests.logs.support import everything, numbers, record, records

ROOT = Path(__file__).parents[2]


def started(*arguments: str) -> subprocess.Popen[bytes]:
    """Start it."""
    return subprocess.Popen([sys.executable, "-m", __name__, *arguments], cwd=ROOT)


async def race(url: str, me: str, count: str) -> None:
    """Append to one conversation that others write too, and in turn to one of its own."""
    async with open_log(url) as log:
        shared = 0
        for number in range(int(count)):
            await log.append(f"own {me}", [record(number + 1)], expected=number)
            while True:
                try:
                    shared = await log.append("shared", records(number, number + 1), expected=shared)
                    break
                except StaleWriter as stale:
                    shared = stale.last


async def write(url: str, name: str, count: str) -> None:
    """Append so many events, one by one."""
    async with open_log(url) as log:
        for number in range(int(count)):
            await log.append(name, [record(number + 1)], expected=number)


async def fill(folder: str) -> None:
    """Write a log until there is no room left on its small disk, make some, and go on."""
    place = Path(folder)
    ballast = place / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    async with SqliteLog(place / "calls.db", timeout=1) as log:
        last, full = 0, ""
        while not full:
            try:
                last = await log.append("call", records(last + 1, last + 10, 1000), expected=last)
            except LogUnavailable as error:
                full = str(error)
        assert "no room" in full, full
        assert "bytes free; nothing of this batch was written" in full, full
        assert last
        assert numbers(await everything(log, "call")) == list(range(1, last + 1))
        async with SqliteLog(place / "calls.db", timeout=1) as other:
            assert numbers(await everything(other, "call")) == list(range(1, last + 1))
        ballast.unlink()
        huge = log.append("huge", records(1, 4000, 1000), expected=0)
        small = [log.append(f"small {number}", [record(1)], expected=0) for number in range(10)]
        failed, *done = await asyncio.gather(huge, *small, return_exceptions=True)
        assert isinstance(failed, LogUnavailable), failed
        assert done == [1] * 10, done
        assert await log.summary("huge") is None
        assert await log.append("call", records(last + 1, last + 10, 1000), expected=last) == last + 10
    async with SqliteLog(place / "calls.db", timeout=1) as log:
        assert numbers(await everything(log, "call")) == list(range(1, last + 11))
    subprocess.run(["mount", "-o", "remount,ro", folder], check=True)
    with suppress(LogUnavailable):
        SqliteLog(place / "calls.db")
        raise AssertionError("opened what cannot be written")


if __name__ == "__main__":
    programs: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        each.__name__: each for each in (race, write, fill)
    }
    asyncio.run(programs[sys.argv[1]](*sys.argv[2:]))
