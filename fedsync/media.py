"""Directories that others hold in their hands as well: a stick, a card, a folder that is carried on.

What is on them is looked at, never run, and never followed out of the directory: of what lies there only plain files are
opened. What is written there is whole or not there at all. Touches the disk; knows nothing of what is in the files.
"""

import errno
import os
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from secrets import token_hex
from typing import IO

from fedsync.errors import Exit, Problem

MOST_ENTRIES = 20_000
"""Files and directories that are looked at below one directory: a stick full of pictures is no reason to wait for ever."""
DEPTH = 3
"""Directories below each other that are looked into: where sticks appear, the stick, a folder on it."""

_UNFINISHED = re.compile(r"fs-[0-9a-f]{16}\.tmp")
_NOT_SYNCED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
"""What a file system answers that has no sync of directories."""


class MediaProblem(Problem):
    """A directory could not be written or read: it is full, read-only, or no longer there."""

    def __init__(
        self, code: str, message: str, hint: str, error: OSError, exit_code: Exit = Exit.FAILED
    ) -> None:
        super().__init__(code, message, hint, exit_code)
        self.errno = error.errno


@dataclass(frozen=True, slots=True)
class Found:
    """A plain file in a directory that was looked at. To be opened before the next one is asked for."""

    path: Path
    size: int
    changed: int
    """When, in ns, by the clock of whoever wrote it."""
    inode: int
    device: int
    at: int
    """The open directory that it lies in."""

    @property
    def shown(self) -> str:
        """Its name for people, whatever bytes it is made of."""
        return shown(self.path.name)

    def open(self) -> IO[bytes]:
        """Open it for reading. Raises OSError when it has become something else than a plain file, or cannot be read."""
        return _opened_file(self.path.name, self.at, self.path)


def open_again(path: Path) -> IO[bytes]:
    """Open a file that was found before, when its directory is no longer looked at. Raises OSError as `Found.open` does."""
    return _opened_file(str(path), None, path)


def _opened_file(name: str, at: int | None, path: Path) -> IO[bytes]:
    # Never waits and never takes over a terminal, should it have become a pipe or a device meanwhile.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
    fd = os.open(name, flags, dir_fd=at)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(errno.EINVAL, "it is no plain file any more", str(path))
    return os.fdopen(fd, "rb")


def shown(name: str) -> str:
    """Return a file's name for people: bytes that are no text are replaced."""
    return os.fsencode(name).decode("utf-8", "replace")


# --- Writing --------------------------------------------------------------------------------------------


class Unfinished:
    """A file that is being written: it is not there under its name before it is whole."""

    def __init__(self, at: int, directory: Path, name: str, room: int | None) -> None:
        self._at, self._name, self._left = at, name, room
        self._beside = f"fs-{token_hex(8)}.tmp"
        self.path = directory / name
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        self._file = os.fdopen(os.open(self._beside, flags, 0o644, dir_fd=at), "wb")
        # Held while it is written, so that whoever clears up leaves it alone.
        flock(self._file, LOCK_EX | LOCK_NB)

    def add(self, piece: bytes) -> None:
        """Write the next bytes. Raises OSError."""
        self.size += len(piece)
        if self._left is not None and self.size > self._left:
            raise OSError(errno.ENOSPC, "there is less room than that")
        self._file.write(piece)

    def finish(self) -> None:
        """Put it in its place, safely. Raises OSError."""
        with self._file as file:
            file.flush()
            os.fsync(file)
            os.rename(self._beside, self._name, src_dir_fd=self._at, dst_dir_fd=self._at)
        _sync(self._at)

    def drop(self) -> None:
        """Remove what there is of it. A stick that was pulled out takes it along; it is cleared away when it comes back."""
        with suppress(OSError):
            self._file.close()
        _remove(self._beside, self._at)


@contextmanager
def writing(directory: Path, names: Sequence[str], room: int | None = None) -> Iterator[list[Unfinished]]:
    """Write files side by side, each whole or not at all; those of these names are replaced at the end, and not before.

    `room`: so many bytes of each at most, else it is as if the medium were full. Raises MediaProblem.
    """
    for name in names:
        if name != os.path.basename(name) or name in ("", ".", ".."):
            raise ValueError(f"{name!r} is no name of a file")
    files: list[Unfinished] = []
    try:
        with _opened(directory) as at:
            try:
                for name in names:
                    files.append(Unfinished(at, directory, name, room))
                yield files
                for file in files:
                    file.finish()
            except BaseException:
                for file in files:
                    file.drop()
                raise
    except OSError as error:
        raise told(directory, error) from None


def write(directory: Path, name: str, pieces: Iterable[bytes], room: int | None = None) -> int:
    """Write a file, whole or not at all, and return its bytes once it is safe there; one of that name is replaced.

    `room`: so many bytes at most, else it is as if the medium were full. Raises MediaProblem; then nothing has changed.
    """
    with writing(directory, [name], room) as (file,):
        for piece in pieces:
            file.add(piece)
    return file.size


def clear_unfinished(directory: Path) -> int:
    """Remove what writing left behind when a medium was pulled out or the machine fell over; return how much it was."""
    removed = 0
    try:
        with _opened(directory) as at:
            for entry in os.listdir(at):
                if _UNFINISHED.fullmatch(entry):
                    removed += _remove_abandoned(entry, at)
    except OSError:
        return removed  # It is only to make room, and whoever writes there next is told what is wrong.
    return removed


def _remove_abandoned(name: str, at: int) -> bool:
    if not stat.S_ISREG(os.stat(name, dir_fd=at, follow_symlinks=False).st_mode):
        return False
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=at)
    try:
        flock(fd, LOCK_EX | LOCK_NB)
        return _remove(name, at)
    except BlockingIOError:
        return False  # Somebody writes it just now.
    finally:
        os.close(fd)


def free(directory: Path) -> int:
    """Return how many bytes there is room for. Raises MediaProblem."""
    try:
        found = os.statvfs(directory)
    except OSError as error:
        raise told(directory, error) from None
    return found.f_bavail * found.f_frsize


def size_of(directory: Path, name: str) -> int:
    """Return how many bytes a plain file of this name has, 0 when there is none."""
    try:
        state = os.lstat(directory / name)
    except OSError:
        return 0
    return state.st_size if stat.S_ISREG(state.st_mode) else 0


def _remove(name: str, at: int) -> bool:
    try:
        os.unlink(name, dir_fd=at)
    except OSError:
        return False
    return True


def _sync(at: int) -> None:
    try:
        os.fsync(at)
    except OSError as error:
        if error.errno not in _NOT_SYNCED:
            raise


@contextmanager
def _opened(directory: Path) -> Iterator[int]:
    at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield at
    finally:
        os.close(at)


def told(directory: Path, error: OSError) -> MediaProblem:
    """Return what a person must know of an error of a directory's."""
    where = shown(str(directory))
    match error.errno:
        case errno.ENOSPC | errno.EDQUOT:
            return MediaProblem(
                "medium_full",
                f"There is not enough room in {where}. Nothing was left there.",
                "Make room, take another medium, or write less: --total 100M, --classes decisions.",
                error,
            )
        case errno.EFBIG:
            return MediaProblem(
                "file_too_large",
                f"{where} cannot hold so large a file. Nothing was left there.",
                "Split it: --max-size 4G",
                error,
            )
        case errno.EROFS | errno.EACCES | errno.EPERM:
            return MediaProblem(
                "medium_read_only",
                f"{where} may not be written to ({error.strerror}). Nothing was left there.",
                "Look at the switch on the stick, how it is mounted and who owns the directory.",
                error,
            )
        case errno.ENOENT | errno.ENOTDIR:
            return MediaProblem(
                "no_directory",
                f"There is no directory {where}.",
                "Put the stick in, or name the directory that it appears as.",
                error,
                Exit.NOT_FOUND,
            )
        case errno.EIO | errno.ENODEV | errno.ENXIO | errno.ESTALE | errno.ENOTCONN:
            return MediaProblem(
                "medium_gone",
                f"{where} does not answer any more ({error.strerror}): was it pulled out? Nothing here has changed.",
                "Put it in again and type the command again.",
                error,
            )
        case _:
            return MediaProblem(
                "medium_failing",
                f"{where} cannot be used: {error.strerror or error}. Nothing here has changed.",
                "Try another medium.",
                error,
            )


# --- Looking --------------------------------------------------------------------------------------------


def look(directory: Path, depth: int = DEPTH) -> Iterator[Found]:
    """Yield the plain files below a directory, by name; at most MOST_ENTRIES things are looked at.

    Links, devices and pipes are left alone, as are directories that begin with a dot, and what cannot be read. Raises
    MediaProblem when the directory itself cannot.
    """
    try:
        at = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise told(directory, error) from None
    yield from _look(at, directory, depth, [MOST_ENTRIES])


def named_so(directory: Path, name: str) -> list[Path]:
    """Return the directories of this name in a directory, and in those directly below it; links do not count.

    Raises MediaProblem when the directory itself cannot be read.
    """
    try:
        with os.scandir(directory) as entries:
            below = [directory / each.name for each, _ in zip(entries, range(MOST_ENTRIES), strict=False)]
    except OSError as error:
        raise told(directory, error) from None
    places = [directory, *(each for each in sorted(below) if each.name != name)]
    return [each / name for each in places if _is_directory(each) and _is_directory(each / name)]


def _is_directory(path: Path) -> bool:
    try:
        return stat.S_ISDIR(os.lstat(path).st_mode)
    except OSError:
        return False


def _look(at: int, path: Path, depth: int, left: list[int]) -> Iterator[Found]:
    """Yield the files of an open directory, which is closed at the end. `left`: how many things may still be looked at."""
    try:
        below: list[str] = []
        for name in _names(at, left):
            try:
                # Before anything is opened: a device may do something only because it is.
                state = os.stat(name, dir_fd=at, follow_symlinks=False)
            except OSError:
                continue
            if stat.S_ISREG(state.st_mode) and not _UNFINISHED.fullmatch(name):
                yield Found(path / name, state.st_size, state.st_mtime_ns, state.st_ino, state.st_dev, at)
            elif stat.S_ISDIR(state.st_mode) and depth > 1 and not name.startswith("."):
                below.append(name)
        for name in below:
            try:
                flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
                inner = os.open(name, flags, dir_fd=at)
            except OSError:
                continue
            yield from _look(inner, path / name, depth - 1, left)
    finally:
        os.close(at)


def _names(at: int, left: list[int]) -> list[str]:
    found: list[str] = []
    try:
        with os.scandir(at) as entries:
            for entry in entries:
                if left[0] <= 0:
                    break
                left[0] -= 1
                found.append(entry.name)
    except OSError:
        pass  # What was read of it so far is looked at.
    return sorted(found)
