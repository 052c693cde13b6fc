"""How long a log takes to keep an event, and to read one.

All by the clock on the wall, per event: 1,000,000 ÷ that is events a second. Each of some conversations
appends one event of 200 bytes after the other, and waits for each. Beside them is what no log can do without:
a list in a dictionary; a file that is appended to and, once for all conversations, synced; one XADD for each
conversation, in one pipeline. What is asked for at the same time is done together, so with more conversations
an event takes less, down to what Python needs for it.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from itertools import count
from time import perf_counter
from typing import Final

from redis.asyncio import Redis

from benchmarks._engines import ALWAYS, FULL, MEMORY, NORMAL, REDIS, TYPE, Engine, engines, event
from benchmarks._harness import Figure, Rounds, Size, Task, compare, question

LIST: Final = "list.append"
SYNCED: Final = "write and fsync"
XADD: Final = "XADD, pipelined"
BESIDE: Final = {MEMORY: LIST, NORMAL: MEMORY, FULL: SYNCED, REDIS: XADD, ALWAYS: SYNCED}
BATCH: Final = 50


@question
def logs(size: Size) -> Iterator[Figure]:
    size = replace(size, rounds=size.pick(2, 7, 15), seconds=0)
    with engines(*BESIDE) as opened, ExitStack() as stack:
        file = os.open(opened[0].folder / "synced", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        stack.callback(os.close, file)
        redis = next((each for each in opened if each.name == REDIS), None)
        for conversations in (1, 16) if size.name == "tiny" else (1, 16, 256, 1000):
            times = size.pick(
                4, max(4000 // conversations, 200) if conversations < 16 else 5000 // conversations
            )
            tasks = _floors(file, redis, conversations, times)
            tasks |= {each.name: _appending(each, conversations, times) for each in opened}
            on = f"{conversations:,} conversation{'s' if conversations > 1 else ''}, one event at a time"
            yield from _beside(compare(size, on, tasks))
        batches = size.pick(2, 40)
        tasks = _floors(file, redis, BATCH, batches)
        tasks |= {each.name: _in_batches(each, batches) for each in opened}
        yield from _beside(compare(size, f"1 conversation, {BATCH} events at a time", tasks))
        yield from _reading(size, opened)


def _beside(rounds: Rounds) -> Iterator[Figure]:
    for name, floor in BESIDE.items():
        if name in rounds.samples:
            yield rounds.figure(name, floor)


def _floors(file: int, redis: Engine | None, at_once: int, times: int) -> Mapping[str, Task]:
    """Return what is done ``times`` times for so many events at once, as barely as it can be."""
    raw = event(0).raw
    names = [str(number) for number in range(at_once)]

    def listed(_: object) -> float:
        kept: dict[str, list[bytes]] = {}
        started = perf_counter()
        for _ in range(times):
            for name in names:
                kept.setdefault(name, []).append(raw)
        return perf_counter() - started

    def synced(_: object) -> float:
        started = perf_counter()
        for _ in range(times):
            os.write(file, raw * at_once)
            os.fdatasync(file)
        return perf_counter() - started

    tasks = {LIST: Task(listed, times * at_once), SYNCED: Task(synced, times * at_once)}
    if redis is None or redis.server is None:
        return tasks
    port = redis.server.port

    async def added(_: object) -> float:
        async with Redis(port=port) as client:
            await client.ping()
            started = perf_counter()
            for _ in range(times):
                pipeline = client.pipeline(transaction=False)
                for name in names:
                    pipeline.execute_command("XADD", name, "*", "type", TYPE, "raw", raw)
                await pipeline.execute()
            took = perf_counter() - started
            await client.delete(*names)
            return took

    return {**tasks, XADD: Task(lambda prepared: redis.run(added(prepared)), times * at_once)}


def _appending(engine: Engine, conversations: int, times: int) -> Task:
    """Append to conversations that are new in each round."""
    numbers = count()
    records = [event(number) for number in range(times)]

    async def append(name: str) -> None:
        last = 0
        for record in records:
            last = await engine.log.append(name, [record], expected=last)

    async def work(number: int) -> None:
        await asyncio.gather(*(append(f"{conversations}/{number}/{each}") for each in range(conversations)))

    return engine.timed(work, conversations * times, lambda: next(numbers))


def _in_batches(engine: Engine, batches: int) -> Task:
    numbers = count()
    records = [event(number) for number in range(BATCH)]

    async def work(number: int) -> None:
        last = 0
        for _ in range(batches):
            last = await engine.log.append(f"batches/{number}", records, expected=last)

    return engine.timed(work, batches * BATCH, lambda: next(numbers))


def _reading(size: Size, opened: Sequence[Engine]) -> Iterator[Figure]:
    """Read what was appended one event at a time, and what was appended in batches."""
    for at_once in (1, BATCH):
        number = size.pick(100, 5000)
        tasks = {each.name: _reading_one(each, number, at_once) for each in opened}
        rounds = compare(size, f"{number:,} events read, appended by {at_once}", tasks)
        for each in opened[1:]:
            yield rounds.figure(each.name, MEMORY)


def _reading_one(engine: Engine, number: int, at_once: int) -> Task:
    name = f"read/{at_once}"
    records = [event(each) for each in range(number)]

    async def fill() -> None:
        for start in range(0, number, at_once):
            await engine.log.append(name, records[start : start + at_once], expected=start)

    async def work(_: object) -> None:
        read = 0
        async for _ in engine.log.read(name):
            read += 1
        if read != number:
            raise AssertionError(read)

    engine.run(fill())
    return engine.timed(work, number)
