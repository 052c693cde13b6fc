"""What the tests of logs share."""

import sqlite3
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from rtstate.logs import Entry, Log, Record


class Store(Protocol):
    """A place for logs, of which any number may be opened; each call gives another, except in memory."""

    kind: str

    def open(self) -> Log: ...


def record(number: int, size: int = 0) -> Record:
    filler = "x" * size
    return Record.of(f'{{"type": "test.{number}", "filler": "{filler}"}}', at=float(number))


def records(first: int, last: int, size: int = 0) -> list[Record]:
    return [record(number, size) for number in range(first, last + 1)]


async def filled(log: Log, name: str, last: int, size: int = 0) -> None:
    assert await log.append(name, records(1, last, size), expected=0) == last


async def taken(entries: AsyncGenerator[Entry], count: int) -> list[Entry]:
    """The next entries of a tail, which is left open."""
    return [await anext(entries) for _ in range(count)]


async def everything(log: Log, name: str, after: int = 0) -> list[Entry]:
    return [entry async for entry in log.read(name, after)]


def numbers(entries: Sequence[Entry]) -> list[int]:
    return [entry.seq for entry in entries]


async def eventually(holds: Callable[[], Awaitable[bool]], seconds: float = 20) -> None:
    """Wait until something holds; fail when it does not in time."""
    import asyncio

    async with asyncio.timeout(seconds):
        while not await holds():
            await asyncio.sleep(0.01)


@contextmanager
def by_hand(path: Path) -> Iterator[sqlite3.Connection]:
    """The file of a SQLite log as somebody else has it."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        yield connection
    finally:
        connection.close()
