"""What a section of config.toml says of when a link may be used, and how much may go over it. Pure.

The same keys stand in [[peer]] and in [[link]]; what one says concerns the links that it describes.
"""

from collections.abc import Mapping
from typing import Final

from fedsync.gossip.schedule.terms import Terms
from fedsync.gossip.schedule.windows import HINT, MAX_WINDOWS, Windows, parse

FIELDS: Final = ("windows", "kilobytes_per_hour", "kilobytes_per_day", "session_minutes", "early_end")
MOST_KILOBYTES: Final = 10**9
MOST_MINUTES: Final = 7 * 24 * 60
"""No window comes again after more."""


class WrongTerms(ValueError):
    """What `field` says cannot be."""

    def __init__(self, field: str, message: str, hint: str) -> None:
        super().__init__(message)
        self.field, self.hint = field, hint


def terms(table: Mapping[str, object]) -> Terms:
    """Return what those keys of a section say that are of FIELDS. Raises WrongTerms."""
    windows = _windows(table)
    minutes = _number(table, "session_minutes", MOST_MINUTES)
    if minutes is not None and not windows:
        raise WrongTerms(
            "session_minutes",
            "session_minutes is for a link with windows: it rests until the next one",
            'Add: windows = ["22:00-23:00"]',
        )
    hour, day = (
        _number(table, "kilobytes_per_hour", MOST_KILOBYTES),
        _number(table, "kilobytes_per_day", MOST_KILOBYTES),
    )
    early = table.get("early_end", bool(windows))
    if not isinstance(early, bool):
        raise WrongTerms("early_end", "early_end must be true or false", "Write it as: early_end = true")
    return Terms(
        windows,
        hour * 1000 if hour is not None else None,
        day * 1000 if day is not None else None,
        minutes * 60 if minutes is not None else None,
        early,
    )


def _windows(table: Mapping[str, object]) -> Windows:
    said = table.get("windows", [])
    if (
        not isinstance(said, list)
        or len(said) > MAX_WINDOWS
        or not all(isinstance(each, str) for each in said)
    ):
        raise WrongTerms("windows", f"windows must be a list of at most {MAX_WINDOWS} times", f"{HINT}.")
    try:
        return parse(said)
    except ValueError as error:
        raise WrongTerms("windows", str(error), f"{HINT}.") from None


def _number(table: Mapping[str, object], key: str, most: int) -> int | None:
    value = table.get(key)
    if value is None:
        return None
    if type(value) is not int or not 1 <= value <= most:
        raise WrongTerms(key, f"{key} must be a whole number from 1 to {most}", f"Write it as: {key} = 20")
    return value
