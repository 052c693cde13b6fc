"""A copy of a conversation: the state, how far it has come in the log, and how it keeps up with it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import aclosing
from typing import Final

import attrs

from rtstate._change import Change
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import (
    ConversationGone,
    HistoryGone,
    LogBehind,
    LogUnavailable,
)
from rtstate.hub._revive import birth_of, revive
from rtstate.hub._weight import bulk_of, weight
from rtstate.logs import Lease, Log, Record

_LOG: Final = logging.getLogger("rtstate.hub")
_PAUSE: Final = 0.5


@attrs.frozen
class Terms:
    """What all conversations of a hub have in common."""

    log: Log
    holder: str
    new: Callable[[], Conversation]
    checkpoint_every: int
    trim: bool
    backlog: int
    life: Callable[[], int]
    before_reviving: Callable[[], Awaitable[None]]
    changed: Callable[[Copy], None]


class Copy:
    """A conversation in memory, as the log has it.

    The state is always that after the event ``seq`` of the log, for the writer as for its followers, so a
    copy can be dropped at any time. It is what a watcher looks at (:class:`rtstate._watch.Source`).
    """

    def __init__(self, name: str, terms: Terms) -> None:
        self.name = name
        self.weight = 0
        self.followers: int = 0
        self.ended: Exception | None = None
        self._terms = terms
        self._conversation: Conversation | None = None
        self._started: float | None = None  # tells it from another one of this name
        self._seq = 0
        self._latest: Record | None = None  # the event at that place, where it was not in a checkpoint
        self._saved = 0
        self._bulk = 0
        self.writes = False  # has the lease, or may have: the answer to whether it was given may be lost
        self._lease: Lease | None = None
        self._life = 0  # of the hub, in which it got the lease; 0 once that is no longer relied on
        self._sure = False  # that nothing has been written that is not in the state
        self._wrote = False  # since it was read; then its feeders are told when it was deleted
        self._tailing: asyncio.Task[None] | None = None
        self._listeners: dict[object, Callable[[Change | None], object]] = {}

    @property
    def empty(self) -> bool:
        """Whether there is no state in it."""
        return self._conversation is None or self.ended is not None

    @property
    def seq(self) -> int:
        """The place in the log of the last event that is in it."""
        return self._seq

    @property
    def started(self) -> float | None:
        """When it began, which tells it from another one of its name; None where that is not known."""
        return self._started

    @property
    def _leads(self) -> bool:
        """Whether the state is for certain all that there is, since nobody else can write."""
        return self._sure and self._lease is not None and 0 != self._life == self._terms.life()

    def end(self, error: Exception) -> None:
        """End it: whoever follows or feeds it gets this error."""
        self.ended = error
        self._tell(None)

    def gone(self) -> ConversationGone:
        """End it, for it was deleted; what uses its name next begins anew."""
        error = ConversationGone(f"{self.name!r} was deleted")
        self._conversation = None
        self.end(error)
        return error

    # What a watcher asks

    @property
    def revision(self) -> int:
        """The revision of the state; raises what it ended by."""
        return self._state().revision

    def snapshot(self) -> Snapshot:
        """Return the state."""
        return self._state().snapshot()

    def changes(self, since: int) -> Iterator[Change]:
        """Return the changes after a revision, as :meth:`Conversation.changes`."""
        return self._state().changes(since)

    def subscribe(self, callback: Callable[[Change | None], object]) -> Callable[[], None]:
        """Call back at each change, and with None whenever the state was read anew or has ended."""
        key = object()
        self._listeners[key] = callback

        def unsubscribe() -> None:
            self._listeners.pop(key, None)

        return unsubscribe

    def _state(self) -> Conversation:
        if self.ended is not None:
            raise self.ended
        assert self._conversation is not None, "asked before it was read"
        return self._conversation

    def _tell(self, change: Change | None) -> None:
        for callback in tuple(self._listeners.values()):
            callback(change)

    def _apply(self, record: Record) -> Change:
        state = self._state()
        change = state.feed(record.raw, record.at)
        self._seq += 1
        self._latest = record
        self._bulk += bulk_of(record.raw, record.type, keep_audio=state.keeps_audio)
        self._weigh()
        if change:
            self._tell(change)
        return change

    def _weigh(self) -> None:
        self.weight = weight(self._state(), self._bulk)
        self._terms.changed(self)

    # Reading

    async def _birth(self) -> float | None:
        return await birth_of(self._terms.log, self.name)

    async def _is_of_this(self) -> bool:
        """Tell whether events that were just read belong to this conversation, not another of its name.

        To be asked of the first ones of a reading: it breaks off by itself where that changes later.
        """
        return self._started is None or await self._birth() == self._started

    async def _catch_up(self) -> None:
        """Read what the log has and the state has not; everything, where it has to be read anew."""
        if self.ended is not None:
            raise self.ended
        if self._conversation is None:
            await self._revive()
            return
        started = await self._birth()
        if not self._seq:
            self._started = started
        elif self._started is None is not started:  # it was followed before it began: perhaps another one
            await self._revive()
            return
        elif started is None or started != self._started:
            if self._wrote or self._listeners:
                raise self.gone()
            self._conversation, self._started = None, None  # a mere copy, which nobody knows of
            await self._revive()
            return
        try:
            await self._read_on()
        except HistoryGone:
            if self._latest is None:
                await self._revive()
            else:  # only that one, perhaps: it was the last before a checkpoint
                self._latest = None
                await self._catch_up()
        except LogBehind as error:
            _LOG.warning("the log has lost its end, and %r is read anew: %s", self.name, error)
            await self._revive()

    async def _read_on(self) -> None:
        """Apply what the log has more; first see that its event at this place is the one that was applied.

        A log that has lost its end may have been written since, and be as long again.
        """
        seq, latest = self._seq, self._latest
        lost = latest is not None
        async with aclosing(self._terms.log.read(self.name, seq - lost)) as entries:
            async for entry in entries:
                if latest is not None and entry.seq == seq:
                    lost = (entry.raw, entry.at) != (latest.raw, latest.at)
                elif latest is None and entry.seq == seq + 1:
                    lost = not await self._is_of_this()
                if lost:
                    break
                if entry.seq > seq:
                    self._apply(entry)
        if lost:
            raise LogBehind(f"{self.name!r} has no longer the event {seq} that was read from it")

    async def _revive(self) -> None:
        """Read it all: the last checkpoint, and the events since."""
        if self._conversation is None:
            await self._terms.before_reviving()
        revived = await revive(self._terms.log, self.name, self._terms.new)
        if self._started is not None and revived.started != self._started:
            raise self.gone()
        self._conversation, self._seq, self._saved = revived.conversation, revived.seq, revived.saved
        self._started, self._bulk, self._latest = revived.started, revived.bulk, revived.latest
        self._weigh()
        self._tell(None)

    # Following

    def _follow_on(self) -> None:
        """Follow the log, where somebody watches and another writes."""
        if self.followers and not self._leads and self._tailing is None and self.ended is None:
            self._tailing = asyncio.create_task(self._tail())

    async def _stop_tailing(self) -> None:
        if self._tailing is not None:
            tailing, self._tailing = self._tailing, None
            while not tailing.done():  # before Python 3.12 a wait within it may swallow a cancellation
                tailing.cancel()
                await asyncio.wait([tailing], timeout=0.5)

    async def _tail(self) -> None:
        """Apply what others write, until this is cancelled or it ends."""
        while True:
            try:
                await self._catch_up()
                async with aclosing(self._terms.log.tail(self.name, self._seq)) as entries:
                    known = False
                    async for entry in entries:
                        known = known or await self._is_of_this()
                        if not known:
                            break  # and see what it is
                        self._apply(entry)
            except (HistoryGone, LogBehind):
                continue  # it was trimmed, or has lost its end
            except LogUnavailable as error:
                _LOG.warning("%r is not followed for now: %s", self.name, error)
                await asyncio.sleep(_PAUSE)
            except Exception as error:
                self.end(error)
                return
