"""Measure things beside each other.

Machines differ and are busy, so a time alone says little. Tasks therefore take turns in rounds, and what
counts is the ratio of two tasks within one round: its median over all rounds, with its quartiles.
"""

from __future__ import annotations

import gc
import pkgutil
import sys
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from statistics import median, quantiles
from time import perf_counter, process_time
from typing import Any, Final, Literal

from benchmarks._targets import Target

Unit = Literal["µs", "kB", "words"]


@dataclass(frozen=True)
class Size:
    """How much to measure: at least so many rounds, and more until so many seconds are used."""

    name: str
    rounds: int
    seconds: float

    def pick(self, tiny: int, normal: int, full: int | None = None) -> int:
        """Return what goes with this size; ``full`` is ``normal`` unless told."""
        return tiny if self.name == "tiny" else normal if self.name == "normal" or full is None else full


SIZES: Final = {size.name: size for size in (Size("tiny", 2, 0), Size("normal", 15, 2), Size("full", 51, 10))}


@dataclass(frozen=True)
class Figure:
    """One ratio: ``of`` ÷ ``by``, both measured ``on`` the same data; medians are per operation."""

    on: str
    of: str
    by: str
    ratio: float
    quartiles: tuple[float, float]
    medians: tuple[float, float]
    unit: Unit
    rounds: int
    target: float | None = None
    """The largest ratio that is good enough."""
    row: str | None = None
    """Which of the targets that have to be reached this is."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none."""
        return None if self.target is None else self.ratio <= self.target

    def to_dict(self) -> dict[str, Any]:
        """Return the figure as plain JSON."""
        return {
            "on": self.on,
            "of": self.of,
            "by": self.by,
            "ratio": _significant(self.ratio),
            "quartiles": [_significant(each) for each in self.quartiles],
            "medians": [_significant(each) for each in self.medians],
            "unit": self.unit,
            "rounds": self.rounds,
            "target": self.target,
            "met": self.met,
            "row": self.row,
        }


def _significant(value: float) -> float:
    return float(f"{value:.4g}")


@dataclass(frozen=True)
class Rounds:
    """What each task took in each round."""

    on: str
    samples: Mapping[str, Sequence[float]]
    unit: Unit = "µs"

    def figure(self, of: str, by: str, target: float | Target | None = None) -> Figure:
        """Return the ratio of two tasks."""
        at_most, row = (target.at_most, target.name) if isinstance(target, Target) else (target, None)
        ratios = [ours / theirs for ours, theirs in zip(self.samples[of], self.samples[by], strict=True)]
        low, middle, high = quantiles(ratios, n=4, method="inclusive")
        medians = median(self.samples[of]), median(self.samples[by])
        return Figure(self.on, of, by, middle, (low, high), medians, self.unit, len(ratios), at_most, row)


@dataclass(frozen=True)
class Task:
    """Something to time: ``count`` operations, done by ``run`` with what ``prepare`` made before, untimed.

    A ``run`` that returns a number has looked at the clock itself: it is the seconds it took.
    """

    run: Callable[[Any], float | None]
    count: int
    prepare: Callable[[], Any] = lambda: None


def each(function: Callable[[Any], object], values: Sequence[Any]) -> Task:
    """Return the task of calling a function with each of some values."""

    def run(_: object) -> None:
        for value in values:
            function(value)

    return Task(run, len(values))


def compare(size: Size, on: str, tasks: Mapping[str, Task]) -> Rounds:
    """Time some tasks in rounds, in turn forwards and backwards, after one that only warms up.

    The collector of garbage runs before each task, and while none. Results are in µs per operation.
    """
    samples: dict[str, list[float]] = {name: [] for name in tasks}
    turn = list(tasks.items())
    with settled():
        for _, task in turn:
            _time(task)
        started = perf_counter()
        while len(samples[turn[0][0]]) < size.rounds or perf_counter() - started < size.seconds:
            for name, task in turn:
                samples[name].append(_time(task) / task.count * 1e6)
            turn.reverse()
    return Rounds(on, samples)


@contextmanager
def settled() -> Generator[None]:
    """Spare the collector of garbage everything that is there already: it is searched once, not each time."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _time(task: Task) -> float:
    prepared = task.prepare()
    gc.collect()
    gc.disable()
    try:
        started = process_time()  # of this process alone: what else runs on the machine counts for less
        seconds = task.run(prepared)
        return process_time() - started if seconds is None else seconds
    finally:
        gc.enable()


@dataclass(frozen=True)
class Question:
    """One benchmark. Its name is its module's, its title and explanation are the module's docstring."""

    measure: Callable[[Size], Iterable[Figure]]

    @property
    def name(self) -> str:
        return self.measure.__module__.rpartition(".")[2]

    @property
    def title(self) -> str:
        return self._docstring[0].rstrip(".")

    @property
    def explanation(self) -> str:
        return self._docstring[2].strip()

    @property
    def beside(self) -> tuple[str, ...]:
        """The packages, of Python or Node.js, that it is measured beside: ``BESIDE`` of its module."""
        return tuple(getattr(sys.modules[self.measure.__module__], "BESIDE", ()))

    @property
    def _docstring(self) -> tuple[str, str, str]:
        return (sys.modules[self.measure.__module__].__doc__ or "").partition("\n")


_QUESTIONS: Final[dict[str, Question]] = {}
_PROGRAMS: Final = {"soak"}  # no question, and run by its own name


def question(measure: Callable[[Size], Iterator[Figure]]) -> Callable[[Size], Iterator[Figure]]:
    """Make a function, which yields the figures of its module, one of the questions."""
    _QUESTIONS[measure.__module__] = Question(measure)
    return measure


def questions() -> dict[str, Question]:
    """Return all questions by name, in alphabetical order: one per module of this package."""
    for module in pkgutil.iter_modules([str(Path(__file__).parent)]):
        if not module.name.startswith("_") and module.name not in _PROGRAMS:
            import_module(f"benchmarks.{module.name}")
    return {each.name: each for _, each in sorted(_QUESTIONS.items())}
