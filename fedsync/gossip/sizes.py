"""How much of what one peer said, asked and sent a session has in hand: figures to show, and to hold against their bounds. Pure."""

from typing import NamedTuple


class Sizes(NamedTuple):
    """What one session keeps in memory for its peer. The bound of each is in `limits`."""

    wanted: int
    """Logs that we want of the peer: MAX_LISTED."""
    refused: int
    """Logs of the peer's that we do not take: MAX_REFUSALS."""
    refused_there: int
    """Logs of ours that the peer does not take: MAX_REFUSALS."""
    taking: int
    """Blocks that wait at the door: MAX_TAKES, and what comes until the pause is felt."""
    taking_bytes: int
    """The same in bytes: MAX_TAKES_BYTES, and one frame."""
    late: int
    """Segments that wait for what they name: MAX_LATE."""
    late_bytes: int
    """The same in bytes: LATE_BYTES."""
    backlog: int
    """Bytes that wait for the peer to read: MAX_BACKLOG, and the answer that went beyond it."""
