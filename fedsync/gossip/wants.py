"""What we ask of one peer: by priority, a window at a time, and never of two peers at once. Pure.

A log that the peer claimed and did not deliver within its credit goes to the back and is asked of another peer.
That is no strike: honest peers drop what was recalled while we asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from math import inf

from fedsync.gossip.compare import compare, locator
from fedsync.gossip.holdings import FORK, Holdings, SetKey
from fedsync.gossip.limits import (
    AGAIN_S,
    CREDIT_S,
    LISTING_BYTES,
    MAX_BRANCHES,
    MAX_LISTED,
    MAX_OUT,
    ROOM_LOG,
    URGENT_CREDIT_S,
    WIDE_LOGS,
    WINDOW_LOGS,
)
from fedsync.gossip.listing import Named, Salt, places, wanted
from fedsync.gossip.messages import Locate, Message, Want
from fedsync.gossip.priority import FIRST, of_class
from fedsync.gossip.reconcile import Claim
from fedsync.gossip.tree import Tree
from fedsync.records.ids import LogClass, LogId

_LOOK = 256
"""Logs looked at for one WANT, when others are asking for most of them."""

ClaimKey = LogId | SetKey


class Asked:
    """Which session asks for what, so that two peers are not asked for the same. One for all sessions of a node.

    A log whose id we do not know yet is claimed by its set. A claim that brings nothing for CREDIT_S lapses.
    """

    def __init__(self) -> None:
        self._owners: dict[ClaimKey, tuple[object, float]] = {}
        self.freed = False
        """Whether somebody may ask now for what was another's; whoever reads it sets it back."""

    def claim(self, key: ClaimKey, owner: object, now: float, credit: float = CREDIT_S) -> bool:
        """Say whether `owner` may ask for it, and note that it does. `credit`: how long another's claim keeps it off."""
        held = self._owners.get(key)
        if held is not None and held[0] is not owner and now - held[1] < credit:
            return False
        self._owners[key] = (owner, now)
        return True

    def free(self, key: ClaimKey, owner: object) -> None:
        """Let others ask for it."""
        held = self._owners.get(key)
        if held is not None and held[0] is owner:
            del self._owners[key]
            self.freed = True

    def free_all(self, owner: object) -> None:
        """Let others ask for all that `owner` asked for."""
        for key in [key for key, held in self._owners.items() if held[0] is owner]:
            self.free(key, owner)


class State(Enum):
    """How far a log has come that we want."""

    WAITING = "waiting"
    ASKED = "asked"
    ENDED = "ended"
    """The peer has sent all that it will; some of it may wait at the door."""
    UNSERVED = "unserved"


@dataclass(slots=True)
class Wish:
    """One log that the peer claims to hold more of."""

    short: bytes
    log: LogId | None
    set: SetKey | None
    theirs: tuple[Named, ...]
    lack: int
    parted: bool
    state: State = State.WAITING
    after: float = 0.0
    told: float = 0.0
    """When the peer told of it, where it is asked for only after a while."""
    takes: int = 0
    located: bool = False
    for_set: bool = False
    """Whether it was asked for under the claim of its set."""
    urgent: bool = False
    """Whether the peer says that what we lack goes before all else."""

    @property
    def priority(self) -> int:
        """Fork proofs and what is urgent first, then by class; a log of which we know nothing comes with the facts."""
        if self.urgent or any(each.kind == FORK for each in self.theirs):
            return FIRST
        return of_class(self.set[2] if self.set else LogClass.FACTS)

    @property
    def key(self) -> ClaimKey | None:
        """What it is claimed by among the sessions."""
        return self.log or self.set


class Wants:
    """The logs that we want of one peer."""

    def __init__(
        self, holdings: Holdings, salt: Salt, asked: Asked, tree: Tree, credit: float = CREDIT_S
    ) -> None:
        """`credit`: seconds without any block, until what the peer was asked for goes to the back."""
        self._holdings, self._salt, self._asked, self._tree = holdings, salt, asked, tree
        self._credit = credit
        self._window = WINDOW_LOGS
        self._wishes: dict[bytes, Wish] = {}
        self._waiting: dict[tuple[int, SetKey | None], dict[bytes, Wish]] = {}
        self._out: dict[bytes, Wish] = {}
        self._unserved: dict[bytes, Wish] = {}
        self._delayed: dict[bytes, Wish] = {}
        self._claimed: dict[SetKey, int] = {}
        self._heard = 0.0
        self._lapse: float | None = None
        """When to look again whether another, who asks for what is urgent, brings nothing."""

    # --- What is wanted -------------------------------------------------------------------------------

    def add(self, claim: Claim, now: float, delay: float = 0.0) -> None:
        """Note that the peer claims to hold more of a log. What is beyond all measure is passed over: sets are compared again."""
        wish = self._wishes.get(claim.short)
        if wish is None:
            if len(self._wishes) >= MAX_LISTED:
                return
            wish = Wish(
                claim.short, claim.log, claim.set, claim.theirs, claim.verdict.lack, claim.verdict.parted
            )
            wish.urgent = claim.urgent
            self._wishes[claim.short] = wish
            if claim.follows:
                self._heard = max(self._heard, now)
                wish.state, self._out[wish.short] = State.ASKED, wish
            elif delay:
                wish.told, wish.after, self._delayed[wish.short] = now, now + delay, wish
            else:
                self._wait(wish)
            return
        if wish.state is not State.UNSERVED and not set(wish.theirs).issuperset(claim.theirs):
            # What comes may be no answer to this: then it is asked for once more, before it counts as not served.
            wish.located = False
        waits = wish.state is State.WAITING and wish.short not in self._delayed
        if waits:
            self._unwait(wish)
        wish.theirs, wish.lack = _both(claim.theirs, wish.theirs), claim.verdict.lack
        wish.urgent = wish.urgent or claim.urgent
        if waits or (wish.urgent and self._delayed.pop(wish.short, None) is not None):
            self._wait(wish)
        wish.parted = wish.parted or claim.verdict.parted
        if wish.state is State.UNSERVED and wish.after <= now:
            self._revive(wish)

    def get(self, short: bytes) -> Wish | None:
        """Return what is wanted of a log."""
        return self._wishes.get(short)

    @property
    def open(self) -> int:
        """How many logs we still hope to get."""
        return len(self._wishes) - len(self._unserved)

    @property
    def unserved(self) -> int:
        """How many logs the peer claimed and did not deliver."""
        return len(self._unserved)

    @property
    def lack(self) -> int:
        """Records that the peer is ahead, as far as tips tell."""
        return sum(wish.lack for wish in self._wishes.values())

    @property
    def outstanding(self) -> int:
        """How many logs were asked for and are not done with."""
        return len(self._out)

    # --- Asking ---------------------------------------------------------------------------------------

    @property
    def waiting(self) -> bool:
        """Whether something may have to be asked for, now or in a while."""
        return bool(self._waiting or self._delayed) or self._lapse is not None

    def widen(self, room: int) -> None:
        """Ask for more logs at a time where much is on its way before any answer comes: the carrier takes so many bytes at once."""
        self._window = max(self._window, min(room // ROOM_LOG, WIDE_LOGS))

    def ask(self, now: float) -> list[Message]:
        """Return what to ask for now; nothing while half of the window is still open."""
        for wish in [wish for wish in self._delayed.values() if wish.after <= now]:
            del self._delayed[wish.short]
            if wish.log is not None and not self.satisfied(wish):
                self._tree.asked(wish.log, wish.told)
            self._wait(wish)
        room = self._window - len(self._out) if len(self._out) <= self._window // 2 else 0
        self._lapse = None
        if not self._waiting or (not room and min(self._waiting, key=_turn)[0] != FIRST):
            return []
        if not self._out:
            self._heard = now
        out: list[Message] = []
        listing = bytearray()
        for wish in self._next(now, room):
            held = self._holdings.log(wish.log) if wish.log else None
            if wish.log is not None and held is not None and wish.parted:
                wish.located = True
                out.append(Locate(wish.short, places(self._salt, locator(wish.log, held, self._holdings))))
            else:
                listing += wanted(self._salt, wish.short, held.heads[0] if held else None)
            if wish.log is None and wish.set is not None:
                wish.for_set = True
                self._claimed[wish.set] = self._claimed.get(wish.set, 0) + 1
            wish.state = State.ASKED
            self._out[wish.short] = wish
            if len(listing) > LISTING_BYTES:
                break
        for short in self._out:
            self._unwait(self._out[short])
        return [Want(bytes(listing)), *out] if listing else out

    def _next(self, now: float, room: int) -> Iterator[Wish]:
        """Yield up to `room` that may be asked for, the most urgent first. Drops what we hold by now.

        What is urgent does not wait for room.
        """
        for group in sorted(self._waiting, key=_turn):
            credit = CREDIT_S if group[0] != FIRST else URGENT_CREDIT_S
            looked = 0
            for wish in list(self._waiting.get(group, {}).values())[: _LOOK + self._window]:
                if self.satisfied(wish):
                    self._drop(wish)
                    continue
                if room <= 0 and (
                    group[0] != FIRST or len(self._out) >= self._window + MAX_OUT - WINDOW_LOGS
                ):
                    return
                key = wish.key
                if key is None or self._asked.claim(key, self, now, credit):
                    room -= 1
                    yield wish
                    continue
                if group[0] == FIRST:
                    self._lapse = now + URGENT_CREDIT_S
                looked += 1
                if group[1] is not None or looked > _LOOK:
                    break

    def wake_at(self) -> float | None:
        """Return when to look again: a wish whose time comes, or a credit that ends."""
        if not (self._out or self._delayed):
            return self._lapse
        times = [self._heard + self._credit] if self._out and self._credit < inf else []
        times += [wish.after for wish in self._delayed.values()]
        if self._lapse is not None:
            times.append(self._lapse)
        return min(times, default=None)

    # --- What comes of it -----------------------------------------------------------------------------

    def arrived(self, log: LogId, now: float) -> Wish | None:
        """Note that a block of this log has come from the peer; return the wish that it serves."""
        self._heard = now
        if not self._wishes:
            return None  # As with most that is pushed.
        wish = self._wishes.get(self._salt.log(log))
        if wish is not None:
            if wish.log is None:
                waiting = wish.state is State.WAITING
                if waiting:
                    self._unwait(wish)
                wish.log = log
                if waiting:
                    self._wait(wish)
            # Only who asked for a set's unknown logs holds the set: nobody would give it back for a known one.
            if wish.for_set and wish.set is not None:
                self._asked.claim(wish.set, self, now)
            self._asked.claim(log, self, now)
        return wish

    def ended(self, wish: Wish) -> None:
        """Note that the peer has sent all that it will of a log."""
        if wish.state is State.ASKED and self._stands(wish):
            wish.state = State.ENDED
            self._out.pop(wish.short, None)

    def settle(self, wish: Wish, now: float) -> list[Message]:
        """Decide on a log of which the peer has sent all, when the door has seen it all."""
        if wish.state is not State.ENDED or wish.takes or not self._stands(wish):
            return []
        if self.satisfied(wish):
            self._drop(wish)
            return []
        if not wish.located and wish.log is not None and self._holdings.log(wish.log) is not None:
            return self.locate(wish)
        self.unserved_now(wish, now)
        return []

    def locate(self, wish: Wish) -> list[Message]:
        """Ask again, saying where our chain stands, so that the peer finds where it leaves its own."""
        held = self._holdings.log(wish.log) if wish.log else None
        if held is None or wish.log is None or not self._stands(wish):
            return []
        wish.located, wish.state = True, State.ASKED
        self._out[wish.short] = wish
        return [Locate(wish.short, places(self._salt, locator(wish.log, held, self._holdings)))]

    def satisfied(self, wish: Wish) -> bool:
        """Say whether nothing that the peer claims of this log is still wanted."""
        if wish.log is None:
            return False
        held = self._holdings.log(wish.log)
        return not compare(wish.log, held, wish.theirs, self._salt, self._holdings).want

    def unserved_now(self, wish: Wish, now: float) -> None:
        """Put a log to the back: another peer is asked, and this one again later."""
        if not self._stands(wish):
            return
        self._leave(wish)
        wish.state, wish.after, wish.located = State.UNSERVED, now + AGAIN_S, False
        self._unserved[wish.short] = wish

    def refused(self, wish: Wish) -> None:
        """Forget a log that the door does not take."""
        self._drop(self._wishes.get(wish.short, wish))

    def level(self) -> None:
        """Forget what the peer claimed once and did not serve: both hold the same, so it was mistaken or is past."""
        if self._unserved:
            for wish in list(self._unserved.values()):
                self._drop(wish)

    def again(self, log: LogId | None) -> None:
        """Ask once more for a log of which something came that could not be read; None: for all that are not known here."""
        if log is not None:
            wish = self._wishes.get(self._salt.log(log))
            wishes = [] if wish is None else [wish]
        else:
            wishes = [each for each in self._out.values() if each.log is None]
        for wish in wishes:
            if wish.state in (State.ASKED, State.ENDED):
                self._leave(wish)
                wish.state, wish.located = State.WAITING, False
                self._wait(wish)

    def expire(self, now: float) -> int:
        """Put all to the back that a silent peer was asked for; return how many these were."""
        if not self._out or now < self._heard + self._credit:
            return 0
        late = [wish for wish in self._out.values() if not wish.takes]
        for wish in late:
            self.unserved_now(wish, now)
        return len(late)

    def noticed(self, log: LogId, now: float) -> None:
        """Look again at a log that changed here, whoever brought it."""
        if not self._wishes:
            return  # As mostly, and a name is not for nothing.
        wish = self._wishes.get(self._salt.log(log))
        if wish is None:
            return
        if wish.log is None and wish.state is State.WAITING:
            self._unwait(wish)
            wish.log = log
            self._wait(wish)
        if not wish.takes and wish.state is not State.ASKED and self.satisfied(wish):
            if wish.short in self._delayed:
                self._tree.waited(now - wish.told)
            self._drop(wish)

    def close(self) -> None:
        """Let others ask for all of it."""
        self._asked.free_all(self)

    # --- Bookkeeping ----------------------------------------------------------------------------------

    def _stands(self, wish: Wish) -> bool:
        """Say whether a wish is still ours: the door may answer for one that was dropped, or followed by another."""
        return self._wishes.get(wish.short) is wish

    def _group(self, wish: Wish) -> tuple[int, SetKey | None]:
        return wish.priority, None if wish.log else wish.set

    def _wait(self, wish: Wish) -> None:
        self._waiting.setdefault(self._group(wish), {})[wish.short] = wish

    def _unwait(self, wish: Wish) -> None:
        for group in [self._group(wish), *self._waiting]:
            if self._waiting.get(group, {}).pop(wish.short, None) is not None:
                if not self._waiting[group]:
                    del self._waiting[group]
                return

    def _revive(self, wish: Wish) -> None:
        self._unserved.pop(wish.short, None)
        wish.state = State.WAITING
        self._wait(wish)

    def _leave(self, wish: Wish) -> None:
        self._unwait(wish)
        self._out.pop(wish.short, None)
        self._delayed.pop(wish.short, None)
        if wish.log is not None:
            self._asked.free(wish.log, self)
        if wish.for_set and wish.set is not None:
            # Others may ask only when all that we asked for is stored: until then they would ask for the same.
            wish.for_set = False
            self._claimed[wish.set] -= 1
            if not self._claimed[wish.set]:
                self._asked.free(wish.set, self)

    def _drop(self, wish: Wish) -> None:
        self._wishes.pop(wish.short, None)
        self._unserved.pop(wish.short, None)
        self._leave(wish)


def _turn(group: tuple[int, SetKey | None]) -> int:
    return group[0]


def _both(new: tuple[Named, ...], old: tuple[Named, ...]) -> tuple[Named, ...]:
    """Return what a peer claims of one log: each branch may be told of in a word of its own. What is new first."""
    return tuple(dict.fromkeys((*new, *old)))[: max(len(new), 2 * MAX_BRANCHES)]
