"""How long it takes to replay a long recording.

``replay`` takes the lines of an open file: each is looked at for a time that the recorder noted, and fed.
The recording is a text conversation of answers of 2,400 deltas, without times; it is read from a file both
times, and nothing but its state stays in memory. That the last tenth takes as long as the first says that no
event pays for those before it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from time import process_time

import orjson

from benchmarks._harness import Figure, Rounds, Size, Task, compare, question, settled
from benchmarks._peers import on_the_wire, server_events
from benchmarks._targets import TARGETS
from rtstate import replay, simulate

REPLAY = "replay()"
LOADS = "orjson.loads of its lines"
FIRST = "the first tenth"
LAST = "the last tenth"
DELTAS = 2400


@question
def replaying(size: Size) -> Iterator[Figure]:
    few = Size(size.name, size.pick(2, 3, 7), 0)
    with TemporaryDirectory() as folder:
        recording = Path(folder) / "recording.jsonl"
        events = _record(recording, size.pick(2_000, 1_000_000))
        on = f"a recording of {events:,} events"
        tasks = {
            REPLAY: Task(lambda _: _replay(recording), events),
            LOADS: Task(lambda _: _read(recording), events),
        }
        yield compare(few, on, tasks).figure(REPLAY, LOADS, TARGETS["replay"])
        yield _tenths(few, on, recording, events).figure(LAST, FIRST, 1.25)


def _record(path: Path, events: int) -> int:
    """Write a recording of so many events; return how many they are."""
    with path.open("wb") as file:
        file.writelines(raw + b"\n" for raw in islice(_conversation(), events))
    return events


def _conversation() -> Iterator[bytes]:
    """Yield one question and one long answer after the other, each behind the one before, without end."""
    last = None
    for seed in range(1, 1_000_000):
        for event in server_events(simulate.text_stream(DELTAS, seed)):
            if event["type"].startswith("session.") and last is not None:
                continue
            if event.get("previous_item_id", "") is None:
                event["previous_item_id"] = last
            if event["type"] == "conversation.item.added":
                last = event["item"]["id"]
            yield from on_the_wire([event])


def _replay(path: Path) -> None:
    with path.open("rb") as lines:
        replay(lines)


def _read(path: Path) -> None:
    with path.open("rb") as lines:
        for line in lines:
            orjson.loads(line)


def _tenths(size: Size, on: str, path: Path, events: int) -> Rounds:
    """Look at the clock as the lines of one replay are handed over."""
    tenth = events // 10
    samples: dict[str, list[float]] = {FIRST: [], LAST: []}
    with settled():
        for _ in range(size.rounds):
            times: list[float] = []
            with path.open("rb") as lines:
                replay(_in_thirds(lines, tenth, events - 2 * tenth, times))
            began, first, between, ended = times
            samples[FIRST].append((first - began) / tenth * 1e6)
            samples[LAST].append((ended - between) / tenth * 1e6)
    return Rounds(on, samples)


def _in_thirds(lines: Iterable[bytes], tenth: int, between: int, times: list[float]) -> Iterator[bytes]:
    """Yield all lines; note the time at both ends of the first tenth and of the last."""
    rest = iter(lines)
    for count in (tenth, between, tenth):
        times.append(process_time())
        yield from islice(rest, count)
    times.append(process_time())
