"""A bundle's file on its way from a command to the daemon, and what came of it: both as plain JSON values. Pure."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from fedsync.bundling import Came
from fedsync.gossip.bundles.chunks import MAX_BODY, Chunk, Damage, Piece

GROUP_CHUNKS: Final = 32
"""Handed over at once: as many blocks make one commit, and a recall that comes meanwhile waits for no more than that."""
GROUP_BYTES: Final = 1024 * 1024


def groups(found: Iterable[Piece]) -> Iterator[list[list[Any]]]:
    """Yield chunks, and what is damaged between them, in groups to hand over."""
    group: list[list[Any]] = []
    size = 0
    for each in found:
        match each:
            case Chunk(kind, number, body):
                group.append([kind, number, body.hex()])
                size += len(body)
            case Damage(at, length, why):
                group.append([why, at, length])
        if len(group) >= GROUP_CHUNKS or size >= GROUP_BYTES:
            yield group
            group, size = [], 0
    if group:
        yield group


def pieces(group: object) -> list[Piece]:
    """Return the chunks of a group. Raises ValueError for what `groups` does not make."""
    if not isinstance(group, list) or len(group) > GROUP_CHUNKS:
        raise ValueError(f"a group has up to {GROUP_CHUNKS} chunks")
    return [_piece(*each) for each in group]


def _piece(what: int | str, number: int, rest: str | int) -> Piece:
    if isinstance(what, str) and isinstance(rest, int):
        return Damage(int(number), rest, what)
    if isinstance(what, int) and isinstance(rest, str) and len(rest) <= 2 * MAX_BODY:
        return Chunk(what, int(number), bytes.fromhex(rest))
    raise ValueError("this is no chunk")


def told(came: Came) -> dict[str, Any]:
    """Return what came of a file."""
    title = came.titles[0] if came.titles else None
    end = came.ends[-1] if came.ends else None
    return {
        "bundle": title.said.bundle.hex() if title else None,
        "maker": title.said.maker.hex() if title else None,
        "part": title.part + 1 if title else None,
        "made": title.made if title else None,
        "readers": [each.hex() for each in title.readers] if title else [],
        "records": came.records,
        "blocks": dict(came.blocks),
        "refused": dict(came.refused),
        "damaged": came.damaged,
        "bad": [
            {"at": each.at, "size": each.size, "why": each.why, "chunk": each.number} for each in came.bad
        ],
        "ended": end is not None,
        "last": end is not None and end.last,
        "whole": end is not None and end.whole,
    }
