"""`fedsync stock` lend, return, loans, keep, book, unbook, bookings, things."""

from pathlib import Path

import pytest

from tests.acts.valley import Valley
from tests.cli.calling import Place

MORNING = ("--from", "2087-05-12T09:00", "--until", "2087-05-12T12:00")
NOON = ("--from", "2087-05-12T11:00", "--until", "2087-05-12T13:00")


@pytest.fixture
def shed(node: Place) -> Place:
    """Return a community with a drill that has a number, and six chairs, in its shed; nobody else sees them."""
    local = ("--store", "Shed", "--local", "--as", "Ann")
    node("stock", "add", "Drill", 1, "piece", "--lot", "D1", *local)
    node("stock", "add", "Chair", 6, "pieces", *local)
    return node


def there(node: Place, thing: str) -> tuple[int, int]:
    """Return how many are in the shed, and how many there are by right."""
    (row,) = [each for each in node.json("stock", "things")["things"] if each["thing"] == thing]
    return row["on_hand"]["quantity"], row["accounting"]["quantity"]


def states(node: Place, *more: str) -> list[tuple[str, str]]:
    """Return who booked, and what it is worth."""
    return [(each["who"], each["status"]) for each in node.json("stock", "bookings", *more)["bookings"]]


# --- Loans --------------------------------------------------------------------------------------------------


def test_a_thing_that_is_lent_is_with_somebody_until_it_is_back(shed: Place) -> None:
    said = shed("stock", "lend", "d1", "--to", "Dora", "--due", "2087-05-20", "--as", "Ann").out
    assert said.startswith("Dora has Drill D1, and brings it back by 2087-05-20 23:59")
    assert there(shed, "Drill D1") == (0, 1)
    (loan,) = shed.json("stock", "loans")["loans"]
    assert (loan["thing"], loan["to"], loan["store"], loan["overdue"]) == ("Drill D1", "Dora", "Shed", False)
    assert loan["due"] is not None
    shed("stock", "return", "D1", "--condition", "the cable is loose", "--as", "Ben")
    assert there(shed, "Drill D1") == (1, 1)
    assert shed.json("stock", "loans")["loans"] == []
    (loan,) = shed.json("stock", "loans", "--all")["loans"]
    assert loan["condition"] == "the cable is loose"
    assert "back: the cable is loose" in shed("stock", "loans", "--all").out


def test_what_is_out_is_not_lent_again_unless_somebody_knows_better(shed: Place) -> None:
    shed("stock", "lend", "D1", "--to", "Dora", "--as", "Ann")
    error = shed.refused("stock", "lend", "D1", "--to", "Emil", "--as", "Ben", code=7)
    assert error["code"] == "lent_already"
    assert "Dora has Drill D1" in error["message"]
    id_ = shed.json("stock", "lend", "D1", "--to", "Emil", "--anyway", "--as", "Ben")["id"]
    assert "LENT TWICE" in shed("stock", "loans").out
    assert "with somebody else meanwhile" in shed("why", id_).out
    shed("stock", "return", "D1", "--from", "Dora", "--as", "Ann")
    shed("stock", "return", id_[:8], "--as", "Ann")
    assert there(shed, "Drill D1") == (1, 1)


def test_what_is_back_does_not_come_back_again(shed: Place) -> None:
    shed("stock", "lend", "D1", "--to", "Dora", "--as", "Ann")
    shed("stock", "return", "Drill", "--as", "Ann")
    assert shed.refused("stock", "return", "Drill", "--as", "Ann", code=7)["code"] == "returned_already"
    assert shed.refused("stock", "return", "Saw", "--as", "Ann", code=6)["code"] == "not_found"


def test_things_without_a_number_are_lent_by_how_many_there_are(shed: Place) -> None:
    shed("stock", "lend", "Chair", "--quantity", 4, "--to", "Dora", "--as", "Ann")
    assert there(shed, "Chair") == (2, 6)
    assert (
        shed.refused("stock", "lend", "Chair", "--quantity", 4, "--to", "Emil", "--as", "Ann", code=7)["code"]
        == "not_there"
    )
    shed("stock", "lend", "Chair", "--quantity", 2, "--to", "Emil", "--as", "Ann")
    assert shed.refused("stock", "return", "Chair", "--as", "Ann", code=6)["code"] == "ambiguous"
    shed("stock", "return", "Chair", "--from", "emil", "--as", "Ann")
    assert there(shed, "Chair") == (2, 6)


def test_what_is_late_is_said(shed: Place) -> None:
    early = ("--at", "2020-01-01", "--due", "2020-01-03", "--as", "Ann")
    shed("stock", "lend", "D1", "--to", "Dora", *early)
    (loan,) = shed.json("stock", "loans", "--overdue")["loans"]
    assert loan["overdue"] is True
    assert "OVERDUE" in shed("stock", "loans").out
    error = shed.refused("stock", "return", "D1", "--at", "2019-01-01", "--as", "Ann", code=2)
    assert error["code"] == "usage"


def test_a_person_is_not_named_where_others_read_it_unless_that_is_said(node: Place) -> None:
    node("stock", "add", "Saw", 1, "piece", "--lot", "S1", "--store", "Shed", "--as", "Ann")
    assert (
        node.refused("stock", "lend", "S1", "--to", "Dora", "--as", "Ann", code=7)["code"]
        == "names_stay_here"
    )
    node("stock", "lend", "S1", "--to", "Dora", "--open", "--as", "Ann")
    assert there(node, "Saw S1") == (0, 1)


# --- Bookings -----------------------------------------------------------------------------------------------


def test_a_room_is_booked_by_who_keeps_it_and_by_nobody_twice(node: Place) -> None:
    said = node("stock", "keep", "Hall", "--as", "Ann").out
    assert said.startswith("Ann keeps the right to book Hall (")
    first = node.json("stock", "book", "Hall", *MORNING, "--for", "Choir", "--as", "Ann")
    assert first["status"] == "booked"
    error = node.refused("stock", "book", "hall", *NOON, "--for", "Dora", "--as", "Ann", code=7)
    assert error["code"] == "booked_already"
    assert "Choir" in error["message"]
    taken = node.json("stock", "book", "Hall", *NOON, "--for", "Dora", "--ask", "--as", "Ann")
    assert (taken["status"], taken["by"]) == ("taken", first["id"])
    assert "Ann" in node("stock", "things").out
    node("stock", "unbook", first["id"][:8], "--as", "Ann")
    assert node.json("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ann")["status"] == "booked"
    assert sorted(states(node)) == [("Dora", "booked"), ("Dora", "taken")]
    assert ("Choir", "released") in states(node, "Hall", "--all")


def test_who_does_not_keep_it_asks(node: Place) -> None:
    node("stock", "keep", "Hall", "--as", "Ann")
    assert (
        node.refused("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ben", code=7)["code"]
        == "no_right"
    )
    asked = node.json("stock", "book", "Hall", *NOON, "--for", "Dora", "--ask", "--as", "Ben")
    assert asked["status"] == "asked"
    assert "does not hold the right" in node("why", asked["id"]).out
    assert states(node) == [("Dora", "asked")]
    assert node.refused("stock", "unbook", asked["id"], "--as", "Ben", code=7)["code"] == "not_booked"
    booked = node.json("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ann")
    assert node.refused("stock", "unbook", booked["id"], "--as", "Ben", code=7)["code"] == "no_right"


def test_the_right_is_handed_on_with_all_that_is_booked(node: Place) -> None:
    offer = node.json("stock", "keep", "Hall", "--as", "Ann")["id"]
    node("stock", "book", "Hall", *MORNING, "--for", "Choir", "--as", "Ann")
    node("stock", "grant", offer, 1, "piece", "--to", "Ben", "--as", "Ann")
    (thing,) = node.json("stock", "things")["things"]
    assert thing["keeper"] == "Ben"
    later = ("--from", "2087-05-13T09:00", "--until", "2087-05-13T12:00", "--for", "Dora")
    assert node.refused("stock", "book", "Hall", *later, "--as", "Ann", code=7)["code"] == "no_right"
    assert (
        node.refused("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ben", code=7)["code"]
        == "booked_already"
    )
    node("stock", "book", "Hall", *later, "--as", "Ben")
    assert states(node) == [("Choir", "booked"), ("Dora", "booked")]
    node("stock", "grant", offer, 1, "piece", "--back", "--as", "Ben")
    node("stock", "book", "Hall", *NOON[:1], "2087-05-12T12:00", *NOON[2:], "--for", "Emil", "--as", "Ann")
    assert states(node) == [("Choir", "booked"), ("Emil", "booked"), ("Dora", "booked")]


@pytest.fixture
def neighbours(tmp_path: Path) -> tuple[Valley, Place, Place]:
    """Return two communities that meet now and then. The Oakfielders' hall is open to all."""
    valley = Valley(tmp_path, "Oakfield", "Mill Lane")
    oak, mill = (Place(valley.homes[name].path) for name in ("Oakfield", "Mill Lane"))
    valley.meet()
    oak("stock", "keep", "Hall", "--open", "--as", "Ann", "--no-passphrase")
    valley.meet()
    return valley, oak, mill


def test_a_hall_is_booked_on_one_side_of_a_cut_and_asked_for_on_the_other(
    neighbours: tuple[Valley, Place, Place],
) -> None:
    valley, oak, mill = neighbours
    ours = ("--open", "--as", "Ann", "--no-passphrase")
    theirs = (*MORNING, "--for", "Mill Lane", "--of", "Oakfield", "--as", "Ann", "--no-passphrase")
    oak("stock", "book", "Hall", *NOON, "--for", "Choir", *ours)
    assert mill.refused("stock", "book", "Hall", *theirs, code=7)["code"] == "no_right"
    mill("stock", "book", "Hall", *theirs, "--ask")
    valley.meet()
    for place in (oak, mill):
        assert states(place, "--body", "Oakfield") == [("Mill Lane", "asked"), ("Choir", "booked")]
    offer = oak.json("stock", "things")["things"][0]["offers"][0]
    oak("stock", "grant", offer, 1, "piece", "--to", "Ann@Mill Lane", "--as", "Ann", "--no-passphrase")
    valley.meet()
    # The link is cut. Who has the right now books; who had it no longer can.
    free = ("--from", "2087-05-12T13:00", "--until", "2087-05-12T14:00")
    mill("stock", "book", "Hall", *free, *theirs[4:])
    assert oak.refused("stock", "book", "Hall", *free, "--for", "Dora", *ours, code=7)["code"] == "no_right"
    oak("stock", "book", "Hall", *free, "--for", "Dora", "--ask", *ours)
    valley.meet()
    for place in (oak, mill):
        found = states(place, "--body", "Oakfield")
        assert sorted(found) == sorted(
            [("Mill Lane", "asked"), ("Choir", "booked"), ("Mill Lane", "booked"), ("Dora", "asked")]
        )
    assert oak.json("status")["state_root"] == mill.json("status")["state_root"]


def test_a_steward_lends_and_signs_people_up_within_their_mandate(shed: Place) -> None:
    shed("people", "add", "Wim", "--no-passphrase", "--as", "Ann")
    task = ("--task", "tools", "--may", "loan,plan,shift,signup,work_tally")
    page = shed.json("mandates", "give", "Wim", *task, "--as", "Ann")["page"]
    shed.seal(page, "Ann", "Ben")
    shed("stock", "lend", "D1", "--to", "Dora", "--as", "Wim")
    assert there(shed, "Drill D1") == (0, 1)
    shed("stock", "return", "D1", "--as", "Wim")
    assert shed.refused("stock", "keep", "Hall", "--as", "Wim", code=7)["code"] == "outside_mandate"
    shed("rota", "plan", "Repairs", "--as", "Wim")
    (shift,) = shed.json("rota", "shift", "Repairs", *NOON, "--places", 1, "--as", "Wim")["ids"]
    shed("rota", "signup", shift, "Dora", "--as", "Wim")
    shed("rota", "hours", "Dora", "--given", "1h", "--shift", shift, "--as", "Wim")
    recall = shed.json("mandates", "recall", "Wim", "--as", "Ann")["page"]
    shed.seal(recall, "Ann", "Ben")
    assert shed.refused("stock", "lend", "D1", "--to", "Emil", "--as", "Wim", code=7)["code"] == "no_mandate"
    assert [each["to"] for each in shed.json("stock", "loans", "--all")["loans"]] == ["Dora"]
    assert shed.json("rota", "hours")["hours"][0]["given"]["quantity"] == 60


def test_a_thing_that_two_people_keep_is_said_to_be(node: Place) -> None:
    node("stock", "keep", "Hall", "--as", "Ann")
    # As if Ben had begun to keep it on the other side of a cut.
    node("stock", "offer", "Hall", 1, "piece", "--use", "--local", "--as", "Ben")
    assert "AND OTHERS" in node("stock", "things").out
    assert "it may be booked twice" in node("why", "Hall").out


def test_a_name_that_was_written_before_is_meant_again(shed: Place) -> None:
    shed("stock", "lend", "D1", "--to", "Dora", "--as", "Ann")
    shed("stock", "lend", "Chair", "--to", "dora", "--as", "Ann")
    assert [each["to"] for each in shed.json("stock", "loans", "--who", "DORA")["loans"]] == ["Dora", "Dora"]
    assert shed.json("stock", "loans", "--who", "Emil")["loans"] == []


def test_why_tells_who_has_a_thing_and_who_books_it(shed: Place) -> None:
    shed("stock", "lend", "Chair", "--quantity", 4, "--to", "Dora", "--due", "2087-05-20", "--as", "Ann")
    assert "Dora has 4 of it since" in shed("why", "Chair").out
    shed("stock", "keep", "Hall", "--as", "Ann")
    booked = shed.json("stock", "book", "Hall", *NOON, "--for", "Choir", "--as", "Ann")
    said = shed("why", "Hall").out
    assert "Ann holds the right to book it" in said
    assert f"It is booked for Choir: 2087-05-12 11:00 to 13:00 ({booked['id'][:8]})" in said


def test_one_thing_is_kept_by_one(node: Place) -> None:
    node("stock", "keep", "Drill", "--lot", "D1", "--as", "Ann")
    assert (
        node.refused("stock", "keep", "drill", "--lot", "D1", "--as", "Ben", code=7)["code"] == "kept_already"
    )
    node("stock", "keep", "Drill", "--lot", "D2", "--as", "Ben")
    assert [each["keeper"] for each in node.json("stock", "things")["things"]] == ["Ann", "Ben"]


def test_a_loan_follows_from_its_booking(shed: Place) -> None:
    shed("stock", "keep", "Drill", "--lot", "D1", "--as", "Ann")
    booked = shed.json(
        "stock", "book", "D1", "--from", "2020-01-01", "--until", "2087-01-01", "--for", "Dora", "--as", "Ann"
    )
    lent = shed.json("stock", "lend", "D1", "--to", "Dora", "--as", "Ann")
    assert shed.json("show", lent["id"])["payload"]["booking"] == booked["id"]
    (thing,) = [each for each in shed.json("stock", "things")["things"] if each["lot"] == "D1"]
    assert (thing["lent"][0]["to"], thing["next"]["who"]) == ("Dora", "Dora")


def waits(node: Place, kind: str) -> list[str]:
    """Return the lines of a kind that wait for people."""
    return [each["line"] for each in node.json("status")["waiting"] if each["kind"] == kind]


def test_what_is_overdue_or_out_twice_waits_for_people(shed: Place) -> None:
    assert waits(shed, "loans") == []
    early = ("--at", "2020-01-01", "--due", "2020-01-03", "--as", "Ann")
    shed("stock", "lend", "D1", "--to", "Dora", *early)
    assert waits(shed, "loans") == ["Dora has Drill D1, and it was due on 2020-01-03 23:59"]
    shed("stock", "lend", "Chair", "--quantity", 2, "--to", "Emil", *early)
    assert waits(shed, "loans") == ["2 things that were lent are overdue"]
    shed("stock", "lend", "D1", "--to", "Fay", "--anyway", "--as", "Ann")
    assert waits(shed, "loans")[0] == "by the records Dora has Drill D1 and somebody else has it, too"


def test_what_is_asked_for_waits_until_it_is_booked(node: Place) -> None:
    node("stock", "keep", "Hall", "--as", "Ann")
    node("stock", "book", "Hall", *NOON, "--for", "Dora", "--ask", "--as", "Ben")
    assert waits(node, "bookings") == ["Hall is asked for, for Dora: 2087-05-12 11:00 to 13:00"]
    node("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ann")
    assert waits(node, "bookings") == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("lend", "Nothing", "--to", "Dora", "--as", "Ann"), 6),
        (("lend", "D1", "--to", "", "--as", "Ann"), 2),
        (("lend", "D1", "--to", "Oakfield", "--as", "Ann"), 2),
        (("lend", "D1", "--to", "Dora", "--due", "2020-01-01", "--as", "Ann"), 2),
        (("lend", "D1", "--to", "Dora", "--at", "2099-01-01", "--as", "Ann"), 2),
        (("lend", "Chair", "--quantity", "0", "--to", "Dora", "--as", "Ann"), 2),
        (("lend", "D1", "--to", "Dora", "--as", "Zoe"), 6),
        (("book", "D1", *NOON, "--for", "Dora", "--as", "Ann"), 7),
        (("keep", "", "--as", "Ann"), 2),
        (("unbook", "ffffffff", "--as", "Ann"), 6),
        (("bookings", "Nothing"), 6),
    ],
)
def test_what_can_not_be_is_said_and_nothing_is_written(
    shed: Place, words: tuple[str, ...], code: int
) -> None:
    before = shed.json("verify")["records"]
    shed.refused("stock", *words, code=code)
    assert shed.json("verify")["records"] == before


def test_records_are_said_in_words(shed: Place) -> None:
    lent = shed.json("stock", "lend", "D1", "--to", "Dora", "--as", "Ann")
    back = shed.json("stock", "return", "D1", "--condition", "fine", "--as", "Ann")
    shed("stock", "keep", "Hall", "--as", "Ann")
    booked = shed.json("stock", "book", "Hall", *NOON, "--for", "Dora", "--as", "Ann")
    plan = shed.json("rota", "plan", "Cooking", "--as", "Ann")
    (shift,) = shed.json("rota", "shift", "Cooking", *NOON, "--places", 1, "--as", "Ann")["ids"]
    signed = shed.json("rota", "signup", shift, "Dora", "--as", "Ann")
    hours = shed.json("rota", "hours", "Dora", "--given", "90min", "--as", "Ann")
    for id_, words in (
        (lent["id"], "lends Drill D1 from Shed to Dora"),
        (back["id"], f"brings back the loan {lent['id'][:8]}: fine"),
        (booked["id"], "books Hall for Dora, 2087-05-12 11:00 to 13:00"),
        (plan["id"], "makes the plan Cooking"),
        (shift, "adds a shift with 1 place, 2087-05-12 11:00 to 13:00"),
        (signed["id"], f"puts Dora down for the shift {shift[:8]}"),
        (hours["id"], "1 h 30 min given by Dora"),
    ):
        shown = shed.json("show", id_)
        assert shown["says"] == words
        assert shown["reason"] in shed("why", id_).out
    assert shed.json("rebuild")["same"] is True
    assert shed.json("verify", "--all")["whole"] is True


def test_who_means_one_of_several_is_told_how_to_say_which(node: Place) -> None:
    for code in ("D1", "D2"):
        node("stock", "add", "Drill", 1, "piece", "--lot", code, "--store", "Shed", "--local", "--as", "Ann")
    node("stock", "add", "Chair", 10, "pieces", "--store", "Hall", "--local", "--as", "Ann")
    drill = node.refused("stock", "lend", "Drill", "--to", "Dora", "--as", "Ann", code=6)
    assert drill["try"] == "Type what stands on it: its number, its lot."
    for who in ("Dora", "Emil"):
        said = node("stock", "lend", "Chair", "--to", who, "--quantity", 4, "--as", "Ann").out
        assert f"{who} has 4 × Chair" in said
    back = node.refused("stock", "return", "Chair", "--as", "Ann", code=6)
    assert "(Dora)" in back["message"]
    assert "--from WHO" in back["try"]
    node("stock", "add", "Chair", 1, "piece", "--store", "Attic", "--local", "--as", "Ann")
    assert "--store S" in node.refused("stock", "lend", "Chair", "--to", "Fay", "--as", "Ann", code=6)["try"]
