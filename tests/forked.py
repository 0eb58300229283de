"""Commands that begin at once, for tests that type hundreds: forked from a process that has imported fedsync already.

`start` begins one, and `run` waits for it; `quick_run` writes what stands in for scripts/run. Each hands its words, place,
surroundings and streams to `serve`, which forks, and says the number of the process and in the end its exit code.
"""

import gc
import importlib
import marshal
import os
import pkgutil
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

import trio

from tests import clocks

ROOT = Path(__file__).resolve().parent.parent
CODE_BYTES = 4
LONGEST_PLACE = 80
"""Bytes of the path to temporary files with which the name of a socket below it still fits."""
STANDS_IN = """\
#!/bin/sh
'''exec' "{python}" -IS "$0" "$@"
' '''
import _socket, marshal, os, sys
words = sys.argv[1:]
if "run" in words:
    os.execv("{run}", ["{run}", *words])
line = _socket.socket(_socket.AF_UNIX, _socket.SOCK_STREAM)
line.connect("{at}")
streams = b"".join(each.to_bytes(4, sys.byteorder) for each in (0, 1, 2))
said = marshal.dumps((words, os.getcwd(), dict(os.environ)))
line.sendmsg([len(said).to_bytes(4, "big")], [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, streams)])
while said:
    said = said[line.send(said):]
heard = b""
while len(heard) < 8 and (more := line.recv(8 - len(heard))):
    heard += more
sys.exit(int.from_bytes(heard[4:], "big", signed=True) % 256 if len(heard) == 8 else 70)
"""


class Forked:
    """A process that was forked for a test: as much of `subprocess.Popen` as tests use."""

    def __init__(self, words: Sequence[str], line: socket.socket) -> None:
        self.args, self._line = words, line
        said = line.recv(CODE_BYTES)
        assert said, "the process that forks is gone"
        self.pid = int.from_bytes(said, "big")
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit code, or which signal ended it, negative; None while it runs."""
        return self._look(0.0)

    def wait(self, timeout: float | None = None) -> int:
        """Wait until it ends. Raises `subprocess.TimeoutExpired`."""
        code = self._look(timeout)
        if code is None:
            raise subprocess.TimeoutExpired(self.args, timeout or 0.0)
        return code

    def _look(self, seconds: float | None) -> int | None:
        if self.returncode is None:
            self._line.settimeout(seconds)
            with suppress(BlockingIOError, TimeoutError):
                said = self._line.recv(CODE_BYTES)
                assert said, "the process that forks is gone"
                self.returncode = int.from_bytes(said, "big", signed=True)
                self._line.close()
        return self.returncode

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def start(words: Sequence[str], streams: Sequence[int], around: dict[str, str]) -> Forked:
    """Run `fedsync` with these words, standard streams and environment, in a process of its own."""
    line = socket.socket(socket.AF_UNIX)
    line.connect(str(_server()))
    said = marshal.dumps((list(words), os.getcwd(), around))
    socket.send_fds(line, [len(said).to_bytes(4, "big")], list(streams))
    line.sendall(said)
    return Forked(words, line)


def run(
    words: Sequence[str], around: dict[str, str], stdin: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run `fedsync` and wait for it, as `subprocess.run` does."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        given.write(stdin.encode("utf-8", "surrogateescape"))
        given.seek(0)
        process = start(words, [each.fileno() for each in (given, out, err)], around)
        try:
            code = process.wait(seconds)
        finally:
            process.kill()
        return subprocess.CompletedProcess(words, code, _read(out), _read(err))


def _read(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode()


@contextmanager
def quick_run(path: Path) -> Iterator[None]:
    """Write a program that does what scripts/run does, only sooner, for as long as this is entered."""
    path.write_text(STANDS_IN.format(python=sys.executable, run=ROOT / "scripts" / "run", at=_server()))
    path.chmod(0o755)
    yield


@cache
def _server() -> Path:
    """Return where the process listens that forks for this one; it ends with it."""
    # In a directory of its own, which is near: the name of a socket may be a hundred letters long.
    far = len(os.fsencode(tempfile.gettempdir())) > LONGEST_PLACE
    at = Path(tempfile.mkdtemp(prefix="fedsync-", dir="/tmp" if far else None), "run")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(at))
        listening.listen(100)
        _kept.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.forked", str(listening.fileno())],
                cwd=ROOT,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                pass_fds=[listening.fileno()],
            )
        )
    return at


_kept: list["subprocess.Popen[bytes]"] = []
"""Its standard input is closed when this process ends, however it does."""


def serve(listening: socket.socket) -> None:
    """Fork for each command that comes, until the standard input ends; then end what still runs."""
    for room in ("cli", "acts", "daemon"):
        package = importlib.import_module(f"fedsync.{room}")
        for each in pkgutil.walk_packages(package.__path__, f"fedsync.{room}."):
            importlib.import_module(each.name)
    gc.freeze()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    woken, wakes = socket.socketpair()
    wakes.setblocking(False)
    signal.set_wakeup_fd(wakes.fileno(), warn_on_full_buffer=False)
    lines: dict[int, socket.socket] = {}
    while True:
        ready, _, _ = select.select([0, listening.fileno(), woken.fileno()], [], [])
        if 0 in ready:
            break
        if woken.fileno() in ready:
            woken.recv(4096)
        while lines and (ended := os.waitpid(-1, os.WNOHANG))[0]:
            with lines.pop(ended[0]) as line, suppress(OSError):
                code = os.waitstatus_to_exitcode(ended[1])
                line.send(code.to_bytes(CODE_BYTES, "big", signed=True))
        if listening.fileno() in ready:
            line, _ = listening.accept()
            number = os.fork()
            if number == 0:
                signal.set_wakeup_fd(-1)
                for inherited in (listening, woken, wakes, *lines.values()):
                    inherited.close()
                _be(line)
            lines[number] = line
            with suppress(OSError):
                line.send(number.to_bytes(CODE_BYTES, "big"))
    for number in lines:
        os.kill(number, signal.SIGKILL)
    shutil.rmtree(Path(listening.getsockname()).parent)


def _be(line: socket.socket) -> None:
    """Be the command that is asked for over this line, and end."""
    code = 70
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        # Else all daemons of a test would put their tasks in the same order.
        trio._core._run._r.seed()
        code = _command(line)
        sys.stdout.flush()
        sys.stderr.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def _command(line: socket.socket) -> int:
    length, streams, _, _ = socket.recv_fds(line, 4, 3)
    with line, line.makefile("rb") as rest:
        words, where, around = marshal.loads(rest.read(int.from_bytes(length, "big")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(where)
    os.environ.clear()
    os.environ.update(around)
    if clocks.AHEAD in around:
        time.time = clocks.ahead_by(float(around[clocks.AHEAD]))
    sys.argv = ["fedsync", *words]
    try:
        importlib.import_module("fedsync.cli.main").main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
