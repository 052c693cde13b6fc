"""What the package shows, and what importing it brings along."""

import ast
import inspect
import subprocess
import sys
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest

import rtstate
from rtstate import exports
from rtstate.views.context import context

PUBLIC = [
    "Anomaly",
    "AnomalyKind",
    "AudioMode",
    "Change",
    "CheckpointError",
    "ClientEvent",
    "ContextEstimate",
    "Conversation",
    "Dialect",
    "DocumentError",
    "ErrorRecord",
    "EventParseError",
    "HistoryGone",
    "InputAudio",
    "InputTokens",
    "Item",
    "ItemTrace",
    "LeftOut",
    "McpApproval",
    "McpTools",
    "ModalityTokens",
    "Operation",
    "Part",
    "PatchError",
    "Percentiles",
    "RateLimit",
    "Raw",
    "Replica",
    "Response",
    "ResponseTotals",
    "ResponseTrace",
    "RestorePlan",
    "RevisionGap",
    "RtstateError",
    "ServerEvent",
    "SessionInfo",
    "Snapshot",
    "Stats",
    "TextAudioTokens",
    "Timeline",
    "Timing",
    "Tokens",
    "ToolCall",
    "Totals",
    "Transcribed",
    "Transcription",
    "TranscriptionTotals",
    "Translation",
    "Truncated",
    "Turn",
    "TurnTiming",
    "UnknownEvent",
    "Update",
    "Usage",
    "UsageEntry",
    "UsageTotals",
    "apply_patch",
    "can_create_response",
    "chat_messages",
    "coalesce",
    "diff",
    "interrupt_events",
    "mcp_approvals",
    "mcp_tools",
    "parse_client_event",
    "parse_server_event",
    "reduce",
    "replay",
    "responses_input",
    "restore_events",
    "restore_plan",
    "timing",
    "tool_calls",
    "transcript",
    "truncate_event",
    "usage",
]

ALIASES = {"AnomalyKind", "AudioMode", "Dialect", "Raw"}

EDGES = {
    *("asyncio", "audioop", "click", "genai_prices", "httpx", "httpx2", "jsonpatch", "openai", "orjson"),
    *("redis", "rich", "socket", "sqlite3", "sse_starlette", "starlette", "uvicorn", "wave", "websockets"),
    "webvtt",
}
CORE = {"attr", "attrs", "pydantic", "pydantic_core", "rtstate", "sortedcontainers"}
"""What the core stands on; pydantic brings some small helpers of its own along."""
HELPERS = {"annotated_types", "typing_extensions", "typing_inspection"}


def loaded(statement: str) -> set[str]:
    """The top-level modules that a fresh interpreter has loaded after a statement, beside its own."""
    script = f"import sys; before = set(sys.modules); {statement}; print(*set(sys.modules) - before)"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return {name.partition(".")[0] for name in result.stdout.split()}


def test_all_names_are_these() -> None:
    assert sorted(rtstate.__all__) == sorted(PUBLIC)


@pytest.mark.parametrize("name", [name for name in rtstate.__all__ if name not in ALIASES])
def test_every_name_is_there_and_says_what_it_is(name: str) -> None:
    thing = getattr(rtstate, name)
    assert inspect.getdoc(thing)
    assert thing.__name__ == name


def test_aliases_are_types_for_annotations() -> None:
    """An alias of a union or of literals is no class; where it is defined it may say what it means."""
    assert all(not inspect.isclass(getattr(rtstate, name)) for name in ALIASES)


@pytest.mark.parametrize(
    "name", [name for name in rtstate.__all__ if inspect.isclass(getattr(rtstate, name))]
)
def test_every_public_method_says_what_it_does(name: str) -> None:
    members = vars(getattr(rtstate, name))
    methods = [each for key, each in members.items() if not key.startswith("_") and inspect.isfunction(each)]
    assert [each.__name__ for each in methods if not each.__doc__ and each.__name__ != "to_dict"] == []


def test_nothing_else_is_offered() -> None:
    helpers = {"TYPE_CHECKING", "Any", "Final", "annotations", "import_module"}
    offered = {key for key in dir(rtstate) if not key.startswith("_")} - helpers
    assert {key for key in offered if not inspect.ismodule(getattr(rtstate, key))} == set(PUBLIC)
    with pytest.raises(AttributeError, match="no attribute 'Conversations'"):
        _ = rtstate.Conversations  # type: ignore[attr-defined]


def test_checkers_of_types_see_the_names_where_they_are() -> None:
    """What is imported for them alone is what is found when the program runs."""
    tree = ast.parse(Path(rtstate.__file__).read_text("utf-8"))
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    seen = {name.name: str(node.module) for node in imports for name in node.names if node.module}
    told = {name: module for name, module in seen.items() if module.startswith("rtstate.")}
    assert told == {name: f"rtstate.{module}" for name, module in rtstate._HOMES.items()}
    assert sorted(told) == sorted(rtstate.__all__)


def test_a_name_stays_the_same_whatever_is_imported_after_it() -> None:
    """No module has the name of a function beside it, which importing the module would hide."""
    packages = Path(rtstate.__file__).parent.iterdir()
    assert {path.stem for path in packages}.isdisjoint(rtstate.__all__)


def test_importing_it_alone_loads_nothing_but_itself() -> None:
    assert loaded("import rtstate") - set(sys.stdlib_module_names) == {"rtstate"}


def test_folding_patches_does_not_wait_for_pydantic() -> None:
    assert "pydantic" not in loaded("from rtstate import Replica, apply_patch")


@pytest.mark.parametrize("name", ["errors", "events", "exports", "simulate", "views", "wire"])
def test_its_modules_are_found_without_an_import_of_their_own(name: str) -> None:
    assert "rtstate" in loaded(f"import rtstate; rtstate.{name}.__name__")


def test_the_version_is_the_packages() -> None:
    assert metadata.version("rtstate") == rtstate.__version__


def test_importing_it_loads_no_edge() -> None:
    assert loaded("from rtstate import *").isdisjoint(EDGES)


def test_importing_it_loads_its_core_dependencies_and_nothing_else() -> None:
    foreign = loaded("from rtstate import *; import rtstate.events") - set(sys.stdlib_module_names)
    assert {name for name in foreign if not name.startswith("_")} <= CORE | HELPERS


def test_the_declared_dependencies_are_the_core() -> None:
    declared = [each for each in metadata.requires("rtstate") or () if "extra ==" not in each]
    assert {each.partition(">")[0].strip() for each in declared} == {"attrs", "pydantic", "sortedcontainers"}


def test_simulating_loads_nothing_of_the_core() -> None:
    script = "import rtstate.simulate as s, sys; print(*(m for m in sys.modules if m.startswith('rtstate.')))"
    names = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout
    assert "rtstate.simulate._session" in names


def test_typing_is_declared() -> None:
    from importlib.resources import files

    assert files("rtstate").joinpath("py.typed").is_file()


VIEWS = [
    *(rtstate.transcript, rtstate.tool_calls, rtstate.mcp_approvals, rtstate.mcp_tools, rtstate.usage),
    *(rtstate.timing, context, exports.left_out, exports.left_out_of_captions, exports.transcript_json),
    *(exports.chat_messages, exports.responses_input, exports.agents_items, exports.agui_messages),
    *(exports.livekit_chat_context, exports.markdown, exports.plain_text, exports.webvtt, exports.srt),
    *(exports.restore_events, exports.restore_plan, rtstate.can_create_response),
    *(partial(each, played_ms=0) for each in (rtstate.interrupt_events, rtstate.truncate_event)),
]


@pytest.mark.parametrize("view", VIEWS)
def test_views_and_exports_take_snapshots(view: Any) -> None:
    conversation = rtstate.Conversation()
    view(conversation.snapshot())
    with pytest.raises(TypeError, match=r"not Conversation: pass conversation\.snapshot\(\)$"):
        view(conversation)
    with pytest.raises(TypeError, match=r"not dict: see Snapshot\.from_dict\(\)$"):
        view(conversation.snapshot().to_dict())


def test_modules_are_there_for_type_checkers_too() -> None:
    tree = ast.parse(Path(rtstate.__file__).read_text("utf-8"))
    named = {
        each.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module == "rtstate"
        for each in node.names
        if each.asname == each.name  # or strict checkers take it for our own
    }
    assert named == rtstate._MODULES
