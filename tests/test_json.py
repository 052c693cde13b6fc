"""JSON that cannot change."""

import copy
import json
import math
import pickle
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate._json import EMPTY, FrozenDict, freeze, same, thaw

FINITE = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
)
VALUES = st.recursive(
    FINITE, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
)


@given(VALUES)
def test_a_value_frozen_and_thawed_is_the_same(value: Any) -> None:
    assert json.dumps(thaw(freeze(value))) == json.dumps(value)
    assert json.dumps(freeze(value)) == json.dumps(value)


@given(VALUES)
def test_what_is_thawed_is_the_callers_to_change(value: Any) -> None:
    frozen = freeze({"value": value, "list": [1]})
    thawed = thaw(frozen)
    thawed["list"].append(2)
    thawed["new"] = None
    assert thaw(frozen) == {"value": value, "list": [1]}


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_no_number_that_json_cannot_write(number: float) -> None:
    assert freeze({"a": [number, 1.5]}) == {"a": (None, 1.5)}


CHANGES: list[Callable[[dict[str, Any]], object]] = [
    lambda each: each.__setitem__("a", 2),
    lambda each: each.__delitem__("a"),
    lambda each: each.__ior__({"a": 2}),
    lambda each: each.clear(),
    lambda each: each.pop("a"),
    lambda each: each.popitem(),
    lambda each: each.setdefault("b", 2),
    lambda each: each.update(a=2),
]


@pytest.mark.parametrize("change", CHANGES)
def test_a_frozen_dict_refuses_every_change(change: Callable[[dict[str, Any]], object]) -> None:
    frozen = FrozenDict(a=1)
    with pytest.raises(TypeError, match="copy of your own"):
        change(frozen)
    assert frozen == {"a": 1}


def test_a_frozen_dict_has_no_room_for_attributes() -> None:
    with pytest.raises(AttributeError):
        FrozenDict().colour = "red"  # type: ignore[attr-defined]


def test_copies_of_what_cannot_change_are_itself() -> None:
    frozen = freeze({"a": {"b": [1]}})
    assert copy.copy(frozen) is frozen
    assert copy.deepcopy(frozen) is frozen
    assert freeze({}) is EMPTY


def test_a_frozen_dict_survives_pickling() -> None:
    frozen = freeze({"a": {"b": [1]}})
    again = pickle.loads(pickle.dumps(frozen))
    assert again == frozen
    assert type(again) is type(again["a"]) is FrozenDict


def test_a_changed_copy_is_an_ordinary_dict() -> None:
    assert FrozenDict(a=1) | {"b": 2} == {"a": 1, "b": 2}
    assert dict(FrozenDict(a=1), b=2) == {"a": 1, "b": 2}


def test_equal_objects_have_equal_hashes() -> None:
    one, other = freeze({"a": [1], "b": {"c": None}}), freeze({"b": {"c": None}, "a": [1]})
    assert hash(one) == hash(other)
    assert {one: "there"}[other] == "there"


@pytest.mark.parametrize(
    ("old", "new", "equal"),
    [
        ({"a": 1}, {"a": True}, False),
        ({"a": 1}, {"a": 1.0}, True),
        ([1, [0]], [1, [False]], False),
        ((1, {"a": (0,)}), (1, {"a": (0,)}), True),
        ({"a": 1}, {"a": 1, "b": 1}, False),
        (None, False, False),
    ],
)
def test_what_is_the_same_json(old: Any, new: Any, equal: bool) -> None:
    assert same(old, new) is equal
