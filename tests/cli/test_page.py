import io
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len
from rich.console import Console

import rtstate
from rtstate import Conversation, simulate
from rtstate.cli._page import page


def shown(conversation: Conversation, width: int = 80, **options: Any) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, emoji=False, **options)
    for block in page(conversation.snapshot(), conversation.stats, conversation.anomalies):
        console.print(block)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def told(*events: Mapping[str, Any], width: int = 80) -> str:
    return shown(rtstate.replay(events), width)


def added(item: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.added", "item": {"id": "item_1", "status": "completed", **item}}


def message(role: str, *parts: Mapping[str, Any]) -> dict[str, Any]:
    return added({"type": "message", "role": role, "content": list(parts)})


@pytest.fixture(scope="module")
def example() -> Conversation:
    return rtstate.replay(simulate.example().events)


def test_the_example_at_80_columns(example: Conversation) -> None:
    lines = shown(example).splitlines()
    assert max(map(cell_len, lines)) == 80
    for line in (
        "model       gpt-realtime · voice marin · audio",
        "input       server_vad · transcribed by gpt-4o-transcribe",
        "expires     2026-11-24 11:00 UTC",
        "assistant   Hello, this is Nora from Lumen Home. How can I help you        4.3 s",
        "            today?",
        'tool        track_order(order_number="LH-40291")',
        "            cut at 3.1 s, not heard: warehouse on Friday  (incomplete)",
        "user        Hm, yes,  (transcript failed: audio_unintelligible: The",
        "            turn_detected",
        "responses   6,660 tokens in 9 responses, 76% of the input cached",
        "transcript  308 tokens billed for 5 transcripts",
        "tokens      33,340 of 40,000 left, resets in 58 ms",
    ):
        assert line in lines
    for start in (
        'tool        track_order(order_number="LH-40291")',
        '            → {"status": "in_transit", "carrier": "City Parcel"',
        "Conversation · 18 items ───",
        "cancelled   1 item       485 in    100 out  resp_",
        "input       text     1,800     1,712  ▒▒▒",
        "            audio    3,874     2,576  ▒▒▒",
        "672 events",
    ):
        assert any(line.startswith(start) for line in lines), start


def test_the_late_transcript_stands_where_it_was_said(example: Conversation) -> None:
    text = shown(example)
    asked, answered = (
        text.index("Yes, please do. And could you"),
        text.index("City Parcel, 12 Harbour Street"),
    )
    assert asked < answered


@pytest.mark.parametrize("width", [20, 40, 47, 48, 80, 120])
def test_no_line_is_wider_than_the_terminal(example: Conversation, width: int) -> None:
    assert all(cell_len(line) <= width for line in shown(example, width).splitlines())


def test_every_recording_has_a_page(recording: Path) -> None:
    with recording.open("rb") as lines:
        text = shown(rtstate.replay(lines))
    assert all(cell_len(line) <= 80 for line in text.splitlines())
    assert "None" not in text


@pytest.mark.parametrize("seed", range(8))
def test_a_damaged_session_still_has_a_page(seed: int) -> None:
    dialect = simulate.DIALECTS[seed % len(simulate.DIALECTS)]
    events = simulate.session(seed, 5, dialect).events
    damaged = simulate.faults(events, seed, drop=0.05, duplicate=0.05, reorder=5, corrupt=0.3)
    assert shown(rtstate.replay(damaged)).startswith("Session ──")


def test_colour_only_on_a_terminal(example: Conversation) -> None:
    assert "\x1b" not in shown(example)
    assert "\x1b[1;36massistant" in shown(example, force_terminal=True, color_system="standard")


def test_a_recording_cannot_steer_the_terminal() -> None:
    text = told(
        message("user", {"type": "input_text", "text": "\x1b[2J\x9b1m[bold]Hi[/bold] :smile:\r\nthere"})
    )
    assert "user        �[2J�1m[bold]Hi[/bold] :smile:\n            there\n" in text


def test_an_empty_session() -> None:
    assert told().splitlines()[1] == "  no session event was seen"


@pytest.mark.parametrize("expires_at", [1e300, -1e300, 0])
def test_an_expiry_that_is_no_date_is_left_out(expires_at: float) -> None:
    text = told({"type": "session.created", "session": {"id": "sess_1", "expires_at": expires_at}})
    assert "sess_1" in text
    assert "expires" not in text


def test_sessions_of_other_servers() -> None:
    text = told(
        {
            "type": "session.created",
            "session": {
                "id": "sess_1",
                "voice": {"name": "en-US-Ava", "type": "azure-standard"},
                "modalities": ["text", "audio"],
                "tools": [{"type": "function", "function": {"name": "look"}}, {"server_label": "docs"}],
            },
        }
    )
    assert "model       voice en-US-Ava · text and audio\n" in text
    assert "tools       look, docs\n" in text


@pytest.mark.parametrize(
    ("ending", "expected"),
    [
        (
            {"type": "conversation.item.input_audio_transcription.delta", "delta": "Hel"},
            "Hel … (transcript partial)",
        ),
        (
            {
                "type": "conversation.item.input_audio_transcription.failed",
                "error": {"code": "c", "message": "m"},
            },
            "(transcript failed: c: m)",
        ),
        (
            {"type": "conversation.item.input_audio_transcription.completed", "transcript": ""},
            "(empty transcript)",
        ),
        ({"type": "ping"}, "(transcript pending)"),
    ],
)
def test_how_far_a_transcript_is(ending: dict[str, Any], expected: str) -> None:
    spoken = message("user", {"type": "input_audio"})
    assert f"user        {expected}\n" in told(spoken, {**ending, "item_id": "item_1", "content_index": 0})


def test_the_user_is_speaking() -> None:
    text = told({"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 61_000})
    assert "user        (speaking since 1:01 min of the session's audio)\n" in text


def test_a_cut_without_audio_says_how_it_was_estimated() -> None:
    text = told(
        message("assistant", {"type": "output_audio", "transcript": "One two three four five six."}),
        {
            "type": "conversation.item.truncated",
            "item_id": "item_1",
            "content_index": 0,
            "audio_end_ms": 1000,
        },
    )
    assert "assistant   One two three\n" in text
    assert "cut at 1.0 s, by a speaking rate, not heard: four five six.\n" in text


def test_a_long_answer_leaves_room_for_its_length() -> None:
    part = {"type": "output_audio", "transcript": "word " * 40}
    audio = {"type": "response.output_audio.delta", "item_id": "item_1", "content_index": 0}
    minutes = [{**audio, "delta": "A" * 4 * 960_000} for _ in range(11)]  # a minute each: pcm16 at 24 kHz
    lines = told(message("assistant", part), *minutes).splitlines()
    assert any(line.endswith(" 11:00 min") for line in lines)
    assert max(map(cell_len, lines)) == 80


def test_images() -> None:
    inline = {"type": "input_image", "image_url": "data:image/png;base64,AAAAAAAA"}
    linked = {"type": "input_image", "image_url": "https://example.org/a.png"}
    text = told(message("user", inline, linked, {"type": "input_image"}))
    assert "user        [image, image/png, 6 bytes]\n" in text
    assert "            [image https://example.org/a.png]\n            [image]\n" in text


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "function_call", "name": "f", "arguments": '{"a": [1], "b": "x"}'}, 'f(a=[1], b="x")'),
        ({"type": "function_call", "name": "f", "arguments": "[1]"}, "f([1])"),
        ({"type": "function_call", "arguments": '{"a'}, '(no name yet)({"a)'),
        ({"type": "function_call", "name": "f", "arguments": "word " * 20}, "f(word word"),
        ({"type": "function_call_output", "call_id": "call_1", "output": ""}, "call_1 → (empty)"),
    ],
)
def test_tools(item: dict[str, Any], expected: str) -> None:
    assert f"tool        {expected}" in told(added(item))


def test_an_output_away_from_its_call_names_it() -> None:
    call = {"type": "function_call", "status": "completed", "arguments": "{}"}
    text = told(
        added({**call, "id": "item_1", "call_id": "call_1", "name": "sun"}),
        added({**call, "id": "item_2", "call_id": "call_2", "name": "moon"}),
        added({"id": "item_3", "type": "function_call_output", "call_id": "call_1", "output": "up"}),
    )
    assert "tool        sun()\ntool        moon()\ntool        sun → up\n" in text


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"type": "mcp_list_tools", "server_label": "docs", "tools": [{"name": "find"}]}, "docs offers find"),
        ({"type": "mcp_list_tools", "server_label": "docs", "tools": []}, "docs offers no tools"),
        (
            {
                "type": "mcp_call",
                "server_label": "docs",
                "name": "find",
                "arguments": "{}",
                "output": "page 3",
            },
            "docs.find()\n            → page 3",
        ),
        (
            {
                "type": "mcp_call",
                "server_label": "docs",
                "name": "find",
                "error": {"type": "http_error", "code": 500},
            },
            "docs.find()\n            → 500",
        ),
        (
            {"type": "mcp_approval_request", "server_label": "docs", "name": "find", "arguments": "{}"},
            "may it run docs.find()?",
        ),
    ],
)
def test_mcp(item: dict[str, Any], expected: str) -> None:
    assert f"mcp         {expected}\n" in told(added(item))


@pytest.mark.parametrize(("approve", "expected"), [(True, "approved: fine"), (False, "refused: fine")])
def test_approvals(approve: bool, expected: str) -> None:
    answer = {"type": "mcp_approval_response", "approve": approve, "reason": "fine"}
    assert f"user        {expected}\n" in told(added(answer))


def test_what_the_library_does_not_know_is_shown_whole() -> None:
    text = told(
        added({"type": "web_search", "query": "lamps"}),
        added(
            {"id": "item_2", "type": "message", "role": "user", "content": [{"type": "smell", "of": "tea"}]}
        ),
    )
    assert 'other       web_search  {"query": "lamps"}\n' in text
    assert 'user        [smell]  {"of": "tea"}\n' in text


def test_items_without_a_place_have_a_section_of_their_own() -> None:
    text = shown(rtstate.replay(simulate.session(3, 1, features=["out_of_band"]).events))
    conversation, beside = text.split("Beside the conversation · 1 item ")
    assert "The caller asked for help and was given an answer." not in conversation
    assert "assistant   The caller asked for help and was given an answer." in beside


def test_why_responses_ended() -> None:
    text = shown(rtstate.replay(simulate.session(3, 2, features=["incomplete", "failed"]).events))
    assert re.search(r"^incomplete  1 item +\d+ in +\d+ out  resp_\w+\s+content_filter$", text, re.MULTILINE)
    assert re.search(r"^failed      1 item ", text, re.MULTILINE)
    assert "content_filter" in text
    assert "internal_error: The server had an error while processing your" in text


def test_a_response_without_usage_says_so() -> None:
    text = shown(rtstate.replay(simulate.session(3, 2, features=["no_usage"]).events))
    assert "no usage  resp_" in text
    assert "; 1 of 2 responses did not say" in text


def test_tokens_that_were_not_broken_down_are_a_row_of_their_own() -> None:
    usage = {
        "total_tokens": 130,
        "input_tokens": 100,
        "output_tokens": 30,
        "input_token_details": {"text_tokens": 60},
    }
    text = told(
        {"type": "response.done", "response": {"id": "resp_1", "status": "completed", "usage": usage}}
    )
    rows = [line.split()[:3] for line in text.splitlines() if "█" in line]
    assert rows[:3] == [["input", "text", "60"], ["other", "40", rows[1][2]], ["output", "other", "30"]]


def test_transcription_by_seconds() -> None:
    text = told(
        message("user", {"type": "input_audio"}),
        {
            "type": "conversation.item.input_audio_transcription.completed",
            "item_id": "item_1",
            "content_index": 0,
            "transcript": "Hi",
            "usage": {"type": "duration", "seconds": 3.5},
        },
    )
    assert "transcript  3.5 s billed for 1 transcript\n" in text


def test_errors_and_anomalies() -> None:
    text = told(
        {"type": "error", "error": {"type": "invalid_request_error", "message": "No.", "event_id": "mine_7"}},
        {"type": "telepathy"},
        {"type": "response.done"},
    )
    assert "error       invalid_request_error: No.  mine_7\n" in text
    assert "#2          unknown: an event of the type 'telepathy'; ignored\n" in text
    assert "#3          invalid: response.done: response: Field required\n" in text
    assert text.endswith("3 events · 1 unknown · 1 invalid\n")


def test_a_translation_session_has_its_two_transcripts() -> None:
    text = told(
        {"type": "session.input_transcript.delta", "delta": "The fox"},
        {"type": "session.output_transcript.delta", "delta": "El zorro"},
    )
    assert "source      The fox\ntranslated  El zorro\n" in text
    assert "Conversation" not in text
