"""``rtstate demo --live``: as somebody would run it who has just come."""

import os
import pty
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from rtstate.cli import _live
from tests.cli.support import interruptible, invoke

DEMO = [sys.executable, "-m", "rtstate", "demo"]


@contextmanager
def running(*options: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    with interruptible():
        demo = subprocess.Popen(
            [*DEMO, "--live", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
    with demo:
        try:
            assert demo.stdout is not None
            yield demo, demo.stdout.readline().split(" at ")[1].split()[0]
        finally:
            demo.kill()


def test_a_call_goes_on_until_it_is_interrupted() -> None:
    with running("--port", "0") as (demo, url):
        assert "<title>rtstate" in httpx.get(url).text
        end = time.monotonic() + 60
        call: dict[str, object] = {}
        while not call.get("order"):
            assert time.monotonic() < end
            time.sleep(0.2)
            for each in httpx.get(f"{url}conversations").json()["conversations"]:
                assert each["writing"]
                call = httpx.get(f"{url}conversations/{each['id']}").json()
        demo.send_signal(signal.SIGINT)
        _, errors = demo.communicate(timeout=30)
        assert errors == ""
        assert demo.returncode == 0


def test_a_port_that_is_taken_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = invoke("demo", "--live", "--port", str(port))
    assert refused.exit_code == 2
    assert f"port {port} cannot be listened at" in refused.stderr
    assert "--port 0 takes a free one" in refused.stderr


def test_what_is_missing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_live, "find_spec", lambda name: None if name == "starlette" else name)
    refused = invoke("demo", "--live")
    assert "a live call needs starlette: pip install 'rtstate[server]'" in refused.stderr


@pytest.mark.parametrize(("answer", "shown"), [(b"n\n", False), (b"\n", True)])
def test_who_sits_at_a_terminal_is_asked(answer: bytes, shown: bool) -> None:
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(sys.executable, [*DEMO, "--port", "0"])
    told = b""
    asked = stopped = False
    try:
        while chunk := read(terminal):
            told += chunk
            if b"in your browser?" in told and not asked:
                asked = True
                os.write(terminal, answer)
            if b"A simulated call goes on" in told and b"Ctrl-C ends it." in told and not stopped:
                stopped = True
                os.write(terminal, b"\x03")
    finally:
        _, status = os.waitpid(pid, 0)
        os.close(terminal)
    assert (b"A simulated call goes on" in told) == shown
    assert os.waitstatus_to_exitcode(status) == 0
    assert b"Traceback" not in told


def read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65_536)
    except OSError:  # it has ended
        return b""
