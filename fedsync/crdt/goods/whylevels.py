"""Why so much lies somewhere: the sums, what came late, what was put right, what cannot be. Reads a view, changes nothing."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fedsync.crdt.goods.history import Found, History, Moved, history
from fedsync.crdt.goods.levels import Reader, StockLevel
from fedsync.crdt.goods.tables import BALANCES, Balance, balance
from fedsync.records.ids import RecordId

READ_BACK = 2_000
"""Movements that are read back to say why: of a store with more between two counts, the newest."""
SHOWN = 5
"""Movements of one sort that are told one by one."""


@dataclass(frozen=True, slots=True)
class Words:
    """How times and quantities are written."""

    day: Callable[[int], str]
    amount: Callable[[int, str], str]


def why_stock(
    view: Reader,
    level: StockLevel,
    day: Callable[[int], str],
    amount: Callable[[int, str], str] = lambda quantity, unit: f"{quantity} {unit}",
) -> list[str]:
    """Return lines that say how a level comes about. `day` writes a time in ms, `amount` a quantity."""
    row = view.get(BALANCES, level.key)
    if row is None:
        return [f"Nothing is known of {level.item} in {level.store}."]
    told = _Told(level, balance(row), Words(day, amount))
    past = history(view, level.key, READ_BACK, told.now.before_at)
    return [*told.sums(), *told.past(past), *told.rivals(past), *told.rest()]


class _Told:
    """One pool, in words."""

    def __init__(self, level: StockLevel, now: Balance, words: Words) -> None:
        self.level, self.now, self._words = level, now, words

    def amount(self, quantity: int) -> str:
        return self._words.amount(quantity, self.level.unit)

    def sums(self) -> Iterator[str]:
        """Say what the number is made of."""
        now, day = self.now, self._words.day
        if now.counted_at is None or now.counted is None or now.unexplained is None:
            yield f"{self.amount(now.on_hand)} = {_movements(now.events)}; nobody has counted yet."
            return
        yield f"{self.amount(now.on_hand)} = count of {day(now.counted_at)}, {self.amount(now.counted)}, {self._plus(now.after)} since."
        before = "an empty store"
        if now.before_at is not None and now.before is not None:
            before = f"count of {day(now.before_at)}, {self.amount(now.before)},"
        expected = f"{before} {self._plus(now.between)} until then"
        if now.unexplained == 0:
            yield f"The count agrees with the records: {expected}."
        else:
            yield f"The count found {self._off(now.unexplained)} than the records explain: {expected}."

    def past(self, past: History) -> Iterator[str]:
        """Say what came late, what was put right, and what the counts name."""
        moves = [each for each in past.entries if isinstance(each, Moved)]
        yield from self._late(past, moves)
        standing = {each.id: each for each in moves}
        yield from self._several(
            [each for each in moves if each.by is not None],
            lambda each: self._put_right(each, standing),
            "movements were put right",
        )
        yield from self._several(
            [each for each in moves if each.named and each.by is None],
            lambda each: (
                f"{self._went(each)} is {'before' if each.named == 'included' else 'after'} the count, as who counted says"
            ),
            "movements are named by the count",
        )
        began = self.now.before_at
        if past.left_out and (began is None or not past.entries or past.entries[0].at > began):
            yield f"{past.left_out:,} older movements were not looked at for this: fedsync stock history has them."

    def _put_right(self, moved: Moved, standing: dict[RecordId, Moved]) -> str:
        by = moved.by or b""
        new = standing.get(RecordId(by))
        what = "put right"
        if new is not None:
            what = f"put right to {self._went(new)}" if new.delta else "put right: it never happened"
        others = ", and differently by others" if moved.rivals else ""
        return f"{self._went(moved)}: {what} (record {by.hex()[:8]}{others})"

    def _late(self, past: History, moves: list[Moved]) -> Iterator[str]:
        """Say which movements from before the last count were recorded after it."""
        count = next(
            (
                each
                for each in past.entries
                if isinstance(each, Found) and each.holds and each.at == self.now.counted_at
            ),
            None,
        )
        if count is None or self.now.unexplained is None:
            return
        began = self.now.before_at
        before = [
            each
            for each in past.entries[: past.entries.index(count)]
            if isinstance(each, Moved) and (began is None or each.at > began)
        ]
        recorded = {each.id: each.recorded for each in moves}
        late = [each for each in before if each.by is None and each.recorded > count.recorded]
        # What was put right since stood as it was when the count was made.
        stood = [
            each
            for each in before
            if each.by is not None
            and each.recorded <= count.recorded < recorded.get(each.by, count.recorded + 1)
        ]
        put_right = {each.by for each in stood}
        yield from self._several(
            [each for each in late if each.id not in put_right],
            lambda each: (
                f"{self._went(each)} {'were' if abs(each.delta) != 1 else 'was'} recorded on {self._words.day(each.recorded)}, after that count"
            ),
            "movements from before the count were recorded after it",
        )
        then = self.now.unexplained + sum(each.delta for each in late) - sum(each.delta for each in stood)
        if then != self.now.unexplained:
            was = (
                f"{self._off(then)} was there than was recorded"
                if then
                else "all was there that was recorded"
            )
            left = f"{self._off(self.now.unexplained)}" if self.now.unexplained else "nothing"
            yield f"When it was counted, {was}; what was recorded since leaves {left} to explain. What lies there now is as counted."

    def _several(self, found: list[Moved], one: Callable[[Moved], str], many: str) -> Iterator[str]:
        for each in found[-1 : -SHOWN - 1 : -1]:
            yield f"{one(each)}."
        rest = found[:-SHOWN]
        if rest:
            total = sum(each.delta for each in rest)
            yield f"{len(rest):,} more {many}: {self._plus(total)} in all."

    def rivals(self, past: History) -> Iterator[str]:
        """Say who else counted at the moment of the last count."""
        if not self.now.contested:
            return
        same = [
            each
            for each in past.entries
            if isinstance(each, Found) and each.at == self.now.counted_at and (each.holds or each.rivals)
        ]
        same.sort(key=lambda each: each.id)
        found = ", ".join(f"{self.amount(each.quantity)} (record {each.id.hex()[:8]})" for each in same)
        yield f"Contested: different people counted at that moment: {found}. The last of these is used meanwhile; count again to settle it."

    def rest(self) -> Iterator[str]:
        """Say what is the community's elsewhere, and what cannot be."""
        now = self.now
        if now.apart > 0:
            yield f"By right {self.amount(now.accounting)} are the community's, of which {self.amount(now.apart)} are elsewhere."
        elif now.apart:
            yield f"By right {self.amount(now.accounting)} are the community's: {self.amount(-now.apart)} lie here that nobody has made over to it."
        if self.level.local:
            yield "It is kept on our own nodes and added up by itself: others see nothing of it, and it is no part of what they see."
        if self.level.below_zero:
            yield "Less than nothing can't lie in a store: a movement was not recorded, or recorded twice. Count it."

    def _went(self, moved: Moved) -> str:
        word = "left" if moved.delta < 0 else "came"
        return f"{self.amount(abs(moved.delta))} that {word} on {self._words.day(moved.at)}"

    def _plus(self, quantity: int) -> str:
        return f"{'-' if quantity < 0 else '+'} {self.amount(abs(quantity))}"

    def _off(self, quantity: int) -> str:
        return f"{self.amount(abs(quantity))} {'more' if quantity > 0 else 'less'}"


def _movements(number: int) -> str:
    return "1 movement" if number == 1 else f"{number:,} movements"
