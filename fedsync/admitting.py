"""Whom this node lets in and calls: the operator's peers, and nodes that the books of bodies around ours name.

One rule, from the strongest on. Whom the operator removed stays out until the operator says otherwise, whatever a book
names, a peer introduces or a node announces, and whatever came first. Whom a book dropped that no other names stays out.
Whom the operator paused stays out for as long. Then the operator's own peers are let in, and who is named.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from shlex import quote
from socket import inet_aton
from typing import Literal, NamedTuple

from fedsync.config import Address, parse_address
from fedsync.crdt.books.addresses import announced
from fedsync.crdt.books.booktables import POSTS
from fedsync.crdt.books.fellows import Around, Fellow, around
from fedsync.crdt.books.naming import Naming, dropped_in_words
from fedsync.crdt.view import View
from fedsync.records.ids import Key, Scope
from fedsync.records.kinds.authority import NODE_ROLE
from fedsync.staticpeers import StaticPeer
from fedsync.store.peers import Peer
from fedsync.store.store import Store

CONFIGURED = "config"
"""The role of a peer that is one because it stands in config.toml."""
MAX_CALLED_AT = 16
"""Addresses of one node that are tried, one after another: those that the operator or an invitation gave, then its own."""


class Out(NamedTuple):
    """Why a node stays out: a word for listings, and a sentence's part."""

    state: Literal["paused", "dropped", "removed"]
    why: str


@dataclass(frozen=True, slots=True)
class Whom:
    """Whom this node may exchange with now."""

    peers: Mapping[Key, tuple[str, ...]]
    """The operator's own, and where they are called."""
    named: Mapping[Key, Scope]
    """Others that a book names: the body's founding tag."""
    out: Mapping[Key, Out]
    """Who stays out, and why."""
    names: Mapping[Key, str]
    """What the operator's peers are called here; of others see `names_of`."""
    fellows: tuple[Fellow, ...] = ()
    """The nodes of the bodies around ours that do not stay out, with where they can be called: what an overlay chooses from."""
    relays: Mapping[Key, tuple[str, ...]] = field(default_factory=dict)
    """Nodes that say that they carry for others, with where they are called."""

    def why_out(self, key: Key) -> str:
        """Return why a node is not let in, in words."""
        out = self.out.get(key)
        return out.why if out is not None else "no book and no operator names this node here"

    def lets_in(self, key: Key) -> bool:
        """Say whether a node may exchange with this one."""
        return key not in self.out and (key in self.peers or key in self.named)


def whom(store: Store, view: View, me: Key, listen: Address | None) -> Whom:
    """Return whom the node with the key `me` may exchange with, as its store and its state are now."""
    own = next((body.scope for body in store.followed.all() if body.source == "own"), None)
    peers = store.peers.all()
    out = {peer.key: Out("paused", "paused by the operator") for peer in peers if peer.paused}
    out |= {key: Out("dropped", why) for key, why in dropped_in_words(view).items()}
    out |= {each.key: Out("removed", "the operator removed this node") for each in store.removed.all()}
    joined = [body.scope for body in store.followed.all() if body.source == "joined"]
    near_us = around(view, own, me, joined) if own is not None else Around({}, [])
    near = {
        each.key: each._replace(addresses=tuple(at for at in each.addresses if worth_calling(at, listen)))
        for each in near_us.fellows
        if each.key not in out
    }
    addresses = {
        peer.key: _different(peer.addresses, near[peer.key].addresses if peer.key in near else ())
        for peer in peers
    }
    return Whom(
        addresses,
        {key: scope for key, scope in near_us.admitted.items() if key != me and key not in addresses},
        out,
        {peer.key: peer.name for peer in peers},
        tuple(near.values()),
        {
            each.key: tuple(at for at in each.addresses if worth_calling(at, listen))
            for each in announced(view).values()
            if each.relay and each.addresses
        },
    )


def names_of(view: View, named: Mapping[Key, Scope]) -> dict[Key, str]:
    """Return what nodes are called that books name: after the community whose people say that it is theirs, else after the body
    whose book names it. A book is read for each, so ask for few.
    """
    naming = Naming(view)
    whose = {Key(key[2]): Scope(key[0]) for key, _ in view.scan(POSTS) if key[1] == NODE_ROLE}  # type: ignore[arg-type]
    return {
        key: f"the node of {naming.book(whose[key])}" if key in whose else f"a node of {naming.book(scope)}"
        for key, scope in named.items()
    }


def keep_static(store: Store, static: Sequence[StaticPeer], me: Key, now: int) -> list[str]:
    """Take the peers of config.toml into the store, in a transaction of its own; return what to warn of, in words.

    One that stands there no longer is no peer any more, unless it is one by invitation or by `peers add` as well. One that
    the operator removed stays out: to take it back takes a word of its own, not a line that was forgotten.
    """
    warnings = []
    with store.transaction():
        for peer in store.peers.all():
            if peer.role == CONFIGURED and all(each.key != peer.key for each in static):
                store.peers.remove(peer.key)
        for each in static:
            before = store.peers.get(each.key)
            if each.key == me:
                warnings.append(f"config.toml names this very node as the peer {each.name}.")
            elif store.removed.get(each.key) is not None:
                warnings.append(
                    f"{each.name} stands in config.toml and was removed, so it stays out. To take it back: "
                    f"fedsync peers add {quote(each.name)} {each.key.hex()}"
                )
            elif before is None:
                name = unused_name(store, each.name)
                store.peers.put(Peer(each.key, name, each.addresses, CONFIGURED, now))
            elif before.role == CONFIGURED:
                store.peers.put(replace(before, addresses=each.addresses))
            else:
                addresses = _different(each.addresses, before.addresses)
                store.peers.put(replace(before, addresses=addresses))
    return warnings


def unused_name(store: Store, name: str) -> str:
    """Return a name that no peer has yet: this one, or with a number behind it."""
    taken = {peer.name for peer in store.peers.all()}
    found, number = name, 2
    while found in taken:
        found, number = f"{name} {number}", number + 1
    return found


def worth_calling(address: str, listen: Address | None) -> bool:
    """Say whether an address that a node announced itself may lead to it: never to this very machine, nor to many at once.

    Else one could have a thousand nodes knock at their own doors. Who listens at a loopback address itself is one of
    several on one machine.
    """
    try:
        host = parse_address(address).host
    except ValueError:
        return True  # the dialler will say what is wrong
    try:
        number = _number(host)
    except (ValueError, OSError):
        return not f".{host.casefold()}".endswith(".localhost") or _is_loopback(listen)
    if number.is_multicast or number.is_unspecified or number == _BROADCAST:
        return False
    return not number.is_loopback or _is_loopback(listen)


def _number(host: str) -> IPv4Address | IPv6Address:
    try:
        return ip_address(host)
    except ValueError:
        # Who looks names up takes 127.1 and 2130706433 for numbers, too.
        return ip_address(inet_aton(host))


_BROADCAST = ip_address("255.255.255.255")


def _is_loopback(listen: Address | None) -> bool:
    if listen is None:
        return False
    try:
        return ip_address(listen.host).is_loopback
    except ValueError:
        return listen.host == "localhost"


def _different(*rows: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(each for row in rows for each in row))[:MAX_CALLED_AT]
