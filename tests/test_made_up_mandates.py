"""Logs under mandates that nobody gave: as few are let in as of any other kind."""

from fedsync.node import MAX_INCARNATIONS, Verdict
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PageId, Reach
from fedsync.records.seal import seal
from tests.nodes import NOON, Scribe, bring, node


def test_one_key_cannot_bring_any_number_of_logs_by_making_up_mandates() -> None:
    with node() as at:
        oak = Scribe(at, "Oakfield", "Ann", "Ben")
        blocks = []
        for number in range(3 * MAX_INCARNATIONS):
            page = oak.id if number % 2 else PageId(bytes([number]) * 32)
            capacity = ("mandate", page, number)
            begins = Genesis(oak.key("Ben"), oak.scope, capacity, LogClass.AUTHORITY, Reach.WORLD, bytes(16))
            blocks += seal(oak.private("Ben"), begins, None, [], NOON)
        verdicts = [each.verdict for each in bring(at, blocks)]
        # One more may come an hour.
        assert verdicts.count(Verdict.TAKEN) == MAX_INCARNATIONS + 1
        assert {*verdicts} == {Verdict.TAKEN, Verdict.PARKED, Verdict.REFUSED}
