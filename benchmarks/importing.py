"""How long it takes until the first event is read.

All of it is timed in fresh processes, with their bytecode cached. The import of pydantic is that of
``BaseModel`` and ``TypeAdapter``, for the package itself loads lazily. Where ``import rtstate`` needs these
at once, the first ratio lies above 1 by attrs, sortedcontainers and our own classes; below 1 it can be only
where they wait for the first event. The parser is built when that is read; ``feed`` has one of its own, which
takes about as long.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

from benchmarks._harness import Figure, Size, Task, compare, question
from benchmarks._targets import TARGETS

PYDANTIC = "import of pydantic"
RTSTATE = "import of rtstate"
FIRST_PARSE = "the first parse_server_event"
_EVENT = '\'{"type": "response.output_text.delta", "item_id": "item_1", "delta": "Hi"}\''


@question
def importing(size: Size) -> Iterator[Figure]:
    rounds = compare(
        replace(size, rounds=size.pick(2, 11, 31), seconds=0),
        "a fresh process",
        {
            PYDANTIC: _timed("from pydantic import BaseModel, TypeAdapter"),
            RTSTATE: _timed("import rtstate"),
            FIRST_PARSE: _timed(f"rtstate.parse_server_event({_EVENT})", before="import rtstate"),
        },
    )
    yield rounds.figure(RTSTATE, PYDANTIC, TARGETS["import"])
    yield rounds.figure(FIRST_PARSE, PYDANTIC, 1)


def _timed(statement: str, before: str = "") -> Task:
    program = f"""
from time import process_time
{before}
started = process_time()
{statement}
print(process_time() - started)
"""

    def run(_: object) -> float:
        return float(subprocess.run([sys.executable, "-c", program], check=True, capture_output=True).stdout)

    return Task(run, 1)
