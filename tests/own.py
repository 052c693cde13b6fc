"""Which test files are a module's own: those that alone have to reach all of it."""

from __future__ import annotations

_DRAFT = "tests/test_draft.py"
_VERBS = (_DRAFT, "tests/test_draft_items.py")
_WIRE = "tests/wire/test_"
_ODD = f"{_WIRE}anomalies.py"
_ITEMS = (f"{_WIRE}items.py", f"{_WIRE}item_order.py", f"{_WIRE}item_ends.py")

_FAMILIES = ("audio", "client", "mcp", "responses", "session", "streams", "transcription", "voicelive")

OWN: dict[str, tuple[str, ...]] = {
    # the verbs: told directly, and by the events that they are for
    "_draft": (*_VERBS, f"{_WIRE}session.py"),
    "_draft.copies": (*_VERBS, *_ITEMS),
    "_draft.work": (*_VERBS, *_ITEMS, f"{_WIRE}responses.py"),
    "_draft.writer": (*_VERBS, *_ITEMS, f"{_WIRE}streams.py"),
    "_draft.parts": (*_VERBS, *_ITEMS, f"{_WIRE}streams.py"),
    "_draft.items": (*_VERBS, *_ITEMS, f"{_WIRE}responses.py", _ODD),
    "_draft.answers": (*_VERBS, f"{_WIRE}streams.py", f"{_WIRE}mcp.py", f"{_WIRE}responses.py", _ODD),
    "_draft.speech": (*_VERBS, f"{_WIRE}streams.py", f"{_WIRE}transcription.py", f"{_WIRE}audio.py", _ODD),
    "_draft.responses": (*_VERBS, f"{_WIRE}responses.py"),
    "_draft.requests": (_DRAFT, "tests/test_draft_requests.py", f"{_WIRE}client.py", _ODD),
    "_draft.saving": ("tests/test_saving.py", "tests/test_checkpoint.py"),
    "_draft.reviving": ("tests/test_pure.py",),
    # the events
    "wire": (f"{_WIRE}parsing.py",),
    "wire._base": (f"{_WIRE}parsing.py", f"{_WIRE}classes.py"),
    "wire._objects": (f"{_WIRE}classes.py", f"{_WIRE}parsing.py"),
    "wire._copies": (*_ITEMS, f"{_WIRE}responses.py", f"{_WIRE}session.py", _ODD),
    "wire._shapes": (f"{_WIRE}parsing.py",),
    "wire.items": (*_ITEMS, f"{_WIRE}classes.py"),
    **{f"wire.{name}": (f"{_WIRE}{name}.py", f"{_WIRE}classes.py") for name in _FAMILIES},
}


def own_tests(module: str) -> tuple[str, ...]:
    """Return the test files of a module, by the name it has in the house, as ``_draft.items``."""
    if module in OWN:
        return OWN[module]
    package, _, name = module.rpartition(".")
    folder = f"tests/{package}/" if package else "tests/"
    return (f"{folder}test_{name.lstrip('_')}.py",)
