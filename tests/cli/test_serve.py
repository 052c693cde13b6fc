"""``rtstate serve`` as its user runs it."""

import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.cli.support import interruptible, invoke

EVENT = {"type": "input_audio_buffer.committed", "item_id": "item_1"}


@contextmanager
def running(*words: str) -> Generator[tuple["subprocess.Popen[str]", str]]:
    command = [sys.executable, "-m", "rtstate", "serve", "--port", "0", *words]
    with interruptible(), subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = process.stderr.readline()
            match = re.search(r"http://\S+:\d+", line)
            assert match, line + process.stderr.read()
            yield process, match[0]
        finally:
            if process.poll() is None:
                process.kill()


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_it_serves_until_a_signal_and_keeps_what_it_was_fed(tmp_path: Path, sent: signal.Signals) -> None:
    url = f"sqlite:///{tmp_path}/calls.db"
    with running("--log", url) as (process, address):
        assert httpx.get(address).status_code == 200
        assert httpx.post(f"{address}/conversations/call/events", json=EVENT).json()["revision"] == 1
        with httpx.stream("GET", f"{address}/conversations/call/changes") as response:
            lines = response.iter_lines()
            assert next(lines) == "event: snapshot"
            process.send_signal(sent)
            assert not [line for line in lines if "gone" in line]  # it ends, and was not deleted
        assert process.wait(20) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""
    listed = invoke("ls", "--log", url, "--json").stdout
    assert '"last": 1' in listed
    assert '"checkpoint": 1' in listed
    assert '"holder": null' in listed


def test_other_machines_need_a_token() -> None:
    result = invoke("serve", "--host", "0.0.0.0", "--port", "0")
    assert result.exit_code == 2
    assert "it needs a token: --token, or RTSTATE_TOKEN" in result.stderr
    with running("--host", "0.0.0.0", "--token", "secret") as (_, address):
        port = address.rpartition(":")[2]
        assert httpx.get(f"http://127.0.0.1:{port}/conversations").status_code == 401
        headers = {"Authorization": "Bearer secret"}
        assert httpx.get(f"http://127.0.0.1:{port}/conversations", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("option", "value", "told"),
    [
        ("--allow-origin", "https://desk.example/app", "write it as https://desk.example or"),
        ("--allow-origin", "*", "name each site, as https://desk.example"),
        ("--allow-host", "https://desk.example", "write it as desk.example or"),
        ("--allow-host", "desk.example:8700", "leave out its port"),
    ],
)
def test_what_would_let_nobody_in_is_refused_before_anything_begins(
    tmp_path: Path, option: str, value: str, told: str
) -> None:
    result = invoke("serve", "--port", "0", "--log", f"sqlite:///{tmp_path}/calls.db", option, value)
    assert (result.exit_code, result.stdout, result.stderr.count("\n")) == (2, "", 1)
    assert result.stderr.startswith(f"Error: {option}: '{value}' is no ")
    assert told in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_an_address_to_listen_at_that_nobody_asks_for_is_no_name() -> None:
    result = invoke("serve", "--host", "no host", "--token", "secret", "--port", "0")
    assert result.exit_code == 2
    assert "no host port 0 cannot be listened at" in result.stderr


def test_a_port_that_is_taken_is_said() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        result = invoke("serve", "--port", port)
    assert result.exit_code == 2
    assert f"port {port} cannot be listened at" in result.stderr
    assert "Traceback" not in result.stderr
