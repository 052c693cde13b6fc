import base64
import io
import json
import os
import pty
import subprocess
import sys
import wave
from pathlib import Path
from typing import Any

import pytest
import webvtt as vtt

from rtstate import exports, replay
from tests.cli.support import added, invoke, recorded, said, saved_example
from tests.recordings_support import recording_names

JSON = {
    "chat": exports.chat_messages,
    "responses": exports.responses_input,
    "agents": exports.agents_items,
    "livekit": exports.livekit_chat_context,
    "agui": exports.agui_messages,
    "json": exports.transcript_json,
}
TEXTS = {
    "markdown": exports.markdown,
    "text": exports.plain_text,
    "vtt": exports.webvtt,
    "srt": exports.srt,
}
TYPED = added("item_1", content=[{"type": "input_text", "text": "Hé"}])
CALL = {"id": "item_2", "type": "function_call", "call_id": "call_1", "name": "look_up", "arguments": "{}"}
LISTING = {"id": "mcpl_1", "type": "mcp_list_tools", "server_label": "shop", "tools": []}
FORMATS = [*JSON, *TEXTS, "wav"]


def item(fields: dict[str, Any]) -> dict[str, Any]:
    return {"type": "conversation.item.added", "item": {"status": "completed", **fields}}


def sound(item_id: str, size: int) -> dict[str, Any]:
    delta = base64.b64encode(bytes(size)).decode()
    return {"type": "response.output_audio.delta", "item_id": item_id, "response_id": "r1", "delta": delta}


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return saved_example(tmp_path_factory.mktemp("recordings"))


@pytest.mark.parametrize("form", JSON)
def test_programs_get_what_the_library_gives(call: Path, form: str) -> None:
    snapshot = replay(call.read_text().splitlines()).snapshot()
    plain, pretty = (invoke("export", str(call), "--format", form, *more) for more in ((), ("--pretty",)))
    assert json.loads(plain.stdout) == json.loads(pretty.stdout) == JSON[form](snapshot)
    assert plain.stdout.count("\n") == 1 < pretty.stdout.count("\n")


@pytest.mark.parametrize("form", TEXTS)
def test_people_get_what_the_library_gives(call: Path, form: str) -> None:
    snapshot = replay(call.read_text().splitlines()).snapshot()
    result = invoke("export", str(call), "--format", form, "--speaker", "assistant=Nora")
    assert result.stdout == TEXTS[form](snapshot, speakers={"assistant": "Nora"})
    assert result.exit_code == 0


def test_captions_of_the_example_are_valid(call: Path) -> None:
    result = invoke("export", str(call), "--format", "vtt")
    found = vtt.from_string(result.stdout, strict=True).captions
    assert [each.voice for each in found[:3]] == ["Assistant", "User", "Assistant"]
    assert result.stderr.splitlines() == [
        "left out: item_…WEUJi, user message: no time",
        "left out: item_…eiJRG, assistant message: no time",
    ]


@pytest.mark.parametrize("form", FORMATS)
def test_a_file_takes_it(call: Path, tmp_path: Path, form: str) -> None:
    file = tmp_path / "out"
    words = ["export", str(call), "--format", form, *(["--item", "4VHbC"] if form == "wav" else [])]
    piped, quiet = invoke(*words), invoke(*words, "-o", str(file))
    assert (piped.exit_code, quiet.exit_code, quiet.stdout) == (0, 0, "")
    assert file.read_bytes() == piped.stdout_bytes


def test_a_dash_is_standard_output(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = invoke("export", "-", "--format", "text", "-o", "-", stdin=recorded(TYPED))
    assert result.stdout_bytes == "User: Hé\n".encode()
    assert list(tmp_path.iterdir()) == []


def test_a_point_is_a_point(call: Path) -> None:
    assert json.loads(invoke("export", str(call), "--format", "chat", "--at", "0").stdout) == []


LEFT: dict[str, tuple[list[Any], str, list[str]]] = {
    "nothing": ([TYPED], "chat", []),
    "a call that waits": ([item(CALL)], "chat", ["left out: item_2, call of look_up: no output"]),
    "for a screen it is there": ([item(CALL)], "agui", []),
    "MCP": (
        [item(LISTING), item(CALL)],
        "livekit",
        [
            "left out: mcpl_1, mcp list tools: unsupported",
            "left out: item_2, call of look_up: no output",
        ],
    ),
    "MCP has its place": ([item(LISTING)], "responses", []),
    "one part": (
        [added("item_1", content=[{"type": "input_text", "text": "Hi"}, {"type": "input_audio"}])],
        "chat",
        ["left out: item_1, user message, part 1: no transcript"],
    ),
    "many": (
        [added(f"item_{n}") for n in range(23)],
        "chat",
        [*(f"left out: item_{n}, user message: empty" for n in range(20)), "left out: 3 more items"],
    ),
}


@pytest.mark.parametrize(("events", "form", "lines"), LEFT.values(), ids=list(LEFT))
def test_what_is_left_out_is_named(events: list[Any], form: str, lines: list[str]) -> None:
    result = invoke("export", "-", "--format", form, stdin=recorded(*events))
    assert result.exit_code == 0
    assert result.stderr.splitlines() == lines


REFUSED: dict[str, tuple[list[str], list[Any], int, str]] = {
    "no format": ([], [TYPED], 2, "--format"),
    "an unknown format": (["--format", "pdf"], [TYPED], 2, "pdf"),
    "sound of what": (["--format", "wav"], [sound("item_1", 8)], 2, "with sound there are: item_1"),
    "no sound at all": (["--format", "wav"], [TYPED], 2, "with sound there are: none"),
    "sound of nobody": (["--format", "wav", "--item", "x"], [TYPED], 2, "there is no item 'x'"),
    "sound of a text": (["--format", "wav", "--item", "item_1"], [TYPED], 1, "no audio was received"),
    "sound of no part": (["--format", "wav", "--item", "item_1", "--part", "3"], [TYPED], 1, "no part 3"),
    "an item of a text": (["--format", "text", "--item", "item_1"], [TYPED], 2, "--format wav"),
    "a part of a text": (["--format", "text", "--part", "1"], [TYPED], 2, "--format wav"),
    "a role without a name": (["--format", "text", "--speaker", "user="], [TYPED], 2, "ROLE=NAME"),
    "a name without a role": (["--format", "text", "--speaker", "Anna"], [TYPED], 2, "ROLE=NAME"),
    "captions without times": (["--format", "vtt"], [TYPED], 1, "no turn has a time"),
    "a folder": (["--format", "text", "-o", "."], [TYPED], 2, "cannot be written"),
    "no events": (["--format", "text"], ["nonsense"], 1, "no line that is an event"),
}


@pytest.mark.parametrize(("words", "events", "code", "message"), REFUSED.values(), ids=list(REFUSED))
def test_what_cannot_be_is_said(words: list[str], events: list[Any], code: int, message: str) -> None:
    result = invoke("export", "-", *words, stdin=recorded(*events))
    assert (result.exit_code, result.stdout) == (code, "")
    assert message in result.stderr


@pytest.mark.parametrize("form", ["vtt", "srt"])
def test_captions_of_nothing_are_a_file_all_the_same(form: str) -> None:
    result = invoke(
        "export", "-", "--format", form, stdin=recorded({"type": "session.created", "session": {}})
    )
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize(
    ("words", "module", "hint"),
    [
        (["--format", "vtt"], "webvtt", "rtstate[captions]"),
        (["--format", "wav", "--item", "item_1"], "audioop", "rtstate[audio]"),
    ],
)
def test_without_an_extra_it_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, words: list[str], module: str, hint: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    session = {"type": "session.created", "session": {"id": "s", "output_audio_format": "g711_ulaw"}}
    result = invoke("export", "-", *words, stdin=recorded(session, sound("item_1", 8), said("item_2", "Hi")))
    assert result.exit_code == 2
    assert hint in result.stderr


def test_sound_is_a_file_of_that_item(call: Path) -> None:
    result = invoke("export", str(call), "--format", "wav", "--item", "item_…4VHbC")
    with wave.open(io.BytesIO(result.stdout_bytes)) as file:
        assert (file.getframerate(), file.getnframes() * 1000 // 24_000) == (24_000, 4_330)


def test_no_sound_goes_to_a_terminal(call: Path) -> None:
    shown, terminal = pty.openpty()
    words = [sys.executable, "-m", "rtstate", "export", str(call), "--format", "wav", "--item", "4VHbC"]
    result = subprocess.run(words, stdout=terminal, stderr=subprocess.PIPE, check=False, timeout=60)
    os.close(terminal)
    os.close(shown)
    assert result.returncode == 2
    assert b"--output" in result.stderr


@pytest.mark.parametrize("name", recording_names())
@pytest.mark.parametrize("form", [*JSON, "markdown", "text"])
def test_every_recording_is_exported(recordings: Path, name: str, form: str) -> None:
    result = invoke("export", str(recordings / f"{name}.jsonl"), "--format", form)
    assert result.exit_code == 0
    if form in JSON:
        json.loads(result.stdout)
