"""A running node seals and carries by itself, also what it had to leave for a later hour."""

from pathlib import Path

import pytest
import trio
from trio.testing import MockClock

from fedsync import config
from fedsync.crdt.books import carrying
from fedsync.daemon.run import Daemon
from fedsync.home import Home
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.store.reading import open_reader
from tests.acts.test_carrying import copies, used_pages
from tests.acts.test_world import REGIONS, World
from tests.daemon.shell import NOON, _in_the_loop

HOURS = 4


def test_what_was_over_the_share_of_an_hour_is_carried_later_though_nothing_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(carrying, "MAX_USED", 1)
    made = World(tmp_path)
    made.found_world()
    scope, pages = used_pages(made, HOURS)
    made.meet()
    counts: dict[Home, list[int]] = {}

    def carried(home: Home) -> int:
        with Reading.open(home) as reading:
            return sum(copies(reading, scope, page) for page in pages)

    async def live(home: Home) -> None:
        node = open_node(home)
        node.now = lambda: NOON + round(trio.current_time() * 1000)
        try:
            with open_reader(home.store) as reader:
                async with trio.open_nursery() as nursery:
                    daemon = Daemon(home, node, reader, config.load(home.config), nursery)
                    nursery.start_soon(daemon.seal_pages)
                    for _ in range(HOURS):
                        counts.setdefault(home, []).append(carried(home))
                        await trio.sleep(3700)
                    nursery.cancel_scope.cancel()
        finally:
            node.store.close()

    for name in REGIONS["Valley"]:
        with made.homes[name].lock(), _in_the_loop(0):
            trio.run(live, made.homes[name], clock=MockClock(autojump_threshold=0))
    # Whose turn it is to carry depends on keys.
    assert any(each[0] < each[1] < each[-1] == len(pages) for each in counts.values()), counts
