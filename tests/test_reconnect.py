"""Going on across a reconnect: the sessions there were, when the last one ends, items that come again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import CheckpointError, Conversation, SessionInfo, replay, restore_events, simulate
from rtstate.checkpoint import pack, unpack
from tests.data.expected_recordings import RESUMED
from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    audio_part,
    delta,
    done,
    event,
    output_added,
    response_created,
    response_done,
    sound,
    spoken,
    state,
    text_part,
    user,
)
from tests.strategies import STREAMS, Stream


def session(session_id: Any = ABSENT, name: str = "created", **fields: Any) -> Event:
    return event(f"session.{name}", session={"id": session_id, **fields} if session_id != ABSENT else fields)


def updated(**fields: Any) -> Event:
    return session(name="updated", **fields)


HI = added(user("u1", "Hi"), after=None)
EXPIRES = 1_900_000_000


# The sessions there were


@pytest.mark.parametrize(
    ("events", "sessions"),
    {
        "none": ([], ()),
        "none yet": ([HI], ()),
        "one": (
            [session("s1", model="m", expires_at=EXPIRES)],
            (SessionInfo("s1", "m", EXPIRES, 1),),
        ),
        "one that began after the first events": (
            [HI, session("s1")],
            (SessionInfo("s1", first_revision=2),),
        ),
        "the same one again": (
            [session("s1", model="m"), HI, session("s1", expires_at=EXPIRES)],
            (SessionInfo("s1", "m", EXPIRES, 1),),
        ),
        "two": (
            [session("s1", model="m", expires_at=EXPIRES), HI, session("s2")],
            (SessionInfo("s1", "m", EXPIRES, 1), SessionInfo("s2", first_revision=3)),
        ),
        "the first one once more": (
            [session("s1"), session("s2"), session("s1")],
            (SessionInfo("s1"), SessionInfo("s2", first_revision=2), SessionInfo("s1", first_revision=3)),
        ),
        "an update tells more": (
            [session("s1"), updated(model="m"), updated(expires_at=EXPIRES)],
            (SessionInfo("s1", "m", EXPIRES, 1),),
        ),
        "an update is of the last one": (
            [session("s1"), session("s2"), updated(expires_at=EXPIRES)],
            (SessionInfo("s1"), SessionInfo("s2", None, EXPIRES, 2)),
        ),
        "an update that says nothing": (
            [session("s1", model="m", expires_at=EXPIRES), updated(model=None, expires_at=0)],
            (SessionInfo("s1", "m", EXPIRES, 1),),
        ),
        "an empty update": ([event("session.updated", session={})], ()),
        "an update alone": ([updated(model="m")], (SessionInfo(None, "m"),)),
        "an update before its session": (
            [updated(model="m"), session("s1")],
            (SessionInfo("s1", "m"),),
        ),
        "no settings (Inworld)": ([event("session.created")], (SessionInfo(),)),
        "no settings, twice": (
            [session("s1", model="m"), HI, event("session.created")],
            (SessionInfo("s1", "m"), SessionInfo(first_revision=3)),
        ),
        "a transcription session": (
            [event("transcription_session.created", session={"id": "s1", "expires_at": EXPIRES})],
            (SessionInfo("s1", None, EXPIRES),),
        ),
    }.values(),
)
def test_the_sessions_there_were(events: list[Event], sessions: tuple[SessionInfo, ...]) -> None:
    conversation = state(*events)
    assert conversation.sessions == sessions
    assert Conversation.restore(conversation.checkpoint()).sessions == sessions


def test_an_event_that_comes_twice_begins_no_session() -> None:
    conversation = state(
        session("s1"), {**session("s2"), "event_id": "e1"}, {**session("s2"), "event_id": "e1"}
    )
    assert [each.id for each in conversation.sessions] == ["s1", "s2"]


def test_a_session_names_the_revision_it_began_with() -> None:
    conversation = Conversation()
    for each in (session("s1"), HI, session("s2"), added(user("u2", "Ho"))):
        conversation.feed(each)
    changes = {change.revision: change.event_type for change in conversation.changes()}
    begun = [changes[each.first_revision] for each in conversation.sessions]
    assert begun == ["session.created", "session.created"]


@given(st.data())
@pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
def test_sessions_begin_in_order_whatever_comes(
    stream: st.SearchStrategy[Stream], data: st.DataObject
) -> None:
    conversation = Conversation()
    for each in data.draw(stream):
        known = conversation.sessions
        conversation.feed(each)
        assert conversation.sessions[: len(known) - 1] == known[:-1]
    begun = [each.first_revision for each in conversation.sessions]
    assert [1, *begun, conversation.revision + 1] == sorted([1, *begun, conversation.revision + 1])
    again = Conversation.restore(conversation.checkpoint())
    assert again.sessions == conversation.sessions
    assert again.expires_in(0) == conversation.expires_in(0)


def test_a_reconnect_that_was_simulated_is_two_sessions() -> None:
    for dialect in simulate.DIALECTS:
        events = simulate.session(5, 3, dialect, ["audio", "reconnect"]).events
        created = [each["session"] for each in events if each["type"] == "session.created"]
        found = replay(events).sessions
        assert [each.id for each in found] == [each["id"] for each in created]
        assert [each.model for each in found] == [each["model"] for each in created]
        assert [each.expires_at for each in found] == [each.get("expires_at") for each in created]


# How long the current one lasts


@pytest.mark.parametrize(
    ("events", "seconds"),
    [
        ([], None),
        ([session("s1")], None),
        ([session("s1", expires_at=None)], None),
        ([session("s1", expires_at=0)], None),
        ([session("s1", expires_at=-1)], None),
        ([session("s1", expires_at=10**400)], None),
        ([session("s1", expires_at=True)], None),
        ([session("s1", expires_at=EXPIRES)], 60),
        ([session("s1", expires_at=EXPIRES + 0.5)], 60.5),
        ([session("s1", expires_at=EXPIRES - 120)], -60),
        ([session("s1"), updated(expires_at=EXPIRES)], 60),
        ([session("s1", expires_at=EXPIRES), updated(voice="sage")], 60),
        ([session("s1", expires_at=EXPIRES), session("s2")], None),
        ([session("s1", expires_at=EXPIRES), session("s2", expires_at=EXPIRES + 60)], 120),
        ([session("s1", expires_at=EXPIRES), event("session.created")], None),
    ],
)
def test_the_current_session_expires(events: list[Event], seconds: float | None) -> None:
    conversation = state(*events)
    assert conversation.expires_in(EXPIRES - 60) == seconds
    assert Conversation.restore(conversation.checkpoint()).expires_in(EXPIRES - 60) == seconds


def test_asking_changes_nothing() -> None:
    conversation = state(session("s1", expires_at=EXPIRES))
    snapshot = conversation.snapshot()
    assert conversation.expires_in(0) == conversation.expires_in(0) == EXPIRES
    assert conversation.snapshot() is snapshot


# Checkpoints


@pytest.mark.parametrize("begun", [[0], [-1], [2, 1], [1, 4]])
def test_a_checkpoint_whose_sessions_make_no_sense_is_refused(begun: list[int]) -> None:
    saved, *ids = unpack(state(session("s1"), HI).checkpoint())
    known = {"id": None, "model": None, "expires_at": None}
    saved["draft"]["sessions"] = [{**known, "first_revision": each} for each in begun]
    with pytest.raises(CheckpointError, match="sessions out of order"):
        Conversation.restore(pack(saved, *ids))


# Items that are announced again

OLD = [
    session("s1"),
    HI,
    response_created(),
    output_added(assistant()),
    added(assistant(), after="u1"),
    spoken("Hello there."),
    sound(2000),
    done(assistant("a1", audio_part("Hello there."), status="completed")),
    response_done(),
    added(user("u2", "Bye"), after="a1"),
    session("s2"),
]
AGAIN = [user("u1", "Hi"), assistant("a1", text_part("Hello there.")), user("u2", "Bye")]


@pytest.mark.parametrize("anchored", [False, True])
def test_items_announced_again_change_nothing(anchored: bool) -> None:
    conversation = state(*OLD)
    snapshot, before = conversation.snapshot(), None
    for item in AGAIN:
        for name in (added, done):
            again = {**item, "status": "completed"}
            assert not conversation.feed(name(again, after=before if anchored else ABSENT))
        before = item["id"]
    assert conversation.snapshot() is snapshot
    assert conversation.anomalies == ()


def test_a_conversation_restored_in_a_new_session_goes_on_where_it_was() -> None:
    """The same conversation follows both sessions: what is created anew keeps its id, and is known."""
    conversation = state(*OLD)
    snapshot, before = conversation.snapshot(), None
    for each in restore_events(snapshot):
        assert not conversation.sent(each)
        assert not conversation.feed(added({**each["item"], "status": "completed"}, after=before))
        before = each["item"]["id"]
    assert conversation.snapshot() is snapshot
    conversation.feed(response_created("r2"))
    conversation.feed(added(assistant("a2"), after="u2"))
    conversation.feed(spoken("Good", "a2", response_id="r2"))
    assert conversation.snapshot().order == ("u1", "a1", "u2", "a2")
    assert conversation.snapshot().item("a1") is snapshot.item("a1")


def test_any_call_restored_in_a_new_session_changes_nothing() -> None:
    for dialect in simulate.DIALECTS:
        target: Any = dialect
        for seed in range(3):
            conversation = replay(simulate.session(seed, 5, dialect).events)
            conversation.feed(session("sess_new"))
            snapshot, before = conversation.snapshot(), None
            for each in restore_events(snapshot, target):
                item = {**each["item"], "status": "completed"}
                assert not conversation.sent(each)
                assert not conversation.feed(added(item, after=before))
                assert not conversation.feed(done(item, after=before))
                before = item["id"]
            assert conversation.snapshot() is snapshot


def test_a_recorded_resumption(recordings: Path) -> None:
    """xAI drops the connection and plays its own message again, under an id of its own: that is an item."""
    lines = (recordings / "xai_resumption_after_drop.jsonl").read_text().splitlines()
    conversation = Conversation()
    revisions = [conversation.feed(line).revision for line in lines]
    assert conversation.sessions == (
        SessionInfo(RESUMED["old"], "grok-voice-latest", None, 1),
        SessionInfo(RESUMED["new"], "grok-voice-latest", None, revisions[24]),
    )
    assert conversation.expires_in(EXPIRES) is None
    order = conversation.snapshot().order
    first, replayed = order[:2], json.loads(lines[28])["item"]["id"]
    assert order[2] == replayed
    snapshot = conversation.snapshot()
    for line in lines[:24]:  # and were the old items played again, under their own ids, nothing would happen
        each = json.loads(line)
        if each["type"] == "conversation.item.added":
            assert each["item"]["id"] in first
            assert not conversation.feed({**each, "event_id": "again_" + each["event_id"]})
    assert conversation.snapshot() is snapshot


@pytest.mark.parametrize("first", ["session.created", "session.updated"])
def test_another_session_is_one_however_the_first_was_met(first: str) -> None:
    """A recording may begin in the middle, where a session is only updated."""
    conversation = state(
        event(first, session={"id": "s1"}),
        response_created("r1"),
        delta("Hi"),
        event("session.created", session={"id": "s2"}),
        added(user("u1", "Hi"), after=None),
    )
    snapshot = conversation.snapshot()
    assert [each.id for each in conversation.sessions] == ["s1", "s2"]
    assert [each.status for each in snapshot.responses] == ["incomplete"]
    assert (snapshot.order, snapshot.items[0].status) == (("a1", "u1"), "incomplete")


def test_a_session_that_was_updated_before_it_was_created_is_one() -> None:
    conversation = state(
        event("session.updated", session={"id": "s1"}), event("session.created", session={"id": "s1"})
    )
    assert [each.id for each in conversation.sessions] == ["s1"]
