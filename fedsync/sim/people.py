"""Communities and their tellers: who founds, records goods, decides, and now and then writes two truths.

Each teller has a pen for each log, and writes at the community's own node. What a node acknowledges goes into the
ledger; what a lying node acknowledges does not, since nobody can hold it to that.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from random import Random
from typing import Final

from fedsync.crdt.books.drafting import CannotDraft, draft_page
from fedsync.crdt.books.minutes import PageView, pages
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_act
from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PageId, PayloadId, Reach, RecordId, Scope, payload_id
from fedsync.records.seal import Draft, normal
from fedsync.sim.forging import forged, weak_seat
from fedsync.sim.goods import Goods
from fedsync.sim.ledger import Ledger, Promised
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen, Witness

TELLERS: Final = 3
STORE: Final = "Barn"
"""What a plain store is called: all that lies there is movements in and out, so that anybody can add it up."""
ITEMS: Final = tuple({"name": name, "unit": "g"} for name in ("Oats", "Rye", "Lentils"))
MOST_MOVED: Final = 100_000
"""Grams of one movement."""


def _id(value: dict[str, Value]) -> PayloadId:
    return payload_id(pack(value))


class Teller:
    """A person who keeps a community's book and its stores."""

    def __init__(self, name: str, scope: Scope, witness: Witness) -> None:
        self.name = name
        seed = sha256(f"teller {name}".encode()).digest()
        self.book = Pen(seed, scope, LogClass.AUTHORITY, Reach.WORLD, witness)
        self.facts = Pen(seed, scope, LogClass.FACTS, Reach.REGION, witness)
        self.plans = Pen(seed, scope, LogClass.PLANS, Reach.REGION, witness)
        self.home = Pen(seed, scope, LogClass.FACTS, Reach.LOCAL, witness)


@dataclass
class Community:
    """A community, its node and its tellers."""

    name: str
    node: Node
    ledger: Ledger
    weak: bool = False
    """Whether its page 0 gives a seat to a key of small order, under which anybody can sign."""
    tellers: list[Teller] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scope = Scope(sha256(f"body {self.name}".encode()).digest()[:16])
        self.store: dict[str, Value] = {"name": STORE, "scope": self.scope}
        self.goods = Goods(self.scope)
        self._named: set[LogId] = set()
        self.tellers = [
            Teller(f"{self.name}, {at + 1}", self.scope, self.ledger.signed.update) for at in range(TELLERS)
        ]
        self.node.net.private |= dict.fromkeys(each.home.log for each in self.tellers)

    @property
    def store_id(self) -> PayloadId:
        """How records name its store."""
        return _id(self.store)

    def found(self) -> None:
        """Write page 0, by which the tellers are known, and let each of them begin their book."""
        seats: list[Value] = [{"genesis": each.book.genesis.payload} for each in self.tellers]
        if self.weak:
            seats.append({"genesis": self._weak_seat.payload})
        entry: dict[str, Value] = {
            "kind": "epoch",
            "name": self.name,
            "classification": "community",
            "level": 0,
            "seats": seats,
            "k": len(seats) // 2 + 1,
        }
        page: Value = normal(
            {"body": None, "number": 0, "prev": None, "entries": [entry], "scope": self.scope}
        )
        self.node.follow(self.scope, PageId(payload_id(pack(page))))
        written = self._say(self.tellers[0].book, [("page", page)])
        assert written, "a new node takes its own community's page 0"
        for each in self.tellers:
            person: Value = [bytes(16), {"key": each.book.genesis.key, "name": each.name}]
            self._say(each.book, [("person", person)])

    @property
    def _weak_seat(self) -> Genesis:
        return weak_seat(self.scope, bytes(16))

    def forgery(self) -> bytes:
        """Return what begins the log of the weak seat, signed by nobody."""
        return forged(self._weak_seat, self.node.wall())

    # --- What they do -----------------------------------------------------------------------------------

    def trade(self, dice: Random, local: float) -> None:
        """Record what came into the store or was taken; `local`: how often that stays at home."""
        teller = dice.choice(self.tellers)
        pen = teller.home if dice.random() < local else teller.facts
        said: list[tuple[str, Value]] = []
        if not pen.ends:
            said.append(("store", dict(self.store)))
            said += [("resource_specification", dict(each)) for each in ITEMS]
        for _ in range(dice.choice([1, 1, 1, 2, 5, 40])):
            event: dict[str, Value] = {
                "action": dice.choice(["raise", "consume"]),
                "quantity": dice.randrange(1, MOST_MOVED),
                "resource_conforms_to": _id(dict(dice.choice(ITEMS))),
                "store": self.store_id,
                "has_point_in_time": self.node.wall() - dice.randrange(3_600_000),
            }
            said.append(("economic_event", event))
        self._say(pen, said)

    def deal(self, dice: Random) -> None:
        """Record all that goods can do, sense or not, in other stores; or need, offer, promise, send and agree."""
        teller = dice.choice(self.tellers)
        if dice.random() < 0.5:
            logs = [each.plans.log for each in self.tellers]
            said = self.goods.plans(dice, self.node.wall(), teller.plans.genesis, logs)
            self._say(teller.plans, said, self.goods)
        elif self.node.alive:
            first = teller.facts.log not in self._named
            self._named.add(teller.facts.log)
            self._say(teller.facts, self.goods.facts(dice, self.node.wall(), first), self.goods)

    def decide(self, dice: Random) -> None:
        """Draft a page when none is open; else let a teller sign or approve what their tools say."""
        open_ = [each for each in pages(self.node.view, self.scope) if each.status in ("drafted", "adopted")]
        teller = dice.choice(self.tellers)
        if open_:
            self._speak(teller, dice.choice(open_))
            return
        entry: dict[str, Value] = {
            "kind": "decision",
            "title": f"Rule {dice.randrange(10**6)}",
            "text": "so be it",
        }
        try:
            drafted = draft_page(self.node.view, self.scope, [entry])
        except CannotDraft:
            return
        self._say(teller.book, [("page", normal(dict(drafted.value)))])

    def _speak(self, teller: Teller, page: PageView) -> None:
        acts = next_act(self.node.view, page.id, teller.book.log)
        if isinstance(acts, Refuse):
            ready = may_approve(self.node.view, page.id, teller.book.log)
            if not isinstance(ready, Approve):
                return
            acts = (ready,)
        self._say(teller.book, [_voice(page, act) for act in acts])

    def fork(self, dice: Random, elsewhere: Node) -> bool:
        """Write once more after a record that was followed already, at another node; return whether that was done."""
        teller = dice.choice(self.tellers)
        pen = teller.facts
        held = [each for each in pen.ends[:-1] if elsewhere.holds(pen.log, each.seq, each.id)]
        if not held or not elsewhere.alive or pen.log in self.ledger.forks:
            return False
        base = held[-1]
        event: dict[str, Value] = {
            "action": "raise",
            "quantity": 1,
            "resource_conforms_to": _id(dict(ITEMS[0])),
            "store": self.store_id,
            "has_point_in_time": elsewhere.wall() + 1,
        }
        # Half of the time just as long as the other branch: who compares lengths sees nothing.
        records = pen.ends[-1].seq - base.seq if dice.random() < 0.5 else 1
        drafts = [Draft("economic_event", event, elsewhere.wall() + 1)] * records
        blocks = pen.seal(base, drafts, elsewhere.wall())
        # Written down first: from the moment the node has it, the log is in dispute. It counts if all else is lost.
        for block in blocks:
            self._promise(block)
        self.ledger.forked(pen.log, LogClass.FACTS, base.seq + 1)
        if not elsewhere.write(blocks):
            raise AssertionError("a node takes a branch of a log whose base it holds")
        teller.facts = pen.later()
        return True

    def lose(self, held: Collection[RecordId]) -> None:
        """Go back with every pen to what is still held somewhere."""
        for teller in self.tellers:
            for pen in (teller.book, teller.facts, teller.plans, teller.home):
                while pen.ends and pen.ends[-1].id not in held:
                    pen.ends.pop()

    def _say(self, pen: Pen, said: Sequence[tuple[str, Value]], goods: Goods | None = None) -> bool:
        """Write records at home; note in the ledger what an honest node acknowledges, and in `goods` what may be named."""
        node = self.node
        end = pen.ends[-1] if pen.ends else None
        if not node.alive or (end is not None and not node.holds(pen.log, end.seq, end.id)):
            # After a restore a teller waits until peers have brought back what the teller's tools know of.
            return False
        wall = node.wall()
        blocks = pen.seal(end, [Draft(kind, value, wall) for kind, value in said], wall)
        if node.lies is None:
            for block in blocks:
                self._promise(block)
        if not node.write(blocks):
            raise AssertionError("a node takes what its own teller writes at the end of the teller's log")
        pen.wrote(blocks)
        if goods is not None:
            goods.note(blocks)
        return True

    def _promise(self, block: Block) -> None:
        local = block.genesis.reach is Reach.LOCAL
        genesis = block.genesis
        for at, id_ in enumerate(block.ids):
            item: PayloadId | None = None
            change = 0
            event = block.value(at) if block.kinds[at] == "economic_event" else {}
            assert isinstance(event, dict)
            if event.get("store") == self.store_id:
                named, quantity = event["resource_conforms_to"], event["quantity"]
                assert isinstance(named, bytes)
                assert isinstance(quantity, int)
                item, change = PayloadId(named), quantity if event["action"] == "raise" else -quantity
            seq = block.first + at
            self.ledger.note(
                Promised(genesis.scope, block.log, genesis.log_class, seq, id_, local, item, change)
            )


def _voice(page: PageView, act: Sign | Approve) -> tuple[str, Value]:
    said: dict[str, Value] = {"page": page.id, "slot": page.prev or bytes(32), "round": act.round}
    if isinstance(act, Approve):
        return "approval", said
    return "signature", said if act.lock is None else said | {"lock": act.lock}
