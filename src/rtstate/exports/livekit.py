"""The conversation as a chat context of LiveKit Agents."""

from __future__ import annotations

from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.exports._common import Call, Entry, Message, answers_together, entries
from rtstate.views.transcript import was_interrupted


def livekit_chat_context(snapshot: Snapshot) -> dict[str, Json]:
    """Return the conversation as what ``ChatContext.from_dict`` of LiveKit Agents reads.

    Items keep their ids. Spoken parts are their transcripts; of what was cut off only what was heard. A
    message is ``interrupted`` where its turn in ``rtstate.transcript`` is. Calls made at once share a
    ``group_id``, with the words before them. MCP calls become function calls; MCP listings and approvals have
    no form there and are left out, and so is what ``rtstate.exports.left_out`` lists. Times are not in it, so
    LiveKit takes the time of reading. Cost: O(n), and the texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_audio", "transcript": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> livekit_chat_context(conversation.snapshot())["items"]
    [{'id': 'item_1', 'type': 'message', 'role': 'user', 'content': ['Hello.'], 'interrupted': False}]
    """
    items: list[dict[str, Json]] = []
    before: Entry | None = None
    for entry in entries(snapshot):
        if isinstance(entry, Message):
            items.append(_message(entry, interrupted=was_interrupted(snapshot, entry.item)))
        elif isinstance(entry, list):
            together = answers_together(before, entry)
            group = items[-1]["id"] if together else entry[0].item.id
            items += [_call(call, group) for call in entry]
            items += [_output(call) for call in entry]
        before = entry
    return {"items": items}


def _message(message: Message, *, interrupted: bool) -> dict[str, Json]:
    content = [
        each
        if isinstance(each, str)
        else {
            "id": f"{message.item.id}_{index}",
            "type": "image_content",
            "image": each.url,
            "inference_detail": each.detail,
        }
        for index, each in enumerate(message.content)
    ]
    return {
        "id": message.item.id,
        "type": "message",
        "role": message.role,
        "content": content,
        "interrupted": interrupted,
    }


def _call(call: Call, group: str) -> dict[str, Json]:
    return {
        "id": call.item.id,
        "type": "function_call",
        "call_id": call.call_id,
        "name": call.name,
        "arguments": call.arguments,
        "group_id": group,
    }


def _output(call: Call) -> dict[str, Json]:
    return {
        "id": call.output_id,
        "type": "function_call_output",
        "name": call.name,
        "call_id": call.call_id,
        "output": call.output,
        "is_error": call.error is not None,
    }
