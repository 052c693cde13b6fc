"""The names and the pages that a server is told to let in: as browsers send them, or refused."""

import pytest

from rtstate._hosts import host_of, origin_of
from rtstate.hub import Hub
from rtstate.logs import MemoryLog
from rtstate.server import create_app
from tests.server.support import served


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("https://desk.example", "https://desk.example"),
        ("HTTPS://Desk.Example/", "https://desk.example"),
        ("https://desk.example:443", "https://desk.example"),
        ("http://desk.example:80/", "http://desk.example"),
        ("https://desk.example:80", "https://desk.example:80"),
        ("http://desk.example:", "http://desk.example"),
        ("http://192.168.1.5:8080", "http://192.168.1.5:8080"),
        ("http://[2001:DB8:0:0::5]:8080", "http://[2001:db8::5]:8080"),
        ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example"),
        ("chrome-extension://abcdefgh", "chrome-extension://abcdefgh"),
    ],
)
def test_an_origin_is_had_as_browsers_send_it(given: str, sent: str) -> None:
    assert origin_of(given) == sent


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("*", "name each site"),
        ("https://*.desk.example", "name each site"),
        ("null", "name each site"),
        ("", "does not begin with https://"),
        ("desk.example", "does not begin with https://"),
        ("desk.example:8080", "does not begin with https://"),
        ("//desk.example", "does not begin with https://"),
        ("https:/desk.example", "does not begin with https://"),
        ("https://desk.example/app", "more in it"),
        ("https://desk.example//", "more in it"),
        ("https://desk.example?a=b", "more in it"),
        ("https://desk.example#a", "more in it"),
        ("https://me@desk.example", "more in it"),
        ("https://[fe80::1%25eth0]", "more in it"),
        ("wss://desk.example", "by http or https"),
        ("file:///calls", "more in it"),
        ("file://", "no origin that a browser sends"),
        ("https://", "no origin that a browser sends"),
        ("://desk.example", "no origin that a browser sends"),
        ("https://desk.example:port", "its host or its port is none"),
        ("https://desk.example:99999", "its host or its port is none"),
        ("https://[::1", "its host or its port is none"),
        ("https://desk..example", "no name or address is like that"),
        ("https://127.1", "no name or address is like that"),
        ("https://0x7f.0.0.0x1", "no name or address is like that"),
        ("https://:8080", "no name or address is like that"),
        ("https://a.example,https://b.example", "one at a time"),
        (" https://desk.example", "one at a time"),
        ("https://bücher.example", "xn--"),
        ("https://desk\x00.example", "xn--"),
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(given: str, told: str) -> None:
    with pytest.raises(ValueError, match="is no origin") as refused:
        origin_of(given)
    assert told in str(refused.value)
    assert "https://desk.example" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "asked"),
    [
        ("desk.example", "desk.example"),
        ("Desk.Example.", "desk.example"),
        ("desk_2", "desk_2"),
        ("192.168.1.5", "192.168.1.5"),
        ("0.0.0.0", "0.0.0.0"),
        ("[2001:DB8::5]", "2001:db8::5"),
        ("2001:db8:0:0:0::5", "2001:db8::5"),
    ],
)
def test_a_host_is_had_as_it_is_asked_for(given: str, asked: str) -> None:
    assert host_of(given) == asked


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("*", "name each"),
        ("*.desk.example", "name each"),
        ("https://desk.example", "has a scheme"),
        ("desk.example/app", "more in it than a name"),
        ("me@desk.example", "more in it than a name"),
        ("fe80::1%eth0", "more in it than a name"),
        ("desk.example:8700", "leave out its port"),
        ("[::1]:8700", "leave out its port"),
        ("", "no name or address is like that"),
        (".desk.example", "no name or address is like that"),
        ("300.1.1.1", "no name or address is like that"),
        ("a.example,b.example", "one at a time"),
        ("desk.example ", "one at a time"),
        ("bücher.example", "xn--"),
    ],
)
def test_a_host_that_nobody_asks_for_is_refused(given: str, told: str) -> None:
    with pytest.raises(ValueError, match="is no host") as refused:
        host_of(given)
    assert told in str(refused.value)
    assert "desk.example" in str(refused.value)


@pytest.mark.parametrize(
    "options",
    [
        {"hosts": ["desk.example:8700"]},
        {"origins": ["desk.example"]},
        {"hosts": "desk.example"},
        {"origins": "https://desk.example"},
    ],
)
def test_an_app_is_not_made_with_what_would_let_nobody_in(options: dict[str, list[str]]) -> None:
    log = MemoryLog()
    with pytest.raises(ValueError, match=r"^('.*' is no (host|origin)|(hosts|origins) are several)"):
        create_app(Hub(log), log, **options)  # type: ignore[arg-type]


@pytest.mark.anyio
async def test_what_is_written_in_another_way_lets_in_all_the_same() -> None:
    hosts = ("DESK.example.", "[2001:DB8:0::5]")
    async with served(hosts=hosts, origins=("HTTPS://Desk.example:443/",)) as server:
        for headers in (
            {"Host": "desk.example:8700"},
            {"Host": "[2001:db8::5]"},
            {"Host": "[2001:db8:0:0::5]:8700"},
            {"Origin": "https://desk.example"},
        ):
            answer = await server.client.get("/conversations", headers=headers)
            assert answer.status_code == 200, headers
        assert answer.headers["access-control-allow-origin"] == "https://desk.example"
