"""Snapshots and items that are filled in when they are read: what is made after a delta instead of new ones.

A delta changes one text, or one count of milliseconds, of one part. Building the part, the item, the table
and the snapshot anew takes 2.9 µs, noting what has changed since a built one 0.9; whoever reads it pays the
rest, once. It is then a :class:`Snapshot` or an :class:`Item` like any other: the late classes have no slots
of their own, so that the class can be set.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import attrs

from rtstate._growing import Growing, Grown
from rtstate._model import Item
from rtstate._twin import twin
from rtstate.document import Placed, Snapshot

Growth: TypeAlias = tuple[Item, int, Growing | None, int, int | None]
"""The item before, the index of the part that grew, its text, how many of its chunks count, its audio_ms."""

Step: TypeAlias = tuple[Snapshot, int, Placed | None]
"""The snapshot before, and the slot and the entry of the one item that has changed since."""

_set: Final = object.__setattr__  # past the guard of the frozen class


class LateItem(Item):
    """An item that nobody has read yet."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return _read(self, name)

    def __eq__(self, other: object) -> bool:
        _fill(self)
        return self == other  # which asks the other one if that is late too

    def __hash__(self) -> int:
        _fill(self)
        return hash(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _fill(self)
        return self.__reduce_ex__(protocol)


class LateSnapshot(Snapshot):
    """A snapshot of which nobody has read more than the revision yet."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        return _read(self, name)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _fill(self)
        return self.__reduce_ex__(protocol)


def _read(late: Item | Snapshot, name: str) -> Any:
    _fill(late)
    return object.__getattribute__(late, name)


def _fill(late: Item | Snapshot) -> None:
    """Make it what it stands for. Two readers at once do the same twice.

    No method: by the time it is called another reader may be done, and what it made has no such method.
    """
    whole: Any = Item if isinstance(late, Item) else Snapshot
    growth = late._growth  # pyright: ignore[reportPrivateUsage]
    if growth is not None:
        news = _grown_item(*growth) if whole is Item else _next_snapshot(*growth)
        for name in _FIELDS[whole]:
            _set(late, name, news[name] if name in news else getattr(growth[0], name))
        _set(late, "_growth", None)
    _set(late, "__class__", whole)  # also of what attrs.evolve() made of an unread one


def _grown_item(
    base: Item, index: int, text: Growing | None, count: int, audio_ms: int | None
) -> dict[str, Any]:
    grown: dict[str, Any] = {} if text is None else {str(text.path[-1]): Grown(text.chunks, count)}
    part: Any = attrs.evolve(base.content[index], audio_ms=audio_ms, **grown)
    return {"content": (*base.content[:index], part, *base.content[index + 1 :])}


def _next_snapshot(base: Snapshot, slot: int, entry: Placed | None) -> dict[str, Any]:
    return {"_items": base._items.with_(slot, entry), "_read": None}  # pyright: ignore[reportPrivateUsage]


_FIELDS: Final = {
    Item: tuple(field.name for field in attrs.fields(Item) if field.name != "_growth"),
    Snapshot: tuple(
        field.name for field in attrs.fields(Snapshot) if field.name not in ("revision", "_growth")
    ),
}
_ItemTwin: Final = twin(Item)
_SnapshotTwin: Final = twin(Snapshot)


def late_item(growth: Growth) -> Item:
    """Return an item that is an earlier one but for what has grown. Cost: O(1), and a copy on reading."""
    item: Any = _ItemTwin()
    item._growth = growth
    item.__class__ = LateItem
    return item  # type: ignore[no-any-return]


def late_snapshot(revision: int, step: Step) -> Snapshot:
    """Return a snapshot that is an earlier one but for one item. Cost: O(1), and O(log n) on reading."""
    snapshot: Any = _SnapshotTwin()
    snapshot.revision = revision
    snapshot._growth = step
    snapshot.__class__ = LateSnapshot
    return snapshot  # type: ignore[no-any-return]
