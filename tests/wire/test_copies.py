"""Reading what an event shows: dialects become one vocabulary, and nothing that was said is lost."""

from __future__ import annotations

from typing import Any

import pytest

from rtstate._draft import Draft, ItemCopy, PartCopy, ResponseCopy
from rtstate._json import FrozenDict, freeze
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE
from rtstate.wire._copies import anchor, read_item, read_part, read_response, read_usage
from tests.helpers import Event

MESSAGE = {"id": "a1", "type": "message"}


@pytest.fixture
def draft() -> Draft:
    return Draft()


def item(draft: Draft, **fields: Any) -> ItemCopy:
    """What is read of an item, which is a message unless it says otherwise."""
    copy = read_item(draft, {**MESSAGE, **fields})
    assert copy is not None
    return copy


# Items


@pytest.mark.parametrize(
    ("said", "means"),
    [
        ("in_progress", IN_PROGRESS),
        ("completed", COMPLETED),
        ("incomplete", INCOMPLETE),
        ("cancelled", INCOMPLETE),
        ("failed", INCOMPLETE),
        ("searching", None),
        ("", None),
        (None, None),
        (5, None),
        ({"phase": 2}, None),
    ],
)
def test_a_status_is_one_of_three_or_says_nothing(draft: Draft, said: Any, means: str | None) -> None:
    assert item(draft, status=said) == ItemCopy("a1", "message", means)


@pytest.mark.parametrize(
    ("said", "kept"), [("searching", "searching"), ("failed", "failed"), ({"phase": 2}, None), (None, None)]
)
def test_an_item_of_an_unknown_type_keeps_any_status_that_is_a_word(
    draft: Draft, said: Any, kept: str | None
) -> None:
    assert item(draft, type="hologram", status=said) == ItemCopy("a1", "hologram", kept)


def test_an_item_of_an_unknown_type_keeps_all_but_what_every_item_has(draft: Draft) -> None:
    its_own = {"object": "realtime.item", "depth": [1, {"b": None}], "role": "user", "content": None}
    every = {"status": "completed", "response_id": "r1", "previous_item_id": "u1"}
    copy = item(draft, type="hologram", **its_own, **every)
    frozen = FrozenDict({**its_own, "depth": (1, FrozenDict(b=None))})
    assert copy == ItemCopy("a1", "hologram", COMPLETED, extra=frozen)
    assert hash(copy.extra)  # a snapshot holds it, so it cannot change any more


@pytest.mark.parametrize("no_type", [{"type": None}, {"type": ""}, {}])
def test_an_item_without_a_type_is_read_as_what_it_is_known_to_be(draft: Draft, no_type: Event) -> None:
    said = {"id": "x1", **no_type, "role": "user", "call_id": "call_1", "arguments": "{}"}
    first = read_item(draft, said)
    assert first is not None
    assert (first.type, first.role, first.arguments) == (None, "user", None)
    draft.put_item(ItemCopy("x1", "function_call"), IN_PROGRESS)
    then = read_item(draft, said)
    assert then is not None
    assert (then.type, then.role, then.call_id, then.arguments) == (None, None, "call_1", "{}")


def test_voice_lives_mcp_tool_call_is_an_mcp_call(draft: Draft) -> None:
    assert item(draft, type="mcp_tool_call") == ItemCopy("a1", "mcp_call")


@pytest.mark.parametrize(
    ("fields", "read"),
    [
        (
            {"type": "message", "role": "user", "content": []},
            {"role": "user", "parts": []},
        ),
        ({"type": "force_message", "role": "assistant"}, {"role": "assistant"}),
        (
            {"type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"},
            {"call_id": "call_1", "name": "look_up", "arguments": "{}"},
        ),
        (
            {"type": "function_call_output", "call_id": "call_1", "output": [{"text": "x"}]},
            {"call_id": "call_1", "output": (FrozenDict(text="x"),)},
        ),
        (
            {"type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "search"}]},
            {"mcp": FrozenDict(server_label="docs", tools=(FrozenDict(name="search"),))},
        ),
        (
            {"type": "mcp_call", "name": "search", "arguments": "{}", "output": "x", "error": {"code": 4}},
            {
                "name": "search",
                "arguments": "{}",
                "output": "x",
                "mcp": FrozenDict(error=FrozenDict(code=4)),
            },
        ),
        (
            {"type": "mcp_approval_response", "approval_request_id": "m1", "approve": False, "reason": None},
            {"mcp": FrozenDict(approval_request_id="m1", approve=False)},
        ),
    ],
    ids=lambda each: each.get("type", ""),
)
def test_each_type_of_item_has_its_fields(draft: Draft, fields: Event, read: Event) -> None:
    assert item(draft, **fields) == ItemCopy("a1", fields["type"], **read)


@pytest.mark.parametrize(
    ("fields", "extra"),
    [
        ({"object": "realtime.item", "status": "completed"}, {}),
        ({"call_id": None, "tools": None, "output": None, "arguments": None}, {}),
        ({"tools": []}, {}),
        ({"call_id": "call_1", "arguments": "", "approve": False}, None),
        ({"mood": None, "moods": []}, {"mood": None, "moods": ()}),
        ({"mood": {"glad": [True]}}, {"mood": {"glad": (True,)}}),
    ],
)
def test_what_belongs_to_other_types_is_kept_where_it_says_something(
    draft: Draft, fields: Event, extra: Any
) -> None:
    """A field that nobody knows is kept whatever it says. None: all of them."""
    copy = item(draft, **fields)
    assert copy.extra == (fields if extra is None else extra)
    assert isinstance(copy.extra, FrozenDict)


def test_a_role_is_no_field_of_a_call(draft: Draft) -> None:
    copy = item(draft, type="function_call", role="assistant", content=[{"type": "text"}])
    assert (copy.role, copy.parts) == (None, None)
    assert copy.extra == {"role": "assistant", "content": ({"type": "text"},)}


def test_no_content_is_not_the_same_as_empty_content(draft: Draft) -> None:
    assert item(draft).parts is None
    assert item(draft, content=None).parts is None
    assert item(draft, content=[]).parts == []


@pytest.mark.parametrize(
    ("known", "said", "means"),
    [
        (None, "user", "input_text"),
        (None, "assistant", "output_text"),
        (None, None, "output_text"),
        ("user", None, "input_text"),
        ("user", "assistant", "output_text"),
        ("assistant", None, "output_text"),
        ("assistant", "user", "input_text"),
    ],
)
def test_the_role_says_whose_text_it_is(
    draft: Draft, known: str | None, said: str | None, means: str
) -> None:
    """And where a copy has none, that which the item is known to have."""
    if known:
        draft.put_item(ItemCopy("a1", "message", role=known), IN_PROGRESS)
    copy = item(draft, role=said, content=[{"type": "text", "text": "Hi"}, {"type": means}])
    assert copy.role == said
    assert copy.parts == [PartCopy(means, text="Hi"), PartCopy(means)]


@pytest.mark.parametrize("no_id", [{"id": None}, {"id": ""}, {}])
def test_without_an_id_there_is_nothing_to_speak_of(draft: Draft, no_id: Event) -> None:
    assert read_item(draft, {"type": "message", **no_id}) is None
    assert read_response(draft, {"response": {"status": "completed", **no_id}}) is None
    assert draft.notes == [
        ("impossible", "an item without an id; ignored"),
        ("impossible", "a response without an id; ignored"),
    ]


# Parts


@pytest.mark.parametrize(
    ("role", "said", "means"),
    [
        ("assistant", "text", "output_text"),
        ("assistant", "audio", "output_audio"),
        ("assistant", "input_text", "output_text"),  # the first Azure previews
        ("assistant", "input_audio", "input_audio"),
        ("user", "text", "input_text"),
        ("user", "audio", "input_audio"),
        ("user", "input_text", "input_text"),
        ("user", "output_text", "output_text"),
        ("system", "text", "input_text"),
        (None, "text", "output_text"),
        (None, "audio", "output_audio"),
        (None, "input_text", "input_text"),
        ("user", "smell", "smell"),
        ("assistant", "", None),
        ("user", None, None),
    ],
)
def test_a_part_is_called_by_whose_it_is(role: str | None, said: str | None, means: str | None) -> None:
    assert read_part({"type": said}, role) == PartCopy(means)


def test_a_part_without_a_type_may_say_all_the_same() -> None:
    assert read_part({"text": "Hi", "lang": "en"}, "user") == PartCopy(text="Hi", extra=FrozenDict(lang="en"))


def test_an_image_has_an_address_and_a_detail() -> None:
    fields: Event = {"image_url": "data:,", "detail": "low"}
    assert read_part({"type": "input_image", **fields, "text": "a dot"}, "user") == PartCopy(
        "input_image", text="a dot", **fields
    )
    assert read_part({"type": "input_text", **fields}, "user") == PartCopy(
        "input_text", extra=FrozenDict(fields)
    )


def test_what_a_part_has_beside_is_kept() -> None:
    part = {"type": "audio", "transcript": "Hi", "audio": "AAAA", "format": "pcm16", "id": None, "at": [1]}
    copy = read_part(part, "assistant")
    extra = FrozenDict(format="pcm16", at=(1,))
    assert copy == PartCopy("output_audio", transcript="Hi", audio="AAAA", extra=extra)
    assert hash(copy.extra)


def test_a_part_of_an_unknown_type_is_kept_whole() -> None:
    part = {"type": "smell", "text": "pine", "notes": [None], "detail": None}
    copy = read_part(part, "user")
    extra = FrozenDict(text="pine", notes=(None,), detail=None)
    assert copy == PartCopy("smell", extra=extra)
    assert hash(copy.extra)


# Responses

TOLD = {
    "status_details": {"reason": "turn_detected", "error": None},
    "conversation_id": "conv_1",
    "metadata": {"topic": "weather"},
    "usage": {"total_tokens": 3},
}


def test_a_response_is_read_whole(draft: Draft) -> None:
    output = [{**MESSAGE, "role": "assistant"}, {"type": "message"}, {"id": "f1", "type": "function_call"}]
    response = {"id": "r1", "object": "realtime.response", "status": "cancelled", "output": output, **TOLD}
    copy = read_response(draft, {"response": {**response, "voice": {"id": "v"}}, "response_id": "r9"})
    assert copy == ResponseCopy(
        "r1",
        "cancelled",
        out_of_band=False,
        output=[ItemCopy("a1", "message", role="assistant"), ItemCopy("f1", "function_call")],
        **{name: freeze(value) for name, value in TOLD.items()},
        extra=FrozenDict(voice=FrozenDict(id="v")),
    )
    assert copy is not None
    assert hash((copy.status_details, copy.metadata, copy.usage, copy.extra))
    assert draft.notes == [("impossible", "an item without an id; ignored")]


@pytest.mark.parametrize("no_id", [{}, {"id": None}, {"id": ""}])
def test_a_response_may_be_named_beside(draft: Draft, no_id: Event) -> None:
    assert read_response(draft, {"response": no_id, "response_id": "r1"}) == ResponseCopy("r1", output=[])


@pytest.mark.parametrize(
    ("fields", "conversation_id", "out_of_band"),
    [
        ({}, None, False),
        ({"conversation_id": None}, None, True),
        ({"conversation_id": "conv_1"}, "conv_1", False),
    ],
)
def test_a_conversation_of_null_is_none_but_an_absent_one_the_default(
    draft: Draft, fields: Event, conversation_id: str | None, out_of_band: bool
) -> None:
    copy = read_response(draft, {"response": {"id": "r1", **fields}})
    assert copy == ResponseCopy("r1", None, None, conversation_id, out_of_band, output=[])


@pytest.mark.parametrize(
    ("within", "beside", "read"),
    [
        ({"total_tokens": 1}, None, {"total_tokens": 1}),
        ({"total_tokens": 1}, {"total_tokens": 2}, {"total_tokens": 1}),
        ({}, {"total_tokens": 2}, {"total_tokens": 2}),
        (None, {"total_tokens": 2}, {"total_tokens": 2}),
        (None, {}, None),
        ({}, None, None),
    ],
)
def test_usage_may_stand_beside_the_response(draft: Draft, within: Any, beside: Any, read: Any) -> None:
    copy = read_response(draft, {"response": {"id": "r1", "usage": within}, "usage": beside})
    assert copy == ResponseCopy("r1", output=[], usage=read)


def test_qwens_spelling_of_usage_is_told_in_ga_keys() -> None:
    said = {"input_tokens": 2, "input_tokens_details": {"a": 1}, "output_tokens_details": {"b": 1}}
    assert read_usage(said) == {
        "input_tokens": 2,
        "input_token_details": {"a": 1},
        "output_token_details": {"b": 1},
    }


@pytest.mark.parametrize(
    ("settings", "size"),
    [
        ({}, None),
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, 8000),
        ({"output_audio_format": "pcm16"}, 48000),
    ],
)
def test_a_response_may_set_the_format_of_its_audio(draft: Draft, settings: Event, size: int | None) -> None:
    copy = read_response(draft, {"response": {"id": "r1", **settings}})
    assert copy is not None
    assert copy.bytes_per_second == size
    assert copy.extra == FrozenDict(settings)


# Anchors


@pytest.mark.parametrize(
    ("fields", "means"),
    [
        ({}, END),
        ({"previous_item_id": ""}, END),
        ({"previous_item_id": None}, None),
        ({"previous_item_id": "root"}, None),
        ({"previous_item_id": "u1"}, "u1"),
    ],
)
def test_an_anchor_is_the_end_the_head_or_an_item(fields: Event, means: Any) -> None:
    assert anchor(fields) == means
