import asyncio
import contextlib
from collections.abc import Sequence

import pytest

from rtstate.logs._group import MOST, Group

pytestmark = pytest.mark.anyio


class Doubling:
    """Doubles numbers, slowly; negative ones it cannot, and 13 it cannot stand."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.done: list[int] = []

    async def __call__(self, jobs: Sequence[int]) -> list[object]:
        self.batches.append(list(jobs))
        self.done += jobs
        await asyncio.sleep(0.001)
        if 13 in jobs:
            raise OSError("thirteen")
        return [2 * job if job >= 0 else ValueError(job) for job in jobs]


async def test_what_comes_meanwhile_is_done_together_and_in_order() -> None:
    doubling = Doubling()
    group = Group(doubling)
    assert await asyncio.gather(*(group.do(number) for number in range(20, 1220))) == list(range(40, 2440, 2))
    assert [len(batch) for batch in doubling.batches] == [MOST, MOST, 1200 - 2 * MOST]
    assert doubling.done == list(range(20, 1220))


async def test_a_refusal_is_its_own_and_a_failure_everybodys() -> None:
    group = Group(Doubling())
    one, other = await asyncio.gather(group.do(-1), group.do(1), return_exceptions=True)
    assert isinstance(one, ValueError)
    assert other == 2
    failed = await asyncio.gather(group.do(13), group.do(1), return_exceptions=True)
    assert [type(each) for each in failed] == [OSError, OSError]
    assert await group.do(2) == 4


async def test_a_caller_that_is_cancelled_harms_nobody_and_its_job_is_done() -> None:
    doubling = Doubling()
    group = Group(doubling)
    first, second, third = (asyncio.create_task(group.do(number)) for number in (1, 2, 3))
    await asyncio.sleep(0)
    second.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await second
    assert (await first, await third) == (2, 6)
    await group.finish()
    assert doubling.done == [1, 2, 3]


async def test_a_result_that_is_missing_leaves_nobody_waiting() -> None:
    async def forgetful(jobs: Sequence[int]) -> list[object]:
        return [0] * (len(jobs) - 1)

    group = Group(forgetful)
    results = await asyncio.gather(group.do(1), group.do(2), return_exceptions=True)
    assert [type(each) for each in results] == [RuntimeError, RuntimeError]


async def test_finishing_waits_for_all() -> None:
    doubling = Doubling()
    group = Group(doubling)
    jobs = [asyncio.create_task(group.do(number)) for number in range(5)]
    await asyncio.sleep(0)
    await group.finish()
    assert doubling.done == [0, 1, 2, 3, 4]
    assert await asyncio.gather(*jobs) == [0, 2, 4, 6, 8]
