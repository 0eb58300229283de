"""What waits here for what never comes is forgotten in time, by a daemon and by whoever only takes in files."""

from fedsync.daemon.status import save_peers
from fedsync.node import Node
from fedsync.records.block import BlockHead
from fedsync.records.ids import Key, LogId, RecordId
from tests.bundling.nodes import two
from tests.nodes import NOON, node

LOG, SOMEBODY = LogId(b"l" * 32), Key(b"1" * 32)


def fill(at: Node) -> None:
    with at.store.transaction() as store:
        for until, raw in ((NOON - 1, b"old"), (NOON + 10**9, b"new")):
            assert store.parked.park(SOMEBODY, LOG, raw, until)
            head = BlockHead(LOG, until % 1000 + 1, 1, RecordId(bytes(32)))
            assert store.ahead.keep(head, SOMEBODY, raw, until)


def left(at: Node) -> tuple[list[bytes], int]:
    return [each.raw for each in at.store.parked.waiting(LOG)], len(at.store.ahead.spans()[LOG])


def test_a_daemon_forgets_what_waited_too_long_whenever_it_keeps_what_people_are_shown() -> None:
    with node() as at:
        at.now = lambda: NOON
        fill(at)
        assert left(at) == ([b"old", b"new"], 2)
        save_peers(at, [], b"", b"")
        assert left(at) == ([b"new"], 1)


def test_whoever_takes_in_files_without_a_daemon_forgets_it_too() -> None:
    with two() as (north, south, _):
        fill(south.node)
        south.take(north.file(south.key))
        assert left(south.node) == ([b"new"], 1)
