"""The reducer as a function: exact from a checkpoint, as good as what shows from a snapshot."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import CheckpointError, Conversation, Snapshot, parse_server_event, reduce, simulate
from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments,
    assert_shared,
    assert_subset,
    assistant,
    call,
    committed,
    deleted,
    delta,
    done,
    event,
    item,
    order,
    output_added,
    output_done,
    part,
    part_added,
    response_created,
    response_done,
    sound,
    speech_started,
    spoken,
    state,
    transcription,
    truncated,
    user,
)
from tests.laws_support import canonical
from tests.strategies import seeds
from tests.test_laws_changes import Streams, over_every_stream

HI = added(user(text="Hi"), after=None)
EMPTY = Conversation().snapshot()


# From a checkpoint


@over_every_stream
@given(st.data())
def test_from_a_checkpoint_it_is_exact_and_composes(stream: Streams, data: st.DataObject) -> None:
    events = data.draw(stream)
    events = [each for each in events if isinstance(each, dict)]
    one, two = (data.draw(st.integers(0, len(events))) for _ in range(2))
    one, two = min(one, two), max(one, two)
    begun = reduce(Conversation().checkpoint(), events[:one])
    once = reduce(begun, events[one:])
    assert once == reduce(reduce(begun, events[one:two]), events[two:])
    assert once == state(*events).checkpoint()
    assert begun == state(*events[:one]).checkpoint()


def test_a_checkpoint_has_its_own_options() -> None:
    begun = Conversation(dialect="xai", strict=True, audio="keep").checkpoint()
    ended = Conversation.restore(reduce(begun, [sound(5)]))
    assert ended.audio("a1") == bytes(5 * 48)
    with pytest.raises(ValueError, match="JSON"):
        reduce(begun, ["{"])


def test_what_is_neither_is_refused() -> None:
    with pytest.raises(CheckpointError):
        reduce(b"{}", [])
    with pytest.raises(TypeError, match="not dict"):
        reduce(EMPTY.to_dict(), [])  # type: ignore[call-overload]


@pytest.mark.parametrize("events", ["{}", b"{}", bytearray(b"{}"), {"type": "ping"}])
@pytest.mark.parametrize("begun", [EMPTY, Conversation().checkpoint()], ids=["snapshot", "checkpoint"])
def test_one_event_alone_is_a_mistake(begun: Any, events: Any) -> None:
    with pytest.raises(TypeError, match="not one alone"):
        reduce(begun, events)


# From a snapshot


def test_events_come_in_any_form_and_are_read_once() -> None:
    forms = [HI, json.dumps(HI), json.dumps(HI).encode(), parse_server_event(HI)]
    assert {reduce(EMPTY, iter([each])).to_json() for each in forms} == {state(HI).snapshot().to_json()}
    hidden = event("conversation.item.delete", item_id="u1")
    assert reduce(state(HI).snapshot(), [hidden]).order == ()


def test_a_snapshot_is_returned_itself_if_nothing_changes() -> None:
    snapshot = state(HI, delta("a")).snapshot()
    assert reduce(snapshot, []) is snapshot
    assert reduce(snapshot, [{"type": "ping"}, {"type": "odd"}, "{", added(user(text="Hi"))]) is snapshot


def test_the_snapshot_given_stays_as_it_was_and_what_is_untouched_is_shared() -> None:
    events = list(simulate.session(seed=5, turns=4).events)
    for cut in range(0, len(events), 7):
        before = state(*events[:cut]).snapshot()
        written = before.to_json()
        after = reduce(before, events[cut : cut + 3])
        assert before.to_json() == written
        assert_shared(before, after)
        changed = json.loads(after.to_json())
        for name in ("session", "errors", "rate_limits", "input_audio", "usage"):
            if changed[name] == json.loads(written)[name]:
                assert getattr(after, name) is getattr(before, name), name
        assert after.revision >= before.revision


def test_two_futures_of_one_snapshot_know_nothing_of_each_other() -> None:
    snapshot = state(HI, delta("a")).snapshot()
    one, other = reduce(snapshot, [delta("b"), committed("u2")]), reduce(snapshot, [delta("c")])
    assert [each.item("a1").content[0].text for each in (snapshot, one, other)] == ["a", "ab", "ac"]  # type: ignore[union-attr]
    assert other.item("u2") is None


def test_the_dialect_is_told() -> None:
    events = [committed("u2", after=None)]
    assert reduce(state(HI).snapshot(), events).order == ("u2", "u1")
    assert reduce(state(HI).snapshot(), events, dialect="xai").order == ("u1", "u2")


MCP = {"id": "m1", "type": "mcp_list_tools", "server_label": "shop", "tools": [{"name": "buy"}]}
OUTPUT = {"id": "o1", "type": "function_call_output", "output": {"a": [1]}, "status": "in_progress"}
SAID = {"id": "o1", "type": "function_call_output", "status": "completed"}
PICTURE = user("u1", content=[{"type": "input_image", "image_url": "data:,", "detail": "low"}])
SPEAKING = [response_created(), part_added({"type": "audio", "transcript": ""}), sound(2000)]
NOBODY = {"id": "a1", "type": "message", "content": [{"type": "input_audio", "audio": "AAAA" * 200}]}
ULAW = {"id": "s1", "output_audio_format": "g711_ulaw", "input_audio_format": "g711_alaw"}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ([delta("a")], [delta("b")], part(text="ab")),
        ([delta("a"), response_done()], [delta("b")], part(text="a", final=True)),
        (
            [response_created(), output_added(call()), arguments("{")],
            [arguments("}", item_id=None)],
            item("f1", arguments="{}"),
        ),
        (
            [*SPEAKING, spoken("One two three four."), truncated("a1", 1000)],
            [spoken(" Five six seven eight."), sound(2000)],
            part(truncated={"audio_end_ms": 1000, "basis": "audio"}, transcript="One two"),
        ),
        ([speech_started(), transcription("delta", delta="a")], [committed("u1")], order("u1")),
        ([speech_started()], [event("input_audio_buffer.cleared")], {"items": {}}),
        ([delta("a"), HI], [added(assistant("a1"), after="u1")], order("u1", "a1")),
        ([delta("a"), added(user(text="Hi"))], [added(assistant("a1"), after=None)], order("a1", "u1")),
        ([event("session.created", session=ULAW), sound(10)], [sound(10)], part(audio_ms=120)),
        (
            [response_created(output_audio_format="g711_ulaw"), sound(10)],
            [sound(10)],
            part(audio_ms=120),
        ),
        ([sound(2)], [sound(1)], part(audio_ms=3)),
        (
            [response_done(usage={"total_tokens": 5})],
            [response_done(usage={"total_tokens": 5})],
            {"usage": {"responses": {"count": 1, "total_tokens": 5}}},
        ),
        (
            [response_done()],
            [response_done(usage={"total_tokens": 5})],
            {"usage": {"responses": {"count": 1, "total_tokens": 5, "without_usage": 0}}},
        ),
        (
            [transcription("completed", transcript="Hi", usage={"seconds": 1.5})],
            [transcription("completed", transcript="Hi", usage={"seconds": 1.5})],
            {"usage": {"transcription": {"count": 1, "seconds": 1.5}}},
        ),
        (
            [transcription("segment", id="s", text="a")],
            [transcription("segment", id="s", text="a"), transcription("segment", id="t", text="b")],
            {},
        ),
        (
            [response_created(conversation_id=None), output_added(assistant()), spoken("a")],
            [spoken("b"), output_added(assistant("a2")), delta("c", "a2")],
            order(),
        ),
        (
            [event("conversation.created", conversation={"id": "v1"})],
            [response_created(conversation_id="v2")],
            {"conversation_id": "v1"},
        ),
        (
            [response_created(conversation_id="v1")],
            [response_created("r2", conversation_id="v2")],
            {"conversation_id": "v2"},
        ),
        (
            [event("session.input_transcript.delta", delta="Ho")],
            [event("session.input_transcript.delta", delta="la")],
            {"translation": {"input_transcript": "Hola", "output_transcript": None}},
        ),
        ([event("session.created", session={"id": "s1"}), delta("a")], [delta("b")], part(text="ab")),
        (
            [event("session.created", session={"id": "s1"}), delta("a")],
            [event("session.created", session={"id": "s2"})],
            item("a1", status="incomplete"),
        ),
        ([delta("a")], [event("session.created", session={"id": "s2"})], item("a1", status="in_progress")),
        # how much a second of audio is
        ([event("session.created", session=ULAW)], [sound(10)], part(audio_ms=60)),
        ([response_created(output_audio_format="g711_ulaw")], [sound(10)], part(audio_ms=60)),
        (
            [event("session.created", session=ULAW)],
            [added(user("u1", content=[{"type": "input_audio", "audio": "AAAA" * 200}]))],
            part("u1", audio_ms=75),
        ),
        (
            [event("session.created", session={**ULAW, "output_audio_format": "pcm16"}), added(NOBODY)],
            [sound(10)],
            part(audio_ms=135),
        ),
        # what may still move, and what may not
        ([delta("a"), added(user(text="Hi"))], [added(assistant("a1"), after="u1")], order("u1", "a1")),
        (
            [added(user(text="Hi", status="completed")), added(user("u2", "Ho", status="completed"))],
            [added(user(text="Hi", status="completed"), after="u2")],
            order("u1", "u2"),
        ),
        # what an entity holds is there when it is made anew
        (
            [response_created(), output_added(call()), arguments("{")],
            [arguments("}", call_id=ABSENT)],
            item("f1", call_id="call_1", name="look_up", arguments="{}"),
        ),
        ([added(MCP)], [event("mcp_list_tools.completed", item_id="m1")], item("m1", tools=MCP["tools"])),
        ([added(OUTPUT)], [done({**OUTPUT, "status": "completed"})], item("o1", output={"a": [1]})),
        ([added(OUTPUT)], [done(SAID)], item("o1", output={"a": [1]}, status="completed")),
        ([added(PICTURE)], [done(PICTURE)], item("u1", status="completed")),
        (
            [response_created(metadata={"topic": "x"}, conversation_id="c1")],
            [delta("a")],
            {"responses": {"r1": {"metadata": {"topic": "x"}, "conversation_id": "c1", "output": ["a1"]}}},
        ),
        (
            [response_done(status="failed", status_details={"reason": "x"}, usage={"total_tokens": 5})],
            [output_done(assistant("a9"))],
            {"responses": {"r1": {"status_details": {"reason": "x"}, "usage": {"total_tokens": 5}}}},
        ),
        ([delta("a")], [done(assistant("a1"))], part(text="a", final=True)),
        ([spoken("a")], [done(assistant("a1"))], part(transcript="a", final=True)),
        (
            [added(PICTURE | {"status": "in_progress"})],
            [done({"id": "u1", "type": "message", "content": [{"type": "input_image", "alt": "A cat"}]})],
            item("u1", content=[{"image_url": "data:,", "detail": "low", "extra": {"alt": "A cat"}}]),
        ),
        # what it is
        ([HI], [added(call("u1"))], item("u1", type="message")),
        (
            [transcription("segment", text="a")],
            [transcription("segment", text="b"), transcription("segment", id="s", text="c")],
            {},
        ),
    ],
)
def test_what_shows_goes_on(before: list[Event], after: list[Event], expected: Any) -> None:
    snapshot = reduce(state(*before).snapshot(), after)
    assert_subset(snapshot.to_dict(), expected)
    assert snapshot.to_dict() == state(*before, *after).snapshot().to_dict()
    again = reduce(Snapshot.from_dict(state(*before).snapshot().to_dict()), after)  # out of a document
    assert again == snapshot


def test_arguments_that_name_the_call_alone_are_not_for_its_output() -> None:
    output = {"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "5"}
    snapshot = state(added(output), response_created(), output_added(call()), arguments("{")).snapshot()
    assert_subset(reduce(snapshot, [arguments("}", item_id=None)]).to_dict(), item("f1", arguments="{}"))


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
@given(seeds, st.integers(1, 4), st.data())
def test_a_legal_session_goes_on_from_any_snapshot(
    dialect: str, seed: int, turns: int, data: st.DataObject
) -> None:
    """Cut anywhere, it leads to the same document: what servers send in order needs nothing that is hidden.

    The exceptions, see below: sessions one after another, and items that were deleted before.
    """
    features = [each for each in simulate.supported(dialect) if each not in ("reconnect", "deletion")]
    chosen = data.draw(st.none() | st.sets(st.sampled_from(features), min_size=1, max_size=3))
    events = simulate.session(seed, turns, dialect, chosen or features).events
    speaks: Any = "xai" if dialect == "xai" else "auto"
    cut = data.draw(st.integers(0, len(events)))
    begun = state(*events[:cut], dialect=speaks).snapshot()
    expected = state(*events, dialect=speaks).snapshot().to_dict()
    found = reduce(begun, events[cut:], dialect=speaks).to_dict()
    assert canonical({**found, "revision": 0}) == canonical({**expected, "revision": 0})


# What a snapshot does not tell


def test_where_a_second_session_begins_does_not_show() -> None:
    """So the head of the second one is taken for the head of all."""
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    before, first = [sessions[0], HI, sessions[1]], added(user("u2", "Ho"), after=None)
    assert state(*before, first).snapshot().order == ("u1", "u2")
    assert reduce(state(*before).snapshot(), [first]).order == ("u2", "u1")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ([{**HI, "event_id": "e1"}, delta("a")], [{**delta("a"), "event_id": "e1"}], part(text="aa")),
        ([HI, deleted("u1")], [added(user(text="Hi"))], order("u1")),
        (
            [HI, added(user("u3"), after="u2"), committed("u4")],
            [added(user("u2"))],
            order("u1", "u3", "u4", "u2"),
        ),
        ([delta("a")], [delta("a", name="text")], part(text="aa")),
    ],
    ids=["repetition", "the deleted", "who waits for whom", "which name a text had"],
)
def test_what_is_hidden_is_not_known(before: list[Event], after: list[Event], found: Any) -> None:
    snapshot = reduce(state(*before).snapshot(), after)
    assert snapshot != state(*before, *after).snapshot()
    known = dict(snapshot.to_dict())
    known["items"] = {key: value for key, value in known["items"].items() if key in found.get("items", {})}
    assert_subset(known, found)
