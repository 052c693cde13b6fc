"""Say where each dialect departs from the GA wire: beta, Azure Voice Live and xAI."""

import uuid
from collections.abc import Iterator
from random import Random
from typing import ClassVar

from rtstate.simulate._truth import Event, Item, Part, Response, Usage
from rtstate.simulate._wire import EPOCH, PCM, Json, Wire, turn_detection

_BETA_NAMES = {
    f"response.output_{kind}.{step}": f"response.{kind}.{step}"
    for kind in ("text", "audio", "audio_transcript")
    for step in ("delta", "done")
}
_GA_NAMES = {beta: ga for ga, beta in _BETA_NAMES.items()}


def ga_name(type_: str) -> str:
    """Give the GA name of an event that beta calls otherwise."""
    return _GA_NAMES.get(type_, type_)


class Beta(Wire):
    """Shape events as OpenAI's beta did: `item.created`, flat sessions, a null for every field not in use."""

    name = "beta"
    lacks = frozenset({"mcp", "images", "two_messages"})
    object_keys: ClassVar[Json] = {"object": "realtime.item"}
    model = "gpt-4o-realtime-preview-2024-12-17"
    transcription_models = ("whisper-1", "gpt-4o-mini-transcribe")
    announces_conversation = True
    limits_at_start = True
    names_finished_calls: ClassVar[bool] = False
    _item_nulls: ClassVar[Json] = {
        "content": [],
        "call_id": None,
        "name": None,
        "arguments": None,
        "output": None,
    }

    def frames(self, type_: str, fields: Json) -> Iterator[Event]:
        if type_ == "conversation.item.done":
            return
        if type_ == "conversation.item.added":
            type_ = "conversation.item.created"
        if type_ == "response.function_call_arguments.done" and not self.names_finished_calls:
            fields = {key: value for key, value in fields.items() if key != "name"}
        yield {"type": _BETA_NAMES.get(type_, type_), "event_id": self.new_id("event"), **fields}

    def content_part(self, part: Part, *, done: bool) -> Json:
        return {"part": super().content_part(part, done=done)["part"]}

    def part_type(self, part: Part) -> str:
        return part.type.removeprefix("output_")

    def part(self, part: Part, *, in_item: bool = True) -> Json:
        nulls: Json = {"text": None, "transcript": None, "audio": None}
        return ({"id": None} if in_item else {}) | nulls | super().part(part, in_item=in_item)

    def item(self, item: Item, event: str = "") -> Json:
        shaped = super().item(item, event)
        return (
            shaped
            | {key: null for key, null in self._item_nulls.items() if key not in shaped}
            | ({"role": None} if item.role is None else {})
        )

    def usage(self, usage: Usage) -> Json:
        shaped = super().usage(usage)
        del shaped["input_token_details"]["image_tokens"]
        del shaped["input_token_details"]["cached_tokens_details"]["image_tokens"]
        return shaped

    def response(self, response: Response) -> Json:
        shaped = super().response(response)["response"]
        del shaped["output_modalities"], shaped["audio"]
        shaped |= {
            "modalities": ["audio", "text"] if response.modality == "audio" else ["text"],
            "output_audio_format": "pcm16",
            "temperature": 0.8,
            "voice": "echo",
        }
        return {"response": shaped}

    def session(
        self, session_id: str, modality: str, instructions: str, tools: list[Json], *, fresh: bool
    ) -> Json:
        return {
            "id": session_id,
            "object": "realtime.session",
            "model": self.model,
            "expires_at": EPOCH + 1800,
            "modalities": ["text"] if modality == "text" and not fresh else ["audio", "text"],
            "instructions": "You are a helpful assistant." if fresh else instructions,
            "voice": "echo",
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": None if fresh else {"model": self.transcription_model},
            "turn_detection": turn_detection(create_response=True),
            "tools": [] if fresh else tools,
            "tool_choice": "auto",
            "temperature": 0.8,
            "max_response_output_tokens": "inf",
            "client_secret": None,
        }

    def session_update(self, modality: str, instructions: str, tools: list[Json]) -> Json:
        return {
            "modalities": ["text"] if modality == "text" else ["audio", "text"],
            "instructions": instructions,
            "input_audio_format": "pcm16",
            "output_audio_format": "pcm16",
            "input_audio_transcription": {"model": self.transcription_model},
            "turn_detection": turn_detection(create_response=True),
            "tools": tools,
        }

    def status_details(self, status: str, reason: str) -> Json | None:
        shaped = super().status_details(status, reason)
        return shaped and {"error": None, "reason": None} | shaped

    def modality(self, modality: str) -> Json:
        return {"modalities": ["text"] if modality == "text" else ["audio", "text"]}


class VoiceLive(Beta):
    """Shape events as Azure Voice Live does: beta's names on GA's nouns, sometimes both names at once."""

    name = "voicelive"
    lacks = frozenset({"rate_limits", "images"})
    model = "gpt-realtime-global-standard"
    transcription_models = ("whisper-1", "azure-speech")
    announces_conversation = False
    limits_at_start = False
    names_finished_calls = True
    _voice: ClassVar[Json] = {"name": "alloy", "type": "openai"}

    def __init__(self, rng: Random) -> None:
        super().__init__(rng)
        self._both_names = rng.random() < 0.5

    def frames(self, type_: str, fields: Json) -> Iterator[Event]:
        yield from super().frames(type_, fields)
        item = fields.get("item", {})
        # An MCP server's tools are on the item's `done` only; newer servers also repeat the user's items.
        if (type_ == "conversation.item.done" and item["type"] == "mcp_list_tools") or (
            type_ in ("conversation.item.added", "conversation.item.done")
            and self._both_names
            and item.get("role") == "user"
        ):
            yield {"type": type_, "event_id": self.new_id("event"), **fields}

    def part(self, part: Part, *, in_item: bool = True) -> Json:
        return Wire.part(self, part, in_item=in_item)

    def content_part(self, part: Part, *, done: bool) -> Json:
        shaped = super().content_part(part, done=done)
        if part.type == "output_text":
            shaped["part"]["text"] = ""  # even when done
        return shaped

    def item(self, item: Item, event: str = "") -> Json:
        return Wire.item(self, item, event)

    def usage(self, usage: Usage) -> Json:
        shaped = Wire.usage(self, usage)
        shaped["output_token_details"]["reasoning_tokens"] = 0
        return shaped

    def response(self, response: Response) -> Json:
        shaped = super().response(response)["response"]
        return {"response": shaped | {"temperature": None, "voice": self._voice}}

    def session(
        self, session_id: str, modality: str, instructions: str, tools: list[Json], *, fresh: bool
    ) -> Json:
        shaped = super().session(session_id, modality, instructions, tools, fresh=fresh)
        del shaped["temperature"], shaped["client_secret"]
        shaped["turn_detection"] = turn_detection(
            create_response=True,
            interrupt_response=True,
            idle_timeout_ms=None,
            speech_duration_ms=None,
            end_of_utterance_detection=None,
            auto_truncate=False,
            appended_text_after_truncation=None,
        )
        if not fresh:
            choices = dict.fromkeys(("language", "prompt", "custom_speech", "phrase_list"))
            shaped["input_audio_transcription"] |= choices
        unused = (
            "input_audio_noise_reduction",
            "animation",
            "input_audio_echo_cancellation",
            "avatar",
            "output_audio_timestamp_types",
            "truncation_strategy",
            "include",
        )
        return shaped | {"voice": self._voice, "input_audio_sampling_rate": 24000} | dict.fromkeys(unused)


class XAI(Wire):
    """Shape events as xAI does: UUIDs, an anchor on every event, and the usage beside the response."""

    name = "xai"
    lacks = frozenset(
        {
            "root_insert",
            "failed_transcription",
            "rate_limits",
            "retrieve",
            "out_of_band",
            "images",
            "mcp",
            "two_messages",
        }
    )
    object_keys: ClassVar[Json] = {"object": "realtime.item"}
    model = "grok-voice-latest"
    transcription_models = ("grok-transcribe",)
    tokens_per_delta = 6
    arguments_at_once = True
    announces_conversation = True

    def new_id(self, kind: str) -> str:
        made = uuid.UUID(int=self.rng.getrandbits(128), version=4)
        if kind == "call":
            return f"call-{made}-0"
        return made.hex if kind == "sess" else str(made)

    def frames(self, type_: str, fields: Json) -> Iterator[Event]:
        if type_ in ("conversation.item.done", "response.output_text.done"):
            return
        event: Event = {"type": type_, "event_id": self.new_id("event"), **fields}
        if type_ == "response.content_part.added":
            event["previous_item_id"] = "0"
        elif type_ == "response.content_part.done":
            del event["part"]
        elif type_.startswith("input_audio_buffer.speech_"):
            event.pop("audio_start_ms", None)
            event.pop("audio_end_ms", None)
        elif type_ == "response.function_call_arguments.delta":
            del event["output_index"]
        elif type_ == "response.output_audio.delta":
            event |= {"rid": self.new_id("rid"), "audio_duration_ms": len(fields["delta"]) * 3 // 4 // 48}
        elif type_ == "response.output_audio_transcript.delta":
            event |= {"rid": event["event_id"], "start_time": 0.0}
        if type_ != "session.created":
            event.setdefault("previous_item_id", None)
        yield event

    def anchor(self, item: Item) -> str | None:
        return item.previous_item_id if item.type == "message" else None

    def content_part(self, part: Part, *, done: bool) -> Json:
        return {"part": super().content_part(part, done=done)["part"]}

    def part_type(self, part: Part) -> str:
        return part.type.removeprefix("output_")

    def item(self, item: Item, event: str = "") -> Json:
        shaped = super().item(item)
        if item.type == "message" and event.startswith("response.output_item."):
            del shaped["content"]
        elif item.type == "function_call":
            shaped["role"] = "tool" if event == "conversation.item.added" else "user"
        elif item.type == "function_call_output":
            shaped |= {"status": "completed", "role": "tool"}
        return shaped

    def usage(self, usage: Usage) -> Json:
        return {
            "input_tokens": usage.input,
            "input_token_details": {
                "text_tokens": usage.input_text,
                "audio_tokens": usage.input_audio,
                "grok_tokens": 0,
            },
            "output_tokens": usage.output,
            "output_token_details": {
                "text_tokens": usage.output_text,
                "audio_tokens": usage.output_audio,
                "grok_tokens": 0,
            },
            "total_tokens": usage.input + usage.output,
            "output_audio_seconds": usage.output_audio / 20,
            "billable_audio_seconds": usage.output_audio // 20,
        }

    def response(self, response: Response) -> Json:
        shaped: Json = {
            "response": {
                "id": response.id,
                "object": "realtime.response",
                "output": [self.item(item) for item in response.output] if response.done else [],
                "status": response.status,
                "status_details": "unimplemented" if response.status_details is None else response.status,
                "usage": {},
            }
        }
        if response.done:
            shaped["response_id"] = response.id
        if response.usage:
            shaped["usage"] = self.usage(response.usage)
        return shaped

    def session(
        self, session_id: str, modality: str, instructions: str, tools: list[Json], *, fresh: bool
    ) -> Json:
        if fresh:
            return {
                "id": session_id,
                "object": "realtime.session",
                "instructions": "",
                "voice": "ara",
                "modalities": ["audio"],
                "turn_detection": {"type": None},
                "tools": [],
                "model": self.model,
            }
        functions = [
            {
                "type": "function",
                "function": {key: tool[key] for key in ("name", "description", "parameters")},
            }
            for tool in tools
            if tool["type"] == "function"
        ]
        return {
            "instructions": instructions,
            "enable_noise_suppression": True,
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True},
            "model": self.model,
            **({"tools": functions} if functions else {}),
            "keep_context": False,
            "enable_phonetic_spelling": False,
            "input_audio_transcription": {"model": self.transcription_model},
            "modalities": [modality],
            "input_audio_format": "not specified",
            "output_audio_format": "not specified",
            "tool_choice": "auto",
            "temperature": -1.0,
            "max_response_output_tokens": "inf",
            "audio": {
                "input": {
                    "format": PCM,
                    "transport": "json",
                    "transcription": {"model": self.transcription_model},
                },
                "output": {"format": PCM, "transport": "json"},
            },
        }

    def session_update(self, modality: str, instructions: str, tools: list[Json]) -> Json:
        shaped = super().session_update(modality, instructions, tools)
        del shaped["type"], shaped["output_modalities"], shaped["audio"]["output"]["voice"]
        return shaped | {
            "turn_detection": {"type": "server_vad", "create_response": True, "interrupt_response": True}
        }

    def output_index(self, index: int) -> int:
        return 0


WIRES: dict[str, type[Wire]] = {wire.name: wire for wire in (Wire, Beta, XAI, VoiceLive)}
