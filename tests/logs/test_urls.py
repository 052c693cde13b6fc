"""Logs by their URL."""

import subprocess
import sys
from pathlib import Path

import pytest

from rtstate.errors import LogUnavailable
from rtstate.logs import MemoryLog, open_log
from rtstate.logs._urls import shown
from rtstate.logs.redis import RedisLog
from rtstate.logs.sqlite import SqliteLog

pytestmark = pytest.mark.anyio


async def test_a_url_names_a_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, kind in (
        ("memory:", MemoryLog),
        ("sqlite:///calls.db", SqliteLog),
        (f"sqlite:///{tmp_path}/with%20blank.db", SqliteLog),
        ("redis://localhost:1/0", RedisLog),
        ("rediss://user:secret@localhost:1/0", RedisLog),
        ("redis+cluster://user:secret@localhost:1", RedisLog),
        ("rediss+cluster://localhost:1/0?socket_timeout=60", RedisLog),
        ("redis://localhost?db=3", RedisLog),
    ):
        async with open_log(url) as log:
            assert type(log) is kind
            assert "secret" not in repr(log)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["calls.db", "with blank.db"]


@pytest.mark.parametrize(
    "url",
    [
        *("", "calls.db", "sqlite:", "sqlite:calls.db", "sqlite://", "sqlite:///", "sqlite://calls.db"),
        *("http://host", "postgres://"),
    ],
)
def test_what_names_no_log_is_refused_with_what_does(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"names no log; a log is sqlite:///calls\.db, redis://host:6379/0 or memory:"
    ):
        open_log(url)


@pytest.mark.parametrize("url", ["sqlite:///what?.db", "sqlite:///calls#1.db"])
def test_a_path_that_a_url_would_cut_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"write \? as %3F and # as %23"):
        open_log(url)


@pytest.mark.parametrize(
    "url",
    [
        *("redis://host/calls", "rediss://:secret@host/0/1", "redis://host?db=calls", "redis://host:x"),
        *("redis+cluster://:secret@host/3", "redis+cluster://host?colour=red", "redis://host?colour=red"),
    ],
)
def test_what_names_no_database_of_a_server_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="this URL names no Redis server, or has an option") as refused:
        open_log(url)
    assert "secret" not in str(refused.value)


def test_a_password_is_not_repeated() -> None:
    with pytest.raises(ValueError, match="names no log") as refused:
        open_log("postgres://user:secret@host/db")
    assert "secret" not in str(refused.value)
    assert "host/db" in str(refused.value)


def test_a_file_is_made_only_where_that_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="there is no log"):
        open_log(f"sqlite:///{tmp_path}/calls.db", create=False)
    assert not (tmp_path / "calls.db").exists()


@pytest.mark.parametrize(
    ("module", "absent"), [("rtstate.logs", {"sqlite3", "redis"}), ("rtstate.hub", {"sqlite3", "redis"})]
)
def test_importing_it_brings_no_engine_along(module: str, absent: set[str]) -> None:
    script = f"import sys, {module}; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert absent.isdisjoint(loaded.split())


def test_without_its_extra_redis_is_refused_with_what_to_install() -> None:
    script = "import sys; sys.modules['redis'] = None\nfrom rtstate.logs import open_log\nopen_log('redis://host/0')"
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "pip install 'rtstate[redis]'" in run.stderr


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("redis://:sec%20ret@localhost:6379/0", "redis://…@localhost:6379/0"),
        ("rediss://me:a@b@localhost/0", "rediss://…@localhost/0"),
        ("sqlite:///calls.db", "sqlite:///calls.db"),
    ],
)
def test_a_password_is_not_shown(url: str, expected: str) -> None:
    assert shown(url) == expected


def test_a_log_in_memory_is_no_file() -> None:
    with pytest.raises(ValueError, match=r"'sqlite:///:memory:' is no file: a log in memory is memory:$"):
        open_log("sqlite:///:memory:")
