"""The vaccine stores of 21 Italian regions as each region's own records, and as a naive twin reads the file.

The file has no counts. So that there are some, a seed lets regions count on some days: mostly what should lie there,
sometimes less or more.
"""

import csv
import gzip
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from random import Random

import fedsync
from fedsync.data import Movement, movements
from fedsync.records.codec import Value
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import Draft
from tests.stock.naive_ledger import Told, below_zero, ledger
from tests.stock.replay import Country, counted, id_of, moved

FILE = Path(fedsync.__file__).parent / "data" / "it_vaccine_movements.csv.gz"
DOSES = {"name": "Vaccine", "unit": "{dose}"}
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
TELLERS = ("Ann", "Ben", "Cleo")
ACTIONS = {"receive": "raise", "return": "lower", "consume": "consume"}


# --- The twin: the file alone --------------------------------------------------------------------------


def read() -> list[Told]:
    """Return the file's movements."""
    with gzip.open(FILE, "rt", encoding="utf-8", newline="") as file:
        return [
            Told(row["region"], "Vaccine", _noon(row["date"]), int(row["delta_doses"]))
            for row in csv.DictReader(file)
        ]


def made_up_counts(told: Sequence[Told], random: Random, number: int) -> list[Told]:
    """Return counts on random days in random regions: what should lie there, or about that; never less than nothing."""
    found: list[Told] = []
    for _ in range(number):
        one = random.choice(told)
        at = one.at + random.choice([0, 0, 1, 12 * HOUR_MS])
        due = sum(each.delta for each in told if each.place == one.place and each.at <= at)
        found.append(Told(one.place, one.item, at, found=max(0, due + random.choice([0, 0, -1, 17, -400]))))
    # Two at one instant in one region would be rivals, which other tests are about.
    return list({(each.place, each.at): each for each in found}.values())


def _noon(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)


# --- The records ---------------------------------------------------------------------------------------


def at_noon(day: date) -> int:
    """Return the noon of a day."""
    return int(datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp() * 1000)


def names(country: Country, region: str, time: int) -> list[Draft]:
    """Return the records that name a region's store and what lies in it."""
    return [
        Draft("store", {"name": region, "scope": country.books[region].scope}, time),
        Draft("resource_specification", dict(DOSES), time),
    ]


def store_of(country: Country, region: str) -> bytes:
    """Return the id of a region's store."""
    return id_of({"name": region, "scope": country.books[region].scope})


def movement(country: Country, each: Movement, time: int | None = None) -> Draft:
    """Return the record of a movement, recorded in the same hour if no time is given."""
    at = at_noon(each.day)
    return moved(
        ACTIONS[each.action], abs(each.delta), id_of(DOSES), store_of(country, each.region), at,
        at + HOUR_MS if time is None else time,
    )  # fmt: skip


def count(country: Country, told: Told, time: int | None = None) -> Draft:
    """Return the record of a count."""
    assert told.found is not None
    return counted(
        told.found, id_of(DOSES), store_of(country, told.place), told.at,
        told.at + HOUR_MS if time is None else time,
    )  # fmt: skip


def slip(right: Draft, random: Random) -> Draft:
    """Return a movement as somebody writes it down who is tired; a count stays right."""
    if right.kind != "economic_event" or not isinstance(right.value, dict):
        return right
    wrong: dict[str, Value] = {
        "quantity": random.randrange(100_000),
        "has_point_in_time": right.time - random.randrange(400) * DAY_MS,
        "action": random.choice(["raise", "lower", "consume"]),
    }
    said = random.sample(sorted(wrong), random.randint(1, 3))
    return replace(right, value=right.value | {each: wrong[each] for each in said})


def correction(right: Draft, of: FactRef) -> Draft:
    """Return the record that stands in the place of an earlier one."""
    assert isinstance(right.value, dict)
    return replace(right, value=right.value | {"corrects": of.value})


def founded(regions: Sequence[str]) -> Country:
    """Return the regions as bodies that wrote nothing yet."""
    country = Country()
    for region in regions:
        country.found(region, TELLERS)
    return country


__all__ = ["below_zero", "ledger", "movements"]
