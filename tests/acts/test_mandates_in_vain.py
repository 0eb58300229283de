"""What makes no sense about mandates has a status, and a sentence that says why; it is never refused or lost.

Our own tools do not draft most of this: the pages are entered as another program might write them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.books import minutes
from fedsync.crdt.reasons import REASONS
from fedsync.errors import Problem
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, PageId, RecordId
from fedsync.records.kinds.entries import EntryId
from fedsync.records.seal import Draft
from tests.acts.copied import copied
from tests.acts.delegations import Delegations

NOBODY = PageId(b"\x07" * 32)


@pytest.fixture
def valley(tmp_path: Path) -> Delegations:
    """Return a region of three communities."""
    return copied(Delegations, tmp_path)


def mandate(valley: Delegations, seat: PageId, name: str = "Cleo", **more: Value) -> dict[str, Value]:
    return {
        "kind": "mandate",
        "holder": valley.author("Oakfield", name).key,
        "seat": seat,
        "instructions": {"*": "free"},
        **more,
    }


def recall(page: PageId, index: int = 0) -> dict[str, Value]:
    return {"kind": "recall", "mandate": [page, index], "cuts": []}


@contextmanager
def decided(valley: Delegations, at: str) -> Iterator[PageId]:
    """Give a drafted page of a community's own book."""
    with valley.at(at) as (reading, door):
        page, _ = minutes.propose(valley.author(at), reading, door, "Oats", "We plant oats.")
    yield page


def sign_as(valley: Delegations, under: EntryId, page: PageId, slot: PageId) -> str:
    """Let Cleo of Oakfield sign a page under a mandate, whatever our tools say; return the record's answer."""
    cleo = valley.author("Oakfield", "Cleo")
    with valley.at("Oakfield") as (reading, door), cleo.writing():
        log = cleo.genesis(reading, LogClass.AUTHORITY, capacity=("mandate", *under))
        value: dict[str, Value] = {"page": page, "slot": slot, "round": 0}
        record = cleo.write_as(door, reading, log, [Draft("signature", value, now_ms())])[-1].tip
    return valley.place("Oakfield")("why", record.hex()).out


def in_vain(valley: Delegations, page: PageId, index: int = 0) -> tuple[str, str]:
    """Return the status of a mandate, and the code of why it gives no voice."""
    found = valley.place("Oakfield").json("mandates", "show", f"{page.hex()}:{index}")
    assert found["no_voice"] is None or found["no_voice"]["because"] in valley.place("Oakfield")(
        "mandates", "show", f"{page.hex()}:{index}"
    ).out.replace("\n", " ")
    code = str((found["no_voice"] or {"code": ""})["code"])
    assert REASONS[code].sentence in valley.place("Oakfield")("why", f"{page.hex()}:{index}").out
    return found["status"], code


def test_a_mandate_for_a_body_that_nobody_knows_is_in_force_and_gives_no_voice(valley: Delegations) -> None:
    page = valley.enter("Oakfield", [mandate(valley, NOBODY)])
    assert in_vain(valley, page) == ("in_force", "seat-not-held")


def test_a_mandate_for_a_seat_that_its_giver_does_not_have_gives_no_voice(valley: Delegations) -> None:
    with Reading.open(valley.homes["Oakfield"]) as reading:
        mill = reading.body("Mill Lane").body
    given = valley.enter("Oakfield", [mandate(valley, mill)])
    assert in_vain(valley, given) == ("in_force", "no-seat-there")
    with decided(valley, "Mill Lane") as page:
        valley.meet()
    assert REASONS["no-seat"].sentence in sign_as(valley, (given, 0), page, mill)


def test_a_mandate_for_a_seat_in_the_giver_itself_gives_no_voice(valley: Delegations) -> None:
    with Reading.open(valley.homes["Oakfield"]) as reading:
        own = reading.own().body
    given = valley.enter("Oakfield", [mandate(valley, own)])
    assert in_vain(valley, given) == ("in_force", "own-seat")
    with decided(valley, "Oakfield") as page:
        pass
    assert REASONS["no-seat"].sentence in sign_as(valley, (given, 0), page, given)


def test_of_two_mandates_for_one_seat_on_one_page_the_last_holds(valley: Delegations) -> None:
    page = valley.enter(
        "Oakfield", [mandate(valley, valley.region), mandate(valley, valley.region, name="Ben")]
    )
    statuses = [valley.mandate("Oakfield", (page, index)).status for index in (0, 1)]
    assert statuses == ["ended", "in force"]
    found = valley.place("Oakfield").json("mandates", "show", f"{page.hex()}:0")
    assert [each["id"] for each in found["ended_by"]] == [f"{page.hex()}:1"]


@pytest.mark.parametrize("first", ["recall", "mandate"])
def test_a_recall_and_a_new_mandate_on_one_page_end_the_old_one_in_either_order(
    valley: Delegations, first: str
) -> None:
    old = valley.enter("Oakfield", [mandate(valley, valley.region)])
    entries = [recall(old), mandate(valley, valley.region, name="Ben")]
    page = valley.enter("Oakfield", entries if first == "recall" else entries[::-1])
    new = 1 if first == "recall" else 0
    assert valley.mandate("Oakfield", (old, 0)).status == "recalled"
    assert valley.mandate("Oakfield", (page, new)).status == "in force"


def test_a_recall_of_what_is_no_mandate_ends_nothing_and_says_so(valley: Delegations) -> None:
    given = valley.give("Oakfield", "Cleo")
    valley.give("Mill Lane", "Cleo")
    valley.meet()
    mill = valley.own("Mill Lane")
    (theirs,) = [each for each in valley.mandates_at("Oakfield") if each.scope == mill]
    page = valley.enter(
        "Oakfield",
        [recall(NOBODY), recall(given[0], 1), recall(theirs.id[0], theirs.id[1]), recall(given[0])],
        seal=False,
    )
    with valley.at("Oakfield") as (reading, door), pytest.raises(Problem) as problem:
        minutes.sign(valley.author("Oakfield"), reading, door, page)
    assert problem.value.code == "no-such-mandate"
    valley.seal_carelessly("Oakfield", page)
    why = valley.place("Oakfield")("why", page.hex()).out
    assert REASONS["no-such-mandate"].sentence in why
    assert REASONS["not-the-giver"].sentence in why
    assert "Entry 0" in why
    assert "Entry 1" in why
    assert "Entry 2" in why
    assert "Entry 3" not in why
    assert valley.mandate("Oakfield", theirs.id).status == "in force"
    assert valley.mandate("Oakfield", given).status == "recalled"


def test_a_recall_of_a_mandate_on_a_rival_page_ends_nothing(valley: Delegations) -> None:
    with valley.at("Oakfield") as (reading, door):
        ann, scope = valley.author("Oakfield"), reading.own().scope
        rival, _ = minutes.enter(ann, reading, door, scope, [mandate(valley, valley.region)])
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(ann, reading, door, scope, [recall(rival)])
    assert REASONS["mandate-of-a-rival"].sentence in valley.place("Oakfield")("why", page.hex()).out


def test_a_vote_under_somebody_elses_mandate_is_void(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free")
    vote = valley.vote("Oakfield", given, motion, "yes", name="Ben")
    assert valley.verdict("Oakfield", vote) == ("void", "not-the-holder")
    assert REASONS["not-the-holder"].sentence in valley.place("Oakfield")("mandates", "show", "Cleo").out
    assert REASONS["not-the-holder"].sentence in valley.place("Oakfield")("why", vote.hex()).out


def test_a_vote_under_an_entry_that_is_no_mandate_is_void(valley: Delegations) -> None:
    page = valley.enter("Oakfield", [{"kind": "decision", "title": "Oats", "text": "Oats."}])
    motion = valley.motion()
    for index in (0, 5):
        vote = valley.vote("Oakfield", (page, index), motion, "yes")
        assert valley.verdict("Oakfield", vote) == ("void", "no-mandate")
        assert REASONS["no-mandate"].sentence in valley.place("Oakfield")("why", vote.hex()).out


def test_a_vote_waits_for_the_page_of_its_mandate(valley: Delegations) -> None:
    motion, given = valley.motion(), valley.give("Oakfield", "Cleo", "--instruct", "*=free", seal=False)
    early = valley.vote("Oakfield", given, motion, "yes")
    assert valley.verdict("Oakfield", early) == ("pending", "mandate-not-sealed")
    assert REASONS["mandate-not-sealed"].sentence in valley.place("Oakfield")("why", early.hex()).out
    nowhere = valley.vote("Oakfield", (NOBODY, 0), motion, "yes")
    assert valley.verdict("Oakfield", nowhere) == ("pending", "mandate-not-held")
    assert REASONS["mandate-not-held"].sentence in valley.place("Oakfield")("why", nowhere.hex()).out
    valley.adopt("Oakfield", given[0])
    assert valley.verdict("Oakfield", early) == ("suspended", "mandate-provisional")
    valley.seal_again("Oakfield", given[0])
    assert valley.verdict("Oakfield", early) == ("stands", "counts")


def test_a_mandate_whose_term_is_over_from_the_start_lets_nobody_vote(valley: Delegations) -> None:
    motion = valley.motion()
    page = valley.enter("Oakfield", [mandate(valley, valley.region, until=1_000)])
    vote = valley.vote("Oakfield", (page, 0), motion, "yes")
    assert valley.verdict("Oakfield", vote) == ("void", "term-over")
    assert "Its term is over" in valley.place("Oakfield")("mandates", "show", page.hex()).out


def test_a_vote_outside_the_instructions_is_void_and_named(valley: Delegations) -> None:
    motion = valley.motion(options=["yes", "no"])
    other = valley.motion(title="A ferry")
    given = valley.give("Oakfield", "Cleo", "--instruct", "A bridge=yes")
    outside: list[tuple[RecordId, str]] = [
        (valley.vote("Oakfield", given, motion, "no"), "outside-instructions"),
        (valley.vote("Oakfield", given, other, "yes"), "uninstructed"),
    ]
    for vote, code in outside:
        assert valley.verdict("Oakfield", vote) == ("void", code)
        assert REASONS[code].sentence in valley.place("Oakfield")("mandates", "show", "Cleo").out
        assert REASONS[code].sentence in valley.place("Oakfield")("why", vote.hex()).out


def test_a_breach_stands_once_the_body_takes_it_on_by_name(valley: Delegations) -> None:
    motion = valley.motion(options=["yes", "no"])
    given = valley.give("Oakfield", "Cleo", "--instruct", "A bridge=yes", "--limit", "vote=1")
    breaches = [
        valley.vote("Oakfield", given, motion, "no"),
        valley.vote("Oakfield", given, motion, "yes"),
    ]
    assert [valley.verdict("Oakfield", vote) for vote in breaches] == [
        ("void", "outside-instructions"),
        ("void", "beyond-limit"),
    ]
    place = valley.place("Oakfield")
    page = place.json(
        "votes", "confirm", "A bridge", "--vote", breaches[0].hex(), "--ratify", "--as", "Ann", "--no-passphrase"
    )["page"]  # fmt: skip
    assert valley.verdict("Oakfield", breaches[0])[0] == "void"
    valley.seal_by_hand("Oakfield", page)
    assert valley.verdict("Oakfield", breaches[0]) == ("stands", "the-word")
    valley.end("Oakfield", "Cleo", "--keep-nothing")
    assert valley.verdict("Oakfield", breaches[0]) == ("stands", "the-word"), (
        "for good, whatever is cut later"
    )
    assert valley.verdict("Oakfield", breaches[1])[0] == "void"


def test_what_only_confirms_a_breach_is_skipped(valley: Delegations) -> None:
    motion = valley.motion(options=["yes", "no"])
    given = valley.give("Oakfield", "Cleo", "--instruct", "A bridge=yes")
    vote = valley.vote("Oakfield", given, motion, "no")
    valley.enter("Oakfield", [{"kind": "confirm", "motion": motion, "vote": vote}])
    assert valley.verdict("Oakfield", vote) == ("void", "outside-instructions")
    valley.enter("Oakfield", [{"kind": "ratify", "motion": motion, "vote": vote}])
    assert valley.verdict("Oakfield", vote) == ("stands", "the-word")


def test_a_number_outside_its_bounds_and_a_clause_outside_its_own_instruction_are_void(
    valley: Delegations,
) -> None:
    motion = valley.motion(title="How many", clauses={"cost": "Who pays?"})
    given = valley.give(
        "Oakfield", "Cleo", "--instruct", "How many=2..5", "--instruct", "How many#cost=yes", "--instruct", "*=free"
    )  # fmt: skip
    said: list[tuple[Value, str, str]] = [
        (2, "", "counts"),
        (5, "", "counts"),
        (6, "", "outside-instructions"),
        ("yes", "", "outside-instructions"),
        ("yes", "cost", "counts"),
        (3, "cost", "outside-instructions"),
    ]
    for option, clause, code in said:
        vote = valley.vote("Oakfield", given, motion, option, clause=clause)
        assert valley.verdict("Oakfield", vote)[1] == code, (option, clause)
