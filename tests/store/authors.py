"""Authors who write logs, and stores to keep them in: what the tests of this room share."""

import subprocess
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.records.block import Base, Block, check
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, Reach, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft
from fedsync.store.store import Store, create_store, open_store
from tests.sealing import seal

SCOPE = Scope(b"oakfield".ljust(16, b"."))
HERE = b"machine 1, inode 7"
ELSEWHERE = b"machine 2, inode 9"


class Author:
    """Writes one log; `fork` gives a second pen that goes on from an earlier point."""

    def __init__(
        self,
        name: str = "ann",
        log_class: LogClass = LogClass.FACTS,
        scope: Scope = SCOPE,
        reach: Reach = Reach.WORLD,
    ) -> None:
        self.key = Ed25519PrivateKey.from_private_bytes(sha256(name.encode()).digest())
        public = Key(self.key.public_key().public_bytes_raw())
        self.genesis = Genesis(public, scope, SEAT, log_class, reach, bytes(16))
        self.log = self.genesis.log
        self.base: Base | None = None
        self.blocks: list[Block] = []

    def write(self, *words: str) -> Block:
        """Append a record for each word and return the block; the first one holds the genesis too."""
        (block,) = self.write_many(words)
        return block

    def write_many(self, words: Sequence[str]) -> list[Block]:
        """Append a record for each word and return the blocks."""
        since = 1_700_000_000_000 + (self.base.seq if self.base else 0)
        drafts = [Draft("note", {"text": word}, at) for at, word in enumerate(words, since + 1)]
        blocks = seal(self.key, self.genesis, self.base, drafts)
        for block in blocks:
            place = block.place(self.base.place if self.base else START)
            self.base = Base(self.genesis, block.last, block.tip, place)
        self.blocks += blocks
        return blocks

    def fork(self) -> "Author":
        """Return the same author, going on from here without knowing what the other writes."""
        twin = Author.__new__(Author)
        twin.key, twin.genesis, twin.log = self.key, self.genesis, self.log
        twin.base = replace(self.base) if self.base else None
        twin.blocks = list(self.blocks)
        return twin


def again(block: Block, base: Base | None = None) -> Block:
    """Return the block as a receiver would get it."""
    return check(block.raw, base)


def new_store(path: Path) -> Store:
    """Make a store."""
    return create_store(path, fingerprint=HERE, journal=b"journal1", incarnation=bytes(16))


def reopened(path: Path, fingerprint: bytes = HERE) -> Store:
    """Open a store again."""
    return open_store(path, fingerprint=fingerprint, fresh_journal=b"journal2")


def keep(store: Store, *blocks: Block) -> None:
    """Append blocks in one transaction."""
    with store.transaction():
        for block in blocks:
            store.logs.append(block)


def remount(place: Path, how: str) -> None:
    """Change the small disk: "ro", or "size=8m"."""
    subprocess.run(["mount", "-o", f"remount,{how}", str(place)], check=True)
