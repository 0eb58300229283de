"""A peer made by hand: a key that a running daemon trusts, and whatever bytes a test wants it to send."""

import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from itertools import cycle

import trio

from fedsync.gossip.following import Row
from fedsync.gossip.limits import VERSION
from fedsync.gossip.link import Link, LinkClosed
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import Bodies, Hello, Message, decode, encode
from fedsync.gossip.secure import dial_over
from fedsync.gossip.tls import dial_context
from fedsync.reading import Reading
from fedsync.records.ed25519 import PrivateKey, private_key, public_key
from fedsync.records.ids import Extent, Key, Scope
from tests.daemon.village import SOON, Node
from tests.gossip.telling import tells


class Guest:
    """A trusted peer of one node. `talk` gives it a link on which it may say anything."""

    def __init__(self, node: Node, name: str, private: PrivateKey | None = None) -> None:
        self.node, self.name = node, name
        self.private: PrivateKey = private or private_key(secrets.token_bytes(32))
        with Reading.open(node.home) as reading:
            own = reading.own()
        self.scope: Scope = own.scope
        self.body = own.body
        node.call(
            "add_peer", key=public_key(self.private).hex(), name=name, addresses=[],
            scope=own.scope.hex(), body=own.body.hex(),
        )  # fmt: skip

    @property
    def bodies(self) -> Bodies:
        """What it says that it follows: all of the node's own body."""
        return tells(Row(self.scope, self.body, Extent.ALL))

    @property
    def row(self) -> dict[str, object]:
        """How the node sees this peer."""
        return self.node.peer(self.name)

    async def link(self) -> Link:
        """Return a link to the node; whoever takes it runs it."""
        return await dial(self.node, self.private)

    @asynccontextmanager
    async def talk(self, greet: bool = True) -> AsyncIterator["Talk"]:
        """Open a session, with HELLO unless the test is about that."""
        link = await self.link()
        ready, done = trio.Event(), trio.Event()

        async def hold(_: Link) -> None:
            ready.set()
            await done.wait()

        async with trio.open_nursery() as nursery:
            nursery.start_soon(link.run, hold)
            await ready.wait()
            talk = Talk(link)
            if greet:
                mine = hello()
                talk.say(mine)
                theirs = await talk.hear(Hello)
                assert isinstance(theirs, Hello)
                talk.salt = Salt(mine.nonce, theirs.nonce)
            try:
                yield talk
            finally:
                link.cut("closed", "the test is over")
                done.set()


class Talk:
    """What is said on one link."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.heard: list[Message] = []
        self.salt = Salt(b"", b"")
        """How logs are named, once both have greeted."""

    def say(self, *messages: Message) -> None:
        """Send messages."""
        for message in messages:
            self.link.send(encode(message))

    def send(self, *frames: bytes) -> None:
        """Send frames that may be no messages."""
        for frame in frames:
            self.link.send(frame)

    async def raw(self, data: bytes) -> None:
        """Send bytes that may be no frames, as soon as the link's own writer is done."""
        while True:
            try:
                return await self.link._stream.send_all(data)
            except trio.BusyResourceError:
                await trio.lowlevel.checkpoint()

    async def hear(self, kind: type[Message]) -> Message:
        """Return the next message of a kind."""
        with trio.fail_after(SOON):
            while True:
                for at, message in enumerate(self.heard):
                    if isinstance(message, kind):
                        del self.heard[: at + 1]
                        return message
                self.heard += [decode(frame) for frame in await self.link.receive()]

    async def ended(self, within: float = SOON) -> str:
        """Wait until the node ends the link, and return how it looked from here."""
        with trio.fail_after(within):
            try:
                while True:
                    await self.link.receive()
            except LinkClosed as why:
                return why.code


def hello(journal: bytes = b"j" * 8, counter: int = 0, seen: bytes = b"", seen_counter: int = 0) -> Hello:
    """Return a HELLO of a node that holds nothing and remembers nothing."""
    return Hello(VERSION, journal, counter, seen, seen_counter, secrets.token_bytes(8), 0, bytes(16))


async def dial(node: Node, private: PrivateKey, peer: Key | None = None) -> Link:
    """Call a node."""
    host, _, port = node.ready.read_text().rpartition(":")
    # From an address of its own, as the gate lets nobody call thirty times in a row.
    tcp = await trio.open_tcp_stream(host, int(port), local_address=f"127.0.0.{next(_addresses)}")
    peer = peer or key_of(node)
    return await dial_over(tcp, dial_context(private, peer), peer)


_addresses = cycle(range(2, 250))


def key_of(node: Node) -> Key:
    """Return a node's key."""
    from fedsync import keyring

    return public_key(keyring.load_node_key(node.home))


async def polled(claim: Callable[[], object], within: float = SOON) -> None:
    """Wait until something that is seen from outside comes true."""
    with trio.fail_after(within):
        while not await trio.to_thread.run_sync(claim):
            await trio.sleep(0.02)


async def quietly(what: Callable[[], Awaitable[object]]) -> None:
    """Do something that may be cut off."""
    with suppress(LinkClosed, trio.BrokenResourceError, trio.ClosedResourceError):
        await what()
