"""Sessions over a thin carrier: no silence ends them, nothing is asked twice because it takes long, signs of life are rare."""

import pytest

from fedsync.gossip.limits import ROOM_LOG, THIN_BEAT_MAX_S, WINDOW_LOGS
from fedsync.gossip.listing import read_wanted
from fedsync.gossip.messages import Want, decode
from fedsync.gossip.nature import STREAM, THIN, Nature
from tests.sim.world import Author, Link, Node, World, equal

HOUR = 3600.0


def far(nature: Nature, delay: float) -> tuple[World, Node, Node, Link]:
    """Two nodes with something to tell each other, over a link on which everything takes long."""
    world = World()
    one, two = world.node("one"), world.node("two")
    link = world.link(one, two, delay)
    link.nature = nature
    for number in range(1, 6):
        one.write(Author(number).write("hello"))
        two.write(Author(number + 5).write("hello back"))
    world.connect(link)
    return world, one, two, link


@pytest.mark.parametrize("delay", [0.5, 60.0, 2 * HOUR])
def test_a_session_over_a_thin_carrier_comes_to_the_same_however_long_it_takes(delay: float) -> None:
    world, one, two, link = far(THIN, delay)
    asked: list[float] = []

    def listen(_: Node, __: Node, frame: bytes) -> list[bytes]:
        if isinstance(decode(frame), Want):
            asked.append(world.now)
        return [frame]

    world.tamper = {"one": listen, "two": listen}
    assert world.run(10 * delay + 60, lambda: equal([one, two]))
    assert link.up
    assert len(asked) == 2
    # And what is written hours later is pushed: nobody thought that the other had gone.
    world.run(20 * HOUR)
    author = Author(50)
    one.write(author.write("news"))
    assert world.run(delay + 1.0, lambda: equal([one, two]))
    assert link.up
    assert not link.closes


def test_over_a_stream_so_much_silence_ends_the_session() -> None:
    world, _, _, link = far(STREAM, 2 * HOUR)
    world.run(60.0)
    assert set(link.closes) == {"no-hello"}


def test_a_brief_session_over_a_thin_carrier_is_not_given_up_before_hours_without_progress() -> None:
    world, one, two, link = far(THIN, 3600.0)
    world.cut(link)
    world.connect(link, brief=True)
    assert world.run(12 * HOUR, lambda: not link.up)
    assert equal([one, two])
    assert set(link.closes) == {"done"}


def test_signs_of_life_over_a_thin_carrier_are_four_hours_apart() -> None:
    world, one, two, link = far(THIN, 1.0)
    world.run(20 * HOUR)
    before, frames = sum(link.bytes.values()), dict(link.frames)
    world.run(80 * HOUR)
    assert link.up
    assert all(
        link.frames[each.name] - frames[each.name] <= 80 * HOUR / THIN_BEAT_MAX_S + 1 for each in (one, two)
    )
    assert (sum(link.bytes.values()) - before) * 8 < 80 * HOUR / 8


@pytest.mark.parametrize(("nature", "most"), [(STREAM, WINDOW_LOGS), (THIN, 65536 // ROOM_LOG)])
def test_where_much_is_on_its_way_more_logs_are_asked_for_at_a_time(nature: Nature, most: int) -> None:
    world = World()
    one, two = world.node("one"), world.node("two")
    link = world.link(one, two, 0.5)
    link.nature = nature
    for number in range(1, 200):
        one.write(Author(number).write("hello"))
    asked: list[int] = []

    def listen(_: Node, __: Node, frame: bytes) -> list[bytes]:
        message = decode(frame)
        if isinstance(message, Want):
            asked.append(len(read_wanted(message.listing)))
        return [frame]

    world.tamper = {"two": listen}
    world.connect(link)
    assert world.run(600.0, lambda: equal([one, two]))
    assert max(asked) == most
