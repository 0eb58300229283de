"""How it stands with bundles: what was left and came, what is missing and asked for, what has arrived and is confirmed."""

from collections.abc import Iterator, Sequence
from typing import Any

from fedsync import media, sticks
from fedsync.bundling import Gap, Missed, lacking, missed
from fedsync.cli import peering
from fedsync.cli.app import App
from fedsync.cli.leaving import asked_for, write, written_lines
from fedsync.cli.telling import ago, rfc3339, short
from fedsync.errors import Exit, Problem
from fedsync.plain import is_are, many
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import Key
from fedsync.store.carried import CameBundle, LeftBundle

Json = dict[str, Any]

GAPS_SHOWN = 20
"""Logs of which something is missing that are shown; JSON has all."""
BUNDLES_SHOWN = 20


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
        gaps, lost = lacking(reading.store), missed(reading.store)
        _, names = peering.all_names(reading, app.home())
        value = {
            "missing": [_gap_value(reading, gap, names) for gap in gaps],
            "lost_bundles": [
                {"from": names.get(each.maker, short(each.maker)), "before": rfc3339(each.made)}
                for each in lost
            ],
        }
        makers = [key for gap in gaps for key in gap.makers] + [each.maker for each in lost]
        if path is None or not makers:
            app.out.result({**value, "file": None}, lambda: app.out.say(*_gap_lines(app, value, lost)))
            return
        found = asked_for(reading, app, whom) or {key: names.get(key, short(key)) for key in makers}
        _small(app, reading, path, found, encrypt, value, "asks")


def _gap_value(reading: Reading, gap: Gap, names: dict[Key, str]) -> Json:
    return {
        "log": gap.log.hex(),
        "body": _body_of(reading, gap.log),
        "records": [[low, high] for low, high in gap.places],
        "held_by": [names.get(key, short(key)) for key in gap.makers],
        "why": gap.code or None,
    }


def _body_of(reading: Reading, log: bytes) -> str | None:
    row = reading.store.logs.row(log)  # type: ignore[arg-type]
    return reading.name_of(row.genesis.scope) if row is not None else None


def _gap_lines(app: App, value: Json, lost: Sequence[Missed]) -> Iterator[str]:
    """Show the table of what is missing, and yield what else there is to say."""
    rows = value["missing"]
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
        none="" if lost else "Nothing is known to be missing.",
    )
    if len(rows) > GAPS_SHOWN:
        yield f"and {len(rows) - GAPS_SHOWN:,} more logs"
    for told, each in zip(value["lost_bundles"], lost, strict=True):
        yield (
            f"A bundle of {told['from']} has not come that was made before the one of "
            f"{ago(each.made, now_ms())}; nothing tells what was in it."
        )
    if rows or lost:
        yield "Ask for it: fedsync bundle want PATH"


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
    app.out.result(
        told, lambda: app.out.say(*written_lines(written), f"It {verb} {names}. Carry it to them.")
    )
