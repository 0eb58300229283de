"""Bundles on sticks and in folders: the files of one are written there, and those that lie there are found and read.

Touches the disk through `media`. What is in the files is the business of `bundling`.
"""

import errno
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from secrets import token_bytes
from typing import IO, NamedTuple

from fedsync import fatnames, media
from fedsync.bundling import Request, export, mended, protect
from fedsync.errors import Exit, Problem, usage
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, Piece, cut
from fedsync.gossip.bundles.making import Part
from fedsync.gossip.bundles.parity import File, Standing, Unprotected, is_more, standings
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.ed25519 import PrivateKey, public_key
from fedsync.records.ids import Key
from fedsync.store.carried import LeftBundle
from fedsync.store.store import Store
from fedsync.wrapping import Opener, wrapped

PIECE_BYTES = 256 * 1024
"""Read and written at once."""
MAX_FILE_BYTES = 1 << 32
"""Read of one file: FAT holds no larger one, and nobody has to make one."""
LEAST_ROOM = 100_000
"""Bytes without which nothing is left on a stick of itself."""
MADE_FOR_IT = "fedsync"
"""A directory of this name says that a stick is there for it: on others nothing is left."""
STDIO = "-"
"""Stands for standard input or output in place of a path."""


# --- Leaving --------------------------------------------------------------------------------------------


class Written(NamedTuple):
    """A file that was written."""

    path: Path
    size: int


@dataclass(frozen=True, slots=True)
class Target:
    """Where the files of a bundle go: into a directory under these names, or to one path."""

    directory: Path
    stem: str
    """What the names of the files begin with, up to the number of a part."""
    numbered: bool

    def name(self, part: int) -> str:
        """Return the name of a part, counted from 0."""
        return fatnames.file_name(self.stem, part + 1 if self.numbered else None)


def write_parts(
    target: Target, parts: Iterable[Part], wrap_for: Sequence[Key] = (), room: int | None = None
) -> Iterator[Written]:
    """Write the files of a bundle and yield each once it is safe there. Raises MediaProblem; the earlier files stay."""
    for number, pieces in groupby(parts, key=lambda each: each.number):
        data = (each.data for each in pieces)
        name = target.name(number)
        size = media.write(target.directory, name, wrapped(data, wrap_for) if wrap_for else data, room)
        yield Written(target.directory / name, size)


def write_more(target: Target, written: Sequence[Written], extra: int) -> Iterator[Written]:
    """Write so many files more that any of all may be lost, and yield them. Raises MediaProblem, and a Problem for too many."""
    names = [fatnames.file_name(target.stem, number + 1, mends=True) for number in range(extra)]
    files = [partial(_again, each.path) for each in written]
    try:
        with media.writing(target.directory, names) as opened:
            for number, data in protect(files, extra, token_bytes(8)):
                opened[number].add(data)
    except Unprotected as error:
        raise usage(f"--parity {extra}: {error}.", "Take fewer, or a larger --max-size.") from None
    for each in opened:
        yield Written(each.path, each.size)


def _again(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file that was written or found before."""
    with media.open_again(path) as file:
        yield from _pieces(file)


def write_out(parts: Iterable[Part], wrap_for: Sequence[Key], out: IO[bytes]) -> int:
    """Write a bundle of one file to a stream; return its bytes."""
    size = 0
    data = (each.data for each in parts)
    for piece in wrapped(data, wrap_for) if wrap_for else data:
        out.write(piece)
        size += len(piece)
    out.flush()
    return size


class Plan(NamedTuple):
    """What is left on sticks of itself: for whom, by whom, and how much."""

    whom: dict[Key, str]
    maker: str
    encrypt: bool
    most: int
    """Bytes."""
    now: int


class Done(NamedTuple):
    """What was left."""

    bundle: bytes
    rows: list[LeftBundle]
    whole: bool


def leave(home: Home, private: PrivateKey, target: Path, plan: Plan) -> Done:
    """Leave a bundle in a directory, in place of the one that was left there before for the same peers.

    Reads the store beside whoever writes to it. Raises a Problem, and then what was there is still there.
    """
    media.clear_unfinished(target)
    at = Target(target, fatnames.stem(plan.maker, tuple(plan.whom.values())), numbered=False)
    before = media.size_of(target, at.name(0))
    room = min(plan.most, media.free(target))
    done, size = _leave(home, private, at, plan, room)
    if not done.whole and size < before and room < plan.most:
        # The earlier one was larger, and both had to lie there at once. Beside a small one, with what is most urgent, there
        # is room for all that there was before; and at each moment one of them is there.
        _leave(home, private, at, plan, LEAST_ROOM)
        done, _ = _leave(home, private, at, plan, min(plan.most, media.free(target)))
    return done


def _leave(home: Home, private: PrivateKey, at: Target, plan: Plan, room: int) -> tuple[Done, int]:
    """Leave a bundle of so many bytes at most; return it, and how many it has."""
    if room < LEAST_ROOM:
        raise media.told(at.directory, OSError(errno.ENOSPC, "full"))
    request = Request(tuple(plan.whom), total_bytes=room - room // 50)
    with Reading.open(home) as reading:
        out = export(reading.store, reading.view, private, public_key(private), request, plan.now)
        written = list(write_parts(at, out, tuple(plan.whom) if plan.encrypt else ()))
    whole = out.end is not None and out.end.whole
    return Done(out.bundle, out.left("", plan.now), whole), sum(each.size for each in written)


def depends_on(store: Store, whom: Sequence[Key]) -> object:
    """Return what a bundle for these peers would depend on: the same again, and there is nothing new to be left.

    When a peer asked is no part of it, as long as it asks for the same: two that share a directory, and ask each other for
    what neither has, would answer each other for ever.
    """
    known = [
        (replace(store.carried.get(key), asked_at=0, asked_counter=0), tuple(store.carried.asked(key)))
        for key in whom
    ]
    ours = [(store.carried.get(key).seen, store.carried.count_claims(key)) for key in store.carried.peers()]
    return store.journal.id, store.journal.counter, tuple(whom), known, ours


def note(store: Store, done: Done, where: str, before: bytes) -> None:
    """Note what was left at a place of that name; `before`: the bundle that it replaces there, which nobody carried away."""
    with store.transaction():
        if before:
            store.carried.take_back(before)
        for each in done.rows:
            store.carried.leave(replace(each, where=where))


# --- Finding and reading --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Source:
    """A file that may be a bundle. `found`: in a directory that was looked at, else it was named by a person."""

    shown: str
    """For people."""
    path: Path | None
    found: media.Found | None = None

    @contextmanager
    def opened(self) -> Iterator[Iterator[bytes]]:
        """Give its bytes in pieces. Raises a Problem when it cannot be read."""
        if self.path is None:
            yield _pieces(sys.stdin.buffer)
            return
        try:
            file = self.found.open() if self.found is not None else self.path.open("rb")
        except OSError as error:
            raise _unreadable(self.shown, error) from None
        with file:
            yield _pieces(file)

    @contextmanager
    def opened_again(self) -> Iterator[Iterator[bytes]]:
        """Give its bytes when its directory is not looked at any more. Raises a Problem as `opened` does."""
        assert self.path is not None
        try:
            file = media.open_again(self.path)
        except OSError as error:
            raise _unreadable(self.shown, error) from None
        with file:
            yield _pieces(file)


def mends(source: Source) -> bool:
    """Say whether a file is one of those that are more than a bundle needs."""
    if source.path is None:
        return False
    try:
        with source.opened() as pieces:
            first = next(cut(islice(pieces, 1)), None)
    except Problem:
        return False
    return isinstance(first, Chunk) and is_more(first)


def to_mend(directory: Path) -> list[Source]:
    """Return all bundles below a directory if some of them may mend others, else none."""
    found: list[Source] = []
    helps = False
    for source in in_directory(directory):
        helps = mends(source) or helps
        found.append(source)
    return found if helps else []


def mended_files(found: Sequence[Source], ours: Opener) -> Iterator[Iterator[Piece]]:
    """Yield the chunks of each of these files that is lost or damaged and can be had from the others."""
    return mended(_to_read(found), ours)


def mending(found: Sequence[Source]) -> list[Standing]:
    """Return how many files are here, and how many are needed, of each bundle of which some that mend are among these."""
    return standings(_to_read(found))


def _to_read(found: Sequence[Source]) -> list[File]:
    return [partial(_again, each.path) for each in found if each.path is not None]


def sources(paths: Iterable[str]) -> Iterator[Source]:
    """Yield what may be bundles at these paths: files as they are named, and what begins as a bundle in directories.

    Each is to be read before the next one is asked for. Raises a Problem (exit 6) for a path where nothing is.
    """
    for text in paths:
        path = Path(text)
        if text == STDIO:
            yield Source("standard input", None)
        elif path.is_dir():
            yield from in_directory(path)
        elif path.exists():
            yield Source(media.shown(text), path)
        else:
            raise Problem(
                "no_such_file",
                f"There is no file or directory {media.shown(text)}.",
                "Put the stick in, or look at the name.",
                Exit.NOT_FOUND,
            )


def in_directory(
    directory: Path, wanted: Callable[[media.Found], bool] = lambda found: True
) -> Iterator[Source]:
    """Yield what may be bundles below a directory: what begins as one does, whatever it is called, and what is called so.

    Raises MediaProblem when the directory cannot be read.
    """
    for found in media.look(directory):
        if wanted(found) and (found.path.name.endswith(fatnames.SUFFIX) or begins_as_one(found)):
            yield Source(media.shown(os.path.relpath(found.path, directory)), found.path, found)


def begins_as_one(found: media.Found) -> bool:
    """Say whether a file begins as a bundle does."""
    if found.size < len(MAGIC):
        return False
    try:
        with found.open() as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return False


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    left = MAX_FILE_BYTES
    while left > 0:
        try:
            piece = file.read(min(PIECE_BYTES, left))
        except OSError as error:
            # What was read so far has been taken in; the rest is as lost as on a file that was cut short.
            raise _unreadable(str(getattr(file, "name", "the file")), error) from None
        if not piece:
            return
        left -= len(piece)
        yield piece


def _unreadable(shown: str, error: OSError) -> Problem:
    return Problem(
        "unreadable",
        f"{media.shown(shown)} cannot be read: {error.strerror or error}. What was read of it before is kept.",
        "Put the stick in again, or copy what can be read of it: fedsync bundle import FILE",
        Exit.FOREIGN_FILE,
    )
