"""Motions, votes, words, results and ends that cannot be: each has a status, a reason, and a sentence in `why`."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.crdt.answer import Answer
from fedsync.crdt.books.decisions import decisions
from fedsync.crdt.books.motions import dissents, motion
from fedsync.crdt.books.naming import Naming
from fedsync.crdt.books.results import ResultView, result_view, vote_view
from fedsync.crdt.why import about_entry, about_record
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import NODE, SEAT, Capacity
from fedsync.records.ids import LogClass, PageId, RecordId
from fedsync.records.kinds.entries import EntryId
from fedsync.records.seal import Draft
from tests.acts.copied import copied
from tests.acts.delegations import NAMES, Delegations

NOWHERE = bytes(range(32))


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Delegations:
    """A region to which each community sent Cleo, free in all; some tests send others or recall."""
    return copied(Delegations, tmp_path_factory.mktemp("vain"))


@pytest.fixture(scope="module")
def sent(valley: Delegations) -> dict[str, EntryId]:
    given = {name: valley.give(name, "Cleo", "--instruct", "*=free") for name in NAMES}
    valley.meet()
    return given


def write(
    valley: Delegations, at: str, who: str, kind: str, value: Value, capacity: Capacity = SEAT
) -> RecordId:
    """Let somebody write a record that no tool of ours would."""
    author = valley.author(at, who)
    with valley.at(at) as (reading, door), author.writing():
        into = author.genesis(reading, LogClass.AUTHORITY, capacity=capacity)
        return author.write_as(door, reading, into, [Draft(kind, value, now_ms())])[-1].tip


def enter(valley: Delegations, at: str, entries: list[dict[str, Value]]) -> PageId:
    """Bring a page to its end whose signers look at nothing: our own tools would not sign what is in vain."""
    page = valley.enter(at, entries, seal=False)
    slot = valley.page(at, page).prev
    voice: dict[str, Value] = {"page": page, "slot": slot, "round": 1}
    for kind in ("signature", "approval"):
        for who in ("Ann", "Ben"):
            write(valley, at, who, kind, voice)
    assert valley.page(at, page).status == "sealed"
    return page


def why(valley: Delegations, at: str, id_: RecordId) -> Answer:
    with Reading.open(valley.homes[at]) as reading:
        return about_record(reading.view, id_, Naming(reading.view))


def why_entry(valley: Delegations, at: str, page: PageId, index: int) -> Answer:
    with Reading.open(valley.homes[at]) as reading:
        return about_entry(reading.view, page, index, Naming(reading.view))


def worth(valley: Delegations, at: str, id_: RecordId) -> tuple[str, str]:
    """Return the status of a motion or vote, and the reason; they are those that `why` gives."""
    with Reading.open(valley.homes[at]) as reading:
        found = motion(reading.view, id_) or vote_view(reading.view, id_)
        assert found is not None
        said = why(valley, at, id_)
        assert said.status == found.verdict.status.value
        assert said.reason
        return found.verdict.status.value, found.verdict.code


def result(valley: Delegations, at: str, page: PageId, index: int = 0) -> ResultView:
    with Reading.open(valley.homes[at]) as reading:
        found = result_view(reading.view, page, index)
        assert found is not None
        return found


def result_page(valley: Delegations, motion_: RecordId, votes: list[Value], **more: Value) -> PageId:
    """Let Oakfield's delegate draft a page of the region with a result that names these votes."""
    entry: dict[str, Value] = {
        "kind": "result", "motion": motion_, "rule": {"method": "threshold", "need": 2}, "votes": votes, **more,
    }  # fmt: skip
    with valley.at("Oakfield") as (reading, door):
        from fedsync.acts.books import minutes

        page, _ = minutes.enter(valley.author("Oakfield", "Cleo"), reading, door, valley.scope, [entry])
    return page


# --- Motions ---------------------------------------------------------------------------------------------


def test_a_motion_to_a_body_that_is_not_held_is_pending(valley: Delegations) -> None:
    said = write(valley, "Oakfield", "Ann", "motion", {"body": NOWHERE, "title": "x", "text": "y"})
    assert worth(valley, "Oakfield", said) == ("pending", "body-not-known")


def test_a_motion_of_who_has_a_seat_elsewhere_and_no_mandate_is_void(valley: Delegations) -> None:
    said = valley.motion("Oakfield")
    assert worth(valley, "Oakfield", said) == ("void", "seat-elsewhere")


def test_an_amendment_of_what_is_not_held_is_pending_and_of_what_is_no_motion_void(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    with Reading.open(valley.homes["Oakfield"]) as reading:
        own = reading.own().body
    value: dict[str, Value] = {"body": own, "title": "x", "text": "y"}
    waits = write(valley, "Oakfield", "Ann", "motion", {**value, "amends": NOWHERE})
    assert worth(valley, "Oakfield", waits) == ("pending", "amended-not-held")
    assert why(valley, "Oakfield", waits).missing == (f"the motion {NOWHERE.hex()[:8]}",)
    vote = valley.vote("Oakfield", sent["Oakfield"], RecordId(NOWHERE), "yes")
    none = write(valley, "Oakfield", "Ann", "motion", {**value, "amends": vote})
    assert worth(valley, "Oakfield", none) == ("void", "amends-no-motion")
    first = write(valley, "Oakfield", "Ann", "motion", value)
    other = write(valley, "Oakfield", "Ann", "motion", {**value, "body": valley.region, "amends": first})
    assert worth(valley, "Oakfield", other) == ("void", "amends-another-body")
    assert worth(valley, "Oakfield", first) == ("stands", "counts")


def test_a_node_has_no_motion_and_no_vote(valley: Delegations) -> None:
    with Reading.open(valley.homes["Oakfield"]) as reading:
        own = reading.own().body
    said = write(valley, "Oakfield", "Ann", "motion", {"body": own, "title": "x", "text": "y"}, NODE)
    assert worth(valley, "Oakfield", said) == ("void", "no-seat")
    vote = write(valley, "Oakfield", "Ann", "vote", {"motion": said, "option": "yes"}, NODE)
    assert worth(valley, "Oakfield", vote) == ("pending", "seat-not-named")


def test_whom_only_a_draft_seats_puts_a_motion_that_waits_until_the_page_is_adopted(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    words = ("bodies", "epoch", "--add", "Dora", "--as", "Ann", "--no-passphrase")
    page = PageId(bytes.fromhex(valley.place("Oakfield").json(*words)["page"]))
    with Reading.open(valley.homes["Oakfield"]) as reading:
        own = reading.own().body
    said = write(valley, "Oakfield", "Dora", "motion", {"body": own, "title": "x", "text": "y"})
    assert worth(valley, "Oakfield", said) == ("pending", "seat-not-given")
    valley.adopt("Oakfield", page)
    assert worth(valley, "Oakfield", said) == ("stands", "counts")


# --- Votes -----------------------------------------------------------------------------------------------


def test_a_vote_on_a_motion_that_is_not_held_is_pending_and_says_what_it_waits_for(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    vote = valley.vote("Oakfield", sent["Oakfield"], RecordId(bytes(31) + b"\1"), "yes")
    assert worth(valley, "Oakfield", vote) == ("pending", "motion-not-held")
    assert why(valley, "Oakfield", vote).missing


def test_a_vote_under_somebody_elses_mandate_is_void(valley: Delegations, sent: dict[str, EntryId]) -> None:
    asked = write(valley, "Oakfield", "Cleo", "motion", {"body": valley.region, "title": "x", "text": "y"},
                  ("mandate", *sent["Oakfield"]))  # fmt: skip
    vote = valley.vote("Oakfield", sent["Oakfield"], asked, "yes", name="Ben")
    assert worth(valley, "Oakfield", vote) == ("void", "not-the-holder")
    page = result_page(valley, asked, [vote])
    found = result(valley, "Oakfield", page)
    assert [(each.vote, each.code) for each in found.flaws] == [(vote, "not-of-a-seat")]
    assert found.outcome is None


# --- Results ---------------------------------------------------------------------------------------------


def test_a_result_counts_one_vote_of_a_seat_and_says_what_else_it_names_in_vain(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    asked = write(valley, "Oakfield", "Cleo", "motion",
                  {"body": valley.region, "title": "x", "text": "z", "clauses": {"toll": "Two eggs."}},
                  ("mandate", *sent["Oakfield"]))  # fmt: skip
    valley.meet()
    first = valley.vote("Oakfield", sent["Oakfield"], asked, "yes")
    second = valley.vote("Oakfield", sent["Oakfield"], asked, "no")
    clause = valley.vote("Mill Lane", sent["Mill Lane"], asked, "yes", clause="toll")
    good = valley.vote("Hill Farm", sent["Hill Farm"], asked, "yes")
    valley.meet()
    page = result_page(valley, asked, [first, second, clause, good, asked, NOWHERE])
    found = result(valley, "Oakfield", page)
    assert {each.vote: each.code for each in found.flaws} == {
        second: "second-vote",
        clause: "other-question",
        asked: "no-vote-record",
        NOWHERE: "vote-not-held",
    }
    assert (found.status, found.outcome) == ("provisional", "yes")
    assert "vote-not-held" in found.waits
    lines = "\n".join(why_entry(valley, "Oakfield", page, 0).lines)
    for code in ("second-vote", "other-question", "no-vote-record", "vote-not-held"):
        assert f"({code})" in lines


def test_the_order_of_a_result_decides_between_two_votes_of_a_seat(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    asked = write(valley, "Oakfield", "Cleo", "motion", {"body": valley.region, "title": "two", "text": "z"},
                  ("mandate", *sent["Oakfield"]))  # fmt: skip
    valley.meet()
    yes = valley.vote("Oakfield", sent["Oakfield"], asked, "yes")
    no = valley.vote("Oakfield", sent["Oakfield"], asked, "no")
    also = [valley.vote("Hill Farm", sent["Hill Farm"], asked, "no")]
    valley.meet()
    assert result(valley, "Oakfield", result_page(valley, asked, [yes, no, *also])).outcome is None
    assert result(valley, "Oakfield", result_page(valley, asked, [no, yes, *also])).outcome == "no"


def test_of_several_standing_votes_of_a_seat_the_latest_is_tallied_and_people_say_which_is_the_word(
    tmp_path: Path,
) -> None:
    valley = copied(Delegations, tmp_path)
    mandate = valley.give("Oakfield", "Cleo", "--instruct", "*=free", "--alternate", "Ben")
    place = valley.place("Oakfield")
    motion_ = place.json("motions", "put", "--title", "x", "--text", "-", "--body", "Valley", "--as", "Cleo")[
        "id"
    ]
    asked = RecordId(bytes.fromhex(motion_))
    valley.vote("Oakfield", mandate, asked, "no", "Cleo")
    again = valley.vote("Oakfield", mandate, asked, "yes", "Cleo")
    other = valley.vote("Oakfield", mandate, asked, "no", "Ben")
    seats = {each["seat"]: each for each in place.json("votes", "tally", motion_)["seats"]}
    assert seats["Oakfield"]["vote"]["id"] == other.hex()
    assert len(seats["Oakfield"]["votes"]) == 3
    error = place.refused("votes", "confirm", motion_, "--as", "Ann", code=7)
    assert error["code"] == "several_votes"
    assert again.hex()[:8] in error["message"]
    assert other.hex()[:8] in error["message"]
    assert (
        place.json("votes", "confirm", motion_, "--vote", again.hex()[:8], "--as", "Ann")["vote"]["id"]
        == again.hex()
    )


# --- Words -----------------------------------------------------------------------------------------------


def test_a_confirm_of_what_is_no_vote_of_ours_on_this_takes_nothing_and_a_later_one_does(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    asked = write(valley, "Oakfield", "Cleo", "motion", {"body": valley.region, "title": "word", "text": "z"},
                  ("mandate", *sent["Oakfield"]))  # fmt: skip
    valley.meet()
    theirs = valley.vote("Hill Farm", sent["Hill Farm"], asked, "yes")
    elsewhere = valley.vote("Mill Lane", sent["Mill Lane"], RecordId(NOWHERE), "yes")
    ours = valley.vote("Mill Lane", sent["Mill Lane"], asked, "yes")
    valley.meet()
    word: dict[str, Value] = {"kind": "confirm", "motion": asked}
    page = enter(
        valley,
        "Mill Lane",
        [
            {**word, "vote": asked},
            {**word, "vote": theirs},
            {**word, "vote": elsewhere},
            {**word, "vote": ours},
            {**word, "vote": None},
        ],
    )
    codes = [why_entry(valley, "Mill Lane", page, index).code for index in range(5)]
    assert codes == ["word-skipped", "word-skipped", "word-skipped", "word-holds", "word-skipped"]
    assert worth(valley, "Mill Lane", ours) == ("stands", "the-word")


def test_a_confirm_of_a_vote_that_has_not_come_is_pending_and_nothing_after_it_counts_meanwhile(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    asked = write(valley, "Hill Farm", "Cleo", "motion", {"body": valley.region, "title": "later", "text": "z"},
                  ("mandate", *sent["Hill Farm"]))  # fmt: skip
    ours = valley.vote("Hill Farm", sent["Hill Farm"], asked, "yes")
    word: dict[str, Value] = {"kind": "confirm", "motion": asked}
    page = enter(valley, "Hill Farm", [{**word, "vote": NOWHERE}, {**word, "vote": ours}])
    first, second = (why_entry(valley, "Hill Farm", page, index) for index in range(2))
    assert (first.status, first.code) == ("pending", "word-waits")
    assert (second.status, second.code) == ("void", "word-skipped")
    assert worth(valley, "Hill Farm", ours) == ("stands", "counts")


def test_a_word_that_names_none_voids_the_votes_of_its_seat(
    valley: Delegations, sent: dict[str, EntryId]
) -> None:
    asked = write(valley, "Hill Farm", "Cleo", "motion", {"body": valley.region, "title": "none", "text": "z"},
                  ("mandate", *sent["Hill Farm"]))  # fmt: skip
    ours = valley.vote("Hill Farm", sent["Hill Farm"], asked, "yes")
    none: dict[str, Value] = {"kind": "confirm", "motion": asked, "vote": None}
    enter(valley, "Hill Farm", [none, {**none, "vote": ours}])
    assert worth(valley, "Hill Farm", ours) == ("void", "not-the-word")


# --- Decisions and their ends ----------------------------------------------------------------------------


def decision(title: str, **more: Value) -> dict[str, Value]:
    return {"kind": "decision", "title": title, "text": "So be it.", **more}


def states(valley: Delegations, at: str, now: int | None = None) -> dict[str, str]:
    with Reading.open(valley.homes[at]) as reading:
        found = decisions(reading.view, reading.own().scope, now)
    return {str(each.title): each.status for each in found}


def test_only_a_decision_of_the_same_book_that_is_in_force_can_be_ended_and_once(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    oats = valley.enter("Oakfield", [decision("Oats"), decision("Rye")])
    foreign = valley.enter("Mill Lane", [decision("Theirs")])
    valley.meet()
    page = enter(
        valley,
        "Oakfield",
        [
            decision("Wheat", supersedes=[[oats, 0]]),
            {"kind": "repeal", "decision": [oats, 0]},
            {"kind": "repeal", "decision": [foreign, 0]},
            {"kind": "repeal", "decision": [NOWHERE, 0]},
            {"kind": "repeal", "decision": [oats, 7]},
            {"kind": "repeal", "decision": [oats, 1]},
        ],
    )
    assert states(valley, "Oakfield") == {"Oats": "superseded", "Rye": "repealed", "Wheat": "in_force"}
    assert states(valley, "Mill Lane") == {"Theirs": "in_force"}
    lines = ["\n".join(why_entry(valley, "Oakfield", page, index).lines) for index in range(1, 5)]
    for line, code in zip(
        lines, ("ended-before", "not-our-decision", "decision-not-held", "no-decision"), strict=True
    ):
        assert code in line


def test_a_decision_holds_until_the_page_that_ends_it_is_sealed_and_does_not_come_back(
    tmp_path: Path,
) -> None:
    valley = copied(Delegations, tmp_path)
    oats = valley.enter("Oakfield", [decision("Oats")])
    wheat = valley.enter("Oakfield", [decision("Wheat", supersedes=[[oats, 0]])], seal=False)
    assert states(valley, "Oakfield") == {"Oats": "in_force", "Wheat": "drafted"}
    valley.adopt("Oakfield", wheat)
    assert states(valley, "Oakfield") == {"Oats": "in_force", "Wheat": "provisional"}
    rows = valley.place("Oakfield").json("decisions", "list")["decisions"]
    (row,) = [each for each in rows if each["title"] == "Oats"]
    assert row["ending"] == {"how": "superseded", "by": f"{wheat.hex()}:0"}
    assert "to be superseded" in valley.place("Oakfield")("decisions", "show", oats.hex()).out
    valley.seal_again("Oakfield", wheat)
    assert states(valley, "Oakfield") == {"Oats": "superseded", "Wheat": "in_force"}
    repeal = valley.place("Oakfield").json("decisions", "repeal", wheat.hex()[:8], "--as", "Ann")["page"]
    valley.seal_by_hand("Oakfield", repeal)
    assert states(valley, "Oakfield") == {"Oats": "superseded", "Wheat": "repealed"}
    error = valley.place("Oakfield").refused("decisions", "repeal", oats.hex()[:8], "--as", "Ann", code=7)
    assert error["code"] == "decision-not-in-force"


def test_what_stands_on_a_page_that_lost_its_place_ends_nothing_and_is_displaced(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    oats = valley.enter("Oakfield", [decision("Oats")])
    valley.enter("Oakfield", [decision("Wheat", supersedes=[[oats, 0]])], seal=False)
    repeal: dict[str, Value] = {"kind": "repeal", "decision": [oats, 0]}
    valley.enter("Oakfield", [decision("Rye"), repeal], seal=False)
    assert states(valley, "Oakfield") == {"Oats": "in_force", "Wheat": "drafted", "Rye": "drafted"}
    valley.enter("Oakfield", [decision("Barley")])
    assert states(valley, "Oakfield") == {
        "Oats": "in_force",
        "Wheat": "displaced",
        "Rye": "displaced",
        "Barley": "in_force",
    }


def test_an_entry_that_is_no_decision_is_void_and_says_why(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    odd: dict[str, Value] = {"kind": "decision", "title": "Odd", "text": "x", "price": 3}
    author = valley.author("Oakfield")
    with valley.at("Oakfield") as (reading, door), author.writing():
        own = reading.own()
        value: dict[str, Value] = {"body": own.body, "number": 1, "prev": own.body, "entries": [odd]}
        into = author.genesis(reading, LogClass.AUTHORITY, capacity=SEAT)
        author.write_as(door, reading, into, [Draft("page", value, now_ms())])
    (row,) = valley.place("Oakfield").json("decisions", "list")["decisions"]
    assert (row["status"], row["text"]) == ("void", "a decision has no field price")


def test_a_term_is_over_by_the_clock_of_who_reads(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    place = valley.place("Oakfield")
    words = (
        "decisions",
        "propose",
        "--title",
        "Guard",
        "--text",
        "-",
        "--expires",
        "2087-05-01",
        "--as",
        "Ann",
    )
    page = valley.seal_by_hand("Oakfield", place.json(*words, stdin="By night.")["page"])
    with Reading.open(valley.homes["Oakfield"]) as reading:
        scope = reading.own().scope
        (found,) = decisions(reading.view, scope)
        assert found.expires is not None
        assert found.status == "in_force"
        for now, status in ((found.expires - 1, "in_force"), (found.expires, "expired")):
            assert [each.status for each in decisions(reading.view, scope, now)] == [status]
    assert place.json("decisions", "show", page.hex())["expires"] is not None
    place.refused(*words[:-4], "--expires", "soon", "--as", "Ann", code=2)


# --- Dissents --------------------------------------------------------------------------------------------


def test_a_dissent_of_who_was_recalled_stays_and_says_whose_it_is(tmp_path: Path) -> None:
    valley = copied(Delegations, tmp_path)
    mandate = valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    valley.meet()
    about = write(valley, "Oakfield", "Cleo", "motion", {"body": valley.region, "title": "x", "text": "y"},
                  ("mandate", *mandate))  # fmt: skip
    said = write(
        valley, "Oakfield", "Cleo", "dissent", {"about": about, "text": "No."}, ("mandate", *mandate)
    )
    valley.enter("Oakfield", [{"kind": "recall", "mandate": list(mandate), "cuts": []}])
    valley.meet()
    assert worth(valley, "Hill Farm", about) == ("void", "recalled")
    with Reading.open(valley.homes["Hill Farm"]) as reading:
        (found,) = dissents(reading.view, about)
    assert (found.id, found.text) == (said, "No.")
    assert why(valley, "Hill Farm", said).status == "stands"
