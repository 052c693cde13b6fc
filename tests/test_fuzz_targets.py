"""The fuzz targets: each runs for a moment, and finds bugs that are planted.

Their checks need no fuzzer; the runs need atheris, which has wheels for Linux on x86-64 alone.
"""

import importlib.util
import json
import os
import random
import re
import subprocess
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fuzz import corpus, feed, mutate, restore
from rtstate import Change, Conversation
from rtstate._draft.writer import Writer
from rtstate._growing import Audio, Growing, Grown
from rtstate._order import Order
from rtstate._seen import SavedIds, Seen
from tests.recordings_support import recordings_required

ROOT = Path(__file__).resolve().parents[1]
RUNS = 2000


def start(*command: str) -> "subprocess.CompletedProcess[str]":
    if importlib.util.find_spec("atheris") is None:
        message = "atheris is not installed; it has wheels for Linux on x86-64 and Python up to 3.14"
        if recordings_required():
            pytest.fail(message)
        pytest.skip(message)
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    return subprocess.run(
        [sys.executable, *command], env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("target", ["feed", "restore"])
def test_a_target_runs_for_a_moment(target: str, tmp_path: Path) -> None:
    ended = start("-m", "fuzz", target, "--home", str(tmp_path), f"-runs={RUNS}", "-seed=1")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert f"Done {RUNS} runs" in ended.stderr
    assert "Custom-" in ended.stderr  # an input that our own mutations made led somewhere new
    found = re.findall(r"cov: (\d+)", ended.stderr)
    assert int(found[-1]) > int(found[0]) > 500, "the library is not instrumented"
    assert list((tmp_path / target / "findings").iterdir()) == []


PLANTED = """
import sys
from fuzz.__main__ import main
from rtstate._draft.writer import Writer

Writer.write = lambda self, node, name, value: setattr(node, name, value)
main(sys.argv[1:])
"""


def test_a_finding_is_kept_and_reproduced(tmp_path: Path) -> None:
    ended = start("-c", PLANTED, "feed", "--home", str(tmp_path), f"-runs={RUNS}", "-seed=1")
    assert ended.returncode not in (0, 1, 2), ended.stderr
    assert "the patch" in ended.stdout + ended.stderr
    (finding,) = (tmp_path / "feed" / "findings").iterdir()
    assert start("-c", PLANTED, "feed", str(finding)).returncode == ended.returncode
    assert start("-m", "fuzz", "feed", str(finding)).returncode == 0


# Bugs planted, one at a time


def silent_write(self: Writer, node: Any, name: str, value: Any) -> None:
    setattr(node, name, value)


def write_behind_the_snapshot(self: Writer, node: Any, name: str, value: Any) -> None:
    setattr(node, name, value)
    if not node.quiet:
        self.ops.append(("replace", (*node.path, name), value, value))


PLACE = Order.place


def silent_place(self: Order, *arguments: Any, **options: Any) -> bool:
    noted = len(self.moves)
    placed = PLACE(self, *arguments, **options)
    del self.moves[noted:]
    return placed


def raising(self: Any, *arguments: Any) -> None:
    raise LookupError("planted")


def short_text(self: Growing) -> str:
    return "".join(self.chunks[:-1])


def text_of_the_end(self: Growing) -> Any:
    return Grown(self.chunks, 10**9)


SHARED: dict[str, None] = {}


def shared(self: Seen) -> None:
    self._now, self._before = SHARED, {}
    self._room = 4096


PATCH, INVERSE, SAVE = Change.patch, Change.inverse, Order.save


def patch_without_its_last(self: Change, append: bool = True) -> list[dict[str, Any]]:
    operations = PATCH(self, append)
    return operations if append else operations[:-1]


def inverse_without_its_first(self: Change) -> list[dict[str, Any]]:
    return INVERSE(self)[1:]


def short_memory(self: Order) -> dict[str, Any]:
    return {**SAVE(self), "waiting": {}, "hangers": {}}


@pytest.mark.parametrize(
    ("owner", "name", "bug", "said"),
    [
        (Writer, "write", silent_write, "the patch leads elsewhere"),
        (Writer, "write", silent_write, "the patches lead elsewhere"),
        (Writer, "write", write_behind_the_snapshot, "the patch leads elsewhere"),
        (Order, "place", silent_place, "the patch leads elsewhere"),
        (Writer, "add_response", raising, "planted"),
        (Growing, "grown", short_text, "the patch leads elsewhere"),
        (Growing, "grown", text_of_the_end, "an old snapshot has changed"),
        (Seen, "__init__", shared, "the same events lead elsewhere without snapshots"),
        (Change, "patch", patch_without_its_last, "the strict patches lead elsewhere"),
        (Change, "inverse", inverse_without_its_first, "there is no way back"),
        (Audio, "decoded", lambda self: b"", "assert_heard"),
        (Seen, "save", lambda self: SavedIds(), "restored, it goes on otherwise"),
        (Order, "save", short_memory, "restored, it goes on otherwise"),
    ],
)
def test_a_planted_bug_is_found(
    owner: type, name: str, bug: Callable[..., Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds = list(corpus.feed_seeds())[-400::2]
    monkeypatch.setattr(owner, name, bug)
    outcomes = Counter(outcome(seed) for seed in seeds)
    assert any(said in each for each in outcomes), outcomes
    monkeypatch.undo()
    assert {outcome(seed) for seed in seeds[:50]} == {"sound"}


def outcome(seed: bytes) -> str:
    try:
        feed.check(seed)
    except Exception as error:
        return "".join(traceback.format_exception(error)[-3:])
    return "sound"


@pytest.mark.parametrize("option", [b"j", restore.RAW], ids=["packed", "raw"])
def test_an_error_of_another_kind_is_found(option: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    seed = next(each for each in corpus.restore_seeds() if each[:1] == option and len(each) > 1000)
    restore.check(seed)
    monkeypatch.setattr(Conversation, "restore", raising)
    with pytest.raises(LookupError, match="planted"):
        restore.check(seed)


def test_a_restored_conversation_that_lacks_something_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    genuine = Conversation.restore

    def forgetful(checkpoint: bytes) -> Conversation:
        conversation = genuine(checkpoint)
        conversation._draft.responses.clear()
        return conversation

    seed = max((each for each in corpus.restore_seeds() if each[:1] != restore.RAW), key=len)
    restore.check(seed)
    monkeypatch.setattr(Conversation, "restore", forgetful)
    with pytest.raises((AssertionError, LookupError)):
        restore.check(seed)


# Mutations


def flip(data: bytes, max_size: int) -> bytes:
    return bytes(reversed(data))[:max_size]


def test_mutations_keep_most_lines_json_and_never_grow_too_long() -> None:
    rng = random.Random(3)
    seeds = rng.sample(list(corpus.feed_seeds()), 100)
    whole = lines = 0
    for number, seed in enumerate(seeds):
        one, other = (b"j" + each[1:].split(b"\n")[0] for each in (seed, seeds[0]))
        limit = rng.choice((1, 100, 3_000, 20_000))
        for mutated in (
            mutate.lines(seed, limit, number, flip),
            mutate.crossed_lines(seed, seeds[0], limit, number),
            mutate.value(one, limit, number, flip),
            mutate.crossed_values(one, other, limit, number),
        ):
            assert len(mutated) <= limit
            if limit == 20_000:
                lines += mutated.count(b"\n") + 1
                whole += sum(map(is_json, mutated[1:].split(b"\n")))
    assert whole > 0.8 * lines


def is_json(line: bytes) -> bool:
    try:
        json.loads(line)
    except ValueError:
        return False
    return True


def test_a_mutation_is_the_same_for_the_same_seed() -> None:
    one, other = list(corpus.feed_seeds())[-2:]
    made = [
        [mutate.lines(one, 9_000, number, flip), mutate.crossed_lines(one, other, 9_000, number)]
        for number in (*range(50), *range(50))
    ]
    assert made[:50] == made[50:]
    assert len({each for pair in made for each in pair}) > 60


def test_a_crossing_of_values_takes_one_from_under_the_same_key() -> None:
    one, other = b'j{"a": 1, "b": [2]}', b'j{"a": "x", "b": {"c": 3}}'
    made = {mutate.crossed_values(one, other, 100, number) for number in range(100)}
    assert {b'j{"a":"x","b":[2]}', b'j{"a":1,"b":{"c":3}}'} <= made
    assert mutate.crossed_values(b"rx", other, 100, 1) == b"rx"


def test_ids_are_those_in_use_each_once() -> None:
    data = (
        b'?{"item_id": "a", "previous_item_id":"b"}\n{"item": {"id": "a"}, "call_id": "c\\"d", "idle": "e"}'
    )
    assert mutate.ids_of(data) == [b"a", b"b", b'c\\"d']
