"""Bundles of several files: some are lost, some are damaged, and others make up for them."""

from pathlib import Path
from random import Random

import pytest

from tests.cli.calling import Place
from tests.cli.test_bundles import found, key_of, meet
from tests.daemon.village import Node

SIZE = "100k"


@pytest.fixture(scope="module")
def oak(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """A community that wrote down so much that it needs four files."""
    node = Node(tmp_path_factory.mktemp("split") / "oak", "Oakfield")
    random = Random(6)
    for _ in range(4):
        node.move("Ann", *(random.randrange(1 << 60) for _ in range(8_000)))
    return Place(node.home.path)


@pytest.fixture
def mill(tmp_path: Path, oak: Place) -> Place:
    """Another community each time: nothing was ever left for it."""
    place = found(tmp_path / "mill", "Mill Lane")
    meet(oak, place)
    return place


def left(oak: Place, mill: Place, where: Path, *more: object) -> list[Path]:
    where.mkdir()
    made = oak.json("bundle", "export", where, "--for", key_of(mill), "--max-size", SIZE, *more)
    files = [Path(each["file"]) for each in made["files"]]
    assert sorted(files) == sorted(where.iterdir())
    assert all(file.stat().st_size <= 100_000 for file in files)
    return files


def test_any_k_of_all_files_may_be_lost(oak: Place, mill: Place, tmp_path: Path) -> None:
    files = left(oak, mill, tmp_path / "stick", "--parity", 2)
    assert [file.name[-16:] for file in files[-2:]] == ["plus-001.fedsync", "plus-002.fedsync"]
    assert len(files) >= 5
    files[0].unlink()
    files[2].unlink()

    came = mill.json("bundle", "import", tmp_path / "stick")
    assert came["missing_logs"] == 0
    assert mill.json("bundle", "want")["missing"] == []
    assert mill.json("bundle", "list")["came"][0]["done"] is True


def test_a_file_that_mends_says_how_many_more_it_needs(oak: Place, mill: Place, tmp_path: Path) -> None:
    files = left(oak, mill, tmp_path / "stick", "--parity", 2)
    whole = len(files) - 2
    came = mill.json("bundle", "import", files[-1])
    assert came["mending"] == [{"files": whole, "here": 0, "mending": 1, "lacks": whole - 1}]
    said = mill("bundle", "import", files[-1]).out
    assert f"Of a bundle of {whole} files none and 1 that mends lie here: too few to mend any." in said
    assert f"together with any {whole - 1} more of the others" in said
    said = mill("bundle", "import", *files[1:]).out
    assert "too few" not in said
    assert "mended by others" in said


def test_a_damaged_file_is_mended_and_one_that_is_encrypted_too(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    files = left(oak, mill, tmp_path / "stick", "--parity", 1, "--encrypt")
    data = bytearray(files[1].read_bytes())
    data[3000:50_000] = bytes(47_000)
    files[1].write_bytes(data)

    came = mill.json("bundle", "import", tmp_path / "stick")
    assert came["missing_logs"] == 0
    assert any(row["damaged"] for row in came["files"])
    assert "mended" in mill("bundle", "import", tmp_path / "stick").out


def test_what_is_lost_is_named_and_a_request_brings_exactly_that(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    files = left(oak, mill, tmp_path / "stick")
    sizes = sum(file.stat().st_size for file in files)
    files[1].unlink()
    came = mill.json("bundle", "import", tmp_path / "stick")
    assert came["missing_logs"] > 0
    assert "fedsync bundle want" in mill("bundle", "import", tmp_path / "stick").out
    missing = mill.json("bundle", "want")["missing"]
    assert missing
    assert {each["held_by"][0] for each in missing} == {"Oakfield"}
    assert "file 2 of" in mill("bundle", "list").out

    asked = mill.json("bundle", "want", tmp_path / "please.fedsync")
    assert asked["for"][0]["name"] == "Oakfield"
    assert asked["bytes"] < 20_000
    oak("bundle", "import", tmp_path / "please.fedsync")
    (tmp_path / "again").mkdir()
    oak("bundle", "export", tmp_path / "again", "--for", key_of(mill), "--only-new")
    sent = sum(file.stat().st_size for file in (tmp_path / "again").iterdir())
    assert sent < sizes

    mill("bundle", "import", tmp_path / "again")
    assert mill.json("bundle", "want")["missing"] == []
    assert mill("bundle", "want", tmp_path / "nothing.fedsync").out == "Nothing is known to be missing.\n"
    assert not (tmp_path / "nothing.fedsync").exists()


def test_of_a_small_total_the_most_urgent_comes_and_the_rest_is_told_to_be_missing(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    (tmp_path / "stick").mkdir()
    words = oak("bundle", "export", tmp_path / "stick", "--for", key_of(mill), "--total", "110k").out
    assert "Not all of it had room" in words
    (file,) = (tmp_path / "stick").iterdir()
    assert file.stat().st_size <= 110_000

    mill("bundle", "import", file)
    assert mill.json("bundle", "want")["missing"]
    assert "some of it is missing" in mill("bundle", "list").out


def test_only_decisions_go_when_no_more_is_asked_for(oak: Place, mill: Place, tmp_path: Path) -> None:
    (tmp_path / "stick").mkdir()
    made = oak.json("bundle", "export", tmp_path / "stick", "--for", key_of(mill), "--classes", "decisions")
    assert made["files"][0]["bytes"] < 20_000
    came = mill.json("bundle", "import", tmp_path / "stick")
    assert 0 < came["records"] < 30
    assert came["missing_logs"] == 0
