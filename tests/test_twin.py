"""Twins: filled without a guard, frozen afterwards."""

import attrs
import pytest

from rtstate._change import Change, ChangeTwin
from rtstate._twin import twin


@attrs.frozen(weakref_slot=False)
class Point:
    x: int
    y: int = 0


def test_a_twin_becomes_the_frozen_class() -> None:
    point = twin(Point)()
    point.x, point.y = 1, 2
    point.__class__ = Point
    assert point == Point(1, 2)
    assert repr(point) == "Point(x=1, y=2)"
    assert hash(point) == hash(Point(1, 2))
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        point.x = 3


def test_a_twin_has_no_room_for_more() -> None:
    point = twin(Point)()
    with pytest.raises(AttributeError):
        point.z = 3
    assert twin(Point).__name__ == "PointTwin"


def test_a_change_made_by_its_twin_is_a_change() -> None:
    change = ChangeTwin()
    for field in attrs.fields(Change):
        setattr(change, field.name, field.default if field.default is not attrs.NOTHING else 7)
    change.__class__ = Change
    expected = Change(7)
    for field in attrs.fields(Change):
        assert getattr(change, field.name) == getattr(expected, field.name)
    assert type(change) is Change
