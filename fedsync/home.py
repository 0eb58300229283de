"""The directory that a node lives in: where its files lie, who may hold it, and how to tell it from a copy.

    store.db  config.toml  control.sock  lock  keys/node.pem  keys/people/  locks/

Touches the disk and Unix sockets. Knows no record and opens no store.
"""

import ctypes
import fcntl
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from types import TracebackType

from fedsync.errors import Exit, Problem

MACHINE_ID_FILES = (Path("/etc/machine-id"), Path("/var/lib/dbus/machine-id"))
LONGEST_SOCKET_PATH = 107
"""Bytes that a Unix socket's address may have: sun_path of unix(7), less its final zero."""
CONTROL_BACKLOG = 16
"""Commands that may wait for the daemon to accept them; people type few at once, scripts some."""
FINGERPRINT_TAG = b"fedsync/1/place\0"


class HomeInUse(Problem):
    """Another process holds this home: a daemon, or a command that writes. `pid` is 0 when it did not say."""

    def __init__(self, path: Path, pid: int) -> None:
        who = f"process {pid}" if pid else "another process"
        super().__init__(
            "in_use",
            f"Another fedsync ({who}) holds the node in {path}. Nothing was changed.",
            "Wait until it is done, or stop it and try again.",
            Exit.HELD,
        )
        self.path = path
        self.pid = pid


class HomeUnusable(Problem):
    """The home cannot be made, or not be written to: the operator must mend the disk or the rights."""

    def __init__(self, path: Path, error: OSError) -> None:
        super().__init__(
            "home_unusable",
            f"{path} cannot be used: {error.strerror or error}. Nothing was changed.",
            "Look at the disk and at who owns the directory.",
            Exit.FAILED,
        )
        self.path = path


def default_home() -> Path:
    """Return where the node lives when nobody says: FEDSYNC_HOME, else .fedsync in the user's home."""
    named = os.environ.get("FEDSYNC_HOME")
    return Path(named).expanduser() if named else Path.home() / ".fedsync"


class HomeLock:
    """The right to write to a home; at most one on a machine. Ends with `release`, or with the process."""

    def __init__(self, fd: int) -> None:
        self._fd = fd

    def release(self) -> None:
        """Let others hold the home. To release twice is harmless."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __enter__(self) -> "HomeLock":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


@dataclass(frozen=True, slots=True)
class Home:
    """The files of the node in the directory `path`, which need not exist yet."""

    path: Path

    @property
    def store(self) -> Path:
        """The one SQLite file; where it is, there is a node."""
        return self.path / "store.db"

    @property
    def config(self) -> Path:
        """What the operator may change by hand."""
        return self.path / "config.toml"

    @property
    def node_key(self) -> Path:
        """The node's own key, which the daemon opens without a passphrase."""
        return self.path / "keys" / "node.pem"

    @property
    def people(self) -> Path:
        """The directory of the keys of people who sign here."""
        return self.path / "keys" / "people"

    @property
    def control_socket(self) -> Path:
        """Where the daemon listens for commands. Use `listen_control` and `connect_control`: it may be long."""
        return self.path / "control.sock"

    @property
    def lock_file(self) -> Path:
        """The file that whoever writes holds, with the holder's process number in it."""
        return self.path / "lock"

    def make(self) -> "Home":
        """Make the directories, closed to others; what is there stays. Raises HomeUnusable."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for below in (self.path / "keys", self.people, self.path / "locks"):
                below.mkdir(mode=0o700, exist_ok=True)
        except OSError as error:
            raise HomeUnusable(self.path, error) from None
        return self

    def lock(self) -> HomeLock:
        """Take the right to write. Raises HomeInUse at once when another process has it, and HomeUnusable."""
        fd = self._open_lock(self.lock_file)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = _pid_in(fd)
            os.close(fd)
            raise HomeInUse(self.path, pid) from None
        os.ftruncate(fd, 0)
        os.pwrite(fd, b"%d\n" % os.getpid(), 0)
        return HomeLock(fd)

    @contextmanager
    def sealing(self, key: bytes, waiting: Callable[[], None] = lambda: None) -> Iterator[None]:
        """Hold the right to seal with the public key `key`, from reading its logs' tips until the result is kept.

        Two commands that seal for one person at once would fork that person's log. The second one waits,
        after calling `waiting`, which may say so.
        """
        fd = self._open_lock(self.path / "locks" / f"{key.hex()}.lock")
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                waiting()
                fcntl.flock(fd, fcntl.LOCK_EX)
            yield
        finally:
            os.close(fd)

    @contextmanager
    def preparing(self, scope: bytes) -> Iterator[None]:
        """Hold the right to change what is prepared for a body's next page; the second of two who come at once waits."""
        with self.sealing(scope):
            yield

    def listen_control(self) -> socket.socket:
        """Return a listening control socket, mode 0600. Only for the holder of `lock`: a left one is removed."""
        self.control_socket.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            # Before bind, and not chmod after it: there is no moment at which others could connect.
            os.fchmod(listener.fileno(), 0o600)
            with _short(self.control_socket) as address:
                listener.bind(address)
            listener.listen(CONTROL_BACKLOG)
        except BaseException:
            listener.close()
            raise
        return listener

    def connect_control(self) -> socket.socket:
        """Return a connection to the daemon. Raises FileNotFoundError or ConnectionRefusedError: none runs."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            with _short(self.control_socket) as address:
                connection.connect(address)
        except BaseException:
            connection.close()
            raise
        return connection

    def fingerprint(self) -> bytes:
        """Return 32 bytes that stay while the store's file stays in its place, and differ for any copy of it.

        Made of the machine's id and of the file's file system, inode and time of birth. Copying and restoring
        make another inode, or one born later; moving the home within its file system changes nothing. The
        device's number is left out, as it may change when the machine starts. What no file can show: a virtual
        machine that was set back as a whole. Raises FileNotFoundError when there is no store.
        """
        found = os.stat(self.store)
        system = os.statvfs(self.store).f_fsid
        text = f"{machine_id()}\n{system}\n{found.st_ino}\n{_born(self.store)}"
        return sha256(FINGERPRINT_TAG + text.encode()).digest()

    def _open_lock(self, path: Path) -> int:
        try:
            return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise HomeUnusable(self.path, error) from None


def machine_id() -> str:
    """Return what names this machine: its systemd or D-Bus id, else its host name."""
    for file in MACHINE_ID_FILES:
        try:
            text = file.read_text(encoding="ascii").strip()
        except (OSError, UnicodeDecodeError):
            continue
        if text:
            return text
    return socket.gethostname()


def _pid_in(fd: int) -> int:
    text = os.pread(fd, 20, 0).strip()
    return int(text) if text.isdigit() else 0


@contextmanager
def _short(path: Path) -> Iterator[str]:
    """Give an address for the socket at `path` that fits, however long the path is.

    A directory held open has a short name below /proc, and the socket still lies in the home, behind its rights.
    """
    if len(os.fsencode(path)) <= LONGEST_SOCKET_PATH:
        yield str(path)
        return
    fd = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield f"/proc/self/fd/{fd}/{path.name}"
    finally:
        os.close(fd)


class _Statx(ctypes.Structure):
    """The beginning of struct statx, statx(2), as far as the time of birth; the rest is room."""

    _fields_ = (
        ("mask", ctypes.c_uint32),
        ("before", ctypes.c_uint8 * 76),
        ("born_s", ctypes.c_int64),
        ("born_ns", ctypes.c_uint32),
        ("after", ctypes.c_uint8 * 164),
    )


_STATX_BTIME = 0x800
_AT_FDCWD = -100


def _born(path: Path) -> int:
    """Return when the inode of `path` was made, in ns; 0 where the file system or the C library cannot say.

    An inode's number is used again, often at once: `rm store.db; cp backup store.db` gives the old number.
    Python 3.11's stat does not tell this time, and the file must not be opened here to ask for more: closing it
    would drop the locks that SQLite holds on it.
    """
    try:
        statx = ctypes.CDLL(None).statx
    except (OSError, AttributeError):
        return 0
    result = _Statx()
    failed = statx(_AT_FDCWD, os.fsencode(path), 0, _STATX_BTIME, ctypes.byref(result))
    if failed or not result.mask & _STATX_BTIME:
        return 0
    return int(result.born_s) * 1_000_000_000 + int(result.born_ns)
