"""Who sits in a body of bodies: proposing a change, consenting to it, joining and leaving.

A change of a body whose seats are bodies needs the consent of k of its new seats, each in its own book (rule 3). It is
drafted twice: first as a proposal without consents, which nobody's tools sign, and then with them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from fedsync.acts.author import Author
from fedsync.acts.books.minutes import carry, enter
from fedsync.acts.books.whose import node_of, nodes_of, person_at
from fedsync.acts.goods.stewards import reachable
from fedsync.crdt.books.booktables import known, page_row
from fedsync.crdt.books.consents import Asked, asked
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.drafting import CannotDraft, draft_change, in_force, newest
from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.handover import OVER
from fedsync.crdt.books.reform import NO_CHANGE, Change, node_of_log
from fedsync.doors import Door
from fedsync.errors import not_found, refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value, unpack
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.entries import CONSENT, EPOCH, JOIN, LEAVE, NodeSealer
from fedsync.records.kinds.entryform import tips_value
from fedsync.store.peers import FollowedBody


@dataclass(frozen=True, slots=True)
class Wish:
    """A change of a body's epoch, by names; people as PERSON@COMMUNITY. `change` holds what has no name."""

    add: Sequence[str] = ()
    drop: Sequence[str] = ()
    add_bodies: Sequence[str] = ()
    drop_bodies: Sequence[str] = ()
    add_nodes: Sequence[str] = ()
    """Communities whose node is to seal, as it is now; it takes the place of an earlier node of theirs."""
    drop_nodes: Sequence[str] = ()
    lent: Mapping[str, str] = field(default_factory=dict)
    """The community whose node seals for a new member."""
    change: Change = NO_CHANGE


def change_of(reading: Reading, body: FollowedBody, wish: Wish) -> tuple[Change, list[dict[str, Value]]]:
    """Return the change by ids, with the entries that go with it: a body that comes in is said to. Raises a Problem.

    The node of a member comes and goes with it.
    """
    epoch = _epoch(reading, body.scope)
    comes = [reading.body(each) for each in wish.add_bodies]
    goes = [reading.body(each) for each in wish.drop_bodies]
    people = [person_at(reading, each) for each in wish.add]
    if (comes and epoch.seats) or (people and epoch.members):
        raise usage("A body's seats are bodies or people, not both.", "See: fedsync bodies show NAME")
    for each in comes:
        if each.body in epoch.members:
            raise usage(f"{reading.name_of(each.scope)} has a seat already.", "See: fedsync bodies show NAME")
        if each.body == body.body:
            raise usage("A body has no seat in itself.", "Name another body.")
    new, old = _nodes(reading, body, epoch, comes, goes, wish)
    change = replace(
        wish.change,
        add=[each.seat(body.scope) for each in people],
        drop=[_seated(reading, epoch, each) for each in wish.drop],
        add_bodies=[each.body for each in comes],
        drop_bodies=[each.body for each in goes],
        add_nodes=new,
        drop_nodes=old,
    )
    if change.is_nothing:
        raise usage("Say what should change.", "See: fedsync bodies epoch --help")
    also: list[dict[str, Value]] = [{"kind": JOIN, "body": each.body} for each in comes]
    return change, also


def propose_change(
    author: Author, reading: Reading, door: Door, body: FollowedBody, wish: Wish
) -> tuple[PageId, int]:
    """Draft a page with a changed epoch; of a body of bodies only a proposal, until they consent. Raises a Problem."""
    change, also = change_of(reading, body, wish)
    return carry(
        author, reading, door, lambda: draft_change(reading.view, body.scope, change, also), body.scope
    )


def final_change(author: Author, reading: Reading, door: Door, page: PageId) -> tuple[PageId, int]:
    """Draft the page that makes a proposal good, listing the consents that are certified here. Raises a Problem."""
    here = known(reading.view, page)
    entries = consented(reading, page, _newest(reading, here.scope) if here is not None else page)
    assert here is not None
    return enter(author, reading, door, here.scope, entries)


def consented(reading: Reading, page: PageId, on: PageId) -> list[dict[str, Value]]:
    """Return what is to stand after `on` to make a proposal good: its entries, and the consents. Raises a Problem."""
    found, here = _asked(reading, page), known(reading.view, page)
    assert here is not None
    if len(found.certified) < found.needed:
        raise refused(
            "consents-missing",
            f"{found.needed} bodies must have consented, on pages that are sealed here; {len(found.certified)} have.",
            f"See who is missing: fedsync why {page.hex()[:8]}",
        )
    before, last = known(reading.view, here.prev) if here.prev else None, known(reading.view, on)
    if before is None or last is None or before.epoch != last.epoch:
        raise refused(
            "outdated",
            "The body was changed after this was proposed, and this would undo it.",
            "Propose the change again: fedsync bodies epoch --help",
        )
    return _entries(reading, page, found.certified)


def _entries(reading: Reading, page: PageId, consents: Sequence[PageId]) -> list[dict[str, Value]]:
    """Return what stands on a proposal, the epoch with its consents: these are no part of what was consented to."""
    held = page_row(reading.view, page)
    assert held is not None
    value = unpack(held.payload)
    assert isinstance(value, dict)
    entries = value["entries"]
    assert isinstance(entries, list)
    found: list[dict[str, Value]] = []
    for entry in entries:
        assert isinstance(entry, dict)
        listed: list[Value] = list(consents)
        found.append({**entry, "consents": listed} if entry.get("kind") == EPOCH else entry)
    return found


# --- The members' side


def consent(reading: Reading, body: FollowedBody, page: PageId) -> dict[str, Value]:
    """Return the entry by which `body` consents to the epoch proposed on a page. Raises a Problem."""
    found = _asked(reading, page)
    if body.body not in (*found.silent, *found.given):
        raise refused(
            "no_seat",
            f"{reading.name_of(body.scope)} has no seat in what is proposed, so it is not asked.",
            f"See: fedsync book show {page.hex()[:8]}",
        )
    if body.body in found.given and found.given[body.body].certified:
        raise refused(
            "consented",
            f"{reading.name_of(body.scope)} has consented already, on its page {found.given[body.body].number}.",
            f"See: fedsync why {page.hex()[:8]}",
        )
    return {"kind": CONSENT, "body": found.body, "to": found.digest}


def join(
    reading: Reading, body: FollowedBody, into: FollowedBody, lent: FollowedBody | None
) -> dict[str, Value]:
    """Return the entry by which `body` says that it sits in another, and which node seals for it. Raises a Problem."""
    if body.body == into.body:
        raise usage("A body does not join itself.", "Name another body.")
    own, there = known(reading.view, body.body), known(reading.view, into.body)
    if own and there and own.level is not None and there.level is not None and there.level <= own.level:
        raise usage(
            f"{reading.name_of(into.scope)} is of level {there.level} and {reading.name_of(body.scope)} of level "
            f"{own.level}: a body sits in one of a higher level only.",
            "See: fedsync bodies show --tree",
        )
    node = node_of(reading, lent or body)
    return {"kind": JOIN, "body": into.body, "node": [node.key, node.incarnation]}


def leave(reading: Reading, body: FollowedBody, from_: FollowedBody) -> dict[str, Value]:
    """Return the entry by which `body` sits in another no longer: its delegates there are out, cut at what is here."""
    mandates = [
        each
        for each in given(reading.view, body.scope)
        if each.mandate.seat == from_.body and each.status not in OVER
    ]
    return {"kind": LEAVE, "body": from_.body, "cuts": tips_value(reachable(reading, mandates))}


# --- By names


def _asked(reading: Reading, page: PageId) -> Asked:
    found = asked(reading.view, page)
    if found is None:
        raise refused(
            "no_consents",
            "This page changes no body of bodies, so it needs no consents.",
            f"See: fedsync book show {page.hex()[:8]}",
        )
    return found


def _newest(reading: Reading, scope: Scope) -> PageId:
    try:
        return newest(reading.view, scope)
    except CannotDraft as error:
        raise refused(error.code, error.sentence, "See: fedsync bodies show NAME") from None


def _epoch(reading: Reading, scope: Scope) -> Epoch:
    try:
        return in_force(reading.view, newest(reading.view, scope))
    except CannotDraft as error:
        raise refused(error.code, error.sentence, "See: fedsync bodies show NAME") from None


def _seated(reading: Reading, epoch: Epoch, asked: str) -> Key:
    person = person_at(reading, asked)
    if person.key not in epoch.keys:
        raise not_found("seat of", asked, "See: fedsync bodies show NAME")
    return person.key


def _nodes(
    reading: Reading,
    body: FollowedBody,
    epoch: Epoch,
    comes: Sequence[FollowedBody],
    goes: Sequence[FollowedBody],
    wish: Wish,
) -> tuple[list[NodeSealer], list[NodeSealer]]:
    """Return the nodes that come and those that go."""
    sealing = [node for each in epoch.sealers.values() if (node := node_of_log(each)) is not None]
    new: dict[NodeSealer, None] = {}
    old: dict[NodeSealer, None] = {}
    lent = {reading.body(member).body: reading.body(community) for member, community in wish.lent.items()}
    if sealing or epoch.members:
        for each in comes:
            new[node_of(reading, lent.get(each.body, each), body.body)] = None
        for each in goes:
            old.update(dict.fromkeys(_of(reading, each, body.body, sealing)))
    for name in wish.add_nodes:
        each = reading.body(name)
        node = node_of(reading, each)
        old.update({other: None for other in _of(reading, each, body.body, sealing) if other != node})
        if node in sealing:
            raise usage(
                f"The node of {reading.name_of(each.scope)} seals already.", "See: fedsync bodies show NAME"
            )
        new[node] = None
    for name in wish.drop_nodes:
        each = reading.body(name)
        found = _of(reading, each, body.body, sealing)
        if not found:
            raise not_found("sealing node of", name, "See: fedsync bodies show NAME")
        old.update(dict.fromkeys(found))
    return [each for each in new if each not in sealing], [each for each in old if each not in new]


def _of(
    reading: Reading, member: FollowedBody, body: PageId, sealing: Sequence[NodeSealer]
) -> list[NodeSealer]:
    named = {(key, incarnation) for _, _, key, incarnation in nodes_of(reading, member, body)}
    return [each for each in sealing if (each.key, each.incarnation) in named]
