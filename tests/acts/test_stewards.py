"""Stewards at real homes: a mandate, what they record under it, its end on one side of a cut, and what counts afterwards."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.acts.books.agenda import FACTS_ALONE, drawn_later
from fedsync.again import state_faults
from fedsync.crdt.books.booktables import page_row
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.doors import LocalDoor
from fedsync.reading import Reading
from fedsync.records.block import Base
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, PageId, Reach, Scope
from fedsync.records.kinds.entries import EntryId
from fedsync.records.places import START
from fedsync.records.seal import Draft, seal
from tests.acts.valley import Valley
from tests.cli.calling import Place

AS = ("--no-passphrase",)
TASK = ("--task", "granary")


class Stores(Valley):
    """Oakfield, where Vera has no seat, and Mill Lane, which hears of it."""

    def place(self, at: str) -> Place:
        return Place(self.homes[at].path)

    def drafted(self, at: str, *words: object) -> PageId:
        """Draft a page by a command of Ann's."""
        return PageId(bytes.fromhex(self.place(at).json(*words, "--as", "Ann", *AS)["page"]))

    def give(
        self, who: str = "Vera", *words: object, may: str = "economic_event,count", seal: bool = True
    ) -> EntryId:
        """Make somebody steward of the granary."""
        page = self.drafted("Oakfield", "mandates", "give", who, "--task", "granary", "--may", may, *words)
        if seal:
            self.seal("Oakfield", page)
        return page, 0

    def newcomer(self) -> None:
        """Let Vera have a key, who has no seat."""
        self.place("Oakfield")("people", "add", "Vera", "--as", "Ann", *AS)

    def move(self, number: int, word: str = "add", who: str = "Vera", *more: object) -> dict[str, object]:
        """Record something in Oakfield's granary."""
        return self.place("Oakfield").json(
            "stock", word, "Oats", number, "kg", "--store", "Granary", "--as", who, *AS, *more
        )

    def refused(self, *words: object, code: int = 7) -> dict[str, object]:
        return self.place("Oakfield").refused(*words, *AS, code=code)

    def oats(self, at: str = "Oakfield") -> int:
        """Return how many kg of oats a node says that Oakfield has."""
        with Reading.open(self.homes[at]) as reading:
            scope = reading.body("Oakfield").scope
            return sum(each.on_hand for each in levels(reading.view, scope) if each.item == "Oats") // 1000

    def scope(self) -> Scope:
        """Return Oakfield's founding tag."""
        with Reading.open(self.homes["Oakfield"]) as reading:
            return reading.own().scope

    def counted(self, begins: Genesis) -> dict[str, int]:
        """Return how many records of a log count at each node, the first one among them."""
        found = {}
        for name in self.homes:
            with Reading.open(self.homes[name]) as reading:
                row = reading.view.get(COUNTED_LOGS, (begins.log,))
                found[name] = counted_log(row).read if row is not None else 0
        return found

    def end(self, given: EntryId, *words: object, verb: str = "recall", seal: bool = True) -> PageId:
        page = self.drafted("Oakfield", "mandates", verb, given[0].hex(), *words)
        if seal:
            self.seal("Oakfield", page)
        return page


@pytest.fixture
def stores(tmp_path: Path) -> Stores:
    found = Stores(tmp_path, "Oakfield", "Mill Lane")
    found.newcomer()
    found.meet()
    return found


def test_a_steward_records_under_a_mandate_and_everybody_counts_it(stores: Stores) -> None:
    error = stores.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Vera")
    assert error["code"] == "no_seat"
    assert 'mandates give "Vera" --task STORE --may economic_event' in str(error["try"])
    given = stores.give()
    stores.move(12)
    stores.move(11, "count")
    stores.meet()
    assert (stores.oats(), stores.oats("Mill Lane")) == (11, 11)
    shown = stores.place("Mill Lane")("mandates", "show", given[0].hex()).out
    assert 'Vera acts for this body for "granary"' in shown
    assert "may record movements of goods, counts, and nothing else" in shown
    assert "Vera recorded 1 count, 1 movement, 1 new item, 1 new store" in shown
    assert "all count" in shown


def test_a_kind_that_the_mandate_does_not_name_is_refused_in_words(stores: Stores) -> None:
    stores.give(may="count")
    error = stores.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Vera")
    assert error["code"] == "outside_mandate"
    assert error["message"] == (
        "Vera's mandate for granary does not allow movements of goods, so it would not count."
    )
    stores.move(3, "count")
    assert stores.oats() == 3


def test_a_limit_that_is_used_up_and_a_term_that_is_over_are_refused(stores: Stores) -> None:
    stores.give("Vera", "--limit", "economic_event=2")
    stores.move(1)
    stores.move(1)
    error = stores.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Vera")
    assert error["code"] == "limit"
    assert "allows 2 records of movements of goods in all, and none are left" in str(error["message"])
    stores.move(9, "count")
    assert stores.oats() == 9


def test_a_mandate_for_a_seat_names_no_records_and_one_for_a_task_says_what_there_is(stores: Stores) -> None:
    task, seat = (
        ("mandates", "give", "Vera", *what, "--as", "Ann") for what in (TASK, ("--seat", "Mill Lane"))
    )
    assert "economic_event, count" in str(stores.refused(*task, "--may", "bread", code=2)["try"])
    assert "economic_event=N" in str(stores.refused(*task, "--limit", "bread=1", code=2)["try"])
    assert "mandate for a --task" in str(stores.refused(*seat, "--may", "economic_event", code=2)["message"])


@pytest.mark.parametrize("words", [(), ("--keep-nothing",)])
def test_a_recall_lets_goods_stand_also_when_it_keeps_nothing_else_and_says_so(
    stores: Stores, words: tuple[str, ...]
) -> None:
    given = stores.give()
    stores.move(12)
    page = stores.end(given, *words, seal=False)
    said = stores.place("Oakfield")("mandates", "recall", given[0].hex(), *words, "--as", "Ann", *AS).out
    assert "All 3 records of goods in Vera's log" in said
    assert "a recall voids promises, not facts" in said
    stores.seal("Oakfield", page)
    stores.meet()
    assert (stores.oats(), stores.oats("Mill Lane")) == (12, 12)
    error = stores.refused("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Vera")
    assert error["code"] == "no_mandate"
    assert "was recalled" in str(error["message"])


@pytest.mark.parametrize(("words", "stands"), [((), True), (("--keep-nothing",), False)])
def test_promises_fall_with_a_recall_that_keeps_nothing_and_goods_stand(
    stores: Stores, words: tuple[str, ...], stands: bool
) -> None:
    given = stores.give(may="economic_event,intent,commitment")
    stores.move(12)
    place = stores.place("Oakfield")
    offer = place.json("stock", "offer", "Oats", 10, "kg", "--as", "Vera", *AS)["id"]
    promise = place.json("stock", "promise", offer, 4, "kg", "--to", "Mill Lane", "--as", "Vera", *AS)["id"]
    assert "Vera recorded 1 promise, 1 need or offer" in place("mandates", "show", given[0].hex()).out
    said = place("mandates", "recall", given[0].hex(), *words, "--as", "Ann", *AS).out
    assert "Of 2 promises and plans in Vera's log" in said
    assert ("2 are kept" if stands else "0 are kept") in said
    stores.end(given, *words)
    stores.meet()
    for name in stores.homes:
        assert stores.oats(name) == 12
        why = stores.place(name).json("why", promise)
        assert ("fall with a recall" in " ".join(why["lines"])) != stands, why
        assert (why["status"] == "cut") != stands


def test_a_recall_that_was_prepared_lets_stand_what_was_recorded_meanwhile(stores: Stores) -> None:
    given = stores.give()
    stores.move(12)
    place = stores.place("Oakfield")
    place("mandates", "recall", given[0].hex(), "--keep-nothing", "--later", "--as", "Ann", *AS)
    with Reading.open(stores.homes["Oakfield"]) as reading:
        assert drawn_later(stores.homes["Oakfield"], reading.own().scope) == [FACTS_ALONE]
    stores.move(5)
    stores.seal("Oakfield", stores.drafted("Oakfield", "book", "draft"))
    assert stores.oats() == 17


def test_what_is_recorded_beyond_the_cut_is_shown_everywhere_and_the_book_can_take_it_up(
    stores: Stores,
) -> None:
    given = stores.give()
    stores.move(12)
    # Vera writes on at a node that has not heard of the recall: the same records, with and without it.
    (log, seq) = _log(stores, given)
    draft = stores.end(given, seal=False)
    late = [str(stores.move(number)["id"]) for number in (3, 4)]
    assert stores.oats() == 19
    stores.seal("Oakfield", draft)
    stores.meet()
    assert (stores.oats(), stores.oats("Mill Lane")) == (12, 12)
    for name in stores.homes:
        why = stores.place(name)("why", late[0]).out
        assert f"keeps its log up to record {seq}" in why
        assert "The goods may have moved all the same." in why
        shown = stores.place(name)("mandates", "show", given[0].hex()).out
        assert "3 of 5 count" in shown
    page = stores.drafted("Oakfield", "bodies", "settle", log, "--branch", late[0])
    stores.seal("Oakfield", page)
    stores.meet()
    assert (stores.oats(), stores.oats("Mill Lane")) == (15, 15)
    assert stores.place("Mill Lane").json("why", late[0])["status"] == "counts"
    assert stores.place("Mill Lane").json("why", late[1])["status"] != "counts"
    for name in stores.homes:
        with Reading.open(stores.homes[name]) as reading:
            assert state_faults(reading) == [], "folded again from the records, it is the same"


def test_a_log_of_which_all_counts_is_not_settled_by_mistake(stores: Stores) -> None:
    given = stores.give()
    stores.move(12)
    log, _ = _log(stores, given)
    assert stores.refused("bodies", "settle", log, "--branch", log, "--as", "Ann")["code"] == "not_forked"


def test_facts_beyond_the_cut_reach_a_node_that_has_the_recall_already(stores: Stores) -> None:
    given = stores.give()
    stores.move(12)
    stores.end(given)
    stores.meet()
    vera = stores.author("Oakfield", "Vera")
    with stores.at("Oakfield") as (reading, door), vera.writing():
        begins = vera.genesis(reading, LogClass.FACTS, capacity=("mandate", *given))
        value: dict[str, Value] = {
            "action": "raise", "quantity": 3_000, "resource_conforms_to": bytes(32), "store": bytes(32),
            "has_point_in_time": now_ms(),
        }  # fmt: skip
        late = vera.write_as(door, reading, begins, [Draft("economic_event", value, now_ms())])[-1].tip
    stores.meet()
    for name in stores.homes:
        assert stores.place(name).json("show", late.hex())["status"] == "cut"
        assert stores.oats(name) == 12


def test_keep_to_a_record_of_goods_cuts_there_when_somebody_asks_for_it(stores: Stores) -> None:
    given = stores.give()
    first = str(stores.move(12)["id"])
    second = str(stores.move(3)["id"])
    said = stores.place("Oakfield")(
        "mandates", "recall", given[0].hex(), "--keep-to", first, "--as", "Ann", *AS
    ).out
    assert "Of 4 records of goods in Vera's log" in said
    assert "the first 3 stand" in said
    stores.end(given, "--keep-to", first)
    assert stores.oats() == 12
    assert stores.place("Oakfield").json("show", second)["status"] == "cut"


def test_a_steward_records_for_another_community_at_the_node_where_they_live(stores: Stores) -> None:
    mill = stores.place("Mill Lane")
    mill("people", "add", "Wim", "--as", "Ann", *AS)
    words = ("stock", "add", "Oats", 7, "kg", "--store", "Granary", "--body", "Oakfield", "--as", "Wim", *AS)
    assert mill.refused(*words, code=7)["code"] == "no_seat"
    stores.give(stores.author("Mill Lane", "Wim").key.hex())
    stores.meet()
    assert mill.json(*words)["on_hand"] == [{"quantity": 7_000, "unit": "g"}]
    assert mill.refused(*words, "--local", code=7)["code"] == "local"
    stores.meet()
    assert (stores.oats(), stores.oats("Mill Lane")) == (7, 7)


def test_what_a_teller_promised_and_is_here_stays_when_they_go(stores: Stores) -> None:
    place = stores.place("Oakfield")
    offer = place.json("stock", "offer", "Oats", 10, "kg", "--as", "Cleo", *AS)["id"]
    promise = place.json("stock", "promise", offer, 4, "kg", "--to", "Mill Lane", "--as", "Cleo", *AS)["id"]
    page = stores.drafted("Oakfield", "bodies", "epoch", "--drop", "Cleo", "--threshold", "2")
    stores.seal("Oakfield", page)
    stores.meet()
    for name in stores.homes:
        assert stores.place(name).json("why", promise)["status"] == "counts"


def test_what_is_local_is_named_on_no_page_and_stays_when_its_author_goes(stores: Stores) -> None:
    given = stores.give()
    for who in ("Cleo", "Vera"):
        stores.move(2, "add", who)
        stores.move(5, "add", who, "--local")
    here = stores.place("Oakfield")
    pages = [
        stores.end(given),
        stores.drafted("Oakfield", "bodies", "epoch", "--drop", "Cleo", "--threshold", "2"),
    ]
    stores.seal("Oakfield", pages[-1])
    with Reading.open(stores.homes["Oakfield"]) as reading:
        local = {block.log for _, block in reading.store.since(0) if block.genesis.reach is Reach.LOCAL}
        assert len(local) == 2
        for page in pages:
            held = page_row(reading.view, page)
            assert held is not None
            assert not any(bytes(log) in bytes(held.payload) for log in local)
    rows = {row["local"]: row["on_hand"]["quantity"] for row in here.json("stock", "list")["stock"]}
    assert rows == {False: 4_000, True: 10_000}
    for who in ("Cleo", "Vera"):
        words = ("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", who)
        assert stores.refused(*words)["code"] == stores.refused(*words, "--local")["code"]


def test_what_others_see_names_nothing_that_is_local(stores: Stores) -> None:
    local = str(stores.move(5, "add", "Ann", "--local")["id"])
    words = ("stock", "count", "Oats", 5, "kg", "--store", "Granary", "--exclude", local, "--as", "Ann")
    assert stores.refused(*words)["code"] == "local"
    stores.place("Oakfield")(*words, "--local", *AS)
    assert "(only here)" in stores.place("Oakfield")("stock", "list").out


@pytest.mark.parametrize("seen", [True, False])
def test_of_a_forked_log_of_promises_every_node_counts_the_branch_that_the_recall_keeps(
    stores: Stores, seen: bool
) -> None:
    given = stores.give(may="intent")
    stores.meet()
    vera = stores.author("Oakfield", "Vera")
    begins = Genesis(vera.key, stores.scope(), ("mandate", *given), LogClass.PLANS, Reach.REGION, bytes(16))
    base = _plan(stores, "Oakfield", begins, None, 1)
    stores.meet()
    # The same key writes on at two nodes, as after a backup was restored.
    left = _plan(stores, "Oakfield", begins, base, 2, 3)
    _plan(stores, "Mill Lane", begins, base, 4, 5, 6)
    if seen:
        stores.meet()
        assert stores.counted(begins) == dict.fromkeys(stores.homes, 2)
    entry: dict[str, Value] = {
        "kind": "recall", "mandate": list(given), "cuts": [[begins.log, left.seq, left.id]]
    }  # fmt: skip
    page = stores.enter("Oakfield", [entry], seal=False)
    stores.seal_carelessly("Oakfield", page)
    stores.meet()
    assert stores.counted(begins) == dict.fromkeys(stores.homes, left.seq + 1)


def _plan(stores: Stores, at: str, begins: Genesis, base: Base | None, *numbers: int) -> Base:
    """Let a node take what Vera needs, by her own word; return where her log stands then."""
    door = LocalDoor(stores.homes[at], stores.homes[at].lock())
    try:
        drafts = [
            Draft(
                "intent",
                {"resource_conforms_to": bytes(32), "quantity": each, "receiver": begins.scope},
                now_ms(),
            )
            for each in numbers
        ]
        blocks = seal(stores.author("Oakfield", "Vera").private, begins, base, drafts, now_ms())
        door.node.take_now([each.raw for each in blocks])
    finally:
        door.close()
    return Base(begins, blocks[-1].last, blocks[-1].tip, START)


def _logs(stores: Stores, given: EntryId) -> list[tuple[str, int]]:
    found = []
    with Reading.open(stores.homes["Oakfield"]) as reading:
        key = stores.author("Oakfield", "Vera").key
        for log in reading.store.logs.named(reading.own().scope, key):
            row = reading.store.logs.row(log)
            assert row is not None
            if row.genesis.log_class is LogClass.FACTS and row.genesis.mandate == given:
                found.append((log.hex(), reading.store.logs.heads(log)[0].seq))
    return found


def _log(stores: Stores, given: EntryId) -> tuple[str, int]:
    (found,) = _logs(stores, given)
    return found
