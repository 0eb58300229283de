"""Tables and local units under a mandate: a steward edits what others recorded, and a table of another community can be read."""

from pathlib import Path

from tests.acts.test_stewards import AS, Stores, stores

__all__ = ["stores"]


def test_a_steward_edits_a_table_and_says_what_a_sack_is_under_a_mandate(
    stores: Stores, tmp_path: Path
) -> None:
    stores.move(12, "add", "Ann")
    stores.give(may="economic_event,unit_factor")
    oakfield, file = stores.place("Oakfield"), tmp_path / "stock.csv"
    oakfield("stock", "unit", "add", "sack", "=", "5", "kg", "--item", "Oats", "--as", "Vera", *AS)
    oakfield("stock", "export", file)
    text = file.read_text("utf-8")
    file.write_text(
        text.replace(",12,kg,", ",10,kg,") + ",,consume,Oats,1,sack,Granary,,,,,,\n", encoding="utf-8"
    )
    value = oakfield.json("stock", "import", file, "--as", "Vera", *AS)
    assert (value["new"], value["corrected"]) == (1, 1)
    assert stores.oats() == 5
    # Counts are not in the mandate.
    file.write_text(text + ",2026-05-12,count,Oats,4,kg,Granary,,,,,,\n", encoding="utf-8")
    stores.refused("stock", "import", file, "--as", "Vera")
    assert stores.oats() == 5


def test_the_table_of_another_community_can_be_read_and_is_written_by_nobody_without_a_mandate(
    stores: Stores, tmp_path: Path
) -> None:
    stores.move(12, "add", "Ann")
    stores.meet()
    mill, file = stores.place("Mill Lane"), tmp_path / "stock.csv"
    assert (
        mill.json("stock", "export", "--body", "Oakfield")["rows"]
        == stores.place("Oakfield").json("stock", "export")["rows"]
    )
    mill("stock", "export", file, "--body", "Oakfield")
    assert mill.json("stock", "export")["rows"] == []
    file.write_text(file.read_text("utf-8").replace(",12,kg,", ",10,kg,"), encoding="utf-8")
    words = ("stock", "import", file, "--as", "Ben", *AS)
    assert "no record of ours" in str(mill.refused(*words, code=11)["message"])
    assert mill.refused(*words, "--body", "Oakfield", code=7)["code"] == "no_seat"
