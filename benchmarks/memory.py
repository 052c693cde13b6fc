"""How much memory a conversation takes.

Counted by ``tracemalloc``, so these figures hardly vary. An idle conversation of 20 items keeps its items,
the ids of its events and, unless ``history=0``, its last changes; it is shown in kB, and beside its events
kept as dicts. Changes share the texts they report, so a history adds little more than one small object for
each change. Audio is measured and dropped: what 4,000 deltas leave behind is the ids of their events and the
history.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator

from benchmarks._harness import Figure, Rounds, Size, question, settled
from benchmarks._memory import peak, taken
from benchmarks._peers import on_the_wire
from benchmarks._targets import TARGETS
from rtstate import Conversation, simulate

HISTORY = "a conversation, history=1000"
NO_HISTORY = "a conversation, history=0"
DICTS = "its events as dicts"
WIRE = "its bytes on the wire"
KB = "1 kB"
PEAK = "its peak"
AUDIO = "the audio"
CHUNK_MS = 100
PCM_BYTES_PER_MS = 48


@question
def memory(size: Size) -> Iterator[Figure]:
    spoken = simulate.session(seed=7, turns=size.pick(1, 10), features=["audio"])
    idle = _held(size, f"{len(spoken.truth.order)} items", on_the_wire(spoken.events))
    yield idle.figure(HISTORY, KB, TARGETS["idle"])
    yield idle.figure(NO_HISTORY, KB, TARGETS["idle, no history"])
    yield idle.figure(HISTORY, DICTS)
    yield idle.figure(NO_HISTORY, DICTS)
    deltas = size.pick(40, 4000)
    audio = _held(size, f"{deltas:,} audio deltas", on_the_wire(simulate.audio_stream(deltas)))
    yield audio.figure(HISTORY, WIRE, 0.03)
    yield audio.figure(NO_HISTORY, WIRE, 0.015)
    yield _listening(size).figure(PEAK, AUDIO, TARGETS["an hour"])


def _held(size: Size, on: str, raws: list[bytes]) -> Rounds:
    samples: dict[str, list[float]] = {HISTORY: [], NO_HISTORY: [], DICTS: [], WIRE: [], KB: []}
    with settled():
        for _ in range(min(size.rounds, 3)):
            samples[HISTORY].append(taken(lambda: _fed(raws, history=1000)) / 1000)
            samples[NO_HISTORY].append(taken(lambda: _fed(raws, history=0)) / 1000)
            samples[DICTS].append(taken(lambda: [json.loads(raw) for raw in raws]) / 1000)
            samples[WIRE].append(sum(map(len, raws)) / 1000)
            samples[KB].append(1)
    return Rounds(on, samples, unit="kB")


def _fed(raws: Iterable[bytes], history: int) -> Conversation:
    conversation = Conversation(history=history)
    for raw in raws:
        conversation.feed(raw)
    return conversation


def _listening(size: Size) -> Rounds:
    """Take the peak of a conversation that hears an hour of audio, each event made as it is fed."""
    deltas = size.pick(600, 36_000)
    samples: dict[str, list[float]] = {PEAK: [], AUDIO: []}
    with settled():
        for _ in range(min(size.rounds, 3)):
            samples[PEAK].append(peak(lambda: _fed(_spoken(deltas), history=1000)) / 1000)
            samples[AUDIO].append(deltas * CHUNK_MS * PCM_BYTES_PER_MS / 1000)
    return Rounds(f"{deltas * CHUNK_MS // 60_000:,} minutes of audio, measured", samples, unit="kB")


def _spoken(deltas: int) -> Iterator[bytes]:
    """Yield one long answer: the pattern of a short one, told again under new ids of the events."""
    opening = on_the_wire(simulate.audio_stream(3, CHUNK_MS))
    said = [number for number, raw in enumerate(opening) if b'.delta"' in raw]
    pattern = [json.loads(opening[number]) for number in said]
    yield from opening[: said[0]]
    for at in range(0, deltas, 3):  # three of audio and one of what is said in them
        yield from on_the_wire({**event, "event_id": f"{event['event_id']}{at}"} for event in pattern)
