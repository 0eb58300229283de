"""The fold of stores: movements and counts in, what lies where out. Touches a draft only.

Facts are a grow-only set; a balance is folded from those that count. How much of a log counts is said elsewhere
(`Bounds`: whose key has a seat, where it was cut) and by forks: above a fork nothing counts, until the body settles which
branch holds (`settling`): then the chain of the record that it names counts alone. When any of that changes, the log is
taken out and added again. Everything rooted follows from the set of facts that count, however it came.
"""

from collections.abc import Callable
from typing import TypeAlias

from fedsync.crdt import facts
from fedsync.crdt.balances import bring_in, recompute, sum_up
from fedsync.crdt.factchain import along, holds, id_at
from fedsync.crdt.facts import Facts, Moves
from fedsync.crdt.seats import All, Bound, Cut, Pending
from fedsync.crdt.settling import Settled, settled
from fedsync.crdt.tables import (
    COUNTS,
    FACT_LOGS,
    FACT_LOGS_OF,
    ITEMS,
    RUNS,
    STORES,
    FactLog,
    Pair,
    fact_log,
    log_of,
    run_row,
)
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogId, RecordId, Scope

Bounds: TypeAlias = Callable[[Draft, Scope, Key, LogId], Bound]
"""Says how much of a key's log counts in the body with this founding tag."""


def apply_block(draft: Draft, block: Block, bounds: Bounds) -> None:
    """Fold one block of facts. Blocks of a log come in the order of its chain, and the view holds them already."""
    log = _open(draft, block.genesis, bounds)
    if log is None:
        return
    if log.bound == "cut" or (log.chain is None and settled(draft, log.scope, block.log) is not None):
        # The block may hold the record that the log is cut at, or settled at, so that what is below it counts now.
        refold(draft, block.log, bounds)
    elif not log.done:
        _take(draft, block, log)


def set_fork(draft: Draft, log: LogId, seq: int, bounds: Bounds) -> None:
    """Let nothing of a log count from `seq` on: two branches of it begin there. The lowest fork holds.

    Also to be called for each block that comes on another branch: it may hold the record that the log is settled at.
    """
    row = draft.get(FACT_LOGS, (log,))
    if row is None:
        begins = next(iter(draft.blocks(log)), None)
        found = _open(draft, begins.genesis, bounds) if begins is not None else None
    else:
        found = fact_log(row)
    if found is None:
        return
    lower = found.fork is None or seq < found.fork
    if lower:
        draft.put(FACT_LOGS, (log,), tuple(found._replace(fork=seq)))
    if lower or (found.chain is None and settled(draft, found.scope, log) is not None):
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
    limit, tip = _reach(draft, log, found.scope, found.fork, bound)
    new = found._replace(bound=_name(bound), limit=limit, chain=tip)
    if new.chain != found.chain or (limit is not None and limit < found.read):
        _take_out(draft, log, new)
        return
    if new != found:
        draft.put(FACT_LOGS, (log,), tuple(new))
    if not new.done:
        for block, stop in along(draft, log, new):
            new = _take(draft, block, new, stop)


def _open(draft: Draft, genesis: Genesis, bounds: Bounds) -> FactLog | None:
    """Return how much of a log counts and was folded; None when it is none that can count."""
    row = draft.get(FACT_LOGS, (genesis.log,))
    if row is not None:
        return fact_log(row)
    if facts.why_inert(genesis) is not None:
        return None
    bound = bounds(draft, genesis.scope, genesis.key, genesis.log)
    limit, tip = _reach(draft, genesis.log, genesis.scope, None, bound)
    found = FactLog(genesis.scope, genesis.key, _name(bound), limit, None, chain=tip)
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


def _reach(
    draft: Draft, log: LogId, scope: Scope, fork: int | None, bound: Bound
) -> tuple[int | None, RecordId | None]:
    """Return how many records from the first on count (None: all), and the record whose chain alone does."""
    said = settled(draft, scope, log)
    if said is None:
        return _limit(draft, log, fork, bound), None
    if not holds(draft, log, said.seq, said.id):
        # Not known yet which branch that is: what is below the fork counts, and nothing above.
        limit = _limit(draft, log, fork, bound)
        return said.seq + 1 if limit is None else min(limit, said.seq + 1), None
    match bound:
        case Pending():
            return 0, said.id
        case All():
            return said.seq + 1, said.id
        case Cut(tips):
            # A tip beyond the settled record keeps all of its chain. One on another branch keeps nothing: how much
            # the branches share is not known to every node that holds the settled one.
            return max((_kept(draft, log, said, each) for each in tips), default=0), said.id


def _kept(draft: Draft, log: LogId, said: Settled, tip: tuple[int, RecordId]) -> int:
    seq, id_ = tip
    if seq > said.seq:
        return said.seq + 1
    return seq + 1 if id_at(draft, log, said, seq) == id_ else 0


def _limit(draft: Draft, log: LogId, fork: int | None, bound: Bound) -> int | None:
    """Return how many records from the first on count of a log that is not settled, or not yet; None: all."""
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
            return max((seq + 1 for seq, id_ in tips if holds(draft, log, seq, id_)), default=0)


# --- Adding and taking out ----------------------------------------------------------------------------------


def _take(draft: Draft, block: Block, log: FactLog, stop: int | None = None) -> FactLog:
    """Fold the part of a block that follows what was read, as far as it counts, up to `stop` at most."""
    stop = block.last + 1 if stop is None else stop
    if log.limit is not None:
        stop = min(stop, log.limit)
    if not block.first <= log.read < stop:
        return log
    found = facts.read(block, log.read, stop)
    _write(draft, log.scope, block.log, found)
    for pair in found.pairs:
        moves, counts = found.moves.get(pair) or Moves(), found.counts.get(pair, ())
        bring_in(draft, (log.scope, *pair), block.log, log.read, stop - 1, moves, counts)
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
    for pair, counts in found.counts.items():
        for count in counts:
            draft.put(COUNTS, (scope, *pair, count.at, log, count.seq), (count.id, count.quantity))


def _take_out(draft: Draft, log: LogId, new: FactLog) -> None:
    """Take a log out of every balance, and add again as much of it as counts now."""
    pairs: set[Pair] = set()
    for block in draft.blocks(log):
        said = facts.read(block, block.first, block.last + 1)
        pairs.update(said.pairs)
        for store_id in said.stores:
            draft.drop(STORES, (new.scope, store_id, log))
        for item_id in said.items:
            draft.drop(ITEMS, (new.scope, item_id, log))
    for pair in sorted(pairs):
        for key, _ in list(draft.scan(RUNS, (new.scope, *pair, log))):
            draft.drop(RUNS, key)
        for key, _ in list(draft.scan(COUNTS, (new.scope, *pair))):
            if log_of(key, 4) == log:
                draft.drop(COUNTS, key)
    new = new._replace(read=0)
    for block, last in along(draft, log, new):
        stop = last if new.limit is None else min(last, new.limit)
        if block.first <= new.read < stop:
            said = facts.read(block, new.read, stop)
            _write(draft, new.scope, log, said)
            for pair, moves in said.moves.items():
                draft.put(RUNS, (new.scope, *pair, log, new.read), run_row(sum_up(stop - 1, moves)))
            new = new._replace(read=stop)
    # Before the balances: they read the log again, along the chain that stands here.
    draft.put(FACT_LOGS, (log,), tuple(new))
    for pair in sorted(pairs):
        recompute(draft, (new.scope, *pair))
