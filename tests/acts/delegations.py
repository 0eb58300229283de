"""A region of three communities that send delegates, and what delegates do, as short words for tests."""

from pathlib import Path

from fedsync.acts.author import now_ms
from fedsync.crdt.books.booktables import VOTE_VERDICTS, known
from fedsync.crdt.books.delegates import Given, given
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import SEAT
from fedsync.records.ids import LogClass, PageId, RecordId, Scope
from fedsync.records.kinds.entries import EntryId
from fedsync.records.seal import Draft
from tests.acts.valley import Valley
from tests.cli.calling import Place

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


class Delegations(Valley):
    """Three communities in a region called Valley; nobody is sent yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, *NAMES)
        self.meet()
        self.region, self.scope = self.found_region("Oakfield")
        self.meet()

    def place(self, at: str) -> Place:
        """Return a community's command line."""
        return Place(self.homes[at].path)

    def own(self, at: str) -> Scope:
        """Return a community's founding tag."""
        with Reading.open(self.homes[at]) as reading:
            return reading.own().scope

    def seal_by_hand(self, at: str, page: str) -> PageId:
        """Let Ann and Ben sign and approve a drafted page."""
        found = PageId(bytes.fromhex(page))
        self.seal(at, found)
        return found

    def give(self, at: str, holder: str, *words: object, seal: bool = True) -> EntryId:
        """Draft a mandate for the region on the command line, and seal its page."""
        page = self.place(at).json(
            "mandates", "give", holder, "--seat", "Valley", *words, "--as", "Ann", "--no-passphrase"
        )["page"]  # fmt: skip
        found = PageId(bytes.fromhex(page))
        if seal:
            self.seal(at, found)
        return found, 0

    def end(self, at: str, *words: object, seal: bool = True, verb: str = "recall") -> PageId:
        """Draft the end of a mandate on the command line, and seal its page."""
        page = self.place(at).json("mandates", verb, *words, "--as", "Ann", "--no-passphrase")["page"]
        found = PageId(bytes.fromhex(page))
        if seal:
            self.seal(at, found)
        return found

    def adopt(self, at: str, page: PageId) -> None:
        """Let Ann and Ben sign a page, so that it is adopted and not sealed: Ann does not come back to approve."""
        place = self.place(at)
        place("book", "sign", page.hex(), "--as", "Ann", "--no-passphrase")
        place("book", "sign", page.hex(), "--as", "Ben", "--no-passphrase")
        assert self.page(at, page).status == "adopted"

    def seal_again(self, at: str, page: PageId) -> None:
        """Let Ann come back and approve an adopted page."""
        self.place(at)("book", "approve", page.hex(), "--as", "Ann", "--no-passphrase")
        assert self.page(at, page).status == "sealed"

    def motion(self, at: str = "Oakfield", title: str = "A bridge", **more: Value) -> RecordId:
        """Let Ann put a motion to the region; return it."""
        author = self.author(at)
        value: dict[str, Value] = {"body": self.region, "title": title, "text": "Shall we?", **more}
        with self.at(at) as (reading, door), author.writing():
            genesis = author.genesis(reading, LogClass.AUTHORITY, capacity=SEAT)
            return author.write_as(door, reading, genesis, [Draft("motion", value, now_ms())])[-1].tip

    def vote(
        self, at: str, mandate: EntryId, motion: RecordId, option: Value, name: str = "Cleo", clause: str = ""
    ) -> RecordId:
        """Let somebody vote in the log of theirs that names a mandate, allowed or not; return the vote."""
        author = self.author(at, name)
        value: dict[str, Value] = {"motion": motion, "option": option} | (
            {"clause": clause} if clause else {}
        )
        with self.at(at) as (reading, door), author.writing():
            giver = known(reading.view, mandate[0])
            scope = giver.scope if giver is not None else None
            genesis = author.genesis(reading, LogClass.AUTHORITY, scope, ("mandate", *mandate))
            return author.write_as(door, reading, genesis, [Draft("vote", value, now_ms())])[-1].tip

    def verdict(self, at: str, vote: RecordId, giver: str = "Oakfield") -> tuple[str, str]:
        """Return what a vote has come to at a node: its status, and the code of why."""
        with Reading.open(self.homes[at]) as reading:
            row = reading.view.get(VOTE_VERDICTS, (self.own(giver), vote))
        assert row is not None
        return str(row[2]), str(row[3])

    def mandate(self, at: str, id_: EntryId) -> Given:
        """Return a mandate as a node sees it."""
        with Reading.open(self.homes[at]) as reading:
            return next(each for each in given(reading.view) if each.id == id_)

    def mandates_at(self, at: str) -> list[Given]:
        """Return all mandates that a node knows of."""
        with Reading.open(self.homes[at]) as reading:
            return list(given(reading.view))
