"""The audio of a part as a WAV file."""

from __future__ import annotations

import io
import warnings
from typing import Final

from rtstate._audio_format import AudioFormat, audio_format
from rtstate._model import Item, Part
from rtstate.conversation import Conversation
from rtstate.document import Snapshot

_SAMPLE_SIZE: Final = 2
_FASTEST: Final = 768_000
"""In Hz: no rate beyond it is one, and the header of a WAV file ends not far above."""


def wav(conversation: Conversation, item_id: str, content_index: int = 0) -> bytes:
    """Return the audio that was received for a part as a WAV file: mono, PCM of 16 bits.

    The rate is that of the response, else of the session, else 24 kHz. G.711 is decoded to PCM, at its 8 kHz.
    It is all that was received; of an answer that was cut off, also what nobody heard
    (``part.truncated.audio_end_ms`` is where it ended). What the user said is there only where an event
    brought an item with its audio, as ``conversation.item.retrieved`` does.

    Needs ``Conversation(audio="keep")``, and for G.711 from Python 3.13 on the extra ``rtstate[audio]``.
    Raises ValueError where audio was only measured, where none was received, and where the session changed
    its format since; LookupError where there is no such part. Cost: the length of the audio.

    >>> import base64, io, wave
    >>> from rtstate import Conversation
    >>> conversation = Conversation(audio="keep")
    >>> sound = base64.b64encode(bytes(4800)).decode()
    >>> _ = conversation.feed({"type": "response.output_audio.delta", "item_id": "item_1", "delta": sound})
    >>> with wave.open(io.BytesIO(wav(conversation, "item_1"))) as file:
    ...     file.getframerate(), file.getnframes()
    (24000, 2400)
    """
    data = conversation.audio(item_id, content_index)
    snapshot = conversation.snapshot()
    item = snapshot.item(item_id)
    if item is None:  # the client has asked for its deletion
        raise LookupError(f"no item {item_id!r}")
    part = item.content[content_index]
    if not data:
        raise ValueError(f"no audio was received for part {content_index} of item {item_id!r}")
    form = _format(snapshot, item, part)
    if len(data) * 1000 // form.bytes_per_second != part.audio_ms or form.rate > _FASTEST:
        raise ValueError(
            f"the audio of item {item_id!r} is not in the format that the session has now: {form}"
        )
    return _file(_decoded(data, form), form.rate)


def _format(snapshot: Snapshot, item: Item, part: Part) -> AudioFormat:
    """Return what the audio of a part is encoded as: as it was when it was measured."""
    session = snapshot.session or {}
    if part.type == "input_audio":
        return audio_format(session, "input") or AudioFormat()
    response = None if item.response_id is None else snapshot.response(item.response_id)
    own = None if response is None else audio_format(response.extra, "output")
    return own or audio_format(session, "output") or AudioFormat()


def _decoded(data: bytes, form: AudioFormat) -> bytes:
    """Return audio as PCM; half a sample at the end is dropped."""
    if form.encoding == "pcm":
        return data[: len(data) // _SAMPLE_SIZE * _SAMPLE_SIZE]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # from 3.13 on it is a package of its own
        try:
            import audioop
        except ModuleNotFoundError as missing:
            hint = "G.711 needs audioop-lts: pip install 'rtstate[audio]'"
            raise ModuleNotFoundError(hint, name=missing.name) from None
    decode = audioop.ulaw2lin if form.encoding == "pcmu" else audioop.alaw2lin
    return decode(data, _SAMPLE_SIZE)


def _file(samples: bytes, rate: int) -> bytes:
    import wave  # who wants no file pays nothing for it

    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(_SAMPLE_SIZE)
        file.setframerate(rate)
        file.writeframes(samples)
    return made.getvalue()
