"""What is SQLite's own: its file, its locks, its faults; all of them real."""

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from rtstate.errors import LogDamaged, LogError, LogUnavailable
from rtstate.logs import Checkpoint, Record
from rtstate.logs.sqlite import SqliteLog
from tests.logs.disk import on_a_small_disk
from tests.logs.process import started
from tests.logs.support import by_hand, everything, filled, numbers, record, records, taken

pytestmark = pytest.mark.anyio

CALL = "call"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "calls.db"


@pytest.fixture
async def log(path: Path) -> AsyncIterator[SqliteLog]:
    async with SqliteLog(path, timeout=0.3) as log:
        yield log


# several processes


async def test_processes_race_for_one_conversation_and_write_their_own(path: Path) -> None:
    url, names = f"sqlite:///{path}", "abcd"
    processes = [started("race", url, name, "40") for name in names]  # they make the file at the same time
    assert [process.wait() for process in processes] == [0] * 4
    async with SqliteLog(path) as log:
        shared = await everything(log, "shared")
        assert numbers(shared) == list(range(1, 4 * 40 * 2 + 1))
        pairs = [(one.type, two.type) for one, two in zip(shared[::2], shared[1::2], strict=True)]
        assert sorted(pairs) == sorted([(f"test.{n}", f"test.{n + 1}") for n in range(40)] * 4)
        for name in names:
            assert numbers(await everything(log, f"own {name}")) == list(range(1, 41))


async def test_a_tail_follows_a_writer_in_another_process(log: SqliteLog, path: Path) -> None:
    tails = [log.tail(CALL), log.tail(CALL), log.tail("another")]
    reading = [asyncio.create_task(taken(tail, 100)) for tail in tails]
    processes = [started("write", f"sqlite:///{path}", name, "100") for name in (CALL, "another")]
    async with asyncio.timeout(60):
        for each in reading:
            assert numbers(await each) == list(range(1, 101))
    assert [process.wait() for process in processes] == [0, 0]
    assert log._looking is not None
    for tail in tails:
        await tail.aclose()
    assert log._looking is None


async def test_a_tail_is_rung_only_for_its_own_conversation(log: SqliteLog, path: Path) -> None:
    async with (
        SqliteLog(path) as other,
        contextlib.aclosing(log.tail(CALL)) as tail,
        contextlib.aclosing(log.tail("quiet")) as quiet,
    ):
        pages: list[str] = []
        reading = asyncio.create_task(taken(tail, 20))
        waiting = asyncio.create_task(anext(quiet))
        await asyncio.sleep(0.1)
        real = log._page

        async def page(name: str, after: int, size: int) -> object:
            pages.append(name)
            return await real(name, after, size)

        log._page = page  # type: ignore[method-assign,assignment]
        for last in range(20):
            await other.append(CALL, [record(last + 1)], expected=last)
            await asyncio.sleep(0.03)
        assert numbers(await reading) == list(range(1, 21))
        assert "quiet" not in pages
        waiting.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await waiting


# transactions


async def test_what_comes_together_is_one_transaction(log: SqliteLog) -> None:
    commits: list[str] = []
    log._writer.connection.set_trace_callback(
        lambda statement: commits.append(statement) if statement == "COMMIT" else None
    )
    appends = (log.append(f"call {number}", [record(1)], expected=0) for number in range(300))
    beats = (log.beat(f"holder {number}", 60) for number in range(100))
    await asyncio.gather(*appends, *beats)
    assert len(commits) <= 2
    await asyncio.gather(*(log.append(f"call {number}", [record(2)], expected=1) for number in range(300)))
    assert len(commits) <= 4


async def test_nothing_is_acknowledged_before_its_commit(log: SqliteLog, path: Path) -> None:
    commits: list[int] = []
    log._writer.connection.set_trace_callback(
        lambda statement: commits.append(1) if statement == "COMMIT" else None
    )
    with by_hand(path) as other:
        for last in range(20):
            await log.append(CALL, [record(last + 1)], expected=last)
            assert len(commits) == last + 1
            assert other.execute("SELECT max(seq) FROM events").fetchone() == (last + 1,)


async def test_what_is_too_large_fails_alone(log: SqliteLog) -> None:
    log._writer.connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 100_000)
    await log.append(CALL, [record(1)], expected=0)
    jobs = [log.append(f"call {number}", [record(1)], expected=0) for number in range(20)]
    late = log.append(CALL, [record(2), record(3, 200_000)], expected=1)
    *done, failed, stale = await asyncio.gather(
        *jobs, late, log.append(CALL, [record(2)], expected=1), return_exceptions=True
    )
    assert done == [1] * 20
    assert isinstance(failed, ValueError)
    assert stale == 2
    assert numbers(await everything(log, CALL)) == [1, 2]


async def test_full_means_synced_at_each_commit_and_normal_not(path: Path) -> None:
    for synchronous, number in (("full", 2), ("normal", 1)):
        async with SqliteLog(path, synchronous=synchronous) as log:  # type: ignore[arg-type]
            assert log._writer.connection.execute("PRAGMA synchronous").fetchone() == (number,)
            assert log._writer.connection.execute("PRAGMA journal_mode").fetchone() == (b"wal",)
    with pytest.raises(ValueError, match="'full' or 'normal', not 'off'"):
        SqliteLog(path, synchronous="off")  # type: ignore[arg-type]


# locks


async def test_a_locked_file_is_waited_for_and_then_unavailable(log: SqliteLog, path: Path) -> None:
    await filled(log, CALL, 3)
    with by_hand(path) as other:
        other.execute("BEGIN IMMEDIATE")
        refused = await asyncio.gather(
            *(log.append(f"call {number}", [record(1)], expected=0) for number in range(5)),
            log.beat("me", 60),
            return_exceptions=True,
        )
        assert {type(each) for each in refused} == {LogUnavailable}
        assert "is locked: another process has been writing for more than 0.3 s" in str(refused[0])
        assert numbers(await everything(log, CALL)) == [1, 2, 3]
        other.execute("ROLLBACK")
    assert await log.append(CALL, [record(4)], expected=3) == 4
    assert [name async for name in log.names()] == [CALL]


async def test_a_short_lock_is_waited_out(path: Path) -> None:
    async with SqliteLog(path, timeout=20) as log:
        with by_hand(path) as other:
            other.execute("BEGIN IMMEDIATE")
            writing = asyncio.create_task(log.append(CALL, [record(1)], expected=0))
            await asyncio.sleep(0.2)
            assert not writing.done()
            other.execute("ROLLBACK")
            assert await writing == 1


async def test_a_reader_does_not_hold_writers_up_nor_does_the_wal_grow_after_it(
    log: SqliteLog, path: Path
) -> None:
    await filled(log, CALL, 200, 10_000)
    wal = path.with_name("calls.db-wal")
    reading = log.read(CALL)
    await anext(reading)
    with by_hand(path) as other:
        other.execute("BEGIN")
        assert other.execute("SELECT count(*) FROM events").fetchone() == (200,)
        for last in range(200, 1000, 100):
            await log.append(CALL, records(last + 1, last + 100, 10_000), expected=last)
        assert other.execute("SELECT count(*) FROM events").fetchone() == (200,)
        other.execute("COMMIT")
    assert len([entry async for entry in reading]) == 999
    for last in range(1000, 1200, 100):
        await log.append(CALL, records(last + 1, last + 100, 10_000), expected=last)
    size = wal.stat().st_size
    for last in range(1200, 3000, 100):
        await log.append(CALL, records(last + 1, last + 100, 10_000), expected=last)
    assert wal.stat().st_size <= size


async def test_a_page_is_read_as_of_one_moment(log: SqliteLog, path: Path) -> None:
    await filled(log, CALL, 3)
    with by_hand(path) as other:

        def meanwhile(statement: str) -> None:
            if "FROM events" in statement:
                log._reader.connection.set_trace_callback(None)
                other.execute("DELETE FROM events")

        log._reader.connection.set_trace_callback(meanwhile)
        page = await log._page(CALL, 0, 1 << 20)
        assert numbers(page.entries) == [1, 2, 3]
        assert other.execute("SELECT count(*) FROM events").fetchone() == (0,)


async def test_many_open_a_new_file_at_once(tmp_path: Path) -> None:
    for round in range(10):
        path = tmp_path / f"{round}.db"
        opened = await asyncio.gather(*(asyncio.to_thread(SqliteLog, path) for _ in range(8)))
        for each in opened:
            await each.close()


# what goes wrong under way


@pytest.mark.parametrize("how", ["delete", "move", "replace"])
async def test_a_file_that_is_taken_away_is_not_written_to(log: SqliteLog, path: Path, how: str) -> None:
    await filled(log, CALL, 2)
    elsewhere = path.with_name("old.db")
    path.rename(elsewhere)
    if how == "delete":
        elsewhere.unlink()
    elif how == "replace":
        path.write_bytes(b"")
    for call in (log.append(CALL, [record(3)], expected=2), log.load(CALL), log.beat("me", 1)):
        with pytest.raises(LogUnavailable, match="moved, deleted or replaced"):
            await call
    if how == "move":
        elsewhere.rename(path)
        assert await log.append(CALL, [record(3)], expected=2) == 3


async def test_a_tail_of_a_file_that_is_taken_away_is_told(log: SqliteLog, path: Path) -> None:
    await filled(log, CALL, 2)
    async with asyncio.timeout(30), contextlib.aclosing(log.tail(CALL, 2)) as tail:
        waiting = asyncio.create_task(anext(tail))
        await asyncio.sleep(0.05)
        path.rename(path.with_name("old.db"))
        with pytest.raises(LogUnavailable, match="moved, deleted or replaced"):
            await waiting


@pytest.mark.parametrize("impatient", [False, True])
async def test_what_is_under_way_when_a_log_is_closed_is_done(path: Path, impatient: bool) -> None:
    log = SqliteLog(path)
    writing = [
        asyncio.create_task(log.append(f"call {number}", records(1, 9), expected=0)) for number in range(600)
    ]
    reading = asyncio.create_task(everything(log, CALL))
    await asyncio.sleep(0)
    closing = asyncio.create_task(log.close())
    await asyncio.sleep(0)
    if impatient:
        closing.cancel()
    await asyncio.wait([closing])
    assert await asyncio.gather(*writing) == [9] * 600
    assert await reading == []
    async with SqliteLog(path) as anew:
        assert len([name async for name in anew.names()]) == 600


MEANINGS = {
    sqlite3.SQLITE_BUSY: (LogUnavailable, "is locked"),
    sqlite3.SQLITE_BUSY_RECOVERY: (LogUnavailable, "is locked"),
    sqlite3.SQLITE_LOCKED: (LogUnavailable, "is locked"),
    sqlite3.SQLITE_PROTOCOL: (LogUnavailable, "is locked"),
    sqlite3.SQLITE_FULL: (LogUnavailable, "bytes free; nothing of this batch was written"),
    sqlite3.SQLITE_READONLY: (LogUnavailable, "cannot be written"),
    sqlite3.SQLITE_READONLY_DBMOVED: (LogUnavailable, "cannot be written"),
    sqlite3.SQLITE_PERM: (LogUnavailable, "cannot be written"),
    sqlite3.SQLITE_CANTOPEN: (LogUnavailable, "cannot be opened"),
    sqlite3.SQLITE_IOERR: (LogUnavailable, "look after its disk"),
    sqlite3.SQLITE_IOERR_FSYNC: (LogUnavailable, "look after its disk"),
    sqlite3.SQLITE_INTERRUPT: (LogUnavailable, "look after its disk"),
    sqlite3.SQLITE_NOTADB: (LogDamaged, "is no SQLite database"),
    sqlite3.SQLITE_CORRUPT: (LogDamaged, "restore a backup"),
    sqlite3.SQLITE_CORRUPT_INDEX: (LogDamaged, "restore a backup"),
    sqlite3.SQLITE_CONSTRAINT_UNIQUE: (LogDamaged, "restore a backup"),
    sqlite3.SQLITE_ERROR: (LogDamaged, "has not the tables of a log"),
    sqlite3.SQLITE_TOOBIG: (ValueError, "1,000,000,000 bytes"),
    None: (LogUnavailable, "look after its disk"),
}


async def test_every_error_of_sqlite_becomes_one_of_ours(log: SqliteLog) -> None:
    for code, (kind, said) in MEANINGS.items():
        error = sqlite3.OperationalError("told")
        if code is not None:
            error.sqlite_errorcode = code
        meant = log._writer.error(error)
        assert type(meant) is kind
        assert said in str(meant)
        assert meant.__cause__ is error
    for code in range(1 << 12):
        error = sqlite3.OperationalError("told")
        error.sqlite_errorcode = code
        assert isinstance(log._writer.error(error), (LogError, ValueError))
    error.sqlite_errorcode = sqlite3.SQLITE_TOOBIG
    assert isinstance(log._writer.error(error, reading=True), LogDamaged)
    garbled = UnicodeDecodeError("utf-8", b"\xff", 0, 1, "in a message of SQLite's")
    assert isinstance(log._writer.error(garbled), LogDamaged)


def test_a_full_disk_loses_nothing_and_is_gone_on_from_when_there_is_room(tmp_path: Path) -> None:
    ran = on_a_small_disk("tests.logs.process", "4m", tmp_path)
    assert ran.returncode == 0, ran.stderr


async def test_compacting_gives_room_back(log: SqliteLog, path: Path) -> None:
    await filled(log, CALL, 500, 10_000)
    await log.append("another", [record(1)], expected=0)
    await log.acquire("left behind", "dead")
    assert await log.compact() >= 0
    await log.delete(CALL)
    writing = asyncio.create_task(log.append("another", [record(2)], expected=1))
    assert await log.compact() > 4_000_000
    assert await writing == 2
    assert path.stat().st_size < 200_000
    assert numbers(await everything(log, "another")) == [1, 2]
    with by_hand(path) as other:
        assert other.execute("SELECT name FROM conversations").fetchall() == [("another",)]


# what a checksum is for


DAMAGES = [
    "UPDATE events SET raw = x'7b7d' WHERE seq = 2",
    "UPDATE events SET raw = NULL WHERE seq = 2",
    "UPDATE events SET raw = 7 WHERE seq = 2",
    "UPDATE events SET type = 'other' WHERE seq = 2",
    "UPDATE events SET type = NULL WHERE seq = 2",
    "UPDATE events SET type = CAST(x'ff' AS TEXT) WHERE seq = 2",
    "UPDATE events SET at = at + 1e-6 WHERE seq = 2",
    "UPDATE events SET at = NULL WHERE seq = 2",
    "UPDATE events SET at = 'text' WHERE seq = 2",
    "UPDATE events SET checksum = checksum + 1 WHERE seq = 2",
    "UPDATE events SET checksum = NULL WHERE seq = 2",
    "UPDATE events SET seq = 7 WHERE seq = 2",
    "UPDATE events SET seq = 'two' WHERE seq = 2",
    "UPDATE events SET seq = -seq WHERE seq < 3",
    "UPDATE events SET conversation = 2 WHERE seq = 3",
    "DELETE FROM events WHERE seq = 1",
    "DELETE FROM events WHERE seq = 2",
    "DELETE FROM events WHERE seq = 3",
    "DELETE FROM events",
    "UPDATE conversations SET first = 2",
    "UPDATE conversations SET last = 2",
    "UPDATE conversations SET last = 0",
    "UPDATE conversations SET last = 4",
    "UPDATE conversations SET last = NULL",
    "UPDATE conversations SET checksum = NULL",
    "UPDATE conversations SET holder = CAST(x'ff' AS TEXT)",
    "DROP TABLE events",
]


@pytest.mark.parametrize("damage", DAMAGES)
async def test_an_event_that_is_not_as_it_was_written_is_not_read(
    log: SqliteLog, path: Path, damage: str
) -> None:
    await filled(log, CALL, 3)
    with by_hand(path) as other:
        other.execute(damage)
    with pytest.raises(LogDamaged) as told:
        await everything(log, CALL)
    assert CALL in str(told.value) or "has not the tables" in str(told.value)
    if "conversations" in damage:
        with pytest.raises(LogDamaged):
            await log.append(CALL, [record(3)], expected=2)
        with pytest.raises(LogDamaged):
            [name async for name in log.names()]


async def test_the_damaged_event_is_named_and_what_to_do(log: SqliteLog, path: Path) -> None:
    await filled(log, CALL, 3)
    with by_hand(path) as other:
        other.execute(DAMAGES[0])
    with pytest.raises(LogDamaged, match=r"event 2 of 'call' is damaged: restore a backup, or .* \.recover"):
        await everything(log, CALL)
    assert numbers(await everything(log, CALL, 2)) == [3]


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE checkpoints SET data = x'00'",
        "UPDATE checkpoints SET data = NULL",
        "UPDATE checkpoints SET seq = 1",
        "DELETE FROM checkpoints",
        "UPDATE conversations SET checkpoint = NULL",
        "UPDATE conversations SET checkpoint = 3",
    ],
)
async def test_a_checkpoint_that_is_not_as_it_was_written_is_not_loaded(
    log: SqliteLog, path: Path, damage: str
) -> None:
    await filled(log, CALL, 3)
    await log.checkpoint(CALL, Checkpoint(2, b"two"))
    with by_hand(path) as other:
        other.execute(damage)
    with pytest.raises(LogDamaged):
        await log.load(CALL)


async def test_times_that_are_no_floats_come_back_the_same(log: SqliteLog) -> None:
    given = [Record(b"", None, -0.0), Record(b"", None, 7), Record(b"", None, 1 << 60)]
    await log.append(CALL, given, expected=0)
    assert [entry.at for entry in await everything(log, CALL)] == [0.0, 7.0, float(1 << 60)]
