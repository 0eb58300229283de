"""What comes out of turn, from long ago, or without saying of whom: it is taken for what it is, within bounds."""

import pytest

from fedsync.bundling import coming
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import Kind, Tip, Tips, read, write
from fedsync.gossip.bundles.reading import read as read_file
from fedsync.gossip.holdings import TIP, SetKey
from fedsync.records.ids import LogId
from fedsync.store import parked
from tests.bundling.nodes import At, roots, two
from tests.nodes import follow, node

BLOCKS = (Kind.BLOCK, Kind.SEGMENT)


def backwards(file: bytes) -> bytes:
    """Return a file with its blocks in the opposite order."""
    found = [each for each in cut([file]) if isinstance(each, Chunk)]
    blocks = iter([each for each in reversed(found) if each.kind in BLOCKS])
    turned = [next(blocks) if each.kind in BLOCKS else each for each in found]
    return MAGIC + b"".join(pack(each.kind, at, each.body) for at, each in enumerate(turned))


def test_what_stands_before_the_page_that_names_its_author_is_taken_all_the_same() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        file = backwards(north.file(south.key))
        south.take(file)
        assert roots(north) == roots(south)
        assert south.lacks() == {}


@pytest.mark.parametrize("room", [coming.AGAIN_BYTES, 0])
def test_where_no_room_is_left_for_unknown_authors_some_are_tried_again_at_the_end(
    monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        file = backwards(north.file(south.key))
        monkeypatch.setattr(parked, "PARKED_BLOCKS", 0)
        monkeypatch.setattr(coming, "AGAIN_BYTES", room)
        south.take(file)
        assert (roots(north) == roots(south)) is (room > 0)
        south.take(file)
        assert roots(north) == roots(south)


def test_an_old_stick_is_no_new_journal() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        scribe.move("Ama", 5)
        old = north.file(south.key)
        scribe.move("Ama", 7)
        with north.node.store.transaction() as store:
            store.journal.renew(b"restored")
        south.take(north.file(south.key))
        known = south.node.store.carried.get(north.key)
        assert known.seen_journal == b"restored"
        assert any(known.seen)
        south.take(old)
        assert south.node.store.carried.get(north.key) == known


def listing(at: At, file: bytes, number: int) -> Chunk:
    """Return a chunk of one tip, of a log that nobody has."""
    title = next(read_file([file]))
    tip = Tip(set_of(file), TIP, LogId(bytes([number]) * 32), 3, b"12345678")
    kind, body = write(Tips(title.said, number, 100, (tip,)), at.private.sign)  # type: ignore[union-attr]
    return Chunk(kind, number, body)


def set_of(file: bytes) -> SetKey:
    found = [read(each) for each in cut([file]) if isinstance(each, Chunk) and each.kind == Kind.TIPS]
    assert isinstance(found[0], Tips)
    return found[0].rows[0].set


def test_of_a_file_whose_title_is_late_few_words_wait_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    with two() as (north, south, _):
        file = north.file(south.key)
        south.take(file)
        monkeypatch.setattr(coming, "EARLY_WORDS", 2)
        title = next(each for each in cut([file]) if isinstance(each, Chunk))
        chunks = [*(listing(north, file, number) for number in range(5)), title]
        south.take(MAGIC + b"".join(pack(each.kind, at, each.body) for at, each in enumerate(chunks)))
        assert len(south.node.store.carried.claims()) == 2


def test_what_one_of_two_readers_said_that_it_holds_is_carried_for_the_other() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        east = At(third, "east")
        north.meets(east)
        east.meets(north)
        follow(third, scribe)
        south.node.take_now([block.raw for block in scribe.blocks], north.key)
        north.take(south.file(north.key), east.file(north.key))
        east.take(north.file(south.key, east.key))
        assert roots(east) == roots(north)
