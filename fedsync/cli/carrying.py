"""What `fedsync bundle` does: leaves bundles on sticks, takes them in, and says how it stands with them."""

import re
import sys
from collections.abc import Iterator, Sequence, Sized
from pathlib import Path
from typing import Any

from fedsync import media, sticks
from fedsync.bundling import Export, Request, chunks, export, lacking
from fedsync.cli import peering
from fedsync.cli.app import App
from fedsync.cli.bundles import CLASSES
from fedsync.cli.telling import ago, rfc3339, short
from fedsync.doors import take_file
from fedsync.errors import Exit, Problem, refused, usage
from fedsync.gossip.bundles.form import End, Title
from fedsync.gossip.bundles.making import MIN_PART_BYTES
from fedsync.gossip.bundles.reading import Bad, read_chunks
from fedsync.keyring import load_node_key
from fedsync.plain import is_are, many
from fedsync.reading import Reading, now_ms
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import Key, LogClass
from fedsync.store.carried import CameBundle, LeftBundle
from fedsync.wrapping import Opener

Json = dict[str, Any]

_SIZES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}
LEAST_SIZE = 100_000
"""Bytes of a file, at least: the smallest that a bundle is split to, and what encryption and files that mend add."""
FAT_BYTES = (1 << 32) - 1
"""FAT32 holds no larger file, so none is made unless somebody says a size."""
BAD_SHOWN = 8
"""Damaged places of a file that are shown; JSON has more."""
GAPS_SHOWN = 20
"""Logs of which something is missing that are shown; JSON has all."""
BUNDLES_SHOWN = 20


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
    app.out.result(value, lambda: app.out.say(*_written(written), *_left_lines(readers, whole, encrypt)))


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
        return sticks.Target(where, media.stem(maker, tuple(readers.values()), short(bundle)), numbered)
    stem = where.name.removesuffix(media.SUFFIX)
    if not stem or path.endswith("/"):
        raise Problem(
            "no_directory", f"There is no directory {media.shown(path)}.", "Put the stick in.", Exit.NOT_FOUND
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


def _written(written: Sequence[sticks.Written]) -> list[str]:
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


# --- Taking in ----------------------------------------------------------------------------------------------


def take_in(app: App, paths: Sequence[str]) -> None:
    """Take in all bundles at these paths, and say what came of each. Raises a Problem (exit 11) at the end when one is damaged."""
    ours = Opener(load_node_key(app.home()))
    rows: list[Json] = []
    found: list[sticks.Source] = []
    with app.door() as door:
        for source in sticks.sources(paths):
            found.append(source)
            row: Json = {"file": source.shown, "named": source.found is None, "mends": sticks.mends(source)}
            try:
                with source.opened() as pieces:
                    row |= take_file(door, chunks(pieces, ours))
            except Problem as problem:
                if problem.code != "unreadable":
                    raise
                row |= {"unreadable": problem.message}
            rows.append(row)
        if any(row["mends"] for row in rows):
            for each in sticks.mended_files(found, ours):
                row = {"file": None, "named": False, "mends": False, **take_file(door, each)}
                if not _not_ours(row):
                    rows.append(row)
    if not rows:
        raise Problem(
            "no_bundle",
            f"No bundle lies in {', '.join(map(media.shown, paths))}.",
            "Name the directory that the stick appears as, or the file itself.",
            Exit.NOT_FOUND,
        )
    with app.reading() as reading:
        missing = len(lacking(reading.store))
        _named(app, reading, rows)
    value = {"files": rows, "records": sum(each.get("records", 0) for each in rows), "missing_logs": missing}
    healed = {(each["bundle"], each["part"]) for each in rows if each["file"] is None and each["ended"]}
    bad = [each for each in rows if _is_bad(each) and (each.get("bundle"), each.get("part")) not in healed]
    lines = [line for row in rows for line in _came_lines(row)]
    if missing:
        lines.append(f"Of {many(missing, 'log')} something is missing still: fedsync bundle want")
    if bad:
        app.out.say(*lines)
        raise Problem(*_bad_words(bad, rows), Exit.FOREIGN_FILE, value)
    app.out.result(value, lambda: app.out.say(*lines))


def _named(app: App, reading: Reading, rows: Sequence[Json]) -> None:
    """Put in what the makers of these files are called here."""
    _, names = peering.all_names(reading, app.home())
    own = peering.own_key(app.home())
    for row in rows:
        maker = row.get("maker")
        key = Key(bytes.fromhex(maker)) if maker else None
        row["from"] = None if key is None else "this node" if key == own else names.get(key)


def _name(names: dict[Key, str], own: Key, key: Key) -> str:
    return "this node" if key == own else names.get(key, short(key))


def _came_lines(row: Json) -> Iterator[str]:
    if row.get("unreadable"):
        yield row["unreadable"]
        return
    who = row["from"] or (f"unknown node {row['maker'][:8]}" if row["maker"] else "nobody who can be told")
    name = row["file"] or f"file {row['part'] or '?'} of a bundle, mended by others"
    if row["mends"]:
        yield f"{name}: it mends others"
        yield from (f"  {_bad_place(each)}" for each in row["bad"][:BAD_SHOWN])
        return
    if _not_ours(row):
        yield f"{row['file']}: it is encrypted for others"
        return
    if _foreign(row):
        yield f"{row['file']}: no bundle of fedsync"
        return
    records = many(row["records"], "record") if row["records"] else "no new record"
    blocks = row["blocks"]
    yield f"{name}: {records}, from {who}"
    if blocks.get("no-base"):
        yield f"  {many(blocks['no-base'], 'block')} wait for what they follow, which has not come yet"
    for code, count in sorted(row["refused"].items()):
        yield f"  {many(count, 'block')} not taken: {REFUSALS.get(code, code)}"
    for each in row["bad"][:BAD_SHOWN]:
        yield f"  {_bad_place(each)}"
    more = row["damaged"] - min(len(row["bad"]), BAD_SHOWN)
    if more > 0:
        yield f"  and {more:,} more places are damaged"
    if not row["ended"] and row["file"] is not None:
        yield "  its end is missing: it was cut short, or was still being written"


REFUSALS = {
    "not-followed": "their body is not followed here",
    "extent": "so much of their body is not followed here",
    "unknown-author": "nobody here knows their author yet; they wait",
    "no-room": "there is no room for more that waits",
}
"""What people are told of why a block was not taken; others by their code."""


def _bad_place(bad: Json) -> str:
    match bad["why"]:
        case "cut-short":
            return f"cut short at byte {bad['at']:,}"
        case "wrapped":
            return f"{amount(bad['size'])} are encrypted for others"
        case "signature":
            return f"piece {bad['chunk']} was not signed by its maker"
        case "shape":
            return f"piece {bad['chunk']} says nothing that can be understood"
        case _ if bad["at"] < 0:
            return f"damaged: a piece of {amount(bad['size'])}"
        case _:
            return f"damaged from byte {bad['at']:,} on, {amount(bad['size'])}"


def _is_bad(row: Json) -> bool:
    """Say whether there is something wrong with a file. That a stick has what is for others as well is as it should be."""
    if row.get("unreadable"):
        return True
    return bool(row["damaged"]) and (row["named"] or not _not_ours(row))


def _not_ours(row: Json) -> bool:
    return bool(row["bad"]) and row["maker"] is None and all(each["why"] == "wrapped" for each in row["bad"])


def _foreign(row: Json) -> bool:
    return any(each["why"] == "foreign" for each in row["bad"])


def _bad_words(bad: Sequence[Json], rows: Sequence[Json]) -> tuple[str, str, str]:
    names = ", ".join(each["file"] for each in bad[:3]) + (
        "" if len(bad) <= 3 else f" and {len(bad) - 3} more"
    )
    if all("damaged" in each and _not_ours(each) for each in bad):
        return "not_for_us", f"{names}: encrypted for others.", "Carry it on to whom it is for."
    if all("damaged" in each and _foreign(each) for each in bad):
        return (
            "foreign_file",
            f"{names}: no bundle of fedsync. Archives are not unpacked here.",
            "Name the bundle itself; unpack an archive first.",
        )
    return (
        "damaged_file",
        f"{names}: damaged. All that is whole was taken; nothing else was changed.",
        "Ask for what is missing: fedsync bundle want PATH",
    )


# --- Looking ------------------------------------------------------------------------------------------------


def look_at(app: App, paths: Sequence[str]) -> None:
    """Say what bundles lie at these paths, without taking anything in."""
    ours = _opener(app)
    rows: list[Json] = []
    for source in sticks.sources(paths):
        row: Json = {"file": source.shown, "maker": None, "part": None, "made": None, "readers": []}
        row |= {"pieces": 0, "damaged": 0, "bad": [], "ended": False, "last": False, "whole": False}
        with source.opened() as pieces:
            for found in read_chunks(chunks(pieces, ours)):
                _look(row, found)
        rows.append(row)
    with app.reading() as reading:
        _named(app, reading, rows)
        _, names = peering.all_names(reading, app.home())
        own = peering.own_key(app.home())
        for row in rows:
            row["for"] = [_name(names, own, Key(bytes.fromhex(each))) for each in row["readers"]]
    app.out.result(
        {"files": [{**row, "made": rfc3339(row["made"])} for row in rows]},
        lambda: app.out.table(
            ["FILE", "FROM", "FOR", "MADE", "PIECES", "STATE"],
            [_looked(row) for row in rows],
            right=["PIECES"],
            none="No bundle lies there.",
        ),
    )


def _look(row: Json, found: object) -> None:
    match found:
        case Bad(at, size, why, number):
            row["damaged"] += 1
            if len(row["bad"]) < BAD_SHOWN:
                row["bad"].append({"at": at, "size": size, "why": why, "chunk": number})
            return
        case Title() if row["maker"] is None:
            row |= {
                "bundle": found.said.bundle.hex(),
                "maker": found.said.maker.hex(),
                "part": found.part + 1,
                "made": found.made,
                "readers": [each.hex() for each in found.readers],
            }
        case End():
            row |= {"ended": True, "last": found.last, "whole": found.whole}
    row["pieces"] += 1


def _looked(row: Json) -> list[object]:
    if _not_ours(row):
        return [row["file"], "?", "others", "?", "?", "encrypted for others"]
    if _foreign(row):
        return [row["file"], "", "", "", 0, "no bundle of fedsync"]
    state = "whole" if row["ended"] else "cut short"
    if row["damaged"]:
        state = f"damaged in {many(row['damaged'], 'place')}"
    who = row["from"] or (row["maker"][:8] if row["maker"] else "?")
    readers = ", ".join(row["for"]) or ("everybody" if row["maker"] else "?")
    return [row["file"], who, readers, ago(row["made"], now_ms()), row["pieces"], state]


def _opener(app: App) -> Opener | None:
    # Looking needs no key.
    try:
        return Opener(load_node_key(app.home()))
    except (Problem, OSError):
        return None


def show_known(app: App) -> None:
    """Say what was left for whom and what came."""
    with app.reading() as reading:
        _, names = peering.all_names(reading, app.home())
        left, came = reading.store.carried.left(), reading.store.carried.came()
    now = now_ms()

    def show() -> None:
        app.out.table(
            ["LEFT FOR", "STICK", "WHEN", "ARRIVED"],
            [
                [names.get(each.peer, short(each.peer)), each.where, ago(each.at, now), _arrived(each, now)]
                for each in left[:BUNDLES_SHOWN]
            ],
            none="Nothing was left for anybody.",
        )
        app.out.table(
            ["CAME FROM", "MADE", "CAME", "STATE"],
            [
                [
                    names.get(each.maker, short(each.maker)),
                    ago(each.made, now),
                    ago(each.at, now),
                    _state(each),
                ]
                for each in came[:BUNDLES_SHOWN]
            ],
            none="Nothing came.",
        )

    app.out.result(
        {
            "left": [left_value(each, names) for each in left],
            "came": [_came_value(each, names) for each in came],
        },
        show,
    )


def left_value(left: LeftBundle, names: dict[Key, str]) -> Json:
    """Return a bundle that was left, for programs."""
    return {
        "bundle": left.bundle.hex(),
        "for": names.get(left.peer),
        "key": left.peer.hex(),
        "stick": left.where,
        "at": rfc3339(left.at),
        "whole": left.whole,
        "arrived": rfc3339(left.arrived),
    }


def _came_value(came: CameBundle, names: dict[Key, str]) -> Json:
    return {
        "bundle": came.bundle.hex(),
        "from": names.get(came.maker),
        "key": came.maker.hex(),
        "made": rfc3339(came.made),
        "at": rfc3339(came.at),
        "files": [each + 1 for each in sorted(came.files)],
        "last": None if came.last is None else came.last + 1,
        "whole": came.whole,
        "done": came.done,
    }


def _arrived(left: LeftBundle, now: int) -> str:
    return "no receipt yet" if left.arrived is None else f"receipt {ago(left.arrived, now)}"


def _state(came: CameBundle) -> str:
    if came.done:
        return "all of it is here"
    if came.last is not None and len(came.files) <= came.last:
        lost = sorted(set(range(came.last + 1)) - came.files)
        return f"file {', '.join(str(each + 1) for each in lost[:5])} of {came.last + 1} {is_are(len(lost))} missing"
    return "some of it is missing"


# --- Asking and confirming ------------------------------------------------------------------------------


def show_missing(app: App, path: str | None, whom: Sequence[str], encrypt: bool) -> None:
    """Name what is missing; with PATH, write a request for it."""
    with app.reading() as reading:
        gaps = lacking(reading.store)
        _, names = peering.all_names(reading, app.home())
        rows = [
            {
                "log": gap.log.hex(),
                "body": _body_of(reading, gap.log),
                "records": [[low, high] for low, high in gap.places],
                "held_by": [names.get(key, short(key)) for key in gap.makers],
                "why": gap.code or None,
            }
            for gap in gaps
        ]
        if path is None or not gaps:
            app.out.result({"missing": rows, "file": None}, lambda: _show_gaps(app, rows))
            return
        found = asked_for(reading, app, whom) or {
            key: names.get(key, short(key)) for gap in gaps for key in gap.makers
        }
        _small(app, reading, path, found, encrypt, {"missing": rows}, "asks")


def _body_of(reading: Reading, log: bytes) -> str | None:
    row = reading.store.logs.row(log)  # type: ignore[arg-type]
    return reading.name_of(row.genesis.scope) if row is not None else None


def _show_gaps(app: App, rows: Sequence[Json]) -> None:
    app.out.table(
        ["MISSING", "OF", "IN LOG", "HELD BY", ""],
        [
            [
                _places(row["records"]),
                row["body"] or "?",
                row["log"][:8],
                ", ".join(row["held_by"]) or "?",
                row["why"] or "",
            ]
            for row in rows[:GAPS_SHOWN]
        ],
        none="Nothing is known to be missing.",
    )
    if len(rows) > GAPS_SHOWN:
        app.out.say(f"and {len(rows) - GAPS_SHOWN:,} more logs")
    if rows:
        app.out.say("Ask for it: fedsync bundle want PATH")


def _places(stretches: Sequence[Sequence[int]]) -> str:
    """Return which records of a log are missing, counted from 1 as people do."""
    if not stretches:
        return "another branch"
    told = [f"{low + 1}" if low == high else f"{low + 1} to {high + 1}" for low, high in stretches[:3]]
    more = "" if len(stretches) <= 3 else f" and {len(stretches) - 3} more stretches"
    word = "record" if len(stretches) == 1 and stretches[0][0] == stretches[0][1] else "records"
    return f"{word} {', '.join(told)}{more}"


def show_receipts(app: App, path: str | None, whom: Sequence[str], encrypt: bool) -> None:
    """Show which bundles have arrived; with PATH, confirm those that came here."""
    with app.reading() as reading:
        _, names = peering.all_names(reading, app.home())
        tables = reading.store.carried
        if path is None:
            left, came = tables.left(), [each for each in tables.came() if each.done]
            _show_receipts(app, left, came, names)
            return
        found = asked_for(reading, app, whom) or {
            key: names.get(key, short(key)) for key in tables.peers() if key != peering.own_key(app.home())
        }
        if not found:
            raise Problem(
                "nothing_came",
                "No bundle has come here, so there is none to confirm.",
                "Take one in first: fedsync bundle import PATH",
                Exit.NOT_FOUND,
            )
        _small(app, reading, path, found, encrypt, {}, "confirms what came from")


def _show_receipts(
    app: App, left: Sequence[LeftBundle], came: Sequence[CameBundle], names: dict[Key, str]
) -> None:
    now = now_ms()
    waiting = [each for each in left if each.arrived is None]
    lines = [
        f"{names.get(each.peer, short(each.peer))}: stick {each.where} of {ago(each.at, now)}: {_arrived(each, now)}"
        for each in left[:BUNDLES_SHOWN]
    ] or ["Nothing was left for anybody."]
    if came:
        lines.append(
            f"{many(len(came), 'bundle')} came here whole. Confirm them: fedsync bundle receipts PATH"
        )
    app.out.result(
        {
            "left": [left_value(each, names) for each in left],
            "without_receipt": len(waiting),
            "came": [_came_value(each, names) for each in came],
        },
        lambda: app.out.say(*lines),
    )


def _small(
    app: App,
    reading: Reading,
    path: str,
    readers: dict[Key, str],
    encrypt: bool,
    value: Json,
    verb: str,
) -> None:
    """Write a file with wishes and receipts alone."""
    _, written = write(app, reading, path, readers, {"classes": frozenset()}, encrypt)
    names = ", ".join(readers.values())
    told = {
        **value,
        "file": media.shown(str(written[0].path)),
        "bytes": sum(each.size for each in written),
        "for": [{"name": name, "key": key.hex()} for key, name in readers.items()],
    }
    if path == sticks.STDIO:
        return
    app.out.result(told, lambda: app.out.say(*_written(written), f"It {verb} {names}. Carry it to them."))
