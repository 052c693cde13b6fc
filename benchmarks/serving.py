"""What a server costs with followers over HTTP, and how late they are.

``rtstate serve`` runs in a process of its own over a log in memory, and is fed over WebSockets, 2,000 events a
second over 20 conversations. 200 followers of another process read their changes over SSE, at most 20 frames a
second each. How late an event is counts from when it is sent until a follower has it, beside the 50 ms that
one waits at most for the next frame. The processor time of the server is shown per event, beside the same
without followers, and its memory with one follower more that never reads, beside the same without that one.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice, pairwise
from pathlib import Path
from statistics import quantiles
from time import monotonic
from typing import Final

import attrs
from websockets.asyncio.client import ClientConnection, connect

from benchmarks._engines import speaking
from benchmarks._harness import Figure, Rounds, Size, question, settled

FRAME: Final = "50 ms"
ALONE: Final = "no followers"
BEGIN: Final = 30


@attrs.frozen
class _Run:
    """µs of the server's processor per event, how late events were in µs, the server's memory in kB."""

    busy: float
    late: list[float]
    memory: float


@question
def serving(size: Size) -> Iterator[Figure]:
    conversations, count, pace = size.pick(2, 20), size.pick(4, 200), size.pick(200, 2_000)
    samples: dict[str, list[float]] = {FRAME: []}
    memory: dict[str, list[float]] = {}
    whole = f"{count:,} followers"
    with settled():
        for _ in range(size.pick(2, 3, 7)):
            samples[FRAME].append(50_000)
            for followers, stuck in ((0, False), (count, False), (count, True)):
                run = asyncio.run(_run(conversations, followers, stuck, pace, size.pick(5, 100) / 10))
                if stuck:
                    memory.setdefault("with one that never reads", []).append(run.memory)
                    continue
                samples.setdefault(whole if followers else ALONE, []).append(run.busy)
                if followers:
                    memory.setdefault("all read", []).append(run.memory)
                    percent = quantiles(run.late, n=100, method="inclusive")
                    samples.setdefault(f"late, half of {whole}", []).append(percent[49])
                    samples.setdefault(f"late, 99 % of {whole}", []).append(percent[98])
    on = f"{pace:,} events a second to {conversations} conversations"
    rounds = Rounds(on, samples)
    yield rounds.figure(f"late, half of {whole}", FRAME)
    yield rounds.figure(f"late, 99 % of {whole}", FRAME, target=5)
    yield rounds.figure(whole, ALONE)
    yield Rounds(on, memory, "kB").figure("with one that never reads", "all read")


async def _run(conversations: int, count: int, stuck: bool, pace: int, seconds: float) -> _Run:
    async with _server() as (pid, port), AsyncExitStack() as sockets:
        names = [str(number) for number in range(conversations)]
        uri = f"ws://127.0.0.1:{port}/conversations"
        fed = {name: [0.0] * (BEGIN + 1) for name in names}  # by revision: when each event was sent
        feeders = {
            name: (await sockets.enter_async_context(connect(f"{uri}/{name}/ingest")), speaking())
            for name in names
        }
        for feeder, events in feeders.values():
            await _feed(feeder, list(islice(events, BEGIN)))
        if stuck:
            never = sockets.enter_context(socket.create_connection(("127.0.0.1", port)))
            never.sendall(b"GET /conversations/0/changes?rate=60 HTTP/1.1\r\nHost: localhost\r\n\r\n")
        listening = await _listeners(port, conversations, count) if count else None
        busy, begin = _busy(pid), monotonic()

        async def feed(name: str, after: float) -> None:
            feeder, events = feeders[name]
            told = asyncio.create_task(_told(feeder, round(pace * seconds / conversations)))
            for number, raw in enumerate(islice(events, round(pace * seconds / conversations))):
                await asyncio.sleep(begin + after + number * conversations / pace - monotonic())
                fed[name].append(monotonic())
                await feeder.send(raw)
            await told

        await asyncio.gather(*(feed(name, number / pace) for number, name in enumerate(names)))
        await asyncio.sleep(0.2)
        busy, memory = _busy(pid) - busy, _memory(pid)
        taken = await _results(listening) if listening else []
    late = [each for name, updates in taken for each in _late(fed[name], updates)]
    return _Run(busy / round(pace * seconds) * 1e6, late, memory)


@asynccontextmanager
async def _server() -> AsyncGenerator[tuple[int, int]]:
    words = (sys.executable, "-m", "rtstate", "serve", "--port", "0", "--log", "memory:")
    process = await asyncio.create_subprocess_exec(*words, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        line = (await process.stderr.readline()).decode()
        found = re.search(r":(\d+)/", line)
        assert found, line
        yield process.pid, int(found[1])
    finally:
        process.terminate()
        await process.wait()


async def _listeners(port: int, conversations: int, count: int) -> asyncio.subprocess.Process:
    words = (sys.executable, "-m", "benchmarks._listeners", *map(str, (port, conversations, count)))
    process = await asyncio.create_subprocess_exec(
        *words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, limit=1 << 28, cwd=Path(__file__).parents[1]
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"begun\n"
    return process


async def _results(process: asyncio.subprocess.Process) -> list[tuple[str, list[tuple[int, float]]]]:
    told, _ = await process.communicate()
    taken: list[tuple[str, list[tuple[int, float]]]] = json.loads(told)
    return taken


async def _feed(feeder: ClientConnection, events: list[str]) -> None:
    for raw in events:
        await feeder.send(raw)
    await _told(feeder, len(events))


async def _told(feeder: ClientConnection, count: int) -> None:
    """Wait until so many events were acknowledged."""
    while count > 0:
        count -= json.loads(await feeder.recv())["events"]


def _late(fed: list[float], updates: list[tuple[int, float]]) -> Iterator[float]:
    """Yield in µs how long after it was sent each event reached a follower."""
    for (before, _), (revision, at) in pairwise(updates):
        for each in range(before + 1, revision + 1):
            yield (at - fed[each]) * 1e6


def _busy(pid: int) -> float:
    """Return how many seconds of the processor a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> float:
    """Return how many kB of memory a process has."""
    found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    assert found
    return float(found[1])
