"""Whoever finds a stick can put blocks of their own behind its title: what they fill is not the room of what its maker brings."""

from collections.abc import Iterable

import pytest

from fedsync.bundling.coming import STRANGER
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import Kind
from fedsync.records.ids import LogId, RecordId
from fedsync.records.wire import Row, read_rows, write
from fedsync.store import ahead
from tests.bundling.nodes import two

EACH = 8192
"""Bytes that wait of one maker, here."""


@pytest.fixture(autouse=True)
def little_room(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahead, "AHEAD_EACH", EACH)
    monkeypatch.setattr(ahead, "AHEAD_BYTES", 2 * EACH)


def made_up(log: LogId, number: int) -> bytes:
    """Return a block that claims to stand somewhere in a log, with a signature that nobody made."""
    prev = RecordId(number.to_bytes(32, "big"))
    row = Row(1, "note", 1, (), bytes((i * number) % 251 for i in range(400)))
    return write(log, 1000 + number, prev, [row], [(0, bytes(64))])


def behind_title(file: bytes, raws: Iterable[bytes]) -> bytes:
    """Return a file that begins as its maker began it, and goes on with these blocks."""
    title = next(each for each in cut([file]) if isinstance(each, Chunk))
    assert title.kind == Kind.TITLE
    blocks = [pack(Kind.BLOCK, at, raw) for at, raw in enumerate(raws, 1)]
    return MAGIC + pack(title.kind, 0, title.body) + b"".join(blocks)


def test_what_the_author_of_a_held_log_did_not_sign_is_damage_and_does_not_wait() -> None:
    with two() as (north, south, scribe):
        (block,) = scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        came = south.take(behind_title(north.file(south.key), [made_up(block.log, at) for at in range(1, 9)]))
        assert came.blocks == {"bad": 8}
        assert came.refused == {"signature": 8}
        assert south.node.store.ahead.spans() == {}


def test_what_cannot_be_read_is_damage_and_does_not_wait() -> None:
    with two() as (north, south, scribe):
        (block,) = scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        raw = made_up(block.log, 3)
        came = south.take(behind_title(north.file(south.key), [raw[:-9] + bytes(9)]))
        assert came.blocks == {"bad": 1}
        assert south.node.store.ahead.spans() == {}


def test_what_somebody_put_behind_what_the_author_signed_is_damage_and_does_not_wait() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 1)
        south.take(north.file(south.key))
        scribe.move("Ama", 5)
        (block,) = scribe.move("Ama", 9)
        more = [*read_rows(block.body), Row(1, "note", 1, (), b"anything")]
        raw = write(block.log, block.first, block.prev, more, block.signatures)
        came = south.take(behind_title(north.file(south.key), [raw]))
        assert came.refused == {"signature": 1}
        assert south.node.store.ahead.spans() == {}
        assert south.take(behind_title(north.file(south.key), [block.raw])).blocks == {"no-base": 1}


def test_made_up_blocks_of_logs_that_nobody_knows_leave_room_for_what_is_signed() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 1)
        south.take(north.file(south.key))
        scribe.move("Ama", 5, 7)
        lost = north.file(south.key, trusting=True)
        (block,) = scribe.move("Ama", 9)
        late = north.file(south.key, trusting=True)
        strange = [made_up(LogId(at.to_bytes(32, "big")), at) for at in range(1, 99)]
        for who in (late, MAGIC):
            file = behind_title(late, strange) if who is late else MAGIC + b"".join(
                pack(Kind.BLOCK, at, raw) for at, raw in enumerate(strange)
            )  # fmt: skip
            assert south.take(file).refused["no-room"]
        waits = south.node.store.ahead
        assert 0 < sum(len(each) for each in waits.spans().values()) * len(strange[0]) <= EACH
        assert south.take(late).refused["no-room"] == 0
        assert (block.first, block.last) in waits.spans()[block.log]
        south.take(lost)
        south.node.let_in_early()
        assert south.node.store.logs.tip(block.log) == north.node.store.logs.tip(block.log)
        assert north.key != STRANGER
