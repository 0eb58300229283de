"""All sessions of a node: who hears of what, and how much each peer may use. Pure.

The engine owns no state of a session. It routes events, lets sessions know when what another asked for is free
again, and turns an overdrawn budget into back-pressure: we stop reading that peer, and only that one.
"""

from fedsync.gossip.budget import Budget
from fedsync.gossip.deeds import CLOSES, Deed
from fedsync.gossip.events import (
    Close,
    Closed,
    Curious,
    Did,
    Effect,
    Event,
    Followed,
    Granted,
    Held,
    Hurried,
    Opened,
    Pause,
    Peer,
    Pinned,
    Received,
    Resume,
    Stored,
    Taken,
    Tick,
)
from fedsync.gossip.following import Following
from fedsync.gossip.hearsay import Knows, nothing
from fedsync.gossip.holdings import Holdings
from fedsync.gossip.messages import Tag
from fedsync.gossip.names import Places
from fedsync.gossip.phases import Phase
from fedsync.gossip.report import Report
from fedsync.gossip.session import Session
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.sizes import Sizes
from fedsync.gossip.tree import Tree
from fedsync.gossip.trees import Trees
from fedsync.gossip.wants import Asked

_BLOCKS = (bytes((0x93, Tag.BLOCK)), bytes((0x93, Tag.SEGMENT)))
_WANT_BYTES = 12
_LISTED_BYTES = 24
"""Bytes of a listing in answer that cost as much as one log asked for: it was worked out from what is in memory."""
_COSTS = {
    bytes((0x93, Tag.LOCATE)): 16,
    bytes((0x93, Tag.DELTA)): 256,
    bytes((0x92, Tag.REST)): 256,
    bytes((0x95, Tag.BODIES)): 256,
    bytes((0x93, Tag.WHICH)): 256,
    bytes((0x92, Tag.THESE)): 256,
    bytes((0x93, Tag.RANGE)): 128,
    bytes((0x94, Tag.SETS)): 1024,
    bytes((0x92, Tag.SPANS)): 1024,
    bytes((0x97, Tag.BEAT)): 128,
}
"""What it costs to look into the store for a message, in logs asked for; each log named costs one more, in any message."""

_PAID = (Received, Taken)
"""Events for which a peer is charged."""
_NOTED = frozenset({Pause, Resume, Close})
"""Effects of which the engine notes something."""


class Engine:
    """The sessions of one node over what it holds."""

    def __init__(self, holdings: Holdings, knows: Knows = nothing, curious: bool = True) -> None:
        """`knows`: how fresh what is held of bodies is, to be told to peers. `curious`: see `wonder`."""
        self._knows = knows
        self._sharing = Sharing(Trees(holdings), curious)
        self._asked = Asked()
        self._places = Places()
        self._tree = Tree()
        self._sessions: dict[Peer, Session] = {}
        self._budgets: dict[Peer, Budget] = {}
        self._full: set[Peer] = set()
        """Who waits for our own door."""
        self._cut: set[Peer] = set()
        """Peers whose last session was cut when they had been sent blocks that they did not ask for."""
        self._lost = False
        """Whether a session has ended since it was seen to that one is in the tree."""
        # A peer that was away when authority came must not keep what was refused before.
        self._grants = 0
        self._saw: dict[Peer, int] = {}

    def handle(self, peer: Peer, event: Event, now: float) -> list[tuple[Peer, Effect]]:
        """Return what to do, and on whose link, about an event of one peer's link.

        Opened replaces a session that the peer still has. Events of peers without a session are dropped.
        """
        if isinstance(event, Opened):
            old = self._sessions.get(peer)
            out = [(peer, each) for each in old.handle(Closed(), now)] if old else []
            if old:
                self._ended(peer, old)
            lifted = self._saw.get(peer) != self._grants
            self._saw[peer] = self._grants
            session = Session(
                peer,
                event,
                self._sharing,
                self._asked,
                self._tree,
                now,
                lifted,
                self._knows,
                peer in self._cut,
                self._places,
            )
            self._sessions[peer] = session
            if peer not in self._budgets:
                self._budgets[peer] = Budget()
            self._full.discard(peer)
            out += [(peer, each) for each in session.open(now)]
        else:
            out = self._one(peer, event, now)
        return out + self._poke(now) if self._asked.freed or self._lost else out

    def everyone(
        self, event: Stored | Granted | Pinned | Hurried | Followed | Curious, now: float
    ) -> list[tuple[Peer, Effect]]:
        """Return what to do about something that concerns all sessions."""
        out: list[tuple[Peer, Effect]] = []
        self._grants += isinstance(event, Granted)
        for peer in list(self._sessions):
            self._saw[peer] = self._grants
            out += self._one(peer, event, now)
        return out + self._poke(now)

    def wonder(self, curious: bool, now: float) -> list[tuple[Peer, Effect]]:
        """Say whether this node may have a use for bodies that it does not follow: then peers are asked which theirs are."""
        self._sharing.curious = curious
        return self.everyone(Curious(), now) if curious else []

    def report(self, peer: Peer) -> Report | None:
        """Say for people how the session with a peer stands; None when there is none."""
        session = self._sessions.get(peer)
        return session.report if session else None

    def sizes(self) -> dict[Peer, Sizes]:
        """Return how much each session has in hand of what its peer said, asked and sent."""
        return {peer: session.sizes for peer, session in self._sessions.items()}

    def following(self, peer: Peer) -> Following | None:
        """Return what a peer follows, as far as it said; None when there is no session with it."""
        session = self._sessions.get(peer)
        return session.following if session else None

    def eager(self, peer: Peer) -> bool:
        """Say whether new blocks go to a peer, and not only word of them."""
        session = self._sessions.get(peer)
        return session is not None and session.eager

    @property
    def peers(self) -> list[Peer]:
        """Who has a session."""
        return list(self._sessions)

    def _one(self, peer: Peer, event: Event, now: float) -> list[tuple[Peer, Effect]]:
        session = self._sessions.get(peer)
        if session is None:
            return []
        if isinstance(event, _PAID):
            costs = session.costs
            listed, looked = costs.listed, costs.looked
            effects = session.handle(event, now, len(self._sessions) > 1)
            pause = self._spend(peer, event, costs.listed - listed, costs.looked - looked, now)
            if pause:
                effects = pause + effects
        else:
            effects = session.handle(event, now, len(self._sessions) > 1)
        if session.phase is Phase.OVER:
            del self._sessions[peer]
            self._ended(peer, session)
            self._lost = self._lost or bool(self._sessions)
        out = [(peer, each) for each in effects]
        if not _NOTED.isdisjoint(map(type, effects)):
            # Of nearly all that sessions want done nothing is to be noted.
            for each in effects:
                if isinstance(each, Pause | Resume | Close) and (deed := self._note(peer, each)) is not None:
                    out.append((peer, Did(deed)))
        return out

    def _note(self, peer: Peer, effect: Pause | Resume | Close) -> Deed | None:
        """Note who waits for our door; return what is thought of a peer whose session is closed."""
        match effect:
            case Pause(None):
                # A pause for a while must not end this one.
                self._full.add(peer)
            case Resume():
                self._full.discard(peer)
            case Close(code):
                return CLOSES.get(code)
            case Pause():
                pass
        return None

    def _ended(self, peer: Peer, session: Session) -> None:
        """Note whether a peer got blocks of which nobody knows whether it holds them, and what was refused of it for nothing."""
        if session.lifted:
            self._saw.pop(peer, None)
        if session.owes:
            self._cut.add(peer)
        else:
            self._cut.discard(peer)

    def _poke(self, now: float) -> list[tuple[Peer, Effect]]:
        """Let all sessions look again at what another does not ask for any more."""
        out: list[tuple[Peer, Effect]] = []
        if self._asked.freed and len(self._sessions) > 1:
            self._asked.freed = False
            for peer in list(self._sessions):
                out += self._one(peer, Tick(), now)
        self._asked.freed = False
        if self._lost and self._tree.bare:
            out += self._graft(now)
        self._lost = False
        return out

    def _graft(self, now: float) -> list[tuple[Peer, Effect]]:
        """Take a link into the tree, now that none is in it."""
        out: list[tuple[Peer, Effect]] = []
        for peer, session in self._sessions.items():
            # One that cannot be taken may have something to do all the same: what it was told of will not come from elsewhere now.
            out += [(peer, each) for each in session.graft(now)]
            if session.eager:
                break
        return out

    def _spend(self, peer: Peer, event: Event, listed: int, looked: int, now: float) -> list[Effect]:
        """Charge a peer for an event; return a pause when it has used more than its share. `listed`: bytes of listings that
        answer it; `looked`: what it cost to read it."""
        budget = self._budgets[peer]
        wait = 0.0
        match event:
            case Received():
                frame, cost = event.frame, float(looked)
                size, begins = len(frame), frame[:2]
                if begins in _BLOCKS:
                    wait = budget.blocks.spend(1, now)
                else:
                    cost = _COSTS.get(begins, 0) + size / _WANT_BYTES + listed / _LISTED_BYTES + looked
                for late in (budget.bytes.spend(size, now), budget.wants.spend(cost, now)):
                    wait = late if late > wait else wait
            case Taken(_, Held(records=records)):
                wait = budget.records.spend(records, now)
            case _:
                pass
        return [Pause(now + wait), Did(Deed.FLOOD)] if wait > 0 and peer not in self._full else []
