"""A proxy between an application and a Realtime server, which records what crosses it.

``pip install 'rtstate[server]'`` brings what it needs, websockets.
"""

try:
    from rtstate.proxy._proxy import Limits, Proxy
except ModuleNotFoundError as missing:
    if (missing.name or "").partition(".")[0] != "websockets":
        raise
    raise ModuleNotFoundError(
        "the proxy needs websockets: pip install 'rtstate[server]'", name="websockets"
    ) from None
from rtstate.proxy._redaction import redactor

__all__ = ["Limits", "Proxy", "redactor"]
