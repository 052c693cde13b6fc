"""Names of calls sort by time and are never the same."""

import re

import pytest

from rtstate.proxy._names import Names, check_template


def test_names_are_unique_and_say_when() -> None:
    names = Names("call-{time}-{id}")
    made = [names.new("m") for _ in range(3000)]
    assert len(set(made)) == 3000
    assert all(re.fullmatch(r"call-\d{8}-\d{6}-[a-z0-9]{4}", name) for name in made)
    assert [name[:20] for name in made] == sorted(name[:20] for name in made)


def test_a_chance_that_comes_twice_is_not_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names("call")
    chances = iter(["aaaa", "aaaa", "bbbb"])
    monkeypatch.setattr("time.strftime", lambda *_: "20260101-000000")
    monkeypatch.setattr(names._random, "choices", lambda *_, **__: next(chances))
    assert [names.new("m"), names.new("m")] == ["call-aaaa", "call-bbbb"]


def test_a_template_of_ones_own() -> None:
    assert re.fullmatch(r"a/gpt-x/\w{12}", Names("a/{model}/{id}").new("gpt-x"))


@pytest.mark.parametrize("template", ["{when}", "a{", "}", "{}", "\n", "x" * 251, "{id:4}"])
def test_a_template_that_is_none(template: str) -> None:
    with pytest.raises(ValueError, match="a name is"):
        check_template(template)
