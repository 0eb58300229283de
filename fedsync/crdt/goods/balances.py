"""Balances: what lies in one pool, kept up with each movement and count. Touches a draft only.

A movement after the last count is one addition, and so is a count later than all that is known. Only what upsets the order
of counts, or names movements, makes a balance anew, from the sums of spans of time (`sums`). Either way a row follows from the
movements and counts alone, not from how they came.
"""

from collections.abc import Iterable, Sequence
from collections.abc import Set as AbstractSet
from typing import NamedTuple

from fedsync.crdt.goods import sums
from fedsync.crdt.goods.checkpoints import Checkpoints, Count, Instant, level
from fedsync.crdt.goods.corrections import Lines, in_pool
from fedsync.crdt.goods.facts import Moves
from fedsync.crdt.goods.tables import BALANCES, COUNTS, Balance, PoolKey, balance, balance_row, small
from fedsync.crdt.view import Draft, Row
from fedsync.records.codec import Value, pack, unpack
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.refs import FactRef, fact_ref

_EMPTY = Balance()
_EMPTY_ROW = balance_row(_EMPTY)


class Change(NamedTuple):
    """What moves in a pool: movements, how many more then count, and how many more were told."""

    moves: Moves
    events: int
    told: int


def bring_in(
    draft: Draft, key: PoolKey, log: LogId, first: int, last: int, moves: Moves, counts: Sequence[Count]
) -> None:
    """Bring movements and counts of a log, from seq `first` to `last`, into their balance.

    The counts must be written down already. They are taken with the movements in the order in which all this
    happened, so that a log in which both alternate costs one addition each.
    """
    if moves.times:
        sums.add(draft, key, log, first, last, moves)
    row = draft.get(BALANCES, key)
    if not counts:
        draft.put(BALANCES, key, _told_row(_EMPTY_ROW if row is None else row, moves))
        return
    old = _EMPTY if row is None else balance(row)
    now: Balance | None = old
    rest = moves
    for count in sorted(counts, key=lambda each: (each.at, each.seq)):
        assert now is not None
        early, rest = _parted(rest, count.at)
        now = _counted(_told(now, early), count)
        if now is None:
            _count_amid(draft, key, _told(old, moves), {each.at for each in counts})
            return
    assert now is not None
    draft.put(BALANCES, key, balance_row(_told(now, rest)))


def change(draft: Draft, key: PoolKey, moved: Change) -> None:
    """Bring into a balance what moves in it, after it was added to the sums."""
    row = draft.get(BALANCES, key)
    draft.put(BALANCES, key, balance_row(_changed(_EMPTY if row is None else balance(row), moved)))


def _told_row(row: Row, moves: Moves) -> Row:
    """Return the row of a balance after movements that were not told before: `_told` in one step, for there are millions."""
    times, deltas = moves.times, moves.deltas
    on_hand, unexplained, counted_at, counted, count_id, contested, before_at, before = row[:8]
    between, after, apart, events, told, latest = row[8:]
    new = max(times) if len(times) > 1 else times[0]
    if counted_at is None:
        among, later = 0, sum(deltas)
    else:
        among, later = _split(counted_at, before_at, moves)  # type: ignore[arg-type]
    number = len(times)
    return (
        small(int(on_hand) + later),  # type: ignore[arg-type]
        None if unexplained is None else small(int(unexplained) - among),
        counted_at,
        counted,
        count_id,
        contested,
        before_at,
        before,
        small(int(between) + among),  # type: ignore[arg-type]
        small(int(after) + later),  # type: ignore[arg-type]
        small(int(apart) + moves.apart) if moves.apart else apart,  # type: ignore[arg-type]
        events + number,  # type: ignore[operator]
        told + number,  # type: ignore[operator]
        new if latest is None or new > latest else latest,  # type: ignore[operator]
    )


def _told(old: Balance, moves: Moves) -> Balance:
    """Return a balance after movements that were not told before."""
    events = len(moves.times)
    if not events:
        return old._replace(apart=old.apart + moves.apart) if moves.apart else old
    found = _changed(old, Change(moves, events, events))
    latest = max(moves.times)
    return found if found.latest is not None and found.latest >= latest else found._replace(latest=latest)


def _parted(moves: Moves, at: int) -> tuple[Moves, Moves]:
    """Return what happened up to an instant, and what happened later."""
    early, late = Moves(), Moves(apart=moves.apart)
    for when, delta in zip(moves.times, moves.deltas, strict=True):
        side = early if when <= at else late
        side.times.append(when)
        side.deltas.append(delta)
    return early, late


def _changed(old: Balance, moved: Change) -> Balance:
    """Return a balance after movements, each on its side of the last two counts."""
    between, after = _split(old.counted_at, old.before_at, moved.moves)
    return old._replace(
        on_hand=old.on_hand + after,
        unexplained=None if old.unexplained is None else old.unexplained - between,
        between=old.between + between,
        after=old.after + after,
        apart=old.apart + moved.moves.apart,
        events=old.events + moved.events,
        told=old.told + moved.told,
    )


def _split(counted_at: int | None, before_at: int | None, moves: Moves) -> tuple[int, int]:
    """Return what moved between the last two counts, and after the last. Movements at its instant are before it."""
    if counted_at is None or min(moves.times) > counted_at:
        return 0, sum(moves.deltas)
    between = after = 0
    for at, delta in zip(moves.times, moves.deltas, strict=True):
        if at > counted_at:
            after += delta
        elif before_at is None or at > before_at:
            between += delta
    return between, after


def _counted(old: Balance, count: Count) -> Balance | None:
    """Return a balance after a count; None when only all movements and counts together can tell."""
    if old.before_at is not None and count.at < old.before_at:
        return old
    newest = old.counted_at is None or count.at > old.counted_at
    if not newest or count.named or (old.latest is not None and old.latest > count.at):
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


def _count_amid(draft: Draft, key: PoolKey, old: Balance, times: set[int]) -> None:
    """Bring counts of these times into a balance that has all movements, where something happened later."""
    last, before = _instants(draft, key, {*times, old.counted_at, old.before_at})
    known = _instants(draft, key, {old.counted_at, old.before_at})
    if last is None or any(_names(each) for each in (last, before, *known)):
        draft.put(BALANCES, key, balance_row(old))
        recompute(draft, key, times=times)
        return
    between, after = old.between, old.after
    if old.counted_at is None:
        later = sums.between(draft, key, last.at, max(last.at, old.latest or last.at))
        between, after = after - later, later
    elif last.at > old.counted_at:
        between = sums.between(draft, key, old.counted_at, last.at)
        after -= between
    if before is not None and before.at not in (old.before_at, old.counted_at):
        between = sums.between(draft, key, before.at, last.at)
    draft.put(BALANCES, key, balance_row(_with_counts(old, last, before, between, after)))


def _names(instant: Instant | None) -> bool:
    """Say whether any count of an instant names movements, be it one that another has outdone since."""
    return instant is not None and any(write.value.named for write in instant.register.writes)


def _with_counts(
    old: Balance, last: Instant | None, before: Instant | None, between: int, after: int
) -> Balance:
    """Return a balance by its last two counts and what moved around them."""
    found = level(last, before, between, after)
    count = last.count if last else None
    return old._replace(
        on_hand=found.on_hand,
        unexplained=found.unexplained,
        counted_at=last.at if last else None,
        counted=count.quantity if count else None,
        count_id=count.id if count else None,
        contested=int(last is not None and last.contested),
        before_at=before.at if before else None,
        before=before.count.quantity if before else None,
        between=between,
        after=after,
    )


def _instants(draft: Draft, key: PoolKey, times: set[int | None]) -> tuple[Instant | None, Instant | None]:
    """Return the last two of these instants at which somebody counted."""
    ordered = sorted((at for at in times if at is not None), reverse=True)[:2]
    rows = (row for at in ordered for row in draft.scan(COUNTS, (*key, at)))
    return Checkpoints.of(counts_of(rows)).last_two()


def recompute(
    draft: Draft, key: PoolKey, without: LogId | None = None, times: AbstractSet[int] = frozenset()
) -> None:
    """Make a balance anew from its counts and sums; drop it when there are none.

    `without`: a log that is taken out, so that the last counts may be others than it says. `times`: of counts that came since.
    """
    row = draft.get(BALANCES, key)
    old = _EMPTY if row is None else balance(row)
    if without is None:
        last, before = _instants(draft, key, {old.counted_at, old.before_at, *times})
    else:
        last, before = Checkpoints.of(counts_of(draft.scan(COUNTS, key))).last_two()
        old = old._replace(latest=sums.latest(draft, key))
    if last is None and not old.told:
        draft.drop(BALANCES, key)
        return
    instants = [each for each in (last, before) if each is not None]
    moved, total = sums.upto(draft, key, [each.at for each in instants])
    after = total - moved[0] if last else total
    between = moved[0] - (moved[1] if before else 0) if last else 0
    if last is not None:
        named = _named(draft, key, last.count, before.count if before else None, without)
        between, after = between + named[0], after + named[1]
    draft.put(BALANCES, key, balance_row(_with_counts(old, last, before, between, after)))


# --- Movements that a count names -----------------------------------------------------------------------------


def _named(
    draft: Draft, key: PoolKey, last: Count, before: Count | None, without: LogId | None
) -> tuple[int, int]:
    """Return by how much what the last two counts say of movements changes what is between them, and after the last."""
    said = {**last.named, **(before.named if before else {})}
    if not said:
        return 0, 0
    lines = Lines(draft, key[0], without)
    between = after = 0
    for top in sorted({top for ref in said if (top := lines.top(ref)) is not None}):
        line = lines.line(top)
        event = lines.event(line.refs[-1])
        delta = in_pool(event, key[1:]) if event is not None else None
        if event is None or delta is None:
            continue
        at = event.at
        is_after, was_after = _is_after(last, line.refs, at), at > last.at
        since, was_since = True, True
        if before is not None:
            since, was_since = _is_after(before, line.refs, at), at > before.at
        after += delta * (is_after - was_after)
        between += delta * ((since and not is_after) - (was_since and not was_after))
    return between, after


def _is_after(count: Count, line: Sequence[FactRef], at: int) -> bool:
    """Say whether a movement happened after a count. What it says of the event that holds goes before what it says of those
    in whose place that stands.
    """
    named = count.named
    return next((named[ref] for ref in reversed(line) if ref in named), at > count.at)


def count_row(count: Count) -> tuple[bytes | int | None, ...]:
    """Return the cells of a count."""
    return (count.id, count.quantity, _pack(count.includes), _pack(count.excludes))


def counts_of(rows: Iterable[tuple[tuple[object, ...], tuple[object, ...]]]) -> list[Count]:
    """Return the counts in rows of `stock_count`."""
    return [
        Count(key[4], row[1], RecordId(row[0]), LogId(key[5]), key[6], _unpack(row[2]), _unpack(row[3]))  # type: ignore[arg-type]
        for key, row in rows
    ]


def _pack(refs: tuple[FactRef, ...]) -> bytes | None:
    values: list[Value] = [ref.value for ref in refs]
    return pack(values) if values else None


def _unpack(cell: object) -> tuple[FactRef, ...]:
    if not isinstance(cell, bytes):
        return ()
    values = unpack(cell)
    assert isinstance(values, list)
    return tuple(fact_ref(each, "a fact") for each in values)
