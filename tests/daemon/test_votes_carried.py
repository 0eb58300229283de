"""The vote half of the worked scenario with no connection anywhere: over sticks, and by radio. A delegate is recalled on the far side of a cut."""

from collections.abc import Callable
from pathlib import Path

from fedsync.crdt.books.slot import VoiceStatus
from fedsync.reading import Reading
from tests.daemon.assembly import ACROSS, AFTER, BEFORE, COMMUNITIES, MOTIONS, Assembly
from tests.daemon.ferries import Radio, acquaint, carry

Way = Callable[[], None]
GIVEN = ("MD-Alder", "MD-Birch", "MD-Cedar")


def play(told: Assembly, north: Way, everywhere: Way) -> None:
    """Act it all out, and look at every node before the heal and after. `north`: bring Alder and Birch to the same."""
    acquaint(*told.homes.values())
    everywhere()
    told.found()
    everywhere()
    told.put()
    everywhere()
    for name in GIVEN:
        told.send(name)
    everywhere()
    for at in COMMUNITIES:
        assert {told.mandate(at, name) for name in GIVEN} == {"in force"}, at

    # The link to Cedar is down.
    told.recall("RC")
    told.send("MD-Cedar2")
    told.cast(*BEFORE, *ACROSS)
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


def one_state(told: Assembly) -> None:
    roots = set()
    for home in told.homes.values():
        with Reading.open(home) as reading:
            roots.add(reading.state_root())
    assert len(roots) == 1


def test_votes_and_a_recall_go_over_sticks_and_two_of_the_three_never_meet(tmp_path: Path) -> None:
    told = Assembly(tmp_path)
    alder, birch, cedar = told.homes.values()

    def north() -> None:
        for _ in range(2):
            carry(alder, birch)
            carry(birch, alder)

    def everywhere() -> None:
        """Somebody of Birch goes to Alder and back, then to Cedar and back, and once more each."""
        for _ in range(2):
            for there in (alder, cedar):
                carry(birch, there)
                carry(there, birch)

    play(told, north, everywhere)


def test_votes_and_a_recall_go_by_radio(tmp_path: Path) -> None:
    told = Assembly(tmp_path)
    alder, birch, cedar = told.homes.values()
    one, other = Radio(alder, birch, seed=1), Radio(birch, cedar, seed=2)

    def everywhere() -> None:
        for each in (one, other, one, other):
            each.meet()

    play(told, one.meet, everywhere)
