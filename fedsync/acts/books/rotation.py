"""Who serves how long: terms of delegates against the body's own rule of rotation. Reads; writes nothing.

The rule is the body's, for its own people: no node voids a mandate that breaks it. So times here are those that the
writers of pages claimed, which are shown and never trusted. A person is a name in the body, whatever number of keys
they have; who has no name is their key. An alternate does not serve until they are given the mandate.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from fedsync.crdt.books import people
from fedsync.crdt.books.booktables import ADOPTED, DRAFTED, SEALED, page_row, record_row
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.handover import endings
from fedsync.crdt.books.mandates import NONE, VOID
from fedsync.crdt.books.minutes import PageView, current_epoch
from fedsync.errors import Problem, refused
from fedsync.reading import Reading
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import Mandate, Rotation

DAY_MS = 86_400_000

What = tuple[PageId | None, str | None]
"""A seat in a body, or a task."""


@dataclass(frozen=True, slots=True)
class Service:
    """How long somebody has served for one seat or task without a break. `until` is None while they serve."""

    who: str
    key: Key
    what: What
    since: int
    page: int
    """The number of the page that sent them."""
    until: int | None
    terms: int

    def days(self, now: int) -> int:
        """Return the whole days served so far."""
        return max(0, (now if self.until is None else self.until) - self.since) // DAY_MS

    def over(self, rule: Rotation | None, now: int) -> bool:
        """Say whether they serve, or served, longer than the rule allows."""
        return rule is not None and self._served(now) > rule.longest * DAY_MS

    def cools_until(self, rule: Rotation | None, now: int) -> int | None:
        """Return until when they may not serve again; None when they serve, or may."""
        if rule is None or self.until is None:
            return None
        end = self.until + rule.cooling * DAY_MS
        return end if end > now else None

    def _served(self, now: int) -> int:
        return (now if self.until is None else self.until) - self.since


def rule_of(reading: Reading, scope: Scope) -> Rotation | None:
    """Return a body's rule of rotation, None when it has none."""
    try:
        epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    except CannotDraft:
        return None
    return epoch.rotation if epoch is not None else None


def services(reading: Reading, scope: Scope, now: int, without: PageId | None = None) -> list[Service]:
    """Return who served for a body, by person and seat, the earliest first; `without` what a page gives and ends.

    Terms that follow each other sooner than the time to cool off are one service: a break that is too short is none.
    """
    rule = rule_of(reading, scope)
    pause = rule.cooling * DAY_MS if rule is not None else 0
    found: dict[tuple[str, What], list[Service]] = {}
    for term in sorted(_terms(reading, scope, now, without), key=lambda each: (each.since, each.page)):
        before = found.setdefault((term.who.casefold(), term.what), [])
        last = before[-1] if before else None
        if last is not None and (last.until is None or term.since <= last.until + pause):
            ends = None if None in (last.until, term.until) else max(last.until or 0, term.until or 0)
            before[-1] = Service(term.who, term.key, term.what, last.since, last.page, ends, last.terms + 1)
        else:
            before.append(term)
    return sorted((each for all_ in found.values() for each in all_), key=lambda each: (each.since, each.who))


def check(
    reading: Reading,
    scope: Scope,
    holder: Key,
    what: What,
    until: int | None,
    now: int,
    without: PageId | None = None,
) -> tuple[int | None, Problem | None]:
    """Return until when a new mandate lasts, and how it breaks the body's rule of rotation, None when it does not.

    Where the rule has a longest term and none is asked for, the mandate lasts as long as the rule allows.
    """
    rule = rule_of(reading, scope)
    if rule is None:
        return until, None
    who = name_of(reading, scope, holder)
    mine = [
        each
        for each in services(reading, scope, now, without)
        if each.who.casefold() == who.casefold() and each.what == what
    ]
    last = mine[-1] if mine else None
    if last is not None and (end := last.cools_until(rule, now)) is not None:
        days = -((now - end) // DAY_MS)
        return until, refused(
            "cooling-off",
            f"{who} served there until {_ago(now, last.until or now)}, and by the body's rule may again after "
            f"{_days(rule.cooling)}: in {_days(days)}.",
            "Send somebody else; or add --against-the-rule, which the page's signers will read.",
        )
    since = last.since if last is not None and last.until is None else now
    latest = since + rule.longest * DAY_MS
    if latest < now:
        return until, refused(
            "served-too-long",
            f"{who} has served there for {_days((now - since) // DAY_MS)}; the body's rule is "
            f"{_days(rule.longest)} at most.",
            "Send somebody else; or add --against-the-rule, which the page's signers will read.",
        )
    if until is not None and until > latest + DAY_MS:  # a day to its end is not more than a day
        return until, refused(
            "term-too-long",
            f"By the body's rule a term lasts {_days(rule.longest)} at most, for {who} until in "
            f"{_days((latest - now) // DAY_MS)}.",
            "Give an earlier --until, or none; or add --against-the-rule, which the page's signers will read.",
        )
    return (latest if until is None else until), None


def name_of(reading: Reading, scope: Scope, key: Key) -> str:
    """Return what a person is called in a body, else the key's beginning."""
    return people.name_of(reading.view, scope, key) or key.hex()[:8]


def page_time(reading: Reading, page: PageId) -> int | None:
    """Return when a page was drafted, by the clock of the log that brought it here; None when it is not held."""
    held = page_row(reading.view, page)
    at = record_row(reading.view, held.carrier) if held is not None else None
    if at is None:
        return None
    for block in reading.store.logs.blocks(at.log, at.seq):
        if block.first <= at.seq <= block.last:
            return block.record(at.seq - block.first).time
    return None


def broken_on(reading: Reading, page: PageView, now: int) -> list[str]:
    """Return how the mandates on a page that is not sealed yet break the body's rule: for whoever is to sign it."""
    if page.status not in (DRAFTED, ADOPTED):
        return []
    found = []
    for entry in page.entries:
        if isinstance(entry, Mandate):
            what = (entry.seat, entry.task)
            _, broken = check(reading, page.scope, entry.holder, what, entry.until, now, page.id)
            if broken is not None:
                found.append(broken.message)
    return found


def _terms(reading: Reading, scope: Scope, now: int, without: PageId | None) -> Iterable[Service]:
    for each in given(reading.view, scope):
        if each.id[0] == without:
            continue
        since = page_time(reading, each.id[0])
        if each.status in (NONE, VOID) or since is None:
            continue
        ends = [
            time
            for ending in endings(reading.view, each)
            if ending.status == SEALED
            and ending.id[0] != without
            and (time := page_time(reading, ending.id[0])) is not None
        ]
        if each.mandate.until is not None and each.mandate.until < now:
            ends.append(each.mandate.until)
        what = (each.mandate.seat, each.mandate.task)
        who = name_of(reading, scope, each.mandate.holder)
        until = max(since, min(ends)) if ends else None
        yield Service(who, each.mandate.holder, what, since, each.number, until, 1)


def _days(number: int) -> str:
    return f"{number} day{'' if number == 1 else 's'}"


def _ago(now: int, then: int) -> str:
    days = (now - then) // DAY_MS
    return "today" if days < 1 else f"{_days(days)} ago"
