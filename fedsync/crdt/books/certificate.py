"""A certificate: that a page of a book is sealed, shown to whoever holds nothing of the book. Pure.

It holds the pages from page 0 on, and for each page that changes who speaks, each repair page and the last one the voices
of those whom the epoch in force names: w approvals of sealers in one round, and signatures of k seats where seats are
keys. What is between is shown by the chain: an honest sealer approves only what follows a sealed page.

What it proves rests on no more sealers lying than each epoch bears (2w - m - 1): rule 5, the lock and delegates' mandates
are not seen here, and whether seats that are bodies spoke, or bear an epoch out, is taken from the sealers. Who wants to
know for sure fetches the book and recomputes it (`fedsync bodies audit`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.crdt.books.certform import BadCertificate, Certificate, Voice, read
from fedsync.crdt.books.epoch import Epoch, judge_epoch, read_page, unfit
from fedsync.records.codec import NotCanonical, unpack
from fedsync.records.ed25519 import BadSignature, verify
from fedsync.records.genesis import REPAIR, SEAT, BadGenesis, Genesis
from fedsync.records.header import VERSION, Header
from fedsync.records.ids import Key, LogId, PageId, RecordId, Scope, payload_id, record_id, signed_bytes
from fedsync.records.kinds.authority import (
    APPROVAL,
    SIGNATURE,
    Page,
    parse_approval,
    parse_signature,
)
from fedsync.records.void import Void


@dataclass(frozen=True, slots=True)
class Proven:
    """How one page is shown to be sealed: by w of m sealers in a round, or by repair keys."""

    number: int
    page: PageId
    round: int | None
    """None: by `threshold` repair keys."""
    epoch: Epoch
    """The epoch that names who speaks: that of the page before."""
    time: int | None = None
    """Since when, in ms, w sealers say by their own clocks that they have known no other page."""


@dataclass(frozen=True, slots=True)
class Certified:
    """What a certificate shows. Made by `check` alone."""

    body: PageId
    scope: Scope
    level: int
    head: PageId
    number: int
    epoch: Epoch
    """Who speaks for the body from the next page on."""
    first: int
    ids: tuple[PageId, ...]
    pages: tuple[Page, ...]
    """From number `first` to `number`."""
    proven: tuple[Proven, ...]
    unseen: tuple[int, ...]
    """Pages whose epochs have bodies as seats: whether these bear the epoch out is taken from its sealers."""

    @property
    def bears(self) -> int | None:
        """How many lying sealers all that is shown here bears; None when no sealers are needed."""
        return min((each.epoch.bears for each in self.proven if each.round is not None), default=None)


def check(data: bytes, body: PageId | None = None, trusted: Certified | None = None) -> Certified:
    """Return what a certificate shows. Raises BadCertificate.

    `body`: the body that it must be of. `trusted`: what is certified already; a certificate that begins further on than
    page 0 must begin on the page after it.
    """
    found = read(data)
    if body is not None and found.body != body:
        raise BadCertificate(
            "another-body", f"it is of the body {found.body.hex()[:8]}, not of {body.hex()[:8]}"
        )
    return _Walk(found, trusted).walk()


# --- Checking -----------------------------------------------------------------------------------------------


class _Walk:
    """Goes from the first page to the last, and knows at each who speaks."""

    def __init__(self, found: Certificate, trusted: Certified | None) -> None:
        self.found = found
        self.proofs = dict(found.proofs)
        if len(self.proofs) != len(found.proofs):
            raise BadCertificate("malformed", "a page is proven twice")
        if found.first == 0:
            trusted = None
        elif trusted is None or trusted.body != found.body or trusted.number != found.first - 1:
            raise BadCertificate(
                "no-beginning",
                f"it begins with page {found.first}, and what is before that is not trusted here",
            )
        self.prev = trusted.head if trusted else None
        self.epoch = trusted.epoch if trusted else None
        self.scope = trusted.scope if trusted else None
        self.level = trusted.level if trusted else None
        self.ids: list[PageId] = []
        self.pages: list[Page] = []
        self.proven: list[Proven] = []
        self.unseen: list[int] = []

    def walk(self) -> Certified:
        found = self.found
        last = found.first + len(found.pages) - 1
        strays = [number for number in (*self.proofs, *found.void) if not found.first <= number <= last]
        if strays:
            raise BadCertificate("malformed", f"it speaks of page {strays[0]}, which it does not hold")
        for number, payload in enumerate(found.pages, found.first):
            self._page(number, payload, number == last)
        assert self.scope is not None
        assert self.level is not None
        assert self.epoch is not None
        return Certified(
            found.body,
            self.scope,
            self.level,
            self.ids[-1],
            last,
            self.epoch,
            found.first,
            tuple(self.ids),
            tuple(self.pages),
            tuple(self.proven),
            tuple(self.unseen),
        )

    def _page(self, number: int, payload: bytes, last: bool) -> None:
        id_ = PageId(payload_id(payload))
        try:
            page = read_page(payload)
        except Void as void:
            raise BadCertificate("void-page", f"page {number} is none: {void.sentence}") from None
        if number == 0:
            self._begin(page, id_)
        elif page.number != number or page.prev != self.prev or page.body != self.found.body:
            raise BadCertificate("broken-chain", f"page {number} does not follow the page before it")
        changed = self._epoch_of(number, page)
        if number:
            needed = (
                "it is the last" if last else "it changes who speaks" if changed else "it is a repair page"
            )
            if last or changed is not None or page.repair:
                self._prove(number, id_, page, needed)
            elif number in self.proofs:
                raise BadCertificate("needless", f"page {number} needs no proof of its own")
        self.epoch = changed or self.epoch
        if self.epoch is None:
            raise BadCertificate("no-epoch", "page 0 names nobody who could speak for the body")
        self.prev = id_
        self.ids.append(id_)
        self.pages.append(page)

    def _begin(self, page: Page, id_: PageId) -> None:
        if page.number != 0 or id_ != self.found.body:
            raise BadCertificate("another-body", "its page 0 is not that of the body")
        self.scope = page.scope

    def _epoch_of(self, number: int, page: Page) -> Epoch | None:
        """Return the epoch that a page brings into force from the next page on; None when it brings none."""
        epoch = self._sound(number, page)
        if epoch is not None and epoch.members:
            self.unseen.append(number)
            return None if number in self.found.void else epoch
        if number in self.found.void:
            raise BadCertificate(
                "malformed",
                f"page {number} has no epoch whose seats are bodies, so none that these make void",
            )
        return epoch

    def _sound(self, number: int, page: Page) -> Epoch | None:
        """Return the epoch on a page that is sound by its own numbers."""
        if page.epoch is None or (number and self.level is None):
            return None
        assert self.scope is not None
        try:
            epoch = judge_epoch(page.epoch[1], self.scope, self.level if number else None)
        except Void:
            return None
        if number == 0:
            self.level = epoch.level
        return epoch

    def _prove(self, number: int, id_: PageId, page: Page, needed: str) -> None:
        voices = self.proofs.get(number)
        if voices is None:
            raise BadCertificate("no-proof", f"page {number} must be proven, for {needed}, and is not")
        assert self.epoch is not None
        assert page.prev is not None
        heard = [self._hear(number, id_, page.prev, each) for each in voices]
        logs = [each.log for each in heard]
        if len(set(logs)) != len(logs):
            raise BadCertificate("twice", f"of page {number} one log speaks twice")
        if page.repair:
            self._mended(number, heard)
            self.proven.append(Proven(number, id_, None, self.epoch))
        else:
            round_ = self._sealed(number, heard)
            times = sorted(
                each.time
                for each in heard
                if each.approves and each.round == round_ and each.log in self.epoch.sealers
            )
            self.proven.append(Proven(number, id_, round_, self.epoch, times[-self.epoch.w]))

    def _sealed(self, number: int, heard: "Sequence[_Heard]") -> int:
        """Return the round in which w sealers approved. Raises when they did not, or too few seats spoke."""
        epoch = self.epoch
        assert epoch is not None
        rounds: dict[int, int] = {}
        for each in heard:
            if each.log not in epoch.seats and each.log not in epoch.sealers:
                raise BadCertificate(
                    "not-in-epoch", f"of page {number} a log speaks that the epoch in force does not name"
                )
            if each.approves and each.log in epoch.sealers:
                rounds[each.round] = rounds.get(each.round, 0) + 1
        enough = [each for each, many in rounds.items() if many >= epoch.w]
        if not enough:
            most = max(rounds.values(), default=0)
            raise BadCertificate(
                "too-few-approvals",
                f"page {number} has {most} approvals in one round, and {epoch.w} of {epoch.m} sealers must approve it",
            )
        seats = sum(each.log in epoch.seats for each in heard)
        # Where bodies have seats, their delegates' mandates would be needed too: that is not recomputed here.
        if not epoch.members and seats < epoch.k:
            raise BadCertificate(
                "too-few-seats", f"page {number} is signed by {seats} seats, and {epoch.k} must sign it"
            )
        return enough[0]

    def _mended(self, number: int, heard: "Sequence[_Heard]") -> None:
        epoch = self.epoch
        assert epoch is not None
        assert self.scope is not None
        keys: set[Key] = set()
        for each in heard:
            begins = each.genesis
            fits = begins is not None and unfit(begins, self.scope) is None
            if (
                begins is None
                or not fits
                or begins.capacity not in (REPAIR, SEAT)
                or begins.key not in epoch.repair
            ):
                raise BadCertificate(
                    "not-in-epoch", f"of the repair page {number} a log speaks that is no repair key's"
                )
            keys.add(begins.key)
        if not 0 < epoch.threshold <= len(keys):
            raise BadCertificate(
                "too-few-repair-keys",
                f"the repair page {number} is signed with {len(keys)} repair keys, and {epoch.threshold} must sign it",
            )

    def _hear(self, number: int, page: PageId, slot: PageId, voice: Voice) -> "_Heard":
        """Return what a voice says, verified: its chain to the signed record, the signature, and that it is of this page."""
        try:
            headers = [Header.parse(each) for each in voice.headers]
        except NotCanonical as error:
            raise BadCertificate("malformed", f"of page {number} a header cannot be read: {error}") from None
        first = headers[0]
        ids: list[RecordId] = [record_id(each) for each in voice.headers]
        for before, after, id_ in zip(headers, headers[1:], ids, strict=False):
            if after.prev != id_ or after.log != first.log or after.seq != before.seq + 1:
                raise BadCertificate(
                    "malformed", f"of page {number} a voice's records do not follow one another"
                )
        if first.payload != payload_id(voice.payload) or first.payload_length != len(voice.payload):
            raise BadCertificate(
                "malformed", f"of page {number} a voice's words are not those that it signed"
            )
        genesis = self._genesis(number, first.log, voice)
        key = genesis.key if genesis else self.epoch.key_of(first.log) if self.epoch else None
        if key is None:
            raise BadCertificate(
                "not-in-epoch", f"of page {number} a log speaks that the epoch in force does not name"
            )
        try:
            verify(key, voice.signature, signed_bytes(ids[-1]))
        except BadSignature:
            raise BadCertificate(
                "signature", f"of page {number} a voice is not signed by whose log it is"
            ) from None
        return _said(number, first, voice.payload, page, slot, genesis)

    def _genesis(self, number: int, log: LogId, voice: Voice) -> Genesis | None:
        if voice.genesis is None:
            return None
        try:
            genesis = Genesis.parse(voice.genesis)
        except BadGenesis as error:
            raise BadCertificate("malformed", f"of page {number} a log begins wrong: {error}") from None
        if genesis.log != log:
            raise BadCertificate("malformed", f"of page {number} a log begins otherwise than its name says")
        return genesis


@dataclass(frozen=True, slots=True)
class _Heard:
    log: LogId
    approves: bool
    round: int
    genesis: Genesis | None
    time: int


def _said(
    number: int, header: Header, payload: bytes, page: PageId, slot: PageId, genesis: Genesis | None
) -> _Heard:
    if header.version != VERSION or header.kind not in (SIGNATURE, APPROVAL):
        raise BadCertificate("malformed", f"of page {number} a voice is neither a signature nor an approval")
    try:
        value = unpack(payload)
        said = parse_approval(value) if header.kind == APPROVAL else parse_signature(value)
    except (NotCanonical, Void):
        raise BadCertificate("malformed", f"of page {number} a voice's words cannot be read") from None
    if said.page != page or said.slot != slot:
        raise BadCertificate("another-page", f"a voice that should be of page {number} is of another page")
    return _Heard(header.log, header.kind == APPROVAL, said.round, genesis, header.time)
