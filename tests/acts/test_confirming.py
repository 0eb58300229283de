"""A node drafts the page that confirms a region's results, after the time to object, when nobody has objected."""

from pathlib import Path

import pytest

from fedsync.acts.books import minutes, motions, votes
from fedsync.acts.books.motions import Words, find_motion
from fedsync.cli.waiting import waiting
from fedsync.config import load
from fedsync.confirming import DAY_MS, confirm_pages
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.minutes import page_view, pages
from fedsync.crdt.books.results import result_view, tally_now
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import PageId
from fedsync.records.kinds.entries import Confirm
from fedsync.records.kinds.motions import Method, Rule
from tests.acts.copied import copied
from tests.acts.valley import Valley
from tests.cli.calling import Place

NAMES = ("Oakfield", "Mill Lane")
NOW = 1_800_000_000_000


def node_value(home: Home) -> list[Value]:
    with Reading.open(home) as reading:
        return [public_key(load_node_key(home)), reading.store.directory.incarnation]


class Region:
    """Two communities whose delegates voted yes on a motion; the result stands on a sealed page of their region."""

    def __init__(self, path: Path, names_node: bool = True) -> None:
        self.valley = Valley(path, *NAMES)
        self.valley.meet()
        region, self.scope = self.valley.found_region("Oakfield")
        self.valley.meet()
        for name in NAMES:
            mandate: dict[str, Value] = {
                "kind": "mandate", "holder": self.valley.author(name, "Cleo").key, "seat": region,
                "instructions": {"*": "free"},
            }  # fmt: skip
            join: dict[str, Value] = {
                "kind": "join",
                "body": region,
                "node": node_value(self.valley.homes[name]),
            }
            self.valley.enter(name, [mandate, *([join] if names_node else [])])
        self.valley.meet()
        cleo = self.valley.author("Oakfield", "Cleo")
        with self.valley.at("Oakfield") as (reading, door):
            self.motion = motions.put(
                cleo, reading, door, reading.body("Valley"), Words("A bridge", "Of wood.")
            )
        self.valley.meet()
        for name in NAMES:
            with self.valley.at(name) as (reading, door):
                of = find_motion(reading, self.motion.hex())
                votes.cast_vote(self.valley.author(name, "Cleo"), reading, door, of, "", "yes")
        self.valley.meet()
        with self.valley.at("Oakfield") as (reading, door):
            now = tally_now(reading.view, self.scope, (self.motion, ""), Rule(Method.MAJORITY))
            assert now is not None
            entry = votes.result_of_votes(now, "")
            self.page, _ = minutes.enter(cleo, reading, door, self.scope, [entry])
        self.sign()

    def sign(self) -> None:
        self.valley.meet()
        for name in NAMES:
            with self.valley.at(name) as (reading, door):
                minutes.sign(self.valley.author(name, "Cleo"), reading, door, self.page)
            self.valley.meet()
        assert self.valley.page("Mill Lane", self.page).status == "sealed"

    def look(self, now: int, after_days: float, at: str = "Mill Lane") -> list[PageId]:
        """Let the node of a community look, at a time; return the pages of its book that it drafted."""
        home = self.valley.homes[at]
        with home.lock():
            node = open_node(home)
            node.now = lambda: now
            try:
                taken = confirm_pages(node, load_node_key(home), after_days)
                return [
                    PageId(each.block.record(each.block.count - 1).payload_id) for each in taken if each.block
                ]
            finally:
                node.store.close()


def test_after_the_time_to_object_the_node_drafts_and_people_sign(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    assert region.look(NOW, 7) == []
    assert region.look(NOW + 7 * DAY_MS - 1, 7) == []
    (page,) = region.look(NOW + 7 * DAY_MS, 7)
    assert region.look(NOW + 9 * DAY_MS, 7) == []
    drafted = region.valley.page("Mill Lane", page)
    assert drafted.status == "drafted"
    (confirm,) = drafted.entries
    assert isinstance(confirm, Confirm)
    assert confirm.motion == region.motion
    region.valley.meet()
    assert region.valley.page("Oakfield", page).status == "drafted"
    region.valley.seal("Mill Lane", page)
    region.valley.meet()
    with Reading.open(region.valley.homes["Oakfield"]) as reading:
        result = result_view(reading.view, region.page, 0)
        assert result is not None
        (seat,) = [each for each in result.seats if each.word is not None]
        assert seat.ballot is not None
        assert seat.ballot.id == confirm.vote
        assert seat.open == "word-not-witnessed"


def test_status_says_when_the_node_will_draft_it_and_no_longer_once_somebody_objects(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    home = region.valley.homes["Mill Lane"]

    def told() -> list[str | None]:
        with Reading.open(home) as reading:
            return [row["drafted_after"] for row in waiting(reading, NOW) if row["kind"] == "word"]

    region.look(NOW, 7)
    assert told() == [None]
    with home.config.open("a", encoding="utf-8") as file:
        file.write("\n[confirm]\nafter_days = 7\n")
    assert told() == ["2027-01-22T08:00:00Z"]
    assert "unless somebody objects, this node drafts that after 2027-01-2" in Place(home.path)("status").out
    with region.valley.at("Mill Lane") as (reading, door):
        motions.dissent(region.valley.author("Mill Lane", "Ben"), reading, door, region.motion, "No.")
    assert told() == [None]


def test_a_clock_that_was_set_back_only_makes_people_wait_longer(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    region.look(NOW, 1)
    assert region.look(NOW - 365 * DAY_MS, 1) == []


def test_a_dissent_of_ours_stops_it_and_one_of_others_does_not(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    with region.valley.at("Mill Lane") as (reading, door):
        motions.dissent(
            region.valley.author("Mill Lane", "Ben"), reading, door, region.page, "Not read aloud."
        )
    region.valley.meet()
    assert region.look(NOW, 0, "Mill Lane") == []
    assert len(region.look(NOW, 0, "Oakfield")) == 1


@pytest.mark.parametrize("seal", [False, True])
def test_a_word_on_a_page_of_our_own_stops_it_however_far_that_page_has_come(
    tmp_path: Path, seal: bool
) -> None:
    region = copied(Region, tmp_path)
    none: dict[str, Value] = {"kind": "confirm", "motion": region.motion, "vote": None}
    region.valley.enter("Mill Lane", [none], seal=seal)
    assert region.look(NOW, 0) == []


def test_while_another_page_waits_for_signatures_the_node_drafts_no_rival(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    page = region.valley.enter("Mill Lane", [minutes.decision("Oats", "We plant oats.")], seal=False)
    assert region.look(NOW, 0) == []
    region.valley.seal("Mill Lane", page)
    (after,) = region.look(NOW, 0)
    with Reading.open(region.valley.homes["Mill Lane"]) as reading:
        found = page_view(reading.view, after)
        assert found is not None
        assert found.prev == page
        assert len([each for each in pages(reading.view, found.scope) if each.status == "drafted"]) == 1


def test_a_node_that_its_own_book_does_not_name_drafts_nothing(tmp_path: Path) -> None:
    region = Region(tmp_path, names_node=False)
    assert region.look(NOW, 0) == []


def test_a_result_without_a_vote_of_ours_that_counts_is_left_to_people(tmp_path: Path) -> None:
    region = copied(Region, tmp_path)
    with Reading.open(region.valley.homes["Mill Lane"]) as reading:
        result = result_view(reading.view, region.page, 0)
        assert result is not None
        (mandate,) = given(reading.view, reading.own().scope)
    recall: dict[str, Value] = {"kind": "recall", "mandate": list(mandate.id), "cuts": []}
    region.valley.enter("Mill Lane", [recall])
    assert region.look(NOW, 0) == []


def test_the_operator_says_after_how_many_days(tmp_path: Path) -> None:
    path = tmp_path / "config.toml"
    text = 'name = "Oakfield"\nlisten = {host = "::", port = 0}\n'
    path.write_text(text)
    assert load(path).confirm_after_days is None
    for said, days in (("7", 7), ("0", 0), ("0.5", 0.5)):
        path.write_text(f"{text}[confirm]\nafter_days = {said}\n")
        assert load(path).confirm_after_days == days
