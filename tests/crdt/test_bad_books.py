"""Books that make no sense: what becomes of them, and what `why` says. Nothing of it is refused or lost."""

from collections.abc import Callable

import pytest

from fedsync.crdt.books.book import bind
from fedsync.crdt.books.booktables import SOUND, status
from fedsync.crdt.books.consents import asked, is_proposal
from fedsync.crdt.books.minutes import current_epoch
from fedsync.crdt.books.tellers import Refuse, next_signature
from fedsync.crdt.view import Draft as StateDraft
from fedsync.crdt.why import why_page
from fedsync.records.codec import Value, pack
from fedsync.records.ids import PageId, payload_id
from fedsync.records.kinds.authority import parse_page
from fedsync.records.kinds.entries import EpochEntry, consent_digest
from tests.crdt.books import genesis, key, tag
from tests.crdt.community import Community, decision

Entry = dict[str, Value]


class Hills(Community):
    """A community, and on the same node bodies of bodies whose pages two people sign as sealers and delegates."""

    def __init__(self) -> None:
        super().__init__("Ann", "Ben", "Cem", k=2)
        self.oak = Community("Ola", "Per", "Quy", k=2, body="Oak", view=self.view)
        self.fen = Community("Una", "Vic", "Wim", k=2, body="Fen", view=self.view)

    def begin(self, name: str, entry: Entry) -> PageId:
        """Found a body and follow it."""
        page = self.carry({"body": None, "number": 0, "prev": None, "entries": [entry], "scope": tag(name)})
        draft = StateDraft(self.view)
        bind(draft, tag(name), page)
        self.view.commit(draft.changes)
        return page

    def epoch(self, name: str, level: int, *members: PageId, k: int = 2, **more: Value) -> Entry:
        """Return an epoch whose seats are bodies, sealed by two people."""
        sealers: list[Value] = [{"genesis": genesis(who, who, name).payload} for who in ("Ann", "Ben")]
        seats: list[Value] = [{"body": each} for each in members]
        return {
            "kind": "epoch", "name": name, "classification": "region", "level": level, "seats": seats, "k": k,
            "sealers": sealers, "w": 2, **more,
        }  # fmt: skip

    def next(self, body: PageId, *entries: Entry) -> PageId:
        """Draft page 1 of a body."""
        return self.carry({"body": body, "number": 1, "prev": body, "entries": list(entries)})

    def why(self, page: PageId) -> str:
        return "\n".join(why_page(self.view, page))

    def epoch_after(self, name: str, page: PageId) -> object:
        return current_epoch(self.view, tag(name), page)


@pytest.fixture
def hills() -> Hills:
    return Hills()


def seat(name: str, body: str = "Void") -> Value:
    return {"genesis": genesis(name, name, body).payload}


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"seats": [seat("Ann"), seat("Ann"), seat("Ben")]}, "a seat is named twice"),
        ({"sealers": [seat("Ann"), seat("Ann"), seat("Ben")], "w": 2}, "a sealer is named twice"),
        ({"repair": {"keys": [key("Rex"), key("Rex"), key("Sue")], "threshold": 2}}, "a repair key is named twice"),
        ({"k": 1}, "two such groups may share nobody"),
        ({"w": 9}, "there are only 3 sealers"),
        ({"seats": [{"body": bytes(32)}]}, "no body is of a lower level than 0"),
    ],
)  # fmt: skip
def test_a_body_that_begins_with_a_void_epoch_is_never_founded(
    hills: Hills, change: Entry, what: str
) -> None:
    entry: Entry = {
        "kind": "epoch", "name": "Void", "classification": "community", "level": 0, "k": 2,
        "seats": [seat(name) for name in ("Ann", "Ben", "Cem")], **change,
    }  # fmt: skip
    page0 = hills.begin("Void", entry)
    page1 = hills.next(page0, decision("Oats"))
    assert what in hills.why(page0)
    log = genesis("Ann", "Ann", "Void")
    hills.write("Ann", "signature", {"page": page1, "slot": page0, "round": 0}, log)
    assert hills.status(page1) == "drafted"
    assert "no sound epoch" in hills.why(page1)
    answer = next_signature(hills.view, page1, log.log)
    assert isinstance(answer, Refuse)
    assert answer.code == "no-epoch"


def test_of_two_books_with_one_tag_the_followed_one_counts(hills: Hills) -> None:
    other: Entry = {
        "kind": "epoch", "name": "False Mill", "classification": "community", "level": 0, "k": 1, "seats": [seat("Eve", "Mill")],
    }  # fmt: skip
    forged = hills.carry({"body": None, "number": 0, "prev": None, "entries": [other], "scope": hills.scope})
    after = hills.carry({"body": forged, "number": 1, "prev": forged, "entries": [decision("Mine")]})
    hills.write("Eve", "signature", {"page": after, "slot": forged, "round": 0})
    assert (hills.status(forged), hills.status(after)) == ("pending", "pending")
    assert "its founding tag is bound to another page 0" in hills.why(forged)
    assert "a page before it is not held yet" in hills.why(after)
    hills.seal(hills.propose(decision("Oats")), ["Ann", "Ben"])


def test_a_page_of_a_body_that_is_not_followed_waits(hills: Hills) -> None:
    page = hills.carry({
        "body": None, "number": 0, "prev": None, "scope": tag("Far"), "entries": [hills.epoch("Far", 1, hills.page0)],
    })  # fmt: skip
    assert hills.status(page) == "pending"
    assert "this node does not follow the body" in hills.why(page)


def test_of_rival_pages_the_sealed_one_displaces_the_other_and_what_builds_on_it(hills: Hills) -> None:
    first, rival = hills.propose(decision("Rye")), hills.propose(decision("Oats"))
    later = hills.carry({"body": hills.page0, "number": 2, "prev": rival, "entries": [decision("Mill")]})
    hills.seal(first, ["Ann", "Ben"])
    assert [hills.status(each) for each in (first, rival, later)] == ["sealed", "displaced", "displaced"]
    assert "a rival page was sealed in its place" in hills.why(rival)


# --- Levels


def test_bodies_never_sit_in_each_other(hills: Hills) -> None:
    valley = hills.begin("Valley", hills.epoch("Valley", 1, hills.page0, hills.oak.page0))
    world = hills.begin("World", hills.epoch("World", 2, valley, hills.fen.page0))
    turned = hills.next(valley, hills.epoch("Valley", 1, hills.page0, world))
    assert "bodies never sit in each other" in hills.why(turned)
    assert hills.view.get(SOUND, (turned,)) in (None, (0,))
    assert hills.epoch_after("Valley", turned) == hills.epoch_after("Valley", valley)


@pytest.mark.parametrize(
    ("member", "what"),
    [
        (
            lambda hills: hills.begin("Ridge", hills.epoch("Ridge", 1, hills.page0, k=1)),
            "a body of level 1, and this one is of level 1",
        ),
        (lambda hills: hills.propose(decision("Rye")), "no body's first page"),
    ],
)
def test_a_seat_for_what_is_no_lower_body_makes_an_epoch_void(
    hills: Hills, member: Callable[[Hills], PageId], what: str
) -> None:
    valley = hills.begin("Valley", hills.epoch("Valley", 1, hills.page0, member(hills)))
    page = hills.next(valley, decision("A bridge"))
    assert what in hills.why(valley)
    assert "no sound epoch" in hills.why(page)


def test_an_epoch_waits_for_the_first_page_of_a_body_with_a_seat(hills: Hills) -> None:
    ridge: Value = {
        "body": None, "number": 0, "prev": None, "scope": tag("Ridge"),
        "entries": [hills.epoch("Ridge", 1, hills.page0, k=1)],
    }  # fmt: skip
    world = hills.begin("World", hills.epoch("World", 2, PageId(payload_id(pack(ridge))), hills.oak.page0))
    page = hills.next(world, decision("A bridge"))
    hills.write("Ann", "signature", {"page": page, "slot": world, "round": 0}, genesis("Ann", "Ann", "World"))
    assert "waits" in hills.why(page)
    assert hills.epoch_after("World", world) is None
    hills.carry(ridge)
    assert hills.epoch_after("World", world) is not None


# --- Consents


def proposed(hills: Hills) -> tuple[PageId, PageId, Entry]:
    """Return a region of two, a page that proposes a third, and its epoch."""
    valley = hills.begin("Valley", hills.epoch("Valley", 1, hills.page0, hills.oak.page0))
    entry = hills.epoch("Valley", 1, hills.page0, hills.oak.page0, hills.fen.page0)
    return valley, hills.next(valley, entry), entry


def to(valley: PageId, entry: Entry) -> Entry:
    """Return a consent to an epoch."""
    found = parse_page({"body": valley, "number": 1, "prev": valley, "entries": [entry]}).epoch
    assert found is not None
    assert isinstance(found[1], EpochEntry)
    return {"kind": "consent", "body": valley, "to": consent_digest(valley, found[1])}


def consented(at: Community, valley: PageId, entry: Entry, *names: str) -> PageId:
    page = at.propose(to(valley, entry))
    at.seal(page, names)
    return page


def test_a_proposal_is_told_from_what_was_consented_to(hills: Hills) -> None:
    valley, page, entry = proposed(hills)
    assert is_proposal(hills.view, page)
    found = asked(hills.view, page)
    assert found is not None
    assert (found.needed, len(found.silent), found.certified) == (2, 3, ())
    ours = consented(hills, valley, entry, "Ann", "Ben")
    theirs = consented(hills.fen, valley, entry, "Una", "Vic")
    found = asked(hills.view, page)
    assert found is not None
    assert found.certified == tuple(sorted((ours, theirs)))
    final = hills.next(valley, {**entry, "consents": [ours, theirs]})
    assert not is_proposal(hills.view, final)
    after = hills.epoch_after("Valley", final)
    assert after is not None
    assert after.n == 3  # type: ignore[attr-defined]


def test_a_consent_counts_once_a_body_and_only_for_this_very_epoch(hills: Hills) -> None:
    valley, _, entry = proposed(hills)
    ours = consented(hills, valley, entry, "Ann", "Ben")
    again = consented(hills, valley, entry, "Ann", "Ben")
    other = consented(hills.fen, valley, {**entry, "k": 3}, "Una", "Vic")
    before = hills.epoch_after("Valley", valley)
    for consents in ([ours], [ours, again], [ours, other], [ours, valley], []):
        listed: list[Value] = list(consents)
        page = hills.next(valley, {**entry, "consents": listed})
        assert is_proposal(hills.view, page), consents
        assert "must consent by their own books" in hills.why(page)
        assert hills.epoch_after("Valley", page) == before


def test_an_epoch_waits_until_its_consents_are_certified(hills: Hills) -> None:
    valley, _, entry = proposed(hills)
    ours = consented(hills, valley, entry, "Ann", "Ben")
    theirs = hills.fen.propose(to(valley, entry))
    page = hills.next(valley, {**entry, "consents": [ours, theirs]})
    assert hills.epoch_after("Valley", page) is None
    assert not is_proposal(hills.view, page)
    assert "Not certified yet" in hills.why(page)
    hills.fen.seal(theirs, ["Una", "Vic"])
    at = status(hills.view, tag("Fen"), theirs)
    assert at is not None
    assert at.certified
    assert hills.epoch_after("Valley", page) is not None
