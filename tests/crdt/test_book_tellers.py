"""Tellers who keep to their tools: within the bound nothing is sealed twice, and nothing is stuck for ever."""

from dataclasses import dataclass, field
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.crdt.books.book import apply_block, bind
from fedsync.crdt.books.booktables import STATUSES, VERDICTS
from fedsync.crdt.books.tellers import Approve, Refuse, next_act, next_signature
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import PageId, RecordId
from fedsync.records.seal import Draft
from tests.crdt import naive_book as naive
from tests.crdt.books import TIME, Written, append, genesis, opening, tag, tip, write

BODY = "A"


@dataclass
class Node:
    """One teller's node: its state, and the records that it holds."""

    view: MemoryView = field(default_factory=MemoryView)
    held: set[RecordId] = field(default_factory=set)

    def take(self, block: Block) -> None:
        """Fold a block unless it is held."""
        if block.tip not in self.held:
            self.held.add(block.tip)
            draft = StateDraft(self.view)
            apply_block(draft, block)
            self.view.commit(draft.changes)


class Assembly:
    """Tellers with a node each, some of them liars, and rival pages after page 0."""

    def __init__(self, seats: int, k: int, w: int, liars: int, pages: int) -> None:
        self.names = [f"t{at}" for at in range(seats)]
        self.honest, self.liars = self.names[liars:], self.names[:liars]
        epoch = naive.Epoch(tuple(self.names), k, tuple(self.names), w)
        rivals = [naive.Page(f"q{at}", BODY, 1, "p0") for at in range(pages)]
        keys = {name: name for name in self.names}
        book = [naive.Page("p0", BODY, 0, None, epoch), *rivals]
        self.written: Written = write(BODY, book, [], [], keys)
        self.pages = [self.written.pages[page.id] for page in rivals]  # type: ignore[index]
        self.sent: list[tuple[RecordId | None, Block]] = []
        self.nodes = {name: Node() for name in self.names}
        self.ends: dict[str, list[Block]] = {}
        for node in self.nodes.values():
            draft = StateDraft(node.view)
            bind(draft, tag(BODY), self.written.page0)
            node.view.commit(draft.changes)
        for _, block in sorted(self.written.blocks.items(), key=lambda item: item[0].startswith("page")):
            self._send(None, block)
        for name in self.names:
            self.ends[name] = [opening(name, genesis(name, name, BODY))]
            self._send(None, self.ends[name][0])
        for node in self.nodes.values():
            self._deliver(node)

    def _send(self, after: RecordId | None, block: Block) -> None:
        self.sent.append((after, block))

    def _deliver(self, node: Node) -> None:
        for _, block in self.sent:
            node.take(block)

    def say(self, name: str, kind: str, said: dict[str, Value], end: Block | None = None) -> Block:
        """Append to a teller's log, at its end or, when it lies, after any record of it."""
        end = end or self.ends[name][-1]
        block = append(name, tip(end), Draft(kind, said, TIME))
        self.ends[name].append(block)
        self._send(end.tip, block)
        self.nodes[name].take(block)
        return block

    def act(self, name: str, page: PageId) -> None:
        """Let an honest teller sign a page, or the one that its tool turns it to, and approve what it may."""
        node, log = self.nodes[name], genesis(name, name, BODY).log
        answer = next_act(node.view, page, log)
        if isinstance(answer, Refuse) and answer.page is not None:
            page = answer.page
            answer = next_act(node.view, page, log)
        for each in () if isinstance(answer, Refuse) else answer:
            said: dict[str, Value] = {"page": page, "slot": self.written.page0, "round": each.round}
            if isinstance(each, Approve):
                self.say(name, "approval", said)
            else:
                self.say(name, "signature", said | ({} if each.lock is None else {"lock": each.lock}))

    def lie(self, name: str, random: Random) -> None:
        """Let a liar say anything, on any branch of its log."""
        end = random.choice(self.ends[name][-4:])
        said: dict[str, Value] = {
            "page": random.choice(self.pages),
            "slot": self.written.page0,
            "round": random.choice([0, 0, 0, 1, 1, 2, 3, 5000]),
        }
        kind = random.choice(["signature", "approval"])
        if kind == "signature" and random.random() < 0.5:
            said["lock"] = random.randrange(3)
        self.say(name, kind, said, end)

    def gossip(self, name: str, random: Random) -> None:
        """Bring a node a few records that it lacks, each log in its order."""
        node = self.nodes[name]
        for _ in range(random.randrange(6)):
            lacks = [
                block
                for after, block in self.sent
                if block.tip not in node.held and (after is None or after in node.held)
            ]
            if lacks:
                node.take(random.choice(lacks))

    def certified(self, node: Node) -> list[PageId]:
        """Return the rival pages that are certified on a node."""
        return [page for page in self.pages if (node.view.get(STATUSES, (tag(BODY), page)) or (0, "", 0))[2]]

    def meet(self) -> Node:
        """Bring everything to a new node."""
        node = Node()
        draft = StateDraft(node.view)
        bind(draft, tag(BODY), self.written.page0)
        node.view.commit(draft.changes)
        self._deliver(node)
        return node


SHAPES = [
    (2, 2, 2, 0),
    (3, 2, 2, 0),
    (4, 3, 3, 0),
    (4, 3, 3, 1),
    (5, 3, 3, 0),
    (5, 4, 4, 1),
    (7, 5, 5, 2),
    (4, 3, 4, 0),
]


@given(
    shape=st.sampled_from(SHAPES),
    pages=st.integers(1, 3),
    steps=st.integers(5, 70),
    seed=st.integers(0, 2**32),
)
def test_liars_within_the_bound_neither_seal_two_rivals_nor_stall_the_book(
    shape: tuple[int, int, int, int], pages: int, steps: int, seed: int
) -> None:
    random = Random(seed)
    assembly = Assembly(*shape, pages)
    for _ in range(steps):
        name = random.choice(assembly.names)
        if name in assembly.liars:
            assembly.lie(name, random)
        elif random.random() < 0.6:
            assembly.act(name, random.choice(assembly.pages))
        assembly.gossip(random.choice(assembly.names), random)
    assert len(assembly.certified(assembly.meet())) <= 1
    # The liars fall silent, all links are up, and the assembly agrees to go for one page.
    for _ in range(12):
        for name in assembly.honest:
            assembly._deliver(assembly.nodes[name])
            assembly.act(name, assembly.pages[0])
        if assembly.certified(assembly.meet()):
            break
    end = assembly.meet()
    assert len(assembly.certified(end)) == 1
    (sealed,) = assembly.certified(end)
    row = end.view.get(STATUSES, (tag(BODY), sealed))
    assert row is not None
    assert row[1] == "sealed"


def test_an_honest_tellers_records_are_never_void() -> None:
    for seed in range(15):
        random = Random(seed)
        assembly = Assembly(4, 3, 3, 0, 3)
        for _ in range(60):
            assembly.act(random.choice(assembly.names), random.choice(assembly.pages))
            assembly.gossip(random.choice(assembly.names), random)
        words = {row[1] for _, row in assembly.meet().view.scan(VERDICTS, (tag(BODY),))}
        assert words <= {"stands", "moved"}


@pytest.mark.parametrize("rivals", [2, 3])
def test_beyond_the_bound_two_rivals_freeze_the_book(rivals: int) -> None:
    assembly = Assembly(3, 2, 2, 2, rivals)
    for page in assembly.pages[:2]:
        for name in assembly.liars:
            end = assembly.ends[name][0]
            for kind in ("signature", "approval"):
                said: dict[str, Value] = {"page": page, "slot": assembly.written.page0, "round": 0}
                end = assembly.say(name, kind, said, end)
    end_node = assembly.meet()
    assert {(end_node.view.get(STATUSES, (tag(BODY), page)) or ("", ""))[1] for page in assembly.pages} == {
        "frozen"
    }
    (log,) = [genesis(name, name, BODY).log for name in assembly.honest]
    assert next_signature(end_node.view, assembly.pages[0], log) == Refuse(
        "frozen", "The book is split: only a repair page right after the split can settle it."
    )
