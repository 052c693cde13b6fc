"""The conversation as Markdown."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from rtstate.document import Snapshot
from rtstate.exports._people import clock, entries, lines, one_line, remarks, result, speaker, unheard
from rtstate.views.tools import ToolCall
from rtstate.views.transcript import Turn

_BREAK: Final = "\\\n"
_INLINE: Final = re.compile(
    r"""[\\`*\[\]<>~|]  # means something wherever it stands
    | _(?<![^\W_]_) | _(?![^\W_])  # within a word it means nothing
    | &(?=\#?\w+;)  # a character by its name or number
    """,
    re.VERBOSE,
)
_WORD: Final = re.compile(r"[^\s`]+|`")
_ADDRESS: Final = re.compile(r"//|www\.|.@.", re.IGNORECASE)
_AROUND: Final = ".,;:!?()[]{}<>\"'*_~|"
_AT_START: Final = re.compile(r"\A(?:(?=[#+=:-])|(\d+)(?=[.)]))")
"""A heading, an item of a list, the line under a heading or a row of a table, as its line begins."""


def markdown(
    snapshot: Snapshot,
    *,
    speakers: Mapping[str, str] | None = None,
    tools: bool = False,
    generated: bool = False,
    times: bool = False,
) -> str:
    r"""Return the transcript as Markdown, a turn a paragraph: ``**User:** Hello``.

    The options are those of :func:`plain_text`. What nobody heard is struck through (``~~``, of GitHub
    Flavored Markdown), calls and their outputs are code, remarks are in italics. Whatever was said is text:
    it is escaped, its line breaks are hard ones, and the addresses in it, of pages or of people, are code:
    GitHub links them even where they are escaped. Cost: O(n), and the texts' lengths.

    >>> from rtstate import replay, simulate
    >>> snapshot = replay(simulate.example().events).snapshot()
    >>> print(markdown(snapshot, tools=True).split("\n\n")[5])
    **Tool:** `track_order({"order_number":"LH-40291"})` → `{"status": "in_transit", ...}`
    """
    told: list[str] = []
    for entry in entries(snapshot, tools=tools):
        if isinstance(entry, ToolCall):
            told.append(f"**Tool:** {_called(entry)}")
        else:
            began = clock(entry.start_ms) if times else ""
            words = [_label(_inline(speaker(entry.role, speakers)), began), _text(entry.text)]
            told.append(" ".join([*filter(None, words), *_notes(snapshot, entry, generated=generated)]))
    return "".join([f"{paragraph}\n\n" for paragraph in told])[:-1]


def _label(name: str, began: str) -> str:
    return f"**{name}** ({began}):" if began else f"**{name}:**"


def _notes(snapshot: Snapshot, turn: Turn, *, generated: bool) -> list[str]:
    rest = one_line(unheard(turn)) if generated and turn.status == "interrupted" else ""
    return [*([f"~~{_inline(rest)}~~"] if rest else []), *(f"*({each})*" for each in remarks(snapshot, turn))]


def _called(call: ToolCall) -> str:
    came = result(call)
    asked = _code(f"{one_line(call.name) or 'unnamed'}({one_line(call.arguments_text)})")
    if came is None:
        return f"{asked} *(no output)*"
    text = one_line(came)
    return f"{asked} → {_code(text) if text else '*(empty)*'}"


def _text(text: str | None) -> str:
    """Return what was said as text that means nothing but itself. The label keeps its first line safe."""
    first, *others = [_inline(line) for line in lines(text)] or [""]
    return _BREAK.join([first, *(_AT_START.sub(r"\1\\", line) for line in others)])


def _inline(text: str) -> str:
    r"""Return a text on one line with what Markdown would read in it escaped, and its addresses as code.

    >>> _inline("2 * 3 < 7, snake_case, _so_ (at www.example.com)")
    '2 \\* 3 \\< 7, snake_case, \\_so\\_ (at `www.example.com`)'
    """
    return _WORD.sub(lambda word: _word(word[0]), text)


def _word(word: str) -> str:
    """Return a word: an address in it is code, without the punctuation around it."""
    address = word.strip(_AROUND) if _ADDRESS.search(word) else ""
    before, _, after = word.partition(address) if address else (word, "", "")
    return _escaped(before) + (_code(address) if address else "") + _escaped(after)


def _escaped(text: str) -> str:
    return _INLINE.sub(r"\\\g<0>", text)


def _code(text: str) -> str:
    """Return a text on one line as a code span: its fence is longer than any run of backticks within.

    >>> _code("a"), _code("`a` and ``b``")
    ('`a`', '``` `a` and ``b`` ```')
    """
    fence = "`" * (max(map(len, re.findall("`+", text)), default=0) + 1)
    space = " " * (text[:1] in ("", "`") or text[-1:] == "`")
    return f"{fence}{space}{text}{space}{fence}"
