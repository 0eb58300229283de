"""Peers that stand in config.toml, each in a section [[peer]]; and a node's key as people write it. Pure."""

import re
from base64 import b32decode, b32encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from fedsync import scheduling
from fedsync.gossip.schedule.terms import Terms
from fedsync.plain import is_plain
from fedsync.records.ids import Key
from fedsync.records.kinds.announcing import MAX_ADDRESSES, is_address

MAX_STATIC = 256
"""Sections [[peer]] in one file. More is a federation: there nodes find each other by their books."""
LONGEST_NAME = 200
"""Characters of a peer's name."""
FIELDS = ("key", "name", "addresses", *scheduling.FIELDS)

KEY_HINT = "It is 64 digits of 0-9 and a-f, as that node shows it with: fedsync peers show"


@dataclass(frozen=True, slots=True)
class StaticPeer:
    """A node that the operator exchanges with by their own word."""

    key: Key
    name: str
    addresses: tuple[str, ...] = ()
    terms: Terms = field(default_factory=Terms)
    """When there may be a link to it, and how much may go over it."""


class Wrong(ValueError):
    """What a section [[peer]] says cannot be. `nth` counts from 0; `field` is "" when it is the section as a whole."""

    def __init__(self, nth: int, field: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.nth, self.field, self.hint = nth, field, hint


def parse_key(text: str) -> Key:
    """Return a node's key, written in 64 digits of 0-9 and a-f or in 52 of A-Z and 2-7. Raises ValueError, in plain words."""
    from fedsync.records.ed25519 import BadSignature, check_key

    plain = re.sub(r"[\s-]", "", text)
    if re.fullmatch(r"[0-9A-Fa-f]{64}", plain):
        found = bytes.fromhex(plain)
    elif re.fullmatch(r"[A-Za-z2-7]{52}", plain):
        found = b32decode(plain.upper() + "====")
        if b32encode(found).decode().rstrip("=") != plain.upper():
            raise ValueError("this is no node's key: its last letter is wrong")
    else:
        raise ValueError("this is no node's key")
    try:
        return check_key(found)
    except BadSignature:
        raise ValueError("no signature could ever be made with this key") from None


def static_peers(said: object) -> tuple[StaticPeer, ...]:
    """Return the peers that the sections say. Raises Wrong."""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise Wrong(0, "", "peer must be sections, one for each", "Write it as: [[peer]]")
    if len(said) > MAX_STATIC:
        raise Wrong(MAX_STATIC, "", f"there are more than {MAX_STATIC} of them", "Take some out.")
    found: list[StaticPeer] = []
    for nth, table in enumerate(said):
        if _is_known(table):
            continue
        peer = _peer(nth, table)
        if any(each.key == peer.key for each in found):
            raise Wrong(nth, "key", "this key stands in another [[peer]] too", "Take one of the two out.")
        if any(each.name.casefold() == peer.name.casefold() for each in found):
            raise Wrong(nth, "name", "this name stands in another [[peer]] too", "Call one otherwise.")
        found.append(peer)
    return tuple(found)


def known_terms(said: Sequence[Mapping[str, object]]) -> dict[str, Terms]:
    """Return when, and how much, for the peers of the sections without a key: those that are known by that name. Raises Wrong."""
    found: dict[str, Terms] = {}
    names = [str(table.get("name", "")).casefold() for table in said]
    for nth, table in enumerate(said):
        if not _is_known(table):
            continue
        for each in table:
            if each not in FIELDS:
                raise Wrong(nth, each, f"{each!r} is not known", f"Known are: {', '.join(FIELDS)}.")
            if each not in ("name", *scheduling.FIELDS):
                raise Wrong(nth, each, f"{each} needs the key of that peer", KEY_HINT)
        if names.count(names[nth]) > 1:
            raise Wrong(nth, "name", "this name stands in another [[peer]] too", "Call one otherwise.")
        found[_name(nth, table)] = _terms(nth, table)
    return found


def _is_known(table: Mapping[str, object]) -> bool:
    """Say whether a section is about a peer that was invited, or added by hand: it says when and how much, and no key."""
    return "key" not in table and any(each in scheduling.FIELDS for each in table)


def _name(nth: int, table: Mapping[str, object]) -> str:
    name = table.get("name")
    if not isinstance(name, str) or not 0 < len(name) <= LONGEST_NAME or not is_plain(name):
        message = f"name must be text of 1 to {LONGEST_NAME} printable characters"
        raise Wrong(nth, "name", message, 'Write it as: name = "..."')
    return name


def _terms(nth: int, table: Mapping[str, object]) -> Terms:
    try:
        return scheduling.terms(table)
    except scheduling.WrongTerms as wrong:
        raise Wrong(nth, wrong.field, str(wrong), wrong.hint) from None


def _peer(nth: int, table: Mapping[str, object]) -> StaticPeer:
    for each in table:
        if each not in FIELDS:
            raise Wrong(nth, each, f"{each!r} is not known", f"Known are: {', '.join(FIELDS)}.")
    text, addresses = table.get("key"), table.get("addresses", [])
    if not isinstance(text, str):
        raise Wrong(nth, "key", "key must be text", KEY_HINT)
    try:
        key = parse_key(text)
    except ValueError as error:
        raise Wrong(nth, "key", str(error), KEY_HINT) from None
    name = _name(nth, table)
    hint = 'Write it as: addresses = ["node.example.org:7443"]'
    if not isinstance(addresses, list) or len(addresses) > MAX_ADDRESSES:
        raise Wrong(nth, "addresses", f"addresses must be a list of at most {MAX_ADDRESSES}", hint)
    for each in addresses:
        if not isinstance(each, str) or not is_address(each):
            raise Wrong(nth, "addresses", f"{each!r} is not HOST:PORT", hint)
    return StaticPeer(key, name, tuple(dict.fromkeys(addresses)), _terms(nth, table))
