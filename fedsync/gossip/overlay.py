"""Which nodes this one keeps links with: few, of many bodies, and such that nobody is left on an island. Pure.

A group is a body whose members' nodes share its records. Of each this node keeps a small active view, that is
links, and a passive one: nodes that may be called when a link breaks (HyParView). Who belongs to a group is known from
the records, so views need not be gossiped. The operator's own peers are links that nobody evicts, and take no place.

Both ends of a link judge by themselves. Who calls says Up when the peer's first word has come; who is called says it
at once, and the answer may be Drop.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Final, NamedTuple, TypeAlias

from fedsync.gossip.events import Peer
from fedsync.gossip.groups import Dice, Group
from fedsync.gossip.kept import Kept
from fedsync.gossip.messages import EXCHANGED, FULL, STRANGER
from fedsync.gossip.view import Score, View
from fedsync.records.ids import Scope

CALL_S: Final = 90.0
"""A call of which nothing was heard for so long came to nothing, in seconds: longer than any shell waits."""
MOST_GROUPS: Final = 8
"""Groups that a node keeps views of; others travel over the links that there are."""

# --- Events -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Known:
    """These are the groups now, the most important first, and the operator's own peers."""

    groups: Sequence[Group]
    pinned: frozenset[Peer] = frozenset()


@dataclass(frozen=True, slots=True)
class Up:
    """A link to this peer stands. `called`: this node called."""

    peer: Peer
    called: bool


@dataclass(frozen=True, slots=True)
class Down:
    """The link is gone. `left`: the peer said that it has no place for it; else it broke."""

    peer: Peer
    left: bool = False


@dataclass(frozen=True, slots=True)
class Failed:
    """A call came to nothing. `full`: the peer answered that it has no place."""

    peer: Peer
    full: bool = False


@dataclass(frozen=True, slots=True)
class Tick:
    """Time has passed; the machine asks for it with Wake."""


Event: TypeAlias = Known | Up | Down | Failed | Tick

# --- Effects ------------------------------------------------------------------------------------------


class Why(IntEnum):
    """Why a link is dropped, as LEAVE says it."""

    FULL = FULL
    """There are as many links as are kept."""
    EXCHANGED = EXCHANGED
    """Another took its place."""
    STRANGER = STRANGER
    """It belongs to no body that both share."""


@dataclass(frozen=True, slots=True)
class Call:
    """Call this node; say Up or Failed."""

    peer: Peer
    addresses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Drop:
    """End the link to this peer; no Down is said for it."""

    peer: Peer
    why: Why


@dataclass(frozen=True, slots=True)
class Wake:
    """Say Tick then. A later Wake takes an earlier one's place."""

    at: float


Effect: TypeAlias = Call | Drop | Wake


class _Calling(NamedTuple):
    scope: Scope
    until: float
    exchange: bool


class Overlay:
    """The views of one node. `handle` is its one entry."""

    def __init__(
        self,
        me: Peer,
        dice: Dice,
        score: Score = lambda peer: 0.0,
        carries: Callable[[Peer], bool] = lambda peer: False,
        kept: Mapping[Scope, Kept] | None = None,
    ) -> None:
        """`score`: what this node thinks of a peer, 0 when it knows nothing; `carries`: whether blocks are pushed
        over its link, so that giving it up would tear the tree; `kept`: what `keep` returned once."""
        self._me, self._dice, self._score, self._carries = me, dice, score, carries
        self._kept = dict(kept or {})
        self._views: dict[Scope, View] = {}
        self._links: dict[Peer, bool] = {}
        """Links that stand, and whether this node called."""
        self._calling: dict[Peer, _Calling] = {}
        self._pinned: frozenset[Peer] = frozenset()
        self._wake: float | None = None

    @property
    def links(self) -> list[Peer]:
        """All links that stand."""
        return list(self._links)

    @property
    def views(self) -> Mapping[Scope, View]:
        """The views by group. To be read only."""
        return self._views

    def handle(self, event: Event, now: float) -> list[Effect]:
        """Return what to do about an event, in order."""
        out: list[Effect] = []
        match event:
            case Known(groups, pinned):
                out += self._known(groups, pinned, now)
            case Up(peer, called):
                out += self._up(peer, called, now)
            case Down(peer, left):
                self._down(peer, left, now)
            case Failed(peer, full):
                self._failed(peer, full, now)
            case Tick():
                self._wake = None
                for peer in [peer for peer, each in self._calling.items() if each.until <= now]:
                    self._failed(peer, False, now)
        return [*out, *self._plan(now)]

    def keep(self) -> dict[Scope, Kept]:
        """Return what to keep for the next start."""
        found = dict(self._kept)
        for scope, view in self._views.items():
            good = [peer for peer, each in view.passive.items() if each.good]
            others = [peer for peer, each in view.passive.items() if not each.good]
            found[scope] = Kept((*view.active, *good), tuple(others))
        return found

    # --- Events ---------------------------------------------------------------------------------------

    def _known(self, groups: Sequence[Group], pinned: frozenset[Peer], now: float) -> list[Effect]:
        self._pinned = pinned
        shown = {each.scope: each for each in groups[:MOST_GROUPS]}
        for scope in [scope for scope in self._views if scope not in shown]:
            del self._views[scope]
        for scope, group in shown.items():
            view = self._views.get(scope)
            if view is None:
                view = self._views[scope] = View(self._me, group, self._dice, self._score, self._carries, now)
                view.restore(*self._kept.pop(scope, Kept()))
            else:
                view.regroup(group)
            for peer in pinned.intersection(view.active):
                del view.active[peer]
            view.fill()
        self._adopt(now)
        return self._drop_homeless(Why.STRANGER)

    def _up(self, peer: Peer, called: bool, now: float) -> list[Effect]:
        calling = self._calling.pop(peer, None)
        if peer in self._links:
            return []
        self._links[peer] = called
        if peer in self._pinned:
            return []
        shared = False
        for scope, view in self._views.items():
            shared = shared or peer in view.group
            ours = called and calling is not None and calling.scope == scope
            view.take(peer, now, called, ours, calling is not None and calling.exchange)
        if not self._has_place(peer):
            del self._links[peer]
            return [Drop(peer, Why.FULL if shared else Why.STRANGER)]
        return self._drop_homeless(Why.EXCHANGED)

    def _down(self, peer: Peer, left: bool, now: float) -> None:
        self._links.pop(peer, None)
        for view in self._views.values():
            if left:
                view.leave(peer, now)
            else:
                view.lost(peer, now)
        self._adopt(now)

    def _failed(self, peer: Peer, full: bool, now: float) -> None:
        if self._calling.pop(peer, None) is not None:
            for view in self._views.values():
                view.failed(peer, now, full)

    def _adopt(self, now: float) -> None:
        """Give free places to links that stand for another group already."""
        for peer, called in self._links.items():
            if peer not in self._pinned:
                for view in self._views.values():
                    if peer not in view.active:
                        view.adopt(peer, now, called)

    def _has_place(self, peer: Peer) -> bool:
        return peer in self._pinned or any(peer in view.active for view in self._views.values())

    def _drop_homeless(self, why: Why) -> list[Effect]:
        gone = [peer for peer in self._links if not self._has_place(peer)]
        for peer in gone:
            del self._links[peer]
        return [Drop(peer, why) for peer in gone]

    # --- Calling --------------------------------------------------------------------------------------

    def _plan(self, now: float) -> list[Effect]:
        out: list[Effect] = []
        own = self._pinned.intersection(self._links)
        linked = max(1, sum(bool(view.active) for view in self._views.values()))
        wake = min((each.until for each in self._calling.values()), default=float("inf"))
        for scope, view in self._views.items():
            calling = sum(each.scope == scope for each in self._calling.values())
            busy = self._links.keys() | self._calling.keys() | self._pinned
            for candidate, exchange in view.plan(now, own, busy, calling, linked):
                self._calling[candidate.peer] = _Calling(scope, now + CALL_S, exchange)
                out.append(Call(candidate.peer, candidate.addresses))
                wake = min(wake, now + CALL_S)
            calling = sum(each.scope == scope for each in self._calling.values())
            wake = min(wake, view.wake_at(now, own, busy, calling))
        if wake < float("inf") and wake != self._wake:
            self._wake = wake
            out.append(Wake(wake))
        return out
