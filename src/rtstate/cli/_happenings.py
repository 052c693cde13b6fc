"""The events of a recording with what each of them did, and which of them somebody wants to see.

It reads and chooses; how it looks is told elsewhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any, Final

import attrs
import click
from pydantic_core import from_json

from rtstate import Change, Conversation
from rtstate.cli._layout import clean
from rtstate.cli._points import Clock, Point, expect
from rtstate.cli._words import is_object, short_type
from rtstate.wire import Raw

_SOME: Final = 6

Recorded = Iterable[tuple[int, Raw, float | None]]
"""Events, each with the number of its line and the time it came, as the reading gives them."""


class NoSuchId(click.ClickException):
    """An id that a recording does not have, or a piece of one that fits several: exit code 2."""

    exit_code = 2


@attrs.frozen
class Names:
    """The ids that an event names."""

    items: frozenset[str] = frozenset()
    responses: frozenset[str] = frozenset()
    anchor: str | None = None
    """The item that another one follows: it is named, but nothing becomes of it."""


@attrs.frozen(eq=False)
class Happening:
    """One event, and what it did.

    ``elapsed`` counts seconds since the first event that had a time. ``repeated``: it had come before.
    """

    number: int
    change: Change
    elapsed: float | None
    repeated: bool
    raw: Raw

    @property
    def event_type(self) -> str:
        """The type of the event; empty where it could not be read."""
        return self.change.event_type or ""


def happenings(recorded: Recorded, conversation: Conversation, first: int = 1) -> Iterator[Happening]:
    """Apply events one by one, and yield each with what it did; ``first`` is the number of the first."""
    clock = Clock()
    for number, (_, raw, at) in enumerate(recorded, first):
        before = conversation.stats.duplicates
        change = conversation.feed(raw, at)
        yield Happening(number, change, clock(at), conversation.stats.duplicates > before, raw)


def names(raw: Raw) -> Names:
    """Return the ids that an event names, none for what is no event.

    >>> sorted(names('{"type": "response.text.delta", "item_id": "item_1", "response_id": "resp_1"}').items)
    ['item_1']
    """
    try:
        event: Any = (
            raw if isinstance(raw, Mapping) else from_json(bytes(raw) if isinstance(raw, memoryview) else raw)
        )
    except ValueError:
        return Names()
    item, response = _within(event, "item"), _within(event, "response")
    output = _within(response, "output")
    held = [_within(each, "id") for each in (item, *_listed(output))]
    anchor = _within(event, "previous_item_id")
    return Names(
        _ids(_within(event, "item_id"), *held),
        _ids(_within(event, "response_id"), _within(response, "id")),
        anchor if isinstance(anchor, str) and anchor and anchor != "root" else None,
    )


def _within(value: Any, key: str) -> Any:
    return value.get(key) if is_object(value) else None


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType]


def _ids(*found: Any) -> frozenset[str]:
    return frozenset(each for each in found if isinstance(each, str) and each)


@attrs.frozen
class Window:
    """The events between two points, both included: a revision stands for the event that led to it."""

    since: Point | None = None
    until: Point | None = None

    @property
    def needs_times(self) -> bool:
        """Whether one of the points is a time."""
        return any(point is not None and point.seconds is not None for point in (self.since, self.until))

    def begun(self, happening: Happening) -> bool:
        """Tell whether an event is not too early."""
        return self.since is None or _place(happening, self.since) >= 0

    def ended(self, happening: Happening) -> bool:
        """Tell whether an event is too late, as are all that follow."""
        return self.until is not None and _place(happening, self.until) > 0

    def expect(self, last: int, end: float | None, name: str) -> None:
        """Raise NoSuchPoint where a recording that was read to its end has no such beginning, or no times."""
        for point in (self.since, self.until):
            if point is not None and (point is self.since or point.seconds is not None):
                expect(point, last, end, name)


def _place(happening: Happening, point: Point) -> float:
    """Return a number below 0 for an event before a point, above 0 for one after it."""
    if point.revision is not None:
        return happening.change.revision - point.revision
    if happening.elapsed is None or point.seconds is None:
        return -1
    return happening.elapsed - point.seconds


@attrs.frozen
class Choice:
    """Which events are wanted: those that fit every filter given, and of each filter one value."""

    types: Sequence[str] = ()
    items: frozenset[str] = frozenset()
    responses: frozenset[str] = frozenset()
    anomalies: bool = False
    changes: bool = False
    _owners: dict[str, set[str]] = attrs.field(init=False, factory=dict[str, set[str]])

    def __call__(self, happening: Happening) -> bool:
        """Tell whether an event is wanted. Every event has to be asked for, in order."""
        about = self._about(happening) if self.items or self.responses else None
        return (
            (not self.anomalies or bool(happening.change.anomalies))
            and (not self.changes or bool(happening.change))
            and (not self.types or any(_is_like(happening.event_type, each) for each in self.types))
            and (about is None or not self.items or not self.items.isdisjoint(about[0]))
            and (about is None or not self.responses or not self.responses.isdisjoint(about[1]))
        )

    def _about(self, happening: Happening) -> tuple[set[str], set[str]]:
        """Return the items and the responses that an event names or touches, the responses of items too."""
        named = names(happening.raw)
        items, responses = set(named.items), set(named.responses)
        if len(named.responses) == 1:
            self._belong(items, *responses)
        for path, value in ((each.path, each.value) for each in happening.change.operations):
            match path:
                case ("items", str(item), *rest):
                    items.add(item)
                    owner = (
                        value if rest == ["response_id"] else None if rest else _within(value, "response_id")
                    )
                    if isinstance(owner, str):
                        self._belong([item], owner)
                case ("responses", str(response), *_):
                    responses.add(response)
                case ("order", _) if isinstance(value, str):
                    items.add(value)
                case _:
                    pass
        for item in items:
            responses |= self._owners.get(item, set())
        return items | ({named.anchor} if named.anchor else set()), responses

    def _belong(self, items: Iterable[str], response: str) -> None:
        for item in items:
            self._owners.setdefault(item, set()).add(response)


def _is_like(event_type: str, pattern: str) -> bool:
    """Tell whether a type, or the shorter name it is shown by, fits a pattern."""
    return fnmatchcase(event_type, pattern) or fnmatchcase(short_type(event_type), pattern)


class Directory:
    """Every id that a recording names, to find those that a filter means."""

    def __init__(self, recorded: Recorded) -> None:
        self._items: dict[str, None] = {}
        self._responses: dict[str, None] = {}
        for _, raw, _ in recorded:
            named = names(raw)
            self._items.update(dict.fromkeys(sorted(named.items)))
            self._responses.update(dict.fromkeys(sorted(named.responses)))
            if named.anchor:
                self._items.setdefault(named.anchor)

    def items(self, wanted: Iterable[str]) -> frozenset[str]:
        """Return the ids of the items that are meant; raises NoSuchId."""
        return frozenset(meant(each, self._items, "item") for each in wanted)

    def responses(self, wanted: Iterable[str]) -> frozenset[str]:
        """Return the ids of the responses that are meant; raises NoSuchId."""
        return frozenset(meant(each, self._responses, "response") for each in wanted)


def meant(wanted: str, ids: Iterable[str], kind: str) -> str:
    """Return the one id that is this, or begins or ends like it; ``…`` stands for what is left out."""
    head, gap, tail = wanted.partition("…")
    fits: Callable[[str], bool] = (
        (lambda each: len(each) > len(head + tail) and each.startswith(head) and each.endswith(tail))
        if gap
        else (lambda each: each.startswith(wanted) or each.endswith(wanted))
    )
    ids = list(ids)
    found = [wanted] if wanted in ids else [each for each in ids if fits(each)]
    if len(found) == 1:
        return found[0]
    if found:
        raise NoSuchId(f"{wanted!r} fits {len(found)} {kind}s: {_some(found)}; give more of the id")
    if not ids:
        raise NoSuchId(f"there is no {kind} {wanted!r}; the recording names no {kind}s at all")
    raise NoSuchId(f"there is no {kind} {wanted!r}; there are {_some(ids)}")


def _some(ids: Sequence[str]) -> str:
    listed = ", ".join(clean(each) for each in ids[:_SOME])
    return f"{listed} and {len(ids) - _SOME:,} more" if len(ids) > _SOME else listed
