"""The memory of event ids, with stops and without."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate import Conversation, _seen, simulate
from rtstate._seen import SavedIds, Seen

ODD = ("", "\n", "\\", "\\n", "\\\n", "\\\\n", "a\nb", "é", "\U0001f600", "\r", "\0", " ")
IDS = st.one_of(st.sampled_from(ODD), st.integers(0, 40).map(str))


def stopped(seen: Seen) -> Seen:
    saved = seen.save()
    again = Seen()
    again.load(SavedIds(saved.text, saved.older, saved.recent, saved.sums))
    return again


@given(st.lists(st.tuples(IDS, st.booleans()), max_size=80), st.sampled_from([1, 4, 1000]))
def test_a_stop_at_any_point_is_not_noticed(asked: list[tuple[str, bool]], many: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(_seen, "_REMEMBERED", 8)
        patch.setattr(_seen, "_MANY", many)
        through, stopping = Seen(), Seen()
        for event_id, stop in asked:
            if stop:
                stopping = stopped(stopping)
                assert (stopping.save().text, len(stopping)) == (through.save().text, len(through))
            assert stopping.has(event_id) == through.has(event_id)


def test_it_remembers_the_last_4096_and_at_most_twice_as_many() -> None:
    seen = Seen()
    for number in range(20_000):
        assert not seen.has(str(number))
        if number % 1000 == 999:
            seen = stopped(seen)
        assert len(seen) < 2 * 4096
    assert all(seen.has(str(number)) for number in range(20_000 - 4096, 20_000))
    assert not seen.has("11000")


def test_many_are_not_read_for_new_ones() -> None:
    seen = Seen()
    for number in range(6000):
        seen.has(f"event_{number}")
    saved = seen.save()
    again = Seen()
    again.load(saved)
    assert not any(again.has(f"event_{number}") for number in range(6000, 6500))
    assert saved._ids is None
    assert again.has("event_5000")
    assert saved._ids is not None
    assert not again.has("event_7000")


def test_another_id_with_the_sum_of_a_known_one_is_new(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_seen, "_MANY", 1)
    monkeypatch.setattr(_seen, "crc32", len)
    seen = Seen()
    seen.has("abc")
    again = stopped(seen)
    assert not again.has("xyz")
    assert again.has("abc")


def test_few_have_no_sums() -> None:
    seen = Seen()
    for number in range(1023):
        seen.has(str(number))
    assert not seen.save().sums
    seen.has("one more")
    assert len(seen.save().sums) == 8192 + 4 * 1024


def test_a_long_conversation_knows_what_it_had_before_its_stop() -> None:
    events = list(simulate.long_conversation(1000))
    conversation = Conversation()
    for event in events:
        conversation.feed(event)
    again = Conversation.restore(conversation.checkpoint())
    for event in events[-100:]:
        assert not again.feed(event)
    assert again.stats.duplicates == sum("event_id" in event for event in events[-100:]) > 50
    assert again.checkpoint() == Conversation.restore(again.checkpoint()).checkpoint()


def test_sums_are_read_the_same_on_a_machine_that_begins_with_the_highest_byte(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from rtstate import _seen

    here = list(_seen._ints(bytes([1, 2, 3, 4])))
    monkeypatch.setattr(_seen.sys, "byteorder", "little" if _seen.sys.byteorder == "big" else "big")
    assert [
        int.from_bytes(each.to_bytes(4, "little"), "big") for each in _seen._ints(bytes([1, 2, 3, 4]))
    ] == here
