"""What a response streams: texts, transcripts, audio and the arguments of calls, in both spellings."""

from __future__ import annotations

from typing import Any

import pytest

from tests.helpers import (
    ABSENT,
    Event,
    added,
    arguments,
    arguments_done,
    assistant,
    audio_part,
    call,
    cases,
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
    sound,
    spoken,
    state,
    streamed,
    text_part,
    unchanged,
    user,
)

OPEN = [response_created(), output_added(assistant()), added(assistant())]


def part(**fields: Any) -> Event:
    return {"items": {"a1": {"content": [fields]}}}


# Texts and transcripts: the same rules for both, in both spellings

SPELLINGS = [
    ("output_text", "text", "output_text"),
    ("text", "text", "output_text"),
    ("output_audio_transcript", "transcript", "output_audio"),
    ("audio_transcript", "transcript", "output_audio"),
]
each_spelling = pytest.mark.parametrize(
    ("name", "field", "kind"), SPELLINGS, ids=[row[0] for row in SPELLINGS]
)


def final(name: str, field: str, text: Any, **fields: Any) -> Event:
    return streamed(f"{name}.done", **{field: text}, **fields)


@each_spelling
def test_deltas_append(name: str, field: str, kind: str) -> None:
    prove(OPEN, delta("Hel", name=name), part(type=kind, **{field: "Hel"}, final=False, truncated=None))
    prove(
        [*OPEN, delta("Hel", name=name)],
        delta("lo", name=name),
        part(type=kind, **{field: "Hello"}, final=False),
    )
    prove([*OPEN, delta("ha", name=name)], delta("ha", name=name), part(**{field: "haha"}))
    prove(
        [*OPEN, delta("a", name=name), delta("b", name=name)], delta("c", name=name), part(**{field: "abc"})
    )


@each_spelling
def test_a_growing_text_is_appended_to(name: str, field: str, kind: str) -> None:
    conversation = state(*OPEN, delta("Hel", name=name))
    change = conversation.feed(delta("lo", name=name))
    path = f"/items/a1/content/0/{field}"
    assert change.patch() == [
        {"op": "append", "path": path, "value": "lo"},
        {"op": "replace", "path": "/revision", "value": 5},
    ]
    assert change.patch(append=False)[0] == {"op": "replace", "path": path, "value": "Hello"}
    assert change.event_type == f"response.{name}.delta"


@each_spelling
def test_a_delta_is_the_first_sight_of_everything(name: str, field: str, kind: str) -> None:
    found = part(type=kind, **{field: "Hel"}) | {
        "order": ["a1"],
        "responses": {"r1": {"status": "in_progress", "output": ["a1"]}},
    }
    conversation = prove([], delta("Hel", name=name), found)
    item = conversation.snapshot().item("a1")
    assert item is not None
    assert (item.role, item.status, item.response_id) == ("assistant", "in_progress", "r1")


@each_spelling
@pytest.mark.parametrize("index", [0, None, ABSENT])
def test_a_missing_index_is_0(name: str, field: str, kind: str, index: Any) -> None:
    last = {key: value for key, value in delta("Hi", name=name, index=index).items() if value is not ABSENT}
    prove(OPEN, last, part(**{field: "Hi"}))


@each_spelling
def test_a_delta_without_a_response(name: str, field: str, kind: str) -> None:
    prove(OPEN, delta("Hi", name=name, response_id=None), part(**{field: "Hi"}))
    prove(
        [],
        delta("Hi", name=name, response_id=None),
        part(**{field: "Hi"}) | {"order": ["a1"], "responses": {}},
    )


@each_spelling
def test_a_part_far_out_makes_those_before_it(name: str, field: str, kind: str) -> None:
    untold = {"type": None, "text": None, "transcript": None, "final": False}
    found = {"items": {"a1": {"content": [untold, untold, {"type": kind, field: "Hi"}]}}}
    prove(OPEN, delta("Hi", index=2, name=name), found)
    typed = [{"type": "output_audio", "transcript": "Ho"}, untold, {"type": kind, field: "Hi"}]
    prove([*OPEN, delta("Hi", index=2, name=name)], spoken("Ho"), {"items": {"a1": {"content": typed}}})


@each_spelling
def test_an_index_above_1000_is_impossible(name: str, field: str, kind: str) -> None:
    unchanged(OPEN, delta("Hi", index=1001, name=name), ["impossible"])
    unchanged(OPEN, final(name, field, "Hi", index=1001), ["impossible"])
    unchanged([], delta("Hi", index=1001, name=name), ["impossible"])
    assert len(state(*OPEN, delta("Hi", index=1000, name=name)).snapshot().items[0].content) == 1001


@each_spelling
def test_the_final_text_wins(name: str, field: str, kind: str) -> None:
    prove([*OPEN, delta("Hel", name=name)], final(name, field, "Hello"), part(**{field: "Hello"}, final=True))
    prove([*OPEN, delta("Jel", name=name)], final(name, field, "Hello"), part(**{field: "Hello"}, final=True))
    prove(
        [*OPEN, delta("Hello", name=name)], final(name, field, "Hello"), part(**{field: "Hello"}, final=True)
    )
    prove(OPEN, final(name, field, "Hello"), part(type=kind, **{field: "Hello"}, final=True))


@each_spelling
def test_the_final_text_is_a_first_sight_too(name: str, field: str, kind: str) -> None:
    found = part(type=kind, **{field: "Hello"}, final=True) | {"order": ["a1"]}
    prove([], final(name, field, "Hello"), found | {"responses": {"r1": {"output": ["a1"]}}})


@each_spelling
@pytest.mark.parametrize("text", [None, ABSENT])
def test_without_a_final_text_the_deltas_are_the_text(name: str, field: str, kind: str, text: Any) -> None:
    last = {key: value for key, value in final(name, field, text).items() if value is not ABSENT}
    prove(
        [*OPEN, delta("Hel", name=name), delta("lo", name=name)], last, part(**{field: "Hello"}, final=True)
    )


@each_spelling
def test_an_empty_final_text_is_a_text(name: str, field: str, kind: str) -> None:
    prove([*OPEN, delta("Hel", name=name)], final(name, field, ""), part(**{field: ""}, final=True))
    prove(OPEN, final(name, field, ""), part(type=kind, **{field: ""}, final=True))


@each_spelling
def test_the_final_text_again(name: str, field: str, kind: str) -> None:
    unchanged([*OPEN, final(name, field, "Hello")], final(name, field, "Hello"))
    unchanged([*OPEN, final(name, field, "Hello")], final(name, field, None))


ENDS = {
    "its own done event": lambda name, field: final(name, field, "Hello"),
    "its part's done event": lambda name, field: part_done({"type": "output_text", field: "Hello"}),
    "its item's end in the conversation": lambda name, field: done(
        assistant("a1", {"type": "output_text", field: "Hello"})
    ),
    "its item's end in the response": lambda name, field: output_done(
        assistant("a1", {"type": "output_text", field: "Hello"})
    ),
    "the end of its response": lambda name, field: response_done(),
    "the cancellation of its response": lambda name, field: response_done(status="cancelled"),
    "a new session": lambda name, field: event("session.created", session={"id": "s2"}),
}


@each_spelling
@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_a_delta_after_the_end_is_late(name: str, field: str, kind: str, end: Any) -> None:
    events = [
        event("session.created", session={"id": "s1"}),
        *OPEN,
        delta("Hello", name=name),
        end(name, field),
    ]
    conversation = unchanged(events, delta("!", name=name), None)
    assert conversation.stats.late == 1


@each_spelling
def test_a_delta_of_a_new_part_after_the_end_is_late(name: str, field: str, kind: str) -> None:
    for end in (done(assistant("a1", text_part("Hello"))), response_done()):
        unchanged([*OPEN, delta("Hello"), end], delta("!", index=1, name=name), None)


@each_spelling
def test_a_delta_of_a_new_item_of_an_ended_response_is_late(name: str, field: str, kind: str) -> None:
    unchanged([*OPEN, response_done()], delta("!", "a2", name=name), ["late"])


@each_spelling
def test_a_final_text_after_the_end_still_wins(name: str, field: str, kind: str) -> None:
    """Law 4: a final text wins over its deltas, whatever the order."""
    for end in (done(assistant(content=ABSENT)), response_done(), response_done(status="cancelled")):
        found = part(**{field: "Hello"}, final=True)
        prove([*OPEN, delta("Hel", name=name), end], final(name, field, "Hello"), found, None)


@each_spelling
def test_what_no_model_speaks_takes_no_deltas(name: str, field: str, kind: str) -> None:
    unchanged([added(user("a1", "Hi"))], delta("!", name=name), ["impossible"])
    unchanged([added(call("a1"))], delta("!", name=name), ["impossible"])
    unchanged([added(assistant("a1", {"type": "smell"}))], delta("!", name=name), ["impossible"])
    unchanged([added(user("a1", "Hi"))], final(name, field, "!"), ["impossible"])


@each_spelling
def test_an_empty_delta_changes_no_text(name: str, field: str, kind: str) -> None:
    unchanged([*OPEN, delta("Hi", name=name)], delta("", name=name))


@each_spelling
def test_an_out_of_band_text_has_no_place(name: str, field: str, kind: str) -> None:
    prove(
        [response_created(conversation_id=None)],
        delta("Hi", name=name),
        part(**{field: "Hi"}) | {"order": []},
    )


@pytest.mark.parametrize(("first", "second"), [(0, 1), (1, 0), (2, 3), (3, 2)])
def test_of_two_spellings_in_one_part_the_first_counts(first: int, second: int) -> None:
    (name, field, _), (other, _, _) = SPELLINGS[first], SPELLINGS[second]
    unchanged([*OPEN, delta("Hi", name=name)], delta("Hi", name=other), None)
    events = [*OPEN, delta("Hi", name=name), delta("Hi", name=other)]
    prove(events, delta("!", name=name), part(**{field: "Hi!"}))
    prove(
        [*OPEN, delta("Hi", name=name)],
        delta("Ho", index=1, name=other),
        {"items": {"a1": {"content": [{field: "Hi"}, {field: "Ho"}]}}},
    )


def test_the_other_spelling_may_end_a_text() -> None:
    prove([*OPEN, delta("Hel")], final("text", "text", "Hello"), part(text="Hello", final=True))


def test_two_items_of_one_response_interleave() -> None:
    events = [response_created(), added(assistant("a1")), added(assistant("a2"), after="a1")]
    events += [spoken("One", "a1"), spoken("Two", "a2"), spoken(".", "a1")]
    found = {"a1": {"content": [{"transcript": "One."}]}, "a2": {"content": [{"transcript": "Two."}]}}
    prove(events, spoken(".", "a2"), {"items": found, "order": ["a1", "a2"]})


def test_responses_overlap() -> None:
    events = [response_created("r1"), response_created("r2", conversation_id=None), delta("One", "a1")]
    events += [delta("Two", "a2", response_id="r2"), response_done("r2"), delta(".", "a2", response_id="r2")]
    found = {"a1": {"content": [{"text": "One."}]}, "a2": {"content": [{"text": "Two"}]}}
    prove(events, delta(".", "a1"), {"items": found, "order": ["a1"]})


# Audio


@pytest.mark.parametrize("name", ["output_audio", "audio"])
def test_audio_is_counted_in_whole_milliseconds(name: str) -> None:
    def chunk(ms: float) -> Event:
        return sound(ms, name=name)

    prove(OPEN, chunk(100), part(type="output_audio", audio_ms=100, transcript=None, final=False))
    prove([*OPEN, chunk(100)], chunk(50), part(audio_ms=150))
    prove([*OPEN, chunk(0.75)], chunk(0.5), part(audio_ms=1))
    prove(OPEN, chunk(0.75), part(audio_ms=0))
    prove([], chunk(100), part(audio_ms=100) | {"order": ["a1"]})
    prove([*OPEN, spoken("Hi")], chunk(100), part(transcript="Hi", audio_ms=100))
    unchanged([*OPEN, chunk(1)], chunk(0.5))


@pytest.mark.parametrize(
    ("chunk", "ms"), [("A" * 64, 1), ("A" * 63 + "=", 0), ("A" * 62 + "==", 0), ("A" * 66, 1), ("A" * 128, 2)]
)
def test_base64_is_counted_decoded(chunk: str, ms: int) -> None:
    prove(OPEN, streamed("output_audio.delta", delta=chunk), part(audio_ms=ms))


def test_what_is_not_base64_is_silence() -> None:
    conversation = state(*OPEN, streamed("output_audio.delta", delta="AQ!D"), sound(1), audio="keep")
    assert conversation.audio("a1", 0) == bytes(3 + 48)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_audio_after_the_end_was_received_and_counts(end: Any) -> None:
    last = end("output_audio_transcript", "transcript")
    if last["type"] == "session.created":
        return
    prove([*OPEN, spoken("Hello"), sound(100), last], sound(50), part(audio_ms=150, final=True))


def test_audio_of_an_old_session_changes_nothing() -> None:
    sessions = [event("session.created", session={"id": name}) for name in ("s1", "s2")]
    unchanged([sessions[0], *OPEN, sound(100), sessions[1]], sound(50), None)


def test_of_two_spellings_of_audio_the_first_counts() -> None:
    unchanged([*OPEN, sound(100)], sound(100, name="audio"), None)
    unchanged([*OPEN, sound(100, name="audio")], sound(100), None)


@pytest.mark.parametrize("name", ["output_audio", "audio"])
def test_the_end_of_audio_carries_nothing(name: str) -> None:
    unchanged([*OPEN, spoken("Hel"), sound(100)], streamed(f"{name}.done"))
    prove([*OPEN, spoken("Hel"), streamed(f"{name}.done")], spoken("lo"), part(transcript="Hello"))


def ga(kind: str, **fields: Any) -> Event:
    return {"audio": {"output": {"format": {"type": kind, **fields}}}}


def session(**fields: Any) -> Event:
    return event("session.created", session={"id": "s1", **fields})


@pytest.mark.parametrize(
    ("events", "ms"),
    [
        pytest.param([], 100, id="pcm16 at 24 kHz by default"),
        pytest.param([session(**ga("audio/pcm", rate=24000))], 100, id="pcm"),
        pytest.param([session(**ga("audio/pcm", rate=16000))], 150, id="pcm at 16 kHz"),
        pytest.param([session(**ga("audio/pcm", rate=8000))], 300, id="pcm at 8 kHz"),
        pytest.param([session(**ga("audio/pcm"))], 100, id="pcm without a rate"),
        pytest.param([session(**ga("audio/pcmu"))], 600, id="pcmu"),
        pytest.param([session(**ga("audio/pcma"))], 600, id="pcma"),
        pytest.param([session(output_audio_format="pcm16")], 100, id="beta's pcm16"),
        pytest.param([session(output_audio_format="g711_ulaw")], 600, id="beta's ulaw"),
        pytest.param([session(output_audio_format="g711_alaw")], 600, id="beta's alaw"),
        pytest.param([session(**ga("pcmu"))], 600, id="without audio/"),
        pytest.param([session(**ga("audio/G711-ulaw"))], 600, id="LiteLLM's ulaw"),
        pytest.param([session(output_audio_format="not specified")], 100, id="xAI's not specified"),
        pytest.param([session(output_audio_format=None, audio=None)], 100, id="nulls"),
        pytest.param([session(input_audio_format="g711_ulaw")], 100, id="the input's is not the output's"),
        pytest.param([session(), event("session.updated", session=ga("audio/pcmu"))], 600, id="updated"),
        pytest.param(
            [session(**ga("audio/pcmu")), event("session.updated", session={"voice": "sage"})], 600, id="kept"
        ),
        pytest.param(
            [
                session(output_audio_format="g711_ulaw"),
                event("session.updated", session={"output_audio_format": "pcm16"}),
            ],
            100,
            id="updated back to pcm16",
        ),
        pytest.param(
            [session(**ga("audio/pcmu")), event("session.updated", session=ga("audio/pcm"))],
            100,
            id="updated back to pcm",
        ),
        pytest.param([session(), response_created(**ga("audio/pcmu"))], 600, id="the response's own"),
        pytest.param(
            [session(**ga("audio/pcmu")), response_created(**ga("audio/pcm", rate=24000))],
            100,
            id="own before session",
        ),
        pytest.param(
            [session(**ga("audio/pcmu")), response_created(output_audio_format="pcm16")],
            100,
            id="own pcm16 of beta",
        ),
        pytest.param([session(**ga("audio/pcmu")), response_created()], 600, id="a response without one"),
        pytest.param([response_created("r2", **ga("audio/pcmu"))], 100, id="of another response"),
    ],
)
def test_the_format_is_the_responses_else_the_sessions(events: list[Event], ms: int) -> None:
    prove(events, sound(100), part(audio_ms=ms))


def test_a_new_session_begins_with_no_format() -> None:
    events = [session(**ga("audio/pcmu")), event("session.created", session={"id": "s2"})]
    prove(events, sound(100), part(audio_ms=100))


def test_audio_can_be_kept() -> None:
    events = [*OPEN, sound(1), streamed("output_audio.delta", delta="AQID")]
    conversation = state(*events, audio="keep")
    assert conversation.audio("a1", 0) == bytes(48) + b"\1\2\3"
    prove(events, sound(1), part(audio_ms=2), audio="keep")
    with pytest.raises(ValueError, match="keep"):
        state(*events).audio("a1", 0)
    with pytest.raises(LookupError):
        conversation.audio("a1", 1)
    with pytest.raises(LookupError):
        conversation.audio("a9", 0)


# Arguments

CALLED = [response_created(), output_added(call()), added(call())]


def called(**fields: Any) -> Event:
    return {"items": {"f1": fields}}


@cases(
    {
        "a delta": (CALLED, arguments('{"a"'), called(arguments='{"a"', ready=False, status="in_progress")),
        "deltas append": (
            [*CALLED, arguments('{"a"')],
            arguments(": 1}"),
            called(arguments='{"a": 1}', ready=False),
        ),
        "the whole": (
            [*CALLED, arguments('{"a"')],
            arguments_done('{"a": 1}', name="look_up"),
            called(arguments='{"a": 1}', ready=False, name="look_up"),
        ),
        "the whole without deltas": (CALLED, arguments_done("{}"), called(arguments="{}", ready=False)),
        "the whole wins over deltas": (
            [*CALLED, arguments("[")],
            arguments_done("{}"),
            called(arguments="{}"),
        ),
        "nothing is what deltas made of it": (
            [*CALLED, arguments("{"), arguments("}")],
            arguments_done(None),
            called(arguments="{}", ready=False),
        ),
        "an empty whole is a text": ([*CALLED, arguments("{")], arguments_done(""), called(arguments="")),
        "a delta of a call nobody announced": (
            [],
            arguments('{"a"'),
            called(type="function_call", arguments='{"a"', call_id="call_1", response_id="r1", ready=False)
            | {"order": ["f1"], "responses": {"r1": {"output": ["f1"], "status": "in_progress"}}},
        ),
        "the whole of a call nobody announced": (
            [],
            arguments_done("{}", name="look_up"),
            called(type="function_call", arguments="{}", name="look_up", call_id="call_1", ready=False)
            | {"order": ["f1"], "responses": {"r1": {"output": ["f1"], "status": "in_progress"}}},
        ),
        "the call's id instead of the item's": (
            CALLED,
            arguments('{"a"', item_id=None),
            called(arguments='{"a"'),
        ),
        "the whole by the call's id": (
            CALLED,
            {
                "type": "response.function_call_arguments.done",
                "call_id": "call_1",
                "name": "x",
                "arguments": "{}",
            },
            called(arguments="{}", name="x"),
        ),
        "of an out-of-band response": (
            [response_created(conversation_id=None)],
            arguments("{"),
            called(arguments="{") | {"order": []},
        ),
        "the end of the item makes it ready": (
            [*CALLED, arguments("{}"), arguments_done("{}")],
            done(call("f1", "{}", status="completed")),
            called(ready=True, status="completed"),
        ),
        "the end of the response makes it ready": (
            [*CALLED, arguments("{}"), arguments_done("{}")],
            response_done("r1", call("f1", "{}", status="completed")),
            called(ready=True, status="completed"),
        ),
        "a whole that comes after the end of the item": (
            [*CALLED, arguments("["), done(call("f1", None, status="completed"))],
            arguments_done("{}"),
            called(arguments="{}", ready=True),
        ),
    }
)
def test_arguments(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "an empty delta": ([*CALLED, arguments("{")], arguments(""), None),
        "after the whole": ([*CALLED, arguments_done("{}")], arguments("}"), None, ["late"]),
        "after the end of the item": ([*CALLED, done(call("f1", "{}"))], arguments("}"), None, ["late"]),
        "after the end of the response": ([*CALLED, response_done()], arguments("}"), None, ["late"]),
        "after deletion": ([*CALLED, deleted("f1")], arguments("}"), None, None),
        "of a new item of an ended response": (
            [*CALLED, response_done()],
            arguments("}", "f2"),
            None,
            ["late"],
        ),
        "the whole again": ([*CALLED, arguments_done("{}")], arguments_done("{}"), None),
        "of a message": ([added(assistant("f1"))], arguments("{"), None, ["impossible"]),
        "the whole of a message": ([added(assistant("f1"))], arguments_done("{}"), None, ["impossible"]),
        "of no item and an unknown call": (
            CALLED,
            arguments("{", None, call_id="call_9"),
            None,
            ["unknown_item"],
        ),
        "of no item and no call": (CALLED, arguments("{", None, call_id=None), None, ["unknown_item"]),
    }
)
def test_no_arguments(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


def test_arguments_are_verbatim() -> None:
    text = '{  \n  "city": "Zürich \\u00e9" \n} \n'
    prove(CALLED, arguments_done(text), called(arguments=text))


@pytest.mark.parametrize("status", ["cancelled", "incomplete", "failed"])
def test_a_call_whose_response_ends_badly_is_no_longer_ready(status: str) -> None:
    events = [*CALLED, arguments_done("{}"), done(call("f1", "{}", status="completed"))]
    assert state(*events).snapshot().item("f1").ready is True  # type: ignore[union-attr]
    prove(events, response_done(status=status), called(ready=False, status="completed"))


def test_parallel_calls_do_not_mix() -> None:
    events = [response_created(), added(call("f1")), added(call("f2", call_id="call_2"), after="f1")]
    events += [arguments('{"a"', "f1"), arguments('{"b"', "f2", call_id="call_2"), arguments(": 1}", "f1")]
    last = arguments(": 2}", None, call_id="call_2")
    prove(events, last, {"items": {"f1": {"arguments": '{"a": 1}'}, "f2": {"arguments": '{"b": 2}'}}})


def test_an_output_does_not_make_the_call_that_it_names() -> None:
    output = {"id": "o1", "type": "function_call_output", "call_id": "call_1", "output": "{}"}
    events = [response_created(), added(output), added(call("f1"), after="o1")]
    prove(events, arguments('{"a": 1}', None, call_id="call_1"), called(arguments='{"a": 1}'))


# Parts


@cases(
    {
        "added types the part": (
            OPEN,
            part_added(text_part("")),
            part(type="output_text", text=None, final=False),
        ),
        "beta's and GA's own short names": (
            OPEN,
            part_added(audio_part("", "audio")),
            part(type="output_audio", transcript=None),
        ),
        "added with a text": (OPEN, part_added(text_part("Hi", "text")), part(type="output_text", text="Hi")),
        "added is a first sight too": (
            [],
            part_added(audio_part("", "audio")),
            part(type="output_audio") | {"order": ["a1"], "responses": {"r1": {"output": ["a1"]}}},
        ),
        "added at a far index": (
            OPEN,
            part_added(audio_part(""), index=1),
            {"items": {"a1": {"content": [{"type": None}, {"type": "output_audio"}]}}},
        ),
        "added without a part": (OPEN, part_added(None), part(type=None)),
        "added under its first Azure name": (
            OPEN,
            streamed("content_part.added", content=text_part("", "text")),
            part(type="output_text"),
        ),
        "added of a kind that is unknown": (
            OPEN,
            part_added({"type": "smell", "notes": ["pine"]}),
            part(type="smell", notes=["pine"]),
        ),
        "done closes": (
            [*OPEN, delta("Hel")],
            part_done(text_part("Hello", "text")),
            part(text="Hello", final=True),
        ),
        "done wins over the text's own end": (
            [*OPEN, delta("Hel"), final("output_text", "text", "Hel")],
            part_done(text_part("Hello", "text")),
            part(text="Hello", final=True),
        ),
        "done with an empty text says nothing": (
            [*OPEN, delta("Hello")],
            part_done(text_part("", "text")),
            part(text="Hello", final=True),
        ),
        "done without a part": (
            [*OPEN, spoken("Hello")],
            part_done(None),
            part(transcript="Hello", final=True),
        ),
        "done under its first Azure name": (
            [*OPEN, delta("Hel")],
            streamed("content_part.done", content=text_part("Hello", "text")),
            part(text="Hello", final=True),
        ),
        "done is a first sight too": (
            [],
            part_done(text_part("Hello", "text")),
            part(type="output_text", text="Hello", final=True) | {"order": ["a1"]},
        ),
    }
)
def test_parts(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@cases(
    {
        "added again": ([*OPEN, part_added(text_part(""))], part_added(text_part("")), None),
        "added after its first delta": ([*OPEN, delta("Hello")], part_added(text_part("")), None),
        "added after its end": ([*OPEN, part_done(text_part("Hello"))], part_added(text_part("")), None),
        "done again": ([*OPEN, part_done(text_part("Hello"))], part_done(text_part("Hello")), None),
        "added above 1,000": (OPEN, part_added(text_part(""), index=1001), None, ["impossible"]),
        "done above 1,000": (OPEN, part_done(text_part("x"), index=1001), None, ["impossible"]),
        "of a user": ([added(user("a1", "Hi"))], part_added(text_part("")), None, ["impossible"]),
        "of a call": ([added(call("a1"))], part_done(text_part("Hi")), None, ["impossible"]),
        "added to an item that has ended": (
            [*OPEN, done(assistant("a1", text_part("Hi")))],
            part_added(text_part(""), index=1),
            None,
            ["late"],
        ),
    }
)
def test_no_parts(events: Any, last: Any, expected: Any, odd: Any) -> None:
    prove(events, last, expected, odd)


@pytest.mark.parametrize("item_id", [None, ABSENT, ""])
def test_final_arguments_of_a_call_that_no_item_makes(item_id: Any) -> None:
    unchanged([], arguments_done("{}", item_id, call_id="call_9"), ["unknown_item"])
