"""The house: a file imports only from the floors below it."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import rtstate

HOME = Path(rtstate.__file__).parent

LADDER = [
    # the nouns: what a conversation is
    ["_types", "errors"],
    ["_json", "_vector", "_twin", "_trace", "_growing", "_seen"],
    ["_audio_format", "_heard", "_hosts", "_model"],
    ["_operations"],
    ["_change", "_order", "document", "patching"],
    ["_late"],
    ["_patched", "_diff", "update"],
    ["replica"],
    # the verbs: how a conversation may change
    ["_draft.copies", "_draft.saved", "_draft.work"],
    ["_draft.ground"],
    ["_draft.writer"],
    ["_draft.parts"],
    ["_draft.items"],
    ["_draft.answers"],
    ["_draft.speech"],
    ["_draft.responses"],
    ["_draft.requests"],
    ["_draft"],
    ["_draft.saving"],
    ["_draft.reviving"],
    # the events
    ["wire._base"],
    ["wire._objects", "wire._copies"],
    ["wire._shapes"],
    ["wire.audio", "wire.client", "wire.items", "wire.mcp", "wire.responses", "wire.session", "wire.streams"],
    ["wire.transcription", "wire.voicelive"],
    ["wire"],
    # the conversation
    ["_watch", "checkpoint"],
    ["conversation", "events"],
    ["pure", "recording"],
    ["timeline"],
    # what a snapshot says, and the forms that others take it in
    ["views._placed"],
    ["views.barge_in", "views.context", "views.tools", "views.transcript"],
    ["views.timing", "views.usage"],
    ["views"],
    ["exports._ids"],
    ["exports._common"],
    ["exports._people", "exports.audio"],
    ["exports.captions", "exports.markup", "exports.text"],
    ["exports.chat", "exports.livekit", "exports.responses", "exports.restore"],
    ["exports.agents", "exports.agui"],
    ["exports"],
    ["__init__"],
    ["cost"],
    # many conversations, and where they are kept
    ["logs"],
    ["hub"],
    # beside the house, and the edges
    ["simulate"],
    ["server", "proxy"],
    ["cli"],
    ["__main__"],
]
"""Every module, ground first. A package's name alone is its ``__init__``; an edge's name is all of it."""

ASIDE = "simulate"  # bears witness against the rest, so it takes nothing from there
EDGES = (ASIDE, "logs", "hub", "server", "proxy", "cli", "__main__")
OWNERS = {
    "pydantic": ("wire", "recording", "checkpoint"),
    "pydantic_core": ("wire", "recording", "checkpoint", "views"),
    "sortedcontainers": ("_order", "timeline"),
    "uuid": ("wire._base",),
    **dict.fromkeys(("audioop", "wave"), ("exports.audio",)),
    "webvtt": ("exports.captions",),
    "asyncio": ("_watch",),
    "genai_prices": ("cost",),
    "datetime": ("cost",),  # whose prices count; it never asks what time it is
    **dict.fromkeys(("os", "random", "secrets", "socket", "threading", "time"), ()),
}
"""Who below the edges may import what: the core has no clock, no chance and no I/O."""


def name_of(path: Path) -> str:
    name = ".".join(path.relative_to(HOME).with_suffix("").parts)
    return name.removesuffix(".__init__")


MODULES = {name_of(path): path for path in HOME.rglob("*.py")}


def within(module: str, package: str) -> bool:
    return module == package or module.startswith(f"{package}.")


def floor_of(module: str) -> int | None:
    for number, names in enumerate(LADDER):
        if module in names or any(within(module, name) for name in names if name in EDGES):
            return number
    return None


def imports(module: str) -> Iterator[str]:
    """Name what a module imports, those imports included that wait until they are needed."""
    for node in ast.walk(ast.parse(MODULES[module].read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            inner = [f"{node.module}.{alias.name}" for alias in node.names]
            ours = [name for name in inner if name.removeprefix("rtstate.") in MODULES]
            yield from ours
            if len(ours) < len(inner):
                yield str(node.module)


def own(name: str) -> str | None:
    """Give the module of ours that an import names, None for those of others."""
    if name == "rtstate":
        return "__init__"
    return name.removeprefix("rtstate.") if name.startswith("rtstate.") else None


def test_every_module_has_its_floor() -> None:
    assert [module for module in MODULES if floor_of(module) is None] == []
    named = [name for names in LADDER for name in names]
    assert len(named) == len(set(named))
    assert [name for name in named if name not in MODULES] == []


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_from_floors_below(module: str) -> None:
    floor = floor_of(module) or 0
    for name in filter(None, map(own, imports(module))):
        if module == "__init__" and name in rtstate._MODULES:
            continue  # named for type checkers alone: imported once it is asked for
        within_one_edge = any(within(module, edge) and within(name, edge) for edge in EDGES)
        assert within_one_edge or (floor_of(name) or 0) < floor, f"{module} imports {name}"


@pytest.mark.parametrize(
    "module", [each for each in MODULES if not any(within(each, edge) for edge in EDGES)]
)
def test_a_library_is_imported_by_its_owner_alone(module: str) -> None:
    for name in (name.partition(".")[0] for name in imports(module)):
        owners = OWNERS.get(name)
        assert owners is None or any(within(module, owner) for owner in owners), f"{module} imports {name}"


@pytest.mark.parametrize("module", [each for each in MODULES if within(each, ASIDE)])
def test_the_witness_takes_nothing_from_the_rest(module: str) -> None:
    assert all(within(name, ASIDE) for name in filter(None, map(own, imports(module))))
