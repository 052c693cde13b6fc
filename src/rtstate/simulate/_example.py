"""Tell the one call that the demo shows: a late parcel, an interruption, and a shop around the corner."""

from random import Random

from rtstate.simulate import _replies, _script
from rtstate.simulate._clock import Process
from rtstate.simulate._script import ToolUse
from rtstate.simulate._session import Call, Session

_INSTRUCTIONS = (
    "You are Nora, the voice assistant of Lumen Home, a shop for lamps and furniture. Greet the caller, ask "
    "for the order number, look the order up with track_order, and offer to change the delivery. Be warm, "
    "brief and exact. Write down addresses and numbers instead of saying them."
)
_TRACKING = ToolUse(
    "",
    "track_order",
    {"order_number": "LH-40291"},
    '{"status": "in_transit", "carrier": "City Parcel", "eta": "2026-11-26", "pickup_possible": true}',
    "Thank you, I've found it. Your lamp left our warehouse on Friday and is with City Parcel now. They "
    "expect to deliver it on Thursday between nine and one, and somebody will have to be in.",
)
_FEATURES = (
    "text",
    "audio",
    "typed",
    "tools",
    "interruption",
    "late_transcription",
    "failed_transcription",
    "rate_limits",
)


def example() -> Session:
    """Return the bundled example: a support call of a little over a minute, always the same, in GA.

    >>> call = example()
    >>> call.events[0]["type"], len(call.truth.truncated)
    ('session.created', 1)
    """
    call = Call(Random("lumen home"), "ga", _FEATURES)
    server = call.server
    server.wire.transcription_model = "gpt-4o-transcribe"
    server.cached = 64  # an earlier call has warmed the cache for the instructions
    server.clock.start(_act(call))
    server.clock.run()
    return Session("ga", _FEATURES, tuple(server.timed), server.truth())


def _act(call: Call) -> Process:
    server = call.server
    yield from server.connect("audio", _INSTRUCTIONS, _script.function_tools([_TRACKING]))
    yield 0.4
    call.request()
    yield from call.answer("Hello, this is Nora from Lumen Home. How can I help you today?")

    words = "Hi, I ordered a desk lamp two weeks ago and it still hasn't arrived."
    yield from _replies.speech(server, words, transcript_after=0.9)
    yield from call.answer(
        "I'm sorry that you had to wait so long. Could you type in your order number for me?"
    )

    yield from call.type("LH-40291")
    yield from call.use_tools([_TRACKING], preamble="Thanks, let me look that up.")
    words = "Sorry to cut in, Thursday is too late for me. Could I pick it up somewhere instead?"
    yield from call.interrupt(_TRACKING.answer, words, "after_done", after=2.0)
    yield from call.answer(
        "Of course. City Parcel has a counter near you, and it can be there tomorrow after ten."
    )

    yield from _replies.speech(server, "Hm, yes, well.", transcript_fails=True)
    yield from call.answer("I'm afraid I didn't catch that. Shall I have it sent to the counter?")

    words = "Yes, please do. And could you write the address down for me?"
    yield from _replies.speech(server, words, transcript_after=4.5)
    yield from call.answer(
        "City Parcel, 12 Harbour Street, open from 8:00 to 19:00. Please bring the code 7714.", "text"
    )
    yield 5.0

    words = "Do I have to bring anything else, my passport perhaps?"
    yield from _replies.speech(server, words, transcript_after=1.4)
    yield from call.answer(
        "Any card with your name and photo will do, and they keep the parcel for seven days."
    )

    yield from _replies.speech(server, "Perfect, that's just around the corner. Thank you, Nora.")
    yield from call.answer("You're very welcome. Enjoy your new lamp, and have a lovely evening. Goodbye!")
