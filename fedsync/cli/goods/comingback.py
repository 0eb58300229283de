"""What of loans, bookings and rotas waits for somebody here. For `fedsync status`."""

from collections.abc import Iterator
from typing import Any

from fedsync.acts.goods.loans import Placed, all_loans
from fedsync.acts.goods.rotas import all_plans
from fedsync.acts.goods.things import Called, all_things, party_name
from fedsync.cli.goods.rotaview import span
from fedsync.cli.telling import day, rfc3339, short
from fedsync.crdt.work.rota import rota
from fedsync.crdt.work.schedule import ASKED, BOOKED
from fedsync.reading import Reading

Json = dict[str, Any]

SOON_MS = 7 * 86_400_000
"""Shifts that begin within so long and lack people are told: who is asked today can still come."""


def coming_back(reading: Reading, now: int) -> Iterator[Json]:
    """Yield loans that are overdue or out twice, bookings that are asked for, and shifts soon that lack people."""
    yield from _loans(reading, now)
    yield from _asked(reading, now)
    yield from _shifts(reading, now)


def _loans(reading: Reading, now: int) -> Iterator[Json]:
    out = [each for each in all_loans(reading, reading.own().scope) if each.lent.out]
    late = [each for each in out if each.lent.overdue(now)]
    twice = [each for each in out if each.lent.clashes]
    if not late and not twice:
        return
    called = Called(reading, reading.own().scope)
    for each in twice[:1]:
        yield {
            "kind": "loans",
            "loans": [one.lent.loan.id.hex() for one in twice],
            "line": f"by the records {_words(reading, called, each)} and somebody else has it, too",
            "next": f"fedsync why {short(each.lent.loan.id)}",
        }
    if len(late) == 1:
        loan = late[0].lent.loan
        yield {
            "kind": "loans",
            "loans": [loan.id.hex()],
            "due": rfc3339(loan.due),
            "line": f"{_words(reading, called, late[0])}, and it was due on {day(loan.due or 0)}",
            "next": f"fedsync stock return {short(loan.id)} --as NAME",
        }
    elif late:
        yield {
            "kind": "loans",
            "loans": [each.lent.loan.id.hex() for each in late],
            "line": f"{len(late)} things that were lent are overdue",
            "next": "fedsync stock loans --overdue",
        }


def _words(reading: Reading, called: Called, placed: Placed) -> str:
    loan = placed.lent.loan
    return f"{party_name(reading, loan.to)} has {called.thing(loan.item, loan.lot)}"


def _asked(reading: Reading, now: int) -> Iterator[Json]:
    for thing in all_things(reading, reading.own().scope):
        for offer in thing.offers:
            stand = [each.said for each in offer.bookings if each.verdict.status == BOOKED]
            open_ = [
                each
                for each in offer.bookings
                if each.verdict.status == ASKED
                and each.said.stop > now
                and not any(each.said.overlaps(other) for other in stand)
            ]
            if open_:
                first = open_[0]
                more = f" and {len(open_) - 1} more" if len(open_) > 1 else ""
                yield {
                    "kind": "bookings",
                    "bookings": [each.id.hex() for each in open_],
                    "line": f"{thing.called} is asked for, for {party_name(reading, first.said.who)}: "
                    f"{span(first.said.start, first.said.stop)}{more}",
                    "next": f'fedsync stock bookings "{thing.called}"',
                }


def _shifts(reading: Reading, now: int) -> Iterator[Json]:
    lacking = [
        each
        for planned in all_plans(reading, reading.own().scope)
        for each in rota(reading.view, planned.realm, planned.plan.id)
        if now < each.shift.start <= now + SOON_MS and each.open
    ]
    if lacking:
        places = sum(each.open for each in lacking)
        many = "1 shift lacks" if len(lacking) == 1 else f"{len(lacking)} shifts lack"
        yield {
            "kind": "shifts",
            "shifts": [each.shift.id.hex() for each in lacking],
            "places": places,
            "line": f"{many} people in the next 7 days: {places} place{'' if places == 1 else 's'}",
            "next": "fedsync rota show",
        }
