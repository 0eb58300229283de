"""Rights that go back, promises that are taken back, and the log in which somebody begins to promise."""

from fedsync.acts.author import Author, now_ms
from fedsync.acts.goods.holders import Holders
from fedsync.acts.goods.promising import purse
from fedsync.acts.goods.stewards import goods_log
from fedsync.crdt.books.naming import short
from fedsync.crdt.plans.judging import counted_id, held_of
from fedsync.crdt.plans.offers import GrantView, IntentView, PromiseView, grants, rights
from fedsync.crdt.realms import is_local, scope_of
from fedsync.crdt.view import Draft as StateDraft
from fedsync.doors import Door
from fedsync.errors import refused, usage
from fedsync.reading import Reading
from fedsync.records.codec import Value
from fedsync.records.ids import LogClass, LogId, Reach, RecordId, Scope
from fedsync.records.kinds.plans import COMMITMENT, GRANT, RELEASE
from fedsync.records.seal import Draft


def granter_of(author: Author, reading: Reading, offer: IntentView) -> LogId:
    """Return the log that granted the author's rights: where they are handed back to. Raises a Problem (exit 2 or 7)."""
    held = purse(author, reading, offer, GRANT)
    mine = {lot.source for lot in held.account.lots if lot.left} | {each.id for each in held.open}
    logs = {each.log for each in grants(reading.view, offer.id) if each.id in mine}
    if not logs:
        raise refused(
            "no_rights",
            f"{author.name} has no rights of this offer that somebody granted.",
            f"Who has: fedsync stock rights {short(offer.id)}",
        )
    if len(logs) > 1:
        names = ", ".join(sorted(Holders(reading).name(log) for log in logs))
        raise usage(f"{author.name} has rights from several: {names}.", "Say to whom: --to PERSON")
    return logs.pop()


def left_to_take(reading: Reading, grant_: GrantView) -> int:
    """Return how much of a grant is left with its holder, as it is known here."""
    for each in rights(reading.view, grant_.said.intent):
        if each.log == grant_.said.to:
            lot = each.account.lot(grant_.id)
            return grant_.lot.left if lot is None else lot.left
    return grant_.lot.left


def take_back(author: Author, reading: Reading, door: Door, grant_: GrantView, quantity: int) -> RecordId:
    """Take rights back that were granted, once they are over or their holder's log is ended. Raises a Problem (exit 7)."""
    to = grant_.said.to
    assert to is not None
    with author.writing():
        now = now_ms()
        local = is_local(grant_.realm)
        reach = Reach.LOCAL if local else None
        genesis = goods_log(author, reading, LogClass.PLANS, [GRANT], scope_of(grant_.realm), reach)
        if genesis.log != grant_.log:
            raise refused(
                "not_granter",
                f"{author.name} did not grant these rights.",
                f"{Holders(reading).name(grant_.log)} did, and alone can take them back.",
            )
        draft = StateDraft(reading.view)
        held = held_of(draft, to) if reading.store.logs.tip(to) is not None else None
        over = grant_.said.expires is not None and now > grant_.said.expires
        if not over and (held is None or not held.ended):
            raise refused(
                "not_over",
                "These rights are not over: until then, or until the book ends the log of who holds them, they are theirs.",
                "Ask them to hand them back: fedsync stock grant OFFER QTY UNIT --back --as NAME",
            )
        value: dict[str, Value] = {
            "intent": grant_.said.intent,
            "quantity": quantity,
            "to": genesis.log,
            "takes_back": grant_.id,
        }
        if held is not None and held.records:
            seq = held.records - 1
            value["at"] = [to, seq, counted_id(draft, to, seq)]
        return author.write_as(door, reading, genesis, [Draft(GRANT, value, now)])[-1].tip


def release(author: Author, reading: Reading, door: Door, what: PromiseView, reason: str) -> RecordId:
    """Take a promise back that the author gave; return the release's id. Raises a Problem (exit 7)."""
    value: dict[str, Value] = {"commitment": what.id}
    if reason:
        value["reason"] = reason
    with author.writing():
        reach = Reach.LOCAL if is_local(what.realm) else None
        genesis = goods_log(author, reading, LogClass.PLANS, [RELEASE], scope_of(what.realm), reach)
        if genesis.log != what.log:
            raise refused(
                "not_promiser",
                f"{author.name} did not give this promise.",
                f"{Holders(reading).name(what.log)} did, and alone can take it back.",
            )
        if what.status not in ("valid", "pending"):
            raise refused(
                "no_promise",
                f"That promise does not stand: it is {what.status}.",
                f"See: fedsync why {short(what.id)}",
            )
        return author.write_as(door, reading, genesis, [Draft(RELEASE, value, now_ms())])[-1].tip


def begin(author: Author, reading: Reading, door: Door, scope: Scope | None = None) -> LogId:
    """Begin the log in which the author promises, if it is not there, so that rights can be handed to it."""
    with author.writing():
        genesis = goods_log(author, reading, LogClass.PLANS, [COMMITMENT], scope)
        if reading.store.logs.tip(genesis.log) is None:
            author.write_as(door, reading, genesis, [])
        return genesis.log
