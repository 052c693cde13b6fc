"""What has to be reached: the rows at the head of ``docs/performance.md``, in their order.

A question gives a row to its figure as the target, by the row's name. Where a figure misses, the row's note
says why, and what was tried; it is shown only then.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Target:
    """The largest ratio that is good enough for one figure of a question."""

    name: str
    question: str
    what: str
    at_most: float
    note: str = ""


_ROWS: Final = (
    Target("text deltas", "feed", "`feed` of text deltas ÷ `orjson.loads` of the same bytes", 3.3),
    Target("text, parse", "feed", "`feed` of a whole text session ÷ the original module's parse alone", 0.55),
    Target(
        "text, JavaScript",
        "peers",
        "`feed` of a whole text session ÷ the JavaScript reducer in Node.js (parse + reduce)",
        1.9,
    ),
    Target("audio", "feed", "`feed` of a whole audio session ÷ `orjson.loads`", 1.9),
    Target("audio, JavaScript", "peers", "`feed` of a whole audio session ÷ the JavaScript reducer", 0.08),
    Target("agents, 100", "peers", "`feed` ÷ `openai-agents`' path, at 100 items", 0.065),
    Target("agents, 1,000", "peers", "`feed` ÷ `openai-agents`' path, at 1,000 items", 0.013),
    Target("utils", "peers", "`feed` ÷ `openai-realtime-api-utils`, at 1,000 items", 0.035),
    Target("delta", "flat", "a delta at 100,000 items ÷ at 100", 1.1),
    Target("head", "flat", "an insert at the head, at 100,000 items ÷ at 100", 1.3),
    Target("one anchor", "flat", "an insert behind one anchor, at 100,000 items ÷ at 100", 1.3),
    Target("random items", "flat", "an insert behind random items, at 100,000 items ÷ at 100", 2.5),
    Target("snapshot", "flat", "a snapshot after a delta, at 100,000 items ÷ at 100", 1.2),
    Target("feed and snapshot", "feed", "`feed` + a snapshot after every event ÷ `orjson.loads`", 6),
    Target("patch", "changes", "`change.patch()` of a delta ÷ `orjson.loads` of its event", 1.5),
    Target("diff", "changes", "`diff` with one item of 10,000 changed ÷ `jsonpatch.make_patch`", 0.00003),
    Target("wire", "changes", "wire bytes of 2,400 text deltas, append form ÷ the events' own bytes", 0.66),
    Target("wire, merged", "changes", "the same, merged by five ÷ the events' own bytes", 0.15),
    Target("idle", "memory", "an idle conversation of 20 items, default history, in kB", 100),
    Target("idle, no history", "memory", "an idle conversation of 20 items, `history=0`, in kB", 45),
    Target(
        "an hour", "memory", 'an hour of audio, `audio="measure"`: peak growth ÷ the audio\'s bytes', 0.028
    ),
    Target("import", "importing", "`import rtstate` ÷ `import pydantic`", 0.8),
    Target("replay", "replaying", "replay of 1,000,000 events ÷ `orjson.loads` of its lines", 4.2),
)

TARGETS: Final = {row.name: row for row in _ROWS}
