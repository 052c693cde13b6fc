"""Break the modules in small ways, one at a time, and see whether a test notices.

`python -m mutants` takes all of them, `python -m mutants _order _draft.items` some; `--again` tries only
those that lived the last time, as long as the module is the same.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatch
from pathlib import Path

import attrs
import hypothesis  # noqa: F401  (here, so that no fork has to)
import pydantic  # noqa: F401

from mutants import _kept, _session
from mutants._make import Mutant, mutants_of
from mutants._session import AFRESH, KILLED, SURVIVED, TIMED_OUT, Session
from mutants._tests import modules


@attrs.frozen
class Task:
    """One mutant of one module."""

    module: str
    path: Path
    original: str
    mutant: Mutant


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the command line asks for; exit 1 where a mutant lives that nobody has explained."""
    known = modules()
    parser = argparse.ArgumentParser(prog="python -m mutants", description=__doc__)
    parser.add_argument("module", nargs="*", help="_order, wire.items, '_draft*'")
    parser.add_argument("--again", action="store_true", help="only those that lived the last time")
    parser.add_argument("--jobs", type=int, default=1, help="how many at a time (1)")
    parser.add_argument("--examples", type=int, default=5, help="Hypothesis's, per test (5)")
    parser.add_argument("--list", action="store_true", help="show the mutants and try none")
    options = parser.parse_args(arguments)
    chosen = {
        name: path for name, path in known.items() if any(fnmatch(name, each) for each in options.module)
    }
    if not chosen:
        parser.error(f"no such module; there are {', '.join(known)}")

    tasks, found = _tasks(chosen, again=options.again)
    if options.list:
        for task in tasks:
            print(f"{task.module}:{task.mutant.line} {task.mutant.name}")
        return 0
    _session.register_profile(options.examples)
    started, done = time.monotonic(), 0
    for task, outcome in _outcomes(tasks, chosen, options.jobs):
        done += 1
        found[task.module][task.mutant.name] = outcome
        if sys.stderr.isatty():
            print(f"\r{done} of {len(tasks)}", end="", file=sys.stderr, flush=True)
        elif outcome == SURVIVED:
            print(f"{done}/{len(tasks)} {task.module}:{task.mutant.line} {task.mutant.name}", file=sys.stderr)
    print(f"\n{done} mutants in {time.monotonic() - started:.0f} s", file=sys.stderr)
    for module, path in chosen.items():
        _kept.keep(module, path.read_text(), found[module])
    return _report(chosen, found)


def _tasks(chosen: dict[str, Path], *, again: bool) -> tuple[list[Task], dict[str, dict[str, str]]]:
    tasks: list[Task] = []
    found: dict[str, dict[str, str]] = {}
    for module, path in chosen.items():
        source = path.read_text()
        last = _kept.outcomes(module, source) if again else {}
        found[module] = {}
        for mutant in mutants_of(path):
            if last.get(mutant.name) in (KILLED, TIMED_OUT):
                found[module][mutant.name] = last[mutant.name]
            else:
                tasks.append(Task(module, path, source, mutant))
    return tasks, found


# Trying them


def _outcomes(tasks: list[Task], chosen: dict[str, Path], jobs: int) -> Iterator[tuple[Task, str]]:
    """Yield what comes of each: in forks of a session first, then anew those that this cannot decide."""
    afresh: list[Task] = []
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        with os.fdopen(writing, "w") as results:
            os._exit(_session.collect(chosen, lambda session: _in_forks(session, tasks, jobs, results)))
    os.close(writing)
    with os.fdopen(reading) as results:
        for line in results:
            number, outcome = json.loads(line)
            if outcome == AFRESH:
                afresh.append(tasks[number])
            else:
                yield tasks[number], outcome
    os.waitpid(child, 0)
    running: dict[int, Task] = {}
    for task in [*afresh, None]:
        while running and (task is None or len(running) >= jobs):
            process, status = os.wait()
            yield running.pop(process), _session.outcome_of(status)
        if task is not None:
            running[_session.attempt_afresh(task.module, task.path, task.mutant)] = task


def _in_forks(session: Session, tasks: list[Task], jobs: int, results) -> None:  # type: ignore[no-untyped-def]
    running: dict[int, int] = {}

    def tell(number: int, outcome: str) -> None:
        task = tasks[number]
        may_be_cached = task.module.startswith("wire") or session.runs_at_import(task.module, task.mutant)
        if outcome == SURVIVED and may_be_cached:
            outcome = AFRESH
        results.write(json.dumps([number, outcome]) + "\n")
        results.flush()

    def wait() -> None:
        process, status = os.wait()
        code = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
        number = running.pop(process)
        tell(number, AFRESH if code == _session.NOT_IN_FUNCTIONS else _session.outcome_of(status))

    for number, task in enumerate(tasks):
        cases = session.cases(task.module, task.mutant)
        if not cases or not task.mutant.within:
            results.write(json.dumps([number, AFRESH]) + "\n")
            continue
        while len(running) >= jobs:
            wait()
        running[session.attempt(task.module, task.path, task.original, task.mutant, cases)] = number
    while running:
        wait()


# Telling


def _report(chosen: dict[str, Path], found: dict[str, dict[str, str]]) -> int:
    rows: list[list[object]] = [
        [
            "module",
            "mutants",
            "killed",
            "timed out",
            "explained",
            "survived",
            "score",
            "without the explained",
        ]
    ]
    total: Counter[str] = Counter()
    unexplained = 0
    for module in chosen:
        reasons = _kept.explained(module)
        counts: Counter[str] = Counter()
        for name, outcome in found[module].items():
            counts["explained" if outcome == SURVIVED and name in reasons else outcome] += 1
        for name in sorted(reasons):
            if found[module].get(name) != SURVIVED:
                told = "killed" if name in found[module] else "no longer there"
                print(f"{module}: explained, and {told}: {name}")
        for name, outcome in found[module].items():
            if outcome == SURVIVED and name not in reasons:
                unexplained += 1
                print(f"{module}: survived: {name}")
        rows.append(_row(module, counts))
        total += counts
    if len(chosen) > 1:
        rows.append(_row("together", total))
    print(_kept.table(rows))
    return 1 if unexplained else 0


def _row(name: str, counts: Counter[str]) -> list[object]:
    noticed, count = counts[KILLED] + counts[TIMED_OUT], sum(counts.values())
    rest = count - counts["explained"]
    scores = [f"{100 * noticed / each:.1f} %" if each else "–" for each in (count, rest)]
    return [name, count, counts[KILLED], counts[TIMED_OUT], counts["explained"], counts[SURVIVED], *scores]


if __name__ == "__main__":
    sys.exit(main())
