"""Where several pages drop one teller, provisionally, and cut the log at different places."""

from fedsync.crdt.logs.seats import _lowest
from fedsync.records.ids import LogId, RecordId
from fedsync.records.kinds.entries import Tip

HERS, OTHER = LogId(b"h" * 32), LogId(b"o" * 32)


def tip(log: LogId, seq: int) -> Tip:
    return Tip(log, seq, RecordId(bytes([seq]) * 32))


def test_of_two_cuts_of_a_log_the_lower_one_holds_while_neither_page_is_sealed() -> None:
    assert _lowest([(tip(HERS, 5),), (tip(HERS, 3),)]) == [tip(HERS, 3)]
    assert _lowest([(tip(HERS, 3),), (tip(HERS, 5),)]) == [tip(HERS, 3)]


def test_a_log_that_one_of_the_pages_does_not_name_keeps_nothing() -> None:
    assert _lowest([(tip(HERS, 5), tip(OTHER, 2)), (tip(HERS, 3),)]) == [tip(HERS, 3)]
    assert _lowest([(tip(HERS, 5),), ()]) == []


def test_one_page_alone_cuts_where_it_says() -> None:
    assert _lowest([(tip(HERS, 5), tip(OTHER, 2))]) == [tip(HERS, 5), tip(OTHER, 2)]
