"""Verbs for the parts of a message and for texts: filling, growing, finishing, truncating."""

from __future__ import annotations

from typing import Final

from rtstate._audio_format import AudioFormat
from rtstate._draft.copies import PartCopy
from rtstate._draft.work import ItemWork, PartWork
from rtstate._draft.writer import Writer
from rtstate._growing import Audio, Growing, Text, grown, joined
from rtstate._model import Transcription

LAST_INDEX: Final = 1000
"""The largest content index an event may name; one beyond would make parts nobody can want."""

DEFAULT_BYTES_PER_SECOND: Final = AudioFormat().bytes_per_second

_TYPED: Final = ("input_text", "input_image")


class Parts(Writer):
    """What can happen to a part, whoever speaks it."""

    __slots__ = ()

    def part_at(self, item: ItemWork, index: int) -> PartWork:
        """Return the part at an index, made with those before it if there is none yet."""
        while len(item.parts) <= index:
            self.add_part(item)
        return item.parts[index]

    def retype(self, part: PartWork, part_type: str) -> None:
        """Say what a part is. A spoken part of the user's waits for its transcription from then on."""
        if part.type != part_type:
            self.renew(part)
            part.type = part_type
            part.transcription = Transcription() if part_type == "input_audio" else None

    def fill_part(self, part: PartWork, copy: PartCopy, *, closes: bool) -> None:
        """Take over what a copy of a part says; one that does not close it fills only what is empty."""
        told = part.streamed or part.text is not None or part.transcript is not None
        if copy.type is not None and not (told and part.type is not None and part.is_known):
            self.retype(part, copy.type)
        if not part.is_known:
            self.merge(part, copy.extra, flat=True)
            return
        closes = closes or part.type in _TYPED
        if copy.text and (closes or part.text is None):
            self.set_text(part, "text", copy.text)
        takes = closes or part.transcript is None
        if copy.transcript and takes and not self._is_cut(part, copy.transcript):
            self.set_text(part, "transcript", copy.transcript)
            if part.transcription is not None and closes and not part.final:
                self.write(part, "transcription", Transcription("final"))
                self.write(part, "final", True)
        if copy.audio and part.audio is None:
            self._take_audio(part, copy.audio)
        if part.type == "input_image":
            self.write(part, "image_url", copy.image_url or part.image_url)
            self.write(part, "detail", copy.detail or part.detail)
        self.merge(part, copy.extra, flat=False)
        if part.type in _TYPED:
            self.write(part, "final", True)

    def _is_cut(self, part: PartWork, transcript: str) -> bool:
        """Tell whether a copy has only the beginning of what was said: the server has cut it off as well."""
        said = joined(part.transcript) or ""
        return part.mark is not None and len(transcript) < len(said) and said.startswith(transcript)

    def close_part(self, part: PartWork) -> None:
        """Make a part's texts final. What the user said waits for its transcription instead."""
        if part.transcription is None and part.is_known:
            part.text, part.transcript, part.stream = joined(part.text), joined(part.transcript), None
            self.write(part, "final", True)

    def grow(self, node: PartWork | ItemWork, name: str, delta: str, source: str = "") -> None:
        """Append a delta to a text; ``source`` is its wire name, where that counts. Cost: O(1)."""
        text: Text = getattr(node, name)
        growing = text
        if not isinstance(growing, Growing):
            growing = Growing((*node.path, name), source)
            growing.chunks.extend([text] if isinstance(text, str) else [])
            setattr(node, name, growing)
        if isinstance(node, PartWork) and name == "transcript":
            node.note_arrival(growing)
        growing.chunks.append(delta)
        self.stamp(node.item if isinstance(node, PartWork) else node, "first_text_at")
        if self._shown_as_heard(node, name):
            return
        if isinstance(node, PartWork):
            node.stream = None if node.quiet or node.item.fresh else growing
        if growing is not text:
            self.wrote(node, name, growing.grown(), text)
        else:
            self.touch(node)
            if not node.quiet:
                self.ops.append((growing, len(growing.chunks)))

    def set_text(self, node: PartWork | ItemWork, name: str, text: str) -> None:
        """Set a text of an entity to its final value. Cost: its length."""
        old: Text = getattr(node, name)
        setattr(node, name, text)
        self.stamp(node.item if isinstance(node, PartWork) else node, "first_text_at")
        if isinstance(node, PartWork):
            node.stream = None
        if joined(old) != text and not self._shown_as_heard(node, name):
            self.wrote(node, name, text, old)

    def truncate_part(self, part: PartWork, audio_end_ms: int, by: str) -> None:
        """Cut a spoken part off at a mark: the server's, or one that a request of the client is about.

        The smallest mark wins, and no later copy of the part undoes it.
        """
        part.marks = {**part.marks, by: min(audio_end_ms, part.marks.get(by, audio_end_ms))}
        self.stamp(part.item, "truncated_at")
        self._mark(part)

    def restore_part(self, part: PartWork, by: str) -> None:
        """Take the mark of a request back."""
        part.marks = {key: mark for key, mark in part.marks.items() if key != by}
        self._mark(part)

    def _mark(self, part: PartWork) -> None:
        part.stream = None
        part.mark = min(part.marks.values(), default=None)
        if part.mark is None and part.truncated is not None:
            heard = part.shown_transcript
            self.write(part, "truncated", None)
            self.wrote(part, "transcript", grown(part.transcript), heard)
        elif part.truncated is None or part.truncated.audio_end_ms != part.end_ms:
            self.show_truncated(part)

    def show_truncated(self, part: PartWork) -> None:
        """Show what a mark means for the text and the audio that there are now. Cost: O(1)."""
        before, shown = part.truncated, part.shown_transcript
        truncated, heard = part.truncate()
        self.wrote(part, "truncated", truncated, before)
        self.wrote(part, "transcript", heard, shown)

    def _shown_as_heard(self, node: PartWork | ItemWork, name: str) -> bool:
        """Show the text of a truncated part, of which the document has only what was heard."""
        if isinstance(node, PartWork) and node.mark is not None and name == "transcript":
            self.show_truncated(node)
            return True
        return False

    def _take_audio(self, part: PartWork, audio: str) -> None:
        """Take over audio that came whole, of a part that no audio was seen of."""
        own = self.output_bytes_per_second if part.transcription is None else self.input_bytes_per_second
        part.audio = Audio(part.path, "", own or DEFAULT_BYTES_PER_SECOND, keep=self.keep_audio)
        self.write(part, "audio_ms", part.audio.append(audio))
        if part.mark is not None:
            self.show_truncated(part)
