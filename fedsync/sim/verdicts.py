"""What the votes of delegates come to, worked out once more from the bytes on a disk: what must be void, and what stands.

Plain loops over all records, slow and obvious; nothing of the folds. It knows the simplest form of each rule, which is
what people of a simulation make use of, and says nothing where it is not sure.
"""

from collections.abc import Collection, Iterator
from typing import Final

from fedsync.records.ids import PayloadId, RecordId, Scope
from fedsync.sim.archive import Fields, Page, listed
from fedsync.sim.plainread import Said, Value
from fedsync.sim.seals import Seals

IDLE: Final = frozenset({"decision", "witness", "result"})
"""Kinds of entries that give, end and say nothing for a body that sends somebody."""


class Court:
    """Judges the votes in what one node holds of books. `bodies`: those that it follows."""

    def __init__(self, seals: Seals, bodies: Collection[PayloadId]) -> None:
        self._archive = archive = seals.archive
        self._sealed = {body: seals.book(body) for body in bodies}
        self._book = {page.scope: book for book in self._sealed.values() for page in book[:1]}
        self._open: set[Scope] = {
            page.scope
            for body in bodies
            for page in seals.open(body)
            if any(each.get("kind") not in IDLE for each in page.entries)
        }
        """Books with pages that may still come to hold, and that bear on what a delegate's vote comes to."""
        self._records = archive.records

    def votes(self) -> Iterator[Said]:
        """Yield the votes of delegates."""
        for said in self._records.values():
            if said.kind == "vote" and said.of.capacity[0] == "mandate":
                yield said

    def verdict(self, vote: Said) -> str | None:
        """Return what a vote must be: "void" or "stands"; None when this is not sure."""
        found = self._archive.given(vote)
        if found is None:
            return None
        page, mandate = found
        breach = _breach(vote, mandate)
        word = self._word(vote, page.scope)
        if word is not None:
            return "stands" if word == vote.id else "void"
        if breach or self._ended(vote, page):
            return "void"
        return None if page not in self._book.get(page.scope, ()) or page.scope in self._open else "stands"

    def _word(self, vote: Said, scope: Scope) -> RecordId | None:
        """Return the vote that the first word of the body on the question names, if it says one here."""
        for page in self._book.get(scope, ()):
            for entry in page.entries:
                if entry.get("kind") != "confirm" or entry.get("motion") != _fields(vote)["motion"]:
                    continue
                named = self._records.get(RecordId(bytes(entry["vote"])))  # type: ignore[arg-type]
                given = self._archive.given(named) if named is not None else None
                if named is not None and given is not None and not _breach(named, given[1]):
                    return named.id
        return None

    def _ended(self, vote: Said, given: Page) -> bool:
        """Say whether a sealed page ends the mandate and does not keep the vote, whatever its date."""
        _, index = vote.of.capacity[1:]
        assert isinstance(index, int)
        seat = given.entries[index].get("seat")
        over = False
        for page in self._book.get(given.scope, ()):
            if page.number < given.number:
                continue
            for at, entry in enumerate(page.entries):
                later = (page.number, at) > (given.number, index)
                recalls = entry.get("kind") in ("recall", "closing") and entry.get("mandate") == [
                    given.id,
                    index,
                ]
                follows = entry.get("kind") == "mandate" and entry.get("seat") == seat and later and not over
                if (recalls and page.number > given.number) or follows:
                    over = True
                    tips = [_tip(each) for each in listed(entry.get("cuts"))]
                    if not any(self._on_chain(vote, tip) for tip in tips):
                        return True
        return False

    def _on_chain(self, vote: Said, tip: RecordId | None) -> bool:
        at = self._records.get(tip) if tip is not None else None
        while at is not None and at.seq > vote.seq:
            at = self._records.get(at.before)
        return at is not None and at.id == vote.id


def _breach(vote: Said, mandate: Fields) -> bool:
    """Say whether a vote is none of its mandate's holder, or against the instructions."""
    if mandate.get("kind") != "mandate" or mandate.get("holder") != vote.of.key:
        return True
    told = mandate["instructions"]
    assert isinstance(told, dict)
    allowed = told.get("*")
    return allowed != "free" and not (isinstance(allowed, list) and _fields(vote)["option"] in allowed)


def _fields(said: Said) -> Fields:
    assert isinstance(said.value, dict)
    return said.value


def _tip(value: Value) -> RecordId | None:
    """Return the record that a cut names."""
    if isinstance(value, dict):
        value = value.get("id")
    elif isinstance(value, list):
        value = value[-1]
    return RecordId(value) if isinstance(value, bytes) else None
