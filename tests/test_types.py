"""Times, ends and pointers."""

from decimal import Decimal
from typing import Any

import pytest

from rtstate._types import END, LARGEST, as_time, pointer


@pytest.mark.parametrize(
    ("at", "time"),
    [
        (0, 0),
        (-5, -5),
        (1.5, 1.5),
        (LARGEST - 1, LARGEST - 1),
        (LARGEST, None),
        (-LARGEST, None),
        (float("nan"), None),
        (float("inf"), None),
    ],
)
def test_a_time_is_what_json_can_tell(at: float, time: float | None) -> None:
    assert as_time(at) == time


@pytest.mark.parametrize("at", [True, "5", None, Decimal(5)])
def test_what_is_no_number_is_no_time(at: Any) -> None:
    with pytest.raises(TypeError, match=f"^at is a time in seconds, a number, not {type(at).__name__}$"):
        as_time(at)


def test_the_end_says_so() -> None:
    assert repr(END) == "END"


def test_a_pointer_escapes_what_it_has_to() -> None:
    assert pointer(("items", "item_1", "content", 0)) == "/items/item_1/content/0"
    assert pointer(("items", "a/b~c", 0)) == "/items/a~1b~0c/0"
