"""Real data that ships with fedsync, for the demo, tests and benchmarks. Where it is from: SOURCES.md.

Reads the package's own files, nothing else.
"""

import csv
import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from importlib.resources import files
from typing import Literal

Action = Literal["receive", "return", "consume"]
Ballot = Literal["yes", "no", "abstain"]


@dataclass(frozen=True, slots=True)
class Movement:
    """Doses that came into or left a region's vaccine store on one day.

    `delta` is negative for return and consume, and 0 in 21 receipts of nothing, as the source has them. `product` is empty where it was not recorded: for consume.
    """

    day: date
    region: str
    action: Action
    product: str
    delta: int


@dataclass(frozen=True, slots=True)
class Resolution:
    """A resolution of the UN General Assembly: the roll call that adopted it, its number and its title."""

    roll_call: int
    day: date
    number: str
    title: str


@dataclass(frozen=True, slots=True)
class RollCall:
    """A roll call of the UN General Assembly. `number` is the resolution's, `votes` what each delegation said, by its
    two letters; who is not recorded is left out. It carries when more say yes than no: who abstains is not voting.
    """

    roll_call: int
    session: int
    day: date
    number: str
    amendment: bool
    votes: dict[str, Ballot]


@dataclass(frozen=True, slots=True)
class LocalUnit:
    """How much one of a local unit is, of an item at a place: `quantity` of `unit`, as text, since it is exact."""

    place: str
    item: str
    name: str
    quantity: str
    unit: str


def west_african_units() -> list[LocalUnit]:
    """Return 295 local units of four towns; the same name often means another amount in the next town."""
    return [LocalUnit(**row) for row in _rows("west_africa_units.csv")]


def movements() -> list[Movement]:
    """Return all 13,809 movements, by day and region."""
    actions: dict[str, Action] = {"receive": "receive", "return": "return", "consume": "consume"}
    return [
        Movement(
            date.fromisoformat(row["date"]),
            row["region"],
            actions[row["action"]],
            row["product"],
            int(row["delta_doses"]),
        )
        for row in _rows("it_vaccine_movements.csv.gz")
    ]


def regions() -> dict[str, str]:
    """Return the names of the 21 regions by their three letters."""
    return {row["region"]: row["name"] for row in _rows("it_regions.csv")}


def resolutions() -> list[Resolution]:
    """Return 276 resolutions; several have the same title, in different years."""
    return [
        Resolution(int(row["rcid"]), date.fromisoformat(row["date"]), row["unres"], row["title"])
        for row in _rows("un_resolutions.csv")
    ]


def members() -> dict[str, str]:
    """Return the names of the 193 delegations by their two letters."""
    return {row["code"]: row["name"] for row in _rows("un_members.csv")}


def roll_calls() -> list[RollCall]:
    """Return all 310 roll calls with their 55,017 votes, by day. Most have a title in `resolutions`."""
    said: dict[str, Ballot] = {"y": "yes", "n": "no", "a": "abstain"}
    codes = list(members())
    return [
        RollCall(
            int(row["rcid"]),
            int(row["session"]),
            date.fromisoformat(row["date"]),
            row["unres"],
            row["amendment"] == "1",
            {code: said[letter] for code, letter in zip(codes, row["votes"], strict=True) if letter != "-"},
        )
        for row in _rows("un_roll_calls.csv.gz")
    ]


def _rows(name: str) -> Iterator[dict[str, str]]:
    content = files(__package__).joinpath(name).read_bytes()
    if name.endswith(".gz"):
        content = gzip.decompress(content)
    return iter(csv.DictReader(content.decode().splitlines()))
