"""The conversation as messages of the Chat Completions API."""

from __future__ import annotations

from collections.abc import Callable

from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.exports._common import Call, Entry, Image, Message, answers_together, entries
from rtstate.exports._ids import CHAT_ID


def chat_messages(snapshot: Snapshot) -> list[dict[str, Json]]:
    """Return the conversation as Chat Completions messages; LangChain and Pipecat take the same.

    Spoken parts are their transcripts, and of what was cut off only what was heard. The calls of one answer
    are one assistant message, with the words before them, and their outputs follow it at once, as that API
    demands. Ids and names that it refuses are made into others. MCP calls become function calls; MCP listings
    and approvals have no form there and are left out, and so is what ``rtstate.exports.left_out`` lists.
    Cost: O(n), and the texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_audio", "transcript": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> chat_messages(conversation.snapshot())
    [{'role': 'user', 'content': 'Hello.'}]
    """
    messages: list[dict[str, Json]] = []
    before: Entry | None = None
    for entry in entries(snapshot):
        if isinstance(entry, Message):
            messages.append({"role": entry.role, "content": content(entry, _image)})
        elif isinstance(entry, list):
            if not answers_together(before, entry):
                messages.append({"role": "assistant", "content": None})
            calls = [call.within(CHAT_ID) for call in entry]
            messages[-1]["tool_calls"] = [function_call(call) for call in calls]
            messages += [
                {"role": "tool", "tool_call_id": call.call_id, "content": call.output} for call in calls
            ]
        before = entry
    return messages


def function_call(call: Call) -> dict[str, Json]:
    """Return a call in the form that chat APIs give it."""
    function = {"name": call.name, "arguments": call.arguments}
    return {"id": call.call_id, "type": "function", "function": function}


def content(message: Message, image: Callable[[Image], Json]) -> Json:
    """Return what a message says in the form that chat APIs give it: a text, or parts where it has images."""
    if not message.has_image:
        return message.text
    return [
        {"type": "text", "text": each} if isinstance(each, str) else image(each) for each in message.content
    ]


def _image(image: Image) -> dict[str, Json]:
    return {"type": "image_url", "image_url": {"url": image.url, "detail": image.detail}}
