"""`fedsync bodies epoch`, `consent`, `join`, `leave`, `repair` and `book witness`, for bodies whose seats are bodies."""

from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from fedsync.acts import minutes
from fedsync.acts.author import now_ms
from fedsync.acts.founding import post
from fedsync.crdt.booktables import page_row
from fedsync.crdt.epoch import epoch_on
from fedsync.crdt.tellers import Approve, Sign
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import SEAT
from fedsync.records.ids import LogClass, PageId
from fedsync.records.seal import Draft, seal
from tests.acts.valley import Valley
from tests.cli.calling import Place, fedsync

MEMBERS = ("Oakfield", "Mill Lane", "Hill Farm")
NAMES = (*MEMBERS, "Quarry")


class Federation(Valley):
    """A region of three communities, with delegates; Quarry is its neighbour."""

    def __init__(self, path: Path, *found: object) -> None:
        super().__init__(path, *NAMES)
        self.meet()
        members = [word for name in MEMBERS for word in ("--member", name)]
        self.place()(
            "bodies",
            "found",
            "Valley",
            "--kind",
            "region",
            *members,
            *found,
            "--as",
            "Ann",
            "--no-passphrase",
        )
        self.meet()
        for name in MEMBERS:
            self.send(name)
        self.meet()

    def place(self, name: str = "Oakfield") -> Place:
        return Place(self.homes[name].path)

    def page_of(self, at: str, *words: object, name: str = "Ann") -> str:
        """Type a command that drafts a page, and return it."""
        page = self.place(at).json(*words, "--as", name, "--no-passphrase")["page"]
        assert isinstance(page, str)
        return page

    def decided(self, at: str, *words: object) -> str:
        """Type a command that drafts a page of a community's own book, and seal that page."""
        page = self.page_of(at, *words)
        self.seal(at, PageId(bytes.fromhex(page)))
        assert self.place(at).page(page)["status"] == "sealed"
        return page

    def send(self, at: str) -> str:
        """Let a community send Cleo to the region."""
        return self.decided(at, "mandates", "give", "Cleo", "--seat", "Valley", "--instruct", "*=free")

    def carry(self, page: str, *names: str) -> str:
        """Let delegates sign a page of the region, everybody hear of it, and return its status."""
        for name in names:
            self.meet()
            with self.at(name) as (reading, door):
                minutes.sign(self.author(name, "Cleo"), reading, door, PageId(bytes.fromhex(page)))
        self.meet()
        status = self.place().page(page)["status"]
        assert isinstance(status, str)
        return status

    def waits(self, at: str) -> set[str]:
        """Return the kinds of what waits for people."""
        return {each["kind"] for each in self.place(at).json("status")["waiting"]}

    def shown(self, at: str = "Oakfield") -> dict[str, Any]:
        return self.place(at).json("bodies", "show", "Valley")

    def seat(self, name: str, at: str = "Oakfield") -> dict[str, Any]:
        (found,) = [each for each in self.shown(at)["seats"] if each["name"] == name]
        assert isinstance(found, dict)
        return found


@pytest.fixture
def valley(tmp_path: Path) -> Federation:
    return Federation(tmp_path)


def propose(valley: Federation, *words: object) -> str:
    page = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", *words, name="Cleo")
    valley.meet()
    return page


def test_a_fourth_community_joins_with_the_consent_of_its_new_seats(valley: Federation) -> None:
    assert valley.decided("Quarry", "bodies", "join", "Valley")
    valley.meet()
    proposal = propose(valley, "--add-body", "Quarry")
    place = valley.place("Mill Lane")
    error = place.refused("book", "sign", proposal, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "consents-missing"
    why = place("why", proposal).out
    assert "Consents: 3 are needed; nobody consented." in why
    assert "the consent of Hill Farm, Mill Lane, Oakfield, Quarry" in why
    assert f"Next: fedsync bodies consent {proposal[:8]} --as NAME" in why
    assert {"consent"} == valley.waits("Quarry") & {"consent", "consented", "delegate"}
    for name in ("Mill Lane", "Hill Farm"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    assert "consent" not in valley.waits("Hill Farm")
    error = valley.place().refused(
        "bodies", "epoch", "--body", "Valley", "--from", proposal, "--as", "Cleo", "--no-passphrase", code=7
    )
    assert error["code"] == "consents-missing"
    assert "Hill Farm (page " in valley.place()("why", proposal).out
    valley.decided("Quarry", "bodies", "consent", proposal)
    valley.meet()
    assert f"--from {proposal[:8]}" in valley.place()("why", proposal).out
    assert "consented" in valley.waits("Oakfield")
    final = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo")
    assert valley.carry(final, "Oakfield", "Hill Farm") == "sealed"
    shown = valley.shown("Quarry")
    assert (shown["threshold"], len(shown["seats"]), shown["seals"], len(shown["sealers"])) == (3, 4, 3, 4)
    assert valley.seat("Quarry", "Mill Lane")["says"] == "joined"
    assert shown["source"] == "joined"
    # From the next page on the fourth has a voice, and its node seals.
    valley.send("Quarry")
    page = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    assert valley.carry(page, "Oakfield", "Hill Farm", "Quarry") == "sealed"


def test_one_book_is_enough_to_leave_and_the_seat_stays_empty_until_the_region_takes_it(
    valley: Federation,
) -> None:
    page = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    valley.meet()
    with valley.at("Hill Farm") as (reading, door):
        minutes.sign(valley.author("Hill Farm", "Cleo"), reading, door, PageId(bytes.fromhex(page)))
    valley.decided("Hill Farm", "bodies", "leave", "Valley")
    valley.meet()
    # What was signed before it left was reachable, and is kept.
    assert valley.carry(page, "Oakfield") == "sealed"
    left = valley.seat("Hill Farm")
    assert (left["says"], left["delegates"]) == ("left", [])
    assert (
        'Next: fedsync bodies epoch --body "Valley" --drop-body "Hill Farm"'
        in valley.place()("bodies", "show", "Valley").out
    )
    after = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A bridge",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    valley.meet()
    error = valley.place("Hill Farm").refused(
        "book", "sign", after, "--as", "Cleo", "--no-passphrase", code=7
    )
    assert error["code"] == "no_voice"
    proposal = propose(valley, "--drop-body", "Hill Farm")
    for name in ("Oakfield", "Mill Lane"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    final = valley.page_of(
        "Mill Lane", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo"
    )
    assert valley.carry(final, "Oakfield", "Mill Lane") == "sealed"
    shown = valley.shown()
    assert (shown["threshold"], len(shown["seats"]), shown["seals"], len(shown["sealers"])) == (2, 2, 2, 2)


def test_what_is_not_asked_stays_as_it_was_through_every_change(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.txt"
    valley = Federation(
        tmp_path / "homes", "--rule", "consensus", "--longest", 30, "--cooling", 60, "--repair-sheet", sheet,
        "--answers-to", "Oakfield", "--witness", "00" * 16,
    )  # fmt: skip
    before = valley.shown()
    proposal = propose(valley, "--add-body", "Quarry", "--seals", 4)
    for name in ("Oakfield", "Mill Lane", "Quarry"):
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet()
    final = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", "--from", proposal, name="Cleo")
    assert valley.carry(final, "Oakfield", "Hill Farm") == "sealed"
    after = valley.shown()
    for field in ("kind", "level", "rule", "rotation", "repair_keys", "witness", "answers_to"):
        assert after[field] == before[field] is not None, field
    assert after["seals"] == 4


@pytest.mark.parametrize(
    ("words", "code"),
    [
        ((), 2),
        (("--add-body", "Oakfield"), 2),
        (("--add-body", "Valley"), 2),
        (("--add-body", "Nowhere"), 6),
        (("--drop-body", "Quarry"), 7),
        (("--add", "Ann@Quarry"), 2),
        (("--drop", "Ann"), 6),
        (("--threshold", 1), 7),
        (("--seals", 9), 7),
        (("--add-node", "Oakfield"), 2),
        (("--drop-node", "Quarry"), 6),
        (("--add-body", "Quarry", "--node", "Quarry"), 2),
        (("--cooling", 3), 2),
        (("--from", "ffffffff", "--threshold", 2), 2),
        (("--from", "ffffffff"), 6),
    ],
)
def test_a_change_of_a_region_that_makes_no_sense_is_refused(
    shared: Federation, words: tuple[object, ...], code: int
) -> None:
    before = shared.place().json("status")
    shared.place().refused(
        "bodies", "epoch", "--body", "Valley", *words, "--as", "Cleo", "--no-passphrase", code=code
    )
    assert shared.place().json("status") == before


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Federation:
    """A region that tests leave as they found it."""
    return Federation(tmp_path_factory.mktemp("shared"))


def test_consents_are_asked_of_seats_alone_and_for_proposals_alone(shared: Federation) -> None:
    page = shared.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    words = ("--as", "Ann", "--no-passphrase")
    assert shared.place().refused("bodies", "consent", page, *words, code=7)["code"] == "no_consents"
    proposal = propose(shared, "--drop-body", "Hill Farm")
    assert shared.place("Quarry").refused("bodies", "consent", proposal, *words, code=7)["code"] == "no_seat"


def test_a_body_never_sits_in_one_that_sits_in_it(shared: Federation) -> None:
    shared.place()(
        "bodies", "found", "World", "--kind", "world", "--member", "Valley", "--node", "Valley=Oakfield", "--as",
        "Ann", "--no-passphrase",
    )  # fmt: skip
    shared.meet()
    proposal = propose(shared, "--add-body", "World", "--node", "World=Quarry")
    error = shared.place().refused("book", "sign", proposal, "--as", "Cleo", "--no-passphrase", code=7)
    assert error["code"] == "not-lower"
    assert "bodies never sit in each other" in shared.place()("why", proposal).out


def test_the_node_that_seals_for_a_member_now_takes_the_place_of_the_one_before(valley: Federation) -> None:
    words = (
        "bodies",
        "epoch",
        "--body",
        "Valley",
        "--add-node",
        "Mill Lane",
        "--as",
        "Cleo",
        "--no-passphrase",
    )
    valley.place().refused(*words, code=2)
    ann, new = valley.author("Mill Lane"), valley.author("Quarry").key
    with valley.at("Mill Lane") as (reading, door), ann.writing():
        ann.write(door, reading, LogClass.AUTHORITY, [Draft("post", post(new, bytes(16)), now_ms() + 1)])
    valley.meet()
    proposal = propose(valley, "--add-node", "Mill Lane")
    with valley.at("Oakfield") as (reading, _):
        held = page_row(reading.view, PageId(bytes.fromhex(proposal)))
        assert held is not None
        epoch = epoch_on(held.payload, reading.body("Valley").scope, 1)
        assert epoch is not None
        keys = {each.key for each in epoch.sealers.values()}
    others = {public_key(load_node_key(valley.homes[name])) for name in ("Oakfield", "Hill Farm")}
    assert keys == {new, *others}


# --- Splits -------------------------------------------------------------------------------------------


def split(valley: Valley) -> tuple[str, str]:
    """Let two of Oakfield's tellers seal two rival pages of their book; return them."""
    place = Place(valley.homes["Oakfield"].path)
    pages = [place.propose(title) for title in ("Rye", "Oats")]
    slot = valley.page("Oakfield", PageId(bytes.fromhex(pages[0]))).prev
    assert slot is not None
    blocks = []
    for name in ("Ann", "Ben"):
        author = valley.author("Oakfield", name)
        with valley.at("Oakfield") as (reading, _):
            log = author.genesis(reading, LogClass.AUTHORITY, capacity=SEAT)
            for page in pages:
                both = [
                    minutes.voice_draft(PageId(bytes.fromhex(page)), slot, act)
                    for act in (Sign(0), Approve(0))
                ]
                blocks += seal(author.private, log, reading.store.logs.tip(log.log), both, now_ms())
    home = valley.homes["Oakfield"]
    with closing(LocalDoor(home, home.lock())) as door:
        door.node.take_now([block.raw for block in blocks])
    return pages[0], pages[1]


def test_a_split_is_settled_by_what_a_higher_body_witnesses(tmp_path: Path) -> None:
    valley = Federation(tmp_path)
    region = valley.shown()["tag"]
    valley.decided("Oakfield", "bodies", "epoch", "--witness", region)
    rivals = split(valley)
    valley.meet()
    assert {valley.place(name).page(page)["status"] for name in MEMBERS for page in rivals} == {"frozen"}
    told = valley.place("Mill Lane")("bodies", "show", "Oakfield").out
    assert (
        'FROZEN: its book is split. Mend it with: fedsync bodies repair --body "Oakfield" --sheet FILE'
        in told
    )
    assert (
        'Valley may say which branch holds: fedsync book witness "Oakfield" --page PAGE --body "Valley"'
        in told
    )
    words = ("--body", "Valley", "--as", "Cleo", "--no-passphrase")
    error = valley.place("Mill Lane").refused("book", "witness", "Oakfield", *words, code=7)
    assert error["code"] == "split"
    assert rivals[0][:8] in error["message"]
    page = valley.page_of(
        "Mill Lane", "book", "witness", "Oakfield", "--page", rivals[1], "--body", "Valley", name="Cleo"
    )
    assert valley.carry(page, "Mill Lane", "Hill Farm") == "sealed"
    assert [valley.place("Quarry").page(each)["status"] for each in rivals] == ["displaced", "sealed"]


def test_a_split_is_settled_by_the_repair_keys_when_nobody_witnesses(tmp_path: Path) -> None:
    valley = Valley(tmp_path, "Oakfield")
    rivals = split(valley)
    place = Place(valley.homes["Oakfield"].path)
    assert [place.page(each)["status"] for each in rivals] == ["frozen", "frozen"]
    page = place.json(
        "bodies", "repair", "--sheet", place.path / "repair-sheet.txt", "--teller", "Ann", "--teller", "Dora",
        "--threshold", 2, "--no-passphrase",
    )["page"]  # fmt: skip
    assert place.page(page)["status"] == "sealed"
    assert [place.page(each)["status"] for each in rivals] == ["displaced", "displaced"]
    place.seal(place.propose("Oats", name="Ann"), "Ann", "Dora")


def test_a_region_is_repaired_with_its_own_sheet_and_its_seats_stay(tmp_path: Path) -> None:
    sheet = tmp_path / "sheet.txt"
    valley = Federation(tmp_path / "homes", "--repair-sheet", sheet)
    place, words = valley.place(), ("--body", "Valley", "--sheet", sheet, "--no-passphrase")
    place.refused("bodies", "repair", *words, "--teller", "Ann", "--threshold", 1, code=2)
    place.refused("bodies", "repair", *words, "--threshold", 1, code=2)
    own = place.path / "repair-sheet.txt"
    other = place.refused("bodies", "repair", "--body", "Valley", "--sheet", own, "--no-passphrase", code=7)
    assert other["code"] == "no_repair_key"
    page = place.json("bodies", "repair", *words)["page"]
    valley.meet()
    assert valley.place("Hill Farm").page(page)["status"] == "sealed"
    assert len(valley.shown("Hill Farm")["seats"]) == 3


def test_a_region_that_cannot_seal_any_more_is_repaired_by_what_its_bodies_consented_to(
    tmp_path: Path,
) -> None:
    sheet = tmp_path / "sheet.txt"
    valley = Federation(tmp_path / "homes", "--repair-sheet", sheet)
    assert 'fedsync bodies repair --body "Valley" --sheet FILE [--from PAGE]' in sheet.read_text()
    # Hill Farm's node is lost, and three of three must seal.
    left = ("Oakfield", "Mill Lane")
    proposal = valley.page_of(
        "Oakfield", "bodies", "epoch", "--body", "Valley", "--drop-body", "Hill Farm", name="Cleo"
    )
    words = ("bodies", "repair", "--body", "Valley", "--sheet", sheet, "--from", proposal, "--no-passphrase")
    assert valley.place().refused(*words, code=7)["code"] == "consents-missing"
    valley.meet(*left)
    for name in left:
        valley.decided(name, "bodies", "consent", proposal)
    valley.meet(*left)
    assert valley.place().json(*words)["status"] == "sealed"
    valley.meet(*left)
    page = valley.page_of(
        "Oakfield",
        "decisions",
        "propose",
        "--title",
        "A ferry",
        "--text",
        "-",
        "--body",
        "Valley",
        name="Cleo",
    )
    for name in left:
        valley.meet(*left)
        with valley.at(name) as (reading, door):
            minutes.sign(valley.author(name, "Cleo"), reading, door, PageId(bytes.fromhex(page)))
    valley.meet(*left)
    assert valley.place("Mill Lane").page(page)["status"] == "sealed"
    again = ("bodies", "repair", "--body", "Valley", "--sheet", sheet, "--from", proposal, "--no-passphrase")
    assert valley.place().refused(*again, code=7)["code"] == "outdated"


# --- Bodies of people


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
