"""Relays that lie to those who trust them with their bytes, and users who lean on a relay with all their weight."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from hashlib import sha256
from random import Random

import pytest
import trio

from fedsync.gossip.gate import Gate
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.relayed import hear
from fedsync.gossip.relaywords import Answer, Attend, Call, Data, End, Go, Here, Ring, Word, encode
from fedsync.gossip.tcp import connect, serve
from fedsync.gossip.tls import listen_context
from fedsync.reading import Reading
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.ids import Key
from tests.daemon.hostile import Guest, key_of, polled
from tests.daemon.test_relay import PLAIN, acquaint, calling, relaying
from tests.daemon.village import AT_ONCE, SOON, Node, Village, equal, until

pytestmark = pytest.mark.usefixtures("noon")  # what is carried counts for a day
Misdeed = Callable[[int, bytes], list[bytes]]
"""What a liar passes on in place of the piece with a number."""
die = Random(1)


def flips(number: int, piece: bytes) -> list[bytes]:
    at = die.randrange(len(piece))
    return [piece[:at] + bytes([piece[at] ^ 1]) + piece[at + 1 :]] if number > 4 else [piece]


def repeats(number: int, piece: bytes) -> list[bytes]:
    return [piece, piece] if number > 4 else [piece]


def withholds(number: int, piece: bytes) -> list[bytes]:
    return []


class Liar:
    """A relay made by hand."""

    def __init__(self, misdeed: Misdeed, before: Key, callees: list[Key]) -> None:
        """`before`: the honest relay, to which all of the `callees` prefer this one."""
        self.misdeed, self.carried = misdeed, 0
        self.waiting: dict[Key, Link] = {}
        self.calls: dict[bytes, tuple[Link, trio.Event, list[Link]]] = {}
        for number in range(1 << 16):
            self.private: PrivateKey = private_key(sha256(b"liar %d" % number).digest())
            self.key = public_key(self.private)
            if all(sha256(each + self.key).digest() < sha256(each + before).digest() for each in callees):
                return
        raise AssertionError("no such key")

    async def answer(self, link: Link) -> None:
        """Serve a connection."""
        if not link.relay:
            return
        (word,) = await hear(link)
        match word:
            case Attend():
                self.waiting[link.peer] = link
                link.send(encode(Here()))
                while True:
                    await hear(link)
                    link.send(encode(Here()))
            case Call(callee) if callee in self.waiting:
                ticket = sha256(b"%d" % len(self.calls)).digest()[:16]
                came, others = trio.Event(), [link]
                self.calls[ticket] = link, came, others
                self.waiting[callee].send(encode(Ring(ticket, link.peer)))
                await came.wait()
                await self._pump(link, others[1])
            case Answer(ticket):
                other, came, links = self.calls[ticket]
                links.append(link)
                for each in links:
                    each.send(encode(Go()))
                came.set()
                await self._pump(link, other)
            case _:
                link.send(encode(End("absent")))

    async def _pump(self, source: Link, sink: Link) -> None:
        number = 0
        try:
            while True:
                for word in await hear(source):
                    assert isinstance(word, Data)
                    self.carried += 1
                    number += 1
                    for piece in self.misdeed(number, word.bytes):
                        if sink.ended is None:
                            sink.send(encode(Data(piece)))
        except LinkClosed:
            if sink.ended is None:
                sink.cut("closed", "the other side hung up")


@asynccontextmanager
async def lying(liar: Liar, *allowed: Key) -> AsyncIterator[str]:
    """Let a liar listen; give its address."""
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    context = listen_context(liar.private, allowed)
    async with trio.open_nursery() as nursery:

        async def run() -> None:
            await serve(
                [listener],
                context=lambda: context,
                allowed=lambda key: key in allowed,
                gate=Gate(),
                handle=liar.answer,
            )

        nursery.start_soon(run)
        yield f"127.0.0.1:{listener.socket.getsockname()[1]}"
        nursery.cancel_scope.cancel()


@pytest.mark.parametrize("misdeed", [flips, repeats, withholds])
async def test_a_lying_relay_harms_nothing_and_the_next_one_is_taken(
    village: Village, misdeed: Misdeed
) -> None:
    honest = relaying(village, "Crossways")
    mill, hill = (calling(village, name, honest) for name in ("Mill Lane", "Hill Farm"))
    for node in (mill, hill):
        node.stop()
        text = node.home.config.read_text()
        node.home.config.write_text(text.replace('["Crossways"]', '["Liar", "Crossways"]'))
        node.start()
    liar = Liar(misdeed, key_of(honest), [key_of(mill), key_of(hill)])
    async with lying(liar, key_of(mill), key_of(hill)) as where:
        for node in (mill, hill):
            with Reading.open(node.home) as reading:
                own = reading.own()
            node.call(
                "add_peer", key=liar.key.hex(), name="Liar", addresses=[where],
                scope=own.scope.hex(), body=own.body.hex(),
            )  # fmt: skip
        await polled(lambda: len(liar.waiting) == 2)
        mill.move("Ann", *range(1, 300), item=PLAIN)
        await trio.to_thread.run_sync(lambda: acquaint(mill, hill, honest))

        def is_around() -> bool:
            # What is said goes through the liar as long as it lets it.
            mill.move("Ann", 7, item=PLAIN)
            return bool(mill.peer("Hill Farm").get("through") == "Crossways")

        await polled(is_around)
        await trio.to_thread.run_sync(lambda: equal(mill, hill))
    assert liar.carried > 0, "it was never asked, so this says nothing"
    assert "Traceback" not in mill.said() + hill.said()
    assert "we talk again in" not in str(mill.peer("Hill Farm")) + str(hill.peer("Mill Lane"))


# --- Users that lean on a relay ---------------------------------------------------------------------------

STREAMS = 4
TURNS = 12
BOUND = 2.0
"""Seconds within which the relay holds what its own peer recorded, as a rule, on a machine with other things to do."""


class Leaning:
    """Two guests of a relay who send through it as fast as it carries."""

    def __init__(self, relay: Node, number: int) -> None:
        self.relay = relay
        self.one, self.other = Guest(relay, f"One {number}"), Guest(relay, f"Other {number}")
        self.got = 0
        self.going = trio.Event()

    async def connect(self, private: PrivateKey) -> Link:
        host, _, port = self.relay.ready.read_text().rpartition(":")
        return await connect(host, int(port), private, key_of(self.relay), relay=True)

    async def run(self, reads: bool) -> None:
        """Call, answer, and send without end. `reads`: whether the other side takes what comes."""
        waiting = await self.connect(self.other.private)

        async def wait(link: Link) -> None:
            link.send(encode(Attend()))
            await hear(link)
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._call)
                ring: Word = (await hear(link))[0]
                assert isinstance(ring, Ring)
                nursery.start_soon(self._answer, ring.ticket, reads)
                await hear(link)

        await waiting.run(wait)

    async def _call(self) -> None:
        async def send(link: Link) -> None:
            link.send(encode(Call(public_key(self.other.private))))
            assert await hear(link) == [Go()]
            self.going.set()
            piece = encode(Data(Random(2).randbytes(32_000)))
            while True:
                await link.room()
                link.send(piece)
                await trio.lowlevel.checkpoint()

        await (await self.connect(self.one.private)).run(send)

    async def _answer(self, ticket: bytes, reads: bool) -> None:
        async def take(link: Link) -> None:
            link.send(encode(Answer(ticket)))
            await hear(link)
            while reads:
                self.got += sum(len(each.bytes) for each in await hear(link) if isinstance(each, Data))
            await trio.sleep_forever()

        await (await self.connect(self.other.private)).run(take)


def memory_of(node: Node) -> int:
    """Return the bytes of memory of a daemon."""
    assert node.process is not None
    with open(f"/proc/{node.process.pid}/statm") as file:
        return int(file.read().split()[1]) * 4096


def holds(node: Node, records: int) -> bool:
    return node.records() >= records


@pytest.mark.parametrize("reads", [True, False])
async def test_relayed_bytes_delay_none_of_the_relays_own_sessions_and_fill_no_memory(
    village: Village, reads: bool
) -> None:
    relay = relaying(village, "Crossways", bytes_per_day=10**12, pair_bytes_per_day=10**11)
    oak = village.node("Oakfield")
    village.introduce(relay, oak)
    oak.move("Ann", 1)
    equal(relay, oak)
    leaning = [Leaning(relay, number) for number in range(STREAMS)]
    before = memory_of(relay)
    took = []
    async with trio.open_nursery() as nursery:
        for each in leaning:
            nursery.start_soon(each.run, reads)
        for each in leaning:
            with trio.fail_after(SOON):
                await each.going.wait()
        began = time.monotonic()
        for turn in range(TURNS):
            await trio.to_thread.run_sync(partial(oak.move, "Ann", turn + 2))
            wrote = time.monotonic()
            await polled(partial(holds, relay, oak.records()), AT_ONCE)
            took.append(time.monotonic() - wrote)
        seconds = time.monotonic() - began
        if reads:
            await polled(lambda: all(each.got > 1_000_000 for each in leaning))
        carried = relay.call("status")["relay"]["offers"]["bytes"]
        nursery.cancel_scope.cancel()
    print(f"{carried / seconds / 1e6:.1f} MB/s carried; at the relay after {sorted(took)[TURNS // 2]:.3f} s,"
          f" {max(took):.3f} at most; {(memory_of(relay) - before) / 1e6:.1f} MB more memory")  # fmt: skip
    assert memory_of(relay) - before < 40_000_000
    assert sorted(took)[TURNS // 2] < BOUND
    if not reads:
        assert carried < STREAMS * 8_000_000, "it went on reading though nobody took it"
    until(lambda: relay.call("status")["relay"]["offers"]["streams"] == 0)
