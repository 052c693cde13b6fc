"""What every event family stands on: the two base models, the unknown event, and the table row.

A family file defines, per event, the class (what the wire may say), the handler (what it does to the
draft) and the row (the two side by side). ``wire/__init__.py`` merges the rows of all families into one
table and refuses an event type that has two owners.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, TypeAlias, get_args
from uuid import uuid4

import attrs
from pydantic import BaseModel, ConfigDict, Field

from rtstate._draft import Draft

JsonObject: TypeAlias = dict[str, Any]
Handler: TypeAlias = Callable[[Draft, JsonObject], None]

PADDING: Final = "padding"
Padding: TypeAlias = Annotated[Any, PADDING]
"""What only fills an event up, so that its length tells nothing of its text. No value of it is refused, so
the reducer need not read it."""


class Wire(BaseModel):
    """Anything that crossed the wire: unknown fields are kept, schemas are built on first use."""

    model_config = ConfigDict(extra="allow", defer_build=True, allow_inf_nan=False)


class ServerEvent(Wire):
    """An event the server sent. ``type`` is the only member a reader may rely on."""

    type: str
    event_id: str | None = None


class ClientEvent(Wire):
    """An event a client sends. A new one gets an id, so that an ``error`` can name it."""

    type: str
    event_id: str | None = Field(default_factory=lambda: f"event_{uuid4().hex}")


class UnknownEvent(ServerEvent):
    """An event of a type this library does not know; ``payload`` is the whole of it."""

    payload: JsonObject = Field(default_factory=dict)


@attrs.frozen
class Row:
    """One line of the table: the types a class answers to, and what they do to the state.

    ``use`` is ``"reduced"`` (the handler writes to the draft), ``"noted"`` (known and counted, but it holds
    no conversation state) or ``"ignored"`` (known, and of no interest to a reader of the conversation).
    """

    event: type[ServerEvent] | type[ClientEvent]
    handler: Handler
    use: Literal["reduced", "noted", "ignored"]

    @property
    def types(self) -> tuple[str, ...]:
        """The wire names of this event, the GA name first."""
        return get_args(self.event.model_fields["type"].annotation)


def _note(draft: Draft, event: JsonObject) -> None:
    draft.stats.noted += 1


def _ignore(draft: Draft, event: JsonObject) -> None:
    draft.stats.ignored += 1


def reduced(event: type[ServerEvent] | type[ClientEvent], handler: Handler) -> Row:
    """Return a row whose handler writes to the draft."""
    return Row(event, handler, "reduced")


def noted(event: type[ServerEvent] | type[ClientEvent]) -> Row:
    """Return a row for a known event without conversation state."""
    return Row(event, _note, "noted")


def ignored(event: type[ServerEvent] | type[ClientEvent]) -> Row:
    """Return a row for a known event that no reader of a conversation needs."""
    return Row(event, _ignore, "ignored")
