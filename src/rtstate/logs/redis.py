"""A log on a Redis server, or on a cluster: for many processes on many machines."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from secrets import token_bytes
from typing import Any, Final, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisClusterException, RedisError, ResponseError

from rtstate.errors import (
    ConversationGone,
    LeaseHeld,
    LeaseLost,
    LogDamaged,
    LogUnavailable,
    StaleWriter,
)
from rtstate.logs import _redis_scripts as scripts
from rtstate.logs._group import Group
from rtstate.logs._log import Checkpoint, Entry, Lease, Log, Page, Record, Summary
from rtstate.logs._redis_errors import A_NODE, address, ours
from rtstate.logs._redis_hints import Client, Hints
from rtstate.logs._redis_scripts import Keys, Script

MOST: Final = 256
"""How many events one entry of a stream holds at most."""

LARGEST: Final = 1 << 18
"""How many bytes of events one entry of a stream holds at most, unless a single one is larger."""

SMALLEST: Final = 1 << 14
"""How many bytes of events are read at least, however many read at once."""

Value = bytes | str | int | float
Job = tuple[Script | None, tuple[Value, ...]]


class RedisLog(Log):
    """A log on a Redis server, version 7 or newer, or one that speaks as it does.

    ``client`` may be a ``redis.asyncio.Redis`` or ``RedisCluster``; it brings its own timeouts and retries,
    and is left open. All keys begin with ``prefix``. ``look`` is after how many seconds a tail looks for
    itself, where the server's hints do not arrive.

    What is asked for at the same time goes out together, in one round trip for all writes and one for all
    reads. What an acknowledged event survives is the server's to say: ``appendonly yes`` and ``appendfsync
    always`` for a crash of its machine, ``everysec`` for its own; ``maxmemory-policy noeviction``, or it may
    drop conversations.
    """

    def __init__(self, client: Client, *, prefix: str = "rtstate", look: float = 1.0) -> None:
        super().__init__()
        if not prefix or not prefix.isprintable() or {"{", "}"} & {*prefix}:
            raise ValueError(f"a prefix can be printed and has no braces, not {prefix!r:.80}")
        if not look > 0:
            raise ValueError(f"look is a time in seconds, not {look!r}")
        if client.get_encoder().decode_responses:
            raise ValueError("a log keeps bytes: make the client without decode_responses")
        self._client: Any = client
        self._owned = False
        self._address = address(client)
        self._keys = Keys(prefix)
        self._look = look
        self._hints = Hints(client, self._keys, self._bell)
        self._work: Group[Job] = Group(self._run)
        self._reading: Group[tuple[str, int, int]] = Group(self._run_pages)

    @classmethod
    def from_url(cls, url: str, *, prefix: str = "rtstate", look: float = 1.0) -> Self:
        """Return a log on the server that a URL names, with a client of its own.

        ``redis://[[user]:password@]host[:port][/database]``, ``rediss://`` with TLS, ``unix:///path``; for a
        cluster ``redis+cluster://`` or ``rediss+cluster://`` and any of its nodes. It waits 2 seconds for a
        connection and 5 for an answer; ``?socket_timeout=60`` says otherwise. Nothing is sent before it is
        needed. Raises ValueError for a URL that names no server.
        """
        retry = Retry(ExponentialWithJitterBackoff(base=0.02, cap=0.5), 3, (RedisConnectionError,))
        scheme, cluster, place = url.partition("+cluster://")
        try:
            if urlsplit(url).path.strip("/").lstrip("0123456789") and not url.startswith("unix:"):
                raise ValueError("a database has a number")
            client = _client(f"{scheme}://{place}" if cluster else url, bool(cluster), retry)
        except (ValueError, TypeError, RedisClusterException):  # whose message may hold the password
            raise ValueError(
                "this URL names no Redis server, or has an option that redis-py does not know; "
                "one is redis://[[user]:password@]host[:port][/database]"
            ) from None
        log = cls(client, prefix=prefix, look=look)
        log._owned = True
        return log

    def __repr__(self) -> str:
        return f"<RedisLog {self._address}>"

    async def _append(self, name: str, records: Sequence[Record], expected: int, lease: Lease | None) -> int:
        batch = token_bytes(8)
        bytes_ = sum([len(record.raw) for record in records])
        last = expected + len(records)
        entries = [value for entry in _entries(records, expected, batch) for value in entry]
        keys = self._keys.meta(name), self._keys.events(name)
        answer, ends = await self._do(
            name, scripts.APPEND, keys, expected, lease.epoch if lease else "", batch, bytes_, last, *entries
        )
        if answer == b"lost" and lease is not None:
            raise LeaseLost(name, lease.holder)
        if answer == b"stale":
            raise StaleWriter(name, expected, self._int(name, ends))
        return last

    async def _page(self, name: str, after: int, size: int) -> Page:
        try:
            found = await self._reading.do((name, max(after, 0), size))
        except (RedisError, RedisClusterException, OSError) as error:
            raise ours(error, self._address, name) from error
        *told, here, entries = found
        if told[2] is None and not entries:
            return Page()
        try:
            birth, first, last = (int(each) for each in told)
            read = [entry for id_, fields in entries for entry in _events(id_, fields) if entry.seq > after]
            return Page(birth, first, last, read, here, entries[-1][1][1] if entries else None)
        except (ValueError, TypeError) as error:
            raise self._damaged(name) from error

    async def _load(self, name: str) -> Checkpoint | None:
        seq, data = await self._do(name, scripts.LOAD, (self._keys.meta(name), self._keys.checkpoint(name)))
        if seq is None:
            return None
        if data is None:
            raise LogDamaged(f"{name!r} has lost its checkpoint: is the server told to evict keys?")
        return Checkpoint(self._int(name, seq), data)

    async def _checkpoint(self, name: str, checkpoint: Checkpoint, lease: Lease | None) -> None:
        keys = self._keys.meta(name), self._keys.checkpoint(name)
        epoch = lease.epoch if lease else ""
        answer = await self._do(name, scripts.CHECKPOINT, keys, checkpoint.seq, checkpoint.data, epoch)
        match answer[0]:
            case b"lost" if lease is not None:
                raise LeaseLost(name, lease.holder)
            case b"gone":
                raise ConversationGone(f"there is no {name!r}")
            case b"after":
                raise ValueError(
                    f"{name!r} ends at {self._int(name, answer[1])}; there is nothing at {checkpoint.seq}"
                )
            case _:
                pass

    async def _trim(self, name: str) -> int:
        keys = self._keys.meta(name), self._keys.events(name)
        return self._int(name, await self._do(name, scripts.TRIM, keys))

    async def _summary(self, name: str) -> Summary | None:
        told = ("birth", "first", "last", "checkpoint", "size", "updated", "holder")
        *numbers, holder = await self._do(name, None, (), "HMGET", self._keys.meta(name), *told)
        if numbers[2] is None:
            return None
        birth, first, last, checkpoint, size, updated = (self._int(name, each or 0) for each in numbers)
        by = holder.decode() if holder is not None else None
        return Summary(name, first, last, checkpoint, size, birth / 1e6, updated / 1e6, by)

    async def _names(self) -> AsyncGenerator[str]:
        seen: set[str] = set()
        try:
            await self._expect_all()
            async for key in self._client.scan_iter(match=self._keys.all_events(), count=1000):
                name = self._keys.name(key)
                if name is not None and name not in seen:
                    seen.add(name)
                    yield name
        except (RedisError, RedisClusterException, OSError) as error:
            raise ours(error, self._address) from error

    async def _expect_all(self) -> None:
        """Raise where this is one node of several: it has only some of the names."""
        if isinstance(self._client, RedisCluster):
            return
        with suppress(ResponseError):  # it is no cluster's
            told = await self._client.execute_command("CLUSTER", "INFO")
            size = re.search(rb"cluster_size:(\d+)", told)
            if size and int(size[1]) > 1:
                raise LogUnavailable(f"{self._address} {A_NODE}")

    async def _delete(self, name: str, lease: Lease | None) -> bool:
        keys = self._keys.meta(name), self._keys.events(name), self._keys.checkpoint(name)
        answer = await self._do(name, scripts.DELETE, keys, lease.epoch if lease else "")
        if answer == b"lost" and lease is not None:
            raise LeaseLost(name, lease.holder)
        return bool(answer)

    async def _beat(self, holder: str, ttl: float) -> None:
        key = self._keys.holder(holder)
        if ttl > 0:
            await self._do(None, scripts.BEAT, (key,), max(int(ttl * 1000), 1))
        else:
            await self._do(None, None, (), "DEL", key)

    async def _acquire(self, name: str, holder: str) -> Lease:
        keys = (self._keys.meta(name),)
        dead: Value = ""
        while True:
            answer = await self._do(name, scripts.ACQUIRE, keys, holder, dead)
            if answer[0] == b"given":
                return Lease(name, holder, self._int(name, answer[1]))
            other, dead = answer[1].decode(), answer[2]
            if await self._do(None, None, (), "EXISTS", self._keys.holder(other)):
                raise LeaseHeld(name, other)

    async def _release(self, lease: Lease) -> None:
        await self._do(lease.name, scripts.RELEASE, (self._keys.meta(lease.name),), lease.epoch)

    async def _close(self) -> None:
        await self._hints.close()
        await self._work.finish()
        await self._reading.finish()
        if self._owned:
            await self._client.aclose()

    @asynccontextmanager
    async def _listen(self, name: str) -> AsyncGenerator[asyncio.Event]:
        with self._bell.listen(name) as rung:
            self._hints.follow()
            try:
                yield rung
            finally:
                self._hints.follow()

    async def _do(self, name: str | None, script: Script | None, keys: tuple[str, ...], *args: Value) -> Any:
        """Run a script, or a command where there is none, with others that are asked for meanwhile."""
        try:
            return await self._work.do((script, (len(keys), *keys, *args) if script else args))
        except (RedisError, RedisClusterException, OSError) as error:
            raise ours(error, self._address, name) from error

    async def _run_pages(self, asked: Sequence[tuple[str, int, int]]) -> Sequence[Any]:
        """Read for many at once, and so for each less."""
        return await self._run(
            [
                (
                    scripts.PAGE,
                    (
                        *(2, self._keys.meta(name), self._keys.events(name)),
                        *(after, max(size // len(asked), SMALLEST)),
                    ),
                )
                for name, after, size in asked
            ]
        )

    async def _run(self, jobs: Sequence[Job]) -> Sequence[Any]:
        """Send commands in one round trip; scripts that the server does not know are sent to it in another.

        A command may be sent again where its answer was lost.
        """
        results = await self._send(
            [("EVALSHA", script.sha, *args) if script else args for script, args in jobs]
        )
        unknown = [place for place, result in enumerate(results) if isinstance(result, NoScriptError)]
        if unknown:
            texts = [
                ("EVAL", script.text, *args) for script, args in map(jobs.__getitem__, unknown) if script
            ]
            for place, result in zip(unknown, await self._send(texts), strict=True):
                results[place] = result
        return results

    async def _send(self, commands: Sequence[tuple[Value, ...]]) -> list[Any]:
        pipeline = self._client.pipeline(transaction=False)
        for command in commands:
            pipeline.execute_command(*command)
        results: list[Any] = await pipeline.execute(raise_on_error=False)
        return results

    def _int(self, name: str, value: bytes | int) -> int:
        try:
            return int(value)
        except ValueError as error:
            raise self._damaged(name) from error

    def _damaged(self, name: str) -> LogDamaged:
        return LogDamaged(f"what {self._address} has of {name!r} is not what a log writes")


def _client(url: str, cluster: bool, retry: Retry) -> Client:
    options: dict[str, Any] = {"socket_connect_timeout": 2, "socket_timeout": 5, "retry": retry}
    if cluster:
        return RedisCluster.from_url(url, **options)
    client: Redis = Redis.from_url(url, **options)  # pyright: ignore[reportUnknownMemberType]
    pool: Any = client.connection_pool
    pool.make_connection()  # which tells of options that it does not know
    return client


def _entries(records: Sequence[Record], expected: int, batch: bytes) -> Iterator[list[Value]]:
    """Yield what a script adds to the stream: the last event's number, how many values follow, and those.

    A batch is one entry, or a few where it is large: they are added in one step all the same. Each entry is
    ``batch`` and its name, then for each event ``at`` and ``type`` where it has them, and ``raw``.
    """
    fields: list[Value] = ["batch", batch]
    events = size = 0
    for seq, record in enumerate(records, expected + 1):
        if record.at is not None:
            fields += "at", repr(float(record.at))
        if record.type is not None:
            fields += "type", record.type.encode()
        fields += "raw", record.raw
        events += 1
        size += len(record.raw)
        following = seq - expected
        if following == len(records) or events == MOST or size + len(records[following].raw) > LARGEST:
            yield [seq, len(fields), *fields]
            fields = ["batch", batch]
            events = size = 0


def _events(id_: bytes, fields: Sequence[bytes]) -> Iterator[Entry]:
    """Yield the events of an entry; raise ValueError or TypeError where it is none of ours."""
    last, _, zero = id_.partition(b"-")
    names = fields[::2]
    if zero != b"0" or names[0] != b"batch" or names[-1] != b"raw":
        raise ValueError(id_)
    seq = int(last) - names.count(b"raw")
    at = type_ = None
    for name, value in zip(names[1:], fields[3::2], strict=True):
        match name:
            case b"raw":
                seq += 1
                yield Entry(value, type_, at, seq=seq)
                at = type_ = None
            case b"at":
                at = float(value)
            case b"type":
                type_ = value.decode()
            case _:
                raise ValueError(name)
