"""Writing down a call beside it: what waits is bounded, and a log that fails is no reason to end a call."""

from __future__ import annotations

import asyncio
import json
import logging
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final

import attrs
from websockets.frames import Frame, Opcode

from rtstate.errors import HubFull, LeaseHeld, LeaseLost, LogError, LogUnavailable, RtstateError, StaleWriter
from rtstate.hub import Hub
from rtstate.logs import Log

_LOG: Final = logging.getLogger("rtstate.proxy")
_BATCH: Final = 32  # events are reduced in the loop that also passes frames on: a few at a time
_BATCH_BYTES: Final = 256 << 10
_PAUSES: Final = (0.05, 0.1, 0.2, 0.5, 1.0)
_PASSING: Final = (LogUnavailable, HubFull, LeaseHeld, LeaseLost, StaleWriter)
LOST: Final = "rtstate.proxy.lost"
"""The type of the event that stands in the log for those that could not be recorded."""

Event = tuple[bytes, float | None]


@attrs.define
class Counts:
    """What one side sent, and how much of it was not recorded."""

    events: int = 0
    bytes: int = 0


@attrs.define
class _Side:
    """A message of one side, of which fragments may be to come."""

    counts: Counts = attrs.field(factory=Counts)
    parts: list[bytes] = attrs.field(factory=list[bytes])
    size: int = 0
    at: float = 0.0


class Recorder:
    """The record of one call.

    ``take`` never waits and never raises. At most ``backlog`` bytes wait for the log; what comes then is
    counted and dropped until half of them are written, and an event ``rtstate.proxy.lost`` in its place says
    how many that were. ``told`` gets a sentence when that happens.
    """

    def __init__(
        self,
        hub: Hub,
        log: Log,
        name: str,
        redact: Callable[[bytes], bytes],
        backlog: int,
        told: Callable[[str], object],
    ) -> None:
        self.client, self.server, self.lost = _Side(), _Side(), Counts()
        self._hub, self._log, self._name, self._redact, self._told = hub, log, name, redact, told
        self._backlog, self._size = backlog, 0
        self._waiting: deque[Event] = deque()
        self._gap, self._gap_at = Counts(), 0.0  # what was dropped and not yet said
        self._news = asyncio.Event()
        self._written = 0
        self._troubled = self._broken = self._ending = False
        self._task = asyncio.create_task(self._write())

    def from_client(self, frame: Frame, at: float) -> None:
        """Take a frame of the client's."""
        self._take_safely(self.client, frame, at)

    def from_server(self, frame: Frame, at: float) -> None:
        """Take a frame of the server's."""
        self._take_safely(self.server, frame, at)

    async def finish(self, patience: float) -> None:
        """Write what waits, for so many seconds at most, and let others write the conversation."""
        self._ending = True
        self._news.set()
        await asyncio.wait([self._task], timeout=patience)
        if not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task])
        left = [raw for raw, _ in self._waiting]
        if left:
            self.lost.events += len(left)
            self.lost.bytes += sum(map(len, left))
            self._told(
                f"{self._name}: the log took no more; {len(left):,} events at its end were not recorded"
            )
        if self._written:
            try:
                await asyncio.wait_for(self._hub.close(self._name), patience)
            except (RtstateError, TimeoutError) as error:
                _LOG.warning("%r was not closed: %s", self._name, error)

    # Taking

    def _take_safely(self, side: _Side, frame: Frame, at: float) -> None:
        """Take a frame; whatever goes wrong with that, the call goes on."""
        try:
            self._take(side, frame, at)
        except Exception as error:
            self.lost.events += 1
            if not self._broken:
                self._broken = True
                self._told(f"{self._name}: the call goes on, but is not recorded: {type(error).__name__}")

    def _take(self, side: _Side, frame: Frame, at: float) -> None:
        """Join the fragments of a message; of one that is too large keep only how large it was."""
        if frame.opcode is not Opcode.CONT:
            side.parts, side.size, side.at = [], 0, at
        side.size += len(frame.data)
        if side.size <= self._backlog:
            side.parts.append(bytes(frame.data))
        else:
            side.parts.clear()
        if frame.fin:
            side.counts.events += 1
            side.counts.bytes += side.size
            if side.size <= self._backlog:
                self._keep(side.parts[0] if len(side.parts) == 1 else b"".join(side.parts), side.at)
            else:
                self._drop(side.size, side.at)
            side.parts = []

    def _keep(self, raw: bytes, at: float) -> None:
        limit = self._backlog // 2 if self._gap.events else self._backlog
        if self._size + len(raw) > limit and self._waiting:
            self._drop(len(raw), at)
            return
        self._mark_gap()
        self._waiting.append((raw, at))
        self._size += len(raw)
        self._news.set()

    def _drop(self, size: int, at: float) -> None:
        if not self._gap.events:
            self._gap_at = at
            self._told(f"{self._name}: the log is behind; events are not recorded until it has caught up")
        for counts in (self._gap, self.lost):
            counts.events += 1
            counts.bytes += size

    def _mark_gap(self) -> None:
        """Say in the log what is missing there."""
        if self._gap.events:
            told = {"type": LOST, **attrs.asdict(self._gap), "reason": "the log was behind"}
            raw = json.dumps(told).encode()
            self._waiting.append((raw, self._gap_at))
            self._size += len(raw)
            self._told(f"{self._name}: {self._gap.events:,} events were not recorded")
            self._gap = Counts()
            self._news.set()

    # Writing

    async def _write(self) -> None:
        while True:
            while self._waiting:
                batch = self._next()
                if not await self._append([(self._redact(raw), at) for raw, at in batch]):
                    return
                for raw, _ in batch:
                    self._waiting.popleft()
                    self._size -= len(raw)
                await asyncio.sleep(0)
            if self._ending and not self._gap.events:
                return
            if self._ending:
                self._mark_gap()
                continue
            self._news.clear()
            await self._news.wait()

    def _next(self) -> list[Event]:
        batch: list[Event] = []
        size = 0
        for event in self._waiting:
            if batch and (len(batch) == _BATCH or size + len(event[0]) > _BATCH_BYTES):
                break
            batch.append(event)
            size += len(event[0])
        return batch

    async def _append(self, events: Sequence[Event]) -> bool:
        """Write a batch, again and again where the log may come back; tell whether there is still a log."""
        tries = 0
        while True:
            try:
                await self._hub.feed_all(self._name, events)
            except _PASSING as error:
                self._trouble(error)
                await asyncio.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])
                tries += 1
                if not (isinstance(error, LogUnavailable) and await self._has(len(events))):
                    continue
            except Exception as error:
                self._trouble(error)
                return False
            self._written += len(events)
            if self._troubled:
                self._troubled = False
                self._told(f"{self._name}: the log takes events again")
            return True

    async def _has(self, count: int) -> bool:
        """Tell whether a batch was written after all, and only the answer was lost."""
        try:
            summary = await self._log.summary(self._name)
        except LogError:
            return False
        return summary is not None and summary.last >= self._written + count

    def _trouble(self, error: Exception) -> None:
        """Say once that the log fails."""
        if not self._troubled:
            self._troubled = True
            self._told(f"{self._name}: the call goes on, but the log fails: {error}")
