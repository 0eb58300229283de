"""Random hauling between stores and communities, with a plain ledger beside it; `scripts/transfer-soak` runs it long.

Planners announce, stewards produce, consume, load, unload, lose, send back, correct each other and disagree, now and then
without any sense.
Their records reach several nodes late, in any order, in parts. On each node at any time not a gram may be lost:

    what lies in all stores + what is in transit + what was lost or written off = produced - consumed

of the records that this node holds. In the end each store and each line is what the ledger says, on every node.
"""

import argparse
import json
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random

from fedsync.crdt.goods.tables import BALANCES, balance
from fedsync.crdt.goods.transit import all_transfers
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, RecordId, Scope
from fedsync.records.kinds.refs import FactRef
from fedsync.records.places import START, Place
from fedsync.records.seal import Draft
from tests.crdt.carts import BEN, CEDAR, LOT, Cart, carried, lost, missing
from tests.crdt.granary import ALDER, ANN, BIRCH, CELLAR, GRANARY, NOON, OATS, WHEAT, genesis, moved
from tests.sealing import seal

BODIES = (ALDER, BIRCH, CEDAR)
STORES = (GRANARY, CELLAR)
ITEMS = (WHEAT, OATS)
STEWARDS = (ANN, BEN, private_key(b"c" * 32))
ACTIVE = 60
"""Transfers that people still do something about."""
RECENT = 300
"""Movements that may still be corrected."""

Thing = tuple[bytes, bytes]
"""An item, and its lot or nothing."""


@dataclass
class Load:
    """A transfer as the ledger knows it."""

    id: RecordId
    provider: Scope
    receiver: Scope
    things: list[Thing]
    sums: Counter[tuple[Thing, str]] = field(default_factory=Counter)
    words: dict[tuple[Thing, int, str], set[tuple[Scope, str]]] = field(
        default_factory=lambda: defaultdict(set)
    )

    def in_transit(self, thing: Thing) -> int:
        """Return what left and is not accounted for; words that both sides say count once."""
        found = self.sums
        rest = found[thing, "out"] - found[thing, "in"] - found[thing, "lost"]
        return rest - sum(
            quantity for (of, quantity, _), by in self.words.items() if of == thing and self.agreed(by)
        )

    def agreed(self, by: set[tuple[Scope, str]]) -> bool:
        """Say whether all sides say a word: both bodies, or two people of one."""
        if self.provider == self.receiver:
            return len(by) > 1
        return {scope for scope, _ in by} == {self.provider, self.receiver}


@dataclass(frozen=True)
class Move:
    """One movement under a transfer. What is lost is in no store."""

    scope: Scope
    load: Load
    thing: Thing
    action: str
    store: bytes
    quantity: int

    def draft(self, **more: Value) -> Draft:
        """Return the record of it."""
        item, lot = self.thing
        more |= {"resource_conforms_to": item, **({"lot": lot} if lot else {})}
        if self.action == "lower":
            return lost(self.quantity, self.load.id, "spoiled", **more)
        return carried(self.action, self.quantity, self.load.id, self.store, **more)


Step = tuple[str, Draft, tuple[bytes, int], Move | None]
"""In which log, what, what it produced less what it consumed, and what it moved under a transfer."""


@dataclass
class Log:
    """One log, as it grows. `place`: how much stands after its last mandatory place."""

    begins: Genesis
    who: PrivateKey
    last: Block | None = None
    place: Place = START

    def add(self, drafts: list[Draft]) -> list[Block]:
        """Return the blocks that append drafts."""
        last = self.last
        base = Base(self.begins, last.last, last.tip, self.place) if last else None
        new = seal(self.who, self.begins, base, drafts, NOON)
        for block in new:
            self.place = block.place(self.place)
        self.last = new[-1]
        return new


class World:
    """Communities, their stewards and planners, and what a bookkeeper who sees everything would write."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.lying: Counter[tuple[Scope, bytes, bytes, bytes]] = Counter()
        self.made: Counter[bytes] = Counter()
        self.loads: list[Load] = []
        self.logs: dict[str, Log] = {}
        self.moves: list[tuple[FactRef, Move]] = []
        """Movements that nobody has corrected yet, the latest last."""
        self.made_by: dict[RecordId, Counter[bytes]] = {}
        """Tip of a block -> what was produced, less what was consumed, in it."""

    def round(self, steps: int) -> tuple[list[tuple[str, Block]], int]:
        """Let people take steps; return the blocks that they sealed, and how many steps it were."""
        found: list[tuple[str, Block]] = []
        done: dict[str, list[Step]] = defaultdict(list)
        announced: dict[str, list[tuple[Draft, Load]]] = defaultdict(list)
        for _ in range(max(1, steps // 10)):
            draft, load, log = self._announce()
            announced[log].append((draft, load))
        for name, each in announced.items():
            blocks = self._log(name).add([draft for draft, _ in each])
            found += [(name, block) for block in blocks]
            ids = [id_ for block in blocks for id_ in block.ids][-len(each) :]
            for (_, load), id_ in zip(each, ids, strict=True):
                load.id = id_
                self.loads.append(load)
        for _ in range(steps):
            step = self._step()
            done[step[0]].append(step)
        for name, mine in done.items():
            rest = iter(mine)
            for block in self._log(name).add([draft for _, draft, _, _ in mine]):
                made: Counter[bytes] = Counter()
                for at in range(block.first == 0, block.count):
                    _, _, (item, quantity), move = next(rest)
                    made[item] += quantity
                    if move is not None:
                        self.moves.append((FactRef(block.log, block.first + at, block.ids[at]), move))
                self.made_by[block.tip] = made
                found.append((name, block))
        del self.moves[:-RECENT]
        return found, steps + sum(map(len, announced.values()))

    def _log(self, name: str) -> Log:
        if name not in self.logs:
            scope = next(each for each in BODIES if name.startswith(each.hex()))
            log_class = LogClass.PLANS if "plans" in name else LogClass.FACTS
            who = STEWARDS[int(name[-1])] if log_class is LogClass.FACTS else ANN
            begins = replace(genesis(name, scope, log_class), key=public_key(who))
            self.logs[name] = Log(begins, who)
        return self.logs[name]

    def _announce(self) -> tuple[Draft, Load, str]:
        random = self.random
        provider, receiver = random.choice(BODIES), random.choice(BODIES)
        things: list[Thing] = random.sample(
            [(item, lot) for item in ITEMS for lot in (b"", LOT)], random.randint(1, 3)
        )
        lines: list[Value] = []
        for item, lot in things:
            line: dict[str, Value] = {"resource_conforms_to": item, "quantity": random.randint(1, 500_000)}
            lines.append({**line, "lot": lot} if lot else line)
        value: dict[str, Value] = {
            "provider": provider,
            "receiver": receiver,
            "lines": lines,
            "due": len(self.loads),
        }
        if provider == receiver:
            value |= {"store": GRANARY, "to": CELLAR}
        load = Load(RecordId(b""), provider, receiver, things)
        return Draft("transfer", value, NOON), load, f"{random.choice((provider, receiver)).hex()} plans"

    def _step(self) -> Step:
        random = self.random
        if random.random() < 0.25 or not self.loads:
            return self._produce_or_consume()
        if self.moves and random.random() < 0.15:
            return self._correct()
        load = random.choice(self.loads[-ACTIVE:])
        scope = random.choice((load.provider, load.receiver))
        name = self._steward(scope)
        if random.random() < 0.15:
            return self._say(load, scope, name)
        move = self._move(load, scope)
        self._count(move, 1)
        return name, move.draft(), (move.thing[0], 0), move

    def _steward(self, scope: Scope) -> str:
        return f"{scope.hex()} steward {self.random.randrange(3)}"

    def _move(self, load: Load, scope: Scope) -> Move:
        random = self.random
        thing = random.choice(load.things) if random.random() < 0.95 else (WHEAT, b"")
        rest = load.in_transit(thing)
        quantity = rest if rest > 0 and random.random() < 0.5 else random.randint(0, 500_000)
        action = random.choice(("pickup", "pickup", "pickup", "dropoff", "dropoff", "dropoff", "lower"))
        return Move(scope, load, thing, action, random.choice(STORES), quantity)

    def _count(self, move: Move, sign: int) -> None:
        """Write a movement into the ledger, or strike it out."""
        quantity = sign * move.quantity
        if move.action == "lower":
            move.load.sums[move.thing, "lost"] += quantity
            return
        out = move.action == "pickup"
        move.load.sums[move.thing, "out" if out else "in"] += quantity
        self.lying[move.scope, move.store, *move.thing] += -quantity if out else quantity

    def _correct(self) -> Step:
        ref, old = self.moves.pop(self.random.randrange(len(self.moves)))
        new = self._move(old.load, old.scope)
        self._count(old, -1)
        self._count(new, 1)
        return self._steward(old.scope), new.draft(corrects=ref.value), (new.thing[0], 0), new

    def _say(self, load: Load, scope: Scope, name: str) -> Step:
        random = self.random
        thing = random.choice(load.things)
        open_ = [each for each in load.words if each[0] == thing]
        missed = max(1, load.in_transit(thing)), random.choice(("lost", "stolen"))
        said = random.choice(open_) if open_ and random.random() < 0.7 else (thing, *missed)
        load.words[said].add((scope, name))
        item, lot = thing
        more: dict[str, Value] = {"resource_conforms_to": item, **({"lot": lot} if lot else {})}
        return name, missing(said[1], load.id, said[2], **more), (item, 0), None

    def _produce_or_consume(self) -> Step:
        random = self.random
        scope, store, item = random.choice(BODIES), random.choice(STORES), random.choice(ITEMS)
        action, sign = random.choice((("produce", 1), ("consume", -1)))
        quantity = random.randint(0, 1_000_000)
        self.lying[scope, store, item, b""] += sign * quantity
        self.made[item] += sign * quantity
        return self._steward(scope), moved(action, quantity, NOON, item, store), (item, sign * quantity), None


@dataclass
class Post:
    """A node, and what has not come to it yet."""

    node: Cart = field(default_factory=Cart)
    queue: dict[str, list[Block]] = field(default_factory=lambda: defaultdict(list))
    made: Counter[bytes] = field(default_factory=Counter)

    def come(self, world: World, random: Random, all_of_it: bool = False) -> None:
        """Let some of what waits arrive, each log's own in order."""
        names = [name for name, waiting in self.queue.items() if waiting]
        random.shuffle(names)
        for name in names:
            waiting = self.queue[name]
            number = len(waiting) if all_of_it else random.randint(0, len(waiting))
            taken, self.queue[name] = waiting[:number], waiting[number:]
            self.node.take(*taken)
            for block in taken:
                self.made.update(world.made_by.get(block.tip, {}))

    def wrong(self) -> list[str]:
        """Return what the law says is lost or too much here."""
        there: Counter[bytes] = Counter()
        for key, row in self.node.view.scan(BALANCES):
            there[key[2]] += balance(row).on_hand  # type: ignore[index]
        for way in all_transfers(self.node.view):
            for line in way.lines:
                there[line.item] += line.in_transit + line.lost + line.settled
        return [
            f"{there[item] - self.made[item]:+} of item {item.hex()[:8]}"
            for item in ITEMS
            if there[item] != self.made[item]
        ]


def haul(seed: int, steps: int, nodes: int = 3, per_round: int = 1000, every: int = 1) -> list[str]:
    """Return what went wrong in so many steps: nothing, if the law holds. Looks at nodes after every so many rounds."""
    random = Random(seed)
    world, posts = World(random), [Post() for _ in range(nodes)]
    done = at = 0
    faults: list[str] = []
    while done < steps and not faults:
        blocks, number = world.round(min(per_round, steps))
        done, at = done + number, at + 1
        for post in posts:
            for name, block in blocks:
                post.queue[name].append(block)
            # Who is cut off gets nothing this time.
            if random.random() < 0.7:
                post.come(world, random)
        if at % every == 0:
            for number, post in enumerate(posts):
                faults += [f"after {done} steps node {number} has {each}" for each in post.wrong()]
    for post in posts:
        post.come(world, random, all_of_it=True)
        faults += [f"in the end: {each}" for each in post.wrong()]
        faults += _unlike(world, post.node)
    if len({post.node.root() for post in posts}) > 1:
        faults.append("the nodes show different states")
    return faults


def _unlike(world: World, node: Cart) -> list[str]:
    """Return where a node that holds everything shows something else than the ledger."""
    faults = []
    lying: Counter[tuple[bytes, bytes, bytes]] = Counter()
    for key, row in node.view.scan(BALANCES):
        lying[key[0], key[1], key[2]] += balance(row).on_hand  # type: ignore[index]
    ledger: Counter[tuple[bytes, bytes, bytes]] = Counter()
    for (scope, store, item, _), quantity in world.lying.items():
        ledger[scope, store, item] += quantity
    faults += [f"store {key}: {lying[key]} is {ledger[key]}" for key in ledger if lying[key] != ledger[key]]
    ways = {way.id: way for way in all_transfers(node.view)}
    for load in world.loads:
        shown: dict[Thing, int] = {(line.item, line.lot): line.in_transit for line in ways[load.id].lines}
        told = {thing for thing, _ in load.sums} | {thing for thing, _, _ in load.words} | set(load.things)
        faults += [
            f"transfer {load.id.hex()[:8]}: {shown.get(thing, 0)} is {load.in_transit(thing)}"
            for thing in told
            if shown.get(thing, 0) != load.in_transit(thing)
        ]
    return faults


def main(argv: Sequence[str] | None = None) -> int:
    """Return 0 when not a gram was lost; print one line of JSON at last."""
    parser = argparse.ArgumentParser(prog="scripts/transfer-soak", description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, metavar="N", help="how many steps (1000000)")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="(0)")
    parser.add_argument("--nodes", type=int, default=3, metavar="K", help="that hear of them (3)")
    args = parser.parse_args(argv)
    began = time.monotonic()
    faults = haul(args.seed, args.steps, args.nodes, per_round=5000, every=20)
    for each in faults[:20]:
        print(each, file=sys.stderr)
    result = {"steps": args.steps, "seed": args.seed, "nodes": args.nodes, "faults": len(faults)}
    print(json.dumps({**result, "seconds": round(time.monotonic() - began)}))
    return 1 if faults else 0


if __name__ == "__main__":
    raise SystemExit(main())
