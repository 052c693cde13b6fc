"""Whatever is fed, nothing is raised and the state stays sound.

``RTSTATE_EXAMPLES`` says how many inputs each test takes; ``make fuzz`` looks for inputs by what
they reach instead (see ``fuzz/``).
"""

import json
import os
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Snapshot, simulate
from rtstate.recording import replay
from tests.laws_support import canonical, fold
from tests.strategies import almost_events, events, values

EXAMPLES = int(os.environ.get("RTSTATE_EXAMPLES") or 60)


def feed_all(given_events: list[Any], **options: Any) -> Conversation:
    """Feed anything, and hold the conversation to its word after each event."""
    conversation = Conversation(**options)
    document = conversation.snapshot().to_dict()
    for number, each in enumerate(given_events, 1):
        before = conversation.snapshot()
        change = conversation.feed(each, at=float(number))
        conversation._draft._check()
        fold(document, change.patch())
        after = conversation.snapshot()
        assert (after is before) is not bool(change)
        assert conversation.stats.events == number
        assert canonical(document) == canonical(after.to_dict())
    written = conversation.snapshot().to_json()
    assert canonical(json.loads(written, parse_constant=pytest.fail)) == canonical(document)
    written.encode()
    assert Snapshot.from_dict(document) == conversation.snapshot()
    return conversation


@given(values)
def test_any_json_value(value: Any) -> None:
    feed_all([value])


@given(st.binary(max_size=60) | st.text(st.characters(codec=None), max_size=40))
def test_any_bytes_and_any_text(raw: bytes | str) -> None:
    feed_all([raw, bytearray(raw) if isinstance(raw, bytes) else raw])


@given(st.lists(almost_events, max_size=8))
def test_what_is_almost_an_event(given_events: list[Any]) -> None:
    feed_all(given_events)


@given(st.lists(almost_events | events, max_size=20), st.sampled_from(("measure", "keep")))
def test_good_and_bad_events_mixed(given_events: list[Any], audio: str) -> None:
    conversation = feed_all(given_events, audio=audio, history=5)
    for item in conversation.snapshot().items:
        for at, part in enumerate(item.content):
            if audio == "keep":
                assert len(conversation.audio(item.id, at)) >= (part.audio_ms or 0) * 8


@given(st.lists(almost_events | events, max_size=10))
def test_what_python_writes_as_json_with_its_own_numbers(given_events: list[Any]) -> None:
    """``json.dumps`` writes NaN and lone surrogates, which are no JSON to others."""
    feed_all([json.dumps(each) for each in given_events])
    replay([json.dumps({"at": 1, "event": each}) for each in given_events])


@given(st.lists(events, max_size=20), st.sampled_from(("openai", "xai")))
def test_any_dialect(given_events: list[Any], dialect: str) -> None:
    feed_all(given_events, dialect=dialect)


@given(st.data())
def test_a_cut_or_bent_frame(data: st.DataObject) -> None:
    raw = json.dumps(data.draw(events)).encode()
    at = data.draw(st.integers(0, len(raw)))
    feed_all([raw[:at], raw[:at] + data.draw(st.binary(max_size=3)) + raw[at + 1 :]])


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_damaged_sessions(dialect: str) -> None:
    for seed in range(max(3, EXAMPLES // 200)):
        call = simulate.session(seed, turns=2, dialect=dialect)
        feed_all(list(simulate.faults(call.events, seed, 0.05, 0.1, 20, 0.3)))


@pytest.mark.parametrize(
    "raw",
    [
        "[" * 100_000,
        "\ud800",
        '{"type": "ping", "x": "\ud800"}',
        '{"type":' * 50_000,
        '{"type": "ping", "a": ' + "[" * 190 + "]" * 190 + "}",
        {"type": "ping", "a": float("inf")},
        '{"type": "response.new", "a": -Infinity}',
        '{"type": "ping", "type": "response.new"}',
        '{"type": "conversation.item.deleted", "item_id": "\\u0000"}',
        '{"type": "conversation.item.added", "item": {"type": "message", "id": "__proto__"}}',
        '{"type": "error", "error": {"code": 1' + "0" * 5_000 + "}}",
        '{"type": "ping", "timestamp": 1e400}',
        {"type": "conversation.item.added", "item": {"id": "a", "type": "", "content": 5}},
        {"type": "conversation.item.added", "item": {"id": "a", "type": "", "arguments": 5}},
        {"type": "conversation.item.added", "item": {"id": "a", "content": [{"type": "", "text": 5}]}},
        {"type": "ping", "a": {1, 2}},
        {"type": "ping", "a": object()},
        {"type": "ping", 5: {None: 1}},
        {"type": b"ping"},
        {"type": "session.created", "session": {"id": "sess_1", "x": b"\xff"}},
    ],
    ids=lambda raw: ascii(raw)[:30],
)
def test_what_others_have_stumbled_over(raw: Any) -> None:
    feed_all([raw])


def test_a_mapping_that_holds_itself() -> None:
    endless: dict[str, Any] = {"type": "ping"}
    endless["self"] = endless
    feed_all([endless])
    deep: Any = {}
    for _ in range(5_000):
        deep = {"a": deep}
    feed_all([{"type": "session.created", "session": deep}])
