"""What a teller's own tools do with a page: sign in which round, approve when (H1 to H4). Pure; reads a view.

Others need not keep these rules for the book to be safe; our tools keep them so that it never gets stuck. A teller's
log must not sign by an old view of itself: the caller hands in a view that holds all of that log.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.books.book import MAX_VOICES
from fedsync.crdt.books.booktables import (
    DISPLACED,
    FROZEN,
    MANDATES,
    SEALED,
    VOICES,
    Known,
    LogRow,
    Reader,
    known,
    log_row,
    page_row,
    status,
)
from fedsync.crdt.books.delegates import delegate
from fedsync.crdt.books.epoch import Epoch, read_page
from fedsync.crdt.books.limits import pages_used_up
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL
from fedsync.crdt.books.readiness import unready
from fedsync.crdt.books.slot import Judged
from fedsync.crdt.books.slotview import judge_slot
from fedsync.crdt.reasons import reason
from fedsync.records.ids import LogId, PageId
from fedsync.records.kinds.entries import kind_of

MAX_ROUND_LEAP = 1000
"""A round this far above all of one's own is not followed: a liar could otherwise use up the numbers at once."""
MAX_LED = 64
"""Voices of one's own in a slot after which no liar alone is followed to a higher round any more: of the `MAX_VOICES`
that a log has in a slot, most are kept for those who mean it."""


@dataclass(frozen=True, slots=True)
class Sign:
    """Sign in this round; `lock` names the quorum that frees a log which approved a rival."""

    round: int
    lock: int | None = None


@dataclass(frozen=True, slots=True)
class Approve:
    """Approve in this round."""

    round: int


@dataclass(frozen=True, slots=True)
class Refuse:
    """Do not. `code` is stable; `page` is the one to turn to instead, if there is one."""

    code: str
    sentence: str
    page: PageId | None = None


NotYet: TypeAlias = Refuse


@dataclass(frozen=True, slots=True)
class _Own:
    """What a log has said in a slot, void or not judged alike: its highest round, and what it said there."""

    top: int
    signed: frozenset[PageId]
    approved: frozenset[PageId]
    said: int = 0
    """How many voices it has had there, on its longest chain."""


def next_signature(view: Reader, page: PageId, log: LogId, whose: LogRow | None = None) -> Sign | Refuse:
    """Return how `log` should sign `page` now, or why it should not (H1, H3, H4).

    The code "approve" says that it should rather be approved at once. `whose` the log is must be given when it has
    not begun yet: `epoch.begun` of its genesis.
    """
    here = known(view, page)
    if here is None or here.prev is None:
        return Refuse("page-not-held", "This page, or one before it, is not here yet.")
    judged = judge_slot(view, here.prev)
    refusal = _closed(view, page, here, judged) or _voiceless(
        view, page, here, judged, log, log_row(view, log) or whose
    )
    if refusal is not None:
        return refusal
    epoch = judged.epoch
    assert epoch is not None
    own = _own(view, here.prev, log, judged)
    if own.said >= MAX_VOICES:
        return _SPENT
    if here.repair:
        # Locks and quorums are the sealers' affair: a repair page counts who signed it, in any round.
        return _sign(max(own.top, 0), None, page, own)
    hold = max((each for each in judged.holds.get(log, []) if each.page != page), key=_by_round, default=None)
    frees = [each for each in judged.quorums(page) if hold is None or each > hold.round]
    if hold is not None and not frees:
        return Refuse(
            "locked",
            "You approved a rival page, and this one has not been signed by enough in a later round.",
            hold.page,
        )
    rival = _later_quorum(judged, page)
    if rival is not None:
        return Refuse(
            "rival-quorum", "A rival page is further: enough have signed it in a later round.", rival
        )
    round_ = _round(judged, epoch, own)
    if round_ == own.top and page in own.signed | own.approved:
        return Refuse("already-signed", "You have signed this page in the round that is open.")
    lock = None
    if hold is not None:
        lock = max((each for each in frees if each < round_), default=frees[0])
        round_ = max(round_, lock + 1)
    sign = _sign(round_, lock, page, own)
    ready = may_approve(view, page, log)
    if isinstance(sign, Sign) and isinstance(ready, Approve) and ready.round < sign.round:
        # A signature in a later round would only take this log's voice out of a round that can seal the page.
        return Refuse("approve", "Enough have signed it: approve it. An approval counts as a signature.")
    return sign


_SPENT = Refuse("too-many", "Your log has spoken here as often as it may: what it says further is void.")


def _sign(round_: int, lock: int | None, page: PageId, own: _Own) -> Sign | Refuse:
    """Return the signature in `round_`, or in the next one when the log has signed or approved a rival in it."""
    if round_ > own.top:
        return Sign(round_, lock)
    if page in own.signed | own.approved:
        return Refuse("already-signed", "You have signed this page in the round that is open.")
    return Sign(round_ + 1, lock)


def may_approve(view: Reader, page: PageId, log: LogId, signing: int | None = None) -> Approve | NotYet:
    """Return in which round `log` may approve `page` now, or why not yet (H2).

    `signing` is the round in which the same act signs it first: that signature counts.
    """
    here = known(view, page)
    if here is None or here.prev is None:
        return Refuse("page-not-held", "This page, or one before it, is not here yet.")
    slot = status(view, here.scope, here.prev)
    if slot is None or slot.status != SEALED:
        return Refuse("slot-not-sealed", "The page before it is not sealed yet.", here.prev)
    judged = judge_slot(view, here.prev)
    refusal = _closed(view, page, here, judged)
    if refusal is not None:
        return refusal
    epoch = judged.epoch
    assert epoch is not None
    if here.repair or log not in epoch.sealers:
        return Refuse("no-sealer", "Only sealers of the body approve its pages; yours is no sealer's log.")
    own = _own(view, here.prev, log, judged)
    if own.said + (signing is not None) >= MAX_VOICES:
        return _SPENT
    if signing is not None:
        judged.tallies[page].signed.setdefault(signing, set()).add(log)
        own = _Own(max(own.top, signing), frozenset(), own.approved if signing == own.top else frozenset())
    for round_ in reversed(judged.quorums(page)):
        if round_ > own.top or (round_ == own.top and not own.approved):
            return Approve(round_)
        if round_ == own.top:
            if page in own.approved:
                return Refuse("already-approved", "You have approved this page in the round that is open.")
            return Refuse("locked", "You approved a rival page in this round.", next(iter(own.approved)))
    return Refuse("no-quorum", "Not enough sealers have signed it in one round that is still open to you.")


def next_act(
    view: Reader, page: PageId, log: LogId, whose: LogRow | None = None
) -> tuple[Sign | Approve, ...] | Refuse:
    """Return what a teller who is for `page` should say in one act: sign, approve, or both in this order.

    Refused when there is nothing to say: then `page` of the refusal may name the one to turn to. `whose`: as in
    `next_signature`.
    """
    sign = next_signature(view, page, log, whose)
    if isinstance(sign, Refuse):
        ready = may_approve(view, page, log) if sign.code in ("approve", "already-signed") else sign
        return (ready,) if isinstance(ready, Approve) else sign
    also = may_approve(view, page, log, signing=sign.round)
    return (sign, also) if isinstance(also, Approve) else (sign,)


def next_seal(view: Reader, slot: PageId, log: LogId) -> tuple[PageId, tuple[Sign | Approve, ...]] | None:
    """Return what a node that seals by itself says in a slot now, and of which page; None when it waits (H1 to H3).

    Of rivals it takes the one with the latest quorum, then the one that most seats stand by; and it keeps to one page
    a round, or two nodes could chase each other through the rounds for ever.
    """
    here = known(view, slot)
    judged = judge_slot(view, slot)
    if here is None or judged.epoch is None or log not in judged.epoch.sealers:
        return None
    own = _own(view, slot, log, judged)
    spoken = own.signed | own.approved
    # What it spoke for binds it while that may still be sealed in this round: enough seats stand by it, or enough
    # sealers have signed it. When a recall took its seats away they go on, or one dead node would hold all the others.
    alive = any(judged.stands(page) or judged.quorums(page) for page in spoken)
    bound = spoken if alive and own.top >= _round(judged, judged.epoch, own) else frozenset()
    latest = dict(_latest_quorums(judged))

    def rank(page: PageId) -> tuple[int, int, PageId]:
        return latest.get(page, -1), len(judged.seats(judged.tallies[page].standing)), page

    for page in sorted(judged.tallies, key=rank, reverse=True):
        if bound and page not in bound:
            continue
        acts = next_act(view, page, log)
        if not isinstance(acts, Refuse):
            return page, acts
    return None


def _closed(view: Reader, page: PageId, here: Known, judged: Judged) -> Refuse | None:
    """Return why nothing more is to be said of a page."""
    assert here.prev is not None
    now, slot = status(view, here.scope, page), status(view, here.scope, here.prev)
    assert now is not None
    assert slot is not None
    if judged.epoch is None:
        return Refuse("no-epoch", "This book has no sound epoch: nobody can speak for the body.")
    if now.status == SEALED:
        return Refuse("sealed", "This page is sealed already.")
    if now.status == DISPLACED:
        # Repair keys could still undo what was sealed in its place; that is not what repair is for.
        return Refuse("displaced", "A rival page was sealed, in this one's place or before it.")
    if now.status == FROZEN and not (here.repair and slot.status == SEALED):
        return Refuse("frozen", "The book is split: only a repair page right after the split can settle it.")
    return None


def _voiceless(
    view: Reader, page: PageId, here: Known, judged: Judged, log: LogId, whose: LogRow | None
) -> Refuse | None:
    """Return why this log should not sign: it has no voice, must let the seats go first, or the page is not sound."""
    epoch = judged.epoch
    assert epoch is not None
    held = page_row(view, page)
    assert held is not None
    content = read_page(held.payload)
    if here.repair:
        if whose is None or whose.key not in epoch.repair:
            return Refuse("no-repair-key", "This is a repair page; yours is not one of the repair keys.")
    elif log not in epoch.seats and log in epoch.sealers:
        if not judged.stands(page) and not judged.quorums(page):
            return Refuse(
                "seats-first", "Not enough seats have signed it; a sealer without a seat waits for them."
            )
    elif log not in epoch.seats:
        if judged.outside:
            return Refuse(
                "outside",
                "This node sees the body from outside only: to sign for a seat takes all of its records.",
            )
        kinds = frozenset(kind_of(each) for each in content.entries)
        refusal = _unsent(view, here, epoch, log, whose, kinds)
        if refusal is not None:
            return refusal
    if log in epoch.sealers and log not in epoch.seats and judged.quorums(page):
        # Enough have signed it. A node has no voice in what it says, and who holds back only stops the book.
        return None
    wrong = unready(view, page, here, content, epoch)
    return Refuse(*wrong) if wrong is not None else None


def _unsent(
    view: Reader, here: Known, epoch: Epoch, log: LogId, whose: LogRow | None, kinds: frozenset[str]
) -> Refuse | None:
    """Return why this log does not speak as somebody's delegate; None when it does (rule 4)."""
    if whose is None or whose.page is None or whose.entry is None:
        return Refuse("no-seat", "Your log has no seat in the epoch in force.")
    sent = delegate(view, whose, here.body)
    if sent.body not in epoch.members:
        return Refuse("no-seat", "The body that sent you has no seat in the epoch in force.")
    code = sent.fault or sent.waits
    if code is not None:
        return Refuse(code, f"You cannot sign for them: {reason(code).sentence}.", whose.page)
    given = view.get(MANDATES, (whose.scope, whose.page, whose.entry))
    if given is None or given[1] not in (IN_FORCE, PROVISIONAL):
        word = str(given[1]) if given else "not known yet"
        return Refuse("mandate-ended", f"The mandate that you would sign under is {word}.", whose.page)
    outside = sorted(kinds - set(sent.may)) if sent.may is not None else []
    if outside:
        return Refuse("outside-may", f"Your mandate does not allow you to sign: {', '.join(outside)}.")
    if here.prev is not None and pages_used_up(view, log, here.prev, sent.pages):
        return Refuse("beyond-limit", f"Your mandate allows you to sign {sent.pages} pages, and you have.")
    return None


def _own(view: Reader, slot: PageId, log: LogId, judged: Judged) -> _Own:
    top, said = -1, 0
    signed: set[PageId] = set()
    approved: set[PageId] = set()
    for key, cells in view.scan(VOICES, (slot, log)):
        approves, page, round_ = bool(cells[0]), cells[1], cells[2]
        said = max(said, int(cells[5]))  # type: ignore[arg-type]
        # What broke the order of rounds was not said; what is void for another reason, or waits, was.
        if judged.verdicts[key[3]].code in _UNSAID:  # type: ignore[index]
            continue
        if round_ > top:  # type: ignore[operator]
            top, signed, approved = round_, set(), set()  # type: ignore[assignment]
        if round_ == top:
            (approved if approves else signed).add(PageId(page))  # type: ignore[arg-type]
    return _Own(top, frozenset(signed), frozenset(approved), said)


_UNSAID = frozenset({"round-fell", "signed-two", "approved-two", "signed-after-approving", "locked"})


def _round(judged: Judged, epoch: Epoch, own: _Own) -> int:
    """Return the highest round seen, or one more when no page can reach w in it any longer."""
    leap = max(own.top, 0) + MAX_ROUND_LEAP
    signers: dict[int, set[LogId]] = {}
    for tally in judged.tallies.values():
        for each, logs in tally.signed.items():
            signers.setdefault(each, set()).update(logs & epoch.sealers.keys())
    # In the end a round is followed only when more sealers are there than can lie within the bound.
    alone = max(1, epoch.bears) if own.said >= MAX_LED else -1
    seen = {each for each, logs in signers.items() if each <= leap and len(logs) > alone}
    # A quorum is never a liar's alone, however high.
    seen.update(round_ for _, round_ in _latest_quorums(judged))
    round_ = max({0, own.top} | seen)
    return round_ if _reachable(judged, epoch, round_) else round_ + 1


def _reachable(judged: Judged, epoch: Epoch, round_: int) -> bool:
    signers = [tally.signed.get(round_, set()) & epoch.sealers.keys() for tally in judged.tallies.values()]
    idle = epoch.sealers.keys() - set().union(*signers)
    return any(len(each) + len(idle) >= epoch.w for each in signers)


def _later_quorum(judged: Judged, page: PageId) -> PageId | None:
    """Return the rival whose last quorum is later than any of this page's."""
    latest = dict(_latest_quorums(judged))
    mine = latest.pop(page, -1)
    rival = max(latest, key=lambda each: (latest[each], each), default=None)
    return rival if rival is not None and latest[rival] > mine else None


def _latest_quorums(judged: Judged) -> Iterator[tuple[PageId, int]]:
    for page in judged.tallies:
        rounds = judged.quorums(page)
        if rounds:
            yield page, rounds[-1]


def _by_round(hold: tuple[PageId, int]) -> int:
    return hold[1]
