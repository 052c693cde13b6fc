"""Several hubs, and anything that can happen to them: the log, and every reader, stay of one mind."""

import asyncio
from contextlib import suppress
from typing import Final

from hypothesis import given
from hypothesis import strategies as st

from rtstate import Snapshot
from rtstate.errors import ConversationGone, HubFull, HubStopped, LeaseHeld
from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from tests.hub.support import EVENTS, expected, kept, until

NAMES: Final = ("one call", "another")
_DEEDS = st.one_of(
    st.tuples(st.just("feed"), st.integers(0, 1), st.sampled_from(NAMES), st.integers(1, 40)),
    st.tuples(
        st.sampled_from(("open", "close", "stop", "die", "read", "follow", "squeeze", "trim", "delete")),
        st.integers(0, 1),
        st.sampled_from(NAMES),
        st.just(0),
    ),
)


class World:
    """Two hubs that come and go, one log, and what was acknowledged."""

    def __init__(self, every: int) -> None:
        self.log = MemoryLog()
        self.every = every
        self.hubs = [self.new_hub() for _ in range(2)]
        self.acknowledged: dict[str, int] = dict.fromkeys(NAMES, 0)
        self.followers: list[tuple[str, asyncio.Task[object]]] = []

    def new_hub(self) -> Hub:
        return Hub(self.log, lease=60, checkpoint_every=self.every)

    async def do(self, deed: str, which: int, name: str, count: int) -> None:
        hub = self.hubs[which]
        with suppress(LeaseHeld, ConversationGone):
            match deed:
                case "feed":
                    for _ in range(count):
                        await hub.feed(name, EVENTS[self.acknowledged[name] % len(EVENTS)])
                        self.acknowledged[name] += 1
                case "open":
                    await hub.open(name)
                case "close":
                    await hub.close(name)
                case "stop":
                    await hub.stop()
                    self.hubs[which] = self.new_hub()
                case "die":
                    await self.kill(hub)
                    self.hubs[which] = self.new_hub()
                case "read":
                    assert (await hub.snapshot(name)).revision == self.state(name).revision
                case "follow":
                    following = until(hub.follow(name, rate=10_000), self.state(name).revision + 5)
                    self.followers.append((name, asyncio.create_task(following)))
                case "squeeze":
                    with suppress(HubFull):
                        await hub._shrink()
                case "trim":
                    await self.log.trim(name)
                case _:
                    await hub.delete(name)
                    self.acknowledged[name] = 0

    async def kill(self, hub: Hub) -> None:
        """As kill -9 does: no word to anybody; its leases run out."""
        for task in hub._tasks:
            task.cancel()
        for held in tuple(hub._held.values()):
            held.end(HubStopped("killed"))
            await held._stop_tailing()
        self.log._alive.pop(hub.holder, None)

    def state(self, name: str) -> Snapshot:
        return expected([EVENTS[place % len(EVENTS)] for place in range(self.acknowledged[name])])

    async def check(self) -> None:
        for name in NAMES:
            count = self.acknowledged[name]
            summary = await self.log.summary(name)
            assert (summary.last if summary else 0) == count
            if summary and summary.first == 1:
                events = [EVENTS[place % len(EVENTS)].encode() for place in range(count)]
                assert await kept(self.log, name) == events
            for hub in self.hubs:
                if count:
                    assert await hub.snapshot(name) == self.state(name)

    async def end(self) -> None:
        for hub in self.hubs:
            await hub.stop()
        for name, following in self.followers:
            following.cancel()
            with suppress(asyncio.CancelledError, HubStopped, ConversationGone, AssertionError):
                snapshot = await following
                assert snapshot.order[:1] == self.state(name).order[:1]


@given(st.lists(_DEEDS, min_size=3, max_size=25), st.sampled_from((1, 7, 1000)))
def test_whatever_happens_nothing_acknowledged_is_lost(
    deeds: list[tuple[str, int, str, int]], every: int
) -> None:
    async def live() -> None:
        world = World(every)
        for deed in deeds:
            await world.do(*deed)
        await world.check()
        await world.end()

    asyncio.run(asyncio.wait_for(live(), 60))
