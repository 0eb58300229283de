"""Who is next at the door: what is urgent before its turn, and nobody gains by claiming that it is."""

from dataclasses import dataclass
from random import Random

import pytest

from fedsync.gossip.events import Peer
from fedsync.gossip.priority import FIRST, of_class
from fedsync.gossip.waiting import MAX_OWED, WaitingRoom
from fedsync.records.block import Block
from fedsync.records.ids import LogClass
from tests.seeds import seeds
from tests.sim.world import Author

HONEST, LIAR = Peer(b"honest"), Peer(b"liar")


@dataclass(frozen=True)
class Brought:
    peer: Peer
    raw: bytes


class Judge:
    """Calls urgent what it was told to."""

    def __init__(self) -> None:
        self.urgent: set[bytes] = set()

    def __call__(self, raw: bytes) -> int:
        return FIRST if raw in self.urgent else of_class(LogClass.FACTS)


def served(room: WaitingRoom[Brought]) -> list[Brought]:
    found = []
    while chosen := room.next():
        found.append(chosen[0])
    return found


def facts(number: int, count: int) -> list[Block]:
    author = Author(number)
    return [block for at in range(count) for block in author.write(f"fact {at}")]


def test_a_fork_proof_is_taken_before_all_that_waited_of_anybody() -> None:
    judge = Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    for at, peer in enumerate((HONEST, LIAR, Peer(b"third"))):
        for block in facts(at + 1, 50):
            room.put(Brought(peer, block.raw))
    (recall,) = Author(9, LogClass.AUTHORITY).write("recall")
    judge.urgent.add(recall.raw)
    room.put(Brought(HONEST, recall.raw))
    assert room.next() == (Brought(HONEST, recall.raw), True)


def test_what_leads_up_to_it_in_its_log_comes_along() -> None:
    judge = Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    mine, others = facts(1, 5), facts(2, 5)
    for one, other in zip(mine, others, strict=True):
        room.put(Brought(HONEST, one.raw))
        room.put(Brought(HONEST, other.raw))
    judge.urgent.add(mine[3].raw)
    order = [each.raw for each in served(room)]
    assert order[:4] == [block.raw for block in mine[:4]]
    assert sorted(order) == sorted(block.raw for block in (*mine, *others))


@pytest.mark.parametrize("seed", seeds(3))
def test_who_claims_that_all_is_urgent_gets_no_more_than_others_but_a_few_turns(seed: int) -> None:
    dice, judge = Random(seed), Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    lies = [block.raw for each in range(4) for block in facts(100 + each, 150)]
    judge.urgent.update(lies)
    honest = {Peer(bytes([at])): [b.raw for b in facts(at + 1, 300)] for at in range(3)}
    got = dict.fromkeys([*honest, LIAR], 0)
    waiting = dict.fromkeys(got, 0)
    for _ in range(1200):
        for peer, blocks in ((LIAR, lies), *honest.items()):
            # Everybody always has something at the door; now and then more of it.
            while blocks and (waiting[peer] < 2 or (waiting[peer] < 9 and dice.random() < 0.3)):
                room.put(Brought(peer, blocks.pop(0)))
                waiting[peer] += 1
        if not all(waiting.values()):
            break
        chosen = room.next()
        assert chosen is not None
        got[chosen[0].peer] += 1
        waiting[chosen[0].peer] -= 1
        least = min(got[peer] for peer in honest)
        assert got[LIAR] <= least + MAX_OWED + 1
    assert sum(got.values()) > 800


def test_a_lone_peer_pays_for_nothing() -> None:
    judge = Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    blocks = facts(1, 100)
    judge.urgent.update(block.raw for block in blocks)
    for block in blocks:
        room.put(Brought(HONEST, block.raw))
    assert [each.raw for each in served(room)] == [block.raw for block in blocks]
    assert not room


def test_the_least_urgent_of_one_peer_keeps_a_share() -> None:
    judge = Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    (fact,), urgent = facts(1, 1), facts(2, 100)
    judge.urgent.update(block.raw for block in urgent)
    room.put(Brought(LIAR, facts(3, 1)[0].raw))
    room.put(Brought(HONEST, fact.raw))
    for block in urgent:
        room.put(Brought(HONEST, block.raw))
    order = [each.raw for each in served(room)]
    assert order.index(fact.raw) < MAX_OWED + 20


def test_what_a_peer_brought_is_forgotten_with_it_and_what_it_owes_is_not() -> None:
    judge = Judge()
    room: WaitingRoom[Brought] = WaitingRoom(judge)
    lies, rest = facts(1, 80), facts(2, 80)
    judge.urgent.update(block.raw for block in lies)
    for block in rest:
        room.put(Brought(HONEST, block.raw))
    for at in range(0, 80, 40):
        for block in lies[at : at + 40]:
            room.put(Brought(LIAR, block.raw))
        early = 0
        while (chosen := room.next()) and chosen[0].peer == LIAR:
            early += 1
        assert early <= (MAX_OWED if at == 0 else 1)
        room.forget(LIAR)


@pytest.mark.parametrize("seed", seeds(200))
def test_what_one_peer_brings_of_a_log_keeps_its_order_though_it_is_judged_otherwise_meanwhile(
    seed: int,
) -> None:
    # Of a log that is not held its class may be unknown, and known a moment later, when its first block is let in.
    dice = Random(seed)
    logs = [facts(number, 12) for number in range(3)]
    room: WaitingRoom[Brought] = WaitingRoom(lambda _: dice.choice([of_class(each) for each in LogClass]))
    coming = [log for log in range(3) for _ in logs[log]]
    dice.shuffle(coming)
    due = [iter(log) for log in logs]
    found: list[bytes] = []
    while coming or room:
        if coming and dice.random() < 0.6:
            room.put(Brought(HONEST, next(due[coming.pop()]).raw))
        elif chosen := room.next():
            if dice.random() < 0.2:
                room.back(chosen[0])
            else:
                found.append(chosen[0].raw)
    for log in logs:
        raws = [block.raw for block in log]
        assert [raw for raw in found if raw in raws] == raws
