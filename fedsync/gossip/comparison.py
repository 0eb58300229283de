"""The comparison of sets with one peer, as it goes: who opens it, what answers it, what of it is on its way. Pure.

`reconcile` works out what to say and what a word means; of what is on its way it knows nothing. Here stands what is still
awaited: a comparison of which a word was lost stands still, and the session opens it again.

After HELLOs of which the roots differ, whoever remembers the other and is remembered says DELTA, and the dialler, once
it has heard the other's, REST. Else the dialler opens with its sets, and the listener awaits them. Later whoever finds a
reason opens.
"""

from collections.abc import Callable
from typing import TypeAlias

from fedsync.gossip.exchange import Exchange
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.limits import MAX_BACKLOG
from fedsync.gossip.messages import Bodies, Delta, Message, Range, Rest, Sets, Spans
from fedsync.gossip.outbox import Outbox
from fedsync.gossip.reconcile import Reconcile
from fedsync.gossip.rhythm import Rhythm

Words: TypeAlias = Sets | Spans | Range | Delta | Rest
"""What both sides say of it."""


class Comparison:
    """One session's, over and over again. What it finds the peer to hold is claimed of the exchange."""

    __slots__ = ("_dialler", "_exchange", "_may", "_out", "_reconcile", "_rhythm", "awaits", "unsettled")

    def __init__(
        self,
        reconcile: Reconcile,
        exchange: Exchange,
        out: Outbox,
        rhythm: Rhythm,
        may: Callable[[SetKey], bool],
        dialler: bool,
    ) -> None:
        """`may`: whether both may hold a set. `dialler`: whether we are: where both could open it, only the dialler does."""
        self._reconcile, self._exchange, self._out, self._rhythm = reconcile, exchange, out, rhythm
        self._may, self._dialler = may, dialler
        self.awaits: set[type[Message]] = set()
        """What the peer is sure to say next of it, unless that is lost."""
        self.unsettled = False
        """Whether sets were compared since nothing was left to ask: what comes of it may still be on its way."""

    @property
    def under_way(self) -> bool:
        """Whether it is still being found out which logs differ, or what came of that is not settled."""
        return bool(self.awaits) or self.unsettled

    # --- Opening --------------------------------------------------------------------------------------

    def begin(self, since: int | None, alone: bool, told: bool, now: float) -> bool:
        """Begin after both HELLOs, whose roots differ; return whether blocks were sent that the peer did not ask for.

        `since`: up to where of ours the peer has seen us, when both remember each other. `alone`: it gets what is new from
        nobody else. `told`: it is sure to tell what it follows.
        """
        self.unsettled = True
        if since is not None:
            return self._say_delta(since, alone)
        if not self._dialler:
            self.awaits.add(Sets)
        elif told:
            # It comes at once, and what was compared before would be all that we hold.
            self.awaits.add(Bodies)
        else:
            self.open(now)
        return False

    def open(self, now: float, brief: bool = False) -> None:
        """Compare sets. `brief`: they may well be the same."""
        self.awaits.clear()
        self.unsettled = True
        self._rhythm.compared(now)
        self._out.say(self._reconcile.opening(brief))

    def _say_delta(self, since: int, alone: bool) -> bool:
        found = self._reconcile.delta(since, self._exchange.refused, alone)
        if found is None:
            self._out.say(self._reconcile.opening())
            return False
        self.awaits.add(Delta)
        if not self._dialler:
            self.awaits.add(Rest)
        unasked = False
        for message, blocks in found:
            self._out.say(message)
            for raw, priority in blocks:
                unasked = True
                self._out.frame(raw, priority, defer=True)
        return unasked

    # --- What the peer says of it ---------------------------------------------------------------------

    def hear(self, message: Words, now: float) -> None:
        """Answer what differs, and claim what the peer holds that we lack. Raises BadMessage.

        Whoever asks for more than it reads is not answered; sets will be compared again.
        """
        match message:
            case Delta():
                self._delta(message, now)
            case Rest(root):
                self.awaits.discard(Rest)
                if root != self._reconcile.rest():
                    self.open(now)
            case _ if self._out.backlog > MAX_BACKLOG:
                pass
            case Range():
                self._range(message, now)
            case Sets():
                self._sets(message)
            case Spans():
                self._spans(message)

    def _sets(self, message: Sets) -> None:
        self.awaits.clear()
        self.unsettled = True
        answers = self._reconcile.on_sets(message)
        self._exchange.same(self._reconcile.same(message))
        if not answers and not self._dialler and not message.first and not message.end:
            # Then it may be the peer who takes us to refuse what we hold: it sees from ours that we do not.
            answers = [self._reconcile.opening()]
        self._exchange.say(answers)

    def _spans(self, message: Spans) -> None:
        self.awaits.clear()
        self.unsettled = True
        answers, same = self._reconcile.on_spans(message)
        self._exchange.same(same)
        if not answers and not self._dialler:
            answers = [self._reconcile.opening(brief=True)]
        self._exchange.say(answers)

    def _range(self, message: Range, now: float) -> None:
        self.unsettled = True
        key = self._reconcile.set_of(message)
        if key is not None and self._may(key):
            answers, claims = self._reconcile.on_range(key, message)
            self._exchange.claim(claims, now)
            self._exchange.say(answers)

    def _delta(self, message: Delta, now: float) -> None:
        found = self._reconcile.on_delta(message)
        if found is None:
            self.open(now)
            return
        claims, refused = found
        self._exchange.refused_there(refused)
        self._exchange.claim(claims, now)
        if not message.more and Delta in self.awaits:
            self.awaits.discard(Delta)
            if self._dialler:
                self._out.say(Rest(self._reconcile.rest()))
