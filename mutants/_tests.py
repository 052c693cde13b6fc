"""Which modules are mutated, and against which tests: their own first, then whoever else runs the line."""

from __future__ import annotations

from pathlib import Path

from tests.own import own_tests

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "rtstate"

SCOPE = ("_order", "_vector", "_growing", "_draft", "wire")
"""Where it is decided what a conversation becomes: three modules, and two packages with all in them."""

TESTS = (
    "tests/test_order.py",
    "tests/test_vector.py",
    "tests/test_growing.py",
    "tests/test_draft.py",
    "tests/test_draft_items.py",
    "tests/test_draft_requests.py",
    "tests/test_draft_writer.py",
    "tests/test_saving.py",
    "tests/test_checkpoint.py",
    "tests/test_conversation.py",
    "tests/test_heard.py",
    "tests/test_pure.py",
    "tests/test_truth.py",
    "tests/test_late.py",
    "tests/test_trace.py",
    "tests/test_reconnect.py",
    "tests/test_laws.py",
    "tests/test_laws_changes.py",
    "tests/test_machine.py",
    "tests/wire",
)
"""The tests that mutants are tried against: no process, no server, no browser among them."""


def modules() -> dict[str, Path]:
    """Return the modules of the scope by name, as ``_draft.items``; a package's own is its ``__init__``."""
    found: dict[str, Path] = {}
    for name in SCOPE:
        package = SOURCE / name
        for path in sorted(package.glob("*.py")) if package.is_dir() else [package.with_suffix(".py")]:
            module = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
            found[module.removesuffix(".__init__")] = path
    return found


def own(module: str) -> tuple[str, ...]:
    """Return the test files that are a module's own."""
    return own_tests(module)
