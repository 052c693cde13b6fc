"""Verbs for what a response streams: text, transcript, audio, the arguments of a call."""

from __future__ import annotations

from rtstate._draft.copies import PartCopy
from rtstate._draft.items import Items
from rtstate._draft.parts import DEFAULT_BYTES_PER_SECOND, LAST_INDEX
from rtstate._draft.work import ItemWork, PartWork
from rtstate._growing import Audio, Growing, Text, joined
from rtstate._model import ITEM_FIELDS
from rtstate._types import LARGEST, ItemId, ResponseId

_KIND = {"text": "output_text", "transcript": "output_audio"}


class Answers(Items):
    """What can happen to an item that the model is producing."""

    __slots__ = ()

    def put_part(
        self, item_id: ItemId, index: int, copy: PartCopy, response_id: ResponseId | None, *, final: bool
    ) -> None:
        """Make or refresh a part from a copy of it; a final one closes it."""
        says = copy.text or copy.transcript
        part = self._answer_part(item_id, index, response_id, copy.type, makes=bool(says))
        if part is not None:
            self.fill_part(part, copy, closes=final)
            if final:
                self.close_part(part)

    def stream(self, item_id: ItemId, index: int, source: str, delta: str) -> bool:
        """Append a delta to the text that a part streams already, and tell whether it was one. Cost: O(1).

        The short way that nearly all deltas go: a text that streams is by that alone open, typed, placed and
        not truncated. False is for :meth:`append_text`; nothing has been written then.
        """
        item = self.items.get(item_id)
        if item is None or index >= len(item.parts):
            return False
        part = item.parts[index]
        text = part.stream
        if text is None or text.source != source or not delta:
            return False
        if part.audio_ms != part.noted_ms and text is part.transcript:
            part.note_arrival(text)
        chunks = text.chunks
        chunks.append(delta)
        self.ops.append((text, len(chunks)))
        if item.frozen is not None or item.grew is not part:
            self.grew(part)
        return True

    def append_text(
        self, item_id: ItemId, index: int, name: str, source: str, delta: str, response_id: ResponseId | None
    ) -> None:
        """Append a delta to the text or the transcript of a part. Cost: O(1).

        ``source`` is the delta's wire name: where two names feed one text, the first one seen counts.
        """
        part = self._answer_part(item_id, index, response_id, _KIND[name], delta=True)
        if part is None:
            return
        text: Text = getattr(part, name)
        if isinstance(text, Growing) and text.source != source:
            self.stats.duplicates += 1
        elif delta:
            part.streamed = True
            self.grow(part, name, delta, source)

    def finish_text(
        self, item_id: ItemId, index: int, name: str, text: str | None, response_id: ResponseId | None
    ) -> None:
        """Set the final text or transcript of a part (None: what the deltas made of it), and close it."""
        part = self._answer_part(item_id, index, response_id, _KIND[name], makes=bool(text))
        if part is not None:
            part.streamed = True
            if text or (text is not None and not (part.final and joined(getattr(part, name)))):
                self.set_text(part, name, text)
            self.close_part(part)

    def append_audio(
        self, item_id: ItemId, index: int, source: str, chunk: str, response_id: ResponseId | None
    ) -> None:
        """Count, and where asked keep, a chunk of base64 audio. Cost: O(1), also for a closed part."""
        item = self.items.get(item_id)
        if item is not None and index < len(item.parts):
            part = item.parts[index]
            audio = part.audio
            if audio is not None and audio.source == source and item.session == self.session_number:
                # The short way: audio of this source has come before.
                ms = audio.append(chunk)
                if ms != part.audio_ms:
                    if not item.hidden:
                        self.ops.append(("replace", audio.path, ms, part.audio_ms))
                    part.audio_ms = ms
                    if item.frozen is not None or item.grew is not part:
                        self.grew(part)
                    if part.mark is not None:
                        self.show_truncated(part)
                return
        self._append_first_audio(item_id, index, source, chunk, response_id)

    def _append_first_audio(
        self, item_id: ItemId, index: int, source: str, chunk: str, response_id: ResponseId | None
    ) -> None:
        part = self._answer_part(item_id, index, response_id, "output_audio")
        if part is None:
            return
        if part.audio is None:
            response = self.response_of(part.item.response_id)
            rate = (response and response.bytes_per_second) or self.output_bytes_per_second
            part.audio = Audio(part.path, source, rate or DEFAULT_BYTES_PER_SECOND, keep=self.keep_audio)
        elif part.audio.source:
            self.stats.duplicates += 1
            return
        part.audio.source = source
        part.streamed = True
        self.stamp(part.item, "first_audio_at")
        self.write(part, "audio_ms", part.audio.append(chunk))
        if part.mark is not None:
            self.show_truncated(part)

    def truncate(self, item_id: ItemId, index: int, audio_end_ms: float | None, by: str = "") -> bool:
        """Cut a spoken part off at a mark, and tell whether that could be. No later copy undoes it.

        ``by`` is the request of the client that the mark is about, empty where the server has set it; of
        several marks the smallest wins.
        """
        item = self.items.get(item_id)
        part = item.parts[index] if item is not None and index < len(item.parts) else None
        if item_id in self.dead:
            self.stats.late += 1
        elif item is None:
            self.note("unknown_item", f"a truncation of item {item_id!r}, which nobody announced; ignored")
        elif (
            part is None
            or part.type != "output_audio"
            or audio_end_ms is None
            or not 0 <= audio_end_ms < LARGEST
        ):
            self.note(
                "impossible", f"a truncation of item {item_id!r}, part {index}, that fits no speech; ignored"
            )
        else:
            self.truncate_part(part, int(audio_end_ms), by)
            return True
        return False

    def append_arguments(
        self,
        item_id: ItemId,
        item_type: str,
        delta: str,
        response_id: ResponseId | None,
        call_id: str | None = None,
    ) -> None:
        """Append a delta to the arguments of a call. Cost: O(1)."""
        item = self._call(item_id, item_type, response_id, delta=True)
        if item is not None:
            self._name(item, call_id=call_id)
            if delta:
                self.grow(item, "arguments", delta)

    def finish_arguments(
        self,
        item_id: ItemId,
        item_type: str,
        arguments: str | None,
        response_id: ResponseId | None,
        **fields: str | None,
    ) -> None:
        """Set the final arguments of a call (None: what the deltas made of them), and what else is told."""
        item = self._call(item_id, item_type, response_id)
        if item is None:
            return
        self._name(item, **fields)
        if arguments or (arguments is not None and not (item.arguments_final and joined(item.arguments))):
            self.set_text(item, "arguments", arguments)
        item.arguments = joined(item.arguments)
        item.arguments_final = True
        self.weigh(item)

    def _name(self, item: ItemWork, **fields: str | None) -> None:
        """Take over what an event says of the call that an item makes."""
        for name, value in fields.items():
            if value and name in ITEM_FIELDS[item.type]:
                self.write(item, name, value)
        self.know_call(item)

    def call_item(self, call_id: str | None) -> ItemId | None:
        """Return the id of the item that makes a call, for servers that name only the call."""
        item = self.items.get(self.calls.get(call_id or "", ""))
        if item is None:
            self.note("unknown_item", f"arguments of call {call_id!r}, which no item makes; ignored")
            return None
        return item.id

    def advance_item(self, item_id: ItemId | None, item_type: str, status: str) -> None:
        """Advance an item of which an event only says how far it is."""
        if not item_id or self.too_late(item_id):
            return
        item = self.items.get(item_id) or self.add_item(item_id, item_type)
        if item.type == item_type:
            self.set_status(item, status)
        else:
            self.note("impossible", f"item {item_id!r} is a {item.type}, not a {item_type}; ignored")

    def _answer_part(
        self,
        item_id: ItemId,
        index: int,
        response_id: ResponseId | None,
        kind: str | None,
        *,
        delta: bool = False,
        makes: bool = True,
    ) -> PartWork | None:
        """Return the part of an answer that an event is about, made if need be; None where that cannot be.

        ``kind`` is its type if nobody has told; a ``delta`` is late once its part, item or response has
        ended; an event that brings nothing (``makes=False``) makes no part in an item that has ended.
        """
        over = self._is_over(response_id)
        if self._comes_late(item_id, over):
            return None
        item = self.items.get(item_id)
        part = item.parts[index] if item is not None and index < len(item.parts) else None
        if index > LAST_INDEX:
            self.note("impossible", f"content_index {index} is beyond {LAST_INDEX}; ignored")
            return None
        if item is not None:
            is_answer = item.has_parts and item.role in (None, "assistant")
            if not is_answer or (part is not None and not part.is_known and part.type != kind):
                what = f"part {index} of item {item_id!r}"
                self.note("impossible", f"{what} is not one the model can speak; ignored")
                return None
            ended = over or not item.is_open
            if (delta and (ended or (part is not None and part.final))) or (ended and not part and not makes):
                self.note("late", f"part {index} of item {item_id!r} is named after its end; ignored")
                return None
        item = self._producing(item_id, "message", response_id)
        self.write(item, "role", "assistant")
        part = self.part_at(item, index)
        if part.type is None and kind is not None:
            self.retype(part, kind)
        if over or not item.is_open:
            self.close_part(part)
        return part

    def _call(
        self, item_id: ItemId, item_type: str, response_id: ResponseId | None, *, delta: bool = False
    ) -> ItemWork | None:
        """Return the item of a call that an event is about, made if need be; None where that cannot be."""
        over = self._is_over(response_id)
        if self._comes_late(item_id, over):
            return None
        item = self.items.get(item_id)
        if item is not None and not item.has_arguments:
            self.note("impossible", f"arguments for item {item_id!r}, which is a {item.type}; ignored")
            return None
        if item is not None and delta and (over or not item.is_open or item.arguments_final):
            self.note("late", f"a delta for the arguments of item {item_id!r} after its end; ignored")
            return None
        return self._producing(item_id, item_type, response_id)

    def _is_over(self, response_id: ResponseId | None) -> bool:
        response = self.response_of(response_id)
        return response is not None and response.ended

    def _comes_late(self, item_id: ItemId, over: bool) -> bool:
        if not item_id:
            self.note("impossible", "an item without an id; ignored")
            return True
        if over and item_id not in self.items and item_id not in self.dead:
            self.note("late", f"item {item_id!r} is first named after its response ended; ignored")
            return True
        return self.too_late(item_id)

    def _producing(self, item_id: ItemId, item_type: str, response_id: ResponseId | None) -> ItemWork:
        """Return an item that has content: the response is its own, and it has a place, if only for now."""
        item = self.items.get(item_id) or self.add_item(item_id, item_type)
        if response_id and item.response_id is None:
            self.attach(item, self.open_response(response_id))
            self.close_if_over(item)
        self.place_for_now(item)
        return item
