"""What a daemon holds of what anybody sends and of what commands begin, in virtual time and one process."""

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import trio
import trio.testing

from fedsync import config
from fedsync.acts.books.founding import found
from fedsync.config import Address
from fedsync.daemon import broadcasting
from fedsync.daemon.broadcasting import MOST_WAITING, Listening, Sending
from fedsync.daemon.run import Daemon
from fedsync.daemon.sticks import MOST_HANDED, SILENT_SECONDS
from fedsync.errors import Problem
from fedsync.gossip.bundles.form import Kind
from fedsync.gossip.priority import PLAIN
from fedsync.gossip.thin.broadcast import Carousel, Catcher
from fedsync.gossip.thin.profile import Profile
from fedsync.home import Home
from fedsync.linking import Broadcast
from fedsync.node import open_node
from fedsync.store.reading import open_reader

SPEAKS = Broadcast("udp", send=True, address="127.0.0.1:9")


@asynccontextmanager
async def one(path: Path) -> AsyncIterator[Daemon]:
    """Give a daemon that is not running: nobody calls it, and it does nothing by itself."""
    found(path, "Oakfield", ("Ann", "Ben"), 2, Address("127.0.0.1", 0), lambda _: None)
    home = Home(path)
    with home.lock():
        node = open_node(home)
        try:
            with open_reader(home.store) as reader:
                async with trio.open_nursery() as nursery:
                    settings = replace(config.load(home.config), listen=None)
                    yield Daemon(home, node, reader, settings, nursery)
                    nursery.cancel_scope.cancel()
        finally:
            node.store.close()


def going_round(objects: int) -> Carousel:
    """Return a carousel with so many objects, of no use to anybody, each of a packet."""
    made, dice = Carousel(Profile(400, 1_000_000, 1.0), Random(1), 0.0), Random(2)
    for _ in range(objects):
        made.show([bytes([Kind.BLOCK]) + dice.randbytes(200)], PLAIN)
    return made


async def test_no_more_waits_for_the_door_than_the_bound_and_the_rest_is_taken_when_it_comes_round(
    tmp_path: Path, autojump_clock: Any
) -> None:
    objects = 2 * MOST_WAITING
    async with one(tmp_path) as daemon, trio.open_nursery() as nursery:
        listening = Listening(daemon, replace(SPEAKS, send=False))
        sent = going_round(objects)
        async with daemon.links.door.writing():
            nursery.start_soon(listening._let_in)
            for at in range(objects * 3):
                for packet in sent.poll(float(at))[0]:
                    listening._hear(packet)
                await trio.lowlevel.checkpoint()
            # One more is at the door itself.
            assert len(listening._waiting) <= MOST_WAITING
            held = listening.told()["objects"]
            assert MOST_WAITING <= held <= MOST_WAITING + 1
        at = objects * 3
        while listening.told()["objects"] < objects:
            for packet in sent.poll(float(at))[0]:
                listening._hear(packet)
            await trio.sleep(0.1)
            at += 1
        nursery.cancel_scope.cancel()


async def test_what_goes_round_stays_within_its_bound_and_the_latest_is_all_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, autojump_clock: Any
) -> None:
    most = 20_000
    monkeypatch.setattr(broadcasting, "MAX_SHOWN", most)
    dice, shown = Random(1), deque[tuple[int, bytes]](maxlen=60)
    async with one(tmp_path) as daemon:
        sending = Sending(daemon, SPEAKS)
        for _ in range(40):
            shown.extend((PLAIN, bytes([7]) + dice.randbytes(250)) for _ in range(10))
            sending._show(list(shown))
            assert sending.told()["bytes"] <= most
            assert await going(sending) >= {frame for _, frame in shown}


async def going(sending: Sending) -> set[bytes]:
    """Return all that somebody has who listens for some rounds."""
    catcher, found = Catcher(), set[bytes]()
    for _ in range(50):
        await trio.sleep(1.0)
        for packet in sending._carousel.poll(trio.current_time())[0]:
            for caught in catcher.hear(packet):
                found.update(caught.frames)
    return found


async def test_files_of_commands_that_say_no_more_make_room_and_others_go_on(
    tmp_path: Path, autojump_clock: Any
) -> None:
    async with one(tmp_path) as daemon:
        silent, *rest = [daemon.sticks.begin()["number"] for _ in range(MOST_HANDED)]
        await trio.sleep(SILENT_SECONDS - 1)
        for number in rest:
            await daemon.sticks.more(number, [])
        await trio.sleep(0.5)
        with pytest.raises(Problem) as caught:
            daemon.sticks.begin()
        assert caught.value.code == "too_many_files"
        await trio.sleep(1)
        daemon.sticks.begin()
        with pytest.raises(Problem) as caught:
            await daemon.sticks.more(silent, [])
        assert caught.value.code == "no_such_file"
        for number in rest:
            await daemon.sticks.more(number, [])
