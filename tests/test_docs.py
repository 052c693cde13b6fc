"""Every code block in the README and the docs runs, and prints what the page says it prints."""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
from click.testing import CliRunner

import rtstate
from rtstate import simulate
from rtstate.cli._commands import commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def blocks(page: Path) -> list[tuple[str, str]]:
    return BLOCK.findall(page.read_text())


@cache
def imported_at_once() -> set[str]:
    command = [sys.executable, "-c", "import rtstate; print(*vars(rtstate))"]
    return set(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split())


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_code_blocks_do_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Python blocks of a page run in order, in one module; a ``text`` block behind one is its output."""
    monkeypatch.chdir(tmp_path)
    Path("call.jsonl").write_text("".join(line + "\n" for line in simulate.example().lines(timed=True)))
    for name in set(vars(rtstate)) - imported_at_once():  # what other tests have imported, a reader has not
        if isinstance(vars(rtstate)[name], ModuleType):
            monkeypatch.delattr(rtstate, name)
    module: dict[str, object] = {"__name__": page.stem}
    found = blocks(page)
    for (kind, code), (next_kind, expected) in zip(found, [*found, ("", "")][1:], strict=True):
        if kind == "python":
            output = io.StringIO()
            with contextlib.redirect_stdout(output):
                exec(compile(code, str(page), "exec"), module)
            if next_kind == "text":
                assert output.getvalue() == expected


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_print_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ``text`` block behind a shell block is what its command prints, at 100 columns."""
    monkeypatch.chdir(tmp_path)
    Path("call.jsonl").write_text("".join(line + "\n" for line in simulate.example().lines(timed=True)))
    found = blocks(page)
    for (kind, code), (next_kind, expected) in zip(found, [*found, ("", "")][1:], strict=True):
        if kind == "sh" and next_kind == "text":
            words = shlex.split(code)
            assert words[0] == "rtstate"
            printed = (
                CliRunner().invoke(commands, words[1:], prog_name="rtstate", env={"COLUMNS": "100"}).stdout
            )
            assert "".join(f"{line.rstrip()}\n" for line in printed.splitlines()) == expected


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_are_asked_as_they_may_be(page: Path) -> None:
    """Every command in a shell block exists, and has the options it is given; also those that are not run."""
    for line in (
        line for kind, code in blocks(page) if kind == "sh" for line in code.replace("\\\n", "").splitlines()
    ):
        for command in line.split("|"):
            words = shlex.split(command.partition(" > ")[0], comments=True)
            if len(words) > 1 and words[0] == "rtstate" and words[1] != "--help":
                asked = commands.commands[words[1]]
                parent = commands.make_context("rtstate", words[1:], resilient_parsing=True)  # Click keeps -h
                with asked.make_context(
                    words[1], words[2:], parent=parent, resilient_parsing="--help" in words
                ):
                    pass


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_no_code_is_passed_over(page: Path) -> None:
    kinds = re.findall(r"^```(.+)$", page.read_text(), re.MULTILINE)
    run = {"python", "sh", "text", "console"}
    included = [kind for kind in kinds if kind.startswith('py title="')]  # an example: it has its own test
    included += ["js"] if page.name == "server.md" else []  # tests/server/test_follower.py
    assert {kind for kind in kinds if kind not in included} <= run


def test_the_readme_names_the_commands_that_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make (\w+)`", (ROOT / "README.md").read_text())) <= targets
