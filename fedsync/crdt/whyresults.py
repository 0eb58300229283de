"""Why a result is what it is: its rule, every seat with its vote, and until or since when it is so. Pure."""

from collections import Counter
from typing import NamedTuple

from fedsync.crdt import methods, votes
from fedsync.crdt.answer import Answer, some
from fedsync.crdt.booktables import RESULTS, SEALED, Reader, known, record_row, status
from fedsync.crdt.epoch import Epoch
from fedsync.crdt.naming import Naming, choice_words, rule_words, short
from fedsync.crdt.reasons import reason
from fedsync.crdt.slotview import epoch_or_wait
from fedsync.crdt.whypages import PEERS, about_page, heads_seen, short12
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.kinds.entries import EntryId, Result
from fedsync.records.kinds.motions import Choice, Of


class Ballot(NamedTuple):
    """What one seat's vote is worth in a result: who the seat is, what counts for it, and why that may change."""

    seat: bytes
    name: str
    option: Choice | None
    vote: RecordId | None
    line: str
    open: str
    """What it waits for until it stands for good; empty when it does."""


def about_result(view: Reader, id_: EntryId, entry: Result, called: Naming) -> Answer:
    """Return why a result stands as it does, and every number in it."""
    page, index = id_
    here = known(view, page)
    row = view.get(RESULTS, (here.scope, page, index)) if here is not None else None
    what = f"The result {short12(page)}:{index} on {called.motion(entry.motion, entry.clause)}"
    before = known(view, here.prev) if here is not None and here.prev is not None else None
    epoch = epoch_or_wait(view, before)[0] if before is not None else None
    if here is None or row is None or epoch is None:
        return Answer(
            f"{page.hex()}:{index}", "result", what, "pending", "result-pending",
            (f"It is decided by {rule_words(entry.rule)}.",), after=about_page(view, page, called),
        )  # fmt: skip
    at = status(view, here.scope, page)
    sealed = at is not None and at.status == SEALED
    outcome = row[2]
    evidence = [
        f"{'Decided' if outcome is not None else 'Outcome'}: {str(outcome) if outcome is not None else 'nothing is decided'}."
    ]
    evidence.append(f"The rule is {rule_words(entry.rule)}.")
    if entry.counts is not None:
        evidence += _counted(entry, list(entry.counts), epoch, called)
        missing: list[str] = []
        code = "result-counts" if sealed else "result-unsealed"
    else:
        ballots, unheld = ballots_of(view, id_, entry, epoch, called)
        evidence += _counted(
            entry, [(each.option, 1) for each in ballots if each.option is not None], epoch, called
        )
        evidence += some([f"{each.name}: {each.line}." for each in ballots], "seats")
        missing = [f"the vote {short(each)}" for each in unheld] + [
            each.open for each in ballots if each.open
        ]
        code = "result-final" if row[1] == votes.FINAL else "result-unsealed" if not sealed else "result-open"
        if code == "result-final":
            missing = []
    if not sealed:
        missing.insert(0, f"the seal of {called.page(page)}")
    final = row[1] == votes.FINAL
    return Answer(
        f"{page.hex()}:{index}", "result", what, str(row[1]), code, tuple(evidence), tuple(missing),
        next=None if final else f"fedsync why {short12(page)}" if not sealed else PEERS,
    )  # fmt: skip


def _counted(entry: Result, counts: list[tuple[Choice, int]], epoch: Epoch, called: Naming) -> list[str]:
    tally: Counter[Choice] = Counter()
    for choice, number in counts:
        tally[choice] += number
    present = tally.total()
    said = ", ".join(
        f"{choice_words(choice)} {number}"
        for choice, number in sorted(tally.items(), key=lambda each: (-each[1], choice_words(each[0])))
    )
    lines = [f"Counted: {said or 'no vote'}; {present} of {epoch.n} seats."]
    if entry.counts is not None:
        lines = [f"Counted in the room: {said or 'no vote'}; {present} in all, {epoch.n} seats."]
    if entry.rule.of is Of.VOTING:
        blank = tally.get(methods.ABSTAIN, 0)
        lines.append(f"Voting, without those who abstained: {present - blank}.")
    if entry.rule.quorum:
        word = "reached" if present >= entry.rule.quorum else "not reached"
        lines.append(f"The quorum of {entry.rule.quorum} is {word}.")
    return lines


def ballots_of(
    view: Reader, id_: EntryId, entry: Result, epoch: Epoch, called: Naming
) -> tuple[list[Ballot], list[RecordId]]:
    """Return what each seat's vote is worth in a result of named votes, and the votes that are not held."""
    page, index = id_
    here = known(view, page)
    assert here is not None
    tallied = votes.tally(view, here.scope, page, index)
    counts = tallied.ballots if tallied is not None else {}
    named: dict[bytes, list[votes.Cast]] = {}
    unheld = []
    for each in entry.votes or ():
        said = votes.cast(view, each)
        if said is None:
            if record_row(view, each) is None:
                unheld.append(each)
            continue
        seat = _seat(view, epoch, said)
        if seat is not None:
            named.setdefault(seat, []).append(said)
    found = []
    for seat in [*epoch.seats, *sorted(epoch.members)]:
        name = _seat_name(epoch, seat, called, here.scope)
        found.append(_ballot(view, here.scope, seat, name, named.get(seat, []), counts.get(seat), called))
    return sorted(found, key=lambda each: each.name), unheld


def _ballot(
    view: Reader, scope: bytes, seat: bytes, name: str, cast: list[votes.Cast],
    counting: RecordId | None, called: Naming,
) -> Ballot:  # fmt: skip
    if not cast:
        return Ballot(seat, name, None, None, "no vote of its is named", "")
    said = next((each for each in cast if each.id == counting), cast[0])
    who = called.person(said.whose.key, said.whose.scope)
    line = f"{choice_words(said.option)}, by {who} ({short(said.id)})"
    counts = counting is not None
    option = said.option if counts else None
    if said.whose.page is None:
        return Ballot(seat, name, option, counting, f"{line}; its own seat, for good", "")
    word = votes.Senders(view).word(said.whose.scope, said.question)
    if word is None or not word.settled:
        found = votes.verdict(view, said)
        why = f"{found.status}: {reason(found.code).sentence}"
        of = "counts" if counts else "does not count"
        return Ballot(seat, name, option, counting, f"{line}; {of}, {why}", f"the word of {name}")
    number = f"its body's word, {called.page(word.page)}"
    if not counts:
        names = f"the vote {short(word.vote)}, which is not named here" if word.vote else "no vote"
        line = f"{line}; does not count: {number}, names {names}"
    else:
        line = f"{line}; counts: {number}"
    seen = _seen_on(view, scope, PageId(seat), word.page)
    if seen is not None:
        return Ballot(seat, name, option, counting, f"{line}, witnessed on {called.page(seen)}", "")
    return Ballot(
        seat, name, option, counting, line, f"a page of this book that witnesses {called.page(word.page)}"
    )


def _seat(view: Reader, epoch: Epoch, vote: votes.Cast) -> bytes | None:
    if vote.log in epoch.seats:
        return vote.log
    giver = known(view, vote.whose.page) if vote.whose.page is not None else None
    return giver.body if giver is not None and giver.body in epoch.members else None


def _seat_name(epoch: Epoch, seat: bytes, called: Naming, scope: bytes) -> str:
    if seat in epoch.members:
        return called.body(PageId(seat))
    key = epoch.key_of(LogId(seat))
    return called.person(key, scope) if key is not None else short(seat)  # type: ignore[arg-type]


def _seen_on(view: Reader, scope: bytes, body: PageId, page: PageId) -> PageId | None:
    """Return the sealed page of a book that witnesses a sealed head of `body` at or above `page`."""
    said = known(view, page)
    assert said is not None
    for head, by in heads_seen(view, scope, body):  # type: ignore[arg-type]
        there, at = known(view, head), status(view, scope, by)  # type: ignore[arg-type]
        if at is None or at.status != SEALED or there is None or there.scope != said.scope:
            continue
        seen = status(view, said.scope, head)
        if seen is not None and seen.status == SEALED and there.number >= said.number:
            return by
    return None
