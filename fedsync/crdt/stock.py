"""The fold of stores: movements and counts in, what lies where out. Touches a draft only.

Facts are a grow-only set; a balance is folded from those that count. How much of a log counts is said by `counting`.
Everything rooted follows from the set of facts that count, however it came.
"""

from fedsync.crdt import facts
from fedsync.crdt.balances import bring_in, recompute
from fedsync.crdt.factors import take_factors, take_out_factors
from fedsync.crdt.facts import Facts, Moves
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.tables import COUNTS, ITEMS, RUNS, STORES, Pair, log_of
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId


class Stock:
    """The content of logs of facts."""

    def why_inert(self, genesis: Genesis) -> str | None:
        """Return why no record of a log can count; None when they can."""
        return facts.why_inert(genesis)

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Add what a stretch of a block says."""
        realm = realm_of(block.genesis)
        found = facts.read(block, first, stop)
        _write(draft, realm, block.log, found)
        take_factors(draft, block, first, stop)
        for pair in found.pairs:
            moves, counts = found.moves.get(pair) or Moves(), found.counts.get(pair, ())
            bring_in(draft, (realm, *pair), block.log, first, stop - 1, moves, counts)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take a log out of every balance."""
        log, realm = genesis.log, realm_of(genesis)
        take_out_factors(draft, genesis)
        pairs: set[Pair] = set()
        for block in draft.blocks(log):
            said = facts.read(block, block.first, block.last + 1)
            pairs.update(said.pairs)
            for store_id in said.stores:
                draft.drop(STORES, (realm, store_id, log))
            for item_id in said.items:
                draft.drop(ITEMS, (realm, item_id, log))
        for pair in sorted(pairs):
            for key, _ in list(draft.scan(RUNS, (realm, *pair, log))):
                draft.drop(RUNS, key)
            for key, _ in list(draft.scan(COUNTS, (realm, *pair))):
                if log_of(key, 4) == log:
                    draft.drop(COUNTS, key)
            recompute(draft, (realm, *pair))

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Nothing that other logs say hangs on how much of this one counts."""


def _write(draft: Draft, realm: Realm, log: LogId, found: Facts) -> None:
    for store_id, (seq, store) in found.stores.items():
        if draft.get(STORES, (realm, store_id, log)) is None:
            draft.put(STORES, (realm, store_id, log), (store.name, seq))
    for item_id, (seq, item) in found.items.items():
        if draft.get(ITEMS, (realm, item_id, log)) is None:
            draft.put(ITEMS, (realm, item_id, log), (item.name, item.unit, seq))
    for pair, counts in found.counts.items():
        for count in counts:
            draft.put(COUNTS, (realm, *pair, count.at, log, count.seq), (count.id, count.quantity))
