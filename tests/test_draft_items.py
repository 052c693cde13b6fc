"""Items and answers, told to the draft directly: how far an item is, what it is made of, where it stands."""

from typing import Any

import pytest

from rtstate._draft import Draft, ItemCopy, PartCopy, ResponseCopy
from rtstate._json import freeze
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE
from tests.draft_support import HI, MESSAGE, Told, item, put, told

__all__ = ["told"]  # the fixture


# Who is making it


@pytest.mark.parametrize(
    ("copy", "producing"),
    [
        (ItemCopy("a", "message", role="assistant"), True),
        (ItemCopy("a", "message", role="assistant", parts=[]), True),
        (ItemCopy("a", "message", role="assistant", parts=[HI]), False),
        (ItemCopy("a", "message", role="user"), False),
        (ItemCopy("a", "function_call"), True),
        (ItemCopy("a", "function_call", arguments="{}"), False),
        (ItemCopy("a", "function_call_output"), False),
    ],
)
def test_what_a_running_response_seems_to_make(told: Told, copy: ItemCopy, producing: bool) -> None:
    assert told.draft.is_producing(copy) is False
    response = told.draft.open_response("r1")
    assert told.draft.is_producing(copy) is producing
    told.draft.end_response(response, COMPLETED, None)
    assert told.draft.is_producing(copy) is False


def test_what_a_running_response_makes(told: Told) -> None:
    """Whatever it looks like: the response has named it."""
    response = told.draft.open_response("r1")
    told.draft.attach(put(told.draft, "a", HI, role="user"), response)
    assert told.draft.is_producing(ItemCopy("a", **MESSAGE, parts=[HI]))
    assert not told.draft.is_producing(ItemCopy("b", **MESSAGE, parts=[HI]))


def test_a_copy_of_another_type_changes_nothing(told: Told) -> None:
    put(told.draft, "a", HI)
    told.ends()
    assert told.draft.put_item(ItemCopy("a", "function_call", arguments="{}"), COMPLETED) is None
    assert told.draft.put_item(ItemCopy("b", "message", parts=[HI] * 1002), COMPLETED) is None
    assert told.ends() == []


# Places


def test_a_place_for_now_says_what_is_before_it(told: Told) -> None:
    told.draft.place_for_now(put(told.draft, "a"), None)
    told.draft.place_for_now(put(told.draft, "b"), "a")
    told.draft.place_for_now(put(told.draft, "c"))
    told.ends()
    assert told.document["order"] == ["a", "b", "c"]
    assert [item(told, each)["previous_item_id"] for each in "abc"] == [None, "a", None]
    assert [told.draft.items[each].anchored for each in "abc"] == [True, True, False]


def test_an_item_that_is_hidden_as_it_leaves_the_order_does_not_come_back_to_it(told: Told) -> None:
    told.draft.place(put(told.draft, "a"))
    response = told.draft.open_response("r1")
    told.draft.attach(told.draft.items["a"], response)
    told.draft.ask_deletion("a", "event_1")
    told.draft.describe_response(response, ResponseCopy("r1", out_of_band=True))
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["order"] == []
    assert "a" in told.document["items"]


def test_what_waits_for_an_item_that_is_gone_for_good_stays_where_it_is(told: Told) -> None:
    told.draft.place(put(told.draft, "a"), "x")
    assert not told.draft.order.is_settled("a")
    told.draft.drop_item("x")
    assert told.draft.order.is_settled("a")


# Texts


@pytest.mark.parametrize("name", ["text", "transcript"])
def test_an_empty_final_text_leaves_the_one_there_is(told: Told, name: str) -> None:
    told.draft.finish_text("a", 0, name, "Hi", None)
    for again in ("", None):
        told.draft.finish_text("a", 0, name, again, None)
    told.ends()
    assert item(told)["content"][0][name] == "Hi"


def test_an_empty_final_text_is_one_where_nothing_was_said(told: Told) -> None:
    told.draft.append_text("a", 0, "text", "source", "Hi", None)
    told.draft.finish_text("a", 0, "text", "", None)
    told.ends()
    assert item(told)["content"][0]["text"] == ""


def test_a_part_whose_text_was_told_is_not_dropped_by_a_final_copy(told: Told) -> None:
    told.draft.finish_text("a", 0, "text", "Hi", None)
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[]), COMPLETED, final=True)
    told.ends()
    assert [part["text"] for part in item(told)["content"]] == ["Hi"]


@pytest.mark.parametrize("text", [None, ""])
def test_nothing_said_after_the_end_makes_no_part(told: Told, text: str | None) -> None:
    told.draft.put_item(ItemCopy("a", **MESSAGE), COMPLETED, final=True)
    told.ends()
    told.draft.finish_text("a", 0, "text", text, None)
    told.draft.put_part("a", 0, PartCopy("output_text", text=text), None, final=True)
    assert [message for _, message in told.draft.notes] == [
        "part 0 of item 'a' is named after its end; ignored"
    ] * 2
    assert told.draft.stats.late == 2
    assert told.ends() == []


def test_what_is_said_after_the_end_is_final(told: Told) -> None:
    told.draft.put_item(ItemCopy("a", **MESSAGE), COMPLETED, final=True)
    told.draft.finish_text("a", 0, "text", "Hi", None)
    told.draft.put_part("a", 1, PartCopy("output_text", text="Ho"), None, final=False)
    told.draft.put_part("a", 2, PartCopy("output_audio", transcript="He"), None, final=False)
    told.ends()
    assert [part["final"] for part in item(told)["content"]] == [True, True, True]


def test_what_comes_under_a_second_name_is_counted_each_time(told: Told) -> None:
    for source in ("one", "other", "other", "other"):
        told.draft.append_text("a", 0, "text", source, "Hi", None)
        told.draft.append_audio("a", 1, source, "AAAA", None)
    told.ends()
    assert item(told)["content"][0]["text"] == "Hi"
    assert told.draft.stats.duplicates == 6


def test_truncations_of_what_is_gone_are_counted_each_time(told: Told) -> None:
    told.draft.drop_item("a")
    for _ in range(3):
        assert told.draft.truncate("a", 0, 100) is False
    assert told.draft.stats.late == 3
    assert told.draft.notes == []


# Calls


@pytest.mark.parametrize("final", [False, True])
def test_a_call_is_known_by_its_id_from_its_arguments_on(told: Told, final: bool) -> None:
    if final:
        told.draft.finish_arguments("f", "function_call", "{}", "r1", call_id="call_1", name="look_up")
    else:
        told.draft.append_arguments("f", "function_call", "{}", "r1", "call_1")
    told.ends()
    assert told.draft.call_item("call_1") == "f"
    assert item(told, "f")["call_id"] == "call_1"
    assert item(told, "f")["response_id"] == "r1"
    assert told.draft.call_item(None) is None
    assert [message for _, message in told.draft.notes] == [
        "arguments of call None, which no item makes; ignored"
    ]


def test_empty_final_arguments_leave_those_there_are(told: Told) -> None:
    told.draft.finish_arguments("f", "function_call", "{}", None)
    told.draft.finish_arguments("f", "function_call", "", None)
    told.ends()
    assert item(told, "f")["arguments"] == "{}"


def test_of_two_items_that_say_they_make_a_call_the_first_counts(told: Told) -> None:
    for item_id in "fg":
        told.draft.finish_arguments(item_id, "function_call", "{}", None, call_id="call_1")
    assert told.draft.call_item("call_1") == "f"


# Responses


def test_a_response_that_ends_again_is_counted_each_time(told: Told) -> None:
    response = told.draft.open_response("r1")
    for _ in range(4):
        told.draft.close_response(response, ResponseCopy("r1", status=COMPLETED))
    assert told.draft.stats.late == 3


@pytest.mark.parametrize(
    ("status", "shown"), [(None, COMPLETED), (IN_PROGRESS, COMPLETED), ("failed", INCOMPLETE)]
)
def test_the_end_of_a_response_closes_what_it_lists(told: Told, status: str | None, shown: str) -> None:
    """A final copy: parts that were only announced, and are not listed, go."""
    response = told.draft.open_response("r1")
    told.draft.put_output("r1", ItemCopy("a", **MESSAGE, parts=[HI, PartCopy("output_text")]), 0, final=False)
    told.draft.close_response(
        response, ResponseCopy("r1", status=status, output=[ItemCopy("a", **MESSAGE, parts=[HI])])
    )
    told.ends()
    assert item(told)["status"] == shown
    assert [part["text"] for part in item(told)["content"]] == ["Hi"]
    assert told.document["order"] == ["a"]


@pytest.mark.parametrize("final", [False, True])
def test_an_output_has_a_place_once_it_is_final(told: Told, final: bool) -> None:
    told.draft.put_output("r1", ItemCopy("a", **MESSAGE, parts=[HI, PartCopy("output_text")]), 0, final=False)
    told.draft.put_output("r1", ItemCopy("a", **MESSAGE, parts=[HI]), 0, final=final)
    told.ends()
    assert told.document["order"] == ["a"] * final
    assert len(item(told)["content"]) == 2 - final


def test_outputs_stand_in_their_order(told: Told) -> None:
    for item_id, index in (("b", 1), ("a", 0), ("c", 2)):
        told.draft.put_output("r1", ItemCopy(item_id, **MESSAGE), index, final=True)
    told.ends()
    assert told.document["responses"]["r1"]["output"] == ["a", "b", "c"]


# Sessions


def session(told: Told) -> Any:
    return told.document["session"]


def test_a_setting_that_comes_as_null_is_there(told: Told) -> None:
    told.draft.open_session({"id": "sess_1"})
    told.draft.update_session({"voice": None})
    assert told.ends()[-1] == ("add", "/session/voice")
    assert session(told) == {"id": "sess_1", "voice": None}
    told.draft.update_session({"voice": None})
    assert told.ends() == []


@pytest.mark.parametrize(
    ("expires_at", "kept"),
    [(0, None), (1, None), (True, None), (2, 2), (1.5, 1.5), (2**53 - 1, 2**53 - 1), (2**53, None)],
)
def test_when_a_session_expires(expires_at: float, kept: float | None) -> None:
    draft = Draft()
    draft.open_session({"id": "sess_1", "expires_at": expires_at})
    assert draft.sessions[-1].expires_at == kept


def test_every_session_has_a_number_of_its_own(told: Told) -> None:
    """What was open in one is over in the next, and in the one after that."""
    for number in range(3):
        told.draft.open_session({"id": f"sess_{number}"})
        told.draft.append_text(f"a{number}", 0, "text", "source", "Hi", None)
        told.draft.start_speech(f"u{number}", 5)
        told.ends()
        assert told.document["input_audio"]["speaking"] is True
    assert [item(told, f"a{number}")["status"] for number in range(3)] == [
        INCOMPLETE,
        INCOMPLETE,
        IN_PROGRESS,
    ]
    told.draft.open_session({"id": "sess_3"})
    told.ends()
    assert told.document["input_audio"]["speaking"] is False
    for number in range(3):
        assert told.draft.too_late(f"a{number}")


def test_an_error_is_added_and_the_oldest_taken_away(told: Told) -> None:
    from rtstate._model import ErrorRecord

    ops = []
    for number in range(22):
        told.draft.add_error(ErrorRecord(code=str(number)))
        ops.append(told.ends())
    assert ops[0] == [("add", "/errors/0")]
    assert ops[19] == [("add", "/errors/19")]
    assert ops[20] == ops[21] == [("remove", "/errors/0"), ("add", "/errors/19")]


def test_who_is_said_to_speak_may_turn_out_to_be_another(told: Told) -> None:
    told.draft.speaks("xai")
    assert told.draft.null_is_end
    told.draft.speaks("openai")
    assert not told.draft.null_is_end
    sure = Draft(dialect="openai")
    sure.speaks("xai")
    assert not sure.null_is_end


def test_a_copy_that_does_not_say_what_it_is(told: Told) -> None:
    told.draft.put_item(ItemCopy("a", role="user"), IN_PROGRESS)
    assert not told.draft.items["a"].typed
    told.ends()
    assert item(told)["type"] == "message"
    told.draft.put_item(ItemCopy("a", "function_call"), IN_PROGRESS)
    told.ends()
    assert item(told)["type"] == "function_call"


def test_what_a_client_asks_for_and_cannot_have_is_not_remembered(told: Told) -> None:
    too_many = [HI] * 1002
    told.draft.ask_item(ItemCopy("a", **MESSAGE, parts=too_many), END, "event_1")
    told.draft.ask_item(ItemCopy("b", **MESSAGE), "nobody", "event_2")
    told.draft.ask_truncation("c", 0, 100, "event_3")
    assert told.draft.requests == {}
    assert told.ends() == []


def test_a_response_does_not_name_a_conversation_that_has_named_itself(told: Told) -> None:
    told.draft.name_conversation("conv_1")
    response = told.draft.open_response("r1")
    told.draft.describe_response(response, ResponseCopy("r1", conversation_id="conv_2"))
    told.ends()
    assert told.document["conversation_id"] == "conv_1"
    assert told.document["responses"]["r1"]["conversation_id"] == "conv_2"


def test_a_response_may_list_an_item_before_the_item_names_it(told: Told) -> None:
    response = told.draft.open_response("r1")
    told.draft.describe_response(response, ResponseCopy("r1"))
    told.draft.write(response, "output", ("a",))
    response.indexes = [0]
    told.draft.attach(put(told.draft, "a"), response)
    told.ends()
    assert told.document["responses"]["r1"]["output"] == ["a"]


def test_what_a_response_says_beside_what_is_known(told: Told) -> None:
    response = told.draft.open_response("r1")
    told.ends()
    for extra, ops in (
        ({"mood": None}, [("replace", "/responses/r1/extra")]),
        ({"mood": None}, []),
        ({"mood": "good", "pace": 1}, [("replace", "/responses/r1/extra")]),
        ({"pace": 1}, []),
    ):
        told.draft.describe_response(response, ResponseCopy("r1", extra=freeze(extra)))
        assert told.ends() == ops
    assert told.document["responses"]["r1"]["extra"] == {"mood": "good", "pace": 1}


def test_the_end_of_a_response_says_what_it_made_and_in_which_order(told: Told) -> None:
    """What it lists comes first, with those that are gone; what cannot be is not there."""
    response = told.draft.open_response("r1")
    for item_id in "abc":
        told.draft.put_output("r1", ItemCopy(item_id, **MESSAGE), None, final=True)
    told.draft.drop_item("c")
    listed = [ItemCopy(each, **MESSAGE) for each in "cba"] + [ItemCopy("d", **MESSAGE, parts=[HI] * 1002)]
    told.draft.close_response(response, ResponseCopy("r1", output=listed[:3] + listed[3:]))
    told.draft.notes.clear()
    told.ends()
    assert told.document["responses"]["r1"]["output"] == ["c", "b", "a"]


def test_the_end_of_a_response_keeps_what_it_does_not_list(told: Told) -> None:
    response = told.draft.open_response("r1")
    for item_id in "ab":
        told.draft.put_output("r1", ItemCopy(item_id, **MESSAGE), None, final=True)
    told.draft.close_response(response, ResponseCopy("r1", output=[ItemCopy("b", **MESSAGE)]))
    told.ends()
    assert told.document["responses"]["r1"]["output"] == ["a", "b"]


def test_the_end_of_a_failed_response_leaves_what_it_lists_unfinished(told: Told) -> None:
    response = told.draft.open_response("r1")
    copy = ItemCopy("f", "function_call", arguments="{}")
    told.draft.close_response(response, ResponseCopy("r1", status="failed", output=[copy]))
    told.ends()
    assert item(told, "f")["status"] == INCOMPLETE
    assert item(told, "f")["ready"] is False


def test_a_copy_that_is_not_final_drops_nothing(told: Told) -> None:
    put(told.draft, "a", HI, PartCopy("output_text"))
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[HI]), COMPLETED)
    told.ends()
    assert len(item(told)["content"]) == 2


def test_sound_that_was_streamed_is_not_dropped_by_a_final_copy(told: Told) -> None:
    told.draft.append_audio("a", 0, "sound", "AAAA", None)
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[]), COMPLETED, final=True)
    told.ends()
    assert [part["type"] for part in item(told)["content"]] == ["output_audio"]


def test_sound_that_comes_after_the_end_is_counted(told: Told) -> None:
    told.draft.put_item(ItemCopy("a", **MESSAGE), COMPLETED, final=True)
    told.draft.append_audio("a", 0, "sound", "A" * 6400, None)
    told.ends()
    assert [(part["audio_ms"], part["final"]) for part in item(told)["content"]] == [(100, True)]


@pytest.mark.parametrize(
    ("steps", "status"),
    [
        (("odd",), "odd"),
        (("odd", INCOMPLETE), "odd"),
        (("odd", COMPLETED), COMPLETED),
        ((INCOMPLETE, "odd"), INCOMPLETE),
        ((INCOMPLETE, COMPLETED), COMPLETED),
        ((COMPLETED, "odd", INCOMPLETE, IN_PROGRESS), COMPLETED),
        (("odd", IN_PROGRESS), "odd"),
    ],
)
def test_a_status_nobody_knows_is_between_the_others(told: Told, steps: tuple[str, ...], status: str) -> None:
    made = put(told.draft)
    for step in steps:
        told.draft.set_status(made, step)
    told.ends()
    assert item(told)["status"] == status


def test_what_was_cut_off_and_ends_unfinished_is_heard_as_before(told: Told) -> None:
    for status, ops in ((INCOMPLETE, 1), (COMPLETED, 3)):
        told.draft.append_text(status, 0, "transcript", "words", "one two three", None)
        told.draft.truncate(status, 0, 300)
        told.ends()
        told.draft.set_status(told.draft.items[status], status)
        assert len(told.ends()) == ops


@pytest.mark.parametrize("anchor", ["b", None, END])
def test_what_is_placed_while_it_is_hidden_shows_there_later(told: Told, anchor: Any) -> None:
    told.draft.place(put(told.draft, "b"))
    put(told.draft, "a")
    told.draft.ask_deletion("a", "event_1")
    told.draft.place(told.draft.items["a"], anchor)
    told.ends()
    assert told.document["order"] == ["b"]
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["order"] == (["a", "b"] if anchor is None else ["b", "a"])
