"""Links that carry packets, in the simulator: federations come together over them, and what they cost is what is said."""

from dataclasses import replace
from random import Random

from fedsync.gossip.events import Peer
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Segment, decode, encode
from fedsync.gossip.names import HeldNames, Places
from fedsync.records.block import Block
from fedsync.records.ids import LogClass, LogId, Reach
from fedsync.records.seal import Draft
from fedsync.records.segment import pack
from fedsync.sim.bridge import SCOPE, Bridge
from fedsync.sim.lies import Liar
from fedsync.sim.links import _whole
from fedsync.sim.pens import Pen
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read
from tests.sim.world import Author

HOUR = 3600.0
SMALL = """
name = "A small thin one"
nodes = 2
storm = "10 min"
calm = "20 min"
quiet_bytes = 900
[links]
profile = "FLAKY"
[work]
stock = "1 min"
[trouble]
cut_every = "5 min"
crash_every = "2 min"
"""


def written(bridge: Bridge, logs: int, blocks: int = 1, records: int = 20, first: int = 0) -> list[Block]:
    found: list[Block] = []
    for number in range(first, first + logs):
        seed = number.to_bytes(32, "big")
        pen = Pen(seed, SCOPE, LogClass.FACTS, Reach.REGION, lambda _: None, signing=bridge.signing)
        for at in range(blocks):
            drafts = [
                Draft("note", {"text": f"{number} {at} {row}"}, 1_700_000_000_000) for row in range(records)
            ]
            made = pen.seal(pen.end, drafts, 1_700_000_000_000)
            pen.wrote(made)
            found += made
    return found


def test_a_federation_lives_over_five_seconds_a_minute_through_crashes_and_cuts() -> None:
    outcomes = [simulate(read(SMALL), seed) for seed in range(1, 9)]
    assert not any(outcome.faults for outcome in outcomes)
    # A sign of life that falls between two windows is given again at those seconds of a minute at which the other was heard.
    assert max(outcome.quiet_bytes for outcome in outcomes) <= 600
    assert sum(outcome.quiet_bytes for outcome in outcomes) / len(outcomes) <= 350


def test_a_federation_lives_by_radio() -> None:
    text = (
        SMALL.replace("FLAKY", "RADIO")
        .replace('storm = "10 min"', 'storm = "40 min"')
        .replace('calm = "20', 'calm = "120')
    )
    outcome = simulate(read(text.replace('stock = "1 min"', 'stock = "10 min"')), 1)
    assert not outcome.faults
    # Less than a bit a second, both ways together.
    assert outcome.quiet_bytes <= 450


def test_a_run_over_packets_follows_from_its_seed_alone() -> None:
    short = replace(read(SMALL), storm=300.0)
    assert simulate(short, 3).digest == simulate(short, 3).digest


def test_nobody_is_on_the_air_for_more_than_six_minutes_in_an_hour_by_radio() -> None:
    bridge = Bridge("RADIO")
    bridge.give(bridge.one, written(bridge, 30, 2))
    bridge.give(bridge.two, written(bridge, 30, 2, first=100))
    bridge.connect()
    assert bridge.run(6 * HOUR, lambda: bridge.equal)
    packet_s = bridge.thin.air.profile.takes(200)
    for side in bridge.thin.air.sides:
        assert side.most_in_hour <= 360.0 + packet_s
        assert not side.dropped


def test_a_session_outlives_hours_in_which_nothing_comes_through() -> None:
    bridge = Bridge("FLAKY")
    bridge.give(bridge.one, written(bridge, 3))
    bridge.connect()
    assert bridge.run(130.0, lambda: bridge.equal)
    bridge.thin.air.cut = True
    late = written(bridge, 2, first=50)
    bridge.one.write(late)
    bridge.run(2 * HOUR)
    assert not bridge.equal
    bridge.thin.air.cut = False
    assert bridge.run(180.0, lambda: bridge.equal)
    assert [port.lives for port in bridge.thin.ports] == [1, 1]


def test_many_blocks_that_come_at_once_are_read_though_each_names_the_one_before_it() -> None:
    bridge = Bridge("FLAKY")
    blocks = written(bridge, 1, 150, records=2) + written(bridge, 150, 1, first=10)
    bridge.give(bridge.one, blocks)
    asked: list[str] = []
    says = bridge.two.says

    def listen(peer: Peer, frame: bytes) -> list[bytes]:
        asked.append(type(decode(frame)).__name__)
        return says(peer, frame)

    bridge.two.says = listen  # type: ignore[method-assign]
    bridge.connect()
    assert bridge.run(65.0, lambda: bridge.equal)
    assert "Plain" not in asked
    assert not any(port.refused for port in bridge.thin.ports)


def test_what_must_not_leave_is_seen_on_a_link_that_carries_segments_too() -> None:
    author = Author(1)
    first, second = author.write("hello"), author.write("again")
    held = Memory(b"h" * 8)
    for block in first:
        held.take(block.raw)
    names = HeldNames(held, Places(), lambda _: True)
    other = LogId(b"o" * 32)
    for data in (pack(first[0].raw), pack(second[0].raw, names), b"\0" + second[0].raw):
        frame = encode(Segment(True, True, data))
        assert _whole(frame, {author.log: None}, {other: None}) == (author.log,)
        assert _whole(frame, {other: None}) == ()
    assert _whole(encode(Segment(True, True, b"\1")), {author.log: None}) == ()


def test_a_liar_serves_nothing_and_spoils_what_it_serves_over_a_thin_link_too() -> None:
    frame = encode(Segment(True, False, bytes(100)))
    assert Liar("withhold", Random(1), list, lambda: 0.0)(frame) == []
    spoil = Liar("spoil", Random(1), list, lambda: 0.0)
    assert any(spoil(frame) != [frame] for _ in range(50))
    outcome = simulate(read(SMALL.replace("nodes = 2", "nodes = 4") + '[[liars]]\nkind = "withhold"\n'), 1)
    assert not outcome.faults
    assert outcome.seen["lied"]
