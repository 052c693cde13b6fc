"""What the client asked for, told to the draft directly: shown, confirmed, refused."""

import pytest

from rtstate._draft import ItemCopy, PartCopy, ResponseCopy
from rtstate._types import COMPLETED, END, IN_PROGRESS
from tests.draft_support import MESSAGE, Told, put, told

__all__ = ["told"]  # the fixture


def marks(told: Told, item_id: str = "a") -> list[int | None]:
    """Where the parts of an item are cut off."""
    cut = [part["truncated"] for part in told.document["items"][item_id]["content"]]
    return [None if each is None else each["audio_end_ms"] for each in cut]


@pytest.fixture
def spoken(told: Told) -> Told:
    """Two spoken parts in one item, one in another."""
    for item_id, index in (("a", 0), ("a", 1), ("b", 0)):
        told.draft.append_text(item_id, index, "transcript", "source", "one two three", None)
    told.ends()
    return told


def test_what_is_there_or_gone_cannot_be_created(told: Told) -> None:
    put(told.draft, "a", PartCopy("output_text", text="Hi"))
    told.draft.drop_item("b")
    told.ends()
    for item_id in "ab":
        told.draft.ask_item(ItemCopy(item_id, **MESSAGE, parts=[PartCopy("output_text")]), END, "event_1")
    assert told.ends() == []
    assert told.draft.requests == {}
    assert told.draft.stats.late == 0


def test_a_refused_creation_leaves_no_place_behind(told: Told) -> None:
    """What is anchored to it later waits at the end, as it does for any item that nobody has placed."""
    told.draft.place(put(told.draft, "a"))
    told.draft.ask_item(ItemCopy("b", **MESSAGE), None, "event_1")
    told.ends()
    assert told.document["order"] == ["b", "a"]
    told.draft.refuse("event_1")
    told.draft.place(put(told.draft, "c"), "b")
    told.ends()
    assert told.document["order"] == ["a", "c"]
    assert not told.draft.order.knows("b")


def test_a_refused_deletion_is_not_what_a_nameless_confirmation_means(told: Told) -> None:
    for item_id in "ab":
        told.draft.place(put(told.draft, item_id))
        told.draft.ask_deletion(item_id, f"event_{item_id}")
    told.draft.refuse("event_a")
    told.draft.confirm_deletion("")
    told.ends()
    assert told.document["order"] == ["a"]


def test_a_deletion_may_be_refused_that_was_forgotten_meanwhile(told: Told) -> None:
    """The thousand that wait for a confirmation without an id are others than those that may be refused."""
    told.draft.place(put(told.draft, "a"))
    told.draft.ask_deletion("a", "event_a")
    for number in range(1_000):
        told.draft.ask_deletion(f"nobody_{number}", None)
    told.draft.refuse("event_a")
    told.ends()
    assert told.document["order"] == ["a"]
    assert len(told.draft.deletions) == 1_000


def test_a_deletion_that_nobody_asked_for_leaves_those_that_were(told: Told) -> None:
    for item_id in "ab":
        told.draft.place(put(told.draft, item_id))
    told.draft.ask_deletion("a", "event_a")
    told.draft.confirm_deletion("b")
    told.draft.refuse("event_a")
    told.ends()
    assert told.document["order"] == ["a"]


def test_a_nameless_confirmation_means_the_deletion_that_waits_longest(told: Told) -> None:
    for item_id in "abc":
        told.draft.place(put(told.draft, item_id))
    for item_id in "ba":
        told.draft.ask_deletion(item_id, f"event_{item_id}")
    told.draft.confirm_deletion("")
    for item_id in "ba":
        told.draft.refuse(f"event_{item_id}")
    told.ends()
    assert told.document["order"] == ["a", "c"]
    assert told.draft.notes == []


@pytest.mark.parametrize("end", [None, 300])
def test_a_confirmed_truncation_cannot_be_refused(spoken: Told, end: int | None) -> None:
    """Where the confirmation does not say where, it is what was asked for."""
    spoken.draft.ask_truncation("a", 1, 300, "event_1")
    spoken.draft.confirm_truncation("a", 1, end)
    assert spoken.draft.notes == []
    spoken.draft.refuse("event_1")
    spoken.ends()
    assert marks(spoken) == [None, 300]


@pytest.mark.parametrize(("item_id", "index"), [("a", 0), ("b", 0)])
def test_a_truncation_of_another_part_leaves_it_to_be_refused(spoken: Told, item_id: str, index: int) -> None:
    spoken.draft.ask_truncation("a", 1, 300, "event_1")
    spoken.draft.confirm_truncation(item_id, index, 100)
    spoken.ends()
    assert marks(spoken)[1] == 300
    spoken.draft.refuse("event_1")
    spoken.ends()
    assert marks(spoken)[1] is None
    assert marks(spoken, item_id)[index] == 100


def test_a_request_is_not_confirmed_by_what_answers_another_kind(spoken: Told) -> None:
    spoken.draft.ask_deletion("b", "event_b")
    spoken.draft.ask_truncation("a", 0, 300, "event_a")
    spoken.draft.confirm_truncation("b", 0, 100)
    spoken.draft.confirm_item("b")
    spoken.draft.confirm_item("a")
    spoken.draft.refuse("event_a")
    spoken.draft.refuse("event_b")
    spoken.ends()
    assert marks(spoken) == [None, None]
    assert marks(spoken, "b") == [100]


def test_an_announced_item_cannot_be_refused(told: Told) -> None:
    for item_id in "ab":
        told.draft.ask_item(ItemCopy(item_id, **MESSAGE), END, f"event_{item_id}")
    told.draft.confirm_item("a")
    for item_id in "ab":
        told.draft.refuse(f"event_{item_id}")
    told.ends()
    assert told.document["order"] == ["a"]


def test_requests_are_remembered_a_thousand_at_a_time(told: Told) -> None:
    for number in range(1_100):
        told.draft.ask_item(ItemCopy(f"item_{number}", **MESSAGE), END, f"event_{number}")
        told.draft.ask_deletion(f"item_{number}", f"deletion_{number}")
        told.draft.take()
    assert len(told.draft.requests) == 1_000
    assert len(told.draft.deletions) == 1_000
    told.draft.refuse("event_0")
    assert told.draft.take() == ()


def test_a_request_without_an_event_id_cannot_be_refused(told: Told) -> None:
    told.draft.ask_item(ItemCopy("a", **MESSAGE), END, None)
    told.ends()
    assert told.draft.requests == {}


def test_a_refused_creation_of_what_was_deleted_since_changes_nothing(told: Told) -> None:
    told.draft.ask_item(ItemCopy("a", **MESSAGE), END, "event_1")
    told.draft.drop_item("a")
    told.ends()
    told.draft.refuse("event_1")
    assert told.ends() == []


def test_a_refused_deletion_brings_the_item_back_to_its_place(told: Told) -> None:
    for item_id in "abc":
        told.draft.place(put(told.draft, item_id, PartCopy("output_text", text=item_id)))
    told.ends()
    before = dict(told.document)
    told.draft.ask_deletion("b", "event_1")
    told.ends()
    assert told.document["order"] == ["a", "c"]
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["order"] == ["a", "b", "c"]
    assert {**told.document, "revision": 0} == {**before, "revision": 0}


def test_a_refused_deletion_leaves_an_out_of_band_item_out_of_the_order(told: Told) -> None:
    item = put(told.draft, "a")
    told.draft.place(item)
    response = told.draft.open_response("r1")
    told.draft.attach(item, response)
    told.draft.describe_response(response, ResponseCopy("r1", out_of_band=True))
    told.ends()
    assert told.document["order"] == []
    told.draft.ask_deletion("a", "event_1")
    told.ends()
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["order"] == []


def test_a_refused_deletion_leaves_nothing_open_that_has_ended_since(told: Told) -> None:
    told.draft.append_text("a", 0, "text", "source", "Hi", "r1")
    told.ends()
    told.draft.ask_deletion("a", "event_1")
    told.ends()
    told.draft.close_response(told.draft.open_response("r1"), ResponseCopy("r1", status=COMPLETED))
    told.ends()
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["items"]["a"]["status"] != IN_PROGRESS


def test_a_deletion_that_is_confirmed_cannot_be_refused(told: Told) -> None:
    told.draft.place(put(told.draft))
    told.draft.ask_deletion("a", "event_1")
    told.draft.confirm_deletion("a")
    told.draft.refuse("event_1")
    told.ends()
    assert told.document["items"] == {}
    assert told.draft.deletions == []


def test_of_two_marks_the_one_taken_back_is_forgotten(told: Told) -> None:
    told.draft.append_text("a", 0, "transcript", "source", "one two three", None)
    told.draft.ask_truncation("a", 0, 300, "event_1")
    told.draft.truncate("a", 0, 500)
    told.ends()
    assert marks(told) == [300]
    told.draft.refuse("event_1")
    told.ends()
    assert marks(told) == [500]
    assert told.draft.items["a"].parts[0].marks == {"": 500}  # the server's own has no request
