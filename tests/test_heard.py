"""How much of a text was heard: never more than was said, cut at a word, more with more time."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation
from rtstate._growing import Growing
from rtstate._heard import ORDINARY_MS, HeardText, heard_text
from tests.helpers import Event, assistant, audio_part, done, retrieved, sound, spoken, state, truncated

TEXTS = st.text(st.sampled_from("abc \n.é1,字"), max_size=30)
MILLISECONDS = st.integers(0, 5_000)
LENGTHS = st.none() | MILLISECONDS
ARRIVALS = st.lists(st.tuples(st.integers(0, 40), MILLISECONDS), max_size=6)


@given(TEXTS, MILLISECONDS, LENGTHS, ARRIVALS, st.booleans())
def test_what_was_heard_begins_what_was_said_and_ends_at_a_word(
    said: str, ms: int, length: int | None, arrivals: Any, whole: bool
) -> None:
    heard = heard_text(said, ms, length, arrivals, whole=whole)
    assert said.startswith(heard)
    if heard != said:
        assert heard == heard.rstrip()
        assert said[len(heard)].isspace() or not heard or "字" in said[len(heard) - 1 : len(heard) + 1]


@given(TEXTS, MILLISECONDS, MILLISECONDS, LENGTHS, ARRIVALS, st.booleans())
def test_more_time_is_never_less_text(
    said: str, one: int, other: int, length: int | None, arrivals: Any, whole: bool
) -> None:
    few, many = (heard_text(said, ms, length, sorted(arrivals), whole=whole) for ms in sorted((one, other)))
    assert len(few) <= len(many)


@given(TEXTS, MILLISECONDS, ARRIVALS)
def test_all_of_the_audio_is_all_of_the_text(said: str, length: int, arrivals: Any) -> None:
    assert heard_text(said, length, length, arrivals, whole=True) == (said if length else "")
    assert heard_text(said, 0, length, arrivals) == ""
    assert heard_text(said, 10**6, None) == said


@pytest.mark.parametrize(
    ("said", "ms", "heard"),
    [
        # each is said in two seconds
        ("one two three four", 1_000, "one two"),
        ("one two three four", 777, "one"),
        ("one two three four", 778, "one two"),
        ("unbroken", 1_999, ""),
        ("In 1984 there it was", 1_200, "In 1984"),  # four digits take as long as four words
        ("Yes. It was so today", 400, ""),  # the voice rests at a full stop
        ("Yes. It was so today", 760, "Yes."),
        ("Yes, it was so today", 640, "Yes,"),
        ("Take 3.5 or 1,2 then", 1_000, "Take 3.5"),  # and not within a number
        ("你好我是助手", 1_000, "你好我"),
        ("你好。我是手", 800, "你好"),
        ("こんにちは world wide", 1_200, "こんにちは"),
        ("안녕하세요 반갑습니다 여러분", 1_000, "안녕하세요"),  # which has spaces between words
        ("\u1112\u1161\u11ab \u1100\u1173\u11af", 1_300, "\u1112\u1161\u11ab"),  # the same script, decomposed
        ("ภาษาไทย", 1_000, "ภาษ"),
        ("กี่ปี", 1_300, "กี่"),  # its marks stay with their letter
        ("👨\u200d👩\u200d👧 hi there", 250, ""),  # and so does a family
    ],
)
def test_a_share_of_the_audio_is_that_share_of_what_takes_time(said: str, ms: int, heard: str) -> None:
    assert heard_text(said, ms, 2_000, whole=True) == heard


def test_without_audio_an_ordinary_pace_tells() -> None:
    letters = 1_000 // ORDINARY_MS
    assert heard_text("a" * letters + " efgh", 1_000, None) == "a" * letters
    assert heard_text("a" * (letters + 1) + " efgh", 1_000, None) == ""


# By when the text came

SAID = "one two six ten"  # 15 letters; "six" begins at 8


@pytest.mark.parametrize(
    ("arrivals", "heard"),
    [
        ([], {900: "one", 1_700: "one two six"}),
        ([(0, 0)], {900: "one", 1_700: "one two six"}),
        # Half of it came when three quarters of the audio had: a pause before it
        ([(0, 0), (8, 1_800)], {1_400: "one two", 1_700: "one two", 1_999: "one two six"}),
        # The server is late with all of its text: so it was with this
        ([(0, 1_500), (8, 1_800)], {900: "one", 1_700: "one two six"}),
        ([(0, 500), (8, 2_000)], {1_100: "one two", 1_700: "one two six"}),
        # What cannot be: more text than there is, all of it at the end
        ([(0, 0), (99, 1_900)], {900: "one", 1_700: "one two six"}),
        ([(4, 2_000)], {1_600: "one", 1_800: "one"}),
    ],
)
def test_no_word_is_spoken_before_its_text_came(arrivals: Any, heard: dict[int, str]) -> None:
    found = {ms: heard_text(SAID, ms, 2_000, arrivals, whole=True) for ms in heard}
    assert found == heard


def test_text_that_is_ahead_of_its_audio_is_spoken_at_an_ordinary_pace() -> None:
    said = "five " * 20  # six seconds
    assert heard_text(said, 1_000, 1_000) == "five five five"
    assert heard_text(said, 1_000, 1_000, whole=True) == said
    assert heard_text(said, 500, 4_700).count("five") == 2  # not much shorter: a quick voice


def test_a_heard_text_is_worked_out_when_it_is_read() -> None:
    growing = Growing(("text",), "source")
    growing.chunks.append("one two")
    arrivals = [(0, 0)]
    heard = HeardText(growing.grown(), 500, 1_000, arrivals, whole=True)
    growing.chunks.append(" three")
    arrivals.append((4, 1_000))
    assert heard.text == "one"
    assert heard.text is heard.text
    assert repr(heard) == "'one'"
    assert HeardText(None, 500, 1_000).text is None


# In a conversation


def arrivals(conversation: Conversation) -> list[tuple[int, int]]:
    return conversation._draft.items["a1"].parts[0].arrivals


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([spoken("one"), spoken(" two")], []),
        (
            [spoken("one"), sound(100), spoken(" two"), spoken(" six"), sound(100), spoken(" ten")],
            [(3, 100), (11, 200)],
        ),
        ([sound(100), spoken("one"), sound(100)], [(0, 100)]),
        ([spoken("one"), sound(100), sound(100), spoken(" two"), spoken("!")], [(3, 200)]),
    ],
)
def test_it_is_noted_how_much_audio_a_text_came_with(events: list[Event], expected: Any) -> None:
    conversation = Conversation()
    for number, each in enumerate(events):
        conversation.feed(each)
        again = Conversation.restore(conversation.checkpoint())
        assert arrivals(again) == arrivals(conversation)
        for later in events[number + 1 :]:
            again.feed(later)
        assert arrivals(again) == expected
    assert arrivals(conversation) == expected


def test_a_pause_is_heard_as_one() -> None:
    """The second half of the text came with the last quarter of the audio."""
    said = [spoken("one two "), *[sound(100)] * 18, spoken("six ten"), *[sound(100)] * 2]
    conversation = state(*said, truncated("a1", 1_400))
    assert conversation.snapshot().items[0].content[0].transcript == "one two"
    [after] = [
        part.transcript
        for part in state(*said, done(assistant("a1")), truncated("a1", 1_999)).snapshot().items[0].content
    ]
    assert after == "one two six"


def test_a_transcript_that_begins_anew_is_noted_anew() -> None:
    conversation = state(spoken("one"), sound(100), spoken(" two"))
    part = conversation._draft.items["a1"].parts[0]
    kept = part.arrivals
    part.transcript, part.stream = "four", None
    conversation.feed(spoken(" five"))
    assert (part.arrivals, kept) == ([(4, 100)], [(3, 100)])


def test_a_completed_answer_has_all_of_its_audio() -> None:
    """Until then text that is ahead of the audio may be that of audio which never comes."""
    conversation = state(spoken("five " * 20), sound(1_000), truncated("a1", 500))
    assert conversation.snapshot().items[0].content[0].transcript == "five"
    change = conversation.feed(done(assistant("a1", status="completed")))
    assert conversation.snapshot().items[0].content[0].transcript == ("five " * 10).strip()
    assert ("items", "a1", "content", 0, "transcript") in [op.path for op in change.operations]


@pytest.mark.parametrize("again", [1, 2])
@pytest.mark.parametrize(
    "text", ["The quick brown fox", "The", "The quick brown fox jumps over the lazy dog."]
)
def test_a_copy_that_the_server_has_cut_as_well_cuts_nothing_again(text: str, again: int) -> None:
    """Clients fetch an item that they have truncated; what comes may be whole, or only what was heard."""
    said = "The quick brown fox jumps over the lazy dog."
    conversation = state(
        spoken(said), sound(4_000), done(assistant("a1", audio_part(said))), truncated("a1", 2_000)
    )
    before = conversation.snapshot()
    for _ in range(again):
        conversation.feed(retrieved(assistant("a1", audio_part(text), status="completed")))
    assert conversation.snapshot().items[0] == before.items[0]


def test_a_copy_that_says_something_else_is_still_taken() -> None:
    conversation = state(spoken("one two three"), sound(3_000), truncated("a1", 1_000))
    conversation.feed(done(assistant("a1", audio_part("four five six"), status="completed")))
    part = conversation.snapshot().items[0].content[0]
    assert (part.transcript, part.truncated and part.truncated.generated_transcript) == (
        "four",
        "four five six",
    )
