"""What it costs to stop, to go on, and to look back.

A checkpoint is written and read in a fraction of the time that replaying the events takes, and is a fraction
of their size; both follow the size of the conversation, not the number of its events. A timeline keeps a
snapshot every hundred revisions and the changes in between, so that looking back costs the same anywhere in a
recording, however long that is.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from benchmarks._harness import Figure, Rounds, Size, Task, compare, each, question
from benchmarks._peers import mixed_session, on_the_wire
from rtstate import Conversation, Timeline, replay, simulate

REPLAY = "replay()"
LOOKS = 100


@question
def resume(size: Size) -> Iterator[Figure]:
    raws = on_the_wire(mixed_session(size.pick(2, 60)))
    conversation = replay(raws)
    checkpoint = conversation.checkpoint()
    tasks = {
        "checkpoint()": each(lambda _: conversation.checkpoint(), range(3)),
        "restore()": each(lambda _: Conversation.restore(checkpoint), range(3)),
        REPLAY: each(lambda _: replay(raws), range(1)),
    }
    stops = compare(size, f"a mixed session of {len(raws):,} events", tasks)
    yield stops.figure("checkpoint()", REPLAY)
    yield stops.figure("restore()", REPLAY)
    sizes = {"its checkpoint": len(checkpoint), "the events": sum(map(len, raws))}
    samples = {name: [count / 1000] * size.rounds for name, count in sizes.items()}
    yield Rounds("the same session, in bytes", samples, unit="kB").figure("its checkpoint", "the events")
    yield _looking_back(size)


def _looking_back(size: Size) -> Figure:
    """Look back at random in a long recording and in a short one."""
    short, long = (_timeline(items) for items in (100, size.pick(200, 10_000)))
    of, by = (f"{len(timeline.events):,} events" for timeline in (long, short))
    tasks = {of: _looks(long), by: _looks(short)}
    return compare(size, "timeline.at()", tasks).figure(of, by, 1.5)


def _timeline(items: int) -> Timeline:
    return Timeline(on_the_wire(simulate.long_conversation(items)))


def _looks(timeline: Timeline) -> Task:
    rng = Random(7)

    def prepare() -> list[int]:
        return [rng.randrange(timeline.revision) for _ in range(LOOKS)]

    def run(revisions: list[int]) -> None:
        for revision in revisions:
            timeline.at(revision)

    return Task(run, LOOKS, prepare)
