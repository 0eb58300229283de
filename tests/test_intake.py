"""Who has to wait at the door, for whom, and for how long: a naive count, and nodes that are flooded."""

from collections.abc import Iterator
from dataclasses import replace
from random import Random

import pytest

from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.root import state_root
from fedsync.crdt.view import Draft as Look
from fedsync.intake import (
    ANY,
    FIRST_RECORDS,
    HOUR_MS,
    KEPT,
    OWN_TIMES,
    URGENT_PART,
    Intake,
    Room,
    Share,
    Spent,
    Whose,
    read_name,
)
from fedsync.node import Node, Taken, Verdict
from fedsync.records.codec import unpack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, Reach
from fedsync.records.kinds.authority import PAGE
from fedsync.records.seal import Draft, seal
from tests.nodes import BY, HOUR, NOON, Scribe, node

DAY = 24 * HOUR


class Naive:
    """Adds up all that was ever let in, each time it is asked."""

    def __init__(self, author: Share, body: Share) -> None:
        self.author, self.body = author, body
        self.events: list[tuple[int, bytes, bytes, Room, int, int]] = []

    def spent(self, now: int, span: int, at: int, id_: bytes, room: Room) -> tuple[int, int]:
        found = [
            each for each in self.events
            if each[0] // span == now // span and each[at] == id_ and each[3] is room
        ]  # fmt: skip
        return sum(each[4] for each in found), sum(each[5] for each in found)

    def until(self, now: int, share: Share, at: int, id_: bytes, room: Room) -> int:
        records, size = self.spent(now, DAY, at, id_, room)
        if records >= share.day_records or size >= share.day_bytes:
            return (now // DAY + 1) * DAY
        records, size = self.spent(now, HOUR, at, id_, room)
        if records >= share.hour_records or size >= share.hour_bytes:
            return (now // HOUR + 1) * HOUR
        return 0

    def wait(self, now: int, key: bytes, scope: bytes, room: Room, times: int) -> int:
        part = URGENT_PART if room is Room.URGENT else 1
        author, body = (each.part(part).times(times) for each in (self.author, self.body))
        found = self.until(now, author, 1, key, room)
        if not found and self.spent(now, HOUR, 1, key, room)[0] >= FIRST_RECORDS:
            found = self.until(now, body, 2, scope, room) or self.part(now, body, key, scope, room)
        return found

    def part(self, now: int, share: Share, key: bytes, scope: bytes, room: Room) -> int:
        """Say until when an author waits that has as much as is left of its body's room."""
        for span, most in (
            (DAY, (share.day_records, share.day_bytes)),
            (HOUR, (share.hour_records, share.hour_bytes)),
        ):
            mine, all_ = self.spent(now, span, 1, key, room), self.spent(now, span, 2, scope, room)
            if any(one + others >= limit for one, others, limit in zip(mine, all_, most, strict=True)):
                return (now // span + 1) * span
        return 0


def test_a_naive_count_agrees_about_who_waits_until_when_through_restarts() -> None:
    waits = 0
    with node() as at:
        scribes = [Scribe(at, body, "Ann", "Ben", "Cleo") for body in ("Oakfield", "Mill Lane")]
    for seed in range(60):
        die = Random(seed)
        kept: dict[bytes, Spent] = {}
        # Bytes of an hour run out before those of a day in some lives, and after in others.
        author_hour, body_hour = die.randrange(2, 12) * 10**4, die.randrange(4, 60) * 10**4
        author = Share(
            die.randrange(200, 900), author_hour, die.randrange(500, 3000), die.randrange(1, 3) * 10**5
        )
        body = Share(die.randrange(300, 1500), body_hour, 4000, die.randrange(2, 6) * 10**5)
        intake, naive = Intake(kept.get, author, body), Naive(author, body)
        now = NOON
        for _ in range(200):
            now += die.randrange(HOUR // 4)
            scribe = die.choice(scribes)
            log_class = die.choice(list(LogClass))
            genesis = scribe.genesis(die.choice(("Ann", "Ben", "Cleo")), log_class)
            own, urgent = scribe is scribes[0], die.random() < 0.5
            room = Room.AUTHORITY if log_class is LogClass.AUTHORITY else Room.FACTS
            times = OWN_TIMES if own else 1
            wanted = naive.wait(now, genesis.key, genesis.scope, room, times)
            if wanted and room is Room.AUTHORITY:
                room = Room.URGENT
                if urgent:
                    wanted = naive.wait(now, genesis.key, genesis.scope, room, times)
            found = intake.wait(genesis, own, now, lambda urgent=urgent: urgent)  # type: ignore[misc]
            assert (found.until if found else 0) == wanted, seed
            waits += wanted > 0
            if not wanted:
                records, size = die.randrange(1, 129), die.randrange(1, 48_000)
                intake.count(genesis, own, records, size, now)
                naive.events.append((now, genesis.key, genesis.scope, room, records, size))
            kept.update((row.name, row) for row in intake.unsaved())
            if die.random() < 0.05:
                intake = Intake(kept.get, author, body)  # a restart
    assert waits > 500


@pytest.mark.parametrize("measure", ["hour_records", "hour_bytes", "day_records", "day_bytes"])
def test_by_no_measure_has_an_author_more_of_the_bodys_room_than_is_left_of_it(measure: str) -> None:
    kept: dict[bytes, Spent] = {}
    intake = Intake(kept.get, ANY, replace(ANY, **{measure: 4000}))
    with node() as at:
        scribe = Scribe(at, "Oakfield", "Ann", "Ben")
        ann, ben = (scribe.genesis(name, LogClass.FACTS) for name in ("Ann", "Ben"))
    intake.count(ann, False, 1999, 1999, NOON)
    assert intake.wait(ann, False, NOON, lambda: False) is None
    intake.count(ann, False, 1, 1, NOON)
    span = HOUR if measure.startswith("hour") else DAY
    assert intake.wait(ann, False, NOON, lambda: False) == (Whose.AUTHOR, (NOON // span + 1) * span)
    intake.count(ben, False, FIRST_RECORDS, FIRST_RECORDS, NOON)
    assert intake.wait(ben, False, NOON, lambda: False) is None


def test_a_batch_that_was_dropped_counts_for_nothing() -> None:
    kept: dict[bytes, Spent] = {}
    intake = Intake(kept.get, Share(10, 100, 10, 100), ANY)
    with node() as at:
        genesis = Scribe(at, "Oakfield", "Ann", "Ben").genesis("Ann", LogClass.FACTS)
    intake.count(genesis, False, 50, 50, NOON)
    assert intake.wait(genesis, False, NOON, lambda: False) is not None
    intake.forget()
    assert intake.wait(genesis, False, NOON, lambda: False) is None


def test_however_many_authors_are_asked_for_few_are_kept_in_mind() -> None:
    kept: dict[bytes, Spent] = {}
    intake = Intake(kept.get, ANY, ANY)
    with node() as at:
        one = Scribe(at, "Oakfield", "Ann", "Ben").genesis("Ann", LogClass.FACTS)
    most = 0
    for number in range(20_000):
        genesis = replace(one, key=Key(number.to_bytes(32, "big")))
        intake.wait(genesis, False, NOON, lambda: False)
        if number % 3 == 0:
            intake.count(genesis, False, 1, 100, NOON)
        if number % 100 == 0:
            kept.update((row.name, row) for row in intake.due(NOON))
            most = max(most, len(intake._accounts))
    assert most <= KEPT + 200
    kept.update((row.name, row) for row in intake.unsaved())
    assert sum(row.hour_records for row in kept.values() if row.name[0] == Whose.BODY) == 20_000 // 3 + 1


# --- At a node's door -------------------------------------------------------------------------------------

SMALL = Share(300, 10**9, 1000, 10**9)


class Clock:
    """The time at a node, which a test moves."""

    def __init__(self) -> None:
        self.now = NOON // HOUR * HOUR

    def __call__(self) -> int:
        return self.now


@pytest.fixture
def door() -> Iterator[tuple[Node, Scribe]]:
    """Give a node that follows a body, with small shares, and the scribe who writes for the body elsewhere."""
    with node() as there, node() as here:
        scribe = Scribe(there, "Oakfield", "Ann", "Ben", "Cleo")
        here.begin()
        here.follow(scribe.scope, scribe.id, "Oakfield", "peer")
        here.settle()
        here.commit()
        here.now = Clock()
        bring(here, scribe)
        here.intake.author = SMALL
        yield here, scribe


def bring(here: Node, scribe: Scribe) -> list[Taken]:
    """Bring all blocks that the scribe wrote, in order."""
    found = here.take_now([block.raw for block in scribe.blocks], BY)
    return [each for each in found if each.verdict is not Verdict.KNOWN]


def agree(here: Node, scribe: Scribe) -> bool:
    """Say whether both nodes show the same."""
    return state_root(Look(here.state), [scribe.scope]) == state_root(Look(scribe.at.state), [scribe.scope])


def test_new_keys_that_carry_page_0_bring_in_no_more_together_than_strangers_may(
    door: tuple[Node, Scribe],
) -> None:
    """Anybody may begin a log by carrying page 0: with a key for each log there would be no end to it."""
    here, scribe = door
    here.intake.body = Share(100 * URGENT_PART, 10**9, 10**6, 10**9)
    page = page_row(here.state, scribe.id)
    assert page is not None
    before, codes = here.store.logs.count(), set()
    for number in range(1, 9):
        private = private_key(bytes([number]) * 32)
        genesis = Genesis(public_key(private), scribe.scope, SEAT, LogClass.AUTHORITY, Reach.WORLD, bytes(16))
        drafts = [Draft(PAGE, unpack(page.payload), at) for at in range(1, 51)]
        raws = [block.raw for block in seal(private, genesis, None, drafts, 1)]
        codes |= {each.code for each in here.take_now(raws, BY)}
    assert here.store.logs.count() - before <= 150
    assert "body-share" in codes
    scribe.decide("We go on", "Ann", "Ben")
    assert not any(each.verdict is Verdict.REFUSED for each in bring(here, scribe)), (
        "no room of others is used"
    )


def test_who_is_over_the_share_waits_until_the_hour_is_over_and_nothing_is_lost(
    door: tuple[Node, Scribe],
) -> None:
    here, scribe = door
    for _ in range(9):
        scribe.move("Ann", *range(1, 101))
    before = here.store.logs.count()
    outcomes = bring(here, scribe)
    late = [each for each in outcomes if each.verdict is Verdict.REFUSED]
    assert late
    assert {each.code for each in late} == {"author-share"}
    assert {each.until for each in late} == {here.now() + HOUR_MS}
    assert 300 <= here.store.logs.count() - before < 300 + 128
    here.now.now += HOUR_MS  # type: ignore[attr-defined]
    bring(here, scribe)
    assert not agree(here, scribe)
    here.now.now += HOUR_MS  # type: ignore[attr-defined]
    bring(here, scribe)
    assert agree(here, scribe)


def test_a_flood_of_facts_delays_no_decision_of_the_same_author(door: tuple[Node, Scribe]) -> None:
    here, scribe = door
    scribe.move("Ann", *range(1, 1001))
    scribe.decide("We stop that", "Ann", "Ben")
    outcomes = bring(here, scribe)
    assert any(each.verdict is Verdict.REFUSED for each in outcomes)
    authority = [each for each in outcomes if each.block and "signature" in each.block.kinds]
    assert len(authority) >= 2
    assert all(each.verdict is Verdict.TAKEN for each in authority)


def test_what_is_held_or_was_written_here_waits_for_nothing(door: tuple[Node, Scribe]) -> None:
    here, scribe = door
    blocks = scribe.move("Ann", *range(1, 1001))
    (late,) = {each.verdict for each in here.take_now([block.raw for block in blocks], BY)[5:]}
    assert late is Verdict.NO_BASE or late is Verdict.REFUSED
    # The same again, as if our own people had written it: no share holds for what is written here.
    assert {each.verdict for each in here.take_now([block.raw for block in blocks])} <= {
        Verdict.TAKEN,
        Verdict.KNOWN,
    }
    assert {each.verdict for each in here.take_now([block.raw for block in blocks], BY)} == {Verdict.KNOWN}


def test_a_fork_is_proved_whatever_its_author_brought_in(door: tuple[Node, Scribe]) -> None:
    here, scribe = door
    scribe.move("Ann", *range(1, 1001))
    bring(here, scribe)
    log = scribe.genesis("Ann", LogClass.FACTS).log
    fork = scribe.fork("Ann", LogClass.FACTS, 5, *scribe.moves(7, 8, 9))
    (taken,) = here.take_now([fork[0].raw], BY)
    assert taken.verdict is Verdict.FORKED
    assert here.store.logs.fork_at(log) == 6


def test_who_is_over_the_share_waits_though_a_block_begins_with_what_is_held(
    door: tuple[Node, Scribe],
) -> None:
    here, scribe = door
    genesis, drafts = scribe.genesis("Ann", LogClass.FACTS), scribe.moves(*range(1, 401))
    scribe.write("Ann", LogClass.FACTS, *drafts[:310])
    bring(here, scribe)
    tip = here.store.logs.tip(genesis.log)
    assert tip is not None
    (longer,) = scribe.sealed("Ann", genesis, *drafts[tip.seq - 1 : tip.seq + 2], after=tip.seq - 1)
    assert longer.record(0).id == tip.id, "the same chain, and two records more"
    (taken,) = here.take_now([longer.raw], BY)
    assert (taken.verdict, taken.code) == (Verdict.REFUSED, "author-share")


def test_that_a_log_forked_at_its_very_beginning_is_proved_too(door: tuple[Node, Scribe]) -> None:
    here, scribe = door
    scribe.move("Ann", *range(1, 1001))
    bring(here, scribe)
    genesis = scribe.genesis("Ann", LogClass.FACTS)
    (other,) = seal(
        scribe.private("Ann"), genesis, None, [Draft("note", {"text": "begun anew"}, NOON)], NOON + 1
    )
    (taken,) = here.take_now([other.raw], BY)
    assert taken.verdict is Verdict.FORKED
    assert here.store.logs.fork_at(genesis.log) == 0


def test_hundreds_of_keys_under_one_body_share_its_room_and_its_honest_people_get_through() -> None:
    crowd = [f"Sock {n}" for n in range(200)]
    with node() as there, node() as here:
        scribe = Scribe(there, "Puppets", "Ann", *crowd, k=101)
        other = Scribe(there, "Oakfield", "Ann", "Ben")
        here.begin()
        for each in (scribe, other):
            here.follow(each.scope, each.id, each.body, "peer")
        here.settle()
        here.commit()
        here.now = Clock()
        bring(here, scribe)
        here.intake.body = Share(5000, 10**9, 10_000, 10**9)
        before = here.store.logs.count()
        for name in crowd:
            scribe.move(name, *range(1, 400))
        scribe.move("Ann", 1, 2, 3)
        other.move("Ann", *range(1, 1000))
        late = [each for each in bring(here, scribe) if each.verdict is Verdict.REFUSED]
        assert {each.code for each in late} == {"author-share", "body-share"}
        assert here.store.logs.count() - before < 5000 + len(crowd) * (FIRST_RECORDS + 128)
        assert here.store.logs.genesis(scribe.genesis("Ann", LogClass.FACTS).log) is not None
        bring(here, other)
        assert agree(here, other), "another body waits for nothing"


@pytest.fixture
def five() -> Iterator[tuple[Node, Scribe]]:
    """Give a node that takes little of each body, and nothing less of an author, and the scribe of a body of five people."""
    with node() as there, node() as here:
        scribe = Scribe(there, "Oakfield", "Ann", "Ben", "Cleo", "Dora", "Emil", k=3)
        here.begin()
        here.follow(scribe.scope, scribe.id, "Oakfield", "peer")
        here.settle()
        here.commit()
        here.now = Clock()
        bring(here, scribe)
        here.intake.body = Share(ROOM, 10**9, 10**6, 10**9)
        yield here, scribe


ROOM = 4000
"""Records of a body in an hour."""
BLOCK = 128


def counted(here: Node, scribe: Scribe, name: str, log_class: LogClass = LogClass.FACTS) -> int:
    """Return how many records of somebody are held."""
    tip = here.store.logs.tip(scribe.genesis(name, log_class).log)
    return tip.seq + 1 if tip is not None else 0


def waiting(outcomes: list[Taken]) -> set[str]:
    """Return the codes of all that waits."""
    return {each.code for each in outcomes if each.verdict is Verdict.REFUSED}


def test_one_author_who_floods_has_half_of_its_body_s_room_and_the_four_others_get_through(
    five: tuple[Node, Scribe],
) -> None:
    here, scribe = five
    scribe.move("Emil", *range(1, 5001))
    assert waiting(bring(here, scribe)) == {"author-share"}
    assert ROOM // 2 <= counted(here, scribe, "Emil") <= ROOM // 2 + BLOCK
    for name in ("Ann", "Ben", "Cleo", "Dora"):
        scribe.move(name, *range(1, 301))
    before = counted(here, scribe, "Emil")
    assert waiting(bring(here, scribe)) == {"author-share"}
    assert counted(here, scribe, "Emil") == before
    for name in ("Ann", "Ben", "Cleo", "Dora"):
        assert counted(here, scribe, name) > 300, name
    (row,) = here.store.intake.waiting(here.now())
    assert row[0] == bytes((Whose.AUTHOR + Room.FACTS,)) + scribe.key("Emil")


def test_what_waits_of_one_author_comes_as_soon_as_the_limit_is_raised(five: tuple[Node, Scribe]) -> None:
    here, scribe = five
    scribe.move("Emil", *range(1, 5001))
    assert waiting(bring(here, scribe)) == {"author-share"}
    again = Node(here.store, here.now)
    again.intake.body = Share(4 * ROOM, 10**9, 10**6, 10**9)
    assert not waiting(bring(again, scribe))
    assert agree(again, scribe)
    again.tidy()
    assert again.store.intake.waiting(again.now()) == [], "and nobody is told that something waits"


def test_two_who_flood_leave_a_third_of_the_room(five: tuple[Node, Scribe]) -> None:
    here, scribe = five
    raws = [[block.raw for block in scribe.move(name, *range(1, 5001))] for name in ("Dora", "Emil")]
    for one, other in zip(*raws, strict=True):
        here.take_now([one, other], BY)
    for name in ("Dora", "Emil"):
        assert ROOM // 3 - BLOCK <= counted(here, scribe, name) <= ROOM // 3 + BLOCK
    scribe.move("Ann", *range(1, 501))
    bring(here, scribe)
    assert counted(here, scribe, "Ann") > 500


def test_an_author_who_floods_with_votes_is_recalled_all_the_same_and_delays_nobody_s_decision(
    five: tuple[Node, Scribe],
) -> None:
    here, scribe = five
    given = scribe.give("Emil", "Ann", "Ben", "Cleo")
    drafts = [Draft("note", {"text": f"number {n}"}, NOON) for n in range(5000)]
    scribe.write("Emil", LogClass.AUTHORITY, *drafts)
    assert waiting(bring(here, scribe)) == {"author-share"}
    assert counted(here, scribe, "Emil", LogClass.AUTHORITY) <= ROOM // 2 + BLOCK
    page = scribe.recall(given, "Ann", "Ben", "Cleo")
    scribe.decide("We go on", "Ann", "Ben", "Cleo")
    assert waiting(bring(here, scribe)) == {"author-share"}
    for name in ("Ann", "Ben", "Cleo"):
        assert counted(here, scribe, name, LogClass.AUTHORITY) == counted(
            scribe.at, scribe, name, LogClass.AUTHORITY
        )
    assert page_row(here.state, page) is not None


def test_a_flooder_s_own_voice_on_a_recall_does_not_wait_behind_its_flood(five: tuple[Node, Scribe]) -> None:
    here, scribe = five
    given = scribe.give("Dora", "Ann", "Ben", "Cleo")
    bring(here, scribe)
    scribe.write("Emil", LogClass.FACTS, *[Draft("note", {"text": f"number {n}"}, NOON) for n in range(5000)])
    page = scribe.recall(given, "Emil", "Ann", "Ben")
    assert waiting(bring(here, scribe)) == {"author-share"}
    name = "Emil"
    assert counted(here, scribe, name, LogClass.AUTHORITY) == counted(
        scribe.at, scribe, name, LogClass.AUTHORITY
    )
    assert page_row(here.state, page) is not None


def test_who_waited_before_a_restart_waits_after_it(door: tuple[Node, Scribe]) -> None:
    here, scribe = door
    scribe.move("Ann", *range(1, 1001))
    bring(here, scribe)
    here.tidy()
    again = Node(here.store, here.now)
    again.intake.author = SMALL
    scribe.move("Ann", 1)
    assert {each.code for each in bring(again, scribe) if each.verdict is Verdict.REFUSED} == {"author-share"}
    (row,) = here.store.intake.waiting(here.now())
    assert row[0] == bytes((Whose.AUTHOR + Room.FACTS,)) + scribe.key("Ann")
    assert read_name(row).delayed > 1


def test_a_clock_that_was_set_back_keeps_nobody_waiting_for_longer_than_an_hour(
    door: tuple[Node, Scribe],
) -> None:
    here, scribe = door
    scribe.move("Ann", *range(1, 501))
    bring(here, scribe)
    here.now.now -= 100 * DAY  # type: ignore[attr-defined]
    scribe.move("Ann", 1)
    bring(here, scribe)
    assert agree(here, scribe)
