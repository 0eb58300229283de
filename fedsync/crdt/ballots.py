"""What each result makes of each seat, kept so that one more vote, word or recall counts one seat again, not all of them.

Touches a draft only. `votes.tally` counts a result from all its votes; what stands here must never differ from it.
"""

from collections.abc import Collection
from functools import lru_cache

from fedsync.crdt import methods
from fedsync.crdt.booktables import BALLOTS, RESULT_WAITS, RESULTS, RESULTS_OPEN, record_row, status
from fedsync.crdt.view import Draft, Row
from fedsync.crdt.votes import (
    FINAL,
    PROVISIONAL,
    Asked,
    Cast,
    Senders,
    Tallied,
    cast,
    choose,
    question_of,
    seats_named,
)
from fedsync.records.codec import pack, unpack
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import choice_value
from fedsync.records.kinds.motions import Choice, parse_choice

MISSING = b""
"""In place of a seat: a vote that the result names is not held, or not known whose."""

Ids = tuple[PageId, int]


def judge_result(
    draft: Draft, scope: Scope, page: PageId, index: int, senders: Senders, seats: Collection[bytes] | None
) -> bool:
    """Write a result's status and outcome; say whether that changed. `seats`: those to count again, None for all."""
    at = status(draft, scope, page)
    asked = question_of(draft, scope, page, index)
    if at is None or asked is None:
        return False
    now = asked if isinstance(asked, Tallied) else _count(draft, asked, (page, index), senders, seats)
    if now.status == FINAL:
        draft.drop(RESULTS_OPEN, (scope, page, index))
    else:
        draft.put(RESULTS_OPEN, (scope, page, index), ())
    row = (at.number, now.status, now.outcome)
    if draft.get(RESULTS, (scope, page, index)) == row:
        return False
    draft.put(RESULTS, (scope, page, index), row)
    return True


def _count(draft: Draft, asked: Asked, at: Ids, senders: Senders, seats: Collection[bytes] | None) -> Tallied:
    rows: dict[bytes, Row] = {key[2]: row for key, row in draft.scan(BALLOTS, at)}  # type: ignore[misc]
    if seats is None or not rows or MISSING in rows:
        named, missing = seats_named(draft, asked, senders)
        now = {seat: _row(draft, asked, seat, votes, senders) for seat, votes in named.items()}
        if missing:
            now[MISSING] = (None, None, None)
            for vote in asked.entry.votes or ():
                if record_row(draft, vote) is None:
                    draft.put(RESULT_WAITS, (vote, asked.scope, *at), ())
    else:
        now = dict(rows)
        for seat in seats:
            if seat in rows:
                votes = [_held(draft, vote) for vote in _split(rows[seat][0])]
                now[seat] = _row(draft, asked, seat, votes, senders)
    for seat in rows.keys() - now.keys():
        draft.drop(BALLOTS, (*at, seat))
    for seat, row in now.items():
        if rows.get(seat) != row:
            draft.put(BALLOTS, (*at, seat), row)
    return _outcome(asked, now)


def _outcome(asked: Asked, rows: dict[bytes, Row]) -> Tallied:
    rule, n = asked.entry.rule, asked.epoch.n
    cast_now = [_choices(row[1])[0] for row in rows.values() if row[1] is not None]
    outcome = methods.outcome(rule, n, cast_now)  # type: ignore[arg-type]
    final = asked.sealed and MISSING not in rows
    final = final and methods.certain(rule, n, [_choices(row[2]) for row in rows.values()])
    return Tallied(FINAL if final else PROVISIONAL, outcome, {})


def _row(draft: Draft, asked: Asked, seat: bytes, votes: list[Cast], senders: Senders) -> Row:
    ballot, possible = choose(draft, asked.scope, asked.epoch, seat, votes, senders)
    named = b"".join(vote.id for vote in votes)
    return named, _packed([ballot.option]) if ballot else None, _packed(possible)


def _held(draft: Draft, vote: RecordId) -> Cast:
    said = cast(draft, vote)
    assert said is not None
    return said


def _split(ids: object) -> list[RecordId]:
    assert isinstance(ids, bytes)
    return [RecordId(ids[at : at + 32]) for at in range(0, len(ids), 32)]


def _packed(choices: Collection[Choice | None]) -> bytes:
    """Return choices as bytes, the same for the same ones."""
    parts = sorted(pack(choice_value(each)) if each is not None else b"" for each in choices)
    return pack([*parts])


@lru_cache(maxsize=1024)
def _choices(packed: bytes) -> tuple[Choice | None, ...]:
    parts = unpack(packed)
    assert isinstance(parts, list)
    return tuple(parse_choice(unpack(each)) if each else None for each in parts)  # type: ignore[arg-type]
