"""What tellers of a simulation say of goods: movements, counts, corrections, promises, transfers, all at random.

Much of it builds on what others said, whether that is held where it is written or not, and some of it makes no sense:
what comes of it is for the folds to agree on.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import TypeAlias

from fedsync.records.block import Block
from fedsync.records.codec import Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId, PayloadId, Scope, payload_id
from fedsync.records.kinds.refs import FactRef

Said: TypeAlias = list[tuple[str, Value]]
Fields: TypeAlias = dict[str, Value]

LATELY = 12
"""Who refers to something means one of so many latest things, mostly."""
DAY_MS = 86_400_000
REASONS = ("spoiled", "lost", "stolen")
ITEMS = ("Oats", "Rye")
SPECIFICATIONS: tuple[Fields, ...] = tuple({"name": name, "unit": "g"} for name in ITEMS)


def _id(value: Fields) -> PayloadId:
    return payload_id(pack(dict(value)))


LOTS: tuple[Fields, ...] = tuple(
    {"code": "7", "resource_conforms_to": _id(each), "expiration_date": 1_800_000_000_000}
    for each in SPECIFICATIONS
)


@dataclass
class Goods:
    """What one body has said of goods so far, wherever that was written. `others`: all bodies' goods, its own too."""

    scope: Scope
    others: list["Goods"] = field(default_factory=list)
    refs: dict[str, list[FactRef]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stores: tuple[Fields, ...] = tuple(
            {"name": name, "scope": self.scope} for name in ("Granary", "Cellar")
        )

    def note(self, blocks: Sequence[Block]) -> None:
        """Remember what was written, so that others can refer to it."""
        for block in blocks:
            for at, kind in enumerate(block.body.kinds):
                self.refs.setdefault(kind, []).append(FactRef(block.log, block.first + at, block.ids[at]))

    # --- Facts

    def facts(self, dice: Random, now: int, first: bool, local: bool = False) -> Said:
        """Return movements and counts; `first`: name what they are about; `local`: what never leaves the house."""
        said: Said = []
        if first or dice.random() < 0.1:
            said += [("store", dict(dice.choice(self.stores)))]
            said += [("resource_specification", dict(each)) for each in SPECIFICATIONS]
            said += [("batch_lot_record", dict(dice.choice(LOTS)))]
        # Mostly plain, so that many stand in one column of a block.
        strange = dice.random() < 0.5
        for _ in range(dice.choice([1, 1, 1, 4, 20, 150])):
            said.append(
                self._strange(dice, now, local) if strange and dice.random() < 0.3 else self._plain(dice, now)
            )
        return said

    def _about(self, dice: Random, now: int) -> Fields:
        which = dice.randrange(len(SPECIFICATIONS))
        about: Fields = {
            "quantity": dice.randrange(1000),
            "resource_conforms_to": _id(SPECIFICATIONS[which]),
            "store": _id(dice.choice(self.stores)),
            "has_point_in_time": now - dice.randrange(1_000_000),
        }
        return about | ({"lot": _id(LOTS[which])} if dice.random() < 0.05 else {})

    def _plain(self, dice: Random, now: int) -> tuple[str, Value]:
        about = self._about(dice, now)
        if dice.random() < 0.15:
            return "count", about
        return "economic_event", about | {"action": dice.choice(["raise", "consume"])}

    def _strange(self, dice: Random, now: int, local: bool) -> tuple[str, Value]:
        about = self._about(dice, now)
        ways = [self._correction, self._careful_count, self._move]
        if not local:  # else only one house would know of a transfer, and all are compared
            ways += [self._on_its_way, self._discrepancy]
        return dice.choice(ways)(dice, about)

    def _correction(self, dice: Random, about: Fields) -> tuple[str, Value]:
        event: Fields = about | {"action": dice.choice(["raise", "consume"])}
        found = self._some(dice, "economic_event")
        return "economic_event", event | ({"corrects": found.value} if found else {})

    def _careful_count(self, dice: Random, about: Fields) -> tuple[str, Value]:
        named = dict.fromkeys(
            each for _ in range(dice.randint(1, 3)) if (each := self._some(dice, "economic_event"))
        )
        for name in ("includes", "excludes"):
            mine = [each.value for each in named if dice.random() < 0.5]
            named = {each: None for each in named if each.value not in mine}
            about |= {name: list(mine)} if mine else {}
        return "count", about

    def _move(self, dice: Random, about: Fields) -> tuple[str, Value]:
        to = next(each for each in map(_id, self.stores) if each != about["store"])
        return "economic_event", about | {
            "action": dice.choice(["move", "transfer", "transfer_custody"]),
            "to": to,
        }

    def _on_its_way(self, dice: Random, about: Fields) -> tuple[str, Value]:
        transfer, promise = self._any(dice, "transfer"), self._any(dice, "commitment")
        about |= {"transfer": transfer.id} if transfer else {}
        if transfer and dice.random() < 0.3:
            about.pop("store")
            return "economic_event", about | {"action": "lower", "reason": dice.choice(REASONS)}
        about |= {"fulfills": promise.id} if promise else {}
        return "economic_event", about | {"action": dice.choice(["pickup", "dropoff"])}

    def _discrepancy(self, dice: Random, about: Fields) -> tuple[str, Value]:
        transfer = self._any(dice, "transfer")
        if transfer is None:
            return "count", about
        said: Fields = {each: about[each] for each in about if each in ("lot", "resource_conforms_to")}
        return "discrepancy", said | {
            "quantity": dice.randint(1, 3),
            "reason": dice.choice(REASONS),
            "transfer": transfer.id,
        }

    # --- Plans

    def plans(self, dice: Random, now: int, mine: Genesis, logs: Sequence[LogId]) -> Said:
        """Return needs, offers, grants, promises, releases and manifests in the log `mine`. `logs`: all logs of plans here."""
        ways = [self._offer, self._grant, self._grant, self._promise, self._promise, self._release]
        ways += [self._take_back, self._manifest, self._agreement]
        said: Said = []
        for _ in range(dice.choice([1, 1, 2, 5])):
            found = dice.choice(ways)(dice, now, mine.log, logs)
            said.append(found or self._offer(dice, now, mine.log, logs))
        return said

    def _offer(self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]) -> tuple[str, Value]:
        side = dice.choice(["provider", "provider", "provider", "receiver"])
        intent: Fields = {
            "quantity": dice.choice([5, 100]),
            "resource_conforms_to": _id(dice.choice(SPECIFICATIONS)),
            side: self.scope,
        }
        return "intent", intent | (
            {"until": now + dice.randint(-DAY_MS, DAY_MS)} if dice.random() < 0.2 else {}
        )

    def _grant(self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]) -> tuple[str, Value] | None:
        intent, others = self._some(dice, "intent"), [each for each in logs if each != mine]
        if intent is None:
            return None
        to = dice.choice(others) if others and dice.random() < 0.9 else None
        grant: Fields = {"intent": intent.id, "quantity": dice.randint(1, 60), "to": to}
        if to is not None and dice.random() < 0.3:
            grant["expires"] = now + dice.randint(-DAY_MS, DAY_MS)
        return "rights_grant", grant | self._accepts(dice, mine)

    def _take_back(
        self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]
    ) -> tuple[str, Value] | None:
        intent = self._some(dice, "intent")
        grants = [each for each in self.refs.get("rights_grant", []) if each.log == mine]
        if intent is None or not grants:
            return None
        seen = self._some(dice, dice.choice(["commitment", "rights_grant"]))
        back: Fields = {
            "intent": intent.id,
            "quantity": dice.randint(1, 60),
            "to": mine,
            "takes_back": dice.choice(grants).id,
        }
        return "rights_grant", back | ({"at": seen.value} if seen else {})

    def _promise(
        self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]
    ) -> tuple[str, Value] | None:
        intent = self._some(dice, "intent")
        if intent is None:
            return None
        promise: Fields = {
            "intent": intent.id,
            "quantity": dice.randint(1, 40),
            "receiver": dice.choice([*(each.scope for each in self.others), "Mrs Brook"]),
        }
        return "commitment", promise | self._accepts(dice, mine)

    def _accepts(self, dice: Random, mine: LogId) -> Fields:
        grants = [each for each in self.refs.get("rights_grant", [])[-LATELY:] if each.log != mine]
        some = dice.sample(grants, min(len(grants), dice.choice([0, 1, 2])))
        return {"accepts": [each.value for each in some]} if some else {}

    def _release(
        self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]
    ) -> tuple[str, Value] | None:
        promise = self._some(dice, "commitment")
        return ("release", {"commitment": promise.id}) if promise else None

    def _manifest(
        self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]
    ) -> tuple[str, Value] | None:
        parties = dice.sample([self.scope, dice.choice(self.others).scope], 2)
        line: Fields = {
            "resource_conforms_to": _id(dice.choice(SPECIFICATIONS)),
            "quantity": dice.randint(1, 500),
        }
        promise = self._some(dice, "commitment")
        line |= {"commitment": promise.id} if promise and dice.random() < 0.5 else {}
        manifest: Fields = {"lines": [line], "provider": parties[0], "receiver": parties[1]}
        if parties[0] == parties[1]:
            manifest |= {"store": _id(self.stores[0]), "to": _id(self.stores[1])}
        return "transfer", manifest

    def _agreement(
        self, dice: Random, now: int, mine: LogId, logs: Sequence[LogId]
    ) -> tuple[str, Value] | None:
        parties: list[Value] = [*sorted({self.scope, dice.choice(self.others).scope})]
        if len(parties) < 2:
            return None
        words: Fields = {
            "clauses": [],
            "notice": 1,
            "parties": parties,
            "title": f"Oats for rye, {dice.randrange(3)}",
        }
        if dice.random() < 0.3:
            return "agreement", {"ends": _id(words), "from": now + dice.choice([0, 2 * DAY_MS])}
        return "agreement", words

    # --- What others said

    def _some(self, dice: Random, kind: str) -> FactRef | None:
        """Return something of this kind that this body said, mostly lately."""
        known = self.refs.get(kind)
        if not known:
            return None
        return dice.choice(known[-LATELY:] if dice.random() < 0.8 else known)

    def _any(self, dice: Random, kind: str) -> FactRef | None:
        """Return something of this kind that any body said."""
        return dice.choice(self.others)._some(dice, kind)
