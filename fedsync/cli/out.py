"""How a command shows what it found: a result on stdout, talk on stderr, JSON when asked.

Text that came from a peer is escaped before it reaches a terminal. rich is imported only for tables that do not fit.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from fedsync.cli.tabling import drawn
from fedsync.errors import Problem
from fedsync.plain import plain

SCHEMA = 1
"""The major version of the JSON; additions do not change it."""


@dataclass
class Out:
    """Where a command's words go."""

    as_json: bool = False
    verbose: bool = False

    def result(self, value: dict[str, Any], show: Callable[[], None] | None = None) -> None:
        """Print a command's result: `value` as JSON, or what `show` prints."""
        if self.as_json:
            print(_json({"fedsync": SCHEMA, "ok": True, **value}))
        elif show:
            show()

    def line(self, value: dict[str, Any], text: str) -> None:
        """Print one item of a stream: a line of JSON, or `text`."""
        if self.as_json:
            print(_json({"fedsync": SCHEMA, "ok": True, **value}), flush=True)
        else:
            print(plain(text), flush=True)

    def say(self, *lines: object) -> None:
        """Print lines of a result for people."""
        if not self.as_json:
            for line in lines:
                print(plain(line))

    def talk(self, *lines: object) -> None:
        """Print what is no result: questions, progress, advice."""
        for line in lines:
            print(plain(line), file=sys.stderr)

    def table(
        self,
        heads: Sequence[str],
        rows: Iterable[Sequence[object]],
        right: Sequence[str] = (),
        none: str = "",
    ) -> None:
        """Print a table; the columns named in `right` are set to the right. `none` is what an empty one says in words."""
        cells = [[plain(cell) for cell in row] for row in rows]
        if none and not cells:
            self.say(none)
            return
        terminal = sys.stdout.isatty()
        # Cut off from a terminal nobody sees where a line is folded, so there it is as wide as it must be.
        wide = shutil.get_terminal_size().columns if terminal else int(os.environ.get("COLUMNS", "160"))
        bold = terminal and os.environ.get("TERM", "dumb") != "dumb"
        text = drawn(heads, cells, right, wide, bold)
        if text is None:
            self._folded(heads, cells, right, None if terminal else wide)
        else:
            print(text)

    def _folded(
        self, heads: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[str], wide: int | None
    ) -> None:
        from rich import box
        from rich.console import Console
        from rich.table import Table
        from rich.text import Text

        table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
        for head in heads:
            table.add_column(head, justify="right" if head in right else "left", overflow="fold")
        for row in rows:
            table.add_row(*map(Text, row))
        Console(width=wide, highlight=False).print(table)

    def problem(self, problem: Problem) -> None:
        """Print what went wrong, in at most five lines."""
        if self.as_json:
            error = {
                "code": problem.code,
                "message": problem.message,
                "try": problem.hint,
                "exit": int(problem.exit_code),
            }
            print(_json({"fedsync": SCHEMA, "ok": False, "error": error, **problem.more}))
        self.talk(f"fedsync: {problem.message}")
        if problem.hint:
            self.talk(f"  {problem.hint}")


def _json(value: dict[str, Any]) -> str:
    # Programs read letters of any script; a terminal must not be told to do anything by a peer's text.
    return json.dumps(value, ensure_ascii=sys.stdout.isatty())
