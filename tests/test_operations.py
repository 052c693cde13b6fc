"""Raw operations: rendered, undone, and several of them told as fewer."""

from collections.abc import Sequence
from copy import deepcopy
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Operation
from rtstate._growing import Growing
from rtstate._json import freeze
from rtstate._model import Part
from rtstate._operations import ABSENT, RawOperation, inverse, listed, merged, operations, patch
from tests.helpers import added, arguments, committed, deleted, delta, sound, spoken, truncated, user
from tests.laws_support import canonical, fold, run
from tests.strategies import STREAMS, Event, Stream

over_every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
Streams = st.SearchStrategy[Stream]
PART = ("items", "a1", "content", 0)
TEXT = (*PART, "text")
STATUS = ("items", "a1", "status")


def growing(*chunks: str, path: tuple[Any, ...] = TEXT) -> Growing:
    text = Growing(path, "source")
    text.chunks += chunks
    return text


# The law: what is merged comes to the same


@over_every_stream
@given(st.data())
def test_merged_operations_come_to_the_same(stream: Streams, data: st.DataObject) -> None:
    """Any stretch of a conversation, forth by both kinds of patch and back by the inverse."""
    result = run(data.draw(stream))
    changes = [change for change in result.changes if change]
    start = data.draw(st.integers(0, len(changes)))
    end = data.draw(st.integers(start, len(changes)))
    before = deepcopy(result.first)
    for change in changes[:start]:
        fold(before, change.patch())
    after = deepcopy(before)
    for change in changes[start:end]:
        fold(after, change.patch())

    raws = [raw for change in changes[start:end] for raw in listed(change._raw)]
    fewer = merged(raws)
    assert len(fewer) <= len(raws)
    strict = patch(fewer, end, append=False)
    assert canonical(fold(deepcopy(before), patch(fewer, end, append=True))) == canonical(after)
    assert canonical(jsonpatch.apply_patch(before, strict)) == canonical(after)
    assert canonical(jsonpatch.apply_patch(after, inverse(fewer, start))) == canonical(before)
    assert [each.to_dict() for each in operations(fewer, end)] == patch(fewer, end, append=True)
    assert len(merged(fewer)) == len(fewer)


@over_every_stream
@given(st.data())
def test_merging_leaves_what_it_was_given(stream: Streams, data: st.DataObject) -> None:
    changes = run(data.draw(stream)).changes
    written = canonical([change.patch() for change in changes])
    merged(raw for change in changes for raw in listed(change._raw))
    assert canonical([change.patch() for change in changes]) == written


# How two become one


def merged_patch(raws: Sequence[RawOperation], *, append: bool = True) -> list[tuple[Any, ...]]:
    made = patch(merged(raws), 9, append=append)
    assert made.pop() == {"op": "replace", "path": "/revision", "value": 9}
    return [tuple(each.values()) for each in made]


def taken_back(raws: Sequence[RawOperation]) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in inverse(merged(raws), 9)[:-1]]


WHERE = "/items/a1/content/0/text"


def test_deltas_of_one_text_are_one() -> None:
    text = growing("a", "b", "c", "d", "later")
    for raws in ([(text, 2), (text, 3), (text, 4)], [(text, 1, 3), (text, 4)], [(text, 2), (text, 2, 4)]):
        assert merged_patch(raws) == [("append", WHERE, "bcd")]
        assert merged_patch(raws, append=False) == [("replace", WHERE, "abcd")]
        assert taken_back(raws) == [("replace", WHERE, "a")]


def test_a_delta_alone_stays_as_it_is() -> None:
    raw = (growing("a", "b"), 2)
    assert merged([raw]) == [raw]
    assert merged([raw])[0] is raw


def test_the_last_of_several_writes_counts_and_the_first_one_knows_what_was_there() -> None:
    raws: list[RawOperation] = [("replace", STATUS, value, old) for value, old in (("b", "a"), ("c", "b"))]
    assert merged_patch(raws) == [("replace", "/items/a1/status", "c")]
    assert taken_back(raws) == [("replace", "/items/a1/status", "a")]


def test_a_write_and_then_deltas_are_one_write() -> None:
    text = growing("a", "b", "c", "later")
    raws: list[RawOperation] = [("replace", TEXT, "a", None), (text, 2), (text, 3)]
    assert merged_patch(raws) == [("replace", WHERE, "abc")]
    assert taken_back(raws) == [("replace", WHERE, None)]


def test_deltas_and_then_a_write_are_one_write() -> None:
    text = growing("a", "b", "c", "later")
    for deltas in ([(text, 2)], [(text, 2), (text, 3)], [(text, 1, 3)]):
        raws: list[RawOperation] = [*deltas, ("replace", TEXT, "final", None)]
        assert merged_patch(raws) == [("replace", WHERE, "final")]
        assert taken_back(raws) == [("replace", WHERE, "a")]


def test_deltas_of_a_text_that_was_set_anew_are_one_write() -> None:
    one, other = growing("a", "b"), growing("x", "y", "z", "later")
    for raws in ([(one, 2), (other, 3)], [(one, 1, 2), (other, 2, 3)]):
        assert merged_patch(raws) == [("replace", WHERE, "xyz")]
        assert taken_back(raws) == [("replace", WHERE, "a")]


def test_fields_keep_the_place_of_their_first_write() -> None:
    text = growing("a", "b", "c")
    raws: list[RawOperation] = [
        (text, 2),
        ("replace", STATUS, "b", "a"),
        (text, 3),
        ("replace", ("session",), {}, None),
        ("replace", STATUS, "c", "b"),
    ]
    assert merged_patch(raws) == [
        ("append", WHERE, "bc"),
        ("replace", "/items/a1/status", "c"),
        ("replace", "/session", {}),
    ]


BARRIERS: dict[str, RawOperation] = {
    "an addition": ("add", ("items", "b"), {}, ABSENT),
    "an addition to a list": ("add", ("order", 0), "b", ABSENT),
    "a removal": ("remove", ("items", "b"), None, {}),
    "an item replaced whole": ("replace", ("items", "a1"), {}, {}),
    "a response replaced whole": ("replace", ("responses", "r1"), {}, {}),
    "a part replaced whole": ("replace", PART, Part(None), Part(None)),
    "a key added": ("add", ("session", "model"), "x", "y"),
}


@pytest.mark.parametrize("barrier", BARRIERS)
def test_nothing_is_moved_past_what_changes_the_shape(barrier: str) -> None:
    text = growing("a", "b", "c", "d")
    raws: list[RawOperation] = [(text, 2), BARRIERS[barrier], (text, 3), BARRIERS[barrier], (text, 4)]
    assert merged(raws) == raws
    assert merged([*raws, (text, 4)])[:-1] == raws[:-1]


@pytest.mark.parametrize("path", [("items", "a1"), ("responses", "r1"), PART, ("order", 0), ("errors", 0)])
def test_what_is_replaced_whole_is_not_joined(path: tuple[Any, ...]) -> None:
    raws: list[RawOperation] = [("replace", path, "b", "a"), ("replace", path, "c", "b")]
    assert merged(raws) == raws


def test_fields_of_the_root_are_joined() -> None:
    raws: list[RawOperation] = [
        ("replace", ("rate_limits",), {}, {}),
        ("replace", ("usage", "responses", "count"), 1, 0),
        ("replace", ("usage", "responses", "count"), 2, 1),
        ("replace", ("rate_limits",), {"a": 1}, {}),
    ]
    assert merged_patch(raws) == [
        ("replace", "/rate_limits", {"a": 1}),
        ("replace", "/usage/responses/count", 2),
    ]


@pytest.mark.parametrize(
    ("events", "fewer"),
    [
        pytest.param([delta("x") for _ in range(50)], 4, id="text"),
        pytest.param([sound(20) for _ in range(50)], 4, id="audio"),
        pytest.param([arguments("x") for _ in range(50)], 4, id="arguments"),
        pytest.param([spoken("x ") for _ in range(9)] + [truncated()] + [sound(9)] * 9, 6, id="truncated"),
        pytest.param([delta("x", f"a{at % 2}") for at in range(50)], 8, id="two texts at once"),
        pytest.param([added(user("u1", "Hi")), deleted("u1")], 4, id="came and went"),
        pytest.param([committed(f"u{at}") for at in range(5)], 10, id="many items"),
    ],
)
def test_a_conversation_is_told_in_few(events: list[Event], fewer: int) -> None:
    """How many are left for a viewer that slept: those that make an item and place it are not joined."""
    raws = [raw for change in run(events).changes for raw in listed(change._raw)]
    assert len(merged(raws)) == fewer


def test_nothing_is_nothing() -> None:
    assert merged([]) == []
    assert inverse([], 3) == [{"op": "replace", "path": "/revision", "value": 3}]


# Undone


def test_operations_are_undone_last_one_first() -> None:
    text = growing("a", "b", "later")
    raws: list[RawOperation] = [
        ("add", ("items", "b/1"), {"x": 1}, ABSENT),
        ("replace", ("session",), freeze({"x": [1]}), freeze({"y": [2]})),
        (text, 2),
        ("remove", ("order", 3), None, "b/1"),
        ("add", ("session", "model"), "new", "old"),
        (text, 1, 3),
    ]
    assert inverse(iter(raws), 4) == [
        {"op": "replace", "path": WHERE, "value": "a"},
        {"op": "replace", "path": "/session/model", "value": "old"},
        {"op": "add", "path": "/order/3", "value": "b/1"},
        {"op": "replace", "path": WHERE, "value": "a"},
        {"op": "replace", "path": "/session", "value": {"y": [2]}},
        {"op": "remove", "path": "/items/b~11"},
        {"op": "replace", "path": "/revision", "value": 4},
    ]


def test_what_was_null_is_not_what_was_absent() -> None:
    raws: list[RawOperation] = [("add", ("session", "a"), 1, ABSENT), ("add", ("session", "b"), 1, None)]
    assert [each["op"] for each in inverse(raws, 0)] == ["replace", "remove", "replace"]
    assert repr(ABSENT) == "ABSENT"


# Rendered


def test_several_deltas_at_once_are_rendered_as_one() -> None:
    text = growing("a", "b", "c", "later")
    revision = {"op": "replace", "path": "/revision", "value": 2}
    assert patch([(text, 1, 3)], 2, append=True) == [{"op": "append", "path": WHERE, "value": "bc"}, revision]
    assert patch([(text, 1, 3)], 2, append=False)[0] == {"op": "replace", "path": WHERE, "value": "abc"}
    assert list(operations([(text, 1, 3), (text, 2)], 2)) == [
        Operation("append", TEXT, "bc"),
        Operation("append", TEXT, "b"),
        Operation("replace", ("revision",), 2),
    ]
