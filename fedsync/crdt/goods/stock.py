"""The fold of stores: movements and counts in, what lies where out. Touches a draft only.

Facts are a grow-only set; a balance is folded from those that count. How much of a log counts is said by `counting`.
Everything rooted follows from the set of facts that count, however it came. All movements are added up as they are told;
those that a correction replaces are taken away again, whichever of the two came first.
"""

from fedsync.crdt.goods import corrections, facts, sums
from fedsync.crdt.goods.balances import Change, bring_in, change, count_row, recompute
from fedsync.crdt.goods.factors import take_factors, take_out_factors
from fedsync.crdt.goods.facts import Moves
from fedsync.crdt.goods.sums import SPAN
from fedsync.crdt.goods.tables import (
    BALANCES,
    COUNTS,
    FULFILLED,
    ITEMS,
    LOTS,
    OFF,
    REPLACED,
    STANDING,
    STORES,
    Pool,
    balance,
    balance_row,
    small,
)
from fedsync.crdt.goods.transfers import change as change_transfer
from fedsync.crdt.realms import Realm, realm_of
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
        told = [FactRef(log, seq, id_) for seq, id_, said in found.linked if said.corrects is not None]
        corrected, named = corrections.referred(draft, realm, block, first, stop)
        if told or corrected:
            named |= _correct(draft, realm, told, corrected)
        for pool in sorted(named):
            recompute(draft, (realm, *pool))

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take a log out of every balance."""
        log, realm = genesis.log, realm_of(genesis)
        take_out_factors(draft, genesis)
        spans: dict[Pool, set[int]] = {}
        anew = corrections.pools_naming_log(draft, realm, log)
        anew |= _restore(draft, realm, log)
        corrected: dict[FactRef, FactRef] = {}
        for block in draft.blocks(log):
            said = facts.read(block, block.first, block.last + 1)
            for pool, moves in said.moves.items():
                spans.setdefault(pool, set()).update(at // SPAN for at in moves.times)
            corrected.update(_forget(draft, realm, log, said))
            anew.update(said.pools)
        anew |= _uncorrect(draft, realm, log, corrected)
        for pool, within in spans.items():
            _take_out_of(draft, realm, pool, log, within)
        for pool in sorted(anew):
            recompute(draft, (realm, *pool), without=log)

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Nothing else of how much of a log counts matters here."""


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


def _forget(draft: Draft, realm: Realm, log: LogId, said: facts.Facts) -> dict[FactRef, FactRef]:
    """Drop the names and counts that a log told of, and return its corrections, and what each corrects."""
    for table, ids in ((STORES, said.stores), (ITEMS, said.items), (LOTS, said.lots)):
        for id_ in ids:
            draft.drop(table, (realm, id_, log))
    for pool, counts in said.counts.items():
        for count in counts:
            place = (realm, *pool, count.at, log, count.seq)
            row = draft.get(COUNTS, place)
            # Not of another branch, which was never taken.
            if row is not None and row[0] == count.id:
                draft.drop(COUNTS, place)
                corrections.forget_named(draft, realm, pool, count)
    corrected = {}
    for seq, record, event in said.linked:
        if event.corrects is not None:
            corrected[FactRef(log, seq, record)] = event.corrects
        if event.fulfills is not None:
            draft.drop(FULFILLED, (realm, event.fulfills, log))
    return corrected


def _take_out_of(draft: Draft, realm: Realm, pool: Pool, log: LogId, spans: set[int]) -> None:
    key = (realm, *pool)
    taken, row = sums.take_out(draft, key, log, spans), draft.get(BALANCES, key)
    if taken is not None and row is not None:
        old = balance(row)
        left = old._replace(
            apart=old.apart - taken.apart, events=old.events - taken.events, told=old.told - taken.events
        )
        draft.put(BALANCES, key, balance_row(left))


# --- What corrections replace -----------------------------------------------------------------------------------


def _correct(draft: Draft, realm: Realm, told: list[FactRef], corrected: set[FactRef]) -> set[Pool]:
    """Bring in corrections, and events that others `corrected` before they came.

    Returns the pools of counts that name any event of their trees: those are to be made anew.
    """
    lines = corrections.Lines(draft, realm)
    tops, doubtful = corrected - set(told), {*told, *corrected}
    for ref in told:
        # Until now it was the top of a tree itself, if others corrected it before it came.
        row = draft.get(STANDING, (realm, *ref))
        if row is not None:
            doubtful.add(corrections.standing(row))
            draft.drop(STANDING, (realm, *ref))
        top = lines.top(ref)
        if top is not None:
            tops.add(top)
    return _settle(draft, realm, tops, doubtful, None)


def _uncorrect(draft: Draft, realm: Realm, log: LogId, corrected: dict[FactRef, FactRef]) -> set[Pool]:
    """Take out the corrections of a log. Returns pools as `_correct`."""
    lines = corrections.Lines(draft, realm, log)
    # Not of another branch, which was never taken.
    taken = [ref for ref in corrected if len(lines.up(ref)) > 1]
    tops = {top for ref in taken if (top := lines.top(ref)) is not None}
    for ref in taken:
        corrections.forget_correction(draft, realm, corrected[ref], ref)
    tops.update(ref for ref in taken if lines.corrections(ref))
    return _settle(draft, realm, tops, set(), log)


def _settle(
    draft: Draft, realm: Realm, tops: set[FactRef], doubtful: set[FactRef], without: LogId | None
) -> set[Pool]:
    """Find out what holds of these trees, and of all that may no longer hold let only that count."""
    lines = corrections.Lines(draft, realm, without)
    holding: set[FactRef] = set()
    doubtful = set(doubtful)
    for top in sorted(tops):
        line, row = lines.line(top), draft.get(STANDING, (realm, *top))
        holding.add(line.refs[-1])
        doubtful.add(top)
        if row is not None:
            doubtful.add(corrections.standing(row))
        if len(line.refs) == 1:
            draft.drop(STANDING, (realm, *top))
        elif (new := (*line.refs[-1], int(line.contested))) != row:
            draft.put(STANDING, (realm, *top), new)
    named: set[Pool] = set()
    for ref in sorted(doubtful | holding):
        line_up = [each for each in lines.up(ref) if corrections.is_named(draft, realm, each)]
        place = (realm, ref.log, ref.seq)
        is_off = draft.get(REPLACED, place) == (ref.id,)
        flips = is_off is (ref in holding)
        event = lines.event(ref) if flips or line_up else None
        if event is None:
            continue
        # What a count says of it matters where it moves anything, and nowhere else.
        pools = {(store, event.item, event.lot) for store, _, _ in event.moved}
        named |= {
            pool for pool in pools if any(corrections.is_named(draft, realm, each, pool) for each in line_up)
        }
        if not flips:
            continue
        if is_off:
            draft.drop(REPLACED, place)
        else:
            draft.put(REPLACED, place, (ref.id,))
        named |= _flip(draft, realm, ref, event, 1 if is_off else -1, without is not None)
    return named


def _restore(draft: Draft, realm: Realm, log: LogId) -> set[Pool]:
    """Count again what corrections replace of a log that is about to be taken out, so that all of it is taken out alike."""
    anew: set[Pool] = set()
    for key, (id_,) in list(draft.scan(REPLACED, (realm, log))):
        ref = FactRef(log, int(key[2]), id_)  # type: ignore[arg-type]
        events = (corrections.event_at(block, ref) for block in draft.blocks(log, ref.seq))
        event = next(each for each in events if each is not None)
        draft.drop(REPLACED, key)
        anew |= _flip(draft, realm, ref, event, 1, True)
    return anew


def _flip(draft: Draft, realm: Realm, ref: FactRef, event: EconomicEvent, sign: int, anew: bool) -> set[Pool]:
    """Let an event count again (1), or no more (-1). Returns its pools if their balances shall be made `anew`."""
    span = event.at // SPAN
    pools: set[Pool] = set()
    for store, delta, apart in event.moved:
        pool = (store, event.item, event.lot)
        key, off = (realm, *pool), (realm, *pool, span, ref.log, ref.seq)
        if sign < 0:
            draft.put(OFF, off, (event.at, delta))
        else:
            draft.drop(OFF, off)
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
