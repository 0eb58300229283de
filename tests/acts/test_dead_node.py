"""A node that had sealed for a page whose seats were recalled goes on with the rival, though another node is dead."""

from contextlib import closing
from pathlib import Path

from fedsync.acts.books import minutes
from fedsync.acts.books.bodies import found_body, founding_of
from fedsync.doors import LocalDoor
from fedsync.keyring import load_node_key
from fedsync.records.codec import Value
from fedsync.records.ed25519 import public_key
from fedsync.records.ids import PageId, Scope
from fedsync.sealing import seal_pages
from tests.acts.valley import Valley

NAMES = ("Oakfield", "Mill Lane", "Hill Farm", "Quarry")


def region(path: Path) -> tuple[Valley, PageId, Scope, dict[str, PageId]]:
    """Return four communities, three of which decide, and three of whose nodes seal; and who was sent."""
    valley = Valley(path, *NAMES)
    valley.meet()
    with valley.at("Oakfield") as (reading, door):
        members = [reading.body(each) for each in NAMES]
        founding = founding_of(reading, "Valley", "region", members, None, 3, 3)
        body, scope = found_body(valley.author("Oakfield"), reading, door, founding)
    valley.meet()
    sent = {name: valley.enter(name, [mandate(valley, name, "Cleo", body)]) for name in NAMES}
    valley.meet()
    return valley, body, scope, sent


def mandate(valley: Valley, at: str, holder: str, seat: PageId) -> dict[str, Value]:
    return {
        "kind": "mandate", "holder": valley.author(at, holder).key, "seat": seat, "instructions": {"*": "free"},
    }  # fmt: skip


def draft(valley: Valley, scope: Scope, title: str, name: str) -> PageId:
    """Let a delegate of Oakfield draft a page of the region."""
    decision: dict[str, Value] = {"kind": "decision", "title": title, "text": "So be it."}
    with valley.at("Oakfield") as (reading, door):
        page, _ = minutes.enter(valley.author("Oakfield", name), reading, door, scope, [decision])
    return page


def sign(valley: Valley, at: str, name: str, page: PageId) -> None:
    with valley.at(at) as (reading, door):
        minutes.sign(valley.author(at, name), reading, door, page)


def test_nodes_go_with_the_seats_when_a_recall_took_those_of_their_page(tmp_path: Path) -> None:
    valley, body, scope, sent = region(tmp_path)
    first = draft(valley, scope, "A bridge", "Cleo")
    for name in ("Hill Farm", "Mill Lane"):
        valley.meet("Oakfield", name)
        sign(valley, name, "Cleo", first)
        valley.meet("Oakfield", name)
    # Oakfield is the third: its node alone knows that there are enough. Then Hill Farm's node dies.
    sign(valley, "Oakfield", "Cleo", first)
    home = valley.homes["Oakfield"]
    with closing(LocalDoor(home, home.lock())) as door:
        seal_pages(door.node, load_node_key(home))
    (spoken,) = valley.page("Oakfield", first).rounds
    assert public_key(load_node_key(home)) in spoken.signed
    assert valley.page("Oakfield", first).status == "adopted"
    # Oakfield and Mill Lane recall their delegates, keep nothing that they did, and send Ben.
    for name in ("Oakfield", "Mill Lane"):
        recall: dict[str, Value] = {"kind": "recall", "mandate": [sent[name], 0], "cuts": []}
        valley.enter(name, [recall, mandate(valley, name, "Ben", body)])
    alive = ("Oakfield", "Mill Lane", "Quarry")
    valley.meet(*alive)
    assert valley.page("Oakfield", first).status == "drafted"
    second = draft(valley, scope, "A ferry", "Ben")
    sign(valley, "Oakfield", "Ben", second)
    valley.meet(*alive)
    sign(valley, "Mill Lane", "Ben", second)
    valley.meet(*alive)
    sign(valley, "Quarry", "Cleo", second)
    valley.meet(*alive)
    for name in alive:
        assert valley.page(name, second).status == "sealed"
    rounds = [each.number for each in valley.page("Quarry", second).rounds]
    assert rounds == [0, 1], "in round 0 Oakfield's node had signed the first page"
