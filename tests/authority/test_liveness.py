"""An honest, connected body reaches its next page: asked of many, none may stand still. See `liveness` for how."""

import pytest

from tests.authority.liveness import KINDS, Kind, measure

TRIALS = 25


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_an_honest_connected_body_reaches_its_next_page(kind: Kind) -> None:
    measured = measure(kind, TRIALS)
    print(measured)
    assert measured["stuck"] == 0


def test_what_stands_still_is_counted() -> None:
    # Two of three who lie are more than two of three can do without.
    broken = Kind("2 of 3 tellers, two lie", 3, 2, 3, 2, 2, nodes=False)
    stuck = measure(broken, 20)["stuck"]
    assert isinstance(stuck, int)
    assert stuck > 0
