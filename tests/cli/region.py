"""A region of three communities with real homes, for tests of what commands say of it."""

from pathlib import Path
from typing import Any

from fedsync.acts.author import now_ms
from fedsync.acts.books import minutes, motions
from fedsync.crdt.books.delegates import given
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, PageId, RecordId
from fedsync.records.seal import Draft
from tests.acts.valley import Valley
from tests.cli.calling import Place

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")


class Story:
    """A region of three with a page that waits, a vote, a recall and a result."""

    def __init__(self, path: Path) -> None:
        self.valley = valley = Valley(path, *NAMES)
        valley.meet()
        self.region, self.scope = valley.found_region("Oakfield")
        valley.meet()
        self.before = self.why("Oakfield", self.region.hex())
        for name in NAMES[:2]:
            valley.enter(name, [self.mandate(name)])
        valley.meet()
        entry: dict[str, Value] = {"kind": "decision", "title": "A bridge", "text": "We build it."}
        self.page = self.draft("Oakfield", [entry])
        self.waiting = self.why("Oakfield", self.page.hex())

    def mandate(self, name: str) -> dict[str, Value]:
        return {
            "kind": "mandate",
            "holder": self.valley.author(name, "Cleo").key,
            "seat": self.region,
            "instructions": {"*": ["yes"]},
        }

    def draft(self, at: str, entries: list[dict[str, Value]]) -> PageId:
        cleo = self.valley.author(at, "Cleo")
        with self.valley.at(at) as (reading, door):
            page, _ = minutes.enter(cleo, reading, door, self.scope, entries)
        return page

    def sign(self, at: str, page: PageId) -> None:
        with self.valley.at(at) as (reading, door):
            minutes.sign(self.valley.author(at, "Cleo"), reading, door, page)

    def motion(self, at: str, title: str) -> RecordId:
        """Let a community's delegate put a motion to the region."""
        with self.valley.at(at) as (reading, door):
            words = motions.Words(title, "Shall we?", clauses=())
            return motions.put(self.valley.author(at, "Cleo"), reading, door, reading.body("Valley"), words)

    def vote(self, at: str, motion: RecordId, option: str) -> RecordId:
        """Let a community's delegate vote under its mandate."""
        cleo = self.valley.author(at, "Cleo")
        with self.valley.at(at) as (reading, door):
            scope = reading.own().scope
            (held,) = [each for each in given(reading.view, scope) if each.status == "in force"]
            log = cleo.genesis(reading, LogClass.AUTHORITY, scope, ("mandate", *held.id))
            with cleo.writing():
                said = Draft("vote", {"motion": motion, "option": option}, now_ms())
                return cleo.write_as(door, reading, log, [said])[-1].tip

    def why(self, at: str, asked: str) -> dict[str, Any]:
        return self.place(at).json("why", asked)

    def place(self, at: str) -> Place:
        return Place(self.valley.homes[at].path)
