"""A long chain that came before what it follows is let in slice by slice: nothing is lost between, nobody waits for it."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest

from fedsync.bundling.coming import AHEAD_MS
from fedsync.gossip.holdings import TIP
from fedsync.intake import Share
from fedsync.node import Node, Verdict
from fedsync.records.block import BlockHead, peek
from fedsync.records.ids import LogClass, LogId, RecordId
from fedsync.records.seal import Draft
from fedsync.store.ahead import SLICE_BYTES, Slice
from fedsync.store.carried import Claim
from tests.nodes import BY, NOON, Scribe, follow, node

SMALL = 1024
"""Records of a slice, so that a chain of some thousand is a long one."""
NOTES = 4 * SMALL
BLOCK = 128


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.node.Slice", partial(Slice, records=SMALL))


@contextmanager
def waiting(log_class: LogClass = LogClass.FACTS, notes: int = NOTES) -> Iterator[tuple[Node, Scribe, bytes]]:
    """Give a node at which all but the first block of a long log waits, the scribe who wrote it, and that block."""
    with node() as there, node() as here:
        scribe = Scribe(there, "Oakfield", "Ann", "Ben")
        follow(here, scribe)
        here.take_now([block.raw for block in scribe.blocks], BY)
        drafts = [Draft("note", {"text": str(at)}, NOON) for at in range(notes)]
        first, *rest = [block.raw for block in scribe.write("Ann", log_class, *drafts)]
        with here.store.transaction() as store:
            for raw in reversed(rest):
                assert store.ahead.keep(peek(raw), BY, raw, NOON + AHEAD_MS)
        yield here, scribe, first


def held(at: Node, scribe: Scribe, log_class: LogClass = LogClass.FACTS) -> int:
    tip = at.store.logs.tip(scribe.genesis("Ann", log_class).log)
    return tip.seq + 1 if tip is not None else 0


def test_a_long_chain_is_let_in_by_slices_and_all_of_it_comes() -> None:
    with waiting() as (here, scribe, first):
        here.take_now([first], BY)
        assert SMALL <= held(here, scribe) <= SMALL + 3 * BLOCK
        slices = 0
        while here.more_early:
            before = held(here, scribe)
            outcomes = here.early_now()
            assert held(here, scribe) - before <= SMALL + 3 * BLOCK
            assert sum(len(each.raw) for each in outcomes) <= SLICE_BYTES + 65_536
            assert {each.verdict for each in outcomes} <= {Verdict.TAKEN}
            slices += 1
        assert slices >= 2
        assert held(here, scribe) == held(scribe.at, scribe)
        assert here.store.ahead.spans() == {}
        assert here.state_root() == scribe.at.state_root()


def test_who_falls_over_between_two_slices_goes_on_with_the_next() -> None:
    with waiting() as (here, scribe, first):
        here.take_now([first], BY)
        assert here.early_now()
        for again in (Node(here.store, here.now), Node(here.store, here.now)):
            assert again.more_early
            again.begin()
            assert again.take_early()
            again.rollback()  # it fell over before the commit
            assert again.more_early
        assert held(again, scribe) < held(scribe.at, scribe)
        again.let_in_early()
        assert held(again, scribe) == held(scribe.at, scribe)
        assert again.store.ahead.spans() == {}


def test_of_two_long_chains_that_of_authority_goes_first() -> None:
    with waiting() as (here, scribe, first):
        here.take_now([first], BY)
        drafts = [Draft("note", {"text": str(at)}, NOON) for at in range(NOTES)]
        other, *rest = [block.raw for block in scribe.write("Ben", LogClass.AUTHORITY, *drafts)]
        with here.store.transaction() as store:
            for raw in rest:
                assert store.ahead.keep(peek(raw), BY, raw, NOON + AHEAD_MS)
        before = held(here, scribe)
        here.take_now([other], BY)
        while here.next_early() == scribe.genesis("Ben", LogClass.AUTHORITY).log:
            assert here.early_now()
        assert held(here, scribe) < before + SMALL, "not before all of the other is in"
        assert here.store.logs.tip(scribe.genesis("Ben", LogClass.AUTHORITY).log) == scribe.at.store.logs.tip(
            scribe.genesis("Ben", LogClass.AUTHORITY).log
        )
        here.let_in_early()
        assert here.state_root() == scribe.at.state_root()


def test_what_a_peer_brings_is_let_in_before_the_rest_of_a_long_chain() -> None:
    with waiting() as (here, scribe, first):
        here.take_now([first], BY)
        assert here.more_early
        scribe.decide("We go on", "Ann", "Ben")
        known = here.take_now(
            [block.raw for block in scribe.blocks if block.genesis.log_class is LogClass.AUTHORITY], BY
        )
        assert all(each.verdict in (Verdict.TAKEN, Verdict.KNOWN) for each in known)
        assert held(here, scribe, LogClass.AUTHORITY) == held(scribe.at, scribe, LogClass.AUTHORITY)
        assert held(here, scribe) < held(scribe.at, scribe), "the chain waits meanwhile"
        here.let_in_early()
        assert here.state_root() == scribe.at.state_root()


def test_what_this_program_cannot_bear_is_dropped_and_does_not_stop_it(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    with waiting() as (here, scribe, first):
        here.take_now([first], BY)
        before = held(here, scribe)

        def falls_over(*_: object) -> None:
            raise ZeroDivisionError("as a mistake would")

        with monkeypatch.context() as patch:
            patch.setattr("fedsync.crdt.fold.apply_block", falls_over)
            here.let_in_early()
        assert "mistake of fedsync" in caplog.text
        assert here.store.ahead.spans() == {}
        assert held(here, scribe) == before
        here.take_now([block.raw for block in scribe.blocks], BY)
        assert held(here, scribe) == held(scribe.at, scribe), "it comes again otherwise"


@pytest.mark.parametrize(("unwanted", "code"), [(True, "not-followed"), (False, "")])
def test_why_nothing_of_a_later_slice_is_let_in_is_noted_unless_it_only_has_to_wait(
    unwanted: bool, code: str
) -> None:
    """Else its makers would bring it for ever; but what came too much at a time they are to bring again."""
    with waiting() as (here, scribe, first):
        log = peek(first).log
        here.take_now([first], BY)
        with here.store.transaction() as store:
            store.carried.claim([Claim(BY, LogClass.FACTS, TIP, log, NOTES, b"12345678", 1, "")])
        if unwanted:
            here.begin()
            here.unfollow(scribe.scope)
            here.settle()
            here.commit()
        else:
            here.intake.author = Share(1, 1, 1, 1)
        before = held(here, scribe)
        here.let_in_early()
        assert held(here, scribe) == before
        assert [each.code for each in here.store.carried.claims(BY)] == [code]
        assert (here.store.ahead.spans() == {}) is unwanted


def test_made_up_blocks_at_one_place_keep_nobody_busy_and_nothing_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nothing that waits is verified: whoever leaves a stick may have more of it begin at one place than is looked at in one commit."""
    looks = 8
    monkeypatch.setattr("fedsync.node.Slice", partial(Slice, looks=looks))
    with waiting(notes=3 * BLOCK) as (here, scribe, first):
        log, last = peek(first).log, peek(first).last
        with here.store.transaction() as store:
            true = list(scribe.at.store.logs.raw_blocks(log, last + 1, 1 << 40))
            store.ahead.drop(log)
            for number in range(4 * looks):
                made_up = BlockHead(log, last + 1, 1, RecordId(number.to_bytes(32, "big")))
                assert store.ahead.keep(made_up, BY, b"%d" % number, NOON + AHEAD_MS)
            for raw in true:
                assert store.ahead.keep(peek(raw), BY, raw, NOON + AHEAD_MS)
        here.take_now([first], BY)
        for _ in range(3 * looks):
            here.early_now()
        assert not here.more_early
        assert held(here, scribe) == held(scribe.at, scribe)


def test_made_up_blocks_of_many_logs_are_not_looked_at_before_the_logs_are_held() -> None:
    with waiting(notes=BLOCK) as (here, _, _):
        with here.store.transaction() as store:
            for number in range(1000):
                log = LogId(number.to_bytes(32, "big"))
                made_up = BlockHead(log, 7, 1, RecordId(bytes(32)))
                assert store.ahead.keep(made_up, BY, b"%d" % number, NOON + AHEAD_MS)
        assert not Node(here.store, here.now).more_early
