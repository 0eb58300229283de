"""The vote half of the worked scenario with no connection anywhere: over sticks, and by radio. A delegate is recalled on the far side of a cut."""

from collections.abc import Callable
from pathlib import Path
from random import Random

from fedsync.acts.books.founding import found
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.config import Address
from fedsync.crdt.books.booktables import TABLES
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.goods.levels import levels
from fedsync.home import Home
from fedsync.reading import Reading
from tests.daemon.assembly import ACROSS, AFTER, BEFORE, COMMUNITIES, MOTIONS, Assembly
from tests.daemon.ferries import NOON, Radio, acquaint, carry, read

Way = Callable[[], None]
SACKS = 1_000
HEAD_BYTES = 2_500
"""As much of a stick as can be read."""
GIVEN = ("MD-Alder", "MD-Birch", "MD-Cedar")


def play(told: Assembly, north: Way, everywhere: Way) -> None:
    """Act it all out, and look at every node before the heal and after. `north`: bring Alder and Birch to the same."""
    begin(told, everywhere)
    for at in COMMUNITIES:
        assert {told.mandate(at, name) for name in GIVEN} == {"in force"}, at
    part(told)
    north()
    first = told.count()
    north()
    told.sign("dB", first)
    north()
    for name in ("Alder", "Birch"):
        told.confirm(name)
    north()
    seen = told.see()
    north()
    told.sign("dB", seen)
    north()
    for at in ("Alder", "Birch"):
        assert told.differs(at, "north_side_before_heal", first) == []
        assert told.mandate(at, "MD-Cedar") == "in force"
        assert told.mandate(at, "MD-Cedar2") is None
    assert told.mandate("Cedar", "MD-Cedar") == "recalled"
    assert told.mandate("Cedar", "MD-Cedar2") == "in force"
    assert {told.verdict("Cedar", name) for name in told.votes} == {None}
    assert {told.outcome("Cedar", title) for title in MOTIONS} == {None}

    # And up again.
    everywhere()
    one_state(told)
    for at in COMMUNITIES:
        assert told.differs(at, "healed_before_new_delegate_votes", first) == []
        assert told.mandate(at, "MD-Cedar") == "recalled"
        assert told.verdict(at, "v2C") == (VoiceStatus.VOID, "recalled")
    told.cast(*AFTER)
    everywhere()
    again = told.count()
    everywhere()
    told.sign("dC2", again)
    told.confirm("Cedar")
    everywhere()
    end = told.see()
    everywhere()
    told.sign("dC2", end)
    everywhere()
    one_state(told)
    for at in COMMUNITIES:
        assert told.differs(at, "after_heal", again) == []


def begin(told: Assembly, everywhere: Way) -> None:
    """Found the region, put both motions to it, and send three delegates."""
    acquaint(*told.homes.values())
    everywhere()
    told.found()
    everywhere()
    told.put()
    everywhere()
    for name in GIVEN:
        told.send(name)
    everywhere()


def part(told: Assembly) -> None:
    """The link to Cedar goes down: there it recalls its delegate, who votes here."""
    told.recall("RC")
    told.send("MD-Cedar2")
    told.cast(*BEFORE, *ACROSS)


def one_state(told: Assembly) -> None:
    roots = set()
    for home in told.homes.values():
        with Reading.open(home) as reading:
            roots.add(reading.state_root())
    assert len(roots) == 1


# --- All of it -------------------------------------------------------------------------------------------


def by_stick(told: Assembly, copies: list[bytes] | None = None) -> None:
    """Act it all out over sticks. Alder and Cedar never see each other's."""
    alder, birch, _ = told.homes.values()

    def north() -> None:
        for _ in range(2):
            carry(alder, birch, copies=copies)
            carry(birch, alder, copies=copies)

    play(told, north, lambda: walk(told, copies))


def walk(told: Assembly, copies: list[bytes] | None = None) -> None:
    """Let somebody of Birch go to Alder and back with a stick, then to Cedar and back, and once more each."""
    alder, birch, cedar = told.homes.values()
    for _ in range(2):
        for there in (alder, cedar):
            carry(birch, there, copies=copies)
            carry(there, birch, copies=copies)


def test_votes_and_a_recall_go_over_sticks_and_two_of_the_three_never_meet(tmp_path: Path) -> None:
    by_stick(Assembly(tmp_path))


def test_who_reads_all_those_sticks_much_later_and_in_any_order_shows_the_same(tmp_path: Path) -> None:
    """A fourth community that nobody told anything; it has found copies of the sticks, and of some two."""
    told, copies = Assembly(tmp_path), list[bytes]()
    by_stick(told, copies)
    place = tmp_path / "dune"
    found(place, "Dune", ("Ann",), 1, Address("127.0.0.1", 0), lambda _: None)
    dune = Home(place)
    acquaint(dune, *told.homes.values())
    dice = Random(1)
    sticks = [*copies, *dice.sample(copies, len(copies) // 5)]
    dice.shuffle(sticks)
    for stick in sticks:
        read(dune, stick)
    assert rows(dune, told) == rows(told.homes["Alder"], told)


def rows(home: Home, told: Assembly) -> dict[object, object]:
    """Return all that a node makes of the books of the three communities and of their region."""
    with Reading.open(home) as reading:
        scopes = [reading.body(name).scope for name in (*told.homes, "Region")]
        return {
            (table.name, key): row
            for table in TABLES
            if table.rooted
            for scope in scopes
            for key, row in reading.view.scan(table, (scope,))
        }


def test_votes_and_a_recall_go_by_radio(tmp_path: Path) -> None:
    told = Assembly(tmp_path)
    alder, birch, cedar = told.homes.values()
    one, other = Radio(alder, birch, seed=1), Radio(birch, cedar, seed=2)

    def everywhere() -> None:
        for each in (one, other, one, other):
            each.meet()

    play(told, one.meet, everywhere)


# --- The recall first ------------------------------------------------------------------------------------


def goods(told: Assembly, at: str) -> int:
    """Return how much of a harvest that was brought in at Cedar a node has heard of."""
    with Reading.open(told.homes[at]) as reading:
        scope = reading.body("Cedar").scope
        return sum(row.on_hand or 0 for row in levels(reading.view, scope))


def harvest(told: Assembly) -> None:
    """Let Cedar bring in a harvest, and write down each sack: a backlog, before it recalls anybody."""
    with told.at("Cedar") as (reading, door):
        lines = [Line("raise", "Oats", 1, "g", "Granary", NOON) for _ in range(SACKS)]
        record_lines(told.author("Cedar"), reading, door, lines)


def test_of_a_stick_that_breaks_off_the_recall_is_read(tmp_path: Path) -> None:
    told = Assembly(tmp_path)
    _, birch, cedar = told.homes.values()
    begin(told, lambda: walk(told))
    harvest(told)
    part(told)
    told.meet("Alder", "Birch")
    assert told.verdict("Birch", "v2C") == (VoiceStatus.STANDS, "counts")
    size = carry(cedar, birch, upto=HEAD_BYTES)
    assert size > 2 * HEAD_BYTES
    assert told.verdict("Birch", "v2C") == (VoiceStatus.VOID, "recalled")
    assert goods(told, "Birch") < SACKS
    # She gains nothing by it that the rest comes later.
    carry(birch, cedar)
    carry(cedar, birch)
    assert told.verdict("Birch", "v2C") == (VoiceStatus.VOID, "recalled")
    assert goods(told, "Birch") == SACKS


def test_by_radio_the_recall_overtakes_a_harvest(tmp_path: Path) -> None:
    told = Assembly(tmp_path)
    _, birch, cedar = told.homes.values()
    begin(told, lambda: told.meet())
    radio = Radio(birch, cedar, seed=3)
    radio.meet()
    harvest(told)
    part(told)
    told.meet("Alder", "Birch")
    before = radio.seconds
    radio.meet(lambda: told.verdict("Birch", "v2C") == (VoiceStatus.VOID, "recalled"))
    first = radio.seconds - before
    assert goods(told, "Birch") < SACKS
    radio.meet()
    assert goods(told, "Birch") == SACKS
    assert first < 60.0
