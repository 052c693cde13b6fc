"""About how much memory a conversation takes, known at any time without looking."""

from __future__ import annotations

from typing import Final

from rtstate.conversation import Conversation

_ITSELF: Final = 12_000
_ITEM: Final = 2_000
_EVENT_ID: Final = 100
_CHANGE: Final = 400
_ENVELOPE: Final = 500  # of an event's bytes; what is beyond is text, which stays
_MEASURED: Final = ("audio.delta", "input_audio_buffer.append")  # audio, of which only the length stays
_UNPACKED: Final = 6  # bytes of JSON for one of a checkpoint
_SAVED_ID: Final = 12  # bytes of a checkpoint, or some more


def weight(conversation: Conversation, bulk: int) -> int:
    """Return about how many bytes a conversation takes, ``bulk`` being its :func:`bulk_of` everything.

    The constants are fitted to recorded and simulated sessions, and a test holds them to these. Cost: O(1).
    """
    ids = conversation._seen, conversation._sent  # pyright: ignore[reportPrivateUsage]
    return (
        _ITSELF
        + _ITEM * len(conversation._draft.items)  # pyright: ignore[reportPrivateUsage]
        + _EVENT_ID * sum(map(len, ids))
        + _CHANGE * len(conversation._history)  # pyright: ignore[reportPrivateUsage]
        + bulk
    )


def bulk_of(raw: bytes, event_type: str | None, *, keep_audio: bool) -> int:
    """Return how many bytes of one event stay beside what all events leave."""
    if not keep_audio and event_type is not None and event_type.endswith(_MEASURED):
        return 0
    return max(len(raw) - _ENVELOPE, 0)


def bulk_of_checkpoint(data: bytes, conversation: Conversation) -> int:
    """Return about how many bytes of text there are in a conversation's checkpoint."""
    ids = len(conversation._seen) + len(conversation._sent)  # pyright: ignore[reportPrivateUsage]
    return max(len(data) - ids * _SAVED_ID, 0) * _UNPACKED
