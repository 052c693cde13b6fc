"""Each example does what it says, run as its reader would run it."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import rtstate
from rtstate import simulate

EXAMPLES = Path(__file__).parents[2] / "examples"
CALL = simulate.example()


def run(name: str, *arguments: str | Path, code: int = 0) -> str:
    program = [sys.executable, EXAMPLES / name, *map(str, arguments)]
    done = subprocess.run(program, check=False, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("examples") / "session.jsonl"
    path.write_text("\n".join(CALL.lines(timed=True)), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def turns() -> tuple[rtstate.Turn, ...]:
    return rtstate.transcript(rtstate.replay(CALL.lines(timed=True)).snapshot())


def test_every_example_is_in_the_list_and_has_a_test() -> None:
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    tests = Path(__file__).read_text(encoding="utf-8")
    for each in EXAMPLES.glob("*.py"):
        assert f"[`{each.name}`]({each.name})" in listed
        assert f'"{each.name}"' in tests or f'"{each.stem}:app"' in tests


def test_a_file_is_replayed(recording: Path, turns: tuple[rtstate.Turn, ...]) -> None:
    told = run("replay_file.py", recording)
    assert all(turn.heard in told for turn in turns)
    assert "9 responses, 5674 tokens in, 986 out" in told
    assert any(f"(of {turn.generated!r})" in told for turn in turns), "nobody was interrupted"


def test_two_viewers_hold_the_same(recording: Path) -> None:
    told = run("two_viewers.py", recording)
    assert told.startswith("revision 509: with append ")


def test_a_call_goes_on_where_its_process_ended(recording: Path, tmp_path: Path) -> None:
    database = tmp_path / "calls.db"
    assert run("sqlite_resume.py", database, recording, "100").startswith("0 events of 'session' are kept")
    program = [sys.executable, EXAMPLES / "sqlite_resume.py", database, recording]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as killed:
        assert killed.stdout is not None
        assert killed.stdout.readline() == "100 events of 'session' are kept already\n"
        killed.send_signal(signal.SIGKILL)
    time.sleep(2.5)  # nobody else may write until the lease of who was killed has run out
    assert run("sqlite_resume.py", database, recording).endswith("revision 509, 18 items\n")


def test_what_pipecat_parsed_leads_to_the_same(recording: Path, turns: tuple[rtstate.Turn, ...]) -> None:
    told = run("pipecat_events.py", recording).splitlines()
    assert told[:-1] == [f"{turn.role:>9}: {turn.heard}" for turn in turns]
    assert int(told[-1].split()[0]) > 500


def test_a_browser_of_a_backend_gets_what_changes(recording: Path, turns: tuple[rtstate.Turn, ...]) -> None:
    with backend("fastapi_backend:app") as url, httpx.Client(base_url=url, timeout=30) as client:
        assert "EventSource" in client.get("/").text
        with client.stream("GET", "/turns") as stream:
            for line in CALL.lines():
                client.post("/events", content=line).raise_for_status()
            shown: dict[str, str] = {}
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    shown |= {each["item_id"]: each["heard"] for each in json.loads(line[6:])}
                if shown == {turn.item_id: turn.heard for turn in turns}:
                    break


@pytest.mark.parametrize("name", ["live_websockets.py", "live_openai.py"])
def test_a_live_client_holds_a_conversation(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with fake_server("--reply", "I am a test.") as url:
        told = run(name, url if name == "live_websockets.py" else url.removesuffix("/realtime"))
    user, assistant, *_ = told.splitlines()
    assert user.startswith("     user: Hello!")
    assert assistant == "assistant: I am a test."


@contextmanager
def fake_server(*options: str) -> Iterator[str]:
    """``rtstate fake-server``, at a free port."""
    program = [sys.executable, "-m", "rtstate", "fake-server", "--port", "0", "--speed", "20", *options]
    with subprocess.Popen(program, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().removeprefix("Listening on ").strip()
        finally:
            server.kill()


@contextmanager
def backend(app: str) -> Iterator[str]:
    """A server of its own process, at a free port."""
    program = [sys.executable, "-m", "uvicorn", "--app-dir", str(EXAMPLES), "--port", "0", app]
    with subprocess.Popen(program, stderr=subprocess.PIPE, text=True, env={**os.environ}) as server:
        assert server.stderr is not None
        try:
            for line in server.stderr:
                if "running on " in line:
                    yield line.partition("running on ")[2].split()[0]
                    break
        finally:
            server.kill()
