"""Lines from a file or standard input into a conversation: where they stand, how far it is, what was bad."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from rtstate import Change, Conversation, EventParseError
from rtstate.cli._layout import explain
from rtstate.recording import unwrap
from rtstate.wire import Raw

STANDARD_INPUT: Final = "-"

DIALECT: Final = click.option(
    "--dialect",
    type=click.Choice(["auto", "openai", "xai"]),
    default="auto",
    show_default=True,
    help="Whose server it was; only needed where the recording does not tell.",
)
"""The option of every command that reads a recording."""

_LARGE: Final = 1_000_000
_STEP: Final = 250_000
_SHOWN_REFUSALS: Final = 20


class Unusable(click.ClickException):
    """A file that cannot be read at all: one sentence, exit code 2."""

    exit_code = 2


class Refused(click.ClickException):
    """A line that cannot be read where every line has to be, or no line that can: exit code 1."""


def replay(
    name: str, conversation: Conversation, done: Callable[[float | None], bool] = lambda at: False
) -> None:
    """Feed the lines of a file, or of standard input for ``-``, as they are read.

    ``done`` is asked before each event, with its time, whether that is enough. What cannot be read is told on
    standard error with the number of its line. Raises Unusable for a file that cannot be read, and Refused at
    the first bad line of a strict conversation, or where no line was an event.
    """
    report = Report()
    for number, event, at in events(lines(name)):
        if done(at):
            break
        try:
            change = conversation.feed(event, at)
        except EventParseError as error:
            raise Refused(f"line {number}: {explain(str(error))}") from None
        report(number, change)
    report.end()
    expect_events(name, conversation)


class Report:
    """Name on standard error the lines that cannot be read, the first twenty of them."""

    def __init__(self) -> None:
        self._refused = 0

    def __call__(self, number: int, change: Change) -> None:
        """Name a line, if its event could not be read."""
        for anomaly in change.anomalies:
            if anomaly.kind == "invalid":
                self._refused += 1
                if self._refused <= _SHOWN_REFUSALS:
                    click.echo(f"line {number}: {explain(anomaly.message)}", err=True)

    def end(self) -> None:
        """Say how many there were, where not all were named."""
        if self._refused > _SHOWN_REFUSALS:
            shown = f"the first {_SHOWN_REFUSALS} are above"
            click.echo(f"{self._refused:,} lines could not be read; {shown}", err=True)


def expect_events(name: str, conversation: Conversation) -> None:
    """Raise Refused where there were lines, and none of them was an event."""
    stats = conversation.stats
    if stats.events and stats.invalid == stats.events:
        raise Refused(f"{named(name)} has no line that is an event; it takes one JSON event a line")


def events(recorded: Iterable[str]) -> Iterator[tuple[int, Raw, float | None]]:
    """Yield the events of some lines, each with the number of its line, and its time where it has one."""
    for number, line in enumerate(recorded, 1):
        if line.strip():
            yield number, *unwrap(line)


def lines(name: str, *, bar: bool = True) -> Iterator[str]:
    """Yield the lines of a file, or of standard input for ``-``; show how far it is where a person waits.

    Without ``bar`` it does not: something else is printed meanwhile. Raises Unusable, also for what is not
    UTF-8 text. A last line that ends within a character is not refused: the recorder was cut off there.
    A conversation in a log, ``URL#NAME``, is read as if it were a file.
    """
    if is_kept(name):
        from rtstate.cli._logs import kept_lines

        yield from kept_lines(name)
        return
    for number, line in enumerate(raw_lines(name, bar=bar), 1):
        try:
            text = decoded(line, first=number == 1)
        except UnicodeDecodeError:
            raise Unusable(f"{named(name)} is not UTF-8 text (line {number:,})") from None
        yield text


def raw_lines(name: str, *, bar: bool = True) -> Iterator[bytes]:
    """Yield the lines of a file, or of standard input for ``-``, as they are; otherwise as :func:`lines`."""
    try:
        with _opened(name) as (stream, size), _progress(size if bar else 0) as progress:
            done, shown = 0, _STEP
            for line in stream:
                yield line
                if progress is not None:
                    done += len(line)
                    if done >= shown:
                        progress.update(progress.task_ids[0], completed=done)
                        shown = done + _STEP
    except OSError as error:
        raise Unusable(f"{named(name)} cannot be read: {error.strerror}") from None


@contextmanager
def _opened(name: str) -> Generator[tuple[BinaryIO, int], None, None]:
    """Open for reading, and tell the size; 0 where it is not known."""
    if name == STANDARD_INPUT:
        with _standard_input() as stream:
            yield stream, 0
        return
    with Path(name).open("rb") as stream:
        about = os.fstat(stream.fileno())
        yield stream, about.st_size if S_ISREG(about.st_mode) else 0


@contextmanager
def _standard_input() -> Generator[BinaryIO, None, None]:
    """Give a stream of its own: Python aborts when it ends while a thread still reads the one it made."""
    try:
        number = sys.stdin.fileno()
    except (AttributeError, OSError):
        yield sys.stdin.buffer
    else:
        with open(number, "rb", closefd=False) as stream:
            yield stream


@contextmanager
def _progress(size: int) -> Generator[Progress | None, None, None]:
    """Show a bar on standard error, gone when it is done, if the file is large and a person is watching."""
    if size < _LARGE or not sys.stderr.isatty():
        yield None
        return
    columns = TextColumn("reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        progress.add_task("reading", total=size)
        yield progress


def decoded(line: bytes, *, first: bool) -> str:
    """Return a line as text; raise UnicodeDecodeError for what is none."""
    try:
        return line.decode("utf-8-sig" if first else "utf-8")
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data" and not line.endswith(b"\n"):
            return line.decode(errors="replace")
        raise


def is_kept(source: str) -> bool:
    """Tell whether a FILE is no file but a conversation in a log, ``URL#NAME``."""
    return "://" in source and "#" in source


def named(name: str) -> str:
    """Return what a file is called in a sentence."""
    return "standard input" if name == STANDARD_INPUT else name
