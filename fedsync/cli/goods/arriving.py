"""What of goods on their way waits for us: loads that come, words that the other side said. For `fedsync status`."""

from collections.abc import Iterator
from typing import Any

from fedsync.cli.goods.transferwords import (
    Goods,
    overdue,
    party,
    reason_words,
    waits_for,
    waits_for_our_word,
    what,
)
from fedsync.cli.telling import day, rfc3339, short
from fedsync.crdt.goods.transit import TransferView, all_transfers
from fedsync.reading import Reading

Json = dict[str, Any]


def arriving(reading: Reading, now: int) -> Iterator[Json]:
    """Yield the loads that come to us, one or all in a line, and each discrepancy that waits for our word."""
    own = reading.own().scope
    ours = [
        way
        for way in all_transfers(reading.view)
        if way.manifest is not None and own in way.manifest.parties and not way.stage.over
    ]
    if not ours:
        return
    goods = Goods(reading)
    for way in ours:
        if waits_for_our_word(way, own):
            yield _discrepancy(reading, goods, way)
    coming = [
        way for way in ours if way.manifest is not None and way.manifest.receiver == own and _comes(way)
    ]
    if len(coming) == 1:
        yield _coming(reading, goods, coming[0], now)
    elif coming:
        late = sum(overdue(way, now) for way in coming)
        yield {
            "kind": "transfers",
            "transfers": [way.id.hex() for way in coming],
            "overdue": late,
            "line": f"{len(coming)} transfers are on their way to us"
            + (f", {late} of them overdue" if late else ""),
            "next": "fedsync stock transfer list --open",
        }


def _comes(way: TransferView) -> bool:
    return any(line.in_transit > 0 or not line.moved for line in way.lines)


def _coming(reading: Reading, goods: Goods, way: TransferView, now: int) -> Json:
    manifest = way.manifest
    assert manifest is not None
    left = any(line.moved for line in way.lines)
    due = f", due {day(manifest.due)}" if manifest.due is not None else ""
    late = overdue(way, now)
    return {
        "kind": "transfers",
        "transfers": [way.id.hex()],
        "overdue": int(late),
        "due": rfc3339(manifest.due),
        "line": f"{what(goods, way)} from {party(reading, manifest.provider)} {'on its way' if left else 'announced'} to us"
        f" ({short(way.id)}{due}{', overdue' if late else ''})",
        "next": f"fedsync stock transfer dropoff {short(way.id)} --as NAME",
    }


def _discrepancy(reading: Reading, goods: Goods, way: TransferView) -> Json:
    own = reading.own().scope
    said = [
        (
            f"{goods.amount(line.item, word.quantity)} of {goods.item(line.item)} {reason_words(word.reason)}",
            word,
        )
        for line in way.lines
        for word in line.words
        if waits_for(way, word, own)
    ]
    who = sorted({reading.name_of(scope) for _, word in said for scope in word.said_by})
    return {
        "kind": "discrepancy",
        "transfer": way.id.hex(),
        "said_by": who,
        "line": f"of transfer {short(way.id)}, says {' and '.join(who)}, is missing: {', '.join(words for words, _ in said)}",
        "next": f"fedsync stock transfer settle {short(way.id)} --as NAME",
    }
