"""The naive twin of the escrow of promises: all records of a set in, what each is worth out. Everything is asked again each time.

It shares no line with what it judges. A question about a log at some place is answered by going through that log from its
first record, and by asking the same of other logs where a record names them. Ids are hashes, so no question comes
back to itself.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple


class Told(NamedTuple):
    """One sound record of a log of plans that counts, as it was said. `local`: its log stays in its community."""

    scope: bytes
    local: bool
    log: bytes
    seq: int
    id: bytes
    kind: str
    value: Any
    time: int


class Known(NamedTuple):
    """How many records of a log count, and whether the book lets it have no more."""

    records: int
    ended: bool
    local: bool
    ids: tuple[bytes, ...]
    """Of all records that count, in order."""


@dataclass
class Purse:
    """What a log holds of an offer after a stretch of its records."""

    lots: list[dict[str, Any]] = field(default_factory=list)
    worth: dict[bytes, str] = field(default_factory=dict)
    """By record: valid, pending, beyond, void or released."""
    drawn: dict[bytes, list[tuple[bytes, int]]] = field(default_factory=dict)
    stuck: int | None = None
    fits: dict[bytes, bool] = field(default_factory=dict)
    """Of what the granters took back of its lots."""


class Escrow:
    """What one set of records comes to."""

    def __init__(self, told: Iterable[Told], known: Mapping[bytes, Known]) -> None:
        once = {each.id: each for each in told}
        self.by_id = once
        self.known = known
        self.logs: dict[bytes, list[Told]] = {}
        for each in sorted(once.values(), key=lambda each: each.seq):
            self.logs.setdefault(each.log, []).append(each)
        self.at = {(each.log, each.seq): each for each in once.values()}
        self.purse = cache(self._purse)

    def worth(self) -> dict[bytes, str]:
        """Return what each record about an offer is worth."""
        found: dict[bytes, str] = {}
        for log, records in self.logs.items():
            for each in records:
                if each.kind in ("rights_grant", "commitment", "release") and self._about(each) is not None:
                    found[each.id] = self.purse(self._about(each), log, records[-1].seq).worth[each.id]
        return found

    def left(self, intent: bytes, log: bytes) -> int:
        """Return what a log may still promise."""
        return sum(lot["left"] for lot in self.purse(intent, log, 2**60).lots)

    def _about(self, told: Told) -> bytes | None:
        if told.kind != "release":
            return bytes(told.value["intent"])
        promise = self.by_id.get(told.value["commitment"])
        if (
            promise is None
            or promise.kind != "commitment"
            or promise.log != told.log
            or promise.seq > told.seq
        ):
            return None
        return bytes(promise.value["intent"])

    def _purse(self, intent: bytes, log: bytes, upto: int) -> Purse:
        purse = Purse()
        offer = self.by_id.get(intent)
        for told in self.logs.get(log, []):
            if told.seq > upto:
                break
            self._taken_back(purse, log, told.seq)
            if told.id == intent and told.kind == "intent" and "provider" in told.value:
                purse.lots.append({"source": told.id, "left": told.value["quantity"], "expires": None})
            elif told.kind != "intent" and told.kind != "agreement" and self._about(told) == intent:
                if offer is None or offer.kind != "intent" or (offer.local and not told.local):
                    purse.worth[told.id] = "pending"
                elif "provider" not in offer.value:
                    purse.worth[told.id] = "void"
                else:
                    purse.worth[told.id] = self._judge(purse, offer, told)
        self._taken_back(purse, log, upto + 1)
        return purse

    def _judge(self, purse: Purse, offer: Told, told: Told) -> str:
        value = told.value
        if told.kind == "release":
            return self._release(purse, told)
        if purse.stuck is not None:
            return "pending"
        if "takes_back" in value:
            return self._take_back(purse, offer.id, told)
        new: list[dict[str, Any]] = []
        wrong = set()
        for log, seq, id_ in value.get("accepts", []):
            if id_ in [lot["source"] for lot in purse.lots]:
                continue
            answer = self._grant(offer.id, told, log, seq, id_)
            if isinstance(answer, str):
                wrong.add(answer)
            else:
                new.append(answer)
        if "pending" in wrong:
            purse.stuck = told.seq
            return "pending"
        if wrong:
            return "void"
        purse.lots += new
        if told.kind == "commitment":
            if value["receiver"] == offer.scope:
                return "void"
            if "until" in offer.value and told.time > offer.value["until"]:
                return "void"
        rest = value["quantity"]
        usable = [lot for lot in purse.lots if lot["expires"] is None or lot["expires"] >= told.time]
        if sum(lot["left"] for lot in usable) < rest:
            return "beyond"
        purse.drawn[told.id] = []
        for _, lot in sorted(
            enumerate(usable), key=lambda each: (each[1]["expires"] is None, each[1]["expires"] or 0, each[0])
        ):
            part = min(rest, lot["left"])
            lot["left"] -= part
            rest -= part
            purse.drawn[told.id].append((lot["source"], part))
        return "valid"

    def _release(self, purse: Purse, told: Told) -> str:
        promise = told.value["commitment"]
        if purse.worth[promise] not in ("valid", "pending"):
            return "void"
        for source, part in purse.drawn.pop(promise, []):
            next(lot for lot in purse.lots if lot["source"] == source)["left"] += part
        purse.worth[promise] = "released"
        return "valid"

    def _grant(self, intent: bytes, told: Told, log: bytes, seq: int, id_: bytes) -> dict[str, Any] | str:
        """Return the lot that a grant brings, or "pending", or "void"."""
        known = self.known.get(log)
        if known is None or (known.local and not told.local):
            return "pending"
        if seq >= known.records:
            return {"source": id_, "left": 0, "expires": None} if known.ended else "pending"
        grant = self.at.get((log, seq))
        if grant is None or grant.id != id_ or grant.kind != "rights_grant" or "takes_back" in grant.value:
            return "void"
        if grant.value["intent"] != intent or grant.value["to"] != told.log:
            return "void"
        worth = self.purse(intent, log, seq).worth[id_]
        if worth == "pending":
            return "pending"
        left = self._not_accepted(grant, worth, told.seq)
        return {"source": id_, "left": left, "expires": grant.value.get("expires"), "came": told.seq}

    # --- Taking back --------------------------------------------------------------------------------------

    def _allowed(self, told: Told) -> int | str:
        """Return from which of the holder's records on a taking back bears on its lots, or why it does not."""
        grant = self.by_id.get(told.value["takes_back"])
        if grant is None or grant.log != told.log or grant.seq >= told.seq or grant.kind != "rights_grant":
            return "void"
        if "takes_back" in grant.value or grant.value["intent"] != told.value["intent"]:
            return "void"
        holder = grant.value["to"]
        if holder is None:
            return "void"
        known = self.known.get(holder)
        if known is not None and known.local and not told.local:
            known = None
        at = -1
        if "at" in told.value:
            log, at, id_ = told.value["at"]
            if log != holder:
                return "void"
            if known is None or (at >= known.records and not known.ended):
                return "pending"
            if at >= known.records or known.ids[at] != id_:
                return "void"
        over = "expires" in grant.value and told.time > grant.value["expires"]
        ended = known is not None and known.ended and at >= known.records - 1
        if not (over or ended):
            return "void"
        earlier = [self._allowed(each) for each in self._backs(grant) if each.seq < told.seq]
        if any(isinstance(each, int) and each > at for each in earlier):
            return "void"
        return at

    def _backs(self, grant: Told) -> list[Told]:
        return [each for each in self.logs[grant.log] if each.value.get("takes_back") == grant.id]

    def _take_back(self, purse: Purse, intent: bytes, told: Told) -> str:
        at = self._allowed(told)
        if at == "void":
            return "void"
        if at == "pending":
            purse.stuck = told.seq
            return "pending"
        assert isinstance(at, int)
        grant = self.by_id[told.value["takes_back"]]
        holder = self.purse(intent, grant.value["to"], at)
        if holder.stuck is not None:
            purse.stuck = told.seq
            return "pending"
        if told.id in holder.fits:
            fits = holder.fits[told.id]
        else:
            worth = purse.worth[grant.id]
            before = self._not_accepted(grant, worth, at + 1, told.seq)
            fits = told.value["quantity"] <= before
        if fits:
            purse.lots.append({"source": told.id, "left": told.value["quantity"], "expires": None})
        return "valid" if fits else "void"

    def _not_accepted(self, grant: Told, worth: str, before: int, upto: int | None = None) -> int:
        """Return what is left of a grant where its holder accepts it, or has not yet: in the granter's log up to a record."""
        left = grant.value["quantity"] if worth == "valid" else 0
        for each in self._backs(grant):
            at = self._allowed(each)
            if isinstance(at, int) and at < before and (upto is None or each.seq < upto):
                left -= each.value["quantity"] if each.value["quantity"] <= left else 0
        return int(left)

    def _taken_back(self, purse: Purse, holder: bytes, before: int) -> None:
        """Take from the lots of a log what their granters took back at records before this one."""
        backs: list[tuple[int, bytes, int, Told, dict[str, Any]]] = []
        for lot in purse.lots:
            grant = self.by_id.get(lot["source"])
            if (
                grant is None
                or grant.kind != "rights_grant"
                or grant.value["to"] != holder
                or grant.log == holder
            ):
                continue
            for each in self._backs(grant):
                at = self._allowed(each)
                if isinstance(at, int) and at < before and each.id not in purse.fits:
                    backs.append((at, each.log, each.seq, each, lot))
        for at, _, _, each, lot in sorted(backs, key=lambda back: back[:3]):
            if each.id in self._late(purse, lot, at):
                continue
            if purse.stuck is not None and purse.stuck <= at:
                continue
            purse.fits[each.id] = each.value["quantity"] <= lot["left"]
            if purse.fits[each.id]:
                lot["left"] -= each.value["quantity"]

    def _late(self, purse: Purse, lot: dict[str, Any], at: int) -> set[bytes]:
        """Return what was taken back of a lot before it was accepted: that was left out when it came."""
        grant = self.by_id[lot["source"]]
        return {each.id for each in self._backs(grant) if at < lot.get("came", 0)}
