"""A relay without a daemon around it: what it counts, how many wait there, and who is parted from."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
import trio
import trio.testing

from fedsync.config import RelayOffer
from fedsync.daemon import relay as relaying
from fedsync.daemon.links import Links
from fedsync.daemon.relay import ATTENDS_BURST, LEAST_BYTES, Relay
from fedsync.gossip.engine import Engine
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.memory import Memory
from fedsync.gossip.relayed import hear
from fedsync.gossip.relaywords import Answer, Attend, Call, Data, End, Go, Here, Ring, Word, encode
from fedsync.records.ids import Key
from tests.daemon.village import SOON
from tests.nodes import NOON, node

OURS = Key(b"r" * 32)
ANN, BEN, CLEO = (Key(name * 32) for name in (b"a", b"b", b"c"))


class Place:
    """A relay that knows whom it is told to know."""

    def __init__(self, links: Links) -> None:
        self.known = {ANN, BEN, CLEO}
        self.relay = Relay(links, RelayOffer(streams=4), lambda key: key in self.known, lambda: NOON)

    @asynccontextmanager
    async def says(self, key: Key, *words: Word) -> AsyncIterator["Line"]:
        """Open a connection of this node and say these words."""
        here, there = trio.testing.memory_stream_pair()
        mine, ready, done = Link(here, OURS), trio.Event(), trio.Event()

        async def hold(_: Link) -> None:
            ready.set()
            await done.wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(Link(there, key).run, self.relay.answer)
            nursery.start_soon(mine.run, hold)
            await ready.wait()
            for word in words:
                mine.send(encode(word))
            yield Line(mine)
            mine.cut("closed", "the test is over")
            done.set()
            nursery.cancel_scope.cancel()


class Line:
    """What is heard on one connection."""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._heard: list[Word] = []

    def say(self, word: Word) -> None:
        self._link.send(encode(word))

    async def hears(self) -> Word:
        """Return the next word. Raises LinkClosed."""
        with trio.fail_after(SOON):
            while not self._heard:
                self._heard += await hear(self._link)
        return self._heard.pop(0)


@pytest.fixture
def place() -> Iterator[Place]:
    with node() as at:
        yield Place(Links(at, Engine(Memory(bytes(8))), OURS, lambda peer: peer.hex()[:4]))


@asynccontextmanager
async def connected(place: Place) -> AsyncIterator[tuple[Line, Line]]:
    """Give the two ends of a call from Ann to Ben."""
    async with place.says(BEN, Attend()) as waits:
        assert await waits.hears() == Here()
        async with place.says(ANN, Call(BEN)) as caller:
            ring = await waits.hears()
            assert isinstance(ring, Ring)
            async with place.says(BEN, Answer(ring.ticket)) as callee:
                assert await caller.hears() == await callee.hears() == Go()
                yield caller, callee


async def test_a_piece_counts_for_so_many_bytes_at_least(place: Place) -> None:
    async with connected(place) as (caller, callee):
        for size in (1, 1, LEAST_BYTES + 1):
            caller.say(Data(b"x" * size))
            assert await callee.hears() == Data(b"x" * size)
    assert place.relay.ledger.total == 3 * LEAST_BYTES + 1


async def test_no_more_wait_at_a_relay_than_it_has_room_for_and_who_waits_there_may_come_anew(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relaying, "MOST_WAITING", 2)
    async with place.says(ANN, Attend()) as ann, place.says(BEN, Attend()) as ben:
        assert await ann.hears() == await ben.hears() == Here()
        async with place.says(CLEO, Attend()) as cleo:
            assert await cleo.hears() == End("busy")
        async with place.says(BEN, Attend()) as anew:
            assert await anew.hears() == Here()


async def _attends(line: Line, times: int) -> None:
    for _ in range(times):
        line.say(Attend())
        assert await line.hears() == Here()


async def test_who_says_without_end_that_it_waits_is_not_listened_to(place: Place) -> None:
    async with place.says(ANN, Attend()) as ann:
        assert await ann.hears() == Here()
        with pytest.raises(LinkClosed):
            await _attends(ann, 4 * int(ATTENDS_BURST))


@pytest.mark.parametrize("gone", [ANN, BEN])
async def test_nothing_more_is_carried_for_two_of_whom_one_is_not_known_any_more(
    place: Place, gone: Key
) -> None:
    async with connected(place) as (caller, callee):
        place.known.remove(gone)
        place.relay.refresh()
        assert await caller.hears() == await callee.hears() == End("unknown")


async def test_who_is_not_known_any_more_waits_here_no_more(place: Place) -> None:
    async with place.says(BEN, Attend()) as ben:
        assert await ben.hears() == Here()
        place.known.remove(BEN)
        place.relay.refresh()
        with pytest.raises(LinkClosed):
            await ben.hears()
        async with place.says(ANN, Call(BEN)) as ann:
            assert await ann.hears() == End("unknown")
