"""Agreements between bodies: proposing one, signing the very same words, and leaving it with the notice that it names."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.stewards import goods_log
from fedsync.crdt.books.naming import short
from fedsync.crdt.plans.agreements import Standing
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.reading import Reading
from fedsync.records.block import Block
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, PayloadId, Scope
from fedsync.records.kinds.plans import AGREEMENT, DAY_MS, Agreement, parse_agreement
from fedsync.records.seal import Draft
from fedsync.records.void import Void


@dataclass(frozen=True, slots=True)
class Words:
    """An agreement as somebody proposes it. Times in ms."""

    title: str
    others: tuple[Scope, ...]
    clauses: tuple[tuple[str, str], ...]
    notice: int
    start: int | None = None
    until: int | None = None


def propose(author: Author, reading: Reading, door: Door, words: Words) -> PayloadId:
    """Write an agreement, and so sign it for our body; return its id. Raises a Problem."""
    own = reading.own().scope
    value: dict[str, Value] = {
        "title": words.title,
        "parties": list[Value](sorted({own, *words.others})),
        "clauses": [{"name": name, "text": text} for name, text in words.clauses],
        "notice": words.notice,
    }
    if words.start is not None:
        value["from"] = words.start
    if words.until is not None:
        value["until"] = words.until
    try:
        parse_agreement(value)
    except Void as void:
        raise usage(
            f"This can't be an agreement: {void.sentence}.", "See: fedsync stock agreements propose --help"
        ) from None
    return PayloadId(_last(_write(author, reading, door, value)))


def sign(author: Author, reading: Reading, door: Door, agreement: Standing) -> None:
    """Sign an agreement for our body: write the very same words. Raises a Problem (exit 7)."""
    own = reading.own().scope
    if own not in agreement.said.parties:
        raise refused(
            "not_a_party",
            f"{reading.name_of(own)} is no party to this agreement, so signing it would have no effect.",
            f"See who is: fedsync stock agreements show {short(agreement.id)}",
        )
    if own not in agreement.missing:
        raise refused(
            "signed",
            f"{reading.name_of(own)} has signed this agreement already.",
            f"See who has not: fedsync stock agreements show {short(agreement.id)}",
        )
    _write(author, reading, door, value_of(agreement.said))


def end(author: Author, reading: Reading, door: Door, agreement: Standing, at: int | None) -> int:
    """Leave an agreement from `at` on, or as soon as its notice allows; return from when, in ms. Raises a Problem."""
    own = reading.own().scope
    if own not in agreement.said.parties:
        raise refused(
            "not_a_party",
            f"{reading.name_of(own)} is no party to this agreement, so it cannot leave it.",
            f"See who is: fedsync stock agreements show {short(agreement.id)}",
        )
    with author.writing():
        now = now_ms()
        least = now + agreement.said.notice * DAY_MS
        when = least if at is None else at
        if when < least:
            raise refused(
                "notice",
                f"The notice of this agreement is {agreement.said.notice} days, so it cannot end so early.",
                "Leave out --from: then it ends as soon as it can.",
            )
        if agreement.ends is not None and agreement.ends <= when:
            raise refused(
                "ends_already",
                "This agreement ends before that already, and for all.",
                f"See when: fedsync stock agreements show {short(agreement.id)}",
            )
        genesis = goods_log(author, reading, LogClass.PLANS, [AGREEMENT])
        value: dict[str, Value] = {"ends": agreement.id, "from": when}
        author.write_as(door, reading, genesis, [Draft(AGREEMENT, value, now)])
    return when


def value_of(said: Agreement) -> dict[str, Value]:
    """Return the payload that an agreement was read from, so that who signs it writes the same bytes."""
    value: dict[str, Value] = {
        "title": _text(said.title),
        "parties": list[Value](said.parties),
        "clauses": [{"name": name, "text": _text(text)} for name, text in said.clauses],
        "notice": said.notice,
    }
    if said.start is not None:
        value["from"] = said.start
    if said.until is not None:
        value["until"] = said.until
    return value


def _text(text: Any) -> Value:
    return dict(text) if isinstance(text, dict) else str(text)


def _write(author: Author, reading: Reading, door: Door, value: dict[str, Value]) -> Sequence[Block]:
    with author.writing():
        genesis = goods_log(author, reading, LogClass.PLANS, [AGREEMENT])
        return author.write_as(door, reading, genesis, [Draft(AGREEMENT, value, now_ms())])


def _last(blocks: Sequence[Block]) -> bytes:
    return blocks[-1].record(blocks[-1].count - 1).payload_id
