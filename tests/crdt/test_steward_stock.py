"""What lies in stores when stewards record it: through the whole fold, as the two naive twins say, whatever came first."""

from random import Random
from typing import Any

import pytest

from fedsync.crdt import fold, root
from fedsync.crdt.goods.tables import BALANCES, balance
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Block
from fedsync.records.ids import LogClass, LogId
from fedsync.records.seal import Draft
from tests.crdt import naive_stock as naive
from tests.crdt.granary import CELLAR, GRANARY, HOUR, NOON, OATS, WHEAT, counted, moved, ref_of, told
from tests.crdt.naive_root import rooted_rows, state_root_of
from tests.crdt.stewards import Twin, draw, orders
from tests.crdt.test_fold import BODY_ID, SCOPE
from tests.seeds import seeds

ACTIONS = ("raise", "produce", "consume", "lower", "move", "use")


def say_goods(random: Random, log: list[Block]) -> Draft:
    """Return a movement, a count, or a correction of an earlier movement of the log; of plans, a promise."""
    time, at = NOON + random.randint(0, 8), NOON + random.randint(-3, 3) * HOUR
    if log[0].genesis.log_class is LogClass.PLANS:
        return Draft("commitment", {"say": "x"}, time)
    item, store = random.choice((WHEAT, OATS)), random.choice((GRANARY, CELLAR))
    if random.random() < 0.2:
        return counted(random.randint(0, 50), at, item, store, time)
    action = random.choice(ACTIONS)
    more: dict[str, Any] = {"to": CELLAR} if action == "move" else {}
    store = GRANARY if action == "move" else store
    events = [each for each in log if each.kinds[0] == "economic_event"]
    if events and random.random() < 0.3:
        more["corrects"] = ref_of(random.choice(events))
    return moved(action, random.randint(1, 50), at, item, store, time, **more)


class Node:
    """A node as its store drives it: it follows the body from some moment on, and notices forks."""

    def __init__(self) -> None:
        self.view = MemoryView()
        self.held: list[Block] = []
        self._tips: dict[LogId, set[bytes]] = {}

    def do(self, *steps: "Block | str") -> None:
        """Take blocks, or "follow", in one batch."""
        draft = StateDraft(self.view)
        for step in steps:
            if isinstance(step, str):
                fold.apply_bind(draft, SCOPE, BODY_ID)
            else:
                self._take(draft, step)
        root.note(draft)
        self.view.commit(draft.changes)

    def _take(self, draft: StateDraft, block: Block) -> None:
        tips = self._tips.setdefault(block.log, set())
        forks = (block.first and block.prev not in tips) or len(tips) > 1
        self.held.append(block)
        self.view.hold(block)
        if forks and block.genesis.log_class is not LogClass.AUTHORITY:
            fold.apply_fork(draft, block.log, block.first)
        else:
            fold.apply_block(draft, block)
        tips.discard(block.prev)
        tips.add(block.tip)

    def levels(self) -> dict[naive.Place, naive.Level]:
        """Return what lies where."""
        found: dict[naive.Place, naive.Level] = {}
        for key, row in self.view.scan(BALANCES):
            now = balance(row)
            if not now.events and now.counted_at is None:
                continue  # all that was told of it holds elsewhere
            found[key] = naive.Level(now.on_hand, now.unexplained, now.counted_at, bool(now.contested))  # type: ignore[index]
        return found

    def root(self) -> bytes:
        """Return the state root."""
        return root.state_root(StateDraft(self.view))


@pytest.mark.parametrize("seed", seeds(60))
def test_stores_that_stewards_keep_hold_what_the_naive_twins_say(seed: int) -> None:
    world = draw(Random(seed), say_goods)
    roots = set()
    for again in range(3):
        random = Random(seed * 10 + again)
        node = Node()
        steps = orders(world, random)
        while steps:
            size = random.randint(1, 8)
            node.do(*steps[:size])
            del steps[:size]
        counts = Twin(node.held, world.pages).counts()
        facts = [each for each in told(node.held) if each.id in counts]
        assert node.levels() == naive.levels(facts, dict.fromkeys((each.log for each in facts), None)), (
            seed,
            again,
        )
        roots.add(node.root())
        assert node.root() == state_root_of(rooted_rows(node.view))
    assert len(roots) == 1


def test_the_random_stores_are_not_empty() -> None:
    filled = 0
    for seed in range(40):
        world = draw(Random(seed), say_goods)
        node = Node()
        node.do(*orders(world, Random(1)))
        filled += len(node.levels()) > 1
    assert filled > 12
