"""What a scenario may ask for has bounds: too much is refused with its line, and nothing that a file says breaks the reader."""

import tomllib
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fedsync.sim.bounds import LONGEST_S, MAX_HOURS, MAX_NAME, MAX_NODES, MAX_OFF_S, MAX_TEXT
from fedsync.sim.form import BadScenario, told
from fedsync.sim.run import simulate
from fedsync.sim.scenario import read

WHOLE: Final = """\
name = "All of it"
about = "Each field there is."
nodes = 8
storm = "1 h"
calm = "10 min"
commit = "30 ms"
checking = "1 ms"
signatures = "stub"
region = 3
world = false
syndicates = 0
scopes = false
quiet_bytes = 20_000
copies = 2.0
must = ["pushed"]
[links]
shape = "ring"
more = 2
delay = "50 ms"
rate = 100_000
loss = 0.1
reorder = 0.1
duplicate = 0.1
redial = "5 s"
brief = false
announced = false
callers = 0.0
[links.bursts]
every = "5 min"
lasts = "10 s"
loss = 0.8
[links.windows]
every = "1 h"
open = "10 min"
[work]
stock = "1 min"
goods = "2 min"
decisions = "3 min"
regions = "4 min"
local = 0.2
[trouble]
cut_every = "1 min"
cut_lasts = "1 min"
crash_every = "1 min"
crash_lasts = "1 min"
fork_every = "1 min"
restore_every = "10 min"
recall_every = "1 min"
misdeed_every = "1 min"
move_every = "0 s"
introduce_every = "0 s"
late = 0.1
leave = 0.1
[clocks]
off = "30 y"
share = 0.5
[[partition]]
begins = "5 min"
ends = "10 min"
share = 0.4
[shares]
author = 300
body = 400
[[liars]]
kind = "junk"
count = 1
"""
LINES: Final = WHOLE.splitlines()
FIELDS: Final = {at: line.partition(" = ")[0] for at, line in enumerate(LINES, 1) if " = " in line}
"""Each field by its line."""
TABLES: Final = (
    "links",
    "work",
    "trouble",
    "partition",
    "clocks",
    "liars",
    "crowd",
    "shares",
    "relays",
    "bursts",
    "windows",
)
CHOSEN: Final = WHOLE.replace('"ring"\nmore = 2', '"overlay"').replace(
    '[links.windows]\nevery = "1 h"\nopen = "10 min"\n', ""
)
CROWDED: Final = CHOSEN.replace('redial = "5 s"\n', "")
NUMBERS: Final = (
    "nodes",
    "region",
    "syndicates",
    "quiet_bytes",
    "copies",
    "more",
    "rate",
    "count",
    "author",
    "body",
    "callers",
)
SHARES: Final = ("loss", "reorder", "duplicate", "local", "late", "leave", "share")
SPANS: Final = {
    at: name for at, name in FIELDS.items() if tomllib.loads(LINES[at - 1])[name] and LINES[at - 1][-2].isalpha()
    and name not in ("name", "signatures", "shape", "kind", "must")
}  # fmt: skip
"""The fields that are times."""


def with_line(at: int, value: str) -> str:
    """Return the whole scenario with another value on a line."""
    return "\n".join([*LINES[: at - 1], f"{FIELDS[at]} = {value}", *LINES[at:]])


def complaint(text: str) -> BadScenario | None:
    """Return what is said of a text; None when it is read."""
    try:
        read(text)
    except BadScenario as found:
        return found
    return None


def refused(text: str) -> BadScenario:
    with pytest.raises(BadScenario) as found:
        read(text)
    return found.value


def test_the_whole_scenario_says_every_field_there_is() -> None:
    for header in (
        "name = ",
        "[links]",
        "[links.bursts]",
        "[links.windows]",
        "[work]",
        "[trouble]",
        "[clocks]",
        "[shares]",
    ):
        at = next(at for at, line in enumerate(LINES) if line.startswith(header))
        text = "\n".join([*LINES[: at + 1], "zzz = 1", *LINES[at + 1 :]])
        known = str(refused(text)).rpartition("; there are ")[2].split(", ")
        assert len(known) >= 2
        # A profile is a word, beside which most of the others may not stand.
        assert {f"{name} = " for name in known if name not in (*TABLES, "profile")} <= {
            f"{name} = " for name in FIELDS.values()
        }


def test_what_fails_counts_among_what_happens_whatever_it_is() -> None:
    for at, name in FIELDS.items():
        if name.endswith("_every"):
            long = with_line(at, '"1 s"').replace('storm = "1 h"', 'storm = "1 y"')
            if name in ("move_every", "introduce_every"):
                # Only where nodes learn from books where others are.
                long = long.replace('"ring"\nmore = 2', '"overlay"').replace(
                    "announced = false", "announced = true"
                )
                long = long.replace('[links.windows]\nevery = "1 h"\nopen = "10 min"\n', "")
            assert f"{name} alone makes" in str(refused(long))


def test_every_time_has_a_longest() -> None:
    for at, name in SPANS.items():
        for value in ("999999999999999 y", f"{'9' * 400} d"):
            found = refused(with_line(at, f'"{value}"'))
            assert (found.line, found.field) == (at, name)
            assert f"{name} is at most " in str(found)


def test_every_number_has_a_largest() -> None:
    numbers = {at: name for at, name in FIELDS.items() if name in NUMBERS + SHARES}
    assert len(numbers) == 20
    for at, name in numbers.items():
        for value in ("1000000000000", "9" * 400, "1e300", "inf", "nan", "-1", "true"):
            found = refused(with_line(at, value))
            assert (found.line, found.field) == (at, name)


@pytest.mark.parametrize(
    ("field", "least"),
    [("stock", "1 s"), ("goods", "1 s"), ("regions", "1 s"), ("crash_every", "1 s"), ("cut_lasts", "10 ms")],
)
def test_what_would_happen_all_the_time_is_refused(field: str, least: str) -> None:
    at = next(at for at, name in FIELDS.items() if name == field)
    found = refused(with_line(at, '"0.0000001 s"'))
    assert found.line == at
    assert f"{field} is at least {least}" in str(found)


VALUES: Final = st.one_of(
    st.integers().map(str),
    st.integers(10**15, 10**40).map(str),
    st.floats().map(lambda number: repr(number)),
    st.from_regex(r"\A[0-9]{1,30}(\.[0-9]{1,30})? ?(ms|s|min|h|d|y)\Z").map(lambda text: f'"{text}"'),
    st.text(st.characters(codec="utf-8"), max_size=20).map(lambda text: f'"{text}"'),
    st.sampled_from(
        ["true", "false", "[]", "{}", "[[1]]", "{ a = 1 }", "1979-05-27", "9999-99-99", "[" * 5000, "9" * 5000, '""']
    ),
)  # fmt: skip
"""What somebody may have written in place of a value, also what is no TOML."""


@given(st.sampled_from(sorted(FIELDS)), VALUES)
def test_any_value_in_any_place_is_read_or_refused_with_its_line(at: int, value: str) -> None:
    text = with_line(at, value)
    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        refused(text)
        return
    found = complaint(text)
    # Where two fields do not go together, either may be to blame.
    assert found is None or (1 <= found.line <= len(LINES) and found.field)


@given(st.sampled_from(sorted(SPANS)), st.floats(1.0001, 1e6))
def test_a_time_above_its_bound_is_refused_and_one_at_its_bound_is_not_for_that(at: int, over: float) -> None:
    most = str(refused(with_line(at, '"999999999999999 y"'))).rpartition("at most ")[2]
    number, _, unit = most.partition(" ")
    found = refused(with_line(at, f'"{float(number) * over:.9f} {unit}"'))
    assert (found.line, str(found).endswith(f"at most {most}")) == (at, True)
    assert f"{SPANS[at]} is at most" not in str(complaint(with_line(at, f'"{most}"')))


@pytest.mark.parametrize(
    ("change", "to", "blamed", "said"),
    [
        ('shape = "ring"', 'shape = "mesh"', 'shape = "mesh"', "this lays 44,"),
        ("more = 2", "more = 20_000", "more = 20_000", "this lays 20,"),
        ('storm = "1 h"', 'storm = "10 y"', 'storm = "10 y"', "and that may be 10,000,000 at most"),
        ('stock = "1 min"', 'stock = "1 s"', 'stock = "1 s"', "stock alone makes 1,08"),
        (
            'redial = "5 s"\nbrief = false',
            'redial = "1 s"\nbrief = true',
            'redial = "1 s"',
            "redial alone makes",
        ),
    ],
)
def test_what_is_too_much_taken_together_is_refused_with_the_line_most_to_blame(
    change: str, to: str, blamed: str, said: str
) -> None:
    many = WHOLE.replace("nodes = 8", "nodes = 300").replace('"10 min"', '"2 h"', 1)
    assert read(many).nodes == 300
    text = many.replace(change, to)
    found = refused(text)
    assert said in str(found)
    assert text.splitlines()[found.line - 1] == blamed


def test_what_a_village_pours_out_counts_among_what_happens() -> None:
    pours = WHOLE.replace('"junk"', '"pour"')
    assert complaint(pours) is None
    assert "author alone makes 1,200,000" in str(
        refused(pours.replace("author = 300", "author = 100_000").replace("count = 1", "count = 2"))
    )


def test_many_tables_of_one_kind_are_bounded_together() -> None:
    crowds = CROWDED + '[[crowd]]\nkind = "echo"\ncount = 600\n' * 2
    found = refused(crowds)
    assert "all crowds together are 1,000 nodes at most, not 1,200" in str(found)
    assert crowds.splitlines()[found.line - 1] == "count = 600"
    assert "100 partitions at most" in str(
        refused(WHOLE + '[[partition]]\nbegins = "1 min"\nends = "2 min"\n' * 100)
    )


def test_a_table_within_braces_is_found_too() -> None:
    found = refused('name = "a"\nnodes = 2\nstorm = "1 h"\ncalm = "1 h"\nwork = { stock = "1 ms" }\n')
    assert (found.line, found.field) == (5, "stock")


def test_a_name_stands_on_one_line_and_a_file_is_no_heap() -> None:
    assert "on one line" in str(refused(WHOLE.replace("All of it", "All\\u0001of\\nit")))
    assert "on one line" in str(refused(WHOLE.replace("All of it", "a" * (MAX_NAME + 1))))
    assert "at most" in str(refused(WHOLE + "#" * MAX_TEXT))


def test_what_is_not_toml_is_said_whatever_the_reader_of_toml_raises() -> None:
    for value in ("9" * 5000, "[" * 5000, "9999-99-99"):
        assert "TOML" in str(refused(f"{WHOLE}[more]\nx = {value}\n"))


@pytest.mark.parametrize("seed", range(2))
def test_clocks_as_wrong_as_they_may_be_are_played(seed: int) -> None:
    most = told(MAX_OFF_S)
    text = f'name = "Far off"\nnodes = 3\nstorm = "2 min"\ncalm = "5 min"\n[work]\nstock = "20 s"\n[clocks]\noff = "{most}"\n'
    outcome = simulate(read(text), seed)
    assert outcome.good, outcome.faults


def test_a_bound_is_told_as_a_scenario_writes_it() -> None:
    assert (told(0.01), told(90.0), told(3600.0), told(LONGEST_S)) == ("10 ms", "1.5 min", "1 h", "10 y")
    assert (MAX_NODES, MAX_HOURS) == (1000, 10_000_000)
