"""Why so much lies in the stores of the worked scenario, in words."""

from fedsync import units
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.whylevels import why_stock
from tests.stock.scenario import BEGUN, HOUR_MS, blocks_by_id, ids_of


def why(side: str, store: str) -> list[str]:
    pen, blocks, _ = blocks_by_id()
    node = pen.country.node()
    heard = [block for id_, block in blocks.items() if id_ in ids_of(side)]
    node.take_all([*pen.country.federation.blocks, *heard])
    (level,) = [each for each in levels(node.view) if each.store == store]
    return why_stock(node.view, level, lambda ms: f"hour {(ms - BEGUN) / HOUR_MS:g}", units.show)


def test_before_the_carrier_is_heard_of_300_kg_are_missing() -> None:
    assert why("north", "Alder.store")[:2] == [
        "510 kg = count of hour 12, 510 kg, + 0 g since.",
        "The count found 300 kg less than the records explain: an empty store + 810 kg until then.",
    ]


def test_what_the_carrier_records_late_explains_them_and_moves_nothing() -> None:
    assert why("both", "Alder.store") == [
        "510 kg = count of hour 12, 510 kg, + 0 g since.",
        "The count agrees with the records: an empty store + 510 kg until then.",
        "300 kg that left on hour 6.5 were recorded on hour 19.5, after that count.",
        "When it was counted, 300 kg less was there than was recorded; what was recorded since leaves nothing to explain."
        " What lies there now is as counted.",
        "By right 1,160 kg are the community's, of which 650 kg are elsewhere.",
    ]


def test_what_was_brought_and_not_made_over_is_not_theirs_by_right() -> None:
    assert why("both", "Birch.store")[-1] == (
        "By right 0 g are the community's: 338 kg lie here that nobody has made over to it."
    )
