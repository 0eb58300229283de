"""What a person means by a name, or by the beginning of an id. Pure."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fedsync.errors import Exit, Problem

T = TypeVar("T")

SHORTEST = 4
"""Hex digits of an id that a person must give."""
MAX_CANDIDATES = 8


def begins(asked: str, id_: str) -> bool:
    """Return whether `asked` is enough of this id to mean it."""
    return len(asked) >= SHORTEST and id_.startswith(asked.lower())


def the_one(
    what: str, asked: str, found: Iterable[T], name: Callable[[T], str], look: str = "", apart: str = ""
) -> T:
    """Return the one thing that was found. Raises a Problem (exit 6): none, or which ones.

    `what` is it in a word, `name` tells candidates apart, `look` is the command that lists them, `apart` says how
    to tell them apart where no id does.
    """
    same = list(found)
    if len(same) == 1:
        return same[0]
    if same:
        shown = ", ".join(name(each) for each in same[:MAX_CANDIDATES])
        more = f" and {len(same) - MAX_CANDIDATES} more" if len(same) > MAX_CANDIDATES else ""
        longer = all(begins(asked, name(each)) for each in same)
        hint = "Type more of it." if longer else apart or "Type the id of one of them instead."
        raise Problem("ambiguous", f"{asked} may be any of these: {shown}{more}.", hint, Exit.NOT_FOUND)
    hint = f"See: {look}" if look else ""
    if len(asked) < SHORTEST:
        hint = f"Of an id, type {SHORTEST} digits or more. {hint}".rstrip()
    raise Problem("not_found", f"There is no {what} {asked}.", hint, Exit.NOT_FOUND)
