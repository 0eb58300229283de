"""What a session has to know of the carrier under it: whether it may fall silent for long, and what it takes at once. Pure.

A stream (TLS over TCP) is there or gone; whoever hears nothing for long takes it to be gone. A thin carrier (packets over
a bad link) keeps what it was given through hours of outage and brings each frame once, so that no silence ends its session,
nothing is asked twice because it takes long, and signs of life are rare: they are paid for.
"""

from dataclasses import dataclass
from math import inf

from fedsync.gossip.limits import (
    BEAT_MAX_S,
    BEAT_S,
    BRIEF_SILENCE_S,
    COMPARE_S,
    CREDIT_S,
    GREETING_S,
    ROOM_BYTES,
    THIN_BEAT_MAX_S,
    THIN_BEAT_S,
    THIN_ROOM_BYTES,
    THIN_STUCK_S,
)


@dataclass(frozen=True, slots=True)
class Nature:
    """Times in seconds. `lasting`: the carrier outlives outages, and says itself when it is no more."""

    lasting: bool
    greeting: float
    """For the peer's HELLO."""
    beat: float
    """Between two signs of life after something was said."""
    beat_max: float
    """The longest between two signs of life."""
    stuck: float
    """Without progress, until a comparison is taken to be lost."""
    brief_silence: float
    """The same, until a session that ends when nothing is left is given up."""
    credit: float
    """Without any block, until what a peer was asked for goes to the back."""
    room: int
    """Bytes that a session sends before the carrier has said how much it takes."""


STREAM = Nature(False, GREETING_S, BEAT_S, BEAT_MAX_S, COMPARE_S * 3, BRIEF_SILENCE_S, CREDIT_S, ROOM_BYTES)
THIN = Nature(True, inf, THIN_BEAT_S, THIN_BEAT_MAX_S, THIN_STUCK_S, THIN_STUCK_S, inf, THIN_ROOM_BYTES)
