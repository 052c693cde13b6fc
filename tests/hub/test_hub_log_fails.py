"""A log that fails, is slow, or loses its answers: the state stays what the log has, and nobody hangs."""

import asyncio
import logging
from collections.abc import Sequence

import pytest

from rtstate.errors import (
    HubStopped,
    LeaseHeld,
    LeaseLost,
    LogUnavailable,
)
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Lease, MemoryLog, Record
from tests.hub.support import CALL, EVENTS, expected, feed, kept, said

pytestmark = pytest.mark.anyio


class Faulty(MemoryLog):
    """A log that can be stopped, slow, or lose its answers."""

    def __init__(self) -> None:
        super().__init__()
        self.open_to_writers = asyncio.Event()
        self.open_to_writers.set()
        self.fails: str | None = None
        self.appends = 0
        self.checkpoints: list[int] = []
        self.asked = 0

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        self.asked += len(records)
        await self.open_to_writers.wait()
        self.appends += 1
        if self.fails == "before":
            raise LogUnavailable("it is away")
        last = await super()._append(name, records, expected, lease)
        if self.fails == "after":
            raise LogUnavailable("its answer was lost")
        return last

    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
        if self.fails is not None:
            raise LogUnavailable("it is away")
        self.checkpoints.append(checkpoint.seq)
        await super()._checkpoint(name, checkpoint, lease)

    async def _load(self, name: str) -> Checkpoint | None:
        if self.fails is not None:
            raise LogUnavailable("it is away")
        return await super()._load(name)

    async def _release(self, lease: Lease) -> None:
        if self.fails == "all":
            raise LogUnavailable("it is away")
        await super()._release(lease)

    async def _beat(self, holder: str, ttl: float) -> None:
        if self.fails is not None:
            raise LogUnavailable("it is away")
        await super()._beat(holder, ttl)


async def test_checkpoints_are_taken_as_often_as_was_asked_for() -> None:
    log = Faulty()
    async with Hub(log, checkpoint_every=100) as hub:
        await feed(hub)
        assert log.checkpoints[:3] == [100, 200, 300]
        assert len(log.checkpoints) in (5, 6)
    assert log.checkpoints[-1] == len(EVENTS)


async def test_a_large_conversation_is_saved_less_often() -> None:
    """Its checkpoints cost what it holds, so that they stay a fraction of the work however long it gets."""
    log = Faulty()
    async with Hub(log, checkpoint_every=10) as hub:
        await hub.feed(CALL, said("x" * 2_000_000))
        await hub.feed_all(CALL, [(said("y"), None)] * 1000)
        assert log.checkpoints == []


@pytest.mark.parametrize("fails", ["before", "after"])
async def test_a_log_that_fails_leaves_the_state_as_the_log_has_it(fails: str) -> None:
    log = Faulty()
    async with Hub(log) as hub:
        await feed(hub, EVENTS[:10])
        log.fails = fails
        with pytest.raises(LogUnavailable):
            await hub.feed(CALL, EVENTS[10])
        assert await hub.snapshot(CALL) == expected(EVENTS[: len(await kept(log))])
        log.fails = None
        await hub.feed(CALL, EVENTS[10])  # which has an id, so that once is enough
        await feed(hub, EVENTS[11:20])
        assert await hub.snapshot(CALL) == expected(EVENTS[:20])
    assert len(await kept(log)) == (20 if fails == "before" else 21)


async def test_a_hub_survives_a_log_that_is_away_at_every_turn(caplog: pytest.LogCaptureFixture) -> None:
    log = Faulty()
    hub = Hub(log, lease=0.03, idle=0.05, checkpoint_every=5)
    with caplog.at_level(logging.WARNING, "rtstate.hub"):
        await feed(hub, EVENTS[:9])
        log.fails = "before"
        await asyncio.sleep(0.2)
        assert "could not say that it lives: it is away" in caplog.text
        log.fails = None
        await feed(hub, EVENTS[9:30])
        log.fails = "before"
        await hub.stop()
    assert "no checkpoint was taken" in caplog.text
    log.fails = None
    async with Hub(log) as heir:
        assert await heir.snapshot(CALL) == expected(EVENTS[:30])


async def test_a_hub_that_cannot_begin_says_so_and_can_be_tried_again() -> None:
    log = Faulty()
    log.fails = "before"
    async with Hub(log) as hub:
        with pytest.raises(LogUnavailable):
            await hub.feed(CALL, EVENTS[0])
        log.fails = None
        await hub.feed(CALL, EVENTS[0])


async def test_a_conversation_that_cannot_be_read_is_left_to_others() -> None:
    log = Faulty()
    async with Hub(log, idle=0.2) as hub, Hub(log, holder="another") as other:
        for each in (hub, other):
            await each.feed(each.holder, EVENTS[0])  # both live
        for fails in ("before", "all"):  # it is read in vain, or can neither be read nor given back at once
            log.fails = fails
            with pytest.raises(LogUnavailable):
                await hub.open(fails)
            log.fails = None
            if fails == "all":
                with pytest.raises(LeaseHeld):
                    await other.open(fails)
                async with asyncio.timeout(10):
                    while hub.stats.writing:
                        await asyncio.sleep(0.01)
            await other.feed(fails, EVENTS[0])


async def test_feeding_waits_while_too_much_waits_for_the_log() -> None:
    """What is not taken yet stays with those who feed: the hub has a bounded amount of it."""
    log = Faulty()
    async with Hub(log, backlog=10_000) as hub:
        await hub.open(CALL)
        log.open_to_writers.clear()
        event = said("x" * 900)
        feeding = [asyncio.ensure_future(hub.feed(CALL, event)) for _ in range(100)]
        await asyncio.sleep(0.05)
        held = hub._held[CALL]
        waiting, asked = held._backlog, log.asked
        small = asyncio.ensure_future(hub.feed("another", said("Hi")))
        await asyncio.sleep(0.05)
        log.open_to_writers.set()
        assert 8_500 < waiting <= 10_000
        assert asked < 11
        await asyncio.gather(small, *feeding)
        assert (await hub.snapshot(CALL)).items[0].content[0].text == "x" * 90_000
        assert log.appends < 100


async def test_one_event_larger_than_the_backlog_is_taken_alone() -> None:
    async with Hub(MemoryLog(), backlog=1000) as hub:
        await asyncio.gather(*(hub.feed(CALL, said("x" * 5000)) for _ in range(5)))
        assert len((await hub.snapshot(CALL)).items[0].content[0].text or "") == 25_000


async def test_a_caller_that_is_cancelled_loses_nobodys_events() -> None:
    log = Faulty()
    async with Hub(log) as hub:
        await hub.open(CALL)
        log.open_to_writers.clear()
        feeding = [asyncio.ensure_future(hub.feed(CALL, said(str(number)))) for number in range(10)]
        await asyncio.sleep(0.01)
        for task in feeding[::2]:
            task.cancel()
        log.open_to_writers.set()
        results = await asyncio.gather(*feeding, return_exceptions=True)
        assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False] * 5
        assert (await hub.snapshot(CALL)).items[0].content[0].text == "0123456789"


async def test_the_end_of_the_loop_ends_what_waits() -> None:
    """As when a program is interrupted: nobody hangs, and what is told to have failed is not applied."""
    log = Faulty()
    hub = Hub(log)
    await hub.open(CALL)
    log.open_to_writers.clear()
    feeding = asyncio.ensure_future(hub.feed(CALL, said("Hi")))
    await asyncio.sleep(0.01)
    writing = hub._held[CALL]._writing
    assert writing is not None
    writing.cancel()
    with pytest.raises(HubStopped, match="the event loop has ended"):
        await asyncio.wait_for(feeding, 5)
    log.open_to_writers.set()
    await hub.stop()


async def test_losing_the_lease_again_and_again_is_told() -> None:
    class Stolen(MemoryLog):
        async def _append(
            self, name: str, records: Sequence[Record], expected: int, lease: Lease | None
        ) -> int:
            raise LeaseLost(name, "me")

    async with Hub(Stolen()) as hub:
        with pytest.raises(LeaseLost):
            await asyncio.wait_for(hub.feed(CALL, said("Hi")), 5)
