"""What a node seals by itself: pages of bodies that name it as a sealer, once enough seats stand by them (H2, H3).

A node has no voice in what is decided: without the seats nothing is certified. It only spares people a second round.
And it carries what was sealed into the body's own logs, for those who look at the book from outside.
"""

from random import SystemRandom

from fedsync.crdt.books.booktables import book, page_row
from fedsync.crdt.books.carrying import to_carry
from fedsync.crdt.books.tellers import Approve, Sign, next_seal
from fedsync.crdt.logs.seats import is_named
from fedsync.node import Node, Taken, Verdict
from fedsync.pace import Pace
from fedsync.records.codec import Value, unpack
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId, PageId, Scope
from fedsync.records.kinds.authority import PAGE
from fedsync.records.kinds.entries import node_genesis
from fedsync.records.seal import Draft, seal

MAX_ACTS = 1000
"""Acts in one go: pages follow one another, and a mistake must not write for ever."""


def seal_pages(node: Node, private: PrivateKey) -> list[Taken]:
    """Sign and approve what this node may seal now; return what it wrote, durable."""
    if not node.store.directory.may_write_own_logs().ok:
        return []
    key, written = public_key(private), []
    for body in node.store.followed.all():
        if not is_named(node.state, body.scope, key):
            continue
        genesis = node_genesis(key, node.store.directory.incarnation, body.scope)
        for _ in range(MAX_ACTS):
            drafts = _next(node, body.scope, genesis.log)
            if not drafts:
                break
            blocks = seal(private, genesis, node.store.logs.tip(genesis.log), drafts, node.now())
            taken = node.take_now([block.raw for block in blocks])
            assert all(each.verdict is Verdict.TAKEN for each in taken), taken
            written += taken
        written += _carry(node, private, genesis, body.scope)
    return written


def _carry(node: Node, private: PrivateKey, genesis: Genesis, scope: Scope) -> list[Taken]:
    """Carry what was sealed and stands in no log of the body's own, when it is this node's turn."""
    due = to_carry(node.state, scope, genesis.log, _shuffled)
    pages = [page_row(node.state, page) for page in due.sealed + _at_a_pace(node, scope, due.used)]
    drafts = [Draft(PAGE, unpack(page.payload), node.now()) for page in pages if page is not None]
    if not drafts:
        return []
    blocks = seal(private, genesis, node.store.logs.tip(genesis.log), drafts, node.now())
    taken = node.take_now([block.raw for block in blocks])
    assert all(each.verdict is Verdict.TAKEN for each in taken), taken
    return taken


def _at_a_pace(node: Node, scope: Scope, used: list[PageId]) -> list[PageId]:
    """Return pages that nobody sealed if some may be carried now: else who drafts would have us fill our own share with theirs."""
    if not used:
        return []
    with node.store.transaction() as store:
        return [] if Pace(store.meta, node.now).due(f"carried:{scope.hex()}") else used


def _shuffled(pages: list[PageId]) -> list[PageId]:
    return SystemRandom().sample(pages, len(pages))


def _next(node: Node, scope: Scope, log: LogId) -> list[Draft]:
    at = book(node.state, scope)
    found = next_seal(node.state, at.head, log) if at is not None and not at.frozen else None
    if found is None:
        return []
    page, acts = found
    return [_draft(page, at.head, act, node.now()) for act in acts] if at is not None else []


def _draft(page: PageId, slot: PageId, act: Sign | Approve, now: int) -> Draft:
    value: dict[str, Value] = {"page": page, "slot": slot, "round": act.round}
    if isinstance(act, Approve):
        return Draft("approval", value, now)
    if act.lock is not None:
        value["lock"] = act.lock
    return Draft("signature", value, now)
