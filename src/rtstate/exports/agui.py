"""The conversation as messages of the AG-UI protocol."""

from __future__ import annotations

from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.exports._common import Call, Image, Message, entries
from rtstate.exports.chat import content, function_call


def agui_messages(snapshot: Snapshot) -> list[dict[str, Json]]:
    """Return the conversation as AG-UI messages, as they stand in ``MESSAGES_SNAPSHOT``.

    Messages have the ids of their items; a message with calls has that of the first call. Spoken parts are
    their transcripts, and of what was cut off only what was heard. Calls that wait for their output are held
    too: a screen shows them, and may be what answers them. MCP calls become tool calls; MCP listings and
    approvals have no form there and are left out, and so is what else ``rtstate.exports.left_out`` lists.
    Cost: O(n), and the texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_audio", "transcript": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> agui_messages(conversation.snapshot())
    [{'id': 'item_1', 'role': 'user', 'content': 'Hello.'}]
    """
    messages: list[dict[str, Json]] = []
    for entry in entries(snapshot, waiting=True):
        if isinstance(entry, Message):
            messages.append({"id": entry.item.id, "role": entry.role, "content": content(entry, _image)})
        elif isinstance(entry, list):
            calls = [function_call(call) for call in entry]
            messages.append({"id": entry[0].item.id, "role": "assistant", "toolCalls": calls})
            messages += [_output(call) for call in entry if call.output is not None]
    return messages


def _output(call: Call) -> dict[str, Json]:
    made = {"id": call.output_id, "role": "tool", "toolCallId": call.call_id, "content": call.output}
    return made if call.error is None else {**made, "error": call.error}


def _image(image: Image) -> dict[str, Json]:
    return {"type": "image", "source": _source(image.url)}


def _source(url: str) -> dict[str, Json]:
    """Return where the bytes of an image are: in the message, or at a URL.

    >>> _source("data:image/png;base64,iVBO")
    {'type': 'data', 'value': 'iVBO', 'mimeType': 'image/png'}
    >>> _source("https://example.com/a.png")
    {'type': 'url', 'value': 'https://example.com/a.png'}
    """
    head, _, data = url.partition(",")
    if head.startswith("data:") and head.endswith(";base64"):
        return {"type": "data", "value": data, "mimeType": head[5:-7] or "text/plain"}
    return {"type": "url", "value": url}
