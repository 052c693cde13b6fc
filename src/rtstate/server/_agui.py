"""A conversation as AG-UI events: its state as strict patches, its messages as what is added to them.

First come RUN_STARTED, STATE_SNAPSHOT and MESSAGES_SNAPSHOT. Then each update brings what grew: texts as
TEXT_MESSAGE_*, calls as TOOL_CALL_* once they may be run, their outputs as TOOL_CALL_RESULT; and last its
STATE_DELTA, so that whoever has a revision of the state has its messages too. What cannot be said by adding
(an insert in the middle, a deletion, a truncation) is a new MESSAGES_SNAPSHOT.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any, Final, TypeAlias
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import Response

from rtstate import Replica
from rtstate.errors import ConversationGone, HubStopped, RtstateError
from rtstate.exports import agui_messages
from rtstate.hub import Hub
from rtstate.server._json import dumps
from rtstate.server._state import expect, number, state_of
from rtstate.server._streams import RATES, begin, until
from rtstate.update import Update

Message: TypeAlias = Mapping[str, Any]
Event: TypeAlias = dict[str, Any]
_STREAMED: Final = ("assistant", "user", "system", "developer")


async def agui(request: Request) -> Response:
    """Follow a conversation as AG-UI events."""
    state = state_of(request)
    rate = number(request.query_params, "rate", 20, *RATES) or 1
    name, _ = await expect(request)
    return await begin(request, _frames(state.hub, name, rate, state.stopping))


async def _frames(hub: Hub, name: str, rate: int, stopping: asyncio.Event) -> AsyncGenerator[bytes]:
    """Yield what each update brings, as one piece; the last tells why it ends."""
    run = _Run(name)
    async with aclosing(until(stopping, hub.follow(name, rate))) as updates:
        try:
            async for update in updates:
                yield _encoded(run.take(update), update.revision)
        except ConversationGone as error:
            yield _encoded(run.failed(str(error.args[0])))
            return
        except HubStopped:
            pass
        except RtstateError:
            yield _encoded(run.failed("the conversation cannot be followed any longer: ask again"))
            return
    yield _encoded(run.finished())


def _encoded(events: Sequence[Event], revision: int | None = None) -> bytes:
    place = b"" if revision is None else b"id: %d\n" % revision
    pieces = [b"data: " + dumps(event) for event in events]
    return b"\n\n".join([*pieces[:-1], place + pieces[-1]]) + b"\n\n"


class _Run:
    """What a client was told, and how to tell it more."""

    def __init__(self, name: str) -> None:
        self._ids = {"threadId": name, "runId": f"run_{uuid4().hex}"}
        self._replica: Replica | None = None
        self._messages: list[Message] = []
        self._open: dict[str, None] = {}  # texts that go on

    def take(self, update: Update) -> list[Event]:
        """Return the events of an update."""
        begins = self._replica is None
        if self._replica is None:
            assert update.snapshot is not None
            self._replica = Replica(update.snapshot)
        else:
            self._replica.apply(update)
        snapshot = self._replica.snapshot()
        messages = agui_messages(snapshot)
        if update.snapshot is not None:
            state: Event = {"type": "STATE_SNAPSHOT", "snapshot": snapshot.to_dict()}
            told = [state, *self._anew(messages)]
            return [{"type": "RUN_STARTED", **self._ids}, *told] if begins else told
        final = {item.id for item in snapshot.items if item.status not in (None, "in_progress")}
        told = self._grown(messages, final)
        return [*told, {"type": "STATE_DELTA", "delta": update.patch(append=False)}]

    def finished(self) -> list[Event]:
        """Return the events of an end."""
        return [*self._ends(list(self._open)), {"type": "RUN_FINISHED", **self._ids}]

    @staticmethod
    def failed(message: str) -> list[Event]:
        """Return the event of a bad end."""
        return [{"type": "RUN_ERROR", "message": message}]

    def _anew(self, messages: list[Any]) -> Iterator[Event]:
        """Yield what replaces all messages.

        A client leaves those it has where they are and puts others at the end, so where that is not their
        order it first gets those before.
        """
        yield from self._ends(list(self._open))
        ids, wanted = [each["id"] for each in messages], {each["id"] for each in messages}
        stay = [each["id"] for each in self._messages if each["id"] in wanted]
        right = next(
            (at for at, (one, other) in enumerate(zip(ids, stay, strict=False)) if one != other), len(stay)
        )
        if right < len(stay):
            yield {"type": "MESSAGES_SNAPSHOT", "messages": messages[:right]}
        self._messages = messages
        yield {"type": "MESSAGES_SNAPSHOT", "messages": messages}

    def _grown(self, messages: list[Any], final: set[str]) -> list[Event]:
        """Return what leads from the messages before to these; a snapshot of them where adding does not."""
        if messages == self._messages:
            return self._ends([each for each in self._open if each in final])
        before, told, was_open = self._messages, list[Event](), dict(self._open)
        for place, message in enumerate(messages):
            old = before[place] if place < len(before) else None
            added = None if len(messages) < len(before) else self._added(old, message)
            if added is None:
                self._open = was_open
                return list(self._anew(messages))
            told += added
            if message["id"] in final and message["id"] in self._open:
                told += self._ends([message["id"]])
        self._messages = messages
        return told

    def _added(self, old: Message | None, new: Message) -> list[Event] | None:
        """Return what makes one message of another, or of none; None where nothing added does."""
        if old == new:
            return []
        if old is not None and (old["id"] != new["id"] or old["role"] != new["role"]):
            return None
        if new["role"] == "tool":
            return _result(new) if old is None and "error" not in new else None
        if "toolCalls" in new:
            return _calls(old, new)
        return self._text(old, new)

    def _text(self, old: Message | None, new: Message) -> list[Event] | None:
        text, had = new["content"], "" if old is None else old["content"]
        if not (isinstance(text, str) and isinstance(had, str) and text.startswith(had)):
            return None
        if new["role"] not in _STREAMED or set(new) != {"id", "role", "content"}:
            return None
        told: list[Event] = []
        if new["id"] not in self._open:
            told.append({"type": "TEXT_MESSAGE_START", "messageId": new["id"], "role": new["role"]})
            self._open[new["id"]] = None
        if len(text) > len(had):  # the protocol has no empty delta
            delta = text[len(had) :]
            told.append({"type": "TEXT_MESSAGE_CONTENT", "messageId": new["id"], "delta": delta})
        return told

    def _ends(self, ids: Sequence[str]) -> list[Event]:
        for each in ids:
            del self._open[each]
        return [{"type": "TEXT_MESSAGE_END", "messageId": each} for each in ids]


def _calls(old: Message | None, new: Message) -> list[Event] | None:
    """Return the events of the calls that are new in a message; None where others changed."""
    had = [] if old is None else old.get("toolCalls", [])
    calls = new["toolCalls"]
    if calls[: len(had)] != had:
        return None
    told: list[Event] = []
    for call in calls[len(had) :]:
        which = {"toolCallId": call["id"]}
        start = {"toolCallName": call["function"]["name"], "parentMessageId": new["id"]}
        told.append({"type": "TOOL_CALL_START", **which, **start})
        if call["function"]["arguments"]:
            told.append({"type": "TOOL_CALL_ARGS", **which, "delta": call["function"]["arguments"]})
        told.append({"type": "TOOL_CALL_END", **which})
    return told


def _result(new: Message) -> list[Event] | None:
    if not isinstance(new["content"], str):
        return None
    fields = {"messageId": new["id"], "toolCallId": new["toolCallId"], "content": new["content"]}
    return [{"type": "TOOL_CALL_RESULT", **fields, "role": "tool"}]
