"""Find websockets, or say what brings it."""

from importlib import import_module
from typing import Any


def websockets() -> Any:
    """Return the package, its client and server loaded; raise ModuleNotFoundError with a hint without it."""
    try:
        for part in ("client", "server"):
            import_module(f"websockets.asyncio.{part}")
        return import_module("websockets")
    except ModuleNotFoundError as missing:
        if (missing.name or "").partition(".")[0] != "websockets":
            raise
        hint = "a live session needs websockets: pip install 'rtstate[server]'"
        raise ModuleNotFoundError(hint, name="websockets") from None
