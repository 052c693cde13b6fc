"""Say what a client may send, in GA and in beta, and read it."""

import json
from base64 import b64decode
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, Literal, cast

from rtstate.simulate import _checks as c
from rtstate.simulate._checks import Check, Refusal
from rtstate.simulate._truth import Event, Item, Part
from rtstate.simulate._wire import Json

_TO_GA = {"text": "output_text", "audio": "output_audio"}

_VOICE = c.either(c.name, c.record({"id": c.name}))
_ID = c.up_to(32, c.name)
_ANY_TOOL = c.open_record({"type": c.name})
_TOOL_CHOICE = c.either(c.one_of("auto", "none", "required"), c.open_record({"type": c.name}))
_TURN_DETECTION = c.nullable(
    c.record(
        {"type": c.one_of("server_vad", "semantic_vad")},
        threshold=c.nullable(c.number),
        prefix_padding_ms=c.nullable(c.whole),
        silence_duration_ms=c.nullable(c.whole),
        idle_timeout_ms=c.nullable(c.whole),
        create_response=c.nullable(c.boolean),
        interrupt_response=c.nullable(c.boolean),
        eagerness=c.nullable(c.one_of("low", "medium", "high", "auto")),
    )
)
_TRANSCRIPTION = c.nullable(
    c.record(
        model=c.name,
        language=c.nullable(c.text),
        prompt=c.nullable(c.text),
        delay=c.anything,
        keywords=c.anything,
    )
)
_NOISE_REDUCTION = c.nullable(c.record(type=c.one_of("near_field", "far_field")))
_FORMAT = c.record({"type": c.one_of("audio/pcm", "audio/pcmu", "audio/pcma")}, rate=c.whole)
_BETA_FORMAT = c.one_of("pcm16", "g711_ulaw", "g711_alaw")
_METADATA = c.nullable(c.texts(512))
_MODALITIES = c.combination_of(("text",), ("audio",))
_BETA_MODALITIES = c.combination_of(("text",), ("audio", "text"))


def _tool(value: Any, path: str) -> None:
    _ANY_TOOL(value, path)
    if value["type"] == "function" and "name" in value:
        c.function_name(value["name"], f"{path}.name")


_COMMON: Mapping[str, Check] = {
    "instructions": c.text,
    "tools": c.many(_tool),
    "tool_choice": _TOOL_CHOICE,
    "prompt": c.anything,
}
_SESSION = c.record(
    {"type": c.one_of("realtime")},
    **_COMMON,
    model=c.name,
    output_modalities=_MODALITIES,
    max_output_tokens=c.limit,
    include=c.nullable(c.many(c.text)),
    tracing=c.anything,
    truncation=c.anything,
    reasoning=c.anything,
    parallel_tool_calls=c.boolean,
    audio=c.record(
        input=c.record(
            format=_FORMAT,
            transcription=_TRANSCRIPTION,
            noise_reduction=_NOISE_REDUCTION,
            turn_detection=_TURN_DETECTION,
        ),
        output=c.record(format=_FORMAT, voice=_VOICE, speed=c.number),
    ),
)
_BETA_SESSION = c.record(
    **_COMMON,
    model=c.name,
    modalities=_BETA_MODALITIES,
    voice=_VOICE,
    input_audio_format=_BETA_FORMAT,
    output_audio_format=_BETA_FORMAT,
    input_audio_transcription=_TRANSCRIPTION,
    input_audio_noise_reduction=_NOISE_REDUCTION,
    turn_detection=_TURN_DETECTION,
    temperature=c.number,
    speed=c.number,
    max_response_output_tokens=c.limit,
    tracing=c.anything,
    include=c.nullable(c.many(c.text)),
)

_PARTS: Mapping[str, Check] = {
    "input_text": c.record({"type": c.text, "text": c.text}),
    "input_audio": c.record({"type": c.text}, audio=c.nullable(c.base64), transcript=c.nullable(c.text)),
    "input_image": c.record({"type": c.text, "image_url": c.text}, detail=c.nullable(c.text)),
    "output_text": c.record({"type": c.text, "text": c.text}),
    "text": c.record({"type": c.text, "text": c.text}),
    "output_audio": c.record({"type": c.text}, audio=c.nullable(c.base64), transcript=c.nullable(c.text)),
    "audio": c.record({"type": c.text}, audio=c.nullable(c.base64), transcript=c.nullable(c.text)),
}
_PARTS_OF = {
    "user": ("input_text", "input_audio", "input_image"),
    "system": ("input_text",),
    "assistant": ("output_text", "output_audio", "text", "audio"),
}


def _part(role: str, value: Any, path: str) -> None:
    c.open_record({"type": c.one_of(*_PARTS_OF[role])})(value, path)
    _PARTS[value["type"]](value, path)


_ITEM_FIELDS: Mapping[str, Check] = {
    "id": c.nullable(_ID),
    "object": c.nullable(c.text),
    "status": c.nullable(c.one_of("completed", "incomplete", "in_progress")),
}
_ITEMS: Mapping[str, Check] = {
    "function_call": c.record(
        {"type": c.text, "name": c.name, "arguments": c.text}, **_ITEM_FIELDS, call_id=c.nullable(_ID)
    ),
    "function_call_output": c.record({"type": c.text, "call_id": _ID, "output": c.text}, **_ITEM_FIELDS),
    "item_reference": c.record({"type": c.text, "id": c.name}),
}


def _item(*more: str) -> Check:
    types = c.open_record({"type": c.one_of("message", "function_call", "function_call_output", *more)})
    roles = c.open_record({"role": c.one_of(*_PARTS_OF)})

    def check(value: Any, path: str) -> None:
        types(value, path)
        if value["type"] != "message":
            _ITEMS[value["type"]](value, path)
            return
        roles(value, path)
        parts = c.many(partial(_part, value["role"]))
        fields = {"type": c.text, "role": c.text, "content": parts}
        c.record(fields, **_ITEM_FIELDS, phase=c.anything)(value, path)

    return check


_RESPONSE_FIELDS: Mapping[str, Check] = {
    **_COMMON,
    "conversation": c.nullable(c.one_of("auto", "none")),
    "metadata": _METADATA,
    "input": c.nullable(c.many(_item("item_reference"))),
}
_RESPONSE = c.record(
    **_RESPONSE_FIELDS,
    output_modalities=_MODALITIES,
    max_output_tokens=c.limit,
    audio=c.record(output=c.record(format=_FORMAT, voice=_VOICE)),
    reasoning=c.anything,
    parallel_tool_calls=c.boolean,
)
_BETA_RESPONSE = c.record(
    **_RESPONSE_FIELDS,
    modalities=_BETA_MODALITIES,
    voice=_VOICE,
    output_audio_format=_BETA_FORMAT,
    temperature=c.number,
    max_output_tokens=c.limit,
    max_response_output_tokens=c.limit,
)


def _events(session: Check, response: Check) -> dict[str, Check]:
    def event(required: Mapping[str, Check] | None = None, /, **fields: Check) -> Check:
        return c.record(required, type=c.text, event_id=c.nullable(c.text), **fields)

    item_id = {"item_id": c.name}
    return {
        "session.update": event({"session": session}),
        "input_audio_buffer.append": event({"audio": c.base64}),
        "input_audio_buffer.commit": event(),
        "input_audio_buffer.clear": event(),
        "conversation.item.create": event({"item": _item()}, previous_item_id=c.nullable(c.name)),
        "conversation.item.retrieve": event(item_id),
        "conversation.item.truncate": event({**item_id, "content_index": c.whole, "audio_end_ms": c.whole}),
        "conversation.item.delete": event(item_id),
        "response.create": event(response=c.nullable(response)),
        "response.cancel": event(response_id=c.nullable(c.text)),
    }


_GA = _events(_SESSION, _RESPONSE)
_BETA = _events(_BETA_SESSION, _BETA_RESPONSE)
CLIENT_TYPES = frozenset(_GA)
"""The types of event that a client sends."""


def parse(frame: str | bytes | Mapping[str, Any]) -> Event:
    """Return the event of a frame; raise Refusal for what is no JSON object of text that can be written."""
    if isinstance(frame, Mapping):
        return dict(frame)
    try:
        event: Any = json.loads(frame, parse_constant=_no_number)
        if "\\u" in (frame if isinstance(frame, str) else frame.decode()):
            json.dumps(event, ensure_ascii=False).encode()  # half of a pair of surrogates is no text
    except (ValueError, RecursionError):
        raise Refusal("invalid_json", "The event could not be parsed as JSON.") from None
    if not isinstance(event, dict):
        raise Refusal("invalid_event", "The event is not a JSON object.")
    return cast(Event, event)


def _no_number(constant: str) -> Any:
    raise ValueError(constant)


def check(event: Event, *, beta: bool) -> None:
    """Raise Refusal where an event is not what its type promises, or has no type that there is."""
    type_ = event.get("type")
    if type_ is None:
        raise Refusal("invalid_event", "The 'type' field is missing.")
    known = _BETA if beta else _GA
    c.one_of(*known)(type_, "type")
    known[type_](event, "")


def read_item(
    given: Json, new_id: Callable[[str], str], bytes_per_ms: Callable[[Literal["input", "output"]], int]
) -> Item:
    """Return the item that a client creates; it has been checked."""

    def part(fields: Json) -> Part:
        kind = _TO_GA.get(fields["type"]) or str(fields["type"])
        if not kind.endswith("_audio"):
            return Part(kind, fields["image_url"] if kind == "input_image" else fields["text"])
        audio: str = fields.get("audio") or ""
        per_ms = bytes_per_ms("input" if kind == "input_audio" else "output")
        chunks = [audio] if audio else []
        return Part(kind, fields.get("transcript"), chunks, len(b64decode(audio)), bytes_per_ms=per_ms)

    kept = {"function_call": ("name", "arguments"), "function_call_output": ("call_id", "output")}
    fields = {key: given[key] for key in kept.get(given["type"], ())}
    if given["type"] == "function_call":
        fields["call_id"] = given.get("call_id") or new_id("call")
    parts = [part(each) for each in given.get("content", ())]
    return Item(
        given.get("id") or new_id("item"), given["type"], given.get("role"), parts=parts, fields=fields
    )
