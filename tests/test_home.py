"""A home: one holder, a socket at any depth, and telling a copy from the place itself. Touches temporary directories."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from fedsync import home as home_module
from fedsync.errors import Exit
from fedsync.home import Home, HomeInUse, HomeUnusable, default_home

HOLD = """
import sys
from pathlib import Path
from fedsync.home import Home
with Home(Path(sys.argv[1])).lock():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_the_home_is_where_the_environment_says_else_in_the_users_own(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    assert default_home() == Path("/somewhere/.fedsync")
    monkeypatch.setenv("FEDSYNC_HOME", "~/node")
    assert default_home() == Path("/somewhere/node")


def test_a_home_is_closed_to_others(home_dir: Path) -> None:
    home = Home(home_dir / "deep" / "er").make()
    for directory in (home.path, home.path / "keys", home.people, home.path / "locks"):
        assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert home.make() == home


def test_a_home_that_cannot_be_made_says_why(home_dir: Path) -> None:
    home_dir.write_text("a file stands here")
    with pytest.raises(HomeUnusable, match="File exists"):
        Home(home_dir).make()
    with pytest.raises(HomeUnusable, match="Not a directory"):
        Home(home_dir).lock()


def test_a_second_process_is_told_who_holds_the_home(home_dir: Path) -> None:
    home = Home(home_dir).make()
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(HomeInUse) as caught:
            home.lock()
        assert caught.value.pid == holder.pid
        assert caught.value.exit_code == Exit.HELD
        assert str(holder.pid) in caught.value.message
        holder.kill()
        holder.wait()
    # Killed, not stopped: the lock ends with the process, and no file has to be removed by hand.
    home.lock().release()


def test_the_lock_is_free_after_release_and_release_may_be_repeated(home_dir: Path) -> None:
    home = Home(home_dir).make()
    with home.lock() as lock:
        with pytest.raises(HomeInUse):
            home.lock()
        lock.release()
        home.lock().release()


def test_whoever_seals_second_with_a_key_waits_and_says_so(home_dir: Path) -> None:
    home = Home(home_dir).make()
    told = threading.Event()
    order: list[str] = []

    def second() -> None:
        with home.sealing(b"k" * 32, waiting=told.set):
            order.append("second")

    other = threading.Thread(target=second)
    with home.sealing(b"k" * 32):
        other.start()
        assert told.wait(10)
        order.append("first")
    other.join(10)
    assert order == ["first", "second"]


def test_two_keys_seal_at_once(home_dir: Path) -> None:
    home = Home(home_dir).make()
    with home.sealing(b"a" * 32), home.sealing(b"b" * 32):
        pass


@pytest.mark.parametrize("length", [20, 200])
def test_commands_reach_the_daemon_however_long_the_homes_path_is(tmp_path: Path, length: int) -> None:
    home = Home(tmp_path / ("h" * length)).make()
    with pytest.raises(FileNotFoundError):
        home.connect_control()
    with home.listen_control() as listener:
        assert stat.S_IMODE(home.control_socket.stat().st_mode) == 0o600
        with home.connect_control() as ours:
            theirs, _ = listener.accept()
            with theirs:
                ours.sendall(b"hello")
                assert theirs.recv(5) == b"hello"
    # The socket's file is still there, as after a crash.
    with pytest.raises(ConnectionRefusedError):
        home.connect_control()
    home.listen_control().close()


def test_listening_leaves_no_file_open(home_dir: Path) -> None:
    home = Home(home_dir / ("h" * 200)).make()
    before = len(os.listdir("/proc/self/fd"))
    home.listen_control().close()
    with pytest.raises(ConnectionRefusedError):
        home.connect_control()
    assert len(os.listdir("/proc/self/fd")) == before


def test_the_fingerprint_stays_while_the_store_stays(home_dir: Path) -> None:
    home = Home(home_dir).make()
    home.store.write_bytes(b"first")
    seen = home.fingerprint()
    assert len(seen) == 32
    home.store.write_bytes(b"grown")
    assert home.fingerprint() == seen
    moved = Home(home_dir.rename(home_dir.with_name("moved")))
    assert moved.fingerprint() == seen


def test_a_copied_home_has_another_fingerprint(home_dir: Path) -> None:
    home = Home(home_dir).make()
    home.store.write_bytes(b"store")
    shutil.copytree(home_dir, home_dir.with_name("copy"))
    assert Home(home_dir.with_name("copy")).fingerprint() != home.fingerprint()


def test_a_store_that_was_restored_in_place_has_another_fingerprint(home_dir: Path) -> None:
    home = Home(home_dir).make()
    home.store.write_bytes(b"store")
    backup = shutil.copy2(home.store, home_dir / "backup")
    seen = home.fingerprint()
    # The inode that was just set free is often given out again, so its number alone would not tell.
    home.store.unlink()
    shutil.copy2(backup, home.store)
    assert home.fingerprint() != seen


def test_another_machine_has_another_fingerprint(home_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = Home(home_dir).make()
    home.store.write_bytes(b"store")
    seen = home.fingerprint()
    (home_dir / "machine").write_text("0123456789abcdef0123456789abcdef\n")
    monkeypatch.setattr(home_module, "MACHINE_ID_FILES", (home_dir / "missing", home_dir / "machine"))
    assert home_module.machine_id() == "0123456789abcdef0123456789abcdef"
    assert home.fingerprint() != seen
    monkeypatch.setattr(home_module, "MACHINE_ID_FILES", ())
    assert home_module.machine_id() == socket.gethostname()


def test_where_there_is_no_store_there_is_no_fingerprint(home_dir: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Home(home_dir).make().fingerprint()
