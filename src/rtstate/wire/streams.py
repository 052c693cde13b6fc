"""What a response streams, piece by piece: text, audio, its transcript, and the arguments of a call."""

from __future__ import annotations

from typing import Literal

from rtstate._draft import Draft
from rtstate.wire._base import Handler, JsonObject, Padding, ServerEvent, noted, reduced
from rtstate.wire._objects import Index, PartEvent


class ResponseOutputTextDelta(PartEvent):
    """More of a text part."""

    type: Literal["response.output_text.delta", "response.text.delta"]
    delta: str
    obfuscation: Padding = None


class ResponseOutputTextDone(PartEvent):
    """The whole of a text part, which wins over its deltas."""

    type: Literal["response.output_text.done", "response.text.done"]
    text: str | None = None


class ResponseOutputAudioTranscriptDelta(PartEvent):
    """More of the words of an audio part; ``start_time`` is an extension with the time of the word."""

    type: Literal["response.output_audio_transcript.delta", "response.audio_transcript.delta"]
    delta: str
    obfuscation: Padding = None
    start_time: float | None = None


class ResponseOutputAudioTranscriptDone(PartEvent):
    """All the words of an audio part, which win over their deltas; xAI and Inworld may leave them out."""

    type: Literal["response.output_audio_transcript.done", "response.audio_transcript.done"]
    transcript: str | None = None


class ResponseOutputAudioDelta(PartEvent):
    """More of the sound of an audio part, as base64 in the output format."""

    type: Literal["response.output_audio.delta", "response.audio.delta"]
    delta: str


class ResponseOutputAudioDone(PartEvent):
    """The end of the sound of an audio part; it carries no audio."""

    type: Literal["response.output_audio.done", "response.audio.done"]


class ResponseFunctionCallArgumentsDelta(ServerEvent):
    """More of the arguments of a function call; without ``item_id``, ``call_id`` names the call."""

    type: Literal["response.function_call_arguments.delta"]
    response_id: str | None = None
    item_id: str | None = None
    output_index: Index = None
    call_id: str | None = None
    delta: str
    obfuscation: Padding = None


class ResponseFunctionCallArgumentsDone(ServerEvent):
    """The whole arguments of a function call; beta has no ``name``, xAI and Inworld no ``item_id``."""

    type: Literal["response.function_call_arguments.done"]
    response_id: str | None = None
    item_id: str | None = None
    output_index: Index = None
    call_id: str | None = None
    name: str | None = None
    arguments: str | None = None


ResponseTextDelta = ResponseOutputTextDelta
ResponseTextDone = ResponseOutputTextDone
ResponseAudioTranscriptDelta = ResponseOutputAudioTranscriptDelta
ResponseAudioTranscriptDone = ResponseOutputAudioTranscriptDone
ResponseAudioDelta = ResponseOutputAudioDelta
ResponseAudioDone = ResponseOutputAudioDone


def _delta_of(name: Literal["text", "transcript"]) -> Handler:
    """Return the handler of the deltas of a text."""

    def on_delta(draft: Draft, event: JsonObject) -> None:
        item_id, index = event["item_id"], event.get("content_index") or 0
        source, delta = event["type"], event["delta"]
        if not draft.stream(item_id, index, source, delta):
            draft.append_text(item_id, index, name, source, delta, event.get("response_id"))

    return on_delta


def _end_of(name: Literal["text", "transcript"]) -> Handler:
    """Return the handler of the event that has a text whole."""

    def on_done(draft: Draft, event: JsonObject) -> None:
        item_id, index = event["item_id"], event.get("content_index") or 0
        draft.finish_text(item_id, index, name, event.get(name), event.get("response_id"))

    return on_done


def on_audio_delta(draft: Draft, event: JsonObject) -> None:
    draft.append_audio(
        event["item_id"],
        event.get("content_index") or 0,
        event["type"],
        event["delta"],
        event.get("response_id"),
    )


def on_arguments_delta(draft: Draft, event: JsonObject) -> None:
    item_id = event.get("item_id") or draft.call_item(event.get("call_id"))
    if item_id:
        draft.append_arguments(
            item_id, "function_call", event["delta"], event.get("response_id"), event.get("call_id")
        )


def on_arguments_done(draft: Draft, event: JsonObject) -> None:
    item_id = event.get("item_id") or draft.call_item(event.get("call_id"))
    if item_id:
        told = {name: event.get(name) for name in ("call_id", "name")}
        draft.finish_arguments(
            item_id, "function_call", event.get("arguments"), event.get("response_id"), **told
        )


ROWS = (
    reduced(ResponseOutputTextDelta, _delta_of("text")),
    reduced(ResponseOutputTextDone, _end_of("text")),
    reduced(ResponseOutputAudioTranscriptDelta, _delta_of("transcript")),
    reduced(ResponseOutputAudioTranscriptDone, _end_of("transcript")),
    reduced(ResponseOutputAudioDelta, on_audio_delta),
    noted(ResponseOutputAudioDone),
    reduced(ResponseFunctionCallArgumentsDelta, on_arguments_delta),
    reduced(ResponseFunctionCallArgumentsDone, on_arguments_done),
)
