"""Checkpoints: a conversation with all its hidden state, as bytes, and back.

::

    rtstate-checkpoint/1    a line of plain text: the format and its version
    zlib(JSON)              what the version says; zlib's checksum tells whether it is whole

The JSON is a :class:`Saved`. Its shape is fixed for a version: whoever changes it makes a new version, and a
step that reads the one before (see ``docs/checkpoints.md``).
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

from rtstate._draft.saving import SHAPES, SavedDraft
from rtstate._types import AnomalyKind
from rtstate.errors import CheckpointError

VERSION: Final = 1
_HEADER: Final = re.compile(rb"rtstate-checkpoint/(\d{1,9})\n")
_LARGEST: Final = 1 << 32
_SURROGATE: Final = re.compile(rb"(?<!\\)(?:\\\\)*\\u[dD][89a-fA-F]")  # which is never written
_Ids: TypeAlias = Annotated[list[list[str]], Field(min_length=2, max_length=2)]


class SavedAnomaly(TypedDict):
    """An anomaly."""

    kind: AnomalyKind
    message: str
    number: int
    event_type: str | None
    event_id: str | None


class Saved(TypedDict):
    """What a checkpoint holds; ``seen`` and ``sent`` are the event ids of server and client, oldest first."""

    history: Annotated[int, Field(ge=0, le=1 << 31)]
    strict: bool
    seen: _Ids
    sent: _Ids
    anomalies: list[SavedAnomaly]
    draft: SavedDraft


def pack(saved: Mapping[str, Any]) -> bytes:
    """Return a checkpoint of what was saved. Cost: its size."""
    return b"rtstate-checkpoint/%d\n" % VERSION + zlib.compress(to_json(saved), 3)


def unpack(data: bytes | bytearray | memoryview[int]) -> dict[str, Any]:
    """Return what a checkpoint holds, checked field by field. Cost: its size.

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
    text = _inflated(data[header.end() :])
    try:
        # Not pydantic's reader: it takes 200 levels, an event may have as many, and here it lies deeper.
        value = json.loads(text, parse_constant=_refuse)
        if (b"\\ud" in text or b"\\uD" in text) and _SURROGATE.search(text):  # the first two are quick
            raise ValueError("half a character")
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"this checkpoint was not written by rtstate: {error}") from None
    try:
        return cast("dict[str, Any]", _reader().validate_python(value))
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        at = ".".join(map(str, first["loc"]))
        raise CheckpointError(f"this checkpoint was not written by rtstate: {at}: {first['msg']}") from None


def _inflated(data: bytes) -> bytes:
    stream = zlib.decompressobj()
    try:
        text = stream.decompress(data, _LARGEST)
    except zlib.error as error:
        raise CheckpointError(f"this checkpoint is damaged: {error}") from None
    if not stream.eof:
        raise CheckpointError(f"this checkpoint is cut short, at {len(data):,} bytes")
    if stream.unused_data:
        raise CheckpointError(
            f"this checkpoint is followed by {len(stream.unused_data):,} bytes of something else"
        )
    return text


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


@cache
def _reader() -> TypeAdapter[Any]:
    exactly: Any = with_config(ConfigDict(extra="forbid", strict=True, allow_inf_nan=False))
    for shape in (*SHAPES, SavedAnomaly, Saved):
        exactly(shape)
    return TypeAdapter(Saved)
