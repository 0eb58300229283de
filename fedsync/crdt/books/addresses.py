"""Where nodes answer, by their own word in the logs of bodies that name them. Touches a draft or a view only.

An announcement counts only for the key whose log it stands in: nobody can say where another node answers.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.books.addresstables import ANNOUNCEMENTS
from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.view import Draft
from fedsync.records.block import Record
from fedsync.records.genesis import NODE
from fedsync.records.ids import Key, LogId, Reach, RecordId, Scope
from fedsync.records.kinds.announcing import Announcement, parse_announcement
from fedsync.records.void import Void


@dataclass(frozen=True, slots=True)
class Announced:
    """What a node said last in a body, and where it stands."""

    scope: Scope
    key: Key
    addresses: tuple[str, ...]
    relay: bool
    time: int
    """By the node's own clock, in ms."""
    record: RecordId
    log: LogId
    reach: Reach
    """How far the log travels: one of a body of bodies that is for its members alone does not make a bridge."""


def note_announcement(draft: Draft, record: Record) -> None:
    """Write down what a node announces, unless its log says something newer. Raises Void."""
    genesis = record.genesis
    if genesis.capacity != NODE or genesis.reach is Reach.LOCAL:
        raise Void("not-a-node", "only a node says where it answers, in a log that others see")
    said: Announcement = parse_announcement(record.value)
    at = (genesis.scope, genesis.key, record.log)
    held = draft.get(ANNOUNCEMENTS, at)
    # Of two branches of a forked log the higher wins, then the greater id: the same wherever both are held.
    if held is None or (held[0], held[1]) < (record.seq, record.id):
        words = " ".join(said.addresses)
        cells = (record.seq, record.id, record.time, words, int(said.relay), int(genesis.reach))
        draft.put(ANNOUNCEMENTS, at, cells)


Said: TypeAlias = dict[tuple[Scope, Key], Announced]


def announced(view: Reader, scope: Scope | None = None) -> Said:
    """Return what each node said last in each body, or in one; what was taken back has no addresses.

    A node that was set up anew has several logs; the one that claims the latest time holds, and it makes sure itself
    that this is the one it writes now (`after`).
    """
    found: Said = {}
    for each in _all(view, (scope,) if scope is not None else ()):
        before = found.get((each.scope, each.key))
        if before is None or _rank(before) < _rank(each):
            found[each.scope, each.key] = each
    return found


def newest(view: Reader, key: Key) -> Announced | None:
    """Return what a node said last of itself, in whichever body."""
    return max(
        (each for (_, whose), each in announced(view).items() if whose == key), key=_rank, default=None
    )


def announced_by(view: Reader, scope: Scope, key: Key, reach: Reach | None = None) -> Announced | None:
    """Return what a node said last in one body, or in its logs there that travel so far."""
    found = (each for each in _all(view, (scope, key)) if reach in (None, each.reach))
    return max(found, key=_rank, default=None)


def bridges(view: Reader, scope: Scope) -> set[Key]:
    """Return the nodes that say, to whoever follows the book of a body, where they answer."""
    last: dict[Key, Announced] = {}
    for each in _all(view, (scope,)):
        before = last.get(each.key)
        if each.reach is Reach.WORLD and (before is None or _rank(before) < _rank(each)):
            last[each.key] = each
    return {key for key, each in last.items() if each.addresses}


def after(view: Reader, scope: Scope, key: Key, now: int) -> int:
    """Return the time that a node's next announcement in a body must claim, so that it holds even if its clock fell back."""
    return max([now, *(each.time + 1 for each in _all(view, (scope, key)))])


def _all(view: Reader, prefix: tuple[bytes, ...]) -> Iterator[Announced]:
    for key, cells in view.scan(ANNOUNCEMENTS, prefix):
        _, record, time, addresses, relay, reach = cells
        yield Announced(
            Scope(key[0]), Key(key[1]), tuple(str(addresses).split()), bool(relay), int(time),  # type: ignore[arg-type]
            RecordId(record), LogId(key[2]), Reach(int(reach)),  # type: ignore[arg-type]
        )  # fmt: skip


def _rank(each: Announced) -> tuple[int, RecordId]:
    return each.time, each.record
