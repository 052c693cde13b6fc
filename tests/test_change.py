"""Changes, operations, anomalies and counters as values."""

import attrs
import pytest

from rtstate import Anomaly, Change, Conversation, Operation, Stats, apply_patch
from rtstate._growing import Growing
from rtstate._json import freeze
from rtstate._model import Part, Transcription
from rtstate._operations import ABSENT
from tests.helpers import added, deleted, delta, event, user


def test_an_operation_is_written_as_json_patch_writes_it() -> None:
    operation = Operation("add", ("items", "a/b~c", "content", 0), {"x": 1})
    assert operation.to_dict() == {"op": "add", "path": "/items/a~1b~0c/content/0", "value": {"x": 1}}
    assert Operation("replace", ("session",)).to_dict() == {
        "op": "replace",
        "path": "/session",
        "value": None,
    }
    assert Operation("remove", ("order", 3), "item_a").to_dict() == {"op": "remove", "path": "/order/3"}


def change_of_a_text() -> tuple[Change, Growing]:
    text = Growing(("items", "item_a", "content", 0, "text"), "source")
    text.chunks += ["Hi", " there"]
    return Change(5, raw=[(text, 2)]), text


def test_a_growing_text_is_appended_to() -> None:
    change, text = change_of_a_text()
    text.chunks.append(" and later")
    path = "/items/item_a/content/0/text"
    revision = {"op": "replace", "path": "/revision", "value": 5}
    assert change.patch() == [{"op": "append", "path": path, "value": " there"}, revision]
    assert change.patch(append=False) == [{"op": "replace", "path": path, "value": "Hi there"}, revision]


def test_operations_are_what_the_patch_writes() -> None:
    change, _ = change_of_a_text()
    assert change.operations[-1] == Operation("replace", ("revision",), 5)
    assert [operation.to_dict() for operation in change.operations] == change.patch()


def test_values_are_written_as_plain_json() -> None:
    path = ("items", "item_a", "content", 0)
    change = Change(
        1,
        raw=[
            ("add", path, Part("odd", extra=freeze({"a": [1]})), ABSENT),
            ("replace", (*path, "transcription"), Transcription("final"), None),
            ("replace", (*path, "extra"), freeze({"a": [1, {"b": None}]}), freeze({})),
        ],
    )
    values = [operation.value for operation in change.operations]
    assert values[:3] == [
        {"type": "odd", "a": [1]},
        {"status": "final", "error": None},
        {"a": [1, {"b": None}]},
    ]
    assert type(values[2]) is dict
    assert type(values[2]["a"]) is list


def test_a_change_without_operations_is_nothing() -> None:
    change = Change(4, at=1.5, event_id="event_1", event_type="ping")
    assert not change
    assert change.operations == ()
    assert change.patch() == change.patch(append=False) == []
    assert repr(change) == "<Change revision 4: ping, 0 operations>"


def test_a_change_is_taken_back() -> None:
    change, text = change_of_a_text()
    text.chunks.append(" and later")
    path = "/items/item_a/content/0/text"
    assert change.inverse() == [
        {"op": "replace", "path": path, "value": "Hi"},
        {"op": "replace", "path": "/revision", "value": 4},
    ]
    assert Change(4, event_type="ping").inverse() == []


def test_a_viewer_steps_back_through_a_conversation_and_forth_again() -> None:
    conversation = Conversation()
    documents, changes = [conversation.snapshot().to_dict()], list[Change]()
    sent = (
        added(user("u1", "Hi")),
        delta("one"),
        delta(" two"),
        event("session.created", session={"id": "sess_1", "model": "x"}),
        event("session.updated", session={"id": "sess_1", "model": "y", "voice": "echo"}),
        deleted("u1"),
        event("conversation.item.input_audio_transcription.delta", item_id="u2", delta="Hola"),
    )
    for each in sent:
        changes.append(conversation.feed(each))
        documents.append(conversation.snapshot().to_dict())
    document = documents[-1]
    for change, before in zip(reversed(changes), reversed(documents[:-1]), strict=True):
        assert change
        document = apply_patch(document, change.inverse())
        assert document == before
    for change, after in zip(changes, documents[1:], strict=True):
        document = apply_patch(document, change.patch())
        assert document == after


def test_values_taken_back_are_plain_json() -> None:
    old = Part("odd", extra=freeze({"a": [1]}))
    change = Change(1, raw=[("replace", ("items", "item_a", "content", 0), None, old)])
    value = change.inverse()[0]["value"]
    assert value == {"type": "odd", "a": [1]}
    assert type(value["a"]) is list


def test_changes_and_anomalies_cannot_be_changed() -> None:
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Change(1).revision = 2  # type: ignore[misc]
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        Anomaly("late", "x", 1).number = 2  # type: ignore[misc]


def test_stats_begin_at_nothing() -> None:
    assert set(attrs.asdict(Stats()).values()) == {0}
