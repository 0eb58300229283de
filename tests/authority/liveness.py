"""Can an honest, connected body reach its next page? Rivals, delayed messages and one liar first, then quiet: measured.

Each person and each node has a state of its own and says what our tools say (rules H1 to H3): tellers and delegates go
for a page of their choice, nodes seal by themselves. The liar says anything, on any branch of its log. Then the liar
falls silent, everything arrives, and all agree on one page: who is locked elsewhere follows what the tool names.

`python -m tests.authority.liveness N` prints a line of JSON for each kind of body: trials, how many stood still, and
how many times all had to be asked until the page was sealed.
"""

import json
import sys
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

from fedsync.crdt.books.book import apply_blocks, bind
from fedsync.crdt.books.booktables import STATUSES
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, next_act, next_seal
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogId, PageId, RecordId
from fedsync.records.seal import Draft
from tests.authority.build import build
from tests.authority.scribe import COMMUNITY, REGION, Scribe, Term
from tests.crdt.books import TIME, append, tag, tip

PATIENCE = 12
"""How often all are asked, once it is quiet, until we say that the body stands still."""


@dataclass
class Kind:
    """A kind of body: `liars` of those who may lie do."""

    name: str
    seats: int
    k: int
    sealers: int
    w: int
    liars: int
    nodes: bool


KINDS = (
    Kind("2 of 3 tellers", 3, 2, 3, 2, 0, nodes=False),
    Kind("3 of 4 tellers, one lies", 4, 3, 4, 3, 1, nodes=False),
    Kind("5 of 7 tellers, two lie", 7, 5, 7, 5, 2, nodes=False),
    Kind("region of 3, 3 nodes all needed", 3, 2, 3, 3, 0, nodes=True),
    Kind("region of 3, 3 of 4 nodes, one lies", 3, 2, 4, 3, 1, nodes=True),
    Kind("region of 5, 4 of 5 nodes, one lies", 5, 3, 5, 4, 1, nodes=True),
)


@dataclass
class Node:
    """One participant's machine."""

    view: MemoryView
    held: set[RecordId] = field(default_factory=set)

    def take(self, block: Block) -> None:
        """Fold a block unless it is held."""
        if block.tip not in self.held:
            self.held.add(block.tip)
            draft = StateDraft(self.view)
            apply_blocks(draft, [block])
            self.view.commit(draft.changes)


class Gathering:
    """A body whose people and nodes act by themselves."""

    def __init__(self, kind: Kind, pages: int, random: Random) -> None:
        self.random, world = random, Scribe()
        if kind.nodes:
            members = [f"C{at}" for at in range(kind.seats)]
            for name in members:
                world.community(name)
            self.sealers = [world.log(f"N{at}", f"node {at}", seat="B") for at in range(kind.sealers)]
            book = world.found("B", REGION, Term(members, kind.k, self.sealers, kind.w))
            self.people = [world.sent(name, "B") for name in members]
        else:
            self.people = [world.log(f"T{at}", f"teller {at}", seat="B") for at in range(kind.seats)]
            self.sealers = []
            book = world.found("B", COMMUNITY, Term(self.people, kind.k, self.people, kind.w))
        rivals = [world.page(book, "B.0", [{"kind": "decision", "text": f"{at}"}]) for at in range(pages)]
        self.keys = {each["id"]: each["key"] for each in world.records if each["kind"] == "log"}
        self.built = build({"id": "gathering", "records": world.records})
        self.slot = self.built.pages["B.0"]
        self.pages = [self.built.pages[each] for each in rivals]
        self.liars = random.sample(self.sealers or self.people, kind.liars)
        self.ends: dict[str, list[Block]] = {}
        self.sent: list[tuple[RecordId | None, Block]] = []
        self.nodes = {name: self._begin() for name in (*self.people, *self.sealers)}
        for name in self.nodes:
            mine = [block for block in self.built.blocks.values() if block.log == self._log(name)]
            self.ends[name] = [max(mine, key=lambda block: block.last)]

    def _begin(self) -> Node:
        node = Node(MemoryView())
        draft = StateDraft(node.view)
        for body in self.built.bodies:
            bind(draft, tag(body), self.built.pages[f"{body}.0"])
        node.view.commit(draft.changes)
        later = set(self.built.after)
        for name in sorted(
            self.built.blocks, key=lambda name: (name in later, name.startswith("record"), name)
        ):
            node.take(self.built.blocks[name])
        return node

    def _log(self, name: str) -> LogId:
        return self.built.blocks[f"log {name}"].log

    def _say(self, name: str, page: PageId, act: Sign | Approve, end: Block | None = None) -> None:
        said: dict[str, Value] = {"page": page, "slot": self.slot, "round": act.round}
        if isinstance(act, Sign) and act.lock is not None:
            said["lock"] = act.lock
        end = end or self.ends[name][-1]
        block = append(
            self.keys[name],
            tip(end),
            Draft("approval" if isinstance(act, Approve) else "signature", said, TIME),
        )
        self.ends[name].append(block)
        self.sent.append((end.tip, block))
        self.nodes[name].take(block)

    def act(self, name: str, page: PageId) -> None:
        """Let an honest one say what the tool says: a node by itself, a person for a page or the one to turn to."""
        view, log = self.nodes[name].view, self._log(name)
        if name in self.sealers:
            found = next_seal(view, self.slot, log)
            for each in found[1] if found else ():
                self._say(name, found[0], each)  # type: ignore[index]
            return
        answer = next_act(view, page, log)
        if isinstance(answer, Refuse) and answer.page is not None:
            page = answer.page
            answer = next_act(view, page, log)
        for each in () if isinstance(answer, Refuse) else answer:
            self._say(name, page, each)

    def lie(self, name: str) -> None:
        """Let a liar say anything."""
        random = self.random
        round_ = random.choice([0, 0, 0, 1, 1, 2, 3, 5000])
        act = Approve(round_) if random.random() < 0.5 else Sign(round_, random.choice([None, 0, 1]))
        self._say(name, random.choice(self.pages), act, random.choice(self.ends[name][-4:]))

    def gossip(self, name: str, most: int | None = None) -> None:
        """Bring a node some of what it lacks, or all of it."""
        node = self.nodes[name]
        for _ in range(self.random.randrange(most) if most else len(self.sent)):
            known = (None, *node.held)
            lacks = [block for after, block in self.sent if block.tip not in node.held and after in known]
            if not lacks:
                break
            node.take(self.random.choice(lacks))

    def meet(self, steps: int) -> int | None:
        """Let chance rule for some steps, then quiet; return how often all were asked until sealed, None: it stood still."""
        names = list(self.nodes)
        for _ in range(steps):
            name = self.random.choice(names)
            if name in self.liars:
                self.lie(name)
            elif self.random.random() < 0.6:
                self.act(name, self.random.choice(self.pages))
            self.gossip(self.random.choice(names), 6)
        for asked in range(PATIENCE):
            if self.sealed():
                return asked
            for name in names:
                if name not in self.liars:
                    self.gossip(name)
                    self.act(name, self.pages[0])
        return PATIENCE if self.sealed() else None

    def sealed(self) -> bool:
        """Say whether a page is sealed for somebody honest who holds everything."""
        name = next(each for each in self.nodes if each not in self.liars)
        self.gossip(name)
        rows = [self.nodes[name].view.get(STATUSES, (tag("B"), page)) for page in self.pages]
        return [row[1] for row in rows if row is not None].count("sealed") == 1


def measure(kind: Kind, trials: int, seed: int = 0) -> Mapping[str, object]:
    """Return how often a kind of body stood still, and how often its people were asked."""
    asked: Counter[int | None] = Counter()
    for trial in range(trials):
        random = Random(f"{kind.name} {seed} {trial}")
        asked[Gathering(kind, random.randint(1, 3), random).meet(random.randint(0, 60))] += 1
    stuck = asked.pop(None, 0)
    times = {str(times): number for times, number in sorted(asked.items(), key=str)}
    return {"body": kind.name, "trials": trials, "stuck": stuck, "asked": times}


if __name__ == "__main__":
    for each in KINDS:
        print(json.dumps(measure(each, int(sys.argv[1]) if len(sys.argv) > 1 else 100)), flush=True)
