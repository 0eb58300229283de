"""What one peer may use: a bucket of tokens for each thing that costs us. Pure.

A peer that uses more is not read for a while; it is never dropped for it, and nobody else waits.
"""

from dataclasses import dataclass, field

from fedsync.gossip.gate import TokenBucket
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
class Budget:
    """The buckets of one peer."""

    bytes: TokenBucket = field(init=False)
    blocks: TokenBucket = field(init=False)
    records: TokenBucket = field(init=False)
    wants: TokenBucket = field(init=False)

    def __post_init__(self) -> None:
        self.bytes = TokenBucket(BYTES_PER_S, BYTES_BURST)
        self.blocks = TokenBucket(BLOCKS_PER_S, BLOCKS_BURST)
        self.records = TokenBucket(RECORDS_PER_S, RECORDS_BURST)
        self.wants = TokenBucket(WANTS_PER_S, WANTS_BURST)
