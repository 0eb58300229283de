"""Goods on their way, line by line: what was picked up, received, returned, lost, and what is between. Reads a view.

Giver and receiver each record their own end, on their own nodes, and one's records may come long before the other's.
So nothing here is an error. Of each line, whatever is held:

    picked up = received + returned + lost + settled + in transit

In transit is what makes that true. Below zero, more arrived than is known to have left: a pickup is not recorded yet, or
its record has not come. What is in transit for good is a discrepancy: once both sides state the same words on it, that
much is settled. Everything follows from sums and sets, so order, grouping and repetition do not matter.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import TypeAlias

from fedsync.crdt.books.booktables import BOOKS
from fedsync.crdt.goods.transfers import DROPPED, LOST, PICKED
from fedsync.crdt.goods.transfertables import CANCELS, DISCREPANCIES, LINES, MOVES, TRANSFERS
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.realms import Realm, is_local, local_realm, scope_of
from fedsync.crdt.view import Draft, KeyRow, Row, View
from fedsync.records.ids import Key, LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.parties import Party

Reader: TypeAlias = View | Draft


class Stage(Enum):
    """How far a line is. A transfer is as far as the line that has most left to do."""

    DISCREPANCY = "discrepancy open"
    TRANSIT = "in transit"
    EARLY = "received before its pickup was recorded"
    OPEN = "open"
    SETTLED = "settled"
    DONE = "all accounted for"
    CANCELLED = "called off"

    @property
    def over(self) -> bool:
        """Say whether nothing is left to do."""
        return self in (Stage.SETTLED, Stage.DONE, Stage.CANCELLED)


_MOST_TO_DO = tuple(Stage)


@dataclass(frozen=True, slots=True)
class Manifest:
    """Who announced what to whom, and where that stands."""

    id: RecordId
    realm: Realm
    log: LogId
    seq: int
    provider: Party
    receiver: Party
    carrier: Key | str | None
    store: PayloadId | None
    to: PayloadId | None
    due: int | None

    @property
    def parties(self) -> tuple[Scope, ...]:
        """The bodies among provider and receiver: those that keep records."""
        both = dict.fromkeys((self.provider, self.receiver))
        return tuple(Scope(each) for each in both if isinstance(each, bytes))

    @property
    def within(self) -> bool:
        """Say whether it goes from one store of a body to another."""
        return self.provider == self.receiver


@dataclass(frozen=True, slots=True)
class Word:
    """What sides say is missing: settled when all sides that keep records say it."""

    quantity: int
    reason: str
    said_by: frozenset[Scope]
    settled: bool


@dataclass(frozen=True, slots=True)
class LineView:
    """One thing of a transfer, of one lot. Quantities in the item's base unit."""

    item: PayloadId
    lot: PayloadId
    """Empty: of no lot."""
    announced: int
    """Zero: the manifest does not name it."""
    commitment: RecordId | None
    picked: int
    received: int
    returned: int
    lost: int
    words: tuple[Word, ...]
    moved: bool
    """Whether anything of it was moved, be it zero."""
    cancelled: bool = False
    """Whether who announced it has said that it will not come. That ends only what has not moved."""

    @property
    def settled(self) -> int:
        """What both sides say is missing."""
        return sum(each.quantity for each in self.words if each.settled)

    @property
    def in_transit(self) -> int:
        """What left and is accounted for by nothing; below zero: what arrived beyond what is known to have left."""
        return self.picked - self.received - self.returned - self.lost - self.settled

    @property
    def stage(self) -> Stage:
        """How far it is."""
        if not self.moved:
            return Stage.CANCELLED if self.cancelled else Stage.OPEN
        if self.in_transit < 0:
            return Stage.EARLY
        if self.in_transit > 0:
            open_ = any(not each.settled for each in self.words)
            return Stage.DISCREPANCY if open_ else Stage.TRANSIT
        return Stage.SETTLED if self.settled else Stage.DONE


@dataclass(frozen=True, slots=True)
class TransferView:
    """A transfer as far as it is known here. Without a manifest only movements that name it are held."""

    id: RecordId
    manifest: Manifest | None
    lines: tuple[LineView, ...]
    strangers: frozenset[Scope]
    """Bodies that are no party to it and whose logs name it: what they say is not counted."""

    @property
    def stage(self) -> Stage:
        """How far it is."""
        stages = {each.stage for each in self.lines}
        return next(each for each in _MOST_TO_DO if each in stages)


def find(view: Reader, transfer: RecordId) -> TransferView | None:
    """Return a transfer; None when no manifest, no movement and no word of it is held."""
    for realm in _realms(view):
        manifest = _manifest(view, realm, transfer)
        if manifest is not None:
            return _announced(view, manifest, _said(view, [*_realms(view), manifest.realm], transfer))
    said = _said(view, _realms(view), transfer)
    return _unannounced(view, transfer, said) if said.moves or said.words else None


def all_transfers(view: Reader) -> Iterator[TransferView]:
    """Yield every transfer that somebody announced, then those that movements name and nobody announced yet."""
    # Whole tables, once each: a list of thousands must not ask the file for each of them.
    said: dict[bytes, _Said] = defaultdict(_Said)
    for key, row in view.scan(LINES):
        said[key[1]].lines.append((key, row))  # type: ignore[index]
    for key, row in view.scan(MOVES):
        said[key[1]].moves.append((key, row))  # type: ignore[index]
    for key, row in view.scan(DISCREPANCIES):
        said[key[1]].words.append((key, row))  # type: ignore[index]
    for key, _ in view.scan(CANCELS):
        said[key[1]].cancels.append(key)  # type: ignore[index]
    for key, row in view.scan(TRANSFERS):
        manifest = _manifest_in(key, row)
        yield _announced(view, manifest, said.pop(manifest.id, _Said()))
    for transfer in sorted(each for each, rows in said.items() if rows.moves or rows.words):
        yield _unannounced(view, RecordId(transfer), said[transfer])


def _realms(view: Reader) -> list[Realm]:
    """Return where logs of bodies that are known here can speak."""
    scopes = [scope_of(key[0]) for key, _ in view.scan(BOOKS)]  # type: ignore[arg-type]
    return [realm for scope in scopes for realm in (Realm(scope), local_realm(scope))]


def _manifest(view: Reader, realm: Realm, transfer: RecordId) -> Manifest | None:
    row = view.get(TRANSFERS, (realm, transfer))
    return None if row is None else _manifest_in((realm, transfer), row)


def _manifest_in(key: KeyRow, row: Row) -> Manifest:
    return Manifest(key[1], key[0], *row)  # type: ignore[arg-type]


@dataclass(slots=True)
class _Said:
    """The rows that name a transfer."""

    lines: list[tuple[KeyRow, Row]] = field(default_factory=list)
    moves: list[tuple[KeyRow, Row]] = field(default_factory=list)
    words: list[tuple[KeyRow, Row]] = field(default_factory=list)
    cancels: list[KeyRow] = field(default_factory=list)


def _said(view: Reader, realms: Iterable[Realm], transfer: RecordId) -> _Said:
    said = _Said()
    for realm in dict.fromkeys(realms):
        said.lines.extend(view.scan(LINES, (realm, transfer)))
        said.moves.extend(view.scan(MOVES, (realm, transfer)))
        said.words.extend(view.scan(DISCREPANCIES, (realm, transfer)))
        said.cancels.extend(key for key, _ in view.scan(CANCELS, (realm, transfer)))
    return said


# --- Adding up ----------------------------------------------------------------------------------------------

Place: TypeAlias = tuple[bytes, bytes]
"""An item, and its lot or nothing."""


@dataclass(slots=True)
class _Sums:
    """What is known of one line."""

    picked: int = 0
    received: int = 0
    returned: int = 0
    lost: int = 0
    moved: bool = False
    said: dict[tuple[int, str], set[tuple[Scope, Key]]] = field(default_factory=lambda: defaultdict(set))
    """Quantity and reason -> who says so: the body, and the person's key."""


def _announced(view: Reader, manifest: Manifest, said: _Said) -> TransferView:
    """Add up what the parties' logs say of a transfer."""
    lines: dict[Place, tuple[int, RecordId | None]] = {}
    for key, row in said.lines:
        lines[key[2], key[3]] = (row[0], row[1])  # type: ignore[assignment, index]
    sums: dict[Place, _Sums] = defaultdict(_Sums)
    strangers: set[Scope] = set()
    for key, row in [*said.moves, *said.words]:
        scope = scope_of(key[0])  # type: ignore[arg-type]
        if is_local(key[0]) and manifest.realm != key[0]:  # type: ignore[arg-type]
            # What a body keeps to itself is joined with what it announced to itself, and with nothing else.
            continue
        if scope not in manifest.parties and not _carriers_loss(view, manifest, key, row):
            strangers.add(scope)
            continue
        _add(view, sums[key[2], key[3]], manifest, scope, key, row)  # type: ignore[index]
    for place in lines.keys() - sums.keys():
        sums[place] = _Sums()
    views = [_line(manifest, place, *lines.get(place, (0, None)), sums[place]) for place in sorted(sums)]
    if any(key[0] == manifest.realm for key in said.cancels):
        views = [replace(each, cancelled=True) for each in views]
    return TransferView(manifest.id, manifest, tuple(views), frozenset(strangers))


def _carriers_loss(view: Reader, manifest: Manifest, key: KeyRow, row: Row) -> bool:
    """Say whether this is a loss that the carrier tells of, in the books of a third body."""
    if len(row) == 3 or key[6] != LOST or not isinstance(manifest.carrier, bytes):
        return False
    return _author(view, key[4]) == manifest.carrier


def _author(view: Reader, log: object) -> Key:
    """Return whose key a log is written with, of which something counts."""
    row = view.get(COUNTED_LOGS, (log,))  # type: ignore[arg-type]
    assert row is not None, "what counts of a log is written down with it"
    return counted_log(row).key


def _unannounced(view: Reader, transfer: RecordId, said: _Said) -> TransferView:
    """Add up what is said of a transfer whose manifest is not held: who is who in it is not known."""
    sums: dict[Place, _Sums] = defaultdict(_Sums)
    for key, row in said.moves:
        now, quantity = sums[key[2], key[3]], int(row[0] or 0)  # type: ignore[index]
        now.moved = True
        match key[6]:
            case "picked":
                now.picked += quantity
            case "dropped":
                now.received += quantity
            case _:
                now.lost += quantity
    for key, row in said.words:
        by = (scope_of(key[0]), _author(view, key[4]))  # type: ignore[arg-type]
        sums[key[2], key[3]].said[int(row[1] or 0), str(row[2])].add(by)  # type: ignore[index]
    scopes = frozenset(scope_of(key[0]) for key, _ in [*said.moves, *said.words])  # type: ignore[arg-type]
    views = [_view(place, 0, None, sums[place], lambda said: False) for place in sorted(sums)]
    return TransferView(transfer, None, tuple(views), scopes)


def _add(view: Reader, sums: _Sums, manifest: Manifest, scope: Scope, key: KeyRow, row: Row) -> None:
    """Add a movement or a word of a party to a line."""
    if len(row) == 3:
        sums.said[int(row[1] or 0), str(row[2])].add((scope, _author(view, key[4])))
        return
    sums.moved = True
    quantity, store, what = int(row[0] or 0), key[5], key[6]
    # Between two stores of one body the store tells which end it is, else the body does.
    gives = store == manifest.store if manifest.within else scope == manifest.provider
    if what == LOST:
        sums.lost += quantity
    elif gives:
        if what == PICKED:
            sums.picked += quantity
        else:
            sums.returned += quantity
    elif what == DROPPED:
        sums.received += quantity
    else:
        # What is taken out again where it arrived is on its way back, or further. A giver who keeps no records has it.
        sums.received -= quantity
        sums.returned += quantity if isinstance(manifest.provider, str) else 0


def _line(
    manifest: Manifest, place: Place, announced: int, commitment: RecordId | None, sums: _Sums
) -> LineView:
    def settles(said: Collection[tuple[Scope, Key]]) -> bool:
        if manifest.within:
            # Two people say it: nobody writes off alone what they carried themselves.
            return len({key for _, key in said}) > 1
        return {scope for scope, _ in said} >= set(manifest.parties)

    found = _view(place, announced, commitment, sums, settles)
    # Who keeps no records says nothing: what left is taken to have arrived, and what arrived to have left.
    if isinstance(manifest.receiver, str):
        return replace(found, received=found.received + max(0, found.in_transit))
    if isinstance(manifest.provider, str):
        return replace(found, picked=found.picked + max(0, -found.in_transit))
    return found


def _view(
    place: Place,
    announced: int,
    commitment: RecordId | None,
    sums: _Sums,
    settles: Callable[[Collection[tuple[Scope, Key]]], bool],
) -> LineView:
    words = [
        Word(*said, frozenset(scope for scope, _ in by), settles(by))
        for said, by in sorted(sums.said.items())
    ]
    item, lot = place
    return LineView(
        PayloadId(item),
        PayloadId(lot),
        announced,
        commitment,
        sums.picked,
        sums.received,
        sums.returned,
        sums.lost,
        tuple(words),
        sums.moved,
    )
