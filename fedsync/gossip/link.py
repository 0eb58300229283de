"""A link: frames to and from one peer, over any stream. Trio; knows sockets only where it hangs up.

Two rules hold it together. *One task writes*: a cancelled send ruins a stream, so nobody else sends; `send` only
queues, and refuses when the queue is full. *Nobody reads ahead*: `receive` takes from the stream only when it is
called, so a consumer that is slow slows its peer down, and nobody else.

A link ends once, for one reason, which `receive`, `send` and `room` raise from then on as LinkClosed.
"""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, TypeAlias

import trio

from fedsync.gossip import kernel
from fedsync.gossip.framing import MAX_BODY, BadFrame, FrameReader, TruncatedStream, prefix
from fedsync.gossip.lanes import Lanes
from fedsync.gossip.nature import STREAM, Nature
from fedsync.gossip.priority import PLAIN
from fedsync.gossip.reader import MOST_AHEAD_BYTES, Ahead
from fedsync.gossip.schedule.toll import Toll
from fedsync.gossip.stall import Stall
from fedsync.records.ids import Key

QUEUE_BYTES: Final = 512 * 1024
"""Bytes waiting to be written on one link, as `lanes` counts. 100 links that do not read cost 75 MB at most."""
RESERVE_BYTES: Final = 256 * 1024
"""The same for what is urgent, and for words, when others fill the queue: neither may end a link that is only slow."""
WRITE_BYTES: Final = 64 * 1024
"""Bytes given to the stream at a time, at most; with 1 KB at a time TLS is 20 times slower."""
LEAST_WRITE_BYTES: Final = 4 * 1024
"""The same on a link so slow that each write takes long: nothing can overtake what is being written."""
STALL_LOOKS: Final = 8
"""How often it is looked whether a connection stalls, in the time after which it does."""
TOLL_SECONDS: Final = 0.05
"""Until the toll is asked again, at least."""
WRITE_SECONDS: Final = 0.1
"""A write should take no longer: as much is given to the next."""
MEASURE_SECONDS: Final = 1.0
MEASURE_BYTES: Final = 4 * WRITE_BYTES
"""How long, or over how much, it is measured what a stream takes."""

Code: TypeAlias = Literal[
    # Before a first frame
    "unreachable",
    "not-tls",
    "wrong-peer",
    "stranger",
    "slow-handshake",
    "refused",
    "no-answer",
    # What the peer did
    "ended",
    "truncated",
    "garbled",
    "lost",
    "slow-frame",
    "slow-reader",
    "stalled",
    "bad-frame",
    # What we did
    "busy",
    "full",
    "closed",
    "cancelled",
    "recalled",
    "asleep",
    "misbehaved",
]


class LinkClosed(Exception):
    """The link is over. `code` says why and never changes its meaning; the text is one plain sentence."""

    def __init__(self, code: Code, sentence: str) -> None:
        super().__init__(sentence)
        self.code: Code = code
        self.sentence = sentence


@dataclass(frozen=True, slots=True)
class Patience:
    """How long we wait for a peer, in seconds."""

    handshake: float = 10.0
    first_frame: float = 20.0
    """From the end of the handshake. Until then we do not know whether the peer took us: see `Link.heard`."""
    frame: float = 120.0
    """From the first byte of a frame to its last, while we read: 64 KiB at 4.4 kbit/s. It stops a drip."""
    stall: float = 15.0
    """While something is on its way and nothing arrives, or a frame has begun to come and nothing more of it does: TCP has
    been waiting longer and longer by then, and a new connection does better. Only where the system tells."""
    write: float = 300.0
    """For one write of WRITE_BYTES to be taken. A peer that takes nothing for so long is gone or holds us up."""
    close: float = 5.0
    """To send what is queued and say goodbye."""


PATIENCE: Final = Patience()


class Link:
    """Frames to and from one peer. `run` carries it; while it runs, one task may call `receive`, any may `send`."""

    def __init__(
        self,
        stream: trio.abc.Stream,
        peer: Key,
        *,
        limit: int = MAX_BODY,
        patience: Patience = PATIENCE,
        meter: "Meter | None" = None,
        relay: bool = False,
    ) -> None:
        """Wrap `stream`, at whose other end is `peer`. Frames above `limit` bytes end the link."""
        self.peer = peer
        self.relay = relay
        """Whether it is the carrier of a relay, and no session."""
        self.nature: Nature = STREAM
        self.via: Key | None = None
        """The relay that carries it."""
        self.heard = False
        """Whether a frame has come. A client that was rejected believes that it connected: only this says so."""
        self.bytes_in = self.bytes_out = 0
        """Bytes of frames, prefixes included, TLS not; `wire_in` and `wire_out` have the bytes below TLS."""
        self.ended: LinkClosed | None = None
        """Why the link is over; None while it is not."""
        self.toll: Toll | None = None
        """What may go over it and counts what does; None: whatever it takes."""
        self._counted = 0
        """Bytes both ways that the toll has been told of."""
        self._stream = stream
        self._meter = meter
        self._patience = patience
        self._reader = FrameReader(limit)
        self._left = patience.first_frame
        self._queue = Lanes(QUEUE_BYTES, RESERVE_BYTES)
        self._grain = WRITE_BYTES
        self._tcp = socket_below(stream)
        self._ahead = Ahead()
        if self._tcp is not None:
            kernel.take_little(self._tcp, MOST_AHEAD_BYTES)
        """Bytes that the stream is given at a time."""
        self._busy_since: float | None = None
        """Since when something was written without a pause, and how much; None: not now."""
        self._busy_bytes = 0
        self._work, self._below, self._drained = trio.Event(), trio.Event(), trio.Event()
        self._scopes: set[trio.CancelScope] = set()
        self._writing = False
        self._writer_gone = False

    @property
    def limit(self) -> int:
        """Bytes that a frame from the peer may have."""
        return self._reader.limit

    @limit.setter
    def limit(self, limit: int) -> None:
        self._reader.limit = limit

    @property
    def queued(self) -> int:
        """Bytes that wait to be written; small frames count for more than they have."""
        return self._queue.queued

    @property
    def takes(self) -> int:
        """Bytes that may well be sent now."""
        return QUEUE_BYTES - self.queued

    @property
    def wire_in(self) -> int:
        """Bytes received below TLS, or of frames when there is no meter."""
        return self._meter.bytes_in if self._meter else self.bytes_in

    @property
    def wire_out(self) -> int:
        """Bytes sent below TLS, or of frames when there is no meter."""
        return self._meter.bytes_out if self._meter else self.bytes_out

    def waiting(self) -> dict[int, int]:
        """Return how many bytes wait to be written of each priority."""
        return self._queue.waiting()

    def count(self) -> None:
        """Tell the toll what has gone and come since it was last told."""
        total = self.wire_in + self.wire_out
        if self.toll is not None and total > self._counted:
            self.toll.spend(total - self._counted)
        self._counted = total

    async def receive(self) -> list[bytes]:
        """Return the frames that came next: one or more. Raises LinkClosed. May be cancelled and called again."""
        while True:
            self._check()
            started = trio.current_time()
            data: bytes | bytearray | None = None
            stalls = self.heard and self._tcp is not None and self._reader.inside > 0
            wait = min(self._left, self._patience.stall) if stalls else self._left
            with trio.move_on_after(max(wait, 0)) as scope:
                self._scopes.add(scope)
                try:
                    data = await self._stream.receive_some()
                except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
                    self._end(self._what_broke(error))
                finally:
                    self._scopes.discard(scope)
            if data is None:
                if self.ended is None:
                    self._end(self._stalled() if wait < self._left else self._too_slow())
                continue
            if not data:
                self._end(self._what_ended())
                continue
            self.bytes_in += len(data)
            self.count()
            if self._tcp is not None and data:
                now = trio.current_time()
                ahead = self._ahead.read(len(data), now - started, now)
                if ahead is not None:
                    kernel.take_little(self._tcp, ahead)
            before = self._reader.inside
            try:
                frames = self._reader.feed(data)
            except BadFrame as error:
                self._end(LinkClosed("bad-frame", f"the peer announced {error}; {self.limit} are allowed"))
                continue
            if frames or (self.heard and not before):
                self._left = self._patience.frame if self._reader.inside else inf
            else:
                # Only the time in which we were reading counts: our own slowness is not held against the peer.
                self._left -= trio.current_time() - started
            if frames:
                self.heard = True
                return frames

    def send(self, body: bytes, priority: int = PLAIN) -> bool:
        """Queue `body` as a frame. Return False, and queue nothing, when the queue is full. Raises LinkClosed.

        It goes after what waits of the same or a more urgent priority (0 first), and before the rest, which keeps a
        small share. Nothing waits here, and whoever calls may be cancelled: the frame goes out whole or not at all.
        """
        self._check()
        if self._writer_gone:
            raise self.cut("cancelled", "nobody writes to this connection any more")
        prefix(body)  # raises BadFrame here, where the fault is, and not in the task that writes
        if not self._queue.put(body, priority):
            return False
        self._work.set()
        return True

    async def room(self) -> None:
        """Return when less than half of the queue is taken. Raises LinkClosed."""
        self._check()
        while self.queued > QUEUE_BYTES // 2:
            self._below = trio.Event()
            await self._below.wait()
            self._check()

    def cut(self, code: Code, sentence: str) -> LinkClosed:
        """End the link at once, for a reason of our own, and return why it ended. Never waits.

        Nothing more is read, written or said. Who wants to leave at once can `raise link.cut(...)`.
        """
        self._end(LinkClosed(code, sentence))
        return self._why()

    async def run(self, handle: Callable[["Link"], Awaitable[None]]) -> LinkClosed:
        """Carry the link while `handle` uses it, close it, and return why it ended. For both sides, once.

        LinkClosed may pass through `handle`; what else it raises is raised here. When it returns, what is queued
        is sent and the link closed, within `Patience.close`.
        """
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._write)
            nursery.start_soon(self._watch)
            try:
                await handle(self)
            except* LinkClosed:
                pass
            finally:
                await self._aclose()
                nursery.cancel_scope.cancel()
        return self._why()

    async def _aclose(self) -> None:
        """Send what is queued, say goodbye and close; when that takes too long, just close."""
        with trio.move_on_after(self._patience.close) as scope:
            scope.shield = True
            while (self._queue or self._writing) and not self._writer_gone:
                self._drained = trio.Event()
                self._work.set()
                await self._drained.wait()
                if self._queue and not self._writing and self.toll is not None:
                    break
            if self.ended is None and not self._queue:
                with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
                    await self._stream.aclose()
                self.ended = LinkClosed("closed", "we closed the connection")
        self.cut("closed", "we closed the connection, and the peer did not take all that was sent")
        await trio.aclose_forcefully(self._stream)

    async def _write(self) -> None:
        """Carry the queue to the stream until the link ends. The one task that writes."""
        try:
            while self.ended is None:
                if not self._queue:
                    self._drained.set()
                    self._busy_since = None
                    self._work = trio.Event()
                    await self._work.wait()
                    continue
                frames = self._queue.take(self._grain, self.toll.may if self.toll else None)
                if not frames:
                    await self._until_allowed()
                    continue
                batch = b"".join([prefix(body) + body for body in frames])
                self._writing = True
                started = trio.current_time()
                with trio.move_on_after(self._patience.write) as scope:
                    self._scopes.add(scope)
                    try:
                        await self._stream.send_all(batch)
                        self._writing = False
                    finally:
                        self._scopes.discard(scope)
                if self._writing:
                    self.cut("slow-reader", f"the peer took nothing for {self._patience.write:.0f} seconds")
                    break
                self.bytes_out += len(batch)
                self.count()
                self._learn(len(batch), started)
                if self.queued <= QUEUE_BYTES // 2:
                    self._below.set()
        except (trio.BrokenResourceError, trio.ClosedResourceError) as error:
            self._end(self._what_broke(error))
        finally:
            # Cancelled in the middle of a frame: how much of it left is unknown, so nothing may follow.
            if self._writing or self._queue:
                self.cut("cancelled", "we stopped before all was sent")
            self._writing, self._writer_gone = False, True
            self._drained.set()

    async def _watch(self) -> None:
        """End the link when what is on its way does not arrive, until cancelled; at once done where the system does not tell."""
        if self._tcp is None or kernel.progress(self._tcp) is None:
            return
        stall = Stall(self._patience.stall)
        while self.ended is None:
            await trio.sleep(self._patience.stall / STALL_LOOKS)
            progress = kernel.progress(self._tcp)
            if progress is not None and stall.look(progress, trio.current_time()):
                self._end(self._stalled())

    async def _until_allowed(self) -> None:
        """Wait until what waits may go, or something else comes that perhaps may."""
        assert self.toll is not None
        self._drained.set()  # Whoever wants to close the link must not wait for a new hour.
        self._work = trio.Event()
        with trio.move_on_after(max(self.toll.wait(*self._queue.next()), TOLL_SECONDS)):
            await self._work.wait()

    def _learn(self, size: int, started: float) -> None:
        """Give the stream as much at a time as it takes in WRITE_SECONDS, measured over some writes without a pause between.

        Over one alone it would not do: what the system's own buffer takes at once says nothing of the line.
        """
        if self._busy_since is None:
            self._busy_since, self._busy_bytes = started, 0
        self._busy_bytes += size
        took = trio.current_time() - self._busy_since
        if took < MEASURE_SECONDS and self._busy_bytes < MEASURE_BYTES:
            return
        self._busy_since = None
        within = self._busy_bytes * WRITE_SECONDS / took if took > 0 else WRITE_BYTES
        grain = int(min(max(within, LEAST_WRITE_BYTES), WRITE_BYTES))
        if grain != self._grain and self._tcp is not None:
            kernel.keep_little(self._tcp, grain // 2)
        self._grain = grain

    def _check(self) -> None:
        if self.ended is not None:
            raise self._why()

    def _why(self) -> LinkClosed:
        # A new one each time: an exception that is raised twice drags the first traceback along.
        assert self.ended is not None
        return LinkClosed(self.ended.code, self.ended.sentence)

    def _end(self, why: LinkClosed) -> None:
        """End the link, wake whoever waits on it, and hang up. The first reason counts."""
        if self.ended is not None:
            return
        self.ended = why
        self._queue.clear()
        for event in (self._work, self._below, self._drained):
            event.set()
        for scope in list(self._scopes):
            scope.cancel()
        hang_up(self._stream)

    def _too_slow(self) -> LinkClosed:
        if not self.heard:
            wait = f"{self._patience.first_frame:.0f} seconds"
            return LinkClosed("no-answer", f"the connection stands, but the peer said nothing for {wait}")
        return LinkClosed(
            "slow-frame", f"a frame took longer than {self._patience.frame:.0f} seconds to come"
        )

    def _stalled(self) -> LinkClosed:
        wait = f"{self._patience.stall:.0f} seconds"
        return LinkClosed("stalled", f"nothing got through for {wait}, though something was on its way")

    def _what_ended(self) -> LinkClosed:
        try:
            self._reader.end()
        except TruncatedStream as error:
            return LinkClosed("truncated", str(error))
        if not self.heard:
            return refused()
        return LinkClosed("ended", "the peer closed the connection")

    def _what_broke(self, error: Exception) -> LinkClosed:
        if not self.heard:
            return refused()
        if isinstance(error.__cause__, ssl.SSLError):
            if "EOF" in str(error.__cause__):
                return LinkClosed("truncated", "the connection was cut before the peer said goodbye")
            return LinkClosed("garbled", "what came was damaged, or not from the peer")
        return LinkClosed("lost", "the connection broke")


class Abrupt(trio.abc.Stream):
    """A stream without a socket of its own below it, which can be ended at once all the same."""

    def hang_up(self) -> None:
        """End it now, without waiting; whoever waits on it wakes up."""
        raise NotImplementedError


class Meter(trio.abc.Stream):
    """A stream that counts the bytes of the stream below it: what a connection costs, TLS included."""

    def __init__(self, below: trio.abc.Stream) -> None:
        self.below = below
        self.bytes_in = self.bytes_out = 0

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Send `data`, and count it."""
        await self.below.send_all(data)
        self.bytes_out += len(data)

    async def wait_send_all_might_not_block(self) -> None:
        """Wait as the stream below does."""
        await self.below.wait_send_all_might_not_block()

    async def receive_some(self, max_bytes: int | None = None) -> bytes | bytearray:
        """Receive what comes, and count it."""
        data = await self.below.receive_some(max_bytes)
        self.bytes_in += len(data)
        return data

    async def aclose(self) -> None:
        """Close the stream below."""
        await self.below.aclose()


def refused() -> LinkClosed:
    """Return the reason when a peer hangs up before its first frame."""
    return LinkClosed(
        "refused", "the peer hung up before its first word: it may not know our key, or be too busy"
    )


def hang_up(stream: trio.abc.AsyncResource) -> None:
    """Close the socket below `stream` now, without waiting; whoever waits on it wakes up. Without one, do nothing."""
    below = _below(stream)
    if isinstance(below, trio.SocketStream):
        below.socket.close()
    elif isinstance(below, Abrupt):
        below.hang_up()


def socket_below(stream: trio.abc.AsyncResource) -> trio.SocketStream | None:
    """Return the socket below `stream`; None when there is none of its own."""
    below = _below(stream)
    return below if isinstance(below, trio.SocketStream) else None


def _below(stream: trio.abc.AsyncResource) -> trio.abc.AsyncResource:
    while isinstance(stream, trio.SSLStream | Meter):
        stream = stream.transport_stream if isinstance(stream, trio.SSLStream) else stream.below
    return stream
