"""Nodes that seal by themselves (H1 to H3): they wait for the seats, follow them, and never hold each other up for ever."""

from itertools import count
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.book import apply_block, bind
from fedsync.crdt.books.booktables import STATUSES
from fedsync.crdt.books.tellers import Approve, Sign, next_seal
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from fedsync.records.seal import Draft
from tests.crdt import naive_book as naive
from tests.crdt.books import TIME, append, genesis, opening, tag, tip, write

BODY = "Valley"


class House:
    """What one node holds."""

    def __init__(self) -> None:
        self.view = MemoryView()
        self.held: set[bytes] = set()

    def take(self, block: Block) -> None:
        if block.tip not in self.held:
            self.held.add(block.tip)
            draft = StateDraft(self.view)
            apply_block(draft, block)
            self.view.commit(draft.changes)


class Region:
    """Seats that sign, and nodes that seal what they signed; each node may hold something else."""

    def __init__(self, seats: int, k: int, nodes: int, w: int, pages: int = 2) -> None:
        self.seats = [f"seat {at}" for at in range(seats)]
        self.nodes = [f"node {at}" for at in range(nodes)]
        epoch = naive.Epoch(tuple(self.seats), k, tuple(self.nodes), w)
        rivals = [naive.Page(f"q{at}", BODY, 1, "p0") for at in range(pages)]
        names = {name: name for name in (*self.seats, *self.nodes)}
        self.written = write(BODY, [naive.Page("p0", BODY, 0, None, epoch), *rivals], [], [], names)
        self.slot = self.written.page0
        self.pages = [self.written.pages[str(page.id)] for page in rivals]
        self.ends = {name: opening(name, genesis(name, name, BODY)) for name in names}
        written = sorted(self.written.blocks.items(), key=lambda item: item[0].startswith("page"))
        self.sent = [block for _, block in written] + list(self.ends.values())
        self.houses = {name: House() for name in self.nodes}
        for house in self.houses.values():
            draft = StateDraft(house.view)
            bind(draft, tag(BODY), self.slot)
            house.view.commit(draft.changes)
        self.rounds: dict[str, count[int]] = {}
        self.deliver()

    def deliver(self, *names: str) -> None:
        """Bring everything that was said to nodes, all by default."""
        for name in names or self.nodes:
            for block in self.sent:
                self.houses[name].take(block)

    def say(self, name: str, kind: str, page: PageId, **more: Value) -> None:
        """Append to somebody's log."""
        said: dict[str, Value] = {"page": page, "slot": self.slot, **more}
        self.ends[name] = append(name, tip(self.ends[name]), Draft(kind, said, TIME))
        self.sent.append(self.ends[name])

    def sign(self, page: PageId, *names: str) -> None:
        """Let seats sign a page, each time in a round of its own: they may go from one to another."""
        for name in names:
            self.say(name, "signature", page, round=next(self.rounds.setdefault(name, count())))

    def seal(self, name: str) -> tuple[PageId, tuple[Sign | Approve, ...]] | None:
        """Let a node do what it does by itself, as far as it holds what was said."""
        found = next_seal(self.houses[name].view, self.slot, genesis(name, name, BODY).log)
        for act in found[1] if found is not None else ():
            assert found is not None
            lock: dict[str, Value] = (
                {} if isinstance(act, Approve) or act.lock is None else {"lock": act.lock}
            )
            self.say(
                name,
                "approval" if isinstance(act, Approve) else "signature",
                found[0],
                round=act.round,
                **lock,
            )
            self.houses[name].take(self.ends[name])
        return found

    def run(self, *nodes: str, most: int = 12) -> None:
        """Let nodes hear of everything and seal, until none of them has anything to say."""
        for _ in range(most):
            self.deliver(*nodes)
            if not [name for name in nodes or self.nodes if self.seal(name)]:
                return
        raise AssertionError("they chase each other through the rounds")

    def certified(self) -> list[PageId]:
        """Return what is certified for somebody who holds everything."""
        self.houses["anybody"] = House()
        draft = StateDraft(self.houses["anybody"].view)
        bind(draft, tag(BODY), self.slot)
        self.houses["anybody"].view.commit(draft.changes)
        self.deliver("anybody")
        view = self.houses.pop("anybody").view
        return [page for page in self.pages if (view.get(STATUSES, (tag(BODY), page)) or (0, "", 0))[2]]


def test_a_node_waits_until_enough_seats_stand_by_a_page() -> None:
    region = Region(3, 2, 3, 3)
    region.sign(region.pages[0], "seat 0")
    region.run()
    assert region.certified() == []
    assert region.seal("node 0") is None
    region.sign(region.pages[0], "seat 1")
    region.run()
    assert region.certified() == region.pages[:1]


def test_of_rivals_the_one_that_the_seats_stand_by_is_sealed() -> None:
    region = Region(3, 2, 4, 3)
    region.sign(region.pages[0], "seat 0")
    region.sign(region.pages[1], "seat 1", "seat 2")
    region.run()
    assert region.certified() == [region.pages[1]]


def test_when_the_seats_move_on_their_nodes_go_with_them_even_if_one_is_dead() -> None:
    region = Region(3, 2, 4, 3)
    first, second = region.pages
    region.sign(first, "seat 0", "seat 1")
    region.deliver("node 0")
    assert region.seal("node 0") == (first, (Sign(0),))
    region.sign(second, "seat 0", "seat 1")
    # Node 3 is dead.
    region.run("node 0", "node 1", "node 2")
    assert region.certified() == [second]


def test_rivals_that_share_the_nodes_of_a_round_are_settled_in_the_next() -> None:
    region = Region(4, 3, 3, 3)
    first, second = region.pages
    region.sign(first, "seat 0", "seat 1", "seat 2")
    region.deliver("node 0")
    region.seal("node 0")
    region.sign(second, "seat 0", "seat 1", "seat 2")
    region.deliver("node 1")
    assert region.seal("node 1") == (second, (Sign(1),)), "nothing can come to three in round 0 any more"
    region.run()
    assert region.certified() == [second]
    acts = next_seal(region.houses["node 2"].view, region.slot, genesis("node 2", "node 2", BODY).log)
    assert acts is None


def test_a_node_that_approved_a_page_stays_with_it_until_a_later_quorum_frees_it() -> None:
    region = Region(3, 2, 4, 3)
    first, second = region.pages
    region.sign(first, "seat 0", "seat 1")
    nodes = ("node 0", "node 1", "node 2")
    for name in nodes:
        region.deliver(name)
        region.seal(name)
    # Node 2 saw all three signatures, and approved in the same act; the others have not heard of it.
    region.sign(second, "seat 0", "seat 1")
    region.deliver("node 2")
    again = region.seal("node 2")
    assert again is not None
    assert again[0] == first, "it is locked on the first page, and no later quorum frees it"
    region.deliver()
    # All see that the first page had a quorum: it is the one that may be sealed already, so they follow it.
    region.run()
    assert region.certified() == [first]


def test_a_later_quorum_frees_a_node_to_approve_a_rival_of_what_it_approved() -> None:
    region = Region(3, 2, 4, 3)
    first, second = region.pages
    region.sign(first, "seat 0", "seat 1")
    for name in ("node 0", "node 1", "node 2"):
        region.deliver(name)
        region.seal(name)
    region.sign(second, "seat 0", "seat 1")
    # The others never saw node 2 approve, and went on with the second page in round 1.
    for name in ("node 0", "node 1", "node 3"):
        region.say(name, "signature", second, round=1)
    region.deliver("node 2")
    assert region.seal("node 2") == (second, (Approve(1),))


@given(
    shape=st.sampled_from([(3, 2, 3, 3), (3, 2, 4, 3), (4, 3, 4, 3), (5, 3, 7, 5)]),
    seed=st.integers(0, 2**32),
    steps=st.integers(4, 40),
)
def test_whatever_the_seats_do_first_the_page_that_they_agree_on_is_sealed_and_never_two(
    shape: tuple[int, int, int, int], seed: int, steps: int
) -> None:
    random = Random(seed)
    region = Region(*shape, pages=3)
    dead = set(random.sample(region.nodes, random.randint(0, shape[2] - shape[3])))
    alive = [name for name in region.nodes if name not in dead]
    for _ in range(steps):
        if random.random() < 0.4:
            region.sign(random.choice(region.pages), random.choice(region.seats))
        name = random.choice(region.nodes)
        if random.random() < 0.6:
            region.deliver(name)
        region.seal(name)
    for page in [random.choice(region.pages)] if not region.certified() else []:
        region.sign(page, *region.seats)
        region.run(*alive, most=40)
    assert len(region.certified()) == 1
