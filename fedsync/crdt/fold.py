"""The fold: blocks in, state out. The one entry that the node uses. Pure; touches a draft or a view.

A block is folded by the class of its log: books by `book`, facts and plans by the rooms in `contents`, as far as
`counting` says that they count; what this version cannot read yet is kept and inert. When a book changes whose facts
count, the logs concerned are folded again at once. The same blocks give the same rooted rows in any order in which
each log's own come along its chain, in any grouping, repeated or not. The view must hold a block (`View.blocks`) before
it is folded.
"""

from collections.abc import Iterable

from fedsync.crdt import root
from fedsync.crdt.books import book
from fedsync.crdt.books.booktables import FOLLOWED
from fedsync.crdt.logs.contents import CONTENTS
from fedsync.crdt.logs.counting import Counting
from fedsync.crdt.logs.standing import bound_of
from fedsync.crdt.statetables import STATE_TABLES
from fedsync.crdt.version import VERSION as VERSION
from fedsync.crdt.view import Changes, Draft, View
from fedsync.records.block import Block
from fedsync.records.ids import LogClass, LogId, PageId, Scope

TABLES = (*STATE_TABLES, *root.ROOT_TABLES)
"""All that the state lies in."""

_COUNTING = Counting(bound_of, CONTENTS)


def apply(view: View, *blocks: Block) -> Changes:
    """Return what these blocks change."""
    draft = Draft(view)
    apply_blocks(draft, blocks)
    root.note(draft)
    return draft.changes


def apply_block(draft: Draft, block: Block) -> None:
    """Fold one block, of any class."""
    apply_blocks(draft, (block,))


def apply_blocks(draft: Draft, blocks: Iterable[Block]) -> None:
    """Fold blocks of any class. Books are settled once for all of them: many at a time cost less each."""
    blocks = list(blocks)
    if any(block.genesis.log_class is LogClass.AUTHORITY for block in blocks):
        _refold(draft, book.apply_blocks(draft, blocks))
    for block in blocks:
        if block.genesis.log_class in CONTENTS:
            _COUNTING.apply_block(draft, block)


def apply_bind(draft: Draft, scope: Scope, body: PageId, outside: bool = False) -> None:
    """Follow a body: its founding tag means this page 0 and no other. Raises ValueError when it means another.

    `outside`: less than all of it is followed, so that it is judged without the books of those that have seats in it. A
    body that is bound otherwise has to be folded again, with all that may rest on it.
    """
    _refold(draft, book.bind(draft, scope, body, outside))


def apply_unbind(draft: Draft, scope: Scope) -> None:
    """Follow no body any more under a founding tag under which nothing was ever held."""
    draft.drop(FOLLOWED, (scope,))


def apply_fork(draft: Draft, log: LogId, seq: int) -> None:
    """Take it that a log has two branches from `seq` on. Books need not be told: they fold every branch."""
    _COUNTING.set_fork(draft, log, seq)


def _refold(draft: Draft, bounds: book.Bounds) -> None:
    # In order, so that what a batch writes does not hang on the order of a set.
    for scope, key in sorted(bounds):
        _COUNTING.refold_key(draft, scope, key)
