"""Goods, promises, bookings, transfers, loans and rotas in one world: whatever comes first, nodes show the same."""

from collections import defaultdict
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest

from fedsync.crdt.plans.plantables import INTENTS, STEPS, intent_row, step_row
from fedsync.crdt.realms import is_local
from fedsync.crdt.statetables import STATE_TABLES
from fedsync.crdt.view import KeyRow, Row
from fedsync.crdt.work.bookings import schedule
from fedsync.records.ids import RecordId
from tests.crdt import mixedworlds
from tests.crdt.stockworlds import World, deliver
from tests.crdt.village import Village
from tests.seeds import seeds


def _rows(node: Village, local: bool = True) -> dict[tuple[str, KeyRow], Row]:
    return {
        (table.name, key): row
        for table in STATE_TABLES
        if table.rooted
        for key, row in node.view.scan(table)
        if local or not is_local(key[0])  # type: ignore[arg-type]
    }


def _at_once(found: World) -> Village:
    """Return a node whose books said everything before the first record came."""
    node = Village(dict(found.bounds))
    for log, blocks in found.logs.items():
        node.take(*blocks)
        for block in found.branches.get(log, []):
            node.view.hold(block)
            node.do(node.forking(log, found.branches[log][0].first))
    return node


def _brought(found: World, seed: int) -> Village:
    *_, last = deliver(found, seed, Village)
    assert isinstance(last, Village)
    return last


@pytest.mark.parametrize("seed", seeds(25))
def test_any_order_and_grouping_of_everything_gives_one_state(seed: int) -> None:
    found = mixedworlds.world(seed)
    scratch = _at_once(found)
    for again in range(2):
        node = _brought(found, 10 * seed + again)
        assert _rows(node) == _rows(scratch)
        assert node.root() == scratch.root()


@pytest.mark.parametrize("seed", seeds(25))
def test_who_does_not_hold_what_stays_at_home_sees_the_same_of_all_the_rest(seed: int) -> None:
    found = mixedworlds.world(seed)
    home = mixedworlds.local_logs()
    abroad = replace(
        found,
        logs={log: blocks for log, blocks in found.logs.items() if log not in home},
        branches={log: blocks for log, blocks in found.branches.items() if log not in home},
    )
    assert _rows(_at_once(found), local=False) == _rows(_at_once(abroad))


@pytest.mark.parametrize("seed", seeds(25))
def test_nothing_is_promised_or_booked_twice_in_a_world_where_everything_meets(seed: int) -> None:
    for node in deliver(mixedworlds.world(seed), seed, Village):
        offered = {key[1]: intent_row(row) for key, row in node.view.scan(INTENTS)}
        spent: dict[Any, int] = defaultdict(int)
        for key, row in node.view.scan(STEPS):
            step = step_row(row)
            if step.status == "valid" and (step.kind == "commitment" or step.code == "given-up"):
                spent[key[1]] += step.quantity
        assert all(each <= offered[offer].quantity for offer, each in spent.items())
    for offer in offered:
        booked = [
            each.said
            for each in schedule(node.view, RecordId(offer)).bookings  # type: ignore[arg-type]
            if each.verdict.status == "booked"
        ]
        assert all(one.stop <= other.start for one, other in pairwise(booked))


def test_the_worlds_are_not_empty() -> None:
    kinds: dict[str, int] = defaultdict(int)
    for seed in range(40):
        node = _at_once(mixedworlds.world(seed))
        for (name, _), row in _rows(node).items():
            kinds[name] += 1
            if name == "plan_step":
                kinds[step_row(row).code] += 1
    few = {"plan_agreement"}
    rooted = {table.name for table in STATE_TABLES if table.rooted and table.name.split("_")[0] in _ROOMS}
    assert {name for name in rooted if not kinds[name]} == few
    assert kinds["promise-stands"] > 10
    assert kinds["taken-back"] > 0


_ROOMS = {"stock", "plan", "transfer", "discrepancy", "work", "unit"}
