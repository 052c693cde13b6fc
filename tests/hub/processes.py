"""Hubs in processes of their own: ``python -m tests.hub.processes WHAT URL …``, and what they share."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Coroutine, Sequence
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, TextIO

from rtstate import Conversation, Replica, Snapshot
from rtstate.errors import LeaseHeld, LogUnavailable
from rtstate.hub import Hub
from rtstate.logs import Log, open_log
from rtstate.logs.sqlite import SqliteLog
from tests.logs.process import ROOT

PER_ITEM = 40


def numbered(number: int, who: str = "") -> dict[str, str]:
    """An event without an id, whose text says which it is: one lost or applied twice is seen."""
    item = f"item_{who}{number // PER_ITEM}"
    return {
        "type": "response.output_text.delta",
        "item_id": item,
        "response_id": "resp_1",
        "delta": f"{number} ",
    }


def numbers(snapshot: Snapshot, who: str = "") -> list[int]:
    """Which events are in a document, in its order."""
    return [
        int(number)
        for item in snapshot.items
        if item.id.startswith(f"item_{who}")
        for part in item.content
        for number in (part.text or "").split()
    ]


async def last_number(hub: Hub, name: str, who: str = "") -> int:
    """The last event in a document; -1 where there is none."""
    return max(numbers(await hub.open(name), who), default=-1)


async def replayed(log: Log, name: str) -> Snapshot:
    conversation = Conversation()
    async for entry in log.read(name):
        conversation.feed(entry.raw, entry.at)
    return conversation.snapshot()


async def surely(hub: Hub, name: str, number: int) -> int:
    """Feed one event until it is certain that it is kept, once; return how often the log was unavailable."""
    failed = 0
    unsure = False
    while True:
        try:
            if unsure and number in numbers(await hub.snapshot(name)):
                return failed  # it was kept, and only the answer was lost
            await hub.feed(name, numbered(number))
            return failed
        except LogUnavailable:
            failed += 1
            unsure = True
            await asyncio.sleep(0.02)


def memory() -> int:
    """Bytes of memory that this process has now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


# a follower


class Viewer:
    """Somebody who follows a conversation by its patches."""

    def __init__(self, hub: Hub, name: str, pause: float) -> None:
        self.updates = self.furthest = 0
        self._replica = Replica(Conversation().snapshot())
        self._task = asyncio.create_task(self._follow(hub, name, pause))

    async def _follow(self, hub: Hub, name: str, pause: float) -> None:
        async with aclosing(hub.follow(name, rate=1000)) as updates:
            async for update in updates:
                self._replica.apply(update)
                self.updates += 1
                self.furthest = max(self.furthest, self.revision)
                await asyncio.sleep(pause)

    @property
    def revision(self) -> int:
        """How far it has come."""
        return self._replica.snapshot().revision

    async def at(self, revision: int) -> dict[str, object]:
        """Wait for a revision; say how it ended where it does not come."""
        with suppress(TimeoutError):
            async with asyncio.timeout(20):
                while self.revision < revision and not self._task.done():
                    await asyncio.sleep(0.01)
        failed = repr(self._task.exception()) if self._task.done() else None
        document = self._replica.snapshot().to_json()
        return {"document": document, "updates": self.updates, "memory": memory(), "failed": failed}

    async def end(self) -> None:
        self._task.cancel()
        with suppress(asyncio.CancelledError):
            await self._task


async def following(url: str, pause: float, names: Sequence[str], asked: TextIO, told: TextIO) -> None:
    """Follow, and tell what has come of it when that is asked for: ``{name: revision}``, one line each."""
    async with open_log(url) as log, Hub(log) as hub:
        viewers = {name: Viewer(hub, name, pause) for name in names}
        print("ready", file=told, flush=True)
        while line := await asyncio.to_thread(asked.readline):
            answer = {name: await viewers[name].at(revision) for name, revision in json.loads(line).items()}
            print(json.dumps(answer), file=told, flush=True)
        for viewer in viewers.values():
            await viewer.end()


async def follow(url: str, pause: str, *names: str) -> None:
    await following(url, float(pause), names, sys.stdin, sys.stdout)


class Process:
    """One of these programs, which is spoken with by lines."""

    def __init__(self, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.hub.processes", *arguments],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid

    async def line(self, seconds: float = 60) -> Any:
        """The next line it prints, as JSON; a word as it is."""
        assert self._process.stdout is not None
        line = await asyncio.wait_for(asyncio.to_thread(self._process.stdout.readline), seconds)
        assert line, "it has ended"
        return json.loads(line) if line[0] in '{["0123456789' else line.strip()

    async def ask(self, **revisions: int) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(revisions) + "\n")
        self._process.stdin.flush()
        return await self.line()

    def end(self) -> int:
        """Let it end by itself, and give its exit code."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            return self._process.wait(20)
        finally:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()


# writers


async def write(url: str, name: str, count: str) -> None:
    """Feed many events that leave a small document, and tell how much memory that took."""
    event = {"type": "input_audio_buffer.append", "audio": "AAAA" * 100}
    async with open_log(url) as log, Hub(log, trim=True) as hub:
        await hub.feed_all(name, [(event, None)] * 2000)
        before, done = memory(), 2000
        print(before, flush=True)
        while done < int(count):
            await hub.feed_all(name, [(event, None)] * 20)
            await hub.feed(name, numbered(0))
            done += 21
        print(json.dumps([done, memory(), (await hub.snapshot(name)).revision]), flush=True)


async def rival(url: str, name: str, me: str, count: str, closing: str, lease: str) -> None:
    """Feed so many events to a conversation that another wants to feed too; tell who refused it.

    After every ``closing`` events it lets the other write; 0 is never. A line is printed for each thing that
    may be waited for: ``writing`` when it has the lease, ``held`` when the other has it.
    """
    refused, told = 0, ""
    async with open_log(url) as log, Hub(log, lease=float(lease), checkpoint_every=25, holder=me) as hub:
        number = 0
        while number < int(count):
            try:
                await hub.feed(name, numbered(number, me))
                now = "writing"
                number += 1
                if int(closing) and number % int(closing) == 0:
                    await hub.close(name)
                    await asyncio.sleep(0.02)
            except LeaseHeld:
                refused += 1
                now = "held"
                await asyncio.sleep(0.003)
            if now != told and not int(closing):
                print(now, flush=True)
                told = now
    print(json.dumps([refused]), flush=True)


async def fill(folder: str) -> None:
    """Feed a hub until there is no room left on its small disk, make some, and go on."""
    place = Path(folder)
    ballast = place / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    filler = {"type": "test.filler", "filler": "x" * 5000}
    async with SqliteLog(place / "calls.db", timeout=1) as log, Hub(log, lease=1) as hub:
        number = full = acknowledged = 0
        viewer = Viewer(hub, "call", 0)
        try:
            while full < 3:
                try:
                    changes = await hub.feed_all("call", [(numbered(number), None), (filler, None)])
                    acknowledged = changes[-1].revision
                    number += 1
                except LogUnavailable as error:
                    if "no room" not in str(error):
                        raise
                    full += 1
                    await asyncio.sleep(0.05)
                    assert viewer.furthest <= acknowledged, "what was not kept was shown"
                assert numbers(await hub.snapshot("call")) == [*range(number)]
            assert number > 10
            ballast.unlink()
            for more in range(number, number + 10):
                await hub.feed("call", numbered(more))
            assert numbers(await hub.snapshot("call")) == [*range(number + 10)]
        finally:
            await viewer.end()
    async with SqliteLog(place / "calls.db", timeout=1) as log, Hub(log) as hub:
        assert numbers(await hub.snapshot("call")) == [*range(number + 10)]
        assert (await hub.snapshot("call")).to_json() == (await replayed(log, "call")).to_json()


if __name__ == "__main__":
    programs: dict[str, Callable[..., Coroutine[Any, Any, None]]] = {
        each.__name__: each for each in (follow, write, rival, fill)
    }
    asyncio.run(programs[sys.argv[1]](*sys.argv[2:]))
