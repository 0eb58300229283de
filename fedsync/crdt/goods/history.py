"""What happened in one pool, in the order in which it happened: movements and counts, read back from the blocks.

Pure; reads a view. A pool with a million movements is read from its newest days on, as far as was asked; where more was
left out that is said. What a correction replaced stays in its place, struck.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import groupby
from typing import TypeAlias

from fedsync.crdt.goods.balances import counts_of
from fedsync.crdt.goods.checkpoints import Checkpoints, Count
from fedsync.crdt.goods.corrections import Lines
from fedsync.crdt.goods.levels import Reader
from fedsync.crdt.goods.readback import records, wanted
from fedsync.crdt.goods.tables import BALANCES, COUNTS, Balance, PoolKey, balance
from fedsync.crdt.work.lending import custody, returned
from fedsync.crdt.work.lendingtables import LOANS, loan_row
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical
from fedsync.records.ids import Key, LogId, RecordId
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EVENT, EconomicEvent, parse_event
from fedsync.records.void import Void

DAY = 24 * 3600 * 1000
BIG = 10_000
"""Movements that are read back for one answer at most. Each may lie in a block of its own, which takes a millisecond to open."""


@dataclass(frozen=True, slots=True)
class Moved:
    """A movement in a pool. `by`: the record that stands in its place, if one does; then it changed nothing."""

    at: int
    recorded: int
    log: LogId
    seq: int
    id: RecordId
    author: Key
    event: EconomicEvent
    delta: int
    note: object = ""
    by: RecordId | None = None
    rivals: bool = False
    """Different people put it right in different ways."""
    named: str = ""
    """"included" or "excluded": a count says so against its time."""
    after: int | None = None
    """What lay there then, as far as it was read; None: not known, or it changed nothing."""


@dataclass(frozen=True, slots=True)
class Found:
    """A count. `holds`: it is the one to go by at its moment. `unexplained`: what it found beyond the records."""

    at: int
    recorded: int
    log: LogId
    seq: int
    id: RecordId
    author: Key
    quantity: int
    note: object = ""
    holds: bool = True
    rivals: bool = False
    """Different people counted at this moment."""
    unexplained: int | None = None


Entry: TypeAlias = Moved | Found


@dataclass(frozen=True, slots=True)
class History:
    """Entries by when they happened, the oldest first, and how many older ones were left out."""

    entries: tuple[Entry, ...]
    left_out: int


def history(
    view: Reader, key: PoolKey, limit: int = BIG, since: int | None = None, most: int = BIG
) -> History:
    """Return what happened in a pool: the newest `limit` movements or a little more, whole days at a time.

    Of a day with more than `most` the latest part is read, which may be less than was asked for.
    """
    row = view.get(BALANCES, key)
    if row is None:
        return History((), 0)
    now = balance(row)
    counts = sorted(counts_of(view.scan(COUNTS, key)), key=lambda each: (each.at, each.log, each.seq))
    words = _words(view, key, [each for each in counts if each.named])
    # A count may place a movement far from its own time, so then all of them are read, if they are not too many.
    stretches, begins = wanted(view, key, most if words else min(limit, most), None if words else since, most)
    told = (*_moves(view, key, stretches), *_handed(view, key, stretches))
    # A stretch of a log holds what happened at other times, too: of that not all is read.
    kept = [each for each in told if begins is None or each.at >= begins]
    moves = sorted(kept, key=lambda each: (each.at, each.recorded, each.log, each.seq))
    if not words and len(moves) > limit:
        # Movements are added up by spans of many days, and what is shown ends with a day.
        day = moves[-limit].at // DAY * DAY
        newest = [each for each in moves if each.at >= day]
        if len(newest) < len(moves):
            moves, begins = newest, day
    shown = [each for each in counts if begins is None or each.at >= begins]
    found = list(_counted(view, key, shown))
    entries = _placed(moves, found, words)
    if begins is None or not words:
        entries = _with_levels(entries, now, whole=begins is None)
    return History(tuple(entries), now.told - len(moves) + len(counts) - len(shown))


# --- Reading ------------------------------------------------------------------------------------------------


def _moves(view: Reader, key: PoolKey, stretches: dict[LogId, list[tuple[int, int]]]) -> Iterator[Moved]:
    for log, found in stretches.items():
        for record in records(view, key, log, found):
            yield from _moved(view, key, record)


def _moved(view: Reader, key: PoolKey, record: Record) -> Iterator[Moved]:
    """Yield what a record moved in a pool, if anything."""
    event = event_of(record)
    if event is None or (event.item, event.lot) != key[2:]:
        return
    for store, delta, _ in event.moved:
        if store != key[1]:
            continue
        by, rivals = Lines(view, key[0]).standing(FactRef(record.log, record.seq, record.id))
        if by is None and rivals:
            # Too far down its line to count; there is nothing to name that stands for it but the record itself.
            by = FactRef(record.log, record.seq, record.id)
        value = record.value
        yield Moved(
            event.at,
            record.time,
            record.log,
            record.seq,
            record.id,
            record.genesis.key,
            event,
            delta,
            value.get("note", "") if isinstance(value, dict) else "",
            by.id if by is not None else None,
            rivals,
        )


def _handed(view: Reader, key: PoolKey, stretches: dict[LogId, list[tuple[int, int]]]) -> Iterator[Moved]:
    """Yield what loans took out of a pool, and what their returns brought back, as changes of custody."""
    for cells, row in view.scan(LOANS, key[:1]):
        loan = loan_row(cells, row)
        if (loan.store, loan.item, loan.lot) != key[1:]:
            continue
        for each in custody(view, (key[0], loan.log, loan.seq, loan.id)):
            # Each stands in a run of its own, named by its record.
            if LogId(each.by) not in stretches:
                continue
            back = returned(view, (key[0], loan.log, loan.seq, loan.id)) if each.delta > 0 else None
            log, seq, note = (
                (loan.log, loan.seq, "lent") if back is None else (back.log, back.seq, "brought back")
            )
            record = record_at(view, log, seq, each.by)
            if record is None:
                continue
            event = EconomicEvent(
                "transfer_custody",
                abs(each.delta),
                loan.item,
                each.at,
                store=loan.store if back is None else None,
                to=None if back is None else loan.store,
                lot=loan.lot,
                receiver=loan.to if back is None else None,
                provider=None if back is None else loan.to,
            )
            if back is not None and back.condition:
                note = f"{note}: {back.condition}"
            yield Moved(each.at, record.time, log, seq, each.by, record.genesis.key, event, each.delta, note)


def event_of(record: Record) -> EconomicEvent | None:
    """Return the movement that a record tells of, None when it tells of none."""
    if record.kind != EVENT:
        return None
    try:
        return parse_event(record.value, record.genesis.scope, record.time)
    except (Void, NotCanonical):
        return None


def _counted(view: Reader, key: PoolKey, counts: list[Count]) -> Iterator[Found]:
    """Yield counts as they are told, with those that others of the same moment outdo."""
    for _, group in groupby(counts, key=lambda each: each.at):
        same = list(group)
        instant, _ = Checkpoints.of(same).last_two()
        assert instant is not None
        standing = {each.id for each in instant.register.rivals()}
        for each in same:
            told = record_at(view, each.log, each.seq, each.id)
            value = told.value if told is not None else {}
            yield Found(
                each.at,
                told.time if told is not None else each.at,
                each.log,
                each.seq,
                each.id,
                told.genesis.key if told is not None else Key(b""),
                each.quantity,
                value.get("note", "") if isinstance(value, dict) else "",
                each.id == instant.count.id,
                instant.contested and each.id in standing,
            )


def record_at(view: Reader, log: LogId, seq: int, id_: RecordId) -> Record | None:
    """Return a record by its place, None when it is not held."""
    for block in view.blocks(log, seq):
        if block.first > seq:
            return None
        if block.ids[seq - block.first] == id_:
            return block.record(seq - block.first)
    return None


# --- Order, and what lay there ------------------------------------------------------------------------------


def _placed(
    moves: list[Moved], found: list[Found], words: dict[RecordId, dict[RecordId, bool]]
) -> list[Entry]:
    """Return all in the order in which it happened: at a count's instant movements come first, unless it excludes them.

    `words`: by movement, what counts say of it: whether it happened after them.
    """
    standing = [each for each in found if each.holds]
    placed: list[tuple[tuple[int, int], Entry]] = [((each.at, 1), each) for each in found]
    for move in moves:
        place = (move.at, 0)
        said = words.get(move.id)
        if said:
            later = [said.get(each.id, move.at > each.at) for each in standing]
            last = max((at for at, is_later in enumerate(later) if is_later), default=-1)
            if last >= 0 and move.at <= standing[last].at:
                move, place = replace(move, named="excluded"), (standing[last].at, 2)
            elif last + 1 < len(standing) and move.at > standing[last + 1].at:
                move, place = replace(move, named="included"), (standing[last + 1].at, 0)
        placed.append((place, move))
    return [entry for _, entry in sorted(placed, key=lambda each: each[0])]


def _words(view: Reader, key: PoolKey, counts: list[Count]) -> dict[RecordId, dict[RecordId, bool]]:
    """Return by movement what counts say of it, or of those in whose place it stands: whether it happened after them."""
    found: dict[RecordId, dict[RecordId, bool]] = {}
    lines = Lines(view, key[0])
    for count in counts:
        named = count.named
        for top in {top for ref in named if (top := lines.top(ref)) is not None}:
            refs = lines.line(top).refs
            later = next((named[ref] for ref in reversed(refs) if ref in named), None)
            if later is not None:
                found.setdefault(refs[-1].id, {})[count.id] = later
    return found


def _with_levels(entries: list[Entry], now: Balance, whole: bool) -> list[Entry]:
    """Return entries with what lay there after each, and what each count found beyond the records.

    `whole`: nothing happened before the first of them. Otherwise that is known from the first count on.
    """
    level: int | None = 0 if whole else None
    if not any(isinstance(each, Found) for each in entries):
        # What lies there now is known, so what lay there before each movement is, too.
        level = now.on_hand - sum(
            each.delta for each in entries if isinstance(each, Moved) and each.by is None
        )
    done: list[Entry] = []
    for entry in entries:
        match entry:
            case Found() if entry.holds:
                unexplained = None if level is None else entry.quantity - level
                if entry.at == now.counted_at:
                    unexplained = now.unexplained
                level = entry.quantity
                done.append(replace(entry, unexplained=unexplained))
            case Moved() if entry.by is None and level is not None:
                level += entry.delta
                done.append(replace(entry, after=level))
            case _:
                done.append(entry)
    return done
