"""What one log's items here and there say: who lacks what. Pure.

This is where the rules on forks live on the asking side. Whoever holds FORK at s wants nothing of that log but
proof of a lower s, or a pinned id: "keep the first two branches" splits honest nodes for ever, "keep the
smallest ids" lets an author evict a pinned act, and "keep all" is unbounded.
"""

from collections.abc import Sequence
from typing import NamedTuple

from fedsync.gossip.holdings import FORK, PENDING, TIP, Head, Holdings, Item, Log
from fedsync.gossip.listing import Named, Salt
from fedsync.records.ids import ZERO_ID, LogClass, LogId, RecordId


class Verdict(NamedTuple):
    """What follows from comparing one log."""

    want: bool = False
    ahead: bool = False
    """They lack something that I hold, and will not see it from what I ask."""
    lack: int = 0
    """Records that they are ahead, as far as tips tell; at least 1 where I want something."""
    parted: bool = False
    """Their chain leaves mine below my tip: ask with a locator at once."""


SAME = Verdict()


def items_of(log: LogId, held: Log, holdings: Holdings) -> list[Item]:
    """Return the items of a log that is held."""
    if held.set[2] == LogClass.AUTHORITY:
        return [(TIP, log, seq, id_) for seq, id_ in held.heads]
    if held.pin is not None:
        seq, id_ = held.pin
        here = any(holdings.id_at(log, head, seq) == id_ for head in held.heads)
        return [(TIP if here else PENDING, log, seq, id_)]
    if held.fork is not None:
        return [(FORK, log, held.fork, ZERO_ID)]
    return [(TIP, log, *held.heads[0])]


def compare(
    log: LogId | None, held: Log | None, theirs: Sequence[Named], salt: Salt, holdings: Holdings
) -> Verdict:
    """Return what my holding of a log and the peer's items of it mean for me."""
    if log is None or held is None:
        if not theirs:
            return SAME
        return Verdict(want=True, lack=max(each.seq for each in theirs) + 1)
    mine = items_of(log, held, holdings)
    if not theirs:
        return Verdict(ahead=True)
    if held.set[2] == LogClass.AUTHORITY:
        return _branches(log, held, theirs, salt, holdings)
    kind, _, seq, id_ = mine[0]
    peer = theirs[0]
    if kind == peer.kind and seq == peer.seq and (kind == FORK or _is(id_, peer, salt)):
        return SAME
    if kind == PENDING:
        # Only the pinned chain is wanted; who waits for it too has nothing for me.
        hopeful = peer.kind == FORK or (peer.kind == TIP and peer.seq > held.heads[0][0])
        return Verdict(want=hopeful or (peer.kind == TIP and peer.seq >= seq), lack=1, parted=True)
    if kind == FORK:
        lower = peer.kind == FORK and peer.seq < seq
        return Verdict(want=lower, ahead=not lower, lack=int(lower), parted=lower)
    if held.pin is not None:
        return Verdict(ahead=True)
    if peer.kind == FORK:
        return Verdict(want=True, lack=1, parted=peer.seq <= seq)
    if peer.kind == PENDING:
        return Verdict(ahead=True)
    if peer.seq > seq:
        return Verdict(want=True, lack=peer.seq - seq)
    if _is(holdings.id_at(log, (seq, id_), peer.seq), peer, salt):
        return Verdict(ahead=True)
    return Verdict(want=True, ahead=True, lack=1, parted=True)


def _branches(log: LogId, held: Log, theirs: Sequence[Named], salt: Salt, holdings: Holdings) -> Verdict:
    """Compare the tips of an authority log, where every branch counts."""
    unknown = [
        each for each in theirs if each.kind != TIP or not _held(log, held.heads, each, salt, holdings)
    ]
    top = max(seq for seq, _ in held.heads)
    ahead = False
    for seq, id_ in held.heads:
        same = any(each.seq == seq and _is(id_, each, salt) for each in theirs)
        # What I ask for is what follows my longest branch, so only of that one the peer hears if it lacks it.
        longer = id_ == held.heads[0][1] and any(each.seq > seq for each in unknown)
        ahead = ahead or not (same or longer)
    if not unknown:
        return Verdict(ahead=ahead)
    highest = max(each.seq for each in unknown)
    lowest = min(each.seq for each in unknown)
    return Verdict(True, ahead, max(1, highest - top), lowest <= top)


def _held(log: LogId, heads: Sequence[Head], tip: Named, salt: Salt, holdings: Holdings) -> bool:
    return any(tip.seq <= head[0] and _is(holdings.id_at(log, head, tip.seq), tip, salt) for head in heads)


def _is(id_: RecordId | None, tip: Named, salt: Salt) -> bool:
    """Say whether this is the record named. A block that did not fit names its last record by seq alone."""
    return id_ is not None and (not tip.record or salt.record(id_) == tip.record)


def locator(log: LogId, held: Log, holdings: Holdings) -> list[Head]:
    """Return records of each branch at distances 0, 1, 2, 4, 8, ... from its tip, and the genesis."""
    found: dict[Head, None] = {}
    for head in held.heads[:16]:
        top, back = head[0], 0
        while True:
            seq = max(0, top - back)
            id_ = holdings.id_at(log, head, seq)
            if id_ is not None:
                found[seq, id_] = None
            if seq == 0:
                break
            back = back * 2 or 1
    return list(found)
