"""What exports for people agree on: who speaks, what a turn needs beside its words, where calls stand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from rtstate.document import Snapshot
from rtstate.exports._common import as_text
from rtstate.views.tools import ToolCall, tool_calls
from rtstate.views.transcript import Turn, transcript

CONTROLS: Final = (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A))
"""What steers a terminal or turns the direction of what follows, by code point."""
_UNPRINTABLE: Final = {**dict.fromkeys((*CONTROLS, *range(0xD800, 0xE000)), "�"), ord("\t"): " "}
"""Controls, and halves of surrogate pairs, which no file can hold."""


def entries(snapshot: Snapshot, *, tools: bool = False) -> Iterator[Turn | ToolCall]:
    """Yield the turns of a transcript, with ``tools`` also the calls where they stand. Cost: O(n)."""
    found: dict[str, Turn | ToolCall] = {turn.item_id: turn for turn in transcript(snapshot)}
    if tools:
        found.update({call.item_id: call for call in tool_calls(snapshot)})
    return (found[item_id] for item_id in snapshot.order if item_id in found)


def speaker(role: str | None, speakers: Mapping[str, str] | None = None) -> str:
    """Return the name of whoever has a role: the caller's word for it, else the role itself.

    >>> speaker("user"), speaker("assistant", {"assistant": "Nora"}), speaker(None)
    ('User', 'Nora', 'Unknown')
    """
    known = (speakers or {}).get(role or "")
    return " ".join(lines(known or (role or "").capitalize())) or "Unknown"


def lines(text: str | None) -> list[str]:
    r"""Return the lines of a text that have anything on them, fit to be printed.

    >>> lines("Hello,\r\n\n  Anna.\x1b")
    ['Hello,', 'Anna.�']
    """
    stripped = (line.translate(_UNPRINTABLE).strip() for line in (text or "").splitlines())
    return [line for line in stripped if line]


def one_line(text: str | None) -> str:
    """Return a text on one line, fit to be printed."""
    return " ".join(lines(text))


def unheard(turn: Turn) -> str:
    """Return what was generated of a turn and not heard: the rest, or all where the two texts differ."""
    heard, generated = turn.text or "", turn.generated or ""
    return generated.removeprefix(heard)


def remarks(snapshot: Snapshot, turn: Turn) -> list[str]:
    """Return what a reader has to be told of a turn beside its words, in a word or two each."""
    item = snapshot.item(turn.item_id)
    found = ["image" for part in item.content if part.type == "input_image"] if item else []
    if turn.status in ("interrupted", "partial", "pending"):
        found.append(turn.status)
    elif turn.status == "failed":
        found.append("transcription failed")
    elif not found and not lines(turn.text):
        found.append("no transcript" if turn.text is None else "no words")
    return found


def result(call: ToolCall) -> str | None:
    """Return what a call came to, its output or its error; None while it has come to nothing."""
    came = call.error if call.output is None else call.output
    return None if came is None else as_text(came)


def clock(milliseconds: float | None) -> str:
    """Return a time on the audio clock for people; an empty text where it is not known.

    >>> clock(75_400), clock(3_675_000), clock(None)
    ('1:15', '1:01:15', '')
    """
    if milliseconds is None:
        return ""
    minutes, seconds = divmod(int(milliseconds // 1000), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
