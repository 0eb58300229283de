"""One link that carries a session: when it is read, when the session is woken, when it hears how much more may go."""

from math import inf

import trio

from fedsync.daemon.carrying import Carries
from fedsync.gossip.link import LinkClosed

TOLD_BYTES = 64 * 1024
"""Bytes sent after which a session hears how much more its link takes: far less than what a link takes at all."""


class Connection:
    """A link, and what its session said of it last. `closing` is set when it should end."""

    def __init__(self, link: Carries, dialler: bool, since: float) -> None:
        self.link, self.dialler, self.since = link, dialler, since
        self.closing = trio.Event()
        self.scope = trio.CancelScope()
        self.met = False
        """Whether the peer's first word has come, and was none of parting."""
        self.left = ""
        """What the peer said when it gave the link up."""
        self._untold = 0
        """Bytes sent since the session last heard how much the link takes."""
        self._enough_sent = trio.Event()
        self._paused_until = 0.0
        self._resumed = trio.Event()
        self._wake_at = inf
        self._put_off = trio.Event()

    # --- What the session says ------------------------------------------------------------------------

    def send(self, frame: bytes, priority: int) -> None:
        """Queue a frame. A peer that asks for more than it reads has its link ended."""
        try:
            if not self.link.send(frame, priority):
                self.link.cut("slow-reader", "the peer asks for more than it reads")
                self.closing.set()
        except LinkClosed:
            self.closing.set()
        self._untold += len(frame)
        if self._untold >= min(TOLD_BYTES, self.link.nature.room // 2):
            self._enough_sent.set()

    def pause(self, until: float | None) -> None:
        """Have the link not read before then; None: not until `resume`."""
        self._paused_until = inf if until is None else until

    def resume(self) -> None:
        """Have the link read again."""
        self._paused_until = 0.0
        self._resumed.set()
        self._resumed = trio.Event()

    def wake(self, at: float) -> None:
        """Have the session woken then, and at no other time that it asked for before."""
        self._wake_at = at
        self._put_off.set()

    # --- What is waited for ---------------------------------------------------------------------------

    async def unpaused(self) -> None:
        """Return once the session wants to hear the peer: at once, without a checkpoint, when it does."""
        while (wait := self._paused_until - trio.current_time()) > 0:
            with trio.move_on_after(wait):
                await self._resumed.wait()

    async def room(self) -> int:
        """Return how much the link takes, once there is room. Raises LinkClosed."""
        await self.link.room()
        self._untold = 0
        return self.link.takes

    async def enough_sent(self) -> None:
        """Return once so much was sent that the session should hear how much more the link takes."""
        await self._enough_sent.wait()
        self._enough_sent = trio.Event()

    async def due(self) -> None:
        """Return once the session is to be woken."""
        while True:
            with trio.move_on_at(self._wake_at):
                await self._put_off.wait()
                self._put_off = trio.Event()
                continue
            if trio.current_time() >= self._wake_at:
                self._wake_at = inf
                return
            # It was put off in the moment in which it was due.
