"""Movements and counts of goods: stores and items are made by name at first use."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.goodsnames import Names, normal
from fedsync.acts.goods.stewards import goods_log, write_goods
from fedsync.crdt.goods.levels import LotNamed as LotNamed
from fedsync.crdt.goods.tables import COUNTS
from fedsync.crdt.realms import realm_of
from fedsync.doors import Door
from fedsync.errors import Exit, Problem, refused
from fedsync.localunits import Stated
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.block import Block, Record
from fedsync.records.codec import Value
from fedsync.records.ids import NO_LOT, LogClass, Reach, Scope
from fedsync.records.kinds.actions import ACTIONS, SIGNS, TWO_STORES
from fedsync.records.kinds.goods import MAX_AHEAD_MS, MAX_NAME_CHARS, MAX_NAMED
from fedsync.records.kinds.parties import MAX_NOTE_CHARS, MAX_QUANTITY, REASONS
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import Draft

ONE_LINE = "Type one line of plain text."
COUNT = "count"
"""What stands in a movement's place for a count."""
TAKEN = frozenset({"consume", "use", "lower", "pickup", "accept", "combine"} | TWO_STORES) - {"copy"}
"""Actions that take goods from where they lie: a lot that they name is one that somebody has told of."""
MADE = {"store": "store", "resource_specification": "item", "batch_lot_record": "lot"}
"""Kinds of records that name something, and what that is."""


@dataclass(frozen=True, slots=True)
class Line:
    """One movement or count as somebody states it. `quantity` in base units of `unit`, `at` in ms.

    `to`: the second store, where there is one. `corrects`: the movement that this one stands in place of. `includes`,
    `excludes`: movements that a count names as before it, or after it. `stated`: how the quantity was said.
    """

    action: str
    item: str
    quantity: int
    unit: str
    store: str
    at: int
    note: str = ""
    stated: Stated | None = None
    to: str = ""
    lot: LotNamed | None = None
    reason: str = ""
    corrects: FactRef | None = None
    includes: tuple[FactRef, ...] = ()
    excludes: tuple[FactRef, ...] = ()


class WrongWord(Problem):
    """A word of a line that cannot be; `field` is which."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__("usage", message, hint, Exit.USAGE)
        self.field = field


def check_line(line: Line, now: int) -> None:
    """Raise WrongWord (exit 2) that says which word of the line cannot be."""
    if line.action != COUNT:
        check_action(line.action, line.to)
    check_name("item", line.item)
    check_name("store", line.store)
    if line.to:
        check_name("store", line.to)
    if line.lot is not None:
        check_name("lot", line.lot.code)
    if line.to and normal(line.to).casefold() == normal(line.store).casefold():
        raise WrongWord("to", f"It lies in {line.store} already.", "Name two different stores.")
    if not 0 <= line.quantity <= MAX_QUANTITY:
        raise WrongWord(
            "quantity",
            "A quantity is zero or more, and at most 9,007,199,254,740,992 of its unit.",
            "Less than nothing is no quantity: record what went out with fedsync stock use.",
        )
    check_note(line.note)
    check_reason(line)
    check_time(line.at, now)
    check_named(line)


def check_named(line: Line) -> None:
    """Raise WrongWord (exit 2) unless a count says one thing of each movement that it names."""
    if both := set(line.includes) & set(line.excludes):
        named = ", ".join(sorted(each.id.hex()[:8] for each in both))
        raise WrongWord(
            "include",
            f"{named} can't have moved before this count and after it.",
            "Name it with --include, or with --exclude.",
        )
    if max(len(line.includes), len(line.excludes)) > MAX_NAMED:
        raise WrongWord(
            "include",
            f"A count names {MAX_NAMED} movements at most on each side.",
            "Say of the others when they happened: fedsync stock correct RECORD --at TIME --as NAME",
        )


def check_name(what: str, text: str) -> None:
    """Raise WrongWord (exit 2) unless an item, a store or a lot can be called so."""
    if not text.strip():
        raise WrongWord(what, f"The {what} has no name.", f"Type what the {what} is called.")
    # Measured as it is written: what was typed in another form may grow.
    if len(normal(text)) > MAX_NAME_CHARS:
        raise WrongWord(
            what, f"The name of the {what} is longer than {MAX_NAME_CHARS} letters.", "Shorten it."
        )
    if not is_plain(text):
        raise WrongWord(what, f"The name of the {what} holds what is no letter or sign.", ONE_LINE)


def check_note(note: str) -> None:
    """Raise WrongWord (exit 2) unless this can stand beside a movement or count."""
    if len(unicodedata.normalize("NFC", note)) > MAX_NOTE_CHARS:
        raise WrongWord("note", f"The note is longer than {MAX_NOTE_CHARS} letters.", "Shorten it.")
    if not is_plain(note):
        raise WrongWord("note", "The note holds what is no letter or sign.", ONE_LINE)


def check_time(at: int, now: int) -> None:
    """Raise WrongWord (exit 2) when something is said to have happened far in the future."""
    if at > now + MAX_AHEAD_MS:
        raise WrongWord(
            "at",
            "It cannot have happened later than tomorrow.",
            "Look at the time, and at this machine's clock.",
        )


def check_reason(line: Line) -> None:
    """Raise WrongWord (exit 2) unless the reason, if there is one, says why goods are gone."""
    if not line.reason:
        return
    known_reason(line.reason)
    if line.action != "lower":
        raise WrongWord(
            "reason",
            f"A reason says why goods are gone, and {line.action} does not say that they are.",
            "Type: fedsync stock lose ITEM QTY UNIT --store S --reason R --as NAME",
        )


def reason_word(typed: str) -> str:
    """Return a reason as records write it: "cold chain" is cold_chain."""
    return "_".join(typed.casefold().replace("_", " ").split())


def known_reason(typed: str) -> str:
    """Return a reason as records write it. Raises WrongWord (exit 2) when no records know it."""
    if (reason := reason_word(typed)) in REASONS:
        return reason
    known = ", ".join(each.replace("_", " ") for each in sorted(REASONS))
    raise WrongWord("reason", f"{typed} is no reason that sums can be made of.", f"One of: {known}.")


def check_action(action: str, to: str = "") -> None:
    """Raise WrongWord (exit 2) unless this is something that can be said of one store, or of it and a second one."""
    if action not in ACTIONS:
        raise WrongWord(
            "action",
            f"There is no action {action}.",
            f"ValueFlows has, of those that one store tells: {', '.join(sorted(SIGNS))}.",
        )
    if action in TWO_STORES and not to:
        raise WrongWord(
            "action",
            f"{action} takes from one store for another, and this names one store only.",
            "Say where it goes with --to STORE; what goes to another community: fedsync stock transfer.",
        )
    if to and action not in TWO_STORES:
        raise WrongWord(
            "to",
            f"{action} is told of one store, and two are named.",
            "Type: fedsync stock move, with --from and --to.",
        )


def check_moved(line: Line) -> None:
    """Raise WrongWord (exit 2) when a person says that nothing moved. A table may: it tells what its books tell."""
    if line.quantity == 0 and line.corrects is None:
        raise WrongWord(
            "quantity",
            "Nothing moved, so there is nothing to record.",
            "What was found to be none is a count: fedsync stock count ITEM 0 UNIT --store S --as NAME",
        )


def record_lines(
    author: Author,
    reading: Reading,
    door: Door,
    lines: Sequence[Line],
    once: bytes | None = None,
    local: bool = False,
    scope: Scope | None = None,
) -> list[Block]:
    """Write movements and counts to the author's log of facts, all or none. Raises a Problem.

    `scope`: whose stores, our own by default; of another community under a mandate of theirs.
    `once`: 32 bytes that name what is written, if it must not be written a second time here.
    `local`: in a log that never leaves the community's own nodes, added up by itself.
    """
    reach = Reach.LOCAL if local else None
    if not local:
        for line in lines:
            _check_seen(reading, line)
    with author.writing():
        now = now_ms()
        drafts = _drafts(reading, scope or reading.own().scope, lines, now, local)
        return write_goods(author, reading, door, LogClass.FACTS, drafts, once, reach, scope)


def _check_seen(reading: Reading, line: Line) -> None:
    """Raise a Problem (exit 7) when a line that others see names a record that never leaves our own nodes."""
    for ref in (*line.includes, *line.excludes, *([line.corrects] if line.corrects is not None else [])):
        row = reading.store.logs.row(ref.log)
        if row is not None and row.genesis.reach is Reach.LOCAL:
            raise refused(
                "local",
                f"The record {ref.id.hex()[:8]} never leaves our own nodes, and what you record here would name it to all.",
                "Add --local, to keep this one here as well.",
            )


def may_write_facts(author: Author, reading: Reading, scope: Scope) -> None:
    """Raise a Problem (exit 7) unless the author has a seat or a mandate for movements of goods now."""
    goods_log(author, reading, LogClass.FACTS, ["economic_event"], scope)


def _drafts(
    reading: Reading, scope: Scope, lines: Sequence[Line], now: int, local: bool = False
) -> list[Draft]:
    names = Names(reading, scope, now, local)
    drafts = [_draft(names, line, now) for line in lines]
    # What is new by name comes first, so that a reader of the log meets it before it is used.
    return names.made + drafts


def _draft(names: Names, line: Line, now: int) -> Draft:
    store, item = names.store(line.store), names.item(line.item, line.unit)
    value: dict[str, Value] = {
        "quantity": line.quantity,
        "resource_conforms_to": item,
        "store": store,
        "has_point_in_time": line.at,
    }
    if line.lot is not None:
        value["lot"] = names.lot(line.lot.code, line.lot.expires, item, taken=line.action in TAKEN)
    if line.note:
        value["note"] = line.note
    if line.stated is not None:
        value["stated"] = line.stated.value
    if line.action == COUNT:
        for name, refs in (("includes", line.includes), ("excludes", line.excludes)):
            if refs:
                value[name] = [each.value for each in refs]
        return Draft("count", value, now)
    value["action"] = line.action
    if line.to:
        value["to"] = names.store(line.to)
    if line.reason:
        value["reason"] = known_reason(line.reason)
    if line.corrects is not None:
        value["corrects"] = line.corrects.value
    return Draft("economic_event", value, now)


def made_names(blocks: Sequence[Block]) -> list[str]:
    """Return the names of stores and items that these blocks made, for a word to the person who typed them."""
    found = []
    for block in blocks:
        for record in block.records():
            if record.kind in MADE and isinstance(value := record.value, dict):
                found.append(f"{MADE[record.kind]} {value.get('name') or value.get('code')!s}")
    return found


def counted_before(reading: Reading, record: Record) -> list[int]:
    """Return what the author of a count said earlier of the same pool and the very same moment."""
    value = record.value
    if record.kind != COUNT or not isinstance(value, dict):
        return []
    pool = (value["store"], value["resource_conforms_to"], value.get("lot", NO_LOT))
    key = (realm_of(record.genesis), *pool, value["has_point_in_time"], record.log)
    return [int(row[1]) for cells, row in reading.view.scan(COUNTS, key) if int(cells[6]) < record.seq]  # type: ignore[arg-type]
