"""Bodies told by short names: whoever follows one too knows it, and nobody else learns which it is."""

from contextlib import suppress
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.gossip import tellings
from fedsync.gossip.acquaintance import Acquaintance
from fedsync.gossip.aliases import Aliases, Naming, alias, news, read_answer, read_names, unpack
from fedsync.gossip.following import Following, Row, common, followed, pack_rows
from fedsync.gossip.limits import ALIAS_BYTES, MAX_ASKED, MAX_BODIES, MAX_GAPS, MAX_INQUIRIES, MAX_MESSAGE
from fedsync.gossip.listing import Salt
from fedsync.gossip.memory import Memory
from fedsync.gossip.messages import BadMessage, Bodies, Hello, These, Which, decode, encode
from fedsync.gossip.peer_memory import PeerMemory
from fedsync.gossip.sharing import Sharing
from fedsync.gossip.trees import Trees
from fedsync.records.ids import Extent, Scope
from tests.gossip.telling import SALT, tells

BODIES = [(Scope(bytes((number,)) * 16), bytes((number,)) * 32) for number in range(12)]
rows = st.builds(
    lambda body, extent, near: Row(body[0], body[1], extent, near),
    st.sampled_from(BODIES),
    st.sampled_from(Extent),
    st.booleans(),
)
followings = st.lists(rows, max_size=12, unique_by=lambda row: row.scope).map(
    lambda found: Following(pack_rows(found))
)


# --- Names ----------------------------------------------------------------------------------------------


@given(followings, followings)
def test_what_is_known_of_what_a_peer_tells_is_what_both_follow_as_the_peer_does(
    mine: Following, theirs: Following
) -> None:
    found = Naming(mine, SALT).known(Naming(theirs, SALT).told)
    here = {row.scope for row in mine.rows}
    assert b"".join(sorted(found)) == pack_rows(row for row in theirs.rows if row.scope in here)


@given(followings, followings)
def test_what_both_follow_goes_as_far_as_both_do(mine: Following, theirs: Following) -> None:
    twin = [
        Row(here.scope, here.body, min(here.extent, there.extent), here.near and there.near)
        for here in mine.rows
        for there in theirs.rows
        if here.scope == there.scope
    ]
    assert common(mine, theirs).data == pack_rows(twin)


@given(followings, followings, st.randoms())
def test_news_in_any_order_make_of_what_was_told_what_is(
    told: Following, now: Following, dice: Random
) -> None:
    pages, heard = news(SALT, told, now), Naming(told, SALT).told
    assert pages is not None
    dice.shuffle(pages)
    for page in pages:
        heard = heard.with_page(page)
    assert heard.data == Naming(now, SALT).told.data
    assert heard.digest == Naming(now, SALT).told.digest


@given(st.lists(st.tuples(followings, st.integers(0, 12), st.integers(0, 12)), max_size=12))
def test_pages_in_any_order_come_to_what_each_alias_was_last_told(
    told: list[tuple[Following, int, int]],
) -> None:
    names = sorted(alias(SALT, *body) for body in BODIES)
    edges = [b"", *names]
    words: dict[bytes, bytes] = {}
    heard = Aliases(SALT, gaps=((b"", b""),))
    for following, one, other in told:
        first, end = edges[one], edges[other]
        if end and end <= first:
            continue
        lines = [
            each for each in Naming(following, SALT).told.lines() if first <= each and (not end or each < end)
        ]
        page = Bodies(SALT, first, end, b"".join(lines))
        heard = heard.with_page(page)
        assert heard.with_page(page) is heard, "said twice, it changes nothing"
        for name in names:
            if first <= name and (not end or name < end):
                words[name] = next((each for each in lines if alias_of(each) == name), b"")
    assert heard.data == b"".join(sorted(words.values()))
    assert [heard.knows(name) for name in names] == [name in words for name in names]
    assert not heard.whole or unpack(heard.pack()).data == heard.data


def alias_of(line: bytes) -> bytes:
    return line[:-1] + bytes((line[-1] & 0xF8,))


def many(count: int, seed: int = 1) -> Following:
    dice = Random(seed)
    return followed(
        (Scope(dice.randbytes(16)), dice.randbytes(32), dice.choice(list(Extent))) for _ in range(count)
    )


@pytest.mark.parametrize("count", [0, 1, 1000, MAX_BODIES])
def test_ten_thousand_bodies_are_told_in_frames_and_come_as_they_are(count: int) -> None:
    naming, heard = Naming(many(count), SALT), Aliases(b"")
    pages = naming.told.pages()
    Random(2).shuffle(pages)
    for page in pages:
        frame = encode(page)
        assert len(frame) <= MAX_MESSAGE
        said = decode(frame)
        assert isinstance(said, Bodies)
        heard = heard.with_page(said)
    assert heard.whole
    assert heard.digest == naming.told.digest
    assert len(heard.data) == count * ALIAS_BYTES
    assert b"".join(sorted(naming.known(heard))) == naming.following.data


def test_what_changed_among_thousands_is_told_in_a_few_bytes() -> None:
    before = many(5000)
    changed = list(before.rows)
    changed[17] = changed[17]._replace(near=False)
    del changed[4000]
    pages = news(SALT, before, Following(pack_rows(changed)))
    assert pages is not None
    assert sum(len(encode(page)) for page in pages) < 100
    assert news(SALT, before, many(5000, 2)) is None, "then all anew costs less"


LAST = ALIAS_BYTES - 1
NAME, NEXT = bytes(LAST) + b"\x08", bytes(LAST) + b"\x10"


@pytest.mark.parametrize(
    "page",
    [
        Bodies(SALT, b"", b"", NAME[:3]),
        Bodies(SALT, b"", b"", bytes(LAST) + b"\x0b" + bytes(LAST) + b"\x0f"),
        Bodies(SALT, NEXT, b"", bytes(LAST) + b"\x0b"),
        Bodies(SALT, b"", NAME, bytes(LAST) + b"\x0b"),
        Bodies(SALT, NAME, NAME, b""),
        Bodies(SALT, b"", b"", NAME),
        Bodies(SALT, b"", b"", bytes(LAST) + b"\x0c"),
        Bodies(SALT, b"ali1", b"", b""),
    ],
    ids=[
        "cut off",
        "twice",
        "below",
        "above",
        "of nothing",
        "to no extent",
        "to none, but near",
        "from no alias",
    ],
)
def test_what_is_no_page_is_refused(page: Bodies) -> None:
    with pytest.raises(BadMessage):
        Aliases(b"").with_page(page)


def test_more_bodies_than_a_node_may_follow_are_refused() -> None:
    *pages, last = Naming(many(MAX_BODIES + 1), SALT).told.pages()
    heard = Aliases(b"")
    for page in pages:
        heard = heard.with_page(page)
    with pytest.raises(BadMessage):
        heard.with_page(last)


def test_pages_that_leave_gaps_without_end_are_passed_over() -> None:
    heard = Aliases(b"")
    for number in range(1, 4 * MAX_GAPS, 2):
        at, end = (each.to_bytes(ALIAS_BYTES, "big") for each in (8 * number, 8 * number + 8))
        heard = heard.with_page(Bodies(SALT, at, end, at[:LAST] + bytes((at[LAST] | 3,))))
    assert len(heard.gaps) == MAX_GAPS
    assert heard.with_page(Bodies(SALT, b"", b"", b"")).whole


@given(st.binary(max_size=200))
def test_any_bytes_are_names_and_bodies_or_refused(data: bytes) -> None:
    with suppress(BadMessage):
        assert b"".join(read_names(data)) == data
    with suppress(BadMessage):
        assert b"".join(scope + body for scope, body in read_answer(data)) == data
    with suppress(BadMessage):
        assert Aliases(b"").with_page(Bodies(SALT, b"", b"", data)).data == data


# --- Two sides ------------------------------------------------------------------------------------------


class Side:
    """One side of a session: what it follows, and what it knows of the other."""

    def __init__(self, name: bytes, curious: bool = False) -> None:
        self.memory, self.kept = Memory(name * 8), PeerMemory()
        self.curious, self.sharing = curious, Sharing(Trees(self.memory), curious)
        self.salt = Salt(b"", b"")
        self.knows = Acquaintance(self.sharing, None, None, self.salt)

    def follow(self, *numbers: int, extent: Extent = Extent.ALL) -> None:
        for number in numbers:
            self.memory.follow(*BODIES[number], extent)

    def follows(self) -> Following:
        return self.knows.mine


def meet(one: Side, other: Side, nonce: bytes = b"n") -> list[Bodies]:
    """Let both say HELLO and what follows from it, as over a new link; return what was told."""
    for side in (one, other):
        side.salt = Salt(b"", b"")
        side.knows = Acquaintance(side.sharing, side.kept, None, side.salt)
    hellos = [side.knows.hello(1, nonce * 8, 0, bytes(16)) for side in (one, other)]
    tell = [one.knows.greet(hellos[1]), other.knows.greet(hellos[0])]
    told: list[Bodies] = []
    for side in (one, other):
        side.salt.agree(nonce, nonce)
    for side, peer, must in ((one, other, tell[0]), (other, one, tell[1])):
        for page in side.knows.tell() if must else ():
            peer.knows.hear(page)
            told.append(page)
    return told


def news_of(one: Side, other: Side) -> int:
    """Let one tell the other what has changed of what it follows; return how many bytes that took."""
    pages = one.knows.tell_news()
    for page in pages:
        other.knows.hear(page)
    return sum(len(encode(page)) for page in pages)


def agree(one: Side, other: Side) -> bool:
    """Say whether both know the same of each other, and let them remember it then."""
    same = one.knows.both(True) == other.knows.both(False)
    if same:
        for side, peer in ((one, other), (other, one)):
            side.knows.agreed()
            side.kept = side.knows.remember(peer.memory.journal()[1], (), False) or side.kept
    return same


def know_each_other(one: Side, other: Side) -> bool:
    """The naive twin: each knows of the other what both follow, and nothing that the other does not."""
    return all(
        common(side.follows(), side.knows.bodies).data == common(side.follows(), peer.follows()).data
        and set(side.knows.bodies.lines()) <= set(peer.follows().lines())
        for side, peer in ((one, other), (other, one))
    )


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("follow"), st.integers(0, 1), st.integers(0, 11), st.sampled_from(Extent)),
        st.tuples(st.just("unfollow"), st.integers(0, 1), st.integers(0, 11), st.just(Extent.ALL)),
        st.tuples(
            st.sampled_from(["meet", "news", "again", "forget"]),
            st.integers(0, 1),
            st.just(0),
            st.just(Extent.ALL),
        ),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_changes_on_either_side_and_whoever_forgets_both_know_what_both_follow(
    steps: list[tuple[str, int, int, Extent]],
) -> None:
    sides = Side(b"1"), Side(b"2")
    for number, (what, who, body, extent) in enumerate([*steps, ("meet", 0, 0, Extent.ALL)]):
        side, other = sides[who], sides[1 - who]
        match what:
            case "follow":
                side.memory.follow(*BODIES[body], extent)
            case "unfollow":
                side.memory.unfollow(BODIES[body][0])
            case "forget":
                side.kept = PeerMemory()
            case "again":
                for page in side.knows.tell() if number and other.knows.heard else ():
                    other.knows.hear(page)
            case "meet":
                meet(*sides, b"%d" % (number % 10))
                assert know_each_other(*sides)
            case _:
                if side.knows.heard and other.knows.heard:
                    for each, peer in ((side, other), (other, side)):
                        news_of(each, peer)
                    assert know_each_other(*sides)
                    assert agree(*sides)
        if what == "meet":
            assert agree(*sides)


def test_who_follows_the_same_is_told_nothing_and_news_of_it_are_short() -> None:
    one, other = Side(b"1"), Side(b"2")
    for side in (one, other):
        for row in many(1000).rows:
            side.memory.follow(*row[:3])
    assert meet(one, other) == []
    assert agree(one, other)
    one.follow(3)
    assert news_of(one, other) < 40
    assert agree(one, other)
    assert one.knows.bodies.get(BODIES[3][0]) is None
    # The other follows it too by now: what it was told before counts, though it knew no such body then.
    other.follow(3)
    assert news_of(other, one) < 40
    assert agree(one, other)
    assert one.knows.bodies.data == other.knows.bodies.data == one.follows().data


def test_a_name_that_was_told_before_counts_once_its_body_is_followed_and_after_a_new_start_too() -> None:
    one, other = Side(b"1"), Side(b"2")
    one.follow(1, 2, 3, 4)
    other.follow(3)
    meet(one, other)
    assert agree(one, other)
    assert other.knows.bodies.get(BODIES[1][0]) is None
    other.follow(1)
    assert other.knows.bodies.get(BODIES[1][0]) is not None
    other.follow(2)
    told = meet(one, other, b"m")
    assert [page.salt for page in told] == [other.salt.root(b"bodies\1")], "only who changed tells anew"
    assert other.knows.bodies.get(BODIES[2][0]) is not None
    assert agree(one, other)
    assert meet(one, other, b"o") == []
    assert agree(one, other)


def test_a_wrong_match_is_gone_when_all_is_told_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody ground for a body that has, under one salt, the name of another."""
    one, other = Side(b"1"), Side(b"2")
    one.follow(1, 5)
    other.follow(2, 5)
    for page in meet(one, other):
        other.knows.hear(page)
    wrong = alias(other.salt.root(b"bodies\1"), *BODIES[2])
    other.knows.hear(Bodies(other.salt.root(b"bodies\1"), b"", b"", wrong[:LAST] + bytes((wrong[LAST] | 7,))))
    assert other.knows.bodies.get(BODIES[2][0]) is not None
    assert not agree(one, other), "what one side told is not what the other heard"
    for page in one.knows.tell():
        other.knows.hear(page)
    assert other.knows.bodies.get(BODIES[2][0]) is None
    assert agree(one, other)


def test_bodies_of_which_two_have_one_name_are_told_under_another_salt(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one = Side(b"1")
    one.follow(1, 2)

    class Clashing(Naming):
        @property
        def clash(self) -> bool:
            return self.salt in unlucky

    unlucky = {tellings._salt(one.salt, number) for number in (1, 2)}
    monkeypatch.setattr("fedsync.gossip.sharing.Naming", Clashing)
    assert {page.salt for page in one.knows.tell()} == {tellings._salt(one.salt, 3)}


# --- Which these are ------------------------------------------------------------------------------------


def test_who_has_a_use_for_others_bodies_asks_which_they_are_and_nobody_else_does() -> None:
    one, other = Side(b"1", curious=True), Side(b"2")
    one.follow(1)
    other.follow(1, 2, 3, extent=Extent.BOOK)
    meet(one, other)
    assert other.knows.ask() == []
    (which,) = one.knows.ask()
    these = other.knows.answer(which)
    assert these is not None
    assert sorted(one.knows.learn(these)) == [Row(*BODIES[n], Extent.BOOK) for n in (2, 3)]
    assert one.knows.bodies.data == other.follows().data
    assert one.knows.ask() == []
    assert agree(one, other)
    # It is remembered, with what was asked for.
    meet(one, other, b"m")
    assert one.knows.bodies.data == other.follows().data
    assert one.knows.ask() == []


def test_who_does_not_answer_is_asked_a_few_times_and_again_when_it_tells_anew_or_in_the_next_session() -> (
    None
):
    one, other = Side(b"1", curious=True), Side(b"2")
    other.follow(*range(12))
    meet(one, other)
    asked = [one.knows.ask() for _ in range(MAX_INQUIRIES + 1)]
    assert [len(each) for each in asked] == [1] * MAX_INQUIRIES + [0]
    for page in other.knows.tell():
        one.knows.hear(page)
    assert [len(one.knows.ask()) for _ in range(MAX_INQUIRIES + 1)] == [1] * MAX_INQUIRIES + [0]
    meet(one, other, b"m")
    (which,) = one.knows.ask()
    these = other.knows.answer(which)
    assert these is not None
    assert len(one.knows.learn(these)) == 12


def test_an_answer_counts_only_for_what_was_told_and_asked() -> None:
    one, other = Side(b"1", curious=True), Side(b"2")
    other.follow(2)
    meet(one, other)
    body = These(b"".join(BODIES[2]))
    assert one.knows.learn(body) == [], "nobody asked"
    one.knows.ask()
    assert one.knows.learn(These(b"".join(BODIES[7]))) == [], "it told no such body"
    assert one.knows.learn(body) == [Row(*BODIES[2], Extent.ALL)]
    assert one.knows.learn(body) == [], "said before"


@pytest.mark.parametrize("same", [True, False], ids=["under one salt", "under others"])
def test_what_a_peer_took_back_is_not_kept_however_often_it_tells_of_others(
    monkeypatch: pytest.MonkeyPatch, same: bool
) -> None:
    monkeypatch.setattr(tellings, "MAX_BODIES", 8)
    one, other = Side(b"1", curious=True), Side(b"2")
    meet(one, other)
    for number in range(100):
        rows = [Row(Scope(b"%016d" % at), b"%032d" % at, Extent.ALL) for at in (2 * number, 2 * number + 1)]
        page = tells(*rows, salt=SALT if same else b"%08d" % number)
        one.knows.hear(page)
        for which in one.knows.ask():
            assert len(one.knows.learn(These(b"".join(row.scope + row.body for row in rows)))) == 2
            assert which.salt == page.salt
        assert one.knows.bodies.rows == tuple(rows)
    inward = one.knows._inward
    assert len(inward._asked) <= 2
    assert len(inward._learnt) <= 8 + 2


def test_two_bodies_of_one_founding_tag_are_no_harm() -> None:
    one, other = Side(b"1", curious=True), Side(b"2")
    one.follow(1)
    meet(one, other)
    (scope, body), liar = BODIES[1], b"liar" * 8
    one.knows.hear(
        Bodies(
            SALT,
            b"",
            b"",
            b"".join(sorted(tells(Row(scope, each, Extent.ALL)).data for each in (body, liar))),
        )
    )
    (which,) = one.knows.ask()
    assert which.names == alias(SALT, scope, liar)
    one.knows.learn(These(scope + liar))
    assert one.knows.bodies.rows == (Row(scope, body, Extent.ALL),)


def test_only_what_was_told_to_a_peer_is_told_it_in_full() -> None:
    one, other = Side(b"1"), Side(b"2")
    one.follow(1)
    other.follow(2)
    meet(one, other)
    salt = one.salt.root(b"bodies\1")
    assert one.knows.answer(Which(bytes(8), alias(bytes(8), *BODIES[1]))) is None
    assert one.knows.answer(Which(salt, alias(salt, *BODIES[5]))) == These(b"")
    assert one.knows.answer(Which(salt, alias(salt, *BODIES[1]))) == These(b"".join(BODIES[1]))
    with pytest.raises(BadMessage):
        one.knows.answer(Which(salt, b"short"))
    with pytest.raises(BadMessage):
        decode(encode(Which(salt, bytes(ALIAS_BYTES) * (MAX_ASKED + 1))))


def test_whoever_asks_or_tells_again_and_again_pays_for_each_name_that_is_worked_out_for_it() -> None:
    one, other = Side(b"1"), Side(b"2", curious=True)
    bodies = many(2000)
    for row in bodies.rows:
        one.memory.follow(*row[:3])
    for page in meet(one, other):
        for which in other.knows.ask() if page.salt else ():
            these = one.knows.answer(which)
            assert these is not None
            other.knows.learn(these)
    assert other.knows.bodies.data == bodies.data
    before = one.knows.costs.looked
    one.knows.answer(Which(page.salt, b""))
    assert one.knows.costs.looked - before == 2000 / 4
    before = other.knows.costs.looked
    other.knows.hear(Bodies(b"another.", b"", b"", b""))
    assert other.knows.costs.looked - before >= 2000 / 4
    before = one.knows.costs.looked
    one.knows.hear(Bodies(b"another.", b"", b"", b""))
    assert one.knows.costs.looked - before == 2000 / 4


def test_the_answer_to_the_longest_question_fits_a_message() -> None:
    assert len(encode(These(bytes(48) * MAX_ASKED))) <= MAX_MESSAGE


def test_a_hello_that_follows_nothing_known_is_met_by_all() -> None:
    one = Side(b"1")
    one.follow(1)
    assert one.knows.greet(Hello(1, b"j" * 8, 5, b"", 0, b"1" * 8, 0, bytes(16)))
    assert one.knows.hear(tells(Row(*BODIES[1], Extent.ALL))) == []
    assert one.knows.hear(tells(Row(*BODIES[1], Extent.ALL))) is None
