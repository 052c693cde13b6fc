"""The rows of a SQLite log: what each job does to them, within a transaction.

Each row has a checksum of all that is in it, since SQLite does not notice a bit that a disk has flipped. What
counts the others, ``last`` and ``checkpoint``, is in the row of the conversation, so a row that has gone is
missed. A name is found by two indexes, since a damaged one may not find it.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from sqlite3 import Connection
from time import time
from typing import Any, Final
from zlib import crc32

import attrs

from rtstate.errors import ConversationGone, LeaseHeld, LeaseLost, LogDamaged, StaleWriter
from rtstate.logs._log import Checkpoint, Entry, Lease, Page, Record, Summary
from rtstate.logs._sqlite_file import MEND

LEASES: Final = 31
"""Bits that count the leases of one conversation; its id is above them, so that no epoch comes twice."""
LOOKS: Final = 100
"""How many names are asked for in one query."""


@attrs.define
class Row:
    """What is known of a conversation: its events, and who may write it."""

    id: int
    name: str
    first: int = 1
    last: int = 0
    checkpoint: int | None = None
    size: int = 0
    started: float | None = None
    updated: float | None = None
    epoch: int = 0
    holder: str | None = None

    def columns(self) -> tuple[Any, ...]:
        """Return what is kept of it, less its name and its checksum."""
        return (
            self.id,
            self.first,
            self.last,
            self.checkpoint,
            self.size,
            self.started,
            self.updated,
            self.epoch,
            self.holder.encode() if self.holder is not None else None,
        )

    def save(self, connection: Connection) -> None:
        """Write it down."""
        id, *columns = self.columns()
        columns[-1] = self.holder
        connection.execute(
            "UPDATE conversations SET first = ?, last = ?, checkpoint = ?, size = ?, started = ?, "
            "updated = ?, epoch = ?, holder = ?, checksum = ? WHERE id = ?",
            (*columns, _checksum(self.name.encode(), *self.columns()), id),
        )

    def check(self, lease: Lease | None) -> None:
        """Raise unless a lease, if one is given, is that which holds."""
        if lease is not None and (self.holder, self.epoch) != (lease.holder, lease.epoch):
            raise LeaseLost(self.name, lease.holder)


def find(connection: Connection, name: str) -> Row | None:
    """Return the row of a conversation; None where there is none."""
    found = connection.execute(
        "SELECT id, first, last, checkpoint, size, started, updated, epoch, holder, checksum "
        "FROM conversations WHERE name = ?",
        (name,),
    ).fetchone()
    if found is not None:
        return _row(name, found)
    overlooked = connection.execute(
        "SELECT count(*) FROM conversations INDEXED BY conversations_by_hash WHERE hash = ? AND +name = ?",
        (_hash(name), name),
    )
    if overlooked.fetchone() != (0,):
        raise LogDamaged(f"the index of names is damaged, and does not find {name!r}: {MEND}")
    return None


def append(
    connection: Connection, name: str, records: Sequence[Record], expected: int, lease: Lease | None
) -> int:
    """Keep a batch."""
    row = _checked(connection, name, lease)
    last = row.last if row else 0
    if last != expected:
        raise StaleWriter(name, expected, last)
    row = row or _made(connection, name)
    connection.executemany(
        "INSERT INTO events (conversation, seq, at, type, raw, checksum) VALUES (?, ?, ?, ?, ?, ?)",
        [_columns(row.id, seq, record) for seq, record in enumerate(records, last + 1)],
    )
    row.last += len(records)
    row.size += sum([len(record.raw) for record in records])
    row.updated = time()
    if row.started is None:
        row.started = row.updated
    row.save(connection)
    return row.last


def page(connection: Connection, name: str, after: int, size: int) -> Page:
    """Return events after a point: about so many bytes."""
    row = find(connection, name)
    if row is None or not row.last:
        return Page()
    entries: list[Entry] = []
    if after < row.last:
        found = connection.execute(
            "SELECT seq, at, type, raw, checksum FROM events WHERE conversation = ? AND seq > ? ORDER BY seq",
            (row.id, max(after, 0)),
        )
        for columns in found:
            entries.append(_entry(row, *columns))
            size -= len(entries[-1].raw)
            if size <= 0:
                break
        found.close()
    return Page(row.id, row.first, row.last, entries)


def load(connection: Connection, name: str) -> Checkpoint | None:
    """Return the last checkpoint."""
    row = find(connection, name)
    if row is None or row.checkpoint is None:
        return None
    found = connection.execute(
        "SELECT seq, data, checksum FROM checkpoints WHERE conversation = ?", (row.id,)
    ).fetchone()
    seq, data, checksum = found or (None, None, None)
    if seq != row.checkpoint or not isinstance(data, bytes) or checksum != _checksum(row.id, seq, raw=data):
        raise LogDamaged(f"the checkpoint of {name!r} is damaged: {MEND}")
    return Checkpoint(row.checkpoint, data)


def keep(connection: Connection, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
    """Keep a checkpoint, unless there is a newer one."""
    row = _checked(connection, name, lease)
    if row is None or not row.last:
        raise ConversationGone(f"there is no {name!r}")
    seq, data = checkpoint.seq, checkpoint.data
    if seq > row.last:
        raise ValueError(f"{name!r} ends at {row.last}; there is nothing at {seq}")
    if row.checkpoint is None or row.checkpoint < seq:
        connection.execute(
            "INSERT OR REPLACE INTO checkpoints (conversation, seq, data, checksum) VALUES (?, ?, ?, ?)",
            (row.id, seq, data, _checksum(row.id, seq, raw=data)),
        )
        row.checkpoint = seq
        row.save(connection)


def trim(connection: Connection, name: str) -> int:
    """Drop the events that the checkpoint holds; return how many."""
    row = find(connection, name)
    if row is None or row.checkpoint is None or row.checkpoint < row.first:
        return 0
    dropped = row.checkpoint + 1 - row.first
    connection.execute("DELETE FROM events WHERE conversation = ? AND seq <= ?", (row.id, row.checkpoint))
    row.first += dropped
    row.save(connection)
    return dropped


def summary(connection: Connection, name: str) -> Summary | None:
    """Return what is known without reading events."""
    row = find(connection, name)
    return None if row is None else _summary(row)


def summaries(connection: Connection) -> list[Summary]:
    """Return what is known of all conversations that have events."""
    return [told for row in _all(connection) if (told := _summary(row)) is not None]


def _summary(row: Row) -> Summary | None:
    if row.started is None or row.updated is None:
        return None
    first, last, checkpoint = row.first, row.last, row.checkpoint or 0
    return Summary(row.name, first, last, checkpoint, row.size, row.started, row.updated, row.holder)


def names(connection: Connection) -> list[str]:
    """Return the names of all conversations that have events."""
    return [row.name for row in _all(connection) if row.last]


def _all(connection: Connection) -> list[Row]:
    found = connection.execute(
        "SELECT name, id, first, last, checkpoint, size, started, updated, epoch, holder, checksum "
        "FROM conversations NOT INDEXED"
    ).fetchall()
    counted = connection.execute("SELECT count(*) FROM conversations INDEXED BY conversations_by_hash")
    if counted.fetchone() != (len({id for _, id, *_ in found}),):  # a damaged page may give one twice
        raise LogDamaged(f"the table of conversations is damaged, some are missing: {MEND}")
    return [_row(name, columns) for name, *columns in found]


def delete(connection: Connection, name: str, lease: Lease | None = None) -> bool:
    """Delete a conversation, its lease too; tell whether it had events."""
    row = find(connection, name)
    if row is None:
        return False
    row.check(lease)
    connection.execute("DELETE FROM events WHERE conversation = ?", (row.id,))
    connection.execute("DELETE FROM checkpoints WHERE conversation = ?", (row.id,))
    connection.execute("DELETE FROM conversations WHERE id = ?", (row.id,))
    return row.last > 0


def beat(connection: Connection, holder: str, ttl: float) -> None:
    """Let a holder live so long from now, and forget the dead."""
    now = time()
    connection.execute("INSERT OR REPLACE INTO holders (holder, until) VALUES (?, ?)", (holder, now + ttl))
    connection.execute("DELETE FROM holders WHERE until <= ?", (now,))


def acquire(connection: Connection, name: str, holder: str) -> Lease:
    """Give a lease, unless another that lives has it."""
    row = find(connection, name)
    if row is not None and row.holder not in {None, holder}:
        alive = connection.execute(
            "SELECT count(*) FROM holders WHERE holder = ? AND until > ?", (row.holder, time())
        )
        if alive.fetchone() != (0,):
            raise LeaseHeld(name, str(row.holder))
    row = row or _made(connection, name)
    row.epoch = max(row.epoch, row.id << LEASES) + 1
    row.holder = holder
    row.save(connection)
    return Lease(name, holder, row.epoch)


def release(connection: Connection, lease: Lease) -> None:
    """Take a lease back, if it still holds."""
    row = find(connection, lease.name)
    if row is None or (row.holder, row.epoch) != (lease.holder, lease.epoch):
        return
    if row.last:
        row.holder = None
        row.save(connection)
    else:
        delete(connection, lease.name)


def forget(connection: Connection) -> None:
    """Drop the leases of the dead on what has no events."""
    connection.execute(
        "DELETE FROM conversations WHERE last = 0 AND holder NOT IN "
        "(SELECT holder FROM holders WHERE until > ?)",
        (time(),),
    )


def version(connection: Connection) -> int:
    """Return a number that is another once somebody else has written."""
    return int(connection.execute("PRAGMA data_version").fetchone()[0])


def ends(connection: Connection, names: Sequence[str]) -> dict[str, tuple[int, int] | None]:
    """Return for each name which conversation it is, and where that ends; None where there is none."""
    found: dict[str, tuple[int, int] | None] = dict.fromkeys(names)
    for start in range(0, len(names), LOOKS):
        some = list(names[start : start + LOOKS])
        query = f"SELECT name, id, last FROM conversations WHERE name IN (?{', ?' * (LOOKS - 1)})"
        for name, id, last in connection.execute(query, some + [some[0]] * (LOOKS - len(some))):
            found[name.decode(errors="replace")] = (id, last)
    return found


def _checked(connection: Connection, name: str, lease: Lease | None) -> Row | None:
    row = find(connection, name)
    if row is not None:
        row.check(lease)
    elif lease is not None:
        raise LeaseLost(name, lease.holder)
    return row


def _made(connection: Connection, name: str) -> Row:
    made = connection.execute("INSERT INTO conversations (name, hash) VALUES (?, ?)", (name, _hash(name)))
    return Row(int(made.lastrowid or 0), name)


def _row(name: str | bytes, found: Sequence[Any]) -> Row:
    *columns, checksum = found
    encoded = name.encode() if isinstance(name, str) else name
    if checksum != _checksum(encoded, *columns):
        raise LogDamaged(f"what is known of the conversation {name!r} is damaged: {MEND}")
    id, first, last, checkpoint, size, started, updated, epoch, holder = columns
    told = holder.decode() if holder is not None else None
    return Row(id, encoded.decode(), first, last, checkpoint, size, started, updated, epoch, told)


def _columns(conversation: int, seq: int, record: Record) -> tuple[Any, ...]:
    # SQLite keeps no sign of zero
    at = float(record.at) + 0.0 if record.at is not None else None
    type = record.type.encode() if record.type is not None else None
    return (
        conversation,
        seq,
        at,
        record.type,
        record.raw,
        _checksum(conversation, seq, at, type, raw=record.raw),
    )


def _entry(row: Row, seq: Any, at: Any, type: Any, raw: Any, checksum: Any) -> Entry:
    if not isinstance(raw, bytes) or checksum != _checksum(row.id, seq, at, type, raw=raw):
        raise LogDamaged(f"the event {seq!r} of {row.name!r} is damaged: {MEND}")
    return Entry(raw, type.decode() if type is not None else None, at, seq=seq)


def _checksum(*values: bytes | float | None, raw: bytes = b"") -> int:
    """Return the CRC-32 of some values, as Python writes them, and of what follows them.

    Text is given as UTF-8: which characters Python escapes is another matter in each version of it.
    """
    return crc32(raw, crc32(repr(values).encode()))


def _hash(name: str) -> int:
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest(), signed=True)
