"""Servers that tests start for themselves, and stop."""

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

import pytest

PROGRAM = shutil.which("redis-server") or shutil.which("valkey-server")


class RedisServer:
    """A Redis server of its own: a free port of this machine, a folder, and options such as ``appendonly``.

    It keeps nothing unless an option says so, and forgets nothing of that when it is restarted.
    """

    def __init__(self, folder: Path, **options: str) -> None:
        if PROGRAM is None:
            message = "there is no redis-server; on Debian or Ubuntu: apt install redis-server"
            if os.environ.get("CI"):
                pytest.fail(message)
            pytest.skip(message)
        self.folder = folder
        self.options = {"save": "", "loglevel": "warning", "logfile": "", **options}
        self.port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}"

    def start(self) -> "RedisServer":
        """Start it, and wait until it has loaded what it keeps; on its old port if it had one."""
        for _ in range(10):
            self.port = self.port or free_port()
            if self._launched():
                return self
            self.port = 0  # somebody else was faster
        raise AssertionError(f"redis-server does not start: {(self.folder / 'output').read_text()}")

    def stop(self) -> None:
        """End it in good order."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it as a crash does."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def ask(self, *words: str) -> bytes:
        """Send it one command, and return the first bytes of the answer."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(b"*%d\r\n" % len(words))
            for word in words:
                connection.sendall(b"$%d\r\n%s\r\n" % (len(word.encode()), word.encode()))
            return connection.recv(1 << 16)

    def _launched(self) -> bool:
        assert PROGRAM is not None
        assert self._process is None
        options = {"port": str(self.port), "bind": "127.0.0.1", "dir": str(self.folder), **self.options}
        command = [PROGRAM, *(word for name, value in options.items() for word in (f"--{name}", value))]
        with (self.folder / "output").open("ab") as output:
            self._process = subprocess.Popen(command, stdout=output, stderr=output, stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if not self.ask("PING").startswith(b"-LOADING"):
                    return True
            except OSError:
                pass
            time.sleep(0.01)
        self.kill()
        return False

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            try:
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:  # it cannot save, and so does not end
                self._process.kill()
                self._process.wait(timeout=20)
            self._process = None


def free_port() -> int:
    """A port that nobody listens on, below 55536: a cluster's node takes the one 10000 above too."""
    while True:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port: int = taken.getsockname()[1]
        if port < 55536:
            return port
