"""What is made of the records of each class of logs of which a part counts: several rooms read them side by side. Pure."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

from fedsync.crdt.goods import facts
from fedsync.crdt.goods.stock import Stock
from fedsync.crdt.goods.transfers import Transfers
from fedsync.crdt.logs.counting import Contents
from fedsync.crdt.plans.agreements import Agreements
from fedsync.crdt.plans.promises import Promises
from fedsync.crdt.view import Draft
from fedsync.crdt.work import hours, rota
from fedsync.crdt.work.bookings import Bookings
from fedsync.crdt.work.lending import Loans
from fedsync.records.block import Block
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import LogClass


class Room(Protocol):
    """One matter in the logs of a class; it reads the kinds of records that it knows and passes over all others."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """As of a `Content`: the records of a block from seq `first` up to, not including, `stop` count."""
        ...

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """As of a `Content`: nothing of a log counts, of which something did."""
        ...


@runtime_checkable
class Watching(Protocol):
    """A room in which what a log says may hang on how much of another log counts."""

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """As of a `Content`: something else counts of a log, and all that does is taken."""
        ...


class Together:
    """The content that several rooms make of the logs of one class, each by itself and in this order."""

    def __init__(self, why_inert: Callable[[Genesis], str | None], *rooms: Room) -> None:
        self._why_inert, self._rooms = why_inert, rooms

    def why_inert(self, genesis: Genesis) -> str | None:
        """Return why no record of a log can count; None when they can."""
        return self._why_inert(genesis)

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Have each room take a stretch of a block."""
        for room in self._rooms:
            room.take(draft, block, first, stop)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Have each room take out a log."""
        for room in self._rooms:
            room.take_out(draft, genesis)

    def changed(self, draft: Draft, genesis: Genesis) -> None:
        """Tell the rooms that have to know."""
        for room in self._rooms:
            if isinstance(room, Watching):
                room.changed(draft, genesis)


def why_inert_plans(genesis: Genesis) -> str | None:
    """Return why no record of a log counts as a plan of its body; None when they can."""
    if genesis.log_class is not LogClass.PLANS:
        return "its log is not one for plans"
    if genesis.capacity != SEAT and genesis.mandate is None:
        return "its log speaks neither for a seat nor under a mandate"
    return None


CONTENTS: Contents = {
    LogClass.PLANS: Together(why_inert_plans, Promises(), Agreements(), rota.Rota(), Bookings(), Transfers()),
    LogClass.FACTS: Together(facts.why_inert, Stock(), hours.Hours(), Loans(), Transfers()),
}
