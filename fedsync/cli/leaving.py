"""What `fedsync bundle export` does: leaves a bundle on a stick, in a file or on standard output, and says so."""

import re
import sys
from collections.abc import Sequence, Sized
from pathlib import Path
from typing import Any

from fedsync import fatnames, media, sticks
from fedsync.bundling import Export, Request, export
from fedsync.cli import peering
from fedsync.cli.app import App
from fedsync.cli.bundles import CLASSES
from fedsync.cli.telling import short
from fedsync.errors import Exit, Problem, refused, usage
from fedsync.gossip.bundles.making import MIN_PART_BYTES
from fedsync.keyring import load_node_key
from fedsync.reading import Reading, now_ms
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, LogClass

Json = dict[str, Any]

_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
LEAST_SIZE = 100_000
"""Bytes of a file, at least: the smallest that a bundle is split to, and what encryption and files that mend add."""
FAT_BYTES = (1 << 32) - 1
"""FAT32 holds no larger file, so none is made unless somebody says a size."""


# --- Words of people --------------------------------------------------------------------------------------


def parse_size(text: str | None, option: str) -> int | None:
    """Return how many bytes a person means. Raises a Problem (exit 2)."""
    if text is None:
        return None
    found = re.fullmatch(r"(\d{1,15})(?:\.(\d))?([kMG]?)", text)
    size = int(found[1]) * _SIZES[found[3]] + int(found[2] or 0) * _SIZES[found[3]] // 10 if found else 0
    if size < LEAST_SIZE:
        raise usage(
            f"{option} {text} is no size, or one that holds nothing: {LEAST_SIZE // 1000}k at least.",
            f"Type one like {option} 700M or {option} 4G.",
        )
    return size


def parse_classes(text: str | None) -> frozenset[LogClass]:
    """Return which classes a person means. Raises a Problem (exit 2)."""
    if text is None:
        return frozenset(LogClass)
    words = [each.strip() for each in text.split(",")]
    if not all(each in CLASSES for each in words):
        raise usage(
            f"--classes {text}: there are {', '.join(CLASSES)}.", "Type one like --classes decisions."
        )
    return frozenset(LogClass(CLASSES.index(each)) for each in words)


def asked_for(reading: Reading, app: App, whom: Sequence[str]) -> dict[Key, str]:
    """Return the nodes that these words mean, and what they are called. Raises a Problem (exit 6, 7)."""
    if not whom:
        return {}
    found, names = peering.all_names(reading, app.home())
    readers: dict[Key, str] = {}
    for asked in whom:
        key = peering.find(names, asked)
        if not found.lets_in(key):
            raise refused(
                "kept_out",
                f"Nothing is left for {names[key]}: {found.why_out(key)}.",
                f"See: fedsync peers show {asked}",
            )
        readers[key] = names[key]
    return readers


# --- Leaving ------------------------------------------------------------------------------------------------


def leave(
    app: App,
    reading: Reading,
    path: str,
    readers: dict[Key, str],
    fields: Json,
    encrypt: bool,
    stick: str | None,
    parity: int = 0,
) -> None:
    """Write a bundle to PATH, note that it was left, and say so."""
    out, written = write(app, reading, path, readers, fields, encrypt, parity)
    note(app, out, stick or place_of(path))
    whole = out.end is not None and out.end.whole
    value = {
        "bundle": out.bundle.hex(),
        "for": [{"name": name, "key": key.hex()} for key, name in readers.items()],
        "files": [{"file": media.shown(str(each.path)), "bytes": each.size} for each in written],
        "whole": whole,
        "encrypted": encrypt,
    }
    if path == sticks.STDIO:
        app.out.talk(_left_line(readers))
        return
    app.out.result(value, lambda: app.out.say(*written_lines(written), *_left_lines(readers, whole, encrypt)))


def write(
    app: App,
    reading: Reading,
    path: str,
    readers: dict[Key, str],
    fields: Json,
    encrypt: bool,
    parity: int = 0,
) -> tuple[Export, list[sticks.Written]]:
    """Write the files of a bundle to PATH. Raises a Problem; files that were finished stay."""
    private = load_node_key(app.home())
    asked_size = fields.get("part_bytes")
    sizes = {
        "part_bytes": _less(asked_size or FAT_BYTES, readers, encrypt, parity),
        "total_bytes": _less(fields.get("total_bytes"), readers, encrypt, 0),
    }
    request = Request(tuple(readers), **{**fields, **sizes})
    out = export(reading.store, reading.view, private, public_key(private), request, now_ms())
    wrap_for = tuple(readers) if encrypt else ()
    if path == sticks.STDIO:
        if app.out.as_json or asked_size or parity:
            raise usage("Standard output takes one file and no other words.", "Name a file or a directory.")
        return out, [sticks.Written(Path(path), sticks.write_out(out, wrap_for, sys.stdout.buffer))]
    target = _target(app, path, readers, out.bundle, numbered=asked_size is not None)
    media.clear_unfinished(target.directory)
    written = list(sticks.write_parts(target, out, wrap_for))
    if parity:
        written += sticks.write_more(target, written, parity)
    return out, written


def _less(size: int | None, readers: Sized, encrypt: bool, parity: int) -> int | None:
    """Return how much of a size is left for the bundle itself."""
    if size is None:
        return None
    # The key of each reader, again and again; and some bytes for each piece.
    size -= size // 40 + 400 * len(readers) if encrypt else 0
    # A file that mends is a little larger than the largest of the others, as pieces are not all of one size.
    size -= size // 10 if parity else 0
    return max(size, MIN_PART_BYTES)


def _target(app: App, path: str, readers: dict[Key, str], bundle: bytes, numbered: bool) -> sticks.Target:
    where = Path(path)
    if where.is_dir():
        from fedsync import config

        maker = config.load(app.home().config).name
        return sticks.Target(where, fatnames.stem(maker, tuple(readers.values()), short(bundle)), numbered)
    stem = where.name.removesuffix(fatnames.SUFFIX)
    if not stem or stem == where.name:
        # Else a name that was typed wrong, or a stick that is not in, would become a file on this machine's own disk.
        raise Problem(
            "no_directory",
            f"There is no directory {media.shown(path)}.",
            f"Put the stick in, or name the directory that it appears as; a file's name must end with {fatnames.SUFFIX}.",
            Exit.NOT_FOUND,
        )
    return sticks.Target(where.parent, stem, numbered)


def note(app: App, out: Export, where: str) -> None:
    """Note that a bundle was left, so that it is known when no receipt comes."""
    rows = [
        {
            "bundle": each.bundle.hex(),
            "peer": each.peer.hex(),
            "at": each.at,
            "where": each.where,
            "journal": each.journal.hex(),
            "counter": each.counter,
            "since": list(each.since),
            "whole": each.whole,
            "sets": each.sets.hex(),
        }
        for each in out.left(where, now_ms())
    ]
    if rows:
        with app.door() as door:
            door.call("bundle_left", left=rows)


def place_of(path: str) -> str:
    """Return what to call the stick at a path when nobody says: what its directory is called."""
    if path == sticks.STDIO:
        return "standard output"
    where = Path(path).absolute()
    where = where if where.is_dir() else where.parent
    return media.shown(where.parent.name if where.name == "fedsync" else where.name) or "/"


def written_lines(written: Sequence[sticks.Written]) -> list[str]:
    """Return what was written, a line for each file."""
    return [f"{media.shown(str(each.path))}: {amount(each.size)}" for each in written]


def _left_lines(readers: dict[Key, str], whole: bool, encrypt: bool) -> list[str]:
    lines = [_left_line(readers)]
    if not whole:
        lines.append("Not all of it had room: what is most urgent is there. Leave the rest on another stick.")
    if encrypt:
        lines.append("Nobody else can read it.")
    return lines


def _left_line(readers: dict[Key, str]) -> str:
    if not readers:
        return "It is for whoever finds it."
    names = ", ".join(readers.values())
    return f"It is for {names}. Whether it arrives: fedsync bundle receipts"


def amount(size: int) -> str:
    """Return how many bytes there are, as people count."""
    for unit, word in ((10**9, "GB"), (10**6, "MB"), (10**3, "kB")):
        if size >= unit:
            return f"{size / unit:.1f} {word}"
    return f"{size} bytes"
