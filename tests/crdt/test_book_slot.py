"""One slot, exhaustively: every way in which one log can say three things, judged as the naive twin judges it."""

from itertools import product

from fedsync.crdt.books.epoch import Epoch
from fedsync.crdt.books.slot import Voice, judge
from fedsync.records.ids import Key, LogId, PageId, RecordId
from fedsync.records.kinds.entries import KeySeat
from tests.crdt import naive_book as naive
from tests.crdt.books import genesis

NAMES = ("Ann", "Ben", "Cem")
SEATS = {name: KeySeat(genesis(name, name, "A")) for name in NAMES}
LOGS = {name: seat.log for name, seat in SEATS.items()}
BY_LOG = {seat.log: seat for seat in SEATS.values()}
EPOCH = Epoch("A", "community", 0, BY_LOG, frozenset(), 2, BY_LOG, 2, frozenset(), 0, (), False)
P, Q = PageId(b"P" * 32), PageId(b"Q" * 32)
BOOK = [
    naive.Page("p0", "A", 0, None, naive.Epoch(NAMES, 2, NAMES, 2)),
    naive.Page(P, "A", 1, "p0"),
    naive.Page(Q, "A", 1, "p0"),
]

SIGNING = [("sign", page, at, lock) for page in (P, Q) for at in range(3) for lock in (None, at - 1)]
SAYINGS = SIGNING + [("approve", page, at, None) for page in (P, Q) for at in range(3)]
OTHERS = [  # the two others make a quorum for Q in round 1, one of them with an approval
    naive.Voice(b"b0", "Ben", None, "sign", Q, "p0", 1),
    naive.Voice(b"c0", "Cem", None, "approve", Q, "p0", 1),
]


def _voice(one: naive.Voice, seq: int) -> Voice:
    name = str(one.log)
    return Voice(
        RecordId(one.id),  # type: ignore[arg-type]
        LogId(LOGS[name]),
        seq,
        one.prev,  # type: ignore[arg-type]
        one.kind == "approve",
        one.page,  # type: ignore[arg-type]
        one.round,
        one.lock,
        Key(SEATS[name].key),
        True,
        False,
    )


def test_three_records_of_one_log_are_judged_as_the_naive_twin_does_whatever_they_say() -> None:
    logs = [naive.Log(name, name) for name in NAMES]
    words: set[str] = set()
    for sayings in product(SAYINGS, repeat=3):
        mine = [
            naive.Voice(b"a%d" % at, "Ann", b"a%d" % (at - 1) if at else None, kind, page, "p0", round_, lock)
            for at, (kind, page, round_, lock) in enumerate(sayings)
        ]
        outcome = naive.fold(BOOK, logs, [*OTHERS, *mine], {"A": "p0"})
        fast = [_voice(one, 1) for one in OTHERS] + [_voice(one, at + 1) for at, one in enumerate(mine)]
        judged = judge(EPOCH, {P: False, Q: False}, fast)
        got = {id_: verdict.status.value for id_, verdict in judged.verdicts.items()}
        assert got == {one.id: outcome.status[one.id] for one in [*OTHERS, *mine]}, sayings
        assert {page for page in (P, Q) if judged.enough(page)} == outcome.certified - {"p0"}
        words.update(got.values())
    assert words == {"stands", "moved", "void", "pending"}
