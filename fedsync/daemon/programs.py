"""Programs that carry frames on their stdin and stdout: modems, serial lines, ssh, whatever an operator has. Trio."""

import fcntl
import logging
import os
import signal
import subprocess
from collections.abc import Callable
from contextlib import suppress

import trio

from fedsync.daemon.pauses import LONGEST_PAUSE, Pauses
from fedsync.gossip.framing import BadFrame, FrameReader, frame
from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.thin.kiss import KissReader, kiss
from fedsync.linking import Framing
from fedsync.plain import plain

STEADY_SECONDS = LONGEST_PAUSE
"""Whoever ran for so long is started again at once, nearly."""
PIPE_BYTES = 4096
"""What the pipe to a program holds, as far as the system lets us say: more would wait there where nothing overtakes it."""
READ_BYTES = 4096
LONGEST_LINE = 200
"""Characters of what a program says on its stderr that are logged of a line."""
LINES_PER_SECOND, LINES_BURST = 0.2, 20.0
"""Lines that are logged: a program that complains without end must not fill a disk."""
STOP_SECONDS = 2.0
"""From telling a program to end until it is killed."""

log = logging.getLogger("fedsync")


class Program:
    """One program, started again whenever it ends."""

    def __init__(self, command: tuple[str, ...], framing: Framing, limit: int) -> None:
        """`limit`: bytes of a frame."""
        self.command, self._framing, self._limit = command, framing, limit
        self.hears: Callable[[bytes], None] = lambda frame: None
        """Told of each frame that came."""
        self.state = "its program was not started yet"
        """Why nothing can be sent; empty while it can."""
        self.up: Callable[[], None] = lambda: None
        """Told when it was started, or ended."""
        self._outbox: trio.MemorySendChannel[bytes] | None = None

    async def send(self, packet: bytes) -> None:
        """Give the program a frame, and wait while it has not taken those before. While it does not run, the frame is lost."""
        if self._outbox is None:
            await trio.lowlevel.checkpoint()
            return
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self._outbox.send(kiss(packet) if self._framing == "kiss" else frame(packet))

    async def run(self) -> None:
        """Keep the program running, until cancelled."""
        pauses = Pauses(STEADY_SECONDS)
        while True:
            started = trio.current_time()
            why = await self._once()
            pause = pauses.after(trio.current_time() - started)
            self.state = f"its program {self.command[0]!a} {why}; started again in {pause:.0f} s"
            log.warning("a link's program %a %s; it is started again in %.0f s", self.command[0], why, pause)
            self.up()
            await trio.sleep(pause)

    async def _once(self) -> str:
        """Run the program until it ends, and return why it did."""
        pipe = subprocess.PIPE
        try:
            # In a group of its own: a key pressed at our terminal is not for it, and what it starts ends with it.
            process = await trio.lowlevel.open_process(
                self.command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True
            )
        except (OSError, ValueError) as error:
            return f"cannot be started: {getattr(error, 'strerror', None) or error}"
        try:
            assert process.stdin is not None
            assert process.stdout is not None
            assert process.stderr is not None
            _shrink(process.stdin)
            self._outbox, inbox = trio.open_memory_channel[bytes](1)
            self.state = ""
            self.up()
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._log, process.stderr)
                nursery.start_soon(self._write, process.stdin, inbox)
                why = await self._read(process.stdout)
                nursery.cancel_scope.cancel()
        finally:
            self._outbox = None
            await _end(process)
        return why or f"ended with code {process.returncode}"

    async def _read(self, stdout: trio.abc.ReceiveStream) -> str:
        reader = KissReader(self._limit) if self._framing == "kiss" else FrameReader(self._limit)
        while True:
            try:
                data = await stdout.receive_some(READ_BYTES)
                if not data:
                    return ""
                frames = reader.feed(data)
            except BadFrame as error:
                return f"wrote {error}, and {self._limit} bytes are allowed"
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                return ""
            for each in frames:
                self.hears(each)

    async def _write(self, stdin: trio.abc.SendStream, inbox: trio.MemoryReceiveChannel[bytes]) -> None:
        """The one task that writes, so that no frame is left half written by a session that ends."""
        with inbox, suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            async for each in inbox:
                await stdin.send_all(each)

    async def _log(self, stderr: trio.abc.ReceiveStream) -> None:
        often, kept = TokenBucket(LINES_PER_SECOND, LINES_BURST), b""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            while data := await stderr.receive_some(READ_BYTES):
                *lines, kept = (kept + data).split(b"\n")
                kept = kept[-LONGEST_LINE:]
                for line in lines:
                    said = line[:LONGEST_LINE].decode(errors="replace").strip()
                    if said and often.take(1, trio.current_time()):
                        log.info("%a says: %s", self.command[0], plain(said))


async def _end(process: trio.Process) -> None:
    """Have a program end, with force if need be."""
    with trio.CancelScope(shield=True):
        _signal(process, signal.SIGTERM)
        for stream in (process.stdin, process.stdout, process.stderr):
            if stream is not None:
                await trio.aclose_forcefully(stream)
        with trio.move_on_after(STOP_SECONDS):
            await process.wait()
        _signal(process, signal.SIGKILL)
        await process.wait()


def _signal(process: trio.Process, number: signal.Signals) -> None:
    """Send a signal to a program and to all that it has started."""
    with suppress(OSError):
        os.killpg(process.pid, number)


def _shrink(stdin: trio.abc.SendStream) -> None:
    number = getattr(fcntl, "F_SETPIPE_SZ", None)
    if number is not None and isinstance(stdin, trio.lowlevel.FdStream):
        with suppress(OSError):
            fcntl.fcntl(stdin.fileno(), number, PIPE_BYTES)
