"""What a node shows to people, for the checks to compare with what disks say: the one place where these ask its folds.

Nothing here judges, and no check may ask a fold in another way: the walls between rooms see to it.
"""

from fedsync.crdt.books.addresses import announced_by
from fedsync.crdt.books.booktables import STATUSES, VOTE_VERDICTS
from fedsync.crdt.goods.levels import levels
from fedsync.records.ids import Key, PayloadId, RecordId, Scope
from fedsync.sim.node import Node


def sealed(node: Node, scope: Scope) -> set[PayloadId]:
    """Return the pages of a book that a node shows as sealed."""
    return {PayloadId(key[1]) for key, row in node.view.scan(STATUSES, (scope,)) if row[1] == "sealed"}  # type: ignore[arg-type]


def vote(node: Node, scope: Scope, record: RecordId) -> str:
    """Return how a node shows a vote of a delegate whom a body sent."""
    row = node.view.get(VOTE_VERDICTS, (scope, record))
    return str(row[2]) if row is not None else "unknown"


def stock(node: Node, scope: Scope, store: PayloadId) -> dict[tuple[bool, PayloadId], int]:
    """Return how much a node shows of each thing in a store, by whether that is kept at home."""
    return {
        (each.local, each.item_id): each.on_hand
        for each in levels(node.view, scope)
        if each.store_id == store
    }


def addresses(node: Node, scope: Scope, key: Key) -> tuple[str, ...] | None:
    """Return where a node shows another to answer; None when it knows nothing of that."""
    said = announced_by(node.view, scope, key)
    return said.addresses if said is not None else None
