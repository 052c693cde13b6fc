"""Two viewers of one call, kept up to date by patches.

One understands ``append``, so that a growing text costs what it grows; the other is any program with a stock
JSON Patch library. Both hold the same document at the end.

python examples/two_viewers.py session.jsonl
"""

import json
import sys
from pathlib import Path

import jsonpatch

import rtstate
from rtstate.recording import unwrap


class Viewer:
    """What is on the other side of a socket: a document, and patches as text."""

    def __init__(self, document: str, *, append: bool) -> None:
        self.document, self.append, self.bytes = json.loads(document), append, 0

    def receive(self, text: str) -> None:
        """Apply one patch."""
        self.bytes += len(text)
        operations = json.loads(text)
        if self.append:
            self.document = rtstate.apply_patch(self.document, operations)
        else:
            self.document = jsonpatch.apply_patch(self.document, operations)


def main(path: str) -> None:
    conversation = rtstate.Conversation()
    first = conversation.snapshot().to_json()
    ours, stock = viewers = [Viewer(first, append=True), Viewer(first, append=False)]
    with Path(path).open(encoding="utf-8") as lines:
        for line in lines:
            change = conversation.feed(*unwrap(line))
            if change:  # some events change nothing
                for viewer in viewers:
                    viewer.receive(json.dumps(change.patch(append=viewer.append)))
    assert ours.document == stock.document == conversation.snapshot().to_dict()
    print(f"revision {conversation.revision}: with append {ours.bytes:,} bytes, without {stock.bytes:,}")


if __name__ == "__main__":
    main(sys.argv[1])
