"""Snapshots and the document: written, read back, and refused with the place of the fault."""

import json
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from rtstate import Conversation, DocumentError, Snapshot, simulate
from rtstate._vector import Vector
from rtstate.document import Table
from tests.helpers import (
    added,
    call,
    delta,
    event,
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


def rich() -> Conversation:
    """A state with something of every kind in it."""
    return state(
        {"type": "session.created", "session": {"id": "sess_1", "tools": [{"name": "look_up"}]}},
        {"type": "conversation.created", "conversation": {"id": "conv_1"}},
        added(user("u1", "Hi", colour=["red", {"a": None}])),
        speech_started("u2", 100),
        transcription("failed", "u2", error={"code": "bad"}),
        response_created(metadata={"topic": "x"}),
        sound(100),
        spoken("one two three"),
        truncated("a1", 50),
        delta("growing", "a2"),
        added(call(arguments='{"a": 1}', status="completed")),
        added({"id": "m1", "type": "mcp_list_tools", "server_label": "shop", "tools": [{"name": "buy"}]}),
        added({"id": "m2", "type": "mcp_approval_response", "approve": True, "reason": None}),
        added({"id": "o1", "type": "odd_item", "what": {"ever": [1]}}),
        added(
            user("i1", content=[{"type": "input_image", "image_url": "data:,"}, {"type": "odd", "x": [1]}])
        ),
        response_done("r2", status="failed", usage={"total_tokens": 5, "surprise": [1]}),
        {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": 5}]},
        {"type": "error", "error": {"type": "invalid_request_error", "message": "no"}},
        {"type": "session.input_transcript.delta", "delta": "Hola"},
    )


def test_a_snapshot_of_nothing() -> None:
    document = Conversation().snapshot().to_dict()
    assert list(document) == [
        *("format", "revision", "conversation_id", "session", "order", "items", "responses"),
        *("usage", "input_audio", "rate_limits", "errors"),
    ]
    assert document["format"] == "rtstate/1"
    assert document["session"] is None
    assert document["usage"]["responses"]["input_token_details"]["cached_tokens_details"] == {
        "text_tokens": 0,
        "audio_tokens": 0,
        "image_tokens": 0,
    }
    assert document["input_audio"] == {
        "speaking": False,
        "item_id": None,
        "speech_started_ms": None,
        "speech_stopped_ms": None,
    }


def test_a_snapshot_gives_its_entities() -> None:
    snapshot = rich().snapshot()
    assert snapshot.order == tuple(item.id for item in snapshot.items)
    assert [item.id for item in snapshot.unplaced] == ["u2"]
    unplaced = snapshot.item("u2")
    assert unplaced is not None
    assert unplaced.content[0].type == "input_audio"
    assert snapshot.item("u1") is snapshot.items[0]
    assert snapshot.item("nobody") is None
    assert [each.id for each in snapshot.responses] == ["r1", "r2"]
    assert [each.id for each in snapshot.active_responses] == ["r1"]
    assert snapshot.response("r2") is snapshot.responses[1]
    assert snapshot.response("nobody") is None
    assert snapshot.items is snapshot.items
    assert snapshot.order is snapshot.order


def test_a_document_of_everything_reads_back() -> None:
    snapshot = rich().snapshot()
    again = Snapshot.from_dict(json.loads(snapshot.to_json()))
    assert again == snapshot
    assert again.to_json() == snapshot.to_json()
    assert again.items == snapshot.items
    assert again.unplaced == snapshot.unplaced
    assert again.responses == snapshot.responses
    assert again.translation == snapshot.translation
    assert again.errors == snapshot.errors
    assert Snapshot.from_dict(again.to_dict()) == snapshot


def test_documents_from_before_this_revision_stay() -> None:
    conversation = rich()
    before = conversation.snapshot()
    written = before.to_json()
    conversation.feed(delta(" more", "a2"))
    conversation.feed(event("conversation.item.deleted", item_id="u1"))
    assert before.to_json() == written
    assert before.item("u1") is not None
    assert conversation.snapshot().item("u1") is None


def test_the_document_is_the_callers_to_change() -> None:
    snapshot = rich().snapshot()
    written = snapshot.to_json()
    document = snapshot.to_dict()
    document["items"]["u1"]["content"].clear()
    document["session"]["tools"][0]["name"] = "other"
    document["usage"]["responses"]["count"] = 99
    document["order"].clear()
    assert snapshot.to_json() == written


def test_a_read_snapshot_keeps_nothing_of_its_source() -> None:
    document = rich().snapshot().to_dict()
    snapshot = Snapshot.from_dict(document)
    written = snapshot.to_json()
    document["session"]["tools"][0]["name"] = "other"
    document["items"]["o1"]["what"]["ever"].append(2)
    document["responses"]["r1"]["metadata"]["topic"] = "y"
    assert snapshot.to_json() == written


def test_nothing_in_a_snapshot_can_be_changed() -> None:
    snapshot = rich().snapshot()
    item = snapshot.items[0]
    for frozen in (snapshot, item, item.content[0], snapshot.responses[0], snapshot.usage.responses):
        name = attrs.fields(type(frozen))[0].name
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            setattr(frozen, name, None)
    for mapping in (snapshot.session, snapshot.rate_limits, item.extra, snapshot.responses[0].metadata):
        with pytest.raises(TypeError):
            mapping["key"] = 1  # type: ignore[index]
    assert isinstance(item.extra["colour"], tuple)


def test_json_is_compact_and_strict() -> None:
    written = state(added(user(text="é \u2028 \U0001f600"))).snapshot().to_json()
    assert "é" in written
    assert ", " not in written
    assert json.loads(written, parse_constant=pytest.fail)["revision"] == 1


def test_snapshots_compare_by_what_they_say() -> None:
    one, other = rich().snapshot(), rich().snapshot()
    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other, Conversation().snapshot()}) == 2
    assert one != state(added(user(text="Hi"))).snapshot()
    assert one != one.to_dict()
    assert repr(one) == "<Snapshot revision 19: 8 items, 2 responses>"


def test_mappings_of_any_kind_are_documents() -> None:
    from types import MappingProxyType

    snapshot = rich().snapshot()
    assert Snapshot.from_dict(MappingProxyType(snapshot.to_dict())) == snapshot


@pytest.mark.parametrize("document", [{}, {"format": "rtstate/2"}, {"format": ["rtstate/1"]}])
def test_what_is_no_document_is_refused_by_its_format(document: Any) -> None:
    with pytest.raises(DocumentError, match="rtstate/1"):
        Snapshot.from_dict(document)


@pytest.mark.parametrize("document", [[], None, "{}", 3])
def test_what_is_no_mapping_is_refused_by_its_type(document: Any) -> None:
    with pytest.raises(DocumentError, match=type(document).__name__):
        Snapshot.from_dict(document)


def _drop(*path: Any) -> Callable[[Any], None]:
    def drop(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        del document[path[-1]]

    return drop


def _set(value: Any, *path: Any) -> Callable[[Any], None]:
    def put(document: Any) -> None:
        for key in path[:-1]:
            document = document[key]
        document[path[-1]] = value

    return put


def _nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


FAULTS: dict[str, tuple[Callable[[Any], None], str]] = {
    "no order": (_drop("order"), "document: 'order' is missing"),
    "no items": (_drop("items"), "document: 'items' is missing"),
    "no revision": (_drop("revision"), "document: 'revision' is missing"),
    "an item without a status": (_drop("items", "u1", "status"), "items/u1: 'status' is missing"),
    "an item without its role": (_drop("items", "u1", "role"), "items/u1: 'role' is missing"),
    "a part without a text": (_drop("items", "u1", "content", 0, "text"), "items/u1: 'text' is missing"),
    "a response without usage": (_drop("responses", "r2", "usage"), "responses/r2: 'usage' is missing"),
    "an order of strangers": (_set(["u1", "x"], "order"), "order names items that are not there"),
    "an order that is a number": (_set(3, "order"), "document: "),
    "items that are a list": (_set([], "items"), "document: "),
    "an item that is a text": (_set("x", "items", "u1"), "items/u1: "),
    "content that is a number": (_set(5, "items", "u1", "content"), "items/u1: "),
    "a part that is null": (_set(None, "items", "u1", "content", 0), "items/u1: "),
    "a truncation without a mark": (
        _drop("items", "a1", "content", 0, "truncated", "audio_end_ms"),
        "items/a1: ",
    ),
    "an unknown field of a limit": (_set(1, "rate_limits", "tokens", "colour"), "document: .*colour"),
    "an unknown field of an error": (_set(1, "errors", 0, "colour"), "document: .*colour"),
    "no totals": (
        _drop("usage", "responses", "input_token_details"),
        "document: 'input_token_details' is missing",
    ),
    "audio that is null": (_set(None, "input_audio"), "document: "),
    "an order that is not of texts": (_set([["u1"]], "order"), "document: "),
    "an order that names an item twice": (_set(["u1", "u1"], "order"), "u1"),
    "a text that is a number": (_set(5, "items", "u1", "content", 0, "text"), "items/u1: text"),
    "arguments that are an object": (_set({}, "items", "f1", "arguments"), "items/f1: arguments"),
    "a text that was heard that is a number": (
        _set(5, "items", "a1", "content", 0, "truncated", "heard_transcript"),
        "items/a1: heard_transcript: expected a text or null, found int",
    ),
    "a truncation that is empty": (_set({}, "items", "a1", "content", 0, "truncated"), "items/a1: "),
    "a truncation that is a list": (
        _set([], "items", "a1", "content", 0, "truncated"),
        "truncated: expected",
    ),
    "a mark that is a list": (
        _set([1], "items", "a1", "content", 0, "truncated", "audio_end_ms"),
        r"items/a1: audio_end_ms: expected a single value, found \[1\]",
    ),
    "a transcription that is empty": (_set({}, "items", "u2", "content", 0, "transcription"), "'status'"),
    "a status that is a list": (
        _set([], "items", "u1", "status"),
        "items/u1: status: expected a text or null",
    ),
    "a part of a type that is a number": (
        _set(5, "items", "u1", "content", 0, "type"),
        "type: expected a text",
    ),
    "a response under another id": (_set("r9", "responses", "r1", "id"), "responses/r1: holds a response"),
    "a limit that is an object": (_set({}, "rate_limits", "tokens", "limit"), "document: limit: expected"),
    "a revision that is negative": (_set(-1, "revision"), "revision: expected a count, found -1"),
    "a revision that is true": (_set(True, "revision"), "revision: expected a count, found True"),
    "a name that is a number": (_set(5, "conversation_id"), "conversation_id: expected a text or null"),
    "a session that is a list": (_set([], "session"), "session: expected an object or null, found list"),
    "a counter that is true": (_set(True, "usage", "transcription", "count"), "count: expected a number"),
    "a translation of numbers": (_set({"input_transcript": 5}, "translation"), "input_transcript: expected"),
    "an order that is an object": (_set({"u1": 0}, "order"), "order: expected a list, found dict"),
    "what is nested too deeply": (_set(_nested(5_000), "session", "x"), "document: nested too deeply"),
    "an item that is nested too deeply": (
        _set(_nested(5_000), "items", "u1", "extra", "x"),
        "^items/u1: nested too deeply",
    ),
    "an item under another id": (_set("u9", "items", "u1", "id"), "items/u1"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_refused_with_its_place(fault: str) -> None:
    document = rich().snapshot().to_dict()
    break_it, message = FAULTS[fault]
    break_it(document)
    with pytest.raises(DocumentError, match=message):
        Snapshot.from_dict(document)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_sessions_read_back(dialect: str) -> None:
    conversation = Conversation()
    for each in simulate.session(seed=11, turns=5, dialect=dialect).events:
        conversation.feed(each)
    snapshot = conversation.snapshot()
    assert Snapshot.from_dict(json.loads(snapshot.to_json())).to_dict() == snapshot.to_dict()


def test_a_table_is_changed_into_another() -> None:
    table: Table[str] = Table({"a": 0}, Vector(["A"]))
    more = table.with_ids({"c": "C", "b": "B"})
    assert [more.get(key) for key in "abc"] == ["A", "B", "C"]
    assert table.with_ids({}) is table
    assert list(more.with_(0, None)) == list(more.with_all({0: None}))
    assert more.with_(0, "Z").get("a") == "Z"
    assert more.get("a") == "A"
    own = table.with_own_index()
    own.with_ids({"d": "D"})
    assert "d" not in table.index
    assert own.get("a") == "A"


def test_what_is_printed_says_what_there_is() -> None:
    snapshot = state(added(user(text="Hi")), response_done(status="failed")).snapshot()
    assert repr(snapshot.item("u1")) == (
        "Item(id='u1', type='message', status='in_progress', role='user', "
        "content=(Part(type='input_text', text='Hi', final=True),))"
    )
    assert repr(snapshot.response("r1")) == "Response(id='r1', status='failed')"


def test_an_mcp_call_says_what_went_wrong() -> None:
    item = {"id": "m1", "type": "mcp_call", "name": "buy", "error": {"message": "No."}}
    found = state(added(item)).snapshot().item("m1")
    assert found is not None
    assert found.error == {"message": "No."}
    assert found.approval_request_id is None
