"""What a peer does that makes one think better or worse of it, and by how much. Pure."""

from enum import Enum
from typing import Final, NamedTuple


class Weight(NamedTuple):
    """`score`: what a deed adds; `words`: for people. `often`: it counts as often as it happens, else once in ten seconds."""

    score: float
    words: str
    often: bool = False


class Deed(Enum):
    """Something that a peer did. Whoever falls below -1 is called last and given up first."""

    NEW = Weight(0.05, "brings what is new")
    STRIKE = Weight(-0.5, "sent a block that was not what it claimed", often=True)
    GARBAGE = Weight(-2.0, "sent what nobody should send", often=True)
    UNSERVED = Weight(-0.5, "told of records and did not send them")
    FLOOD = Weight(-0.2, "sent more than its share")
    COPY = Weight(-0.01, "sends what it was asked not to push")
    SILENT = Weight(-0.1, "fell silent", often=True)


CLOSES: Final = {
    "strikes": Deed.GARBAGE,
    "garbage": Deed.GARBAGE,
    "echo": Deed.GARBAGE,
    "silent": Deed.SILENT,
    "no-hello": Deed.SILENT,
}
"""What the end of a session says of the peer, by the code of its Close."""
