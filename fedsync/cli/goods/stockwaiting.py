"""What of the stores waits for people: what cannot be, what contradicts itself, what goes bad. A row for each sort."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from fedsync.cli.goods.stockrows import DAY_MS, expiry_words, lot_of
from fedsync.crdt.goods.levels import StockLevel, levels
from fedsync.reading import Reading

Json = dict[str, Any]

EXPIRES_DAYS = 7
"""A lot that is good for no longer is told: who plans meals by the week can still use it."""
MAX_NAMED = 3
"""Pools that a line names; the command beside it lists them all."""


def stores(reading: Reading, now: int) -> Iterator[Json]:
    """Yield what waits for people of our own stores."""
    found = levels(reading.view, reading.own().scope)
    below = [each for each in found if each.below_zero]
    rivals = [each for each in found if each.contested]
    until = now + EXPIRES_DAYS * DAY_MS
    bad = [each for each in found if each.expires is not None and each.expires <= until and each.on_hand > 0]
    bad.sort(key=lambda each: each.expires or 0)
    if below:
        yield _row("below_zero", below, "less than nothing is recorded of", "fedsync stock list --below-zero")
    if rivals:
        yield _row(
            "contested_count",
            rivals,
            "counts of one moment differ for",
            f'fedsync stock show "{rivals[0].item}"',
        )
    if bad:
        yield _row(
            "expiring",
            bad,
            "goes bad:",
            f"fedsync stock list --expiring {EXPIRES_DAYS}",
            lambda each: f", {expiry_words(each.expires or 0, now)}",
        )


def _row(
    kind: str,
    found: Sequence[StockLevel],
    words: str,
    step: str,
    more: Callable[[StockLevel], str] = lambda _: "",
) -> Json:
    named = [f"{each.item}{lot_of(each)} in {each.store}{more(each)}" for each in found[:MAX_NAMED]]
    rest = [f"and {len(found) - MAX_NAMED} more"] if len(found) > MAX_NAMED else []
    return {
        "kind": kind,
        "pools": len(found),
        "line": f"{words} {'; '.join([*named, *rest])}",
        "next": step,
    }
