"""Commands that take a quantity: what is typed in another form is told how to type it."""

import re

import click

from fedsync.errors import usage

_NEGATIVE = re.compile(r"-[0-9]")
EXAMPLE = '"Red beans" 5 kg'


class Quantities(click.Command):
    """A command that takes a quantity: one below zero is told so, and not that there is no such option."""

    below_zero = "What came in is added (stock add), what went out is used (stock use), each above zero."

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raise a Problem (exit 2) for a number below zero where a quantity stands."""
        for before, each in zip(["", *args], args, strict=False):
            if _NEGATIVE.match(each) and not before.startswith("--"):
                raise usage(f"{each} is less than nothing, and that is no quantity.", self.below_zero)
        try:
            return super().parse_args(ctx, args)
        except click.MissingParameter as missing:
            if missing.param is None or missing.param.name not in ("quantity", "unit"):
                raise
            raise usage(
                "How much of what is not said in full.", f"Write a number and a unit apart: {EXAMPLE}."
            ) from None
        except click.UsageError as error:
            if type(error) is not click.UsageError or "extra argument" not in error.message:
                raise
            raise usage(
                "There are more words than a name, a number and a unit.",
                f"Put a name of several words in quotes: {EXAMPLE}.",
            ) from None


class Amounts(Quantities):
    """One that takes what is needed, offered, promised or granted."""

    below_zero = "Type more than zero."
