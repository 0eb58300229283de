"""A region of three communities, and a neighbour, whose people type commands. No daemons."""

from pathlib import Path
from typing import Any

from fedsync.acts.books import minutes
from fedsync.records.ids import PageId
from tests.acts.valley import Valley
from tests.cli.calling import Place

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


def propose(valley: Federation, *words: object) -> str:
    page = valley.page_of("Oakfield", "bodies", "epoch", "--body", "Valley", *words, name="Cleo")
    valley.meet()
    return page
