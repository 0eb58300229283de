"""The fold of stores: movements and counts in, what lies where out. Touches a draft only.

Facts are a grow-only set; a balance is folded from those that count. How much of a log counts is said elsewhere
(`Bounds`: whose key has a seat, where it was cut) and by forks: above a fork nothing counts. When that changes, the
log is taken out and added again. Everything rooted follows from the set of facts that count, however it came.

A movement after the last count is one addition. Only what upsets the order of counts makes a balance anew, from
`movement_run`, opening the blocks that a count falls into the middle of.
"""

from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeAlias

from fedsync.crdt import facts
from fedsync.crdt.checkpoints import Checkpoints, Count, level
from fedsync.crdt.facts import Facts, Moves
from fedsync.crdt.seats import All, Bound, Cut, Pending
from fedsync.crdt.tables import (
    BALANCES,
    COUNTS,
    FACT_LOGS,
    FACT_LOGS_OF,
    ITEMS,
    RUNS,
    STORES,
    Balance,
    FactLog,
    Pair,
    Run,
    balance,
    balance_row,
    fact_log,
    log_of,
    run,
    run_row,
)
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogId, PayloadId, RecordId, Scope

Bounds: TypeAlias = Callable[[Draft, Scope, Key, LogId], Bound]
"""Says how much of a key's log counts in the body with this founding tag."""

_EMPTY = Balance(0, None, None, None, None, 0, None, None, 0, 0, 0, None)


def apply_block(draft: Draft, block: Block, bounds: Bounds) -> None:
    """Fold one block of facts. Blocks of a log come in the order of its chain, and the view holds them already."""
    log = _open(draft, block.genesis, bounds)
    if log is None:
        return
    if log.bound == "cut":
        # The block may hold the record that the log is cut at, so that what is below it counts now.
        refold(draft, block.log, bounds)
    elif not log.done:
        _take(draft, block, log)


def set_fork(draft: Draft, log: LogId, seq: int, bounds: Bounds) -> None:
    """Let nothing of a log count from `seq` on: two branches of it begin there. The lowest fork holds."""
    row = draft.get(FACT_LOGS, (log,))
    if row is None:
        begins = next(iter(draft.blocks(log)), None)
        found = _open(draft, begins.genesis, bounds) if begins is not None else None
    else:
        found = fact_log(row)
    if found is None or (found.fork is not None and found.fork <= seq):
        return
    draft.put(FACT_LOGS, (log,), tuple(found._replace(fork=seq)))
    refold(draft, log, bounds)


def refold_key(draft: Draft, scope: Scope, key: Key, bounds: Bounds) -> None:
    """Ask again how much of each log of `key` counts, and fold what changed."""
    for each, _ in list(draft.scan(FACT_LOGS_OF, (scope, key))):
        refold(draft, log_of(each, 2), bounds)


def refold(draft: Draft, log: LogId, bounds: Bounds) -> None:
    """Ask again how much of a log counts: add what counts now, take out what does no more."""
    row = draft.get(FACT_LOGS, (log,))
    if row is None:
        return
    found = fact_log(row)
    bound = bounds(draft, found.scope, found.key, log)
    limit = _limit(draft, log, found.fork, bound)
    new = found._replace(bound=_name(bound), limit=limit)
    if limit is not None and limit < found.read:
        _take_out(draft, log, new)
        return
    if new != found:
        draft.put(FACT_LOGS, (log,), tuple(new))
    if not new.done:
        for block in draft.blocks(log, new.read):
            new = _take(draft, block, new)


def _open(draft: Draft, genesis: Genesis, bounds: Bounds) -> FactLog | None:
    """Return how much of a log counts and was folded; None when it is none that can count."""
    row = draft.get(FACT_LOGS, (genesis.log,))
    if row is not None:
        return fact_log(row)
    if facts.why_inert(genesis) is not None:
        return None
    bound = bounds(draft, genesis.scope, genesis.key, genesis.log)
    limit = _limit(draft, genesis.log, None, bound)
    found = FactLog(genesis.scope, genesis.key, _name(bound), limit, None)
    draft.put(FACT_LOGS, (genesis.log,), tuple(found))
    draft.put(FACT_LOGS_OF, (genesis.scope, genesis.key, genesis.log), ())
    return found


# --- How much counts ----------------------------------------------------------------------------------------


def _name(bound: Bound) -> str:
    match bound:
        case Pending():
            return "pending"
        case All():
            return "all"
        case Cut():
            return "cut"


def _limit(draft: Draft, log: LogId, fork: int | None, bound: Bound) -> int | None:
    """Return how many records from the first on count; None: all."""
    match bound:
        case Pending():
            return 0
        case All():
            return fork
        case Cut(tips):
            if fork is not None and any(seq >= fork for seq, _ in tips):
                # Whichever branch the tip is on, what is below the fork is on its chain. Above it nodes with
                # equal sets may hold different branches, so whether the tip itself is held must not matter.
                return fork
            # Until a tip is held nobody can say what is on its chain: not known yet, so it does not count.
            return max((seq + 1 for seq, id_ in tips if _holds(draft, log, seq, id_)), default=0)


def _holds(draft: Draft, log: LogId, seq: int, id_: RecordId) -> bool:
    for block in draft.blocks(log, seq):
        if block.first > seq:
            return False
        if block.ids[seq - block.first] == id_:
            return True
    return False


# --- Adding and taking out ----------------------------------------------------------------------------------


def _take(draft: Draft, block: Block, log: FactLog) -> FactLog:
    """Fold the part of a block that follows what was read, as far as it counts."""
    stop = block.last + 1 if log.limit is None else min(block.last + 1, log.limit)
    if not block.first <= log.read < stop:
        return log
    found = facts.read(block, log.read, stop)
    _write(draft, log.scope, block.log, found)
    for pair, moves in found.moves.items():
        _add(draft, (log.scope, *pair), block.log, log.read, stop - 1, moves)
    for pair, count in found.counts:
        _count(draft, (log.scope, *pair), count)
    new = log._replace(read=stop)
    draft.put(FACT_LOGS, (block.log,), tuple(new))
    return new


def _write(draft: Draft, scope: Scope, log: LogId, found: Facts) -> None:
    for store_id, (seq, store) in found.stores.items():
        if draft.get(STORES, (scope, store_id, log)) is None:
            draft.put(STORES, (scope, store_id, log), (store.name, seq))
    for item_id, (seq, item) in found.items.items():
        if draft.get(ITEMS, (scope, item_id, log)) is None:
            draft.put(ITEMS, (scope, item_id, log), (item.name, item.unit, seq))
    for pair, count in found.counts:
        draft.put(COUNTS, (scope, *pair, count.at, log, count.seq), (count.id, count.quantity))


def _take_out(draft: Draft, log: LogId, new: FactLog) -> None:
    """Take a log out of every balance, and add again as much of it as counts now."""
    pairs: set[Pair] = set()
    for block in draft.blocks(log):
        said = facts.read(block, block.first, block.last + 1)
        pairs |= said.pairs
        for store_id in said.stores:
            draft.drop(STORES, (new.scope, store_id, log))
        for item_id in said.items:
            draft.drop(ITEMS, (new.scope, item_id, log))
    for pair in pairs:
        for key, _ in list(draft.scan(RUNS, (new.scope, *pair, log))):
            draft.drop(RUNS, key)
        for key, _ in list(draft.scan(COUNTS, (new.scope, *pair))):
            if log_of(key, 4) == log:
                draft.drop(COUNTS, key)
    read, limit = 0, new.limit
    assert limit is not None, "only a log that is cut or forked shrinks"
    for block in draft.blocks(log):
        if block.first <= read < min(limit, block.last + 1):
            stop = min(limit, block.last + 1)
            said = facts.read(block, read, stop)
            _write(draft, new.scope, log, said)
            for pair, moves in said.moves.items():
                draft.put(RUNS, (new.scope, *pair, log, read), run_row(_run(stop - 1, moves)))
            read = stop
    for pair in pairs:
        recompute(draft, (new.scope, *pair))
    draft.put(FACT_LOGS, (log,), tuple(new._replace(read=read)))


# --- Balances -----------------------------------------------------------------------------------------------

BalanceKey: TypeAlias = tuple[Scope, PayloadId, PayloadId]
"""Scope, store and item."""


def _run(last: int, moves: Moves) -> Run:
    return Run(last, min(moves.times), max(moves.times), sum(moves.deltas), len(moves.times))


def _add(draft: Draft, key: BalanceKey, log: LogId, first: int, last: int, moves: Moves) -> None:
    """Add movements to a balance, each on its side of the last two counts."""
    added = _run(last, moves)
    draft.put(RUNS, (*key, log, first), run_row(added))
    row = draft.get(BALANCES, key)
    old = _EMPTY if row is None else balance(row)
    between, after = _split(old.counted_at, old.before_at, added, lambda: [moves])
    latest = added.latest if old.latest is None else max(old.latest, added.latest)
    new = old._replace(
        on_hand=old.on_hand + after,
        unexplained=None if old.unexplained is None else old.unexplained - between,
        between=old.between + between,
        after=old.after + after,
        events=old.events + added.events,
        latest=latest,
    )
    draft.put(BALANCES, key, balance_row(new))


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


def _count(draft: Draft, key: BalanceKey, count: Count) -> None:
    """Let a new count, which is written down already, bear on its balance."""
    row = draft.get(BALANCES, key)
    old = _EMPTY if row is None else balance(row)
    if old.before_at is not None and count.at < old.before_at:
        return
    newest = old.counted_at is None or count.at > old.counted_at
    if not newest or (old.latest is not None and old.latest > count.at):
        recompute(draft, key)
        return
    # The common case: it is later than everything known, so it begins a new stretch.
    between = old.after
    new = old._replace(
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
    draft.put(BALANCES, key, balance_row(new))


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
    for block in draft.blocks(log, first):
        if block.first <= at <= min(last, block.last):
            stop = min(last, block.last) + 1
            moves = facts.read(block, at, stop).moves.get(pair)
            if moves:
                yield moves
            at = stop
