"""The context that the model still sees: what was told, what came since, and what the server left out."""

from __future__ import annotations

from typing import Any

import pytest

from rtstate import ContextEstimate, Conversation, replay, simulate, usage
from tests.helpers import (
    Event,
    added,
    assistant,
    audio_part,
    call,
    committed,
    deleted,
    output_added,
    response_created,
    response_done,
    sound,
    speech_started,
    speech_stopped,
    state,
    text_part,
    transcription,
    truncated,
    user,
)


def context(*events: Event) -> ContextEstimate:
    return usage(state(*events).snapshot()).context


def spent(into: int | None, out: int | None = 10) -> Event:
    return {"input_tokens": into, "output_tokens": out}


def answered(number: int, into: int | None, out: int | None = 10, **fields: Any) -> list[Event]:
    """A response with one written item, ``a1`` of ``r1`` and so on."""
    item = assistant(f"a{number}", text_part("Yes."), status="completed")
    done = response_done(f"r{number}", item, **{"usage": spent(into, out), **fields})
    return [added(item, after=None if number == 1 else f"a{number - 1}"), done]


FIRST = answered(1, 100, 50)

# What came since the last response that told, at a token for 4 characters, 100 ms heard or 50 ms spoken
SINCE: dict[str, tuple[list[Event], int]] = {
    "nothing": ([], 0),
    "text": ([added(user("u1", "123456789"), after="a1")], 3),
    "a call and its output": (
        [
            added(call("f1", '{"a": 1}'), after="a1"),  # 7 characters of its name, 8 of its arguments
            added(
                {"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "done"},
                after="f1",
            ),
        ],
        4 + 1,
    ),
    "an output that is no text": (
        [added({"id": "o1", "type": "function_call_output", "output": {"a": [1, 2]}}, after="a1")],
        4,
    ),
    "speech by voice activity": (
        [speech_started("u1", ms=1000), speech_stopped("u1", ms=3050), committed("u1", after="a1")],
        20,
    ),
    "speech by its transcript": (
        [committed("u1", after="a1"), transcription("completed", transcript="x" * 30)],
        20,  # two seconds at 15 characters a second
    ),
    "speech by its audio": (
        [added(user("u1", content=[{"type": "input_audio", "audio": "AAAA" * 16_000}]), after="a1")],
        10,  # a second of 48,000 bytes
    ),
    "speech that nobody knows of": ([committed("u1", after="a1")], 0),
    "an answer that is being spoken": (
        [response_created("r2"), added(assistant("a2"), after="a1"), sound(1000, "a2", response_id="r2")],
        20,
    ),
    "an answer that was cut off": (
        [
            *(
                response_created("r2"),
                added(assistant("a2"), after="a1"),
                sound(1000, "a2", response_id="r2"),
            ),
            *(truncated("a2", 400), response_done("r2", status="cancelled", usage=spent(0, 0))),
        ],
        8,
    ),
    "an image": (
        [added(user("u1", content=[{"type": "input_image", "image_url": "data:,"}]), after="a1")],
        1000,
    ),
    "what is out of band": (
        [
            response_created("r2", conversation_id=None),
            output_added(assistant("a2", text_part("aside")), "r2"),
        ],
        0,
    ),
}


@pytest.mark.parametrize(("since", "tokens"), SINCE.values(), ids=SINCE)
def test_what_came_since_is_estimated(since: list[Event], tokens: int) -> None:
    assert context(*FIRST, *since) == ContextEstimate(150 + tokens, 150, tokens, "r1")


def test_before_the_first_response_all_of_it_is_estimated() -> None:
    assert context(added(user("u1", "12345678"))) == ContextEstimate(2, None, 2)
    assert context() == ContextEstimate()


@pytest.mark.parametrize(
    "other",
    [
        answered(2, 0, 0, status="cancelled"),
        answered(2, None, None, usage=None),
        answered(2, 300, None),
        [response_done("r2", usage=spent(500))],  # it left nothing in the conversation
        [response_done("r2", assistant("a2"), conversation_id=None, usage=spent(500))],
    ],
    ids=["cancelled", "without usage", "without output", "without items", "out of band"],
)
def test_a_response_that_does_not_say_it_is_passed_over(other: list[Event]) -> None:
    assert context(*FIRST, *other).response_id == "r1"


def test_the_last_response_counts() -> None:
    assert context(*FIRST, *answered(2, 170, 30)) == ContextEstimate(200, 200, 0, "r2")


def test_what_was_cut_off_from_the_last_answer_is_context_no_more() -> None:
    spoken = assistant("a1", audio_part("Hello there."), status="completed")
    events = [
        response_created(),
        added(spoken),
        sound(2000),
        response_done("r1", spoken, usage=spent(100, 50)),
    ]
    assert context(*events, truncated("a1", 500)) == ContextEstimate(120, 150, -30, "r1")


# What the server left out

FALLS: dict[str, tuple[list[Event], bool]] = {
    "it grows": ([*FIRST, *answered(2, 150)], False),
    "it falls": ([*FIRST, *answered(2, 99)], True),
    "it fell once": ([*FIRST, *answered(2, 99), *answered(3, 500)], True),
    "a response was cancelled before its input was read": (
        [*FIRST, *answered(2, 0, 0, status="cancelled"), *answered(3, 150)],
        False,
    ),
    "a response did not say": ([*FIRST, *answered(2, None, usage=None), *answered(3, 150)], False),
    "a response out of band had less": (
        [
            *FIRST,
            response_done("r2", assistant("a2"), conversation_id=None, usage=spent(5)),
            *answered(3, 150),
        ],
        False,
    ),
    "an answer was deleted": ([*FIRST, *answered(2, 150), deleted("a1"), *answered(3, 99)], False),
    "what was said before an answer was deleted": (
        [
            added(user("u1", "Hi")),
            *FIRST[1:],
            added(user("u2", "Ho"), after="u1"),
            deleted("u1"),
            *answered(2, 99),
        ],
        False,
    ),
    "an earlier answer was cut off": (
        [
            *(response_created("r1"), sound(2000), *FIRST),
            *answered(2, 150),
            *(truncated("a1", 100), *answered(3, 140)),
        ],
        False,
    ),
    "the last answer was cut off, which was not in the input before": (
        [response_created("r1"), sound(2000), *FIRST, truncated("a1", 100), *answered(2, 99)],
        True,
    ),
}


@pytest.mark.parametrize(("events", "dropped"), FALLS.values(), ids=FALLS)
def test_a_fall_that_nothing_explains_is_the_servers_doing(events: list[Event], dropped: bool) -> None:
    assert context(*events).dropped is dropped


def test_a_long_session_whose_oldest_items_are_left_out_is_noticed() -> None:
    """The simulated server has a window of 64 items."""
    short = usage(replay(simulate.session(3, 6, "ga", ["audio"]).events).snapshot())
    long = usage(replay(simulate.session(3, 60, "ga", ["audio"]).events).snapshot())
    assert (short.context.dropped, long.context.dropped) == (False, True)


@pytest.mark.parametrize("seed", range(5))
def test_the_estimate_is_near_what_the_next_response_tells(seed: int) -> None:
    conversation = Conversation()
    expected = 0
    misses: list[float] = []
    for each in simulate.session(seed, 12, "ga", ["audio"]).events:
        if each["type"] == "response.created":
            expected = usage(conversation.snapshot()).context.tokens
        elif each["type"] == "response.done":
            told = each["response"]["usage"]["input_tokens"]
            misses.append(abs(told - expected) / told)
        conversation.feed(each)
    assert max(misses[3:]) < 0.25
