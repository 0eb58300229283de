"""Rotas and hours as people write them down: by name, at home unless they say otherwise."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.stewards import write_goods
from fedsync.crdt.realms import Realm, is_local, local_realm
from fedsync.crdt.work import hours
from fedsync.crdt.work.rota import Manned, cancelled, plans, rota, shifts, standing
from fedsync.crdt.work.worktables import PlanRow, ShiftRow, SignupRow, TallyRow
from fedsync.doors import Door
from fedsync.errors import not_found, refused, usage
from fedsync.picking import begins, the_one
from fedsync.plain import is_plain
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, Reach, RecordId, Scope
from fedsync.records.kinds.goods import MAX_AHEAD_MS, MAX_NAME_CHARS
from fedsync.records.kinds.work import MAX_PLACES
from fedsync.records.seal import Draft

MAX_WEEKS = 104
"""Shifts made at once by --weeks: two years of them."""


@dataclass(frozen=True, slots=True)
class Planned:
    """A plan, and in which realm it was made."""

    realm: Realm
    plan: PlanRow


@dataclass(frozen=True, slots=True)
class Shifted:
    """A shift, its realm, and its plan's name; None when the plan has not come yet."""

    realm: Realm
    shift: ShiftRow
    plan: str | None


def realms(scope: Scope) -> tuple[Realm, Realm]:
    """Return where a body's plans may be: what it keeps to itself, and what others see."""
    return local_realm(scope), Realm(scope)


def reach_of(realm: Realm) -> Reach:
    """Return how far a record travels that belongs in a realm."""
    return Reach.LOCAL if is_local(realm) else Reach.REGION


# --- Finding ------------------------------------------------------------------------------------------------


def all_plans(reading: Reading, scope: Scope) -> list[Planned]:
    """Return the plans of a body, by name."""
    found = [Planned(realm, plan) for realm in realms(scope) for plan in plans(reading.view, realm)]
    return sorted(found, key=lambda each: (each.plan.name, each.plan.id))


def find_plan(reading: Reading, scope: Scope, asked: str) -> Planned:
    """Return the plan of this name, or whose id begins so. Raises a Problem (exit 6)."""
    every = all_plans(reading, scope)
    found = [each for each in every if each.plan.name.casefold() == asked.strip().casefold()]
    found = found or [each for each in every if begins(asked, each.plan.id.hex())]
    return the_one("plan", asked, found, lambda each: each.plan.id.hex()[:12], "fedsync rota show")


def find_shift(reading: Reading, scope: Scope, asked: str) -> Shifted:
    """Return the shift whose id begins so. Raises a Problem (exit 6)."""
    found = [
        Shifted(realm, shift, None)
        for realm in realms(scope)
        for shift in shifts(reading.view, realm)
        if begins(asked, shift.id.hex())
    ]
    off = {id_ for each in found for id_ in cancelled(reading.view, each.realm, each.shift.plan)}
    found = [each for each in found if each.shift.id not in off]
    one = the_one("shift", asked, found, lambda each: each.shift.id.hex()[:12], "fedsync rota show")
    named = {plan.id: plan.name for plan in plans(reading.view, one.realm)}
    return Shifted(one.realm, one.shift, named.get(one.shift.plan))


def manned(reading: Reading, shifted: Shifted) -> Manned:
    """Return who holds the places of a shift, and who waits."""
    return next(
        each
        for each in rota(reading.view, shifted.realm, shifted.shift.plan)
        if each.shift.id == shifted.shift.id
    )


def signups_of(reading: Reading, shifted: Shifted, who: str) -> tuple[SignupRow, ...]:
    """Return the sign-ups of somebody for a shift. Raises a Problem (exit 6) when there are none."""
    found = standing(reading.view, shifted.realm, shifted.shift.id)
    same = next((name for name in found if name.casefold() == who.strip().casefold()), None)
    if same is None:
        names = ", ".join(sorted(found)) or "nobody"
        raise not_found("sign-up of", who, f"Signed up for it: {names}.")
    return found[same]


def known_name(reading: Reading, realm: Realm, who: str) -> str:
    """Return a name as it was written down before, if it was: Dora and dora are one person."""
    name = checked_name(who)
    named = {each.who for each in hours.entries(reading.view, realm)}
    for shift in shifts(reading.view, realm):
        named.update(standing(reading.view, realm, shift.id))
    if name in named:
        return name
    return min((each for each in named if each.casefold() == name.casefold()), default=name)


# --- Writing ------------------------------------------------------------------------------------------------


def make_plan(author: Author, reading: Reading, door: Door, name: str, opened: bool) -> RecordId:
    """Make a plan and return its id. Raises a Problem."""
    title = checked_name(name)
    realm = realms(reading.own().scope)[opened]
    if any(each.plan.name.casefold() == title.casefold() for each in all_plans(reading, reading.own().scope)):
        raise refused(
            "plan_exists",
            f"There is a plan {title} already. Nothing was written.",
            f'Add shifts to it: fedsync rota shift "{title}" --from TIME --until TIME --places N --as {author.name}',
        )
    return _write(author, reading, door, realm, [("plan", {"name": title})])[0]


def make_shifts(
    author: Author,
    reading: Reading,
    door: Door,
    planned: Planned,
    span: tuple[int, int],
    places: int,
    name: str = "",
    weeks: int = 1,
) -> list[RecordId]:
    """Make a shift, and the same again each week, `weeks` in all. Raises a Problem."""
    start, stop = span
    if stop <= start:
        raise usage("The shift ends before it begins.", "Look at --from and --until.")
    if not 1 <= places <= MAX_PLACES:
        raise usage(f"A shift has 1 to {MAX_PLACES} places.", "Look at --places.")
    if not 1 <= weeks <= MAX_WEEKS:
        raise usage(f"--weeks goes from 1 to {MAX_WEEKS}.", "Type it again later for more.")
    drafts: list[tuple[str, dict[str, Value]]] = []
    for week in range(weeks):
        value: dict[str, Value] = {
            "plan": planned.plan.id,
            "from": later(start, week),
            "until": later(stop, week),
            "places": places,
        }
        if name:
            value["name"] = checked_name(name)
        drafts.append(("shift", value))
    return _write(author, reading, door, planned.realm, drafts)


def later(at: int, weeks: int) -> int:
    """Return the same day of the week and time of day some weeks later: clocks that change do not move the shift."""
    if not weeks:
        return at
    try:
        moved = datetime.fromtimestamp(at // 1000) + timedelta(weeks=weeks)
        return int(moved.timestamp()) * 1000 + at % 1000
    except (OverflowError, ValueError, OSError):
        raise usage(
            "That many weeks on, the calendar ends.", "Look at --from, --until and --weeks."
        ) from None


def sign_up(author: Author, reading: Reading, door: Door, shifted: Shifted, who: str) -> RecordId:
    """Put somebody down for a shift. Raises a Problem when they are already."""
    name = known_name(reading, shifted.realm, who)
    if name in standing(reading.view, shifted.realm, shifted.shift.id):
        raise refused(
            "signed_up_already",
            f"{name} is signed up for this shift already. Nothing was written.",
            "See: fedsync rota show",
        )
    value: dict[str, Value] = {"shift": shifted.shift.id, "who": name}
    return _write(author, reading, door, shifted.realm, [("signup", value)])[0]


def cancel(author: Author, reading: Reading, door: Door, shifted: Shifted) -> RecordId:
    """Say that a shift does not take place after all. Raises a Problem."""
    value: dict[str, Value] = {"plan": shifted.shift.plan, "cancels": [shifted.shift.id]}
    return _write(author, reading, door, shifted.realm, [("shift", value)])[0]


def leave(author: Author, reading: Reading, door: Door, shifted: Shifted, who: str) -> RecordId:
    """Take back what puts somebody down for a shift. Raises a Problem when nothing does."""
    drops: list[Value] = [each.id for each in signups_of(reading, shifted, who)]
    value: dict[str, Value] = {"shift": shifted.shift.id, "drops": drops}
    return _write(author, reading, door, shifted.realm, [("signup", value)])[0]


def swap(author: Author, reading: Reading, door: Door, shifted: Shifted, leaves: str, comes: str) -> RecordId:
    """Put somebody down in another's place, in one record. Raises a Problem."""
    old = signups_of(reading, shifted, leaves)
    name = known_name(reading, shifted.realm, comes)
    if name in standing(reading.view, shifted.realm, shifted.shift.id):
        raise refused(
            "signed_up_already",
            f"{name} is signed up for this shift already. Nothing was written.",
            f"If {old[0].who} no longer comes: fedsync rota leave {shifted.shift.id.hex()[:8]} {old[0].who}",
        )
    drops: list[Value] = [each.id for each in old]
    value: dict[str, Value] = {
        "shift": shifted.shift.id,
        "who": name,
        "drops": drops,
        "for": old[0].who,
    }
    return _write(author, reading, door, shifted.realm, [("signup", value)])[0]


@dataclass(frozen=True, slots=True)
class Minutes:
    """Time that somebody gave or received, in minutes: one of the two is more than zero, unless it corrects an entry."""

    who: str
    given: int
    received: int
    at: int
    shift: Shifted | None = None
    note: str = ""
    corrects: "Entered | None" = None


@dataclass(frozen=True, slots=True)
class Entered:
    """An entry of hours, and the realm that it is in."""

    realm: Realm
    entry: TallyRow


def all_hours(
    reading: Reading, scope: Scope, since: int | None = None, until: int | None = None
) -> list[Entered]:
    """Return the entries of hours of a body that hold, by name and time."""
    found = [
        Entered(realm, each)
        for realm in realms(scope)
        for each in hours.entries(reading.view, realm, None, since, until)
    ]
    return sorted(found, key=lambda each: (each.entry.who, each.entry.at, each.entry.id))


def find_entry(reading: Reading, scope: Scope, asked: str) -> Entered:
    """Return the entry of hours whose id begins so. Raises a Problem (exit 6)."""
    found = [each for each in all_hours(reading, scope) if begins(asked, each.entry.id.hex())]
    return the_one(
        "entry", asked, found, lambda each: each.entry.id.hex()[:12], "fedsync rota hours --entries"
    )


def record_hours(
    author: Author, reading: Reading, door: Door, said: Minutes, opened: bool
) -> tuple[RecordId, str]:
    """Write down hours; return the record and the name as it is written. Raises a Problem."""
    realm = realms(reading.own().scope)[opened]
    if said.shift is not None:
        realm = said.shift.realm
    if said.corrects is not None:
        realm = said.corrects.realm
    if said.at > now_ms() + MAX_AHEAD_MS:
        raise usage(
            "It cannot have happened later than tomorrow.", "Look at --at, and at this machine's clock."
        )
    name = known_name(reading, realm, said.who)
    value: dict[str, Value] = {"who": name, "has_point_in_time": said.at}
    value["received" if said.received else "given"] = said.given or said.received
    if said.corrects is not None:
        value["corrects"] = list(said.corrects.entry.ref)
    if said.shift is not None:
        value["shift"] = said.shift.shift.id
    if said.note:
        value["note"] = said.note
    return _write(author, reading, door, realm, [("work_tally", value)], LogClass.FACTS)[0], name


def checked_name(name: str) -> str:
    """Return a name as it is sealed. Raises a Problem (exit 2) when it can be none."""
    normal = unicodedata.normalize("NFC", name.strip())
    if not normal or len(normal) > MAX_NAME_CHARS or not is_plain(normal):
        raise usage("This is no name.", f"Type one line of 1 to {MAX_NAME_CHARS} letters.")
    return normal


def _write(
    author: Author,
    reading: Reading,
    door: Door,
    realm: Realm,
    values: Sequence[tuple[str, dict[str, Value]]],
    log_class: LogClass = LogClass.PLANS,
) -> list[RecordId]:
    """Write records that belong in a realm, all or none; return their ids."""
    with author.writing():
        now = now_ms()
        drafts = [Draft(kind, value, now) for kind, value in values]
        blocks = write_goods(author, reading, door, log_class, drafts, reach=reach_of(realm))
    ids = [record.id for block in blocks for record in block.records()]
    return ids[-len(values) :]
