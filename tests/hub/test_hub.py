"""Hubs over every log: what is fed is what is there, whoever reads it, and one hub writes at a time."""

import asyncio
import json
from contextlib import aclosing, suppress

import pytest

from rtstate import Conversation, Update, parse_server_event, simulate
from rtstate.errors import (
    ConversationGone,
    HubFull,
    HubStopped,
    LeaseHeld,
    LogDamaged,
)
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Log, MemoryLog, Record
from rtstate.wire import TABLE
from tests.hub.support import CALL, EVENTS, expected, feed, kept, said, until
from tests.logs.support import eventually

pytestmark = pytest.mark.anyio


# Feeding and reading


async def test_what_is_fed_is_kept_as_it_came_and_applied(log: Log) -> None:
    async with Hub(log) as hub:
        conversation = Conversation()
        for number, event in enumerate(EVENTS):
            change = await hub.feed(CALL, event, at=float(number))
            assert change.patch() == conversation.feed(event, at=float(number)).patch()
        assert await hub.snapshot(CALL) == conversation.snapshot()
    assert await kept(log) == [event.encode() for event in EVENTS]
    assert [entry.at async for entry in log.read(CALL)] == list(map(float, range(len(EVENTS))))


async def test_a_batch_is_one_append(log: Log) -> None:
    async with Hub(log) as hub:
        changes = await hub.feed_all(CALL, [(event, None) for event in EVENTS])
        assert changes[-1].revision == expected().revision
        assert await hub.snapshot(CALL) == expected()
        assert await hub.feed_all(CALL, []) == []


async def test_events_that_come_at_once_keep_their_order(log: Log) -> None:
    """Also while the conversation is still being opened."""
    async with Hub(log) as hub:
        await asyncio.gather(*(hub.feed(CALL, event) for event in EVENTS))
        assert await hub.snapshot(CALL) == expected()
    assert await kept(log) == [event.encode() for event in EVENTS]


@pytest.mark.parametrize("bad", ["{", "[]", "null", "\ud800", b"\xff\xfe", '{"type": 7}', "{}", b""])
async def test_what_cannot_be_read_is_kept_and_noted(log: Log, bad: str | bytes) -> None:
    async with Hub(log) as hub:
        change = await hub.feed(CALL, bad)
        assert [anomaly.kind for anomaly in change.anomalies] == ["invalid"]
        await hub.feed(CALL, said("Hi"))
        assert (await hub.snapshot(CALL)).items[0].content[0].text == "Hi"
    assert (await kept(log))[0] == (bad.encode("utf-8", "surrogatepass") if isinstance(bad, str) else bad)


@pytest.mark.parametrize("at", [float("nan"), float("inf"), 1e300, -(1 << 60), None])
async def test_a_time_that_no_clock_shows_is_none(log: Log, at: float | None) -> None:
    async with Hub(log) as hub:
        assert (await hub.feed(CALL, said("Hi"), at)).at is None
    assert [entry.at async for entry in log.read(CALL)] == [None]


async def test_what_is_no_event_at_all_is_refused_before_it_is_kept(log: Log) -> None:
    async with Hub(log) as hub:
        for raw, at in ((object(), None), (said("Hi"), "now"), (said("Hi"), True)):
            with pytest.raises(TypeError):
                await hub.feed(CALL, raw, at)  # type: ignore[arg-type]
        with pytest.raises(ValueError, match="a name is"):
            await hub.feed("", said("Hi"))
        with pytest.raises(ConversationGone, match="there is no conversation 'call'"):
            await hub.snapshot(CALL)
        assert hub.stats.held == 0


async def test_another_hub_reads_all_that_was_acknowledged(log: Log, other: Log) -> None:
    async with Hub(log, checkpoint_every=100) as hub, Hub(other) as reader:
        for place in range(0, len(EVENTS), 50):
            await feed(hub, EVENTS[place : place + 50])
            assert await reader.snapshot(CALL) == expected(EVENTS[: place + 50])
        assert reader.stats.writing == 0


# Letting go and going on


@pytest.mark.parametrize("trim", [False, True])
@pytest.mark.parametrize("every", [1, 50, 10_000])
async def test_a_conversation_that_was_let_go_goes_on_as_if_it_had_not(
    log: Log, every: int, trim: bool
) -> None:
    for dialect in ("ga", "xai"):
        name = f"call {dialect}"
        events = simulate.session(seed=5, turns=6, dialect=dialect).events
        conversation = Conversation()
        async with Hub(log, checkpoint_every=every, trim=trim) as hub:
            for number, event in enumerate(events):
                if number % 37 == 0:
                    await hub.close(name)
                    assert hub.stats.held == 0
                assert (await hub.feed(name, event)).patch() == conversation.feed(event).patch()
        async with Hub(log) as hub:
            assert await hub.snapshot(name) == conversation.snapshot()
            assert (await log.load(name)) is not None


async def test_trimming_keeps_the_log_short(log: Log) -> None:
    async with Hub(log, checkpoint_every=20, trim=True) as hub:
        await feed(hub, EVENTS)
    summary = await log.summary(CALL)
    assert summary is not None
    assert summary.checkpoint == summary.last == len(EVENTS)
    assert summary.first > len(EVENTS) - 40


async def test_a_damaged_checkpoint_is_passed_over_while_the_events_are_there(
    log: Log, caplog: pytest.LogCaptureFixture
) -> None:
    async with Hub(log) as hub:
        await feed(hub, EVENTS[:100])
    await log.append(CALL, [Record.of(EVENTS[100])], expected=100)
    await log.checkpoint(CALL, Checkpoint(101, b"rtstate-checkpoint/1\ndamaged"))
    async with Hub(log) as hub:
        assert await hub.snapshot(CALL) == expected(EVENTS[:101])
        assert "cannot be read; reading all its events" in caplog.text
    await log.trim(CALL)
    async with Hub(log) as hub:
        with pytest.raises(LogDamaged, match="the events before"):
            await hub.snapshot(CALL)


async def test_what_is_damaged_can_be_deleted(log: Log, other: Log) -> None:
    """And is, unless another writes it, which the log knows without reading it."""
    await log.append(CALL, [Record.of(each) for each in EVENTS[:10]], expected=0)
    await log.checkpoint(CALL, Checkpoint(10, b"damaged"))
    await log.trim(CALL)
    async with Hub(log) as hub, Hub(other) as elsewhere:
        with pytest.raises(LogDamaged):
            await hub.open(CALL)
        await elsewhere.feed("another", EVENTS[0])
        await log.acquire(CALL, elsewhere.holder)
        with pytest.raises(LeaseHeld):
            await hub.delete(CALL)
        await elsewhere.close("another")
        await log.release(await log.acquire(CALL, elsewhere.holder))
        assert await hub.delete(CALL)
        assert not await hub.delete(CALL)
        assert hub.stats.held == 0
        assert (await elsewhere.feed(CALL, EVENTS[0])).revision == 1


async def test_a_checkpoint_of_a_strict_conversation_goes_on_with_what_cannot_be_read(log: Log) -> None:
    strict = Conversation(strict=True)
    strict.feed(EVENTS[0])
    await log.append(CALL, [Record.of(EVENTS[0])], expected=0)
    await log.checkpoint(CALL, Checkpoint(1, strict.checkpoint()))
    async with Hub(log) as hub:
        await hub.feed(CALL, "{")
        await hub.feed(CALL, said("Hi"))
        assert (await hub.snapshot(CALL)).items[-1].content[0].text == "Hi"


async def test_idle_conversations_are_let_go_of(log: Log) -> None:
    async with Hub(log, idle=0.2) as hub:
        await asyncio.gather(*(feed(hub, EVENTS[:20], f"call {number}") for number in range(30)))
        assert hub.stats.held == hub.stats.writing == 30

        async def gone() -> bool:
            return hub.stats.held == 0

        await eventually(gone)
        assert (hub.stats.memory, hub.stats.evicted) == (0, 30)
        await feed(hub, EVENTS[20:], "call 7")
        assert await hub.snapshot("call 7") == expected()


async def test_memory_stays_within_its_budget(log: Log) -> None:
    budget = 600_000
    async with Hub(log, memory=budget, checkpoint_every=50) as hub:
        for place in range(0, 60, 20):
            for number in range(40):
                await feed(hub, EVENTS[place : place + 20], f"call {number}")
                assert hub.stats.memory < budget * 1.1
        assert 0 < hub.stats.held < 40
        for number in range(40):
            assert await hub.snapshot(f"call {number}") == expected(EVENTS[:60])


async def test_what_is_in_use_is_not_let_go_of_and_the_hub_says_that_it_is_full(log: Log) -> None:
    async with Hub(log, memory=30_000) as hub:
        follower = hub.follow(CALL)
        await feed(hub, EVENTS[:200])
        await anext(follower)
        with pytest.raises(HubFull, match="all are in use; it may take 0 MB"):
            await hub.feed("another", EVENTS[0])
        assert hub.stats.held == 1
        async with Hub(log) as elsewhere:  # which may write what this one has no room for
            await elsewhere.feed("another", EVENTS[0])
        await feed(hub, EVENTS[200:210])
        await follower.aclose()
        await hub.feed("another", EVENTS[1])
        assert await hub.snapshot(CALL) == expected(EVENTS[:210])


# One writer


async def test_one_hub_writes_and_others_are_told_which(log: Log, other: Log) -> None:
    async with Hub(log, holder="one") as one, Hub(other, holder="two") as two:
        await feed(one, EVENTS[:10])
        for refused in (two.feed(CALL, EVENTS[10]), two.open(CALL), two.delete(CALL)):
            with pytest.raises(LeaseHeld, match="is written by 'one'"):
                await refused
        await one.close(CALL)
        await feed(two, EVENTS[10:20])
        with pytest.raises(LeaseHeld, match="'two'"):
            await one.feed(CALL, EVENTS[20])
        assert await one.snapshot(CALL) == expected(EVENTS[:20])
    assert len(await kept(log)) == 20


async def test_the_conversations_of_a_dead_hub_are_taken_over(log: Log, other: Log) -> None:
    dead = Hub(log, lease=0.3, holder="dead")
    await feed(dead, EVENTS[:100])
    for task in dead._tasks:
        task.cancel()
    async with Hub(other, holder="heir") as heir:
        with pytest.raises(LeaseHeld):
            await heir.feed(CALL, EVENTS[100])

        async def taken_over() -> bool:
            with suppress(LeaseHeld):
                await heir.open(CALL)
                return True
            return False

        await eventually(taken_over)
        await feed(heir, EVENTS[100:200])
        with pytest.raises(LeaseHeld, match="'heir'"):  # it does not know yet that it was taken for dead
            await dead.feed(CALL, said("too late"))
        assert await dead.snapshot(CALL) == expected(EVENTS[:200])
        await heir.close(CALL)
        await dead.feed(CALL, EVENTS[200])
        assert await heir.snapshot(CALL) == expected(EVENTS[:201])
    await dead.stop()


async def test_a_hub_that_lives_keeps_its_conversations(log: Log, other: Log) -> None:
    async with Hub(log, lease=0.3) as one, Hub(other) as two:
        await feed(one, EVENTS[:10])
        for _ in range(10):
            await asyncio.sleep(0.1)
            with pytest.raises(LeaseHeld):
                await two.open(CALL)


async def test_what_others_append_without_a_lease_is_read_first(log: Log, other: Log) -> None:
    async with Hub(log) as hub:
        await feed(hub, EVENTS[:10])
        await other.append(CALL, [Record.of(event) for event in EVENTS[10:20]], expected=10)
        await feed(hub, EVENTS[20:30])
        assert await hub.snapshot(CALL) == expected(EVENTS[:30])
    assert await kept(log) == [event.encode() for event in EVENTS[:30]]


@pytest.mark.parametrize("revived", [False, True])
async def test_a_writer_notices_that_its_name_was_taken_by_another_conversation(
    log: Log, other: Log, revived: bool
) -> None:
    """Also where that is longer, so that it could go on from there."""
    async with Hub(log) as hub:
        await feed(hub, EVENTS[:10])
        if revived:
            await hub.close(CALL)
            await hub.open(CALL)
        await other.delete(CALL)
        await other.append(CALL, [Record.of(said(str(number))) for number in range(20)], expected=0)
        with pytest.raises(ConversationGone):
            await hub.feed(CALL, EVENTS[10])
        await hub.feed(CALL, said("!"))
        text = (await hub.snapshot(CALL)).items[0].content[0].text
        assert text == "012345678910111213141516171819!"


async def test_opening_reads_what_another_wrote_since_it_was_looked_at(log: Log, other: Log) -> None:
    async with Hub(log) as one, Hub(other) as two:
        await feed(one, EVENTS[:10])
        await two.snapshot(CALL)
        await feed(one, EVENTS[10:50])
        await one.close(CALL)
        assert await two.open(CALL) == expected(EVENTS[:50])


# Following


@pytest.mark.parametrize("place", ["here", "elsewhere"])
async def test_followers_come_to_the_same_document(log: Log, other: Log, place: str) -> None:
    async with Hub(log, checkpoint_every=100, trim=True) as hub, Hub(other) as elsewhere:
        follower = hub if place == "here" else elsewhere
        last = expected().revision
        early = [asyncio.create_task(until(follower.follow(CALL, rate), last)) for rate in (1000, 50, 3)]
        await asyncio.sleep(0.05)
        await feed(hub, EVENTS[:300])
        late = [asyncio.create_task(until(follower.follow(CALL, rate), last)) for rate in (1000, 10)]
        await feed(hub, EVENTS[300:])
        for task in (*early, *late):
            assert await task == expected()


async def test_a_follower_goes_on_while_the_writer_changes(log: Log, other: Log) -> None:
    """From one hub to the other and back: each follows while the other writes."""
    async with Hub(log) as one, Hub(other) as two:
        last = expected().revision
        tasks = [asyncio.create_task(until(hub.follow(CALL, 200), last)) for hub in (one, two)]
        for place in range(0, len(EVENTS), 100):
            writer, reader = (one, two) if place % 200 else (two, one)
            await feed(writer, EVENTS[place : place + 100])
            with pytest.raises(LeaseHeld):
                await reader.open(CALL)
            await writer.close(CALL)
        for task in tasks:
            assert await task == expected()


async def test_a_follower_that_was_overtaken_by_trimming_is_shown_the_rest(log: Log, other: Log) -> None:
    async with Hub(log, trim=True) as hub, Hub(other) as elsewhere:
        await feed(hub, EVENTS[:50])
        following = asyncio.create_task(until(elsewhere.follow(CALL, 1000), expected(EVENTS[:400]).revision))
        await asyncio.sleep(0.1)
        behind = elsewhere._held[CALL]
        await behind._stop_tailing()
        await feed(hub, EVENTS[50:400])
        await hub.close(CALL)
        behind.doubt()
        assert await following == expected(EVENTS[:400])


async def test_a_follower_that_does_not_read_costs_nothing_and_gets_one_update(log: Log) -> None:
    async with Hub(log, history=10_000) as hub:
        await hub.feed(CALL, EVENTS[0])
        async with aclosing(hub.follow(CALL, rate=1000)) as updates:
            first = await anext(updates)
            await feed(hub, EVENTS[1:])
            assert hub.stats.followers == 1
            second = await anext(updates)
            assert (first.revision, second.revision) == (1, expected().revision)
            assert second.snapshot is None


async def test_a_viewer_that_was_away_gets_what_it_missed(log: Log) -> None:
    async with Hub(log, history=50) as hub:
        await feed(hub)
        last = expected().revision
        updates: list[Update] = []
        for since in (last - 10, last - 49, last - 51, last + 5, 0):
            async with aclosing(hub.follow(CALL, since=since)) as following:
                updates.append(await anext(following))
        assert [update.snapshot is None for update in updates] == [True, True, False, False, False]
        with pytest.raises(ValueError, match="rate"):
            await anext(hub.follow(CALL, rate=0))


async def test_followers_of_what_is_deleted_are_told(log: Log, other: Log) -> None:
    async with Hub(log) as hub, Hub(other) as elsewhere:
        await feed(hub, EVENTS[:20])
        following = [each.follow(CALL) for each in (hub, elsewhere)]
        for updates in following:
            await anext(updates)
        waiting = [asyncio.ensure_future(anext(updates)) for updates in following]
        assert await hub.delete(CALL)
        for each in waiting:
            with pytest.raises(ConversationGone):
                await asyncio.wait_for(each, 20)
        assert not await hub.delete(CALL)
        with pytest.raises(ConversationGone):
            await elsewhere.snapshot(CALL)
        await feed(elsewhere, EVENTS[:5])
        assert await elsewhere.snapshot(CALL) == expected(EVENTS[:5])


async def test_a_copy_of_what_was_deleted_gives_way_to_what_has_its_name_now(log: Log, other: Log) -> None:
    async with Hub(log) as hub, Hub(other) as reader:
        await feed(hub, EVENTS[:20])
        assert await reader.snapshot(CALL) == expected(EVENTS[:20])
        await hub.delete(CALL)
        await feed(hub, EVENTS[:30])
        assert await reader.snapshot(CALL) == expected(EVENTS[:30])
        await hub.delete(CALL)
        with pytest.raises(ConversationGone):
            await reader.snapshot(CALL)
        await feed(hub, EVENTS[:5])
        assert await reader.snapshot(CALL) == expected(EVENTS[:5])
        await hub.delete(CALL)
        await feed(reader, EVENTS[:3])
        assert await hub.snapshot(CALL) == expected(EVENTS[:3])


async def test_what_was_deleted_under_its_writer_begins_anew(log: Log, other: Log) -> None:
    async with Hub(log) as hub:
        await feed(hub, EVENTS[:20])
        await other.delete(CALL)
        with pytest.raises(ConversationGone):
            await hub.feed(CALL, EVENTS[20])
        await feed(hub, EVENTS[:5])
        assert await hub.snapshot(CALL) == expected(EVENTS[:5])
    assert len(await kept(other)) == 5


# Stopping


async def test_stopping_writes_what_waits_and_lets_others_write(log: Log, other: Log) -> None:
    hub = Hub(log)
    await hub.open(CALL)
    feeding = [asyncio.ensure_future(hub.feed(CALL, event)) for event in EVENTS]
    await asyncio.sleep(0)
    follower = hub.follow(CALL)
    await anext(follower)
    await hub.stop()
    assert len(await asyncio.gather(*feeding)) == len(EVENTS)
    with pytest.raises(HubStopped):
        await until(follower, expected().revision + 1)
    for refused in (hub.feed(CALL, EVENTS[0]), hub.snapshot(CALL), hub.open(CALL), anext(hub.follow(CALL))):
        with pytest.raises(HubStopped):
            await refused
    await hub.stop()
    checkpoint = await other.load(CALL)
    assert checkpoint is not None
    assert checkpoint.seq == len(EVENTS)
    async with Hub(other) as heir:
        assert await heir.open(CALL) == expected()


async def test_a_hub_that_was_never_used_stops() -> None:
    async with Hub(MemoryLog()) as hub:
        assert repr(hub) == f"<Hub {hub.holder} of 0 conversations over <MemoryLog>>"
    with pytest.raises(HubStopped):
        await hub.feed(CALL, EVENTS[0])


@pytest.mark.parametrize(
    "options",
    [{name: 0} for name in ("memory", "idle", "lease", "checkpoint_every", "backlog")]
    + [{"audio": "drop"}, {"dialect": "klingon"}, {"history": -1}, {"holder": ""}],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=next(iter(options)) if "holder" not in options else "a name"):
        Hub(MemoryLog(), **options)  # type: ignore[arg-type]


async def test_an_update_leads_on_from_a_revision(log: Log) -> None:
    async with Hub(log, history=50) as hub:
        with pytest.raises(ConversationGone):
            await hub.update(CALL)
        assert hub.place(CALL) == 0
        await feed(hub, EVENTS[:100])
        assert hub.place(CALL) == 100
        last = expected(EVENTS[:100])
        whole = await hub.update(CALL)
        assert (whole.since, whole.snapshot) == (None, last)
        on = await hub.update(CALL, last.revision - 20)
        assert (on.since, on.revision, len(on.changes)) == (last.revision - 20, last.revision, 20)
        same = await hub.update(CALL, last.revision)
        assert not same
        assert (same.since, same.changes, same.patch()) == (last.revision, (), [])
        for since in (0, last.revision + 1):  # too long ago, and of another conversation
            assert (await hub.update(CALL, since)).snapshot == last
        assert hub.new().snapshot().revision == 0


async def test_event_objects_are_kept_as_what_they_were_given(log: Log) -> None:
    async with Hub(log) as hub:
        for event in EVENTS:
            of_server = json.loads(event)["type"] in TABLE
            await hub.feed(CALL, parse_server_event(event) if of_server else event)
        assert await hub.snapshot(CALL) == expected()
        assert [json.loads(each) for each in await kept(log)] == list(map(json.loads, EVENTS))


async def test_what_a_hub_cannot_take_is_said_and_changes_nothing(log: Log) -> None:
    with pytest.raises(TypeError, match=r"a hub is over a log, such as open_log\(url\) returns, not str"):
        Hub("sqlite:///calls.db")  # type: ignore[arg-type]
    async with Hub(log) as hub:
        for events in ([EVENTS[0]], [{"type": "ping", "event_id": "e"}], [[EVENTS[0], None]]):
            with pytest.raises(TypeError, match=r"feed_all\(\) takes pairs of an event and its time"):
                await hub.feed_all(CALL, events)  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="not object"):
            await hub.feed(CALL, object())
        assert await log.summary(CALL) is None
