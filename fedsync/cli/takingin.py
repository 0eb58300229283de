"""What `fedsync bundle import` does, and `list PATH`: takes bundles in or only looks at them, and says what came of each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from fedsync import media, sticks
from fedsync.bundling import chunks, head, lacking, missed
from fedsync.cli import peering
from fedsync.cli.app import App
from fedsync.cli.leaving import amount
from fedsync.cli.telling import ago, rfc3339, short
from fedsync.doors import Door, take_file
from fedsync.errors import Exit, Problem
from fedsync.gossip.bundles.chunks import Piece
from fedsync.gossip.bundles.form import End, Title
from fedsync.gossip.bundles.parity import Standing
from fedsync.gossip.bundles.reading import Bad, read_chunks
from fedsync.keyring import load_node_key
from fedsync.plain import many
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import Key
from fedsync.taken import Verdict
from fedsync.wrapping import Opener

Json = dict[str, Any]

BAD_SHOWN = 8
"""Damaged places of a file that are shown; JSON has more."""


# --- Taking in ----------------------------------------------------------------------------------------------


def take_in(app: App, paths: Sequence[str]) -> None:
    """Take in all bundles at these paths, and say what came of each. Raises a Problem (exit 11) at the end when one is damaged."""
    ours = Opener(load_node_key(app.home()))
    rows: list[Json] = []
    mending: list[Standing] = []
    with app.door() as door:
        found = _begun(door, paths, ours)
        rows += [_all_of(door, each, ours) for each in found]
        if any(row["mends"] for row in rows):
            mending = sticks.mending([each.source for each in found])
            for each in sticks.mended_files([each.source for each in found], ours):
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
        missing, lost = len(lacking(reading.store)), len(missed(reading.store))
        _named(app, reading, rows)
    value = {
        "files": rows,
        "records": sum(each.get("records", 0) for each in rows),
        "mending": [
            {"files": each.files, "here": each.here, "mending": each.mending, "lacks": each.lacks}
            for each in mending
        ],
        "missing_logs": missing,
        "lost_bundles": lost,
    }
    healed = {(each["bundle"], each["part"]) for each in rows if each["file"] is None and each["ended"]}
    bad = [each for each in rows if _is_bad(each) and (each.get("bundle"), each.get("part")) not in healed]
    lines = [line for row in rows for line in _came_lines(row)]
    lines += [_mending_line(each) for each in mending if each.lacks]
    if missing:
        lines.append(f"Of {many(missing, 'log')} something is missing still: fedsync bundle want")
    if lost:
        lines.append(
            f"{many(lost, 'bundle')} before these {'has' if lost == 1 else 'have'} not come: fedsync bundle want"
        )
    if bad:
        app.out.say(*lines)
        raise Problem(*_bad_words(bad, rows), Exit.FOREIGN_FILE, value)
    app.out.result(value, lambda: app.out.say(*lines))


@dataclass
class _File:
    """A file that was looked at. `urgent`: what it begins with, if that is urgent; `early`: records that came with it."""

    source: sticks.Source
    mends: bool
    urgent: list[Piece]
    early: int = 0


def _begun(door: Door, paths: Sequence[str], ours: Opener) -> list[_File]:
    """Return the files at these paths, with what is urgent of each taken in where there are several: no recall waits for the rest."""
    found: list[_File] = []
    for source in sticks.sources(paths):
        found.append(_File(source, sticks.mends(source), _urgent(source, ours)))
        # The first alone is not read twice.
        for each in found[-2:] if len(found) > 1 else ():
            if each.urgent:
                each.early = take_file(door, each.urgent)["records"]
                each.urgent = []
    return found


def _urgent(source: sticks.Source, ours: Opener) -> list[Piece]:
    """Return what is urgent of a file that can be read twice."""
    if source.path is None or not source.path.is_file():
        return []
    try:
        with source.opened() as pieces:
            return head(pieces, ours, lambda title: False).pieces
    except Problem:
        return []  # It is told when all of it is to be read.


def _all_of(door: Door, file: _File, ours: Opener) -> Json:
    """Take in all of a file; return what came of it."""
    source = file.source
    row: Json = {"file": source.shown, "named": source.found is None, "mends": file.mends}
    try:
        with source.opened() if source.found is None else source.opened_again() as pieces:
            row |= take_file(door, chunks(pieces, ours))
            row["records"] += file.early
    except Problem as problem:
        if problem.code != "unreadable":
            raise
        row |= {"unreadable": problem.message}
    return row


def _mending_line(each: Standing) -> str:
    mend = f"{each.mending} that mend" if each.mending > 1 else "1 that mends"
    return (
        f"Of a bundle of {many(each.files, 'file')} {each.here or 'none'} and {mend} lie here: too few to mend any."
        f" Take them in together with any {each.lacks} more of the others."
    )


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
        yield f"  {many(blocks['no-base'], 'block')} {'waits' if blocks['no-base'] == 1 else 'wait'} for what goes before, which has not come yet"
    for code, count in sorted(row["refused"].items()):
        yield f"  {many(count, 'block')} not taken: {REFUSALS.get(code, code)}"
    if row["refused"].get("not-followed") and row["from"] is None:
        yield "  If you know whose it is: fedsync peers add NAME KEY, and take it in again"
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
    if row["blocks"].get(Verdict.BAD.value):
        return True  # Somebody made it so: what was damaged on the way is no piece of it any more.
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
        return (
            "not_for_us",
            f"{names}: encrypted for others.",
            "Carry it on to whom it is for. If that is you, they have another key of yours: fedsync peers show",
        )
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
