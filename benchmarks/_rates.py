"""How many events and bytes a live call has, from simulated sessions and recorded ones.

Run by ``python -m benchmarks._rates``. Simulated sessions have times; recordings have none, and their audio
was cut, so of these only the events per response and the bytes of all but audio are of use.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks._peers import on_the_wire
from rtstate import simulate

AUDIO: Final = {
    "response.output_audio.delta": "delta",
    "response.audio.delta": "delta",
    "input_audio_buffer.append": "audio",
}
Timed = Sequence[tuple[float, dict[str, Any]]]


def main() -> None:
    calls = [simulate.session(seed, turns=20, features=["audio"]).timed for seed in range(20)]
    seconds = sum(call[-1][0] - call[0][0] for call in calls)
    print(f"simulated: {len(calls)} calls of {seconds / len(calls):.0f} s on average; per second of a call:")
    for what, kept in (
        ("as they are", calls),
        ("audio cut out of its events", [[(at, cut(event)) for at, event in call] for call in calls]),
        (
            "without events of audio",
            [[each for each in call if each[1]["type"] not in AUDIO] for call in calls],
        ),
    ):
        raws = [raw for call in kept for raw in on_the_wire(event for _, event in call)]
        batches = ", ".join(
            f"{sum(windows(call, ms) for call in kept) / seconds:.2f} batches of {ms} ms"
            for ms in (50, 100, 200)
        )
        size = sum(map(len, raws))
        print(
            f"  {what}: {len(raws) / seconds:.1f} events, {size / seconds:,.0f} bytes "
            f"({size / len(raws):,.0f} each); {batches}"
        )
    types = Counter(event["type"] for call in calls for _, event in call)
    print("  most:", ", ".join(f"{count / seconds:.2f} {name}" for name, count in types.most_common(4)))
    busiest = max(most(call) for call in calls)
    print(f"  the busiest second of any: {busiest} events")
    if folder := os.environ.get("RTSTATE_RECORDINGS"):
        print("recorded, audio cut out by whoever recorded them:")
        for path in sorted(Path(folder).glob("*.jsonl")):
            recorded(path)


def recorded(path: Path) -> None:
    """Print what a recording has per response."""
    lines = path.read_bytes().splitlines()
    types = Counter(json.loads(line)["type"] for line in lines)
    audio = sum(count for name, count in types.items() if name in AUDIO)
    responses = types["response.done"]
    if not responses or "spec" in path.stem:
        return
    print(
        f"  {path.stem}: {responses} responses, {len(lines) / responses:.0f} events each, of them "
        f"{audio / responses:.0f} of audio; {sum(map(len, lines)) / len(lines):.0f} bytes an event"
    )


def cut(event: dict[str, Any]) -> dict[str, Any]:
    """Return an event without its audio."""
    return {**event, AUDIO[event["type"]]: ""} if event["type"] in AUDIO else event


def windows(call: Timed, ms: int) -> int:
    """Return how many appends there are if each waits so long for others: it begins with the first event."""
    batches, ends = 0, -1.0
    for at, _ in call:
        if at >= ends:
            batches, ends = batches + 1, at + ms / 1000
    return batches


def most(call: Timed) -> int:
    """Return how many events the busiest second of a call has."""
    return max(Counter(int(at) for at, _ in call).values())


if __name__ == "__main__":
    main()
