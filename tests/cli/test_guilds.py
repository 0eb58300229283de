"""Bodies of people from several communities: how they change, decide and are repaired."""

from pathlib import Path

import pytest

from tests.acts.valley import Valley
from tests.cli.calling import Place, fedsync


@pytest.fixture
def guild(tmp_path: Path) -> Valley:
    """A guild of three people from two communities, two of whom have a seat in another guild too."""
    valley = Valley(tmp_path / "homes", "Oakfield", "Mill Lane")
    valley.meet()
    for name, seats in (
        ("Millers", ("Ann", "Ben@Mill Lane", "Cleo@Mill Lane")),
        ("Bakers", ("Ann", "Ben@Mill Lane")),
    ):
        words = [word for seat in seats for word in ("--seat", seat)]
        sheet = ("--repair-sheet", tmp_path / f"{name}.txt")
        Place(valley.homes["Oakfield"].path)(
            "bodies", "found", name, "--kind", "guild", *words, *sheet, "--as", "Ann", "--no-passphrase"
        )
    valley.meet()
    return valley


def sign_all(valley: Valley, page: str, *who: tuple[str, str]) -> str:
    """Let people of several communities sign and then approve a page; return its status."""
    for _ in range(2):
        for at, name in who:
            place = Place(valley.homes[at].path)
            for word in ("sign", "approve"):
                fedsync("--home", place.path, "book", word, page, "--as", name, "--no-passphrase")
            valley.meet()
    status = Place(valley.homes["Oakfield"].path).page(page)["status"]
    assert isinstance(status, str)
    return status


OAK, MILL, CLEO = ("Oakfield", "Ann"), ("Mill Lane", "Ben"), ("Mill Lane", "Cleo")


def test_a_guild_changes_its_seats_by_name_without_consents(guild: Valley) -> None:
    place = Place(guild.homes["Oakfield"].path)
    words = ("bodies", "epoch", "--body", "Millers", "--as", "Ann", "--no-passphrase")
    place.refused(*words, "--add-body", "Oakfield", code=2)
    place.refused(*words, "--drop", "Dora@Mill Lane", code=6)
    made = place.json(*words, "--add", "Ben@Oakfield", "--drop", "Cleo@Mill Lane")
    assert (made["seats"], made["threshold"], made["proposal"]) == (3, 2, False)
    assert sign_all(guild, made["page"], OAK, MILL, CLEO) == "sealed"
    shown = place.json("bodies", "show", "Millers")
    assert shown["tellers"] == ["Ann of Oakfield", "Ben of Mill Lane", "Ben of Oakfield"]
    page = place.json(
        "decisions", "propose", "--title", "Flour", "--text", "-", "--body", "Millers", "--as", "Ann", "--no-passphrase"
    )["page"]  # fmt: skip
    assert sign_all(guild, page, OAK, MILL, ("Oakfield", "Ben")) == "sealed"


def test_one_person_has_seats_in_several_bodies(guild: Valley) -> None:
    place = Place(guild.homes["Oakfield"].path)
    for name in ("Millers", "Bakers"):
        page = place.json(
            "decisions", "propose", "--title", "Flour", "--text", "-", "--body", name, "--as", "Ann", "--no-passphrase"
        )["page"]  # fmt: skip
        assert sign_all(guild, page, OAK, MILL, CLEO) == "sealed"
        assert place.json("bodies", "show", name)["founded"]


def test_a_guild_is_repaired_with_its_own_sheet_and_other_people(guild: Valley, tmp_path: Path) -> None:
    place = Place(guild.homes["Oakfield"].path)
    words = ("bodies", "repair", "--body", "Millers", "--no-passphrase")
    other = place.refused(*words, "--sheet", tmp_path / "Bakers.txt", "--seat", "Ann", code=7)
    assert other["code"] == "no_repair_key"
    place.refused(*words, "--sheet", tmp_path / "Millers.txt", "--threshold", 2, code=2)
    place.refused(*words, "--sheet", tmp_path / "Millers.txt", "--teller", "Ann", "--threshold", 1, code=2)
    made = place.json(
        *words, "--sheet", tmp_path / "Millers.txt", "--seat", "Cleo@Oakfield", "--seat", "Ben@Oakfield"
    )
    assert made["status"] == "sealed"
    guild.meet()
    shown = Place(guild.homes["Mill Lane"].path).json("bodies", "show", "Millers")
    assert (shown["tellers"], shown["threshold"]) == (["Ben of Oakfield", "Cleo of Oakfield"], 2)
