"""All small worlds with one liar, in all orders: see `small_worlds` for what that means, and what is looked at once.

Larger ones: `scripts/worlds-soak --small`.
"""

import pytest

from tests.authority.small_worlds import QUICK, Cast, explore, slot

WORLDS = {
    "recalls": (320, 1604),
    "words": (288, 2624),
    "cuts": (96, 364),
    "two_words": (512, 4102),
    "locks": (288, 1312),
    "splits": (768, 4608),
    "epochs": (512, 2048),
    "consents": (1296, 8875),
    "2 of 3, two acts deep, 3 records": (2369, 6893),
    "2 of 3, one act deep, 4 records": (2636, 23080),
}
"""Worlds and steps between them; the steps count how many states one world can be in, so they follow the tables."""


@pytest.mark.parametrize("name", QUICK)
def test_in_all_orders_of_all_small_worlds_the_fold_is_the_twin_and_no_promise_is_broken(name: str) -> None:
    seen = explore(QUICK[name]())
    print(f"{name}: {seen.worlds} worlds, {seen.steps} steps, {seen.states} states")
    assert seen.wrong == []
    if name in WORLDS:
        assert seen.worlds == WORLDS[name][0]
    assert seen.steps >= seen.worlds - 1


def test_a_cast_is_played_to_its_end() -> None:
    cast = slot(2, 2, 1, 99, rounds=1)
    # A teller may be silent, or say one of four things; the liar any set of them. Rivals look alike.
    assert len(cast.said) == 8
    seen = explore(cast)
    assert seen.wrong == []
    assert seen.worlds == _up_to_renaming(cast, (2**4) * 5)


def _up_to_renaming(cast: Cast, worlds: int) -> int:
    """Return how many of so many worlds are left when rivals are looked at once: Burnside, for one exchange of two."""
    assert len(cast.renamings) == 2
    fixed = (
        2**2
    ) * 1  # the liar says of one page what it says of the other; the honest teller can't but be silent
    return (worlds + fixed) // 2
