"""What a replica refuses: operations that make no sense leave no trace and are told by name."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import DocumentError, PatchError, RevisionGap, Snapshot
from tests.helpers import committed
from tests.laws_support import canonical
from tests.strategies import values
from tests.test_document import rich
from tests.test_replica import AT, ITEM, pair, revised, spoil

REFUSED: dict[str, tuple[Any, type[Exception], str]] = {
    "a number": (5, TypeError, "expected a change, an update or operations, not int"),
    "a text": ("[]", TypeError, "not str"),
    "bytes": (b"[]", TypeError, "not bytes"),
    "a bytearray": (bytearray(b"[]"), TypeError, "not bytearray"),
    "a snapshot": (rich().snapshot(), TypeError, "not Snapshot"),
    "an iterator": (iter(()), TypeError, "not tuple_iterator"),
    "an empty update": ({}, PatchError, "an update has a patch, the revision it leads to, and since"),
    "an update without a patch": ({"since": AT, "revision": AT + 1}, PatchError, "an update has a patch"),
    "an update from true": ({"since": True, "revision": AT + 1, "patch": []}, PatchError, "an update has"),
    "an update from 1.5": ({"since": 1.5, "revision": AT + 1, "patch": []}, PatchError, "an update has"),
    "an update to true": ({"since": AT, "revision": True, "patch": []}, PatchError, "an update has"),
    "an update to null": ({"since": None, "revision": None, "patch": []}, PatchError, "an update has"),
    "an update of text": ({"since": AT, "revision": AT + 1, "patch": "x"}, PatchError, "an update has"),
    "a start from nothing": ({"since": None, "revision": 5, "patch": []}, DocumentError, "not NoneType"),
    "a document": (rich().snapshot().to_dict(), PatchError, "an update has a patch"),
    "an update to elsewhere": (
        {"since": AT, "revision": AT + 5, "patch": revised()},
        PatchError,
        rf"lead to revision {AT + 1}, not {AT + 5}",
    ),
    "operations without a revision": (
        [{"op": "remove", "path": "/order/0"}],
        PatchError,
        "none",
    ),
    "operations that are numbers": ([1, 2], PatchError, "the operations of a change end with its revision"),
    "a revision that is a text": ([{"op": "replace", "path": "/revision", "value": "1"}], PatchError, "none"),
    "a revision that is true": ([{"op": "replace", "path": "/revision", "value": True}], PatchError, "none"),
    "a revision that is removed": (
        [*revised(), {"op": "remove", "path": "/revision"}],
        DocumentError,
        "document: 'revision' is missing",
    ),
    "a revision that is added": (
        [*revised(), {"op": "add", "path": "/revision", "value": "x"}],
        DocumentError,
        "revision: expected a count, found 'x'",
    ),
    "an operation that is null": (revised(None), PatchError, r"operation 1 \(\?\): expected an operation"),
    "a path that is a list": (revised({"op": "replace", "path": []}), PatchError, "operation 1"),
    "an op that is an object": (revised({"op": {}, "path": "/order"}), PatchError, "op is one of"),
    "an item that is not there": (revised({"op": "remove", "path": "/items/x"}), PatchError, "no 'x'"),
    "a field that is not there": (revised({"op": "remove", "path": "/items/u1/x"}), PatchError, "no 'x'"),
    "an item that is a list": (
        revised({"op": "add", "path": "/items/x", "value": []}),
        DocumentError,
        "items/x",
    ),
    "an item of another name": (
        revised({"op": "add", "path": "/items/x", "value": ITEM}),
        DocumentError,
        "items/x: holds an item with the id 'u1'",
    ),
    "a response of another name": (
        revised({"op": "copy", "from": "/responses/r1", "path": "/responses/x"}),
        DocumentError,
        "responses/x: holds a response with the id 'r1'",
    ),
    "an item gone that has a place": (
        revised({"op": "remove", "path": "/items/u1"}),
        DocumentError,
        r"order names items that are not there: \['u1'\]",
    ),
    "a place for nobody": (
        revised({"op": "add", "path": "/order/0", "value": "x"}),
        DocumentError,
        r"order names items that are not there: \['x'\]",
    ),
    "two places for one": (
        revised({"op": "add", "path": "/order/0", "value": "u1"}),
        DocumentError,
        "order names an item twice",
    ),
    "a place for a number": (
        revised({"op": "add", "path": "/order/0", "value": 5}),
        DocumentError,
        "order: ",
    ),
    "no order": (revised({"op": "remove", "path": "/order"}), DocumentError, "order: expected a list"),
    "an order that is a text": (
        revised({"op": "replace", "path": "/order", "value": "ab"}),
        DocumentError,
        "order: expected a list, found str",
    ),
    "no usage": (revised({"op": "remove", "path": "/usage"}), DocumentError, "'usage' is missing"),
    "a usage that is a text": (
        revised({"op": "replace", "path": "/usage/responses/count", "value": "x"}),
        DocumentError,
        "count: expected a number, found 'x'",
    ),
    "a translation that is empty": (
        revised({"op": "replace", "path": "/translation", "value": 0}),
        DocumentError,
        "translation: expected an object, found int",
    ),
    "no items at all": (revised({"op": "remove", "path": "/items"}), DocumentError, "'items' is missing"),
    "another format": (
        revised({"op": "replace", "path": "/format", "value": "rtstate/2"}),
        DocumentError,
        "format: expected 'rtstate/1'",
    ),
    "a gap": (revised(by=2), RevisionGap, "the replica is at"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_and_leaves_no_trace(case: str) -> None:
    news, error, message = REFUSED[case]
    conversation, replica = pair()
    before = replica.snapshot()
    with pytest.raises(error, match=message):
        replica.apply(deepcopy(news) if isinstance(news, (list, dict)) else news)
    assert replica.snapshot() is before
    assert before == conversation.snapshot()
    assert replica.apply(conversation.feed(committed("x")))
    assert replica.snapshot() == conversation.snapshot()


def test_an_unreadable_document_does_not_replace_what_is_known() -> None:
    conversation, replica = pair()
    for state in ({}, None, [], {**conversation.snapshot().to_dict(), "order": None}):
        with pytest.raises(DocumentError):
            replica.seed(state)  # type: ignore[arg-type]
    assert replica.snapshot() == conversation.snapshot()


def places(value: Any, path: str = "") -> list[str]:
    """The path of everything in a document."""
    found = [path]
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in pairs:
        found += places(each, f"{path}/{key}")
    return found


PLACES = st.sampled_from(places(rich().snapshot().to_dict()))
PATHS = PLACES | PLACES.map(lambda path: f"{path}/x") | PLACES.map(lambda path: f"{path}/-") | values
OPERATIONS = st.fixed_dictionaries(
    {
        "op": st.sampled_from(("add", "replace", "remove", "append", "test", "move", "copy")) | values,
        "path": PATHS,
    },
    optional={"value": values, "from": PATHS},
)


@given(st.lists(OPERATIONS | values, max_size=3), st.booleans())
def test_nothing_but_the_documented_errors_is_raised(operations: list[Any], whole: bool) -> None:
    """Whatever comes from elsewhere is taken, and can then be read, or refused, and leaves no trace."""
    conversation, replica = pair()
    before, written = replica.snapshot(), conversation.snapshot().to_json()
    news: Any = revised(*operations)
    if whole:
        news = {"since": AT, "revision": AT + 1, "patch": news}
    try:
        replica.apply(news)
    except (PatchError, DocumentError, RevisionGap):
        assert replica.snapshot() is before
    else:
        after = replica.snapshot()
        document = canonical(after.to_dict())
        assert isinstance(hash((after, after.items, after.unplaced, after.responses)), int)
        spoil(news)
        assert canonical(after.to_dict()) == document
        assert canonical(Snapshot.from_dict(after.to_dict()).to_dict()) == document
    assert before.to_json() == written
