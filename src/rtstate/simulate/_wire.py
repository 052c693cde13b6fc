"""Give events the shape and the habits of one dialect; what they mean is decided elsewhere."""

from collections.abc import Iterator
from random import Random
from typing import Any, ClassVar

from rtstate.simulate._truth import Event, Item, Part, Response, Usage

Json = dict[str, Any]

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
EPOCH = 1_795_514_400  # 2026-11-24 10:00 UTC, when every simulated session begins
PCM: Json = {"type": "audio/pcm", "rate": 24000}

_PADDED = frozenset(
    {
        "response.output_text.delta",
        "response.output_audio_transcript.delta",
        "response.function_call_arguments.delta",
        "response.mcp_call_arguments.delta",
        "conversation.item.input_audio_transcription.delta",
    }
)


def turn_detection(**more: Any) -> Json:
    return {
        "type": "server_vad",
        "threshold": 0.5,
        "prefix_padding_ms": 300,
        "silence_duration_ms": 200,
        **more,
    }


class Wire:
    """Shape events as OpenAI's GA servers do; the other dialects say where they differ."""

    name: ClassVar[str] = "ga"
    lacks: ClassVar[frozenset[str]] = frozenset()
    object_keys: ClassVar[Json] = {}
    model: ClassVar[str] = "gpt-realtime"
    transcription_models: ClassVar[tuple[str, ...]] = (
        "gpt-4o-transcribe",
        "gpt-realtime-whisper",
        "whisper-1",
    )
    announces_conversation: ClassVar[bool] = False
    limits_at_start: ClassVar[bool] = False
    tokens_per_delta: ClassVar[int] = 1
    arguments_at_once: ClassVar[bool] = False

    def __init__(self, rng: Random) -> None:
        self.rng = rng
        self.transcription_model = rng.choice(self.transcription_models)
        self._era = self._letters(5)
        self._doubles_parts = rng.random() < 0.2

    def _letters(self, count: int) -> str:
        return "".join(self.rng.choices(ALPHABET, k=count))

    # ids

    def new_id(self, kind: str) -> str:
        """Make an id such as this server makes; `kind` is its prefix: event, item, resp, conv, sess, call."""
        if kind == "call":
            return "call_" + self._letters(16)
        return f"{kind}_{self._era}{self._letters(16)}"

    # events

    def frames(self, type_: str, fields: Json) -> Iterator[Event]:
        """Yield the events, none or one or more, that say this here; `type_` is the GA name."""
        yield self._pad({"type": type_, "event_id": self.new_id("event"), **fields})

    def _pad(self, event: Event) -> Event:
        if event["type"] in _PADDED:  # obfuscation fills each delta up to a multiple of sixteen characters
            event["obfuscation"] = self._letters(16 - len(event["delta"]) % 16)
        return event

    # nouns

    def anchor(self, item: Item) -> str | None:
        """Give `previous_item_id` as this server announces the item."""
        return item.previous_item_id

    def done_anchor(self, item: Item) -> str | None:
        """Give `previous_item_id` as `conversation.item.done` has it: servers often forget it there."""
        return None if item.role != "user" and self.rng.random() < 0.3 else item.previous_item_id

    def part_type(self, part: Part) -> str:
        """Name a part within an item."""
        return part.type

    def part(self, part: Part, *, in_item: bool = True) -> Json:
        """Shape a part within an item, or a content_part event, where assistant parts have short names."""
        kind = self.part_type(part) if in_item else part.type.removeprefix("output_")
        if part.type == "input_image":
            return {"type": kind, "image_url": part.text, "detail": "auto"}
        return {"type": kind, ("transcript" if part.type.endswith("audio") else "text"): part.text}

    def content_part(self, part: Part, *, done: bool) -> Json:
        """Shape the fields that hold the part in a content_part event."""
        shaped = self.part(part, in_item=False)
        if not done:
            shaped[("transcript" if part.type == "output_audio" else "text")] = ""
        return (
            {"part": shaped, "content": shaped} if self._doubles_parts else {"part": shaped}
        )  # as Azure does

    def item(self, item: Item, event: str = "") -> Json:
        """Shape an item as the event of that type carries it."""
        shaped: Json = {"id": item.id, **self.object_keys, "type": item.type}
        if item.type in ("message", "function_call"):
            shaped["status"] = item.status
        if item.type == "message":
            shaped |= {"role": item.role, "content": [self.part(part) for part in item.parts]}
        return shaped | item.fields

    def request(self, item: Item, *, with_id: bool) -> Json:
        """Shape an item as a client sends it in `conversation.item.create`."""
        shaped: Json = {"id": item.id} if with_id else {}
        shaped["type"] = item.type
        if item.type == "message":
            shaped |= {"role": item.role, "content": [Wire.part(self, part) for part in item.parts]}
        return shaped | item.fields

    def retrieved(self, item: Item) -> Json:
        """Shape an item as `conversation.item.retrieved` has it: with its audio, under short part names."""
        shaped: Json = {"object": "realtime.item"} | self.item(item)
        shaped["content"] = [
            self.part(part, in_item=part.type != "output_audio")
            | ({"audio": "".join(part.audio), "format": "pcm16"} if part.audio else {})
            for part in item.parts
        ]
        return shaped

    def usage(self, usage: Usage) -> Json:
        """Shape the usage of a response."""
        return {
            "total_tokens": usage.input + usage.output,
            "input_tokens": usage.input,
            "output_tokens": usage.output,
            "input_token_details": {
                "text_tokens": usage.input_text,
                "audio_tokens": usage.input_audio,
                "image_tokens": usage.input_image,
                "cached_tokens": usage.cached_text + usage.cached_audio,
                "cached_tokens_details": {
                    "text_tokens": usage.cached_text,
                    "audio_tokens": usage.cached_audio,
                    "image_tokens": 0,
                },
            },
            "output_token_details": {"text_tokens": usage.output_text, "audio_tokens": usage.output_audio},
        }

    def response(self, response: Response) -> Json:
        """Shape the fields of `response.created` and `response.done`."""
        return {
            "response": {
                "object": "realtime.response",
                "id": response.id,
                "status": response.status,
                "status_details": response.status_details,
                "output": [self.item(item) for item in response.output] if response.done else [],
                "conversation_id": response.conversation_id,
                "output_modalities": [response.modality],
                "max_output_tokens": "inf",
                "audio": {"output": {"format": PCM, "voice": "marin"}},
                "usage": self.usage(response.usage) if response.usage else None,
                "metadata": response.metadata,
            }
        }

    def session(
        self, session_id: str, modality: str, instructions: str, tools: list[Json], *, fresh: bool
    ) -> Json:
        """Shape a session as the server reports it, before (`fresh`) or after the client's update."""
        return {
            "type": "realtime",
            "object": "realtime.session",
            "id": session_id,
            "model": self.model,
            "output_modalities": ["audio"] if fresh else [modality],
            "instructions": "You are a helpful assistant." if fresh else instructions,
            "tools": [] if fresh else tools,
            "tool_choice": "auto",
            "max_output_tokens": "inf",
            "tracing": None,
            "truncation": "auto",
            "prompt": None,
            "expires_at": EPOCH + 3600,
            "audio": {
                "input": {
                    "format": PCM,
                    "transcription": None
                    if fresh
                    else {"model": self.transcription_model, "language": None, "prompt": None},
                    "noise_reduction": None,
                    "turn_detection": turn_detection(
                        idle_timeout_ms=None, create_response=True, interrupt_response=True
                    ),
                },
                "output": {"format": PCM, "voice": "marin", "speed": 1.0},
            },
            "include": None,
        }

    def session_update(self, modality: str, instructions: str, tools: list[Json]) -> Json:
        """Shape the session of the client's `session.update`."""
        return {
            "type": "realtime",
            "instructions": instructions,
            "output_modalities": [modality],
            "audio": {
                "input": {"format": PCM, "transcription": {"model": self.transcription_model}},
                "output": {"format": PCM, "voice": "marin"},
            },
            "tools": tools,
        }

    def status_details(self, status: str, reason: str) -> Json | None:
        """Shape why a response ended."""
        if status == "completed":
            return None
        if status == "failed":
            message = "The server had an error while processing your request."
            return {"type": "failed", "error": {"type": "server_error", "code": reason, "message": message}}
        return {"type": status, "reason": reason}

    def output_index(self, index: int) -> int:
        """Give the place in `response.output` as this server counts it."""
        return index

    def modality(self, modality: str) -> Json:
        """Shape the wish for a modality in the client's `response.create`."""
        return {"output_modalities": [modality]}
