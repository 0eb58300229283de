"""What is promised, and where logs are forked, while backups lose branches and bring them back."""

from random import Random

from fedsync.records.ids import LogClass, LogId, RecordId, Scope
from fedsync.sim.ledger import Ledger, Promised

LOG = LogId(bytes(32))


def record(seq: int, branch: int, log: LogId = LOG) -> Promised:
    return Promised(Scope(bytes(32)), log, LogClass.FACTS, seq, RecordId(bytes([seq, branch]) * 16), False)


def test_a_fork_whose_branch_was_lost_is_known_again_when_that_turns_up() -> None:
    ledger = Ledger()
    for each in (trunk := [record(seq, 0) for seq in range(6)]):
        ledger.note(each)
    low, high = record(2, 1), record(5, 2)
    ledger.note(low)
    ledger.forked(LOG, LogClass.FACTS, 2)
    ids = [each.id for each in trunk]
    assert ledger.survey([*ids, low.id], ids)
    assert ledger.forks == {}
    ledger.note(high)
    ledger.forked(LOG, LogClass.FACTS, 5)
    ledger.survey([], [*ids, low.id, high.id])
    assert ledger.forks == {LOG: (LogClass.FACTS, 2)}
    assert not ledger.counts(trunk[2])


def test_whatever_turns_up_or_is_lost_the_lowest_place_with_two_records_is_known() -> None:
    dice = Random(5)
    for _ in range(200):
        ledger, said = Ledger(), list[Promised]()
        held: set[RecordId] = set()
        for _ in range(dice.randrange(2, 25)):
            log = LogId(bytes([dice.randrange(2)]) * 32)
            each = record(dice.randrange(4), dice.randrange(3), log)
            each = each._replace(id=RecordId(each.id[:16] + bytes(log[:16])))
            if each not in said:
                said.append(each)
                held.add(each.id)
                ledger.note(each)
                if len({other.id for other in said if (other.log, other.seq) == (log, each.seq)} & held) > 1:
                    ledger.forked(log, LogClass.FACTS, each.seq)
            if dice.random() < 0.3:
                before = [*held]
                # Each record lies at one node or another, or comes back from where it was kept.
                held = {other.id for other in said if dice.random() < 0.7}
                ledger.survey(before, held)
        ledger.survey([*held], held)
        places = [(each.log, each.seq) for each in said if each.id in held]
        lowest = {log: min((s for at, s in places if at == log and places.count((log, s)) > 1), default=None)
                  for log, _ in places}  # fmt: skip
        assert {log: seq for log, (_, seq) in ledger.forks.items()} == {
            log: seq for log, seq in lowest.items() if seq is not None
        }
