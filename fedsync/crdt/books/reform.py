"""A new epoch out of the one in force: what is not changed stays as it is. Pure.

Seats, bodies, nodes, numbers, repair keys, witness, voting rule, rotation and whom the body answers to are all kept.
`cuts` and `consents` belong to one page, and are never taken over.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

from fedsync.crdt.books.bearing import usual_k, usual_w, within
from fedsync.crdt.books.epoch import Epoch
from fedsync.records.codec import Value
from fedsync.records.genesis import NODE, Genesis
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import EPOCH, KeySeat, NodeSealer, Repair, Rotation, Tip, node_genesis
from fedsync.records.kinds.entryform import tips_value
from fedsync.records.kinds.motions import Rule, rule_value


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be otherwise. What is None or empty stays."""

    add: Sequence[Genesis] = ()
    """Logs that get a seat; a log of a key that has one replaces that seat's log (a new phone)."""
    drop: Sequence[Key] = ()
    add_bodies: Sequence[PageId] = ()
    drop_bodies: Sequence[PageId] = ()
    add_nodes: Sequence[NodeSealer] = ()
    drop_nodes: Sequence[NodeSealer] = ()
    k: int | None = None
    w: int | None = None
    witness: PageId | Scope | None = None
    voting: Rule | None = None
    rotation: Rotation | None = None
    repair: Repair | None = None
    cuts: Sequence[Tip] = ()

    @property
    def is_nothing(self) -> bool:
        """Nothing is to be otherwise."""
        return not any(getattr(self, each.name) for each in fields(self))


NO_CHANGE = Change()


def reformed(epoch: Epoch, change: Change) -> dict[str, Value]:
    """Return the epoch entry that says the change. What could not be is left for the judge of epochs to find.

    Numbers that nobody named stay, or as near as the rules allow: the usual one of a new size when it was the usual
    one before.
    """
    gone = {*change.drop, *(each.key for each in change.add)}
    seats = [seat.genesis for seat in epoch.seats.values() if seat.key not in gone] + list(change.add)
    members = [each for each in sorted(epoch.members) if each not in change.drop_bodies]
    members += change.add_bodies
    n = len(seats) + len(members)
    k = change.k if change.k is not None else _near(epoch.k, epoch.n, n, usual_k(epoch.n), usual_k(n))
    said: list[Value] = [{"genesis": each.payload} for each in seats]
    said += [{"body": each} for each in members]
    entry: dict[str, Value] = {
        "kind": EPOCH,
        "name": epoch.name,  # type: ignore[dict-item]
        "classification": epoch.classification,
        "level": epoch.level,
        "seats": said,
        "k": k,
    }
    if epoch.own_sealers or change.add_nodes:
        sealers = _sealers(epoch, change)
        entry["sealers"] = sealers
        m = len(sealers)
        entry["w"] = (
            change.w if change.w is not None else _near(epoch.w, epoch.m, m, usual_w(epoch.m), usual_w(m))
        )
    else:
        kept = k if epoch.w == epoch.k else _near(epoch.w, epoch.n, n, usual_w(epoch.n), usual_w(n))
        w = change.w if change.w is not None else kept
        if w != k:
            entry["w"] = w
    _more(entry, epoch, change)
    if change.cuts:
        entry["cuts"] = tips_value(tuple(change.cuts))
    return entry


def reseated(
    epoch: Epoch, seats: Sequence[Genesis], k: int, repair: Repair | None = None
) -> dict[str, Value]:
    """Return the epoch entry with these seats and no others, who seal it too: what a repair says."""
    entry: dict[str, Value] = {
        "kind": EPOCH,
        "name": epoch.name,  # type: ignore[dict-item]
        "classification": epoch.classification,
        "level": epoch.level,
        "seats": [{"genesis": each.payload} for each in seats],
        "k": k,
    }
    _more(entry, epoch, Change(repair=repair))
    return entry


def node_of_log(seat: KeySeat) -> NodeSealer | None:
    """Return the node whose log a sealer is; None when it is no node's."""
    genesis = seat.genesis
    if genesis != node_genesis(genesis.key, genesis.incarnation, genesis.scope) or genesis.capacity != NODE:
        return None
    return NodeSealer(genesis.key, genesis.incarnation)


def sealers_value(sealers: Iterable[NodeSealer]) -> list[Value]:
    """Return the payload of sealers that are nodes."""
    return [[each.key, each.incarnation] for each in sealers]


def _sealers(epoch: Epoch, change: Change) -> list[Value]:
    kept: list[Value] = []
    dropped, new = {*change.drop_nodes, *change.add_nodes}, {each.key: each for each in change.add}
    for sealer in epoch.sealers.values() if epoch.own_sealers else ():
        node = node_of_log(sealer)
        if node is not None:
            kept += sealers_value([node] if node not in dropped else [])
        elif sealer.key in new and sealer.log in epoch.seats:
            kept.append({"genesis": new[sealer.key].payload})  # a new phone seals in place of the old one
        elif sealer.key not in change.drop:
            kept.append({"genesis": sealer.genesis.payload})
    return kept + sealers_value(change.add_nodes)


def _more(entry: dict[str, Value], epoch: Epoch, change: Change) -> None:
    """Add what an epoch may say and need not."""
    repair = change.repair or (Repair(tuple(sorted(epoch.repair)), epoch.threshold) if epoch.repair else None)
    if repair is not None:
        entry["repair"] = {"keys": list(repair.keys), "threshold": repair.threshold}
    if (witness := change.witness or epoch.witness) is not None:
        entry["witness"] = witness
    if (voting := change.voting or epoch.voting) is not None:
        entry["voting"] = rule_value(voting)
    if (rotation := change.rotation or epoch.rotation) is not None:
        entry["rotation"] = {"longest": rotation.longest, "cooling": rotation.cooling}
    if epoch.answers_to is not None:
        entry["answers_to"] = epoch.answers_to


def _near(number: int, was: int, now: int, usual_was: int, usual_now: int) -> int:
    if was == now:
        return number
    return usual_now if number == usual_was else within(number, now)
