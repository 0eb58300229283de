"""What a node drafts by itself, when its community lets it: the page that confirms a region's results (see `crdt.books.confirming`).

When the node first saw a page sealed stands in the store's own memory, not in the state: it is this node's clock, and
nothing that nodes compare rests on it.
"""

import logging

from fedsync import config
from fedsync.crdt.books.booktables import NAMED
from fedsync.crdt.books.confirming import awaited, ripe
from fedsync.crdt.books.drafting import CannotDraft, draft_page
from fedsync.node import Node, Taken, Verdict
from fedsync.reading import Reading
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import PageId, Scope
from fedsync.records.kinds.authority import PAGE
from fedsync.records.kinds.entries import node_genesis
from fedsync.records.seal import Draft, seal

DAY_MS = 24 * 3600 * 1000

log = logging.getLogger("fedsync")


def note_sealed(node: Node, own: Scope) -> dict[PageId, int]:
    """Note when this node first saw each page sealed whose results wait for our word; return it."""
    seen: dict[PageId, int] = {}
    fresh = []
    for each in awaited(node.state, own):
        at = node.store.meta.get(_name(each.page))
        if not isinstance(at, int):
            at = node.now()
            fresh.append(each.page)
        seen[each.page] = at
    if fresh:
        with node.store.transaction():
            for page in fresh:
                node.store.meta.set(_name(page), seen[page])
    return seen


def confirm_pages(node: Node, private: PrivateKey, after_days: float) -> list[Taken]:
    """Draft the page that confirms what is due, if there is any and no other page is open; return what was written."""
    own = next((body.scope for body in node.store.followed.all() if body.source == "own"), None)
    if own is None or not node.store.directory.may_write_own_logs().ok:
        return []
    seen = note_sealed(node, own)
    entries = ripe(node.state, own, seen, node.now(), round(after_days * DAY_MS))
    if not entries:
        return []
    genesis = node_genesis(public_key(private), node.store.directory.incarnation, own)
    if node.state.get(NAMED, (own, genesis.key, genesis.log)) is None:
        log.warning(
            "A result waits to be confirmed; this node cannot draft it, since no page of our book names it."
        )
        return []
    try:
        drafted = draft_page(node.state, own, entries)
    except CannotDraft as error:
        log.warning("A result waits to be confirmed, and no page can be drafted: %s", error.sentence)
        return []
    if drafted.rivals:
        return []  # people are about to sign another page in this place: after that one
    draft = Draft(PAGE, dict(drafted.value), node.now())
    blocks = seal(private, genesis, node.store.logs.tip(genesis.log), [draft], node.now())
    taken = node.take_now([block.raw for block in blocks])
    assert all(each.verdict is Verdict.TAKEN for each in taken), taken
    log.info("Page %d of our book is drafted: it confirms what our delegates voted.", drafted.number)
    return taken


def due(reading: Reading) -> dict[PageId, int]:
    """Return when this node will draft what confirms the results of each page, in ms; nothing where it never does.

    What somebody objected to, and what the daemon has not seen yet, is not due at any time.
    """
    try:
        days = config.load(reading.home.config).confirm_after_days
    except config.ConfigError:
        return {}
    if days is None:
        return {}
    found = {}
    for each in awaited(reading.view, reading.own().scope):
        at = reading.store.meta.get(_name(each.page))
        if isinstance(at, int):
            found[each.page] = at + round(days * DAY_MS)
    return found


def _name(page: PageId) -> str:
    return f"seen sealed {page.hex()}"
