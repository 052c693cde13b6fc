"""Verbs for what the user says: voice activity, the item it becomes, and its transcription."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs

from rtstate._draft.answers import Answers
from rtstate._draft.parts import LAST_INDEX
from rtstate._draft.work import ItemWork, PartWork
from rtstate._growing import joined
from rtstate._json import EMPTY, FrozenDict
from rtstate._model import InputAudio, Transcription
from rtstate._operations import ABSENT
from rtstate._trace import Transcribed
from rtstate._types import COMPLETED, ItemId, Json


class Speech(Answers):
    """What can happen to the user's audio. Its events come before its item as often as after it."""

    __slots__ = ()

    def start_speech(self, item_id: ItemId | None, at_ms: float | None) -> None:
        """Note that the user began to speak; from now on there is an item for it."""
        item = None if item_id is None else self.user_item(item_id)
        if item is not None and item.trace.start_ms is None:
            self.mark(item, start_ms=at_ms)
        if item_id is None or item is not None:
            self.hear(speaking=True, item_id=item_id, speech_started_ms=at_ms, speech_stopped_ms=None)

    def stop_speech(self, item_id: ItemId | None, at_ms: float | None) -> None:
        """Note that the user stopped, unless that was another turn than the one being spoken."""
        if item_id is not None and self.too_late(item_id):
            return
        now = self.input_audio
        if now.speaking and None not in (item_id, now.item_id) and item_id != now.item_id:
            self.note("late", f"the end of speech of item {item_id!r} while {now.item_id!r} speaks; ignored")
            return
        if item_id not in (None, now.item_id):
            self.hear(item_id=item_id, speech_started_ms=None)
        self.hear(speaking=False, speech_stopped_ms=at_ms)
        item = self.items.get(self.input_audio.item_id or "")
        if item is not None:
            self._end_speech(item, at_ms)

    def _end_speech(self, item: ItemWork, at_ms: float | None) -> None:
        """Note when speech ended, as it was told first, unless it has been taken up again since."""
        told = item.trace
        again = None not in (at_ms, told.end_ms) and at_ms > told.end_ms  # type: ignore[operator]
        if again or (told.end_ms is None and told.speech_stopped_at is None):
            self.mark(item, end_ms=at_ms, speech_stopped_at=self.at)
        elif told.end_ms is None:
            self.mark(item, end_ms=at_ms)

    def commit_speech(self, item_id: ItemId) -> ItemWork | None:
        """Return the user's item that the audio became; None if it is gone. The user has stopped."""
        item = self.user_item(item_id)
        if item is not None:
            self.stamp(item, "speech_stopped_at")
        if item is not None and self.input_audio.item_id in (None, item_id):
            self.hear(speaking=False)
        return item

    def discard_speech(self) -> None:
        """Forget speech that was never committed, with its item if nothing of it was heard."""
        item_id = self.input_audio.item_id
        item = None if item_id is None else self.items.get(item_id)
        uncommitted = item is not None and item.is_open and not self.order.knows(item.id)
        if item is not None and uncommitted and not any(part.streamed for part in item.parts):
            self.drop(item)
        self.hush()

    def user_item(self, item_id: ItemId) -> ItemWork | None:
        """Return the user's item of this id, made if this is the first sight of it; None if it is gone."""
        if not item_id:
            self.note("impossible", "an item without an id; ignored")
            return None
        if self.too_late(item_id):
            return None
        if item_id not in self.items:
            item = self.add_item(item_id, "message")
            item.role = "user"
            self.retype(self.part_at(item, 0), "input_audio")
        return self.items[item_id]

    def user_part(self, item_id: ItemId, index: int, *, delta: bool = False) -> PartWork | None:
        """Return the spoken part that a transcription is of, made if need be; None where that cannot be.

        A ``delta`` is late once there is a final text.
        """
        item = self.items.get(item_id)
        part = item.parts[index] if item is not None and index < len(item.parts) else None
        if index > LAST_INDEX:
            self.note("impossible", f"content_index {index} is beyond {LAST_INDEX}; ignored")
            return None
        if item is not None and item.session == self.session_number:
            typed = part is not None and part.type not in (None, "input_audio")
            if typed or not item.has_parts or item.role not in (None, "user"):
                self.note(
                    "impossible",
                    f"part {index} of item {item_id!r} is not one the user can have spoken; ignored",
                )
                return None
            if delta and part is not None and part.final:
                self.note("late", f"a transcription delta for item {item_id!r} after its end; ignored")
                return None
        item = self.user_item(item_id)
        if item is None:
            return None
        self.write(item, "role", "user")
        part = self.part_at(item, index)
        self.retype(part, "input_audio")
        return part

    def append_transcription(self, part: PartWork, delta: str) -> None:
        """Append a delta to the transcript of what the user said. Cost: O(1)."""
        if delta:
            part.streamed = True
            self.grow(part, "transcript", delta)
            self._set_transcription(part, "partial")

    def revise_transcription(
        self,
        part: PartWork,
        transcript: str,
        usage: Mapping[str, Json] | None = None,
        *,
        finishing: bool = False,
    ) -> None:
        """Replace the transcript so far by a better one that is not final yet.

        After a final one only a transcript that goes on from it counts: the user took the turn up again. A
        ``finishing`` one is final as soon as an answer or another item begins (xAI).
        """
        known = joined(part.transcript) or ""
        if transcript and (not part.final or (known and transcript.startswith(known))):
            part.streamed = True
            self.set_text(part, "transcript", transcript)
            if not part.final:
                self._set_transcription(part, "partial")
                if finishing:
                    self.finishing = (part, usage)

    def begin(self) -> None:
        """Make the transcript final that only waited for something else to begin."""
        if self.finishing is not None:
            (part, usage), self.finishing = self.finishing, None
            if not part.final and self.holds(part):
                self.finish_transcription(part, None, usage, EMPTY)

    def finish_transcription(
        self,
        part: PartWork,
        transcript: str | None,
        usage: Mapping[str, Json] | None,
        extra: Mapping[str, Json],
    ) -> None:
        """Set the final transcript (None: what the deltas made of it), and count its cost once.

        The item is complete then.
        """
        part.streamed = True
        part.transcript = joined(part.transcript)
        finished = part.transcription is not None and part.transcription.status == "final"
        if transcript or (transcript is not None and not (finished and part.transcript)):
            self.set_text(part, "transcript", transcript)
        self._set_transcription(part, "final")
        self.set_status(part.item, COMPLETED)
        self.merge(part, extra, flat=False)
        self.bill(part, "transcription", usage)
        told = {each.content_index: each for each in part.item.trace.transcribed}
        before = told.get(part.index)
        if before is None or (usage and not before.usage):  # as it is billed: the first usage counts
            told[part.index] = Transcribed(part.index, self.transcription_model, usage)
            self.mark(part.item, transcribed=tuple(told.values()))

    def fail_transcription(self, part: PartWork, error: Mapping[str, Json] | None) -> None:
        """Note that there will be no transcript, unless there is one. What was understood so far stays."""
        if part.transcription is not None and part.transcription.status != "final":
            part.transcript = joined(part.transcript)
            self._set_transcription(part, "failed", error)

    def add_segment(self, part: PartWork, segment: Mapping[str, Json]) -> None:
        """Add who said a stretch of the transcript, once per segment id."""
        told: Any = part.extra.get("segments")
        known: tuple[Any, ...] = tuple(told) if isinstance(told, tuple) else ()  # pyright: ignore[reportUnknownArgumentType, reportUnknownVariableType]
        segment_id = segment.get("id")
        if segment_id in part.segments:
            return
        if segment_id is not None:
            part.segments.add(segment_id)
        if not known:
            self.merge(part, {"segments": (segment,)}, flat=False)
            return
        part.extra = FrozenDict({**part.extra, "segments": (*known, segment)})
        self.touch(part)
        if not part.quiet:
            self.ops.append(("add", (*part.path, "extra", "segments", len(known)), segment, ABSENT))

    def _set_transcription(
        self, part: PartWork, status: Any, error: Mapping[str, Json] | None = None
    ) -> None:
        if part.transcription is None or part.transcription.status != status:
            self.write(part, "transcription", Transcription(status, error))
            self.write(part, "final", status in ("final", "failed"))

    def hush(self) -> None:
        """Forget what was known of the user's audio."""
        self.hear(**attrs.asdict(InputAudio()))

    def hear(self, **fields: Json) -> None:
        """Set what is known of the user's audio, and write down what that changes."""
        news = {name: value for name, value in fields.items() if getattr(self.input_audio, name) != value}
        if news:
            old = self.input_audio
            self.set_root(
                "input_audio",
                attrs.evolve(old, **news),
                [
                    ("replace", ("input_audio", name), value, getattr(old, name))
                    for name, value in news.items()
                ],
            )
