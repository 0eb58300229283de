"""How fresh what is held of another body is: what `bodies show`, `why`, `status` and certificates say of it."""

from pathlib import Path

import pytest

from fedsync.crdt.books.booktables import POSTS
from fedsync.doors import LocalDoor
from fedsync.reading import Reading, now_ms
from fedsync.records.ids import Key, PageId, Scope
from fedsync.store.freshness import Freshness, Seen, Told
from tests.acts.valley import Valley
from tests.cli.calling import Place

DAY = 24 * 3600 * 1000


@pytest.fixture(scope="module")
def valley(tmp_path_factory: pytest.TempPathFactory) -> Valley:
    made = Valley(tmp_path_factory.mktemp("valley"), "Oakfield", "Mill Lane")
    made.meet()
    made.enter("Mill Lane", [{"kind": "decision", "title": "A mill", "text": "Here."}])
    made.meet()
    return made


def place(valley: Valley) -> Place:
    return Place(valley.homes["Oakfield"].path)


def known(valley: Valley, known: Freshness) -> None:
    """Let Oakfield's node know so much of Mill Lane."""
    home = valley.homes["Oakfield"]
    door = LocalDoor(home, home.lock())
    try:
        with door.node.store.transaction() as store:
            store.freshness.put(mill(valley)[0], known)
    finally:
        door.close()


def mill(valley: Valley) -> tuple[Scope, PageId, Key]:
    with Reading.open(valley.homes["Mill Lane"]) as reading:
        own = reading.own()
        (node,) = {Key(bytes(key[2])) for key, _ in reading.view.scan(POSTS, (own.scope,))}  # type: ignore[arg-type]
        return own.scope, own.body, node


def shown(valley: Valley) -> list[str]:
    return place(valley)("bodies", "show", "Mill Lane").out.splitlines()


def test_of_a_body_that_was_never_met_it_says_that_nothing_is_known(valley: Valley) -> None:
    known(valley, Freshness())
    assert "  how fresh this is, is not known: no node of that body was met yet" in shown(valley)
    assert any(line.startswith("  signed: page 1 was its newest on 20") for line in shown(valley))
    assert place(valley).json("bodies", "show", "Mill Lane")["fresh"]["by"] == "unknown"
    assert place(valley).json("bodies", "show")["fresh"] is None


def test_it_says_when_this_node_was_level_with_the_bodys_own(valley: Valley) -> None:
    known(valley, Freshness(Seen(now_ms() - 3 * DAY - 5000, mill(valley)[2])))
    words = "ot recalled as of 3 d ago: then all was here that the node of Mill Lane held, which its own book names"
    assert f"  n{words}" in shown(valley)
    value = place(valley).json("bodies", "show", "Mill Lane")["fresh"]
    assert (value["by"], value["seen"]["node"], value["told"]) == ("seen", mill(valley)[2].hex(), None)
    for asked in ("Mill Lane/1", "Mill Lane", "Mill Lane/1:0"):
        explained = place(valley)("why", asked).out
        assert f"N{words}." in explained
        assert place(valley).json("why", asked)["fresh"]["by"] == "seen"


def test_a_peers_word_is_shown_as_such(valley: Valley) -> None:
    known(valley, Freshness(told=Told(now_ms() - 2 * 3600_000 - 5000, Key(b"p" * 32), 3)))
    line = "  not recalled as of 2 h ago by the word of 70707070 alone, which heard it over 2 more"
    assert line in shown(valley)


def test_what_was_noted_while_the_clock_stood_ahead_is_not_shown_as_fresh(valley: Valley) -> None:
    known(valley, Freshness(Seen(now_ms() + 9 * DAY, mill(valley)[2])))
    assert "  how fresh this is, is not known: this machine's clock was set back" in shown(valley)
    assert place(valley).json("bodies", "show", "Mill Lane")["fresh"]["clock_was_set_back"] is True


def test_status_names_what_was_not_heard_of_for_a_week(valley: Valley) -> None:
    known(valley, Freshness(Seen(now_ms() - 6 * DAY, mill(valley)[2])))
    assert "Not heard of" not in place(valley)("status").out
    assert place(valley).json("status")["stale"] == []
    known(valley, Freshness(Seen(now_ms() - 12 * DAY - 5000, mill(valley)[2])))
    line = "Not heard of for a week or more, so a recall there may be unknown here: Mill Lane (12 d ago)."
    assert line in place(valley)("status").out.splitlines()
    (row,) = place(valley).json("status")["stale"]
    assert row["name"] == "Mill Lane"


def test_a_certificate_says_as_of_when_its_page_was_the_newest(valley: Valley, tmp_path: Path) -> None:
    known(valley, Freshness(Seen(now_ms() - 3 * DAY - 5000, mill(valley)[2])))
    file = tmp_path / "certificate"
    made = place(valley)("bodies", "certificate", "Mill Lane", "--output", file).out
    assert "Not recalled as of 3 d ago" in made
    checked = place(valley)("bodies", "check", file).out
    assert "It was the newest page on 20" in checked
    assert "A recall after it is not seen here." in checked
    (proven,) = place(valley).json("bodies", "check", file)["proven"]
    assert proven["at"].startswith("20")
