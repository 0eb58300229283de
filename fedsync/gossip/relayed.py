"""A stream to somebody whom only a relay can reach: its bytes go as DATA over a link to the relay. Trio.

TLS between the two runs inside it, over `dial_over` and `answer_over` as over TCP, so that the relay passes on what
it can neither read nor change: bytes that it flips, drops, reorders or repeats end that TLS, and what it withholds is
missed by the session's own deadlines.
"""

from collections import deque
from collections.abc import Awaitable, Callable

import trio

from fedsync.gossip.link import Abrupt, Link, LinkClosed
from fedsync.gossip.messages import BadMessage
from fedsync.gossip.relaywords import MAX_DATA, Data, End, Word, decode, encode


async def hear(link: Link) -> list[Word]:
    """Return what the other end of a relay's carrier says next: one word or more. Raises LinkClosed."""
    try:
        return [decode(body) for body in await link.receive()]
    except BadMessage as error:
        raise link.cut("misbehaved", f"it sent what is no word of a relay: {error}") from None


class Relayed(Abrupt):
    """The bytes between us and whoever is behind the relay at the other end of `link`, after GO."""

    def __init__(self, link: Link, early: list[Word]) -> None:
        """`early`: what came in one piece with GO."""
        self._link = link
        self._words: deque[Word] = deque(early)
        self._rest = b""
        self.end: End | None = None
        """Why the relay carries no more, if it said so."""

    async def send_all(self, data: bytes | bytearray | memoryview) -> None:
        """Queue `data` at the link to the relay, as it has room."""
        await trio.lowlevel.checkpoint()
        try:
            with memoryview(data) as view:
                for at in range(0, len(view), MAX_DATA):
                    frame = encode(Data(bytes(view[at : at + MAX_DATA])))
                    while not self._link.send(frame):
                        await self._link.room()
            await self._link.room()
        except LinkClosed as why:
            raise trio.BrokenResourceError(why.sentence) from why

    async def wait_send_all_might_not_block(self) -> None:
        """Wait until the link to the relay has room."""
        try:
            await self._link.room()
        except LinkClosed as why:
            raise trio.BrokenResourceError(why.sentence) from why

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        """Return bytes that came; none when the relay says that there come no more."""
        while not self._rest:
            if self.end is not None:
                return b""
            try:
                while not self._words:
                    self._words.extend(await hear(self._link))
            except LinkClosed as why:
                raise trio.BrokenResourceError(why.sentence) from why
            match self._words.popleft():
                case Data(data):
                    self._rest = data
                case End() as end:
                    self.end = end
                case _:
                    self._link.cut("misbehaved", "the relay says what it may not say now")
        await trio.lowlevel.checkpoint()
        size = len(self._rest) if max_bytes is None else max_bytes
        found, self._rest = self._rest[:size], self._rest[size:]
        return found

    async def aclose(self) -> None:
        """Do nothing more: whoever runs the link to the relay closes it."""
        await trio.lowlevel.checkpoint()

    def hang_up(self) -> None:
        """Cut the link to the relay."""
        self._link.cut("closed", "we closed the connection")


Inner = Callable[[Relayed], Awaitable[None]]
"""What is done with a stream once the other side is there."""
