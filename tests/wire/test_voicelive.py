"""What only Azure Voice Live sends: known, counted, and without effect on the conversation."""

from __future__ import annotations

from typing import Any, get_args

import pytest

from rtstate import parse_server_event
from rtstate.wire.voicelive import VoiceLiveEvent, VoiceLivePartEvent
from tests.helpers import (
    Event,
    added,
    assistant,
    deleted,
    event,
    response_created,
    spoken,
    state,
    unchanged,
    user,
)

TYPES = [
    name
    for model in (VoiceLiveEvent, VoiceLivePartEvent)
    for name in get_args(model.model_fields["type"].annotation)
]
BEFORE = [added(user(text="Hi")), response_created(), added(assistant()), spoken("Hello")]
PAYLOADS: list[Event] = [
    {},
    {"response_id": "r1", "item_id": "a1", "output_index": 0, "content_index": 0},
    {
        "response_id": None,
        "item_id": None,
        "audio_offset_ms": 10.5,
        "viseme_id": 3,
        "frames": [[0.5]],
        "new": {"a": None},
    },
    {"response_id": "r9", "item_id": "a9"},
]


def test_there_are_thirty_of_them() -> None:
    assert len(TYPES) == len(set(TYPES)) == 30


@pytest.mark.parametrize(
    "payload", PAYLOADS, ids=["empty", "of a part", "nulls and more", "of an unknown item"]
)
@pytest.mark.parametrize("name", TYPES)
def test_it_says_nothing_about_the_conversation(name: str, payload: Event) -> None:
    for before in ([], BEFORE, [*BEFORE, deleted("a1")]):
        conversation = unchanged(before, event(name, **payload))
        assert (conversation.stats.noted, conversation.stats.unknown, conversation.stats.invalid) == (1, 0, 0)


@pytest.mark.parametrize("name", TYPES)
def test_its_fields_are_kept_for_those_who_want_them(name: str) -> None:
    payload: dict[str, Any] = {"type": name, "event_id": "event_1", "frames": [[0.5]], "new": {"a": None}}
    parsed = parse_server_event(payload)
    assert isinstance(parsed, (VoiceLiveEvent, VoiceLivePartEvent))
    assert parsed.model_dump(mode="json", exclude_unset=True) == payload


def test_a_bad_field_is_refused() -> None:
    last = {"type": "response.animation_viseme.delta", "viseme_id": "wide"}
    conversation = state(*BEFORE)
    before = conversation.snapshot()
    assert [each.kind for each in conversation.feed(last).anomalies] == ["invalid"]
    assert conversation.snapshot() is before
