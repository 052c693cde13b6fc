"""How long it takes until the first event is read.

All of it is timed in fresh processes, with their bytecode cached. The import of pydantic is that of
``BaseModel`` and ``TypeAdapter``, for the package itself loads lazily. So does ``import rtstate``: each name
is imported when it is first asked for. ``Replica`` needs attrs and no pydantic; ``Conversation`` needs all of
it, and a class for every event. The parser is built when the first event is read; ``feed`` has one of its
own, which takes about as long.
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
REPLICA = "import of Replica"
CONVERSATION = "import of Conversation"
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
            REPLICA: _timed("from rtstate import Replica"),
            CONVERSATION: _timed("from rtstate import Conversation"),
            FIRST_PARSE: _timed(
                f"parse_server_event({_EVENT})", before="from rtstate import parse_server_event"
            ),
        },
    )
    yield rounds.figure(RTSTATE, PYDANTIC, TARGETS["import"])
    yield rounds.figure(REPLICA, PYDANTIC)
    yield rounds.figure(CONVERSATION, PYDANTIC)
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
