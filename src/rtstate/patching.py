"""Operations applied to a document: RFC 6902 and ``append``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from rtstate._json import same
from rtstate._types import Json
from rtstate.errors import PatchError

_NEEDS: Final[Mapping[str, tuple[str, ...]]] = {
    "add": ("path", "value"),
    "replace": ("path", "value"),
    "remove": ("path",),
    "append": ("path", "value"),
    "test": ("path", "value"),
    "move": ("path", "from"),
    "copy": ("path", "from"),
}
_KINDS: Final[Mapping[type, str]] = {
    dict: "an object",
    list: "a list",
    str: "a text",
    bool: "a truth value",
    type(None): "null",
}
_BAD_ESCAPE: Final = re.compile("~(?![01])")


def apply_patch(document: Json, operations: Iterable[Mapping[str, Json]]) -> Json:
    """Return a document after operations on it; the given one stays as it was.

    ``operations`` are JSON Patch (RFC 6902), and ``{"op": "append", "path": …, "value": …}``, which appends
    to a text. All or nothing: raises PatchError, saying which operation did not fit and why. What did not
    change is shared with the given document, and a value with its operation. Cost: the containers on the way
    to each change, and the length of a text that is appended to.

    >>> apply_patch({"text": "Hi"}, [{"op": "append", "path": "/text", "value": " there"}])
    {'text': 'Hi there'}
    >>> apply_patch({"order": []}, [{"op": "remove", "path": "/order/0"}])
    Traceback (most recent call last):
        ...
    rtstate.errors.PatchError: operation 1 (remove /order/0): there are 0 entries
    """
    patched = _Patched(document)
    for number, operation in enumerate(operations, 1):
        try:
            patched.apply(operation)
        except _Misfit as misfit:
            raise PatchError(f"operation {number} ({_named(operation)}): {misfit}") from None
        except RecursionError:
            raise PatchError(f"operation {number} ({_named(operation)}): nested too deeply") from None
    return patched.document


class _Misfit(Exception):  # noqa: N818  (never seen outside)
    """An operation does not fit the document."""


class _Patched:
    """A document in the making: a container is copied before it is first written to."""

    def __init__(self, document: Json) -> None:
        self.document = document
        self._own: dict[int, Any] = {}  # id -> container, kept so that no other one can get its id

    def apply(self, operation: Mapping[str, Json]) -> None:
        """Apply one operation."""
        if not isinstance(operation, Mapping):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise _Misfit(f"expected an operation as a mapping, not {type(operation).__name__}")
        op = operation.get("op")
        needs = _NEEDS.get(op) if isinstance(op, str) else None
        if needs is None:
            raise _Misfit(f"op is one of {', '.join(_NEEDS)}, not {op!r}")
        missing = [name for name in needs if name not in operation]
        if missing:
            raise _Misfit(f"{missing[0]} is missing")
        keys = _keys(operation["path"])
        if op == "remove":
            self._remove(keys)
        elif op == "append":
            self._append(keys, operation["value"])
        elif op == "test":
            if not same(self._read(keys), operation["value"]):
                raise _Misfit("the value there is another")
        elif op == "replace":
            self._write(keys, operation["value"])
        elif op == "add":
            self._add(keys, operation["value"])
        else:
            self._bring(_keys(operation["from"]), keys, stays=op == "copy")

    def _read(self, keys: list[str]) -> Json:
        value = self.document
        for key in keys:
            value = value[_place(value, key)]
        return value

    def _holder(self, keys: list[str]) -> Any:
        """Return the container that the last key is a key of, and make all on the way to it our own."""
        holder = self.document = self._owned(self.document)
        for key in keys[:-1]:
            place = _place(holder, key)
            child = holder[place] = self._owned(holder[place])
            holder = child
        return holder

    def _owned(self, container: Any) -> Any:
        if id(container) in self._own or not isinstance(container, (dict, list)):
            return container
        copied: Any = dict(container) if isinstance(container, dict) else list(container)  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        self._own[id(copied)] = copied
        return copied

    def _write(self, keys: list[str], value: Json) -> None:
        if keys:
            holder = self._holder(keys)
            holder[_place(holder, keys[-1])] = value
        else:
            self.document = value

    def _add(self, keys: list[str], value: Json) -> None:
        if not keys:
            self.document = value
            return
        holder = self._holder(keys)
        if isinstance(holder, list):
            entries: list[Any] = holder  # pyright: ignore[reportUnknownVariableType]
            entries.insert(len(entries) if keys[-1] == "-" else _index(keys[-1], len(entries) + 1), value)
        elif isinstance(holder, dict):
            holder[keys[-1]] = value
        else:
            raise _Misfit(f"{keys[-1]!r} is looked for in {_kind(holder)}")

    def _remove(self, keys: list[str]) -> None:
        if not keys:
            raise _Misfit("the whole document cannot be removed; replace it")
        holder = self._holder(keys)
        del holder[_place(holder, keys[-1])]

    def _bring(self, origin: list[str], keys: list[str], *, stays: bool) -> None:
        value = self._read(origin)
        if stays:
            self._own.clear()  # it stands in two places now
        elif keys == origin:
            return
        elif keys[: len(origin)] == origin:
            raise _Misfit("nothing can be moved into itself")
        else:
            self._remove(origin)
        self._add(keys, value)

    def _append(self, keys: list[str], value: Json) -> None:
        text = self._read(keys)
        if not isinstance(text, str) or not isinstance(value, str):
            raise _Misfit(f"{_kind(value)} cannot be appended to {_kind(text)}")
        self._write(keys, text + value)


def _keys(path: Json) -> list[str]:
    """Return the keys of a JSON Pointer (RFC 6901)."""
    if not isinstance(path, str) or (path and not path.startswith("/")):
        raise _Misfit(f"a path is a JSON Pointer such as /items/item_1, not {path!r}")
    if "~" in path:
        if _BAD_ESCAPE.search(path):
            raise _Misfit(f"in a JSON Pointer ~ is written ~0, and / in a key ~1, not {path!r}")
        return [key.replace("~1", "/").replace("~0", "~") for key in path.split("/")[1:]]
    return path.split("/")[1:]


def _place(holder: Any, key: str) -> Any:
    """Return the key or index of what has to be there."""
    if isinstance(holder, dict):
        if key in holder:
            return key
        raise _Misfit(f"there is no {key!r}")
    if isinstance(holder, list):
        entries: list[Any] = holder  # pyright: ignore[reportUnknownVariableType]
        return _index(key, len(entries))
    raise _Misfit(f"{key!r} is looked for in {_kind(holder)}")


def _index(key: str, size: int) -> int:
    if not (key.isascii() and key.isdigit()) or (key[0] == "0" and len(key) > 1):
        raise _Misfit(f"{key!r} is no index")
    if len(key) > 15 or int(key) >= size:
        raise _Misfit(f"there are {size} entries")
    return int(key)


def _kind(value: Any) -> str:
    for kind, word in _KINDS.items():
        if isinstance(value, kind):
            return word
    return "a number"


def _named(operation: Any) -> str:
    if not isinstance(operation, Mapping):
        return "?"
    told = cast("Mapping[str, Any]", operation)
    return f"{told.get('op', '?')} {told.get('path', '?')}"
