"""A lying sealer that signs in one round after the other: those who follow must not use up their voices in the place."""

from fedsync.crdt.books.booktables import SEALED, status
from fedsync.crdt.books.tellers import Approve, Sign, next_seal
from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from tests.authority.federation import Book, Federation, Node, Writer


def act(told: Federation, node: Node, book: Book, slot: PageId, sealer: Writer) -> bool:
    """Let a node say what it should say now; False when that is nothing."""
    found = next_seal(node.view, slot, sealer.log)
    if found is None:
        return False
    page, acts = found
    for each in acts:
        said: dict[str, Value] = {"page": page, "slot": slot, "round": each.round}
        if isinstance(each, Sign) and each.lock is not None:
            said["lock"] = each.lock
        told.write(sealer, ("approval" if isinstance(each, Approve) else "signature", said))
        node.take(told.blocks[-1:])
    return True


def test_one_lying_node_cannot_lead_an_honest_one_through_the_rounds_until_it_has_no_voice_left() -> None:
    told = Federation()
    members = [told.found(name) for name in ("Oak", "Elm", "Ash")]
    valley = told.unite("Valley", members, 4)
    valley.seats = [told.give(each, valley, f"d {each.name}", {"*": "free"}).writer for each in members]
    slot = valley.head
    page = told.enter(valley, [{"kind": "decision", "title": "A mill", "text": ""}], sealed=False)
    node = Node(told.bodies)
    node.take(told.blocks)
    honest, *away, liar = valley.sealers
    for round_ in range(300):
        told.write(liar, ("signature", {"page": page, "slot": slot, "round": round_}))
        node.take(told.blocks[-1:])
        act(told, node, valley, slot, honest)
    for sealer in (*away, honest, *away, honest):
        act(told, node, valley, slot, sealer)
    now = status(node.view, valley.scope, page)
    assert now is not None
    assert now.status == SEALED
    # Nobody has more to say: what is said in vain would be said for ever.
    assert not any(act(told, node, valley, slot, each) for each in (*away, honest))
