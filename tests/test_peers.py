"""What the README says beside the peers, shown for both: the same events, to theirs and to ours."""

import json
import re
import warnings
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

from rtstate import Conversation, UnknownEvent, parse_server_event
from rtstate.wire import TABLE
from tests import peers_support as situations
from tests.peers_support import WORDS, Event, agents_hold, in_beta, reference_holds

with warnings.catch_warnings():  # it imports audioop
    warnings.simplefilter("ignore", DeprecationWarning)
    from pipecat.services.openai.realtime import events as pipecat

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text("utf-8")
Test = Callable[[], None]


SHOWN: set[str] = set()


def shows(row: str) -> Callable[[Test], Test]:
    """Say which row of the README's table a test holds."""
    SHOWN.add(row)
    return lambda test: test


def held(events: list[Event]) -> Conversation:
    conversation = Conversation()
    for event in events:
        conversation.feed(event)
    return conversation


def items(conversation: Conversation) -> list[tuple[str, Any]]:
    parts = [(item.id, item.content[0] if item.content else None) for item in conversation.snapshot().items]
    return [(item_id, part and (part.text or part.transcript)) for item_id, part in parts]


@shows("an item inserted between others")
def test_an_item_that_is_inserted() -> None:
    in_order = [("item_1", "one"), ("item_2", "two"), ("item_3", "three")]
    assert items(held(situations.INSERTED)) == in_order
    assert agents_hold(situations.INSERTED).items == [in_order[0], in_order[2], in_order[1]]


@shows("an item inserted at the head")
def test_an_item_at_the_head() -> None:
    in_order = [("item_1", "one"), ("item_2", "two")]
    assert items(held(situations.AT_THE_HEAD)) == in_order
    assert agents_hold(situations.AT_THE_HEAD).items == in_order[::-1]


@shows("an event twice")
def test_events_that_come_twice() -> None:
    ours, theirs = held(situations.TWICE), agents_hold(situations.TWICE)
    assert items(ours) == [("item_answer", "Hello there.")]
    assert ours.snapshot().usage.responses.total_tokens == 10
    assert theirs.items == [("item_answer", "Hello Hello there.")]
    assert theirs.tokens == 20


@shows("an answer that was cut off")
def test_an_answer_that_was_cut_off() -> None:
    [item] = held(situations.CUT_OFF).snapshot().items
    cut = item.content[0].truncated
    assert item.content[0].transcript == "The parcel is in Leeds, and"
    assert cut is not None
    assert cut.generated_transcript == WORDS
    assert agents_hold(situations.CUT_OFF).items == [("item_answer", WORDS)]


@shows("a transcription before its item")
def test_a_transcription_that_comes_before_its_item() -> None:
    assert items(held(situations.HEARD_LATE)) == [("item_said", "Hello?")]
    assert agents_hold(situations.HEARD_LATE).items == [("item_said", None)]


@shows("a response out of band")
def test_a_response_beside_the_conversation() -> None:
    ours = held(situations.BESIDE)
    assert items(ours) == [("item_1", "one")]
    assert ours.snapshot().item("item_answer").content[0].text == "An aside."
    assert agents_hold(situations.BESIDE).items == [("item_1", "one"), ("item_answer", "An aside.")]


@shows("an event under its beta name")
def test_beta_names() -> None:
    assert items(held(situations.BETA)) == [("item_answer", "Hello")]
    theirs = agents_hold(situations.BETA)
    assert (theirs.items, theirs.errors) == ([("item_answer", None)], 1)
    assert pipecat.parse_server_event(json.dumps(situations.BETA[-1])) is None


@shows("an event of an unknown type")
def test_an_event_that_nobody_knows() -> None:
    ours = held(situations.UNKNOWN)
    assert (ours.stats.unknown, ours.snapshot().revision) == (1, 0)
    event = parse_server_event(situations.UNKNOWN[0])
    assert isinstance(event, UnknownEvent)
    assert event.payload["value"] == 5
    assert agents_hold(situations.UNKNOWN).errors == 1
    assert pipecat.parse_server_event(json.dumps(situations.UNKNOWN[0])) is None


@shows("speech that starts without an offset")
def test_an_offset_that_is_left_out() -> None:
    """xAI and Inworld send none: no reason for an anomaly, still less for an exception."""
    event = situations.event("input_audio_buffer.speech_started", "event_1", item_id="item_1")
    ours = held([event])
    assert ours.snapshot().input_audio.speaking
    assert ours.anomalies == ()
    assert agents_hold([event]).errors == 1
    with pytest.raises(Exception, match="audio_start_ms"):
        pipecat.parse_server_event(json.dumps(event))


@shows("server events that are known")
def test_how_many_server_events_are_read() -> None:
    theirs = [name for name in TABLE if name in pipecat._server_event_types]
    assert f"{len(theirs)} of {len(TABLE)}" in README
    assert len(theirs) == len(pipecat._server_event_types)  # there is none that only they know


IN_ORDER = [("item_1", "one"), ("item_2", "two"), ("item_3", "three")]
REFERENCE = {  # the situation, and what the reference reducer and ours hold after it
    "an item inserted between others": (
        situations.INSERTED,
        [("item_1", "one"), ("item_3", "three"), ("item_2", "two")],
        IN_ORDER,
    ),
    "an item inserted at the head": (situations.AT_THE_HEAD, IN_ORDER[1::-1], IN_ORDER[:2]),
    "an answer that was cut off": (
        situations.CUT_OFF,
        [("item_answer", "")],
        [("item_answer", "The parcel is in Leeds, and")],
    ),
    "a transcription before its item": (
        situations.HEARD_LATE[1:],
        [("item_said", "Hello?")],
        [("item_said", "Hello?")],
    ),
    "an event twice": (
        situations.TWICE,
        [("item_answer", "Hello Hello there.")],
        [("item_answer", "Hello there.")],
    ),
    "a response out of band": (situations.BESIDE, IN_ORDER[:1], IN_ORDER[:1]),
}


@pytest.mark.parametrize("row", REFERENCE)
def test_the_reference_reducer_beside_ours(row: str) -> None:
    events, theirs, ours = REFERENCE[row]
    assert reference_holds(in_beta(events))["items"] == theirs
    assert items(held(in_beta(events))) == ours
    assert row in SHOWN


def test_which_events_the_reference_reducer_reads() -> None:
    typed = situations.typed("item_1", None, "one")
    assert reference_holds(in_beta([typed]))["errors"] == []
    found = reference_holds([typed, *situations.UNKNOWN])
    assert (found["items"], len(found["errors"])) == ([], 2)
    assert f"{found['known']} of {len(TABLE)}" in README
    assert (
        reference_holds([situations.event("input_audio_buffer.speech_started", "event_1", item_id="item_1")])[
            "errors"
        ]
        == []
    )


@shows("an event under its GA name")
def test_ga_names() -> None:
    typed = situations.typed("item_1", None, "one")
    assert items(held([typed])) == agents_hold([typed]).items == [("item_1", "one")]
    assert pipecat.parse_server_event(json.dumps(typed)).item.id == "item_1"


def test_the_table_claims_only_what_is_shown_here() -> None:
    table = README[README.index("| what comes |") :].split("\n\n")[0].splitlines()[2:]
    assert {row.split("|")[1].strip() for row in table} == SHOWN
    used = {peer: metadata.version(peer) for peer in ("openai-agents", "pipecat-ai")}
    used |= json.loads((situations.NODE / "package.json").read_text("utf-8"))["dependencies"]
    for peer in ("openai-agents", "pipecat-ai", "openai-realtime-api"):  # another may do it otherwise: look
        assert re.search(rf"{peer}\s+{re.escape(used[peer])}", README), peer
