"""The demo: that it shows what it says, and that it leaves nothing behind. Starts real daemons, in temporary homes."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fedsync.config import Address
from fedsync.demo.board import lacking, level
from fedsync.demo.community import Community, Held
from fedsync.demo.regions import LAST_MONTH, first_regions
from fedsync.errors import Problem
from fedsync.home import Home
from tests.cli.calling import fedsync

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 90


def words(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fedsync.cli.main", *map(str, arguments)]


def around(temporary: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}


def run(temporary: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(*arguments), env=around(temporary), capture_output=True, text=True, timeout=SECONDS
    )


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A demo of four nodes that were kept: where, and what it said."""
    where = tmp_path_factory.mktemp("demo") / "kept"
    done = run(where.parent, "demo", "--nodes", 4, "--keep", where, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return where, told


def test_it_ends_with_one_state_and_says_how_it_came_there(shown: tuple[Path, dict[str, Any]]) -> None:
    _, told = shown
    assert (told["ok"], told["converged"], told["nodes"]) == (True, True, 4)
    assert told["seconds"] < 60
    phases = {each["name"]: each for each in told["phases"]}
    assert list(phases) == ["founded", "started", "joined", "together", "cut", "healed"]
    for name in ("together", "healed"):
        assert {each["lacks"] for each in phases[name]["nodes"]} == {0}
        assert len({each["state_root"] for each in phases[name]["nodes"]}) == 1
    healed = phases["healed"]["nodes"]
    assert {each["records"] for each in healed} == {told["records"]}
    assert {each["state_root"] for each in healed} == {told["state_root"]}
    # Two decisions of each community are in force at every node.
    assert {each["decisions"] for each in healed} == {8}


def test_the_cut_parts_the_line_into_two_sides_that_both_go_on(shown: tuple[Path, dict[str, Any]]) -> None:
    _, told = shown
    before, cut = (
        next(p for p in told["phases"] if p["name"] == name)["nodes"] for name in ("together", "cut")
    )
    roots = [each["state_root"] for each in cut]
    assert roots[0] == roots[1] != roots[2] == roots[3]
    assert all(each["lacks"] > 0 for each in cut)
    assert all(now["records"] > then["records"] for now, then in zip(cut, before, strict=True))


def test_what_was_kept_can_be_looked_into_without_a_daemon(shown: tuple[Path, dict[str, Any]]) -> None:
    where, told = shown
    assert told["homes"] == [str(where / name) for name in ("abruzzo", "basilicata", "calabria", "campania")]
    for home in told["homes"]:
        status = json.loads(run(where.parent, "--home", home, "status", "--json").stdout)
        assert (status["running"], status["state_root"]) == (False, told["state_root"])
    stock = json.loads(
        run(where.parent, "--home", told["homes"][0], "stock", "list", "--body", "all", "--json").stdout
    )
    assert {row["body"] for row in stock["stock"]} == {"Abruzzo", "Basilicata", "Calabria", "Campania"}


def test_people_see_a_board_the_sources_and_what_to_type_next(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--nodes", 2)
    assert done.returncode == 0, done.stderr
    for said in (
        "The link Abruzzo -- Basilicata is cut.",
        "COMMUNITY    RECORDS   LACKS   DECISIONS   STATE",
        "All 2 hold the same",
        "CC BY 4.0",
        "fedsync demo --keep DIR",
    ):
        assert said in done.stdout
    assert list(tmp_path.iterdir()) == []


def test_a_federation_that_does_not_become_the_same_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.demo.story.CONVERGE_SECONDS", 0.0)
    done = fedsync("demo", "--nodes", 2, "--json")
    assert done.code == 1
    assert (done.json["ok"], done.json["converged"], done.json["state_root"]) == (False, False, None)
    done = fedsync("demo", "--nodes", 2)
    assert done.code == 1
    assert "FAILED" in done.out


@pytest.mark.parametrize("nodes", [1, 22])
def test_a_number_of_nodes_that_makes_no_demo_is_wrong_usage(nodes: int, tmp_path: Path) -> None:
    assert run(tmp_path, "demo", "--nodes", nodes).returncode == 2


def test_a_directory_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("dear")
    assert run(tmp_path, "demo", "--keep", tmp_path).returncode == 2
    assert [each.name for each in tmp_path.iterdir()] == ["letter"]


# --- It leaves nothing behind -----------------------------------------------------------------------------


@contextmanager
def running_demo(temporary: Path) -> Iterator[tuple[subprocess.Popen[str], list[int]]]:
    """Give a demo whose daemons run, and a descriptor for each daemon that is readable when it has ended."""
    demo = subprocess.Popen(
        words("demo", "--nodes", 3),
        env=around(temporary),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    watched: list[int] = []
    try:
        assert demo.stdout is not None
        for line in demo.stdout:
            if line.startswith("Founded, started and joined"):
                break
        watched = [os.pidfd_open(pid) for pid in daemons(temporary)]
        assert len(watched) == 3
        yield demo, watched
    finally:
        demo.kill()
        demo.communicate(timeout=SECONDS)
        for descriptor in watched:
            os.close(descriptor)


def daemons(temporary: Path) -> list[int]:
    """Return the processes whose home lies in this directory."""
    found = []
    for each in Path("/proc").iterdir():
        try:
            said = (each / "cmdline").read_bytes() if each.name.isdigit() else b""
        except OSError:
            continue
        if b"--home\0" + os.fsencode(temporary) in said:
            found.append(int(each.name))
    return found


def all_end(watched: list[int]) -> bool:
    return all(select.select([each], [], [], SECONDS)[0] for each in watched)


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_demo_stops_its_daemons_and_removes_its_homes(
    ending: signal.Signals, tmp_path: Path
) -> None:
    with running_demo(tmp_path) as (demo, watched):
        demo.send_signal(ending)
        demo.communicate(timeout=SECONDS)
        assert demo.returncode == 130
        assert all_end(watched)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent died")
def test_a_killed_demo_takes_its_daemons_with_it(tmp_path: Path) -> None:
    with running_demo(tmp_path) as (demo, watched):
        demo.kill()
        assert all_end(watched)


def test_a_daemon_that_ends_is_said_with_its_last_words(tmp_path: Path) -> None:
    community = Community("Nowhere", Home(tmp_path), Address("127.0.0.1", 1))
    community.start()
    try:
        with pytest.raises(Problem, match=r"The daemon of Nowhere has ended: .*fedsync init"):
            community.await_ready()
    finally:
        community.stopped()


# --- What it tells ----------------------------------------------------------------------------------------


def test_every_region_has_something_to_say_on_both_sides_of_the_cut() -> None:
    every = first_regions(21)
    assert len({region.name for region in every}) == 21
    assert all(region.before and region.during for region in every)
    assert sum(len(region.before) + len(region.during) for region in every) == 13_809
    titles = [each.title for region in every for each in region.decisions]
    assert len(set(titles)) == len(titles) == 42
    assert LAST_MONTH.month == 12


def test_nodes_are_level_only_with_all_that_was_written_and_one_state() -> None:
    one, other = Held(10, 4, 1, b"s"), Held(10, 6, 1, b"s")
    assert level([one, other])
    assert lacking([one, other]) == [0, 0]
    assert not level([one, replace(other, state=b"t")])
    assert not level([one, replace(other, own=7)])
    assert lacking([one, replace(other, own=7)]) == [1, 1]
