"""What is believed of whoever made a file: the word of peers alone, each for itself, and no more than can be true."""

from collections.abc import Sequence

from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import (
    Block,
    Content,
    Kind,
    Receipt,
    Receipts,
    Title,
    Wanted,
    Wants,
    read,
    write,
)
from fedsync.records.block import peek
from fedsync.records.ids import LogClass, Reach
from fedsync.store.acquaintances import Removal
from tests.bundling.nodes import At, two
from tests.nodes import NOON, Scribe, follow, node


def title_of(file: bytes) -> Title:
    return next(each for each in contents(file) if isinstance(each, Title))


def contents(file: bytes) -> list[Content]:
    return [read(each) for each in cut([file]) if isinstance(each, Chunk)]


def made_of(at: At, *said: Content) -> bytes:
    """Return a file of these words, signed by this node."""
    chunks = (write(each, at.private.sign) for each in said)
    return MAGIC + b"".join(pack(kind, number, body) for number, (kind, body) in enumerate(chunks))


def spliced(into: bytes, out_of: bytes, kind: Kind) -> bytes:
    """Return one file with the chunks of a kind of another behind its title."""
    title, *rest = [each for each in cut([into]) if isinstance(each, Chunk)]
    more = [each for each in cut([out_of]) if isinstance(each, Chunk) and each.kind == kind]
    assert more
    return MAGIC + b"".join(pack(each.kind, at, each.body) for at, each in enumerate([title, *more, *rest]))


def lack(north: At, south: At, scribe: Scribe, teller: str) -> None:
    """Let the south lack a record of a teller's, and know of it."""
    scribe.move(teller, 5)
    north.file(south.key, trusting=True)  # this one is lost
    scribe.move(teller, 7)
    south.take(north.file(south.key, trusting=True))
    assert scribe.genesis(teller, LogClass.FACTS).log in south.lacks()


def asked(at: At, who: At) -> Sequence[bytes]:
    return [log for log, _ in at.node.store.carried.asked(who.key)]


def test_what_was_asked_for_long_ago_is_not_asked_for_again_by_an_old_file() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        lack(north, south, scribe, "Ama")
        old = south.file(north.key)
        north.take(old)
        south.take(north.file(south.key))
        assert south.lacks() == {}
        lack(north, south, scribe, "Ben")
        north.take(south.file(north.key))
        facts = scribe.genesis("Ben", LogClass.FACTS).log
        assert asked(north, south) == [facts]
        north.take(old)
        assert asked(north, south) == [facts]


def test_a_node_that_the_operator_removed_asks_and_confirms_in_vain() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        lack(north, south, scribe, "Ama")
        with north.node.store.transaction() as store:
            store.removed.add(Removal(south.key, "south", NOON))
        before = north.node.store.carried.get(south.key)
        north.take(south.file(north.key))
        assert asked(north, south) == []
        assert north.node.store.carried.get(south.key) == before


def test_words_of_one_maker_are_not_believed_in_the_file_of_another() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        stranger = At(third, "stranger")
        stranger.meets(north)
        follow(third, scribe)
        stranger.take(north.file(stranger.key))
        lack(north, stranger, scribe, "Ama")
        theirs = stranger.file(north.key)
        for kind in (Kind.WANTS, Kind.RECEIPTS):
            north.take(spliced(south.file(north.key), theirs, kind))
        assert asked(north, stranger) == []
        assert stranger.key not in north.node.store.carried.peers()


def test_nobody_confirms_what_was_not_written_yet() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        title = title_of(south.file(north.key))
        far = 2**62
        row = Receipt(north.key, north.node.store.journal.id, (far, far, far, far), ())
        north.take(made_of(south, title, Receipts(title.said, (row,))))
        assert max(north.node.store.carried.get(south.key).acked) == north.node.store.journal.counter
        scribe.move("Ama", 5)
        assert south.take(north.file(south.key)).blocks == {"taken": 1}


def test_a_wish_for_what_the_asking_peer_may_not_have_brings_nothing() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        (local,) = scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.LOCAL)
        title = title_of(south.file(north.key))
        north.take(made_of(south, title, Wants(title.said, (Wanted(local.log, ()),))))
        assert asked(north, south) == [local.log]
        carried = [peek(each.raw).log for each in contents(north.file(south.key)) if isinstance(each, Block)]
        assert local.log not in carried
