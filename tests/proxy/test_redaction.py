"""Keys and tokens stay out of the log, and nothing else changes."""

import base64
import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate.proxy import redactor

KEY = "my/own+key é 12345"
GONE = "[redacted]"


def test_each_place_of_a_secret() -> None:
    table: list[tuple[Any, Any]] = [
        ({"client_secret": "abc"}, {"client_secret": GONE}),
        ({"client_secret": None}, {"client_secret": None}),
        (
            {"session": {"client_secret": {"value": "abc", "expires_at": 17}}},
            {"session": {"client_secret": {"value": GONE, "expires_at": 17}}},
        ),
        (
            {"tools": [{"type": "mcp", "authorization": "abc", "headers": {"X-Key": "abc", "N": None}}]},
            {"tools": [{"type": "mcp", "authorization": GONE, "headers": {"X-Key": GONE, "N": None}}]},
        ),
        (
            {"tools": [{"server_url": "https://a", "headers": ["abc"]}]},
            {"tools": [{"server_url": "https://a", "headers": GONE}]},
        ),
        ({"Authorization": "abc"}, {"Authorization": GONE}),
        ({"text": "it is sk-abcdefgh12 now"}, {"text": f"it is {GONE} now"}),
        ({"text": "it is ek_abcdefgh12."}, {"text": f"it is {GONE}."}),
        ({"a": ["Bearer abcdefgh.ijk_l="]}, {"a": [f"Bearer {GONE}"]}),
        ({"arguments": '{"h":"bearer abcdefgh"}'}, {"arguments": '{"h":"bearer ' + GONE + '"}'}),
        ({f"<{KEY}>": [f"({KEY})", KEY]}, {f"<{GONE}>": [f"({GONE})", GONE]}),
    ]
    redact = redactor([KEY])
    for event, expected in table:
        for raw in (json.dumps(event), json.dumps(event, ensure_ascii=False, indent=1)):
            assert json.loads(redact(raw.encode())) == expected, event


@pytest.mark.parametrize(
    "event",
    [
        {"text": "a task-management of the risk-averse, week_123456789, a bearer of news"},
        {"tools": [{"type": "function", "parameters": {"properties": {"headers": {"type": "object"}}}}]},
        {"properties": {"authorization": {"type": "string"}}},
        {"item": {"headers": {"a": "b"}}},
        {"text": "sk-short"[:7]},
        {"n": 1e300, "big": 123456789012345678901234567890, "text": "caf\u00e9 \U0001f3a7 \\/"},
    ],
)
def test_what_is_no_secret_stays_as_it_is(event: Any) -> None:
    raw = json.dumps(event).encode()
    assert redactor([KEY, "short", ""])(raw) is raw


def test_escapes_hide_nothing() -> None:
    redact = redactor(["abc/defghi"])
    for raw in (
        rb'{"a":"abc\/defghi"}',
        rb'{"a":"\u0061bc/defghi"}',
        rb'{"a":"\u0073\u006b\u002dabcdefgh12"}',
        rb'{"\u0061uthorization":"x"}',
    ):
        assert json.loads(redact(raw)) in ({"a": GONE}, {"authorization": GONE})


def test_what_is_no_json_is_cleaned_too() -> None:
    assert redactor()(b'\xff {"a": sk-abcdefgh12') == b'\xff {"a": [redacted]'
    broken = b'{"client_secret" : {"value": "abc", "authorization":"abc"'
    assert redactor()(broken) == b'{"client_secret" : {"value": "[redacted]", "authorization":"[redacted]"'
    assert redactor(["binary-secret"])(b"\x00binary-secret\x01") == b"\x00[redacted]\x01"


def test_half_a_surrogate_pair_stays_json() -> None:
    cleaned = redactor()(rb'{"a":"\ud83c", "client_secret":"abc"}')
    assert b"abc" not in cleaned
    json.loads(cleaned)


def test_a_secret_beside_long_audio_is_found_wherever_it_stands() -> None:
    """Of long audio only the ends are looked at; what crosses their edge counts as well."""
    audio = base64.b64encode(random.Random(1).randbytes(6_001)).decode()
    redact = redactor([KEY])
    for place in range(340, 450):
        filler = "x" * place
        for event in (
            {"f": filler, "client_secret": "abc", "audio": audio},
            {"f": filler, "audio": audio, "client_secret": "abc"},
            {"f": filler, "audio": audio + "sk-abcdefgh12"},
            {"f": filler, "audio": "ek_" + audio},
            {"f": filler, "audio": audio + " " + KEY},
            {"f": filler, "audio": "Bearer " + audio},
        ):
            cleaned = redact(json.dumps(event).encode())
            assert GONE.encode() in cleaned
            json.loads(cleaned)


def test_audio_is_not_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    def parsed(*_: Any, **__: Any) -> None:
        raise AssertionError("an audio delta was parsed")

    monkeypatch.setattr("rtstate.proxy._redaction.from_json", parsed)
    audio = base64.b64encode(random.Random(2).randbytes(15_000)).decode()
    raw = json.dumps({"type": "response.output_audio.delta", "event_id": "event_1", "delta": audio}).encode()
    assert redactor(["my-own-key-12345"])(raw) is raw


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    ),
    st.booleans(),
)
def test_any_json_stays_what_it_was(value: Any, ascii_only: bool) -> None:
    raw = json.dumps({"value": value}, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass")
    assert json.loads(redactor()(raw)) == json.loads(raw)
