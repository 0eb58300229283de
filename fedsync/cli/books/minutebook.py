"""A minute book to be read on paper: its pages in order, with dates, names, entries and what became of them, as text."""

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fedsync.acts.books.rotation import page_time
from fedsync.cli.books.entries import describe, naming
from fedsync.cli.telling import day
from fedsync.crdt.books.booktables import DISPLACED, SEALED, STATUSES
from fedsync.crdt.books.minutes import PageView, page_view
from fedsync.crdt.books.motions import dissents
from fedsync.crdt.books.naming import Naming, motion_at, short
from fedsync.crdt.books.slotview import judge_slot
from fedsync.crdt.books.whypages import in_a_row
from fedsync.crdt.why import about_entry
from fedsync.plain import plain
from fedsync.reading import Reading
from fedsync.records.ids import PageId, RecordId, Scope
from fedsync.records.kinds.entries import Confirm, Decision, Entry, Result, UnknownEntry, VoidEntry
from fedsync.records.kinds.fields import plain as in_one_language

WIDTH = 72
"""Columns of the text: what a letter page and an 80 column screen both hold."""

STATUS_WORDS = {
    "sealed": "sealed",
    "adopted": "ADOPTED, NOT SEALED YET",
    "drafted": "DRAFT, NOT SIGNED BY ENOUGH",
    "frozen": "FROZEN: THE BOOK IS SPLIT HERE",
    "displaced": "NOT PART OF THE BOOK: A RIVAL WAS SEALED IN ITS PLACE",
}
PLAIN_STATUS = ("in_force", "in force")
"""What goes without saying of an entry on a sealed page."""


@dataclass(frozen=True, slots=True)
class Item:
    """One entry: a heading, the words under it, and notes on what became of it."""

    heading: str
    words: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page of a minute book."""

    number: int
    id: str
    date: str
    """When its draft says that it was written; nobody vouches for that."""
    status: str
    signed: str
    sealed: str
    missing: str
    items: tuple[Item, ...]
    dissents: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the page is called."""
        return f"Page {self.number}"


@dataclass(frozen=True, slots=True)
class MinuteBook:
    """What is printed: a body, and some pages of its book."""

    name: str
    id: str
    printed: str
    sheets: tuple[Sheet, ...]


def minute_book(
    reading: Reading, scope: Scope, body: PageId, first: int, last: int | None, now: int
) -> MinuteBook:
    """Return the pages of a book from one number to another, as far as they are held. Displaced ones are left out."""
    called = naming(reading)
    ids = [
        PageId(key[1])  # type: ignore[arg-type]
        for key, row in reading.view.scan(STATUSES, (scope,))
        if row[1] != DISPLACED and first <= int(row[0]) and (last is None or int(row[0]) <= last)  # type: ignore[arg-type]
    ]
    views = sorted(
        (found for each in ids if (found := page_view(reading.view, each)) is not None),
        key=lambda each: (each.number, each.id),
    )
    sheets = tuple(_sheet(reading, called, each) for each in views)
    return MinuteBook(reading.name_of(scope), body.hex(), day(now), sheets)


def _sheet(reading: Reading, called: Naming, page: PageView) -> Sheet:
    missing = [
        *(called.body(each) for each in page.bodies_to_sign),
        *(called.person(key, page.scope) for key in page.missing),
    ]
    signed, sealed = _names(reading, called, page)
    return Sheet(
        number=page.number,
        id=short(page.id),
        date=_date(reading, page.id),
        status=page.status,
        signed=signed,
        sealed=sealed,
        missing=", ".join(sorted(missing)),
        items=tuple(_item(reading, called, page, index, entry) for index, entry in enumerate(page.entries)),
        dissents=tuple(_dissents(reading, called, page.id)),
    )


def _names(reading: Reading, called: Naming, page: PageView) -> tuple[str, str]:
    """Return who stands by a page, for whom, and who sealed it."""
    if page.prev is None:
        return "", ""
    judged = judge_slot(reading.view, page.prev)
    tally = judged.tallies[page.id]
    if tally.repair or judged.epoch is None:
        return called.everyone(page.signed_by, page.scope), ""
    seats = {log for log in tally.standing if log in judged.speaks or log in judged.epoch.seats}
    sealed = called.everyone(page.approved_by, page.scope) if page.approved_by else ""
    return in_a_row(judged, seats, page.scope, called), sealed


def _date(reading: Reading, page: PageId) -> str:
    time = page_time(reading, page)
    return day(time) if time is not None else ""


def _item(reading: Reading, called: Naming, page: PageView, index: int, entry: Entry) -> Item:
    heading, *words = describe(reading, page.scope, entry)["lines"]
    notes: list[str] = []
    if not isinstance(entry, VoidEntry | UnknownEntry):
        answer = about_entry(reading.view, page.id, index, called)
        if page.status == SEALED and answer.status not in PLAIN_STATUS:
            notes.append(f"{answer.status.replace('_', ' ')}: {answer.reason}")
        if isinstance(entry, Result):
            notes = [f"{answer.status}: {answer.reason}", *answer.evidence]
            notes += [f"Still open: {'; '.join(answer.missing)}."] if answer.missing else []
            words += _motion(called, entry.motion)
            notes += [f"Against it: {each}" for each in _dissents(reading, called, entry.motion)]
        elif isinstance(entry, Decision) and entry.motion is not None:
            notes += [f"Against it: {each}" for each in _dissents(reading, called, entry.motion)]
        elif isinstance(entry, Confirm) and entry.vote is not None:
            notes += [f"Against it: {each}" for each in _dissents(reading, called, entry.vote)]
    return Item(heading, tuple(each.removeprefix("  ") for each in words), tuple(notes))


def _motion(called: Naming, motion: RecordId) -> Iterator[str]:
    """Yield the words of a motion, so that minutes say what was asked."""
    said = motion_at(called.view, motion)
    if said is None:
        return
    for line in in_one_language(said.text).split("\n"):
        yield f"  {line}"
    for name, text in said.clauses:
        yield f"  Clause {name}: {in_one_language(text)}"


def _dissents(reading: Reading, called: Naming, about: bytes) -> Iterator[str]:
    for each in dissents(reading.view, about):
        yield f"{called.person(each.key, each.scope)} of {called.book(each.scope)}: {in_one_language(each.text)}"


# --- As text ------------------------------------------------------------------------------------------


def as_text(book: MinuteBook) -> str:
    """Return a book as plain text of 72 columns, with nothing that a terminal or printer would obey."""
    lines = [plain(book.name).upper(), *_wrapped(about(book)), ""]
    for sheet in book.sheets:
        head = f"{sheet.title}  ({sheet.id})"
        lines += ["=" * WIDTH, f"{head}{plain(sheet.date).rjust(WIDTH - len(head))}", "=" * WIDTH]
        if sheet.status != SEALED:
            lines += _wrapped(f"*** {STATUS_WORDS.get(sheet.status, sheet.status)} ***")
        for number, item in enumerate(sheet.items, 1):
            lines += ["", *_wrapped(item.heading, f"{number:3}. ", "     ")]
            for word in item.words:
                lines += _wrapped(word, "     ", "     ")
            for note in item.notes:
                lines += _wrapped(note, "     - ", "       ")
        if not sheet.items:
            lines += ["", "     (no entries)"]
        lines += ["", *(line for each in signers(sheet) for line in _wrapped(each))]
        for each in sheet.dissents:
            lines += _wrapped(f"Against this page: {each}")
        lines.append("")
    return "\n".join(line.rstrip() for line in lines) + "\n"


def signers(sheet: Sheet) -> list[str]:
    """Return who stands by a page, and who is missing."""
    if sheet.number == 0:
        return ["The book begins here."]
    lines = [f"Signed by {sheet.signed}."]
    if sheet.sealed:
        lines.append(f"{'Sealed' if sheet.status == SEALED else 'Approved'} by {sheet.sealed}.")
    return [*lines, f"Missing: {sheet.missing}."] if sheet.missing else lines


def about(book: MinuteBook) -> str:
    """Return what a printed book is, in a sentence."""
    if not book.sheets:
        return f"Minute book {book.id[:16]}, as held here on {book.printed}: no such page."
    first, last = book.sheets[0].number, book.sheets[-1].number
    which = f"page {first}" if first == last else f"pages {first} to {last}"
    return (
        f"Minute book {book.id[:16]}, {which}, as held here on {book.printed}. "
        "Dates are those that were claimed; signatures were checked."
    )


def _wrapped(text: str, first: str = "", rest: str = "") -> list[str]:
    lines: list[str] = []
    for each in text.split("\n"):
        shown = plain(each)
        indent = " " * (len(shown) - len(shown.lstrip(" ")))
        lines += _folded(shown.split(), (rest if lines else first) + indent, rest + indent)
    return lines


def _folded(words: Sequence[str], first: str, rest: str) -> list[str]:
    """Return words in lines of no more cells than the width; a word that is wider is cut where it must."""
    lines, line, empty = [], first, True
    for word in words:
        left = word
        while cells(line) + cells(left) + (not empty) > WIDTH:
            if not empty:
                lines.append(line)
                line, empty = rest, True
                continue
            part = _fitting(left, WIDTH - cells(line))
            lines.append(line + part)
            line, left = rest, left[len(part) :]
        if left:
            line, empty = f"{line}{'' if empty else ' '}{left}", False
    return [*lines, line] if not empty or not lines else lines


def _fitting(word: str, room: int) -> str:
    """Return the beginning of a word that fits into so many cells; one letter at least."""
    for at in range(1, len(word)):
        if cells(word[: at + 1]) > room:
            return word[:at]
    return word


def cells(text: str) -> int:
    """Return how many columns a text takes: the letters of some scripts take two, marks above a letter none."""
    return sum(
        0 if unicodedata.combining(each) else 2 if unicodedata.east_asian_width(each) in "WF" else 1
        for each in text
    )
