"""The board that the demo shows: who holds how much, who lacks what, and whose state is the same.

In a terminal it stands still and changes; elsewhere it is printed when something has come to pass.
"""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from fedsync.demo.community import Community, Counted, Held


class Speaker(Protocol):
    """What shows things to people: nothing is shown when they asked for JSON."""

    as_json: bool

    def say(self, *lines: object) -> None:
        """Print lines."""
        ...

    def table(self, heads: Sequence[str], rows: Any, right: Sequence[str] = ()) -> None:
        """Print a table."""
        ...


HEADS = ("COMMUNITY", "RECORDS", "LACKS", "DECISIONS", "STATE")
RIGHT = ("RECORDS", "LACKS", "DECISIONS")
LOOK_SECONDS = 0.1
"""Between two looks at all stores."""


class Board:
    """Looks at all communities, and shows what it sees."""

    def __init__(self, communities: Sequence[Community], out: Speaker) -> None:
        self._communities, self._out = communities, out
        self._live: Any = None
        self._title = ""

    def look(self) -> list[Held]:
        """Return what each holds now, and show it where it can be shown in place."""
        found = [each.held() for each in self._communities]
        if self._live is not None:
            self._live.update(self._table(found))
        return found

    def show(self) -> None:
        """Show what each holds now where it can be shown in place; elsewhere nobody would see it."""
        if self._live is not None:
            self.look()

    def shown(self, found: Sequence[Held]) -> list[dict[str, Any]]:
        """Return the board as data."""
        return [
            {"name": each.name, "records": held.records, "lacks": lacks, "decisions": held.decisions}
            | {"state_root": held.state.hex()}
            for each, held, lacks in zip(self._communities, found, lacking(found), strict=True)
        ]

    @contextmanager
    def showing(self, title: str) -> Iterator[None]:
        """Show the board under this title until the block ends; the last look stays on the screen."""
        self._title = title
        if self._out.as_json or not sys.stdout.isatty():
            self._out.say("", title)
            sys.stdout.flush()
            yield
            if not self._out.as_json:
                self._out.table(HEADS, self._rows([each.held() for each in self._communities]), RIGHT)
            return
        from rich.console import Console
        from rich.live import Live

        with Live(console=Console(highlight=False), refresh_per_second=8) as self._live:
            try:
                self.look()
                yield
                self.look()
            finally:
                self._live = None

    def until(self, seconds: float, *groups: Sequence[int]) -> bool:
        """Look until all in each group hold the same; return False when that takes longer than it should."""
        late = time.monotonic() + seconds
        while time.monotonic() < late:
            self.show()
            if self._all_counted(groups):
                found = self.look()
                if all(level([found[at] for at in group]) for group in groups):
                    return True
            time.sleep(LOOK_SECONDS)
        return False

    def _all_counted(self, groups: Sequence[Sequence[int]]) -> bool:
        """Say whether all in each group hold as many records as were written there."""
        found = [each.counted() for each in self._communities]
        return all(as_many([found[at] for at in group]) for group in groups)

    def _rows(self, found: Sequence[Held]) -> list[list[str]]:
        # A letter beside the number: nobody compares eight digits, and colour alone is not for everybody.
        letters: dict[bytes, str] = {}
        for held in found:
            letters.setdefault(held.state, chr(ord("A") + len(letters)))
        return [
            [
                each.name,
                f"{held.records:,}",
                f"{lacks:,}" if lacks else "-",
                str(held.decisions),
                f"{letters[held.state]}  {held.state.hex()[:8]}",
            ]
            for each, held, lacks in zip(self._communities, found, lacking(found), strict=True)
        ]

    def _table(self, found: Sequence[Held]) -> Any:
        from rich import box
        from rich.table import Table

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False, title=self._title, title_justify="left")
        table.title_style = "bold"
        for head in HEADS:
            table.add_column(head, justify="right" if head in RIGHT else "left")
        colours = ("green", "yellow", "cyan", "magenta", "blue", "red")
        for row in self._rows(found):
            table.add_row(*row, style=colours[(ord(row[-1][0]) - ord("A")) % len(colours)])
        return table


def lacking(found: Sequence[Held]) -> list[int]:
    """Return how many of the records that anybody wrote each of them lacks."""
    written = sum(held.own for held in found)
    return [max(0, written - held.records) for held in found]


def level(found: Sequence[Held]) -> bool:
    """Say whether these nodes hold the same: as many records, all that each of them wrote, and one state."""
    return len({held.state for held in found}) == 1 and as_many(found)


def as_many(found: Sequence[Held | Counted]) -> bool:
    """Say whether these nodes hold as many records as each other, and no less than they wrote."""
    return len({held.records for held in found}) == 1 and found[0].records >= sum(held.own for held in found)
