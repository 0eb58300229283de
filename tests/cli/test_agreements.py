"""`fedsync stock agreements`: bodies agree, sign the very same words, and leave with the notice that these name."""

from pathlib import Path

from tests.acts.copied import copied
from tests.cli.calling import Place
from tests.cli.federation import Federation

SIGN = ("--no-passphrase",)


def test_an_agreement_is_proposed_signed_kept_and_left(tmp_path: Path) -> None:
    valley = copied(Federation, tmp_path)
    oak, mill, hill = (valley.place(name) for name in ("Oakfield", "Mill Lane", "Hill Farm"))
    value = oak.json(
        "stock", "agreements", "propose", "--title", "Seed for work", "--with", "Mill Lane",
        "--clause", "Seed=Oakfield gives oats.", "--clause", "Work=Mill Lane helps in May.", "--notice", 14,
        "--as", "Ann", *SIGN,
    )  # fmt: skip
    id_ = value["agreement"]
    valley.meet()
    (row,) = mill.json("stock", "agreements", "list")["agreements"]
    assert (row["agreement"], row["status"], row["missing"]) == (id_, "open", ["Mill Lane"])
    assert "waits for our signature" in "".join(row["line"] for row in mill.json("status")["waiting"])
    assert (
        hill.refused("stock", "agreements", "sign", id_, "--as", "Ann", *SIGN, code=7)["code"]
        == "not_a_party"
    )
    assert oak.refused("stock", "agreements", "sign", id_, "--as", "Ann", *SIGN, code=7)["code"] == "signed"
    assert (
        mill.json("stock", "agreements", "sign", "Seed for work", "--as", "Ann", *SIGN)["status"]
        == "in force"
    )
    valley.meet()
    shown = oak("stock", "agreements", "show", id_).out
    assert "Seed: Oakfield gives oats." in shown
    assert "Mill Lane signed" in shown
    offer = oak.json("stock", "offer", "Oats", 10, "kg", "--as", "Ann", *SIGN)["id"]
    oak("stock", "promise", offer, 5, "kg", "--to", "Mill Lane", "--under", id_, "--as", "Ann", *SIGN)
    assert "promised under it: 5 kg of Oats" in oak("stock", "agreements", "show", id_).out
    early = mill.refused(
        "stock", "agreements", "end", id_, "--from", "2020-01-01", "--as", "Ann", *SIGN, code=7
    )
    assert "14 days" in early["message"]
    mill("stock", "agreements", "end", id_, "--as", "Ann", *SIGN)
    again = mill.refused("stock", "agreements", "end", id_, "--as", "Ann", *SIGN, code=7)
    assert again["code"] == "ends_already"
    valley.meet()
    (row,) = oak.json("stock", "agreements", "list")["agreements"]
    assert row["ends"] is not None
    assert "in force, ends 20" in oak("stock", "agreements", "list").out
    assert "Mill Lane said that it ends" in oak("stock", "agreements", "show", id_).out


def test_what_can_be_no_agreement_is_refused(node: Place) -> None:
    error = node.refused(
        "stock", "agreements", "propose", "--title", "Alone", "--with", "Oakfield", "--clause", "A=b", "--as", "Ann", code=2
    )  # fmt: skip
    assert "This can't be an agreement" in error["message"]
    node.refused(
        "stock", "agreements", "propose", "--title", "X", "--with", "Oakfield", "--clause", "words", "--as", "Ann", code=2
    )  # fmt: skip
    node.refused("stock", "agreements", "show", "abcd", code=6)
    assert node("stock", "agreements", "list").out == "There are no agreements.\n"
