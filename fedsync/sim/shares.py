"""What each author, and each body with all whom it admits, may bring in a time, at the doors of simulated nodes.

The counts are a daemon's own (`intake`); beside them this has what a daemon's `entrance` asks of its store before it
says that somebody has to wait: whether a block ends something, or proves that its log forked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fedsync.crdt.books.urgent import looks_urgent
from fedsync.crdt.logs.seats import is_named
from fedsync.crdt.view import Draft
from fedsync.gossip.events import Declined
from fedsync.gossip.memory import Check, Memory, MemoryLog
from fedsync.intake import Intake, Kept, Share, Whose
from fedsync.records.block import BadBlock, Base, Block, claimed_records, peek
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, Scope

NEVER: Final = 1 << 62
"""So many never come: a scenario counts records by the hour, and neither bytes nor days."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Records of one author, and of one body, that a node takes in an hour; what is its own community's, more."""

    author: int
    body: int


class Porter:
    """Counts at the door of one node what its peers bring."""

    def __init__(self, limits: Limits, own: Scope, held: Callable[[bytes], Kept | None]) -> None:
        """`held` returns what is kept of a name."""
        author, body = (Share(each, NEVER, NEVER, NEVER) for each in (limits.author, limits.body))
        self._intake, self._own = Intake(held, author, body), own

    def wait(
        self, draft: Draft, memory: Memory, raw: bytes, admits: Callable[[Genesis], str], check: Check, wall: int
    ) -> Declined | None:  # fmt: skip
        """Return the answer to a block whose author or body has brought in so much that more waits; None when it need not."""
        try:
            head = peek(raw)
            held, base = memory.log(head.log), None
            if held is None:
                if head.first:
                    return None
                genesis = check(raw, None).genesis
                if admits(genesis) != "yes":
                    return None
            elif head.first:
                genesis, base = held.genesis, memory.base(head.log, (head.first - 1, head.prev))
                if base is None:
                    return None
            else:
                genesis = held.genesis
                if held.fork is None and held.blocks and held.blocks[0][0].raw == raw:
                    return None
            return self._judge(draft, held, genesis, raw, base, check, wall)
        except BadBlock:
            return None  # the door behind says what is wrong with it

    def _judge(
        self, draft: Draft, held: MemoryLog | None, genesis: Genesis, raw: bytes, base: Base | None, check: Check,
        wall: int,
    ) -> Declined | None:  # fmt: skip
        def urgent() -> bool:
            heads = held.heads if held is not None else []
            leaves = bool(heads) and (base is None or all(id_ != base.id for _, id_ in heads))
            return leaves or any(
                looks_urgent(draft, genesis.scope, kind, payload) for kind, payload in claimed_records(raw)
            )

        named = is_named(draft, genesis.scope, genesis.key)
        wait = self._intake.wait(genesis, genesis.scope == self._own, wall, urgent, named)
        if wait is None or (held is not None and _may_prove_fork(held, raw, base, check)):
            return None
        return Declined("author-share" if wait.whose is Whose.AUTHOR else "body-share", wait.until)

    def count(self, draft: Draft, block: Block, wall: int) -> None:
        """Count what a peer brought, and was not held before."""
        genesis = block.genesis
        named = is_named(draft, genesis.scope, genesis.key)
        self._intake.count(genesis, genesis.scope == self._own, block.count, len(block.raw), wall, named)

    def due(self, wall: int) -> dict[bytes, Kept]:
        """Return what is to be kept with this batch, by name."""
        return {row.name: row for row in self._intake.due(wall)}


def _may_prove_fork(held: MemoryLog, raw: bytes, base: Base | None, check: Check) -> bool:
    """Say whether a block of a log that may fork only once leaves what is held, so that it is proof and does not wait."""
    if held.genesis.log_class is LogClass.AUTHORITY or not held.heads:
        return False
    seq, id_ = held.heads[0]
    if base is not None and base.seq >= seq:
        return False
    block = check(raw, base)
    return block.last <= seq or block.ids[seq - block.first] != id_
