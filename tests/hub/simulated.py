"""Hubs in a time of their own, so that whatever may happen at once does, again and again, and in no time."""

import asyncio
import warnings
from collections import defaultdict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from random import Random
from selectors import DefaultSelector
from typing import Any, Final, TypeVar

from rtstate import Conversation, Replica, Snapshot
from rtstate.errors import (
    ConversationGone,
    HubFull,
    HubStopped,
    LeaseHeld,
    LeaseLost,
    LogUnavailable,
    StaleWriter,
)
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Lease, MemoryLog, Record, Summary
from rtstate.logs._log import Page

LEASE: Final = 3.0
NAMES: Final = ("one call", "another")
_REFUSED: Final = (LeaseHeld, LeaseLost, StaleWriter, HubFull)

Result = TypeVar("Result")


class Clock(asyncio.SelectorEventLoop):
    """A loop whose time goes on as soon as nobody has anything to do."""

    def __init__(self) -> None:
        self.now = 1000.0
        super().__init__(_Leap(self))

    def time(self) -> float:
        return self.now


class _Leap(DefaultSelector):
    """It waits by setting the clock."""

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def select(self, timeout: float | None = None) -> Any:
        assert timeout is not None, "nobody will ever go on"
        self._clock.now += max(timeout, 0)
        return super().select(0)


class Distant(MemoryLog):
    """A log that takes its time, and now and then cannot be reached, or its answer is lost."""

    def __init__(self, random: Random) -> None:
        super().__init__()
        self.random = random
        self.fails = 0.0
        self.mute: set[str] = set()
        self.births: dict[str, list[list[int]]] = defaultdict(lambda: [[]])
        """Which events each conversation of a name has got, the last one's last."""

    async def _far(self, work: Callable[[], Awaitable[Result]]) -> Result:
        await self._pause()
        self._may_fail("not reached")
        result = await work()
        await self._pause()
        self._may_fail("its answer is lost")
        return result

    async def _pause(self) -> None:
        kind = self.random.random()
        if kind < 0.05:
            await asyncio.sleep(self.random.random() * LEASE)
        elif kind < 0.2:
            await asyncio.sleep(self.random.random() * 0.01)
        else:
            for _ in range(self.random.choice((0, 0, 1, 1, 2, 5))):
                await asyncio.sleep(0)

    def _may_fail(self, how: str) -> None:
        if self.random.random() < self.fails:
            raise LogUnavailable(how)

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        async def work() -> int:
            last = await MemoryLog._append(self, name, records, expected, lease)
            self.births[name][-1] += [number_of(record.raw) for record in records]
            return last

        return await self._far(work)

    async def _page(self, name: str, after: int, size: int) -> Page:
        return await self._far(lambda: MemoryLog._page(self, name, after, self.random.choice((1, 500, size))))

    async def _load(self, name: str) -> Checkpoint | None:
        return await self._far(lambda: MemoryLog._load(self, name))

    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
        return await self._far(lambda: MemoryLog._checkpoint(self, name, checkpoint, lease))

    async def _trim(self, name: str) -> int:
        return await self._far(lambda: MemoryLog._trim(self, name))

    async def _summary(self, name: str) -> Summary | None:
        return await self._far(lambda: MemoryLog._summary(self, name))

    async def _delete(self, name: str, lease: Lease | None) -> bool:
        async def work() -> bool:
            there = await MemoryLog._delete(self, name, lease)
            self.births[name].append([])
            return there

        return await self._far(work)

    async def _beat(self, holder: str, ttl: float) -> None:
        if holder in self.mute:
            raise LogUnavailable("unheard")
        return await self._far(lambda: MemoryLog._beat(self, holder, ttl))

    async def _acquire(self, name: str, holder: str) -> Lease:
        return await self._far(lambda: MemoryLog._acquire(self, name, holder))

    async def _release(self, lease: Lease) -> None:
        return await self._far(lambda: MemoryLog._release(self, lease))


def event(number: int) -> dict[str, str]:
    """An event without an id, whose text says which it is."""
    where = {"item_id": "item_1", "response_id": "resp_1"}
    return {"type": "response.output_text.delta", **where, "delta": f"{number} "}


def number_of(raw: bytes) -> int:
    return int(raw.rpartition(b'"delta":"')[2].split()[0])


def numbers(snapshot: Snapshot) -> list[int]:
    """Which events are in a document, as they were applied."""
    texts = [part.text or "" for item in snapshot.items for part in item.content]
    return [int(each) for text in texts for each in text.split()]


class World:
    """Some hubs over one log, who feeds and follows them, and whatever disturbs them."""

    def __init__(self, seed: int, *, deletes: bool = False) -> None:
        self.random = Random(seed)
        self.log = Distant(self.random)
        self.deletes = deletes
        self.hubs = [self._new_hub() for _ in range(2)]
        self.acknowledged: dict[str, list[int]] = defaultdict(list)
        self.refused: set[int] = set()
        self.fed = 0
        self.views: list[tuple[str, Replica, asyncio.Task[None]]] = []

    def _new_hub(self) -> Hub:
        every, memory = self.random.choice((1, 5, 1000)), self.random.choice((1, 30_000, 1 << 30))
        history, trim = self.random.choice((1, 100)), self.random.random() < 0.3
        return Hub(
            self.log,
            lease=LEASE,
            idle=20.0,
            memory=memory,
            checkpoint_every=every,
            trim=trim,
            history=history,
        )

    async def live(self) -> None:
        """Let things happen, and see that all is well in the end."""
        async with asyncio.timeout(10_000):
            await self._live()

    async def _live(self) -> None:
        self.log.fails = self.random.choice((0.0, 0.0, 0.02))
        actors = [self._feeds, self._feeds, self._feeds, self._reads, self._disturbs, self._follows]
        await asyncio.gather(*(actor() for actor in actors))
        self.log.fails = 0.0
        self.log.mute.clear()
        await self._settle()
        await self._stop()

    def _hub(self) -> Hub:
        return self.random.choice(self.hubs)

    async def _wait(self) -> None:
        await asyncio.sleep(self.random.choice((0, 0, 0.001, 0.1, LEASE)) * self.random.random())

    async def _feeds(self) -> None:
        for _ in range(self.random.randrange(10, 60)):
            name, self.fed = self.random.choice(NAMES), self.fed + 1
            number = self.fed
            patience = None if self.random.random() < 0.8 else self.random.random() * 0.1
            try:
                change = await asyncio.wait_for(self._hub().feed(name, event(number)), patience)
            except _REFUSED:
                self.refused.add(number)
            except (LogUnavailable, TimeoutError, HubStopped, ConversationGone):
                pass  # it may be kept or not
            else:
                assert change.revision
                self.acknowledged[name].append(number)
            await self._wait()

    async def _reads(self) -> None:
        for _ in range(30):
            name = self.random.choice(NAMES)
            before = list(self.acknowledged[name])
            with suppress(ConversationGone, LogUnavailable, HubFull, HubStopped):
                snapshot = await self._hub().snapshot(name)
                assert self.deletes or set(before) <= set(numbers(snapshot))
                self._expect_whole(name, snapshot)
            await self._wait()

    async def _disturbs(self) -> None:
        deeds: list[Callable[[Hub, str], Coroutine[Any, Any, object]]] = [
            *(lambda hub, name: hub.close(name), lambda hub, name: hub.open(name)),
            *(lambda hub, name: hub._shrink(), lambda hub, name: self.log.trim(name)),
            *(self._stands_still, self._is_unheard, self._restarts),
            lambda hub, name: asyncio.wait_for(hub.open(name), self.random.random() * 0.01),
        ]
        if self.deletes:
            deeds += [lambda hub, name: hub.delete(name)] * 3
        for _ in range(15):
            deed = self.random.choice(deeds)
            with suppress(LogUnavailable, TimeoutError, HubStopped, ConversationGone, *_REFUSED):
                await deed(self._hub(), self.random.choice(NAMES))
            await self._wait()

    async def _stands_still(self, hub: Hub, name: str) -> None:
        asyncio.get_running_loop().now += LEASE * self.random.choice((0.5, 1.2))  # type: ignore[attr-defined]

    async def _is_unheard(self, hub: Hub, name: str) -> None:
        self.log.mute.add(hub.holder)
        await asyncio.sleep(LEASE * self.random.choice((0.5, 1.5)))
        self.log.mute.discard(hub.holder)

    async def _restarts(self, hub: Hub, name: str) -> None:
        self.hubs[self.hubs.index(hub)] = self._new_hub()
        await hub.stop()
        assert (hub.stats.held, hub.stats.writing, hub.stats.followers, hub.stats.memory) == (0, 0, 0, 0)

    async def _follows(self) -> None:
        for _ in range(12):
            name, replica = self.random.choice(NAMES), Replica(Conversation().snapshot())
            rate = self.random.choice((1.0, 1000.0))
            task = asyncio.create_task(self._view(self._hub(), name, replica, rate))
            self.views.append((name, replica, task))
            await self._wait()
            if self.random.random() < 0.3:
                task.cancel()

    async def _view(self, hub: Hub, name: str, replica: Replica, rate: float) -> None:
        with suppress(HubStopped, ConversationGone, HubFull, LogUnavailable):
            updates = hub.follow(name, rate)
            try:
                async for update in updates:
                    replica.apply(update)
                    self._expect_whole(name, replica.snapshot())
            finally:
                await updates.aclose()

    def _expect_whole(self, name: str, snapshot: Snapshot) -> None:
        """See that a document has events of one conversation, from the first on, each once."""
        found = numbers(snapshot)
        assert any(found == written[: len(found)] for written in self.log.births[name])

    async def _settle(self) -> None:
        """See that every reader has the same document, and in it what is in the log, each once."""
        for hub in self.hubs:
            hub._memory = 1 << 30
        await asyncio.sleep(3 * LEASE)
        for name in NAMES:
            written = self.log.births[name][-1]
            assert len(set(written)) == len(written)
            assert not self.refused & set(written)
            if not self.deletes:
                assert set(self.acknowledged[name]) <= set(written)
            if not written:
                continue
            snapshots = [await self._surely(hub, name) for hub in self.hubs]
            assert [numbers(each) for each in snapshots] == [written] * len(snapshots)
            await asyncio.sleep(3)
            for viewed, replica, task in self.views:
                if viewed == name and not task.done():
                    assert replica.snapshot() == snapshots[0]

    async def _surely(self, hub: Hub, name: str) -> Snapshot:
        """Return a document, also from a hub that has yet to hear that the one before it was deleted."""
        with suppress(ConversationGone):
            return await hub.snapshot(name)
        return await hub.snapshot(name)

    async def _stop(self) -> None:
        for hub in self.hubs:
            await hub.stop()
            assert (hub.stats.held, hub.stats.writing, hub.stats.followers, hub.stats.memory) == (0, 0, 0, 0)
            assert not hub._weights
        for _, _, task in self.views:
            with suppress(asyncio.CancelledError):
                await task
        await asyncio.sleep(0)
        assert asyncio.all_tasks() == {asyncio.current_task()}
        assert not [lease for lease in self.log._leases.values() if self._lives(lease.holder)]

    def _lives(self, holder: str) -> bool:
        return self.log._alive.get(holder, 0) > asyncio.get_running_loop().time()


def run(seed: int, *, deletes: bool = False) -> World:
    """Let a world of this seed live; it is the same one each time."""
    clock = Clock()
    failures: list[dict[str, Any]] = []
    clock.set_exception_handler(lambda loop, context: failures.append(context))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            world = World(seed, deletes=deletes)
            clock.run_until_complete(world.live())
    finally:
        clock.close()
    assert not failures, failures
    return world
