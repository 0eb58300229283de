"""What goes before what, on every way through a node: one order for asking, serving, telling and sending. Pure.

Fork proofs come first, and what the program above marks as urgent, with all that leads up to it in its log. Then come
the small words that keep a session going, and then the classes in their order. What says how things stand once all
else is said comes last: it must not overtake what it speaks of.
"""

from typing import Final

from fedsync.gossip.holdings import Log
from fedsync.records.ids import LogClass

FIRST: Final = 0
"""Fork proofs, and what is urgent."""
WORDS: Final = 1
"""Questions and listings."""
PLAIN: Final = 2
"""The first class, and whatever nobody has put in order."""
LAST: Final = 6
"""Signs of life and goodbyes: they say what is held, so what is on its way had better come before."""


def of_class(log_class: LogClass) -> int:
    """Return where what a log of this class holds has its turn when nothing in it is urgent."""
    return PLAIN + log_class


def proves_fork(held: Log) -> bool:
    """Say whether serving this log shows a fork of it. In the authority class a branch is no more than news."""
    return held.fork is not None and held.set[2] != LogClass.AUTHORITY


def of_log(held: Log, base: int) -> int:
    """Return the turn of what a log holds above the record at `base` (-1: of all of it)."""
    urgent = held.urgent is not None and base < held.urgent
    return FIRST if urgent or proves_fork(held) else of_class(held.set[2])
