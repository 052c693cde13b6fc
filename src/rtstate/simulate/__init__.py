"""Simulate realtime sessions: legal ones from a seed, faults on top, and long streams to measure with.

Everything here is plain data made from a seed alone: the same arguments give the same events everywhere. So
is what a `Service` or a `Playback` answers to a client; `rtstate.simulate.live` serves them over WebSockets.
Nothing of the rest of the library is used, so that a session and its `Truth` can bear witness against it.
"""

from rtstate.simulate._dialects import WIRES
from rtstate.simulate._example import example
from rtstate.simulate._faults import faults
from rtstate.simulate._playback import Playback, Recorded, read_recording
from rtstate.simulate._service import Service
from rtstate.simulate._session import FEATURES, Session, session, supported
from rtstate.simulate._streams import audio_stream, long_conversation, text_stream
from rtstate.simulate._truth import Event, Truth

DIALECTS = tuple(WIRES)

__all__ = [
    "DIALECTS",
    "FEATURES",
    "Event",
    "Playback",
    "Recorded",
    "Service",
    "Session",
    "Truth",
    "audio_stream",
    "example",
    "faults",
    "long_conversation",
    "read_recording",
    "session",
    "supported",
    "text_stream",
]
