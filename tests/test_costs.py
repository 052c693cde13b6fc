"""Law 10: what an event costs does not depend on what came before it. Work is counted, no clock is asked."""

import gc
import json
import sys
import tracemalloc
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation
from tests.strategies import Event, events


class Work:
    """What a call costs: function calls of Python and C, and bytes at the peak. No clock is asked."""

    def __init__(self, act: Callable[[], object]) -> None:
        gc.collect()
        self.calls = 0
        tracemalloc.start()
        try:
            start = tracemalloc.get_traced_memory()[0]
            sys.setprofile(self._count)
            try:
                act()
            finally:
                sys.setprofile(None)
            self.bytes = tracemalloc.get_traced_memory()[1] - start
        finally:
            tracemalloc.stop()

    def _count(self, frame: object, event: str, argument: object) -> None:
        self.calls += event in ("call", "c_call")


def typed(number: int, previous: str | None) -> str:
    content = [{"type": "input_text", "text": f"Line {number}"}]
    item = {"id": f"item_{number}", "type": "message", "role": "user", "content": content}
    item["status"] = "completed"  # a new session closes what is open, which takes as long as there is of it
    return json.dumps({"type": "conversation.item.added", "previous_item_id": previous, "item": item})


def long_conversation(length: int) -> Conversation:
    conversation = Conversation(history=10)
    for number in range(length):
        conversation.feed(typed(number, f"item_{number - 1}" if number else None))
        conversation.feed({"type": "response.done", "response": {"id": f"resp_{number}"}})
    conversation.feed('{"type": "response.output_text.delta", "item_id": "item_new", "delta": "Hi"}')
    conversation.snapshot()
    return conversation


def _delta(conversation: Conversation) -> None:
    conversation.feed('{"type": "response.output_text.delta", "item_id": "item_new", "delta": " there"}')


def _delta_and_snapshot(conversation: Conversation) -> None:
    _delta(conversation)
    conversation.snapshot()


def _append(conversation: Conversation) -> None:
    conversation.feed(typed(10**9, "item_new"))
    conversation.snapshot()


def _insert_at_the_head(conversation: Conversation) -> None:
    conversation.feed(typed(10**9 + 1, None))
    conversation.snapshot()


def _insert_in_the_middle(conversation: Conversation) -> None:
    conversation.feed(typed(10**9 + 2, "item_5"))
    conversation.snapshot()


def _delete(conversation: Conversation) -> None:
    conversation.feed('{"type": "conversation.item.deleted", "item_id": "item_6"}')
    conversation.snapshot()


def _response(conversation: Conversation) -> None:
    conversation.feed('{"type": "response.created", "response": {"id": "resp_new"}}')
    conversation.feed(
        '{"type": "response.done", "response": {"id": "resp_new", "usage": {"total_tokens": 5}}}'
    )
    conversation.snapshot()


ACTS = (_delta, _delta_and_snapshot, _append, _insert_at_the_head, _insert_in_the_middle, _delete, _response)


@pytest.fixture(scope="module")
def short_and_long() -> tuple[Conversation, Conversation]:
    short, long = long_conversation(10), long_conversation(10_000)
    for conversation in (short, long):  # a first time builds indexes and parsers
        _delta_and_snapshot(conversation)
        conversation.feed(typed(10**9 + 3, "item_new"))
        conversation.feed(typed(10**9 + 4, None))
        conversation.snapshot()
    return short, long


@pytest.mark.parametrize("act", ACTS)
def test_work_does_not_grow_with_the_conversation(
    act: Callable[[Conversation], None], short_and_long: tuple[Conversation, Conversation]
) -> None:
    short, long = (Work(lambda conversation=each: act(conversation)) for each in short_and_long)
    assert long.calls <= short.calls + 60  # a few levels more of sorted lists and vectors
    assert long.bytes <= short.bytes + 16_000  # an array of 10,000 pointers has 80,000


def test_a_delta_costs_the_same_however_long_its_text_is() -> None:
    conversation = long_conversation(10)
    first = Work(lambda: _delta_and_snapshot(conversation))
    for _ in range(5_000):
        _delta(conversation)
    last = Work(lambda: _delta_and_snapshot(conversation))
    assert last.calls <= first.calls
    assert last.bytes <= first.bytes + 20_000


def test_measured_audio_takes_no_memory() -> None:
    conversation = Conversation(history=10)
    event = '{"type": "response.output_audio.delta", "item_id": "item_a", "delta": "%s"}' % ("A" * 6_400)
    for _ in range(100):
        conversation.feed(event)
    gc.collect()
    tracemalloc.start()
    try:
        for _ in range(2_000):
            conversation.feed(event)
            conversation.snapshot()
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert conversation.snapshot().to_dict()["items"]["item_a"]["content"][0]["audio_ms"] == 2_100 * 100
    assert grown < 20_000


# The law itself: whatever comes, wherever


def filled(length: int) -> bytes:
    """A checkpoint of a conversation of so many items and responses, with something of it going on."""
    conversation = long_conversation(length)
    conversation.feed({"type": "response.created", "response": {"id": "resp_1"}})
    conversation.feed({"type": "response.output_audio.delta", "item_id": "item_a", "delta": "AAAA"})
    conversation.feed({"type": "input_audio_buffer.committed", "item_id": "item_b"})
    return conversation.checkpoint()


SHORT, LONG = filled(4), filled(300)


def calls_of(act: Callable[[], object]) -> int:
    """Count the calls of Python and C functions."""
    count = 0

    def note(frame: object, event: str, argument: object) -> None:
        nonlocal count
        count += event in ("call", "c_call")

    sys.setprofile(note)
    try:
        act()
    finally:
        sys.setprofile(None)
    return count


@given(st.lists(events, min_size=1, max_size=6))
def test_no_event_costs_more_in_a_longer_conversation(stream: list[Event]) -> None:
    short, long = Conversation.restore(SHORT), Conversation.restore(LONG)
    for conversation in (short, long):
        conversation.snapshot()
    for event in stream:
        raw = json.dumps(event)

        def feed_and_report(conversation: Conversation, raw: str = raw) -> None:
            conversation.feed(raw).patch()
            conversation.snapshot()

        few, many = (calls_of(lambda each=each: feed_and_report(each)) for each in (short, long))
        assert many <= few + 60, event
