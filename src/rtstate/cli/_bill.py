"""``rtstate usage``: what each response and transcription used, what that comes to, and what it cost."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from importlib import metadata

import click
from rich.console import RenderableType
from rich.text import Text

import rtstate
from rtstate import Conversation, Snapshot, Usage, UsageEntry, UsageTotals
from rtstate._types import Dialect
from rtstate.cli._layout import QUIET, WARNING, Bar, Entry, PlotLine, clean, count, heading, plot, seconds
from rtstate.cli._points import AT, Point, states
from rtstate.cli._printing import page_console, print_blocks
from rtstate.cli._reading import DIALECT, Unusable
from rtstate.cli._usage import usage
from rtstate.cli._words import STATUS_STYLES, short_id
from rtstate.cost import Cost, GenaiPricer, PricedEntry, cost


@click.command("usage", short_help="Show what each response used, and what it cost.")
@click.argument("name", metavar="FILE")
@click.option("--cost", "priced", is_flag=True, help="Price it; needs the extra: pip install 'rtstate[cost]'")
@click.option("--model", metavar="NAME", help="With --cost: what answered, whatever FILE calls it.")
@click.option("--transcription-model", metavar="NAME", help="With --cost: what transcribed.")
@click.option("--provider", metavar="NAME", help="With --cost: who served it, as genai-prices says: azure.")
@click.option("--json", "as_json", is_flag=True, help="Print it as one JSON object instead.")
@AT
@DIALECT
def usage_command(
    name: str,
    priced: bool,
    model: str | None,
    transcription_model: str | None,
    provider: str | None,
    as_json: bool,
    point: Point | None,
    dialect: Dialect,
) -> None:
    """Show what each response and transcription of FILE used, or of standard input for "-".

    What is not known is left empty, or null. Prices are those of the genai-prices package, in US dollars:
    an estimate, and what has no price there is named.

    \b
    rtstate usage session.jsonl --cost
    rtstate usage session.jsonl --cost --model gpt-realtime --provider azure
    rtstate usage session.jsonl --json | jq .responses.tokens
    """  # noqa: D301
    if not priced and (model or transcription_model or provider):
        raise click.UsageError("--model, --transcription-model and --provider are about --cost")
    pricer = _pricer(provider) if priced else None
    [snapshot] = states(name, Conversation(dialect=dialect, history=0), [point])
    used = rtstate.usage(snapshot)
    models = {"model": model, "transcription_model": transcription_model}
    spent = None if pricer is None else cost(used, pricer, **models)
    if as_json:
        click.echo(json.dumps(_document(used, spent), ensure_ascii=False).encode())
    else:
        print_blocks(page_console(), bill(snapshot, used, spent))


def _short(text: str, most: int = 40) -> str:
    """Return a server's word as one that keeps to its column."""
    line = clean(" ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - 1]}…"


def _pricer(provider: str | None) -> GenaiPricer:
    try:
        return GenaiPricer(provider)
    except ImportError as missing:
        raise Unusable(str(missing)) from None


def _document(used: Usage, spent: Cost | None) -> object:
    """Return the usage as JSON; with prices they stand in the entries, and their sums under ``cost``."""
    document = used.to_dict()
    if spent is not None:
        sums = spent.to_dict()
        document |= {"entries": sums.pop("entries"), "cost": sums}
    return document


def bill(snapshot: Snapshot, used: Usage, spent: Cost | None) -> Iterator[RenderableType]:
    """Yield the sections: responses, transcripts, totals, context, cost."""
    priced = [PricedEntry(entry) for entry in used.entries] if spent is None else spent.entries
    responses = [each for each in priced if each.entry.kind == "response"]
    transcripts = [each for each in priced if each.entry.kind == "transcription"]
    if not used.responses.count and not used.transcription.count:
        yield Text("No response and no transcription has ended.", QUIET)
        if snapshot.translation is not None:
            yield Text("A translation session is billed by its length, which no event tells.", QUIET)
        return
    yield from _responses(responses, priced=spent is not None)
    yield from _transcripts(transcripts, priced=spent is not None)
    yield from usage(snapshot.usage, tuple(_remarks(used)))
    if spent is not None:
        yield from _cost(spent)


def _responses(responses: Sequence[PricedEntry], *, priced: bool) -> Iterator[RenderableType]:
    """Yield a line for each response, with its input as a bar."""
    if not responses:
        return
    yield heading("Responses", _models(responses))
    whole = max(each.entry.tokens.input or 0 for each in responses)
    lines: list[PlotLine] = []
    for number, each in enumerate(responses, 1):
        entry, tokens = each.entry, each.entry.tokens
        figures = map(_figure, (tokens.input, tokens.cached, tokens.output))
        lines.append(
            PlotLine(
                (f"{number:,}", _short(entry.status), *figures, *_price(each, priced)),
                Bar(tokens.cached or 0, tokens.input or 0, whole),
                "out of band" * entry.out_of_band,
                STATUS_STYLES.get(entry.status, ""),
            )
        )
    yield from plot(("#", "", "input", "▒ cached", "output", *["cost"] * priced), lines)
    yield Text()


def _transcripts(transcripts: Sequence[PricedEntry], *, priced: bool) -> Iterator[RenderableType]:
    """Yield a line for each transcription."""
    if not transcripts:
        return
    yield heading("Transcripts", _models(transcripts))
    whole = max(each.entry.tokens.input or 0 for each in transcripts)
    lines: list[PlotLine] = []
    for number, each in enumerate(transcripts, 1):
        entry, tokens = each.entry, each.entry.tokens
        spoken = "" if entry.seconds is None else f"{entry.seconds:,.1f}"
        figures = (_figure(tokens.input), spoken, _figure(tokens.output), *_price(each, priced))
        item = short_id(entry.item_id or "", "item")
        lines.append(PlotLine((f"{number:,}", item, *figures), Bar(0, tokens.input or 0, whole)))
    yield from plot(("#", "", "input", "seconds", "output", *["cost"] * priced), lines)
    yield Text()


def _models(entries: Iterable[PricedEntry]) -> str:
    """Return how many there are, and of which models."""
    models = Counter(each.entry.model for each in entries)
    names = [_short(name) if name else "model unknown" for name in models]
    return " · ".join([f"{models.total():,}", *names])


def _figure(tokens: int | None) -> str:
    return "" if tokens is None else f"{tokens:,}"


def _price(each: PricedEntry, priced: bool) -> list[str]:
    return [] if not priced else ["unpriced" if each.price is None else money(each.price)]


def money(amount: Decimal) -> str:
    """Return an amount in US dollars, as exact as one wants to read it.

    >>> money(Decimal("12.3456")), money(Decimal("0.000168")), money(Decimal(0))
    ('$12.35', '$0.000168', '$0.00')
    """
    return f"${amount:,.2f}" if amount >= 1 or not amount else f"${amount:.6f}"


def _remarks(used: Usage) -> Iterator[RenderableType]:
    """Yield what the totals do not tell."""
    if used.cancelled.tokens.total:
        words = f"{_tokens(used.cancelled)} of the above in {count(used.cancelled.count, 'response')}"
        yield Entry("cancelled", QUIET, Text(words))
    if used.unlisted.count:
        words = f"{_tokens(used.unlisted)} of the above for {count(used.unlisted.count, 'transcript')}"
        yield Entry("unlisted", QUIET, Text(f"{words} of items that are gone"))
    there = used.context
    if there.tokens:
        words = f"about {count(there.tokens, 'token')}"
        if there.measured is not None and there.added:
            words += f": {there.measured:,} by the last response, and about {there.added:,} since"
        yield Entry("context", QUIET, Text(words))
    if there.dropped:
        left_out = "the server has left out some of the conversation, or a new session began without it"
        yield Entry("", QUIET, Text(left_out, WARNING))


def _tokens(totals: UsageTotals) -> str:
    bill = [count(totals.tokens.total, "token")] if totals.tokens.total else []
    bill += [seconds(totals.seconds * 1000)] if totals.seconds else []
    return " and ".join(bill) or "nothing"


def _cost(spent: Cost) -> Iterator[RenderableType]:
    """Yield what it cost, and what could not be priced."""
    yield heading("Cost", f"prices of genai-prices {metadata.version('genai-prices')}, an estimate")
    sums = {"responses": spent.responses, "transcript": spent.transcription, "total": spent.total}
    for label, amount in sums.items():
        note = (
            f", {money(spent.cancelled)} of it cancelled" if label == "responses" and spent.cancelled else ""
        )
        more = " and what is unpriced" if label == "total" and not spent.complete else ""
        yield Entry(label, QUIET, Text(f"{money(amount)}{note}{more}"))
    for (kind, why), number in Counter(_unpriced(spent)).items():
        yield Entry("unpriced", WARNING, Text(f"{count(number, kind)}: {why}"))
    yield Text()


def _unpriced(spent: Cost) -> Iterator[tuple[str, str]]:
    """Yield what has no price, and why."""
    for each in spent.entries:
        if each.unpriced is not None:
            yield _kind(each.entry), _short(each.unpriced, 200)
    for _ in range(spent.unlisted.count):
        yield "transcript", "of an item that is gone"


def _kind(entry: UsageEntry) -> str:
    return "response" if entry.kind == "response" else "transcript"
