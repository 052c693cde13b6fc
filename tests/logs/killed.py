"""Kill writers of a log again and again, and see that it holds what they were told: for any log by its URL.

``python -m tests.logs.killed URL KILLS SEED`` prints figures as JSON. Each writer is a fork of this process,
so that a kill costs no start of an interpreter; so this one has no thread and no open log when it forks.
"""

import asyncio
import json
import os
import select
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import groupby
from random import Random
from zlib import crc32

import attrs

from rtstate.errors import LeaseHeld
from rtstate.logs import Checkpoint, Entry, Lease, Log, Record, open_log

NAMES = ("one", "two", "three", "four")
TTL = 0.06
"""Seconds that a dead writer keeps its leases."""


@attrs.frozen
class Told:
    """What a writer was told is kept: a batch by the checksums of its events, or a checkpoint by none."""

    name: str
    last: int
    checksums: tuple[int, ...]


@attrs.define
class Figures:
    """What came of it."""

    kills: int = 0
    before_writing: int = 0
    acknowledged: int = 0
    kept_unacknowledged: int = 0
    batches_in_flight_kept: int = 0
    checkpoints: int = 0
    seconds: float = 0


# the writer, which dies


def batch(random: Random, writer: int, number: int) -> list[Record]:
    """Events that say who wrote them, which they are, and of which batch."""
    count = random.randrange(1, 20)
    return [
        Record.of(
            {
                "type": "test.kill",
                "writer": writer,
                "number": number + place,
                "place": place,
                "count": count,
                "filler": "x" * random.choice([0, 50, 200, 2000, 20_000 if place == 0 else 0]),
            },
            at=float(number),
        )
        for place in range(count)
    ]


async def acquired(log: Log, name: str, holder: str) -> Lease:
    while True:
        with suppress(LeaseHeld):
            return await log.acquire(name, holder)
        await asyncio.sleep(0.002)


async def write(log: Log, lease: Lease, writer: int, random: Random, pipe: int) -> None:
    """Append for ever; tell what was acknowledged after it was."""
    summary = await log.summary(lease.name)
    last = summary.last if summary else 0
    number = 0
    while True:
        records = batch(random, writer, number)
        number += len(records)
        last = await log.append(lease.name, records, expected=last, lease=lease)
        tell(pipe, Told(lease.name, last, tuple(crc32(each.raw) for each in records)))
        if random.random() < 0.1:
            await log.checkpoint(lease.name, Checkpoint(last, str(last).encode()), lease=lease)
            tell(pipe, Told(lease.name, last, ()))


async def live(url: str, writer: int, seed: int, pipe: int) -> None:
    """Take over all conversations, and write them until killed."""
    random = Random(seed)
    holder = f"writer {random.choice([writer, 0])}"  # a new one, or one that comes back
    async with open_log(url) as log:
        await log.beat(holder, TTL)
        leases = [await acquired(log, name, holder) for name in NAMES]
        tell(pipe, "ready")
        writing = [
            asyncio.ensure_future(write(log, lease, writer, Random(f"{seed} {lease.name}"), pipe))
            for lease in leases
        ]
        while not any(each.done() for each in writing):
            await log.beat(holder, TTL)
            await asyncio.wait(writing, timeout=TTL / 3, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.gather(*writing)


def tell(pipe: int, what: Told | str) -> None:
    line = what if isinstance(what, str) else json.dumps(attrs.astuple(what))
    os.write(pipe, line.encode() + b"\n")  # less than the pipe writes at once


def forked(url: str, writer: int, seed: int) -> tuple[int, int]:
    """Start a writer; return its process and the pipe that tells of it."""
    pipe, its = os.pipe()
    process = os.fork()
    if process:
        os.close(its)
        return process, pipe
    try:
        asyncio.run(live(url, writer, seed, its))
    except BaseException:
        traceback.print_exc()
    os._exit(3)


# who kills it, and looks


def killed(url: str, writer: int, random: Random) -> Iterator[Told | None]:
    """Kill a writer at some point; give what it told, None for one that did not come to write."""
    process, pipe = forked(url, writer, random.getrandbits(32))
    told = b""
    if random.random() < 0.9:  # else while it opens the log and takes its leases
        while not told.startswith(b"ready\n"):
            assert select.select([pipe], [], [], 30)[0], "a writer did not begin in 30 s"
            told += (some := os.read(pipe, 1 << 16))
            assert some, "a writer failed"
    time.sleep(random.uniform(0.001, 0.04))
    os.kill(process, signal.SIGKILL)
    assert os.waitpid(process, 0)[1] == signal.SIGKILL, "a writer failed"
    while some := os.read(pipe, 1 << 16):
        told += some
    os.close(pipe)
    lines = told.decode().splitlines()
    if len(lines) < 2:
        yield None
    for line in lines[1:]:
        name, last, checksums = json.loads(line)
        yield Told(name, last, tuple(checksums))


@attrs.define
class Expected:
    """What was told of a conversation since it was last looked at."""

    seen: int = 0
    checksums: dict[int, int] = attrs.field(factory=dict[int, int])
    checkpoint: int = 0

    def add(self, told: Told) -> None:
        if not told.checksums:
            self.checkpoint = told.last
        first = told.last - len(told.checksums) + 1
        for seq, checksum in enumerate(told.checksums, first):
            assert seq not in self.checksums, f"event {seq} was acknowledged twice"
            self.checksums[seq] = checksum


async def look(url: str, expected: dict[str, Expected], figures: Figures) -> None:
    """Compare the log, opened anew, with what was told."""
    async with open_log(url) as log:
        for name, each in expected.items():
            entries = [entry async for entry in log.read(name, each.seen)]
            compare(entries, each, figures)
            checkpoint = await log.load(name)
            assert (checkpoint.seq if checkpoint else 0) >= each.checkpoint
            assert checkpoint is None or checkpoint.data == str(checkpoint.seq).encode()
            each.seen += len(entries)
            each.checksums.clear()


def compare(entries: list[Entry], expected: Expected, figures: Figures) -> None:
    assert [entry.seq for entry in entries] == list(
        range(expected.seen + 1, expected.seen + 1 + len(entries))
    )
    missing = expected.checksums.keys() - {entry.seq for entry in entries}
    assert not missing, f"{len(missing)} acknowledged events are gone, the first is {min(missing)}"
    values = [json.loads(entry.raw) for entry in entries]
    for _, group in groupby(zip(entries, values, strict=True), lambda pair: pair[1]["writer"]):
        unacknowledged = 0
        for number, (entry, value) in enumerate(group):
            assert value["number"] == number, "an event is there twice, or out of order"
            if entry.seq not in expected.checksums:
                unacknowledged += 1
                assert value["count"] >= unacknowledged == value["place"] + 1, "more than one batch is kept"
            else:
                assert not unacknowledged, "acknowledged after what was not"
                assert expected.checksums[entry.seq] == crc32(entry.raw), f"event {entry.seq} is another"
            last = value
        assert last["place"] + 1 == last["count"], "half a batch is kept"
        figures.kept_unacknowledged += unacknowledged
        figures.batches_in_flight_kept += bool(unacknowledged)
    writers = Counter(writer for writer, _ in groupby(value["writer"] for value in values))
    assert all(count == 1 for count in writers.values()), "who is dead has written"


def run(url: str, kills: int, seed: int) -> Figures:
    """Kill so many writers; raise AssertionError where the log does not keep its word."""
    random = Random(seed)
    figures = Figures()
    expected = {name: Expected() for name in NAMES}
    start = time.perf_counter()
    for writer in range(1, kills + 1):
        for told in killed(url, writer, random):
            if told is None:
                figures.before_writing += 1
            else:
                expected[told.name].add(told)
                figures.acknowledged += len(told.checksums)
                figures.checkpoints += not told.checksums
        figures.kills += 1
        if random.random() < 0.7 or writer == kills:  # else the next writer is the first to open it again
            asyncio.run(look(url, expected, figures))
    seen = {name: each.seen for name, each in expected.items()}
    asyncio.run(whole(url, seen))
    figures.seconds = round(time.perf_counter() - start, 2)
    return figures


async def whole(url: str, seen: dict[str, int]) -> None:
    """Read everything once more from the beginning."""
    async with open_log(url) as log:
        assert sorted([name async for name in log.names()]) == sorted(name for name in seen if seen[name])
        for name, last in seen.items():
            told: set[tuple[int, int]] = set()
            async for entry in log.read(name):
                value = json.loads(entry.raw)
                told.add((value["writer"], value["number"]))
            assert len(told) == last, "events are missing, or there twice"


if __name__ == "__main__":
    figures = run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps(attrs.asdict(figures)))
