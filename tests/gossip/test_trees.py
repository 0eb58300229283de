"""The root over the shared sets as it is kept up, against the definition worked out from the start each time."""

from random import Random

import pytest

from fedsync.gossip.acquaintance import Acquaintance
from fedsync.gossip.aliases import alias
from fedsync.gossip.following import NOTHING_HEARD, Following, Row, common, followed, pack_rows
from fedsync.gossip.holdings import SetKey
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import Hello
from fedsync.gossip.sharing import MOST_KEPT, Shared, Sharing, shared
from fedsync.gossip.trees import Trees
from fedsync.gossip.trie import EMPTY, Tree, root_of_roots
from fedsync.records.ids import Extent, LogClass, LogId, Reach, Scope
from tests.gossip.telling import SALT, tells
from tests.sim.world import Author, checked

BODIES = [(Scope(bytes((first, second)) * 8), bytes(32)) for first in (1, 2, 3) for second in (1, 2)]


def definition(memory: Memory, mine: Following, theirs: Following, without: set[LogId]) -> bytes:
    roots = []
    for key in sorted(memory.sets()):
        if may(mine, theirs, key) and (root := Tree(memory, key, without).hash()) != EMPTY:
            roots.append((key, root))
    return root_of_roots(roots, b"follows")


def may(mine: Following, theirs: Following, key: SetKey) -> bool:
    """The naive twin of sharing: both follow the body, so far, and each lets the other have it."""
    scope, reach, log_class = key
    sides = [[row for row in each.rows if row.scope == scope] for each in (mine, theirs)]
    if theirs is NOTHING_HEARD:
        sides[1] = [Row(scope, bytes(32), Extent.ALL)]
    for side in sides:
        if not side or reach == Reach.LOCAL:
            return False
        authority = log_class == LogClass.AUTHORITY
        far = side[0].extent == Extent.WORLD and reach == Reach.WORLD
        if not (authority or far or side[0].extent == Extent.ALL):
            return False
        if reach == Reach.REGION and not side[0].near:
            return False
    return True


def some(dice: Random) -> Following:
    chosen = dice.sample(BODIES, dice.randint(0, len(BODIES)))
    return Following(pack_rows(Row(*body, dice.choice(list(Extent)), dice.random() < 0.5) for body in chosen))


@pytest.mark.parametrize("seed", range(20))
def test_the_root_that_is_kept_up_is_that_of_the_definition(seed: int) -> None:
    dice = Random(seed)
    memory = Memory(bytes(8), checker=checked)
    sharing = Sharing(Trees(memory))
    authors = [Author(n, LogClass(n % 3), Reach(n % 3), BODIES[n % len(BODIES)][0]) for n in range(24)]
    pairs = [(some(dice), some(dice)), (some(dice), NOTHING_HEARD), (some(dice), some(dice))]
    pairs.append(pairs[0])
    ended: set[LogId] = set()
    for step in range(80):
        writing = [each for each in authors if each.log not in ended]
        if writing and dice.random() < 0.8:
            author = dice.choice(writing)
            for block in author.write(f"{step}"):
                memory.write(block)
        if dice.random() < 0.1:
            memory.renew(dice.randbytes(8))
        if dice.random() < 0.1:
            author = dice.choice(authors)
            if author.at is not None:
                ended.add(author.log)
                memory.pin(author.log, (dice.choice([author.at.seq, 1000]), author.at.id))
        for mine, theirs in pairs:
            left = dice.sample(authors, dice.choice([0, 0, 1, 5]))
            without: dict[SetKey, list[LogId]] = {}
            for each in left:
                held = memory.log(each.log)
                if held is not None:
                    without.setdefault(held.set, []).append(each.log)
            if dice.random() < 0.7:
                found = sharing.between(common(mine, theirs)).root(b"follows", without)
                assert found == definition(memory, mine, theirs, {each.log for each in left})
                shared = sharing.between(common(mine, theirs))
                assert shared.sets() == sorted(key for key in memory.sets() if may(mine, theirs, key))
                assert shared.parts(b"", b"") == shared.parts(b"", BODIES[2][0]) + shared.parts(
                    BODIES[2][0], b""
                )
        if dice.random() < 0.1:
            pairs[dice.randrange(3)] = (some(dice), some(dice))


def test_of_each_set_it_is_said_by_both_sides_whether_they_share_it() -> None:
    dice = Random(1)
    for _ in range(100):
        mine, theirs = some(dice), dice.choice([some(dice), some(dice), NOTHING_HEARD])
        for scope, _ in BODIES:
            for key in ((scope, reach, each) for reach in Reach for each in LogClass):
                assert shared(mine, theirs, key) == may(mine, theirs, key)


def test_links_to_peers_that_follow_the_same_share_the_work() -> None:
    memory = Memory(bytes(8), checker=checked)
    sharing = Sharing(Trees(memory))
    body = (*BODIES[0], Extent.ALL)
    one, other = followed([body]), followed([body])
    assert one is not other
    assert sharing.between(common(one, one)) is sharing.between(common(other, one))


def test_only_the_sets_that_changed_are_looked_at_again() -> None:
    memory = Memory(bytes(8), checker=checked)
    authors = [Author(n, scope=scope) for n, (scope, _) in enumerate(BODIES)]
    for author in authors:
        for block in author.write("a"):
            memory.write(block)
    trees = Trees(memory)
    before = {key: trees.tree(key) for key in memory.sets()}
    for block in authors[2].write("b"):
        memory.write(block)
    changed = {key for key, tree in before.items() if trees.tree(key) is not tree}
    assert changed == {(BODIES[2][0], Reach.REGION, LogClass.FACTS)}


@pytest.mark.parametrize("seed", range(20))
def test_what_is_shared_after_a_page_is_that_of_all_pages(seed: int) -> None:
    """Kept up page by page, whoever else is linked, it is what it would be if it were worked out anew."""
    dice = Random(seed)
    memory = Memory(bytes(8), checker=checked)
    for body in BODIES[:-1]:
        memory.follow(*body, dice.choice(list(Extent)))
    authors = [Author(n, LogClass(n % 4), Reach(n % 3), BODIES[n % len(BODIES)][0]) for n in range(24)]
    sharing = Sharing(Trees(memory))
    peers = [Acquaintance(sharing, None, None) for _ in range(3)]
    said: list[dict[Scope, Row | None]] = [{} for _ in peers]
    """The naive twin: the last word on each body; of others it is taken that they are followed as here."""
    for peer in peers:
        peer.greet(Hello(1, bytes(8), 0, b"", 0, bytes(8), 0, bytes(16)))
    edges = [b"", *sorted(alias(SALT, *body) for body in BODIES)]
    for step in range(60):
        at = dice.randrange(3)
        peer, words = peers[at], said[at]
        before = peer.shared().sets()
        first, end = dice.choice(edges), dice.choice(edges)
        if not end or first < end:
            rows = [
                row
                for row in some(dice).rows
                if first <= alias(SALT, row.scope, row.body) < (end or b"\xff" * 9)
            ]
            was = peer.shared()
            for scope, page in BODIES:
                if first <= alias(SALT, scope, page) < (end or b"\xff" * 9):
                    words[scope] = next((row for row in rows if row.scope == scope), None)
            if peer.hear(tells(*rows)._replace(first=first, end=end)) is not None:
                now = peer.shared()
                assert now.adds(was, peer.changed) == bool(set(now.sets()) - set(before))
        if dice.random() < 0.5:
            for block in dice.choice(authors).write(f"{step}"):
                memory.write(block)
        theirs = [words.get(row.scope, row) for row in peer.mine.rows]
        naive = Following(pack_rows(each for each in theirs if each is not None))
        anew = Shared(Trees(memory), common(peer.mine, naive))
        assert anew.sets() == [key for key in sorted(memory.sets()) if may(peer.mine, naive, key)]
        assert peer.shared().sets() == anew.sets()
        assert peer.shared().parts(b"", b"") == anew.parts(b"", b"")
        assert peer.shared().root(b"follows", {}) == anew.root(b"follows", {})


class Counting(Memory):
    """Counts how often somebody looks into a set."""

    looks = 0

    def count(self, key: SetKey) -> int:
        self.looks += 1
        return super().count(key)


def test_among_a_thousand_sets_a_record_costs_a_look_into_its_own_and_another_link_none() -> None:
    memory = Counting(bytes(8), checker=checked)
    dice = Random(1)
    authors: list[Author] = []
    for at in range(330):
        scope = Scope(dice.randbytes(16))
        memory.follow(scope, bytes(32))
        authors += [Author(3 * at + c, LogClass(c), Reach.WORLD, scope) for c in range(3)]
    for author in authors:
        for block in author.write("a"):
            memory.write(block)
    sharing = Sharing(Trees(memory))
    mine = sharing.mine(None)
    sharing.between(mine).root(b"follows", {})
    assert memory.looks == len(authors)
    for block in authors[500].write("b"):
        memory.write(block)
    sharing.between(mine).root(b"follows", {})
    assert memory.looks == len(authors) + 1
    # A peer that follows the same, as it was remembered: as bytes of its own.
    theirs = Following(bytes(bytearray(mine.data)))
    assert theirs is not mine
    sharing.between(common(mine, theirs)).root(b"another", {})
    assert sharing.mine(frozenset(each.scope for each in authors)).digest == mine.digest
    assert memory.looks == len(authors) + 1


def test_no_more_roots_are_kept_than_there_are_peers_however_often_one_tells_of_the_same() -> None:
    memory = Memory(bytes(8), checker=checked)
    memory.follow(*BODIES[0])
    for block in Author(1, LogClass.FACTS, Reach.WORLD, BODIES[0][0]).write("one"):
        memory.write(block)
    sharing = Sharing(Trees(memory))
    shared = sharing.between(sharing.mine(None))
    roots = {shared.root(b"%016d" % said, {}) for said in range(3 * MOST_KEPT)}
    assert len(roots) == 3 * MOST_KEPT
    assert len(shared._roots) <= MOST_KEPT


def test_what_is_kept_for_peers_has_a_bound_however_often_they_follow_something_else_and_name_it_anew() -> (
    None
):
    sharing = Sharing(Trees(Memory(bytes(8), checker=checked)))
    most = 0
    for said in range(3 * MOST_KEPT):
        following = Following(pack_rows([Row(Scope(said.to_bytes(16)), bytes(32), Extent.ALL)]))
        sharing.between(following)
        sharing.naming(following, said.to_bytes(8))
        sharing.mine(frozenset({Scope(said.to_bytes(16))}))
        most = max(most, len(sharing._between), len(sharing._namings), len(sharing._mine))
    assert most == MOST_KEPT
    assert len(sharing._namings) < MOST_KEPT / 4
