"""One conversation that a hub holds: the state, and how far it has come in the log."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any, Final

import attrs

from rtstate._change import Change
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import (
    ConversationGone,
    HistoryGone,
    HubStopped,
    LeaseLost,
    LogBehind,
    LogError,
    LogUnavailable,
    StaleWriter,
)
from rtstate.hub._revive import revive
from rtstate.hub._weight import bulk_of, weight
from rtstate.logs import Checkpoint, Lease, Log, Record

_LOG: Final = logging.getLogger("rtstate.hub")
_BATCH: Final = 1 << 20
_TRIES: Final = 5
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
    before_reviving: Callable[[], Awaitable[None]]
    changed: Callable[[Held], None]


@attrs.define(eq=False)
class _Batch:
    """Some events that wait to be written together, and who waits for what came of them."""

    records: Sequence[Record]
    size: int
    done: asyncio.Future[list[Change]]


class Held:
    """A conversation in memory, as its only writer or behind whoever writes it.

    Events go into the log first; only what is there reaches the state. So the state is always that after the
    event ``seq`` of the log, for the writer as for its followers, and a copy can be dropped at any time.
    """

    def __init__(self, name: str, terms: Terms) -> None:
        self.name = name
        self.used = asyncio.get_running_loop().time()
        self.weight = 0
        self.followers = 0
        self.ended: Exception | None = None
        self._terms = terms
        self._conversation: Conversation | None = None
        self._started: float | None = None  # tells it from another one of this name
        self._seq = 0
        self._latest: Record | None = None  # the event at that place, where it was not in a checkpoint
        self._saved = 0
        self._bulk = 0
        self._lease: Lease | None = None
        self._sure = False  # that nothing has been written that is not in the state
        self._wrote = False  # since it was read; then its feeders are told when it was deleted
        self._batches: deque[_Batch] = deque()
        self._backlog = 0
        self._lock = asyncio.Lock()
        self._queue = asyncio.Lock()
        self._room = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._tailing: asyncio.Task[None] | None = None
        self._listeners: dict[object, Callable[[Any], object]] = {}
        self._callers = 0  # that wait for the lock: who has it leaves them what they came for

    # What a hub asks

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it, or watches it."""
        return bool(self._in_use or self._writing or self._lock.locked())

    @property
    def _in_use(self) -> bool:
        return bool(self._batches or self.followers or self._callers)

    @property
    def empty(self) -> bool:
        """Whether there is no state in it."""
        return self._conversation is None or self.ended is not None

    @property
    def writes(self) -> bool:
        """Whether it has the lease."""
        return self._lease is not None

    async def write(self, records: Sequence[Record]) -> list[Change]:
        """Append events to the log, apply them, and return what each changed.

        Waits while too much waits already. Raises what the log raises; then none of them was applied.
        """
        size = sum([len(record.raw) for record in records])
        async with self._queue:
            while self.ended is None and self._backlog and self._backlog + size > self._terms.backlog:
                self._room.clear()
                await self._room.wait()
            if self.ended is not None:
                raise self.ended
            batch = _Batch(records, size, asyncio.get_running_loop().create_future())
            self._batches.append(batch)
            self._backlog += size
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await batch.done

    async def open(self) -> Snapshot:
        """Become the writer, and return the state."""
        return await _to_its_end(self._open())

    async def _open(self) -> Snapshot:
        async with self._called():
            try:
                return (await self._as_writer()).snapshot()
            finally:
                self._follow_on()

    async def read(self) -> Snapshot:
        """Return the state, with all that was in the log when this was called."""
        async with self._called():
            if self._conversation is None or self._lease is None or not self._sure:
                try:
                    await self._stop_tailing()
                    await self._catch_up()
                finally:
                    self._follow_on()
            if not self._seq and self._lease is None and not self.followers:
                self._conversation = None
                raise ConversationGone(f"there is no conversation {self.name!r}")
            return self.snapshot()

    async def let_go(self, *, also_in_use: bool = False) -> bool:
        """Checkpoint, give the lease back and drop the state, and tell whether that was done.

        It is not while events wait or somebody follows; ``also_in_use`` gives at least the lease back.
        """
        async with self._lock:
            if self._in_use and not also_in_use:
                return False
            if self._lease is not None:
                await self._save()
                lease, self._lease = self._lease, None
                with _logged(self.name, "its lease was not given back"):
                    await self._terms.log.release(lease)
            self._sure = self._wrote = False
            await self._stop_tailing()
            if self._in_use and self.ended is None:  # asked last, for whoever came meanwhile counts on it
                self._follow_on()
                return False
            self._conversation = None
            return True

    async def written(self) -> None:
        """Wait until all that was taken is written, or refused."""
        while self._writing is not None:
            await asyncio.wait([self._writing])

    async def follow(self) -> None:
        """Count one more follower, and keep up with the log for it."""
        self.followers += 1
        async with self._lock:
            if self._conversation is None:
                await self._catch_up()
            self._follow_on()

    @asynccontextmanager
    async def _called(self) -> AsyncGenerator[None]:
        """Take the lock for a caller, who counts while it waits."""
        self._callers += 1
        try:
            await self._lock.acquire()
        finally:
            self._callers -= 1
        try:
            yield
        finally:
            self._lock.release()

    async def unfollow(self) -> None:
        """Count one follower less."""
        self.followers -= 1
        if not self.followers:
            await self._stop_tailing()

    def end(self, error: Exception) -> None:
        """End it: whoever follows or feeds it gets this error."""
        self.ended = error
        self._room.set()
        self._tell(None)

    def gone(self) -> ConversationGone:
        """End it, for it was deleted; what uses its name next begins anew."""
        error = ConversationGone(f"{self.name!r} was deleted")
        self._conversation, self._lease = None, None
        self.end(error)
        return error

    # What a watcher asks (rtstate._watch.Source)

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

    def subscribe(self, callback: Callable[[Change], object]) -> Callable[[], None]:
        """Call back at each change, and whenever the state was read anew or has ended."""
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

    # Writing

    async def _write_all(self) -> None:
        """Write what waits, batch by batch: what comes while one is on its way goes with the next."""
        batches: list[_Batch] = []
        try:
            while self._batches:
                async with self._lock:
                    batches = self._take()
                    try:
                        changes = await self._write([record for batch in batches for record in batch.records])
                    except Exception as error:
                        for batch in batches:
                            _settle(batch.done, error)
                        self._follow_on()
                    else:
                        for batch in batches:
                            _settle(batch.done, [next(changes) for _ in batch.records])
                    self._backlog -= sum([batch.size for batch in batches])
                    self._room.set()
                    if self._seq - self._saved >= self._tail_length():
                        await self._save()
        finally:
            self._writing = None
            for batch in (*batches, *self._batches):  # only when the loop ends under it
                _settle(batch.done, HubStopped(f"{self.name!r} was not written: the event loop has ended"))

    def _take(self) -> list[_Batch]:
        taken = [self._batches.popleft()]
        size = taken[0].size
        while self._batches and size + self._batches[0].size <= _BATCH:
            taken.append(self._batches.popleft())
            size += taken[-1].size
        return taken

    async def _write(self, records: Sequence[Record]) -> Iterator[Change]:
        """Append and apply; read on first where others may have written."""
        refused: LogError | None = None
        for _ in range(_TRIES):
            await self._as_writer()
            try:
                await self._terms.log.append(self.name, records, expected=self._seq, lease=self._lease)
            except LeaseLost as lost:
                refused, self._lease = lost, None
            except StaleWriter as stale:
                refused, self._sure = stale, False
            except Exception:
                self._sure = False  # it may have been written, and only the answer was lost
                raise
            else:
                changes = [self._apply(record) for record in records]
                if self._started is None:
                    with suppress(LogError):
                        await self._recognise()
                return iter(changes)
        assert refused is not None
        raise refused

    async def _as_writer(self) -> Conversation:
        """Return the state, with the lease and with everything that was written before it was given."""
        if self.ended is not None:
            raise self.ended
        if self._lease is None:
            self._lease = await self._terms.log.acquire(self.name, self._terms.holder)
            self._sure = False
        if not self._sure:
            await self._stop_tailing()
            await self._catch_up()
            self._sure = self._wrote = True
        return self._state()

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

    def _tail_length(self) -> int:
        """Return after how many events a checkpoint is due: for a large one, more, so that it stays cheap."""
        return max(self._terms.checkpoint_every, self.weight // 1000)

    async def _save(self) -> None:
        """Keep a checkpoint. Without one nothing is lost, so a log that fails is only noted."""
        if self._conversation is None or not self._saved < self._seq:
            return
        checkpoint = Checkpoint(self._seq, self._conversation.checkpoint())
        with _logged(self.name, "no checkpoint was taken"):
            await self._terms.log.checkpoint(self.name, checkpoint, lease=self._lease)
            self._saved = self._seq
            if self._terms.trim:
                await self._terms.log.trim(self.name)

    # Reading

    async def _recognise(self) -> bool:
        """Tell whether what the log has under this name is still the same conversation."""
        summary = await self._terms.log.summary(self.name)
        started = summary.started if summary else None
        if self._seq and self._started not in (None, started):
            return False
        self._started = started
        return started is not None or not self._seq

    async def _catch_up(self) -> None:
        """Read what the log has and the state has not; everything, where it has to be read anew."""
        if self.ended is not None:
            raise self.ended
        if self._conversation is None:
            await self._revive()
            return
        if not await self._recognise():
            if self._wrote or self.followers:
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
        same = latest is None
        async with aclosing(self._terms.log.read(self.name, seq if latest is None else seq - 1)) as entries:
            async for entry in entries:
                if latest is not None and entry.seq == seq:
                    same = (entry.raw, entry.at) == (latest.raw, latest.at)
                    if not same:
                        break
                else:
                    self._apply(entry)
        if not same:
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
        writes = self._lease is not None and self._sure
        if self.followers and not writes and self._tailing is None and self.ended is None:
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
                    async for entry in entries:
                        self._apply(entry)
            except (HistoryGone, LogBehind):
                continue  # it was trimmed, or has lost its end
            except LogUnavailable as error:
                _LOG.warning("%r is not followed for now: %s", self.name, error)
                await asyncio.sleep(_PAUSE)
            except Exception as error:
                self.end(error)
                return


class _logged(suppress):  # noqa: N801  (as what it extends)
    """Note what a log could not do where nothing is lost by that."""

    def __init__(self, name: str, what: str) -> None:
        super().__init__(LogError, ValueError)  # the latter for a checkpoint after the end: the log lost that
        self._name, self._what = name, what

    def __exit__(self, kind: Any, error: Any, trace: Any) -> bool:
        passed = super().__exit__(kind, error, trace)
        if passed:
            _LOG.warning("%r: %s: %s", self._name, self._what, error)
        return passed


async def _to_its_end(work: Coroutine[Any, Any, Snapshot]) -> Snapshot:
    """Do something that is done also when its caller is cancelled: half of it would be nobody's."""
    task = asyncio.create_task(work)
    task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller's, if it is there
    return await asyncio.shield(task)


def _settle(done: asyncio.Future[list[Change]], result: list[Change] | Exception) -> None:
    """Tell whoever waits, unless it was cancelled."""
    if done.done():
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
