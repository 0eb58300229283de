"""A world of overlays and nothing else, to see what they come to: calls, drops, cuts and deaths in virtual time.

The physical world is the naive part: which nodes live, which cannot reach each other, and which links stand at both
ends. Nothing here knows how a machine decides.
"""

from collections import deque
from collections.abc import Callable
from functools import partial
from hashlib import sha256
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import TypeAlias

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Candidate, Group
from fedsync.gossip.kept import Kept
from fedsync.gossip.overlay import Call, Down, Drop, Event, Failed, Known, Overlay, Tick, Up, Wake
from fedsync.gossip.view import Score
from fedsync.records.ids import Scope

DELAY = 0.05

Views: TypeAlias = dict[Scope, Kept]


def peer(name: object) -> Peer:
    return Peer(sha256(f"peer {name}".encode()).digest())


def scope(name: object) -> Scope:
    return Scope(sha256(f"scope {name}".encode()).digest()[:16])


def candidate(name: object, body: object = None, callable: bool = True) -> Candidate:
    body = name if body is None else body
    return Candidate(peer(name), str(body).encode(), (f"{name}:1",) if callable else ())


class Town:
    """Overlays under one clock. `apart`: pairs that cannot reach each other."""

    def __init__(self, seed: int) -> None:
        self.dice = Random(seed)
        self.now = 0.0
        self.nodes: dict[Peer, Overlay] = {}
        self.memberships: dict[Peer, Known] = {}
        self.links: dict[frozenset[Peer], None] = {}
        self.sides: dict[Peer, int] = {}
        self.dead: set[Peer] = set()
        self.drops = self.calls = 0
        self.after_each: Callable[[Town], None] = lambda town: None
        self._ending: list[frozenset[Peer]] = []
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()
        self._wakes: dict[Peer, float] = {}
        self._lives: dict[Peer, int] = {}

    def add(
        self,
        who: Peer,
        *groups: Group,
        pinned: frozenset[Peer] = frozenset(),
        score: Score = lambda each: 0.0,
    ) -> None:
        self.memberships[who] = Known(groups, pinned)
        self.start(who, score=score)

    def start(self, who: Peer, kept: Views | None = None, score: Score = lambda each: 0.0) -> None:
        self.dead.discard(who)
        self.nodes[who] = Overlay(who, self.dice, score, kept=kept)
        self.tell(who, self.memberships[who])

    def kill(self, who: Peer) -> Views:
        self.dead.add(who)
        for pair in [pair for pair in self.links if who in pair]:
            self.cut(pair)
        return self.nodes.pop(who).keep()

    def part(self, side: list[Peer]) -> None:
        """Nobody of this side reaches the others from now on."""
        self.sides = dict.fromkeys(side, 1)
        for pair in [pair for pair in self.links if not self.reach(*pair)]:
            self.cut(pair)

    def heal(self) -> None:
        self.sides = {}

    def cut(self, pair: frozenset[Peer]) -> None:
        del self.links[pair]
        for one, two in (tuple(pair), tuple(pair)[::-1]):
            self.tell(one, Down(two))

    def reach(self, one: Peer, two: Peer) -> bool:
        alive = one not in self.dead and two not in self.dead and one in self.nodes and two in self.nodes
        return alive and self.sides.get(one, 0) == self.sides.get(two, 0)

    # --- Time -------------------------------------------------------------------------------------------

    def at(self, when: float, what: Callable[[], None]) -> None:
        heappush(self._heap, (when, next(self._order), what))

    def run(self, seconds: float, until: Callable[[], bool] | None = None) -> float | None:
        """Let time pass; return after how many seconds `until` came true."""
        begun, end = self.now, self.now + seconds
        if until is not None and until():
            return 0.0
        while self._heap and self._heap[0][0] <= end:
            self.now, _, what = heappop(self._heap)
            what()
            self.after_each(self)
            if until is not None and until():
                return self.now - begun
        self.now = end
        return None

    def tell(self, who: Peer, event: Event) -> bool:
        """Tell a node; return whether it dropped whom the event is about."""
        if who not in self.nodes:
            return False
        dropped = False
        for effect in self.nodes[who].handle(event, self.now):
            match effect:
                case Call(other, addresses):
                    assert addresses, "whoever has no address cannot be called"
                    self.calls += 1
                    self.at(self.now + DELAY, partial(self._call, who, other))
                case Drop(other):
                    if isinstance(event, Up) and other == event.peer:
                        dropped = True
                    else:
                        self._drop(who, other)
                case Wake(at):
                    assert at > self.now, "a machine that wakes at once never sleeps"
                    self._wakes[who] = at
                    self.at(at, partial(self._tick, who, at))
        return dropped

    def _tick(self, who: Peer, at: float) -> None:
        if self._wakes.get(who) == at:
            self.tell(who, Tick())

    def _call(self, who: Peer, other: Peer) -> None:
        pair = frozenset((who, other))
        if not self.reach(who, other):
            self.tell(who, Failed(other))
        elif pair in self.links:
            self.tell(who, Up(other, True))
        elif self.tell(other, Up(who, False)):
            self.tell(who, Failed(other, full=True))
        else:
            self.links[pair] = None
            if self.tell(who, Up(other, True)):
                self._drop(who, other)

    def _drop(self, who: Peer, other: Peer) -> None:
        self.drops += 1
        pair = frozenset((who, other))
        assert pair in self.links or pair in self._ending, "only a link that stands is dropped"
        if self.links.pop(pair, self) is self:
            return  # The other side dropped it just before.
        self._ending.append(pair)
        self.at(self.now + DELAY, lambda: self._left(other, who, pair))

    def _left(self, other: Peer, who: Peer, pair: frozenset[Peer]) -> None:
        self._ending.remove(pair)
        if pair not in self.links:
            self.tell(other, Down(who, left=True))

    # --- What it came to --------------------------------------------------------------------------------

    def together(self, members: list[Peer]) -> bool:
        """Say whether links join all of these that live."""
        living = [each for each in members if each not in self.dead]
        if not living:
            return True
        near: dict[Peer, list[Peer]] = {each: [] for each in living}
        for pair in self.links:
            one, two = pair
            if one in near and two in near:
                near[one].append(two)
                near[two].append(one)
        seen = {living[0]}
        todo = deque(seen)
        while todo:
            for each in near[todo.popleft()]:
                if each not in seen:
                    seen.add(each)
                    todo.append(each)
        return len(seen) == len(living)

    def degree(self, who: Peer) -> int:
        return sum(who in pair for pair in self.links)
