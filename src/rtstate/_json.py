"""JSON that cannot change: what the state keeps of free-form values, and the way back to plain ones."""

from __future__ import annotations

import math
from typing import Any, Final, NoReturn


class FrozenDict(dict[str, Any]):
    """A dict that refuses to change; equal to, and printed and serialised like, a plain one.

    >>> session = FrozenDict(model="gpt-realtime")
    >>> session["model"] = "other"
    Traceback (most recent call last):
        ...
    TypeError: part of an immutable snapshot; use dict(...) for a copy of your own
    """

    __slots__ = ()

    def _refuse(self, *_: Any, **__: Any) -> NoReturn:
        raise TypeError("part of an immutable snapshot; use dict(...) for a copy of your own")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse  # pyright: ignore[reportAssignmentType]

    def __hash__(self) -> int:  # type: ignore[override]  # pyright: ignore[reportIncompatibleVariableOverride]
        return hash(frozenset(self.items()))

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, memo: Any) -> FrozenDict:
        return self

    def __reduce__(self) -> Any:
        return FrozenDict, (dict(self),)


EMPTY: Final = FrozenDict()
_ATOMS: Final = frozenset({str, int, bool, type(None)})


def freeze(value: Any) -> Any:
    """Return a JSON value as one that cannot change: dicts frozen, lists as tuples.

    A number that JSON cannot write (NaN, infinity) becomes None. Cost: the size of the value.

    >>> freeze({"a": [1, float("nan")]})
    {'a': (1, None)}
    """
    if type(value) in _ATOMS:
        return value
    if isinstance(value, dict):
        if not value:
            return EMPTY
        frozen: FrozenDict = FrozenDict(value)  # pyright: ignore[reportUnknownArgumentType]
        for key, each in frozen.items():
            if (
                type(each) not in _ATOMS
            ):  # few are not, and a call for each of the others takes thrice as long
                super(FrozenDict, frozen).__setitem__(key, freeze(each))
        return frozen
    if isinstance(value, (list, tuple)):
        return tuple([freeze(each) for each in value])  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def thaw(value: Any) -> Any:
    """Return a frozen JSON value as plain dicts and lists, the caller's to change."""
    if isinstance(value, dict):
        return {key: thaw(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, tuple):
        return [thaw(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value


def same(old: Any, new: Any) -> bool:
    """Tell whether two values are the same JSON: Python's True and 1 are equal, JSON's are not.

    >>> same({"a": 1}, {"a": 1.0}), same({"a": 1}, {"a": True})
    (True, False)
    """
    if old != new:
        return False
    if isinstance(old, dict):
        return all(same(old[key], new[key]) for key in old)  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    if isinstance(old, (tuple, list)):
        return all(map(same, old, new))  # pyright: ignore[reportUnknownArgumentType]
    return isinstance(old, bool) == isinstance(new, bool)
