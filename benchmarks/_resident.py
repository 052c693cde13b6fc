"""A process of its own that holds conversations, and says what it and its log take."""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from benchmarks._engines import open_log, speaking
from benchmarks._peers import on_the_wire
from rtstate import simulate
from rtstate.hub import Hub
from rtstate.logs import Log

AT_ONCE = 200


async def live(log: Log, half: int, history: int) -> list[float]:
    """Hold twice so many conversations of 20 items; return what each of a half takes, and is thought to."""
    spoken = [_spoken(seed) for seed in range(10)]
    async with Hub(log, history=history, memory=1 << 40, idle=1e6, trim=True) as hub:
        figures: list[float] = []
        for run in range(3):  # the first one is to warm up
            before, thought = resident(), hub.stats.memory
            for number in range(half if run else half // 10 + 1):
                raws = spoken[number % 10]
                for start in range(0, len(raws), 50):
                    await hub.feed_all(f"{run}/{number}", [(raw, None) for raw in raws[start : start + 50]])
            if run:
                figures += [(resident() - before) / half, (hub.stats.memory - thought) / half]
        return figures


def _spoken(seed: int) -> list[bytes]:
    """Return a call of 20 items; its audio, which is measured and dropped, is cut, for the log's sake."""
    events = simulate.session(seed, turns=10, features=["audio"]).events
    audio = {"response.output_audio.delta": "delta", "input_audio_buffer.append": "audio"}
    short = [{**each, audio[each["type"]]: "AAAA" * 9} if each["type"] in audio else each for each in events]
    return on_the_wire(short)


async def idle(log: Log, half: int, trim: bool, place: str) -> list[float]:
    """Feed twice so many conversations 30 events each, wait until none is held; return what each took."""
    raws = list(islice(speaking(), 30))
    figures: list[float] = []

    async def feed(hub: Hub, names: Sequence[str]) -> None:
        for name in names:
            for raw in raws:
                await hub.feed(name, raw)

    async with Hub(log, idle=0.4, memory=1 << 40, trim=trim) as hub:
        for run in range(3):  # the first one is to warm up
            names = [f"{run}/{number}" for number in range(half if run else half // 10 + 1)]
            before, kept = resident(), await stored(place)
            await asyncio.gather(*(feed(hub, names[start::AT_ONCE]) for start in range(AT_ONCE)))
            while hub.stats.held:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.1)
            if run:
                figures += [(resident() - before) / half, (await stored(place) - kept) / half]
    return figures


def resident() -> float:
    """Return how many bytes of this process are in memory."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


async def stored(place: str) -> float:
    """Return how many bytes a log takes in its server's memory or in its folder."""
    if place.startswith("redis:"):
        async with Redis.from_url(place) as client:
            found: Any = await client.info("memory")
            return float(found["used_memory"])
    return sum(path.stat().st_size for path in Path(place).glob("log.db*") if path.suffix != ".db-shm")


async def main(what: str, name: str, place: str, half: int, option: int) -> None:
    """Print the figures as JSON: what each conversation of the first half took, twice, and of the second."""
    async with open_log(name, Path(place), place) as log:
        if what == "live":
            print(json.dumps(await live(log, half, option)))
        else:
            print(json.dumps(await idle(log, half, bool(option), place)))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:4], *map(int, sys.argv[4:6])))  # type: ignore[call-arg,arg-type]
