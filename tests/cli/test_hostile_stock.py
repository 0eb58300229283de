"""The worst that an admitted key can say of goods and plans and that is still sound: looking at it fails for nobody."""

from typing import Any

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.stewards import goods_log
from fedsync.doors import Door, open_door
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.codec import pack
from fedsync.records.header import MAX_TIME
from fedsync.records.ids import LogClass, payload_id
from fedsync.records.kinds.parties import MAX_QUANTITY
from fedsync.records.seal import Draft
from tests.cli.calling import Place, fedsync

LONG = "ẅ" * 200
FIRST, LAST = -MAX_TIME, MAX_TIME


class Hostile:
    """Writes records as Ann, who has a seat, with nothing of what the commands look after."""

    def __init__(self, door: Door, reading: Reading, author: Author) -> None:
        self.door, self.reading, self.author = door, reading, author

    def say(self, log_class: LogClass, kind: str, *values: dict[str, Any]) -> list[list[Any]]:
        """Write records of a kind; return each with its place."""
        with self.author.writing():
            genesis = goods_log(self.author, self.reading, log_class, [kind])
            drafts = [Draft(kind, each, now_ms()) for each in values]
            blocks = self.author.write_as(self.door, self.reading, genesis, drafts)
        refs = [[block.log, block.first + at, block.ids[at]] for block in blocks for at in range(block.count)]
        return refs[-len(values) :]


def say_the_worst(them: Hostile) -> None:
    """Say all that has extreme times, quantities and names."""
    own = them.reading.own().scope
    facts, plans = LogClass.FACTS, LogClass.PLANS
    item: dict[str, Any] = {"name": LONG, "unit": "g"}
    store: dict[str, Any] = {"name": LONG, "scope": own}
    lots: list[dict[str, Any]] = [
        {"code": LONG, "resource_conforms_to": payload_id(pack(item)), "expiration_date": at}
        for at in (FIRST, LAST)
    ]
    goods = {"resource_conforms_to": payload_id(pack(item)), "store": payload_id(pack(store))}
    them.say(facts, "resource_specification", item)
    them.say(facts, "store", store)
    them.say(facts, "batch_lot_record", *lots)
    most = {**goods, "quantity": MAX_QUANTITY, "has_point_in_time": FIRST}
    (first, *_) = them.say(
        facts,
        "economic_event",
        {**most, "action": "raise"},
        *({**most, "action": "raise", "lot": payload_id(pack(lot))} for lot in lots),
        *({**most, "action": "raise", "stated": {"quantity": "9" * 50, "unit": "g"}} for _ in range(2)),
    )
    them.say(facts, "economic_event", {**most, "action": "raise", "corrects": first})
    them.say(facts, "count", {**most, "includes": [first]}, {**most, "excludes": [first]})
    (loan,) = them.say(facts, "loan", {**most, "quantity": 1, "to": LONG, "due": LAST})
    them.say(facts, "loan", {"loan": loan, "returned": True, "has_point_in_time": FIRST})
    tally = {"who": LONG, "has_point_in_time": FIRST, "given": 1}
    (entry,) = them.say(facts, "work_tally", tally)
    them.say(facts, "work_tally", {**tally, "corrects": entry})
    about = {"resource_conforms_to": goods["resource_conforms_to"], "quantity": MAX_QUANTITY}
    ((*_, offer), (*_, use), (*_, need)) = them.say(
        plans,
        "intent",
        {**about, "provider": own, "due": FIRST, "until": LAST},
        {**about, "provider": own, "quantity": 1, "action": "use", "until": LAST},
        {**about, "receiver": LONG, "due": LAST, "until": LAST},
    )
    ((*_, promise),) = them.say(
        plans,
        "commitment",
        {"intent": offer, "receiver": LONG, "quantity": 5, "due": FIRST, "until": LAST, "satisfies": need},
    )
    them.say(plans, "rights_grant", {"intent": offer, "quantity": 1, "to": bytes(32), "expires": FIRST})
    them.say(plans, "booking", {"intent": use, "who": LONG, "from": LAST - 1, "until": LAST})
    them.say(plans, "booking", {"intent": use, "who": LONG, "from": FIRST, "until": FIRST + 1})
    line = {**about, "commitment": promise}
    ((*_, load),) = them.say(
        plans, "transfer", {"provider": own, "receiver": LONG, "lines": [line], "carrier": LONG, "due": LAST}
    )
    them.say(facts, "economic_event", {**most, "action": "pickup", "transfer": load, "fulfills": promise})
    missing = {"transfer": load, **about, "reason": "lost"}
    them.say(facts, "discrepancy", missing)
    them.say(
        plans,
        "agreement",
        {"title": LONG, "parties": sorted([own, bytes(16)]), "clauses": [], "notice": 0, "until": LAST},
    )
    ((*_, plan),) = them.say(plans, "plan", {"name": LONG})
    ((*_, shift), _) = them.say(
        plans,
        "shift",
        *({"plan": plan, "from": at, "until": at + 1, "places": 4096} for at in (FIRST, LAST - 1)),
    )
    them.say(plans, "signup", {"shift": shift, "who": LONG, "drops": [bytes(32)]})
    factor = {"name": LONG, "numerator": MAX_QUANTITY, "denominator": 1, "unit": "g", "place": LONG}
    them.say(facts, "unit_factor", factor)


LOOKS = [
    "stock list",
    "stock list --json",
    "stock plans",
    "stock plans --json",
    "stock match",
    "stock match --json",
    "stock shortages",
    "stock shortages --json",
    "stock transfer list",
    "stock transfer list --json",
    "stock agreements list",
    "stock agreements list --json",
    "stock loans",
    "stock loans --json",
    "stock things",
    "stock things --json",
    "stock bookings",
    "stock bookings --json",
    "stock unit list",
    "stock unit list --json",
    "stock export",
    "rota show",
    "rota show --json",
    "rota hours",
    "rota hours --json",
    "status",
    "status --json",
    "log",
]


def test_all_that_people_look_at_shows_the_worst_that_can_be_said(node: Place) -> None:
    home = Home(node.path)
    with Reading.open(home) as reading, open_door(home) as door:
        say_the_worst(Hostile(door, reading, Author.unlock(home, "Ann", lambda: None)))
    for command in [*LOOKS, f"stock show {LONG}", f"stock history {LONG}", f"why {LONG}"]:
        found = fedsync("--home", node.path, *command.split(" "))
        assert found.code == 0, (command[:30], found.out[-300:], found.err[-600:])
    rows = node.json("stock", "list")["stock"]
    assert len(rows) == 3
    assert all(row["on_hand"]["quantity"] >= MAX_QUANTITY for row in rows)
    assert len(node.json("stock", "transfer", "list")["transfers"]) == 1
    # Both lots of one code are named, whatever time they are good until.
    refused = node.refused(
        "stock", "use", LONG, 1, "kg", "--store", LONG, "--lot", LONG, "--as", "Ben", code=6
    )
    assert "a day that no calendar has" in refused["message"]
