"""``rtstate fake-server``, held a call with."""

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.sync.client import connect

from rtstate.simulate.live import Call
from tests.cli.support import interruptible, invoke


@pytest.mark.parametrize("dialect", ["ga", "beta"])
def test_it_holds_a_call_with_itself(dialect: str) -> None:
    shown = invoke(
        "fake-server", "--port", "0", "--talk", "--speed", "10", "--dialect", dialect, "--key", "k"
    )
    assert shown.exit_code == 0, shown.output
    first, opened, closed, last = shown.output.splitlines()
    assert re.fullmatch(r"Listening on ws://127\.0\.0\.1:\d+/v1/realtime", first)
    assert opened == f"Call 1: {dialect}, /v1/realtime"
    assert re.fullmatch(r"Call 1: ended after \d+\.\d s, \d+ events received, \d+ sent", closed)
    assert last == "The call is over: 4 answers, 1 tool call, 1 interruption."


def test_it_serves_until_it_is_interrupted(tmp_path: Path) -> None:
    recording = tmp_path / "call.jsonl"
    recording.write_text('{"type": "session.created", "session": {"id": "of the recording"}}\n')
    command = [
        sys.executable,
        "-u",
        "-m",
        "rtstate",
        "fake-server",
        "--port",
        "0",
        "--recording",
        str(recording),
    ]
    with (
        interruptible(),
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as server,
    ):
        assert server.stdout is not None
        url = server.stdout.readline().removeprefix("Listening on ").strip()
        with connect(url, proxy=None) as client:
            assert "of the recording" in str(client.recv(timeout=30))
            assert server.stdout.readline() == "Call 1: ga, /v1/realtime\n"
        os.kill(server.pid, signal.SIGINT)
        _, errors = server.communicate(timeout=30)
    assert server.returncode == 130
    assert errors.strip() == ""


def test_what_cannot_be_served_is_said_in_a_sentence(tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.jsonl"
    damaged.write_text('{"type": "session.created"}\n{"ty')
    refused = invoke("fake-server", "--port", "0", "--recording", str(damaged))
    assert (refused.exit_code, refused.output) == (
        1,
        f"Error: {damaged}: line 2: The event could not be parsed as JSON.\n",
    )
    missing = invoke("fake-server", "--port", "0", "--recording", str(tmp_path / "none"))
    assert missing.exit_code != 0
    assert "cannot be read" in missing.output
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = invoke("fake-server", "--port", str(port))
    assert refused.exit_code == 2
    assert f"cannot listen on 127.0.0.1, port {port}" in refused.output
    assert "try another --port" in refused.output
    assert invoke("fake-server", "--talk", "--speed", "0").exit_code == 2
    assert invoke("fake-server", "--expire-after", "0").exit_code == 2
    assert invoke("fake-server", "--expire-after", "5", "--speed", "0").exit_code == 2


def test_a_call_that_breaks_off_is_refused() -> None:
    shown = invoke("fake-server", "--port", "0", "--talk", "--speed", "10", "--expire-after", "4")
    assert shown.exit_code == 1
    assert shown.output.splitlines()[-1] == "Error: the server hung up before the end of the call"


def test_a_call_knows_its_events() -> None:
    call = Call(1, "ga", "/", [(0.5, {"type": "a"})])
    assert call.events == [{"type": "a"}]
    assert call.lines() == ['{"at": 0.5, "event": {"type": "a"}}']
