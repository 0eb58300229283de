"""Whole daemons in one trio loop: real stores, real TLS and links, a network in memory, and a clock that jumps.

Everything is the program's own down to trio's sockets (`wire.py`) and threads: what would wait in a thread is done in
the loop, so that the same seed takes the same steps. A story is told to two nodes while a `Hand` notes the steps that
one of them takes, each with the checkpoint at which the task stood, and at one of these does something to it: the node is
cancelled as a whole, or told to stop; the task is cancelled alone; a link goes.
"""

import json
import random
import shutil
import signal
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, TypeVar
from unittest.mock import patch

import trio
from trio.testing import MockClock

import fedsync
from fedsync import config
from fedsync.acts.author import Author
from fedsync.acts.books.founding import found
from fedsync.acts.goods.recording import Line, record_lines
from fedsync.acts.inviting import invite
from fedsync.config import Address
from fedsync.daemon.process import _serve
from fedsync.daemon.run import Daemon
from fedsync.doors import open_door
from fedsync.gossip.events import Peer
from fedsync.gossip.invite import Address as InvitationAddress
from fedsync.home import Home
from fedsync.node import Node, open_node
from fedsync.reading import Reading
from fedsync.store.reading import open_reader
from fedsync.store.verify import Fault, verify
from tests.daemon.wire import Wire

T = TypeVar("T")
Deed = Literal["die", "stop", "task", "cut", "replace", "pause"]
NOON = 1_760_000_000_000
LIMIT = 3600.0
"""Virtual seconds within which the story is told: calling again waits 300 s at most."""
MOST_STEPS = 60_000
"""Steps of all tasks: a story takes some thousands, and one that spins would never reach the limit in time."""
EARLY = 0.25
"""Virtual seconds between two looks."""


class Checkpoint(NamedTuple):
    """Where a task stands that is about to go on."""

    task: str
    """What the task is for: the first function of ours in it."""
    place: str
    """The line of ours that waits, as file:line; "" of a task that has not begun."""


@dataclass
class House:
    """A community's home, the blocks that its people will write, and its daemon while that runs."""

    home: Home
    port: int
    first: tuple[bytes, ...] = ()
    second: tuple[bytes, ...] = ()
    invitation: str = ""
    daemon: Daemon | None = None
    task: trio.lowlevel.Task | None = None
    nursery: trio.Nursery | None = None
    scope: trio.CancelScope = field(default_factory=trio.CancelScope)
    seen: dict[bytes, int] = field(default_factory=dict)
    """How far each log was durable when the daemon was last looked at."""
    left: bool = False
    """It was stopped for good."""


class Basket:
    """A door that keeps the blocks for later."""

    def __init__(self) -> None:
        self.blocks: tuple[bytes, ...] = ()

    def take(self, blocks: Sequence[bytes], once: bytes | None = None) -> None:
        self.blocks += tuple(blocks)

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        raise AssertionError(op)

    def close(self) -> None:
        pass


def build(path: Path) -> list[House]:
    """Found two communities, with an invitation for the second and movements sealed by two tellers; keep a copy."""
    houses = []
    for port, name in enumerate(("Oakfield", "Mill Lane"), 7001):
        found(path / str(port), name, ("Ann", "Ben"), 2, Address("127.0.0.1", 0), lambda _: None)
        houses.append(House(Home(path / str(port)), port))
    with Reading.open(houses[0].home) as reading, open_door(houses[0].home) as door:
        address = InvitationAddress("127.0.0.1", houses[0].port)
        houses[1].invitation = invite(houses[0].home, reading, door, "Mill Lane", [address], 7).code()
    for house in houses:
        with Reading.open(house.home) as reading:
            house.first = _sealed(house, reading, "Ann", 5)
            house.second = _sealed(house, reading, "Ben", 3)
        with house.home.lock():
            open_node(house.home).store.close()  # the last to close, so that all is in the one file
        shutil.copyfile(house.home.store, house.home.path / "store.kept")
    return houses


def _sealed(house: House, reading: Reading, teller: str, count: int) -> tuple[bytes, ...]:
    basket = Basket()
    lines = [Line("raise", "Oats", 100 + each, "g", "Granary", NOON) for each in range(count)]
    record_lines(Author.unlock(house.home, teller, lambda: None), reading, basket, lines)
    return basket.blocks


def reset(house: House) -> None:
    """Put the store back as it was built, in its place: a copy would not be the same node."""
    for end in ("-wal", "-shm"):
        house.home.store.with_name(house.home.store.name + end).unlink(missing_ok=True)
    shutil.copyfile(house.home.path / "store.kept", house.home.store)
    house.seen, house.left = {}, False


class Hand(trio.abc.Instrument):
    """Notes the steps of one house's tasks, and does a deed before the step with the number `at`."""

    def __init__(self, house: House, deed: Deed, at: int, wire: Wire) -> None:
        self.house, self.deed, self.at, self.wire = house, deed, at, wire
        self.all_steps = 0
        self.stood: list[Checkpoint] = []
        """Where each task stood at each step."""
        self.alone: dict[trio.lowlevel.Task, trio.CancelScope] = {}
        """Of each task that may be cancelled alone, the scope that does so."""
        self.done = self.active = False
        self.spun: trio.CancelScope | None = None
        self.failed: BaseException | None = None
        self.took = 0.0
        """Virtual seconds from the deed, or from the beginning, to the end of the story."""

    def before_task_step(self, task: trio.lowlevel.Task) -> None:
        """Count, and act when it is time."""
        self.all_steps += 1
        if self.all_steps > MOST_STEPS and self.spun is not None:
            self.spun.cancel()
        if not self.active or not self._is_ours(task):
            return
        self.stood.append(checkpoint(task))
        if self.steps >= self.at and not self.done and self.house.daemon is not None:
            self.done = True
            try:
                self._act(self.house.daemon, task)
            except BaseException as error:  # trio would only log it, and go on without us
                self.failed = error

    @property
    def steps(self) -> int:
        """How many steps the house's tasks have taken."""
        return len(self.stood)

    def _is_ours(self, task: trio.lowlevel.Task) -> bool:
        each: trio.lowlevel.Task | None = task
        while each is not None:
            if each is self.house.task:
                return True
            each = each.parent_nursery.parent_task if each.parent_nursery else None
        return False

    def _act(self, daemon: Daemon, task: trio.lowlevel.Task) -> None:
        self.house.seen = tips(self.house.home)
        self.took = trio.current_time()
        match self.deed:
            case "die":
                self.house.scope.cancel()
            case "task":
                self._of(task).cancel()
            case "stop":
                daemon.stopping.set()
            case "cut":
                self.wire.cut()
            case "replace":
                for connection in list(daemon.links.connections.values()):
                    connection.link.cut("closed", "a newer connection to this peer took its place")
                    connection.scope.cancel()
            case "pause":
                # What `Daemon._refresh` does when the operator pauses a peer, and when he takes it back.
                wanted = {peer: calling.addresses for peer, calling in daemon.dialler.callings.items()}
                for peer in list(daemon.links.connections):
                    daemon.links.drop(Peer(peer), "the operator paused or removed this peer")
                daemon.dialler.want({})
                if self.house.nursery is not None and self.house.nursery.child_tasks:
                    # Else all of its tasks have ended, so that none could ask for this.
                    daemon.dialler.want(wanted)

    def _of(self, task: trio.lowlevel.Task) -> trio.CancelScope:
        """Return what cancels a task and no other; for one that the node cannot live without, the node."""
        while task is not self.house.task:
            if task.parent_nursery is self.house.nursery:
                return self.house.scope
            if task in self.alone:
                return self.alone[task]
            assert task.parent_nursery is not None
            task = task.parent_nursery.parent_task
        return self.house.scope


def checkpoint(task: trio.lowlevel.Task) -> Checkpoint:
    """Return where a task stands."""
    name, place = "", ""
    at: Any = task.coro
    while at is not None:
        frame = getattr(at, "cr_frame", None) or getattr(at, "gi_frame", None)
        path = Path(frame.f_code.co_filename) if frame is not None else Path()
        if frame is not None and path.is_relative_to(OURS):
            file = path.relative_to(OURS)
            place = f"{file}:{frame.f_lineno}"
            if not name and frame.f_code.co_name != "_keep_up":
                name = f"{file.stem}.{frame.f_code.co_name}"
        at = getattr(at, "cr_await", None) or getattr(at, "gi_yieldfrom", None)
    return Checkpoint(name or task.name.rpartition(".")[2], place)


OURS = Path(fedsync.__file__).parent
NAMED_APART = ("fedsync", "trio._highlevel_serve_listeners._run_handler")
"""Tasks that can end alone: ours, and those that hear one connection. Others are the inside of something."""


def tips(home: Home) -> dict[bytes, int]:
    """Return how far each log is durable."""
    with closing(sqlite3.connect(f"file:{home.store}?mode=ro", uri=True)) as conn:
        rows = conn.execute("SELECT l.id, max(h.seq) FROM logs l JOIN heads h ON h.log = l.no GROUP BY 1")
        return dict(rows.fetchall())


class Shell:
    """Two houses on one wire, and the story that is told to them."""

    def __init__(self, houses: Sequence[House], victim: int, deed: Deed = "die", at: int = 1 << 60) -> None:
        self.houses, self.wire = houses, Wire()
        self.hand = Hand(houses[victim], deed, at, self.wire)
        self.over = False
        self.alike = self.houses
        """Those that come to the same."""

    def play(self, seed: int) -> Hand:
        """Tell the story once, from the beginning, and check that all is whole at the end."""
        for house in self.houses:
            reset(house)
        with _in_the_loop(seed), _each_alone(self.hand.alone):
            clock = MockClock(autojump_threshold=0)
            trio.run(self._play, clock=clock, instruments=[self.hand])
        for house in self.houses:
            check_whole(house)
        _rebuilt_alike(self.alike)
        if self.hand.failed is not None:
            raise self.hand.failed
        return self.hand

    async def _play(self) -> None:
        trio.socket.set_custom_socket_factory(self.wire)
        with trio.CancelScope() as self.hand.spun, trio.fail_after(LIMIT):
            async with trio.open_nursery() as nursery:
                for house in self.houses:
                    nursery.start_soon(self._keep_up, house)
                self.hand.active = True
                await self._story()
                self.hand.took = trio.current_time() - self.hand.took
        assert not self.hand.spun.cancelled_caught, f"no end after {MOST_STEPS} steps"

    async def _story(self) -> None:
        """Write, be introduced, write, be equal; be cut, write, meet again, be equal; stop."""
        one, two = self.houses
        await self._write(one, one.first)
        await self._done(
            two, "join", ("unreachable",), code=two.invitation, addresses=[f"127.0.0.1:{two.port}"]
        )
        await self._write(two, two.first)
        await self._equal()
        self.wire.cut()
        await self._write(one, one.second)
        await self._write(two, two.second)
        await self._equal()
        self.over = True
        for house in self.houses:
            while not house.left:
                await self._ask(house, "stop")
                await trio.sleep(EARLY)

    async def _keep_up(self, house: House) -> None:
        """Run a house's daemon, and again when it was ended; between two lives its store must be whole."""
        while True:
            await self._live(house)
            check_whole(house)
            if self.over:
                house.left = True
                return
            await trio.sleep(EARLY)

    async def _live(self, house: House) -> None:
        settings = self._settings(house)
        with house.home.lock():
            node = open_node(house.home)
            node.store.conn.execute("PRAGMA synchronous = OFF")  # programs end here, and no plug is pulled
            house.task, house.scope = trio.lowlevel.current_task(), trio.CancelScope()
            try:
                with house.scope, open_reader(house.home.store) as reader:
                    async with trio.open_nursery() as nursery:
                        house.nursery = nursery
                        house.daemon = Daemon(house.home, node, reader, settings, nursery)
                        await _serve(house.daemon, nursery, None)
            finally:
                house.daemon = house.task = None
                node.store.close()
                self.wire.vacate(house.port)

    def _settings(self, house: House) -> config.Config:
        return replace(config.load(house.home.config), listen=Address("127.0.0.1", house.port))

    # --- What people do ---

    async def _write(self, house: House, blocks: Sequence[bytes]) -> None:
        """Have blocks taken: those that a daemon took which ended before it could say so are taken already."""
        await self._done(house, "take", blocks=[block.hex() for block in blocks], enough="meanwhile")
        house.seen = tips(house.home)

    async def _done(
        self, house: House, op: str, again: Sequence[str] = (), *, enough: str = "", **arguments: object
    ) -> None:
        """Ask again and again until a daemon has said that it is done, as a person would."""
        while True:
            answer = await self._ask(house, op, **arguments)
            if answer is not None and (answer["ok"] or answer["error"]["code"] == enough):
                return
            assert answer is None or answer["error"]["code"] in again, answer
            await trio.sleep(EARLY)

    async def _ask(self, house: House, op: str, **arguments: object) -> dict[str, Any] | None:
        """Ask a daemon over its control socket; None when there is none, or it went away."""
        try:
            stream = trio.SocketStream(trio.socket.from_stdlib_socket(house.home.connect_control()))
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        async with stream:
            said = b""
            try:
                await stream.send_all(json.dumps({"op": op, **arguments}).encode() + b"\n")
                while not said.endswith(b"\n"):
                    piece = await stream.receive_some()
                    if not piece:
                        return None
                    said += piece
            except trio.BrokenResourceError:
                return None
        answer: dict[str, Any] = json.loads(said)
        return answer

    async def _equal(self) -> None:
        """Wait until both hold the same, and at least what each had acknowledged."""
        while True:
            one, two = (tips(house.home) for house in self.alike)
            if one == two and all(
                one.get(log, -1) >= seq for house in self.alike for log, seq in house.seen.items()
            ):
                return
            await trio.sleep(EARLY)


def check_whole(house: House) -> None:
    """Look at the store of a daemon that ended: nothing is wrong in it, and nothing that was durable is gone."""
    with open_reader(house.home.store) as reader:
        assert [each for each in verify(reader) if isinstance(each, Fault)] == []
    held = tips(house.home)
    lost = {log.hex()[:8]: seq for log, seq in house.seen.items() if held.get(log, -1) < seq}
    assert not lost, f"what was durable is gone: {lost}"


def _rebuilt_alike(houses: Sequence[House]) -> None:
    """Look at the state of both, kept and worked out again: four times the same."""
    roots = set()
    for house in houses:
        with Reading.open(house.home) as reading:
            roots.add(reading.state_root())
        with house.home.lock(), closing(open_node(house.home).store) as store:
            node = Node(store)
            node.rebuild()
            roots.add(node.state_root())
    assert len(roots) == 1


@contextmanager
def _in_the_loop(seed: int) -> Iterator[None]:
    """Make a run follow from its seed: the order of tasks, the dice of pauses, and threads, which do not exist."""
    random.seed(seed)
    trio._core._run._r.seed(seed)
    with (
        patch.object(trio.to_thread, "run_sync", _without_a_thread),
        patch.object(trio, "open_signal_receiver", _no_signals),
    ):
        yield


class _Never:
    """No signal ever."""

    def __aiter__(self) -> "_Never":
        return self

    async def __anext__(self) -> int:
        await trio.sleep_forever()


@contextmanager
def _no_signals(*_: signal.Signals) -> Iterator[_Never]:
    """Stand in for the daemon's ear: a signal is for the program around the loop, which else could not be told to stop."""
    yield _Never()


@contextmanager
def _each_alone(scopes: dict[trio.lowlevel.Task, trio.CancelScope]) -> Iterator[None]:
    """Give each task that is started a scope of its own."""
    start_soon = trio.Nursery.start_soon

    def start(nursery: trio.Nursery, do: Callable[..., Any], *arguments: Any, name: object = None) -> None:
        whole = f"{getattr(do, '__module__', '')}.{getattr(do, '__qualname__', '')}"
        if not whole.startswith(NAMED_APART):
            start_soon(nursery, do, *arguments, name=name)
            return

        async def alone() -> None:
            with trio.CancelScope() as scopes[trio.lowlevel.current_task()]:
                await do(*arguments)

        start_soon(nursery, alone, name=name or whole)

    with patch.object(trio.Nursery, "start_soon", start):
        yield


async def _without_a_thread(work: Callable[..., T], *arguments: Any) -> T:
    """Do what a thread would: who waits for it may be cancelled before it, and no more once it began."""
    await trio.lowlevel.checkpoint_if_cancelled()
    # Others go on meanwhile, before it and after it.
    await trio.lowlevel.cancel_shielded_checkpoint()
    try:
        return work(*arguments)
    finally:
        await trio.lowlevel.cancel_shielded_checkpoint()
