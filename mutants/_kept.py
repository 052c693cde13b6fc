"""What is known of mutants from one run to the next, and those of which it is explained why they may live."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from mutants._tests import ROOT

_EXPLAINED = Path(__file__).with_name("explained.toml")
_HOME = ROOT / ".mutants"


def explained(module: str) -> dict[str, str]:
    """Return the names of the mutants that cannot be killed, each with the reason."""
    tables = tomllib.loads(_EXPLAINED.read_text()).get("explained", [])
    return {name: table["why"] for table in tables if table["module"] == module for name in table["mutants"]}


def outcomes(module: str, source: str) -> dict[str, str]:
    """Return what came of each mutant in the last run, nothing where the module has changed since."""
    kept = _read(module)
    return dict(kept["outcomes"]) if kept.get("source") == _digest(source) else {}


def keep(module: str, source: str, found: dict[str, str]) -> None:
    """Keep what came of each mutant."""
    _HOME.mkdir(exist_ok=True)
    kept = {"source": _digest(source), "outcomes": found}
    (_HOME / f"{module}.json").write_text(json.dumps(kept, ensure_ascii=False, indent=1))


def tests() -> dict[str, Any]:
    """Return what is known of the tests: how long each takes and which lines it runs, if all is as it was."""
    kept = _read("tests")
    return kept["tests"] if kept.get("library") == _library() else {}


def keep_tests(known: dict[str, Any]) -> None:
    """Keep what is known of the tests, and of which files that is."""
    files = {each.partition("::")[0] for each in known}
    digests = {each: _digest((ROOT / each).read_text()) for each in files}
    _HOME.mkdir(exist_ok=True)
    (_HOME / "tests.json").write_text(json.dumps({"library": _library(), "files": digests, "tests": known}))


def is_same(path: Path) -> bool:
    """Tell whether a test's file is what it was when its tests were last measured."""
    name = path.relative_to(ROOT).as_posix()
    return bool(_read("tests").get("files", {}).get(name) == _digest(path.read_text()))


@cache
def _read(name: str) -> dict[str, Any]:
    try:
        return dict(json.loads((_HOME / f"{name}.json").read_text()))
    except FileNotFoundError:
        return {}


@cache
def _library() -> str:
    """Digest the library, and what the tests share."""
    shared = [each for each in (ROOT / "tests").glob("*.py") if not each.name.startswith(("test_", "own"))]
    return _digest("".join(each.read_text() for each in sorted([*(ROOT / "src").rglob("*.py"), *shared])))


def _digest(source: str) -> str:
    return hashlib.sha256(source.encode()).hexdigest()


def table(rows: Sequence[Sequence[object]]) -> str:
    """Write rows as a table of Markdown, numbers to the right."""
    texts = [[str(each) for each in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*texts, strict=True)]
    lines = [[texts[0][0].ljust(widths[0]), *map(str.rjust, texts[0][1:], widths[1:])]]
    lines += [["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]]
    lines += [[row[0].ljust(widths[0]), *map(str.rjust, row[1:], widths[1:])] for row in texts[1:]]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
