"""How it stands with a link that has windows or a budget, in words for people. Pure."""

from math import inf

from fedsync.gossip.schedule.gate import Gate
from fedsync.gossip.schedule.rolling import HOUR_S
from fedsync.gossip.schedule.terms import Open, Resting, Shut, Spent, State
from fedsync.gossip.schedule.windows import DAY_S, DAYS, MONDAY_S, WEEK_S


def when(at: float, now: float) -> str:
    """Return a moment as people say it, in UTC: the time of day, with the day when it is not within a day."""
    second = int(at) % DAY_S
    clock = f"{second // 3600:02}:{second // 60 % 60:02}"
    if at - now < 120:
        clock += f":{second % 60:02}"
    if at - now < DAY_S:
        return clock
    if at - now < WEEK_S:
        return f"{DAYS[int(at - MONDAY_S) % WEEK_S // DAY_S].capitalize()} {clock}"
    return f"{clock} in {int(at - now) // DAY_S} days"


def reason(state: State, now: float, shift: float = 0.0) -> str:
    """Return why nothing goes over the link now, or until when it may. `shift`: how far the wall clock is ahead of `now`."""
    until, now = state.until + shift, now + shift
    match state:
        case Open():
            return "" if until == inf else f"open until {when(until, now)}"
        case Shut():
            return f"waiting: next window {when(until, now)}" if until < inf else "waiting: no window comes"
        case Spent(span=span):
            which = "hour" if span == HOUR_S else "day"
            return f"budget of the {which} used until {when(until, now)}"
        case Resting():
            return f"nothing is left to say; called again when something is new, or at {when(until, now)}"


def usage(gate: Gate, now: float) -> str:
    """Return how much of its budgets is used, as in: 6 of 20 kB used today."""
    said = []
    for span, used, limit in gate.used(now):
        which = "in the last hour" if span == HOUR_S else "in the last day"
        said.append(f"{kilobytes(used)} of {kilobytes(limit)} kB used {which}")
    return ", ".join(said)


def kilobytes(size: int) -> str:
    """Return a size in kB: rounded, but with one digit behind the point below 10."""
    return f"{size / 1000:.0f}" if size >= 10_000 or size % 1000 == 0 else f"{size / 1000:.1f}"
