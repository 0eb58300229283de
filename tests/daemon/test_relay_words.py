"""What a relay answers to whoever talks to it by hand: who is put through, and who is not."""

import secrets
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import trio

from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.relayed import hear
from fedsync.gossip.relaywords import Answer, Attend, Call, Data, End, Go, Here, Ring, Word, encode
from fedsync.gossip.tcp import connect
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from tests.daemon.hostile import Guest, key_of
from tests.daemon.test_relay import relaying
from tests.daemon.village import SOON, Node, Village


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Node]:
    """Give a relay that carries two calls at once. Each test its own: one address may connect so often, and no more."""
    village = Village(tmp_path)
    try:
        yield relaying(village, "Crossways", streams=2)
    finally:
        village.end()


_names = iter(range(1000))


class User:
    """Somebody whom the relay knows, and what is said to it."""

    def __init__(self, relay: Node) -> None:
        self.guest, self.relay = Guest(relay, f"User {next(_names)}"), relay
        self.private: PrivateKey = self.guest.private
        self.key = public_key(self.private)

    @asynccontextmanager
    async def says(self, *words: Word, private: PrivateKey | None = None) -> AsyncIterator["Line"]:
        """Open a connection and say these words."""
        host, _, port = self.relay.ready.read_text().rpartition(":")
        link = await connect(host, int(port), private or self.private, key_of(self.relay), relay=True)
        ready, done = trio.Event(), trio.Event()

        async def hold(_: Link) -> None:
            ready.set()
            await done.wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run, hold)
            await ready.wait()
            for word in words:
                link.send(encode(word))
            try:
                yield Line(link)
            finally:
                link.cut("closed", "the test is over")
                done.set()


class Line:
    """One connection to the relay."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._heard: list[Word] = []

    async def hears(self) -> Word:
        """Return the next word."""
        with trio.fail_after(SOON):
            while not self._heard:
                self._heard += await hear(self.link)
        return self._heard.pop(0)

    async def ends(self) -> str:
        """Return how the relay ended the connection."""
        with trio.fail_after(SOON):
            try:
                while True:
                    await hear(self.link)
            except LinkClosed as why:
                return why.code


async def ticket(line: Line) -> bytes:
    word = await line.hears()
    assert isinstance(word, Ring)
    return word.ticket


async def test_no_more_calls_at_once_than_offered_and_one_caller_has_half(relay: Node) -> None:
    one, two, three, away, other = (User(relay) for _ in range(5))
    async with away.says(Attend()) as waits, other.says(Attend()) as also:
        assert await waits.hears() == await also.hears() == Here()
        async with one.says(Call(away.key)) as first:
            async with away.says(Answer(await ticket(waits))) as answer:
                assert await first.hears() == await answer.hears() == Go()
                async with one.says(Call(other.key)) as more:
                    assert await more.hears() == End("busy")
                async with two.says(Call(away.key)) as second, three.says(Call(away.key)) as third:
                    await ticket(waits)
                    assert await third.hears() == End("busy")
                    first.link.send(encode(Data(b"still here")))
                    assert await answer.hears() == Data(b"still here")
                    del second
            assert await first.hears() == End("ended")


async def test_who_calls_the_same_again_takes_the_place_of_the_call_before(relay: Node) -> None:
    one, away = User(relay), User(relay)
    async with away.says(Attend()) as waits:
        await waits.hears()
        async with one.says(Call(away.key)) as first:
            await ticket(waits)
            async with one.says(Call(away.key)):
                assert await first.hears() == End("replaced")


async def test_who_is_not_there_or_not_known_is_said_so(relay: Node) -> None:
    one, away = User(relay), User(relay)
    async with one.says(Call(away.key)) as line:
        assert await line.hears() == End("absent")
    for nobody in (one.key, key_of(relay), public_key(private_key(secrets.token_bytes(32)))):
        async with one.says(Call(nobody)) as line:
            assert await line.hears() == End("unknown")


async def test_a_call_is_taken_by_nobody_but_the_one_who_was_called(relay: Node) -> None:
    one, away, thief = User(relay), User(relay), User(relay)
    async with away.says(Attend()) as waits:
        await waits.hears()
        async with one.says(Call(away.key)) as caller:
            mine = await ticket(waits)
            async with thief.says(Answer(mine)) as line:
                assert await line.hears() == End("ended")
            async with away.says(Answer(bytes(16))) as line:
                assert await line.hears() == End("ended")
            async with away.says(Answer(mine)) as line:
                assert await caller.hears() == await line.hears() == Go()
                # And once.
                async with away.says(Answer(mine)) as again:
                    assert await again.hears() == End("ended")


async def test_who_waits_anew_waits_over_the_new_connection(relay: Node) -> None:
    one, away = User(relay), User(relay)
    async with away.says(Attend()) as old:
        await old.hears()
        async with away.says(Attend()) as new:
            await new.hears()
            assert await old.ends() in ("ended", "lost", "truncated")
            async with one.says(Call(away.key)):
                await ticket(new)


@pytest.mark.parametrize(
    "words",
    [
        (Go(),),
        (Data(b"x"),),
        (Attend(), Call(public_key(private_key(b"k" * 32)))),
        (Attend(),) * 64,
        (End("ended"),),
    ],
)
async def test_what_may_not_be_said_ends_the_connection_and_nothing_else(
    relay: Node, words: tuple[Word, ...]
) -> None:
    one = User(relay)
    async with one.says(*words) as line:
        assert await line.ends() in ("ended", "lost", "truncated", "refused")
    async with one.says(Attend()) as line:
        assert await line.hears() == Here()
    assert "Traceback" not in relay.said()


async def test_somebody_invited_is_no_peer_and_is_not_carried(relay: Node) -> None:
    one = User(relay)
    invited = private_key(secrets.token_bytes(32))
    relay.call("invite", key=public_key(invited).hex(), name="Invited", until=2**50)
    async with one.says(Attend(), private=invited) as line:
        assert await line.hears() == End("unknown")
