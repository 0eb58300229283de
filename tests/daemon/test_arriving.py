"""What is urgent on a stick is there before the rest of it is read, whatever lies before it."""

import os
from pathlib import Path

import pytest

from fedsync.gossip.bundles.chunks import MAGIC
from fedsync.records.ids import PageId
from tests.daemon.test_sticks import acquainted, watches
from tests.daemon.test_urgent import seal, sealed_at
from tests.daemon.village import Node, Village, until

HUGE = 1 << 36
"""Zeros, of which 4 GB are read: some 16 seconds of a core."""
HUGE_FILES = 5
"""More than are read side by side."""


def recalled(mill: Node) -> PageId:
    """Give somebody a mandate and recall it, with some stock; return the page of the recall."""
    mill.run("people", "add", "Vera", "--no-passphrase", "--as", "Ann")
    words = ("mandates", "give", "Vera", "--task", "granary", "--may", "economic_event", "--as", "Ann")
    seal(mill, PageId(bytes.fromhex(mill.json(*words)["page"])))
    mill.move("Ann", *range(1, 100))
    page = PageId(bytes.fromhex(mill.json("mandates", "recall", "Vera", "--as", "Ann")["page"]))
    seal(mill, page)
    return page


@pytest.mark.parametrize("largest", [False, True])
def test_a_recall_in_the_last_file_waits_for_none_of_the_huge_ones_before_it(
    village: Village, tmp_path: Path, largest: bool
) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place)
    page = recalled(mill)
    for number in range(HUGE_FILES):
        with (place / f"{number}.fedsync").open("wb") as file:
            file.write(MAGIC)
            file.truncate(HUGE)
    words = ("--encrypt",) if largest else ()
    mill.run("bundle", "export", place / "z.fedsync", "--for", "Oakfield", *words)
    if largest:
        os.truncate(place / "z.fedsync", HUGE + 1)
    oak.start()

    until(lambda: sealed_at(oak, page), why=oak.said)
    if not largest:
        # And the rest of it is not behind them either.
        until(lambda: "z.fedsync: " in oak.said(), why=oak.said)
    for number in range(HUGE_FILES):
        assert f"{number}.fedsync" not in oak.said()
    assert oak.stop() == 0


def test_what_came_early_is_counted_with_the_file(village: Village, tmp_path: Path) -> None:
    oak, mill = (village.node(name, start=False, listen="none") for name in ("Oakfield", "Mill Lane"))
    acquainted(oak, mill)
    place = tmp_path / "media"
    watches(oak, place)
    recalled(mill)
    before = oak.records()
    mill.run("bundle", "export", place / "z.fedsync", "--for", "Oakfield")
    oak.start()

    until(lambda: "from Mill Lane" in oak.said(), why=oak.said)
    assert f"z.fedsync: {oak.records() - before} records from Mill Lane" in oak.said()
