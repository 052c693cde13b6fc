"""What a session cost, as a table with bars: by direction, modality and cache."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import attrs
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from rtstate import Totals
from rtstate.cli._layout import LABEL_WIDTH, QUIET, Bar, Entry, count, heading, seconds


def usage(totals: Totals, remarks: Sequence[RenderableType] = ()) -> Iterator[RenderableType]:
    """Yield the section about usage, with remarks at its end; nothing while nothing has ended."""
    if not totals.responses.count and not totals.transcription.count:
        return
    yield heading("Usage")
    if rows := _rows(totals):
        yield _table(rows)
        yield Text()
    yield from _bill(totals)
    yield from remarks
    yield Text()


@attrs.frozen
class _Row:
    """One line of the usage table."""

    label: str
    kind: str
    tokens: int
    cached: int = 0


def _rows(totals: Totals) -> list[_Row]:
    """Return the rows that are not zero."""
    into, out = totals.responses.input_token_details, totals.responses.output_token_details
    cached, spoken = into.cached_tokens_details, totals.transcription.input_token_details
    return [
        *_group(
            totals.responses.input_tokens,
            _Row("input", "text", into.text_tokens, cached.text_tokens),
            _Row("input", "audio", into.audio_tokens, cached.audio_tokens),
            _Row("input", "image", into.image_tokens, cached.image_tokens),
        ),
        *_group(
            totals.responses.output_tokens,
            _Row("output", "text", out.text_tokens),
            _Row("output", "audio", out.audio_tokens),
        ),
        *_group(
            totals.transcription.total_tokens,
            _Row("transcript", "text", spoken.text_tokens),
            _Row("transcript", "audio", spoken.audio_tokens),
            _Row("transcript", "output", totals.transcription.output_tokens),
        ),
    ]


def _group(total: int, *parts: _Row) -> list[_Row]:
    """Return the rows of one kind, with one more for the tokens that the server did not break down."""
    rest = total - sum(row.tokens for row in parts)
    return [row for row in (*parts, _Row(parts[0].label, "other", rest)) if row.tokens > 0 or row.cached > 0]


def _table(rows: Sequence[_Row]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style=QUIET)
    table.add_column("", min_width=LABEL_WIDTH, no_wrap=True)
    table.add_column("", no_wrap=True)
    table.add_column("tokens", justify="right", no_wrap=True)
    table.add_column("▒ cached", justify="right", no_wrap=True)
    table.add_column("", style="cyan")
    whole = max((row.tokens for row in rows), default=0)
    before = ""
    for row in rows:
        label = "" if row.label == before else row.label
        cached = f"{row.cached:,}" if row.cached else ""
        table.add_row(label, row.kind, f"{row.tokens:,}", cached, Bar(row.cached, row.tokens, whole))
        before = row.label
    return table


def _bill(totals: Totals) -> Iterator[RenderableType]:
    """Yield what it came to in words, the responses and apart from them the transcripts."""
    spent, heard = totals.responses, totals.transcription
    cached = spent.input_token_details.cached_tokens
    if spent.count:
        words = f"{count(spent.total_tokens, 'token')} in {count(spent.count, 'response')}"
        if 0 < cached <= spent.input_tokens:
            words += f", {cached / spent.input_tokens:.0%} of the input cached"
        words += _unsaid(spent.without_usage, spent.count, "response")
        yield Entry("responses", QUIET, Text(words))
    if heard.count:
        bill = [count(heard.total_tokens, "token")] if heard.total_tokens else []
        bill += [seconds(heard.seconds * 1000)] if heard.seconds else []
        words = f"{' and '.join(bill) or 'nothing'} billed for {count(heard.count, 'transcript')}"
        words += _unsaid(heard.without_usage, heard.count, "transcript")
        yield Entry("transcript", QUIET, Text(words))


def _unsaid(missing: int, of: int, noun: str) -> str:
    return f"; {missing:,} of {count(of, noun)} did not say" if missing else ""
