"""Small lives of every scenario, for each day: fewer nodes and a shorter storm, many seeds. A soak plays the whole."""

from dataclasses import fields, replace
from typing import NamedTuple

from fedsync.sim.scenario import Scenario, read
from tests.sim.soak import ALL


class Slice(NamedTuple):
    """So many seeds of a scenario, with so many nodes or as many as it has, and this share of its storm; the calm is as long as it
    is.
    """

    name: str
    nodes: int | None
    storm: float
    seeds: int
    faster: float = 1.0
    """So many times as often people write, and something goes wrong."""

    def scenario(self) -> Scenario:
        """Return the scenario in small."""
        found = read((ALL / f"{self.name}.toml").read_text("utf-8"), self.nodes)
        share = self.storm
        parts = (
            replace(each, begins=each.begins * share, ends=each.ends * share) for each in found.partitions
        )
        work, trouble = found.work, found.trouble
        often = {
            each: getattr(work, each) / self.faster for each in ("stock", "goods", "decisions", "regions")
        }
        work = replace(work, **often)
        every = {
            each.name: getattr(trouble, each.name) / self.faster
            for each in fields(trouble)
            if "_every" in each.name
        }
        trouble = replace(trouble, **every)
        return replace(found, storm=found.storm * share, work=work, trouble=trouble, partitions=tuple(parts))


SLICES = (
    Slice("adrift", 7, 0.2, 3, faster=3),
    Slice("callers", 7, 0.3, 3),
    Slice("door", 11, 0.25, 4),
    Slice("everything", 7, 0.03, 18, faster=8),
    Slice("finding", 5, 0.3, 4),
    Slice("flaky", 3, 0.1, 4),
    Slice("introduced", 5, 0.4, 3),
    Slice("liars", 13, 0.25, 8),
    Slice("month", 5, 0.2, 10),
    Slice("overlay", 20, 0.25, 2),
    Slice("quiet", 5, 0.3, 10),
    Slice("radio", 2, 0.3, 6),
    Slice("regions", 4, 0.5, 12),
    Slice("scopes", 9, 0.3, 16),
    Slice("settled", 20, 0.25, 2),
    Slice("shares", 4, 1.0, 4),
    Slice("siege", 16, 0.2, 2),
    Slice("steady", 12, 0.1, 2),
    Slice("storm", 4, 0.7, 90),
    Slice("syndicate", 9, 0.2, 2),
    Slice("thin", 4, 0.2, 10),
    Slice("usb", 3, 0.15, 2),
    Slice("world", 6, 0.3, 4),
    Slice("twenty", 5, 0.5, 8),
)
