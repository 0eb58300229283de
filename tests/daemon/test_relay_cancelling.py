"""Two daemons that only call, and their relay, in one loop: one of them is ended, stopped or cut off at one step after the other.

And calls in which nothing is said for long, since time costs nothing there."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from typing import get_args

import pytest
import trio

from fedsync import config
from fedsync.acts.books.founding import found
from fedsync.config import LEAST_BYTES_A_DAY, LEAST_IDLE_S, Address, Config, RelayOffer
from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.keyring import load_node_key
from fedsync.node import open_node
from fedsync.reading import Reading
from fedsync.records.ed25519 import public_key
from tests.daemon.shell import EARLY, Deed, House, Shell, _sealed
from tests.daemon.shellsoak import PATIENCE, listening
from tests.seeds import seeds

PLACES = 2
"""Steps of one node at which each deed is done, with each seed: evenly spread, and others with another seed."""
GOLDEN = 0.6180339887
RELAY = 2
"""Which of the houses relays."""
SILENT = 3000.0
"""Virtual seconds without a word of people: a session's signs of life are the longest way apart by then, three times over."""
NAMES = ("Mill Lane", "Hill Farm", "Crossways")


class Apart(Shell):
    """Two that nobody can call, and a third through which they meet."""

    offer = RelayOffer()

    def __init__(self, houses: Sequence[House], victim: int, deed: Deed = "die", at: int = 1 << 60) -> None:
        super().__init__(houses, victim, deed, at)
        self.alike = self.houses[:RELAY]

    def _settings(self, house: House) -> Config:
        settings = config.load(house.home.config)
        if house is self.houses[RELAY]:
            # Its own people alone: it follows nothing of those for whom it carries.
            limits = replace(settings.limits, followed_bodies=1)
            return replace(settings, listen=Address("127.0.0.1", house.port), relay=self.offer, limits=limits)
        return replace(settings, listen=None, through=("Crossways",))

    async def _story(self) -> None:
        """Write, be equal; be cut, write, meet again, be equal; stop."""
        one, two, _ = self.houses
        await self._write(one, one.first)
        await self._write(two, two.first)
        await self._equal()
        self.wire.cut()
        await self._write(one, one.second)
        await self._write(two, two.second)
        await self._equal()
        await self._end()

    async def _end(self) -> None:
        self.over = True
        for house in self.houses:
            while not house.left:
                await self._ask(house, "stop")
                await trio.sleep(EARLY)


class Idle(Apart):
    """The same, with nothing to say after they have met."""

    offer = RelayOffer(idle_seconds=30)
    ended: str | None = None
    """Why a call ended, once one has; None: it stood to the end."""
    carried = 0
    """Bytes that the relay counted."""

    async def _story(self) -> None:
        await self._equal()
        with trio.move_on_after(SILENT):
            while self.ended is None:
                for house in self.alike:
                    for why in house.daemon.links.parted.values() if house.daemon is not None else ():
                        if "through Crossways" in why:
                            self.ended = why
                await trio.sleep(EARLY)
        relay = self.houses[RELAY].daemon
        assert relay is not None
        self.carried = relay.relay.ledger.total
        await self._end()


@pytest.fixture(scope="module")
def houses(tmp_path_factory: pytest.TempPathFactory) -> list[House]:
    """Found three communities whose nodes know each other, with movements sealed by two tellers; keep a copy."""
    path = tmp_path_factory.mktemp("apart")
    built = []
    for port, name in enumerate(NAMES, 7001):
        found(path / str(port), name, ("Ann", "Ben"), 2, Address("127.0.0.1", 0), lambda _: None)
        built.append(House(Home(path / str(port)), port))
    for at, house in enumerate(built):
        for number, other in enumerate(built):
            if at != number:
                add(house, other, NAMES[number], house if at == RELAY or number == RELAY else other)
    for house in built:
        with Reading.open(house.home) as reading:
            house.first, house.second = _sealed(house, reading, "Ann", 5), _sealed(house, reading, "Ben", 3)
        with house.home.lock():
            open_node(house.home).store.close()
        shutil.copyfile(house.home.store, house.home.path / "store.kept")
    return built


def add(house: House, other: House, name: str, body_of: House) -> None:
    """Make a node known at another."""
    with Reading.open(body_of.home) as reading:
        own = reading.own()
    addresses = [f"127.0.0.1:{other.port}"] if name == NAMES[RELAY] else []
    with open_door(house.home) as door:
        door.call(
            "add_peer", key=public_key(load_node_key(other.home)).hex(), name=name,
            addresses=addresses, scope=own.scope.hex(), body=own.body.hex(),
        )  # fmt: skip


@pytest.mark.parametrize("seed", seeds(1))
@pytest.mark.parametrize("deed", get_args(Deed))
@pytest.mark.parametrize("victim", [0, RELAY])
def test_whatever_ends_at_any_step_of_a_relay_or_its_user_leaves_all_whole_and_both_converge(
    houses: list[House], victim: int, deed: Deed, seed: int
) -> None:
    stood = Apart(houses, victim).play(seed).stood
    tasks = {where.task for where in stood}
    assert tasks >= ({"relay._pump", "relay._watch"} if victim == RELAY else {"through._wait"}), tasks
    shift = (seed * GOLDEN + get_args(Deed).index(deed) / len(get_args(Deed))) % 1
    for place in range(PLACES):
        at = int(len(stood) * (place + shift) / PLACES) + 1
        with listening() as told:
            hand = Apart(houses, victim, deed, at).play(seed)
        assert told.said == [], (at, told.said)
        assert hand.done
        assert hand.took < PATIENCE, (at, hand.took)


def test_a_call_in_which_nothing_is_said_for_too_long_ends(houses: list[House]) -> None:
    told = Idle(houses, RELAY)
    told.play(0)
    assert "nothing went to and fro for too long" in str(told.ended)


def test_a_call_that_stands_idle_does_not_end_at_the_least_time_that_may_be_set(houses: list[House]) -> None:
    told = Idle(houses, RELAY)
    told.offer = RelayOffer(idle_seconds=LEAST_IDLE_S)
    told.play(0)
    assert told.ended is None
    assert 0 < told.carried < LEAST_BYTES_A_DAY / 4
