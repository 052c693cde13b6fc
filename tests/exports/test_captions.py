"""Captions: a parser reads back the same cues from both formats, and no words break out of one."""

import html
import io
import math
import re
import sys
from typing import Any

import pytest
import webvtt as vtt
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Snapshot, replay, simulate, transcript
from rtstate.exports import left_out_of_captions, srt, webvtt
from rtstate.exports._people import lines, speaker
from tests.exports_support import Dict, every_session, points, states
from tests.helpers import (
    ABSENT,
    added,
    assistant,
    committed,
    event,
    response_created,
    sound,
    speech_started,
    speech_stopped,
    spoken,
    transcription,
    truncated,
    user,
)

Timed = tuple[float | None, Dict]
Cue = tuple[str, str, str, str]
"""When it begins and ends, who speaks, what is said."""


def fed(*events: Timed) -> Snapshot:
    conversation = Conversation()
    for at, each in events:
        conversation.feed(each, at)
    return conversation.snapshot()


def said(item_id: str, text: str, start: Any, end: Any = ABSENT, at: float | None = None) -> list[Timed]:
    """What the user said, on the audio clock; ``at`` is when the events came."""
    return [
        (at, speech_started(item_id, ms=start)),
        *([] if end is ABSENT else [(at, speech_stopped(item_id, ms=end))]),
        (at, committed(item_id)),
        (at, transcription("completed", item_id, transcript=text)),
    ]


def answer(text: str, at: float, ms: float, item_id: str = "a1") -> list[Timed]:
    response_id = f"r_{item_id}"
    return [
        (at, response_created(response_id)),
        (at, sound(ms, item_id, response_id=response_id)),
        (at, spoken(text, item_id, response_id=response_id)),
        (at, added(assistant(item_id))),
    ]


def opened(session_id: str) -> list[Timed]:
    return [(None, event("session.created", session={"id": session_id}))]


def cues(snapshot: Snapshot, **options: Any) -> list[Cue]:
    """The cues that a parser finds in WebVTT, which are those it finds in SRT, but for the escapes."""
    text = webvtt(snapshot, **options)
    found = vtt.from_string(text, strict=True).captions
    subtitles = srt(snapshot, **options)
    others = vtt.from_buffer(io.StringIO(subtitles), "srt").captions if subtitles else []
    assert text.isprintable() or "\n" in text
    assert [(each.start, each.end) for each in found] == [(each.start, each.end) for each in others]
    for one, other in zip(found, others, strict=True):
        name, words = html.unescape(one.voice or ""), html.unescape(one.text)
        plain = f"{name}: {words}".translate(str.maketrans("<>{}", "‹›()"))
        assert other.raw_text == plain
        assert one.raw_text.count("<") == one.raw_text.count(">") == 1
    return [
        (each.start, each.end, html.unescape(each.voice or ""), html.unescape(each.text)) for each in found
    ]


TABLE: dict[str, tuple[list[Timed], list[Cue]]] = {
    "nothing": ([], []),
    "what the user said": (
        said("u1", "Hello", 1000, 2500),
        [("00:00:01.000", "00:00:02.500", "User", "Hello")],
    ),
    "an answer": (
        [*said("u1", "Hello", 1000, 2500, at=10), *answer("Hi.", 11, 600)],
        [
            ("00:00:01.000", "00:00:02.500", "User", "Hello"),
            ("00:00:03.500", "00:00:04.100", "Assistant", "Hi."),
        ],
    ),
    "what was heard of it": (
        [
            *said("u1", "Hello", 0, 1000, at=10),
            *answer("Hi there, you.", 11, 1400),
            (12, truncated(audio_end_ms=700)),
        ],
        [
            ("00:00:00.000", "00:00:01.000", "User", "Hello"),
            ("00:00:02.000", "00:00:02.700", "Assistant", "Hi"),
        ],
    ),
    "an unknown end: its words take a second": (
        said("u1", "Hello, you two.", 1000),
        [("00:00:01.000", "00:00:02.000", "User", "Hello, you two.")],
    ),
    "an end before the beginning": (
        said("u1", "Hello, you two.", 1000, 900),
        [("00:00:01.000", "00:00:02.000", "User", "Hello, you two.")],
    ),
    "none less than half a second": (
        said("u1", "Ho", 1000, 1001),
        [("00:00:01.000", "00:00:01.500", "User", "Ho")],
    ),
    "the second before the first": (
        [
            *said("u2", "two", 5000, 6000),
            (None, added(user("u1"), after=None)),
            *said("u1", "one", 1000, 2000),
        ],
        [("00:00:01.000", "00:00:02.000", "User", "one"), ("00:00:05.000", "00:00:06.000", "User", "two")],
    ),
    "who cuts in comes before what was still to be played": (
        [
            *said("u1", "Hello", 0, 1000, at=10),
            *answer("One.", 11, 2000),
            (11, sound(800, "a2")),
            (11, spoken("Two.", "a2")),
            (11, added(assistant("a2"))),
            *said("u2", "Stop!", 3000, 3500, at=12.5),
        ],
        [
            ("00:00:00.000", "00:00:01.000", "User", "Hello"),
            ("00:00:02.000", "00:00:04.000", "Assistant", "One."),
            ("00:00:03.000", "00:00:03.500", "User", "Stop!"),
            ("00:00:04.000", "00:00:04.800", "Assistant", "Two."),
        ],
    ),
    "after an hour": (
        said("u1", "Hello", 3_723_004, 3_724_000),
        [("01:02:03.004", "01:02:04.000", "User", "Hello")],
    ),
    "a new session": (
        [
            *said("u1", "one", 60_000, 62_000),
            *said("u2", "two", 1000, 2000),
            *said("u3", "three", 7000, 8000),
        ],
        [
            ("00:01:00.000", "00:01:02.000", "User", "one"),
            ("00:01:03.000", "00:01:04.000", "User", "two"),
            ("00:01:09.000", "00:01:10.000", "User", "three"),
        ],
    ),
    "a new session, with times of arrival": (
        [*said("u1", "one", 60_000, 62_000, at=100), *said("u2", "two", 1000, 2000, at=130)],
        [("00:01:00.000", "00:01:02.000", "User", "one"), ("00:01:31.000", "00:01:32.000", "User", "two")],
    ),
    "a new session, by a clock that went back": (
        [*said("u1", "one", 60_000, 62_000, at=100), *said("u2", "two", 1000, 2000, at=50)],
        [("00:01:00.000", "00:01:02.000", "User", "one"), ("00:01:03.000", "00:01:04.000", "User", "two")],
    ),
    "a new session at no time": (
        [*said("u1", "one", 60_000, 62_000, at=0), *said("u2", "two", 1000, 2000, at=math.inf)],
        [("00:01:00.000", "00:01:02.000", "User", "one"), ("00:01:03.000", "00:01:04.000", "User", "two")],
    ),
    "no audio clock": (
        [
            *answer("Hi.", 3, 600),
            (4.5, speech_started("u1")),
            *said("u1", "Hello", ABSENT, ABSENT, at=5.1),
        ],
        [
            ("00:00:00.000", "00:00:00.600", "Assistant", "Hi."),
            ("00:00:01.500", "00:00:02.100", "User", "Hello"),
        ],
    ),
    "push to talk: the end alone is known, before it are the words": (
        [
            (3, added(user("u0", "typed"))),
            (10, committed("u1")),
            (10.1, transcription("completed", "u1", transcript="Hello, you two.")),
            *answer("Hi.", 10.5, 600),
        ],
        [
            ("00:00:06.000", "00:00:07.000", "User", "Hello, you two."),
            ("00:00:07.500", "00:00:08.100", "Assistant", "Hi."),
        ],
    ),
    "push to talk, first of all": (
        [
            (10, committed("u1")),
            (10.1, transcription("completed", "u1", transcript="Hello, you two.")),
            *answer("Hi.", 10.5, 600),
        ],
        [
            ("00:00:00.000", "00:00:01.000", "User", "Hello, you two."),
            ("00:00:01.500", "00:00:02.100", "Assistant", "Hi."),
        ],
    ),
    "an end on the audio clock alone": (
        [
            (None, speech_started("u1")),
            (None, speech_stopped("u1", ms=400)),
            (None, committed("u1")),
            (None, transcription("completed", "u1", transcript="Hello, you two.")),
        ],
        [("00:00:00.000", "00:00:00.500", "User", "Hello, you two.")],
    ),
    "one speaks at a time, however fast it comes": (
        [*said("u1", "Hello", 0, 1000, at=10), *answer("One.", 11, 2000), *answer("Two.", 11.5, 800, "a2")],
        [
            ("00:00:00.000", "00:00:01.000", "User", "Hello"),
            ("00:00:02.000", "00:00:04.000", "Assistant", "One."),
            ("00:00:04.000", "00:00:04.800", "Assistant", "Two."),
        ],
    ),
    "a reconnect, the user later on the new clock than on the old": (
        [
            *opened("s1"),
            *said("u1", "one", 1000, 3000, at=3),
            *opened("s2"),
            *said("u2", "two", 5000, 7000, at=607),
        ],
        [("00:00:01.000", "00:00:03.000", "User", "one"), ("00:10:05.000", "00:10:07.000", "User", "two")],
    ),
    "the same without times of arrival": (
        [*opened("s1"), *said("u1", "one", 1000, 3000), *opened("s2"), *said("u2", "two", 5000, 7000)],
        [("00:00:01.000", "00:00:03.000", "User", "one"), ("00:00:08.000", "00:00:10.000", "User", "two")],
    ),
    "a reconnect, the model speaks first": (
        [
            *opened("s1"),
            *said("u1", "one", 1000, 3000, at=3),
            *answer("A", 4, 60_000),
            *opened("s2"),
            *answer("B", 11, 500, "a2"),
            *said("u2", "two", 5000, 7000, at=17),
        ],
        [
            ("00:00:01.000", "00:00:03.000", "User", "one"),
            ("00:00:04.000", "00:01:04.000", "Assistant", "A"),
            ("00:00:11.000", "00:00:11.500", "Assistant", "B"),
            ("00:00:15.000", "00:00:17.000", "User", "two"),
        ],
    ),
    "a reconnect to a session that tells no audio clock, and back": (
        [
            *opened("s1"),
            *said("u1", "one", 1000, 3000, at=3),
            *opened("s2"),
            *answer("B", 11, 500, "a2"),
            *opened("s3"),
            *said("u3", "three", 1000, 2000, at=22),
        ],
        [
            ("00:00:01.000", "00:00:03.000", "User", "one"),
            ("00:00:11.000", "00:00:11.500", "Assistant", "B"),
            ("00:00:21.000", "00:00:22.000", "User", "three"),
        ],
    ),
    "blank lines": (
        said("u1", "a\n\n\r\n b\u2028\x0bc\x85", 0, 1000),
        [("00:00:00.000", "00:00:01.000", "User", "a\nb\nc")],
    ),
    "what looks like a cue": (
        said("u1", "a\n\n2\n00:00:01.000 --> 00:00:02.000\nb", 0, 1000),
        [("00:00:00.000", "00:00:01.000", "User", "a\n2\n00:00:01.000 --> 00:00:02.000\nb")],
    ),
    "markup": (
        said("u1", "<v Nobody>a</v> &amp; <b>b {\\an8}", 0, 1000),
        [("00:00:00.000", "00:00:01.000", "User", "<v Nobody>a</v> &amp; <b>b {\\an8}")],
    ),
    "controls": (said("u1", "a\x00\x1bb", 0, 1000), [("00:00:00.000", "00:00:01.000", "User", "a��b")]),
}


@pytest.mark.parametrize(("events", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(events: list[Timed], expected: list[Cue]) -> None:
    assert cues(fed(*events)) == expected


def test_the_files_are_these() -> None:
    snapshot = fed(*said("item_1", "Tom & <Jerry>", 0, 1500))
    names = {"user": "A & B"}
    assert webvtt(snapshot, speakers=names) == (
        "WEBVTT\n\nitem_1\n00:00:00.000 --> 00:00:01.500\n<v A &amp; B>Tom &amp; &lt;Jerry&gt;\n"
    )
    assert srt(snapshot, speakers=names) == "1\n00:00:00,000 --> 00:00:01,500\nA & B: Tom & ‹Jerry›\n"
    assert (webvtt(fed()), srt(fed())) == ("WEBVTT\n", "")


@pytest.mark.parametrize(
    ("item_id", "named"), [("item_1", True), ("a-->b", False), ("a b", False), ("a\nb", False)]
)
def test_a_cue_has_the_id_of_its_item_where_it_can(item_id: str, named: bool) -> None:
    [cue] = vtt.from_string(webvtt(fed(*said(item_id, "Hi", 0, 1000))), strict=True).captions
    assert cue.identifier == (item_id if named else None)


LEFT: dict[str, tuple[list[Timed], list[tuple[str, str]]]] = {
    "nothing": (said("u1", "Hi", 0, 1000), []),
    "what was typed": ([(1, added(user("u1", "Hi")))], [("u1", "no_time")]),
    "an answer without a time": ([(None, spoken("Hi")), (None, added(assistant()))], [("a1", "no_time")]),
    "before the clock ran": (
        [*answer("Hi", 3, 100), *said("u1", "Hello", 1000, 2000, at=9)],
        [("a1", "no_time")],
    ),
    "what is not understood yet": (
        [(None, speech_started("u1", ms=0)), (None, committed())],
        [("u1", "no_transcript")],
    ),
    "no words": (said("u1", " \n", 0, 1000), [("u1", "empty")]),
    "nothing heard": (
        [*said("u1", "Hi", 0, 1000, at=1), *answer("Hi there.", 2, 900), (3, truncated(audio_end_ms=0))],
        [("a1", "unheard")],
    ),
    "times of no call": (
        [*said("u1", "a", -1), *said("u2", "b", 1e300), *said("u3", "c", 4e9, 5e9)],
        [("u1", "no_time"), ("u2", "no_time"), ("u3", "no_time")],
    ),
}


@pytest.mark.parametrize(("events", "expected"), LEFT.values(), ids=list(LEFT))
def test_what_is_left_out_is_named(events: list[Timed], expected: list[tuple[str, str]]) -> None:
    snapshot = fed(*events)
    found = left_out_of_captions(snapshot)
    assert [(each.item_id, each.reason) for each in found] == expected
    assert all(each.content_index is None for each in found)
    assert len(cues(snapshot)) + len(found) == len(transcript(snapshot))


def check(snapshot: Snapshot) -> None:
    """Every turn is a cue or named; its cue has its words, is in its voice, and comes in time."""
    turns = transcript(snapshot)
    gone = {each.item_id for each in left_out_of_captions(snapshot)}
    kept = [turn for turn in turns if turn.item_id not in gone]
    found = cues(snapshot)
    told = sorted((speaker(turn.role), "\n".join(lines(turn.text))) for turn in kept)
    assert sorted((who, words) for _, _, who, words in found) == told
    starts, ends = ([each[at].rjust(20) for each in found] for at in (0, 1))
    assert starts == sorted(starts)
    assert all(start < end for start, end in zip(starts, ends, strict=True))


@every_session
def test_every_session_reads(name: str) -> None:
    for snapshot in points(name):
        check(snapshot)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
@pytest.mark.parametrize("seed", range(4))
def test_every_timed_session_reads(dialect: str, seed: int) -> None:
    """All that was said aloud is there, in the order in which it was said, over a reconnect too."""
    wanted = {"audio", "interruption", "reconnect", "two_messages"}.intersection(simulate.supported(dialect))
    session = simulate.session(seed, 6, dialect, wanted)
    snapshot = replay(session.lines(timed=True)).snapshot()
    check(snapshot)
    spoken = [turn for turn in transcript(snapshot) if turn.text]
    assert [words for *_, words in cues(snapshot)] == [turn.text for turn in spoken]


@given(states)
def test_any_state_reads(snapshot: Snapshot) -> None:
    check(snapshot)


NUMBERS = st.one_of(st.integers(-5, 10**5), st.floats(0, 1e5), st.sampled_from([0, 1e18, 3.6e9]))
HOSTILE = st.lists(
    st.one_of(
        st.sampled_from(
            ["-->", "<", ">", "&", "&lt;", "\n", "\r\n", "\n\n", "\u2028", "1", "{", "}", "NOTE", "<v A>"]
        ),
        st.sampled_from(
            ["00:00:01.000 --> 00:00:02.000", "00:00:01,000 --> 00:00:02,000", "STYLE", "\\", "WEBVTT"]
        ),
        st.text(max_size=4),
    ),
    max_size=8,
).map("".join)


@given(st.lists(st.tuples(HOSTILE, NUMBERS, NUMBERS, st.none() | NUMBERS), max_size=4), HOSTILE)
def test_no_words_break_out_of_a_cue(turns: list[tuple[str, Any, Any, Any]], name: str) -> None:
    events = [event for n, each in enumerate(turns) for event in said(f"u{n}", *each)]
    snapshot = fed(*events)
    check(snapshot)
    assert {who for _, _, who, _ in cues(snapshot, speakers={"user": name})} <= {
        speaker("user", {"user": name})
    }


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "webvtt", None)
    for export in (webvtt, srt):
        with pytest.raises(ModuleNotFoundError, match=re.escape("rtstate[captions]")):
            export(fed())
