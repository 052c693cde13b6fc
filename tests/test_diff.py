"""Two snapshots compared: the operations lead from one to the other, and finding them costs what differs."""

import json
from collections.abc import Callable
from copy import deepcopy
from itertools import pairwise
from typing import Any

import jsonpatch
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Snapshot, apply_patch, diff
from rtstate._json import same
from tests.helpers import (
    added,
    assistant,
    committed,
    deleted,
    delta,
    done,
    event,
    response_created,
    response_done,
    sound,
    spoken,
    state,
    text_part,
    truncated,
    user,
)
from tests.laws_support import fold
from tests.strategies import STREAMS, Event, Stream
from tests.test_costs import Work, long_conversation, typed
from tests.test_document import rich

over_every_stream = pytest.mark.parametrize("stream", STREAMS.values(), ids=list(STREAMS))
Streams = st.SearchStrategy[Stream]


def assert_leads(old: Snapshot, new: Snapshot) -> None:
    """Both kinds of diff turn one document into the other, by our own hands and those of others."""
    before, after = old.to_dict(), new.to_dict()
    strict, short = diff(old, new), diff(old, new, append=True)
    assert {each["op"] for each in strict} <= {"add", "replace", "remove"}
    assert same(apply_patch(before, strict), after)
    assert same(jsonpatch.apply_patch(before, strict), after)
    assert same(apply_patch(before, short), after)
    assert same(fold(deepcopy(before), deepcopy(short)), after)
    assert bool(strict) is bool(short) is not same(before, after)
    paths = [each["path"] for each in strict]
    assert ("/revision" in paths) is (old.revision != new.revision)
    assert {each.split("/")[1] for each in paths} == {
        key for key in {**before, **after} if not same(before.get(key), after.get(key))
    }


def read_back(snapshot: Snapshot) -> Snapshot:
    return Snapshot.from_dict(json.loads(snapshot.to_json()))


# The law


def snapshots(stream: Stream, data: st.DataObject) -> list[Snapshot]:
    """Some moments of a conversation, taken as it goes on."""
    conversation = Conversation()
    taken = [conversation.snapshot()]
    often = data.draw(st.sampled_from((1, 1, 3, 10)))
    for number, each in enumerate(stream):
        conversation.feed(each)
        if number % often == 0:
            taken.append(conversation.snapshot())
    return [*taken, conversation.snapshot()]


@over_every_stream
@given(st.data())
def test_a_diff_leads_from_any_snapshot_to_any_other(stream: Streams, data: st.DataObject) -> None:
    taken = snapshots(data.draw(stream), data)
    one, other = data.draw(st.sampled_from(taken)), data.draw(st.sampled_from(taken))
    assert_leads(one, other)
    assert_leads(other, one)
    assert_leads(read_back(one), other)
    assert_leads(one, read_back(other))
    assert diff(one, read_back(one)) == []


@over_every_stream
@given(st.data())
def test_a_diff_leads_from_each_snapshot_to_the_next(stream: Streams, data: st.DataObject) -> None:
    taken = snapshots(data.draw(stream), data)
    start = data.draw(st.integers(0, len(taken) - 1))
    for one, other in pairwise(taken[start : start + 8]):
        before, after = one.to_dict(), other.to_dict()
        assert same(apply_patch(before, diff(one, other)), after)
        assert same(apply_patch(after, diff(other, one, append=True)), before)


@given(st.data())
def test_a_diff_leads_from_one_conversation_to_another(data: st.DataObject) -> None:
    streams = st.one_of(*STREAMS.values())
    one, other = (data.draw(st.sampled_from(snapshots(data.draw(streams), data))) for _ in range(2))
    assert_leads(one, other)
    assert_leads(other, read_back(one))


def test_a_diff_knows_a_state_of_everything_from_nothing() -> None:
    empty, full = Conversation().snapshot(), rich().snapshot()
    for one, other in ((empty, full), (full, empty), (full, rich().snapshot())):
        assert_leads(one, other)
    assert diff(full, rich().snapshot()) == diff(full, full) == []


# What it says


def told(before: list[Event], after: list[Event], append: bool = False) -> list[tuple[Any, ...]]:
    """The diff over some events, its revision left out, and that of snapshots which share nothing."""
    conversation = state(*before)
    old = conversation.snapshot()
    for each in after:
        conversation.feed(each)
    new = conversation.snapshot()
    assert_leads(old, new)
    assert_leads(new, old)
    found = diff(old, new, append)
    assert sorted(map(str, found)) == sorted(map(str, diff(read_back(old), new, append)))
    assert found.pop() == {"op": "replace", "path": "/revision", "value": new.revision}
    return [tuple(each.values()) for each in found]


def test_a_text_that_goes_on_is_appended_to_where_that_is_asked_for() -> None:
    path = "/items/a1/content/0/text"
    before, after = [delta("Hi"), delta(" there")], [delta(", you"), delta("!")]
    assert told(before, after) == [("replace", path, "Hi there, you!")]
    assert told(before, after, append=True) == [("append", path, ", you!")]


def test_a_text_that_does_not_go_on_is_replaced() -> None:
    final = [done(assistant("a1", text_part("No.")))]
    assert ("replace", "/items/a1/content/0/text", "No.") in told([delta("Hi")], final, append=True)


def test_a_text_that_begins_is_replaced() -> None:
    begun = told([added(assistant("a1", text_part("")))], [delta("Hi")], append=True)
    assert ("replace", "/items/a1/content/0/text", "Hi") in begun
    assert not [each for each in begun if each[0] == "append"]


def test_a_part_that_is_cut_off_says_what_was_heard() -> None:
    operations = told([sound(100), spoken("one two three")], [truncated("a1", 50)])
    assert [each[:2] for each in operations] == [
        ("replace", "/items/a1/content/0/transcript"),
        ("replace", "/items/a1/content/0/truncated"),
    ]


def test_only_the_counters_that_counted_are_told() -> None:
    usage = {"total_tokens": 7, "input_tokens": 7, "input_token_details": {"text_tokens": 7}}
    operations = told([response_created()], [response_done(usage=usage)])
    assert [each for each in operations if each[1].startswith("/usage")] == [
        ("replace", "/usage/responses/count", 1),
        ("replace", "/usage/responses/total_tokens", 7),
        ("replace", "/usage/responses/input_tokens", 7),
        ("replace", "/usage/responses/input_token_details/text_tokens", 7),
    ]


def failed(number: int) -> Event:
    return event("error", error={"type": "x", "message": f"error {number}"})


@pytest.mark.parametrize(
    ("before", "after", "removed", "added_at"),
    [
        (0, 1, 0, [0]),
        (3, 2, 0, [3, 4]),
        (20, 1, 1, [19]),
        (19, 3, 2, [17, 18, 19]),
        (25, 5, 5, [15, 16, 17, 18, 19]),
        (20, 30, 20, list(range(20))),
    ],
)
def test_the_window_over_the_errors_moves(before: int, after: int, removed: int, added_at: list[int]) -> None:
    first, then = list(map(failed, range(before))), list(map(failed, range(before, before + after)))
    operations = told(first, then)
    assert [each[:2] for each in operations] == [
        *[("remove", "/errors/0")] * removed,
        *[("add", f"/errors/{at}") for at in added_at],
    ]


def test_a_window_that_looks_as_it_did_is_left_alone() -> None:
    assert told([failed(1)] * 20, [failed(1)]) == []


def test_a_translation_begins_and_goes_on() -> None:
    first = event("session.input_transcript.delta", delta="Hola")
    then = event("session.input_transcript.delta", delta=" y adiós")
    whole = {"input_transcript": "Hola", "output_transcript": None}
    assert told([], [first]) == [("add", "/translation", whole)]
    assert told([first], [then], append=True) == [("append", "/translation/input_transcript", " y adiós")]
    begun, none = state(first).snapshot(), Conversation().snapshot()
    assert diff(begun, none)[0] == {"op": "remove", "path": "/translation"}


def document(**fields: Any) -> Snapshot:
    return Snapshot.from_dict({**Conversation().snapshot().to_dict(), **fields})


@pytest.mark.parametrize(
    ("old", "new", "operations"),
    [
        ({"a": True}, {"a": 1}, [("replace", "/session/a", 1)]),
        ({"a": 1}, {"a": 1.0}, []),
        ({"a": 1}, {}, [("remove", "/session/a")]),
        ({}, {"a/b": None}, [("add", "/session/a~1b", None)]),
        ({"a": None}, {"a": {"b": [1]}}, [("replace", "/session/a", {"b": [1]})]),
        ({"a": {"b": 1}}, {"a": {"b": 2}}, [("replace", "/session/a/b", 2)]),
        ({"a": {"b": 1}}, {"a": [1]}, [("replace", "/session/a", [1])]),
        (
            {"a": [1, 2, 3]},
            {"a": [0]},
            [("replace", "/session/a/0", 0), ("remove", "/session/a/2"), ("remove", "/session/a/1")],
        ),
        ({"a": [1]}, {"a": [1, [2], 3]}, [("add", "/session/a/1", [2]), ("add", "/session/a/2", 3)]),
        ({"a": [{"b": 1}]}, {"a": [{"b": 2}]}, [("replace", "/session/a/0/b", 2)]),
        (None, {"a": 1}, [("replace", "/session", {"a": 1})]),
        ({"a": 1}, None, [("replace", "/session", None)]),
    ],
)
def test_free_form_values_are_compared_by_key_and_entry(old: Any, new: Any, operations: Any) -> None:
    one, other = document(session=old), document(session=new)
    assert_leads(one, other)
    assert [tuple(each.values()) for each in diff(one, other)] == operations


def test_an_item_of_another_type_is_told_by_its_fields() -> None:
    item = {"id": "x", "type": "odd", "status": None, "response_id": None, "previous_item_id": None, "a": 1}
    one = document(items={"x": item}, order=["x"])
    other = document(items={"x": {**item, "type": "other", "b": 2}}, order=["x"])
    assert sorted(each["path"] for each in diff(one, other)) == ["/items/x/b", "/items/x/type"]
    message = state(committed("x")).snapshot()
    for each in (one, other):
        assert_leads(each, message)
        assert_leads(message, each)


def test_what_it_gives_is_the_callers_to_change() -> None:
    old, new = Conversation().snapshot(), rich().snapshot()
    written = new.to_json()

    def spoil(value: Any) -> None:
        for each in list(value.values()) if isinstance(value, dict) else value:
            if isinstance(each, (dict, list)):
                spoil(each)
        value.clear()

    spoil(diff(old, new))
    assert new.to_json() == written


@pytest.mark.parametrize("wrong", [{}, None])
def test_what_is_no_snapshot_is_the_callers_mistake(wrong: Any) -> None:
    snapshot = Conversation().snapshot()
    for old, new in ((snapshot, wrong), (wrong, snapshot), (wrong, wrong)):
        with pytest.raises(TypeError, match=rf"not {type(wrong).__name__}; see Snapshot.from_dict"):
            diff(old, new)


# The order


def ordered(*ids: str, unplaced: tuple[str, ...] = ()) -> Snapshot:
    known = state(*[committed(each) for each in (*ids, *unplaced)]).snapshot().to_dict()
    items = {each: {**known["items"][each], "previous_item_id": None} for each in (*ids, *unplaced)}
    return Snapshot.from_dict({**known, "revision": 1, "items": items, "order": list(ids)})


def common(one: list[str], other: list[str]) -> int:
    """How many ids at most stand in the same order in both."""
    row = [0] * (len(other) + 1)
    for each in one:
        above = row
        row = [0]
        for at, id_ in enumerate(other):
            row.append(above[at] + 1 if each == id_ else max(above[at + 1], row[at]))
    return row[-1]


IDS = st.lists(st.sampled_from("abcdefghij"), unique=True)


@given(IDS, IDS)
def test_as_few_items_move_as_can_be(one: list[str], other: list[str]) -> None:
    old, new = ordered(*one), ordered(*other)
    assert_leads(old, new)
    moves = [each for each in diff(old, new) if each["path"].startswith("/order/")]
    stay = common(one, other)
    assert [each["op"] for each in moves] == ["remove"] * (len(one) - stay) + ["add"] * (len(other) - stay)


@pytest.mark.parametrize(
    ("one", "other", "moves"),
    [
        ("abc", "abc", []),
        ("abc", "abcd", [("add", "/order/3", "d")]),
        ("abc", "xabc", [("add", "/order/0", "x")]),
        ("abcd", "abd", [("remove", "/order/2")]),
        ("abcd", "bcda", [("remove", "/order/0"), ("add", "/order/3", "a")]),
        ("abcd", "dabc", [("remove", "/order/3"), ("add", "/order/0", "d")]),
        ("ab", "", [("remove", "/order/1"), ("remove", "/order/0")]),
    ],
)
def test_moves_are_these(one: str, other: str, moves: list[tuple[Any, ...]]) -> None:
    found = [tuple(each.values()) for each in diff(ordered(*one), ordered(*other))]
    assert [each for each in found if each[1].startswith("/order/")] == moves


def test_items_that_came_at_the_end_are_told_in_their_order() -> None:
    late = [committed("u9", "u1"), committed("u3", "u9"), committed("u2", "u9")]
    operations = told([committed("u1")], late)
    assert [each for each in operations if each[1].startswith("/order")] == [
        ("add", "/order/1", "u9"),
        ("add", "/order/2", "u2"),
        ("add", "/order/3", "u3"),
    ]


@pytest.mark.parametrize(
    "events",
    [
        pytest.param([committed("u9", None)], id="at the head"),
        pytest.param([committed("u9", "u2"), committed("u8")], id="in between"),
        pytest.param([deleted("u4"), committed("u8")], id="the last one gone"),
        pytest.param([deleted("u4"), deleted("u3"), committed("u8", "u2")], id="where others were"),
        pytest.param([added(user("u1"), "u4"), committed("u8", "u1")], id="one has moved"),
    ],
)
def test_items_that_did_not_come_at_the_end_are_told_as_well(events: list[Event]) -> None:
    told([committed("u1", "u0"), *[committed(f"u{at}", f"u{at - 1}") for at in range(2, 5)]], events)


def test_an_item_without_a_place_is_none_of_the_orders() -> None:
    assert_leads(ordered("a", "b"), ordered("b", unplaced=("a",)))
    assert [each["path"] for each in diff(ordered("a", "b"), ordered("b", unplaced=("a",)))] == ["/order/0"]


# What it costs


def _nothing(conversation: Conversation) -> None:
    pass


def _delta(conversation: Conversation) -> None:
    conversation.feed('{"type": "response.output_text.delta", "item_id": "item_new", "delta": " there"}')


def _one_item(conversation: Conversation) -> None:
    conversation.feed(done({"id": "item_5", "type": "message", "colour": "red"}))


def _append(conversation: Conversation) -> None:
    conversation.feed(typed(10**9, "item_new"))


def _append_three(conversation: Conversation) -> None:
    for number in range(3):
        conversation.feed(typed(10**9 + 1 + number, f"item_{10**9 + number}"))


def _response(conversation: Conversation) -> None:
    conversation.feed(response_done("resp_5", usage={"total_tokens": 5}))
    conversation.feed(response_created("resp_new"))


ACTS = (_nothing, _delta, _one_item, _append, _append_three, _response)


@pytest.fixture(scope="module")
def pairs() -> list[tuple[tuple[Snapshot, Snapshot], ...]]:
    """What each act leads from and to, in a short and in a long conversation."""
    conversations = [long_conversation(10), long_conversation(10_000)]
    found = []
    for act in ACTS:
        taken = []
        for conversation in conversations:
            old = conversation.snapshot()
            act(conversation)
            taken.append((old, conversation.snapshot()))
        found.append(tuple(taken))
    return found


@pytest.mark.parametrize("act", ACTS)
def test_work_follows_what_differs(
    act: Callable[[Conversation], None], pairs: list[tuple[tuple[Snapshot, Snapshot], ...]]
) -> None:
    both = pairs[ACTS.index(act)]
    short, long = (Work(lambda pair=pair: diff(*pair)) for pair in both)  # nobody has read their order yet
    found = [diff(old, new) for old, new in both]
    assert len(found[0]) == len(found[1])
    assert long.calls <= short.calls + 60  # a few levels more of the vectors
    assert long.bytes <= short.bytes + 16_000  # an array of 10,000 pointers has 80,000


def test_an_item_in_the_middle_costs_a_look_at_all_ids() -> None:
    """One look at each, at the speed of C: no more than a few calls are made for all of them."""
    conversation = long_conversation(2_000)
    old = conversation.snapshot()
    conversation.feed(typed(10**9 + 9, "item_5"))
    new = conversation.snapshot()
    assert [each["path"] for each in diff(old, new)] == [
        f"/items/item_{10**9 + 9}",
        "/order/6",
        "/revision",
    ]
    assert Work(lambda: diff(old, new)).calls < 500
