"""Hubs that are fed, followed, disturbed at once: every document has what is in the log, each event once."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate.hub import _pulse
from rtstate.logs import memory
from tests.hub import simulated


@pytest.fixture(autouse=True, scope="module")
def time_of_the_loop() -> object:
    with pytest.MonkeyPatch.context() as patch:
        for module in (_pulse, memory):
            patch.setattr(module, "monotonic", lambda: asyncio.get_running_loop().time())
        yield


@given(st.integers(0, 1 << 32))
def test_nothing_is_lost_or_applied_twice(seed: int) -> None:
    simulated.run(seed)


@given(st.integers(0, 1 << 32))
def test_conversations_of_one_name_do_not_mix(seed: int) -> None:
    simulated.run(seed, deletes=True)


@pytest.mark.parametrize(("seed", "deletes"), [(6, False), (9, False), (82, True), (1167, True)])
def test_what_once_went_wrong(seed: int, deletes: bool) -> None:
    simulated.run(seed, deletes=deletes)


def test_a_seed_tells_all_that_happens() -> None:
    one, other = simulated.run(5), simulated.run(5)
    assert one.log.births == other.log.births
    assert one.acknowledged == other.acknowledged
    assert sum(map(len, one.acknowledged.values())) > 20
