"""Directories that others hold in their hands too: what is written there is whole, what lies there is only looked at."""

import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync import media
from fedsync.fatnames import file_name, stem
from fedsync.media import MediaProblem, clear_unfinished, free, look, write, writing

FAT = re.compile(r"[a-z0-9][a-z0-9-]*\.fedsync")


def names(directory: Path) -> list[str]:
    return sorted(path.name for path in directory.iterdir())


# --- Names ----------------------------------------------------------------------------------------------


@given(st.text(max_size=300), st.lists(st.text(max_size=300), max_size=9), st.none() | st.integers(1, 9999))
def test_whatever_peers_are_called_a_name_is_one_that_fat_can_hold(
    maker: str, whom: list[str], part: int | None
) -> None:
    for tag in ("3f2a91c4", ""):
        name = file_name(stem(maker, whom, tag), part)

        assert FAT.fullmatch(name)
        assert len(name) <= 150
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)\..*", name)


@pytest.mark.parametrize(
    "evil", ["../../etc/passwd", "C:\\Windows", "con", "lpt1", "a\0b", ".", "..", "", "日本", "-rf"]
)
def test_a_peers_name_never_becomes_a_path_or_an_option(evil: str) -> None:
    for name in (file_name(stem(evil, [evil], evil)), file_name(stem(evil, []))):
        assert FAT.fullmatch(name)
        assert Path(name).name == name
        assert not re.fullmatch(r"(con|prn|aux|nul|com\d|lpt\d)\..*", name)


def test_parts_sort_as_they_count() -> None:
    parts = [file_name(stem("Oakfield", ["Mill Lane"], "3f2a91c4"), part) for part in range(1, 130)]

    assert parts[0] == "oakfield-for-mill-lane-3f2a91c4-001.fedsync"
    assert parts == sorted(parts)


def test_a_name_says_for_whom_while_they_are_few() -> None:
    assert stem("Oak", ["Mill", "Hill"], "ab") == "oak-for-mill-hill-ab"
    assert stem("Oak", ["A", "B", "C", "D"], "ab") == "oak-for-4-peers-ab"
    assert stem("Oak", ["Mill"]) == "oak-for-mill"
    assert stem("Oak", [], "ab") == "oak-ab"


# --- Writing --------------------------------------------------------------------------------------------


def test_what_is_written_is_there_and_nothing_beside_it(tmp_path: Path) -> None:
    assert write(tmp_path, "a.fedsync", [b"one", b"two"]) == 6

    assert (tmp_path / "a.fedsync").read_bytes() == b"onetwo"
    assert names(tmp_path) == ["a.fedsync"]


def test_a_file_is_safe_before_it_has_its_name_and_its_name_before_it_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []
    fsync, rename = os.fsync, os.rename

    def syncs(file: Any) -> None:
        done.append(
            "directory"
            if stat.S_ISDIR(os.fstat(file if isinstance(file, int) else file.fileno()).st_mode)
            else "file"
        )
        fsync(file)

    def renames(*names: Any, **places: Any) -> None:
        done.append("name")
        rename(*names, **places)

    monkeypatch.setattr(os, "fsync", syncs)
    monkeypatch.setattr(os, "rename", renames)
    write(tmp_path, "a", [b"one"])
    assert done == ["file", "name", "directory"]


def test_what_is_being_written_is_not_cleared_away(tmp_path: Path) -> None:
    with writing(tmp_path, ["a"]) as (file,):
        file.add(b"one")
        assert clear_unfinished(tmp_path) == 0
    assert (tmp_path / "a").read_bytes() == b"one"


def test_the_earlier_file_stays_when_the_new_one_cannot_be_finished(tmp_path: Path) -> None:
    write(tmp_path, "a.fedsync", [b"old"])

    def broken() -> Iterator[bytes]:
        yield b"new"
        raise RuntimeError("the maker fell over")

    with pytest.raises(RuntimeError):
        write(tmp_path, "a.fedsync", broken())

    assert (tmp_path / "a.fedsync").read_bytes() == b"old"
    assert names(tmp_path) == ["a.fedsync"]


def test_a_file_that_does_not_fit_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    with pytest.raises(MediaProblem) as caught:
        write(tmp_path, "a.fedsync", [b"x" * 600, b"x" * 600], room=1000)

    assert caught.value.code == "medium_full"
    assert names(tmp_path) == []


def test_the_systems_own_limit_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    # As where a file system holds no larger file: FAT from 4 GiB on.
    code = (
        "import resource, signal, sys; from pathlib import Path; from fedsync import media\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "try: media.write(Path(sys.argv[1]), 'a.fedsync', [bytes(9000)])\n"
        "except media.MediaProblem as problem: print(problem.code)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True
    )

    assert done.stdout == "file_too_large\n"
    assert names(tmp_path) == []


def test_every_error_of_a_medium_has_a_word_and_a_next_step() -> None:
    said = {
        media.told(Path("/stick"), OSError(number, os.strerror(number))).code
        for number in (errno.ENOSPC, errno.EROFS, errno.ENOENT, errno.EIO, errno.EFBIG, errno.ELOOP)
    }

    assert said == {
        "medium_full", "medium_read_only", "no_directory", "medium_gone", "file_too_large", "medium_failing"
    }  # fmt: skip
    for number in range(1, 134):
        problem = media.told(Path("/stick"), OSError(number, os.strerror(number)))
        assert problem.hint
        assert "/stick" in problem.message


def can_mount() -> None:
    """Skip where this system lets nobody mount anything."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("this system lets nobody mount anything")


def on_a_medium(where: Path, options: str, code: str) -> str:
    """Return what a program prints to which a file system of its own is mounted at `where`, with these options."""
    script = f"mount -t tmpfs -o {options} fedsync '{where}' && exec '{sys.executable}' -c \"$0\" '{where}'"
    can_mount()
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, code], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


WRITES = """\
import os, sys; from pathlib import Path; from fedsync import media
try: print(media.write(Path(sys.argv[1]), "a.fedsync", [b"x" * 4096] * 40))
except media.MediaProblem as problem: print(problem.code)
print(os.listdir(sys.argv[1]))
"""


def test_a_full_stick_is_told_and_nothing_half_is_left_on_it(tmp_path: Path) -> None:
    assert on_a_medium(tmp_path, "size=64k", WRITES) == "medium_full\n[]\n"


def test_a_read_only_stick_is_told(tmp_path: Path) -> None:
    assert on_a_medium(tmp_path, "ro", WRITES) == "medium_read_only\n[]\n"


def test_a_stick_with_room_takes_the_file(tmp_path: Path) -> None:
    assert on_a_medium(tmp_path, "size=1m", WRITES) == "163840\n['a.fedsync']\n"


def test_a_directory_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(MediaProblem) as caught:
        write(tmp_path / "gone", "a", [b""])
    assert caught.value.code == "no_directory"
    with pytest.raises(MediaProblem) as caught:
        free(tmp_path / "gone")
    assert caught.value.code == "no_directory"
    with pytest.raises(MediaProblem) as caught:
        next(look(tmp_path / "gone"))
    assert caught.value.code == "no_directory"


@pytest.mark.parametrize("name", ["../a", "a/b", "", ".", "..", "/etc/passwd"])
def test_a_name_that_is_a_path_is_never_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError):
        write(tmp_path, name, [b"x"])

    assert names(tmp_path) == []


def test_a_link_of_that_name_is_replaced_and_not_written_through(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.write_bytes(b"mine")
    stick = tmp_path / "stick"
    stick.mkdir()
    (stick / "a.fedsync").symlink_to(outside)

    write(stick, "a.fedsync", [b"new"])

    assert outside.read_bytes() == b"mine"
    assert (stick / "a.fedsync").read_bytes() == b"new"
    assert not (stick / "a.fedsync").is_symlink()


def test_killed_at_any_moment_a_file_is_whole_or_not_there_and_the_rest_is_cleared(tmp_path: Path) -> None:
    # A stick that is pulled out in mid-write, as far as the files are concerned.
    code = (
        "import os, signal, sys; from pathlib import Path; from fedsync import media\n"
        "def pieces():\n"
        "    yield b'x' * 100_000\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "media.write(Path(sys.argv[1]), 'a.fedsync', pieces())\n"
    )
    write(tmp_path, "a.fedsync", [b"old"])
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)

    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a.fedsync").read_bytes() == b"old"
    assert len(names(tmp_path)) == 2
    assert [found.path.name for found in look(tmp_path)] == ["a.fedsync"]
    assert clear_unfinished(tmp_path) == 1
    assert names(tmp_path) == ["a.fedsync"]


def test_what_somebody_writes_just_now_and_what_only_looks_like_ours_is_not_cleared(tmp_path: Path) -> None:
    held = tmp_path / f"fs-{'0' * 16}.tmp"
    held.write_bytes(b"half")
    (tmp_path / "fs-notes.tmp").write_bytes(b"somebody's own")
    (tmp_path / f"fs-{'1' * 16}.tmp").symlink_to(tmp_path / "fs-notes.tmp")
    with held.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert clear_unfinished(tmp_path) == 0

    assert clear_unfinished(tmp_path) == 1
    assert len(names(tmp_path)) == 2
    assert clear_unfinished(tmp_path / "gone") == 0


# --- Looking --------------------------------------------------------------------------------------------


def test_only_plain_files_are_found_and_nothing_is_followed_out_of_the_directory(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "key.pem").write_bytes(b"mine")
    stick = tmp_path / "stick"
    (stick / "folder").mkdir(parents=True)
    (stick / "plain").write_bytes(b"1")
    (stick / "folder" / "plain").write_bytes(b"2")
    (stick / "link").symlink_to(secret / "key.pem")
    (stick / "way").symlink_to(secret)
    (stick / "round").symlink_to(stick)
    (stick / "device").symlink_to("/dev/zero")
    os.mkfifo(stick / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(stick / "socket"))
        found = [each.path.relative_to(stick).as_posix() for each in look(stick)]

    assert found == ["plain", "folder/plain"]


def test_a_file_that_becomes_a_link_or_a_pipe_between_looking_and_opening_is_not_opened(
    tmp_path: Path,
) -> None:
    (tmp_path / "a").write_bytes(b"1")
    (tmp_path / "b").write_bytes(b"2")
    (tmp_path / "c").write_bytes(b"3")
    said: list[str] = []
    for found in look(tmp_path):
        found.path.unlink()
        if found.path.name == "a":
            found.path.symlink_to("/etc/passwd")
        elif found.path.name == "b":
            os.mkfifo(found.path)
        try:
            found.open()
        except OSError as error:
            said.append(error.strerror or "")

    assert len(said) == 3
    assert "no plain file" in said[1]


def test_directories_are_looked_into_so_far_and_no_further(tmp_path: Path) -> None:
    deep = tmp_path
    for each in "abcdef":
        deep = deep / each
        deep.mkdir()
        (deep / "file").write_bytes(b"")
    (tmp_path / ".Trash-1000").mkdir()
    (tmp_path / ".Trash-1000" / "file").write_bytes(b"")

    assert [found.path.relative_to(tmp_path).as_posix() for found in look(tmp_path)] == ["a/file", "a/b/file"]


def test_a_stick_full_of_files_ends_the_look_after_so_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(media, "MOST_ENTRIES", 10)
    for number in range(30):
        (tmp_path / f"{number:02d}").write_bytes(b"")

    assert len(list(look(tmp_path))) == 10


def test_a_name_of_bytes_that_are_no_text_is_found_and_can_be_shown(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.fedsync"
    with open(raw, "wb") as file:
        file.write(b"1")
    for found in look(tmp_path):
        assert found.shown.encode()
        with found.open() as opened:
            assert opened.read() == b"1"

    assert len(list(look(tmp_path))) == 1


def test_files_that_are_looked_at_one_after_the_other_leave_nothing_open(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "file").write_bytes(b"")
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(20):
        list(look(tmp_path))
        next(look(tmp_path))

    assert len(os.listdir("/proc/self/fd")) == before
