"""What a log holds of the rights to promise from an offer, and what spending from them is worth. Pure; see `escrow`."""

from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from fedsync.records.header import MAX_TIME
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.plans import Commitment, Grant, Intent, Release, TakeBack
from fedsync.records.kinds.refs import FactRef

VALID, PENDING, BEYOND, VOID, RELEASED = "valid", "pending", "beyond", "void", "released"
"""What a promise or grant is worth. Beyond: void, since its log had fewer rights. Released: was valid, and is over."""

Deed: TypeAlias = Intent | Grant | TakeBack | Commitment | Release


class Step(NamedTuple):
    """A record about an offer: its place, its claimed time in ms, and what it says. An intent: the offer itself."""

    log: LogId
    seq: int
    id: RecordId
    time: int
    said: Deed


class Verdict(NamedTuple):
    """What a step is worth, and the code of the reason."""

    status: str
    code: str


@dataclass(slots=True)
class Lot:
    """Rights that came in one piece. `source`: the record of the offer or grant. `expires` in ms."""

    source: RecordId
    left: int
    expires: int | None = None

    def usable(self, time: int) -> bool:
        """Say whether a record of this time may spend from it."""
        return self.left > 0 and (self.expires is None or time <= self.expires)


Drawn: TypeAlias = list[tuple[RecordId, int]]
"""From which lots something was spent, and how much from each."""


@dataclass(slots=True)
class Account:
    """What a log holds of the rights of one offer. Lots are added at the end, and stay when they are spent."""

    lots: list[Lot] = field(default_factory=list)
    stuck: int | None = None
    """The seq from which on it waits for something that is not held."""
    promised: int = 0
    granted: int = 0
    # Somebody may accept ten thousand grants, so what is spent of each is not looked for among all.
    _at: dict[RecordId, int] = field(default_factory=dict, init=False, repr=False, compare=False)
    """By source: which lot it is."""
    _unspent: list[tuple[int, int]] = field(default_factory=list, init=False, repr=False, compare=False)
    """Expiry and number of all lots of which something is left, and some of which nothing is, in the order of spending."""
    _noted: int = field(default=0, init=False, repr=False, compare=False)
    """How many lots are in both."""

    @property
    def left(self) -> int:
        """What is not spent, expired or not."""
        return sum(lot.left for lot in self.lots)

    def waits_by(self, seq: int) -> bool:
        """Say whether it waited already when it said this."""
        return self.stuck is not None and self.stuck <= seq

    def lot(self, source: RecordId) -> Lot | None:
        """Return the lot that came from a record, None when it was never accepted."""
        self._note()
        at = self._at.get(source)
        return None if at is None else self.lots[at]

    def draw(self, quantity: int, time: int) -> Drawn | None:
        """Spend; None when less than that is left."""
        self._note()
        first = last = bisect_left(self._unspent, (time, -1))
        parts: list[tuple[Lot, int]] = []
        while quantity and last < len(self._unspent):
            lot = self.lots[self._unspent[last][1]]
            if lot.left:
                parts.append((lot, min(lot.left, quantity)))
                quantity -= parts[-1][1]
            last += 1
        if quantity:
            return None
        for lot, part in parts:
            lot.left -= part
        self._unspent[first:last] = [each for each in self._unspent[first:last] if self.lots[each[1]].left]
        return [(lot.source, part) for lot, part in parts]

    def give_back(self, drawn: Drawn) -> None:
        """Undo a spending."""
        for source, part in drawn:
            lot = self.lot(source)
            assert lot is not None, "a lot that was spent from stays"
            lot.left += part
            place = _order(lot, self._at[source])
            at = bisect_left(self._unspent, place)
            if self._unspent[at : at + 1] != [place]:
                self._unspent.insert(at, place)

    def _note(self) -> None:
        for at in range(self._noted, len(self.lots)):
            self._at.setdefault(self.lots[at].source, at)
            insort(self._unspent, _order(self.lots[at], at))
        self._noted = len(self.lots)


def _order(lot: Lot, at: int) -> tuple[int, int]:
    """Return what lots are spent by: those that expire first, then in the order of acceptance."""
    return MAX_TIME + 1 if lot.expires is None else lot.expires, at


def spend(
    offer: Step, account: Account, step: Step, accepted: Callable[[FactRef], Lot | Verdict]
) -> tuple[Verdict, Drawn | None]:
    """Judge a promise or grant at the end of its log and change the account; also return what it is taken from.

    `accepted` says what a grant brings, a pending verdict when that is not known.
    """
    said = step.said
    assert isinstance(said, Grant | Commitment)
    if account.stuck is not None:
        return Verdict(PENDING, "rights-wait"), None
    brought = [accepted(ref) for ref in said.accepts if account.lot(ref.id) is None]
    wrong = [each for each in brought if isinstance(each, Verdict)]
    waiting = next((each for each in wrong if each.status == PENDING), None)
    if waiting is not None:
        account.stuck = step.seq
        return waiting, None
    if wrong:
        return wrong[0], None
    account.lots.extend(each for each in brought if isinstance(each, Lot))
    if isinstance(said, Commitment):
        assert isinstance(offer.said, Intent)
        if said.receiver == offer.said.provider:
            return Verdict(VOID, "promise-to-oneself"), None
        if offer.said.until is not None and step.time > offer.said.until:
            return Verdict(VOID, "offer-over"), None
    drawn = account.draw(said.quantity, step.time)
    if drawn is None:
        return Verdict(BEYOND, "beyond-rights"), None
    if isinstance(said, Commitment):
        account.promised += said.quantity
        return Verdict(VALID, "promise-stands"), drawn
    account.granted += said.quantity
    return Verdict(VALID, "rights-granted" if said.to is not None else "given-up"), drawn


def released(promise: Step, release: Step) -> Verdict:
    """Return what a promise is that was released in time, or after it was over."""
    assert isinstance(promise.said, Commitment)
    until = promise.said.until
    return Verdict(RELEASED, "expired" if until is not None and release.time > until else "withdrawn")
