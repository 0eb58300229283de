"""Bodies, their people, mandates, motions and votes as Popolo. Reads; writes nothing.

Dates are those that were claimed. What is not final has no result; what is void is not there.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from fedsync.acts.books.rotation import page_time
from fedsync.crdt.books import people
from fedsync.crdt.books.booktables import ADOPTED, SEALED, known
from fedsync.crdt.books.delegates import Given, given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.handover import endings
from fedsync.crdt.books.mandates import NONE, VOID
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.motions import MotionView, motions
from fedsync.crdt.books.naming import Naming, rule_words
from fedsync.crdt.books.results import ResultView, results_on
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.votes import FINAL
from fedsync.popolo.model import (
    BODY_SCHEME,
    KEY_SCHEME,
    Count,
    Identifier,
    Membership,
    Motion,
    Organization,
    Person,
    Popolo,
    Post,
    Vote,
    VoteEvent,
)
from fedsync.reading import Reading
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.motions import WHOLE, Choice, Rule, parse_rule, rule_value
from fedsync.records.void import Void
from fedsync.store.peers import FollowedBody

TELLER, DELEGATE, SEAT = "teller", "delegate", "seat"
ABSENT = "absent"
PASS, FAIL = "pass", "fail"
RANKED = " > "
"""Between the options of a ranked or several-fold ballot."""

_MACHINE = re.compile(r"\[([a-z_]+)((?: [a-z]+=[a-z0-9]+)*)\]\s*$")


def publish(reading: Reading, bodies: Sequence[FollowedBody]) -> Popolo:
    """Return what these bodies are, and what they were asked and decided, as Popolo."""
    return _Publisher(reading, bodies).publish()


def requirement(rule: Rule) -> str:
    """Return a rule in words, and in a form that programs read back."""
    said = rule_value(rule)
    rest = "".join(f" {name}={value!s}" for name, value in said.items() if name != "method")
    return f"{rule_words(rule)} [{said['method']!s}{rest}]"


def rule_in(text: str) -> Rule | None:
    """Return the rule that a requirement of ours names; None for another's words."""
    found = _MACHINE.search(text)
    if found is None:
        return None
    pairs = (each.split("=") for each in found[2].split())
    value = {name: int(said) if said.isdecimal() else said for name, said in pairs}
    try:
        return parse_rule({"method": found[1], **value})
    except Void:
        return None


def option_words(choice: Choice) -> str:
    """Return what a ballot says; the options of a list in its order."""
    return RANKED.join(choice) if isinstance(choice, tuple) else str(choice)


class _Publisher:
    def __init__(self, reading: Reading, bodies: Sequence[FollowedBody]) -> None:
        self.reading, self.view = reading, reading.view
        self.bodies = {body.body: body for body in bodies}
        self.called = Naming(reading.view, book=reading.name_of)
        self.persons: dict[Key, Person] = {}
        self.seats: dict[PageId, set[PageId]] = {}
        """A body -> those that it has a seat in."""

    def publish(self) -> Popolo:
        epochs = {body.body: self._epoch(body.scope) for body in self.bodies.values()}
        for body, epoch in epochs.items():
            for member in epoch.members if epoch is not None else ():
                self.seats.setdefault(member, set()).add(body)
        posts = [post for body, epoch in epochs.items() for post in self._posts(body, epoch)]
        memberships = [each for body, epoch in epochs.items() for each in self._members(body, epoch)]
        for follows in self.bodies.values():
            memberships += self._mandates(follows)
            for key in people.names(self.view, follows.scope):
                self._person(key, follows.scope)
        asked, events = [], []
        for follows in self.bodies.values():
            for each in motions(self.view, follows.body):
                if each.verdict.status is not VoiceStatus.VOID:
                    results = self._results(each, follows.scope)
                    asked.append(self._motion(each, results))
                    events += [self._event(each, result) for result in results]
        return Popolo(
            persons=tuple(sorted(self.persons.values(), key=lambda each: (each.name, each.id))),
            organizations=tuple(
                self._organization(self.bodies[body], epoch) for body, epoch in sorted(epochs.items())
            ),
            posts=tuple(sorted(posts, key=lambda each: each.id)),
            memberships=tuple(sorted(memberships, key=lambda each: (each.organization_id, each.id))),
            motions=tuple(sorted(asked, key=lambda each: (each.date, each.id))),
            vote_events=tuple(sorted(events, key=lambda each: each.id)),
        )

    def _epoch(self, scope: Scope) -> Epoch | None:
        try:
            return current_epoch(self.view, scope, newest(self.view, scope))
        except CannotDraft:
            return None

    # --- Bodies and people

    def _organization(self, body: FollowedBody, epoch: Epoch | None) -> Organization:
        above = sorted(self.seats.get(body.body, ()))
        return Organization(
            id=body.body.hex(),
            name=self.called.book(body.scope),
            classification=epoch.classification if epoch is not None else "",
            parent_id=above[0].hex() if len(above) == 1 else "",
            founding_date=self._date(body.body),
            identifiers=(Identifier(BODY_SCHEME, body.body.hex()),),
        )

    def _person(self, key: Key, scope: Scope | None = None) -> str:
        if key not in self.persons:
            name = self.called.person(key, scope)
            self.persons[key] = Person(key.hex(), name, (Identifier(KEY_SCHEME, key.hex()),))
        return key.hex()

    def _posts(self, body: PageId, epoch: Epoch | None) -> Iterator[Post]:
        """Yield a post for each seat of a body, and one for all its tellers."""
        if epoch is None:
            return
        if epoch.seats:
            yield Post(f"{body.hex()}:{TELLER}", "Teller", body.hex(), TELLER)
        for member in sorted(epoch.members):
            label = f"Delegate of {self.called.body(member)}"
            yield Post(_seat_post(body, member), label, body.hex(), DELEGATE)

    def _members(self, body: PageId, epoch: Epoch | None) -> Iterator[Membership]:
        """Yield the seats of a body: people, or bodies."""
        if epoch is None:
            return
        scope = self.bodies[body].scope
        for key in sorted(epoch.keys):
            yield Membership(
                organization_id=body.hex(),
                id=f"{body.hex()}:{key.hex()}",
                person_id=self._person(key, scope),
                post_id=f"{body.hex()}:{TELLER}",
                role=TELLER,
            )
        for member in sorted(epoch.members):
            yield Membership(
                organization_id=body.hex(),
                id=f"{body.hex()}:{member.hex()}",
                member_id=member.hex(),
                role=SEAT,
            )

    def _mandates(self, body: FollowedBody) -> Iterator[Membership]:
        """Yield the delegates that a body sent, also those whose term is over."""
        for each in given(self.view, body.scope):
            if each.status in (NONE, VOID):
                continue
            seat = each.mandate.seat
            yield Membership(
                organization_id=(seat if seat is not None else body.body).hex(),
                id=f"{each.id[0].hex()}:{each.id[1]}",
                person_id=self._person(each.mandate.holder, body.scope),
                on_behalf_of_id=body.body.hex(),
                post_id=_seat_post(seat, body.body) if seat is not None else "",
                role=each.mandate.task or DELEGATE,
                start_date=self._date(each.id[0]),
                end_date=self._end(each),
            )

    def _end(self, mandate: Given) -> str:
        for ending in endings(self.view, mandate):
            if ending.status == SEALED:
                return self._date(ending.id[0])
        return _day(mandate.mandate.until)

    # --- Motions and votes

    def _results(self, of: MotionView, scope: Scope) -> list[ResultView]:
        return [
            each
            for each in results_on(self.view, of.id)
            if each.scope == scope and each.page_status in (SEALED, ADOPTED)
        ]

    def _motion(self, of: MotionView, results: list[ResultView]) -> Motion:
        text = f"{plain(of.motion.title)}\n\n{plain(of.motion.text)}".rstrip("\n")
        for name, words in of.motion.clauses:
            text += f"\n\nClause {name}: {plain(words)}"
        rule = of.motion.rule or next((each.entry.rule for each in results), None)
        whole = [each for each in results if each.entry.clause == WHOLE]
        return Motion(
            id=of.id.hex(),
            organization_id=of.motion.body.hex(),
            text=text,
            classification="amendment" if of.motion.amends is not None else "motion",
            date=_day(of.time),
            requirement=requirement(rule) if rule is not None else "",
            result=_result(whole[-1]) if whole else "",
        )

    def _event(self, of: MotionView, result: ResultView) -> VoteEvent:
        counts: Counter[str] = Counter()
        votes = []
        for choice, number in result.entry.counts or ():
            counts[option_words(choice)] += number
        for seat in result.seats:
            group = seat.body.hex() if seat.body is not None else ""
            if seat.ballot is not None:
                option = option_words(seat.ballot.option)
                counts[option] += 1
                votes.append(Vote(self._person(seat.ballot.key, seat.ballot.scope), option, group))
            else:
                voter = seat.key.hex() if seat.key is not None else group
                votes.append(Vote(voter, ABSENT, group))
        return VoteEvent(
            id=f"{result.page.hex()}:{result.index}",
            motion_id=of.id.hex(),
            organization_id=of.motion.body.hex(),
            identifier=result.entry.clause,
            start_date=self._date(result.page),
            result=_result(result),
            counts=tuple(Count(option, counts[option]) for option in sorted(counts)),
            votes=tuple(sorted(votes, key=lambda each: (each.group_id, each.voter_id))),
        )

    def _date(self, page: PageId) -> str:
        return _day(page_time(self.reading, page)) if known(self.view, page) is not None else ""


def _seat_post(body: PageId, member: PageId) -> str:
    return f"{body.hex()}:{member.hex()}"


def _day(time: int | None) -> str:
    """Return the day of a claimed time, UTC; empty for none, and for what no calendar has."""
    if time is None:
        return ""
    try:
        return datetime.fromtimestamp(time / 1000, UTC).strftime("%Y-%m-%d")
    except (OverflowError, ValueError, OSError):
        return ""


def _result(result: ResultView) -> str:
    """Return an outcome as Popolo calls it; empty while it may still change."""
    if result.status != FINAL:
        return ""
    if result.outcome in (None, "no"):
        return FAIL
    return PASS if result.outcome == "yes" else str(result.outcome)
