"""The state of a realtime voice conversation.

``Conversation`` takes the events of a Realtime API, one by one, and holds what they amount to: ordered items,
responses, usage. ``snapshot()`` gives it as an immutable ``Snapshot``, every event as a ``Change``.
"""

from rtstate._change import Anomaly, Change, Operation, Stats
from rtstate._model import (
    ErrorRecord,
    InputAudio,
    Item,
    Part,
    RateLimit,
    Response,
    Totals,
    Transcription,
    Translation,
    Truncated,
)
from rtstate.conversation import Conversation
from rtstate.document import Snapshot
from rtstate.errors import DocumentError, EventParseError, HistoryGone, RtstateError
from rtstate.recording import replay
from rtstate.wire import ClientEvent, ServerEvent, UnknownEvent, parse_client_event, parse_server_event

__version__ = "0.1.0"

__all__ = [
    "Anomaly",
    "Change",
    "ClientEvent",
    "Conversation",
    "DocumentError",
    "ErrorRecord",
    "EventParseError",
    "HistoryGone",
    "InputAudio",
    "Item",
    "Operation",
    "Part",
    "RateLimit",
    "Response",
    "RtstateError",
    "ServerEvent",
    "Snapshot",
    "Stats",
    "Totals",
    "Transcription",
    "Translation",
    "Truncated",
    "UnknownEvent",
    "parse_client_event",
    "parse_server_event",
    "replay",
]
