"""`fedsync bodies repair` and `book witness`: split books, and bodies of bodies that lost their nodes."""

from contextlib import closing
from pathlib import Path

from fedsync.acts.author import now_ms
from fedsync.acts.books import minutes
from fedsync.crdt.books.tellers import Approve, Sign
from fedsync.doors import LocalDoor
from fedsync.records.genesis import SEAT
from fedsync.records.ids import LogClass, PageId
from fedsync.records.seal import seal
from tests.acts.copied import copied
from tests.acts.valley import Valley
from tests.cli.calling import Place
from tests.cli.federation import MEMBERS, Federation


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
    valley = copied(Federation, tmp_path)
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
