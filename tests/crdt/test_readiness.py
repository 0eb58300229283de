"""What our own tools refuse to sign (H4): pages that say what would be void, or name what is not there."""

from typing import Any

import pytest

from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.tellers import Refuse, next_signature
from fedsync.crdt.why import why_page
from fedsync.records.codec import Value
from fedsync.records.ids import PageId
from tests.crdt.books import genesis, key
from tests.crdt.community import Community, decision

NOTHING = bytes(32)
MOTION: dict[str, Value] = {"title": "Oats", "text": "Sow oats.", "options": ["yes", "no"]}
RULE: dict[str, Value] = {"method": "majority"}


@pytest.fixture
def mill() -> Community:
    return Community("Ann", "Ben", "Cem", k=2)


@pytest.fixture
def oak(mill: Community) -> Community:
    """Another community, on the same node."""
    return Community("Ola", "Per", "Quy", k=2, body="Oak", view=mill.view)


def refusal(at: Community, page: PageId, name: str = "Ann") -> str:
    """Return the code with which a teller's tool refuses a page, "" when it would sign."""
    answer = next_signature(at.view, page, at.seat(name).log)
    if not isinstance(answer, Refuse):
        return ""
    assert answer.sentence.endswith(".")
    return answer.code


def sealed(at: Community, *entries: dict[str, Value]) -> PageId:
    """Bring a page to its end."""
    page = at.propose(*entries)
    names = [name for name in ("Ann", "Ben", "Ola", "Per") if at.seat(name).log in _seats(at)]
    at.seal(page, names)
    assert at.status(page) == "sealed"
    return page


def _seats(at: Community) -> Any:
    epoch = current_epoch(at.view, at.scope, at.page0)
    assert epoch is not None
    return epoch.seats


def mandate(holder: str = "Dia") -> dict[str, Value]:
    return {"kind": "mandate", "holder": key(holder), "task": "water", "instructions": {}}


def test_a_recall_names_a_mandate_that_the_body_gave(mill: Community, oak: Community) -> None:
    given = sealed(mill, mandate())
    theirs = sealed(oak, mandate())
    for kind in ("recall", "closing"):

        def page(at: PageId, index: int, kind: str = kind) -> PageId:
            return mill.propose({"kind": kind, "mandate": [at, index], "cuts": []})

        assert refusal(mill, page(given, 0)) == ""
        assert refusal(mill, page(PageId(NOTHING), 0)) == "no-such-mandate"
        assert refusal(mill, page(given, 7)) == "no-such-mandate"
        assert refusal(mill, page(theirs, 0)) == "not-the-giver"


def test_a_word_names_a_vote_of_the_body_on_the_question(mill: Community, oak: Community) -> None:
    motion = mill.write("Ann", "motion", {"body": mill.page0, **MOTION}).tip
    ours = mill.write("Ben", "vote", {"motion": motion, "option": "yes"}).tip
    theirs = oak.write("Ola", "vote", {"motion": motion, "option": "yes"}).tip

    def page(vote: Value, of: bytes = motion) -> PageId:
        return mill.propose({"kind": "confirm", "motion": of, "vote": vote})

    assert refusal(mill, page(ours)) == ""
    assert refusal(mill, page(None)) == ""
    assert refusal(mill, page(NOTHING)) == "vote-not-held"
    assert refusal(mill, page(theirs)) == "vote-of-another"
    assert refusal(mill, page(ours, NOTHING)) == "vote-of-another"
    assert refusal(mill, page(motion)) == "vote-of-another"


def test_a_result_counts_votes_that_are_there_and_on_its_question(mill: Community) -> None:
    motion = mill.write("Ann", "motion", {"body": mill.page0, **MOTION}).tip
    yes = mill.write("Ben", "vote", {"motion": motion, "option": "yes"}).tip
    clause = mill.write("Cem", "vote", {"motion": motion, "option": "yes", "clause": "2"}).tip

    def page(of: bytes = motion, **more: Value) -> PageId:
        return mill.propose({"kind": "result", "motion": of, "rule": RULE, **more})

    assert refusal(mill, page(votes=[yes])) == ""
    assert refusal(mill, page(counts=[["yes", 9]])) == ""
    assert refusal(mill, page(votes=[yes, NOTHING])) == "vote-not-held"
    assert refusal(mill, page(votes=[yes, clause])) == "vote-of-another"
    assert refusal(mill, page(NOTHING, counts=[["yes", 9]])) == "motion-not-held"


def test_what_ends_a_decision_names_one_of_the_body(mill: Community, oak: Community) -> None:
    ours, theirs = sealed(mill, decision("Rye")), sealed(oak, decision("Rye"))

    def ends(page: PageId, index: int) -> tuple[PageId, PageId]:
        newer: dict[str, Value] = {**decision("Oats"), "supersedes": [[page, index]]}
        return mill.propose({"kind": "repeal", "decision": [page, index]}), mill.propose(newer)

    for where, code in (
        ((ours, 0), ""),
        ((ours, 1), "repeal-of-nothing"),
        ((theirs, 0), "repeal-of-nothing"),
        ((PageId(NOTHING), 0), "decision-not-held"),
    ):
        assert {refusal(mill, page) for page in ends(*where)} == {code}


def test_a_witnessed_page_is_certified_and_follows_what_was_witnessed_before(
    mill: Community, oak: Community
) -> None:
    draft = oak.propose(decision("Rye"))

    def page(head: bytes, of: PageId = oak.page0) -> PageId:
        return mill.propose({"kind": "witness", "body": of, "page": head})

    assert refusal(mill, page(NOTHING)) == "witness-not-held"
    assert refusal(mill, page(draft)) == "witness-not-certified"
    waits = page(draft)
    oak.seal(draft, ["Ola", "Per"])
    assert refusal(mill, waits) == ""
    assert refusal(mill, page(draft, mill.page0)) == "witness-of-another"
    sealed(mill, {"kind": "witness", "body": oak.page0, "page": draft})
    assert refusal(mill, page(oak.page0)) == "witness-turns"
    assert refusal(mill, page(draft)) == ""
    after = sealed(oak, decision("Oats"))
    assert refusal(mill, page(after)) == ""


def test_a_rival_of_what_was_witnessed_is_not_witnessed(mill: Community, oak: Community) -> None:
    first, rival = oak.propose(decision("Rye")), oak.propose(decision("Oats"))
    for fork, page in ((False, first), (True, rival)):
        for name in ("Ola", "Per"):
            oak.lie(name, "signature", page, fork=fork)
            oak.lie(name, "approval", page)
    assert [oak.status(each) for each in (first, rival)] == ["frozen", "frozen"]
    sealed(mill, {"kind": "witness", "body": oak.page0, "page": first})
    turned = mill.propose({"kind": "witness", "body": oak.page0, "page": rival})
    assert refusal(mill, turned) == "witness-turns"
    assert refusal(mill, mill.propose({"kind": "witness", "body": oak.page0, "page": first})) == ""


def test_an_epoch_names_logs_that_somebody_writes(mill: Community) -> None:
    def page(log: str, of: str, body: str = "Mill") -> PageId:
        seats: list[Value] = [{"genesis": mill.seat(name).payload} for name in ("Ann", "Ben")]
        seats.append({"genesis": genesis(log, of, body).payload})
        epoch: dict[str, Value] = {
            "kind": "epoch", "name": "Mill", "classification": "community", "level": 0, "seats": seats, "k": 2,
        }  # fmt: skip
        return mill.carry({"body": mill.page0, "number": 1, "prev": mill.page0, "entries": [epoch]})

    assert refusal(mill, page("Cem", "Cem")) == ""
    waits = page("Dia", "Dia")
    assert refusal(mill, waits) == "new-log-not-held"
    mill.newcomer("Dia")
    assert refusal(mill, waits) == ""
    assert refusal(mill, page("Dia", "Dia", "Oak")) == "epoch-void"


def test_a_person_who_writes_for_another_body_may_get_a_seat(mill: Community, oak: Community) -> None:
    oak.sign(oak.propose(decision("Rye")), "Ola")
    seats: list[Value] = [{"genesis": each.payload} for each in (mill.seat("Ann"), mill.seat("Ola"))]
    epoch: dict[str, Value] = {
        "kind": "epoch", "name": "Mill", "classification": "community", "level": 0, "seats": seats, "k": 2,
    }  # fmt: skip
    page = mill.carry({"body": mill.page0, "number": 1, "prev": mill.page0, "entries": [epoch]})
    assert refusal(mill, page) == ""


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"k": 1}, "epoch-void"),
        ({"k": 9}, "epoch-void"),
        ({"level": 1}, "epoch-void"),
        ({"w": 1}, "epoch-void"),
        ({"repair": {"keys": [key("Rex"), key("Rex")], "threshold": 2}}, "epoch-void"),
        ({"repair": {"keys": [key("Rex"), key("Sue")], "threshold": 1}}, "epoch-void"),
        ({"seats": []}, "entry-void"),
        ({"seats": "Ann"}, "entry-void"),
        ({"mayor": "Ann"}, "entry-void"),
    ],
)
def test_an_epoch_with_impossible_rules_is_not_signed_and_why_says_what_is_wrong(
    mill: Community, change: dict[str, Value], code: str
) -> None:
    seats: list[Value] = [{"genesis": mill.seat(name).payload} for name in ("Ann", "Ben", "Cem")]
    epoch: dict[str, Value] = {
        "kind": "epoch", "name": "Mill", "classification": "community", "level": 0, "seats": seats, "k": 2, **change,
    }  # fmt: skip
    page = mill.carry({"body": mill.page0, "number": 1, "prev": mill.page0, "entries": [epoch]})
    assert refusal(mill, page) == code
    assert any(line.startswith("Entry 0 has no effect: ") for line in why_page(mill.view, page))
    # Whoever signs all the same changes nothing: the present tellers go on.
    for name in ("Ann", "Ben"):
        mill.lie(name, "signature", page)
        mill.lie(name, "approval", page)
    assert mill.status(page) == "sealed"
    mill.seal(mill.propose(decision("Oats")), ["Ann", "Ben"])
