"""Each thing that can come of a promise, a grant or an agreement is said in a sentence."""

import re
from pathlib import Path
from typing import Any

import pytest

from fedsync.crdt.logs.seats import Cut
from fedsync.crdt.plans import account, agreements, escrow, judging, promises
from fedsync.crdt.plans.agreements import agreement
from fedsync.crdt.plans.whyplans import SENTENCES, Words, why_plan
from fedsync.records.block import Block
from fedsync.records.ids import PayloadId, Reach
from fedsync.records.seal import Draft
from tests.crdt.granary import ALDER, BIRCH, NOON
from tests.crdt.market import Log, Market, log

DAY = 86_400_000
WORDS = Words(lambda quantity, item: f"{quantity} g", lambda log: log.hex()[:8])


def code_of(node: Market, blocks: list[Block], id_: bytes) -> tuple[str, str, list[str]]:
    (record,) = (each for block in blocks for each in block.records() if each.id == id_)
    verdict, more = why_plan(node.view, record, WORDS)
    assert verdict.sentence.endswith(".")
    return verdict.status, verdict.code, more


def test_every_code_has_its_sentence_and_every_sentence_its_code() -> None:
    source = "".join(
        Path(str(each.__file__)).read_text("utf-8")
        for each in (account, escrow, judging, promises, agreements)
    )
    codes = {
        each
        for each in re.findall(r'"([a-z]+(?:-[a-z]+)+|withdrawn|expired|released|offered)"', source)
        if each not in ("plan-step",)
    }
    assert codes <= SENTENCES.keys() | {"released"}
    assert SENTENCES.keys() - codes <= {"needed", "signed", "agreement-ended", "agreement-not-held"}
    assert all(re.match(r"It .*\.$", each) for each in SENTENCES.values())


def test_a_promise_beyond_rights_says_what_its_log_holds() -> None:
    ann, ben = log("Ann"), log("Ben")
    offer = ann.offer(100)
    granted = ann.grant(offer, 30, ben)
    kept = ben.promise(offer, 20, accepts=[granted])
    beyond = ben.promise(offer, 20)
    node = Market()
    node.take(*ann.blocks, *ben.blocks)
    assert code_of(node, ben.blocks, kept) == (
        "counts",
        "promise-stands",
        [f"It rests on the grant {granted[2].hex()[:8]} of {ann.id.hex()[:8]}, which stands."],
    )
    assert code_of(node, ben.blocks, beyond) == (
        "beyond",
        "beyond-rights",
        ["Its log holds 10 g now; this says 20 g."],
    )
    status, code, lines = code_of(node, ann.blocks, offer)
    assert (status, code) == ("counts", "offered")
    assert lines[0] == "100 g are offered; 20 g are promised in 1 promises."
    assert code_of(node, ann.blocks, granted[2])[2] == [f"It is to {ben.id.hex()[:8]}, who accepted it."]


def test_what_a_log_says_that_does_not_count_is_told_by_its_standing() -> None:
    ann = log("Ann")
    offer = ann.offer(5)
    odd = ann.say("commitment", intent=offer, quantity=0, receiver="X")[2]
    node = Market()
    node.take(*ann.blocks)
    assert code_of(node, ann.blocks, odd)[:2] == ("void", "quantity")
    foreign = ann.release(bytes(32))
    node.take(ann.blocks[-1])
    assert code_of(node, ann.blocks, foreign)[:2] == ("void", "no-promise")


# --- Agreements -------------------------------------------------------------------------------------------


def agreed(notice: int = 30, **more: Any) -> Draft:
    value: dict[str, Any] = {
        "title": "Seed for work",
        "parties": [ALDER, BIRCH],
        "clauses": [{"name": "Seed", "text": "A sack."}],
    }
    return Draft("agreement", {**value, "notice": notice, **more}, NOON)


def carry(of: Log, draft: Draft) -> PayloadId:
    of.say(draft.kind, draft.time, **draft.value)  # type: ignore[arg-type]
    return PayloadId(of.blocks[-1].record(0).payload_id)


def test_an_agreement_is_in_force_when_every_party_carries_its_words() -> None:
    ann, cem = log("Ann"), log("Cem", BIRCH)
    id_ = carry(ann, agreed())
    node = Market()
    node.take(*ann.blocks)
    found = agreement(node.view, id_)
    assert found is not None
    assert (found.missing, found.status(NOON)) == ((BIRCH,), "open")
    assert carry(cem, agreed()) == id_
    node.take(*cem.blocks)
    found = agreement(node.view, id_)
    assert found is not None
    assert (found.missing, found.status(NOON)) == ((), "in force")
    assert code_of(node, cem.blocks, cem.tip()[2])[:2] == ("counts", "signed")
    # Other words are another agreement.
    assert carry(cem, agreed(31)) != id_
    node.do(node.hearing(cem.id, Cut(())))
    assert agreement(node.view, id_).missing == (BIRCH,)  # type: ignore[union-attr]
    node.do(node.hearing(ann.id, Cut(())))
    assert agreement(node.view, id_) is None


def test_who_is_no_party_signs_in_vain() -> None:
    eve = log("Eve", scope=BIRCH)
    value: Any = {**agreed().value, "parties": sorted([ALDER, b"cedar" + bytes(11)])}  # type: ignore[dict-item]
    id_ = carry(eve, Draft("agreement", value, NOON))
    node = Market()
    node.take(*eve.blocks)
    assert agreement(node.view, id_).signed == ()  # type: ignore[union-attr]
    assert code_of(node, eve.blocks, eve.tip()[2])[:2] == ("void", "not-a-party")


@pytest.mark.parametrize(
    ("after", "by", "code", "status"),
    [
        (29, ALDER, "notice-too-short", "in force"),
        (30, ALDER, "agreement-ended", "ended"),
        (40, b"cedar" + bytes(11), "not-a-party", "in force"),
    ],
)
def test_a_party_ends_an_agreement_with_the_notice_it_names_and_nobody_else_does(
    after: int, by: bytes, code: str, status: str
) -> None:
    ann, cem, other = log("Ann"), log("Cem", BIRCH), log("Other", by)  # type: ignore[arg-type]
    id_ = carry(ann, agreed())
    carry(cem, agreed())
    other.say("agreement", NOON, **{"ends": id_, "from": NOON + after * DAY})
    node = Market()
    node.take(*ann.blocks, *cem.blocks, *other.blocks)
    assert code_of(node, other.blocks, other.tip()[2])[1] == code
    found = agreement(node.view, id_)
    assert found is not None
    assert found.status(NOON + 60 * DAY) == status
    assert found.status(NOON + 20 * DAY) == "in force"


def test_the_end_of_an_agreement_that_is_not_held_waits() -> None:
    ann = log("Ann")
    ann.say("agreement", NOON, **{"ends": bytes(32), "from": NOON})
    node = Market()
    node.take(*ann.blocks)
    assert code_of(node, ann.blocks, ann.tip()[2])[:2] == ("pending", "agreement-not-held")


def test_an_agreement_begins_and_ends_on_its_days() -> None:
    ann, cem = log("Ann"), log("Cem", BIRCH)
    words = agreed(**{"from": NOON + DAY, "until": NOON + 2 * DAY})
    id_ = carry(ann, words)
    carry(cem, words)
    node = Market()
    node.take(*ann.blocks, *cem.blocks)
    found = agreement(node.view, id_)
    assert found is not None
    assert [found.status(NOON + at * DAY) for at in range(3)] == ["agreed", "in force", "ended"]


def test_what_others_cannot_hold_is_told_as_waiting() -> None:
    ann, eva = log("Ann"), log("Eva", reach=Reach.LOCAL)
    offer = eva.offer(5)
    waits = ann.promise(offer, 1)
    node = Market()
    node.take(*ann.blocks, *eva.blocks)
    assert code_of(node, ann.blocks, waits)[:2] == ("pending", "offer-not-held")
