import contextlib
import io
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import rtstate
from rtstate import simulate
from rtstate.cli._printing import page_console
from tests.cli.support import interruptible, invoke

RTSTATE = (sys.executable, "-m", "rtstate")
HELLO = '{"type": "conversation.item.added", "item": {"id": "item_1", "type": "message", "role": "user"}}'


def run(*words: str, stdin: str | bytes = b"") -> subprocess.CompletedProcess[bytes]:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    return subprocess.run([*RTSTATE, *words], input=data, capture_output=True, check=False, timeout=60)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recordings") / "example.jsonl"
    assert invoke("demo", "--save", str(file)).exit_code == 0
    return file


def test_demo_says_what_it_is_and_shows_the_example() -> None:
    result = run("demo")
    assert (result.returncode, result.stderr) == (0, b"")
    assert result.stdout.startswith(b"The bundled example, a simulated call. Your own: rtstate replay FILE\n")
    assert b'track_order(order_number="LH-40291")' in result.stdout


def test_the_page_prints_where_standard_output_is_no_file() -> None:
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        page_console().print("Hello")
    assert printed.getvalue() == "Hello\n"


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_demo_simulates_a_session_of_each_dialect(dialect: str) -> None:
    result = invoke("demo", "--seed", "3", "--dialect", dialect, "--turns", "2")
    assert result.exit_code == 0
    assert result.stdout.startswith("A simulated session.")


def test_the_same_seed_gives_the_same_page_and_another_seed_another() -> None:
    pages = [invoke("demo", "--seed", seed).stdout for seed in ("3", "3", "4")]
    assert pages[0] == pages[1] != pages[2]


def test_a_saved_session_is_timed_and_replays_to_the_same_page(saved: Path) -> None:
    first = json.loads(saved.read_text("utf-8").splitlines()[0])
    assert list(first) == ["at", "event"]
    assert invoke("replay", str(saved)).stdout == invoke("demo").stdout.partition("\n\n")[2]


def test_demo_names_the_saved_file_and_one_that_cannot_be_written(tmp_path: Path) -> None:
    file = tmp_path / "session.jsonl"
    assert str(file) in invoke("demo", "--save", str(file)).stdout.replace("\n", "")
    missing = tmp_path / "nowhere" / "session.jsonl"
    result = invoke("demo", "--save", str(missing))
    assert result.exit_code == 2
    assert result.stderr == f"Error: {missing} cannot be written: No such file or directory\n"


def test_json_is_the_document_on_one_line(recording: Path) -> None:
    result = invoke("replay", str(recording), "--json")
    with recording.open("rb") as lines:
        assert json.loads(result.stdout) == rtstate.replay(lines).snapshot().to_dict()
    assert result.stdout.count("\n") == 1


def test_pretty_is_the_same_document_with_indentation(saved: Path) -> None:
    pretty = invoke("replay", str(saved), "--pretty").stdout
    assert json.loads(pretty) == json.loads(invoke("replay", str(saved), "--json").stdout)
    assert pretty.startswith('{\n  "format": "rtstate/1",\n')
    assert invoke("replay", str(saved), "--json", "--pretty").stdout == pretty


def test_the_document_is_utf8_and_the_page_prints_what_it_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    line = HELLO.replace('"user"', '"user", "content": [{"type": "input_text", "text": "你好"}]')
    document = run("replay", "-", "--json", stdin=line)
    assert "你好" in document.stdout.decode()
    page = run("replay", "-", stdin=line)
    assert (page.returncode, page.stderr) == (0, b"")
    assert b"user        ??  (in progress)\n" in page.stdout


def test_dialect_decides_what_a_null_anchor_means() -> None:
    first, second = (
        HELLO.replace("item_1", name).replace('"item"', '"previous_item_id": null, "item"', 1)
        for name in ("item_1", "item_2")
    )
    orders = {
        dialect: json.loads(
            invoke("replay", "-", "--json", "--dialect", dialect, stdin=f"{first}\n{second}").stdout
        )["order"]
        for dialect in ("openai", "xai")
    }
    assert orders == {"openai": ["item_2", "item_1"], "xai": ["item_1", "item_2"]}


def test_standard_input_is_read(saved: Path) -> None:
    piped = run("replay", "-", stdin=saved.read_bytes())
    assert (piped.returncode, piped.stderr) == (0, b"")
    assert piped.stdout == run("replay", str(saved)).stdout


def test_bad_lines_are_named_and_skipped() -> None:
    result = run("replay", "-", "--json", stdin=f'{HELLO}\nnot json\n\n{{"type": "response.done"}}\n')
    assert result.returncode == 0
    assert result.stderr.decode().splitlines() == [
        "line 2: not JSON: expected ident (column 2)",
        "line 4: response.done: response: Field required",
    ]
    assert json.loads(result.stdout)["order"] == ["item_1"]


def test_strict_stops_at_the_first_bad_line() -> None:
    result = run("replay", "-", "--strict", stdin=f"{HELLO}\n\nnot json\nnor this\n")
    assert (result.returncode, result.stdout) == (1, b"")
    assert result.stderr.decode() == "Error: line 3: not JSON: expected ident (column 2)\n"


def test_strict_is_content_with_a_good_recording(saved: Path) -> None:
    assert invoke("replay", str(saved), "--strict").exit_code == 0


@pytest.mark.parametrize(("kind", "why"), [("missing", "No such file"), ("folder", "Is a directory")])
def test_what_cannot_be_opened_is_one_sentence(tmp_path: Path, kind: str, why: str) -> None:
    path = tmp_path if kind == "folder" else tmp_path / "missing.jsonl"
    result = run("replay", str(path))
    assert (result.returncode, result.stdout) == (2, b"")
    assert result.stderr.decode().startswith(f"Error: {path} cannot be read: {why}")
    assert result.stderr.count(b"\n") == 1


def test_misuse_exits_with_2() -> None:
    for words in (["replay"], ["replay", "-", "--dialect", "klingon"], ["demo", "--turns", "0"], ["sing"]):
        assert run(*words).returncode == 2


def test_version_and_help() -> None:
    assert run("--version").stdout.decode() == f"rtstate {rtstate.__version__}\n"
    shown = run("--help")
    assert shown.returncode == 0
    assert b"rtstate replay session.jsonl --json" in shown.stdout
    for command in ("replay", "demo"):
        assert run(command, "-h").returncode == 0


def test_a_broken_pipe_ends_quietly(tmp_path: Path) -> None:
    file = tmp_path / "long.jsonl"
    events = simulate.long_conversation(items=1000)
    file.write_text("".join(json.dumps(event) + "\n" for event in events))
    for words in (["replay", str(file)], ["replay", str(file), "--json"]):
        with subprocess.Popen([*RTSTATE, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(20)
            process.stdout.close()
            assert process.stderr.read() == b""


@pytest.mark.skipif(os.name == "nt", reason="signals are those of POSIX")
def test_an_interrupt_exits_with_130_quietly() -> None:
    with interruptible():
        process = subprocess.Popen(
            [*RTSTATE, "replay", "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
    with process:
        assert process.stdin is not None
        assert process.stderr is not None
        process.stdin.write(b"not json\n" * 2)
        process.stdin.flush()
        process.stderr.readline()  # it is reading now
        time.sleep(0.1)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert b"Traceback" not in told
    assert b"Aborted" not in told


@pytest.mark.parametrize("missing", ["click", "rich"])
def test_without_the_extra_one_sentence_says_how_to_get_it(missing: str) -> None:
    program = f"import sys; sys.modules[{missing!r}] = None; from rtstate.cli import main; sys.exit(main())"
    result = subprocess.run(
        [sys.executable, "-c", program, "demo"], capture_output=True, check=False, timeout=60
    )
    assert (result.returncode, result.stdout) == (2, b"")
    told = result.stderr.decode()
    assert told.count("\n") == 1
    assert "pip install 'rtstate[cli]'" in told


def test_a_missing_module_of_ours_is_not_mistaken_for_the_extra() -> None:
    program = "import sys; sys.modules['rtstate.simulate'] = None; from rtstate.cli import main; main()"
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False, timeout=60)
    assert b"ModuleNotFoundError" in result.stderr


def test_the_core_does_without_the_command_line() -> None:
    program = (
        "import sys, rtstate; sys.exit(any(name in sys.modules for name in ('click', 'rich', 'rtstate.cli')))"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=60).returncode == 0


@pytest.mark.parametrize("words", [("demo",), ("demo", "--help"), ("--version",), ("replay", "-", "--json")])
def test_a_full_disk_is_told_in_one_sentence(words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("wb") as full:
        told = subprocess.run(
            [sys.executable, "-m", "rtstate", *words],
            input=b'{"type": "ping"}\n',
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert told.stderr == b"Error: standard output cannot be written: No space left on device\n"
    assert told.returncode == 1
