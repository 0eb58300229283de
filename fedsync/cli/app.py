"""What every command shares: the options, the node's home, and the two ways in (read the store, ask the daemon)."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fedsync.cli.group import Group
from fedsync.cli.out import Out
from fedsync.errors import usage

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from fedsync.acts.author import Author
    from fedsync.crdt.view import Table
    from fedsync.doors import Door
    from fedsync.glance import Glance
    from fedsync.home import Home
    from fedsync.reading import Reading
    from fedsync.records.ids import Scope

F = TypeVar("F", bound=Callable[..., Any])


@dataclass
class App:
    """One call of the command line."""

    where: str | None
    out: Out
    passphrase_file: str | None = None
    no_passphrase: bool = False
    yes: bool = False

    def home(self) -> "Home":
        """Return the node's home. Raises a Problem when there is no node in it."""
        from fedsync.errors import no_node
        from fedsync.home import Home

        home = Home(self.path())
        if not home.store.exists():
            raise no_node(home.path)
        return home

    def path(self) -> Path:
        """Return the directory that the options name, whether or not a node lives there."""
        from fedsync.home import default_home

        return Path(self.where).expanduser() if self.where else default_home()

    def reading(self) -> "Reading":
        """Open the store for reading: neither the daemon nor a key is needed."""
        from fedsync.reading import Reading

        return Reading.open(self.home())

    def glance(self, *tables: "Table") -> "Glance | Reading":
        """Look at a few tables of the state, which loads little; open the store for reading where that cannot be."""
        from fedsync.glance import Glance

        return Glance.open(self.home(), tables, self._name_of) or self.reading()

    def _name_of(self, scope: "Scope") -> str:
        with self.reading() as reading:
            return reading.name_of(scope)

    def door(self) -> "AbstractContextManager[Door]":
        """Return the way in for new records: the daemon, or the store itself when none runs."""
        from fedsync.doors import open_door

        return open_door(self.home())

    def passphrase(self, name: str, confirm: bool = False) -> bytes | None:
        """Return the passphrase of `name`'s key: from a file, from a question, or None when none is wanted."""
        if self.no_passphrase:
            return None
        if self.passphrase_file:
            return _first_line(Path(self.passphrase_file))
        # A decision's text may come through standard input while a person sits before the screen: getpass asks
        # at the terminal itself.
        if not (sys.stdin.isatty() or sys.stderr.isatty()):
            raise usage(
                f"A passphrase is needed for {name}'s key, and there is no terminal to ask at.",
                "Give --passphrase-file FILE, or --no-passphrase for a trial.",
            )
        typed: str = click.prompt(
            f"Passphrase of {name}", hide_input=True, confirmation_prompt=confirm, err=True
        )
        return typed.encode()

    def author(self, name: str) -> "Author":
        """Return the person who signs as `name`, with the key unlocked."""
        from fedsync.acts.author import Author

        return Author.unlock(self.home(), name, lambda: self.passphrase(name))

    def confirm(self, yes: bool, *lines: str) -> None:
        """Say what will be done and ask once, unless `yes`. Raises a Problem on no, and where nobody is."""
        if yes:
            return
        if not sys.stdin.isatty():
            raise usage("This asks before it is done, and there is no terminal to ask at.", "Add --yes.")
        self.out.talk(*lines)
        if not click.confirm("Go on?", err=True):
            from fedsync.errors import Exit, Problem

            raise Problem("declined", "Nothing was changed.", "Type it again to do it.", Exit.INTERRUPTED)

    def before_signing(self, *lines: str) -> None:
        """Show what will be signed and ask once, if a person is there and has not said --yes. Raises a Problem on no.

        A script that names who signs, and has their passphrase, has said enough.
        """
        if sys.stdin.isatty():
            self.confirm(self.yes, *lines)


def group(function: F) -> Group:
    """Make a word with commands below it; it takes the options that all take."""

    @click.group(function.__name__, cls=Group, invoke_without_command=True, help=function.__doc__)
    @common
    def wrapped(app: App) -> None:
        ctx = click.get_current_context()
        if ctx.invoked_subcommand is None:
            assert isinstance(ctx.command, Group)
            ctx.command.say_commands(ctx, f"{ctx.command_path} needs a command.")

    return wrapped


def common(command: F) -> F:
    """Give a command the options that all take, wherever on the line they stand, and hand it the App."""

    @click.option("--home", "common_home", metavar="DIR", help="Where this node lives.", hidden=True)
    @click.option("--json", "common_json", is_flag=True, help="One JSON object instead of words.")
    @click.option("--verbose", "common_verbose", is_flag=True, hidden=True)
    @click.pass_context
    def wrapped(
        ctx: click.Context,
        /,
        common_home: str | None,
        common_json: bool,
        common_verbose: bool,
        **arguments: Any,
    ) -> Any:
        app: App = ctx.find_root().obj
        app.where = common_home or app.where
        app.out.as_json |= common_json
        app.out.verbose |= common_verbose
        return command(app, **arguments)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", []) + wrapped.__click_params__  # type: ignore[attr-defined]
    return wrapped  # type: ignore[return-value]


def signing(command: F) -> F:
    """Give a command the options of those that sign: where the passphrase comes from, and --yes."""

    def wrapped(
        app: App, passphrase_file: str | None, no_passphrase: bool, yes: bool, **arguments: Any
    ) -> Any:
        app.passphrase_file = passphrase_file or os.environ.get("FEDSYNC_PASSPHRASE_FILE")
        app.no_passphrase = no_passphrase
        app.yes = yes
        return command(app, **arguments)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    wrapped.__click_params__ = getattr(command, "__click_params__", [])  # type: ignore[attr-defined]
    for option in (
        click.option("--passphrase-file", metavar="FILE", help="Its first line is the passphrase."),
        click.option("--no-passphrase", is_flag=True, help="Keys without a passphrase, for tests."),
        click.option("--yes", is_flag=True, help="Do not ask."),
    ):
        wrapped = option(wrapped)
    return wrapped  # type: ignore[return-value]


def _first_line(path: Path) -> bytes:
    """Return the passphrase in a file. Raises a Problem when there is none."""
    try:
        found = path.read_bytes().split(b"\n", 1)[0].rstrip(b"\r")
    except OSError as error:
        raise usage(
            f"The passphrase file {path} cannot be read: {error.strerror}.", "Look at its name."
        ) from None
    if not found:
        raise usage(f"The first line of {path} is empty.", "Write the passphrase into its first line.")
    return found
