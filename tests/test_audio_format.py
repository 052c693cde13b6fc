"""The format of a session's audio, in every spelling that servers use."""

from typing import Any

import pytest

from rtstate._audio_format import AudioFormat, audio_format

PCM, ULAW, ALAW = AudioFormat(), AudioFormat("pcmu", 8000), AudioFormat("pcma", 8000)


def ga(form: Any) -> dict[str, Any]:
    return {"audio": {"output": {"format": form}}}


def beta(name: str) -> dict[str, Any]:
    return {"output_audio_format": name}


TABLE: dict[str, tuple[dict[str, Any], AudioFormat | None]] = {
    "nothing": ({}, None),
    "the other side's": ({"audio": {"input": {"format": {"type": "audio/pcmu"}}}}, None),
    "nulls": ({"audio": {"output": {"format": None}}, "output_audio_format": None}, None),
    "no side": ({"audio": None}, None),
    "PCM": (ga({"type": "audio/pcm", "rate": 24000}), PCM),
    "PCM without a rate": (ga({"type": "audio/pcm"}), PCM),
    "PCM at an odd rate": (ga({"type": "audio/pcm", "rate": -1}), PCM),
    "PCM of xAI": (ga({"type": "audio/pcm", "rate": 48000}), AudioFormat("pcm", 48_000)),
    "μ-law": (ga({"type": "audio/pcmu"}), ULAW),
    "A-law": (ga({"type": "audio/pcma"}), ALAW),
    "a name": (ga("pcma"), ALAW),
    "another spelling": (ga({"type": "audio/G711-ulaw"}), ULAW),
    "beta's PCM": (beta("pcm16"), PCM),
    "beta's μ-law": (beta("g711_ulaw"), ULAW),
    "beta's A-law": (beta("g711_alaw"), ALAW),
    "Voice Live's PCM at 8 kHz": (beta("pcm16_8000hz"), AudioFormat("pcm", 8000)),
    "Voice Live's PCM at 16 kHz": (beta("pcm16-16000hz"), AudioFormat("pcm", 16_000)),
    "Voice Live's rate beside it": (
        {**beta("pcm16"), "output_audio_sampling_rate": 16_000},
        AudioFormat("pcm", 16_000),
    ),
    "Voice Live's rate alone": ({"output_audio_sampling_rate": 16_000}, AudioFormat("pcm", 16_000)),
    "a rate that is none": ({"output_audio_sampling_rate": "fast"}, PCM),
    "one we do not know": (ga({"type": "audio/opus", "rate": 48000}), None),
}


@pytest.mark.parametrize(("settings", "expected"), TABLE.values(), ids=list(TABLE))
def test_every_spelling_is_read(settings: dict[str, Any], expected: AudioFormat | None) -> None:
    assert audio_format(settings, "output") == expected


def test_both_sides_have_their_own() -> None:
    settings = {**beta("g711_alaw"), "input_audio_format": "pcm16"}
    assert audio_format(settings, "input") == PCM
    assert audio_format(settings, "output") == ALAW


@pytest.mark.parametrize(("form", "size"), [(PCM, 48_000), (AudioFormat("pcm", 8000), 16_000), (ULAW, 8000)])
def test_a_second_has_a_size(form: AudioFormat, size: int) -> None:
    assert form.bytes_per_second == size
