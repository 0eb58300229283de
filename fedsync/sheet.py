"""The repair sheet: a body's repair keys as text for paper, kept offline, typed in again when tellers are lost.

Each key is four lines of four groups and a check:

    2c:  K7QX  M3PA  ZZ4D  5BNE  =  RT6V

Writes and reads that one file. The paper outlives this program, so its form never changes; further forms would
say so in their first line.
"""

import os
import re
from base64 import b32decode, b32encode
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.errors import Exit, Problem

LINES = "abcd"
"""A key's lines: 40 bytes, of which 32 are the key and 8 its sum, 10 bytes a line."""
SHEET_TAG = b"fedsync/1/sheet\0"
LARGEST_SHEET = 65_536
"""Bytes; a sheet of a hundred keys has about 30,000."""

_INTRODUCTION = """\
REPAIR SHEET of {name}
body {body}
made {date}

What this is: {count} repair keys. {threshold} of them together {power}

What to do now:
  1. Print this sheet. Read one line aloud against the screen, to see that it can be read.
  2. Cut it at the dashed lines. Give each key to another person, who keeps it as one keeps a
     birth certificate: on paper, dry, not in a computer, not in a photograph.
  3. Delete this file.

What to do when it is needed: type the keys' lines into a text file, in any order, as they
stand here; small or capital letters and spaces do not matter. Then:
  {command}

Whoever holds {threshold} of these keys can {danger}. A zero and a one do not
occur: they are the letters O and I.
"""


class Mends(Enum):
    """What repair keys do for a body: of a community, of other people, of a body whose seats are bodies."""

    COMMUNITY = (
        "name new tellers for {name}\nwhen so many tellers have lost their keys that no page can be signed any more.",
        "fedsync bodies repair --sheet FILE --teller NAME ... --threshold K",
        "take the place of the tellers",
    )
    PEOPLE = (
        "name new people for {name}\nwhen so many have lost their keys that no page can be signed any more.",
        'fedsync bodies repair --body "{name}" --sheet FILE --seat PERSON@COMMUNITY ... --threshold K',
        "take the place of these people",
    )
    BODIES = (
        "mend the book of {name}\nwhen it is split; and when nobody can seal it any more, with the consent of its bodies.",
        'fedsync bodies repair --body "{name}" --sheet FILE [--from PAGE]',
        "decide which branch of a split book holds",
    )


class SheetUnreadable(Problem):
    """The typed sheet is wrong. `labels` are the lines of the paper to look at, such as "2c"."""

    def __init__(self, message: str, labels: Sequence[str] = ()) -> None:
        hint = (
            "Compare them with the paper, letter by letter, and try again."
            if labels
            else "Type the lines as they stand on the paper."
        )
        super().__init__("sheet_unreadable", message, hint, Exit.FOREIGN_FILE)
        self.labels = tuple(labels)


@dataclass(frozen=True, slots=True)
class _Line:
    key: int
    letter: str
    row: int
    groups: str

    @property
    def label(self) -> str:
        return f"{self.key}{self.letter}"


def write_sheet(
    path: Path,
    keys: Sequence[Ed25519PrivateKey],
    body_name: str,
    body_id: bytes,
    threshold: int | None = None,
    mends: Mends = Mends.COMMUNITY,
) -> None:
    """Write the sheet with `keys` for printing, mode 0600. Raises FileExistsError: no sheet is overwritten.

    `threshold` is how many of them mend a book; without it the least that the rules allow, more than half.
    """
    power, command, danger = (each.format(name=body_name) for each in mends.value)
    parts = [
        _INTRODUCTION.format(
            power=power,
            command=command,
            danger=danger,
            name=body_name,
            body=body_id.hex(),
            date=datetime.now(UTC).date().isoformat(),
            count=len(keys),
            threshold=threshold or len(keys) // 2 + 1,
        )
    ]
    for number, key in enumerate(keys, 1):
        parts.append(
            f"\n{'- ' * 40}\nrepair key {number} of {len(keys)} of {body_name}, body {body_id.hex()[:16]}\n\n"
        )
        parts.extend(_key_lines(number, key.private_bytes_raw()))
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with open(fd, "w", encoding="utf-8") as file:
        file.write("".join(parts))
        file.flush()
        os.fsync(fd)


def read_sheet(path: Path) -> list[Ed25519PrivateKey]:
    """Return the keys whose lines the file holds, by their numbers; what is no such line is passed over.

    Spaces, empty lines, order and the letters' case do not matter. Raises SheetUnreadable, which names the
    lines that are mistyped or missing.
    """
    try:
        with path.open("rb") as file:
            text = file.read(LARGEST_SHEET + 1)
    except OSError as error:
        raise SheetUnreadable(f"The sheet {path} cannot be read: {error.strerror}.") from None
    if len(text) > LARGEST_SHEET:
        raise SheetUnreadable(f"{path} is no repair sheet: it is too long.")
    lines = _find_lines(text.decode("utf-8", "replace"))
    if not lines:
        raise SheetUnreadable(f"No line of a repair key is in {path}. They begin as on the paper: 1a: ...")
    wrong = [line for line in lines.values() if not _is_right(line)]
    if wrong:
        which = ", ".join(f"{line.label} (line {line.row} of the file)" for line in wrong)
        raise SheetUnreadable(f"Mistyped: {which}.", [line.label for line in wrong])
    numbers = sorted({key for key, _ in lines})
    missing = [f"{key}{letter}" for key in numbers for letter in LINES if (key, letter) not in lines]
    if missing:
        raise SheetUnreadable(f"Missing: {', '.join(missing)}. A key is whole or left out.", missing)
    return [Ed25519PrivateKey.from_private_bytes(_seed(number, lines)) for number in numbers]


def _key_lines(number: int, seed: bytes) -> list[str]:
    letters = b32encode(seed + _sum(seed)).decode()
    made = []
    for index, letter in enumerate(LINES):
        groups = letters[16 * index : 16 * index + 16]
        shown = "  ".join(groups[at : at + 4] for at in range(0, 16, 4))
        made.append(f"    {number}{letter}:  {shown}  =  {_check(number, letter, groups)}\n")
    return made


def _find_lines(text: str) -> dict[tuple[int, str], _Line]:
    found: dict[tuple[int, str], _Line] = {}
    for row, line in enumerate(text.splitlines(), 1):
        match = re.match(r"\s*(\d{1,3})\s*([a-dA-D])\s*[:;.)]\s*(.*)$", line, re.ASCII)
        if match is None:
            continue
        new = _Line(int(match[1]), match[2].lower(), row, _plain(match[3]))
        old = found.setdefault((new.key, new.letter), new)
        if old.groups != new.groups:
            raise SheetUnreadable(
                f"{new.label} stands in lines {old.row} and {row} of the file, differently.", [new.label]
            )
    return found


def _plain(typed: str) -> str:
    # What does not occur on the sheet is what it looks like.
    return re.sub(r"[\s=-]", "", typed).upper().translate(str.maketrans("018", "OIB"))


def _is_right(line: _Line) -> bool:
    groups, check = line.groups[:-4], line.groups[-4:]
    return re.fullmatch(r"[A-Z2-7]{16}", groups) is not None and check == _check(
        line.key, line.letter, groups
    )


def _seed(number: int, lines: dict[tuple[int, str], _Line]) -> bytes:
    whole = b32decode("".join(lines[number, letter].groups[:-4] for letter in LINES))
    seed, found = whole[:32], whole[32:]
    if found != _sum(seed):
        # Each line is right by itself, and in its place: they are of different keys.
        labels = [f"{number}{letter}" for letter in LINES]
        raise SheetUnreadable(f"The lines of key {number} are from two sheets.", labels)
    return seed


def _sum(seed: bytes) -> bytes:
    return sha256(SHEET_TAG + seed).digest()[:8]


def _check(number: int, letter: str, groups: str) -> str:
    # 20 bits over the line and its place: a slip goes unseen once in a million, and then the key's sum sees it.
    return b32encode(sha256(SHEET_TAG + f"{number}{letter}{groups}".encode()).digest()[:5]).decode()[:4]
