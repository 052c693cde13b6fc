"""One pytest session that stays: it has collected the tests, knows which lines each runs, and forks.

A mutant costs a fork and the tests until one fails: nothing is imported again. Its functions are given the
code of the mutant, so that whoever holds one of them (a table, a property, a decorator) holds the mutant.
"""

from __future__ import annotations

import gc
import os
import resource
import signal
import sys
import time
import warnings
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Any

import attrs
import coverage
import pytest
from hypothesis import HealthCheck, Phase, settings

from mutants import _kept
from mutants._make import Mutant
from mutants._tests import TESTS, own
from mutants._tests import modules as all_modules

PROFILE = "mutants"
KILLED, SURVIVED, TIMED_OUT, UNREACHED = "killed", "survived", "timed out", "unreached"
AFRESH = "afresh"
"""It runs when its module is imported, so the module has to be imported again."""

_BUDGET = 2.5  # seconds of tests, beside a module's own, that a mutant is tried against
_MEMORY = 6 << 30
_OPTIONS = (
    *("-q", "-p", "no:cacheprovider", "-p", "no:xdist", f"--hypothesis-profile={PROFILE}"),
    *("--assert=plain", "--tb=native"),  # nobody reads why one fails
    *("-W", "ignore::pytest.PytestAssertRewriteWarning"),  # Hypothesis is imported already
)


def register_profile(examples: int) -> None:
    """Make Hypothesis quick and always the same: a mutant's first failure is enough, however long it is."""
    settings.register_profile(
        PROFILE,
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        phases=(Phase.explicit, Phase.generate),
        suppress_health_check=list(HealthCheck),
    )


@attrs.define
class Case:
    """A test: how long it takes, and the lines of each module that it runs."""

    item: pytest.Item
    seconds: float
    passed: bool
    lines: Mapping[str, frozenset[int]]

    @property
    def file(self) -> str:
        return self.item.nodeid.partition("::")[0]


class Session:
    """The plugin that takes the place of pytest's own loop, and calls back when it is ready."""

    def __init__(self, modules: Mapping[str, Path], work: Any) -> None:
        self._modules = modules
        self._work = work
        self._cases: list[Case] = []
        self._at_import: dict[str, set[int]] = {}
        self.functions: dict[str, Functions] = {}
        files = [str(each) for each in all_modules().values()]
        self._watch = coverage.Coverage(data_file=None, include=files, config_file=False)
        self._watch.start()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        kept = _kept.tests()
        known = {each: kept[each] for each in _unchanged(session.items) if each in kept}
        fresh = [item for item in session.items if item.nodeid not in known]
        told = {item.nodeid: self._measured(item, after) for item, after in pairwise([*fresh, None]) if item}
        self._watch.stop()
        data = self._watch.get_data()
        for module, path in all_modules().items():
            self._at_import[module] = set()
            for line, who in data.contexts_by_lineno(str(path)).items():
                for each in who:
                    if each:
                        told[each]["lines"].setdefault(module, []).append(line)
                    else:
                        self._at_import[module].add(line)
        known.update(told)
        _kept.keep_tests(known)
        for item in session.items:
            told_of = known[item.nodeid]
            lines = {module: frozenset(each) for module, each in told_of["lines"].items()}
            self._cases.append(Case(item, told_of["seconds"], told_of["passed"], lines))
        self.functions = {module: _functions(path) for module, path in self._modules.items()}
        gc.collect()
        gc.freeze()
        self._work(self)
        return True

    def _measured(self, item: pytest.Item, following: pytest.Item | None) -> dict[str, Any]:
        self._watch.switch_context(item.nodeid)
        started = time.perf_counter()
        reports = _run(item, following)
        seconds = time.perf_counter() - started
        called = any(each.passed and each.when == "call" for each in reports)
        passed = called and not any(each.failed for each in reports) and not _needs_reports(item)
        if any(each.failed for each in reports):
            print(f"fails without a mutant, and is left out: {item.nodeid}", file=sys.__stderr__)
        return {"seconds": seconds, "passed": passed, "lines": {}}

    def cases(self, module: str, mutant: Mutant) -> list[Case]:
        """Return the tests for a mutant: the module's own, then others, quick ones first."""
        cases = sorted(self._reaching(module, mutant.line), key=lambda case: case.seconds)
        files = own(module)
        mine = [case for case in cases if case.file in files]
        others, spent = [], 0.0
        for case in cases:
            if case.file not in files:
                spent += case.seconds
                if spent > _BUDGET:
                    break
                others.append(case)
        return [*mine, *others]

    def _reaching(self, module: str, line: int) -> list[Case]:
        """Return the tests that run a line, or the one that it belongs to where a statement has several."""
        for each in range(line, max(line - 12, 0), -1):
            if found := [case for case in self._cases if case.passed and each in case.lines.get(module, ())]:
                return found
        return []

    def runs_at_import(self, module: str, mutant: Mutant) -> bool:
        return not mutant.within or mutant.line in self._at_import[module]

    def attempt(self, module: str, path: Path, original: str, mutant: Mutant, cases: Sequence[Case]) -> int:
        """Fork; there, become the mutant and run tests until one fails. Return the process."""
        child = os.fork()
        if child:
            return child
        try:
            _be_quiet()
            resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
            if not exchange(self.functions[module], path, original, mutant.source):
                os._exit(NOT_IN_FUNCTIONS)
            gc.disable()
            warnings.simplefilter("error")
            for case in cases:
                signal.setitimer(signal.ITIMER_PROF, 1 + 5 * case.seconds)
                signal.setitimer(signal.ITIMER_REAL, 20 + 20 * case.seconds)  # for one that waits
                _run_barely(case.item)
            os._exit(0)
        except BaseException:
            os._exit(1)


def collect(modules: Mapping[str, Path], work: Any) -> int:
    """Collect the tests, run each once, and call back with the session."""
    return int(pytest.main([*TESTS, *_OPTIONS], plugins=[Session(modules, work)]))


def _unchanged(items: Sequence[pytest.Item]) -> list[str]:
    """Name the tests whose files are what they were."""
    return [item.nodeid for item in items if _kept.is_same(item.path)]


def _needs_reports(item: Any) -> bool:
    """Tell whether a test would fail in a fork, where no reports are made: each mutant would seem noticed."""
    return "caplog" in getattr(item, "fixturenames", ())


def _run(item: pytest.Item, following: pytest.Item | None = None) -> list[pytest.TestReport]:
    from _pytest.runner import runtestprotocol

    return runtestprotocol(item, log=False, nextitem=following)


def _run_barely(item: Any) -> None:
    """Run a test without its reports, which cost ten times as much; raise what it raises."""
    if not item._request:
        item._initrequest()
    with suppress(pytest.skip.Exception):
        item.session._setupstate.setup(item)
        item.runtest()
        _raise_told(item)
    item.session._setupstate.teardown_exact(None)
    item._request, item.funcargs = False, None


def _raise_told(item: Any) -> None:
    """Raise what a ``unittest.TestCase``, such as a state machine, tells pytest instead of raising it."""
    for told in getattr(item, "_excinfo", None) or ():
        raise told.value


# In the fork

NOT_IN_FUNCTIONS = 3
"""How a fork ends that could not become the mutant."""


def _be_quiet() -> None:
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)


def outcome_of(status: int) -> str:
    if os.WIFSIGNALED(status):
        timed = os.WTERMSIG(status) in (signal.SIGPROF, signal.SIGXCPU, signal.SIGALRM)
        return TIMED_OUT if timed else KILLED
    return KILLED if os.WEXITSTATUS(status) else SURVIVED


# Exchanging code

Functions = dict[tuple[str, int], list[FunctionType]]
"""The functions of a module that are alive, by their qualified name and first line."""


def exchange(functions: Functions, path: Path, source: str, mutated: str) -> bool:
    """Give the functions of a module the code of a mutant; False where it is not in functions alone."""
    before, after = (
        dict(_codes(compile(each, path, "exec", dont_inherit=True))) for each in (source, mutated)
    )
    exchanged = False
    for key, code in before.items():
        if key in after and after[key] != code:
            for function in functions.get((code.co_qualname, code.co_firstlineno), ()):
                if function.__code__ == code:
                    function.__code__ = after[key]
                    exchanged = True
    return exchanged


def _codes(code: CodeType, key: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], CodeType]]:
    """Yield all codes within one, each by the way that leads to it."""
    yield key, code
    seen: dict[str, int] = defaultdict(int)
    for each in code.co_consts:
        if isinstance(each, CodeType):
            seen[each.co_name] += 1
            yield from _codes(each, (*key, each.co_name, seen[each.co_name]))


def _functions(path: Path) -> Functions:
    found: Functions = defaultdict(list)
    for each in gc.get_objects():
        if type(each) is FunctionType and each.__code__.co_filename == str(path):
            found[(each.__code__.co_qualname, each.__code__.co_firstlineno)].append(each)
    return dict(found)


# Importing anew


class _Mutated:
    """Imports one module from the source of its mutant."""

    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name, self._path, self._source = name, path, source

    def find_spec(self, name: str, path: Any = None, target: ModuleType | None = None) -> Any:
        from importlib.util import spec_from_file_location

        if name != self._name:
            return None
        package = [str(self._path.parent)] if self._path.name == "__init__.py" else None
        return spec_from_file_location(
            name,
            self._path,
            loader=self,
            submodule_search_locations=package,  # type: ignore[arg-type]
        )

    def create_module(self, spec: Any) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        exec(compile(self._source, self._path, "exec", dont_inherit=True), module.__dict__)


class _First:
    """Stops at the first failure, and tells it by how the process ends."""

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os._exit(1)


def attempt_afresh(module: str, path: Path, mutant: Mutant) -> int:
    """Fork a process that has not imported the library, and run a module's own tests there."""
    child = os.fork()
    if child:
        return child
    try:
        _be_quiet()
        resource.setrlimit(resource.RLIMIT_CPU, (120, 120))
        resource.setrlimit(resource.RLIMIT_AS, (_MEMORY, _MEMORY))
        signal.alarm(600)
        assert not any(name.partition(".")[0] == "rtstate" for name in sys.modules)
        sys.meta_path.insert(0, _Mutated(f"rtstate.{module}", path, mutant.source))  # type: ignore[arg-type]
        os._exit(int(pytest.main([*own(module), "-x", *_OPTIONS], plugins=[_First()])))
    except BaseException:
        os._exit(1)
