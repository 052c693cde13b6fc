"""What a client sends: nothing of it changes the conversation by itself, but some of it shows at once."""

from __future__ import annotations

from typing import Any

import pytest

from rtstate import Conversation, events, parse_client_event
from rtstate.wire import CLIENT_TABLE
from tests.helpers import (
    ABSENT,
    Event,
    added,
    assert_subset,
    assistant,
    call,
    deleted,
    done,
    event,
    output_added,
    prove,
    response_created,
    response_done,
    sound,
    spoken,
    state,
    truncated,
    unchanged,
    user,
)

BEFORE = [added(user("u1", "Hi"), after=None), response_created(), added(assistant(), after="u1")]
BEFORE += [spoken("The quick brown fox jumps."), sound(2000)]
HELLO = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "Hello"}]}

EVENTS: dict[str, Event] = {
    "session.update": {"session": {"type": "realtime", "instructions": "Be brief.", "voice": "sage"}},
    "transcription_session.update": {"session": {"input_audio_format": "pcm16"}},
    "session.close": {},
    "input_audio_buffer.append": {"audio": "AAAA"},
    "session.input_audio_buffer.append": {"audio": "AAAA"},
    "input_audio_buffer.commit": {},
    "input_audio_buffer.clear": {},
    "output_audio_buffer.clear": {},
    "conversation.item.create": {"item": HELLO},
    "conversation.item.retrieve": {"item_id": "u1"},
    "response.create": {"response": {"conversation": "none", "metadata": {"topic": "x"}, "input": []}},
    "response.cancel": {"response_id": "r1"},
    "mcp_approval_response": {"approval_request_id": "p1", "approve": True},
    "input_audio.turn.start": {"turn_id": "t1"},
    "input_audio.turn.append": {"turn_id": "t1", "audio": "AAAA"},
    "input_audio.turn.end": {"turn_id": "t1"},
    "input_audio.turn.cancel": {"turn_id": "t1"},
    "input_audio.clear": {},
    "input_text.delta": {"delta": "Hi"},
    "input_text.done": {},
    "session.avatar.connect": {"client_sdp": "x"},
    "rtc.call.sdp.create": {"sdp": "x"},
    "byom_credential.update": {"credential": "x"},
}


def test_every_client_event_is_in_the_table() -> None:
    shown_at_once = {"conversation.item.delete", "conversation.item.truncate"}
    assert set(EVENTS) | shown_at_once == set(CLIENT_TABLE)


@pytest.mark.parametrize("name", EVENTS)
def test_it_changes_nothing(name: str) -> None:
    for before in ([], BEFORE):
        conversation = unchanged(before, event(name, **EVENTS[name]))
        assert (conversation.stats.unknown, conversation.stats.invalid) == (0, 0)
        conversation = state(*before)
        assert not conversation.sent(event(name, event_id="event_mine", **EVENTS[name]))
        assert conversation.stats.unknown == 0


@pytest.mark.parametrize("name", EVENTS)
def test_it_parses_to_a_class_of_its_own(name: str) -> None:
    payload = {"type": name, **EVENTS[name]}
    parsed = parse_client_event(payload)
    assert type(parsed) is CLIENT_TABLE[name].event
    assert parsed.event_id is None
    assert parsed.model_dump(mode="json", exclude_unset=True) == payload


# What was sent shows at once, until the server has answered


def create(after: Any = ABSENT, **fields: Any) -> Event:
    return event(
        "conversation.item.create", event_id="event_mine", previous_item_id=after, item={**HELLO, **fields}
    )


def delete(item_id: str = "u1") -> Event:
    return event("conversation.item.delete", event_id="event_mine", item_id=item_id)


def truncate(audio_end_ms: int = 1000, index: Any = 0) -> Event:
    fields = {"item_id": "a1", "content_index": index, "audio_end_ms": audio_end_ms}
    return event("conversation.item.truncate", event_id="event_mine", **fields)


def refusal(event_id: Any = "event_mine") -> Event:
    return event("error", error={"type": "invalid_request_error", "message": "No.", "event_id": event_id})


def sent(last: Event, *answers: Event, before: Any = BEFORE) -> Conversation:
    """The conversation after ``last`` was sent, and the server has answered."""
    conversation = state(*before)
    change = conversation.sent(last)
    document = conversation.snapshot().to_dict()
    assert bool(change) is (document != state(*before).snapshot().to_dict())
    conversation._draft._check()
    for each in answers:
        conversation.feed(each)
    conversation._draft._check()
    return conversation


def document(conversation: Conversation) -> Any:
    return conversation.snapshot().to_dict()


def test_an_item_without_an_id_shows_nothing() -> None:
    assert document(sent(create())) == document(state(*BEFORE))


@pytest.mark.parametrize(
    ("after", "order"),
    [
        (ABSENT, ["u1", "a1", "u2"]),
        (None, ["u1", "a1", "u2"]),
        ("root", ["u2", "u1", "a1"]),
        ("u1", ["u1", "u2", "a1"]),
    ],
)
def test_an_item_with_an_id_shows_at_once(after: Any, order: list[str]) -> None:
    found = {"order": order, "items": {"u2": {"role": "user", "content": [{"text": "Hello", "final": True}]}}}
    assert_subset(document(sent(create(after, id="u2"))), found)


def test_an_item_that_the_server_confirms() -> None:
    confirmed = [added({**HELLO, "id": "u2", "status": "completed"}, after="u1")]
    found = {"order": ["u1", "u2", "a1"], "items": {"u2": {"status": "completed", "previous_item_id": "u1"}}}
    assert_subset(document(sent(create(id="u2"), *confirmed)), found)


def test_an_item_that_the_server_refuses() -> None:
    found = {"order": ["u1", "a1"], "items": {"u2": ABSENT}, "errors": [{"event_id": "event_mine"}]}
    assert_subset(document(sent(create(id="u2"), refusal())), found)


def test_a_deletion_shows_at_once() -> None:
    assert_subset(document(sent(delete())), {"order": ["a1"], "items": {"u1": ABSENT}})


def test_a_deletion_that_the_server_confirms() -> None:
    assert_subset(document(sent(delete(), deleted("u1"))), {"order": ["a1"], "items": {"u1": ABSENT}})


def test_a_deletion_that_the_server_refuses() -> None:
    before = document(state(*BEFORE))
    found = {"order": ["u1", "a1"], "items": before["items"], "errors": [{"event_id": "event_mine"}]}
    assert_subset(document(sent(delete(), refusal())), found)


def test_a_deletion_of_an_unknown_item_shows_nothing() -> None:
    assert document(sent(delete("u9"))) == document(state(*BEFORE))


def test_a_truncation_shows_at_once() -> None:
    cut = {"audio_end_ms": 1000, "heard_transcript": "The quick", "basis": "audio"}
    found = {"items": {"a1": {"content": [{"transcript": "The quick", "truncated": cut}]}}}
    assert_subset(document(sent(truncate())), found)
    assert_subset(document(sent(truncate(), truncated("a1", 1000))), found)


@pytest.mark.parametrize(("index", "cut"), [(1, 1), (0, 0), (None, 0), (ABSENT, 0)])
def test_a_truncation_is_of_the_part_it_names_or_else_the_first(index: Any, cut: int) -> None:
    before = [*BEFORE, spoken("And the lazy dog.", index=1), sound(2000, index=1)]
    parts = document(sent(truncate(1000, index), before=before))["items"]["a1"]["content"]
    assert [each["truncated"] is not None for each in parts] == [at == cut for at in (0, 1)]


def test_a_truncation_that_the_server_refuses() -> None:
    found = {"items": {"a1": {"content": [{"transcript": "The quick brown fox jumps.", "truncated": None}]}}}
    assert_subset(document(sent(truncate(), refusal())), found)


def test_an_item_that_cannot_be_is_not_shown() -> None:
    parts = [{"type": "input_text", "text": "Hi"}] * 1002
    unchanged(BEFORE, create(id="u2", content=parts), ["impossible"])


def test_a_truncation_of_an_item_that_is_not_there_is_not_shown() -> None:
    unchanged([], truncate(), ["unknown_item"])


def test_what_is_said_of_a_hidden_item_shows_when_the_deletion_is_refused() -> None:
    conversation = sent(delete("a1"))
    for more in (sound(250), sound(0.25)):
        assert not conversation.feed(more).operations
    conversation.feed(refusal())
    assert_subset(document(conversation), {"items": {"a1": {"content": [{"audio_ms": 2250}]}}})


def test_a_refused_truncation_leaves_an_earlier_one() -> None:
    before = [*BEFORE, truncated("a1", 1500)]
    found = document(state(*before))["items"]
    assert_subset(document(sent(truncate(), refusal(), before=before)), {"items": found})


@pytest.mark.parametrize("event_id", ["event_another", None])
def test_an_error_that_names_another_event_undoes_nothing(event_id: Any) -> None:
    conversation = sent(delete(), refusal(event_id))
    assert_subset(document(conversation), {"order": ["a1"], "items": {"u1": ABSENT}})


def test_client_and_server_event_ids_have_one_memory_each() -> None:
    conversation = sent({**create(), "event_id": "event_1"})
    assert conversation.feed({**added(user("u2", "Ho"), after="a1"), "event_id": "event_1"})
    assert conversation.snapshot().order == ("u1", "a1", "u2")


def test_an_event_sent_twice_counts_once() -> None:
    conversation = sent(delete())
    revision = conversation.revision
    assert not conversation.sent(delete())
    assert conversation.revision == revision
    assert conversation.stats.duplicates == 1


def test_an_object_can_be_sent() -> None:
    made = events.ConversationItemDeleteEvent(item_id="u1")
    assert made.event_id
    assert_subset(document(sent(made)), {"order": ["a1"], "items": {"u1": ABSENT}})


def test_an_output_can_be_sent_while_its_response_runs() -> None:
    before = [response_created(), output_added(call()), added(call(), after=None), done(call("f1", "{}"))]
    item = {"type": "function_call_output", "call_id": "call_1", "output": "x"}
    conversation = sent(event("conversation.item.create", item=item), before=before)
    assert document(conversation) == document(state(*before))
    conversation.feed(response_done("r1", call("f1", "{}")))
    prove([*before], added({**item, "id": "o1"}, after="f1"), {"order": ["f1", "o1"]})


def test_a_truncation_of_an_item_that_is_deleted_meanwhile_is_forgotten() -> None:
    """xAI confirms without a mark: then the one that was asked for counts, if there still is one."""
    gone = [*BEFORE, truncate(), deleted("a1")]
    unchanged(gone, truncated("a1", None))
    prove(gone, refusal(), {"order": ["u1"]})


def test_a_truncation_of_what_turns_out_to_be_a_call_is_forgotten() -> None:
    asked = [sound(2000), truncate(), added(call("a1"))]
    unchanged(asked, truncated("a1", None), odd=["impossible"])
    prove(asked, refusal(), {"items": {"a1": {"type": "function_call", "content": ABSENT}}})
