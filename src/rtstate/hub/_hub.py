"""The hub: it opens, feeds, shows, follows and closes conversations that a log keeps."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import AsyncGenerator, Iterable
from contextlib import suppress
from functools import partial
from types import TracebackType
from typing import Any, Final, Self
from uuid import uuid4

import attrs

from rtstate._change import Change
from rtstate._types import AudioMode, Dialect
from rtstate._watch import updated, watch
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import HubFull, HubStopped
from rtstate.hub._copy import Copy, Terms
from rtstate.hub._held import Held
from rtstate.hub._pulse import Pulse
from rtstate.logs import Log, Record
from rtstate.update import Update

_AT_ONCE: Final = 64


@attrs.frozen
class HubStats:
    """What a hub holds, and what it has done so far.

    ``held`` conversations are in memory, ``writing`` of them with the lease; ``memory`` is about how many
    bytes they take; ``followers`` watch them. ``events`` were appended, ``evicted`` conversations let go of.
    """

    held: int
    writing: int
    memory: int
    followers: int
    events: int
    evicted: int


class Hub:
    """Many conversations over one log.

    Whoever feeds a conversation first becomes its writer, the only one there is; a hub elsewhere gets
    LeaseHeld until this one lets it go, stops, or has been silent for ``lease`` seconds. Everybody can read
    and follow it. An event is acknowledged once the log has it, and only then part of the state.

    ``memory`` is about how many bytes of conversations are held; those that nobody used for ``idle`` seconds,
    or for longest when it gets full, are let go of, and read from the log when they are needed again. Every
    ``checkpoint_every`` events a checkpoint is kept, from which that goes on, and of a large one more rarely;
    with ``trim`` the events before it are dropped. At most ``backlog`` bytes of events wait for the log, per
    conversation; :meth:`feed` waits while there are more. ``audio``, ``dialect`` and ``history`` are those
    of :class:`rtstate.Conversation`; ``new()`` makes an empty one of them. ``holder`` is what others see as
    its name.

    >>> import asyncio
    >>> from rtstate.logs import MemoryLog
    >>> async def call():
    ...     async with MemoryLog() as log, Hub(log) as hub:
    ...         event = {"type": "input_audio_buffer.committed", "item_id": "item_1"}
    ...         change = await hub.feed("call_1", event)
    ...         return change.revision, (await hub.snapshot("call_1")).items[0].role
    >>> asyncio.run(call())
    (1, 'user')
    """

    def __init__(
        self,
        log: Log,
        *,
        memory: int = 256 << 20,
        idle: float = 60.0,
        lease: float = 10.0,
        checkpoint_every: int = 1000,
        trim: bool = False,
        backlog: int = 4 << 20,
        audio: AudioMode = "measure",
        dialect: Dialect = "auto",
        history: int = 100,
        holder: str | None = None,
    ) -> None:
        if not isinstance(log, Log):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise TypeError(f"a hub is over a log, such as open_log(url) returns, not {type(log).__name__}")
        for name, number in (
            *(("memory", memory), ("idle", idle), ("lease", lease)),
            *(("checkpoint_every", checkpoint_every), ("backlog", backlog)),
        ):
            if not number > 0:
                raise ValueError(f"{name} is a number above 0, not {number!r}")
        new = partial(Conversation, audio=audio, dialect=dialect, history=history)
        new()  # which says what is wrong with them
        log.check_name(holder := holder if holder is not None else f"hub-{uuid4().hex[:12]}")
        self.holder: Final = holder
        self.new: Final = new
        self._log, self._memory, self._idle = log, memory, idle
        self._pulse = Pulse(log, self.holder, lease)
        self._terms = Terms(
            *(log, self.holder, new, checkpoint_every, trim, backlog),
            life=self._pulse.life,
            before_reviving=self._make_room,
            changed=self._weighed,
        )
        self._held: OrderedDict[str, Held] = OrderedDict()  # the one used longest ago first
        self._ended: set[Held] = set()  # of which others have the name, until they have no lease for certain
        self._weights: dict[Copy, int] = {}
        self._weight = 0
        self._events = self._evicted = 0
        self._untidy = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._starting = asyncio.Lock()
        self._stopping: asyncio.Task[None] | None = None  # there from the moment that it takes no more

    async def open(self, name: str) -> Snapshot:
        """Become the writer of a conversation, and return its state; there need be nothing of it yet.

        Feeding does that by itself; opened beforehand, the first event does not wait for it. Raises LeaseHeld
        where another writes it, HubFull, LogUnavailable, LogDamaged, ValueError for what cannot be a name.
        Cost: what its checkpoint holds, and the events since.
        """
        held = await self._use(name)
        try:
            return await held.open()
        finally:
            self._forget_if_empty(held)

    async def feed(self, name: str, raw: Any, at: float | None = None) -> Change:
        """Append one event, of the server or the client, apply it, and return what it changed.

        It is kept in the log once this returns. ``raw`` is JSON text, bytes, a mapping, or an event object as
        for :meth:`Conversation.apply`, ``at`` as for :meth:`Conversation.feed`; text that cannot be read is
        kept too, and becomes an anomaly. Raises as :meth:`open`; then it was not applied.
        After LogUnavailable it may be in the log all the same: what has an ``event_id`` is safely fed again.
        """
        [change] = await self.feed_all(name, ((raw, at),))
        return change

    async def feed_all(self, name: str, events: Iterable[tuple[Any, float | None]]) -> list[Change]:
        """Append some events, each a pair with its time, all or none, and return what each changed.

        Otherwise as :meth:`feed`. Cost: one append.
        """
        records = [Record.of(raw, at) for raw, at in map(_pair, events)]
        if not records:
            return []
        held = await self._use(name)
        try:
            changes = await held.write(records)
        finally:
            self._forget_if_empty(held)
        self._events += len(changes)
        return changes

    async def snapshot(self, name: str) -> Snapshot:
        """Return the state of a conversation, with all events that were acknowledged when this was called.

        Whoever writes it. Raises ConversationGone where there is none. Cost: nothing where this hub writes
        it; otherwise what the log has more.
        """
        held = await self._use(name)
        try:
            return await held.read()
        finally:
            self._forget_if_empty(held)

    async def follow(
        self, name: str, rate: float = 20.0, *, since: int | None = None
    ) -> AsyncGenerator[Update]:
        """Follow a conversation, whoever writes it, at most ``rate`` updates a second.

        As :meth:`Conversation.watch`: first a snapshot, or the changes after the revision ``since`` if they
        are at hand, then what has changed. One that does not exist is waited for. It ends by HubStopped,
        ConversationGone, or what the log raises. Followers of one conversation share its state.
        """
        if not rate > 0:
            raise ValueError(f"rate is how many updates a second, above 0, not {rate!r}")
        held = await self._use(name)
        try:
            await held.follow()
            async for update in watch(held, rate, since):
                yield update
        finally:
            await held.unfollow()
            self._forget_if_empty(held)

    async def update(self, name: str, since: int | None = None) -> Update:
        """Return what leads on from a revision: the changes since if they are at hand, otherwise a snapshot.

        As the first that :meth:`follow` gives, of a conversation that exists; raises as :meth:`snapshot`.
        """
        held = await self._use(name)
        try:
            await held.read()
            return updated(held, since)
        finally:
            self._forget_if_empty(held)

    def place(self, name: str) -> int:
        """Return the place in the log of the last event that a conversation in memory has; 0 without one."""
        held = self._held.get(name)
        return 0 if held is None or held.empty else held.seq

    def started(self, name: str) -> float | None:
        """Return when a conversation in memory began, which tells it from another one of its name.

        As the log's :class:`Summary` has it; None where it is not in memory, or that is not known yet.
        """
        held = self._held.get(name)
        return None if held is None or held.empty else held.started

    async def close(self, name: str) -> None:
        """Write what waits, checkpoint a conversation, and let others write it. Its followers stay."""
        held = self._held.get(name)
        if held is not None:
            await held.written()
            await self._evict(held, also_in_use=True)

    async def delete(self, name: str) -> bool:
        """Delete a conversation from the log, with all that is kept of it; tell whether there was one.

        Its followers, here and elsewhere, end by ConversationGone. Raises LeaseHeld where another writes it.
        """
        held = await self._use(name)
        try:
            return await held.delete()
        finally:
            self._forget_if_empty(held)

    @property
    def stats(self) -> HubStats:
        """What it holds, and what it has done. Cost: the number of conversations that are held."""
        held = self._held.values()
        writing, followers = sum(each.writes for each in held), sum(each.followers for each in held)
        return HubStats(len(held), writing, self._weight, followers, self._events, self._evicted)

    async def stop(self) -> None:
        """Take no more events, write those that wait, checkpoint everything, and let others write it.

        Followers end by HubStopped. The log stays open; it is not the hub's. Whoever is cancelled as it waits
        here leaves no lease behind: the rest is done without it, and before ``async with`` is left.
        """
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        held = [*self._held.values(), *self._ended]
        for start in range(0, len(held), _AT_ONCE):
            await asyncio.gather(*(self._finish(each) for each in held[start : start + _AT_ONCE]))
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        await self._pulse.end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self.stop()
        except asyncio.CancelledError:  # the log is closed next, and then no lease can be given back
            if self._stopping is not None:
                await asyncio.wait([self._stopping])
            raise

    def __repr__(self) -> str:
        return f"<Hub {self.holder} of {len(self._held):,} conversations over {self._log!r}>"

    async def _use(self, name: str) -> Held:
        """Return a conversation's place in memory, which is empty where it was not held."""
        if not self._tasks:
            await self._start()
        if self._stopping:
            raise HubStopped(f"{self.holder} has been stopped")
        held = self._held.get(name)
        if held is None:
            self._log.check_name(name)
            held = self._held[name] = Held(name, self._terms)
        elif held.ended is not None:
            self._drop(held)
            if held.writes or held.busy:
                self._ended.add(held)
            held = self._held[name] = Held(name, self._terms)
        held.used = asyncio.get_running_loop().time()
        self._held.move_to_end(name)
        return held

    async def _start(self) -> None:
        """Begin to live, before there is anything to hold."""
        async with self._starting:
            if not self._tasks and not self._stopping:
                await self._pulse.beat()
                if self._stopping:  # meanwhile
                    await self._pulse.end()
                    return
                keeping = self._pulse.keep(self._doubt)
                self._tasks = [asyncio.create_task(keeping), asyncio.create_task(self._tidy())]

    def _doubt(self) -> None:
        """Have all that is followed keep up with the log: another may write it now."""
        for held in self._held.values():
            held.doubt()

    async def _tidy(self) -> None:
        """Let go of what nobody uses, and of more while there is too much."""
        loop = asyncio.get_running_loop()
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._idle / 4):
                    await self._untidy.wait()
            self._untidy.clear()
            before = loop.time() - self._idle
            done = [each for each in self._held.values() if each.used <= before or each.ended]
            idle = [each for each in (*done, *self._ended) if not each.busy]
            for start in range(0, len(idle), _AT_ONCE):
                await asyncio.gather(*(self._evict(each) for each in idle[start : start + _AT_ONCE]))
            await self._shrink()

    async def _make_room(self) -> None:
        """Let go of others until there is room for one more; raise HubFull where all are in use."""
        if not await self._shrink():
            raise HubFull(
                f"{self.holder} holds {len(self._held):,} conversations, about {self._weight / 1e6:,.0f} MB, "
                f"and all are in use; it may take {self._memory / 1e6:,.0f} MB (memory=)"
            )

    async def _shrink(self) -> bool:
        """Evict those used longest ago until the rest is within the budget; tell whether it is."""
        tried: set[Held] = set()
        while self._weight > self._memory:
            enough = self._longest_unused(self._weight - self._memory, tried)
            if not enough:
                return False
            for held in enough:
                if self._weight <= self._memory:
                    break
                tried.add(held)
                await self._evict(held)
        return True

    def _longest_unused(self, weight: int, tried: set[Held]) -> list[Held]:
        """Return those used longest ago that weigh so much together. Cost: how many lie before the last."""
        found: list[Held] = []
        for held in self._held.values():
            if weight <= 0:
                break
            if not held.empty and not held.followers and held not in tried:
                found.append(held)
                weight -= held.weight
        return found

    async def _evict(self, held: Held, *, also_in_use: bool = False) -> None:
        if await held.let_go(also_in_use=also_in_use):
            self._evicted += 1
            self._drop(held)

    async def _finish(self, held: Held) -> None:
        await held.written()
        held.end(HubStopped(f"{self.holder} has been stopped"))
        await held.let_go(also_in_use=True)
        self._drop(held)

    def _weighed(self, held: Copy) -> None:
        self._weight += held.weight - self._weights.get(held, 0)
        self._weights[held] = held.weight
        if self._weight > self._memory:
            self._untidy.set()

    def _drop(self, held: Held) -> None:
        self._weight -= self._weights.pop(held, 0)
        self._ended.discard(held)
        if self._held.get(held.name) is held:
            del self._held[held.name]

    def _forget_if_empty(self, held: Held) -> None:
        """Drop the place of what could not be read, or has ended; not while it has a lease to give back."""
        if held.empty and not held.busy:
            if not held.writes:
                self._drop(held)
            elif held.ended:
                self._untidy.set()


def _pair(given: Any) -> tuple[Any, float | None]:
    if not (isinstance(given, tuple) and len(given) == 2):  # pyright: ignore[reportUnknownArgumentType]
        kind = type(given).__name__  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        raise TypeError(f"feed_all() takes pairs of an event and its time, or None, not {kind}")
    return given  # pyright: ignore[reportUnknownVariableType]
