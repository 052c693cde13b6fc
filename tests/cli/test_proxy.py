"""``rtstate proxy`` as people start it: in a process of its own, with its page."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from websockets.sync.client import connect
from websockets.sync.server import Server, ServerConnection, serve

from tests.cli.support import interruptible, invoke, wait_for

KEY = "sk-proj-0123456789abcdef"


@contextmanager
def upstream() -> Generator[str]:
    """A server that echoes, in a thread of its own."""
    from threading import Thread

    def echo(connection: ServerConnection) -> None:
        for message in connection:
            connection.send(message)

    server: Server
    with serve(echo, "127.0.0.1", 0) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"ws://127.0.0.1:{server.socket.getsockname()[1]}/v1"
        finally:
            server.shutdown()
            thread.join()


@contextmanager
def running(*words: str) -> Generator[subprocess.Popen[str]]:
    command = [sys.executable, "-u", "-m", "rtstate", "proxy", *words]
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with interruptible():
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = process.stdout.readline()
    assert said, process.communicate()[1]
    return said


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_a_call_is_recorded_shown_and_finished(tmp_path: Path, stop: signal.Signals) -> None:
    log = f"sqlite:///{tmp_path}/calls.db"
    with (
        upstream() as url,
        running("--upstream", url, "--log", log, "--port", "0", "--inspector-port", "0") as it,
    ):
        said = line(it)
        assert said.endswith(f" go to {url}, kept in {log} (Ctrl-C ends it)\n")
        proxy = said.split()[2]
        page = line(it).split()[-1]
        headers = {"Authorization": f"Bearer {KEY}"}
        with connect(f"{proxy}/v1/realtime?model=m", additional_headers=headers, proxy=None) as client:
            name, _, rest = line(it).partition(" ")
            assert rest == "begins: /v1/realtime\n"
            client.send(json.dumps({"type": "ping", "key": KEY}))
            client.recv()
            with httpx.Client() as http:
                assert http.get(page).status_code == 200
                listed = f"{page}conversations"  # once something of it is kept
                wait_for(lambda: [each["id"] for each in http.get(listed).json()["conversations"]] == [name])
            it.send_signal(stop)  # while the call goes on
            with pytest.raises(Exception, match="1001"):
                client.recv()
        out, err = it.communicate(timeout=30)
        assert it.returncode == 0, err
        assert err == ""
        assert "Stopping: 1 call to end" in out
        assert f"{name} ends after " in out
        assert "events: 1 of the client, 1 of the server; closed by the proxy with 1001" in out
        assert KEY not in out + said
    tail = invoke("tail", name, "--log", log, "--no-follow", "--json").stdout
    assert [json.loads(each)["event"] for each in tail.splitlines()] == [
        {"type": "ping", "key": "[redacted]"}
    ] * 2


def test_without_the_page(tmp_path: Path) -> None:
    with (
        upstream() as url,
        running("--upstream", url, "--log", "memory:", "--port", "0", "--no-inspector") as it,
    ):
        with connect(f"{line(it).split()[2]}/v1", proxy=None) as client:
            client.send("x")
            assert client.recv() == "x"
        it.send_signal(signal.SIGINT)
        out, err = it.communicate(timeout=30)
        assert (it.returncode, err) == (0, "")
        assert "page" not in out


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--upstream", "api.openai.com"], 2, "an upstream is an address like wss://api.openai.com/v1"),
        (["--upstream", "wss://me:secret@host"], 2, "the client brings its own key"),
        (["--name", "{when}"], 2, "a name is made of text"),
        (["--host", "0.0.0.0"], 2, "--allow-remote says yes to that"),
        (["--log", "ftp://x"], 2, "names no log"),
        (["--port", "{taken}"], 2, "Address already in use; --port 0 takes a free one"),
        (["--inspector-port", "{taken}"], 2, "Address already in use; --inspector-port 0 takes a free one"),
        (["--token", "a b"], 2, "a token is"),
    ],
)
def test_misuse_is_one_sentence(words: list[str], code: int, said: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        words = [word.replace("{taken}", str(taken.getsockname()[1])) for word in words]
        result = invoke("proxy", "--log", "memory:", "--port", "0", "--inspector-port", "0", *words)
    assert result.exit_code == code
    assert said in " ".join(result.output.split())
    assert "secret" not in result.output
    assert "Traceback" not in result.output


def test_other_machines_are_let_in_with_a_warning(tmp_path: Path) -> None:
    words = ("--host", "0.0.0.0", "--allow-remote", "--no-inspector", "--log", "memory:", "--port", "0")
    with running(*words) as it:
        assert "ws://0.0.0.0:" in line(it)
        it.send_signal(signal.SIGTERM)
        _, err = it.communicate(timeout=30)
        assert it.returncode == 0
        assert "Whoever reaches 0.0.0.0 can use this proxy" in err


def test_without_websockets_one_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [each for each in sys.modules if each.startswith(("websockets", "rtstate.proxy"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "websockets", None)
    result = invoke("proxy", "--log", "memory:")
    assert result.exit_code == 2
    assert "pip install 'rtstate[server]'" in result.output
