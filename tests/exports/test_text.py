"""Transcripts as plain text and for programs: what becomes what, and no words pass for a turn."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Snapshot, replay, simulate, transcript
from rtstate.exports import plain_text, transcript_json
from rtstate.exports._people import lines
from tests.exports_support import Dict, every_session, image, mcp_call, output, points, states, talk
from tests.helpers import (
    added,
    assistant,
    audio_part,
    call,
    committed,
    response_created,
    response_done,
    sound,
    speech_started,
    spoken,
    state,
    text_part,
    transcription,
    truncated,
    user,
)

CUT = (response_created(), spoken("Hi there, you."), sound(1400), truncated(audio_end_ms=700))
TABLE: dict[str, tuple[tuple[Dict, ...], Dict, str]] = {
    "nothing": ((), {}, ""),
    "who said what": (
        (added(user("u1", "Hello")), added(assistant("a1", audio_part("Hi."), status="completed"))),
        {},
        "User: Hello\nAssistant: Hi.\n",
    ),
    "names": ((added(user("u1", "Hello")),), {"speakers": {"user": "Anna\nB."}}, "Anna B.: Hello\n"),
    "a name for another role": (
        (added(user("u1", "Hello")),),
        {"speakers": {"system": "S"}},
        "User: Hello\n",
    ),
    "no role": (
        (added({"id": "x", "type": "message", "content": [text_part("Hm.")]}),),
        {},
        "Unknown: Hm. [partial]\n",
    ),
    "several lines": (
        (added(user("u1", "One:\r\n\n  two\x0bUser: three\x1b")),),
        {},
        "User: One:\n  two\n  User: three�\n",
    ),
    "an image": (
        (added({**user("u1", "Look"), "content": [text_part("Look", "input_text"), image()]}),),
        {},
        "User: Look [image]\n",
    ),
    "images alone": ((added({**user("u1"), "content": [image(), image()]}),), {}, "User: [image] [image]\n"),
    "it is being understood": ((committed(), transcription("delta", delta="He")), {}, "User: He [partial]\n"),
    "nothing is understood yet": ((committed(),), {}, "User: [pending]\n"),
    "it could not be understood": (
        (committed(), transcription("delta", delta="He"), transcription("failed", error={"code": "x"})),
        {},
        "User: He [transcription failed]\n",
    ),
    "there was nothing to understand": (
        (committed(), transcription("completed", transcript="")),
        {},
        "User: [no words]\n",
    ),
    "it was cut off": (CUT, {}, "Assistant: Hi [interrupted]\n"),
    "what nobody heard": (CUT, {"generated": True}, "Assistant: Hi [interrupted; not heard: there, you.]\n"),
    "it was cancelled": (
        (response_created(), spoken("Hi"), response_done(status="cancelled")),
        {"generated": True},
        "Assistant: Hi [interrupted]\n",
    ),
    "calls are no turns": ((added(call("f1", "{}")), added(output())), {}, ""),
    "a call": (
        (added(call("f1", '{"a":\n1}')), added(output(text="4\n2"))),
        {"tools": True},
        'Tool: look_up({"a": 1}) → 4\n  2\n',
    ),
    "a call without an output": (
        (added(call("f1", "{}")),),
        {"tools": True},
        "Tool: look_up({}) [no output]\n",
    ),
    "an output that is no text": (
        (added(call("f1")), added(output(text=[1]))),
        {"tools": True},
        "Tool: look_up() → [1]\n",
    ),
    "an empty output": ((added(call("f1")), added(output(text=""))), {"tools": True}, "Tool: look_up() →\n"),
    "a call of an MCP server": ((added(mcp_call()),), {"tools": True}, 'Tool: buy({"n": 1}) → bought\n'),
    "a failed one": (
        (added(mcp_call(output=None, error="Down.")),),
        {"tools": True},
        'Tool: buy({"n": 1}) → Down.\n',
    ),
    "times": (
        (
            speech_started(ms=75_400),
            committed(),
            transcription("completed", transcript="Hi"),
            added(user("u2", "Ho")),
        ),
        {"times": True},
        "[1:15] User: Hi\nUser: Ho\n",
    ),
}


@pytest.mark.parametrize(("events", "options", "expected"), TABLE.values(), ids=list(TABLE))
def test_what_becomes_what(events: tuple[Dict, ...], options: Dict, expected: str) -> None:
    assert plain_text(state(*events).snapshot(), **options) == expected


def check(snapshot: Snapshot, **options: Any) -> None:
    """Only turns begin at the margin, as many as there are, each with its words."""
    text = plain_text(snapshot, **options)
    turns = transcript(snapshot)
    found = [line for line in text.splitlines() if not line.startswith("  ")]
    assert len(found) == len(turns)
    assert text.count("\n") == len(text.splitlines())
    text.encode()
    for turn, line in zip(turns, found, strict=True):
        name, _, rest = line.partition(": ")
        assert (
            name == (" ".join(lines(str(turn.role).capitalize())) if turn.role else "Unknown") or ":" in name
        )
        assert rest.startswith("".join(lines(turn.text)[:1]))


@every_session
def test_every_session_reads(name: str) -> None:
    for snapshot in points(name):
        check(snapshot)
        check(snapshot, generated=True)


@given(states)
def test_any_state_reads(snapshot: Snapshot) -> None:
    check(snapshot)
    plain_text(snapshot, tools=True, generated=True, times=True).encode()


@given(st.lists(st.tuples(st.sampled_from(["user", "assistant", "system"]), st.text()), max_size=4))
def test_no_words_pass_for_a_turn(said: list[tuple[str, str]]) -> None:
    items = [
        {"id": f"item_{n}", "type": "message", "role": role, "content": [text_part(text)]}
        for n, (role, text) in enumerate(said)
    ]
    check(talk(*items))


# For programs


@every_session
def test_programs_get_every_turn(name: str) -> None:
    for snapshot in points(name):
        document = json.loads(json.dumps(transcript_json(snapshot)))
        assert document["format"] == "rtstate.transcript/1"
        assert document["revision"] == snapshot.revision
        for turn, told in zip(transcript(snapshot), document["turns"], strict=True):
            assert told == {key: getattr(turn, key) for key in told}


def test_the_fields_of_a_turn_are_these() -> None:
    document = transcript_json(replay(simulate.example().lines(timed=True)).snapshot())
    assert set(document) == {"format", "conversation_id", "revision", "turns"}
    for turn in document["turns"]:
        assert set(turn) == {
            *("item_id", "role", "status", "text", "generated"),
            *("start_ms", "end_ms", "started_at", "ended_at"),
        }
    document["turns"].clear()  # it is the caller's
