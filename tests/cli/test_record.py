"""Recording into a log, and importing: what comes is kept, whatever it is and however it ends."""

import asyncio
import json
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event as Flag

import pytest
from click.testing import CliRunner

from rtstate.cli._commands import commands
from rtstate.cli._record import _Event, _Reading
from rtstate.logs import open_log
from tests.cli.support import added, interruptible, invoke, listed, recorded, said, saved_example, wait_for


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/calls.db"


async def some_of(count: int) -> tuple[list[_Event], int]:
    """Read events that come while the loop is busy, and count how often it was woken."""
    loop, woken, read = asyncio.get_running_loop(), 0, Flag()
    wake = loop.call_soon_threadsafe

    def counted(*args: object) -> object:
        nonlocal woken
        woken += 1
        return wake(*args)  # type: ignore[arg-type]

    def events() -> Iterator[_Event]:
        yield from ((number, {"type": "ping"}, None) for number in range(count))
        read.set()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loop, "call_soon_threadsafe", counted)
        reading = _Reading(events())
        read.wait(10)
        taken: list[_Event] = []
        while some := await reading.some():
            taken += some
    return taken, woken


def test_events_that_come_at_once_wake_the_loop_once() -> None:
    """A signal goes the same way, and is lost where some 280 calls have not been taken."""
    taken, woken = asyncio.run(some_of(2000))
    assert [number for number, _, _ in taken] == [*range(2000)]
    assert woken < 5


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["interrupt", "terminate"])
@pytest.mark.parametrize("ends", ["at once", "never", "twice"])
def test_what_is_on_its_way_when_a_recording_is_ended_is_kept(
    url: str, how: signal.Signals, ends: str
) -> None:
    """Ctrl-C ends the client of a pipe too, or does not; what that wrote last is what one records for."""
    command = [sys.executable, "-m", "rtstate", "record", "live", "--log", url]
    with (
        interruptible(),
        subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as recording,
    ):
        assert recording.stdin is not None
        assert recording.stdout is not None
        recording.stdin.write(recorded(added("item_1")).encode())
        recording.stdin.flush()
        wait_for(lambda: Path(url[10:]).exists() and listed(url) != [])
        recording.stdin.write(recorded(*[said("item_1", str(number)) for number in range(500)]).encode())
        recording.stdin.flush()
        recording.send_signal(how)
        if ends == "at once":
            recording.stdin.close()
        elif ends == "twice":
            time.sleep(0.5)
            recording.send_signal(how)
        assert recording.wait(20) == (0 if ends != "twice" else 130 if how == signal.SIGINT else -how)
        if ends != "twice":
            assert b"Recorded 501 events as live" in recording.stdout.read()
            assert (listed(url)[0]["last"], listed(url)[0]["holder"]) == (501, None)


def test_a_name_may_hold_what_stands_before_names(url: str, tmp_path: Path) -> None:
    assert invoke("record", "ticket #5", "--log", url, stdin=recorded(added("item_1"))).exit_code == 0
    exported = invoke("export", "ticket #5", "--log", url)
    assert json.loads(exported.stdout)["event"] == added("item_1")
    assert invoke("transcript", f"{url}#ticket #5").exit_code == 0
    assert invoke("import", f"{url}#ticket #5", "--log", f"{url}2").stdout == "ticket #5: 1 event\n"


@pytest.mark.parametrize("odd", [b"\xff\xfe{}", b'{"type": "ping", "a": "\xe9"}', "Grüße".encode("latin1")])
def test_a_line_that_is_no_text_ends_no_recording(url: str, odd: bytes) -> None:
    """It may not come again, so it is kept as it came."""
    lines = [b'{"type": "ping"}', odd, b'{"type": "ping", "b": 1}']
    told = CliRunner().invoke(commands, ["record", "call", "--log", url], input=b"\r\n".join(lines))
    assert (told.exit_code, told.stderr.partition(":")[0]) == (0, "line 2")
    assert "Recorded 3 events" in told.stdout

    async def kept() -> list[bytes]:
        async with open_log(url) as log:
            return [entry.raw async for entry in log.read("call")]

    assert asyncio.run(kept()) == lines


@pytest.mark.parametrize("wrapped", ['{"at":2.50, "event" :%s}', ' { "event": %s, "at": 2.5 } '])
def test_an_event_is_kept_as_it_stands_in_its_line(url: str, tmp_path: Path, wrapped: str) -> None:
    event = '{"type"\t:"ping" , "numbers":[1e2,1.0,NaN],"a":"\\u00e9\\/é"}'
    line = wrapped.replace("%s", event)
    (tmp_path / "call.jsonl").write_text(line, encoding="utf-8")
    assert invoke("record", "live", "--log", url, stdin=line).exit_code == 0
    assert invoke("import", str(tmp_path / "call.jsonl"), "--log", url).exit_code == 0

    async def kept(name: str) -> list[tuple[bytes, float | None]]:
        async with open_log(url) as log:
            return [(entry.raw, entry.at) async for entry in log.read(name)]

    assert asyncio.run(kept("live")) == asyncio.run(kept("call")) == [(event.encode(), 2.5)]


def test_an_import_that_fails_leaves_nothing_behind(url: str, tmp_path: Path) -> None:
    file = tmp_path / "call.jsonl"
    whole = recorded(*[added(f"item_{number}") for number in range(2000)]).encode()
    file.write_bytes(whole + b"\xff\xff\n" + whole)
    failed = invoke("import", str(file), "--log", url)
    assert failed.exit_code == 2
    assert "is not UTF-8 text (line 2,001)" in failed.stderr
    assert listed(url) == []
    file.write_bytes(whole)
    assert invoke("import", str(file), "--log", url).stdout == "call: 2,000 events\n"


def test_a_file_without_events_is_not_imported(url: str, tmp_path: Path) -> None:
    call = saved_example(tmp_path)
    assert invoke("import", str(call), "--log", url).exit_code == 0
    empty = tmp_path / "empty.jsonl"
    empty.write_text("\n \n")
    told = invoke("import", str(empty), str(call), "--log", url)
    assert (told.exit_code, told.stdout) == (1, "")
    assert told.stderr == (
        f"Error: left alone, for they are there already: call; there are no events in: {empty}\n"
    )
