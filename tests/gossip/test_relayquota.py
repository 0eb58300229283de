"""What a relay carries in a day: a naive twin, crashes, and clocks that are set."""

from random import Random

from fedsync.gossip.relayquota import DAY_MS, MAX_PAIRS, Full, Ledger, pair_of
from fedsync.records.ids import Key

NOON = 20_000 * DAY_MS + DAY_MS // 2
PEOPLE = [Key(bytes([n]) * 32) for n in range(1, 6)]


class Disk:
    """What of a ledger is durable."""

    def __init__(self) -> None:
        self.day, self.rows = -1, {}  # type: ignore[var-annotated]

    def keep(self, ledger: Ledger, pair: tuple[Key, Key]) -> None:
        due = ledger.due(pair)
        if due is not None:
            if self.day != ledger.day:
                self.day, self.rows = ledger.day, {}
            self.rows[pair] = due
            ledger.kept(ledger.day, pair, due)


def test_no_crash_lets_more_through_than_a_day_allows_and_a_naive_count_agrees_where_none_happens() -> None:
    for seed in range(200):
        die = Random(seed)
        per_day, per_pair = die.randrange(1, 5000), die.randrange(1, 3000)
        piece = 100
        disk, crashes = Disk(), seed % 2
        ledger = Ledger(per_day, per_pair)
        passed: dict[tuple[int, tuple[Key, Key]], int] = {}
        now = NOON
        for _ in range(300):
            now += die.randrange(DAY_MS // 100)
            day = now // DAY_MS
            if crashes and die.random() < 0.05:
                ledger = Ledger(per_day, per_pair)
                ledger.load(disk.day, disk.rows)
            if not crashes and die.random() < 0.05:  # It stops in order, which costs nobody anything.
                disk.day, disk.rows = ledger.day, ledger.settled()
                ledger = Ledger(per_day, per_pair)
                ledger.load(disk.day, disk.rows)
            pair = pair_of(*die.sample(PEOPLE, 2))
            size = die.randrange(1, piece)
            of_pair = passed.get((day, pair), 0)
            of_all = sum(each for (when, _), each in passed.items() if when == day)
            full = ledger.spend(pair, size, now)
            if not crashes:
                wanted = "quota" if of_all >= per_day else None
                wanted = wanted or ("pair-quota" if of_pair >= min(per_pair, per_day) else None)
                assert (full.code if full else None) == wanted
            if full is None:
                disk.keep(ledger, pair)
                assert disk.rows[pair] >= of_pair + size, "bytes went on that are not durable"
                passed[day, pair] = of_pair + size
                assert of_all < per_day
                assert of_pair < per_pair
            else:
                assert full.until == (day + 1) * DAY_MS


def test_what_is_written_ahead_is_a_small_part_of_a_pairs_day() -> None:
    ledger = Ledger(10**9, 1600)
    pair = pair_of(*PEOPLE[:2])
    assert ledger.spend(pair, 10, NOON) is None
    assert ledger.due(pair) == 110
    ledger.kept(ledger.day, pair, 110)
    assert ledger.spend(pair, 100, NOON) is None
    assert ledger.due(pair) is None


def test_what_goes_on_after_the_account_was_settled_is_written_anew() -> None:
    ledger = Ledger(10**9, 1600)
    pair = pair_of(*PEOPLE[:2])
    ledger.spend(pair, 10, NOON)
    ledger.kept(ledger.day, pair, 110)
    assert ledger.settled() == {pair: 10}
    ledger.spend(pair, 1, NOON)
    assert ledger.due(pair) == 111


def test_a_clock_that_is_set_back_a_day_begins_that_day_and_does_not_stop_the_relay() -> None:
    ledger = Ledger(100, 100)
    pair = pair_of(*PEOPLE[:2])
    ledger.spend(pair, 100, NOON)
    assert ledger.full(pair, NOON) == Full("quota", NOON + DAY_MS // 2)
    assert ledger.full(pair, NOON - DAY_MS) is None


def test_so_many_pairs_have_an_account_and_no_more() -> None:
    ledger = Ledger(10**9, 10**6)
    for n in range(MAX_PAIRS):
        assert ledger.spend(pair_of(PEOPLE[0], Key(n.to_bytes(32, "big"))), 1, NOON) is None
    more = ledger.spend(pair_of(PEOPLE[0], Key(b"\xff" * 32)), 1, NOON)
    assert more is not None
    assert more.code == "quota"
    assert len(ledger.pairs) == MAX_PAIRS


def test_nothing_is_written_ahead_beyond_a_pairs_day_and_no_pair_has_more_of_it_than_all_have() -> None:
    pair = pair_of(*PEOPLE[:2])
    for per_day, per_pair in ((10**9, 1600), (1600, 10**9)):
        ledger = Ledger(per_day, per_pair)
        ledger.spend(pair, 10, NOON)
        assert ledger.due(pair) == 110
        ledger.spend(pair, 1580, NOON)
        assert ledger.due(pair) == 1600


def test_what_was_written_of_yesterday_lets_nothing_go_on_today() -> None:
    ledger, pair = Ledger(10**9, 1600), pair_of(*PEOPLE[:2])
    ledger.spend(pair, 10, NOON)
    yesterday = ledger.day
    ledger.spend(pair, 10, NOON + DAY_MS)
    ledger.kept(yesterday, pair, 110)
    assert ledger.due(pair) == 110


def test_of_two_writings_the_one_that_covers_more_counts_whichever_ends_last() -> None:
    ledger, pair = Ledger(10**9, 1600), pair_of(*PEOPLE[:2])
    ledger.spend(pair, 100, NOON)
    ledger.kept(ledger.day, pair, 200)
    ledger.kept(ledger.day, pair, 110)
    ledger.spend(pair, 50, NOON)
    assert ledger.due(pair) is None
