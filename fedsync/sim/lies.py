"""What lying nodes send in place of what they should. Pure but for the dice that are handed in."""

from collections.abc import Callable, Sequence
from random import Random
from typing import TypeAlias

from fedsync.gossip.messages import (
    BadMessage,
    Beat,
    BlockMessage,
    Bye,
    Hello,
    Rest,
    Segment,
    Tip,
    decode,
    encode,
)
from fedsync.records.ids import LogId

Logs: TypeAlias = Callable[[], Sequence[LogId]]
"""Logs that a liar knows of."""
Blocks: TypeAlias = Callable[[], Sequence[bytes]]
"""Blocks that a liar can send unasked."""

OLD_FRAMES = 50
"""Frames that a liar keeps to send again."""
FLOOD = 100
"""Frames in one wave of a flood."""
HEAP = 300
"""Blocks in one wave of them: more than a session takes before it stops reading."""
WAVE_S = 20.0
"""Between two waves, where a storm is short. At the rate of its link a liar could fill every second of a simulation, and show no more by it."""


def root_of(frame: bytes) -> bytes:
    """Return the root that a peer's frame tells of, empty when it tells of none."""
    try:
        message = decode(frame)
    except BadMessage:
        return b""
    return message.root if isinstance(message, Hello | Beat | Bye) else b""


class Liar:
    """One way of lying, with what it needs to remember."""

    def __init__(
        self,
        kind: str,
        dice: Random,
        logs: Logs,
        now: Callable[[], float],
        blocks: Blocks = tuple,
        wave_s: float = WAVE_S,
    ) -> None:
        """`wave_s`: seconds between two waves of a flood."""
        self._wave_s = wave_s
        self._dice, self._logs, self._now, self._blocks = dice, logs, now, blocks
        self._wave_at = 0.0
        self._lie: Callable[[bytes], list[bytes]] = getattr(self, f"_{kind}")
        self._old: list[bytes] = []
        self._heard = b""

    def __call__(self, frame: bytes, heard: bytes = b"") -> list[bytes]:
        """Return what is sent in place of this frame. `heard`: the root that the peer told of last, if it did."""
        self._heard = heard
        return self._lie(frame)

    def _equivocate(self, frame: bytes) -> list[bytes]:
        """Say what is held: that is another thing towards each half of the peers (`twofaced`)."""
        return [frame]

    def _pour(self, frame: bytes) -> list[bytes]:
        """Say what is held: that is far too much (`pouring`)."""
        return [frame]

    def _withhold(self, frame: bytes) -> list[bytes]:
        """Serve nothing, as if all were well."""
        return [] if isinstance(decode(frame), BlockMessage | Segment) else [frame]

    def _roots(self, frame: bytes) -> list[bytes]:
        """Tell of other sets than are held."""
        dice = self._dice
        match decode(frame):
            case Hello():
                return [frame[:-16] + dice.choice([bytes(16), dice.randbytes(16)])]
            case Beat(_, counter, handled, within, asks):
                return [encode(Beat(dice.randbytes(16), counter + 1000, handled, within, asks))]
            case Bye(_, _, counter, handled):
                return [encode(Bye(0, dice.randbytes(16), counter + 1000, handled))]
            case Rest():
                return [encode(Rest(dice.randbytes(16)))]
            case _:
                return [frame]

    def _echo(self, frame: bytes) -> list[bytes]:
        """Agree with whatever the peer holds, and serve nothing."""
        if not self._heard:
            return self._withhold(frame)
        match decode(frame):
            case Hello():
                return [frame[:-16] + self._heard]
            case Beat(_, counter, handled, within, asks):
                return [encode(Beat(self._heard, counter, handled, within, asks))]
            case Bye(_, _, counter, handled):
                return [encode(Bye(0, self._heard, counter, handled))]
            case _:
                return self._withhold(frame)

    def _claims(self, frame: bytes) -> list[bytes]:
        """Claim tips that nobody has, of logs that there are and that there are not."""
        dice = self._dice
        if isinstance(decode(frame), Hello) or dice.random() > 0.2:
            return [frame]
        log = dice.choice([LogId(dice.randbytes(32)), *self._logs()])
        return [frame, encode(Tip(log, 0, dice.randrange(10_000), dice.randbytes(4)))]

    def _spoil(self, frame: bytes) -> list[bytes]:
        """Flip a bit of what is served."""
        dice = self._dice
        if not isinstance(decode(frame), BlockMessage | Segment) or dice.random() > 0.3:
            return [frame]
        at = dice.randrange(len(frame) - 20, len(frame))
        return [frame[:at] + bytes([frame[at] ^ 1]) + frame[at + 1 :]]

    def _junk(self, frame: bytes) -> list[bytes]:
        """Send what is no message."""
        dice = self._dice
        return [frame, dice.randbytes(dice.randint(1, 200))] if dice.random() < 0.05 else [frame]

    def _replay(self, frame: bytes) -> list[bytes]:
        """Send again what was sent before, in this session or another, to anybody."""
        dice = self._dice
        self._old.append(frame)
        if len(self._old) > OLD_FRAMES:
            self._old.pop(dice.randrange(len(self._old)))
        return [frame, *dice.sample(self._old, min(len(self._old), dice.choice([0, 0, 1, 3])))]

    def _flood(self, frame: bytes) -> list[bytes]:
        """Send waves of tips that mean nothing."""
        dice = self._dice
        if isinstance(decode(frame), Hello) or self._now() < self._wave_at:
            return [frame]
        self._wave_at = self._now() + self._wave_s
        tips = [
            Tip(LogId(dice.randbytes(32)), 0, dice.randrange(100), dice.randbytes(4)) for _ in range(FLOOD)
        ]
        return [frame, *map(encode, tips)]

    def _heap(self, frame: bytes) -> list[bytes]:
        """Send waves of blocks that nobody asked for, and that the peer has had already."""
        dice = self._dice
        if isinstance(decode(frame), Hello) or self._now() < self._wave_at:
            return [frame]
        self._wave_at = self._now() + self._wave_s
        blocks = self._blocks()
        if not blocks:
            return [frame]
        return [frame, *(encode(BlockMessage(False, True, dice.choice(blocks))) for _ in range(HEAP))]

    def _weak(self, frame: bytes) -> list[bytes]:
        """Send what was signed under a key of small order, without a secret."""
        if isinstance(decode(frame), Hello) or self._now() < self._wave_at:
            return [frame]
        self._wave_at = self._now() + self._wave_s
        return [frame, *(encode(BlockMessage(False, True, each)) for each in self._blocks())]
