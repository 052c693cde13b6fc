"""The interface as OpenAPI has it: written by hand, beside the routes it describes."""

from __future__ import annotations

from typing import Any, Final

from starlette.requests import Request
from starlette.responses import Response

from rtstate import __version__
from rtstate.server._json import Json
from rtstate.server._resources import FORMS

_WHOLE: Final = {"type": "integer", "minimum": 0}
_OBJECT: Final = {"type": "object"}
_ID: Final = {
    "name": "id",
    "in": "path",
    "required": True,
    "description": "The conversation's name, percent-encoded.",
    "schema": {"type": "string"},
}


def _query(name: str, what: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": what, "schema": schema or _WHOLE}


_REVISION: Final = _query("revision", "As it stood then; 410 where that was trimmed away.")
_RATE: Final = _query("rate", "Updates a second at most.", type="integer", minimum=1, maximum=60, default=20)


def _answer(what: str, kind: str | None = "application/json", schema: Any = _OBJECT) -> dict[str, Any]:
    return (
        {"description": what}
        if kind is None
        else {"description": what, "content": {kind: {"schema": schema}}}
    )


def _reads(what: str, *parameters: Any, kind: str = "application/json", one: bool = True) -> dict[str, Any]:
    """Return the description of something that is only read."""
    text = {"type": "string"}
    answers = {
        "200": _answer(what, kind, _OBJECT if kind == "application/json" else text),
        "default": {"$ref": "#/components/responses/Error"},
    }
    return {
        "get": {"summary": what, "parameters": [*([_ID] if one else []), *parameters], "responses": answers}
    }


_EVENTS: Final = {
    "summary": "Feed events: one, or one a line; recorded ones have their time.",
    "parameters": [_ID],
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {"schema": _OBJECT},
            "application/x-ndjson": {"schema": {"type": "string"}},
        },
    },
    "responses": {
        "200": _answer(
            "What they did.",
            schema={
                "type": "object",
                "properties": {
                    "events": _WHOLE,
                    "changed": _WHOLE,
                    "revision": _WHOLE,
                    "anomalies": {"type": "array", "items": _OBJECT},
                },
            },
        ),
        "default": {"$ref": "#/components/responses/Error"},
    },
}
_ONE: Final = "/conversations/{id}"
PATHS: Final[dict[str, dict[str, Any]]] = {
    "/": _reads("The page.", kind="text/html", one=False),
    "/healthz": _reads("Whether it lives and takes more.", one=False),
    "/metrics": _reads("What was counted, for Prometheus.", kind="text/plain", one=False),
    "/openapi.json": _reads("This.", one=False),
    "/conversations": _reads(
        "Conversations, a page at a time; total is how many there are, next what is after the page.",
        _query(
            "order",
            "By name, or those first that began last.",
            type="string",
            enum=["name", "newest"],
            default="name",
        ),
        _query("after", "Those after this: what next was. By name it may be any name.", type="string"),
        _query("limit", "So many.", type="integer", minimum=1, maximum=5000, default=100),
        one=False,
    ),
    _ONE: {
        **_reads("The rtstate/1 document, with its revision, and when it began, as ETag.", _REVISION),
        "delete": {
            "summary": "Delete it, with all that is kept of it.",
            "parameters": [_ID],
            "responses": {
                "204": _answer("It is gone.", None),
                "default": {"$ref": "#/components/responses/Error"},
            },
        },
    },
    f"{_ONE}/events": {
        **_reads(
            "What events changed.",
            _query("after", "Those after this one."),
            _query("before", "The last ones before this one."),
            _query("limit", "So many.", type="integer", minimum=1, maximum=1000, default=200),
            _query("raw", "1: the events themselves, too.", type="string", enum=["0", "1"]),
        ),
        "post": _EVENTS,
    },
    f"{_ONE}/ingest": _reads("A WebSocket: each message is an event.", one=True),
    f"{_ONE}/changes": _reads(
        "What changes, as Server-Sent Events: snapshot, patch, gone.",
        _query("patch", "The form of patches.", type="string", enum=["append", "rfc6902"], default="append"),
        _RATE,
        _query(
            "since",
            "Go on from this id, or this revision; the header Last-Event-ID counts before it.",
            type="string",
        ),
        kind="text/event-stream",
    ),
    f"{_ONE}/agui": _reads("The same as AG-UI events.", _RATE, kind="text/event-stream"),
    f"{_ONE}/transcript": _reads("Who said what.", _REVISION),
    f"{_ONE}/usage": _reads(
        "What was used, and what it cost.", _REVISION, _query("model", "Price it as this.", type="string")
    ),
    f"{_ONE}/timing": _reads("How long answers took.", _REVISION),
    f"{_ONE}/tools": _reads("Which tools were called, and what came of it.", _REVISION),
    f"{_ONE}/exports/{{format}}": _reads(
        "The conversation in the form that something else takes.",
        {
            "name": "format",
            "in": "path",
            "required": True,
            "schema": {"type": "string", "enum": list(FORMS)},
        },
        _REVISION,
    ),
}
DOCUMENT: Final[dict[str, Any]] = {
    "openapi": "3.1.0",
    "info": {"title": "rtstate serve", "version": __version__},
    "security": [{}, {"token": []}],
    "paths": PATHS,
    "components": {
        "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        "responses": {
            "Error": _answer(
                "What was wrong, and what to do.",
                schema={
                    "type": "object",
                    "properties": {
                        "error": {
                            "type": "object",
                            "properties": {"status": {"type": "integer"}, "message": {"type": "string"}},
                            "required": ["status", "message"],
                        }
                    },
                    "required": ["error"],
                },
            )
        },
    },
}


async def openapi(_: Request) -> Response:
    """Return the description of this interface."""
    return Json(DOCUMENT)
