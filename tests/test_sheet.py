"""The repair sheet: what a person types in again is the key, or the line that is wrong is named."""

import random
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fedsync.errors import Exit
from fedsync.sheet import SheetUnreadable, read_sheet, write_sheet

KEYS = [Ed25519PrivateKey.from_private_bytes(bytes([number]) * 32) for number in (1, 2, 200)]
SEEDS = [key.private_bytes_raw() for key in KEYS]


@pytest.fixture
def sheet(tmp_path: Path) -> Path:
    path = tmp_path / "sheet.txt"
    write_sheet(path, KEYS, "Oakfield", bytes(range(32)), threshold=2)
    return path


def seeds(path: Path) -> list[bytes]:
    return [key.private_bytes_raw() for key in read_sheet(path)]


def key_lines(path: Path) -> list[str]:
    return [line for line in path.read_text().splitlines() if "  =  " in line]


def test_what_was_written_is_read_again(sheet: Path) -> None:
    assert seeds(sheet) == SEEDS
    assert stat.S_IMODE(sheet.stat().st_mode) == 0o600


def test_the_sheet_says_what_it_is_for_and_fits_on_paper(sheet: Path) -> None:
    text = sheet.read_text()
    assert "Oakfield" in text
    assert bytes(range(32)).hex() in text
    assert "2 of them together" in text
    assert max(map(len, text.splitlines())) <= 95


def test_a_sheet_is_never_overwritten(sheet: Path) -> None:
    with pytest.raises(FileExistsError):
        write_sheet(sheet, KEYS[:1], "Mill Lane", bytes(32))
    assert seeds(sheet) == SEEDS


def test_the_form_on_paper_never_changes(sheet: Path) -> None:
    assert key_lines(sheet)[:4] == [
        "    1a:  AEAQ  CAIB  AEAQ  CAIB  =  RQQO",
        "    1b:  AEAQ  CAIB  AEAQ  CAIB  =  X7LI",
        "    1c:  AEAQ  CAIB  AEAQ  CAIB  =  JBW5",
        "    1d:  AEA2  T6MA  MLXD  RKB2  =  M4A7",
    ]


def test_case_spaces_order_and_look_alikes_do_not_matter(sheet: Path, tmp_path: Path) -> None:
    lines = [line.strip().replace("O", "0").replace("I", "1").replace("B", "8") for line in key_lines(sheet)]
    lines = [
        line.lower().replace("  ", " ") if number % 2 else line.replace(" ", "")
        for number, line in enumerate(lines)
    ]
    random.Random(7).shuffle(lines)
    typed = tmp_path / "typed.txt"
    typed.write_text("\r\n\r\n".join(lines))
    assert seeds(typed) == SEEDS


def test_each_key_may_be_typed_in_alone(sheet: Path) -> None:
    sheet.write_text("\n".join(line for line in key_lines(sheet) if line.strip().startswith("2")))
    assert seeds(sheet) == SEEDS[1:2]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 11), st.integers(0, 19), st.sampled_from("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"))
def test_the_mistyped_line_is_named(sheet: Path, row: int, at: int, letter: str) -> None:
    lines = key_lines(sheet)
    label, typed = lines[row].strip().split(":")
    letters = typed.replace("=", "").replace(" ", "")
    if letters[at] == letter:
        return
    lines[row] = f"{label}: {letters[:at]}{letter}{letters[at + 1 :]}"
    path = sheet.with_name("typed.txt")
    path.write_text("\n".join(lines))
    with pytest.raises(SheetUnreadable) as caught:
        read_sheet(path)
    assert caught.value.labels == (label,)
    assert f"{label} (line {row + 1} of the file)" in caught.value.message
    assert caught.value.exit_code == Exit.FOREIGN_FILE


def test_lines_in_the_wrong_place_are_named(sheet: Path) -> None:
    lines = key_lines(sheet)
    lines[4], lines[5] = lines[4].replace("2a", "2b"), lines[5].replace("2b", "2a")
    sheet.write_text("\n".join(lines))
    with pytest.raises(SheetUnreadable) as caught:
        read_sheet(sheet)
    assert set(caught.value.labels) == {"2a", "2b"}


def test_missing_lines_are_named(sheet: Path) -> None:
    sheet.write_text("\n".join(key_lines(sheet)[:-2]))
    with pytest.raises(SheetUnreadable, match="Missing: 3c, 3d"):
        read_sheet(sheet)


def test_lines_of_two_sheets_do_not_make_a_key(sheet: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    write_sheet(other, [Ed25519PrivateKey.generate()], "Mill Lane", bytes(32))
    sheet.write_text("\n".join(key_lines(sheet)[:3] + key_lines(other)[3:4]))
    with pytest.raises(SheetUnreadable, match="two sheets"):
        read_sheet(sheet)


def test_a_line_that_stands_twice_differently_is_named(sheet: Path) -> None:
    lines = key_lines(sheet)
    sheet.write_text("\n".join([*lines, lines[3].replace("  =  ", "  =  X")]))
    with pytest.raises(SheetUnreadable, match="1d stands in lines 4 and 13"):
        read_sheet(sheet)


@pytest.mark.parametrize("content", [b"", b"no key here\n", b"\xff\xfe\0", b"1a: AAAA\n" * 20_000])
def test_what_is_no_sheet_is_said_so(sheet: Path, content: bytes) -> None:
    sheet.write_bytes(content)
    with pytest.raises(SheetUnreadable):
        read_sheet(sheet)


def test_a_sheet_that_is_not_there_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(SheetUnreadable, match="No such file"):
        read_sheet(tmp_path / "none")
