"""What a node says of itself: where it answers, in the books that name it, when its operator wants that said.

It says so anew when that changes, and takes it back when the operator no longer wants it. As with all that a node writes
by itself, nobody is bound by it: whether it may connect, the books say that name it.
"""

import logging
from collections.abc import Iterator
from dataclasses import replace

from fedsync.config import Announce
from fedsync.crdt.books.addresses import after, announced_by
from fedsync.crdt.logs.seats import is_named
from fedsync.node import Node, Taken, Verdict
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, Reach
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
    for genesis, wanted in _wanted(node, key, wish):
        before = announced_by(node.state, genesis.scope, key, genesis.reach)
        held = NOTHING if before is None else Announcement(before.addresses, before.relay)
        # Where no page names this node others would not take its log: it is said once one does.
        if wanted == held or not is_named(node.state, genesis.scope, key):
            continue
        time = after(node.state, genesis.scope, key, node.now())
        draft = Draft(ANNOUNCEMENT, announcement_value(wanted), time)
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
    return not any(
        wanted != NOTHING and is_named(node.state, genesis.scope, key)
        for genesis, wanted in _wanted(node, key, wish)
    )


def _wanted(node: Node, key: Key, wish: Announce) -> Iterator[tuple[Genesis, Announcement]]:
    """Yield what is to stand in each log: of our own body, and of all whose books name this node.

    A book is heard wherever it is followed, so a node that is no bridge writes in a log that stays within the region.
    """
    said = Announcement(wish.addresses, wish.relay) if wish.addresses else NOTHING
    for body in node.store.followed.all():
        if body.source == "own" or is_named(node.state, body.scope, key):
            far = node_genesis(key, node.store.directory.incarnation, body.scope)
            # What is taken back comes first: the last word holds.
            logs = (replace(far, reach=Reach.REGION), far)
            for genesis in logs if wish.bridge else reversed(logs):
                yield genesis, said if (genesis.reach is Reach.WORLD) == wish.bridge else NOTHING
