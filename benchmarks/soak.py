"""Feed many live conversations for long, with faults; watch the memory, and hold each of them to the laws.

``python -m benchmarks.soak --events 10000000 --conversations 1000`` plays simulated calls of all dialects,
each to a conversation of its own; whoever ends makes room for the next. Three of four calls are damaged:
events are lost, repeated, late, and wrong. Now and then a conversation is read, or stopped and restored. Each
is judged at its end, and those that are live when the events run out are judged then:

- replaying its raw events gives the same document;
- its checkpoint restores to the same document, and to the same checkpoint;
- folding all its changes, made anew, gives its snapshot: of one in ten that end, and of all that are live;
- the order holds each item once, and all that must hold between two events does;
- the totals are the sums of what its responses were billed;
- where nothing was damaged it is what the simulator vouches for.

The same seed plays the same events and ends with the same digest, on any machine.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from random import Random
from statistics import fmean, linear_regression
from time import perf_counter
from traceback import extract_tb
from typing import Any, Final

from rtstate import Conversation, replay, simulate
from tests.laws_support import assert_truth, assert_usage, canonical, fold

SETTLED: Final = 500
"""After how many events for each conversation memory is judged, when calls are at all their stages."""
LONG_ENOUGH: Final = 2_000
"""How many events for each conversation it takes to judge it at all."""
FLAT: Final = 0.05
"""By which share memory may grow, from there to the end, and count as flat."""
_AUDIO: Final = {
    "response.output_audio.delta": "delta",
    "response.audio.delta": "delta",
    "input_audio_buffer.append": "audio",
}
_SILENCE: Final = b"A" * 200
_BLOCK: Final = "\ue000"
"""What stands for so much silence in an event that waits: a character that nobody uses."""
_encoded: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_TURNS: Final = 4


class LawBrokenError(AssertionError):
    """A conversation that is not what it must be; the message says which, and how to see it again."""


@dataclass
class Call:
    """One conversation, and the events that it has had and will have."""

    number: int
    raws: list[bytes]
    truth: simulate.Truth | None
    conversation: Conversation = field(default_factory=Conversation)
    fed: int = 0

    def step(self, rng: Random) -> None:
        """Feed the next event; read or restart the conversation now and then."""
        self.conversation.feed(_unpacked(self.raws[self.fed]))
        self.fed += 1
        chance = rng.random()
        if chance < 0.05:
            self.conversation.snapshot()
        elif chance > 0.999:
            self.conversation = Conversation.restore(self.conversation.checkpoint())

    @property
    def ended(self) -> bool:
        return self.fed == len(self.raws)


def begin(seed: int, number: int) -> Call:
    """Return a call, which these two numbers make."""
    rng = Random(f"{seed} {number}")
    dialect = rng.choice(simulate.DIALECTS)
    session = simulate.session(rng.randrange(1 << 30), rng.randint(1, _TURNS), dialect)
    events = [_silenced(event) for event in session.events]
    if number % 4 == 0:
        return Call(number, [_written(event) for event in events], session.truth)
    damaged = simulate.faults(
        events,
        seed=rng.randrange(1 << 30),
        drop=rng.choice((0, 0.01, 0.05)),
        duplicate=rng.choice((0, 0.05, 0.2)),
        reorder=rng.choice((0, 3, 20)),
        corrupt=rng.choice((0, 0.01, 0.05)),
    )
    return Call(number, [_written(event) for event in damaged], None)


def _written(event: simulate.Event | str) -> bytes:
    """Return an event, or the torn text of one, as it goes over the wire."""
    return (event if isinstance(event, str) else _encoded(event)).encode()


def _silenced(event: simulate.Event) -> simulate.Event:
    """Return an event whose audio is as long as it was, and silent, so that a call waits in little memory."""
    key = _AUDIO.get(event["type"])
    if key is not None:
        return {**event, key: _silence(event[key])}
    if event["type"] == "conversation.item.retrieved":
        parts = [
            {**part, "audio": _silence(part["audio"])} if part.get("audio") else part
            for part in event["item"].get("content", ())
        ]
        return {**event, "item": {**event["item"], "content": parts}}
    return event


def _silence(audio: str) -> str:
    sound = audio.rstrip("=")
    blocks, rest = divmod(len(sound), len(_SILENCE))
    return _BLOCK * blocks + "A" * rest + "=" * (len(audio) - len(sound))


def _unpacked(raw: bytes) -> bytes:
    return raw.replace(_BLOCK.encode(), _SILENCE)


def judge(call: Call, folding: bool) -> bytes:
    """Hold a conversation to the laws; return its document. Raises AssertionError."""
    conversation = call.conversation
    raws = [_unpacked(raw) for raw in call.raws[: call.fed]]
    snapshot = conversation.snapshot()
    written = snapshot.to_json()
    assert replay(raws).snapshot().to_json() == written, "replayed, the document is another"

    checkpoint = conversation.checkpoint()
    restored = Conversation.restore(checkpoint)
    assert restored.snapshot().to_json() == written, "restored, the document is another"
    assert restored.checkpoint() == checkpoint, "restored, the checkpoint is another"

    document = snapshot.to_dict()
    if folding:
        assert canonical(_folded(raws)) == canonical(document), "the changes lead to another document"
    conversation._draft._check()
    assert len(set(snapshot.order)) == len(snapshot.order), "an item is in the order twice"
    assert snapshot.order == tuple(item.id for item in snapshot.items), "the order is not that of the items"
    assert_usage(document)
    if call.truth is not None and call.ended:
        assert_truth(conversation, call.truth)
    return written.encode()


def _folded(raws: Sequence[bytes]) -> Any:
    conversation = Conversation()
    document = conversation.snapshot().to_dict()
    for raw in raws:
        fold(document, conversation.feed(raw).patch())
    return document


@dataclass
class Sample:
    """The memory after so many events."""

    events: int
    megabytes: float
    blocks: int


@dataclass
class Report:
    """What a soak has shown."""

    events: int
    conversations: int
    seed: int
    calls: int = 0
    folded: int = 0
    anomalies: int = 0
    digest: str = ""
    minutes: float = 0
    samples: list[Sample] = field(default_factory=list)

    @property
    def judged(self) -> list[Sample]:
        """The samples once settled; none where the run is too short to see a slope."""
        if self.events < self.conversations * LONG_ENOUGH:
            return []
        return [sample for sample in self.samples if sample.events >= self.conversations * SETTLED]

    @property
    def growth(self) -> dict[str, float]:
        """By which share memory and objects have grown, by a line through the samples once settled."""
        judged = self.judged
        if not judged:
            return {}
        span = judged[-1].events - judged[0].events
        events = [sample.events for sample in judged]
        kinds = {"memory": [each.megabytes for each in judged], "objects": [each.blocks for each in judged]}
        return {
            kind: linear_regression(events, values).slope * span / fmean(values)
            for kind, values in kinds.items()
        }

    @property
    def flat(self) -> bool:
        """Whether neither has grown by more than a little."""
        return all(share <= FLAT for share in self.growth.values())


def soak(events: int, conversations: int, seed: int = 1, every: int = 100_000) -> Report:
    """Play so many events to so many conversations at once; take a sample of the memory every so many.

    Raises LawBrokenError.
    """
    rng, digest, started = Random(seed), sha256(), perf_counter()
    report = Report(events, conversations, seed, calls=conversations)
    live = [begin(seed, number) for number in range(conversations)]
    for number in range(1, events + 1):
        at = rng.randrange(conversations)
        call = live[at]
        call.step(rng)
        if call.ended:
            _close(report, call, digest, folding=call.number % 10 == 0)
            live[at] = begin(seed, report.calls)
            report.calls += 1
        if number % every == 0:
            report.samples.append(Sample(number, *_memory()))
            _tell(report, perf_counter() - started)
    for call in live:
        _close(report, call, digest, folding=True)
    report.digest = digest.hexdigest()[:16]
    report.minutes = round((perf_counter() - started) / 60, 1)
    return report


def _close(report: Report, call: Call, digest: Any, folding: bool) -> None:
    try:
        digest.update(judge(call, folding))
    except AssertionError as error:
        where = extract_tb(error.__traceback__)[-1]
        why = str(error) or f"{where.line} ({Path(where.filename).name}, line {where.lineno})"
        raise LawBrokenError(
            f"call {call.number} of seed {report.seed}, after {call.fed} of its events: {why}"
        ) from error
    report.folded += folding
    stats = call.conversation.stats
    report.anomalies += stats.unknown + stats.invalid + stats.impossible + stats.late


def _memory() -> tuple[float, int]:
    """Return how many MB of this process are in memory, and how many blocks Python has allocated."""
    gc.collect()
    resident = int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return round(resident / 1e6, 1), sys.getallocatedblocks()


def _tell(report: Report, seconds: float) -> None:
    """Show how far it is: on a terminal in one line, elsewhere a line for each million events."""
    now = report.samples[-1]
    line = (
        f"{now.events:,} of {report.events:,} events, {report.calls:,} calls, {now.megabytes:,.0f} MB, "
        f"{now.events / seconds:,.0f} events/s"
    )
    if sys.stderr.isatty():
        print(f"\r{line}\x1b[K", end="" if now.events < report.events else "\n", file=sys.stderr, flush=True)
    elif now.events % 1_000_000 == 0:
        print(line, file=sys.stderr, flush=True)


def _told(report: Report) -> str:
    at_once = f"{report.conversations:,} at once, seed {report.seed}"
    noted = f"{report.anomalies:,} anomalies noted; digest {report.digest}"
    lines = [
        f"{report.events:,} events, {report.calls:,} calls, {at_once}: {report.minutes} minutes",
        f"the laws hold in all of them; changes folded in {report.folded:,}; {noted}",
    ]
    if not report.judged:
        lines.append(f"too short to judge memory: below {LONG_ENOUGH:,} events for each conversation")
        return "\n".join(lines)
    first, last = report.judged[0], report.judged[-1]
    before = f"memory: {first.megabytes:,.0f} MB after {first.events:,} events"
    lines.append(f"{before}, {last.megabytes:,.0f} MB after {last.events:,}")
    lines.extend(f"{kind} grew by {share:+.2%}" for kind, share in report.growth.items())
    lines.append("memory is flat" if report.flat else f"memory is NOT flat: more than {FLAT:.0%}")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; 1 where a law is broken, or memory is not flat."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.soak", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--events", type=int, default=1_000_000, help="how many in all (1,000,000)")
    parser.add_argument("--conversations", type=int, default=1_000, help="how many at once (1,000)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print all samples too, as JSON")
    options = parser.parse_args(arguments)
    if options.events < 1 or options.conversations < 1:
        parser.error("there have to be events and conversations: both at least 1")
    try:
        every = min(100_000, max(1_000, options.events // 20))
        report = soak(options.events, options.conversations, options.seed, every)
    except LawBrokenError as broken:
        print(f"a law is broken: {broken}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if options.json:
        print(json.dumps({**asdict(report), "growth": report.growth, "flat": report.flat}))
    else:
        print(_told(report))
    return 0 if report.flat else 1


if __name__ == "__main__":
    sys.exit(main())
