"""`fedsync why` in a region: whose delegate is missing, which node has not sealed, what a recall made void."""

from pathlib import Path
from typing import Any

import pytest

from fedsync.acts import minutes
from fedsync.acts.author import now_ms
from fedsync.crdt.delegates import given
from fedsync.reading import Reading
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


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return Story(tmp_path_factory.mktemp("region"))


def test_a_founded_region_waits_for_its_first_page(story: Story) -> None:
    assert story.before["kind"] == "page"
    body = story.place("Oakfield").json("why", "Valley")
    assert (body["kind"], body["status"], body["rule"]) == ("body", "being founded", 6)
    assert "2 of these must sign: Hill Farm, Mill Lane, Oakfield." in body["evidence"]


def test_why_names_the_delegates_who_have_not_signed_and_bodies_that_sent_nobody(story: Story) -> None:
    answer = story.waiting
    assert (answer["status"], answer["rule"], answer["code"]) == ("drafted", 6, "short")
    assert set(answer["missing"]) == {
        "Hill Farm (it has sent nobody)",
        "Cleo of Mill Lane",
        "Cleo of Oakfield",
    }
    assert answer["next"] == f"fedsync book sign {story.page.hex()[:12]} --as NAME"


def test_why_follows_a_vote_through_a_recall_and_a_result(story: Story) -> None:
    valley = story.valley
    for name in NAMES[:2]:
        story.sign(name, story.page)
        valley.meet()
    sealed = story.why("Hill Farm", story.page.hex())
    assert (sealed["status"], sealed["rule"], sealed["missing"]) == ("sealed", 7, [])
    motion = RecordId(b"\x42" * 32)
    kept, outside = story.vote("Oakfield", motion, "yes"), story.vote("Mill Lane", motion, "no")
    late = story.vote("Oakfield", motion, "yes")
    valley.meet()
    answer = story.why("Hill Farm", outside.hex())
    assert (answer["status"], answer["code"], answer["rule"]) == ("void", "outside-instructions", 14)
    assert "The mandate allows yes." in answer["evidence"]
    assert any(
        line.startswith("It is under the mandate of Cleo in Valley, given on page 1 of Mill Lane")
        for line in answer["lines"]
    )

    result: dict[str, Value] = {
        "kind": "result", "motion": motion, "rule": {"method": "majority", "of": "present"}, "votes": [kept, outside],
    }  # fmt: skip
    page = story.draft("Oakfield", [result])
    story.sign("Oakfield", page)
    valley.meet()
    waiting = story.why("Oakfield", page.hex())
    assert set(waiting["missing"]) == {"Hill Farm (it has sent nobody)", "Cleo of Mill Lane"}
    story.sign("Mill Lane", page)
    valley.meet()
    said = story.why("Oakfield", f"{page.hex()}:0")
    assert (said["kind"], said["status"], said["code"]) == ("result", "provisional", "result-open")
    assert any(line.startswith("Oakfield: yes, by Cleo") for line in said["evidence"])
    assert any(
        line.startswith("Mill Lane: no, by Cleo") and "does not count, void" in line
        for line in said["evidence"]
    )
    assert "the word of Oakfield" in said["missing"]

    with Reading.open(valley.homes["Oakfield"]) as reading:
        (mandate,) = [each.id for each in given(reading.view, reading.own().scope)]
        log = next(block.log for _, block in reading.store.since(0) if kept in block.ids)
        (seq,) = [
            block.first + block.ids.index(kept) for _, block in reading.store.since(0) if kept in block.ids
        ]
    recall: dict[str, Value] = {"kind": "recall", "mandate": list(mandate), "cuts": [[log, seq, kept]]}
    confirm: dict[str, Value] = {"kind": "confirm", "motion": motion, "vote": kept}
    end = valley.enter("Oakfield", [recall, confirm])
    valley.meet()
    gone = story.why("Hill Farm", f"{mandate[0].hex()}:{mandate[1]}")
    assert (gone["kind"], gone["status"], gone["rule"]) == ("mandate", "recalled", 10)
    assert any("was recalled on page 2 of Oakfield" in line for line in gone["evidence"])
    voided = story.why("Hill Farm", late.hex())
    assert voided["code"] == "not-the-word"
    assert any(f"keeps all up to number {seq}" in line for line in voided["evidence"])
    word = story.why("Hill Farm", f"{end.hex()}:1")
    assert (word["kind"], word["status"], word["code"]) == ("confirm", "in_force", "word-holds")
    assert story.why("Hill Farm", kept.hex())["code"] == "the-word"


def test_an_entry_that_there_is_not_is_told(story: Story) -> None:
    story.place("Oakfield").refused("why", f"{story.page.hex()}:99", code=6)
