"""How fresh what is held of a body is, for people and for programs."""

from typing import Any

from fedsync.cli.telling import ago, day, person, rfc3339
from fedsync.reading import Reading
from fedsync.recency import Stated, all_moments, stated
from fedsync.records.ids import Key, Scope

Json = dict[str, Any]

OLD_MS = 7 * 86_400_000
"""What nothing was heard of for so long is told of by `fedsync status`: assemblies meet every week."""


def fresh_value(reading: Reading, scope: Scope, now: int) -> Json | None:
    """Return what can be said of a body that is not our own, at `now`; None for our own."""
    found = stated(reading.store, reading.view, scope, now)
    if found.own:
        return None
    return {
        "as_of": rfc3339(found.as_of),
        "by": found.by,
        "seen": {"at": rfc3339(found.seen.at), "node": found.seen.node.hex()} if found.seen else None,
        "told": {
            "at": rfc3339(found.told.at),
            "peer": found.told.peer.hex(),
            "over": found.told.hops,
        }
        if found.told
        else None,
        "signed": {
            "page": found.signed.page.hex(),
            "number": found.signed.number,
            "at": rfc3339(found.signed.time),
        }
        if found.signed
        else None,
        "clock_was_set_back": found.clock,
        "lines": _lines(reading, scope, found, now),
    }


def fresh_line(value: Json) -> str:
    """Return the first thing to say of it."""
    return str(value["lines"][0])


def stale(reading: Reading, now: int) -> list[Json]:
    """Return the bodies that nothing was heard of for long, or ever, with what can be said of each."""
    found = []
    for body, said in all_moments(reading.store, now):
        if said.as_of is None or now - said.as_of > OLD_MS:
            row = {"name": reading.name_of(body.scope), "body": body.body.hex()}
            found.append({**row, "as_of": rfc3339(said.as_of), "since_ms": said.as_of})
    return found


def stale_lines(rows: list[Json], now: int) -> list[str]:
    """Return a line on these bodies, none for none. Those never heard of are left out: their peers are strangers yet."""
    old = [f"{row['name']} ({ago(row['since_ms'], now)})" for row in rows if row["since_ms"] is not None]
    if not old:
        return []
    return [f"Not heard of for a week or more, so a recall there may be unknown here: {', '.join(old[:10])}."]


def _lines(reading: Reading, scope: Scope, found: Stated, now: int) -> list[str]:
    lines = []
    if found.seen is not None:
        who = person(reading, scope, found.seen.node)
        lines.append(
            f"not recalled as of {ago(found.seen.at, now)}: then all was here that {who} held, which its own book names"
        )
    if found.told is not None and found.told.at == found.as_of:
        who = _peer(reading, scope, found.told.peer)
        over = "" if found.told.hops <= 1 else f", which heard it over {found.told.hops - 1} more"
        lines.append(f"not recalled as of {ago(found.told.at, now)} by the word of {who} alone{over}")
    if found.as_of is None:
        clock = ": this machine's clock was set back" if found.clock else ""
        lines.append(f"how fresh this is, is not known{clock or ': no node of that body was met yet'}")
    if found.signed is not None and found.signed.time is not None:
        lines.append(
            f"signed: page {found.signed.number} was its newest on {day(found.signed.time)}, by the clocks of its sealers"
        )
    return lines


def _peer(reading: Reading, scope: Scope, key: Key) -> str:
    peer = reading.store.peers.get(key)
    return peer.name if peer is not None else person(reading, scope, key)
