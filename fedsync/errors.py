"""What can go wrong for the person at the keyboard: one class, one exit code each, and what to do next.

Rooms below raise errors of their own; `cli.main` turns each into one of these at the edge.
"""

from collections.abc import Mapping
from enum import IntEnum


class Exit(IntEnum):
    """What a finished command says to the shell. Scripts rest on these; they never change meaning."""

    DONE = 0
    FAILED = 1
    USAGE = 2
    NO_NODE = 3
    HELD = 4
    NOT_RUNNING = 5
    NOT_FOUND = 6
    REFUSED = 7
    DAMAGE = 8
    NOT_YET = 9
    UNREACHABLE = 10
    FOREIGN_FILE = 11
    PASSPHRASE = 12
    INTERRUPTED = 130
    TERMINATED = 143


class Problem(Exception):
    """Something a person must know: what happened, what to type next, and the exit code.

    `code` is a stable word for scripts, `message` a plain sentence, `hint` the next command or step, `more` what
    programs can make use of beside the error.
    """

    def __init__(
        self,
        code: str,
        message: str,
        hint: str = "",
        exit_code: Exit = Exit.FAILED,
        more: Mapping[str, object] | None = None,
    ) -> None:
        super().__init__(message)
        self.more = dict(more or {})
        self.code = code
        self.message = message
        self.hint = hint
        self.exit_code = exit_code


def no_node(path: object) -> Problem:
    """There is no node in this directory."""
    return Problem(
        "no_node",
        f"There is no node in {path}.",
        "Make one with: fedsync init --community NAME --teller NAME ... --threshold K",
        Exit.NO_NODE,
    )


def not_found(what: str, asked: str, hint: str = "") -> Problem:
    """Nothing is called so."""
    return Problem("not_found", f"There is no {what} {asked}.", hint, Exit.NOT_FOUND)


def refused(code: str, message: str, hint: str = "") -> Problem:
    """The rules do not allow it; nothing was changed."""
    return Problem(code, message, hint, Exit.REFUSED)


def copied_home(reason: str) -> Problem:
    """This directory is a copy, so it may not write to the logs that the original may still write to."""
    return refused(
        "copied_home",
        f"{reason[:1].upper()}{reason[1:]}. Nothing was written.",
        "Then say who goes on with its logs: fedsync restore --help",
    )


def usage(message: str, hint: str = "") -> Problem:
    """The command's words do not make sense together."""
    return Problem("usage", message, hint, Exit.USAGE)
