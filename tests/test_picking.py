"""What a person means by the beginning of an id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.errors import Exit, Problem
from fedsync.picking import MAX_CANDIDATES, begins, the_one

ids = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(ids, st.integers(4, 64))
def test_four_digits_or_more_of_an_id_are_its_beginning(id_: str, length: int) -> None:
    assert begins(id_[:length], id_)
    assert begins(id_[:length].upper(), id_)


@given(ids, st.text(max_size=70))
def test_nothing_else_is(id_: str, asked: str) -> None:
    assert begins(asked, id_) == (len(asked) >= 4 and id_.startswith(asked.lower()))


def test_the_one_is_returned() -> None:
    assert the_one("page", "abcd", iter(["abcdef"]), str) == "abcdef"


def test_none_says_where_to_look() -> None:
    with pytest.raises(Problem) as refused:
        the_one("page", "abcd", [], str, "fedsync book list")
    assert (refused.value.code, refused.value.exit_code) == ("not_found", Exit.NOT_FOUND)
    assert refused.value.hint == "See: fedsync book list"
    with pytest.raises(Problem, match="There is no page abc") as refused:
        the_one("page", "abc", [], str)
    assert "4 digits" in refused.value.hint


@pytest.mark.parametrize(("asked", "hint"), [("abcd", "Type more of it."), ("Oats", "Type the id of one")])
def test_more_of_a_name_that_several_have_is_not_asked_for(asked: str, hint: str) -> None:
    with pytest.raises(Problem) as refused:
        the_one("motion", asked, ["abcd0 (Oats)", "abcd1 (Oats)"], str)
    assert refused.value.hint.startswith(hint)


@given(st.integers(2, 40))
def test_several_are_listed_as_far_as_there_is_room(count: int) -> None:
    with pytest.raises(Problem) as refused:
        the_one("page", "abcd", [f"abcd{number:03}" for number in range(count)], str)
    assert (refused.value.code, refused.value.exit_code) == ("ambiguous", Exit.NOT_FOUND)
    assert refused.value.message.count("abcd") - 1 == min(count, MAX_CANDIDATES)
    assert ("more" in refused.value.message) == (count > MAX_CANDIDATES)
