"""What is said in vain, or too early: each has its status, and `why` names the reason. Beside the fold stands the twin."""

from dataclasses import dataclass
from typing import Any

import pytest

from fedsync.crdt.answer import Answer
from fedsync.crdt.books.naming import Naming
from fedsync.crdt.reasons import REASONS
from fedsync.crdt.why import about_entry, about_page, about_record
from tests.authority.build import build, fold
from tests.authority.saying import Saying, confirm, decision, mandate, recall, valley


@dataclass(frozen=True)
class Said:
    """What became of a record: its status, the code of the reason, and all that people read."""

    status: str
    code: str
    text: str


def why(told: Saying, name: str, without: tuple[str, ...] = ()) -> Said:
    """Return what `why` says of a page, an entry (page#index) or a record; twin and fold agree on its status."""
    now = told.now(without)
    built = build({"id": "told", "records": [each for each in told.records if each["id"] not in without]})
    view = fold(built)
    page, hash_, index = name.partition("#")
    answer: Answer
    if hash_:
        answer = about_entry(view, built.pages[page], int(index), Naming(view))
    elif name in built.pages:
        answer = about_page(view, built.pages[name], Naming(view))
    else:
        answer = about_record(view, built.records[name], Naming(view))
        assert answer.status == now[name]
    text = "\n".join(answer.lines)
    assert answer.code in REASONS
    assert answer.reason in text
    return Said(answer.status, answer.code, text)


def oak(**more: Any) -> Saying:
    """Return a community of three tellers, and two rival pages."""
    told = Saying()
    told.community("A", "a1", "a2", "a3", **more)
    for page in ("p", "q"):
        told.page(page, "A.0", decision(page))
    return told


# --- Voices that break the discipline of a slot


def test_who_signs_two_rivals_in_one_round_signs_the_first_alone() -> None:
    told = oak()
    told.sign("p", "La1")
    told.sign("q", "La1")
    assert why(told, "La1+q@0").code == "signed-two"
    assert why(told, "La1+q@0").status == "void"
    assert why(told, "La1+p@0").status == "stands"


def test_who_approves_two_rivals_in_one_round_approves_the_first_alone() -> None:
    told = oak()
    told.approve("p", "La1")
    told.approve("q", "La1")
    found = why(told, "La1!q@0")
    assert (found.status, found.code) == ("void", "approved-two")


def test_who_approved_a_page_signs_no_rival_in_the_same_round() -> None:
    told = oak()
    told.approve("p", "La1")
    told.sign("q", "La1")
    found = why(told, "La1+q@0")
    assert (found.status, found.code) == ("void", "signed-after-approving")


def test_a_round_never_falls() -> None:
    told = oak()
    told.sign("p", "La1", round=2)
    told.sign("p", "La1", round=1)
    found = why(told, "La1+p@1")
    assert (found.status, found.code) == ("void", "round-fell")


def test_a_signature_that_waits_for_the_quorum_of_its_lock_says_so() -> None:
    told = oak()
    told.approve("p", "La1")
    told.sign("q", "La2", "La3", round=1)
    told.sign("q", "La1", round=2, lock=1)
    assert why(told, "La1+q@2").status == "stands"
    found = why(told, "La1+q@2", without=("La3+q@1",))
    assert (found.status, found.code) == ("pending", "lock-not-shown")


def test_a_signature_that_says_the_page_follows_another_is_void() -> None:
    told = oak()
    told.page("after", "p", decision("after"))
    told.sign("after", "La1")
    told.records[-1]["slot"] = "q"
    found = why(told, "La1+after@0")
    assert (found.status, found.code) == ("void", "wrong-slot")


# --- What waits for what has not come


def test_a_signature_waits_for_its_page_and_for_those_before_it() -> None:
    told = oak()
    told.seal("p", "La1", "La2")
    told.page("after", "p", decision("after"))
    told.sign("after", "La1")
    for missing in ("after", "p"):
        found = why(told, "La1+after@0", without=(missing,))
        assert (found.status, found.code) == ("pending", "page-not-held")
    page = why(told, "after", without=("p",))
    assert (page.status, page.code) == ("pending", "chain-not-held")


def test_a_delegates_signature_waits_for_the_seal_of_its_mandate_and_is_void_when_a_rival_takes_its_place() -> (
    None
):
    told = valley()
    told.page("p", "R.0", decision("a bridge"))
    told.sign("p", "DA")
    early = ("La1!mA@0", "La2!mA@0")
    found = why(told, "DA+p@0", without=early)
    assert (found.status, found.code) == ("pending", "mandate-not-certified")
    told.page("other", "A.0", decision("nobody is sent"))
    for log in ("La1", "La2"):
        told.fork(log, f"{log}+mA@0")
        told.sign("other", log, round=1)
        told.approve("other", log, round=1)
    assert why(told, "mA", without=early).status == "displaced"
    assert why(told, "DA+p@0", without=early).code == "mandate-not-certified"
    vote = told.vote("DA", "M", "yes")
    found = why(told, vote, without=early)
    assert (found.status, found.code) == ("void", "mandate-displaced")


def test_what_a_delegate_says_rests_while_the_book_of_its_giver_is_split_at_its_mandate() -> None:
    told = valley()
    told.page("p", "R.0", decision("a bridge"))
    told.sign("p", "DA")
    told.page("other", "A.0", decision("nobody is sent"))
    told.fork("La1", "")
    told.seal("other", "La1", "La3")
    found = why(told, "DA+p@0")
    assert (found.status, found.code) == ("suspended", "mandate-frozen")


def test_a_signature_under_a_mandate_for_another_seat_is_void() -> None:
    told = valley()
    told.found("S", [{"body": "A"}, {"body": "B"}], 2, 2)
    told.page("s", "S.0", decision("not our business"))
    told.sign("s", "DA")
    found = why(told, "DA+s@0")
    assert (found.status, found.code) == ("void", "other-seat")


# --- Entries that contradict each other on one page


def seats(*names: str, k: int) -> dict[str, Any]:
    return {"kind": "epoch", "seats": [{"key": each, "log": f"L{each}"} for each in names], "k": k}


def test_of_two_epochs_on_one_page_the_first_holds() -> None:
    told = oak()
    told.page("two", "A.0", seats("a1", "a2", k=2), seats("a3", k=1))
    told.seal("two", "La1", "La2")
    told.page("next", "two", decision("next"))
    told.seal("next", "La3")
    assert why(told, "two#0").code == "entry-in-force"
    found = why(told, "two#1")
    assert (found.status, found.code) == ("void", "second-epoch")
    assert why(told, "next").status == "drafted"
    told.seal("next", "La1", "La2")
    assert why(told, "next").status == "sealed"


def test_a_second_epoch_does_not_take_the_place_of_a_first_that_is_void() -> None:
    told = oak()
    told.page("two", "A.0", seats("a1", "a2", k=1), seats("a1", k=1))
    told.seal("two", "La1", "La2")
    told.page("next", "two", decision("next"))
    told.seal("next", "La1")
    assert why(told, "two#1").code == "second-epoch"
    assert why(told, "next").status == "drafted"
    told.seal("next", "La2")
    assert why(told, "next").status == "sealed"


def test_an_epoch_that_asks_for_more_repair_keys_than_there_are_is_void() -> None:
    told = oak()
    told.page("e", "A.0", seats("a1", "a2", "a3", k=2) | {"repair": {"keys": ["r1"], "k": 2}})
    told.seal("e", "La1", "La2")
    found = why(told, "e#0")
    assert (found.status, found.code) == ("void", "threshold-out-of-reach")


def test_of_two_words_on_one_page_the_first_counts() -> None:
    told = valley()
    yes, no = told.vote("DA", "M", "yes"), told.vote("DA", "M", "no")
    told.page("w", "mA", confirm("M", no), confirm("M", yes, "ratify"))
    told.seal("w", "La1", "La2")
    assert (why(told, no).status, why(told, yes).code) == ("stands", "not-the-word")
    assert why(told, "w#0").status == "in_force"
    assert "an earlier one holds" in why(told, "w#1").text


@pytest.mark.parametrize("recall_first", [True, False])
def test_a_page_may_recall_a_delegate_and_name_their_vote_in_either_order(recall_first: bool) -> None:
    told = valley()
    vote, other = told.vote("DA", "M", "yes"), told.vote("DA", "N", "yes")
    entries = [recall("mA"), confirm("M", vote)]
    told.page("w", "mA", *(entries if recall_first else entries[::-1]))
    told.seal("w", "La1", "La2")
    assert (why(told, vote).status, why(told, other).code) == ("stands", "recalled")


def test_what_recalls_a_mandate_of_its_own_page_ends_nothing() -> None:
    told = valley()
    told.page("w", "mA", mandate("kA", "R"), recall("mA"))
    told.seal("w", "La1", "La2")
    # A page cannot name itself: the earlier mandate is recalled, and the new one is in force beside that.
    assert (why(told, "mA#0").code, why(told, "w#0").code) == ("mandate-recalled", "mandate-in-force")
