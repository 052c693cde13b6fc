"""A log in memory: for tests, demonstrations, and whoever needs the hub and no history."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from time import monotonic, time
from typing import ClassVar

import attrs

from rtstate.errors import ConversationGone, LeaseHeld, LeaseLost, StaleWriter
from rtstate.logs._log import Checkpoint, Entry, Lease, Log, Page, Record, Summary


@attrs.define
class _Kept:
    """All that is kept of a conversation."""

    birth: int
    started: float
    updated: float
    first: int = 1
    size: int = 0
    entries: list[Entry] = attrs.field(factory=list[Entry])
    checkpoint: Checkpoint | None = None

    @property
    def last(self) -> int:
        return self.first + len(self.entries) - 1


class MemoryLog(Log):
    """A log that lasts as long as its object.

    >>> import asyncio
    >>> async def kept():
    ...     async with MemoryLog() as log:
    ...         last = await log.append("call", [Record.of('{"type": "ping"}')], expected=0)
    ...         return last, [entry.type async for entry in log.read("call")]
    >>> asyncio.run(kept())
    (1, ['ping'])
    """

    durable: ClassVar[bool] = False

    def __init__(self) -> None:
        super().__init__()
        self._kept: dict[str, _Kept] = {}
        self._leases: dict[str, Lease] = {}
        self._alive: dict[str, float] = {}
        self._given = 0

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        self._check_lease(name, lease)
        kept = self._kept.get(name)
        last = kept.last if kept else 0
        if last != expected:
            raise StaleWriter(name, expected, last)
        now = time()
        if kept is None:
            self._given += 1
            kept = self._kept[name] = _Kept(self._given, now, now)
        kept.updated = now
        kept.size += sum([len(record.raw) for record in records])
        kept.entries += [
            Entry(record.raw, record.type, record.at, seq=seq) for seq, record in enumerate(records, last + 1)
        ]
        return kept.last

    async def _page(self, name: str, after: int, size: int) -> Page:
        kept = self._kept.get(name)
        if kept is None:
            return Page()
        entries: list[Entry] = []
        for place in range(max(after - kept.first + 1, 0), len(kept.entries)):
            entries.append(kept.entries[place])
            size -= len(entries[-1].raw)
            if size <= 0:
                break
        return Page(kept.birth, kept.first, kept.last, entries)

    async def _load(self, name: str) -> Checkpoint | None:
        kept = self._kept.get(name)
        return kept.checkpoint if kept else None

    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
        self._check_lease(name, lease)
        kept = self._kept.get(name)
        if kept is None:
            raise ConversationGone(f"there is no {name!r}")
        if checkpoint.seq > kept.last:
            raise ValueError(f"{name!r} ends at {kept.last}; there is nothing at {checkpoint.seq}")
        if kept.checkpoint is None or kept.checkpoint.seq < checkpoint.seq:
            kept.checkpoint = checkpoint

    async def _trim(self, name: str) -> int:
        kept = self._kept.get(name)
        if kept is None or kept.checkpoint is None:
            return 0
        dropped = max(kept.checkpoint.seq - kept.first + 1, 0)
        del kept.entries[:dropped]
        kept.first += dropped
        return dropped

    async def _summary(self, name: str) -> Summary | None:
        kept = self._kept.get(name)
        if kept is None:
            return None
        lease = self._leases.get(name)
        return Summary(
            name,
            kept.first,
            kept.last,
            kept.checkpoint.seq if kept.checkpoint else 0,
            kept.size,
            kept.started,
            kept.updated,
            lease.holder if lease else None,
        )

    async def _names(self) -> AsyncGenerator[str]:
        for name in tuple(self._kept):
            yield name

    async def _summaries(self) -> AsyncGenerator[Summary]:
        for name in tuple(self._kept):
            if (summary := await self._summary(name)) is not None:
                yield summary

    async def _delete(self, name: str, lease: Lease | None) -> bool:
        if name in self._kept or name in self._leases:
            self._check_lease(name, lease)
        self._leases.pop(name, None)
        return self._kept.pop(name, None) is not None

    async def _beat(self, holder: str, ttl: float) -> None:
        self._alive[holder] = monotonic() + ttl

    async def _acquire(self, name: str, holder: str) -> Lease:
        held = self._leases.get(name)
        if held is not None and held.holder != holder and self._alive.get(held.holder, 0) > monotonic():
            raise LeaseHeld(name, held.holder)
        self._given += 1
        lease = self._leases[name] = Lease(name, holder, self._given)
        return lease

    async def _release(self, lease: Lease) -> None:
        if self._leases.get(lease.name) == lease:
            del self._leases[lease.name]

    async def _close(self) -> None:
        self._kept.clear()

    def _check_lease(self, name: str, lease: Lease | None) -> None:
        if lease is not None and self._leases.get(name) != lease:
            raise LeaseLost(name, lease.holder)
