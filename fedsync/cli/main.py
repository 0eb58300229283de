"""The way in: which word runs which command, and how errors reach a person.

Only click is imported here; each command's module is imported when it is called, so that `--version`, `help`
and completion answer at once on a slow board.
"""

import importlib
import keyword
import os
import sys
from typing import Any

import click

import fedsync
from fedsync.cli.group import Group
from fedsync.cli.out import Out
from fedsync.errors import Exit, Problem

_COMMANDS = {
    "init": "setup",
    "run": "service",
    "status": "service",
    "demo": "service",
    "simulate": "simulating",
    "doctor": "service",
    "restore": "service",
    "invite": "peers",
    "join": "peers",
    "peers": "peers",
    "bodies": "books.bodies",
    "people": "books.people",
    "book": "books.book",
    "decisions": "books.decisions",
    "motions": "books.motions",
    "votes": "books.votes",
    "mandates": "books.mandates",
    "stock": "goods.stock",
    "rota": "goods.rota",
    "export": "exchange",
    "import": "exchange",
    "bundle": "bundles",
    "log": "log",
    "show": "log",
    "verify": "log",
    "rebuild": "log",
    "why": "log",
}
"""Which module of fedsync.cli holds which command."""


class _Lazy(Group):
    """A group whose commands are imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        module = _COMMANDS.get(cmd_name)
        if module is None:
            return None
        command: click.Command = getattr(
            importlib.import_module(f"fedsync.cli.{module}"),
            # A word that Python keeps for itself, as `import`, has its command under import_.
            f"{cmd_name}_" if keyword.iskeyword(cmd_name) else cmd_name,
        )
        return command


@click.group(cls=_Lazy, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--home", metavar="DIR", envvar="FEDSYNC_HOME", help="Where this node lives (default: ~/.fedsync)."
)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of words.")
@click.option("--verbose", is_flag=True, help="With tracebacks, for a bug report.")
@click.version_option(fedsync.__version__, prog_name="fedsync", message="%(prog)s %(version)s")
@click.pass_context
def cli(ctx: click.Context, home: str | None, as_json: bool, verbose: bool) -> None:
    """Keep a community's decisions and stock, and share them with other communities, with nobody in the middle."""
    from fedsync.cli.app import App

    ctx.obj = App(home, Out(as_json, verbose))
    if ctx.invoked_subcommand is None:
        command = cli.get_command(ctx, "status")
        assert command is not None
        ctx.invoke(command)


def main() -> None:
    """Run the command line and leave with its exit code."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["help"]:
        arguments = [*arguments[1:], "--help"]
    # Known before the options are read, so that wrong usage too is answered in JSON.
    out = Out("--json" in arguments, "--verbose" in arguments)
    try:
        code = cli.main(arguments, prog_name="fedsync", standalone_mode=False)
    except click.exceptions.Abort:
        _leave(out, _interrupted())
    except KeyboardInterrupt:
        _leave(out, _interrupted())
    except click.ClickException as error:
        usage = error.ctx.get_usage() if isinstance(error, click.UsageError) and error.ctx else ""
        _leave(out, Problem("usage", error.format_message(), " ".join(usage.split()), Exit.USAGE))
    except BrokenPipeError:
        # `fedsync log | head`: who reads has seen enough. What Python flushes at its end must not fail again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(int(Exit.DONE))
    except Exception as error:
        _leave(out, as_problem(error), error)
    else:
        sys.exit(code if isinstance(code, int) else Exit.DONE)


def _interrupted() -> Problem:
    return Problem(
        "interrupted", "Interrupted; nothing is half done.", "Type it again to do it.", Exit.INTERRUPTED
    )


def as_problem(error: Exception) -> Problem:
    """Return what a person must know of an error of the rooms below."""
    if isinstance(error, Problem):
        return error
    from fedsync.cli.problems import translate

    return translate(error)


def _leave(out: Out, problem: Problem, error: Any = None) -> None:
    if error is not None and out.verbose:
        import traceback

        traceback.print_exception(error)
    out.problem(problem)
    sys.exit(int(problem.exit_code))


if __name__ == "__main__":
    main()
