"""A SQLite file that was damaged, or torn where its process or machine died: read right, or not at all."""

import os
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any

import attrs
import pytest

from rtstate.errors import LogDamaged, LogError, LogUnavailable
from rtstate.logs import Checkpoint, Entry, Record
from rtstate.logs.sqlite import SqliteLog
from tests.logs.support import everything, numbers

pytestmark = pytest.mark.anyio

EXAMPLES = int(os.environ.get("RTSTATE_EXAMPLES") or (200 if os.environ.get("CI") else 40))
PAGE = 4096
NAMES = [f"call {number}" for number in range(60)]
"""Enough that each of their indexes has several pages."""


@attrs.frozen
class Written:
    """What a file holds."""

    path: Path
    events: dict[str, list[Entry]]
    checkpoints: dict[str, Checkpoint | None]

    async def check(self, log: SqliteLog) -> int:
        """Read everything; return how much of that was refused. What was not is what was written."""
        refused = 0
        for name, events in self.events.items():
            for read, expected in (
                (lambda name=name: everything(log, name), events),
                (lambda name=name: log.load(name), self.checkpoints[name]),
                (lambda name=name: _end(log, name), len(events)),
            ):
                try:
                    found = await read()
                except (LogDamaged, LogUnavailable):
                    refused += 1
                else:
                    assert found == expected
        try:
            names = sorted([name async for name in log.names()])
        except (LogDamaged, LogUnavailable):
            refused += 1
        else:
            assert names == sorted(name for name, events in self.events.items() if events)
        return refused


async def _end(log: SqliteLog, name: str) -> int:
    summary = await log.summary(name)
    return summary.last if summary else 0


def batch(random: Random, first: int, count: int) -> list[Record]:
    return [
        Record(random.randbytes(random.choice([0, 50, 200, 200, 200, 6000])), f"test.{number}", float(number))
        for number in range(first, first + count)
    ]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def written(tmp_path_factory: pytest.TempPathFactory) -> Written:
    random = Random(7)
    path = tmp_path_factory.mktemp("written") / "calls.db"
    done = Written(path, {"nobody": []}, {"nobody": None})
    async with SqliteLog(path, synchronous="normal") as log:
        for name in NAMES:
            some = batch(random, 1, random.randrange(1, 12))
            await log.append(name, some, expected=0)
            checkpoint = Checkpoint(1, random.randbytes(100)) if random.random() < 0.5 else None
            if checkpoint:
                await log.checkpoint(name, checkpoint)
            done.events[name] = [Entry(each.raw, each.type, each.at, seq=n) for n, each in enumerate(some, 1)]
            done.checkpoints[name] = checkpoint
    return done


def emptied(folder: Path) -> None:
    for each in folder.iterdir():
        each.unlink()


def flip(random: Random, page: bytearray) -> None:
    page[random.randrange(len(page))] ^= 1 << random.randrange(8)


def garble(random: Random, page: bytearray) -> None:
    start = random.randrange(len(page) - 64)
    length = random.randrange(1, 64)
    page[start : start + length] = random.randbytes(length)


def blank(random: Random, page: bytearray) -> None:
    start = random.randrange(0, len(page), 512)
    page[start : start + 512] = bytes(512)


def header(random: Random, page: bytearray) -> None:
    """The beginning of a page says how many cells it has, and where."""
    page[random.randrange(0, 40)] = random.randrange(256)


def fewer(random: Random, page: bytearray) -> None:
    page[4] = max(page[4] - 1, 0)


DAMAGES: Sequence[Callable[[Random, bytearray], None]] = (flip, flip, garble, blank, header, header, fewer)


@pytest.mark.parametrize("damage", [*dict.fromkeys(DAMAGES)])
async def test_a_damaged_page_is_read_right_or_not_at_all(
    written: Written, tmp_path: Path, damage: Callable[[Random, bytearray], None]
) -> None:
    whole = written.path.read_bytes()
    assert len(whole) % PAGE == 0
    path = tmp_path / "calls.db"
    refused = 0
    for seed in range(EXAMPLES):
        random = Random(seed)
        page = random.choice([*range(min(14, len(whole) // PAGE)), random.randrange(len(whole) // PAGE)])
        start = page * PAGE + (100 if page == 0 and damage in {header, fewer} else 0)
        part = bytearray(whole[start : (page + 1) * PAGE])
        damage(random, part)
        path.write_bytes(whole[:start] + part + whole[(page + 1) * PAGE :])
        try:
            log = SqliteLog(path, synchronous="normal", timeout=0.1)
        except (LogDamaged, LogUnavailable):
            refused += 1
        else:
            async with log:
                refused += await written.check(log)
        emptied(tmp_path)
    assert refused


async def test_a_file_that_was_cut_is_read_right_or_not_at_all(written: Written, tmp_path: Path) -> None:
    whole = written.path.read_bytes()
    path = tmp_path / "calls.db"
    for seed in range(EXAMPLES):
        random = Random(seed)
        length = random.choice([random.randrange(1, len(whole)), random.randrange(1, 5000)])
        path.write_bytes(whole[:length])
        try:
            log = SqliteLog(path, synchronous="normal", timeout=0.1)
        except (LogDamaged, LogUnavailable):
            pass
        else:
            async with log:
                assert await written.check(log)
        emptied(tmp_path)


async def test_what_is_written_to_a_damaged_file_is_refused_or_kept(written: Written, tmp_path: Path) -> None:
    """And what was there is not hidden by it."""
    whole = written.path.read_bytes()
    path = tmp_path / "calls.db"
    for seed in range(EXAMPLES):
        random = Random(seed)
        damaged = bytearray(whole)
        flip_at = random.randrange(min(14 * PAGE, len(whole)))
        damaged[flip_at] ^= 1 << random.randrange(8)
        path.write_bytes(damaged)
        name = random.choice(NAMES)
        try:
            async with SqliteLog(path, synchronous="normal", timeout=0.1) as log:
                await log.acquire(name, "me")
                await log.append(name, [Record(b"new")], expected=len(written.events[name]))
                found = await everything(log, name)
        except (LogDamaged, LogUnavailable):
            pass
        else:
            assert found == [*written.events[name], Entry(b"new", seq=len(found))]
        emptied(tmp_path)


@pytest.mark.parametrize("where", [0, 1])
async def test_a_name_that_one_index_has_lost_does_not_begin_anew(tmp_path: Path, where: int) -> None:
    path = tmp_path / "calls.db"
    async with SqliteLog(path) as log:
        await log.append("a name to be found", [Record(b"{}")], expected=0)
    whole = path.read_bytes()
    places = [place for place in range(len(whole)) if whole.startswith(b"a name to be found", place)]
    assert len(places) == 2  # in the table, and in the index
    damaged = bytearray(whole)
    damaged[places[where]] ^= 1
    path.write_bytes(damaged)
    calls: list[Callable[[SqliteLog], Any]] = [
        lambda log: everything(log, "a name to be found"),
        lambda log: log.acquire("a name to be found", "me"),
        lambda log: log.append("a name to be found", [Record(b"{}")], expected=0),
    ]
    async with SqliteLog(path) as log:
        for call in calls:
            try:
                found = await call(log)
            except LogError:
                continue
            assert where == 0
            assert found


# torn


@attrs.define
class Torn:
    """A file and its WAL as they were while it was written; how long the WAL was after each batch."""

    whole: bytes
    wal: bytes
    acknowledged: list[tuple[int, dict[str, int]]]
    ends: dict[str, set[int]]


@pytest.fixture(scope="module")
async def torn(tmp_path_factory: pytest.TempPathFactory) -> Torn:
    random = Random(11)
    path = tmp_path_factory.mktemp("torn") / "calls.db"
    wal = path.with_name("calls.db-wal")
    last = dict.fromkeys(NAMES[:3], 0)
    acknowledged = []
    ends = {name: {0} for name in last}
    async with SqliteLog(path, synchronous="normal") as log:
        await log._writer.do(_no_checkpoints)
        for _ in range(60):
            name = random.choice([*last])
            some = batch(random, last[name] + 1, random.randrange(1, 9))
            last[name] = await log.append(name, some, expected=last[name])
            ends[name].add(last[name])
            acknowledged.append((wal.stat().st_size, dict(last)))
        return Torn(path.read_bytes(), wal.read_bytes(), acknowledged, ends)


def _no_checkpoints(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA wal_autocheckpoint = 0")


@pytest.mark.parametrize("how", ["cut", "garbled", "blank", "swapped"])
async def test_a_torn_write_leaves_whole_batches_and_all_before_it(
    torn: Torn, tmp_path: Path, how: str
) -> None:
    path = tmp_path / "calls.db"
    for seed in range(EXAMPLES):
        random = Random(seed)
        frame = 32 + (PAGE + 24) * random.randrange((len(torn.wal) - 32) // (PAGE + 24))
        place = random.choice([frame, frame + random.randrange(24), random.randrange(len(torn.wal))])
        wal = bytearray(torn.wal)
        if how == "cut":
            del wal[place:]
        elif how == "garbled":
            wal[place] ^= 1 << random.randrange(8)
        elif how == "blank":  # as a file that was made longer and not yet written
            wal[place:] = bytes(len(wal) - place)
        else:  # a frame that was written before the one ahead of it
            wal[frame : frame + PAGE + 24] = bytes(PAGE + 24)
            place = frame
        path.write_bytes(torn.whole)
        path.with_name("calls.db-wal").write_bytes(wal)
        least = max((told for told in torn.acknowledged if told[0] <= place), key=_first, default=(0, {}))[1]
        async with SqliteLog(path, synchronous="normal") as log:
            for name, ends in torn.ends.items():
                found = numbers(await everything(log, name))
                assert found == list(range(1, len(found) + 1))
                assert len(found) in ends
                assert len(found) >= least.get(name, 0)
                await log.append(name, [Record(b"after it")], expected=len(found))
        emptied(tmp_path)


def _first(told: tuple[int, object]) -> int:
    return told[0]


async def test_a_copy_of_the_file_without_its_wal_is_whole_up_to_somewhere(
    torn: Torn, tmp_path: Path
) -> None:
    path = tmp_path / "calls.db"
    path.write_bytes(torn.whole)
    async with SqliteLog(path) as log:
        for name, ends in torn.ends.items():
            assert len(await everything(log, name)) in ends


async def test_a_conversation_that_a_page_gives_twice_does_not_hide_another(
    written: Written, tmp_path: Path
) -> None:
    """Each cell of a page has a pointer: one that is damaged may be that of another cell."""
    whole = bytearray(written.path.read_bytes())
    with sqlite3.connect(written.path) as connection:
        [root] = connection.execute(
            "SELECT rootpage FROM sqlite_master WHERE name = 'conversations'"
        ).fetchone()
    connection.close()
    page = (root - 1) * PAGE
    if whole[page] == 5:  # no leaf: its last child is one
        page = (int.from_bytes(whole[page + 8 : page + 12]) - 1) * PAGE
    assert whole[page] == 13
    whole[page + 8 : page + 10] = whole[page + 10 : page + 12]
    path = tmp_path / "calls.db"
    path.write_bytes(whole)
    async with SqliteLog(path) as log:
        assert await written.check(log)
