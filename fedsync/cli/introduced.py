"""Nodes that peers introduced and that wait for a word of ours."""

from shlex import quote
from typing import Any

from fedsync.admitting import whom
from fedsync.cli.telling import rfc3339
from fedsync.reading import Reading
from fedsync.records.ids import Key


def waiting_introductions(reading: Reading) -> list[dict[str, Any]]:
    """Return them, the first that came first, each with a line and what to type. A node is told once, whoever else introduced it."""
    store = reading.store
    names = {peer.key: peer.name for peer in store.peers.all()}
    settled = names.keys() | {each.key for each in store.removed.all()}
    waiting = [each for each in store.introductions.all() if each.node not in settled]
    # Whom a book names is let in already. Looked up only where somebody waits: it reads all books around.
    met = whom(store, reading.view, Key(b""), None) if waiting else None
    found: dict[bytes, dict[str, Any]] = {}
    for each in waiting:
        if met is not None and met.lets_in(each.node):
            continue
        by = names.get(each.by, each.by.hex()[:8])
        if each.node in found:
            found[each.node]["by"].append(by)
            continue
        found[each.node] = {
            "kind": "introduction",
            "line": f"{by} introduced {each.name}",
            "next": f"fedsync peers add {quote(each.name)}",
            "name": each.name,
            "key": each.node.hex(),
            "by": [by],
            "at": rfc3339(each.at),
            "addresses": list(each.addresses),
        }
    return list(found.values())
