"""The fold of stores: movements and counts in, what lies where out. Touches a draft only.

Facts are a grow-only set; a balance is folded from those that count. How much of a log counts is said by `counting`.
Everything rooted follows from the set of facts that count, however it came. All movements are added up as they are told;
those that a correction replaces are taken away again, whichever of the two came first.
"""

from fedsync.crdt import corrections, facts, sums
from fedsync.crdt.balances import Change, bring_in, change, count_row, recompute
from fedsync.crdt.factors import take_factors, take_out_factors
from fedsync.crdt.facts import Moves
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.sums import DAY
from fedsync.crdt.tables import (
    BALANCES,
    CORRECTIONS,
    COUNTS,
    FULFILLED,
    ITEMS,
    LOTS,
    OFF,
    REPLACED,
    STORES,
    Pool,
    balance,
    balance_row,
    small,
)
from fedsync.crdt.transfers import change as change_transfer
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId
from fedsync.records.kinds.actions import ACTIONS, Effect
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EconomicEvent


class Stock:
    """The content of logs of facts."""

    def why_inert(self, genesis: Genesis) -> str | None:
        """Return why no record of a log can count; None when they can."""
        return facts.why_inert(genesis)

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Add what a stretch of a block says."""
        realm, log = realm_of(block.genesis), block.log
        found = facts.read(block, first, stop)
        _write(draft, realm, log, found)
        take_factors(draft, block, first, stop)
        for pool in found.pools:
            moves, counts = found.moves.get(pool) or Moves(), found.counts.get(pool, ())
            bring_in(draft, (realm, *pool), log, first, stop - 1, moves, counts)
        touched = [FactRef(log, seq, id_) for seq, id_, said in found.linked if said.corrects is not None]
        named: set[Pool] = set()
        if corrections.is_referred(draft, realm, log, first, stop):
            touched.extend(corrections.corrected_in(draft, realm, block, first, stop))
            for ref in corrections.named_in(draft, realm, block, first, stop):
                named |= corrections.pools_naming(draft, realm, ref)
        if touched:
            named |= _settle(draft, realm, touched, None)
        for pool in sorted(named):
            recompute(draft, (realm, *pool))

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take a log out of every balance."""
        log, realm = genesis.log, realm_of(genesis)
        take_out_factors(draft, genesis)
        days: dict[Pool, set[int]] = {}
        touched = corrections.orphans(draft, realm, log)
        anew = corrections.pools_naming_log(draft, realm, log)
        anew |= _restore(draft, realm, log)
        for block in draft.blocks(log):
            said = facts.read(block, block.first, block.last + 1)
            for pool, moves in said.moves.items():
                days.setdefault(pool, set()).update(at // DAY for at in moves.times)
            touched.extend(_forget(draft, realm, log, said))
            anew.update(said.pools)
        anew |= _settle(draft, realm, touched, log)
        for pool, on in days.items():
            _take_out_of(draft, realm, pool, log, on)
        for pool in sorted(anew):
            recompute(draft, (realm, *pool), without=log)

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Nothing that other logs say hangs on how much of this one counts."""


def _write(draft: Draft, realm: Realm, log: LogId, found: facts.Facts) -> None:
    for store_id, (seq, store) in found.stores.items():
        if draft.get(STORES, (realm, store_id, log)) is None:
            draft.put(STORES, (realm, store_id, log), (store.name, seq))
    for item_id, (seq, item) in found.items.items():
        if draft.get(ITEMS, (realm, item_id, log)) is None:
            draft.put(ITEMS, (realm, item_id, log), (item.name, item.unit, seq))
    for lot_id, (seq, lot) in found.lots.items():
        if draft.get(LOTS, (realm, lot_id, log)) is None:
            draft.put(LOTS, (realm, lot_id, log), (lot.code, lot.item, lot.expires, seq))
    for pool, counts in found.counts.items():
        for count in counts:
            draft.put(COUNTS, (realm, *pool, count.at, log, count.seq), count_row(count))
            corrections.note_named(draft, realm, pool, count)
    for seq, id_, event in found.linked:
        if event.corrects is not None:
            corrections.note_correction(draft, realm, event.corrects, FactRef(log, seq, id_))
        _fulfil(draft, realm, log, event, 1)


def _forget(draft: Draft, realm: Realm, log: LogId, said: facts.Facts) -> list[FactRef]:
    """Drop the names, counts and corrections that a log told of, and return what it corrected."""
    for table, ids in ((STORES, said.stores), (ITEMS, said.items), (LOTS, said.lots)):
        for id_ in ids:
            draft.drop(table, (realm, id_, log))
    for pool, counts in said.counts.items():
        for count in counts:
            draft.drop(COUNTS, (realm, *pool, count.at, log, count.seq))
            corrections.forget_named(draft, realm, count)
    corrected = []
    for seq, _, event in said.linked:
        if event.corrects is not None:
            draft.drop(CORRECTIONS, (realm, *event.corrects, log, seq))
            corrected.append(event.corrects)
        if event.fulfills is not None:
            draft.drop(FULFILLED, (realm, event.fulfills, log))
    return corrected


def _take_out_of(draft: Draft, realm: Realm, pool: Pool, log: LogId, days: set[int]) -> None:
    key = (realm, *pool)
    taken, row = sums.take_out(draft, key, log, days), draft.get(BALANCES, key)
    if taken is not None and row is not None:
        old = balance(row)
        left = old._replace(
            apart=old.apart - taken.apart, events=old.events - taken.events, told=old.told - taken.events
        )
        draft.put(BALANCES, key, balance_row(left))


# --- What corrections replace -----------------------------------------------------------------------------------


def _settle(draft: Draft, realm: Realm, touched: list[FactRef], without: LogId | None) -> set[Pool]:
    """Find out what holds of the trees that events are in, and count that and nothing else of them.

    Returns the pools of counts that name any of them: those are to be made anew.
    """
    found = corrections.Facts(draft, realm, without)
    named: set[Pool] = set()
    tops = {found.top(ref) for ref in touched if found.event(ref) is not None}
    for top in sorted(tops):
        line = found.line(top)
        for ref in found.tree(top):
            event = found.event(ref)
            if line is None or event is None:
                continue
            named |= corrections.pools_naming(draft, realm, ref)
            holds, place = ref == line.refs[-1], (realm, ref.log, ref.seq)
            was = draft.get(REPLACED, place)
            row = (ref.id, *line.refs[-1], int(line.contested))
            if holds and was is not None:
                draft.drop(REPLACED, place)
                named |= _flip(draft, realm, ref, event, 1, without is not None)
            elif not holds and was != row:
                draft.put(REPLACED, place, row)
                if was is None:
                    named |= _flip(draft, realm, ref, event, -1, without is not None)
    return named


def _restore(draft: Draft, realm: Realm, log: LogId) -> set[Pool]:
    """Count again what corrections replace of a log that is about to be taken out, so that all of it is taken out alike."""
    anew: set[Pool] = set()
    for key, (id_, *_) in list(draft.scan(REPLACED, (realm, log))):
        ref = FactRef(log, int(key[2]), id_)  # type: ignore[arg-type]
        events = (corrections.event_at(block, ref) for block in draft.blocks(log, ref.seq))
        event = next(each for each in events if each is not None)
        draft.drop(REPLACED, key)
        anew |= _flip(draft, realm, ref, event, 1, True)
    return anew


def _flip(draft: Draft, realm: Realm, ref: FactRef, event: EconomicEvent, sign: int, anew: bool) -> set[Pool]:
    """Let an event count again (1), or no more (-1). Returns its pools if their balances shall be made `anew`."""
    day = event.at // DAY
    pools: set[Pool] = set()
    for store, delta, apart in event.moved:
        pool = (store, event.item, event.lot)
        key, off = (realm, *pool), (realm, *pool, day, ref.log, ref.seq)
        if sign < 0:
            draft.put(OFF, off, (event.at, delta))
        else:
            draft.drop(OFF, off)
        sums.shift(draft, key, day, sign * delta, 0)
        change(draft, key, Change(Moves([event.at], [sign * delta], sign * apart), sign, 0))
        pools.add(pool)
    change_transfer(draft, realm, ref.log, event, sign)
    _fulfil(draft, realm, ref.log, event, sign)
    return pools if anew else set()


def _fulfil(draft: Draft, realm: Realm, log: LogId, event: EconomicEvent, sign: int) -> None:
    """Add what an event hands over to what its log did to keep a promise."""
    # Who receives tells of it too: that keeps no promise, and must not be added to what was given.
    arrives = ACTIONS[event.action].onhand is Effect.INCREMENT or (
        event.store is None and event.to is not None
    )
    if event.fulfills is None or arrives:
        return
    key = (realm, event.fulfills, log)
    row = draft.get(FULFILLED, key)
    total, number = (int(row[0]), int(row[1])) if row is not None else (0, 0)  # type: ignore[arg-type]
    if number + sign:
        draft.put(FULFILLED, key, (small(total + sign * event.quantity), number + sign))
    else:
        draft.drop(FULFILLED, key)
