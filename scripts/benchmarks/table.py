"""`fedsync stock import` of the 13,809 Italian movements, as the whole command."""

import argparse
import csv
import subprocess
import sys
import time
from typing import Any

from benchmarks.nodes import make_home, workplace
from fedsync.data import movements

MAP = """
[columns]
item = "product"
quantity = "delta"
at = "day"
action = "action"
store = "region"

[defaults]
item = "doses"
unit = "dose"

[actions]
receive = ["raise", "lower"]
return = ["raise", "lower"]
consume = "consume"
"""


def main(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the seconds that the command takes."""
    with workplace() as where:
        home = make_home(where / "home", "Here")
        table, map_file = where / "movements.csv", where / "map.toml"
        map_file.write_text(MAP)
        rows = movements()
        with table.open("w", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["day", "region", "action", "product", "delta"])
            writer.writerows([each.day, each.region, each.action, each.product, each.delta] for each in rows)
        command = [sys.executable, "-m", "fedsync.cli.main", "--home", str(home.path), "stock", "import"]
        begun = time.perf_counter()
        done = subprocess.run(
            [*command, str(table), "--columns", str(map_file), "--as", "teller 0", "--json"],
            capture_output=True,
            text=True,
            check=False,
        )
        took = time.perf_counter() - begun
        if done.returncode:
            raise SystemExit(done.stdout + done.stderr)
    return {"movements": len(rows), "seconds": round(took, 2)}
