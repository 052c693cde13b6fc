"""Points of a session, as they are named on the command line, and the state at each of them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import attrs
import click

from rtstate import Conversation, Snapshot
from rtstate.cli._reading import named, replay

_REVISION: Final = re.compile(r"[0-9]{1,15}")
_UNITS: Final = re.compile(r"(?:([0-9]{1,9})h)?(?:([0-9]{1,9})m)?(?:([0-9]{1,9}(?:\.[0-9]{0,9})?)s)?")
_COLONS: Final = re.compile(r"(?:([0-9]{1,9}):)?([0-9]{1,9}):([0-9]{1,9}(?:\.[0-9]{0,9})?)")
_FORMS: Final = "a revision (120) or a time since the first event (12.5s, 1m5s, 0:12.5)"


class NoSuchPoint(click.ClickException):
    """A point that the recording does not have: one sentence, exit code 2."""

    exit_code = 2


@attrs.frozen
class Point:
    """A revision, or a moment: seconds since the first event that has a time."""

    revision: int | None = None
    seconds: float | None = None

    def is_after(self, other: Point) -> bool:
        """Tell whether it comes after another point; of a revision and a moment nobody can tell."""
        if self.revision is not None and other.revision is not None:
            return self.revision > other.revision
        return self.seconds is not None and other.seconds is not None and self.seconds > other.seconds


def read_point(text: str) -> Point:
    """Return the point that is written ``120``, ``12.5s``, ``1m5s`` or ``0:12.5``.

    >>> read_point("120"), read_point("1m5s")
    (Point(revision=120, seconds=None), Point(revision=None, seconds=65.0))
    """
    written = text.strip()
    if _REVISION.fullmatch(written):
        return Point(revision=int(written))
    found = (written and _UNITS.fullmatch(written)) or _COLONS.fullmatch(written)
    if not found:
        raise click.BadParameter(f"{text!r} is no point of a session: {_FORMS}")
    hours, minutes, seconds = (float(each or 0) for each in found.groups())
    return Point(seconds=hours * 3600 + minutes * 60 + seconds)


AT: Final = click.option(
    "--at",
    "point",
    type=read_point,
    metavar="WHEN",
    help="Stop there: at a revision (120) or a time (12.5s, 1m5s, 0:12.5).",
)
"""The option of every command that shows one state of a recording."""


class Clock:
    """The time since the first event that had one; it never goes back, whatever the recorder's clock did."""

    def __init__(self) -> None:
        self._start: float | None = None
        self._elapsed: float | None = None

    def __call__(self, at: float | None) -> float | None:
        """Return the seconds at an event, exact to the millisecond; None before the first that has a time.

        An event without a time came when the last one did that had one.
        """
        if at is not None:
            if self._start is None or self._elapsed is None:
                self._start, self._elapsed = at, 0.0
            self._elapsed = max(self._elapsed, round(at - self._start, 3))
        return self._elapsed


def states(name: str, conversation: Conversation, points: Iterable[Point | None]) -> list[Snapshot]:
    """Replay a recording up to the last of some points, and return the state at each; None is the end.

    The conversation stands where the reading ended, with the counters and anomalies of that moment. Raises
    NoSuchPoint for a revision that has never been, and for a time where no event has one.
    """
    points = tuple(points)
    clock = Clock()
    taken: dict[Point, Snapshot] = {}

    def done(at: float | None) -> bool:
        elapsed = clock(at)
        for point in points:
            if point is not None and point not in taken and _is_past(point, conversation.revision, elapsed):
                taken[point] = conversation.snapshot()
        return all(point in taken for point in points)

    replay(name, conversation, done)
    end = conversation.snapshot()
    for point in points:
        if point is not None and point not in taken:
            expect(point, end.revision, clock(None), name)
    return [taken.get(point, end) if point else end for point in points]


def expect(point: Point, last: int, end: float | None, name: str) -> None:
    """Raise NoSuchPoint unless a recording has a point: ``last`` is its last revision, ``end`` its end."""
    if point.revision is not None and point.revision > last:
        raise NoSuchPoint(f"{named(name)} has no revision {point.revision}; the last one is {last}")
    if point.seconds is not None and end is None:
        raise NoSuchPoint(
            f"{named(name)} has no times: name a revision instead, from 0 to {last}, "
            'or record each line as {"at": seconds, "event": {...}}'
        )


def _is_past(point: Point, revision: int, elapsed: float | None) -> bool:
    """Tell whether the next event, which comes at a time, comes after a point."""
    if point.revision is not None:
        return revision >= point.revision
    return elapsed is not None and point.seconds is not None and elapsed > point.seconds
