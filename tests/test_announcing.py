"""A node says where it answers when its operator wants that, once, anew when it changes, and takes it back."""

from collections.abc import Iterator
from typing import Any

import pytest

from fedsync.announcing import announce, unsaid
from fedsync.config import Announce
from fedsync.crdt.books.addresses import announced, bridges
from fedsync.crdt.books.drafting import draft_page
from fedsync.node import Node
from fedsync.records.block import check
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import LogClass, Reach, Scope
from tests.nodes import Scribe, node

PRIVATE = private_key(b"n" * 32)
KEY = public_key(PRIVATE)
HERE = Announce(("node.example.org:7447",))
ELSEWHERE = Announce(("192.0.2.7:7447", "[2001:db8::7]:7447"), relay=True)


class House:
    """A node with a book of its own."""

    def __init__(self, at: Node) -> None:
        self.at = at
        self.own = Scribe(at, "Oakfield", "Ann", "Ben", "Cleo")
        with at.store.transaction():
            followed = at.store.followed.get(self.own.scope)
            assert followed is not None
            at.store.followed.remove(followed.scope)
        at.begin()
        at.follow(followed.scope, followed.body, "Oakfield", "own")
        at.settle()
        at.commit()

    def name(self, scribe: Scribe) -> None:
        """Let a book name this node."""
        entry: dict[str, Any] = {
            "kind": "join",
            "body": b"r" * 32,
            "node": [KEY, self.at.store.directory.incarnation],
        }
        scribe._carry(draft_page(self.at.state, scribe.scope, [entry]).value, "Ann", "Ben")

    def say(self, wish: Announce) -> int:
        return len(announce(self.at, PRIVATE, wish))

    def shown(self) -> dict[Scope, tuple[str, ...]]:
        return {scope: each.addresses for (scope, _), each in announced(self.at.state).items()}


@pytest.fixture
def house() -> Iterator[House]:
    with node() as at:
        yield House(at)


def test_nothing_is_announced_unless_the_operator_says_so(house: House) -> None:
    house.name(house.own)
    assert house.say(Announce()) == 0
    assert house.shown() == {}


def test_a_node_that_no_page_names_waits_until_one_does(house: House) -> None:
    assert house.say(HERE) == 0
    assert unsaid(house.at, KEY, HERE)
    assert not unsaid(house.at, KEY, Announce())
    house.name(house.own)
    assert not unsaid(house.at, KEY, HERE)
    assert house.say(HERE) == 1
    assert house.shown() == {house.own.scope: HERE.addresses}


def test_it_is_announced_once_and_anew_when_it_changes_and_can_be_taken_back(house: House) -> None:
    house.name(house.own)
    assert [house.say(each) for each in (HERE, HERE, ELSEWHERE, ELSEWHERE)] == [1, 0, 1, 0]
    ((_, said),) = announced(house.at.state).items()
    assert (said.addresses, said.relay) == (ELSEWHERE.addresses, True)
    assert [house.say(each) for each in (Announce(), Announce())] == [1, 0]
    assert house.shown() == {house.own.scope: ()}
    assert house.say(HERE) == 1
    assert house.shown() == {house.own.scope: HERE.addresses}


def test_only_a_bridge_says_where_it_answers_beyond_its_region_and_takes_that_back_alone(
    house: House,
) -> None:
    region = Scribe(house.at, "Valley", "Ann", "Ben", "Cleo")
    house.name(house.own)
    house.name(region)
    both = {house.own.scope: HERE.addresses, region.scope: HERE.addresses}
    assert house.say(HERE) == 2
    assert house.shown() == both
    assert bridges(house.at.state, region.scope) == set()
    bridge = Announce(HERE.addresses, bridge=True)
    for wish, written, found in ((bridge, 4, {KEY}), (bridge, 0, {KEY}), (HERE, 4, set()), (HERE, 0, set())):
        assert house.say(wish) == written
        assert house.shown() == both
        assert bridges(house.at.state, region.scope) == found
    assert house.say(bridge) == 4
    assert house.say(Announce()) == 2
    assert set(house.shown().values()) == {()}


def test_a_node_that_only_its_region_names_announces_itself_there(house: House) -> None:
    region = Scribe(house.at, "Valley", "Ann", "Ben", "Cleo")
    house.name(region)
    assert not unsaid(house.at, KEY, HERE)
    (taken,) = announce(house.at, PRIVATE, HERE)
    assert check(taken.raw, None).genesis.reach is Reach.REGION
    assert house.shown() == {region.scope: HERE.addresses}


def test_what_is_announced_travels_like_authority_and_stays_within_the_region(house: House) -> None:
    house.name(house.own)
    (taken,) = announce(house.at, PRIVATE, HERE)
    block = check(taken.raw, None)
    assert (block.genesis.log_class, block.genesis.reach) == (LogClass.AUTHORITY, Reach.REGION)


def test_a_directory_that_may_be_a_copy_announces_nothing(house: House) -> None:
    house.name(house.own)
    with house.at.store.transaction():
        house.at.store.directory.note_rollback(b"journal2")
    assert house.say(HERE) == 0
