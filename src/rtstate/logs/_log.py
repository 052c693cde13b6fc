"""The log: the events of many conversations, as they came, kept safe.

:class:`Log` says what one has to do, :class:`MemoryLog`, ``SqliteLog`` and ``RedisLog`` do it.
"""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from math import isfinite
from types import TracebackType
from typing import Any, ClassVar, Final, Self, cast

import attrs
from pydantic_core import from_json

from rtstate._types import as_time
from rtstate.errors import (
    ConversationGone,
    HistoryGone,
    LogBehind,
    LogClosed,
    LogDamaged,
)
from rtstate.logs._bell import Bell
from rtstate.wire import as_json, said_by

LONGEST_NAME: Final = 255
PAGE: Final = 1 << 20
"""About how many bytes of events are read at once."""

_TOGETHER: Final = 100  # summaries that are asked for at the same time


@attrs.frozen
class Record:
    """One event to be kept: its bytes as they came, its type where it has one, when it was received."""

    raw: bytes
    type: str | None = None
    at: float | None = None

    @classmethod
    def of(cls, raw: Any, at: float | None = None) -> Self:
        """Return an event as a log keeps it, its type read from it; what cannot be read has none.

        Text is kept as UTF-8, a mapping as JSON, of an event object (of this library, or an SDK's) the JSON
        of what it was given; a time that no clock shows is none. Raises TypeError for
        what is no JSON or no time at all, EventParseError for a mapping that cannot be written as JSON.

        >>> Record.of('{"type": "ping"}', at=1.5)
        Record(raw=b'{"type": "ping"}', type='ping', at=1.5)
        """
        time = None if at is None or (told := as_time(at)) is None else float(told)
        json = (
            raw
            if isinstance(raw, (str, bytes))
            else as_json(said_by(raw) if hasattr(raw, "model_dump") else raw)
        )
        kept = json.encode("utf-8", "surrogatepass") if isinstance(json, str) else json
        try:
            value: Any = from_json(kept, cache_strings="none")
        except ValueError:
            return cls(kept, None, time)
        event_type = cast("dict[str, Any]", value).get("type") if isinstance(value, dict) else None
        return cls(kept, event_type if isinstance(event_type, str) else None, time)


@attrs.frozen
class Entry(Record):
    """One event that is kept; ``seq`` is its place in the conversation, 1 for the first."""

    seq: int = attrs.field(kw_only=True)


@attrs.frozen
class Checkpoint:
    """What a conversation had come to with the event ``seq``: the bytes of ``Conversation.checkpoint()``."""

    seq: int
    data: bytes


@attrs.frozen
class Lease:
    """The right to write a conversation: ``holder`` has it, and ``epoch`` grows with each that is given."""

    name: str
    holder: str
    epoch: int


@attrs.frozen
class Summary:
    """What a log knows of a conversation without reading it.

    The events ``first`` to ``last`` are kept, those before went when it was trimmed; ``checkpoint`` is the
    place of the last one, 0 if there is none. ``size`` is the bytes of all events that were ever appended;
    ``started`` and ``updated`` are when the first and the last of them were, in Unix seconds on the log's
    clock. ``holder`` is who has the lease, dead or alive.
    """

    name: str
    first: int
    last: int
    checkpoint: int
    size: int
    started: float
    updated: float
    holder: str | None = None


@attrs.frozen
class Page:
    """Some events after a point, and how far the conversation goes: what an engine answers to a reader.

    ``birth`` tells a conversation from another of the same name after it; 0 is none at all. Where an engine
    may lose its end while it is read, ``here`` tells the event at the point from another in its place, and
    ``there`` the last of these; None where that is not known.
    """

    birth: int = 0
    first: int = 1
    last: int = 0
    entries: Sequence[Entry] = ()
    here: bytes | None = None
    there: bytes | None = None


@attrs.define
class _Place:
    """How far somebody has read, and what tells whether it is still the same that goes on from there."""

    after: int
    birth: int = 0
    here: bytes | None = None


class Log(ABC):
    """The events of many conversations, kept in order.

    What every log promises, and the contract tests hold it to:

    1. ``append`` writes a batch after the event ``expected`` and returns the number of its last event.
    2. A writer that expects another end than there is gets StaleWriter, and nothing is written.
    3. A batch is kept whole or not at all; so is one whose writer was cancelled, or died.
    4. Of writers that race for the same place one wins, and the others get StaleWriter.
    5. What was acknowledged is there for every reader from then on, in whatever process.
    6. Bytes, types and times come back as they were given, whatever they hold.
    7. ``read`` gives the events after a point, in order and none missing; of what never was, none.
    8. A point after the end is LogBehind, one before what was trimmed HistoryGone.
    9. ``tail`` gives what is there, then what comes, each event once, whoever writes it.
    10. A tail that is not read holds nobody up, and misses nothing.
    11. ``checkpoint`` keeps the newest: an older one changes nothing; one after the end is ValueError.
    12. ``trim`` drops the events that the checkpoint holds, none after it, and none without one.
    13. ``names`` gives each conversation that has events, once.
    14. ``delete`` takes everything with it: its tails end in ConversationGone, and its name begins anew.
    15. One holder at a time has a conversation's lease; others get LeaseHeld, which names it.
    16. A holder lives as long as it said at its last ``beat``; the leases of a dead one are free.
    17. Who has lost a lease, or given it back, gets LeaseLost instead of writing or deleting, at once.
    18. A name is 1 to 255 characters that can be printed; any other is ValueError.
    19. Conversations do not disturb each other, whatever their names.
    20. ``close`` can be repeated; tails, and all that is asked for later, get LogClosed.

    A log belongs to the event loop that uses it first; any number of them may share a file or a server.
    """

    durable: ClassVar[bool] = True
    """Whether it outlives the process."""

    def __init__(self) -> None:
        self._bell = Bell()
        self._closed = False
        self._look: float | None = None
        """After how many seconds a tail looks for itself; None where every ring is heard."""

    async def append(
        self, name: str, records: Sequence[Record], *, expected: int, lease: Lease | None = None
    ) -> int:
        """Keep a batch of events after the one numbered ``expected``; return the number of the last.

        With a ``lease`` only while that is held. Once it returns the events are kept. Raises StaleWriter,
        LeaseLost, or LogUnavailable, after which they may be kept or not; ValueError for an empty batch.
        """
        self._check(name)
        if not records:
            raise ValueError("a batch has at least one event")
        for record in records:
            if not (isinstance(record, Record) and isinstance(record.raw, bytes)):  # pyright: ignore[reportUnnecessaryIsInstance]
                raise TypeError("append() takes records; Record.of() makes them")
            if record.at is not None and not isfinite(record.at):
                raise ValueError(f"at is a time in seconds, not {record.at!r}")
            if record.type is not None and not _is_text(record.type):
                raise ValueError(f"a type is text, not {record.type!r:.80}")
        last = await self._append(name, records, expected, lease)
        self._bell.ring(name)
        return last

    async def read(self, name: str, after: int = 0) -> AsyncGenerator[Entry]:
        """Yield the events after a point, as many as there are when it gets there.

        Raises HistoryGone where some have been trimmed: load the checkpoint and read on from that. Raises
        LogBehind for a point after the end, LogDamaged where something is missing. Cost: what it yields.
        """
        place = _Place(after)
        while entries := await self._next(name, place):
            for entry in entries:
                yield entry

    async def tail(self, name: str, after: int = 0) -> AsyncGenerator[Entry]:
        """Yield the events after a point, then each that comes, for ever.

        It ends by an exception: LogClosed, ConversationGone, or those of :meth:`read`. A conversation that
        does not exist is waited for.
        """
        place = _Place(after)
        async with self._listen(name) as rung:
            while True:
                rung.clear()
                entries = await self._next(name, place)
                for entry in entries:
                    yield entry
                if not entries:
                    await _wait(rung, self._look)

    async def load(self, name: str) -> Checkpoint | None:
        """Return the last checkpoint; None where there is none."""
        self._check(name)
        return await self._load(name)

    async def checkpoint(self, name: str, checkpoint: Checkpoint, *, lease: Lease | None = None) -> None:
        """Keep what the conversation has come to, instead of what was kept before; an older one is ignored.

        Raises ValueError for one after the end, LeaseLost, ConversationGone.
        """
        self._check(name)
        await self._checkpoint(name, checkpoint, lease)

    async def trim(self, name: str) -> int:
        """Drop the events that the last checkpoint holds, and return how many were dropped.

        A log may keep some of them, where it keeps events by the batch.
        """
        self._check(name)
        return await self._trim(name)

    async def summary(self, name: str) -> Summary | None:
        """Return what is known of a conversation; None where there is none."""
        self._check(name)
        return await self._summary(name)

    def names(self) -> AsyncGenerator[str]:
        """Yield the names of all conversations, in no order."""
        self._check_open()
        return self._names()

    async def compact(self) -> int:
        """Give room back that trimmed and deleted events took, and return how many bytes that was."""
        self._check_open()
        return 0

    async def delete(self, name: str, *, lease: Lease | None = None) -> bool:
        """Delete a conversation with all that is kept of it, its lease too; tell whether there was one.

        With a ``lease`` only while that is held. Raises LeaseLost, or LogUnavailable, after which it may be
        there or not.
        """
        self._check(name)
        there = await self._delete(name, lease)
        self._bell.ring(name)
        return there

    async def beat(self, holder: str, ttl: float) -> None:
        """Say that a holder lives, for ``ttl`` seconds from now; 0 gives back all its leases."""
        self._check(holder)
        await self._beat(holder, ttl)

    async def acquire(self, name: str, holder: str) -> Lease:
        """Take the lease of a conversation, of which there need be nothing yet, for a holder.

        A holder that takes its own anew loses the one before. Raises LeaseHeld while another that lives has
        it. Cost: one round trip, or two where it has to be taken from another.
        """
        self._check(name)
        self._check(holder)
        return await self._acquire(name, holder)

    async def release(self, lease: Lease) -> None:
        """Give a lease back; of one that is lost nothing more happens."""
        self._check(lease.name)
        await self._release(lease)

    async def close(self) -> None:
        """Let go of files and connections. What was acknowledged stays."""
        if not self._closed:
            self._closed = True
            self._bell.ring_all()
            await self._close()

    @staticmethod
    def check_name(name: str) -> None:
        """Raise ValueError for what cannot be the name of a conversation or a holder."""
        if name.__class__ is not str or not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
            raise ValueError(f"a name is 1 to {LONGEST_NAME} printable characters, not {name!r:.80}")

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    def _check(self, name: str) -> None:
        """Raise unless the log is open and this can be a name."""
        self._check_open()
        self.check_name(name)

    def _check_open(self) -> None:
        if self._closed:
            raise LogClosed("this log has been closed")

    async def _next(self, name: str, place: _Place) -> Sequence[Entry]:
        """Return the next events, or none at the end, and move on; raise unless they go on from a place."""
        self._check(name)
        after = place.after
        page = await self._page(name, after, PAGE)
        if place.birth and page.birth != place.birth:
            raise ConversationGone(f"{name!r} was deleted while it was read")
        if after > page.last:
            raise LogBehind(
                f"{name!r} ends at {page.last}; there is no event {after} to go on from: "
                "a wrong number, or the log has lost its end"
            )
        if after + 1 < page.first:
            raise HistoryGone(
                f"{name!r} was trimmed: the events before {page.first} are gone; load its checkpoint, "
                "and read on from that"
            )
        if place.here != page.here and place.here is not None and page.first <= after:
            raise LogBehind(f"{name!r} has another event {after} than was read: the log had lost its end")
        seq = after
        for entry in page.entries:
            seq += 1
            if entry.seq != seq:
                raise LogDamaged(f"{name!r} goes from event {seq - 1} to {entry.seq}: some are missing")
        if seq == after < page.last:
            raise LogDamaged(f"{name!r} should have the events {after + 1} to {page.last}, and has not")
        place.after, place.birth = seq, page.birth
        place.here = page.there if page.entries else page.here
        return page.entries

    @asynccontextmanager
    async def _listen(self, name: str) -> AsyncGenerator[asyncio.Event]:
        """Give what is set when there is news; where others write, an engine listens for theirs meanwhile."""
        with self._bell.listen(name) as rung:
            yield rung

    @abstractmethod
    async def _append(
        self, name: str, records: Sequence[Record], expected: int, lease: Lease | None
    ) -> int: ...

    @abstractmethod
    async def _page(self, name: str, after: int, size: int) -> Page:
        """Return events after a point, as of one moment: about ``size`` bytes, at least one if there is."""

    @abstractmethod
    async def _load(self, name: str) -> Checkpoint | None: ...

    @abstractmethod
    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None: ...

    @abstractmethod
    async def _trim(self, name: str) -> int: ...

    @abstractmethod
    async def _summary(self, name: str) -> Summary | None: ...

    @abstractmethod
    def _names(self) -> AsyncGenerator[str]: ...

    async def _summaries(self) -> AsyncGenerator[Summary]:
        """Yield the summaries of all; an engine that has them at hand gives them at once."""
        async for each in self._summaries_of([name async for name in self._names()]):
            yield each

    async def _summaries_of(self, names: Sequence[str]) -> AsyncGenerator[Summary]:
        """Yield the summaries of those that there are, some asked for together."""
        for start in range(0, len(names), _TOGETHER):
            for each in await asyncio.gather(*map(self._summary, names[start : start + _TOGETHER])):
                if each is not None:
                    yield each

    @abstractmethod
    async def _delete(self, name: str, lease: Lease | None) -> bool: ...

    @abstractmethod
    async def _beat(self, holder: str, ttl: float) -> None: ...

    @abstractmethod
    async def _acquire(self, name: str, holder: str) -> Lease: ...

    @abstractmethod
    async def _release(self, lease: Lease) -> None: ...

    @abstractmethod
    async def _close(self) -> None: ...


def summaries_of(log: Log, names: Sequence[str] | None = None) -> AsyncGenerator[Summary]:
    """Yield what is known of conversations: of all, in no order, or of some by name, in theirs."""
    log._check_open()  # pyright: ignore[reportPrivateUsage]
    return log._summaries() if names is None else log._summaries_of(names)  # pyright: ignore[reportPrivateUsage]


def _is_text(value: str) -> bool:
    """Tell whether it can be written as UTF-8: half a surrogate pair cannot."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


async def _wait(rung: asyncio.Event, seconds: float | None) -> None:
    """Wait for a ring, or so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):  # wait_for may swallow a cancellation before Python 3.12
            await rung.wait()
