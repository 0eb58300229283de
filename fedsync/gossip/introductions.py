"""Nodes that one side of a session tells the other of. Pure."""

from fedsync.gossip.events import Introduced, Introducing
from fedsync.gossip.limits import MAX_INTRODUCED
from fedsync.gossip.messages import Introduce
from fedsync.gossip.outbox import Outbox


class Introductions:
    """Those of one session: ours go out once the peer has said HELLO, and of its own a few are heard."""

    def __init__(self, out: Outbox) -> None:
        self._out = out
        self._met = False
        self._waiting: list[Introducing] = []
        self._heard = 0

    def tell(self, each: Introducing) -> None:
        """Have the peer hear of a node."""
        if self._met:
            self._out.say(Introduce(each.node, each.name, each.addresses, each.scope, each.body))
        else:
            self._waiting.append(each)

    def meet(self) -> None:
        """Tell what waited for the peer's HELLO."""
        self._met = True
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self.tell(each)

    def hear(self, said: Introduce) -> None:
        """Take in what the peer tells of a node, unless it tells of too many."""
        self._heard += 1
        if self._heard <= MAX_INTRODUCED:
            self._out.effects.append(Introduced(said.node, said.name, said.addresses, said.scope, said.body))
