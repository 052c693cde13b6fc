"""From what an event shows to what the draft takes: one vocabulary, whatever dialect the wire spoke.

Beta's ``text`` and ``audio`` parts of an assistant become ``output_text`` and ``output_audio``, other
spellings of usage the GA keys, audio formats a number of bytes per second. What this library does not
know is carried along as ``extra``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, cast

from rtstate._audio_format import audio_format
from rtstate._draft import Draft, ItemCopy, PartCopy, ResponseCopy
from rtstate._json import EMPTY, FrozenDict, freeze
from rtstate._model import ITEM_FIELDS, MCP_FIELDS, PART_TYPES
from rtstate._types import COMPLETED, END, IN_PROGRESS, INCOMPLETE, LARGEST, End, ItemId
from rtstate.wire._base import JsonObject

_ITEM_TYPES: Final = {"mcp_tool_call": "mcp_call"}
_STATUSES: Final = {
    IN_PROGRESS: IN_PROGRESS,
    COMPLETED: COMPLETED,
    INCOMPLETE: INCOMPLETE,
    "cancelled": INCOMPLETE,
    "failed": INCOMPLETE,
}
_GUESSED_PARTS: Final = {"text": "output_text", "audio": "output_audio"}
_ANSWER_PARTS: Final = {**_GUESSED_PARTS, "input_text": "output_text"}  # the first Azure previews said that
_USER_PARTS: Final = {"text": "input_text", "audio": "input_audio"}
_ITEM_KEYS: Final = frozenset({"id", "object", "type", "status"}).union(*ITEM_FIELDS.values())
_OUR_KEYS: Final = ("id", "type", "status", "response_id", "previous_item_id")
_PART_KEYS: Final = ("text", "transcript", "audio")
_IMAGE_KEYS: Final = (*_PART_KEYS, "image_url", "detail")
_RESPONSE_KEYS: Final = frozenset(
    {"id", "object", "status", "status_details", "conversation_id", "metadata", "output", "usage"}
)
_USAGE_KEYS: Final = {
    "input_tokens_details": "input_token_details",
    "output_tokens_details": "output_token_details",
}


def read_item(draft: Draft, item: JsonObject) -> ItemCopy | None:
    """Return an event's item in the names of the state; None, with a note, where it has no id."""
    item_id = item.get("id")
    if not item_id:
        draft.note("impossible", "an item without an id; ignored")
        return None
    item_type = _ITEM_TYPES.get(item["type"], item["type"]) if item.get("type") else None
    status = item.get("status") if isinstance(item.get("status"), str) else None
    copy = ItemCopy(item_id, item_type, None if status is None else _STATUSES.get(status))
    known = draft.items.get(item_id)
    fields = ITEM_FIELDS.get(item_type or (known.type if known else "message"))
    if fields is None:
        copy.status = status
        copy.extra = freeze({k: v for k, v in item.items() if k not in _OUR_KEYS})
        return copy
    for name in ("role", "call_id", "name", "arguments"):
        if name in fields:
            setattr(copy, name, item.get(name))
    if "output" in fields:
        copy.output = freeze(item.get("output"))
    if item.get("content") is not None and "content" in fields:
        role = copy.role or (known.role if known else None)
        copy.parts = [read_part(part, role) for part in item["content"]]
    copy.mcp = FrozenDict(
        {key: freeze(item[key]) for key in fields if key in MCP_FIELDS and item.get(key) is not None}
    )
    extra = {k: v for k, v in item.items() if k not in fields and (k not in _ITEM_KEYS or _tells(k, v))}
    copy.extra = freeze(extra) if extra else EMPTY
    return copy


def _tells(key: str, value: Any) -> bool:
    """Whether a field that belongs to other types of item says something here."""
    return value is not None and key not in ("id", "object", "type", "status") and value != []


def read_part(part: JsonObject, role: str | None) -> PartCopy:
    """Return an event's content part in the names of the state."""
    names = _ANSWER_PARTS if role == "assistant" else _GUESSED_PARTS if role is None else _USER_PARTS
    part_type = part.get("type")
    part_type = names.get(part_type, part_type) if part_type else None
    if part_type is not None and part_type not in PART_TYPES:
        return PartCopy(part_type, extra=freeze({k: v for k, v in part.items() if k != "type"}))
    known = _IMAGE_KEYS if part_type == "input_image" else _PART_KEYS
    extra = {k: v for k, v in part.items() if k not in known and k != "type" and v is not None}
    said: JsonObject = {key: part.get(key) for key in known}
    return PartCopy(part_type, **said, extra=freeze(extra) if extra else EMPTY)


def read_response(draft: Draft, event: JsonObject) -> ResponseCopy | None:
    """Return an event's response in the names of the state; None, with a note, where it has no id."""
    response = event["response"]
    response_id = response.get("id") or event.get("response_id")
    if not response_id:
        draft.note("impossible", "a response without an id; ignored")
        return None
    output = [read_item(draft, item) for item in response.get("output") or ()]
    conversation_id = response.get("conversation_id")
    return ResponseCopy(
        response_id,
        response.get("status"),
        freeze(response.get("status_details")),
        conversation_id,
        "conversation_id" in response and conversation_id is None,
        freeze(response.get("metadata")),
        [item for item in output if item is not None],
        read_usage(response.get("usage")) or read_usage(event.get("usage")),
        output_bytes_per_second(response),
        freeze({key: value for key, value in response.items() if key not in _RESPONSE_KEYS}),
    )


def read_usage(usage: JsonObject | None) -> FrozenDict | None:
    """Return usage under the GA keys, None where it is missing or empty; nothing is added to it."""
    return freeze({_USAGE_KEYS.get(key, key): value for key, value in usage.items()}) if usage else None


def anchor(event: JsonObject) -> ItemId | End | None:
    """Return the anchor of a placing event: END where it says nothing, None for the head.

    ``"root"``, which servers do not use, is the head.
    """
    previous = event.get("previous_item_id", "")
    return END if previous == "" else None if previous == "root" else previous


def offset(event: JsonObject, name: str) -> float | None:
    """Return a place in the audio in milliseconds, None where there is none that a clock can show."""
    ms = event.get(name)
    return ms if ms is None or -LARGEST < ms < LARGEST else None


def output_bytes_per_second(settings: Mapping[str, Any]) -> int | None:
    """Return the size of a second of output audio, as a session or a response sets it."""
    form = audio_format(settings, "output")
    return None if form is None else form.bytes_per_second


def transcription_model(settings: Mapping[str, Any]) -> str | None:
    """Return the model that transcribes the user, as a session sets it."""
    audio = cast("JsonObject", (settings.get("audio") or EMPTY).get("input") or EMPTY)
    transcription = audio.get("transcription") or settings.get("input_audio_transcription") or EMPTY
    return cast("JsonObject", transcription).get("model")


def input_bytes_per_second(settings: Mapping[str, Any]) -> int | None:
    """Return the size of a second of input audio, as a session sets it."""
    form = audio_format(settings, "input")
    return None if form is None else form.bytes_per_second
