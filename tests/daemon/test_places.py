"""Copied and restored homes, end to end: nobody forks a log by having made a backup."""

import shutil
from pathlib import Path

from fedsync import config
from fedsync.reading import Reading
from fedsync.records.ids import LogClass
from tests.daemon.village import Node, Village, equal, until

WRITE = ("stock", "add", "Oats", "7", "g", "--store", "Granary", "--as", "Ann", "--no-passphrase", "--yes")


def twins(village: Village) -> tuple[Node, Node, Node]:
    """Return a node, its peer, and a copy of the node made while its daemon was down; only the peer runs."""
    oak, mill = village.line("Oakfield", "Mill Lane")
    oak.move("Ann", 1, 2)
    equal(oak, mill)
    oak.stop()
    copy = village.path / "copy"
    shutil.copytree(oak.home.path, copy)
    twin = Node(copy, "Oakfield")
    village.nodes.append(twin)
    return oak, mill, twin


def forks(node: Node) -> int:
    """Return how many logs are forked."""
    with Reading.open(node.home) as reading:
        return sum(
            row[0]
            for row in reading.store.conn.execute("SELECT count(*) FROM logs WHERE fork_seq IS NOT NULL")
        )


def fact_logs(node: Node, of: Node) -> int:
    """Return how many fact logs of a community's tellers a node holds."""
    with Reading.open(of.home) as reading:
        scope = reading.own().scope
    with Reading.open(node.home) as reading:
        query = "SELECT count(*) FROM logs WHERE scope = ? AND class = ?"
        return int(reading.store.conn.execute(query, (scope, int(LogClass.FACTS))).fetchone()[0])


def settled(node: Node, how: str) -> None:
    """Let a node pull, and the operator say how it goes on."""
    assert node.json(*WRITE, code=7)["error"]["code"] == "copied_home"
    node.start()
    until(lambda: "say whether" in node.json("status").get("warning", ""), why=node.said)
    assert node.json(*WRITE, code=7)["error"]["code"] == "copied_home"
    node.run("restore", how)
    node.run(*WRITE)


def test_a_copy_writes_nothing_before_it_has_pulled_and_somebody_has_said_how_to_go_on(
    village: Village,
) -> None:
    oak, mill, twin = twins(village)
    refusal = twin.json("restore", "--old-machine-is-gone", code=7)["error"]
    assert refusal["code"] == "not_settled"
    settled(twin, "--old-machine-is-gone")
    equal(twin, mill)
    assert twin.stock() == 10
    assert (forks(twin), forks(mill), fact_logs(mill, oak)) == (0, 0, 1)


def test_what_the_old_machine_wrote_after_the_copy_is_pulled_before_its_logs_go_on(village: Village) -> None:
    oak, mill, twin = twins(village)
    oak.start()
    oak.move("Ann", 100)
    equal(oak, mill)
    oak.kill()
    settled(twin, "--old-machine-is-gone")
    equal(twin, mill)
    assert twin.stock() == 110
    assert (forks(twin), forks(mill), fact_logs(mill, oak)) == (0, 0, 1)


def test_with_new_logs_the_old_machine_and_the_copy_both_write_on(village: Village) -> None:
    oak, mill, twin = twins(village)
    # Two machines with one node's key cannot both keep a link, nor listen at one port: the copy moves.
    text = twin.home.config.read_text()
    listen = config.load(twin.home.config).listen
    assert listen is not None
    port = str(listen.port)
    twin.home.config.write_text(text.replace(port, "0"))
    settled(twin, "--new-logs")
    equal(twin, mill)
    twin.stop()
    oak.start()
    oak.move("Ann", 1000)
    equal(oak, mill)
    assert oak.stock() == 1010
    assert (forks(oak), forks(mill), fact_logs(mill, oak)) == (0, 0, 2)


def test_an_old_store_put_back_in_place_is_found_out_by_a_peer(village: Village) -> None:
    oak, mill = village.line("Oakfield", "Mill Lane")
    oak.move("Ann", 1, 2)
    equal(oak, mill)
    oak.stop()
    old = village.path / "old.db"
    shutil.copyfile(oak.home.store, old)
    oak.start()
    oak.move("Ann", 100)
    equal(oak, mill)
    oak.stop()
    # As a snapshot of the disk would: the same file, with what it held before.
    with old.open("rb") as source, oak.home.store.open("r+b") as target:
        shutil.copyfileobj(source, target)
        target.truncate()
    for beside in ("-wal", "-shm"):
        Path(f"{oak.home.store}{beside}").unlink(missing_ok=True)
    assert "warning" not in oak.json("status")
    oak.start()
    until(lambda: "say whether" in oak.json("status").get("warning", ""), why=oak.said)
    assert oak.json(*WRITE, code=7)["error"]["code"] == "copied_home"
    equal(oak, mill)
    oak.run("restore", "--old-machine-is-gone")
    oak.run(*WRITE)
    equal(oak, mill)
    assert oak.stock() == 110
    assert (forks(oak), forks(mill)) == (0, 0)
