"""The way in for our own records, and what else may be asked of a node: all of it, or nothing."""

from pathlib import Path

import pytest

from fedsync.acts.author import Author, now_ms
from fedsync.doors import LocalDoor, open_door, take_own
from fedsync.errors import Exit, Problem
from fedsync.home import Home, HomeInUse
from fedsync.node import Verdict
from fedsync.operations import OPERATIONS, perform
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass
from fedsync.records.seal import Draft
from tests.cli.calling import found


@pytest.fixture
def home(home_dir: Path) -> Home:
    return Home(found(home_dir).path)


def store_named(home: Home, name: str, who: str = "Ann") -> list[Block]:
    """Seal a record that makes a store, without having it taken."""
    author = Author.unlock(home, who, lambda: None)
    with Reading.open(home) as reading:
        value: dict[str, Value] = {"name": name, "scope": reading.own().scope}
        return author.sealed(reading, LogClass.FACTS, [Draft("store", value, now_ms())])


def records(home: Home) -> int:
    with Reading.open(home) as reading:
        return reading.store.logs.count()


def test_a_door_of_our_own_holds_the_node_as_long_as_it_is_open(home: Home) -> None:
    with open_door(home) as door:
        assert isinstance(door, LocalDoor)
        with pytest.raises(HomeInUse), open_door(home):
            pass
    with open_door(home):
        pass


def test_a_door_that_cannot_open_holds_nothing(home: Home) -> None:
    content = home.store.read_bytes()
    home.store.write_bytes(b"nonsense" * 1000)
    with pytest.raises(Exception, match=r"."), open_door(home):
        pass
    home.store.write_bytes(content)
    home.lock().release()


def test_blocks_are_taken_all_or_none(home: Home) -> None:
    good, other = store_named(home, "Granary"), store_named(home, "Barn", "Ben")
    before = records(home)
    with open_door(home) as door, pytest.raises(Problem) as refused:
        door.take([good[0].raw, other[0].raw[:-1] + bytes([other[0].raw[-1] ^ 1])])
    assert refused.value.exit_code is Exit.REFUSED
    assert records(home) == before
    with open_door(home) as door:
        door.take([good[0].raw, other[0].raw])
    assert records(home) == before + 4


def test_who_wrote_meanwhile_is_told_to_try_again(home: Home) -> None:
    first, second = store_named(home, "Granary"), store_named(home, "Barn")
    with open_door(home) as door:
        door.take([first[0].raw])
        for late in (second, first):
            with pytest.raises(Problem) as refused:
                door.take([late[0].raw])
            assert refused.value.code == "meanwhile"
            assert "again" in refused.value.hint
    with Reading.open(home) as reading:
        assert reading.store.logs.fork_at(first[0].log) is None


def test_what_must_be_taken_once_is_taken_once(home: Home) -> None:
    once = bytes(32)
    with open_door(home) as door:
        with pytest.raises(Problem):
            door.take([b"nonsense"], once)
        door.take([store_named(home, "Granary")[0].raw], once)
        again = store_named(home, "Barn")
        with pytest.raises(Problem) as refused:
            door.take([again[0].raw], once)
        assert refused.value.code == "taken_before"
        door.take([again[0].raw])


def test_a_batch_that_falls_leaves_the_node_able_to_take_the_next(home: Home) -> None:
    good = store_named(home, "Granary")
    with open_door(home) as door:
        assert isinstance(door, LocalDoor)
        for nonsense in (b"", b"nonsense", good[0].raw[:50], good[0].raw + b"\0"):
            with pytest.raises(Problem):
                door.take([nonsense])
        (taken,) = take_own(door.node, [good[0].raw])
        assert taken.verdict is Verdict.TAKEN


def test_what_nobody_knows_how_to_do_is_told(home: Home) -> None:
    with open_door(home) as door:
        assert isinstance(door, LocalDoor)
        with pytest.raises(Problem, match="does not know how to fly"):
            perform(door.node, "fly", {})
        assert door.call("ping") == {}


@pytest.mark.parametrize("op", sorted(set(OPERATIONS) - {"ping", "rebuild"}))
def test_an_operation_asked_wrongly_changes_nothing(home: Home, op: str) -> None:
    with open_door(home) as door:
        assert isinstance(door, LocalDoor)
        for arguments in (
            {},
            {"key": "zz", "name": 3, "blocks": [1], "paused": 1},
            {"name": "Nobody", "paused": True},
        ):
            with pytest.raises((Problem, KeyError, ValueError, TypeError)):
                perform(door.node, op, arguments)
            assert not door.node.store.in_transaction
        assert door.node.store.peers.all() == []
        door.take([store_named(home, "Granary")[0].raw])


def test_a_rebuild_tells_the_state_before_and_after(home: Home) -> None:
    with open_door(home) as door:
        door.take([store_named(home, "Granary")[0].raw])
        answer = door.call("rebuild")
    assert answer["before"] == answer["after"]
    assert answer["records"] == records(home)
