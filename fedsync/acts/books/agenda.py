"""What is to stand on a body's next page: entries that were prepared one by one, for a meeting is one page.

Kept in a file of the home until the page is drafted. It is no record: nobody else sees it.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

from fedsync.home import Home
from fedsync.records.codec import NotCanonical, Value, pack, unpack
from fedsync.records.ids import Scope

Entry = dict[str, Value]

_DRAWN_LATER = "~"
"""In the file alone: the entry ends a mandate, and what it keeps is what is here when its page is drafted."""

FACTS_ALONE = "facts"
Drawn: TypeAlias = bool | str
"""Whether what an entry keeps is drawn with its page; FACTS_ALONE: of logs of facts, and nothing else is kept."""


def prepared(home: Home, scope: Scope) -> list[Entry]:
    """Return the entries that wait for the body's next page, in order."""
    return [{name: each[name] for name in each if name != _DRAWN_LATER} for each in _read(home, scope)]


def drawn_later(home: Home, scope: Scope) -> list[Drawn]:
    """Return for each entry that waits whether its cuts are drawn when the page is drafted, not as they stand."""
    marks = [each.get(_DRAWN_LATER, False) for each in _read(home, scope)]
    return [FACTS_ALONE if mark == FACTS_ALONE else bool(mark) for mark in marks]


def prepare(home: Home, scope: Scope, entries: Sequence[Entry], later: Drawn = False) -> int:
    """Add entries to those that wait; return how many wait now. `later`: their cuts are drawn with the page."""
    with home.preparing(scope):
        waiting = _read(home, scope)
        waiting += [{**each, _DRAWN_LATER: later} if later else each for each in entries]
        _replace(home, scope, waiting)
    return len(waiting)


def drop(home: Home, scope: Scope, index: int) -> None:
    """Take one entry off the list."""
    with home.preparing(scope):
        waiting = _read(home, scope)
        _replace(home, scope, waiting[:index] + waiting[index + 1 :])


def done(home: Home, scope: Scope, entries: Sequence[Entry], later: Sequence[Drawn]) -> None:
    """Take off what a page says now; what was prepared meanwhile waits for the next one."""
    with home.preparing(scope):
        waiting = _read(home, scope)
        for each, marked in zip(entries, later, strict=True):
            entry = {**each, _DRAWN_LATER: marked} if marked else each
            if entry in waiting:
                waiting.remove(entry)
        _replace(home, scope, waiting)


def _read(home: Home, scope: Scope) -> list[Entry]:
    try:
        held = unpack(_file(home, scope).read_bytes())
    except FileNotFoundError:
        return []
    except NotCanonical as error:
        raise ValueError(f"{_file(home, scope)} is damaged: {error}; remove it, and prepare again") from None
    return [each for each in held if isinstance(each, dict)] if isinstance(held, list) else []


def _replace(home: Home, scope: Scope, entries: Sequence[Entry]) -> None:
    path = _file(home, scope)
    if not entries:
        path.unlink(missing_ok=True)
        return
    path.parent.mkdir(mode=0o700, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with open(beside, "wb") as file:
        file.write(pack(list(entries)))
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _file(home: Home, scope: Scope) -> Path:
    return home.path / "agenda" / scope.hex()
