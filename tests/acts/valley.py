"""Communities with real homes and stores on one machine, whose nodes meet when a test says so. No daemons, no sockets.

People act as they do from the command line; `meet` is what a link does: each node gets what the others hold, through
its own door, and seals what it is named to seal.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from fedsync.acts.author import Author
from fedsync.acts.books import minutes
from fedsync.acts.books.bodies import found_body, founding_of
from fedsync.acts.books.founding import found
from fedsync.config import Address
from fedsync.crdt.books.minutes import PageView, page_view
from fedsync.crdt.books.tellers import Approve, Sign
from fedsync.doors import Door, LocalDoor, open_door
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.node import Node
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Extent, LogClass, PageId, Scope
from fedsync.sealing import seal_pages

TELLERS = ("Ann", "Ben", "Cleo")


class Valley:
    """Some communities. Their tellers have the same names in each: Ann, Ben and Cleo, of whom two must sign."""

    def __init__(self, path: Path, *names: str) -> None:
        self.homes: dict[str, Home] = {}
        self.given: dict[tuple[str, str], tuple[int, int]] = {}
        """Giver and taker -> up to which block was given, and how many bodies the taker followed then."""
        for name in names:
            where = path / name.lower().replace(" ", "-")
            found(where, name, TELLERS, 2, Address("127.0.0.1", 0), lambda _: None)
            self.homes[name] = Home(where)

    def author(self, at: str, name: str = "Ann") -> Author:
        """Return somebody whose key is kept at a community's node."""
        return Author.unlock(self.homes[at], name, lambda: None)

    @contextmanager
    def at(self, name: str) -> Iterator[tuple[Reading, Door]]:
        """Give what a command has: the store to read, and the door."""
        with Reading.open(self.homes[name]) as reading, open_door(self.homes[name]) as door:
            yield reading, door

    # --- Links

    def meet(self, *names: str) -> None:
        """Let nodes, all by default, exchange all that they hold until nothing is new."""
        doors = {name: LocalDoor(self.homes[name], self.homes[name].lock()) for name in names or self.homes}
        try:
            while any(
                [
                    self._give(one, other, doors[one].node, doors[other].node)
                    for one in doors
                    for other in doors
                    if one != other
                ]
                + [self._follow_kin(doors[one].node) for one in doors]
                + [bool(seal_pages(doors[one].node, load_node_key(self.homes[one]))) for one in doors]
            ):
                pass
        finally:
            for door in doors.values():
                door.close()

    def _follow_kin(self, node: Node) -> bool:
        """Let a node look at what its book makes kin; say whether anything was new."""
        node.begin()
        new = node.follow_kin()
        node.settle()
        node.commit()
        return new

    def _give(self, one: str, other: str, giver: Node, taker: Node) -> bool:
        """Let `taker` take what `giver` holds and did not give before; say whether anything was new."""
        origin = public_key(load_node_key(self.homes[one]))
        new = False
        for body in giver.store.followed.all():
            if taker.store.followed.get(body.scope) is None:
                taker.begin()
                new |= taker.follow(body.scope, body.body, body.name, "announced", origin)
                taker.settle()
                taker.commit()
        before, followed = taker.store.logs.count(), len(taker.store.followed.all())
        upto, then = self.given.get((one, other), (0, 0))
        # What a body's records were refused for, as it was not followed, is given again.
        blocks = list(giver.store.since(upto if followed == then else 0))
        if blocks:
            taker.take_now([block.raw for _, block in blocks], origin)
        self.given[one, other] = (max([upto, *(number for number, _ in blocks)]), followed)
        return new or taker.store.logs.count() > before

    def ask(self, at: str, body: str, of: str, extent: Extent = Extent.ALL) -> None:
        """Let the operator of a node ask for a body that another node follows: once in a region it takes no others."""
        with Reading.open(self.homes[of]) as reading:
            asked = reading.body(body)
        with self.at(at) as (reading, door):
            held = reading.bodies.get(asked.scope)
            if held is None or held.extent < extent:
                door.call("ask_for", body=asked.body.hex(), scope=asked.scope.hex(), extent=extent)
        self.meet()

    # --- People

    def enter(
        self, at: str, entries: Sequence[dict[str, Value]], scope: Scope | None = None, seal: bool = True
    ) -> PageId:
        """Bring a page of a community's book (or of another) to its end: Ann drafts, Ann and Ben sign and approve."""
        with self.at(at) as (reading, door):
            page, _ = minutes.enter(self.author(at), reading, door, scope or reading.own().scope, entries)
        if seal:
            self.seal(at, page)
        return page

    def seal(self, at: str, page: PageId) -> None:
        """Let Ann and Ben of a community sign and approve a page of its book."""
        with self.at(at) as (reading, door):
            minutes.sign(self.author(at, "Ann"), reading, door, page)
        with self.at(at) as (reading, door):
            minutes.sign(self.author(at, "Ben"), reading, door, page)
        with self.at(at) as (reading, door):
            minutes.approve(self.author(at, "Ann"), reading, door, page)

    def seal_carelessly(self, at: str, page: PageId) -> None:
        """Let Ann and Ben sign and approve a page of their book that our own tools would not sign."""
        slot = self.page(at, page).prev
        assert slot is not None
        for name in ("Ann", "Ben"):
            author = self.author(at, name)
            with self.at(at) as (reading, door), author.writing():
                acts = [minutes.voice_draft(page, slot, act) for act in (Sign(0), Approve(0))]
                author.write_as(door, reading, author.genesis(reading, LogClass.AUTHORITY), acts)

    def page(self, at: str, page: PageId) -> PageView:
        """Return a page as a node shows it."""
        with Reading.open(self.homes[at]) as reading:
            found = page_view(reading.view, page)
            assert found is not None
            return found

    def found_region(self, at: str, name: str = "Valley", kind: str = "region") -> tuple[PageId, Scope]:
        """Let Ann of a community found a body of all communities, once they know each other."""
        with self.at(at) as (reading, door):
            members = [reading.body(each) for each in self.homes]
            founding = founding_of(reading, name, kind, members, None, None, None)
            return found_body(self.author(at), reading, door, founding)
