"""The conversation in the forms that other APIs take, and that people read: pure functions of a snapshot.

Those for other APIs give plain JSON and agree on what they hold; what they leave out and why, ``left_out``
tells. Those for people give text, one turn after the other as ``rtstate.transcript`` has them.
"""

from rtstate.exports._common import LeftOut, left_out
from rtstate.exports.agents import agents_items
from rtstate.exports.agui import agui_messages
from rtstate.exports.audio import wav
from rtstate.exports.captions import left_out_of_captions, srt, webvtt
from rtstate.exports.chat import chat_messages
from rtstate.exports.livekit import livekit_chat_context
from rtstate.exports.markup import markdown
from rtstate.exports.responses import responses_input
from rtstate.exports.restore import RestoreDialect, RestorePlan, restore_events, restore_plan
from rtstate.exports.text import plain_text, transcript_json

__all__ = [
    "LeftOut",
    "RestoreDialect",
    "RestorePlan",
    "agents_items",
    "agui_messages",
    "chat_messages",
    "left_out",
    "left_out_of_captions",
    "livekit_chat_context",
    "markdown",
    "plain_text",
    "responses_input",
    "restore_events",
    "restore_plan",
    "srt",
    "transcript_json",
    "wav",
    "webvtt",
]
