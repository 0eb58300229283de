"""Founding bodies whose seats are bodies, or people of several communities: regions, the world, syndicates, guilds."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.acts.author import Author, now_ms
from fedsync.acts.books.founding import REPAIR_KEYS, REPAIR_THRESHOLD
from fedsync.acts.books.voices import voice
from fedsync.acts.books.whose import Person, node_of
from fedsync.crdt.books.bearing import Numbers, usual_k, usual_w
from fedsync.crdt.books.booktables import book, known
from fedsync.crdt.books.epoch import judge_epoch
from fedsync.crdt.books.reform import sealers_value
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value, pack
from fedsync.records.ed25519 import public_key
from fedsync.records.genesis import PERSON
from fedsync.records.ids import LogClass, PageId, Scope, payload_id
from fedsync.records.kinds.authority import parse_page
from fedsync.records.kinds.entries import NodeSealer, Rotation
from fedsync.records.kinds.motions import Rule, rule_value
from fedsync.records.seal import Draft, normal
from fedsync.records.void import Void
from fedsync.sheet import Mends, write_sheet
from fedsync.store.peers import FollowedBody


@dataclass(frozen=True, slots=True)
class Founding:
    """What a new body is to be. Its seats are bodies, or people; its sealers nodes, or those people."""

    name: str
    classification: str
    level: int
    members: tuple[FollowedBody, ...]
    k: int
    w: int
    people: tuple[Person, ...] = ()
    nodes: tuple[NodeSealer, ...] = ()
    """Whose nodes seal; nobody's: the seats themselves seal."""
    repair_sheet: Path | None = None
    """Where to write the repair keys; None: nothing can be repaired."""
    witness: PageId | Scope | None = None
    answers_to: PageId | None = None
    voting: Rule | None = None
    rotation: Rotation | None = None

    @property
    def numbers(self) -> Numbers:
        """What decides how many liars and losses it bears."""
        n = len(self.members) + len(self.people)
        repair = (REPAIR_KEYS, REPAIR_THRESHOLD) if self.repair_sheet else (0, 0)
        return Numbers(n, self.k, len(self.nodes) or n, self.w, *repair)


def found_body(author: Author, reading: Reading, door: Door, founding: Founding) -> tuple[PageId, Scope]:
    """Write page 0 of a body, and follow it; return its id and founding tag. Raises a Problem.

    The repair sheet, when one is asked for, is written first: a book that names keys which nobody has can't be mended.
    """
    scope = Scope(secrets.token_bytes(16))
    repair = [Ed25519PrivateKey.generate() for _ in range(REPAIR_KEYS)] if founding.repair_sheet else []
    value = normal(
        {
            "body": None,
            "scope": scope,
            "number": 0,
            "prev": None,
            "entries": [_epoch(founding, scope, repair)],
        }
    )
    found = parse_page(value).epoch
    assert found is not None
    try:
        judge_epoch(found[1], scope, None)
    except Void as void:
        raise usage(f"Such a body cannot be: {void.sentence}.", "See: fedsync bodies found --help") from None
    body = PageId(payload_id(pack(value)))
    if founding.repair_sheet is not None:
        try:
            mends = Mends.BODIES if founding.members else Mends.PEOPLE
            write_sheet(founding.repair_sheet, repair, founding.name, body, REPAIR_THRESHOLD, mends)
        except FileExistsError:
            raise usage(
                f"{founding.repair_sheet} exists already. No sheet is overwritten.", "Name another file."
            ) from None
    with author.writing():
        into = voice(author, reading, reading.own().scope).genesis
        door.call("follow", scope=scope.hex(), body=body.hex(), name=founding.name)
        # Twice: for those who know the founder's community, and for those who follow the new body and not all of it.
        own = author.genesis(reading, LogClass.AUTHORITY, scope, PERSON)
        for log in (own, into):
            author.write_as(door, reading, log, [Draft("page", value, now_ms())])
    return body, scope


def _epoch(founding: Founding, scope: Scope, repair: Sequence[Ed25519PrivateKey]) -> dict[str, Value]:
    seats: list[Value] = [{"body": each.body} for each in founding.members]
    seats += [{"genesis": each.seat(scope).payload} for each in founding.people]
    epoch: dict[str, Value] = {
        "kind": "epoch",
        "name": founding.name,
        "classification": founding.classification,
        "level": founding.level,
        "seats": seats,
        "k": founding.k,
        "w": founding.w,
    }
    if founding.nodes:
        epoch["sealers"] = sealers_value(founding.nodes)
    if repair:
        epoch["repair"] = {"keys": [public_key(each) for each in repair], "threshold": REPAIR_THRESHOLD}
    if founding.witness is not None:
        epoch["witness"] = founding.witness
    if founding.answers_to is not None:
        epoch["answers_to"] = founding.answers_to
    if founding.voting is not None:
        epoch["voting"] = rule_value(founding.voting)
    if founding.rotation is not None:
        epoch["rotation"] = {"longest": founding.rotation.longest, "cooling": founding.rotation.cooling}
    return epoch


def founding_of(
    reading: Reading, name: str, classification: str, members: Sequence[FollowedBody], level: int | None,
    k: int | None, w: int | None, people: Sequence[Person] = (), seal_with_nodes: bool | None = None,
    lent: Mapping[PageId, FollowedBody] = MappingProxyType({}),
) -> Founding:  # fmt: skip
    """Return what is to be founded, with the usual numbers where none are given: more than half, two thirds.

    Bodies are sealed for by their nodes; people seal themselves unless `seal_with_nodes`. `lent`: the community whose
    node seals for a member that has none of its own, such as a region. Raises a Problem.
    """
    if members and people:
        raise usage(
            "A body's seats are bodies or people, not both: bodies consent to its changes by their own books, "
            "and a person has none.",
            "Found one of each, and let the one answer to the other: --answers-to BODY",
        )
    if not members and not people:
        raise usage("A body needs seats.", 'Add --member BODY, or --seat "PERSON@COMMUNITY", for each.')
    if members and seal_with_nodes is False:
        raise usage("A body is no log, and cannot seal: its node does.", "Leave out --seal-with seats.")
    least = max((level_of(reading, each) for each in members), default=-1) + 1
    nodes: dict[NodeSealer, None] = {}
    if members or seal_with_nodes:
        homes = {each.body: each for each in [*members, *(person.home for person in people)]}
        nodes = {node_of(reading, lent.get(each.body, each)): None for each in homes.values()}
    n = len(members) + len(people)
    return Founding(
        name,
        classification,
        least if level is None else level,
        tuple(members),
        usual_k(n) if k is None else k,
        usual_w(len(nodes) or n) if w is None else w,
        tuple(people),
        tuple(nodes),
    )


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
