"""What the files of bundles are called, such that FAT, Windows and old readers can hold them. Pure."""

import re
import unicodedata
from collections.abc import Sequence

SUFFIX = ".fedsync"
"""What the names of bundles end in. What a file is called elsewhere does not matter: it is told by how it begins."""
LONGEST_READABLE = 24
"""Characters of a peer's name in the name of a file; with the rest far from the 255 that FAT takes."""
MOST_NAMED = 3
"""Peers that the name of a file names; those of more are called by how many they are."""
PART_DIGITS = 3
"""Of a part's number at least, so that a list of them is in order."""
_FORBIDDEN = re.compile(r"[^a-z0-9]+")
_DEVICES = re.compile(r"(con|prn|aux|nul|com\d|lpt\d)")
"""Names that Windows keeps for devices, whatever ending they have."""


def stem(maker: str, whom: Sequence[str], tag: str = "") -> str:
    """Return what the names of a bundle's files begin with, such that FAT, Windows and old readers can hold them.

    `tag` tells bundles apart. Small letters, digits and dashes alone, so that no name of a peer's becomes a path, and none
    is changed on the way.
    """
    told = [_readable(each) for each in whom] if len(whom) <= MOST_NAMED else [f"{len(whom)}-peers"]
    words = [_readable(maker), *(("for", *told) if told else ()), *((_readable(tag),) if tag else ())]
    name = "-".join(words)
    return f"x-{name}" if _DEVICES.fullmatch(name) else name


def file_name(stem: str, part: int | None = None, mends: bool = False) -> str:
    """Return the name of a bundle's file; of its part `part`, from 1 on, when it has several.

    `mends`: it is one of those that are more than needed.
    """
    if part is None:
        return f"{stem}{SUFFIX}"
    return f"{stem}-{'plus-' if mends else ''}{part:0{PART_DIGITS}d}{SUFFIX}"


def _readable(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name.casefold()).encode("ascii", "ignore").decode()
    return _FORBIDDEN.sub("-", plain).strip("-")[:LONGEST_READABLE].strip("-") or "x"
