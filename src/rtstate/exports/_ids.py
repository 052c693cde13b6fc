"""Ids and names as those take them who an export is for."""

from __future__ import annotations

import re
from hashlib import sha256
from typing import Final

CHAT_ID: Final = 40
"""How long the id of a tool call may be in Chat Completions: "Expected a string with maximum length 40"."""
RESPONSES_ID: Final = 64
"""How long a ``call_id`` or an id may be in the Responses API, by its own words likewise."""
_NAME: Final = 64  # of a function: "a-z, A-Z, 0-9, or contain underscores and dashes"


def id_for(known: str, kind: str, longest: int) -> str:
    """Return an id if it is one that is taken, or one made from it, always the same.

    >>> id_for("call_1", "call", 40), id_for("call-" * 9, "call", 40)
    ('call_1', 'call_20f12557c107688587aae4e1')
    """
    if re.fullmatch(rf"[A-Za-z0-9_-]{{1,{longest}}}", known):
        return known
    return made_id(known, kind)


def made_id(known: str, kind: str) -> str:
    """Return an id made from another."""
    return f"{kind}_{sha256(known.encode('utf-8', 'surrogatepass')).hexdigest()[:24]}"


def function_name(name: str) -> str:
    """Return a name that a function may have: MCP's tools have others.

    >>> function_name("files.read")
    'files_read'
    """
    return re.sub(r"[^A-Za-z0-9_-]", "_", name)[:_NAME]
