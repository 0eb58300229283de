"""Local units as records: what is exact is read, and everything else is void."""

from typing import Any

import pytest

from fedsync.records.ids import PayloadId
from fedsync.records.kinds.units import MAX_RATIO, UnitFactor, factor_value, parse_factor
from fedsync.records.void import Void

BOWL: dict[str, Any] = {"name": "bowl", "numerator": 35, "denominator": 4, "unit": "g"}
WHEAT = bytes(range(32))


def test_a_factor_is_read_as_it_was_written() -> None:
    for more in (
        {},
        {"place": "Bamako"},
        {"resource_conforms_to": WHEAT},
        {"place": "B", "resource_conforms_to": WHEAT},
    ):
        said = BOWL | more
        assert factor_value(parse_factor(said)) == said
    assert parse_factor(BOWL) == UnitFactor("bowl", 35, 4, "g")
    assert parse_factor(BOWL | {"resource_conforms_to": WHEAT}).item == PayloadId(WHEAT)


@pytest.mark.parametrize(
    "more",
    [
        {"name": ""}, {"name": "a\nb"}, {"name": "x" * 201}, {"name": 3}, {"unit": ""}, {"unit": "x" * 51}, {"unit": None},
        {"numerator": 0}, {"numerator": -1}, {"numerator": True}, {"numerator": MAX_RATIO + 1}, {"numerator": "1"},
        {"denominator": 0}, {"denominator": -4}, {"denominator": MAX_RATIO + 1},
        {"place": ""}, {"place": "a\nb"}, {"place": None}, {"place": "x" * 201},
        {"resource_conforms_to": b""}, {"resource_conforms_to": "wheat"}, {"resource_conforms_to": WHEAT[:31]},
        {"note": "not known"},
    ],
)  # fmt: skip
def test_what_is_not_exactly_a_factor_is_void(more: dict[str, Any]) -> None:
    with pytest.raises(Void):
        parse_factor(BOWL | more)


@pytest.mark.parametrize("missing", sorted(BOWL))
def test_a_factor_that_lacks_something_is_void(missing: str) -> None:
    with pytest.raises(Void):
        parse_factor({key: value for key, value in BOWL.items() if key != missing})
    with pytest.raises(Void):
        parse_factor([BOWL])
