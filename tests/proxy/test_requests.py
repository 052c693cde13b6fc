"""Where a request goes, what of it is passed on, and who may make it."""

import pytest
from websockets.datastructures import Headers

from rtstate.proxy._requests import (
    checked_upstream,
    model_of,
    offered,
    passed_on,
    secrets_in,
    stranger,
    upstream_of,
)


@pytest.mark.parametrize(
    ("base", "target", "place"),
    [
        ("wss://h/v1", "/v1/realtime?model=x", "wss://h/v1/realtime?model=x"),
        ("wss://h/v1", "/realtime?model=x", "wss://h/v1/realtime?model=x"),
        ("wss://h/v1", "/v1", "wss://h/v1"),
        ("wss://h/v1", "/", "wss://h/v1/"),
        ("wss://h", "/v1/realtime", "wss://h/v1/realtime"),
        ("wss://h", "/", "wss://h/"),
        ("wss://h:8443/openai/v1", "/openai/v1/realtime", "wss://h:8443/openai/v1/realtime"),
        ("wss://h/openai/v1", "/v1/realtime", "wss://h/openai/v1/realtime"),
        ("wss://h/openai/v1", "/realtime", "wss://h/openai/v1/realtime"),
        ("wss://h/v1/realtime", "/v1/realtime?a=%2F", "wss://h/v1/realtime?a=%2F"),
        ("wss://h/v1", "/v10/realtime", "wss://h/v1/v10/realtime"),
        ("wss://h/openai?api-version=1", "/realtime?d=x", "wss://h/openai/realtime?api-version=1&d=x"),
    ],
)
def test_addresses_are_joined(base: str, target: str, place: str) -> None:
    assert upstream_of(checked_upstream(base), target) == place


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("api.openai.com", "an address like wss://"),
        ("ftp://h/v1", "an address like wss://"),
        ("wss://", "an address like wss://"),
        ("wss://h:port/", "an address like wss://"),
        ("wss://user:pass@h/v1", "no user and password"),
        ("wss://h/v1#x", "no fragment"),
        ("wss://h/ü", "only ASCII"),
        ("wss://[::1", "an address like wss://"),
    ],
)
def test_an_upstream_that_is_none(url: str, said: str) -> None:
    with pytest.raises(ValueError, match=said) as raised:
        checked_upstream(url)
    assert "pass" not in str(raised.value).replace("password", "")


def test_headers_of_one_hop_stay_behind() -> None:
    headers = Headers(
        [
            ("Host", "127.0.0.1:8701"),
            ("Connection", "Upgrade, X-Hop"),
            ("Upgrade", "websocket"),
            ("X-Hop", "1"),
            ("Sec-WebSocket-Key", "k"),
            ("sec-websocket-protocol", "realtime"),
            ("Proxy-Authorization", "Basic x"),
            ("authorization", "Bearer x"),
            ("OpenAI-Beta", "realtime=v1"),
            ("Cookie", "a=1"),
            ("Cookie", "b=2"),
        ]
    )
    headers.set_insecure("X-Odd", "\udcff")
    passed = list(passed_on(headers).raw_items())[:4]
    assert passed == [
        ("authorization", "Bearer x"),
        ("OpenAI-Beta", "realtime=v1"),
        ("Cookie", "a=1"),
        ("Cookie", "b=2"),
    ]
    assert "X-Odd" not in passed_on(headers)


def test_secrets_are_known_wherever_a_client_brings_them() -> None:
    headers = Headers(
        [
            ("Authorization", "Bearer of-header"),
            ("api-key", "of-azure"),
            ("X-Goog-Token", "of-token"),
            ("Cookie", "session=of-cookie; b=2"),
            ("Sec-WebSocket-Protocol", "realtime, openai-insecure-api-key.of-protocol"),
            ("Sec-WebSocket-Key", "not-secret"),
            ("OpenAI-Beta", "realtime=v1"),
            ("X-Author", "somebody"),
        ]
    )
    found = set(secrets_in("/v1/realtime?model=x&api-key=of%20query&client_secret=cs", headers))
    assert {"of-header", "of-azure", "of-token", "of-cookie", "of-protocol", "of query", "cs"} <= found
    assert not {"not-secret", "x", "realtime=v1", "realtime", "somebody"} & found


def test_subprotocols_of_several_headers() -> None:
    headers = Headers([("Sec-WebSocket-Protocol", "a, b"), ("Sec-WebSocket-Protocol", "c")])
    assert offered(headers) == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("target", "model"),
    [
        ("/v1/realtime?model=gpt-realtime", "gpt-realtime"),
        ("/v1/realtime?model=a%2F%0Ab", "a--b"),
        ("/", "model"),
        ("/?model=", "model"),
        (f"/?model={'m' * 300}", "m" * 80),
    ],
)
def test_the_model_of_a_name(target: str, model: str) -> None:
    assert model_of(target) == model


@pytest.mark.parametrize(
    ("host", "origin", "origins", "any_host", "may"),
    [
        ("127.0.0.1:8701", None, (), False, True),
        ("localhost:8701", None, (), False, True),
        ("[::1]:8701", None, (), False, True),
        ("evil.example:8701", None, (), False, False),  # whose name leads here
        ("127.0.0.1.evil.example", None, (), False, False),
        (None, None, (), False, False),
        ("10.0.0.1:8701", None, (), True, True),
        ("localhost", "http://localhost:3000", (), False, True),
        ("localhost", "http://app.localhost", (), False, True),
        ("localhost", "https://evil.example", (), False, False),
        ("localhost", "https://localhost.evil.example", (), False, False),
        ("localhost", "null", (), False, False),
        ("localhost", "http://[", (), False, False),
        ("localhost", "https://app.example", ("https://app.example",), False, True),
        ("localhost", "https://app.example", ("*",), False, True),
        ("localhost", "https://app.example:444", ("https://app.example",), False, False),
        ("10.0.0.1", "https://evil.example", (), True, False),
    ],
)
def test_who_may_ask(
    host: str | None, origin: str | None, origins: tuple[str, ...], any_host: bool, may: bool
) -> None:
    headers = Headers()
    if host is not None:
        headers["Host"] = host
    if origin is not None:
        headers["Origin"] = origin
    assert (stranger(headers, origins=origins, any_host=any_host) is None) is may
