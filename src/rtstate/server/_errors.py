"""Errors as HTTP says them: a status, and a sentence that says what to do.

============================  ======  ==========================================
what                          status  and
============================  ======  ==========================================
LeaseHeld, LeaseLost          409     another process writes this conversation
ConversationGone              404     there is none, or no longer
HistoryGone                   410     it was trimmed
HubFull, LogUnavailable       503     ``Retry-After``
HubStopped, LogClosed         503     ``Retry-After``: the server is stopping
StaleWriter, LogBehind        503     ``Retry-After``: others write, or the log has lost its end
LogDamaged                    500     see the server's log
============================  ======  ==========================================
"""

from __future__ import annotations

import logging
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from rtstate.errors import (
    ConversationGone,
    HistoryGone,
    HubError,
    LeaseHeld,
    LeaseLost,
    LogDamaged,
    LogError,
    RtstateError,
)

_LOG: Final = logging.getLogger("rtstate.server")
_AGAIN: Final = 1


def refuse(status: int, message: str, *, retry_after: int | None = None) -> HTTPException:
    """Return what to raise: a status, a sentence, and when to try again."""
    headers = {"Retry-After": str(retry_after)} if retry_after is not None else None
    return HTTPException(status, message, headers)


def told(error: RtstateError) -> HTTPException:
    """Return what a log or a hub raised as HTTP says it."""
    message = str(error.args[0]) if error.args else "this could not be done"
    if isinstance(error, (LeaseHeld, LeaseLost)):
        return refuse(409, str(error))
    if isinstance(error, ConversationGone):
        return refuse(404, message)
    if isinstance(error, HistoryGone):
        return refuse(410, message)
    if isinstance(error, LogDamaged):
        _LOG.error("a log is damaged: %s", type(error).__name__)  # a message may have a name in it
        return refuse(500, "what the log holds of this is damaged")
    if isinstance(error, (HubError, LogError)):
        _LOG.warning("not done: %s", type(error).__name__)
        return refuse(503, str(error), retry_after=_AGAIN)
    return refuse(400, message)


def as_json(error: HTTPException) -> JSONResponse:
    """Return an error as the JSON that every error is."""
    return JSONResponse(
        {"error": {"status": error.status_code, "message": error.detail}},
        error.status_code,
        error.headers,
    )


async def on_http(_: Request, error: Exception) -> Response:
    """Answer what was refused."""
    assert isinstance(error, HTTPException)
    return as_json(error)


async def on_ours(_: Request, error: Exception) -> Response:
    """Answer what a log or a hub raised."""
    assert isinstance(error, RtstateError)
    return as_json(told(error))
