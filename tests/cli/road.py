"""Communities that give each other goods, for the tests of transfers: what people type, each at their own node."""

from pathlib import Path
from typing import Any

from tests.acts.valley import Valley
from tests.cli.calling import Place

TRANSFER = ("stock", "transfer")


class Road(Valley):
    """Oakfield has a tonne of potatoes and 20 kg of oats in its Granary; Mill Lane has a Cellar."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, "Oakfield", "Mill Lane", "Quarry")
        oakfield, mill = self.place("Oakfield"), self.place("Mill Lane")
        oakfield("stock", "add", "Potatoes", 1000, "kg", "--store", "Granary", "--as", "Ann")
        oakfield("stock", "add", "Oats", 20, "kg", "--store", "Granary", "--as", "Ann")
        mill("stock", "add", "Salt", 1, "kg", "--store", "Cellar", "--as", "Ben")
        self.meet()

    def place(self, name: str) -> Place:
        return Place(self.homes[name].path)

    def announced(self, *more: object, at: str = "Oakfield", line: str = "Potatoes 350 kg") -> str:
        """Announce a transfer from Oakfield to Mill Lane, unless `more` says it otherwise, and let all hear of it."""
        whom = () if "--to" in more or "--from" in more else ("--to", "Mill Lane")
        lines = ("--line", line) if line else ()
        id_ = self.place(at).json(*TRANSFER, "new", *whom, *lines, *more, "--as", "Ann")["transfer"]
        self.meet()
        assert isinstance(id_, str)
        return id_

    def does(self, at: str, word: str, id_: str, *more: object, name: str = "Ben") -> dict[str, Any]:
        """Record a step, and return what is said of it."""
        return self.place(at).json(*TRANSFER, word, id_, *more, "--as", name)

    def line(self, at: str, id_: str, item: str = "Potatoes") -> dict[str, Any]:
        """Return one line of a transfer as a node sees it, in kg."""
        (line,) = [
            each for each in self.place(at).json(*TRANSFER, "show", id_)["lines"] if each["item"] == item
        ]
        whole = ("announced", "picked_up", "received", "returned", "lost", "settled", "in_transit")
        return {"status": line["status"], **{word: line[word] / 1000 for word in whole if line[word]}}
