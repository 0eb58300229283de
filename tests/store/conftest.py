"""A store in a directory of its own."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fedsync.store.store import Store
from tests.store.authors import new_store


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "store.sqlite"


@pytest.fixture
def store(path: Path) -> Iterator[Store]:
    with new_store(path) as made:
        yield made
