"""Two nodes beside each other, body by body: what both follow to the same extent must have come to the same.

Reads a store, changes nothing. What the other node shows is what its operator carried here; nothing is taken from it.
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from fedsync.crdt.root import body_root
from fedsync.crdt.view import Draft
from fedsync.errors import Problem, usage
from fedsync.reading import Reading

SAME, DIFFERS, ELSEWHERE, UNSHARED = "same", "differs", "other_extent", "not_followed_there"


_CELLS = ("tag", "body", "extent", "root")


class Compared(NamedTuple):
    """A body that this node follows, beside another node."""

    name: str
    body: str
    how: str
    """`same`, `differs`, or why it cannot be told: the other node follows more or less of it, or nothing."""


def roots(reading: Reading) -> list[dict[str, Any]]:
    """Return for each body that is followed to which extent it is, and the root over what it has come to."""
    draft = Draft(reading.view)
    return [
        {
            "name": reading.name_of(each.scope),
            "body": each.body.hex(),
            "tag": each.scope.hex(),
            "extent": each.extent.name.lower(),
            "root": body_root(draft, each.scope).hex(),
        }
        for each in reading.store.followed.all()
    ]


def beside(ours: Iterable[Mapping[str, Any]], other: object) -> list[Compared]:
    """Return how each of our bodies compares with what `fedsync status --json` said elsewhere. Raises a Problem (exit 2)."""
    theirs = _read(other)
    found = []
    for each in ours:
        there = theirs.get((each["tag"], each["body"]))
        if there is None:
            how = UNSHARED
        elif there[0] != each["extent"]:
            how = ELSEWHERE
        else:
            how = SAME if there[1] == each["root"] else DIFFERS
        found.append(Compared(str(each["name"]), str(each["body"]), how))
    return found


def _read(other: object) -> dict[tuple[str, str], tuple[str, str]]:
    rows = other.get("roots") if isinstance(other, dict) else None
    found: dict[tuple[str, str], tuple[str, str]] = {}
    if not isinstance(rows, list):
        raise _no_status()
    for row in rows:
        if not isinstance(row, dict) or not all(isinstance(row.get(name), str) for name in _CELLS):
            raise _no_status()
        tag, body, extent, root = (str(row[name]) for name in _CELLS)
        found[tag, body] = (extent, root)
    return found


def _no_status() -> Problem:
    return usage(
        "This is not what another node said of itself.",
        "There, type: fedsync status --json > FILE. And bring that file here.",
    )
