"""Kill processes whose hub writes, again and again, while a hub in another process follows.

``python -m tests.hub.killed URL KILLS SEED TRIM`` prints figures as JSON. As in ``tests/logs/killed.py`` each
writer is a fork of this process, which has no thread and no open log when it forks.
"""

import asyncio
import json
import os
import select
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any

import attrs

from rtstate.errors import LeaseHeld
from rtstate.hub import Hub
from rtstate.logs import open_log
from tests.hub.processes import following, last_number, numbered, numbers, replayed

NAMES = ("one", "two", "three")
LEASE = 0.3
"""Seconds for which a dead hub keeps its conversations from others than itself."""


@attrs.define
class Figures:
    """What came of it."""

    kills: int = 0
    before_writing: int = 0
    acknowledged: int = 0
    kept_unacknowledged: int = 0
    took_over_from_another: int = 0
    updates: int = 0
    seconds: float = 0


async def opened(hub: Hub, name: str) -> int:
    """Wait for the lease of the dead one; return the number to go on from."""
    while True:
        with suppress(LeaseHeld):
            return await last_number(hub, name) + 1
        await asyncio.sleep(0.01)


async def write(hub: Hub, name: str, number: int, random: Random, pipe: int) -> None:
    """Feed for ever, one by one, several at once and in batches; tell what was acknowledged after it was."""
    while True:
        count = random.randrange(1, 9)
        events = [numbered(each) for each in range(number, number + count)]
        if random.random() < 0.5:
            await hub.feed_all(name, [(event, None) for event in events])
        else:
            await asyncio.gather(*(hub.feed(name, event) for event in events))
        number += count
        tell(pipe, [name, number])
        if random.random() < 0.01:
            await hub.close(name)


async def live(url: str, holder: str, seed: int, trim: bool, pipe: int) -> None:
    """Take over all conversations, and feed them until killed."""
    random = Random(seed)
    every = random.choice([20, 50])
    async with (
        open_log(url) as log,
        Hub(log, lease=LEASE, holder=holder, checkpoint_every=every, trim=trim) as hub,
    ):
        numbers = {name: await opened(hub, name) for name in NAMES}
        tell(pipe, numbers)
        await asyncio.gather(
            *(write(hub, name, number, Random(f"{seed}{name}"), pipe) for name, number in numbers.items())
        )


def tell(pipe: int, what: object) -> None:
    os.write(pipe, json.dumps(what).encode() + b"\n")


def forked(run: Callable[[], None]) -> int:
    """Run something in a process of its own."""
    process = os.fork()
    if process:
        return process
    try:
        run()
    except BaseException:
        traceback.print_exc()
        os._exit(3)
    os._exit(0)


class Follower:
    """A process that follows through all kills."""

    def __init__(self, url: str) -> None:
        asked, self._ask = os.pipe()
        self._told, told = os.pipe()

        def run() -> None:
            os.close(self._ask)
            with os.fdopen(asked) as lines, os.fdopen(told, "w") as answers:
                asyncio.run(following(url, 0, NAMES, lines, answers))

        self.process = forked(run)
        os.close(asked)
        os.close(told)
        self._answers = os.fdopen(self._told)
        assert self._answers.readline() == "ready\n"

    def at(self, revisions: dict[str, int]) -> dict[str, Any]:
        os.write(self._ask, json.dumps(revisions).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer

    def end(self) -> None:
        os.close(self._ask)
        assert os.waitpid(self.process, 0)[1] == 0
        self._answers.close()


class Killer:
    """Kills writers, and remembers what was acknowledged: the number that follows, of each conversation."""

    def __init__(self, url: str, seed: int, trim: bool) -> None:
        self.url, self.trim = url, trim
        self.random = Random(seed)
        self.figures = Figures()
        self.acknowledged = dict.fromkeys(NAMES, 0)
        self.holder = "writer"

    def kill(self) -> None:
        """Start a writer, kill it at some point, and compare what it found with what was acknowledged."""
        random, figures = self.random, self.figures
        before, self.holder = self.holder, random.choice(["writer", "writer", "writer", "another"])
        figures.took_over_from_another += before != self.holder
        pipe, its = os.pipe()
        seed = random.getrandbits(32)
        process = forked(lambda: asyncio.run(live(self.url, self.holder, seed, self.trim, its)))
        os.close(its)
        told = b""
        if random.random() < 0.9:  # else while it opens them
            while b"\n" not in told:
                assert select.select([pipe], [], [], 30)[0], "a writer did not begin in 30 s"
                told += (some := os.read(pipe, 1 << 16))
                assert some, "a writer failed"
        time.sleep(random.uniform(0.001, 0.08))
        os.kill(process, signal.SIGKILL)
        assert os.waitpid(process, 0)[1] == signal.SIGKILL, "a writer failed"
        while some := os.read(pipe, 1 << 16):
            told += some
        os.close(pipe)
        figures.kills += 1
        lines = [json.loads(line) for line in told.decode().splitlines()]
        if not lines:
            figures.before_writing += 1
            return
        self.compare(lines[0])
        for name, number in lines[1:]:
            figures.acknowledged += number - self.acknowledged[name]
            self.acknowledged[name] = number

    def compare(self, found: dict[str, int]) -> None:
        for name, number in found.items():
            more = number - self.acknowledged[name]
            assert more >= 0, f"{-more} acknowledged events are gone"
            assert more <= 8, "more is kept than was on its way"
            self.figures.kept_unacknowledged += more
            self.acknowledged[name] = number

    async def documents(self) -> dict[str, tuple[int, str]]:
        """What a fresh hub has; where nothing was trimmed, also what the events alone come to."""
        documents: dict[str, tuple[int, str]] = {}
        found: dict[str, int] = {}
        async with open_log(self.url) as log, Hub(log) as hub:
            for name in NAMES:
                snapshot = await hub.snapshot(name)
                there = numbers(snapshot)
                assert there == [*range(len(there))], "an event was lost, applied twice, or out of order"
                found[name] = len(there)
                documents[name] = snapshot.revision, snapshot.to_json()
                if not self.trim:
                    assert (await replayed(log, name)).to_json() == snapshot.to_json()
        self.compare(found)
        return documents


def run(url: str, kills: int, seed: int, trim: bool) -> Figures:
    """Kill so many writers; raise AssertionError where hub or log do not keep their word."""
    start = time.perf_counter()
    killer = Killer(url, seed, trim)
    follower = Follower(url)
    for kill in range(1, kills + 1):
        killer.kill()
        if kill % 10 == 0 or kill == kills:
            documents = asyncio.run(killer.documents()) if killer.figures.acknowledged else {}
            seen = follower.at({name: revision for name, (revision, _) in documents.items()})
            for name, (_, document) in documents.items():
                assert seen[name]["failed"] is None, seen[name]["failed"]
                assert seen[name]["document"] == document, f"the follower of {name!r} has another document"
    killer.figures.updates = sum(each["updates"] for each in seen.values())
    follower.end()
    killer.figures.seconds = round(time.perf_counter() - start, 2)
    return killer.figures


if __name__ == "__main__":
    figures = run(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "trim")
    print(json.dumps(attrs.asdict(figures)))
