"""A person who signs here: their key, unlocked, and the logs of theirs that this node writes."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from fedsync import keyring
from fedsync.doors import Door
from fedsync.errors import copied_home
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.genesis import SEAT, Capacity, Genesis, later_incarnation
from fedsync.records.ids import Key, LogClass, Reach, Scope
from fedsync.records.seal import Draft, seal

REACH_OF = {
    LogClass.AUTHORITY: Reach.WORLD,
    LogClass.PLANS: Reach.REGION,
    LogClass.FACTS: Reach.REGION,
    LogClass.TEXTS: Reach.REGION,
}
"""How far a teller's logs travel. Authority is complete everywhere; facts concern the region."""


def now_ms() -> int:
    """Return this machine's clock, in ms since 1970: claimed in records, never trusted."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class Author:
    """Somebody with a key on this machine."""

    home: Home
    name: str
    private: PrivateKey

    @classmethod
    def unlock(cls, home: Home, name: str, passphrase: Callable[[], bytes | None]) -> "Author":
        """Return the person called `name`. Raises NoSuchPerson (exit 6) and WrongPassphrase (exit 12)."""
        person = keyring.find_person(home, name)
        secret = passphrase() if person.locked else None
        return cls(home, person.name, keyring.load_person(home, name, secret))

    @property
    def key(self) -> Key:
        """The public half of their key."""
        return public_key(self.private)

    def genesis(
        self,
        reading: Reading,
        log_class: LogClass,
        scope: Scope | None = None,
        capacity: Capacity = SEAT,
        reach: Reach | None = None,
    ) -> Genesis:
        """Return what begins their log of this class, written from this data directory; `reach` if not the usual one.

        A log of goods that forked, or that the book settled, takes nothing more: then they go on in the next one.
        """
        incarnation = reading.store.directory.incarnation
        reach = REACH_OF[log_class] if reach is None else reach
        while True:
            found = Genesis(self.key, scope or reading.own().scope, capacity, log_class, reach, incarnation)
            logs = reading.store.logs
            if log_class is LogClass.AUTHORITY or (
                logs.fork_at(found.log) is None and logs.pinned(found.log) is None
            ):
                return found
            incarnation = later_incarnation(incarnation)

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Hold the right to seal with this key, from reading a log's tip until the records are taken."""
        with self.home.sealing(self.key):
            yield

    def write_as(
        self,
        door: Door,
        reading: Reading,
        genesis: Genesis,
        drafts: Sequence[Draft],
        once: bytes | None = None,
    ) -> list[Block]:
        """Seal `drafts` at the end of the log that begins so, and have them taken. Call within `writing`."""
        blocks = self._seal(reading, genesis, drafts)
        door.take([block.raw for block in blocks], once)
        return blocks

    def write(
        self,
        door: Door,
        reading: Reading,
        log_class: LogClass,
        drafts: Sequence[Draft],
        capacity: Capacity = SEAT,
        once: bytes | None = None,
        reach: Reach | None = None,
    ) -> list[Block]:
        """Seal `drafts` at the end of their log of this class and have them taken. Call within `writing`."""
        blocks = self._seal(reading, self.genesis(reading, log_class, capacity=capacity, reach=reach), drafts)
        door.take([block.raw for block in blocks], once)
        return blocks

    def sealed(
        self, reading: Reading, log_class: LogClass, drafts: Sequence[Draft], capacity: Capacity = SEAT
    ) -> list[Block]:
        """Seal `drafts` at the end of their log of this class. Call within `writing`."""
        return self._seal(reading, self.genesis(reading, log_class, capacity=capacity), drafts)

    def _seal(self, reading: Reading, genesis: Genesis, drafts: Sequence[Draft]) -> list[Block]:
        may = reading.store.directory.may_write_own_logs()
        if not may.ok:
            raise copied_home(may.reason)
        return seal(self.private, genesis, reading.store.logs.tip(genesis.log), drafts, now_ms())
