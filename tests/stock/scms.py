"""Shipments of medical goods, some written down long after they came: `python -m tests.stock.scms FILE.csv`.

FILE has the columns id, shipment_no, origin, destination, item, delivered_date, recorded_date, quantity_packs: one line of
a shipment that came to a country. Each destination is a body with a store and tellers of its own, which announces each
shipment as a transfer; each line is a dropoff that happened on the day of delivery and was recorded later. At the ends of some months somebody counts some goods; the file has no
counts and no use of the goods, so a seed makes up what is found. At each month's end, in the order of recording, and
after all, in random orders of arrival and of writing, and on nodes of which each holds a part and that meet in groups:
what is shown must be what a naive ledger makes of the file.
"""

import argparse
import csv
import json
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from pathlib import Path
from random import Random
from typing import Any, TypeAlias

from fedsync.crdt.goods.levels import StockLevel
from fedsync.crdt.goods.transit import Stage, all_transfers
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, RecordId
from fedsync.records.seal import Draft
from tests.authority.federation import shuffled
from tests.stock.naive_ledger import Ends, Told, ledger
from tests.stock.replay import Country, Node, counted, id_of, lived_apart, meet, moved

COLUMNS = {
    *("id", "shipment_no", "origin", "destination", "item"),
    *("delivered_date", "recorded_date", "quantity_packs"),
}
DAY_MS, HOUR_MS = 86_400_000, 3_600_000
TELLERS = ("Ann", "Ben", "Cleo")
COUNTED = 0.2
"""The share of what a destination has that is counted at a month's end."""
Transfers: TypeAlias = dict[tuple[str, str], RecordId]
"""Destination and shipment -> the record that announces it."""
A_BLOCK = 20
"""Records that are written down at once, at most."""
STEPS = 24
NODES = 8
"""Of which each holds some destinations' tellers; in the end each holds everything."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line as it is told, and when it was recorded, in ms."""

    told: Told
    recorded: int
    shipment: str = ""
    """Its number and where it is from. The same number has come from several places."""
    origin: str = ""


def read(lines: Iterable[str]) -> list[Line]:
    """Return the deliveries of a file, in the order of recording. Raises ValueError when it is of another form."""
    rows = list(csv.DictReader(lines))
    if not rows or not rows[0].keys() >= COLUMNS:
        raise ValueError(f"the file needs rows with the columns {', '.join(sorted(COLUMNS))}")
    found = [
        Line(
            Told(row["destination"], row["item"], _noon(row["delivered_date"]), int(row["quantity_packs"])),
            _noon(row["recorded_date"]) + HOUR_MS,
            f"{row['shipment_no']} from {row['origin']}",
            row["origin"],
        )
        for row in sorted(rows, key=lambda row: (row["recorded_date"], row["id"]))
    ]
    if any(each.recorded < each.told.at for each in found):
        raise ValueError("the file has a line that was recorded before it came")
    return found


def with_counts(lines: Sequence[Line], random: Random) -> list[Line]:
    """Return the lines with counts at the ends of months: what lay there by then, or less of it, as goods are used."""
    every = list(lines)
    for end in _month_ends(lines):
        came = ledger(each.told for each in every if each.told.at <= end)
        for (place, item), ends in came.items():
            if random.random() < COUNTED:
                found = random.choice([ends.on_hand, random.randint(0, max(0, ends.on_hand))])
                every.append(Line(Told(place, item, end, found=found), end + HOUR_MS))
    return sorted(every, key=lambda each: each.recorded)


def shipped(lines: Iterable[Line]) -> dict[tuple[str, str], dict[str, int]]:
    """Return how much of what came with each shipment to each destination."""
    found: dict[tuple[str, str], dict[str, int]] = {}
    for each in lines:
        if each.shipment:
            items = found.setdefault((each.told.place, each.shipment), {})
            items[each.told.item] = items.get(each.told.item, 0) + each.told.delta
    return found


def _month_ends(lines: Sequence[Line]) -> Iterator[int]:
    first, last = (datetime.fromtimestamp(each.recorded / 1000, UTC) for each in (lines[0], lines[-1]))
    at = first.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    while at <= last:
        at = (at + timedelta(days=32)).replace(day=1)
        yield int(at.timestamp() * 1000)


def _noon(day: str) -> int:
    return int(datetime.fromisoformat(f"{day}T12:00:00+00:00").timestamp() * 1000)


# --- The records ---------------------------------------------------------------------------------------


def written(lines: Sequence[Line], random: Random) -> tuple[Country, Transfers]:
    """Return the destinations as bodies, the lines as records of their tellers, in this order, and the transfers."""
    country = Country()
    transfers: Transfers = {}
    for name in sorted({each.told.place for each in lines}):
        country.found(name, TELLERS)
        mine = [each for each in lines if each.told.place == name]
        for teller in TELLERS:
            country.record(name, *_names(country, name, mine), teller=teller)
        transfers |= _announced(country, name, mine, random)
        while mine:
            size, teller = random.randint(1, A_BLOCK), random.choice(TELLERS)
            country.record(name, *(_draft(country, each, transfers) for each in mine[:size]), teller=teller)
            mine = mine[size:]
    return country, transfers


def _announced(country: Country, name: str, lines: Sequence[Line], random: Random) -> Transfers:
    """Let tellers of a destination announce its shipments."""
    found: Transfers = {}
    for (_, shipment), items in shipped(lines).items():
        first = next(each for each in lines if each.shipment == shipment)
        value: dict[str, Value] = {
            "provider": first.origin,
            "receiver": country.books[name].scope,
            "lines": [
                {"resource_conforms_to": id_of(_item(item)), "quantity": packs}
                for item, packs in items.items()
            ],
        }
        draft = Draft("transfer", value, first.recorded)
        (block,) = country.record(name, draft, teller=random.choice(TELLERS), log_class=LogClass.PLANS)
        found[name, shipment] = RecordId(block.tip)
    return found


def _names(country: Country, name: str, lines: Sequence[Line]) -> list[Draft]:
    time = min(each.recorded for each in lines)
    items = sorted({each.told.item for each in lines})
    store = Draft("store", {"name": name, "scope": country.books[name].scope}, time)
    return [store, *(Draft("resource_specification", _item(each), time) for each in items)]


def _item(name: str) -> dict[str, Value]:
    return {"name": name, "unit": "{pack}"}


def _draft(country: Country, line: Line, transfers: Transfers) -> Draft:
    told = line.told
    transfer = transfers.get((told.place, line.shipment))
    more: dict[str, Value] = {"transfer": transfer} if transfer else {}
    item, store = (
        id_of(_item(told.item)),
        id_of({"name": told.place, "scope": country.books[told.place].scope}),
    )
    if told.found is not None:
        return counted(told.found, item, store, told.at, line.recorded)
    return moved("dropoff", told.delta, item, store, told.at, line.recorded, **more)


# --- Comparing -----------------------------------------------------------------------------------------


def check(lines: Sequence[Line], orders: int, seed: int) -> dict[str, Any]:
    """Return what was counted, and under "failed" where the production fold and the naive ledger differ."""
    random = Random(seed)
    every = with_counts(lines, random)
    failed = month_by_month(every)
    wanted = ledger(each.told for each in every)
    roots: list[set[bytes]] = []
    for number in range(orders):
        some = list(every)
        if (
            number % 2
        ):  # everything else is about the order of arrival; here the logs themselves are in disorder
            random.shuffle(some)
        country, transfers = written(some, random)
        arrived = {transfers[of]: items for of, items in shipped(lines).items()}
        found = set()
        for _ in range(2):
            node = country.node()
            node.take_all(shuffled(country.blocks, random, again=0.1), random)
            failed += differences(f"order {number}", node.stock(), wanted)
            failed += transfer_differences(node, arrived)
            found.add(node.root())
        nodes = lived_apart(country, random, STEPS, min(NODES, len(country.books)))
        apart = len({node.root() for node in nodes})
        meet(nodes, random)
        for node in nodes:
            failed += differences(f"after the cuts of order {number}", node.stock(), wanted)
            found.add(node.root())
        failed += transfer_differences(random.choice(nodes), arrived)
        roots.append(found)
    failed += ["the nodes came to different states" for found in roots if len(found) > 1]
    counts = [each for each in every if each.told.found is not None]
    late = [each.recorded - each.told.at for each in lines]
    return {
        "lines": len(lines),
        "destinations": len({each.told.place for each in lines}),
        "pools": len(wanted),
        "shipments": len(shipped(lines)),
        "counts": len(counts),
        "late": sum(each > DAY_MS for each in late),
        "latest_days": max(late) // DAY_MS,
        "late_and_before_a_count": _passed_over(every),
        "states_before_they_met": apart,
        "packs": sum(each.told.delta for each in lines),
        "orders": orders,
        "failed": failed,
    }


def month_by_month(lines: Sequence[Line]) -> list[str]:
    """Return where a node that gets each month's records differs from a ledger of what was recorded by then."""
    failed: list[str] = []
    country = Country()
    places = sorted({each.told.place for each in lines})
    for place in places:
        country.found(place, TELLERS[:1])
        country.record(place, *_names(country, place, lines), teller=TELLERS[0])
    node = country.node()
    node.take_all(country.blocks)
    so_far: list[Told] = []
    for month, some in groupby(
        lines, lambda each: datetime.fromtimestamp(each.recorded / 1000, UTC).strftime("%Y-%m")
    ):
        by_place = sorted(some, key=lambda each: each.told.place)
        for place, mine in groupby(by_place, lambda each: each.told.place):
            told = list(mine)
            so_far += [each.told for each in told]
            node.take(country.record(place, *(_draft(country, each, {}) for each in told)))
        failed += differences(month, node.stock(), ledger(so_far))
    return failed


def differences(when: str, levels: Iterable[StockLevel], wanted: Mapping[tuple[str, str], Ends]) -> list[str]:
    """Return where a node and the ledger differ, in words."""
    found = {
        (each.store, each.item): Ends(each.on_hand, each.unexplained, each.last_count) for each in levels
    }
    return [
        f"{when}: {pool}: {found.get(pool)}, and {wanted.get(pool)} was expected"
        for pool in sorted(found.keys() | wanted.keys())
        if found.get(pool) != wanted.get(pool)
    ]


def transfer_differences(node: Node, arrived: Mapping[RecordId, Mapping[str, int]]) -> list[str]:
    """Return where a node's transfers and the shipments differ, in words: all of each line has come, and no more."""
    found = {
        each.id: {line.item: (line.announced, line.received, line.stage) for line in each.lines}
        for each in all_transfers(node.view)
    }
    wanted = {
        transfer: {id_of(_item(item)): (packs, packs, Stage.DONE) for item, packs in items.items()}
        for transfer, items in arrived.items()
    }
    return [
        f"transfer {transfer.hex()[:8]}: {found.get(transfer)}, and {wanted.get(transfer)} was expected"
        for transfer in found.keys() | wanted.keys()
        if found.get(transfer) != wanted.get(transfer)
    ]


def _passed_over(lines: Sequence[Line]) -> int:
    """Return how many deliveries were recorded only after a later count of the same goods."""
    counts: dict[tuple[str, str], list[Line]] = {}
    for each in lines:
        if each.told.found is not None:
            counts.setdefault(each.told[:2], []).append(each)
    return sum(
        any(each.told.at <= count.told.at and count.recorded < each.recorded for count in counts.get(each.told[:2], ()))
        for each in lines
        if each.told.found is None
    )  # fmt: skip


def main(argv: Sequence[str] | None = None) -> int:
    """Check a file; return 0 when all came out as expected, 1 when something did not, 2 for a wrong file."""
    parser = argparse.ArgumentParser(prog="python -m tests.stock.scms", description=__doc__)
    parser.add_argument("file", type=Path, metavar="FILE.csv")
    parser.add_argument("--orders", type=int, default=2, metavar="N", help="orders of writing (2)")
    parser.add_argument("--seed", type=int, default=0, help="what is counted when, and all orders (0)")
    args = parser.parse_args(argv)
    try:
        done = check(read(args.file.read_text("utf-8").splitlines()), args.orders, args.seed)
    except (OSError, UnicodeDecodeError, ValueError) as error:
        print(f"{args.file}: {error}", file=sys.stderr)
        return 2
    print(json.dumps(done, ensure_ascii=False))
    return 1 if done["failed"] else 0


if __name__ == "__main__":
    raise SystemExit(main())
