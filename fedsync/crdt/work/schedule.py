"""Bookings of one thing: which stand, which are only asked for. Pure.

An offer of one thing to be used is one right, and it lies in one log at a time. Whoever holds it books; so there is one
history of the thing, along the log that made the offer, then along the one that it granted the right to, and so on. A
booking stands when its log holds the right at that place of its chain, and when it meets no earlier booking of this
history that still stands. Both rest on what the author had seen: on two sides of a cut only one can book at all.

- A booking ends when the log that holds the right releases it, whoever made it: then its time is free.
- What a log books without the right is asked for. Whoever holds the right can book it for them.
- A right that the granter took back leaves the holder what it booked up to the place that the granter had looked at.
"""

from bisect import bisect_left, insort
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.lending import Booking

BOOKED, RELEASED, TAKEN, ASKED, PENDING, VOID = "booked", "released", "taken", "asked", "pending", "void"
"""What a booking is worth. Taken: some of its time was booked before. Pending: what it rests on is not held."""


class Verdict(NamedTuple):
    """What a booking is worth, the code of the reason, and the record that makes it so: another booking, a release."""

    status: str
    code: str
    by: RecordId | None = None


# --- What is known of the right ----------------------------------------------------------------------------


class Granted(NamedTuple):
    """The log hands the right on, to nobody when it gives it up. `expires` in ms."""

    seq: int
    id: RecordId
    to: LogId | None
    expires: int | None = None


class Back(NamedTuple):
    """The log takes back what it granted, as of the holder's record number `at`; -1: before its first."""

    seq: int
    grant: RecordId
    at: int


class Promised(NamedTuple):
    """The log promises the thing away, until its record number `until` releases that; None: for good."""

    seq: int
    until: int | None


class TakenUp(NamedTuple):
    """The log takes up grants with a promise or a grant of its own."""

    seq: int
    grants: tuple[RecordId, ...]


class Asked(NamedTuple):
    """The log books, and takes up the grants that the booking names. `time`: when, by its own word, in ms."""

    seq: int
    id: RecordId
    time: int
    said: Booking


class Freed(NamedTuple):
    """The log releases a booking."""

    seq: int
    id: RecordId
    booking: RecordId


Step: TypeAlias = Granted | Back | Promised | TakenUp | Asked | Freed


class Result(NamedTuple):
    """What each booking is worth; which log holds the right, None when none does; and what is booked, by time.

    `towards`: the log that the right was handed to and that has not taken it up, when none holds it for that.
    """

    verdicts: dict[RecordId, Verdict]
    holder: LogId | None
    booked: list[RecordId]
    towards: LogId | None = None


# --- Time ---------------------------------------------------------------------------------------------------


@dataclass
class Times:
    """Stretches of time that do not meet, each with the record that booked it."""

    found: list[tuple[int, int, RecordId]] = field(default_factory=list)
    by: dict[RecordId, tuple[int, int, RecordId]] = field(default_factory=dict)

    def meets(self, start: int, stop: int) -> RecordId | None:
        """Return a record that booked some of this time, the earliest of it."""
        at = bisect_left(self.found, (start,))
        if at and self.found[at - 1][1] > start:
            return self.found[at - 1][2]
        if at < len(self.found) and self.found[at][0] < stop:
            return self.found[at][2]
        return None

    def add(self, start: int, stop: int, by: RecordId) -> None:
        """Book a stretch that meets none."""
        self.by[by] = (start, stop, by)
        insort(self.found, self.by[by])

    def free(self, booking: RecordId) -> bool:
        """Free what a record booked; say whether it had."""
        booked = self.by.pop(booking, None)
        if booked is None:
            return False
        del self.found[bisect_left(self.found, booked)]
        return True


# --- The way of the right -----------------------------------------------------------------------------------

ENDLESS = 2**60
"""Beyond every number of a record."""


class Place(NamedTuple):
    """A log, and the number of the record from which on it holds the right."""

    log: LogId
    seq: int


@dataclass(frozen=True, slots=True)
class _Tenure:
    """How a log came to hold the right: by the offer or a grant, and until when it may use it (ms)."""

    source: RecordId
    expires: int | None


def judge(
    offer: RecordId,
    where: Place,
    steps: Mapping[LogId, Sequence[Step]],
    waiting: frozenset[RecordId] = frozenset(),
) -> Result:
    """Return what all bookings of an offer of one thing are worth; `where`: the log that makes it, and its number there.

    Steps of a log are in the order of its chain. Only grants, promises and taking back that are valid are among them;
    `waiting` are grants that logs name and of which nobody can say yet whether they are.
    """
    return _Judge(offer, where, steps, waiting).run()


class _Judge:
    def __init__(
        self,
        offer: RecordId,
        where: Place,
        steps: Mapping[LogId, Sequence[Step]],
        waiting: frozenset[RecordId],
    ) -> None:
        self._offer, self._where, self._steps, self._waiting = offer, where, steps, waiting
        self._tenures: dict[LogId, _Tenure] = {}
        self._times = Times()
        self._verdicts: dict[RecordId, Verdict] = {}
        self._taken_up = self._first_taken_up()
        self._backs: dict[RecordId, list[Back]] = {}
        """By grant: what its granter took back, by the places that it looked at."""
        for each in steps.values():
            for step in each:
                if isinstance(step, Back):
                    self._backs.setdefault(step.grant, []).append(step)
        for backs in self._backs.values():
            backs.sort(key=lambda back: (back.at, back.seq))
        self._granter = {
            step.id: log for log, each in steps.items() for step in each if isinstance(step, Granted)
        }
        self._towards: LogId | None = None
        self._lost: dict[LogId, int] = {}
        """By log: the last of its records that had the right, before it was taken back."""

    def _first_taken_up(self) -> dict[tuple[LogId, RecordId], int]:
        found: dict[tuple[LogId, RecordId], int] = {}
        for log, steps in self._steps.items():
            for step in steps:
                for grant in _names(step):
                    if grant not in self._waiting:
                        found.setdefault((log, grant), step.seq)
        return found

    def run(self) -> Result:
        """Follow the right from log to log, and judge what is booked and released on its way."""
        place: Place | None = self._where
        holder: LogId | None = None
        self._tenures[self._where.log] = _Tenure(self._offer, None)
        while place is not None:
            holder, place = place.log, self._hold(place)
        if holder not in self._tenures:
            holder = None
        for log, steps in self._steps.items():
            self._without(log, steps)
        return Result(self._verdicts, holder, [each[2] for each in self._times.found], self._towards)

    def _hold(self, place: Place) -> Place | None:
        """Do what a log does from a place on while it holds the right; return where the right goes from there."""
        log, seq = place
        tenure = self._tenures[log]
        # Who looked at an earlier place found the right gone on from here, and got nothing.
        back = next((each for each in self._backs.get(tenure.source, ()) if each.at >= seq), None)
        away = -1
        for step in self._steps.get(log, ()):
            if step.seq < seq:
                continue
            if back is not None and step.seq > back.at:
                break
            match step:
                case Granted():
                    return self._pass_on(log, step)
                case Promised(until=until):
                    away = ENDLESS if until is None else until
                case Asked() if step.seq < away:
                    self._verdicts[step.id] = Verdict(ASKED, "promised-away")
                case Asked():
                    self._book(step, tenure)
                case Freed() if self._times.free(step.booking):
                    self._verdicts[step.booking] = Verdict(RELEASED, "released", step.id)
        if back is None:
            return None
        self._lost[log] = back.at
        return Place(self._granter[tenure.source], back.seq)

    def _book(self, step: Asked, tenure: _Tenure) -> None:
        if tenure.expires is not None and step.time > tenure.expires:
            self._verdicts[step.id] = Verdict(ASKED, "right-over")
            return
        met = self._times.meets(step.said.start, step.said.stop)
        if met is not None:
            self._verdicts[step.id] = Verdict(TAKEN, "booked-before", met)
            return
        self._times.add(step.said.start, step.said.stop, step.id)
        self._verdicts[step.id] = Verdict(BOOKED, "booked")

    def _pass_on(self, log: LogId, grant: Granted) -> Place | None:
        """Return where the right goes on: to whoever takes it up, back to where it came from, or nowhere for now."""
        begins = None if grant.to is None else self._taken_up.get((grant.to, grant.id))
        backs = self._backs.get(grant.id, ())
        early = next((each for each in backs if begins is None or each.at < begins), None)
        if early is not None:
            return Place(log, early.seq)
        if grant.to is None or begins is None:
            del self._tenures[log]
            self._towards = grant.to
            return None
        self._tenures[grant.to] = _Tenure(grant.id, grant.expires)
        return Place(grant.to, begins)

    def _without(self, log: LogId, steps: Sequence[Step]) -> None:
        """Say what bookings are worth that a log made while it did not hold the right."""
        waits = False
        for step in steps:
            waits |= not self._waiting.isdisjoint(_names(step))
            if isinstance(step, Asked) and step.id not in self._verdicts:
                late = step.seq > self._lost.get(log, ENDLESS)
                code = "grant-not-held" if waits else "taken-back" if late else "no-right"
                self._verdicts[step.id] = Verdict(PENDING if waits else ASKED, code)


def _names(step: Step) -> Iterator[RecordId]:
    """Yield the grants that a step takes up."""
    match step:
        case TakenUp(grants=grants):
            yield from grants
        case Asked(said=said):
            yield from (ref.id for ref in said.accepts)
