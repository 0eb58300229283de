"""Keeping links to what the operator said of them: times and budgets, held to by the clock, kept over restarts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from math import ceil, inf
from typing import TYPE_CHECKING, Any

import trio

from fedsync.daemon.carrying import Carries
from fedsync.gossip.events import Peer
from fedsync.gossip.priority import PLAIN
from fedsync.gossip.schedule import words
from fedsync.gossip.schedule.gate import TRICKLE_S, Gate
from fedsync.gossip.schedule.terms import Open, Resting, Shut, Spent, State, Terms
from fedsync.store.store import Store

if TYPE_CHECKING:
    from fedsync.daemon.links import Links

LOOK_SECONDS = 30.0
"""At least so often it is looked whether a link is still within its terms: clocks are set."""
LEAP_SECONDS = 1.0
"""By more the wall clock goes beside the steady one only when somebody sets it."""
RECHECK_SECONDS = 900.0
"""A peer to which nothing is left to say is called again after so long: it may have something, and not be able to call."""
NEWS_SECONDS = 2.0
"""Something new is told after so long: what comes with it goes in the same session."""


class Clock:
    """Seconds since 1970 that never jump, and by how much the wall clock has."""

    def __init__(self) -> None:
        self._ahead = time.time() - time.monotonic()
        self.shift = 0.0

    def now(self) -> float:
        """Return the time; it began with the wall clock's, and goes on steadily."""
        return time.monotonic() + self._ahead

    def look(self) -> None:
        """Look how far the wall clock has jumped."""
        shift = time.time() - self.now()
        if abs(shift - self.shift) > LEAP_SECONDS:
            self.shift = shift


@dataclass
class Gatekeeper:
    """Stands at a link with a schedule, with this machine's clock."""

    gate: Gate
    clock: Clock
    held: Callable[[], object]
    """Told when nothing may go for a while."""
    hungry: Callable[[], object]
    """Told when more must be written down before more may go."""

    def may(self, priority: int, size: int, before: int) -> bool:
        """Say whether a frame may go now, with so many bytes before it."""
        return self.wait(priority, size, before) <= 0

    def wait(self, priority: int, size: int, before: int = 0) -> float:
        """Return the seconds until a frame may go."""
        wait = self.gate.may_send(self.clock.now(), size, priority, before)
        if wait > TRICKLE_S:
            self.held()
        elif self.gate.hungry:
            self.hungry()
        return wait

    def spend(self, size: int) -> None:
        """Count bytes that went, or came."""
        self.gate.spend(self.clock.now(), size)
        # A link on which nothing may go any more ends at once, and not when something waits.
        self.wait(PLAIN, 1)


class Schedules:
    """The gates of links of which the operator said when, or how much; and when peers are called to whom nothing is left to say."""

    def __init__(self, store: Store, wake: Callable[[], None]) -> None:
        """`wake`: have `unsaved` written soon."""
        self.clock = Clock()
        self._store, self._wake = store, wake
        self._gates: dict[Peer, Gate] = {}
        self._names: dict[Gate, str] = {}
        """Under which name each is kept."""
        self._looked, self._stirred = trio.Event(), trio.Event()
        self._urgent: set[Peer] = set()
        """Peers for which something urgent came that they are not known to hold."""
        self._resting: dict[Peer, float] = {}
        """Peers to which nothing is left to say, until then."""
        self._packed: list[Gate] = []
        self._last = False

    def want(self, terms: Mapping[Peer, Terms]) -> None:
        """Keep the links by TCP to these peers to these terms from now on."""
        for peer in [peer for peer in self._gates if terms.get(peer) != self._gates[peer].terms]:
            del self._names[self._gates.pop(peer)]
        for peer, each in terms.items():
            if each and peer not in self._gates:
                self._gates[peer] = self.open(f"schedule:{peer.hex()}", each)
        self._stir()

    def open(self, name: str, terms: Terms) -> Gate:
        """Return a gate that is kept in the store under a name."""
        gate = Gate(terms, self._store.meta.data(name))
        self._names[gate] = name
        return gate

    def close(self, gate: Gate) -> None:
        """Keep a gate no longer; what was kept of it stays."""
        self._names.pop(gate, None)

    def keeper(self, gate: Gate) -> Gatekeeper:
        """Return who stands at a link with this gate."""
        return Gatekeeper(gate, self.clock, self._look, self._wake)

    # --- Whether there may be a link --------------------------------------------------------------------

    def state(self, peer: Peer) -> State:
        """Return whether there may be a link to a peer now, and until when."""
        gate = self._gates.get(peer)
        return Open(inf) if gate is None else gate.state(self.clock.now(), peer in self._urgent)

    def calls(self, peer: Peer) -> State:
        """Return whether a peer should be called now, and until when."""
        state, now = self.state(peer), self.clock.now()
        rests = self._resting.get(peer, -inf)
        if isinstance(state, Open) and now < rests:
            gate = self._gates.get(peer)
            return Resting(
                gate.state(rests).until if gate and not isinstance(gate.state(rests), Open) else rests
            )
        return state

    async def until_called(self, peer: Peer) -> bool:
        """Return when a peer should be called; whether that had to be waited for."""
        waited = False
        while not isinstance(state := self.calls(peer), Open):
            waited = True
            # Not all at once: clocks are set, and something urgent may come.
            with trio.move_on_after(min(max(state.until - self.clock.now(), 0.01), LOOK_SECONDS)):
                await self._stirred.wait()
        return waited

    def opens_in(self, peer: Peer) -> int:
        """Return in how many seconds there may be a link to a peer: 1 at least, 0 when that is not known."""
        state = self.state(peer)
        return 0 if state.until == inf else max(1, ceil(state.until - self.clock.now()))

    def brief(self, peer: Peer) -> bool:
        """Say whether sessions with a peer end when nothing is left to say."""
        gate = self._gates.get(peer)
        return gate is not None and gate.terms.early_end

    # --- What happens -----------------------------------------------------------------------------------

    def came(self, peer: Peer, link: Carries) -> None:
        """Note that a link by TCP to a peer came about, whether it may stand or not: what it has cost so far counts."""
        gate = self._gates.get(peer)
        if gate is not None:
            link.toll = self.keeper(gate)
            link.count()
            # What says that it may not stand must go out all the same.
            link.toll = None

    def stands(self, peer: Peer, link: Carries) -> None:
        """Note that a link by TCP to a peer stands, and have it ask before it writes."""
        self._resting.pop(peer, None)
        gate = self._gates.get(peer)
        if gate is not None:
            gate.begin(self.clock.now())
            link.toll = self.keeper(gate)
            link.count()
            self._look()

    def gone(self, peer: Peer) -> None:
        """Note that it stands no longer."""
        gate = self._gates.get(peer)
        if gate is not None:
            gate.end(self.clock.now())

    def done(self, peer: Peer) -> None:
        """Note that a session ended since nothing was left to say on either side."""
        self._resting[peer] = self.clock.now() + RECHECK_SECONDS

    def news(self, origin: Peer | None) -> None:
        """Note that something new is held, which this peer brought: all others are to hear of it."""
        soon = self.clock.now() + NEWS_SECONDS
        for peer, until in self._resting.items():
            if peer != origin and until > soon:
                self._resting[peer] = soon
        self._stir()

    def urge(self) -> None:
        """Note that something urgent is held that peers are not known to hold."""
        self._urgent = set(self._gates)
        for peer in self._resting:
            self._resting[peer] = -inf
        self._stir()

    def level(self, peer: Peer) -> None:
        """Note that a peer holds all that is held here."""
        self._urgent.discard(peer)

    async def run(self, links: "Links") -> None:
        """End links that are outside of their terms, in the moment in which they are, until cancelled."""
        while True:
            self.clock.look()
            now, wait = self.clock.now(), LOOK_SECONDS
            for gate in self._names:
                gate.shift = self.clock.shift
            for peer, gate in list(self._gates.items()):
                connection = links.connections.get(peer)
                if connection is None or connection.link.nature.lasting:
                    continue
                match state := gate.state(now, peer in self._urgent):
                    case Open(until):
                        wait = min(wait, until - now)
                    case Shut() | Spent() | Resting():
                        links.drop(peer, self._reason(state))
            self._looked = trio.Event()
            with trio.move_on_after(max(wait, 0.01)):
                await self._looked.wait()

    def _look(self) -> None:
        self._looked.set()

    def _stir(self) -> None:
        self._stirred.set()
        self._stirred = trio.Event()
        self._look()

    # --- What is kept -----------------------------------------------------------------------------------

    def unsaved(self, store: Store) -> list[Callable[[], None]]:
        """Return what is to be written in the next commit."""
        self._packed = [gate for gate in self._names if gate.hungry or self._last]
        return [
            partial(store.meta.set, self._names[gate], gate.pack(self.clock.now(), self._last))
            for gate in self._packed
        ]

    def durable(self) -> None:
        """Note that it is."""
        for gate in self._packed:
            gate.durable()
        self._packed = []

    def finish(self) -> None:
        """Write down, with the next commit, what was used and no more: nothing goes any more."""
        self._last = True

    # --- For people -------------------------------------------------------------------------------------

    def reason(self, peer: Peer) -> str:
        """Return what there is to say of a peer's windows and budget: "" when nothing was said of it, or all is well."""
        gate = self._gates.get(peer)
        usage = words.usage(gate, self.clock.now()) if gate is not None else ""
        return ", ".join(each for each in (usage, self._reason(self.state(peer))) if each)

    def reason_of(self, gate: Gate) -> str:
        """Return the same of a gate: how much of its budgets is used, and why nothing goes now."""
        now = self.clock.now()
        return ", ".join(each for each in (words.usage(gate, now), self._reason(gate.state(now))) if each)

    def why_not_called(self, peer: Peer) -> str:
        """Return why a peer is not called now; "" when it is."""
        state = self.calls(peer)
        if isinstance(state, Open):
            return ""
        return self._reason(state) if isinstance(state, Resting) else self.reason(peer)

    def _reason(self, state: State) -> str:
        return words.reason(state, self.clock.now(), self.clock.shift)

    def told(self, peer: Peer) -> dict[str, Any] | None:
        """Return the same for programs: what may be used, until when, and what is used."""
        gate = self._gates.get(peer)
        return None if gate is None else self.told_of(gate, self.calls(peer))

    def told_of(self, gate: Gate, state: State) -> dict[str, Any]:
        """Return how it stands with a gate, for programs."""
        until = int((state.until + self.clock.shift) * 1000) if state.until < inf else None
        budgets = [
            {"seconds": span, "used_bytes": used, "bytes": limit}
            for span, used, limit in gate.used(self.clock.now())
        ]
        return {"state": _NAMES[type(state)], "until": until, "budgets": budgets}


_NAMES: dict[type[State], str] = {Open: "open", Shut: "shut", Spent: "spent", Resting: "resting"}
