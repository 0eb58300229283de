"""Bookings of one thing: two people on two sides of a cut never both have it, and who booked before keeps it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.work.schedule import (
    ASKED,
    BOOKED,
    PENDING,
    RELEASED,
    TAKEN,
    Asked,
    Back,
    Freed,
    Granted,
    Place,
    Promised,
    Result,
    Step,
    TakenUp,
    judge,
)
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.lending import Booking
from fedsync.records.kinds.refs import FactRef

ANN, BEN, CEM = (LogId(letter * 32) for letter in (b"A", b"B", b"C"))
OFFER = RecordId(b"offer" + bytes(27))


Steps = dict[LogId, Sequence[Step]]


def id_(name: str) -> RecordId:
    return RecordId(name.encode().ljust(32, b"\0"))


def asked(seq: int, name: str, start: int, stop: int, accepts: str = "", time: int = 0) -> Asked:
    """Return a booking; `accepts`: the name of a grant."""
    refs = (FactRef(LogId(bytes(32)), 0, id_(accepts)),) if accepts else ()
    return Asked(seq, id_(name), time, Booking(OFFER, "Dora", start, stop, refs))


def result(steps: Mapping[LogId, Sequence[Step]], *waiting: str) -> Result:
    return judge(OFFER, Place(ANN, 1), steps, frozenset(map(id_, waiting)))


def statuses(found: Result) -> dict[str, str]:
    return {key.rstrip(b"\0").decode(): verdict.status for key, verdict in found.verdicts.items()}


def test_of_two_bookings_that_meet_the_earlier_on_the_chain_stands() -> None:
    found = result({ANN: [asked(2, "one", 10, 12), asked(3, "two", 11, 13), asked(4, "three", 12, 14)]})
    assert statuses(found) == {"one": BOOKED, "two": TAKEN, "three": BOOKED}
    assert found.verdicts[id_("two")].by == id_("one")
    assert found.booked == [id_("one"), id_("three")]


def test_what_is_released_is_free_again() -> None:
    steps: list[Step] = [asked(2, "one", 10, 12), Freed(3, id_("free"), id_("one")), asked(4, "two", 10, 12)]
    found = result({ANN: steps})
    assert statuses(found) == {"one": RELEASED, "two": BOOKED}
    assert found.verdicts[id_("one")].by == id_("free")


def test_who_has_no_right_only_asks() -> None:
    found = result({ANN: [asked(2, "one", 10, 12)], BEN: [asked(1, "mine", 20, 22)]})
    assert statuses(found) == {"one": BOOKED, "mine": ASKED}
    assert found.holder == ANN


def test_who_has_the_right_from_another_sees_what_was_booked_before() -> None:
    steps: Steps = {
        ANN: [asked(2, "one", 10, 12), Granted(3, id_("grant"), BEN), asked(4, "late", 30, 32)],
        BEN: [asked(1, "early", 30, 32), asked(2, "two", 11, 13, "grant"), asked(3, "three", 12, 14)],
    }
    found = result(steps)
    assert statuses(found) == {"one": BOOKED, "late": ASKED, "early": ASKED, "two": TAKEN, "three": BOOKED}
    assert found.holder == BEN


def test_who_holds_the_right_now_releases_what_was_booked_before() -> None:
    steps: Steps = {
        ANN: [asked(2, "one", 10, 12), Granted(3, id_("grant"), BEN), Freed(4, id_("no"), id_("one"))],
        BEN: [TakenUp(1, (id_("grant"),)), asked(2, "two", 10, 12), Freed(3, id_("yes"), id_("one"))],
    }
    found = result(steps)
    assert statuses(found) == {"one": RELEASED, "two": TAKEN}
    assert found.verdicts[id_("one")].by == id_("yes")


def test_what_rests_on_a_grant_that_is_not_held_waits() -> None:
    found = result({BEN: [asked(1, "one", 10, 12, "grant"), asked(2, "two", 20, 22)]}, "grant")
    assert statuses(found) == {"one": PENDING, "two": PENDING}


def test_a_right_that_nobody_took_up_is_nowhere() -> None:
    found = result({ANN: [Granted(2, id_("grant"), BEN), asked(3, "one", 10, 12)]})
    assert statuses(found) == {"one": ASKED}
    assert (found.holder, found.towards) == (None, BEN)


def test_after_its_end_a_right_books_nothing() -> None:
    steps: Steps = {
        ANN: [Granted(2, id_("grant"), BEN, expires=100)],
        BEN: [asked(1, "one", 10, 12, "grant", time=100), asked(2, "two", 20, 22, time=101)],
    }
    assert statuses(result(steps)) == {"one": BOOKED, "two": ASKED}


def test_who_takes_the_right_back_keeps_to_what_was_booked_up_to_where_they_looked() -> None:
    steps: Steps = {
        ANN: [
            Granted(2, id_("grant"), BEN, expires=100),
            asked(3, "between", 50, 52),
            Back(4, id_("grant"), 2),
            asked(5, "same", 11, 13),
            asked(6, "other", 20, 22),
        ],
        BEN: [asked(1, "one", 10, 12, "grant"), asked(3, "unseen", 20, 22)],
    }
    found = result(steps)
    assert statuses(found) == {
        "between": ASKED, "one": BOOKED, "unseen": ASKED, "same": TAKEN, "other": BOOKED,
    }  # fmt: skip
    assert found.verdicts[id_("unseen")].code == "taken-back"
    assert found.holder == ANN


def test_a_right_that_is_taken_back_before_it_was_taken_up_was_never_away() -> None:
    steps: Steps = {
        ANN: [Granted(2, id_("grant"), BEN), Back(3, id_("grant"), -1), asked(4, "one", 10, 12)],
        BEN: [asked(1, "two", 10, 12, "grant")],
    }
    assert statuses(result(steps)) == {"one": BOOKED, "two": ASKED}


def test_who_looks_where_the_right_had_gone_on_gets_nothing_back() -> None:
    steps: Steps = {
        ANN: [Granted(2, id_("first"), BEN), Back(3, id_("first"), 1), asked(4, "mine", 10, 12)],
        BEN: [
            TakenUp(1, (id_("first"),)),
            Granted(1, id_("second"), CEM),
            Back(3, id_("second"), 1),
            asked(4, "bens", 20, 22),
        ],
        CEM: [asked(1, "cems", 10, 12, "second")],
    }
    found = result(steps)
    assert statuses(found) == {"mine": ASKED, "bens": BOOKED, "cems": BOOKED}
    assert found.holder == BEN


def test_while_the_thing_is_promised_away_it_is_not_booked() -> None:
    steps: list[Step] = [Promised(2, 4), asked(3, "one", 10, 12), asked(5, "two", 10, 12), Promised(6, None)]
    assert statuses(result({ANN: [*steps, asked(7, "three", 20, 22)]})) == {
        "one": ASKED, "two": BOOKED, "three": ASKED,
    }  # fmt: skip


def test_who_promised_the_thing_away_can_still_release_what_they_booked_before() -> None:
    steps: list[Step] = [asked(2, "one", 10, 12), Promised(3, None), Freed(4, id_("free"), id_("one"))]
    assert statuses(result({ANN: steps})) == {"one": RELEASED}


# --- People who know little of each other -------------------------------------------------------------------


@dataclass
class World:
    """People with logs, each of whom has seen some of the others' records."""

    logs: dict[LogId, list[Step]] = field(default_factory=lambda: {ANN: [], BEN: [], CEM: []})
    seen: dict[LogId, dict[LogId, int]] = field(default_factory=dict)
    past: dict[RecordId, dict[LogId, int]] = field(default_factory=dict)
    """By record: how much of each log its author had seen."""
    number: int = 0

    def act(self, random: Random) -> None:
        """Have somebody hear of others, and then do something that they may do as far as they know."""
        who = random.choice(list(self.logs))
        seen = self.seen.setdefault(who, {})
        for other, steps in self.logs.items():
            if other != who and random.random() < 0.4:
                self.hear(who, other, random.randint(seen.get(other, 0), len(steps)))
        known = {log: self.logs[log][: seen.get(log, 0)] for log in self.logs if log != who}
        now = judge(OFFER, Place(ANN, 0), {**known, who: self.logs[who]})
        grants = [step for each in known.values() for step in each if isinstance(step, Granted)]
        mine = [each.id for each in grants if each.to == who and not self._has_named(who, each.id)]
        seq = len(self.logs[who])
        self.number += 1
        name = id_(f"{self.number}")
        holds = now.holder == who
        if holds and random.random() < 0.2:
            to = random.choice([each for each in self.logs if each != who])
            self._write(who, Granted(seq, name, to))
        elif holds and now.booked and random.random() < 0.3:
            self._write(who, Freed(seq, name, random.choice(now.booked)))
        else:
            start = random.randrange(12)
            refs = tuple(FactRef(who, 0, each) for each in mine)
            span = Booking(OFFER, "Dora", start, start + random.randint(1, 3), refs)
            self._write(who, Asked(seq, name, 0, span))

    def hear(self, who: LogId, of: LogId, upto: int) -> None:
        """Have somebody see a log up to a place, and what its author had seen by then: whoever passes it on has that."""
        seen = self.seen.setdefault(who, {})
        if upto <= seen.get(of, 0):
            return
        seen[of] = upto
        for step in self.logs[of][:upto]:
            for log, count in self.past[_id_of(step)].items():
                if log != who:
                    seen[log] = max(seen.get(log, 0), count)

    def _has_named(self, who: LogId, grant: RecordId) -> bool:
        return any(
            isinstance(step, Asked) and any(ref.id == grant for ref in step.said.accepts)
            for step in self.logs[who]
        )

    def _write(self, who: LogId, step: Step) -> None:
        self.past[_id_of(step)] = {**self.seen[who], who: len(self.logs[who])}
        self.logs[who].append(step)

    def known_to(self, record: RecordId) -> dict[LogId, list[Step]]:
        """Return what the author of a record had seen when they wrote it, and the record."""
        past = self.past[record]
        found = {log: steps[: past.get(log, 0)] for log, steps in self.logs.items()}
        for log, steps in self.logs.items():
            found[log] += [step for step in steps if _id_of(step) == record]
        return found


def _id_of(step: Step) -> RecordId:
    assert isinstance(step, Asked | Granted | Freed)
    return step.id


def naive(world: World, booking: RecordId) -> bool:
    """Say whether a booking holds, by its author's past alone: does the log hold the right, and was the time free?"""
    known = world.known_to(booking)
    log, step = next((log, step) for log, steps in known.items() for step in steps if _id_of(step) == booking)
    assert isinstance(step, Asked)
    before = [each for each in known[log] if each.seq <= step.seq]
    grants = {each.id: each for steps in known.values() for each in steps if isinstance(each, Granted)}
    named = {
        ref.id for each in before if isinstance(each, Asked) for ref in each.said.accepts if ref.id in grants
    }
    income = (log == ANN) + sum(grants[each].to == log for each in named)
    if income - sum(isinstance(each, Granted) for each in before) < 1:
        return False
    # Here nobody releases anything without holding the right, by what they know: so they do hold it.
    freed = {each.booking for steps in known.values() for each in steps if isinstance(each, Freed)}
    others = [
        each
        for steps in known.values()
        for each in steps
        if isinstance(each, Asked) and each.id != booking and each.id not in freed
    ]
    return not any(each.said.overlaps(step.said) and naive(world, each.id) for each in others)


@given(st.integers(0, 2**32))
def test_bookings_hold_by_what_their_authors_had_seen_and_never_meet(seed: int) -> None:
    random = Random(seed)
    world = World()
    for _ in range(random.randint(2, 16)):
        world.act(random)
    found = judge(OFFER, Place(ANN, 0), world.logs)
    bookings = {step.id: step for steps in world.logs.values() for step in steps if isinstance(step, Asked)}
    for id__, verdict in found.verdicts.items():
        assert (verdict.status in (BOOKED, RELEASED)) == naive(world, id__), (id__, verdict)
        # Whatever else becomes known later, it is as its author saw it, but for a release.
        then = judge(OFFER, Place(ANN, 0), world.known_to(id__)).verdicts[id__]
        assert then.status == (BOOKED if verdict.status == RELEASED else verdict.status)
    standing = [bookings[each].said for each, verdict in found.verdicts.items() if verdict.status == BOOKED]
    assert not any(one.overlaps(other) for one, other in combinations(standing, 2))
    assert sorted(found.booked) == sorted(
        each for each, verdict in found.verdicts.items() if verdict.status == BOOKED
    )
