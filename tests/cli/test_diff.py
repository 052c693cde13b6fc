import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rtstate import Timeline, apply_patch, simulate
from tests.cli.support import added, invoke, recorded, said, saved_example

LIMITS = {"type": "rate_limits.updated", "rate_limits": [{"name": "tokens", "limit": 10, "remaining": 9}]}
SESSION = {"type": "session.created", "session": {"id": "sess_1", "model": "gpt-realtime", "tools": None}}
FAILED = {
    "type": "response.done",
    "response": {
        "id": "resp_1",
        "status": "failed",
        "status_details": {"error": {"message": "boom"}},
        "output": [],
    },
}


def done(*ids: str, **fields: Any) -> dict[str, Any]:
    output = [{"id": each, "type": "message", "role": "assistant", "status": "completed"} for each in ids]
    return {
        "type": "response.done",
        "response": {"id": "resp_1", "status": "completed", "output": output, **fields},
    }


def deleted(item_id: str) -> dict[str, Any]:
    return {"type": "conversation.item.deleted", "item_id": item_id}


def error(number: int) -> dict[str, Any]:
    return {"type": "error", "error": {"type": "invalid", "message": f"error {number}"}}


def told(*words: str, events: list[Any], every: float | None = None, width: int = 100) -> list[str]:
    result = invoke("diff", "-", *words, stdin=recorded(*events, every=every), width=width)
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.stdout.splitlines()]


@pytest.mark.parametrize(
    ("events", "words", "lines"),
    [
        ([], [], ["From revision 0 to 0 · nothing changed"]),
        (
            [added("item_1", content=[{"type": "input_text", "text": "Hi"}])],
            [],
            ["+ item_1                  user message “Hi”", "  + item_1 to 0"],
        ),
        (
            [said("item_1", "Hi"), said("item_1", " there")],
            ["--from", "1"],
            ["  item_1                  assistant message", "    text                  +“ there”"],
        ),
        (
            [said("item_1", "Hi"), said("item_1", " there")],
            ["--from", "2", "--to", "1"],
            ["    text                  “Hi there” → “Hi”"],
        ),
        (
            [
                said("item_1", "Hi"),
                done("item_1", usage={"total_tokens": 9, "input_tokens": 4, "output_tokens": 5}),
            ],
            ["--from", "1"],
            [
                "    status                in progress → completed",
                "    final                 false → true",
                "    usage                 9 tokens (4 in, 5 out)",
                "  responses               +1 ended, +9 tokens, +4 input, +5 output",
            ],
        ),
        (
            [
                said("item_1", "Hi"),
                done("item_1", usage={"total_tokens": 9, "input_tokens": 4, "output_tokens": 5}),
            ],
            ["--from", "2", "--to", "1"],
            [
                "    usage                 9 tokens (4 in, 5 out) → no usage",
                "  responses               −1 ended, −9 tokens, −4 input, −5 output",
            ],
        ),
        (
            [said("item_1", "Hi"), FAILED],
            ["--from", "1"],
            ["    status                in progress → failed", "    status details        boom"],
        ),
        (
            [done(usage={"total_tokens": 1})],
            [],
            ["+ resp_1                  completed, 1 tokens (? in, ? out)"],
        ),
        (
            [added("item_1"), added("item_2"), deleted("item_1")],
            ["--from", "2"],
            ["− item_1                  user message", "  − item_1 from 0"],
        ),
        (
            [added(f"item_{number}") for number in range(6)],
            ["--from", "1"],
            ["  + 5 items to 1–5: item_1 … item_5"],
        ),
        (
            [added("item_1", status="in_progress")],
            [],
            ["+ item_1                  user message (in progress)"],
        ),
        (
            [SESSION],
            [],
            ["Session", "    id                    “sess_1”", "    model                 “gpt-realtime”"],
        ),
        (
            [SESSION, {"type": "session.updated", "session": {"id": "sess_1", "model": "gpt-2", "x": 1}}],
            ["--from", "1"],
            ["    model                 “gpt-realtime” → “gpt-2”", "    x                     1"],
        ),
        (
            [SESSION, {"type": "session.updated", "session": {"id": "sess_1", "x": {"y": 1}}}],
            ["--from", "2", "--to", "1"],
            ['    x                     gone, was {"y": 1}'],
        ),
        (
            [LIMITS],
            [],
            ["Rate limits", '    tokens                {"limit": 10, "remaining": 9, "reset_seconds": null}'],
        ),
        ([error(number) for number in range(1)], [], ["  error                   invalid: error 0"]),
        (
            [error(number) for number in range(21)],
            ["--from", "20"],
            [
                "  error                   the oldest is no longer kept",
                "  error                   invalid: error 20",
            ],
        ),
        (
            [{"type": "input_audio_buffer.speech_started", "item_id": "item_1", "audio_start_ms": 1500}],
            [],
            ["Input audio", "    speaking              false → true", "    speech started ms     1.50 s"],
        ),
        ([{"type": "session.input_transcript.delta", "delta": "Hi"}], [], ["    input transcript      “Hi”"]),
        (
            [{"type": "session.input_transcript.delta", "delta": each} for each in ("Hi", " you")],
            ["--from", "1"],
            ["    input transcript      +“ you”"],
        ),
    ],
)
def test_what_changed_is_told_in_words(events: list[Any], words: list[str], lines: list[str]) -> None:
    shown = [line.rstrip(" ─") for line in told(*words, events=events)]
    assert [line for line in lines if line not in shown] == [], "\n".join(shown)


def test_an_item_that_moved() -> None:
    """A late anchor: item_3 follows item_1, which comes after it."""
    events = [
        added("item_2"),
        added("item_3") | {"previous_item_id": "item_1"},
        added("item_1") | {"previous_item_id": None},
    ]
    lines = told("--from", "2", events=events)
    assert any("item_3 from 1 to" in line or "item_2 from 0 to" in line for line in lines), "\n".join(lines)


def test_another_part_than_the_first_is_named() -> None:
    part = {"type": "response.content_part.added", "item_id": "item_1", "part": {"type": "text", "text": ""}}
    events = [said("item_1", "Hi"), part | {"content_index": 1}, said("item_1", "Oh") | {"content_index": 1}]
    assert "    part 1 text           “Oh”" in told("--from", "2", events=events)
    assert any(line.startswith("    content 1             {") for line in told("--from", "1", events=events))


def test_times_are_points_too() -> None:
    events = [added("item_1"), added("item_2"), added("item_3")]
    lines = told("--from", "5s", "--to", "0:10", events=events, every=5)
    assert "+ item_3                  user message" in lines
    assert not any("item_2" in line for line in lines if line.startswith("+"))


@pytest.mark.parametrize("append", [False, True])
@pytest.mark.parametrize(("since", "until"), [(0, 509), (30, 120), (120, 30), (7, 7)])
def test_json_leads_from_one_document_to_the_other(
    tmp_path: Path, since: int, until: int, append: bool
) -> None:
    file = saved_example(tmp_path)
    with file.open() as lines:
        timeline = Timeline(lines)
    words = ["diff", str(file), "--from", str(since), "--to", str(until), "--json", *["--append"] * append]
    result = invoke(*words)
    assert result.stdout.count("\n") == 1
    operations = json.loads(result.stdout)
    assert apply_patch(timeline.at(since).to_dict(), operations) == timeline.at(until).to_dict()
    assert append or not any(operation["op"] == "append" for operation in operations)


def test_misuse() -> None:
    result = invoke("diff", "-", "--append", stdin="")
    assert result.exit_code == 2
    assert "--append is about the operations that --json prints" in result.stderr
    result = invoke("diff", "-", "--to", "9", stdin=recorded(added("item_1")))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == "Error: standard input has no revision 9; the last one is 1\n"
    assert invoke("diff", "-", "--from", "1s", stdin=recorded(added("item_1"))).exit_code == 2
    assert invoke("diff", "-", "--from", "then").exit_code == 2


@pytest.mark.parametrize("width", [30, 80, 100])
def test_the_lines_fit(width: int, tmp_path: Path) -> None:
    shown = invoke("diff", str(saved_example(tmp_path)), width=width).stdout.splitlines()
    assert max(map(cell_len, shown)) <= width


def test_a_terminal_is_not_steered() -> None:
    (line,) = (each for each in told(events=[said("item_1", "a\n\x1b[2J")]) if "item_1  " in each)
    assert line == "+ item_1                  assistant message “a↵�[2J” (in progress)"


@pytest.mark.parametrize("seed", range(6))
def test_simulated_sessions_both_ways(seed: int) -> None:
    dialect = simulate.DIALECTS[seed % len(simulate.DIALECTS)]
    damaged = simulate.faults(
        simulate.session(seed, 6, dialect).events, seed=seed, drop=0.1, duplicate=0.1, reorder=4
    )
    stdin = recorded(*damaged)
    for words in ([], ["--from", "20"], ["--from", "30", "--to", "10"]):
        assert invoke("diff", "-", *words, stdin=stdin).exit_code == 0


def test_recordings(recording: Path) -> None:
    with recording.open("rb") as lines:
        last = Timeline(lines).revision
    for since, until in ((0, last), (last, 0), (last // 3, 2 * last // 3), (last, last)):
        result = invoke("diff", str(recording), "--from", str(since), "--to", str(until))
        assert result.exit_code == 0
        assert result.stdout.startswith(f"From revision {since} to {until}")
