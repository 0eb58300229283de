"""Three levels: communities found two regions, these found a world, a delegate of a region speaks there."""

from pathlib import Path

import pytest

from fedsync.acts.books import minutes
from fedsync.records.ids import Extent, PageId
from tests.acts.copied import copied
from tests.acts.valley import Valley
from tests.cli.calling import Place

REGIONS = {"Valley": ("Oakfield", "Mill Lane"), "Ridge": ("Hill Farm", "Quarry")}


class World(Valley):
    """Two regions of two communities each. Cleo of every community is its delegate; of each region, the first one's."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, *(name for names in REGIONS.values() for name in names), "Harbour")
        self.meet()
        for region, names in REGIONS.items():
            members = [word for name in names for word in ("--member", name)]
            self.type(names[0], "bodies", "found", region, "--kind", "region", *members)
            self.meet()
            for name in names:
                self.seal(
                    name,
                    self.draft(name, "mandates", "give", "Cleo", "--seat", region, "--instruct", "*=free"),
                )
            self.meet()
            self.carry(self.draft(names[0], *self.decision(region), name="Cleo"), *names)

    def place(self, name: str) -> Place:
        return Place(self.homes[name].path)

    def type(self, at: str, *words: object, name: str = "Ann") -> dict[str, object]:
        return self.place(at).json(*words, "--as", name, "--no-passphrase")

    def draft(self, at: str, *words: object, name: str = "Ann") -> PageId:
        return PageId(bytes.fromhex(str(self.type(at, *words, name=name)["page"])))

    def decision(self, body: str) -> tuple[str, ...]:
        return ("decisions", "propose", "--title", f"So says {body}", "--text", "-", "--body", body)

    def carry(self, page: PageId, *names: str) -> None:
        """Let delegates sign a page, each hearing of it first, until it is sealed everywhere."""
        for name in names:
            self.meet()
            with self.at(name) as (reading, door):
                minutes.sign(self.author(name, "Cleo"), reading, door, page)
        self.meet()
        assert {self.page(each, page).status for each in (*names, "Harbour")} == {"sealed"}

    def found_world(self) -> None:
        """Found the world, and send somebody from each region. Those who do so ask for what they found it with."""
        self.ask("Oakfield", "Ridge", of="Hill Farm", extent=Extent.BOOK)
        lent = [
            word
            for region, names in REGIONS.items()
            for word in ("--member", region, "--node", f"{region}={names[0]}")
        ]
        self.type("Oakfield", "bodies", "found", "World", "--kind", "world", *lent)
        self.meet()
        self.ask("Hill Farm", "World", of="Oakfield")
        for region, names in REGIONS.items():
            words = (
                "mandates",
                "give",
                f"Cleo@{names[0]}",
                "--seat",
                "World",
                "--body",
                region,
                "--instruct",
                "*=free",
            )
            self.carry(self.draft(names[0], *words, name="Cleo"), *names)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    made = copied(World, tmp_path_factory.mktemp("world"))
    made.found_world()
    return made


def test_a_regions_delegate_speaks_for_it_in_the_world(world: World) -> None:
    page = world.draft("Oakfield", *world.decision("World"), name="Cleo")
    world.carry(page, "Oakfield", "Hill Farm")
    kinds = [type(entry).__name__ for entry in world.page("Harbour", page).entries]
    assert kinds.count("Witness") == 2
    shown = world.place("Harbour").json("bodies", "show", "World")
    assert (shown["level"], shown["founded"]) == (2, True)
    assert [each["delegates"][0]["status"] for each in shown["seats"]] == ["in force", "in force"]


def test_regions_consent_in_their_own_books_to_a_third(world: World) -> None:
    world.type("Harbour", "bodies", "found", "Coast", "--kind", "region", "--member", "Harbour")
    world.meet()
    # Whoever proposes it asks for it; to all others the proposal makes it kin.
    world.ask("Oakfield", "Coast", of="Harbour")
    proposal = world.draft(
        "Oakfield",
        "bodies",
        "epoch",
        "--body",
        "World",
        "--add-body",
        "Coast",
        "--node",
        "Coast=Harbour",
        name="Cleo",
    )
    for region, names in REGIONS.items():
        world.meet()
        consent = world.draft(names[0], "bodies", "consent", proposal.hex(), "--body", region, name="Cleo")
        world.carry(consent, *names)
    final = world.draft(
        "Hill Farm", "bodies", "epoch", "--body", "World", "--from", proposal.hex(), name="Cleo"
    )
    world.carry(final, "Oakfield", "Hill Farm")
    shown = world.place("Harbour").json("bodies", "show", "World")
    assert (len(shown["seats"]), shown["threshold"], len(shown["sealers"]), shown["seals"]) == (3, 2, 3, 3)
    tree = world.place("Harbour")("bodies", "show", "--tree").out.splitlines()
    at = next(number for number, line in enumerate(tree) if line.startswith("World"))
    assert [line.split(" (")[0] for line in tree[at : at + 9]] == [
        "World", "  Coast", "    Harbour", "  Ridge", "    Hill Farm", "    Quarry", "  Valley", "    Mill Lane",
        "    Oakfield",
    ]  # fmt: skip
