"""What is remembered of peers, invitations, followed bodies, and of blocks that wait outside."""

from dataclasses import replace

from fedsync.records.ids import Extent, Key, LogId, PageId, Scope
from fedsync.store.parked import PARKED_BLOCKS, PARKED_BYTES, ParkedBlock
from fedsync.store.peers import FollowedBody, Invitation, Peer
from fedsync.store.store import Store

MILL = Peer(Key(b"m" * 32), "Mill Lane", ("mill.example:7001", "[::1]:7001"), "peer", 1000)
HILL = Peer(Key(b"h" * 32), "Hill Farm", since=2000)
LOG = LogId(b"l" * 32)


def test_a_peer_is_read_back_as_it_was_put(store: Store) -> None:
    full = replace(
        MILL,
        last_contact=5,
        state="behind",
        reason="no answer",
        we_lack=1,
        they_lack=2,
        paused=True,
    )
    with store.transaction():
        store.peers.put(full)
        store.peers.put(HILL)
    assert store.peers.get(full.key) == full
    assert store.peers.all() == [HILL, full]
    assert store.peers.get(Key(b"?" * 32)) is None


def test_each_thing_learned_of_a_peer_leaves_the_others(store: Store) -> None:
    with store.transaction():
        store.peers.put(MILL)
        store.peers.contact(MILL.key, 9)
        store.peers.show(MILL.key, "same", "", 0, None)
        store.peers.pause(MILL.key, True)
    assert store.peers.get(MILL.key) == replace(
        MILL,
        last_contact=9,
        state="same",
        reason="",
        we_lack=0,
        paused=True,
    )
    with store.transaction():
        assert store.peers.remove(MILL.key)
        assert not store.peers.remove(MILL.key)
    assert store.peers.all() == []


def test_an_invitation_is_used_once(store: Store) -> None:
    token = b"t" * 32
    with store.transaction():
        store.invitations.add(Invitation(token, "Quarry", 5000))
        assert store.invitations.use(token, MILL.key, 4000)
        assert not store.invitations.use(token, HILL.key, 4001)
        assert not store.invitations.use(b"u" * 32, HILL.key, 4001)
    assert store.invitations.get(token) == Invitation(token, "Quarry", 5000, 4000, MILL.key)
    assert store.invitations.get(b"u" * 32) is None
    assert len(store.invitations.all()) == 1
    with store.transaction():
        store.invitations.remove(token)
    assert store.invitations.all() == []


def test_a_scope_is_bound_to_the_body_that_was_followed_first(store: Store) -> None:
    scope = Scope(b"s" * 16)
    own = FollowedBody(scope, PageId(b"p" * 32), "Oakfield", "own", None, 20)
    other = FollowedBody(Scope(b"a" * 16), PageId(b"q" * 32), None, "announced", MILL.key, 10)
    with store.transaction():
        assert store.followed.add(other)
        assert store.followed.add(own)
        assert not store.followed.add(replace(own, body=PageId(b"x" * 32), source="peer"))
        store.followed.name(other.scope, "Quarry")
    assert store.followed.all() == [own, replace(other, name="Quarry")]
    assert store.followed.get(scope) == own
    with store.transaction():
        store.followed.remove(scope)
    assert store.followed.get(scope) is None


def test_parked_blocks_wait_for_their_log_and_expire(store: Store) -> None:
    parked = store.parked
    with store.transaction():
        assert parked.park(MILL.key, LOG, b"one", 100)
        assert parked.park(HILL.key, LOG, b"two", 200)
        assert parked.park(MILL.key, LOG, b"one", 150)
        assert parked.park(MILL.key, LogId(b"k" * 32), b"other", 100)
        assert parked.waiting(LOG) == [ParkedBlock(MILL.key, LOG, b"one"), ParkedBlock(HILL.key, LOG, b"two")]
        assert parked.logs() == [b"k" * 32, LOG]
        assert parked.expire(120) == 1
        assert parked.expire(160) == 1
        assert parked.waiting(LOG) == [ParkedBlock(HILL.key, LOG, b"two")]
        parked.release(LOG)
    assert parked.logs() == []


def test_a_stranger_fills_its_own_quota_and_no_other(store: Store) -> None:
    with store.transaction():
        for number in range(PARKED_BLOCKS):
            assert store.parked.park(MILL.key, LOG, b"%d" % number, 100)
        assert not store.parked.park(MILL.key, LOG, b"one too many", 100)
        assert store.parked.park(MILL.key, LOG, b"0", 100)
        large = bytes(PARKED_BYTES // 2 + 1)
        assert store.parked.park(HILL.key, LOG, large, 100)
        assert not store.parked.park(HILL.key, LogId(b"k" * 32), large, 100)
        assert store.parked.park(HILL.key, LogId(b"k" * 32), b"small", 100)


def test_how_much_of_a_body_is_followed_is_kept_and_what_is_unwanted_stays_away_until_it_is_added(
    store: Store,
) -> None:
    scope, body = Scope(b"s" * 16), PageId(b"b" * 32)
    row = FollowedBody(scope, body, "Quarry", "announced", None, 5, Extent.BOOK)
    with store.transaction():
        assert store.followed.add(row)
    assert store.followed.all() == [row]
    assert store.followed.extents() == [(scope, body, Extent.BOOK)]
    with store.transaction():
        store.followed.extend(scope, Extent.ALL, "asked")
    assert store.followed.get(scope) == replace(row, extent=Extent.ALL, source="asked")
    with store.transaction():
        store.followed.unfollow(scope)
    assert not store.followed.all()
    assert not store.followed.extents()
    assert (store.followed.get(scope), store.followed.count()) == (None, 0)
    assert store.followed.is_unwanted(scope)
    with store.transaction():
        assert store.followed.add(replace(row, source="peer"))
    assert not store.followed.is_unwanted(scope)
    assert store.followed.get(scope) == replace(row, source="peer")
