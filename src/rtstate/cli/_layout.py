"""How the page is set: headings, entries with a hanging indent, bars.

Colours are the sixteen that every terminal theme chooses for itself, and nothing is said by colour alone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import attrs
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.rule import Rule
from rich.segment import Segment
from rich.style import Style
from rich.text import Text

from rtstate.exports._people import CONTROLS

LABEL_WIDTH: Final = 10
PAGE_WIDTH: Final = 100
"""Where a terminal is wider, the page is not: longer lines are hard to read."""

STEERING: Final = {code: "�" for code in CONTROLS if chr(code) not in "\n\t"}
"""What would steer a terminal, and what is printed instead of it."""

QUIET: Final = "dim"
WARNING: Final = "magenta"
BAD: Final = "red"

_GAP: Final = 2
_LONGEST: Final = 1e12
_NOTE_WIDTH: Final = 8
_NARROW: Final = 48
_NOT_JSON: Final = re.compile(r"^event: Invalid JSON: (.*) at line \d+ (column \d+)$")
_EIGHTHS: Final = "▏▎▍▌▋▊▉"
_LEAST_BAR: Final = 8
_MOST_BAR: Final = 40


def clean(value: object) -> str:
    r"""Return text that is safe to print: a recording must not be able to steer the terminal.

    >>> clean("\x1b[2J Hi ")
    '�[2J Hi'
    """
    return str(value).replace("\r\n", "\n").translate(STEERING).strip()


def count(number: int, noun: str) -> str:
    """Return a number with its noun.

    >>> count(1, "item"), count(1200, "item")
    ('1 item', '1,200 items')
    """
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def seconds(milliseconds: float) -> str:
    """Return a duration for people.

    >>> seconds(4), seconds(1234), seconds(75_000), seconds(1e309)
    ('4 ms', '1.2 s', '1:15 min', 'over 30 years')
    """
    if milliseconds < 100:
        return f"{milliseconds:.0f} ms"
    if milliseconds < 60_000:
        return f"{milliseconds / 1000:.1f} s"
    if milliseconds > _LONGEST:
        return "over 30 years"
    minutes, rest = divmod(round(milliseconds / 1000), 60)
    return f"{minutes:,}:{rest:02} min"


def explain(message: str) -> str:
    """Return what is wrong with a line of a recording; the parser calls every one of them line 1.

    >>> explain("event: Invalid JSON: expected ident at line 1 column 2")
    'not JSON: expected ident (column 2)'
    """
    return _NOT_JSON.sub(r"not JSON: \1 (\2)", message)


def heading(title: str, note: str = "") -> Rule:
    """Return the line above a section."""
    text = Text.assemble((title, "bold"), (f" · {note}" if note else "", QUIET))
    return Rule(text, align="left", style=QUIET)


def spaced(texts: Iterable[Text], separator: str) -> Text:
    """Return texts as one, those that are empty left out."""
    return Text(separator).join([text for text in texts if text])


@attrs.frozen
class Entry:
    """A label, a text that hangs beside it (narrow terminals: beneath it), a note at the right edge."""

    label: str
    style: str
    body: Text
    note: str = ""
    noted: bool = False
    label_width: int = LABEL_WIDTH

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the lines. No table does it: a long recording has tens of thousands of entries."""
        width = options.max_width
        narrow = width < _NARROW
        indent = _GAP if narrow else self.label_width + _GAP
        margin = max(_NOTE_WIDTH, len(self.note) + _GAP) if self.noted and not narrow else 0
        room = max(width - indent - margin, 1)
        label = Text(self.label, self.style)
        label.truncate(width if narrow else self.label_width, overflow="ellipsis", pad=not narrow)
        if narrow and (self.label or self.note):
            yield from rendered(label, console)
            yield from (Segment(f"  {self.note}" if self.note else "", Style(dim=True)), Segment.line())
        for number, line in enumerate(self.body.wrap(console, room) or [Text()]):
            line.rstrip()
            if number == 0 and not narrow:
                yield from rendered(label, console)
                yield Segment(" " * _GAP)
            else:
                yield Segment(" " * indent)
            yield from rendered(line, console)
            if number == 0 and self.note and not narrow:
                yield Segment(" " * (width - indent - line.cell_len - len(self.note)))
                yield Segment(self.note, Style(dim=True))
            yield Segment.line()


def rendered(text: Text, console: Console) -> Iterable[Segment]:
    """Return the segments of one line; by itself a text leaves out its own style."""
    return Segment.apply_style(text.render(console), console.get_style(text.style))


@attrs.frozen
class Bar:
    """A bar as long as its share of the whole: first the part that was cached, then the rest."""

    cached: int
    total: int
    whole: int

    def drawn(self, width: int) -> str:
        """Return the bar, the whole being so wide."""
        scale = width / max(self.whole, 1)
        cached = round(min(self.cached, self.total) * scale)
        full, eighths = divmod(round(self.total * scale * 8), 8)
        return "▒" * cached + "█" * (full - cached) + (_EIGHTHS[eighths - 1] if eighths else "")

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield Segment(self.drawn(options.max_width))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(4, min(options.max_width, _MOST_BAR))


@attrs.frozen
class PlotLine:
    """One line of a plot."""

    figures: Sequence[str]
    bar: Bar | None = None
    remark: str = ""
    style: str = ""
    remark_style: str = QUIET


def plot(titles: Sequence[str], lines: Sequence[PlotLine]) -> Iterator[Columns]:
    """Yield lines of figures under their titles, each with a bar behind it, and a remark behind that.

    The first of the figures is a number or a name, the second a word with a style of its own. Bars are as
    long as there is room; where there is none for the figures, they go on below.
    """
    cells = [titles, *(line.figures for line in lines)]
    widths = [max(map(cell_len, column)) for column in zip(*cells, strict=True)]
    remarks = max((cell_len(line.remark) for line in lines), default=0)
    yield Columns(PlotLine(titles), widths, remarks, QUIET)
    yield from (Columns(line, widths, remarks) for line in lines)


@attrs.frozen
class Columns:
    """One line of a plot, set in the columns of all of them."""

    line: PlotLine
    widths: Sequence[int]
    remarks: int
    style: str = ""

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width = options.max_width
        figures = self._figures()
        room = width - figures.cell_len - _GAP - (self.remarks and self.remarks + _GAP)
        if self.line.bar is not None and room >= _LEAST_BAR:
            figures = Text.assemble(figures, " " * _GAP, (self.line.bar.drawn(min(room, _MOST_BAR)), "cyan"))
        if self.line.remark:
            figures = Text.assemble(figures, " " * _GAP, (self.line.remark, self.line.remark_style))
        figures.rstrip()
        lines = [figures] if figures.cell_len <= width else figures.wrap(console, max(width - _GAP, 1))
        for number, line in enumerate(lines):
            line.rstrip()
            yield Segment(" " * _GAP if number else "")
            yield from rendered(line, console)
            yield Segment.line()

    def _figures(self) -> Text:
        name, word, *figures = self.line.figures
        first, second, *widths = self.widths
        text = Text(style=self.style)
        text.append(f"{name:>{first}}" if name.isdecimal() else f"{name:<{first}}", QUIET)
        text.append(f"{'':{_GAP}}{word:<{second}}" if second else "", self.line.style)
        text.append("".join(f"{each:>{width + _GAP}}" for each, width in zip(figures, widths, strict=True)))
        return text
