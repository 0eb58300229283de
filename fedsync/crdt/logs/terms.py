"""What a mandate for a task lets somebody record: which kinds, until when, how many of each. Touches a draft only.

Nobody has a power but the one given for a purpose, so a mandate allows the kinds that its `may` names and no others; what
only gives things a name goes with what is recorded of them. A record after the term, by its own header, or beyond the first
so many of its kind on its log's own chain says nothing. All that follows from the mandate and the chain alone, so every
node that holds them sees the same, for good. Seats have no such terms.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import NamedTuple

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.books.delegates import entry_at
from fedsync.crdt.logs.countingtables import TERM_USES
from fedsync.crdt.view import Draft
from fedsync.records.block import Block, Record
from fedsync.records.genesis import GENESIS, Genesis
from fedsync.records.ids import LogId
from fedsync.records.kinds.entries import Mandate

_NAMES = ("store", "resource_specification", "batch_lot_record")
GOES_WITH: Mapping[str, frozenset[str]] = MappingProxyType(
    {
        **dict.fromkeys(
            _NAMES, frozenset({"economic_event", "count", "unit_factor", "loan", "intent", "transfer"})
        ),
        "release": frozenset({"commitment", "booking"}),
    }
)
"""Kinds that are allowed with any of these: what only gives a name, and what takes back one's own promise."""


class Outside(NamedTuple):
    """Why a record is outside the terms of its mandate: "outside-kinds", "term-over" or "beyond-limit"."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Terms:
    """What one mandate allows. `until` is in ms, None: no end; `limits`: how many of a kind in one log."""

    may: frozenset[str]
    until: int | None
    limits: Mapping[str, int]

    def allows(self, kind: str) -> bool:
        """Say whether records of a kind are allowed at all."""
        return kind in self.may or not self.may.isdisjoint(GOES_WITH.get(kind, ()))

    def passes(self, kinds: Sequence[str], times: Sequence[int]) -> bool:
        """Say, at a glance, that all of these records are allowed, however many there were before."""
        named = set(kinds) - {GENESIS}
        return (
            (self.until is None or max(times) <= self.until)
            and self.limits.keys().isdisjoint(named)
            and all(map(self.allows, named))
        )

    def outside(self, kind: str, time: int, last: int | None, seq: int) -> Outside | None:
        """Return why a record is not allowed; `last`: where the last of its kind stands that the limit lets pass."""
        if kind == GENESIS:
            return None
        if not self.allows(kind):
            return Outside("outside-kinds", f"its mandate does not allow a {kind}")
        if self.until is not None and time > self.until:
            return Outside("term-over", "by its own time it was written after the term of its mandate")
        if kind in self.limits and (self.limits[kind] == 0 or (last is not None and seq > last)):
            return Outside(
                "beyond-limit",
                f"its log had as many of {kind} before as its mandate allows: {self.limits[kind]}",
            )
        return None


def terms_in(mandate: Mandate) -> Terms:
    """Return the terms that a mandate sets."""
    return Terms(frozenset(mandate.may or ()), mandate.until, dict(mandate.limits))


def terms_of(view: Reader, genesis: Genesis) -> Terms | None:
    """Return the terms of the log that begins so; None for a seat, or when its mandate is not known here."""
    found = entry_at(view, *genesis.mandate) if genesis.mandate is not None else None
    return terms_in(found) if isinstance(found, Mandate) else None


def note_uses(draft: Draft, block: Block, first: int, stop: int) -> None:
    """Count what is limited in a stretch of a log's chain. Stretches come in order, none twice, until `forget_uses`."""
    terms = terms_of(draft, block.genesis)
    if terms is None:
        return
    for kind, allowed in sorted(terms.limits.items()):
        row = draft.get(TERM_USES, (block.log, kind))
        used, last = (int(row[0]), row[1]) if row is not None else (0, None)  # type: ignore[arg-type]
        before = used
        for at in range(first - block.first, stop - block.first):
            if used >= allowed:
                break
            if block.kinds[at] == kind:
                used += 1
                last = block.first + at if used == allowed else None
        if used != before:
            draft.put(TERM_USES, (block.log, kind), (used, last))


def forget_uses(draft: Draft, log: LogId) -> None:
    """Forget what was counted: the log is read again from its beginning."""
    for key, _ in list(draft.scan(TERM_USES, (log,))):
        draft.drop(TERM_USES, key)


def within(view: Reader, block: Block) -> Block:
    """Return a block in which what is outside the terms of its log's mandate says nothing; most are as they are.

    As far as its chain is counted: see `note_uses`.
    """
    terms = terms_of(view, block.genesis)
    if terms is None:
        return block
    if terms.passes(block.kinds, block.times):
        return block
    lasts = _lasts(view, block.log, terms)
    out = [
        at
        for at, (kind, time) in enumerate(zip(block.kinds, block.times, strict=True))
        if terms.outside(kind, time, lasts.get(kind), block.first + at) is not None
    ]
    return block.silenced(out) if out else block


def why_outside(view: Reader, record: Record) -> Outside | None:
    """Return why a record that is on the chain that counts is outside the terms of its mandate; None when it is not."""
    terms = terms_of(view, record.genesis)
    if terms is None:
        return None
    last = _lasts(view, record.log, terms).get(record.kind)
    return terms.outside(record.kind, record.time, last, record.seq)


def _lasts(view: Reader, log: LogId, terms: Terms) -> dict[str, int]:
    found: dict[str, int] = {}
    for kind in terms.limits:
        row = view.get(TERM_USES, (log, kind))
        if row is not None and row[1] is not None:
            found[kind] = int(row[1])
    return found
