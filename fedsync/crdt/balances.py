"""Balances: what lies of one item in one store, kept up with each movement and count. Touches a draft only.

A movement after the last count is one addition, and so is a count later than all that is known. Only what upsets
the order of counts makes a balance anew, from `movement_run`, opening the blocks that a count falls into the middle
of. Either way a row follows from the movements and counts alone, not from how they came.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeAlias

from fedsync.crdt import facts
from fedsync.crdt.checkpoints import Checkpoints, Count, level
from fedsync.crdt.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.factchain import along
from fedsync.crdt.facts import Moves
from fedsync.crdt.realms import Realm
from fedsync.crdt.tables import (
    BALANCES,
    COUNTS,
    RUNS,
    Balance,
    Run,
    balance,
    balance_row,
    log_of,
    run,
    run_row,
)
from fedsync.crdt.view import Draft
from fedsync.records.ids import LogId, PayloadId

_EMPTY = Balance(0, None, None, None, None, 0, None, None, 0, 0, 0, None)

BalanceKey: TypeAlias = tuple[Realm, PayloadId, PayloadId]
"""Realm, store and item."""


def sum_up(last: int, moves: Moves) -> Run:
    """Return movements of a stretch of a log that ends at seq `last`, added up."""
    return Run(last, min(moves.times), max(moves.times), sum(moves.deltas), len(moves.times))


def bring_in(
    draft: Draft, key: BalanceKey, log: LogId, first: int, last: int, moves: Moves, counts: Sequence[Count]
) -> None:
    """Bring movements and counts of a log, from seq `first` to `last`, into their balance.

    The counts must be written down already. They are taken with the movements in the order in which all this
    happened, so that a log in which both alternate costs one addition each.
    """
    if moves.times:
        draft.put(RUNS, (*key, log, first), run_row(sum_up(last, moves)))
    row = draft.get(BALANCES, key)
    now: Balance | None = _EMPTY if row is None else balance(row)
    rest = moves
    for count in sorted(counts, key=lambda each: (each.at, each.seq)):
        assert now is not None
        early, rest = _parted(rest, count.at)
        now = _counted(_added(now, early), count)
        if now is None:
            recompute(draft, key)
            return
    assert now is not None
    draft.put(BALANCES, key, balance_row(_added(now, rest)))


def _parted(moves: Moves, at: int) -> tuple[Moves, Moves]:
    """Return what happened up to an instant, and what happened later."""
    early, late = Moves(), Moves()
    for when, delta in zip(moves.times, moves.deltas, strict=True):
        side = early if when <= at else late
        side.times.append(when)
        side.deltas.append(delta)
    return early, late


def _added(old: Balance, moves: Moves) -> Balance:
    """Return a balance after movements, each on its side of the last two counts."""
    if not moves.times:
        return old
    run_ = sum_up(0, moves)
    between, after = _split(old.counted_at, old.before_at, run_, lambda: [moves])
    return old._replace(
        on_hand=old.on_hand + after,
        unexplained=None if old.unexplained is None else old.unexplained - between,
        between=old.between + between,
        after=old.after + after,
        events=old.events + run_.events,
        latest=run_.latest if old.latest is None else max(old.latest, run_.latest),
    )


def _counted(old: Balance, count: Count) -> Balance | None:
    """Return a balance after a count; None when only all movements and counts together can tell."""
    if old.before_at is not None and count.at < old.before_at:
        return old
    newest = old.counted_at is None or count.at > old.counted_at
    if not newest or (old.latest is not None and old.latest > count.at):
        return None
    # The common case: it is later than everything known, so it begins a new stretch.
    between = old.after
    return old._replace(
        on_hand=count.quantity,
        unexplained=count.quantity - (old.counted or 0) - between,
        counted_at=count.at,
        counted=count.quantity,
        count_id=count.id,
        contested=0,
        before_at=old.counted_at,
        before=old.counted,
        between=between,
        after=0,
    )


def _split(
    counted_at: int | None, before_at: int | None, added: Run, moves: Callable[[], Iterable[Moves]]
) -> tuple[int, int]:
    """Return what moved between the last two counts, and after the last. Movements at its instant are before it."""
    if counted_at is None or added.earliest > counted_at:
        return 0, added.sum
    if added.latest <= counted_at and (before_at is None or added.earliest > before_at):
        return added.sum, 0
    if before_at is not None and added.latest <= before_at:
        return 0, 0
    between = after = 0
    for each in moves():
        for at, delta in zip(each.times, each.deltas, strict=True):
            if at > counted_at:
                after += delta
            elif before_at is None or at > before_at:
                between += delta
    return between, after


def recompute(draft: Draft, key: BalanceKey) -> None:
    """Make a balance anew from its counts and runs; drop it when there are none."""
    last, before = Checkpoints.of(_counts(draft, key)).last_two()
    counted_at, before_at = last.at if last else None, before.at if before else None
    between = after = events = 0
    latest: int | None = None
    for run_key, row in list(draft.scan(RUNS, key)):
        log, first, found = log_of(run_key, 3), run_key[4], run(row)
        assert isinstance(first, int)
        now = _split(counted_at, before_at, found, partial(_moves, draft, key, log, first, found.last))
        between, after = between + now[0], after + now[1]
        events += found.events
        latest = found.latest if latest is None else max(latest, found.latest)
    if last is None and not events:
        draft.drop(BALANCES, key)
        return
    found_level = level(last, before, between, after)
    count = last.count if last else None
    new = Balance(
        found_level.on_hand,
        found_level.unexplained,
        counted_at,
        count.quantity if count else None,
        count.id if count else None,
        int(last is not None and last.contested),
        before_at,
        before.count.quantity if before else None,
        between,
        after,
        events,
        latest,
    )
    draft.put(BALANCES, key, balance_row(new))


def _counts(draft: Draft, key: BalanceKey) -> Iterable[Count]:
    for (_, _, _, at, log, seq), (id_, quantity) in draft.scan(COUNTS, key):
        yield Count(at, quantity, id_, log, seq)  # type: ignore[arg-type]


def _moves(draft: Draft, key: BalanceKey, log: LogId, first: int, last: int) -> Iterable[Moves]:
    """Read the movements of a run again."""
    pair, at = (key[1], key[2]), first
    row = draft.get(COUNTED_LOGS, (log,))
    assert row is not None, "what was read of a log is written down with it"
    for block, end in along(draft, log, counted_log(row), first):
        stop = min(last + 1, end)
        if block.first <= at < stop:
            moves = facts.read(block, at, stop).moves.get(pair)
            if moves:
                yield moves
            at = stop
