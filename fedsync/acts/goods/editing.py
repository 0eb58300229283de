"""Movements and counts as a table, edited by somebody, and what of it is to be written: what was changed, nothing else.

A row says in its first column which record it shows. Records never change, so what a row said before anybody edited it
is known exactly, whoever wrote what since. A changed movement becomes one that corrects it; a new row a new one.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from fractions import Fraction

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.cells import decimal_text, number, size_of, time_of
from fedsync.acts.goods.edits import HEAD_OF, Change, Plan
from fedsync.acts.goods.goodsnames import Names, normal
from fedsync.acts.goods.importing import WrongLine
from fedsync.acts.goods.ledger import Entry, content, ledger
from fedsync.acts.goods.measuring import Measures
from fedsync.acts.goods.recording import Line as GoodsLine
from fedsync.acts.goods.recording import LotNamed, WrongWord, check_line, reason_word
from fedsync.acts.goods.stewards import goods_log, write_goods
from fedsync.acts.goods.stockrows import HEADS, NEEDED, SHOWN_ONLY, Who, cells_of, row_id
from fedsync.doors import Door
from fedsync.errors import Problem
from fedsync.localunits import Measured
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, LogId, PayloadId, Scope
from fedsync.records.kinds.stock import COUNT, EVENT, PARSERS
from fedsync.records.seal import Draft
from fedsync.records.void import Void
from fedsync.spreadsheet import Line, Table
from fedsync.units import plain_unit


class Editing:
    """A table, read against what is recorded."""

    def __init__(
        self, reading: Reading, scope: Scope, own: Callable[[Entry], bool], now: int, who: Who
    ) -> None:
        """`own` says of an entry whether a record by whoever signs can take its place; `who` names an author."""
        self.ledger = ledger(reading, scope)
        self._scope = scope
        self._own, self._now, self._who = own, now, who
        self._names = Names(reading, self._scope, now)
        self._measures = Measures(reading, scope)
        self._by_row: dict[str, list[Entry]] = {}
        for entry in self.ledger.entries.values():
            self._by_row.setdefault(row_id(entry.ref), []).append(entry)
        self._recorded = {content(each.value) for each in self.ledger.standing()}

    def plan(self, table: Table, original: Table | None = None, again: bool = False) -> Plan:
        """Return what is to be written. `original`: the table before it was edited; what is gone since becomes zero.

        `again`: new rows are written also where the very same is recorded.
        """
        plan = Plan()
        seen: dict[str, int] = {}
        new: list[tuple[Line, Measured]] = []
        for line in table.lines:
            try:
                id_ = line.cells["id"]
                if not id_:
                    new.append((line, self._measured(line.cells, table.delimiter)))
                    continue
                if id_ in seen:
                    raise WrongWord("id", f"line {seen[id_]} is the same row", "")
                seen[id_] = line.number
                self._edited(plan, line, self._entry(id_), table)
            except Problem as problem:
                at = problem.field if isinstance(problem, WrongWord) else "quantity"
                plan.wrong.append(WrongLine(line.number, at, problem.message.rstrip(".")))
        self._new(plan, new, again)
        if original is not None:
            self._gone(plan, original, seen)
        plan.wrong.sort(key=lambda each: each.number)
        plan.made = self._names.made
        return plan

    def _entry(self, id_: str) -> Entry:
        found = self._by_row.get(id_, [])
        if len(found) != 1:
            raise WrongWord("id", f"no record of ours is called {id_}", "A new row has no id.")
        return found[0]

    def _edited(self, plan: Plan, line: Line, entry: Entry, table: Table) -> None:
        before = cells_of(self.ledger, entry, self._who)
        touched = {head for head in HEADS if line.cells.get(head, before[head]) != before[head]}
        for head in touched:
            if not is_plain(line.cells[head]):
                raise WrongWord(head, "it holds what is no letter or sign", "")
        value = dict(entry.value)
        if "at_utc" in touched:
            at = time_of(line.cells["at_utc"], entry.said.at)
            value["has_point_in_time"] = at
            if at == entry.said.at:
                touched.discard("at_utc")
        if touched & {"quantity", "unit", "item"}:
            measured = self._remeasured(line.cells, before, touched, entry, table.delimiter)
            quantity = measured.rounded(f"{line.cells['quantity']} {line.cells['unit']}")
            item = self._item_of(line.cells["item"], measured.unit, entry)
            if (quantity, item) == (entry.said.quantity, entry.said.item):
                touched -= {"quantity", "unit", "item"}
            else:
                value["quantity"], value["resource_conforms_to"] = quantity, item
                value.pop("stated", None)
                if measured.stated is not None:
                    value["stated"] = measured.stated.value
        if not touched:
            plan.same += 1
            return
        for head in SHOWN_ONLY:
            if head in touched:
                raise WrongWord(head, f"{head} is there to be read, and cannot be edited", "")
        self._words(value, line.cells, touched, entry)
        if not self._stands(plan, entry, value):
            return
        changes = tuple(
            (head, _shown(before, head), _shown(line.cells, head))
            for head in HEADS
            if head in touched and not (head == "unit" and "quantity" in touched)
        )
        plan.changes.append(self._change(line.number, entry, value, changes, {**before, **line.cells}))

    def _words(
        self, value: dict[str, Value], cells: Mapping[str, str], touched: set[str], entry: Entry
    ) -> None:
        """Put into a payload what was edited in the cells of a row that hold words."""
        if entry.is_count and touched - {"quantity", "unit", "note"}:
            head = min(touched - {"quantity", "unit", "note"})
            raise WrongWord(
                head, "a count stays where and when it was: only what was found can be mended", ""
            )
        if "action" in touched:
            if COUNT in (cells["action"], entry.kind):
                raise WrongWord("action", "a movement is no count", "")
            value["action"] = cells["action"]
        for head in touched & {"store", "to"}:
            _set(value, head, self._names.store(cells[head]) if cells[head] else None)
        if "lot" in touched:
            item = PayloadId(value["resource_conforms_to"])  # type: ignore[arg-type]
            _set(value, "lot", self._lot_id(cells["lot"], item) if cells["lot"] else None)
        for head in touched & {"reason", "note"}:
            _set(value, head, _word(head, cells[head]) or None)

    def _stands(self, plan: Plan, entry: Entry, value: dict[str, Value]) -> bool:
        """Say whether an edited row is to be written. Raises WrongWord where it was changed meanwhile, or is another's."""
        now = self.ledger.now(entry.ref)
        if now.ref != entry.ref:
            if content(now.value) == content(value):
                plan.same += 1
                return False
            raise WrongWord("id", "somebody corrected it meanwhile: export again, and edit that", "")
        if entry.is_count and not self._own(entry):
            raise WrongWord(
                "id", f"{self._who(entry.author)} counted that: count again, or ask them to mend it", ""
            )
        return True

    def _change(
        self,
        line: int,
        entry: Entry | None,
        value: dict[str, Value],
        changes: tuple[tuple[str, str, str], ...],
        cells: Mapping[str, str],
    ) -> Change:
        """Return a row that is to be written. Raises WrongWord when no record may say this."""
        kind = entry.kind if entry is not None else COUNT if cells["action"] == COUNT else EVENT
        if entry is not None and kind == EVENT:
            value["corrects"] = entry.ref.value
        try:
            PARSERS[kind](value, self._scope, self._now)
        except Void as void:
            raise WrongWord(HEAD_OF.get(void.code, "line"), void.sentence, "") from None
        return Change(line, kind, value, entry, changes, dict(cells))

    def _measured(self, cells: Mapping[str, str], delimiter: str) -> Measured:
        """Return what a new row's quantity comes to. Raises a Problem."""
        for head in NEEDED[1:]:
            if not cells[head]:
                raise WrongWord(head, "it is empty", "")
        amount = number(cells["quantity"], delimiter)
        place = cells.get("place") or cells["store"]
        return self._measures.resolve(cells["item"], decimal_text(amount), cells["unit"], place)

    def _remeasured(
        self,
        cells: Mapping[str, str],
        before: Mapping[str, str],
        touched: set[str],
        entry: Entry,
        delimiter: str,
    ) -> Measured:
        """Return what an edited row's quantity comes to. Raises a Problem."""
        for head in ("item", "quantity"):
            if not cells[head]:
                raise WrongWord(head, "it is empty", "")
        item = self.ledger.items.get(entry.said.item)
        amount = number(cells["quantity"], delimiter)
        if "unit" not in touched and item is not None:
            # As it was written here, whatever code a program elsewhere gave the unit.
            found = amount * size_of(before["unit"])
            if found.denominator != 1:
                raise WrongWord("quantity", f"it is not a whole number of {plain_unit(item.unit)}", "")
            return Measured(found, item.unit)
        return self._measures.resolve(
            cells["item"], decimal_text(amount), cells["unit"], cells.get("place") or cells["store"]
        )

    def _item_of(self, name: str, unit: str, entry: Entry) -> PayloadId:
        item = self.ledger.items.get(entry.said.item)
        return (
            entry.said.item
            if item and (item.name, item.unit) == (name, unit)
            else self._names.item(name, unit)
        )

    def _lot_id(self, code: str, item: PayloadId) -> PayloadId:
        found = [id_ for id_, lot in self.ledger.lots.items() if (lot.code, lot.item) == (normal(code), item)]
        if len(found) > 1:
            raise WrongWord("lot", f"there are {len(found)} lots {code}, good until different days", "")
        return found[0] if found else self._names.lot(code, None, item)

    def _new(self, plan: Plan, rows: list[tuple[Line, Measured]], again: bool) -> None:
        """Plan the new rows. What they come to is rounded together, item by item, so that no gram is lost in the sum."""
        sums: dict[tuple[str, str], Fraction] = {}
        for line, measured in rows:
            cells = line.cells
            key = cells["item"].casefold(), measured.unit
            before = sums.get(key, Fraction())
            sums[key] = before + measured.amount
            quantity = round(sums[key]) - round(before)
            try:
                at = time_of(cells["at_utc"]) if cells.get("at_utc") else self._now
                check_line(_goods_line(cells, measured, quantity, at), self._now)
                value = self._new_value(cells, measured, quantity, at)
                if not again and content(value) in self._recorded:
                    plan.there.append(line.number)
                    continue
                plan.changes.append(self._change(line.number, None, value, (), cells))
            except WrongWord as wrong:
                plan.wrong.append(WrongLine(line.number, wrong.field, wrong.message.rstrip(".")))

    def _new_value(
        self, cells: Mapping[str, str], measured: Measured, quantity: int, at: int
    ) -> dict[str, Value]:
        item = self._names.item(cells["item"], measured.unit)
        value: dict[str, Value] = {
            "quantity": quantity,
            "resource_conforms_to": item,
            "store": self._names.store(cells["store"]),
            "has_point_in_time": at,
        }
        if cells["action"] != COUNT:
            value["action"] = cells["action"]
        if cells.get("to"):
            value["to"] = self._names.store(cells["to"])
        if cells.get("lot"):
            value["lot"] = self._lot_id(cells["lot"], item)
        for head in ("reason", "note"):
            if cells.get(head):
                value[head] = _word(head, cells[head])
        if measured.stated is not None:
            value["stated"] = measured.stated.value
        return value

    def _gone(self, plan: Plan, original: Table, seen: Mapping[str, int]) -> None:
        """Plan what becomes of rows that the original has and the edited table has not: nothing moved then."""
        for line in original.lines:
            id_ = line.cells["id"]
            if not id_ or id_ in seen:
                continue
            try:
                entry = self._entry(id_)
                if entry.is_count:
                    raise WrongWord("id", "a count cannot be taken away: count again", "")
                now = self.ledger.now(entry.ref)
                if now.said.quantity == 0:
                    plan.same += 1
                    continue
                if now.ref != entry.ref:
                    raise WrongWord("id", "somebody corrected it meanwhile: export again, and edit that", "")
                value = {key: each for key, each in entry.value.items() if key != "stated"} | {"quantity": 0}
                before = cells_of(self.ledger, entry, self._who)
                change = ("quantity", _shown(before, "quantity"), f"0 {before['unit']}")
                found = self._change(line.number, entry, value, (change,), before)
                plan.changes.append(replace(found, gone=True))
            except WrongWord as wrong:
                plan.wrong.append(WrongLine(line.number, wrong.field, f"in the original: {wrong.message}"))


def write(
    author: Author, reading: Reading, door: Door, scope: Scope, planned: Callable[[int, LogId], Plan]
) -> tuple[Plan, list[Block]]:
    """Plan and write, all or nothing; in one go, so that nothing of ours comes between. Raises a Problem."""
    with author.writing():
        now = now_ms()
        plan = planned(now, _log(author, reading, scope))
        if plan.wrong or not plan.changes:
            return plan, []
        drafts = [*plan.made, *(Draft(each.kind, each.value, now) for each in plan.changes)]
        return plan, write_goods(author, reading, door, LogClass.FACTS, drafts, scope=scope)


def _log(author: Author, reading: Reading, scope: Scope) -> LogId:
    """Return the log that an author records movements in, else the one for counts. Raises a Problem (exit 7)."""
    try:
        return goods_log(author, reading, LogClass.FACTS, [EVENT], scope).log
    except Problem:
        return goods_log(author, reading, LogClass.FACTS, [COUNT], scope).log


def _set(value: dict[str, Value], key: str, to: Value) -> None:
    if to is None:
        value.pop(key, None)
    else:
        value[key] = to


def _shown(cells: Mapping[str, str], head: str) -> str:
    return f"{cells['quantity']} {cells['unit']}" if head == "quantity" else cells.get(head, "")


def _word(head: str, cell: str) -> str:
    """Return a reason or a note as records write it."""
    return reason_word(cell) if head == "reason" else normal(cell)


def _goods_line(cells: Mapping[str, str], measured: Measured, quantity: int, at: int) -> GoodsLine:
    lot = LotNamed(cells["lot"]) if cells.get("lot") else None
    return GoodsLine(
        cells["action"],
        cells["item"],
        quantity,
        measured.unit,
        cells["store"],
        at,
        cells.get("note", ""),
        to=cells.get("to", ""),
        lot=lot,
        reason=cells.get("reason", ""),
    )
