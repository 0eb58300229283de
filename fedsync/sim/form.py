"""A strict reader for TOML tables: each field is asked for once, and what nobody asked for is refused. Pure.

Every complaint names the line. `tomllib` does not tell where a value stood, so the text is searched again, and only
when something is wrong.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fedsync.sim.bounds import LONGEST_S, MAX_TEXT

UNITS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0, "y": 31_557_600.0}
"""Seconds in each unit of a time span."""
SPAN: Final = re.compile(r"(\d+(?:\.\d+)?) ?(ms|s|min|h|d|y)", re.ASCII)


class BadScenario(ValueError):
    """The file is no scenario. `line` counts from 1, 0 where no line is to blame; `field` is empty then too."""

    def __init__(self, sentence: str, line: int = 0, field: str = "") -> None:
        super().__init__(f"line {line}: {sentence}" if line else sentence)
        self.line, self.field = line, field


class Form:
    """One table of the file. Ask for its fields by type; `done` refuses the rest."""

    def __init__(
        self, text: str, values: Mapping[str, Any], path: Sequence[str] = (), number: int = 0
    ) -> None:
        self._text, self._path, self._number = text, tuple(path), number
        self._values = dict(values)
        self._asked: list[str] = []

    @classmethod
    def read(cls, text: str) -> "Form":
        """Return the whole file as a table. Raises BadScenario."""
        if len(text) > MAX_TEXT:
            raise BadScenario(f"a scenario has at most {MAX_TEXT:,} characters")
        try:
            return cls(text, tomllib.loads(text))
        except tomllib.TOMLDecodeError as error:
            found = re.search(r"\(at line (\d+)", str(error))
            said = re.sub(r" \(at .*\)$", "", str(error))
            raise BadScenario(
                f"this is not TOML: {said}", int(found[1]) if found else len(text.splitlines())
            ) from None
        except (ValueError, RecursionError):
            # A number of thousands of digits, a date that is none, brackets within brackets: tomllib says no line.
            raise BadScenario(
                "this is not TOML that can be read: something in it is far too long or too deep, or no date"
            ) from None

    def __contains__(self, name: str) -> bool:
        return name in self._values

    # --- Fields -----------------------------------------------------------------------------------------

    def span(
        self, name: str, default: float | None = None, least: float = 0.0, most: float = LONGEST_S
    ) -> float:
        """Return a time span in seconds within these bounds, which is written as "80 ms" or "2 h"."""
        value = self._take(name, default)
        if isinstance(value, float) and name not in self._values:
            return value
        found = SPAN.fullmatch(value) if isinstance(value, str) else None
        if found is None:
            raise self.bad(
                name, f'{name} is a time span such as "80 ms", "30 s", "5 min", "2 h", "1 d" or "30 y"'
            )
        seconds = float(found[1]) * UNITS[found[2]]
        if seconds < least:
            raise self.bad(name, f"{name} is at least {told(least)}")
        if seconds > most:
            raise self.bad(name, f"{name} is at most {told(most)}")
        return seconds

    def mean(self, name: str, least: float) -> float:
        """Return the mean time between two of something, in seconds; 0 when there are none, and so when it is not said."""
        seconds = self.span(name, 0.0)
        if 0 < seconds < least:
            raise self.bad(name, f"{name} is at least {told(least)}, or 0 s for never")
        return seconds

    def share(self, name: str, default: float | None = None) -> float:
        """Return a number from 0 to 1."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
            raise self.bad(name, f"{name} is a number from 0 to 1")
        return float(value)

    def number(self, name: str, default: float | None = None, *, most: float) -> float:
        """Return a number that is not below 0, and not above a bound."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
            raise self.bad(name, f"{name} is a number from 0 to {most:g}")
        return float(value)

    def count(self, name: str, default: int | None = None, least: int = 0, *, most: int) -> int:
        """Return a whole number within these bounds."""
        value = self._take(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise self.bad(name, f"{name} is a whole number from {least} to {most}")
        return value

    def yes(self, name: str) -> bool:
        """Return true or false; false when the field is not there."""
        value = self._take(name, False)
        if not isinstance(value, bool):
            raise self.bad(name, f"{name} is true or false")
        return value

    def words(self, name: str, default: str | None = None, *, most: int) -> str:
        """Return a text that is not empty, of so many characters at most, on one line."""
        value = self._take(name, default)
        if not isinstance(value, str) or (not value.strip() and name in self._values):
            raise self.bad(name, f"{name} is a text")
        if len(value) > most or not value.isprintable():
            raise self.bad(name, f"{name} is a text on one line, of {most} characters at most")
        return value

    def one_of(self, name: str, choices: Sequence[str], default: str | None = None) -> str:
        """Return one of these words."""
        value = self._take(name, default)
        if not isinstance(value, str) or value not in choices:
            raise self.bad(name, f"{name} is one of {', '.join(choices)}")
        return value

    def some_of(self, name: str, choices: Sequence[str]) -> tuple[str, ...]:
        """Return a list of these words, none when the field is not there."""
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
            raise self.bad(name, f"{name} is a list of words")
        for each in value:
            if each not in choices:
                raise self.bad(name, f"{name} names {each!r}, which is none of {', '.join(choices)}")
        return tuple(value)

    def table(self, name: str) -> "Form":
        """Return the table of this name, an empty one when it is not there."""
        value = self._take(name, {})
        if not isinstance(value, dict):
            raise self.bad(name, f"{name} is a table: [{'.'.join((*self._path, name))}]")
        return Form(self._text, value, (*self._path, name))

    def table_if_there(self, name: str) -> "Form | None":
        """Return the table of this name, None when it is not there."""
        found = self.table(name)
        return found if name in self else None

    def tables(self, name: str) -> list["Form"]:
        """Return the tables of this name, of which there may be several."""
        value = self._take(name, [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            raise self.bad(name, f"{name} is a list of tables: [[{'.'.join((*self._path, name))}]]")
        return [Form(self._text, each, (*self._path, name), at) for at, each in enumerate(value)]

    def within(self, path: str) -> "Form":
        """Return a table for complaints alone, of a path with dots; the first where there are several."""
        return Form(self._text, {}, tuple(filter(None, path.split("."))))

    def done(self) -> None:
        """Refuse what was not asked for. Raises BadScenario."""
        for name in self._values:
            if name not in self._asked:
                where = f" in [{'.'.join(self._path)}]" if self._path else ""
                raise self.bad(name, f"there is no field {name}{where}; there are {', '.join(self._asked)}")

    def bad(self, name: str, sentence: str) -> BadScenario:
        """Return a complaint about a field."""
        return BadScenario(sentence, _line(self._text, self._path, self._number, name), name)

    def _take(self, name: str, default: Any) -> Any:
        if name not in self._asked:
            self._asked.append(name)
        if name in self._values:
            return self._values[name]
        if default is None:
            where = f"[{'.'.join(self._path)}]" if self._path else "the scenario"
            raise self.bad(name, f"{where} must say {name}")
        return default


def told(seconds: float) -> str:
    """Return a time span as a scenario writes it, in the largest unit that keeps it whole or above one."""
    unit = next((each for each in reversed(UNITS) if seconds >= UNITS[each]), "ms")
    return f"{seconds / UNITS[unit]:g} {unit}"


def _line(text: str, path: Sequence[str], number: int, name: str) -> int:
    """Return the line of a field, or of its table; 0 when it stands in a form that is not searched for."""
    here: tuple[str, ...] = ()
    seen: dict[tuple[str, ...], int] = {}
    found = 0
    for at, line in enumerate(text.splitlines(), 1):
        header = re.match(r"\s*\[\[?\s*([\w\-. ]+?)\s*\]\]?", line)
        if header:
            here = tuple(each.strip() for each in header[1].split("."))
            if line.lstrip().startswith("[["):
                seen[here] = seen.get(here, -1) + 1
            if here == (*path, name):
                return at
            if here == tuple(path) and seen.get(here, 0) == number:
                found = at
        elif here == tuple(path) and seen.get(here, 0) == number:
            key = re.match(r"\s*\"?([\w\-]+)\"?\s*[.=]", line)
            if key and key[1] == name:
                return at
    # A table within braces stands on the line of its name, in the table around it.
    return found or (_line(text, path[:-1], 0, path[-1]) if path else 0)
