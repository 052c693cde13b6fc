"""The helpers must fail where they should: each one is given something broken."""

from __future__ import annotations

from typing import Any

import attrs
import jsonpatch
import pytest

from rtstate import Change, Conversation, Snapshot
from rtstate.conversation import Draft
from tests.helpers import (
    ABSENT,
    added,
    assert_patch,
    assert_shared,
    assert_subset,
    assistant,
    delta,
    difference,
    patched,
    prove,
    response_created,
    spoken,
    state,
    truncated,
    unchanged,
    user,
)

HI = added(user(text="Hi"))
DOCUMENT: Any = {"revision": 1, "order": ["a", "c"], "items": {"a/b": {"text": "Hel"}}}


class FakeChange:
    """A change that says what it is told to say."""

    def __init__(self, revision: int, *operations: dict[str, Any]) -> None:
        self.revision = revision
        self.operations = operations

    def __bool__(self) -> bool:
        return bool(self.operations)

    def patch(self, *, append: bool = True) -> list[dict[str, Any]]:
        return [each for each in self.operations if append or each["op"] != "append"]


# Events


def test_builders_leave_absent_fields_out() -> None:
    assert added(assistant(status="completed")) == {
        "type": "conversation.item.added",
        "item": {"id": "a1", "type": "message", "role": "assistant", "content": [], "status": "completed"},
    }
    assert added(user(text="Hi"), after=None)["previous_item_id"] is None


def test_state_passes_options_on() -> None:
    assert state(HI, audio="keep").snapshot().order == ("u1",)
    with pytest.raises(TypeError):
        state(HI, colour="red")


# Subsets


def test_a_subset_says_where_it_differs() -> None:
    found = {"a": {"b": [1, {"c": True}], "d": None}}
    assert difference(found, {"a": {"b": [1, {"c": True}]}}) == []
    assert difference(found, {"a": {"b": [1, {"c": False}]}}) == ["/a/b/1/c: should be False, is True"]
    assert difference(found, {"a": {"b": [1]}}) == ["/a/b: should be [1], is [1, {'c': True}]"]
    assert difference(found, {"a": {"e": 1}}) == ["/a/e: is missing, should be 1"]
    assert difference(found, {"a": {"d": ABSENT}}) == ["/a/d: should be absent, is None"]
    assert difference(found, {"a": {"e": ABSENT}}) == []
    assert difference(found, {}) == []
    assert difference(found, {"a": {}}) == ["/a: should be {}, is {'b': [1, {'c': True}], 'd': None}"]
    assert difference({"a": 1}, {"a": True}) == ["/a: should be True, is 1"]
    assert difference({"a": {"b": 1}}, {"a": []}) == ["/a: should be [], is {'b': 1}"]
    with pytest.raises(AssertionError, match="/a/d: should be 1, is None"):
        assert_subset(found, {"a": {"d": 1}})


# Patches


def test_patched_applies_every_operation_and_leaves_the_document_alone() -> None:
    operations = [
        {"op": "append", "path": "/items/a~1b/text", "value": "lo"},
        {"op": "add", "path": "/order/1", "value": "b"},
        removed(0),
        {"op": "add", "path": "/items/~0", "value": {}},
        {"op": "replace", "path": "/revision", "value": 2},
    ]
    assert patched(DOCUMENT, operations) == {
        "revision": 2,
        "order": ["b", "c"],
        "items": {"a/b": {"text": "Hello"}, "~": {}},
    }
    assert DOCUMENT["order"] == ["a", "c"]


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "replace", "path": "/nothing", "value": 1},
        {"op": "replace", "path": "/order/2", "value": "x"},
        {"op": "remove", "path": "/items/a"},
        {"op": "add", "path": "/order/3", "value": "x"},
        {"op": "add", "path": "/items/x/text", "value": "x"},
        {"op": "append", "path": "/items/a~1b/transcript", "value": "x"},
        {"op": "append", "path": "/revision", "value": "x"},
        {"op": "move", "path": "/revision", "value": "x"},
    ],
)
def test_patched_refuses_what_does_not_fit(operation: dict[str, Any]) -> None:
    with pytest.raises((KeyError, IndexError, ValueError)):
        patched(DOCUMENT, [operation])


def removed(at: int) -> dict[str, Any]:
    return {"op": "remove", "path": f"/order/{at}"}


REVISION = {"op": "replace", "path": "/revision", "value": 2}
AFTER = {**DOCUMENT, "revision": 2, "order": ["c"]}


@pytest.mark.parametrize(
    ("after", "change"),
    [
        pytest.param(AFTER, FakeChange(2, REVISION), id="an operation is missing"),
        pytest.param(AFTER, FakeChange(2, removed(1), REVISION), id="a wrong place"),
        pytest.param(AFTER, FakeChange(2, removed(0)), id="the revision is missing"),
        pytest.param(AFTER, FakeChange(1), id="an empty change"),
        pytest.param({**DOCUMENT, "revision": 2}, FakeChange(2, REVISION), id="nothing but the revision"),
        pytest.param(
            {**AFTER, "revision": 3},
            FakeChange(3, removed(0), {**REVISION, "value": 3}),
            id="a revision too many",
        ),
        pytest.param(
            {**DOCUMENT, "revision": 2, "items": {"a/b": {"text": "Hello"}}},
            FakeChange(2, {"op": "append", "path": "/items/a~1b/text", "value": "lo"}, REVISION),
            id="the strict form differs",
        ),
    ],
)
def test_a_broken_patch_is_noticed(after: Any, change: Any) -> None:
    with pytest.raises((AssertionError, jsonpatch.JsonPatchException)):
        assert_patch(DOCUMENT, after, change)


def test_a_good_patch_is_taken() -> None:
    change: Any = FakeChange(2, removed(0), REVISION)
    assert_patch(DOCUMENT, AFTER, change)


# Snapshots


def test_shared_objects_are_demanded() -> None:
    conversation = state(HI, response_created(), delta("Hel"), delta("lo", index=1))
    old = conversation.snapshot()
    conversation.feed(delta("p"))
    assert_shared(old, conversation.snapshot())
    copied = Snapshot.from_dict(conversation.snapshot().to_dict())
    with pytest.raises(AssertionError, match="item u1 was copied"):
        assert_shared(old, copied)
    old, new = state(response_created()).snapshot(), state(response_created()).snapshot()
    with pytest.raises(AssertionError, match="response r1 was copied"):
        assert_shared(old, new)


# The proof


def test_prove_takes_what_is_right() -> None:
    prove([HI], added(assistant()), {"order": ["u1", "a1"], "items": {"a1": {"role": "assistant"}}})
    unchanged([HI], HI)
    prove([], truncated("a9"), None, ["unknown_item"])


@pytest.mark.parametrize(
    ("last", "expected", "odd"),
    [
        (added(assistant()), {"order": ["a1", "u1"]}, ()),
        (added(assistant()), None, ()),
        (added(assistant()), {"order": ["u1", "a1"]}, ("late",)),
        (truncated("a9"), None, ()),
        (HI, {"order": []}, ()),
    ],
)
def test_prove_notices_a_wrong_expectation(last: Any, expected: Any, odd: Any) -> None:
    with pytest.raises(AssertionError):
        prove([HI], last, expected, odd)


STREAMED = [HI, response_created(), spoken("Hel")]
SPOKEN = {"items": {"a1": {"content": [{"transcript": "Hello"}]}}}


def test_prove_notices_a_changed_old_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    prove(STREAMED, spoken("lo"), SPOKEN)
    monkeypatch.setattr("rtstate._growing.Grown.text", property(lambda self: "".join(self._chunks)))
    with pytest.raises(AssertionError, match="an old snapshot has changed"):
        prove(STREAMED, spoken("lo"), SPOKEN)


def test_prove_notices_a_patch_that_is_not_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = Change.patch
    monkeypatch.setattr(Change, "patch", lambda self, *, append=True: patch(self, append=append)[1:])
    with pytest.raises(AssertionError):
        prove(STREAMED, spoken("lo"), SPOKEN)


def test_prove_notices_a_strict_patch_that_is_not_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    patch = Change.patch
    monkeypatch.setattr(Change, "patch", lambda self, *, append=True: patch(self)[0 if append else 1 :])
    with pytest.raises((AssertionError, jsonpatch.JsonPatchException)):
        prove(STREAMED, spoken("lo"), SPOKEN)


def test_prove_notices_a_change_that_does_not_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    inverse = Change.inverse
    monkeypatch.setattr(Change, "inverse", lambda self: inverse(self)[1:])
    with pytest.raises(AssertionError, match="does not go back"):
        prove(STREAMED, spoken("lo"), SPOKEN)


def test_prove_notices_a_document_that_is_read_back_otherwise(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = state(HI).snapshot()
    monkeypatch.setattr(Snapshot, "from_dict", lambda document: attrs.evolve(broken, revision=99))
    with pytest.raises(AssertionError):
        prove([HI], added(assistant()), {"order": ["u1", "a1"]})


def test_prove_notices_an_event_that_counts_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Conversation.feed

    def forgetful(self: Conversation, raw: Any, at: float | None = None) -> Change:
        return feed(self, {key: value for key, value in raw.items() if key != "event_id"}, at)

    monkeypatch.setattr(Conversation, "feed", forgetful)
    with pytest.raises(AssertionError):
        prove(STREAMED, spoken("lo"), SPOKEN)


def test_prove_runs_the_drafts_own_check(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Draft) -> None:
        raise AssertionError("the draft's own check")

    monkeypatch.setattr(Draft, "_check", refuse)
    with pytest.raises(AssertionError, match="the draft's own check"):
        prove([HI], added(assistant()), {"order": ["u1", "a1"]})
