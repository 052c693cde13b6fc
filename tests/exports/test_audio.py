"""WAV files: the standard library reads them, and finds the very samples that were received."""

import base64
import io
import struct
import sys
import warnings
import wave
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, simulate
from rtstate.exports import wav
from tests.exports_support import SIMULATED, Dict
from tests.helpers import added, assistant, response_created, retrieved, streamed

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import audioop

GA = {"audio": {"output": {"format": {"type": "audio/pcmu"}}, "input": {"format": {"type": "audio/pcma"}}}}


def kept(*events: Dict, session: Dict | None = None) -> Conversation:
    conversation = Conversation(audio="keep")
    for event in ({"type": "session.created", "session": {"id": "sess_1", **(session or {})}}, *events):
        conversation.feed(event)
    return conversation


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def heard(data: bytes, **fields: Any) -> Dict:
    return streamed("output_audio.delta", **{"delta": coded(data), **fields})


def read(file: bytes) -> tuple[int, bytes]:
    """The rate and the samples of a mono file of 16 bits."""
    with wave.open(io.BytesIO(file)) as found:
        assert (found.getnchannels(), found.getsampwidth(), found.getcomptype()) == (1, 2, "NONE")
        return found.getframerate(), found.readframes(found.getnframes())


@pytest.mark.parametrize(
    ("session", "rate"),
    [
        ({}, 24_000),
        ({"output_audio_format": "pcm16"}, 24_000),
        *(
            ({"audio": {"output": {"format": {"type": "audio/pcm", "rate": rate}}}}, rate)
            for rate in (8_000, 16_000, 22_050, 44_100, 48_000)
        ),
        ({"audio": {"output": {"format": {"type": "audio/opus"}}}}, 24_000),
    ],
)
def test_pcm_is_what_was_received(session: Dict, rate: int) -> None:
    samples = struct.pack("<300h", *range(-15_000, 15_000, 100))
    conversation = kept(heard(samples[:200]), heard(samples[200:]), session=session)
    assert read(wav(conversation, "a1")) == (rate, samples)


@pytest.mark.parametrize(
    ("session", "decode"),
    [
        ({"output_audio_format": "g711_ulaw"}, audioop.ulaw2lin),
        ({"output_audio_format": "g711_alaw"}, audioop.alaw2lin),
        ({"audio": {"output": {"format": {"type": "audio/pcmu"}}}}, audioop.ulaw2lin),
        ({"audio": {"output": {"format": {"type": "audio/pcma"}}}}, audioop.alaw2lin),
    ],
)
def test_g711_is_decoded(session: Dict, decode: Any) -> None:
    every_byte = bytes(range(256))
    assert read(wav(kept(heard(every_byte), session=session), "a1")) == (8_000, decode(every_byte, 2))


def test_the_largest_samples_of_g711_are_those_of_the_standard() -> None:
    """G.711, by its tables: 0x80 and 0xAA are the loudest positive ones, 0xFF and 0xD5 the quietest."""
    for name, loudest, quietest in (("ulaw", (0x80, 32_124), (0xFF, 0)), ("alaw", (0xAA, 32_256), (0xD5, 8))):
        conversation = kept(
            heard(bytes([loudest[0], quietest[0]])), session={"output_audio_format": f"g711_{name}"}
        )
        assert struct.unpack("<2h", read(wav(conversation, "a1"))[1]) == (loudest[1], quietest[1])


def test_the_format_of_the_response_goes_before_that_of_the_session() -> None:
    own = response_created("r1", audio={"output": {"format": {"type": "audio/pcm", "rate": 16_000}}})
    conversation = kept(own, added(assistant()), heard(bytes(3200)), session=GA)
    assert read(wav(conversation, "a1")) == (16_000, bytes(3200))


def test_what_the_user_said_has_the_format_of_the_input() -> None:
    part = {"type": "input_audio", "audio": coded(b"\xaa\xd5"), "transcript": "Hi"}
    item = {"id": "u1", "type": "message", "role": "user", "content": [part]}
    assert read(wav(kept(retrieved(item), session=GA), "u1")) == (8_000, struct.pack("<2h", 32_256, 8))


def test_another_part_is_another_file() -> None:
    conversation = kept(heard(bytes(20)), heard(bytes(40), index=1))
    assert [len(read(wav(conversation, "a1", index))[1]) for index in (0, 1)] == [20, 40]


def test_half_a_sample_is_dropped() -> None:
    assert read(wav(kept(heard(b"\1\2\3")), "a1")) == (24_000, b"\1\2")


def changed(session: Dict) -> Dict:
    return {"type": "session.updated", "session": {"id": "sess_1", **session}}


REFUSED: dict[str, tuple[Conversation, str, int, type[Exception], str]] = {
    "only measured": (Conversation(), "a1", 0, ValueError, "only measured"),
    "no such item": (kept(), "a1", 0, LookupError, "'a1'"),
    "no such part": (kept(heard(b"..")), "a1", 1, LookupError, "no part 1"),
    "no audio": (kept(added(assistant("a1", {"type": "text"}))), "a1", 0, ValueError, "no audio"),
    "deleted": (
        kept(heard(b".."), added(assistant()), {"type": "conversation.item.delete", "item_id": "a1"}),
        "a1",
        0,
        LookupError,
        "'a1'",
    ),
    "another format since": (
        kept(heard(bytes(4800)), changed({"output_audio_format": "g711_ulaw"})),
        "a1",
        0,
        ValueError,
        "not in the format",
    ),
    "no rate of this world": (
        kept(
            heard(bytes(4800)),
            session={"audio": {"output": {"format": {"type": "audio/pcm", "rate": 1 << 40}}}},
        ),
        "a1",
        0,
        ValueError,
        "not in the format",
    ),
}


@pytest.mark.parametrize(
    ("conversation", "item_id", "index", "error", "message"), REFUSED.values(), ids=list(REFUSED)
)
def test_what_cannot_be_is_said(
    conversation: Conversation, item_id: str, index: int, error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        wav(conversation, item_id, index)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "audioop", None)
    assert read(wav(kept(heard(bytes(4))), "a1")) == (24_000, bytes(4))
    with pytest.raises(ModuleNotFoundError, match=r"rtstate\[audio\]"):
        wav(kept(heard(b".."), session={"output_audio_format": "g711_ulaw"}), "a1")


@given(st.lists(st.binary(max_size=50)), st.sampled_from([None, "pcm16", "g711_ulaw", "g711_alaw"]))
def test_any_sound_is_a_file(chunks: list[bytes], form: str | None) -> None:
    conversation = kept(*map(heard, chunks), session={"output_audio_format": form} if form else {})
    data = b"".join(chunks)
    if not data:
        return
    size = len(data) // 2 if form in (None, "pcm16") else len(data)
    assert len(read(wav(conversation, "a1"))[1]) == size * 2


def every_file(conversation: Conversation) -> int:
    """Read every part that has audio as a file, and say how many there were."""
    count = 0
    for item in conversation.snapshot().items:
        for index, part in enumerate(item.content):
            if data := conversation.audio(item.id, index):
                rate, samples = read(wav(conversation, item.id, index))
                assert samples == data[: len(data) // 2 * 2]
                assert len(data) * 1000 // (rate * 2) == part.audio_ms
                count += 1
    return count


@pytest.mark.parametrize("name", SIMULATED)
def test_every_simulated_answer_is_a_file(name: str) -> None:
    dialect, seed = name.split()
    session = simulate.session(int(seed), 4, dialect, ["audio", "interruption"])
    conversation = Conversation(audio="keep")
    for event in session.events:
        conversation.feed(event)
    assert every_file(conversation) == len(session.truth.audio_ms)


def test_every_recorded_answer_is_a_file(recording: Path) -> None:
    conversation = Conversation(audio="keep")
    for line in recording.read_text().splitlines():
        conversation.feed(line)
    every_file(conversation)
