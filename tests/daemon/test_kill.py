"""The power fails while records pour in, again and again: nothing that was acknowledged is lost, nothing counts twice."""

from random import Random

import pytest

from fedsync.reading import Reading
from tests.daemon.village import Node, Village, equal, told, until
from tests.seeds import seeds

SEEDS = seeds(1)
KILLS = 6
BATCHES, BATCH = 12, 500
"""Movements: six thousand, so that there is a sync to be killed in."""


def tips(node: Node) -> dict[bytes, int]:
    """Return how far each log is held: what was acknowledged to peers and shown to people."""
    with Reading.open(node.home) as reading:
        rows = reading.store.conn.execute(
            "SELECT l.id, max(h.seq) FROM logs l JOIN heads h ON h.log = l.no GROUP BY 1"
        )
        return dict(rows.fetchall())


@pytest.mark.parametrize("seed", SEEDS)
def test_a_receiver_that_is_killed_again_and_again_ends_equal_and_loses_nothing(
    village: Village, seed: int
) -> None:
    die = Random(seed)
    oak, mill = village.line("Oakfield", "Mill Lane")
    equal(oak, mill)
    mill.kill()
    total = 0
    for _ in range(BATCHES):
        amounts = [die.randrange(1, 50) for _ in range(BATCH)]
        oak.move(die.choice(oak.tellers), *amounts)
        total += sum(amounts)
    held = tips(mill)
    own = 0
    for _ in range(KILLS):
        mill.start()
        # It dies somewhere between its first block and its last; the die says how far it may come.
        target = mill.records() + die.randrange(0, 900)
        until(lambda target=target: mill.records() >= min(target, oak.records()))  # type: ignore[misc]
        own += 1
        mill.move("Ben", 1)
        before = tips(mill)
        mill.kill()
        after = tips(mill)
        assert all(after[log] >= seq for log, seq in {**held, **before}.items())
        held = after
    mill.start()
    root = equal(oak, mill)
    assert oak.stock() == total, told(oak, mill)
    assert mill.stock() == own
    assert mill.call("rebuild")["after"] == root
    assert oak.records() == mill.records()
    mill.stop()
    mill.run("verify", "--all")


def test_the_sender_is_killed_while_it_sends(village: Village) -> None:
    die = Random(7)
    oak, mill = village.line("Oakfield", "Mill Lane")
    mill.kill()
    oak.move("Ann", *range(1, 2001))
    for _ in range(4):
        oak.kill()
        if not mill.alive:
            mill.start()
        oak.start()
        target = min(mill.records() + die.randrange(0, 700), oak.records())
        until(lambda target=target: mill.records() >= target)  # type: ignore[misc]
    equal(oak, mill)
    assert oak.stock() == sum(range(1, 2001))
