"""TLS inside what a relay carries: a relay that does anything else than carry ends the inner link, and is not believed."""

from collections.abc import Callable
from contextlib import suppress
from random import Random

import msgpack
import pytest
import trio
from hypothesis import given
from hypothesis import strategies as st
from trio.testing import memory_stream_pair

from fedsync.gossip.link import Link, LinkClosed, Patience
from fedsync.gossip.messages import BadMessage
from fedsync.gossip.relayed import Relayed
from fedsync.gossip.relaywords import (
    MAX_DATA,
    Answer,
    Attend,
    Call,
    Data,
    End,
    Go,
    Here,
    Ring,
    Word,
    decode,
    encode,
    sentence,
)
from fedsync.gossip.secure import answer_over, dial_over
from fedsync.gossip.tls import dial_context, listen_context
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.ids import Key

MILL, HILL = (private_key(bytes([n]) * 32) for n in (1, 2))
HASTY = Patience(handshake=2, first_frame=2, frame=2, write=2, close=0.2)
SOON = 30.0
PLAIN = b"rhubarb and custard " * 40

keys = st.binary(min_size=32, max_size=32).map(Key)
tickets = st.binary(min_size=16, max_size=16)
codes = st.text(st.characters(min_codepoint=33, max_codepoint=126), max_size=32)
words = st.one_of(
    st.just(Attend()), st.just(Here()), st.just(Go()), st.builds(Call, keys), st.builds(Ring, tickets, keys),
    st.builds(Answer, tickets), st.builds(End, codes, st.integers(0, 2**53 - 1)), st.builds(Data, st.binary(min_size=1)),
)  # fmt: skip


@given(words)
def test_what_is_said_is_heard(word: Word) -> None:
    assert decode(encode(word)) == word


@given(
    st.binary(min_size=1)
    | st.builds(msgpack.packb, st.lists(st.integers(-(2**63), 2**64 - 1) | st.binary(), max_size=5))
)
def test_whatever_comes_is_a_word_or_none(body: bytes) -> None:
    with suppress(BadMessage):
        assert decode(encode(decode(body))) == decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"\0" + bytes(MAX_DATA + 1),
        b"\0",
        msgpack.packb([3, b"short"]),
        msgpack.packb([7, b"x" * 33, 0]),
        msgpack.packb([7, b"quota", -1]),
        msgpack.packb([7, b"quota", True]),
        msgpack.packb([7, b"\xff", 0]),
        msgpack.packb([8]),
        msgpack.packb([1, 1]),
        msgpack.packb([True]) + b"\1",
        b"\xdd\x7f\xff\xff\xff",
    ],
)
def test_what_is_no_word_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage):
        decode(body)


def test_a_code_of_another_version_is_shown_escaped() -> None:
    assert sentence(End("\x1b[31m")) == "it says '\\x1b[31m'"


Middle = Callable[[int, bytes], list[bytes]]
"""What the relay passes on in place of a piece that the caller sent, the first of which has the number 0."""


class Between:
    """Two ends, and a relay between them that mangles what the caller sends."""

    def __init__(self, mangle: Middle) -> None:
        self.mangle = mangle
        self.seen = b""
        self.pieces = 0
        self.caller = self.callee = ""
        """How each inner link ended."""
        self.got: list[bytes] = []

    async def play(self) -> "Between":
        """Let the caller send ten frames to the callee through the relay, and wait until both ends have ended."""
        ends = [memory_stream_pair() for _ in range(2)]
        mill, hill = (Link(ours, Key(bytes(32)), patience=HASTY) for ours, _ in ends)
        relays = [Link(theirs, Key(bytes(32)), patience=HASTY) for _, theirs in ends]
        over = trio.Event()

        async def pumping(source: Link, sink: Link, mangled: bool) -> None:
            async def handle(link: Link) -> None:
                async with trio.open_nursery() as nursery:
                    nursery.start_soon(self._pump, source, sink, mangled, over)
                    await over.wait()
                    nursery.cancel_scope.cancel()

            await source.run(handle)

        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(mill.run, lambda link: self._call(Relayed(link, [])))
                nursery.start_soon(hill.run, lambda link: self._answer(Relayed(link, [])))
                nursery.start_soon(pumping, relays[0], relays[1], True)
                nursery.start_soon(pumping, relays[1], relays[0], False)
        return self

    async def _pump(self, source: Link, sink: Link, mangled: bool, over: trio.Event) -> None:
        try:
            while True:
                for body in await source.receive():
                    self.seen += body
                    out = [body]
                    if mangled:
                        out, self.pieces = self.mangle(self.pieces, body), self.pieces + 1
                    for each in out:
                        sink.send(each)
        except LinkClosed:
            over.set()

    async def _call(self, stream: Relayed) -> None:
        try:
            link = await dial_over(
                stream, dial_context(MILL, public_key(HILL)), public_key(HILL), patience=HASTY
            )
        except LinkClosed as why:
            self.caller = why.code
            return

        async def talk(link: Link) -> None:
            for n in range(10):
                link.send(PLAIN + bytes([n]))
                while link.queued:
                    await trio.lowlevel.checkpoint()  # so that each is a piece of its own

        self.caller = (await link.run(talk)).code

    async def _answer(self, stream: Relayed) -> None:
        allowed = {public_key(MILL)}
        try:
            link = await answer_over(
                stream, listen_context(HILL, allowed), lambda key: key in allowed, patience=HASTY
            )
        except LinkClosed as why:
            self.callee = why.code
            return

        async def talk(link: Link) -> None:
            while True:
                self.got += await link.receive()

        self.callee = (await link.run(talk)).code


WANTED = [PLAIN + bytes([n]) for n in range(10)]
BROKEN = {"garbled", "not-tls", "lost", "truncated", "stranger", "slow-handshake", "no-answer", "refused"}
"""How a link ends that somebody tampered with; never "ended", as when the peer said goodbye."""


async def test_what_an_honest_relay_carries_arrives_and_it_saw_nothing_of_it() -> None:
    between = await Between(lambda number, piece: [piece]).play()
    assert between.got == WANTED
    assert between.callee == "ended"
    assert PLAIN[:20] not in between.seen
    assert between.pieces >= 12, "a hello, the keys, ten frames and a goodbye"


def flip(piece: bytes, die: Random) -> bytes:
    at = die.randrange(1, len(piece))
    return piece[:at] + bytes([piece[at] ^ 1 << die.randrange(8)]) + piece[at + 1 :]


async def tampered(mangle: Middle) -> None:
    """Say that a relay that does this is found out: nothing is read but what was sent, in order, and not all of it."""
    between = await Between(mangle).play()
    assert between.got == WANTED[: len(between.got)]
    assert len(between.got) < 10
    assert between.callee in BROKEN


@pytest.mark.parametrize("at", range(11))
async def test_a_flipped_bit_ends_the_inner_link_and_nothing_wrong_was_read(at: int) -> None:
    die = Random(at)
    await tampered(lambda number, piece: [flip(piece, die) if number == at else piece])


@pytest.mark.parametrize("at", range(11))
async def test_a_piece_that_is_repeated_ends_the_inner_link(at: int) -> None:
    await tampered(lambda number, piece: [piece] * (2 if number == at else 1))


@pytest.mark.parametrize("at", range(11))
async def test_a_piece_that_is_left_out_ends_the_inner_link(at: int) -> None:
    await tampered(lambda number, piece: [piece] if number != at else [])


@pytest.mark.parametrize("at", range(1, 10))
async def test_two_pieces_in_the_wrong_order_end_the_inner_link(at: int) -> None:
    kept: list[bytes] = []

    def swap(number: int, piece: bytes) -> list[bytes]:
        if number == at:
            kept.append(piece)
            return []
        return [piece, *kept] if number == at + 1 else [piece]

    await tampered(swap)


@pytest.mark.parametrize("at", range(11))
async def test_what_is_withheld_from_some_piece_on_is_noticed(at: int) -> None:
    await tampered(lambda number, piece: [piece] if number < at else [])


async def test_a_piece_of_an_earlier_call_is_worth_nothing_in_a_later_one() -> None:
    old: list[bytes] = []

    def record(number: int, piece: bytes) -> list[bytes]:
        old.append(piece)
        return [piece]

    await Between(record).play()
    await tampered(lambda number, piece: [old[number]])


async def test_who_hears_the_relay_end_it_reads_no_more() -> None:
    ours, theirs = memory_stream_pair()
    link, relay = (Link(each, Key(bytes(32)), patience=HASTY) for each in (ours, theirs))

    async def hears(link: Link) -> None:
        stream = Relayed(link, [Data(b"early")])
        assert await stream.receive_some(2) == b"ea"
        assert await stream.receive_some() == b"rly"
        assert await stream.receive_some() == b"more"
        assert await stream.receive_some() == b""
        assert stream.end == End("pair-quota", 7)
        assert await stream.receive_some() == b""

    async def says(link: Link) -> None:
        link.send(encode(Data(b"more")))
        link.send(encode(End("pair-quota", 7)))
        await trio.sleep_forever()

    with trio.fail_after(SOON):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(relay.run, says)
            await link.run(hears)
            nursery.cancel_scope.cancel()


async def test_a_relay_that_says_what_it_may_not_ends_the_stream() -> None:
    for body in (encode(Here()), b"\xc1"):
        ours, theirs = memory_stream_pair()
        link, relay = (Link(each, Key(bytes(32)), patience=HASTY) for each in (ours, theirs))

        async def hears(link: Link) -> None:
            with pytest.raises(trio.BrokenResourceError):
                await Relayed(link, []).receive_some()

        async def says(link: Link, body: bytes = body) -> None:
            link.send(body)
            await trio.sleep_forever()

        with trio.fail_after(SOON):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(relay.run, says)
                await link.run(hears)
                nursery.cancel_scope.cancel()
