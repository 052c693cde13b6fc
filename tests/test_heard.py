"""How much of a text was heard: never more than was said, cut at a word, more with more time."""

from hypothesis import given
from hypothesis import strategies as st

from rtstate._growing import Growing
from rtstate._heard import CHARACTERS_PER_SECOND, HeardText, heard_text

TEXTS = st.text(st.sampled_from("abc \n.é"), max_size=30)
MILLISECONDS = st.integers(0, 5_000)
LENGTHS = st.none() | MILLISECONDS


@given(TEXTS, MILLISECONDS, LENGTHS)
def test_what_was_heard_begins_what_was_said_and_ends_at_a_word(
    said: str, ms: int, length: int | None
) -> None:
    heard = heard_text(said, ms, length)
    assert said.startswith(heard)
    if heard != said:
        assert heard == heard.rstrip()
        assert said[len(heard)].isspace() or not heard


@given(TEXTS, MILLISECONDS, MILLISECONDS, LENGTHS)
def test_more_time_is_never_less_text(said: str, one: int, other: int, length: int | None) -> None:
    few, many = sorted((one, other))
    assert len(heard_text(said, few, length)) <= len(heard_text(said, many, length))


@given(TEXTS, MILLISECONDS)
def test_all_of_the_audio_is_all_of_the_text(said: str, length: int) -> None:
    assert heard_text(said, length, length) == (said if length else "")
    assert heard_text(said, 0, length) == ""
    assert heard_text(said, 10**6, None) == said


def test_a_share_of_the_audio_is_that_share_of_the_text() -> None:
    assert heard_text("one two three four", 500, 1_000) == "one two"
    assert heard_text("one two three four", 389, 1_000) == "one two"
    assert heard_text("one two three four", 388, 1_000) == "one"
    assert heard_text("unbroken", 999, 1_000) == ""


def test_without_audio_a_speaking_rate_tells() -> None:
    assert CHARACTERS_PER_SECOND == 15
    assert heard_text("0123456789abcd efgh", 1_000, None) == "0123456789abcd"
    assert heard_text("0123456789abcdefgh", 1_000, None) == ""


def test_a_heard_text_is_worked_out_when_it_is_read() -> None:
    growing = Growing(("text",), "source")
    growing.chunks.append("one two")
    heard = HeardText(growing.grown(), 500, 1_000)
    growing.chunks.append(" three")
    assert heard.text == "one"
    assert heard.text is heard.text
    assert repr(heard) == "'one'"
    assert HeardText(None, 500, 1_000).text is None
