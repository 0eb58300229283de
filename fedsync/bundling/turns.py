"""Files that lie side by side: what is urgent of all of them first, then each a little in its turn. Pure.

A bundle has its urgent blocks in front. So a huge file delays nothing urgent in another, whatever it is full of. Who made
several files meant them to be read one after the other: what a later one says follows what an earlier one brought.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Final, NamedTuple, TypeVar

from fedsync.bundling.coming import chunks
from fedsync.errors import Problem
from fedsync.gossip.bundles.chunks import Chunk, Cutter, Piece
from fedsync.gossip.bundles.form import BadChunk, Kind, Title, read
from fedsync.wrapping import Opener, Unwrapping

HEAD_BYTES: Final = 1024 * 1024
"""Of each file, looked through for what is urgent before anything else is read: what more of it there is comes in turns."""
TURN_BYTES: Final = 1024 * 1024
"""Of a file, read before another one has its turn: less than a second of a slow stick, and held in memory."""

Known = Callable[[Title], bool]
"""Says whether a file that begins so need not be read: it is ours, or all of it has come."""
T = TypeVar("T")


class Head(NamedTuple):
    """What a file begins with. `pieces`: its title and its urgent blocks; none, when it has none of these."""

    title: Title | None
    pieces: list[Piece]


def head(pieces: Iterable[bytes], ours: Opener | None, known: Known) -> Head:
    """Return what a file begins with. What is damaged in it is left to whoever reads all of it."""
    title: Title | None = None
    found: list[Piece] = []
    urgent = False
    for each in chunks(_first(pieces, HEAD_BYTES), ours):
        if not isinstance(each, Chunk):
            continue
        if each.kind == Kind.TITLE and title is None:
            title = _title(each)
            if title is not None and known(title):
                return Head(title, [])
        elif each.kind in (Kind.BLOCK, Kind.SEGMENT):
            urgent = True
        else:
            break
        found.append(each)
    return Head(title, found if urgent else [])


def _first(pieces: Iterable[bytes], most: int) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        most -= len(piece)
        if most <= 0:
            return


class Course:
    """One file, read a turn at a time. What need not be read of it is passed over: see `Fresh`."""

    def __init__(self, pieces: Iterator[bytes], ours: Opener | None, known: Known) -> None:
        self.fresh = Fresh(known)
        self._pieces, self._cutter, self._unwrapping = pieces, Cutter(), Unwrapping(ours)
        self._wrong: Problem | None = None
        self.ended = False
        """All of it was read."""

    def more(self) -> list[Piece] | None:
        """Return what the next bytes give, which may be nothing; None at the end. Raises a Problem where it cannot be read on."""
        if self._wrong is not None:
            raise self._wrong
        if self.ended:
            return None
        found: list[Piece] = []
        left = TURN_BYTES
        while left > 0 and not self.ended:
            try:
                piece = next(self._pieces, None)
            except Problem as problem:
                # What was read before is taken in first.
                self._wrong = problem
                return found
            if piece is None:
                found += self._passed(self._cutter.end())
            else:
                left -= len(piece)
                found += self._passed(self._cutter.feed(piece))
            if piece is None or self._cutter.foreign:
                self.ended = True
                found += filter(self.fresh.wants, self._unwrapping.end())
        return found

    def _passed(self, cut: Iterable[Piece]) -> Iterator[Piece]:
        for each in cut:
            yield from filter(self.fresh.wants, self._unwrapping.take(each))


class Fresh:
    """Passes over the bundles of a file that need not be read, by their titles: files may stand one behind the other in it."""

    def __init__(self, known: Known) -> None:
        self._known = known
        self.some = self.passed = False
        """Whether something was to be read; whether something was not."""
        self._skips, self._last = False, -1

    def wants(self, piece: Piece) -> bool:
        """Say whether the next piece of the file is to be read."""
        if isinstance(piece, Chunk):
            if piece.number <= self._last:
                self._skips = False  # Another file, though its title may be damaged.
            self._last = piece.number
            if piece.kind == Kind.TITLE:
                title = _title(piece)
                self._skips = title is not None and self._known(title)
        self.passed = self.passed or self._skips
        self.some = self.some or not self._skips
        return not self._skips


def _title(chunk: Chunk) -> Title | None:
    try:
        found = read(chunk)
    except BadChunk:
        return None
    return found if isinstance(found, Title) else None


def lines(files: Iterable[tuple[T, Title | None, int]]) -> list[list[T]]:
    """Return files, given with their titles and sizes, in lines that are each read one file after the other, the shortest first.

    Those of one maker are in one line, in the order in which they were made. Whose it is not known are alone.
    """
    of_maker: dict[object, list[tuple[T, Title | None, int]]] = {}
    for number, each in enumerate(files):
        of_maker.setdefault(number if each[1] is None else each[1].said.maker, []).append(each)
    found = sorted(of_maker.values(), key=lambda line: sum(size for _, _, size in line))
    return [[file for file, *_ in sorted(line, key=_when)] for line in found]


def _when(file: tuple[object, Title | None, int]) -> tuple[int, int, bytes, int]:
    title = file[1]
    return (title.made, title.counter, title.said.bundle, title.part) if title is not None else (0, 0, b"", 0)
