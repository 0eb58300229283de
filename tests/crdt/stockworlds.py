"""Random worlds of facts: lots, two stores, corrections of corrections, counts that name facts, forks, cuts, chosen branches.

A world is made from a seed. What counts of it in the end is said here plainly, for the naive twin; in which order, grouping and
repetition it comes to a node is another seed's matter.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fedsync.crdt.logs.seats import All, Bound, Cut, Pending
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId, Reach
from fedsync.records.seal import Draft
from tests.crdt.granary import (
    AUTUMN_LOT,
    BIRCH,
    CELLAR,
    GRANARY,
    HOUR,
    NOON,
    OATS,
    SPRING_LOT,
    WHEAT,
    Node,
    chain,
    counted,
    genesis,
    interleaved,
    moved,
    ref_of,
    regrouped,
    told,
)
from tests.crdt.naive_stock import Told

LOGS = [
    genesis("Ann"),
    genesis("Ben"),
    genesis("Cem"),
    genesis("Dia", reach=Reach.LOCAL),
    genesis("Eve", BIRCH),
]
SINGLE = [
    *("raise", "produce", "lower", "consume", "pickup", "dropoff", "accept", "modify", "combine", "separate"),
    *("use", "cite", "work", "deliver_service"),
]
DOUBLE = ["move", "transfer", "transfer_custody", "transfer_all_rights", "copy"]
PROMISES = [b"p" * 32, b"q" * 32]
TRANSFER = b"t" * 32


@dataclass
class World:
    """Logs in blocks of one record each, where they fork, and what the book says of each in the end."""

    logs: dict[LogId, list[Block]] = field(default_factory=dict)
    branches: dict[LogId, list[Block]] = field(default_factory=dict)
    """The records of a second branch, without those below the fork."""
    bounds: dict[LogId, Bound] = field(default_factory=dict)

    def counting(self) -> list[Told]:
        """Return the records that count, once all of them are held."""
        return told(block for log in self.logs for block in self._chain(log))

    def _chain(self, log: LogId) -> list[Block]:
        trunk, branch, bound = self.logs[log], self.branches.get(log, []), self.bounds[log]
        fork = branch[0].first if branch else None
        if isinstance(bound, Pending):
            return []
        if isinstance(bound, All):
            return trunk[:fork]
        if bound.chosen is not None:
            other = [*trunk[:fork], *branch]
            on = trunk if _has(trunk, bound.chosen) else other
            on = on[: bound.chosen[0] + 1]
            return [
                block for block in on if any(block.first <= tip[0] for tip in bound.tips if _keeps(on, tip))
            ]
        kept = max((seq + 1 for seq, _ in bound.tips), default=0)
        return trunk[: kept if fork is None else min(kept, fork)]


def _has(chain_: list[Block], tip: tuple[int, Any]) -> bool:
    return tip[0] < len(chain_) and chain_[tip[0]].tip == tip[1]


def _keeps(chain_: list[Block], tip: tuple[int, Any]) -> bool:
    return tip[0] >= len(chain_) or _has(chain_, tip)


def world(seed: int, records: int = 40, counts: bool = True, long: bool = False) -> World:
    """Return a world of this many records at most; a `long` one is mostly corrections of corrections."""
    random = Random(seed)
    found = World({each.log: chain(each, []) for each in LOGS})
    known: list[tuple[Genesis, Block]] = []
    for _ in range(records if long else random.randint(1, records)):
        begins = random.choice(LOGS[:2] if long else LOGS)
        log = found.logs[begins.log]
        (*_, last) = chain(begins, [said(random, known, counts, long)], log)
        log.append(last)
        known.append((begins, last))
    for begins in LOGS:
        _fork(random, found, begins, known, counts)
        found.bounds[begins.log] = bound(random, found, begins.log)
    return found


def _fork(
    random: Random, found: World, begins: Genesis, known: list[tuple[Genesis, Block]], counts: bool
) -> None:
    trunk = found.logs[begins.log]
    if len(trunk) < 2 or random.random() < 0.7:
        return
    at = random.randrange(1, len(trunk))
    drafts = [said(random, known, counts) for _ in range(random.randint(1, 4))]
    branch = chain(begins, drafts, trunk[:at])[at:]
    if branch[0].tip != trunk[at].tip:
        found.branches[begins.log] = branch


def bound(random: Random, found: World, log: LogId) -> Bound:
    """Return what the book says of a log in the end."""
    trunk, branch = found.logs[log], found.branches.get(log)
    if branch is not None and random.random() < 0.6:
        tip = random.choice([*trunk[branch[0].first :], *branch])
        tips = [random.choice([*trunk[1:], *branch]) for _ in range(random.randint(0, 2))]
        return Cut(tuple((each.last, each.tip) for each in [*tips, tip]), chosen=(tip.last, tip.tip))
    choice = random.random()
    if choice < 0.6 or len(trunk) < 2:
        return All()
    if choice < 0.7:
        return Pending()
    return Cut(tuple((each.last, each.tip) for each in random.sample(trunk[1:], random.randint(0, 1))))


def said(random: Random, known: list[tuple[Genesis, Block]], counts: bool, long: bool = False) -> Draft:
    """Return a movement, or a count if there are `counts`; they name what is known. `long`: a correction, nearly always."""
    # Few instants, so that much meets, in three of the spans that are added up.
    at = NOON + random.choice([0, 1, 2, 3, 390, 391, 800]) * HOUR
    item = random.choice([WHEAT, WHEAT, WHEAT, OATS])
    store, other = random.sample([GRANARY, CELLAR], 2)
    quantity = random.randint(0, 20)
    more: dict[str, Any] = {}
    if random.random() < 0.3:
        more["lot"] = random.choice([SPRING_LOT, AUTUMN_LOT])
    if random.random() < 0.1:
        more["note"] = "by cart"
    time = NOON + 900 * HOUR
    if counts and random.random() < 0.25:
        for name in ("includes", "excludes"):
            if random.random() < 0.5:
                refs = [_ref(random, known) for _ in range(random.randint(0, 3))]
                taken = more.get("includes", [])
                more[name] = [
                    each for at, each in enumerate(refs) if each not in refs[:at] and each not in taken
                ]
        return counted(quantity, at, item, store, time, **more)
    if known and random.random() < (0.97 if long else 0.35):
        more["corrects"] = _ref(random, known[-1:] if long else known)
        if long:
            return moved("raise", quantity, at, item, store, time, **more)
    if random.random() < 0.15:
        more["fulfills"] = random.choice(PROMISES)
    if random.random() < 0.05:
        return moved("lower", quantity, at, item, None, time, reason="lost", transfer=TRANSFER, **more)
    if random.random() < 0.3:
        ends: dict[str, Value] = {"store": store, "to": other, "provider": "Mill", "receiver": "Mill"}
        if random.random() < 0.4:
            del ends[random.choice(["store", "to"])]
        if random.random() < 0.1:
            del ends["receiver"]
        made = moved(random.choice(DOUBLE), quantity, at, item, None, time, **more)
        assert isinstance(made.value, dict)
        return Draft(made.kind, {**made.value, **ends}, made.time)
    if random.random() < 0.2:
        more["transfer"] = TRANSFER
    return moved(random.choice(SINGLE), quantity, at, item, store, time, **more)


def _ref(random: Random, known: list[tuple[Genesis, Block]]) -> list[Value]:
    if not known or random.random() < 0.05:
        return [LOGS[0].log, random.randint(1, 9), bytes([random.randrange(256)]) * 32]
    # The latest are named more often, so that lines of corrections grow.
    _, block = random.choice(known[-6:] if random.random() < 0.6 else known)
    ref = ref_of(block)
    if random.random() < 0.05:
        ref[1] = block.last + 1
    return ref


Step = tuple[Any, ...]


def deliver(found: World, seed: int, kind: type[Node] = Node) -> Iterator[Node]:
    """Bring a world to a node in some order, and yield the node after each batch."""
    random = Random(seed)
    node = kind({log: random.choice([Pending(), All(), bound]) for log, bound in found.bounds.items()})
    queues: list[list[Step]] = []
    for log, blocks in found.logs.items():
        branch = found.branches.get(log, [])
        queue: list[Step] = [("block", block) for block in regrouped(blocks, random)]
        fork = [("branch", log, branch[0].first, block) for block in regrouped(branch, random)]
        if branch and random.random() < 0.5:
            # Another branch may come before the rest of this one, once what is below both is there.
            at = next(at for at, (_, block) in enumerate(queue) if block.last >= branch[0].first - 1)
            queue[at + 1 :] = interleaved([queue[at + 1 :], fork], random)
        else:
            queue += fork
        queues.append(queue)
    queues.extend([("bound", log, bound)] for log, bound in found.bounds.items())
    steps = interleaved(queues, random)
    while steps:
        batch, steps = steps[: (cut := random.randint(1, 6))], steps[cut:]
        node.do(*[_step(node, each) for each in batch], ask=random.random() < 0.3)
        yield node


def _step(node: Node, step: Step) -> Any:
    what, *rest = step
    if what == "block":
        node.view.hold(rest[0])
        return node.folding(rest[0])
    if what == "bound":
        return node.hearing(rest[0], rest[1])
    node.view.hold(rest[2])
    return node.forking(rest[0], rest[1])
