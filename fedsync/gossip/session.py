"""One session with one peer: a machine without I/O. Events in, effects out, `now` as an argument. Pure.

Two rules hold it together. *Every message is understood alone*: what one means follows from it and from what is
held now, so that loss, repetition and reordering cost bytes and never truth. *Memory moves only over what is
durable*: what a peer has is remembered when all of it is held or refused here, and never earlier.

    phase      hears                                    leaves it by
    GREETING   HELLO (what comes before it is dropped)  HELLO -> TALKING; LEAVE, or no HELLO in time -> OVER
    TALKING    all but HELLO                            BYE both ways, all handled -> OVER; LEAVE, silence -> OVER
    OVER       nothing

BYE means "nothing is left that I would ask"; it says how many messages were handled, so both sides know when
nothing is on its way any more, and neither closes over the other's question.
"""

from collections.abc import Iterable
from functools import partial

from fedsync.gossip.acquaintance import Acquaintance
from fedsync.gossip.comparison import Comparison
from fedsync.gossip.costs import Costs
from fedsync.gossip.deeds import Deed
from fedsync.gossip.early import Early
from fedsync.gossip.events import (
    Close,
    Closed,
    Curious,
    Did,
    Effect,
    Entitled,
    Event,
    Follow,
    Followed,
    Granted,
    Hurried,
    Introducing,
    Leaving,
    Level,
    Opened,
    Outrun,
    Peer,
    Pinned,
    Received,
    Remember,
    Room,
    Stored,
    Taken,
    Tick,
    Wake,
)
from fedsync.gossip.exchange import Exchange
from fedsync.gossip.following import Following, Row
from fedsync.gossip.hearsay import Knows, Told, nothing
from fedsync.gossip.introductions import Introductions
from fedsync.gossip.limits import (
    BACK_OFF_S,
    LEAVE_MAX_S,
    MAX_BACKLOG,
    STRIKES,
    VERSION,
)
from fedsync.gossip.listing import Salt
from fedsync.gossip.messages import (
    ASLEEP,
    EXCHANGED,
    FULL,
    STRANGER,
    BadMessage,
    Beat,
    BlockMessage,
    Bodies,
    Bye,
    Delta,
    Hello,
    Introduce,
    Leave,
    Locate,
    Message,
    NoBase,
    Plain,
    Prune,
    Range,
    Refused,
    Rest,
    Segment,
    Sets,
    Spans,
    These,
    Tip,
    Want,
    Which,
    decode,
)
from fedsync.gossip.names import Places
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.phases import ANSWERS, HEARS, Phase
from fedsync.gossip.priority import FIRST
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.report import Report, report
from fedsync.gossip.rhythm import Rhythm
from fedsync.gossip.segments import Ahead, Segments, Unread
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.sizes import Sizes
from fedsync.gossip.tree import Tree
from fedsync.gossip.wants import Asked
from fedsync.records.block import peek
from fedsync.records.segment import BadSegment

LEAVES = {
    FULL: "it has as many links as it keeps",
    EXCHANGED: "another took the place of this link",
    STRANGER: "it belongs to no body that both share",
    ASLEEP: "it exchanges with this node at certain times only, or has used up what may go over the link",
}
"""What LEAVE means, in words; "it" is who says so."""

_LEVEL = Level()
_SIGNS = (Beat, Bye)
"""What says no more than that the peer is here, or has nothing left to ask."""


class Session:
    """One session. `handle` is its one entry; `report` says for people how it stands."""

    def __init__(
        self,
        peer: Peer,
        opened: Opened,
        sharing: Sharing,
        asked: Asked,
        tree: Tree,
        now: float,
        lifted: bool = False,
        knows: Knows = nothing,
        cut: bool = False,
        places: Places | None = None,
    ) -> None:
        """`lifted`: authority or quota have changed since the peer was last seen, so refusals are void. `knows`: how fresh
        what is held of bodies is. `cut`: the last session left it open what the peer got of what was sent unasked.
        `places`: where records stand that were stored or sent lately, whatever session it was."""
        self.peer = peer
        self.phase = Phase.GREETING
        self.close_reason = ""
        self._opened, self._holdings = opened, sharing.trees.holdings
        self.lifted = lifted
        """Whether what is remembered to be refused is void: authority or quota have changed, and nothing was remembered since."""
        # Both nonces are known with the peer's HELLO; nothing is named before.
        salt = Salt(b"", b"")
        self.costs = Costs()
        self._known = Acquaintance(sharing, opened.memory, opened.near, salt, self.costs)
        self._told = Told(knows)
        self._brief, self._cut = opened.brief, cut
        self.owes = cut
        """Whether blocks were sent that the peer did not ask for, and did not say yet that it holds."""
        self._out = Outbox(opened.nature.room, self.costs)
        known = self._known
        thin = opened.nature.lasting
        self._segments = Segments(self._holdings, places or Places(), known.may, thin, self.costs)
        if thin:
            self._out.shorten = self._segments.shorten
        self._salt, credit = salt, opened.nature.credit
        self._exchange = Exchange(self._holdings, salt, asked, tree, self._out, known.may, credit)
        both = partial(known.both, opened.dialler)
        self._reconcile = Reconcile(sharing.trees, salt, known.shared, self._exchange.listed, both)
        self._rhythm = Rhythm(now, opened.nature)
        self._comparison = Comparison(
            self._reconcile, self._exchange, self._out, self._rhythm, known.may, opened.dialler
        )
        self._handled = self._sent = 0
        self._said_bye: tuple[int, int] | None = None
        self._bye: Bye | None = None
        self._last_beat: Beat | None = None
        self._equal = False
        self._owes_level = False
        """All was equal but for what we refused then: when that has come in, all that the peer held is held here."""
        self._root_of: tuple[object, ...] = ()
        """What the root was worked out of that BEAT and BYE said last: most of them come when nothing has changed."""
        self._root_was = b""
        self._agreed: tuple[int, object] | None = None
        """The peer's counter and what our root was worked out of, when both were found to hold the same last."""
        self._hello_root = self._root()
        self._early = Early()
        self._introductions = Introductions(self._out)

    # --- The one entry --------------------------------------------------------------------------------

    def open(self, now: float) -> list[Effect]:
        """Say HELLO."""
        self._out.say(self._known.hello(VERSION, self._opened.nonce, self._opened.wall_ms, self._hello_root))
        return self._effects(now)

    def handle(self, event: Event, now: float, others: bool = False) -> list[Effect]:
        """Return what to do about an event, in order. `others`: more sessions are live, so push makes a tree."""
        if self.phase is Phase.OVER:
            return []
        self._segments.now = now
        match event:
            # The most frequent first.
            case Received(frame):
                self._receive(frame, now, others)
            case Tick():
                self._tick(now)
            case Room(size):
                self._out.room = size
                if self._opened.nature.lasting:
                    self._exchange.wants.widen(size)
                if self._exchange.settled:
                    return []  # As nearly always: nothing waited for it.
            case Taken():
                self._rhythm.progress = now
                self._exchange.on_taken(event, now, others)
            case Stored():
                met = self.phase is Phase.TALKING and self._known.heard
                self._rhythm.news()
                self._exchange.on_stored(event, self.peer, met and not self._brief, now)
                for each in self._segments.stored(event.log, event.raw):
                    self._block(each, now)
                if not met:
                    self._early.stored(event.log, peek(event.raw).first - 1)
            case Granted():
                self._rhythm.news()
                self.lifted = True
                if self._exchange.lift(self._exchange.refused, now):
                    self._comparison.open(now)
            case Pinned(log):
                self._rhythm.news()
                if self.phase is Phase.TALKING and self._known.heard:
                    self._exchange.on_pinned(log, now)
                else:
                    self._early.pinned(log)
            case Hurried(log):
                self._exchange.on_hurried(log)
            case Entitled(near):
                self._known.near(near)
                self._exchange.withhold()
                self._tell_news(now)
            case Followed():
                self._tell_news(now)
            case Curious():
                if self.phase is Phase.TALKING:
                    self._say(self._known.ask())
            case Introducing():
                self._introductions.tell(event)
            case Leaving(why):
                self._out.say(Leave(why), FIRST)
                self._close("gave-up", f"this node has given the link up: {LEAVES[why]}")
            case Closed():
                self._end()
            case Opened():
                raise ValueError("a session is opened once")
        return self._effects(now)

    def graft(self, now: float) -> list[Effect]:
        """Take the link into the push tree, if new blocks may go over it."""
        if self.phase is Phase.TALKING:
            self._exchange.graft()
        return self._effects(now)

    @property
    def eager(self) -> bool:
        """Whether new blocks go over this link, and not only word of them."""
        return self._exchange.level and self._exchange.push.eager

    @property
    def report(self) -> Report:
        """Say for people how the session stands."""
        comparing = self._comparison.under_way
        return report(self.phase.value, self._exchange, self._equal, comparing, self.close_reason)

    @property
    def sizes(self) -> Sizes:
        """How much of what the peer said, asked and sent is in hand."""
        exchange, wants, segments = self._exchange, self._exchange.wants, self._segments
        return Sizes(
            wants.open + wants.unserved,
            len(exchange.refused),
            len(exchange.refused_by_peer),
            exchange.taking,
            exchange.taking_bytes,
            segments.late,
            segments.late_bytes,
            self._out.backlog,
        )

    @property
    def following(self) -> Following:
        """What the peer follows, as far as it said."""
        return self._known.bodies

    def _effects(self, now: float) -> list[Effect]:
        if self.phase is Phase.TALKING:
            self._segments.level = self._exchange.level
            self._exchange.flush(now)
            if self._owes_level and self._equal and self._exchange.idle and not self._exchange.refused:
                self._owes_level = False
                self._out.effects.append(Level())
            if self._exchange.strikes >= STRIKES:
                self._close(
                    "strikes", f"three blocks were not what they claimed: {self._exchange.fault}", BACK_OFF_S
                )
            elif self._brief or self._comparison.unsettled:
                self._settle(now)
        if self._out.sent != self._sent:
            self._sent = self._out.sent
            self._rhythm.wrote(now, self._out.written)
        if self.phase is not Phase.OVER:
            wanted, late = self._exchange.wants.wake_at(), self._segments.wake_at()
            if late is not None:
                wanted = late if wanted is None else min(wanted, late)
            at = self._rhythm.wake(now, self.phase is Phase.GREETING, self._brief, wanted)
            if at is not None:
                self._out.effects.append(Wake(at))
        return self._out.drain()

    # --- Messages -------------------------------------------------------------------------------------

    def _receive(self, frame: bytes, now: float, others: bool) -> None:
        self._rhythm.hear(now)
        try:
            message = decode(frame)
            if type(message) in HEARS[self.phase]:
                self._hear(message, now, others)
        except BadMessage as error:
            self._close("garbage", f"the peer sent what is no message: {error}", BACK_OFF_S)

    def _hear(self, message: Message, now: float, others: bool) -> None:
        if isinstance(message, _SIGNS):
            if message.handled == self._out.sent:
                self._out.expecting = False
                self._rhythm.confirmed()
        else:
            self._out.expecting = self._out.expecting and type(message) not in ANSWERS
            self._handled += 1
            self._rhythm.stir(now)
            if not isinstance(message, Bodies):
                # These come again with each BEAT that is unequal: they must not put off the next comparison.
                self._rhythm.progress = now
        match message:
            # The most frequent first.
            case Beat():
                self._beat(message, now)
            case Bye():
                self._brief = True
                self._bye = message
                self._agree(message.root or self._known.root, message.counter)
            case Hello():
                self._hello(message, now, others)
            case BlockMessage():
                self._segments.came(message.raw)
                self._exchange.on_block(message, now)
            case Segment():
                self._segment(message, now)
            case Plain():
                self._segments.plain(message)
            case Bodies():
                self._bodies(message, now)
            case Which():
                these = self._known.answer(message)
                if these is not None and self._out.backlog <= MAX_BACKLOG:
                    self._out.say(these)
            case These():
                self._follow(self._known.learn(message))
            case Sets() | Spans() | Range() | Delta() | Rest():
                self._comparison.hear(message, now)
            case Want():
                self._exchange.on_want(message)
                self._exchange.push.eager = True
            case Tip():
                self._exchange.on_tip(message, now, others)
            case Refused():
                self._exchange.on_refused(message)
            case NoBase():
                self._say(self._exchange.on_no_base(message, now))
            case Locate():
                self._exchange.on_locate(message, now)
            case Leave(why, after):
                reason = f"the peer keeps no link now: {LEAVES.get(why, 'it does not say why')}"
                self._close("left", reason, again=min(after, LEAVE_MAX_S))
            case Prune():
                self._exchange.on_prune()
            case Introduce():
                self._introductions.hear(message)

    def _segment(self, message: Segment, now: float) -> None:
        try:
            found = self._segments.hear(message)
        except BadSegment as error:
            self._exchange.strike(error.code)
            return
        if isinstance(found, Ahead):
            self._exchange.on_ahead(found, now)
        elif found is not None:
            self._block(found, now)

    def _block(self, block: BlockMessage | Unread, now: float) -> None:
        """Take a block that came as a segment, or ask for it in full."""
        if isinstance(block, BlockMessage):
            self._exchange.on_block(block, now)
            return
        complaint = self._segments.complain(block)
        if complaint is not None:
            self._out.say(complaint)
            if block.log is None and block.pushed:
                self._comparison.open(now)
        elif not (block.last or block.pushed):
            return  # More of the same answer, of which the end is yet to come.
        self._exchange.on_unread(block, now)

    def _hello(self, hello: Hello, now: float, others: bool) -> None:
        if hello.version != VERSION:
            self._close(
                "version", f"the peer speaks version {hello.version} of the protocol, we speak {VERSION}"
            )
            return
        self.phase = Phase.TALKING
        self._segments.words = hello.words
        mine = self._opened.nonce
        first, second = (mine, hello.nonce) if self._opened.dialler else (hello.nonce, mine)
        if first == second:
            self._close("echo", "the peer sends back what we say", BACK_OFF_S)
            return
        known = self._known
        tell = known.greet(hello)
        self._salt.agree(first, second)
        self._exchange.greet(() if self.lifted else known.still_refused(self._opened.wall_ms))
        if known.rolled_back:
            self._out.effects.append(Outrun(hello.seen_counter))
        if tell:
            self._say(known.tell())
        if known.curious:
            # A crash may have taken what was to be followed, and what is remembered is not told again.
            self._follow(known.lacking())
            self._say(known.ask())
        self._introductions.meet()
        if hello.root == self._hello_root:
            self._exchange.rise()
            self._tell_early()
            self._agree(hello.root, hello.counter)
            return
        self._early.forget()  # It will be compared.
        # After a cut the peer holds some of it already, and asks for the rest.
        alone = not others and not self._cut
        if self._comparison.begin(known.since, alone, known.awaited, now):
            self.owes = True

    def _bodies(self, page: Bodies, now: float) -> None:
        """Note what the peer follows."""
        known = self._known
        before = known.shared()
        unfollowed = known.hear(page)
        if unfollowed is None:
            return
        self._follow(unfollowed)
        self._say(known.ask())
        self._exchange.withhold()
        self._tell_early()
        if Bodies in self._comparison.awaits and known.whole:
            self._comparison.open(now, brief=True)
        elif known.shared().adds(before, known.changed):
            # Whatever was compared so far left these sets out.
            self._comparison.open(now)

    def _follow(self, rows: Iterable[Row]) -> None:
        for row in rows:
            self._out.effects.append(Follow(row.scope, row.body, row.extent))

    def _tell_news(self, now: float) -> None:
        """Tell what has changed of what we follow, and compare what that brings."""
        if self.phase is Phase.TALKING and (news := self._known.tell_news()):
            self._say(news)
            self._comparison.open(now)

    def _tell_early(self) -> None:
        """Tell what waited for it to be known what the peer follows: else it would ask for what it is not served."""
        if self._known.heard:
            for log, base in self._early.take():
                self._exchange.tell(log, base)

    def _beat(self, beat: Beat, now: float) -> None:
        self._last_beat = beat
        self._rhythm.promised(beat.within)
        if beat.asks:
            self._say_beat(now)
        if self._known.curious:
            self._say(self._known.ask())
        self._agree(beat.root, beat.counter, beat.told, now)
        if self._equal or not self._exchange.idle or self._comparison.awaits:
            return
        quiet = beat.handled == self._out.sent
        if not self._rhythm.may_compare(now, quiet):
            return
        # Perhaps we are at odds over what we follow: then no comparison of sets would show it.
        self._say(self._known.tell())
        # Only the dialler compares: a BEAT of ours makes it see that it should.
        if self._opened.dialler:
            self._rhythm.in_vain()
            self._comparison.open(now)
        else:
            self._rhythm.compared(now)
            self._say_beat(now)

    # --- When nothing is left -------------------------------------------------------------------------

    def _settle(self, now: float) -> None:
        """Say that nothing is left to ask, once, when it is so; end when both have said it."""
        if self._comparison.awaits or self._out.expecting or not self._exchange.idle:
            return
        if self._brief:
            state = (self._out.sent, self._handled)
            bye = self._bye if self._bye is not None and self._bye.handled == self._out.sent else None
            if bye is None and self._said_bye == state:
                return
            root = self._root()
            if self._said_bye != state:
                self._said_bye = state
                counter = self._holdings.journal()[1]
                self._out.say(Bye(0, b"" if root == self._hello_root else root, counter, self._handled))
            if bye is not None:
                self._note_equal(root == (bye.root or self._known.root), bye.counter)
                self._part()
        else:
            self._comparison.unsettled = False
            self._exchange.rise()
            if self._last_beat is not None:
                self._agree(self._last_beat.root, self._last_beat.counter)
            self._say_beat(now)

    def _say_beat(self, now: float, calm: bool = False, asks: bool = False) -> None:
        """Say that we are here. `calm`: nothing was said since we last did, so the next time may be later."""
        counter = self._holdings.journal()[1]
        within = self._rhythm.beat(now, calm)
        told = self._told.tell(self._salt, now) if self._equal else b""
        self._out.say(Beat(self._root(), counter, self._handled, within, asks, told))

    def _agree(self, root: bytes, counter: int, told: bytes = b"", now: float = 0.0) -> None:
        """Compare the peer's root with ours."""
        self._note_equal(root == self._root(), counter, told, now)

    def _note_equal(self, equal: bool, counter: int, told: bytes = b"", now: float = 0.0) -> None:
        """Note whether roots are equal: then all that the peer had at this counter is held here."""
        self._equal = equal
        if not equal:
            self._agreed = None
        elif self._agreed == (counter, self._root_of) and not told and not self._exchange.refused:
            # As with nearly every sign of life: all that follows from it is noted.
            self._exchange.wants.level()
            self._out.effects.append(_LEVEL)
        else:
            self._agreed = counter, self._root_of
            self.owes = False
            self._owes_level = bool(self._exchange.refused)
            known = self._known
            hints = self._told.hear(told, self._salt, known.mine, known.bodies, now) if told else ()
            if not self._owes_level:
                self._out.effects.append(Level(hints) if hints else _LEVEL)
            self._rhythm.news()
            self._exchange.rise()
            self._exchange.wants.level()
            self._known.agreed()
            memory = self._known.remember(counter, self._exchange.refused.values(), doubt=False)
            self.lifted = False
            if memory is not None:
                self._out.effects.append(Remember(memory))

    def _root(self) -> bytes:
        """Return what BEAT and BYE say: the root without the logs that either of us refuses."""
        refusals = self._exchange.refusals
        of = (self._holdings.journal(), self._known.sides, frozenset(refusals) if refusals else None)
        if of != self._root_of:
            self._root_of, self._root_was = of, self._reconcile.root(refusals)
        return self._root_was

    def _part(self) -> None:
        """End after BYE both ways."""
        if not self._equal:
            self._out.effects.append(Remember(self._known.doubt()))
        self._close("done", "nothing is left to ask")

    # --- Time -----------------------------------------------------------------------------------------

    def _tick(self, now: float) -> None:
        rhythm = self._rhythm
        rhythm.woke(now)
        for each in self._segments.overdue():
            self._block(each, now)
        if self.phase is Phase.GREETING:
            if rhythm.greeted_too_late(now):
                self._close(
                    "no-hello", f"the peer said no HELLO within {self._opened.nature.greeting:.0f} seconds"
                )
            return
        silence = rhythm.silent_for(now, self._brief)
        if silence is not None:
            self._close("silent", f"nothing came from the peer for {silence:.0f} seconds")
            return
        if self._exchange.wants.expire(now):
            self._out.effects.append(Did(Deed.UNSERVED))
        if self._comparison.awaits and rhythm.stuck(now):
            self._comparison.open(now)
        if not self._brief and now >= rhythm.beat_at:
            waits = bool(self._exchange.refused) and self._lift_due(now)
            self._say_beat(now, calm=self._equal and not waits)
        if not self._brief and rhythm.ask(now):
            self._say_beat(now, asks=True)

    def _lift_due(self, now: float) -> bool:
        """Ask again for what is refused no longer; return whether something is still refused until some time."""
        wall = self._opened.wall_ms + (now - self._rhythm.started) * 1000
        due = [each.log for each in self._exchange.refused.values() if 0 < each.until <= wall]
        if due and self._exchange.lift(due, now):
            self._comparison.open(now)
        return any(each.until for each in self._exchange.refused.values())

    # --- The end --------------------------------------------------------------------------------------

    def _say(self, messages: Iterable[Message]) -> None:
        for message in messages:
            self._out.say(message)

    def _close(self, code: str, reason: str, back_off: float = 0.0, again: float = 0.0) -> None:
        self.close_reason = reason
        self._out.effects.append(Close(code, reason, back_off, again))
        self._end()

    def _end(self) -> None:
        self.phase = Phase.OVER
        self._exchange.close()
