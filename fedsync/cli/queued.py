"""What `why` says of what waits for a peer: how much of each class it is not known to hold, and when that goes."""

from typing import Any

from fedsync.gossip.schedule.words import kilobytes
from fedsync.reading import Reading
from fedsync.records.ids import LogClass

_CLASSES = {
    LogClass.AUTHORITY: "authority",
    LogClass.PLANS: "plans",
    LogClass.FACTS: "facts",
    LogClass.TEXTS: "texts",
}
URGENT = "urgent"


def queued(reading: Reading, row: dict[str, Any]) -> list[dict[str, Any]] | None:
    """Return of each class how much came here since a peer was last known to hold all; None when it never was."""
    since = row.get("agreed")
    if since is None:
        since = reading.store.meta.get(f"agreed:{row['key']}")
    if not isinstance(since, int):
        return None
    return [
        {
            "class": URGENT if each.urgent else _CLASSES[each.log_class],
            "records": each.records,
            "bytes": each.bytes,
        }
        for each in reading.store.blocks.kept_after(since)
    ]


def queued_line(waits: list[dict[str, Any]] | None, row: dict[str, Any]) -> str:
    """Return the same for people, in the order in which it goes, with when that is."""
    if waits is None:
        return "it is not known yet what it holds"
    if not waits:
        return "nothing waits for it"
    said = ", ".join(
        f"{each['class']} {each['records']:,} record{'s' if each['records'] != 1 else ''} ({kilobytes(each['bytes'])} kB)"
        for each in waits
    )
    return f"waits for it, at most: {said}; {_goes(row, waits[0]['class'] == URGENT)}"


def _goes(row: dict[str, Any], urgent: bool) -> str:
    schedule = row.get("schedule") or {"state": "open"}
    match schedule["state"]:
        case "shut":
            return "goes in the next window"
        case "spent":
            first = "what is urgent goes at once, the rest" if urgent else "goes"
            return f"{first} when the budget allows"
        case _ if row["state"] in ("away", "paused", "dropped"):
            return "goes when there is a link to it"
        case _:
            return "goes now, in this order"
