"""Why a loan, a booking, a sign-up or an entry of hours is worth what it is, in a sentence. Reads a view, changes nothing."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.logs.sayings import Parsers
from fedsync.crdt.logs.whystanding import Verdict, why_standing
from fedsync.crdt.realms import realm_of
from fedsync.crdt.work.bookings import Booked, schedule
from fedsync.crdt.work.hours import holding
from fedsync.crdt.work.lending import Lent, loans, returned
from fedsync.crdt.work.lendingtables import LOANS
from fedsync.crdt.work.rota import Manned, cancelled, drops_of, rota, shifts
from fedsync.crdt.work.worktables import SIGNUPS
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical
from fedsync.records.header import VERSION
from fedsync.records.kinds import class_of
from fedsync.records.kinds.lending import BOOKING, LOAN, Booking, Loan, Returned, parse_booking, parse_loan
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.work import (
    PLAN,
    SHIFT,
    SIGNUP,
    TALLY,
    Cancelled,
    Plan,
    Shift,
    Signup,
    Tally,
    parse_plan,
    parse_shift,
    parse_signup,
    parse_tally,
)
from fedsync.records.void import Void

Said = Booking | Loan | Returned | Plan | Shift | Cancelled | Signup | Tally

KINDS = frozenset({BOOKING, LOAN, PLAN, SHIFT, SIGNUP, TALLY})

SENTENCES: Mapping[str, str] = MappingProxyType(
    {
        "booked": "It stands: its log held the right to the thing, and the time was free.",
        "released": "It was released by the record {by}; the time is free again.",
        "booked-before": "It has no effect: the booking {by} had some of this time before.",
        "no-right": "It is asked for and not booked: its log does not hold the right to the thing. Whoever does can book it.",
        "right-over": "It is asked for and not booked: by its own time it was written when the right to the thing was over.",
        "promised-away": "It is asked for and not booked: the thing was promised to somebody at that place of its log.",
        "taken-back": "It is asked for and not booked: the right to the thing was taken back as of an earlier record of its log.",
        "grant-not-held": "It waits: the grant of the right that it rests on is not held here yet.",
        "offer-not-held": "It waits: the offer of the thing is not held here yet.",
        "not-an-offer": "It has no effect: what it names is a need, and no offer.",
        "not-for-use": "It has no effect: what it names is offered to be given away, not to be used and brought back.",
        "not-single": "It has no effect: what it names is more than one thing, and nobody could say which one is booked.",
        "offer-over": "It has no effect: by its own time it was written when the offer was over.",
    }
)
"""What is said of a booking, by the code of its verdict."""


def booking_words(booked: Booked) -> str:
    """Return what a booking is worth, in a sentence."""
    by = booked.verdict.by
    return SENTENCES[booked.verdict.code].format(by="" if by is None else by.hex()[:8])


def why_work(view: Reader, record: Record, day: Callable[[int], str]) -> Verdict:
    """Return what a record of this family is worth. `day` writes a time in ms."""
    if record.version != VERSION or class_of(record.kind) is not record.genesis.log_class:
        return Verdict("void", "log", "It has no effect: its log is not one for such records.")
    try:
        said = _parse(record)
    except Void as void:
        return Verdict("void", void.code, f"It has no effect: {void.sentence}.")
    except NotCanonical as error:
        return Verdict("void", "payload", f"It has no effect: its payload can't be read ({error}).")
    standing = why_standing(view, record)
    if standing.status != "counts":
        return standing
    match said:
        case Booking():
            found = next(each for each in schedule(view, said.intent).bookings if each.id == record.id)
            return Verdict(found.verdict.status, found.verdict.code, booking_words(found))
        case Loan():
            return _loan(view, record, day)
        case Returned():
            return _return(view, record, said, day)
        case Signup():
            return _signup(view, record, said)
        case Tally():
            return _tally(view, record, said, standing)
        case Shift():
            by = cancelled(view, realm_of(record.genesis), said.plan).get(record.id)
            if by is not None:
                return Verdict(
                    "cancelled", "cancelled", f"It does not take place: {by.hex()[:8]} cancels it."
                )
            return standing
        case Plan() | Cancelled():
            return standing


def _parse(record: Record) -> Said:
    parsers: Parsers[Said] = {
        BOOKING: lambda value, scope, time: parse_booking(value, record.log),
        LOAN: parse_loan,
        PLAN: lambda value, scope, time: parse_plan(value),
        SHIFT: lambda value, scope, time: parse_shift(value),
        SIGNUP: lambda value, scope, time: parse_signup(value),
        TALLY: lambda value, scope, time: parse_tally(value, time),
    }
    return parsers[record.kind](record.value, record.genesis.scope, record.time)


def _loan(view: Reader, record: Record, day: Callable[[int], str]) -> Verdict:
    lent = next(each for each in loans(view, realm_of(record.genesis)) if each.loan.id == record.id)
    words = loan_words(lent, day)
    return Verdict("lent twice" if lent.clashes else "out" if lent.out else "returned", "counts", words)


def loan_words(lent: Lent, day: Callable[[int], str]) -> str:
    """Return what became of a loan, in sentences."""
    found = [f"It counts: {_until(lent, day)}."]
    if lent.clashes:
        others = ", ".join(each.hex()[:8] for each in lent.clashes)
        found.append(
            f"By the records the same thing was with somebody else meanwhile ({others}): a return was not written down, or one is wrong."
        )
    if lent.again:
        others = ", ".join(each.id.hex()[:8] for each in lent.again)
        found.append(f"It was said to be brought back again ({others}), which brings nothing more.")
    return " ".join(found)


def _until(lent: Lent, day: Callable[[int], str]) -> str:
    since = f"it was handed over on {day(lent.loan.at)}"
    if lent.back is None:
        due = "" if lent.loan.due is None else f", and is due back on {day(lent.loan.due)}"
        return f"{since} and is still out{due}"
    if lent.back.at < lent.loan.at:
        return f"{since}, and its return says an earlier time, {day(lent.back.at)}; it is taken as of the same moment"
    return f"{since} and brought back on {day(lent.back.at)}"


def _return(view: Reader, record: Record, said: Returned, day: Callable[[int], str]) -> Verdict:
    key = (realm_of(record.genesis), *said.loan)
    if view.get(LOANS, key) is None:
        missing = (
            f"It waits: the loan {said.loan.id.hex()[:8]} that it names is not held here, or does not count."
        )
        return Verdict("pending", "loan-not-held", missing)
    holds = returned(view, key)
    assert holds is not None, "a return that counts is written down"
    if holds.id != record.id:
        return Verdict(
            "again",
            "returned-before",
            f"It brings nothing more: the loan was brought back before, on {day(holds.at)} ({holds.id.hex()[:8]}).",
        )
    return Verdict("counts", "counts", f"It counts: the loan {said.loan.id.hex()[:8]} is back.")


def _tally(view: Reader, record: Record, said: Tally, standing: Verdict) -> Verdict:
    found = holding(view, realm_of(record.genesis))
    holds = found[FactRef(record.log, record.seq, record.id)]
    if holds.id != record.id:
        return Verdict(
            "replaced", "corrected", f"It does not count: {holds.id.hex()[:8]} stands in its place."
        )
    if said.corrects is None:
        return standing
    held = "it stands in place of" if said.corrects in found else "it counts by itself until this is held:"
    return Verdict("counts", "counts", f"It counts: {held} {said.corrects.id.hex()[:8]}.")


def _signup(view: Reader, record: Record, said: Signup) -> Verdict:
    realm = realm_of(record.genesis)
    drops = drops_of(view, realm, said.shift, record.id)
    if said.who is None:
        found = [each for each in said.drops if view.get(SIGNUPS, (realm, said.shift, each)) is not None]
        if not found:
            return Verdict(
                "pending",
                "signup-not-held",
                "It waits: none of the sign-ups that it takes back is held here.",
            )
        return Verdict("counts", "counts", f"It counts: {len(found)} sign-ups are taken back.")
    if drops:
        by = ", ".join(each.hex()[:8] for each in drops)
        return Verdict("taken back", "taken-back", f"It was taken back by {by}.")
    plan = next((shift.plan for shift in shifts(view, realm) if shift.id == said.shift), None)
    if plan is None:
        return Verdict("pending", "shift-not-held", "It waits: its shift is not held here yet.")
    if said.shift in cancelled(view, realm, plan):
        return Verdict("cancelled", "cancelled", "It comes to nothing: its shift does not take place.")
    manned = next(each for each in rota(view, realm, plan) if each.shift.id == said.shift)
    return _placed(manned, said.who)


def _placed(manned: Manned, who: str) -> Verdict:
    comers, places = (*manned.held, *manned.waiting), manned.shift.places
    at, comer = next((at, each) for at, each in enumerate(comers) if each.who == who)
    turns = f"{comer.turns} turn{'' if comer.turns == 1 else 's'} before it"
    if at < places:
        why = (
            "there are places for all"
            if not manned.waiting
            else "those who had the fewest turns hold the places"
        )
        return Verdict("holds", "holds", f"It counts: {who}, with {turns}, has a place; {why}.")
    number = at - places + 1
    return Verdict(
        "waits",
        "waits",
        f"It counts: {who}, with {turns}, waits as number {number}; those with fewer turns hold the {places} places, "
        "of equals the one whose record has the smaller id.",
    )
