"""Tables edited at random, in every form that programs save: what is exported afterwards is the edited table, to the letter."""

import csv
import io
from collections import Counter
from pathlib import Path
from random import Random

from tests.cli.calling import Place
from tests.seeds import seeds

Row = dict[str, str]
SIZES = {"g": ("g", 1), "kg": ("g", 1_000), "mL": ("mL", 1), "L": ("mL", 1_000)}
ITEMS = {"Oats": "g", "Rye": "g", "Milk": "mL", "=Beans": "g"}
STORES = ("Barn", "Mill, upper", "@Loft", '"Cellar"')
NOTES = ("", "=1+1", "-", "'so", "a;b", "two words", "+49", "Ärger, viel")


def test_what_is_exported_after_an_edited_table_was_taken_in_is_that_table(
    node: Place, tmp_path: Path
) -> None:
    for seed in seeds(6):
        random = Random(seed)
        file, original = tmp_path / "edited.csv", tmp_path / "original.csv"
        rows = exported(node, original)
        who = random.choice(["Ann", "Ben"])
        expected: list[Row] = []
        edited: list[Row] = []
        removed = random.random() < 0.5
        for row in rows:
            if random.random() < 0.15 and row["action"] != "count":
                # A row that is gone counts as nothing, if that was said; else it stays as it was.
                expected.append({**row, "quantity": "0"} if removed else row)
                continue
            new = dict(row)
            if random.random() < 0.4:
                edit(random, new, who)
            edited.append(new)
            expected.append(new)
        for _ in range(random.randint(1, 5)):
            new = a_new_row(random)
            edited.append(new)
            expected.append(new)
        random.shuffle(edited)
        save(random, file, edited)
        words = ["stock", "import", file, "--as", who, *(["--removed", original] if removed else [])]
        said = node.json(*words, "--dry-run")
        value = node.json(*words)
        assert {**said, "dry_run": False} == value
        assert value["wrong"] == []
        again = exported(node, tmp_path / "again.csv")
        assert Counter(map(meant, again)) == Counter(map(meant, expected)), seed
        assert node.json(*words)["corrected"] == 0


def exported(node: Place, file: Path) -> list[Row]:
    """Return the rows that are exported, as they stand in the file."""
    node("stock", "export", file)
    return list(csv.DictReader(io.StringIO(file.read_text("utf-8"), newline="")))


def meant(row: Row) -> tuple[str, ...]:
    """Return what a row says, whatever its quantity is written in."""
    unit, size = SIZES[row["unit"]]
    cells = [row.get(each, "") for each in ("item", "store", "to", "note")]
    amount = str(round(float(row["quantity"].replace(",", ".")) * size))
    return (row["at_utc"], row["action"], amount, unit, *cells)


def edit(random: Random, row: Row, who: str) -> None:
    if row["action"] == "count":
        if row["who"] == who:
            row["quantity"] = str(random.randint(0, 90))
        return
    match random.choice(["quantity", "note", "store", "at", "action", "item"]):
        case "quantity":
            row["quantity"] = random.choice(
                [str(random.randint(1, 900)), f"{random.randint(1, 9)},{random.randint(1, 9)}"]
            )
            row["unit"] = "kg" if SIZES[row["unit"]][0] == "g" else "L"
        case "note":
            row["note"] = guarded(random.choice(NOTES))
        case "store":
            row["store"] = guarded(
                random.choice([each for each in STORES if each != row["to"].removeprefix("'")])
            )
        case "at":
            row["at_utc"] = a_time(random)
        case "action" if row["action"] != "move":
            row["action"] = random.choice(["raise", "consume", "produce", "lower"])
        case "item":
            same = [name for name, unit in ITEMS.items() if unit == SIZES[row["unit"]][0]]
            row["item"] = guarded(random.choice(same))
        case _:
            pass


def a_new_row(random: Random) -> Row:
    item = random.choice(sorted(ITEMS))
    action = random.choice(["raise", "consume", "move", "count"])
    store, to = random.sample(STORES, 2)
    return {
        "at_utc": a_time(random),
        "action": action,
        "item": guarded(item),
        "quantity": str(random.randint(1, 50)),
        "unit": "kg" if ITEMS[item] == "g" else "L",
        "store": guarded(store),
        "to": guarded(to) if action == "move" else "",
        "note": guarded(random.choice(NOTES)),
    }


def a_time(random: Random) -> str:
    """Return a moment that no other row has, in all likelihood."""
    return f"2026-0{random.randint(1, 5)}-{random.randint(10, 28)}T{random.randint(10, 23)}:{random.randint(10, 59)}:{random.randint(10, 59)}.{random.randint(100, 999)}Z"


def guarded(text: str) -> str:
    """Return a text as it is exported: so that no program takes it for a formula."""
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "'") else text


def save(random: Random, file: Path, rows: list[Row]) -> None:
    heads = [
        "id",
        "at_utc",
        "action",
        "item",
        "quantity",
        "unit",
        "store",
        "to",
        "lot",
        "reason",
        "note",
        "who",
        "stated",
    ]
    random.shuffle(heads)
    text = io.StringIO(newline="")
    writer = csv.DictWriter(
        text,
        heads,
        restval="",
        delimiter=random.choice(",;\t"),
        quoting=random.choice([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]),
        lineterminator=random.choice(["\n", "\r\n"]),
    )
    writer.writeheader()
    writer.writerows(rows)
    file.write_bytes(text.getvalue().encode(random.choice(["utf-8", "utf-8-sig", "utf-16"])))
