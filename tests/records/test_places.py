"""Mandatory places beside a naive twin, in any grouping; and that nothing beyond an unsigned one is accepted."""

from hypothesis import given
from hypothesis import strategies as st

from fedsync.records.block import Base, check
from fedsync.records.codec import MAX_RECORD_BYTES
from fedsync.records.ed25519 import PrivateKey, sign
from fedsync.records.ids import signed_bytes
from fedsync.records.places import MAX_RUN_BYTES, MAX_RUN_RECORDS, START, Place, walk
from fedsync.records.seal import Draft, seal
from fedsync.records.wire import Row, write
from tests.records.blocks import ALICE, FACTS, MALLORY, refusal, tip

SIZES = st.lists(
    st.one_of(st.integers(150, 400), st.integers(150, MAX_RECORD_BYTES), st.just(MAX_RUN_BYTES // 3)),
    max_size=300,
)


def places(sizes: list[int]) -> list[int]:
    """Return the places of a whole chain, as the definition says it."""
    found = []
    start = 0
    while start < len(sizes):
        run = 1
        while (
            run < MAX_RUN_RECORDS
            and start + run < len(sizes)
            and sum(sizes[start : start + run + 1]) <= MAX_RUN_BYTES
        ):
            run += 1
        if run < MAX_RUN_RECORDS and start + run == len(sizes):
            break  # the next record may still fit
        found.append(start + run - 1)
        start += run
    return found


@given(SIZES)
def test_places_are_those_of_the_definition(sizes: list[int]) -> None:
    assert walk(START, sizes)[0] == places(sizes)


@given(SIZES, st.lists(st.integers(0, 300)))
def test_places_do_not_depend_on_how_the_chain_came(sizes: list[int], cuts: list[int]) -> None:
    found = []
    place, at = START, 0
    for cut in [*sorted(cuts), len(sizes)]:
        if at < cut <= len(sizes):
            some, place = walk(place, sizes[at:cut])
            found += [at + each for each in some]
            at = cut
    assert found == places(sizes)
    assert place == walk(START, sizes)[1]


def test_the_128th_record_is_a_place_and_the_genesis_is_the_first() -> None:
    assert walk(START, [200] * 128) == ([127], Place())
    assert walk(START, [200] * 127) == ([], Place(127, 127 * 200))
    assert walk(Place(127, 127 * 200), [200]) == ([0], Place())


def test_a_run_may_fill_48_kib_to_the_byte() -> None:
    full = [MAX_RUN_BYTES - 1000, 1000]
    assert walk(START, full) == ([], Place(2, MAX_RUN_BYTES))
    assert walk(START, [*full, 150]) == ([1], Place(1, 150))
    assert walk(START, [*full[:1], 1001]) == ([0], Place(1, 1001))


def test_that_the_record_before_is_a_place_is_told_by_what_follows_it() -> None:
    assert walk(Place(2, MAX_RUN_BYTES), [150]) == ([-1], Place(1, 150))


GENESIS = seal(ALICE, FACTS, None, [])[0]
BASE = tip(GENESIS)


def chain(rows: list[Row], signed: dict[int, PrivateKey], base: Base) -> bytes:
    """Return a block of `rows` after `base`, with a signature by each of these keys at its position."""
    whole = seal(ALICE, FACTS, base, [])  # nothing to add
    assert whole == []
    drafts = [Draft(row.kind, {"pad": b"x" * (len(row.payload) - 10)}, row.time) for row in rows]
    ids = [each for block in seal(ALICE, FACTS, base, drafts) for each in block.ids]
    payloads = [each for block in seal(ALICE, FACTS, base, drafts) for each in block.payloads]
    same = [
        Row(row.version, row.kind, row.time, row.refs, each) for row, each in zip(rows, payloads, strict=True)
    ]
    signatures = [(at, sign(key, signed_bytes(ids[at]))) for at, key in sorted(signed.items())]
    return write(FACTS.log, base.seq + 1, base.id, same, signatures)


@given(
    st.lists(st.sampled_from([100, 3_000, 9_000]), min_size=1, max_size=5),
    st.sampled_from([0, 20_000, 30_000]),
    st.booleans(),
    st.data(),
)
def test_the_accepted_part_is_the_longest_that_the_rule_allows(
    lengths: list[int], before: int, covered: bool, data: st.DataObject
) -> None:
    first = seal(ALICE, FACTS, BASE, [Draft("pad", {"pad": b"x" * before}, 0)])[0]
    stands = tip(first, BASE)
    base = Base(stands.genesis, stands.seq, stands.id, stands.place, signed=covered)
    rows = [Row(1, "pad", 0, (), bytes(each)) for each in lengths]
    signed = data.draw(
        st.dictionaries(st.integers(0, len(rows) - 1), st.sampled_from([ALICE, ALICE, MALLORY]), min_size=1)
    )
    raw = chain(rows, signed, base)

    sizes = [*GENESIS.sizes, *first.sizes]
    whole = chain(rows, {len(rows) - 1: ALICE}, Base(stands.genesis, stands.seq, stands.id, START))
    sizes += check(whole, Base(stands.genesis, stands.seq, stands.id, START)).sizes
    needed = {each - 2 for each in places(sizes)}
    good = {at for at, key in signed.items() if key is ALICE} | ({-1} if covered else set())
    ends = [at + 1 for at in good if at >= 0 and all(each in good for each in needed if each < at)]
    expected = max(ends, default=0)
    if expected:
        assert check(raw, base).count == expected
    else:
        assert refusal(raw, base) in ("place", "signature")
