"""The demo: that it shows what it says, and that it leaves nothing behind. Starts real daemons, in temporary homes."""

import json
import os
import select
import shlex
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fedsync.config import Address
from fedsync.data import members, roll_calls
from fedsync.demo.board import lacking, level
from fedsync.demo.community import Community, Held
from fedsync.demo.delegations import choose, players
from fedsync.demo.regions import LAST_MONTH, first_regions
from fedsync.demo.sitting import is_as_said
from fedsync.errors import Problem
from fedsync.home import Home
from tests.cli.calling import fedsync

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 300
"""A command that takes longer hangs, on a slow machine with other things to do."""


def words(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "fedsync.cli.main", *map(str, arguments)]


def around(temporary: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(temporary), "PYTHONUNBUFFERED": "1"}


def run(temporary: Path, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words(*arguments), env=around(temporary), capture_output=True, text=True, timeout=SECONDS
    )


@pytest.fixture(scope="module", params=[3, 7])
def shown(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, dict[str, Any]]:
    """A demo whose nodes were kept: where, and what it said."""
    where = tmp_path_factory.mktemp("demo") / "kept"
    done = run(where.parent, "demo", "--nodes", request.param, "--keep", where, "--json")
    assert done.returncode == 0, done.stderr
    told: dict[str, Any] = json.loads(done.stdout)
    return where, told


def test_it_ends_with_one_state_and_says_how_it_came_there(shown: tuple[Path, dict[str, Any]]) -> None:
    _, told = shown
    nodes = len(told["homes"])
    assert (told["ok"], told["converged"], told["nodes"]) == (True, True, nodes)
    assert 0 < told["seconds"] < SECONDS
    phases = {each["name"]: each for each in told["phases"]}
    assert list(phases) == [
        "founded", "started", "joined", "region", "together", "assembly", "cut", "healed",
    ]  # fmt: skip
    assert all(each["reached"] for each in told["phases"])
    for name in ("together", "healed"):
        assert {each["lacks"] for each in phases[name]["nodes"]} == {0}
        assert len({each["state_root"] for each in phases[name]["nodes"]}) == 1
    healed = phases["healed"]["nodes"]
    assert {each["records"] for each in healed} == {told["records"]}
    assert {each["state_root"] for each in healed} == {told["state_root"]}
    # Two decisions of each community are in force at every node.
    assert {each["decisions"] for each in healed} == {2 * nodes}


def test_the_cut_parts_the_line_into_two_sides_that_both_go_on(shown: tuple[Path, dict[str, Any]]) -> None:
    _, told = shown
    before, cut = (
        next(p for p in told["phases"] if p["name"] == name)["nodes"] for name in ("together", "cut")
    )
    roots, middle = [each["state_root"] for each in cut], told["nodes"] // 2
    one, other = set(roots[:middle]), set(roots[middle:])
    assert len(one) == len(other) == 1
    assert one != other
    assert all(each["lacks"] > 0 for each in cut)
    assert all(now["records"] > then["records"] for now, then in zip(cut, before, strict=True))


def test_what_was_kept_can_be_looked_into_without_a_daemon(shown: tuple[Path, dict[str, Any]]) -> None:
    where, told = shown
    names = [
        "abruzzo",
        "basilicata",
        "calabria",
        "campania",
        "emilia-romagna",
        "friuli-venezia-giulia",
        "lazio",
    ]
    assert told["homes"] == [str(where / name) for name in names[: told["nodes"]]]
    for home in told["homes"]:
        status = json.loads(run(where.parent, "--home", home, "status", "--json").stdout)
        assert (status["running"], status["state_root"]) == (False, told["state_root"])
    stock = json.loads(
        run(where.parent, "--home", told["homes"][0], "stock", "list", "--body", "all", "--json").stdout
    )
    assert {row["body"] for row in stock["stock"]} == {each["name"] for each in told["assembly"]["seats"]}


# --- The assembly -----------------------------------------------------------------------------------------


def test_the_outcomes_are_those_of_the_data(shown: tuple[Path, dict[str, Any]]) -> None:
    _, told = shown
    codes = {name: code for code, name in members().items()}
    played = [codes[each["plays"]] for each in told["assembly"]["seats"]]
    assert len(set(played)) == told["nodes"]
    questions = told["assembly"]["questions"]
    assert len(questions) == 3
    for each in (*questions, told["recall"]["again"]):
        (call,) = [call for call in roll_calls() if call.number == each["resolution"]]
        said, world = (
            Counter(ballots) for ballots in ([call.votes[code] for code in played], call.votes.values())
        )
        assert each["votes"] == {option: said[option] for option in ("yes", "no", "abstain")}
        assert each["outcome"] == ("yes" if said["yes"] > said["no"] else "no")
        assert each["outcome"] == ("yes" if world["yes"] > world["no"] else "no")
        assert each["data"]["votes"] == each["votes"]
        assert each["data"]["all_votes"] == {option: world[option] for option in each["votes"]}
        assert (each["equal"], each["page_status"]) == (True, "sealed")
    # What the nodes hold says the same as what was told of it.
    for home in told["homes"]:
        for each in questions:
            held = asked(home, "motions", "show", each["title"])
            assert [(one["outcome"], one["status"]) for one in held["results"]] == [
                (each["outcome"], "final")
            ]


def test_a_recalled_vote_is_void_on_all_nodes_and_what_was_final_stays_so(
    shown: tuple[Path, dict[str, Any]],
) -> None:
    _, told = shown
    recall, middle = told["recall"], told["nodes"] // 2
    seats = [each["name"] for each in told["assembly"]["seats"]]
    assert (recall["community"], recall["at"]) == (seats[middle - 1], seats[middle])
    assert (recall["cut"]["vote"], recall["cut"]["status"], recall["cut"]["outcome"]) == (
        "stands",
        "provisional",
        "yes",
    )
    assert recall["cut"]["final"] == [each["resolution"] for each in told["assembly"]["questions"]]
    assert [each["name"] for each in recall["nodes"]] == seats
    for each in recall["nodes"]:
        assert (each["vote"], each["reason"], each["outcome"]) == ("void", "recalled", None)
        assert each["final"] == recall["cut"]["final"]
    for home in told["homes"]:
        held = asked(home, "motions", "show", recall["title"])
        (vote,) = [
            one
            for seat in held["tallies"][0]["seats"]
            for one in seat["votes"]
            if one["id"] == recall["vote"]
        ]
        assert (vote["by"], vote["of"], vote["option"]) == ("Dana", recall["community"], "yes")
        assert (vote["status"], vote["reason"]) == ("void", "recalled")
        # The page that counted it, and the one that counts again, with her successor's vote.
        assert [each["outcome"] for each in held["results"]] == [None, "yes"]


@pytest.mark.parametrize(
    ("at", "otherwise"),
    [
        (("assembly", "questions", 0, "equal"), False),
        (("recall", "again", "equal"), False),
        (("recall", "cut", "vote"), "void"),
        (("recall", "cut", "status"), "final"),
        (("recall", "cut", "final"), []),
        (("recall", "nodes", -1, "vote"), "stands"),
        (("recall", "nodes", 0, "outcome"), "yes"),
        (("recall", "nodes", -1, "final"), []),
    ],
)
def test_what_is_not_as_it_was_said_is_noticed(
    shown: tuple[Path, dict[str, Any]], at: tuple[Any, ...], otherwise: object
) -> None:
    told = deepcopy(shown[1])
    assert is_as_said(told["assembly"]["questions"], told["recall"])
    *way, last = at
    place: Any = told
    for each in way:
        place = place[each]
    place[last] = otherwise
    assert not is_as_said(told["assembly"]["questions"], told["recall"])


def asked(home: str, *arguments: str) -> dict[str, Any]:
    done = fedsync("--home", home, *arguments, "--json")
    assert done.code == 0, done.err
    return done.json


def test_what_is_said_to_be_typed_next_can_be_typed(tmp_path: Path) -> None:
    where = tmp_path / "my demo"
    done = run(tmp_path, "demo", "--nodes", 2, "--keep", where)
    assert done.returncode == 0, done.stderr
    next_ = done.stdout.partition("What to type next:\n")[2].splitlines()
    lines = [line.strip() for line in next_ if line.startswith("  fedsync ")]
    assert len(lines) == 7
    *looks, runs = lines
    for line in looks:
        said = run(tmp_path, *shlex.split(line)[1:])
        assert (said.returncode, said.stderr) == (0, ""), line
        assert said.stdout
    daemon = subprocess.Popen(
        words(*shlex.split(runs)[1:]), env=around(tmp_path), stderr=subprocess.PIPE, text=True
    )
    try:
        assert daemon.stderr is not None
        assert any("running" in line for line in daemon.stderr)
    finally:
        daemon.terminate()
        daemon.communicate(timeout=SECONDS)
    assert daemon.returncode == 0


def test_people_see_a_board_the_sources_and_what_to_type_next(tmp_path: Path) -> None:
    done = run(tmp_path, "demo", "--nodes", 2)
    assert done.returncode == 0, done.stderr
    for said in (
        "The link Abruzzo -- Basilicata is cut.",
        "COMMUNITY    RECORDS   LACKS   DECISIONS   STATE",
        "All 2 hold the same",
        "Abruzzo as Argentina, Basilicata as United States",
        "Beyond the cut Abruzzo has recalled its delegate Dana",
        "Dana's vote is void on all 2 nodes",
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


def test_any_number_of_communities_has_roll_calls_that_fit_the_story() -> None:
    for number in range(2, 22):
        used = {each.title for region in first_regions(number) for each in region.decisions}
        near = number // 2
        agenda = choose(number, near, used)
        every = (*agenda.questions, agenda.last)
        assert len({each.title for each in every} - used) == 4
        assert all(each.outcome == each.world_outcome is not None for each in every)
        assert len(set(players(number))) == number
        # The last hangs on the one who is recalled, for the near side knows no other votes.
        ballots = Counter(agenda.last.ballots[near:])
        ballots[agenda.last.ballots[near - 1]] += 1
        with_it = ballots["yes"] - ballots["no"]
        ballots[agenda.last.ballots[near - 1]] -= 1
        assert with_it * (ballots["yes"] - ballots["no"]) <= 0 != with_it
