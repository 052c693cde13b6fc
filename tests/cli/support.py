"""Running the command line in a test."""

import json
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from click.testing import CliRunner, Result

from rtstate import simulate
from rtstate.cli._commands import commands


def invoke(*words: str, stdin: str | None = None, width: int = 100) -> Result:
    return CliRunner().invoke(commands, words, input=stdin, env={"COLUMNS": str(width)})


def recorded(*events: Mapping[str, Any] | str, every: float | None = None) -> str:
    """The text of a recording, timed where ``every`` says how many seconds lie between two events."""
    timed = [
        event if every is None else {"at": 50 + every * n, "event": event} for n, event in enumerate(events)
    ]
    return "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in timed)


def added(item_id: str, **fields: Any) -> dict[str, Any]:
    item = {"id": item_id, "type": "message", "role": "user", "status": "completed", **fields}
    return {"type": "conversation.item.added", "item": item}


def said(item_id: str, delta: str) -> dict[str, Any]:
    return {"type": "response.output_text.delta", "item_id": item_id, "response_id": "resp_1", "delta": delta}


def saved_example(folder: Path) -> Path:
    file = folder / "call.jsonl"
    file.write_text("".join(line + "\n" for line in simulate.example().lines(timed=True)))
    return file


@contextmanager
def interruptible() -> Iterator[None]:
    """Let what is started here take an interrupt, also where a shell runs the tests in the background.

    Such a shell has interrupts ignored, and that is inherited.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def listed(url: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in invoke("ls", "--log", url, "--json").stdout.splitlines()]


def wait_for(holds: object, seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.05)
