"""One parcel on its way out: what the other side lacks of it, what is in the air, what to send next. Pure."""

from math import ceil, sqrt
from typing import Final

from fedsync.gossip.thin.fountain import MAX_NUMBER, Encoder
from fedsync.gossip.thin.packets import PLAIN_PIECES, Symbol, Whole, symbol_length

MAX_COPIES: Final = 4
"""Of each packet of what is urgent, sent before any answer."""
MISSED: Final = 0.01
"""What is urgent is to be missed so seldom before an answer."""


def copies(loss: float) -> int:
    """Return how often to send what is urgent, so that it is missed one time in a hundred."""
    count, missed = 1, loss
    while missed > MISSED and count < MAX_COPIES:
        count, missed = count + 1, missed * loss
    return count


class Parcel:
    """One or more frames, cut into `count` symbols. The last piece of what is not coded is not filled up."""

    def __init__(
        self, lane: int, seq: int, data: bytes, symbol_bytes: int, *, several: bool, urgent: bool
    ) -> None:
        self.lane, self.seq, self.size = lane, seq, len(data)
        self.symbol_bytes, self.urgent, self._several = symbol_bytes, urgent, several
        self._encoder = Encoder(data, symbol_bytes)
        self._data = data
        self.count = self._encoder.count
        self.coded = self.count > PLAIN_PIECES
        self.done = False
        self.needs = self.count if self.coded else (1 << self.count) - 1
        """As the other side said last: how many symbols, or which."""
        self.begun = False
        self.cost = 0
        """What its frames count for while they wait."""
        self._next = 0
        self._air: dict[int, int] = {}
        """How many copies of each symbol are on their way."""
        self._sent_at: dict[int, float] = {}

    @property
    def in_air(self) -> int:
        """How many of its packets are on their way."""
        return sum(self._air.values())

    def report(self, needs: int) -> None:
        """Note what the other side says that it lacks: forged numbers cost no more than the whole again."""
        if needs == 0:
            self.done, self._data, self._air = True, b"", {}
            return
        self.needs = min(needs, self.count) if self.coded else needs & ((1 << self.count) - 1)

    def want(self, now: float, loss: float, spacing: float, spare: bool) -> int | None:
        """Return which symbol to send now; None when what is on its way is likely to do.

        `spacing`: seconds between two copies of one symbol. `spare`: nothing else is to be sent, so some more may be.
        """
        if self.done:
            return None
        if self.coded:
            return self._want_coded(loss, spare)
        aim = copies(loss) if self.urgent else 1 + spare
        for number in range(self.count):
            in_air = self._air.get(number, 0)
            if not self.needs >> number & 1 or in_air >= aim:
                continue
            if not in_air or now >= self._sent_at[number] + spacing:
                return number
        return None

    def _want_coded(self, loss: float, spare: bool) -> int | None:
        margin = 2 + sqrt(self.needs * loss) * 1.5 if spare or self.urgent else 0
        if self.in_air * (1 - loss) >= self.needs + margin:
            return None
        return self._next

    def length(self, number: int) -> int:
        """Return how many bytes of a symbol are sent."""
        return symbol_length(self.size, self.symbol_bytes, number)

    def take(self, number: int, now: float) -> Whole | Symbol:
        """Return a symbol as a piece of a packet that is sent now."""
        self.begun = True
        if number == self._next:
            self._next = number + 1 if number < MAX_NUMBER else self.count
        self._air[number] = self._air.get(number, 0) + 1
        self._sent_at[number] = now
        if self.count == 1:
            return Whole(self.lane, self.seq, self._several, self._data)
        data = self._encoder.symbol(number)[: self.length(number)]
        return Symbol(self.lane, self.seq, self.size, self.symbol_bytes, number, data)

    def landed(self, number: int) -> None:
        """Note that a symbol is not on its way any more: it came, or it is lost."""
        left = self._air.get(number, 0) - 1
        if left > 0:
            self._air[number] = left
        else:
            self._air.pop(number, None)


def cut(size: int, most: int) -> int:
    """Return how large to make the symbols of a parcel of this size, so that they are alike and none is above `most`."""
    return ceil(size / ceil(size / most))
