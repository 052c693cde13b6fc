"""One writer process: a hub that feeds some conversations for some seconds, one event after the other."""

from __future__ import annotations

import asyncio
import json
import sys
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

from benchmarks._engines import open_log, speaking
from rtstate.hub import Hub


async def main(name: str, folder: str, url: str, number: str, conversations: int, seconds: float) -> None:
    """Say when all are open, begin when told to, and print what was done."""
    log = open_log(name, Path(folder), url)
    async with log, Hub(log, holder=f"writer-{number}", lease=60) as hub:
        names = [f"{number}/{each}" for each in range(conversations)]
        await asyncio.gather(*map(hub.open, names))
        for raw in islice(speaking(), 100):  # the parser is built when the first event is read
            await hub.feed(f"{number}/warm", raw)
        print("open", flush=True)
        sys.stdin.readline()
        fed, started, busy = 0, perf_counter(), process_time()
        ends = started + seconds

        async def feed(name: str) -> None:
            nonlocal fed
            for raw in speaking():
                if perf_counter() >= ends:
                    break
                await hub.feed(name, raw)
                fed += 1

        await asyncio.gather(*map(feed, names))
        took, busy = perf_counter() - started, process_time() - busy
        print(json.dumps({"events": fed, "seconds": took, "busy": busy}), flush=True)
        sys.stdin.readline()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:5], int(sys.argv[5]), float(sys.argv[6])))  # type: ignore[call-arg]
