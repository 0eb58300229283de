"""Local units: the most particular one is meant, rivals are asked about, and what is reckoned is exact."""

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.errors import Exit, Problem
from fedsync.localunits import Factors, amount_words, called, choose, most_particular, named_by, reckon
from fedsync.records.ids import PayloadId
from fedsync.records.kinds.units import UnitFactor
from fedsync.units import parse_quantity, rounded, show_stated

MILLET, WHEAT = PayloadId(b"m" * 32), PayloadId(b"w" * 32)


def factor(
    grams: int, item: PayloadId | None = None, place: str | None = None, name: str = "bowl"
) -> UnitFactor:
    return UnitFactor(name, grams, 1, "g", item, place)


def held(*factors: UnitFactor) -> Factors:
    return {PayloadId(bytes([number]) * 32): each for number, each in enumerate(factors, 1)}


ALL = held(factor(1), factor(2, place="Bamako"), factor(3, MILLET), factor(4, MILLET, "Bamako"))


@pytest.mark.parametrize(
    ("item", "place", "grams"),
    [
        (MILLET, "Bamako", 4), (MILLET, " bamako ", 4), (MILLET, "Tamale", 3), (MILLET, None, 3),
        (WHEAT, "Bamako", 2), (WHEAT, "Tamale", 1), (WHEAT, None, 1),
    ],
)  # fmt: skip
def test_the_most_particular_unit_is_meant(item: PayloadId, place: str | None, grams: int) -> None:
    _, found = choose(most_particular(ALL, [item], place), "bowl", "it")
    assert found.numerator == grams


places = st.sampled_from([None, "Bamako", "bamako", "Tamale"])
items = st.sampled_from([None, MILLET, WHEAT])


@given(
    st.lists(st.builds(factor, st.integers(1, 5), items, places), max_size=8),
    st.sampled_from([MILLET, WHEAT]),
    places,
)
def test_no_unit_that_holds_is_more_particular_than_those_that_are_meant(
    factors: list[UnitFactor], item: PayloadId, place: str | None
) -> None:
    said = held(*factors)
    here = (place or "").casefold()
    holds = [
        (2 * (each.item is not None) + (each.place is not None), id_)
        for id_, each in said.items()
        if each.item in (None, item) and (each.place is None or each.place.casefold() == here)
    ]
    best = max(holds, default=(0, b""))[0]
    assert most_particular(said, [item], place).keys() == {id_ for rank, id_ in holds if rank == best}


def test_two_that_differ_and_are_equally_particular_are_never_guessed_between() -> None:
    rivals = held(factor(1), factor(4_300, MILLET, "Kumasi"), factor(8_750, MILLET, "kumasi"))
    with pytest.raises(Problem) as asked:
        choose(most_particular(rivals, [MILLET], "Kumasi"), "bowl", "Millet")
    assert asked.value.exit_code is Exit.NOT_FOUND
    assert all(word in asked.value.message for word in ("4.3 kg (02020202)", "8.75 kg (03030303)"))
    assert "--factor 02020202" in asked.value.hint
    assert named_by(rivals, "0303")[1].numerator == 8_750
    with pytest.raises(Problem):
        named_by(rivals, "ffff")


def test_the_same_amount_said_twice_is_no_quarrel() -> None:
    same = held(UnitFactor("bowl", 35, 4, "g"), UnitFactor("Bowl", 70, 8, "g"))
    assert choose(same, "bowl", "Millet")[1].ratio == Fraction(35, 4)
    with pytest.raises(Problem):
        choose({**same, PayloadId(b"x" * 32): UnitFactor("bowl", 35, 4, "mL")}, "bowl", "Millet")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("bowl", "Bowls"), ("Box", "boxes"), ("100 kg sack", "100  kg SACKS"), ("bowls", "bowl"), ("Glass", "glass"),
        ("Cage (s)", "cage (s)"),
    ],
)  # fmt: skip
def test_a_unit_may_be_typed_in_the_plural_and_in_any_letters(name: str, typed: str) -> None:
    assert called(held(factor(1, name=name)), typed)
    assert not called(held(factor(1, name=name)), "keg")


def test_who_is_called_exactly_so_goes_before_who_differs_by_an_s() -> None:
    assert [
        each.name for each in called(held(factor(1, name="tins"), factor(2, name="tin")), "Tins").values()
    ] == ["tins"]


def test_what_is_reckoned_is_exact_and_says_how_it_was_stated() -> None:
    found = reckon("2.5", "bowls", PayloadId(b"x" * 32), UnitFactor("bowl", 1_000, 3, "g"))
    assert found.amount == Fraction(2_500, 3)
    assert found.stated is not None
    assert (found.stated.quantity, found.stated.unit, found.stated.factor) == ("2.5", "bowls", b"x" * 32)
    assert show_stated("3", "bowls", 26_250, "g") == "3 bowls (26.25 kg)"
    with pytest.raises(Problem):
        reckon("a few", "bowls", PayloadId(b"x" * 32), factor(1))


@pytest.mark.parametrize(
    ("found", "words"),
    [(factor(8_750), "8.75 kg"), (UnitFactor("bowl", 1_000, 3, "g"), "1,000/3 g"), (UnitFactor("bowl", 8, 4, "mL"), "2 mL"),
     (UnitFactor("truck", 20, 1, "{animal}"), "20 animals")],
)  # fmt: skip
def test_an_amount_is_said_exactly(found: UnitFactor, words: str) -> None:
    assert amount_words(found) == words


# --- Rounding ---------------------------------------------------------------------------------------------

amounts = st.fractions(min_value=0, max_value=10**9, max_denominator=10**6)


@given(st.lists(amounts, max_size=40))
def test_the_sum_of_the_lines_is_the_rounding_of_the_sum(lines: list[Fraction]) -> None:
    assert sum(rounded(lines)) == round(sum(lines, Fraction()))


@given(st.lists(amounts, max_size=40))
def test_no_line_is_off_by_one_or_below_zero(lines: list[Fraction]) -> None:
    for exact, line in zip(lines, rounded(lines), strict=True):
        assert line >= 0
        assert abs(line - exact) <= 1


@given(st.lists(st.integers(0, 10**9).map(Fraction), max_size=40))
def test_what_is_whole_stays_as_it_is(lines: list[Fraction]) -> None:
    assert rounded(lines) == lines


@given(st.lists(amounts, max_size=20), st.lists(amounts, max_size=20))
def test_what_was_rounded_does_not_change_when_lines_are_added(
    lines: list[Fraction], more: list[Fraction]
) -> None:
    assert rounded(lines + more)[: len(lines)] == rounded(lines)


@given(amounts)
def test_one_amount_is_rounded_to_the_nearest_and_of_two_to_the_even_one(amount: Fraction) -> None:
    (found,) = rounded([amount])
    assert abs(found - amount) <= Fraction(1, 2)
    if abs(found - amount) == Fraction(1, 2):
        assert found % 2 == 0


def test_a_third_three_times_is_one() -> None:
    assert rounded([Fraction(1, 3)] * 3) == [0, 1, 0]
    assert rounded([Fraction(5, 2), Fraction(1, 2)]) == [2, 1]


@pytest.mark.parametrize(
    ("number", "unit", "grams"),
    [("1", "lb", 454), ("100", "[lb_av]", 45_359), ("16", "oz", 454), ("2", "lbs", 907)],
)
def test_pounds_come_to_the_nearest_gram(number: str, unit: str, grams: int) -> None:
    assert parse_quantity(number, unit) == (grams, "g")


def test_what_would_become_nothing_is_refused() -> None:
    with pytest.raises(Problem):
        parse_quantity("0.01", "oz")
    assert parse_quantity("0", "oz") == (0, "g")
