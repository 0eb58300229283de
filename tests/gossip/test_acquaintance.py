"""What is remembered of a peer counts only where both sides remember the same life of each other, and no longer than it holds."""

import pytest

from fedsync.gossip.acquaintance import Acquaintance
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Hello
from fedsync.gossip.peer_memory import PeerMemory, Refusal
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.trees import Trees
from fedsync.records.ids import LogId

OURS, THEIRS, OTHER = b"ourlife1", b"theirs 1", b"theirs 2"
MEMORY = PeerMemory(THEIRS, 7)


def met(memory: PeerMemory, journal: bytes = THEIRS, counter: int = 7, seen: bytes = OURS) -> Acquaintance:
    """Meet a peer of which this is remembered, and which says so much of its journal and of ours."""
    peer = Acquaintance(Sharing(Trees(Memory(OURS))), memory, None)
    peer.greet(Hello(1, journal, counter, seen, 0, bytes(8), 0, bytes(16)))
    return peer


def test_two_that_remember_each_other_go_on_where_they_were() -> None:
    assert met(MEMORY).since == 0
    assert met(MEMORY, counter=9).since == 0


@pytest.mark.parametrize(
    "peer",
    [
        met(MEMORY, journal=OTHER),
        met(MEMORY, counter=6),
        met(MEMORY, seen=OTHER),
        met(MEMORY._replace(doubt=True)),
        met(PeerMemory()),
    ],
    ids=["another life of its", "it fell back", "another life of ours", "doubt", "nothing is remembered"],
)
def test_else_sets_are_compared(peer: Acquaintance) -> None:
    assert peer.since is None


def test_what_was_refused_until_a_time_is_refused_no_more_then() -> None:
    logs = [LogId(bytes([at]) * 32) for at in range(3)]
    refused = tuple(Refusal(log, "later", until) for log, until in zip(logs, (0, 1000, 1001), strict=True))
    peer = met(MEMORY._replace(refused=refused))
    assert [each.log for each in peer.still_refused(1000)] == [logs[0], logs[2]]
