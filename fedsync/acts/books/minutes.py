"""The minute book: drafting pages, signing and approving them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.voices import carrier, voice
from fedsync.crdt.books.booktables import ADOPTED, DRAFTED, SEALED, status
from fedsync.crdt.books.consents import is_proposal
from fedsync.crdt.books.drafting import CannotDraft, Drafted, draft_page, witnesses
from fedsync.crdt.books.epoch import begun
from fedsync.crdt.books.minutes import page_ids, page_view
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_act
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.picking import SHORTEST, begins, the_one
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.codec import MAX_RECORD_BYTES, Value, pack
from fedsync.records.genesis import Genesis
from fedsync.records.ids import PageId, Scope, payload_id
from fedsync.records.seal import Draft, normal
from fedsync.records.void import Void

MAX_TITLE = 500
"""Letters of a decision's title: the longest of the United Nations has some 300."""
AROUND_ENTRIES = 512
"""Bytes of a page's record that are no entry: its header, the body, the page before."""
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
    return enter(author, reading, door, reading.own().scope, [decision(title, text)])


def decision(title: str, text: str) -> dict[str, Value]:
    """Return a decision as it will stand on a page. Raises a Problem (exit 2) when no page can hold it."""
    if not title or len(title) > MAX_TITLE or not is_plain(title):
        raise usage(
            f"A decision needs a title: one line of 1 to {MAX_TITLE} letters.", "Put the rest into its text."
        )
    if len(text.encode(errors="replace")) > MAX_TEXT_BYTES:
        raise usage(
            f"The decision's text is longer than a page holds ({MAX_TEXT_BYTES:,} bytes).",
            "Shorten it, or make several decisions of it.",
        )
    if any(not is_plain(line) for line in text.split("\n")):
        raise usage("The decision's text holds control characters.", "Save it as plain text, UTF-8.")
    return {"kind": "decision", "title": title, "text": text}


def enter(
    author: Author, reading: Reading, door: Door, scope: Scope, entries: Sequence[dict[str, Value]]
) -> tuple[PageId, int]:
    """Draft a body's next page with these entries; return its id and number. Raises a Problem.

    A page of a body whose seats are bodies also witnesses how far their books have come (H4).
    """
    return carry(
        author,
        reading,
        door,
        lambda: draft_page(reading.view, scope, [*entries, *witnesses(reading.view, scope, _room(entries))]),
        scope,
    )


def _room(entries: Sequence[dict[str, Value]]) -> int:
    """Return how many bytes these entries leave on a page."""
    return MAX_RECORD_BYTES - AROUND_ENTRIES - sum(len(pack(each)) for each in entries)


def fitting(entries: Sequence[dict[str, Value]]) -> int:
    """Return how many of these entries, from the first on, fit on one page; at least one."""
    number = len(entries)
    while number > 1 and _room(entries[:number]) < 0:
        number -= 1
    return number


def carry(
    author: Author, reading: Reading, door: Door, draft: Callable[[], Drafted], scope: Scope | None = None
) -> tuple[PageId, int]:
    """Write a drafted page of a body, our own by default, into a log of the author's that others let in."""
    with author.writing():
        drafted = drafting(draft)
        value, page = page_of(drafted)
        if page_view(reading.view, page) is None:
            into = carrier(author, reading, scope or reading.own().scope)
            author.write_as(door, reading, into, [Draft("page", value, now_ms())])
    return page, drafted.number


def page_of(drafted: Drafted) -> tuple[Value, PageId]:
    """Return a drafted page as it will be written, and its id."""
    value = normal(dict(drafted.value))
    return value, PageId(payload_id(pack(value)))


def drafting(draft: Callable[[], Drafted]) -> Drafted:
    """Return what `draft` makes; what cannot be drafted becomes a Problem (exit 7)."""
    try:
        return draft()
    except CannotDraft as error:
        raise refused(error.code, _sentence(str(error)), "See: fedsync bodies show") from None
    except Void as error:
        raise refused(
            error.code, _sentence(f"such a page would be void: {error}"), "See: fedsync bodies show"
        ) from None


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


def find_page(reading: Reading, asked: str) -> PageId:
    """Return the page whose id begins so, or whose number it is: 3 in our own book, Valley/3 in another.

    Raises a Problem (exit 6).
    """
    whose, slash, number = asked.rpartition("/")
    if slash or (asked.isdecimal() and len(asked) < SHORTEST):
        scope = reading.body(whose).scope if slash else reading.own().scope
        same = [page for page, each in page_ids(reading.view, scope) if str(each) == number]
        # Of rivals the one that was sealed is meant, or the only one that still can be.
        for wanted in ((SEALED,), (SEALED, ADOPTED, DRAFTED)):
            found = [page for page in same if _status(reading, scope, page) in wanted]
            same = found or same
        same = [page for page in same if not is_proposal(reading.view, page)] or same
    else:
        same = [
            page
            for body in reading.store.followed.all()
            for page, _ in page_ids(reading.view, body.scope)
            if begins(asked, page.hex())
        ]
    return the_one("page", asked, same, lambda page: page.hex()[:12], "fedsync book list")


def _status(reading: Reading, scope: Scope, page: PageId) -> str:
    found = status(reading.view, scope, page)
    return found.status if found else ""


def sign(author: Author, reading: Reading, door: Door, page: PageId) -> Said:
    """Sign a page, and approve it in the same act where that is allowed already. Raises a Problem (exit 7)."""
    with author.writing():
        seat = _seat(author, reading, page)
        acts = next_act(reading.view, page, seat.log, begun(seat))
        if isinstance(acts, Refuse):
            raise refused(acts.code, _sentence(acts.sentence), _turn_to(acts.page, acts.code))
        drafts = [voice_draft(page, _slot(reading, page), act) for act in acts]
        author.write_as(door, reading, seat, drafts)
        if isinstance(acts[-1], Approve):
            return Said(acts[-1].round, True)
        later = may_approve(reading.view, page, seat.log)
        reason = "" if isinstance(later, Approve) else _sentence(later.sentence)
        return Said(acts[-1].round, False, reason)


def voice_draft(page: PageId, slot: PageId, act: Sign | Approve) -> Draft:
    """Return the record that says `act` of a page."""
    value: dict[str, Value] = {"page": page, "slot": slot, "round": act.round}
    if isinstance(act, Approve):
        return Draft("approval", value, now_ms())
    if act.lock is not None:
        value["lock"] = act.lock
    return Draft("signature", value, now_ms())


def approve(author: Author, reading: Reading, door: Door, page: PageId) -> Said:
    """Approve a page that enough tellers have signed. Raises a Problem (exit 7)."""
    with author.writing():
        seat = _seat(author, reading, page)
        do = may_approve(reading.view, page, seat.log)
        if not isinstance(do, Approve):
            raise refused(do.code, _sentence(do.sentence), _turn_to(do.page or page, do.code))
        author.write_as(door, reading, seat, [voice_draft(page, _slot(reading, page), do)])
        return Said(do.round, True)


def _slot(reading: Reading, page: PageId) -> PageId:
    view = page_view(reading.view, page)
    if view is None or view.prev is None:
        raise refused(
            "page-zero", "Page 0 needs no signatures: it is where the book begins.", "See: fedsync book list"
        )
    return view.prev


def _seat(author: Author, reading: Reading, page: PageId) -> Genesis:
    """Return the log in which the author speaks about a page. Raises a Problem (exit 7)."""
    slot = _slot(reading, page)
    view = page_view(reading.view, page)
    assert view is not None
    said = voice(author, reading, view.scope, slot)
    given = said.mandate
    if given is not None and given.mandate.until is not None and given.mandate.until < now_ms():
        raise refused(
            "term-over",
            f"The term of {author.name}'s mandate is over: such a signature would be void.",
            f"See: fedsync mandates show {given.id[0].hex()[:8]}:{given.id[1]}",
        )
    return said.genesis


def _turn_to(page: PageId | None, code: str = "") -> str:
    if code == "new-log-not-held":
        return (
            "Where that key lies: fedsync people begin NAME --body BODY; then wait until that has come here."
        )
    if page is not None and code == "no-quorum":
        return f"See who is missing: fedsync why {page.hex()[:8]}"
    return f"See: fedsync book show {page.hex()[:8]}" if page else "See: fedsync book list"
