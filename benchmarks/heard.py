"""How many words the estimate of what was heard is wrong by.

An answer that is cut off says at which millisecond, not at which word. The estimate is compared with speech
of which it is known when each word begins (eSpeak NG, five voices, four languages): answers are cut off at
random, and what counts is by how many words ``heard_transcript`` differs from what had been spoken to its
end. Beside it stands the usual way, the text cut off in proportion to its characters.

The constants of the estimate were guessed and not fitted to these texts: a comma takes as long as four
letters, a full stop as six, a digit as four. Text that came with its audio helps where the voice paused.
Nearly all of the gain lies where an answer was cancelled while it was being sent: its text is far ahead of
its audio then, and the proportion takes for heard what nobody was told.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any, Final, TypeAlias

from benchmarks._harness import Figure, Rounds, Size, question
from benchmarks._speech import Speech, say
from rtstate import Conversation

HEARD = "heard_transcript"
CHARACTERS = "in proportion to characters"

_CHUNK_MS: Final = 100
_SPOKEN: Final = Path(__file__).with_name("spoken.tsv")
"""A voice, words a minute, and what is said, a line each."""

Arrival: TypeAlias = Callable[[float, Random], float]
"""When the text of a word comes, by how much of the audio has: from when the word is spoken."""


def _first(start_ms: float, random: Random) -> float:
    return 0


def _ahead(start_ms: float, random: Random) -> float:
    """Have the text done when a third of the audio has come, as in a recorded session of GPT Realtime."""
    return max(0, start_ms / 3 - 300 + random.uniform(-100, 100))


def _in_step(start_ms: float, random: Random) -> float:
    return max(0, start_ms - random.uniform(0, 500))


@question
def heard(size: Size) -> Iterator[Figure]:
    lines = [line.split("\t") for line in _SPOKEN.read_text(encoding="utf-8").splitlines()]
    answers = [say(text, voice, int(pace)) for voice, pace, text in lines]
    paused = [one.then(other, 2_500) for one, other in pairwise(answers)]
    yield _beside(size, "whole answers, text first", answers, _first)
    yield _beside(size, "whole answers, text in step", answers, _in_step)
    yield _beside(size, "whole answers that pause, text first", paused, _first)
    yield _beside(size, "whole answers that pause, text in step", paused, _in_step)
    yield _beside(size, "cancelled answers, text ahead", answers, _ahead, cancelled=True)
    yield _beside(size, "cancelled answers, text in step", answers, _in_step, cancelled=True)


def _beside(
    size: Size, on: str, answers: list[Speech], arrival: Arrival, *, cancelled: bool = False
) -> Figure:
    """Cut each answer off once in every round; a sample is the mean error in words."""
    samples: dict[str, list[float]] = {HEARD: [], CHARACTERS: []}
    for number in range(size.pick(2, 40, 200)):
        random = Random(number)
        errors: dict[str, list[int]] = {HEARD: [], CHARACTERS: []}
        for speech in answers:
            sent_ms = speech.ms * random.uniform(0.3, 1) if cancelled else speech.ms
            heard_ms = random.uniform(0, sent_ms)
            part = _cut_off(_events(speech, arrival, sent_ms, random), int(heard_ms), cancelled)
            said = part.truncated.generated_transcript
            proportion = said[: int(len(said) * heard_ms / sent_ms)].rpartition(" ")[0]
            true = min(speech.heard(heard_ms), len(said.split()))
            errors[HEARD].append(abs(len(part.transcript.split()) - true))
            errors[CHARACTERS].append(abs(len(proportion.split()) - true))
        for name, counts in errors.items():
            samples[name].append(sum(counts) / len(counts))
    return Rounds(on, samples, "words").figure(HEARD, CHARACTERS, 1)


def _events(speech: Speech, arrival: Arrival, sent_ms: float, random: Random) -> Iterator[dict[str, Any]]:
    """Yield the text and the audio of an answer, as far as it was sent."""
    ends = [*[word.start for word in speech.words[1:]], len(speech.text)]
    texts = [speech.text[word.start : end] for word, end in zip(speech.words, ends, strict=True)]
    due = [arrival(word.start_ms, random) for word in speech.words]
    audio_ms, at = 0.0, 0
    while True:
        while at < len(texts) and due[at] <= audio_ms:
            yield _delta("output_audio_transcript", texts[at])
            at += 1
        if audio_ms >= sent_ms:
            return
        ms = min(_CHUNK_MS, sent_ms - audio_ms)
        yield _delta("output_audio", b64encode(bytes(int(ms * 24) * 2)).decode())
        audio_ms += ms


def _delta(name: str, delta: str) -> dict[str, Any]:
    ids = {"response_id": "resp_1", "item_id": "item_1", "output_index": 0, "content_index": 0}
    return {"type": f"response.{name}.delta", **ids, "delta": delta}


def _cut_off(events: Iterator[dict[str, Any]], heard_ms: int, cancelled: bool) -> Any:
    """Return the part as it is when its answer was cut off."""
    conversation = Conversation()
    for event in events:
        conversation.feed(event)
    status = "incomplete" if cancelled else "completed"
    item = {"id": "item_1", "type": "message", "role": "assistant", "status": status, "content": []}
    conversation.feed(
        {"type": "response.output_item.done", "response_id": "resp_1", "output_index": 0, "item": item}
    )
    mark = {"item_id": "item_1", "content_index": 0, "audio_end_ms": heard_ms}
    conversation.feed({"type": "conversation.item.truncated", **mark})
    item_now = conversation.snapshot().item("item_1")
    assert item_now is not None
    return item_now.content[0]
