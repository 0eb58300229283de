"""What is missing here, as far as files tell: log by log, and record by record. Only reads."""

from collections.abc import Iterable
from typing import NamedTuple

from fedsync.bundling.seen import hash_of, is_met
from fedsync.records.ids import Key, LogId
from fedsync.store.carried import Claim
from fedsync.store.holdings import StoreHoldings
from fedsync.store.store import Store


class Gap(NamedTuple):
    """Records of one log that somebody holds and we do not."""

    log: LogId
    places: tuple[tuple[int, int], ...]
    """First and last of each stretch. None, when what is missing is proof that the log is forked, or another branch."""
    makers: tuple[Key, ...]
    """Who told of it; nobody, when only what follows it has come."""
    code: str
    """Why it was refused, "" when it has not come."""


def lacking(store: Store) -> list[Gap]:
    """Return what is missing, by log."""
    holdings = StoreHoldings(store, hash_of)
    claims: dict[LogId, list[Claim]] = {}
    removed = {each.key for each in store.removed.all()}
    for claim in store.carried.claims():
        if claim.maker not in removed and not is_met(holdings, claim):
            claims.setdefault(claim.log, []).append(claim)
    waiting = store.ahead.spans()
    return [
        _gap(store, log, claims.get(log, []), waiting.get(log, [])) for log in sorted({*claims, *waiting})
    ]


class Missed(NamedTuple):
    """Bundles of a maker that must have been, and of which nothing tells what was in them. A request brings it all the same."""

    maker: Key
    made: int
    """When the bundle was made that leaves out what they held."""


def missed(store: Store) -> list[Missed]:
    """Return of which makers bundles are missing that nothing else tells of: the first that builds on such, of each."""
    found: dict[Key, Missed] = {}
    for each in sorted(store.carried.came(), key=lambda each: each.counter):
        known = store.carried.get(each.maker)
        if each.done or each.everything or each.journal != known.seen_journal:
            continue
        if any(since > seen for since, seen in zip(each.since, known.seen, strict=True)):
            found.setdefault(each.maker, Missed(each.maker, each.made))
    return sorted(found.values())


def _gap(store: Store, log: LogId, claims: list[Claim], waiting: list[tuple[int, int]]) -> Gap:
    tip = store.logs.tip(log)
    have = tip.seq if tip is not None else -1
    until = max([each.seq for each in claims] + [first - 1 for first, _ in waiting])
    makers = tuple(sorted({each.maker for each in claims}))
    codes = sorted({each.code for each in claims if each.code})
    return Gap(log, tuple(_without(have + 1, until, waiting)), makers, codes[0] if codes else "")


def _without(first: int, last: int, waiting: Iterable[tuple[int, int]]) -> Iterable[tuple[int, int]]:
    """Yield the places from `first` to `last` that no block stands at which waits."""
    for low, high in sorted(waiting):
        if first <= min(low - 1, last):
            yield first, min(low - 1, last)
        first = max(first, high + 1)
    if first <= last:
        yield first, last
