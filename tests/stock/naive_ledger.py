"""The naive twin of stores: a list of movements and counts as a file says them, gone through from end to end each time.

It knows nothing of fedsync: no import of it, only the words of the file. What lies in a store is what the last count
found and what moved later; what a count found beyond count and movements before it is unexplained.
"""

from collections.abc import Iterable
from typing import NamedTuple


class Told(NamedTuple):
    """One line: what came in or went out (`delta`), or what was found (`found`); `at` is when it happened."""

    place: str
    item: str
    at: int
    delta: int = 0
    found: int | None = None


class Ends(NamedTuple):
    """What lies there, what nobody can explain, and when it was counted last."""

    on_hand: int
    unexplained: int | None
    counted_at: int | None


def ledger(told: Iterable[Told]) -> dict[tuple[str, str], Ends]:
    """Return what lies where after all lines, whatever their order."""
    lines: dict[tuple[str, str], list[Told]] = {}
    for each in told:
        lines.setdefault((each.place, each.item), []).append(each)
    return {pool: _ends(each) for pool, each in lines.items()}


def _ends(told: list[Told]) -> Ends:
    lies, unexplained, counted_at = 0, None, None
    # A movement at the very instant of a count is a part of what was found.
    for each in sorted(told, key=lambda each: (each.at, each.found is not None)):
        if each.found is None:
            lies += each.delta
        else:
            lies, unexplained, counted_at = each.found, each.found - lies, each.at
    return Ends(lies, unexplained, counted_at)


def below_zero(told: Iterable[Told]) -> int:
    """Return after how many lines, in the order of the file, less than nothing lay in the store they are about."""
    lies: dict[tuple[str, str], int] = {}
    times = 0
    for each in told:
        pool = (each.place, each.item)
        lies[pool] = lies.get(pool, 0) + each.delta
        times += lies[pool] < 0
    return times
