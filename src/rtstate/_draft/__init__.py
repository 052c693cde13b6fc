"""How a conversation may change: a few verbs, and what is true after each of them.

The verbs know no wire names. *Twice*: a verb that finds everything as it would leave it writes nothing.
*Early*: an item, part or response that a verb names is made if nobody has announced it. *Late*: once a text,
an item or a response has ended, deltas change nothing; a final text still wins over what deltas made of it.
*Gone*: whatever names a deleted item changes nothing, and a new session finishes nothing of the one before.
A verb checks before it writes, so that an event which makes no sense leaves no trace but its note.

One floor a file, each standing on the one before: ``work`` (the working copies), ``ground`` (all there is;
snapshots), ``writer`` (every write and its operation), ``parts``, ``items``, ``answers``, ``speech``,
``responses``, ``requests``, and here the session.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import attrs

from rtstate._draft.copies import ItemCopy, PartCopy, ResponseCopy
from rtstate._draft.requests import Requests
from rtstate._draft.work import PartWork
from rtstate._growing import Growing
from rtstate._json import EMPTY, FrozenDict, same
from rtstate._model import ErrorRecord, RateLimit, SessionInfo
from rtstate._operations import ABSENT, RawOperation
from rtstate._types import END, INCOMPLETE, LARGEST, Dialect, Json

KEPT_ERRORS: Final = 20


class Draft(Requests):
    """The working copy of one conversation, and all the verbs that change it."""

    __slots__ = ()

    def speaks(self, dialect: Dialect) -> None:
        """Note which dialect the server turned out to speak, unless the caller has said which."""
        if self.dialect == "auto":
            self.null_is_end = dialect == "xai"

    def set_formats(self, *, input: int | None, output: int | None) -> None:
        """Note how many bytes a second of the user's and of the model's audio has, as far as that is said."""
        self.input_bytes_per_second = input or self.input_bytes_per_second
        self.output_bytes_per_second = output or self.output_bytes_per_second

    def set_models(self, *, answers: str | None, transcription: str | None) -> None:
        """Note which models answer and transcribe from now on, as far as that is said."""
        self.answer_model = answers or self.answer_model
        self.transcription_model = transcription or self.transcription_model

    def name_conversation(self, conversation_id: str) -> None:
        """Note the id of the default conversation."""
        self.is_named = True
        self.set_root("conversation_id", conversation_id)

    def open_session(self, session: Mapping[str, Json] | None) -> None:
        """Begin a session. If it is another than the one before, what was in flight is settled for good."""
        before = self.session and self.session.get("id")
        now = session and session.get("id")
        if now != before if now and before else self.has_session:
            self._settle()
            self.input_bytes_per_second = self.output_bytes_per_second = None
            self.answer_model = self.transcription_model = None
            self.sessions.append(SessionInfo(first_revision=self.revision + 1))
        self._describe_session(session or EMPTY)
        self.has_session = True
        if session is not None:
            self.set_root("session", session)

    def update_session(self, fields: Mapping[str, Json]) -> None:
        """Replace the fields of the session that the server sent."""
        if not fields:
            return
        self._describe_session(fields)
        if self.session is None:
            self.set_root("session", fields)
            return
        old = self.session
        news = {key: value for key, value in fields.items() if not same(old.get(key, END), value)}
        if news:
            self.set_root(
                "session",
                FrozenDict({**old, **news}),
                [("add", ("session", key), value, old.get(key, ABSENT)) for key, value in news.items()],
            )

    def _describe_session(self, fields: Mapping[str, Json]) -> None:
        """Note what the server says of the current session; null and 0 say nothing."""
        if not self.sessions:
            self.sessions.append(SessionInfo(first_revision=self.revision + 1))
        told: dict[str, Any] = {
            name: fields[name] for name in ("id", "model") if isinstance(fields.get(name), str)
        }
        expires_at = fields.get("expires_at")
        if isinstance(expires_at, (int, float)) and 1 < expires_at < LARGEST:  # True is 1
            told["expires_at"] = expires_at
        self.sessions[-1] = attrs.evolve(self.sessions[-1], **told)

    def _settle(self) -> None:
        """Close what the old session left open: nothing is dropped, and nothing of it can be finished now."""
        for response in list(self.running.values()):
            self.end_response(response, INCOMPLETE, None)
            response.billed = "priced"  # what the new session says of it does not count
        for item in list(self.open_items.values()):
            self.close_item(item, INCOMPLETE)
        self.finishing = None
        self.hush()
        self.order.start_over()
        self.session_number += 1
        self.is_named = False

    def add_error(self, error: ErrorRecord) -> None:
        """Append to the errors, of which the last 20 are kept, and take back the request it answers."""
        if error.event_id is not None:
            self.refuse(error.event_id)
        kept = self.errors[1 - KEPT_ERRORS :]
        told: list[RawOperation] = [("add", ("errors", len(kept)), error, ABSENT)]
        if len(kept) < len(self.errors):
            told.insert(0, ("remove", ("errors", 0), None, self.errors[0]))
        self.set_root("errors", (*kept, error), told)

    def set_rate_limits(self, limits: Mapping[str, RateLimit]) -> None:
        """Replace all rate limits."""
        self.set_root("rate_limits", FrozenDict(limits))

    def append_translation(self, name: str, delta: str) -> None:
        """Append to one of the two transcripts of a translation session. Cost: O(1)."""
        if not self.translation:
            self.translation = {"input_transcript": None, "output_transcript": None}
            self.ops.append(("add", ("translation",), FrozenDict(self.translation), ABSENT))
        text = self.translation[name]
        if delta and text is None:
            text = self.translation[name] = Growing(("translation", name), "")
            text.chunks.append(delta)
            self.ops.append(("replace", text.path, delta, None))
        elif delta and text is not None:
            text.chunks.append(delta)
            self.ops.append((text, len(text.chunks)))


__all__ = ["Draft", "ItemCopy", "PartCopy", "PartWork", "ResponseCopy"]
