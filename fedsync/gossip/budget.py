"""What one peer may use: a bucket of tokens for each thing that costs us. Pure.

A peer that uses more is not read for a while; it is never dropped for it, and nobody else waits.
"""

from dataclasses import dataclass, field

from fedsync.gossip.limits import (
    BLOCKS_BURST,
    BLOCKS_PER_S,
    BYTES_BURST,
    BYTES_PER_S,
    RECORDS_BURST,
    RECORDS_PER_S,
    WANTS_BURST,
    WANTS_PER_S,
)


@dataclass(slots=True)
class Bucket:
    """Tokens: `rate` a second, at most `burst`. It may go into debt, which is waited for."""

    rate: float
    burst: float
    level: float
    at: float

    def spend(self, tokens: float, now: float) -> float:
        """Take tokens; return in how many seconds the debt is paid, 0 when there is none."""
        self.level = min(self.burst, self.level + (now - self.at) * self.rate) - tokens
        self.at = now
        return max(0.0, -self.level / self.rate)


@dataclass(slots=True)
class Budget:
    """The buckets of one peer."""

    now: float
    bytes: Bucket = field(init=False)
    blocks: Bucket = field(init=False)
    records: Bucket = field(init=False)
    wants: Bucket = field(init=False)

    def __post_init__(self) -> None:
        self.bytes = Bucket(BYTES_PER_S, BYTES_BURST, BYTES_BURST, self.now)
        self.blocks = Bucket(BLOCKS_PER_S, BLOCKS_BURST, BLOCKS_BURST, self.now)
        self.records = Bucket(RECORDS_PER_S, RECORDS_BURST, RECORDS_BURST, self.now)
        self.wants = Bucket(WANTS_PER_S, WANTS_BURST, WANTS_BURST, self.now)
