"""The laws of the design, each over legal, damaged and colliding streams of events.

Laws 1 to 3, 6 and 7 stand in ``test_laws_changes.py``, law 10 in ``test_costs.py``.
"""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from rtstate import Conversation, EventParseError, Item
from tests.laws_support import assert_usage, every_item, generated, run
from tests.strategies import STREAMS, Call, Event, Stream, calls, seeds

over_every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
Streams = st.SearchStrategy[Stream]


# 4. Final texts

_SPELLINGS: dict[str, tuple[Event, Event, str, Callable[[Item], str | None]]] = {
    "text": (
        {"type": "response.output_text.delta"},
        {"type": "response.output_text.done"},
        "text",
        lambda item: item.content[0].text,
    ),
    "transcript": (
        {"type": "response.audio_transcript.delta"},
        {"type": "response.audio_transcript.done"},
        "transcript",
        lambda item: item.content[0].transcript,
    ),
    "arguments": (
        {"type": "response.function_call_arguments.delta"},
        {"type": "response.function_call_arguments.done"},
        "arguments",
        lambda item: item.arguments,
    ),
    "mcp": (
        {"type": "response.mcp_call_arguments.delta"},
        {"type": "response.mcp_call_arguments.done"},
        "arguments",
        lambda item: item.arguments,
    ),
    "transcription": (
        {"type": "conversation.item.input_audio_transcription.delta"},
        {"type": "conversation.item.input_audio_transcription.completed"},
        "transcript",
        lambda item: item.content[0].transcript,
    ),
}


@pytest.mark.parametrize("kind", _SPELLINGS)
@given(deltas=st.lists(st.text(max_size=4), max_size=6), final=st.text(max_size=9), at=st.integers(0, 6))
def test_a_final_text_wins_over_its_deltas_whatever_the_order(
    kind: str, deltas: list[str], final: str, at: int
) -> None:
    delta, done, name, read = _SPELLINGS[kind]
    stream = [{**delta, "item_id": "item_a", "delta": each} for each in deltas]
    stream.insert(at, {**done, "item_id": "item_a", name: final})
    item = run(stream).conversation.snapshot().item("item_a")
    assert item is not None
    assert read(item) == final


@pytest.mark.parametrize("kind", _SPELLINGS)
@given(deltas=st.lists(st.text(min_size=1, max_size=4), min_size=1, max_size=6), ends=st.booleans())
def test_deltas_without_a_final_text_are_the_text(kind: str, deltas: list[str], ends: bool) -> None:
    delta, done, _, read = _SPELLINGS[kind]
    stream = [{**delta, "item_id": "item_a", "delta": each} for each in deltas]
    if ends:
        stream.append({**done, "item_id": "item_a"})
    item = run(stream).conversation.snapshot().item("item_a")
    assert item is not None
    assert read(item) == "".join(deltas)


_TEXT_DELTAS = ("text.delta", "transcript.delta", "transcription.delta")


@over_every_stream
@given(st.data())
def test_no_delta_changes_a_final_text(stream: Streams, data: st.DataObject) -> None:
    conversation = Conversation()
    before = conversation.snapshot()
    for event in data.draw(stream):
        change = conversation.feed(event)
        after = conversation.snapshot()
        if change and str(change.event_type).endswith(_TEXT_DELTAS):
            for item_id, item in every_item(before).items():
                now = after.item(item_id)
                assert now is not None
                for old, new in zip(item.content, now.content, strict=False):
                    assert not old.final or generated(new) == generated(old)
        before = after


@given(calls, seeds)
def test_texts_end_the_same_when_their_ends_overtake_their_deltas(call: Call, seed: int) -> None:
    """The last deltas come after everything else; a text that was told whole is what it would have been."""
    session = call.session
    deltas = [each for each in session.events if each["type"].endswith(_TEXT_DELTAS)]
    assume(deltas)
    late = deltas[seed % len(deltas) :]
    told = {each["event_id"] for each in late}
    rest = [each for each in session.events if each.get("event_id") not in told]
    snapshot = run([*rest, *late]).conversation.snapshot()
    for item_id, texts in session.truth.texts.items():
        item = snapshot.item(item_id)
        if item is not None and item.role == "assistant" and item.status == "completed":
            assert tuple(map(generated, item.content)) == texts


# 5. What cannot be


BAD_EVENTS: list[Any] = [
    "",
    "{",
    "\ud800",
    b"\xff",
    "null",
    "[]",
    "{}",
    '{"type": 5}',
    '{"type": "response.new", "item_id": "item_a"}',
    '{"type": "response.new", "value": NaN}',
    {"type": "response.text.delta", "item_id": 5, "delta": "Hi"},
    {"type": "response.text.delta", "item_id": "item_a"},
    {"type": "response.text.delta", "item_id": "item_a", "delta": "Hi", "content_index": -1},
    {"type": "response.text.delta", "item_id": "item_new", "delta": "Hi", "content_index": 1001},
    {"type": "conversation.item.truncated", "item_id": "item_nobody_knows", "audio_end_ms": 5},
    {"type": "conversation.item.added", "item": {"type": "message"}},
    {"type": "response.done", "response": {}},
    {"type": "error", "error": {"message": 3}},
    {"type": "ping", "timestamp": float("nan")},
    {1: 2},
    [],
    None,
]


@over_every_stream
@given(st.data())
def test_a_bad_event_leaves_the_state_as_it_was(stream: Streams, data: st.DataObject) -> None:
    conversation = run(data.draw(stream)).conversation
    snapshot, written = conversation.snapshot(), conversation.snapshot().to_json()
    bad = data.draw(st.sampled_from(BAD_EVENTS))
    change = conversation.feed(bad)
    conversation._draft._check()
    assert not change
    assert change.revision == conversation.revision == snapshot.revision
    assert change.anomalies or bad["type"] == "ping"
    assert conversation.anomalies[-len(change.anomalies) :] == change.anomalies or not change.anomalies
    assert conversation.snapshot() is snapshot
    assert snapshot.to_json() == written


@over_every_stream
@given(st.data())
def test_a_refused_event_has_no_operations(stream: Streams, data: st.DataObject) -> None:
    """What is called impossible, late or unknown leaves nothing but its note."""
    for change in run(data.draw(stream)).changes:
        parts_of_it_count = change.event_type in ("response.done", "response.created")
        if any(each.message.endswith("; ignored") for each in change.anomalies) and not parts_of_it_count:
            assert change.patch() == []
        if any(each.kind in ("invalid", "unknown") for each in change.anomalies):
            assert not change


def test_a_late_delta_leaves_no_trace_in_a_part_that_nobody_typed() -> None:
    item = {"id": "item_a", "type": "message", "content": [{}]}
    conversation = Conversation()
    conversation.feed({"type": "response.done", "response": {"id": "resp_1", "output": [item]}})
    snapshot = conversation.snapshot()
    name = "conversation.item.input_audio_transcription.delta"
    change = conversation.feed({"type": name, "item_id": "item_a", "delta": "Hi"})
    assert change.patch() == []
    assert conversation.snapshot() is snapshot


def test_an_empty_id_is_the_id_of_nobody_else() -> None:
    """Servers do send empty ids; they must not be taken for those that are missing."""
    item = {"type": "function_call", "call_id": "call_1", "arguments": "{}", "status": "completed"}
    conversation = run(
        [
            {"type": "session.created", "session": {"id": "sess_1"}},
            {"type": "conversation.item.done", "item": {"id": "item_a", "type": "message"}},
            {"type": "input_audio_buffer.committed", "item_id": "", "previous_item_id": "item_b"},
            _added("item_b", "item_a"),
            _added("item_a", None),
            {"type": "response.output_text.delta", "item_id": "item_c", "response_id": "", "delta": "Hi"},
            {"type": "session.created", "session": {"id": "sess_2"}},
            {"type": "conversation.item.done", "item": {"id": "item_f", **item}},
        ]
    ).conversation
    call = conversation.snapshot().item("item_f")
    assert call is not None
    assert call.ready


def _added(item_id: str, previous: str | None) -> Event:
    item = {"id": item_id, "type": "message"}
    return {"type": "conversation.item.added", "previous_item_id": previous, "item": item}


@over_every_stream
@given(st.data())
def test_strict_raises_for_what_cannot_be_read(stream: Streams, data: st.DataObject) -> None:
    lenient, strict = Conversation(), Conversation(strict=True)
    for event in data.draw(stream):
        change = lenient.feed(event)
        if any(each.kind == "invalid" for each in change.anomalies):
            snapshot = strict.snapshot()
            with pytest.raises(EventParseError):
                strict.feed(event)
            strict._draft._check()
            assert strict.snapshot() is snapshot
        else:
            assert strict.feed(event).patch() == change.patch()


# 8. Usage


@over_every_stream
@given(st.data())
def test_usage_is_the_sum_over_the_responses_that_ended(stream: Streams, data: st.DataObject) -> None:
    assert_usage(run(data.draw(stream)).last)


_COUNTED = ("response.done", "conversation.item.input_audio_transcription.completed")


@over_every_stream
@given(st.data())
def test_final_events_told_again_cost_nothing(stream: Streams, data: st.DataObject) -> None:
    """What was counted once comes again under no event id, when the whole stream is over."""
    conversation = Conversation()
    again: list[Event] = []
    for event in data.draw(stream):
        change = conversation.feed(event)
        if change.event_type in _COUNTED and any(each.path[0] == "usage" for each in change.operations):
            assert isinstance(event, dict)
            again.append({**event, "event_id": None})
    usage = conversation.snapshot().usage
    for event in again:
        conversation.feed(event)
    assert conversation.snapshot().usage == usage


# 9. Never backwards

_RANKS = {"in_progress": 0, "incomplete": 1, "completed": 2}


@over_every_stream
@given(st.data())
def test_status_and_text_never_go_backwards(stream: Streams, data: st.DataObject) -> None:
    conversation = Conversation()
    before = every_item(conversation.snapshot())
    deleted: set[str] = set()
    for event in data.draw(stream):
        conversation.feed(event)
        after = every_item(conversation.snapshot())
        assert deleted.isdisjoint(after)
        for item_id, item in before.items():
            now = after.get(item_id)
            if now is None:
                if isinstance(event, dict) and event["type"] == "conversation.item.deleted":
                    deleted.add(item_id)  # what a client asked for may yet be refused
                continue
            if item.status in _RANKS and now.status in _RANKS:  # those of unknown items are kept as they came
                assert _RANKS[now.status] >= _RANKS[item.status]
            assert not item.arguments or now.arguments or now.type != item.type
            for old, new in zip(item.content, now.content, strict=False):
                assert new.final or not old.final
                assert not (old.final and generated(old)) or generated(new)
                assert new.audio_ms is not None or old.audio_ms is None
                assert (new.audio_ms or 0) >= (old.audio_ms or 0)
        before = after


@over_every_stream
@given(st.data())
def test_a_response_ends_once(stream: Streams, data: st.DataObject) -> None:
    conversation = Conversation()
    ended: dict[str, str] = {}
    for event in data.draw(stream):
        conversation.feed(event)
        snapshot = conversation.snapshot()
        now = {each.id: each.status for each in snapshot.responses if each.status != "in_progress"}
        assert {key: now.get(key) for key in ended} == ended
        assert {each.id for each in snapshot.active_responses}.isdisjoint(now)
        ended = now
