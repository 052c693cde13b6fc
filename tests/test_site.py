"""The site of the documentation: complete, up to date, and built without a warning or another host."""

import html
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown.extensions.toc import slugify

import rtstate
from docs.tools import docstrings, events
from rtstate import simulate
from rtstate.wire import EVENTS, TABLE

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.rglob("*.md"))
CODE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]*)(?:#([^)\s]*))?\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
DIRECTIVE = re.compile(r"^::: (\S+)$", re.MULTILINE)
INCLUDED = re.compile(r'^--8<-- "([^"]+)"$', re.MULTILINE)
MODULES = ("exports", "cost", "hub", "logs", "proxy", "server", "simulate", "simulate.live", "errors")


def prose(page: Path) -> str:
    text = CODE.sub("", page.read_text("utf-8"))
    return INCLUDED.sub(lambda found: (ROOT / found[1]).read_text("utf-8"), text)


def anchors(page: Path) -> set[str]:
    headings = (re.sub(r"[`*]|\]\([^)]*\)|\[", "", heading) for heading in HEADING.findall(prose(page)))
    return {slugify(heading, "-") for heading in headings} | set(DIRECTIVE.findall(prose(page)))


def in_nav(nav: Any) -> list[str]:
    if isinstance(nav, str):
        return [nav]
    return [page for each in (nav.values() if isinstance(nav, dict) else nav) for page in in_nav(each)]


def test_every_page_is_in_the_navigation_once() -> None:
    nav = in_nav(yaml.safe_load((ROOT / "mkdocs.yml").read_text("utf-8"))["nav"])
    assert sorted(nav) == sorted(str(page.relative_to(DOCS)) for page in PAGES)


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for path, anchor in LINK.findall(prose(page)):
        target = (page.parent / path).resolve() if path else page
        outside = page.is_relative_to(DOCS) and not target.is_relative_to(DOCS)  # is no page of the site
        there = target.exists() and not outside
        if not there or (anchor and target.suffix == ".md" and anchor not in anchors(target)):
            broken.append(f"{path}#{anchor}")
    assert broken == []


@pytest.mark.parametrize("page", [ROOT / "README.md", *PAGES], ids=lambda page: str(page.relative_to(ROOT)))
def test_tests_that_are_named_exist(page: Path) -> None:
    text = prose(page)
    assert [path for path in re.findall(r"`(tests/[\w/.]+)`", text) if not (ROOT / path).exists()] == []
    tests = "\n".join(file.read_text("utf-8") for file in (ROOT / "tests").rglob("test_*.py"))
    assert [name for name in re.findall(r"`(test_\w+)`", text) if f"def {name}(" not in tests] == []


def test_the_event_table_is_up_to_date() -> None:
    renew = "run: .venv/bin/python docs/tools/events.py > docs/events.md"
    assert (DOCS / "events.md").read_text("utf-8") == events.page(), renew


def test_the_event_table_has_every_event_and_what_it_changes() -> None:
    seen, _ = events.observe(events.sessions())
    for row in EVENTS.values():
        changed = set().union(*(seen.get(name, set()) for name in row.types))
        assert bool(changed) == (row.use == "reduced"), row.types
    assert {name for _, name in events.dialects()} == set(EVENTS)


def test_a_simulated_server_sends_what_the_event_table_says_it_does() -> None:
    known = events.dialects()
    for dialect in simulate.DIALECTS:
        features = simulate.supported(dialect)
        for event in simulate.session(5, turns=8, dialect=dialect, features=features).events:
            side = "server" if event["type"] in TABLE else "client"
            assert dialect in known[side, event["type"]], (dialect, event["type"])


def test_the_page_of_commands_is_up_to_date() -> None:
    renew = "run: .venv/bin/python docs/tools/commands.py > docs/reference/commands.md"
    program = [sys.executable, str(DOCS / "tools" / "commands.py")]
    printed = subprocess.run(program, capture_output=True, check=True, timeout=60).stdout.decode()
    assert printed == (DOCS / "reference" / "commands.md").read_text("utf-8"), renew


def public() -> dict[str, Any]:
    """Return everything public, by the name under which the reference has it."""
    found = {name: getattr(rtstate, name) for name in rtstate.__all__}
    known = set(found)
    found = {f"rtstate.{name}": value for name, value in found.items()}
    for path in MODULES:
        module = importlib.import_module(f"rtstate.{path}")
        own = [
            name
            for name, value in vars(module).items()
            if getattr(value, "__module__", None) == module.__name__
        ]
        exported = getattr(module, "__all__", None) or [name for name in own if not name.startswith("_")]
        found |= {f"rtstate.{path}.{name}": getattr(module, name) for name in exported if name not in known}
    for name, value in list(found.items()):
        if getattr(value, "__module__", "").endswith(f".{name.rpartition('.')[2]}"):  # of its module too
            found[f"{value.__module__}.{value.__name__}"] = found.pop(name)
    return found


def test_every_public_name_is_in_the_reference() -> None:
    pages = (DOCS / "reference").glob("*.md")
    described = [name for page in pages for name in DIRECTIVE.findall(prose(page))]
    assert len(described) == len(set(described))
    assert sorted(public().keys() - set(described)) == []


def test_a_docstring_becomes_markdown() -> None:
    text = "Like :meth:`~rtstate.feed`, with ``at``.\n\n    >>> 1 + 1\n    2\n\nThen more."
    assert docstrings.as_markdown(text) == (
        "Like `rtstate.feed`, with `at`.\n\n```pycon\n>>> 1 + 1\n2\n```\n\nThen more."
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Nothing but news; `--quiet` would drop them, and with them the warnings that `--strict` counts.
    assert {line.split()[0] for line in built.stderr.splitlines()} == {"INFO"}, built.stderr
    assert built.returncode == 0
    return folder


def test_the_site_asks_nothing_of_other_hosts(site: Path) -> None:
    pages = list(site.rglob("*.html"))
    assert len(pages) > len(PAGES)  # and the one for what is not found
    for page in pages:
        text = page.read_text("utf-8")
        loaded = re.findall(r"<(?:script|img|iframe|source)[^>]*\bsrc=[\"']?([^\"'\s>]+)", text)
        loaded += re.findall(
            r"<link[^>]*\brel=[\"']?(?:stylesheet|preconnect|icon)[^>]*href=[\"']?([^\"'\s>]+)", text
        )
        assert [each for each in loaded if "//" in each] == [], page


def test_the_site_has_every_public_name_and_no_left_over_markup(site: Path) -> None:
    packed = (site / "objects.inv").read_bytes().split(b"\n", 4)[4]
    lines = (line.split(" ") for line in zlib.decompress(packed).decode().splitlines())
    roles = {name: role for name, role, *_ in lines}
    for name, value in public().items():
        kind = "class" if inspect.isclass(value) else "function" if inspect.isfunction(value) else "data"
        assert roles.get(name) == f"py:{kind}", name
    for page in (site / "reference").rglob("*.html"):
        text = page.read_text("utf-8")
        assert not re.search(r":(class|func|meth|attr|mod|exc):", text), page
        assert "<blockquote>" not in text, page  # a doctest that was taken for a quotation


def test_the_search_knows_the_site(site: Path) -> None:
    found = json.loads((site / "search" / "search_index.json").read_text("utf-8"))["docs"]
    assert any(each["location"].startswith("howto/interrupt/") for each in found)


def test_the_site_has_the_examples(site: Path) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", (site / "examples" / "index.html").read_text("utf-8")))
    for example in (ROOT / "examples").glob("*.py"):
        assert example.name in text
        assert example.read_text("utf-8").splitlines()[-1] in text
