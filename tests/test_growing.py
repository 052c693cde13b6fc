"""Texts and audio that grow by deltas."""

import base64
from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rtstate._growing import Audio, Growing, Grown, base64_size, grown, joined

PATH = ("items", "item_a", "content", 0)


@given(st.lists(st.text(max_size=3)))
def test_a_grown_text_stays_as_it_was_taken(deltas: list[str]) -> None:
    growing = Growing((*PATH, "text"), "source")
    taken: list[Grown] = [growing.grown()]
    for delta in deltas:
        growing.chunks.append(delta)
        taken.append(growing.grown())
    assert [each.text for each in taken] == ["".join(deltas[:count]) for count in range(len(deltas) + 1)]
    assert joined(growing) == "".join(deltas)


def test_a_grown_text_is_joined_once() -> None:
    taken = Grown(["a", "b", "c"], 2)
    assert taken.text == "ab"
    assert taken.text is taken.text
    assert repr(taken) == "'ab'"


def test_joining_and_growing_leave_plain_texts_alone() -> None:
    growing = Growing((*PATH, "text"), "source")
    growing.chunks.append("Hi")
    assert [joined(each) for each in (None, "", "Hi", growing, growing.grown())] == [
        None,
        "",
        "Hi",
        "Hi",
        "Hi",
    ]
    assert [grown(each) for each in (None, "Hi")] == [None, "Hi"]
    taken = grown(growing)
    assert isinstance(taken, Grown)


@given(st.binary(max_size=40))
def test_the_size_of_base64_is_known_without_decoding(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    assert base64_size(text) == base64_size(text.rstrip("=")) == len(data)


@given(
    st.lists(st.binary(min_size=1, max_size=300), max_size=8),
    st.sampled_from((8_000, 16_000, 48_000, 88_200)),
)
def test_audio_counts_whole_milliseconds(chunks: list[bytes], rate: int) -> None:
    audio = Audio(PATH, "source", rate, keep=False)
    received = 0
    for chunk in chunks:
        received += len(chunk)
        assert audio.append(base64.b64encode(chunk).decode()) == received * 1000 // rate
    assert audio.decoded() == b""
    assert audio.path == (*PATH, "audio_ms")


@given(st.lists(st.binary(max_size=50)))
def test_kept_audio_comes_back(chunks: list[bytes]) -> None:
    audio = Audio(PATH, "source", 48_000, keep=True)
    for chunk in chunks:
        audio.append(base64.b64encode(chunk).decode())
    assert audio.decoded() == b"".join(chunks)


@given(st.text(st.sampled_from("A=+/!é\n "), max_size=12))
def test_what_is_not_base64_is_silence_of_its_length(chunk: str) -> None:
    """Whatever a chunk holds, the audio behind it keeps its time."""
    audio = Audio(PATH, "source", 1_000, keep=True)
    size = audio.append(chunk)
    audio.append("/////w==")
    assert len(audio.decoded()) == size + 4
    assert audio.decoded()[size:] == b"\xff\xff\xff\xff"


@pytest.mark.parametrize(
    ("chunk", "data"),
    [
        ("AQID", b"\1\2\3"),
        ("AQ", b"\1"),
        ("!!!!", bytes(3)),
        ("A!QID", b"\1\2\3"),
        ("!AQID!!!", b"\1\2\3\0\0\0"),
        ("é", b""),
        ("A", b""),
    ],
)
def test_a_chunk_decodes(chunk: str, data: bytes) -> None:
    audio = Audio(PATH, "source", 1_000, keep=True)
    audio.append(chunk)
    assert audio.decoded() == data


@pytest.mark.parametrize(("rate", "size"), [(0, 5), (-1, 5), (48_000, -1)])
def test_audio_of_no_size_is_not_read_back(rate: int, size: int) -> None:
    with pytest.raises(ValueError, match=r"^audio of no size$"):
        Audio.load(PATH, "source", rate, size, None)


@pytest.mark.parametrize("keep", [True, False])
def test_audio_goes_on_where_it_was_saved(keep: bool) -> None:
    audio = Audio(PATH, "source", 1, keep=keep)
    audio.append("AQID")
    again = Audio.load(PATH, **deepcopy(audio.save()))  # type: ignore[arg-type]
    assert again.save() == audio.save()
    assert again.append("AQ==") == audio.append("AQ==") == 4_000
    assert again.decoded() == audio.decoded() == (b"\1\2\3\1" if keep else b"")


def test_a_text_knows_its_pointer() -> None:
    growing = Growing((*PATH, "text"), "source")
    assert growing.pointer == "/items/item_a/content/0/text"
    assert growing.pointer is growing.pointer
