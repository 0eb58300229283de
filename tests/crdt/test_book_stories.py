"""A community's book, as its people meet it: pages, seats, facts that count, names, repair, and why."""

import pytest

from fedsync.crdt.books.book import MAX_VOICES, bind
from fedsync.crdt.books.branches import OutOfOrder
from fedsync.crdt.books.decisions import decisions
from fedsync.crdt.books.drafting import CannotDraft, draft_epoch, draft_page, draft_repair
from fedsync.crdt.books.minutes import entry_fault, page_view, pages
from fedsync.crdt.books.people import name_of, names
from fedsync.crdt.books.slot import VoiceStatus
from fedsync.crdt.books.tellers import Approve, Refuse, Sign, may_approve, next_signature
from fedsync.crdt.logs.seats import All, Bound, Cut, Pending, fact_bound, is_named, named_keys
from fedsync.crdt.reasons import REASONS
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.view import MemoryView
from fedsync.crdt.why import verdict, why_page, why_record
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import Key, LogClass, PageId, Reach, RecordId
from fedsync.records.kinds.entries import Tip
from fedsync.records.seal import Draft, seal
from fedsync.records.void import Void
from tests.crdt.books import genesis, key, opening, private
from tests.crdt.community import REPAIRERS, Community, decision


def facts_of(name: str, device: str = "x") -> Genesis:
    """Return the beginning of somebody's log of facts in Mill."""
    return genesis(device, name, "Mill", log_class=LogClass.FACTS)


FACTS = facts_of("Cem").log
TIP = Tip(FACTS, 7, RecordId(b"t" * 32))


def _words(community: Community) -> list[str]:
    return [each.status for each in decisions(community.view, community.scope)]


def _names(*people: str) -> dict[Key, str]:
    return {key(name): name for name in people}


# --- Decisions


def test_a_decision_is_drafted_then_provisional_then_in_force() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("A new roof"))
    assert _words(mill) == ["drafted"]
    mill.sign(page, "Ann")
    mill.sign(page, "Ben")  # and approves in the same act: two have signed
    assert _words(mill) == ["provisional"]
    mill.approve(page, "Ann")
    assert _words(mill) == ["in_force"]


def test_a_page_says_who_signed_who_approved_and_who_is_missing() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("A new roof"))
    mill.sign(page, "Ann")
    found = page_view(mill.view, page)
    assert found is not None
    assert found.signed_by == (key("Ann"),)
    assert (found.signatures, set(found.missing)) == (1, {key("Ben"), key("Cem")})
    mill.sign(page, "Ben")
    found = page_view(mill.view, page)
    assert found is not None
    assert (found.signatures, found.approvals, found.approved_by) == (0, 1, (key("Ben"),))
    assert set(found.missing) == {key("Ann"), key("Cem")}
    mill.approve(page, "Ann")
    found = page_view(mill.view, page)
    assert found is not None
    assert (found.status, found.missing) == ("sealed", ())
    assert [each.number for each in pages(mill.view, mill.scope)] == [0, 1]


def test_of_two_rival_pages_the_sealed_one_displaces_the_other_and_all_that_builds_on_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    roof, well = mill.propose(decision("roof")), mill.propose(decision("well"))
    mill.sign(roof, "Ann")
    above = mill.carry({"body": mill.page0, "number": 2, "prev": roof, "entries": [decision("more")]})
    mill.seal(well, ["Ben", "Cem"])
    assert [mill.status(page) for page in (roof, well, above)] == ["displaced", "sealed", "displaced"]


def test_a_page_can_be_drafted_on_an_adopted_one_and_is_sealed_after_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    first = mill.propose(decision("one"))
    for name in ("Ann", "Ben"):
        mill.lie(name, "signature", first)
    assert mill.status(first) == "adopted"
    drafted = draft_page(mill.view, mill.scope, [decision("two")])
    assert (drafted.on, drafted.on_status, drafted.number) == (first, "adopted", 2)
    second = mill.carry(drafted.value)
    mill.sign(second, "Ann", "Ben")
    answer = may_approve(mill.view, second, mill.seat("Ann").log)
    assert isinstance(answer, Refuse)
    assert (answer.code, answer.page) == ("slot-not-sealed", first)
    mill.approve(first, "Ann", "Ben")
    mill.approve(second, "Ann", "Ben")
    assert (mill.status(first), mill.status(second)) == ("sealed", "sealed")


def test_a_malformed_decision_is_shown_as_void_and_our_tools_do_not_draft_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    with pytest.raises(Void):
        draft_page(mill.view, mill.scope, [{"kind": "decision", "title": "no text"}])
    page = mill.carry(
        {"body": mill.page0, "number": 1, "prev": mill.page0, "entries": [{"kind": "decision"}]}
    )
    assert _words(mill) == ["void"]
    answer = next_signature(mill.view, page, mill.seat("Ann").log)
    assert isinstance(answer, Refuse)
    assert answer.code == "entry-void"


def test_entries_of_unknown_kinds_are_inert() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose({"kind": "weather", "rain": True}, decision("roof"))
    mill.seal(page, ["Ann", "Ben"])
    assert _words(mill) == ["in_force"]


# --- Seats


def test_a_new_epoch_governs_from_the_next_page_on() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.carry(draft_epoch(mill.view, mill.scope, add=[mill.newcomer("Dia")], k=3).value)
    answer = next_signature(mill.view, page, mill.seat("Dia").log)
    assert isinstance(answer, Refuse)
    assert answer.code == "no-seat"
    mill.seal(page, ["Ann", "Ben"])
    following = mill.propose(decision("roof"))
    mill.seal(following, ["Ann", "Ben"])
    assert mill.status(following) == "drafted"
    mill.seal(following, ["Dia"])
    mill.approve(following, "Ann", "Ben")
    assert mill.status(following) == "sealed"


def test_a_strangers_signature_is_void_and_says_why() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    block = mill.lie("Zoe", "signature", page)
    assert verdict(mill.view, block.tip) == (VoiceStatus.VOID, "no-seat")
    assert "neither a seat nor a sealer" in why_record(mill.view, block.tip, _names("Zoe"))[0]
    assert mill.status(page) == "drafted"


def test_another_log_of_a_tellers_key_is_no_seat_until_a_page_names_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    said: dict[str, Value] = {"page": page, "slot": mill.page0, "round": 0}
    phone = mill.seat("Ann", "Ann's new phone")
    block = mill.write("Ann", "signature", said, phone)
    assert verdict(mill.view, block.tip).code == "no-seat"
    epoch = mill.carry(draft_epoch(mill.view, mill.scope, add=[phone]).value)
    mill.seal(epoch, ["Ben", "Cem"])
    following = mill.propose(decision("well"))
    assert isinstance(next_signature(mill.view, following, phone.log), Sign)
    assert isinstance(next_signature(mill.view, following, mill.seat("Ann").log), Refuse)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"k": 1}, "k-no-majority"),
        ({"k": 9}, "k-out-of-reach"),
        ({"w": 1}, "w-no-majority"),
        ({"level": 2}, "level-changed"),
        ({"repair": {"keys": [b"k" * 32, b"l" * 32], "threshold": 1}}, "threshold-no-majority"),
        ({"repair": {"keys": [b"k" * 32, b"k" * 32], "threshold": 2}}, "named-twice"),
        ({"seats": [{"body": b"b" * 32}]}, "no-lower-level"),
        ({"seats": []}, "malformed"),
        ({"colour": "red"}, "malformed"),
    ],
)
def test_an_epoch_that_breaks_a_rule_is_void_with_its_reason_and_changes_nothing(
    change: dict[str, Value], code: str
) -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    value = draft_epoch(mill.view, mill.scope, add=[mill.newcomer("Dia")], k=3).value
    value["entries"][0].update(change)  # type: ignore[index,union-attr]
    page = mill.carry(value)
    answer = next_signature(mill.view, page, mill.seat("Ann").log)
    assert isinstance(answer, Refuse)
    assert answer.code in ("epoch-void", "entry-void")
    for name in ("Ann", "Ben"):
        mill.lie(name, "signature", page)
    mill.approve(page, "Ann", "Ben")
    assert mill.status(page) == "sealed"
    found = page_view(mill.view, page)
    assert found is not None
    fault = entry_fault(mill.view, page, found.entries[0])
    assert fault is not None
    assert fault[0] == code
    assert any(code in line for line in why_page(mill.view, page))
    assert isinstance(bound_of(mill, "Dia"), Pending)


@pytest.mark.parametrize(
    "log",
    [
        genesis("x", "Dia", "Mill", log_class=LogClass.FACTS),
        genesis("x", "Dia", "another body"),
        genesis("x", "Dia", "Mill", reach=Reach.LOCAL),
        genesis("x", "Dia", "Mill", ("person",)),
    ],
)
def test_a_seat_is_a_log_that_can_speak_for_this_body_everywhere(log: Genesis) -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    with pytest.raises(Void) as caught:
        draft_epoch(mill.view, mill.scope, add=[log], k=3)
    assert caught.value.code == "not-a-seat"


# --- Facts


def bound_of(mill: Community, name: str, device: str = "x") -> Bound:
    """Return how much of somebody's log of facts counts."""
    return fact_bound(mill.view, facts_of(name, device))


def test_facts_count_of_whoever_has_a_seat_and_of_others_it_is_not_known() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    assert bound_of(mill, "Ann") == All()
    assert bound_of(mill, "Dia") == Pending()


def test_a_dropped_tellers_facts_count_up_to_the_cut_and_at_once_when_the_page_is_adopted() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.carry(draft_epoch(mill.view, mill.scope, drop=[key("Cem")], tips=[TIP]).value)
    mill.lie("Ann", "signature", page)
    assert bound_of(mill, "Cem") == All()
    mill.lie("Ben", "signature", page)
    assert mill.status(page) == "adopted"
    assert mill.bounds == {(mill.scope, key("Cem"))}
    assert bound_of(mill, "Cem") == Cut(((7, TIP.id),))
    assert bound_of(mill, "Cem", "y") == Cut(())
    mill.approve(page, "Ann", "Ben")
    assert mill.bounds == set()
    assert bound_of(mill, "Cem") == Cut(((7, TIP.id),))


def test_what_an_adopted_page_suspended_counts_again_when_a_rival_is_sealed() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    drop = mill.carry(draft_epoch(mill.view, mill.scope, drop=[key("Cem")]).value)
    rival = mill.carry(draft_page(mill.view, mill.scope, [decision("roof")]).value)
    mill.lie("Ann", "signature", drop)
    mill.lie("Ben", "signature", drop)
    assert bound_of(mill, "Cem") == Cut(())
    for name in ("Ben", "Cem"):
        mill.lie(name, "signature", rival, 1)
    mill.approve(rival, "Ben", "Cem")
    assert (mill.status(drop), mill.status(rival)) == ("displaced", "sealed")
    assert bound_of(mill, "Cem") == All()


def test_whoever_is_named_by_a_held_page_can_be_admitted_drafts_included() -> None:
    mill = Community("Ann", "Ben", k=2)
    mill.carry(draft_epoch(mill.view, mill.scope, add=[mill.newcomer("Dia")]).value)
    assert is_named(mill.view, mill.scope, key("Dia"))
    assert is_named(mill.view, mill.scope, key("Dia"), mill.seat("Dia").log)
    assert not is_named(mill.view, mill.scope, key("Dia"), mill.seat("Ann").log)
    assert is_named(mill.view, mill.scope, key("Rex"), FACTS)
    assert not is_named(mill.view, mill.scope, key("Zoe"))
    known = set(named_keys(mill.view, mill.scope))
    assert {(key(name), mill.seat(name).log) for name in ("Ann", "Ben", "Dia")} <= known
    assert {(key(name), None) for name in REPAIRERS} <= known


# --- Repair


def _split(mill: Community) -> tuple[PageId, PageId]:
    roof, well = mill.propose(decision("roof")), mill.propose(decision("well"))
    for fork, page in enumerate((roof, well)):
        for name in ("Ann", "Ben"):
            mill.lie(name, "signature", page, fork=bool(fork))
            mill.lie(name, "approval", page)
    return roof, well


def test_a_split_book_is_frozen_until_a_repair_page_settles_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    roof, well = _split(mill)
    assert {mill.status(roof), mill.status(well)} == {"frozen"}
    assert _words(mill) == ["frozen", "frozen"]
    with pytest.raises(CannotDraft, match="split"):
        draft_page(mill.view, mill.scope, [decision("more")])
    page = mill.carry(
        draft_repair(mill.view, mill.scope, [mill.newcomer(name) for name in ("Cem", "Dia", "Eve")], 2).value
    )
    assert mill.status(page) == "frozen"
    answer = next_signature(mill.view, page, mill.seat("Cem").log)
    assert isinstance(answer, Refuse)
    assert answer.code == "no-repair-key"
    mill.repair(page, "Rex")
    assert mill.status(page) == "frozen"
    mill.repair(page, "Tom")
    assert [mill.status(each) for each in (roof, well, page)] == ["displaced", "displaced", "sealed"]
    following = mill.propose(decision("oven"))
    mill.seal(following, ["Dia", "Eve"])
    assert mill.status(following) == "sealed"


def test_one_repair_key_counts_once_whatever_number_of_logs_it_writes() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.carry(
        draft_repair(mill.view, mill.scope, [mill.newcomer("Dia"), mill.newcomer("Eve")], 2).value
    )
    mill.repair(page, "Rex")
    said: dict[str, Value] = {"page": page, "slot": mill.page0, "round": 0}
    again = genesis("another log of Rex", "Rex", "Mill", ("repair",))
    block = mill.write("Rex", "signature", said, again)
    assert verdict(mill.view, block.tip).status == VoiceStatus.STANDS
    assert mill.status(page) == "drafted"


def test_tellers_cannot_sign_a_repair_page_nor_repair_keys_an_ordinary_one() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    repair = mill.carry(
        draft_repair(mill.view, mill.scope, [mill.newcomer("Dia"), mill.newcomer("Eve")], 2).value
    )
    assert verdict(mill.view, mill.lie("Ann", "signature", repair).tip).code == "no-repair-key"
    page = mill.propose(decision("roof"))
    said: dict[str, Value] = {"page": page, "slot": mill.page0, "round": 0}
    log = genesis("repair Rex", "Rex", "Mill", ("repair",))
    block = mill.write("Rex", "signature", said, log)
    assert verdict(mill.view, block.tip).code == "no-seat"


def test_a_body_without_repair_keys_is_told_so() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2, repair=False)
    with pytest.raises(CannotDraft, match="no repair keys"):
        draft_repair(mill.view, mill.scope, [mill.newcomer("Dia")], 1)


# --- What is void, pending or not ours


def test_another_page_0_with_the_same_tag_is_not_the_body_and_says_so() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    value: dict[str, Value] = {"body": None, "number": 0, "prev": None, "entries": [], "scope": mill.scope}
    other = mill.carry(value)
    assert mill.status(other) == "pending"
    assert "bound to another page 0" in why_page(mill.view, other)[0]
    with pytest.raises(ValueError, match="already bound"):
        bind(StateDraft(mill.view), mill.scope, other)


def test_nothing_is_known_of_a_body_until_the_node_follows_it() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    blocks = list(mill.ends.values())
    other = Community("Ann", k=1, body="Other")
    for begins in ("clerk",):
        other.take(opening(begins, mill.seat(begins)))
    for block in blocks:
        other.take(block)
    assert other.status(mill.page0) == "pending"
    assert "does not follow" in why_page(other.view, mill.page0)[0]
    draft = StateDraft(other.view)
    assert bind(draft, mill.scope, mill.page0) == {(mill.scope, key(name)) for name in ("Ann", "Ben", "Cem")}
    other.view.commit(draft.changes)
    assert other.status(mill.page0) == "sealed"


@pytest.mark.parametrize(
    ("number", "body", "reason"), [(2, None, "one more"), (1, b"b" * 32, "another body")]
)
def test_a_page_that_does_not_follow_is_never_held(number: int, body: bytes | None, reason: str) -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.carry({"body": body or mill.page0, "number": number, "prev": mill.page0, "entries": []})
    assert mill.status(page) == "pending"
    assert reason in why_page(mill.view, page)[0]


def test_a_page_waits_for_the_one_before_it_and_says_which() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    lost = PageId(b"l" * 32)
    page = mill.carry({"body": mill.page0, "number": 2, "prev": lost, "entries": []})
    lines = why_page(mill.view, page)
    assert "is pending" in lines[0]
    assert lost.hex()[:12] in lines[1]


def test_malformed_records_are_void_and_later_ones_of_the_log_are_not() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    wrong: list[tuple[str, Value]] = [
        ("signature", {"page": page}),
        ("approval", {"page": page, "slot": mill.page0, "round": -1}),
        ("page", {"number": 1}),
        ("page", "no map"),
        ("person", [b"salt", {}]),
    ]
    for kind, value in wrong:
        block = mill.write("Ann", kind, value)
        assert "does not match its kind" in why_record(mill.view, block.tip)[0]
    stock = mill.write("Ann", "economic_event", {})
    assert "does not belong in this class of log" in why_record(mill.view, stock.tip)[0]
    unknown = mill.write("Ann", "song", {"la": "la"})
    assert "kind unknown here" in why_record(mill.view, unknown.tip)[0]
    mill.sign(page, "Ann")
    found = page_view(mill.view, page)
    assert found is not None
    assert found.signed_by == (key("Ann"),)


def test_what_a_local_log_says_binds_no_book() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    local = genesis("kitchen", "Ann", "Mill", reach=Reach.LOCAL)
    value = draft_page(mill.view, mill.scope, [decision("roof")]).value
    block = mill.write("Ann", "page", value, local)
    assert "never leaves" in why_record(mill.view, block.tip)[0]
    assert len(pages(mill.view, mill.scope)) == 1


def test_a_record_that_comes_before_the_one_it_follows_is_the_programs_fault() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    block = mill.write("Ann", "song", {})
    elsewhere = Community("Ann", "Ben", "Cem", k=2)
    elsewhere.view = MemoryView()
    with pytest.raises(OutOfOrder):
        elsewhere.take(block)


def test_a_log_that_floods_a_slot_is_void_from_there_on_and_harms_nobody_else() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    flood = [
        Draft("signature", {"page": page, "slot": mill.page0, "round": at}, 0) for at in range(MAX_VOICES + 3)
    ]
    ids: list[RecordId] = []
    for block in seal(private("Cem"), mill.seat("Cem"), None, flood):
        mill.take(block)
        ids += block.ids
    assert verdict(mill.view, ids[MAX_VOICES]).status == VoiceStatus.STANDS  # the genesis is number 0
    assert "too often" in why_record(mill.view, ids[MAX_VOICES + 1])[0]
    assert "too often" in why_record(mill.view, ids[MAX_VOICES + 3])[0]
    mill.seal(page, ["Ann", "Ben"])
    assert mill.status(page) == "sealed"


# --- People, and why


def test_a_person_is_called_by_their_own_word_before_anothers() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    salt = b"s" * 16
    mill.write("Ben", "person", [salt, {"key": key("Ann"), "name": "Anna the miller"}])
    assert name_of(mill.view, mill.scope, key("Ann")) == "Anna the miller"
    mill.write("Ann", "person", [salt, {"key": key("Ann"), "name": "Ann"}])
    mill.write("Ben", "person", [salt, {"key": key("Ann"), "name": "Nobody"}])
    assert names(mill.view, mill.scope) == {key("Ann"): "Ann"}
    assert name_of(mill.view, mill.scope, key("Zoe")) is None


def test_why_names_the_rule_the_rounds_who_is_missing_and_the_next_command() -> None:
    mill = Community("Ann", "Ben", "Cem", "Dia", k=3)
    called = _names("Ann", "Ben", "Cem", "Dia")
    page = mill.propose(decision("roof"))
    mill.sign(page, "Ann", "Ben")
    assert why_page(mill.view, page, called) == [
        f"Page 1 {page.hex()[:12]} is drafted: not enough seats have signed it (rule 6).",
        "Round 0: signed by Ann, Ben.",
        "Missing: 1 of Cem, Dia to sign.",
        f"Next: fedsync book sign {page.hex()[:12]} --as NAME",
    ]
    mill.sign(page, "Cem")
    assert why_page(mill.view, page, called)[1:] == [
        "Round 0: signed by Ann, Ben, Cem; approved by Cem.",
        "Missing: 2 of Ann, Ben, Dia to approve.",
        f"Next: fedsync book approve {page.hex()[:12]} --as NAME",
    ]


def test_why_says_who_is_locked_on_a_rival() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    roof, well = mill.propose(decision("roof")), mill.propose(decision("well"))
    mill.sign(roof, "Ann", "Ben")
    lines = why_page(mill.view, well, _names("Ann", "Ben", "Cem"))
    assert f"Ben is locked on {roof.hex()[:12]}, approved in round 0." in lines
    assert f"Rival page {roof.hex()[:12]} is adopted." in lines
    answer = next_signature(mill.view, well, mill.seat("Ben").log)
    assert isinstance(answer, Refuse)
    assert (answer.code, answer.page) == ("locked", roof)


def test_every_reason_has_a_rule_and_a_sentence() -> None:
    assert all(each.rule in range(1, 15) and each.sentence for each in REASONS.values())


def test_one_act_signs_and_approves_when_its_own_signature_completes_the_quorum() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    mill.sign(page, "Ann")
    log = mill.seat("Ben").log
    answer = next_signature(mill.view, page, log)
    assert answer == Sign(0)
    assert isinstance(may_approve(mill.view, page, log), Refuse)
    assert may_approve(mill.view, page, log, signing=0) == Approve(0)


def test_a_round_far_above_all_others_is_not_followed() -> None:
    mill = Community("Ann", "Ben", "Cem", k=2)
    page = mill.propose(decision("roof"))
    mill.lie("Cem", "signature", page, 2**50)
    assert next_signature(mill.view, page, mill.seat("Ann").log) == Sign(0)
    mill.lie("Cem", "signature", mill.page0, 2**50)
    mill.seal(page, ["Ann", "Ben"])
    assert mill.status(page) == "sealed"
