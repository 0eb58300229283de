"""A link over packets: a session's frames, the carrier that cuts them, the seal that closes each packet. Trio."""

from collections.abc import Awaitable, Callable
from math import inf
from random import Random

import trio

from fedsync.gossip.link import Code, LinkClosed
from fedsync.gossip.nature import THIN
from fedsync.gossip.priority import PLAIN, WORDS
from fedsync.gossip.schedule.toll import Toll
from fedsync.gossip.thin.carrier import Carrier
from fedsync.gossip.thin.profile import Profile
from fedsync.gossip.thin.sealed import Seal
from fedsync.records.ids import Key

MOST_UNREAD = 256 * 1024
"""Bytes of frames that wait for a session that does not read; what comes beyond is as if it were lost."""
FAREWELL_SECONDS = 2.0
"""How long what is queued is still sent when this side ends the link, to a peer that was heard within PRESENT_SECONDS."""
PRESENT_SECONDS = 10.0

LEAST_SECONDS, MOST_SECONDS = 0.05, 30.0
"""Between two questions whether something may be sent now: clocks are set, and what is used is written down meanwhile."""
HELD_SECONDS = 1.0
"""When nothing could be sent for so long, the peer is looked for anew."""

Sends = Callable[[bytes], Awaitable[None]]
"""Gives a sealed packet to the medium, and waits until that has taken it."""


class ThinLink:
    """One session's carrier over packets. It outlives outages, and ends when either side begins anew."""

    def __init__(
        self, peer: Key, profile: Profile, seal: Seal, sends: Sends, waits: Callable[[], float], dice: Random
    ) -> None:
        """`seal` has just begun. `waits`: seconds until something may be sent over this link, infinite while that is not known."""
        self.peer = peer
        self.via: Key | None = None
        self.nature = THIN
        self.ended: LinkClosed | None = None
        self.toll: Toll | None = None
        self._counted = 0
        """Bytes both ways that the toll has been told of."""
        self.carrier = Carrier(profile, dice, trio.current_time())
        self.wire_in = self.wire_out = 0
        self._seal, self._sends, self._waits = seal, sends, waits
        self._frames: list[bytes] = []
        self._unread = 0
        self._came, self._poked, self._below = trio.Event(), trio.Event(), trio.Event()

    # --- For the session --------------------------------------------------------------------------------

    @property
    def queued(self) -> int:
        """Bytes that wait or are on their way."""
        return self.carrier.queued

    @property
    def takes(self) -> int:
        """Bytes that may well be sent now."""
        return self.carrier.room

    def waiting(self) -> dict[int, int]:
        """Return how many bytes of each priority are not known to have come."""
        return self.carrier.waiting()

    def count(self) -> None:
        """Tell the toll what has gone and come since it was last told."""
        total = self.wire_in + self.wire_out
        if self.toll is not None:
            self.toll.spend(total - self._counted)
        self._counted = total

    async def receive(self) -> list[bytes]:
        """Return the frames that came next: one or more. Raises LinkClosed. May be cancelled and called again."""
        while not self._frames:
            self._check()
            self._came = trio.Event()
            await self._came.wait()
        frames, self._frames, self._unread = self._frames, [], 0
        return frames

    def send(self, body: bytes, priority: int = PLAIN) -> bool:
        """Queue `body` as a frame. Return False, and queue nothing, when there is no room. Raises LinkClosed."""
        self._check()
        taken = self.carrier.send(body, priority)
        self._poked.set()
        return taken

    async def room(self) -> None:
        """Return when something may well be sent. Raises LinkClosed."""
        self._check()
        while not self.carrier.room:
            self._below = trio.Event()
            await self._below.wait()
            self._check()

    def cut(self, code: Code, sentence: str) -> LinkClosed:
        """End the link at once, for a reason of our own, and return why it ended. Never waits."""
        self._end(LinkClosed(code, sentence))
        return self._why()

    # --- For the medium ---------------------------------------------------------------------------------

    def hear(self, text: bytes, size: int) -> None:
        """Take the text of a packet of `size` bytes."""
        if self.ended is not None or self._unread > MOST_UNREAD:
            return
        self.wire_in += size + self.carrier.profile.extra
        self.count()
        frames = self.carrier.hear(text, trio.current_time())
        if frames:
            self._frames += frames
            self._unread += sum(map(len, frames))
            self._came.set()
        self._poked.set()
        if self.carrier.over:
            # That the peer began anew its seal has said before: what else ends a carrier is the peer's fault.
            self._end(LinkClosed("misbehaved", self.carrier.over))

    def poke(self) -> None:
        """Look again whether something may be sent."""
        self._poked.set()

    def look(self) -> None:
        """Look for the peer anew: somebody knows that the link is up."""
        self.carrier.look(trio.current_time())
        self._poked.set()

    def sign(self, back: bool = False) -> bytes | None:
        """Return a packet that only shows that we are there, counted as sent; None when nothing may be sent now.

        `back`: it goes to where a packet came from just now, so it need not be known where the peer is.
        """
        if self.ended is not None or self._seal.spent:
            return None
        if (self._owed() if back else self._until()) > 0:
            return None
        packet = self._seal.seal(b"")
        self.wire_out += len(packet) + self.carrier.profile.extra
        self.count()
        return packet

    async def run(self, handle: Callable[["ThinLink"], Awaitable[None]]) -> LinkClosed:
        """Carry the link while `handle` uses it, and return why it ended. Once."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._pump)
            try:
                await handle(self)
            except* LinkClosed:
                pass
            finally:
                with trio.move_on_after(FAREWELL_SECONDS) as scope:
                    scope.shield = True
                    while self.ended is None and self.present and not self.carrier.idle:
                        self._below = trio.Event()
                        await self._below.wait()
                self.cut("closed", "we closed the link")
                nursery.cancel_scope.cancel()
        return self._why()

    @property
    def present(self) -> bool:
        """Whether the peer was heard just now."""
        heard = self.carrier.heard_at
        return heard is not None and trio.current_time() - heard < PRESENT_SECONDS

    async def _pump(self) -> None:
        """Seal and send what the carrier has for the medium, until the link ends. The one task that sends."""
        held: float | None = None
        while self.ended is None:
            self._poked = trio.Event()
            wait, until = self._until(), inf
            if wait <= 0:
                if held is not None and trio.current_time() - held > HELD_SECONDS:
                    # A window has begun, or the program runs again: as if nothing had been tried before.
                    self.carrier.look(trio.current_time())
                held = None
                packets, until = self.carrier.poll(trio.current_time())
                for text in packets:
                    if self._seal.spent:
                        self._end(LinkClosed("ended", "the packets of this session are used up"))
                        return
                    packet = self._seal.seal(text)
                    while 0 < (wait := self._until()) <= HELD_SECONDS:
                        await self._poke_within(wait)
                    if self._over:
                        return
                    if wait > 0:
                        # What is left of the packets is lost: kept for an hour it would be of no use.
                        break
                    await self._sends(packet)
                    self.wire_out += len(packet) + self.carrier.profile.extra
                    self.count()
                self._below.set()
                if packets:
                    # What came meanwhile is heard before more is sent.
                    await trio.lowlevel.checkpoint()
            else:
                held = trio.current_time() if held is None else held
                until = trio.current_time() + min(max(wait, LEAST_SECONDS), MOST_SECONDS)
            with trio.move_on_at(until):
                await self._poked.wait()

    def _until(self) -> float:
        """Return the seconds until a packet may go."""
        wait = self._waits()
        return self._owed() if wait <= 0 else wait

    def _owed(self) -> float:
        """Return the seconds until windows and budget let a packet go."""
        if self.toll is None:
            return 0.0
        # What is in a packet only the carrier knows; what is most urgent goes first.
        first = min(self.carrier.waiting(), default=WORDS)
        return self.toll.wait(first, self.carrier.profile.frame)

    @property
    def _over(self) -> bool:
        return self.ended is not None

    async def _poke_within(self, wait: float) -> None:
        self._poked = trio.Event()
        with trio.move_on_after(max(wait, LEAST_SECONDS)):
            await self._poked.wait()

    # --- The end ----------------------------------------------------------------------------------------

    def _check(self) -> None:
        if self.ended is not None:
            raise self._why()

    def _why(self) -> LinkClosed:
        # A new one each time: an exception that is raised twice drags the first traceback along.
        assert self.ended is not None
        return LinkClosed(self.ended.code, self.ended.sentence)

    def _end(self, why: LinkClosed) -> None:
        if self.ended is None:
            self.ended = why
            for event in (self._came, self._poked, self._below):
                event.set()
