"""What a client sends when the user barges in, and whether it may ask for a response now.

The server generates speech faster than it is played, so it takes as said what nobody has heard. Over a
WebSocket only the client knows how far playback has come, and has to say so; over WebRTC and SIP the server
plays the audio itself, and cuts it off itself when its buffer is cleared.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Literal, TypeAlias, get_args

from rtstate._model import Item, Part
from rtstate._types import IN_PROGRESS, Json
from rtstate.document import Snapshot, expect_snapshot

Event: TypeAlias = dict[str, Json]
Transport: TypeAlias = Literal["websocket", "webrtc", "sip"]


def truncate_event(
    snapshot: Snapshot, played_ms: float, item_id: str | None = None, event_id: str | None = None
) -> Event | None:
    """Return the ``conversation.item.truncate`` that cuts the assistant's speech to what was played.

    ``played_ms`` counts from the start of the item's speech, ``item_id`` is the item that plays: the last one
    with audio in the order if it is not given, unless its session is over. Give it, for as long as an answer
    has not spoken yet that is the one before it, perhaps heard to its end (``played_ms=math.inf``). The mark
    is in whole milliseconds, and never beyond the audio received. None where the server would refuse it or
    nothing would change: no such item in the conversation, no audio seen, all of it played, or cut as short
    already. While an item is still being spoken there is more to come, so it is cut even if all that came was
    played. Of speech in several parts this cuts the one that plays, and :func:`interrupt_events` those after
    it as well. Raises ValueError if ``played_ms`` is NaN, and TypeError if it is no number. Cost: O(n).

    >>> import base64
    >>> from rtstate import Conversation
    >>> conversation = Conversation()
    >>> sound = base64.b64encode(bytes(96_000)).decode()  # two seconds
    >>> _ = conversation.feed({"type": "response.output_audio.delta", "item_id": "item_1", "delta": sound})
    >>> truncate_event(conversation.snapshot(), 650.7)
    {'type': 'conversation.item.truncate', 'item_id': 'item_1', 'content_index': 0, 'audio_end_ms': 650}
    """
    expect_snapshot(snapshot)
    _expect_number(played_ms)
    cuts = [cut for item in _playing(snapshot, item_id)[:1] for cut in _cuts(item, played_ms)]
    return None if not cuts else cuts[0] if event_id is None else {**cuts[0], "event_id": event_id}


def interrupt_events(
    snapshot: Snapshot,
    played_ms: float,
    *,
    transport: Transport = "websocket",
    item_id: str | None = None,
    cancel: bool = True,
    event_id: str | None = None,
) -> list[Event]:
    """Return what a barge-in has to send, in this order, and nothing that the server would refuse.

    - ``response.cancel``, by its id, while a response of the default conversation is running. Where the
      server cancels by itself (``interrupt_response`` of its turn detection), ``cancel=False`` leaves it out;
      sent all the same it may cross the end of the response, and get the harmless error
      ``response_cancel_not_active``.
    - Over a WebSocket, ``conversation.item.truncate`` as :func:`truncate_event` makes it. With ``item_id``,
      speech that follows it in the order has not begun to play, and is cut to nothing.
    - Over WebRTC and SIP, ``output_audio_buffer.clear`` instead: the server then truncates by itself, and
      ``played_ms`` does not matter.

    Give each event to ``conversation.sent`` as it goes out. Speech of a session that is over is no longer the
    server's to cut: this is about what the current one says. ``event_id`` begins the ids of all of them, so
    that an error can name the one it refuses; it is another one each time. Raises ValueError for an unknown
    transport, or if ``played_ms`` is NaN, and TypeError if it is no number. Cost: O(n).

    >>> from rtstate import Conversation
    >>> conversation = Conversation()
    >>> _ = conversation.feed({"type": "response.created", "response": {"id": "resp_1"}})
    >>> interrupt_events(conversation.snapshot(), 0, event_id="stop")
    [{'type': 'response.cancel', 'response_id': 'resp_1', 'event_id': 'stop_1'}]
    """
    expect_snapshot(snapshot)
    if transport not in get_args(Transport):
        raise ValueError(f"transport is one of {get_args(Transport)}, not {transport!r}")
    _expect_number(played_ms)
    events: list[Event] = []
    running = [each.id for each in snapshot.active_responses if not each.out_of_band]
    if cancel and running:  # the last one: an earlier one must have ended without a word
        events.append({"type": "response.cancel", "response_id": running[-1]})
    if transport != "websocket":
        if running or any(_speech(item, seen=False) for item in reversed(snapshot.items)):
            events.append({"type": "output_audio_buffer.clear"})
    else:
        for at, item in enumerate(_playing(snapshot, item_id)):
            events.extend(_cuts(item, 0 if at else played_ms))
    if event_id is not None:
        events = [{**event, "event_id": f"{event_id}_{at}"} for at, event in enumerate(events, 1)]
    return events


def can_create_response(snapshot: Snapshot) -> bool:
    """Tell whether the server would take a ``response.create`` for the default conversation now.

    Only one response at a time may write to it (or else the error is
    ``conversation_already_has_active_response``). Those out of band run beside it, and one with
    ``conversation: "none"`` may always be created. This is as far as the server has said: what was asked for
    a moment ago is no response yet. Cost: O(n) in the responses.

    >>> from rtstate import Conversation
    >>> conversation = Conversation()
    >>> aside = {"id": "resp_1", "conversation_id": None}
    >>> _ = conversation.feed({"type": "response.created", "response": aside})
    >>> can_create_response(conversation.snapshot())
    True
    >>> _ = conversation.feed({"type": "response.created", "response": {"id": "resp_2"}})
    >>> can_create_response(conversation.snapshot())
    False
    """
    expect_snapshot(snapshot)
    return all(each.out_of_band for each in snapshot.active_responses)


def _playing(snapshot: Snapshot, item_id: str | None) -> list[Item]:
    """Return the item that plays and those whose speech comes after it; none where there is no such item."""
    if item_id is None:
        newest = max([snapshot.item_trace(item.id).session for item in snapshot.items], default=0)
        last = next((item for item in reversed(snapshot.items) if _speech(item)), None)
        return [] if last is None or snapshot.item_trace(last.id).session < newest else [last]
    order = snapshot.order
    return list(snapshot.items[order.index(item_id) :]) if item_id in order else []


def _speech(item: Item, *, seen: bool = True) -> list[tuple[int, Part]]:
    """Return the spoken parts of an assistant's message, with indexes; ``seen``: their audio came here."""
    return [
        (index, part)
        for index, part in enumerate(item.content if item.role == "assistant" else ())
        if part.type == "output_audio" and not (seen and part.audio_ms is None)
    ]


def _cuts(item: Item, played_ms: float) -> Iterator[Event]:
    """Yield the events that cut an item's speech off, part by part; none where there is nothing to cut."""
    speech = _speech(item)
    for number, (index, part) in enumerate(speech, 1):
        audio_ms = part.audio_ms or 0
        end = int(max(0, min(played_ms, audio_ms)))
        played_ms -= audio_ms
        cut_before = part.truncated is not None and part.truncated.audio_end_ms <= end
        more_to_come = item.status == IN_PROGRESS and number == len(speech)
        if not cut_before and (end < audio_ms or more_to_come):
            yield {
                "type": "conversation.item.truncate",
                "item_id": item.id,
                "content_index": index,
                "audio_end_ms": end,
            }


def _expect_number(played_ms: float) -> None:
    if not isinstance(played_ms, (int, float)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"played_ms is how many milliseconds were played, 0 for none, not {played_ms!r}")
    if math.isnan(played_ms):
        raise ValueError("played_ms is how many milliseconds were played, not NaN")
