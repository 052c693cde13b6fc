"""The classes of the wire: which there are, what they take, and what they write."""

from __future__ import annotations

import inspect
import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from rtstate import events
from rtstate._model import ITEM_FIELDS
from rtstate.events import (
    ConversationItem,
    ConversationItemAdded,
    ConversationItemCreateEvent,
    ConversationItemInputAudioTranscriptionDelta,
    InputAudioTranscription,
    ItemContent,
    Response,
    ResponseCancelEvent,
    ResponseOutputTextDelta,
    ResponseTextDelta,
    SemanticTurnDetection,
    SessionCreatedEvent,
    SessionProperties,
    SessionUpdateEvent,
    TokenDetails,
    TurnDetection,
    UnknownContent,
    UnknownEvent,
    UnknownItem,
    Usage,
    VoiceLiveClientEvent,
)
from rtstate.wire import CLIENT_TABLE, TABLE, Row
from tests.data import wire_classes
from tests.helpers import ABSENT, sent

DATA = Path(__file__).parents[1] / "data"
TYPES = [line.split() for line in (DATA / "event_types.txt").read_text().splitlines()]
SERVER_TYPES = [name for side, name in TYPES if side == "server"]
CLIENT_TYPES = [name for side, name in TYPES if side == "client"]
PIPECAT_NAMES = (DATA / "pipecat_names.txt").read_text().split()

MODELS = [
    value
    for value in {getattr(events, name) for name in events.__all__}
    if inspect.isclass(value) and value is not UnknownEvent
]
MODELS.sort(key=lambda model: model.__name__)


# Which classes there are


def test_the_classes_are_as_they_were_written_down() -> None:
    """Changed on purpose? Then ``python -m tests.data.wire_classes``, and read what has changed for users."""
    assert wire_classes.make().splitlines() == wire_classes.FILE.read_text().splitlines()


def test_pipecat_has_55_names() -> None:
    assert len(PIPECAT_NAMES) == len(set(PIPECAT_NAMES)) == 55


@pytest.mark.parametrize("name", PIPECAT_NAMES)
def test_every_name_of_pipecats_module_is_a_class_here(name: str) -> None:
    assert inspect.isclass(getattr(events, name))
    assert name in events.__all__


def test_all_names_are_listed_in_order() -> None:
    assert events.__all__ == sorted(set(events.__all__))
    assert all(hasattr(events, name) for name in events.__all__)


def test_every_type_has_a_row_and_every_row_a_known_type() -> None:
    assert len(SERVER_TYPES) == 91
    assert len(CLIENT_TYPES) == 25
    assert sorted(TABLE) == sorted(SERVER_TYPES)
    assert sorted(CLIENT_TABLE) == sorted(CLIENT_TYPES)


def test_every_event_class_is_exported() -> None:
    rows = [*TABLE.values(), *CLIENT_TABLE.values()]
    assert {row.event.__name__ for row in rows} <= set(events.__all__)


@pytest.mark.parametrize("row", {**TABLE, **CLIENT_TABLE}.values(), ids=lambda row: str(row.types[0]))
def test_every_row_has_a_handler(row: Row) -> None:
    assert callable(row.handler)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_class_has_a_docstring_and_a_schema(model: type[BaseModel]) -> None:
    assert inspect.getdoc(model)
    assert model.model_json_schema()["properties"]


def test_both_spellings_are_one_class() -> None:
    assert ResponseTextDelta is ResponseOutputTextDelta
    for beta, ga in (
        ("response.text.delta", "response.output_text.delta"),
        ("response.text.done", "response.output_text.done"),
        ("response.audio.delta", "response.output_audio.delta"),
        ("response.audio.done", "response.output_audio.done"),
        ("response.audio_transcript.delta", "response.output_audio_transcript.delta"),
        ("response.audio_transcript.done", "response.output_audio_transcript.done"),
        ("transcription_session.created", "session.created"),
        ("transcription_session.updated", "session.updated"),
    ):
        assert TABLE[beta].event is TABLE[ga].event
        assert TABLE[beta].types == (ga, beta)


# What they take


def test_only_what_an_event_cannot_do_without_is_required() -> None:
    assert SessionCreatedEvent.model_validate({"type": "session.created"}).session is None
    with pytest.raises(ValidationError, match="delta"):
        ResponseOutputTextDelta.model_validate({"type": "response.output_text.delta", "item_id": "item_1"})
    delta = ConversationItemInputAudioTranscriptionDelta.model_validate(
        {"type": "conversation.item.input_audio_transcription.delta", "item_id": "item_1"}
    )
    assert delta.delta is None
    assert delta.content_index == 0


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_optional_field_takes_null(model: type[BaseModel]) -> None:
    nulls = {name: None for name, field in model.model_fields.items() if not field.is_required()}
    kinds = {error["type"] for error in _errors(model, nulls)}
    assert kinds <= {"missing", "literal_error"}  # a client event's type has a default, yet is never null


def _errors(model: type[BaseModel], data: dict[str, Any]) -> list[Any]:
    try:
        model.model_validate(data)
    except ValidationError as invalid:
        return list(invalid.errors())
    return []


@pytest.mark.parametrize("index", [-1, 1.5, "first"])
def test_an_index_is_a_whole_number_from_0(index: object) -> None:
    event = {"type": "response.text.delta", "item_id": "item_1", "delta": "Hi", "content_index": index}
    assert [error["loc"] for error in _errors(ResponseOutputTextDelta, event)] == [("content_index",)]


def test_an_anchor_of_null_differs_from_none_at_all() -> None:
    item = {"id": "item_1", "type": "message"}
    head = ConversationItemAdded.model_validate(
        {"type": "conversation.item.added", "previous_item_id": None, "item": item}
    )
    appended = ConversationItemAdded.model_validate({"type": "conversation.item.added", "item": item})
    assert "previous_item_id" in head.model_fields_set
    assert "previous_item_id" not in appended.model_fields_set


def test_unknown_types_and_fields_are_kept() -> None:
    item = {"type": "hologram", "content": [{"type": "smell", "notes": ["pine"]}], "depth": 3}
    assert ConversationItem.model_validate(item).model_dump(exclude_unset=True) == item


PARTS = ["input_text", "input_audio", "input_image", "output_text", "output_audio", "text", "audio"]
ITEMS = [*ITEM_FIELDS, "item_reference", "mcp_tool_call"]


@pytest.mark.parametrize("said", [*PARTS, None, "", ABSENT])
def test_a_part_of_a_known_type_or_none_is_read_as_one(said: Any) -> None:
    item = ConversationItem.model_validate({"content": [sent({"type": said, "text": "Hi"})]})
    assert [type(part) for part in item.content or ()] == [ItemContent]


@pytest.mark.parametrize("said", [*ITEMS, None, "", ABSENT])
def test_an_item_of_a_known_type_or_none_is_read_as_one(said: Any) -> None:
    response = Response.model_validate({"output": [sent({"type": said})]})
    assert [type(item) for item in response.output or ()] == [ConversationItem]


@pytest.mark.parametrize("said", ["hologram", "Message", " ", "refusal"])
def test_of_an_unknown_type_nothing_is_demanded(said: str) -> None:
    unknown = {"type": said, "text": {"a": 1}, "content": 5, "status": []}
    [item] = Response.model_validate({"output": [unknown]}).output or []
    assert type(item) is UnknownItem
    assert item.model_dump(exclude_unset=True) == unknown
    [part] = ConversationItem.model_validate({"content": [unknown]}).content or []
    assert type(part) is UnknownContent
    assert part.model_dump() == unknown


def test_servers_disagree_about_shapes() -> None:
    session: dict[str, Any] = {
        "type": "realtime",
        "voice": {"name": "alloy", "type": "openai"},
        "input_audio_format": {"type": "audio/pcm", "rate": 16000},
        "max_output_tokens": "inf",
        "turn_detection": {"type": None},
        "tools": [{"type": "function", "function": {"name": "look_up"}}],
        "tool_choice": {"type": "function", "name": "look_up"},
        "animation": None,
    }
    assert SessionProperties.model_validate(session).model_dump(exclude_unset=True) == session
    response = {
        "id": "resp_1",
        "status_details": "completed",
        "usage": {"total_tokens": 3.0},
        "voice": {"id": "v"},
    }
    assert Response.model_validate(response).model_dump(exclude_unset=True) == response
    assert Usage.model_validate({"input_tokens_details": {"text_tokens": 1}}).model_extra == {
        "input_tokens_details": {"text_tokens": 1}
    }


# How they are made


def test_defaults() -> None:
    assert TurnDetection().model_dump(exclude_none=True) == {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 800,
    }
    assert SemanticTurnDetection(eagerness="low").type == "semantic_vad"
    assert InputAudioTranscription(language="de", prompt="Names").model == "gpt-4o-transcribe"
    assert TokenDetails(text_tokens=4).audio_tokens == 0
    assert ResponseCancelEvent().type == "response.cancel"


def test_client_events_get_an_id_of_their_own() -> None:
    first, second = ResponseCancelEvent(), ResponseCancelEvent()
    assert first.event_id != second.event_id
    assert ResponseCancelEvent(event_id="event_mine").event_id == "event_mine"


def test_an_event_of_many_types_needs_one() -> None:
    with pytest.raises(ValidationError, match="type"):
        VoiceLiveClientEvent.model_validate({})


def test_an_item_is_written_as_it_was_made() -> None:
    item = ConversationItem(type="message", role="user", content=[ItemContent(type="input_text", text="hi")])
    assert ConversationItemCreateEvent(item=item).model_dump(exclude_none=True, exclude={"event_id"}) == {
        "type": "conversation.item.create",
        "item": {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]},
    }


# Turn detection switched off

FLAT = SessionProperties(turn_detection=False)
NESTED = SessionProperties.model_validate({"audio": {"input": {"turn_detection": False}}})


@pytest.mark.parametrize("options", [{"exclude_none": True}, {"exclude_unset": True}])
@pytest.mark.parametrize(
    ("session", "written"),
    [
        (FLAT, {"turn_detection": None}),
        (NESTED, {"audio": {"input": {"turn_detection": None}}}),
    ],
)
def test_turn_detection_off_is_written_as_null(
    session: SessionProperties, written: dict[str, Any], options: dict[str, Any]
) -> None:
    event = SessionUpdateEvent(session=session)
    assert event.model_dump(**options)["session"] == written
    assert json.loads(event.model_dump_json(**options))["session"] == written


def test_turn_detection_left_alone_is_left_out() -> None:
    event = SessionUpdateEvent(session=SessionProperties(instructions="Be brief."))
    assert event.model_dump(exclude_none=True)["session"] == {"instructions": "Be brief."}


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"type": "server_vad"}, TurnDetection),
        ({"create_response": False}, TurnDetection),
        ({"type": "azure_semantic_vad"}, TurnDetection),
        ({"type": "semantic_vad", "eagerness": "low"}, SemanticTurnDetection),
        (SemanticTurnDetection(), SemanticTurnDetection),
        (TurnDetection(threshold=0.9), TurnDetection),
        (False, bool),
        (None, type(None)),
    ],
)
def test_turn_detection_is_read_by_its_type(value: object, kind: type) -> None:
    session = SessionProperties.model_validate({"turn_detection": value})
    assert type(session.turn_detection) is kind
