"""Random worlds in which everything that bodies say of goods, plans and work meets: each room reads the others' records.

Logs of facts and of plans of two bodies, some that never leave their nodes; some fork, some are cut or settled. What is
named is mostly there, and now and then is a record of quite another kind.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any

from fedsync.crdt.logs.seats import All
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, Reach
from fedsync.records.seal import Draft
from tests.crdt import stockworlds
from tests.crdt.granary import (
    ALDER,
    BIRCH,
    GRANARY,
    HOUR,
    NOON,
    SPRING,
    SPRING_LOT,
    WHEAT,
    chain,
    genesis,
    item_value,
    ref_of,
    store_value,
)

PLANS = [
    genesis("plans of Ann", log_class=LogClass.PLANS),
    genesis("plans of Ben", log_class=LogClass.PLANS),
    genesis("plans of Cem", BIRCH, LogClass.PLANS),
    genesis("plans of Dia", log_class=LogClass.PLANS, reach=Reach.LOCAL),
]
LOGS = [*stockworlds.LOGS, *PLANS]
LATE = NOON + 40 * HOUR

Said = tuple[Genesis, Block, dict[str, Any]]


@dataclass
class Mixture:
    """What was said so far, by kind, and who says what next."""

    random: Random
    said: dict[str, list[Said]] = field(default_factory=dict)

    def note(self, begins: Genesis, block: Block, draft: Draft) -> None:
        """Keep in mind what was said."""
        assert isinstance(draft.value, dict)
        self.said.setdefault(draft.kind, []).append((begins, block, draft.value))

    def next(self, begins: Genesis) -> Draft:
        """Return the next record of a log."""
        plans: dict[Callable[[Genesis], Draft], int] = {
            self._intent: 3,
            self._grant: 6,
            self._back: 3,
            self._promise: 5,
            self._release: 3,
            self._booking: 3,
            self._transfer: 2,
            self._shift: 2,
            self._signup: 3,
        }
        facts: dict[Callable[[Genesis], Draft], int] = {
            self._movement: 12,
            self._discrepancy: 2,
            self._loan: 4,
            self._tally: 1,
            self._name: 1,
        }
        kinds = plans if begins.log_class is LogClass.PLANS else facts
        return self.random.choices(list(kinds), list(kinds.values()))[0](begins)

    def _time(self) -> int:
        return NOON + self.random.randrange(6) * HOUR

    def _known(self, *kinds: str) -> Said | None:
        found = [each for kind in kinds for each in self.said.get(kind, [])]
        return self.random.choice(found[-6:]) if found else None

    def _id(self, *kinds: str) -> bytes:
        found = self._known(*kinds)
        return bytes(32) if found is None or self.random.random() < 0.03 else found[1].tip

    # --- Facts ------------------------------------------------------------------------------------------

    def _movement(self, begins: Genesis) -> Draft:
        facts = [
            (by, block) for kind in ("economic_event", "count") for by, block, _ in self.said.get(kind, [])
        ]
        draft = stockworlds.said(self.random, facts, counts=True)
        value: Any = draft.value
        if "fulfills" in value and self.random.random() < 0.7:
            value = {**value, "fulfills": self._id("commitment")}
        if "transfer" in value and self.random.random() < 0.7:
            value = {**value, "transfer": self._id("transfer")}
        return Draft(draft.kind, value, draft.time)

    def _discrepancy(self, begins: Genesis) -> Draft:
        value: dict[str, Any] = {
            "transfer": self._id("transfer"),
            "resource_conforms_to": WHEAT,
            "reason": "lost",
        }
        return Draft("discrepancy", {**value, "quantity": self.random.randint(1, 3)}, NOON)

    def _loan(self, begins: Genesis) -> Draft:
        loan, time = self._known("loan"), self._time() - 2 * HOUR
        if loan is not None and self.random.random() < 0.5:
            value: dict[str, Any] = {"loan": ref_of(loan[1]), "returned": True, "has_point_in_time": time}
            return Draft("loan", value, LATE)
        value = {"resource_conforms_to": WHEAT, "store": GRANARY, "to": "Zoe", "has_point_in_time": time}
        if self.random.random() < 0.5:
            value["lot"] = SPRING_LOT
        return Draft("loan", {**value, "quantity": self.random.randint(1, 5)}, LATE)

    def _tally(self, begins: Genesis) -> Draft:
        value: dict[str, Any] = {"who": self.random.choice("AB"), "has_point_in_time": NOON, "given": 60}
        entry = self._known("work_tally", "count")
        if entry is not None and self.random.random() < 0.5:
            value["corrects"] = ref_of(entry[1])
        return Draft("work_tally", value, LATE)

    def _name(self, begins: Genesis) -> Draft:
        factor: dict[str, Any] = {"name": "bowl", "numerator": self.random.randint(1, 2), "denominator": 1}
        names = [
            Draft("unit_factor", {**factor, "unit": "g", "place": "Alder"}, NOON),
            Draft("store", store_value("Granary", begins.scope), NOON),
            Draft("resource_specification", item_value("Wheat"), NOON),
            Draft("batch_lot_record", SPRING, NOON),
        ]
        return self.random.choice(names)

    # --- Plans ------------------------------------------------------------------------------------------

    def _offer_for(self, begins: Genesis) -> bytes:
        mine = [block.tip for by, block, _ in self.said.get("intent", []) if by == begins]
        mine += [v["intent"] for _, _, v in self.said.get("rights_grant", []) if v["to"] == begins.log]
        return self.random.choice(mine[-4:]) if mine and self.random.random() < 0.8 else self._id("intent")

    def _accepts(self, begins: Genesis, intent: bytes) -> dict[str, Any]:
        refs = [
            ref_of(block)
            for by, block, value in self.said.get("rights_grant", [])
            if value["to"] == begins.log and value["intent"] == intent and by != begins
            if self.random.random() < 0.6
        ]
        # Of any kind, and of logs of facts too.
        other = self._known(*self.said)
        if other is not None and self.random.random() < 0.06 and other[0] != begins:
            refs.append(ref_of(other[1]))
        return {"accepts": refs[:5]} if refs else {}

    def _intent(self, begins: Genesis) -> Draft:
        value: dict[str, Any] = {"resource_conforms_to": WHEAT, "quantity": self.random.randint(1, 20)}
        if self.random.random() < 0.4:
            value |= {"quantity": 1, "action": "use"}
        if self.random.random() < 0.2:
            value["until"] = self._time()
        side = {"provider": begins.scope} if self.random.random() < 0.9 else {"receiver": "Free kitchen"}
        return Draft("intent", {**value, **side}, self._time())

    def _grant(self, begins: Genesis) -> Draft:
        intent = self._offer_for(begins)
        others = [each.log for each in PLANS if each != begins]
        # A log of facts holds no rights, and somebody may grant them to it all the same.
        to = self.random.choices([self.random.choice(others), None, LOGS[0].log], [8, 1, 1])[0]
        value: dict[str, Any] = {"intent": intent, "quantity": self.random.choice([1, 1, 2, 5]), "to": to}
        if to is not None and self.random.random() < 0.5:
            value["expires"] = self._time()
        return Draft("rights_grant", {**value, **self._accepts(begins, intent)}, self._time())

    def _back(self, begins: Genesis) -> Draft:
        mine = [
            (block, value)
            for by, block, value in self.said.get("rights_grant", [])
            if by == begins and value["to"] not in (None, begins.log)
        ]
        if not mine:
            return self._intent(begins)
        block, grant = self.random.choice(mine)
        value: dict[str, Any] = {"intent": grant["intent"], "quantity": grant["quantity"], "to": begins.log}
        held = [each for said in self.said.values() for by, each, _ in said if by.log == grant["to"]]
        if held and self.random.random() < 0.7:
            value["at"] = ref_of(self.random.choice(held))
        return Draft("rights_grant", {**value, "takes_back": block.tip}, self._time())

    def _promise(self, begins: Genesis) -> Draft:
        intent = self._offer_for(begins)
        receiver = self.random.choice(["Free kitchen", ALDER, BIRCH])
        value: dict[str, Any] = {
            "intent": intent,
            "receiver": receiver,
            "quantity": self.random.randint(1, 3),
        }
        return Draft("commitment", {**value, **self._accepts(begins, intent)}, self._time())

    def _release(self, begins: Genesis) -> Draft:
        said = [*self.said.get("commitment", []), *self.said.get("booking", [])]
        mine = [block.tip for by, block, _ in said if by == begins]
        return Draft("release", {"commitment": self.random.choice([*mine, bytes(32)])}, self._time())

    def _booking(self, begins: Genesis) -> Draft:
        intent, start = self._offer_for(begins), NOON + self.random.randrange(8) * HOUR
        value: dict[str, Any] = {"intent": intent, "who": "Zoe", "from": start, "until": start + 2 * HOUR}
        return Draft("booking", {**value, **self._accepts(begins, intent)}, self._time())

    def _transfer(self, begins: Genesis) -> Draft:
        if self.random.random() < 0.2:
            return Draft("transfer", {"cancels": self._id("transfer")}, NOON)
        other = BIRCH if begins.scope == ALDER else ALDER
        lines: list[Any] = [{"resource_conforms_to": WHEAT, "quantity": 3}]
        return Draft("transfer", {"provider": begins.scope, "receiver": other, "lines": lines}, NOON)

    def _shift(self, begins: Genesis) -> Draft:
        of, start = self._id("plan", "shift"), self._time()
        value: dict[str, Any] = {"plan": of, "from": start, "until": start + HOUR, "places": 1}
        shift = self._known("shift")
        off = shift[1].tip if shift is not None else bytes(32)
        drafts = [
            Draft("plan", {"name": "Cooking"}, NOON),
            Draft("shift", value, NOON),
            Draft("shift", {"plan": of, "cancels": [off]}, NOON),
        ]
        return self.random.choices(drafts, [2, 2, 1])[0]

    def _signup(self, begins: Genesis) -> Draft:
        value: dict[str, Any] = {"shift": self._id("shift"), "who": self.random.choice("ABC")}
        if self.random.random() < 0.3:
            value["drops"] = [self._id("signup")]
        return Draft("signup", value, NOON)


def world(seed: int, records: int = 120) -> stockworlds.World:
    """Return a world of about this many records."""
    random = Random(seed)
    mixture = Mixture(random)
    found = stockworlds.World({each.log: chain(each, []) for each in LOGS})
    for _ in range(random.randint(records // 3, records)):
        begins = random.choice(LOGS)
        _append(mixture, begins, found.logs[begins.log])
    for begins in LOGS:
        trunk = found.logs[begins.log]
        if len(trunk) > 1 and random.random() < 0.15:
            branch = trunk[: random.randrange(1, len(trunk))]
            fork = len(branch)
            for _ in range(random.randint(1, 3)):
                _append(mixture, begins, branch)
            if branch[fork].tip != trunk[fork].tip:
                found.branches[begins.log] = branch[fork:]
        forked = begins.log in found.branches
        cut = forked or random.random() < 0.35
        found.bounds[begins.log] = stockworlds.bound(random, found, begins.log) if cut else All()
    return found


def _append(mixture: Mixture, begins: Genesis, log: list[Block]) -> None:
    draft = mixture.next(begins)
    (*_, last) = chain(begins, [draft], log)
    log.append(last)
    mixture.note(begins, last, draft)


def local_logs() -> set[LogId]:
    """Return the logs that only the nodes of their body hold."""
    return {each.log for each in LOGS if each.reach is Reach.LOCAL}
