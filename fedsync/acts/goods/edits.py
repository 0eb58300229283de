"""What an edited table comes to: rows that are to be written, rows that are left alone, rows that are wrong. Touches nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from fedsync.acts.goods.importing import WrongLine
from fedsync.acts.goods.ledger import Entry
from fedsync.records.codec import Value
from fedsync.records.seal import Draft


@dataclass(frozen=True, slots=True)
class Change:
    """A row that is to be written. `entry`: what it showed, None for a new one. `changes`: field, before, after."""

    line: int
    kind: str
    value: dict[str, Value]
    entry: Entry | None
    changes: tuple[tuple[str, str, str], ...]
    cells: Mapping[str, str]
    gone: bool = False
    """The line is of the original: the edited table has it no more."""


@dataclass(slots=True)
class Plan:
    """What a table comes to. `same`: rows that nobody touched, or that say what is recorded already."""

    changes: list[Change] = field(default_factory=list)
    made: list[Draft] = field(default_factory=list)
    same: int = 0
    there: list[int] = field(default_factory=list)
    """New rows that are recorded already, to the letter."""
    wrong: list[WrongLine] = field(default_factory=list)


HEAD_OF = {
    "action": "action",
    "quantity": "quantity",
    "reason": "reason",
    "note": "note",
    "time": "at_utc",
    "ahead": "at_utc",
    "second_store": "to",
    "fields": "store",
}
"""The column that is wrong, by what makes a record void."""
