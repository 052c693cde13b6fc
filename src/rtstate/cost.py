"""What a conversation cost, entry by entry: a price in US dollars, or why there is none.

``cost`` asks a pricer for each entry of the bill. The default one looks prices up in the tables of
genai-prices (``pip install 'rtstate[cost]'``), which it imports when it is made, and downloads nothing;
``TablePricer`` takes rates of your own. Nothing here raises because of what a server sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Protocol, TypeAlias

import attrs

from rtstate._types import Json
from rtstate.document import Snapshot
from rtstate.views.usage import Tokens, Usage, UsageEntry, UsageTotals, usage

if TYPE_CHECKING:
    import genai_prices
    from genai_prices.types import PriceCalculation

MODALITIES: Final = ("text", "audio", "image")
MILLION: Final = Decimal(1_000_000)
_CACHED: Final = tuple([f"cached_{modality}" for modality in MODALITIES])
_Counts: TypeAlias = tuple[int | None, ...]


class Pricer(Protocol):
    """What says the price of an entry: any callable that takes one, and returns its price or why not."""

    def __call__(self, entry: UsageEntry, /) -> Decimal | str:
        """Return the price of an entry, or in a few words why it cannot be told."""
        ...


@attrs.frozen
class PricedEntry:
    """An entry of the bill with its price, or with the reason why it is ``unpriced``."""

    entry: UsageEntry
    price: Decimal | None = None
    unpriced: str | None = None

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON; a price is a text, so that it stays exact."""
        return {**self.entry.to_dict(), "price": _written(self.price), "unpriced": self.unpriced}


@attrs.frozen
class Cost:
    """What a conversation cost, as far as it could be priced: in US dollars, unless your own pricer differs.

    ``total`` is ``responses`` and ``transcription`` together; ``cancelled`` is among the responses.
    ``unpriced`` entries have no price and add nothing, and ``unlisted`` is what was billed for transcription
    without an entry (see :class:`Usage`). ``complete``: there is neither, so ``total`` is all of it.
    """

    entries: tuple[PricedEntry, ...] = ()
    total: Decimal = Decimal(0)
    responses: Decimal = Decimal(0)
    cancelled: Decimal = Decimal(0)
    transcription: Decimal = Decimal(0)
    unpriced: int = 0
    unlisted: UsageTotals = attrs.field(factory=UsageTotals)

    @property
    def complete(self) -> bool:
        """Whether everything that was billed has its price."""
        return not self.unpriced and self.unlisted == UsageTotals()

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON; prices are texts, so that they stay exact."""
        sums = ("total", "responses", "cancelled", "transcription")
        return {
            **{name: _written(getattr(self, name)) for name in sums},
            "complete": self.complete,
            "unpriced": self.unpriced,
            "unlisted": self.unlisted.to_dict(),
            "entries": [each.to_dict() for each in self.entries],
        }


def cost(
    used: Usage | Snapshot,
    pricer: Pricer | None = None,
    *,
    model: str | None = None,
    transcription_model: str | None = None,
) -> Cost:
    """Return what a conversation cost, by the prices of ``pricer``, or else of :class:`GenaiPricer`.

    ``model`` and ``transcription_model`` name what answered and what transcribed, whatever the entries say:
    where a recording tells no model, or the name of a deployment instead, as on Azure. Raises ImportError
    where there is no ``pricer`` and genai-prices is not installed; never for what is in the entries. Cost:
    one call of the pricer per entry.

    >>> from rtstate import replay, simulate
    >>> snapshot = replay(simulate.example().events).snapshot()
    >>> rates = Rates(4, 32, cached_text="0.40", cached_audio="0.40", output_text=16, output_audio=64)
    >>> spent = cost(snapshot, TablePricer({"gpt-realtime": rates}))
    >>> f"${spent.responses:.4f}", spent.unpriced, spent.entries[-1].unpriced
    ('$0.0953', 5, 'no rates for model gpt-4o-transcribe')
    """
    if isinstance(pricer, Mapping):
        raise TypeError("a pricer is asked for each entry: of rates by model, TablePricer(rates) makes one")
    used = used if isinstance(used, Usage) else usage(used)
    ask = GenaiPricer() if pricer is None else pricer
    priced: list[PricedEntry] = []
    for entry in used.entries:
        name = model if entry.kind == "response" else transcription_model
        answer = _ask(ask, entry if name is None else attrs.evolve(entry, model=name))
        if isinstance(answer, str):
            priced.append(PricedEntry(entry, unpriced=answer))
        else:
            priced.append(PricedEntry(entry, answer))
    return _bill(priced, used.unlisted)


def _ask(pricer: Pricer, entry: UsageEntry) -> Decimal | str:
    return pricer(entry) if entry.usage else "the server told no usage"


def _bill(priced: list[PricedEntry], unlisted: UsageTotals) -> Cost:
    responses = [each for each in priced if each.entry.kind == "response"]
    transcriptions = [each for each in priced if each.entry.kind == "transcription"]
    return Cost(
        entries=tuple(priced),
        total=_sum(responses) + _sum(transcriptions),
        responses=_sum(responses),
        cancelled=_sum([each for each in responses if each.entry.status == "cancelled"]),
        transcription=_sum(transcriptions),
        unpriced=sum(each.price is None for each in priced),
        unlisted=unlisted,
    )


def _sum(priced: list[PricedEntry]) -> Decimal:
    return sum((each.price for each in priced if each.price is not None), Decimal(0))


def _written(price: Decimal | None) -> str | None:
    return None if price is None else f"{price:f}"


# Rates of your own


def _rate(value: Decimal | float | str | None) -> Decimal | None:
    """Return a rate as a Decimal; raise ValueError for what is none: no number, no end, less than nothing."""
    if value is None:
        return None
    try:
        rate = Decimal(str(value))
    except ArithmeticError:  # InvalidOperation, which is no ValueError
        rate = Decimal("NaN")
    if not (rate.is_finite() and rate >= 0):
        raise ValueError(f"a rate is a number, 0 or more, not {value!r}")
    return rate


@attrs.frozen
class Rates:
    """What a model costs: per million tokens, or ``per_minute`` where it is billed by duration.

    Numbers and texts do as well as Decimals. None: the model has no such rate, and an entry that would need
    it is unpriced; but a cached rate that is None is that of uncached tokens. Raises ValueError for what is
    no number, and for numbers below 0.

    >>> Rates(input_text=4, cached_text="0.40").cached_text
    Decimal('0.40')
    """

    input_text: Decimal | None = attrs.field(default=None, converter=_rate)
    input_audio: Decimal | None = attrs.field(default=None, converter=_rate)
    input_image: Decimal | None = attrs.field(default=None, converter=_rate)
    cached_text: Decimal | None = attrs.field(default=None, converter=_rate)
    cached_audio: Decimal | None = attrs.field(default=None, converter=_rate)
    cached_image: Decimal | None = attrs.field(default=None, converter=_rate)
    output_text: Decimal | None = attrs.field(default=None, converter=_rate)
    output_audio: Decimal | None = attrs.field(default=None, converter=_rate)
    per_minute: Decimal | None = attrs.field(default=None, converter=_rate)

    @property
    def caches(self) -> bool:
        """Whether cached tokens have a rate of their own."""
        return any(getattr(self, f"cached_{modality}") is not None for modality in MODALITIES)


@attrs.frozen
class TablePricer:
    """Prices by rates of your own: those of a contract, or any that genai-prices does not have.

    >>> pricer = TablePricer({"whisper-1": Rates(per_minute="0.006")})
    >>> pricer(UsageEntry("transcription", model="whisper-1", seconds=90))
    Decimal('0.009')
    """

    rates: Mapping[str, Rates]

    def __call__(self, entry: UsageEntry, /) -> Decimal | str:
        """Return the price of an entry, or why it has none."""
        if entry.model is None:
            return "no model known"
        rates = self.rates.get(entry.model)
        if rates is None:
            return f"no rates for model {entry.model}"
        if entry.seconds is not None:
            if rates.per_minute is None:
                return f"no rate per minute for model {entry.model}"
            return rates.per_minute * Decimal(str(entry.seconds)) / 60
        try:
            tokens = _split(entry, cache=rates.caches)
        except _Unpriced as reason:
            return str(reason)
        return self._price(attrs.evolve(entry, tokens=tokens), rates)

    def _price(self, entry: UsageEntry, rates: Rates) -> Decimal | str:
        price = Decimal(0)
        for name, count in _billed(entry, cache=rates.caches).items():
            rate: Decimal | None = getattr(rates, name)
            if rate is None and name.startswith("cached_"):
                rate = getattr(rates, name.replace("cached_", "input_"))
            if rate is None and count:
                return f"no rate for {name.replace('_', ' ')}"
            price += (rate or 0) * count / MILLION
        return price


def _billed(entry: UsageEntry, *, cache: bool) -> dict[str, int]:
    """Return how many tokens each rate is for; a modality that is not told has none, as the others add up."""
    tokens = entry.tokens
    billed = {f"input_{modality}": getattr(tokens, f"input_{modality}") or 0 for modality in MODALITIES}
    if cache:
        for modality in MODALITIES:
            cached: int = getattr(tokens, f"cached_{modality}") or 0
            billed[f"cached_{modality}"] = cached
            billed[f"input_{modality}"] -= cached
    text = tokens.output if entry.kind == "transcription" else tokens.output_text
    return {**billed, "output_text": text or 0, "output_audio": tokens.output_audio or 0}


def unsplit(entry: UsageEntry, *, cache: bool = True) -> str:
    """Return why the tokens of an entry cannot be priced by modality and cache; empty where they can.

    A modality that a server does not tell has no tokens if the others make up the whole; if they do not,
    nobody can say what the rest was. Of a cache that is told as a whole the split is known where all of the
    input was cached, or all of it is of one modality; of no input nothing is cached. The output of a
    transcription is text, and as a rule there is no cache.
    """
    try:
        _split(entry, cache=cache)
    except _Unpriced as reason:
        return str(reason)
    return ""


class _Unpriced(Exception):  # noqa: N818  (what becomes of the entry)
    """Say why an entry has no price."""


def _split(entry: UsageEntry, *, cache: bool) -> Tokens:
    """Return the tokens of an entry, split so that what is not told is nothing, or raise _Unpriced."""
    tokens, spoken = entry.tokens, entry.kind == "transcription"
    output = (tokens.output,) if spoken else (tokens.output_text, tokens.output_audio)
    _add_up("input", tokens.input, *_input(tokens, "input"))
    _add_up("output", tokens.output, *output)
    if not cache or (spoken and tokens.cached is None):
        return tokens
    return _with_cache(tokens)


def _with_cache(tokens: Tokens) -> Tokens:
    if tokens.cached is None and tokens.input == 0:
        tokens = attrs.evolve(tokens, cached=0)
    whole, told = _input(tokens, "input"), _input(tokens, "cached")
    deduced = _deduced(tokens.cached, whole, told)
    if deduced is None:
        _add_up("cached", tokens.cached, *told)
    else:
        told = deduced
        tokens = attrs.evolve(tokens, **dict(zip(_CACHED, told, strict=True)))
    if any((cached or 0) > (count or 0) for cached, count in zip(told, whole, strict=True)):
        raise _Unpriced("more tokens cached than there were")
    return tokens


def _deduced(cached: int | None, whole: _Counts, told: _Counts) -> tuple[int, ...] | None:
    """Return the only split that a cache can have, where it is not told and there is but one."""
    if cached is None or sum(count or 0 for count in told) == cached:
        return None
    if cached == sum(count or 0 for count in whole):
        split = tuple([count or 0 for count in whole])
    elif len(list(filter(None, whole))) == 1:
        split = tuple([cached if count else 0 for count in whole])
    else:
        return None
    fits = all(count in (None, found) for count, found in zip(told, split, strict=True))
    return split if fits else None


def _input(tokens: Tokens, name: str) -> _Counts:
    return tuple([getattr(tokens, f"{name}_{modality}") for modality in MODALITIES])


def _add_up(name: str, whole: int | None, *parts: int | None) -> None:
    if whole is None:
        raise _Unpriced(f"{name} tokens not told")
    if sum(part or 0 for part in parts) != whole:
        known = all(part is not None for part in parts[:2])
        raise _Unpriced(f"{name} tokens do not add up" if known else f"{name} tokens not split by modality")


# The prices of genai-prices


_USAGE: Final[Mapping[str, str]] = {
    "input_tokens": "input",
    "input_text_tokens": "input_text",
    "input_audio_tokens": "input_audio",
    "input_image_tokens": "input_image",
    "cache_read_tokens": "cached",
    "cache_text_read_tokens": "cached_text",
    "cache_audio_read_tokens": "cached_audio",
    "cache_image_read_tokens": "cached_image",
    "output_tokens": "output",
    "output_text_tokens": "output_text",
    "output_audio_tokens": "output_audio",
}
"""What genai-prices calls our figures, as its own reading of a ``response.done`` has it."""

_DURATION: Final = ("audio_seconds", "input_audio_seconds")


class GenaiPricer:
    """Prices by the tables that come with genai-prices; nothing is downloaded.

    ``provider`` is its name for who serves the model (``"azure"``); by default that is told from the model.
    ``when`` is the time whose prices count, by default now. The tables are other people's work and may be
    wrong or old: a bill is the provider's. Raises ImportError if genai-prices is not installed.
    """

    def __init__(self, provider: str | None = None, when: datetime | None = None) -> None:
        try:
            import genai_prices
        except ModuleNotFoundError as missing:
            if missing.name != "genai_prices":
                raise
            raise ImportError("prices need genai-prices: pip install 'rtstate[cost]'") from None
        self._library = genai_prices
        self._provider, self._when = provider, when

    def __call__(self, entry: UsageEntry, /) -> Decimal | str:
        """Return the price of an entry, or why it has none."""
        if entry.model is None:
            return "no model known"
        try:
            rates = self._rates(entry.model)
            used = self._used(self._priceable(entry, entry.model, rates))
            return self._calculated(used, entry.model).total_price
        except _Unpriced as reason:
            return str(reason)
        except LookupError:
            whose = f" of {self._provider}" if self._provider else ""
            return f"no price known for model {entry.model}{whose}"
        except ValueError as refused:  # figures that contradict each other in a way of its own
            return str(refused)

    def _rates(self, model: str) -> set[str]:
        """Return the names of the rates that a model has: ``input_audio_mtok``, ``audio_hours`` and so on."""
        found = self._calculated(self._library.Usage(), model).model_price
        return {name for name, rate in vars(found).items() if rate is not None}

    def _priceable(self, entry: UsageEntry, model: str, rates: set[str]) -> UsageEntry:
        """Return an entry as it can be priced; raise where that would be wrong.

        Of what it has no rate for, genai-prices counts nothing.
        """
        unit, what = ("hours", "duration") if entry.seconds is not None else ("mtok", "tokens")
        if {name.rpartition("_")[2] for name in rates} & {"hours", "mtok"} != {unit}:  # not its searches
            raise _Unpriced(f"model {model} is not priced by {what} alone")
        if entry.seconds is not None:
            return entry
        cache = any(name.startswith("cache_") for name in rates)
        return attrs.evolve(entry, tokens=_split(entry, cache=cache))

    def _calculated(self, used: genai_prices.Usage, model: str) -> PriceCalculation:
        return self._library.calc_price(
            used, model, provider_id=self._provider, genai_request_timestamp=self._when
        )

    def _used(self, entry: UsageEntry) -> genai_prices.Usage:
        if entry.seconds is not None:
            return self._library.Usage(**dict.fromkeys(_DURATION, entry.seconds))
        told = {theirs: getattr(entry.tokens, ours) for theirs, ours in _USAGE.items()}
        return self._library.Usage(**told)
