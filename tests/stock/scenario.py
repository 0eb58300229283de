"""The stock half of the worked scenario as real records: whoever acts in it writes logs of their own.

`three_communities.jsonl` says who did what, `expected.json` what three sides must show. What the file calls otherwise is
told in our words: `lose` is `lower` with a reason and no store, `available_g` the quantity of an offer, `by` somebody
with a seat or a mandate of the body that the goods or the rights are of. The file's transfers have no manifest, so whoever promised gives one. A
commitment accepts the grant to its author.
"""

import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.transit import find
from fedsync.crdt.plans.escrow import BEYOND, VALID
from fedsync.crdt.plans.plantables import STEPS, step_row
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import View
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, LogId, RecordId, Scope
from fedsync.records.kinds.plans import COMMITMENT
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import Draft
from tests.stock.replay import Country, counted, id_of, moved

FILES = Path(__file__).parents[1] / "authority" / "scenario"
EXPECTED = json.loads((FILES / "expected.json").read_text("utf-8"))
RECORDS: dict[str, dict[str, Any]] = {
    each["id"]: each
    for each in map(json.loads, (FILES / "three_communities.jsonl").read_text("utf-8").splitlines())
    if each["kind"] in ("economic_event", "count", "intent", "rights_grant", "commitment")
}
COMMUNITIES = ("Alder", "Birch", "Cedar")
POTATO = {"name": "potato", "unit": "g"}
MANIFESTS = {"T1": "C1", "T2": "C2"}
"""Which promise each transfer keeps: whoever gave it announces the goods right after it."""
CEDAR_SIDE: dict[str, Any] = {
    "commitments": {"committed_g": 300_000, "over_rights": [], "valid": ["C2"]},
    "stores": {
        "Alder.store": {"onhand_g": 1_180_000, "unexplained_g": 0},
        "Birch.store": {"onhand_g": 0, "unexplained_g": 0},
        "Cedar.store": {"onhand_g": 291_000, "unexplained_g": 0},
    },
    "transfers": {
        "T1": {
            "in_transit_or_unexplained_g": 0,
            "picked_up_g": 0,
            "received_g": 0,
            "reported_loss_g": 0,
        },
        "T2": {
            "in_transit_or_unexplained_g": -291_000,
            "picked_up_g": 0,
            "received_g": 291_000,
            "reported_loss_g": 0,
        },
    },
}
"""What Cedar must show before the heal, which `expected.json` leaves out: E1 and E2, the promise C2, and T2b, before its pickup."""
BEGUN, HOUR_MS = 1_700_000_000_000, 3_600_000
"""The file counts in hours."""


def body_of(author: str) -> str:
    """Return in whose logs somebody writes: carriers and nodes without a community's name work for Alder."""
    name = author.partition(".")[0]
    return name if name in COMMUNITIES else "Alder"


def stewards(body: str) -> dict[str, list[str]]:
    """Return who writes for a body under a mandate, and what: all but its assembly, which has the seat."""
    kinds: dict[str, set[str]] = {}
    for one in RECORDS.values():
        if body_of(one["by"]) == body != one["by"]:
            kinds.setdefault(one["by"], set()).add(one["kind"])
            if one["kind"] == "commitment":
                kinds[one["by"]].add("transfer")
    return {name: sorted(may) for name, may in kinds.items()}


def ids_of(side: str) -> set[str]:
    """Return what a side of the cut holds: "north", "cedar", or "both" of them and what came later."""
    if side == "both":
        return {*RECORDS, *MANIFESTS}
    ids = {each for each in EXPECTED[f"{side}_side_ids"] if each in RECORDS}
    return ids | {name for name, promise in MANIFESTS.items() if promise in ids}


class Pen(Protocol):
    """Who turns words into records of somebody's logs."""

    def scope(self, body: str) -> Scope:
        """Return a body's founding tag."""
        ...

    def log(self, author: str, log_class: LogClass) -> LogId:
        """Return somebody's log."""
        ...

    def write(self, author: str, log_class: LogClass, *drafts: Draft) -> FactRef:
        """Append records to somebody's log; return the last."""
        ...


@dataclass
class Teller:
    """Tells the scenario record by record. `refs` is where each came to stand."""

    pen: Pen
    refs: dict[str, FactRef] = field(default_factory=dict)
    named: set[str] = field(default_factory=set)
    """Who has named the store and the item that they write of."""

    def tell(self, ids: Iterable[str], heard: Callable[[str], None] = lambda name: None) -> None:
        """Write what the file has under these ids, and `heard` of each, in the order of its recording."""
        wanted = set(ids)
        for name in sorted(wanted & RECORDS.keys(), key=lambda each: RECORDS[each]["recorded"]):
            self._tell(name)
            heard(name)
            for transfer, promise in MANIFESTS.items():
                if promise == name and transfer in wanted:
                    self._announce(transfer)
                    heard(transfer)

    def _tell(self, name: str) -> None:
        one = RECORDS[name]
        log_class = LogClass.FACTS if one["kind"] in ("economic_event", "count") else LogClass.PLANS
        drafts = self._names(one) if log_class is LogClass.FACTS else []
        match one["kind"]:
            case "economic_event":
                drafts.append(self._event(one))
            case "count":
                drafts.append(
                    counted(one["counted_g"], id_of(POTATO), self._store(one), _ms(one["valid"]), _time(one))
                )
            case kind:
                said = {"intent": self._intent, "rights_grant": self._grant, "commitment": self._promise}
                drafts.append(Draft(kind, said[kind](one), _time(one)))
        self.refs[name] = self.pen.write(one["by"], log_class, *drafts)

    def _names(self, one: dict[str, Any]) -> list[Draft]:
        if one["by"] in self.named or one["store"] is None:
            return []
        self.named.add(one["by"])
        store: dict[str, Value] = {"name": one["store"], "scope": self.pen.scope(body_of(one["store"]))}
        return [Draft("store", store, _time(one)), Draft("resource_specification", dict(POTATO), _time(one))]

    def _store(self, one: dict[str, Any]) -> bytes:
        return id_of({"name": one["store"], "scope": self.pen.scope(body_of(one["store"]))})

    def _event(self, one: dict[str, Any]) -> Draft:
        more: dict[str, Value] = {}
        if "transfer" in one:
            more["transfer"] = self.refs[one["transfer"]].id
        if "fulfills" in one and one["action"] == "pickup":
            more["fulfills"] = self.refs[one["fulfills"]].id
        if one["action"] == "lose":
            more |= {"reason": one["reason"]}
        draft = moved(
            "lower" if one["action"] == "lose" else one["action"], one["qty_g"], id_of(POTATO),
            b"" if one["store"] is None else self._store(one), _ms(one["valid"]), _time(one), **more,
        )  # fmt: skip
        if one["store"] is None and isinstance(draft.value, dict):
            del draft.value["store"]
        return draft

    def _intent(self, one: dict[str, Any]) -> dict[str, Value]:
        side = "provider" if "provider" in one else "receiver"
        said: dict[str, Value] = {
            "resource_conforms_to": id_of(POTATO),
            "quantity": one.get("qty_g", one.get("available_g")),
            side: self.pen.scope(one[side]),
        }
        return said | ({"due": _ms(one["due"])} if "due" in one else {})

    def _grant(self, one: dict[str, Any]) -> dict[str, Value]:
        to = self.pen.log(one["to"], LogClass.PLANS)
        return {"intent": self.refs[one["intent"]].id, "quantity": one["qty_g"], "to": to}

    def _promise(self, one: dict[str, Any]) -> dict[str, Value]:
        grants = [name for name, each in RECORDS.items() if each.get("to") == one["by"]]
        return {
            "intent": self.refs[one["intent"]].id,
            "receiver": self.pen.scope(one["receiver"]),
            "quantity": one["qty_g"],
            "satisfies": self.refs[one["satisfies"]].id,
            "accepts": [self.refs[each].value for each in grants],
        }

    def _announce(self, transfer: str) -> None:
        promise = RECORDS[MANIFESTS[transfer]]
        line: dict[str, Value] = {
            "resource_conforms_to": id_of(POTATO),
            "quantity": promise["qty_g"],
            "commitment": self.refs[MANIFESTS[transfer]].id,
        }
        value: dict[str, Value] = {
            "provider": self.pen.scope(promise["provider"]),
            "receiver": self.pen.scope(promise["receiver"]),
            "lines": [line],
        }
        draft = Draft("transfer", value, _time(promise))
        self.refs[transfer] = self.pen.write(promise["by"], LogClass.PLANS, draft)


def _ms(hours: float) -> int:
    return BEGUN + round(hours * HOUR_MS)


def _time(one: dict[str, Any]) -> int:
    return _ms(one["recorded"])


# --- In memory -----------------------------------------------------------------------------------------


class InMemory:
    """Writes for all, and keeps what each record of the file came to: a block of its own."""

    def __init__(self) -> None:
        self.country = Country()
        for body in COMMUNITIES:
            self.country.found(body, [body])
            self.country.appoint(body, stewards(body))
        self.said: list[Block] = []

    def scope(self, body: str) -> Scope:
        return self.country.books[body].scope

    def log(self, author: str, log_class: LogClass) -> LogId:
        return self.country.log(body_of(author), author, log_class).begins.log

    def write(self, author: str, log_class: LogClass, *drafts: Draft) -> FactRef:
        (block,) = self.country.log(body_of(author), author, log_class).write(*drafts)
        self.said.append(block)
        return FactRef(block.log, block.last, RecordId(block.tip))


def blocks_by_id() -> tuple[InMemory, dict[str, Block], dict[str, FactRef]]:
    """Return the whole scenario: the bodies, each record of the file as a block, and where it stands."""
    pen = InMemory()
    teller, blocks = Teller(pen), {}

    def heard(name: str) -> None:
        blocks[name] = pen.said[-1]

    teller.tell(ids_of("both"), heard)
    return pen, blocks, teller.refs


# --- What is shown -------------------------------------------------------------------------------------


def stores(view: View | StateDraft) -> dict[str, dict[str, int]]:
    """Return what lies in each store as `expected.json` says it: nothing, where nothing is known."""
    found = {f"{body}.store": {"onhand_g": 0, "unexplained_g": 0} for body in COMMUNITIES}
    for level in levels(view):
        found[level.store] = {"onhand_g": level.on_hand, "unexplained_g": level.unexplained or 0}
    return found


def transfers(view: View | StateDraft, refs: dict[str, FactRef]) -> dict[str, dict[str, int]]:
    """Return how far each transfer is as `expected.json` says it: nothing moved, where nothing is known."""
    found = {}
    for name in MANIFESTS:
        known = find(view, refs[name].id) if name in refs else None
        lines = known.lines if known is not None else ()
        found[name] = {
            "in_transit_or_unexplained_g": sum(each.in_transit for each in lines),
            "picked_up_g": sum(each.picked for each in lines),
            "received_g": sum(each.received for each in lines),
            "reported_loss_g": sum(each.lost for each in lines),
        }
    return found


def commitments(view: View | StateDraft, refs: dict[str, FactRef]) -> dict[str, Any]:
    """Return which promises stand, and which are beyond the rights of who gave them, as `expected.json` says it."""
    names = {ref.id: name for name, ref in refs.items()}
    steps = [step_row(row) for _, row in view.scan(STEPS)]
    promises = {names[each.id]: each for each in steps if each.kind == COMMITMENT}
    return {
        "committed_g": sum(each.quantity for each in promises.values() if each.status == VALID),
        "over_rights": sorted(name for name, each in promises.items() if each.status == BEYOND),
        "valid": sorted(name for name, each in promises.items() if each.status == VALID),
    }


def differs(view: View | StateDraft, refs: dict[str, FactRef], wanted: dict[str, Any]) -> list[str]:
    """Return what a node shows otherwise than it is wanted."""
    shown = {
        "commitments": commitments(view, refs),
        "stores": stores(view),
        "transfers": transfers(view, refs),
    }
    return [f"{what}: {shown[what]}" for what in shown if shown[what] != wanted[what]]
