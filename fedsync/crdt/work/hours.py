"""Hours: what people gave and what they received, as two tallies. The fold touches a draft only; the rest reads a view.

There is no balance between the two, and nobody's is set off against another's: who can give little receives all the same.
An entry that corrects stands in place of the one that it names, as a movement of goods does: of several corrections of one
entry the later of one log holds, across logs the one with the larger id.
"""

from typing import NamedTuple

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.logs.sayings import Parsers, sayings
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, KeyRow
from fedsync.crdt.work.worktables import TALLIES, TallyRow, tally_row
from fedsync.records.block import Block, Record
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogId
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.work import TALLY, Tally, parse_tally

PARSERS: Parsers[Tally] = {TALLY: lambda value, scope, time: parse_tally(value, time)}


class Hours:
    """What tallies make of logs of facts."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down the entries of a stretch of a block."""
        realm = realm_of(block.genesis)
        for record, said in sayings(block, PARSERS, first, stop):
            of = said.corrects or (None, None, None)
            row = (record.id, said.given, said.received, said.shift or b"", *of)
            draft.put(TALLIES, _key(realm, record, said), row)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Strike out the entries of a log."""
        realm = realm_of(genesis)
        for block in draft.blocks(genesis.log):
            for record, said in sayings(block, PARSERS):
                draft.drop(TALLIES, _key(realm, record, said))


def _key(realm: Realm, record: Record, said: Tally) -> KeyRow:
    return (realm, said.who, said.at, record.log, record.seq)


class Tallied(NamedTuple):
    """What somebody gave and what they received, in minutes, in so many entries."""

    who: str
    given: int
    received: int
    entries: int


def entries(
    view: Reader, realm: Realm, who: str | None = None, since: int | None = None, until: int | None = None
) -> list[TallyRow]:
    """Return the entries that hold, of one person or of all, from `since` up to, not including, `until`, by name and time."""
    # A correction may say another name or time, so all are looked at before any is left out.
    found = {each.ref: each for each in holding(view, realm).values()}
    return sorted(
        (
            each
            for each in found.values()
            if (who is None or each.who == who)
            and (since is None or each.at >= since)
            and (until is None or each.at < until)
            and each.given + each.received
        ),
        key=lambda each: (each.who, each.at, each.log, each.seq),
    )


def holding(view: Reader, realm: Realm) -> dict[FactRef, TallyRow]:
    """Return for each entry the one that holds in its place: itself, or the last of those that correct it."""
    every = {each.ref: each for each in (tally_row(key, row) for key, row in view.scan(TALLIES, (realm,)))}
    by: dict[FactRef, dict[LogId, TallyRow]] = {}
    for each in every.values():
        # One whose entry is not held counts by itself meanwhile.
        if each.corrects is not None and each.corrects in every:
            rivals = by.setdefault(each.corrects, {})
            if each.log not in rivals or each.seq > rivals[each.log].seq:
                rivals[each.log] = each
    tops: dict[FactRef, TallyRow] = {}
    for each in every.values():
        # Each way up is gone once: somebody may correct one entry thousands of times, each time the last.
        way, at = [], each
        while at.ref not in tops and at.corrects is not None and at.corrects in every:
            way.append(at.ref)
            at = every[at.corrects]
        top = tops.setdefault(at.ref, at)
        tops.update(dict.fromkeys(way, top))
    holds: dict[FactRef, TallyRow] = {}
    for top in {each.ref: each for each in tops.values()}.values():
        last = top
        while last.ref in by:
            last = max(by[last.ref].values(), key=lambda one: one.id)
        holds[top.ref] = last
    return {ref: holds[tops[ref].ref] for ref in every}


def tally(found: list[TallyRow]) -> list[Tallied]:
    """Return what these entries come to, by name."""
    sums: dict[str, tuple[int, int, int]] = {}
    for each in found:
        given, received, count = sums.get(each.who, (0, 0, 0))
        sums[each.who] = (given + each.given, received + each.received, count + 1)
    return [Tallied(who, *sums[who]) for who in sorted(sums)]
