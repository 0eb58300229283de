"""`fedsync stock export` and `import`: a round trip keeps exactly what was edited, and writes nothing else."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.calling import Place

Rows = list[dict[str, str]]
Edit = Callable[[Rows], object]


@pytest.fixture
def full(node: Place) -> Place:
    """Return a node with movements, counts, a lot, two stores, a loss, notes that look like formulas and bowls."""
    node("stock", "unit", "add", "bowl", "=", "8.75", "kg", "--item", "Millet", "--as", "Ann")
    for words in (
        ("add", "Oats", "12", "kg", "--store", "Barn", "--at", "2026-05-10T08:30:15Z", "--note", "=SUM(A1), \"so\""),
        ("use", "Oats", "2.5", "kg", "--store", "Barn", "--at", "2026-05-11", "--note", "'tis -"),
        ("count", "Oats", "9", "kg", "--store", "Barn", "--at", "2026-05-12T10:00Z"),
        ("move", "Oats", "1", "kg", "--from", "Barn", "--to", "Mill, upper", "--at", "2026-05-12T12:00Z"),
        ("add", "Milk", "3", "L", "--store", "Barn", "--lot", "007", "--expires", "2026-06-01", "--at", "2026-05-12T12:01Z"),
        ("lose", "Milk", "1", "L", "--store", "Barn", "--lot", "007", "--expires", "2026-06-01", "--reason", "spoiled", "--at", "2026-05-13"),
        ("add", "Millet", "3", "bowls", "--store", "Barn", "--at", "2026-05-13"),
    ):  # fmt: skip
        node("stock", *words, "--as", "Ann")
    return node


def export(node: Place, file: Path) -> Rows:
    node("stock", "export", file)
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))


def save(
    file: Path, rows: Rows, heads: list[str] | None = None, encoding: str = "utf-8", **form: object
) -> None:
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, heads or list(rows[0]), restval="", **form)  # type: ignore[arg-type]
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(text.getvalue().encode(encoding))


def edited(node: Place, tmp_path: Path, edit: Edit, *more: object) -> dict[str, object]:
    file = tmp_path / "stock.csv"
    rows = export(node, file)
    edit(rows)
    save(file, rows)
    return node.json("stock", "import", file, "--as", "Ann", *more)


def records(node: Place) -> list[str]:
    out = node("log", "-n", "1000", "--json").out
    return out.splitlines()


def test_what_nobody_touched_writes_nothing(full: Place, tmp_path: Path) -> None:
    before = records(full)
    value = edited(full, tmp_path, lambda rows: None)
    assert (value["new"], value["corrected"], value["same"], value["wrong"]) == (0, 0, 7, [])
    assert records(full) == before


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_nor_does_a_table_that_a_program_saved_in_its_own_way(
    full: Place, tmp_path: Path, delimiter: str, encoding: str
) -> None:
    file = tmp_path / "stock.csv"
    rows = export(full, file)
    for row in rows:
        row["at_utc"] = row["at_utc"].replace("T", " ").replace("Z", "")
        row["mine"] = "a column of my own"
    heads = ["note", "mine", *sorted(rows[0].keys() - {"note", "mine"})]
    save(file, rows, heads, encoding, delimiter=delimiter, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    value = full.json("stock", "import", file, "--as", "Ann")
    assert (value["new"], value["corrected"], value["same"]) == (0, 0, 7)


def test_no_cell_is_a_formula(full: Place, tmp_path: Path) -> None:
    for row in export(full, tmp_path / "stock.csv"):
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row.values())


def test_exactly_what_was_edited_is_corrected(full: Place, tmp_path: Path) -> None:
    def edit(rows: Rows) -> None:
        rows[0]["quantity"] = "10"
        rows[3]["to"] = "Cellar"
        rows[5]["note"] = "by the door"
        del rows[6]

    file = tmp_path / "stock.csv"
    rows = export(full, file)
    before = [dict(row) for row in rows]
    edit(rows)
    save(file, rows)
    said = full("stock", "import", file, "--as", "Ann", "--dry-run").out
    assert "line 2: 12 kg became 10 kg: would correct the movement of 2026-05-10, Oats in Barn" in said
    assert "line 5: to Mill, upper became Cellar: would correct the movement of 2026-05-12" in said
    assert "0 new, 3 corrected, 3 as they were." in said
    assert export(full, tmp_path / "again.csv") == before
    assert full.json("stock", "import", file, "--as", "Ann")["corrected"] == 3
    after = export(full, tmp_path / "again.csv")
    edit(before)
    for row, old in zip(after, before, strict=False):
        assert {**row, "id": ""} == {**old, "id": ""}
    assert after[6]["stated"] == "3 bowls"
    levels = {
        (row["store"], row["item"]): row["on_hand"]["quantity"] for row in full.json("stock", "list")["stock"]
    }
    assert levels["Cellar", "Oats"] == 1_000
    assert levels["Barn", "Oats"] == 8_000
    assert ("Mill, upper", "Oats") not in levels or levels["Mill, upper", "Oats"] == 0
    # What was taken in once is not taken in again.
    assert full.json("stock", "import", file, "--as", "Ann")["same"] == 6


def test_a_row_without_an_id_is_new_once(full: Place, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    rows = export(full, file)
    new = {
        "at_utc": "2026-05-14",
        "action": "raise",
        "item": "Rye",
        "quantity": "3,5",
        "unit": "kg",
        "store": "Loft",
        "note": "=x",
    }
    bowls = {
        "action": "consume",
        "item": "millet",
        "quantity": "2",
        "unit": "bowls",
        "store": "Barn",
        "at_utc": "2026-05-15",
    }
    counted = {
        "action": "count",
        "item": "Milk",
        "quantity": "2",
        "unit": "L",
        "store": "Barn",
        "lot": "'007",
        "at_utc": "2026-05-15",
    }
    save(file, [*rows, new, bowls, counted])
    said = full("stock", "import", file, "--as", "Ben", "--dry-run").out
    assert "line 9: new: would record raise 3,5 kg of Rye in Loft" in said
    value = full.json("stock", "import", file, "--as", "Ben")
    assert (value["new"], value["same"]) == (3, 7)
    assert full.level("Rye", "Loft")["on_hand"] == {"quantity": 3_500, "unit": "g"}
    after = export(full, tmp_path / "again.csv")
    assert [(row["item"], row["who"], row["stated"]) for row in after[7:]] == [
        ("Rye", "Ben", ""), ("Millet", "Ben", "2 bowls"), ("Milk", "Ben", "")
    ] or {row["item"] for row in after[7:]} == {"Rye", "Millet", "Milk"}  # fmt: skip
    again = full.json("stock", "import", file, "--as", "Ben")
    assert (again["new"], again["there"]) == (0, [9, 10, 11])
    assert full.json("stock", "import", file, "--as", "Ben", "--again")["new"] == 3


def test_a_row_that_is_gone_is_left_alone_unless_the_original_is_shown(full: Place, tmp_path: Path) -> None:
    original = tmp_path / "was.csv"
    export(full, original)
    value = edited(full, tmp_path, lambda rows: rows.pop(0))
    assert (value["corrected"], value["same"]) == (0, 6)
    said = full(
        "stock", "import", tmp_path / "stock.csv", "--removed", original, "--as", "Ann", "--dry-run"
    ).out
    assert "12 kg became 0 kg: would correct the movement of 2026-05-10" in said
    full("stock", "import", tmp_path / "stock.csv", "--removed", original, "--as", "Ann")
    assert export(full, tmp_path / "again.csv")[0]["quantity"] == "0"
    value = full.json("stock", "import", tmp_path / "stock.csv", "--removed", original, "--as", "Ann")
    assert value["corrected"] == 0


def test_a_count_is_mended_by_who_counted_and_by_nobody_else(full: Place, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    rows = export(full, file)
    rows[2]["quantity"] = "8"
    save(file, rows)
    error = full.refused("stock", "import", file, "--as", "Ben", code=11)
    assert "Ann counted that" in error["message"]
    full("stock", "import", file, "--as", "Ann")
    assert [row["quantity"] for row in export(full, file) if row["action"] == "count"] == ["8"]
    levels = full.json("stock", "list", "--store", "Barn")["stock"]
    assert [each["on_hand"]["quantity"] for each in levels if each["item"] == "Oats"] == [7_000]


def test_what_somebody_else_corrected_meanwhile_is_not_turned_back(full: Place, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    rows = export(full, file)
    other = [dict(row) for row in rows]
    other[0]["quantity"] = "11"
    save(file, other)
    full("stock", "import", file, "--as", "Ben")
    # Untouched rows of the older table change nothing back.
    save(file, rows)
    assert full.json("stock", "import", file, "--as", "Ann")["same"] == 7
    assert export(full, tmp_path / "now.csv")[0]["quantity"] == "11"
    rows[0]["quantity"] = "10"
    save(file, rows)
    assert (
        "line 2, id: somebody corrected it meanwhile"
        in full.refused("stock", "import", file, "--as", "Ann", code=11)["message"]
    )


def wrong(row: int, **cells: str) -> Edit:
    return lambda rows: rows[row].update(cells)


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (wrong(0, quantity="1,500"), "line 2, quantity: 1,500 may be 1500"), (wrong(0, quantity="-3"), "line 2, quantity"),
        (wrong(0, quantity=""), "line 2, quantity: it is empty"), (wrong(0, quantity="0.0001"), "line 2, quantity"),
        (wrong(0, quantity="9" * 20), "line 2, quantity"), (wrong(0, unit="L"), "line 2"), (wrong(0, unit="buckets"), "line 2"),
        (wrong(0, at_utc="05/12/2026"), "line 2, at_utc"), (wrong(0, at_utc="2999-01-01"), "line 2, at_utc"), (wrong(0, at_utc=""), "line 2, at_utc"),
        (wrong(0, store=""), "line 2, store"), (wrong(0, action="fly"), "line 2, action"), (wrong(0, action="count"), "line 2, action: a movement is no count"),
        (wrong(0, reason="spoiled"), "line 2, reason"), (wrong(5, reason="bad luck"), "line 7, reason"), (wrong(0, to="Loft"), "line 2, to"),
        (wrong(0, who="Cleo"), "line 2, who"), (wrong(6, stated="4 bowls"), "line 8, stated"), (wrong(0, id="r0123456789abcdef01234567"), "line 2, id: no record"),
        (wrong(2, store="Loft"), "line 4, store: a count stays"), (lambda rows: rows.append(rows[0]), "line 9, id: line 2 is the same row"),
        (lambda rows: rows.append({"action": "raise", "item": "Rye", "quantity": "3", "unit": "kg"}), "line 9, store: it is empty"),
        (lambda rows: rows.append({"action": "fly", "item": "Rye", "quantity": "3", "unit": "kg", "store": "S"}), "line 9, action"),
        (lambda rows: rows.append({"action": "raise", "item": "R\x1by", "quantity": "3", "unit": "kg", "store": "S"}), "line 9, item"),
        (wrong(0, store="B\x1barn"), "line 2, store: it holds"), (wrong(0, note="x" * 2001), "line 2, note"),
        (lambda rows: rows.append({"action": "raise", "item": "Oats", "quantity": "3", "unit": "L", "store": "S"}), "line 9"),
    ],
)  # fmt: skip
def test_wrong_lines_are_named_and_nothing_is_written(
    full: Place, tmp_path: Path, edit: Edit, said: str
) -> None:
    file = tmp_path / "stock.csv"
    rows = export(full, file)
    rows[1]["quantity"] = "2"
    edit(rows)
    save(file, rows, list(rows[0]))
    before = records(full)
    error = full.refused("stock", "import", file, "--as", "Ann", code=11)
    assert said in error["message"]
    assert "nothing would be written" in full("stock", "import", file, "--as", "Ann", "--dry-run").out
    assert records(full) == before


def test_a_table_of_another_kind_is_refused_with_what_is_missing(full: Place, tmp_path: Path) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("product;amount\nOats;3\n")
    assert "no column id" in full.refused("stock", "import", file, "--as", "Ann", code=11)["message"]
    full.refused("stock", "import", tmp_path / "none.csv", "--as", "Ann", code=2)
    full.refused("stock", "export", tmp_path / "no" / "where.csv", code=2)
    export(full, file)
    full.refused("stock", "import", file, "--as", "Nobody", code=6)


def test_what_is_exported_can_be_narrowed(full: Place) -> None:
    assert len(full.json("stock", "export", "--item", "oats")["rows"]) == 4
    assert len(full.json("stock", "export", "--store", "mill, upper")["rows"]) == 1


def test_what_is_kept_local_is_not_exported_and_that_is_said(full: Place, tmp_path: Path) -> None:
    assert "kept local" not in full("stock", "export", tmp_path / "one.csv").out
    full("stock", "add", "Honey", "3", "kg", "--store", "Barn", "--local", "--as", "Ann")
    assert "What is kept local is not in it." in full("stock", "export", tmp_path / "two.csv").out
    assert (tmp_path / "two.csv").read_text() == (tmp_path / "one.csv").read_text()
    value = full.json("export", "stock", "--valueflows", tmp_path / "it.jsonld")
    assert "left out: what is kept local (once)" in value["notes"]
    assert "Honey" not in (tmp_path / "it.jsonld").read_text()


def test_lines_of_bowls_lose_no_gram_in_the_sum(node: Place, tmp_path: Path) -> None:
    node("stock", "unit", "add", "cup", "=", "1/3", "g", "--item", "Saffron", "--as", "Ann")
    rows = [
        {"id": "", "at_utc": f"2026-05-{day:02}", "action": "raise", "item": "Saffron", "quantity": "1", "unit": "cup", "store": "S"}
        for day in range(1, 10)
    ]  # fmt: skip
    save(tmp_path / "new.csv", rows)
    node("stock", "import", tmp_path / "new.csv", "--as", "Ann")
    assert node.level("Saffron", "S")["on_hand"] == {"quantity": 3, "unit": "g"}
