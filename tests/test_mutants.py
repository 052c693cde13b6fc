"""The tool that breaks the core on purpose: what it breaks, and how the tests get to see it."""

import importlib.util
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

pytest.importorskip("libcst")

from mutants import _kept, _session
from mutants._make import Mutant, mutants_of
from mutants._tests import ROOT, TESTS, modules, own

SOURCE = '''"""A module."""

from __future__ import annotations

from functools import cache

LIMIT = 3
__all__ = ["Thing", "add"]


def add(one: int, two: int = 1) -> int:
    """Add."""
    return one + two


class Thing:
    """A thing."""

    __slots__ = ("size",)

    def __init__(self, size: int) -> None:
        self.size = size

    @property
    def is_large(self) -> bool:
        return self.size > LIMIT

    @classmethod
    def of(cls, *sizes: int) -> Thing:
        return cls(sum(size for size in sizes if size))

    @staticmethod
    def named(name: str, *, loud: bool = False) -> str:
        if loud:
            raise ValueError(f"no {name!r}")
        return name.lower()

    def _check(self) -> None:
        assert self.size > 0


@cache
def table() -> dict[str, int]:
    return {"a": add(1)}


HANDLERS = {"add": add, "large": Thing.is_large.fget}
'''


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "thing.py"
    file.write_text(SOURCE)
    return file


def imported(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("thing_under_test", path)
    assert spec is not None
    assert spec.loader is not None
    module = ModuleType("thing_under_test")
    exec(compile(path.read_text(), path, "exec", dont_inherit=True), module.__dict__)
    return module


def named(path: Path, name: str) -> Mutant:
    [mutant] = [each for each in mutants_of(path) if each.name == name]
    return mutant


def test_every_mutant_is_another_program_and_says_where(path: Path) -> None:
    found = mutants_of(path)
    assert len({each.name for each in found}) == len(found)
    assert len({each.source for each in found} | {SOURCE}) == len(found) + 1
    for mutant in found:
        compile(mutant.source, path, "exec")
        old, new = SOURCE.splitlines(), mutant.source.splitlines()
        assert old[: mutant.line - 1] == new[: mutant.line - 1]
        assert old[mutant.line - 1] != new[mutant.line - 1]


@pytest.mark.parametrize(
    "name",
    [
        "add: return one + two -> return one - two",
        "add: return one + two -> return None",
        "add: def add(one: int, two: int = 1) -> int: -> def add(one: int, two: int = 2) -> int:",
        "Thing.__init__: self.size = size -> self.size = None",
        "Thing.is_large: return self.size > LIMIT -> return self.size >= LIMIT",
        "Thing.named: if loud: -> if not (loud):",
        'Thing.named: raise ValueError(f"no {name!r}") -> pass',
        'Thing.named: raise ValueError(f"no {name!r}") -> raise ValueError(f"no {None!r}")',
        "Thing.named: return name.lower() -> return name.upper()",
        'table: return {"a": add(1)} -> return {"a": add(2)}',
        "(module): LIMIT = 3 -> LIMIT = 4",
        'HANDLERS = {"add": add, "large": Thing.is_large.fget}',
    ],
)
def test_what_is_broken(path: Path, name: str) -> None:
    assert any(name in each.name for each in mutants_of(path))


@pytest.mark.parametrize("left_alone", ["_check", "__all__", "from __future__", '"""'])
def test_what_is_left_alone(path: Path, left_alone: str) -> None:
    assert not any(left_alone in each.name for each in mutants_of(path))


HOLDERS: dict[str, tuple[str, Callable[[Any], Any], Any, Any]] = {
    "a function": ("add: return one + two -> return one - two", lambda it: it.add(5, 2), 7, 3),
    "one in a table": ("add: return one + two -> return one - two", lambda it: it.HANDLERS["add"](5), 6, 4),
    "a property": (
        "Thing.is_large: return self.size > LIMIT -> return self.size >= LIMIT",
        lambda it: it.Thing(3).is_large,
        False,
        True,
    ),
    "a method": (
        "Thing.__init__: self.size = size -> self.size = None",
        lambda it: it.Thing(3).size,
        3,
        None,
    ),
    "a static method": (
        "Thing.named: return name.lower() -> return name.upper()",
        lambda it: it.Thing.named("Ab"),
        "ab",
        "AB",
    ),
    "a class method": (
        "Thing.of: return cls(sum(size for size in sizes if size)) -> return None",
        lambda it: it.Thing.of(1) is None,
        False,
        True,
    ),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_whoever_holds_a_function_holds_the_mutant(path: Path, holder: str) -> None:
    name, act, before, after = HOLDERS[holder]
    module = imported(path)
    assert act(module) == before
    functions = _session._functions(path)
    assert _session.exchange(functions, path, SOURCE, named(path, name).source)
    assert act(module) == after


def test_what_is_no_function_cannot_be_exchanged(path: Path) -> None:
    module = imported(path)
    mutant = named(path, "(module): LIMIT = 3 -> LIMIT = 4")
    assert not mutant.within
    assert not _session.exchange(_session._functions(path), path, SOURCE, mutant.source)
    assert module.LIMIT == 3


def test_how_a_fork_ends() -> None:
    assert [_session.outcome_of(status) for status in (0, 1 << 8)] == ["survived", "killed"]
    assert _session.outcome_of(27) == "timed out"  # SIGPROF
    assert _session.outcome_of(11) == "killed"


CASES = """
import unittest

class Case(unittest.TestCase):
    def test_good(self): pass
    def test_wrong(self): raise ValueError("bad")
    def test_skipped(self): raise unittest.SkipTest("skipped")
"""

RUN_BARELY = """
import sys, pytest
from mutants import _session

class Loop:
    def pytest_runtestloop(self, session):
        for item in session.items:
            try:
                _session._run_barely(item)
            except BaseException as error:
                print(item.name, repr(error), end="; ")
        return True

pytest.main([sys.argv[1], "-s", "-pno:terminal", "-pno:cacheprovider"], [Loop()])
"""


def test_a_fork_hears_of_what_a_test_case_does_not_raise(tmp_path: Path) -> None:
    """State machines are such test cases."""
    cases = tmp_path / "test_cases.py"
    cases.write_text(CASES)
    told = subprocess.run(
        [sys.executable, "-c", RUN_BARELY, cases],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert told.stdout == "test_wrong ValueError('bad'); ", told.stderr


def test_a_table_is_markdown() -> None:
    rows = [["module", "mutants"], ["_order", 5], ["_draft.items", 100]]
    assert _kept.table(rows).splitlines() == [
        "| module       | mutants |",
        "| ------------ | ------: |",
        "| _order       |       5 |",
        "| _draft.items |     100 |",
    ]


def test_every_module_of_the_scope_has_tests_of_its_own() -> None:
    assert {"_order", "_vector", "_growing", "_draft", "_draft.items", "wire", "wire.items"} <= set(modules())
    known = {
        path for each in TESTS for path in ((ROOT / each).rglob("test_*.py"), [ROOT / each]) for path in path
    }
    for module in modules():
        for file in own(module):
            assert (ROOT / file).is_file()
            assert ROOT / file in known, f"{file} is not among the tests that mutants are tried against"


def test_what_is_explained_has_a_module_and_a_reason() -> None:
    tables = tomllib.loads((ROOT / "mutants" / "explained.toml").read_text()).get("explained", [])
    for table in tables:
        assert table["module"] in modules()
        assert table["why"]
        assert table["mutants"]
        assert len(set(table["mutants"])) == len(table["mutants"])


def test_it_says_what_it_does_not_know() -> None:
    ran = subprocess.run(
        [sys.executable, "-m", "mutants", "nobody"], cwd=ROOT, check=False, capture_output=True, text=True
    )
    assert ran.returncode == 2
    assert "no such module; there are _order, _vector" in ran.stderr
