"""Checkpoints: a conversation with all its hidden state, as bytes, and back.

::

    rtstate-checkpoint/1    a line of plain text: the format and its version
    zlib(JSON)              what the version says; zlib's checksum tells whether it is whole
    zlib(ids), their sums   the event ids that the JSON counts: those of the server
    zlib(ids), their sums   and those of the client

The JSON is a :class:`Saved`; the ids are apart, so that nobody reads thousands in vain. The shape of all is
fixed for a version: whoever changes it makes a new version, and a step that reads the one before (see
``docs/checkpoints.md``).
"""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping
from functools import cache
from typing import Annotated, Any, Final, NoReturn, TypeAlias, cast

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError, with_config
from pydantic_core import to_json
from typing_extensions import TypedDict

from rtstate._draft.saved import SHAPES, SavedDraft
from rtstate._seen import SavedIds, sums_of
from rtstate._types import AnomalyKind
from rtstate.errors import CheckpointError

VERSION: Final = 1
_HEADER: Final = re.compile(rb"rtstate-checkpoint/(\d{1,9})\n")
_LARGEST: Final = 1 << 32
_PIECE: Final = 4096
_SURROGATE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")  # which is never written
_Number: TypeAlias = Annotated[int, Field(ge=0, le=_LARGEST)]


class SavedAnomaly(TypedDict):
    """An anomaly."""

    kind: AnomalyKind
    message: str
    number: int
    event_type: str | None
    event_id: str | None


class SavedCount(TypedDict):
    """How many event ids there are, how many bytes they and their checksums take, and a checksum of these."""

    older: _Number
    recent: _Number
    text: _Number
    sums: _Number
    crc: _Number


class Saved(TypedDict):
    """What a checkpoint holds; ``seen`` and ``sent`` count the event ids of server and client."""

    history: Annotated[int, Field(ge=0, le=1 << 31)]
    strict: bool
    seen: SavedCount
    sent: SavedCount
    anomalies: list[SavedAnomaly]
    draft: SavedDraft


def pack(saved: Mapping[str, Any], seen: SavedIds, sent: SavedIds) -> bytes:
    """Return a checkpoint of what was saved, and of the ids seen. Cost: its size."""
    counts = {"seen": _count(seen), "sent": _count(sent)}
    header = b"rtstate-checkpoint/%d\n" % VERSION
    return b"".join(
        (header, zlib.compress(to_json({**saved, **counts}), 3), seen.text, seen.sums, sent.text, sent.sums)
    )


def _count(ids: SavedIds) -> SavedCount:
    return SavedCount(
        older=ids.older,
        recent=ids.recent,
        text=len(ids.text),
        sums=len(ids.sums),
        crc=zlib.crc32(ids.sums, zlib.crc32(ids.text)),
    )


def unpack(data: bytes | bytearray | memoryview[int]) -> tuple[dict[str, Any], SavedIds, SavedIds]:
    """Return what a checkpoint holds, checked field by field, and the ids seen. Cost: its size.

    Raises CheckpointError for what is damaged, of a newer version, or no checkpoint at all.
    """
    if not isinstance(data, (bytes, bytearray, memoryview)):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise TypeError(f"a checkpoint is bytes, not {type(data).__name__}")
    data = bytes(data)
    header = _HEADER.match(data)
    if header is None:
        raise CheckpointError("this is no checkpoint: it does not begin with rtstate-checkpoint/")
    version = int(header[1])
    if version != VERSION:
        raise CheckpointError(
            f"a checkpoint of version {version}, and this rtstate reads {VERSION}: "
            + ("restore it with a newer one" if version > VERSION else "there never was such a version")
        )
    text, rest = _inflated(memoryview(data)[header.end() :], len(data))
    try:
        # Not pydantic's reader: it takes 200 levels, an event may have as many, and here it lies deeper.
        value = json.loads(text, parse_constant=_refuse)
        if (b"\\ud" in text or b"\\uD" in text) and _SURROGATE.search(text):  # the first two are quick
            raise ValueError("half a character")
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"this checkpoint was not written by rtstate: {error}") from None
    try:
        saved = cast("dict[str, Any]", _reader().validate_python(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise CheckpointError(f"this checkpoint was not written by rtstate: {at}: {first['msg']}") from None
    seen, sent = _ids(rest, len(data), saved["seen"], saved["sent"])
    return saved, seen, sent


def _inflated(data: memoryview[int], size: int) -> tuple[bytes, memoryview[int]]:
    """Return what was compressed, and what follows it. In pieces, for zlib copies what it does not use."""
    stream = zlib.decompressobj()
    pieces: list[bytes] = []
    for end in range(_PIECE, len(data) + _PIECE, _PIECE):
        try:
            pieces.append(stream.decompress(data[end - _PIECE : end]))
        except zlib.error as error:
            raise CheckpointError(f"this checkpoint is damaged: {error}") from None
        if stream.eof:
            return b"".join(pieces), data[min(end, len(data)) - len(stream.unused_data) :]
    raise _cut_short(size)


def _ids(data: memoryview[int], size: int, *counts: SavedCount) -> list[SavedIds]:
    """Return the ids of both sides; raise CheckpointError where they are not as they were counted."""
    made: list[SavedIds] = []
    start = 0
    for count in counts:
        middle = start + count["text"]
        end = middle + count["sums"]
        if end > len(data):
            raise _cut_short(size)
        text, sums, number = data[start:middle], data[middle:end], count["older"] + count["recent"]
        if zlib.crc32(sums, zlib.crc32(text)) != count["crc"]:
            raise CheckpointError("this checkpoint is damaged: its event ids are not those that were saved")
        if bool(text) != bool(number) or len(sums) not in sums_of(number):
            raise CheckpointError(f"this checkpoint does not hold together: it has no {number:,} event ids")
        made.append(SavedIds(text, count["older"], count["recent"], sums))
        start = end
    if start < len(data):
        raise CheckpointError(f"this checkpoint is followed by {len(data) - start:,} bytes of something else")
    return made


def _cut_short(size: int) -> CheckpointError:
    return CheckpointError(f"this checkpoint is cut short, at {size:,} bytes")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


@cache
def _reader() -> TypeAdapter[Any]:
    exactly: Any = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))
    for shape in (*SHAPES, SavedAnomaly, SavedCount, Saved):
        exactly(shape)
    return TypeAdapter(Saved)
