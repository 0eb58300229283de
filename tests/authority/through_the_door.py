"""Random worlds through whole nodes: their door, their parking, their store, bodies followed at any time, a fold of everything.

A world's pages lie in the logs of people whom pages 0 name, not always of the same body: any admitted log may carry
them.
"""

from hashlib import sha256
from random import Random
from typing import Any

from fedsync.crdt.fold import TABLES
from fedsync.node import Node, Verdict
from fedsync.records.genesis import PERSON, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach
from fedsync.records.seal import Draft
from tests.authority.build import Built, _Builder, statuses
from tests.authority.naive import Rules
from tests.authority.playing import differing, page0
from tests.crdt.books import TIME, append, key, opening, private, tag, tip
from tests.nodes import node
from tests.sealing import seal

Json = dict[str, Any]
Rows = dict[tuple[Any, ...], Any]
PEERS = [Key(bytes([number]) * 32) for number in range(1, 4)]
NOT_HELD = (Verdict.NO_BASE, Verdict.PARKED, Verdict.REFUSED)


class Carried(_Builder):
    """A world's records, its pages in logs of people who may enter: of each log, several pages one after the other."""

    def __init__(self, world: Json, random: Random) -> None:
        super().__init__(world)
        self.random = random
        self.ends: dict[str, str] = {}
        self.clerks: dict[str, list[str]] = {
            page["body"]: [
                seat["key"]
                for entry in page["entries"]
                for seat in [*entry.get("seats", []), *(entry.get("sealers") or [])]
                if "key" in seat
            ]
            for page in self.pages.values()
            if not page["no"]
        }

    def _carry(self, name: str) -> None:
        page, random = self.pages[name], self.random
        body = page["body"]
        if page["no"] and random.random() < 0.3:
            body = random.choice(sorted(self.clerks))
        who = random.choice(self.clerks[body])
        log = f"clerk {body} {who} {random.randrange(3)}" if page["no"] else f"founder {name}"
        begins = Genesis(key(who), tag(body), PERSON, LogClass.AUTHORITY, Reach.WORLD, _incarnation(log))
        draft = Draft("page", self.values[name], TIME)
        if not page["no"]:
            (self.built.blocks[f"page {name}"],) = seal(private(who), begins, None, [draft], TIME)
            return
        if log not in self.ends:
            self.built.blocks[log], self.ends[log] = opening(who, begins), log
        self._put(f"page {name}", append(who, tip(self.built.blocks[self.ends[log]]), draft), self.ends[log])
        self.ends[log] = f"page {name}"


def _incarnation(log: str) -> bytes:
    return sha256(log.encode()).digest()[:16]


def live(built: Built, random: Random, at: Node, looks: bool = False) -> set[str]:
    """Let a node come by a world, as chance has it; return the names of the blocks that it holds.

    A body may be met late, or first under a page 0 that somebody else made up. `looks`: the state root is asked for
    meanwhile, as a running node does.
    """
    names = {block.raw: name for name, block in built.blocks.items()}
    left = list(names)
    strange = sorted(built.bodies)
    random.shuffle(strange)
    fruitless = 0
    while fruitless < 2:
        if strange and random.random() < 0.3:
            _follow(built, random, at, strange.pop())
        random.shuffle(left)
        some = left[: random.randint(1, len(left))] if left and random.random() < 0.7 else left
        size, moved = random.choice([1, 3, 30, 300]), False
        for start in range(0, len(some), size):
            blocks = some[start : start + size]
            by = random.choice(PEERS)
            verdicts = {each.raw: each.verdict for each in at.take_now(blocks, by)}
            moved = moved or any(each not in NOT_HELD for each in verdicts.values())
            done = {raw for raw, verdict in verdicts.items() if verdict not in NOT_HELD}
            left = [raw for raw in left if raw not in done]
            if strange and random.random() < 0.05:
                _follow(built, random, at, strange.pop())
            if looks and random.random() < 0.2:
                at.state_root()
        if random.random() < 0.3:
            at.take_now(random.sample(list(names), min(5, len(names))), random.choice(PEERS))
        fruitless = fruitless + 1 if not moved and len(some) >= len(left) and not strange else 0
    return {name for raw, name in names.items() if raw not in left}


def _follow(built: Built, random: Random, at: Node, body: str) -> None:
    right = built.pages[page0(built, body)]
    if random.random() < 0.3:
        wrong = PageId(_incarnation(body) * 2)
        if random.random() < 0.5:
            wrong = built.pages[page0(built, random.choice(built.bodies))]
        _bind(at, body, wrong, "announced")
    _bind(at, body, right, "invitation")


def _bind(at: Node, body: str, page: PageId, source: Any) -> None:
    at.begin()
    at.follow(tag(body), page, body, source, PEERS[0])
    at.settle()
    at.commit()


def rows(at: Node) -> Rows:
    """Return all rooted rows of a node's state."""
    return {
        (table.name, *row_key): row
        for table in TABLES
        if table.rooted
        for row_key, row in at.state.scan(table)
    }


def faults(world: Json, seed: int, nodes: int = 3) -> list[str]:
    """Return in what nodes that came by a world in different ways differ: from each other, a fold of all, the twin."""
    random = Random(f"door {seed}")
    built = Carried(world, random).build()
    found: list[str] = []
    first: tuple[bytes, Rows, set[str]] | None = None
    for number in range(nodes):
        with node() as at:
            names = live(built, Random(f"door {seed} {number}"), at, looks=bool(number % 2))
            root, now = at.state_root(), rows(at)
            at.rebuild()
            again = rows(at)
            if again != now or at.state_root() != root:
                found.append(f"rebuild of {number}: {_differ(now, again)}")
            if first is None:
                first = root, now, names
                missing = built.blocks.keys() - names
                if not missing:
                    wanted = Rules(world["records"]).state().named()
                    differs = differing(statuses(built, at.state), wanted)  # type: ignore[arg-type]
                    if differs:
                        found.append(f"twin: {differs}")
            elif first[0] != root or first[1] != now:
                found.append(f"nodes 0 and {number}: {_differ(first[1], now)}, blocks {first[2] ^ names}")
    return found


def _differ(one: Rows, other: Rows) -> list[Any]:
    return [
        (row_key, one.get(row_key), other.get(row_key))
        for row_key in sorted(one.keys() | other.keys(), key=str)
        if one.get(row_key) != other.get(row_key)
    ][:4]
