"""The file of a SQLite log: how it is opened and checked, used by one thread, and what its errors mean."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from shutil import disk_usage
from time import monotonic, sleep
from typing import Any, Final, Literal, TypeAlias, TypeVar

from rtstate.errors import LogDamaged, LogError, LogUnavailable

Result = TypeVar("Result")
Job: TypeAlias = Callable[[sqlite3.Connection], Any]
"""Something to do in a transaction; it refuses by a LogError or ValueError, before it writes anything."""

APPLICATION: Final = int.from_bytes(b"rtst")
VERSION: Final = 1
TABLES: Final = {
    "conversations": (
        "CREATE TABLE conversations (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, "
        "hash INTEGER NOT NULL, first INTEGER, last INTEGER, checkpoint INTEGER, size INTEGER, started REAL, "
        "updated REAL, epoch INTEGER, holder TEXT, checksum INTEGER)"
    ),
    "conversations_by_name": "CREATE UNIQUE INDEX conversations_by_name ON conversations (name)",
    "conversations_by_hash": "CREATE INDEX conversations_by_hash ON conversations (hash)",
    "events": (
        "CREATE TABLE events (conversation INTEGER, seq INTEGER, at REAL, type TEXT, raw BLOB, "
        "checksum INTEGER, PRIMARY KEY (conversation, seq))"
    ),
    "checkpoints": (
        "CREATE TABLE checkpoints (conversation INTEGER PRIMARY KEY, seq INTEGER, data BLOB, "
        "checksum INTEGER)"
    ),
    "holders": "CREATE TABLE holders (holder TEXT PRIMARY KEY, until REAL)",
}
LARGEST_WAL: Final = 64 << 20
"""To how many bytes the WAL is cut when it begins anew."""
Failed: TypeAlias = sqlite3.Error | UnicodeDecodeError
FAILED: Final = (sqlite3.Error, UnicodeDecodeError)
"""What SQLite raises; the second where its message quotes what is damaged."""
MEND: Final = "restore a backup, or save what can be read with the .recover command of the sqlite3 program"


class SqliteFile:
    """A connection to the file, and the thread that uses it."""

    def __init__(self, path: Path, synchronous: Literal["full", "normal"], timeout: float) -> None:
        self.path = path
        self._timeout = timeout
        _check_place(path)
        self.connection = self._connected(synchronous)
        self._identity = _identity(path)
        self._thread = ThreadPoolExecutor(1, f"rtstate {path.name}")

    async def do(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        """Call a function in the thread; what SQLite raises becomes an error of ours."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._called, function)

    async def read(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do it as of one moment."""
        return await self.do(lambda connection: _as_of_now(connection, function))

    async def write(self, jobs: Sequence[Job]) -> Sequence[Any]:
        """Do jobs in one transaction; return for each its result or its exception.

        Where that fails they are done by halves: one that is too large does not fail those beside it.
        """
        return await self.do(lambda _: self._written(jobs))

    async def close(self) -> None:
        """Let go of the file when everything that was begun is done."""
        self._thread.submit(self.connection.close)
        self._thread.shutdown(wait=False)
        await asyncio.to_thread(self._thread.shutdown)

    def _connected(self, synchronous: str) -> sqlite3.Connection:
        end = monotonic() + self._timeout
        while True:
            try:
                return _connected(self.path, synchronous, self._timeout)
            except FAILED as error:
                # SQLite itself does not wait where two open a new file at the same time
                if _code(error) != sqlite3.SQLITE_BUSY or monotonic() > end:
                    raise self.error(error) from error
            sleep(0.005)

    def _called(self, function: Callable[[sqlite3.Connection], Result]) -> Result:
        try:
            self._check_there()
            return function(self.connection)
        except FAILED as error:
            raise self.error(error, reading=True) from error

    def _written(self, jobs: Sequence[Job]) -> list[Any]:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
        except FAILED as error:
            return [self.error(error)] * len(jobs)
        try:
            results = [_attempted(self.connection, job) for job in jobs]
            self.connection.execute("COMMIT")
        except Exception as error:
            _rolled_back(self.connection)
            if len(jobs) == 1:
                return [self.error(error) if isinstance(error, FAILED) else error]
            half = len(jobs) // 2
            return self._written(jobs[:half]) + self._written(jobs[half:])
        try:
            self._check_there()  # SQLite does not notice that it has written to a file without a name
        except LogUnavailable as error:
            return [error] * len(jobs)
        return results

    def _check_there(self) -> None:
        if _identity(self.path) != self._identity:
            raise LogUnavailable(f"{self.path} was moved, deleted or replaced: put it back, or open it anew")

    def error(self, error: Failed, *, reading: bool = False) -> Exception:
        """Return what an exception of SQLite's means to the caller."""
        path, said = self.path, f"{error} ({getattr(error, 'sqlite_errorname', type(error).__name__)})"
        match _code(error):
            case sqlite3.SQLITE_TOOBIG if not reading:
                meant: Exception = ValueError("an event or a checkpoint may have 1,000,000,000 bytes")
            case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED | sqlite3.SQLITE_PROTOCOL:
                meant = LogUnavailable(
                    f"{path} is locked: another process has been writing for more than {self._timeout:g} s; "
                    "try again, or find what holds it"
                )
            case sqlite3.SQLITE_FULL:
                meant = LogUnavailable(
                    f"no room to write to {path}: {_free(path)} free; nothing of this batch was written"
                )
            case sqlite3.SQLITE_NOTADB:
                meant = LogDamaged(f"{path} is no SQLite database, or its beginning is damaged: {MEND}")
            case (
                sqlite3.SQLITE_CORRUPT
                | sqlite3.SQLITE_FORMAT
                | sqlite3.SQLITE_CONSTRAINT
                | sqlite3.SQLITE_TOOBIG
            ):
                meant = LogDamaged(f"{path} is damaged: {said}; {MEND}")
            case sqlite3.SQLITE_ERROR | sqlite3.SQLITE_MISMATCH | sqlite3.SQLITE_SCHEMA:
                meant = LogDamaged(f"{path} has not the tables of a log, or they are damaged: {said}; {MEND}")
            case sqlite3.SQLITE_READONLY | sqlite3.SQLITE_PERM | sqlite3.SQLITE_AUTH:
                meant = LogUnavailable(f"{path} cannot be written: {said}; it and its folder have to be")
            case sqlite3.SQLITE_CANTOPEN:
                meant = LogUnavailable(f"{path} cannot be opened: {said}")
            case _:
                meant = LogUnavailable(f"{path} cannot be used: {said}; look after its disk")
        meant.__cause__ = error
        return meant


def _check_place(path: Path) -> None:
    """Raise where there can be no file: SQLite's own words would not say why.

    It is not opened to look at it: closing it again would drop the locks that this process has on it.
    """
    if path.is_dir():
        raise LogUnavailable(f"{path} is a directory; a log is a file")
    if not path.parent.is_dir():
        raise LogUnavailable(f"{path} cannot be opened: there is no folder {path.parent}")
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        raise LogUnavailable(f"{path} cannot be opened: no permission to write there")


def _connected(path: Path, synchronous: str, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, isolation_level=None, check_same_thread=False)
    try:
        connection.text_factory = bytes  # what is damaged need not be UTF-8
        if _as_of_now(connection, partial(_is_new, path=path)):  # others may be making it
            _use_wal(connection, path)
            _make(connection, path)
        _use_wal(connection, path)
        _check_tables(connection, path)
        connection.execute(f"PRAGMA synchronous = {synchronous}")
        connection.execute(f"PRAGMA journal_size_limit = {LARGEST_WAL}")
        connection.execute("PRAGMA cell_size_check = ON")
    except BaseException:
        connection.close()
        raise
    return connection


def _is_new(connection: sqlite3.Connection, path: Path) -> bool:
    """Tell whether there is nothing in it yet; raise for what is not ours."""
    application, version = (
        int(connection.execute(f"PRAGMA {name}").fetchone()[0]) for name in ("application_id", "user_version")
    )
    if application == APPLICATION:
        if version == VERSION:
            return False
        if version > VERSION:
            raise LogDamaged(
                f"{path} was written by a newer rtstate, in format {version}; "
                f"this one reads {VERSION}: upgrade it"
            )
    elif (
        not application
        and not version
        and connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    ):
        return True
    raise LogDamaged(f"{path} is another application's database, and is left as it is")


def _use_wal(connection: sqlite3.Connection, path: Path) -> None:
    if connection.execute("PRAGMA journal_mode = WAL").fetchone() != (b"wal",):
        raise LogUnavailable(f"{path} is where SQLite cannot share memory: a log needs a local disk")


def _make(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        if _is_new(connection, path):  # nobody was faster
            for statement in TABLES.values():
                connection.execute(statement)
            connection.execute(f"PRAGMA application_id = {APPLICATION}")
            connection.execute(f"PRAGMA user_version = {VERSION}")
        connection.execute("COMMIT")
    except BaseException:
        _rolled_back(connection)
        raise


def _check_tables(connection: sqlite3.Connection, path: Path) -> None:
    found = connection.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL").fetchall()
    wanted = {(name.encode(), statement.encode()) for name, statement in TABLES.items()}
    if not wanted <= set(found):
        raise LogDamaged(f"{path} has not the tables of a log: {MEND}")


def _as_of_now(connection: sqlite3.Connection, function: Callable[[sqlite3.Connection], Result]) -> Result:
    connection.execute("BEGIN")
    try:
        return function(connection)
    finally:
        _rolled_back(connection)


def _attempted(connection: sqlite3.Connection, job: Job) -> Any:
    try:
        return job(connection)
    except UnicodeDecodeError:
        raise
    except (LogError, ValueError) as refused:
        return refused


def _rolled_back(connection: sqlite3.Connection) -> None:
    with suppress(sqlite3.Error):  # after some errors SQLite has done so already
        connection.execute("ROLLBACK")


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _code(error: Failed) -> int:
    """Return the primary code: the finer ones are kept in the higher bits; -1 where it has none."""
    if isinstance(error, UnicodeDecodeError):
        return sqlite3.SQLITE_CORRUPT
    code: int = getattr(error, "sqlite_errorcode", -1)
    return code & 0xFF if code >= 0 else code


def _free(path: Path) -> str:
    try:
        return f"{disk_usage(path.parent).free:,} bytes"
    except OSError:
        return "unknown how much is"
