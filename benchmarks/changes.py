"""What it costs to say what changed.

Making and keeping the change of a delta is a tuple and a small object on top of applying it; rendering it as
JSON Patch is two dicts. In append form a delta goes over the wire as its text and a path, which is less than
the event itself; where five deltas are merged into one update, a fifth of that. The strict form replaces the
whole text each time, which is why it should be merged. ``diff`` passes over whatever two snapshots share,
where ``jsonpatch.make_patch`` has to look at everything.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import jsonpatch
import orjson

from benchmarks._harness import Figure, Rounds, Size, Task, compare, each, question
from benchmarks._peers import on_the_wire
from benchmarks._targets import TARGETS
from rtstate import Change, Conversation, coalesce, diff, simulate
from rtstate.wire import CLIENT_HANDLERS, HANDLERS, read_event

LOADS = "orjson.loads of the events"
EVENTS = "the events"
_HANDLERS = {**CLIENT_HANDLERS, **HANDLERS}


@question
def changes(size: Size) -> Iterator[Figure]:
    raws = on_the_wire(simulate.text_stream(size.pick(40, 2400)))
    yield _making(size, raws).figure("feed, its change kept", "feed, without a change", 1.15)

    deltas, made = _changes(raws)
    patches = compare(
        size,
        "text deltas",
        {
            "patch()": each(Change.patch, made),
            "patch(append=False)": each(lambda change: change.patch(append=False), made),
            "inverse()": each(Change.inverse, made),
            LOADS: each(orjson.loads, deltas),
        },
    )
    yield patches.figure("patch()", LOADS, TARGETS["patch"])
    yield patches.figure("patch(append=False)", LOADS)
    yield patches.figure("inverse()", LOADS)

    wire = _bytes(size, deltas, made)
    yield wire.figure("patch()", EVENTS, TARGETS["wire"])
    yield wire.figure("patch(), merged by five", EVENTS, TARGETS["wire, merged"])
    yield wire.figure("patch(append=False)", EVENTS)
    yield wire.figure("patch(append=False), merged by five", EVENTS)

    yield _comparing(size, 100).figure("diff()", "jsonpatch.make_patch")
    long = _comparing(size, size.pick(200, 10_000))
    yield long.figure("diff()", "jsonpatch.make_patch", TARGETS["diff"])


def _changes(raws: Sequence[bytes]) -> tuple[list[bytes], list[Change]]:
    """Return the deltas of a session, and what each has changed."""
    conversation = Conversation()
    both = [(raw, conversation.feed(raw)) for raw in raws]
    both = [(raw, change) for raw, change in both if b'.delta"' in raw]
    return [raw for raw, _ in both], [change for _, change in both]


class Unreported(Conversation):
    """A conversation that applies an event and says nothing of it; as :meth:`Conversation.feed` otherwise."""

    def feed(self, raw: Any, at: float | None = None) -> Any:
        draft = self._draft
        event = read_event(raw)
        event_id = event.get("event_id")
        if event_id is None or not self._seen.has(event_id):
            _HANDLERS[event["type"]](draft, event)
        draft.stats.events += 1
        if b'.delta"' not in raw:
            draft.take()
        elif draft.ops:
            draft.ops.clear()
            draft.revision += 1


def _making(size: Size, raws: list[bytes]) -> Rounds:
    def feeding(make: Callable[[], Conversation]) -> Task:
        def run(conversation: Conversation) -> None:
            feed = conversation.feed
            for raw in raws:
                feed(raw)

        return Task(run, len(raws), make)

    tasks = {"feed, its change kept": feeding(Conversation), "feed, without a change": feeding(Unreported)}
    return compare(size, "a text session", tasks)


def _bytes(size: Size, deltas: list[bytes], made: list[Change]) -> Rounds:
    """Count the bytes that go to a viewer; they are the same in every round."""
    fives = [coalesce(made[at : at + 5]) for at in range(0, len(made), 5)]
    sizes = {
        EVENTS: sum(map(len, deltas)),
        "patch()": _written(change.patch() for change in made),
        "patch(), merged by five": _written(update.patch() for update in fives),
        "patch(append=False)": _written(change.patch(append=False) for change in made),
        "patch(append=False), merged by five": _written(update.patch(append=False) for update in fives),
    }
    samples = {name: [count / 1000] * size.rounds for name, count in sizes.items()}
    return Rounds(f"{len(made):,} text deltas on the wire", samples, unit="kB")


def _written(patches: Iterator[Any]) -> int:
    return sum(
        len(json.dumps(patch, ensure_ascii=False, separators=(",", ":")).encode()) for patch in patches
    )


def _comparing(size: Size, items: int) -> Rounds:
    """Compare two snapshots in which one of so many items differs."""
    conversation = Conversation(history=0)
    for raw in on_the_wire(simulate.long_conversation(items)):
        conversation.feed(raw)
    delta = {"type": "response.output_text.delta", "item_id": "item_new", "delta": "Hi"}
    conversation.feed(delta)
    old = conversation.snapshot()
    conversation.feed(delta)
    new = conversation.snapshot()
    one, other = old.to_dict(), new.to_dict()
    tasks = {
        "diff()": each(lambda _: diff(old, new), range(20)),
        "jsonpatch.make_patch": each(lambda _: jsonpatch.make_patch(one, other), range(1)),
    }
    return compare(size, f"one of {items:,} items changed", tasks)
