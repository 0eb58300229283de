"""The records of some kinds in a stretch of a block, as what they say: for kinds that come in small numbers. Pure."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias, TypeVar

from fedsync.records.block import Block, Record
from fedsync.records.codec import NotCanonical, Value
from fedsync.records.header import VERSION
from fedsync.records.ids import Scope
from fedsync.records.void import Void

S = TypeVar("S")

Parsers: TypeAlias = Mapping[str, Callable[[Value, Scope, int], S]]
"""By kind: what turns a payload, in a log of a scope, claimed at a time, into what it says. Raises Void."""


def sayings(
    block: Block, parsers: Parsers[S], first: int | None = None, stop: int | None = None
) -> Iterator[tuple[Record, S]]:
    """Yield the records of these kinds from seq `first` up to, not including, `stop`. What is void is passed over."""
    kinds = block.kinds
    # Most blocks hold none of them: a million movements must not pay for what they are not.
    if parsers.keys().isdisjoint(kinds):
        return
    low = 0 if first is None else max(0, first - block.first)
    high = block.count if stop is None else min(block.count, stop - block.first)
    for at in range(low, high):
        parse = parsers.get(kinds[at])
        if parse is None or block.body.versions[at] != VERSION:
            continue
        try:
            said = parse(block.value(at), block.genesis.scope, block.times[at])
        except (Void, NotCanonical):
            continue
        yield block.record(at), said
