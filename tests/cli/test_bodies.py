"""`fedsync bodies found` and `show`: what numbers bear, and bodies of bodies and of people."""

from pathlib import Path

import pytest

from fedsync.records.codec import Value
from tests.acts.valley import Valley
from tests.cli.calling import Place, fedsync

NAMES = ("Oakfield", "Mill Lane", "Hill Farm")
MEMBERS = [word for name in NAMES for word in ("--member", name)]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    """Three communities that know each other. Tests found bodies of other names."""
    valley = Valley(tmp_path_factory.mktemp("bodies"), *NAMES)
    valley.meet()
    return valley


def place(valley: Valley, name: str = "Oakfield") -> Place:
    """Return a community's node as somebody at its keyboard has it."""
    return Place(valley.homes[name].path)


def found(valley: Valley, *words: object, at: str = "Oakfield", name: str = "Ann") -> dict[str, object]:
    """Found a body and return what the command says to programs."""
    return place(valley, at).json("bodies", "found", *words, "--as", name, "--no-passphrase")


def test_a_region_is_founded_with_the_usual_numbers_and_its_members_nodes(known: Valley) -> None:
    made = found(known, "Valley", "--kind", "region", *MEMBERS)
    assert (made["seats"], made["threshold"], made["sealers"], made["seals"]) == (3, 2, 3, 3)
    assert made["bears"] == {"lying_seats": 1, "lost_seats": 1, "lying_sealers": 2, "lost_sealers": 0}
    known.meet()
    for name in NAMES:
        shown = place(known, name).json("bodies", "show", "Valley")
        assert (shown["kind"], shown["level"], shown["founded"]) == ("region", 1, False)
        assert sorted(each["name"] for each in shown["seats"]) == sorted(NAMES)
        assert shown["sealers"] == sorted(f"the node of {each}" for each in NAMES)
        assert {each["says"] for each in shown["seats"]} == {"silent"}
    assert place(known).json("bodies", "show", "Valley")["source"] == "joined"
    words = place(known)("bodies", "show", "Valley").out
    assert "being founded: its first page is not sealed yet" in words
    assert "nothing can be repaired" in words
    assert "Oakfield: its book does not say yet that it joins; nobody speaks for it" in words


def test_what_the_numbers_bear_is_said_before_anything_is_written(known: Valley) -> None:
    before = place(known).json("status")
    told = place(known).json(
        "bodies", "found", "Dale", "--kind", "region", *MEMBERS, "--seals", 2, "--explain"
    )
    assert told["bears"]["lying_sealers"] == 0
    assert any("Sealers that lie: none may" in line for line in told["explained"])
    assert place(known).json("status") == before
    alone = fedsync("bodies", "found", "--seats", 5, "--threshold", 3, "--seals", 3, "--sealers", 4)
    assert alone.code == 0, alone
    assert "3 of 5 seats must sign, and 3 of 4 sealers must seal." in alone.out
    assert "Sealers that lie: 1 cannot split the book. 2 could" in alone.out


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("Dale", "--kind", "region"), 2),
        (("Dale", "--member", "Oakfield"), 2),
        ((), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--threshold", 1), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--threshold", 4), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--seals", 1), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--level", 0), 2),
        (("Dale", "--kind", "region", *MEMBERS, *MEMBERS), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--seal-with", "seats"), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--cooling", 3), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--seats", 3), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--witness", "Oakfield"), 2),
        (("Dale", "--kind", "region", *MEMBERS, "--witness", "Nowhere"), 6),
        (("oakfield", "--kind", "region", *MEMBERS), 2),
        (("All", "--kind", "region", *MEMBERS), 2),
        (("Ann@Dale", "--kind", "region", *MEMBERS), 2),
        (("Dale=Oakfield", "--kind", "region", *MEMBERS), 2),
        (("Dale", "--kind", "guild", "--seat", "Ann", "--member", "Oakfield"), 2),
        (("Dale", "--kind", "guild", "--seat", "Zed@Mill Lane"), 6),
        (("Dale", "--kind", "guild", "--seat", "Ann@Nowhere"), 6),
        (("Dale", "--kind", "guild", "--seat", "@Oakfield"), 2),
        (("Dale", "--kind", "guild", "--seat", "Ann", "--seat", "Ann@Oakfield"), 2),
        (("Dale", "--kind", "region", "--member", "Nowhere"), 6),
        (("--seats", 4, "--threshold", 2), 2),
    ],
)
def test_a_body_that_cannot_be_is_refused_and_leaves_nothing(
    known: Valley, words: tuple[object, ...], code: int
) -> None:
    before = place(known).json("status")
    place(known).refused("bodies", "found", *words, "--as", "Ann", "--no-passphrase", code=code)
    assert place(known).json("status") == before


def test_a_guild_of_people_from_two_communities_keeps_its_own_book(known: Valley, tmp_path: Path) -> None:
    sheet = tmp_path / "guild.txt"
    made = found(
        known, "Millers", "--kind", "guild", "--seat", "Ann", "--seat", "Ben@Mill Lane", "--seat", "Cleo@Hill Farm",
        "--repair-sheet", sheet,
    )  # fmt: skip
    assert made["repair_keys"] == {"keys": 3, "threshold": 2}
    assert "repair key 3 of 3 of Millers" in sheet.read_text()
    known.meet()
    shown = place(known, "Mill Lane").json("bodies", "show", "Millers")
    assert shown["tellers"] == ["Ann of Oakfield", "Ben of Mill Lane", "Cleo of Hill Farm"]
    assert (shown["threshold"], shown["seals"], shown["level"]) == (2, 3, 0)
    page = place(known).json(
        "decisions", "propose", "--title", "Stones", "--text", "-", "--body", "Millers", "--as", "Ann",
        stdin="Each mill has two.",
    )["page"]  # fmt: skip
    for _ in range(2):
        for at, name in zip(NAMES, ("Ann", "Ben", "Cleo"), strict=True):
            known.meet()
            fedsync("--home", known.homes[at].path, "book", "sign", page, "--as", name, "--no-passphrase")
    for at, name in zip(NAMES, ("Ann", "Ben", "Cleo"), strict=True):
        fedsync("--home", known.homes[at].path, "book", "approve", page, "--as", name, "--no-passphrase")
    known.meet()
    assert place(known, "Hill Farm").page(page)["status"] == "sealed"
    assert place(known, "Hill Farm").json("bodies", "show", "Millers")["founded"]
    error = place(known).refused(
        "bodies", "found", "Smiths", "--kind", "guild", "--seat", "Ann", "--repair-sheet", sheet, "--as", "Ann",
        "--no-passphrase", code=2,
    )  # fmt: skip
    assert "exists already" in error["message"]


def test_a_syndicate_answers_to_the_body_that_creates_it_and_may_end_it(known: Valley) -> None:
    made = found(
        known, "Bakers", "--kind", "syndicate", "--member", "Oakfield", "--member", "Mill Lane", "--answers-to",
        "Oakfield",
    )  # fmt: skip
    oakfield = place(known)

    def answers() -> dict[str, object]:
        value = oakfield.json("bodies", "show", "Bakers")["answers_to"]
        assert isinstance(value, dict)
        return value

    assert answers()["says"] == "silent"
    oakfield.seal(str(made["page"]), "Ann", "Ben")
    assert (answers()["name"], answers()["says"]) == ("Oakfield", "created")
    assert "answers to Oakfield, which created it" in oakfield("bodies", "show", "Bakers").out
    ends: dict[str, Value] = {"kind": "repeal", "decision": [bytes.fromhex(str(made["page"])), 0]}
    known.enter("Oakfield", [ends])
    assert answers()["says"] == "ended"
    assert "ENDED it" in oakfield("bodies", "show", "Bakers").out


def test_the_tree_has_each_body_below_those_that_it_sits_in(known: Valley) -> None:
    found(known, "Ridge", "--kind", "region", "--member", "Oakfield", "--member", "Mill Lane")
    found(
        known, "World", "--kind", "world", "--member", "Ridge", "--member", "Hill Farm", "--node", "Ridge=Oakfield",
        "--rule", "two_thirds", "--longest", 30, "--cooling", 90,
    )  # fmt: skip
    world = place(known).json("bodies", "show", "World")
    assert (world["level"], world["rule"], world["rotation"]) == (
        2, {"method": "two_thirds"}, {"longest": 30, "cooling": 90},
    )  # fmt: skip
    lines = place(known)("bodies", "show", "--tree").out.splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("World"))
    below = lines[at + 1 : at + 5]
    assert any(line.startswith("  Ridge") for line in below)
    assert any(line.startswith("    Mill Lane") for line in below)
    assert place(known).refused("bodies", "show", "World", "--tree", code=2)["code"] == "usage"
    error = place(known).refused(
        "bodies",
        "found",
        "Globe",
        "--kind",
        "world",
        "--member",
        "Ridge",
        "--as",
        "Ann",
        "--no-passphrase",
        code=7,
    )
    assert error["code"] == "no_node"
    assert "--node" in error["try"]


def test_all_lists_every_body_and_our_own_is_shown_as_before(known: Valley) -> None:
    every = {each["name"] for each in place(known).json("bodies", "show", "all")["bodies"]}
    assert set(NAMES) <= every
    words = place(known)("bodies", "show").out
    assert "2 of its 3 tellers must sign: Ann, Ben, Cleo" in words
