"""Directories in which sticks appear, each in a section [[stick]] of config.toml: what is taken and left there. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

from fedsync.plain import is_plain

MAX_STICKS: Final = 16
"""Sections [[stick]] in one file: each is looked at every few seconds for ever."""
MOST_PEERS: Final = 64
"""Peers that one bundle is for; wrapping it up takes no more."""
LONGEST_NAME: Final = 200
"""Characters of a peer's name."""
LONGEST_PATH: Final = 4096
"""Bytes of a path: PATH_MAX of Linux."""
USUAL_MEGABYTES: Final = 1000
"""Half of the smallest sticks that are still sold."""
MOST_MEGABYTES: Final = 4095
"""FAT32 holds no file of 4 GiB."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A directory in which sticks appear, or which is one."""

    watch: str
    """Its path. Bundles that lie in it, or up to two directories below, are taken in."""
    leave_for: tuple[str, ...] = ()
    """For which peers, by name or key, a bundle is left on whatever has a directory `fedsync`; none: nothing is left."""
    encrypt: bool = False
    """Whether only those peers can read what is left."""
    megabytes: int = USUAL_MEGABYTES
    """How large it becomes at most; what is most urgent comes first."""


class Wrong(ValueError):
    """What a section [[stick]] says cannot be. `nth` counts from 0; `field` is "" when it is the section as a whole."""

    def __init__(self, nth: int, field: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.nth, self.field, self.hint = nth, field, hint


FIELDS: Final = tuple(each.name for each in fields(Watched))


def watched(said: object) -> tuple[Watched, ...]:
    """Return the directories that the sections say. Raises Wrong."""
    if not isinstance(said, list) or not all(isinstance(each, dict) for each in said):
        raise Wrong(0, "", "stick must be sections, one for each", "Write it as: [[stick]]")
    if len(said) > MAX_STICKS:
        raise Wrong(MAX_STICKS, "", f"there are more than {MAX_STICKS} of them", "Take some out.")
    found: list[Watched] = []
    for nth, table in enumerate(said):
        one = _section(nth, table)
        if any(each.watch == one.watch for each in found):
            raise Wrong(
                nth, "watch", "this directory stands in another [[stick]] too", "Take one of the two out."
            )
        found.append(one)
    return tuple(found)


def _section(nth: int, table: Mapping[str, object]) -> Watched:
    for each in table:
        if each not in FIELDS:
            raise Wrong(nth, each, f"{each!r} is not known", f"Known are: {', '.join(FIELDS)}.")
    path, peers, encrypt = table.get("watch"), table.get("leave_for", []), table.get("encrypt", False)
    size = table.get("megabytes", USUAL_MEGABYTES)
    if (
        not isinstance(path, str)
        or not path.startswith("/")
        or "\0" in path
        or len(path.encode()) > LONGEST_PATH
    ):
        raise Wrong(
            nth, "watch", "watch must be the whole path of a directory", 'Write it as: watch = "/media/pi"'
        )
    if not isinstance(peers, list) or len(peers) > MOST_PEERS or not all(map(_is_name, peers)):
        message = f"leave_for must be a list of names of peers, {MOST_PEERS} at most"
        raise Wrong(nth, "leave_for", message, 'Write it as: leave_for = ["Mill Lane"]')
    if not isinstance(encrypt, bool):
        raise Wrong(nth, "encrypt", "encrypt must be true or false", "Write it as: encrypt = true")
    if type(size) is not int or not 1 <= size <= MOST_MEGABYTES:
        message = f"megabytes must be a whole number from 1 to {MOST_MEGABYTES}"
        raise Wrong(nth, "megabytes", message, "Write it as: megabytes = 1000")
    return Watched(path.rstrip("/") or "/", tuple(dict.fromkeys(peers)), encrypt, size)


def _is_name(each: object) -> bool:
    return isinstance(each, str) and 0 < len(each) <= LONGEST_NAME and is_plain(each)
