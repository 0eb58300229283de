"""Homes that many tests begin with: such are made once in a process, and each test gets copies of its own."""

import atexit
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import Protocol, TypeVar

from fedsync.home import Home
from fedsync.store.meta import Meta
from tests.acts.valley import Valley


class Story(Protocol):
    """What happened in a valley."""

    valley: Valley


T = TypeVar("T", bound=Valley | Story)


def copied(begin: Callable[[Path], T], where: Path) -> T:
    """Return what `begin` makes in an empty directory: with homes of its own, and the keys, pages and times of the first one."""
    at, first = _first(begin)
    shutil.copytree(at, where, dirs_exist_ok=True)
    valley = first if isinstance(first, Valley) else first.valley
    moved: dict[int, object] = {}
    for home in valley.homes.values():
        moved[id(home)] = here = Home(where / home.path.relative_to(at))
        # A copy of a home may not write, as the first one may still run. That one never does.
        with closing(sqlite3.connect(here.store)) as store, store:
            store.execute("PRAGMA synchronous = OFF")
            Meta(store).set("fingerprint", here.fingerprint())
    made: T = deepcopy(first, moved)
    return made


@cache
def _first(begin: Callable[[Path], T]) -> tuple[Path, T]:
    at = Path(mkdtemp(prefix="fedsync-test-"))
    atexit.register(shutil.rmtree, at, ignore_errors=True)
    return at, begin(at)
