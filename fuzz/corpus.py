"""Seeds for the targets, made anew each time: slices of recorded and of simulated sessions.

`python -m fuzz.corpus feed FOLDER` writes them. Recordings are those of the folder that `RTSTATE_RECORDINGS`
names; nothing of them is kept in the repository.
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fuzz import restore
from rtstate import Conversation, simulate
from rtstate.recording import unwrap
from tests.recordings_support import recording_names, recordings_folder

_LONGEST_TEXT = 120  # of base64 and instructions: what matters is between the events
_WINDOW, _STEP = 10, 7
_PREFIX = 20
_LONGEST_SESSION, _BETWEEN = 50, 8  # of a checkpoint, which grows with its session


def streams() -> Iterator[list[Any]]:
    """Yield sessions as lists of events: recorded ones, simulated ones, and damaged ones."""
    for name in recording_names():
        lines = (recordings_folder() / f"{name}.jsonl").read_text().splitlines()
        yield [
            _shortened(json.loads(line) if isinstance(line, str) else line) for line, _ in map(unwrap, lines)
        ]
    for dialect in simulate.DIALECTS:
        for seed in (1, 2):
            events = simulate.session(seed, turns=3, dialect=dialect).events
            yield [_shortened(each) for each in events]
            damaged = simulate.faults(events, seed, 0.05, 0.1, 10, 0.1)
            yield [_shortened(each) for each in damaged if isinstance(each, dict)]


def feed_seeds() -> Iterator[bytes]:
    """Yield inputs of the target `feed`: beginnings of sessions and windows of them, under every option."""
    number = 0
    for events in streams():
        lines = [json.dumps(each, separators=(",", ":")).encode() for each in events]
        windows = [lines[:_PREFIX], *(lines[at : at + _WINDOW] for at in range(_STEP, len(lines), _STEP))]
        for window in windows:
            yield bytes([number % 256]) + b"\n".join(window)
            number += 1


def restore_seeds() -> Iterator[bytes]:
    """Yield inputs of the target `restore`: what is in checkpoints along sessions, and a few as they are."""
    for number, events in enumerate(streams()):
        conversation = Conversation(audio="keep" if number % 4 == 0 else "measure")
        for at, event in enumerate(events[:_LONGEST_SESSION]):
            if at % _BETWEEN == 0:
                yield b"j" + restore.unpacked(conversation.checkpoint())
            conversation.feed(event)
        if number % 8 == 0:  # compressed bytes cannot be bent to much purpose
            yield restore.RAW + conversation.checkpoint()


def _shortened(value: Any) -> Any:
    """Cut long texts, to a length that base64 allows."""
    if isinstance(value, dict):
        return {key: _shortened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_shortened(inner) for inner in value]
    return value[:_LONGEST_TEXT] if isinstance(value, str) else value


def write(target: str, folder: Path) -> int:
    """Write the seeds of a target into a folder, each under the hash of its content; tell how many."""
    folder.mkdir(parents=True, exist_ok=True)
    seeds = set(SEEDS[target]())
    for seed in seeds:
        (folder / hashlib.sha1(seed, usedforsecurity=False).hexdigest()).write_bytes(seed)
    return len(seeds)


SEEDS = {"feed": feed_seeds, "restore": restore_seeds}


if __name__ == "__main__":
    print(write(sys.argv[1], Path(sys.argv[2])), "seeds")
