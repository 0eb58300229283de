"""How fresh what is held of a body is: what counts, what is only told, and clocks that are wrong."""

from collections.abc import Iterator

import pytest

from fedsync.daemon.freshening import MINUTE_MS, Freshening
from fedsync.gossip.events import Peer
from fedsync.gossip.following import Following, Row, pack_rows
from fedsync.gossip.hearsay import Hint
from fedsync.node import Node
from fedsync.recency import SLACK_MS, Stated, stated
from fedsync.records.ids import Extent, Key, LogClass, PageId
from fedsync.records.seal import Draft
from fedsync.store.freshness import Freshness, Seen, Told
from tests.nodes import HOUR, NOON, Scribe, node

DAY = 24 * HOUR
MILL, OTHER = Peer(b"m" * 32), Peer(b"o" * 32)


class House:
    """A node that follows Mill Lane, a community whose people say that MILL is its node; its clock is ours to set."""

    def __init__(self, at: Node) -> None:
        self.node, self.clock = at, NOON
        self.mill = Scribe(at, "Mill Lane", "Ann", "Ben", "Cleo")
        post: dict[str, object] = {"role": "node", "key": bytes(MILL), "incarnation": b"i" * 16}
        self.mill.write("Ann", LogClass.AUTHORITY, Draft("post", post, NOON))  # type: ignore[arg-type]
        self.freshening = self.start()

    def start(self) -> Freshening:
        self.freshening = Freshening(self.node.store.freshness.all(), None, lambda: self.clock)
        return self.freshening

    def following(self, extent: Extent = Extent.ALL) -> Following:
        return Following(pack_rows([Row(self.mill.scope, self.mill.id, extent)]))

    def level(self, peer: Peer, *hints: Hint, following: Following | None = None) -> None:
        self.freshening.level(peer, following or self.following(), hints)
        with self.node.store.transaction():
            self.freshening.keep(self.node, self.freshening.take())

    @property
    def says(self) -> Stated:
        return stated(self.node.store, self.node.state, self.mill.scope, self.clock)


@pytest.fixture
def house() -> Iterator[House]:
    with node() as at:
        yield House(at)


def test_level_with_a_node_of_the_body_is_seen_and_grows_older(house: House) -> None:
    assert (house.says.as_of, house.says.by) == (None, "unknown")
    house.level(MILL)
    house.clock += 3 * DAY
    assert (house.says.as_of, house.says.by) == (NOON, "seen")
    house.start()
    assert house.says.seen == Seen(NOON, Key(MILL))
    assert house.freshening.hints() == [Hint(house.mill.scope, 3 * 24 * 60, 0)]


def test_level_with_somebody_elses_node_says_nothing_of_the_body(house: House) -> None:
    house.level(OTHER)
    assert house.says.as_of is None
    assert house.freshening.hints() == []


def test_a_node_of_the_body_that_does_not_follow_it_or_another_of_its_tag_says_nothing(house: House) -> None:
    house.level(MILL, following=Following())
    house.level(MILL, following=Following(pack_rows([Row(house.mill.scope, b"x" * 32, Extent.ALL)])))
    assert house.says.as_of is None


def test_what_a_peer_tells_is_told_as_its_word_and_passed_on_as_hearsay(house: House) -> None:
    house.level(OTHER, Hint(house.mill.scope, 60, 2))
    assert house.says.by == "told"
    assert house.says.told == Told(NOON - 60 * MINUTE_MS, Key(OTHER), 3)
    assert house.freshening.hints() == [Hint(house.mill.scope, 60, 3)]


def test_a_liar_that_says_just_now_is_named_and_takes_nothing_away_from_what_was_seen(house: House) -> None:
    house.level(MILL)
    house.clock += 5 * DAY
    house.level(OTHER, Hint(house.mill.scope, 0))
    assert house.says.by == "told"
    assert house.says.told == Told(house.clock, Key(OTHER), 1)
    assert house.says.seen == Seen(NOON, Key(MILL))


def test_an_older_word_does_not_take_the_place_of_a_newer_one(house: House) -> None:
    house.level(OTHER, Hint(house.mill.scope, 60))
    before = house.says
    house.level(MILL, Hint(house.mill.scope, 600), Hint(house.mill.scope, 60))
    assert house.says.told == before.told


def test_a_word_older_than_time_itself_is_no_word(house: House) -> None:
    house.level(OTHER, Hint(house.mill.scope, 2**62))
    assert house.says.as_of is None


def test_of_our_own_body_nobody_tells_us_anything(house: House) -> None:
    house.freshening = Freshening({}, house.mill.scope, lambda: house.clock)
    house.level(OTHER, Hint(house.mill.scope, 0))
    assert house.freshening.known == {}


def test_nothing_is_told_as_fresher_than_it_is_by_a_part_of_a_minute(house: House) -> None:
    house.level(MILL)
    house.clock += 1
    assert house.freshening.hints() == [Hint(house.mill.scope, 1, 0)]
    house.clock = NOON + MINUTE_MS
    assert house.freshening.hints() == [Hint(house.mill.scope, 1, 0)]


# --- Clocks that are wrong


def test_a_clock_that_was_set_back_makes_what_was_noted_worthless_and_it_says_so(house: House) -> None:
    house.level(MILL, Hint(house.mill.scope, 1))
    house.clock -= 30 * DAY
    assert (house.says.as_of, house.says.by, house.says.clock) == (None, "unknown", True)
    assert house.freshening.hints() == []
    house.level(MILL)
    assert (house.says.as_of, house.says.by) == (house.clock, "seen")


def test_a_clock_that_is_set_back_by_some_minutes_is_nothing_to_speak_of(house: House) -> None:
    house.level(MILL)
    house.clock -= SLACK_MS
    assert house.says.by == "seen"


def test_a_node_that_starts_in_1970_never_shows_anything_fresher_than_it_is(house: House) -> None:
    house.clock = 3 * HOUR
    house.level(MILL, Hint(house.mill.scope, 24 * 60))
    assert house.says.as_of == 3 * HOUR
    house.clock = NOON
    assert house.says.as_of == 3 * HOUR
    assert house.says.told is None


def test_a_word_noted_while_the_clock_stood_ahead_gives_way_to_the_next(house: House) -> None:
    house.clock = NOON + 365 * DAY
    house.level(OTHER, Hint(house.mill.scope, 5))
    house.clock = NOON
    house.level(OTHER, Hint(house.mill.scope, 600))
    assert house.says.told == Told(NOON - 600 * MINUTE_MS, Key(OTHER), 1)


def test_what_is_signed_is_told_by_the_sealers_clocks_whatever_ours_says(house: House) -> None:
    house.mill.decide("A mill", "Ann", "Ben")
    for clock in (0, NOON, NOON + 1000 * DAY):
        house.clock = clock
        signed = house.says.signed
        assert signed is not None
        assert (signed.number, signed.time) == (1, NOON)


def test_a_body_of_which_nothing_came_has_nothing_signed(house: House) -> None:
    assert stated(house.node.store, house.node.state, PageId(b"z" * 32)[:16], NOON).signed is None  # type: ignore[arg-type]
    assert house.says.signed is not None
    assert house.says.signed.time is None


def test_what_is_kept_of_a_body_survives_news_of_another_kind(house: House) -> None:
    house.level(OTHER, Hint(house.mill.scope, 60))
    house.level(MILL)
    assert house.node.store.freshness.get(house.mill.scope) == Freshness(
        Seen(NOON, Key(MILL)), Told(NOON - 60 * MINUTE_MS, Key(OTHER), 1)
    )
