"""Telling speech from silence, and PCM from G.711."""

import warnings

import pytest

from rtstate.simulate._g711 import ALAW, PCM16, ULAW, encode, loudness, samples
from rtstate.simulate._listening import Ear, Heard
from tests.fake.support import b64decode, silence, tone

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    audioop = pytest.importorskip("audioop")

VAD = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200}
TONE, SILENCE = b64decode(tone(100)), b64decode(silence(100))


@pytest.mark.parametrize("encoding", [ULAW, ALAW])
def test_g711_is_decoded_as_python_does(encoding: str) -> None:
    decode = audioop.ulaw2lin if encoding == ULAW else audioop.alaw2lin
    every = bytes(range(256))
    assert samples(every, encoding).tobytes() == decode(every, 2)


@pytest.mark.parametrize("encoding", [ULAW, ALAW])
def test_g711_is_encoded_so_that_it_sounds_the_same(encoding: str) -> None:
    coded = encode(TONE * 5, encoding)
    assert len(coded) == 8 * 500
    assert loudness(coded, encoding) == pytest.approx(loudness(TONE * 5, PCM16), rel=0.15)
    decode = audioop.ulaw2lin if encoding == ULAW else audioop.alaw2lin
    plain = samples(TONE * 5, PCM16)[::3].tobytes()
    error = audioop.rms(audioop.add(decode(coded, 2), audioop.mul(plain, 2, -1), 2), 2)
    assert error < 250


def heard(*sounds: bytes, detection: dict[str, object] | None = None) -> list[Heard]:
    ear = Ear()
    ear.configure(PCM16, {**VAD, **(detection or {})})
    return [each for sound in sounds for each in ear.append(sound)]


def test_speech_starts_with_padding_and_stops_after_silence() -> None:
    found = heard(*[SILENCE] * 10, *[TONE] * 5, *[SILENCE] * 5)
    assert [each.what for each in found] == ["started", "stopped"]
    assert found[0].ms == 700
    assert 1600 < found[1].ms <= 1720


@pytest.mark.parametrize("size", [2, 7, 481, 4800, 100_000])
def test_the_size_of_the_chunks_makes_no_difference(size: int) -> None:
    whole = SILENCE * 10 + TONE * 5 + SILENCE * 5 + TONE * 3 + SILENCE * 4
    parts = [whole[at : at + size] for at in range(0, len(whole), size)]
    assert heard(*parts) == heard(whole)
    assert len(heard(whole)) == 4


def test_a_click_is_no_speech_and_a_short_pause_is_no_end() -> None:
    assert heard(SILENCE, TONE[: 40 * 48], *[SILENCE] * 9) == []
    assert [each.what for each in heard(*[TONE, TONE, SILENCE] * 4)] == ["started"]


def test_the_threshold_and_the_silence_are_the_sessions() -> None:
    assert heard(*[TONE] * 5, detection={"threshold": 1e9}) == []
    assert heard(*[TONE] * 5, *[SILENCE] * 9, detection={"silence_duration_ms": 1000})[1:] == []
    assert len(heard(*[TONE] * 5, *[SILENCE] * 9, detection={"type": "semantic_vad"})) == 2


def test_what_was_heard_is_taken_from_the_padding_on() -> None:
    ear = Ear()
    ear.configure(PCM16, VAD)
    began = ended = 0
    for sound in [SILENCE] * 10 + [TONE] * 5 + [SILENCE] * 3:
        for each in ear.append(sound):
            if each.what == "started":
                began = each.ms
            else:
                ended = each.ms
                assert len(ear.take()) == (ended - began) * 48
    assert ended
    assert ear.ms == 1800
