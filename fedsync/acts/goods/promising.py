"""Needs, offers and promises: what a community asks for, what it can give, and what is promised of it.

Nothing is written here that would not count: who promises beyond what they may is told who could, before anything is signed.
"""

from dataclasses import dataclass

from fedsync import units
from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.goodsnames import Names
from fedsync.acts.goods.holders import Holders
from fedsync.acts.goods.stewards import goods_log, write_goods
from fedsync.crdt.books.naming import short
from fedsync.crdt.goods.tables import ITEMS
from fedsync.crdt.plans.account import Account, Lot
from fedsync.crdt.plans.offers import GrantView, IntentView, RightsView, rights
from fedsync.crdt.realms import local_realm
from fedsync.doors import Door
from fedsync.errors import Problem, refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, PayloadId, Reach, RecordId, Scope
from fedsync.records.kinds.parties import Party
from fedsync.records.kinds.plans import COMMITMENT, GRANT, INTENT, MAX_ACCEPTED
from fedsync.records.kinds.refs import FactRef
from fedsync.records.seal import Draft


@dataclass(frozen=True, slots=True)
class Asked:
    """A need or an offer as somebody states it. `quantity` in base units of `unit`, times in ms.

    `receiver`: who needs it, None of an offer.
    """

    item: str
    quantity: int
    unit: str
    receiver: Party | None = None
    due: int | None = None
    until: int | None = None
    store: str | None = None
    use: bool = False
    note: str = ""


def state(
    author: Author, reading: Reading, door: Door, asked: Asked, local: bool, scope: Scope | None = None
) -> RecordId:
    """Write a need or an offer of a body, our own by default; return its id. Raises a Problem.

    What it is about is given a name first, if our books do not name it yet.
    """
    own = scope or reading.own().scope
    reach = Reach.LOCAL if local else None
    with author.writing():
        now = now_ms()
        genesis = goods_log(author, reading, LogClass.PLANS, [INTENT], own, reach)
        names = Names(reading, own, now, local)
        item = names.item(_as_others_say(reading, own, asked.item, asked.unit), asked.unit)
        value: dict[str, Value] = {"resource_conforms_to": item, "quantity": asked.quantity}
        value["provider" if asked.receiver is None else "receiver"] = (
            own if asked.receiver is None else asked.receiver
        )
        more: dict[str, Value] = {
            "due": asked.due,
            "until": asked.until,
            "store": None if asked.store is None else names.store(asked.store),
            "action": "use" if asked.use else None,
            "note": asked.note or None,
        }
        value |= {name: each for name, each in more.items() if each is not None}
        if names.made:
            write_goods(author, reading, door, LogClass.FACTS, names.made, None, reach, own)
        return author.write_as(door, reading, genesis, [Draft(INTENT, value, now)])[-1].tip


def _as_others_say(reading: Reading, own: Scope, item: str, unit: str) -> str:
    """Return a thing's name as a body's books have it, else as those of others do: the same name is the same thing."""
    others = None
    for (realm, _), row in ((key[:2], row) for key, row in reading.view.scan(ITEMS)):
        if str(row[0]).casefold() == item.strip().casefold() and row[1] == unit:
            if realm in (own, local_realm(own)):
                return str(row[0])
            others = others or str(row[0])
    return others or item


# --- Promising --------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Purse:
    """What an author may spend of an offer: their log, what it holds, and grants that it has not accepted."""

    genesis: Genesis
    account: Account
    open: tuple[GrantView, ...]

    def accepting(self, quantity: int, now: int) -> list[GrantView] | None:
        """Return the grants that must be accepted to spend so much now; None when that is not enough either."""
        trial = Account([Lot(lot.source, lot.left, lot.expires) for lot in self.account.lots])
        taken: list[GrantView] = []
        for grant in (*self.open[:MAX_ACCEPTED], None):
            if sum(lot.left for lot in trial.lots if lot.usable(now)) >= quantity:
                return taken
            if grant is not None:
                trial.lots.append(grant.lot)
                taken.append(grant)
        return None

    def free(self, now: int) -> int:
        """Return how much they may spend now."""
        return RightsView(self.genesis.log, b"", self.account, self.open).free(now)


def purse(author: Author, reading: Reading, offer: IntentView, kind: str, local: bool = False) -> Purse:
    """Return what an author may spend of an offer by records of a kind. Raises a Problem (exit 7).

    `local`: by records that never leave the community's own nodes.

    They may speak for our own body, or under a mandate of the one that offers: whichever holds more.
    """
    found: list[Purse] = []
    problems: list[Problem] = []
    for scope in dict.fromkeys((reading.own().scope, offer.scope)):
        try:
            found.append(_purse_of(author, reading, offer, kind, scope, offer.local or local))
        except Problem as problem:
            problems.append(problem)
    if not found:
        raise problems[0]
    now = now_ms()
    return max(found, key=lambda each: each.free(now))


def _purse_of(
    author: Author, reading: Reading, offer: IntentView, kind: str, scope: Scope, local: bool
) -> Purse:
    reach = Reach.LOCAL if local else None
    genesis = goods_log(author, reading, LogClass.PLANS, [kind], scope, reach)
    for each in rights(reading.view, offer.id):
        if each.log == genesis.log:
            return Purse(genesis, each.account, each.open)
    return Purse(genesis, Account(), ())


@dataclass(frozen=True, slots=True)
class Promising:
    """A promise as somebody states it. `quantity` in base units of the item, times in ms."""

    offer: IntentView
    quantity: int
    receiver: Party
    need: RecordId | None = None
    due: int | None = None
    until: int | None = None
    agreement: PayloadId | None = None
    note: str = ""
    local: bool = False
    """To whom it is promised stays at home; others see only that so much of the offer is not free any more."""


def promise(author: Author, reading: Reading, door: Door, said: Promising, unit: str) -> RecordId:
    """Write a promise; return its id. Raises a Problem (exit 7) when it would be beyond what the author may promise."""
    offer = said.offer
    if said.receiver == offer.said.provider:
        raise refused(
            "promise_to_oneself",
            f"{reading.name_of(offer.scope)} offers it, so a promise to itself promises nothing.",
            "Who keeps it can give the rest of the offer up: fedsync stock grant OFFER QTY UNIT --give-up",
        )
    now = now_ms()
    if offer.over(now):
        raise refused(
            "offer_over",
            "The time of this offer is over, so a promise from it would not count.",
            "What is offered now: fedsync stock plans --offers",
        )
    value: dict[str, Value] = {"intent": offer.id, "receiver": said.receiver, "quantity": said.quantity}
    more: dict[str, Value] = {
        "satisfies": said.need,
        "due": said.due,
        "until": said.until,
        "agreement": said.agreement,
        "note": said.note or None,
    }
    value |= {name: each for name, each in more.items() if each is not None}
    return _spend(author, reading, door, offer, COMMITMENT, value, unit, said.local)


def grant(
    author: Author,
    reading: Reading,
    door: Door,
    offer: IntentView,
    quantity: int,
    to: LogId | None,
    expires: int | None,
    unit: str,
) -> RecordId:
    """Hand rights on to another log, or give them up for good (None); return the grant's id. Raises a Problem (exit 7)."""
    value: dict[str, Value] = {"intent": offer.id, "quantity": quantity, "to": to}
    if expires is not None:
        value["expires"] = expires
    return _spend(author, reading, door, offer, GRANT, value, unit)


def _spend(
    author: Author,
    reading: Reading,
    door: Door,
    offer: IntentView,
    kind: str,
    value: dict[str, Value],
    unit: str,
    local: bool = False,
) -> RecordId:
    with author.writing():
        now, quantity = now_ms(), value["quantity"]
        assert isinstance(quantity, int)
        held = purse(author, reading, offer, kind, local)
        if value.get("to") == held.genesis.log:
            raise usage(f"{author.name} holds these rights already.", "Name somebody else with --to PERSON.")
        accepts = held.accepting(quantity, now)
        if held.account.stuck is not None:
            raise refused(
                "rights_wait",
                f"What {author.name} said of this offer before waits for records that have not come, so a promise would wait too.",
                "See what it waits for: fedsync stock rights " + short(offer.id),
            )
        refs = None if accepts is None else [each.ref for each in accepts]
        if refs is None and local and not offer.local:
            refs = _brought_home(author, reading, door, offer, held, quantity, now)
        if refs is None:
            raise _beyond(author, reading, offer, held, quantity, unit, now)
        if refs:
            value["accepts"] = [list(each) for each in refs]
        return author.write_as(door, reading, held.genesis, [Draft(kind, value, now)])[-1].tip


def _brought_home(
    author: Author, reading: Reading, door: Door, offer: IntentView, home: Purse, quantity: int, now: int
) -> list[FactRef] | None:
    """Hand as many of the author's rights as are missing to their log that stays at home; return what that must accept."""
    lacks = quantity - home.free(now)
    out = purse(author, reading, offer, GRANT)
    accepts = out.accepting(lacks, now)
    if accepts is None or out.account.stuck is not None:
        return None
    value: dict[str, Value] = {"intent": offer.id, "quantity": lacks, "to": home.genesis.log}
    if accepts:
        value["accepts"] = [list(each.ref) for each in accepts]
    last = author.write_as(door, reading, out.genesis, [Draft(GRANT, value, now)])[-1]
    return [*(each.ref for each in home.open), FactRef(last.log, last.last, last.tip)]


def _beyond(
    author: Author, reading: Reading, offer: IntentView, held: Purse, quantity: int, unit: str, now: int
) -> Problem:
    free = held.free(now)
    may = f"{units.show(free, unit)} of this offer" if free else "nothing of this offer"
    holders = Holders(reading)
    others = [
        (each.free(now), holders.name(each.log), holders.who(each.log))
        for each in rights(reading.view, offer.id)
        if each.log != held.genesis.log and each.free(now) > 0
    ]
    others.sort(key=lambda each: (-each[0], each[1]))
    who = ", ".join(f"{name} {units.show(left, unit)}" for left, name, _ in others[:4])
    # As the first of them would type it, who may be of another community.
    own = reading.own().scope
    there = bool(others) and others[0][2] is not None and others[0][2][0] != own
    us = f"{author.name}@{reading.name_of(own)}" if there else author.name
    hint = (
        f"Others have rights: {who}. One of them can hand some on: "
        f'fedsync stock grant {short(offer.id)} {units.show(quantity - free, unit)} --to "{us}" --as NAME'
        if others
        else "Nobody else has rights left of it that are known here. See: fedsync stock rights "
        + short(offer.id)
    )
    return refused(
        "beyond_rights",
        f"{author.name} may promise {may}, and {units.show(quantity, unit)} would be beyond that. Nothing was written.",
        hint,
    )
