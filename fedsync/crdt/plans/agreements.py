"""Who has signed an agreement, and whether it was ended. Touches a draft or a view.

An agreement is named by its words; each log that carries them signs for its own body. So who has signed, and from when a
party has left, is read off the records that count, and nothing has to be kept up.
"""

from collections.abc import Iterator
from typing import NamedTuple

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.plans.plantables import AGREED, AGREEMENTS, LOG_STEPS, PLACES, place
from fedsync.crdt.realms import realm_of, scope_of
from fedsync.crdt.view import Draft
from fedsync.records.block import Block
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.genesis import Genesis
from fedsync.records.header import VERSION
from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds.plans import AGREEMENT, DAY_MS, Agreement, Ending, parse_agreement
from fedsync.records.void import Void


class Agreements:
    """The part of plans that is about agreements."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down who carries which agreement."""
        realm = realm_of(block.genesis)
        for seq in range(first, stop):
            at = seq - block.first
            if block.kinds[at] != AGREEMENT or block.body.versions[at] != VERSION:
                continue
            try:
                said = parse_agreement(block.value(at))
            except (Void, NotCanonical):
                continue
            record = block.record(at)
            about = said.agreement if isinstance(said, Ending) else record.payload_id
            draft.put(AGREEMENTS, (realm, about, block.log, seq), (record.id, record.time, record.payload))
            draft.put(AGREED, (about, realm, block.log, seq), ())
            draft.put(PLACES, (record.id,), (realm, about, block.log, seq, AGREEMENT))
            draft.put(LOG_STEPS, (block.log, seq), (record.id,))

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Take a log's signatures and endings out."""
        for key, row in list(draft.scan(LOG_STEPS, (genesis.log,))):
            at = draft.get(PLACES, (row[0],))  # type: ignore[arg-type]
            if at is None or at[4] != AGREEMENT:
                continue
            found = place(at)
            draft.drop(AGREEMENTS, (found.realm, found.intent, found.log, found.seq))
            draft.drop(AGREED, (found.intent, found.realm, found.log, found.seq))
            draft.drop(PLACES, (row[0],))  # type: ignore[arg-type]
            draft.drop(LOG_STEPS, key)


class Carried(NamedTuple):
    """A record that carries an agreement, or ends it, and who says so."""

    scope: Scope
    log: LogId
    seq: int
    id: RecordId
    time: int
    said: Agreement | Ending


class Standing(NamedTuple):
    """An agreement and what became of it."""

    id: PayloadId
    said: Agreement
    signed: tuple[Carried, ...]
    """The first signature of each party that has signed."""
    ends: int | None
    """From when it holds no more, in ms, by a party's word or its own; None: it goes on."""
    endings: tuple[tuple[Carried, str | None], ...]
    """Each word that ends it, and why it does not: the code of a reason."""

    @property
    def missing(self) -> tuple[Scope, ...]:
        """The parties that have not signed."""
        there = {each.scope for each in self.signed}
        return tuple(party for party in self.said.parties if party not in there)

    def status(self, now: int) -> str:
        """Return "open" (somebody must sign), "agreed" (not begun), "in force" or "ended"."""
        if self.ends is not None and now >= self.ends:
            return "ended"
        if self.missing:
            return "open"
        return "agreed" if self.said.start is not None and now < self.said.start else "in force"


def agreement(view: Reader, id_: PayloadId) -> Standing | None:
    """Return an agreement that a log which counts carries; None when there is none."""
    carried = list(_carried(view, id_))
    words = next((each.said for each in carried if isinstance(each.said, Agreement)), None)
    if words is None:
        return None
    signed: dict[Scope, Carried] = {}
    for each in sorted(carried, key=lambda each: (each.time, each.id)):
        if isinstance(each.said, Agreement) and each.scope in words.parties:
            signed.setdefault(each.scope, each)
    endings = tuple((each, _why_not(words, each)) for each in carried if isinstance(each.said, Ending))
    ends = [each.said.at for each, fault in endings if fault is None and isinstance(each.said, Ending)]
    if words.until is not None:
        ends.append(words.until)
    return Standing(
        id_, words, tuple(signed[each] for each in sorted(signed)), min(ends, default=None), endings
    )


def agreements(view: Reader) -> list[Standing]:
    """Return all agreements that are carried, by the time of their first signature."""
    ids = {PayloadId(key[0]) for key, _ in view.scan(AGREED)}  # type: ignore[arg-type]
    found = [each for each in (agreement(view, id_) for id_ in ids) if each is not None]
    return sorted(found, key=lambda each: (min((by.time for by in each.signed), default=0), each.id))


def _carried(view: Reader, id_: PayloadId) -> Iterator[Carried]:
    for key, _ in view.scan(AGREED, (id_,)):
        _, realm, log, seq = key
        row = view.get(AGREEMENTS, (realm, id_, log, seq))
        assert row is not None, "an agreement that is found by its id is there"
        said = parse_agreement(unpack(row[2]))  # type: ignore[arg-type]
        yield Carried(scope_of(realm), LogId(log), seq, RecordId(row[0]), row[1], said)  # type: ignore[arg-type]


def _why_not(words: Agreement, ending: Carried) -> str | None:
    assert isinstance(ending.said, Ending)
    if ending.scope not in words.parties:
        return "not-a-party"
    if ending.said.at < ending.time + words.notice * DAY_MS:
        return "notice-too-short"
    return None
