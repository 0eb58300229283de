"""What goes one way: round and round to whoever listens, or from whoever sends. Trio.

What goes round is a bundle that is never finished: the blocks that its readers may have, each in its short form. Who listens lets
it in as if it came on a stick, so that what comes out of turn waits. Nothing is believed of whoever sends: blocks prove themselves.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from hashlib import sha256
from itertools import groupby
from random import Random, getrandbits
from typing import TYPE_CHECKING, Any, Final

import trio

from fedsync.bundling import Request, Taking, batches, export
from fedsync.bundling.seen import hash_of
from fedsync.config import parse_address
from fedsync.daemon.programs import Program
from fedsync.daemon.udp import Place, calling, hearing
from fedsync.gossip.bundles.chunks import Chunk, cut
from fedsync.gossip.bundles.form import Block, Kind, Title, read
from fedsync.gossip.events import Peer
from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.holdings import Holdings
from fedsync.gossip.priority import FIRST, WORDS, of_log
from fedsync.gossip.thin.broadcast import MAX_CAUGHT, MAX_SHOWN, Carousel, Catcher, Caught
from fedsync.gossip.thin.fountain import STEPS_BURST, STEPS_PER_S
from fedsync.gossip.thin.profile import SEAL_BYTES, Profile
from fedsync.home import Home
from fedsync.linking import Broadcast
from fedsync.node import Taken, Verdict
from fedsync.reading import Reading
from fedsync.records.block import peek
from fedsync.records.ed25519 import PrivateKey
from fedsync.records.ids import Key
from fedsync.store.holdings import StoreHoldings

if TYPE_CHECKING:
    from fedsync.daemon.run import Daemon

LOOK_SECONDS: Final = 2.0
"""Between two looks whether there is something new to send."""
REST: Final = 5.0
"""How many times as long as it took what goes round is not put together again."""
AGAIN_SECONDS: Final = 60.0
"""Before an address that could not be had is tried again."""
MOST_WAITING: Final = 64
"""Objects that have come and wait for the door; of more nothing is kept, and they come round again."""
BYTES_PER_S, BYTES_BURST = 256 * 1024.0, 4 * 1024 * 1024.0
"""What is let in of what anybody sends: each block costs a signature."""
LATER_SECONDS: Final = 10.0
"""Until what was not let in is listened to again: a little that goes round fast would else be tried all the time."""
TAKING_OBJECTS: Final = 256
"""Objects after which it is looked whether what nobody had named is named now, and counting begins anew."""
LONGEST: Final = 65_536

log = logging.getLogger("fedsync")


class Broadcasts:
    """The sections [[broadcast]] of one daemon."""

    def __init__(self, daemon: "Daemon") -> None:
        self._each = [
            (Sending if each.send else Listening)(daemon, each) for each in daemon.settings.broadcasts
        ]

    async def run(self) -> None:
        """Send and listen until cancelled."""
        async with trio.open_nursery() as nursery:
            for each in self._each:
                nursery.start_soon(each.run)

    def told(self) -> list[dict[str, Any]]:
        """Return how it stands with each, for people."""
        return [each.told() for each in self._each]


class _OneWay:
    def __init__(self, daemon: "Daemon", said: Broadcast) -> None:
        self._daemon, self._said = daemon, said
        self._program: Program | None = None
        self.trouble = ""
        """What is wrong, in words."""

    @property
    def _name(self) -> str:
        return self._said.address or self._said.command[0]

    def _state(self) -> str:
        return self.trouble or (self._program.state if self._program is not None else "")


class Sending(_OneWay):
    """One section that sends."""

    def __init__(self, daemon: "Daemon", said: Broadcast) -> None:
        super().__init__(daemon, said)
        # Nothing is sealed here: what a seal takes of a packet elsewhere is room for what is sent.
        extra = max((28 if said.kind == "udp" else 4) - SEAL_BYTES, 0)
        profile = Profile(
            said.frame + SEAL_BYTES, said.bits, 1.0, duty=said.duty, loss=said.loss, extra=extra
        )
        self._profile, self._dice = profile, Random(getrandbits(64))
        self._carousel = Carousel(profile, self._dice, trio.current_time())
        self._shown: set[bytes] = set()
        self._title: list[bytes] = []
        self._poked = trio.Event()
        self._to: Place | None = None
        self._socket: trio.socket.SocketType | None = None

    async def run(self) -> None:
        """Send until cancelled."""
        if self._said.kind == "exec":
            self._program = self._daemon.byways.listen(self._said.command, self._said.framing, lambda _: None)
        else:
            await self._open()
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._gather)
            nursery.start_soon(self._turn)

    async def _open(self) -> None:
        while self._socket is None:
            try:
                self._socket, self._to = await calling(parse_address(self._said.address))
                self.trouble = ""
            except (OSError, ValueError) as error:
                self.trouble = (
                    f"{self._said.address} cannot be had: {getattr(error, 'strerror', None) or error}"
                )
                await trio.sleep(AGAIN_SECONDS)

    async def _turn(self) -> None:
        while True:
            self._poked = trio.Event()
            packets, at = self._carousel.poll(trio.current_time())
            for each in packets:
                await self._send(each)
            with trio.move_on_at(at):
                await self._poked.wait()

    async def _send(self, packet: bytes) -> None:
        if self._program is not None:
            await self._program.send(packet)
        elif self._socket is not None and self._to is not None:
            try:
                await self._socket.sendto(packet, self._to)
                self.trouble = ""
            except OSError as error:
                self.trouble = f"nothing can be sent there: {(error.strerror or str(error)).lower()}"

    async def _gather(self) -> None:
        """Put together what goes round, whenever there is something new."""
        held: tuple[int, tuple[Key, ...]] | None = None
        while True:
            readers = self._readers()
            now = self._daemon.reader.journal.counter, readers
            if now != held:
                held, began = now, trio.current_time()
                daemon = self._daemon
                frames = await trio.to_thread.run_sync(
                    content, daemon.home, daemon.private, daemon.key, readers, daemon.node.now()
                )
                self._show(frames)
                await trio.sleep(REST * (trio.current_time() - began))
            await trio.sleep(LOOK_SECONDS)

    def _readers(self) -> tuple[Key, ...]:
        wanted = {each.casefold() for each in self._said.readers}
        whom = self._daemon.whom
        return tuple(
            key
            for key in ((*whom.peers, *whom.named) if wanted else ())
            if whom.lets_in(key) and wanted & {key.hex(), self._daemon.name_of(Peer(key)).casefold()}
        )

    def _show(self, frames: list[tuple[int, bytes]]) -> None:
        size = sum(len(frame) for _, frame in frames if _named(frame) not in self._shown)
        if self._carousel.shown + size > MAX_SHOWN:
            # Begun anew, so that what is shown follows from what is held, and not from what came when.
            self._carousel, self._shown = Carousel(self._profile, self._dice, trio.current_time()), set()
        else:
            self._carousel.withdraw(self._title)
        for priority, group in groupby(frames, key=lambda each: each[0]):
            new = [frame for _, frame in group if _named(frame) not in self._shown]
            ids = self._carousel.show(new, priority) if new else []
            if priority == WORDS:
                self._title = ids
        self._shown |= {_named(frame) for _, frame in frames}
        self._poked.set()

    def told(self) -> dict[str, Any]:
        """Return how it stands, for people."""
        return {
            "name": self._name,
            "sends": True,
            "reason": self._state(),
            "bytes": self._carousel.shown,
            "round_seconds": round(self._carousel.round_s),
        }


class Listening(_OneWay):
    """One section that listens."""

    def __init__(self, daemon: "Daemon", said: Broadcast) -> None:
        super().__init__(daemon, said)
        self._work = TokenBucket(STEPS_PER_S, STEPS_BURST)
        self._catcher = Catcher(lambda cost: self._work.take(cost, trio.current_time()))
        self._waiting: deque[Caught] = deque()
        self._later: deque[tuple[float, bytes]] = deque()
        """What was not let in, and from when on it is listened to again."""
        self._came = trio.Event()
        self._bucket = TokenBucket(BYTES_PER_S, BYTES_BURST)
        self._records = self._objects = 0
        self._heard: int | None = None

    async def run(self) -> None:
        """Listen until cancelled."""
        async with trio.open_nursery() as nursery:
            if self._said.kind == "exec":
                self._program = self._daemon.byways.listen(self._said.command, self._said.framing, self._hear)
            else:
                nursery.start_soon(self._read)
            nursery.start_soon(self._let_in)

    async def _read(self) -> None:
        while True:
            try:
                at = await hearing(parse_address(self._said.address))
            except (OSError, ValueError) as error:
                self.trouble = (
                    f"{self._said.address} cannot be had: {getattr(error, 'strerror', None) or error}"
                )
                await trio.sleep(AGAIN_SECONDS)
                continue
            self.trouble = ""
            with at:
                while True:
                    try:
                        packet, _ = await at.recvfrom(LONGEST)
                    except OSError:
                        await trio.sleep(0.01)
                        continue
                    self._hear(packet)

    def _hear(self, packet: bytes) -> None:
        while self._later and (self._later[0][0] <= trio.current_time() or len(self._later) > MAX_CAUGHT):
            self._catcher.listen_again(self._later.popleft()[1])
        for caught in self._catcher.hear(packet):
            self._heard = self._daemon.node.now()
            size = sum(map(len, caught.frames))
            if len(self._waiting) >= MOST_WAITING or not self._bucket.take(size, trio.current_time()):
                self._catcher.listen_again(caught.id)
                continue
            self._objects += 1
            self._waiting.append(caught)
            self._came.set()

    async def _let_in(self) -> None:
        daemon = self._daemon
        taking, since = Taking(daemon.node, daemon.key), 0
        while True:
            while not self._waiting:
                self._came = trio.Event()
                await self._came.wait()
            caught = self._waiting.popleft()
            left = _left(taking)
            for batch in batches(_chunks(caught.frames)):
                await self._step(partial(taking.take, batch))
            if _left(taking) > left:
                # Perhaps its author is named then, its body followed, or what it follows here.
                self._later.append((trio.current_time() + LATER_SECONDS, caught.id))
            since += 1
            if since >= TAKING_OBJECTS or not self._waiting:
                await self._step(taking.end)
                self._records += taking.came.records
                taking, since = Taking(daemon.node, daemon.key), 0

    async def _step(self, step: Callable[[], list[Taken]]) -> None:
        # What is durable must be told of, when this is cancelled meanwhile.
        with trio.CancelScope(shield=True):
            async with self._daemon.links.door.writing():
                taken = await trio.to_thread.run_sync(step)
            self._daemon.links.announce(taken)

    def told(self) -> dict[str, Any]:
        """Return how it stands, for people."""
        return {
            "name": self._name,
            "sends": False,
            "reason": self._state(),
            "heard": self._heard,
            "objects": self._objects,
            "records": self._records,
        }


def content(
    home: Home, private: PrivateKey, own: Key, readers: tuple[Key, ...], now: int
) -> list[tuple[int, bytes]]:
    """Return the frames that go round, each with its priority, in the order in which they are needed."""
    with Reading.open(home) as reading:
        request = Request(readers, total_bytes=MAX_SHOWN * 15 // 16)
        out = export(reading.store, reading.view, private, own, request, now)
        holdings = StoreHoldings(reading.store, hash_of)
        found: list[tuple[int, bytes]] = []
        for piece in cut(part.data for part in out):
            if isinstance(piece, Chunk) and piece.kind in (Kind.TITLE, Kind.BLOCK, Kind.SEGMENT):
                found.append((_priority(holdings, piece), bytes([piece.kind]) + piece.body))
        return found


def _priority(holdings: Holdings, chunk: Chunk) -> int:
    said = read(chunk)
    match said:
        case Block(raw):
            head = peek(raw)
            held = holdings.log(head.log)
            return FIRST if held is None else of_log(held, head.first - 1)
        case Title():
            return WORDS
        case _:
            raise AssertionError("only these are asked for")


def _chunks(frames: Iterable[bytes]) -> Iterator[Chunk]:
    for each in frames:
        # What else a bundle's maker says is of no use without all the rest.
        if each[0] in (Kind.TITLE, Kind.BLOCK, Kind.SEGMENT) and len(each) > 1:
            yield Chunk(each[0], 0, each[1:])


def _left(taking: Taking) -> int:
    """Return how many blocks were not let in so far. One that waits for what it follows is dropped when that is refused."""
    return sum(taking.came.refused.values()) + taking.came.blocks[Verdict.NO_BASE.value]


def _named(frame: bytes) -> bytes:
    return sha256(frame).digest()[:16]
