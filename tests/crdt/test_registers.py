"""Registers keep rivals visible: the laws, and who replaces whom."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.laws.registers import Register, Write
from fedsync.records.ids import LogId, RecordId

A, B = LogId(b"a" * 32), LogId(b"b" * 32)


def rid(number: int) -> RecordId:
    return RecordId(bytes([number]) * 32)


ids = st.integers(0, 5).map(rid)


def a_write(number: int) -> Write[int]:
    """Return the one record of this number: the same each time, as records are."""
    replaces = frozenset(rid(each) for each in range(6) if number % (each + 2) == 1 and each < number)
    return Write(rid(number), (A, B, LogId(b"c" * 32))[number % 3], number // 3, number, replaces)


registers = st.frozensets(st.integers(0, 30).map(a_write)).map(Register)


@given(registers, registers, registers)
def test_merging_registers_commutes_associates_and_repeats_without_effect(
    one: Register[int], two: Register[int], three: Register[int]
) -> None:
    assert one | two == two | one
    assert (one | two) | three == one | (two | three)
    assert one | one == one


@given(st.lists(st.integers(0, 30).map(a_write)), st.randoms())
def test_the_rivals_are_the_same_in_any_order_of_writing(writes: list[Write[int]], random: object) -> None:
    shuffled = list(writes)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    ordered: Register[int] = Register()
    for each in shuffled:
        ordered = ordered | Register.of([each])
    assert ordered.rivals() == Register.of(writes).rivals()


@given(registers)
def test_a_write_stands_unless_another_that_is_there_replaces_it(register: Register[int]) -> None:
    standing = set(register.rivals())
    for each in register.writes:
        replaced = any(
            each.id in other.replaces or (other.log == each.log and other.seq > each.seq)
            for other in register.writes
        )
        assert (each in standing) != replaced


def test_concurrent_writes_stay_visible_until_one_names_both() -> None:
    both = Register.of([Write(rid(1), A, 0, "mill"), Write(rid(2), B, 0, "oven")])
    assert both.contested
    assert [each.value for each in both.rivals()] == ["mill", "oven"]

    settled = both | Register.of([Write(rid(0), A, 1, "mill", frozenset({rid(2)}))])
    assert not settled.contested
    assert settled.rivals() == (Write(rid(0), A, 1, "mill", frozenset({rid(2)})),)


def test_until_it_is_settled_the_largest_id_is_gone_by() -> None:
    empty: Register[str] = Register()
    assert empty.meanwhile() is None
    both = Register.of([Write(rid(9), A, 0, "mill"), Write(rid(2), B, 5, "oven")])
    found = both.meanwhile()
    assert found is not None
    assert found.value == "mill"
