"""How long it takes to reduce an event.

``feed`` takes bytes, validates them, applies the event and returns the change: for a text delta that is one
look-up, one append to a list and one small object. So a stream of deltas stays a small multiple of
``orjson.loads``, and below what the usual way takes for parsing alone (``json.loads``, the class by its type,
``model_validate``). In a mixed session a third of the events open or close something and carry whole items
and responses, which are compared with what is known and frozen; they take most of its time. Audio is measured
and not kept; its cost does not grow with what came before, which the last tenth of a session shows beside its
first.
"""

from __future__ import annotations

from collections.abc import Iterator

import orjson

from benchmarks._harness import Figure, Rounds, Size, Task, compare, each, question
from benchmarks._peers import by_class, feeding, mixed_session, on_the_wire
from benchmarks._targets import TARGETS
from rtstate import Conversation, simulate
from rtstate.wire import read_event

FEED = "feed"
FEED_AND_SNAPSHOT = "feed and snapshot()"
LOADS = "orjson.loads"
BY_CLASS = "json.loads + model_validate"


@question
def feed(size: Size) -> Iterator[Figure]:
    written = on_the_wire(simulate.text_stream(size.pick(40, 2400)))
    yield _deltas(size, written).figure(FEED, LOADS, TARGETS["text deltas"])
    text = _beside(size, "a text session", written)
    yield text.figure(FEED, LOADS)
    yield text.figure(FEED, BY_CLASS, TARGETS["text, parse"])
    yield text.figure(FEED, "read_event")
    yield text.figure(FEED_AND_SNAPSHOT, LOADS, TARGETS["feed and snapshot"])

    spoken = on_the_wire(simulate.audio_stream(size.pick(40, 4000)))
    deltas = [raw for raw in spoken if b'"response.output_audio.delta"' in raw]
    audio = _beside(size, "audio deltas of 100 ms", deltas)
    yield audio.figure(FEED, LOADS, 1.6)
    larger = on_the_wire(simulate.audio_stream(size.pick(40, 4000), chunk_ms=200))
    larger = [raw for raw in larger if b'"response.output_audio.delta"' in raw]
    yield _beside(size, "audio deltas of 200 ms", larger).figure(FEED, LOADS)

    audio = _beside(size, "an audio session", spoken)
    yield audio.figure(FEED, LOADS, TARGETS["audio"])
    yield audio.figure(FEED, BY_CLASS)
    yield audio.figure(FEED_AND_SNAPSHOT, LOADS)
    yield _tenths(size, spoken).figure("the last tenth", "the first tenth", 1.25)

    mixed = _beside(size, "a mixed session", on_the_wire(mixed_session(size.pick(1, 60))))
    yield mixed.figure(FEED, LOADS)
    yield mixed.figure(FEED, BY_CLASS)
    yield mixed.figure(FEED_AND_SNAPSHOT, LOADS)


def _beside(size: Size, on: str, raws: list[bytes]) -> Rounds:
    def feed_and_snapshot(conversation: Conversation) -> None:
        for raw in raws:
            conversation.feed(raw)
            conversation.snapshot()

    tasks = {
        FEED: feeding(raws),
        FEED_AND_SNAPSHOT: Task(feed_and_snapshot, len(raws), Conversation),
        "read_event": each(read_event, raws),
        LOADS: each(orjson.loads, raws),
        BY_CLASS: each(by_class, raws),
    }
    return compare(size, on, tasks)


def _deltas(size: Size, raws: list[bytes]) -> Rounds:
    """Time the deltas of a session alone, in the conversation that its opening has begun."""
    at, *_, end = (number for number, raw in enumerate(raws) if b'"response.output_text.delta"' in raw)
    deltas = raws[at : end + 1]
    return compare(size, "text deltas", {FEED: feeding(deltas, raws[:at]), LOADS: each(orjson.loads, deltas)})


def _tenths(size: Size, raws: list[bytes]) -> Rounds:
    """Time the first and the last tenth of a session's deltas, both in a conversation of their own."""
    tenth = len(raws) // 10
    opening, end = tenth // 2, len(raws) - tenth // 2  # past the events that open and close the response
    tasks = {
        "the first tenth": feeding(raws[opening : opening + tenth], raws[:opening]),
        "the last tenth": feeding(raws[end - tenth : end], raws[: end - tenth]),
    }
    return compare(size, "an audio session", tasks)
