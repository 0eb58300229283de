"""What the command line may ask of a node besides reading: the same for a running daemon and for a store at rest.

Each operation is one transaction on the node. Arguments and answers are plain JSON values; bytes are hex.
"""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from fedsync.admitting import names_of, unused_name, whom
from fedsync.config import parse_address
from fedsync.crdt.books.naming import Naming
from fedsync.errors import Problem, refused, usage
from fedsync.follows import told_of
from fedsync.node import Node
from fedsync.picking import begins, the_one
from fedsync.records.ed25519 import BadSignature, check_key
from fedsync.records.ids import Extent, Key, PageId, Scope
from fedsync.store.acquaintances import Removal
from fedsync.store.carried import LeftBundle
from fedsync.store.errors import NotSettled
from fedsync.store.peers import FollowedBody, Invitation, Peer, Source

Operation = Callable[[Node, Mapping[str, Any]], dict[str, Any]]


def perform(node: Node, op: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Do `op` on `node`, durably, and return its answer. Raises a Problem; then nothing was changed."""
    operation = OPERATIONS.get(op)
    if operation is None:
        raise Problem("unknown_operation", f"This fedsync does not know how to {op}.", "Update fedsync.")
    return operation(node, arguments)


def _ping(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _take(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    from fedsync.doors import once_in, take_own

    take_own(node, [bytes.fromhex(block) for block in arguments["blocks"]], once_in(arguments))
    return {}


def _invite(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    key, name = _key(arguments), _text(arguments, "name")
    with node.store.transaction():
        node.store.invitations.add(Invitation(key, name, int(arguments["until"]), since=node.now()))
    return {}


def _bytes(arguments: Mapping[str, Any], name: str, size: int) -> bytes:
    found = bytes.fromhex(arguments[name])
    if len(found) != size:
        raise ValueError(f"{name} has {len(found)} bytes, and should have {size}")
    return found


def _key(arguments: Mapping[str, Any]) -> Key:
    try:
        # One that is no key would keep the node from listening, now and after each start.
        return check_key(_bytes(arguments, "key", 32))
    except BadSignature as error:
        raise ValueError(f"key is none: {error}") from None


def _text(arguments: Mapping[str, Any], name: str) -> str:
    found = arguments[name]
    if not isinstance(found, str):
        raise TypeError(f"{name} is no text")
    return found


def _add_peer(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Add a peer, and follow its body if that is said. Who was removed is taken back: the operator says otherwise now."""
    key = _key(arguments)
    before = node.store.peers.get(key)
    addresses = tuple(str(parse_address(each)) for each in arguments["addresses"])
    known = "body" in arguments
    body = PageId(_bytes(arguments, "body", 32)) if known else None
    scope = Scope(_bytes(arguments, "scope", 16)) if known else None
    add_peer(node, key, _text(arguments, "name"), addresses, scope, body)
    peer = node.store.peers.get(key)
    assert peer is not None
    return {"name": peer.name, "key": key.hex(), "known": before is not None}


def add_peer(
    node: Node,
    key: Key,
    name: str,
    addresses: tuple[str, ...],
    scope: Scope | None,
    body: PageId | None,
    also: Callable[[], object] = lambda: None,
    source: Source = "peer",
) -> None:
    """Add a peer, and follow its body if that is known, in a transaction of its own, and do `also` what belongs to it.

    The operator wants it so, so a removal ends here, and nowhere else.
    """
    node.begin()
    try:
        before = node.store.peers.get(key)
        if before is None:
            node.store.peers.put(Peer(key, unused_name(node.store, name), addresses, since=node.now()))
        else:
            # Whoever stands in config.toml is a peer without it from now on.
            kept = addresses or before.addresses
            node.store.peers.put(replace(before, addresses=kept, role="peer"))
        node.store.removed.take_back(key)
        if scope is not None and body is not None:
            node.follow(scope, body, name, source, key)
        also()
        node.settle()
    except BaseException:
        node.rollback()
        raise
    node.commit()


def _follow(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a body that our own people founded or joined: what they say goes before what a peer announced."""
    scope, body = Scope(_bytes(arguments, "scope", 16)), PageId(_bytes(arguments, "body", 32))
    held = node.store.followed.get(scope)
    if held is not None and held.body != body and held.source != "announced":
        raise refused(
            "another_founding",
            f"This node already follows another body with the same founding tag: {held.body.hex()[:8]}.",
            "One of the two is forged. Compare their ids with those who founded it.",
        )
    node.begin()
    try:
        node.follow(scope, body, _text(arguments, "name"), "joined")
        node.settle()
    except BaseException:
        node.rollback()
        raise
    node.commit()
    return {}


def find_peer(node: Node, asked: str) -> Peer:
    """Return the peer called `asked`, or whose key begins so. Raises a Problem (exit 6)."""
    peers = node.store.peers.all()
    named = [peer for peer in peers if peer.name.casefold() == asked.casefold()]
    found = named or [peer for peer in peers if begins(asked, peer.key.hex())]
    return the_one(
        "peer", asked, found, lambda peer: f"{peer.name} ({peer.key.hex()[:8]})", "fedsync peers list"
    )


def _pause_peer(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    peer = find_peer(node, arguments["name"])
    with node.store.transaction():
        node.store.peers.pause(peer.key, bool(arguments["paused"]))
    return {"name": peer.name, "key": peer.key.hex()}


def _remove_peer(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Forget a peer, and keep it out whoever names or introduces it, until it is added again."""
    key, name = find_node(node, arguments["name"])
    with node.store.transaction():
        node.store.peers.remove(key)
        node.store.removed.add(Removal(key, name, node.now()))
        node.store.introductions.introduce_no_more(key)
    return {"name": name, "key": key.hex()}


def _introduce(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Introduce two peers to each other, when a link to each stands next."""
    one, other = find_peer(node, arguments["one"]), find_peer(node, arguments["other"])
    if one.key == other.key:
        raise usage(f"{one.name} is one node; two are introduced to each other.", "Name another peer.")
    with node.store.transaction():
        node.store.introductions.introduce(one.key, other.key, node.now())
        node.store.introductions.introduce(other.key, one.key, node.now())
    return {"one": one.name, "other": other.name, "keys": [one.key.hex(), other.key.hex()]}


def _take_in(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Make a node that a peer introduced a peer of ours; of several that did, the first that called it so counts."""
    asked = arguments["name"]
    settled = {peer.key for peer in node.store.peers.all()}
    waiting = [each for each in node.store.introductions.all() if each.node not in settled]
    meant = [each for each in waiting if each.name.casefold() == asked.casefold()]
    meant = meant or [each for each in waiting if begins(asked, each.node.hex())]
    said = the_one(
        "node that was introduced",
        asked,
        {each.node: each for each in reversed(meant)}.values(),
        lambda each: f"{each.name} ({each.node.hex()[:8]})",
        "fedsync peers list",
    )
    add_peer(node, said.node, said.name, said.addresses, said.scope, said.body, source="announced")
    peer = node.store.peers.get(said.node)
    assert peer is not None
    return {"name": peer.name, "key": peer.key.hex(), "addresses": list(peer.addresses)}


def find_node(node: Node, asked: str) -> tuple[Key, str]:
    """Return the key and name of a peer, or of a node that a book names or a peer introduced. Raises a Problem (exit 6)."""
    found = _meant(asked, {peer.key: peer.name for peer in node.store.peers.all()})
    # Whoever was introduced may be named by a book as well, under another name: either is shown, so either is known.
    found = found or _meant(
        asked, {each.node: each.name for each in reversed(node.store.introductions.all())}
    )
    if not found:
        named = whom(node.store, node.state, Key(b""), None).named
        found = _meant(asked, names_of(node.state, named))
    return the_one(
        "peer",
        asked,
        found,
        lambda each: f"{each[1]} ({each[0].hex()[:8]})",
        "fedsync peers list",
    )


def _meant(asked: str, known: Mapping[Key, str]) -> list[tuple[Key, str]]:
    named = [(key, name) for key, name in known.items() if name.casefold() == asked.casefold()]
    return named or [(key, name) for key, name in known.items() if begins(asked, key.hex())]


def _ask_for(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a body because the operator wants to, to an extent. Its founding tag may be left out when some peer follows it.

    Raises a Problem when so little of a body is asked for that is our own, or that our own book makes kin.
    """
    body = PageId(_bytes(arguments, "body", 32))
    extent = Extent(arguments.get("extent", Extent.ALL))
    scope = Scope(_bytes(arguments, "scope", 16)) if arguments.get("scope") else _scope_of(node, body)
    if scope is None:
        node.seek(body)
        return {"followed": False}
    held = node.store.followed.get(scope)
    if held is not None and held.body == body and extent < _needed(node, held):
        raise refused(
            "needed",
            _why_needed(node, held),
            "Follow more of it, or leave what makes it kin: fedsync bodies leave --help",
        )
    if held is None or held.body != body or held.extent != extent:
        node.begin()
        try:
            node.follow(scope, body, None, "asked", None, extent)
            node.follow_less(scope, body, extent)
            node.settle()
        except BaseException:
            node.rollback()
            raise
        node.commit()
        held = node.store.followed.get(scope)
    if held is None or held.body != body:
        raise refused(
            "tag_taken",
            f"Another body is followed here under the founding tag of {body.hex()[:8]}.",
            "Ask whoever gave you its id: one of the two is not what it claims to be.",
        )
    return {"followed": True}


def _unfollow(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Follow a body no longer, whoever announces it. Raises a Problem for our own, and for kin."""
    scope = Scope(_bytes(arguments, "scope", 16))
    held = node.store.followed.get(scope)
    if held is None:
        return {"followed": False}
    if _needed(node, held):
        raise refused(
            "needed", _why_needed(node, held), "To leave what makes it kin: fedsync bodies leave --help"
        )
    called = _called(node, held)
    node.begin()
    try:
        # Its book counts for nothing from now on, and whoever wants it back asks for it by its name.
        node.store.followed.name(scope, called)
        node.unfollow(scope)
        node.settle()
    except BaseException:
        node.rollback()
        raise
    node.commit()
    return {"followed": False}


def _needed(node: Node, held: FollowedBody) -> int:
    """Return how much of a body is followed whatever the operator says; 0: nothing."""
    node.kindred.look(node.state)
    kin = node.kindred.kin.get(held.body, 0) if node.kindred.strict else 0
    return Extent.ALL if held.source == "own" else kin


def _called(node: Node, held: FollowedBody) -> str:
    """Return what a body is called by its own book, else as it was announced, else its short id."""
    found = Naming(node.state).book(held.scope)
    return held.name if held.name and held.body.hex().startswith(found) else found


def _why_needed(node: Node, held: FollowedBody) -> str:
    if held.source == "own":
        return "This is our own community: its node follows all of it."
    return f"Our own book makes {_called(node, held)} kin, so what is decided with it cannot be worked out without its records."


def _scope_of(node: Node, body: PageId) -> Scope | None:
    """Return the founding tag of a body that some peer follows, None when none is known to."""
    for scope, other, _ in told_of(node.store):
        if other == body:
            return scope
    # What a peer follows is kept once both hold the same, which may take a minute; this was heard since the start.
    return node.heard_of.get(body)


def _bundle_left(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Note bundles that were left for peers."""
    with node.store.transaction() as store:
        for each in arguments["left"]:
            one, two, three, four = (int(counter) for counter in each["since"])
            store.carried.leave(
                LeftBundle(
                    _bytes(each, "bundle", 16),
                    Key(_bytes(each, "peer", 32)),
                    int(each["at"]),
                    _text(each, "where"),
                    _bytes(each, "journal", 8),
                    int(each["counter"]),
                    (one, two, three, four),
                    bool(each["whole"]),
                    None,
                    _bytes(each, "sets", 8),
                )
            )
    return {}


def _settle(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Say which of two directories goes on with the logs, after a copy or a restore."""
    alone = not node.store.peers.all()
    try:
        with node.store.transaction():
            if arguments["old_machine_is_gone"]:
                node.store.directory.settle_old_machine_gone(no_peers=alone)
            else:
                node.store.directory.settle_new_incarnation(secrets.token_bytes(16), no_peers=alone)
    except NotSettled as error:
        raise refused("not_settled", str(error), "Let it sync with a peer first: fedsync run") from None
    return {}


def _rebuild(node: Node, arguments: Mapping[str, Any]) -> dict[str, Any]:
    before = node.state_root()
    node.rebuild()
    after = node.state_root()
    return {"before": before.hex(), "after": after.hex(), "records": node.store.logs.count()}


OPERATIONS: dict[str, Operation] = {
    "ping": _ping,
    "take": _take,
    "invite": _invite,
    "add_peer": _add_peer,
    "follow": _follow,
    "pause_peer": _pause_peer,
    "remove_peer": _remove_peer,
    "introduce": _introduce,
    "take_in": _take_in,
    "ask_for": _ask_for,
    "unfollow": _unfollow,
    "bundle_left": _bundle_left,
    "settle": _settle,
    "rebuild": _rebuild,
}
