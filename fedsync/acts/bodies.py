"""Founding bodies whose seats are bodies, or people of several communities: regions, the world, syndicates, guilds."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.voices import voice
from fedsync.crdt.booktables import POSTS, book, known
from fedsync.crdt.epoch import judge_epoch
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value, pack
from fedsync.records.ids import Key, PageId, Scope, payload_id
from fedsync.records.kinds.authority import NODE_ROLE, parse_page
from fedsync.records.kinds.entries import NodeSealer
from fedsync.records.seal import Draft, normal
from fedsync.records.void import Void
from fedsync.store.peers import FollowedBody


@dataclass(frozen=True, slots=True)
class Founding:
    """What a body of bodies is to be."""

    name: str
    classification: str
    level: int
    members: tuple[FollowedBody, ...]
    k: int
    w: int


def found_body(author: Author, reading: Reading, door: Door, founding: Founding) -> tuple[PageId, Scope]:
    """Write page 0 of a body whose seats are bodies, and follow it; return its id and founding tag.

    Its sealers are the nodes of its members, as each member's people named them. Raises a Problem.
    """
    scope = Scope(secrets.token_bytes(16))
    nodes = [node_of(reading, member) for member in founding.members]
    sealers: list[Value] = [[each.key, each.incarnation] for each in nodes]
    seats: list[Value] = [{"body": member.body} for member in founding.members]
    epoch: dict[str, Value] = {
        "kind": "epoch",
        "name": founding.name,
        "classification": founding.classification,
        "level": founding.level,
        "seats": seats,
        "k": founding.k,
        "sealers": sealers,
        "w": founding.w,
    }
    value = normal({"body": None, "scope": scope, "number": 0, "prev": None, "entries": [epoch]})
    found = parse_page(value).epoch
    assert found is not None
    try:
        judge_epoch(found[1], scope, None)
    except Void as void:
        raise usage(f"Such a body cannot be: {void.sentence}.", "See: fedsync bodies found --help") from None
    body = PageId(payload_id(pack(value)))
    with author.writing():
        door.call("follow", scope=scope.hex(), body=body.hex(), name=founding.name)
        into = voice(author, reading, reading.own().scope).genesis
        author.write_as(door, reading, into, [Draft("page", value, now_ms())])
    return body, scope


def node_of(reading: Reading, member: FollowedBody) -> NodeSealer:
    """Return the node that serves a body, by its people's last word. Raises a Problem (exit 7) when none is known."""
    posts = [
        (int(cells[2]), Key(key[2]), bytes(cells[0]))  # type: ignore[arg-type]
        for key, cells in reading.view.scan(POSTS, (member.scope, NODE_ROLE))
    ]
    if not posts:
        raise refused(
            "no_node",
            f"No node of {reading.name_of(member.scope)} is known here.",
            "Its records may not have come yet: fedsync peers list",
        )
    _, key, incarnation = max(posts)
    return NodeSealer(key, incarnation)


def level_of(reading: Reading, member: FollowedBody) -> int:
    """Return a body's level. Raises a Problem (exit 7) when its book has not come."""
    here = known(reading.view, member.body)
    if here is None or here.level is None or book(reading.view, member.scope) is None:
        raise refused(
            "not_held",
            f"The book of {reading.name_of(member.scope)} has not come yet.",
            "Wait for it: fedsync status",
        )
    return here.level


def founding_of(
    reading: Reading, name: str, classification: str, members: Sequence[FollowedBody], level: int | None,
    k: int | None, w: int | None,
) -> Founding:  # fmt: skip
    """Return what is to be founded, with the usual numbers where none are given: more than half, two thirds."""
    least = max((level_of(reading, each) for each in members), default=-1) + 1
    n = len(members)
    return Founding(
        name,
        classification,
        max(least, 1) if level is None else level,
        tuple(members),
        n // 2 + 1 if k is None else k,
        2 * n // 3 + 1 if w is None else w,
    )
