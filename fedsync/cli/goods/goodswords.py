"""A movement or a count in a line: 5 L of Milk, lot M7, from Cellar to Kitchen."""

from typing import Any

from fedsync import units
from fedsync.cli.telling import short
from fedsync.crdt.goods.tables import ITEMS, LOTS, STORES
from fedsync.crdt.realms import realm_of
from fedsync.crdt.view import Row, Table
from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.ids import Scope


def goods(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    """Return how much of what a record tells of, and where, with what it stands for and why it is gone."""
    item = _row(reading, record, ITEMS, value["resource_conforms_to"])
    amount = units.show(value["quantity"], str(item[1])) if item else str(value["quantity"])
    if "stated" in value:
        amount = f"{value['stated']['quantity']} {value['stated']['unit']} ({amount})"
    name = str(item[0]) if item else short(value["resource_conforms_to"])
    lot = ""
    if "lot" in value:
        row = _row(reading, record, LOTS, value["lot"])
        lot = f", lot {str(row[0]) if row else short(value['lot'])}"
    where = _where(reading, record, value)
    why = f": {value['reason'].replace('_', ' ')}" if "reason" in value else ""
    instead = f" (in place of {short(value['corrects'][2])})" if "corrects" in value else ""
    return f"{amount} of {name}{lot}{',' if lot and where else ''}{where}{why}{instead}"


def _where(reading: Reading, record: Record, value: dict[str, Any]) -> str:
    out, into = _store(reading, record, value, "store"), _store(reading, record, value, "to")
    giver, taker = _party(reading, value, "provider"), _party(reading, value, "receiver")
    if into is not None:
        return f" from {out or giver or 'elsewhere'} to {into}"
    if out is not None:
        return f" in {out}" if taker is None else f" from {out} to {taker}"
    return f" on the way ({short(value['transfer'])})" if "transfer" in value else ""


def _store(reading: Reading, record: Record, value: dict[str, Any], field: str) -> str | None:
    if field not in value:
        return None
    row = _row(reading, record, STORES, value[field])
    return str(row[0]) if row else short(value[field])


def _party(reading: Reading, value: dict[str, Any], field: str) -> str | None:
    party = value.get(field)
    return reading.name_of(Scope(party)) if isinstance(party, bytes) else party


def _row(reading: Reading, record: Record, table: Table, id_: bytes) -> Row | None:
    # What is kept local may name what all know.
    for realm in (realm_of(record.genesis), record.genesis.scope):
        for _, row in reading.view.scan(table, (realm, id_)):
            return row
    return None
