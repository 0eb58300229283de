"""The stock half of the worked scenario with no connection anywhere: over sticks, and by radio. What each shows, before the heal and after."""

from pathlib import Path

from fedsync.reading import Reading
from tests.daemon.ferries import Radio, acquaint, carry
from tests.daemon.test_scenario import Pens, differs
from tests.daemon.village import Node
from tests.stock import scenario
from tests.stock.scenario import COMMUNITIES, Teller, ids_of


def communities(path: Path) -> dict[str, Node]:
    nodes = {name: Node(path / name, name, (name,)) for name in COMMUNITIES}
    acquaint(*(node.home for node in nodes.values()))
    return nodes


def test_all_of_it_goes_over_sticks_and_two_of_the_three_never_meet(tmp_path: Path) -> None:
    nodes = communities(tmp_path)
    alder, birch, cedar = (node.home for node in nodes.values())

    def round_() -> None:
        """Somebody of Birch goes to Alder and back, then to Cedar and back, and once more each."""
        for _ in range(2):
            for there in (alder, cedar):
                carry(birch, there)
                carry(there, birch)

    told = Teller(Pens(nodes))
    before = ids_of("north") & ids_of("cedar")
    told.tell(before)
    round_()
    told.tell(ids_of("north") - before)
    told.tell(ids_of("cedar") - before)
    carry(alder, birch)
    carry(birch, alder)
    for name in ("Alder", "Birch"):
        assert differs(nodes[name], "north_side_before_heal", told.refs) == []
    with Reading.open(cedar) as reading:
        assert scenario.differs(reading.view, told.refs, scenario.CEDAR_SIDE) == []
    round_()
    told.tell(ids_of("both") - ids_of("north") - ids_of("cedar"))
    round_()
    assert len({node.root() for node in nodes.values()}) == 1
    for node in nodes.values():
        assert differs(node, "after_heal", told.refs) == []
    # What has come is not carried again.
    assert carry(birch, alder, cedar) < 5_000


def test_all_of_it_goes_by_radio(tmp_path: Path) -> None:
    nodes = communities(tmp_path)
    alder, birch, cedar = (node.home for node in nodes.values())
    north, south = Radio(alder, birch, seed=1), Radio(birch, cedar, seed=2)
    told = Teller(Pens(nodes))
    before = ids_of("north") & ids_of("cedar")
    told.tell(before)
    for each in (north, south, north):
        each.meet()
    told.tell(ids_of("north") - before)
    told.tell(ids_of("cedar") - before)
    north.meet()
    for name in ("Alder", "Birch"):
        assert differs(nodes[name], "north_side_before_heal", told.refs) == []
    with Reading.open(cedar) as reading:
        assert scenario.differs(reading.view, told.refs, scenario.CEDAR_SIDE) == []
    south.meet()
    told.tell(ids_of("both") - ids_of("north") - ids_of("cedar"))
    for each in (north, south, north):
        each.meet()
    assert len({node.root() for node in nodes.values()}) == 1
    for node in nodes.values():
        assert differs(node, "after_heal", told.refs) == []
