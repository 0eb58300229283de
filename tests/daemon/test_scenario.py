"""The stock half of the worked scenario through three daemons: what each shows while the link to Cedar is cut, and after."""

from hashlib import sha256

from fedsync.acts.author import REACH_OF, Author
from fedsync.acts.books import minutes
from fedsync.keyring import create_person
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT, Capacity, Genesis
from fedsync.records.ids import LogClass, LogId, PageId, Scope
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import Draft, seal
from tests.daemon.village import Node, Village, equal, until
from tests.stock import scenario
from tests.stock.replay import mandate
from tests.stock.scenario import COMMUNITIES, EXPECTED, Teller, body_of, ids_of, stewards


class Pens:
    """Everybody writes through the door of their own daemon; who sits at the bridge works at Cedar's."""

    def __init__(self, nodes: dict[str, Node]) -> None:
        self.nodes = nodes
        self.mandates: dict[str, Capacity] = {}
        for body, node in nodes.items():
            page = self._appoint(node, stewards(body))
            self.mandates |= {name: ("mandate", page, index) for index, name in enumerate(stewards(body))}

    def _appoint(self, node: Node, given: dict[str, list[str]]) -> PageId:
        """Let the one teller of a body give mandates to all who act for it."""
        holders = {name: public_key(create_person(node.home, name, None)) for name in given}
        entries = [mandate(holder, name, given[name]) for name, holder in holders.items()]
        (teller,) = node.tellers
        with node.pen(teller) as (author, reading, door):
            page, _ = minutes.enter(author, reading, door, reading.own().scope, entries)
        with node.pen(teller) as (author, reading, door):
            minutes.sign(author, reading, door, page)
        return page

    def scope(self, body: str) -> Scope:
        with Reading.open(self.nodes[body].home) as reading:
            return reading.own().scope

    def log(self, author: str, log_class: LogClass) -> LogId:
        return self._begins(author, log_class).log

    def write(self, author: str, log_class: LogClass, *drafts: Draft) -> FactRef:
        node = self.nodes["Cedar" if author == "bridge-node" else body_of(author)]
        begins = self._begins(author, log_class)
        with node.pen(node.tellers[0]) as (_, reading, door):
            tip = reading.store.logs.tip(begins.log)
            (block,) = seal(self._of(author).private, begins, tip, drafts, drafts[0].time)
            door.take([block.raw])
        return FactRef(block.log, block.last, block.tip)

    def _of(self, author: str) -> Author:
        return Author.unlock(self.nodes[body_of(author)].home, author, lambda: None)

    def _begins(self, author: str, log_class: LogClass) -> Genesis:
        incarnation, reach = sha256(author.encode()).digest()[:16], REACH_OF[log_class]
        scope, capacity = self.scope(body_of(author)), self.mandates.get(author, SEAT)
        return Genesis(self._of(author).key, scope, capacity, log_class, reach, incarnation)


def differs(node: Node, moment: str, refs: dict[str, FactRef]) -> list[str]:
    with Reading.open(node.home) as reading:
        return scenario.differs(reading.view, refs, EXPECTED[moment])


def test_each_side_shows_what_it_can_know_and_all_the_same_once_the_link_is_back(village: Village) -> None:
    nodes = {name: village.node(name, tellers=(name,)) for name in COMMUNITIES}
    alder, birch, cedar = nodes.values()
    village.introduce(alder, birch)
    village.introduce(birch, cedar)
    told = Teller(Pens(nodes))
    before = ids_of("north") & ids_of("cedar")
    told.tell(before)
    equal(alder, birch, cedar)

    birch.call("pause_peer", name="Cedar", paused=True)
    until(lambda: cedar.peer("Birch")["state"] == "away")
    told.tell(ids_of("north") - before)
    told.tell(ids_of("cedar") - before)
    equal(alder, birch)
    for node in (alder, birch):
        assert differs(node, "north_side_before_heal", told.refs) == []
    with Reading.open(cedar.home) as reading:
        assert scenario.differs(reading.view, told.refs, scenario.CEDAR_SIDE) == []
    assert cedar.root() != birch.root()

    birch.call("pause_peer", name="Cedar", paused=False)
    told.tell(ids_of("both") - ids_of("north") - ids_of("cedar"))
    equal(alder, birch, cedar)
    for node in nodes.values():
        assert differs(node, "after_heal", told.refs) == []
