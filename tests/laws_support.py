"""What the laws are told in: documents as JSON values, patches applied to them, streams fed to the end."""

import json
from collections.abc import Iterable
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from rtstate import Change, Conversation, Item, Part, Snapshot

Document = Any


def canonical(document: Document) -> str:
    """Write a JSON value so that equal text is equal JSON: true is not 1, the order of keys is nothing."""
    return json.dumps(document, sort_keys=True, allow_nan=False)


def fold(document: Document, operations: Iterable[dict[str, Any]]) -> Document:
    """Apply a patch in place: RFC 6902's add, replace and remove, and ``append``. Every path has to exist."""
    for operation in operations:
        *way, last = [key.replace("~1", "/").replace("~0", "~") for key in operation["path"].split("/")[1:]]
        holder = document
        for key in way:
            holder = holder[int(key)] if isinstance(holder, list) else holder[key]
        op, value = operation["op"], deepcopy(operation.get("value"))
        if isinstance(holder, list):
            at = int(last)
            assert 0 <= at < len(holder) + (op == "add"), operation
            if op == "add":
                holder.insert(at, value)
            elif op == "remove":
                del holder[at]
            else:
                holder[at] = value
        else:
            assert op == "add" or last in holder, operation
            if op == "remove":
                del holder[last]
            elif op == "append":
                assert isinstance(holder[last], str), operation
                assert isinstance(value, str), operation
                holder[last] += value
            else:
                holder[last] = value
    return document


def every_item(snapshot: Snapshot) -> dict[str, Item]:
    """The items by id, those without a place included."""
    return {item.id: item for item in (*snapshot.items, *snapshot.unplaced)}


def generated(part: Part) -> str | None:
    """What was generated of a part, truncated or not."""
    if part.truncated is not None:
        return part.truncated.generated_transcript
    return part.text or part.transcript


@dataclass
class Run:
    """One stream, fed to the end; ``check`` after each event is what every law rests on."""

    conversation: Conversation
    first: Document
    changes: list[Change]

    @property
    def last(self) -> Document:
        return self.conversation.snapshot().to_dict()


def run(events: Iterable[Any], *, check: bool = True, **options: Any) -> Run:
    conversation = Conversation(**options)
    first = conversation.snapshot().to_dict()
    changes: list[Change] = []
    for event in events:
        changes.append(conversation.feed(event))
        if check:
            conversation._draft._check()
    return Run(conversation, first, changes)
