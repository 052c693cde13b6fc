"""The conversation: what it takes, what it remembers, and whom it tells."""

import base64
import json
import math
from types import SimpleNamespace
from typing import Any

import pytest
from openai._models import construct_type_unchecked
from openai.types.realtime import RealtimeServerEvent
from pydantic import BaseModel, TypeAdapter, ValidationError

from rtstate import (
    Change,
    Conversation,
    EventParseError,
    HistoryGone,
    parse_client_event,
    parse_server_event,
    simulate,
)
from rtstate.logs import Record
from rtstate.wire import said_by
from tests.helpers import added, committed, deleted, delta, event, sound, speech_started, state, user

HI = added(user(text="Hi"))
PING = {"type": "ping"}


# What it takes


@pytest.mark.parametrize(
    "given",
    [
        HI,
        json.dumps(HI),
        json.dumps(HI).encode(),
        bytearray(json.dumps(HI).encode()),
        memoryview(json.dumps(HI).encode()),
    ],
    ids=lambda given: type(given).__name__,
)
def test_feed_takes_json_and_mappings(given: Any) -> None:
    conversation = Conversation()
    assert conversation.feed(given)
    assert conversation.snapshot() == state(HI).snapshot()


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_apply_takes_our_events_and_mappings_as_feed_takes_json(dialect: str) -> None:
    parsed, mappings, fed = Conversation(), Conversation(), Conversation()
    for each in simulate.session(seed=4, turns=4, dialect=dialect).events:
        change = fed.feed(json.dumps(each))
        assert mappings.apply(each).patch() == change.patch()
        assert parsed.apply(parse_server_event(each)).patch() == change.patch() or parsed.stats.unknown
    assert parsed.snapshot() == mappings.snapshot() == fed.snapshot()


def test_apply_takes_the_events_of_the_openai_sdk() -> None:
    """Those its models take: they are read without the fields that were not sent."""
    events: TypeAdapter[Any] = TypeAdapter(RealtimeServerEvent)
    applied, fed, taken = Conversation(), Conversation(), 0
    for each in simulate.session(seed=3, features=["tools", "audio", "interruption", "deletion"]).events:
        try:
            parsed = events.validate_python(each)
        except ValidationError:
            continue  # what the client sent
        taken += 1
        assert applied.apply(parsed).patch() == fed.feed(each).patch()
    assert taken > 100
    assert applied.snapshot() == fed.snapshot()
    assert applied.anomalies == ()


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_events_that_an_sdk_has_not_checked_are_applied_without_a_warning(dialect: Any) -> None:
    """As its connection makes them, also of what a server says beyond its models."""
    applied, fed = Conversation(), Conversation()
    for each in simulate.session(seed=3, turns=4, dialect=dialect).events:
        made = construct_type_unchecked(value=each, type_=RealtimeServerEvent)
        assert applied.apply(made).patch() == fed.feed(each).patch()
        assert Record.of(made).raw == Record.of(said_by(made)).raw
    assert applied.snapshot() == fed.snapshot()


class Pinned(BaseModel):
    """An event of somebody else's, with a field that was not sent."""

    type: str = "conversation.item.added"
    previous_item_id: str | None = None
    item: dict[str, Any]


def test_a_field_that_an_object_was_not_given_is_absent() -> None:
    conversation = Conversation()
    for item_id in ("a", "b"):
        conversation.apply(Pinned(item=user(item_id, "Hi")))
    assert conversation.snapshot().order == ("a", "b")
    conversation.apply(Pinned(item=user("c", "Hi"), previous_item_id=None))
    assert conversation.snapshot().order == ("c", "a", "b")


def test_apply_reads_any_object_with_a_type_and_a_dump() -> None:
    dump = {"item": user(text="Hi")}
    thing = SimpleNamespace(type="conversation.item.added", model_dump=lambda **_: dict(dump))
    conversation = Conversation()
    assert conversation.apply(thing)
    assert conversation.snapshot().order == ("u1",)


def test_an_unknown_event_is_applied_as_it_came() -> None:
    conversation = Conversation()
    change = conversation.apply(parse_server_event({"type": "response.new", "event_id": "event_1"}))
    assert (change.event_type, change.event_id, conversation.stats.unknown) == ("response.new", "event_1", 1)
    assert not conversation.apply(parse_server_event({"type": "response.new", "event_id": "event_1"}))
    assert conversation.stats.duplicates == 1


def test_a_client_event_that_was_made_here_has_its_own_id() -> None:
    made = parse_client_event({"type": "response.cancel", "event_id": "event_1"})
    assert Conversation().apply(made).event_id == "event_1"
    from rtstate.events import ResponseCancelEvent

    made = ResponseCancelEvent()
    assert Conversation().apply(made).event_id == made.event_id is not None


@pytest.mark.parametrize("thing", ["{}", b"{}", 3, None, [], object(), SimpleNamespace(type="ping")])
def test_apply_refuses_what_is_no_event(thing: Any) -> None:
    conversation = Conversation()
    with pytest.raises(TypeError, match=type(thing).__name__):
        conversation.apply(thing)
    assert conversation.stats.events == 0


@pytest.mark.parametrize(
    "given",
    [
        {"type": "response.cancel"},
        '{"type": "response.cancel"}',
        b'{"type": "response.cancel"}',
        parse_client_event('{"type": "response.cancel"}'),
    ],
)
def test_sent_takes_json_mappings_and_objects(given: Any) -> None:
    change = Conversation().sent(given, at=2.0)
    assert (change.event_type, change.at) == ("response.cancel", 2.0)


def test_sent_refuses_what_is_no_event() -> None:
    with pytest.raises(TypeError):
        Conversation().sent(3)


def test_options_are_named() -> None:
    with pytest.raises(TypeError):
        Conversation("keep")  # type: ignore[misc]


@pytest.mark.parametrize("options", [{"audio": "drop"}, {"dialect": "azure"}])
def test_options_have_few_values(options: Any) -> None:
    with pytest.raises(ValueError, match="one of"):
        Conversation(**options)


# Changes


def test_a_change_says_what_came_and_when() -> None:
    conversation = Conversation()
    change = conversation.feed({**HI, "event_id": "event_1"}, at=12.5)
    assert (change.revision, change.at, change.event_id, change.event_type) == (
        1,
        12.5,
        "event_1",
        "conversation.item.added",
    )
    assert [each.path for each in change.operations] == [("items", "u1"), ("order", 0), ("revision",)]
    nothing = conversation.feed(PING)
    assert not nothing
    assert (nothing.revision, nothing.at, nothing.event_id, nothing.operations) == (1, None, None, ())


@pytest.mark.parametrize(
    ("at", "told"),
    [
        *((at, at) for at in (None, 0, 1.5, -3, 1_900_000_000)),
        *((at, None) for at in (math.nan, math.inf, -math.inf, 1e300, 10**400)),
    ],
)
def test_a_time_that_no_clock_shows_is_none(at: Any, told: Any) -> None:
    conversation = Conversation()
    assert conversation.feed(committed(), at=at).at == told
    assert Conversation.restore(conversation.checkpoint()).snapshot() == conversation.snapshot()
    assert conversation.snapshot().item_trace("u1").started_at == told


@pytest.mark.parametrize("at", ["5", True, [1]])
def test_what_is_no_time_is_refused_before_anything_changes(at: Any) -> None:
    conversation = Conversation()
    with pytest.raises(TypeError, match="at is a time in seconds, a number, not"):
        conversation.feed(committed(), at=at)
    assert (conversation.revision, conversation.stats.events) == (0, 0)


def test_changes_since_a_revision() -> None:
    conversation = state(HI, PING, added(user("u2", "Ho")), delta("Hey"))
    assert [each.revision for each in conversation.changes(since=0)] == [1, 2, 3]
    assert [each.revision for each in conversation.changes(since=2)] == [3]
    assert list(conversation.changes(since=3)) == []
    assert [each.revision for each in conversation.changes()] == [1, 2, 3]


def test_changes_may_be_read_while_more_come() -> None:
    conversation = state(HI)
    changes = conversation.changes()
    conversation.feed(added(user("u2", "Ho")))
    assert [each.revision for each in changes] == [1]


def test_a_revision_yet_to_come_is_refused() -> None:
    with pytest.raises(ValueError, match="no revision 2; this is revision 1"):
        state(HI).changes(since=2)


@pytest.mark.parametrize("history", [0, 2])
def test_changes_no_longer_kept_are_gone(history: int) -> None:
    conversation = state(HI, delta("a"), delta("b"), delta("c"), history=history)
    assert [each.revision for each in conversation.changes(since=4 - history)] == [3, 4][2 - history :]
    with pytest.raises(HistoryGone, match="take a snapshot"):
        conversation.changes(since=3 - history)


def test_a_revision_that_has_never_been_is_refused() -> None:
    with pytest.raises(ValueError, match="no revision -1"):
        state(HI).changes(since=-1)


# Subscribers


def test_subscribers_hear_of_changes_in_order_and_of_nothing_else() -> None:
    conversation, heard = Conversation(), list[tuple[str, int]]()
    conversation.subscribe(lambda change: heard.append(("first", change.revision)))
    stop = conversation.subscribe(lambda change: heard.append(("second", change.revision)))
    conversation.feed(HI)
    conversation.feed(PING)
    conversation.feed("no JSON")
    stop()
    stop()
    conversation.feed(delta("Hey"))
    assert heard == [("first", 1), ("second", 1), ("first", 2)]


def test_a_subscriber_is_called_not_awaited() -> None:
    async def heard(change: Change) -> None: ...

    with pytest.raises(TypeError, match=r"follow with `async for` over watch\(\)"):
        Conversation().subscribe(heard)


def test_a_subscriber_may_leave_or_join_while_it_is_told() -> None:
    conversation, heard = Conversation(), list[str]()

    def once(change: Change) -> None:
        heard.append("once")
        stop()
        conversation.subscribe(lambda change: heard.append("later"))

    stop = conversation.subscribe(once)
    conversation.subscribe(lambda change: heard.append("always"))
    conversation.feed(HI)
    assert heard == ["once", "always"]
    conversation.feed(delta("Hey"))
    assert heard == ["once", "always", "always", "later"]


def test_a_callback_subscribed_twice_leaves_once() -> None:
    conversation, heard = Conversation(), list[Change]()
    stop = conversation.subscribe(heard.append)
    conversation.subscribe(heard.append)
    stop()
    stop()
    conversation.feed(HI)
    assert len(heard) == 1


def test_a_subscriber_sees_the_state_after_its_change() -> None:
    conversation, seen = Conversation(), list[bool]()
    conversation.subscribe(lambda change: seen.append(conversation.snapshot().revision == change.revision))
    conversation.feed(HI)
    conversation.feed(delta("Hey"))
    assert seen == [True, True]


def test_a_subscriber_that_raises_harms_nobody(caplog: pytest.LogCaptureFixture) -> None:
    conversation, heard = Conversation(), list[int]()

    def fail(change: Change) -> None:
        raise RuntimeError("not my day")

    conversation.subscribe(fail)
    conversation.subscribe(lambda change: heard.append(change.revision))
    assert conversation.feed(HI)
    assert conversation.feed(delta("Hey"))
    conversation._draft._check()
    assert heard == [1, 2]
    assert [record.exc_info is not None for record in caplog.records] == [True, True]


def test_subscribers_hear_again_after_an_interruption() -> None:
    conversation, heard = Conversation(), list[int]()

    def interrupt(change: Change) -> None:
        heard.append(change.revision)
        if change.revision == 1:
            raise KeyboardInterrupt

    conversation.subscribe(interrupt)
    with pytest.raises(KeyboardInterrupt):
        conversation.feed(HI)
    conversation.feed(delta("Hey"))
    assert heard[-1] == 2


def test_a_subscriber_may_feed_another_event() -> None:
    """All see the first change before anyone sees the second."""
    conversation, heard = Conversation(), list[tuple[str, int]]()

    def answer(change: Change) -> None:
        heard.append(("first", change.revision))
        if change.revision == 1:
            conversation.feed(delta("Hey"))

    conversation.subscribe(answer)
    conversation.subscribe(lambda change: heard.append(("second", change.revision)))
    conversation.feed(HI)
    conversation._draft._check()
    assert heard == [("first", 1), ("second", 1), ("first", 2), ("second", 2)]
    assert [change.revision for change in conversation.changes()] == [1, 2]


# Memory


def test_the_last_4096_event_ids_are_remembered() -> None:
    conversation = Conversation()
    conversation.feed({**PING, "event_id": "event_0"})
    for number in range(1, 4_096):
        conversation.feed({**PING, "event_id": f"event_{number}"})
        conversation.feed(PING)
    for number in (0, 1, 4_095):
        conversation.feed({**PING, "event_id": f"event_{number}"})
    assert conversation.stats.duplicates == 3


def test_event_ids_are_forgotten_in_time() -> None:
    conversation = Conversation()
    for number in range(20_000):
        conversation.feed({**PING, "event_id": f"event_{number}"})
    conversation.feed({**PING, "event_id": "event_0"})
    assert conversation.stats.duplicates == 0


def test_the_last_hundred_anomalies_are_kept() -> None:
    conversation = Conversation()
    for number in range(150):
        conversation.feed({"type": f"new.{number}", "event_id": f"event_{number}"})
    assert len(conversation.anomalies) == 100
    assert conversation.anomalies[-1].number == 150
    assert conversation.anomalies[0].event_type == "new.50"
    assert conversation.anomalies[0].event_id == "event_50"
    assert {each.kind for each in conversation.anomalies} == {"unknown"}
    assert conversation.stats.unknown == 150


def test_stats_count_what_came() -> None:
    conversation = state(
        {**HI, "event_id": "event_1"},
        {**HI, "event_id": "event_1"},
        PING,
        {"type": "input_audio_buffer.append", "audio": "AAAA"},
        {"type": "response.new"},
        {"type": 5},
        deleted("u1"),
        speech_started("u1"),
        delta("Hey", index=1001),
    )
    stats = conversation.stats
    assert (stats.events, stats.duplicates, stats.noted, stats.ignored) == (9, 1, 1, 1)
    assert (stats.unknown, stats.invalid, stats.late, stats.impossible) == (1, 1, 1, 1)


# Strictness


def test_strict_raises_for_an_event_that_cannot_be_read() -> None:
    conversation = state(HI, strict=True)
    snapshot = conversation.snapshot()
    with pytest.raises(EventParseError, match=r"response\.text\.delta: delta"):
        conversation.feed({"type": "response.text.delta", "item_id": "a1", "delta": 5})
    with pytest.raises(EventParseError):
        conversation.feed(b"\xff")
    assert conversation.snapshot() is snapshot
    assert conversation.anomalies == ()
    assert conversation.feed(delta("Hey"))


def test_strict_takes_what_is_only_odd() -> None:
    conversation = state({"type": "response.new"}, delta("Hey", index=1001), strict=True)
    assert [each.kind for each in conversation.anomalies] == ["unknown", "impossible"]


def test_without_strict_it_becomes_an_anomaly() -> None:
    change = Conversation().feed({"type": "response.text.delta", "item_id": "a1", "delta": 5})
    [anomaly] = change.anomalies
    assert (anomaly.kind, anomaly.number, anomaly.event_type) == ("invalid", 1, "response.text.delta")
    assert "delta" in anomaly.message


# Audio


def test_audio_is_kept_when_asked_for() -> None:
    conversation = state(sound(10), sound(5), delta("Hey", "a2"), audio="keep")
    assert conversation.audio("a1") == bytes(15 * 48)
    assert conversation.audio("a1", 0) == conversation.audio("a1")
    assert conversation.audio("a2") == b""


def test_audio_of_the_user_comes_with_the_retrieved_item() -> None:
    part = {"type": "input_audio", "audio": base64.b64encode(b"\1\2" * 24).decode()}
    item = {"id": "u1", "type": "message", "role": "user", "content": [part]}
    conversation = state(event("conversation.item.retrieved", item=item), audio="keep")
    assert conversation.audio("u1") == b"\1\2" * 24


@pytest.mark.parametrize(("item_id", "index"), [("a2", 0), ("a1", 1), ("a1", -1)])
def test_audio_of_nothing_is_not_found(item_id: str, index: int) -> None:
    with pytest.raises(LookupError):
        state(sound(10), audio="keep").audio(item_id, index)


def test_audio_that_was_only_measured_is_not_there() -> None:
    with pytest.raises(ValueError, match="keep"):
        state(sound(10)).audio("a1")


# The rest


def test_a_conversation_introduces_itself() -> None:
    assert repr(Conversation()) == "<Conversation without an id, revision 0>"
    conversation = state({"type": "conversation.created", "conversation": {"id": "conv_1"}})
    assert repr(conversation) == "<Conversation conv_1, revision 1>"


@pytest.mark.parametrize("history", [-1, (1 << 31) + 1])
def test_a_history_has_a_size(history: int) -> None:
    with pytest.raises(ValueError, match=f"0 or some more, not {history}"):
        Conversation(history=history)
    assert Conversation(history=0).keeps_audio is False
    assert Conversation(history=1 << 31, audio="keep").keeps_audio is True


def test_a_conversation_knows_its_sessions_and_when_the_last_one_ends() -> None:
    conversation = Conversation()
    assert (conversation.sessions, conversation.expires_in(0)) == ((), None)
    for number, expires_at in ((1, 100), (2, 0), (3, 500)):
        session = {"id": f"sess_{number}", "model": "voice", "expires_at": expires_at}
        conversation.feed(event("session.created", session=session))
        assert conversation.expires_in(now=40) == (expires_at - 40 if expires_at else None)
    assert [each.id for each in conversation.sessions] == ["sess_1", "sess_2", "sess_3"]
    assert [each.first_revision for each in conversation.sessions] == [1, 2, 3]
