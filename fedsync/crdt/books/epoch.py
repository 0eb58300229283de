"""An epoch: who speaks for a body, and how many of them it takes (rule 2). Pure.

An epoch entry is sound or void by itself, its page and what page 0 fixed; who signed its page does not matter here.
It governs from the next page on.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from fedsync.crdt.books.bearing import Numbers, majority
from fedsync.crdt.books.booktables import LogRow
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.genesis import REPAIR, SEAT, Genesis
from fedsync.records.ids import Key, LogClass, LogId, PageId, Reach, Scope
from fedsync.records.kinds.authority import Page, parse_page
from fedsync.records.kinds.entries import (
    BodySeat,
    EpochEntry,
    KeySeat,
    NodeSealer,
    Rotation,
    Sealer,
    Tip,
    VoidEntry,
)
from fedsync.records.kinds.fields import Text
from fedsync.records.kinds.motions import Rule
from fedsync.records.void import Void


@dataclass(frozen=True)
class Epoch:
    """An epoch that is sound by itself. Seats of keys and sealers by their log, seats of bodies by their id.

    Whether its bodies are of a lower level and its consents are certified, other pages say: see the fold.
    """

    name: Text
    classification: str
    level: int
    seats: Mapping[LogId, KeySeat]
    members: frozenset[PageId]
    """The bodies that have a seat, spoken for by their delegates."""
    k: int
    sealers: Mapping[LogId, KeySeat]
    w: int
    repair: frozenset[Key]
    threshold: int
    cuts: tuple[Tip, ...]
    own_sealers: bool
    """The entry names its sealers; otherwise they are its seats."""
    witness: PageId | Scope | None = None
    consents: tuple[PageId, ...] = ()
    consent_to: bytes = b""
    voting: Rule | None = None
    rotation: Rotation | None = None
    answers_to: PageId | None = None

    @property
    def n(self) -> int:
        """How many seats there are."""
        return len(self.seats) + len(self.members)

    @property
    def m(self) -> int:
        """How many sealers there are. A body that is a seat and no log counts, and can't seal."""
        return len(self.sealers) if self.own_sealers else self.n

    @property
    def numbers(self) -> Numbers:
        """What decides how many liars and losses the body bears."""
        return Numbers(self.n, self.k, self.m, self.w, len(self.repair), self.threshold)

    @property
    def bears(self) -> int:
        """How many lying sealers can never seal two rival pages."""
        return self.numbers.lying_sealers

    @property
    def keys(self) -> frozenset[Key]:
        """The keys that have a seat."""
        return frozenset(seat.key for seat in self.seats.values())

    def key_of(self, log: LogId) -> Key | None:
        """Return whose log a seat or sealer is."""
        seat = self.seats.get(log) or self.sealers.get(log)
        return seat.key if seat else None


def judge_epoch(entry: EpochEntry | VoidEntry, scope: Scope, level: int | None) -> Epoch:
    """Return the epoch of an entry in the book with the founding tag `scope`. Raises Void, with a code.

    `level` is what page 0 fixed, None on page 0. A number that could never be reached (k of fewer than k seats) is
    void as well: it would close the book for good.
    """
    if isinstance(entry, VoidEntry):
        raise Void(entry.code, entry.sentence)
    if level is not None and entry.level != level:
        raise Void(
            "level-changed", f"the body's level is {level}, fixed on page 0; the entry says {entry.level}"
        )
    seats, members = _seats(entry, scope), _members(entry)
    n = len(seats) + len(members)
    sealers = seats if entry.sealers is None else _distinct(entry.sealers, "sealer", scope)
    w = entry.k if entry.w is None else entry.w
    majority("k", entry.k, n, "seats")
    majority("w", w, n if entry.sealers is None else len(sealers), "sealers")
    repair: frozenset[Key] = frozenset()
    if entry.repair is not None:
        repair = frozenset(entry.repair.keys)
        if len(repair) != len(entry.repair.keys):
            raise Void("named-twice", "a repair key is named twice")
        majority("threshold", entry.repair.threshold, len(repair), "repair keys")
    return Epoch(
        name=entry.name,
        classification=entry.classification,
        level=entry.level,
        seats=seats,
        members=members,
        k=entry.k,
        sealers=sealers,
        w=w,
        repair=repair,
        threshold=entry.repair.threshold if entry.repair else 0,
        cuts=entry.cuts,
        own_sealers=entry.sealers is not None,
        witness=entry.witness,
        consents=entry.consents,
        consent_to=entry.consent_to,
        voting=entry.voting,
        rotation=entry.rotation,
        answers_to=entry.answers_to,
    )


# The same few epochs are asked for again and again, each a kilobyte of bytes or more to read.
@lru_cache(maxsize=1024)
def read_page(payload: bytes) -> Page:
    """Return the page of these bytes. Raises Void."""
    try:
        value = unpack(payload)
    except NotCanonical as error:
        raise Void("malformed", str(error)) from None
    return parse_page(value)


@lru_cache(maxsize=1024)
def epoch_on(payload: bytes, scope: Scope, level: int | None) -> Epoch | None:
    """Return the sound epoch that a page carries, None when it carries none or a void one."""
    found = read_page(payload).epoch
    if found is None:
        return None
    try:
        return judge_epoch(found[1], scope, level)
    except Void:
        return None


def _seats(entry: EpochEntry, scope: Scope) -> dict[LogId, KeySeat]:
    seats = []
    for seat in entry.seats:
        if isinstance(seat, BodySeat):
            continue
        if seat.genesis.capacity != SEAT:
            raise Void("not-a-seat", "a seat names a log that was not made for a seat")
        seats.append(seat)
    return _distinct(seats, "seat", scope)


def _members(entry: EpochEntry) -> frozenset[PageId]:
    members = [seat.body for seat in entry.seats if isinstance(seat, BodySeat)]
    if len(set(members)) != len(members):
        raise Void("named-twice", "a body is named twice")
    if members and entry.level == 0:
        raise Void("no-lower-level", "no body is of a lower level than 0: none can have a seat here")
    return frozenset(members)


def _distinct(seats: Iterable[Sealer], role: str, scope: Scope) -> dict[LogId, KeySeat]:
    found: dict[LogId, KeySeat] = {}
    for each in seats:
        seat = each.seat(scope) if isinstance(each, NodeSealer) else each
        if seat.log in found:
            raise Void("named-twice", f"a {role} is named twice")
        found[seat.log] = seat
        fault = unfit(seat.genesis, scope)
        if fault or seat.genesis.capacity == REPAIR:
            raise Void("not-a-seat", f"a {role} names a log that can't speak: {fault or 'it is for repair'}")
    return found


def unfit(genesis: Genesis, scope: Scope) -> str | None:
    """Return why a log can't speak in the book with this founding tag; None when it can, given a seat."""
    if genesis.log_class is not LogClass.AUTHORITY:
        return "it is no log of pages and signatures"
    if genesis.scope != scope:
        return "it was made for another body"
    # What local logs say is not seen elsewhere, and every node must come to one verdict.
    return "it never leaves the community's own nodes" if genesis.reach is Reach.LOCAL else None


def begun(genesis: Genesis) -> LogRow:
    """Return whose log begins so, whether or not it has begun."""
    fit = unfit(genesis, genesis.scope) is None
    page, entry = genesis.mandate or (None, None)
    return LogRow(genesis.key, genesis.scope, str(genesis.capacity[0]), fit, page, entry)
