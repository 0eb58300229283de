"""The links that stand, and the machines above them: frames in, effects out. One link a peer."""

import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import assert_never

import trio

from fedsync.daemon.carrying import Carries
from fedsync.daemon.connection import Connection
from fedsync.daemon.doorkeeper import Delivery, Doorkeeper
from fedsync.daemon.memories import Memories
from fedsync.daemon.refusals import Refusals
from fedsync.daemon.schedules import Schedules
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import (
    Close,
    Closed,
    Declined,
    Did,
    Effect,
    Entitled,
    Event,
    Follow,
    Followed,
    Granted,
    Hurried,
    Introduced,
    Leaving,
    Level,
    Noted,
    Opened,
    Outcome,
    Outrun,
    Pause,
    Peer,
    Pinned,
    Received,
    Remember,
    Resume,
    Room,
    Send,
    Stored,
    Take,
    Taken,
    Tick,
    Wake,
)
from fedsync.gossip.hearsay import Hint
from fedsync.gossip.limits import BACK_OFF_S
from fedsync.gossip.link import LinkClosed
from fedsync.gossip.messages import ASLEEP, EXCHANGED, FULL, STRANGER, Leave, encode
from fedsync.gossip.report import Report
from fedsync.gossip.schedule.terms import Open
from fedsync.gossip.scores import KEPT_AS, Scores
from fedsync.node import Node
from fedsync.node import Taken as Admitted
from fedsync.records.ids import Key, PageId, Scope
from fedsync.store.errors import StoreError

MOST_CONNECTIONS = 64
"""Peers connected at once, unless the operator says otherwise."""
DECLINED_SHOWN = 64
"""Nodes shown with which there is no link because one side has enough."""
TURN_FRAMES = 32
"""Frames of one peer that are heard before others have their turn: a piece of a stream may hold a thousand."""
OURS = {
    FULL: "this node has as many links as it keeps",
    EXCHANGED: "this node gave the link up: another took its place",
    STRANGER: "this node shares no body with it",
}
"""What LEAVE means when we say it, in words."""
SIMULTANEOUS_SECONDS = 10.0
"""Two links to one peer within this time are taken for both sides having dialled at once."""

log = logging.getLogger("fedsync")


class Links:
    """Carries sessions over links, and effects to where they belong."""

    def __init__(
        self,
        node: Node,
        engine: Engine,
        own_key: Key,
        name_of: Callable[[Peer], str],
        brief: bool = False,
    ) -> None:
        self.node, self.engine, self.own_key, self.brief = node, engine, own_key, brief
        self.door = Doorkeeper(node, self)
        self.connections: dict[Peer, Connection] = {}
        self.back_off: dict[Peer, float] = {}
        """Do not talk to these before then: they sent garbage."""
        self.asleep: dict[Peer, float] = {}
        """Do not call these before then: they said so."""
        self.parted: dict[Peer, str] = {}
        """Why the last link to each peer ended."""
        self.declined: dict[Peer, str] = {}
        """With whom there is no link because one side has as many as it keeps: why, in words. The last of them."""
        self.contacts: dict[Peer, int] = {}
        """When each peer was last heard, in ms."""
        self.agreed: dict[Peer, int] = {}
        """Our journal's counter when a peer was last known to hold all that we hold, as far as it may and takes it."""
        self.heard_at: dict[Peer, float] = {}
        """The same by a clock that does not jump, in seconds, since this node runs."""
        self.most = MOST_CONNECTIONS
        self.scores = Scores.unpack(node.store.meta.data(KEPT_AS))
        """What this node thinks of its peers."""
        self.refusals = Refusals()
        self.counter: Callable[[], int] = lambda: node.store.journal.counter
        """Returns the counter of the journal that the machines read."""
        self.changed: Callable[[Peer], None] = lambda peer: None
        """Told when a link came or went."""
        self.keeps_out: Callable[[Peer], str] = lambda peer: ""
        """Asked whoever called: why there may be no link to a peer at all, in words; "" when there may be one."""
        self.welcome: Callable[[Peer], int | None] = lambda peer: None
        """Asked when a peer has called: None, or why there is no link for it, as LEAVE says it."""
        self.met: Callable[[Peer], None] = lambda peer: None
        """Told when a peer that this node called said its first word."""
        self.lost: Callable[[Peer, bool], None] = lambda peer, left: None
        """Told when a link is gone, or came to nothing. `left`: the peer gave it up."""
        self.opened: Callable[[Peer], None] = lambda peer: None
        """Told when a session has begun: the peer may be told of more."""
        self.authority_came: Callable[[], None] = lambda: None
        """Told when pages, signatures or approvals came in, ours or theirs, and are durable."""
        self.introduced: Callable[[Peer, Introduced], None] = lambda peer, said: None
        """Told when a peer introduces a node."""
        self.level: Callable[[Peer, Sequence[Hint]], None] = lambda peer, told: None
        """Told when all that a peer holds of what both may hold is held here, and what it says of other bodies' freshness."""
        self.nodes_changed: Callable[[], None] = lambda: None
        """Told when a book names or drops other nodes than before, durably."""
        self.bodies_changed: Callable[[], None] = self.followed
        """Told when a peer announced a body that is followed now, durably."""
        self.near_of: Callable[[Peer], frozenset[Scope]] = lambda peer: frozenset()
        """Of which bodies a peer may have what goes only as far as their region."""
        self.schedules = Schedules(node.store, self.door.wake)
        """When there may be a link to whom, and how much may go over it."""
        self.also_unsaved: Callable[[], list[Callable[[], None]]] = list
        """Asked what else is to be kept with the next commit."""
        self._name_of = name_of
        self._gone: dict[Peer, trio.Event] = {}
        self._memories = Memories(node.store, self.door.wake)
        self._follows: dict[Scope, tuple[Peer, Follow]] = {}
        self._bodies_changed = False
        self._outrun = False

    # --- One link ---------------------------------------------------------------------------------------

    async def carry(self, link: Carries, dialler: bool) -> None:
        """Run a session over a link that stands, until either ends."""
        peer = Peer(link.peer)
        if why_out := self.keeps_out(peer):
            # It became known while the call was under way.
            raise link.cut("recalled", why_out)
        if not link.nature.lasting:
            self.schedules.came(peer, link)
        wait = self.back_off.get(peer, 0.0) - trio.current_time()
        if wait > 0:
            # Else whoever calls again at once would have three strikes more, as often as it likes.
            raise link.cut(
                "misbehaved", f"this peer sent what nobody should send; heard again in {wait:.0f} s"
            )
        old = self.connections.get(peer)
        # Links over other things than TCP are the operator's own, and few.
        lasting = link.nature.lasting
        streams = sum(not each.link.nature.lasting for each in self.connections.values())
        if old is None and not lasting and streams >= self.most:
            raise link.cut("busy", f"there are {self.most} connections already; config.toml says how many")
        if old is not None and not self._yields(old, link, dialler):
            raise link.cut("closed", "another connection to this peer stands")
        new = old is None or old.link.nature.lasting
        if new and not dialler and not lasting and (why := self.welcome(peer)) is not None:
            self._decline(peer, f"it called; {OURS[why]}")
            link.send(encode(Leave(why)))
            return
        if not lasting and not isinstance(self.schedules.state(peer), Open):
            # Whoever called should know that it may call again, later.
            if not dialler:
                link.send(encode(Leave(ASLEEP, self.schedules.opens_in(peer))))
                return
            raise link.cut("asleep", self.schedules.reason(peer))
        if old is not None:
            # Not before it is known that the other may stand: what comes to nothing must not end what goes on.
            old.link.cut("closed", "a newer connection to this peer took its place")
            old.scope.cancel()
        connection = Connection(link, dialler, trio.current_time())
        if not lasting:
            self.schedules.stands(peer, link)
        self.connections[peer] = connection
        self.declined.pop(peer, None)
        self.asleep.pop(peer, None)
        self.refusals.begin(peer)
        self.changed(peer)
        try:
            async with trio.open_nursery() as nursery:
                connection.scope = nursery.cancel_scope
                opened = Opened(
                    dialler,
                    secrets.token_bytes(8),
                    int(time.time() * 1000),
                    self._memories.get(peer),
                    self.brief or (self.schedules.brief(peer) and not lasting),
                    self.near_of(peer),
                    link.nature,
                )
                self.tell(peer, opened)
                self.opened(peer)
                for task in (self._read, self._room, self._wake):
                    nursery.start_soon(self._keep_up, task, peer, connection)
                await connection.closing.wait()
                nursery.cancel_scope.cancel()
        finally:
            if self.connections.get(peer) is connection:
                self.tell(peer, Closed())
                del self.connections[peer]
                self.door.forget(peer)
                self._gone.pop(peer, trio.Event()).set()
                if not lasting:
                    self.schedules.gone(peer)
                    self.lost(peer, bool(connection.left))
                self.changed(peer)

    def gone(self, peer: Peer) -> trio.Event:
        """Return what is set when the link to a peer, which stands now, is gone."""
        return self._gone.setdefault(peer, trio.Event())

    def settled(self, peer: Peer) -> bool:
        """Return whether a link to a peer stands than which there is no better one."""
        connection = self.connections.get(peer)
        return connection is not None and not connection.link.nature.lasting

    def _yields(self, old: Connection, link: Carries, dialler: bool) -> bool:
        """Return whether a link that stands gives way to a new one. Both ends come to the same answer."""
        if old.link.nature.lasting or link.nature.lasting:
            # What outlives outages is what there is when nothing better is.
            return old.link.nature.lasting
        if trio.current_time() - old.since > SIMULTANEOUS_SECONDS or old.link.ended is not None:
            return True  # The peer would not call again if it still held the old one.
        if old.dialler == dialler:
            return True
        # Both called at once: the link that the smaller key dialled stays.
        return dialler == (self.own_key < old.link.peer)

    async def _keep_up(
        self, task: Callable[[Peer, Connection], Awaitable[None]], peer: Peer, connection: Connection
    ) -> None:
        """Do one of the things that a link cannot stand without: when it ends, for whatever reason, so does the link."""
        try:
            await task(peer, connection)
        finally:
            connection.closing.set()

    async def _read(self, peer: Peer, connection: Connection) -> None:
        link = connection.link
        try:
            while True:
                frames = await link.receive()
                self.contacts[peer] = int(time.time() * 1000)
                self.heard_at[peer] = trio.current_time()
                for at, frame in enumerate(frames, 1):
                    if at % TURN_FRAMES == 0:
                        await trio.lowlevel.checkpoint()
                    await connection.unpaused()
                    if connection.closing.is_set() or self.connections.get(peer) is not connection:
                        return  # A newer link took this one's place: its session must not hear old words.
                    self.tell(peer, Received(frame))
                if (
                    connection.dialler
                    and not connection.met
                    and not link.nature.lasting
                    and not connection.closing.is_set()
                ):
                    connection.met = True
                    self.met(peer)
                await trio.lowlevel.checkpoint()
        except LinkClosed as why:
            log.info("%s: %s", self._name_of(peer), why.sentence)
            self.parted[peer] = why.sentence
            connection.closing.set()

    async def _room(self, peer: Peer, connection: Connection) -> None:
        """Tell the session how much the link takes, again and again."""
        try:
            while True:
                self.tell(peer, Room(await connection.room()))
                await connection.enough_sent()
        except LinkClosed:
            connection.closing.set()

    async def _wake(self, peer: Peer, connection: Connection) -> None:
        while True:
            await connection.due()
            self.tell(peer, Tick())

    # --- Events and effects -----------------------------------------------------------------------------

    def tell(self, peer: Peer, event: Event) -> None:
        """Feed an event of one peer to the machines."""
        try:
            effects = self.engine.handle(peer, event, trio.current_time())
        except StoreError:
            raise
        except Exception:
            # A mistake of ours that a peer's bytes brought to light must cost that peer's session and no other.
            log.exception("%s: a mistake of fedsync; please report it", self._name_of(peer))
            closed = Close("bug", "its words brought a mistake of fedsync to light", BACK_OFF_S)
            effects = [(peer, closed), *self.engine.handle(peer, Closed(), trio.current_time())]
        self._carry_out(effects)

    def tell_all(self, event: Stored | Granted | Pinned | Hurried | Followed) -> None:
        """Feed an event that concerns all peers."""
        self._carry_out(self.engine.everyone(event, trio.current_time()))

    def wonder(self, curious: bool) -> None:
        """Ask peers which the bodies are that they follow and we do not, as long as there may be a use for them here."""
        self._carry_out(self.engine.wonder(curious, trio.current_time()))

    def wire(self, peer: Peer) -> tuple[int, int] | None:
        """Return the bytes that a peer's link has received and sent, TLS included; None when there is none."""
        connection = self.connections.get(peer)
        return (connection.link.wire_in, connection.link.wire_out) if connection else None

    @property
    def busy(self) -> bool:
        """Whether sessions have something to do: blocks wait at the door, or frames for a link to take them."""
        links = [each.link for each in self.connections.values()]
        # What waits on a link that is down for hours must not hold up others for as long.
        return self.door.busy or any(each.queued for each in links if not each.nature.lasting)

    def via(self, peer: Peer) -> Peer | None:
        """Return the relay that carries the link to a peer; None when it stands by itself, or not at all."""
        connection = self.connections.get(peer)
        via = connection.link.via if connection else None
        return Peer(via) if via is not None else None

    def report(self, peer: Peer) -> Report | None:
        """Return how the session with a peer stands, None when there is none."""
        return self.engine.report(peer)

    def _carry_out(self, effects: list[tuple[Peer, Effect]]) -> None:
        for peer, effect in effects:
            connection = self.connections.get(peer)
            if connection is not None:
                self._do(peer, connection, effect)
            elif isinstance(effect, Remember):
                self._memories.remember(peer, effect.memory)

    def _do(self, peer: Peer, connection: Connection, effect: Effect) -> None:
        match effect:
            case Send(frame, priority):
                connection.send(frame, priority)
            case Take(number, raw):
                self.door.put(peer, connection, number, raw)
            case Follow(scope=scope, extent=extent):
                if (other := self._follows.get(scope)) is None or other[1].extent < extent:
                    self._follows[scope] = (peer, effect)
                self.door.wake()
            case Remember(memory):
                self._memories.remember(peer, memory)
            case Level(told):
                self.schedules.level(peer)
                self.agreed[peer] = self.counter()
                self.level(peer, told)
            case Outrun():
                log.warning(
                    "%s remembers more of this node's records than it holds: it was restored or copied.",
                    self._name_of(peer),
                )
                self._outrun = True
                self.door.wake()
            case Noted():
                if (said := self.refusals.note(peer, effect)) is not None:
                    log.info("%s: %s", self._name_of(peer), said)
            case Introduced():
                self.introduced(peer, effect)
            case Did(deed):
                self.scores.note(peer, deed, int(time.time() * 1000))
            case Pause(until):
                connection.pause(until)
            case Resume():
                connection.resume()
            case Wake(at):
                connection.wake(at)
            case Close(code, reason, back_off, again):
                log.info("%s: %s", self._name_of(peer), reason)
                if code == "left":
                    connection.left = reason
                    # At once: the peer hangs up now, and that is not why.
                    connection.link.cut("full", reason)
                    self._decline(peer, reason)
                self.parted[peer] = reason
                if code == "done":
                    self.schedules.done(peer)
                if again:
                    self.asleep[peer] = trio.current_time() + again
                if back_off:
                    self.back_off[peer] = trio.current_time() + back_off
                connection.closing.set()
            case _:
                assert_never(effect)

    # --- What is kept -----------------------------------------------------------------------------------

    def unsaved(self) -> list[Callable[[], None]]:
        """Return what the machines want kept, for the next commit."""
        writes: list[Callable[[], None]] = []
        directory = self.node.store.directory
        if self._outrun:
            # First: what was agreed on after it counts as a sync, what was before does not.
            self._outrun = False
            writes.append(lambda: directory.note_rollback(secrets.token_bytes(8)))
        writes += self.schedules.unsaved(self.node.store)
        writes += self.also_unsaved()
        writes += self._memories.unsaved()
        for peer, each in self._follows.values():
            writes.append(lambda peer=peer, each=each: self._follow(peer, each))  # type: ignore[misc]
        self._follows.clear()
        return writes

    def _follow(self, peer: Peer, follow: Follow) -> None:
        if self.node.follow(follow.scope, PageId(follow.body), None, "announced", Key(peer), follow.extent):
            self._bodies_changed = True

    def delivered(self, delivery: Delivery) -> None:
        """Tell the machines what is durable now."""
        self.schedules.durable()
        if self._bodies_changed:
            self._bodies_changed = False
            self.bodies_changed()
        # A log of which the first blocks were let in and the next have to wait: what waits is the last word on it.
        waits = [each for each in delivery.answers if isinstance(each[3], Declined) and each[3].until]
        for peer, connection, number, outcome in delivery.answers:
            if not (isinstance(outcome, Declined) and outcome.until):
                self._answer(peer, connection, number, outcome)
        self.announce(delivery.taken)
        for peer, connection, number, outcome in waits:
            self._answer(peer, connection, number, outcome)

    def _answer(self, peer: Peer, connection: object, number: int, outcome: Outcome) -> None:
        # The numbers of another link's session mean other blocks.
        if self.connections.get(peer) is connection:
            self.tell(peer, Taken(number, outcome))

    def entitle(self, near_of: Callable[[Peer], frozenset[Scope]]) -> None:
        """Let peers have, from now on, what `near_of` says: see `Opened.near`."""
        self.near_of = near_of
        for peer in list(self.connections):
            self.tell(peer, Entitled(near_of(peer)))

    def heard(self, bodies: Collection[PageId]) -> list[tuple[Scope, PageId, Key]]:
        """Return those of these bodies that connected peers follow, under which tag, each with who says so."""
        found = []
        for peer in self.connections:
            following = self.engine.following(peer)
            for body in bodies if following is not None else ():
                if following is not None and (tag := following.tag(body)) is not None:
                    found.append((tag, body, Key(peer)))
        return found

    def followed(self) -> None:
        """Tell the machines that other bodies are followed now: what was refused for it may be asked for again."""
        self.tell_all(Followed())
        self.tell_all(Granted())

    def announce(self, outcomes: Sequence[Admitted]) -> None:
        """Tell the machines of blocks that are durable, whoever wrote them."""
        granted = False
        for taken in outcomes:
            block = taken.block
            if block is None:
                continue
            granted = granted or "page" in block.kinds
            self.refusals.let_in(block.log)
            tip = (block.last, block.tip)
            origin = Peer(taken.origin) if taken.origin else None
            self.tell_all(Stored(block.log, block.raw, tip, taken.fork_at, origin))
            self.schedules.news(origin)
        if self.node.notices.renamed():
            self.nodes_changed()
        for log in self.node.notices.hurried():
            self.tell_all(Hurried(log))
            self.schedules.urge()
        for log in self.node.notices.repinned():
            self.tell_all(Pinned(log))
        if granted:
            self.tell_all(Granted())
        if any(_SEALABLE & set(taken.block.kinds) for taken in outcomes if taken.block is not None):
            self.authority_came()

    def give_up(self, peer: Peer, why: int) -> None:
        """End a link for another's sake; the peer is told why, as LEAVE says it."""
        self._decline(peer, OURS[why])
        self.tell(peer, Leaving(why))

    def _decline(self, peer: Peer, why: str) -> None:
        self.parted[peer] = why
        self.declined.pop(peer, None)
        self.declined[peer] = why
        if len(self.declined) > DECLINED_SHOWN:
            del self.declined[next(iter(self.declined))]

    def drop(self, peer: Peer, sentence: str) -> None:
        """Close a peer's link at once: it is paused, removed or recalled."""
        connection = self.connections.get(peer)
        if connection is not None:
            connection.link.cut("closed", sentence)
            connection.closing.set()


_SEALABLE = frozenset({"page", "signature", "approval"})
"""Records that may let a node seal a page."""
