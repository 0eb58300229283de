"""`fedsync rota`: plans, shifts, who comes, and two tallies of hours."""

import pytest

from fedsync.acts.author import now_ms
from fedsync.cli.telling import rfc3339
from tests.cli.calling import Place

LUNCH = ("--from", "2087-05-12T10:00", "--until", "2087-05-12T13:00", "--places")


@pytest.fixture
def lunch(node: Place) -> str:
    """Return the id of a shift with one place."""
    node("rota", "plan", "Cooking", "--as", "Ann")
    (id_,) = node.json("rota", "shift", "cooking", *LUNCH, 1, "--name", "Lunch", "--as", "Ben")["ids"]
    assert isinstance(id_, str)
    return id_


def shifts(node: Place, *more: str) -> list[tuple[list[str], list[str]]]:
    """Return who holds places and who waits."""
    (plan,) = node.json("rota", "show", *more)["plans"]
    return [
        ([each["who"] for each in shift["held"]], [each["who"] for each in shift["waiting"]])
        for shift in plan["shifts"]
    ]


def test_who_is_put_down_comes_and_who_had_more_turns_waits(node: Place, lunch: str) -> None:
    said = node("rota", "signup", lunch[:8], "Dora", "--as", "Ann").out
    assert said == "Dora has a place: 2087-05-12 10:00 to 13:00.\n"
    (supper,) = node.json("rota", "shift", "Cooking", *LATER, 1, "--as", "Ann")["ids"]
    node("rota", "signup", supper, "Dora", "--as", "Ann")
    node("rota", "signup", supper, "Emil", "--as", "Ben")
    assert shifts(node) == [(["Dora"], []), (["Emil"], ["Dora"])]
    assert "Dora (1 turn)" in node("rota", "show", "Cooking").out


LATER = ("--from", "2087-05-13T10:00", "--until", "2087-05-13T13:00", "--places")


def test_names_are_those_that_were_written_before(node: Place, lunch: str) -> None:
    node("rota", "signup", lunch, "Dora", "--as", "Ann")
    refused = node.refused("rota", "signup", lunch, "dora", "--as", "Ann", code=7)
    assert refused["code"] == "signed_up_already"
    assert shifts(node) == [(["Dora"], [])]


def test_who_leaves_makes_room(node: Place, lunch: str) -> None:
    for who in ("Dora", "Emil"):
        node("rota", "signup", lunch, who, "--as", "Ann")
    (held,), (waits,) = shifts(node)[0]
    assert node("rota", "leave", lunch, held, "--as", "Ben").out.startswith(f"{held} is not signed up")
    assert shifts(node) == [([waits], [])]
    assert node.refused("rota", "leave", lunch, held, "--as", "Ben", code=6)["code"] == "not_found"


def test_a_swap_puts_one_in_the_place_of_another(node: Place, lunch: str) -> None:
    node("rota", "signup", lunch, "Dora", "--as", "Ann")
    shown = node.json("rota", "swap", lunch, "dora", "Emil", "--as", "Ben")
    assert shown["shift"]["held"][0]["for"] == "Dora"
    assert shifts(node) == [(["Emil"], [])]
    assert "Emil for Dora" in node("rota", "show").out


def test_shifts_come_round_each_week(node: Place, lunch: str) -> None:
    made = node.json("rota", "shift", "Cooking", *LATER, 2, "--weeks", 3, "--as", "Ann")["ids"]
    (plan,) = node.json("rota", "show", "--all")["plans"]
    begins = {each["id"]: each["from"][:10] for each in plan["shifts"]}
    assert [begins[each] for each in made] == ["2087-05-13", "2087-05-20", "2087-05-27"]


def test_what_is_over_is_shown_when_asked_for(node: Place, lunch: str) -> None:
    past = ("--from", "2020-05-12T10:00", "--until", "2020-05-12T13:00", "--places", 1)
    node("rota", "shift", "Cooking", *past, "--as", "Ann")
    assert len(shifts(node)) == 1
    assert len(shifts(node, "--all")) == 2


def test_rotas_and_hours_stay_here_unless_they_are_opened(node: Place, lunch: str) -> None:
    (plan,) = node.json("rota", "show")["plans"]
    assert plan["local"] is True
    root = node.json("rebuild")["state_root"]
    node("rota", "signup", lunch, "Dora", "--as", "Ann")
    node("rota", "hours", "Dora", "--given", "90min", "--as", "Ann")
    assert node.json("rebuild")["state_root"] == root
    node("rota", "plan", "Market", "--open", "--as", "Ann")
    assert node.json("rebuild")["state_root"] != root


def test_hours_given_and_hours_received_are_two_tallies(node: Place, lunch: str) -> None:
    node("rota", "hours", "Dora", "--given", "1.5h", "--shift", lunch[:8], "--as", "Ann")
    node("rota", "hours", "dora", "--given", "30 min", "--as", "Ben")
    node("rota", "hours", "Dora", "--received", "20min", "--note", "shopping", "--as", "Ben")
    (row,) = node.json("rota", "hours")["hours"]
    assert row == {
        "who": "Dora", "given": {"quantity": 120, "unit": "min"},
        "received": {"quantity": 20, "unit": "min"}, "entries": 3,
    }  # fmt: skip
    assert "Dora 2 h 20 min 3" in " ".join(node("rota", "hours").out.split())
    assert node.json("rota", "hours", "--until", "2020-01-01")["hours"] == []


def test_why_says_of_somebodys_hours_what_they_come_from(node: Place, lunch: str) -> None:
    for minutes in range(1, 13):
        node(
            "rota",
            "hours",
            "Dora",
            "--given",
            f"{minutes}min",
            "--at",
            f"2026-05-{minutes:02}",
            "--as",
            "Ann",
        )
    id_ = node.json("rota", "hours", "Dora", "--received", "2h", "--at", "2026-05-20", "--as", "Ben")["id"]
    shown = node("why", "dora").out
    assert "Dora gave 1 h 18 min in 12 entries, and received 2 h in 1 entry." in shown
    assert f"2026-05-20 00:00: 2 h received ({id_[:8]})" in shown
    assert "2026-05-04 00:00: 4 min given" in shown
    assert "3 earlier entries: fedsync rota hours Dora --entries" in shown
    assert "2026-05-03" not in shown


def test_a_shift_that_does_not_take_place_is_gone(node: Place, lunch: str) -> None:
    signed = node.json("rota", "signup", lunch, "Dora", "--as", "Ann")["id"]
    assert (
        "does not take place: Cooking Lunch, 2087-05-12"
        in node("rota", "cancel", lunch[:8], "--as", "Ben").out
    )
    assert shifts(node, "--all") == []
    assert "does not take place" in node("why", lunch).out
    assert "comes to nothing" in node("why", signed).out
    assert node.refused("rota", "signup", lunch, "Emil", "--as", "Ann", code=6)["code"] == "not_found"


def test_an_entry_of_hours_is_put_right(node: Place) -> None:
    wrong = node.json("rota", "hours", "Dora", "--given", "90h", "--as", "Ann")["id"]
    right = node.json("rota", "hours", "Dora", "--given", "9h", "--corrects", wrong[:8], "--as", "Ben")["id"]
    assert "9 h" in node("rota", "hours", "Dora").out
    (entry,) = node.json("rota", "hours", "--entries")["entries"]
    assert (entry["id"], entry["corrects"]) == (right, wrong)
    assert f"{right[:8]} stands in its place" in node("why", wrong).out
    assert f"it stands in place of {wrong[:8]}" in node("why", right).out
    node("rota", "hours", "Dora", "--given", "0min", "--corrects", right[:8], "--as", "Ben")
    assert node.json("rota", "hours")["hours"] == []
    error = node.refused("rota", "hours", "Dora", "--given", "1h", "--corrects", wrong, "--as", "Ann", code=6)
    assert error["code"] == "not_found"


def test_shifts_soon_that_lack_people_wait_for_them(node: Place, lunch: str) -> None:
    def lines() -> list[str]:
        return [each["line"] for each in node.json("status")["waiting"] if each["kind"] == "shifts"]

    assert lines() == []
    tomorrow = now_ms() + 86_400_000
    span = ("--from", rfc3339(tomorrow), "--until", rfc3339(tomorrow + 3_600_000))
    (soon,) = node.json("rota", "shift", "Cooking", *span, "--places", 2, "--as", "Ann")["ids"]
    node("rota", "signup", soon, "Dora", "--as", "Ann")
    assert lines() == ["1 shift lacks people in the next 7 days: 1 place"]
    node("rota", "signup", soon, "Emil", "--as", "Ann")
    assert lines() == []


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("plan", "", "--as", "Ann"), 2),
        (("plan", "cooking", "--as", "Ann"), 7),
        (("plan", "Market", "--as", "Zoe"), 6),
        (("shift", "Baking", *LUNCH, "1", "--as", "Ann"), 6),
        (("shift", "Cooking", *LUNCH, "0", "--as", "Ann"), 2),
        (
            (
                "shift",
                "Cooking",
                "--from",
                "2087-05-12",
                "--until",
                "2087-05-11",
                "--places",
                "1",
                "--as",
                "Ann",
            ),
            2,
        ),
        (("shift", "Cooking", *LUNCH, "1", "--weeks", "1000", "--as", "Ann"), 2),
        (
            (
                "shift",
                "Cooking",
                "--from",
                "9999-12-30T10:00",
                "--until",
                "9999-12-30T11:00",
                "--places",
                "1",
                "--weeks",
                "3",
                "--as",
                "Ann",
            ),
            2,
        ),
        (("signup", "ffffffff", "Dora", "--as", "Ann"), 6),
        (("show", "Baking"), 6),
        (("hours", "Dora", "--given", "soon", "--as", "Ann"), 2),
        (("hours", "Dora", "--given", "0min", "--as", "Ann"), 2),
        (("hours", "Dora", "--given", "1.999min", "--as", "Ann"), 2),
        (("hours", "Dora", "--given", "1h", "--received", "1h", "--as", "Ann"), 2),
        (("hours", "Dora", "--given", "1h", "--at", "2099-01-01", "--as", "Ann"), 2),
        (("hours", "Dora", "--as", "Ann"), 2),
        (("hours", "--given", "1h"), 2),
        (("hours", "Nobody"), 6),
    ],
)
def test_what_can_not_be_is_said_and_nothing_is_written(
    node: Place, lunch: str, words: tuple[str, ...], code: int
) -> None:
    before = node.json("verify")["records"]
    node.refused("rota", *words, code=code)
    assert node.json("verify")["records"] == before


def test_who_loses_a_place_by_anothers_sign_up_is_named_and_who_moves_up(node: Place, lunch: str) -> None:
    later = node.json(
        *("rota", "shift", "Cooking", "--from", "2087-05-13T10:00", "--until", "2087-05-13T13:00"),
        *("--places", 1, "--as", "Ann"),
    )["ids"][0]
    node("rota", "signup", lunch, "Dora", "--as", "Ann")
    node("rota", "signup", later, "Dora", "--as", "Ann")
    said = node("rota", "signup", later, "Emil", "--as", "Ann").out
    assert "Emil has a place: " in said
    assert "Dora waits now: who had fewer turns goes first." in said
    assert "Dora has a place now." in node("rota", "leave", later, "Emil", "--as", "Ann").out
