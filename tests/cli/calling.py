"""Runs `fedsync` as a person would: the same words, the same streams, the same exit code.

In this process, since that is fast; `process` is for what needs a process of its own.
"""

import io
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from fedsync.cli.main import main

ROOT = Path(__file__).resolve().parents[2]
SECONDS = 120
"""A command that takes longer hangs."""


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """The one object on stdout."""
        value: dict[str, Any] = json.loads(self.out)
        assert value["fedsync"] == 1
        return value

    @property
    def error(self) -> dict[str, Any]:
        """The error object on stdout."""
        value = self.json
        assert value["ok"] is False
        error: dict[str, Any] = value["error"]
        assert set(error) == {"code", "message", "try", "exit"}
        assert error["exit"] == self.code
        return error


def fedsync(*arguments: object, stdin: str = "") -> Result:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    argv = ["fedsync", *map(str, arguments)]
    with (
        patch.object(sys, "argv", argv),
        patch.object(sys, "stdin", io.StringIO(stdin)),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        try:
            main()
        except SystemExit as left:
            code = int(left.code or 0)
    return Result(code, out.getvalue(), err.getvalue())


def command_line(*arguments: object) -> list[str]:
    """Return the words that run a command as a process of its own."""
    return [sys.executable, "-m", "fedsync.cli.main", *map(str, arguments)]


def environment() -> dict[str, str]:
    """Return what such a process finds around it."""
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def process(*arguments: object, stdin: str = "", **more: Any) -> Result:
    """Run a command as a process of its own."""
    done = subprocess.run(
        command_line(*arguments),
        input=stdin,
        capture_output=True,
        text=True,
        env=environment(),
        timeout=SECONDS,
        check=False,
        **more,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@dataclass(frozen=True)
class Place:
    """A node's home, and its commands."""

    path: Path

    def __call__(self, *arguments: object, stdin: str = "", code: int = 0) -> Result:
        """Run a command that must end with `code`."""
        result = fedsync("--home", self.path, *arguments, stdin=stdin)
        assert result.code == code, (arguments, result)
        return result

    def json(self, *arguments: object, stdin: str = "") -> dict[str, Any]:
        """Run a command that must go well, and return what it says to programs."""
        value = self(*arguments, "--json", stdin=stdin).json
        assert value["ok"] is True
        return value

    def refused(self, *arguments: object, code: int, stdin: str = "") -> dict[str, Any]:
        """Run a command that must fail with `code`, in words and then in JSON; return the error."""
        words = self(*arguments, stdin=stdin, code=code)
        assert words.out == ""
        assert well_said(words.err), words.err
        return self(*arguments, "--json", stdin=stdin, code=code).error

    def propose(self, title: str, text: str = "So be it.", name: str = "Ann") -> str:
        """Draft a page with a decision and return its id."""
        page = self.json("decisions", "propose", "--title", title, "--text", "-", "--as", name, stdin=text)[
            "page"
        ]
        assert isinstance(page, str)
        return page

    def seal(self, page: str, *names: str) -> None:
        """Have a page signed and approved by these tellers, all of them honest."""
        for name in names:
            self("book", "sign", page, "--as", name)
        if self.page(page)["status"] != "sealed":
            self("book", "approve", page, "--as", names[0])
        assert self.page(page)["status"] == "sealed"

    def page(self, page: str) -> dict[str, Any]:
        """Return what is known of one page."""
        (row,) = self.json("book", "show", page)["pages"]
        assert isinstance(row, dict)
        return row

    def level(self, item: str, store: str = "Granary") -> dict[str, Any]:
        """Return the one row of an item in a store."""
        rows = [row for row in self.json("stock", "list", "--store", store)["stock"] if row["item"] == item]
        (row,) = rows
        assert isinstance(row, dict)
        return row


def well_said(words: str) -> bool:
    """Return whether an error is as cli.md wants it: what happened, what to type next, at most five lines, no traceback."""
    lines = words.strip("\n").split("\n")
    return 2 <= len(lines) <= 5 and lines[0].startswith("fedsync: ") and "Traceback" not in words


def found(path: Path, tellers: Sequence[str] = ("Ann", "Ben", "Cleo"), threshold: int = 2) -> Place:
    """Make a community's node."""
    named = [word for teller in tellers for word in ("--teller", teller)]
    result = fedsync(
        "--home", path, "init", "--community", "Oakfield", *named, "--threshold", threshold,
        "--listen", "127.0.0.1:0", "--no-passphrase", "--yes",
    )  # fmt: skip
    assert result.code == 0, result
    return Place(path)
