"""The conversation as plain text, and as turns for programs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rtstate._types import Json
from rtstate.document import Snapshot, expect_snapshot
from rtstate.exports._people import clock, entries, lines, one_line, remarks, result, speaker, unheard
from rtstate.views.tools import ToolCall
from rtstate.views.transcript import Turn, transcript

TRANSCRIPT_FORMAT: Final = "rtstate.transcript/1"
_INDENT: Final = "\n  "


def plain_text(
    snapshot: Snapshot,
    *,
    speakers: Mapping[str, str] | None = None,
    tools: bool = False,
    generated: bool = False,
    times: bool = False,
) -> str:
    """Return the transcript as plain text, a turn a line: ``User: Hello``.

    ``speakers`` has names by role; without one it is the role itself. ``tools``: also the calls of tools,
    with what they came to. ``generated``: also what nobody heard of a turn that was cut off. ``times``: when
    each began, by the session's audio clock, where that is known. A turn that goes on on another line is
    indented there, so that no words can pass for a turn, and remarks stand in square brackets:
    ``[interrupted]``, ``[pending]``, ``[partial]``, ``[transcription failed]``, ``[no transcript]``,
    ``[no words]``, ``[image]``. A translation session has no turns: ``snapshot.translation`` has its texts.
    Cost: O(n), and the texts' lengths.

    >>> from rtstate import replay, simulate
    >>> snapshot = replay(simulate.example().events).snapshot()
    >>> print("".join(plain_text(snapshot, speakers={"assistant": "Nora"}).splitlines(True)[3:6]))
    User: LH-40291
    Nora: Thanks, let me look that up.
    Nora: Thank you, I've found it. Your lamp left our [interrupted]
    """
    told: list[str] = []
    for entry in entries(snapshot, tools=tools):
        if isinstance(entry, ToolCall):
            told.append(f"Tool: {_called(entry)}")
        else:
            began = clock(entry.start_ms) if times else ""
            words = [f"[{began}]" if began else "", f"{speaker(entry.role, speakers)}:"]
            words += [_INDENT.join(lines(entry.text)), *_notes(snapshot, entry, generated=generated)]
            told.append(" ".join(filter(None, words)))
    return "".join([f"{line}\n" for line in told])


def transcript_json(snapshot: Snapshot) -> dict[str, Json]:
    """Return the transcript for programs, as plain JSON that is yours to change.

    ``{"format": "rtstate.transcript/1", "conversation_id": …, "revision": …, "turns": […]}``. A turn has the
    fields of :class:`rtstate.Turn`, all of them always, null where something is unknown: ``item_id``,
    ``role``, ``status``, ``text`` (what was heard), ``generated``, ``start_ms``, ``end_ms``, ``started_at``,
    ``ended_at``. A translation session has none: ``snapshot.translation`` has its texts. Cost: O(n), and the
    texts' lengths.

    >>> import rtstate
    >>> conversation = rtstate.Conversation()
    >>> item = {"id": "item_1", "type": "message", "role": "user"}
    >>> said = [{"type": "input_text", "text": "Hello."}]
    >>> _ = conversation.feed({"type": "conversation.item.added", "item": {**item, "content": said}})
    >>> [turn["text"] for turn in transcript_json(conversation.snapshot())["turns"]]
    ['Hello.']
    """
    expect_snapshot(snapshot)
    return {
        "format": TRANSCRIPT_FORMAT,
        "conversation_id": snapshot.conversation_id,
        "revision": snapshot.revision,
        "turns": [_fields(turn) for turn in transcript(snapshot)],
    }


def _fields(turn: Turn) -> dict[str, Json]:
    fields = turn.to_dict()
    del fields["heard"]  # which is the text
    return fields


def _notes(snapshot: Snapshot, turn: Turn, *, generated: bool) -> list[str]:
    rest = one_line(unheard(turn)) if generated else ""
    return [
        f"[{each}; not heard: {rest}]" if rest and each == "interrupted" else f"[{each}]"
        for each in remarks(snapshot, turn)
    ]


def _called(call: ToolCall) -> str:
    """Return a call, and what it came to, as indented lines."""
    came = result(call)
    asked = f"{one_line(call.name) or 'unnamed'}({one_line(call.arguments_text)})"
    return f"{asked} [no output]" if came is None else f"{asked} → {_INDENT.join(lines(came))}".rstrip()
