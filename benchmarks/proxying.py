"""What the proxy adds to a round trip.

A client sends an event and waits until the server has echoed it, directly or through the proxy, which records
both ways; client, server and proxies are processes of their own on one machine. Times are on the wall, per
round trip: two messages through the proxy. What is added is the median of the round trips through it less
that of those without it, in the same round, beside 1 ms.
"""

from __future__ import annotations

import asyncio
import base64
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, contextmanager
from random import Random
from statistics import median
from time import perf_counter
from typing import Final

from websockets.asyncio.client import ClientConnection, connect

from benchmarks._engines import MEMORY, NORMAL
from benchmarks._harness import Figure, Rounds, Size, question, settled

DIRECT: Final = "direct"
MILLISECOND: Final = "1 ms"


@question
def proxying(size: Size) -> Iterator[Figure]:
    with ExitStack() as stack:
        server = stack.enter_context(_process())
        places = {DIRECT: server} | {
            f"proxy, {log}": stack.enter_context(_process(log, server)) for log in (MEMORY, NORMAL)
        }
        for on, event in (("200-byte text delta", _text()), ("20 kB audio delta", _audio())):
            rounds = Rounds(on, asyncio.run(_measured(size, places, event)))
            for name in places:
                if name != DIRECT:
                    yield rounds.figure(name, DIRECT)
                    yield rounds.figure(f"added by {name}", MILLISECOND, target=1)


@contextmanager
def _process(*words: str) -> Generator[str]:
    """Start one of the processes, and give its address."""
    command = [sys.executable, "-m", "benchmarks._echoing", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.stdin.close()


async def _measured(size: Size, places: dict[str, str], event: bytes) -> dict[str, list[float]]:
    """Return the median round trip of each round, in µs, and what a proxy added to it."""
    trips = size.pick(3, 200)
    samples: dict[str, list[float]] = {MILLISECOND: []}
    clients = {name: await connect(place, compression=None, proxy=None) for name, place in places.items()}
    turn = list(clients.items())
    with settled():
        for client in clients.values():
            await _trips(client, event, trips)
        for _ in range(size.pick(2, 15, 51)):
            took = {name: median(await _trips(client, event, trips)) * 1e6 for name, client in turn}
            samples[MILLISECOND].append(1000.0)
            for name, each in took.items():
                samples.setdefault(name, []).append(each)
                if name != DIRECT:
                    samples.setdefault(f"added by {name}", []).append(max(each - took[DIRECT], 0.1))
            turn.reverse()
    for client in clients.values():
        await client.close()
    return samples


async def _trips(client: ClientConnection, event: bytes, count: int) -> list[float]:
    """Send an event so many times, one after the other, and return how long each took to come back."""
    took: list[float] = []
    for _ in range(count):
        started = perf_counter()
        await client.send(event, text=True)
        await client.recv(decode=False)
        took.append(perf_counter() - started)
        await asyncio.sleep(0.001)  # a call is not a flood: what is recorded meanwhile is recorded meanwhile
    return took


def _text() -> bytes:
    begin = b'{"type":"response.output_text.delta","response_id":"resp_1","item_id":"item_1","delta":"'
    return begin + b"x" * (200 - len(begin) - 2) + b'"}'


def _audio() -> bytes:
    audio = base64.b64encode(Random(1).randbytes(15_000))
    begin = b'{"type":"response.output_audio.delta","response_id":"resp_1","item_id":"item_1","delta":"'
    return begin + audio + b'"}'
