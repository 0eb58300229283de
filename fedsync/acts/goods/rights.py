"""The rights that go with goods on their way: a record of their own beside the movement, put right together with it."""

from collections.abc import Iterator

from fedsync.reading import Reading
from fedsync.records.block import Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.kinds.refs import FactRef
from fedsync.records.kinds.stock import EVENT

RIGHTS = "transfer_all_rights"


def rights_put_right(
    reading: Reading, record: Record, old: dict[str, Value], new: dict[str, Value]
) -> dict[str, Value] | None:
    """Return the event that puts right the rights recorded beside a movement, which becomes `new`; None if there are none."""
    for beside in _beside(reading, record):
        rights = _value(beside)
        if rights is None or rights.get("action") != RIGHTS or beside.kind != EVENT:
            continue
        same = ("transfer", "resource_conforms_to", "lot", "quantity", "has_point_in_time")
        if "transfer" not in old or any(rights.get(name) != old.get(name) for name in same):
            continue
        changed: dict[str, Value] = {
            name: new[name] for name in ("quantity", "has_point_in_time", "stated", "note") if name in new
        }
        kept: dict[str, Value] = {
            name: each for name, each in rights.items() if name not in ("stated", "note", "corrects")
        }
        end = "to" if rights.get("to") == old.get("store") else "store"
        moved: dict[str, Value] = {end: new["store"]} if "store" in new else {}
        return {**kept, **changed, **moved, "corrects": FactRef(beside.log, beside.seq, beside.id).value}
    return None


def _beside(reading: Reading, record: Record) -> Iterator[Record]:
    """Yield the records before and after one on its chain: a movement comes before its rights, a correction after theirs."""
    for block in reading.store.logs.blocks(record.log, max(0, record.seq - 1)):
        if block.first > record.seq + 1:
            return
        for at in range(max(0, record.seq - 1 - block.first), min(block.count, record.seq + 2 - block.first)):
            each = block.record(at)
            if each.id == record.prev or each.prev == record.id:
                yield each


def _value(record: Record) -> dict[str, Value] | None:
    try:
        value = record.value
    except NotCanonical:
        return None
    return value if isinstance(value, dict) else None
