"""Who has to stay out has no link, also when this node was calling it at the moment in which that became known."""

from collections.abc import Sequence
from pathlib import Path

import trio
import trio.testing

from fedsync.gossip.events import Peer
from fedsync.gossip.link import Link, LinkClosed
from fedsync.keyring import load_node_key
from fedsync.records.ed25519 import public_key
from tests.daemon.shell import EARLY, House, Shell, build


class Removed(Shell):
    """Two that have met; one removes the other while a call to it is under way, which succeeds a moment later."""

    why: LinkClosed | None = None
    said = b""
    """What the one that was removed heard over that call."""

    def __init__(self, houses: Sequence[House]) -> None:
        super().__init__(houses, 0)
        self.alike = houses[:1]

    async def _story(self) -> None:
        one, two = self.houses
        await self._done(
            two, "join", ("unreachable",), code=two.invitation, addresses=[f"127.0.0.1:{two.port}"]
        )
        daemon, key = one.daemon, public_key(load_node_key(two.home))
        assert daemon is not None
        while Peer(key) not in daemon.links.connections:
            await trio.sleep(EARLY)
        here, there = trio.testing.memory_stream_pair()
        await self._done(one, "remove_peer", name=key.hex())
        self.why = await Link(here, key).run(lambda link: daemon.links.carry(link, True))
        self.said = b"".join([bytes(part) async for part in there])
        self.over = True
        for house in self.houses:
            while not house.left:
                await self._ask(house, "stop")
                await trio.sleep(EARLY)


def test_a_call_under_way_when_its_node_is_removed_comes_to_nothing(tmp_path: Path) -> None:
    told = Removed(build(tmp_path))
    told.play(0)
    assert told.why is not None
    assert (told.why.code, told.why.sentence) == ("recalled", "the operator removed this node")
    assert told.said == b""
