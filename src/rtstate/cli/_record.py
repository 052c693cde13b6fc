"""``rtstate record`` and ``rtstate import``: events into a log, as they come or from a file."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from platform import node
from shlex import quote
from threading import Semaphore, Thread
from typing import Final

import click

from rtstate.cli._layout import clean, count
from rtstate.cli._logs import LOG, check_name, opened, run
from rtstate.cli._reading import STANDARD_INPUT, Refused, Report, decoded, is_kept, lines, named, raw_lines
from rtstate.errors import LogError
from rtstate.hub import Hub
from rtstate.logs import Log
from rtstate.logs._urls import shown
from rtstate.recording import unwrap_raw
from rtstate.wire import Raw

_BATCH: Final = 500
_WAITING: Final = 5_000
_LAST: Final = 2.0
_Event = tuple[int, Raw, float | None]
"""The number of its line, the event, and its time."""


@click.command("record", short_help="Write events from standard input into a log as they come.")
@click.argument("name", required=False)
@LOG
@click.option("--no-times", is_flag=True, help="Note no time for events that come without one.")
def record_command(name: str | None, url: str, no_times: bool) -> None:
    """Write events from standard input into a log, one JSON event a line, as they come.

    They are kept as the conversation NAME, or under the time it begins; one that is there goes on. A line may
    be wrapped, {"at": seconds, "event": {...}}; others get the time at which they came. An event is safe in
    the log once a line after it can be read. What cannot be read is kept too, and named on standard error.
    After Ctrl-C it takes what still comes within two seconds; a second one ends it at once.

    \b
    my-client | rtstate record support-17 --log sqlite:///calls.db
    rtstate tail support-17 --log sqlite:///calls.db
    """  # noqa: D301
    name = name or time.strftime("call-%Y%m%d-%H%M%S", time.gmtime())
    log = opened(url, create=True)
    check_name(log, name)
    if sys.stdin.isatty():
        click.echo(f"Recording {name} from the keyboard, one JSON event a line; Ctrl-D ends it.", err=True)
    written = run(_record(log, name, _timed(no_times)))
    if not written:
        raise Refused("no event came, so nothing was recorded")
    now = f"rtstate show {quote(clean(name))} --log {quote(clean(shown(url)))}"
    click.echo(f"Recorded {count(written, 'event')} as {clean(name)}. Now: {now}")


def _timed(no_times: bool) -> Iterator[_Event]:
    for number, line in enumerate(raw_lines(STANDARD_INPUT, bar=False), 1):
        if line.strip():
            event, at = unwrap_raw(_text(line, first=number == 1).strip())
            yield number, event, at if at is not None or no_times else time.time()


def _text(line: bytes, *, first: bool) -> str | bytes:
    """Return a line as text; what is none as it is, for it may not come again."""
    try:
        return decoded(line, first=first)
    except UnicodeDecodeError:
        return line


@click.command("import", short_help="Copy recordings into a log.")
@click.argument("files", metavar="FILE...", nargs=-1, required=True)
@LOG
@click.option("--name", help="What to call it, instead of the name of its file; for one FILE.")
def import_command(files: Sequence[str], url: str, name: str | None) -> None:
    """Copy recordings into a log, each as a conversation with the name of its file.

    A conversation that is there already is left alone, and the command ends with exit code 1.

    \b
    rtstate import calls/*.jsonl --log sqlite:///calls.db
    """  # noqa: D301
    if name is not None and len(files) > 1:
        raise click.UsageError("--name is for one FILE")
    log = opened(url, create=True)
    names = [name or _name_of(file) for file in files]
    for each in names:
        check_name(log, each)
    if len(set(names)) < len(names):
        raise click.UsageError("two of these files have the same name: import them one by one, with --name")
    taken, empty = run(_import(log, dict(zip(names, files, strict=True))))
    told = ("left alone, for they are there already", taken), ("there are no events in", empty)
    if taken or empty:
        raise Refused("; ".join(f"{what}: {', '.join(map(clean, which))}" for what, which in told if which))


def _name_of(file: str) -> str:
    """Return what a conversation is called where nobody says."""
    if is_kept(file):
        return file.partition("#")[2]
    return Path(file).stem if file != STANDARD_INPUT else "standard input"


async def _import(log: Log, files: dict[str, str]) -> tuple[list[str], list[str]]:
    """Copy each file, or nothing of it; return the names that were taken, and the files without events."""
    taken: list[str] = []
    empty: list[str] = []
    async with log:
        for name, file in files.items():
            if await log.summary(name) is not None:
                taken.append(name)
                continue
            events = (
                (number, *unwrap_raw(line.strip()))
                for number, line in enumerate(lines(file), 1)
                if line.strip()
            )
            try:
                written = await _feed(log, name, _Reading(events))
            except BaseException:  # half of it would be in the way of another try
                with suppress(LogError):
                    async with Hub(log) as hub:
                        await hub.delete(name)
                raise
            if written:
                click.echo(f"{clean(name)}: {count(written, 'event')}")
            else:
                empty.append(named(file))
    return taken, empty


async def _record(log: Log, name: str, events: Iterator[_Event]) -> int:
    """Write events until there are no more; a first signal lets those that are on their way come in."""
    async with log:
        reading = _Reading(events)
        with _on_signals(partial(reading.end_in, 0 if sys.stdin.isatty() else _LAST)):
            return await _feed(log, name, reading)


@contextmanager
def _on_signals(done: Callable[[], None]) -> Generator[None, None, None]:
    """Do something else at the first interrupt or request to end; the next one ends the process."""
    loop, signals = asyncio.get_running_loop(), (signal.SIGINT, signal.SIGTERM)

    def leave() -> None:
        for each in signals:
            loop.remove_signal_handler(each)

    def first() -> None:
        leave()
        done()

    with suppress(NotImplementedError, RuntimeError, ValueError):  # no such signals, or not the main thread
        for each in signals:
            loop.add_signal_handler(each, first)
    try:
        yield
    finally:
        with suppress(NotImplementedError, RuntimeError, ValueError):
            leave()


async def _feed(log: Log, name: str, reading: _Reading) -> int:
    """Write events as they are read: those that came together, together. Return how many there were."""
    report, written = Report(), 0
    async with Hub(log, holder=f"rtstate, process {os.getpid()} on {node() or 'this host'}") as hub:
        while batch := await reading.some():
            changes = await hub.feed_all(name, [(event, at) for _, event, at in batch])
            for (number, _, _), change in zip(batch, changes, strict=True):
                report(number, change)
            written += len(batch)
    report.end()
    return written


class _Reading:
    """Events that a thread reads on, a few thousand ahead at most.

    The thread is its own: one of the loop's would be waited for, and standard input may never end.
    """

    def __init__(self, events: Iterator[_Event]) -> None:
        self._loop, self._news = asyncio.get_running_loop(), asyncio.Event()
        self._room, self._came = Semaphore(_WAITING), deque[_Event]()
        self._done = self._rung = False
        self._error: BaseException | None = None
        Thread(target=self._read, args=(events,), daemon=True).start()

    async def some(self) -> list[_Event]:
        """Return what has come, at least one event; none at the end. Raise what reading raised."""
        while not self._came:
            if self._done:
                if self._error is not None:
                    raise self._error
                return []
            await self._news.wait()
            self._news.clear()
        some = [self._came.popleft() for _ in range(min(len(self._came), _BATCH))]
        self._room.release(len(some))
        return some

    def end_in(self, seconds: float) -> None:
        """Take what comes within some seconds, and no more."""
        self._loop.call_later(seconds, self._end)

    def _end(self) -> None:
        self._done = True
        self._news.set()

    def _read(self, events: Iterator[_Event]) -> None:
        try:
            for event in events:
                self._room.acquire()
                if self._done:
                    return
                self._came.append(event)
                self._ring()
        except BaseException as error:
            self._error = error
        self._done = True
        self._ring()

    def _ring(self) -> None:
        """Wake the loop, once until it has heard: a signal has no room where hundreds of calls wait there."""
        if not self._rung:
            self._rung = True
            with suppress(RuntimeError):  # the loop has ended, and nobody waits
                self._loop.call_soon_threadsafe(self._hear)

    def _hear(self) -> None:
        self._rung = False
        self._news.set()
