"""What a node tells its peers of how fresh its knowledge of bodies is: a few in each BEAT, and only where all is equal."""

import pytest

from fedsync.gossip.engine import Engine
from fedsync.gossip.events import Close, Effect, Granted, Level, Opened, Peer, Received, Send, Tick
from fedsync.gossip.hearsay import Hint, Knows, Teller, names, nothing, pack, read
from fedsync.gossip.limits import BEAT_MAX_S, HEARSAY, MAX_HOPS, TELL_AGAIN_MINUTES
from fedsync.gossip.listing import Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BadMessage, Beat, decode, encode
from fedsync.records.ids import Scope
from tests.sim.world import Author, Node, World, equal

A, B = Peer(b"a"), Peer(b"b")
SALT = Salt(b"1" * 8, b"2" * 8)
HOUR = 3600.0


def scope(number: int) -> Scope:
    return Scope(number.to_bytes(16, "big"))


class Pair:
    """Two engines and what goes between them, at once; what each shell was told is kept."""

    def __init__(self, left: int, right: int, knows: Knows) -> None:
        """`left`, `right`: how many bodies each follows. `knows`: what the left one knows."""
        self.memories = [Memory(b"left1234", checker=None), Memory(b"right123", checker=None)]  # type: ignore[arg-type]
        for memory, bodies in zip(self.memories, (left, right), strict=True):
            for number in range(bodies):
                memory.follow(scope(number), bytes(32))
        self.engines = [Engine(self.memories[0], knows), Engine(self.memories[1])]
        self.peers = [B, A]
        self.told: list[list[Level]] = [[], []]
        self.frames: list[tuple[int, bytes]] = []
        self.closed: list[str] = []
        self.now = 0.0
        for side in (0, 1):
            self.do(
                side,
                self.engines[side].handle(self.peers[side], Opened(not side, b"%d" % side * 8, 0, None), 0.0),
            )
        self.pump()

    def do(self, side: int, effects: list[tuple[Peer, Effect]]) -> None:
        for _, each in effects:
            match each:
                case Send(frame):
                    self.frames.append((side, frame))
                case Level():
                    self.told[side].append(each)
                case Close(code):
                    self.closed.append(code)
                case _:
                    pass

    def pump(self) -> None:
        while self.frames:
            side, frame = self.frames.pop(0)
            self.give(1 - side, frame)

    def give(self, side: int, frame: bytes) -> None:
        self.do(side, self.engines[side].handle(self.peers[side], Received(frame), self.now))

    def wait(self, seconds: float) -> list[Beat]:
        """Let time pass; return the left side's BEATs."""
        beats = []
        end = self.now + seconds
        while self.now < end:
            self.now += 30.0
            for side in (0, 1):
                self.do(side, self.engines[side].handle(self.peers[side], Tick(), self.now))
            beats += [m for side, frame in self.frames if side == 0 and isinstance(m := decode(frame), Beat)]
            self.pump()
        return beats

    def hints(self, side: int = 1) -> list[Hint]:
        return [hint for each in self.told[side] for hint in each.told]


def test_hints_come_through_as_they_were_said_and_of_unknown_bodies_nothing_is_kept() -> None:
    said = [Hint(scope(1), 0), Hint(scope(2), 300, 3), Hint(scope(3), 2**40, MAX_HOPS), Hint(scope(9), 1)]
    assert read(pack(SALT, said), names(SALT, map(scope, range(5)))) == said[:3]
    assert read(b"", {}) == []


@pytest.mark.parametrize(
    "data", [b"\0", pack(SALT, [Hint(scope(1), 5)])[:-1], pack(SALT, [Hint(scope(1), 5)] * (HEARSAY + 1))]
)
def test_what_is_no_listing_of_hints_is_refused(data: bytes) -> None:
    with pytest.raises(BadMessage):
        read(data, names(SALT, [scope(1)]))


def test_a_word_that_went_over_too_many_nodes_goes_no_further() -> None:
    assert read(pack(SALT, [Hint(scope(1), 5, MAX_HOPS + 1)]), names(SALT, [scope(1)])) == []
    assert Teller().tell([Hint(scope(1), 5, MAX_HOPS)], 0.0) == []


def test_a_peer_is_told_of_what_is_newest_for_it_first_and_again_only_when_it_gains() -> None:
    teller = Teller()
    hints = [Hint(scope(number), number * 100) for number in range(HEARSAY + 2)]
    first = teller.tell(hints, 0.0)
    assert [each.scope for each in first] == [scope(number) for number in range(HEARSAY)]
    assert [each.scope for each in teller.tell(hints, 0.0)] == [scope(HEARSAY), scope(HEARSAY + 1)]
    assert teller.tell(hints, 0.0) == []
    assert teller.tell([Hint(scope(0), 0)], TELL_AGAIN_MINUTES * 60.0 - 1) == []
    assert teller.tell([Hint(scope(0), 0)], TELL_AGAIN_MINUTES * 60.0) == [Hint(scope(0), 0)]


def test_a_peer_is_not_told_what_it_told_itself() -> None:
    teller = Teller()
    teller.heard([Hint(scope(0), 10)], 0.0)
    assert teller.tell([Hint(scope(0), 10, 1)], 0.0) == []


def test_peers_that_hold_the_same_hear_how_fresh_each_others_knowledge_is() -> None:
    pair = Pair(3, 3, lambda: [Hint(scope(0), 5), Hint(scope(2), 90, 1)])
    pair.wait(BEAT_MAX_S)
    assert pair.hints() == [Hint(scope(0), 5), Hint(scope(2), 90, 1)]
    assert pair.hints(0) == []
    assert pair.told[0]


def test_of_a_body_that_the_teller_does_not_follow_nothing_is_believed() -> None:
    pair = Pair(2, 3, lambda: [Hint(scope(1), 5), Hint(scope(2), 5)])
    pair.wait(BEAT_MAX_S)
    assert pair.hints() == [Hint(scope(1), 5)]


def test_a_beat_costs_the_same_however_many_bodies_there_are() -> None:
    sizes = {}
    for bodies in (10, 1000):
        pair = Pair(bodies, bodies, lambda bodies=bodies: [Hint(scope(each), 5) for each in range(bodies)])  # type: ignore[misc]
        beats = pair.wait(24 * HOUR)
        assert all(len(each.told) <= HEARSAY * 9 for each in beats)
        sizes[bodies] = max(len(each.told) for each in beats)
        assert len({hint.scope for hint in pair.hints()}) >= min(bodies, 80)
    assert sizes[10] == sizes[1000]


def test_nobody_is_told_anything_while_roots_differ() -> None:
    pair = Pair(2, 2, lambda: [Hint(scope(0), 5)])
    beat = Beat(b"r" * 16, 1, 0, 60, False, pack(Salt(b"0" * 8, b"1" * 8), [Hint(scope(1), 1)]))
    pair.told = [[], []]
    pair.give(1, encode(beat))
    assert pair.told[1] == []


def test_garbage_in_place_of_hints_ends_the_session() -> None:
    pair = Pair(2, 2, nothing)
    (root,) = {each.root for each in pair.wait(BEAT_MAX_S)}
    pair.give(1, encode(Beat(root, 1, 0, 60, False, b"\1\2\3")))
    assert pair.closed == ["garbage"]


class Watching(World):
    """A world that notes who was level with whom."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[str] = []

    def act(self, node: Node, effects: list[tuple[Peer, Effect]]) -> None:
        self.levels += [node.name for _, each in effects if isinstance(each, Level)]
        super().act(node, effects)


def test_who_refuses_something_is_not_level_until_it_has_come_in() -> None:
    world = Watching()
    north, south = world.node("north"), world.node("south")
    link, stranger = world.link(north, south), Author(9)
    north.write(stranger.write("who is this?"))
    unknown = {stranger.genesis.key}
    south.memory.admit = lambda genesis: "park" if genesis.key in unknown else "yes"
    world.connect(link)
    world.run(7200)
    assert set(world.levels) == {"north"}  # south is told nothing of what it does not take
    unknown.clear()
    world.act(south, south.engine.everyone(Granted(), world.now))
    world.run(5)
    assert equal([north, south])
    assert set(world.levels) == {"north", "south"}
    world.run(7200)
    world.levels.clear()
    world.run(7200)
    assert {"north", "south"} <= set(
        world.levels
    )  # it is said with each sign of life, though nothing has changed
