"""Who keeps a community's book: changing that by a page of the tellers, or with the keys on the repair sheet."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync import keyring
from fedsync.acts.author import REACH_OF, Author, now_ms
from fedsync.acts.books.founding import check_numbers, check_tellers, person
from fedsync.acts.books.membership import consented
from fedsync.acts.books.minutes import carry, drafting, page_of
from fedsync.acts.books.voices import voice
from fedsync.acts.books.whose import Person
from fedsync.crdt.books.bearing import usual_k
from fedsync.crdt.books.booktables import book, known
from fedsync.crdt.books.drafting import Drafted, draft_change, draft_mending, newest
from fedsync.crdt.books.epoch import Epoch, begun
from fedsync.crdt.books.minutes import current_epoch, page_view
from fedsync.crdt.books.people import names as names_of
from fedsync.crdt.books.reform import NO_CHANGE, Change, reseated
from fedsync.crdt.books.tellers import Sign, next_signature
from fedsync.doors import Door
from fedsync.errors import not_found, refused, usage
from fedsync.home import Home
from fedsync.picking import begins, the_one
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.genesis import REPAIR, SEAT, Capacity, Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, Scope
from fedsync.records.kinds.entries import Tip
from fedsync.records.seal import Draft, seal
from fedsync.sheet import read_sheet
from fedsync.store.peers import FollowedBody
from fedsync.words import DEVICE_TEXT_LENGTH, parse_device

Passphrase = Callable[[str], bytes | None]


@dataclass(frozen=True)
class New:
    """Somebody who is to have a seat. Whose key is not kept here yet has `secret` for its passphrase.

    `private` is None when the key lies on another machine: it never leaves that.
    """

    name: str
    private: PrivateKey | None
    genesis: Genesis
    kept: bool
    secret: bytes | None

    @property
    def kept_as(self) -> str | None:
        """The name that the key is kept under on this machine, None when it lies elsewhere."""
        return self.name if self.private is not None else None

    def keep(self, home: Home) -> None:
        """Keep the key, before any page names it: a seat whose key is lost can sign nothing."""
        if not self.kept and self.private is not None:
            keyring.create_person(home, self.name, self.secret, self.private)

    def introduce(self, home: Home, reading: Reading, door: Door) -> None:
        """Say in their own log what they are called, unless that was said, or the key lies elsewhere."""
        if self.private is None:
            return
        with home.sealing(self.genesis.key):
            if reading.store.logs.row(self.genesis.log) is None:
                drafts = [Draft("person", person(self.genesis.key, self.name), now_ms())]
                door.take([block.raw for block in seal(self.private, self.genesis, None, drafts, now_ms())])


def change_epoch(
    author: Author,
    reading: Reading,
    door: Door,
    add: Sequence[str],
    drop: Sequence[str],
    threshold: int | None,
    passphrase: Passphrase,
    more: Change = NO_CHANGE,
) -> tuple[PageId, int]:
    """Draft a page with other tellers, another threshold, and `more`; make keys for those who have none.

    Raises a Problem.
    """
    scope = reading.own().scope
    check_tellers([*(_named(each)[0] for each in add), *drop])
    gone = [_teller(reading, scope, name) for name in drop]
    new = _new_tellers(author.home, reading, scope, add, passphrase)
    epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    seated = {seat.genesis.log for seat in epoch.seats.values()} if epoch else set()
    for each in new:
        if each.genesis.log in seated:
            raise usage(f"{each.name} has a seat already.", "See: fedsync bodies show")
        if _has_seat(reading, scope, epoch, each, gone):
            raise usage(
                f"{each.name} has a seat already, by another key: a person has one voice.",
                f'To move it to this key: fedsync people rotate "{each.name}"',
            )
    tips = [tip for key in gone for tip in fact_tips(reading, scope, key)]

    def draft() -> Drafted:
        seats = [each.genesis for each in new]
        return draft_change(reading.view, scope, replace(more, add=seats, drop=gone, k=threshold, cuts=tips))

    drafting(draft)  # What cannot be drafted must not leave keys behind.
    for each in new:
        each.keep(author.home)
    page, number = carry(author, reading, door, draft)
    for each in new:
        introduce(author, reading, door, scope, each, each.name)
    return page, number


def introduce(author: Author, reading: Reading, door: Door, scope: Scope, new: New, name: str) -> None:
    """Say what a new key's holder is called: in its own log where the key is here, else in the author's."""
    if new.private is not None:
        replace(new, name=name).introduce(author.home, reading, door)
        return
    with author.writing():
        into = voice(author, reading, scope).genesis
        author.write_as(door, reading, into, [Draft("person", person(new.genesis.key, name), now_ms())])


@dataclass(frozen=True)
class Mending:
    """What a repair page is to say: who has a seat from then on; of a body of bodies the seats stay as they are."""

    body: FollowedBody
    tellers: Sequence[str] = ()
    """Tellers of our own community, whose keys are made here."""
    people: Sequence[Person] = ()
    threshold: int | None = None
    proposal: PageId | None = None
    """A change of a body of bodies that enough of them have consented to."""


def repair(
    home: Home, reading: Reading, door: Door, sheet: Path, mending: Mending, passphrase: Passphrase
) -> tuple[PageId, str]:
    """Mend a book with the repair keys on a sheet; return the repair page and its status. Raises a Problem."""
    scope = mending.body.scope
    _check(reading, mending)
    typed = read_sheet(sheet)
    new = _new_tellers(home, reading, scope, mending.tellers, passphrase)
    seats = [each.genesis for each in new] or [each.seat(scope) for each in mending.people]

    def entries(epoch: Epoch, head: PageId) -> list[dict[str, Value]]:
        if mending.proposal is not None:
            return consented(reading, mending.proposal, head)
        return [reseated(epoch, seats, mending.threshold or usual_k(len(seats)))] if seats else []

    drafted = drafting(lambda: draft_mending(reading.view, scope, entries))
    epoch = current_epoch(reading.view, scope, drafted.on)
    keys = [private for private in typed if epoch is not None and public_key(private) in epoch.repair]
    if not keys:
        raise refused(
            "no_repair_key",
            "None of the keys on this sheet is a repair key of this body. Nothing was changed.",
            "Look for the sheet that names it: fedsync bodies show",
        )
    for each in new:
        each.keep(home)
    value, page = page_of(drafted)
    for number, private in enumerate(keys):
        _speak(home, reading, door, scope, private, page, drafted, value)
        # Named by the page that the first key carries, and there before the others look for them.
        for each in new if not number else ():
            each.introduce(home, reading, door)
    view = page_view(reading.view, page)
    assert view is not None
    return page, view.status


def _check(reading: Reading, mending: Mending) -> None:
    """Raise a Problem (exit 2) when the seats do not fit the body."""
    at = book(reading.view, mending.body.scope)
    epoch = current_epoch(reading.view, mending.body.scope, at.head) if at is not None else None
    here = known(reading.view, mending.proposal) if mending.proposal is not None else None
    if mending.proposal is not None and (here is None or here.scope != mending.body.scope):
        raise usage("That page proposes nothing for this body.", "See: fedsync bodies show NAME")
    if mending.body.source == "own":
        if mending.people or mending.threshold is None:
            raise usage(
                "Say who keeps our book from now on.", "Add --teller NAME for each, and --threshold K."
            )
        check_numbers(mending.tellers, mending.threshold)
    elif mending.tellers:
        raise usage(
            "Tellers are people of our own community.", "Name the others with --seat PERSON@COMMUNITY."
        )
    elif epoch is not None and epoch.members and (mending.people or mending.threshold is not None):
        raise usage(
            "The seats of a body of bodies stay as they are: another choice needs their consent.",
            "Leave out --seat and --threshold, or name a change that they consented to: --from PAGE.",
        )
    elif epoch is not None and epoch.seats and not mending.people and mending.threshold is not None:
        raise usage("Say who has a seat from now on.", "Add --seat PERSON@COMMUNITY for each.")


def _new_tellers(
    home: Home, reading: Reading, scope: Scope, names: Sequence[str], passphrase: Passphrase
) -> list[New]:
    check_tellers([_named(each)[0] for each in names])
    found = []
    for asked in names:
        name, device = _named(asked)
        if device is not None:
            found.append(New(name, None, genesis_of(scope, *device), kept=True, secret=None))
            continue
        kept = (home.people / keyring.file_name(name)).exists()
        secret = passphrase(name)
        private = keyring.load_person(home, name, secret) if kept else Ed25519PrivateKey.generate()
        found.append(New(name, private, _genesis(reading, scope, private), kept, secret))
    return found


def _named(asked: str) -> tuple[str, tuple[Key, bytes] | None]:
    """Return a name, and the key and device of NAME=LINE. Raises NotAKey when the line has a wrong letter."""
    name, sign, line = asked.rpartition("=")
    if not sign or len(line) < DEVICE_TEXT_LENGTH:
        return asked, None  # a name may hold such a sign itself
    return name.strip(), parse_device(line)


def _has_seat(reading: Reading, scope: Scope, epoch: Epoch | None, new: New, gone: Sequence[Key]) -> bool:
    """Say whether somebody of this name keeps a seat by another key."""
    called = names_of(reading.view, scope)
    return any(
        key != new.genesis.key and key not in gone and called.get(key, "").casefold() == new.name.casefold()
        for key in (epoch.keys if epoch is not None else ())
    )


def _genesis(reading: Reading, scope: Scope, private: PrivateKey, capacity: Capacity = SEAT) -> Genesis:
    return genesis_of(scope, public_key(private), reading.store.directory.incarnation, capacity)


def genesis_of(scope: Scope, key: Key, incarnation: bytes, capacity: Capacity = SEAT) -> Genesis:
    """Return the log of pages and signatures that a key writes in a body's book, from one data directory."""
    reach = REACH_OF[LogClass.AUTHORITY]
    return Genesis(key, scope, capacity, LogClass.AUTHORITY, reach, incarnation)


def _teller(reading: Reading, scope: Scope, name: str) -> Key:
    """Return the key of the body's teller of this name. Raises a Problem (exit 6) that lists who there is."""
    epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    called = names_of(reading.view, scope)
    seats = {key: called.get(key, key.hex()[:8]) for key in (epoch.keys if epoch else ())}
    found = [key for key, each in seats.items() if each.casefold() == name.casefold()]
    found = found or [key for key in seats if begins(name, key.hex())]
    if not found:
        raise not_found("teller", name, f"The tellers are: {', '.join(sorted(seats.values()))}.")
    return the_one("teller", name, found, lambda key: key.hex()[:8])


def fact_tips(reading: Reading, scope: Scope, key: Key) -> list[Tip]:
    """Return where a teller's logs of goods and promises stand here: beyond that they do not count once the seat is dropped.

    No page names what is local: it never leaves our own nodes, and stays as it is.
    """
    tips = []
    for log in reading.store.logs.named(scope, key):
        row = reading.store.logs.row(log)
        if row is None or row.genesis.capacity != SEAT or row.genesis.reach is Reach.LOCAL:
            continue
        if row.genesis.log_class in (LogClass.FACTS, LogClass.PLANS):
            tips += [Tip(log, head.seq, head.id) for head in reading.store.logs.heads(log)]
    return tips


def _speak(
    home: Home,
    reading: Reading,
    door: Door,
    scope: Scope,
    private: PrivateKey,
    page: PageId,
    drafted: Drafted,
    carried: Value,
) -> None:
    """Sign the repair page with one key of the sheet; the first one carries the page."""
    genesis = _genesis(reading, scope, private, REPAIR)
    with home.sealing(genesis.key):
        drafts = []
        do = next_signature(reading.view, page, genesis.log, begun(genesis))
        if page_view(reading.view, page) is None:
            drafts.append(Draft("page", carried, now_ms()))
            do = Sign(0)
        if not isinstance(do, Sign):
            return
        value: dict[str, Value] = {"page": page, "slot": drafted.on, "round": do.round}
        if do.lock is not None:
            value["lock"] = do.lock
        drafts.append(Draft("signature", value, now_ms()))
        base = reading.store.logs.tip(genesis.log)
        door.take([block.raw for block in seal(private, genesis, base, drafts, now_ms())])
