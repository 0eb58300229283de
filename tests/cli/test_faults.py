"""What goes wrong with a node's directory: held, locked, read-only, full, newer, damaged, copied."""

import ctypes
import json
import os
import resource
import shutil
import sqlite3
import subprocess
from pathlib import Path
from random import Random

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from fedsync.doors import open_door
from fedsync.home import Home
from fedsync.records.ed25519 import public_key
from tests.cli.calling import Place, command_line, environment, found, process, well_said

ADD = ("stock", "add", "Oats", 1, "kg", "--store", "Granary", "--as", "Ann")
READ: tuple[tuple[str, ...], ...] = (
    ("status",),
    ("stock", "list"),
    ("book", "list"),
    ("log",),
    ("verify", "--all"),
    ("bodies", "show"),
    ("peers", "list"),
)


@pytest.fixture
def filled(node: Place) -> Place:
    """Return a node with a sealed page and some stock."""
    node.seal(node.propose("Oats"), "Ann", "Ben")
    node(*ADD)
    return node


def test_while_another_writes_who_wants_to_write_is_told_and_who_reads_reads(filled: Place) -> None:
    with Home(filled.path).lock():
        error = filled.refused(*ADD, code=4)
        assert str(os.getpid()) in error["message"]
        for line in ("rebuild", "run", "bodies epoch --threshold 3 --as Ann", "peers pause x"):
            filled.refused(*line.split(), code=4)
        for words in READ:
            filled(*words)
    filled(*ADD)


def test_two_processes_that_write_at_once_never_lose_a_record(filled: Place) -> None:
    words = command_line("--home", filled.path, *ADD)
    both = [
        subprocess.Popen(words, env=environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for _ in range(4)
    ]
    codes = [each.wait(60) for each in both]
    assert set(codes) <= {0, 4}
    assert filled.level("Oats")["on_hand"]["quantity"] == 1_000 * (1 + codes.count(0))
    assert filled.json("verify", "--all")["whole"]


def test_a_store_that_another_program_holds_is_exit_4(filled: Place) -> None:
    other = sqlite3.connect(filled.path / "store.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        done = filled("stock", "list")
        assert "Oats" in done.out
        error = filled(*ADD, "--json", code=4).error
        assert error["code"] == "store-locked"
    finally:
        other.close()
    filled(*ADD)


def test_a_home_that_may_only_be_read_is_read_and_writing_is_refused(filled: Place) -> None:
    for path in (filled.path, *filled.path.rglob("*")):
        path.chmod(0o500 if path.is_dir() else 0o400)
    try:
        for words in READ:
            assert process("--home", filled.path, *words, preexec_fn=_no_longer_above_the_rules).code == 0
        result = process("--home", filled.path, *ADD, preexec_fn=_no_longer_above_the_rules)
        assert result.code == 1
        assert well_said(result.err)
    finally:
        for path in (filled.path, *filled.path.rglob("*")):
            path.chmod(0o700 if path.is_dir() else 0o600)


def test_a_full_disk_loses_nothing_that_was_acknowledged(filled: Place, tmp_path: Path) -> None:
    file, columns = tmp_path / "many.csv", tmp_path / "map.toml"
    # At random and large, or they would be packed into what is left.
    random = Random(1)
    amounts = [random.randrange(10**14) for _ in range(40_000)]
    file.write_text("at,n\n" + "".join(f"2026-01-01,{amount}\n" for amount in amounts))
    columns.write_text(
        '[columns]\nat = "at"\nquantity = "n"\n[defaults]\nitem = "Oats"\nunit = "g"\nstore = "Granary"\naction = "raise"\n'
    )
    before = filled.json("status")
    size = (filled.path / "store.db").stat().st_size
    result = process(
        "--home", filled.path, "stock", "import", file, "--columns", columns, "--as", "Ann", "--json",
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size + 200_000, resource.RLIM_INFINITY)),
    )  # fmt: skip
    assert result.code == 1, result
    assert result.error["code"] in ("store-full", "store-failing", "store")
    assert result.error["try"], result.error
    assert filled.json("status") == before
    assert filled.json("verify", "--all")["whole"]
    filled("stock", "import", file, "--columns", columns, "--as", "Ann")
    assert filled.level("Oats")["on_hand"]["quantity"] == 1_000 + sum(amounts)


def test_a_store_that_a_later_fedsync_wrote_is_left_alone(filled: Place) -> None:
    with sqlite3.connect(filled.path / "store.db") as conn:
        (version,) = conn.execute("PRAGMA user_version").fetchone()
        conn.execute(f"PRAGMA user_version = {version + 1}")
    conn.close()
    before = (filled.path / "store.db").read_bytes()
    for words in (*READ, ADD, ("rebuild",)):
        error = filled.refused(*words, code=3)
        assert error["code"] == "store-too-new"
        assert "newer" in error["try"]
    assert (filled.path / "store.db").read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00" + b"\xff" * 5000, b"hello" * 1000])
def test_what_is_no_store_is_told_and_left_alone(filled: Place, content: bytes) -> None:
    for beside in filled.path.glob("store.db-*"):
        beside.unlink()
    (filled.path / "store.db").write_bytes(content)
    for words in (("status",), ADD, ("verify", "--all")):
        result = process("--home", filled.path, *words, "--json")
        assert result.code in (3, 8, 11), result
        assert result.error["try"]
    assert (filled.path / "store.db").read_bytes() == content


def test_another_programs_database_is_not_taken_for_a_store(filled: Place) -> None:
    (filled.path / "store.db").unlink()
    with sqlite3.connect(filled.path / "store.db") as conn:
        conn.execute("CREATE TABLE cats (name)")
    conn.close()
    for words in (("status",), ADD):
        assert filled.refused(*words, code=11)["code"] == "store-foreign"


def test_damage_to_one_record_is_found_and_named(filled: Place) -> None:
    with sqlite3.connect(filled.path / "store.db") as conn:
        no, raw = conn.execute("SELECT no, raw FROM blocks ORDER BY no DESC LIMIT 1").fetchone()
        conn.execute(
            "UPDATE blocks SET raw = ? WHERE no = ?", (raw[:60] + bytes([raw[60] ^ 1]) + raw[61:], no)
        )
    conn.close()
    result = filled("verify", "--all", "--json", code=8).json
    assert result["error"]["code"] == "damage"
    assert result["whole"] is False
    assert result["faults"]
    words = filled("verify", "--all", code=8)
    assert "DAMAGE" in words.out
    assert "backup" in words.err


def test_a_state_that_does_not_follow_from_the_records_is_found_and_mended(filled: Place) -> None:
    before = filled.json("status")
    with sqlite3.connect(filled.path / "store.db") as conn:
        (table,) = conn.execute("SELECT name FROM sqlite_master WHERE name LIKE '%stock_balance'").fetchone()
        conn.execute(f"UPDATE {table} SET on_hand = on_hand + 1")
    conn.close()
    assert filled.json("verify")["whole"]
    assert "fedsync rebuild" in filled("verify", "--all", "--json", code=8).error["message"]
    assert filled("rebuild", "--json", code=8).json["state_root"] == before["state_root"]
    assert filled.json("verify", "--all")["whole"]
    assert filled.json("rebuild")["same"]
    assert filled.json("status") == before


def test_damage_to_the_file_is_found_without_all(filled: Place) -> None:
    with sqlite3.connect(filled.path / "store.db") as conn:
        conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    conn.close()
    content = bytearray((filled.path / "store.db").read_bytes())
    for page in range(2, len(content) // 4096, 2):
        content[page * 4096 : page * 4096 + 200] = b"\xff" * 200
    (filled.path / "store.db").write_bytes(content)
    for words in (("verify",), ("verify", "--all"), ADD):
        result = process("--home", filled.path, *words, "--json")
        assert result.code == 8, result
        assert result.error["try"]


# --- Copied and restored ------------------------------------------------------------------------------


@pytest.fixture
def copy(filled: Place) -> Place:
    """Return a copy of the node's directory, as `cp -a` makes it."""
    subprocess.run(["cp", "-a", filled.path, filled.path.with_name("copy")], check=True, timeout=60)
    return Place(filled.path.with_name("copy"))


def test_a_copied_directory_reads_and_writes_nothing(copy: Place) -> None:
    error = copy.refused(*ADD, code=7)
    assert error["code"] == "copied_home"
    assert "fedsync restore" in error["try"]
    for line in ("decisions propose --title T --text - --as Ann", "bodies epoch --threshold 3 --as Ben"):
        copy.refused(*line.split(), code=7)
    for words in READ:
        copy(*words)
    assert "copied" in copy.json("status")["warning"]
    assert "copied" in copy("status").out
    assert copy.json("verify", "--all")["whole"]


@pytest.mark.parametrize("words", [(), ("--old-machine-is-gone", "--new-logs")])
def test_restore_asks_which(copy: Place, words: tuple[str, ...]) -> None:
    assert "--new-logs" in copy.refused("restore", *words, code=2)["try"]


def test_with_the_old_machine_gone_it_goes_on_with_the_old_logs(copy: Place) -> None:
    copy.refused(*ADD, code=7)
    copy("restore", "--old-machine-is-gone")
    copy(*ADD)
    assert copy.level("Oats")["on_hand"]["quantity"] == 2_000
    assert len({row["log"] for row in _facts(copy)}) == 1


def test_with_the_old_machine_alive_it_begins_logs_of_its_own(copy: Place) -> None:
    copy.refused(*ADD, code=7)
    copy("restore", "--new-logs")
    copy(*ADD)
    assert copy.level("Oats")["on_hand"]["quantity"] == 2_000
    assert len({row["log"] for row in _facts(copy)}) == 2
    assert "warning" not in copy.json("status")


def test_with_peers_it_must_hear_from_one_first(copy: Place) -> None:
    _add_a_peer(copy)
    error = copy.refused("restore", "--new-logs", code=7)
    assert "fedsync run" in error["try"]
    copy("peers", "remove", "Mill Lane", "--yes")
    copy("restore", "--new-logs")


def test_a_directory_that_was_moved_within_its_disk_is_the_same(filled: Place) -> None:
    moved = filled.path.with_name("moved")
    filled.path.rename(moved)
    Place(moved)(*ADD)


def test_a_node_may_be_made_where_one_was_removed(filled: Place) -> None:
    shutil.rmtree(filled.path)
    found(filled.path)


def _no_longer_above_the_rules() -> None:
    """Let root too be refused by a file's mode, in the program that is started next."""
    libc = ctypes.CDLL(None)
    for capability in (1, 2):  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
        libc.prctl(24, capability, 0, 0, 0)  # PR_CAPBSET_DROP


def _facts(node: Place) -> list[dict[str, object]]:
    rows = (line for line in node("log", "-n", 999, "--json").out.splitlines() if "economic_event" in line)
    return [node.json("show", json.loads(line)["id"]) for line in rows]


def _add_a_peer(node: Place) -> None:
    with open_door(Home(node.path)) as door:
        door.call(
            "add_peer",
            key=public_key(Ed25519PrivateKey.generate()).hex(),
            name="Mill Lane",
            addresses=["127.0.0.1:9"],
            scope="cd" * 16,
            body="ef" * 32,
        )
