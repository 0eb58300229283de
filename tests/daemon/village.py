"""Communities as real processes on loopback, and what people do to them: write, pull plugs, look.

Writing goes as the command line's does (the person's key here, the door of the daemon or of the store), without a
process for each word. Every node that a test makes is stopped by the fixture `village`.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

from fedsync import control
from fedsync.acts.author import Author
from fedsync.acts.books import minutes
from fedsync.acts.books.founding import found
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.config import Address
from fedsync.doors import Door, open_door
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.ids import PageId
from tests import forked

ROOT = Path(__file__).resolve().parents[2]
SOON = 180.0
"""Seconds within which what must happen has happened, on a slow machine with other things to do."""
AT_ONCE = 20.0
"""Seconds within which something happens for which nothing is waited, on such a machine: less than any BEAT or call that comes
by itself, and many times what it takes."""
ANEW = ("env",)
"""What stands before a command whose daemon is to start as it does for people."""
BEFORE = 3
"""Words before those that are fedsync's own."""
TELLERS = ("Ann", "Ben", "Cleo")
NOON = 1_760_000_000_000


def until(claim: Callable[[], object], within: float = SOON, why: Callable[[], str] = str) -> Any:
    """Ask again and again until `claim` gives something true, and return it. Fails after `within` seconds."""
    end = time.monotonic() + within
    while not (found := claim()):
        if time.monotonic() > end:
            raise AssertionError(f"not within {within} s: {why()}")
        time.sleep(0.02)
    return found


def environment() -> dict[str, str]:
    """Return what a process of ours finds around it."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


class Node:
    """One community: its home, its tellers, and its daemon when that runs."""

    def __init__(
        self,
        path: Path,
        name: str,
        tellers: tuple[str, ...] = TELLERS,
        listen: str = "127.0.0.1",
        inside: tuple[str, ...] = (),
    ) -> None:
        """Found a community, or take the home that lies there. `inside`: words before the command that runs its daemon.

        `listen`: a host, or none for a node that only calls. With `inside` it is a program that starts from nothing; else it
        is forked from one that has imported all, which is sooner there.
        """
        self.name, self.tellers, self.inside = name, tellers, inside
        self.home = Home(path)
        self.ready, self.log_file = path.with_suffix(".ready"), path.with_suffix(".log")
        self.process: subprocess.Popen[bytes] | forked.Forked | None = None
        if not self.home.store.exists():
            at = None if listen == "none" else Address(listen, 0)
            found(path, name, tellers, len(tellers) // 2 + 1, at, lambda _: None)

    # --- The daemon -------------------------------------------------------------------------------------

    def start(self, wait: bool = True) -> None:
        """Start the daemon, and wait until peers can connect."""
        self.ready.unlink(missing_ok=True)
        line = command(self.home.path, "run", "--ready-file", self.ready)
        with self.log_file.open("ab") as log, open(os.devnull, "r+b") as nothing:
            if self.inside:
                self.process = subprocess.Popen(
                    [*self.inside, *line], stdin=nothing, stdout=nothing, stderr=log, env=environment()
                )
            else:
                streams = [each.fileno() for each in (nothing, nothing, log)]
                self.process = forked.start(line[BEFORE:], streams, environment())
        if wait:
            self.wait_ready()

    def wait_ready(self) -> str:
        """Return host:port, once peers can connect."""
        until(lambda: self.ready.exists() or not self.alive, why=self.said)
        assert self.alive, self.said()
        return self.ready.read_text()

    @property
    def alive(self) -> bool:
        """Whether the daemon runs."""
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        """Send the daemon a signal."""
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask the daemon to end and return its exit code."""
        assert self.process is not None
        self.send(number)
        return self.process.wait(SOON)

    def kill(self) -> None:
        """Pull the plug."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def said(self) -> str:
        """Return what the daemon logged."""
        return self.log_file.read_text() if self.log_file.exists() else ""

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        """Ask the running daemon."""
        return control.call(self.home.connect_control, op, **arguments)

    def peer(self, name: str) -> dict[str, Any]:
        """Return how it stands with a peer; empty when there is none of this name."""
        rows = self.call("status")["peers"]
        return next((row for row in rows if row["name"] == name), {})

    # --- The command line -------------------------------------------------------------------------------

    def run(self, *words: object, stdin: str = "", code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run a command in a process of its own; it must end with `code`."""
        done = forked.run(command(self.home.path, *words)[BEFORE:], environment(), stdin, SOON * 3)
        assert code is None or done.returncode == code, (words, done)
        return done

    def json(self, *words: object, stdin: str = "", code: int | None = 0) -> dict[str, Any]:
        """Run a command and return the JSON that it answers."""
        value: dict[str, Any] = json.loads(self.run(*words, "--json", stdin=stdin, code=code).stdout)
        return value

    # --- What people write ------------------------------------------------------------------------------

    @contextmanager
    def pen(self, teller: str) -> Iterator[tuple[Author, Reading, Door]]:
        """Hold a teller's key and the way in."""
        author = Author.unlock(self.home, teller, lambda: None)
        with Reading.open(self.home) as reading, open_door(self.home) as door:
            yield author, reading, door

    def move(self, teller: str, *quantities: int, item: str = "Oats", action: str = "raise") -> None:
        """Record movements of goods."""
        with self.pen(teller) as (author, reading, door):
            lines = [Line(action, item, each, "g", "Granary", NOON) for each in quantities]
            record_lines(author, reading, door, lines)

    def decide(self, title: str, *tellers: str) -> PageId:
        """Draft a page with a decision, and have these sign it; the first one drafts."""
        with self.pen(tellers[0]) as (author, reading, door):
            page, _ = minutes.propose(author, reading, door, title, f"We decided: {title}.")
        for teller in tellers:
            with self.pen(teller) as (author, reading, door):
                minutes.sign(author, reading, door, page)
        return page

    # --- What is seen -----------------------------------------------------------------------------------

    def root(self) -> str:
        """Return the state root, read beside the daemon."""
        with Reading.open(self.home) as reading:
            return reading.state_root().hex()

    def records(self) -> int:
        """Return how many records are durable here."""
        with Reading.open(self.home) as reading:
            return reading.store.logs.count()

    def stock(self, item: str = "Oats") -> int:
        """Return what is on hand of an item of our own."""
        from fedsync.crdt.goods.levels import levels

        with Reading.open(self.home) as reading:
            rows = levels(reading.view, reading.own().scope)
            return sum(row.on_hand or 0 for row in rows if row.item == item)


def command(home: Path, *words: object) -> list[str]:
    """Return the words that run a command as a process."""
    return [sys.executable, "-m", "fedsync.cli.main", "--home", str(home), *map(str, words)]


class Village:
    """The nodes of one test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.nodes: list[Node] = []

    def node(
        self, name: str, start: bool = True, tellers: tuple[str, ...] = TELLERS, listen: str = "127.0.0.1"
    ) -> Node:
        """Found a community, or take the home that lies there, and start its daemon."""
        node = Node(self.path / name.lower().replace(" ", "-"), name, tellers, listen)
        self.nodes.append(node)
        if start:
            node.start()
        return node

    def introduce(self, inviter: Node, joiner: Node) -> None:
        """Let one community join another; both daemons run."""
        code = inviter.json("invite", joiner.name)["code"]
        joiner.run("join", "-", "--yes", stdin=code)

    def line(self, *names: str) -> list[Node]:
        """Return running nodes, each of which knows only the one before it and the one after it."""
        nodes = [self.node(name) for name in names]
        for one, other in pairwise(nodes):
            self.introduce(one, other)
        return nodes

    def end(self) -> None:
        """Stop all that still runs."""
        for node in self.nodes:
            if node.alive:
                node.send(signal.SIGCONT)
                node.kill()


def equal(*nodes: Node, within: float = SOON) -> str:
    """Wait until all show the same state, and return its root."""
    until(lambda: len({node.root() for node in nodes}) == 1, within, lambda: told(*nodes))
    return nodes[0].root()


def told(*nodes: Node) -> str:
    """Return what the nodes say of themselves, for whoever must find out why they differ."""
    parts = []
    for node in nodes:
        parts.append(f"== {node.name}: {node.records()} records, {node.root()[:16]}, alive: {node.alive}")
        if node.alive:
            parts += [str(row) for row in node.call("status")["peers"]]
        parts.append("\n".join(node.said().splitlines()[-12:]))
    return "\n".join(parts)
