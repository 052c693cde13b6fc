"""No client, sane or mad, shakes the service: it never raises, and what it says stays legal."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from openai.types.beta.realtime import RealtimeServerEvent as BetaServerEvent
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

from rtstate import Conversation
from rtstate.simulate import Service
from tests.fake.support import WEATHER, Dialect, Event, known_to_readers, silence, text_item, tone
from tests.laws_support import assert_truth

ADAPTERS: dict[str, TypeAdapter[Any]] = {
    "ga": TypeAdapter(RealtimeServerEvent),
    "beta": TypeAdapter(BetaServerEvent),
}
PHRASE = "a phrase"
LATER = "\0"  # stands for an id that the service has given
SOUNDS = {"a tone": tone(400), "silence": silence(400), "a little": silence(20), "nothing": ""}
ids = st.sampled_from(["a", "b", "c", LATER, "nobody", ""])
texts = st.sampled_from(["Hello", "What's the weather like in Lisbon?", " ", "\N{PARTY POPPER}", "Goodbye"])
odd = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 2**70)
    | st.floats(allow_nan=False)
    | st.text(max_size=4)
    | ids,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "id", "x"]), inner),
    max_leaves=6,
)
detections = st.sampled_from(
    [
        None,
        {"type": "server_vad"},
        {"type": "semantic_vad"},
        {"type": "server_vad", "interrupt_response": False},
    ]
)
_MODEL = {"model": "whisper-1"}
sessions = {
    "ga": st.builds(
        lambda detection, modality, encoding: {
            "type": "realtime",
            "output_modalities": [modality],
            "tools": [WEATHER],
            "audio": {
                "input": {"turn_detection": detection, "transcription": _MODEL},
                "output": {"format": {"type": encoding}},
            },
        },
        detections,
        st.sampled_from(["text", "audio"]),
        st.sampled_from(["audio/pcm", "audio/pcmu"]),
    ),
    "beta": st.builds(
        lambda detection: {
            "turn_detection": detection,
            "input_audio_transcription": _MODEL,
            "tools": [WEATHER],
        },
        detections,
    ),
}
items = st.one_of(
    st.builds(text_item, texts, st.sampled_from(["user", "system", "assistant"])),
    st.builds(lambda text, item_id: text_item(text, id=item_id), texts, ids),
    st.builds(
        lambda call_id: {"type": "function_call_output", "call_id": call_id, "output": "19"},
        st.sampled_from([LATER, "none"]),
    ),
)
responses = st.sampled_from(
    [
        None,
        {"conversation": "none", "metadata": {"topic": "mood"}},
        {"tool_choice": "required"},
        {"input": []},
    ]
)


def client_events(dialect: Dialect) -> st.SearchStrategy[Event]:
    def event(type_: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
        return st.fixed_dictionaries({"type": st.just(type_), **fields})

    anchors = st.sampled_from(["root", LATER, "no"])
    sound = st.sampled_from(list(SOUNDS))
    sane = st.one_of(
        event("session.update", session=sessions[dialect]),
        event("input_audio_buffer.append", audio=sound),
        event(PHRASE),
        event("input_audio_buffer.commit"),
        event("input_audio_buffer.clear"),
        event("conversation.item.create", item=items),
        event("conversation.item.create", item=items, previous_item_id=anchors),
        event("conversation.item.retrieve", item_id=ids),
        event("conversation.item.delete", item_id=ids),
        event(
            "conversation.item.truncate",
            item_id=ids,
            content_index=st.integers(0, 1),
            audio_end_ms=st.sampled_from([0, 100, 700, 10**9]),
        ),
        event("response.create", response=responses),
        event("response.create"),
        event("response.cancel"),
    )
    names = [
        "session.update",
        "conversation.item.create",
        "conversation.item.truncate",
        "response.create",
        "x",
    ]
    fields = st.dictionaries(
        st.sampled_from(["session", "item", "item_id", "audio", "response", "event_id", "audio_end_ms"]), odd
    )
    mad = st.builds(lambda name, more: {**more, "type": name}, st.sampled_from(names) | odd, fields)
    return st.one_of(sane, sane, sane, mad)


def spelled(event: Event) -> list[Event]:
    """The events that stand for one: a phrase is sound and then silence."""
    if event["type"] != PHRASE:
        return [event]
    append = "input_audio_buffer.append"
    return [{"type": append, "audio": name} for name in ("a tone", "a tone", "silence", "silence")]


pauses = st.sampled_from([0.0, 0.0, 0.05, 0.4, 1.0, 5.0])


def filled(event: Event, service: Service, number: int) -> Event:
    """The event with ids that the service has given, where it asks for some."""
    known = service.order or ["none"]
    calls = [item.fields["call_id"] for item in service.items.values() if item.type == "function_call"]
    if event.get("item_id") == LATER:
        event = event | {"item_id": known[number % len(known)]}
    if event.get("previous_item_id") == LATER:
        event = event | {"previous_item_id": known[number % len(known)]}
    if isinstance(event.get("audio"), str):
        event = event | {"audio": SOUNDS.get(event["audio"], event["audio"])}
    item = event.get("item")
    if isinstance(item, dict) and item.get("call_id") == LATER:
        event = event | {"item": item | {"call_id": calls[number % len(calls)] if calls else "none"}}
    return event


@given(st.data(), st.sampled_from(["ga", "beta"]), st.integers(0, 3))
def test_any_client_is_answered_legally(data: st.DataObject, dialect: Dialect, seed: int) -> None:
    service, conversation, now = Service(dialect=dialect, seed=seed), Conversation(), 0.0
    first = {"type": "session.update", "session": data.draw(sessions[dialect])}
    drawn = data.draw(st.lists(st.tuples(client_events(dialect), pauses), max_size=25))
    script = [(each, pause) for event, pause in [(first, 0.0), *drawn] for each in spelled(event)]
    seen: set[str] = set()

    def run(until: float) -> None:
        for event in service.run(until):
            wire = json.loads(json.dumps(event))
            ADAPTERS[dialect].validate_python(wire)
            assert event["event_id"] not in seen
            seen.add(event["event_id"])
            conversation.feed(wire)

    for number, (event, pause) in enumerate(script):
        service.take(json.dumps(filled(event, service, number)), now)
        run(now)
        now += pause
        run(now)
    run(now + 60)
    assert service.due is None
    assert all(response.status != "in_progress" for response in service.responses.values())
    truth = service.truth()
    assert conversation.anomalies == ()
    assert conversation.snapshot().order == truth.order
    if not truth.deleted and not speech_left(conversation) and all(map(spoke, service.responses.values())):
        assert_truth(conversation, known_to_readers(service))


def speech_left(conversation: Conversation) -> bool:
    """Whether somebody began to speak, and what was said was cleared or never came to an end."""
    return bool(conversation.snapshot().unplaced)


def spoke(response: Any) -> bool:
    """Whether a response said anything; of others nothing tells a reader that they were out of band."""
    return bool(response.output)


@given(st.binary(max_size=40) | st.text(max_size=40))
def test_any_frame_is_answered(frame: bytes | str) -> None:
    service = Service()
    service.run(0.0)
    service.take(frame, 0.0)
    [answer] = service.run(0.0)
    assert answer["type"] == "error"
