"""Rotas and hours for people and for programs. Touches nothing."""

from typing import Any

from fedsync.acts.goods.rotas import Planned, Shifted
from fedsync.cli.out import Out
from fedsync.cli.telling import day, rfc3339, short
from fedsync.crdt.realms import is_local
from fedsync.crdt.work.hours import Tallied
from fedsync.crdt.work.rota import Comer, Manned
from fedsync.crdt.work.worktables import TallyRow

Json = dict[str, Any]


def span(start: int, stop: int) -> str:
    """Return from when until when something is; the day once, when it is the same."""
    first, last = day(start), day(stop)
    return f"{first} to {last[11:] if first[:10] == last[:10] else last}"


def plan_json(planned: Planned, body: str, shifts: list[Manned]) -> Json:
    """Return a plan with its shifts."""
    return {
        "id": planned.plan.id.hex(),
        "name": planned.plan.name,
        "body": body,
        "local": is_local(planned.realm),
        "shifts": [manned_json(each) for each in shifts],
    }


def manned_json(manned: Manned) -> Json:
    """Return a shift, and who comes."""
    return {
        "id": manned.shift.id.hex(),
        "name": manned.shift.name,
        "from": rfc3339(manned.shift.start),
        "until": rfc3339(manned.shift.stop),
        "places": manned.shift.places,
        "open": manned.open,
        "held": [_comer_json(each) for each in manned.held],
        "waiting": [_comer_json(each) for each in manned.waiting],
    }


def _comer_json(comer: Comer) -> Json:
    return {
        "who": comer.who,
        "turns": comer.turns,
        "for": next((each.replaces for each in comer.signups if each.replaces), None),
        "signups": [each.id.hex() for each in comer.signups],
    }


def show_plan(out: Out, planned: Planned, body: str | None, shifts: list[Manned]) -> None:
    """Print a plan and its shifts as a table."""
    where = "kept here" if is_local(planned.realm) else "open to the region"
    out.say(f"{f'{body}: ' if body else ''}{planned.plan.name} ({where})")
    out.table(
        ["SHIFT", "WHEN", "WHAT", "PLACES", "COMES", "WAITS"],
        [
            [
                short(each.shift.id),
                span(each.shift.start, each.shift.stop),
                each.shift.name,
                f"{len(each.held)} of {each.shift.places}",
                ", ".join(map(_held, each.held)),
                ", ".join(f"{comer.who} ({_turns(comer.turns)})" for comer in each.waiting),
            ]
            for each in shifts
        ],
        right=["PLACES"],
    )


def _held(comer: Comer) -> str:
    replaced = next((each.replaces for each in comer.signups if each.replaces), None)
    return f"{comer.who} for {replaced}" if replaced else comer.who


def _turns(turns: int) -> str:
    return f"{turns} turn{'' if turns == 1 else 's'}"


def standing_words(manned: Manned, who: str) -> str:
    """Return whether somebody holds a place, in a sentence."""
    when = span(manned.shift.start, manned.shift.stop)
    if any(each.who == who for each in manned.held):
        return f"{who} has a place: {when}."
    place = next((at for at, each in enumerate(manned.waiting, 1) if each.who == who), None)
    if place is None:
        return f"{who} is not signed up: {when}."
    return f"{who} waits, as number {place}: {when}. Those who had fewer turns go first."


def moved_words(before: Manned, after: Manned, who: str) -> list[str]:
    """Return who else got a place by what was written, and who had one and waits now."""
    had, have = ({each.who for each in at.held} for at in (before, after))
    waits = {each.who for each in after.waiting}
    return [
        *(f"{each} has a place now." for each in sorted(have - had - {who})),
        *(
            f"{each} waits now: who had fewer turns goes first."
            for each in sorted((had - have) & waits - {who})
        ),
    ]


def of_shift(shifted: Shifted) -> str:
    """Return which shift it is, in words."""
    what = f" {shifted.shift.name}" if shifted.shift.name else ""
    return f"{shifted.plan or 'a plan that has not come yet'}{what}, {span(shifted.shift.start, shifted.shift.stop)}"


def time_words(minutes: int) -> str:
    """Return minutes as people say them: 45 min, 2 h, 1 h 30 min."""
    hours, rest = divmod(minutes, 60)
    parts = ([f"{hours:,} h"] if hours else []) + ([f"{rest} min"] if rest or not hours else [])
    return " ".join(parts)


def tallied_json(found: Tallied) -> Json:
    """Return what somebody gave and received."""
    return {
        "who": found.who,
        "given": {"quantity": found.given, "unit": "min"},
        "received": {"quantity": found.received, "unit": "min"},
        "entries": found.entries,
    }


def entry_json(entry: TallyRow) -> Json:
    """Return one entry of hours."""
    return {
        "id": entry.id.hex(),
        "at": rfc3339(entry.at),
        "who": entry.who,
        "given": {"quantity": entry.given, "unit": "min"},
        "received": {"quantity": entry.received, "unit": "min"},
        "shift": None if entry.shift is None else entry.shift.hex(),
        "corrects": None if entry.corrects is None else entry.corrects.id.hex(),
    }


def entry_row(entry: TallyRow) -> list[str]:
    """Return one entry of hours as a line of a table."""
    return [
        short(entry.id),
        day(entry.at),
        entry.who,
        time_words(entry.given) if entry.given else "",
        time_words(entry.received) if entry.received else "",
    ]
