"""Beside Pipecat: what its own parser made of the wire goes into the conversation as it is.

python examples/pipecat_events.py session.jsonl

In a service of Pipecat's the one line is ``conversation.apply(event)``, where its receiving loop has the
event.
"""

import json
import sys
from pathlib import Path

from pipecat.services.openai.realtime import events as pipecat

import rtstate
from rtstate.recording import unwrap


def main(path: str) -> None:
    conversation = rtstate.Conversation()
    passed = 0
    for line in Path(path).read_text(encoding="utf-8").splitlines():
        event, at = unwrap(json.loads(line))
        try:
            parsed = pipecat.parse_server_event(json.dumps(event))
        except Exception:  # a client's event, say
            parsed = None
        if parsed is None:  # its parser does not know it
            conversation.feed(event, at)
        else:
            conversation.apply(parsed, at)
            passed += 1
    for turn in rtstate.transcript(conversation.snapshot()):
        print(f"{turn.role or '':>9}: {turn.heard}")
    print(f"{passed} events came parsed by Pipecat")


if __name__ == "__main__":
    main(sys.argv[1])
