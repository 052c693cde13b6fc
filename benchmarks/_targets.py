"""What has to be reached: the rows at the head of ``docs/performance.md``, in their order.

A question gives a row to its figure as the target, by the row's name. Where a figure misses, the row's note
says why, and what was tried; it is shown only then.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
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
_NOTES: Final = {
    "text deltas": (
        "Reading alone is 1.9 ×: pydantic makes a dict of seven fields, where five would fit without "
        "growing it. Tried: leaving `obfuscation` out (kept: 0.2 ×), slots for the working copy (kept: 5 "
        "% of all), bare operations (kept: 2 %), fewer calls (kept: 2 %), the rest inlined (nothing), a "
        "change as a tuple (2 %, and no class of its own). `msgspec` would read at 0.7 ×, but each event "
        "then had a second definition, and a second opinion of what is refused: no accelerator."
    ),
    "text, JavaScript": "It takes 1.5 µs for parsing and reducing; see text deltas.",
    "audio": (
        "Audio of 100 ms is at 1.6 ×; the transcript deltas between cost as much as text, and note how "
        "much audio had come."
    ),
    "agents, 100": "`feed` would have to take 3 µs; see text deltas.",
    "agents, 1,000": (
        "It copies and searches its list for each delta, in 0.2 ms; `feed` would have to take 2.6 µs, and "
        "takes a little more the more items there are, whose memory is no longer in the processor's "
        "cache; see text deltas."
    ),
    "utils": "At its edge: `feed` alone decides; see text deltas.",
    "delta": (
        "Nothing of it grows: the same work on memory that is rarely in the processor's cache beside 100,000 "
        "items. It has been 1.12 to 1.22 in runs of one hour; with full histories in both it is no other."
    ),
    "feed and snapshot": "A snapshot adds 2 ×, a third of what it did; see text deltas for the rest.",
    "idle": (
        "Its 484 changes take 290 bytes each: 80 the change, 72 an operation, the rest paths, numbers and "
        "values. Tried: single operations bare, one path for all changes of a counter (13 kB less "
        "together). A shorter history by default would do it, and shorten how long a follower may stay "
        "away."
    ),
    "idle, no history": (
        "The ids of its 524 events alone take 55 kB, so that none counts twice; packed as in a checkpoint "
        "they would take 8, and each event 0.4 µs more."
    ),
    "replay": "See text deltas; its last tenth is as quick as the first.",
}

TARGETS: Final = {row.name: replace(row, note=_NOTES.get(row.name, "")) for row in _ROWS}
