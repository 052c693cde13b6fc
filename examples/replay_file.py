"""Replay a recording: who said what, how much of it was heard, and what it used.

python examples/replay_file.py session.jsonl     (rtstate demo --save session.jsonl makes one)
"""

import sys
from pathlib import Path

import rtstate


def main(path: str) -> None:
    with Path(path).open(encoding="utf-8") as lines:
        conversation = rtstate.replay(lines)
    snapshot = conversation.snapshot()
    for turn in rtstate.transcript(snapshot):
        cut = "" if turn.heard == turn.generated else f"   (of {turn.generated!r})"
        print(f"{turn.role or '':>9}: {turn.heard}{cut}")
    used = snapshot.usage.responses
    print(f"{used.count} responses, {used.input_tokens} tokens in, {used.output_tokens} out")
    for anomaly in conversation.anomalies:
        print("odd:", anomaly.message, file=sys.stderr)


if __name__ == "__main__":
    main(sys.argv[1])
