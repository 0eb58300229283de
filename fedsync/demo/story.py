"""The demo's story: communities in a line, a link that is cut in the middle, both sides going on, and the link healed."""

import shlex
import shutil
import signal
import tempfile
import threading
import time
import unicodedata
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from fedsync.config import Address
from fedsync.demo.board import Board, Speaker, level
from fedsync.demo.community import TELLERS, THRESHOLD, Community
from fedsync.demo.regions import SOURCES, Region, first_regions
from fedsync.demo.sitting import Sitting
from fedsync.errors import usage
from fedsync.home import Home
from fedsync.ports import free_port

FEWEST, MOST = 2, 21
CONVERGE_SECONDS = 120.0
"""After so long without becoming the same, the demo says that it failed."""
PARTS = 10
"""In so many parts the last month is written down, so that the difference is seen to grow."""


def tell(nodes: int, keep: Path | None, out: Speaker) -> dict[str, Any]:
    """Run the demo; see `fedsync.demo.demonstrate`."""
    if not FEWEST <= nodes <= MOST:
        raise usage(f"The demo shows {FEWEST} to {MOST} communities.", "Try: fedsync demo --nodes 7")
    with ExitStack() as stack:
        stack.enter_context(_interruptible())
        where = stack.enter_context(_place(keep))
        regions = first_regions(nodes)
        communities = [
            Community(
                region.name,
                Home(where / _file_name(region.name)),
                Address("127.0.0.1", free_port("127.0.0.1")),
            )
            for region in regions
        ]
        stack.enter_context(_all_stopped(communities))
        return _Story(communities, regions, out).run(keep)


class _Story:
    def __init__(self, communities: list[Community], regions: list[Region], out: Speaker) -> None:
        self._communities, self._regions, self._out = communities, regions, out
        self._board = Board(communities, out)
        self._middle = len(communities) // 2
        used = {each.title for region in regions for each in region.decisions}
        self._sitting = Sitting(communities, self._middle, used, out)
        self._began = self._since = time.monotonic()
        self._phases: list[dict[str, Any]] = []

    def run(self, keep: Path | None) -> dict[str, Any]:
        out, everyone = self._out, range(len(self._communities))
        left, right = everyone[: self._middle], everyone[self._middle :]
        one, other = self._communities[self._middle - 1], self._communities[self._middle]
        out.say(
            f"{len(everyone)} communities, each with a node of its own on this machine, "
            f"and {len(TELLERS)} tellers, of whom {THRESHOLD} must sign.",
            "Each exchanges with its neighbours only: "
            + " -- ".join(each.name for each in self._communities),
        )
        out.say(
            "LACKS counts records that somebody wrote and this node does not hold. "
            "The same letter under STATE: the same state.",
        )
        self._begin()
        out.say(f"Founded, started and joined by invitation after {self._clock()}.")
        self._sitting.found()
        self._done("region")

        with self._board.showing(
            "Each records eleven months of its vaccine store, decides something, and instructs its delegate."
        ):
            for at, (community, region) in enumerate(zip(self._communities, self._regions, strict=True)):
                community.record(region.before)
                community.meet(self._sitting.sends(at), resolution=region.decisions[0])
                self._board.show()
            met = self._board.until(CONVERGE_SECONDS, everyone)
        self._done("together", met)
        self._sitting.first()
        self._done("assembly")

        one.pause(other, True)
        other.pause(one, True)
        with self._board.showing(
            f"The link {one.name} -- {other.name} is cut. Both sides go on with December."
        ):
            self._december()
            self._sitting.apart()
            apart = self._board.until(CONVERGE_SECONDS, left, right) and self._parted()
        self._done("cut", apart)
        self._sitting.tell_apart()

        one.pause(other, False)
        other.pause(one, False)
        with self._board.showing("The link is back: each side takes what it lacks from the other."):
            again = self._board.until(CONVERGE_SECONDS, everyone)
            self._sitting.again()
            again = again and self._board.until(CONVERGE_SECONDS, everyone)
        self._done("healed", again)
        self._sitting.tell_again()
        return self._end(keep, met and apart and again)

    def _begin(self) -> None:
        for community in self._communities:
            community.found()
        self._done("founded")
        for community in self._communities:
            community.start()
        for community in self._communities:
            community.await_ready()
        self._done("started")
        for inviter, invited in zip(self._communities, self._communities[1:], strict=False):
            invited.join(inviter.invite(invited))
        self._done("joined")

    def _december(self) -> None:
        for part in range(PARTS):
            for at, (community, region) in enumerate(zip(self._communities, self._regions, strict=True)):
                community.record(region.during[part::PARTS])
                if part == PARTS - 1:
                    community.meet(*self._sitting.second(at), resolution=region.decisions[1])
            self._board.show()

    def _parted(self) -> bool:
        """Say whether the cut really parted the two sides: else what follows would show nothing."""
        found = self._board.look()
        return found[0].state != found[-1].state

    def _end(self, keep: Path | None, converged: bool) -> dict[str, Any]:
        found = self._board.look()
        converged = converged and level(found)
        as_said = converged and self._sitting.as_said
        seconds = time.monotonic() - self._began
        self._out.say("")
        if as_said:
            self._out.say(
                f"All {len(found)} hold the same {found[0].records:,} records and show the same state, "
                f"after {seconds:.1f} s.",
                "No server was in the middle: every record came from neighbour to neighbour.",
            )
        elif not converged:
            self._out.say(f"FAILED: after {seconds:.1f} s they do not hold the same.")
        else:
            self._out.say(
                "FAILED: all hold the same, but the assembly's results are not what was said of them."
            )
        self._out.say("", *SOURCES, "", *self._next(keep))
        return {
            "ok": as_said,
            "nodes": len(found),
            "records": max(held.records for held in found),
            "seconds": round(seconds, 2),
            "converged": converged,
            "state_root": found[0].state.hex() if converged else None,
            "phases": self._phases,
            **self._sitting.told(),
            "homes": [str(each.home.path) for each in self._communities] if keep else [],
            "sources": list(SOURCES),
        }

    def _next(self, keep: Path | None) -> list[str]:
        if keep is None:
            lines = [
                "What to type next:",
                "  fedsync demo --keep DIR        the same, and the nodes stay there to be looked into",
                "  fedsync init --help            a node for your own community",
            ]
        else:
            home = shlex.quote(str(self._communities[0].home.path))
            asks = (
                "status",
                "decisions list --body all",
                "stock list --body all",
                *self._sitting.asks(),
                "run",
            )
            lines = [
                f"The nodes are stopped; they stay in {keep}. What to type next:",
                *(f"  fedsync --home {home} {each}" for each in asks),
            ]
        if shutil.which("fedsync") is None:
            lines.append("(From a clone of the project, type scripts/run in place of fedsync.)")
        return lines

    def _done(self, name: str, reached: bool = True) -> None:
        now = time.monotonic()
        phase: dict[str, Any] = {"name": name, "seconds": round(now - self._since, 2), "reached": reached}
        if name in ("together", "cut", "healed"):
            phase["nodes"] = self._board.shown(self._board.look())
        self._phases.append(phase)
        self._since = now

    def _clock(self) -> str:
        return f"{time.monotonic() - self._began:.1f} s"


@contextmanager
def _place(keep: Path | None) -> Iterator[Path]:
    """Give a directory for the homes, and remove it afterwards unless it is to be kept."""
    if keep is not None:
        where = keep.expanduser().absolute()
        if where.exists() and (not where.is_dir() or any(where.iterdir())):
            raise usage(
                f"{keep} is not empty. Nothing was changed.", "Name a directory that does not exist yet."
            )
        where.mkdir(parents=True, exist_ok=True)
        yield where
        return
    where = Path(tempfile.mkdtemp(prefix="fedsync-demo-"))
    try:
        yield where
    finally:
        shutil.rmtree(where, ignore_errors=True)


@contextmanager
def _all_stopped(communities: Sequence[Community]) -> Iterator[None]:
    """Stop every daemon that was started, whatever happens; a second Ctrl-C does not leave one behind."""
    try:
        yield
    finally:
        with _deaf():
            for community in communities:
                community.ask_to_stop()
            for community in communities:
                community.stopped()


_ENDINGS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def _interruptible() -> Any:
    """Take SIGTERM and a closed terminal for Ctrl-C, so that what must be undone is."""
    return _handling(signal.default_int_handler)


def _deaf() -> Any:
    return _handling(signal.SIG_IGN)


@contextmanager
def _handling(handler: Any) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = {each: signal.signal(each, handler) for each in _ENDINGS}
    try:
        yield
    finally:
        for each, old in before.items():
            signal.signal(each, old)


def _file_name(name: str) -> str:
    """Return a name for a directory that is easily typed: "Valle d'Aosta" becomes valle-d-aosta."""
    bare = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    return "-".join("".join(each if each.isalnum() else " " for each in bare).split())
