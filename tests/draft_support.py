"""A draft and the document that its operations make, for the tests that tell the verbs directly."""

from copy import deepcopy
from typing import Any

import pytest

from rtstate import Change, Snapshot
from rtstate._draft import Draft, ItemCopy, PartCopy
from rtstate._operations import listed
from rtstate._types import IN_PROGRESS
from tests.laws_support import Document, canonical, fold

MESSAGE = {"type": "message", "role": "assistant"}
HI = PartCopy("output_text", text="Hi")


class Told:
    """A draft, and the document that its operations make."""

    def __init__(self, **options: Any) -> None:
        self.draft = Draft(**options)
        self.document: Document = self.draft.freeze().to_dict()

    def ends(self) -> list[tuple[str, str]]:
        """End the event at hand: prove its operations, and return them without their values."""
        raw = listed(self.draft.take())
        operations = [operation_of(each) for each in raw]
        before = canonical(self.document)
        fold(self.document, operations)
        if operations:
            back = [each for each in Change(0, raw=raw).inverse() if each["path"] != "/revision"]
            assert canonical(fold(deepcopy(self.document), back)) == before
        self.document["revision"] = self.draft.revision
        self.draft._check()
        assert canonical(self.document) == canonical(self.draft.freeze().to_dict())
        assert Snapshot.from_dict(self.document) == self.draft.freeze()
        self.draft.notes.clear()
        return [(each["op"], each["path"]) for each in operations]


def item(told: Told, item_id: str = "a") -> Any:
    """What the document has of an item."""
    return told.document["items"][item_id]


def operation_of(raw: Any) -> dict[str, Any]:
    return Change(0, raw=[raw]).patch()[0]


@pytest.fixture
def told() -> Told:
    return Told()


def put(draft: Draft, item_id: str = "a", *parts: PartCopy, **fields: Any) -> Any:
    copy = ItemCopy(item_id, **{**MESSAGE, **fields}, parts=list(parts))
    return draft.put_item(copy, IN_PROGRESS)
