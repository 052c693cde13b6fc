"""The commands over a log, on a real file."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import Result

from rtstate import Conversation, replay
from rtstate.logs import Checkpoint, Record, open_log
from tests.cli.support import added, interruptible, invoke, listed, recorded, said, saved_example, wait_for


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/calls.db"


@pytest.fixture
def call(tmp_path: Path, url: str) -> Path:
    file = saved_example(tmp_path)
    assert invoke("import", str(file), "--log", url).output == "call: 672 events\n"
    return file


def test_what_was_imported_is_exported_byte_by_byte(call: Path, url: str, tmp_path: Path) -> None:
    out = tmp_path / "out.jsonl"
    assert invoke("export", "call", "--log", url, "-o", str(out)).exit_code == 0
    assert out.read_bytes() == call.read_bytes()
    assert invoke("export", "call", "--log", url).stdout_bytes == call.read_bytes()
    assert invoke("export", str(call), "--format", "events").stdout_bytes == call.read_bytes()


def test_other_forms_are_exported_from_a_log_too(call: Path, url: str) -> None:
    of_log = invoke("export", "call", "--log", url, "--format", "chat")
    of_file = invoke("export", str(call), "--format", "chat")
    assert of_log.stdout == of_file.stdout
    assert of_log.exit_code == 0


def test_lines_of_any_kind_come_back_as_they_were(url: str, tmp_path: Path) -> None:
    lines = [
        '{"type": "ping",  "spaced" : 1}',
        "not JSON",
        '[1, "a list"]',
        '{"at": 3, "event": {"type": "ping", "ü": "🎧"}}',
        '{"at":4.5,"event":{"type":"ping"}}',
        '{"at": 5, "event": {"type": "ping"}, "more": 1}',
        '{"event": {"type": "ping"}, "at": 6}',
    ]
    file = tmp_path / "odd.jsonl"
    file.write_text("".join(f"{line}\n\n" for line in lines), "utf-8")
    result = invoke("import", str(file), "--log", url, "--name", "odd")
    assert result.exit_code == 0
    assert [line.partition(":")[0] for line in result.stderr.splitlines()] == ["line 3", "line 5"]
    assert invoke("export", "odd", "--log", url).stdout.splitlines() == [
        *lines[:3],
        '{"at": 3.0, "event": {"type": "ping", "ü": "🎧"}}',
        '{"at": 4.5, "event": {"type":"ping"}}',
        '{"at": 5.0, "event": {"type": "ping"}}',
        '{"at": 6.0, "event": {"type": "ping"}}',
    ]


def test_every_command_takes_a_conversation_of_a_log_where_it_takes_a_file(call: Path, url: str) -> None:
    for words in (("replay",), ("replay", "--at", "12s"), ("transcript",), ("usage",), ("log", "--changes")):
        of_file = invoke(words[0], str(call), *words[1:])
        assert invoke(words[0], f"{url}#call", *words[1:]).output == of_file.output
        assert of_file.exit_code == 0


def test_showing_a_conversation_is_as_replaying_it(call: Path, url: str) -> None:
    assert invoke("show", "call", "--log", url).output == invoke("replay", str(call)).output
    document = invoke("show", "call", "--log", url, "--json").stdout
    with call.open() as lines:
        assert json.loads(document) == replay(lines).snapshot().to_dict()
    assert json.loads(invoke("show", "call", "--log", url, "--pretty").stdout) == json.loads(document)


def test_a_recording_is_never_imported_over_another(call: Path, url: str, tmp_path: Path) -> None:
    result = invoke("import", str(call), "--log", url)
    assert (result.exit_code, result.stderr) == (1, "Error: left alone, for they are there already: call\n")
    assert [each["last"] for each in listed(url)] == [672]
    again = invoke("import", str(call), str(tmp_path / "call.jsonl"), "--log", url)
    assert again.exit_code == 2
    assert "have the same name" in again.stderr
    assert invoke("import", str(call), str(call), "--name", "x", "--log", url).exit_code == 2


def test_listing_tells_how_much_there_is(call: Path, url: str) -> None:
    recorded_too = invoke(
        "record", "short", "--log", url, stdin=recorded(added("item_1"), said("item_1", "Hi"))
    )
    assert recorded_too.stdout.startswith(
        "Recorded 2 events as short. Now: rtstate show short --log sqlite:///"
    )
    table = invoke("ls", "--log", url).stdout.splitlines()
    assert table[0].split() == ["conversation", "events", "size", "updated", "checkpoint", "writer"]
    assert [line.split()[:2] for line in table[1:]] == [["call", "672"], ["short", "2"]]
    names = [each["name"] for each in listed(url)]
    assert names == ["call", "short"]


def test_recording_goes_on_where_it_was(url: str) -> None:
    first = invoke("record", "call", "--log", url, stdin=recorded(added("item_1"), every=1))
    second = invoke("record", "call", "--log", url, stdin=recorded(said("item_1", "Hi")) + "{\n")
    assert (first.exit_code, second.exit_code) == (0, 0)
    assert second.stderr.startswith("line 2: ")
    events = invoke("export", "call", "--log", url).stdout.splitlines()
    assert json.loads(events[0])["at"] == 50.0
    assert events[2] == "{"


def test_events_without_a_time_get_one_unless_that_is_not_wanted(url: str) -> None:
    before = time.time()
    invoke("record", "timed", "--log", url, stdin=recorded(added("item_1")))
    [line] = invoke("export", "timed", "--log", url).stdout.splitlines()
    assert before <= json.loads(line)["at"] <= time.time()
    invoke("record", "plain", "--log", url, "--no-times", stdin=recorded(added("item_1")))
    assert invoke("export", "plain", "--log", url).stdout == recorded(added("item_1"))


def test_recording_nothing_says_so(url: str) -> None:
    result = invoke("record", "--log", url, stdin="\n\n")
    assert (result.exit_code, result.stderr) == (1, "Error: no event came, so nothing was recorded\n")
    assert listed(url) == []
    unnamed = invoke("record", "--log", url, stdin=recorded(added("item_1")))
    assert "as call-2" in unnamed.stdout


def test_the_end_of_a_conversation_is_shown_with_what_it_changed(call: Path, url: str) -> None:
    shown = invoke("tail", "call", "--log", url, "--no-follow", "-n", "4").stdout.splitlines()
    whole = invoke("log", str(call), "--all").stdout.splitlines()
    assert [line.split()[3:] for line in shown[-2:]] == [line.split()[3:] for line in whole[-2:]]
    as_json = invoke("tail", "call", "--log", url, "--no-follow", "-n", "3", "--json").stdout
    assert as_json.splitlines() == call.read_text().splitlines()[-3:]
    everything = invoke("tail", "call", "--log", url, "--no-follow", "-n", "9999", "--json").stdout
    assert everything == call.read_text()


def test_compacting_keeps_the_state_and_drops_the_events(call: Path, url: str) -> None:
    page = invoke("show", "call", "--log", url).stdout
    refused = invoke("compact", "--log", url, stdin="n\n")
    assert refused.exit_code != 0
    assert listed(url)[0]["first"] == 1
    result = invoke("compact", "--log", url, "--yes")
    assert result.stdout.splitlines()[0] == "Compacted 1 conversation: 672 events dropped."
    assert "The file is smaller by" in result.stdout
    assert invoke("show", "call", "--log", url).stdout == page
    assert "672 (0 kept)" in invoke("ls", "--log", url).stdout
    invoke("record", "call", "--log", url, stdin=recorded(said("item_new", "Hi")))
    assert "Hi" in invoke("show", "call", "--log", url).stdout
    assert "resp.output_text.delta" not in invoke("tail", "call", "--log", url, "--no-follow").stderr
    gone = invoke("replay", f"{url}#call")
    assert gone.exit_code == 1
    assert "was trimmed: the events before 673 are gone; rtstate show has what they came to" in gone.stderr


def test_deleting_asks_first_and_names_what_was_not_there(call: Path, url: str) -> None:
    assert invoke("delete", "call", "--log", url, stdin="n\n").exit_code != 0
    assert len(listed(url)) == 1
    result = invoke("delete", "nobody", "call", "--log", url, "--yes")
    assert result.exit_code == 1
    assert result.stdout == "Deleted call.\n"
    assert result.stderr == "Error: there is no conversation 'nobody'\n"
    assert listed(url) == []


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (("ls", "--log", "sqlite:///nowhere.db"), 2, "there is no log nowhere.db"),
        (("ls", "--log", "postgres://u:secret@host/db"), 2, "names no log; a log is sqlite:///calls.db"),
        (("ls",), 2, "Missing option '--log'"),
        (("ls", "--log", "redis://127.0.0.1:1/0"), 2, "127.0.0.1:1"),
        (("show", "nobody", "--log", "{url}"), 1, "there is no conversation 'nobody'; rtstate ls shows"),
        (("tail", "nobody", "--log", "{url}"), 1, "there is no conversation 'nobody'"),
        (("export", "nobody", "--log", "{url}"), 1, "there is no conversation 'nobody'"),
        (("replay", "{url}#nobody"), 1, "there is no conversation 'nobody'"),
        (("compact", "nobody", "--log", "{url}", "--yes"), 1, "there is no conversation 'nobody'"),
        (("show", "a\nb", "--log", "{url}"), 2, "a name is 1 to 255 printable characters"),
        (("record", "a\nb", "--log", "{url}"), 2, "a name is 1 to 255 printable characters"),
        (("export", "session.jsonl"), 2, "Missing option '--format'"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_sentence(
    words: tuple[str, ...], code: int, told: str, call: Path, url: str
) -> None:
    result = invoke(*(word.replace("{url}", url) for word in words))
    assert result.exit_code == code, result.output
    assert told in result.stderr
    assert "secret" not in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_the_log_may_be_named_by_the_environment(
    call: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RTSTATE_LOG", url)
    assert invoke("ls").stdout.splitlines()[1].startswith("call")


def test_an_empty_log_says_how_to_fill_it(url: str) -> None:
    invoke("record", "x", "--log", url, stdin="")
    result: Result = invoke("ls", "--log", url)
    assert (result.exit_code, result.stdout) == (0, "")
    assert "rtstate record and rtstate import bring some" in result.stderr


def test_one_process_records_and_others_follow(url: str) -> None:
    """And whoever wants to write, delete or compact it meanwhile is told who does."""
    command = [sys.executable, "-m", "rtstate"]
    recording = subprocess.Popen([*command, "record", "live", "--log", url], stdin=subprocess.PIPE, text=True)
    assert recording.stdin is not None
    try:
        recording.stdin.write(recorded(added("item_1")))
        recording.stdin.flush()
        wait_for(lambda: Path(url[10:]).exists() and listed(url) != [])
        with interruptible():
            tailing = subprocess.Popen(
                [*command, "tail", "live", "--log", url, "--json"], stdout=subprocess.PIPE, text=True
            )
        assert tailing.stdout is not None
        for number in range(5):
            recording.stdin.write(recorded(said("item_2", str(number))))
            recording.stdin.flush()
        seen = [json.loads(tailing.stdout.readline())["event"]["type"] for _ in range(6)]
        assert seen == ["conversation.item.added"] + ["response.output_text.delta"] * 5
        holder = f"process {recording.pid} on "
        second = subprocess.run(
            [*command, "record", "live", "--log", url],
            input=recorded(added("item_2")),
            capture_output=True,
            text=True,
            check=False,
        )
        assert second.returncode == 1
        assert second.stderr.count("\n") == 1
        assert holder in second.stderr
        assert holder in invoke("delete", "live", "--log", url, "--yes").stderr
        compacted = invoke("compact", "--log", url, "--yes")
        assert holder in compacted.stderr
        assert "Compacted 0 conversations" in compacted.stdout
        tailing.send_signal(signal.SIGINT)
        assert tailing.wait(20) == 130
        tailing.stdout.close()
    finally:
        recording.stdin.close()
        assert recording.wait(20) == 0
    assert "01234" in invoke("show", "live", "--log", url).stdout


def test_a_writer_that_is_refused_does_not_wait_for_its_input(url: str) -> None:
    """Its standard input stays open, as that of a pipe from a client does."""
    environment = {**os.environ, "PYTHONFAULTHANDLER": "1"}
    command = [sys.executable, "-m", "rtstate", "record", "live", "--log", url]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with interruptible():
        first, second = (subprocess.Popen(command, text=True, env=environment, **pipes) for _ in range(2))  # type: ignore[call-overload]
    first.stdin.write(recorded(added("item_1")))
    first.stdin.flush()
    wait_for(lambda: Path(url[10:]).exists() and listed(url) != [])
    second.stdin.write(recorded(added("item_2")))
    second.stdin.flush()
    assert second.wait(20) == 1
    assert "is written by" in second.stderr.read()
    first.send_signal(signal.SIGINT)
    assert first.wait(20) == 0
    assert "Recorded 1 event as live" in first.stdout.read()
    for each in (first, second):
        for stream in (each.stdin, each.stdout, each.stderr):
            stream.close()


def test_a_conversation_may_be_shown_from_its_checkpoint_alone(call: Path, url: str) -> None:
    invoke("compact", "--log", url, "--yes")
    with call.open() as lines:
        conversation: Conversation = replay(lines)
    assert (
        json.loads(invoke("show", "call", "--log", url, "--json").stdout) == conversation.snapshot().to_dict()
    )


def newer_checkpoint(url: str, *, trim: bool = False) -> None:
    """A conversation of three events, whose checkpoint a later version wrote."""

    async def write() -> None:
        async with open_log(url, create=True) as log:
            await log.append("newer", [Record.of(added(f"item_{n}")) for n in range(3)], expected=0)
            await log.checkpoint("newer", Checkpoint(3, b"rtstate-checkpoint/9\n"))
            if trim:
                await log.trim("newer")

    asyncio.run(write())


def test_a_checkpoint_that_cannot_be_read_is_passed_over_while_all_events_are_there(
    url: str, caplog: pytest.LogCaptureFixture
) -> None:
    newer_checkpoint(url)
    tailed = invoke("tail", "newer", "--log", url, "-n", "0", "--no-follow")
    assert tailed.exit_code == 0
    assert "cannot be read; reading all its events: a checkpoint of version 9" in caplog.text


def test_a_checkpoint_that_cannot_be_read_of_what_was_trimmed_is_said(url: str) -> None:
    newer_checkpoint(url, trim=True)
    tailed = invoke("tail", "newer", "--log", url, "-n", "0", "--no-follow")
    assert tailed.exit_code == 1
    assert "the checkpoint of 'newer' cannot be read, and the events before" in tailed.stderr
    assert "Traceback" not in tailed.output


def test_what_is_damaged_holds_up_neither_compacting_nor_deleting(call: Path, url: str) -> None:
    newer_checkpoint(url, trim=True)
    compacted = invoke("compact", "--log", url, "--yes")
    assert (compacted.exit_code, compacted.stdout[:26]) == (1, "Compacted 1 conversation: ")
    assert "the checkpoint of 'newer' cannot be read" in compacted.stderr
    deleted = invoke("delete", "newer", "call", "--log", url, "--yes")
    assert (deleted.exit_code, deleted.stdout) == (0, "Deleted newer.\nDeleted call.\n")


@pytest.mark.parametrize("wanted", [0, 1, 2, 3, 1000])
def test_a_compacted_conversation_that_goes_on_is_shown_from_there(call: Path, url: str, wanted: int) -> None:
    invoke("compact", "--log", url, "--yes")
    known = "rtstate: compacted: what events changed is known after 672 only"

    def tailed(*words: str) -> Result:
        told = invoke("tail", "call", "--log", url, "--no-follow", "-n", str(wanted), *words)
        assert told.exit_code == 0
        return told

    assert tailed().stdout == ""
    assert tailed().stderr == (f"{known}\n" if wanted else "")

    async def go_on() -> None:
        async with open_log(url) as log:
            await log.append(
                "call", [Record.of(added("later")), Record.of(said("later", "Hi"))], expected=672
            )

    asyncio.run(go_on())
    numbers = [line.split()[0] for line in tailed().stdout.splitlines()[1:] if "!" not in line]
    assert numbers == ["673", "674"][2 - min(wanted, 2) :]
    assert tailed().stderr == (f"{known}; --json prints those from 673 on\n" if wanted > 2 else "")
    assert len(tailed("--json").stdout.splitlines()) == min(wanted, 2)
