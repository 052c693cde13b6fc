"""The persistent vector against a list."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate._vector import Vector
from tests.test_costs import Work

Entries = list[object]
SIZES = st.sampled_from((0, 1, 2, 63, 64, 65, 127, 128, 4095, 4096, 4097))


@given(size=SIZES)
def test_a_vector_holds_what_it_was_made_of(size: int) -> None:
    vector = Vector(list(range(size)))
    assert len(vector) == size
    assert list(vector) == list(range(size))
    assert [vector[at] for at in range(size)] == list(range(size))


@given(size=SIZES, sets=st.lists(st.tuples(st.integers(0, 5_000), st.integers()), max_size=20))
def test_setting_and_appending_is_what_a_list_does(size: int, sets: list[tuple[int, int]]) -> None:
    vector, entries = Vector(list(range(size))), list(range(size))
    for at, value in sets:
        index = at % (len(entries) + 1)
        before, held = vector, list(vector)
        vector = vector.with_(index, value)
        entries[index : index + 1] = [value]
        assert list(before) == held
        assert len(vector) == len(entries)
        assert vector[index] == value
    assert list(vector) == entries


@given(size=SIZES, places=st.sets(st.integers(0, 5_000), max_size=12), more=st.integers(0, 70))
def test_setting_many_is_setting_one_by_one(size: int, places: set[int], more: int) -> None:
    entries = {at % size: -at for at in places} if size else {}
    entries |= {size + number: number for number in range(more)}
    shuffled = dict(sorted(entries.items(), key=lambda entry: hash(str(entry))))
    expected = list(range(size)) + [0] * more
    for at, value in entries.items():
        expected[at] = value
    vector = Vector(list(range(size)))
    assert list(vector.with_all(shuffled)) == expected
    assert list(vector) == list(range(size))


@given(size=SIZES)
def test_setting_much_of_a_vector_is_setting_one_by_one(size: int) -> None:
    places = {at: -at for at in range(0, size, 8)}
    vector = Vector(list(range(size)))
    assert list(vector.with_all(places)) == [places.get(at, at) for at in range(size)]
    assert list(vector) == list(range(size))


def test_a_vector_grows_one_by_one_through_every_level() -> None:
    vector: Vector[int] = Vector()
    for number in range(4_200):
        vector = vector.with_(number, number)
    assert list(vector) == list(range(4_200))
    assert all(vector[number] == number for number in range(4_200))


def test_untouched_entries_are_shared() -> None:
    entries = [object() for _ in range(5_000)]
    vector = Vector(entries)
    other = vector.with_(70, object())
    shared = [one is two for one, two in zip(vector._root, other._root, strict=True)]
    assert shared == [False, True]
    assert [one is two for one, two in zip(vector._root[0], other._root[0], strict=True)].count(False) == 1
    assert all(other[at] is entries[at] for at in range(5_000) if at != 70)


@pytest.mark.parametrize(("size", "index"), [(2, -1), (2, 2), (2, 64), (64, 64), (4096, 4096), (0, 0)])
def test_an_entry_beyond_the_end_is_refused(size: int, index: int) -> None:
    with pytest.raises(IndexError, match=f"^{index}$"):
        Vector(list(range(size)))[index]


@pytest.mark.parametrize("index", [-1, 3])
def test_setting_beyond_the_end_is_refused(index: int) -> None:
    with pytest.raises(IndexError, match=f"^{index}$"):
        Vector(["a", "b"]).with_(index, "c")


@pytest.mark.parametrize(("size", "levels"), [(0, 0), (1, 0), (64, 0), (65, 1), (4096, 1), (4097, 2)])
def test_a_vector_has_no_more_levels_than_it_needs(size: int, levels: int) -> None:
    grown: Vector[int] = Vector()
    for number in range(size):
        grown = grown.with_(number, number)
    assert Vector(list(range(size)))._shift == grown._shift == 6 * levels


@pytest.mark.parametrize(("size", "more"), [(60, 10), (60, 5_000), (4_000, 100), (64, 1), (4_096, 1)])
def test_vectors_of_other_depths_differ_by_what_one_has_more(size: int, more: int) -> None:
    entries: Entries = [object() for _ in range(size + more)]
    one, other = Vector(entries[:size]), Vector(entries)
    assert list(one.differences(other)) == [(None, entry) for entry in entries[size:]]
    assert list(other.differences(one)) == [(entry, None) for entry in entries[size:]]


def test_a_difference_is_found_below_two_levels() -> None:
    entries: Entries = [object() for _ in range(5_000)]
    changed = object()
    other = Vector(entries).with_(4_500, changed)
    assert list(Vector(entries).differences(other)) == [(entries[4_500], changed)]


def test_setting_nothing_is_the_same_vector() -> None:
    vector = Vector(["a"])
    assert vector.with_all({}) is vector


def plainly(one: Entries, other: Entries) -> list[tuple[object, object]]:
    """What differs between two lists, found the long way."""
    size = max(len(one), len(other))
    pairs = zip(one + [None] * (size - len(one)), other + [None] * (size - len(other)), strict=True)
    return [(was, now) for was, now in pairs if was is not now]


@given(
    size=SIZES,
    sets=st.sets(st.integers(0, 5_000), max_size=12),
    more=st.sampled_from((0, 0, 1, 2, 62, 63, 64, 65, 4_000)),
)
def test_differences_are_those_of_two_lists(size: int, sets: set[int], more: int) -> None:
    entries: Entries = [object() for _ in range(size)]
    news: Entries = [object() for _ in range(more)]
    vector = Vector(entries)
    other, others = vector, list(entries)
    for at in sets if size else ():
        others[at % size] = object()
        other = other.with_(at % size, others[at % size])
    for entry in news:
        other = other.with_(len(other), entry)
        others.append(entry)
    assert list(vector.differences(other)) == plainly(entries, others)
    assert list(other.differences(vector)) == plainly(others, entries)
    rebuilt = Vector(others)  # which shares no tuple with it, only the entries
    assert list(vector.differences(rebuilt)) == plainly(entries, others)
    assert list(rebuilt.differences(other)) == []


def test_a_vector_does_not_differ_from_itself() -> None:
    vector = Vector([object()])
    assert list(vector.differences(vector)) == []
    assert list(Vector[object]().differences(Vector())) == []


def test_equal_entries_that_are_not_the_same_object_differ() -> None:
    one, other = "x" * 30, "".join(["x"] * 30)
    assert list(Vector([one, None]).differences(Vector([other, None]))) == [(one, other)]


def test_what_two_vectors_share_is_not_looked_at() -> None:
    def work(size: int) -> Work:
        vector = Vector(list(range(1_000, 1_000 + size)))
        other = vector.with_(5, -1).with_(size, -2)
        return Work(lambda: list(vector.differences(other)))

    small, large = work(10), work(100_000)
    assert large.calls <= small.calls + 60  # two levels more, for each of the two
    assert large.bytes <= small.bytes + 4_000
