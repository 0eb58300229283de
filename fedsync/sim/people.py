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
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PageId, PayloadId, Reach, RecordId, Scope, payload_id
from fedsync.records.seal import Draft, normal
from fedsync.sim.forging import forged, weak_seat
from fedsync.sim.goods import Goods
from fedsync.sim.ledger import Ledger, Promised
from fedsync.sim.node import Node
from fedsync.sim.pens import Pen, Witness
from fedsync.sim.signing import REAL, Signing

TELLERS: Final = 3
LATELY: Final = 20
"""Whoever goes on from an old record takes one of so many last ones."""
AT_ONCE: Final = 0.8
"""How often all tellers of a community are there when a page is drafted, and bring it to its end."""
STORE: Final = "Barn"
"""What a plain store is called: all that lies there is movements in and out, so that anybody can add it up."""
ITEMS: Final = tuple({"name": name, "unit": "g"} for name in ("Oats", "Rye", "Lentils"))
MOST_MOVED: Final = 100_000
"""Grams of one movement."""


def _id(value: dict[str, Value]) -> PayloadId:
    return payload_id(pack(value))


class Teller:
    """A person who keeps a community's book and its stores."""

    def __init__(self, name: str, scope: Scope, witness: Witness, signing: Signing = REAL) -> None:
        self.name = name
        seed = sha256(f"teller {name}".encode()).digest()
        self.book = Pen(seed, scope, LogClass.AUTHORITY, Reach.WORLD, witness, signing=signing)
        self.facts = Pen(seed, scope, LogClass.FACTS, Reach.REGION, witness, signing=signing)
        self.plans = Pen(seed, scope, LogClass.PLANS, Reach.REGION, witness, signing=signing)
        self.home = Pen(seed, scope, LogClass.FACTS, Reach.LOCAL, witness, signing=signing)


@dataclass
class Community:
    """A community, its node and its tellers."""

    name: str
    node: Node
    ledger: Ledger
    weak: bool = False
    """Whether its page 0 gives a seat to a key of small order, under which anybody can sign."""
    tellers: list[Teller] = field(default_factory=list)
    pens: list[Pen] = field(default_factory=list)
    """Of all who write for it, besides its tellers."""

    def __post_init__(self) -> None:
        self.scope = Scope(sha256(f"body {self.name}".encode()).digest()[:16])
        self.store: dict[str, Value] = {"name": STORE, "scope": self.scope}
        self.goods = Goods(self.scope)
        self._named: set[LogId] = set()
        self._forked: list[LogId] = []
        """Logs of which its book has not said yet which branch holds."""
        self.tellers = [
            Teller(f"{self.name}, {at + 1}", self.scope, self.ledger.signed.update, self.ledger.signing)
            for at in range(TELLERS)
        ]
        self.page: Value = self._page_zero()
        self.body = PageId(payload_id(pack(self.page)))
        self.node.net.private |= dict.fromkeys(each.home.log for each in self.tellers)

    @property
    def store_id(self) -> PayloadId:
        """How records name its store."""
        return _id(self.store)

    def _page_zero(self) -> Value:
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
        return normal({"body": None, "number": 0, "prev": None, "entries": [entry], "scope": self.scope})

    def found(self) -> None:
        """Write page 0, by which the tellers are known, and let each of them begin their book."""
        self.node.follow(self.scope, self.body)
        written = self.say(self.tellers[0].book, [("page", self.page)])
        assert written, "a new node takes its own community's page 0"
        for each in self.tellers:
            person: Value = [bytes(16), {"key": each.book.genesis.key, "name": each.name}]
            self.say(each.book, [("person", person)])

    @property
    def _weak_seat(self) -> Genesis:
        return weak_seat(self.scope, bytes(16))

    def forgery(self) -> bytes:
        """Return what begins the log of the weak seat, signed by nobody."""
        return forged(self._weak_seat, self.node.wall())

    def facts(self) -> dict[LogId, Pen]:
        """Return the logs of goods of its tellers."""
        return {each.facts.log: each.facts for each in self.tellers}

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
        self.say(pen, said)

    def deal(self, dice: Random) -> None:
        """Record all that goods can do, sense or not, in other stores; or need, offer, promise, send and agree."""
        teller = dice.choice(self.tellers)
        if dice.random() < 0.5:
            logs = [each.plans.log for each in self.tellers]
            said = self.goods.plans(dice, self.node.wall(), teller.plans.genesis, logs)
            self.say(teller.plans, said, self.goods)
        elif self.node.alive:
            first = teller.facts.log not in self._named
            self._named.add(teller.facts.log)
            self.say(teller.facts, self.goods.facts(dice, self.node.wall(), first), self.goods)

    def decide(self, dice: Random) -> None:
        """Draft a page when none is open; else let a teller sign or approve what their tools say."""
        open_ = self.open_pages()
        if open_:
            self._speak(dice.choice(self.tellers), dice.choice(open_))
            return
        if dice.random() < 0.5 and self._settle(dice):
            return
        entry: dict[str, Value] = {
            "kind": "decision",
            "title": f"Rule {dice.randrange(10**6)}",
            "text": "so be it",
        }
        self.draft([entry], dice.choice(self.tellers))

    def _settle(self, dice: Random) -> bool:
        """Draft a page that names a record of a log of goods that forked, on a branch held at home; return whether that was due."""
        while self._forked and self.node.alive:
            log = self._forked[0]
            held = self.node.memory.log(log)
            if held is None or held.fork is None:
                return False
            self._forked.pop(0)
            if held.pin is not None:
                continue
            head = dice.choice(held.heads)
            seq = max(0, head[0] - dice.choice([0, 0, 1]))
            entry: dict[str, Value] = {
                "kind": "settle",
                "log": log,
                "seq": seq,
                "id": self.node.memory.id_at(log, head, seq),
            }
            self.node.net.seen.note("settle")
            return self.meet(dice, [entry]) is not None
        return False

    def founder(self) -> bytes:
        """Return the seed of its first teller's key."""
        return self.tellers[0].book.seed

    def busy(self) -> bool:
        """Say whether a page of its book is open."""
        return bool(self.open_pages())

    def open_pages(self) -> list[PageView]:
        """Return the pages of its book that are neither sealed nor displaced, as its own node shows them."""
        return [each for each in pages(self.node.view, self.scope) if each.status in ("drafted", "adopted")]

    def draft(self, entries: Sequence[dict[str, Value]], teller: Teller | None = None) -> PageId | None:
        """Write the next page of its book; return it."""
        try:
            drafted = draft_page(self.node.view, self.scope, entries)
        except CannotDraft:
            return None
        page = normal(dict(drafted.value))
        said = self.say((teller or self.tellers[0]).book, [("page", page)])
        return PageId(payload_id(pack(page))) if said else None

    def meet(self, dice: Random, entries: Sequence[dict[str, Value]]) -> PageId | None:
        """Draft a page, and let all tellers sign and approve it, unless they leave that for later; return it."""
        page = self.draft(entries)
        if page is not None and dice.random() < AT_ONCE:
            self.sit(dice)
        return page

    def sit(self, dice: Random) -> None:
        """Let all tellers speak for the page that is open, the first ones once more at the end."""
        for teller in [*dice.sample(self.tellers, len(self.tellers)), *self.tellers]:
            open_ = self.open_pages()
            if open_:
                self._speak(teller, open_[0])

    def _speak(self, teller: Teller, page: PageView) -> None:
        acts = next_act(self.node.view, page.id, teller.book.log)
        if isinstance(acts, Refuse):
            ready = may_approve(self.node.view, page.id, teller.book.log)
            if not isinstance(ready, Approve):
                return
            acts = (ready,)
        self.say(teller.book, [voice(page.id, page.prev, act) for act in acts])

    def fork(self, dice: Random, elsewhere: Node) -> bool:
        """Write once more after a record that was followed already, at another node; return whether that was done."""
        bases = [
            (teller, each)
            for teller in dice.sample(self.tellers, len(self.tellers))
            for each in teller.facts.ends[-2::-1][:LATELY]
            if teller.facts.log not in self.ledger.forks
            and elsewhere.holds(teller.facts.log, each.seq, each.id)
        ]
        if not bases or not elsewhere.alive:
            return False
        teller, base = bases[0]
        pen = teller.facts
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
        self._forked.append(pen.log)
        return True

    def fork_at(self, node: Node, pen: Pen, base: Base, said: tuple[str, Value], back: int) -> bool:
        """Write a record after an earlier one of a log of authority, at a node that holds that; both branches count."""
        if not node.alive or not node.holds(pen.log, base.seq, base.id):
            return False
        wall = node.wall()
        blocks = pen.seal(base, [Draft(*said, wall - back)], wall)
        if any(node.holds(pen.log, block.last, block.tip) for block in blocks):
            return False  # it said the very same there before
        for block in blocks:
            self._promise(block)
        self.ledger.forked(pen.log, LogClass.AUTHORITY, base.seq + 1)
        if not node.write(blocks):
            raise AssertionError("a node takes a branch of a log whose base it holds")
        return True

    def lose(self, held: Collection[RecordId]) -> None:
        """Go back with every pen to what is still held somewhere."""
        theirs = [(each.book, each.facts, each.plans, each.home) for each in self.tellers]
        for pen in [*(pen for all_ in theirs for pen in all_), *self.pens]:
            while pen.ends and pen.ends[-1].id not in held:
                pen.ends.pop()

    def say(
        self, pen: Pen, said: Sequence[tuple[str, Value]], goods: Goods | None = None,
        node: Node | None = None, back: int = 0,
    ) -> bool:  # fmt: skip
        """Write records, at home if no other node is given; note in the ledger what an honest node acknowledges.

        `goods`: where to note what may be named. `back`: by how many ms they are dated back.
        """
        node, end = node or self.node, pen.end
        if not node.alive or (end is not None and not node.holds(pen.log, end.seq, end.id)):
            # After a restore a teller waits until peers have brought back what the teller's tools know of.
            return False
        wall = node.wall()
        blocks = pen.seal(end, [Draft(kind, value, wall - back) for kind, value in said], wall)
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


def voice(page: PageId, slot: PageId | None, act: Sign | Approve) -> tuple[str, Value]:
    """Return the record of a signature or an approval."""
    said: dict[str, Value] = {"page": page, "slot": slot or bytes(32), "round": act.round}
    if isinstance(act, Approve):
        return "approval", said
    return "signature", said if act.lock is None else said | {"lock": act.lock}
