"""The exceptions: whose fault it is, where it is, and not a word of the payload."""

import inspect
import pickle

import pytest

import rtstate
from rtstate import DocumentError, EventParseError, HistoryGone, RtstateError, parse_server_event
from rtstate.errors import LeaseHeld, LeaseLost, StaleWriter


def test_the_tree() -> None:
    assert issubclass(EventParseError, RtstateError)
    assert issubclass(EventParseError, ValueError)
    assert issubclass(DocumentError, RtstateError)
    assert issubclass(DocumentError, ValueError)
    assert issubclass(HistoryGone, RtstateError)
    assert issubclass(HistoryGone, LookupError)


def test_the_docstring_draws_the_whole_tree() -> None:
    drawn = rtstate.errors.__doc__ or ""
    found = [each for each in vars(rtstate.errors).values() if inspect.isclass(each)]
    assert all(each.__name__ in drawn for each in found if each.__module__ == "rtstate.errors")


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EventParseError("no JSON"), "event: no JSON"),
        (EventParseError("should be a string", event_type="error"), "error: should be a string"),
        (EventParseError("a number", event_type="ping", path="timestamp"), "ping: timestamp: a number"),
        (EventParseError("a name", path="type"), "event: type: a name"),
    ],
)
def test_a_parse_error_says_where(error: EventParseError, text: str) -> None:
    assert str(error) == text


def test_a_parse_error_of_an_event_has_its_type_and_path_and_no_payload() -> None:
    event = (
        '{"type": "conversation.item.added", "item": {"type": "message", "content": [{"text": ["secret"]}]}}'
    )
    with pytest.raises(EventParseError) as caught:
        parse_server_event(event)
    assert caught.value.event_type == "conversation.item.added"
    assert caught.value.path == "item.content.0.text"
    assert "secret" not in str(caught.value)
    assert caught.value.expected


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (EventParseError("a number", event_type="ping", path="timestamp"), "ping: timestamp: a number"),
        (
            StaleWriter("call", 5, 7),
            "'call' ends at 7, not at 5: others have written since; read what they did",
        ),
        (StaleWriter("call", 7, 5), "'call' ends at 5, not at 7: the log has lost its end"),
        (
            LeaseHeld("call", "hub"),
            "'call' is written by 'hub': send its events there, or wait until that is done",
        ),
        (
            LeaseLost("call", "hub"),
            "'hub' no longer writes 'call': acquire it again, and read what others wrote",
        ),
    ],
)
def test_an_error_goes_to_another_process_whole(error: RtstateError, text: str) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) == text
    assert type(again) is type(error)
    assert vars(again) == vars(error)
