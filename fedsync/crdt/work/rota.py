"""Rotas: who comes to which shift, out of plans, shifts and sign-ups. The fold touches a draft only; the rest reads a view.

Signing up adds, and taking back removes the sign-ups that its author had seen: who signs up while somebody else strikes
the list stays signed up. When more come than there are places, those who have held the fewest places in earlier shifts
of the plan hold them, of equals the one whose sign-up has the smaller id; the others wait in that order. No clock and
no order of arrival is in it, so every node that holds the same records shows the same rota.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from fedsync.crdt.books.booktables import Reader
from fedsync.crdt.logs.sayings import Parsers, sayings
from fedsync.crdt.realms import Realm, realm_of
from fedsync.crdt.view import Draft, KeyRow, Row, Table
from fedsync.crdt.work.worktables import (
    CANCELLED,
    DROPS,
    PLANS,
    SHIFTS,
    SIGNUPS,
    PlanRow,
    ShiftRow,
    SignupRow,
    plan_row,
    shift_row,
    signup_row,
)
from fedsync.records.block import Block, Record
from fedsync.records.genesis import Genesis
from fedsync.records.ids import RecordId
from fedsync.records.kinds.fields import plain
from fedsync.records.kinds.work import (
    PLAN,
    SHIFT,
    SIGNUP,
    Cancelled,
    Plan,
    Shift,
    Signup,
    parse_plan,
    parse_shift,
    parse_signup,
)

Said: TypeAlias = Plan | Shift | Cancelled | Signup

PARSERS: Parsers[Said] = {
    PLAN: lambda value, scope, time: parse_plan(value),
    SHIFT: lambda value, scope, time: parse_shift(value),
    SIGNUP: lambda value, scope, time: parse_signup(value),
}


class Rota:
    """What rotas make of logs of plans."""

    def take(self, draft: Draft, block: Block, first: int, stop: int) -> None:
        """Write down what a stretch of a block says."""
        realm = realm_of(block.genesis)
        for record, said in sayings(block, PARSERS, first, stop):
            for table, key, row in _rows(realm, record, said):
                draft.put(table, key, row)

    def take_out(self, draft: Draft, genesis: Genesis) -> None:
        """Strike out all that a log says."""
        realm = realm_of(genesis)
        for block in draft.blocks(genesis.log):
            for record, said in sayings(block, PARSERS):
                for table, key, _ in _rows(realm, record, said):
                    draft.drop(table, key)


def _rows(realm: Realm, record: Record, said: Said) -> Iterator[tuple[Table, KeyRow, Row]]:
    where = (record.log, record.seq)
    match said:
        case Plan():
            yield PLANS, (realm, record.id), (plain(said.name), *where)
        case Shift():
            called = "" if said.name is None else plain(said.name)
            yield (
                SHIFTS,
                (realm, said.plan, record.id),
                (said.start, said.stop, said.places, called, *where),
            )
        case Cancelled():
            for shift in said.shifts:
                yield CANCELLED, (realm, said.plan, shift, record.id), where
        case Signup():
            if said.who is not None:
                yield SIGNUPS, (realm, said.shift, record.id), (said.who, said.replaces or "", *where)
            for dropped in said.drops:
                yield DROPS, (realm, said.shift, dropped, record.id), where


# --- Who comes ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Comer:
    """Somebody who is signed up for a shift. `turns`: places that they held in earlier shifts of the plan."""

    who: str
    turns: int
    signups: tuple[SignupRow, ...]
    """Those that stand, the one with the smallest id first."""


@dataclass(frozen=True, slots=True)
class Manned:
    """A shift: who holds its places, and who waits, each in order."""

    shift: ShiftRow
    held: tuple[Comer, ...]
    waiting: tuple[Comer, ...]

    @property
    def open(self) -> int:
        """How many places nobody holds."""
        return self.shift.places - len(self.held)


Standing: TypeAlias = Mapping[str, tuple[SignupRow, ...]]
"""By name: the sign-ups for a shift that nobody took back."""


def assign(shifts: Iterable[tuple[ShiftRow, Standing]]) -> list[Manned]:
    """Return who holds the places of the shifts of one plan, in the order in which they begin."""
    turns: dict[str, int] = {}
    found: list[Manned] = []
    for shift, standing in sorted(shifts, key=lambda each: (each[0].start, each[0].stop, each[0].id)):
        comers = sorted(
            (Comer(who, turns.get(who, 0), signups) for who, signups in standing.items()),
            key=lambda comer: (comer.turns, comer.signups[0].id),
        )
        held, waiting = comers[: shift.places], comers[shift.places :]
        found.append(Manned(shift, tuple(held), tuple(waiting)))
        for comer in held:
            turns[comer.who] = comer.turns + 1
    return found


def rota(view: Reader, realm: Realm, plan: RecordId) -> list[Manned]:
    """Return who comes to the shifts of a plan, in the order in which they begin; the plan itself need not be held."""
    off = cancelled(view, realm, plan)
    return assign(
        (shift, standing(view, realm, shift.id)) for shift in shifts(view, realm, plan) if shift.id not in off
    )


def cancelled(view: Reader, realm: Realm, plan: RecordId) -> dict[RecordId, RecordId]:
    """Return the shifts of a plan that do not take place after all, and a record that says so of each."""
    rows = view.scan(CANCELLED, (realm, plan))
    return {RecordId(key[2]): RecordId(key[3]) for key, _ in rows}  # type: ignore[arg-type]


def plans(view: Reader, realm: Realm) -> list[PlanRow]:
    """Return the plans, by name."""
    found = [plan_row(key, row) for key, row in view.scan(PLANS, (realm,))]
    return sorted(found, key=lambda plan: (plan.name, plan.id))


def shifts(view: Reader, realm: Realm, plan: RecordId | None = None) -> Iterator[ShiftRow]:
    """Yield the shifts of a plan, or all."""
    prefix = (realm,) if plan is None else (realm, plan)
    return (shift_row(key, row) for key, row in view.scan(SHIFTS, prefix))


def standing(view: Reader, realm: Realm, shift: RecordId) -> dict[str, tuple[SignupRow, ...]]:
    """Return the sign-ups for a shift that nobody took back, by name."""
    dropped = {key[2] for key, _ in view.scan(DROPS, (realm, shift))}
    found: dict[str, list[SignupRow]] = {}
    for key, row in view.scan(SIGNUPS, (realm, shift)):
        if key[2] not in dropped:
            each = signup_row(key, row)
            found.setdefault(each.who, []).append(each)
    return {who: tuple(each) for who, each in found.items()}


def drops_of(view: Reader, realm: Realm, shift: RecordId, signup: RecordId) -> list[RecordId]:
    """Return the records that took a sign-up back."""
    return [RecordId(key[3]) for key, _ in view.scan(DROPS, (realm, shift, signup))]  # type: ignore[arg-type]
