"""The times at which a link may be used. Pure.

A window comes again and again: every day, on some days of the week, or every so many seconds. All times are UTC, so
that both ends of a link mean the same moment, and no hour comes twice or never. `now` is in seconds since 1970.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final

DAY_S: Final = 86_400
WEEK_S: Final = 7 * DAY_S
MONDAY_S: Final = 4 * DAY_S
"""1970 began on a Thursday; the first Monday began so long after."""
MAX_WINDOWS: Final = 64
"""Of one link: more is a mistake, and each costs a look whenever something is sent."""
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
HINT: Final = 'Write it like "22:00-23:30", "Sat,Sun 10:00-12:00", "Mon-Fri 22:00-06:00" or "every 60 s for 5 s", in UTC'

_UNITS: Final = {"s": 1, "min": 60, "h": 3600}
_CLOCK: Final = re.compile(r"(?:([a-z,\- ]+?)\s+)?([0-9]{1,2}):([0-9]{2})\s*-\s*([0-9]{1,2}):([0-9]{2})")
_EVERY: Final = re.compile(
    r"every ([0-9]{1,5}) ?(s|min|h) for ([0-9]{1,5}) ?(s|min|h)(?: from ([0-9]{1,5}) ?(s|min|h))?"
)


@dataclass(frozen=True, slots=True)
class Window:
    """Open for `length` seconds, `start` seconds after 1970 began and every `period` seconds from there, before and after."""

    period: int
    start: int
    length: int

    def end(self, now: float) -> float | None:
        """Return when it closes, None when it is closed now."""
        since = (now - self.start) % self.period
        return now - since + self.length if since < self.length else None

    def next(self, now: float) -> float:
        """Return when it opens for the next time after now."""
        return now - (now - self.start) % self.period + self.period


@dataclass(frozen=True, slots=True)
class Windows:
    """All windows of a link; none at all: it is always open."""

    each: tuple[Window, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.each)

    def closes(self, now: float) -> float | None:
        """Return until when the link is open from now on without a break, None when it is closed now."""
        if not self.each:
            return inf
        at = now
        while at <= now + WEEK_S + DAY_S:
            later = max((end for each in self.each if (end := each.end(at)) is not None), default=at)
            if later <= at:
                return None if at == now else at
            at = later
        # Longer than the longest of them comes again: between them they leave no gap.
        return inf

    def opens(self, now: float) -> float:
        """Return when the link is next open: now, when it is."""
        if self.closes(now) is not None:
            return now
        return min(each.next(now) for each in self.each)


def parse(texts: Iterable[str]) -> Windows:
    """Return what the operator wrote. Raises ValueError with a plain sentence."""
    found = tuple(window for text in texts for window in _parse(text))
    if len(found) > MAX_WINDOWS:
        raise ValueError(f"these are {len(found)} windows, each day counted; {MAX_WINDOWS} are possible")
    return Windows(found)


def _parse(text: str) -> list[Window]:
    plain = " ".join(text.casefold().split())
    if said := _EVERY.fullmatch(plain):
        period, length = int(said[1]) * _UNITS[said[2]], int(said[3]) * _UNITS[said[4]]
        start = int(said[5]) * _UNITS[said[6]] if said[5] else 0
        if not 0 < length <= period <= WEEK_S or start >= period:
            raise ValueError(f"{text!r} says a time that does not fit into what it comes again after")
        return [Window(period, start, length)]
    said = _CLOCK.fullmatch(plain)
    if said is None:
        raise ValueError(f"{text!r} is no time at which a link is open")
    begin, end = _of_day(text, said[2], said[3]), _of_day(text, said[4], said[5])
    if begin in (end, DAY_S):
        raise ValueError(f"{text!r} ends when it begins")
    length = (end - begin) % DAY_S or DAY_S
    if said[1] is None:
        return [Window(DAY_S, begin, length)]
    return [Window(WEEK_S, (MONDAY_S + day * DAY_S + begin) % WEEK_S, length) for day in _days(text, said[1])]


def _of_day(text: str, hours: str, minutes: str) -> int:
    found = int(hours) * 3600 + int(minutes) * 60
    if int(minutes) > 59 or found > DAY_S:
        raise ValueError(f"{text!r} says {hours}:{minutes}, which is no time of day")
    return found


def _days(text: str, said: str) -> list[int]:
    found: set[int] = set()
    for part in said.replace(" ", "").split(","):
        first, _, last = part.partition("-")
        if first not in DAYS or (last or first) not in DAYS or part.endswith("-"):
            raise ValueError(f"{text!r} says {part!r}, which is no day: {', '.join(DAYS)}")
        count = (DAYS.index(last or first) - DAYS.index(first)) % 7 + 1
        found |= {(DAYS.index(first) + ahead) % 7 for ahead in range(count)}
    return sorted(found)
