"""Check what a client sends, field by field, and refuse it in the words of the API."""

import re
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias, cast

Check: TypeAlias = Callable[[Any, str], None]
"""Raise `Refusal` for a value that does not fit; the text is the path of the field."""

_KINDS: dict[object, str] = {
    bool: "a boolean",
    int: "an integer",
    float: "a decimal",
    str: "a string",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class Refusal(Exception):  # noqa: N818  (what it is, on either side of the socket)
    """Say why a client event is refused: the fields of the `error` that answers it."""

    def __init__(self, code: str, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.code, self.message, self.param = code, message, param


def invalid_value(message: str, param: str | None = None) -> Refusal:
    return Refusal("invalid_value", message, param)


def _wrong(value: Any, path: str, expected: str) -> Refusal:
    got = _KINDS.get(value.__class__, "an unknown type")
    return Refusal(
        "invalid_type", f"Invalid type for '{path}': expected {expected}, but got {got} instead.", path
    )


def anything(_value: Any, _path: str) -> None:
    """Take any value."""


def text(value: Any, path: str) -> None:
    """Take a string."""
    if not isinstance(value, str):
        raise _wrong(value, path, "a string")


def name(value: Any, path: str) -> None:
    """Take a string that is not empty."""
    text(value, path)
    if not value:
        raise Refusal(
            "empty_string",
            f"Invalid '{path}': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead.",
            path,
        )


def up_to(longest: int, check: Check = text) -> Check:
    """Take what the check takes, if it is no longer than this."""

    def check_length(value: Any, path: str) -> None:
        check(value, path)
        if len(value) > longest:
            raise Refusal(
                "string_above_max_length",
                f"Invalid '{path}': string too long. Expected a string with maximum length {longest}, "
                f"but got a string with length {len(value)} instead.",
                path,
            )

    return check_length


def function_name(value: Any, path: str) -> None:
    """Take a name that a function may have."""
    up_to(64, name)(value, path)
    if not re.fullmatch("[a-zA-Z0-9_-]+", value):
        raise invalid_value(
            f"Invalid '{path}': string does not match pattern. "
            "Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.",
            path,
        )


def boolean(value: Any, path: str) -> None:
    """Take true or false."""
    if not isinstance(value, bool):
        raise _wrong(value, path, "a boolean")


def whole(value: Any, path: str) -> None:
    """Take a whole number that is not negative."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise _wrong(value, path, "an integer")
    if value < 0:
        raise Refusal(
            "integer_below_min_value",
            f"Invalid '{path}': integer below minimum value. Expected a value >= 0, but got {value} instead.",
            path,
        )


def number(value: Any, path: str) -> None:
    """Take any number."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise _wrong(value, path, "a number")


def limit(value: Any, path: str) -> None:
    """Take a number of tokens: 1 to 4096, or `inf`."""
    if value != "inf":
        whole(value, path)
        if not 1 <= value <= 4096:
            raise invalid_value(
                f"Invalid value: {value!r}. Supported values are: 1 to 4096, and 'inf'.", path
            )


def base64(value: Any, path: str) -> None:
    """Take base64 text."""
    text(value, path)
    try:
        b64decode(value, validate=True)
    except (NotBase64, ValueError):
        raise invalid_value(
            f"Invalid '{path}'. Expected base64-encoded audio bytes but got an invalid value.", path
        ) from None


def one_of(*values: str) -> Check:
    """Take one of these texts."""

    def check(value: Any, path: str) -> None:
        text(value, path)
        if value not in values:
            raise invalid_value(
                f"Invalid value: '{value[:64]}'. Supported values are: {_listed(values)}.", path
            )

    return check


def _listed(values: tuple[str, ...]) -> str:
    *most, last = (f"'{value}'" for value in values)
    return f"{', '.join(most)}, and {last}" if most else last


def combination_of(*combinations: tuple[str, ...]) -> Check:
    """Take an array of texts that is one of these, in any order."""
    each = many(one_of(*dict.fromkeys(text for combination in combinations for text in combination)))

    def check(value: Any, path: str) -> None:
        each(value, path)
        if tuple(sorted(value)) not in combinations:
            told = " and ".join(str(list(combination)) for combination in combinations)
            raise invalid_value(
                f"Invalid modalities: {sorted(value)}. Supported combinations are: {told}.", path
            )

    return check


def texts(longest: int) -> Check:
    """Take an object whose values are texts, each no longer than this."""
    value_of = up_to(longest)

    def check(value: Any, path: str) -> None:
        open_record()(value, path)
        for key, each in value.items():
            value_of(each, f"{path}.{key}")

    return check


def nullable(check: Check) -> Check:
    """Take null, or what the check takes."""

    def either(value: Any, path: str) -> None:
        if value is not None:
            check(value, path)

    return either


def either(*checks: Check) -> Check:
    """Take what any of the checks takes; the first says what was wrong."""

    def check(value: Any, path: str) -> None:
        refusals: list[Refusal] = []
        for each in checks:
            try:
                return each(value, path)
            except Refusal as refusal:
                refusals.append(refusal)
        raise refusals[0]

    return check


def many(check: Check) -> Check:
    """Take an array of what the check takes."""

    def check_all(value: Any, path: str) -> None:
        if not isinstance(value, list):
            raise _wrong(value, path, "an array")
        for index, each in enumerate(cast("list[Any]", value)):  # type: ignore[redundant-cast]
            check(each, f"{path}[{index}]")

    return check_all


def record(required: Mapping[str, Check] | None = None, /, **fields: Check) -> Check:
    """Take an object with these fields: those required, and any of the others."""
    needed = dict(required or {})
    return _object(needed, needed | fields)


def open_record(required: Mapping[str, Check] | None = None, /) -> Check:
    """Take an object with these fields, and whatever else it has."""
    return _object(dict(required or {}), None)


def _object(needed: Mapping[str, Check], known: Mapping[str, Check] | None) -> Check:
    def check(value: Any, path: str) -> None:
        if not isinstance(value, dict):
            raise _wrong(value, path, "an object")
        given = cast(dict[str, Any], value)
        here = f"{path}." if path else ""
        for key in needed:
            if given.get(key) is None:
                raise Refusal(
                    "missing_required_parameter", f"Missing required parameter: '{here}{key}'.", here + key
                )
        for key, inner in given.items():
            field = (needed if known is None else known).get(key)
            if field is not None:
                field(inner, here + key)
            elif known is not None:
                raise Refusal("unknown_parameter", f"Unknown parameter: '{here}{key}'.", here + key)

    return check
