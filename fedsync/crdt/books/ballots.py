"""What each result makes of each seat, kept so that one more vote, word or recall counts one seat again, not all of them.

Touches a draft only. `votes.tally` counts a result from all its votes; what stands here must never differ from it.
"""

from collections import Counter
from collections.abc import Collection
from functools import lru_cache

from fedsync.crdt.books import methods
from fedsync.crdt.books.booktables import (
    BALLOT_SORTS,
    BALLOTS,
    RESULT_WAITS,
    RESULTS,
    RESULTS_OPEN,
    record_row,
    status,
)
from fedsync.crdt.books.votes import (
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
from fedsync.crdt.view import Draft
from fedsync.records.codec import pack, unpack
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entryform import choice_value
from fedsync.records.kinds.motions import Choice, parse_choice

Ids = tuple[PageId, int]
Sorts = dict[tuple[bytes, bytes], int]
"""The ballot that counts and all that may come to, packed, of how many seats."""
Ballot = tuple[bytes, bytes, bytes]
"""A row of BALLOTS: the votes of a seat that the result names, the ballot that counts, and all that may come to."""
WHOLE = (b"", b"")
"""In place of a sort: 1 when a vote that the result names is not held or not known whose, 0 when none is."""


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
    before: Sorts = {key[2:]: row[0] for key, row in draft.scan(BALLOT_SORTS, at)}  # type: ignore[misc]
    if seats is None or before.get(WHOLE) != 0:
        now = _all(draft, asked, at, senders)
    else:
        now = dict(before)
        for seat in seats:
            row = draft.get(BALLOTS, (*at, seat))
            if row is not None:
                votes = [_held(draft, vote) for vote in _split(row[0])]
                again = _row(draft, asked, seat, votes, senders)
                if again != row:
                    draft.put(BALLOTS, (*at, seat), again)
                    now[row[1:]] -= 1  # type: ignore[index]
                    now[again[1:]] = now.get(again[1:], 0) + 1
    for sort in before.keys() | now.keys():
        number = now.get(sort, 0)
        if not number and sort != WHOLE:
            draft.drop(BALLOT_SORTS, (*at, *sort))
        elif before.get(sort) != number:
            draft.put(BALLOT_SORTS, (*at, *sort), (number,))
    return _outcome(asked, now)


def _all(draft: Draft, asked: Asked, at: Ids, senders: Senders) -> Sorts:
    """Count every seat again; return how many are alike."""
    named, missing = seats_named(draft, asked, senders)
    rows = {seat: _row(draft, asked, seat, votes, senders) for seat, votes in named.items()}
    held = {key[2]: row for key, row in draft.scan(BALLOTS, at)}
    for seat in held.keys() - rows.keys():
        draft.drop(BALLOTS, (*at, seat))
    for seat, row in rows.items():
        if held.get(seat) != row:
            draft.put(BALLOTS, (*at, seat), row)
    for vote in asked.entry.votes or () if missing else ():
        if record_row(draft, vote) is None:
            draft.put(RESULT_WAITS, (vote, asked.scope, *at), ())
    return {WHOLE: int(missing), **Counter((row[1], row[2]) for row in rows.values())}


def _outcome(asked: Asked, sorts: Sorts) -> Tallied:
    rule, n = asked.entry.rule, asked.epoch.n
    parts = [(option, possible, number) for (option, possible), number in sorts.items() if possible]
    ballots = [(_choices(option)[0], number) for option, _, number in parts if option]
    outcome = methods.outcome_of_counts(rule, n, ballots)  # type: ignore[arg-type]
    final = asked.sealed and not sorts[WHOLE]
    if final:
        open_ = [(frozenset(_choices(possible)), number) for _, possible, number in parts if number]
        final = methods.certain_of_sorts(rule, n, open_)
    return Tallied(FINAL if final else PROVISIONAL, outcome, {})


def _row(draft: Draft, asked: Asked, seat: bytes, votes: list[Cast], senders: Senders) -> Ballot:
    ballot, possible = choose(draft, asked.scope, asked.epoch, seat, votes, senders)
    named = b"".join(vote.id for vote in votes)
    return named, _packed([ballot.option]) if ballot else b"", _packed(possible)


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
