"""The session and what surrounds the conversation: settings, a reconnect, errors, limits, translations."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments_done,
    assistant,
    call,
    cases,
    created,
    deleted,
    delta,
    done,
    event,
    output_added,
    output_done,
    part_added,
    part_done,
    prove,
    response_created,
    response_done,
    retrieved,
    speech_started,
    spoken,
    state,
    streamed,
    text_part,
    transcription,
    unchanged,
    user,
)


def session(id_: Any = "s1", name: str = "session.created", **fields: Any) -> Event:
    return event(
        name, session={key: value for key, value in {"id": id_, **fields}.items() if value is not ABSENT}
    )


def updated(**fields: Any) -> Event:
    return event("session.updated", session=fields)


HI = added(user(text="Hi"), after=None)


@cases(
    {
        "created": (
            [],
            session(model="gpt-realtime", expires_at=1785217648, voice=None, new={"a": [1]}),
            {
                "session": {
                    "id": "s1",
                    "model": "gpt-realtime",
                    "expires_at": 1785217648,
                    "voice": None,
                    "new": {"a": [1]},
                }
            },
        ),
        "created of a transcription session": (
            [],
            session(name="transcription_session.created", input_audio_format="pcm16"),
            {"session": {"id": "s1", "input_audio_format": "pcm16"}},
        ),
        "updated replaces the keys it carries": (
            [session(model="m", voice="alloy", audio={"output": {"voice": "alloy", "speed": 1}})],
            updated(voice="sage", audio={"output": {"voice": "sage"}}),
            {
                "session": {
                    "id": "s1",
                    "model": "m",
                    "voice": "sage",
                    "audio": {"output": {"voice": "sage", "speed": ABSENT}},
                }
            },
        ),
        "updated with a null": (
            [session(voice="alloy")],
            updated(voice=None),
            {"session": {"id": "s1", "voice": None}},
        ),
        "updated of a transcription session": (
            [session(model="m")],
            session("s1", "transcription_session.updated", include=["x"]),
            {"session": {"id": "s1", "model": "m", "include": ["x"]}},
        ),
        "updated before created": (
            [],
            updated(id="s1", voice="sage"),
            {"session": {"id": "s1", "voice": "sage"}},
        ),
        "created replaces the session": (
            [session(model="m", voice="alloy")],
            session(model="n"),
            {"session": {"id": "s1", "model": "n", "voice": ABSENT}},
        ),
        "another one replaces the session": (
            [session(model="m", voice="alloy")],
            session("s2", model="n", expires_at=5),
            {"session": {"id": "s2", "model": "n", "expires_at": 5, "voice": ABSENT}},
        ),
        "a conversation": (
            [],
            event("conversation.created", conversation={"id": "conv_1", "object": "realtime.conversation"}),
            {"conversation_id": "conv_1"},
        ),
    }
)
def test_session(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "created again": ([session(model="m")], session(model="m"), None),
        "created without a session": ([], event("session.created"), None),
        "created with a null session": ([], event("session.created", session=None), None),
        "updated with what is known": ([session(voice="alloy")], updated(voice="alloy"), None),
        "updated with nothing": ([session(voice="alloy")], updated(), None),
        "updated without a session": ([session(voice="alloy")], event("session.updated"), None),
        "updated with a null session": ([session()], event("session.updated", session=None), None),
        "a conversation again": (
            [event("conversation.created", conversation={"id": "conv_1"})],
            event("conversation.created", conversation={"id": "conv_1"}),
            None,
        ),
        "a conversation without an id": ([], event("conversation.created", conversation={}), None),
        "closed": ([session()], event("session.closed"), None),
        "ping": ([session()], event("ping", timestamp=1785214080296), None),
        "ping without a time": ([session()], event("ping"), None),
    }
)
def test_no_session(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# A second session

OLD = [
    session("s1"),
    HI,
    speech_started("u2"),
    transcription("delta", "u2", delta="Hel"),
    response_created(),
    output_added(assistant()),
    added(assistant(), after="u1"),
    spoken("Hello"),
    added(call(), after="a1"),
]
NEW = [*OLD, session("s2")]


def test_a_new_session_settles_what_was_in_flight() -> None:
    prove(
        OLD,
        session("s2"),
        {
            "order": ["u1", "a1", "f1"],
            "session": {"id": "s2"},
            "responses": {"r1": {"status": "incomplete", "output": ["a1"]}},
            "items": {
                "u1": {"status": "incomplete"},
                "u2": {
                    "status": "incomplete",
                    "content": [{"transcript": "Hel", "transcription": {"status": "partial"}}],
                },
                "a1": {"status": "incomplete", "content": [{"transcript": "Hello", "final": True}]},
                "f1": {"status": "incomplete", "ready": False},
            },
            "usage": {"responses": {"count": 1, "without_usage": 1}},
        },
    )


def test_the_same_session_again_settles_nothing() -> None:
    found = {"responses": {"r1": {"status": "in_progress"}}, "items": {"a1": {"status": "in_progress"}}}
    prove(OLD, session("s1", voice="sage"), found)


def test_session_updated_is_no_new_session() -> None:
    prove(OLD, updated(id="s1", voice="sage"), {"responses": {"r1": {"status": "in_progress"}}})


LATE = {
    "delta": spoken("!"),
    "delta of a new part": delta("!", index=1),
    "done": streamed("output_audio_transcript.done", transcript="Hello!"),
    "part added": part_added(text_part("x"), index=1),
    "part done": part_done(text_part("Hello!")),
    "item added": added(assistant("a1", text_part("Hello!"))),
    "item created": created(assistant("a1", text_part("Hello!"))),
    "item done": done(assistant("a1", text_part("Hello!"))),
    "item retrieved": retrieved(assistant("a1", text_part("Hello!"))),
    "output item added": output_added(assistant("a1", text_part("Hello!"))),
    "output item done": output_done(assistant("a1", text_part("Hello!"))),
    "arguments done": arguments_done("{}"),
    "call done": done(call("f1", "{}", status="completed")),
    "response created": response_created(),
    "response done": response_done("r1", assistant("a1", text_part("Hello!")), usage={"total_tokens": 5}),
    "transcription": transcription("completed", "u2", transcript="Hello"),
    "user item": added(user("u2", status="completed"), after="a1"),
    "user item again": added(user("u1", "Hi", status="completed"), after=None),
}


@pytest.mark.parametrize("last", LATE.values(), ids=LATE.keys())
def test_nothing_of_the_old_session_is_finished_by_the_new_one(last: Event) -> None:
    unchanged(NEW, last, None)


def test_an_item_of_the_old_session_can_still_be_deleted() -> None:
    prove(NEW, deleted("u1"), {"order": ["a1", "f1"], "items": {"u1": ABSENT}})


def test_a_null_anchor_in_a_new_session_is_the_head_of_that_session() -> None:
    prove(NEW, added(user("u5"), after=None), {"order": ["u1", "a1", "f1", "u5"]})
    events = [*NEW, added(user("u5"), after=None), added(user("u6"), after="u5")]
    prove(events, added(user("u7"), after=None), {"order": ["u1", "a1", "f1", "u7", "u5", "u6"]})


def test_the_head_of_a_new_session_is_after_an_item_that_was_deleted_since() -> None:
    events = [*NEW, deleted("f1"), added(user("u5"), after=None)]
    prove(events, added(user("u6"), after=None), {"order": ["u1", "a1", "u6", "u5"]})


def test_an_item_of_the_old_session_is_still_an_anchor() -> None:
    prove(NEW, added(user("u5"), after="u1"), {"order": ["u1", "u5", "a1", "f1"]})


def test_a_new_session_goes_on() -> None:
    events = [
        *NEW,
        response_created("r2"),
        added(assistant("a2"), after=None),
        delta("Hel", "a2", response_id="r2"),
    ]
    found = {
        "order": ["u1", "a1", "f1", "a2"],
        "items": {
            "a2": {"content": [{"text": "Hello"}], "status": "completed"},
            "a1": {"status": "incomplete"},
        },
        "responses": {"r1": {"status": "incomplete"}, "r2": {"status": "completed"}},
        "usage": {"responses": {"count": 2, "without_usage": 1, "total_tokens": 5}},
    }
    last = response_done("r2", assistant("a2", text_part("Hello")), usage={"total_tokens": 5})
    prove(events, last, found)


# Errors


def error(**fields: Any) -> Event:
    return event("error", error=fields)


@cases(
    {
        "an error": (
            [],
            error(
                type="invalid_request_error",
                code="invalid_event",
                message="No.",
                param="item.id",
                event_id="event_5",
            ),
            {
                "errors": [
                    {
                        "type": "invalid_request_error",
                        "code": "invalid_event",
                        "message": "No.",
                        "param": "item.id",
                        "event_id": "event_5",
                    }
                ]
            },
        ),
        "an error without anything": (
            [],
            error(),
            {"errors": [{"type": None, "code": None, "message": None, "param": None, "event_id": None}]},
        ),
        "an error with nulls": (
            [],
            error(type="t", code=None, message=None, param=None, event_id=None),
            {"errors": [{"type": "t", "event_id": None}]},
        ),
        "the same again is another": (
            [error(message="No.")],
            error(message="No."),
            {"errors": [{"message": "No."}] * 2},
        ),
        "the last 20 are kept": (
            [error(message=str(number)) for number in range(20)],
            error(message="20"),
            {"errors": [{"message": str(number)} for number in range(1, 21)]},
        ),
        "an error that no event caused": (
            [session(), HI],
            error(type="invalid_request_error", code="session_expired", message="Over.", event_id=None),
            {
                "errors": [{"code": "session_expired", "event_id": None}],
                "order": ["u1"],
                "session": {"id": "s1"},
            },
        ),
        "the event's own id is not the error's": (
            [],
            {**error(message="No."), "event_id": "event_server"},
            {"errors": [{"event_id": None}]},
        ),
    }
)
def test_errors(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


# Rate limits


def limits(*each: Event) -> Event:
    return event("rate_limits.updated", rate_limits=list(each))


REQUESTS = {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 60}
TOKENS = {"name": "tokens", "limit": 50000, "remaining": 49950, "reset_seconds": 0.5}


def test_rate_limits_replace_all_before() -> None:
    found = {
        "requests": {"limit": 1000, "remaining": 999, "reset_seconds": 60},
        "tokens": {"limit": 50000, "remaining": 49950, "reset_seconds": 0.5},
    }
    prove([], limits(REQUESTS, TOKENS), {"rate_limits": found})
    prove(
        [limits(REQUESTS, TOKENS)],
        limits(TOKENS),
        {"rate_limits": {"requests": ABSENT, "tokens": found["tokens"]}},
    )
    prove([limits(REQUESTS)], limits(), {"rate_limits": {"requests": ABSENT}})
    prove([], limits({"name": "tokens"}), {"rate_limits": {"tokens": {"limit": None, "remaining": None}}})
    prove(
        [],
        limits({**REQUESTS, "limit": None}),
        {"rate_limits": {"requests": {"limit": None, "remaining": 999}}},
    )
    unchanged([limits(TOKENS)], limits(TOKENS))
    unchanged([limits(TOKENS)], limits(TOKENS, {"limit": 5}), None)


# Translation


@cases(
    {
        "what was said": (
            [session(type="translation")],
            event("session.input_transcript.delta", delta=" The", elapsed_ms=600),
            {
                "translation": {"input_transcript": " The", "output_transcript": None},
                "items": {},
                "order": [],
            },
        ),
        "what was said goes on": (
            [event("session.input_transcript.delta", delta=" The")],
            event("session.input_transcript.delta", delta=" fox"),
            {"translation": {"input_transcript": " The fox", "output_transcript": None}},
        ),
        "what it means": (
            [event("session.input_transcript.delta", delta=" The")],
            event("session.output_transcript.delta", delta="El"),
            {"translation": {"input_transcript": " The", "output_transcript": "El"}},
        ),
        "what it means goes on": (
            [event("session.output_transcript.delta", delta="El")],
            event("session.output_transcript.delta", delta=" zorro"),
            {"translation": {"input_transcript": None, "output_transcript": "El zorro"}},
        ),
    }
)
def test_translation(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_the_audio_of_a_translation_changes_nothing() -> None:
    known = {"sample_rate": 24000, "channels": 1, "format": "pcm16", "elapsed_ms": 5}
    unchanged([session()], event("session.output_audio.delta", delta="AQID", **known))


def test_a_conversation_that_is_no_translation_has_none() -> None:
    assert "translation" not in state(session(), HI).snapshot().to_dict()


def test_the_conversation_keeps_the_id_it_announced() -> None:
    """Only where nobody announces one, as on GA, is it the id that its responses name."""
    named = event("conversation.created", conversation={"id": "conv_9"})
    other = response_created("r1", conversation_id="conv_1")
    assert state(other).snapshot().conversation_id == "conv_1"
    assert state(named, other).snapshot().conversation_id == "conv_9"
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    assert state(sessions[0], named, sessions[1], other).snapshot().conversation_id == "conv_1"


@pytest.mark.parametrize(
    "told",
    [
        event("session.created", session={"id": "s1", "model": "grok-voice-1"}),
        event("session.updated", session={"model": "grok-voice-1"}),
        event("conversation.created", conversation={"id": "c1"}, previous_item_id=None),
    ],
    ids=["a new session", "a session", "a conversation"],
)
def test_who_speaks_like_xai_is_taken_for_it(told: Event) -> None:
    """A null anchor is the end there, the head elsewhere."""
    one, other = added(user("u1", "Hi")), added(user("u2", "Ho"), after=None)
    assert state(told, one, other).snapshot().order == ("u1", "u2")
    others = {key: value for key, value in told.items() if key != "previous_item_id"}
    others["session"] = {"id": "s1", "model": "gpt-realtime"}
    assert state(others, one, other).snapshot().order == ("u2", "u1")
    assert state(told, one, other, dialect="openai").snapshot().order == ("u2", "u1")
