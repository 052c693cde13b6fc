"""Writers that are killed with SIGKILL: what they were told is kept, is kept."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.logs.process import ROOT
from tests.servers import RedisServer

KINDS = ["sqlite", "redis"]
"""The logs that outlive a process."""
KILLS = int(os.environ.get("RTSTATE_KILLS") or (500 if os.environ.get("CI") else 25))


@contextmanager
def urls(kind: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty log of some kind, and start what it needs."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'calls.db'}"
        return
    server = RedisServer(folder).start()
    yield server.url
    server.stop()


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_acknowledged_outlives_its_writer(kind: str, tmp_path: Path) -> None:
    with urls(kind, tmp_path) as url:
        program = [sys.executable, "-m", "tests.logs.killed", url, str(KILLS), "1"]
        ran = subprocess.run(program, cwd=ROOT, check=False, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    figures = json.loads(ran.stdout)
    print(figures)
    assert figures["kills"] == KILLS
    assert figures["acknowledged"] > KILLS
    assert KILLS < 25 or figures["before_writing"]
