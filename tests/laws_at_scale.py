"""The laws over very many streams, once: ``python -m tests.laws_at_scale --streams 100000 --seed 1``.

The tests themselves, as they are, without the engine that looks for the smallest example: each stream is made
once, from its number and the seed, and every law is asked about it. A third of the streams are the beginnings
of legal sessions, a third pieces of damaged ones, a third collisions; none is long, so there may be many.
A law that breaks is told with the number of its stream, which ``--first NUMBER --streams 1`` makes again.
"""

from __future__ import annotations

import argparse
import inspect
import sys
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import product
from operator import itemgetter
from random import Random
from typing import Any

import attrs
from hypothesis import strategies as st
from hypothesis.control import BuildContext
from hypothesis.errors import UnsatisfiedAssumption
from hypothesis.internal.conjecture.data import ConjectureData, StopTest

from rtstate import simulate
from tests import test_costs, test_laws, test_laws_changes
from tests.strategies import STREAMS, Call, calls

MODULES = (test_laws, test_laws_changes, test_costs)
RARELY = {"test_no_event_costs_more_in_a_longer_conversation": 10}
"""A law that counts every call of a function is asked about one stream of so many."""


@attrs.frozen
class Law:
    """A property test: what it is called, and what it draws beside what it is told."""

    name: str
    check: Callable[..., None]
    told: dict[str, Any]
    drawn: dict[str, Any]
    of_streams: bool = False


class Drawn:
    """Stands for Hypothesis' ``data``: the stream at hand, and anything else at random."""

    def __init__(self, source: ConjectureData, stream: Any) -> None:
        self._source = source
        self._stream = stream

    def draw(self, strategy: Any, label: str | None = None) -> Any:
        return self._stream if strategy is None else self._source.draw(strategy)


def laws() -> Iterator[Law]:
    """Yield every property test of the laws; one that is told a kind once for each."""
    for module in MODULES:
        for name, test in vars(module).items():
            handle = getattr(test, "hypothesis", None)
            if not name.startswith("test_") or handle is None:
                continue
            marks = [mark for mark in getattr(test, "pytestmark", []) if mark.name == "parametrize"]
            options = [[(mark.args[0], value) for value in mark.args[1]] for mark in marks]
            check = handle.inner_test
            if "data" in inspect.signature(check).parameters:
                yield Law(name, check, {}, {}, of_streams=True)
                continue
            drawn = dict(handle._given_kwargs) or _by_place(check, test, marks)
            for told in product(*options):
                names = [str(value) for _, value in told]
                yield Law(f"{name}[{'-'.join(names)}]" if names else name, check, dict(told), drawn)


def _by_place(check: Any, test: Any, marks: Sequence[Any]) -> dict[str, Any]:
    """The strategies that a test is given without their names: they are those of its last arguments."""
    given = [cell.cell_contents for cell in test.__closure__ or () if isinstance(cell.cell_contents, tuple)]
    strategies = next(
        each for each in given if each and all(isinstance(one, st.SearchStrategy) for one in each)
    )
    return dict(zip(list(inspect.signature(check).parameters)[-len(strategies) :], strategies, strict=True))


def source_of(seed: int, number: int, law: str = "") -> ConjectureData:
    return ConjectureData(random=Random(f"{seed} {number} {law}"))


def ask(law: Law, seed: int, number: int, stream: Any) -> bool:
    """Ask a law about a stream, or about what it draws itself; False where it has nothing to say."""
    source = source_of(seed, number, law.name)
    try:
        with BuildContext(source, is_final=False, wrapped_test=law.check):
            if law.of_streams:
                law.check(None, Drawn(source, stream))
            else:
                drawn = {name: _drawn(source, each, seed, number) for name, each in law.drawn.items()}
                law.check(**law.told, **drawn)
    except (UnsatisfiedAssumption, StopTest):
        return False
    return True


def _drawn(source: ConjectureData, strategy: Any, seed: int, number: int) -> Any:
    """Draw what a test is given; a whole call has one turn here."""
    if strategy is not calls:
        return source.draw(strategy)
    dialect = simulate.DIALECTS[number % len(simulate.DIALECTS)]
    return Call(f"session of stream {number}", simulate.session(seed + number, 1, dialect))


def made(seed: int, number: int, longest: int) -> tuple[str, Any]:
    """Make the stream of a number: a session from its beginning, a damaged one from anywhere.

    One that draws more than Hypothesis lets it is made again, otherwise.
    """
    kind = list(STREAMS)[number % len(STREAMS)]
    for attempt in range(100):
        source = source_of(seed, number, f"stream {attempt}")
        try:
            with BuildContext(source, is_final=False, wrapped_test=made):
                stream = source.draw(STREAMS[kind])
        except (UnsatisfiedAssumption, StopTest):
            continue
        beyond = max(len(stream) - longest, 0) if kind == "damaged" else 0
        begin = Random(f"{seed} {number}").randrange(beyond + 1)
        return kind, stream[begin : begin + longest]
    raise RuntimeError(f"stream {number} of seed {seed} cannot be made")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.laws_at_scale", description=__doc__)
    parser.add_argument("--streams", type=int, default=100_000)
    parser.add_argument("--first", type=int, default=0, help="the number of the first stream (0)")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--longest", type=int, default=25, help="how many events a stream has at most (25)")
    parser.add_argument("-k", default="", help="only the laws whose name contains this")
    options = parser.parse_args(arguments)
    known = [law for law in laws() if options.k in law.name]
    asked: Counter[str] = Counter()
    spent: dict[str, float] = defaultdict(float)
    events = broken = 0
    started = time.perf_counter()
    last = options.first + options.streams
    for number in range(options.first, last):
        began = time.perf_counter()
        kind, stream = made(options.seed, number, options.longest)
        spent["(making the streams)"] += time.perf_counter() - began
        events += len(stream)
        for law in known:
            if number % RARELY.get(law.name, 1):
                continue
            began = time.perf_counter()
            try:
                asked[law.name] += ask(law, options.seed, number, stream)
            except Exception:
                broken += 1
                print(f"BROKEN: {law.name}: stream {number} ({kind}) of seed {options.seed}", flush=True)
                traceback.print_exc()
            spent[law.name] += time.perf_counter() - began
        if (number + 1) % 1_000 == 0 or number + 1 == last:
            seconds = time.perf_counter() - started
            print(f"{number + 1} streams, {events:,} events, {broken} broken, {seconds:.0f} s", flush=True)
    for name, seconds in sorted(spent.items(), key=itemgetter(1), reverse=True):
        print(f"{asked[name]:>9,} {seconds:>8.1f} s  {name}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
