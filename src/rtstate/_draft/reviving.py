"""A draft made from a snapshot alone: as much of the hidden state as the document lets one infer.

A snapshot does not tell which ids were deleted, which events were seen, what waits for an anchor, what the
client has asked for, whether there was a session before this one. It is taken that nothing is; whoever needs
better keeps a checkpoint.
"""

# Frozen copies are handed on as they are:
# pyright: reportPrivateUsage=false

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

from rtstate._draft import Draft
from rtstate._draft.parts import DEFAULT_BYTES_PER_SECOND
from rtstate._draft.saving import load, save
from rtstate._model import Item, Part, Response, plain
from rtstate._types import IN_PROGRESS, Dialect, Json
from rtstate.document import Snapshot

Rate: TypeAlias = Callable[[Mapping[str, Json]], int | None]


def revive(snapshot: Snapshot, dialect: Dialect, input_rate: Rate, output_rate: Rate) -> Draft:
    """Return a draft that stands where a snapshot does and shares what it holds. Cost: its size.

    ``input_rate`` and ``output_rate`` tell how many bytes a second of audio has where a session, or a
    response, says so.
    """
    heard, spoken = input_rate(snapshot.session or {}), output_rate(snapshot.session or {})
    rates = {each.id: output_rate(each.extra) for each in snapshot.responses}
    items = [item for item, *_ in snapshot._items]
    ordered = set(snapshot.order)
    number = max([trace.session for _, _, trace in snapshot._items], default=0)
    saved = save(Draft("measure", dialect))
    saved.update(
        revision=snapshot.revision,
        conversation_id=snapshot.conversation_id,
        is_named=_is_named(snapshot),
        has_session=snapshot.session is not None,
        session_number=number,
        input_bytes_per_second=heard,
        output_bytes_per_second=spoken,
        translation=plain(snapshot.translation),
        usage=snapshot.usage.to_dict(),
        items=[
            {
                **_item(item, item.id in ordered, heard, rates.get(item.response_id or "") or spoken),
                "session": number,
            }
            for item in items
        ],
        responses=[_response(each, rates[each.id]) for each in snapshot.responses],
        calls={item.call_id: item.id for item in reversed(items) if _is_call(item)},
    )
    saved["order"].update(
        ids=list(snapshot.order),
        hangers={item.id: [] for item in items if item.id in ordered and _is_provisional(item)},
    )
    draft = load(saved)
    draft.session, draft.input_audio = snapshot.session, snapshot.input_audio
    draft.rate_limits, draft.errors, draft._totals = snapshot.rate_limits, snapshot.errors, snapshot.usage
    for item in items:
        work = draft.items[item.id]
        work.frozen = work.base = item
        work.trace = snapshot.item_trace(item.id)
        for part, frozen in zip(work.parts, item.content, strict=True):
            part.frozen = frozen
    for response in snapshot.responses:
        answer = draft.responses[response.id]
        answer.frozen, answer.trace = response, snapshot.response_trace(response.id)
    return draft


def _item(item: Item, placed: bool, heard: int | None, spoken: int | None) -> dict[str, Json]:
    return {
        "id": item.id,
        "type": item.type,
        **_told(
            status=item.status,
            response_id=item.response_id,
            previous_item_id=item.previous_item_id,
            role=item.role,
            call_id=item.call_id,
            name=item.name,
            arguments=item.arguments,
            output=plain(item.output),
        ),
        "typed": True,
        "anchored": item.previous_item_id is not None,
        "parts": [_part(part, heard if part.transcription else spoken) for part in item.content],
        "arguments_final": item.status != IN_PROGRESS,
        "ready": item.ready,
        "placed": placed,
        "mcp": plain(item._mcp),
        "extra": plain(item.extra),
    }


def _part(part: Part, rate: int | None) -> dict[str, Json]:
    cut, transcription = part.truncated, part.transcription
    transcript = part.transcript if cut is None else cut.generated_transcript
    segments: Any = part.extra.get("segments")
    saved: dict[str, Json] = {
        "type": part.type,
        **_told(
            text=part.text,
            transcript=transcript,
            audio_ms=part.audio_ms,
            image_url=part.image_url,
            detail=part.detail,
            transcription=transcription and transcription.to_dict(),
        ),
        "final": part.final,
        "marks": {} if cut is None else {"": cut.audio_end_ms},
        "segments": [each["id"] for each in segments or () if _has_id(each)],
        "extra": plain(part.extra),
        "streamed": part.text is not None or transcript is not None,
        "billed": "priced" if transcription is not None and transcription.status == "final" else "",
    }
    if part.audio_ms is not None:
        rate = rate or DEFAULT_BYTES_PER_SECOND
        size = -(-part.audio_ms * rate // 1000)  # the least that is so many milliseconds
        saved["audio"] = {"source": "", "bytes_per_second": rate, "size": size, "chunks": None}
    return saved


def _response(response: Response, rate: int | None) -> dict[str, Json]:
    ended = response.status != IN_PROGRESS
    return {
        "id": response.id,
        **_told(
            status=response.status,
            status_details=plain(response.status_details),
            conversation_id=response.conversation_id,
            metadata=plain(response.metadata),
            usage=plain(response.usage),
            bytes_per_second=rate,
        ),
        "output": list(response.output),
        "indexes": list(range(len(response.output))),
        "extra": plain(response.extra),
        "out_of_band": response.out_of_band,
        "ended": ended,
        "billed": ("priced" if response.usage else "counted") if ended else "",
    }


def _is_named(snapshot: Snapshot) -> bool:
    """Tell whether the session seems to have said the conversation's id itself: no response did."""
    named = snapshot.conversation_id
    return named is not None and all(each.conversation_id != named for each in snapshot.responses)


def _told(**fields: Json) -> dict[str, Json]:
    return {name: value for name, value in fields.items() if value is not None}


def _has_id(segment: Any) -> bool:
    return isinstance(segment, Mapping) and cast("Mapping[str, Json]", segment).get("id") is not None


def _is_call(item: Item) -> bool:
    return item.type == "function_call" and item.call_id is not None


def _is_provisional(item: Item) -> bool:
    """Tell whether an announcement that says where an item goes may yet come."""
    return item.previous_item_id is None and item.status == IN_PROGRESS
