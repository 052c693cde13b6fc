"""One conversation that a hub holds: how it is fed, read, followed and let go of."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncGenerator, Coroutine, Generator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, nullcontext, suppress
from typing import Any, Final, TypeVar

import attrs

from rtstate._change import Change
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import (
    ConversationGone,
    HubStopped,
    LeaseHeld,
    LeaseLost,
    LogError,
    StaleWriter,
)
from rtstate.hub._copy import Copy, Terms
from rtstate.logs import Checkpoint, Lease, Record

_LOG: Final = logging.getLogger("rtstate.hub")
_BATCH: Final = 1 << 20
_TRIES: Final = 5

Result = TypeVar("Result")


@attrs.define(eq=False)
class _Batch:
    """Some events that wait to be written together, and who waits for what came of them."""

    records: Sequence[Record]
    size: int
    done: asyncio.Future[list[Change]]


class Held(Copy):
    """A conversation in memory, as its only writer or behind whoever writes it.

    Events go into the log first; only what is there reaches the state.
    """

    def __init__(self, name: str, terms: Terms) -> None:
        super().__init__(name, terms)
        self.used = asyncio.get_running_loop().time()
        self._batches: deque[_Batch] = deque()
        self._backlog = 0
        self._lock = asyncio.Lock()
        self._queue = asyncio.Lock()
        self._room = asyncio.Event()
        self._writing: asyncio.Task[None] | None = None
        self._callers = 0  # that wait for the lock: who has it leaves them what they came for

    # What a hub asks

    @property
    def busy(self) -> bool:
        """Whether somebody waits for it, or watches it."""
        return bool(self._in_use or self._writing or self._lock.locked())

    @property
    def _in_use(self) -> bool:
        return bool(self._batches or self.followers or self._callers)

    async def write(self, records: Sequence[Record]) -> list[Change]:
        """Append events to the log, apply them, and return what each changed.

        Waits while too much waits already. Raises what the log raises; then none of them was applied.
        """
        batch = await self._queued(records)
        if self._writing is None:
            self._writing = asyncio.create_task(self._write_all())
        return await batch.done

    async def _queued(self, records: Sequence[Record]) -> _Batch:
        size = sum([len(record.raw) for record in records])
        with self._calling():
            async with self._queue:
                while self.ended is None and self._backlog and self._backlog + size > self._terms.backlog:
                    self._room.clear()
                    await self._room.wait()
                if self.ended is not None:
                    raise self.ended
                batch = _Batch(records, size, asyncio.get_running_loop().create_future())
                self._batches.append(batch)
                self._backlog += size
                return batch

    async def open(self) -> Snapshot:
        """Become the writer, and return the state."""
        return await self._in_full(self._open())

    async def _open(self) -> Snapshot:
        async with self._alone(called=True):
            return (await self._as_writer()).snapshot()

    async def read(self) -> Snapshot:
        """Return the state, with all that was in the log when this was called."""
        async with self._alone(called=True):
            if self._conversation is None or not self._leads:
                await self._stop_tailing()
                await self._catch_up()
            if not self._seq and self._lease is None and not self.followers:
                self._conversation = None
                raise ConversationGone(f"there is no conversation {self.name!r}")
            return self.snapshot()

    async def delete(self) -> bool:
        """Delete it from the log, and tell whether it was there; nothing of it need be readable."""
        return await self._in_full(self._delete())

    async def _delete(self) -> bool:
        async with self._alone(called=True):
            lease = await self._take_lease()
            await self._stop_tailing()
            try:
                there = await self._terms.log.delete(self.name, lease=lease)
            except LogError:
                self._sure, self._life = False, 0  # it may be gone, and only the answer was lost
                await self._give_back_unread()
                raise
            self._lease, self.writes = None, False  # that went with it
            self.gone()
            return there

    async def _in_full(self, work: Coroutine[Any, Any, Result]) -> Result:
        """Do something to its end for a caller, who counts from now on, not only once its task runs.

        It may be let go of before that. Half of it would be nobody's, so it is done also when the caller is
        cancelled.
        """

        async def counted() -> Result:
            try:
                return await work
            finally:
                self._callers -= 1

        self._callers += 1
        task = asyncio.create_task(counted())
        task.add_done_callback(lambda done: done.cancelled() or done.exception())  # the caller's, if there
        return await asyncio.shield(task)

    async def let_go(self, *, also_in_use: bool = False) -> bool:
        """Checkpoint, give the lease back and drop the state, and tell whether that was done.

        It is not while events wait, somebody follows, or the log cannot be told; ``also_in_use`` gives at
        least the lease back.
        """
        async with self._alone():
            if self._in_use and not also_in_use:
                return False
            await self._save()
            self._sure = self._wrote = False
            await self._give_back()
            await self._stop_tailing()
            if self.writes or (self._in_use and self.ended is None):  # asked last: somebody may have come
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
        async with self._alone():
            if self._conversation is None or not (self._listeners or self._leads):
                await self._stop_tailing()
                await self._catch_up()

    def doubt(self) -> None:
        """Follow the log, now that another may write; whoever is at it will see to that."""
        if not self._lock.locked():
            self._follow_on()

    def end(self, error: Exception) -> None:
        """End it: whoever follows or feeds it gets this error."""
        super().end(error)
        self._room.set()

    @asynccontextmanager
    async def _alone(self, *, called: bool = False) -> AsyncGenerator[None]:
        """Take the lock, so that nobody else reads or writes; a caller counts while it waits for that.

        Who follows goes on once it is given back: what comes meanwhile is not to be applied twice.
        """
        with self._calling() if called else nullcontext():
            await self._lock.acquire()
        try:
            yield
        finally:
            self._follow_on()
            self._lock.release()

    @contextmanager
    def _calling(self) -> Generator[None]:
        """Count somebody who waits for it, so that it is not let go of meanwhile."""
        self._callers += 1
        try:
            yield
        finally:
            self._callers -= 1

    async def unfollow(self) -> None:
        """Count one follower less."""
        self.followers -= 1
        if not self.followers:
            await self._stop_tailing()

    # Writing

    async def _write_all(self) -> None:
        """Write what waits, batch by batch: what comes while one is on its way goes with the next."""
        batches: list[_Batch] = []
        try:
            while self._batches:
                async with self._alone():
                    batches = self._take()
                    try:
                        changes = await self._write([record for batch in batches for record in batch.records])
                    except Exception as error:
                        for batch in batches:
                            _settle(batch.done, error)
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
                if self._started is None:  # nobody can delete it while this has the lease
                    with suppress(LogError):
                        self._started = await self._birth()
                return iter(changes)
        assert refused is not None
        raise refused

    async def _as_writer(self) -> Conversation:
        """Return the state, with the lease and with everything that was written before it was given."""
        await self._take_lease()
        await self._stop_tailing()
        if not self._sure:
            try:
                await self._catch_up()
            except Exception:
                await self._give_back_unread()
                raise
            self._sure = self._wrote = True
        return self._state()

    async def _take_lease(self) -> Lease:
        """Return the lease, taken anew where the hub was silent for so long that another may have had it."""
        if self.ended is not None:
            raise self.ended
        life = self._terms.life()
        if self._lease is None or not life or self._life != life:
            await self._acquire()
            self._life, self._sure = life, False
        assert self._lease is not None
        return self._lease

    async def _acquire(self) -> None:
        self._lease, self.writes = None, True  # from now on: the answer may be lost, and the one before is
        try:
            self._lease = await self._terms.log.acquire(self.name, self._terms.holder)
        except LeaseHeld:
            self.writes = False
            raise

    async def _give_back_unread(self) -> None:
        """Let others write what could not be read here: nobody else would give that back."""
        if self._conversation is None:
            await self._give_back()

    async def _give_back(self) -> None:
        """Let others write it. Where the log cannot be told, the lease is kept, to be given back later."""
        self._life = 0
        with _logged(self.name, "its lease was not given back"):
            if self.writes and self._lease is None:
                with suppress(LeaseHeld):
                    await self._acquire()  # the one it may have is not known
            if self._lease is not None:
                await self._terms.log.release(self._lease)
                self._lease, self.writes = None, False

    def _tail_length(self) -> int:
        """Return after how many events a checkpoint is due: for a large one, more, so that it stays cheap."""
        return max(self._terms.checkpoint_every, self.weight // 1000)

    async def _save(self) -> None:
        """Keep a checkpoint of what it wrote. Without one nothing is lost; a log that fails is only noted.

        A copy keeps none: it may be that of a conversation which is gone, and another has its name.
        """
        if self._conversation is None or self._lease is None or not self._sure or self._saved >= self._seq:
            return
        checkpoint = Checkpoint(self._seq, self._conversation.checkpoint())
        with _logged(self.name, "no checkpoint was taken"):
            await self._terms.log.checkpoint(self.name, checkpoint, lease=self._lease)
            self._saved = self._seq
            if self._terms.trim:
                await self._terms.log.trim(self.name)


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


def _settle(done: asyncio.Future[list[Change]], result: list[Change] | Exception) -> None:
    """Tell whoever waits, unless it was cancelled."""
    if done.done():
        return
    if isinstance(result, Exception):
        done.set_exception(result)
    else:
        done.set_result(result)
