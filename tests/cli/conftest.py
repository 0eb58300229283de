"""Homes for the tests of the command line."""

from pathlib import Path

import pytest

from tests.cli.calling import Place, found


@pytest.fixture
def node(home_dir: Path) -> Place:
    """Return a community's node: Ann, Ben and Cleo keep its book, and two of them must sign."""
    return found(home_dir)


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """Return a node for tests that only look: one sealed decision, one drafted, and potatoes in the granary."""
    place = found(tmp_path_factory.mktemp("shown") / "home")
    place.seal(place.propose("Oats", "We plant oats."), "Ann", "Ben", "Cleo")
    place.propose("Rye", "And rye.\nOn the north field.")
    place("stock", "add", "Potatoes", "12", "kg", "--store", "Granary", "--as", "Ann")
    return place
