"""The door: whatever order, grouping and repetition blocks come in, the same is held and the same is shown."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fedsync.crdt.books.minutes import page_view
from fedsync.crdt.goods.levels import levels
from fedsync.crdt.goods.whystock import why_fact
from fedsync.follows import MAX_SOUGHT
from fedsync.gossip import limits
from fedsync.node import GROWTH_MS, MAX_BRANCHES, MAX_INCARNATIONS, MAX_RAISED, Node, Verdict
from fedsync.operations import perform
from fedsync.records.block import Block
from fedsync.records.ids import Extent, Key, LogClass, PageId, Reach, Scope
from fedsync.records.seal import Draft
from fedsync.store.peers import Source
from tests.nodes import BY, HOUR, NOON, Scribe, bring, bring_all, follow, node


def grams(at: Node, scribe: Scribe) -> int:
    return sum(row.on_hand for row in levels(at.state, scribe.scope))


def note(text: str) -> Draft:
    return Draft("note", {"text": text}, NOON)


# --- A federation's worth of blocks ---------------------------------------------------------------------


class Story:
    """Two bodies with books, stores, new tellers, a forked log and kinds that nobody knows."""

    def __init__(self) -> None:
        with node() as at:
            oak = Scribe(at, "Oakfield", "Ann", "Ben", "Cleo")
            mill = Scribe(at, "Mill Lane", "Dora", "Emil", k=2)
            oak.move("Ann", 5, 6)
            oak.decide("Mend the roof", "Ann", "Ben")
            oak.seat("Dan", "Ben", "Cleo")
            oak.move("Dan", 1000)
            oak.seat("Eve", "Dan", "Ann", "Ben")
            oak.move("Eve", 20_000)
            oak.write("Ben", LogClass.TEXTS, note("a text"))
            oak.write("Ben", LogClass.FACTS, note("a fact that nobody understands"))
            oak.write("Ben", LogClass.AUTHORITY, Draft("motion", {"text": "later"}, NOON))
            mill.move("Dora", 7)
            mill.decide("Buy a mill", "Emil", "Dora")
            for scribe, teller in ((oak, "Ann"), (mill, "Dora")):
                (branch,) = scribe.fork(teller, LogClass.FACTS, 2, *scribe.moves(50)[2:])
                assert bring(at, [branch])[0].verdict is Verdict.FORKED
            self.scribes = (oak, mill)
            self.blocks = [*oak.blocks, *mill.blocks]
            self.root = at.state_root()
            self.records = at.store.logs.count()
            assert (grams(at, oak), grams(at, mill)) == (21_000, 0)


@pytest.fixture(scope="module")
def story() -> Story:
    return Story()


@given(seed=st.integers(0, 2**32), batch=st.integers(1, 40), twice=st.floats(0, 0.5))
@settings(max_examples=40)
def test_any_order_grouping_and_repetition_gives_the_same_state(
    story: Story, seed: int, batch: int, twice: float
) -> None:
    die = Random(seed)
    blocks = [*story.blocks, *(block for block in story.blocks if die.random() < twice)]
    die.shuffle(blocks)
    with node() as at:
        for scribe in die.sample(story.scribes, 2):
            follow(at, scribe)
        missing: list[Block] = []
        for start in range(0, len(blocks), batch):
            group = blocks[start : start + batch]
            outcomes = bring(at, group, Key(bytes([die.randrange(3)]) * 32))
            # Gossip asks again for what lacked its base, once that has come; what was parked nobody asks for here.
            missing += [
                block
                for block in group
                if any(each.raw == block.raw and each.verdict is Verdict.NO_BASE for each in outcomes)
            ]
        bring_all(at, missing)
        assert at.state_root() == story.root
        at.rebuild()
        assert at.state_root() == story.root
        assert at.store.parked.logs() == []


# --- Parking --------------------------------------------------------------------------------------------


@pytest.fixture
def at() -> Iterator[Node]:
    with node() as made:
        yield made


@pytest.fixture
def source() -> Iterator[Node]:
    with node() as made:
        yield made


def test_records_of_an_unknown_author_wait_for_the_page_that_names_it(at: Node, source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    early = len(oak.blocks)
    oak.seat("Dan", "Ann", "Ben")
    later = len(oak.blocks)
    (moved,) = oak.move("Dan", 1000)
    follow(at, oak)
    bring_all(at, oak.blocks[:early])
    (parked,) = bring(at, [moved])
    assert (parked.verdict, parked.code) == (Verdict.PARKED, "unknown-author")
    bring_all(at, oak.blocks[early:later])
    assert grams(at, oak) == 1000
    assert at.state_root() == source.state_root()


def test_a_page_that_comes_in_from_outside_lets_in_those_whom_it_names_in_turn(
    at: Node, source: Node
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    early = len(oak.blocks)
    oak.seat("Dan", "Ann", "Ben")
    middle = len(oak.blocks)
    oak.seat("Eve", "Dan", "Ann")
    (moved,) = oak.move("Eve", 9)
    follow(at, oak)
    bring_all(at, oak.blocks[:early])
    dans = [block for block in oak.blocks if block.genesis.key == oak.key("Dan")]
    # Eve's facts, then Dan's page that names her; last Ann's page that names Dan.
    assert [each.verdict for each in bring(at, [moved, dans[0]])] == [Verdict.PARKED] * 2
    bring_all(at, oak.blocks[early:middle])
    assert at.store.parked.logs() == []
    bring_all(at, [*dans, *oak.blocks[middle:]])
    assert at.state_root() == source.state_root()
    assert grams(at, oak) == 9


def test_what_an_unfollowed_body_writes_is_refused_and_taken_once_it_is_followed(
    at: Node, source: Node
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    assert {each.code for each in bring(at, oak.blocks[:1])} == {"not-followed"}
    follow(at, oak)
    bring_all(at, oak.blocks)
    assert at.state_root() == source.state_root()


def test_of_a_log_that_was_begun_no_more_is_taken_than_is_followed_now(at: Node, source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    follow(at, oak)
    oak.move("Ann", 5)
    (near,) = oak.write("Ben", LogClass.FACTS, *oak.moves(6), reach=Reach.LOCAL)
    bring_all(at, [each for each in oak.blocks if each is not near])
    assert at.take_now([near.raw])[0].verdict is Verdict.TAKEN

    def said(blocks: list[Block]) -> set[str]:
        return {each.code for each in bring(at, blocks)}

    assert said(oak.write("Ben", LogClass.FACTS, *oak.moves(7)[2:], reach=Reach.LOCAL)) == {"local"}
    at.begin()
    at.follow_less(oak.scope, oak.id, Extent.BOOK)
    at.settle()
    at.commit()
    facts = oak.move("Ann", 8)
    assert said(facts) == {"extent"}
    assert said(oak.write("Ann", LogClass.AUTHORITY, note("what carries authority"))) == {""}
    at.begin()
    at.unfollow(oak.scope)
    at.settle()
    at.commit()
    authority = oak.write("Ann", LogClass.AUTHORITY, note("more of it"))
    assert said([*facts, *authority]) == {"not-followed"}
    follow(at, oak)
    assert said([*facts, *authority]) == {""}


def test_who_follows_less_of_a_body_than_once_shows_what_anybody_does_who_follows_so_much(
    source: Node,
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    oak.move("Ann", 5)
    oak.write("Ben", LogClass.FACTS, *oak.moves(7), reach=Reach.REGION)
    (branch,) = oak.fork("Ann", LogClass.FACTS, 2, *oak.moves(50)[2:])
    oak.decide("Mend the roof", "Ann", "Ben")
    bring(source, [branch])
    with node() as once, node() as other:
        follow(once, oak)
        bring_all(once, oak.blocks)
        other.begin()
        other.follow(oak.scope, oak.id, oak.body, "peer", None, Extent.BOOK)
        other.settle()
        other.commit()
        for _ in range(3):
            bring(other, oak.blocks)
        roots = [other.state_root()]
        for extent in (Extent.WORLD, Extent.BOOK):
            once.begin()
            once.follow_less(oak.scope, oak.id, extent)
            once.settle()
            once.commit()
            assert grams(once, oak) == 0, "Ann's log is forked, and Ben's stays in the region"
            roots.append(once.state_root())
        assert roots[2] == roots[0] != source.state_root()
        once.rebuild()
        assert once.state_root() == roots[0]
        for extent in (Extent.WORLD, Extent.ALL):
            once.begin()
            assert once.follow(oak.scope, oak.id, oak.body, "asked", None, extent)
            once.settle()
            once.commit()
            roots.append(once.state_root())
        assert roots[3:] == [roots[1], source.state_root()]


def test_a_stranger_fills_its_own_quota_of_parked_blocks_and_no_other(at: Node, source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    follow(at, oak)
    bring_all(at, oak.blocks)

    def opening(name: str) -> Block:
        return oak.sealed(name, oak.genesis(name, LogClass.FACTS), note("x"))[0]

    verdicts = [each.verdict for each in bring(at, [opening(f"stranger {n}") for n in range(300)])]
    assert verdicts.count(Verdict.PARKED) == 256
    assert verdicts[-1] is Verdict.REFUSED
    assert bring(at, [opening("another")], Key(b"\1" * 32))[0].verdict is Verdict.PARKED


# --- Forks ----------------------------------------------------------------------------------------------


def forked(source: Node) -> tuple[Scribe, list[Block], list[Block]]:
    """Return a body one of whose tellers signed two branches of a fact log, and both branches."""
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    oak.move("Ann", 1)
    left = oak.sealed("Ann", oak.genesis("Ann", LogClass.FACTS), *oak.moves(10, 20)[2:])
    right = oak.sealed("Ann", oak.genesis("Ann", LogClass.FACTS), *oak.moves(300)[2:])
    return oak, left, right


def test_of_a_forked_fact_log_nothing_from_the_fork_on_counts_whichever_branch_came_first(
    source: Node,
) -> None:
    oak, left, right = forked(source)
    roots = set()
    for first, second in ((left, right), (right, left)):
        with node() as at:
            follow(at, oak)
            bring_all(at, oak.blocks)
            bring(at, first)
            assert grams(at, oak) > 1
            (taken,) = bring(at, second)
            assert (taken.verdict, taken.fork_at) == (Verdict.FORKED, 4)
            assert grams(at, oak) == 1
            for block in first:
                for record in block.records():
                    verdict = why_fact(at.state, record)
                    assert (verdict.status, verdict.code) == ("disputed", "fork")
            roots.add(at.state_root())
            at.rebuild()
            roots.add(at.state_root())
    assert len(roots) == 1


def test_of_a_forked_authority_log_all_branches_are_kept(source: Node, at: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben", "Cleo")
    genesis = oak.genesis("Ben")
    end = source.store.logs.tip(genesis.log)
    assert end is not None
    branches = [
        oak.sealed("Ben", genesis, Draft("motion", {"text": text}, NOON)) for text in ("one", "two", "three")
    ]
    follow(at, oak)
    bring_all(at, oak.blocks)
    for branch in branches:
        bring(at, branch)
    assert len(at.store.logs.heads(genesis.log)) == 3
    root = at.state_root()
    with node() as other:
        follow(other, oak)
        bring_all(other, oak.blocks)
        for branch in reversed(branches):
            bring(other, branch)
        assert other.state_root() == root


def test_further_logs_of_one_key_come_one_an_hour_and_are_never_refused_for_good(source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    logs = [
        oak.sealed("Ann", oak.genesis("Ann", LogClass.FACTS, incarnation=bytes([n]) * 16), *oak.moves(1))[0]
        for n in range(MAX_INCARNATIONS + 2)
    ]
    with node() as at:
        clock = [NOON]
        at.now = lambda: clock[0]
        follow(at, oak)
        bring_all(at, oak.blocks)
        assert [each.verdict for each in bring(at, logs[:9])] == [Verdict.TAKEN] * 9
        (waits,) = bring(at, logs[9:])
        assert (waits.verdict, waits.code, waits.until) == (Verdict.REFUSED, "incarnations", NOON + HOUR)
        clock[0] += HOUR
        assert bring(at, logs[9:])[0].verdict is Verdict.TAKEN


def test_further_branches_of_an_authority_log_come_one_an_hour_and_are_never_refused_for_good(
    source: Node,
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    branches = [
        oak.sealed("Ben", oak.genesis("Ben"), Draft("motion", {"text": str(number)}, NOON))[0]
        for number in range(MAX_BRANCHES + 2)
    ]
    with node() as at:
        clock = [NOON]
        at.now = lambda: clock[0]
        follow(at, oak)
        bring_all(at, oak.blocks)
        bring(at, branches[: MAX_BRANCHES + 1])
        (waits,) = bring(at, branches[-1:])
        assert (waits.verdict, waits.code, waits.until) == (Verdict.REFUSED, "branches", NOON + HOUR)
        clock[0] += HOUR
        bring(at, branches[-1:])
        assert len(at.store.logs.heads(branches[0].log)) == MAX_BRANCHES + 2


def test_the_pace_at_the_door_is_the_one_that_gossip_promises() -> None:
    assert (MAX_INCARNATIONS, MAX_BRANCHES) == (limits.MAX_INCARNATIONS, limits.MAX_BRANCHES)
    assert GROWTH_MS == limits.INCARNATION_DELAY_S * 1000 == limits.BRANCH_DELAY_S * 1000


# --- Clocks ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("years", [-50, -10, 40, 200])
def test_a_clock_that_is_decades_off_changes_nothing_that_counts(source: Node, years: int) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    wrong = NOON + years * 365 * 24 * HOUR
    oak.move("Ann", 5, at=wrong, time=wrong)
    page = oak.decide("Mend the roof", "Ann", "Ben")
    with node(now=NOON - years * 365 * 24 * HOUR) as at:
        follow(at, oak)
        bring_all(at, oak.blocks)
        assert at.state_root() == source.state_root()
        assert grams(at, oak) == 5
        found = page_view(at.state, page)
        assert found is not None
        assert found.status == "sealed"


def test_what_is_said_to_happen_more_than_a_day_after_it_was_written_is_void_by_record(
    at: Node, source: Node
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    oak.move("Ann", 1, at=NOON + 24 * HOUR)
    (late,) = oak.move("Ben", 100, at=NOON + 24 * HOUR + 1)
    follow(at, oak)
    bring_all(at, oak.blocks)
    assert grams(at, oak) == 1
    verdict = why_fact(at.state, late.record(late.count - 1))
    assert verdict.status == "void"


# --- What is unknown, and what stays at home ------------------------------------------------------------


def test_unknown_kinds_and_entries_are_kept_served_and_inert(at: Node, source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    root = source.state_root()
    oak.write("Ann", LogClass.AUTHORITY, Draft("vote", {"option": "yes"}, NOON))
    oak.write("Ann", LogClass.FACTS, note("?"))
    oak.write("Ann", LogClass.PLANS, Draft("intent", {"quantity": 3}, NOON))
    follow(at, oak)
    bring_all(at, oak.blocks)
    assert at.store.logs.count() == source.store.logs.count()
    assert at.state_root() == source.state_root()
    assert grams(at, oak) == 0
    held = {raw for log in {block.log for block in oak.blocks} for raw in at.store.logs.raw_blocks(log)}
    assert held == {block.raw for block in oak.blocks}
    assert root


def test_a_local_log_is_taken_from_our_own_people_only(at: Node, source: Node) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    (local,) = oak.write("Ann", LogClass.FACTS, *oak.moves(5), reach=Reach.LOCAL)
    follow(at, oak)
    bring_all(at, oak.blocks[:-1])
    (taken,) = bring(at, [local], BY)
    assert (taken.verdict, taken.code) == (Verdict.REFUSED, "local")


def test_an_invitation_overrides_what_a_liar_announced_of_the_same_founding_tag(
    at: Node, source: Node
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    with node() as elsewhere:
        forged = Scribe(elsewhere, "Oakfield", "Mallory", "Trudy")
        forged.move("Mallory", 500)
        at.begin()
        assert at.follow(oak.scope, forged.id, None, "announced", BY)
        at.settle()
        at.commit()
        bring_all(at, forged.blocks)
        assert grams(at, oak) == 500
    oak.move("Ann", 1000)
    at.begin()
    assert not at.follow(oak.scope, oak.id, None, "announced", BY)
    assert at.follow(oak.scope, oak.id, "Oakfield", "peer", BY)
    at.settle()
    at.commit()
    bring_all(at, oak.blocks)
    assert grams(at, oak) == 1000
    assert at.state_root() == source.state_root()
    at.begin()
    assert not at.follow(oak.scope, forged.id, None, "peer", BY), "what a person chose stays"
    at.rollback()


def test_of_what_peers_announce_no_more_is_followed_than_the_operator_allows(at: Node) -> None:
    def follows(number: int, source: Source) -> bool:
        return at.follow(Scope(bytes([number]) * 16), PageId(bytes([number]) * 32), None, source, BY)

    at.follow_limit = 3
    at.begin()
    assert [follows(number, "announced") for number in range(5)] == [True, True, True, False, False]
    assert follows(9, "peer"), "whom a person invited is followed nevertheless"
    assert not follows(10, "announced")
    at.rollback()


def test_what_there_is_no_room_for_is_followed_when_somebody_asks_though_no_peer_is_level_yet(
    at: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fedsync.follows.MAX_HEARD_OF", 2)
    at.follow_limit = 0
    scopes = [Scope(bytes([number]) * 16) for number in (1, 2, 3)]
    bodies = [PageId(bytes([number]) * 32) for number in (1, 2, 3)]
    at.begin()
    for scope, body in zip(scopes, bodies, strict=True):
        assert not at.follow(scope, body, None, "announced", BY)
    at.settle()
    at.commit()
    # The first that was heard of had to go: what peers announce takes no more room than that.
    assert perform(at, "ask_for", {"body": bodies[0].hex()}) == {"followed": False}
    assert perform(at, "ask_for", {"body": bodies[2].hex()})["followed"]
    held = at.store.followed.get(scopes[2])
    assert held is not None
    assert (held.body, held.source) == (bodies[2], "asked")


def test_no_peer_has_a_node_follow_what_its_operator_let_go_or_more_than_its_operator_asked_for(
    at: Node,
) -> None:
    let_go, part = ((Scope(bytes([number]) * 16), PageId(bytes([number]) * 32)) for number in (1, 2))

    def announced() -> list[Extent | None]:
        at.begin()
        for scope, body in (let_go, part):
            at.follow(scope, body, None, "announced", BY, Extent.ALL)
        at.settle()
        at.commit()
        return [
            held.extent if (held := at.store.followed.get(scope)) else None for scope, _ in (let_go, part)
        ]

    for scope, body in (let_go, part):
        extent = int(Extent.BOOK)
        perform(at, "ask_for", {"body": body.hex(), "scope": scope.hex(), "extent": extent})
    assert announced() == [Extent.BOOK, Extent.BOOK]
    perform(at, "unfollow", {"scope": let_go[0].hex()})
    assert announced() == [None, Extent.BOOK]
    perform(at, "ask_for", {"body": let_go[1].hex(), "scope": let_go[0].hex()})
    assert announced() == [Extent.ALL, Extent.BOOK]


def test_of_bodies_that_nobody_is_known_to_follow_the_last_that_were_asked_for_are_sought(at: Node) -> None:
    bodies = [PageId(bytes([number]) * 32) for number in range(1, MAX_SOUGHT + 4)]
    for body in bodies:
        assert perform(at, "ask_for", {"body": body.hex()}) == {"followed": False}
    assert list(at.sought) == bodies[-MAX_SOUGHT:]


def test_peers_that_tell_of_more_of_one_body_after_another_do_not_keep_a_node_folding(at: Node) -> None:
    def tells(number: int, extent: Extent) -> bool:
        at.begin()
        told = at.follow(
            Scope(bytes([number]) * 16), PageId(bytes([number]) * 32), None, "announced", BY, extent
        )
        at.settle()
        at.commit()
        return told

    assert all(tells(number, Extent.BOOK) for number in range(1, 20))
    assert sum(tells(number, Extent.ALL) for number in range(1, 20)) == MAX_RAISED
    # What the operator asks for is folded whenever it is asked for.
    assert perform(at, "ask_for", {"body": "13" * 32, "scope": "13" * 16})["followed"]
    held = at.store.followed.get(Scope(b"\x13" * 16))
    assert held is not None
    assert held.extent is Extent.ALL


def test_a_node_that_falls_between_binding_anew_and_folding_folds_at_its_next_start(
    at: Node, source: Node
) -> None:
    oak = Scribe(source, "Oakfield", "Ann", "Ben")
    with node() as elsewhere:
        forged = Scribe(elsewhere, "Oakfield", "Mallory", "Trudy")
        at.begin()
        at.follow(oak.scope, forged.id, None, "announced", BY)
        at.settle()
        at.commit()
        bring_all(at, forged.blocks)
    at.begin()
    at.follow(oak.scope, oak.id, None, "peer", BY)
    at.settle()
    at.store.commit()
    again = Node(at.store, at.now)
    bring_all(again, oak.blocks)
    assert again.state_root() == source.state_root()
