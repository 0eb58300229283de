"""A community that gets everything by stick, and whose daemon need not run, follows what its own book makes kin as soon as it does."""

from pathlib import Path

import pytest

from fedsync.acts.books import minutes
from fedsync.crdt.books.booktables import book
from fedsync.reading import Reading
from fedsync.records.ids import Extent, PageId
from tests.acts.valley import Valley
from tests.cli.calling import Place
from tests.daemon.ferries import acquaint, carry

REGIONS = {"Valley": ("Oakfield", "Mill Lane"), "Ridge": ("Hill Farm",)}


class World(Valley):
    """Oakfield has founded a world of two regions; Mill Lane, which sits beside it in Valley, has not heard of it yet."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, *(name for names in REGIONS.values() for name in names))
        acquaint(*self.homes.values())
        self.meet()
        for region, names in REGIONS.items():
            members = [word for name in names for word in ("--member", name)]
            self.type(
                names[0],
                "bodies",
                "found",
                region,
                "--kind",
                "region",
                *members,
            )
            self.meet()
            for name in names:
                words = ("mandates", "give", "Cleo", "--seat", region, "--instruct", "*=free")
                self.seal(name, self.draft(name, *words, name="Ann"))
            self.meet()
            said = ("decisions", "propose", "--title", "It is founded", "--text", "-", "--body", region)
            page = self.draft(names[0], *said)
            for name in names:
                self.meet()
                self.sign(name, page)
            self.meet()
        self.ask("Oakfield", "Ridge", of="Hill Farm", extent=Extent.BOOK)
        nodes = (
            "--member",
            "Valley",
            "--node",
            "Valley=Oakfield",
            "--member",
            "Ridge",
            "--node",
            "Ridge=Hill Farm",
        )
        self.type("Oakfield", "bodies", "found", "World", "--kind", "world", *nodes)

    def type(self, at: str, *words: object, name: str = "Ann") -> dict[str, object]:
        return Place(self.homes[at].path).json(*words, "--as", name, "--no-passphrase")

    def draft(self, at: str, *words: object, name: str = "Cleo") -> PageId:
        return PageId(bytes.fromhex(str(self.type(at, *words, name=name)["page"])))

    def sign(self, at: str, page: PageId) -> None:
        with self.at(at) as (reading, door):
            minutes.sign(self.author(at, "Cleo"), reading, door, page)

    def followed(self, at: str) -> set[str]:
        """Return the bodies that a node follows, and whose page 0 it holds."""
        with Reading.open(self.homes[at]) as reading:
            return {
                reading.name_of(each.scope)
                for each in reading.bodies.all()
                if book(reading.view, each.scope) is not None
            }

    def body(self, at: str, name: str) -> PageId:
        with Reading.open(self.homes[at]) as reading:
            return reading.body(name).body

    def root(self, at: str) -> bytes:
        with Reading.open(self.homes[at]) as reading:
            return reading.state_root()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_a_page_makes_kin_is_asked_for_by_the_next_stick(world: World) -> None:
    oak, mill = world.homes["Oakfield"], world.homes["Mill Lane"]
    sent = (
        "mandates",
        "give",
        "Cleo@Oakfield",
        "--seat",
        "World",
        "--body",
        "Valley",
        "--instruct",
        "*=free",
    )
    page = world.draft("Oakfield", *sent)
    world.sign("Oakfield", page)
    carry(oak, mill)
    world.sign("Mill Lane", page)
    # The first stick back brings the seal, by which the world is kin; the next one the world's book, by which the other region
    # is; and the last one that region's book.
    for known in ({"World"}, {"World", "Ridge"}, {"World", "Ridge"}):
        carry(mill, oak)
        carry(oak, mill)
        assert world.followed("Mill Lane") & {"World", "Ridge"} == known
    assert world.page("Mill Lane", page).status == "sealed"
    assert world.root("Mill Lane") == world.root("Oakfield")


def test_a_body_that_was_named_on_a_stick_only_can_be_asked_for(world: World) -> None:
    oak, mill = world.homes["Oakfield"], world.homes["Mill Lane"]
    place = Place(mill.path)
    body = world.body("Oakfield", "World").hex()
    assert place("bodies", "follow", body, "--json", code=9).error["code"] == "nobody_follows"
    carry(oak, mill)
    place("bodies", "follow", body)
    carry(mill, oak)
    carry(oak, mill)
    assert "World" in world.followed("Mill Lane")
