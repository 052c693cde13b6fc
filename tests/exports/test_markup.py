"""Markdown: a Markdown parser reads back exactly what was said, and nothing that was said is markup."""

from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from rtstate import Snapshot, transcript
from rtstate.exports import markdown
from rtstate.exports._people import entries, lines, remarks, speaker
from rtstate.exports.markup import _code
from tests.exports_support import Dict, every_session, image, output, points, states, talk
from tests.helpers import (
    added,
    call,
    committed,
    response_created,
    sound,
    speech_started,
    spoken,
    state,
    text_part,
    transcription,
    truncated,
    user,
)

GITHUB = MarkdownIt("gfm-like")
assert GITHUB.linkify is not None
GITHUB.linkify.set({"fuzzy_link": False})  # GitHub makes no links of hosts alone
PLAIN = MarkdownIt("commonmark")
CUT = (response_created(), spoken("Hi _there_, you."), sound(1400), truncated(audio_end_ms=700))
TABLE: dict[str, tuple[tuple[Dict, ...], Dict, str]] = {
    "nothing": ((), {}, ""),
    "two turns": (
        (added(user("u1", "Hello")), added(user("u2", "Ho"))),
        {},
        "**User:** Hello\n\n**User:** Ho\n",
    ),
    "names": ((added(user("u1", "Hello")),), {"speakers": {"user": "*A*"}}, "**\\*A\\*:** Hello\n"),
    "several lines": (
        (added(user("u1", "I need:\n- one\n\n2. two")),),
        {},
        "**User:** I need:\\\n\\- one\\\n2\\. two\n",
    ),
    "addresses": (
        (added(user("u1", "See www.a.example/x_y, (HTTPS://b.example) or me@c.example. And @all")),),
        {},
        "**User:** See `www.a.example/x_y`, (`HTTPS://b.example`) or `me@c.example`. And @all\n",
    ),
    "an image": ((added({**user("u1"), "content": [image()]}),), {}, "**User:** *(image)*\n"),
    "it was cut off": (CUT, {}, "**Assistant:** Hi *(interrupted)*\n"),
    "what nobody heard": (
        CUT,
        {"generated": True},
        "**Assistant:** Hi ~~\\_there\\_, you.~~ *(interrupted)*\n",
    ),
    "a call": (
        (added(call("f1", '{"a":\n1}')), added(output(text="`4`"))),
        {"tools": True},
        '**Tool:** `look_up({"a": 1})` → `` `4` ``\n',
    ),
    "a call without an output": (
        (added(call("f1", "{}")),),
        {"tools": True},
        "**Tool:** `look_up({})` *(no output)*\n",
    ),
    "an empty output": (
        (added(call("f1", "{}")), added(output(text=""))),
        {"tools": True},
        "**Tool:** `look_up({})` → *(empty)*\n",
    ),
    "times": (
        (speech_started(ms=75_400), committed(), transcription("completed", transcript="Hi")),
        {"times": True},
        "**User** (1:15): Hi\n",
    ),
}


@pytest.mark.parametrize(("events", "options", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(events: tuple[Dict, ...], options: Dict, expected: str) -> None:
    assert markdown(state(*events).snapshot(), **options) == expected


def paragraphs(text: str, parser: MarkdownIt) -> list[list[Token]]:
    """What a parser finds: nothing but paragraphs, by the tokens within."""
    blocks = parser.parse(text)
    assert {each.type for each in blocks} <= {"paragraph_open", "inline", "paragraph_close"}, blocks
    return [each.children or [] for each in blocks if each.type == "inline"]


def words(tokens: list[Token]) -> str:
    """The text of some tokens; whatever is not text, a line break or code is named."""
    told = {"text": "", "text_special": "", "code_inline": "", "hardbreak": "\n"}
    return "".join(each.content + told.get(each.type, f"<{each.type}>") for each in tokens)


def check(snapshot: Snapshot, **options: Any) -> None:
    """Each turn is a paragraph: its speaker, its words, its remarks."""
    text = markdown(snapshot, **options)
    text.encode()
    for parser in (GITHUB, PLAIN):
        found = paragraphs(text, parser)
        for tokens, turn in zip(found, transcript(snapshot), strict=True):
            notes = [f" <em_open>({each})<em_close>" for each in remarks(snapshot, turn)]
            said = "\n".join(lines(turn.text))
            name = f"<strong_open>{speaker(turn.role)}:<strong_close>"
            assert words(tokens) == f"{name}{' ' * bool(said)}{said}{''.join(notes)}"


@every_session
def test_every_session_reads(name: str) -> None:
    for snapshot in points(name):
        check(snapshot)
        text = markdown(snapshot, tools=True, generated=True, times=True)
        for parser in (GITHUB, PLAIN):
            assert len(paragraphs(text, parser)) == len(list(entries(snapshot, tools=True)))


@given(states)
def test_any_state_reads(snapshot: Snapshot) -> None:
    check(snapshot)
    paragraphs(markdown(snapshot, tools=True, generated=True), GITHUB)


HOSTILE = st.lists(
    st.one_of(
        st.text(alphabet="`*_~[]()<>#+-=|!&;:.1 \\\n\ta", max_size=8),
        st.sampled_from(
            [
                *("```\n", "~~~\n", "# a", "> a", "- a", "1. a", "1) a", "---", "===", "***", "| a |\n|---|"),
                *(
                    "<b>",
                    "</p>",
                    "<!--",
                    "&amp;",
                    "&#35;",
                    "[a](b)",
                    "![a](b)",
                    "[a]: b",
                    "<a@b.c>",
                    "https://a.b",
                    "//a.example",
                    "www.a.b",
                    "a@b.c",
                    "mailto:$@b.c",
                ),
                *(
                    "**a**",
                    "__a__",
                    "_a_",
                    "~~a~~",
                    "`a`",
                    "    a",
                    "\\",
                    "\\\n",
                    "a_b_c",
                    "\u2028",
                    "\x0c",
                    "a  \nb",
                ),
            ]
        ),
        st.text(max_size=5),
    ),
    max_size=6,
).map("".join)


@given(st.lists(st.tuples(HOSTILE, HOSTILE), min_size=1, max_size=3))
def test_nothing_that_was_said_is_markup(said: list[tuple[str, str]]) -> None:
    items = [
        {"id": f"item_{n}", "type": "message", "role": role or "user", "content": [text_part(text)]}
        for n, (role, text) in enumerate(said)
    ]
    check(talk(*items))


@given(HOSTILE, HOSTILE, HOSTILE)
@example("\x1f", "", "")  # white space to Python, and shown all the same
def test_nothing_that_was_cut_off_or_called_is_markup(heard: str, name: str, came: str) -> None:
    cut = [response_created(), spoken(heard or "a"), sound(1000), truncated(audio_end_ms=1)]
    called = [added({**call("f1", came), "name": name}), added(output(text=came))]
    snapshot = state(*cut, *called).snapshot()
    assert [words(each) for each in paragraphs(markdown(snapshot), GITHUB)] == [
        "<strong_open>Assistant:<strong_close> <em_open>(interrupted)<em_close>"
    ]
    struck, code = paragraphs(markdown(snapshot, tools=True, generated=True), GITHUB)
    rest = " ".join(lines(heard or "a"))
    marked = f"<s_open>{rest}<s_close> " if rest else ""
    assert words(struck) == f"<strong_open>Assistant:<strong_close> {marked}<em_open>(interrupted)<em_close>"
    asked = f"{' '.join(lines(name)) or 'unnamed'}({' '.join(lines(came))})"
    result = " ".join(lines(came)) or "<em_open>(empty)<em_close>"
    assert words(code) == f"<strong_open>Tool:<strong_close> {asked} → {result}"


@given(st.text(alphabet="`a ", min_size=1).map(str.strip).filter(bool))
def test_code_is_read_back(text: str) -> None:
    [tokens] = paragraphs(_code(text), PLAIN)
    assert [(each.type, each.content) for each in tokens] == [("code_inline", text)]
