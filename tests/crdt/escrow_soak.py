"""`scripts/escrow-soak`: offers, rights and promises at random on nodes that partitions keep apart, without one over-promise.

After every step, on every node that it reached: what is left and validly promised of an offer, by all logs together, and
what was given up of it, is no more than what is offered. Every so often a node holds less of a log than its author wrote,
forks and recalls come late, and rights are taken back while their holder goes on. At last all is healed: every node has
one state, that of a node which gets everything at once.
"""

import argparse
import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from random import Random
from typing import Any

from fedsync.crdt.books.booktables import SETTLED
from fedsync.crdt.logs.seats import All, Bound, Cut
from fedsync.crdt.plans.plantables import DIRTY, INTENT_LOGS, PLACES, RIGHTS, STEPS, rights_row, step_row
from fedsync.crdt.view import Draft as StateDraft
from fedsync.records.block import Block
from fedsync.records.codec import unpack
from fedsync.records.ids import LogId, PageId, RecordId
from tests.crdt.granary import BIRCH
from tests.crdt.market import Log, Market, RandomMarket, Ref, log

STEPS_A_WORLD = 250
"""Small worlds: many logs that meddle with few offers find more than one long history."""
Word = Callable[[Market, StateDraft], None]
"""What a body's book says, as a node hears it."""


@dataclass
class Place:
    """A node, what it holds of each log, and how many words of the books it has heard."""

    node: Market = field(default_factory=Market)
    held: dict[LogId, list[list[Block]]] = field(default_factory=dict)
    """By log: its branches, as far as they are held. The first is the one that came first."""
    heard: int = 0

    def take(self, block: Block) -> bool:
        """Take a block of one record from its author or another node; say whether it was new and could follow."""
        branches = self.held.setdefault(block.log, [])
        if any(block.first < len(each) and each[block.first].tip == block.tip for each in branches):
            return False
        if not branches:
            branches.append([])
        for at, branch in enumerate(branches):
            if block.first == len(branch) and (not branch or branch[-1].tip == block.prev):
                branch.append(block)
                self._fold(block, at)
                return True
        for branch in branches:
            if block.first < len(branch) and branch[block.first - 1].tip == block.prev:
                branches.append([*branch[: block.first], block])
                self._fold(block, len(branches) - 1)
                return True
        return False

    def _fold(self, block: Block, branch: int) -> None:
        self.node.view.hold(block)
        if branch:
            main = self.held[block.log][0]
            mine = self.held[block.log][branch]
            split = next(
                (at for at, (a, b) in enumerate(zip(main, mine, strict=False)) if a.tip != b.tip), len(main)
            )
            self.node.do(self.node.forking(block.log, split))
        else:
            self.node.do(self.node.folding(block))


class World(RandomMarket):
    """Authors at three nodes, words of their books, and links between the nodes that come and go."""

    nonsense = 0.02

    def __init__(self, random: Random) -> None:
        super().__init__(random)
        self.logs = [log("Ann"), log("Ben"), log("Cem", BIRCH), log("Dia", BIRCH), log("Eva", BIRCH)]
        self.places = [Place() for _ in range(3)]
        self.home = {each.id: self.places[at % 3] for at, each in enumerate(self.logs)}
        self.begins = {each.id: each.begins for each in self.logs}
        self.branches: dict[LogId, list[Log]] = {each.id: [each] for each in self.logs}
        self.parted: set[int] = set()
        self.words: list[Word] = []
        self.met: Counter[str] = Counter()
        self.offered: dict[RecordId, int] = {}
        self.here: Place | None = None
        for each in self.logs:
            for block in each.blocks:
                self.home[each.id].take(block)

    def play(self, steps: int) -> None:
        """Let so much happen. Raises AssertionError at the first over-promise."""
        self._offer(self.logs[0])
        self._bring(self.home[self.logs[0].id], self.logs[0].blocks[1:])
        for _ in range(steps):
            match self.random.choices(range(6), [50, 45, 3, 1, 0.6, 1.2])[0]:
                case 0:
                    self._act()
                case 1:
                    self._gossip()
                case 2:
                    # Whom nobody reaches for a while.
                    self.parted ^= {self.random.randrange(3)}
                case 3:
                    self._fork()
                case 4:
                    self._settle()
                case _:
                    self._recall()
        self.heal()

    # --- What authors do ----------------------------------------------------------------------------------

    def _act(self) -> None:
        mine = self.random.choice(self.logs)
        self.here = self.home[mine.id]
        do = self.random.choices(
            [self._offer, self._grant, self._promise, self._release, self._back, self._deal],
            [0.3, 6, 7, 2, 4, 0.7],
        )[0]
        before = {each.id: len(each.blocks) for each in self.logs}
        do(mine)
        for each in self.logs:
            self._bring(self.home[each.id], each.blocks[before[each.id] :])

    def _accepts(self, mine: Log, intent: RecordId) -> dict[str, Any]:
        # People accept what their node has; now and then a program goes wrong, or lies.
        self.grants, every = [each for each in self.grants if self._seen(each[0])], self.grants
        try:
            return super()._accepts(mine, intent)
        finally:
            self.grants = every

    def _seen(self, ref: Ref) -> bool:
        assert self.here is not None
        return (
            any(
                ref[1] < len(branch) and branch[ref[1]].tip == ref[2]
                for branch in self.here.held.get(ref[0], ())
            )
            or self.random.random() < 0.02
        )

    def _looked_at(self, holder: Log) -> Ref:
        assert self.here is not None
        # Mostly what their node has last; but anybody may look at less.
        branches = self.here.held.get(holder.id)
        if not branches or self.random.random() < 0.3:
            return super()._looked_at(holder)
        branch = self.random.choice(branches)
        return [holder.id, len(branch) - 1, branch[-1].tip]

    def _fork(self) -> None:
        """An author writes again what was written already, at another node: by mistake, or to promise twice."""
        at = self.random.randrange(len(self.logs))
        whole = self.logs[at]
        if len(whole.blocks) < 3 or len(self.branches[whole.id]) > 2:
            return
        cut = self.random.randrange(2, len(whole.blocks))
        other = Log(whole.begins, list(whole.blocks[:cut]))
        self.branches[whole.id].append(other)
        self.logs[at] = other
        place = self.random.choice(self.places)
        self.home[whole.id] = place
        for block in other.blocks:
            self._bring(place, [block])
        self.met["forks"] += 1

    # --- What books say -----------------------------------------------------------------------------------

    def _settle(self) -> None:
        forked = [name for name, branches in self.branches.items() if len(branches) > 1]
        if forked:
            name = self.random.choice(forked)
            branch = self.random.choice(self.branches[name])
            self.words.append(partial(_settled, branch, branch.tip()))
            self.met["settled"] += 1

    def _recall(self) -> None:
        branch = self.random.choice(self.random.choice(list(self.branches.values())))
        seq = self.random.randrange(len(branch.blocks))
        ref = branch.ref(max(seq, len(branch.blocks) - 4))
        bounds: list[Bound] = [All(), Cut(((ref[1], ref[2]),)), Cut(())]
        self.words.append(partial(_said, branch.id, self.random.choice(bounds)))
        self.met["recalls"] += 1

    def _hear(self, place: Place) -> None:
        if place.heard < len(self.words):
            place.node.do(partial(self.words[place.heard], place.node))
            place.heard += 1
            self.check(place, None)

    # --- What travels -------------------------------------------------------------------------------------

    def _gossip(self) -> None:
        one, other = self.random.sample(range(3), 2)
        if (one in self.parted) != (other in self.parted):
            return
        source, target = self.places[one], self.places[other]
        name = self.random.choice(list(self.begins))
        blocks = [block for branch in source.held.get(name, ()) for block in branch]
        # Some of it is lost on the way, and some comes twice.
        self._bring(target, blocks[: self.random.randint(0, len(blocks))])
        if self.random.random() < 0.3:
            self._hear(target)

    def _bring(self, place: Place, blocks: list[Block]) -> None:
        for block in blocks:
            value: Any = block.value(0) if block.kinds[0] == "intent" else {}
            if "provider" in value:
                self.offered[block.tip] = value["quantity"]
            if place.take(block):
                self.met["records folded"] += 1
                self.check(place, block)

    # --- The laws -----------------------------------------------------------------------------------------

    def check(self, place: Place, block: Block | None) -> None:
        """Say that nothing is promised beyond an offer that a block is about, or any when there is none."""
        view, intents = place.node.view, set(self.intents)
        if block is not None:
            value: Any = unpack(block.payloads[-1])
            found = view.get(PLACES, (block.tip,))
            named = [value.get("intent"), found[1] if found else None]
            intents = {RecordId(each) for each in named if isinstance(each, bytes)}
        for intent in intents:
            row = view.get(PLACES, (intent,))
            total = 0
            for key, (realm,) in view.scan(INTENT_LOGS, (intent,)):
                rights = view.get(RIGHTS, (realm, intent, key[1]))  # type: ignore[arg-type]
                if rights is not None:
                    assert min(rights_row(rights)[:2]) >= 0
                    total += rights_row(rights).left + rights_row(rights).promised
                for _, cells in view.scan(STEPS, (realm, intent, key[1])):  # type: ignore[arg-type]
                    step = step_row(cells)
                    self.met[step.code] += 1
                    if step.code == "given-up":
                        total += step.quantity
            most = 0 if row is None else self.offered.get(intent, 0)
            assert total <= most, f"{total} of {most} promised of {intent!r}"
        assert list(view.scan(DIRTY)) == []

    def heal(self) -> None:
        """Bring everything everywhere, and compare all nodes with one that gets it at once."""
        every = [
            block for branches in self.branches.values() for branch in branches for block in branch.blocks
        ]
        fresh = Place()
        for word in self.words:
            fresh.node.do(partial(word, fresh.node))
        for place in [*self.places, fresh]:
            place.heard = len(self.words) if place is fresh else place.heard
            for block in every:
                place.take(block)
            while place.heard < len(self.words):
                self._hear(place)
            self.check(place, None)
        assert len({place.node.root() for place in [*self.places, fresh]}) == 1, "nodes differ"


def _settled(branch: Log, tip: Ref, node: Market, draft: StateDraft) -> None:
    name, seq, id_ = tip
    # The first word on a log holds, as in a book.
    if draft.get(SETTLED, (branch.begins.scope, name)) is None:
        draft.put(SETTLED, (branch.begins.scope, name), (seq, id_, PageId(bytes(32)), 0))
        node.counting.refold(draft, name)


def _said(name: LogId, bound: Bound, node: Market, draft: StateDraft) -> None:
    node.bounds[name] = bound
    node.counting.refold(draft, name)


def run(steps: int, seed: int) -> dict[str, Any]:
    """Play worlds until so many steps are done; return what came of it. Prints a world that fails with its seed."""
    began, done, failed, met = time.monotonic(), 0, 0, Counter[str]()
    while done < steps:
        world = World(Random(f"escrow {seed}"))
        try:
            world.play(min(STEPS_A_WORLD, steps - done))
        except AssertionError as error:
            failed += 1
            print(f"world {seed}: {error}", file=sys.stderr)
        met += world.met
        done += STEPS_A_WORLD
        seed += 1
    return {"steps": done, "failures": failed, "seconds": round(time.monotonic() - began), "met": dict(met)}


def main() -> None:
    """Play as the command line says."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--steps", type=int, default=1_000_000)
    words.add_argument(
        "--seed", type=int, default=0, help="the first world; each next one has the next number"
    )
    asked = words.parse_args()
    found = run(asked.steps, asked.seed)
    print(json.dumps(found))
    sys.exit(1 if found["failures"] else 0)


if __name__ == "__main__":
    main()
