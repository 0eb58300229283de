"""Fifty bundles, shuffled, some twice, some lost, some damaged, beside a naive account of what they held."""

import random
from collections.abc import Iterable

import pytest

from fedsync.gossip.bundles.form import Block, Tips
from fedsync.gossip.bundles.reading import read
from fedsync.records.block import peek
from fedsync.records.ids import LogClass, LogId, Reach
from tests.bundling.nodes import TELLERS, At, root, roots, two
from tests.nodes import Scribe
from tests.seeds import seeds

BUNDLES = 50


def bundles(north: At, south: At, scribe: Scribe, dice: random.Random) -> list[bytes]:
    """Return what was left day by day, each without what was left before."""
    found = []
    for _ in range(BUNDLES):
        for teller in dice.sample(TELLERS, dice.randint(1, len(TELLERS))):
            reach = dice.choice((Reach.WORLD, Reach.REGION))
            drafts = scribe.moves(*[dice.randint(1, 9) for _ in range(dice.randint(1, 4))])
            scribe.write(teller, LogClass.FACTS, *drafts, reach=reach)
        found.append(north.file(south.key, trusting=True))
    return found


def on_the_road(files: list[bytes], dice: random.Random) -> list[bytes]:
    """Return them as they arrive: shuffled, a fifth twice, a tenth lost, another damaged or cut short."""
    arriving = [file for file in files if dice.random() > 0.1]
    arriving += dice.sample(arriving, len(arriving) // 5)
    dice.shuffle(arriving)
    for at in dice.sample(range(len(arriving)), 8):
        file = bytearray(arriving[at])
        if dice.random() < 0.5:
            del file[dice.randrange(len(file)) :]
        for _ in range(dice.randint(1, 3) if file else 0):
            file[dice.randrange(len(file))] ^= 1 << dice.randrange(8)
        arriving[at] = bytes(file)
    return arriving


Account = tuple[dict[LogId, int], dict[LogId, set[int]]]


def naive(held: dict[LogId, int], files: Iterable[bytes]) -> Account:
    """Return the last place held of each log, and which places are missing, as one would count it by hand."""
    there: dict[LogId, set[int]] = {log: set(range(last + 1)) for log, last in held.items()}
    told = dict(held)
    for file in files:
        for each in read([file]):
            if isinstance(each, Block):
                head = peek(each.raw)
                there.setdefault(head.log, set()).update(range(head.first, head.last + 1))
                told[head.log] = max(told.get(head.log, -1), head.last)
            elif isinstance(each, Tips):
                for tip in each.rows:
                    told[tip.log] = max(told.get(tip.log, -1), tip.seq)
    ends, missing = {}, {}
    for log, places in there.items():
        last = next(place for place in range(len(places) + 1) if place not in places) - 1
        if last >= 0:
            ends[log] = last
    for log, last in told.items():
        gone = set(range(last + 1)) - there.get(log, set())
        if gone or ends.get(log, -1) < last:
            missing[log] = gone
    return ends, missing


@pytest.mark.parametrize("seed", seeds(2))
def test_all_that_is_present_is_taken_the_missing_named_and_one_request_brings_it(seed: int) -> None:
    dice = random.Random(seed)
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        before = south.ends()
        arriving = on_the_road(bundles(north, south, scribe, dice), dice)
        ends, missing = naive(before, arriving)
        came = south.take(*arriving)
        assert came.damaged
        assert south.ends() == ends
        named = {
            log: {place for first, last in stretches for place in range(first, last + 1)}
            for log, stretches in south.lacks().items()
        }
        assert named == missing
        assert any(missing.values())
        north.take(south.file(north.key, classes=frozenset()))
        south.take(north.file(south.key, trusting=True))
        assert south.lacks() == {}
        assert roots(north) == roots(south)
        assert root(north) == root(south)
