"""The doorkeeper's own: whose answer is whose, what one block may cost, and what happens when the store fails."""

import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import pytest
import trio

from fedsync.daemon.doorkeeper import Delivery, Doorkeeper
from fedsync.daemon.links import Links
from fedsync.daemon.memories import REMEMBER_S
from fedsync.errors import Problem
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Declined, Held, Peer, Remember, Struck
from fedsync.gossip.memory import Memory
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.node import Node, Taken
from fedsync.records.ids import Key
from fedsync.store.reading import open_reader
from tests.daemon.village import SOON, Village
from tests.nodes import Scribe, follow, node

MILL, HILL = Peer(b"\1" * 32), Peer(b"\2" * 32)


@dataclass
class Told:
    """What the doorkeeper tells, as the links would hear it."""

    deliveries: list[Delivery] = field(default_factory=list)
    answered: trio.Event = field(default_factory=trio.Event)

    def delivered(self, delivery: Delivery) -> None:
        self.deliveries.append(delivery)
        self.answered.set()
        self.answered = trio.Event()

    def unsaved(self) -> list[object]:
        return []

    @property
    def answers(self) -> list[tuple[object, int, object]]:
        return [
            (link, number, outcome) for each in self.deliveries for _, link, number, outcome in each.answers
        ]


class Fragile(Node):
    """A node with a mistake in it: one block is more than it can bear."""

    unbearable = b""

    def take(self, blocks: Sequence[tuple[bytes, Key | None]]) -> list[Taken]:
        if any(raw == self.unbearable for raw, _ in blocks):
            raise KeyError("a mistake of ours")
        return super().take(blocks)


class Counting(Node):
    """A node that counts its commits."""

    commits = 0

    def commit(self) -> None:
        super().commit()
        self.commits += 1


@pytest.fixture
def source() -> Iterator[Node]:
    with node() as made:
        yield made


async def opened(door: Doorkeeper, told: Told, count: int) -> None:
    """Let the doorkeeper work until it has given so many answers."""
    async with trio.open_nursery() as nursery:
        nursery.start_soon(door.run)
        with trio.fail_after(SOON):
            while len(told.answers) < count:
                await told.answered.wait()
        nursery.cancel_scope.cancel()


async def test_each_link_gets_the_answers_to_its_own_numbers(source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    with node() as at:
        follow(at, oak)
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        old, new = object(), object()
        door.put(MILL, old, 1, oak.blocks[0].raw)
        door.put(MILL, new, 1, b"garbage")
        await opened(door, told, 2)
        first, second = told.answers
        assert first == (old, 1, Held(oak.blocks[0].count))
        assert second[:2] == (new, 1)
        assert isinstance(second[2], Struck)


async def test_one_block_that_is_too_much_is_refused_and_the_others_come_in(
    source: Node, caplog: pytest.LogCaptureFixture
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    with node() as plain:
        at = Fragile(plain.store, plain.now)
        follow(at, oak)
        at.unbearable = oak.blocks[2].raw
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number, block in enumerate(oak.blocks):
            door.put(MILL, None, number, block.raw)
        door.put(HILL, None, 99, oak.blocks[0].raw)
        await opened(door, told, len(oak.blocks) + 1)
        outcomes = {number: outcome for _, number, outcome in told.answers}
        assert outcomes[2] == Declined("bug", 0)
        assert isinstance(outcomes[0], Held)
        assert isinstance(outcomes[1], Held)
        assert at.store.logs.count() == sum(block.count for block in oak.blocks) - oak.blocks[2].count
        assert "a mistake of ours" in caplog.text


async def test_nobody_is_told_of_a_block_before_it_is_in_the_file(source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    blocks = [*oak.blocks, *oak.move("Ann", 1, 2, 3)]
    with node() as at, open_reader(at.store.path) as reader:
        follow(at, oak)
        seen: list[tuple[int, bool]] = []

        class Careful(Told):
            def delivered(self, delivery: Delivery) -> None:
                for _, _, number, _ in delivery.answers:
                    block = blocks[number]
                    seen.append((number, reader.logs.holds(block.log, block.last, block.tip)))
                super().delivered(delivery)

        told = Careful()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number, block in enumerate(blocks):
            door.put(MILL, None, number, block.raw)
        await opened(door, told, len(blocks))
        assert sorted(seen) == [(number, True) for number in range(len(blocks))]


async def test_peers_are_served_in_turn_however_much_one_of_them_brings(source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    with node() as at:
        told = Told()
        door = Doorkeeper(at, told)  # type: ignore[arg-type]
        for number in range(300):
            door.put(MILL, None, number, b"garbage")
        door.put(HILL, None, 1000, oak.blocks[0].raw)
        await opened(door, told, 2)
        assert 1000 in [number for _, number, _ in told.answers][:2]


async def test_who_moves_all_the_time_is_remembered_in_a_commit_now_and_then(
    mock_clock: trio.testing.MockClock,
) -> None:
    with node() as plain:
        at = Counting(plain.store, plain.now)
        links = Links(at, Engine(Memory(bytes(8))), Key(bytes(32)), lambda peer: peer.hex())

        def kept() -> int:
            return PeerMemory.unpack(at.store.meta.data(f"memory:{MILL.hex()}")).counter

        async def later(seconds: float) -> None:
            mock_clock.jump(seconds)
            await trio.testing.wait_all_tasks_blocked()
            async with links.door._lock:  # A commit takes a thread, for which no clock of ours waits.
                pass

        async with trio.open_nursery() as nursery:
            nursery.start_soon(links.door.run)
            for counter in range(1, 101):
                links._carry_out([(MILL, Remember(PeerMemory(bytes(8), counter)))])
                await later(0.1)
                if counter == 1:
                    assert kept() == 1, "the first word is kept at once"
            assert 2 <= at.commits <= 10 / REMEMBER_S + 1
            await later(REMEMBER_S)
            assert kept() == 100, "and the last in a while, though nobody writes"
            nursery.cancel_scope.cancel()


def test_a_store_that_cannot_be_written_ends_the_daemon_and_says_why(village: Village) -> None:
    oak = village.node("Oakfield")
    with sqlite3.connect(oak.home.store, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Problem):
            oak.move("Ann", 1)
        assert oak.process is not None
        assert oak.process.wait(SOON) == 4
        other.execute("ROLLBACK")
    assert "Another program is writing to the store" in oak.said()
    assert not oak.ready.exists()
    oak.start()
    oak.move("Ann", 1)
    assert oak.stock() == 1
