"""One group's views: the few links that carry it, and the spare nodes that may take their places. Pure.

The rules, each against something that happened in a simulation or that an attacker would try:

- A body that has several links gives one up before another body loses its only one. So whoever brings a thousand
  nodes under one body has one place in the view, as soon as others ask for theirs.
- A link that this node called is never given up for one that calls: an attacker chooses whom it calls, not whom we call.
- A full view lets a caller in at most once a minute: two full nodes cannot evict each other for ever, and a node that
  has no link gets one wherever it asks.
- So that nodes that call without end do not take every such turn, a body that had one waits for an hour, unless it
  brought something: whoever calls now and then finds the door free.
- A link that broke is tried again even when there are enough, and now and then a random link is changed for another:
  two islands that are each content with themselves meet again.
"""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from math import inf
from typing import Final, NamedTuple

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Candidate, Dice, Group

ACTIVE: Final = 6
"""Links of a group at most, the operator's own aside: 5 carry a record to 10,000 nodes, and one place is for who asks."""
WANTED: Final = 4
"""Links that a node calls others for. Less than ACTIVE, so that there is room somewhere for whoever has too few."""
MIXED: Final = 2
"""Links of these that are wanted even where the operator's own would do: they may all end on one island."""
PASSIVE: Final = 30
"""Spare nodes remembered of a group: enough that some of them live after most of a region has gone dark."""
CALLS: Final = 2
"""Calls under way at once for one group."""
EXCHANGE_S: Final = 3600.0
"""About so often a link of a node is changed for another by chance, in seconds, whichever group's turn it is. Each time costs a handshake, 4 KB, and a session: every
quarter of an hour that was half of what an idle node did, and most of what it sent below TLS."""
ADMIT_S: Final = 60.0
"""At most so often a full view lets a caller in, in seconds."""
TURN_S: Final = 3600.0
"""So long a body that was let into a full view waits until it is again, in seconds: about so often honest nodes exchange a link."""
FIRST_S: Final = 4.0
LONGEST_S: Final = 120.0
"""Seconds until a node that did not answer is called again: doubled each time, up to the longest."""
DOUBLINGS: Final = 16
"""More change nothing: a node that is away for weeks fails thousands of times."""
FRESH_S: Final = 10.0
"""About so often a node that has too few links and nobody left to call tries one more all the same, in seconds."""
LOST_S: Final = 3600.0
"""For so long a link that broke is called again even when there are enough others, in seconds; then chance does it."""
FORGOTTEN: Final = 6
"""A spare that failed so often in a row gives its place to another, where there are more nodes than places."""
BAD: Final = -1.0
"""A score below which a peer is called last and given up first; see `scores`."""

MERIT: Final = 0.02
"""A score from which on a peer has brought something not long ago; see `deeds`."""
DOUBT_S: Final = 30.0
"""So soon a link is exchanged where no peer has brought anything: all of them may be of one mind, and it a bad one."""
DOUBT_GROWTH: Final = 1.25
"""And so many times later each time, up to EXCHANGE_S: perhaps there is nothing to bring."""

Score = Callable[[Peer], float]


@dataclass(slots=True)
class Spare:
    """What is remembered of a node that may be called. Times in seconds."""

    good: bool = False
    """It was linked when it was last seen: called first."""
    failures: int = 0
    again_at: float = 0.0
    lost_until: float = 0.0


class Place(NamedTuple):
    """A link in the view."""

    body: bytes
    since: float
    called: bool
    """Whether this node called."""


class View:
    """The views of one group at one node."""

    def __init__(
        self, me: Peer, group: Group, dice: Dice, score: Score, carries: Callable[[Peer], bool], now: float
    ) -> None:
        self.me, self.group = me, group
        self.active: dict[Peer, Place] = {}
        self.passive: dict[Peer, Spare] = {}
        self._dice, self._score, self._carries = dice, score, carries
        self._exchange_at = now + self._around(DOUBT_S)
        self._admit_at = now
        self.turns: dict[bytes, float] = {}
        """When each body was let in within the last hour."""
        self._fresh_at = now
        self._doubt_s = DOUBT_S

    # --- Who is known ---------------------------------------------------------------------------------

    def regroup(self, group: Group) -> list[Peer]:
        """Take another list of nodes in place of the one so far; return the links that it does not name."""
        self.group = group
        for peer in [peer for peer in self.passive if not self._callable(peer)]:
            del self.passive[peer]
        gone = [peer for peer in self.active if peer not in group]
        for peer in gone:
            del self.active[peer]
        for peer, place in self.active.items():
            found = group.get(peer)
            if found is not None and found.body != place.body:
                self.active[peer] = place._replace(body=found.body)
        return gone

    def restore(self, good: Iterable[Peer], others: Iterable[Peer]) -> None:
        """Take back what was kept: the links of then are called first."""
        for peers, was_good in ((good, True), (others, False)):
            for peer in peers:
                if len(self.passive) < PASSIVE and self._callable(peer):
                    self.passive.setdefault(peer, Spare(good=was_good))

    def fill(self) -> None:
        """Draw spare nodes until there are enough, or chance brings none that is new."""
        if len(self.group) <= PASSIVE:
            for each in self.group.all():
                self._add(each)
            return
        for _ in range(2 * PASSIVE):
            if len(self.passive) >= PASSIVE:
                return
            drawn = self.group.draw(self._dice)
            if drawn is not None:
                self._add(drawn)

    def _add(self, candidate: Candidate) -> None:
        if candidate.peer != self.me and candidate.peer not in self.active and len(self.passive) < PASSIVE:
            self.passive.setdefault(candidate.peer, Spare())

    def _callable(self, peer: Peer) -> bool:
        found = self.group.get(peer)
        return found is not None and bool(found.addresses) and peer != self.me

    # --- Links that come and go -----------------------------------------------------------------------

    def take(
        self, peer: Peer, now: float, called: bool, ours: bool, exchange: bool
    ) -> tuple[bool, Peer | None]:
        """Say whether a link that stands finds a place, and which one gives its place up.

        `called`: this node called; `ours`: for this group; `exchange`: in order to give up another.
        """
        found = self.group.get(peer)
        if found is None:
            return False, None
        victim = None
        if ours and len(self.active) >= (WANTED if exchange else ACTIVE):
            victim = self._given_up()
        elif len(self.active) >= ACTIVE:
            victim = None if called else self._yields(found, now)
            if victim is None:
                return False, None
        if victim is not None:
            self.leave(victim, now)
        self.active[peer] = Place(found.body, now, called)
        self.passive.pop(peer, None)
        return True, victim

    def _given_up(self) -> Peer:
        """Return which link gives way to one that this node called: of those it called, so that places for callers stay such."""
        victim = self._worst(self.active)
        mine = [peer for peer, place in self.active.items() if place.called]
        return self._worst(mine) if len(mine) >= WANTED and self._score(victim) >= BAD else victim

    def adopt(self, peer: Peer, now: float, called: bool) -> None:
        """Give a free place to a link that stands for another group already."""
        found = self.group.get(peer)
        if found is not None and peer not in self.active and len(self.active) < ACTIVE:
            self.active[peer] = Place(found.body, now, called)
            self.passive.pop(peer, None)

    def _yields(self, caller: Candidate, now: float) -> Peer | None:
        """Return which link gives way to a caller, None when none does."""
        crowd, body = self._crowd(), caller.body
        worthy = self._score(caller.peer) >= MERIT
        called_us = {peer: place for peer, place in self.active.items() if not place.called}
        crowded = [peer for peer in called_us if crowd[self.active[peer].body] >= crowd[body] + 2]
        if crowded:
            return self._worst(crowded)
        waits = body in self.turns and now < self.turns[body] + TURN_S
        if now < self._admit_at or (waits and not worthy):
            return None
        free = [
            peer
            for peer, place in called_us.items()
            if place.since + ADMIT_S <= now
            and (
                place.body == body
                or crowd[place.body] > crowd[body]
                or (worthy and self._score(peer) < MERIT)
            )
        ]
        if not free:
            return None
        self._admit_at = now + ADMIT_S
        # One a minute at most, so these are few.
        self.turns = {each: at for each, at in self.turns.items() if now < at + TURN_S}
        self.turns[body] = now
        return self._worst(free)

    def _worst(self, peers: Collection[Peer]) -> Peer:
        """Return whom to give up: who has earned it, then whose body has most links, then who brought nothing yet."""
        crowd = self._crowd()
        return min(
            peers,
            key=lambda peer: (
                min(self._score(peer), BAD),
                -crowd[self.active[peer].body],
                self._score(peer) >= MERIT,
                self._carries(peer),
                self._dice.random(),
            ),
        )

    def _crowd(self) -> Counter[bytes]:
        return Counter(place.body for place in self.active.values())

    def leave(self, peer: Peer, now: float) -> None:
        """Note that a link was given up, by us or by the peer: it lives, and is a spare."""
        if self.active.pop(peer, None) is not None:
            self._spare(peer).again_at = now + self._around(ADMIT_S)

    def lost(self, peer: Peer, now: float) -> None:
        """Note that a link broke: it is called again, even when there are enough others."""
        if self.active.pop(peer, None) is not None:
            spare = self._spare(peer)
            spare.good, spare.failures = True, 0
            spare.again_at, spare.lost_until = now + self._around(FIRST_S), now + LOST_S

    def failed(self, peer: Peer, now: float, full: bool) -> None:
        """Note that a call came to nothing. `full`: the node lives, and has no place."""
        spare = self.passive.get(peer)
        if spare is None:
            return
        spare.good = False
        if full:
            # It is well, so this is no broken link any more; and it changes its links about so often.
            spare.failures, spare.lost_until = 0, 0.0
            spare.again_at = now + self._around(ADMIT_S)
            return
        spare.failures += 1
        spare.again_at = now + self._around(min(LONGEST_S, FIRST_S * 2.0 ** min(spare.failures, DOUBLINGS)))
        if spare.failures >= FORGOTTEN and spare.lost_until <= now and len(self.group) > PASSIVE:
            del self.passive[peer]
            self.fill()

    def _spare(self, peer: Peer) -> Spare:
        """Return what is kept of a node that was linked; it takes another's place if it must."""
        if peer not in self.passive and len(self.passive) >= PASSIVE:
            del self.passive[max(self.passive, key=lambda each: self.passive[each].failures)]
        spare = Spare()
        # One that has no address would only keep a place from one that can be called.
        if self._callable(peer):
            spare = self.passive.setdefault(peer, spare)
        return spare

    # --- Whom to call ---------------------------------------------------------------------------------

    def short(self, own: Collection[Peer], calling: int) -> int:
        """Return how many links are missing. `own`: links of the operator's peers; `calling`: calls under way."""
        here = sum(peer in self.group for peer in own)
        return max(MIXED, WANTED - here) - len(self.active) - calling

    def plan(
        self, now: float, own: Collection[Peer], busy: Collection[Peer], calling: int, groups: int = 1
    ) -> Iterator[tuple[Candidate, bool]]:
        """Yield whom to call, and whether in exchange for a link. `busy`: nodes that are linked or being called. `groups`: how many
        have links, so that their exchanges together are as many as those of one."""
        if not self.passive:
            self.fill()
        due = {peer: each for peer, each in self.passive.items() if each.again_at <= now and peer not in busy}
        short = min(self.short(own, calling), CALLS - calling)
        if short > 0 and not due and now >= self._fresh_at:
            self._fresh_at = now + self._around(FRESH_S)
            due = self._freshen(busy, own)
        for _ in range(short):
            if due:
                yield self._call(self._pick(due), False)
        if short > 0 or calling:
            return
        if self._narrow(own):
            bodies = self._linked_bodies(own)
            others = {peer: each for peer, each in due.items() if self._body(peer) not in bodies}
            if others:
                yield self._call(self._pick(others), False)
                return
        if self._spoilt() and now >= self._fresh_at:
            better = {peer: each for peer, each in due.items() if self._score(peer) >= BAD}
            if better:
                self._fresh_at = now + self._around(FRESH_S)
                yield self._call(self._pick(better), True)
                return
        again = {peer: each for peer, each in due.items() if each.lost_until > now}
        if again:
            yield self._call(self._pick(again), True)
        elif now >= self._exchange_at:
            self._exchange_at = now + self._around(self._pause(own, groups))
            self._renew(busy)
            if due and self.active:
                yield self._call(self._any(due), True)

    def _freshen(self, busy: Collection[Peer], own: Collection[Peer]) -> dict[Peer, Spare]:
        """Return whom to try when all spares were called not long ago: a new one, or any when there is no link at all."""
        tried = {peer: each for peer, each in self.passive.items() if peer not in busy}
        if len(self.group) > PASSIVE and tried:
            del self.passive[max(tried, key=lambda peer: (tried[peer].failures, tried[peer].again_at))]
            self.fill()
            return {
                peer: each for peer, each in self.passive.items() if peer not in tried and peer not in busy
            }
        if tried and self._may_freshen(own):
            first = min(tried, key=lambda peer: tried[peer].again_at)
            return {first: tried[first]}
        return {}

    def _may_freshen(self, own: Collection[Peer]) -> bool:
        """Say whether one more is tried although all spares were called not long ago."""
        alone = not self.active and not any(peer in self.group for peer in own)
        return alone or len(self.group) > PASSIVE

    def _pause(self, own: Collection[Peer], groups: int) -> float:
        """Return how long until the next exchange: not long where nobody brings anything."""
        if any(self._score(peer) >= MERIT for peer in (*self.active, *own)):
            self._doubt_s = DOUBT_S
            return EXCHANGE_S * groups
        # Between two of ours all other groups have one each.
        pause, self._doubt_s = self._doubt_s, min(self._doubt_s * DOUBT_GROWTH**groups, EXCHANGE_S)
        return pause * groups

    def _narrow(self, own: Collection[Peer]) -> bool:
        """Say whether the links come from fewer bodies than they could."""
        return len(self._linked_bodies(own)) < min(WANTED, self.group.bodies)

    def _spoilt(self) -> bool:
        """Say whether a link is with one that had better be another."""
        return any(self._score(peer) < BAD for peer in self.active)

    def _linked_bodies(self, own: Collection[Peer]) -> set[bytes]:
        return {self._body(peer) for peer in (*self.active, *own) if peer in self.group}

    def _body(self, peer: Peer) -> bytes:
        found = self.group.get(peer)
        return b"" if found is None else found.body

    def _call(self, peer: Peer, exchange: bool) -> tuple[Candidate, bool]:
        found = self.group.get(peer)
        assert found is not None
        return found, exchange

    def _pick(self, due: dict[Peer, Spare]) -> Peer:
        """Take the best of these: no bad ones, then good ones of old, then of a body that has few links, then by chance."""
        crowd = self._crowd()
        best = min(
            due,
            key=lambda peer: (
                self._score(peer) < BAD,
                not due[peer].good,
                crowd[self._body(peer)],
                self._dice.random(),
            ),
        )
        del due[best]
        return best

    def _any(self, due: dict[Peer, Spare]) -> Peer:
        """Return one of these by chance, a body first, bad ones only when there are no others."""
        fair = {peer: each for peer, each in due.items() if self._score(peer) >= BAD} or due
        bodies = sorted({self._body(peer) for peer in fair})
        body = bodies[int(self._dice.random() * len(bodies))]
        nodes = [peer for peer in fair if self._body(peer) == body]
        return nodes[int(self._dice.random() * len(nodes))]

    def _renew(self, busy: Collection[Peer]) -> None:
        """Change one spare for another by chance, where not all nodes have a place."""
        if len(self.group) > PASSIVE:
            plain = [peer for peer, each in self.passive.items() if not each.good and peer not in busy]
            if len(self.passive) >= PASSIVE and plain:
                del self.passive[plain[int(self._dice.random() * len(plain))]]
            self.fill()

    def wake_at(self, now: float, own: Collection[Peer], busy: Collection[Peer], calling: int) -> float:
        """Return when there may be somebody to call, when `plan` has just been asked. A call that ends is an event of its own."""
        missing = self.short(own, calling) > 0
        if calling >= CALLS or (calling and not missing):
            return inf
        # Never at once, or whoever did not call would be woken for ever.
        at = inf if missing else self._exchange_at if self._exchange_at > now else now + FRESH_S
        spoilt = self._spoilt()
        if (missing and self._may_freshen(own)) or (spoilt and self._fresh_at > now):
            at = min(at, max(self._fresh_at, now + FRESH_S / 10))
        wanting = missing or spoilt or self._narrow(own)
        for peer, spare in self.passive.items():
            if peer not in busy and (wanting or spare.lost_until > now):
                at = min(at, spare.again_at if spare.again_at > now else inf)
        return at

    def _around(self, seconds: float) -> float:
        return seconds * (0.5 + self._dice.random())
