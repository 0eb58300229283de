"""Keeping links to what the operator said of them: times and budgets, held to by the clock, kept over restarts."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING, Any

import trio

from fedsync.daemon.carrying import Carries
from fedsync.gossip.events import Peer
from fedsync.gossip.schedule import words
from fedsync.gossip.schedule.gate import TRICKLE_S, Gate
from fedsync.gossip.schedule.terms import Open, Shut, Spent, State, Terms
from fedsync.store.store import Store

if TYPE_CHECKING:
    from fedsync.daemon.links import Links

LOOK_SECONDS = 30.0
"""At least so often it is looked whether a link is still within its terms: clocks are set."""


@dataclass
class Gatekeeper:
    """Stands at a link with a schedule, with this machine's clock."""

    gate: Gate
    held: Callable[[], object]
    """Told when nothing may go for a while."""

    def may(self, priority: int, size: int) -> bool:
        """Say whether so many bytes may go now."""
        return self.gate.may_send(clock(), size, priority) <= 0

    def wait(self, priority: int, size: int) -> float:
        """Return the seconds until so many bytes may go."""
        wait = self.gate.may_send(clock(), size, priority)
        if wait > TRICKLE_S:
            self.held()
        return wait

    def spend(self, size: int) -> None:
        """Count bytes that went, or came."""
        self.gate.spend(clock(), size)


class Schedules:
    """The gates of the peers of which the operator said when, or how much."""

    def __init__(self, terms: Mapping[Peer, Terms], store: Store) -> None:
        self._gates = {
            peer: Gate(each, store.meta.data(_kept_as(peer))) for peer, each in terms.items() if each
        }
        self._looked = trio.Event()
        self.urgent: set[Peer] = set()
        """Peers for which something urgent came while there was no link."""

    def gate(self, peer: Peer) -> Gate | None:
        """Return the gate of a peer; None when nothing was said of it."""
        return self._gates.get(peer)

    def state(self, peer: Peer) -> State:
        """Return whether there may be a link to a peer now, and until when."""
        gate = self._gates.get(peer)
        return Open(inf) if gate is None else gate.state(clock(), peer in self.urgent)

    def opens_in(self, peer: Peer) -> int:
        """Return in how many seconds there may be a link to a peer: 1 at least, 0 when that is not known."""
        state = self.state(peer)
        return 0 if state.until == inf else max(1, ceil(state.until - clock()))

    def stands(self, peer: Peer, link: Carries) -> None:
        """Note that a link to a peer stands, and have it ask before it writes."""
        gate = self._gates.get(peer)
        if gate is not None:
            gate.begin(clock())
            link.toll = Gatekeeper(gate, self._look)
            link.count()
            self._look()

    def _look(self) -> None:
        self._looked.set()

    def gone(self, peer: Peer) -> None:
        """Note that it stands no longer."""
        gate = self._gates.get(peer)
        if gate is not None:
            gate.end(clock())

    def brief(self, peer: Peer) -> bool:
        """Say whether sessions with a peer end when nothing is left to say."""
        gate = self._gates.get(peer)
        return gate is not None and gate.terms.early_end

    async def run(self, links: "Links") -> None:
        """End links that are outside of their terms, in the moment in which they are, until cancelled."""
        while True:
            wait = LOOK_SECONDS
            now = clock()
            for peer, gate in self._gates.items():
                connection = links.connections.get(peer)
                if connection is None or connection.link.nature.lasting:
                    continue
                match gate.state(now, peer in self.urgent):
                    case Open(until):
                        wait = min(wait, until - now)
                    case Shut() | Spent() as state:
                        links.drop(peer, words.reason(state, now))
            self._looked = trio.Event()
            with trio.move_on_after(max(wait, 0.01)):
                await self._looked.wait()

    # --- For people -----------------------------------------------------------------------------------

    def reason(self, peer: Peer) -> str:
        """Return what there is to say of a peer's windows and budget: "" when nothing was said of it, or all is well."""
        gate = self._gates.get(peer)
        if gate is None:
            return ""
        now = clock()
        said = (words.usage(gate, now), words.reason(gate.state(now, peer in self.urgent), now))
        return ", ".join(each for each in said if each)

    def told(self, peer: Peer) -> dict[str, Any] | None:
        """Return the same for programs: what may be used, until when, and what is used."""
        gate = self._gates.get(peer)
        if gate is None:
            return None
        now = clock()
        state = gate.state(now, peer in self.urgent)
        return {
            "state": {Open: "open", Shut: "shut", Spent: "spent"}[type(state)],
            "until": int(state.until * 1000) if state.until < inf else None,
            "budgets": [
                {"seconds": span, "used_bytes": used, "bytes": limit} for span, used, limit in gate.used(now)
            ],
        }

    def unsaved(self, store: Store) -> list[Callable[[], None]]:
        """Return what is to be written in the next commit."""
        writes: list[Callable[[], None]] = []
        for peer, gate in self._gates.items():
            if gate.changed:
                gate.changed = False
                kept = gate.pack()
                writes.append(lambda peer=peer, kept=kept: store.meta.set(_kept_as(peer), kept))  # type: ignore[misc]
        return writes


def clock() -> float:
    """Return this machine's time, in seconds since 1970."""
    return time.time()


def _kept_as(peer: Peer) -> str:
    return f"schedule:{peer.hex()}"
