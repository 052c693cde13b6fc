"""Where a follower is: a revision, and of which conversation, for another may have its name by now."""

from __future__ import annotations

import re
from typing import Final, Self

import attrs

_PLACE: Final = re.compile(r"(\d{1,16})(?:\.([0-9a-f]{1,20}))?", re.ASCII)


def birth_of(started: float | None) -> str:
    """Return what tells a conversation from another of its name; nothing where that is not known.

    >>> birth_of(1700000000.25)
    '60a2418221090'
    """
    return "" if started is None else f"{max(0, round(started * 1e6)):x}"


def place_of(revision: int, birth: str) -> str:
    """Return a place as text: the id of an event, and in quotes a tag.

    >>> place_of(57, "60a2418221090"), place_of(57, "")
    ('57.60a2418221090', '57')
    """
    return f"{revision}.{birth}" if birth else str(revision)


@attrs.frozen
class Place:
    """A revision of a conversation; ``birth`` is empty where whoever says it does not know it."""

    revision: int
    birth: str = ""

    @classmethod
    def read(cls, told: str) -> Self | None:
        """Return the place that a text tells, None where it is none.

        >>> Place.read("57.60a2418221090"), Place.read("57"), Place.read("soon")
        (Place(revision=57, birth='60a2418221090'), Place(revision=57, birth=''), None)
        """
        found = _PLACE.fullmatch(told)
        return cls(int(found[1]), found[2] or "") if found else None
