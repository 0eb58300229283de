"""A running node drafts the page that confirms a region's results, when its operator lets it. Starts a daemon."""

from pathlib import Path

import pytest

from fedsync.crdt.books.minutes import pages
from fedsync.reading import Reading
from fedsync.records.kinds.entries import Confirm
from tests.acts.test_confirming import Region
from tests.daemon.village import Node, until


def confirms(node: Node) -> list[Confirm]:
    """Return the words on drafted pages of a node's own book."""
    with Reading.open(node.home) as reading:
        return [
            entry
            for page in pages(reading.view, reading.own().scope)
            if page.status == "drafted"
            for entry in page.entries
            if isinstance(entry, Confirm)
        ]


@pytest.mark.parametrize(("days", "drafts"), [("0", True), ("366", False)])
def test_a_running_node_drafts_the_confirmation_when_it_is_due_and_not_before(
    tmp_path: Path, days: str, drafts: bool
) -> None:
    region = Region(tmp_path)
    home = region.valley.homes["Mill Lane"]
    with home.config.open("a", encoding="utf-8") as file:
        file.write(f"\n[confirm]\nafter_days = {days}\n")
    node = Node(home.path, "Mill Lane")
    node.start()
    try:
        if drafts:
            until(lambda: confirms(node), why=node.said)
            assert [each.motion for each in confirms(node)] == [region.motion]
        else:
            # It notes when it first saw the page, and that is all.
            until(lambda: _noted(node, region), why=node.said)
            assert confirms(node) == []
    finally:
        node.stop()
    assert len(confirms(node)) == int(drafts)


def _noted(node: Node, region: Region) -> bool:
    with Reading.open(node.home) as reading:
        return reading.store.meta.get(f"seen sealed {region.page.hex()}") is not None
