"""Which test files are a module's own: those that alone have to reach all of it.

`python -m tests.own` sees whether they do, in what `make own` has measured: every line and every branch of
each module of the core, by its own tests.
"""

from __future__ import annotations

import io
import re
import sys
from collections.abc import Sequence
from pathlib import Path

import coverage
import pytest

_DRAFT = "tests/test_draft.py"
_REQUESTS = "tests/test_draft_requests.py"
_VERBS = (_DRAFT, "tests/test_draft_items.py", _REQUESTS, "tests/test_draft_writer.py")
_SAVING = "tests/test_saving.py"
_WIRE = "tests/wire/test_"
_ODD = f"{_WIRE}anomalies.py"
_CLASSES = f"{_WIRE}classes.py"
_ITEMS = (f"{_WIRE}items.py", f"{_WIRE}item_order.py", f"{_WIRE}item_ends.py")
_PEN = (
    *_VERBS,
    _SAVING,
    "tests/test_late.py",
    *_ITEMS,
    *(f"{_WIRE}{name}.py" for name in ("streams", "transcription")),
)

_FAMILIES = ("audio", "client", "mcp", "responses", "session", "streams", "transcription", "voicelive")

SOURCE = Path(__file__).parents[1] / "src" / "rtstate"
EDGES = ("logs", "hub", "simulate", "server", "proxy", "cli", "__main__")
"""What is not of the core: it has tests of its own, of whole processes mostly."""

OWN: dict[str, tuple[str, ...]] = {
    # the verbs: told directly, and by the events that they are for
    "_draft": (*_VERBS, f"{_WIRE}session.py"),
    "_draft.copies": (*_VERBS, *_ITEMS),
    "_draft.work": (*_VERBS, _SAVING, "tests/test_late.py", *_ITEMS, f"{_WIRE}responses.py"),
    "_draft.ground": _PEN,
    "_draft.writer": _PEN,
    "_draft.parts": (*_VERBS, _SAVING, *_ITEMS, f"{_WIRE}streams.py"),
    "_draft.items": (*_VERBS, *_ITEMS, f"{_WIRE}responses.py", _ODD),
    "_draft.answers": (
        *_VERBS,
        "tests/test_late.py",
        "tests/test_heard.py",
        *(f"{_WIRE}{name}.py" for name in ("streams", "mcp", "responses", "client")),
        _ODD,
    ),
    "_draft.speech": (*_VERBS, f"{_WIRE}streams.py", f"{_WIRE}transcription.py", f"{_WIRE}audio.py", _ODD),
    "_draft.responses": (*_VERBS, f"{_WIRE}responses.py"),
    "_draft.requests": (*_VERBS, f"{_WIRE}client.py", _ODD),
    "_draft.saved": (_SAVING, "tests/test_checkpoint.py"),
    "_draft.saving": (_SAVING, "tests/test_checkpoint.py"),
    "_draft.reviving": ("tests/test_pure.py",),
    # the values
    "_model": ("tests/test_document.py",),
    "_patched": ("tests/test_patched.py", "tests/test_replica.py", "tests/test_timeline.py"),
    "document": ("tests/test_document.py", "tests/test_patched.py"),
    "replica": ("tests/test_replica.py", "tests/test_patched.py"),
    # the doors
    "__init__": ("tests/test_public.py",),
    "conversation": (
        *(f"tests/test_{name}.py" for name in ("conversation", "checkpoint", "saving", "watch")),
    ),
    "events": (_CLASSES,),
    "views": ("tests/views/test_usage.py",),
    "views._placed": ("tests/views/test_transcript.py", "tests/views/test_timing.py"),
    "exports": ("tests/exports/test_common.py",),
    "exports._common": ("tests/exports/test_common.py", "tests/exports/test_chat.py"),
    "exports._people": tuple(f"tests/exports/test_{name}.py" for name in ("captions", "markup", "text")),
    # the events; where a module is all classes, what they look like is asked first, which is quick
    "wire": (f"{_WIRE}parsing.py",),
    "wire._base": (_CLASSES, f"{_WIRE}parsing.py"),
    "wire._objects": (_CLASSES, f"{_WIRE}parsing.py"),
    "wire._copies": (f"{_WIRE}copies.py", *_ITEMS, f"{_WIRE}responses.py", f"{_WIRE}session.py", _ODD),
    "wire._shapes": (f"{_WIRE}parsing.py",),
    "wire.items": (_CLASSES, *_ITEMS),
    **{f"wire.{name}": (_CLASSES, f"{_WIRE}{name}.py") for name in _FAMILIES},
    "wire.streams": (_CLASSES, f"{_WIRE}streams.py", "tests/test_late.py"),
    "wire.responses": (_CLASSES, f"{_WIRE}responses.py", f"{_WIRE}streams.py"),
}


_last = [""]


def own_tests(module: str) -> tuple[str, ...]:
    """Return the test files of a module, by the name it has in the house, as ``_draft.items``."""
    if module in OWN:
        return OWN[module]
    package, _, name = module.rpartition(".")
    folder = f"tests/{package}/" if package else "tests/"
    return (f"{folder}test_{name.lstrip('_')}.py",)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Note in what is being measured which file's tests these are (as a plugin: ``-p tests.own``)."""
    file = item.nodeid.partition("::")[0]
    measuring = coverage.Coverage.current()
    if measuring is not None and file != _last[0]:
        measuring.switch_context(file)
        _last[0] = file


def core() -> dict[str, Path]:
    """The modules of the core by name."""
    found: dict[str, Path] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        if not any(name == edge or name.startswith(f"{edge}.") for edge in EDGES):
            found[name.removesuffix(".__init__")] = path
    return found


def examples(module: str) -> str:
    """Name the file whose docstrings have the examples of a module."""
    return core()[module].relative_to(SOURCE.parents[1]).as_posix()


def main(arguments: Sequence[str]) -> int:
    """Print what modules' own tests do not reach; exit 1 where there is any. ``--files`` names the tests."""
    if "--files" in arguments:
        print(*sorted({file for module in core() for file in (*own_tests(module), examples(module))}))
        return 0
    measured = coverage.Coverage()
    measured.load()
    missed = 0
    for module, path in core().items():
        contexts = ["^$", *(f"^{re.escape(each)}$" for each in (*own_tests(module), examples(module)))]
        told = io.StringIO()
        percent = measured.report(include=[str(path)], contexts=contexts, file=told, skip_covered=False)
        if percent < 100:
            missed += 1
            line = next(line for line in told.getvalue().splitlines() if path.name in line)
            print(f"{module}: {line.partition('.py')[2].strip()}  by {', '.join(own_tests(module))}")
    print(f"{len(core()) - missed} of {len(core())} modules are reached whole by their own tests")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
