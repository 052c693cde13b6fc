"""Whether it matters how long the conversation is already.

Each line is one operation in a long conversation ÷ the same in one of 100 items. A delta touches nothing that
grows; placing and deleting go through sorted lists, at O(log n), and a random item of a long conversation is
rarely still in the processor's cache. A snapshot shares everything that did not change with the one before,
and while nothing changes it is the same object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from itertools import count, pairwise
from random import Random
from time import perf_counter

from benchmarks._harness import Figure, Size, Task, compare, question
from benchmarks._peers import added, on_the_wire
from benchmarks._targets import TARGETS, Target
from rtstate import Conversation, simulate

SMALL = 100
OPERATIONS = 200
"""How many a round has, in the long conversation and in the small ones."""
SMALL_ONES = 4
"""How many small conversations share them, so that each stays small."""

Work = list[tuple[Conversation, bytes]]


class Place:
    """A conversation of so many items, behind an answer still being written, and events to change it."""

    def __init__(self, items: int) -> None:
        self.conversation = Conversation()
        self.items = [f"item_{number}" for number in range(items)]
        self._numbers = count(items)
        self._rng = Random(items)
        self._doomed = self._rng.sample(self.items, items)
        self._last = self.items[-1]
        session = simulate.text_stream(1)
        at = next(at for at, event in enumerate(session) if event["type"] == "response.output_text.delta")
        self._delta = session[at]
        chain = pairwise([self._delta["item_id"], *self.items])
        for raw in on_the_wire([*session[:at], *(added(item_id, behind) for behind, item_id in chain)]):
            self.conversation.feed(raw)

    def delta(self) -> simulate.Event:
        return {**self._delta, "event_id": f"event_{next(self._numbers)}"}

    def append(self) -> simulate.Event:
        event = self._insert(behind=self._last)
        self._last = event["item"]["id"]
        return event

    def insert_at_head(self) -> simulate.Event:
        return self._insert(behind=None)

    def insert_behind_one(self) -> simulate.Event:
        return self._insert(behind=self.items[len(self.items) // 2])

    def insert_behind_random(self) -> simulate.Event:
        return self._insert(behind=self._rng.choice(self.items))

    def delete_random(self) -> simulate.Event:
        event_id = f"event_{next(self._numbers)}"
        return {"type": "conversation.item.deleted", "event_id": event_id, "item_id": self._doomed.pop()}

    def _insert(self, behind: str | None) -> simulate.Event:
        return added(f"item_{next(self._numbers)}", behind)


@question
def flat(size: Size) -> Iterator[Figure]:
    size = replace(size, rounds=size.pick(2, 31, 101), seconds=0)  # more would make the long one much longer
    long = Place(size.pick(1_000, 100_000))
    yield _line(size, long, "a delta", Place.delta, target=TARGETS["delta"])
    yield _line(size, long, "an append", Place.append, target=1.5)
    yield _line(size, long, "an insert at the head", Place.insert_at_head, target=TARGETS["head"])
    yield _line(
        size, long, "an insert behind one item", Place.insert_behind_one, target=TARGETS["one anchor"]
    )
    random = TARGETS["random items"]
    yield _line(size, long, "an insert behind a random item", Place.insert_behind_random, target=random)
    yield _line(size, long, "a deletion of a random item", Place.delete_random, target=3.4)
    snapshot = TARGETS["snapshot"]
    yield _line(size, long, "snapshot() after a delta", Place.delta, _time_snapshots, target=snapshot)
    yield _line(size, long, "snapshot() once more", Place.delta, _snapshot_once_more, target=1.25)


def _feed(work: Work) -> None:
    for conversation, raw in work:
        conversation.feed(raw)


def _time_snapshots(work: Work) -> float:
    seconds = 0.0
    for conversation, raw in work:
        conversation.feed(raw)
        started = perf_counter()
        conversation.snapshot()
        seconds += perf_counter() - started
    return seconds


def _snapshot_once_more(work: Work) -> float:
    started = perf_counter()
    for conversation, _ in work:
        conversation.snapshot()
    return perf_counter() - started


def _line(
    size: Size,
    long: Place,
    on: str,
    event: Callable[[Place], simulate.Event],
    run: Callable[[Work], float | None] = _feed,
    *,
    target: float | Target,
) -> Figure:
    def prepare(places: Iterable[Place], operations: int) -> Work:
        work: Work = []
        for place in places:
            place.conversation.snapshot()  # what changed before is not ours to pay for
            events = on_the_wire(event(place) for _ in range(operations))
            work.extend((place.conversation, raw) for raw in events)
        return work

    of, by = f"{len(long.items):,} items", f"{SMALL} items"
    tasks = {
        of: Task(run, OPERATIONS, lambda: prepare([long], OPERATIONS)),
        by: Task(
            run,
            OPERATIONS,
            lambda: prepare([Place(SMALL) for _ in range(SMALL_ONES)], OPERATIONS // SMALL_ONES),
        ),
    }
    return compare(size, on, tasks).figure(of, by, target)
