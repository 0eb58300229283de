"""How it stands with each peer, for people: one word, two numbers, one reason."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from fedsync.daemon.steering import VIEWS
from fedsync.gossip.events import Peer
from fedsync.gossip.scores import KEPT_AS
from fedsync.intake import DAY_MS
from fedsync.node import Node
from fedsync.records.ids import Key
from fedsync.store.peers import Peer as PeerRow

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon


def peers_now(daemon: "Daemon") -> list[dict[str, Any]]:
    """Return a row for each peer as it is at this moment, and for each node that a book names and that is, or was, linked.

    Of those without a link, only the last few where one side has as many links as it keeps.
    """
    rows = [_row(daemon, peer, "operator") for peer in daemon.reader.peers.all()]
    known = (Key(peer) for peer in (*daemon.links.connections, *daemon.links.declined))
    linked = sorted({key for key in known if key in daemon.whom.named and daemon.whom.lets_in(key)})
    return rows + [_row(daemon, PeerRow(key, daemon.name_of(Peer(key))), "book") for key in linked]


def _row(daemon: "Daemon", peer: PeerRow, by: str) -> dict[str, Any]:
    name, out = Peer(peer.key), daemon.whom.out.get(peer.key)
    report, now = daemon.links.report(name), int(time.time() * 1000)
    if report is not None:
        state, lack, theirs, reason = report.state, report.we_lack, report.they_lack, report.reason
        contact = daemon.links.contacts.get(name, now)
        if daemon.byways.carries(name):
            # Such a session stands whether somebody answers or not.
            quiet = daemon.byways.quiet(name)
            contact = (peer.last_contact or 0) if quiet is None else now - int(quiet * 1000)
    else:
        state, lack, theirs, reason = "away", peer.we_lack, peer.they_lack, daemon.dialler.reason(name)
        contact = daemon.links.contacts.get(name) or peer.last_contact or 0
        if by == "book":
            reason = daemon.links.declined.get(name, reason)
    if out is not None:
        state, reason = out.state, out.why
    schedule = daemon.links.schedules.reason(name)
    if report is not None and schedule:
        reason = f"{reason}; {schedule}"
    byway = daemon.byways.reason(name)
    if byway and out is None:
        if daemon.byways.silent(name):
            state, reason = "away", byway
        elif state in ("same", "live") and daemon.byways.owed(name):
            state, reason = "behind", byway
        elif report is None or daemon.byways.carries(name):
            reason = f"{reason}; {byway}"
    wire = daemon.links.wire(name) if report is not None else None
    via = daemon.links.via(name) if report is not None else None
    if via is not None:
        reason = f"{reason} (through {daemon.name_of(via)})"
    return {
        "name": peer.name,
        "key": peer.key.hex(),
        "by": by,
        "state": state,
        "we_lack": lack,
        "they_lack": theirs,
        "last_contact": contact or None,
        "reason": reason,
        "score": round(daemon.links.scores.of(name, now), 2),
        "standing": daemon.links.scores.words(name, now),
        "refused": daemon.links.refusals.of(name),
        "heard_at": list(daemon.finding.places(peer.key)),
        "through": daemon.name_of(via) if via is not None else None,
        "bytes_in": wire[0] if wire else None,
        "bytes_out": wire[1] if wire else None,
        "agreed": daemon.links.agreed.get(name),
        "schedule": daemon.byways.schedule(name) or daemon.links.schedules.told(name),
    }


def save_peers(
    node: Node,
    rows: list[dict[str, Any]],
    views: bytes,
    scores: bytes,
    also: Callable[[], None] = lambda: None,
) -> None:
    """Keep these rows, scores, the overlay's views and what `also` writes in the store, in a transaction of its own."""
    with node.store.transaction() as store:
        store.meta.set(VIEWS, views)
        store.meta.set(KEPT_AS, scores)
        also()
        store.parked.expire(node.now())
        store.ahead.expire(node.now())
        store.intake.forget_before(node.now() // DAY_MS)
        for row in rows:
            key = Key(bytes.fromhex(row["key"]))
            store.peers.show(key, row["state"], row["reason"], row["we_lack"], row["they_lack"])
            if row["agreed"] is not None:
                store.meta.set(f"agreed:{row['key']}", row["agreed"])
            if row["last_contact"]:
                store.peers.contact(key, row["last_contact"])
    node.tidy()
