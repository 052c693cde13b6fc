"""What happens to a hub's conversations at once: calls that meet, are cancelled, or come as it stops."""

import asyncio
from pathlib import Path

import pytest

from rtstate.errors import ConversationGone, HubStopped
from rtstate.hub import Hub
from rtstate.logs import open_log
from rtstate.logs.sqlite import SqliteLog
from tests.hub.processes import numbered, numbers
from tests.hub.support import CALL, until
from tests.logs.test_kills import KINDS, urls

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("kind", KINDS)
async def test_opening_while_it_is_let_go_of_leaves_it_with_the_hub(kind: str, tmp_path: Path) -> None:
    """Or it would keep a lease that nobody can give back."""
    with urls(kind, tmp_path) as url:
        async with open_log(url) as log, open_log(url) as elsewhere, Hub(log) as hub, Hub(elsewhere) as other:
            await hub.feed(CALL, numbered(0))
            for use in (hub.open, hub.snapshot):
                await asyncio.gather(hub.close(CALL), use(CALL))
                assert hub.stats.held == 1
                await asyncio.gather(use(CALL), hub.close(CALL))
                assert (hub.stats.memory > 0) is (hub.stats.held > 0)
                await hub.close(CALL)
                assert (hub.stats.held, hub.stats.memory) == (0, 0)
                await other.open(CALL)
                await other.close(CALL)


@pytest.mark.parametrize("kind", KINDS)
async def test_the_name_of_what_was_deleted_is_free(kind: str, tmp_path: Path) -> None:
    """The hub that finds it gone has just got the lease of the name, and gives it back."""
    with urls(kind, tmp_path) as url:
        async with open_log(url) as log, open_log(url) as elsewhere, Hub(log) as hub, Hub(elsewhere) as other:
            await hub.feed(CALL, numbered(0))
            await elsewhere.delete(CALL)
            with pytest.raises(ConversationGone):
                await hub.feed(CALL, numbered(1))
            assert hub.stats.writing == 0
            await other.feed(CALL, numbered(2))


@pytest.mark.parametrize("kind", KINDS)
async def test_who_is_cancelled_takes_nothing_from_others(kind: str, tmp_path: Path) -> None:
    """A call that is cancelled at any point leaves followers following and no lease behind."""
    with urls(kind, tmp_path) as url:
        async with open_log(url) as log, open_log(url) as elsewhere, Hub(log) as hub, Hub(elsewhere) as other:
            await other.feed(CALL, numbered(0))
            following = asyncio.create_task(until(hub.follow(CALL, 1000), 41))
            for number in range(1, 40):
                await other.feed(CALL, numbered(number))
                reading = asyncio.create_task(hub.snapshot(CALL))
                for _ in range(number % 8):
                    await asyncio.sleep(0)
                reading.cancel()
                await asyncio.wait([reading])
            revision = (await other.feed(CALL, numbered(40))).revision
            assert revision == 41
            assert numbers(await asyncio.wait_for(following, 20)) == [*range(41)]
            for number in range(30):
                opening = asyncio.create_task(hub.open(f"call {number}"))
                await asyncio.sleep(0.0002 * number)
                opening.cancel()
                await asyncio.wait([opening])
                await hub.close(f"call {number}")
                assert (await other.feed(f"call {number}", numbered(0))).revision == 1


async def test_a_hub_that_is_stopped_as_it_starts_leaves_nothing_behind(tmp_path: Path) -> None:
    async with SqliteLog(tmp_path / "calls.db") as log:
        hub = Hub(log)
        feeding = asyncio.create_task(hub.feed(CALL, numbered(0)))
        await asyncio.sleep(0)
        await hub.stop()
        with pytest.raises(HubStopped):
            await feeding
        assert all(task.done() for task in hub._tasks)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_stop_that_is_cancelled_is_done_all_the_same(kind: str, tmp_path: Path) -> None:
    """As by a timeout around it. Or its leases would be kept alive, and nobody could write."""
    with urls(kind, tmp_path) as url:
        async with open_log(url) as log, open_log(url) as elsewhere, Hub(elsewhere) as other:
            for steps in range(0, 40, 3):
                hub, call = Hub(log), f"call {steps}"
                await hub.feed(call, numbered(0))
                stopping = asyncio.create_task(hub.stop())
                for _ in range(steps):
                    await asyncio.sleep(0)
                stopping.cancel()
                await asyncio.wait([stopping])
                async with asyncio.timeout(10):
                    await hub.stop()
                assert hub.stats.held == 0
                assert all(task.done() for task in hub._tasks)
                assert (await other.feed(call, numbered(1))).revision == 2


async def test_who_stops_a_hub_that_is_being_stopped_waits_for_it_too(tmp_path: Path) -> None:
    async with SqliteLog(tmp_path / "calls.db") as log, Hub(log) as other:
        hub = Hub(log)
        await hub.feed(CALL, numbered(0))
        first = asyncio.create_task(hub.stop())
        await asyncio.sleep(0)
        await hub.stop()
        assert (await other.feed(CALL, numbered(1))).revision == 2
        await first
