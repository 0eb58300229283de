"""One community of the demo: a home, a daemon as a process of its own, and three tellers who act through it.

Where something has to arrive first, `await_seen` looks until it has: nobody sleeps and hopes.
"""

import ctypes
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from fedsync import config, control, keyring
from fedsync.acts import inviting
from fedsync.acts.author import Author
from fedsync.acts.books import minutes, people
from fedsync.acts.books.founding import found
from fedsync.acts.goods import recording as goods
from fedsync.crdt.books.decisions import decisions
from fedsync.data import Resolution
from fedsync.doors import DaemonDoor
from fedsync.errors import Problem
from fedsync.gossip.invite import Address
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, Scope
from fedsync.words import device_text, parse_device

TELLERS = ("Anna", "Bruno", "Carla")
THRESHOLD = 2
STOP_SECONDS = 10.0
"""How long a daemon may take to end before it is killed."""
READY_SECONDS = 60.0
"""How long a daemon may take to begin, on a slow board that starts 21 at once."""
ARRIVE_SECONDS = 120.0
"""How long one thing may take to arrive everywhere, on a slow board with 21 nodes."""
LOOK_SECONDS = 0.02
"""Between two looks at a store for what is to arrive."""
_PARENT_DIED = 1
"""PR_SET_PDEATHSIG of prctl(2)."""


T = TypeVar("T")
Entries = Callable[[Reading], Sequence[dict[str, Value]]]
"""What is to stand on a page, as the book and the votes are when it is drafted."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a node holds at a moment, as its store says."""

    records: int
    own: int
    """Records that were written here: by its tellers, its guests and its node."""
    decisions: int
    """Decisions in force, everybody's."""
    state: bytes


@dataclass(frozen=True, slots=True)
class Counted:
    """How many records a node holds: much quicker to tell than its state."""

    records: int
    own: int


@dataclass
class Community:
    """A community and its node."""

    name: str
    home: Home
    listen: config.Address
    _process: "subprocess.Popen[bytes] | None" = None
    _people: dict[str, Author] = field(default_factory=dict)
    _writers: set[tuple[Scope, Key]] = field(default_factory=set)
    """Whose records begin here, and in which book."""

    # --- Its node -----------------------------------------------------------------------------------------

    def found(self) -> None:
        """Make the community's node."""
        found(self.home.path, self.name, TELLERS, THRESHOLD, self.listen, lambda _: None)
        self._people = {name: Author.unlock(self.home, name, lambda: None) for name in TELLERS}
        with Reading.open(self.home) as reading:
            self._writers = {(reading.own().scope, each.key) for each in self._people.values()}

    def start(self) -> None:
        """Start the daemon; `await_ready` waits for it."""
        command = [sys.executable, "-m", "fedsync.cli.main", "--home", str(self.home.path), "run"]
        with open(self._log, "ab") as said:
            self._process = subprocess.Popen(
                [*command, "--ready-file", str(self._ready)],
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                # Ctrl-C is for the demo, which then stops its daemons in its own way.
                start_new_session=True,
                preexec_fn=_end_with(),
            )

    def await_ready(self) -> None:
        """Return when peers can connect. Raises a Problem when they never will."""
        until = time.monotonic() + READY_SECONDS
        while not self._ready.exists():
            self.look()
            if time.monotonic() > until:
                raise Problem(
                    "slow", f"The daemon of {self.name} did not start within {READY_SECONDS:.0f} s."
                )
            time.sleep(0.01)

    def look(self) -> None:
        """Raise a Problem when the daemon has ended."""
        if self._process is not None and self._process.poll() is not None:
            last = self._log.read_text(errors="replace").strip().splitlines()[-1:]
            raise Problem("daemon_ended", f"The daemon of {self.name} has ended: {' '.join(last)}")

    def ask_to_stop(self) -> None:
        """Ask the daemon to end; `stopped` waits for it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()

    def stopped(self) -> None:
        """Return when the daemon is gone, by force if it does not go."""
        if self._process is None:
            return
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process = None

    @property
    def _ready(self) -> Path:
        return self.home.path / "ready"

    @property
    def _log(self) -> Path:
        return self.home.path / "daemon.log"

    # --- Its peers ----------------------------------------------------------------------------------------

    def invite(self, other: "Community") -> str:
        """Return the code of an invitation for another community."""
        address = Address(self.listen.host, self.listen.port)
        with Reading.open(self.home) as reading:
            door = DaemonDoor(self.home)
            return inviting.invite(self.home, reading, door, other.name, [address], days=1).code()

    def join(self, code: str) -> None:
        """Use an invitation."""
        control.call(self.home.connect_control, "join", code=code, addresses=[str(self.listen)])

    def pause(self, other: "Community", paused: bool) -> None:
        """Stop exchanging with a peer, or begin again."""
        control.call(self.home.connect_control, "pause_peer", name=other.name, paused=paused)

    # --- Its people ---------------------------------------------------------------------------------------

    def author(self, name: str) -> Author:
        """Return somebody who signs here: a teller, or a guest."""
        return self._people[name]

    def record(self, lines: Sequence[goods.Line]) -> None:
        """Write movements down: Anna what comes in and goes back, Bruno what is used."""
        with Reading.open(self.home) as reading:
            for name, used in (("Anna", False), ("Bruno", True)):
                theirs = [line for line in lines if (line.action == "consume") == used]
                if theirs:
                    goods.record_lines(self._people[name], reading, DaemonDoor(self.home), theirs)

    def meet(self, *entries: Entries, resolution: Resolution | None = None) -> None:
        """Hold a meeting, which is one page: Carla drafts it, two sign, and both approve."""
        anna, carla, door = self._people["Anna"], self._people["Carla"], DaemonDoor(self.home)
        with Reading.open(self.home) as reading:
            content = [entry for each in entries for entry in each(reading)]
            if resolution is not None:
                text = f"{resolution.title}\n({resolution.number}, {resolution.day.isoformat()})"
                content.append(minutes.decision(resolution.title, text))
            page, _ = minutes.enter(carla, reading, door, reading.own().scope, content)
            minutes.sign(carla, reading, door, page)
            minutes.sign(anna, reading, door, page)  # the second of two: this approves, too
            minutes.approve(carla, reading, door, page)

    # --- Its guests ---------------------------------------------------------------------------------------

    def lodge(self, name: str, of: Scope) -> str:
        """Make a key here for somebody of another community; return the line that names it there."""
        with Reading.open(self.home) as reading:
            own, incarnation = reading.own().scope, reading.store.directory.incarnation
            anna, door = self._people["Anna"], DaemonDoor(self.home)
            key, _ = people.add(anna, reading, door, own, name, None, None, lambda _: None)
        self._people[name] = Author.unlock(self.home, name, lambda: None)
        self._writers.add((of, key))
        return device_text(key, incarnation)

    def name_guest(self, name: str, line: str) -> Key:
        """Say in our book whose key it is that was made elsewhere; return it."""
        with Reading.open(self.home) as reading:
            anna, door, own = self._people["Anna"], DaemonDoor(self.home), reading.own().scope
            people.add(anna, reading, door, own, name, None, line, lambda _: None)
        return parse_device(line)[0]

    # --- What it holds ------------------------------------------------------------------------------------

    def held(self) -> Held:
        """Return what the node's store holds now."""
        self.look()
        with Reading.open(self.home) as reading:
            counted = self._counted(reading)
            return Held(
                counted.records,
                counted.own,
                sum(
                    each.status == "in_force"
                    for body in reading.store.followed.all()
                    for each in decisions(reading.view, body.scope)
                ),
                reading.state_root(),
            )

    def counted(self) -> Counted:
        """Return how many records the node's store holds now."""
        self.look()
        with Reading.open(self.home) as reading:
            return self._counted(reading)

    def _counted(self, reading: Reading) -> Counted:
        logs = reading.store.logs
        named = [log for scope, key in self._writers for log in logs.named(scope, key)]
        return Counted(logs.count(), sum(head.seq + 1 for log in named for head in logs.heads(log)))

    def node_seals(self, scope: Scope) -> None:
        """Note that the node writes in this book, too."""
        self._writers.add((scope, Key(public_key(keyring.load_node_key(self.home)))))

    def await_seen(self, what: str, seen: Callable[[Reading], T | None]) -> T:
        """Look into the store until `seen` finds what it looks for, and return that. Raises a Problem when it never comes."""
        until = time.monotonic() + ARRIVE_SECONDS
        while True:
            self.look()
            with Reading.open(self.home) as reading:
                found = seen(reading)
            if found is not None:
                return found
            if time.monotonic() > until:
                raise Problem("slow", f"At {self.name} there is no {what} after {ARRIVE_SECONDS:.0f} s.")
            time.sleep(LOOK_SECONDS)


def _end_with() -> Callable[[], None] | None:
    """Return what ends a child when we are killed and cannot end it ourselves; Linux knows how."""
    if not sys.platform.startswith("linux"):
        return None
    # Looked up here: between fork and exec nothing should be loaded.
    prctl = ctypes.CDLL(None).prctl

    def end_with_parent() -> None:
        prctl(_PARENT_DIED, signal.SIGTERM)

    return end_with_parent
