"""What a peer says of another node is kept and shown, lets nobody in by itself, and never undoes a removal."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.admitting import whom
from fedsync.gossip.events import Introduced
from fedsync.introducing import MAX_TOLD, hear, to_say
from fedsync.node import Node
from fedsync.operations import perform
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key
from fedsync.store.acquaintances import MAX_INTRODUCED, MAX_INTRODUCING
from tests.nodes import node

ME, MILL, HILL, QUARRY = (public_key(private_key(bytes([number]) * 32)) for number in range(1, 5))
TAG, BODY = b"t" * 16, b"b" * 32


def said(of: Key = QUARRY, name: str = "Quarry", addresses: str = "q:1", body: bool = True) -> Introduced:
    return Introduced(of, name.encode(), addresses.encode(), TAG if body else b"", BODY if body else b"")


def add(at: Node, key: Key, name: str) -> None:
    perform(at, "add_peer", {"key": key.hex(), "name": name, "addresses": [f"{name[0].lower()}:1"]})


@pytest.fixture
def here() -> Iterator[Node]:
    with node() as at:
        add(at, MILL, "Mill Lane")
        add(at, HILL, "Hill Farm")
        yield at


def lets_in(at: Node, key: Key = QUARRY) -> bool:
    return whom(at.store, at.state, ME, None).lets_in(key)


def test_who_is_introduced_waits_for_a_word_and_who_introduced_it_stays_known(here: Node) -> None:
    heard = hear(here, ME, MILL, said())
    assert not heard.let_in
    assert "waits for a word of ours" in heard.words
    assert not lets_in(here)
    hear(here, ME, HILL, said(name="The Quarry"))
    hear(here, ME, HILL, said(name="The Quarry"))
    assert [(each.by, each.name) for each in here.store.introductions.of(QUARRY)] == [
        (MILL, "Quarry"),
        (HILL, "The Quarry"),
    ]
    answer = perform(here, "take_in", {"name": "quarry"})
    assert (answer["name"], answer["addresses"]) == ("Quarry", ["q:1"])
    assert lets_in(here)
    assert len(here.store.introductions.of(QUARRY)) == 2
    followed = here.store.followed.get(TAG)  # type: ignore[arg-type]
    assert followed is not None
    assert followed.source == "announced", "a word about a word binds no founding tag"


def test_a_peer_whose_introductions_are_taken_lets_a_node_in_and_no_other_peer_does(here: Node) -> None:
    assert not hear(here, ME, HILL, said(), ["mill lane"]).let_in
    assert hear(here, ME, MILL, said(), ["mill lane"]).let_in
    assert lets_in(here)
    assert hear(here, ME, HILL, said(ME_TOO, "Mine"), [HILL.hex()]).let_in


ME_TOO = public_key(private_key(b"x" * 32))


def test_a_removal_wins_over_any_introduction_before_or_after_until_the_operator_says_otherwise(
    here: Node,
) -> None:
    hear(here, ME, MILL, said())
    perform(here, "remove_peer", {"name": "Quarry"})
    for by in (MILL, HILL):
        heard = hear(here, ME, by, said(), ["Mill Lane", "Hill Farm"])
        assert not heard.let_in
        assert "stays out" in heard.words
    assert not lets_in(here)
    add(here, QUARRY, "Quarry")
    assert lets_in(here)


def test_introductions_of_one_peer_are_bounded_and_take_no_room_from_anothers(here: Node) -> None:
    keys = [public_key(private_key(number.to_bytes(32))) for number in range(100, 100 + MAX_INTRODUCED + 5)]
    words = [hear(here, ME, MILL, said(key, f"Node {at}")).words for at, key in enumerate(keys)]
    assert sum("decide on some" in each for each in words) == 5
    assert "waits for a word" in hear(here, ME, HILL, said(keys[-1], "Last")).words
    assert len(here.store.introductions.all()) == MAX_INTRODUCED + 1
    # What was decided makes room.
    perform(here, "take_in", {"name": "Node 0"})


@pytest.mark.parametrize(
    ("odd", "words"),
    [
        (said(Key(bytes(32))), "key or name"),
        (said(name=""), "cannot be shown"),
        (said(name="\x1b[31m"), "cannot be shown"),
        (said(name="x" * 201), "cannot be shown"),
        (Introduced(QUARRY, b"\xff", b"", b"", b""), "key or name"),
        (said(addresses="nowhere"), "addresses are none"),
        (said(addresses=" ".join(f"q:{port}" for port in range(1, 10))), "addresses are none"),
        (said(ME), "this very node"),
        (said(MILL), "introduced itself"),
        (said(HILL), "peer already"),
    ],
)
def test_what_makes_no_sense_is_said_so_and_not_kept(here: Node, odd: Introduced, words: str) -> None:
    heard = hear(here, ME, MILL, odd, ["Mill Lane"])
    assert words in heard.words
    assert here.store.introductions.all() == []


def test_who_is_no_peer_of_the_operators_introduces_nobody(here: Node) -> None:
    assert "only a peer" in hear(here, ME, QUARRY, said(ME_TOO), ["Quarry"]).words
    assert here.store.introductions.all() == []


@given(st.binary(max_size=40), st.binary(max_size=40), st.binary(min_size=32, max_size=32))
def test_whatever_a_peer_says_is_a_word_and_never_a_mistake_of_ours(
    name: bytes, at: bytes, key: bytes
) -> None:
    with node() as here:
        add(here, MILL, "Mill Lane")
        assert hear(here, ME, MILL, Introduced(Key(key), name, at, b"", b""), ["Mill Lane"]).words


def test_two_peers_are_told_of_each_other_and_a_removed_one_of_nobody(here: Node) -> None:
    add(here, QUARRY, "Quarry")
    perform(here, "introduce", {"one": "mill lane", "other": "Hill Farm"})
    perform(here, "introduce", {"one": "Mill Lane", "other": "Quarry"})
    told: Any = {name: [each.node for each in to_say(here.store, key)] for name, key in
                 (("mill", MILL), ("hill", HILL), ("quarry", QUARRY))}  # fmt: skip
    assert told == {"mill": [QUARRY, HILL], "hill": [MILL], "quarry": [MILL]} or told["mill"] == [
        HILL,
        QUARRY,
    ]
    (to_hill,) = to_say(here.store, HILL)
    assert (to_hill.name, to_hill.addresses) == (b"Mill Lane", b"m:1")
    perform(here, "remove_peer", {"name": "Mill Lane"})
    assert to_say(here.store, HILL) == to_say(here.store, QUARRY) == to_say(here.store, MILL) == []


def test_a_peer_is_told_of_as_many_as_it_hears_of_the_last_first(here: Node) -> None:
    keys = [public_key(private_key(bytes([40 + number]) * 32)) for number in range(MAX_TOLD + 2)]
    for at, key in enumerate(keys):
        add(here, key, f"Farm {at}")
        with here.store.transaction():
            here.store.introductions.introduce(key, HILL, at)
    assert [Key(each.node) for each in to_say(here.store, HILL)] == keys[:1:-1]


def test_the_first_of_too_many_introductions_of_ours_goes(here: Node) -> None:
    with here.store.transaction():
        for at in range(MAX_INTRODUCING + 3):
            here.store.introductions.introduce(Key(at.to_bytes(32)), HILL, at)
    kept = here.store.introductions.ours()
    assert [each.at for each in kept] == list(range(3, MAX_INTRODUCING + 3))
