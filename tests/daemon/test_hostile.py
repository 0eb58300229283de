"""What a trusted peer may do to us without harm: garbage, forgeries, floods, silence and lies, over real TLS.

One daemon bears it all, one after the other, with an honest neighbour who must not notice.
"""

import socket
import ssl
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace

import msgpack
import pytest
import trio

from fedsync.gossip.following import Row
from fedsync.gossip.messages import (
    BlockMessage,
    Hello,
    These,
    Tip,
    Want,
    Which,
)
from fedsync.records.block import Block
from fedsync.records.ed25519 import private_key, public_key
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Extent, Key, LogClass, LogId, Reach, Scope
from fedsync.records.seal import Draft, seal
from tests.daemon.hostile import Guest, Talk, dial, hello, polled
from tests.daemon.village import AT_ONCE, SOON, Node, Village, equal, until
from tests.gossip.telling import tells


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    """Give a daemon for guests to torment, and its honest neighbour."""
    village = Village(tmp_path_factory.mktemp("hostile"))
    try:
        yield tuple(village.line("Oakfield", "Mill Lane"))  # type: ignore[misc]
    finally:
        village.end()


@pytest.fixture
def oak(pair: tuple[Node, Node]) -> Iterator[Node]:
    """Give the daemon, and see afterwards that it lives and that honest records still pass at once."""
    node, mill = pair
    yield node
    assert node.alive, node.said()
    node.move("Ann", 1)
    equal(node, mill, within=AT_ONCE)
    assert "Traceback" not in node.said(), node.said()


_names = iter(range(1000))


def guest(node: Node) -> Guest:
    return Guest(node, f"Guest {next(_names)}")


def genesis(of: Guest, log_class: LogClass = LogClass.FACTS) -> Genesis:
    return Genesis(public_key(of.private), of.scope, SEAT, log_class, Reach.REGION, bytes(16))


def sealed(of: Guest, *words: str) -> Block:
    (block,) = seal(of.private, genesis(of), None, [Draft("note", {"text": word}, 1) for word in words], 1)
    return block


def pushed(raw: bytes) -> BlockMessage:
    return BlockMessage(True, True, raw)


# --- Who may come in ------------------------------------------------------------------------------------


def test_a_caller_without_a_key_is_hung_up_on(oak: Node) -> None:
    host, _, port = oak.ready.read_text().rpartition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    tcp = socket.create_connection((host, int(port)), timeout=SOON)
    with context.wrap_socket(tcp) as tls, suppress(ssl.SSLError, ConnectionError):
        tls.sendall(b"\0\1x")
        assert tls.recv(100) == b""
    until(lambda: "someone called whose key we do not know, or keep out" in oak.said())


async def test_a_stranger_is_not_heard(oak: Node) -> None:
    link = await dial(oak, private_key(b"s" * 32))
    assert (await link.run(lambda link: Talk(link).hear(Hello))).code == "refused"  # type: ignore[arg-type, return-value]


async def test_bytes_that_are_no_tls_are_hung_up_on(oak: Node) -> None:
    host, _, port = oak.ready.read_text().rpartition(":")
    async with await trio.open_tcp_stream(host, int(port)) as tcp:
        await tcp.send_all(b"\0" * 5000)
        with trio.fail_after(SOON), suppress(trio.BrokenResourceError):
            while await tcp.receive_some():
                pass
    await polled(lambda: "does not speak TLS" in oak.said())


async def test_who_answers_with_another_key_than_the_peers_gets_no_word(
    oak: Node, pair: tuple[Node, Node]
) -> None:
    other = guest(oak)
    oak.call(
        "add_peer", key=public_key(other.private).hex(), name="", addresses=[pair[1].ready.read_text()],
        scope=other.scope.hex(), body=other.body.hex(),
    )  # fmt: skip
    await polled(lambda: "another key" in str(other.row["reason"]))
    oak.call("remove_peer", name=other.name)


# --- Frames and messages --------------------------------------------------------------------------------


async def test_a_stream_that_ends_within_a_frame_is_noticed(oak: Node) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        await talk.raw(b"\x10\x00half of it")
        await trio.testing.wait_all_tasks_blocked()
    await polled(lambda: one.row["state"] == "away")
    assert f"{one.name}: the stream ended with" in oak.said() or f"{one.name}: the connection" in oak.said()


GARBAGE = {
    "no msgpack": b"\xc1",
    "a bomb of arrays": b"\xdd\x7f\xff\xff\xff" + b"\x91" * 60_000,
    "depth": b"\x91" * 60_000 + b"\x00",
    "empty maps": b"\xdc\xff\xf0" + b"\x80" * 65_000,
    "a huge string": b"\xdb\xff\xff\xff\xff",
    "an unknown message": msgpack.packb([99, b"what"]),
    "a message with a field too many": msgpack.packb([13, b"", 0, 0, 0, 0]),
    "text that is no UTF-8": b"\x94\x09\xc4\x20" + bytes(32) + b"\xa2\xff\xff\x00",
}


@pytest.mark.parametrize("name", GARBAGE)
async def test_garbage_ends_the_session_and_is_not_heard_again_for_a_while(oak: Node, name: str) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        talk.send(GARBAGE[name])
        await talk.ended()
    await polled(lambda: "sent what is no message" in str(one.row["reason"]))
    assert "we talk again in" in str(one.row["reason"])
    async with one.talk(greet=False) as talk:
        talk.say(hello())
        await talk.ended()
    await polled(lambda: one.row["state"] == "away")
    oak.call("pause_peer", name=one.name, paused=True)
    oak.call("pause_peer", name=one.name, paused=False)
    async with one.talk():
        pass  # The operator took it back: it is heard at once.


async def test_what_a_peer_did_is_thought_of_it_and_shown(oak: Node) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        talk.send(b"\xc1")
        await talk.ended()
    await polled(lambda: one.row["standing"] == "sent what nobody should send")
    assert one.row["score"] == -2.0
    for words in (("peers", "list"), ("peers", "show", one.name), ("why", one.name)):
        assert "it sent what nobody should send" in oak.run(*words).stdout, words
    assert oak.json("peers", "show", one.name)["score"] == -2.0


async def test_what_is_thought_of_a_peer_outlives_the_daemon(village: Village) -> None:
    node = village.node("Quarry")
    one = guest(node)
    async with one.talk() as talk:
        talk.send(b"\xc1")
        await talk.ended()
    await polled(lambda: one.row["score"] == -2.0)
    assert node.stop() == 0
    # It halves in a day.
    assert node.json("peers", "show", one.name)["score"] == pytest.approx(-2.0, abs=0.1)
    node.start()
    assert one.row["score"] == pytest.approx(-2.0, abs=0.1)


async def test_an_empty_frame_ends_the_session(oak: Node) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        await talk.raw(b"\0\0")
        await talk.ended()
    await polled(lambda: "frame of 0 bytes" in str(oak.said()))


# --- Blocks ---------------------------------------------------------------------------------------------

TEN = tuple("one two three four five six seven eight nine ten".split())


def forged(of: Guest, what: str) -> bytes:
    """Return a block that deserves nothing."""
    raw = sealed(of, *TEN).raw
    at = raw.rindex(block_signature(of))
    match what:
        case "a wrong last signature":
            return raw[:at] + bytes(64) + raw[at + 64 :]
        case "a signature by a small-order point":
            return raw[:at] + b"\1" + bytes(31) + bytes(32) + raw[at + 64 :]
        case "half of a block":
            return raw[: len(raw) // 2]
        case "bytes after its end":
            return raw + b"\0"
        case "no block at all":
            return b"\x93\x01\x02\x03"
        case "another author's genesis":
            other = Genesis(
                public_key(private_key(b"o" * 32)), of.scope, SEAT, LogClass.FACTS, Reach.REGION, bytes(16)
            )
            return swapped(raw, genesis(of), other)
        case "a key of small order":
            mine = genesis(of)
            return swapped(raw, mine, replace(mine, key=Key(b"\1" + bytes(31))))
    raise AssertionError(what)


def swapped(raw: bytes, mine: Genesis, other: Genesis) -> bytes:
    """Return a block with another genesis in it, of the same length, and its log's id to match."""
    fields = msgpack.unpackb(raw)
    body = zlib.decompress(fields[-1])
    assert body.count(mine.key) == 1
    assert fields[1] == mine.log
    packed = zlib.compress(body.replace(mine.key, other.key), 9)
    return bytes(msgpack.packb([fields[0], other.log, *fields[2:-1], packed]))


def block_signature(of: Guest) -> bytes:
    block = sealed(of, *TEN)
    return bytes(block.signatures[-1][1])


@pytest.mark.parametrize(
    "what",
    [
        "a wrong last signature",
        "a signature by a small-order point",
        "half of a block",
        "bytes after its end",
        "no block at all",
        "another author's genesis",
        "a key of small order",
    ],
)
async def test_three_blocks_that_are_not_what_they_claim_end_the_session(oak: Node, what: str) -> None:
    one = guest(oak)
    before = oak.records()
    async with one.talk() as talk:
        talk.say(*[pushed(forged(one, what))] * 3)
        await talk.ended()
    await polled(lambda: "three blocks were not what they claimed" in str(one.row["reason"]))
    assert oak.records() == before


async def test_a_well_signed_block_of_an_unknown_author_is_kept_aside_and_shown(oak: Node) -> None:
    one = guest(oak)
    before = oak.records()
    async with one.talk() as talk:
        for _ in range(5):
            talk.say(pushed(sealed(one, *TEN).raw))
        await polled(lambda: "unknown-author" in str(one.row))
        assert one.row["state"] != "away"
    assert oak.records() == before


async def test_a_log_that_says_it_stays_at_home_is_not_taken_from_a_peer(oak: Node) -> None:
    one = guest(oak)
    local = Genesis(public_key(one.private), one.scope, SEAT, LogClass.FACTS, Reach.LOCAL, bytes(16))
    (block,) = seal(one.private, local, None, [Draft("note", {"text": "x"}, 1)], 1)
    async with one.talk() as talk:
        talk.say(pushed(block.raw))
        await polled(lambda: "local" in str(one.row))


# --- Floods, silence and lies ---------------------------------------------------------------------------


async def test_one_who_asks_for_all_and_reads_nothing_costs_the_others_nothing(
    oak: Node, pair: tuple[Node, Node]
) -> None:
    one = guest(oak)
    async with one.talk(greet=False) as talk:
        talk.say(hello())
        for _ in range(20):
            talk.say(*[one.bodies] * 50)
            await trio.testing.wait_all_tasks_blocked()
        oak.move("Ben", *range(1, 200))
        await trio.to_thread.run_sync(lambda: equal(*pair, within=AT_ONCE))


async def test_a_thousand_announced_bodies_do_not_hold_the_daemon_up(
    oak: Node, pair: tuple[Node, Node]
) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        for start in range(0, 1600, 400):
            rows = [Row(Scope(b"%016d" % n), b"%032d" % n, Extent.ALL) for n in range(start, start + 400)]
            talk.say(tells(*rows, salt=b"%08d" % start))
            await talk.hear(Which)
            talk.say(These(b"".join(row.scope + row.body for row in rows)))
        oak.move("Ben", 5)
        await trio.to_thread.run_sync(lambda: equal(*pair, within=AT_ONCE))


async def test_tips_of_logs_that_nobody_serves_are_shown_and_do_no_harm(
    oak: Node, pair: tuple[Node, Node]
) -> None:
    one = guest(oak)
    async with one.talk() as talk:
        for n in range(200):
            talk.say(Tip(LogId(b"%032d" % n), 0, 2**40 + n, b"1234"))
        await talk.hear(Want)
        await polled(lambda: (one.row["we_lack"] or 0) != 0 or one.row["state"] in ("catching up", "behind"))
        oak.move("Ben", 5)
        await trio.to_thread.run_sync(lambda: equal(*pair, within=AT_ONCE))


async def test_one_who_never_says_hello_is_let_go(oak: Node) -> None:
    one = guest(oak)
    async with one.talk(greet=False) as talk:
        await talk.ended()
    await polled(lambda: "no HELLO" in oak.said())


ODD: dict[str, Callable[[Guest], Hello]] = {
    "of another version": lambda _: Hello(99, b"j" * 8, 0, b"", 0, b"n" * 8, 0, bytes(16)),
    "with a clock at the end of days": lambda _: Hello(1, b"j" * 8, 0, b"", 0, b"n" * 8, 2**62, bytes(16)),
    "with counters beyond reason": lambda _: Hello(
        1, b"j" * 8, 2**62, b"k" * 8, 2**62, b"n" * 8, 0, bytes(16)
    ),
}


@pytest.mark.parametrize("name", ODD)
async def test_an_odd_hello_does_no_harm(oak: Node, name: str) -> None:
    one = guest(oak)
    async with one.talk(greet=False) as talk:
        talk.say(ODD[name](one))
        await talk.hear(Hello)
