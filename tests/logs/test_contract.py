"""What every log promises, by the numbers of its docstring; each of them has to pass all of it."""

import asyncio
import contextlib
import re
from collections.abc import AsyncGenerator, Callable

import pytest

from rtstate.errors import (
    ConversationGone,
    HistoryGone,
    LeaseHeld,
    LeaseLost,
    LogBehind,
    LogClosed,
    StaleWriter,
)
from rtstate.logs import Checkpoint, Lease, Log, Record
from rtstate.logs._log import summaries_of
from tests.logs.support import Store, eventually, everything, filled, numbers, record, records, taken

pytestmark = pytest.mark.anyio

CALL = "call"


def test_every_promise_is_tested_and_no_other() -> None:
    promised = re.findall(r"^\s*(\d+)\. ", str(Log.__doc__), re.MULTILINE)
    tested = {match[1].lstrip("0") for name in globals() if (match := re.match(r"test_(\d\d)_", name))}
    assert promised == [str(number + 1) for number in range(len(promised))]
    assert tested == set(promised)


# 1 to 4: writing


async def test_01_appending_numbers_the_events(log: Log) -> None:
    assert await log.append(CALL, records(1, 3), expected=0) == 3
    assert await log.append(CALL, [record(4)], expected=3) == 4
    assert numbers(await everything(log, CALL)) == [1, 2, 3, 4]


async def test_01_an_empty_batch_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="at least one event"):
        await log.append(CALL, [], expected=0)


@pytest.mark.parametrize("expected", [0, 1, 2, 4, 100])
async def test_02_a_stale_writer_is_refused(log: Log, other: Log, expected: int) -> None:
    await filled(log, CALL, 3)
    for each in (log, other):
        with pytest.raises(StaleWriter) as refused:
            await each.append(CALL, [record(9)], expected=expected)
        assert (refused.value.expected, refused.value.last) == (expected, 3)
    assert numbers(await everything(log, CALL)) == [1, 2, 3]


async def test_02_what_never_was_ends_at_none(log: Log) -> None:
    with pytest.raises(StaleWriter):
        await log.append(CALL, [record(1)], expected=1)
    assert await log.summary(CALL) is None


@pytest.mark.parametrize("bad", [None, "text", object()])
async def test_03_a_batch_with_something_else_in_it_is_refused_whole(log: Log, bad: Record) -> None:
    with pytest.raises(TypeError):
        await log.append(CALL, [record(1), bad], expected=0)
    with pytest.raises(TypeError):
        await log.append(CALL, [record(1), Record("text")], expected=0)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="at is a time"):
        await log.append(CALL, [record(1), Record(b"", at=float("nan"))], expected=0)
    assert await everything(log, CALL) == []


async def test_03_a_batch_whose_writer_is_cancelled_is_kept_whole_or_not_at_all(log: Log) -> None:
    """Whenever that is: before it is sent, on its way, or once it is done."""
    last = 0
    for turns in range(30):
        writer = asyncio.create_task(log.append(CALL, records(last + 1, last + 5, 1000), expected=last))
        for _ in range(turns):
            await asyncio.sleep(0)
        writer.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await writer
        before = last
        last = await settled(log, CALL)
        assert last in (before, before + 5)
    assert numbers(await everything(log, CALL)) == list(range(1, last + 1))


async def settled(log: Log, name: str) -> int:
    """The end of a conversation, once a write on its way has come or gone: they keep their order."""
    with pytest.raises(StaleWriter) as refused:
        await log.append(name, [record(0)], expected=1 << 40)
    return refused.value.last


async def test_04_of_writers_that_race_one_wins(log: Log, other: Log) -> None:
    for last in range(0, 40, 2):
        racing = [
            each.append(CALL, records(last + 1, last + 2), expected=last) for each in (log, other, log, other)
        ]
        results = await asyncio.gather(*racing, return_exceptions=True)
        assert results.count(last + 2) == 1
        assert sum(isinstance(each, StaleWriter) for each in results) == 3
    assert numbers(await everything(log, CALL)) == list(range(1, 41))


# 5 to 8: reading


async def test_05_others_read_what_was_acknowledged(log: Log, other: Log) -> None:
    for last in range(50):
        await log.append(CALL, [record(last + 1)], expected=last)
        assert numbers(await everything(other, CALL, last)) == [last + 1]


async def test_05_it_is_there_when_the_log_is_opened_again(store: Store) -> None:
    if store.kind == "memory":
        pytest.skip("a log in memory ends with its object, and says so: durable is False")
    async with store.open() as log:
        assert log.durable
        await filled(log, CALL, 3)
        await log.checkpoint(CALL, Checkpoint(2, b"two"))
    async with store.open() as log:
        assert numbers(await everything(log, CALL)) == [1, 2, 3]
        assert await log.load(CALL) == Checkpoint(2, b"two")


EVENTS = [
    Record(b""),
    Record(b"\x00\xff\xfe not JSON", None, -1.5),
    Record(b'{"type": "ping"}', "ping", 1_760_000_000.123456),
    Record(b"{}", "", 0.0),
    Record("\ud800 ü 🎧".encode("utf-8", "surrogatepass"), "type with \n, \x00 and ü 🎧", 1e15 + 0.3),
    Record(b"x" * 3_000_000, "large", 5e-324),
]


async def test_06_events_come_back_as_they_were_given(log: Log, other: Log) -> None:
    await log.append(CALL, EVENTS[:3], expected=0)
    await log.append(CALL, EVENTS[3:], expected=3)
    back = await everything(other, CALL)
    assert [Record(entry.raw, entry.type, entry.at) for entry in back] == EVENTS


async def test_06_a_type_that_is_no_text_at_all_is_refused(log: Log) -> None:
    with pytest.raises(ValueError, match="type"):
        await log.append(CALL, [Record(b"{}", "\ud800")], expected=0)


@pytest.mark.parametrize("size", [0, 30_000])
async def test_07_reading_goes_on_from_anywhere(log: Log, size: int) -> None:
    """Also from within a batch, and over many pages."""
    await log.append(CALL, records(1, 20, size), expected=0)
    for last in range(20, 100, 5):
        await log.append(CALL, records(last + 1, last + 5, size), expected=last)
    for after in (0, 1, 7, 19, 20, 21, 23, 99, 100):
        assert numbers(await everything(log, CALL, after)) == list(range(after + 1, 101))


async def test_07_of_what_never_was_there_is_nothing(log: Log) -> None:
    assert await everything(log, CALL) == []
    assert await log.load(CALL) is None
    assert await log.summary(CALL) is None
    assert await log.trim(CALL) == 0


async def test_07_reading_sees_what_came_meanwhile_at_most_once(log: Log) -> None:
    await filled(log, CALL, 100, 30_000)
    reading = log.read(CALL)
    first = await taken(reading, 1)
    await log.append(CALL, records(101, 200), expected=100)
    rest = [entry async for entry in reading]
    assert numbers([*first, *rest]) == list(range(1, len(rest) + 2))
    assert len(rest) >= 99


async def test_08_nothing_is_read_after_the_end_or_before_what_is_kept(log: Log) -> None:
    await filled(log, CALL, 5)
    with pytest.raises(LogBehind, match="ends at 5; there is no event 6"):
        await everything(log, CALL, 6)
    with pytest.raises(LogBehind):
        await everything(log, "nobody", 1)
    await log.checkpoint(CALL, Checkpoint(5, b""))
    await log.trim(CALL)
    with pytest.raises(HistoryGone, match="before 6"):
        await everything(log, CALL, 0)
    assert await everything(log, CALL, 5) == []


# 9 and 10: following


async def test_09_a_tail_gives_what_is_there_and_what_comes(log: Log, other: Log) -> None:
    await filled(log, CALL, 3)
    async with asyncio.timeout(30), contextlib.aclosing(other.tail(CALL, 1)) as tail:
        assert numbers(await taken(tail, 2)) == [2, 3]
        for last in range(3, 30, 3):
            writer = log if last % 2 else other
            await writer.append(CALL, records(last + 1, last + 3), expected=last)
            assert numbers(await taken(tail, 3)) == [last + 1, last + 2, last + 3]


async def test_09_a_tail_may_be_there_first(log: Log, other: Log) -> None:
    async with asyncio.timeout(30), contextlib.aclosing(other.tail(CALL)) as tail:
        first = asyncio.create_task(taken(tail, 1))
        await asyncio.sleep(0.1)
        await log.append(CALL, [record(1)], expected=0)
        assert numbers(await first) == [1]


async def test_09_many_tails_see_the_same_while_it_is_written(log: Log, other: Log) -> None:
    async def write() -> None:
        for last in range(0, 300, 3):
            await log.append(CALL, records(last + 1, last + 3), expected=last)

    async def follow(reader: Log) -> list[int]:
        async with contextlib.aclosing(reader.tail(CALL)) as tail:
            return numbers(await taken(tail, 300))

    async with asyncio.timeout(60):
        _, *seen = await asyncio.gather(write(), *(follow(each) for each in (log, other) * 5))
    assert seen == [list(range(1, 301))] * 10


async def test_10_a_tail_that_is_not_read_holds_nobody_up(log: Log, other: Log) -> None:
    async with asyncio.timeout(60), contextlib.aclosing(other.tail(CALL)) as tail:
        await log.append(CALL, [record(1, 10_000)], expected=0)
        assert numbers(await taken(tail, 1)) == [1]
        for last in range(1, 401, 4):
            await log.append(CALL, records(last + 1, last + 4, 10_000), expected=last)
        assert numbers(await taken(tail, 400)) == list(range(2, 402))


# 11 and 12: checkpoints


async def test_11_the_newest_checkpoint_is_kept(log: Log, other: Log) -> None:
    await filled(log, CALL, 5)
    await log.checkpoint(CALL, Checkpoint(3, b"three"))
    assert await other.load(CALL) == Checkpoint(3, b"three")
    await other.checkpoint(CALL, Checkpoint(2, b"two"))
    assert await log.load(CALL) == Checkpoint(3, b"three")
    large = bytes(range(256)) * 10_000
    await log.checkpoint(CALL, Checkpoint(5, large))
    assert await other.load(CALL) == Checkpoint(5, large)
    with pytest.raises(ValueError, match="ends at 5"):
        await log.checkpoint(CALL, Checkpoint(6, b"six"))


async def test_11_of_nothing_there_is_no_checkpoint(log: Log) -> None:
    with pytest.raises(ConversationGone):
        await log.checkpoint(CALL, Checkpoint(0, b""))


async def test_12_only_what_a_checkpoint_holds_is_trimmed(log: Log, other: Log) -> None:
    for last in range(10):
        await log.append(CALL, [record(last + 1)], expected=last)
    assert await log.trim(CALL) == 0
    await log.checkpoint(CALL, Checkpoint(6, b"six"))
    assert await log.trim(CALL) == 6
    assert await other.trim(CALL) == 0
    assert numbers(await everything(other, CALL, 6)) == [7, 8, 9, 10]
    assert await log.append(CALL, [record(11)], expected=10) == 11
    await log.checkpoint(CALL, Checkpoint(11, b"eleven"))
    assert await log.trim(CALL) == 5
    summary = await log.summary(CALL)
    assert summary is not None
    assert (summary.first, summary.last, summary.checkpoint) == (12, 11, 11)
    assert await log.append(CALL, [record(12)], expected=11) == 12
    assert numbers(await everything(other, CALL, 11)) == [12]


async def test_12_trimming_within_a_batch_loses_nothing_after_it(log: Log) -> None:
    await filled(log, CALL, 10)
    await log.checkpoint(CALL, Checkpoint(6, b"six"))
    assert await log.trim(CALL) <= 6
    assert numbers(await everything(log, CALL, 6)) == [7, 8, 9, 10]


async def test_12_a_tail_that_was_overtaken_is_told(log: Log, other: Log) -> None:
    await filled(log, CALL, 1)
    async with asyncio.timeout(30), contextlib.aclosing(other.tail(CALL)) as tail:
        await taken(tail, 1)
        await log.append(CALL, records(2, 9), expected=1)
        await log.checkpoint(CALL, Checkpoint(9, b""))
        await log.trim(CALL)
        with pytest.raises(HistoryGone):
            await anext(tail)


# 13 and 14: all of them


async def test_13_each_conversation_is_named_once(log: Log, other: Log) -> None:
    expected = {f"call {number}" for number in range(300)}
    for name in expected:
        await log.append(name, [record(1)], expected=0)
    await log.append("call 7", [record(2)], expected=1)
    await log.acquire("has no events", "me")
    assert sorted([name async for name in other.names()]) == sorted(expected)


async def test_13_a_summary_tells_how_far_it_goes(log: Log, other: Log) -> None:
    batch = records(1, 3)
    await log.append(CALL, batch, expected=0)
    await log.beat("me", 60)
    await log.acquire(CALL, "me")
    summary = await other.summary(CALL)
    assert summary is not None
    assert (summary.name, summary.first, summary.last, summary.checkpoint) == (CALL, 1, 3, 0)
    assert summary.size == sum(len(each.raw) for each in batch)
    assert summary.holder == "me"
    await log.append(CALL, [record(4)], expected=3)
    later = await other.summary(CALL)
    assert later is not None
    assert summary.started == later.started <= summary.updated <= later.updated


async def test_13_all_summaries_at_once_are_those_of_each(log: Log, other: Log) -> None:
    assert [each async for each in summaries_of(other)] == []
    names = {f"call {number}" for number in range(250)}
    for name in names:
        await log.append(name, records(1, 3), expected=0)
    await log.checkpoint("call 7", Checkpoint(2, b"two"))
    await log.trim("call 7")
    await log.beat("me", 60)
    await log.acquire("call 8", "me")
    await log.acquire("has no events", "me")
    told = {each.name: each async for each in summaries_of(other)}
    assert told == {name: await other.summary(name) for name in names}
    assert (told["call 7"].checkpoint, told["call 8"].holder) == (2, "me")


async def test_14_deleting_takes_everything_and_the_name_begins_anew(log: Log, other: Log) -> None:
    await filled(log, CALL, 5)
    await filled(log, "another", 2)
    await log.checkpoint(CALL, Checkpoint(4, b"four"))
    assert await other.delete(CALL)
    assert not await log.delete(CALL)
    assert await log.load(CALL) is None
    assert await everything(log, CALL) == []
    assert [name async for name in log.names()] == ["another"]
    assert await log.append(CALL, [record(1)], expected=0) == 1
    assert await log.load(CALL) is None


@pytest.mark.parametrize("again", [0, 1, 3, 9])
async def test_14_a_tail_of_what_was_deleted_ends(log: Log, other: Log, again: int) -> None:
    """Also where the name was taken again meanwhile, and goes further."""
    await filled(log, CALL, 3)
    async with asyncio.timeout(30), contextlib.aclosing(other.tail(CALL)) as tail:
        await taken(tail, 3)
        await log.delete(CALL)
        if again:
            await filled(log, CALL, again)
        with pytest.raises(ConversationGone):
            await anext(tail)


async def test_14_the_lease_of_what_was_deleted_is_lost(log: Log, other: Log) -> None:
    await log.beat("me", 60)
    lease = await log.acquire(CALL, "me")
    await log.append(CALL, [record(1)], expected=0, lease=lease)
    await other.delete(CALL)
    with pytest.raises(LeaseLost):
        await log.append(CALL, [record(1)], expected=0, lease=lease)
    await log.beat("me", 60)
    anew = await log.acquire(CALL, "me")
    with pytest.raises(LeaseLost):
        await log.append(CALL, [record(1)], expected=0, lease=lease)
    assert await log.append(CALL, [record(1)], expected=0, lease=anew) == 1


# 15 to 17: leases


async def test_15_one_holder_has_the_lease(log: Log, other: Log) -> None:
    await log.beat("one", 60)
    await other.beat("two", 60)
    lease = await log.acquire(CALL, "one")
    with pytest.raises(LeaseHeld, match="'one'") as refused:
        await other.acquire(CALL, "two")
    assert refused.value.holder == "one"
    await log.append(CALL, [record(1)], expected=0, lease=lease)
    await log.release(lease)
    await other.append(CALL, [record(2)], expected=1, lease=await other.acquire(CALL, "two"))


async def test_15_of_many_that_want_it_one_gets_it(log: Log, other: Log) -> None:
    holders = [f"holder {number}" for number in range(10)]
    for holder in holders:
        await log.beat(holder, 60)
    wanted = [(log if number % 2 else other).acquire(CALL, each) for number, each in enumerate(holders)]
    results = await asyncio.gather(*wanted, return_exceptions=True)
    [lease] = [each for each in results if isinstance(each, Lease)]
    assert [each.holder for each in results if isinstance(each, LeaseHeld)] == [lease.holder] * 9


async def test_16_the_leases_of_the_dead_are_free(log: Log, other: Log) -> None:
    await log.beat("one", 0.2)
    await other.beat("two", 60)
    first = await log.acquire(CALL, "one")
    await log.append(CALL, [record(1)], expected=0, lease=first)

    async def taken_over() -> bool:
        with contextlib.suppress(LeaseHeld):
            await other.acquire(CALL, "two")
            return True
        return False

    await eventually(taken_over)
    with pytest.raises(LeaseLost):
        await log.append(CALL, [record(2)], expected=1, lease=first)
    await log.beat("one", 60)
    with pytest.raises(LeaseHeld, match="'two'"):
        await log.acquire(CALL, "one")


async def test_16_whoever_beats_on_keeps_its_leases(log: Log, other: Log) -> None:
    await other.beat("two", 60)
    await log.beat("one", 0.5)
    await log.acquire(CALL, "one")
    for _ in range(10):
        await asyncio.sleep(0.1)
        await log.beat("one", 0.5)
    with pytest.raises(LeaseHeld):
        await other.acquire(CALL, "two")
    await log.beat("one", 0)
    await other.acquire(CALL, "two")


async def test_16_who_never_was_alive_holds_nothing(log: Log, other: Log) -> None:
    await log.acquire(CALL, "one")
    await other.beat("two", 60)
    assert (await other.acquire(CALL, "two")).holder == "two"


async def test_17_who_has_lost_a_lease_can_neither_write_nor_checkpoint(log: Log, other: Log) -> None:
    await log.beat("one", 60)
    old = await log.acquire(CALL, "one")
    await log.append(CALL, records(1, 3), expected=0, lease=old)
    new = await other.acquire(CALL, "one")  # the same holder, which forgot that it had it
    assert new.epoch > old.epoch
    with pytest.raises(LeaseLost):
        await log.append(CALL, [record(4)], expected=3, lease=old)
    with pytest.raises(LeaseLost):
        await log.checkpoint(CALL, Checkpoint(3, b""), lease=old)
    await log.release(old)  # which is not the one that holds
    await other.append(CALL, [record(4)], expected=3, lease=new)
    await other.checkpoint(CALL, Checkpoint(4, b""), lease=new)
    await other.release(new)
    with pytest.raises(LeaseLost):
        await other.append(CALL, [record(5)], expected=4, lease=new)


# 18 and 19: names


NAMES = [
    *(
        "a",
        "A",
        "{a}",
        "}{",
        "a}b{c",
        "%7B",
        "a:b",
        "a b",
        "a*",
        "a?",
        "[a]",
        "a\\",
        "a/b",
        "../a",
        "'",
        '"',
        "--",
    ),
    *("ü", "u\u0308", "日本", "🎧", "x" * 255, "events", "meta", "0", "null"),
]


@pytest.mark.parametrize(
    "bad", ["", "x" * 256, "a\nb", "a\x00", "\ud800", "\x1b[31m", "\u202e", None, b"a", 7]
)
async def test_18_what_cannot_be_a_name_is_refused(log: Log, bad: str) -> None:
    calls: list[Callable[[], object]] = [
        lambda: log.append(bad, [record(1)], expected=0),
        lambda: everything(log, bad),
        lambda: anext(log.tail(bad)),
        lambda: log.load(bad),
        lambda: log.checkpoint(bad, Checkpoint(0, b"")),
        lambda: log.trim(bad),
        lambda: log.summary(bad),
        lambda: log.delete(bad),
        lambda: log.acquire(bad, "me"),
        lambda: log.acquire(CALL, bad),
        lambda: log.beat(bad, 1),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="a name is 1 to 255 printable characters"):
            await call()  # type: ignore[misc]


async def test_19_conversations_do_not_disturb_each_other(log: Log, other: Log) -> None:
    for number, name in enumerate(NAMES, 1):
        await filled(log, name, number)
        await log.checkpoint(name, Checkpoint(1, name.encode()))
    assert sorted([name async for name in other.names()]) == sorted(NAMES)
    for number, name in enumerate(NAMES, 1):
        assert len(await everything(other, name)) == number
        assert await other.load(name) == Checkpoint(1, name.encode())
        assert await other.delete(name)
        assert len([each async for each in other.names()]) == len(NAMES) - number


# 20: closing


async def test_20_closing_ends_everything(store: Store) -> None:
    log = store.open()
    await filled(log, CALL, 2)
    tails: list[AsyncGenerator[object]] = [log.tail(CALL), log.tail("nobody")]
    waiting = [asyncio.create_task(anext(log.tail(CALL, 2))), asyncio.create_task(anext(tails[1]))]  # type: ignore[arg-type]
    await anext(tails[0])
    await asyncio.sleep(0.05)
    await log.close()
    await log.close()
    async with asyncio.timeout(30):
        for each in waiting:
            with pytest.raises(LogClosed):
                await each
    later: list[Callable[[], object]] = [
        lambda: log.append(CALL, [record(3)], expected=2),
        lambda: everything(log, CALL),
        lambda: log.load(CALL),
        lambda: log.acquire(CALL, "me"),
        lambda: log.beat("me", 1),
        lambda: anext(log.names()),
        lambda: anext(summaries_of(log)),
    ]
    for call in later:
        with pytest.raises(LogClosed):
            await call()  # type: ignore[misc]
