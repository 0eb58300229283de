"""A glance at the store says what Reading says, or leaves it to Reading."""

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from fedsync.crdt.goods.levels import TABLES
from fedsync.glance import Glance
from fedsync.home import Home
from fedsync.reading import Reading
from fedsync.records.ids import Scope
from tests.acts.copied import copied
from tests.cli.calling import Place, environment, found
from tests.cli.federation import Federation


def never(scope: Scope) -> str:
    raise AssertionError(f"what {scope.hex()} is called was to be seen at once")


def test_bodies_are_called_as_their_books_call_them(tmp_path: Path) -> None:
    valley = copied(Federation, tmp_path)
    home = valley.homes["Oakfield"]
    with Reading.open(home) as reading:
        asked: list[str] = []

        def slow(scope: Scope) -> str:
            asked.append(reading.name_of(scope))
            return asked[-1]

        glance = Glance.open(home, TABLES, slow)
        assert glance is not None
        with glance:
            assert glance.own() == reading.own()
            assert glance.body("mill lane") == reading.body("Mill Lane")
            scopes = [each.scope for each in reading.bodies.all()]
            assert len(scopes) == 5
            assert [glance.name_of(each) for each in scopes] == [reading.name_of(each) for each in scopes]
    # Whether a region's seats are bodies of a lower level is more than a glance can see.
    assert asked == ["Valley"]


def test_a_book_with_a_page_that_is_not_sealed_is_read_by_those_who_read_all_of_it(tmp_path: Path) -> None:
    valley = copied(Federation, tmp_path)
    place, home = valley.place(), valley.homes["Oakfield"]
    page = place.propose("Oats")
    for name in ("Ann", "Ben"):
        place("book", "sign", page, "--as", name, "--no-passphrase")
    if place.page(page)["status"] == "sealed":
        pytest.skip("it takes two words to seal")
    glance = Glance.open(home, TABLES, lambda scope: "slow")
    assert glance is not None
    with glance:
        assert glance.name_of(glance.own().scope) == "slow"


@pytest.fixture
def node(home_dir: Path) -> Place:
    return found(home_dir)


@pytest.mark.parametrize(
    "harm",
    [
        "UPDATE meta SET value = value - 1 WHERE key = 'state_version'",
        "DELETE FROM meta WHERE key = 'state_version'",
        "UPDATE meta SET value = value - 1 WHERE key = 'folded_upto'",
        "ALTER TABLE state_stock_balance RENAME COLUMN on_hand TO other",
        "PRAGMA user_version = 99",
        "PRAGMA application_id = 7",
    ],
)
def test_what_is_not_as_usual_is_left_to_those_with_words_for_it(node: Place, harm: str) -> None:
    home = Home(node.path)
    with closing(sqlite3.connect(home.store, isolation_level=None)) as file:
        for (view,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'view'").fetchall():
            file.execute(f"DROP VIEW {view}")
        file.execute(harm)
    assert Glance.open(home, TABLES, never) is None


def test_a_file_that_is_none_is_left_to_those_with_words_for_it(node: Place) -> None:
    home = Home(node.path)
    home.store.write_bytes(b"x" * 9_000)
    assert Glance.open(home, TABLES, never) is None
    assert Glance.open(Home(node.path / "none"), TABLES, never) is None


def test_a_list_of_stock_loads_neither_the_fold_nor_keys_nor_a_library_for_tables(node: Place) -> None:
    node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
    words = ["fedsync", "--home", str(node.path), "stock", "list"]
    code = f"import sys; sys.argv = {words}; from fedsync.cli.main import main\ntry: main()\nfinally: print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment(), capture_output=True, text=True, check=True
    )
    loaded = set(done.stdout.splitlines()[-1].split())
    assert "Oats" in done.stdout
    assert not loaded & {
        "rich",
        "cryptography",
        "trio",
        "sqlite_utils",
        "fedsync.crdt.fold",
        "fedsync.reading",
    }
