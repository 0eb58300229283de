"""What a peer, or a file that somebody made up, may make a node keep or do has bounds."""

import zlib
from dataclasses import replace

import msgpack
import pytest

from fedsync.bundling import coming, hearing
from fedsync.gossip.bundles import form
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import Kind
from fedsync.gossip.holdings import TIP
from fedsync.records.ids import LogClass, LogId, Reach
from fedsync.records.wire import MAX_BODY_BYTES
from fedsync.store import carried
from tests.bundling.nodes import TELLERS, At, roots, two
from tests.nodes import Scribe, follow, node


def chunks_of(file: bytes) -> list[Chunk]:
    return [each for each in cut([file]) if isinstance(each, Chunk)]


def behind(north: At, south: At, scribe: Scribe) -> None:
    """Let the south lack what a lost file held, and know of it."""
    south.take(north.file(south.key))
    for teller in TELLERS:
        scribe.move(teller, 5)
    north.file(south.key, trusting=True)
    for teller in TELLERS:
        scribe.move(teller, 7)
    south.take(north.file(south.key, trusting=True))
    assert len(south.lacks()) == len(TELLERS)


def test_no_more_wishes_of_one_peer_are_kept_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with two() as (north, south, scribe):
        behind(north, south, scribe)
        monkeypatch.setattr(carried, "MAX_ASKED", 2)
        north.take(south.file(north.key))
        assert len(north.node.store.carried.asked(south.key)) == 2
        south.take(north.file(south.key, trusting=True))
        north.take(south.file(north.key))
        south.take(north.file(south.key, trusting=True))
        assert roots(north) == roots(south)


def test_of_more_tips_than_are_kept_the_next_bundle_tells_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with two() as (north, south, scribe):
        monkeypatch.setattr(hearing, "MAX_CLAIMS", 1)
        noted = south.node.store.carried.claims
        south.take(north.file(south.key))
        for teller in TELLERS:
            scribe.move(teller, 5)
        north.file(south.key, trusting=True)
        for teller in TELLERS:
            scribe.move(teller, 7)
        seen = south.node.store.carried.get(north.key).seen
        south.take(north.file(south.key, trusting=True))
        assert len(noted()) == 1
        assert south.node.store.carried.get(north.key).seen[LogClass.FACTS] == seen[LogClass.FACTS]
        north.take(south.file(north.key))
        south.take(north.file(south.key))
        assert roots(north) == roots(south)
        assert south.lacks() == {}


def test_a_flood_of_tips_in_one_file_is_not_noted_beyond_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5)
        monkeypatch.setattr(hearing, "COMING_CLAIMS", 0)
        south.take(north.file(south.key))
        assert south.node.store.carried.claims() == []
        assert south.node.store.carried.get(north.key).seen == (0, 0, 0, 0)
        assert roots(north) == roots(south)


def test_what_a_peer_says_that_it_holds_is_kept_up_to_a_bound_and_beyond_carried_once_too_often(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with two() as (north, south, scribe):
        south.node.take_now([block.raw for block in scribe.blocks], north.key)
        monkeypatch.setattr(carried, "MAX_THEIRS", 1)
        north.take(south.file(north.key))
        came = south.take(north.file(south.key))
        assert came.blocks["known"]
        assert came.records == 0


def test_only_so_many_bundles_are_remembered_each_way(monkeypatch: pytest.MonkeyPatch) -> None:
    with two() as (north, south, scribe):
        monkeypatch.setattr(carried, "KEPT_BUNDLES", 3)
        for quantity in range(1, 6):
            scribe.move("Ama", quantity)
            south.take(north.file(south.key, trusting=True))
        assert len(north.node.store.carried.left()) == 3
        assert len(south.node.store.carried.came()) == 3
        assert roots(north) == roots(south)


def test_a_block_that_inflates_without_end_is_refused_and_the_others_taken() -> None:
    with two() as (north, south, _scribe):
        file = north.file(south.key, plain=True)
        bomb = msgpack.packb(
            [1, b"l" * 32, 0, b"", 1, [[0, bytes(64)]], MAX_BODY_BYTES, zlib.compress(bytes(50_000_000))]
        )
        came = south.take(file + pack(Kind.BLOCK, 99, bomb))
        assert came.blocks["bad"] == 1
        assert roots(north) == roots(south)


def test_a_block_in_words_that_are_not_known_here_is_named_and_asked_for_as_it_is_stored() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        chunks = chunks_of(north.file(south.key))
        segments = [each for each in chunks if each.kind == Kind.SEGMENT]
        assert segments
        later = MAGIC + b"".join(
            pack(each.kind, each.number, b"\xc8" + each.body[1:] if each in segments else each.body)
            for each in chunks
        )
        came = south.take(later)
        assert {each.why for each in came.bad} == {"newer"}
        assert south.lacks()
        north.take(south.file(north.key))
        again = north.file(south.key)
        assert not [each for each in chunks_of(again) if each.kind == Kind.SEGMENT]
        south.take(again)
        assert roots(north) == roots(south)


def test_of_many_bundles_in_one_file_the_blocks_are_taken_and_few_titles_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with two() as (north, south, scribe):
        monkeypatch.setattr(coming, "MAX_TITLES", 3)
        files = []
        for quantity in range(1, 8):
            scribe.move("Ama", quantity)
            files.append(north.file(south.key, trusting=True))
        came = south.take(b"".join(files))
        assert len(came.titles) == len(came.ends) == 3
        assert len(south.node.store.carried.came()) == 3
        assert roots(north) == roots(south)


def test_what_was_told_in_more_stretches_than_are_kept_is_as_if_it_was_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with two() as (north, south, scribe):
        title = next(form.read(each) for each in chunks_of(north.file(south.key)))
        assert isinstance(title, form.Title)
        row = form.Tip(
            (scribe.scope, Reach.WORLD, LogClass.FACTS), TIP, LogId(bytes(32)), 0, bytes(form.NAME_BYTES)
        )
        total = 4 * carried.MAX_STRETCHES
        title = replace(title, tips=total)
        said = [form.Tips(title.said, 2 * at, total, (row,)) for at in range(total // 2)]
        written = [
            form.write(title, north.private.sign),
            *(form.write(each, north.private.sign) for each in said),
        ]
        south.take(MAGIC + b"".join(pack(kind, at, body) for at, (kind, body) in enumerate(written)))
        (bundle,) = south.node.store.carried.came(north.key)
        assert len(bundle.told) == carried.MAX_STRETCHES
        # And it is no reason to forget what goes on where another stretch ended.
        more = form.write(form.Tips(title.said, 1, total, (row,)), north.private.sign)
        south.take(
            MAGIC + pack(*_numbered(form.write(title, north.private.sign), 0)) + pack(*_numbered(more, 1))
        )
        (bundle,) = south.node.store.carried.came(north.key)
        assert bundle.told[0] == (0, 3)


def test_a_strangers_titles_cost_no_commit_each() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        alone = At(third, "alone")
        follow(third, scribe)
        commits: list[int] = []
        commit = third.commit

        def counted() -> None:
            commits.append(1)
            commit()

        third.commit = counted  # type: ignore[method-assign]
        titles = [chunks_of(north.file(south.key))[0] for _ in range(50)]
        file = MAGIC + b"".join(pack(each.kind, at, each.body) for at, each in enumerate(titles))
        alone.take(file)
        assert len(commits) == 0
        alone.take(file + north.file(south.key))
        assert len(commits) == 1
        assert third.store.carried.came() == []


def _numbered(written: tuple[int, bytes], number: int) -> tuple[int, int, bytes]:
    kind, body = written
    return kind, number, body
