"""What `status` and `why` say of whose records wait at the door, until when, and why."""

import time
from collections.abc import Iterable
from typing import Any

from fedsync.cli.telling import body_name, person, rfc3339
from fedsync.intake import Room, Whose, read_name
from fedsync.reading import Reading
from fedsync.records.ids import Key, Scope

_WHAT = {
    Room.FACTS: "facts, plans and texts",
    Room.AUTHORITY: "pages, votes and signatures",
    Room.URGENT: "recalls and what they need",
    Room.STRANGERS: "records of people whom its book does not name",
}


def delayed_rows(reading: Reading, now: int) -> list[dict[str, Any]]:
    """Return of whom more waits, an author or all that is written under a body's book."""
    found = []
    for row in reading.store.intake.waiting(now):
        waits = read_name(row)
        of_author = waits.whose is Whose.AUTHOR
        found.append(
            {
                "whose": "author" if of_author else "body",
                "id": waits.id.hex(),
                "name": _author(reading, Key(waits.id)) if of_author else body_name(reading, Scope(waits.id)),
                "what": waits.room.name.lower(),
                "delayed": waits.delayed,
                "until": rfc3339(waits.until),
            }
        )
    return found


def delayed_lines(rows: Iterable[dict[str, Any]]) -> list[str]:
    """Return these rows for people."""
    return [
        f"! {row['name']} has brought in as many {_WHAT[Room[row['what'].upper()]]} as are taken at a time: "
        f"more waits until {_clock(row['until'])}"
        for row in rows
    ]


def _author(reading: Reading, key: Key) -> str:
    return person(reading, reading.own().scope, key)


def _clock(text: str) -> str:
    return f"{time.strftime('%Y-%m-%d %H:%M', time.strptime(text[:16], '%Y-%m-%dT%H:%M'))} UTC"


def of_scope(reading: Reading, rows: Iterable[dict[str, Any]], scope: Scope) -> list[dict[str, Any]]:
    """Return the rows that concern a body: its own, and those of the people whom its book names."""
    from fedsync.crdt.logs.seats import is_named

    return [
        row
        for row in rows
        if row["id"] == scope.hex()
        or (row["whose"] == "author" and is_named(reading.view, scope, Key(bytes.fromhex(row["id"]))))
    ]
