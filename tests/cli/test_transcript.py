import json
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from rtstate import exports, replay
from tests.cli.support import added, invoke, recorded, saved_example
from tests.recordings_support import recording_names

SPOKEN = {"type": "input_audio_buffer.committed", "item_id": "item_1"}
HEARD = {
    "type": "conversation.item.input_audio_transcription.completed",
    "item_id": "item_1",
    "transcript": "Hi\x1b[2J",
}


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_example(tmp_path_factory.mktemp("recordings"))


def shown(*words: str, width: int = 100, stdin: str | None = None) -> list[str]:
    result = invoke("transcript", *words, width=width, stdin=stdin)
    assert result.exit_code == 0, result.output
    return [line.rstrip() for line in result.stdout.splitlines()]


def test_the_example_at_80_columns(call: Path) -> None:
    lines = shown(str(call), width=80)
    assert lines[0].startswith("Transcript · 16 turns ───")
    assert lines[1:7] == [
        "assistant   Hello, this is Nora from Lumen Home. How can I help you         0:01",
        "            today?",
        "user        Hi, I ordered a desk lamp two weeks ago and it still hasn't     0:06",
        "            arrived.",
        "assistant   I'm sorry that you had to wait so long. Could you type in       0:11",
        "            your order number for me?",
    ]
    assert "user        LH-40291" in lines
    assert "assistant   Thank you, I've found it. Your lamp left our (interrupted)      0:21" in lines


@pytest.mark.parametrize("code", [0x1B, 0x9B, 0x202A, 0x202E, 0x2066, 0x2069])
def test_no_word_steers_the_terminal_or_turns_the_line(code: int) -> None:
    content = [{"type": "input_text", "text": f"Hi {chr(code)}there"}]
    item = {"id": "u1", "type": "message", "role": "user", "content": content}
    said = {"type": "conversation.item.added", "item": item}
    for form in ((), ("--format", "text"), ("--format", "markdown")):
        assert any("Hi �there" in line for line in shown("-", *form, stdin=json.dumps(said)))


def test_calls_what_nobody_heard_and_names_may_be_asked_for(call: Path) -> None:
    lines = shown(str(call), "--tools", "--generated", "--speaker", "assistant=Nora")
    assert 'tool        track_order(order_number="LH-40291")' in lines
    assert lines[0].startswith("Transcript · 16 turns ")
    text = " ".join(" ".join(lines).split()).replace("0:21 ", "")
    assert "Your lamp left our (interrupted; not heard: warehouse on Friday)" in text
    assert not [line for line in lines if line.startswith("assistant")]


def test_a_narrow_terminal_has_the_names_above(call: Path) -> None:
    lines = shown(str(call), width=40)
    assert lines[1:4] == [
        "assistant  0:01",
        "  Hello, this is Nora from Lumen Home.",
        "  How can I help you today?",
    ]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 140])
@pytest.mark.parametrize("name", recording_names())
def test_no_line_is_too_long(recordings: Path, name: str, width: int) -> None:
    lines = shown(str(recordings / f"{name}.jsonl"), "--tools", "--generated", width=width)
    assert max(map(cell_len, lines)) <= min(width, 100)


STATES: dict[str, tuple[list[Any], str]] = {
    "pending": ([SPOKEN], "user        (pending)"),
    "controls": ([SPOKEN, HEARD], "user        Hi�[2J"),
    "an image": (
        [added("item_1", content=[{"type": "input_image", "image_url": "https://a.example"}])],
        "user        (image)",
    ),
    "no role": (
        [added("item_1", role=None, content=[{"type": "input_text", "text": "Hi"}])],
        "unknown     Hi",
    ),
}


@pytest.mark.parametrize(("events", "line"), STATES.values(), ids=list(STATES))
def test_what_a_turn_looks_like(events: list[Any], line: str) -> None:
    assert shown("-", stdin=recorded(*events))[1] == line


def test_nothing_said_is_no_turn() -> None:
    assert shown("-", stdin="")[0].startswith("Transcript · 0 turns ")


def test_a_long_name_makes_room_for_itself(call: Path) -> None:
    lines = shown(str(call), "--speaker", "assistant=Nora of Lumen Home")
    assert lines[1].startswith("Nora of Lumen Home  Hello, this is Nora")
    assert lines[2].startswith("user                Hi, I ordered")


def test_a_translation_is_shown(recordings: Path) -> None:
    assert "translated  La rápida" in "\n".join(shown(str(recordings / "openai_translate.jsonl")))


@pytest.mark.parametrize(
    ("words", "made"),
    [
        (["--format", "text"], exports.plain_text),
        (["--format", "text", "--tools", "--times", "--generated"], exports.plain_text),
        (["--format", "markdown", "--tools", "--times", "--generated"], exports.markdown),
        (["--format", "vtt"], exports.webvtt),
        (["--format", "srt"], exports.srt),
    ],
)
def test_a_format_is_that_of_the_library(call: Path, words: list[str], made: Any) -> None:
    snapshot = replay(call.read_text().splitlines()).snapshot()
    result = invoke("transcript", str(call), *words)
    options = {each[2:]: True for each in words[2:]}
    assert result.stdout == made(snapshot, **options)


def test_programs_get_json(call: Path) -> None:
    found = [invoke("transcript", str(call), *words).stdout for words in (["--json"], ["--format", "json"])]
    assert found[0] == found[1]
    assert len(json.loads(found[0])["turns"]) == 16


def test_a_file_gets_text_unless_told(call: Path, tmp_path: Path) -> None:
    file = tmp_path / "call.txt"
    assert invoke("transcript", str(call), "-o", str(file)).stdout == ""
    assert file.read_text() == invoke("transcript", str(call), "--format", "text").stdout


@pytest.mark.parametrize(("point", "turns"), [("0", "0 turns"), ("5s", "1 turn"), ("0:15", "3 turns")])
def test_a_point_is_a_point(call: Path, point: str, turns: str) -> None:
    assert shown(str(call), "--at", point)[0].startswith(f"Transcript · {turns} ")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--json", "--format", "text"], "ask for one"),
        (["--json", "--tools"], "--tools"),
        (["--format", "vtt", "--generated"], "--generated"),
        (["--times"], "--times"),
    ],
)
def test_what_does_not_go_together_is_said(call: Path, words: list[str], message: str) -> None:
    result = invoke("transcript", str(call), *words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
