"""Items and snapshots that are filled in when they are read: nobody can tell them from those that were."""

import copy
import operator
import pickle
import threading
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, Item, Snapshot, diff
from rtstate._growing import Growing
from rtstate._json import freeze
from rtstate._late import LateItem, LateSnapshot, late_item
from rtstate._model import Part
from tests.helpers import (
    added,
    assistant,
    delta,
    event,
    part_done,
    response_created,
    sound,
    spoken,
    state,
    text_part,
    truncated,
)

WHOLE = Item(
    "a1",
    "message",
    status="in_progress",
    role="assistant",
    content=(
        Part("output_text", text="before"),
        Part("output_text", text="Hi there", audio_ms=20),
        Part("output_text", text="behind"),
    ),
    extra=freeze({"colour": "red"}),
)
NAMES = [name for name in dir(WHOLE) if not name.startswith("_")]


def late(text: bool = True) -> Item:
    """The same item, not read yet."""
    growing = Growing(("items", "a1", "content", 1, "text"), "source")
    growing.chunks += ["Hi", " there", " and later"]
    begun = attrs.evolve(WHOLE.content[1], text="Hi" if text else "Hi there", audio_ms=10)
    base = attrs.evolve(WHOLE, content=(WHOLE.content[0], begun, WHOLE.content[2]))
    item = late_item((base, 1, growing if text else None, 2, 20))
    assert type(item) is LateItem
    return item


READS: dict[str, Callable[[Item], Any]] = {
    **{f"its {name}": (lambda item, name=name: getattr(item, name)) for name in NAMES if name != "to_dict"},
    "its document": lambda item: item.to_dict(),
    "its repr": repr,
    "its hash": hash,
    "its fields": lambda item: attrs.asdict(item)["role"],
    "its pickle": lambda item: pickle.loads(pickle.dumps(item)),
    "its old pickle": lambda item: pickle.loads(pickle.dumps(item, protocol=2)),
    "its copy": copy.copy,
    "its deep copy": copy.deepcopy,
    "equal": lambda item: item == WHOLE,
    "equal from the other side": lambda item: operator.eq(WHOLE, item),
    "not unequal": lambda item: item != WHOLE,
    "not unequal from the other side": lambda item: operator.ne(WHOLE, item),
    "no number": lambda item: item == 5,
    "in a set": lambda item: len({WHOLE, item}),
    "what it has": lambda item: (hasattr(item, "role"), hasattr(item, "nobody")),
    "a match": lambda item: isinstance(item, Item) and item.role,
}


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("text", [True, False])
def test_it_reads_as_an_item_does_and_is_one_then(read: str, text: bool) -> None:
    item = late(text)
    assert READS[read](item) == READS[read](WHOLE)
    assert type(item) is Item
    assert READS[read](item) == READS[read](WHOLE)
    assert item == WHOLE


def test_two_that_nobody_has_read_are_compared() -> None:
    one, other = late(), late()
    assert one == other
    assert type(one) is type(other) is Item
    assert late() != late_item((WHOLE, 0, None, 0, 5))
    assert len({late(), late(False), WHOLE}) == 1


def test_only_the_part_that_grew_is_new() -> None:
    item = late()
    assert item.content[0] is WHOLE.content[0]
    assert item.content[2] is WHOLE.content[2]
    assert item.content is item.content


def test_what_it_has_not_is_refused_as_an_item_refuses_it() -> None:
    for item in (late(), WHOLE):
        with pytest.raises(AttributeError, match="'Item' object has no attribute 'nobody'"):
            item.nobody  # type: ignore[attr-defined]  # noqa: B018
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        late().role = "user"  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        del late().role  # type: ignore[misc]


def test_a_copy_of_an_unread_one_with_other_fields_is_an_item() -> None:
    evolved = attrs.evolve(late(), status="completed")
    assert evolved != WHOLE
    assert type(evolved) is Item
    assert attrs.evolve(late(), status="in_progress") == WHOLE
    assert hash(attrs.evolve(late())) == hash(WHOLE)
    assert pickle.loads(pickle.dumps(attrs.evolve(late()))) == WHOLE


def test_a_reader_that_comes_when_another_is_done_reads_the_same() -> None:
    """What the class is asked for is looked up before another thread makes it an item."""
    item = late()
    assert item.role == "assistant"
    assert type(item) is Item
    assert LateItem.__getattr__(item, "role") == "assistant"  # type: ignore[arg-type]
    assert LateItem.__eq__(item, WHOLE)  # type: ignore[arg-type]
    assert LateItem.__hash__(item) == hash(WHOLE)  # type: ignore[arg-type]
    assert LateItem.__reduce_ex__(item, 4) == WHOLE.__reduce_ex__(4)  # type: ignore[arg-type]


def test_two_threads_read_the_same() -> None:
    rounds, readers = 300, 2
    items = [[late()] for _ in range(rounds)]
    failed: list[BaseException] = []
    barrier = threading.Barrier(readers)
    acts = (hash, repr, lambda item: item.content[1].text, lambda item: item == WHOLE, pickle.dumps)

    def read() -> None:
        try:
            for number, (item,) in enumerate(items):
                barrier.wait(10)
                found, expected = acts[number % 5](item), acts[number % 5](WHOLE)
                assert found == expected or number % 5 == 4
        except BaseException as error:
            failed.append(error)
            barrier.abort()

    threads = [threading.Thread(target=read) for _ in range(readers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert all(type(item) is Item and item == WHOLE for (item,) in items)


# In a conversation


def unread(snapshot: Snapshot, item_id: str = "a1") -> bool:
    item = snapshot.item(item_id)
    assert item is not None
    return type(item) is LateItem


def test_a_snapshot_after_a_delta_fills_nothing_in() -> None:
    conversation = state(delta("a"), delta("b"))
    first = conversation.snapshot()
    taken = []
    for each in (delta("c"), delta("d"), sound(40), sound(40)):
        conversation.feed(each)
        taken.append(conversation.snapshot())
    assert [unread(each) for each in taken] == [True, True, False, True]  # the first audio types the part
    assert not unread(first)
    texts = [each.items[0].content[0].text for each in (first, *taken)]
    assert texts == ["ab", "abc", "abcd", "abcd", "abcd"]
    assert [each.items[0].content[0].audio_ms for each in taken] == [None, None, 40, 80]
    assert all(each.item("a1") is each.items[0] for each in taken)


def test_nor_does_one_after_more_of_a_transcript() -> None:
    conversation = state(spoken("a"), spoken("b"))
    taken = [conversation.snapshot()]
    for each in (spoken("c"), spoken("d")):
        conversation.feed(each)
        taken.append(conversation.snapshot())
    assert [unread(each) for each in taken] == [False, True, True]
    assert [each.items[0].content[0].transcript for each in taken] == ["ab", "abc", "abcd"]


@given(st.permutations(range(12)))
def test_snapshots_may_be_read_in_any_order(order: list[int]) -> None:
    conversation = state(added(assistant("a1", text_part(""), text_part("two"))))
    taken = []
    for number in range(12):
        conversation.feed(delta(f"{number} ", index=number % 5 == 4))
        taken.append(conversation.snapshot())
    read: dict[int, list[str | None]] = {}
    for number in order:
        read[number] = [part.text for part in taken[number].items[0].content]
    first, second = "", "two"
    for number in range(12):
        if number % 5 == 4:
            second += f"{number} "
        else:
            first += f"{number} "
        assert read[number] == [first, second]


def test_a_part_that_was_cut_off_is_not_late() -> None:
    conversation = state(sound(100), spoken("one two three"), sound(20), truncated("a1", 50))
    conversation.snapshot()
    conversation.feed(sound(20))
    snapshot = conversation.snapshot()
    assert not unread(snapshot)
    assert snapshot.items[0].content[0].truncated is not None
    assert snapshot == Snapshot.from_dict(snapshot.to_dict())


def test_an_unread_item_is_written_and_compared_with_its_snapshot() -> None:
    conversation = Conversation()
    for chunk in "abc":
        conversation.feed(delta(chunk))
        conversation.snapshot()
    snapshot = conversation.snapshot()
    assert unread(snapshot)
    assert Snapshot.from_dict(snapshot.to_dict()) == snapshot
    assert pickle.loads(pickle.dumps(snapshot.items[0])) == snapshot.items[0]


@pytest.mark.parametrize("other", [delta("3", index=1), part_done(text_part("two"), index=1)])
def test_a_part_that_has_grown_is_the_same_object_when_another_changes(other: dict[str, Any]) -> None:
    conversation = state(added(assistant("a1", text_part(""), text_part("two"))), delta("1"))
    conversation.snapshot()
    conversation.feed(delta("2"))
    before = conversation.snapshot()
    assert unread(before)
    assert {operation.path[3:4] for operation in conversation.feed(other).operations} == {(1,), ()}
    after = conversation.snapshot()
    assert after.items[0].content[0] is before.items[0].content[0]
    assert after.items[0].content[0].text == "12"


def test_a_part_grows_on_after_another_has_changed() -> None:
    conversation = state(sound(100), sound(100, index=1), sound(100))
    for index in (0, 1, 0, 0):
        conversation.feed(sound(20, index=index))
        before = conversation.snapshot()
    conversation.feed(part_done({"type": "audio"}, index=1))
    conversation.feed(sound(20))
    assert [part.audio_ms for part in before.items[0].content] == [260, 120]
    assert [part.audio_ms for part in conversation.snapshot().items[0].content] == [280, 120]


# Snapshots


def late_snapshots() -> list[Snapshot]:
    """Three in a row that nobody has read, of a conversation with two items."""
    conversation = state(added(assistant("a0", text_part("Hi"))), delta("a"))
    conversation.snapshot()
    taken = []
    for text in "bcd":
        conversation.feed(delta(text))
        taken.append(conversation.snapshot())
    assert all(type(each) is LateSnapshot for each in taken)
    return taken


READ_SNAPSHOTS: dict[str, Callable[[Snapshot], Any]] = {
    "its document": Snapshot.to_dict,
    "its text": Snapshot.to_json,
    "its repr": repr,
    "its hash": hash,
    "its pickle": lambda snapshot: pickle.loads(pickle.dumps(snapshot)),
    "its copy": copy.copy,
    "its deep copy": copy.deepcopy,
    **{
        f"its {name}": (lambda snapshot, name=name: getattr(snapshot, name))
        for name in dir(Snapshot)
        if not name.startswith("_") and not callable(getattr(Snapshot, name))
    },
    "an item": lambda snapshot: snapshot.item("a1"),
    "what it has not": lambda snapshot: hasattr(snapshot, "nobody"),
    "itself changed": lambda snapshot: attrs.evolve(snapshot, conversation_id="c1").to_dict(),
}


@pytest.mark.parametrize("read", READ_SNAPSHOTS)
def test_an_unread_snapshot_reads_as_one(read: str) -> None:
    for snapshot in late_snapshots():
        other = Snapshot.from_dict(
            next(s for s in late_snapshots() if s.revision == snapshot.revision).to_dict()
        )
        assert READ_SNAPSHOTS[read](snapshot) == READ_SNAPSHOTS[read](other)
        assert snapshot == other
        assert other == snapshot
        assert type(snapshot) is Snapshot


def test_the_revision_is_read_without_filling_it_in() -> None:
    snapshot = late_snapshots()[0]
    assert snapshot.revision == 3
    assert type(snapshot) is LateSnapshot
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        snapshot.revision = 5  # type: ignore[misc]


def test_unread_snapshots_share_what_did_not_change() -> None:
    first, second, third = late_snapshots()
    assert third.item("a0") is first.item("a0") is second.item("a0")
    assert third.item("a1") is not first.item("a1")
    assert third.order is first.order
    assert third.usage is first.usage
    changed = {"/items/a1/content/0/text": "abcd", "/revision": 5}
    assert {each["path"]: each["value"] for each in diff(first, third)} == changed


@pytest.mark.parametrize(
    "other_event",
    [
        event("rate_limits.updated", rate_limits=[{"name": "tokens", "limit": 9}]),
        event("error", error={"type": "server_error", "message": "no"}),
        event("session.updated", session={"id": "s1"}),
        event("session.created", session={"id": "s1"}),
        event("conversation.created", conversation={"id": "c1"}),
        event("input_audio_buffer.speech_started", item_id="u1", audio_start_ms=5),
        event("conversation.item.deleted", item_id="a0"),
        event("session.output_transcript.delta", delta="Hola"),
        response_created("r2"),
        added(assistant("a1"), "a0"),
        event("conversation.item.deleted", item_id="a1"),
        added(assistant("a2", text_part("behind"))),
        delta("behind", "a0"),
    ],
    ids=lambda each: each["type"],
)
def test_what_else_changes_shows_in_the_next_snapshot(other_event: dict[str, Any]) -> None:
    """Compared with the snapshot of a conversation that took no other one."""
    events = [
        added(assistant("a0", text_part("Hi"))),
        delta("a"),
        delta("b"),
        delta("c"),
        other_event,
        delta("d"),
    ]
    conversation, other = Conversation(), Conversation()
    for each in events:
        conversation.feed(each)
        snapshot = conversation.snapshot()
        other.feed(each)
        assert snapshot.revision == other.revision
        assert snapshot.to_dict() == Conversation.restore(other.checkpoint()).snapshot().to_dict()
