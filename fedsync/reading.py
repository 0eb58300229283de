"""The store as commands read it: without the daemon, without a key, and without changing anything."""

import time
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from fedsync import control
from fedsync.crdt import fold
from fedsync.crdt.books.drafting import CannotDraft, newest
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.naming import dropped_in_words
from fedsync.crdt.root import state_root
from fedsync.crdt.view import Draft
from fedsync.errors import Exit, Problem
from fedsync.glance import Bodies
from fedsync.home import Home
from fedsync.plain import ago
from fedsync.records.ids import Key, Scope
from fedsync.records.kinds.fields import plain
from fedsync.store.peers import Followed
from fedsync.store.reading import Reader, open_reader
from fedsync.store.state import StateTables


@dataclass
class Reading(Bodies):
    """An open store and the folded state in it."""

    home: Home
    store: Reader
    view: StateTables
    _names: dict[Scope, str] = field(default_factory=dict)

    @classmethod
    def open(cls, home: Home) -> "Reading":
        """Open the store of `home`. Raises the store's errors, and a Problem (exit 9) when its state is behind."""
        store = open_reader(home.store)
        view = store.state(fold.TABLES, fold.VERSION)
        # In this order: a commit of the daemon's between the two moves both on, and `done` is read after it.
        last = store.blocks.last_number()
        done = view.folded_upto
        if not view.ready(fold.VERSION) or done < last:
            store.close()
            raise Problem(
                "not_worked_out",
                f"What the records amount to has not been worked out by this version yet ({done} of {last} blocks).",
                "If fedsync run is running, stop it and start it again: it does it. Else type: fedsync rebuild",
                Exit.NOT_YET,
            )
        return cls(home, store, view)

    @property
    def bodies(self) -> Followed:
        """The table of the bodies that are followed."""
        return self.store.followed

    def name_of(self, scope: Scope) -> str:
        """Return what a body is called by its own book, else as it was announced, else its short id."""
        if scope not in self._names:
            self._names[scope] = self._name_of(scope)
        return self._names[scope]

    def _name_of(self, scope: Scope) -> str:
        followed = self.store.followed.get(scope)
        if followed is None:
            return scope.hex()[:8]
        try:
            epoch = current_epoch(self.view, scope, newest(self.view, scope))
        except CannotDraft:
            epoch = None
        if epoch is None:
            return followed.name or followed.body.hex()[:8]
        return plain(epoch.name)

    def state_root(self) -> bytes:
        """Return the state root over all that is not local of the bodies that this node follows."""
        return state_root(Draft(self.view))

    def __enter__(self) -> "Reading":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.store.close()


def now_ms() -> int:
    """Return this machine's clock, in ms since 1970."""
    return int(time.time() * 1000)


def relaying_shown(home: Home) -> dict[str, Any]:
    """Return what a running daemon carries for others as a relay, and at which it waits; nothing when none runs."""
    try:
        found: dict[str, Any] = control.call(home.connect_control, "status")["relay"]
    except control.NotRunning:
        return {"offers": None, "waits_at": {}, "unknown": []}
    return found


def thought_of(reading: Reading, key: Key) -> dict[str, Any]:
    """Return what this node thinks of another, as it was last kept: a number, and words."""
    from fedsync.gossip.events import Peer
    from fedsync.gossip.scores import KEPT_AS, Scores

    scores, now = Scores.unpack(reading.store.meta.data(KEPT_AS)), now_ms()
    return {"score": round(scores.of(Peer(key), now), 2), "standing": scores.words(Peer(key), now)}


def peers_shown(reading: Reading, home: Home) -> tuple[list[dict[str, Any]], bool]:
    """Return a row for each peer, and whether the daemon runs: it knows better than what was kept."""
    rows, running = _peers(reading, home)
    for row in rows:
        row["stick"] = by_stick(reading, Key(bytes.fromhex(row["key"])), row["last_contact"] or 0, now_ms())
        row["reason"] = "; ".join(filter(None, (row["reason"], row["stick"]["says"])))
    return rows, running


def by_stick(reading: Reading, key: Key, last_contact: int, now: int) -> dict[str, Any]:
    """Return what went to and came from a node by files since the last contact otherwise: times in ms, and words."""
    left = next(iter(reading.store.carried.left(key)), None)
    came = max((each.at for each in reading.store.carried.came(key)), default=None)
    words = []
    if left is not None and left.arrived is None and left.at > last_contact:
        words.append(f'stick "{left.where}" left {ago(left.at, now)}, no receipt')
    if left is not None and left.arrived is not None and left.arrived > last_contact:
        words.append(f'stick "{left.where}" of {ago(left.at, now)} arrived')
    if came is not None and came > last_contact:
        words.append(f"a stick of theirs came {ago(came, now)}")
    return {
        "left": left.where if left is not None else None,
        "left_at": left.at if left is not None else None,
        "arrived": left.arrived if left is not None else None,
        "came": came,
        "says": "; ".join(words),
    }


def sticks_shown(home: Home) -> list[dict[str, str]]:
    """Return what happened last in each directory in which a running daemon looks for sticks."""
    try:
        return list(control.call(home.connect_control, "status")["sticks"])
    except control.NotRunning:
        return []


def broadcasts_shown(home: Home) -> list[dict[str, Any]]:
    """Return what a running daemon sends round and round, and what it hears of others that do."""
    try:
        return list(control.call(home.connect_control, "status")["broadcasts"])
    except control.NotRunning:
        return []


def _peers(reading: Reading, home: Home) -> tuple[list[dict[str, Any]], bool]:
    try:
        return list(control.call(home.connect_control, "status")["peers"]), True
    except control.NotRunning:
        pass
    dropped = dropped_in_words(reading.view)
    return [
        {
            "name": peer.name,
            "key": peer.key.hex(),
            "by": "operator",
            "state": "dropped" if peer.key in dropped else "paused" if peer.paused else "away",
            "we_lack": peer.we_lack,
            "they_lack": peer.they_lack,
            "last_contact": peer.last_contact,
            "reason": dropped.get(peer.key, "the daemon does not run here"),
            **thought_of(reading, peer.key),
        }
        for peer in reading.store.peers.all()
    ], False
