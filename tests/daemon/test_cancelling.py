"""Whole daemons are cancelled, stopped and cut off at one checkpoint after the other: all is whole, and all converge."""

import signal
import sys
from collections.abc import Callable
from functools import lru_cache
from typing import Any, get_args

import pytest
import trio

from fedsync.daemon import joining
from fedsync.daemon.connection import Connection
from fedsync.daemon.links import Links
from fedsync.gossip.events import Peer
from fedsync.gossip.join import Refused, Standing, Verdict, refusal
from fedsync.gossip.link import Link
from fedsync.records.ids import Key
from tests.daemon import shellsoak
from tests.daemon.shell import Checkpoint, Deed, House, Shell, build
from tests.daemon.shellsoak import checkpoints, chosen, play
from tests.daemon.wire import Wire
from tests.seeds import seeds

PLACES = 3
"""Checkpoints of one node at which each deed is done, with each seed: evenly spread, and others with another seed."""
GOLDEN = 0.6180339887
"""Multiples of it fill the gaps between the places evenly, whatever the number of seeds."""
INNER = {
    "link._write",
    "links._read",
    "links._room",
    "links._wake",
    "doorkeeper.run",
    "control._answer",
    "dialler._call",
    "tcp.answer",
}
"""Tasks that must be seen to stand somewhere: else this would test less than it says."""


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> list[House]:
    return build(tmp_path_factory.mktemp("shell"))


@pytest.fixture(scope="module")
def steps_of(houses: list[House]) -> Callable[[int, int], dict[Checkpoint, list[int]]]:
    """Give the steps at each checkpoint when nothing is done; told once for each daemon and seed."""
    return lru_cache(lambda victim, seed: checkpoints(houses, victim, seed))


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("deed", get_args(Deed))
@pytest.mark.parametrize("victim", [0, 1])
def test_whatever_ends_at_any_checkpoint_leaves_all_whole_and_all_converge(
    houses: list[House],
    steps_of: Callable[[int, int], dict[Checkpoint, list[int]]],
    victim: int,
    deed: Deed,
    seed: int,
) -> None:
    steps = steps_of(victim, seed)
    assert {where.task for where in steps} >= INNER - ({"tcp.answer"} if victim else set())
    todo = chosen(steps, every=False)
    # Each deed is done elsewhere, so that together they come to more places.
    shift = (seed * GOLDEN + get_args(Deed).index(deed) / len(get_args(Deed))) % 1
    for place in range(PLACES):
        at, where = todo[int(len(todo) * (place + shift) / PLACES)]
        assert play(houses, victim, deed, at, seed) == "", (at, where)


def test_a_soak_that_is_told_to_stop_in_the_middle_of_a_story_ends_with_it(
    houses: list[House], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The daemons of the story listen for the same signals, and are not meant."""
    cut = Wire.cut

    def told_meanwhile(wire: Wire) -> None:
        signal.raise_signal(signal.SIGINT)
        cut(wire)

    monkeypatch.setattr(Wire, "cut", told_meanwhile)
    monkeypatch.setattr(shellsoak, "build", lambda _: houses)
    monkeypatch.setattr(sys, "argv", ["shell-soak", "--victim", "0", "--deed", "cut"])
    before = signal.getsignal(signal.SIGINT)
    assert shellsoak.main() == 0
    assert signal.getsignal(signal.SIGINT) is before
    assert capsys.readouterr().out.startswith("Told to stop.\n0 stories")


def test_an_inviter_that_would_not_welcome_the_same_node_twice_is_found(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    def once(standing: Standing, node: Key, now: int) -> Refused | None:
        return Refused("used") if standing.used_by is not None else refusal(standing, node, now)

    monkeypatch.setattr(joining, "refusal", once)
    said = [play(houses, 0, "cut", at, 0) for at in _while_it_joins(houses)]
    assert any("invitation_used" in each for each in said)


def test_a_node_that_was_let_in_is_a_peer_at_once_though_its_link_ended_before_the_answer(
    houses: list[House], monkeypatch: pytest.MonkeyPatch
) -> None:
    heard: list[bool] = []
    links: list[Link] = []
    hear, decide = joining.hear, joining.decide

    async def noted(link: Link, daemon: Any) -> bool:
        links.append(link)
        heard.append(await hear(link, daemon))
        return heard[-1]

    def decided(*words: Any) -> Verdict:
        verdict = decide(*words)
        if len(links) == 1:
            links[0].cut("lost", "the connection broke")
        return verdict

    monkeypatch.setattr(joining, "hear", noted)
    monkeypatch.setattr(joining, "decide", decided)
    Shell(houses, 0).play(0)
    assert heard == [True, True], "let in at once, and told so when they asked again"


def test_who_was_let_in_may_come_though_the_task_that_let_them_in_is_gone(houses: list[House]) -> None:
    """Found by going through all checkpoints: the invited called for ever, and was a stranger."""
    found = checkpoints(houses, 0, 0)
    steps = [
        at
        for where, each in found.items()
        if where.task == "tcp.answer" and where.place.startswith("daemon/run.py")
        for at in each
    ]
    assert len(steps) > 3
    assert [play(houses, 0, "task", at, 0) for at in steps] == [""] * len(steps)


def _while_it_joins(houses: list[House]) -> list[int]:
    """Return the steps at which the inviter decides on a JOIN."""
    return [
        at
        for where, steps in checkpoints(houses, 0, 0).items()
        for at in steps
        if where.place.startswith("daemon/joining.py")
    ]


@pytest.mark.parametrize("name", ["_read", "_room", "_wake"])
async def test_a_link_one_of_whose_tasks_ends_does_not_stand_there_half_dead(
    name: str, autojump_clock: trio.testing.MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def gone(links: Links, peer: Peer, connection: Connection) -> None:
        await trio.sleep(1)

    monkeypatch.setattr(Links, name, gone)
    ours, _theirs = trio.testing.memory_stream_pair()
    links = Links.__new__(Links)
    connection = Connection(Link(ours, Key(bytes(32))), True, 0.0)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(links._keep_up, getattr(links, name), Peer(bytes(32)), connection)
    assert connection.closing.is_set()


def test_every_step_stands_at_a_checkpoint_that_can_be_found_again(houses: list[House]) -> None:
    one, two = (Shell(houses, 0).play(3).stood for _ in range(2))
    assert one == two
    assert len(set(one)) > 60
