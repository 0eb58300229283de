"""Reads a bundle's file: every good chunk, and what is damaged by its place. Pure.

The order is that of the file. A file that was cut short gives all that came before the cut.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from fedsync.gossip.bundles import form
from fedsync.gossip.bundles.chunks import Chunk, Damage, Piece, cut
from fedsync.gossip.bundles.form import BadChunk, Content
from fedsync.records import ed25519


@dataclass(frozen=True, slots=True)
class Bad:
    """A part of a file that gives nothing. `number`: which chunk, -1 when that is not known."""

    at: int
    size: int
    why: str
    """foreign, damaged, cut-short; or of a chunk that came as it was written: shape, signature or newer."""
    number: int = -1


def read(pieces: Iterable[bytes], rule: ed25519.Rule = ed25519) -> Iterator[Content | Bad]:
    """Yield what a file says, however it is cut into pieces. What a later version added is passed over."""
    return read_chunks(cut(pieces), rule)


def read_chunks(chunks: Iterable[Piece], rule: ed25519.Rule = ed25519) -> Iterator[Content | Bad]:
    """Yield what the chunks of a file say, and what is damaged between them."""
    for found in chunks:
        match found:
            case Damage(at, size, why):
                yield Bad(at, size, why)
            case Chunk(_, number, body):
                try:
                    yield form.read(found, rule)
                except BadChunk as error:
                    if error.code != "unknown":
                        yield Bad(-1, len(body), error.code, number)
