"""The estimate of what a conversation takes, beside what it does take."""

from collections.abc import Callable, Sequence

import pytest

from benchmarks._memory import taken
from rtstate import Conversation, simulate
from rtstate.hub._weight import bulk_of, bulk_of_checkpoint, weight
from rtstate.logs import Record

SESSIONS: dict[str, Callable[[], Sequence[object]]] = {
    "two turns": lambda: simulate.session(seed=1, turns=2).events,
    "ten turns": lambda: simulate.session(seed=2, turns=10).events,
    "thirty turns": lambda: simulate.session(seed=3, turns=30).events,
    "five hundred items": lambda: list(simulate.long_conversation(500)),
    "one long text": lambda: (
        [
            {
                "type": "response.output_text.delta",
                "item_id": "item_1",
                "response_id": "r",
                "delta": "x" * 100_000,
            }
        ]
        * 20
    ),
}


def fed(records: Sequence[Record], history: int) -> Conversation:
    conversation = Conversation(history=history)
    for record in records:
        conversation.feed(record.raw)
    return conversation


@pytest.mark.parametrize("history", [0, 100, 1000])
@pytest.mark.parametrize("name", SESSIONS)
def test_the_estimate_is_near_what_is_taken(name: str, history: int) -> None:
    records = [Record.of(event) for event in SESSIONS[name]()]  # type: ignore[arg-type]
    conversation = fed(records, history)
    bulk = sum(bulk_of(record.raw, record.type, keep_audio=False) for record in records)
    measured = taken(lambda: fed(records, history))
    assert measured * 0.6 < weight(conversation, bulk) < measured * 2.2
    restored = Conversation.restore(conversation.checkpoint())
    estimate = weight(restored, bulk_of_checkpoint(conversation.checkpoint(), restored))
    if name != "one long text":  # which is 1,000 times smaller when it is packed
        assert measured * 0.3 < estimate < measured * 2.2


def test_measured_audio_weighs_nothing_and_kept_audio_its_size() -> None:
    for event_type in ("response.output_audio.delta", "response.audio.delta", "input_audio_buffer.append"):
        assert bulk_of(b"x" * 10_000, event_type, keep_audio=False) == 0
        assert bulk_of(b"x" * 10_000, event_type, keep_audio=True) > 9_000
    assert bulk_of(b"x" * 10_000, "response.output_audio_transcript.delta", keep_audio=False) > 9_000
    assert bulk_of(b"x" * 10_000, None, keep_audio=False) > 9_000
