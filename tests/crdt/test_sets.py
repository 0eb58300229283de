"""Sets that merge: the laws, and that adding wins."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.laws.sets import AddWinsSet, GrowSet
from fedsync.records.ids import RecordId

names = st.sampled_from(["Ann", "Ben", "Cem"])
tags = st.integers(0, 7).map(lambda number: RecordId(bytes([number]) * 32))
grow_sets = st.frozensets(names).map(GrowSet)
add_wins_sets = st.builds(
    AddWinsSet, st.frozensets(st.tuples(names, tags)), st.frozensets(st.tuples(names, tags))
)


@given(grow_sets, grow_sets, grow_sets)
def test_merging_sets_that_grow_commutes_associates_and_repeats_without_effect(
    one: GrowSet[str], two: GrowSet[str], three: GrowSet[str]
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one


@given(grow_sets, grow_sets)
def test_what_was_once_added_stays(one: GrowSet[str], two: GrowSet[str]) -> None:
    both = one | two
    assert set(both) == set(one) | set(two)
    assert len(both.add("Dia")) == len(both) + 1
    assert "Dia" in both.add("Dia")


@given(add_wins_sets, add_wins_sets, add_wins_sets)
def test_merging_add_wins_sets_commutes_associates_and_repeats_without_effect(
    one: AddWinsSet[str], two: AddWinsSet[str], three: AddWinsSet[str]
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one


@given(add_wins_sets, names, tags)
def test_a_removal_takes_away_what_it_has_seen(start: AddWinsSet[str], name: str, tag: RecordId) -> None:
    there = start.add(name, tag)
    gone = there.remove(name, there.additions(name))
    assert name not in gone
    assert set(gone) == set(there) - {name}
    assert name not in (gone | there)


@given(add_wins_sets, names)
def test_who_is_added_while_another_removes_stays(start: AddWinsSet[str], name: str) -> None:
    removed = start.remove(name, start.additions(name))
    added = start.add(name, RecordId(b"new" + bytes(29)))
    assert name in (removed | added)
    assert name in (added | removed)


@given(names, tags)
def test_a_removal_that_arrives_before_its_addition_still_takes_it_away(name: str, tag: RecordId) -> None:
    empty: AddWinsSet[str] = AddWinsSet()
    assert name not in empty.remove(name, [tag]).add(name, tag)
