"""What a sealed recall keeps of a forked log of a delegate's plans, every node comes to hold, whichever branch it had."""

from pathlib import Path

import pytest

from fedsync.acts.author import now_ms
from fedsync.doors import LocalDoor
from fedsync.reading import Reading
from fedsync.records.block import Base
from fedsync.records.genesis import Genesis
from fedsync.records.ids import LogClass, LogId, Reach, RecordId
from fedsync.records.kinds.entries import EntryId
from fedsync.records.seal import Draft, seal
from tests.acts.copied import copied
from tests.acts.delegations import Delegations


@pytest.fixture
def valley(tmp_path: Path) -> Delegations:
    return copied(Delegations, tmp_path)


def plans(valley: Delegations, given: EntryId) -> Genesis:
    """Return what begins the log of plans that Oakfield's Cleo writes under a mandate."""
    key = valley.author("Oakfield", "Cleo").key
    return Genesis(key, valley.own("Oakfield"), ("mandate", *given), LogClass.PLANS, Reach.REGION, bytes(16))


def write(valley: Delegations, at: str, begins: Genesis, base: Base | None, *words: str) -> None:
    """Let a node take what Cleo plans there."""
    drafts = [Draft("plan", {"say": each}, now_ms()) for each in words]
    door = LocalDoor(valley.homes[at], valley.homes[at].lock())
    try:
        blocks = seal(valley.author("Oakfield", "Cleo").private, begins, base, drafts, now_ms())
        door.node.take_now([each.raw for each in blocks])
    finally:
        door.close()


def tip(valley: Delegations, at: str, log: LogId) -> Base:
    with Reading.open(valley.homes[at]) as reading:
        found = reading.store.logs.tip(log)
    assert found is not None
    return found


def pinned(valley: Delegations, at: str, log: LogId) -> tuple[tuple[int, RecordId] | None, bool, int | None]:
    """Return the pin of a log, whether its record is held, and where the log is forked."""
    with Reading.open(valley.homes[at]) as reading:
        logs = reading.store.logs
        pin = logs.pinned(log)
        return pin, pin is not None and logs.holds(log, *pin), logs.fork_at(log)


def test_a_sealed_recall_pins_what_it_keeps_of_a_forked_log_of_plans(valley: Delegations) -> None:
    given = valley.give("Oakfield", valley.author("Oakfield", "Cleo").key.hex(), "--instruct", "*=free")
    valley.meet()
    begins = plans(valley, given)
    write(valley, "Oakfield", begins, None, "one")
    valley.meet()
    base = tip(valley, "Oakfield", begins.log)
    write(valley, "Oakfield", begins, base, "left", "left too")
    write(valley, "Hill Farm", begins, base, "right", "right too")
    kept = tip(valley, "Hill Farm", begins.log)
    valley.meet()
    for name in valley.homes:
        assert pinned(valley, name, begins.log)[::2] == (None, base.seq + 1)
    entry = {"kind": "recall", "mandate": list(given), "cuts": [[begins.log, kept.seq, kept.id]]}
    page = valley.enter("Oakfield", [entry], seal=False)  # type: ignore[list-item]
    valley.seal_carelessly("Oakfield", page)
    valley.meet()
    for name in valley.homes:
        assert pinned(valley, name, begins.log) == ((kept.seq, kept.id), True, base.seq + 1)
    # What follows it is taken nowhere.
    write(valley, "Hill Farm", begins, kept, "and more")
    assert tip(valley, "Hill Farm", begins.log).seq == kept.seq


def test_of_an_authority_log_nothing_is_pinned_since_every_branch_is_kept(valley: Delegations) -> None:
    given = valley.give("Oakfield", valley.author("Oakfield", "Cleo").key.hex(), "--instruct", "*=free")
    valley.vote("Oakfield", given, valley.motion(), "yes")
    valley.meet()
    valley.end("Oakfield", given[0].hex())
    with Reading.open(valley.homes["Oakfield"]) as reading:
        assert reading.store.logs.all_pinned() == []
