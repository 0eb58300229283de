"""How much of each log of facts and plans counts, kept up as blocks, forks and books come. Touches a draft only.

How much of a log counts is said elsewhere (`Bounds`: whose key has a seat or a mandate, where it was cut) and by forks:
above a fork nothing counts, until the body settles which branch holds (`settling`): then the chain of the record that it
names counts alone. What is outside the terms of a mandate says nothing (`terms`). What counts is taken by the `Content` of the log's class, along the chain. When any of that changes, the
log is taken out and taken again. So what the contents make of it follows from the set of records that count, however
it came.
"""

from collections.abc import Callable, Mapping
from typing import Protocol, TypeAlias

from fedsync.crdt.logs.countingtables import (
    COUNTED_LOGS,
    COUNTED_LOGS_OF,
    COUNTED_UNDER,
    CountedLog,
    counted_log,
)
from fedsync.crdt.logs.factchain import holds, id_at, stretches
from fedsync.crdt.logs.pins import Pin
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending
from fedsync.crdt.logs.settling import settled
from fedsync.crdt.logs.terms import forget_uses, note_uses, within
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, LogId, Scope

Bounds: TypeAlias = Callable[[Draft, Genesis], Bound]
"""Says how much of the log that begins so counts in its body."""


class Content(Protocol):
    """What is made of the records of one class of logs."""

    def why_inert(self, genesis: Genesis) -> str | None:
        """Return why no record of a log can count; None when they can."""
        ...

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Take it that the records of a block from seq `first` up to, not including, `stop` count.

        Those of a log come in the order of its chain, none left out and none twice.
        """
        ...

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take it that nothing of a log counts, of which something did. What still counts is taken again afterwards.

        Its row in `COUNTED_LOGS` still says what was taken.
        """
        ...

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Take it that the book or a fork says something else of how much of a log counts; all that does is taken."""
        ...


CUT = ("cut", "suspended")
"""What the book says of a log of which a part may be missing here."""

Contents: TypeAlias = Mapping[LogClass, Content]


class Counting:
    """The counting of logs, with who says what counts and what is made of it."""

    def __init__(self, bounds: Bounds, contents: Contents) -> None:
        self._bounds, self._contents = bounds, contents

    def apply_block(self, draft: Draft, block: Block) -> None:
        """Fold one block. Blocks of a log come in the order of its chain, and the view holds them already."""
        log = self._open(draft, block.genesis)
        if log is None:
            return
        if log.bound in CUT or (log.waits and settled(draft, log.scope, block.log) is not None):
            # The block may hold the record that the log is cut at, or settled at, so that what is below counts now.
            self.refold(draft, block.log)
        elif not log.done:
            self._take(draft, block, log)

    def set_fork(self, draft: Draft, log: LogId, seq: int) -> None:
        """Let nothing of a log count from `seq` on: two branches of it begin there. The lowest fork holds.

        Also to be called for each block that comes on another branch: it may hold the record that the log is settled at.
        """
        begins = _genesis(draft, log)
        found = self._open(draft, begins) if begins is not None else None
        if found is None:
            return
        lower = found.fork is None or seq < found.fork
        if lower:
            draft.put(COUNTED_LOGS, (log,), tuple(found._replace(fork=seq)))
        waits = found.bound in CUT or settled(draft, found.scope, log) is not None
        if lower or (found.chain is None and waits):
            self.refold(draft, log)

    def refold_key(self, draft: Draft, scope: Scope, key: Key) -> None:
        """Ask again how much of each log of `key` counts, and fold what changed."""
        for each, _ in list(draft.scan(COUNTED_LOGS_OF, (scope, key))):
            self.refold(draft, LogId(each[2]))  # type: ignore[arg-type]

    def refold(self, draft: Draft, log: LogId) -> None:
        """Ask again how much of a log counts: take what counts now, take out what does no more."""
        row, genesis = draft.get(COUNTED_LOGS, (log,)), _genesis(draft, log)
        if row is None or genesis is None:
            return
        found = counted_log(row)
        bound = self._bounds(draft, genesis)
        limit, tip = _reach(draft, log, found.scope, found.fork, bound)
        new = _reaching(found._replace(bound=_name(bound)), limit, tip)
        if new.chain != found.chain or (limit is not None and limit < found.read):
            if found.read:
                self._contents[genesis.log_class].take_out(draft, genesis)
                forget_uses(draft, log)
            new = new._replace(read=0)
        if new != found:
            draft.put(COUNTED_LOGS, (log,), tuple(new))
        if not new.done:
            for block, stop in stretches(draft, log, new, new.read):
                new = self._take(draft, block, new, stop)
        if (new.bound, new.limit, new.chain) != (found.bound, found.limit, found.chain):
            self._contents[genesis.log_class].changed(draft, genesis)

    def _open(self, draft: Draft, genesis: Genesis) -> CountedLog | None:
        """Return how much of a log counts and was taken; None when it is none that can count."""
        row = draft.get(COUNTED_LOGS, (genesis.log,))
        if row is not None:
            return counted_log(row)
        content = self._contents.get(genesis.log_class)
        if content is None or content.why_inert(genesis) is not None:
            return None
        bound = self._bounds(draft, genesis)
        limit, tip = _reach(draft, genesis.log, genesis.scope, None, bound)
        found = _reaching(CountedLog(genesis.scope, genesis.key, _name(bound), None, None), limit, tip)
        draft.put(COUNTED_LOGS, (genesis.log,), tuple(found))
        draft.put(COUNTED_LOGS_OF, (genesis.scope, genesis.key, genesis.log), ())
        if genesis.mandate is not None:
            draft.put(COUNTED_UNDER, (*genesis.mandate, genesis.log), ())
        if limit is not None:
            # Also that nothing of it will ever count is news to whoever waits for it.
            content.changed(draft, genesis)
        return found

    def _take(self, draft: Draft, block: Block, log: CountedLog, stop: int | None = None) -> CountedLog:
        """Take the part of a block that follows what was read, as far as it counts, up to `stop` at most."""
        stop = block.last + 1 if stop is None else stop
        if log.limit is not None:
            stop = min(stop, log.limit)
        if not block.first <= log.read < stop:
            return log
        new = log._replace(read=stop)
        # Before it is taken: whoever reads the log again meanwhile must see it as it is now.
        draft.put(COUNTED_LOGS, (block.log,), tuple(new))
        note_uses(draft, block, log.read, stop)
        self._contents[block.genesis.log_class].take(draft, within(draft, block), log.read, stop)
        return new


def _genesis(draft: Draft, log: LogId) -> Genesis | None:
    begins = next(iter(draft.blocks(log)), None)
    return begins.genesis if begins is not None else None


# --- How much counts ----------------------------------------------------------------------------------------


def _name(bound: Bound) -> str:
    match bound:
        case Pending():
            return "pending"
        case All():
            return "all"
        case Cut():
            return "suspended" if bound.open else "cut"


def _reaching(log: CountedLog, limit: int | None, chosen: Pin | None) -> CountedLog:
    seq, id_ = chosen if chosen is not None else (None, None)
    return log._replace(limit=limit, chain=id_, chain_seq=seq)


def _reach(
    draft: Draft, log: LogId, scope: Scope, fork: int | None, bound: Bound
) -> tuple[int | None, Pin | None]:
    """Return how many records from the first on count (None: all), and the record whose chain alone does."""
    said = settled(draft, scope, log)
    chosen = (said.seq, said.id) if said is not None else bound.chosen if isinstance(bound, Cut) else None
    if chosen is None:
        return _limit(draft, log, fork, bound), None
    end = chosen[0] + 1
    if not holds(draft, log, *chosen):
        # Not known yet which branch that is: what is below the fork counts, and nothing above.
        limit = _limit(draft, log, fork, bound)
        return end if limit is None else min(limit, end), None
    match bound:
        case Pending():
            return 0, chosen
        case All():
            return end, chosen
        case Cut(tips, others):
            # A tip beyond the chosen record keeps all of its chain. One on another branch keeps nothing: how much
            # the branches share is not known to every node that holds the chosen one.
            return min(
                max((_kept(draft, log, chosen, tip) for tip in each), default=0) for each in (tips, *others)
            ), chosen


def _kept(draft: Draft, log: LogId, chosen: Pin, tip: Pin) -> int:
    seq, id_ = tip
    if seq > chosen[0]:
        return chosen[0] + 1
    return seq + 1 if id_at(draft, log, chosen, seq) == id_ else 0


def _limit(draft: Draft, log: LogId, fork: int | None, bound: Bound) -> int | None:
    """Return how many records from the first on count of a log whose branch is not chosen, or not yet; None: all."""
    match bound:
        case Pending():
            return 0
        case All():
            return fork
        case Cut(tips, others):
            return min(_kept_by(draft, log, fork, each) for each in (tips, *others))


def _kept_by(draft: Draft, log: LogId, fork: int | None, tips: tuple[Pin, ...]) -> int:
    if fork is not None and any(seq >= fork for seq, _ in tips):
        # Whichever branch the tip is on, what is below the fork is on its chain. Above it nodes with
        # equal sets may hold different branches, so whether the tip itself is held must not matter.
        return fork
    # Until a tip is held nobody can say what is on its chain: not known yet, so it does not count.
    return max((seq + 1 for seq, id_ in tips if holds(draft, log, seq, id_)), default=0)
