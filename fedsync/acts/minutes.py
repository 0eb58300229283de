"""The minute book: drafting pages, signing and approving them, changing who has a seat, and repairing a book."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fedsync import keyring
from fedsync.acts.author import REACH_OF, Author, now_ms
from fedsync.acts.founding import check_numbers, person
from fedsync.crdt.drafting import CannotDraft, Drafted, draft_epoch, draft_page, draft_repair
from fedsync.crdt.minutes import current_epoch, page_ids, page_view
from fedsync.crdt.people import names as names_of
from fedsync.crdt.tellers import Approve, Refuse, Sign, may_approve, next_act, next_signature
from fedsync.doors import Door
from fedsync.errors import Problem, not_found, refused, usage
from fedsync.home import Home
from fedsync.picking import SHORTEST, begins, the_one
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.codec import NotCanonical, Value, pack
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.genesis import REPAIR, SEAT, Genesis
from fedsync.records.ids import Key, LogClass, LogId, PageId, Scope, payload_id
from fedsync.records.kinds.authority import Tip
from fedsync.records.seal import Draft, seal
from fedsync.records.void import Void
from fedsync.sheet import read_sheet

MAX_TITLE = 500
"""Letters of a decision's title: the longest of the United Nations has some 300."""
MAX_TEXT_BYTES = 30_000
"""Of a decision's text: a record holds 32 KiB, with title and names."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a signature came to: the round, and whether it approved in the same act or why not yet."""

    round: int
    approved: bool
    reason: str = ""


def propose(author: Author, reading: Reading, door: Door, title: str, text: str) -> tuple[PageId, int]:
    """Draft the next page with one decision; return its id and number. Raises a Problem."""
    if not title or len(title) > MAX_TITLE or not is_plain(title):
        raise usage(f"A decision needs a title: one line of 1 to {MAX_TITLE} letters.", "Put the rest into its text.")
    if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise usage(
            f"The decision's text is longer than a page holds ({MAX_TEXT_BYTES:,} bytes).",
            "Shorten it, or make several decisions of it.",
        )
    if any(not is_plain(line) for line in text.split("\n")):
        raise usage("The decision's text holds control characters.", "Save it as plain text, UTF-8.")
    entry: dict[str, Value] = {"kind": "decision", "title": title, "text": text}
    return _carry(author, reading, door, lambda: draft_page(reading.view, reading.own().scope, [entry]))


def _carry(
    author: Author, reading: Reading, door: Door, draft: Callable[[], Drafted]
) -> tuple[PageId, int]:
    """Write a drafted page into the author's own log."""
    with author.writing():
        drafted = drafting(draft)
        page = PageId(payload_id(pack(drafted.value)))
        if page_view(reading.view, page) is None:
            author.write(door, reading, LogClass.AUTHORITY, [Draft("page", dict(drafted.value), now_ms())])
    return page, drafted.number


def drafting(draft: Callable[[], Drafted]) -> Drafted:
    """Return what `draft` makes; what cannot be drafted becomes a Problem (exit 7)."""
    try:
        return draft()
    except CannotDraft as error:
        raise refused(error.code, _sentence(str(error))) from None
    except Void as error:
        raise refused(error.code, _sentence(f"such a page would be void: {error}")) from None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def find_page(reading: Reading, asked: str) -> PageId:
    """Return the page whose id begins so, or whose number it is in our own book. Raises a Problem (exit 6)."""
    own = reading.own().scope
    if asked.isdecimal() and len(asked) < SHORTEST:
        same = [page for page, number in page_ids(reading.view, own) if number == int(asked)]
    else:
        same = [
            page
            for body in reading.store.followed.all()
            for page, _ in page_ids(reading.view, body.scope)
            if begins(asked, page.hex())
        ]
    return the_one("page", asked, same, lambda page: page.hex()[:12], "fedsync book list")


def sign(author: Author, reading: Reading, door: Door, page: PageId) -> Said:
    """Sign a page, and approve it in the same act where that is allowed already. Raises a Problem (exit 7)."""
    with author.writing():
        _slot(reading, page)
        log = _seat(author, reading, page)
        acts = next_act(reading.view, page, log)
        if isinstance(acts, Refuse):
            raise refused(acts.code, _sentence(acts.sentence), _turn_to(acts.page))
        drafts = [_voice(reading, page, act) for act in acts]
        author.write(door, reading, LogClass.AUTHORITY, drafts)
        if isinstance(acts[-1], Approve):
            return Said(acts[-1].round, True)
        later = may_approve(reading.view, page, log)
        reason = "" if isinstance(later, Approve) else _sentence(later.sentence)
        return Said(acts[-1].round, False, reason)


def _voice(reading: Reading, page: PageId, act: Sign | Approve) -> Draft:
    """Return the record that says `act` of a page."""
    value: dict[str, Value] = {"page": page, "slot": _slot(reading, page), "round": act.round}
    if isinstance(act, Approve):
        return Draft("approval", value, now_ms())
    if act.lock is not None:
        value["lock"] = act.lock
    return Draft("signature", value, now_ms())


def approve(author: Author, reading: Reading, door: Door, page: PageId) -> Said:
    """Approve a page that enough tellers have signed. Raises a Problem (exit 7)."""
    with author.writing():
        _slot(reading, page)
        log = _seat(author, reading, page)
        do = may_approve(reading.view, page, log)
        if not isinstance(do, Approve):
            raise refused(do.code, _sentence(do.sentence), _turn_to(do.page))
        author.write(door, reading, LogClass.AUTHORITY, [_voice(reading, page, do)])
        return Said(do.round, True)


def _slot(reading: Reading, page: PageId) -> PageId:
    view = page_view(reading.view, page)
    if view is None or view.prev is None:
        raise refused("page-zero", "Page 0 needs no signatures: it is where the book begins.", "See: fedsync book list")
    return view.prev


def _seat(author: Author, reading: Reading, page: PageId) -> LogId:
    """Return the author's log for the body that the page belongs to."""
    view = page_view(reading.view, page)
    scope = view.scope if view else reading.own().scope
    return author.genesis(reading, LogClass.AUTHORITY, scope).log


def _turn_to(page: PageId | None) -> str:
    return f"See: fedsync book show {page.hex()[:8]}" if page else "See: fedsync book list"


# --- Who has a seat -----------------------------------------------------------------------------------


def change_epoch(
    author: Author,
    reading: Reading,
    door: Door,
    add: Sequence[str],
    drop: Sequence[str],
    threshold: int | None,
    passphrase: Callable[[str], bytes | None],
) -> tuple[PageId, int]:
    """Draft a page with other tellers or another threshold; make keys for those who have none. Raises a Problem."""
    scope = reading.own().scope
    gone = [find_teller(reading, scope, name) for name in drop]
    made: list[tuple[str, PrivateKey, Genesis]] = []
    new: list[Genesis] = []
    known = {each.name.casefold() for each in keyring.people(author.home)}
    for name in add:
        if name.casefold() in known:
            private = keyring.load_person(author.home, name, passphrase(name))
        else:
            private = keyring.create_person(author.home, name, passphrase(name))
        genesis = _seat_genesis(reading, scope, private)
        made.append((name, private, genesis))
        new.append(genesis)
    tips = [tip for key in gone for tip in fact_tips(reading, scope, key)]
    page, number = _carry(
        author, reading, door, lambda: draft_epoch(reading.view, scope, new, gone, threshold, tips)
    )
    for name, private, genesis in made:
        introduce(author.home, reading, door, name, private, genesis)
    return page, number


def _seat_genesis(
    reading: Reading, scope: Scope, private: PrivateKey, capacity: tuple[str | int | bytes, ...] = SEAT
) -> Genesis:
    reach = REACH_OF[LogClass.AUTHORITY]
    incarnation = reading.store.directory.incarnation
    return Genesis(public_key(private), scope, capacity, LogClass.AUTHORITY, reach, incarnation)


def introduce(
    home: Home, reading: Reading, door: Door, name: str, private: PrivateKey, genesis: Genesis
) -> None:
    """Say in a new teller's own log what its holder is called, unless that was said."""
    with home.sealing(genesis.key):
        if reading.store.logs.row(genesis.log) is None:
            drafts = [Draft("person", person(genesis.key, name), now_ms())]
            door.take([block.raw for block in seal(private, genesis, None, drafts, now_ms())])


def find_teller(reading: Reading, scope: Scope, name: str) -> Key:
    """Return the key of the body's teller of this name. Raises a Problem (exit 6) that lists who there is."""
    from fedsync.crdt.drafting import newest

    epoch = current_epoch(reading.view, scope, newest(reading.view, scope))
    called = names_of(reading.view, scope)
    seats = {key: called.get(key, key.hex()[:8]) for key in (epoch.keys if epoch else ())}
    found = [key for key, each in seats.items() if each.casefold() == name.casefold()]
    if not found:
        raise not_found("teller", name, f"The tellers are: {', '.join(sorted(seats.values()))}.")
    return the_one("teller", name, found, lambda key: key.hex()[:8])


def fact_tips(reading: Reading, scope: Scope, key: Key) -> list[Tip]:
    """Return where the fact logs of a key stand here: what is beyond does not count once its seat is dropped."""
    tips = []
    for log in reading.store.logs.named(scope, key):
        row = reading.store.logs.row(log)
        if row is not None and row.genesis.log_class is LogClass.FACTS:
            tips += [Tip(log, head.seq, head.id) for head in reading.store.logs.heads(log)]
    return tips


def repair(
    home: Home,
    reading: Reading,
    door: Door,
    sheet: Path,
    tellers: Sequence[str],
    threshold: int,
    passphrase: Callable[[str], bytes | None],
) -> tuple[PageId, str]:
    """Name new tellers with the repair keys on a sheet; return the page and its status. Raises a Problem."""
    check_numbers(tellers, threshold)
    keys = read_sheet(sheet)
    scope = reading.own().scope
    known = {each.name.casefold() for each in keyring.people(home)}
    seats: list[tuple[str, PrivateKey, Genesis]] = []
    for name in tellers:
        make = keyring.load_person if name.casefold() in known else keyring.create_person
        private = make(home, name, passphrase(name))
        seats.append((name, private, _seat_genesis(reading, scope, private)))
    drafted = drafting(lambda: draft_repair(reading.view, scope, [each[2] for each in seats], threshold))
    page = PageId(payload_id(pack(drafted.value)))
    for private in keys:
        _repair_voice(home, reading, door, scope, private, page, drafted)
    for name, private, genesis in seats:
        introduce(home, reading, door, name, private, genesis)
    view = page_view(reading.view, page)
    if view is None:
        raise refused("no_repair_key", "None of the keys on this sheet is a repair key of this community.")
    return page, view.status


def _repair_voice(
    home: Home,
    reading: Reading,
    door: Door,
    scope: Scope,
    private: PrivateKey,
    page: PageId,
    drafted: Drafted,
) -> None:
    """Sign the repair page with one key of the sheet; the first one carries the page."""
    genesis = _seat_genesis(reading, scope, private, REPAIR)
    with home.sealing(genesis.key):
        drafts = []
        if page_view(reading.view, page) is None:
            drafts.append(Draft("page", dict(drafted.value), now_ms()))
        do = next_signature(reading.view, page, genesis.log, genesis.key) if not drafts else Sign(0)
        if not isinstance(do, Sign):
            return
        value: dict[str, Value] = {"page": page, "slot": drafted.on, "round": do.round}
        if do.lock is not None:
            value["lock"] = do.lock
        drafts.append(Draft("signature", value, now_ms()))
        try:
            base = reading.store.logs.tip(genesis.log)
            door.take([block.raw for block in seal(private, genesis, base, drafts, now_ms())])
        except NotCanonical as error:
            raise Problem("not_a_record", f"The repair page cannot be written: {error}.") from None


