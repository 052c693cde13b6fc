"""Which files a SQLite log opens, and which it leaves as they are."""

import os
from pathlib import Path

import pytest

from rtstate.errors import LogDamaged, LogUnavailable
from rtstate.logs.sqlite import SqliteLog
from tests.logs.support import by_hand, everything, filled, numbers

pytestmark = pytest.mark.anyio

CALL = "call"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


async def test_a_folder_is_no_log_nor_is_there_one_in_no_folder(tmp_path: Path) -> None:
    with pytest.raises(LogUnavailable, match="is a directory"):
        SqliteLog(tmp_path)
    with pytest.raises(LogUnavailable, match="there is no folder"):
        SqliteLog(tmp_path / "none" / "calls.db")
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(LogUnavailable, match="there is no folder"):
        SqliteLog(tmp_path / "file" / "calls.db")


def test_no_permission_is_said(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everything; a disk that is read-only is tested with the full one")
    tmp_path.chmod(0o500)
    with pytest.raises(LogUnavailable, match="no permission"):
        SqliteLog(tmp_path / "calls.db")


@pytest.mark.parametrize("content", [b"hello", b"x" * 10_000, b"SQLite format 3\x00" + b"\xff" * 5000])
def test_what_is_no_database_is_left_as_it_is(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(LogDamaged, match=r"calls\.db is"):
        SqliteLog(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("CREATE TABLE theirs (a)", "another application's"),
        ("PRAGMA application_id = 7", "another application's"),
        ("PRAGMA user_version = 7", "another application's"),
    ],
)
def test_what_is_another_applications_is_left_as_it_is(path: Path, statement: str, said: str) -> None:
    with by_hand(path) as other:
        other.execute(statement)
    content = path.read_bytes()
    with pytest.raises(LogDamaged, match=said):
        SqliteLog(path)
    assert path.read_bytes() == content
    assert [each.name for each in path.parent.iterdir()] == [path.name]


async def test_a_newer_version_is_left_as_it_is(path: Path) -> None:
    async with SqliteLog(path):
        pass
    with by_hand(path) as other:
        other.execute("PRAGMA user_version = 2")
    with pytest.raises(LogDamaged, match="written by a newer rtstate, in format 2; this one reads 1"):
        SqliteLog(path)


@pytest.mark.parametrize(
    "damage", ["DROP TABLE holders", "DROP INDEX conversations_by_hash", "ALTER TABLE events ADD COLUMN more"]
)
async def test_tables_that_are_not_those_of_a_log_are_not_used(path: Path, damage: str) -> None:
    async with SqliteLog(path):
        pass
    with by_hand(path) as other:
        other.execute(damage)
    with pytest.raises(LogDamaged, match="has not the tables of a log"):
        SqliteLog(path)


async def test_an_empty_file_becomes_a_log_and_names_are_no_commands(tmp_path: Path) -> None:
    for name in ("empty", ":memory:", "file:x?mode=memory", "ü 🎧 %20.db", "a'b"):
        path = tmp_path / name
        path.write_bytes(b"")
        async with SqliteLog(path) as log:
            await filled(log, CALL, 2)
        async with SqliteLog(path) as log:
            assert numbers(await everything(log, CALL)) == [1, 2]
        assert path.stat().st_size


async def test_a_relative_path_stays_where_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with SqliteLog("calls.db") as log:
        monkeypatch.chdir("/")
        await filled(log, CALL, 2)
        assert repr(log) == f"<SqliteLog {tmp_path / 'calls.db'}>"
