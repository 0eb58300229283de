"""Files more than a bundle needs, so that any of them may be lost: of n files and k more, any n are enough. Pure.

A Reed-Solomon code over GF(256), systematic: the n files stay as they are. It runs over rows, a row being the chunks of the
same number in all n files, so that a chunk that is damaged in one file is mended like one whose whole file is lost, as long
as no more than k of a row are.

    symbol  = kind 1 | length 2 | body, zeros up to the longest of the row
    file    = magic | about | mending chunks, by rows | about
    about   = set 8 | n 1 | k 1 | j 1 | for each file: chunks 3 | marks 4 * 6    marks: the checks of its chunks 0, 1, 2 and the last
    mending = set 8 | j 1 | sum over i of symbol i / (n + j + i)                 in GF(256), where + is XOR

Nobody signs it: what comes out is read like any chunk, and blocks are verified as ever.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from heapq import merge
from typing import Final, NamedTuple, TypeAlias

from fedsync.gossip.bundles.chunks import MAGIC, MAX_BODY, MAX_CHUNKS, Chunk, check_of, cut, pack
from fedsync.gossip.bundles.field import combined, inverse, solved

ABOUT, MENDING = 8, 9
"""Kinds of chunks, beside those of `form`."""
SET_BYTES: Final = 8
MAX_FILES: Final = 255
"""Files and those more, together: so many elements has the field, but one."""
_HEAD_BYTES: Final = SET_BYTES + 1
_SYMBOL_BYTES: Final = 3
MAX_PROTECTED: Final = MAX_BODY - _HEAD_BYTES - _SYMBOL_BYTES
"""Bytes in a chunk that can be mended: all that a bundle writes are shorter."""
MAX_SETS: Final = 64
"""Sets of files that belong together, of all that lie in one place; of more nothing is mended."""
MAX_STEPS: Final = 20_000_000
"""What solving may cost for one set, as the cubes of what is lost of a row: some seconds. As long as whole files are lost all rows
are alike, and are solved once; ten files that are damaged everywhere may be so in 20,000 ways."""
_MARKS: Final = 4
_MARK_BYTES: Final = 6
_ROW_BYTES: Final = 3 + _MARKS * _MARK_BYTES

File: TypeAlias = Callable[[], Iterable[bytes]]
"""Gives a file's bytes, in pieces, from the beginning each time that it is called."""


class More(NamedTuple):
    """The next bytes of one of the files that are more than needed."""

    number: int
    data: bytes


class Mended(NamedTuple):
    """A chunk that was lost, and of which file it is."""

    file: int
    chunk: Chunk


class Unprotected(ValueError):
    """These files cannot be protected: too many, or with a chunk that is too long."""


@dataclass(frozen=True, slots=True)
class _About:
    """What a file that mends says of the files that it stands for."""

    set: bytes
    extra: int
    number: int
    counts: tuple[int, ...]
    marks: tuple[tuple[bytes, ...], ...]

    def pack(self) -> bytes:
        """Return its bytes."""
        rows = [
            count.to_bytes(3, "big") + b"".join(marks)
            for count, marks in zip(self.counts, self.marks, strict=True)
        ]
        return self.set + bytes((len(rows), self.extra, self.number)) + b"".join(rows)


def protect(files: Sequence[File], extra: int, name: bytes) -> Iterator[More]:
    """Yield `extra` files more, in pieces, row by row. `name`: 8 random bytes. Raises Unprotected."""
    if not files or extra < 1 or len(files) + extra > MAX_FILES:
        raise Unprotected(f"a bundle and its files more are {MAX_FILES} together at most")
    looked = [_look(file) for file in files]
    counts, marks = tuple(count for count, _ in looked), tuple(marks for _, marks in looked)
    abouts = [_About(name, extra, number, counts, marks).pack() for number in range(extra)]
    for number, about in enumerate(abouts):
        yield More(number, MAGIC + pack(ABOUT, MAX_CHUNKS - 1, about))
    for row, chunks in _rows([cut(file()) for file in files]):
        symbols = [_symbol(chunks.get(at)) for at in range(len(files))]
        length = max(map(len, symbols))
        for number in range(extra):
            data = combined(_factors(len(files), number), symbols, length)
            yield More(number, pack(MENDING, row, name + bytes((number,)) + data))
    for number, about in enumerate(abouts):
        yield More(number, pack(ABOUT, MAX_CHUNKS - 2, about))


def is_more(chunk: Chunk) -> bool:
    """Say whether a chunk is of a file that mends."""
    return chunk.kind in (ABOUT, MENDING)


def mend(files: Sequence[File]) -> Iterator[Mended]:
    """Yield the chunks that are lost and can be had from others, row by row. Files may be missing, damaged, or of any bundles.

    Holds a row in memory, no more.
    """
    for about, held, more in _sets(files):
        yield from _mend(about, held, more, _Solver(len(about.counts)))


class Standing(NamedTuple):
    """Of the files of one bundle, and those that mend them, how many are needed, and how many there are."""

    files: int
    here: int
    mending: int

    @property
    def lacks(self) -> int:
        """How many more are needed, whichever: none while all is there, or can be had."""
        return max(0, self.files - self.here - self.mending)


def standings(files: Sequence[File]) -> list[Standing]:
    """Return how it stands with each bundle of which files that mend are among these."""
    return [Standing(len(about.counts), len(held), len(more)) for about, held, more in _sets(files)]


def repaired(files: Sequence[File]) -> Iterator[Iterator[Chunk]]:
    """Yield each file that is damaged or missing and can be helped, as all its chunks that there are or can be had, in order.

    Reads all files once more for each.
    """
    for about, held, more in _sets(files):
        solver = _Solver(len(about.counts))
        for at in sorted({each.file for each in _mend(about, held, more, solver)}):
            yield _repaired(about, held, more, solver, at)


def _repaired(
    about: "_About", held: dict[int, File], more: dict[int, File], solver: "_Solver", at: int
) -> Iterator[Chunk]:
    own = _ascending(cut(held[at]())) if at in held else iter(())
    mended = (each.chunk for each in _mend(about, held, more, solver, at))
    yield from merge(own, mended, key=lambda chunk: chunk.number)


def _sets(files: Sequence[File]) -> Iterator[tuple["_About", dict[int, File], dict[int, File]]]:
    """Yield each set of files that belong together: what is said of them, those of the bundle, and those that mend."""
    abouts: dict[bytes, _About] = {}
    theirs: dict[bytes, dict[int, File]] = {}
    others: list[File] = []
    for file in files:
        about = _about(file)
        if about is None:
            others.append(file)
        elif _same(abouts[about.set], about) if about.set in abouts else len(abouts) < MAX_SETS:
            abouts.setdefault(about.set, about)
            theirs.setdefault(about.set, {}).setdefault(about.number, file)
    placed = _placed(abouts.values(), others) if abouts else {}
    for name, about in abouts.items():
        yield about, placed.get(name, {}), theirs[name]


def _mend(
    about: _About, held: dict[int, File], more: dict[int, File], solver: "_Solver", only: int | None = None
) -> Iterator[Mended]:
    """Yield what is lost of a set, or `only` of one of its files."""
    sources = [(True, at, file) for at, file in held.items()] + [
        (False, at, file) for at, file in more.items()
    ]
    for row, chunks in _rows([cut(file()) for _, _, file in sources]):
        known: dict[int, Chunk] = {}
        mending: dict[int, bytes] = {}
        for at, chunk in chunks.items():
            ours, number, _ = sources[at]
            if ours:
                known[number] = chunk
            elif chunk.kind == MENDING and chunk.body[:_HEAD_BYTES] == about.set + bytes((number,)):
                mending[number] = chunk.body[_HEAD_BYTES:]
        lost = [at for at, count in enumerate(about.counts) if row < count and at not in known]
        if lost and (only is None or only in lost) and len(lost) <= len(mending):
            for at, symbol in solver.solve(lost, known, mending, only):
                if (found := _chunk(symbol, row)) is not None:
                    yield Mended(at, found)


class _Solver:
    """Solves the rows of one set of `n` files, and no longer than MAX_STEPS."""

    def __init__(self, n: int) -> None:
        self._n, self._left = n, MAX_STEPS
        self._solved: dict[tuple[bytes, bytes], list[list[int]]] = {}
        """By what is lost, and what it is had from."""

    def solve(
        self, lost: Sequence[int], known: dict[int, Chunk], mending: dict[int, bytes], only: int | None
    ) -> Iterator[tuple[int, bytes]]:
        """Yield the symbols that are lost, each with whose it is; none when that takes too long."""
        n, numbers = self._n, sorted(mending)[: len(lost)]
        matrix = self._matrix(lost, numbers)
        if matrix is None:
            return
        length = max(len(mending[number]) for number in numbers)
        places = sorted(at for at, chunk in known.items() if at < n)
        symbols = [_symbol(known[at])[:length] for at in places]
        left = []
        for number in numbers:
            factors = _factors(n, number)
            left.append(combined([1, *(factors[at] for at in places)], [mending[number], *symbols], length))
        for at, row in zip(lost, matrix, strict=True):
            if only is None or at == only:
                yield at, combined(row, left, length)

    def _matrix(self, lost: Sequence[int], numbers: Sequence[int]) -> list[list[int]] | None:
        name = bytes(lost), bytes(numbers)
        found = self._solved.get(name)
        if found is None:
            self._left -= len(lost) ** 3
            if self._left < 0:
                return None
            found = solved([[_factors(self._n, number)[at] for at in lost] for number in numbers])
            self._solved[name] = found
        return found


def _factors(n: int, number: int) -> list[int]:
    """Return what the symbol of each file is multiplied by: a Cauchy matrix, of which each square part can be solved."""
    return [inverse(n + number ^ at) for at in range(n)]


def _symbol(chunk: Chunk | None) -> bytes:
    if chunk is None:
        return b""
    return bytes((chunk.kind,)) + len(chunk.body).to_bytes(2, "big") + chunk.body


def _chunk(symbol: bytes, row: int) -> Chunk | None:
    length = int.from_bytes(symbol[1:_SYMBOL_BYTES], "big")
    end = _SYMBOL_BYTES + length
    if not length or end > len(symbol) or any(symbol[end:]):
        return None  # a file that mends is not of these, or somebody made it up
    return Chunk(symbol[0], row, symbol[_SYMBOL_BYTES:end])


def _rows(files: Sequence[Iterator[object]]) -> Iterator[tuple[int, dict[int, Chunk]]]:
    """Yield the chunks of the same number in all files, by the number of the file. What is out of order is passed over."""
    iterators = [_ascending(file) for file in files]
    heads = [next(each, None) for each in iterators]
    while any(head is not None for head in heads):
        row = min(head.number for head in heads if head is not None)
        found = {at: head for at, head in enumerate(heads) if head is not None and head.number == row}
        yield row, found
        for at in found:
            heads[at] = next(iterators[at], None)


def _ascending(pieces: Iterable[object]) -> Iterator[Chunk]:
    last = -1
    for each in pieces:
        if isinstance(each, Chunk) and each.number > last and each.kind != ABOUT:
            last = each.number
            yield each


def _look(file: File) -> tuple[int, tuple[bytes, ...]]:
    """Return how many chunks a file has, and by what it is known. Raises Unprotected."""
    marks, last, count = [bytes(_MARK_BYTES)] * _MARKS, bytes(_MARK_BYTES), 0
    for each in cut(file()):
        if not isinstance(each, Chunk) or each.number != count or len(each.body) > MAX_PROTECTED:
            raise Unprotected("only sound files of a bundle can be protected")
        last = check_of(each)
        if count < _MARKS - 1:
            marks[count] = last
        count += 1
    marks[-1] = last
    return count, tuple(marks)


def _about(file: File) -> _About | None:
    """Return what a file says of others, None when it is none that mends."""
    for each in cut(file()):
        if isinstance(each, Chunk) and each.kind == ABOUT:
            if (found := _read_about(each.body)) is not None:
                return found
        elif isinstance(each, Chunk) and each.kind != MENDING:
            return None
    return None


def _read_about(body: bytes) -> _About | None:
    start = SET_BYTES + 3
    if len(body) < start:
        return None
    n, extra, number = body[SET_BYTES:start]
    if not n or not number < extra or n + extra > MAX_FILES or len(body) != start + n * _ROW_BYTES:
        return None
    rows = [body[at : at + _ROW_BYTES] for at in range(start, len(body), _ROW_BYTES)]
    return _About(
        body[:SET_BYTES],
        extra,
        number,
        tuple(int.from_bytes(row[:3], "big") for row in rows),
        tuple(tuple(row[at : at + _MARK_BYTES] for at in range(3, _ROW_BYTES, _MARK_BYTES)) for row in rows),
    )


def _same(one: _About, other: _About) -> bool:
    return (one.extra, one.counts, one.marks) == (other.extra, other.counts, other.marks)


def _placed(abouts: Iterable[_About], files: Iterable[File]) -> dict[bytes, dict[int, File]]:
    """Return which of these files is which of those that the abouts speak of, by set, as far as they are among them."""
    known: dict[bytes, list[tuple[bytes, int]]] = {}
    for about in abouts:
        seen = Counter(mark for marks in about.marks for mark in set(marks))
        for at, marks in enumerate(about.marks):
            for mark in {each for each in marks if seen[each] == 1}:
                known.setdefault(mark, []).append((about.set, at))
    found: dict[bytes, dict[int, File]] = {}
    for file in files:
        for each in cut(file()):
            if isinstance(each, Chunk) and (places := known.get(check_of(each))):
                for name, at in places:
                    found.setdefault(name, {}).setdefault(at, file)
                break
    return found
