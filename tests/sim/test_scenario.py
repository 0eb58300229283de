"""Scenario files: what they say is what is played, and what they must not say is refused with its line."""

import re
from dataclasses import fields as fields_of
from pathlib import Path

import pytest

from fedsync.sim.form import BadScenario
from fedsync.sim.rare import RARE
from fedsync.sim.scenario import (
    LIES,
    SHAPES,
    Bursts,
    Clocks,
    Crowd,
    Liars,
    Links,
    Pace,
    Partition,
    Scenario,
    Trouble,
    Windows,
    Work,
    read,
)
from fedsync.sim.shares import Limits

LEAST = 'name = "Two"\nnodes = 2\nstorm = "1 h"\ncalm = "10 min"\n'


def test_the_least_scenario_has_two_nodes_on_good_links_and_nothing_goes_wrong() -> None:
    found = read(LEAST)
    assert (found.nodes, found.storm, found.calm) == (2, 3600.0, 600.0)
    assert found.links.loss == 0
    assert not found.partitions
    assert not found.liars
    assert not found.must
    assert found.trouble.crash_every == found.work.stock == 0


def test_all_that_a_scenario_may_say_is_read() -> None:
    found = read(
        LEAST.replace("nodes = 2", "nodes = 9")
        + """
commit = "0.2 s"
must = ["fork", "crash"]
[links]
shape = "star"
loss = 0.5
bursts = { every = "1 min", lasts = "80 ms", loss = 1 }
[links.windows]
every = "2 h"
open = "5min"
[clocks]
off = "30 y"
[[partition]]
begins = "10 min"
ends = "0.5 h"
[[partition]]
begins = "0 s"
ends = "1 min"
share = 0.1
[[liars]]
kind = "flood"
count = 2
"""
    )
    assert found.pace.commit == 0.2
    assert found.must == ("fork", "crash")
    assert found.links.bursts == Bursts(60.0, 0.08, 1.0)
    assert found.links.windows == Windows(7200.0, 300.0)
    assert found.clocks.off == pytest.approx(946_728_000)
    assert found.partitions == (Partition(600.0, 1800.0, 0.5), Partition(0.0, 60.0, 0.1))
    assert found.liars == (Liars("flood", 2),)
    assert found.honest == 7


def test_who_pours_needs_a_share_that_is_taken() -> None:
    pours = LEAST.replace("nodes = 2", "nodes = 5") + '[[liars]]\nkind = "pour"\n'
    assert read(f"{pours}[shares]\nauthor = 300\nbody = 400\n").shares == Limits(300, 400)
    with pytest.raises(BadScenario, match=r"must say \[shares\]"):
        read(pours)


def test_how_often_blocks_come_is_asked_of_as_many_nodes_as_the_file_says_and_not_of_fewer() -> None:
    asks = LEAST.replace("nodes = 2", "nodes = 4") + "copies = 1.3\n"
    assert [read(asks, nodes).copies for nodes in (None, 5, 4, 3)] == [1.3, 1.3, 1.3, 0.0]


def test_with_sticks_nobody_lies_in_a_session() -> None:
    carried = (
        LEAST.replace("nodes = 2", "nodes = 3") + '[links]\nprofile = "USB"\n[[liars]]\nkind = "equivocate"\n'
    )
    assert read(carried).liars == (Liars("equivocate", 1),)
    with pytest.raises(BadScenario, match="who lies there is one of equivocate, pour"):
        read(carried.replace("equivocate", "withhold"))


def test_the_command_line_may_ask_for_another_number_of_nodes() -> None:
    assert read(LEAST, 5).nodes == 5
    with pytest.raises(BadScenario, match="from 2 to 1000 nodes"):
        read(LEAST, 1)


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        (
            "[links]\nlosss = 0.1",
            6,
            r"there is no field losss in \[links\]; there are bursts, windows, profile",
        ),
        ("speed = 3", 5, "there is no field speed; there are name, about"),
        ("speed = 3", 5, "there are .*, links, .*, crowd, shares, relays, must"),
        ("[links]\nloss = 2", 6, "loss is a number from 0 to 1"),
        ("copies = -1", 5, "copies is a number from 0 to 1000"),
        ('[[crowd]]\nkind = "echo"\ncount = 3', 5, "shape is overlay"),
        ("world = true", 5, "a world is of two regions or more|a world is of regions"),
        ("world = true\nregion = 2", 5, "a world is of two regions or more"),
        ("[links]\nannounced = true", 5, "announced is of an overlay"),
        ('[trouble]\nmove_every = "1 h"', 5, "who moves has to be found again"),
        ('[trouble]\nintroduce_every = "1 h"', 5, "who is introduced was not known before"),
        ("[links]\ncallers = 0.3", 6, "callers is of an overlay without a crowd"),
        ('[links]\nshape = "overlay"\ncallers = 0.6', 7, "callers is a number from 0 to 0.5"),
        (
            '[links]\nshape = "overlay"\ncallers = 0.3\n[[crowd]]\nkind = "echo"\ncount = 3',
            7,
            "callers is of an overlay without a crowd",
        ),
        (
            "[relays]\ncount = 1\nbytes_per_day = 9\npair_bytes_per_day = 9",
            5,
            r"relays carry for nodes that nobody can call: \[links\] must say callers",
        ),
        (
            '[links]\nshape = "overlay"\ncallers = 0.5\n[relays]\ncount = 0',
            9,
            "count is a whole number from 1 to 1000",
        ),
        (
            '[links]\nshape = "overlay"\ncallers = 0.5\n[relays]\ncount = 1\nbytes_per_day = "all"',
            10,
            "bytes_per_day is a whole number from 1",
        ),
        ("syndicates = 1", 5, "a syndicate is of communities of two regions or more"),
        ("syndicates = 1\nregion = 2", 5, "a syndicate is of communities of two regions or more"),
        ("syndicates = 17", 5, "syndicates is a whole number from 0 to 16"),
        (
            '[links]\nshape = "overlay"\n[[crowd]]\nkind = "echo"\ncount = 0',
            9,
            "count is a whole number from 1",
        ),
        ('[links]\nshape = "overlay"\nbrief = true', 6, "an overlay is of links that stand"),
        ('[links]\nshape = "overlay"\nmore = 3', 7, "there is no more beside it"),
        ('[links]\nredial = "1 min"\nshape = "overlay"', 6, "there is no redial beside it"),
        ('[work]\nregions = "1 h"', 6, "regions is of delegates to a region: the scenario must say region"),
        ('[trouble]\nrecall_every = "1 h"', 6, "recall_every is of delegates to a region"),
        ('[trouble]\nmisdeed_every = "1 h"', 6, "misdeed_every is of delegates to a region"),
        ("[links]\n\n# slow\ndelay = 3", 8, "delay is a time span"),
        ('[links]\ndelay = "3 parsecs"', 6, "delay is a time span"),
        ('[links]\nshape = "blob"', 6, "shape is one of line, ring"),
        ("[links]\nbrief = 1", 6, "brief is true or false"),
        ('[links]\nprofile = "FLAKY"\nrate = 100', 7, "FLAKY says itself how its links are"),
        ('[links]\nprofile = "RADIO"\nloss = 0.1', 7, "RADIO says itself how much is lost"),
        ('[links]\nprofile = "FLAKY"\nshape = "overlay"', 7, "an overlay is of streams"),
        ('[links]\nprofile = "string"', 6, "profile is one of"),
        ("[links]\nrate = true", 6, "rate is a whole number"),
        ("[links]\nbursts = 3", 6, r"bursts is a table: \[links.bursts\]"),
        ('[links.windows]\nevery = "1 h"', 5, r"\[links.windows\] must say open"),
        ('[links.windows]\nevery = "1 h"\nopen = "2 h"', 7, "less than the time"),
        (
            '[[partition]]\nbegins = "1 min"\nends = "2 min"\n[[partition]]\nbegins = "9 min"\nends = "2 min"',
            10,
            "ends after",
        ),
        ('[[partition]]\nbegins = "1 min"\nends = "2 h"', 5, "ends within the storm"),
        ('[[liars]]\nkind = "silent"', 6, "kind is one of withhold"),
        ('[[liars]]\nkind = "junk"', 5, "1 of 2 nodes lie, and at least two must not"),
        ('must = ["fork", "luck"]', 5, "must names 'luck'"),
        ("[trouble", 5, "this is not TOML"),
        ("nodes = 3", 5, "this is not TOML: Cannot overwrite a value"),
    ],
)
def test_what_makes_no_sense_is_refused_with_its_line(more: str, line: int, said: str) -> None:
    with pytest.raises(BadScenario, match=said) as refused:
        read(LEAST + more)
    assert refused.value.line == line


def test_what_must_be_said_is_asked_for() -> None:
    with pytest.raises(BadScenario, match="the scenario must say calm"):
        read(LEAST.replace("calm", "# calm"))


def test_the_docs_name_every_field_and_every_liar() -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "simulator.md").read_text("utf-8")
    page = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`]+)`", page))))
    fields = {
        each.name
        for table in (Links, Bursts, Windows, Work, Trouble, Partition, Clocks, Liars, Crowd, Pace)
        for each in fields_of(table)
    }
    assert fields <= told, fields - told
    outer = {each.name for each in fields_of(Scenario)}
    tables = {"links", "work", "trouble", "partitions", "clocks", "liars", "crowds", "pace"}
    assert outer - tables <= told, outer - tables - told
    assert set(LIES) <= told
    assert set(SHAPES) <= told


def test_whatever_happens_sometimes_a_scenario_that_ships_must_meet_and_each_must_meet_something() -> None:
    every = (Path(__file__).resolve().parents[2] / "scenarios").glob("*.toml")
    musts = {path.stem: read(path.read_text("utf-8")).must for path in every}
    assert not [name for name, must in musts.items() if not must]
    # What sessions send over the radio links that ship stays below what a carrier takes, so this is counted when it happens.
    assert set(RARE) - {each for must in musts.values() for each in must} == {"overfull"}
