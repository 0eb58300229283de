"""A word with commands below it, such as `fedsync stock`. Imports click alone: the way in rests on it."""

from typing import Final

import click

LONGEST_HELP: Final = 1000
"""Characters of a command's first sentence in a list of commands: it goes on in the next line, and is never cut."""


class Group(click.Group):
    """A group that answers a word it does not know with those that it does."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the command that the words name. Raises UsageError."""
        if not args[0].startswith("-") and self.get_command(ctx, args[0]) is None:
            self.say_commands(ctx, f"There is no {ctx.command_path} {args[0]}.")
        return super().resolve_command(ctx, args)

    def say_commands(self, ctx: click.Context, message: str) -> None:
        """Raise UsageError with `message` and the commands that there are."""
        ctx.fail(f"{message} Commands: {', '.join(self.list_commands(ctx))}.")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands."""
        found = [(name, self.get_command(ctx, name)) for name in self.list_commands(ctx)]
        rows = [(name, each.get_short_help_str(LONGEST_HELP)) for name, each in found if each is not None]
        with formatter.section("Commands"):
            formatter.write_dl(rows)
