"""Blocks as segments on a thin link: what leaves is made short, what comes is made whole again. Pure.

A segment names what the other side holds. What that is follows from the session: what it asked from, what was sent to it and came from
it, and, once both held the same, all that both may hold. When it is mistaken the other side waits a while for what is named, which may be
on its way; then it says PLAIN, and asks for the block in full.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from fedsync.gossip.costs import Costs
from fedsync.gossip.gate import TokenBucket
from fedsync.gossip.holdings import Holdings, SetKey
from fedsync.gossip.inhand import InHand
from fedsync.gossip.limits import (
    LATE_BYTES,
    LATE_S,
    LATE_TRIES,
    LATE_TRIES_BURST,
    LATE_TRIES_PER_S,
    MAX_GIVEN,
    MAX_LATE,
    MAX_PLAIN,
    PLAIN_S,
)
from fedsync.gossip.messages import BlockMessage, Plain, Segment, Tag, decode, encode
from fedsync.gossip.names import HeldNames, Places
from fedsync.gossip.priority import FIRST
from fedsync.records.block import BadBlock, peek
from fedsync.records.dictionary import NEWEST
from fedsync.records.ids import LogId
from fedsync.records.segment import SHORT_BYTES, BadSegment, pack, unpack


class Ahead(NamedTuple):
    """A block that waits for the one before it, which nobody may have sent. `seq`: of the record that it follows."""

    log: LogId
    seq: int


class Unread(NamedTuple):
    """A block that came and cannot be read: `log` None when it is not known which. `seq`: it follows that record."""

    log: LogId | None
    seq: int
    last: bool
    pushed: bool


@dataclass(slots=True)
class _Late:
    """A segment that waits for a record that it names."""

    message: Segment
    error: BadSegment
    until: float
    tries: int = 0

    def helped(self, log: LogId, last: int) -> bool:
        """Say whether it may be read once a log is held up to there: many may wait for one another, and come at once."""
        if self.error.needs is None:
            return log.startswith(self.error.short)
        return log == self.error.needs and (self.error.code != "base" or last >= self.error.seq)


class Segments:
    """Of one session. `thin`: whether blocks leave as segments here; they may come as such on any link."""

    def __init__(
        self,
        holdings: Holdings,
        places: Places,
        may: Callable[[SetKey], bool],
        thin: bool,
        costs: Costs | None = None,
    ) -> None:
        self.thin = thin
        self.now = 0.0
        """In seconds, as the session was last told."""
        self.words = 0
        """The newest dictionary of the peer; 0: it has none, and gets no segment."""
        self.level = False
        """Whether the peer is taken to have held what we held at some moment."""
        self._places = places
        self._given: OrderedDict[LogId, int] = OrderedDict()
        """The seq up to which the peer is known to hold a log."""
        self._plain: dict[bytes, float] = {}
        """What the peer wants whole, and until when."""
        self._late: deque[_Late] = deque()
        self._complained: dict[bytes, float] = {}
        """Of what the peer was told that it could not be read, and until when it sends it whole."""
        self._own: LogId | None = None
        self._holdings, self._may = holdings, may
        self.costs = costs or Costs()
        """Where it is added what it costs to read what came."""

    # Most sessions neither send a segment nor get one.

    @cached_property
    def _tries(self) -> TokenBucket:
        return TokenBucket(LATE_TRIES_PER_S, LATE_TRIES_BURST)

    @cached_property
    def _writes(self) -> HeldNames:
        return HeldNames(self._holdings, self._places, self._may, self._knows)

    @cached_property
    def _narrow(self) -> HeldNames:
        return HeldNames(self._holdings, Places(0), self._may, self._knows_own)

    @cached_property
    def _reads(self) -> InHand:
        return InHand(HeldNames(self._holdings, self._places, self._may, costs=self.costs))

    # --- Leaving --------------------------------------------------------------------------------------

    def shorten(self, frame: bytes, priority: int) -> bytes:
        """Return a frame as it goes out: a BLOCK as a segment, if that is shorter and the peer can read it.

        What is urgent names nothing but what comes before it in its own log: anything else may still wait on the carrier,
        which lets the urgent overtake it.
        """
        if not self.thin or frame[1] != Tag.BLOCK:
            return frame
        message = decode(frame)
        if not isinstance(message, BlockMessage):
            return frame
        try:
            head = peek(message.raw)
        except BadBlock:
            return frame
        if not message.pushed:
            # It was asked for from there on, or follows what was sent before.
            self._give(head.log, head.first - 1)
        if self.words and not self._wants_whole(head.log):
            self._own = head.log
            names = self._narrow if priority == FIRST else self._writes
            data = pack(message.raw, names, min(self.words, NEWEST))
            frame = min(encode(Segment(message.last, message.pushed, data)), frame, key=len)
        if not message.pushed or self._knows(head.log, head.first - 1):
            self._give(head.log, head.last)
        self._places.note(message.raw)
        return frame

    def plain(self, message: Plain) -> None:
        """Send nothing of a log, or of any, as a segment for a while: the peer could not read one."""
        self._plain = {short: until for short, until in self._plain.items() if until > self.now}
        self._plain[message.short if len(self._plain) < MAX_PLAIN else b""] = self.now + PLAIN_S

    def _wants_whole(self, log: LogId) -> bool:
        return any(self._plain.get(short, self.now) > self.now for short in (log[:SHORT_BYTES], b""))

    # --- Coming ---------------------------------------------------------------------------------------

    def hear(self, message: Segment) -> BlockMessage | Ahead | Unread | None:
        """Return the block that a segment is; None, or Ahead when nobody asked for it, when it waits for a record.

        Raises BadSegment when it deserves a strike.
        """
        try:
            return self._read(message)
        except BadSegment as error:
            if error.code == "malformed":
                raise
            size = len(message.data) + self.late_bytes
            waits = error.code in ("base", "unknown") and len(self._late) < MAX_LATE and size <= LATE_BYTES
            if not waits:
                return _unread(message, error)
            self._late.append(_Late(message, error, self.now + LATE_S))
            if message.pushed and error.code == "base" and error.log is not None:
                return Ahead(error.log, error.seq)
            return None

    def _read(self, message: Segment) -> BlockMessage:
        raw = unpack(message.data, self._reads)
        self.came(raw)
        return BlockMessage(message.last, message.pushed, raw)

    def came(self, raw: bytes) -> None:
        """Note that the peer holds a block."""
        if self.thin:
            try:
                head = peek(raw)
            except BadBlock:
                return
            self._give(head.log, head.last)
            self._reads.came(raw)

    def stored(self, log: LogId, raw: bytes) -> Iterator[BlockMessage | Unread]:
        """A block is held now: yield what waited for it and can be read."""
        if self.thin:
            self._places.note(raw)
        if not self._late:
            return
        head = peek(raw)
        last = head.first + head.count - 1
        for each in [each for each in self._late if each.helped(log, last)]:
            each.tries += 1
            may = self._tries.take(1, self.now)
            found = self._again(each, each.tries < LATE_TRIES) if may else _unread(each.message, each.error)
            if found is not None:
                self._late.remove(each)
                yield found

    def overdue(self) -> Iterator[BlockMessage | Unread]:
        """Yield what has waited too long."""
        while self._late and self._late[0].until <= self.now:
            found = self._again(self._late.popleft(), False)
            if found is not None:
                yield found

    def _again(self, late: _Late, waits: bool) -> BlockMessage | Unread | None:
        try:
            return self._read(late.message)
        except BadSegment as error:
            if waits and error.code in ("base", "unknown"):
                late.error = error
                return None
            return _unread(late.message, error)

    def complain(self, block: Unread) -> Plain | None:
        """Return what to say of a block that cannot be read; None when it was said: what was on its way then comes again."""
        short = b"" if block.log is None else block.log[:SHORT_BYTES]
        if self._complained.get(short, self.now) > self.now:
            return None
        if len(self._complained) > MAX_PLAIN:
            self._complained.clear()
        self._complained[short] = self.now + PLAIN_S
        return Plain(short)

    @property
    def late(self) -> int:
        """How many segments wait for what they name."""
        return len(self._late)

    @property
    def late_bytes(self) -> int:
        """How many bytes these have."""
        return sum(len(each.message.data) for each in self._late)

    def wake_at(self) -> float | None:
        """Return when something has waited too long."""
        return self._late[0].until if self._late else None

    # --- What the peer holds --------------------------------------------------------------------------

    def _give(self, log: LogId, seq: int) -> None:
        if seq > self._given.get(log, -1):
            self._given[log] = seq
            self._given.move_to_end(log)
            if len(self._given) > MAX_GIVEN:
                self._given.popitem(last=False)

    def _knows(self, log: LogId, seq: int) -> bool:
        return self.level or seq <= self._given.get(log, -1)

    def _knows_own(self, log: LogId, seq: int) -> bool:
        return log == self._own and self._knows(log, seq)


def _unread(message: Segment, error: BadSegment) -> Unread:
    return Unread(error.log, error.seq, message.last, message.pushed)
