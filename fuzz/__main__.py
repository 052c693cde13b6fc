"""Run a target under the fuzzer: `python -m fuzz feed [libFuzzer's own options]`.

What it learns stays in `.fuzz/TARGET/corpus`, what it finds in `.fuzz/TARGET/findings` (`--home` names
another folder than `.fuzz`). Given files, it runs those inputs alone, once each: so a finding is reproduced.
"""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["rtstate"]):  # and nothing else is
    from fuzz import corpus, feed, mutate, restore

TARGETS = {
    "feed": (feed, mutate.lines, mutate.crossed_lines),
    "restore": (restore, mutate.value, mutate.crossed_values),
}


def folders(home: Path, name: str) -> list[str]:
    """Make the seeds anew, and name where the fuzzer finds them and puts its own."""
    seeds, learnt, findings = (home / name / each for each in ("seeds", "corpus", "findings"))
    shutil.rmtree(seeds, ignore_errors=True)
    learnt.mkdir(parents=True, exist_ok=True)
    findings.mkdir(parents=True, exist_ok=True)
    print(f"{name}: {corpus.write(name, seeds)} seeds; findings go to {findings}", flush=True)
    return [f"-artifact_prefix={findings}/", str(learnt), str(seeds)]


def main(arguments: list[str] | None = None) -> None:
    """Fuzz until libFuzzer's options or a finding end it; it leaves the process itself."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description=__doc__, allow_abbrev=False)
    parser.add_argument("target", choices=TARGETS)
    parser.add_argument("--home", type=Path, default=Path(".fuzz"))
    known, options = parser.parse_known_args(arguments)
    target, mutator, crossed = TARGETS[known.target]
    if not any(Path(each).exists() for each in options):
        options += [f"-max_len={target.MAX_LEN}", "-timeout=60", *folders(known.home, known.target)]
    atheris.Setup(
        ["fuzz", *options],
        target.check,
        custom_mutator=lambda data, max_size, seed: mutator(data, max_size, seed, atheris.Mutate),
        custom_crossover=crossed,
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
