"""Who may enter by the door of a node, and who has to wait there. Verifies nothing, stores no block.

Two questions: is what this log says wanted here, and by whom; and has so much of its kind come already that the rest
comes at a pace? What nobody here knows yet waits for the page that names it.
"""

from collections.abc import Callable, Iterator

from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.books.urgent import looks_urgent
from fedsync.crdt.logs.seats import is_named
from fedsync.crdt.view import Draft
from fedsync.intake import Intake, Whose
from fedsync.pace import Pace
from fedsync.records.block import BadBlock, Base, Block, check, claimed_genesis, claimed_records
from fedsync.records.genesis import Capacity, Genesis
from fedsync.records.ids import Key, LogClass, LogId, PageId, Reach, Scope
from fedsync.records.kinds.entries import Mandate
from fedsync.store.store import Store
from fedsync.taken import Taken, Verdict

MAX_INCARNATIONS = 8
"""Logs of one key in one capacity, class and reach that are taken at once; more at the pace of `pace`, none never."""
MAX_BRANCHES = 8
"""Branches of an authority log that are taken at once; more at the pace of `pace`. Each is a fact, so none is refused."""
PARK_MS = 7 * 24 * 3600 * 1000
"""How long a block of an unknown author waits for the page that names it."""


class Entrance:
    """Asks the store, and the draft of the open batch. Writes down only who waits, and what came at a pace."""

    def __init__(self, store: Store, intake: Intake, pace: Pace, now: Callable[[], int]) -> None:
        self._store = store
        self._intake = intake
        self._pace = pace
        self._now = now
        self._own: Scope | None = None
        self._named_in: Draft | None = None
        self._named: set[tuple[Scope, Key]] = set()
        """Who is named, as was found in that draft: pages are never taken back within a batch."""

    # --- Who has to wait --------------------------------------------------------------------------------

    def wait(
        self, draft: Draft, genesis: Genesis, raw: bytes, origin: Key, base: Base | None
    ) -> Taken | None:
        """Return the answer to a block whose author or body has brought in so much that more waits; None when it need not."""

        def urgent() -> bool:
            return self._leaves(genesis.log, base) or any(
                looks_urgent(draft, genesis.scope, kind, payload) for kind, payload in claimed_records(raw)
            )

        own, named = self.is_own(genesis.scope), self.is_named(draft, genesis)
        wait = self._intake.wait(genesis, own, self._now(), urgent, named)
        if wait is None or self._may_prove_fork(genesis, raw, base):
            return None
        who = "its author" if wait.whose is Whose.AUTHOR else "its body"
        reason = f"{who} has brought in as much as is taken at a time"
        code = "author-share" if wait.whose is Whose.AUTHOR else "body-share"
        return Taken(raw, origin, Verdict.REFUSED, genesis.log, code=code, reason=reason, until=wait.until)

    def is_own(self, scope: Scope) -> bool:
        """Say whether it is the scope of our own community."""
        if self._own is None:
            self._own = next(
                (each.scope for each in self._store.followed.all() if each.source == "own"), None
            )
        return scope == self._own

    def _leaves(self, log: LogId, base: Base | None) -> bool:
        """Say whether what follows this record of a log that is held is no news of a branch, but another one."""
        heads = self._store.logs.heads(log)
        return bool(heads) and (base is None or all(head.id != base.id for head in heads))

    def _may_prove_fork(self, genesis: Genesis, raw: bytes, base: Base | None) -> bool:
        """Say whether a block of a log that may fork only once leaves what is held, so that it is proof and does not wait."""
        if genesis.log_class is LogClass.AUTHORITY:
            return False
        tip = self._store.logs.tip(genesis.log)
        if tip is None or (base is not None and base.seq >= tip.seq):
            return False
        block = check(raw, base)
        last = block.first + block.count - 1
        return last <= tip.seq or block.record(tip.seq - block.first).id != tip.id

    # --- Who may enter ----------------------------------------------------------------------------------

    def admit(self, draft: Draft, block: Block, origin: Key | None) -> Taken | None:
        """Return why a block that begins a log is not let in; None when it is."""
        genesis = block.genesis
        unwanted = self.unwanted(genesis, block.raw, origin)
        if unwanted is not None:
            return unwanted
        followed = self._store.followed.get(genesis.scope)
        if self.is_named(draft, genesis) or (followed is not None and _carries(block, followed.body)):
            given = genesis.mandate
            if given is not None and page_row(draft, given[0]) is None and self._is_full(draft, genesis):
                # Anybody can make up mandates; one that comes to be held lets in what is written under it.
                return self._park(
                    block, origin, "unknown-mandate", "the page that gives its mandate is not held"
                )
            wait = self._too_many_logs(draft, genesis)
            if not wait:
                return None
            reason = "its author has many logs of this kind, and further ones are taken one an hour"
            return Taken(
                block.raw, origin, Verdict.REFUSED, block.log, code="incarnations", reason=reason, until=wait
            )
        return self._park(block, origin, "unknown-author", "no page held here names its author")

    def unwanted(self, genesis: Genesis, raw: bytes, origin: Key | None) -> Taken | None:
        """Return why nothing of a log is taken, whether it begins here or was begun when more was followed."""

        def refused(code: str, reason: str) -> Taken:
            return Taken(raw, origin, Verdict.REFUSED, genesis.log, code=code, reason=reason)

        followed = self._store.followed.get(genesis.scope)
        if followed is None:
            return refused("not-followed", "its body is not followed here")
        if origin is not None and genesis.reach is Reach.LOCAL:
            return refused("local", "it belongs to a community's own nodes only")
        if origin is not None and not followed.extent.covers(genesis.reach, genesis.log_class):
            return refused("extent", "so much of its body is not followed here")
        return None

    def is_named(self, draft: Draft, genesis: Genesis) -> bool:
        """Say whether a page of the body names who writes a log. It is asked some times of each block, and looked up once a batch."""
        if draft is not self._named_in:
            self._named_in, self._named = draft, set()
        who = genesis.scope, genesis.key
        if who not in self._named and is_named(draft, *who):
            self._named.add(who)
        return who in self._named

    def _too_many_logs(self, draft: Draft, genesis: Genesis) -> int:
        """Return until when one more log of this kind waits, 0 when it need not."""
        if not self._is_full(draft, genesis):
            return 0
        return self._pace.due(
            f"logs:{genesis.scope.hex()}:{genesis.key.hex()}:{genesis.log_class}:{genesis.reach}"
        )

    def _is_full(self, draft: Draft, genesis: Genesis) -> bool:
        """Say whether as many logs of this kind are held as are taken at once."""
        kind, same = self._kind(draft, genesis), 0
        for log in self._store.logs.named(genesis.scope, genesis.key):
            row = self._store.logs.row(log)
            same += row is not None and self._kind(draft, row.genesis) == kind
        return same >= MAX_INCARNATIONS

    def _kind(self, draft: Draft, genesis: Genesis) -> tuple[Capacity | None, LogClass, Reach]:
        """Return what logs of one key are counted by. All under what is no mandate of theirs that is held are of one kind."""
        capacity: Capacity | None = genesis.capacity
        if genesis.mandate is not None:
            held = entry_at(draft, *genesis.mandate)
            if not isinstance(held, Mandate) or genesis.key not in (held.holder, held.alternate):
                capacity = None
        return capacity, genesis.log_class, genesis.reach

    def too_many_branches(self, block: Block) -> int:
        """Return until when a block that forks an authority log once more waits, 0 when it need not."""
        if block.genesis.log_class is not LogClass.AUTHORITY:
            return 0
        heads = self._store.logs.heads(block.log)
        if len(heads) < MAX_BRANCHES or any(head.id == block.prev for head in heads):
            return 0
        if self._store.logs.holds(block.log, block.last, block.tip):
            return 0
        return self._pace.due(f"branches:{block.log.hex()}")

    def _park(self, block: Block, origin: Key | None, code: str, reason: str) -> Taken:
        kept = origin is not None and self._store.parked.park(
            origin, block.log, block.raw, self._now() + PARK_MS
        )
        verdict = Verdict.PARKED if kept else Verdict.REFUSED
        return Taken(block.raw, origin, verdict, block.log, code=code, reason=reason)

    def _scopes_of_pages(self, draft: Draft, block: Block) -> list[Scope]:
        """Return whose pages a block brought: any admitted log may carry the page of another body."""
        bodies = {followed.body: followed.scope for followed in self._store.followed.all()}
        scopes = {block.genesis.scope}
        for at, kind in enumerate(block.kinds):
            if kind == "page":
                page = page_row(draft, PageId(block.record(at).payload_id))
                if page is not None and page.body in bodies:
                    scopes.add(bodies[page.body])
        return sorted(scopes)

    def released(self, draft: Draft, brought: Block) -> Iterator[tuple[bytes, Key]]:
        """Let go what waited for a page that has come with a block, each with the peer that brought it."""
        for scope in self._scopes_of_pages(draft, brought):
            for log in self._store.parked.logs():
                for waiting in self._store.parked.waiting(log):
                    try:
                        genesis = claimed_genesis(waiting.raw)
                    except BadBlock:
                        genesis = None
                    if genesis is None or genesis.scope != scope or not self.is_named(draft, genesis):
                        continue
                    self._store.parked.release(log)
                    yield waiting.raw, waiting.peer


def _carries(block: Block, page: PageId) -> bool:
    """Return whether the block holds page 0 of a body that is followed: then its author is known by it."""
    return any(
        kind == "page" and bytes(block.record(at).payload_id) == page for at, kind in enumerate(block.kinds)
    )
