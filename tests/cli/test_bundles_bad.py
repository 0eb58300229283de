"""What comes on sticks that is damaged, foreign, hostile or for others; and sticks that do not take what is left on them."""

import io
import os
import subprocess
import tarfile
import zipfile
from pathlib import Path

import pytest

from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import Kind
from tests.cli.calling import Place, command_line, environment, process
from tests.cli.test_bundles import found, key_of, meet
from tests.test_media import can_mount


@pytest.fixture(scope="module")
def oak(tmp_path_factory: pytest.TempPathFactory) -> Place:
    place = found(tmp_path_factory.mktemp("bad") / "oak", "Oakfield")
    place("stock", "add", "Potatoes", "12", "kg", "--store", "Granary", "--as", "Ann")
    return place


@pytest.fixture(scope="module")
def lonely(tmp_path_factory: pytest.TempPathFactory, oak: Place) -> Place:
    """A node that knows Oakfield, and to which nothing ever came."""
    place = found(tmp_path_factory.mktemp("lonely") / "far", "Far")
    meet(oak, place)
    return place


@pytest.fixture
def mill(tmp_path: Path, oak: Place) -> Place:
    place = found(tmp_path / "mill", "Mill Lane")
    meet(oak, place)
    return place


@pytest.fixture
def file(tmp_path: Path, oak: Place, mill: Place) -> Path:
    """A bundle for the mill."""
    path = tmp_path / "letter.fedsync"
    oak("bundle", "export", path, "--for", key_of(mill))
    return path


# --- Damage ---------------------------------------------------------------------------------------------


def test_of_a_file_that_is_cut_anywhere_the_whole_part_is_taken_and_the_rest_comes_later(
    mill: Place, file: Path
) -> None:
    data, records = file.read_bytes(), 0
    for size in (100, len(data) // 2, len(data) - 1):
        file.write_bytes(data[:size])
        error = mill("bundle", "import", file, "--json", code=11).json
        assert error["error"]["code"] == "damaged_file"
        assert error["files"][0]["ended"] is False
        records += error["records"]
    file.write_bytes(data)
    assert records + mill.json("bundle", "import", file)["records"] > 5
    assert mill.json("bundle", "import", file)["records"] == 0


def test_a_damaged_place_is_named_and_the_others_are_taken(mill: Place, file: Path) -> None:
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    words = mill("bundle", "import", file, code=11)
    assert "damaged from byte" in words.out
    assert "All that is whole was taken" in words.err
    assert "letter.fedsync" in words.err


def test_a_file_whose_every_byte_was_changed_is_foreign_and_changes_nothing(mill: Place, file: Path) -> None:
    before = mill.json("status")["records"]
    file.write_bytes(bytes(each ^ 0x5A for each in file.read_bytes()))
    assert mill.refused("bundle", "list", file.parent / "none", code=6)["code"] == "no_such_file"
    assert mill("bundle", "import", file, "--json", code=11).json["error"]["code"] == "foreign_file"
    assert mill.json("status")["records"] == before


def test_archives_with_paths_in_their_names_are_not_unpacked(mill: Place, tmp_path: Path) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    with zipfile.ZipFile(stick / "a.zip", "w") as archive:
        archive.writestr("../../evil.fedsync", b"x")
        archive.writestr("/etc/evil", b"x")
    with tarfile.open(stick / "b.fedsync", "w") as tar:
        info = tarfile.TarInfo("../evil.fedsync")
        info.size = 1
        tar.addfile(info, io.BytesIO(b"x"))
    before = sorted(tmp_path.rglob("*"))
    assert "Archives are not unpacked" in mill("bundle", "import", stick, code=11).err
    assert "Archives are not unpacked" in mill("bundle", "import", stick / "a.zip", code=11).err
    (stick / "b.fedsync").unlink()
    assert mill.refused("bundle", "import", stick, code=6)["code"] == "no_bundle"
    assert [each for each in sorted(tmp_path.rglob("*")) if each not in before] == []


def test_a_device_that_never_ends_and_a_huge_file_are_given_up(mill: Place, tmp_path: Path) -> None:
    assert mill("bundle", "import", "/dev/zero", "--json", code=11).json["error"]["code"] == "foreign_file"
    with (tmp_path / "huge.fedsync").open("wb") as huge:
        huge.truncate(1 << 40)
    assert mill("bundle", "import", tmp_path / "huge.fedsync", code=11).err


def test_a_bundle_of_a_body_that_is_not_followed_leaves_nothing(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    hill = found(tmp_path / "hill", "Hill")
    meet(oak, hill)
    oak("bundle", "export", tmp_path / "x.fedsync", "--for", key_of(hill))
    stranger = found(tmp_path / "far", "Far")
    before = stranger.json("status")["records"]
    out = stranger("bundle", "import", tmp_path / "x.fedsync").out
    assert "no new record, from unknown node" in out
    assert "their body is not followed here" in out
    assert stranger.json("status")["records"] == before
    assert stranger.json("bundle", "want")["missing"] == []


def test_an_old_bundle_takes_nothing_back(oak: Place, mill: Place, file: Path, tmp_path: Path) -> None:
    oak("stock", "add", "Potatoes", "3", "kg", "--store", "Granary", "--as", "Ann")
    oak("bundle", "export", tmp_path / "new.fedsync", "--for", key_of(mill))
    mill("bundle", "import", tmp_path / "new.fedsync")
    state = mill.json("status")["state_root"]
    mill("bundle", "import", file)
    assert mill.json("status")["state_root"] == state
    assert mill.json("bundle", "want")["missing"] == []
    assert all(each["done"] for each in mill.json("bundle", "list")["came"])


def test_what_is_encrypted_for_others_is_told_and_no_fault_of_a_stick(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    oak("bundle", "export", stick, "--for", key_of(mill), "--encrypt")
    (name,) = os.listdir(stick)
    stranger = found(tmp_path / "far", "Far")
    assert "encrypted for others" in stranger("bundle", "import", stick).out
    error = stranger("bundle", "import", stick / name, "--json", code=11).json["error"]
    assert error["code"] == "not_for_us"
    assert "fedsync peers show" in error["try"]
    assert mill.json("bundle", "import", stick / name)["records"] > 0


def test_one_that_knows_nobody_is_told_what_to_do_with_a_stick(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    (tmp_path / "stick").mkdir()
    oak("bundle", "export", tmp_path / "stick", "--for", key_of(mill))
    stranger = found(tmp_path / "far", "Far")
    assert (
        "If you know whose it is: fedsync peers add" in stranger("bundle", "import", tmp_path / "stick").out
    )
    stranger("peers", "add", "Oakfield", key_of(oak), "--yes")
    taken = stranger("bundle", "import", tmp_path / "stick").out
    assert "not taken" not in taken
    assert "peers add" not in taken


def test_a_stick_that_is_not_in_becomes_no_file_on_this_machine(
    oak: Place, mill: Place, tmp_path: Path
) -> None:
    before = oak.json("bundle", "list")["left"]
    error = oak.refused("bundle", "export", tmp_path / "bleu", "--for", key_of(mill), code=6)
    assert error["code"] == "no_directory"
    assert list(tmp_path.glob("bleu*")) == []
    assert oak.json("bundle", "list")["left"] == before
    oak("bundle", "export", tmp_path / "bleu.fedsync", "--for", key_of(mill))
    assert (tmp_path / "bleu.fedsync").is_file()


# --- Words that make no sense ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("export", "{}"), 2),
        (("export", "{}", "--for", "Nobody"), 6),
        (("export", "{}", "--for", "{key}", "--public"), 2),
        (("export", "{}", "--public", "--encrypt"), 2),
        (("export", "{}", "--for", "{key}", "--max-size", "1k"), 2),
        (("export", "{}", "--for", "{key}", "--max-size", "-5M"), 2),
        (("export", "{}", "--for", "{key}", "--max-size", "lots"), 2),
        (("export", "{}", "--for", "{key}", "--total", "9"), 2),
        (("export", "{}", "--for", "{key}", "--classes", "cows"), 2),
        (("export", "{}", "--for", "{key}", "--classes", ""), 2),
        (("export", "{}", "--for", "{key}", "--parity", "0"), 2),
        (("export", "{}", "--for", "{key}", "--parity", "99"), 2),
        (("export", "{}/no/such/place", "--for", "{key}"), 6),
        (("export", "{}/none/", "--for", "{key}"), 6),
        (("export", "{}/bleu", "--for", "{key}"), 6),
        (("receipts", "{}/bleu", "--for", "{key}"), 6),
        (("export", "-", "--for", "{key}", "--parity", "1"), 2),
        (("import",), 2),
        (("import", "{}"), 6),
        (("import", "{}/nothing"), 6),
        (("receipts", "{}"), 6),
        (("want", "{}", "--for", "Nobody"), 0),
    ],
)  # fmt: skip
def test_words_that_make_no_sense_are_told_and_nothing_is_written(
    oak: Place, lonely: Place, tmp_path: Path, words: tuple[str, ...], code: int
) -> None:
    stick = tmp_path / "stick"
    stick.mkdir()
    typed = [word.replace("{}", str(stick)).replace("{key}", key_of(oak)) for word in words]
    if code:
        assert lonely.refused("bundle", *typed, code=code)["try"]
    else:
        lonely("bundle", *typed)
    assert os.listdir(stick) == []


def test_nothing_is_left_for_whom_the_operator_keeps_out(oak: Place, mill: Place, tmp_path: Path) -> None:
    mill("peers", "pause", "Oakfield")
    assert mill.refused("bundle", "export", tmp_path, "--for", "Oakfield", code=7)["code"] == "kept_out"


# --- Streams and media ----------------------------------------------------------------------------------


def test_a_bundle_goes_through_a_pipe(oak: Place, mill: Place) -> None:
    made = subprocess.run(
        command_line("--home", oak.path, "bundle", "export", "-", "--for", key_of(mill)),
        capture_output=True, env=environment(), check=True,
    )  # fmt: skip
    done = subprocess.run(
        command_line("--home", mill.path, "bundle", "import", "-", "--json"),
        input=made.stdout, capture_output=True, env=environment(), check=True,
    )  # fmt: skip
    assert b'"from": "Oakfield"' in done.stdout
    assert mill.json("status")["records"] > 8


@pytest.mark.parametrize(
    ("options", "code"), [("size=4k,nr_inodes=64", "medium_full"), ("ro", "medium_read_only")]
)
def test_a_full_or_read_only_stick_is_told_and_nothing_is_noted(
    oak: Place, mill: Place, tmp_path: Path, options: str, code: str
) -> None:
    can_mount()
    stick = tmp_path / "stick"
    stick.mkdir()
    words = " ".join(
        f"'{word}'"
        for word in command_line(
            "--home", oak.path, "bundle", "export", stick, "--for", key_of(mill), "--json"
        )
    )
    filled = "" if options == "ro" else f"dd if=/dev/zero of='{stick}/full' bs=4k count=1 2>/dev/null; "
    before = len(oak.json("bundle", "list")["left"])
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", f"mount -t tmpfs -o {options} fedsync '{stick}'; {filled}{words}"],
        capture_output=True, text=True, env=environment(), check=False,
    )  # fmt: skip
    assert f'"code": "{code}"' in done.stdout, done
    assert len(oak.json("bundle", "list")["left"]) == before


def test_a_name_that_would_hurt_a_terminal_is_shown_harmless(mill: Place, tmp_path: Path) -> None:
    (tmp_path / "\x1b[2Jx.fedsync").write_bytes(b"nothing")
    out = mill("bundle", "import", tmp_path, code=11)
    assert "\x1b" not in out.out + out.err
    raw = os.fsencode(tmp_path) + b"/\xff\xfe.fedsync"
    with open(raw, "wb") as bad:
        bad.write(b"nothing")
    done = process("--home", mill.path, "bundle", "import", tmp_path, "--json")
    assert done.code == 11


def test_a_block_that_somebody_altered_is_not_taken_though_its_piece_is_sound(
    mill: Place, file: Path
) -> None:
    pieces = list(cut([file.read_bytes()]))
    forged = [each for each in pieces if isinstance(each, Chunk)]
    for at, each in enumerate(forged):
        if each.kind in (Kind.BLOCK, Kind.SEGMENT):
            body = each.body[:-1] + bytes([each.body[-1] ^ 1])
            forged[at] = Chunk(each.kind, each.number, body)
    before = mill.json("status")["records"]
    file.write_bytes(MAGIC + b"".join(pack(each.kind, each.number, each.body) for each in forged))
    error = mill("bundle", "import", file, "--json", code=11).json
    assert error["error"]["code"] == "damaged_file"
    assert error["records"] == 0
    assert mill.json("status")["records"] == before


def test_whoever_changes_what_the_maker_says_is_not_believed(oak: Place, mill: Place, tmp_path: Path) -> None:
    letter, receipt = tmp_path / "letter.fedsync", tmp_path / "receipt.fedsync"
    oak("bundle", "export", letter, "--for", key_of(mill))
    mill("bundle", "import", letter)
    mill("bundle", "receipts", receipt)
    pieces = [each for each in cut([receipt.read_bytes()]) if isinstance(each, Chunk)]
    changed = [
        Chunk(each.kind, each.number, bytes([each.body[0] ^ 1]) + each.body[1:])
        if each.kind == Kind.RECEIPTS
        else each
        for each in pieces
    ]
    receipt.write_bytes(MAGIC + b"".join(pack(each.kind, each.number, each.body) for each in changed))
    assert "was not signed by its maker" in oak("bundle", "import", receipt, code=11).out
    left = [each for each in oak.json("bundle", "list")["left"] if each["key"] == key_of(mill)]
    assert [each["arrived"] for each in left] == [None]
