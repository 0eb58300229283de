"""Commands that begin at once, for tests that type hundreds: forked from a process that has imported fedsync already.

`quick_run` writes what stands in for scripts/run. It hands its words, place, surroundings and streams to `serve`, which forks for each;
it leaves with the exit code of that. A command that stays (`run`) is started as scripts/run starts it, so that signals reach it.
"""

import importlib
import marshal
import os
import pkgutil
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
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
code = line.recv(1)
sys.exit(code[0] if code else 70)
"""


@contextmanager
def quick_run(path: Path) -> Iterator[None]:
    """Write a program that does what scripts/run does, only sooner, for as long as this is entered."""
    with tempfile.TemporaryDirectory(prefix="fedsync-") as short, _serving(Path(short, "run")) as at:
        # In a directory of its own: the name of a socket may be a hundred letters long.
        path.write_text(STANDS_IN.format(python=sys.executable, run=ROOT / "scripts" / "run", at=at))
        path.chmod(0o755)
        yield


@contextmanager
def _serving(at: Path) -> Iterator[Path]:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(at))
        listening.listen(100)
        server = subprocess.Popen(
            [sys.executable, "-m", "tests.forked", str(listening.fileno())],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            pass_fds=[listening.fileno()],
        )
    try:
        yield at
    finally:
        server.kill()
        server.wait()


def serve(listening: socket.socket) -> None:
    """Fork for each command that comes, until killed."""
    for room in ("cli", "acts"):
        package = importlib.import_module(f"fedsync.{room}")
        for each in pkgutil.walk_packages(package.__path__, f"fedsync.{room}."):
            importlib.import_module(each.name)
    while True:
        line, _ = listening.accept()
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass  # ended, and gone now
        if os.fork() == 0:
            listening.close()
            code = 70
            try:
                code = _command(line)
                sys.stdout.flush()
            finally:
                line.send(bytes([code]))
                os._exit(code)
        line.close()


def _command(line: socket.socket) -> int:
    length, streams, _, _ = socket.recv_fds(line, 4, 3)
    with line.makefile("rb") as rest:
        words, where, around = marshal.loads(rest.read(int.from_bytes(length, "big")))
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(where)
    os.environ.clear()
    os.environ.update(around)
    sys.argv = ["fedsync", *words]
    try:
        importlib.import_module("fedsync.cli.main").main()
    except SystemExit as left:
        return int(left.code or 0)
    return 0


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
