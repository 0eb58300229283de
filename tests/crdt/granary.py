"""What the tests of stores share: tellers' logs of facts as real blocks, in any grouping, and random deliveries."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from random import Random
from typing import Any

from fedsync.crdt import root
from fedsync.crdt.goods.stock import Stock
from fedsync.crdt.goods.tables import BALANCES, FULFILLED, Balance, balance
from fedsync.crdt.logs.counting import Counting
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending
from fedsync.crdt.realms import realm_of
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.records.block import Base, Block, merge
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import SEAT, Capacity, Genesis
from fedsync.records.ids import NO_LOT, LogClass, LogId, PayloadId, Reach, Scope, payload_id
from fedsync.records.places import START
from fedsync.records.seal import Draft
from tests.crdt.naive_stock import Level, Place, Told
from tests.sealing import seal

ANN = private_key(b"a" * 32)
NOON = 1_700_000_000_000
HOUR = 3_600_000
ALDER, BIRCH = Scope(b"alder" + bytes(11)), Scope(b"birch" + bytes(11))


def store_value(name: str, scope: Scope = ALDER) -> dict[str, Value]:
    """Return the payload that makes a store."""
    return {"name": name, "scope": scope}


def item_value(name: str, unit: str = "g") -> dict[str, Value]:
    """Return the payload that names a kind of thing."""
    return {"name": name, "unit": unit}


def id_of(value: dict[str, Value]) -> PayloadId:
    """Return the id that a store or an item has by its payload."""
    return payload_id(pack(value))


GRANARY, CELLAR = id_of(store_value("Granary")), id_of(store_value("Cellar"))
WHEAT, OATS = id_of(item_value("Wheat")), id_of(item_value("Oats"))
SPRING: dict[str, Value] = {"code": "spring", "resource_conforms_to": WHEAT, "expiration_date": NOON + 1}
AUTUMN: dict[str, Value] = {"code": "autumn", "resource_conforms_to": WHEAT}
SPRING_LOT, AUTUMN_LOT = id_of(SPRING), id_of(AUTUMN)


def ref_of(block: Block, seq: int | None = None) -> list[Value]:
    """Return what names a record of a block in a payload, its last one when no seq is given."""
    seq = block.last if seq is None else seq
    return [block.log, seq, block.ids[seq - block.first]]


def moved(
    action: str,
    quantity: int,
    at: int,
    item: bytes = WHEAT,
    store: bytes | None = GRANARY,
    time: int | None = None,
    **more: Value,
) -> Draft:
    """Return a movement at `at`, claimed at `time`, at once when that is not given; `more`: other fields of it."""
    value: dict[str, Value] = {
        "action": action,
        "quantity": quantity,
        "resource_conforms_to": item,
        "has_point_in_time": at,
        **more,
    }
    if store is not None:
        value["store"] = store
    return Draft("economic_event", value, at if time is None else time)


def counted(
    quantity: int,
    at: int,
    item: bytes = WHEAT,
    store: bytes = GRANARY,
    time: int | None = None,
    **more: Value,
) -> Draft:
    """Return a count at `at`; `more`: other fields of it."""
    value: dict[str, Value] = {
        "quantity": quantity,
        "resource_conforms_to": item,
        "store": store,
        "has_point_in_time": at,
        **more,
    }
    return Draft("count", value, at if time is None else time)


def genesis(
    name: str,
    scope: Scope = ALDER,
    log_class: LogClass = LogClass.FACTS,
    reach: Reach = Reach.REGION,
    capacity: Capacity = SEAT,
) -> Genesis:
    """Return the beginning of the log of this name; all are Ann's."""
    incarnation = sha256(name.encode()).digest()[:16]
    return Genesis(public_key(ANN), scope, capacity, log_class, reach, incarnation)


@cache
def opening(begins: Genesis) -> Block:
    """Return the block that holds a genesis alone."""
    (block,) = seal(ANN, begins, None, [], time=0)
    return block


def chain(begins: Genesis, drafts: Sequence[Draft], after: Sequence[Block] = ()) -> list[Block]:
    """Return a log as blocks of one record each, so that it can be grouped in any way. `after`: what comes before."""
    found = list(after) or [opening(begins)]
    for draft in drafts:
        last = found[-1]
        found.extend(seal(ANN, begins, Base(begins, last.last, last.tip, START), [draft]))
    return found


def told(blocks: Iterable[Block]) -> list[Told]:
    """Return records as the naive twin takes them."""
    return [
        Told(realm_of(each.genesis), each.log, each.seq, each.id, each.kind, each.value, each.time)
        for block in blocks
        for each in block.records()
        if each.kind != "genesis"
    ]


@dataclass
class Node:
    """A node that folds facts. `bounds` is what its books say; keys of this test are named by their log."""

    bounds: dict[LogId, Bound] = field(default_factory=dict)
    view: MemoryView = field(default_factory=MemoryView)

    def __post_init__(self) -> None:
        """Count by what this node's books say."""
        self.counting = Counting(self.bound, {LogClass.FACTS: Stock()})

    def bound(self, draft: StateDraft, genesis: Genesis) -> Bound:
        """Say how much of a log counts."""
        return self.bounds.get(genesis.log, All())

    def do(self, *steps: Callable[[StateDraft], None], ask: bool = False) -> None:
        """Take steps in one batch; `ask` for the root after it."""
        draft = StateDraft(self.view)
        for step in steps:
            step(draft)
        root.note(draft)
        self.view.commit(draft.changes)
        if ask:
            self.root()

    def take(self, *blocks: Block) -> None:
        """Hold blocks and fold them in one batch."""
        for block in blocks:
            self.view.hold(block)
        self.do(*[self.folding(block) for block in blocks])

    def folding(self, block: Block) -> Callable[[StateDraft], None]:
        """Return the step that folds a block."""
        return lambda draft: self.counting.apply_block(draft, block)

    def hearing(self, log: LogId, bound: Bound) -> Callable[[StateDraft], None]:
        """Return the step in which the book says something else of a log."""

        def step(draft: StateDraft) -> None:
            self.bounds[log] = bound
            self.counting.refold(draft, log)

        return step

    def forking(self, log: LogId, seq: int) -> Callable[[StateDraft], None]:
        """Return the step in which a log turns out to have two branches."""
        return lambda draft: self.counting.set_fork(draft, log, seq)

    def root(self) -> bytes:
        """Return the state root."""
        draft = StateDraft(self.view)
        found = root.state_root(draft)
        self.view.commit(draft.changes)
        return found

    def levels(self) -> dict[Place, Level]:
        """Return what lies where."""
        found: dict[Place, Level] = {}
        for key, row in self.view.scan(BALANCES):
            now = balance(row)
            if _is_shown(now):
                found[key] = Level(now.on_hand, now.unexplained, now.counted_at, bool(now.contested))  # type: ignore[index]
        return found

    def accounting(self) -> dict[Place, int]:
        """Return what is where by right."""
        return {
            key: balance(row).accounting  # type: ignore[misc]
            for key, row in self.view.scan(BALANCES)
            if _is_shown(balance(row))
        }

    def fulfilled(self) -> dict[tuple[bytes, bytes], int]:
        """Return how much was handed over to keep each promise."""
        found: dict[tuple[bytes, bytes], int] = {}
        for (realm, commitment, _), (total, _) in self.view.scan(FULFILLED):
            key = bytes(realm), bytes(commitment)  # type: ignore[arg-type]
            found[key] = found.get(key, 0) + int(total or 0)
        return found

    def level(
        self, store: bytes = GRANARY, item: bytes = WHEAT, scope: bytes = ALDER, lot: bytes = NO_LOT
    ) -> Level:
        """Return what lies in one pool."""
        return self.levels()[scope, store, item, lot]


def _is_shown(now: Balance) -> bool:
    # A pool from which every event was corrected away is no pool of anything.
    return bool(now.events) or now.counted_at is not None


def regrouped(blocks: Sequence[Block], random: Random, again: float = 0.2) -> list[Block]:
    """Return a log's blocks merged at random, in order, some of them twice and overlapping."""
    found: list[Block] = []
    at = 0
    while at < len(blocks):
        start = random.randrange(at + 1) if random.random() < again else at
        stop = random.randint(at + 1, min(len(blocks), at + 12))
        found.append(merge(blocks[start:stop]))
        at = stop
    return found


def interleaved(queues: Sequence[Sequence[Any]], random: Random) -> list[Any]:
    """Return what is in the queues in a random order that keeps each queue's own."""
    waiting = [list(queue) for queue in queues if queue]
    found: list[Any] = []
    while waiting:
        queue = random.choice(waiting)
        found.append(queue.pop(0))
        waiting = [each for each in waiting if each]
    return found


__all__ = ["All", "Cut", "Pending"]
