"""Show figures as a table, keep them in ``results/``, and write ``docs/performance.md`` from what is kept."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from math import ceil, log10
from pathlib import Path
from textwrap import fill
from typing import Any, Final

from benchmarks import _node
from benchmarks._harness import Figure, Question, Size
from benchmarks._targets import TARGETS, Target

RESULTS: Final = Path(__file__).parent / "results"
PAGE: Final = Path(__file__).parents[1] / "docs" / "performance.md"
_LIBRARIES: Final = (
    "rtstate",
    "pydantic",
    "pydantic_core",
    "attrs",
    "sortedcontainers",
    "openai",
    "orjson",
    "redis",
    "hiredis",
)
_COLUMNS: Final = ("on", "what", "ratio", "quartiles", "target", "met", "takes")
_INTRODUCTION: Final = """\
# Performance

Each figure is a ratio: what one thing takes ÷ what another takes beside it, in the same run and on the same
data. The two take turns in rounds; the ratio is the median over the rounds, and the quartiles say how far to
trust it. On a busy machine ratios repeat within about 15 %. The last column is the median of the first of the
two for one operation (an event, where nothing else is said), on the machine named; elsewhere it means
nothing.

This page is written by `make bench` from `benchmarks/results/`. What the questions are, and how to add one,
is in `benchmarks/README.md`.
"""
_SUMMARY: Final = """\
## What has to be reached

{met} of {rows} are.{missing} Each row is a figure below, under its question.

| figure | at most | reached | met | question |
|---|---|---|---|---|
{table}
{notes}"""


def result(question: Question, size: Size, figures: Iterable[Figure], command: str) -> dict[str, Any]:
    """Return one question's figures with all it takes to understand and repeat them."""
    return {
        "question": question.name,
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "command": command,
        "size": size.name,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "libraries": {name: _version(name) for name in (*_LIBRARIES, *question.beside)},
        "machine": {"cpu": _cpu(), "cores": os.cpu_count(), "system": platform.system()},
        "figures": [figure.to_dict() for figure in figures],
    }


def keep(result: Mapping[str, Any]) -> None:
    """Write one result to the folder of results."""
    RESULTS.mkdir(exist_ok=True)
    text = json.dumps(result, ensure_ascii=False, indent=2)
    (RESULTS / f"{result['question']}.json").write_text(f"{text}\n", encoding="utf-8")


def write_page(questions: Iterable[Question]) -> None:
    """Write the page from the results that are kept."""
    PAGE.write_text(page((each, _kept(each)) for each in questions), encoding="utf-8")


def page(results: Iterable[tuple[Question, Mapping[str, Any] | None]]) -> str:
    """Return the page on some questions, as Markdown; those without a result are left out."""
    known = [(each, kept) for each, kept in results if kept]
    sections = (_section(each, kept) for each, kept in known)
    return "\n".join([_INTRODUCTION, summary(kept for _, kept in known), *sections])


def summary(results: Iterable[Mapping[str, Any]]) -> str:
    """Return what has to be reached beside what was, a row for each target, as Markdown."""
    figures = (figure for each in results for figure in each["figures"])
    ratios: dict[str, float] = {figure["row"]: figure["ratio"] for figure in figures if figure.get("row")}
    reached = {name: ratios[name] <= target.at_most for name, target in TARGETS.items() if name in ratios}
    missing = len(TARGETS) - len(reached)
    return _SUMMARY.format(
        met=sum(reached.values()),
        rows=len(TARGETS),
        missing=f" {missing} were not measured." if missing else "",
        table="\n".join(_reached(target, ratios.get(name)) for name, target in TARGETS.items()),
        notes=_notes([TARGETS[name] for name, met in reached.items() if not met]),
    )


def _reached(target: Target, ratio: float | None) -> str:
    met = ratio is not None and ratio <= target.at_most
    at_most, reached = _number(target.at_most), "not measured" if ratio is None else _number(ratio)
    if reached == at_most and not met:  # missed by less than that shows
        reached = f"{ratio:.4g}"
    cells = (
        target.what,
        at_most,
        reached,
        "" if ratio is None else "yes" if met else "no",
        f"`{target.question}`",
    )
    return f"| {' | '.join(cells)} |"


def _notes(missed: Iterable[Target]) -> str:
    """Return why figures miss, and what was tried, as a list."""
    told = [fill(f"- {each.name}: {each.note}", 110, subsequent_indent="  ") for each in missed if each.note]
    return "\n".join(["\nWhy the others miss, and what was tried:\n", *told, ""]) if told else ""


def show(results: Iterable[Mapping[str, Any]]) -> None:
    """Print results as one table: with rich where it is installed, plain where not."""
    rows = [(each["question"], *row) for each in results for row in _rows(each)]
    try:
        from rich.console import Console
        from rich.table import Table
    except ImportError:
        print(_plain([("question", *_COLUMNS), *rows]))
        return
    table = Table("question", *_COLUMNS, title="ratios: median of the rounds, and quartiles")
    for before, row in zip([None, *rows], rows, strict=False):
        if before is not None and before[0] != row[0]:
            table.add_section()
        table.add_row(*row, style="red" if row[-2] == "no" else None)
    Console(width=None if os.isatty(1) else 160).print(table)


def _plain(rows: Sequence[Sequence[str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _section(question: Question, kept: Mapping[str, Any]) -> str:
    libraries = ", ".join(f"{name} {number}" for name, number in kept["libraries"].items() if number)
    machine = "{cpu}, {cores} cores, {system}".format_map(kept["machine"])
    return "\n".join(
        [
            f"## {question.title}\n",
            # reST's double backticks, as docstrings have them, to Markdown's
            re.sub(r"``(.+?)``", r"`\1`", question.explanation) + "\n",
            f"| {' | '.join(_COLUMNS)} |",
            f"|{'---|' * len(_COLUMNS)}",
            *(f"| {' | '.join(row)} |" for row in _rows(kept)),
            f"\n`{kept['command']}`, {kept['date']}: {kept['python']}, {libraries}; {machine}.\n",
        ]
    )


def _rows(kept: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (
            figure["on"],
            f"{figure['of']} ÷ {figure['by']}",
            _number(figure["ratio"]),
            " – ".join(map(_number, figure["quartiles"])),
            "" if figure["target"] is None else f"≤ {_number(figure['target'])}",
            {True: "yes", False: "no", None: ""}[figure["met"]],
            f"{_number(figure['medians'][0])} {figure['unit']}",
        )
        for figure in kept["figures"]
    ]


def _number(value: float) -> str:
    """Write a number to three digits or so, and never with an exponent."""
    if value >= 100:
        return f"{value:,.0f}"
    digits = 3 - ceil(log10(value)) if value > 0 else 0
    text = f"{value:.{max(digits, 1)}f}"
    return text.rstrip("0").rstrip(".")


def _kept(question: Question) -> Mapping[str, Any] | None:
    path = RESULTS / f"{question.name}.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else None


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return _node.version(name)


def _cpu() -> str:
    try:
        described = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    found = re.search(r"model name\s*: (.+)", described)
    return found[1] if found else platform.machine()
