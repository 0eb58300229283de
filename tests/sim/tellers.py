"""People in a simulation: communities with tellers who write pages, voices, facts and counts wherever they are.

A teller writes at any house that holds all that the teller has written, so pages, signatures and facts of one body
come into being on both sides of a cut. A twin is a second pen of the same key that goes on from an earlier record:
a liar, or a laptop restored from a backup.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from random import Random
from typing import TypeAlias

from fedsync.crdt.books.drafting import CannotDraft, Drafted, draft_epoch, draft_page, newest
from fedsync.crdt.books.minutes import PageView, current_epoch, pages
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_act
from fedsync.node import Verdict
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass, LogId, PageId, Reach, RecordId, Scope, payload_id
from fedsync.records.kinds.entries import Tip
from fedsync.records.places import START
from fedsync.records.seal import Draft, normal
from fedsync.records.void import Void
from fedsync.sim.goods import Goods
from tests.sealing import seal
from tests.sim.houses import House

Tips: TypeAlias = dict[LogId, tuple[int, RecordId]]
REACH = {LogClass.AUTHORITY: Reach.WORLD, LogClass.FACTS: Reach.REGION, LogClass.PLANS: Reach.REGION}


class Teller:
    """A person with a pen for each log. `ends` is where the person's own chains stand."""

    def __init__(self, name: str, scope: Scope) -> None:
        self.name = name
        self.private: PrivateKey = private_key(sha256(f"teller {name}".encode()).digest())
        incarnation = sha256(f"pen {name}".encode()).digest()[:16]
        self.logs = {
            each: Genesis(public_key(self.private), scope, SEAT, each, reach, incarnation)
            for each, reach in REACH.items()
        }
        self.ends: dict[LogClass, Base] = {}
        self.aside: Teller | None = None
        """The same person with a pen for what never leaves the community's own house."""

    def put_aside(self) -> "Teller":
        """Return the pen for what stays at home."""
        if self.aside is None:
            self.aside = other = Teller.__new__(Teller)
            local = replace(self.logs[LogClass.FACTS], reach=Reach.LOCAL)
            other.name, other.private, other.logs = self.name, self.private, {LogClass.FACTS: local}
            other.ends, other.aside = {}, None
        return self.aside

    @property
    def seat(self) -> Genesis:
        """What begins the log that has the seat."""
        return self.logs[LogClass.AUTHORITY]

    def twin(self, log_class: LogClass, at: Base) -> "Teller":
        """Return a second pen that goes on from an earlier record."""
        other = Teller.__new__(Teller)
        other.name, other.private, other.logs = f"{self.name}'s twin", self.private, self.logs
        other.ends, other.aside = {**self.ends, log_class: at}, None
        return other

    def write(
        self, house: House, log_class: LogClass, drafts: Sequence[Draft], acknowledged: Tips
    ) -> list[Block]:
        """Append to a log, at a house that holds all of it; nothing when that is not so, or it is refused."""
        genesis, end = self.logs[log_class], self.ends.get(log_class)
        if house.busy:
            return []
        if end is None:
            if house.store.logs.row(genesis.log) is not None:
                return []
        elif not house.store.logs.holds(genesis.log, end.seq, end.id):
            return []
        blocks = seal(self.private, genesis, end, drafts, house.world.wall())
        for taken in house.own([block.raw for block in blocks]):
            if taken.verdict not in (Verdict.TAKEN, Verdict.FORKED) or taken.log != genesis.log:
                return []
        for block in blocks:
            before = self.ends.get(log_class)
            place = block.place(before.place if before else START)
            self.ends[log_class] = Base(genesis, block.last, block.tip, place)
            if house.tamper is None and house.store.logs.holds(genesis.log, block.last, block.tip):
                acknowledged[genesis.log] = (block.last, block.tip)
        return blocks


@dataclass
class Body:
    """A community: its tag, its page 0, its house and its tellers."""

    name: str
    house: House
    tellers: list[Teller] = field(default_factory=list)
    acknowledged: Tips = field(default_factory=dict)
    joined: int = 0

    def __post_init__(self) -> None:
        self.scope = Scope(sha256(f"body {self.name}".encode()).digest()[:16])
        self.goods = Goods(self.scope)
        self.goods.others.append(self.goods)

    def found(self, count: int) -> None:
        """Follow the body and write its page 0."""
        self.tellers = [self.newcomer() for _ in range(count)]
        entry: dict[str, Value] = {
            "kind": "epoch",
            "name": self.name,
            "classification": "community",
            "level": 0,
            "seats": [{"genesis": each.seat.payload} for each in self.tellers],
            "k": count // 2 + 1,
        }
        page: Value = normal(
            {"body": None, "number": 0, "prev": None, "entries": [entry], "scope": self.scope}
        )
        self.house.follow(self.scope, PageId(payload_id(pack(page))))
        assert self.say(self.tellers[0], self.house, LogClass.AUTHORITY, ("page", page))
        for each in self.tellers:
            # A signature of an old chain's must not begin one: each opens the log with a word of their own.
            self.introduce(each, self.house)

    def newcomer(self) -> Teller:
        """Return somebody who has no seat yet."""
        self.joined += 1
        return Teller(f"{self.name} {self.joined}", self.scope)

    def say(self, teller: Teller, house: House, log_class: LogClass, *said: tuple[str, Value]) -> bool:
        """Let a teller write records."""
        drafts = [Draft(kind, value, house.world.wall()) for kind, value in said]
        local = teller.logs[log_class].reach is Reach.LOCAL
        blocks = teller.write(house, log_class, drafts, {} if local else self.acknowledged)
        self.goods.note(blocks)
        return bool(blocks)

    # --- What tellers do --------------------------------------------------------------------------------

    def introduce(self, teller: Teller, house: House) -> bool:
        """Say one's name."""
        person: Value = [bytes(16), {"key": teller.seat.key, "name": teller.name}]
        return self.say(teller, house, LogClass.AUTHORITY, ("person", person))

    def greet(self, teller: Teller, house: House, dice: Random) -> bool:
        """Say one's name once more."""
        return self.introduce(teller, house)

    def trade(self, teller: Teller, house: House, dice: Random) -> bool:
        """Record movements and counts of goods, naming store and item at first use; at home at times for home alone."""
        local = house is self.house and teller in self.tellers and dice.random() < 0.15
        teller = teller.put_aside() if local else teller
        first = LogClass.FACTS not in teller.ends
        said = self.goods.facts(dice, house.world.wall(), first, local)
        return self.say(teller, house, LogClass.FACTS, *said)

    def promise(self, teller: Teller, house: House, dice: Random) -> bool:
        """Say what is needed, offered, promised or sent."""
        mine, logs = teller.logs[LogClass.PLANS], [each.logs[LogClass.PLANS].log for each in self.tellers]
        said = self.goods.plans(dice, house.world.wall(), mine, logs)
        return self.say(teller, house, LogClass.PLANS, *said)

    def propose(self, teller: Teller, house: House, dice: Random) -> bool:
        """Draft a decision on the newest page."""
        entry: dict[str, Value] = {
            "kind": "decision",
            "title": f"Rule {dice.randrange(10**6)}",
            "text": "so be it",
        }
        return self._draft(teller, house, lambda: draft_page(house.node.state, self.scope, [entry]))

    def reseat(self, teller: Teller, house: House, dice: Random) -> bool:
        """Draft an epoch: somebody comes, somebody goes with their facts cut at what is held here, or both."""
        add, drop = [], []
        if dice.random() < 0.7 or len(self.tellers) < 4:
            add.append(self.newcomer())
        if dice.random() < 0.5 and len(self.tellers) > 3:
            drop.append(dice.choice(self.tellers[1:]))
        tips = []
        for gone in drop:
            for log in (gone.logs[LogClass.FACTS].log, gone.logs[LogClass.PLANS].log):
                tips += [Tip(log, head.seq, head.id) for head in house.store.logs.heads(log)[:2]]
        return self.seat(teller, house, add, drop, tips)

    def settle(self, teller: Teller, house: House, dice: Random) -> bool:
        """Draft a page that lets one branch of a log of goods hold: mostly of a forked one, and one held here."""
        logs = [
            each.logs[log_class].log
            for each in self.tellers
            for log_class in (LogClass.FACTS, LogClass.PLANS)
            if house.store.logs.row(each.logs[log_class].log)
        ]
        forked = [log for log in logs if house.store.logs.fork_at(log) is not None]
        if not forked and (not logs or dice.random() < 0.9):
            return False
        log = dice.choice(sorted(forked or logs))
        head = dice.choice(house.store.logs.heads(log))
        seq = head.seq if dice.random() < 0.7 else dice.randint(0, head.seq)
        id_ = house.holdings.id_at(log, (head.seq, head.id), seq)
        entry: dict[str, Value] = {"kind": "settle", "log": log, "seq": seq, "id": id_}
        return self.decide(teller, house, entry)

    def decide(self, teller: Teller, house: House, entry: dict[str, Value]) -> bool:
        """Draft a page with this entry."""
        return self._draft(teller, house, lambda: draft_page(house.node.state, self.scope, [entry]))

    def seat(
        self,
        teller: Teller,
        house: House,
        add: Sequence[Teller],
        drop: Sequence[Teller] = (),
        tips: Sequence[Tip] = (),
    ) -> bool:
        """Draft an epoch with these."""

        def draft() -> Drafted:
            view = house.node.state
            epoch = current_epoch(view, self.scope, newest(view, self.scope))
            seats = (len(epoch.seats) if epoch else 0) + len(add) - len(drop)
            comes, goes = [each.seat for each in add], [each.seat.key for each in drop]
            return draft_epoch(view, self.scope, comes, goes, seats // 2 + 1, tips)

        done = self._draft(teller, house, draft)
        if done:
            # Newcomers write at once, whether the page will be sealed or not; who is dropped goes on too.
            self.tellers += add
        return done

    def speak(self, teller: Teller, house: House, dice: Random) -> bool:
        """Sign or approve a page, as one's own tools say."""
        if house.busy:
            return False
        open_ = [
            each for each in pages(house.node.state, self.scope) if each.status in ("drafted", "adopted")
        ]
        if not open_:
            return False
        page = dice.choice(open_[:3])
        acts = next_act(house.node.state, page.id, teller.seat.log)
        if isinstance(acts, Refuse):
            ready = may_approve(house.node.state, page.id, teller.seat.log)
            if not isinstance(ready, Approve):
                return False
            acts = (ready,)
        return self.say(teller, house, LogClass.AUTHORITY, *[_voice(page, act) for act in acts])

    def lie(self, teller: Teller, house: House, dice: Random) -> bool:
        """Sign any page in any round, whatever the tools would say."""
        if house.busy:
            return False
        held = [each for each in pages(house.node.state, self.scope) if each.prev is not None]
        if not held:
            return False
        act = dice.choice([Sign, Approve])(dice.randrange(3))
        return self.say(teller, house, LogClass.AUTHORITY, _voice(dice.choice(held), act))

    def _draft(self, teller: Teller, house: House, draft: Callable[[], Drafted]) -> bool:
        if house.busy:
            return False
        try:
            drafted = draft()
        except (CannotDraft, Void):
            return False
        return self.say(teller, house, LogClass.AUTHORITY, ("page", normal(dict(drafted.value))))


def _voice(page: PageView, act: Sign | Approve) -> tuple[str, Value]:
    said: dict[str, Value] = {"page": page.id, "slot": page.prev or bytes(32), "round": act.round}
    if isinstance(act, Approve):
        return "approval", said
    return "signature", said if act.lock is None else said | {"lock": act.lock}
