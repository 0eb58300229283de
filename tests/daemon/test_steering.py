"""A daemon's links under an overlay: who is refused or given up hears why, and it is no broken line."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import trio
import trio.testing

from fedsync.crdt.books.fellows import Fellow
from fedsync.daemon.connection import Connection
from fedsync.daemon.links import DECLINED_SHOWN, Links
from fedsync.daemon.steering import Steering
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Noted, Peer
from fedsync.gossip.limits import MAX_REFUSALS
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import EXCHANGED, FULL, Leave, encode
from fedsync.gossip.view import ACTIVE
from fedsync.records.ids import Key, LogId, Scope
from tests.nodes import node

NORTH, SOUTH = Key(b"n" * 32), Key(b"s" * 32)


class Side:
    """The links of one node, and what was told of them."""

    def __init__(self, links: Links) -> None:
        self.links = links
        self.met: list[Peer] = []
        self.lost: list[tuple[Peer, bool]] = []
        links.met = self.met.append
        links.lost = lambda peer, left: self.lost.append((peer, left))


@pytest.fixture
def sides() -> Iterator[tuple[Side, Side]]:
    with ExitStack() as stack:
        made = []
        for key in (NORTH, SOUTH):
            holder = stack.enter_context(node())
            links = Links(holder, Engine(Memory(bytes(key[:8]))), key, lambda peer: peer.hex()[:4])
            made.append(Side(links))
        yield made[0], made[1]


async def meet(north: Side, south: Side, meanwhile: trio.Event | None = None) -> LinkClosed:
    """Let north call south; return why the link ended, as north sees it."""
    here, there = trio.testing.memory_stream_pair()
    async with trio.open_nursery() as nursery:
        nursery.start_soon(Link(there, NORTH).run, lambda link: south.links.carry(link, False))
        if meanwhile is not None:
            nursery.start_soon(_once_met, north, south, meanwhile)
        ended = await Link(here, SOUTH).run(lambda link: north.links.carry(link, True))
        nursery.cancel_scope.cancel()
    return ended


async def _once_met(north: Side, south: Side, meanwhile: trio.Event) -> None:
    while not north.met:
        await trio.testing.wait_all_tasks_blocked()
    meanwhile.set()
    south.links.give_up(Peer(NORTH), EXCHANGED)


async def test_who_calls_a_full_node_hears_that_and_does_not_count_as_linked(
    sides: tuple[Side, Side],
) -> None:
    north, south = sides
    south.links.welcome = lambda peer: FULL
    ended = await meet(north, south)
    assert ended.code == "full"
    assert "it has as many links as it keeps" in ended.sentence
    assert (north.met, north.lost) == ([], [(Peer(SOUTH), True)])
    assert north.links.parted[Peer(SOUTH)] == ended.sentence
    assert south.links.declined == {Peer(NORTH): "it called; this node has as many links as it keeps"}
    assert north.links.declined == {Peer(SOUTH): ended.sentence}
    assert Peer(NORTH) not in south.links.connections


class Hasty(trio.abc.Stream):
    """All that a peer sent and that it hung up, there at once, as below TLS."""

    def __init__(self, sent: bytes) -> None:
        self._left = [sent]

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        return self._left.pop() if self._left else b""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        await trio.lowlevel.checkpoint()

    async def wait_send_all_might_not_block(self) -> None:
        await trio.lowlevel.checkpoint()

    async def aclose(self) -> None:
        await trio.lowlevel.checkpoint()


async def test_why_a_peer_keeps_no_link_is_known_though_it_has_hung_up_already(
    sides: tuple[Side, Side],
) -> None:
    north, _ = sides

    async def leaves(link: Link) -> None:
        link.send(encode(Leave(FULL)))

    here, there = trio.testing.memory_stream_pair()
    await Link(there, NORTH).run(leaves)
    sent = b"".join([bytes(part) async for part in here])
    for _ in range(20):  # in any order of what waits
        ended = await Link(Hasty(sent), SOUTH).run(lambda link: north.links.carry(link, True))
        assert (ended.code, ended.sentence) == ("full", north.links.parted[Peer(SOUTH)])
        assert "it has as many links as it keeps" in ended.sentence


async def test_whose_link_is_given_up_hears_why_and_knows_that_nothing_broke(
    sides: tuple[Side, Side],
) -> None:
    north, south = sides
    ended = await meet(north, south, trio.Event())
    assert ended.code == "full"
    assert "another took the place of this link" in ended.sentence
    assert (north.met, north.lost) == ([Peer(SOUTH)], [(Peer(SOUTH), True)])
    assert "another took its place" in south.links.declined[Peer(NORTH)]


async def test_a_daemon_calls_few_of_many_and_keeps_what_it_knew_of_them(sides: tuple[Side, Side]) -> None:
    """Nobody answers: it goes on calling others, a few at a time, and remembers as few."""
    called: list[Peer] = []

    async def nobody(peer: Peer, addresses: tuple[str, ...]) -> None:
        called.append(peer)
        assert addresses == ("here:1",)
        await trio.sleep(1)

    fellows = [
        Fellow(Key(bytes([at]) * 32), ((Scope(b"r" * 16), bytes([at])),), ("here:1",)) for at in range(200)
    ]
    north, _ = sides
    async with trio.open_nursery() as nursery:
        steering = Steering(Peer(NORTH), north.links, nobody, nursery, b"", lambda peer: 0.0)
        steering.know(fellows, [])
        await trio.testing.wait_all_tasks_blocked()
        assert 1 <= len(called) <= ACTIVE
        # Of many groups the nearest to us are looked after: those that come first with whoever shares several.
        far = tuple((Scope(bytes([at]) * 16), b"b") for at in range(1, 20))
        steering.know([Fellow(Key(b"z" * 32), far, ("here:1",)), *fellows], [])
        assert far[0][0] in steering.overlay.views
        assert far[-1][0] not in steering.overlay.views
        assert fellows[0].groups[0][0] in steering.overlay.views
        steering.know(fellows, [])
        kept = steering.kept()
        again = Steering(Peer(NORTH), north.links, nobody, nursery, kept, lambda peer: 0.0)
        assert again.kept() == kept
        assert len(kept) < 40 * 36
        nursery.cancel_scope.cancel()


async def test_the_operators_own_are_not_among_those_whose_links_the_overlay_gives_up(
    sides: tuple[Side, Side],
) -> None:
    async def nobody(peer: Peer, addresses: tuple[str, ...]) -> None:
        await trio.sleep_forever()

    fellow = Fellow(SOUTH, ((Scope(b"r" * 16), b"b"),), ("here:1",))
    links = sides[0].links
    async with trio.open_nursery() as nursery:
        steering = Steering(Peer(NORTH), links, nobody, nursery, b"", lambda peer: 0.0)
        steering.know([fellow], [SOUTH])
        assert links.welcome(Peer(SOUTH)) is None
        steering.know([], [SOUTH])
        assert steering.overlay.links == [Peer(SOUTH)]
        steering.know([], [])
        assert steering.overlay.links == []
        nursery.cancel_scope.cancel()


async def test_so_many_are_shown_with_whom_no_link_is_kept_the_last_of_them(sides: tuple[Side, Side]) -> None:
    links = sides[0].links
    peers = [Peer(at.to_bytes(32)) for at in range(2 * DECLINED_SHOWN)]
    for peer in (*peers, peers[-DECLINED_SHOWN]):
        links.give_up(peer, FULL)
    assert list(links.declined) == [*peers[1 - DECLINED_SHOWN :], peers[-DECLINED_SHOWN]]


def test_what_a_peer_refuses_again_and_again_is_kept_for_people_within_bounds(
    sides: tuple[Side, Side],
) -> None:
    links = sides[0].links
    connection = Connection(Link(trio.testing.memory_stream_pair()[0], SOUTH), True, 0.0)
    for at in range(MAX_REFUSALS + 50):
        links._do(Peer(SOUTH), connection, Noted(LogId(at.to_bytes(32)), "later", 0, False))
    assert len(links.refusals.of(Peer(SOUTH))) == MAX_REFUSALS
    links._do(Peer(SOUTH), connection, Noted(LogId(bytes(32)), "never", 0, False))
    assert [each for each in links.refusals.of(Peer(SOUTH)) if each.endswith("log 00000000: never")]
