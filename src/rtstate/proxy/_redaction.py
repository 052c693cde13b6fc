"""What must not be in a log: keys and tokens, wherever they stand in an event."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, Final, cast

from pydantic_core import from_json

REDACTED: Final = "[redacted]"

_KEYS: Final = r"(?<![A-Za-z0-9])(?:sk-|ek_)[A-Za-z0-9_\-]{8,}"
_BEARER: Final = r"(?<=[Bb]earer )[A-Za-z0-9._~+/=\-]{8,}"
_FIELDS: Final = re.compile(rb'("(?:client_secret|authorization)"\s*:\s*(?:\{\s*"value"\s*:\s*)?")[^"]*')
"""Where what is no JSON has a field of which the value is secret."""

_HINTS: Final = (b"sk-", b"ek_", b"earer ", b"client_secret", b"uthorization", b'"headers"', b"\\u", b"\\/")
"""What an event has somewhere if it has to be looked into; the last two may hide any of the others."""

_HEAD: Final = 400
_LONG: Final = 2_000
_SHORTEST: Final = 8
"""Of a secret of the client's own: a shorter one would be found in any text."""


def redactor(secrets: Iterable[str] = ()) -> Callable[[bytes], bytes]:
    """Return a function that replaces keys and tokens in the bytes of an event by ``[redacted]``.

    These are values of ``client_secret`` and ``authorization``, the headers of MCP tools, what looks like a
    key (``sk-…``, ``ek_…``, ``Bearer …``), and ``secrets`` of eight characters or more wherever they stand.
    What is JSON stays JSON; where there is nothing to replace the very same bytes are returned. Cost: a few
    searches for bytes; an event is parsed only where one of them finds something.

    >>> redactor()(b'{"type": "session.created", "session": {"client_secret": {"value": "abc"}}}')
    b'{"type":"session.created","session":{"client_secret":{"value":"[redacted]"}}}'
    """
    own = sorted({each for each in secrets if len(each) >= _SHORTEST}, key=len, reverse=True)
    pattern = re.compile("|".join([*map(re.escape, own), _KEYS, _BEARER]))
    of_bytes = re.compile(pattern.pattern.encode())
    own_bytes = [each.encode() for each in own]

    def redact(raw: bytes) -> bytes:
        told = _telling(raw)
        if not any(hint in told for hint in _HINTS) and not any(each in raw for each in own_bytes):
            return raw
        try:
            value = _parsed(raw)
            cleaned = _cleaned(value, pattern)
            return raw if cleaned == value else _as_json(cleaned)
        except (ValueError, RecursionError):  # no JSON: then it need not stay any
            return of_bytes.sub(REDACTED.encode(), _FIELDS.sub(rb"\1" + REDACTED.encode(), raw))

    return redact


def _telling(raw: bytes) -> bytes:
    """Return an event without the middle of a long string of letters and digits, as audio is.

    Neither a key's name nor what looks like a key is in there: these have a quote, a space, or a dash.
    """
    end = raw.find(b'"', _HEAD)
    if end < _LONG or any(raw.find(mark, _HEAD, end) >= 0 for mark in (b"-", b"_", b" ", b"\\")):
        return raw
    return raw[: _HEAD + 16] + b"\n" + raw[end:]


def _parsed(raw: bytes) -> Any:
    """Return what stands there; json takes half a surrogate pair, and what is nested deeper, as well."""
    try:
        return from_json(raw, cache_strings="none")
    except ValueError:
        return json.loads(raw)


def _cleaned(value: Any, pattern: re.Pattern[str]) -> Any:
    """Return a JSON value without secrets."""
    match value:
        case str():
            return pattern.sub(REDACTED, value)
        case list():
            return [_cleaned(each, pattern) for each in cast("list[Any]", value)]  # type: ignore[redundant-cast]
        case dict():
            fields = cast("dict[str, Any]", value)
            tool = fields.get("type") == "mcp" or "server_url" in fields
            return {
                pattern.sub(REDACTED, name): _hidden(each)
                if name == "client_secret" or (name == "headers" and tool)
                else REDACTED
                if name.lower() == "authorization" and isinstance(each, str)
                else _cleaned(each, pattern)
                for name, each in fields.items()
            }
        case _:
            return value


def _hidden(value: Any) -> Any:
    """Return what is secret as a whole, so that one still sees what it was: names, times and nulls stay."""
    if isinstance(value, dict):
        return {name: _hidden(each) for name, each in cast("dict[str, Any]", value).items()}
    return value if value is None or isinstance(value, int | float) else REDACTED


def _as_json(value: Any) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    try:
        return text.encode()
    except UnicodeEncodeError:  # half a surrogate pair can only be written as an escape
        return json.dumps(value, separators=(",", ":")).encode()
