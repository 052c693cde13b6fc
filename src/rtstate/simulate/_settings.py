"""Keep the settings of a live session in the shape of its dialect, and read them in one."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Literal, cast

from rtstate.simulate._g711 import NAMES, PCM16, bytes_per_ms
from rtstate.simulate._wire import Json

_NESTED = ("audio", "input", "output")


def merged(old: Json, new: Mapping[str, Any]) -> Json:
    """Return settings with others on top: what is given counts, object by object."""
    result = dict(old)
    for key, value in new.items():
        nested = key in _NESTED and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if nested else deepcopy(value)
    return result


class Settings:
    """Hold a session's settings, or a response's on top of them. `beta`: they are flat."""

    def __init__(self, fields: Json, *, beta: bool) -> None:
        self.fields = fields
        self.beta = beta

    def update(self, wish: Mapping[str, Any]) -> None:
        """Take what a client wants; it has been checked."""
        if (wished := self._turn_detection_of(wish)) is not None:
            defaults: Json = {"create_response": True, "interrupt_response": True}
            if wished["type"] == "server_vad":
                defaults |= {"threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
            whole = defaults | {key: value for key, value in wished.items() if value is not None}
            within: Json = {"turn_detection": whole}
            wish = merged(dict(wish), within if self.beta else {"audio": {"input": within}})
        self.fields = merged(self.fields, wish)

    def _turn_detection_of(self, wish: Mapping[str, Any]) -> Json | None:
        holder: Any = wish if self.beta else wish.get("audio", {}).get("input", {})
        return cast("Json | None", holder.get("turn_detection"))

    def _audio(self, side: str) -> Json:
        return cast(Json, self.fields.get("audio", {}).get(side, {}))

    @property
    def modality(self) -> Literal["text", "audio"]:
        """Give what the model answers in."""
        wanted = self.fields.get("modalities" if self.beta else "output_modalities") or ["audio"]
        return "audio" if "audio" in wanted else "text"

    @property
    def instructions(self) -> str:
        """Give the instructions."""
        return str(self.fields.get("instructions") or "")

    @property
    def tools(self) -> list[Json]:
        """Give the functions that may be called: those that have a name."""
        tools = cast(list[Json], self.fields.get("tools") or [])
        return [tool for tool in tools if tool["type"] == "function" and isinstance(tool.get("name"), str)]

    @property
    def tool_choice(self) -> Any:
        """Give how tools are chosen."""
        return self.fields.get("tool_choice") or "auto"

    @property
    def max_tokens(self) -> int | None:
        """Give the most tokens that an answer may have."""
        names = ("max_output_tokens", "max_response_output_tokens")
        found = next((self.fields[name] for name in names if name in self.fields), "inf")
        return None if found == "inf" else int(found)

    @property
    def voice(self) -> Any:
        """Give the voice."""
        return self.fields.get("voice") if self.beta else self._audio("output").get("voice")

    @property
    def transcription(self) -> Json | None:
        """Give how the user's speech is transcribed; None where it is not."""
        if self.beta:
            return cast("Json | None", self.fields.get("input_audio_transcription"))
        return cast("Json | None", self._audio("input").get("transcription"))

    @property
    def turn_detection(self) -> Json | None:
        """Give how the end of a turn is found; None where the client says so."""
        return cast("Json | None", (self.fields if self.beta else self._audio("input")).get("turn_detection"))

    def encoding(self, side: Literal["input", "output"]) -> str:
        """Name how audio is encoded."""
        if self.beta:
            return NAMES[self.fields.get(f"{side}_audio_format") or PCM16]
        return NAMES[self._audio(side).get("format", {}).get("type", PCM16)]

    def bytes_per_ms(self, side: Literal["input", "output"]) -> int:
        """Give how much audio a millisecond is."""
        return bytes_per_ms(self.encoding(side))
