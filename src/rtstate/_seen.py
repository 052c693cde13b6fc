"""Which events have come before: the ids of the last ones, in memory and as a checkpoint has them."""

from __future__ import annotations

import sys
from array import array
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from typing import Final, TypeAlias
from zlib import compress, crc32, decompress

_REMEMBERED: Final = 4096
_MANY: Final = 1024
_BITS: Final = 0x10000 // 8
_Bytes: TypeAlias = "bytes | memoryview[int]"


class Seen:
    """The ids of at least the last 4,096 events, in two dicts that take turns."""

    __slots__ = ("_before", "_now", "_room")

    def __init__(self) -> None:
        self._now: dict[str, None] = {}
        self._before: dict[str, None] | SavedIds = {}
        self._room = _REMEMBERED

    def has(self, event_id: str) -> bool:
        """Tell whether an id was asked for before, and remember it. Cost: O(1)."""
        now = self._now
        if event_id in now or event_id in self._before:
            return True
        now[event_id] = None
        if len(now) >= self._room:
            self._before, self._now, self._room = dict.fromkeys(self._halves()[1]), {}, _REMEMBERED
        return False

    def __len__(self) -> int:
        return len(self._before) + len(self._now)

    def save(self) -> SavedIds:
        """Return all ids it remembers. Cost: their number."""
        return SavedIds.of(*self._halves())

    def load(self, saved: SavedIds) -> None:
        """Remember the ids that were saved. Cost: O(1), until one of them seems to come again."""
        self._before, self._now, self._room = saved, {}, _REMEMBERED - saved.recent

    def _halves(self) -> tuple[Sequence[str], Sequence[str]]:
        """Return the ids, those that are forgotten first and the others."""
        if isinstance(self._before, SavedIds):
            ids = list(self._before)
            return ids[: self._before.older], [*ids[self._before.older :], *self._now]
        return list(self._before), list(self._now)


class SavedIds:
    """The ids of a checkpoint, which are read only when one of them seems to come again.

    Most never do, and a conversation that is restored need not wait for it. ``text`` is zlib of the ``older``
    ids and the ``recent`` ones, a line each. Where they are many, ``sums`` are the checksums of all of them:
    first 65,536 bits, of which one is set for the last two bytes of each, then the checksums in order. An id
    whose sum is not there is a new one; nine in ten times the bits alone tell, in a third of the time.
    """

    __slots__ = ("_bits", "_ids", "_sorted", "older", "recent", "sums", "text")

    def __init__(self, text: _Bytes = b"", older: int = 0, recent: int = 0, sums: _Bytes = b"") -> None:
        self.text, self.older, self.recent, self.sums = text, older, recent, sums
        self._bits, self._sorted = bytes(sums[:_BITS]), _ints(sums[_BITS:])
        self._ids: dict[str, None] | None = None

    @classmethod
    def of(cls, older: Sequence[str], recent: Sequence[str]) -> SavedIds:
        """Return ids to be saved. Cost: their number."""
        ids = [*older, *recent]
        if not ids:
            return cls()
        text = "\n".join(ids)
        if "\\" in text or text.count("\n") >= len(ids):
            text = "\n".join([each.replace("\\", r"\\").replace("\n", r"\n") for each in ids])
        sums = _summed(ids) if len(ids) >= _MANY else b""
        return cls(compress(text.encode(), 3), len(older), len(recent), sums)

    def __contains__(self, event_id: str) -> bool:
        if self._ids is None and (bits := self._bits):
            known = crc32(event_id.encode("utf-8", "surrogatepass"))  # _sum, which this is too often to call
            if not bits[(known & 0xFFFF) >> 3] >> (known & 7) & 1:
                return False
            place = bisect_left(self._sorted, known)
            if place == len(self._sorted) or self._sorted[place] != known:
                return False
        return event_id in self._read()

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return self.older + self.recent

    def _read(self) -> dict[str, None]:
        if self._ids is None:
            text = decompress(self.text).decode() if self.text else ""
            lines = text.split("\n") if self.text else []
            if "\\" in text:
                lines = [
                    "\\".join([part.replace(r"\n", "\n") for part in each.split(r"\\")]) for each in lines
                ]
            self._ids = dict.fromkeys(lines)
        return self._ids


def sums_of(number: int) -> tuple[int, int]:
    """Return how many bytes the checksums of so many ids may take: none, or all of them."""
    return 0, _BITS + 4 * number


def _summed(ids: Sequence[str]) -> bytes:
    sums = array("I", sorted(map(_sum, ids)))
    bits = bytearray(_BITS)
    for known in sums:
        bits[(known & 0xFFFF) >> 3] |= 1 << (known & 7)
    return bytes(bits) + _ints(sums.tobytes()).tobytes()


def _sum(event_id: str) -> int:
    return crc32(event_id.encode("utf-8", "surrogatepass"))


def _ints(raw: _Bytes) -> array[int]:
    """Return whole numbers of four bytes, the lowest byte first."""
    ints = array("I")
    ints.frombytes(raw)
    if sys.byteorder == "big":
        ints.byteswap()
    return ints
