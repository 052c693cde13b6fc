"""What is said and how it is written down, told to the draft: speech, parts, operations, the bill."""

import base64
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from rtstate._draft import Draft, ItemCopy, PartCopy, ResponseCopy
from rtstate._json import EMPTY, freeze
from rtstate._trace import ItemTrace, ResponseTrace
from rtstate._types import COMPLETED
from tests.draft_support import HI, MESSAGE, Told, item, put, told

__all__ = ["told"]  # the fixture


def sound(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


def test_what_a_copy_does_not_say_is_none() -> None:
    """Which says nothing; an empty text would say that there is none."""
    assert ResponseCopy("r").out_of_band is False
    for copy, said in (
        (PartCopy(), ()),
        (ItemCopy("a"), ("id",)),
        (ResponseCopy("r"), ("id", "out_of_band")),
    ):
        for field in attrs.fields(type(copy)):
            if field.name not in said:
                assert getattr(copy, field.name) is (EMPTY if field.name in ("extra", "mcp") else None)


def test_a_draft_begins_with_nothing() -> None:
    draft = Draft()
    assert (draft.audio, draft.dialect, draft.null_is_end) == ("measure", "auto", False)
    assert (draft.revision, draft.session_number) == (0, 0)
    assert (draft.is_named, draft.has_session, draft._counted) == (False, False, False)
    told = ("conversation_id", "session", "at", "answer_model", "transcription_model", "finishing")
    assert [getattr(draft, name) for name in told] == [None] * len(told)
    assert (draft.input_bytes_per_second, draft.output_bytes_per_second) == (None, None)
    assert (draft.rate_limits, draft.errors, draft.input_audio.speaking) == ({}, (), False)


# Speech


def test_speech_of_no_item_makes_none(told: Told) -> None:
    told.draft.start_speech(None, 5)
    assert told.ends() == [
        ("replace", "/input_audio/speaking"),
        ("replace", "/input_audio/speech_started_ms"),
    ]
    assert told.document["items"] == {}


def test_the_end_of_speech_that_nobody_saw_begin(told: Told) -> None:
    told.draft.start_speech("u1", 5)
    told.draft.stop_speech("u1", 7)
    told.draft.stop_speech("u2", 9)
    told.ends()
    heard = told.document["input_audio"]
    assert (heard["item_id"], heard["speech_started_ms"], heard["speech_stopped_ms"]) == ("u2", None, 9)
    assert heard["speaking"] is False


def test_what_is_committed_is_no_longer_spoken(told: Told) -> None:
    for committed, speaking in (("u1", True), ("u2", False)):
        told.draft.start_speech("u2", 5)
        told.draft.commit_speech(committed)
        told.ends()
        assert told.document["input_audio"]["speaking"] is speaking


def test_whoever_is_transcribed_is_the_user(told: Told) -> None:
    told.draft.put_item(ItemCopy("u", "message"), COMPLETED)
    told.draft.user_part("u", 0)
    told.ends()
    assert item(told, "u")["role"] == "user"


def test_a_transcript_that_was_revised_is_not_dropped_by_a_final_copy(told: Told) -> None:
    part = told.draft.user_part("u", 0)
    assert part is not None
    told.draft.revise_transcription(part, "Hi")
    told.draft.put_item(ItemCopy("u", "message", role="user", parts=[]), COMPLETED, final=True)
    told.ends()
    assert [part["transcript"] for part in item(told, "u")["content"]] == ["Hi"]


def test_of_two_prices_of_a_transcription_the_first_counts(told: Told) -> None:
    part = told.draft.user_part("u", 0)
    assert part is not None
    told.draft.finish_transcription(part, "Hi", None, EMPTY)
    for seconds in (1.5, 2.5):
        told.draft.finish_transcription(part, "Hi", freeze({"seconds": seconds}), EMPTY)
    told.draft.finish_transcription(part, "Hi", None, EMPTY)
    [transcribed] = told.draft.items["u"].trace.transcribed
    assert transcribed.usage == {"seconds": 1.5}
    told.ends()
    assert told.document["usage"]["transcription"]["seconds"] == 1.5


# Parts


def test_audio_that_came_whole_is_measured_by_whose_it_is(told: Told) -> None:
    told.draft.set_formats(input=8_000, output=16_000)
    told.draft.put_item(
        ItemCopy("u", "message", role="user", parts=[PartCopy("input_audio", audio=sound(1_600))]), COMPLETED
    )
    put(told.draft, "a", PartCopy("output_audio", audio=sound(1_600)))
    told.ends()
    assert [item(told, each)["content"][0]["audio_ms"] for each in "ua"] == [200, 100]


def test_audio_that_came_whole_goes_on_by_deltas(told: Told) -> None:
    told.draft.set_formats(input=None, output=16_000)
    put(told.draft, "a", PartCopy("output_audio", audio=sound(1_600)))
    told.draft.append_audio("a", 0, "sound", sound(800), None)
    told.ends()
    assert item(told)["content"][0]["audio_ms"] == 150
    assert told.draft.stats.duplicates == 0


def test_audio_that_comes_late_shows_what_was_heard_of_it(told: Told) -> None:
    told.draft.set_formats(input=None, output=16_000)
    told.draft.append_text("a", 0, "transcript", "words", "one two three four", None)
    told.draft.truncate("a", 0, 50)
    told.ends()
    assert item(told)["content"][0]["truncated"]["basis"] == "rate"
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[PartCopy("output_audio", audio=sound(1_600))]), "")
    told.ends()
    assert item(told)["content"][0]["truncated"]["basis"] == "audio"


def test_a_text_that_arrives_with_its_audio_is_heard_with_it(told: Told) -> None:
    told.draft.set_formats(input=None, output=1_000)
    for words in ("one two ", "three ", "four five six seven eight nine ten"):
        told.draft.append_audio("a", 0, "sound", sound(999), None)
        told.draft.append_text("a", 0, "transcript", "words", words, None)
        told.draft.append_text("a", 0, "transcript", "words", "", None)
    part = told.draft.items["a"].parts[0]
    assert part.arrivals == [(0, 999), (8, 1998), (14, 2997)]
    told.draft.truncate("a", 0, 2_500)
    told.ends()
    by_time = item(told)["content"][0]["transcript"]
    part.arrivals.clear()
    part.frozen = None
    assert part.truncate()[1].text != by_time


def test_two_deltas_with_the_same_audio_arrive_at_once(told: Told) -> None:
    told.draft.append_audio("a", 0, "sound", sound(4_800), None)
    for words in ("one ", "two ", "three "):
        told.draft.grow(told.draft.items["a"].parts[0], "transcript", words, "words")
    assert told.draft.items["a"].parts[0].arrivals == [(0, 100)]


@pytest.mark.parametrize(
    ("item_type", "part_type", "extra"), [("odd_item", "hologram", ""), ("message", "output_text", "/extra")]
)
def test_what_nobody_knows_stands_beside_a_type_that_nobody_knows_either(
    told: Told, item_type: str, part_type: str, extra: str
) -> None:
    for fields in ({"colour": "red"}, {"shape": "round"}):
        part = PartCopy(part_type, extra=freeze(fields))
        told.draft.put_item(ItemCopy("a", item_type, extra=freeze(fields)), COMPLETED)
        told.draft.put_item(ItemCopy("b", "message", parts=[part]), COMPLETED)
        ops = told.ends()
    assert ops == [("add", f"/items/a{extra}/shape"), ("add", f"/items/b/content/0{extra}/shape")]


@pytest.mark.parametrize(
    ("said", "then", "part_type"),
    [
        (PartCopy("output_text"), PartCopy("output_audio"), "output_audio"),
        (PartCopy("output_text"), PartCopy(), "output_text"),
        (HI, PartCopy("output_audio"), "output_text"),
        (PartCopy("output_audio", transcript="Hi"), PartCopy("output_text"), "output_audio"),
        (PartCopy(text="Hi"), PartCopy("output_text"), "output_text"),
        (PartCopy("hologram"), PartCopy("output_text"), "output_text"),
    ],
)
def test_a_part_that_has_said_something_is_what_it_is(
    told: Told, said: PartCopy, then: PartCopy, part_type: str
) -> None:
    for copy in (said, then):
        put(told.draft, "a", copy)
        told.ends()
    assert item(told)["content"][0]["type"] == part_type


def test_a_part_that_sounds_is_what_it_is(told: Told) -> None:
    told.draft.append_audio("a", 0, "sound", sound(480), None)
    put(told.draft, "a", PartCopy("output_text"))
    told.ends()
    assert item(told)["content"][0]["type"] == "output_audio"


@pytest.mark.parametrize(("part_type", "name"), [("output_text", "text"), ("output_audio", "transcript")])
def test_an_announcement_fills_only_what_is_empty(told: Told, part_type: str, name: str) -> None:
    for text in (None, "Hi", "Ho"):
        put(told.draft, "a", PartCopy(part_type, **{name: text}))  # type: ignore[arg-type]
        told.ends()
    assert item(told)["content"][0][name] == "Hi"


# Items that turn out to be others


def test_a_call_that_turns_out_to_be_a_message_has_no_arguments(told: Told) -> None:
    told.draft.append_arguments("f", "function_call", "{", None, "call_1")
    told.draft.put_item(ItemCopy("f", **MESSAGE, parts=[HI]), COMPLETED)
    told.ends()
    assert told.draft.items["f"].arguments is None
    assert told.draft.items["f"].call_id is None
    assert item(told, "f")["content"][0]["text"] == "Hi"


def test_a_call_that_turns_out_to_be_of_another_kind_keeps_what_both_have(told: Told) -> None:
    told.draft.append_arguments("f", "function_call", "{", None, "call_1")
    told.draft.append_arguments("g", "mcp_call", "{", None)
    told.draft.put_item(ItemCopy("f", "function_call_output"), COMPLETED)
    told.draft.put_item(ItemCopy("g", "function_call"), "in_progress")
    told.ends()
    assert item(told, "f")["call_id"] == "call_1"
    assert told.draft.items["f"].arguments is None
    assert item(told, "g")["arguments"] == "{"


# Operations


def test_what_is_shown_anew_and_dropped_in_one_event_was_there_before(told: Told) -> None:
    dropped = put(told.draft, "a", HI)
    told.ends()
    told.draft.renew(dropped)
    dropped.role = "user"
    told.draft.drop(dropped)
    other = put(told.draft, "b", HI)
    assert told.ends() == [("replace", "/items/a"), ("remove", "/items/a"), ("add", "/items/b")]
    assert not dropped.fresh
    told.draft.write(other, "role", "user")
    assert told.ends() == [("replace", "/items/b/role")]


def test_what_is_hidden_grows_unseen(told: Told) -> None:
    told.draft.append_text("a", 0, "text", "words", "one ", None)
    told.draft.append_text("a", 0, "text", "words", "two ", None)
    told.ends()
    told.draft.ask_deletion("a", "event_1")
    told.ends()
    assert not told.draft.stream("a", 0, "words", "three")
    told.draft.append_text("a", 0, "text", "words", "three", None)
    assert told.ends() == []
    told.draft.refuse("event_1")
    told.ends()
    assert item(told)["content"][0]["text"] == "one two three"


def test_a_part_made_unseen_is_removed_when_it_goes(told: Told) -> None:
    put(told.draft, "a", HI)
    told.ends()
    told.draft.ask_deletion("a", "event_1")
    told.ends()
    put(told.draft, "a", HI, PartCopy("output_text"))
    told.draft.refuse("event_1")
    told.ends()
    assert len(item(told)["content"]) == 2
    told.draft.put_item(ItemCopy("a", **MESSAGE, parts=[HI]), COMPLETED, final=True)
    assert ("remove", "/items/a/content/1") in told.ends()


def told_in_full(draft: Draft, index: int, words: str) -> None:
    draft.append_text("a", index, "text", "words", words, None)


def told_briefly(draft: Draft, index: int, words: str) -> None:
    assert draft.stream("a", index, "words", words)


@pytest.mark.parametrize("grow", [told_in_full, told_briefly])
def test_of_two_parts_that_grow_the_one_that_rests_is_shared(grow: Callable[..., None]) -> None:
    draft = Draft()
    for index in (0, 1):
        for words in ("one ", "two "):
            draft.append_text("a", index, "text", "words", words, None)
            draft.take()
    for index, words in ((0, "three "), (1, "four "), (0, "five ")):
        before = draft.freeze().item("a")
        grow(draft, index, words)
        draft.take()
        after = draft.freeze().item("a")
        assert before is not None
        assert after is not None
        assert after.content[1 - index] is before.content[1 - index]
        assert after.content[index].text == f"{before.content[index].text}{words}"


def test_tokens_are_whole_and_seconds_are_not(told: Told) -> None:
    usage = freeze({"total_tokens": 2.7, "input_token_details": {"text_tokens": 1.9}, "seconds": 1.25})
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1", usage=usage))
    part = told.draft.user_part("u", 0)
    assert part is not None
    told.draft.finish_transcription(part, "Hi", usage, EMPTY)
    told.ends()
    totals = told.document["usage"]
    assert totals["responses"]["total_tokens"] == 2
    assert totals["responses"]["input_token_details"]["text_tokens"] == 1
    assert totals["transcription"]["seconds"] == 1.25
    assert isinstance(totals["responses"]["total_tokens"], int)


# When things happened


def test_the_end_of_speech_is_when_it_was_told_first_unless_it_went_on(told: Told) -> None:
    ends: list[tuple[Any, Any]] = []
    for at, at_ms in ((1, None), (2, 500), (3, 400), (4, 900)):
        told.draft.at = at
        told.draft.start_speech("u", 0)
        told.draft.stop_speech("u", at_ms)
        trace = told.draft.items["u"].trace
        ends.append((trace.end_ms, trace.speech_stopped_at))
    assert ends == [(None, 1), (500, 1), (500, 1), (900, 4)]


def test_what_happened_first_stays(told: Told) -> None:
    for at in (1.0, 2.0):
        told.draft.at = at
        told.draft.append_text("a", 0, "text", "words", "Hi", "r1")
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1"))
    assert told.draft.items["a"].trace.first_text_at == 1.0
    assert told.draft.responses["r1"].trace.ended_at == 2.0


def test_segments_without_an_id_are_all_there_are(told: Told) -> None:
    part = told.draft.user_part("u", 0)
    assert part is not None
    for segment in ({"text": "a"}, {"text": "a"}, {"id": "s", "text": "b"}, {"id": "s", "text": "c"}):
        told.draft.add_segment(part, freeze(segment))
    told.ends()
    told.draft.add_segment(part, freeze({"text": "d"}))
    assert told.ends() == [("add", "/items/u/content/0/extra/segments/3")]
    assert [each["text"] for each in item(told, "u")["content"][0]["extra"]["segments"]] == [
        "a",
        "a",
        "b",
        "d",
    ]


def test_what_happens_without_a_clock_has_no_time(told: Told) -> None:
    told.draft.append_text("a", 0, "text", "words", "Hi", "r1")
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1"))
    assert told.draft.items["a"].trace == ItemTrace()
    assert told.draft.responses["r1"].trace == ResponseTrace()


@pytest.mark.parametrize("what", ["item", "response"])
def test_what_was_said_is_final_as_soon_as_something_else_begins(told: Told, what: str) -> None:
    part = told.draft.user_part("u", 0)
    assert part is not None
    told.draft.revise_transcription(part, "Hi", finishing=True)
    told.ends()
    assert item(told, "u")["content"][0]["transcription"]["status"] == "partial"
    if what == "item":
        put(told.draft)
    else:
        told.draft.open_response("r1")
    told.ends()
    assert item(told, "u")["content"][0]["transcription"]["status"] == "final"


# What is frozen


def test_arguments_that_grow_stay_as_they_were_in_a_snapshot() -> None:
    draft, taken = Draft(), []
    for delta in ("{", "}", " "):
        draft.append_arguments("f", "function_call", delta, None)
        draft.take()
        taken.append(draft.freeze())
    found = [each.item("f") for each in taken]
    assert [each and each.arguments for each in found] == ["{", "{}", "{} "]


def test_a_snapshot_knows_where_its_order_ends(told: Told) -> None:
    """Which spares whoever compares two of them a look at the whole order."""
    for count, item_id in enumerate("ab", 1):
        told.draft.place(put(told.draft, item_id))
        told.ends()
        assert told.draft.freeze()._order.end == (count, told.draft.order.label(item_id))


def test_parts_that_take_turns_are_frozen_by_themselves(told: Told) -> None:
    """Two texts and a sound in one event, and after a snapshot: each way to grow."""
    for index, name in ((0, "text"), (1, "transcript")):
        told.draft.append_text("a", index, name, "words", "one ", None)
    told.draft.append_audio("a", 1, "sound", sound(480), None)
    told.ends()
    for index, name in ((0, "text"), (1, "transcript"), (0, "text")):
        told.draft.append_text("a", index, name, "words", "two ", None)
        told.draft.append_audio("a", 1, "sound", sound(480), None)
        told.draft.append_audio("a", 1, "sound", "", None)
        told.draft.append_text("a", index, name, "words", "three ", None)
        told.ends()
    told.draft.append_audio("a", 1, "sound", sound(480), None)
    told.draft.append_audio("a", 1, "sound", sound(480), None)
    told.ends()
    told.draft.truncate("a", 1, 20)
    told.draft.append_audio("a", 1, "sound", sound(480), None)
    told.ends()
    assert item(told)["content"][1]["truncated"]["audio_end_ms"] == 20


def test_audio_that_begins_after_the_mark(told: Told) -> None:
    told.draft.append_text("a", 0, "transcript", "words", "one two three", None)
    told.draft.truncate("a", 0, 50)
    told.draft.append_audio("a", 0, "sound", sound(480), None)
    told.ends()
    cut = item(told)["content"][0]["truncated"]
    assert (cut["audio_end_ms"], cut["basis"]) == (10, "audio")


def test_an_item_hidden_twice_is_shown_when_both_are_refused(told: Told) -> None:
    told.draft.place(put(told.draft, "a", HI))
    told.draft.ask_deletion("a", "event_1")
    told.draft.ask_deletion("a", "event_2")
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["order"] == []
    told.draft.refuse("event_2")
    told.ends()
    assert told.document["order"] == ["a"]


def test_what_is_a_fault_is_counted() -> None:
    draft = Draft()
    for kind in ("invalid", "unknown", "impossible", "late", "unknown_item", "unknown_anchor"):
        draft.note(kind, "as it is")  # type: ignore[arg-type]
    counted = {name: count for name, count in attrs.asdict(draft.stats).items() if count}
    assert counted == {"invalid": 1, "unknown": 1, "impossible": 1, "late": 1}
    assert len(draft.notes) == 6


def test_a_final_transcript_may_come_again(told: Told) -> None:
    for transcript in ("Hi", "Hi there"):
        part = told.draft.user_part("u", 0)
        assert part is not None
        told.draft.finish_transcription(part, transcript, None, EMPTY)
    told.ends()
    assert item(told, "u")["content"][0]["transcript"] == "Hi there"
    assert told.draft.user_part("u", 0, delta=True) is None
