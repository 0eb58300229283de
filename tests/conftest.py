"""What all tests share: how hard hypothesis tries, homes that touch nothing of whoever runs the tests, and that none
leaves anything to the next."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from fedsync.rebuilding import GC_THRESHOLDS
from tests import clocks
from tests.process import process

# Two cores shared with real daemons make single examples slow now and then; that is no finding.
_PATIENT = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
# Every day the same examples: who runs the tests learns of what was changed. `scripts/thorough` looks for others, and for long.
settings.register_profile("quick", _PATIENT, max_examples=60, derandomize=True)
# Hypothesis would be less random by itself where it finds that a CI runs it.
settings.register_profile("thorough", _PATIENT, max_examples=2000, derandomize=False)
LIVES_CPU_S = "seconds of CPU for small lives"
"""What each part of tests/sim/test_slices.py used."""
settings.load_profile(os.environ.get("FEDSYNC_TESTS", "quick"))


LONG = [
    "tests/sim/test_slices.py",
    "tests/sim/test_planted.py",
    "tests/test_sessions.py",
    "tests/sim/test_simulator.py",
    "tests/daemon/test_schedule.py",
    "tests/authority/test_small_worlds.py",
    "tests/daemon/test_urgent.py",
    "tests/authority/test_unga.py",
    "tests/test_demo.py",
    "tests/daemon/test_sticks.py",
    "tests/sim/test_nodes.py",
    "tests/daemon/test_cancelling.py",
    "tests/daemon/test_relay.py",
    "tests/daemon/test_relay_hostile.py",
    "tests/daemon/test_life.py",
    "tests/daemon/test_relay_cancelling.py",
    "tests/sim/test_stories.py",
    "tests/daemon/test_byways.py",
    "tests/stock/test_italy.py",
    "tests/gossip/test_overlay.py",
    "tests/authority/test_random_worlds.py",
]
"""The files that take longest, longest first. They begin the run: a long one at its end would leave the other core idle."""


def pytest_configure() -> None:
    """Let Ctrl-C end what tests start, also where these run in the background: there it is ignored, and a child inherits that."""
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_finish() -> None:
    """Let Python look for garbage as seldom as in a running node, and never in what all tests share."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first."""
    place = {name: at for at, name in enumerate(LONG)}
    items.sort(key=lambda item: place.get(item.nodeid.partition("::")[0], len(LONG)))


@pytest.fixture(autouse=True)
def _left_as_found() -> Iterator[None]:
    """Fail the test that leaves the process otherwise than it found it.

    Else another test fails for it, far away, and only where one process runs both: which files it runs is decided anew each time.
    """
    before = process()
    yield
    after = process()
    assert [name for name in before if before[name] != after[name]] == [], "left otherwise than found"


@pytest.fixture(autouse=True)
def _no_home_but_ours(
    _left_as_found: None, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keep tests away from the node of the person who runs them."""
    empty = tmp_path_factory.mktemp("home")
    monkeypatch.setenv("HOME", str(empty))
    monkeypatch.delenv("FEDSYNC_HOME", raising=False)
    # Colour and width of the terminal at hand must not change what a command prints.
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "120")


@pytest.fixture
def noon() -> Iterator[None]:
    """Let it be noon for a test, and for what it forks."""
    with clocks.noon():
        yield


@pytest.fixture
def home_dir(tmp_path: Path) -> Path:
    """Return a path where a home may be made; nothing is there yet."""
    return tmp_path / "home"


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what the small lives of the simulator took: it may be three minutes of a core each day."""
    told = [each for report in terminalreporter.stats.get("passed", []) for each in report.user_properties]
    spent = [value for name, value in told if name == LIVES_CPU_S]
    if spent:
        terminalreporter.write_line(f"small lives of the simulator: {sum(spent):.0f} s of CPU")
