"""How much memory a conversation takes.

Counted by ``tracemalloc``, so these figures hardly vary. An idle conversation of 20 items keeps its items,
the ids of its events and, unless ``history=0``, its last changes; it is shown in kB, and beside its events
kept as dicts. Changes share the texts they report, so a history adds little more than one small object for
each change. Audio is measured and dropped: what 4,000 deltas leave behind is the ids of their events and the
history.
"""

from __future__ import annotations

import gc
import json
import tracemalloc
from collections.abc import Callable, Iterator

from benchmarks._harness import Figure, Rounds, Size, question, settled
from benchmarks._peers import on_the_wire
from rtstate import Conversation, simulate

HISTORY = "a conversation, history=1000"
NO_HISTORY = "a conversation, history=0"
DICTS = "its events as dicts"
WIRE = "its bytes on the wire"
KB = "1 kB"


@question
def memory(size: Size) -> Iterator[Figure]:
    spoken = simulate.session(seed=7, turns=size.pick(1, 10), features=["audio"])
    idle = _held(size, f"{len(spoken.truth.order)} items", on_the_wire(spoken.events))
    yield idle.figure(HISTORY, KB, 200)
    yield idle.figure(NO_HISTORY, KB, 90)
    yield idle.figure(HISTORY, DICTS)
    yield idle.figure(NO_HISTORY, DICTS)
    deltas = size.pick(40, 4000)
    audio = _held(size, f"{deltas:,} audio deltas", on_the_wire(simulate.audio_stream(deltas)))
    yield audio.figure(HISTORY, WIRE, 0.03)
    yield audio.figure(NO_HISTORY, WIRE, 0.015)


def _held(size: Size, on: str, raws: list[bytes]) -> Rounds:
    samples: dict[str, list[float]] = {HISTORY: [], NO_HISTORY: [], DICTS: [], WIRE: [], KB: []}
    with settled():
        for _ in range(min(size.rounds, 3)):
            samples[HISTORY].append(_kept(lambda: _fed(raws, history=1000)))
            samples[NO_HISTORY].append(_kept(lambda: _fed(raws, history=0)))
            samples[DICTS].append(_kept(lambda: [json.loads(raw) for raw in raws]))
            samples[WIRE].append(sum(map(len, raws)) / 1000)
            samples[KB].append(1)
    return Rounds(on, samples, unit="kB")


def _fed(raws: list[bytes], history: int) -> Conversation:
    conversation = Conversation(history=history)
    for raw in raws:
        conversation.feed(raw)
    return conversation


def _kept(make: Callable[[], object]) -> float:
    """Return the kB that what is made takes, beside what the first of its kind leaves in caches."""
    make()
    gc.collect()
    tracemalloc.start()
    kept = make()
    gc.collect()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    del kept
    return taken / 1000
