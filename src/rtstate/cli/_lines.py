"""The lines of the log: one for an event, or for a run of deltas; what was odd stands beneath it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs
from rich.console import Console, ConsoleOptions, RenderResult
from rich.segment import Segment
from rich.text import Text

from rtstate import Anomaly, Operation
from rtstate.cli._happenings import Happening, names
from rtstate.cli._layout import BAD, QUIET, WARNING, clean, explain, rendered, spaced
from rtstate.cli._words import short_id, short_type, told

_NUMBER_WIDTH: Final = 4
_TIME_WIDTH: Final = 8
_TYPE_WIDTH: Final = 26
_GAP: Final = 2
_LEAST_ROOM: Final = 16
_STREAMED: Final = (".delta", ".append", "ping")
_LONGEST_RUN: Final = 1000
_KEPT_TEXT: Final = 400
_SHOWN_NAMES: Final = 2

_Key = tuple[object, ...]


@attrs.define(eq=False)
class Run:
    """An event, or several of one type that did the same to one text or sound."""

    first: Happening
    count: int = 0
    _merged: dict[object, Operation] = attrs.field(init=False, factory=dict[object, Operation])

    def add(self, happening: Happening) -> None:
        """Take an event in: texts grow, of anything else the last value counts."""
        self.count += 1
        for each in _operations(happening):
            key: object = each.path if self.count > 1 or _is_plain(each) else (each.op, len(self._merged))
            before = self._merged.get(key)
            if before is None or each.op != "append":
                self._merged[key] = each
            elif len(before.value) < _KEPT_TEXT:
                self._merged[key] = before._replace(value=before.value + each.value)

    @property
    def words(self) -> Text:
        """What it did; where that is nothing, what it names."""
        if self._merged:
            text = told(self._merged.values())
        else:
            named = names(self.first.raw)
            ids = [short_id(each, "response") for each in sorted(named.responses)]
            ids += [short_id(each, "item") for each in sorted(named.items)]
            ids = ids[:_SHOWN_NAMES] + ["a repeat"] * self.first.repeated
            text = Text(", ".join(ids).replace("\n", "↵"), QUIET)
        times = Text(f"×{self.count}", "bold") if self.count > 1 else Text()
        return spaced((times, text), " ")


def runs(chosen: Iterable[tuple[Happening, bool]], *, fold: bool = True) -> Iterator[Run]:
    """Yield the events that are wanted, those of a stream of deltas as one.

    Streams run side by side: a voice, its transcript, the user's microphone. A run of each ends with the
    next event that is no delta, whether that one is wanted or not.
    """
    open_runs: dict[_Key, Run] = {}
    taken = 0
    for happening, wanted in chosen:
        key = _key(happening) if fold else None
        if key is None or taken >= _LONGEST_RUN:
            yield from open_runs.values()
            open_runs, taken = {}, 0
        if wanted:
            run = Run(happening) if key is None else open_runs.setdefault(key, Run(happening))
            run.add(happening)
            if key is None:
                yield run
            else:
                taken += 1
    yield from open_runs.values()


def _key(happening: Happening) -> _Key | None:
    """Return what the events of one run have in common; None for an event that stands alone."""
    kind, odd = happening.event_type, happening.change.anomalies
    if not kind.endswith(_STREAMED) and kind:
        return None
    operations = _operations(happening)
    if not all(map(_is_plain, operations)):
        return None
    about = operations[0].path[:-1] if operations else None
    return kind, about, *((each.kind, each.message) for each in odd)


def _operations(happening: Happening) -> tuple[Operation, ...]:
    return happening.change.operations[:-1]  # the last one is the revision's own


def _is_plain(each: Operation) -> bool:
    """Tell whether an operation writes to one field of an item or of the translation."""
    if each.op not in ("append", "replace"):
        return False
    return each.path[0] == "translation" or (each.path[0] == "items" and len(each.path) > 2)


def log_lines(made: Iterable[Run]) -> Iterator[Line | Text]:
    """Yield the lines, those above the columns first; there is a column of times if there are any."""
    timed = False
    for number, run in enumerate(made):
        timed = timed or run.first.elapsed is not None
        if number == 0:
            titles = f"{'#':>{_NUMBER_WIDTH}} {'rev':>{_NUMBER_WIDTH}} "
            titles += f"{'time':>{_TIME_WIDTH}} " * timed
            yield Text(
                f"{titles} {'event':<{_TYPE_WIDTH}}  what it changed", QUIET, no_wrap=True, overflow="crop"
            )
        yield Line(run, timed)


@attrs.frozen(eq=False)
class Line:
    """One line of the log, as wide as there is room, and the anomalies on lines of their own."""

    run: Run
    timed: bool

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments."""
        first = self.run.first
        revision = str(first.change.revision) if first.change else "·"
        head = f"{first.number:>{_NUMBER_WIDTH}} {revision:>{_NUMBER_WIDTH}} "
        head += f"{moment(first.elapsed):>{_TIME_WIDTH}} " * self.timed
        kind = Text(clean(short_type(first.event_type)).replace("\n", "↵") or "(unreadable)")
        kind.stylize(BAD if not first.event_type else "" if first.change else QUIET)
        words = self.run.words
        if words:
            kind.pad_right(max(_TYPE_WIDTH - kind.cell_len, 0) + _GAP)
        line = Text.assemble((head, QUIET), " ", kind, words)
        line.truncate(options.max_width, overflow="ellipsis")
        yield from rendered(line, console)
        yield Segment.line()
        for anomaly in first.change.anomalies:
            yield from _odd(anomaly, len(head) + 1, console, options.max_width)


def _odd(anomaly: Anomaly, indent: int, console: Console, width: int) -> Iterator[Segment]:
    style = BAD if anomaly.kind == "invalid" else WARNING
    told = Text(f"! {anomaly.kind.replace('_', ' ')}: {clean(explain(anomaly.message))}", style)
    for line in told.wrap(console, max(width - indent, _LEAST_ROOM)):
        line.rstrip()
        yield Segment(" " * indent)
        yield from rendered(line, console)
        yield Segment.line()


def moment(elapsed: float | None) -> str:
    """Return seconds since the beginning as ``--at`` takes them, but for the unit of the first minute.

    >>> moment(0.759), moment(75.02), moment(3675.5), moment(None)
    ('0.759', '1:15.020', '1:01:15.500', '')
    """
    if elapsed is None:
        return ""
    minutes, seconds = divmod(elapsed, 60)
    if not minutes:
        return f"{seconds:.3f}"
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:{minutes:02}:{seconds:06.3f}" if hours else f"{minutes}:{seconds:06.3f}"
