"""Logs on the command line: their option, their errors, and their conversations as lines."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Generator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final, TypeVar

import click
from pydantic_core import from_json

from rtstate.cli._layout import clean
from rtstate.cli._reading import Refused, Unusable
from rtstate.errors import HistoryGone, HubError, LogError, LogUnavailable
from rtstate.logs import Entry, Log, Summary, open_log

Result = TypeVar("Result")

LOG: Final = click.option(
    "--log",
    "url",
    metavar="URL",
    required=True,
    envvar="RTSTATE_LOG",
    help="Where conversations are kept: sqlite:///calls.db or redis://host:6379/0; or set RTSTATE_LOG.",
)
"""The option of every command that needs a log."""


@contextmanager
def errors_told() -> Generator[None, None, None]:
    """Turn what a log or a hub raises into one sentence: exit code 2 where it cannot be used, 1 otherwise."""
    try:
        yield
    except LogUnavailable as error:
        raise Unusable(clean(error)) from None
    except HistoryGone as error:
        raise Refused(
            f"{clean(error.args[0]).partition(';')[0]}; rtstate show has what they came to"
        ) from None
    except (LogError, HubError) as error:
        raise Refused(clean(error)) from None


def opened(url: str, *, create: bool = False) -> Log:
    """Return the log of a URL; raise Unusable for what names none, or none that is there."""
    with errors_told():
        try:
            return open_log(url, create=create)
        except (ValueError, ModuleNotFoundError) as error:
            raise Unusable(clean(error)) from None


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Do something with a log."""
    with errors_told():
        return asyncio.run(work)


async def expect(log: Log, name: str) -> Summary:
    """Return what is known of a conversation; raise Refused where there is none of that name."""
    check_name(log, name)
    summary = await log.summary(name)
    if summary is None:
        raise Refused(f"there is no conversation {clean(name)!r}; rtstate ls shows those there are")
    return summary


def check_name(log: Log, name: str) -> None:
    """Raise UsageError for what cannot be a name."""
    try:
        log.check_name(name)
    except ValueError as error:
        raise click.UsageError(clean(error)) from None


def kept_lines(source: str) -> Iterator[str]:
    """Yield a conversation of a log, ``URL#NAME``, as the lines of a recording; raise Refused, Unusable."""
    url, _, name = source.partition("#")  # the first one: a URL has its own as %23
    yield from map(recorded, entries(url, name))


def entries(url: str, name: str, after: int = 0, *, follow: bool = False) -> Iterator[Entry]:
    """Yield the events of a conversation, those to come too if it is followed.

    The loop runs only while an event is waited for, so whoever takes them may take its time.
    """
    log = opened(url)
    with errors_told(), asyncio.Runner() as runner:
        try:
            runner.run(expect(log, name))
            reading = log.tail(name, after) if follow else log.read(name, after)
            yield from _stepped(runner, reading)
        finally:
            runner.run(log.close())


def _stepped(runner: asyncio.Runner, reading: AsyncIterator[Entry]) -> Iterator[Entry]:
    async def closing() -> None:
        async with aclosing(reading):  # type: ignore[type-var]
            pass

    async def step() -> Entry | None:
        return await anext(reading, None)

    try:
        while (entry := runner.run(step())) is not None:
            yield entry
    finally:
        runner.run(closing())


def recorded(entry: Entry) -> str:
    """Return an event as the line of a recording, with its time where it has one.

    What is no JSON object stands as it came, for a line with a time holds an event.
    """
    text = entry.raw.decode(errors="replace").replace("\n", " ").replace("\r", " ")
    if entry.at is None or not _is_object(entry.raw):
        return text
    return f'{{"at": {json.dumps(entry.at)}, "event": {text}}}'


def _is_object(raw: bytes) -> bool:
    try:
        return isinstance(from_json(raw, cache_strings="none"), dict)
    except ValueError:
        return False
