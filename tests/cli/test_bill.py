"""``rtstate usage``: responses and transcripts with bars, sums, context, and what it cost."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

import rtstate
from rtstate import Timeline, replay, simulate
from rtstate.cli._bill import bill
from rtstate.cost import cost
from tests.cli.support import invoke, recorded, saved_example
from tests.cli.test_page import added as listed
from tests.helpers import committed, deleted, response_created, response_done, transcription
from tests.test_cost import PRICER
from tests.views.test_usage import ASR, GA


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(saved_example(tmp_path_factory.mktemp("recordings")))


def shown(*events: Any, width: int = 80, words: tuple[str, ...] = ()) -> str:
    result = invoke("usage", "-", *words, stdin=recorded(*events), width=width)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def test_the_example(example: str) -> None:
    lines = [line.rstrip() for line in invoke("usage", example, width=80).stdout.splitlines()]
    for line in (
        "#             input  ▒ cached  output",
        "1  completed    100        64     110  ▒▒█▌",
        "4  cancelled    485       384     100  ▒▒▒▒▒▒▒▒▒▒▒▒▒███▊",
        f"2  item_…WD9R3     56               22  {'█' * 40}",
        "responses   6,660 tokens in 9 responses, 76% of the input cached",
        "cancelled   585 tokens of the above in 1 response",
        "context     about 1,293 tokens",
    ):
        assert line in lines
    assert lines[0].startswith("Responses · 9 · gpt-realtime ──")
    assert any(line.startswith("Transcripts · 5 · gpt-4o-transcribe ──") for line in lines)
    assert not any("cost" in line.lower() for line in lines)


def test_a_word_of_the_server_keeps_to_its_column() -> None:
    text = shown(response_created(), response_done(status="we\nird \x1b[2J" + "d" * 200, usage=GA))
    [line] = [line for line in text.splitlines() if line.startswith("1 ")]
    assert line.startswith("1  we ird")
    assert "\x1b" not in text
    assert "…" in line


def test_it_may_stop_at_a_point(example: str) -> None:
    with Path(example).open() as lines:
        then = Timeline(lines).at(200)
    assert (
        json.loads(invoke("usage", example, "--at", "200", "--json").stdout) == rtstate.usage(then).to_dict()
    )


def test_the_totals_are_those_of_the_page(example: str) -> None:
    page = invoke("replay", example).stdout
    section = page[page.index("Usage ──") : page.index("\n\nRate limits")]
    assert section in invoke("usage", example).stdout


def test_json_is_the_usage(example: str) -> None:
    with Path(example).open() as lines:
        used = rtstate.usage(replay(lines).snapshot())
    assert json.loads(invoke("usage", example, "--json").stdout) == json.loads(json.dumps(used.to_dict()))


def test_json_with_prices_has_them_in_the_entries(example: str) -> None:
    document = json.loads(invoke("usage", example, "--cost", "--json").stdout)
    with Path(example).open() as lines:
        spent = cost(replay(lines).snapshot())
    assert document["cost"]["total"] == str(spent.total)
    assert [each["price"] for each in document["entries"]] == [str(each.price) for each in spent.entries]
    assert document["responses"]["tokens"]["total"] == 6660


def test_cost_is_shown_and_says_whose_prices_they_are(example: str) -> None:
    text = invoke("usage", example, "--cost", width=80).stdout
    assert "  output       cost\n" in text
    assert "Cost · prices of genai-prices " in text
    assert text.count("$") == 9 + 5 + 4


def test_cost_by_hand() -> None:
    snapshot = replay(
        [response_done("r1", usage=GA), response_done("r2", status="cancelled", usage=GA)]
    ).snapshot()
    used = rtstate.usage(snapshot)
    blocks = [
        str(getattr(each, "body", "")) for each in bill(snapshot, used, cost(used, PRICER, model="voice"))
    ]
    assert "$0.013931, $0.006966 of it cancelled" in blocks


def test_what_has_no_price_is_named() -> None:
    events = [response_done("r1", usage=GA), response_done("r2", usage=GA), response_done("r3")]
    gone = [committed(), transcription("completed", transcript="Hi", usage=ASR), deleted("u1")]
    text = shown(*events, *gone, words=("--cost",))
    assert "total       $0.00 and what is unpriced\n" in text
    assert "unpriced    2 responses: no model known\n" in text
    assert "unpriced    1 response: the server told no usage\n" in text
    assert "unpriced    1 transcript: of an item that is gone\n" in text
    assert "unlisted    22 tokens of the above for 1 transcript of items that are gone\n" in text


def test_models_and_provider_may_be_named() -> None:
    priced = shown(
        response_done(usage=GA), words=("--cost", "--model", "gpt-realtime", "--provider", "azure")
    )
    assert "unpriced" not in priced
    heard = [committed(), transcription("completed", transcript="Hi", usage=ASR)]
    assert "unpriced" not in shown(*heard, words=("--cost", "--transcription-model", "gpt-4o-transcribe"))


def test_context_says_what_is_told_and_what_is_estimated() -> None:
    answer = {"id": "a1", "type": "message", "role": "assistant", "status": "completed"}
    question = {
        "id": "u1",
        "role": "user",
        "type": "message",
        "content": [{"type": "input_text", "text": "x" * 40}],
    }
    asked = listed(question)
    text = shown(listed(answer), response_done("r1", answer, usage=GA), asked)
    assert "context     about 263 tokens: 253 by the last response, and about 10 since\n" in text
    less = {**GA, "input_tokens": 50}
    text = shown(response_done("r1", usage=GA), response_done("r2", usage=less))
    assert "the server has left out some of the conversation" in text


def test_out_of_band_is_marked_and_what_is_not_told_is_empty() -> None:
    text = shown(response_created("r1", conversation_id=None), response_done("r1"), response_done("r2"))
    assert [line.split() for line in text.splitlines()[2:4]] == [
        ["1", "completed", "out", "of", "band"],
        ["2", "completed"],
    ]


def test_an_empty_session_and_a_translation() -> None:
    assert shown() == "No response and no transcription has ended.\n"
    translated = {"type": "session.output_transcript.delta", "delta": "Hola"}
    assert "billed by its length, which no event tells" in shown(translated, words=("--cost",))


@pytest.mark.parametrize("width", [20, 40, 47, 48, 80, 120])
@pytest.mark.parametrize("words", [(), ("--cost",)], ids=["usage", "cost"])
def test_no_line_is_wider_than_the_terminal_and_no_figure_is_lost(
    example: str, width: int, words: tuple[str, ...]
) -> None:
    text = invoke("usage", example, *words, width=width).stdout
    assert all(cell_len(line) <= width for line in text.splitlines())
    assert all(figure in text.split() for figure in ("1,162", "960", "131"))


def test_every_recording_has_a_bill(recording: Path) -> None:
    result = invoke("usage", str(recording), "--cost", width=80)
    assert result.exit_code == 0
    assert all(cell_len(line) <= 80 for line in result.stdout.splitlines())
    assert "None" not in result.stdout


@pytest.mark.parametrize("seed", range(4))
def test_a_damaged_session_still_has_a_bill(seed: int) -> None:
    events = simulate.session(seed, 5, simulate.DIALECTS[seed]).events
    assert shown(*simulate.faults(events, seed, drop=0.05, reorder=5, corrupt=0.3), words=("--cost",))


def test_a_recording_cannot_steer_the_terminal() -> None:
    told = {"type": "session.created", "session": {"id": "s1", "model": "\x1b[2Jbad"}}
    assert "\x1b" not in shown(told, response_done("r1", usage=GA, status="\x1b[2J"), words=("--cost",))


def test_misuse_is_told(example: str) -> None:
    refused = invoke("usage", example, "--model", "gpt-realtime")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "about --cost" in refused.stderr
    assert invoke("usage", "nowhere.jsonl").exit_code == 2


def test_without_the_extra_cost_says_how_to_get_it(example: str) -> None:
    program = "import sys; sys.modules['genai_prices'] = None; from rtstate.cli import main; sys.exit(main())"
    command = [sys.executable, "-c", program, "usage", example]
    refused = subprocess.run([*command, "--cost"], capture_output=True, text=True, check=False, timeout=60)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr == "Error: prices need genai-prices: pip install 'rtstate[cost]'\n"
    assert subprocess.run(command, capture_output=True, check=False, timeout=60).returncode == 0
