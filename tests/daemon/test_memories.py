"""What is remembered of peers is read once and written when it changes."""

from functools import partial
from pathlib import Path

from fedsync.daemon.memories import REMEMBER_S, Memories
from fedsync.gossip.events import Peer
from fedsync.gossip.following import Row, pack_rows
from fedsync.gossip.peer_memory import PeerMemory, aliases_name, bodies_name, memory_name
from fedsync.records.ids import Extent, Scope
from fedsync.store.store import Store
from tests.store.authors import ELSEWHERE, new_store, reopened

PEER = Peer(b"p" * 32)
FIRST = PeerMemory(
    b"j" * 8, 7, pack_rows([Row(Scope(b"s" * 16), b"b" * 32, Extent.ALL)]), aliases=b"salt...." + b"rows"
)


def written(store: Store, memories: Memories) -> list[str]:
    """Write what is to be kept; return the names of it."""
    writes = list(memories.unsaved())
    with store.transaction():
        for write in writes:
            write()
    return [each.args[0] for each in writes if isinstance(each, partial)]


async def test_of_what_is_remembered_only_what_changed_is_written(tmp_path: Path) -> None:
    with new_store(tmp_path / "store.sqlite") as store:
        memories = Memories(store, lambda seconds: None)
        memories.remember(PEER, FIRST)
        assert written(store, memories) == [memory_name(PEER), bodies_name(PEER), aliases_name(PEER)]
        assert written(store, memories) == []
        memories.remember(PEER, FIRST._replace(counter=8))
        assert written(store, memories) == [memory_name(PEER)]
        memories.remember(PEER, FIRST._replace(counter=8))
        assert written(store, memories) == []
        later = Memories(store, lambda seconds: None)
        assert later.get(PEER) == FIRST._replace(counter=8)
        told = FIRST._replace(counter=9, aliases=b"salt...." + b"ROWS")
        later.remember(PEER, told)
        assert written(store, later) == [memory_name(PEER), aliases_name(PEER)]
        assert Memories(store, lambda seconds: None).get(PEER) == told


async def test_what_is_remembered_of_one_peer_costs_a_commit_every_few_seconds_at_most(
    tmp_path: Path,
) -> None:
    with new_store(tmp_path / "store.sqlite") as store:
        woken: list[float] = []
        memories = Memories(store, woken.append)
        memories.remember(PEER, FIRST)
        written(store, memories)
        memories.remember(PEER, FIRST._replace(counter=8))
        assert woken[0] <= 0 < REMEMBER_S - 1 < woken[1] <= REMEMBER_S


async def test_what_a_copied_directory_remembers_of_peers_was_another_lifes_and_is_passed_over(
    tmp_path: Path,
) -> None:
    with new_store(tmp_path / "store.sqlite") as store:
        memories = Memories(store, lambda seconds: None)
        memories.remember(PEER, FIRST)
        written(store, memories)
    with reopened(store.path) as again:
        assert Memories(again, lambda seconds: None).get(PEER) == FIRST
    with reopened(store.path, ELSEWHERE) as copy:
        later = Memories(copy, lambda seconds: None)
        assert later.get(PEER) is None
        later.remember(PEER, FIRST._replace(counter=9))
        assert later.get(PEER) is None, "until somebody has said who goes on"
