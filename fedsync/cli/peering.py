"""What is known of one node: who let it in or keeps it out, where it answers, what it shares with us, who introduced it."""

from collections.abc import Mapping
from shlex import quote
from typing import Any

from fedsync.admitting import CONFIGURED, Whom, names_of, whom
from fedsync.cli.telling import ago, rfc3339
from fedsync.config import ConfigError, load
from fedsync.crdt.books.addresses import announced_by, newest
from fedsync.crdt.books.nodes import named
from fedsync.errors import Problem
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.picking import begins, the_one
from fedsync.reading import Reading, now_ms, peers_shown, thought_of
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, Scope

Json = dict[str, Any]

LEAST_SHOWN = 0.05
"""What is thought of a node, either way, below which nothing is said of it."""


def known_nodes(reading: Reading, home: Home) -> tuple[Whom, dict[Key, str]]:
    """Return whom this node exchanges with, and the names of the nodes that it heard of otherwise than from books."""
    store = reading.store
    found = whom(store, reading.view, own_key(home), _listen(home))
    names = {peer.key: peer.name for peer in store.peers.all()}
    for each in store.introductions.all():
        names.setdefault(each.node, each.name)
    for removal in store.removed.all():
        names.setdefault(removal.key, removal.name)
    return found, names


def all_names(reading: Reading, home: Home) -> tuple[Whom, dict[Key, str]]:
    """Return whom this node exchanges with, and the names of all nodes that it knows, those of books among them."""
    found, names = known_nodes(reading, home)
    return found, names_of(reading.view, found.named) | names


def find(names: Mapping[Key, str], asked: str) -> Key:
    """Return the node that is called so, or whose key begins so. Raises a Problem (exit 6)."""
    found = _meant(names, asked)
    return the_one("node", asked, found, lambda key: f"{names[key]} ({key.hex()[:8]})", "fedsync peers list")


def _meant(names: Mapping[Key, str], asked: str) -> list[Key]:
    found = [key for key, name in names.items() if name.casefold() == asked.casefold()]
    return found or [key for key in names if begins(asked, key.hex())]


def shown(reading: Reading, home: Home, asked: str) -> Json:
    """Return all that is known of a node. Raises a Problem (exit 6)."""
    found, names = known_nodes(reading, home)
    if not _meant(names, asked):
        # Books of many bodies are read for their names, so only when it is none of the others.
        names = names_of(reading.view, found.named) | names
    key = find(names, asked)
    store, (rows, running) = reading.store, peers_shown(reading, home)
    peer, removal, said = store.peers.get(key), store.removed.get(key), newest(reading.view, key)
    fellow = next((each for each in found.fellows if each.key == key), None)
    row = next((row for row in rows if row["key"] == key.hex()), None)
    introduced = store.introductions.of(key)
    state, why = _state(found, key, row, bool(introduced), running)
    return {
        "name": names[key],
        "key": key.hex(),
        "state": state,
        "reason": why,
        "by": None if peer is None else "config.toml" if peer.role == CONFIGURED else "operator",
        "named_by": [reading.name_of(scope) for scope in named_by(reading, key)],
        "shares": [reading.name_of(scope) for scope, _ in fellow.groups] if fellow is not None else [],
        "addresses": list(peer.addresses) if peer is not None else [],
        "heard_at": row.get("heard_at", []) if row is not None else [],
        "announces": list(said.addresses) if said is not None and key in (*found.peers, *found.named) else [],
        "relay": bool(said is not None and said.relay and said.addresses),
        "introduced_by": [
            {
                "name": names.get(each.by, each.by.hex()[:8]),
                "key": each.by.hex(),
                "at": rfc3339(each.at),
                "called": each.name,
                "addresses": list(each.addresses),
            }
            for each in introduced
        ],
        "removed_at": rfc3339(removal.at) if removal is not None else None,
        "last_contact": rfc3339(row["last_contact"]) if row is not None else None,
        **({each: row[each] for each in ("score", "standing")} if row else thought_of(reading, key)),
    }


def own_shown(reading: Reading, home: Home) -> Json:
    """Return what others need to know of this node, and what is announced of it. Raises a Problem when its key cannot be read."""
    settings = load(home.config)
    key = public_key(load_node_key(home))
    at, listen = list(settings.announce.addresses), settings.listen
    if not at and listen is not None and listen.host not in ("0.0.0.0", "::", ""):
        at = [str(listen)]
    books = named_by(reading, key)
    said = [
        each
        for scope in books
        if (each := announced_by(reading.view, scope, key)) is not None and each.addresses
    ]
    return {
        "name": settings.name,
        "key": key.hex(),
        "addresses": at,
        "listens": listen is not None,
        "named_by": [reading.name_of(scope) for scope in books],
        "announces": list(settings.announce.addresses),
        "announced_in": [reading.name_of(each.scope) for each in said],
    }


def own_lines(value: Json) -> list[str]:
    """Return the same in words, with what others have to type."""
    name, at = value["name"], value["addresses"]
    words = ["fedsync peers add", quote(name), value["key"], *(f"--address {each}" for each in at)]
    if at:
        answers = f"at {', '.join(at)}"
    elif value["listens"]:
        answers = (
            "at every address of this machine: put the one that others can call in the place of HOST:PORT"
        )
        words.append("--address HOST:PORT")
    else:
        answers = "nowhere: it only calls others"
    announces = ", ".join(value["announces"]) or "nothing"
    if not value["announces"] and value["listens"]:
        announces += ": see [announce] in config.toml"
    if value["announces"] and not value["named_by"]:
        announces += "; nobody hears it yet: no book names this node (fedsync bodies join REGION)"
    elif value["announces"] and not value["announced_in"]:
        announces += "; fedsync run says it"
    elif value["announced_in"]:
        announces += f", in the books of {', '.join(value['announced_in'])}"
    return [
        f"{name}: this node",
        f"  key        {value['key']}",
        f"  named by   {', '.join(value['named_by']) or 'no book'}",
        f"  answers    {answers}",
        f"  announces  {announces}",
        f"Another node lets this one in with: {' '.join(words)}",
    ]


def lines(value: Json) -> list[str]:
    """Return the same in words."""
    return [
        f"{value['name']}: {value['state']} ({value['reason']})",
        f"  key            {value['key']}",
        *acquaintance(value),
    ]


def acquaintance(value: Json) -> list[str]:
    """Return who let a node in or keeps it out, in words."""
    key, name, found = value["key"], value["name"], []
    if value["by"] is not None:
        found.append(f"  let in         by {value['by'].replace('operator', 'the operator here')}")
    if value["named_by"]:
        found.append(f"  named by       the books of {', '.join(value['named_by'])}")
    if value["shares"]:
        found.append(f"  shares with us {', '.join(value['shares'])}")
    if value["addresses"]:
        found.append(f"  called at      {', '.join(value['addresses'])}")
    if value["heard_at"]:
        found.append(f"  heard nearby   at {', '.join(value['heard_at'])}")
    if value["announces"]:
        found.append(f"  announces      {', '.join(value['announces'])}")
    if abs(value["score"]) >= LEAST_SHOWN:
        found.append(f"  we find that   it {value['standing']} ({value['score']:+.1f})")
    if value["relay"]:
        found.append("  relays         for nodes that nobody can call")
    for each in value["introduced_by"]:
        when = "" if each["at"] is None else f" on {each['at'][:10]}"
        found.append(f"  introduced     by {each['name']}{when}, as {each['called']}")
    if value["state"] == "introduced":
        found.append(f"  to let it in:  fedsync peers add {quote(name)}")
        found.append(f"  to keep out:   fedsync peers remove {quote(name)}")
    if value["removed_at"] is not None:
        found.append(f"  removed on     {value['removed_at'][:10]}")
        found.append(f"  to take back:  fedsync peers add {quote(name)} {key}")
    return found


def named_by(reading: Reading, key: Key) -> list[Scope]:
    """Return the followed bodies whose books name a node."""
    return [scope for scope, node in named(reading.view) if node == key]


def own_key(home: Home) -> Key:
    """Return this node's own key; an empty one where it cannot be read, since looking needs none."""
    try:
        return public_key(load_node_key(home))
    except (Problem, OSError):
        return Key(b"")


def _state(found: Whom, key: Key, row: Json | None, introduced: bool, running: bool) -> tuple[str, str]:
    if key in found.out:
        return found.out[key].state, found.out[key].why
    if row is not None:
        last = "never" if row["last_contact"] is None else ago(row["last_contact"], now_ms())
        return row["state"], f"{row['reason'] or 'nothing is known yet'}; last contact: {last}"
    if found.lets_in(key):
        return "away", "it may connect; there is no link now" if running else "the daemon does not run here"
    if introduced:
        return "introduced", "it waits for a word of ours"
    return "unknown", "no book and no operator names it any more"


def _listen(home: Home) -> Any:
    try:
        return load(home.config).listen
    except ConfigError:
        return None
