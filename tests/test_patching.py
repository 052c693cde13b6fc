"""Operations applied to a document: what RFC 6902 says, ``append``, and nothing else."""

import json
from collections import OrderedDict
from collections.abc import Iterator
from copy import deepcopy
from types import MappingProxyType
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonpointer import JsonPointerException

from rtstate import PatchError, apply_patch
from rtstate.patching import _Patched
from tests.laws_support import canonical

Operation = dict[str, Any]


def op(name: str, path: Any, *value: Any, **fields: Any) -> Operation:
    return {"op": name, "path": path, **({"value": value[0]} if value else {}), **fields}


def move(origin: Any, path: Any) -> Operation:
    return op("move", path, **{"from": origin})


def copy(origin: Any, path: Any) -> Operation:
    return op("copy", path, **{"from": origin})


# What fits. Those of RFC 6902, appendix A, are named after it.

FITTING: dict[str, tuple[Any, list[Operation], Any]] = {
    "A.1 a member is added": ({"one": 1}, [op("add", "/two", 2)], {"one": 1, "two": 2}),
    "A.2 an entry is added": ({"all": ["a", "c"]}, [op("add", "/all/1", "b")], {"all": ["a", "b", "c"]}),
    "A.3 a member is removed": ({"one": 1, "two": 2}, [op("remove", "/two")], {"one": 1}),
    "A.4 an entry is removed": ({"all": ["a", "x", "b"]}, [op("remove", "/all/1")], {"all": ["a", "b"]}),
    "A.5 a value is replaced": ({"one": 1, "two": 0}, [op("replace", "/two", 2)], {"one": 1, "two": 2}),
    "A.6 a value is moved": (
        {"from": {"this": 1, "that": 2}, "to": {}},
        [move("/from/that", "/to/here")],
        {"from": {"this": 1}, "to": {"here": 2}},
    ),
    "A.7 an entry is moved": (
        {"all": ["a", "d", "b", "c"]},
        [move("/all/1", "/all/3")],
        {"all": ["a", "b", "c", "d"]},
    ),
    "A.8 a test that holds": (
        {"one": "x", "all": ["a", 2]},
        [op("test", "/one", "x"), op("test", "/all/1", 2)],
        {"one": "x", "all": ["a", 2]},
    ),
    "A.10 an object is added": ({"one": 1}, [op("add", "/in", {"deep": {}})], {"one": 1, "in": {"deep": {}}}),
    "A.11 fields it does not know": ({"one": 1}, [op("add", "/two", 2, why="x")], {"one": 1, "two": 2}),
    "A.14 escapes": ({"/": 9, "~1": 10}, [op("test", "/~01", 10)], {"/": 9, "~1": 10}),
    "A.16 a list is added": ({"all": [1]}, [op("add", "/all/-", [2, 3])], {"all": [1, [2, 3]]}),
    "nothing": ({"one": 1}, [], {"one": 1}),
    "adding what is there": ({"one": 1}, [op("add", "/one", None)], {"one": None}),
    "adding to the end by its number": ([1], [op("add", "/1", 2)], [1, 2]),
    "the whole document": (5, [op("replace", "", {"a": {}}), op("add", "/a/b", 1)], {"a": {"b": 1}}),
    "the whole document added": ([], [op("add", "", 7)], 7),
    "the whole document tested": ([1], [op("test", "", [1.0])], [1]),
    "the whole document moved to itself": ([1], [move("", "")], [1]),
    "a value moved up to the whole": ({"a": {"b": 1}}, [move("/a", "")], {"b": 1}),
    "a value moved to itself": ({"a": 1, "b": 2}, [move("/a", "/a")], {"a": 1, "b": 2}),
    "empty keys": ({"": {"": 1}}, [op("replace", "//", 2)], {"": {"": 2}}),
    "a key - in an object": ({}, [op("add", "/-", 1), op("replace", "/-", 2)], {"-": 2}),
    "a key that is a number": ({"0": 1}, [op("replace", "/0", 2)], {"0": 2}),
    "both escapes in one key": ({"a~/b": 1}, [op("remove", "/a~0~1b")], {}),
    "a copy": ({"a": [1]}, [copy("/a", "/b")], {"a": [1], "b": [1]}),
    "a copy into itself": ({"a": {"x": 1}}, [copy("/a", "/a/b")], {"a": {"x": 1, "b": {"x": 1}}}),
    "append": ({"text": "Hi"}, [op("append", "/text", " there")], {"text": "Hi there"}),
    "append to an entry": (["a", "b"], [op("append", "/1", "c"), op("append", "/1", "")], ["a", "bc"]),
    "append to the whole": ("a", [op("append", "", "b")], "ab"),
}


@pytest.mark.parametrize("case", FITTING)
def test_what_fits_is_done(case: str) -> None:
    document, operations, expected = FITTING[case]
    written = canonical([document, operations])
    assert canonical(apply_patch(document, operations)) == canonical(expected)
    assert canonical([document, operations]) == written
    if all(each["op"] != "append" for each in operations):
        assert jsonpatch.apply_patch(document, operations) == expected


NO_OP = "op is one of add, replace, remove, append, test, move, copy, not "
NO_PATH = "a path is a JSON Pointer such as /items/item_1, not "

REFUSED: dict[str, tuple[Any, Any, str]] = {
    "A.9 a test that fails": ({"a": "b"}, op("test", "/a", "c"), "(test /a): the value there is another"),
    "A.12 nowhere to add": ({"a": 1}, op("add", "/b/c", 1), "(add /b/c): there is no 'b'"),
    "A.15 a text is no number": ({"~1": 10}, op("test", "/~01", "10"), "the value there is another"),
    "true is not 1": ({"a": [{"b": 1}]}, op("test", "/a", [{"b": True}]), "the value there is another"),
    "no key to replace": ({}, op("replace", "/a", 1), "(replace /a): there is no 'a'"),
    "no key to remove": ({}, op("remove", "/a"), "(remove /a): there is no 'a'"),
    "no entry to remove": ([1], op("remove", "/1"), "(remove /1): there are 1 entries"),
    "beyond the end": ([1], op("add", "/2", 1), "(add /2): there are 2 entries"),
    "far beyond the end": ([1], op("add", "/" + "9" * 5_000, 1), "there are 2 entries"),
    "the end is no entry": ([1], op("replace", "/-", 1), "'-' is no index"),
    "a zero before": ([1, 2], op("replace", "/01", 1), "'01' is no index"),
    "a sign": ([1], op("replace", "/-1", 1), "'-1' is no index"),
    "no digit": ([1], op("remove", "/a"), "'a' is no index"),
    "another script's digit": ([1, 2], op("remove", "/\u0661"), "'\u0661' is no index"),
    "an empty index": ([1], op("remove", "/"), "'' is no index"),
    "into a text": ({"a": "b"}, op("add", "/a/0", 1), "'0' is looked for in a text"),
    "through a number": ({"a": 1}, op("remove", "/a/b"), "'b' is looked for in a number"),
    "into null": (None, op("add", "/a", 1), "'a' is looked for in null"),
    "into a truth value": (True, op("replace", "/a", 1), "'a' is looked for in a truth value"),
    "removing the whole": ({}, op("remove", ""), "the whole document cannot be removed; replace it"),
    "moved into itself": ({"a": {}}, move("/a", "/a/b"), "nothing can be moved into itself"),
    "the whole moved into itself": ({}, move("", "/a"), "nothing can be moved into itself"),
    "nothing to move": ({}, move("/a", "/a"), "there is no 'a'"),
    "nothing to copy": ({}, copy("/a", "/b"), "there is no 'a'"),
    "append to a list": ({"a": []}, op("append", "/a", "x"), "a text cannot be appended to a list"),
    "append an object": ({"a": ""}, op("append", "/a", OrderedDict()), "an object cannot be appended to a"),
    "append a number": ({"a": ""}, op("append", "/a", 1), "a number cannot be appended to a text"),
    "append to nothing": ({}, op("append", "/a", "x"), "there is no 'a'"),
    "no op": ({}, {"path": "/a"}, f"(? /a): {NO_OP}None"),
    "another op": ({}, op("merge", "/a"), f"(merge /a): {NO_OP}'merge'"),
    "an op that is a list": ({}, op([], "/a"), f"{NO_OP}[]"),  # type: ignore[arg-type]
    "no path": ({}, {"op": "remove"}, "(remove ?): path is missing"),
    "no value": ({}, {"op": "add", "path": "/a"}, "value is missing"),
    "no origin": ({}, {"op": "move", "path": "/a"}, "from is missing"),
    "a path without its slash": ({"a": 1}, op("remove", "a"), f"{NO_PATH}'a'"),
    "a path that is null": ({}, op("remove", None), f"{NO_PATH}None"),
    "an origin that is a number": ({}, copy(5, "/a"), f"{NO_PATH}5"),
    "half an escape": ({"a~": 1}, op("remove", "/a~"), "in a JSON Pointer ~ is written ~0"),
    "no escape": ({"~2": 1}, op("remove", "/~2"), "and / in a key ~1, not '/~2'"),
    "a text for an operation": ({}, "remove", "operation 1 (?): expected an operation as a mapping, not str"),
    "null for an operation": ({}, None, "expected an operation as a mapping, not NoneType"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_its_reason(case: str) -> None:
    document, operation, message = REFUSED[case]
    written = canonical(document)
    with pytest.raises(PatchError) as caught:
        apply_patch(document, [operation])
    assert message in str(caught.value)
    assert str(caught.value).startswith("operation 1 (")
    assert caught.value.__suppress_context__
    assert canonical(document) == written


def test_it_is_all_or_nothing() -> None:
    document = {"a": [1], "b": {"c": "x"}}
    written = deepcopy(document)
    with pytest.raises(PatchError, match=r"operation 3 \(remove /d\): there is no 'd'"):
        apply_patch(document, [op("add", "/a/0", 0), op("replace", "/b/c", "y"), op("remove", "/d")])
    assert document == written


def test_what_is_no_list_of_operations_is_the_callers_mistake() -> None:
    with pytest.raises(TypeError, match="not iterable"):
        apply_patch({}, None)  # type: ignore[arg-type]
    with pytest.raises(PatchError, match="not str"):
        apply_patch({}, op("add", "/a", 1))  # type: ignore[arg-type]  # a single one, not in a list


def test_any_mapping_is_an_operation_and_they_may_come_one_by_one() -> None:
    def operations() -> Iterator[MappingProxyType[str, Any]]:
        yield MappingProxyType(op("add", "/a", 1))
        yield MappingProxyType(op("remove", "/b"))

    assert apply_patch({"b": 2}, operations()) == {"a": 1}


def nested(depth: int) -> Any:
    value: Any = []
    for _ in range(depth):
        value = [value]
    return value


def test_what_is_nested_too_deeply_is_refused() -> None:
    with pytest.raises(PatchError, match=r"operation 1 \(test /a\): nested too deeply"):
        apply_patch({"a": nested(5_000)}, [op("test", "/a", nested(5_000))])
    assert apply_patch({"a": 1}, [op("add", "/b", nested(5_000))])["a"] == 1


# What is shared, and with whom


def test_what_does_not_change_is_shared() -> None:
    document: Any = {"a": {"b": [{}], "c": {}}, "d": {}}
    after = apply_patch(document, [op("add", "/a/b/-", 1)])
    assert after["d"] is document["d"]
    assert after["a"]["c"] is document["a"]["c"]
    assert after["a"]["b"][0] is document["a"]["b"][0]
    assert after["a"] is not document["a"]


def test_no_operations_give_the_document_itself() -> None:
    document: Any = {"a": {}}
    assert apply_patch(document, []) is document
    assert apply_patch(document, [op("test", "/a", {})]) is document


def test_a_container_is_copied_once() -> None:
    """A thousand operations on a list of a thousand entries must not copy it a thousand times."""
    document: Any = {"order": [1]}
    patched = _Patched(document)
    patched.apply(op("add", "/order/-", 2))
    order = patched.document["order"]
    patched.apply(op("remove", "/order/0"))
    assert patched.document["order"] is order
    assert order is not document["order"]


def test_values_of_operations_are_not_written_to() -> None:
    value: Any = {"x": {"y": [1]}}
    operations = [
        op("add", "/a", value),
        op("add", "/b", value),
        op("add", "/a/x/y/-", 2),
        op("remove", "/b/x/y/0"),
    ]
    assert apply_patch({}, operations) == {"a": {"x": {"y": [1, 2]}}, "b": {"x": {"y": []}}}
    assert value == {"x": {"y": [1]}}


@pytest.mark.parametrize("written", ["/a", "/b"])
def test_a_copy_is_a_value_of_its_own(written: str) -> None:
    operations = [
        op("add", "/a/x/-", 1),  # from here on the containers are its own to write to
        copy("/a", "/b"),
        op("add", f"{written}/x/-", 2),
    ]
    after = apply_patch({"a": {"x": []}}, operations)
    other = "/b" if written == "/a" else "/a"
    assert (after[written[1:]], after[other[1:]]) == ({"x": [1, 2]}, {"x": [1]})


def test_a_copy_into_itself_goes_round_in_no_circle() -> None:
    after = apply_patch({"a": {"x": 1}}, [op("replace", "/a/x", 2), copy("/a", "/a/b")])
    assert json.dumps(after) == '{"a": {"x": 2, "b": {"x": 2}}}'


# Against a stock library: the same outcome, or both refuse

KEYS = st.sampled_from(("a", "b", "", "0", "1", "-", "01", "~", "/", "~1", "é"))
SCALARS = st.none() | st.booleans() | st.sampled_from((0, 1, 2.5, "", "a", "text"))
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)
TOKENS = KEYS.map(lambda key: key.replace("~", "~0").replace("/", "~1")) | st.sampled_from(("~", "~2", "2"))
FREE_PATHS = st.lists(TOKENS, max_size=3).map(lambda tokens: "".join(f"/{token}" for token in tokens))


def paths_of(document: Any, path: str = "") -> Iterator[str]:
    """The path of every value in a document, and of the end of every list."""
    yield path
    if isinstance(document, dict):
        for key, value in document.items():
            yield from paths_of(value, f"{path}/{key.replace('~', '~0').replace('/', '~1')}")
    elif isinstance(document, list):
        for at, value in enumerate(document):
            yield from paths_of(value, f"{path}/{at}")
        yield f"{path}/-"


@st.composite
def patches(draw: st.DrawFn) -> tuple[Any, list[Operation]]:
    """A document, and operations most of which fit it as it then is."""
    document = draw(VALUES)
    state, operations = document, list[Operation]()
    for _ in range(draw(st.integers(1, 6))):
        known = list(paths_of(state))
        place = st.sampled_from(known) | st.sampled_from(known) | FREE_PATHS | st.just("a")
        below = st.tuples(st.sampled_from(known), TOKENS).map("/".join)
        name = draw(st.sampled_from(("add", "add", "replace", "remove", "move", "copy", "copy", "test")))
        operation = {"op": name, "path": draw(below | place if name in ("add", "move", "copy") else place)}
        if name in ("move", "copy"):
            operation["from"] = draw(place)
        elif name != "remove":
            operation["value"] = draw(VALUES)
        if name == "test" and operation["path"] in known and draw(st.booleans()):
            operation["value"] = at(state, operation["path"])
        operations.append(operation)
        state = stock(state, [operation])
        if state is REFUSAL:
            break
    return document, operations


def at(document: Any, path: str) -> Any:
    """The value at a path that is there, None at the end of a list."""
    for token in path.split("/")[1:]:
        key = token.replace("~1", "/").replace("~0", "~")
        if isinstance(document, list):
            document = None if key == "-" else document[int(key)]
        else:
            document = document[key]
    return document


REFUSAL: Any = object()


def stock(document: Any, operations: list[Operation]) -> Any:
    try:
        return jsonpatch.apply_patch(document, operations)
    except (jsonpatch.JsonPatchException, JsonPointerException):
        return REFUSAL


def ours(document: Any, operations: list[Operation]) -> Any:
    try:
        return apply_patch(document, operations)
    except PatchError:
        return REFUSAL


@given(patches())
def test_a_stock_library_does_the_same(patch: tuple[Any, list[Operation]]) -> None:
    document, operations = patch
    written = canonical(patch)
    expected, found = stock(deepcopy(document), operations), ours(document, operations)
    assert canonical(patch) == written
    assert (found is REFUSAL) is (expected is REFUSAL)
    if found is not REFUSAL:
        assert canonical(found) == canonical(expected)


@given(
    VALUES, st.lists(VALUES | st.fixed_dictionaries({}, optional={"op": VALUES, "path": FREE_PATHS | VALUES}))
)
def test_whatever_is_no_operation_is_refused_and_nothing_else_happens(
    document: Any, operations: list[Any]
) -> None:
    written = canonical(document)
    if ours(document, operations) is not REFUSAL:
        assert all(each["op"] == "remove" for each in operations)
    assert canonical(document) == written
