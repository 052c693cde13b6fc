"""How many tokens of context the model still sees: what the last response told, and an estimate since."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Final

import attrs

from rtstate._heard import CHARACTERS_PER_SECOND
from rtstate._json import thaw
from rtstate._model import Item, Part, Response, amount
from rtstate._trace import ItemTrace
from rtstate._types import COMPLETED, ItemId, Json, ResponseId
from rtstate.document import Snapshot, expect_snapshot

CHARACTERS_PER_TOKEN: Final = 4
"""What a token is taken for: an estimate, good for English text and too low for most other scripts."""
TOKENS_PER_IMAGE: Final = 1000
"""What an image is taken for, whatever its size: more than most cost."""
USER_MS_PER_TOKEN: Final = 100
"""Of audio that the user speaks, as OpenAI bills it."""
ASSISTANT_MS_PER_TOKEN: Final = 50
"""Of audio that the model speaks, as OpenAI bills it."""


@attrs.frozen
class ContextEstimate:
    """About how many tokens of the default conversation the model has before it now.

    ``measured`` is what the server told: the input and output of ``response_id``, the last response that
    completed and has an item in the conversation; None before there is one. ``added`` is an estimate of what
    came since, at a token for 100 ms of the user's speech, 50 ms of the assistant's, or four characters of
    text; negative where more was cut off from that response's speech. ``tokens`` is both together.

    ``dropped``: the server has evidently left out some of the conversation at some time, as its automatic
    truncation does without a word: the input of a response was smaller than that of the one before, and no
    deletion or truncation is known that would explain it. A new session, shorter instructions or an ``input``
    of the response's own look the same.

    What the estimate does not know until the next response completes: what was deleted since, that a new
    session has begun, and, before the first response, the instructions and tools.
    """

    tokens: int = 0
    measured: int | None = None
    added: int = 0
    response_id: ResponseId | None = None
    dropped: bool = False


def context(snapshot: Snapshot) -> ContextEstimate:
    """Estimate the context of the default conversation. Cost: O(n), and the length of what came last."""
    expect_snapshot(snapshot)
    items = snapshot.items
    places = {item.id: place for place, item in enumerate(items)}
    base = next((each for each in reversed(snapshot.responses) if _measures(each, places)), None)
    if base is None:
        added = sum(_tokens(item, snapshot.item_trace(item.id)) for item in items)
        return ContextEstimate(added, None, added, None, _has_dropped(snapshot))
    made = [places[item_id] for item_id in base.output if item_id in places]
    since = items[max(made) + 1 :]
    added = sum(_tokens(item, snapshot.item_trace(item.id)) for item in since)
    added -= sum(_cut_off(part) for place in made for part in items[place].content)
    measured = (_told(base, "input_tokens") or 0) + (_told(base, "output_tokens") or 0)
    return ContextEstimate(measured + added, measured, added, base.id, _has_dropped(snapshot))


def _measures(response: Response, places: Mapping[ItemId, int]) -> bool:
    """Tell whether a response says what the context was when it ended, and where in the order that is."""
    return (
        not response.out_of_band
        and response.status == COMPLETED
        and None not in (_told(response, "input_tokens"), _told(response, "output_tokens"))
        and any(item_id in places for item_id in response.output)
    )


def _told(response: Response, name: str) -> int | None:
    told = amount((response.usage or {}).get(name))
    return None if told is None else int(told)


def _has_dropped(snapshot: Snapshot) -> bool:
    """Tell whether the input of a response fell below that of the one before without a known reason."""
    if _lacks_items(snapshot):
        return False
    shown: list[ItemId] = []  # what responses produced that the last one had in its input
    last: tuple[ItemId, ...] = ()
    before = 0
    for response in snapshot.responses:
        now = None if response.out_of_band else _told(response, "input_tokens")
        if now:  # one that was cancelled early has none
            if now < before and not any(_is_cut(snapshot.item(item_id)) for item_id in shown):
                return True
            shown.extend(last)
            before, last = now, response.output
    return False


def _lacks_items(snapshot: Snapshot) -> bool:
    """Tell whether items were deleted: they are gone from a snapshot, but others still name them."""
    named = {item.previous_item_id for item in snapshot.items} - {None, "", "root"}
    named.update(*(response.output for response in snapshot.responses))
    return any(snapshot.item(item_id) is None for item_id in named if item_id is not None)


def _is_cut(item: Item | None) -> bool:
    return item is not None and any(part.truncated is not None for part in item.content)


def _cut_off(part: Part) -> int:
    """Return how many of a part's tokens nobody heard: audio beyond the mark is no longer context."""
    if part.truncated is None or part.audio_ms is None:
        return 0
    return (part.audio_ms - part.truncated.audio_end_ms) // ASSISTANT_MS_PER_TOKEN


def _tokens(item: Item, trace: ItemTrace) -> int:
    """Return about how many tokens an item is."""
    letters = len(item.name or "") + len(item.arguments or "") + len(_written(item.output))
    tokens = 0
    for part in item.content:
        if part.type == "input_image":
            tokens += TOKENS_PER_IMAGE
        elif part.type == "input_audio":
            tokens += _spoken_ms(part, trace) // USER_MS_PER_TOKEN
        else:
            letters += len(part.text or part.transcript or "")
            heard_ms = part.truncated.audio_end_ms if part.truncated else part.audio_ms or 0
            tokens += heard_ms // ASSISTANT_MS_PER_TOKEN
    return tokens - (-letters // CHARACTERS_PER_TOKEN)  # of a token begun all counts


def _spoken_ms(part: Part, trace: ItemTrace) -> int:
    """Return how long the user spoke: by voice activity, by the audio itself, or by a speaking rate."""
    if trace.start_ms is not None and trace.end_ms is not None:
        return max(0, int(trace.end_ms - trace.start_ms))
    if part.audio_ms is not None:
        return part.audio_ms
    return len(part.transcript or "") * 1000 // CHARACTERS_PER_SECOND


def _written(output: Json) -> str:
    if output is None or isinstance(output, str):
        return output or ""
    return json.dumps(thaw(output), ensure_ascii=False)
