"""The bill, entry by entry: what each response and each transcription used, of which model."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal

import attrs

from rtstate._model import Response, TranscriptionTotals, amount
from rtstate._trace import Transcribed
from rtstate._types import COMPLETED, IN_PROGRESS, ItemId, Json, ResponseId
from rtstate.document import Snapshot, expect_snapshot
from rtstate.views.context import ContextEstimate, context


@attrs.frozen
class Tokens:
    """Tokens by direction, modality and cache; None: the server did not tell, which is not zero.

    ``cached`` tokens are among the ``input``, not beside it, and likewise for each modality;
    ``uncached_text`` is ``input_text`` less ``cached_text``, and so on. Nothing is made to add up: where a
    server's figures contradict each other they are shown as they are, and a difference may be negative. In a
    sum each figure adds up the entries that told it, and is None where none did.
    """

    total: int | None = None
    input: int | None = None
    input_text: int | None = None
    input_audio: int | None = None
    input_image: int | None = None
    cached: int | None = None
    cached_text: int | None = None
    cached_audio: int | None = None
    cached_image: int | None = None
    uncached_text: int | None = None
    uncached_audio: int | None = None
    uncached_image: int | None = None
    output: int | None = None
    output_text: int | None = None
    output_audio: int | None = None


@attrs.frozen
class UsageEntry:
    """What one response that ended, or one final transcription, used.

    A transcription has ``item_id`` and ``content_index`` of what was transcribed, a response ``response_id``
    and ``out_of_band``. ``model`` is what did it, None where no session event told. ``usage`` is the server's
    own account, None where it gave none; ``tokens`` are the figures in it, and ``seconds`` those of a
    transcription that is billed by duration.
    """

    kind: Literal["response", "transcription"]
    response_id: ResponseId | None = None
    item_id: ItemId | None = None
    content_index: int | None = None
    model: str | None = None
    status: str = COMPLETED
    out_of_band: bool = False
    tokens: Tokens = Tokens()
    seconds: float | None = None
    usage: Mapping[str, Json] | None = attrs.field(default=None, repr=False)

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON, but for what the server told word for word."""
        return attrs.asdict(self, filter=attrs.filters.exclude(attrs.fields(UsageEntry).usage))


@attrs.frozen
class UsageTotals:
    """The sum of some entries; ``without_usage`` of them came without an account, and add nothing."""

    count: int = 0
    without_usage: int = 0
    tokens: Tokens = Tokens()
    seconds: float | None = None

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON."""
        return attrs.asdict(self)


@attrs.frozen
class Usage:
    """What a conversation used so far.

    ``entries`` are the responses that ended, first seen first, and then the transcriptions, in conversation
    order. ``responses`` sums up the responses, with those that were cancelled: they are billed like any
    other, and ``cancelled`` tells how much of it they are. ``transcription`` is all that was transcribed. Of
    that, ``unlisted`` has no entry: its item was deleted since, or the snapshot was read from a document,
    which keeps the totals alone. ``context`` estimates how much the model has before it now, which the sum of
    its inputs does not say: every response has the whole conversation as its input.
    """

    entries: tuple[UsageEntry, ...] = ()
    responses: UsageTotals = UsageTotals()
    cancelled: UsageTotals = UsageTotals()
    transcription: UsageTotals = UsageTotals()
    unlisted: UsageTotals = UsageTotals()
    context: ContextEstimate = attrs.field(factory=ContextEstimate)

    @property
    def without_usage(self) -> int:
        """How many responses and transcriptions came without an account of what they used."""
        return self.responses.without_usage + self.transcription.without_usage

    def to_dict(self) -> dict[str, Json]:
        """Return it as plain JSON, but for what each entry's server told word for word."""
        rest: dict[str, Json] = attrs.asdict(self, filter=attrs.filters.exclude(attrs.fields(Usage).entries))
        return {"entries": [entry.to_dict() for entry in self.entries], **rest}


def usage(snapshot: Snapshot) -> Usage:
    """Return what each response and each transcription of a conversation used, and what that comes to.

    The totals are those of ``snapshot.usage``; here they keep what is unknown apart from zero. Cost: O(n).

    >>> from rtstate import replay, simulate
    >>> used = usage(replay(simulate.example().events).snapshot())
    >>> used.responses.count, used.responses.tokens.total, used.cancelled.count, used.transcription.count
    (9, 6660, 1, 5)
    >>> used.entries[0].model, used.entries[0].tokens.uncached_text, used.context.dropped
    ('gpt-realtime', 36, False)
    """
    expect_snapshot(snapshot)
    responses = [_answered(snapshot, each) for each in snapshot.responses if each.status != IN_PROGRESS]
    transcriptions = [
        _transcribed(item.id, each)
        for item in (*snapshot.items, *snapshot.unplaced)
        for each in snapshot.item_trace(item.id).transcribed
    ]
    listed = _total(transcriptions)
    unlisted = _beyond(snapshot.usage.transcription, listed)
    return Usage(
        entries=(*responses, *transcriptions),
        responses=_total(responses),
        cancelled=_total([each for each in responses if each.status == "cancelled"]),
        transcription=_sum([listed, unlisted]),
        unlisted=unlisted,
        context=context(snapshot),
    )


def _answered(snapshot: Snapshot, response: Response) -> UsageEntry:
    return UsageEntry(
        "response",
        response_id=response.id,
        model=snapshot.response_trace(response.id).model,
        status=response.status,
        out_of_band=response.out_of_band,
        tokens=_tokens(response.usage),
        usage=response.usage or None,
    )


def _transcribed(item_id: ItemId, each: Transcribed) -> UsageEntry:
    return UsageEntry(
        "transcription",
        item_id=item_id,
        content_index=each.content_index,
        model=each.model,
        tokens=_tokens(each.usage),
        seconds=amount((each.usage or {}).get("seconds")),
        usage=each.usage or None,
    )


_PATHS: Final[Mapping[str, tuple[str, ...]]] = {
    "total": ("total_tokens",),
    "input": ("input_tokens",),
    "input_text": ("input_token_details", "text_tokens"),
    "input_audio": ("input_token_details", "audio_tokens"),
    "input_image": ("input_token_details", "image_tokens"),
    "cached": ("input_token_details", "cached_tokens"),
    "cached_text": ("input_token_details", "cached_tokens_details", "text_tokens"),
    "cached_audio": ("input_token_details", "cached_tokens_details", "audio_tokens"),
    "cached_image": ("input_token_details", "cached_tokens_details", "image_tokens"),
    "output": ("output_tokens",),
    "output_text": ("output_token_details", "text_tokens"),
    "output_audio": ("output_token_details", "audio_tokens"),
}
"""Where an account of the server has each figure."""


def _tokens(account: Mapping[str, Json] | None) -> Tokens:
    """Return the figures of a server's account."""
    told = {name: _count(account, path) for name, path in _PATHS.items()}
    for modality in ("text", "audio", "image"):
        told[f"uncached_{modality}"] = _less(told[f"input_{modality}"], told[f"cached_{modality}"])
    return Tokens(**told)


def _count(account: Json, path: tuple[str, ...]) -> int | None:
    for key in path:
        account = account.get(key) if isinstance(account, Mapping) else None  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
    told = amount(account)  # pyright: ignore[reportUnknownArgumentType]
    return None if told is None else int(told)


def _less(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


_FIGURES: Final = tuple(field.name for field in attrs.fields(Tokens))


def _total(entries: Iterable[UsageEntry]) -> UsageTotals:
    return _sum([UsageTotals(1, not each.usage, each.tokens, each.seconds) for each in entries])


def _sum(all_: list[UsageTotals]) -> UsageTotals:
    tokens = {name: _told_sum(getattr(each.tokens, name) for each in all_) for name in _FIGURES}
    return UsageTotals(
        sum(each.count for each in all_),
        sum(each.without_usage for each in all_),
        Tokens(**tokens),
        _told_sum(each.seconds for each in all_),
    )


def _told_sum(values: Iterable[float | None]) -> Any:
    """Return the sum of what was told, None where nothing was; of integers it is one."""
    told = [value for value in values if value is not None]
    return sum(told) if told else None


def _beyond(billed: TranscriptionTotals, listed: UsageTotals) -> UsageTotals:
    """Return what was billed for transcription beyond the entries that are still known."""
    spoken = billed.input_token_details
    counted = {
        "total": billed.total_tokens,
        "input": billed.input_tokens,
        "input_text": spoken.text_tokens,
        "input_audio": spoken.audio_tokens,
        "output": billed.output_tokens,
    }
    tokens = {name: (total - (getattr(listed.tokens, name) or 0)) or None for name, total in counted.items()}
    return UsageTotals(
        billed.count - listed.count,
        billed.without_usage - listed.without_usage,
        Tokens(**tokens),
        round(billed.seconds - (listed.seconds or 0), 6) or None,
    )
