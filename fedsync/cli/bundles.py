"""`fedsync bundle`: records carried as files, on sticks, by mail, by whatever carries them."""

from typing import Any

import click

from fedsync.cli.app import App, common, group

CLASSES = ("decisions", "plans", "stock", "texts")
"""What people call the classes of logs, in their order: LogClass."""


@group
def bundle() -> None:
    """Carry records as files: on a stick, by mail, by whatever carries files."""


def _for(command: Any) -> Any:
    return click.option(
        "--for", "whom", multiple=True, metavar="PEER", help="Whom it is for; once for each."
    )(command)


def _encrypt(command: Any) -> Any:
    return click.option("--encrypt", is_flag=True, help="Only those whom it is for can read it.")(command)


@bundle.command()
@click.argument("path")
@_for
@click.option("--public", is_flag=True, help="For whoever finds it: what is meant for the whole world.")
@click.option(
    "--classes", metavar="LIST", help=f"Only these, with commas between: {','.join(CLASSES)}. Default: all."
)
@click.option("--max-size", metavar="SIZE", help="Of one file: 700M, 4G. There are as many as it needs.")
@click.option("--total", metavar="SIZE", help="Of all files: what is most urgent comes first.")
@click.option(
    "--parity", type=click.IntRange(1, 64), metavar="K", help="K files more: any K of all may get lost."
)
@click.option("--only-new", is_flag=True, help="Without what was left before, though no receipt came of it.")
@_encrypt
@click.option("--stick", metavar="NAME", help="What you call the stick; default: its directory.")
@common
def export(
    app: App,
    path: str,
    whom: tuple[str, ...],
    public: bool,
    classes: str | None,
    max_size: str | None,
    total: str | None,
    parity: int | None,
    only_new: bool,
    encrypt: bool,
    stick: str | None,
) -> None:
    """Write what peers may lack to PATH: a directory, a file, or - for standard output. Recalls come first.

    What they have confirmed is left out; also what this node misses, and what has arrived here, goes along.
    """
    from fedsync.cli.leaving import asked_for, leave, parse_classes, parse_size
    from fedsync.errors import usage

    if bool(whom) == public:
        raise usage(
            "Say whom it is for: their part of what is held here is written.",
            "Add --for PEER, once for each; or --public for what is meant for the whole world.",
        )
    if public and encrypt:
        raise usage("What is for everybody is not encrypted.", "Take one of the two out.")
    with app.reading() as reading:
        readers = asked_for(reading, app, whom)
        fields: dict[str, Any] = {
            "classes": parse_classes(classes),
            "part_bytes": parse_size(max_size, "--max-size"),
            "total_bytes": parse_size(total, "--total"),
            "trusting": only_new,
        }
        leave(app, reading, path, readers, fields, encrypt, stick, parity or 0)


@bundle.command("import")
@click.argument("paths", nargs=-1, required=True, metavar="PATH...|-")
@common
def import_(app: App, paths: tuple[str, ...]) -> None:
    """Take in bundles: files, whatever bundles lie in directories, or - for standard input.

    In any order, and again and again. Of a file that is damaged or cut short all that is whole is taken.
    """
    from fedsync.cli.takingin import take_in

    take_in(app, paths)


@bundle.command("list")
@click.argument("paths", nargs=-1, metavar="[PATH...]")
@common
def list_(app: App, paths: tuple[str, ...]) -> None:
    """List what was left for whom and what came; with PATH: what bundles lie there, without taking them in."""
    from fedsync.cli.carrying import show_known
    from fedsync.cli.takingin import look_at

    if paths:
        look_at(app, paths)
    else:
        show_known(app)


@bundle.command()
@click.argument("path", required=False)
@_for
@_encrypt
@common
def want(app: App, path: str | None, whom: tuple[str, ...], encrypt: bool) -> None:
    """Name what is missing here; with PATH: ask for it in a small file, for those who said that they hold it."""
    from fedsync.cli.carrying import show_missing

    show_missing(app, path, whom, encrypt)


@bundle.command()
@click.argument("path", required=False)
@_for
@_encrypt
@common
def receipts(app: App, path: str | None, whom: tuple[str, ...], encrypt: bool) -> None:
    """Show which bundles have arrived, here and there; with PATH: confirm those that came here in a small file."""
    from fedsync.cli.carrying import show_receipts

    show_receipts(app, path, whom, encrypt)
