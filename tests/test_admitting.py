"""Who is let in: removal by the operator wins, in whatever order books, peers and announcements say otherwise."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.admitting import MAX_CALLED_AT, keep_static, whom, worth_calling
from fedsync.cli.introduced import waiting_introductions
from fedsync.config import Address
from fedsync.crdt.books.booktables import NODES
from fedsync.daemon.joining import decide
from fedsync.errors import Problem
from fedsync.gossip.invite import Invitation
from fedsync.gossip.join import Join, Refused
from fedsync.home import Home
from fedsync.node import Node
from fedsync.operations import perform
from fedsync.reading import Reading
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key
from fedsync.staticpeers import StaticPeer
from fedsync.store.acquaintances import Introduction
from fedsync.store.reading import open_reader
from tests.nodes import Scribe, node

ME = public_key(private_key(b"m" * 32))
KEYS = [public_key(private_key(bytes([number]) * 32)) for number in range(3)]
NAMES = ("Mill Lane", "Hill Farm", "Quarry")


class Twin:
    """Who is let in, as plainly as can be: for each node what the operator said last, and what books say now."""

    def __init__(self) -> None:
        self.said: dict[Key, str] = {}
        self.paused: set[Key] = set()
        self.named: set[Key] = set()
        self.dropped: set[Key] = set()

    def lets_in(self, key: Key) -> bool:
        if self.said.get(key) == "removed" or key in self.dropped or key in self.paused:
            return False
        return self.said.get(key) == "added" or key in self.named


class World:
    """One node, and what befalls it."""

    def __init__(self, at: Node) -> None:
        self.at, self.twin = at, Twin()
        self.own = Scribe(at, "Oakfield", "Ann", "Ben", "Cleo")
        with at.store.transaction():
            at.store.followed.remove(self.own.scope)
        at.begin()
        at.follow(self.own.scope, self.own.id, "Oakfield", "own")
        at.settle()
        at.commit()

    def do(self, what: str, number: int) -> None:
        key, name, twin = KEYS[number], NAMES[number], self.twin
        match what:
            case "add":
                perform(self.at, "add_peer", {"key": key.hex(), "name": name, "addresses": ["192.0.2.7:1"]})
                twin.said[key] = "added"
            case "remove":
                try:
                    perform(self.at, "remove_peer", {"name": key.hex()})
                except Problem:
                    return  # nobody has heard of it
                twin.said[key] = "removed"
                twin.paused.discard(key)
            case "pause" | "resume":
                try:
                    perform(self.at, "pause_peer", {"name": key.hex(), "paused": what == "pause"})
                except Problem:
                    return
                (twin.paused.add if what == "pause" else twin.paused.discard)(key)
            case "name" | "drop":
                standing = "named" if what == "name" else "dropped"
                self.at.begin()
                self.at.draft.put(NODES, (self.own.scope, key), (standing, 1, bytes(self.own.id)))
                self.at.settle()
                self.at.commit()
                (twin.named.add if what == "name" else twin.named.discard)(key)
                (twin.dropped.add if what == "drop" else twin.dropped.discard)(key)
            case "introduce":
                by = KEYS[(number + 1) % len(KEYS)]
                said = Introduction(key, by, name, ("192.0.2.8:1",), None, None, 1)
                with self.at.store.transaction():
                    self.at.store.introductions.add(said)
            case "restart":
                self.at.rebuild()
                # The rows that this test wrote by hand are not what blocks come to.
                twin.named.clear()
                twin.dropped.clear()

    def shown(self) -> list[bool]:
        found = whom(self.at.store, self.at.state, ME, None)
        return [found.lets_in(key) for key in KEYS]


DEEDS = ("add", "remove", "pause", "resume", "name", "drop", "introduce", "restart")


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(DEEDS), st.integers(0, 2)), max_size=12))
def test_who_is_let_in_is_as_the_twin_says(deeds: Sequence[tuple[str, int]]) -> None:
    with node() as at:
        world = World(at)
        for what, number in deeds:
            world.do(what, number)
            assert world.shown() == [world.twin.lets_in(key) for key in KEYS], what


@settings(max_examples=30, deadline=None)
@given(st.permutations(["name", "introduce", "remove", "restart", "introduce", "name"]))
def test_who_was_removed_stays_out_whatever_comes_before_or_after(deeds: Sequence[str]) -> None:
    with node() as at:
        world = World(at)
        world.do("add", 0)
        for what in deeds:
            world.do(what, 0)
        assert not world.shown()[0]
        world.do("add", 0)
        assert world.shown()[0], "until the operator says otherwise"


@pytest.mark.parametrize("deed", ["remove", "pause", "drop"])
def test_who_stays_out_is_none_of_those_among_whom_links_are_chosen(deed: str) -> None:
    with node() as at:
        world = World(at)
        for number in (0, 1):
            world.do("add", number)
            world.do("name", number)
        world.do(deed, 0)
        found = whom(at.store, at.state, ME, None)
        assert {each.key for each in found.fellows} == {KEYS[1]}


def invited(at: Node, now: int) -> tuple[Key, Any]:
    own = at.store.followed.all()[0]
    given = Invitation(bytes([now % 251]) * 16, ME, own.scope, own.body, ())
    at.now = lambda: now
    perform(at, "invite", {"key": given.key.hex(), "name": "Mill Lane", "until": 10_000})
    return given.key, Join(KEYS[0], "Mill Lane", own.scope, own.body, ())


def test_an_invitation_from_before_the_removal_does_not_undo_it_and_one_from_after_does() -> None:
    with node() as at:
        world = World(at)
        (used, join), (spare, _) = invited(at, 100), invited(at, 101)
        assert not isinstance(decide(at, used, join, "Oakfield"), Refused)
        assert world.shown()[0]
        at.now = lambda: 200
        world.do("remove", 0)
        for old in (used, spare):
            assert decide(at, old, join, "Oakfield") == Refused("not-for-you")
            assert not world.shown()[0]
        later, join = invited(at, 300)
        assert not isinstance(decide(at, later, join, "Oakfield"), Refused)
        assert world.shown()[0]


@pytest.mark.parametrize(
    ("address", "listen", "worth"),
    [
        ("192.0.2.7:7443", None, True),
        ("node.example.org:7443", None, True),
        ("10.1.2.3:7443", Address("0.0.0.0", 1), True),
        ("127.0.0.1:22", Address("0.0.0.0", 7443), False),
        ("[::1]:22", None, False),
        ("127.0.0.1:7444", Address("127.0.0.1", 7443), True),
        ("[::1]:7444", Address("localhost", 7443), True),
        ("localhost:22", None, False),
        ("any.localhost:22", Address("0.0.0.0", 7443), False),
        ("localhost:7444", Address("127.0.0.1", 7443), True),
        ("notlocalhost:7444", None, True),
        ("0.0.0.0:7443", Address("127.0.0.1", 7443), False),
        ("127.1:7443", None, False),
        ("2130706433:7443", Address("0.0.0.0", 7443), False),
        ("0x7f.1:7443", None, False),
        ("127.1:7443", Address("127.0.0.1", 7443), True),
        ("3221225985:7443", None, True),
        ("224.0.0.1:7443", None, False),
        ("[ff02::1]:7443", None, False),
        ("255.255.255.255:7443", None, False),
    ],
)
def test_nobody_is_sent_to_knock_at_their_own_door_or_at_all_at_once(
    address: str, listen: Address | None, worth: bool
) -> None:
    assert worth_calling(address, listen) is worth


def kept(at: Node) -> dict[str, tuple[str, tuple[str, ...]]]:
    return {peer.name: (peer.role, peer.addresses) for peer in at.store.peers.all()}


def test_peers_in_the_file_are_peers_for_as_long_as_they_stand_there() -> None:
    mill, hill = StaticPeer(KEYS[0], "Mill Lane", ("m:1",)), StaticPeer(KEYS[1], "Hill Farm", ("h:1",))
    with node() as at:
        assert keep_static(at.store, [mill, hill], ME, 1) == []
        assert kept(at) == {"Mill Lane": ("config", ("m:1",)), "Hill Farm": ("config", ("h:1",))}
        moved = replace(mill, addresses=("m:2",))
        assert keep_static(at.store, [moved], ME, 2) == []
        assert kept(at) == {"Mill Lane": ("config", ("m:2",))}
        # Who was added by a word too stays when the lines go, and is called at what either says.
        perform(at, "add_peer", {"key": KEYS[0].hex(), "name": "Mill Lane", "addresses": ["m:3"]})
        keep_static(at.store, [moved], ME, 3)
        assert kept(at) == {"Mill Lane": ("peer", ("m:2", "m:3"))}
        keep_static(at.store, [], ME, 4)
        assert "Mill Lane" in kept(at)


def test_a_line_in_the_file_does_not_take_back_who_was_removed_and_the_node_is_no_peer_of_its_own() -> None:
    mill = StaticPeer(KEYS[0], "Mill Lane", ("m:1",))
    with node() as at:
        keep_static(at.store, [mill], ME, 1)
        perform(at, "remove_peer", {"name": "Mill Lane"})
        (warning,) = keep_static(at.store, [mill], ME, 2)
        assert "stays out" in warning
        assert f"fedsync peers add 'Mill Lane' {KEYS[0].hex()}" in warning
        assert kept(at) == {}
        (warning,) = keep_static(at.store, [StaticPeer(ME, "Us")], ME, 3)
        assert "this very node" in warning
        assert kept(at) == {}


def test_of_many_addresses_of_a_node_so_many_are_called_those_in_the_file_first() -> None:
    with node() as at:
        said, written = ([f"{name}{number}:1" for number in range(MAX_CALLED_AT)] for name in ("s", "w"))
        perform(at, "add_peer", {"key": KEYS[0].hex(), "name": "Mill Lane", "addresses": said})
        keep_static(at.store, [StaticPeer(KEYS[0], "Mill Lane", tuple(written[:9]))], ME, 1)
        called = whom(at.store, at.state, ME, None).peers[KEYS[0]]
        assert called == (*written[:9], *said[: MAX_CALLED_AT - 9])


def test_a_peer_in_the_file_that_is_called_as_another_is_gets_a_number() -> None:
    with node() as at:
        perform(at, "add_peer", {"key": KEYS[0].hex(), "name": "Mill Lane", "addresses": []})
        keep_static(at.store, [StaticPeer(KEYS[1], "Mill Lane")], ME, 1)
        assert set(kept(at)) == {"Mill Lane", "Mill Lane 2"}


@pytest.mark.parametrize("asked", [NAMES[0], "a node of Oakfield"])
def test_who_is_introduced_and_named_by_a_book_too_may_be_kept_out_by_either_name(asked: str) -> None:
    with node() as at:
        world = World(at)
        world.do("name", 0)
        world.do("introduce", 0)
        assert perform(at, "remove_peer", {"name": asked})["key"] == KEYS[0].hex()


def test_who_is_introduced_waits_for_a_word_until_a_book_that_lets_it_in_names_it() -> None:
    with node() as at:
        world = World(at)
        world.do("introduce", 0)
        world.do("introduce", 1)
        reader = open_reader(at.store.path)
        with reader:
            reading = Reading(Home(Path()), reader, at.state)
            assert {each["name"] for each in waiting_introductions(reading)} == set(NAMES[:2])
            world.do("name", 0)
            assert [each["name"] for each in waiting_introductions(reading)] == [NAMES[1]]
            world.do("remove", 1)
            assert waiting_introductions(reading) == []
