"""Conversations over HTTP: what feeds, shows and follows those of a hub.

``pip install 'rtstate[server]'`` brings what it needs: Starlette, uvicorn, sse-starlette, websockets and
prometheus-client.
"""

from __future__ import annotations

try:
    from rtstate._hosts import is_loopback
    from rtstate.server._app import create_app
    from rtstate.server._limits import Limits
    from rtstate.server._serve import serve
except ModuleNotFoundError as missing:
    if (missing.name or "rtstate").partition(".")[0] == "rtstate":
        raise
    raise ModuleNotFoundError(
        f"the server needs {missing.name}: pip install 'rtstate[server]'", name=missing.name
    ) from None

__all__ = ["Limits", "create_app", "is_loopback", "serve"]
