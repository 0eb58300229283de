"""What stands on a page, as JSON and as lines for people."""

from typing import Any

from fedsync.cli.telling import person, text_of
from fedsync.reading import Reading
from fedsync.records.ids import Scope
from fedsync.records.kinds.entries import (
    Decision,
    Entry,
    EpochEntry,
    KeySeat,
    UnknownEntry,
    VoidEntry,
    kind_of,
)


def describe(reading: Reading, scope: Scope, entry: Entry) -> dict[str, Any]:
    """Return an entry's kind, what it says, and lines for people."""
    match entry:
        case Decision(title, text):
            return {
                "kind": "decision",
                "title": text_of(title),
                "text": text_of(text),
                "lines": [
                    f"Decision: {text_of(title)}",
                    *(f"  {line}" for line in text_of(text).split("\n")),
                ],
            }
        case EpochEntry():
            tellers = [
                person(reading, scope, seat.key) if isinstance(seat, KeySeat) else seat.body.hex()[:8]
                for seat in entry.seats
            ]
            return {
                "kind": "epoch",
                "name": text_of(entry.name),
                "tellers": tellers,
                "threshold": entry.k,
                "lines": [
                    f"{text_of(entry.name)} ({entry.classification}): from the next page on",
                    f"  {entry.k} of these must sign: {', '.join(tellers)}",
                ],
            }
        case VoidEntry(kind, code, sentence):
            return {
                "kind": kind,
                "void": code,
                "lines": [f"{kind}: void, {sentence}"],
            }
        case UnknownEntry(kind):
            return {
                "kind": kind,
                "unknown": True,
                "lines": [
                    f"{kind}: this version of fedsync does not know what that is; it has no effect here"
                ],
            }
        case _:
            return {"kind": kind_of(entry), "lines": [kind_of(entry)]}
