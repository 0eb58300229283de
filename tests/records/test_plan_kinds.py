"""What records of needs, offers, promises and agreements may say: exact fields, or void with a reason."""

from typing import Any

import pytest

from fedsync.records.ids import LogId, PayloadId, RecordId, Scope
from fedsync.records.kinds import class_of
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.kinds.plans import (
    KINDS,
    MAX_ACCEPTED,
    PARSERS,
    Agreement,
    Commitment,
    Ending,
    Grant,
    Intent,
    Release,
    TakeBack,
)
from fedsync.records.kinds.refs import FactRef
from fedsync.records.void import Void

ALDER, BIRCH = Scope(b"alder" + bytes(11)), Scope(b"birch" + bytes(11))
OWN, OTHER = LogId(b"o" * 32), LogId(b"x" * 32)
ITEM, OFFER, PROMISE, GRANTED = (name.encode() * 32 for name in "iopg")
REF = [OTHER, 3, GRANTED]

OFFERED: dict[str, Any] = {"resource_conforms_to": ITEM, "quantity": 5, "provider": ALDER}
NEEDED: dict[str, Any] = {"resource_conforms_to": ITEM, "quantity": 5, "receiver": "The Millers"}
GIVEN: dict[str, Any] = {"intent": OFFER, "quantity": 5, "to": OTHER}
TAKEN: dict[str, Any] = {"intent": OFFER, "quantity": 5, "to": OWN, "takes_back": GRANTED}
PROMISED: dict[str, Any] = {"intent": OFFER, "receiver": BIRCH, "quantity": 5}
AGREED: dict[str, Any] = {
    "title": "Seed for work",
    "parties": [ALDER, BIRCH],
    "clauses": [{"name": "Seed", "text": {"en": "Alder gives seed.", "de": "Alder gibt Saatgut."}}],
    "notice": 30,
}


def said(kind: str, value: Any) -> Any:
    return PARSERS[kind](value, ALDER, OWN)


def void(kind: str, value: Any) -> str:
    with pytest.raises(Void) as caught:
        said(kind, value)
    return caught.value.code


def test_plans_belong_in_logs_of_plans() -> None:
    assert {class_of(kind).name for kind in KINDS} == {"PLANS"}  # type: ignore[union-attr]


def test_what_is_offered_needed_and_promised_is_read_field_by_field() -> None:
    assert said("intent", OFFERED) == Intent(PayloadId(ITEM), 5, ALDER, None)
    more = {"due": 7, "until": 9, "lot": b"l" * 32, "store": b"s" * 32, "action": "use", "note": "Dry"}
    assert said("intent", {**NEEDED, **more}) == Intent(
        PayloadId(ITEM), 5, None, "The Millers", 7, 9, PayloadId(b"l" * 32), PayloadId(b"s" * 32), "use"
    )
    ref = FactRef(OTHER, 3, RecordId(GRANTED))
    assert said("rights_grant", {**GIVEN, "expires": 8, "accepts": [REF]}) == Grant(
        RecordId(OFFER), 5, OTHER, 8, (ref,)
    )
    assert said("rights_grant", {**GIVEN, "to": None}) == Grant(RecordId(OFFER), 5, None)
    assert said("rights_grant", {**TAKEN, "at": REF}) == TakeBack(
        RecordId(OFFER), 5, OWN, RecordId(GRANTED), ref
    )
    assert said("rights_grant", TAKEN) == TakeBack(RecordId(OFFER), 5, OWN, RecordId(GRANTED), None)
    full = {"satisfies": b"n" * 32, "due": 1, "until": 2, "accepts": [REF], "agreement": b"a" * 32}
    assert said("commitment", {**PROMISED, **full}) == Commitment(
        RecordId(OFFER), BIRCH, 5, RecordId(b"n" * 32), 1, 2, (ref,), PayloadId(b"a" * 32)
    )
    assert said("release", {"commitment": PROMISE, "reason": "Mice"}) == Release(RecordId(PROMISE), "Mice")
    assert said("agreement", {**AGREED, "from": 1, "until": 2}) == Agreement(
        "Seed for work",
        (ALDER, BIRCH),
        (("Seed", {"en": "Alder gives seed.", "de": "Alder gibt Saatgut."}),),
        30,
        1,
        2,
    )
    assert said("agreement", {"ends": b"a" * 32, "from": 5}) == Ending(PayloadId(b"a" * 32), 5)


@pytest.mark.parametrize("base", ["intent", "rights_grant", "commitment"])
@pytest.mark.parametrize("quantity", [0, -1, True, "5", MAX_QUANTITY + 1, None])
def test_nothing_is_offered_granted_or_promised_but_a_quantity_above_zero(base: str, quantity: Any) -> None:
    value = {"intent": OFFERED, "rights_grant": GIVEN, "commitment": PROMISED}[base]
    assert void(base, {**value, "quantity": quantity}) == "quantity"


@pytest.mark.parametrize(
    ("kind", "value", "code"),
    [
        ("intent", [], "malformed"),
        ("intent", {**OFFERED, "receiver": "Ann"}, "side"),
        ("intent", {"resource_conforms_to": ITEM, "quantity": 5}, "side"),
        ("intent", {**OFFERED, "provider": BIRCH}, "stranger"),
        ("intent", {**OFFERED, "provider": "Ann"}, "stranger"),
        ("intent", {**NEEDED, "receiver": BIRCH}, "stranger"),
        ("intent", {**NEEDED, "receiver": ""}, "party"),
        ("intent", {**OFFERED, "action": "consume"}, "action"),
        ("intent", {**OFFERED, "due": "soon"}, "malformed"),
        ("intent", {**OFFERED, "odd": 1}, "malformed"),
        ("intent", {**OFFERED, "note": 1}, "note"),
        ("rights_grant", {**GIVEN, "to": OWN}, "self"),
        ("rights_grant", {**GIVEN, "to": b"short"}, "malformed"),
        ("rights_grant", {**GIVEN, "to": None, "expires": 5}, "malformed"),
        ("rights_grant", {**GIVEN, "accepts": []}, "malformed"),
        ("rights_grant", {**GIVEN, "accepts": [REF, REF]}, "malformed"),
        ("rights_grant", {**GIVEN, "accepts": [[OWN, 3, GRANTED]]}, "self"),
        ("rights_grant", {**GIVEN, "accepts": [GRANTED]}, "reference"),
        ("rights_grant", {**GIVEN, "accepts": [[OTHER, at, GRANTED] for at in range(65)]}, "malformed"),
        ("rights_grant", {**TAKEN, "to": OTHER}, "self"),
        ("rights_grant", {**TAKEN, "accepts": [REF]}, "malformed"),
        ("commitment", {**PROMISED, "receiver": b"short"}, "party"),
        ("commitment", {**PROMISED, "note": 5}, "note"),
        ("commitment", {**PROMISED, "accepts": [[OWN, 3, GRANTED]]}, "self"),
        ("release", {}, "malformed"),
        ("release", {"commitment": PROMISE, "reason": ""}, "words"),
        ("agreement", {**AGREED, "parties": [ALDER]}, "malformed"),
        ("agreement", {**AGREED, "parties": [BIRCH, ALDER]}, "party"),
        ("agreement", {**AGREED, "parties": [ALDER, ALDER]}, "party"),
        ("agreement", {**AGREED, "parties": [ALDER, "Birch"]}, "party"),
        ("agreement", {**AGREED, "notice": -1}, "malformed"),
        ("agreement", {**AGREED, "from": 5, "until": 5}, "time"),
        ("agreement", {**AGREED, "clauses": [{"name": "a", "text": "b"}] * 2}, "name"),
        ("agreement", {**AGREED, "clauses": [{"name": "", "text": "b"}]}, "name"),
        ("agreement", {**AGREED, "clauses": [{"name": "a", "text": ""}]}, "words"),
        ("agreement", {"ends": b"a" * 32}, "malformed"),
    ],
)
def test_what_does_not_match_exactly_is_void(kind: str, value: Any, code: str) -> None:
    assert void(kind, value) == code


def test_as_many_grants_as_fit_a_person_are_accepted_at_once() -> None:
    refs = [[OTHER, at, at.to_bytes(32, "big")] for at in range(MAX_ACCEPTED)]
    assert len(said("commitment", {**PROMISED, "accepts": refs}).accepts) == MAX_ACCEPTED
