"""Signs of life: rare while nothing happens, promised beforehand, and missed in bounded time."""

from functools import partial

import pytest

from fedsync.gossip.limits import BEAT_MAX_S, BEAT_S, SILENCE_S, THIN_BYTES_S
from fedsync.gossip.messages import Beat, decode, encode
from fedsync.gossip.rhythm import Rhythm
from tests.sim.world import Author, Link, Node, World, equal

HOUR = 3600.0


def idle() -> tuple[World, Node, Node, Link, Author]:
    """Two nodes that hold the same and have said nothing for hours."""
    world = World()
    one, two = world.node("one"), world.node("two")
    link, author = world.link(one, two), Author(1)
    one.write(author.write("hello"))
    world.connect(link)
    world.run(3 * HOUR)
    assert equal([one, two])
    assert link.up
    return world, one, two, link, author


def test_an_idle_link_takes_less_than_a_bit_a_second() -> None:
    world, _, _, link, _ = idle()
    before = sum(link.bytes.values())
    world.run(24 * HOUR)
    assert link.up
    assert (sum(link.bytes.values()) - before) * 8 <= 24 * HOUR


def test_what_was_written_brings_both_back_to_a_beat_a_minute() -> None:
    world, one, two, link, author = idle()
    before = dict(link.frames)
    one.write(author.write("again"))
    world.run(BEAT_S + 1)
    assert link.frames[one.name] >= before[one.name] + 2  # the block, and a BEAT
    assert link.frames[two.name] >= before[two.name] + 1
    assert one.remembered[two.peer] != b""


@pytest.mark.parametrize("deaf", ["one", "two"])
def test_a_dead_link_is_noticed_soon_when_there_is_something_to_send(deaf: str) -> None:
    world, one, two, link, author = idle()
    world.tamper = {"one": lambda *_: [], "two": lambda *_: []}
    writer = one if deaf == "two" else two
    writer.write(author.write("into the void"))
    # The block of some 500 bytes is given the time that it would take at 300 bit/s.
    assert world.run(SILENCE_S + 20, lambda: not link.up)
    assert link.closes[-1] == "silent"


def test_a_dead_link_is_noticed_within_eighteen_minutes_when_there_is_nothing_to_send() -> None:
    world, _, _, link, _ = idle()
    world.tamper = {"one": lambda *_: [], "two": lambda *_: []}
    assert world.run(BEAT_MAX_S + SILENCE_S - BEAT_S + 1, lambda: not link.up)
    assert link.closes[-1] == "silent"


def test_a_session_outlives_the_loss_of_some_beats_and_asks_for_others() -> None:
    world, _, _, link, _ = idle()
    dropped: list[float] = []

    def lose(_: Node, __: Node, frame: bytes) -> list[bytes]:
        if len(dropped) < 2 and isinstance(decode(frame), Beat):
            dropped.append(world.now)
            return []
        return [frame]

    world.tamper = {"one": lose}
    world.run(4 * HOUR)
    assert len(dropped) == 2
    assert link.up
    assert not link.closes


def test_what_takes_long_on_a_thin_link_is_no_silence() -> None:
    rhythm = Rhythm(0.0)
    rhythm.hear(0.0)
    rhythm.promised(BEAT_MAX_S)
    rhythm.wrote(1.0, 9_000)
    on_its_way = 9_000 / THIN_BYTES_S
    assert rhythm.silent_for(on_its_way + SILENCE_S, brief=False) is None
    assert rhythm.silent_for(1.0 + on_its_way + SILENCE_S, brief=False) is not None
    rhythm.hear(200.0)
    rhythm.confirmed()
    rhythm.wrote(200.0, 9_100)
    assert rhythm.silent_for(200.0 + 100 / THIN_BYTES_S + SILENCE_S, brief=False) is not None


def test_who_promises_too_much_or_too_little_is_waited_for_within_bounds() -> None:
    for said, within in ((10**9, BEAT_MAX_S), (0, BEAT_S), (300, 300)):
        rhythm = Rhythm(0.0)
        rhythm.hear(0.0)
        rhythm.promised(said)
        due = within + SILENCE_S - BEAT_S
        assert rhythm.silent_for(due - 1, brief=False) is None
        assert rhythm.silent_for(due, brief=False) == due


def test_who_is_asked_for_a_sign_of_life_answers_once() -> None:
    world, one, two, link, _ = idle()
    beat = beat_of(world, one)
    before = link.frames[two.name]
    asking = encode(Beat(beat.root, beat.counter, beat.handled, 60, True))
    world.at(world.now, partial(world._deliver, link, one, asking, link.generation))
    world.run(5.0)
    assert link.frames[two.name] == before + 1


def beat_of(world: World, node: Node) -> Beat:
    """Return the next BEAT of a node."""
    found: list[Beat] = []

    def note(_: Node, __: Node, frame: bytes) -> list[bytes]:
        message = decode(frame)
        if isinstance(message, Beat):
            found.append(message)
        return [frame]

    world.tamper = {node.name: note}
    world.run(BEAT_MAX_S + 1, lambda: bool(found))
    world.tamper = {}
    world.run(1.0)
    return found[-1]


def test_a_session_in_which_roots_differ_keeps_its_minute() -> None:
    """Sets are compared again when a BEAT shows that they differ: that must not wait for a quarter of an hour."""
    world, one, two, _, author = idle()
    world.tamper = {"one": lambda _, __, frame: [frame] if isinstance(decode(frame), Beat) else []}
    one.write(author.write("lost on its way"))
    world.run(2 * BEAT_S)
    world.tamper = {}
    assert world.run(2 * BEAT_S, lambda: equal([one, two]))
