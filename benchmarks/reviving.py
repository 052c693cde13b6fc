"""How long it takes to revive a conversation of many events.

That is ``Hub.open`` of a hub that holds nothing, by the clock on the wall: a checkpoint, and the same 500
events of text after it. In the first case calls of 99 seconds say the same, and their audio comes in ever
smaller pieces; in the second there are ever more items. A checkpoint is as large as the document, so only in
the first case the number of events matters little. What is left there are the ids of the last events, of
which a checkpoint keeps 4,096 or more, and 1,000 events do not have as many. Without a checkpoint all events
are read: those of the shortest call, and those of the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Final

from benchmarks._engines import MEMORY, NORMAL, REDIS, Engine, engines
from benchmarks._harness import Figure, Size, Task, compare, question
from benchmarks._peers import on_the_wire
from rtstate import Conversation, simulate
from rtstate.hub import Hub
from rtstate.logs import Checkpoint, Record

LENGTHS: Final = (1_000, 10_000, 100_000)
APPENDED: Final = 250
SAME: Final = "a call of the same content"
READ: Final = "the shortest, without a checkpoint"
REPLAYED: Final = "the second, without a checkpoint"
TARGET: Final = 1.1
NO_LONGER: Final = 1.0
GROWING: Final = "a conversation that grows"


@question
def reviving(size: Size) -> Iterator[Figure]:
    size = replace(size, rounds=size.pick(2, 7, 15), seconds=0)
    tail = size.pick(10, 500)
    for on, calls in _cases(size, _tail(tail)):
        with engines(MEMORY, NORMAL, REDIS) as opened:
            for engine in opened:
                tasks: dict[str, Task] = {}
                for events, raws in calls.items():
                    _fill(engine, events, raws, len(raws) - tail)
                    tasks[events] = _opening(engine, events)
                short, *longer = calls
                for name, events in ((READ, short), (REPLAYED, longer[0])):
                    _fill(engine, name, calls[events], None)
                    tasks[name] = _opening(engine, name)
                engine.log.checkpoint = _ignored  # or a hub that stops would leave no events after it
                rounds = compare(size, f"{on}, {engine.name}", tasks)
                for each in longer:
                    yield rounds.figure(each, short, TARGET)
                yield rounds.figure(longer[-1], READ, NO_LONGER)
                yield rounds.figure(short, REPLAYED)


def _tail(events: int) -> list[bytes]:
    """Return so many events of a legal session after any other: a question, and an answer in text deltas."""
    stream = [each for each in simulate.text_stream(events, seed=2) if "session." not in each["type"]]
    return on_the_wire(stream[:events])


def _cases(size: Size, tail: list[bytes]) -> Iterator[tuple[str, Mapping[str, list[bytes]]]]:
    """Yield each case, with the events of a short, a long and a very long call."""
    seconds = size.pick(3, 99)
    same = [on_the_wire(simulate.audio_stream(seconds * 1000 // chunk, chunk)) for chunk in (300, 10, 1)]
    yield SAME, {f"{len(raws) + len(tail):,} events": raws + tail for raws in same}
    growing = on_the_wire(simulate.long_conversation(size.pick(286, 14_300)))
    lengths = [size.pick(length // 50, length) - len(tail) for length in LENGTHS]
    yield GROWING, {f"{length + len(tail):,} events": growing[:length] + tail for length in lengths}


def _fill(engine: Engine, name: str, raws: Sequence[bytes], saved: int | None) -> None:
    """Keep the events, and a checkpoint after so many of them: where an append ends, as a hub does."""
    conversation = Conversation(history=100)
    cut = saved or 0

    async def fill() -> None:
        records = [Record.of(raw) for raw in raws]
        for start, end in (*_pieces(0, cut), *_pieces(cut, len(raws))):
            await engine.log.append(name, records[start:end], expected=start)
        if saved is not None:
            for raw in raws[:saved]:
                conversation.feed(raw)
            await engine.log.checkpoint(name, Checkpoint(saved, conversation.checkpoint()))

    engine.run(fill())


def _pieces(start: int, end: int) -> Iterator[tuple[int, int]]:
    for each in range(start, end, APPENDED):
        yield each, min(each + APPENDED, end)


def _opening(engine: Engine, name: str) -> Task:
    async def empty() -> Hub:
        hub = await engine.new_hub(name)
        await hub.open(f"before {name}")  # so that the hub has begun to live
        return hub

    async def work(hub: Hub) -> None:
        await hub.open(name)

    return engine.timed(work, 1, lambda: engine.run(empty()))


async def _ignored(*_: object, **__: object) -> None:
    """Keep no checkpoint."""
