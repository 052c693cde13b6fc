"""What followers cost, and how late they are.

A hub over ``MemoryLog`` is fed at the pace of live calls, 100 events a second to one conversation or 10 to
each of 200, and its followers take at most 10 updates a second each. The processor time of the process is
shown per event, beside the same without followers. How late an event is counts from the call of ``feed``
until a follower has it, over all events and followers, beside the 100 ms that one waits at most for the next
update; of 100 events a second half wait for more than half of that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from itertools import islice, pairwise
from statistics import quantiles
from time import perf_counter, process_time
from typing import Final

import attrs

from benchmarks._engines import speaking
from benchmarks._harness import Figure, Rounds, Size, question, settled
from rtstate.hub import Hub
from rtstate.logs import MemoryLog

RATE: Final = 10.0
NONE: Final = "no followers"
FRAME: Final = "100 ms"


@attrs.frozen
class _Run:
    """What came of one run: µs of the processor per event, and how late the events were, in µs."""

    busy: float
    late: list[float]


@question
def followers(size: Size) -> Iterator[Figure]:
    many = size.pick(4, 200)
    for conversations, pace in ((1, 100), (many, 10)):
        samples: dict[str, list[float]] = {FRAME: []}
        counts = (0, many) if size.name == "tiny" else (0, many, 1000)
        with settled():
            for _ in range(size.pick(2, 3, 7)):
                samples[FRAME].append(1e6 / RATE)
                for count in counts:
                    run = asyncio.run(_run(conversations, count, pace, size.pick(2, 60) / 10))
                    name = f"{count:,} followers" if count else NONE
                    samples.setdefault(name, []).append(run.busy)
                    if count:
                        percent = quantiles(run.late, n=100, method="inclusive")
                        samples.setdefault(f"late, half of {name}", []).append(percent[49])
                        samples.setdefault(f"late, 99 % of {name}", []).append(percent[98])
        plural = "s" if conversations > 1 else ""
        rounds = Rounds(f"{conversations} conversation{plural}, {pace} events a second each", samples)
        for count in counts[1:]:
            yield rounds.figure(f"{count:,} followers", NONE)
            for what in ("half of", "99 % of"):
                yield rounds.figure(f"late, {what} {count:,} followers", FRAME)
        yield rounds.figure(NONE, FRAME)


async def _run(conversations: int, count: int, pace: int, seconds: float) -> _Run:
    loop = asyncio.get_running_loop()
    async with MemoryLog() as log, Hub(log) as hub:
        names = [str(number) for number in range(conversations)]
        streams = {name: speaking() for name in names}
        fed: dict[str, list[float]] = {}
        for name in names:
            began = [await hub.feed(name, raw) for raw in islice(streams[name], 30)]
            fed[name] = [0.0] * (began[-1].revision + 1)  # by revision: when each event was fed
        taken: list[tuple[str, list[tuple[int, float]]]] = []
        tasks: list[asyncio.Task[None]] = []

        async def follow(name: str) -> None:
            updates: list[tuple[int, float]] = []
            taken.append((name, updates))
            async with aclosing(hub.follow(name, rate=RATE)) as following:
                async for update in following:
                    updates += [(update.revision, perf_counter())]

        async def feed(name: str, after: float) -> None:
            await asyncio.sleep(after)
            begin = loop.time()
            for number, raw in enumerate(islice(streams[name], round(pace * seconds))):
                await asyncio.sleep(begin + number / pace - loop.time())
                fed[name].append(perf_counter())
                change = await hub.feed(name, raw)
                assert change.revision == len(fed[name]) - 1

        for number in range(count):
            tasks.append(asyncio.create_task(follow(names[number % conversations])))
            if number % 20 == 19:
                await asyncio.sleep(0.1 / max(count // 20, 1))  # not all at one moment
        await asyncio.sleep(seconds / 20)
        busy = process_time()
        await asyncio.gather(
            *(feed(name, number / conversations / pace) for number, name in enumerate(names))
        )
        busy = process_time() - busy
        await asyncio.sleep(1.5 / RATE)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    events = conversations * round(pace * seconds)
    return _Run(busy / events * 1e6, [late for name, updates in taken for late in _late(fed[name], updates)])


def _late(fed: list[float], updates: list[tuple[int, float]]) -> Iterator[float]:
    """Yield in µs how long after it was fed each event reached a follower."""
    for (before, _), (revision, at) in pairwise(updates):
        for each in range(before + 1, revision + 1):
            yield (at - fed[each]) * 1e6
