"""A community with one store and what its tellers wrote of it, for benchmarks. Real keys, logs and blocks."""

from hashlib import sha256
from random import Random

from benchmarks.region import TIME, Writer
from fedsync.records.block import Base, Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import PERSON, SEAT, Genesis
from fedsync.records.ids import LogClass, PageId, PayloadId, Reach, Scope, payload_id
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EVENT
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal

HOUR = 3_600_000
STEP_MS = 600_000
"""ms from one movement to the next, when they are written down at once: a million take nineteen years."""
A_COUNT_EVERY = 1000
"""Movements from one count to the next: once a week."""
LATE = 0.02
"""The share of movements that are written down late, up to the whole time of the store: nearly every block has one."""
BLOCK = 128


class Log:
    """A teller's log of facts."""

    def __init__(self, teller: Writer, scope: Scope) -> None:
        self.teller = teller
        incarnation = teller.genesis.incarnation
        self.genesis = Genesis(teller.key, scope, SEAT, LogClass.FACTS, Reach.REGION, incarnation)
        self.base: Base | None = None

    def write(self, *drafts: Draft) -> list[Block]:
        """Append records."""
        blocks = seal(self.teller.private, self.genesis, self.base, drafts, TIME)
        for block in blocks:
            place = block.place(self.base.place if self.base else START)
            self.base = Base(self.genesis, block.last, block.tip, place)
        return blocks


class Granary:
    """One store, one item or many, a million movements by a few tellers, and a count each week."""

    def __init__(self, events: int, tellers: int = 8, items: int = 1) -> None:
        self.random = Random(7)
        self.scope = Scope(sha256(b"granary").digest()[:16])
        writers = [Writer(f"teller {each}", self.scope) for each in range(tellers)]
        epoch: Value = {
            "kind": "epoch",
            "name": "Mill",
            "classification": "community",
            "level": 1,
            "seats": [{"genesis": each.genesis.payload} for each in writers],
            "k": tellers // 2 + 1,
        }
        page: Value = {"body": None, "number": 0, "prev": None, "entries": [epoch], "scope": self.scope}
        self.body = PageId(payload_id(pack(page)))
        self.blocks = [Writer("clerk", self.scope, PERSON).write(("page", page))]
        self.blocks += [each.write() for each in writers]
        self.logs = [Log(each, self.scope) for each in writers]
        self.store, self.items = self._names(items)
        self.written: list[FactRef] = []
        """Some movements, for whoever corrects them: the last of each block."""
        self._fill(events)

    @property
    def bodies(self) -> list[tuple[Scope, PageId]]:
        """The one body."""
        return [(self.scope, self.body)]

    def _names(self, items: int) -> tuple[PayloadId, list[PayloadId]]:
        store: Value = {"name": "Granary", "scope": self.scope}
        made: list[Value] = [{"name": f"Wheat {each}", "unit": "g"} for each in range(items)]
        drafts = [Draft("resource_specification", each, TIME) for each in made]
        self.blocks += self.logs[0].write(Draft("store", store, TIME), *drafts)
        return payload_id(pack(store)), [payload_id(pack(each)) for each in made]

    def _fill(self, events: int) -> None:
        self.first = self.last = self.counted_at = TIME
        written = 0
        while written < events:
            drafts: list[Draft] = []
            log = self.random.choice(self.logs)
            for _ in range(min(BLOCK, events - written)):
                self.last += STEP_MS
                drafts.append(self.movement(self._when()))
                written += 1
                if written % A_COUNT_EVERY == 0:
                    drafts.append(self.count(self.last))
                    self.counted_at = self.last
            blocks = log.write(*drafts)
            block = blocks[-1]
            if block.kinds[-1] == EVENT:
                self.written.append(FactRef(block.log, block.last, block.tip))
            self.blocks += blocks

    def _when(self) -> int:
        if self.random.random() < LATE:
            return self.random.randint(self.first, self.last)
        return self.last

    def movement(self, at: int, **more: Value) -> Draft:
        """Return a movement that happened at `at`, written down now."""
        said = self._fact(at) | {"action": self.random.choice(["raise", "consume"])} | more
        return Draft("economic_event", said, self.last + HOUR)

    def count(self, at: int) -> Draft:
        """Return a count of what lay there at `at`."""
        return Draft("count", self._fact(at), self.last + HOUR)

    def correction(self, at: int) -> Draft:
        """Return a movement that stands in the place of an earlier one, of whichever log."""
        return self.movement(at, corrects=self.random.choice(self.written).value)

    def one(self, draft: Draft) -> list[Block]:
        """Let some teller write one record more, as a block of its own."""
        return self.random.choice(self.logs).write(draft)

    def _fact(self, at: int) -> dict[str, Value]:
        return {
            "quantity": self.random.randrange(1, 5000),
            "resource_conforms_to": self.random.choice(self.items),
            "store": self.store,
            "has_point_in_time": at,
        }
