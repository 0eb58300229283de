"""One session with one peer: a machine without I/O. Events in, effects out, `now` as an argument. Pure.

Two rules hold it together. *Every message is understood alone*: what one means follows from it and from what is
held now, so that loss, repetition and reordering cost bytes and never truth. *Memory moves only over what is
durable*: what a peer has is remembered when all of it is held or refused here, and never earlier.

    phase      hears                                    leaves it by
    GREETING   HELLO (what comes before it is dropped)  HELLO -> TALKING; no HELLO in time -> OVER
    TALKING    all but HELLO                            BYE both ways, all handled -> OVER; silence -> OVER
    OVER       nothing

BYE means "nothing is left that I would ask"; it says how many messages were handled, so both sides know when
nothing is on its way any more, and neither closes over the other's question.
"""

from dataclasses import replace
from enum import Enum

from fedsync.gossip.events import (
    Close,
    Closed,
    Effect,
    Event,
    Follow,
    Followed,
    Granted,
    Opened,
    Outrun,
    Peer,
    Received,
    Remember,
    Room,
    Stored,
    Taken,
    Tick,
    Wake,
)
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.limits import (
    BACK_OFF_S,
    BEAT_S,
    BRIEF_SILENCE_S,
    COMPARE_MAX_S,
    COMPARE_S,
    GREETING_S,
    SILENCE_S,
    STRIKES,
    VERSION,
    WAKE_S,
)
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import (
    BadMessage,
    Beat,
    BlockMessage,
    Bodies,
    Bye,
    Delta,
    Hello,
    Locate,
    Message,
    NoBase,
    Prune,
    Range,
    Refused,
    Rest,
    Sets,
    Tip,
    Want,
    decode,
)
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.peer_memory import PeerMemory, Refusal, digest
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.report import Report, report
from fedsync.gossip.trie import Trees
from fedsync.gossip.wants import Asked
from fedsync.records.ids import Reach


class Phase(Enum):
    """Where a session stands."""

    GREETING = "greeting"
    TALKING = "talking"
    OVER = "over"


HEARS: dict[Phase, tuple[type[Message], ...]] = {
    Phase.GREETING: (Hello,),
    Phase.TALKING: (
        Sets, Range, Delta, Rest, Want, BlockMessage, Tip, Refused, Bye, NoBase, Locate, Bodies, Beat, Prune
    ),
    Phase.OVER: (),
}  # fmt: skip
"""What is heard in each phase; anything else is dropped, since a carrier may repeat and reorder."""

ANSWERS = (Hello, Sets, Range, Delta, Rest, Want, BlockMessage, NoBase, Locate)
"""What a question may be answered with. BEAT and BYE answer too, when they come after all that was asked."""


class Session:
    """One session. `handle` is its one entry; `report` says for people how it stands."""

    def __init__(self, peer: Peer, opened: Opened, trees: Trees, asked: Asked, now: float) -> None:
        self.peer = peer
        self.phase = Phase.GREETING
        self.close_reason = ""
        self._opened, self._trees, self._asked = opened, trees, asked
        self._holdings = trees.holdings
        self._memory = opened.memory or PeerMemory()
        self._theirs = self._memory.bodies
        self._brief = opened.brief
        self._out = Outbox()
        self._journal, self._counter = self._holdings.journal()
        # Placeholders until both nonces are known; nothing is named before.
        self._salt = Salt(b"", b"")
        self._exchange = Exchange(self._holdings, self._salt, asked, self._out, self._may, ())
        self._reconcile = Reconcile(trees, self._salt, self._shared, self._exchange.listed)
        self._started = self._heard = self._progress = now
        self._beat_at = now + BEAT_S
        self._compare_at = now + COMPARE_S
        self._patience = COMPARE_S
        self._handled = 0
        self._awaits: set[type[Message]] = set()
        self._unsettled = False
        self._said_bye: tuple[int, int] | None = None
        self._bye: Bye | None = None
        self._told = b""
        self._equal = False
        self._wake: float | None = None
        self._hello_root = self._reconcile.root()
        self._hello_counter = 0
        self._peer_root = self._peer_journal = b""

    # --- The one entry --------------------------------------------------------------------------------

    def open(self, now: float) -> list[Effect]:
        """Say HELLO."""
        doubt = self._memory.doubt
        self._out.say(
            Hello(
                VERSION,
                self._journal,
                self._counter,
                b"" if doubt else self._memory.journal,
                0 if doubt else self._memory.counter,
                self._opened.nonce,
                self._opened.wall_ms,
                self._hello_root,
            )
        )
        return self._effects(now)

    def handle(self, event: Event, now: float, others: bool = False) -> list[Effect]:
        """Return what to do about an event, in order. `others`: more sessions are live, so push makes a tree."""
        if self.phase is Phase.OVER:
            return []
        match event:
            case Received(frame):
                self._receive(frame, now, others)
            case Room(size):
                self._out.room = size
            case Taken():
                self._progress = now
                self._exchange.on_taken(event, now, others)
            case Stored():
                live = self.phase is Phase.TALKING and not self._brief
                self._patience = COMPARE_S
                self._exchange.on_stored(event, self.peer, live)
            case Granted():
                self._patience = COMPARE_S
                self._exchange.granted(now)
                self._unsettled = self._unsettled or self._exchange.wants.open > 0
            case Followed():
                self._followed()
            case Tick():
                self._tick(now)
            case Closed():
                self._end()
            case Opened():
                raise ValueError("a session is opened once")
        return self._effects(now)

    @property
    def report(self) -> Report:
        """Say for people how the session stands."""
        return report(self.phase.value, self._exchange, self._equal, bool(self._awaits), self.close_reason)

    def _effects(self, now: float) -> list[Effect]:
        if self.phase is Phase.TALKING:
            self._exchange.flush(now)
            if self._exchange.strikes >= STRIKES:
                self._close("strikes", f"three blocks were not what they claimed: {self._exchange.fault}", BACK_OFF_S)
            else:
                self._settle(now)
        if self.phase is not Phase.OVER:
            self._wake_up(now)
        return self._out.drain()

    # --- Messages -------------------------------------------------------------------------------------

    def _receive(self, frame: bytes, now: float, others: bool) -> None:
        self._heard = now
        try:
            message = decode(frame)
            if isinstance(message, HEARS[self.phase]):
                self._hear(message, now, others)
        except BadMessage as error:
            self._close("garbage", f"the peer sent what is no message: {error}", BACK_OFF_S)

    def _hear(self, message: Message, now: float, others: bool) -> None:
        if isinstance(message, ANSWERS) or (
            isinstance(message, Beat | Bye) and message.handled == self._out.sent
        ):
            self._out.expecting = False
        if not isinstance(message, Beat | Bye):
            self._handled += 1
            self._progress = now
        match message:
            case Hello():
                self._hello(message, now)
            case Bodies(bodies):
                self._theirs = bodies
                for body in bodies:
                    if body not in self._holdings.bodies():
                        self._out.effects.append(Follow(*body))
            case Sets():
                self._awaits.clear()
                self._unsettled = True
                self._say(self._reconcile.on_sets(message))
            case Range():
                self._unsettled = True
                key = self._reconcile.set_of(message)
                if key is not None and self._may(key):
                    answers, claims = self._reconcile.on_range(key, message)
                    self._exchange.claim(claims, now)
                    self._say(answers)
            case Delta():
                self._delta(message, now)
            case Rest(root):
                self._awaits.discard(Rest)
                if root != self._reconcile.rest():
                    self._compare(now)
            case Want():
                self._exchange.on_want(message)
                self._exchange.push.eager = True
            case BlockMessage():
                self._exchange.on_block(message, now)
            case Tip():
                self._exchange.on_tip(message, now, others)
            case Refused():
                self._exchange.on_refused(message)
            case NoBase():
                self._say(self._exchange.on_no_base(message, now))
            case Locate():
                self._exchange.on_locate(message, now)
            case Prune():
                self._exchange.push.eager = False
            case Beat():
                self._beat(message, now)
            case Bye():
                self._brief = True
                self._bye = message
                self._agree(message.root or self._peer_root, message.counter)

    def _hello(self, hello: Hello, now: float) -> None:
        if hello.version != VERSION:
            self._close("version", f"the peer speaks version {hello.version} of the protocol, we speak {VERSION}")
            return
        self.phase = Phase.TALKING
        mine, memory = self._opened.nonce, self._memory
        first, second = (mine, hello.nonce) if self._opened.dialler else (hello.nonce, mine)
        if first == second:
            self._close("echo", "the peer sends back what we say", BACK_OFF_S)
            return
        self._salt = Salt(first, second)
        self._exchange = Exchange(
            self._holdings, self._salt, self._asked, self._out, self._may, self._still_refused()
        )
        self._reconcile = Reconcile(self._trees, self._salt, self._shared, self._exchange.listed)
        self._peer_root, self._peer_journal, self._hello_counter = hello.root, hello.journal, hello.counter
        knows_us = hello.seen_journal == self._journal
        if knows_us and hello.seen_counter > self._counter:
            self._out.effects.append(Outrun(hello.seen_counter))
        known = memory.journal == hello.journal and not memory.doubt and memory.counter <= hello.counter
        bodies = digest(tuple(self._holdings.bodies()))
        if not knows_us or hello.seen_counter < memory.told_at or memory.told != bodies:
            self._tell_bodies()
        else:
            self._told = bodies
        if hello.root == self._hello_root:
            self._exchange.level = True
            self._agree(hello.root, hello.counter)
            return
        self._unsettled = True
        if known and knows_us and hello.seen_counter <= self._counter:
            self._say_delta(hello.seen_counter)
        elif self._opened.dialler:
            self._compare(now)
        else:
            self._awaits.add(Sets)

    def _say_delta(self, since: int) -> None:
        found = self._reconcile.delta(since, self._exchange.refused)
        if found is None:
            self._out.say(self._reconcile.sets())
            return
        self._awaits.add(Delta)
        if not self._opened.dialler:
            self._awaits.add(Rest)
        messages, blocks = found
        self._say(messages)
        for raw in blocks:
            self._out.frame(raw, 1, defer=True)

    def _delta(self, message: Delta, now: float) -> None:
        found = self._reconcile.on_delta(message)
        if found is None:
            self._compare(now)
            return
        claims, refused = found
        self._exchange.refused_by_peer.update(refused)
        self._exchange.claim(claims, now)
        if not message.more and Delta in self._awaits:
            self._awaits.discard(Delta)
            if self._opened.dialler:
                self._out.say(Rest(self._reconcile.rest()))

    def _beat(self, beat: Beat, now: float) -> None:
        self._agree(beat.root, beat.counter)
        if self._equal or not self._exchange.idle or self._awaits:
            return
        quiet = beat.handled == self._out.sent
        if quiet:
            self._known_to_the_end()
        # Only the dialler compares: a BEAT of ours makes it see that it should.
        if now < self._compare_at or not (quiet or now - self._progress > BEAT_S):
            return
        if self._opened.dialler:
            self._patience = min(self._patience * 2, COMPARE_MAX_S)
            self._compare(now)
        else:
            self._compare_at = now + self._patience
            self._say_beat(now)

    def _compare(self, now: float) -> None:
        self._awaits.clear()
        self._unsettled = True
        self._compare_at = now + self._patience
        self._out.say(self._reconcile.sets())

    # --- Bodies ---------------------------------------------------------------------------------------

    def _tell_bodies(self) -> None:
        bodies = tuple(self._holdings.bodies())
        self._told = digest(bodies)
        self._out.say(Bodies(bodies))

    def _followed(self) -> None:
        if self.phase is Phase.TALKING and digest(tuple(self._holdings.bodies())) != self._told:
            self._tell_bodies()
            self._unsettled = True
            self._out.say(self._reconcile.sets())

    def _shared(self) -> list[SetKey]:
        return sorted(key for key in self._holdings.sets() if self._may(key))

    def _may(self, key: SetKey) -> bool:
        """Say whether both may hold a set: what is local never leaves, and nobody gets what they do not follow."""
        scope, reach, _ = key
        if reach == Reach.LOCAL or all(scope != mine for mine, _ in self._holdings.bodies()):
            return False
        return self._theirs is None or any(scope == theirs for theirs, _ in self._theirs)

    # --- When nothing is left -------------------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """Say that nothing is left to ask, once, when it is so; end when both have said it."""
        if not self._exchange.idle or self._awaits or self._out.expecting:
            return
        if self._brief:
            state = (self._out.sent, self._handled)
            if self._said_bye != state:
                self._said_bye = state
                root = self._reconcile.root()
                counter = self._holdings.journal()[1]
                self._out.say(Bye(0, b"" if root == self._hello_root else root, counter, self._handled))
            if self._bye is not None and self._bye.handled == self._out.sent:
                self._agree(self._bye.root or self._peer_root, self._bye.counter)
                self._part()
        elif self._unsettled:
            self._unsettled = False
            self._exchange.level = True
            self._say_beat(now)

    def _say_beat(self, now: float) -> None:
        self._beat_at = now + BEAT_S
        self._out.say(Beat(self._reconcile.root(), self._holdings.journal()[1], self._handled))

    def _agree(self, root: bytes, counter: int) -> None:
        """Compare roots; when they are equal, all that the peer had at this counter is held here."""
        self._equal = root == self._reconcile.root()
        if self._equal:
            self._patience = COMPARE_S
            self._exchange.level = True
            self._remember(counter, doubt=False)

    def _known_to_the_end(self) -> None:
        """All that the peer had when it said HELLO is held or refused: remember so much."""
        if not self._exchange.wants.unserved and (self._exchange.refused or self._exchange.refused_by_peer):
            self._remember(max(self._hello_counter, self._seen), self._memory.doubt)

    @property
    def _seen(self) -> int:
        return self._memory.counter if self._memory.journal == self._peer_journal else 0

    def _remember(self, counter: int, doubt: bool) -> None:
        memory = PeerMemory(
            self._peer_journal,
            max(counter, self._seen),
            self._theirs,
            self._told,
            self._counter,
            tuple(self._exchange.refused.values()),
            doubt,
        )
        if memory != self._memory:
            self._memory = memory
            self._out.effects.append(Remember(memory))

    def _part(self) -> None:
        """End after BYE both ways."""
        if not self._equal:
            self._known_to_the_end()
            if not self._exchange.refused and not self._exchange.refused_by_peer:
                self._memory = replace(self._memory, doubt=True, journal=self._peer_journal)
                self._out.effects.append(Remember(self._memory))
        self._close("done", "nothing is left to ask")

    def _still_refused(self) -> list[Refusal]:
        wall = self._opened.wall_ms
        return [each for each in self._memory.refused if each.until == 0 or each.until > wall]

    # --- Time -----------------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        if self._wake is not None and now >= self._wake:
            self._wake = None
        if self.phase is Phase.GREETING:
            if now >= self._started + GREETING_S:
                self._close("no-hello", f"the peer said no HELLO within {GREETING_S:.0f} seconds")
            return
        last = self._progress if self._brief else self._heard
        limit = BRIEF_SILENCE_S if self._brief else SILENCE_S
        if now >= last + limit:
            self._close("silent", f"nothing came from the peer for {limit:.0f} seconds")
            return
        self._exchange.wants.expire(now)
        if self._awaits and now - self._progress > COMPARE_S * 3:
            # What opens a comparison was lost: begin another.
            self._compare(now)
        if not self._brief and now >= self._beat_at:
            self._say_beat(now)

    def _wake_up(self, now: float) -> None:
        """Ask to be woken, if not before then anyway."""
        if self.phase is Phase.GREETING:
            at = self._started + GREETING_S
        elif self._brief:
            at = self._progress + BRIEF_SILENCE_S
        else:
            at = min(self._beat_at, self._heard + SILENCE_S)
        wanted = self._exchange.wants.wake_at()
        if wanted is not None:
            at = min(at, wanted)
        if self._wake is None or at < self._wake:
            # Never at once again: whatever could not be done now would keep us busy with nothing.
            self._wake = max(at, now + WAKE_S)
            self._out.effects.append(Wake(self._wake))

    # --- The end --------------------------------------------------------------------------------------

    def _say(self, messages: list[Message]) -> None:
        for message in messages:
            self._out.say(message)

    def _close(self, code: str, reason: str, back_off: float = 0.0) -> None:
        self.close_reason = reason
        self._out.effects.append(Close(code, reason, back_off))
        self._end()

    def _end(self) -> None:
        self.phase = Phase.OVER
        self._exchange.wants.close()

