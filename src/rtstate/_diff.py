"""Two snapshots compared: the operations that lead from the document of one to that of the other.

What both share is the same object, so it is passed over at a look: the cost follows what changed. Only where
both come from different conversations, or one was read from a document, everything has to be looked at.
"""

# What two snapshots share is their own affair, and that of this file:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress, count
from operator import ne
from typing import Any, Final, TypeVar

from rtstate._json import same
from rtstate._model import Item, Part, plain
from rtstate._operations import Operation
from rtstate._types import Json, JsonPath
from rtstate.document import Placed, Snapshot, Table

_ROOTS: Final = ("conversation_id", "session", "usage", "input_audio", "rate_limits")
T = TypeVar("T")
Pairs = list[tuple[str, T | None, T | None]]


def diff(old: Snapshot, new: Snapshot, append: bool = False) -> list[dict[str, Json]]:
    """Return the operations that make the document of ``new`` out of that of ``old``, strictly RFC 6902.

    With ``append`` a text that goes on from what it was is appended to, as in :meth:`Change.patch`. Cost:
    what differs, and where an item was not just added at the end, a look at all ids.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> old = conversation.snapshot()
    >>> _ = conversation.feed('{"type": "input_audio_buffer.speech_started", "item_id": "item_1"}')
    >>> [operation["path"] for operation in diff(old, conversation.snapshot())]
    ['/items/item_1', '/input_audio/speaking', '/input_audio/item_id', '/revision']
    """
    for given in (old, new):
        if not isinstance(given, Snapshot):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(
                f"diff() compares two snapshots, not {type(given).__name__}; see Snapshot.from_dict()"
            )
    difference = _Difference(append)
    if old is not new:
        difference.snapshots(old, new)
    return [each.to_dict() for each in difference.operations]


class _Difference:
    """The operations found so far."""

    def __init__(self, append: bool) -> None:
        self.append = append
        self.operations: list[Operation] = []

    def snapshots(self, old: Snapshot, new: Snapshot) -> None:
        items = _pairs(old._items, new._items, lambda placed: placed[0].id)
        for item_id, was, now in items:
            self.entity(("items", item_id), was and was[0], now and now[0])
        for response_id, before, after in _pairs(old._responses, new._responses, lambda each: each[0].id):
            self.entity(("responses", response_id), before and before[0], after and after[0])
        if old._order is not new._order:
            self.order(old, new, items)
        for name in _ROOTS:
            was, now = getattr(old, name), getattr(new, name)
            if was is not now:
                self.values((name,), was, now)
        if old.errors is not new.errors:
            self.errors(old.errors, new.errors)
        self.entity(("translation",), old.translation, new.translation)
        self.values(("revision",), old.revision, new.revision)

    def entity(self, path: JsonPath, old: Any, new: Any) -> None:
        """Compare what is None where the document has nothing."""
        if old is None and new is not None:
            self.operations.append(Operation("add", path, new.to_dict()))
        elif new is None and old is not None:
            self.operations.append(Operation("remove", path))
        else:
            self.values(path, old, new)

    def values(self, path: JsonPath, old: Any, new: Any) -> None:
        """Compare two values of the state: nouns by their fields, objects by key, lists entry by entry."""
        if old is new:
            return
        names = _names(old)
        if names and names == _names(new):
            for name in names:  # nearly all of an item is as it was: neither document is made for one field
                was, now = getattr(old, name), getattr(new, name)
                if was is not now:
                    self.values((*path, name), was, now)
            return
        old, new = _written(old), _written(new)
        if isinstance(old, dict) and isinstance(new, dict):
            self.objects(path, old, new)  # pyright: ignore[reportUnknownArgumentType]
        elif isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)):
            self.lists(path, old, new)  # pyright: ignore[reportUnknownArgumentType]
        elif self.append and isinstance(old, str) and isinstance(new, str) and old and new.startswith(old):
            if len(new) > len(old):
                self.operations.append(Operation("append", path, new[len(old) :]))
        elif not same(old, new):
            self.operations.append(Operation("replace", path, plain(new)))

    def objects(self, path: JsonPath, old: Mapping[str, Any], new: Mapping[str, Any]) -> None:
        for key, value in new.items():
            if key in old:
                self.values((*path, key), old[key], value)
            else:
                self.operations.append(Operation("add", (*path, key), plain(value)))
        self.operations.extend([Operation("remove", (*path, key)) for key in old if key not in new])

    def lists(self, path: JsonPath, old: Sequence[Any], new: Sequence[Any]) -> None:
        for at, (was, now) in enumerate(zip(old, new, strict=False)):
            if was is not now:
                self.values((*path, at), was, now)
        for at in range(len(old) - 1, len(new) - 1, -1):
            self.operations.append(Operation("remove", (*path, at)))
        for at in range(len(old), len(new)):
            self.operations.append(Operation("add", (*path, at), plain(new[at])))

    def errors(self, old: Sequence[Any], new: Sequence[Any]) -> None:
        """Compare two windows over the errors: the older ones leave at the head, new ones come at the end."""
        gone = next(gone for gone in range(len(old) + 1) if old[gone:] == new[: len(old) - gone])
        self.operations.extend([Operation("remove", ("errors", 0))] * gone)
        for at in range(len(old) - gone, len(new)):
            self.operations.append(Operation("add", ("errors", at), new[at].to_dict()))

    def order(self, old: Snapshot, new: Snapshot, items: Pairs[Placed]) -> None:
        """Compare two orders. Items that only came at the end are told by their sort keys alone."""
        moved = [(was and was[1], now and now[1], item_id) for item_id, was, now in items]
        moved = [each for each in moved if each[0] != each[1]]
        end = old._order.end
        if end and new._order.end and _share(old._items, new._items):
            at, last = end
            if all(was is None and now is not None and now > last for was, now, _ in moved):
                for place, (_, _, item_id) in enumerate(sorted(moved, key=lambda each: each[1] or 0), at):
                    self.operations.append(Operation("add", ("order", place), item_id))
                return
        for op, place, value in _moves(old.order, new.order):
            self.operations.append(Operation(op, ("order", place), value))


def _moves(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int, str | None]]:
    """Yield what makes one list of ids out of another: the fewest removals, last one first, then additions.

    Cost: a look at each id, and O(m log m) for the m between the first and the last that differ.
    """
    head = next(compress(count(), map(ne, old, new)), min(len(old), len(new)))
    tail = next(compress(count(), map(ne, reversed(old), reversed(new))), min(len(old), len(new)))
    tail = min(tail, len(old) - head, len(new) - head)
    before, after = old[head : len(old) - tail], new[head : len(new) - tail]
    kept = _in_order(before, {item_id: place for place, item_id in enumerate(after)})
    for place in range(len(before) - 1, -1, -1):
        if before[place] not in kept:
            yield "remove", head + place, None
    for place, item_id in enumerate(after):
        if item_id not in kept:
            yield "add", head + place, item_id


def _in_order(ids: Sequence[str], places: Mapping[str, int]) -> set[str]:
    """Return the most of some ids that stand in ascending places: they need not move."""
    ends: list[int] = []  # the smallest place a run of each length can end at
    last: list[str] = []  # the id there
    before: dict[str, str | None] = {}
    for item_id in ids:
        place = places.get(item_id)
        if place is not None:
            length = bisect_left(ends, place)
            before[item_id] = last[length - 1] if length else None
            ends[length : length + 1] = [place]
            last[length : length + 1] = [item_id]
    kept: set[str] = set()
    at = last[-1] if last else None
    while at is not None:
        kept.add(at)
        at = before[at]
    return kept


def _share(old: Table[T], new: Table[T]) -> bool:
    """Tell whether two tables have every id in the same place."""
    return old.index is new.index


def _pairs(old: Table[T], new: Table[T], id_of: Callable[[T], str]) -> Pairs[T]:
    """Return the entries that are not the same object in two tables, with their ids; None: there is none."""
    if _share(old, new):
        pairs = old.vector.differences(new.vector)
        found = [(was if was is not None else now, was, now) for was, now in pairs]
        return [(id_of(entry), was, now) for entry, was, now in found if entry is not None]
    before = {id_of(entry): entry for entry in old}
    after = {id_of(entry): entry for entry in new}
    return [(key, before.get(key), after.get(key)) for key in {**before, **after}]


def _names(value: Any) -> tuple[str, ...]:
    """Return the fields that an item or a part has in the document; none for any other value."""
    if isinstance(value, (Item, Part)):
        return value._names()
    return ()


def _written(value: Any) -> Any:
    """Return a noun as the document has it, any other value as it is."""
    return value.to_dict() if hasattr(value, "to_dict") else value
