"""The conversation as the items of an OpenAI Agents SDK session."""

from __future__ import annotations

from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.exports._common import Message, entries
from rtstate.exports._ids import CHAT_ID
from rtstate.exports.responses import call_item, message_item, output_item


def agents_items(snapshot: Snapshot) -> list[dict[str, Json]]:
    """Return the conversation as items that sessions and runs of the OpenAI Agents SDK take.

    They are those of ``responses_input``, but for MCP: its calls become function calls, its listings and
    approvals are left out, since the SDK refuses MCP items for any model behind a chat API, and ids are no
    longer than such a model takes. What ``rtstate.exports.left_out`` lists is left out too. Cost: O(n),
    and the texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "assistant"}
    >>> said = [{"type": "output_audio", "transcript": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> agents_items(conversation.snapshot())
    [{'type': 'message', 'role': 'assistant', 'content': 'Hello.'}]
    """
    items: list[dict[str, Json]] = []
    for entry in entries(snapshot):
        if isinstance(entry, Message):
            items.append(message_item(entry))
        elif isinstance(entry, list):
            calls = [call.within(CHAT_ID) for call in entry]
            items += [call_item(call) for call in calls]
            items += [output_item(call) for call in calls]
    return items
