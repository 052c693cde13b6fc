"""JSON as it goes out, and Unicode that cannot be written as UTF-8 replaced in it."""

from __future__ import annotations

import json
from typing import Any

from pydantic_core import PydanticSerializationError, to_json
from starlette.responses import Response


def dumps(value: Any) -> bytes:
    r"""Return JSON on one line; half of a surrogate pair, which no UTF-8 has, is written as its escape.

    >>> dumps({"a": ["ü", 1.0]}), dumps("\ud800")
    (b'{"a":["\xc3\xbc",1.0]}', b'"\\ud800"')
    """
    try:
        return to_json(value)
    except (PydanticSerializationError, UnicodeEncodeError):
        return json.dumps(value, separators=(",", ":"), allow_nan=False).encode()


class Json(Response):
    """JSON, made by :func:`dumps`."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Return the body."""
        return dumps(content)
