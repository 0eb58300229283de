"""Whose a log of promises is, and in which log somebody promises: people by name, logs by id. Reads; writes nothing."""

from collections.abc import Iterator
from dataclasses import replace

from fedsync.acts.books.whose import Person, key_at, person_at
from fedsync.crdt.books.delegates import given
from fedsync.crdt.books.mandates import IN_FORCE, PROVISIONAL
from fedsync.crdt.books.naming import short
from fedsync.crdt.books.people import name_of
from fedsync.crdt.logs.countingtables import COUNTED_LOGS, counted_log
from fedsync.crdt.logs.seats import All, fact_bound, named_keys
from fedsync.errors import Problem, refused
from fedsync.reading import Reading
from fedsync.records.genesis import SEAT, Genesis
from fedsync.records.ids import Key, LogClass, LogId, Reach, Scope
from fedsync.records.kinds.lending import BOOKING
from fedsync.records.kinds.plans import COMMITMENT


class Holders:
    """What the people are called whose logs hold rights, also of logs that nothing was written in yet."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading
        self._seats: dict[LogId, Genesis] | None = None

    def name(self, log: LogId) -> str:
        """Return what who writes a log is called, with their community where it is another one."""
        found = self._begins(log)
        if found is None:
            return f"somebody unknown here ({short(log)})"
        called = name_of(self._reading.view, found.scope, found.key) or short(found.key)
        if found.scope != self._reading.own().scope:
            called += f" of {self._reading.name_of(found.scope)}"
        return f"{called}, at home" if found.reach is Reach.LOCAL else called

    def who(self, log: LogId) -> tuple[Scope, Key] | None:
        """Return the body and the key of a log, None when neither it nor a seat that it would be of is known."""
        found = self._begins(log)
        return None if found is None else (found.scope, found.key)

    def _begins(self, log: LogId) -> Genesis | None:
        row = self._reading.store.logs.row(log)
        if row is not None:
            return row.genesis
        if self._seats is None:
            self._seats = {each.log: each for each in self._expected()}
        return self._seats.get(log)

    def _expected(self) -> Iterator[Genesis]:
        # A seat's log of promises follows from its log of pages: same key, same machine.
        for body in self._reading.store.followed.all():
            for _, log in named_keys(self._reading.view, body.scope):
                row = self._reading.store.logs.row(log) if log is not None else None
                if row is not None and row.genesis.capacity == SEAT:
                    for reach in (Reach.REGION, Reach.LOCAL):
                        yield replace(row.genesis, log_class=LogClass.PLANS, reach=reach)


def plan_log(reading: Reading, asked: str, local: bool = False) -> tuple[str, LogId]:
    """Return what a person is called, written as PERSON or PERSON@COMMUNITY, and the log in which they promise.

    `local`: the one that never leaves our own nodes. Raises a Problem (exit 6 or 7), which says how that log gets known.
    """
    name, home, key = key_at(reading, asked)
    if local and home.scope != reading.own().scope:
        raise refused(
            "kept_local",
            f"What is offered never leaves our own nodes, so {name} of another community could not know of it.",
            "Name one of our own people.",
        )
    here = [
        row.genesis
        for log in reading.store.logs.named(home.scope, key)
        if (row := reading.store.logs.row(log)) is not None
        and row.genesis.log_class is LogClass.PLANS
        and (row.genesis.reach is Reach.LOCAL) is local
        and _goes_on(reading, log)
    ]
    if here:
        return name, here[-1].log
    try:
        person = person_at(reading, asked)
    except Problem:
        # Where they write from is not known, so neither is the log in which they will.
        expected: list[Genesis] = []
    else:
        expected = list(_expected_of(reading, person, Reach.LOCAL if local else Reach.REGION))
    for genesis in expected:
        if reading.store.logs.fork_at(genesis.log) is None:
            return name, genesis.log
    raise refused(
        "no_log",
        f"No log of {name} is known here in which promises would count, so no rights can be handed to it.",
        f'They begin one where they sign, and it has to come here: fedsync stock hold --body "{reading.name_of(home.scope)}" --as "{name}"',
    )


def _goes_on(reading: Reading, log: LogId) -> bool:
    """Say whether records at the end of a log count."""
    row = reading.view.get(COUNTED_LOGS, (log,))
    found = counted_log(row) if row is not None else None
    return found is not None and found.bound == "all" and found.fork is None and found.chain is None


def _expected_of(reading: Reading, person: Person, reach: Reach) -> Iterator[Genesis]:
    scope, key, incarnation = person.home.scope, person.key, person.incarnation
    seat = Genesis(key, scope, SEAT, LogClass.PLANS, reach, incarnation)
    if isinstance(fact_bound(reading.view, seat), All):
        yield seat
    for each in given(reading.view, scope):
        said = each.mandate
        if said.task is None or key not in (said.holder, said.alternate):
            continue
        if each.status in (IN_FORCE, PROVISIONAL) and not {COMMITMENT, BOOKING}.isdisjoint(said.may or ()):
            yield Genesis(key, scope, ("mandate", *each.id), LogClass.PLANS, reach, incarnation)
