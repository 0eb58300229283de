"""Columns that say something else than what was signed: each is refused, whoever carved them.

A block's author signs headers, and whoever relays it chooses the columns. So the values that folds read must
be those that were hashed, for every form that the columns can take.
"""

from collections.abc import Callable
from typing import Any

import pytest

from fedsync.records.block import BadBlock, check, merge
from fedsync.records.codec import NotCanonical, pack
from fedsync.records.seal import Draft, seal
from tests.records.blocks import ALICE, FACTS, carve, event, inner, refusal, tip

GENESIS = seal(ALICE, FACTS, None, [])[0]
BASE = tip(GENESIS)
FEW = seal(ALICE, FACTS, BASE, [event(each) for each in (5, 7, 5, 7, 5, 7)])[0]
QUANTITY = ["action", "has_point_in_time", "quantity", "store"].index("quantity")


def quantities(put: Callable[[list[Any]], list[Any]]) -> Callable[[list[Any]], None]:
    """Return a change that puts another column in the place of the quantities."""

    def change(body: list[Any]) -> None:
        columns = body[4][0][2]
        columns[QUANTITY] = put(columns[QUANTITY])

    return change


def test_the_knife_leaves_a_good_block_good() -> None:
    assert inner(FEW.raw)[4][0][2][QUANTITY] == [2, [5, 7], b"\0\1\0\1\0\1"]
    assert check(carve(FEW.raw, lambda body: None), BASE).ids == FEW.ids


def test_a_map_in_the_place_of_a_list_cannot_show_other_values_than_were_signed() -> None:
    # Walked it gives 5 and 7, which are hashed; asked for its members 0 and 1 it gives what a fold would count.
    forged = carve(FEW.raw, quantities(lambda column: [2, {5: 0, 7: 0, 0: 999, 1: 888}, column[2]]))
    assert refusal(forged, BASE) == "malformed"


@pytest.mark.parametrize("put", [{2: 0}, {0: 2, 1: [5, 7], 2: b"\0\1\0\1\0\1"}, b"\2", "2", None, 2, []])
def test_a_column_is_a_list(put: Any) -> None:
    assert refusal(carve(FEW.raw, quantities(lambda column: put)), BASE) == "malformed"


def test_rows_out_of_order_cannot_give_one_record_the_values_of_another() -> None:
    def change(body: list[Any]) -> None:
        body[4][0][1] = bytes(reversed(range(6)))

    assert refusal(carve(FEW.raw, change), BASE) == "malformed"


def test_a_row_stands_in_one_shape_only() -> None:
    def twice(body: list[Any]) -> None:
        keys, _, columns = body[4][0]
        body[4] = [[keys, bytes(range(6)), columns], [keys, b"\0", [[1, 0]] * 4]]

    def missing(body: list[Any]) -> None:
        keys, _, columns = body[4][0]
        columns[QUANTITY] = [2, [5, 7], b"\0\1\0\1\0"]
        body[4] = [[keys, bytes(range(5)), columns]]

    assert refusal(carve(FEW.raw, twice), BASE) == "malformed"
    assert refusal(carve(FEW.raw, missing), BASE) == "malformed"


@pytest.mark.parametrize(
    "column",
    [
        [2, [5, 8], b"\0\1\0\1\0\1"],
        [2, [5, 7], b"\1\0\1\0\1\0"],
        [1, 5],
        [0, [5, 7, 5, 7, 5, 8]],
        [0, ["5", 7, 5, 7, 5, 7]],
        [3, [5, 2, -2, 2, -2, 3]],
        [0, [5, 7, 5, 7, 5, None]],
        [0, [5, 7, 5, 7, 5, [7]]],
    ],
)
def test_another_value_is_another_record_and_not_signed(column: list[Any]) -> None:
    assert refusal(carve(FEW.raw, quantities(lambda _: column)), BASE) == "signature"


@pytest.mark.parametrize(
    "column", [[0, [5, 7, 5, 7, 5, 7]], [3, [5, 2, -2, 2, -2, 2]], [2, [7, 5], b"\1\0\1\0\1\0"]]
)
def test_another_form_of_the_same_values_is_the_same_records(column: list[Any]) -> None:
    block = check(carve(FEW.raw, quantities(lambda _: column)), BASE)
    assert block.ids == FEW.ids
    assert block.columns() == FEW.columns()


@pytest.mark.parametrize(
    "column",
    [
        [0, [5.0, 7, 5, 7, 5, 7]],
        [0, [2**64 - 1, 7, 5, 7, 5, 7]],
        [3, [2**63 - 1, 1, 0, 0, 0, 0]],
        [0, ["\t", 7, 5, 7, 5, 7]],
        [0, [{1: 2}, 7, 5, 7, 5, 7]],
        [0, [{"b": 1, "a": 2}, 7, 5, 7, 5, 7]],
        [0, [[[[[[[[[5]]]]]]]], 7, 5, 7, 5, 7]],
        [2, [5, 7], b"\0\1\0\1\0\2"],
        [2, [5], b"\0\0\0\0\0\0"],
        [2, [5, 7], [0, 1, 0, 1, 0, 1]],
        [3, [5, True, 1, 1, 1, 1]],
        [4, [5, 7, 5, 7, 5, 7]],
        [True, 5],
        [1],
    ],
)
def test_what_no_payload_may_hold_no_column_may_hold(column: list[Any]) -> None:
    assert refusal(carve(FEW.raw, quantities(lambda _: column)), BASE) == "malformed"


def test_one_and_true_are_two_values_in_every_form() -> None:
    values = (1, True, 0, False, 1, True, 1, True)
    mixed = [Draft("odd", {"x": each}, 0) for each in values]
    block = check(seal(ALICE, FACTS, BASE, mixed)[0].raw, BASE)
    (columns,) = block.columns()
    assert list(map(type, columns.cols["x"])) == list(map(type, values))
    assert [record.payload for record in block.records()] == [pack({"x": each}) for each in values]

    def flatten(body: list[Any]) -> None:
        body[4][0][2] = [[1, 1]]

    assert refusal(carve(block.raw, flatten), BASE) == "signature"


def test_times_further_apart_than_64_bits_cannot_be_claimed() -> None:
    # Two blocks of one record each would be good, and whoever joins them for a peer could not write the difference.
    for time in (2**63 - 1, -(2**63), 2**53, -(2**53)):
        with pytest.raises(NotCanonical):
            seal(ALICE, FACTS, BASE, [Draft("odd", {}, time)])

    def late(body: list[Any]) -> None:
        body[2] = [2**53]

    assert refusal(carve(FEW.raw, late), BASE) == "malformed"
    early = seal(ALICE, FACTS, BASE, [Draft("odd", {}, 1 - 2**53)])[0]
    late_one = seal(ALICE, FACTS, tip(early, BASE), [Draft("odd", {}, 2**53 - 1)])[0]
    assert merge([early, late_one]).times == [1 - 2**53, 2**53 - 1]


def test_few_bytes_cannot_stand_for_more_than_a_block_may_hold() -> None:
    # Three records of 20 kB with two texts: small as columns, more than a block when written plainly.
    one, other = "a" * 20_000, "b" * 20_000
    rows = [Draft("odd", {"x": each}, 0) for each in (one, other, one)]
    blocks = seal(ALICE, FACTS, BASE, rows)
    assert [block.count for block in blocks] == [2, 1]

    def more(body: list[Any]) -> None:
        body[4] = [[["x"], None, [[2, [one, other], b"\0\1\0"]]]]

    three = seal(ALICE, FACTS, BASE, [Draft("odd", {"x": each}, 0) for each in "aba"])[0]
    assert refusal(carve(three.raw, more), BASE) == "oversize"


def test_a_genesis_stands_at_the_beginning_only() -> None:
    with pytest.raises(BadBlock, match="genesis"):
        seal(ALICE, FACTS, BASE, [Draft("genesis", {}, 0)])
