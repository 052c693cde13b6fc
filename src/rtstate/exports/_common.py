"""What all exports agree on: which items they hold, as what, in which order, and what they leave out.

A call stands directly before its output, whatever lies between the two in the conversation: a chat API
rejects anything else, and no other reader minds. Calls with no output and no message between them were made
at once and stay together.
"""

from __future__ import annotations

import json
from typing import Final, Literal, TypeAlias

import attrs

from rtstate._json import thaw
from rtstate._model import PART_TYPES, Item, Part
from rtstate._types import ItemId, Json
from rtstate.document import Snapshot, expect_snapshot
from rtstate.exports._ids import function_name, id_for
from rtstate.views.tools import first_answers, first_outputs

Reason: TypeAlias = Literal[
    "empty",
    "no_transcript",
    "unheard",
    "not_ready",
    "no_output",
    "no_call",
    "no_answer",
    "no_request",
    "repeated",
    "unnamed",
    "unsupported",
    "no_time",
    "image",
    "budget",
    "unknown",
]
ROLES: Final = ("system", "developer", "user", "assistant")
DETAILS: Final = ("auto", "low", "high")


@attrs.frozen
class LeftOut:
    """An item that exports leave out, and why; with a ``content_index``, one part of an item they do hold.

    - ``empty``: nothing was said; an output, a listing or an answer without content.
    - ``no_transcript``: audio of which there is no text, not yet or not at all.
    - ``unheard``: the assistant was cut off before anything of it was heard.
    - ``not_ready``: a call that may not be run: unfinished, or its response ended badly.
    - ``no_output``: a call without its output; an approved call that has not come back.
    - ``no_call``: an output without its call, or whose call is left out.
    - ``no_answer``, ``no_request``: a request for approval without an answer; an answer without its request.
    - ``repeated``: another call, output or answer of the same id came before it.
    - ``unnamed``: a call without an id or a name; an MCP item without its server.
    - ``unsupported``: a type or a role that other APIs do not have, or not in this place.
    - ``no_time``: only in captions: nothing tells when it was said.
    - ``image``, ``budget``, ``unknown``: only in a :class:`RestorePlan`: the dialect takes no images; there
      were no tokens left; to be kept, and not in the conversation.
    """

    item_id: ItemId
    reason: Reason
    content_index: int | None = None


@attrs.frozen
class Image:
    """An image, by its URL (often a data URL)."""

    url: str
    detail: str


@attrs.frozen
class Message:
    """What somebody said: texts and images in order, never none. What was not heard is not in it."""

    item: Item
    role: str
    content: tuple[str | Image, ...]

    @property
    def text(self) -> str:
        """All its texts."""
        return "\n".join([each for each in self.content if isinstance(each, str)])

    @property
    def has_image(self) -> bool:
        """Whether its text alone does not say it all."""
        return any(isinstance(each, Image) for each in self.content)


@attrs.frozen
class Call:
    """A call and its output; an MCP call has both in one item, and ``error`` if it failed.

    ``output`` is None for a call that still waits for it, and ``output_id`` then means nothing.
    """

    item: Item
    call_id: str
    name: str
    arguments: str
    output: str | None
    output_id: ItemId
    error: str | None = None

    def within(self, longest_id: int) -> Call:
        """Return it with an id and a name that OpenAI's APIs take."""
        call_id, name = id_for(self.call_id, "call", longest_id), function_name(self.name)
        return attrs.evolve(self, call_id=call_id, name=name)


@attrs.frozen
class Approval:
    """A request for approval, and the answer."""

    request: Item
    answer: Item


@attrs.frozen
class Listing:
    """The tools that an MCP server offers."""

    item: Item


Entry: TypeAlias = Message | list[Call] | Approval | Listing
"""One entry of an export. Calls that were made at once are one entry, and their outputs follow them."""


def left_out(snapshot: Snapshot) -> tuple[LeftOut, ...]:
    """Return what exports leave out of a conversation, in its order, and why.

    This is what ``responses_input`` leaves out. Readers that do not know MCP get none of its listings and
    approvals either, and a screen (``agui_messages``) gets the calls that wait for their output. Items that
    have no place in the order are in no export, and not listed. Cost: O(n).

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> _ = conversation.feed({"type": "input_audio_buffer.committed", "item_id": "item_1"})
    >>> left_out(conversation.snapshot())
    (LeftOut(item_id='item_1', reason='no_transcript', content_index=None),)
    """
    return tuple(_Reading(snapshot).left_out)


def entries(snapshot: Snapshot, *, waiting: bool = False) -> list[Entry]:
    """Return what an export holds, in order. ``waiting``: also the calls that wait for their output."""
    return _Reading(snapshot, waiting=waiting).entries


def calls_of(snapshot: Snapshot) -> tuple[list[Call], dict[ItemId, Reason]]:
    """Return the function calls that have their outputs, in order, and why whole items are left out."""
    reading = _Reading(snapshot)
    calls = [
        call
        for entry in reading.entries
        if isinstance(entry, list)
        for call in entry
        if call.item.type == "function_call"
    ]
    return calls, {each.item_id: each.reason for each in reading.left_out if each.content_index is None}


def answers_together(message: Entry | None, calls: list[Call]) -> bool:
    """Tell whether a message and the calls behind it are the one answer of a model."""
    if not isinstance(message, Message) or message.role != "assistant":
        return False
    return message.item.response_id is not None and message.item.response_id == calls[0].item.response_id


class _Reading:
    """One walk over the conversation, first to last."""

    def __init__(self, snapshot: Snapshot, *, waiting: bool = False) -> None:
        expect_snapshot(snapshot)
        items = snapshot.items
        self.entries: list[Entry] = []
        self.left_out: list[LeftOut] = []
        self._waiting = waiting
        self._outputs = first_outputs(items)
        self._answers = first_answers(items)
        self._callers: dict[str, ItemId] = {}
        self._requests: dict[ItemId, Item] = {}
        self._run: set[Json] = set()
        for item in items:
            self._note(item)
        self._group: list[Call] = []
        self._answered = False  # an output came since the last call
        for item in items:
            self._take(item)

    def _note(self, item: Item) -> None:
        """Note what another item may depend on, wherever it stands."""
        if item.type == "function_call" and item.ready and item.call_id and item.name:
            self._callers.setdefault(item.call_id, item.id)
        elif item.type == "mcp_approval_request" and item.name and item.server_label:
            self._requests[item.id] = item
        elif item.type == "mcp_call" and _why_not_mcp_call(item) is None:
            self._run.add(item.approval_request_id)

    def _take(self, item: Item) -> None:
        match item.type:
            case "message" | "force_message":
                reason = self._message(item)
            case "function_call":
                reason = self._function_call(item)
            case "function_call_output":
                reason = self._output(item)
            case "mcp_call":
                reason = self._mcp_call(item)
            case "mcp_approval_request":
                reason = self._request(item)
            case "mcp_approval_response":
                reason = self._answer(item)
            case "mcp_list_tools":
                reason = self._listing(item)
            case _:
                reason = "unsupported"
        if reason is not None:
            self.left_out.append(LeftOut(item.id, reason))

    def _add(self, entry: Entry) -> None:
        self.entries.append(entry)
        self._group = []

    def _message(self, item: Item) -> Reason | None:
        if item.role not in ROLES:
            return "unsupported"
        found = [content_of(part, item.role) for part in item.content]
        content = tuple([said for said, _ in found if said is not None])
        missing = [LeftOut(item.id, why, at) for at, (_, why) in enumerate(found) if why and why != "empty"]
        if not content:
            return missing[0].reason if missing else "empty"
        self.left_out += missing
        self._add(Message(item, item.role, content))
        return None

    def _function_call(self, item: Item) -> Reason | None:
        if not item.ready:
            return "not_ready"
        if not item.call_id or not item.name:
            return "unnamed"
        if self._callers[item.call_id] != item.id:
            return "repeated"
        answer = self._outputs.get(item.call_id)
        if answer is None and not self._waiting:
            return "no_output"
        output = None if answer is None else as_text(answer.output)
        self._call(item, item.call_id, item.name, output, "" if answer is None else answer.id)
        return "no_output" if answer is None else None

    def _mcp_call(self, item: Item) -> Reason | None:
        reason = _why_not_mcp_call(item)
        if reason is None:
            error = None if item.error is None else _message_of(item.error)
            output = error if item.output is None else as_text(item.output)
            self._call(item, item.id, item.name or "", output, f"{item.id}_output", error)
            self._answered = True
        return reason

    def _call(
        self,
        item: Item,
        call_id: str,
        name: str,
        output: str | None,
        output_id: ItemId,
        error: str | None = None,
    ) -> None:
        """Add a call: to the calls before it where it was made along with them."""
        text = item.arguments or ""
        call = Call(item, call_id, name, text if text.strip() else "{}", output, output_id, error)
        last = self._group[-1].item.response_id if self._group else None
        if self._group and (not self._answered or (last is not None and last == item.response_id)):
            self._group.append(call)
        else:
            self._group = [call]
            self.entries.append(self._group)
            self._answered = False

    def _output(self, item: Item) -> Reason | None:
        if item.output is None:
            return "empty"
        if item.call_id not in self._callers:
            return "no_call"
        if self._outputs[item.call_id].id != item.id:
            return "repeated"
        self._answered = True
        return None

    def _request(self, item: Item) -> Reason | None:
        if item.id not in self._requests:
            return "unnamed"
        answer = self._answers.get(item.id)
        if answer is None:
            return "no_answer"
        if self._is_due(answer):
            return "no_output"
        self._add(Approval(item, answer))
        return None

    def _answer(self, item: Item) -> Reason | None:
        if item.approve is None:
            return "empty"
        if item.approval_request_id not in self._requests:
            return "no_request"
        if self._answers[item.approval_request_id].id != item.id:
            return "repeated"
        return "no_output" if self._is_due(item) else None

    def _is_due(self, answer: Item) -> bool:
        """Tell whether a call was approved and has not come back: another API would run it once more."""
        return bool(answer.approve) and answer.approval_request_id not in self._run

    def _listing(self, item: Item) -> Reason | None:
        if not item.server_label:
            return "unnamed"
        if item.tools is None:
            return "empty"
        self._add(Listing(item))
        return None


def _why_not_mcp_call(item: Item) -> Reason | None:
    if item.output is None and item.error is None:
        return "no_output"
    return None if item.name and item.server_label else "unnamed"


def content_of(part: Part, role: str) -> tuple[str | Image | None, Reason | None]:
    """Return what a part says, or why it says nothing."""
    if part.type == "input_image":
        if role != "user":
            return None, "unsupported"
        return (Image(part.image_url, _detail(part)), None) if part.image_url else (None, "empty")
    if part.type is not None and part.type not in PART_TYPES:
        return None, "unsupported"
    if part.truncated is not None:
        return (part.transcript, None) if _says(part.transcript) else (None, "unheard")
    for text in (part.text, part.transcript):
        if _says(text):
            return text, None
    unwritten = part.transcript is None and (part.type == "input_audio" or bool(part.audio_ms))
    return None, "no_transcript" if unwritten else "empty"


def _says(text: str | None) -> bool:
    return text is not None and bool(text.strip())


def _detail(part: Part) -> str:
    return part.detail if part.detail in DETAILS else "auto"


def as_text(value: Json) -> str:
    """Return an output as the text that other APIs take: as it is, or as JSON."""
    return value if isinstance(value, str) else json.dumps(thaw(value), ensure_ascii=False)


def _message_of(error: Json) -> str:
    """Return what an MCP error says."""
    message = error.get("message") if isinstance(error, dict) else None  # pyright: ignore[reportUnknownVariableType, reportUnknownMemberType]
    return message if isinstance(message, str) else as_text(error)
