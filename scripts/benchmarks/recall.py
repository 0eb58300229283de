"""A node comes back after a long time away, with facts and a recall waiting for it: what comes before the recall."""

import argparse
import time
from collections.abc import Callable
from typing import Any

from benchmarks.nodes import daemon, fill, introduce, make_home, opened, status, workplace
from fedsync import keyring
from fedsync.acts.author import Author
from fedsync.acts.books import minutes
from fedsync.crdt.books.booktables import SEALED
from fedsync.crdt.books.booktables import status as status_of
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import PageId


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the milliseconds from the connection to the recall in force, the bytes and the records that came before."""
    with workplace() as where:
        full = make_home(where / "full", "Full", 3)
        away = make_home(where / "away", "Away")
        with opened(full) as node:
            fill(node, full, 300)
        introduce(away, full)
        holder = _holder(full)
        given = _page(full, {"kind": "mandate", "holder": holder, "task": "granary", "instructions": {}})
        with daemon(full), daemon(away):
            _wait(lambda: _root(full) == _root(away))
        with opened(full) as node:
            fill(node, full, arguments.records, 500)
        recall = _page(full, {"kind": "recall", "mandate": [given, 0], "cuts": []})
        before = _records(away)
        with daemon(full), daemon(away):
            _wait(lambda: any(peer["bytes_in"] for peer in status(away)["peers"]), 0.001)
            begun = time.perf_counter()
            _wait(lambda: _sealed(away, recall), 0.001)
            took = time.perf_counter() - begun
            bytes_in = status(away)["peers"][0]["bytes_in"]
            held = _records(away) - before
            _wait(lambda: _root(full) == _root(away))
            whole = time.perf_counter() - begun
        return {
            "records_waiting": arguments.records,
            "milliseconds": round(took * 1000),
            "bytes_by_then": bytes_in,
            "records_by_then": held,
            "milliseconds_until_equal": round(whole * 1000),
        }


def _page(home: Home, entry: dict[str, Value]) -> PageId:
    tellers = ("teller 0", "teller 1")
    page = None
    for name in (tellers[0], *tellers, tellers[0]):
        author = Author.unlock(home, name, lambda: None)
        with Reading.open(home) as reading, open_door(home) as door:
            if page is None:
                page, _ = minutes.enter(author, reading, door, reading.own().scope, [entry])
            elif not _sealed(home, page):
                minutes.sign(author, reading, door, page)
    assert page is not None
    assert _sealed(home, page)
    return page


def _holder(home: Home) -> bytes:
    return public_key(keyring.load_person(home, "teller 2", None))


def _sealed(home: Home, page: PageId) -> bool:
    with Reading.open(home) as reading:
        found = [status_of(reading.view, each.scope, page) for each in reading.store.followed.all()]
    return any(each is not None and each.status == SEALED for each in found)


def _records(home: Home) -> int:
    with Reading.open(home) as reading:
        return reading.store.logs.count()


def _root(home: Home) -> bytes:
    with Reading.open(home) as reading:
        return reading.state_root()


def _wait(done: Callable[[], bool], pause: float = 0.05) -> None:
    end = time.monotonic() + 120
    while not done():
        if time.monotonic() > end:
            raise SystemExit("it did not come within two minutes")
        time.sleep(pause)
