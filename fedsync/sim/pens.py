"""Pens: logs that people of a simulation write, and where each stands."""

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeAlias

from fedsync.records.block import Base, Block
from fedsync.records.genesis import SEAT, Capacity, Genesis
from fedsync.records.ids import LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from fedsync.sim.signing import REAL, Signing

Witness: TypeAlias = Callable[[Sequence[RecordId]], None]
"""Told of all that is signed: whatever else there is was forged."""


class Pen:
    """One log of one writer, and where it stands. A twin goes on from an earlier record: that forks the log."""

    def __init__(
        self,
        seed: bytes,
        scope: Scope,
        log_class: LogClass,
        reach: Reach,
        witness: Witness,
        life: int = 0,
        capacity: Capacity = SEAT,
        signing: Signing = REAL,
    ) -> None:
        self.seed, self._witness, self._signing = seed, witness, signing
        self.private, key = signing.pair(seed)
        incarnation = sha256(b"pen" + seed + bytes((life,))).digest()[:16]
        self.genesis = Genesis(key, scope, capacity, log_class, reach, incarnation)
        self.life = life
        self.ends: list[Base] = []
        """Each record at which a further one could be written, oldest first."""

    @property
    def log(self) -> LogId:
        """The log that it writes."""
        return self.genesis.log

    @property
    def end(self) -> Base | None:
        """Where it goes on."""
        return self.ends[-1] if self.ends else None

    def later(self) -> "Pen":
        """Return the pen with which its owner goes on in a log of its own, after this one forked."""
        is_ = self.genesis
        life = self.life + 1
        return Pen(
            self.seed, is_.scope, is_.log_class, is_.reach, self._witness, life, is_.capacity, self._signing
        )

    def seal(self, base: Base | None, drafts: Sequence[Draft], wall: int) -> list[Block]:
        """Return blocks that follow `base`. Nothing is written yet."""
        blocks = seal(self.private, self.genesis, base, drafts, wall, self._signing.rule)
        for block in blocks:
            self._witness(block.ids)
        return blocks

    def wrote(self, blocks: Sequence[Block]) -> None:
        """Go on from the last of these."""
        for block in blocks:
            place = block.place(self.ends[-1].place if self.ends else START)
            self.ends.append(Base(self.genesis, block.last, block.tip, place))
