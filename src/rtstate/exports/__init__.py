"""The conversation in the forms that other APIs take: pure functions of a snapshot, plain JSON out.

They agree on what they hold; what they leave out and why, ``left_out`` tells.
"""

from rtstate.exports._common import LeftOut, left_out
from rtstate.exports.agents import agents_items
from rtstate.exports.agui import agui_messages
from rtstate.exports.chat import chat_messages
from rtstate.exports.livekit import livekit_chat_context
from rtstate.exports.responses import responses_input
from rtstate.exports.restore import RestoreDialect, RestorePlan, restore_events, restore_plan

__all__ = [
    "LeftOut",
    "RestoreDialect",
    "RestorePlan",
    "agents_items",
    "agui_messages",
    "chat_messages",
    "left_out",
    "livekit_chat_context",
    "responses_input",
    "restore_events",
    "restore_plan",
]
