"""Following a conversation at the pace of a screen. The clock is the loop's own, and here it is virtual."""

import asyncio
import gc
import heapq
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from typing import Any

import pytest

from rtstate import Change, Conversation, Replica, Snapshot, Update, simulate
from rtstate._watch import updated, watch
from tests.helpers import added, delta, state, user

HI = added(user(text="Hi"), after=None)


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while everybody sleeps, and then at once."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.turns = 0

    def time(self) -> float:
        return self.now

    def _run_once(self) -> None:
        self.turns += 1
        while self._scheduled and self._scheduled[0]._cancelled:
            heapq.heappop(self._scheduled)._scheduled = False
            self._timer_cancelled_count = max(0, self._timer_cancelled_count - 1)
        if not self._ready and self._scheduled:
            self.now = max(self.now, self._scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


def play(main: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
    with asyncio.Runner(loop_factory=Clock) as runner:
        return runner.run(main())


def now() -> float:
    return asyncio.get_running_loop().time()


class Viewer:
    """Who watches: a replica, and when each update came."""

    def __init__(
        self, updates: AsyncGenerator[Update], replica: Replica | None = None, slow: float = 0
    ) -> None:
        self.updates, self.replica, self.slow = updates, replica, slow
        self.seen: list[tuple[float, Update]] = []
        self.task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for update in self.updates:
            self.seen.append((round(now() - 100, 6), update))
            if self.replica is None:
                assert update.snapshot is not None
                self.replica = Replica(update.snapshot)
            else:
                assert self.replica.apply(update)
            await asyncio.sleep(self.slow)

    async def stop(self) -> None:
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)
        await self.updates.aclose()

    @property
    def times(self) -> list[float]:
        return [at for at, _ in self.seen]

    @property
    def steps(self) -> list[tuple[int | None, int]]:
        return [(update.since, update.revision) for _, update in self.seen]


def followers(conversation: Conversation) -> int:
    return len(conversation._subscribers)


async def settle() -> None:
    gc.collect()
    for _ in range(5):
        await asyncio.sleep(0)


# What comes


def test_first_a_snapshot_then_what_changes() -> None:
    async def main() -> None:
        conversation = state(HI)
        viewer = Viewer(conversation.watch(rate=10))
        await asyncio.sleep(1)
        conversation.feed(delta("a"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert viewer.steps == [(None, 1), (1, 2)]  # at once: the screen has been still for long
        conversation.feed(delta("b"))
        conversation.feed(delta("c"))
        await asyncio.sleep(1)
        assert viewer.steps == [(None, 1), (1, 2), (2, 4)]
        assert viewer.times == [0.0, 1.0, 1.1]
        assert viewer.replica is not None
        assert viewer.replica.snapshot() == conversation.snapshot()
        await viewer.stop()

    play(main)


@pytest.mark.parametrize("rate", [3, 20, 1000, float("inf")])
def test_all_updates_lead_to_the_conversation_and_none_comes_too_soon(rate: float) -> None:
    async def main() -> None:
        conversation = Conversation()
        viewer = Viewer(conversation.watch(rate))
        await asyncio.sleep(0)
        call = simulate.session(seed=3, turns=4)
        for at, each in call.timed:
            await asyncio.sleep(max(0.0, at + 100 - now()))
            conversation.feed(each)
        await asyncio.sleep(1)
        assert viewer.replica is not None
        assert viewer.replica.snapshot() == conversation.snapshot()
        gaps = [after - before for before, after in zip(viewer.times, viewer.times[1:], strict=False)]
        assert min(gaps) >= 1 / rate - 1e-6
        busy = len(viewer.seen)
        await asyncio.sleep(60)
        assert len(viewer.seen) == busy
        await viewer.stop()

    play(main)


@pytest.mark.parametrize(
    ("since", "steps"),
    [
        (None, [(None, 4), (4, 5)]),
        (4, [(4, 5)]),
        (2, [(2, 4), (4, 5)]),
        (1, [(None, 4), (4, 5)]),  # the history keeps two changes
        (5, [(None, 4), (4, 5)]),  # of another life
        (-1, [(None, 4), (4, 5)]),
    ],
)
def test_who_has_a_revision_goes_on_from_there(since: int | None, steps: list[Any]) -> None:
    async def main() -> None:
        conversation = state(HI, delta("a"), delta("b"), delta("c"), history=2)
        seen: list[Any] = []

        async def look() -> None:
            async for update in conversation.watch(since=since):
                seen.append((update.since, update.revision))
                if update.revision == 5:
                    return

        looking = asyncio.create_task(look())
        await asyncio.sleep(1)
        conversation.feed(delta("d"))
        await looking
        assert seen == steps

    play(main)


def test_what_is_watched_from_a_checkpoint_on() -> None:
    async def main() -> None:
        conversation = Conversation.restore(state(HI, delta("a")).checkpoint())
        viewers = [
            Viewer(conversation.watch(since=1)),
            Viewer(conversation.watch(since=2), Replica(conversation.snapshot())),
        ]
        await settle()
        conversation.feed(delta("b"))
        await asyncio.sleep(1)
        assert [viewer.steps for viewer in viewers] == [[(None, 2), (2, 3)], [(2, 3)]]
        for viewer in viewers:
            await viewer.stop()

    play(main)


def test_who_is_slow_gets_all_it_missed_as_one() -> None:
    async def main() -> None:
        conversation = state(HI, history=50)
        slow, fast = Viewer(conversation.watch(rate=20), slow=2), Viewer(conversation.watch(rate=20))
        await asyncio.sleep(0.5)
        for number in range(60):
            conversation.feed(delta("ab"[number % 2]))
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
        for text in "cde":
            conversation.feed(delta(text))
        await asyncio.sleep(5)
        assert slow.steps == [(None, 1), (None, 64)]  # more than the history keeps: a snapshot
        assert slow.times == [0.0, 2.0]
        assert len(fast.seen) > 10
        for _ in range(40):
            conversation.feed(delta("f"))
        await asyncio.sleep(0.1)
        for _ in range(10):
            conversation.feed(delta("f"))
        await asyncio.sleep(5)
        assert slow.steps[2:] == [(64, 104), (104, 114)]
        for viewer in (slow, fast):
            assert viewer.replica is not None
            assert viewer.replica.snapshot() == conversation.snapshot()
            await viewer.stop()

    play(main)


def test_without_a_history_every_update_is_a_snapshot() -> None:
    async def main() -> None:
        conversation = state(HI, history=0)
        viewer = Viewer(conversation.watch())
        await asyncio.sleep(1)
        conversation.feed(delta("a"))
        await asyncio.sleep(1)
        assert viewer.steps == [(None, 1), (None, 2)]
        assert viewer.seen[1][1].snapshot is conversation.snapshot()
        await viewer.stop()

    play(main)


class Anew:
    """A conversation that may be read anew, or end, as what a hub holds."""

    def __init__(self) -> None:
        self.conversation = Conversation()
        self.ended: Exception | None = None
        self.tell: Callable[[Change | None], object] = lambda change: None

    @property
    def revision(self) -> int:
        if self.ended is not None:
            raise self.ended
        return self.conversation.revision

    def snapshot(self) -> Snapshot:
        return self.conversation.snapshot()

    def changes(self, since: int) -> Iterator[Change]:
        return self.conversation.changes(since)

    def subscribe(self, callback: Callable[[Change | None], object]) -> Callable[[], None]:
        self.tell = callback
        return lambda: None

    def read_anew(self, *events: object) -> None:
        self.conversation = Conversation()
        for event in events:
            self.conversation.feed(event)  # type: ignore[arg-type]
        self.tell(None)

    def end(self) -> None:
        self.ended = EOFError("it is over")
        self.tell(None)


@pytest.mark.parametrize("more", [0, 1, 2, 5])
@pytest.mark.parametrize("wait", [0.02, 1])
def test_what_was_read_anew_is_shown_whole(more: int, wait: float) -> None:
    """Whatever its revision is: it is not the same as before that leads to it."""

    async def main() -> None:
        source = Anew()
        source.read_anew(HI, added(user("item_2", text="there")))
        viewer = Viewer(watch(source, 10, None))
        await asyncio.sleep(wait)
        source.read_anew(*[added(user(f"item_{number}", text="anew")) for number in range(3, 3 + more)])
        await asyncio.sleep(2)
        assert viewer.replica is not None
        assert viewer.steps == [(None, 2), (None, more)]
        assert viewer.times == [0, max(wait, 0.1)]  # at the pace of all updates
        assert viewer.replica.snapshot() == source.snapshot()
        await viewer.stop()

    play(main)


@pytest.mark.parametrize("read_anew", [False, True])
@pytest.mark.parametrize("slow", [0, 5])
def test_an_end_is_told_at_once_however_slow_the_pace(read_anew: bool, slow: float) -> None:
    async def main() -> None:
        source = Anew()
        viewer = Viewer(watch(source, 0.01, None), slow=slow)
        await asyncio.sleep(3)
        if read_anew:
            source.read_anew(HI)
            await asyncio.sleep(1)
        source.end()
        await asyncio.sleep(slow)
        await settle()
        assert viewer.task.done()
        with pytest.raises(EOFError):
            await viewer.task
        assert viewer.steps == [(None, 0)]

    play(main)


def test_the_last_change_is_never_lost() -> None:
    """It may come at any time: before the first look, while the screen pauses, while nobody waits."""

    async def main() -> None:
        for turns in range(12):
            conversation = state(HI)
            viewer = Viewer(conversation.watch(rate=100))
            for _ in range(turns):
                await asyncio.sleep(0.003)
            for text in "abc":
                conversation.feed(delta(text))
                for _ in range(turns % 4):
                    await asyncio.sleep(0)
            await asyncio.sleep(0.1)
            assert viewer.steps[-1][1] == conversation.revision == 4
            await viewer.stop()

    play(main)


def test_who_watches_may_feed() -> None:
    async def main() -> None:
        conversation = state(HI)
        steps: list[Any] = []
        async for update in conversation.watch(rate=10):
            steps.append((round(now() - 100, 6), update.revision))
            if update.revision == 5:
                break
            conversation.feed(delta("a"))
        assert steps == [(0.0, 1), (0.1, 2), (0.2, 3), (0.3, 4), (0.4, 5)]

    play(main)


def test_nobody_is_woken_for_nothing() -> None:
    async def main() -> None:
        loop: Any = asyncio.get_running_loop()
        conversation = state(HI)
        viewer = Viewer(conversation.watch(rate=1000))
        await asyncio.sleep(1)
        before = loop.turns
        for _ in range(100):
            conversation.feed({"type": "ping"})  # changes nothing
        await asyncio.sleep(50)
        assert loop.turns - before < 5
        conversation.feed(delta("a"))
        await asyncio.sleep(50)
        assert loop.turns - before < 15
        assert len(viewer.seen) == 2
        await viewer.stop()

    play(main)


@pytest.mark.parametrize("rate", [0, -1, float("nan")])
def test_a_rate_is_above_zero(rate: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        Conversation().watch(rate)


# Who goes


def test_nobody_is_subscribed_before_the_first_look_nor_after_the_end() -> None:
    async def main() -> None:
        conversation = state(HI)
        updates = conversation.watch()
        assert followers(conversation) == 0
        assert (await anext(updates)).revision == 1
        assert followers(conversation) == 1
        await updates.aclose()
        assert followers(conversation) == 0
        with pytest.raises(StopAsyncIteration):
            await anext(updates)

    play(main)


def test_a_break_ends_it() -> None:
    async def main() -> None:
        conversation = state(HI)
        async for _ in conversation.watch():
            assert followers(conversation) == 1
            break
        await settle()
        assert followers(conversation) == 0

    play(main)


def test_an_error_of_who_watches_is_its_own() -> None:
    async def main() -> None:
        conversation = state(HI)

        async def look() -> None:
            async for _ in conversation.watch():
                raise RuntimeError("not my day")

        with pytest.raises(RuntimeError, match="not my day"):
            await look()
        await settle()
        assert followers(conversation) == 0
        assert conversation.feed(delta("a"))

    play(main)


@pytest.mark.parametrize("after", [0.0, 0.01, 1.0], ids=["at once", "in the pause", "while it waits"])
def test_a_cancelled_watcher_is_gone(after: float) -> None:
    async def main() -> None:
        conversation = state(HI)
        viewers = [Viewer(conversation.watch()) for _ in range(2)]
        await asyncio.sleep(after)
        viewers[0].task.cancel()
        await asyncio.gather(viewers[0].task, return_exceptions=True)
        await viewers[0].updates.aclose()
        await settle()
        assert viewers[0].task.cancelled()
        assert followers(conversation) == 1
        conversation.feed(delta("a"))
        await asyncio.sleep(1)
        assert viewers[1].steps[-1][1] == 2
        await viewers[1].stop()
        assert followers(conversation) == 0

    play(main)


def test_a_loop_that_ends_takes_its_watchers_along(caplog: pytest.LogCaptureFixture) -> None:
    conversation, kept = state(HI), list[Any]()

    async def main() -> None:
        updates = conversation.watch()
        kept.append(updates)
        await anext(updates)
        kept.append(asyncio.create_task(anext(updates)))
        await asyncio.sleep(1)

    play(main)
    assert followers(conversation) == 0
    assert conversation.feed(delta("a"))
    assert caplog.records == []
    play(main)  # and another loop may watch
    assert followers(conversation) == 0


def test_it_keeps_to_a_real_clock_too() -> None:
    async def main() -> None:
        conversation = state(HI)
        start, seen = now(), 0
        async for _ in conversation.watch(rate=200):
            seen += 1
            conversation.feed(delta("a"))
            if seen == 5:
                break
        assert now() - start >= 4 / 200 - 0.002

    asyncio.run(main())


def test_who_is_up_to_date_is_told_nothing_new() -> None:
    conversation = state(added(user(text="Hi")))
    nothing = updated(conversation, 1)
    assert (nothing.since, nothing.revision, nothing.patch()) == (1, 1, [])
    assert updated(conversation, 0).since == 0
    for since in (None, -1, 2):
        assert updated(conversation, since).snapshot is conversation.snapshot()
