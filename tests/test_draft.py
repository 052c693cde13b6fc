"""The draft's verbs, told directly: what is true after each, where no event of the wire leads."""

from typing import Any

import pytest

from rtstate._draft import ItemCopy, PartCopy, ResponseCopy
from rtstate._json import freeze
from rtstate._model import ErrorRecord, RateLimit
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE
from tests.draft_support import MESSAGE, Told, put, told

__all__ = ["told"]  # the fixture


# Writing


def test_a_value_written_again_is_no_operation(told: Told) -> None:
    item = put(told.draft)
    assert told.ends() == [("add", "/items/a")]
    told.draft.write(item, "role", "assistant")
    told.draft.set_root("conversation_id", None)
    told.draft.merge(item, {}, flat=False)
    assert told.ends() == []
    assert told.draft.revision == 1


def test_what_is_made_and_dropped_within_one_event_leaves_no_trace(told: Told) -> None:
    told.draft.place(put(told.draft))
    told.draft.drop_item("a")
    assert [path for _, path in told.ends()] == ["/order/0", "/order/0"]
    assert told.document["items"] == {}
    assert put(told.draft) is None


def test_a_part_made_and_dropped_within_one_event_leaves_no_trace(told: Told) -> None:
    item = put(told.draft)
    told.ends()
    told.draft.drop_part(told.draft.part_at(item, 0))
    assert told.ends() == []
    told.draft.part_at(item, 1)
    told.draft.drop_part(item.parts[1])
    assert told.ends() == [("add", "/items/a/content/0")]
    told.draft.drop_part(item.parts[0])
    assert told.ends() == [("remove", "/items/a/content/0")]


def test_a_part_dropped_from_an_item_that_is_shown_anew_needs_no_operation(told: Told) -> None:
    item = put(told.draft, "a", PartCopy("output_text"), PartCopy("output_text"))
    told.ends()
    told.draft.renew(item)
    told.draft.drop_part(item.parts[1])
    assert told.ends() == [("replace", "/items/a")]


def test_what_changes_in_an_item_that_is_shown_anew_needs_no_operation(told: Told) -> None:
    item = put(told.draft, "a", PartCopy("output_text", text="Hi"))
    told.ends()
    told.draft.renew(item)
    told.draft.set_text(item.parts[0], "text", "Ho")
    told.draft.close_part(item.parts[0])
    told.ends()
    assert told.document["items"]["a"]["content"][0]["text"] == "Ho"


def test_a_text_that_grows_twice_in_the_event_that_made_it(told: Told) -> None:
    for delta in ("Hi", " there"):
        told.draft.append_text("a", 0, "text", "source", delta, None)
    assert told.ends() == [("add", "/items/a"), ("add", "/order/0")]
    assert told.document["items"]["a"]["content"][0]["text"] == "Hi there"


def test_two_parts_that_grow_in_one_event(told: Told) -> None:
    for at in (0, 1):
        told.draft.append_text("a", at, "text", "source", "Hi", None)
    told.ends()
    told.draft.append_text("a", 0, "text", "source", "?", None)
    told.draft.append_text("a", 1, "text", "source", "?", None)
    assert [op for op, _ in told.ends()] == ["append", "append"]


def test_arguments_that_grow_after_a_copy_go_on_from_it(told: Told) -> None:
    told.draft.put_item(ItemCopy("f", "function_call", arguments="{"), IN_PROGRESS)
    told.draft.append_arguments("f", "function_call", "}", None)
    told.draft.append_arguments("f", "function_call", " ", None)
    told.ends()
    assert told.document["items"]["f"]["arguments"] == "{} "


def test_texts_are_never_shown_by_a_truncated_part(told: Told) -> None:
    told.draft.append_text("a", 0, "transcript", "source", "one two three", None)
    told.draft.truncate("a", 0, 500)
    told.ends()
    told.draft.append_text("a", 0, "transcript", "source", " four", None)
    told.draft.finish_text("a", 0, "transcript", "one two three four five", None)
    told.ends()
    part = told.document["items"]["a"]["content"][0]
    assert part["transcript"] == part["truncated"]["heard_transcript"] == "one two"
    assert part["truncated"]["generated_transcript"] == "one two three four five"


@pytest.mark.parametrize(("index", "end"), [(0, 500), (1, None), (1, -1), (2, 500)])
def test_only_speech_is_cut_off_and_only_where_it_can_be(told: Told, index: int, end: int | None) -> None:
    told.draft.append_text("a", 0, "text", "source", "Hi", None)
    told.ends()
    told.draft.append_text("a", 1, "transcript", "source", "Hi", None)
    told.ends()
    told.draft.truncate("a", index, end)
    assert [kind for kind, _ in told.draft.notes] == ["impossible"]
    assert told.ends() == []


@pytest.mark.parametrize(
    ("old", "new", "changes"),
    [
        ({}, {"mood": None}, True),
        ({"mood": None}, {"mood": None}, False),
        ({"mood": None}, {"mood": "good"}, True),
        ({"mood": "good"}, {"mood": "good"}, False),
        ({"mood": "good"}, {"mood": "bad"}, True),
        ({"mood": "good"}, {"mood": None}, False),
    ],
)
def test_of_what_nobody_knows_null_takes_nothing_back(told: Told, old: Any, new: Any, changes: bool) -> None:
    for extra in (old, new):
        told.ends()
        told.draft.put_item(ItemCopy("a", **MESSAGE, extra=freeze(extra)), IN_PROGRESS)
    assert told.ends() == [("add", "/items/a/extra/mood")] * changes
    assert told.document["items"]["a"]["extra"] == {**old, **(new if changes else {})}


def test_what_a_tool_server_says_is_written_where_it_is_new(told: Told) -> None:
    for fields, paths in (
        ({"server_label": "shop"}, ["/items/m"]),
        ({"server_label": "shop"}, []),
        ({"server_label": "mall", "tools": [{"name": "buy"}]}, ["/items/m/server_label", "/items/m/tools"]),
        ({"tools": [{"name": "buy"}]}, []),
    ):
        told.draft.put_item(ItemCopy("m", "mcp_list_tools", mcp=freeze(fields)), IN_PROGRESS)
        assert [path for _, path in told.ends()] == paths
    listed = told.document["items"]["m"]
    assert (listed["server_label"], listed["tools"]) == ("mall", [{"name": "buy"}])


# Streams


@pytest.mark.parametrize(
    ("item_id", "index", "source", "delta", "goes_on"),
    [
        ("a", 0, "words", "three", True),
        ("a", 0, "words", "", False),
        ("a", 0, "other", "three", False),
        ("a", 1, "words", "three", False),
        ("b", 0, "words", "three", False),
    ],
)
def test_a_text_that_streams_goes_on_by_its_own_deltas(
    told: Told, item_id: str, index: int, source: str, delta: str, goes_on: bool
) -> None:
    for words in ("one ", "two "):
        told.draft.append_text("a", 0, "text", "words", words, None)
        told.ends()
    assert told.draft.stream(item_id, index, source, delta) is goes_on
    assert told.ends() == [("append", "/items/a/content/0/text")] * goes_on


def test_parts_that_stream_in_turn_are_all_in_the_next_snapshot(told: Told) -> None:
    for index in (0, 1):
        for words in ("one ", "two "):
            told.draft.append_text("a", index, "text", "words", words, None)
            told.ends()
    for index in (0, 1, 0, 1):
        assert told.draft.stream("a", index, "words", "more ")
    told.ends()
    texts = [part["text"] for part in told.document["items"]["a"]["content"]]
    assert texts == ["one two more more "] * 2


def test_sound_that_streams_alone_is_in_each_snapshot(told: Told) -> None:
    for count in range(1, 6):
        told.draft.append_audio("a", 0, "sound", "A" * 640, None)
        told.ends()
        assert told.document["items"]["a"]["content"][0]["audio_ms"] == 10 * count


def test_a_text_beside_the_sound_does_not_arrive_with_it(told: Told) -> None:
    """Only a transcript is spoken; a text that comes meanwhile leaves what was heard of it alone."""
    for words in ("one ", "two "):
        told.draft.append_audio("a", 0, "sound", "A" * 640, None)
        told.draft.append_text("a", 0, "transcript", "speech", words, None)
        told.draft.append_text("a", 0, "text", "words", words, None)
        told.ends()
    part = told.draft.items["a"].parts[0]
    arrivals = [(0, 10), (4, 20)]
    assert part.arrivals == arrivals
    told.draft.append_audio("a", 0, "sound", "A" * 640, None)
    assert told.draft.stream("a", 0, "words", "three")
    told.ends()
    assert part.arrivals == arrivals


def test_arguments_of_a_call_that_has_ended_are_late(told: Told) -> None:
    """Even where nobody has told that they were all there."""
    told.draft.append_arguments("m", "mcp_call", "{", None)
    told.draft.advance_item("m", "mcp_call", COMPLETED)
    told.ends()
    told.draft.append_arguments("m", "mcp_call", "}", None)
    assert told.draft.stats.late == 1
    assert told.ends() == []


def test_a_call_that_turns_out_to_be_of_a_failed_response_is_not_to_be_run(told: Told) -> None:
    told.draft.finish_arguments("f", "function_call", "{}", None)
    told.draft.put_item(ItemCopy("f", "function_call"), COMPLETED, final=True)
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1", status="failed"))
    told.ends()
    assert told.document["items"]["f"]["ready"] is True
    told.draft.finish_arguments("f", "function_call", "{}", "r1")
    told.ends()
    assert told.document["items"]["f"]["ready"] is False


# Usage


@pytest.mark.parametrize("value", [None, "5", True, -1, 1 << 53, [], {}])
def test_what_is_no_count_is_not_counted(told: Told, value: Any) -> None:
    told.draft.bill(
        told.draft.open_response("r1"), "responses", freeze({"total_tokens": value, "input_tokens": 3})
    )
    told.ends()
    assert told.document["usage"]["responses"]["total_tokens"] == 0
    assert told.document["usage"]["responses"]["input_tokens"] == 3


def test_details_that_are_no_object_are_not_counted(told: Told) -> None:
    told.draft.bill(
        told.draft.open_response("r1"),
        "responses",
        freeze({"input_token_details": [1], "output_token_details": None}),
    )
    told.draft.bill(
        told.draft.add_part(put(told.draft)), "transcription", freeze({"seconds": 1.5, "total_tokens": 2.0})
    )
    told.ends()
    assert told.document["usage"]["transcription"]["seconds"] == 1.5
    assert told.document["usage"]["transcription"]["total_tokens"] == 2


# Items and responses


def test_a_place_behind_itself_is_the_end(told: Told) -> None:
    told.draft.place(put(told.draft, "b"))
    told.draft.place(put(told.draft, "a"), "a")
    assert told.draft.notes
    told.ends()
    assert told.document["order"] == ["b", "a"]


def test_a_place_is_taken_once(told: Told) -> None:
    for item_id in "ab":
        told.draft.place(put(told.draft, item_id), END)
    item = put(told.draft, "c")
    told.draft.place(item, "a")
    told.draft.place(item, "b")
    told.draft.place_for_now(item, "b")
    told.ends()
    assert told.document["order"] == ["a", "c", "b"]
    assert told.document["items"]["c"]["previous_item_id"] == "a"
    told.draft.place_for_now(told.draft.items["b"], "a")
    assert told.ends() == []
    told.draft.place(told.draft.items["b"], None)  # its first place was the end
    told.ends()
    assert told.document["order"] == ["a", "c", "b"]


def test_a_status_only_rises(told: Told) -> None:
    item = put(told.draft)
    for status in (INCOMPLETE, IN_PROGRESS, COMPLETED, INCOMPLETE):
        told.draft.set_status(item, status)
    told.ends()
    assert told.document["items"]["a"]["status"] == COMPLETED
    assert told.draft.open_items == {}


def test_an_item_belongs_to_the_first_response_that_names_it(told: Told) -> None:
    item, first, second = put(told.draft), told.draft.open_response("r1"), told.draft.open_response("r2")
    told.draft.attach(item, first)
    told.draft.attach(item, second)
    told.ends()
    assert told.document["items"]["a"]["response_id"] == "r1"
    assert told.document["responses"]["r2"]["output"] == []


@pytest.mark.parametrize(
    "outputs", [[("c", 2), ("a", 0), ("d", None), ("b", 1)], [("a", None), ("b", 0), ("c", None), ("d", 0)]]
)
def test_output_goes_by_its_index_and_what_has_none_goes_last(told: Told, outputs: Any) -> None:
    response = told.draft.open_response("r1")
    for item_id, index in outputs:
        told.draft.attach(put(told.draft, item_id), response, index)
        told.ends()
    assert told.document["responses"]["r1"]["output"] == ["a", "b", "c", "d"]


def test_a_new_response_is_shown_whole_at_once(told: Told) -> None:
    copy = ResponseCopy("r1", metadata=freeze({"topic": "x"}), extra=freeze({"mood": "good"}))
    told.draft.describe_response(told.draft.open_response("r1"), copy)
    assert told.ends() == [("add", "/responses/r1")]


@pytest.mark.parametrize(("end", "status"), [(COMPLETED, COMPLETED), ("failed", INCOMPLETE)])
def test_what_a_response_makes_after_its_end_is_over(told: Told, end: str, status: str) -> None:
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1", status=end))
    told.draft.put_output("r1", ItemCopy("a", **MESSAGE), 0, final=False)
    told.ends()
    assert told.document["items"]["a"]["status"] == status


@pytest.mark.parametrize("default", [IN_PROGRESS, COMPLETED])
def test_an_item_that_has_ended_is_not_ended_otherwise_by_an_announcement(told: Told, default: str) -> None:
    put(told.draft, status=INCOMPLETE)
    told.ends()
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[PartCopy("output_text", text="Hi")]), default)
    told.ends()
    assert told.document["items"]["a"]["status"] == INCOMPLETE
    assert told.document["items"]["a"]["content"][0]["final"] is True


def test_a_response_ends_once(told: Told) -> None:
    response = told.draft.open_response("r1")
    told.draft.close_response(response, ResponseCopy("r1", status="failed"))
    told.ends()
    told.draft.close_response(
        response, ResponseCopy("r1", status="completed", usage=freeze({"total_tokens": 1}))
    )
    told.ends()
    assert told.draft.stats.late == 1
    assert told.document["responses"]["r1"]["status"] == "failed"


def test_what_a_response_cost_may_be_told_later_and_once(told: Told) -> None:
    response = told.draft.open_response("r1")
    for usage in (None, {"total_tokens": 5}, {"total_tokens": 7}):
        told.draft.close_response(response, ResponseCopy("r1", usage=freeze(usage)))
        told.ends()
    totals = told.document["usage"]["responses"]
    assert (totals["count"], totals["without_usage"], totals["total_tokens"]) == (1, 0, 5)
    assert told.document["responses"]["r1"]["usage"] == {"total_tokens": 5}


def test_a_response_that_says_what_it_cost_was_never_without_usage(told: Told) -> None:
    told.draft.close_response(
        told.draft.open_response("r1"), ResponseCopy("r1", usage=freeze({"total_tokens": 5}))
    )
    paths = [path for _, path in told.ends()]
    assert paths.count("/usage/responses/count") == 1
    assert "/usage/responses/without_usage" not in paths


def test_progress_of_nobody_makes_nobody(told: Told) -> None:
    told.draft.advance_item(None, "mcp_call", COMPLETED)
    told.draft.advance_item("", "mcp_call", COMPLETED)
    assert told.ends() == []
    told.draft.drop_item("m")
    told.draft.advance_item("m", "mcp_call", COMPLETED)
    assert told.ends() == []


# The session


def test_errors_are_the_last_twenty(told: Told) -> None:
    for number in range(25):
        told.draft.add_error(ErrorRecord(message=str(number)))
        told.ends()
    assert [each["message"] for each in told.document["errors"]] == [str(number) for number in range(5, 25)]


def test_rate_limits_are_replaced_whole(told: Told) -> None:
    told.draft.set_rate_limits({"a/b": RateLimit(1, 2, 3), "c": RateLimit()})
    told.ends()
    told.draft.set_rate_limits({"a/b": RateLimit(1, 2, 3), "c": RateLimit()})
    assert told.ends() == []
    told.draft.set_rate_limits({})
    told.ends()
    assert told.document["rate_limits"] == {}


def test_a_translation_grows_on_both_sides(told: Told) -> None:
    told.draft.append_translation("input_transcript", "")
    assert told.ends() == [("add", "/translation")]
    for name in ("input_transcript", "output_transcript", "input_transcript"):
        told.draft.append_translation(name, "Hi ")
        told.ends()
    told.draft.append_translation("input_transcript", "")
    assert told.ends() == []
    assert told.document["translation"] == {"input_transcript": "Hi Hi ", "output_transcript": "Hi "}


def test_a_session_updated_before_it_was_created_is_shown(told: Told) -> None:
    told.draft.update_session(freeze({"id": "sess_1"}))
    told.ends()
    told.draft.update_session(freeze({"id": "sess_1", "voice": "echo"}))
    assert told.ends() == [("add", "/session/voice")]
    told.draft.open_session(None)
    told.ends()
    assert told.document["session"] == {"id": "sess_1", "voice": "echo"}


def test_a_new_session_leaves_nothing_open(told: Told) -> None:
    told.draft.open_session(freeze({"id": "sess_1"}))
    told.draft.append_text("a", 0, "text", "source", "Hi", "r1")
    told.draft.start_speech("u", 0)
    told.ends()
    told.draft.open_session(freeze({"id": "sess_2"}))
    told.ends()
    assert {each["status"] for each in told.document["items"].values()} == {INCOMPLETE}
    assert told.document["responses"]["r1"]["status"] == INCOMPLETE
    assert told.draft.open_items == told.draft.running == {}
    told.draft.append_text("a", 0, "text", "source", " there", "r1")
    told.draft.finish_text("a", 0, "text", "Hi there", "r1")
    told.draft.put_item(ItemCopy("a", **MESSAGE, status=COMPLETED), COMPLETED, final=True)
    assert told.draft.user_part("u", 0) is None
    assert told.ends() == []
