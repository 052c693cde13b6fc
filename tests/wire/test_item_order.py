"""Where an item stands: ``previous_item_id`` turned into a place, whatever the order of arrival."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    assistant,
    cases,
    committed,
    created,
    deleted,
    delta,
    done,
    event,
    item,
    order,
    prove,
    response_created,
    retrieved,
    speech_started,
    state,
    text_part,
    unchanged,
    user,
)

U1, U2, U3 = (added(user(f"u{number}", "Hi")) for number in (1, 2, 3))


# Order


@cases(
    {
        "absent appends": ([U1], added(assistant()), order("u1", "a1") | item("a1", previous_item_id=None)),
        "null is the head": ([U1, U2], added(user("u3"), after=None), order("u3", "u1", "u2")),
        "a known id means directly after it": (
            [U1, U2],
            added(user("u3"), after="u1"),
            order("u1", "u3", "u2") | item("u3", previous_item_id="u1"),
        ),
        "created places like added": ([U1, U2], created(user("u3"), after="u1"), order("u1", "u3", "u2")),
        "created with null is the head": ([U1], created(user("u2"), after=None), order("u2", "u1")),
        "an unknown id parks the item at the end": (
            [U1],
            added(user("u2"), after="u9"),
            order("u1", "u2") | item("u2", previous_item_id="u9"),
            ["unknown_anchor"],
        ),
        "a parked item moves when its anchor appears": (
            [U1, added(user("u3"), after="u2")],
            added(user("u2"), after=None),
            order("u2", "u3", "u1"),
        ),
        "a parked item does not shift as others arrive": (
            [U1, added(user("u3"), after="u9")],
            U2,
            order("u1", "u3", "u2"),
        ),
        "what hangs on a parked item moves along": (
            [U1, added(user("u3"), after="u9"), added(user("u4"), after="u3"), U2],
            added(user("u9")),
            order("u1", "u2", "u9", "u3", "u4"),
        ),
        "of several parked on one anchor the last is nearest": (
            [U1, added(user("u2"), after="u9"), added(user("u3"), after="u9")],
            added(user("u9"), after="u1"),
            order("u1", "u9", "u3", "u2"),
        ),
        "a chain that came backwards": (
            [added(user("u3"), after="u2"), added(user("u2"), after="u1")],
            added(user("u1"), after=None),
            order("u1", "u2", "u3"),
        ),
        "an item that only speech has named is no anchor yet": (
            [U1, speech_started("u9"), added(user("u2"), after="u9")],
            committed("u9", after=None),
            order("u9", "u2", "u1"),
        ),
        "a deleted anchor means where it stood": (
            [U1, U2, U3, deleted("u2")],
            added(user("u4"), after="u2"),
            order("u1", "u4", "u3"),
        ),
        "a deleted anchor means directly after where it stood": (
            [U1, U2, U3, deleted("u2"), added(user("u4"), after="u2")],
            added(user("u5"), after="u2"),
            order("u1", "u5", "u4", "u3"),
        ),
        "a deleted first item as anchor": (
            [U1, U2, deleted("u1")],
            added(user("u3"), after="u1"),
            order("u3", "u2"),
        ),
        "the head is before a deleted first item too": (
            [U1, U2, deleted("u1"), added(user("u3"), after=None)],
            added(user("u4"), after="u1"),
            order("u3", "u4", "u2"),
        ),
        "an item that hung on a parked one before it was deleted": (
            [U1, added(user("u3"), after="u9"), deleted("u3"), added(user("u4"), after="u3")],
            added(user("u9"), after=None),
            order("u9", "u4", "u1"),
        ),
    }
)
def test_order(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize(
    "events", [[U1, deleted("u9")], [U1, deleted("u9"), U2, deleted("u2")]], ids=["first", "beside another"]
)
def test_an_anchor_deleted_before_it_was_placed_appends(events: list[Event]) -> None:
    prove(events, added(user("u3"), after="u9"), order("u1", "u3"), None)


def test_an_anchor_deleted_while_it_was_waited_for_leaves_the_item_where_it_is() -> None:
    events = [U1, added(user("u2"), after="u9"), U3]
    unchanged(events, deleted("u9"), None)
    unchanged([*events, deleted("u9")], added(user("u9"), after=None), None)


@pytest.mark.parametrize("after", ["u1", None, "u3"])
def test_an_item_announced_again_does_not_move(after: str | None) -> None:
    events = [
        added(user("u1"), after=None),
        added(user("u2", "Hi"), after="u1"),
        added(user("u3"), after="u2"),
    ]
    unchanged(events, added(user("u2", "Hi"), after=after), None)
    unchanged(events, event("input_audio_buffer.committed", item_id="u3", previous_item_id=after), None)


@pytest.mark.parametrize("after", [None, "u1", "u9", ABSENT])
def test_done_and_retrieved_never_move_an_item(after: Any) -> None:
    said = user("u3", "Hi", status="completed")
    events = [U1, U2, added(said, after="u2")]
    unchanged(events, done(said, after=after))
    unchanged(events, retrieved(said))


def test_committed_places_and_added_does_not_move() -> None:
    events = [U1, U2, speech_started("u3"), committed("u3", after="u1")]
    assert state(*events).snapshot().order == ("u1", "u3", "u2")
    prove(events, added(user("u3", status="completed"), after=None), order("u1", "u3", "u2"), None)


@pytest.mark.parametrize("announce", [added, created])
def test_what_done_placed_for_now_its_announcement_moves(announce: Any) -> None:
    events = [U1, U2, done(assistant("a1", text_part("Hello")))]
    assert state(*events).snapshot().order == ("u1", "u2", "a1")
    prove(events, announce(assistant("a1"), after="u1"), order("u1", "a1", "u2"))


def test_what_content_placed_for_now_its_announcement_moves() -> None:
    events = [U1, U2, response_created(), delta("Hello")]
    assert state(*events).snapshot().order == ("u1", "u2", "a1")
    prove(events, added(assistant(), after="u1"), order("u1", "a1", "u2"))


def test_done_of_an_unknown_item_with_an_anchor() -> None:
    prove([U1, U2], done(assistant(), after="u1"), order("u1", "a1", "u2"), None)
    prove([U1, U2], done(assistant(), after=None), order("u1", "u2", "a1"), None)
    prove([U1, U2], done(assistant(), after="u9"), order("u1", "u2", "a1"), None)


def test_the_previous_item_id_is_the_first_that_was_sent() -> None:
    prove([U1, done(assistant())], added(assistant(), after="u1"), item("a1", previous_item_id="u1"))
    prove(
        [U1, speech_started("u2"), committed("u2")],
        added(user("u2"), after="u1"),
        item("u2", previous_item_id="u1"),
    )
    prove([U1, U2, added(user("u3"), after="u1")], added(user("u3"), after="u2"), None, None)


def test_an_item_that_is_to_follow_itself_is_at_the_end() -> None:
    prove([U1, U2], added(user("u3"), after="u3"), order("u1", "u2", "u3"), None)


def test_two_items_that_are_to_follow_each_other_are_both_there() -> None:
    prove([U1, added(user("u2"), after="u3")], added(user("u3"), after="u2"), order("u1", "u2", "u3"), None)


def test_a_move_that_nobody_sees_is_no_change() -> None:
    """The item goes from where one deleted item stood to where the next one did."""
    events = [
        U1,
        added(user("u2"), after="u1"),
        deleted("u1"),
        deleted("u2"),
        done(assistant("a1"), after="u1"),
    ]
    unchanged(events, added(assistant("a1", status="completed"), after="u2"))


# The dialect: what null means


@pytest.mark.parametrize(
    ("dialect", "before", "expected"),
    [
        ("xai", [], ["u1", "u2"]),
        ("openai", [], ["u2", "u1"]),
        ("auto", [], ["u2", "u1"]),
        ("auto", [event("session.created", session={"id": "s", "model": "grok-voice-latest"})], ["u1", "u2"]),
        (
            "openai",
            [event("session.created", session={"id": "s", "model": "grok-voice-latest"})],
            ["u2", "u1"],
        ),
        ("auto", [event("session.created", session={"id": "s", "model": "gpt-realtime"})], ["u2", "u1"]),
    ],
)
def test_null_is_the_head_but_the_end_on_xai(dialect: str, before: list[Event], expected: list[str]) -> None:
    prove([*before, U1], added(user("u2"), after=None), {"order": expected}, dialect=dialect)


def test_an_unknown_anchor_appends_on_xai() -> None:
    events = [U1, added(user("u2"), after="u9"), U3]
    assert state(*events, dialect="xai").snapshot().order == ("u1", "u2", "u3")
    prove(events, added(user("u4"), after="u2"), order("u1", "u2", "u4", "u3"), dialect="xai")
