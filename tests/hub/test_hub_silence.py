"""A hub that was silent for longer than its lease: another may have written, so it asks the log again."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from rtstate import Snapshot
from rtstate.errors import ConversationGone, LeaseHeld, LogUnavailable
from rtstate.hub import Hub
from rtstate.hub._pulse import Pulse
from rtstate.logs import Log, MemoryLog, Record, open_log
from rtstate.logs._log import Page
from tests.hub.processes import numbered, numbers
from tests.hub.support import CALL, until
from tests.logs.test_kills import KINDS, urls

pytestmark = pytest.mark.anyio

LEASE = 0.3


async def taking_over(url: str) -> None:
    """Write one event as somebody else, who keeps the lease."""
    async with open_log(url) as log:
        await log.beat("heir", 60)
        async with asyncio.timeout(10):
            while True:
                with suppress(LeaseHeld):
                    lease = await log.acquire(CALL, "heir")
                    break
                await asyncio.sleep(0.01)
        await log.append(CALL, [Record.of(numbered(1))], expected=1, lease=lease)


async def deleting(url: str) -> None:
    await asyncio.sleep(LEASE * 1.2)
    async with open_log(url) as log, Hub(log) as hub:
        assert await hub.delete(CALL)


async def stood_still(log: Log, patch: pytest.MonkeyPatch, meanwhile: Coroutine[Any, Any, None]) -> None:
    """Its loop is held up, by whatever it runs."""
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, meanwhile).result()


async def was_unheard(log: Log, patch: pytest.MonkeyPatch, meanwhile: Coroutine[Any, Any, None]) -> None:
    """Its beats do not arrive, though all else does."""

    async def fail(holder: str, ttl: float) -> None:
        raise LogUnavailable("no room")

    patch.setattr(log, "beat", fail)
    await meanwhile


SILENT = pytest.mark.parametrize("was_silent", [stood_still, was_unheard])
Silence = Callable[[Log, pytest.MonkeyPatch, Coroutine[Any, Any, None]], Awaitable[None]]


@asynccontextmanager
async def followed(url: str, revision: int) -> AsyncIterator[tuple[Log, Hub, asyncio.Task[Snapshot]]]:
    """A hub that has written one event, and somebody who follows it there up to a revision."""
    async with open_log(url) as log, Hub(log, lease=LEASE) as hub:
        await hub.feed(CALL, numbered(0))
        following = asyncio.create_task(until(hub.follow(CALL, 1000), revision, seconds=10))
        await asyncio.sleep(0.05)
        yield log, hub, following


@SILENT
@pytest.mark.parametrize("kind", KINDS)
async def test_who_was_silent_asks_the_log_again(
    kind: str, was_silent: Silence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with urls(kind, tmp_path) as url:
        async with followed(url, 2) as (log, hub, following):
            await was_silent(log, monkeypatch, taking_over(url))
            assert numbers(await hub.snapshot(CALL)) == [0, 1]
            assert numbers(await following) == [0, 1]
            for use in (hub.open(CALL), hub.feed(CALL, numbered(-1))):
                with pytest.raises(LeaseHeld):
                    await use
            assert hub.stats.writing == 0
            await log.release(await log.acquire(CALL, "heir"))
            await hub.feed(CALL, numbered(2))
            assert numbers(await hub.snapshot(CALL)) == [0, 1, 2]


@SILENT
@pytest.mark.parametrize("kind", KINDS)
async def test_who_was_silent_hears_that_a_conversation_was_deleted(
    kind: str, was_silent: Silence, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with urls(kind, tmp_path) as url:
        async with followed(url, 99) as (log, hub, following):
            await was_silent(log, monkeypatch, deleting(url))
            with pytest.raises(ConversationGone):
                await following
            with pytest.raises(ConversationGone):
                await hub.snapshot(CALL)
            assert (await hub.feed(CALL, numbered(1))).revision == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_who_was_silent_and_was_not_missed_goes_on(kind: str, tmp_path: Path) -> None:
    with urls(kind, tmp_path) as url:
        async with open_log(url) as log, Hub(log, lease=LEASE) as hub:
            await hub.feed(CALL, numbered(0))
            following = asyncio.create_task(until(hub.follow(CALL, 1000), 61, seconds=20))
            for number in range(1, 61):
                if number % 20 == 0:
                    time.sleep(LEASE * 1.2)
                await hub.feed(CALL, numbered(number))
                await asyncio.sleep(0.001 * (number % 3))
                assert hub.stats.writing == 1
            assert numbers(await following) == numbers(await hub.snapshot(CALL)) == [*range(61)]


async def test_what_is_written_while_the_hub_comes_to_is_applied_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has followers, who are to keep up with the log from then on; its own event is in there."""
    log = MemoryLog()
    append = log.append

    async def slow(*args: Any, **options: Any) -> None:
        await append(*args, **options)
        await asyncio.sleep(LEASE)  # and at some time in this it says that it lives

    async with log, Hub(log, lease=LEASE) as hub:
        await hub.feed(CALL, numbered(0))
        following = asyncio.create_task(until(hub.follow(CALL, 1000), 4, seconds=10))
        await asyncio.sleep(0)
        monkeypatch.setattr(log, "append", slow)
        for number in range(1, 4):
            time.sleep(LEASE * 1.2)
            assert (await hub.feed(CALL, numbered(number))).revision == number + 1
        assert numbers(await following) == numbers(await hub.snapshot(CALL)) == [0, 1, 2, 3]


async def test_a_hub_that_is_heard_asks_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its copy is all there is: a snapshot costs no question, and its followers read no log."""
    log, asked = MemoryLog(), 0
    page = log._page

    async def counted(*args: Any) -> Page:
        nonlocal asked
        asked += 1
        return await page(*args)

    monkeypatch.setattr(log, "_page", counted)
    async with log, Hub(log, lease=LEASE) as hub:
        await hub.feed(CALL, numbered(0))
        following = asyncio.create_task(until(hub.follow(CALL, 1000), 30))
        before = asked
        for number in range(1, 30):
            await hub.feed(CALL, numbered(number))
            assert len(numbers(await hub.snapshot(CALL))) == number + 1
            await asyncio.sleep(LEASE / 10)
        await following
        assert asked == before


async def test_a_life_ends_with_the_time_of_its_last_beat(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("rtstate.hub._pulse.monotonic", lambda: now)
    async with MemoryLog() as log:
        pulse = Pulse(log, "me", 10)
        lives = [pulse.life()]
        for passed in (0, 9.9, 9.9, 10, 0):
            now += passed
            lives.append(pulse.life())
            await pulse.beat()
            lives.append(pulse.life())
        await pulse.end()
        assert [*lives, pulse.life()] == [0, 0, 1, 1, 1, 1, 1, 0, 2, 2, 2, 0]


async def test_a_beat_is_good_from_before_it_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The log may have had it then; one whose answer took longer than the lease is good for nothing."""
    now = 100.0
    monkeypatch.setattr("rtstate.hub._pulse.monotonic", lambda: now)

    class Slow(MemoryLog):
        async def _beat(self, holder: str, ttl: float) -> None:
            nonlocal now
            now += 6
            await super()._beat(holder, ttl)

    async with Slow() as log:
        pulse = Pulse(log, "me", 10)
        await pulse.beat()
        assert pulse.life() == 1
        now += 4
        assert pulse.life() == 0


@pytest.mark.parametrize("kind", KINDS)
async def test_who_leaves_with_a_log_beside_it_leaves_no_lease_behind(kind: str, tmp_path: Path) -> None:
    """``async with log, hub`` that is cancelled as the hub stops: the log is closed only after that."""
    with urls(kind, tmp_path) as url:
        async with open_log(url) as elsewhere, Hub(elsewhere) as other:
            for steps in range(0, 30, 3):
                call, in_it = f"call {steps}", asyncio.Event()

                async def use(call: str = call, in_it: asyncio.Event = in_it) -> None:
                    async with open_log(url) as log, Hub(log, lease=1000) as hub:
                        await hub.feed(call, numbered(0))
                        in_it.set()

                using = asyncio.create_task(use())
                await in_it.wait()
                for _ in range(steps):
                    await asyncio.sleep(0)
                using.cancel()
                await asyncio.wait([using])
                assert (await other.feed(call, numbered(1))).revision == 2
