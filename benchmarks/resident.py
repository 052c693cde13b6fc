"""What a conversation takes of memory and of the log, while it is used and afterwards.

Counted is the memory of a fresh process as the system sees it. Live conversations have 20 items and 630
events; beside what they take is what the hub takes them for, which is what its budget counts. Idle ones were
fed 30 events of 200 bytes each, one by one, until nobody used them: then nothing of them should be left in
the process, and in the log their events and a checkpoint, or, trimmed, the checkpoint alone. Twice 5,000 come
and go; each half is one round.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from benchmarks._engines import NORMAL, REDIS, has_redis, redis_server
from benchmarks._harness import Figure, Rounds, Size, question

ROOT: Final = Path(__file__).parents[1]
KB: Final = "1 kB"
PROCESS: Final = "in the process"


@question
def resident(size: Size) -> Iterator[Figure]:
    for history in (100,) if size.name == "tiny" else (100, 0):
        taken, thought = _measured("live", NORMAL, size.pick(5, 150), history)
        samples = {PROCESS: taken, "as the hub counts it": thought, KB: [1.0, 1.0]}
        rounds = Rounds(f"a live conversation, history={history}", samples, "kB")
        yield rounds.figure(PROCESS, KB)
        yield rounds.figure("as the hub counts it", PROCESS)
    raws = 30 * 200 / 1000
    for name, where in ((NORMAL, "in the file"), (REDIS, "in the server's memory")):
        if "Redis" in name and not has_redis():
            continue
        for trim in (True,) if size.name == "tiny" else (False, True):
            taken, stored = _measured("idle", name, size.pick(20, 5000), int(trim))
            events = "its events on the wire"
            samples = {PROCESS: taken, where: stored}
            samples |= {KB: [1.0, 1.0], events: [raws, raws]}
            rounds = Rounds(f"an idle one, {name}{', trimmed' if trim else ''}", samples, "kB")
            yield rounds.figure(PROCESS, KB, 1)
            yield rounds.figure(where, events)


def _measured(what: str, name: str, half: int, option: int) -> tuple[Sequence[float], Sequence[float]]:
    """Return two figures of each half, in kB per conversation, from a process of its own."""
    with ExitStack() as stack:
        place = stack.enter_context(tempfile.TemporaryDirectory(ignore_cleanup_errors=True))
        if "Redis" in name:
            place = stack.enter_context(redis_server(Path(place))).url
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks._resident", what, name, place, str(half), str(option)],
            check=True,
            capture_output=True,
            cwd=ROOT,
        )
    figures = [max(each / 1000, 0.001) for each in json.loads(done.stdout)]  # where it found room it had
    return figures[::2], figures[1::2]
