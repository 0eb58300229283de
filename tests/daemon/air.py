"""Bad links between real daemons: a relay of datagrams that loses, repeats and reorders, and a modem that is a small program."""

import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from random import Random

from tests.daemon.village import Node

Place = tuple[str, int]


class Air:
    """Carries datagrams between two ports of its own, one for each side. Nothing of it is read."""

    def __init__(self, loss: float, seed: int = 1) -> None:
        self.loss = loss
        self.passed: list[bytes] = []
        """What came through, in both directions."""
        self._dice = Random(seed)
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(2)]
        self._places: list[Place | None] = [None, None]
        self._late: list[tuple[int, bytes]] = []
        self._over = False
        for each in self._sockets:
            each.bind(("127.0.0.1", 0))
            each.settimeout(0.05)
        self._tasks = [threading.Thread(target=self._carry, args=(side,)) for side in (0, 1)]
        self._lock = threading.Lock()

    def address(self, side: int) -> str:
        """Return where one side sends to."""
        return f"127.0.0.1:{self._sockets[side].getsockname()[1]}"

    def knows(self, side: int, place: Place) -> None:
        """Carry to a side that has said nothing yet."""
        self._places[side] = place

    def start(self) -> None:
        """Begin to carry."""
        for each in self._tasks:
            each.start()

    def stop(self) -> None:
        """End it."""
        self._over = True
        # Each sends from the other's socket, so none is closed before both are done.
        for task in self._tasks:
            task.join()
        for each in self._sockets:
            each.close()

    def _carry(self, side: int) -> None:
        while not self._over:
            try:
                data, source = self._sockets[side].recvfrom(65_536)
            except TimeoutError:
                continue
            with self._lock:
                self._places[side] = source
                if self._dice.random() < self.loss:
                    continue
                out = [(1 - side, data)]
                if self._dice.random() < 0.1:
                    out *= 2
                if self._dice.random() < 0.1:
                    self._late += out
                    continue
                out += self._late
                self._late = []
                for to, each in out:
                    place = self._places[to]
                    if place is not None:
                        self._sockets[to].sendto(each, place)
                        self.passed.append(each)


@contextmanager
def air(loss: float) -> Iterator[Air]:
    """Give air that carries until the end of the block."""
    made = Air(loss)
    made.start()
    try:
        yield made
    finally:
        made.stop()


def say(node: Node, peer: str, **settings: object) -> None:
    """Write a section [[link]] into a node's config.toml."""
    _write(node, "link", {"peer": peer, **settings})


def apart(*nodes: Node) -> None:
    """Keep nodes from finding each other on the local network: here it is about links that are worse."""
    for node in nodes:
        with node.home.config.open("a") as file:
            file.write("\n[lan]\nbeacon = false\n")


def say_broadcast(node: Node, **settings: object) -> None:
    """Write a section [[broadcast]] into a node's config.toml."""
    _write(node, "broadcast", settings)


def _write(node: Node, section: str, settings: dict[str, object]) -> None:
    lines = [f"{key} = {_toml(value)}\n" for key, value in settings.items()]
    with node.home.config.open("a") as file:
        file.write(f"\n[[{section}]]\n" + "".join(lines))


def _toml(value: object) -> str:
    match value:
        case bool():
            return str(value).lower()
        case list():
            return "[" + ", ".join(map(_toml, value)) + "]"
        case str() | Path():
            return f'"{value}"'
        case _:
            return str(value)


MODEM = '''
"""A modem for tests: frames on stdin go as datagrams to the other one's port, and what comes goes to stdout, as they are."""
import os, socket, sys, threading
own, other = int(sys.argv[1]), int(sys.argv[2])
air = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
air.bind(("127.0.0.1", own))
print("modem at", own, file=sys.stderr, flush=True)
def hear():
    while True:
        os.write(1, air.recv(65536))
threading.Thread(target=hear, daemon=True).start()
kept = b""
while data := os.read(0, 65536):
    kept += data
    *frames, kept = kept.split(b"\\xc0")
    for each in filter(None, frames):
        air.sendto(b"\\xc0" + each + b"\\xc0", ("127.0.0.1", other))
'''


def modem(path: Path, own: int, other: int) -> list[str]:
    """Return the command of a modem."""
    path.write_text(MODEM)
    return [sys.executable, str(path), str(own), str(other)]


def free_ports(number: int) -> list[int]:
    """Return ports for datagrams that nobody has now."""
    sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(number)]
    for each in sockets:
        each.bind(("127.0.0.1", 0))
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports
