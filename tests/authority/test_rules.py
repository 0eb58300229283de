"""The numbered rules, one by one, each on the smallest story that shows it. docs/authority.md names these tests.

Every story goes through the production fold in several orders and through the naive twin; they must agree.
"""

import pytest

from tests.authority.saying import Saying, confirm, decision, mandate, recall, valley

NODES = ("Nn1", "Nn2", "Nn3")


def oak() -> Saying:
    told = Saying()
    told.community("A", "a1", "a2", "a3")
    return told


# --- Structure


def test_rule_1_a_page_whose_chain_is_not_held_is_pending_and_so_is_what_is_said_of_it() -> None:
    told = oak()
    told.page("p", "A.0", decision("first"))
    told.page("q", "p", decision("second"))
    told.seal("p", "La1", "La2")
    told.seal("q", "La1", "La2")
    assert (told.now()["p"], told.now()["q"]) == ("sealed", "sealed")
    lacking = told.now(without=("p",))
    assert (lacking["q"], lacking["La1+q@0"]) == ("pending", "pending")


@pytest.mark.parametrize(
    "epoch",
    [
        {"k": 1},
        {"k": 2, "w": 1},
        {"k": 4},
        {"k": 2, "repair": {"keys": ["r1", "r2"], "k": 1}},
        {"k": 2, "level": 7},
    ],
)
def test_rule_2_an_epoch_with_impossible_numbers_is_void_and_the_old_one_goes_on(
    epoch: dict[str, object],
) -> None:
    told = oak()
    seats = [{"key": each, "log": f"L{each}"} for each in ("b1", "b2", "b3")]
    told.page("e", "A.0", {"kind": "epoch", "level": 1, "seats": seats, **epoch})
    told.seal("e", "La1", "La2")
    told.page("p", "e", decision("by the old seats"))
    told.seal("p", "La1", "La2")
    assert told.now()["p"] == "sealed"


def test_rule_2_an_epoch_governs_from_the_next_page_on() -> None:
    told = oak()
    for each in ("b1", "b2", "b3"):
        told.log(f"L{each}", each, seat="A")
    seats = [{"key": each, "log": f"L{each}"} for each in ("b1", "b2", "b3")]
    told.page("e", "A.0", {"kind": "epoch", "seats": seats, "k": 2})
    told.seal("e", "La1", "La2")
    told.seal("e", "Lb1", "Lb2")
    told.page("p", "e", decision("by the new seats"))
    told.seal("p", "Lb1", "Lb2")
    told.page("x", "e", decision("by the old seats"))
    told.seal("x", "La1", "La3")
    now = told.now()
    assert (now["e"], now["p"], now["x"]) == ("sealed", "sealed", "displaced")
    assert (now["Lb1+e@0"], now["La3+x@0"]) == ("void", "void")


def test_rule_3_a_new_epoch_of_a_region_waits_for_the_consents_of_its_seats() -> None:
    told = valley()
    told.community("D", "d1", "d2", "d3")
    seats = [{"body": each} for each in "ABCD"]
    nodes = [{"key": f"n{each}", "log": f"Nn{each}"} for each in (1, 2, 3, 4)]
    told.page(
        "e", "R.0",
        {"kind": "epoch", "name": "R1", "seats": seats, "k": 3, "sealers": nodes, "w": 3,
         "consents": {"A": "cA", "B": "cB", "D": "cD"}},
    )  # fmt: skip
    for body, after in (("A", "mA"), ("B", "mB"), ("D", "D.0")):
        told.page(f"c{body}", after, {"kind": "consent", "to": "R1"})
        told.seal(f"c{body}", f"L{body.lower()}1", f"L{body.lower()}2")
    told.sign("e", "DA", "DB")
    told.seal("e", *NODES)
    told.page("mD", "cD", mandate("kD", "R"))
    told.seal("mD", "Ld1", "Ld2")
    told.delegate("DD", "kD", "mD")
    told.page("p", "e", decision("with D"))
    told.sign("p", "DA", "DB", "DD")
    told.seal("p", *NODES)
    assert told.now()["p"] == "sealed"
    lacking = told.now(without=("Ld1!cD@0",))
    assert (lacking["e"], lacking["p"], lacking["DA+p@0"]) == ("sealed", "drafted", "pending")


# --- Voices


def test_rule_4_a_delegate_speaks_for_its_body_once_its_mandate_is_certified_and_only_for_its_seat() -> None:
    told = valley()
    told.page("p", "R.0", decision("a bridge"))
    told.sign("p", "DA", "DB")
    told.delegate("DX", "kC", "mA")
    told.sign("p", "DX")
    now = told.now()
    assert (now["p"], now["DA+p@0"], now["DX+p@0"]) == ("adopted", "stands", "void")
    lacking = told.now(without=("La1!mA@0",))
    assert (lacking["p"], lacking["DA+p@0"]) == ("drafted", "pending")


def test_rule_4_a_delegate_signs_only_pages_whose_every_entry_is_of_a_kind_that_the_mandate_allows() -> None:
    told = valley()
    told.page("m2", "mA", mandate("kA", "R", may=["decision"]))
    told.seal("m2", "La1", "La2")
    told.delegate("D2", "kA", "m2")
    told.page("p", "R.0", decision("a bridge"))
    told.page("q", "R.0", decision("a bridge"), {"kind": "witness", "body": "A", "page": "mA"})
    told.sign("q", "D2")
    told.sign("p", "D2", "DB", round=1)
    now = told.now()
    assert (now["D2+q@0"], now["D2+p@1"], now["p"]) == ("void", "stands", "adopted")


def test_rule_5_one_page_is_signed_and_one_approved_in_a_round() -> None:
    told = oak()
    for page in ("p", "q"):
        told.page(page, "A.0", decision(page))
    told.sign("p", "La1")
    told.sign("q", "La1")
    told.approve("p", "La2", round=1)
    told.approve("q", "La2", round=1)
    told.sign("q", "La2", round=0)
    now = told.now()
    assert (now["La1+q@0"], now["La2!q@1"], now["La2+q@0"]) == ("void", "void", "void")


def test_rule_5_who_approved_a_page_signs_a_rival_only_past_a_quorum_for_it() -> None:
    told = oak()
    for page in ("p", "q"):
        told.page(page, "A.0", decision(page))
    told.approve("p", "La1", round=0)
    told.sign("q", "La2", "La3", round=1)
    told.sign("q", "La1", round=2)
    assert told.now()["La1+q@2"] == "void"
    told.fork("La1", "La1!p@0")
    told.sign("q", "La1", round=3, lock=1)
    assert told.now()["La1+q@3"] == "stands"
    assert told.now(without=("La3+q@1",))["La1+q@3"] == "pending"


def test_rule_6_approvals_of_different_rounds_do_not_seal_together() -> None:
    told = oak()
    told.page("p", "A.0", decision("p"))
    told.sign("p", "La1", "La2")
    told.approve("p", "La1", round=0)
    told.approve("p", "La2", round=1)
    assert told.now()["p"] == "adopted"
    told.approve("p", "La1", round=1)
    assert told.now()["p"] == "sealed"


def test_rule_6_nodes_alone_certify_nothing() -> None:
    told = valley()
    told.page("p", "R.0", decision("a bridge"))
    told.sign("p", "DA")
    told.seal("p", *NODES)
    assert told.now()["p"] == "drafted"


# --- Sealed


def test_rule_7_a_rival_of_a_sealed_page_is_displaced_with_all_that_builds_on_it() -> None:
    told = oak()
    told.page("p", "A.0", decision("p"))
    told.page("q", "A.0", decision("q"))
    told.page("r", "q", decision("r"))
    told.sign("q", "La3")
    told.sign("r", "La3")
    told.seal("p", "La1", "La2")
    now = told.now()
    assert (now["p"], now["q"], now["r"]) == ("sealed", "displaced", "displaced")


def _split(told: Saying, body: str, after: str) -> None:
    """Beyond the bound: one teller of three forks its log and helps to seal two rivals."""
    low = body.lower()
    told.page(f"{body}p", after, decision("p"))
    told.page(f"{body}q", after, decision("q"))
    start = told.tip(f"L{low}1")[1] if after != f"{body}.0" else ""
    told.seal(f"{body}p", f"L{low}1", f"L{low}2")
    told.fork(f"L{low}1", start)
    told.seal(f"{body}q", f"L{low}1", f"L{low}3")


def test_rule_7_a_split_book_is_frozen_until_a_repair_page() -> None:
    told = Saying()
    told.community("A", "a1", "a2", "a3", repair={"keys": ["r1", "r2", "r3"], "k": 2})
    _split(told, "A", "A.0")
    now = told.now()
    assert (now["Ap"], now["Aq"], now["frozen A"]) == ("frozen", "frozen", "A.0")
    for each in ("r1", "r2"):
        told.log(f"L{each}", each, seat="A")
    told.page("fix", "A.0", decision("begin again"), by="repair")
    told.sign("fix", "Lr1", "Lr2")
    now = told.now()
    assert (now["fix"], now["Ap"], now["Aq"]) == ("sealed", "displaced", "displaced")


def test_rule_7_the_branch_that_a_higher_body_saw_first_holds() -> None:
    told = valley()
    _split(told, "A", "mA")
    assert told.now()["frozen A"] == "mA"
    told.page("s", "R.0", {"kind": "witness", "body": "A", "page": "Aq"})
    told.sign("s", "DB", "DC")
    told.seal("s", *NODES)
    now = told.now()
    assert (now["Aq"], now["Ap"]) == ("sealed", "displaced")


# --- Statuses


def test_rule_8_a_page_is_adopted_by_k_standing_seats_and_a_signature_moves_with_the_next_round() -> None:
    told = oak()
    for page in ("p", "q"):
        told.page(page, "A.0", decision(page))
    told.sign("p", "La1", "La2")
    assert told.now()["p"] == "adopted"
    told.sign("q", "La2", round=1)
    now = told.now()
    assert (now["p"], now["La2+p@0"]) == ("drafted", "moved")


def test_rule_9_the_last_mandate_for_a_seat_ends_the_earlier_one_with_its_cuts() -> None:
    told = valley()
    kept = told.vote("DA", "M", "yes")
    cuts = {"DA": told.tip("DA")}
    late = told.vote("DA", "N", "yes")
    told.page("m2", "mA", mandate("kA2", "R", cuts=cuts))
    told.seal("m2", "La1", "La2")
    now = told.now()
    assert (now["mA#0"], now["m2#0"]) == ("ended", "in force")
    assert (now[kept], now[late]) == ("stands", "void")


def test_rule_10_a_recall_suspends_at_once_and_voids_when_sealed_however_late_the_acts_arrive() -> None:
    told = valley()
    before = told.vote("DA", "M", "yes")
    told.page("r", "mA", recall("mA", DA=told.tip("DA")))
    after = told.vote("DA", "N", "yes")
    told.sign("r", "La1", "La2")
    now = told.now()
    assert (now["r"], now["mA#0"], now[after]) == ("adopted", "suspended", "suspended")
    told.approve("r", "La1", "La2")
    now = told.now()
    assert (now["mA#0"], now[before], now[after]) == ("recalled", "stands", "void")


def test_rule_10_a_log_that_is_not_named_keeps_nothing() -> None:
    told = valley()
    said = told.vote("DA", "M", "yes")
    told.delegate("DA2", "kA", "mA")
    other = told.vote("DA2", "M", "no")
    told.page("r", "mA", recall("mA", DA=told.tip("DA")))
    told.seal("r", "La1", "La2")
    assert (told.now()[said], told.now()[other]) == ("stands", "void")


def test_rule_10_of_several_cuts_what_all_keep_is_kept() -> None:
    told = valley()
    first, low = told.vote("DA", "M", "yes"), told.tip("DA")
    second, high = told.vote("DA", "N", "yes"), told.tip("DA")
    third = told.vote("DA", "O", "yes")
    told.page("r", "mA", recall("mA", DA=high))
    told.seal("r", "La1", "La2")
    assert [told.now()[each] for each in (first, second, third)] == ["stands", "stands", "void"]
    told.page("r2", "r", recall("mA", DA=low))
    told.seal("r2", "La1", "La2")
    assert [told.now()[each] for each in (first, second, third)] == ["stands", "void", "void"]


def test_rule_10_only_the_givers_book_recalls() -> None:
    told = valley()
    said = told.vote("DA", "M", "yes")
    told.page("r", "mB", recall("mA"))
    told.seal("r", "Lb1", "Lb2")
    assert (told.now()["mA#0"], told.now()[said]) == ("in force", "stands")


def test_rule_11_the_first_word_names_one_vote_for_good() -> None:
    told = valley()
    yes, no = told.vote("DA", "M", "yes"), told.vote("DA", "M", "no")
    told.page("w", "mA", confirm("M", no))
    told.seal("w", "La1", "La2")
    told.page("w2", "w", confirm("M", yes), recall("mA"))
    told.seal("w2", "La1", "La2")
    assert (told.now()[no], told.now()[yes]) == ("stands", "void")


def test_rule_11_a_breach_of_instructions_is_cured_by_name_only() -> None:
    told = Saying()
    told.community("A", "a1", "a2", "a3")
    told.page("m", "A.0", mandate("kA", "R", instructions={"M": ["yes"]}))
    told.seal("m", "La1", "La2")
    told.delegate("DA", "kA", "m")
    vote = told.vote("DA", "M", "no")
    assert told.now()[vote] == "void"
    told.page("w", "m", confirm("M", vote))
    told.seal("w", "La1", "La2")
    assert told.now()[vote] == "void"
    told.page("w2", "w", confirm("M", vote, "ratify"))
    told.seal("w2", "La1", "La2")
    assert told.now()[vote] == "stands"


def _result(told: Saying, *votes: str) -> None:
    told.page("s", "R.0", {"kind": "result", "motion": "M", "votes": list(votes), "need": 2})
    told.sign("s", "DA", "DB", "DC")
    told.seal("s", *NODES)


def test_rule_12_a_result_is_provisional_until_nothing_can_change_it() -> None:
    told = valley()
    votes = [told.vote(f"D{each}", "M", "yes") for each in "ABC"]
    _result(told, *votes)
    assert (told.now()["s"], told.now()["s#0"], told.now()["outcome s#0"]) == ("sealed", "provisional", "yes")
    for body, vote in (("A", votes[0]), ("B", votes[1])):
        told.page(f"w{body}", f"m{body}", confirm("M", vote))
        told.seal(f"w{body}", f"L{body.lower()}1", f"L{body.lower()}2")
    assert told.now()["s#0"] == "provisional"  # nobody above has seen these words yet
    told.page(
        "t", "s",
        {"kind": "witness", "body": "A", "page": "wA"}, {"kind": "witness", "body": "B", "page": "wB"},
    )  # fmt: skip
    told.sign("t", "DA", "DB")
    told.seal("t", *NODES)
    # Whatever C comes to say, two of three have said yes for good: its word is not waited for.
    assert (told.now()["s#0"], told.now()["outcome s#0"]) == ("final", "yes")
    told.page("rC", "mC", recall("mC"))
    told.seal("rC", "Lc1", "Lc2")
    assert (told.now()["s#0"], told.now()["outcome s#0"], told.now()[votes[2]]) == ("final", "yes", "void")


def test_rule_13_a_result_binds_those_whose_seat_voted_for_it_or_whose_book_ratifies_it() -> None:
    told = valley()
    votes = [told.vote("DA", "M", "yes"), told.vote("DB", "M", "yes"), told.vote("DC", "M", "no")]
    late = told.vote("DC", "M", "yes")
    _result(told, *votes)
    assert told.bound("s") == {"A": "voted", "B": "voted"}
    told.page("rB", "mB", recall("mB"))
    told.seal("rB", "Lb1", "Lb2")
    assert told.bound("s") == {}  # only one of three is left: nothing is decided
    told.page("wB", "rB", confirm("M", votes[1]))
    told.seal("wB", "Lb1", "Lb2")
    told.page("wC", "mC", confirm("M", late, "ratify"))
    told.seal("wC", "Lc1", "Lc2")
    assert told.bound("s") == {"A": "voted", "B": "voted", "C": "ratified"}


def test_rule_14_what_is_void_stays_and_is_still_told() -> None:
    told = valley()
    vote = told.vote("DA", "M", "yes", time=10)
    told.page("r", "mA", recall("mA"))
    told.seal("r", "La1", "La2")
    assert told.now()[vote] == "void"


def test_rule_14_a_vote_past_the_term_by_its_own_time_is_void() -> None:
    told = Saying()
    told.community("A", "a1", "a2", "a3")
    told.page("m", "A.0", mandate("kA", "R", until=100))
    told.seal("m", "La1", "La2")
    told.delegate("DA", "kA", "m")
    good, late = told.vote("DA", "M", "yes", time=100), told.vote("DA", "N", "yes", time=101)
    assert (told.now()[good], told.now()[late]) == ("stands", "void")


def test_rule_14_a_vote_beyond_the_number_that_the_mandate_allows_is_void_and_a_ratify_cures_it() -> None:
    told = Saying()
    told.community("A", "a1", "a2", "a3")
    told.page("m", "A.0", mandate("kA", "R", limits={"vote": 2}, alternate="kX"))
    told.seal("m", "La1", "La2")
    told.delegate("DA", "kA", "m")
    told.delegate("DX", "kX", "m")
    first, second, third = (told.vote("DA", motion, "yes") for motion in ("M", "N", "O"))
    other = told.vote("DX", "P", "yes")
    now = told.now()
    assert [now[each] for each in (first, second, third, other)] == ["stands", "stands", "void", "stands"]
    told.page("w", "m", confirm("O", third, kind="ratify"))
    told.seal("w", "La1", "La2")
    assert told.now()[third] == "stands"


def test_rule_14_a_page_signed_beyond_the_number_allowed_is_void_and_another_round_is_no_other_page() -> None:
    told = Saying()
    for body in "ABC":
        told.community(body, *(f"{body.lower()}{each}" for each in (1, 2, 3)))
    told.region("R", "A", "B", "C", nodes=("n1", "n2", "n3"), w=3)
    for body in "ABC":
        more = {"limits": {"signature": 1}} if body == "A" else {}
        told.page(f"m{body}", f"{body}.0", mandate(f"k{body}", "R", **more))
        told.seal(f"m{body}", f"L{body.lower()}1", f"L{body.lower()}2")
        told.delegate(f"D{body}", f"k{body}", f"m{body}")
    told.page("p", "R.0", decision("a bridge"))
    told.page("q", "R.0", decision("a ferry"))
    told.sign("p", "DA", "DB")
    told.sign("q", "DA", round=1)
    told.sign("p", "DA", round=2)
    told.seal("p", *NODES)
    told.page("z", "p", decision("a road"))
    told.sign("z", "DA", "DB")
    now = told.now()
    assert (now["p"], now["DA+p@0"], now["DA+q@1"], now["DA+p@2"]) == ("sealed", "moved", "moved", "stands")
    assert (now["z"], now["DA+z@0"], now["DB+z@0"]) == ("drafted", "void", "stands")
