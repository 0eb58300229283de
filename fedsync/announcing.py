"""What a node says of itself: where it answers, in the books that name it, when its operator wants that said.

It says so anew when that changes, and takes it back when the operator no longer wants it. As with all that a node writes
by itself, nobody is bound by it: whether it may connect, the books say that name it.
"""

import logging
from collections.abc import Iterable

from fedsync.config import Announce
from fedsync.crdt.books.addresses import after, announced_by
from fedsync.crdt.books.booktables import NAMED
from fedsync.node import Node, Taken, Verdict
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Key, Scope
from fedsync.records.kinds.announcing import ANNOUNCEMENT, Announcement, announcement_value
from fedsync.records.kinds.entries import node_genesis
from fedsync.records.seal import Draft, seal

log = logging.getLogger("fedsync")

NOTHING = Announcement(())


def announce(node: Node, private: PrivateKey, wish: Announce) -> list[Taken]:
    """Write what is to be announced and was not yet, and take back what was and is not to be; return what was written."""
    if not node.store.directory.may_write_own_logs().ok:
        return []
    key, written = public_key(private), []
    for scope, wanted in _wanted(node, key, wish):
        before = announced_by(node.state, scope, key)
        held = NOTHING if before is None else Announcement(before.addresses, before.relay)
        if wanted == held:
            continue
        genesis = node_genesis(key, node.store.directory.incarnation, scope)
        if node.state.get(NAMED, (scope, key, genesis.log)) is None:
            # Others would not take the log. It is said once the book names this node.
            continue
        draft = Draft(ANNOUNCEMENT, announcement_value(wanted), after(node.state, scope, key, node.now()))
        blocks = seal(private, genesis, node.store.logs.tip(genesis.log), [draft], node.now())
        taken = node.take_now([block.raw for block in blocks])
        assert all(each.verdict is Verdict.TAKEN for each in taken), taken
        log.info("announced: %s", ", ".join(wanted.addresses) or "this node says no longer where it answers")
        written += taken
    return written


def unsaid(node: Node, key: Key, wish: Announce) -> bool:
    """Say whether something is to be announced and no book names this node, so that nobody would take its word."""
    if not wish.addresses:
        return False
    return all(
        node.state.get(NAMED, (scope, key, node_genesis(key, node.store.directory.incarnation, scope).log))
        is None
        for scope, wanted in _wanted(node, key, wish)
        if wanted != NOTHING
    )


def _wanted(node: Node, key: Key, wish: Announce) -> Iterable[tuple[Scope, Announcement]]:
    """Yield what is to be announced in each followed body: in our own, and of a bridge wherever a book names this node."""
    for body in node.store.followed.all():
        own = body.source == "own"
        if own or any(True for _ in node.state.scan(NAMED, (body.scope, key))):
            here = wish.addresses and (own or wish.bridge)
            yield body.scope, Announcement(wish.addresses, wish.relay) if here else NOTHING
