"""A Redis server that has lost its end, as after a power cut, and was written since: who reads on is told.

The outage may be so short that a client's retries hide it, so it is not made here: what the server had is
put back under a log that reads.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from rtstate.errors import HistoryGone, LogBehind
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Log, Record
from rtstate.logs._redis_scripts import PAGE, Keys
from rtstate.logs.redis import RedisLog
from tests.hub.processes import numbered, numbers, replayed
from tests.hub.support import until
from tests.logs.redis_support import asking, log_on, prefix
from tests.logs.support import everything, records, taken
from tests.servers import RedisServer

pytestmark = pytest.mark.anyio

CALL = "call"


@asynccontextmanager
async def losing(server: RedisServer, log: RedisLog) -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Note what the server has now, and give what puts that back in one step."""
    keys = (log._keys.meta(CALL), log._keys.events(CALL))
    async with asking(server) as client:
        dumps = [await client.dump(key) for key in keys]

        async def lose() -> None:
            async with client.pipeline(transaction=True) as step:
                for key, dump in zip(keys, dumps, strict=True):
                    step.restore(key, 0, dump, replace=True)
                await step.execute()

        yield lose


async def appended(log: Log, *batches: tuple[int, int]) -> None:
    for first, last in batches:
        assert await log.append(CALL, records(first, last), expected=first - 1) == last


@pytest.mark.parametrize(
    "since",
    [
        ((4, 6),),  # as it was, but for what it is
        ((4, 6), (7, 9)),
        ((4, 9),),  # one batch over the place
        ((4, 4), (5, 8)),
        ((4, 5), (6, 6), (7, 7)),
    ],
    ids=str,
)
async def test_a_tail_is_told_of_another_event_at_its_place(
    redis_server: RedisServer, since: tuple[tuple[int, int], ...]
) -> None:
    async with log_on(redis_server, prefix()) as log:
        await appended(log, (1, 3))
        async with losing(redis_server, log) as lose, aclosing(log.tail(CALL)) as tail:
            await appended(log, (4, 6))
            await taken(tail, 6)
            await lose()
            await appended(log, *since)
            with pytest.raises(LogBehind, match="'call' has another event 6 than was read"):
                await asyncio.wait_for(anext(tail), 10)
            assert len(await everything(log, CALL)) == since[-1][1]


async def test_a_tail_goes_on_over_a_trim_and_from_within_a_batch(redis_server: RedisServer) -> None:
    """There is nothing to compare with, and nothing wrong."""
    async with log_on(redis_server, prefix()) as log:
        await appended(log, (1, 6))
        async with aclosing(log.tail(CALL)) as tail, aclosing(log.tail(CALL, 2)) as within:
            await taken(tail, 6)
            await taken(within, 4)
            await log.checkpoint(CALL, Checkpoint(6, b"six"))
            assert await log.trim(CALL) == 6
            await appended(log, (7, 7))
            for each in (tail, within):
                assert [entry.seq for entry in await taken(each, 1)] == [7]
            with pytest.raises(HistoryGone):
                await everything(log, CALL, 5)


@pytest.mark.parametrize("more", [3, 4, 9])
async def test_a_follower_is_shown_what_there_is_now(redis_server: RedisServer, more: int) -> None:
    """A patch would go on from what is lost, also where there are as many events as before."""
    async with log_on(redis_server, mine := prefix()) as log, log_on(redis_server, mine) as elsewhere:
        for number in range(5):
            await log.append(CALL, [Record.of(numbered(number))], expected=number)
        async with losing(redis_server, log) as lose, Hub(elsewhere, history=1000) as hub:
            for number in range(5, 8):
                await log.append(CALL, [Record.of(numbered(number))], expected=number)
            async with aclosing(hub.follow(CALL, 1000)) as updates:
                assert numbers(await until(hub.follow(CALL, 1000), 8)) == [*range(8)]
                assert (await anext(updates)).revision == 8
                await lose()
                batch = [Record.of(numbered(number)) for number in range(100, 100 + more)]
                await log.append(CALL, batch, expected=5)
                update = await asyncio.wait_for(anext(updates), 10)
                assert update.snapshot is not None
                there = await replayed(log, CALL)
                assert update.snapshot.to_json() == there.to_json()
                assert (await hub.snapshot(CALL)).to_json() == there.to_json()


async def test_what_a_place_is_known_by_costs_no_more_than_that(redis_server: RedisServer) -> None:
    """The server tells the name of a batch, not the batch."""
    async with log_on(redis_server, mine := prefix()) as log, asking(redis_server) as client:
        await log.append(CALL, records(1, 2, size=50_000), expected=0)
        await everything(log, CALL, 2)
        told = await client.execute_command("EVALSHA", *_page_after(mine, 2))
        assert told[3] == (await client.xrange(Keys(mine).events(CALL)))[0][1][b"batch"]
        assert told[4] == []


def _page_after(mine: str, seq: int) -> tuple[str | int, ...]:
    return (PAGE.sha, 2, Keys(mine).meta(CALL), Keys(mine).events(CALL), seq, 1000)
