"""Blocks between us and one peer: what we ask and take, what we serve and push, what either refuses. Pure."""

from collections.abc import Callable, Container, Iterable
from dataclasses import dataclass

from fedsync.gossip.compare import compare
from fedsync.gossip.deeds import Deed
from fedsync.gossip.events import (
    Baseless,
    Declined,
    Did,
    Held,
    Known,
    Noted,
    Outcome,
    Parked,
    Pause,
    Peer,
    Resume,
    Stored,
    Struck,
    Take,
    Taken,
)
from fedsync.gossip.holdings import PENDING, TIP, Holdings, SetKey
from fedsync.gossip.limits import CREDIT_S, MAX_REFUSALS, MAX_TAKES, MAX_TAKES_BYTES
from fedsync.gossip.listing import Named, Salt, read_places, read_wanted
from fedsync.gossip.messages import (
    NOT_SERVED,
    UNKNOWN_BASE,
    BlockMessage,
    Locate,
    Message,
    NoBase,
    Prune,
    Refused,
    Tag,
    Tip,
    Want,
    decode,
    encode,
)
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.peer_memory import Refusal
from fedsync.gossip.priority import FIRST, of_log
from fedsync.gossip.push import Push
from fedsync.gossip.reconcile import Claim, lacks
from fedsync.gossip.segments import Ahead, Unread
from fedsync.gossip.serve import Server
from fedsync.gossip.tree import Tree
from fedsync.gossip.wants import Asked, State, Wants, Wish
from fedsync.records.block import BadBlock, peek
from fedsync.records.ids import LogId

THANKS_S = 10.0
"""Between two signs that a peer does well, in seconds: scores count no more of them."""


@dataclass(slots=True)
class _Take:
    """A block that waits at the door."""

    log: LogId
    wish: Wish | None
    pushed: bool
    first: int
    last: int
    size: int


class Exchange:
    """The blocks of one session."""

    def __init__(
        self,
        holdings: Holdings,
        salt: Salt,
        asked: Asked,
        tree: Tree,
        out: Outbox,
        may: Callable[[SetKey], bool],
        credit: float = CREDIT_S,
    ) -> None:
        """`credit`: seconds without any block, until what the peer was asked for goes to the back."""
        self.listed: dict[bytes, LogId] = {}
        self.wants = Wants(holdings, salt, asked, tree, credit)
        self.server = Server(holdings, salt, self.listed, may, out.costs)
        self.push = Push(holdings, salt, self.listed)
        self.strikes = 0
        self.fault = ""
        """What the last strike was for."""
        self.refused: dict[LogId, Refusal] = {}
        """Logs of the peer's that we do not take."""
        self.refused_by_peer: set[LogId] = set()
        self.level = False
        """Whether the peer is taken to hold what we held at some moment, so that new blocks fit."""
        self._holdings, self._salt, self._out, self._may = holdings, salt, out, may
        self._tree = tree
        self._again: dict[LogId, Claim] = {}
        self._takes: dict[int, _Take] = {}
        self._bytes = 0
        self._number = 0
        self._paused = False
        self._thanks_at = 0.0

    def greet(self, refused: Iterable[Refusal]) -> None:
        """Begin, now that logs can be named. `refused`: what is still refused of the peer."""
        self.listed.clear()
        self.refused = {each.log: each for each in refused}

    # --- The tree -------------------------------------------------------------------------------------

    def rise(self) -> None:
        """Note that the peer holds what we hold: from now on blocks are pushed to it, or told of."""
        if not self.level:
            self.level = True
            if self._tree.join(self.push):
                self._prune()

    def on_prune(self) -> None:
        """Tell the peer of tips only, unless that leaves us without anybody who pushes to us."""
        self.push.eager = False
        if self._tree.bare:
            self.graft()

    def graft(self) -> None:
        """Have the peer push to us, and push to it."""
        if self.level:
            self.push.eager = True
            self._out.say(Want(b""))

    def _prune(self) -> None:
        self.push.eager = False
        self._out.say(Prune())

    def close(self) -> None:
        """Let others ask for what was asked here, and push what was pushed here."""
        self.wants.close()
        self._tree.leave(self.push)

    # --- Asking ---------------------------------------------------------------------------------------

    def claim(self, claims: Iterable[Claim], now: float, delay: float = 0.0) -> None:
        """Want what the peer claims to hold, but what we refuse."""
        for claim in claims:
            if claim.log is not None and claim.set is not None:
                # Both hold it: when we tell it where our chain leaves its own, it may ask for ours.
                self.listed.setdefault(claim.short, claim.log)
            if claim.log is not None and claim.log in self.refused:
                self._again[claim.log] = claim
            else:
                self.wants.add(claim, now, delay)

    def on_tip(self, message: Tip, now: float, others: bool) -> None:
        """Want what a tip tells of, a little later when others may push it."""
        log = message.log
        if log in self.refused_by_peer:
            # Whoever tells of a log takes it: it may have missed what came meanwhile.
            self.refused_by_peer.discard(log)
            self.push.tell(log)
        theirs = (Named(message.kind, message.seq, message.short if message.kind != 1 else b""),)
        held = self._holdings.log(log)
        if held is not None and not self._may(held.set):
            return  # Our question would say how much of it there is.
        verdict = compare(log, held, theirs, self._salt, self._holdings)
        if verdict.want:
            short, key = self._salt.log(log), held.set if held else None
            urgent = lacks(held, message.urgent, verdict)
            claim = Claim(short, log, key, theirs, verdict, urgent=urgent)
            self.claim([claim], now, self._tree.patience if others and not urgent else 0.0)
        elif message.kind == PENDING and verdict.ahead:
            # It waits for a record that was named: it asks for the branch of ours once it hears of it.
            self.tell(log)

    def on_no_base(self, message: NoBase, now: float) -> list[Message]:
        """Ask with a locator, or put the log to the back."""
        wish = self.wants.get(message.short)
        if wish is None:
            return []
        if message.why == UNKNOWN_BASE and not wish.located and wish.state is State.ASKED:
            return self.wants.locate(wish)
        if message.why == NOT_SERVED:
            self.wants.unserved_now(wish, now)
            return []
        self.wants.ended(wish)
        return self.wants.settle(wish, now)

    # --- Taking ---------------------------------------------------------------------------------------

    def on_block(self, message: BlockMessage, now: float) -> None:
        """Bring a block to the door."""
        try:
            head = peek(message.raw)
        except BadBlock as error:
            self.strike(error.code)
            return
        wish = self.wants.arrived(head.log, now)
        if wish is not None and not message.pushed:
            wish.takes += 1
            if message.last:
                self.wants.ended(wish)
        self._number += 1
        size = len(message.raw)
        last = head.first + head.count - 1
        self._takes[self._number] = _Take(head.log, wish, message.pushed, head.first, last, size)
        self._bytes += size
        self._out.effects.append(Take(self._number, message.raw))
        if not self._paused and (len(self._takes) >= MAX_TAKES or self._bytes >= MAX_TAKES_BYTES):
            self._paused = True
            self._out.effects.append(Pause(None))

    def on_ahead(self, block: Ahead, now: float) -> None:
        """A block waits for the one before it: ask for what lies between, unless that waits at the door."""
        if not any(each.log == block.log for each in self._takes.values()):
            self._astray(_Take(block.log, None, True, block.seq, block.seq, 0), now)

    def on_unread(self, block: Unread, now: float) -> None:
        """A block has come that cannot be read: ask for it again, from where we stand."""
        if not block.pushed:
            self.wants.again(block.log)
        elif block.log is not None:
            self._astray(_Take(block.log, None, True, block.seq + 1, block.seq + 1, 0), now)

    def on_taken(self, event: Taken, now: float, others: bool) -> None:
        """Go on after the door's answer."""
        take = self._takes.pop(event.number, None)
        if take is None:
            return
        self._bytes -= take.size
        if self._paused and len(self._takes) <= MAX_TAKES // 2 and self._bytes <= MAX_TAKES_BYTES // 2:
            self._paused = False
            self._out.effects.append(Resume())
        wish = None if take.pushed else take.wish
        if wish is not None:
            wish.takes -= 1
        self._judge(event.outcome, take, now, others)
        if wish is not None:
            self.say(self.wants.settle(wish, now))

    def _judge(self, outcome: Outcome, take: _Take, now: float, others: bool) -> None:
        match outcome:
            case Held(fault=fault):
                self._let_in(take.log)
                self._thank(now)
                if take.pushed:
                    self.push.proven = True
                    self._tree.pushed()
                if fault:
                    self.strike("signature")
                if take.wish is not None and take.wish.state is State.WAITING:
                    self.wants.noticed(take.log, now)
            case Known():
                if take.pushed:
                    self._tree.late(take.log, now)
                    # What goes first goes to all, so that it came twice is nobody's fault.
                    if others and not self.push.eager and not self._goes_first(take):
                        self._out.effects.append(Did(Deed.COPY))
                if (
                    take.pushed
                    and others
                    and self.push.eager
                    and not self._asked_for(take)
                    and not self._goes_first(take)
                ):
                    self._prune()
            case Struck(code):
                self.strike(code)
                if take.wish is not None:
                    self.wants.unserved_now(take.wish, now)
            case Parked(code, until) | Declined(code, until):
                self._refuse(Refusal(take.log, code, until), take.wish)
            case Baseless():
                self._astray(take, now)

    def _astray(self, take: _Take, now: float) -> None:
        """A block does not fit what we hold: ask for what lies between."""
        if take.wish is not None and not take.pushed:
            if take.wish.state is State.ENDED and not take.wish.takes and not take.wish.located:
                self.say(self.wants.locate(take.wish))
            return
        held = self._holdings.log(take.log)
        theirs = (Named(TIP, take.last, b""),)
        verdict = compare(take.log, held, theirs, self._salt, self._holdings)
        if verdict.want and (held is None or self._may(held.set)):
            short, key = self._salt.log(take.log), held.set if held else None
            # What is pushed to us though it does not fit is urgent, if it is worth anything.
            self.claim([Claim(short, take.log, key, theirs, verdict, urgent=True)], now)

    def _asked_for(self, take: _Take) -> bool:
        """Say whether we asked this peer for the log of a block: then it is no wonder that it came twice."""
        return take.wish is not None and take.wish.state in (State.ASKED, State.ENDED)

    def _goes_first(self, take: _Take) -> bool:
        """Say whether a block goes to all peers at once: that it came twice is no waste then."""
        held = self._holdings.log(take.log)
        return held is not None and of_log(held, take.first - 1) == FIRST

    def _refuse(self, refusal: Refusal, wish: Wish | None) -> None:
        if self.refused.get(refusal.log) != refusal:
            if len(self.refused) < MAX_REFUSALS or refusal.log in self.refused:
                self.refused[refusal.log] = refusal
            self._out.say(Refused(refusal.log, refusal.code, refusal.until))
            self._out.effects.append(Noted(refusal.log, refusal.code, refusal.until, True))
        if wish is not None:
            if refusal.log in self.refused:
                self._again[refusal.log] = Claim(
                    wish.short,
                    refusal.log,
                    wish.set,
                    wish.theirs,
                    compare(refusal.log, None, wish.theirs, self._salt, self._holdings),
                )
            self.wants.refused(wish)

    def lift(self, logs: Iterable[LogId], now: float) -> bool:
        """Ask again for what was refused of these logs; return whether sets have to be compared for it."""
        unseen = False
        for log in list(logs):
            self.refused.pop(log, None)
            claim = self._again.pop(log, None)
            unseen = unseen or claim is None
            if claim is not None:
                verdict = compare(log, self._holdings.log(log), claim.theirs, self._salt, self._holdings)
                if verdict.want:
                    self.wants.add(Claim(claim.short, log, claim.set, claim.theirs, verdict), now)
                else:
                    # What was parked has come in already. The peer will push again when it hears of it.
                    self.push.tell(log)
        return unseen

    def _let_in(self, log: LogId) -> None:
        """Note that a log is taken: the peer takes it to be refused until it hears of it, whoever brought it."""
        if self.refused.pop(log, None) is not None:
            self._again.pop(log, None)
            self.push.tell(log)

    def _thank(self, now: float) -> None:
        """Say that the peer did well, now and then: each time would say no more."""
        if now >= self._thanks_at:
            self._thanks_at = now + THANKS_S
            self._out.effects.append(Did(Deed.NEW))

    def strike(self, code: str) -> None:
        """Count a block that deserved nothing."""
        self.strikes += 1
        self.fault = code
        self._out.effects.append(Did(Deed.STRIKE))

    @property
    def refusals(self) -> set[LogId]:
        """The logs that either side refuses: they are left out when what both hold is compared."""
        return self.refused_by_peer.union(self.refused) if self.refused else self.refused_by_peer

    @property
    def taking(self) -> int:
        """How many blocks wait at the door."""
        return len(self._takes)

    @property
    def taking_bytes(self) -> int:
        """How many bytes these have."""
        return self._bytes

    # --- Serving --------------------------------------------------------------------------------------

    def on_want(self, message: Want) -> int:
        """Serve what the peer asks for; return how many logs these are. Raises BadMessage."""
        wanted = read_wanted(message.listing)
        for short, base in wanted:
            log = self.server.log(short)
            if log is not None:
                self.refused_by_peer.discard(log)
            self._answer(short, self.server.want(short, None if base is None else [base]))
        return len(wanted)

    def on_locate(self, message: Locate, now: float) -> None:
        """Serve each chain from where it leaves the peer's; want what the peer has beyond. Raises BadMessage."""
        named = read_places(message.places)
        self._answer(message.short, self.server.want(message.short, named, located=True))
        log = self.server.log(message.short)
        held = self._holdings.log(log) if log else None
        if log is None or held is None or not named or not self._may(held.set):
            return
        theirs = (max(named, key=lambda each: each.seq),)
        verdict = compare(log, held, theirs, self._salt, self._holdings)
        if verdict.want:
            self.claim([Claim(message.short, log, held.set, theirs, verdict)], now)

    def on_refused(self, message: Refused) -> None:
        """Serve and push no more of a log that the peer does not take."""
        self.refused_there([message.log])
        self.server.drop(message.log)
        self.push.forget(message.log)
        self._out.effects.append(Noted(message.log, message.code, message.until, False))

    def refused_there(self, logs: Iterable[LogId]) -> None:
        """Note logs that the peer does not take, as many as are kept in mind."""
        for log in logs:
            if len(self.refused_by_peer) < MAX_REFUSALS:
                self.refused_by_peer.add(log)

    def withhold(self) -> None:
        """Tell and send no more of what the peer may not have any longer. What is being served looks for itself."""
        for log in self.push.logs:
            if not self._may_have(log):
                self.push.forget(log)
        # What follows a DELTA waits for room as it was made.
        withdrawn: dict[LogId, None] = {}

        def unwanted(frame: bytes) -> bool:
            message = decode(frame) if frame[1] == Tag.BLOCK else None
            log = peek(message.raw).log if isinstance(message, BlockMessage) else None
            if log is None or self._may_have(log):
                return False
            withdrawn[log] = None
            return True

        self._out.withdraw(unwanted)
        self.say(NoBase(self._salt.log(log), NOT_SERVED) for log in withdrawn)

    def _may_have(self, log: LogId) -> bool:
        """Say whether a log is held, and the peer may hold it too."""
        held = self._holdings.log(log)
        return held is not None and self._may(held.set)

    def same(self, sets: Container[SetKey]) -> None:
        """Note that the peer holds all of these sets: what it refused of them once, it has taken, and we missed it."""
        for log in list(self.refused_by_peer):
            held = self._holdings.log(log)
            if held is not None and held.set in sets:
                self.refused_by_peer.discard(log)

    def on_stored(self, event: Stored, peer: Peer, live: bool, now: float) -> None:
        """Tell the peer of what was stored, if it does not know and may."""
        # What an answer names and we never named is taken to be unknown here: see Reconcile.
        self.listed.setdefault(self._salt.log(event.log), event.log)
        self.wants.noticed(event.log, now)
        self._let_in(event.log)
        # Whoever brought a block knows of it, but not that it forks what was held here.
        if not live or (event.origin == peer and event.fork is None):
            return
        if event.log in self.refused_by_peer:
            return
        held = self._holdings.log(event.log)
        if held is None or not self._may(held.set):
            return
        turn = of_log(held, peek(event.raw).first - 1 if held.urgent is not None else -1)
        if self.server.serving(event.log):
            self.server.hurry(event.log)
            return
        fits = self.level and self.push.eager and event.fork is None and self._out.room > 0
        # What is urgent goes to all at once, whatever else they have yet to get: if it does not fit there, they ask.
        first = turn == FIRST and self._out.pressing and event.origin != peer
        if first or (fits and not self._out.waiting):
            self._out.frame(encode(self.push.block(event.log, event.raw)), turn)
        else:
            self.push.tell(event.log, turn == FIRST)

    def on_pinned(self, log: LogId, now: float) -> None:
        """Tell the peer where a log stands whose tip was named: it may hold that, or wait for it."""
        self.wants.noticed(log, now)
        self.tell(log)

    def on_hurried(self, log: LogId) -> None:
        """Let what the peer is still to hear or to get of a log go before all else."""
        self.push.hurry(log)
        self.server.hurry(log)

    def tell(self, log: LogId, base: int | None = None) -> None:
        """Tell the peer where a log stands, if both may hold it and nobody refuses it. What is above `base` is new."""
        held = self._holdings.log(log)
        if held is not None and log not in self.refused_by_peer and self._may(held.set):
            self.push.tell(log, base is not None and of_log(held, base) == FIRST)

    def _answer(self, short: bytes, answer: NoBase | None) -> None:
        if answer is not None:
            self._out.say(answer)

    # --- The carrier ----------------------------------------------------------------------------------

    def say(self, messages: Iterable[Message]) -> None:
        """Send messages."""
        for message in messages:
            self._out.say(message)

    def flush(self, now: float) -> None:
        """Ask for what is wanted, and send what the carrier has room for."""
        push = self.push
        if self.wants.waiting:
            for question in self.wants.ask(now):
                self._out.say(question)
                # Who is asked for a block pushes what follows, and is pushed to.
                push.eager = True
        if not (push.due or push.first or self.server.jobs or self._out.deferred):
            return  # As after each sign of life: it is settled.
        while self._out.pressing and (self.push.pressing or self.server.pressing):
            if self.push.pressing:
                self._tips()
            elif (urgent := self.server.next(first=True)) is not None:
                self._out.frame(encode(urgent[1]), urgent[0])
        while self._out.flush():
            if self.push.busy:
                self._tips()
                continue
            found = self.server.next()
            if found is None:
                return
            self._out.frame(encode(found[1]), found[0])

    @property
    def settled(self) -> bool:
        """Whether nothing waits to be told or served."""
        push = self.push
        return not (push.due or push.first or self.server.jobs or self._out.deferred)

    def _tips(self) -> None:
        priority, tips = self.push.next()
        for tip in tips:
            self._out.say(tip, priority)

    @property
    def idle(self) -> bool:
        """Whether nothing is asked, taken, told or served any more."""
        return not (self._takes or self.wants.open) and self.settled
