"""Which files on sticks are read, and when again: each once while it stays, and anew when it comes again."""

from pathlib import Path

import pytest

from fedsync import media
from fedsync.daemon import watching
from fedsync.daemon.watching import Seen
from tests.daemon.test_sticks import acquainted, watches
from tests.daemon.village import Village, until


def wanted(seen: Seen, place: Path, now: float = 0.0) -> list[str]:
    """Return what is to be read of a directory, as one look at it finds."""
    found = [each.path.name for each in media.look(place) if seen.wants(each, now)]
    seen.looked()
    return found


def read(seen: Seen, place: Path, *until: float) -> None:
    for each in media.look(place):
        seen.read(each, *until)


def test_a_file_is_read_once_while_it_stays_and_again_when_it_changes_or_comes_again(tmp_path: Path) -> None:
    seen, place = Seen(), tmp_path / "here"
    place.mkdir()
    file = place / "a"
    file.write_bytes(b"one")
    assert wanted(seen, place) == ["a"]
    read(seen, place)
    assert wanted(seen, place) == wanted(seen, place) == []
    file.write_bytes(b"two and more")
    assert wanted(seen, place) == ["a"]
    read(seen, place)
    file.rename(tmp_path / "a")
    assert wanted(seen, place) == []
    (tmp_path / "a").rename(file)
    assert wanted(seen, place) == ["a"]


def test_a_file_that_could_not_be_read_is_tried_again_after_a_while(tmp_path: Path) -> None:
    seen = Seen()
    (tmp_path / "a").write_bytes(b"one")
    read(seen, tmp_path, 60.0)
    assert wanted(seen, tmp_path, 59.0) == []
    assert wanted(seen, tmp_path, 60.0) == ["a"]


def test_no_more_files_are_kept_in_mind_than_the_bound(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "SEEN_FILES", 2)
    seen = Seen()
    for name in "abc":
        (tmp_path / name).write_bytes(b"one")
    for each in media.look(tmp_path):
        seen.read(each)
    assert len(wanted(seen, tmp_path)) == 1


def test_a_stick_that_comes_again_is_read_again(village: Village, tmp_path: Path) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    place, stick = tmp_path / "media", tmp_path / "blue"
    watches(oak, place)
    mill.move("Ann", 5, 7)
    stick.mkdir()
    mill.run("bundle", "export", stick / "x.fedsync", "--public")
    stick.rename(place / "blue")
    oak.start()
    # Mill Lane is not followed yet.
    until(lambda: "x.fedsync: 0 records" in oak.said(), why=oak.said)
    before = oak.records()
    (place / "blue").rename(stick)
    (place / "y.fedsync").write_bytes((stick / "x.fedsync").read_bytes()[:-1])
    until(lambda: "y.fedsync: 0 records" in oak.said(), why=oak.said)
    acquainted(oak, mill)
    stick.rename(place / "blue")
    until(lambda: oak.records() > before, why=oak.said)
