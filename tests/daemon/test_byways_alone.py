"""The links of one node that are no TCP connections, in virtual time and without sockets: what others can make it do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import trio
import trio.testing

from fedsync.daemon.byways import ANEW_AGAIN, STRANGERS_BURST, STRANGERS_PER_SECOND, Byways, Way
from fedsync.daemon.links import Links
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Peer
from fedsync.gossip.link import Link
from fedsync.gossip.memory import Memory
from fedsync.gossip.thin.packets import Opening, Packet, write
from fedsync.gossip.thin.pairing import NOBODY
from fedsync.gossip.thin.sealed import Seal, agree
from fedsync.linking import OtherLink
from fedsync.records.ed25519 import private_key, public_key
from tests.nodes import node

OAK, MILL = (private_key(bytes([n]) * 32) for n in (1, 2))
AT = ("192.0.2.7", 7473)


@asynccontextmanager
async def one() -> AsyncIterator[tuple[Links, Byways, Way]]:
    """Give a node's links, with a way to a peer that calls by datagrams."""
    with node() as holder:
        own = public_key(OAK)
        links = Links(holder, Engine(Memory(bytes(8))), own, lambda peer: peer.hex()[:4])
        async with trio.open_nursery() as nursery:
            byways = Byways(links, OAK, nursery)
            peer = Peer(public_key(MILL))
            byways.want({OtherLink("Mill Lane", "udp"): peer})
            await trio.testing.wait_all_tasks_blocked()
            yield links, byways, byways.ways[peer]
            nursery.cancel_scope.cancel()


def mill(at: int = 1000) -> Seal:
    """Return the peer's seal, as of a session that begins at that time."""
    own = public_key(OAK)
    seal = Seal(agree(MILL, own), public_key(MILL), own)
    seal.begin(at, Random(at).randbytes(4))
    return seal


def says(seal: Seal, serial: int = 0) -> bytes:
    """Return a packet of a carrier that has just begun under this seal's session."""
    life = seal.kept.own.to_bytes(4, "big")
    return seal.seal(write(Packet(Opening(life, NOBODY), serial, ())))


def strangers(byways: Byways, dice: Random, count: int) -> None:
    for _ in range(count):
        byways._hear_datagram(bytes([0]) + dice.randbytes(60), AT)


async def test_strangers_are_tried_so_often_and_no_more_and_who_is_known_is_heard_beside_them(
    autojump_clock: Any,
) -> None:
    async with one() as (_, byways, way):
        dice, known = Random(1), mill()
        byways._hear_datagram(says(known), AT)
        assert way.heard_at == trio.current_time()
        await trio.sleep(10)
        strangers(byways, dice, 10 * int(STRANGERS_BURST))
        # A session that nobody knows yet is as any stranger's, and comes again.
        anew = mill(2000)
        byways._hear_datagram(says(anew), AT)
        assert way.heard_at < trio.current_time()
        byways._hear_datagram(says(known), AT)
        assert way.heard_at == trio.current_time()
        await trio.sleep(2 / STRANGERS_PER_SECOND)
        byways._hear_datagram(says(anew), AT)
        assert way.heard_at == trio.current_time()


async def test_while_a_link_by_tcp_stands_no_session_is_begun_beside_it(autojump_clock: Any) -> None:
    with node(incarnation=b"j" * 16) as other:
        async with one() as (links, _, way):
            key = public_key(MILL)
            there = Links(other, Engine(Memory(b"m" * 8)), key, lambda peer: peer.hex()[:4])
            streams = trio.testing.memory_stream_pair()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(Link(streams[0], key).run, lambda link: links.carry(link, True))
                nursery.start_soon(
                    Link(streams[1], public_key(OAK)).run, lambda link: there.carry(link, False)
                )
                await trio.sleep(5)
                sessions = way.seal.kept.own
                for _ in range(100):
                    assert links.connections[way.peer].link is not way.link is None
                    assert way.words == "another link to it stands"
                    await trio.sleep(1)
                assert way.seal.kept.own == sessions
                nursery.cancel_scope.cancel()
            await trio.sleep(2)
            assert way.link is not None
            assert way.seal.kept.own > sessions


async def begun_in(seconds: int, byways: Byways, way: Way, seal: list[Seal]) -> int:
    """Return how many sessions are begun here while one of these speaks each second, in turn, and each begins anew to be heard."""
    begun, last = 0, way.link
    for second in range(seconds):
        each = seal[second % len(seal)]
        if len(seal) > 1:
            each.begin(1_000_000 + second, Random(second).randbytes(4))
        byways._hear_datagram(says(each, second), AT)
        await trio.sleep(1)
        if way.link is not last and way.link is not None:
            begun, last = begun + 1, way.link
    return begun


async def test_a_copy_of_a_peer_that_speaks_beside_it_is_answered_more_and_more_seldom_and_told(
    autojump_clock: Any,
) -> None:
    async with one() as (_, byways, way):
        assert await begun_in(100, byways, way, [mill()]) == 0
        # Of one that is started anew nobody waits.
        assert await begun_in(3, byways, way, [mill(2000)]) == 1
        assert await begun_in(7200, byways, way, [mill(), mill()]) < 40
        assert way.words == ANEW_AGAIN
        assert ANEW_AGAIN in byways.reason(way.peer)
        # The copy is gone: all is as it was before.
        await trio.sleep(600)
        assert way.link is not None
        one_left = mill(3_000_000)
        assert await begun_in(100, byways, way, [one_left]) <= 1
        assert await begun_in(3, byways, way, [mill(4_000_000)]) == 1
