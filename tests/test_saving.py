"""A draft that was saved: only what differs is written, and what makes no sense is refused at once."""

import json
from typing import Any

import attrs
import pytest

from rtstate import CheckpointError, Conversation
from rtstate._change import Stats
from rtstate._draft import Draft, ItemCopy, PartCopy, ResponseCopy, saved
from rtstate._draft.saving import load, save
from rtstate._draft.work import ItemWork, PartWork, Request, ResponseWork
from rtstate._json import EMPTY, freeze
from rtstate._model import InputAudio, Totals
from rtstate._order import Order
from rtstate._trace import ItemTrace, ResponseTrace
from rtstate._types import COMPLETED, INCOMPLETE
from tests.helpers import added, delta, state, user
from tests.test_checkpoint import goes_on, packed, parts, rich

# What is written


def test_of_a_new_item_hardly_anything_is_written() -> None:
    [item] = save(state(added(user(text="Hi")))._draft)["items"]
    assert item == {
        "id": "u1",
        "type": "message",
        "session": 0,
        "typed": True,
        "role": "user",
        "parts": [{"type": "input_text", "text": "Hi", "final": True}],
        "placed": True,
    }


def test_a_growing_text_is_written_once_with_where_its_deltas_go() -> None:
    draft = state(delta("a"), delta("b"))._draft
    [part] = save(draft)["items"][0]["parts"]
    assert part == {
        "type": "output_text",
        "text": "ab",
        "growing": {"text": "response.output_text.delta"},
        "stream": "text",
        "streamed": True,
    }


def test_of_a_new_draft_everything_is_written() -> None:
    assert save(Draft()) == {
        "audio": "measure",
        "dialect": "auto",
        "null_is_end": False,
        "is_named": False,
        "has_session": False,
        **dict.fromkeys(("revision", "session_number"), 0),
        **dict.fromkeys(("conversation_id", "session", "translation", "slots", "finishing"), None),
        **dict.fromkeys(("input_bytes_per_second", "output_bytes_per_second"), None),
        **dict.fromkeys(("answer_model", "transcription_model"), None),
        **{
            name: [] for name in ("sessions", "errors", "items", "dead", "responses", "deletions", "requests")
        },
        "rate_limits": {},
        "calls": {},
        "order": {"ids": [], "ghosts": [], "waiting": {}, "hangers": {}, "floor": None},
        "input_audio": InputAudio().to_dict(),
        "stats": attrs.asdict(Stats()),
        "usage": Totals().to_dict(),
    }


@pytest.mark.parametrize(
    ("verb", "where", "names"),
    [
        (lambda draft: draft.append_text("a", 0, "text", "words", "Hi", None), "part", {"text": "words"}),
        (lambda draft: draft.append_transcription(draft.user_part("a", 0), "Hi"), "part", {"transcript": ""}),
        (lambda draft: draft.append_arguments("a", "function_call", "{", None), "item", {"arguments": ""}),
    ],
)
def test_where_the_deltas_of_a_text_have_one_name_alone_none_is_written(
    verb: Any, where: str, names: dict[str, str]
) -> None:
    draft = Draft()
    verb(draft)
    [item] = save(draft)["items"]
    assert (item["parts"][0] if where == "part" else item)["growing"] == names


def test_audio_that_came_whole_was_fed_by_no_deltas() -> None:
    draft = Draft()
    parts_of_it = [PartCopy("input_audio", audio="AAAA")]
    draft.put_item(ItemCopy("u", "message", role="user", parts=parts_of_it), COMPLETED)
    [part] = save(draft)["items"][0]["parts"]
    assert part["audio"] == {"source": "", "bytes_per_second": 48_000, "size": 3, "chunks": None}


BEGINNINGS: dict[type[Any], dict[str, Any]] = {
    PartWork: {
        **dict.fromkeys(("type", "text", "transcript", "audio", "audio_ms", "mark", "truncated"), None),
        **dict.fromkeys(("arriving", "noted_ms", "transcription", "image_url", "detail"), None),
        **dict.fromkeys(("stream", "frozen"), None),
        **dict.fromkeys(("final", "streamed", "fresh", "shown"), False),
        "marks": {},
        "arrivals": [],
        "noted": 0,
        "segments": set(),
        "extra": EMPTY,
        "billed": "",
    },
    ItemWork: {
        **dict.fromkeys(("response_id", "previous_item_id", "role", "call_id", "name", "arguments"), None),
        **dict.fromkeys(("output", "base", "grew", "label", "frozen"), None),
        **dict.fromkeys(("typed", "anchored", "arguments_final", "ready", "placed", "fresh", "shown"), False),
        "status": "in_progress",
        "parts": [],
        "hidden": 0,
        "mcp": EMPTY,
        "extra": EMPTY,
        "trace": ItemTrace(),
    },
    ResponseWork: {
        **dict.fromkeys(("status_details", "conversation_id", "metadata", "usage"), None),
        **dict.fromkeys(("bytes_per_second", "frozen"), None),
        **dict.fromkeys(("out_of_band", "ended", "fresh", "shown"), False),
        "status": "in_progress",
        "output": (),
        "indexes": [],
        "extra": EMPTY,
        "billed": "",
        "trace": ResponseTrace(),
    },
    Request: {"index": 0},
}


@pytest.mark.parametrize("node", BEGINNINGS, ids=lambda node: node.__name__)
def test_how_each_begins(node: type[Any]) -> None:
    """A checkpoint says only what differs from this, so with another beginning those kept read otherwise."""
    begins: dict[str, Any] = {}
    for field in attrs.fields(node):
        made = (
            field.default.factory()
            if isinstance(field.default, attrs.Factory) and field.init
            else field.default
        )
        if made is not attrs.NOTHING and field.init:
            begins[field.name] = made
    assert begins == BEGINNINGS[node]
    for name, value in begins.items():
        assert type(value) is type(BEGINNINGS[node][name]), name
    assert [field.name for field in attrs.fields(node) if not field.init] == ["path"] * (node is not Request)


KNOWN = {
    Draft: {
        # what events make of it
        *("dialect", "null_is_end", "audio", "revision", "stats", "items", "dead", "order", "responses"),
        *("calls", "deletions", "finishing", "requests", "conversation_id", "is_named", "session"),
        *("session_number", "has_session", "sessions", "input_bytes_per_second", "output_bytes_per_second"),
        *("input_audio", "rate_limits", "errors", "translation", "_counters", "_item_slots"),
        *("answer_model", "transcription_model"),
        # what follows from it, or is empty between two events
        *("ops", "notes", "open_items", "running", "_totals", "_fresh", "_snapshot", "_response_slots"),
        *(
            "_item_table",
            "_response_table",
            "_counted",
            "dirty_items",
            "_dirty_responses",
            "_ordered",
            "_built",
        ),
        *("at", "marked"),
    },
    Order: {
        *("_ids", "_ghosts", "_waiting", "_hangers", "floor"),
        *("moves", "relabelled", "_labels", "_anchor", "_root", "_latest"),
    },
    Conversation: {
        *("_draft", "_strict", "_history", "_anomalies", "_seen", "_sent"),
        *("_subscribers", "_unpublished"),
    },
}


@pytest.mark.parametrize("owner", KNOWN, ids=lambda owner: owner.__name__)
def test_whoever_adds_an_attribute_thinks_of_checkpoints(owner: type) -> None:
    """A new one has to be saved, or to follow from what is; then it joins the names above."""
    known = {slot for each in owner.__mro__ for slot in getattr(each, "__slots__", ())} or set(vars(owner()))
    assert known == KNOWN[owner]


DERIVED = {
    ItemWork: {"slot", "path", "base", "grew", "label", "frozen", "fresh", "shown"},
    PartWork: {
        *("item", "index", "path", "mark", "truncated", "arriving", "noted", "noted_ms"),
        *("frozen", "fresh", "shown"),
    },
    ResponseWork: {"slot", "path", "frozen", "fresh", "shown"},
}


@pytest.mark.parametrize("node", DERIVED, ids=lambda node: node.__name__)
def test_every_field_of_an_entity_has_its_place_in_a_checkpoint(node: type[Any]) -> None:
    shapes = {ItemWork: saved.SavedItem, PartWork: saved.SavedPart, ResponseWork: saved.SavedResponse}
    told = set(shapes[node].__annotations__)
    assert told - {"growing"} == {field.name for field in attrs.fields(node)} - DERIVED[node]


# What makes no sense


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        (("revision",), -1, "a revision below 0"),
        (("sessions", 0, "first_revision"), 0, "sessions out of order"),
        (("sessions", 0, "first_revision"), 16, "sessions out of order"),
        (("session_number",), -1, "a revision below 0"),
        (("input_bytes_per_second",), 0, "audio of no size"),
        (("output_bytes_per_second",), -5, "audio of no size"),
        (("stats", "surprises"), 1, ""),
        (("usage", "responses", "count"), -1, "a bill that does not add up"),
        (("usage", "responses", "count"), True, "a bill that does not add up"),
        (("usage", "responses"), {}, "a bill that does not add up"),
        (("usage", "responses"), 5, "a bill that does not add up"),
        (("usage", "responses"), [], "a bill that does not add up"),
        (("usage", "transcription", "seconds"), 1e999, ""),
        (
            ("errors",),
            [dict.fromkeys(("type", "code", "message", "param", "event_id"))] * 21,
            "more errors than are kept",
        ),
        (("items", 0, "id"), "a1", "an item that is listed twice"),
        (("items", 0, "type"), "function_call", ""),
        (("items", 0, "hidden"), 0, "too little hidden"),
        (("items", 0, "hidden"), -1, "too little hidden"),
        (("items", 1, "parts", 0, "type"), "input_audio", ""),
        (("items", 1, "parts", 0, "marks"), {"": -1}, "a mark below 0"),
        (("items", 1, "parts", 0, "arrivals"), [[0, -1]], "text that came before it began"),
        (("items", 1, "parts", 0, "arrivals"), [[1, 0], [1, 5]], "text that came in disorder"),
        (("items", 1, "parts", 0, "arrivals"), [[-1, 0]], "text that came before it began"),
        (("items", 1, "parts", 0, "arrivals"), [[5, 0], [1, 5]], "text that came in disorder"),
        (("items", 1, "parts", 0, "arrivals"), [[0, 0, 0]], ""),
        (("items", 1, "parts", 0, "arrivals"), [[10_000, 0]], "text that came and is not there"),
        (("items", 1, "parts", 0, "audio", "size"), -1, "audio of no size"),
        (("items", 1, "parts", 0, "audio", "bytes_per_second"), 0, "audio of no size"),
        (("items", 1, "parts", 0, "stream"), "text", "a stream of nothing"),
        (("items", 1, "parts", 0, "growing"), {"text": "", "transcript": ""}, ""),
        (("slots",), ["u1", "u1", "a1"], "an item that is listed twice"),
        (("slots",), ["u1"], ""),
        (("dead",), ["a1"], ""),
        (("order", "ids"), ["nobody"], ""),
        (("order", "ghosts"), [], ""),
        (("order", "ghosts"), ["nobody"], ""),
        (("order", "floor"), "nobody", ""),
        (("order", "waiting"), {"x": ["nobody"]}, ""),
        (("order", "waiting"), {"a1": ["u1"]}, ""),
        (("order", "hangers"), {"a1": ["a1"]}, ""),
        (("order", "hangers"), {"a1": ["nobody"]}, ""),
        (("responses", 0, "indexes"), [0, 1], ""),
        (("responses", 0, "bytes_per_second"), 0, "audio of no size"),
        (("finishing",), {"item_id": "nobody", "index": 0, "usage": None}, ""),
        (("finishing",), {"item_id": "u1", "index": 1, "usage": None}, ""),
        (("finishing",), {"item_id": "u1", "index": -1, "usage": None}, "a part before the first"),
        (("finishing",), {"item_id": "a1", "index": 0, "usage": None}, "a transcript of what nobody said"),
        (("requests", 0, "item_id"), "nobody", ""),
        (("requests", 0, "index"), -1, "a part before the first"),
    ],
)
def test_what_has_the_right_types_and_makes_no_sense_is_refused(
    path: tuple[Any, ...], value: Any, said: str
) -> None:
    whole, ids = parts(rich())
    bent = whole["draft"]
    for key in path[:-1]:
        bent = bent[key]
    bent[path[-1]] = value
    with pytest.raises(CheckpointError, match=r"hold together|written by") as refused:
        Conversation.restore(packed(whole, ids))
    if said:
        assert str(refused.value) == f"this checkpoint does not hold together: ValueError({said!r})"


# How it is written


def test_a_backslash_is_no_half_a_character() -> None:
    goes_on([added(user("u1", "\\ud800 \\\\ud800 \U0001f600"))])


def test_another_writer_may_space_it_otherwise() -> None:
    whole, ids = parts(rich())
    spaced = json.dumps(whole, indent=1, sort_keys=True)
    assert Conversation.restore(packed(spaced, ids)).snapshot() == rich().snapshot()


def test_a_draft_is_loaded_as_it_was_saved() -> None:
    """All of it at once: what the state alone would show only much later, too."""
    draft = Draft("keep", "xai")
    draft.open_session({"id": "sess_1", "model": "grok", "expires_at": 5})
    draft.set_formats(input=1, output=1)
    draft.set_models(answers="grok", transcription="ear")
    draft.append_audio("a", 1, "sound", "AAAA", "r1")
    draft.append_text("a", 1, "transcript", "words", "one two", "r1")
    draft.ask_truncation("a", 1, 500, "event_1")
    draft.responses["r1"].bytes_per_second = 1
    draft.ask_deletion("nobody", None)
    draft.append_translation("input_transcript", "Ho")
    part = draft.user_part("u", 0)
    assert part is not None
    draft.revise_transcription(part, "Hi", freeze({"seconds": 1.5}), finishing=True)
    draft.drop_item("gone")
    draft.take()
    saved = save(draft)
    again = load(json.loads(json.dumps(saved)))
    assert save(again) == saved
    assert again.finishing == (again.items["u"].parts[0], {"seconds": 1.5})
    request = again.requests["event_1"]
    assert (request.kind, request.item, request.index) == ("truncate", again.items["a"], 1)
    assert again.freeze() == draft.freeze()


def test_what_is_loaded_is_shown_already() -> None:
    """What goes from now on is removed from the document, and a mark at the very beginning is one."""
    draft = Draft()
    parts_of_it = [PartCopy("output_text", text="Hi"), PartCopy("output_text")]
    draft.put_item(ItemCopy("a", "message", role="assistant", parts=parts_of_it), "in_progress")
    draft.append_text("b", 0, "transcript", "words", "one two", None)
    draft.truncate("b", 0, 0)
    draft.take()
    again = load(json.loads(json.dumps(save(draft))))
    assert again.items["b"].parts[0].mark == 0
    copy = ItemCopy("a", "message", role="assistant", parts=parts_of_it[:1])
    again.put_item(copy, "completed", final=True)
    assert ("remove", ("items", "a", "content", 1)) in [raw[:2] for raw in again.take()]


def test_what_is_loaded_cannot_be_changed_from_outside() -> None:
    draft = Draft()
    tools, output = freeze({"tools": [{"name": "buy"}]}), freeze({"a": [1]})
    draft.put_item(ItemCopy("m", "mcp_list_tools", mcp=tools, extra=freeze({"x": [1]})), "completed")
    draft.put_item(ItemCopy("o", "function_call_output", output=output), "completed")
    again = load(json.loads(json.dumps(save(draft)))).freeze()
    assert again == draft.freeze()
    for item_id in "mo":
        assert hash(again.item(item_id)) == hash(draft.freeze().item(item_id))


def test_what_was_open_when_it_was_saved_can_be_closed() -> None:
    draft = Draft()
    draft.open_session({"id": "sess_1"})
    draft.append_text("a", 0, "text", "words", "Hi", "r1")
    draft.append_text("b", 0, "text", "words", "Hi", None)
    again = load(save(draft))
    assert again.open_items == {item_id: again.items[item_id] for item_id in "ab"}
    assert again.running == {"r1": again.responses["r1"]}
    again.open_session({"id": "sess_2"})
    document = again.freeze().to_dict()
    assert document["items"]["b"]["status"] == INCOMPLETE
    assert document["items"]["a"]["status"] == INCOMPLETE
    assert document["responses"]["r1"]["status"] == INCOMPLETE


def test_what_was_over_when_it_was_saved_is_not_open_again() -> None:
    draft = Draft()
    draft.close_response(draft.open_response("r1"), ResponseCopy("r1"))
    draft.put_item(ItemCopy("a", "message", role="assistant"), COMPLETED, final=True)
    again = load(save(draft))
    assert (again.open_items, again.running) == ({}, {})
