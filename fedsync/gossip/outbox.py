"""What a session has to say, in the order and the amount that the carrier takes. Pure.

Small words go out at once. What can be large (ranges, blocks) waits until the carrier has room, so that a slow
peer costs no memory. What is urgent waits for nothing: the carrier lets it overtake what it has of other things.
"""

from collections import deque
from collections.abc import Callable

from fedsync.gossip.costs import Costs
from fedsync.gossip.events import Effect, Send
from fedsync.gossip.lanes import cost
from fedsync.gossip.limits import ROOM_BYTES, URGENT_BYTES
from fedsync.gossip.messages import (
    Beat,
    Bodies,
    Bye,
    Delta,
    Hello,
    Locate,
    Message,
    Range,
    Rest,
    Sets,
    Spans,
    These,
    Want,
    Which,
    encode,
)
from fedsync.gossip.priority import FIRST, LAST, WORDS

_QUESTIONS = frozenset({Hello, Sets, Spans, Range, Delta, Rest, Want, Locate, Which})

_SIGNS = frozenset({Beat, Bye})
"""Say that we are here, or have nothing left to ask."""

_LARGE = frozenset({Bodies, Sets, Spans, Range, Which, These})
"""May be many and long."""


class Outbox:
    """Effects of one session, collected until `drain`."""

    def __init__(self, room: int = ROOM_BYTES, costs: Costs | None = None) -> None:
        """`room`: how many bytes go out before the carrier has said how much it takes. `costs`: where bytes of listings are added."""
        self.costs = costs or Costs()
        self.shorten: Callable[[bytes, int], bytes] | None = None
        """How a frame of a priority leaves; None: as it is."""
        self.effects: list[Effect] = []
        self.room = room
        self.sent = 0
        """Messages sent so far, BEAT and BYE not counted: a peer that has handled so many has seen all."""
        self.written = 0
        """Bytes of all that was said so far."""
        self.expecting = False
        """Whether something was asked since the peer was last heard."""
        self.backlog = 0
        """Bytes that wait for room."""
        self.deferred: deque[tuple[bytes, int]] = deque()
        """The frames that wait for it, and their priorities."""

    def say(self, message: Message, priority: int = WORDS) -> None:
        """Send a message now, or when there is room if it may be large."""
        kind = type(message)
        self.expecting = self.expecting or kind in _QUESTIONS
        counted = kind not in _SIGNS
        if kind is Hello:
            priority = FIRST  # What comes before it is not heard.
        elif not counted:
            priority = LAST
        frame, large = encode(message), kind in _LARGE
        if large:
            self.costs.listed += len(frame)
        self.frame(frame, priority, large, counted)

    def frame(self, frame: bytes, priority: int, defer: bool = False, counted: bool = True) -> None:
        """Send a frame now, or when there is room."""
        self.sent += counted
        self.written += len(frame)
        if defer and (self.room <= 0 or self.deferred):
            self.deferred.append((frame, priority))
            self.backlog += len(frame)
            return
        self._send(frame, priority)

    def _send(self, frame: bytes, priority: int) -> None:
        if self.shorten is not None:
            frame = self.shorten(frame, priority)
        self.room -= cost(frame)
        self.effects.append(Send(frame, priority))

    def flush(self) -> bool:
        """Send what waited for room; return whether room is left."""
        while self.deferred and self.room > 0:
            frame, priority = self.deferred.popleft()
            self.backlog -= len(frame)
            self._send(frame, priority)
        return self.room > 0

    def withdraw(self, unwanted: Callable[[bytes], bool]) -> None:
        """Drop those frames that wait for room and are not to be sent any more."""
        kept = deque(each for each in self.deferred if not unwanted(each[0]))
        size = sum(len(frame) for frame, _ in kept)
        self.sent -= len(self.deferred) - len(kept)
        self.written -= self.backlog - size
        self.deferred, self.backlog = kept, size

    @property
    def waiting(self) -> bool:
        """Whether something waits for room."""
        return bool(self.deferred)

    @property
    def pressing(self) -> bool:
        """Whether what is urgent may still go out, room or not: a peer that reads nothing must not cost more."""
        return self.room > -URGENT_BYTES

    def drain(self) -> list[Effect]:
        """Return the effects so far, and begin anew."""
        effects, self.effects = self.effects, []
        return effects
