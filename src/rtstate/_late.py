"""Items that are filled in when they are read: what a snapshot after a delta takes instead of a new item.

A delta changes one text, or one count of milliseconds, of one part. Building the part and the item anew for a
snapshot takes 1.2 µs, noting what has grown 0.2; whoever reads the item pays the rest, once. It is then an
:class:`Item` like any other: ``LateItem`` has no slots of its own, so that its class can be set.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

import attrs

from rtstate._growing import Growing, Grown
from rtstate._model import Item
from rtstate._twin import twin

Growth: TypeAlias = tuple[Item, int, Growing | None, int, int | None]
"""The item before, the index of the part that grew, its text, how many of its chunks count, its audio_ms."""

_FIELDS: Final = tuple(field.name for field in attrs.fields(Item) if field.name not in ("content", "_growth"))
_set: Final = object.__setattr__  # past the guard of the frozen class


class LateItem(Item):
    """An item that nobody has read yet."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        _fill(self)
        return object.__getattribute__(self, name)

    def __eq__(self, other: object) -> bool:
        _fill(self)
        return self == other  # which asks the other one if that is late too

    def __hash__(self) -> int:
        _fill(self)
        return hash(self)

    def __reduce_ex__(self, protocol: Any) -> Any:
        _fill(self)
        return self.__reduce_ex__(protocol)


def _fill(item: Item) -> None:
    """Make it an item, from the one before and what has grown. Two readers at once do the same twice.

    No method: by the time it is called another reader may be done, and an item has no such method.
    """
    growth: Growth | None = item._growth  # pyright: ignore[reportPrivateUsage]
    if growth is not None:
        base, index, text, count, audio_ms = growth
        grown: dict[str, Any] = {} if text is None else {str(text.path[-1]): Grown(text.chunks, count)}
        part: Any = attrs.evolve(base.content[index], audio_ms=audio_ms, **grown)
        for name in _FIELDS:
            _set(item, name, getattr(base, name))
        _set(item, "content", (*base.content[:index], part, *base.content[index + 1 :]))
        _set(item, "_growth", None)
    _set(item, "__class__", Item)  # also of what attrs.evolve() made of an unread one


_Twin: Final = twin(Item)


def late_item(growth: Growth) -> Item:
    """Return an item that is an earlier one but for what has grown. Cost: O(1), and a copy on reading."""
    item: Any = _Twin()
    item._growth = growth
    item.__class__ = LateItem
    return item  # type: ignore[no-any-return]
