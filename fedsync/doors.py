"""The way in for what is written here: through the daemon when it runs, else into the store itself.

Either way it is the same door of the same node; only who holds the store differs.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from fedsync import control
from fedsync.errors import Exit, Problem, copied_home, refused
from fedsync.home import Home, HomeLock
from fedsync.keyring import load_node_key
from fedsync.node import Node, Taken, Verdict, open_node
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, PageId, Scope
from fedsync.sealing import seal_pages

if TYPE_CHECKING:
    from fedsync.gossip.bundles.chunks import Piece


class Door(Protocol):
    """What takes our own records."""

    def take(self, blocks: Sequence[bytes], once: bytes | None = None) -> None:
        """Take sealed blocks, durably, all or none. Raises a Problem (exit 7) when the rules refuse them.

        `once`: 32 bytes that name what is taken, if it must not be taken a second time.
        """
        ...

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        """Do something else than taking records; see `operations`. Raises a Problem."""
        ...

    def close(self) -> None:
        """Let go of the node."""
        ...


class DaemonDoor:
    """The door of the daemon that runs in this home."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def take(self, blocks: Sequence[bytes], once: bytes | None = None) -> None:
        """Take blocks; the daemon answers when they are durable."""
        self.call("take", blocks=[block.hex() for block in blocks], once=once.hex() if once else None)

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        """Ask the daemon."""
        return control.call(self._home.connect_control, op, **arguments)

    def close(self) -> None:
        """Do nothing: the daemon goes on."""


class LocalDoor:
    """The node itself, opened for as long as one command takes; nobody else may hold it meanwhile."""

    def __init__(self, home: Home, lock: HomeLock) -> None:
        self._lock = lock
        self._node_key = load_node_key(home)
        self.node: Node = open_node(home)

    def take(self, blocks: Sequence[bytes], once: bytes | None = None) -> None:
        """Take blocks into the store."""
        take_own(self.node, blocks, once)
        self._settle()

    def call(self, op: str, **arguments: object) -> dict[str, Any]:
        """Do it here, if it can be done without the daemon."""
        from fedsync.operations import perform

        return perform(self.node, op, arguments)

    def take_file(self, found: "Iterable[Piece]") -> dict[str, Any]:
        """Take the chunks of a bundle's file into the store, in as many steps as it needs."""
        # Here, since few commands take in a file, and those that do not begin sooner.
        from fedsync import handing
        from fedsync.bundling import Taking, batches

        taking = Taking(self.node, public_key(self._node_key))
        for batch in batches(found):
            taking.take(batch)
        taking.end()
        self._settle()
        return handing.told(taking.came)

    def _settle(self) -> None:
        """Do what a node does by itself when something has come, and for which no daemon may run for months."""
        self.node.let_in_early()
        seal_pages(self.node, self._node_key)
        self.node.kindred.look(self.node.state)
        if self.node.kindred.lacking():
            follow_kin(self.node)

    def close(self) -> None:
        """Close the store, so that others may hold the node."""
        self.node.store.close()
        self._lock.release()


@contextmanager
def open_door(home: Home) -> Iterator[Door]:
    """Hold a door open while a command writes. Raises HomeInUse and the store's errors."""
    door = _door(home)
    try:
        yield door
    finally:
        door.close()


def _door(home: Home) -> Door:
    """Return the daemon's door, or the node itself when no daemon runs."""
    try:
        control.call(home.connect_control, "ping")
    except control.NotRunning:
        lock = home.lock()
        try:
            return LocalDoor(home, lock)
        except BaseException:
            lock.release()
            raise
    return DaemonDoor(home)


def take_file(door: Door, found: "Iterable[Piece]") -> dict[str, Any]:
    """Take in the chunks of a bundle's file; return what came of it, as `handing.told` says it."""
    if isinstance(door, LocalDoor):
        return door.take_file(found)
    from fedsync import handing

    number = door.call("bundle_begin")["number"]
    for group in handing.groups(found):
        door.call("bundle_more", number=number, chunks=group)
    return {key: each for key, each in door.call("bundle_end", number=number).items() if key != "ok"}


def follow_kin(node: Node, heard: Iterable[tuple[Scope, PageId, Key]] = ()) -> bool:
    """Follow what our own book makes kin by now, durably; return whether that is something new.

    `heard`: what peers announce now, besides what is kept of it.
    """
    node.begin()
    try:
        more = node.follow_kin(heard)
        node.settle()
    except BaseException:
        node.rollback()
        raise
    node.commit()
    return more


def once_in(arguments: Mapping[str, Any]) -> bytes | None:
    """Return the `once` that a command sent to the daemon."""
    said = arguments.get("once")
    return bytes.fromhex(said) if said else None


def take_own(node: Node, blocks: Sequence[bytes], once: bytes | None = None) -> list[Taken]:
    """Take blocks of our own into `node`, all or none. Raises a Problem (exit 7) when one is refused."""
    may = node.store.directory.may_write_own_logs()
    if not may.ok:
        raise copied_home(may.reason)
    node.begin()
    try:
        if once is not None:
            _note_once(node, once)
        outcomes = node.take([(block, None) for block in blocks])
        for taken in outcomes:
            # A parked block of somebody else's may come in with a page of ours; only ours must all be taken.
            if taken.origin is None and taken.verdict is not Verdict.TAKEN:
                raise _not_taken(taken)
        node.settle()
    except BaseException:
        node.rollback()
        raise
    node.commit()
    return outcomes


def _note_once(node: Node, once: bytes) -> None:
    """Note in the open batch that this is taken. Raises a Problem (exit 7) when it was before."""
    key = f"taken {once.hex()}"
    if node.store.meta.get(key) is not None:
        raise refused(
            "taken_before",
            "The very same movements were recorded here before; nothing was written.",
            "If they did happen twice, add --again.",
        )
    node.store.meta.set(key, node.now())


def _not_taken(taken: Taken) -> Problem:
    if taken.verdict in (Verdict.NO_BASE, Verdict.FORKED, Verdict.KNOWN, Verdict.BEYOND):
        return Problem(
            "meanwhile",
            "Somebody else wrote with the same key meanwhile; nothing was changed.",
            "Type the command again.",
            Exit.REFUSED,
        )
    hint = (
        "See who has a seat: fedsync bodies show"
        if taken.code == "unknown-author"
        else "Nothing was changed."
    )
    return refused(taken.code or taken.verdict.value, f"The record was not taken: {taken.reason}.", hint)
