"""Count tokens as the services bill them: ten a second of audio heard, twenty a second of audio spoken."""

from collections.abc import Iterable
from typing import Any

from rtstate.simulate._script import tokens
from rtstate.simulate._truth import Item, Usage

_CACHE_BLOCK = 64
_IMAGE = 85


def speech_ms(text: str) -> int:
    """Give how long it takes to say a text, at about fifteen characters a second."""
    return 300 + 65 * len(text)


def count_tokens(
    instructions: str, context: Iterable[Item], output: Iterable[Item], most_cached: int
) -> Usage:
    """Count tokens in and out; up to `most_cached` input tokens were cached, in whole blocks."""
    text, audio, image = len(tokens(instructions)) + 40, 0, 0
    for item in context:
        costs = _costs(item)
        text, audio, image = text + costs[0], audio + costs[1], image + costs[2]
    made = [_costs(item) for item in output]
    cached = min(most_cached, text + audio) // _CACHE_BLOCK * _CACHE_BLOCK
    return Usage(
        input_text=text,
        input_audio=audio,
        input_image=image,
        cached_text=min(cached, text),
        cached_audio=cached - min(cached, text),
        output_text=sum(costs[0] for costs in made) + 8,
        output_audio=sum(costs[1] for costs in made),
    )


def transcription_usage(model: str, text: str) -> dict[str, Any]:
    """Shape the usage of one transcription: whisper is billed by the second, the others by tokens."""
    if "whisper" in model:
        return {"type": "duration", "seconds": speech_ms(text) // 1000 + 1}
    heard, said = speech_ms(text) // 100, len(tokens(text)) + 2
    return {
        "type": "tokens",
        "total_tokens": heard + said,
        "input_tokens": heard,
        "input_token_details": {"text_tokens": 0, "audio_tokens": heard},
        "output_tokens": said,
    }


def _costs(item: Item) -> tuple[int, int, int]:
    """Give the text, audio and image tokens of an item."""
    text = len(tokens(str(item.fields.get("arguments", item.fields.get("output", "")))))
    audio = image = 0
    for part in item.parts:
        if part.type == "input_audio":
            audio += (part.audio_ms if part.audio_bytes else speech_ms(part.text or "")) // 100
        elif part.type == "input_image":
            image += _IMAGE
        else:
            text += len(tokens(part.text or ""))
            audio += part.audio_ms // 50
    return text, audio, image
