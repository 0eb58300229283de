"""What the tests of offers and promises share: logs of plans that grow record by record, random ones, and a node."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fedsync.crdt.logs.contents import CONTENTS
from fedsync.crdt.logs.counting import Counting
from fedsync.crdt.plans.plantables import RIGHTS, STEPS, rights_row, step_row
from fedsync.records.block import Base, Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft
from tests.crdt.granary import ALDER, ANN, BIRCH, HOUR, NOON, WHEAT, Node, genesis, opening
from tests.crdt.naive_escrow import Escrow, Known, Told
from tests.sealing import seal

Ref = list[Any]


class Market(Node):
    """A node that folds plans."""

    def __post_init__(self) -> None:
        """Count by what this node's books say."""
        super().__post_init__()
        self.counting = Counting(self.bound, CONTENTS)

    def worth(self) -> dict[bytes, str]:
        """Return what each promise, grant and release is worth."""
        return {step_row(row).id: step_row(row).status for _, row in self.view.scan(STEPS)}

    def code(self, id_: bytes) -> tuple[str, str]:
        """Return what a record is worth, and why."""
        rows = [step_row(row) for _, row in self.view.scan(STEPS)]
        return next((row.status, row.code) for row in rows if row.id == id_)

    def left(self) -> dict[tuple[bytes, bytes], int]:
        """Return what each log may still promise of each offer."""
        return {(key[1], key[2]): rights_row(row).left for key, row in self.view.scan(RIGHTS)}  # type: ignore[misc]

    def promised(self, intent: bytes) -> int:
        """Return the sum of what is validly promised of an offer, or given up."""
        return sum(
            step_row(row).quantity
            for key, row in self.view.scan(STEPS)
            if key[1] == intent and step_row(row).status == "valid" and step_row(row).kind == "commitment"
        )


@dataclass
class Log:
    """A log of plans that grows."""

    begins: Genesis
    blocks: list[Block] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Begin with its genesis."""
        self.blocks = self.blocks or [opening(self.begins)]

    @property
    def id(self) -> LogId:
        """Its id."""
        return self.begins.log

    def say(self, kind: str, time: int = NOON, **value: Any) -> Ref:
        """Append a record, and return it with its place."""
        last = self.blocks[-1]
        base = Base(self.begins, last.last, last.tip, START)
        self.blocks.extend(seal(ANN, self.begins, base, [Draft(kind, value, time)]))
        return self.tip()

    def tip(self) -> Ref:
        """Return its last record with its place."""
        return [self.id, self.blocks[-1].last, self.blocks[-1].tip]

    def ref(self, seq: int) -> Ref:
        """Return a record with its place."""
        return [self.id, seq, self.blocks[seq].tip]

    def offer(self, quantity: int, time: int = NOON, **more: Any) -> RecordId:
        """Offer something."""
        value = {"resource_conforms_to": WHEAT, "quantity": quantity, "provider": self.begins.scope, **more}
        return RecordId(self.say("intent", time, **value)[2])

    def grant(self, intent: bytes, quantity: int, to: "Log | None", time: int = NOON, **more: Any) -> Ref:
        """Grant rights."""
        log = None if to is None else to.id
        return self.say("rights_grant", time, intent=intent, quantity=quantity, to=log, **more)

    def back(self, intent: bytes, quantity: int, grant: Ref, time: int = NOON, **more: Any) -> Ref:
        """Take rights back."""
        value = {"intent": intent, "quantity": quantity, "to": self.id, "takes_back": grant[2], **more}
        return self.say("rights_grant", time, **value)

    def promise(
        self, intent: bytes, quantity: int, receiver: Any = "Free kitchen", time: int = NOON, **more: Any
    ) -> RecordId:
        """Promise something."""
        value = {"intent": intent, "quantity": quantity, "receiver": receiver, **more}
        return RecordId(self.say("commitment", time, **value)[2])

    def release(self, promise: bytes, time: int = NOON) -> RecordId:
        """Release a promise."""
        return RecordId(self.say("release", time, commitment=promise)[2])


def log(name: str, scope: Scope = ALDER, reach: Reach = Reach.REGION) -> Log:
    """Return a new log of plans."""
    return Log(genesis(f"plans of {name}", scope, LogClass.PLANS, reach))


def told(blocks: Iterable[Block]) -> list[Told]:
    """Return records as the naive twin takes them."""
    return [
        Told(
            each.genesis.scope,
            each.genesis.reach is Reach.LOCAL,
            each.log,
            each.seq,
            each.id,
            each.kind,
            each.value,
            each.time,
        )
        for block in blocks
        for each in block.records()
        if each.kind != "genesis"
    ]


def twin(counting: Mapping[Genesis, list[Block]], ended: Iterable[bytes] = ()) -> Escrow:
    """Return the naive twin of blocks of one record each that count, by the beginning of their logs."""
    known = {
        bytes(begins.log): Known(
            len(blocks),
            begins.log in ended,
            begins.reach is Reach.LOCAL,
            tuple(each.tip for each in blocks),
        )
        for begins, blocks in counting.items()
    }
    return Escrow(told(each for blocks in counting.values() for each in blocks), known)


class RandomMarket:
    """Logs of two bodies that offer, grant, promise, release and take back at random: mostly sense, and some of none."""

    nonsense = 0.08
    """How often somebody accepts what is no grant to them; then all that their log says of the offer may wait for ever."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.logs = [
            log("Ann"),
            log("Ben"),
            log("Cem", BIRCH),
            log("Dia", BIRCH),
            log("Eva", reach=Reach.LOCAL),
        ]
        self.intents: list[RecordId] = []
        self.grants: list[tuple[Ref, Log, LogId | None, RecordId]] = []
        self.promises: list[tuple[Log, RecordId]] = []

    def grow(self, steps: int) -> None:
        """Let that much happen."""
        self._offer(self.logs[0])
        for _ in range(steps):
            mine = self.random.choice(self.logs)
            do = self.random.choices(
                [self._offer, self._grant, self._promise, self._release, self._back, self._deal],
                [1, 6, 6, 2, 3, 1],
            )[0]
            do(mine)

    def _time(self) -> int:
        return NOON + self.random.randrange(6) * HOUR

    def _offer(self, mine: Log) -> None:
        quantity = self.random.randint(5, 40)
        if self.intents and self.random.random() < 0.15:
            ref = mine.say("intent", resource_conforms_to=WHEAT, quantity=quantity, receiver="Free kitchen")
            self.intents.append(RecordId(ref[2]))
            return
        more = {"until": self._time()} if self.random.random() < 0.2 else {}
        self.intents.append(mine.offer(quantity, self._time(), **more))

    def _intent(self) -> RecordId:
        # Mostly the newest: many logs that meddle with one offer find more than many offers.
        return self.random.choice([*self.intents[-1:] * 3, *self.intents])

    def _accepts(self, mine: Log, intent: RecordId) -> dict[str, Any]:
        random = self.random
        found = [ref for ref, _, to, about in self.grants if to == mine.id and about == intent]
        refs = [ref for ref in found if random.random() < 0.6]
        if random.random() < self.nonsense:
            other = random.choice([each for each in self.logs if each is not mine])
            refs.append(other.ref(random.randrange(len(other.blocks))))
        if random.random() < self.nonsense / 3:
            refs.append([random.choice(self.logs).id, 50, bytes(32)])
        refs = [ref for ref in refs if ref[0] != mine.id]
        return {"accepts": refs} if refs and len({tuple(ref) for ref in refs}) == len(refs) else {}

    def _grant(self, mine: Log) -> None:
        random, intent = self.random, self._intent()
        to = random.choice([*(each for each in self.logs if each is not mine), None])
        more = self._accepts(mine, intent)
        if to is not None and random.random() < 0.7:
            more["expires"] = self._time()
        ref = mine.grant(intent, random.randint(1, 10), to, self._time(), **more)
        self.grants.append((ref, mine, to.id if to is not None else None, intent))

    def _promise(self, mine: Log) -> None:
        intent = self._intent()
        receiver = self.random.choice(["Free kitchen", "The Millers", BIRCH, ALDER])
        more = self._accepts(mine, intent)
        if self.random.random() < 0.6:
            more["until"] = self._time()
        made = mine.promise(intent, self.random.randint(1, 6), receiver, self._time(), **more)
        self.promises.append((mine, made))

    def _release(self, mine: Log) -> None:
        own = [made for by, made in self.promises if by is mine or self.random.random() < 0.1]
        if own:
            mine.release(self.random.choice(own), self._time() + self.random.choice([0, 6]) * HOUR)

    def _back(self, mine: Log) -> None:
        random = self.random
        own = [(ref, to, about) for ref, by, to, about in self.grants if by is mine]
        if not own:
            return
        ref, to, about = random.choice(own)
        holder = next((each for each in self.logs if each.id == to), None)
        more: dict[str, Any] = {}
        if holder is not None and random.random() < 0.8:
            more["at"] = self._looked_at(holder)
        later = random.choice([1, 8]) * HOUR
        mine.back(about, random.randint(1, 4), ref, self._time() + later, **more)

    def _deal(self, mine: Log) -> None:
        """Two who understand each other, until the rights are over and the one takes back while the other goes on."""
        random, other = self.random, self.random.choice([each for each in self.logs if each is not mine])
        quantity = random.randint(8, 20)
        offer = mine.offer(quantity)
        self.intents.append(offer)
        granted = mine.grant(offer, random.randint(3, 8), other, expires=NOON)
        self.grants.append((granted, mine, other.id, offer))
        if random.random() < 0.3:
            # Before the other has accepted anything.
            mine.back(offer, random.randint(1, 3), granted, NOON + HOUR)
        for _ in range(random.randint(1, 3)):
            made = other.promise(offer, random.randint(1, 2), accepts=[granted])
            self.promises.append((other, made))
        seen = other.tip()
        for _ in range(random.randint(0, 2)):
            self.promises.append((other, other.promise(offer, random.randint(1, 3))))
        for _ in range(random.randint(1, 2)):
            mine.back(offer, random.randint(1, 4), granted, NOON + HOUR, at=seen)
        mine.promise(offer, random.randint(1, quantity))

    def _looked_at(self, holder: Log) -> Ref:
        return holder.ref(self.random.randrange(len(holder.blocks)))
