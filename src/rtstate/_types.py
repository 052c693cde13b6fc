"""The words everything else is written in: ids, literals and JSON. Imports nothing of ours."""

from __future__ import annotations

from typing import Any, Final, Literal, TypeAlias

ItemId: TypeAlias = str
ResponseId: TypeAlias = str
JsonPath: TypeAlias = tuple[str | int, ...]
Json: TypeAlias = Any
"""A JSON value: None, bool, int, float, str, a list or a dict of them."""

AudioMode: TypeAlias = Literal["measure", "keep"]
Dialect: TypeAlias = Literal["auto", "openai", "xai"]
AnomalyKind: TypeAlias = Literal["invalid", "unknown", "impossible", "late", "unknown_item", "unknown_anchor"]

IN_PROGRESS: Final = "in_progress"
COMPLETED: Final = "completed"
INCOMPLETE: Final = "incomplete"

LARGEST: Final = 1 << 53
"""Of the integers that every JSON reader takes; beyond it a time is no time, and an amount no amount."""


def as_time(at: Any) -> float | None:
    """Return a time that JSON can tell exactly, None for what no clock shows; raises TypeError."""
    if not isinstance(at, (int, float)) or isinstance(at, bool):
        raise TypeError(f"at is a time in seconds, a number, not {type(at).__name__}")
    return at if -LARGEST < at < LARGEST else None


class End:
    """The type of :data:`END`."""

    def __repr__(self) -> str:
        return "END"


END: Final = End()
"""The place behind the last item: what an anchor that the wire did not send means."""


def pointer(path: JsonPath) -> str:
    """Return a path as a JSON Pointer (RFC 6901).

    >>> pointer(("items", "a/b~c", "content", 0))
    '/items/a~1b~0c/content/0'
    """
    text = "/" + "/".join(map(str, path))
    if text.count("/") == len(path) and "~" not in text:  # nearly always
        return text
    return "".join([f"/{str(key).replace('~', '~0').replace('/', '~1')}" for key in path])
