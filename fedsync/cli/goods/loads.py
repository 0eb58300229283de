"""How much of what somebody typed, and how it is told again."""

import shlex
from collections.abc import Iterable

from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.measuring import Measures
from fedsync.acts.goods.transfers import Load
from fedsync.cli.goods.transferwords import Goods
from fedsync.crdt.goods.transit import TransferView
from fedsync.errors import not_found, usage
from fedsync.picking import the_one
from fedsync.reading import Reading
from fedsync.records.codec import pack
from fedsync.records.ids import PayloadId, payload_id

FORM = 'Write it like this: --line "Red beans 350 kg", with a lot: --line "Red beans 350 kg L7".'


def made_of(names: Names) -> set[PayloadId]:
    """Return the things and stores that got a name."""
    return {payload_id(pack(each.value)) for each in names.made}


def listed(goods: Goods, loads: Iterable[Load]) -> str:
    """Return loads in words."""
    return ", ".join(
        f"{goods.amount(load.item, load.quantity)} of {goods.thing(load.item, load.lot)}" for load in loads
    )


def parse_load(
    reading: Reading, goods: Goods, typed: str, names: Names | None = None, way: TransferView | None = None
) -> Load:
    """Return how much of what somebody typed as "ITEM QTY UNIT [LOT]". Raises a Problem (exit 2 or 6).

    What the transfer is about is meant first; what nobody has named yet gets its name by `names`, if they are given.
    """
    try:
        parts = shlex.split(typed)
    except ValueError:
        parts = typed.split()
    at = next(
        (at for at, part in enumerate(parts) if at and part[:1].isdecimal() and at + 1 < len(parts)), None
    )
    if at is None:
        raise usage(f"{typed} does not say how much of what.", FORM)
    item, number, unit, lot = " ".join(parts[:at]), parts[at], parts[at + 1], " ".join(parts[at + 2 :])
    measured = Measures(reading).resolve(item, number, unit)
    quantity = measured.rounded(f"{number} {unit}")
    if not quantity:
        raise usage("A transfer of nothing is none.", "Type more than zero.")
    ids = [
        id_
        for id_, (name, code) in goods.items.items()
        if name.casefold() == item.casefold() and code == measured.unit
    ]
    of_way = [id_ for id_ in ids if way is not None and any(line.item == id_ for line in way.lines)]
    if not ids and names is not None:
        ids = [names.item(item, measured.unit)]
        goods.named(ids[0], item, measured.unit)
    if not ids:
        raise not_found("item", item, "What is known: fedsync stock list --body all")
    chosen = (of_way or ids)[0]
    return Load(chosen, _lot(goods, chosen, lot), quantity, measured.stated)


def _lot(goods: Goods, item: PayloadId, code: str) -> PayloadId:
    if not code:
        return PayloadId(b"")
    found = [
        id_
        for id_, (name, of) in goods.lots.items()
        if of == item and name.casefold() == code.strip().casefold()
    ]
    return the_one(
        f"lot of {goods.item(item)}", code, found, lambda id_: id_.hex()[:12], "fedsync stock list"
    )
