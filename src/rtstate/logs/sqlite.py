"""A log in a SQLite file: the default, for one machine and any number of its processes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from os import PathLike
from pathlib import Path
from sqlite3 import Connection
from typing import Literal, TypeVar, cast

from rtstate.errors import LogError
from rtstate.logs import _sqlite_rows as rows
from rtstate.logs._group import Group
from rtstate.logs._log import Checkpoint, Lease, Log, Page, Record, Summary
from rtstate.logs._sqlite_file import Job, SqliteFile

Result = TypeVar("Result")


class SqliteLog(Log):
    """A log in a file, which is made where there is none.

    What is asked for while a transaction runs forms the next one, so many conversations share a commit. With
    ``synchronous="full"`` what is acknowledged survives a power cut, with ``"normal"`` the process that wrote
    it. ``timeout`` is how many seconds to wait for other processes, ``look`` how many pass until tails look
    for what those write. Beside the file are two more, ``-wal`` and ``-shm``, which belong to it. It has to
    be on a local disk.

    Raises LogUnavailable for a file that cannot be opened, LogDamaged for one that is not a log.

    >>> import asyncio, tempfile
    >>> async def kept(path):
    ...     async with SqliteLog(path) as log:
    ...         await log.append("call", [Record.of('{"type": "ping"}')], expected=0)
    ...     async with SqliteLog(path) as log:
    ...         return [entry.type async for entry in log.read("call")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     asyncio.run(kept(f"{folder}/calls.db"))
    ['ping']
    """

    def __init__(
        self,
        path: str | PathLike[str],
        *,
        synchronous: Literal["full", "normal"] = "full",
        timeout: float = 10.0,
        look: float = 0.02,
    ) -> None:
        if synchronous not in {"full", "normal"}:
            raise ValueError(f"synchronous is 'full' or 'normal', not {synchronous!r}")
        super().__init__()
        self._path = Path(path).absolute()
        self._writer = SqliteFile(self._path, synchronous, timeout)
        try:
            self._reader = SqliteFile(self._path, synchronous, timeout)
        except BaseException:
            self._writer.connection.close()
            raise
        self._group = Group[Job](self._writer.write)
        self._every = look
        self._looking: asyncio.Task[None] | None = None

    async def compact(self) -> int:
        """Give back to the disk what was deleted and trimmed, and return how many bytes that was.

        Cost: the file is written anew, which needs as much room again; writers wait for it.
        """
        self._check_open()
        return await self._writer.do(partial(_compact, self._path))

    def __repr__(self) -> str:
        return f"<SqliteLog {self._path}>"

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        kept = tuple(records)  # the caller's list may change before it is written
        return await self._write(lambda db: rows.append(db, name, kept, expected, lease))

    async def _page(self, name: str, after: int, size: int) -> Page:
        return await self._reader.read(lambda db: rows.page(db, name, after, size))

    async def _load(self, name: str) -> Checkpoint | None:
        return await self._reader.read(lambda db: rows.load(db, name))

    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
        await self._write(lambda db: rows.keep(db, name, checkpoint, lease))

    async def _trim(self, name: str) -> int:
        return await self._write(lambda db: rows.trim(db, name))

    async def _summary(self, name: str) -> Summary | None:
        return await self._reader.read(lambda db: rows.summary(db, name))

    async def _names(self) -> AsyncGenerator[str]:
        self._check_open()
        for name in await self._reader.read(rows.names):
            yield name

    async def _summaries(self) -> AsyncGenerator[Summary]:
        self._check_open()
        for each in await self._reader.read(rows.summaries):
            yield each

    async def _delete(self, name: str, lease: Lease | None) -> bool:
        return await self._write(lambda db: rows.delete(db, name, lease))

    async def _beat(self, holder: str, ttl: float) -> None:
        await self._write(lambda db: rows.beat(db, holder, ttl))

    async def _acquire(self, name: str, holder: str) -> Lease:
        return await self._write(lambda db: rows.acquire(db, name, holder))

    async def _release(self, lease: Lease) -> None:
        await self._write(lambda db: rows.release(db, lease))

    async def _write(self, job: Callable[[Connection], Result]) -> Result:
        return cast("Result", await self._group.do(job))

    async def _close(self) -> None:
        self._stop_looking()
        await asyncio.shield(self._finish())

    async def _finish(self) -> None:
        await self._group.finish()
        await self._reader.close()
        await self._writer.close()

    @asynccontextmanager
    async def _listen(self, name: str) -> AsyncGenerator[asyncio.Event]:
        try:
            async with super()._listen(name) as rung:
                if self._looking is None and not self._closed:
                    self._looking = asyncio.create_task(self._look_out())
                yield rung
        finally:
            if not self._bell:
                self._stop_looking()

    def _stop_looking(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None

    async def _look_out(self) -> None:
        """Ring for what others write: one task for all tails."""
        seen: int | None = None
        ends: dict[str, tuple[int, int] | None] = {}
        while True:
            names = list(self._bell)
            try:
                version = await self._reader.do(rows.version)
                if version != seen:
                    now = await self._reader.read(partial(rows.ends, names=names))
                    for name in names:
                        if name not in ends or ends[name] != now[name]:
                            self._bell.ring(name)
                    seen, ends = version, now
            except LogError:
                self._bell.ring_all()  # each tail finds out for itself
            await asyncio.sleep(self._every)


def _compact(path: Path, connection: Connection) -> int:
    before = _size(path)
    rows.forget(connection)
    connection.execute("VACUUM")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return before - _size(path)


def _size(path: Path) -> int:
    size = 0
    for each in (path, path.with_name(path.name + "-wal")):
        with suppress(FileNotFoundError):
            size += each.stat().st_size
    return size
