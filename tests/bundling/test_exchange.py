"""Bundles between nodes: out of one store and through the door of another."""

from functools import partial
from hashlib import sha256

import pytest

from fedsync.bundling import Fresh, Missed, Taking, batches, chunks, mended, missed, protect
from fedsync.bundling.seen import hash_of
from fedsync.errors import Problem
from fedsync.gossip.aliases import Naming
from fedsync.gossip.bundles import making
from fedsync.gossip.bundles.chunks import MAGIC, Chunk, cut, pack
from fedsync.gossip.bundles.form import MAX_READERS, Kind, Title, Wants
from fedsync.gossip.bundles.making import MIN_PART_BYTES
from fedsync.gossip.bundles.reading import read
from fedsync.gossip.following import followed
from fedsync.gossip.holdings import TIP
from fedsync.gossip.peer_memory import PeerMemory, bodies_name
from fedsync.records.ids import Key, LogClass, LogId, Reach
from fedsync.records.seal import Draft
from fedsync.sticks import depends_on
from fedsync.store.acquaintances import Removal
from fedsync.store.carried import Claim
from fedsync.store.holdings import StoreHoldings
from tests.bundling.nodes import TELLERS, At, root, roots, two
from tests.nodes import NOON, Scribe, follow, node


def test_a_community_goes_in_a_file_to_another_node() -> None:
    with two() as (north, south, scribe):
        scribe.seat("Dee", *TELLERS)
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key)
        came = south.take(file)
        assert roots(north) == roots(south)
        assert root(north) == root(south)
        assert came.records == sum(block.count for block in scribe.blocks)
        assert not came.refused
        assert not came.bad


def test_the_same_file_again_brings_nothing() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key)
        south.take(file)
        assert south.take(file).records == 0


def test_only_the_classes_that_were_asked_for_are_in_it() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        (file,) = north.files(south.key, classes=frozenset({LogClass.AUTHORITY}))
        south.take(file)
        assert {key[2] for key in StoreHoldings(south.node.store, hash_of).sets()} == {LogClass.AUTHORITY}


def test_what_is_local_is_in_no_file() -> None:
    with two() as (north, south, scribe):
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.LOCAL)
        (file,) = north.files(south.key)
        south.take(file)
        assert all(key[1] is not Reach.LOCAL for key in StoreHoldings(south.node.store, hash_of).sets())


def test_what_stays_within_a_region_is_in_no_file_for_whoever_is_of_another() -> None:
    with two() as (north, south, scribe):
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.REGION)
        stranger = Key(b"s" * 32)
        for readers in ((stranger,), (), (south.key, stranger)):
            (file,) = north.files(*readers)
            with node() as other:
                follow(other, scribe)
                At(other, "other").take(file)
                assert {key[1] for key in StoreHoldings(other.store, hash_of).sets()} == {Reach.WORLD}
        south.take(*north.files(south.key))
        assert roots(north) == roots(south)


def test_what_is_missing_of_a_log_that_stays_within_a_region_is_asked_of_nobody_beyond() -> None:
    with two() as (north, south, scribe):
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(3), reach=Reach.REGION)
        south.take(north.file(south.key))
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(2), reach=Reach.REGION)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.write("Ama", LogClass.FACTS, *scribe.moves(2), reach=Reach.REGION)
        south.take(north.file(south.key, trusting=True))
        (log,) = south.lacks()
        beyond = Key(b"s" * 32)
        for readers, told in (((north.key,), True), ((beyond,), False), ((north.key, beyond), False)):
            found = [each for each in read([south.file(*readers)]) if isinstance(each, Wants)]
            assert (log in [row.log for each in found for row in each.rows]) is told


def test_bodies_that_are_not_followed_are_refused_and_counted() -> None:
    with two() as (north, south, scribe):
        other = Scribe(north.node, "Far Away", "Xi", "Yo")
        south.node.follow_limit = 1
        (file,) = north.files(south.key)
        came = south.take(file)
        assert set(came.refused) == {"not-followed"}
        assert south.node.store.followed.get(other.scope) is None
        assert came.records == sum(block.count for block in scribe.blocks)
        assert south.lacks() == {}


# --- What was left, and what came -------------------------------------------------------------------------


def test_what_a_receipt_confirms_is_not_carried_again() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        came = north.take(south.file(north.key))
        assert not came.records
        assert north.node.store.carried.left(south.key)[0].arrived is not None
        file = north.file(south.key)
        assert not south.take(file).blocks
        scribe.move("Ama", 9)
        came = south.take(north.file(south.key))
        assert came.blocks == {"taken": 1}
        assert roots(north) == roots(south)


def test_what_no_receipt_confirms_is_carried_again_unless_it_is_trusted_to_have_come() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        north.file(south.key)
        assert len(north.file(south.key, trusting=True)) < len(north.file(south.key))
        came = south.take(north.file(south.key))
        assert came.records == sum(block.count for block in scribe.blocks)


def test_a_receipt_from_before_a_restore_confirms_nothing() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        receipt = south.file(north.key)
        with north.node.store.transaction() as store:
            store.journal.renew(b"restored")
        north.take(receipt)
        assert north.node.store.carried.get(south.key).acked == (0, 0, 0, 0)


def test_nobody_confirms_for_another_what_never_came() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        liar = At(third, "liar")
        north.meets(liar)
        follow(third, scribe)
        liar.take(north.file(liar.key))
        receipt = liar.file(north.key)
        north.take(receipt)
        assert north.node.store.carried.get(south.key).acked == (0, 0, 0, 0)
        # And with the name of another in it, the signature does not hold.
        came = north.take(receipt.replace(liar.key, south.key))
        assert came.damaged
        assert north.node.store.carried.get(south.key).acked == (0, 0, 0, 0)


def test_a_bundle_of_some_classes_confirms_these_and_no_others() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key, classes=frozenset({LogClass.AUTHORITY})))
        seen = south.node.store.carried.get(north.key).seen
        assert seen[LogClass.AUTHORITY] == north.node.store.journal.counter
        assert seen[LogClass.FACTS] == 0


# --- What is missing --------------------------------------------------------------------------------------


def test_what_a_lost_bundle_held_is_named_and_a_request_brings_it() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        scribe.move("Ama", 5, 7)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.move("Ama", 9)
        came = south.take(north.file(south.key, trusting=True))
        assert came.blocks == {"no-base": 1}
        facts = scribe.genesis("Ama", LogClass.FACTS).log
        assert south.lacks() == {facts: ((0, 4),)}
        assert south.gaps()[0].makers == (north.key,)
        north.take(south.file(north.key, classes=frozenset()))
        south.take(north.file(south.key, trusting=True))
        assert south.lacks() == {}
        assert roots(north) == roots(south)


def test_where_bundles_do_not_tell_of_all_a_lost_one_is_known_to_be_missing_and_a_request_brings_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        monkeypatch.setattr(making, "WHOLE_TIPS", 0)
        scribe.move("Ama", 5)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.move("Ben", 7)
        south.take(north.file(south.key, trusting=True))
        made = north.node.store.carried.left()[0].at
        assert south.lacks() == {}
        assert missed(south.node.store) == [Missed(north.key, made)]
        assert roots(north) != roots(south)
        north.take(south.file(north.key))
        south.take(north.file(south.key))
        assert missed(south.node.store) == []
        assert roots(north) == roots(south)


def test_what_was_asked_for_is_left_once_where_it_is_trusted_to_have_come() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        scribe.move("Ama", 5, 7)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.move("Ama", 9)
        south.take(north.file(south.key, trusting=True))
        north.take(south.file(north.key, classes=frozenset()))
        first, second = (north.file(south.key, trusting=True) for _ in range(2))
        assert not south.take(second).blocks
        assert north.file(south.key) != second
        south.take(first)
        assert roots(north) == roots(south)


def test_what_came_ahead_is_let_in_when_what_it_follows_comes_from_a_peer() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        lost = scribe.move("Ama", 5, 7)
        north.file(south.key, trusting=True)
        scribe.move("Ama", 9)
        south.take(north.file(south.key, trusting=True))
        south.node.take_now([block.raw for block in lost], north.key)
        assert roots(north) == roots(south)
        assert south.lacks() == {}


def test_who_is_no_peer_asks_and_confirms_in_vain() -> None:
    with two() as (north, _, scribe), node(incarnation=b"k" * 16) as third:
        stranger = At(third, "stranger")
        stranger.meets(north)
        follow(third, scribe)
        stranger.take(north.file(stranger.key))
        scribe.move("Ama", 5)
        north.file(stranger.key, trusting=True)
        scribe.move("Ama", 7)
        stranger.take(north.file(stranger.key, trusting=True))
        assert stranger.lacks()
        north.take(stranger.file(north.key))
        assert north.node.store.carried.asked(stranger.key) == []
        assert stranger.key not in north.node.store.carried.peers()


def test_a_peer_whose_clock_was_far_ahead_once_is_heard_when_it_asks_again() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        south.made = 10**12
        north.take(south.file(north.key, classes=frozenset()))
        south.made = 100
        scribe.move("Ama", 5)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.move("Ama", 7)
        scribe.move("Ben", 7)
        south.take(north.file(south.key, trusting=True))
        assert south.lacks()
        north.take(south.file(north.key))
        assert north.node.store.carried.asked(south.key)


def test_what_a_removed_peer_told_of_is_not_missing_any_more() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        scribe.move("Ama", 5)
        south.take(north.file(south.key))
        with south.node.store.transaction() as store:
            store.carried.claim([Claim(north.key, 2, 0, LogId(b"l" * 32), 3, b"12345678", 9, "")])
        assert south.lacks() == {b"l" * 32: ((0, 3),)}
        with south.node.store.transaction() as store:
            store.peers.remove(north.key)
            store.removed.add(Removal(north.key, "north", NOON))
        assert south.lacks() == {}


def test_what_its_maker_tells_of_no_more_is_not_missing_any_more() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        with south.node.store.transaction() as store:
            store.carried.claim([Claim(north.key, 2, 0, LogId(b"l" * 32), 3, b"12345678", 1, "")])
        assert south.lacks()
        scribe.move("Ama", 5)
        south.take(north.file(south.key))
        assert south.lacks() == {}
        assert roots(north) == roots(south)


def test_a_bundle_is_for_no_more_readers_than_its_title_may_name() -> None:
    with two() as (north, _, _):
        north.files(*[Key(bytes((each,)) * 32) for each in range(MAX_READERS)])
        with pytest.raises(Problem):
            north.files(*[Key(bytes((each,)) * 32) for each in range(MAX_READERS + 1)])


def test_a_bundle_that_is_older_than_what_is_known_takes_nothing_back() -> None:
    with two() as (north, south, scribe):
        old = north.file(south.key)
        scribe.move("Ama", 5)
        south.take(north.file(south.key))
        known = south.node.store.carried.get(north.key)
        south.take(old)
        assert south.node.store.carried.get(north.key) == known
        assert south.lacks() == {}


def test_who_never_meets_exchanges_over_a_carrier_both_ways_and_nothing_is_carried_twice() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        bearer = At(third, "bearer")
        for one in (north, south):
            one.meets(bearer)
            bearer.meets(one)
        other = Scribe(south.node, "Hill Farm", "Xi", "Yo")
        follow(third, scribe)
        follow(third, other)
        follow(north.node, other)
        scribe.move("Ama", 5, 7)
        other.move("Xi", 3)
        carried = 0
        for one in (north, south, north, south):
            for giver, taker in ((one, bearer), (bearer, one)):
                came = taker.take(giver.file(taker.key))
                assert set(came.blocks) <= {"taken"}
                carried += came.records
        assert roots(north) == roots(south) == roots(bearer)
        # To two of the three each record was carried.
        assert carried == 2 * sum(block.count for each in (scribe, other) for block in each.blocks)


def test_what_a_reader_has_by_other_ways_is_left_out_once_it_says_so() -> None:
    with two() as (north, south, scribe):
        blocks = scribe.move("Ama", 5, 7)
        south.node.take_now([block.raw for block in scribe.blocks], north.key)
        north.take(south.file(north.key))
        assert not south.take(north.file(south.key)).blocks
        assert blocks


def test_what_comes_back_to_who_wrote_on_meanwhile_is_nothing_of_what_it_wrote() -> None:
    with two() as (north, south, scribe):
        south.take(north.file(south.key))
        scribe.move("Ama", 5)
        south.take(north.file(south.key))
        scribe.move("Ama", 7)
        scribe.decide("Bridge", *TELLERS)
        found = [each for each in cut([north.file(south.key)]) if isinstance(each, Chunk)]
        told = [each for each in found if each.kind not in (Kind.BLOCK, Kind.SEGMENT)]
        south.take(MAGIC + b"".join([pack(each.kind, each.number, each.body) for each in told]))
        assert south.lacks()
        came = north.take(south.file(north.key))
        assert not came.blocks


def test_two_branches_meet_by_files_though_one_is_longer() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 1)
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        facts = scribe.genesis("Ama", LogClass.FACTS).log
        other = scribe.fork("Ama", LogClass.FACTS, 2, *scribe.moves(8, 8, 8, 8, 8, 8))
        scribe.move("Ama", 2)
        south.node.take_now([block.raw for block in other], north.key)
        for _ in range(3):
            south.take(north.file(south.key))
            north.take(south.file(north.key))
        assert north.node.store.logs.fork_at(facts) == south.node.store.logs.fork_at(facts) is not None
        assert roots(north) == roots(south)
        assert south.lacks() == north.lacks() == {}


def test_what_a_reader_held_before_it_was_restored_is_carried_again() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        with node(incarnation=b"j" * 16) as restored:
            again = At(restored, "south")
            again.made = 100
            again.meets(north)
            follow(restored, scribe)
            with restored.store.transaction() as store:
                store.journal.renew(b"restored")
            north.take(again.file(north.key))
            again.take(north.file(again.key))
            assert roots(again) == roots(north)


def test_what_a_peer_confirmed_before_it_was_restored_and_is_played_back_spares_it_nothing() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        south.take(north.file(south.key))
        old = south.file(north.key)
        north.take(old)
        with node(incarnation=b"j" * 16) as restored:
            again = At(restored, "south")
            again.made = 100
            again.meets(north)
            follow(restored, scribe)
            with restored.store.transaction() as store:
                store.journal.renew(b"restored")
            north.take(again.file(north.key))
            # Somebody finds an old stick, or plays it back.
            north.take(old)
            again.take(north.file(again.key))
            assert roots(again) == roots(north)


def test_a_stick_of_before_a_restore_that_comes_for_the_first_time_spares_nothing_either() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        south.take(north.file(south.key))
        drawer = south.file(north.key)
        with node(incarnation=b"j" * 16) as restored:
            again = At(restored, "south")
            again.made = 100
            again.meets(north)
            follow(restored, scribe)
            with restored.store.transaction() as store:
                store.journal.renew(b"restored")
            with north.node.store.transaction() as store:
                # Nothing is remembered of the journal that the drawer's stick is of.
                store.conn.execute("DELETE FROM came_bundles")
            north.take(again.file(north.key))
            north.take(drawer)
            again.take(north.file(again.key))
            assert roots(again) == roots(north)


def test_a_restored_peer_whose_clock_was_far_ahead_once_is_heard_when_it_asks() -> None:
    with two() as (north, south, scribe):
        for _ in range(9):
            scribe.move("Ben", 3)
            south.take(north.file(south.key))
        scribe.move("Ben", 5)
        north.file(south.key, trusting=True)  # this one is lost
        scribe.move("Ben", 7)
        south.take(north.file(south.key, trusting=True))
        assert south.lacks()
        south.made = 10**12
        north.take(south.file(north.key))
        with node(incarnation=b"j" * 16) as restored:
            again = At(restored, "south")
            again.made = 100
            again.meets(north)
            follow(restored, scribe)
            with restored.store.transaction() as store:
                store.journal.renew(b"restored")
            authority = frozenset({LogClass.AUTHORITY})
            again.take(north.file(again.key, classes=authority))
            lost = [chunk for chunk in cut([north.file(again.key)]) if isinstance(chunk, Chunk)]
            kept = [each for each in lost if each.kind not in (Kind.BLOCK, Kind.SEGMENT)]
            again.take(MAGIC + b"".join(pack(each.kind, each.number, each.body) for each in kept))
            assert again.lacks()
            assert restored.store.journal.counter < south.node.store.journal.counter
            north.take(again.file(north.key))
            assert {log for log, _ in north.node.store.carried.asked(again.key)} == set(again.lacks())


def test_what_a_peer_followed_once_and_an_old_file_says_does_not_take_the_place_of_what_it_follows() -> None:
    with two() as (north, south, scribe):
        other = Scribe(north.node, "Hill Farm", "Xi", "Yo")
        south.node.follow_limit = 1
        south.take(north.file(south.key))
        old = south.file(north.key)
        follow(south.node, other)
        north.take(south.file(north.key))
        # Files come in any order.
        north.take(old)
        south.take(north.file(south.key))
        assert roots(north) == roots(south)
        assert scribe.blocks


def test_who_follows_more_than_it_did_gets_what_is_old_of_it() -> None:
    with two() as (north, south, scribe):
        other = Scribe(north.node, "Hill Farm", "Xi", "Yo")
        other.move("Xi", 3)
        south.node.follow_limit = 1
        south.take(north.file(south.key))
        north.take(south.file(north.key))
        assert north.node.store.carried.get(south.key).acked != (0, 0, 0, 0)
        follow(south.node, other)
        north.take(south.file(north.key))
        came = south.take(north.file(south.key))
        assert came.records == sum(block.count for block in other.blocks)
        assert set(came.blocks) == {"taken"}
        assert roots(north) == roots(south)
        assert scribe.blocks


def test_what_a_session_found_both_to_hold_is_in_no_file() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5)
        south.node.take_now([block.raw for block in scribe.blocks], north.key)
        met(north, south)
        scribe.move("Ama", 7)
        came = south.take(north.file(south.key))
        assert came.blocks == {"taken": 1}
        assert roots(north) == roots(south)


@pytest.mark.parametrize("change", ["doubt", "our_journal", "told", "bodies"])
def test_a_session_that_says_nothing_of_now_spares_nothing(change: str) -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5)
        other = {"doubt": True, "our_journal": b"restored", "told": bytes(8), "bodies": None}[change]
        met(north, south, **{change: other})
        south.take(north.file(south.key))
        assert roots(north) == roots(south)


def met(north: At, south: At, **fields: object) -> None:
    """Let a session have found that both hold the same."""
    store, near = north.node.store, north.node.kindred.circulation(north.node.state)
    mine = followed(store.followed.extents(), near.near(south.key, None, True))
    bodies = followed(south.node.store.followed.extents()).data
    journal, counter = store.journal.id, store.journal.counter
    memory = PeerMemory(
        south.node.store.journal.id, 9, bodies, mine.digest, our_journal=journal, our_counter=counter
    )
    memory = memory._replace(**fields)  # type: ignore[arg-type]
    with store.transaction():
        for name, data in {bodies_name(south.key): bodies, **memory.rows(south.key)}.items():
            store.meta.set(name, data)


def test_what_a_session_told_of_a_body_counts_for_files_once_that_is_followed_here_too() -> None:
    with two() as (north, south, scribe), node(incarnation=b"k" * 16) as third:
        met(north, south)
        other = Scribe(third, "Hill Farm", "Xi", "Yo")
        follow(south.node, other)
        said = Naming(followed(south.node.store.followed.extents()), b"saltsalt").told
        met(north, south, bodies=followed(north.node.store.followed.extents()).data, aliases=said.pack())
        assert north.node.store.followed.get(other.scope) is None
        follow(north.node, other)
        north.node.take_now([block.raw for block in other.blocks], scribe.key("Ama"))
        came = south.take(north.file(south.key))
        assert came.blocks["taken"] >= len(other.blocks)
        assert roots(north) == roots(south)


def test_a_body_that_a_peer_announces_in_a_file_is_followed_as_if_it_said_so_in_a_session() -> None:
    with two() as (north, south, scribe):
        other = Scribe(north.node, "Hill Farm", "Xi", "Yo")
        came = south.take(north.file(south.key))
        assert south.node.store.followed.get(other.scope) is not None
        assert came.blocks == {"taken": len(scribe.blocks) + len(other.blocks)}
        assert roots(north) == roots(south)


def test_a_body_that_a_stranger_announces_is_not_followed() -> None:
    with two() as (north, _, scribe), node(incarnation=b"k" * 16) as third:
        alone = At(third, "alone")
        follow(third, scribe)
        other = Scribe(north.node, "Hill Farm", "Xi", "Yo")
        alone.take(north.file(alone.key))
        assert third.store.followed.get(other.scope) is None


def test_a_file_that_is_lost_is_had_from_one_that_is_more_than_needed() -> None:
    with two() as (north, south, scribe):
        for teller in TELLERS:
            for each in range(4):
                text = [noise(teller, each, at) for at in range(90)]
                scribe.write(teller, LogClass.FACTS, *text)
        whole = north.files(south.key, part_bytes=MIN_PART_BYTES, plain=True)
        extra = [b""]
        for number, data in protect([partial(iter, [file]) for file in whole], 1, b"set name"):
            extra[number] += data
        assert len(whole) > 1
        south.take(*whole[1:], *extra)
        assert roots(north) != roots(south)
        taking = Taking(south.node, south.key)
        for file in mended([partial(iter, [file]) for file in (*whole[1:], *extra)]):
            taking.begin()
            for batch in batches(file):
                taking.take(batch)
            taking.end()
        assert roots(north) == roots(south)
        assert south.lacks() == {}


def noise(teller: str, each: int, at: int) -> Draft:
    """Return a record that no compression makes small."""
    words = [sha256(f"{teller} {each} {at} {part}".encode()).hexdigest() for part in range(6)]
    return Draft("note", {"text": " ".join(words)}, NOON)


def test_two_that_share_a_directory_and_lack_what_neither_has_do_not_answer_each_other_for_ever() -> None:
    with two() as (north, south, scribe):
        scribe.move("Ama", 5, 7)
        nowhere = LogId(b"n" * 32)
        for each in (north, south):
            with each.node.store.transaction() as store:
                store.carried.claim([Claim(Key(b"l" * 32), 2, TIP, nowhere, 3, bytes(8), 1, "")])
        stamps: dict[Key, object] = {}
        left = [0] * 12
        for turn in range(12):
            for here, there in ((north, south), (south, north)):
                stamp = depends_on(here.node.store, (there.key,))
                if stamps.get(here.key) != stamp:
                    stamps[here.key] = stamp
                    there.take(here.file(there.key))
                    left[turn] += 1
        assert roots(north) == roots(south)
        assert north.node.store.carried.asked(south.key)
        assert left[6:] == [0] * 6


def test_of_files_that_stand_in_one_those_that_are_known_are_passed_over_and_no_others() -> None:
    with two() as (north, south, scribe):
        one = north.file(south.key)
        scribe.move("Ama", 5, 7)
        other = north.file(south.key)
        title = next(each for each in read([one]) if isinstance(each, Title))

        def known(found: Title) -> bool:
            return found.said == title.said

        def passed(*files: bytes) -> tuple[Fresh, list[Chunk]]:
            fresh = Fresh(known)
            found = [each for each in chunks(files) if fresh.wants(each)]
            return fresh, [each for each in found if isinstance(each, Chunk)]

        fresh, found = passed(one, other, one)
        assert (found, fresh.some) == (list(chunks([other])), True)
        # And when the title of what is new is damaged.
        broken = bytearray(other)
        broken[len(MAGIC) + 20] ^= 1
        assert passed(one, bytes(broken))[1] == list(chunks([other]))[1:]
        nothing, found = passed(one)
        assert (found, nothing.some, nothing.passed) == ([], False, True)
