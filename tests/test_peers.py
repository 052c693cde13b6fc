"""What the README says beside the peers, shown for both: the same events, to theirs and to ours."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest

from rtstate import Conversation, UnknownEvent, parse_server_event
from rtstate.wire import TABLE
from tests import peers_support as situations
from tests.peers_support import WORDS, Event, agents_hold

with warnings.catch_warnings():  # it imports audioop
    warnings.simplefilter("ignore", DeprecationWarning)
    from pipecat.services.openai.realtime import events as pipecat

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")


def held(events: list[Event]) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation.feed(event)
    return conversation


def items(conversation: Conversation) -> list[tuple[str, Any]]:
    parts = [(item.id, item.content[0] if item.content else None) for item in conversation.snapshot().items]
    return [(item_id, part and (part.text or part.transcript)) for item_id, part in parts]


def test_an_item_that_is_inserted() -> None:
    in_order = [("item_1", "one"), ("item_2", "two"), ("item_3", "three")]
    assert items(held(situations.INSERTED)) == in_order
    assert agents_hold(situations.INSERTED).items == [in_order[0], in_order[2], in_order[1]]


def test_an_item_at_the_head() -> None:
    in_order = [("item_1", "one"), ("item_2", "two")]
    assert items(held(situations.AT_THE_HEAD)) == in_order
    assert agents_hold(situations.AT_THE_HEAD).items == in_order[::-1]


def test_events_that_come_twice() -> None:
    ours, theirs = held(situations.TWICE), agents_hold(situations.TWICE)
    assert items(ours) == [("item_answer", "Hello there.")]
    assert ours.snapshot().usage.responses.total_tokens == 10
    assert theirs.items == [("item_answer", "Hello Hello there.")]
    assert theirs.tokens == 20


def test_an_answer_that_was_cut_off() -> None:
    [item] = held(situations.CUT_OFF).snapshot().items
    cut = item.content[0].truncated
    assert item.content[0].transcript == "The parcel is in Leeds, and"
    assert cut is not None and cut.generated_transcript == WORDS
    assert agents_hold(situations.CUT_OFF).items == [("item_answer", WORDS)]


def test_a_transcription_that_comes_before_its_item() -> None:
    assert items(held(situations.HEARD_LATE)) == [("item_said", "Hello?")]
    assert agents_hold(situations.HEARD_LATE).items == [("item_said", None)]


def test_a_response_beside_the_conversation() -> None:
    ours = held(situations.BESIDE)
    assert items(ours) == [("item_1", "one")]
    assert ours.snapshot().item("item_answer").content[0].text == "An aside."
    assert agents_hold(situations.BESIDE).items == [("item_1", "one"), ("item_answer", "An aside.")]


def test_beta_names() -> None:
    assert items(held(situations.BETA)) == [("item_answer", "Hello")]
    theirs = agents_hold(situations.BETA)
    assert (theirs.items, theirs.errors) == ([("item_answer", None)], 1)
    assert pipecat.parse_server_event(json.dumps(situations.BETA[-1])) is None


def test_an_event_that_nobody_knows() -> None:
    ours = held(situations.UNKNOWN)
    assert (ours.stats.unknown, ours.snapshot().revision) == (1, 0)
    event = parse_server_event(situations.UNKNOWN[0])
    assert isinstance(event, UnknownEvent)
    assert event.payload["value"] == 5
    assert agents_hold(situations.UNKNOWN).errors == 1
    assert pipecat.parse_server_event(json.dumps(situations.UNKNOWN[0])) is None


def test_a_field_that_is_null() -> None:
    """xAI and Inworld send no offset of speech; an anomaly would be one too many, an exception more so."""
    event = situations.event("input_audio_buffer.speech_started", "event_1", item_id="item_1")
    ours = held([event])
    assert ours.snapshot().input_audio.speaking
    assert ours.anomalies == ()
    with pytest.raises(Exception, match="audio_start_ms"):
        pipecat.parse_server_event(json.dumps(event))


def test_how_many_server_events_are_read() -> None:
    theirs = [name for name in TABLE if name in pipecat._server_event_types]
    assert f"{len(theirs)} of {len(TABLE)}" in README
    assert len(theirs) == len(pipecat._server_event_types)  # there is none that only they know
