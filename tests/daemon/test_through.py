"""The ways over relays, without relays: which is tried first, and how long one keeps us away that says so."""

from collections.abc import Iterator
from typing import Any

import pytest
import trio

from fedsync.daemon import through
from fedsync.daemon.links import Links
from fedsync.daemon.through import Outcome, Through
from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Peer
from fedsync.gossip.memory import Memory
from fedsync.gossip.relayquota import DAY_MS
from fedsync.gossip.relaywords import End
from fedsync.records.ed25519 import private_key
from fedsync.records.ids import Key
from tests.nodes import node

HILL = Peer(b"h" * 32)
RELAYS = [Peer(bytes([at]) * 32) for at in range(1, 6)]
NOON = 1_760_000_000_000


@pytest.fixture
def links() -> Iterator[Links]:
    with node() as holder:
        yield Links(holder, Engine(Memory(bytes(8))), Key(b"n" * 32), lambda peer: peer.hex()[:4])


async def _nobody(_: Any) -> Any:
    raise AssertionError("nobody calls here")


def _ways(links: Links, nursery: trio.Nursery) -> Through:
    made = Through(
        links, private_key(bytes(32)), nursery, lambda: 0.0, _nobody, _nobody, lambda peer: peer.hex()[:4]
    )
    made.want(dict.fromkeys(RELAYS, ("here:1",)), None)
    return made


class Ended:
    """A connection to a relay that says one word, and then no more."""

    def __init__(self, end: End) -> None:
        self.end = end

    async def run(self, carry: Any) -> None:
        outcome: Outcome = carry.args[1]
        outcome.end = self.end


async def test_a_relay_over_which_more_links_ended_is_tried_later(links: Links) -> None:
    async with trio.open_nursery() as nursery:
        ways = _ways(links, nursery)
        first, second, third = ways.ways(HILL)
        for relay, ends in ((first, 2), (second, 1)):
            for _ in range(ends):
                ways._note_end(relay, HILL)
        assert ways.ways(HILL) == [third, second, first]
        # With another peer all is as it was.
        other = Peer(b"o" * 32)
        assert ways.ways(other) == ways.relays_for(other)


async def test_a_relay_that_names_a_time_far_off_keeps_us_away_for_a_day(
    links: Links, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOON
    monkeypatch.setattr(through, "_now", lambda: now)
    async with trio.open_nursery() as nursery:
        ways = _ways(links, nursery)
        called: list[Peer] = []

        async def connect(relay: Peer, address: str, outcome: Outcome) -> Any:
            called.append(relay)
            return Ended(End("pair-quota", NOON + 1000 * DAY_MS))

        monkeypatch.setattr(ways, "_connect", connect)
        for passed, calls in ((0, 1), (DAY_MS - 1, 1), (DAY_MS, 2)):
            now = NOON + passed
            heard, why = await ways.call(RELAYS[0], HILL)
            assert not heard
            assert f"through {RELAYS[0].hex()[:4]}" in why
            assert len(called) == calls
