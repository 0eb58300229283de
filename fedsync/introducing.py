"""Introductions: a peer tells us of a node that it knows, and we tell peers of each other when our operator says so.

Who introduced whom is kept. What a peer says of another node is its word alone, so nothing comes of it until our operator
takes the node in, or config.toml says that this peer's introductions are taken. Whom the operator removed stays out
whoever introduces it.
"""

import logging
from collections.abc import Sequence
from typing import NamedTuple

from fedsync.gossip.events import Introduced, Introducing
from fedsync.node import Node
from fedsync.operations import add_peer
from fedsync.plain import is_plain
from fedsync.records.ed25519 import BadSignature, check_key
from fedsync.records.ids import Key, PageId, Scope
from fedsync.records.kinds.announcing import MAX_ADDRESSES, is_address
from fedsync.staticpeers import LONGEST_NAME
from fedsync.store.acquaintances import Introduction
from fedsync.store.store import Store

MAX_TOLD = 16
"""Nodes of which one peer is told when a link to it begins: what it hears of."""

log = logging.getLogger("fedsync")


class Heard(NamedTuple):
    """What became of an introduction: the node is let in now, or what to say of it, in words."""

    let_in: bool
    words: str


def hear(node: Node, me: Key, by: Key, said: Introduced, trusted: Sequence[str] = ()) -> Heard:
    """Keep what a peer says of a node, durably; let the node in when the operator trusts that peer's introductions.

    `trusted`: names or keys of such peers, as config.toml has them.
    """
    introducer = node.store.peers.get(by)
    if introducer is None:
        return Heard(False, "only a peer of the operator's introduces others")
    try:
        introduction = _read(by, said, node.now())
    except ValueError as error:
        return Heard(False, f"it introduced a node in a way that makes no sense: {error}")
    if introduction.node in (me, by):
        return Heard(False, "it introduced itself, or this very node")
    known = node.store.peers.get(introduction.node)
    if known is not None:
        return Heard(False, f"{known.name} is a peer already")
    with node.store.transaction():
        kept = node.store.introductions.add(introduction)
    if not kept:
        return Heard(False, "it has introduced as many nodes as are kept; decide on some of them first")
    if node.store.removed.get(introduction.node) is not None:
        return Heard(False, f"{introduction.name} was removed by the operator, and stays out")
    if not any(each.casefold() == introducer.name.casefold() or each == by.hex() for each in trusted):
        return Heard(False, f"{introduction.name} waits for a word of ours: see fedsync peers list")
    take_in(node, introduction)
    return Heard(True, f"{introduction.name} is a peer now, as config.toml says of its introductions")


def take_in(node: Node, introduction: Introduction) -> None:
    """Make a node that was introduced a peer, durably. Its body is followed as one that a peer announced, and no more."""
    add_peer(
        node,
        introduction.node,
        introduction.name,
        introduction.addresses,
        introduction.scope,
        introduction.body,
        source="announced",
    )


def to_say(store: Store, to: Key) -> list[Introducing]:
    """Return whom this node introduces to a peer, when a link to it begins; the last that was said first."""
    found = []
    bodies = {each.via: each for each in store.followed.all() if each.source == "peer"}
    for each in reversed(store.introductions.ours()):
        peer = store.peers.get(each.node) if each.to == to else None
        if peer is None:
            continue
        addresses = [at for at in peer.addresses if is_address(at)][:MAX_ADDRESSES]
        body = bodies.get(peer.key)
        found.append(
            Introducing(
                peer.key,
                peer.name.encode(),
                " ".join(addresses).encode(),
                bytes(body.scope) if body is not None else b"",
                bytes(body.body) if body is not None else b"",
            )
        )
    return found[:MAX_TOLD]


def _read(by: Key, said: Introduced, now: int) -> Introduction:
    """Return what a peer says. Raises ValueError, with a plain sentence."""
    try:
        key = check_key(said.node)
        name, addresses = said.name.decode(), said.addresses.decode().split()
    except (BadSignature, UnicodeDecodeError):
        raise ValueError("its key or name is none") from None
    if not 0 < len(name) <= LONGEST_NAME or not is_plain(name) or name != name.strip():
        raise ValueError("its name cannot be shown")
    if len(addresses) > MAX_ADDRESSES or not all(map(is_address, addresses)):
        raise ValueError("its addresses are none")
    scope = Scope(said.scope) if said.scope else None
    body = PageId(said.body) if said.body else None
    return Introduction(key, by, name, tuple(dict.fromkeys(addresses)), scope, body, now)
