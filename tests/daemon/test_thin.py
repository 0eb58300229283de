"""A link over packets, in virtual time: two ends, and between them a medium that does as it likes."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from random import Random
from typing import Any

import pytest
import trio
import trio.testing

from fedsync.daemon.thin import MOST_UNREAD, ThinLink
from fedsync.gossip.link import LinkClosed
from fedsync.gossip.priority import FIRST, PLAIN
from fedsync.gossip.thin import sealed
from fedsync.gossip.thin.profile import Profile
from fedsync.gossip.thin.sealed import Anew, Seal, Text, agree
from fedsync.records.ed25519 import private_key, public_key

OAK, MILL = (private_key(bytes([n]) * 32) for n in (1, 2))
QUICK = Profile(frame=400, bits=100_000, round_trip=0.2)

Handle = Callable[[ThinLink], Awaitable[None]]


class End:
    """One end: its seal, and the link that it has now."""

    def __init__(self, own: Any, peer: Any, profile: Profile, seed: int) -> None:
        key = public_key(peer)
        self.seal = Seal(agree(own, key), public_key(own), key)
        self.key, self.profile, self.dice = key, profile, Random(seed)
        self.other: End | None = None
        self.loss = 0.0
        self.up = True
        self.packets: list[bytes] = []
        self.begin()

    def begin(self) -> None:
        self.seal.begin(1000, self.dice.randbytes(4))
        self.link = ThinLink(
            self.key, self.profile, self.seal, self.send, lambda: 0.0 if self.up else float("inf"), self.dice
        )

    async def send(self, packet: bytes) -> None:
        await trio.lowlevel.checkpoint()
        self.packets.append(packet)
        if self.other is not None and self.dice.random() >= self.loss:
            self.other.hear(packet)

    def hear(self, packet: bytes) -> None:
        match self.seal.open(packet):
            case Text(text):
                self.link.hear(text, len(packet))
            case Anew():
                self.link.cut("ended", "the peer began anew")


def pair(loss: float = 0.0, profile: Profile = QUICK) -> tuple[End, End]:
    oak, mill = End(OAK, MILL, profile, 1), End(MILL, OAK, profile, 2)
    oak.other, mill.other = mill, oak
    oak.loss = mill.loss = loss
    return oak, mill


async def until_cut(link: ThinLink) -> None:
    with suppress(LinkClosed):
        while True:
            await link.receive()


async def test_frames_come_whole_once_and_in_their_order_though_a_third_is_lost(autojump_clock: Any) -> None:
    oak, mill = pair(0.3)
    sent = [bytes([n]) * (n * 37 % 900 + 1) for n in range(1, 100)]
    got: list[bytes] = []

    async def says(link: ThinLink) -> None:
        for each in sent:
            assert link.send(each, PLAIN)
        await until_cut(link)

    async def hears(link: ThinLink) -> None:
        while len(got) < len(sent):
            got.extend(await link.receive())
        oak.link.cut("closed", "all has come")

    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak.link.run, says)
            nursery.start_soon(mill.link.run, hears)
    assert got == sent
    assert oak.link.wire_out == sum(map(len, oak.packets))
    assert max(map(len, oak.packets)) <= QUICK.frame


async def test_data_goes_before_anything_was_answered(autojump_clock: Any) -> None:
    oak, mill = pair()
    mill.loss = 1.0
    got: list[bytes] = []

    async def says(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        link.send(b"a recall", FIRST)
        await until_cut(link)

    async def hears(link: ThinLink) -> None:
        while len(got) < 2:
            got.extend(await link.receive())
        oak.link.cut("closed", "all has come")

    with trio.fail_after(1):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak.link.run, says)
            nursery.start_soon(mill.link.run, hears)
    assert got == [b"hello", b"a recall"]


async def test_one_that_does_not_read_holds_up_its_peer_and_loses_nothing(autojump_clock: Any) -> None:
    quick = Profile(frame=1200, bits=10_000_000, round_trip=0.05)
    oak, mill = pair(profile=quick)
    frame, number = bytes(60_000), 20
    got = 0

    async def says(link: ThinLink) -> None:
        for _ in range(number):
            while not link.send(frame, PLAIN):
                await link.room()
            await link.room()
        await until_cut(link)

    async def hears(link: ThinLink) -> None:
        nonlocal got
        await trio.sleep(60)
        assert MOST_UNREAD < link._unread <= MOST_UNREAD + 2 * len(frame)
        while got < number:
            got += len(await link.receive())
        oak.link.cut("closed", "all has come")

    with trio.fail_after(600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak.link.run, says)
            nursery.start_soon(mill.link.run, hears)
    assert got == number


async def test_hours_of_outage_end_nothing(autojump_clock: Any) -> None:
    oak, mill = pair()
    got: list[bytes] = []

    async def says(link: ThinLink) -> None:
        link.send(b"before", FIRST)
        await trio.sleep(5)
        oak.loss = mill.loss = 1.0
        link.send(b"in the night", PLAIN)
        await trio.sleep(9 * 3600)
        went = sum(map(len, oak.packets))
        oak.loss = mill.loss = 0.0
        await until_cut(link)
        assert went < 9 * 3600 * QUICK.rate / 100, "looking for the peer costs next to nothing"

    async def hears(link: ThinLink) -> None:
        while len(got) < 2:
            got.extend(await link.receive())
        oak.link.cut("closed", "all has come")

    with trio.fail_after(12 * 3600):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak.link.run, says)
            nursery.start_soon(mill.link.run, hears)
    assert got == [b"before", b"in the night"]


async def test_whoever_restarts_ends_the_others_link_by_its_first_packet(autojump_clock: Any) -> None:
    oak, mill = pair()
    oak_link = oak.link

    async def talks(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        await until_cut(link)

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak_link.run, talks)
            nursery.start_soon(mill.link.run, talks)
            await trio.sleep(5)
            mill.link.cut("closed", "the power failed")
            mill.begin()
            nursery.start_soon(mill.link.run, talks)
            await trio.sleep(5)
            assert oak_link.ended is not None
            assert (oak_link.ended.code, oak_link.ended.sentence) == ("ended", "the peer began anew")
            mill.link.cut("closed", "enough")


async def test_nothing_is_polled_while_nothing_may_be_sent(autojump_clock: Any) -> None:
    oak, _ = pair()
    oak.up = False

    async def talks(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        await until_cut(link)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(oak.link.run, talks)
        await trio.sleep(1000)
        assert oak.packets == []
        oak.up = True
        oak.link.poke()
        await trio.sleep(1)
        assert oak.packets
        oak.link.cut("closed", "enough")


class Purse:
    """A toll: so many bytes, and no more before a moment."""

    def __init__(self, size: int, again_at: float) -> None:
        self.left, self.again_at = size, again_at

    def may(self, priority: int, size: int, before: int) -> bool:
        return self.wait(priority, size + before) <= 0

    def wait(self, priority: int, size: int) -> float:
        return 0.0 if size <= self.left else max(self.again_at - trio.current_time(), 0.0)

    def spend(self, size: int) -> None:
        self.left -= size


async def test_a_budget_is_asked_before_each_packet_and_told_of_what_goes_and_comes(
    autojump_clock: Any,
) -> None:
    oak, mill = pair()
    purse = oak.link.toll = Purse(3000, trio.current_time() + 3600)

    async def says(link: ThinLink) -> None:
        link.send(bytes(20_000), PLAIN)
        await until_cut(link)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(oak.link.run, says)
        nursery.start_soon(mill.link.run, until_cut)
        await trio.sleep(3500)
        assert 1000 < sum(map(len, oak.packets)) <= 3000
        assert purse.left == 3000 - oak.link.wire_in - oak.link.wire_out
        purse.left = 100_000
        oak.link.poke()
        await trio.sleep(60)
        assert oak.link.wire_out > 20_000
        for end in (oak, mill):
            end.link.cut("closed", "enough")


async def test_what_says_goodbye_still_goes_to_a_peer_that_is_there(autojump_clock: Any) -> None:
    oak, mill = pair()
    got: list[bytes] = []

    async def says(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        await link.receive()
        link.send(b"farewell", FIRST)

    async def hears(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        while len(got) < 2:
            got.extend(await link.receive())

    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(oak.link.run, says)
            nursery.start_soon(mill.link.run, hears)
    assert got == [b"hello", b"farewell"]


async def test_whoever_ends_a_link_to_a_peer_that_is_not_there_does_not_wait(autojump_clock: Any) -> None:
    oak, _ = pair(1.0)

    async def says(link: ThinLink) -> None:
        link.send(b"hello", FIRST)

    began = trio.current_time()
    assert (await oak.link.run(says)).code == "closed"
    assert trio.current_time() - began < 0.01


async def test_a_link_that_is_over_says_why_to_all_who_wait(autojump_clock: Any) -> None:
    oak, _ = pair()
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(until_cut, oak.link)
            await trio.testing.wait_all_tasks_blocked()
            oak.link.cut("recalled", "this peer is out")
    for call in (oak.link.receive, oak.link.room):
        with pytest.raises(LinkClosed, match="this peer is out"):
            await call()
    with pytest.raises(LinkClosed, match="this peer is out"):
        oak.link.send(b"x")


class Shut:
    """A toll that lets nothing go, or so many bytes."""

    def __init__(self, left: int) -> None:
        self.left = left

    def may(self, priority: int, size: int, before: int) -> bool:
        return self.left > 0

    def wait(self, priority: int, size: int) -> float:
        return 0.0 if self.left > 0 else 1000.0

    def spend(self, size: int) -> None:
        self.left -= size


async def test_a_sign_of_life_for_who_repeats_something_of_old_goes_within_the_budget_and_counts() -> None:
    oak, mill = pair()
    oak.link.toll = toll = Shut(40)
    first = oak.link.sign()
    assert first is not None
    assert mill.seal.open(first) == Text(b"")
    assert toll.left == 40 - len(first) - QUICK.extra
    oak.link.toll = Shut(0)
    assert oak.link.sign() is None
    oak.up = False
    oak.link.toll = None
    assert oak.link.sign() is None


async def test_a_session_whose_packets_are_used_up_ends_so_that_another_begins(
    autojump_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sealed, "MOST_PACKETS", 3)
    oak, _ = pair()

    async def says(link: ThinLink) -> None:
        link.send(bytes(20_000), PLAIN)
        await until_cut(link)

    with trio.fail_after(100):
        assert (await oak.link.run(says)).code == "ended"
    assert len(oak.packets) == 3


async def test_when_something_may_go_again_the_peer_is_looked_for_at_once(autojump_clock: Any) -> None:
    oak, mill = pair(1.0, Profile(frame=400, bits=1000, round_trip=1.0))

    async def says(link: ThinLink) -> None:
        link.send(b"hello", FIRST)
        await until_cut(link)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(oak.link.run, says)
        await trio.sleep(3 * 3600)
        before = len(oak.packets)
        while len(oak.packets) == before:
            await trio.sleep(1)
        # By now a quarter of an hour goes by between two looks.
        oak.up, oak.loss = False, 0.0
        oak.link.poke()
        await trio.sleep(5)
        oak.up = True
        oak.link.poke()
        with trio.fail_after(30):
            assert await mill.link.receive() == [b"hello"]
        oak.link.cut("closed", "enough")
