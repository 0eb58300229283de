"""What waits for people here: pages to sign, votes to cast, words to say, mandates that end. For `fedsync status`.

Each row says what it is in a line and what to type next, and has the ids that programs want.
"""

from collections.abc import Iterator
from shlex import quote
from typing import Any

from fedsync import keyring
from fedsync.acts.books import rotation
from fedsync.cli.books.entries import naming
from fedsync.cli.books.proposals import left, proposals
from fedsync.cli.books.settling import forked_rows
from fedsync.cli.goods.arriving import arriving
from fedsync.cli.goods.comingback import coming_back
from fedsync.cli.goods.pledged import pledged
from fedsync.cli.goods.stockwaiting import stores
from fedsync.cli.introduced import waiting_introductions
from fedsync.cli.telling import day, rfc3339
from fedsync.confirming import due
from fedsync.crdt.books.booktables import (
    ADOPTED,
    DISPLACED,
    DRAFTED,
    MANDATE_LOGS,
    RESULTS,
    RESULTS_ON,
    STATUSES,
    VOTES_ON,
    Reader,
    record_row,
    status,
)
from fedsync.crdt.books.confirming import unsaid
from fedsync.crdt.books.consents import is_proposal
from fedsync.crdt.books.delegates import Given, entry_at, given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL
from fedsync.crdt.books.minutes import PageView, current_epoch, page_view
from fedsync.crdt.books.motions import MotionView, motions
from fedsync.crdt.books.naming import Naming, short
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.tellers import Approve, may_approve
from fedsync.crdt.books.votes import Senders
from fedsync.crdt.books.whypages import delegates_of
from fedsync.reading import Reading
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import Result
from fedsync.records.kinds.motions import WHOLE
from fedsync.records.void import Void
from fedsync.store.peers import FollowedBody

Json = dict[str, Any]

DAY_MS = 86_400_000
SOON_MS = 7 * DAY_MS
"""A mandate that ends within so long is told: an assembly that meets every week can still give another."""


def waiting(reading: Reading, now: int) -> list[Json]:
    """Return all that waits for people of this node, the most pressing kind first. `now`, in ms, ends terms."""
    look = _Look(reading, now)
    return [
        *look.own_pages(),
        *look.other_pages(),
        *proposals(reading, look.called),
        *left(reading, look.called),
        *look.votes(),
        *look.words(),
        *look.ends(),
        *arriving(reading, now),
        *pledged(reading, now),
        *stores(reading, now),
        *coming_back(reading, now),
        *waiting_introductions(reading),
        *(
            {
                "kind": "fork",
                "line": f"a log of {row['author']} has branches",
                "next": row["next"],
                "log": row["log"],
            }
            for row in forked_rows(reading)
        ),
    ]


def waiting_lines(rows: list[Json]) -> list[str]:
    """Return what waits, a line each with what to type; forked logs have lines of their own above these."""
    said = [row for row in rows if row["kind"] != "fork"]
    if not said:
        return []
    return ["FOR YOU", *(f"  {row['line']}. {row['next']}" for row in said)]


class _Look:
    """What is asked of the store more than once."""

    def __init__(self, reading: Reading, now: int) -> None:
        self.reading = reading
        self.now = now
        self.view: Reader = reading.view
        self.own = reading.own()
        self.called: Naming = naming(reading)
        self.here = {Key(person.key): person.name for person in keyring.people(reading.home)}
        """People whose key is kept here."""
        self.own_mandates = list(given(reading.view, self.own.scope))
        self.bodies = [body for body in reading.store.followed.all() if body.scope != self.own.scope]

    # --- Pages

    def own_pages(self) -> Iterator[Json]:
        """Yield the open pages of our own book that somebody can go on with."""
        pages = self._open(self.own.scope)
        for page in pages:
            if not page.missing:
                continue
            names = sorted(self.called.person(key, self.own.scope) for key in page.missing)
            ready = self._can_approve(page)
            who = ready or sorted(self.here[key] for key in page.missing if key in self.here)
            verb = "approve" if ready or not page.signatures else "sign"
            yield {
                "kind": "page",
                "page": page.id.hex(),
                "number": page.number,
                "missing": names,
                "can_approve": ready,
                "line": f"page {page.number} ({short(page.id)}) waits for {', '.join(names)}{_rivals(page, pages)}",
                "next": f"fedsync book {verb} {short(page.id)} --as {_typed(who)}",
            }

    def other_pages(self) -> Iterator[Json]:
        """Yield open pages of other bodies that wait for our delegates, or for seats of people here."""
        for body in self.bodies:
            epoch = self._epoch(body.scope)
            if epoch is None:
                continue
            sits = self.own.body in epoch.members
            seats = self.here.keys() & epoch.keys
            if not sits and not seats:
                continue
            pages = [each for each in self._open(body.scope) if not is_proposal(self.view, each.id)]
            for page in pages:
                if sits and self.own.body in page.bodies_to_sign:
                    yield self._for_delegate(page, body, _rivals(page, pages))
                missing = sorted(self.here[key] for key in seats & set(page.missing))
                if missing:
                    verb = "sign" if page.signatures else "approve"
                    name = self.called.book(body.scope)
                    yield {
                        "kind": "seat",
                        "body": body.body.hex(),
                        "page": page.id.hex(),
                        "number": page.number,
                        "missing": missing,
                        "line": f"page {page.number} of {name} ({short(page.id)}) waits for {', '.join(missing)}{_rivals(page, pages)}",
                        "next": f"fedsync book {verb} {short(page.id)} --as {_typed(missing)}",
                    }

    def _for_delegate(self, page: PageView, body: FollowedBody, rivals: str) -> Json:
        name = self.called.book(body.scope)
        sent = delegates_of(self.view, self.own.body, body.body)
        who = sorted(self.called.person(each.mandate.holder, each.scope) for each in sent)
        whom = f"{' or '.join(who)}, our delegate" if who else "our delegate, and we have sent nobody"
        return {
            "kind": "delegate",
            "body": body.body.hex(),
            "page": page.id.hex(),
            "number": page.number,
            "missing": who,
            "line": f"page {page.number} of {name} ({short(page.id)}) waits for {whom}{rivals}",
            "next": f"fedsync book sign {short(page.id)} --as {_typed(who)}"
            if who
            else f"fedsync mandates give PERSON --seat {quote(name)} --as NAME",
        }

    def _open(self, scope: Scope) -> list[PageView]:
        """Return the pages of a book that are drafted or adopted, by number; the others are not even read."""
        ids = [key[1] for key, row in self.view.scan(STATUSES, (scope,)) if row[1] in (DRAFTED, ADOPTED)]
        views = [found for each in ids if (found := page_view(self.view, PageId(each))) is not None]  # type: ignore[arg-type]
        return sorted(views, key=lambda each: (each.number, each.id))

    def _can_approve(self, page: PageView) -> list[str]:
        """Return who of the people here can approve a page of our own book now."""
        epoch = self._epoch(self.own.scope)
        logs = {log: seat.key for log, seat in epoch.sealers.items()} if epoch is not None else {}
        return sorted(
            self.here[key]
            for log, key in logs.items()
            if key in self.here and isinstance(may_approve(self.view, page.id, log), Approve)
        )

    def _epoch(self, scope: Scope) -> Epoch | None:
        try:
            return current_epoch(self.view, scope, newest(self.view, scope))
        except CannotDraft:
            return None

    # --- Votes

    def votes(self) -> Iterator[Json]:
        """Yield the questions that are open and on which our delegates have not voted, though they may."""
        for mandate in self.own_mandates:
            seat = mandate.mandate.seat
            if seat is None or mandate.status not in (IN_FORCE, PROVISIONAL) or self._is_over(mandate):
                continue
            for each in motions(self.view, seat):
                clauses = [clause for clause in _clauses(each) if self._lacks_vote(mandate, each, clause)]
                if clauses:
                    yield self._vote(mandate, each, clauses)

    def _is_over(self, mandate: Given) -> bool:
        until = mandate.mandate.until
        return until is not None and until < self.now

    def _lacks_vote(self, mandate: Given, of: MotionView, clause: str) -> bool:
        if of.verdict.status is not VoiceStatus.STANDS or isinstance(
            mandate.mandate.instructed(of.id, clause), Void
        ):
            return False
        logs = {key[2] for key, _ in self.view.scan(MANDATE_LOGS, mandate.id)}
        if any(cells[0] in logs for _, cells in self.view.scan(VOTES_ON, (of.id, clause, mandate.scope))):
            return False
        if Senders(self.view).word(mandate.scope, (of.id, clause)) is not None:
            return False
        for key, _ in self.view.scan(RESULTS_ON, (of.id, clause)):
            at = status(self.view, Scope(key[2]), PageId(key[3]))  # type: ignore[arg-type]
            if at is not None and at.status != DISPLACED:
                return False
        return True

    def _vote(self, mandate: Given, of: MotionView, clauses: list[str]) -> Json:
        who, until = self.called.person(mandate.mandate.holder, mandate.scope), mandate.mandate.until
        named = [clause for clause in clauses if clause]
        of_clauses = f", clause{'s' if len(named) > 1 else ''} {', '.join(named)}" if named else ""
        term = f", whose mandate is until {day(until)}" if until is not None else ""
        clause = f" --clause {quote(named[0])}" if named else ""
        asks = self.called.body(of.motion.body)
        return {
            "kind": "vote",
            "motion": of.id.hex(),
            "clauses": clauses,
            "holder": who,
            "until": rfc3339(until),
            "line": f"{self.called.motion(of.id)}{of_clauses} in {asks} waits for the vote of {who}{term}",
            "next": f"fedsync votes cast {short(of.id)} OPTION{clause} --as {quote(who)}",
        }

    # --- What our book has not said yet

    def words(self) -> Iterator[Json]:
        """Yield the results that count a vote of our delegates on which our book has no word yet: the last on a question."""
        last: dict[tuple[bytes, bytes, str], tuple[int, Json]] = {}
        ours = {
            key[2] for mandate in self.own_mandates for key, _ in self.view.scan(MANDATE_LOGS, mandate.id)
        }
        by_itself = due(self.reading)
        for scope, page, index in unsaid(self.view, self.own.scope):
            body = self.reading.store.followed.get(scope)
            at, entry = status(self.view, scope, page), entry_at(self.view, page, index)
            row = self.view.get(RESULTS, (scope, page, index))
            if body is None or row is None or at is None or at.status == DISPLACED or scope == self.own.scope:
                continue
            assert isinstance(entry, Result)
            votes = [
                each
                for each in entry.votes or ()
                if (held := record_row(self.view, each)) and held.log in ours
            ]
            if not votes:
                continue
            name, what = self.called.book(scope), self.called.motion(entry.motion, entry.clause)
            outcome = str(row[2]) if row[2] is not None else "nothing decided"
            later = ""
            if page in by_itself:
                later = f"; unless somebody objects, this node drafts that after {day(by_itself[page])}"
            told: Json = {
                "kind": "word",
                "body": body.body.hex(),
                "result": f"{page.hex()}:{index}",
                "votes": [vote.hex() for vote in votes],
                "line": f"the result of {name} on {what} ({outcome}) waits for our book to confirm our vote{later}",
                "drafted_after": rfc3339(by_itself.get(page)),
                "next": f"fedsync votes confirm {short(entry.motion)}{_clause(entry.clause)} --as NAME",
            }
            question = (scope, entry.motion, entry.clause)
            if question not in last or last[question][0] < at.number:
                last[question] = (at.number, told)
        yield from (told for _, told in sorted(last.values(), key=lambda each: each[0]))

    # --- Mandates

    def ends(self) -> Iterator[Json]:
        """Yield the mandates of our body that end soon, or go on for longer than the body's rule allows."""
        now = self.now
        for each in self.own_mandates:
            if each.status not in (IN_FORCE, PROVISIONAL):
                continue
            until = each.mandate.until
            if until is not None and until - now < SOON_MS:
                yield self._ends(each, _ends_in(until - now))

        rule = rotation.rule_of(self.reading, self.own.scope)
        for served in rotation.services(self.reading, self.own.scope, now) if rule is not None else ():
            if served.until is None and rule is not None and served.over(rule, now):
                seat, task = served.what
                where = f"in {self.called.body(seat)}" if seat is not None else f'for "{task}"'
                yield {
                    "kind": "term",
                    "holder": served.who,
                    "days": served.days(now),
                    "longest": rule.longest,
                    "line": f"{served.who} has served {where} for {served.days(now)} days; "
                    f"our rule is {rule.longest} at most",
                    "next": "fedsync mandates report",
                }

    def _ends(self, each: Given, when: str) -> Json:
        who = self.called.person(each.mandate.holder, each.scope)
        of = each.mandate
        what = (
            f"--seat {quote(self.called.body(of.seat))}"
            if of.seat is not None
            else f"--task {quote(of.task or '')}"
        )
        return {
            "kind": "mandate",
            "mandate": f"{each.id[0].hex()}:{each.id[1]}",
            "holder": who,
            "until": rfc3339(each.mandate.until),
            "line": f"{self.called.mandate(each.id)} {when}",
            "next": f"fedsync mandates give {quote(who)} {what} --as NAME",
        }


def _rivals(page: PageView, pages: list[PageView]) -> str:
    """Return what is said of a page beside others that are open in the same place, else nothing."""
    same = sum(each.prev == page.prev for each in pages)
    return f"; it is one of {same} in this place, and only one can be sealed" if same > 1 else ""


def _ends_in(left: int) -> str:
    if left < 0:
        return "is over by its own term"
    days = left // DAY_MS
    return f"ends in {days} days" if days > 1 else "ends in a day" if days else "ends today"


def _clauses(of: MotionView) -> tuple[str, ...]:
    """Return what is voted on: the clauses of a motion that has some, else the whole."""
    return tuple(name for name, _ in of.motion.clauses) or (WHOLE,)


def _clause(clause: str) -> str:
    return f" --clause {quote(clause)}" if clause else ""


def _typed(names: list[str]) -> str:
    """Return whom to type after --as: the only one, else NAME."""
    return quote(names[0]) if len(names) == 1 else "NAME"
