"""`fedsync stock import`: all of a file or nothing of it, whatever happens."""

import os
import random
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fedsync import data
from tests.cli.calling import Place, command_line, environment, found, process

MAP = """
[columns]
item = "product"
quantity = "doses"
at = "date"
action = "what"
store = "region"

[defaults]
unit = "doses"
item = "unknown"

[actions]
receive = ["raise", "lower"]
consume = "consume"
"""
HEAD = "date,region,what,product,doses"


def files(node: Place, *lines: str, head: str = HEAD, columns: str = MAP) -> tuple[object, ...]:
    """Write a file and its map, and return the words that import it."""
    file, map_ = node.path.parent / "moves.csv", node.path.parent / "map.toml"
    file.write_text("\n".join([head, *lines, ""]), encoding="utf-8")
    map_.write_text(columns, encoding="utf-8")
    return ("stock", "import", file, "--columns", map_, "--as", "Ann")


GOOD = (
    "2026-01-01,Lazio,receive,Comirnaty,135",
    "2026-01-02,Lazio,consume,Comirnaty,-47",
    "2026-01-03,Lazio,receive,Comirnaty,-5",
)


def test_signed_numbers_become_movements(node: Place) -> None:
    value = node.json(*files(node, *GOOD))
    assert value["imported"] == 3
    assert value["made"] == ["store Lazio", "item Comirnaty"]
    assert node.level("Comirnaty", "Lazio")["on_hand"] == {"quantity": 83, "unit": "{dose}"}
    says = [line.partition("Ann: ")[2].split()[0] for line in node("log", "-n", 3).out.splitlines()]
    assert says == ["raise", "consume", "lower"]


def test_a_dry_run_says_what_would_be_written_and_writes_nothing(node: Place) -> None:
    before = node.json("status")
    words = files(node, *GOOD)
    value = node.json(*words, "--dry-run")
    assert value["lines"] == 3
    assert value["actions"] == {"raise": 1, "lower": 1, "consume": 1}
    assert (value["stores"], value["items"], value["wrong"]) == (["Lazio"], ["Comirnaty"], [])
    assert "3 lines would be written" in node(*words, "--dry-run").out
    assert node.json("status") == before


WRONG = {
    "2026-01-01,Lazio,receive,Comirnaty,x": ("quantity", "not a number"),
    "2026-01-01,Lazio,receive,Comirnaty,": ("quantity", "empty"),
    "2026-01-01,Lazio,receive,Comirnaty,1.5": ("quantity", "whole number"),
    "2026-01-01,Lazio,fly,Comirnaty,1": ("action", "no action fly"),
    "2026-01-01,Lazio,raise,Comirnaty,-1": ("action", "below zero"),
    "2026-01-01,Lazio,transfer,Comirnaty,1": ("action", "one store"),
    "2026-01-01,Lazio,,Comirnaty,1": ("action", "empty"),
    "yesterday,Lazio,receive,Comirnaty,1": ("at", "not a time"),
    "2999-01-01,Lazio,receive,Comirnaty,1": ("at", "tomorrow"),
    ",Lazio,receive,Comirnaty,1": ("at", "empty"),
    "2026-01-01,,receive,Comirnaty,1": ("store", "empty"),
    f"2026-01-01,{'x' * 201},receive,Comirnaty,1": ("store", "longer"),
    f"2026-01-01,Lazio,receive,{'x' * 201},1": ("item", "longer"),
    "2026-01-01,Lazio,receive,a\x1bb,1": ("item", "letter"),
    "2026-01-01,Lazio,receive,Comirnaty,1,2": ("line", "more cells"),
    "2026-01-01,Lazio": ("quantity", "empty"),
}


@pytest.mark.parametrize("line", WRONG)
def test_a_wrong_line_is_named_by_number_field_and_reason_and_nothing_is_written(
    node: Place, line: str
) -> None:
    field, reason = WRONG[line]
    before = node.json("status")
    words = files(node, GOOD[0], line, GOOD[1])
    result = node(*words, "--json", code=11).json
    assert result["error"]["code"] == "wrong_lines"
    (wrong,) = result["wrong"]
    assert (wrong["number"], wrong["field"]) == (3, field)
    assert reason in wrong["reason"]
    assert f"line 3, {field}:" in node(*words, code=11).err
    assert node.json(*words, "--dry-run")["wrong"] == [wrong]
    assert node.json("status") == before


def test_many_wrong_lines_still_make_five_lines_at_most(node: Place) -> None:
    words = files(node, *["2026-01-01,Lazio,receive,Comirnaty,x"] * 1000)
    error = node.refused(*words, code=11)
    assert "1,000 lines" in error["message"]
    assert len(node(*words, "--json", code=11).json["wrong"]) == 1000
    assert node(*words, "--dry-run").out.count("line ") == 20


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ("[columns]\nitem = ", "TOML"),
        ("", "neither a column nor a default says the item"),
        (MAP + "[other]\n", "[other]"),
        (MAP.replace('item = "product"', 'goods = "product"'), "goods"),
        (MAP.replace('"product"', "3"), "text in quotes"),
        (MAP.replace('"product"', '"produkt"'), "no column produkt"),
        (MAP.replace('["raise", "lower"]', '["raise", "lower", "use"]'), "receive"),
        (MAP.replace('["raise", "lower"]', "7"), "receive"),
        (MAP.replace('["raise", "lower"]', '["rise", "lower"]'), "rise"),
        ("columns = 3\n", "columns"),
        (MAP.replace("[actions]", "[actions.more]"), "actions"),
        (MAP.replace('unit = "doses"', 'unit = "4"'), "unit"),
    ],
)
def test_a_wrong_map_is_told_by_its_setting(node: Place, columns: str, said: str) -> None:
    error = node.refused(*files(node, *GOOD, columns=columns), code=2)
    assert said in error["message"]
    assert error["try"]


def test_files_as_table_programs_write_them_are_read(node: Place) -> None:
    words = files(node)
    file = Path(str(words[2]))
    file.write_bytes(
        b"\xef\xbb\xbf" + "\r\n".join([HEAD, '2026-01-01,"Trentino, Alto\nAdige".,receive,C,1']).encode()
    )
    node.refused(*words, code=11)
    file.write_bytes(
        b"\xef\xbb\xbf"
        + "\r\n".join([HEAD, '2026-01-01,"Trentino, ""Alto""",receive,Käse,"1 000"', ""]).encode()
    )
    assert node.json(*words)["imported"] == 1
    assert node.level("Käse", 'Trentino, "Alto"')["on_hand"]["quantity"] == 1000


def test_zeros_and_empty_cells_are_what_they_are(node: Place) -> None:
    lines = ("2026-01-01,Lazio,receive,C,0", "2026-01-02,Lazio,count,C,7", "", "2026-01-02,Lazio,consume,,0")
    assert node.json(*files(node, *lines))["imported"] == 3
    assert node.level("C", "Lazio")["on_hand"]["quantity"] == 7
    assert node.level("unknown", "Lazio")["on_hand"]["quantity"] == 0


@pytest.mark.parametrize("content", [b"\xff\xfe\x00", b"\x00", b"PK\x03\x04" + bytes(range(256)), b'a,"b\n'])
def test_what_is_no_csv_is_told(node: Place, content: bytes) -> None:
    words = files(node)
    Path(str(words[2])).write_bytes(content)
    node.refused(*words, code=2 if content == b"\x00" else 11)


def test_a_file_that_is_not_there_is_told(node: Place) -> None:
    words = list(files(node))
    for at, path in ((2, "/none.csv"), (4, "/none.toml"), (2, node.path), (4, node.path)):
        tried = [*words]
        tried[at] = path
        node.refused(*tried, code=2)


def test_an_empty_file_writes_nothing(node: Place) -> None:
    before = node.json("status")
    assert node.json(*files(node))["imported"] == 0
    assert node.json("status") == before


def test_the_same_movements_twice_are_refused_unless_meant(node: Place) -> None:
    node(*files(node, *GOOD))
    error = node.refused(*files(node, *GOOD), code=7)
    assert error["code"] == "taken_before"
    assert "--again" in error["try"]
    words = files(node, *GOOD)
    file = Path(str(words[2]))
    file.write_bytes(b"\xef\xbb\xbf" + file.read_bytes().replace(b"\n", b"\r\n"))
    node.refused(*words, code=7)
    assert node.level("Comirnaty", "Lazio")["on_hand"]["quantity"] == 83
    node(*words, "--again")
    assert node.level("Comirnaty", "Lazio")["on_hand"]["quantity"] == 166
    node(*files(node, *GOOD, "2026-02-01,Lazio,receive,Comirnaty,1"))


def test_an_import_that_was_refused_may_be_tried_again(node: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("fedsync.node.Node.settle", fail)
        node.refused(*files(node, *GOOD), code=1)
    assert node.json(*files(node, *GOOD))["imported"] == 3


# --- All of it ----------------------------------------------------------------------------------------


def italian(folder: Path) -> tuple[object, ...]:
    """Write all Italian movements as a CSV file; return the words that import it."""
    file, map_ = folder / "italy.csv", folder / "italy.toml"
    rows = [
        f"{each.day},{each.region},{each.action},{each.product},{each.delta}" for each in data.movements()
    ]
    file.write_text("\n".join([HEAD, *rows, ""]), encoding="utf-8")
    map_.write_text(MAP.replace("[actions]", '[actions]\nreturn = ["raise", "lower"]'), encoding="utf-8")
    return ("stock", "import", file, "--columns", map_, "--as", "Ann")


def italian_sums() -> dict[tuple[str, str], int]:
    """Return what lies where, added up one by one."""
    sums: Counter[tuple[str, str]] = Counter()
    for each in data.movements():
        sums[each.region, each.product or "unknown"] += each.delta
    return dict(sums)


def on_hand(node: Place) -> dict[tuple[str, str], int]:
    rows: list[dict[str, Any]] = node.json("stock", "list")["stock"]
    return {(row["store"], row["item"]): row["on_hand"]["quantity"] for row in rows}


def test_all_italian_movements_add_up(node: Place) -> None:
    assert node.json(*italian(node.path.parent))["imported"] == 13_809
    assert on_hand(node) == italian_sums()
    before = node.json("status")
    assert node.json("verify", "--all")["whole"]
    assert node.json("rebuild")["state_root"] == before["state_root"]


def test_an_import_killed_at_any_moment_is_there_wholly_or_not_at_all(home_dir: Path) -> None:
    node = found(home_dir)
    words = italian(home_dir.parent)
    sums = italian_sums()
    dice = random.Random(7)
    begun = time.monotonic()
    assert process("--home", home_dir, *words).code == 0
    takes = time.monotonic() - begun
    whole = 1
    for attempt in range(1, 11):
        node("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ben")
        running = subprocess.Popen(
            command_line("--home", home_dir, *words, "--again"), env=environment(), stdout=subprocess.DEVNULL
        )
        # Before the first fifth Python is still loading.
        try:
            running.wait(takes * dice.uniform(0.2, 1.1))
        except subprocess.TimeoutExpired:
            os.kill(running.pid, signal.SIGKILL)
            running.wait()
        now = on_hand(node)
        assert now.pop(("Granary", "Oats")) == 1_000 * attempt
        found_whole = now[("LAZ", "unknown")] // sums["LAZ", "unknown"] if now else 0
        assert found_whole in (whole, whole + 1), attempt
        assert found_whole > whole or running.returncode != 0
        whole = found_whole
        assert now == ({key: value * whole for key, value in sums.items()} if whole else {})
    assert node.json("verify", "--all")["whole"]
    root = node.json("status")["state_root"]
    assert node.json("rebuild")["state_root"] == root


def test_a_file_too_large_for_a_machine_is_told(node: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fedsync.acts.goods.importing.MAX_LINES", 2)
    assert "more than 2 lines" in node.refused(*files(node, *GOOD), code=11)["message"]


def test_bowls_of_a_place_are_taken_in_and_no_gram_is_lost_in_the_sum(node: Place) -> None:
    node(
        "stock",
        "unit",
        "add",
        "cup",
        "=",
        "10/3",
        "g",
        "--item",
        "Saffron",
        "--place",
        "Tamale",
        "--as",
        "Ann",
    )
    columns = """
[columns]
item = "product"
quantity = "amount"
unit = "unit"
at = "date"
place = "town"
lot = "lot"
[defaults]
action = "raise"
store = "Barn"
"""
    lines = [f"2026-01-0{day},Saffron,1,cups,tamale,L-7" for day in range(1, 10)]
    words = files(
        node,
        *lines,
        "2026-01-10,Saffron,1,cup,Accra,",
        head="date,product,amount,unit,town,lot",
        columns=columns,
    )
    assert (
        "line 11, unit: What cup of Saffron come to is known at Tamale, not at Accra"
        in node(*words, code=11).err
    )
    words = files(node, *lines, head="date,product,amount,unit,town,lot", columns=columns)
    assert node.json(*words)["imported"] == 9
    assert node.level("Saffron", "Barn")["on_hand"] == {"quantity": 30, "unit": "g"}
    rows = node.json("stock", "export")["rows"]
    assert [row["quantity"] for row in rows] == ["3", "4", "3"] * 3
    assert {(row["stated"], row["lot"]) for row in rows} == {("1 cups", "L-7")}
