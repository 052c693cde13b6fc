"""Measure all questions or some, and print, keep and publish the figures."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from benchmarks import _report
from benchmarks._harness import SIZES, Figure, questions


def main(arguments: Sequence[str] | None = None) -> None:
    """Run what the command line asks for. A tiny run shows that things work; its figures are not kept."""
    known = questions()
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "question", nargs="*", help=f"which to measure: {', '.join(known)}; all unless some are named"
    )
    parser.add_argument("--size", choices=SIZES, default="normal", help="how much to measure (normal)")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args(arguments)
    if wrong := [name for name in options.question if name not in known]:
        parser.error(f"no such question: {', '.join(wrong)}; there are {', '.join(known)}")

    size = SIZES[options.size]
    results: list[dict[str, Any]] = []
    for name in options.question or known:
        figures: list[Figure] = []
        for figure in known[name].measure(size):
            figures.append(figure)
            print(f"{name}: {figure.on}: {figure.of} ÷ {figure.by}: {figure.ratio:.3g}", file=sys.stderr)
        results.append(
            _report.result(known[name], size, figures, f"python -m benchmarks {name} --size {size.name}")
        )
        if size.name != "tiny":
            _report.keep(results[-1])
    if size.name != "tiny":
        _report.write_page(known.values())
    if options.json:
        print(json.dumps(results, ensure_ascii=False, indent=2))
    else:
        _report.show(results)


if __name__ == "__main__":
    main()
