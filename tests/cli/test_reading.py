import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rtstate import Conversation, simulate
from rtstate.cli._reading import Refused, Unusable, lines, replay

pty = pytest.importorskip("pty", reason="there are no pseudo-terminals here")

PING = b'{"type": "ping"}\n'


def write(folder: Path, data: bytes) -> str:
    file = folder / "session.jsonl"
    file.write_bytes(data)
    return str(file)


def test_lines_come_as_they_are(tmp_path: Path) -> None:
    name = write(tmp_path, b'{"a": 1}\n\n{"b": "\xc3\xa9"}\r\nlast')
    assert list(lines(name)) == ['{"a": 1}\n', "\n", '{"b": "é"}\r\n', "last"]


def test_a_file_is_read_as_its_lines_are_asked_for(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    descriptor = os.open(pipe, os.O_RDWR)
    try:
        os.write(descriptor, PING)
        assert next(lines(str(pipe))) == PING.decode()
    finally:
        os.close(descriptor)


def test_a_byte_order_mark_is_passed_over(tmp_path: Path) -> None:
    conversation = Conversation(strict=True)
    replay(write(tmp_path, b"\xef\xbb\xbf" + PING), conversation)
    assert conversation.stats.events == 1


def test_a_recording_with_windows_line_ends_is_read(tmp_path: Path) -> None:
    conversation = Conversation(strict=True)
    replay(write(tmp_path, PING.replace(b"\n", b"\r\n") * 2), conversation)
    assert conversation.stats.events == 2


@pytest.mark.parametrize("data", [PING + b"\xff\xfe\n", PING + b'{"text": "\xe9t\xe9"}\n'])
def test_what_is_not_utf8_is_refused_with_its_line(tmp_path: Path, data: bytes) -> None:
    name = write(tmp_path, data)
    with pytest.raises(Unusable) as refused:
        replay(name, Conversation())
    assert refused.value.message == f"{name} is not UTF-8 text (line 2)"
    assert refused.value.exit_code == 2


def test_a_recording_cut_off_within_a_character_keeps_its_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conversation = Conversation()
    replay(write(tmp_path, PING + b'{"text": "\xc3'), conversation)
    assert conversation.stats.noted == 1
    assert capsys.readouterr().err.startswith("line 2: not JSON: EOF while parsing a string")


def test_times_are_taken_from_the_lines_that_have_one(tmp_path: Path) -> None:
    conversation = Conversation()
    event = {"type": "input_audio_buffer.committed", "item_id": "item_1"}
    replay(write(tmp_path, json.dumps({"at": 2.5, "event": event}).encode()), conversation)
    assert [change.at for change in conversation.changes()] == [2.5]


def test_many_bad_lines_are_counted_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    replay(write(tmp_path, PING + b"bad\n" * 500), Conversation())
    told = capsys.readouterr().err.splitlines()
    assert len(told) == 21
    assert told[0].startswith("line 2: not JSON")
    assert told[-1] == "500 lines could not be read; the first 20 are above"


def test_a_file_without_any_event_is_refused(tmp_path: Path) -> None:
    name = write(tmp_path, b"a\nb\n")
    with pytest.raises(Refused, match="has no line that is an event; it takes one JSON event a line"):
        replay(name, Conversation())


def test_an_empty_file_is_an_empty_session(tmp_path: Path) -> None:
    conversation = Conversation()
    replay(write(tmp_path, b""), conversation)
    assert conversation.stats.events == 0


@contextmanager
def an_ordinary_user() -> Iterator[None]:
    """Root may read everything, so let it be nobody for a while."""
    is_root = os.geteuid() == 0
    if is_root:
        os.seteuid(65534)
    try:
        yield
    finally:
        if is_root:
            os.seteuid(0)


@pytest.mark.skipif(os.name == "nt", reason="permissions are those of POSIX")
def test_a_file_without_permission_is_one_sentence(tmp_path: Path) -> None:
    name = write(tmp_path, PING)
    Path(name).chmod(0)
    with an_ordinary_user(), pytest.raises(Unusable, match="cannot be read: Permission denied"):
        replay(name, Conversation())


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("recordings") / "large.jsonl"
    events = "".join(json.dumps(event) + "\n" for event in simulate.long_conversation(items=1000))
    file.write_text(events)
    assert file.stat().st_size > 1_000_000
    return file


def watched(*words: str) -> str:
    """Run with standard error on a terminal, and return what it showed."""
    terminal, other_end = pty.openpty()
    command = [sys.executable, "-m", "rtstate", *words]
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=other_end) as process:
        os.close(other_end)
        shown = b""
        try:
            while some := os.read(terminal, 4096):
                shown += some
        except OSError:  # how a terminal says that nobody holds its other end any more
            pass
        finally:
            os.close(terminal)
    assert process.returncode == 0
    return shown.decode()


def test_a_bar_is_shown_for_a_large_file_when_a_person_is_watching(large: Path) -> None:
    shown = watched("replay", str(large))
    assert "reading" in shown
    assert "MB" in shown


def test_no_bar_for_a_small_file(tmp_path: Path) -> None:
    assert watched("replay", write(tmp_path, PING)) == ""


def test_no_bar_where_nobody_is_watching(large: Path, capfd: pytest.CaptureFixture[str]) -> None:
    replay(str(large), Conversation())
    assert capfd.readouterr().err == ""
