"""What one admitted key can make others pay: a record costs what it touches, not all that was ever said beside it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from fedsync.crdt.view import KeyRow, MemoryView, Row, Table
from fedsync.records.block import Base, Block
from fedsync.records.genesis import Genesis
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from tests.crdt.granary import ALDER, ANN, HOUR, NOON, WHEAT, counted, genesis, moved, opening
from tests.crdt.village import BLUE, DRILL, SHED, Village, lent, planner, returned


class Watched(MemoryView):
    """A view that counts the rows that were gone through."""

    rows = 0

    def scan(self, table: Table, prefix: KeyRow = ()) -> Iterator[tuple[KeyRow, Row]]:
        """Yield as a `MemoryView` does."""
        found = list(super().scan(table, prefix))
        self.rows += len(found)
        return iter(found)


@dataclass
class Grown:
    """A log that grows by blocks of many records, at a node."""

    node: Village
    begins: Genesis
    last: Block = field(init=False)

    def __post_init__(self) -> None:
        """Begin with its genesis."""
        self.last = opening(self.begins)
        self.node.take(self.last)

    def say(self, *drafts: Draft) -> list[Block]:
        """Append records."""
        base = Base(self.begins, self.last.last, self.last.tip, START)
        blocks = seal(ANN, self.begins, base, list(drafts))
        self.last = blocks[-1]
        self.node.take(*blocks)
        return blocks

    def ref(self) -> list[Any]:
        """Return its last record with its place."""
        return [self.last.log, self.last.last, self.last.tip]


def _counts_that_name_it(node: Village, many: int) -> Callable[[], object]:
    goods = Grown(node, genesis("Ann"))
    goods.say(moved("raise", 5, NOON))
    ref = goods.ref()
    for at in range(many):
        lot = at.to_bytes(32, "big")
        goods.say(counted(3, NOON + 1, time=NOON + HOUR, lot=lot, includes=[ref]))
    return lambda: goods.say(moved("raise", 6, NOON, time=NOON + HOUR, corrects=ref))


def _promises_that_wait_for_its_log(node: Village, many: int) -> Callable[[], object]:
    busy, idle = Grown(node, planner("Ann")), Grown(node, planner("Ben"))
    offer: dict[str, Any] = {"resource_conforms_to": WHEAT, "quantity": 5, "provider": ALDER}
    for at in range(many):
        idle.say(Draft("intent", offer, NOON))
        accepts = [[busy.begins.log, 10**6 + at, bytes(32)]]
        value: dict[str, Any] = {
            "intent": idle.last.tip,
            "receiver": "Mill",
            "quantity": 1,
            "accepts": accepts,
        }
        idle.say(Draft("commitment", value, NOON))
    return lambda: busy.say(Draft("intent", offer, NOON))


def _counts_of_a_thing_that_comes_back(node: Village, many: int) -> Callable[[], object]:
    goods = Grown(node, genesis("Ann"))
    for at in range(many):
        goods.say(counted(1, NOON + at, item=DRILL, store=SHED, lot=BLUE, time=NOON + HOUR))
    (block,) = goods.say(lent("Zoe"))
    goods.say(returned(block.record(0), NOON + HOUR))
    return lambda: goods.say(returned(block.record(0), NOON + HOUR - 1))


@pytest.mark.parametrize(
    "begin", [_counts_that_name_it, _promises_that_wait_for_its_log, _counts_of_a_thing_that_comes_back]
)
def test_a_record_costs_no_more_for_all_that_others_piled_up(
    begin: Callable[[Village, int], Callable[[], object]],
) -> None:
    costs = []
    for many in (5, 150):
        view = Watched()
        then = begin(Village(view=view), many)
        view.rows = 0
        then()
        costs.append(view.rows)
    assert costs[1] < costs[0] + 40, costs
